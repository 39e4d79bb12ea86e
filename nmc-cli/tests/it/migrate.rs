//! `nmc migrate`, and what the other commands make of a schema that is not theirs.

use crate::home::Home;
use crate::nmc::{Nmc, PROGRAM, migrations};
use nmc_core::testing::TestDb;
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use serde_json::Value;
use std::ffi::OsStr;
use std::fs::File;
use std::io::Write as _;
use std::os::unix::ffi::OsStrExt as _;

/// How many migrations are in this state.
fn count(nmc: &Nmc, state: &str) -> usize {
    let status = nmc.run(&["migrate", "status", "--format", "json"]).json();
    status["items"].as_array().expect("rows").iter().filter(|row| row["state"] == state).count()
}

fn all() -> usize {
    migrations().len()
}

fn newest() -> String {
    migrations().pop().expect("a migration")
}

#[test]
fn status_and_dry_run_change_nothing_and_run_runs_once() {
    let db = TestDb::empty();
    let nmc = Nmc::on(db.url());
    let tables = || db.query::<i64>("SELECT count(*) FROM pg_class WHERE relnamespace = 'public'::regnamespace")[0];
    assert_eq!(count(&nmc, "pending"), all());
    let sql = nmc.run(&["migrate", "run", "--dry-run"]).ok().out;
    assert!(sql.starts_with("-- 2026-11-22-000001_create_roles_and_functions\n") && sql.contains("CREATE TABLE tenants"));
    assert_eq!(tables(), 0);

    let said = nmc.run(&["migrate", "run"]).ok();
    assert_eq!((said.out.as_str(), said.err.matches("applied ").count()), ("", all()));
    assert_eq!(count(&nmc, "applied"), all());
    let said = nmc.run(&["migrate", "run"]).ok();
    assert_eq!(said.err, "nothing to do: the database is up to date\n");
    assert_eq!(nmc.run(&["migrate", "run", "--dry-run"]).ok().out, "");
    assert!(nmc.run(&["migrate", "status"]).ok().out.contains("create_identity"));
}

#[test]
fn verify_names_every_difference_and_fails() {
    let db = TestDb::new();
    let nmc = Nmc::on(db.url());
    let said = nmc.run(&["migrate", "verify"]).ok();
    assert_eq!((said.out.as_str(), said.err.as_str()), ("", "the schema is as expected\n"));

    db.execute("ALTER TABLE calls DROP COLUMN caller_country; CREATE TABLE strange (id int); ALTER TABLE users NO FORCE ROW LEVEL SECURITY");
    let said = nmc.run(&["migrate", "verify"]).code(1);
    let names = |kind: &str, what: &str| said.out.lines().any(|line| line.starts_with(kind) && line.contains(what));
    assert!(names("missing: ", "caller_country"), "{said:?}");
    assert!(!said.out.contains("strange"), "somebody else's: {said:?}");
    assert!(names("missing: ", "users") && names("unexpected: ", "users"), "{said:?}");
    assert_eq!(said.err, format!("{} differences from the expected schema\n", said.out.lines().count()));
}

#[test]
fn nothing_is_taken_back_unless_somebody_says_so() {
    let db = TestDb::new();
    let nmc = Nmc::on(db.url());
    for command in ["revert", "redo"] {
        nmc.run(&["migrate", command])
            .refused(2, &format!("{}: the tables they made go, with all their data: say --yes", newest()));
        let plan = nmc.run(&["migrate", command, "--count", "99", "--dry-run"]).ok().out;
        assert!(plan.contains("DROP TABLE") && plan.contains(&newest()), "{plan}");
        nmc.run(&["migrate", command, "--count", "0", "--yes"]).refused(2, "--count");
    }
    assert_eq!(count(&nmc, "applied"), all());

    db.execute("INSERT INTO tenants (business_name) VALUES ('kept')");
    let said = nmc.run(&["migrate", "redo", "--count", "2", "--yes"]).ok();
    assert_eq!(said.err.matches(" again\n").count(), 2, "{said:?}");
    assert_eq!(count(&nmc, "applied"), all());
    let said = nmc.run(&["migrate", "revert", "--yes"]).ok();
    assert_eq!(said.err, format!("took back {}\n", newest()));
    assert_eq!((count(&nmc, "applied"), count(&nmc, "pending")), (all() - 1, 1));
    assert_eq!(db.query::<String>("SELECT business_name FROM tenants"), ["kept"]);

    nmc.run(&["migrate", "revert", "--count", "99", "--yes"]).ok();
    assert_eq!(count(&nmc, "pending"), all());
    let said = nmc.run(&["migrate", "revert"]).ok();
    assert_eq!(said.err, "nothing to do: no migration is applied\n");
    nmc.run(&["migrate", "run"]).ok();
    nmc.run(&["migrate", "verify"]).ok();
}

#[test]
fn at_a_terminal_it_asks() {
    let db = TestDb::new();
    let nmc = Nmc::on(db.url());
    let revert = |answer: &str| {
        let keyboard = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).expect("a terminal");
        grantpt(&keyboard).and_then(|()| unlockpt(&keyboard)).expect("a terminal of our own");
        let name = ptsname(&keyboard, Vec::new()).expect("its name");
        let screen = File::options().read(true).write(true).open(OsStr::from_bytes(name.as_bytes())).expect("its other end");
        let mut keyboard = File::from(keyboard);
        keyboard.write_all(answer.as_bytes()).expect("an answer");
        crate::nmc::Said::by(nmc.command(PROGRAM).args(["migrate", "revert"]).stdin(screen))
    };
    for no in ["\n", "n\n", "yeah\n"] {
        let said = revert(no).refused(2, "nothing was done");
        assert!(
            said.err.contains(&format!("{}: the tables they made go, with all their data. Go on? [y/N] ", newest())),
            "{said:?}"
        );
    }
    assert_eq!(count(&nmc, "applied"), all());
    revert("y\n").ok();
    assert_eq!(count(&nmc, "applied"), all() - 1);
}

#[test]
fn a_database_that_is_ahead_is_refused_by_every_command() {
    let db = TestDb::new();
    let nmc = Nmc::on(db.url());
    db.execute("INSERT INTO nmc_migrations (version, name, fingerprint) VALUES ('29991231000001', 'come_later', '')");
    for command in [
        &["migrate", "run"][..],
        &["migrate", "revert", "--yes"],
        &["migrate", "redo", "--yes"],
        &["up"],
        &["serve"],
        &["worker"],
        &["tenant", "list"],
    ] {
        nmc.run(command).refused(2, "migration 29991231000001, which this");
    }
    let status = nmc.run(&["migrate", "status", "--format", "json"]).json();
    let newest: &Value = &status["items"][all()];
    assert_eq!((&newest["version"], &newest["state"]), (&"29991231000001".into(), &"unknown to this nmc".into()));
    assert_eq!(db.query::<usize>("SELECT count(*) FROM nmc_migrations"), [all() + 1]);
}

#[test]
fn before_the_migrations_every_command_says_how_to_run_them() {
    let db = TestDb::empty();
    let nmc = Nmc::on(db.url());
    for command in [
        &["tenant", "list"][..],
        &["tenant", "onboard", "--name", "Joe"],
        &["number", "list", "--tenant", "Joe"],
        &["call", "list", "--tenant", "Joe"],
        &["conversation", "show", "--tenant", "Joe", "+14155550123"],
        &["serve"],
        &["worker"],
    ] {
        nmc.run(command).refused(2, "run: nmc migrate run");
    }
}

#[test]
fn schema_of_our_own_holds_everything() {
    let db = TestDb::empty();
    let nmc = Nmc::on(db.url()).with("NMC_DATABASE_SCHEMA", "nmc");
    nmc.run(&["migrate", "run"]).ok();
    nmc.run(&["migrate", "verify"]).ok();
    nmc.run(&["tenant", "onboard", "--name", "Joe's Plumbing"]).ok();
    Nmc::on(db.url()).run(&["tenant", "list"]).refused(2, "run: nmc migrate run");
    nmc.run(&["tenant", "list", "--database-schema", "Nmc"]).refused(2, "small letters");
}

#[test]
fn role_that_opens_the_wall_is_told_by_verify() {
    let home = Home::migrated();
    let server = home.hold();
    assert!(home.nmc.run(&["migrate", "verify"]).ok().out.is_empty());
    for (opened, told, closed) in [
        (
            "ALTER ROLE nmc_tenant BYPASSRLS",
            "unexpected: role nmc_tenant bypasses row security",
            "ALTER ROLE nmc_tenant NOBYPASSRLS",
        ),
        (
            "CREATE ROLE anon; GRANT nmc_system TO anon",
            "unexpected: role nmc_system is inherited by anon",
            "REVOKE nmc_system FROM anon",
        ),
    ] {
        TestDb::execute_at(&server.backup_url(), opened);
        let said = home.nmc.run(&["migrate", "verify"]).code(1);
        assert_eq!(said.out.lines().collect::<Vec<_>>(), [told]);
        TestDb::execute_at(&server.backup_url(), closed);
    }
    TestDb::execute_at(&server.backup_url(), "CREATE INDEX acme_idx ON calls (price); GRANT SELECT ON calls TO anon");
    assert_eq!(home.nmc.run(&["migrate", "verify", "--leave", "calls.acme_idx"]).code(1).out.lines().count(), 1);
    home.nmc.run(&["migrate", "verify", "--leave", "calls.acme_idx", "--leave", "anon"]).ok();
    TestDb::execute_at(&server.backup_url(), "DROP INDEX acme_idx; DROP OWNED BY anon");
    home.nmc.run(&["migrate", "verify"]).ok();
}
