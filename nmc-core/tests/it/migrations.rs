//! The migration runner: each migration once, all of it or nothing, and never on a database that is ahead of the program.

use diesel::connection::SimpleConnection as _;
use nmc_core::Confirmed;
use nmc_core::Secret;
use nmc_core::store::embedded::{EmbeddedOptions, EmbeddedPostgres};
use nmc_core::store::{MigrateError, Migration, Migrator};
use nmc_core::testing::{TestDb, pg_bin, query, wait_until};
use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Mutex;
use std::time::Duration;

mod history;
mod in_the_way;

const PATIENT: Duration = Duration::from_secs(20);
const IMPATIENT: Duration = Duration::from_millis(100);

const FIRST: Migration =
    Migration { name: "2030-01-01-000001_create_first", up: "CREATE TABLE first (id INTEGER)", down: "DROP TABLE first" };
const SECOND: Migration =
    Migration { name: "2030-01-01-000002_create_second", up: "CREATE TABLE second (id INTEGER)", down: "DROP TABLE second" };
const THIRD: Migration =
    Migration { name: "2030-01-01-000003_create_third", up: "CREATE TABLE third (id INTEGER)", down: "DROP TABLE third" };

/// The same name as [`SECOND`], and stuck in the middle until whoever holds lock 42 lets go.
const STUCK: Migration = Migration {
    name: SECOND.name,
    up: "CREATE TABLE second (id INTEGER); SELECT pg_advisory_xact_lock(42)",
    down: "DROP TABLE second",
};

const CONCURRENT: Migration = Migration {
    name: "2030-01-01-000002_index_first",
    up: "-- transaction: none\nCREATE INDEX CONCURRENTLY first_id_idx ON first (id)",
    down: "DROP INDEX CONCURRENTLY first_id_idx",
};

fn migrator(db: &TestDb, migrations: &'static [Migration], patience: Duration) -> Migrator {
    Migrator::with(Secret::new(db.url()), migrations, patience)
}

/// The tables, indexes and the like that are there beside the history of migrations.
fn relations(db: &TestDb) -> Vec<String> {
    db.query(
        "SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relname !~ '^(__diesel_schema|nmc)_migrations'
         ORDER BY 1",
    )
}

fn names(migrations: impl Iterator<Item = Migration>) -> Vec<&'static str> {
    migrations.map(|migration| migration.name).collect()
}

#[test]
fn the_list_in_the_program_equals_the_folder() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../migrations");
    let mut found: Vec<String> = std::fs::read_dir(&folder)
        .unwrap()
        .map(|entry| entry.unwrap())
        .filter(|entry| entry.file_type().unwrap().is_dir())
        .map(|entry| entry.file_name().into_string().unwrap())
        .collect();
    found.sort();
    let db = TestDb::empty();
    let known: Vec<Migration> = db.store.migrator().status().unwrap().pending().collect();
    assert_eq!(names(known.iter().copied()), found, "in this order");
    for migration in known {
        let (version, title) = migration.name.split_once('_').unwrap();
        let digits = version.split('-').map(str::len).collect::<Vec<_>>() == [4, 2, 2, 6] && migration.version().len() == 14;
        assert!(digits && migration.version().bytes().all(|byte| byte.is_ascii_digit()), "{}", migration.name);
        assert!(title.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_'), "{}", migration.name);
        for (sql, file) in [(migration.up, "up.sql"), (migration.down, "down.sql")] {
            assert_eq!(sql, std::fs::read_to_string(folder.join(migration.name).join(file)).unwrap());
        }
    }
}

#[test]
fn the_owner_needs_no_superuser_to_begin_from_zero() {
    let db = TestDb::empty();
    let migrator = db.store.migrator();
    let all = migrator.status().unwrap().pending().count();
    assert_eq!(migrator.run(|_| {}).unwrap(), all);
    assert_eq!(migrator.verify().unwrap(), []);
    assert_eq!(migrator.run(|_| panic!("nothing is left to do")).unwrap(), 0);
    let owners: Vec<String> =
        db.query("SELECT DISTINCT relowner::regrole::text FROM pg_class WHERE relnamespace = 'public'::regnamespace");
    assert_eq!(owners, ["nmc"]);
    assert_eq!(db.query::<bool>("SELECT rolsuper OR rolbypassrls FROM pg_roles WHERE rolname = 'nmc'"), [false]);
    // And it can go back to where it began.
    assert_eq!(migrator.revert(usize::MAX, Confirmed::irrevocably(), |_| {}).unwrap(), all);
    assert_eq!(relations(&db), Vec::<String>::new());
}

#[test]
fn looking_at_an_empty_database_changes_nothing() {
    let db = TestDb::empty();
    let migrator = db.store.migrator();
    let status = migrator.status().unwrap();
    assert_eq!((status.applied().count(), status.unknown.len()), (0, 0));
    assert!(migrator.describe().unwrap().is_empty());
    assert!(!migrator.verify().unwrap().is_empty());
    assert_eq!(relations(&db), Vec::<String>::new());
}

#[test]
fn runners_at_once_apply_each_migration_once() {
    let db = TestDb::empty();
    let all = names(db.store.migrator().status().unwrap().pending());
    let done = Mutex::new(Vec::new());
    let total: usize = std::thread::scope(|scope| {
        let run = || db.store.migrator().run(|migration| done.lock().unwrap().push(migration.name)).unwrap();
        let runners: Vec<_> = (0..3).map(|_| scope.spawn(run)).collect();
        runners.into_iter().map(|runner| runner.join().unwrap()).sum()
    });
    assert_eq!(total, all.len());
    let mut done = done.into_inner().unwrap();
    // Each is told after its commit, when another runner may have told of the next one already.
    done.sort_unstable();
    assert_eq!(done, all);
    assert_eq!(db.store.migrator().verify().unwrap(), []);
}

/// Starts a runner of FIRST and STUCK, and does something while it is stuck in the middle of a migration.
fn while_a_runner_is_stuck<T>(db: &TestDb, then: impl FnOnce() -> T) -> (T, Result<usize, MigrateError>) {
    std::thread::scope(|scope| {
        let mut holder = db.superuser();
        holder.batch_execute("SELECT pg_advisory_lock(42)").unwrap();
        let runner = scope.spawn(|| migrator(db, &[FIRST, STUCK], PATIENT).run(|_| {}));
        db.wait_for_waiting_sessions(1);
        let then = then();
        drop(holder);
        (then, runner.join().unwrap())
    })
}

#[test]
fn a_runner_waits_for_another_no_longer_than_its_patience() {
    let db = TestDb::empty();
    let (second, first) = while_a_runner_is_stuck(&db, || migrator(&db, &[FIRST, STUCK], IMPATIENT).run(|_| {}));
    assert!(matches!(second, Err(MigrateError::Locked)), "{second:?}");
    assert_eq!(first.unwrap(), 2);
    assert_eq!(migrator(&db, &[FIRST, STUCK], IMPATIENT).run(|_| {}).unwrap(), 0);
}

#[test]
fn killed_runner_leaves_no_lock_and_no_half_migration() {
    let db = TestDb::empty();
    let (relations_then, killed) = while_a_runner_is_stuck(&db, || {
        let killed: Vec<bool> = db.query(
            "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity
             WHERE datname = current_database() AND application_name = 'nmc migrate'",
        );
        assert_eq!(killed, [true]);
        relations(&db)
    });
    assert!(matches!(killed, Err(MigrateError::Failed { name, .. }) if name == STUCK.name), "{killed:?}");
    assert_eq!(relations_then, ["first"]);
    assert_eq!(migrator(&db, &[FIRST, SECOND], IMPATIENT).run(|_| {}).unwrap(), 1);
}

#[test]
fn a_database_that_is_ahead_of_the_program_is_left_alone() {
    let db = TestDb::empty();
    migrator(&db, &[FIRST, SECOND, THIRD], PATIENT).run(|_| {}).unwrap();
    let before = relations(&db);
    let older = migrator(&db, &[FIRST, SECOND], PATIENT);
    let status = older.status().unwrap();
    assert_eq!(status.unknown, ["20300101000003"]);
    assert_eq!(names(status.applied()), [SECOND.name, FIRST.name]);
    for refused in
        [older.run(|_| {}), older.revert(1, Confirmed::irrevocably(), |_| {}), older.redo(1, Confirmed::irrevocably(), |_| {})]
    {
        let error = refused.unwrap_err();
        assert!(matches!(&error, MigrateError::Unknown { version } if version == "20300101000003"), "{error:?}");
        assert!(error.to_string().contains("20300101000003"));
    }
    assert_eq!(relations(&db), before);
}

#[test]
fn a_migration_that_fails_leaves_nothing_of_itself() {
    const HALF: Migration = Migration {
        name: SECOND.name,
        up: "CREATE TABLE second (id INTEGER); INSERT INTO first VALUES (1); SELECT 1 / 0",
        down: "",
    };
    let db = TestDb::empty();
    let half = migrator(&db, &[FIRST, HALF, THIRD], PATIENT);
    let mut done = Vec::new();
    let failed = half.run(|migration| done.push(migration.name)).unwrap_err();
    assert_eq!(failed.to_string(), format!("migration {} failed: division by zero", SECOND.name));
    assert_eq!(done, [FIRST.name], "what was applied before it stays");
    assert_eq!(db.query::<i64>("SELECT count(*) FROM first"), [0]);
    assert_eq!(relations(&db), ["first"]);
    assert_eq!(names(half.status().unwrap().pending()), [SECOND.name, THIRD.name]);
    // Mended, it goes on from there.
    assert_eq!(migrator(&db, &[FIRST, SECOND, THIRD], PATIENT).run(|_| {}).unwrap(), 2);

    const NO_WAY_BACK: Migration = Migration { name: SECOND.name, up: SECOND.up, down: "DROP TABLE second; SELECT 1 / 0" };
    let before = relations(&db);
    let no_way_back = migrator(&db, &[FIRST, NO_WAY_BACK], PATIENT);
    migrator(&db, &[FIRST, SECOND, THIRD], PATIENT).revert(1, Confirmed::irrevocably(), |_| {}).unwrap();
    assert!(matches!(no_way_back.revert(1, Confirmed::irrevocably(), |_| {}), Err(MigrateError::Failed { .. })));
    assert_eq!(relations(&db).len(), before.len() - 1, "only the third is gone");
    assert_eq!(no_way_back.status().unwrap().applied().count(), 2);
}

#[test]
fn index_is_built_beside_use_while_other_runners_wait() {
    const IN_TRANSACTION: Migration =
        Migration { name: CONCURRENT.name, up: "CREATE INDEX CONCURRENTLY first_id_idx ON first (id)", down: "" };
    let db = TestDb::empty();
    let refused = migrator(&db, &[FIRST, IN_TRANSACTION], PATIENT).run(|_| {}).unwrap_err();
    assert!(refused.to_string().contains("cannot run inside a transaction block"), "{refused}");

    // The index waits for every transaction that may still see the table without it. Were a runner to wait for the lock in
    // a statement rather than to ask again and again, it would be one of those, and neither would ever end.
    let concurrent = || migrator(&db, &[FIRST, CONCURRENT], PATIENT);
    let total: usize = std::thread::scope(|scope| {
        let mut user = db.superuser();
        user.batch_execute("BEGIN; INSERT INTO first VALUES (1)").unwrap();
        let runners: Vec<_> = (0..3).map(|_| scope.spawn(|| concurrent().run(|_| {}).unwrap())).collect();
        // Each runner has a connection, and the one at work another; one is the store's.
        let sessions = "SELECT count(*) || ' sessions, waiting: ' || count(*) FILTER (WHERE wait_event_type = 'Lock')
                        FROM pg_stat_activity WHERE datname = current_database() AND usename = 'nmc'";
        let mut conn = db.superuser();
        wait_until("the index waits for the table's user, and the others are there", || {
            query::<String>(&mut conn, sessions) == ["5 sessions, waiting: 1"]
        });
        user.batch_execute("COMMIT").unwrap();
        runners.into_iter().map(|runner| runner.join().unwrap()).sum()
    });
    assert_eq!(total, 1);
    assert_eq!(db.query::<bool>("SELECT indisvalid FROM pg_index WHERE indexrelid = 'first_id_idx'::regclass"), [true]);
    assert_eq!(concurrent().revert(1, Confirmed::irrevocably(), |_| {}).unwrap(), 1);
    assert_eq!(db.query::<bool>("SELECT to_regclass('first_id_idx') IS NULL"), [true]);
}

#[test]
fn reverting_goes_back_newest_first_and_redoing_comes_again() {
    let db = TestDb::empty();
    let all = migrator(&db, &[FIRST, SECOND, THIRD], PATIENT);
    assert_eq!(all.revert(1, Confirmed::irrevocably(), |_| {}).unwrap(), 0, "there is nothing to take back");
    assert_eq!(all.redo(1, Confirmed::irrevocably(), |_| {}).unwrap(), 0);
    all.run(|_| {}).unwrap();
    db.execute("INSERT INTO first VALUES (1); INSERT INTO second VALUES (1); INSERT INTO third VALUES (1)");
    let mut done = Vec::new();
    assert_eq!(all.redo(2, Confirmed::irrevocably(), |migration| done.push(migration.name)).unwrap(), 2);
    assert_eq!(done, [SECOND.name, THIRD.name]);
    let left: Vec<i64> =
        ["first", "second", "third"].iter().flat_map(|table| db.query(&format!("SELECT count(*) FROM {table}"))).collect();
    assert_eq!(left, [1, 0, 0], "the newest two are new, the first was not touched");
    done.clear();
    assert_eq!(all.revert(2, Confirmed::irrevocably(), |migration| done.push(migration.name)).unwrap(), 2);
    assert_eq!(done, [THIRD.name, SECOND.name]);
    assert_eq!(names(all.status().unwrap().pending()), [SECOND.name, THIRD.name]);
    assert_eq!(all.revert(9, Confirmed::irrevocably(), |_| {}).unwrap(), 1, "more than there are");
    assert_eq!(relations(&db), Vec::<String>::new());
}

#[test]
fn a_table_in_use_makes_a_migration_fail_rather_than_hang() {
    const ALTER: Migration =
        Migration { name: SECOND.name, up: "ALTER TABLE first ADD note TEXT", down: "ALTER TABLE first DROP note" };
    let db = TestDb::empty();
    migrator(&db, &[FIRST], PATIENT).run(|_| {}).unwrap();
    let failed = std::thread::scope(|scope| {
        let _in_use = db.block("first");
        let runner = scope.spawn(|| migrator(&db, &[FIRST, ALTER], IMPATIENT).run(|_| {}));
        wait_until("the runner has given up", || runner.is_finished());
        runner.join().unwrap().unwrap_err()
    });
    assert_eq!(failed.to_string(), format!("migration {} failed: canceling statement due to lock timeout", ALTER.name));
    assert_eq!(migrator(&db, &[FIRST, ALTER], PATIENT).run(|_| {}).unwrap(), 1);
}

#[test]
fn a_database_that_is_not_there_is_an_error_of_the_operators() {
    let away = Migrator::new(Secret::new("postgres://nmc@/none?host=/nonexistent".to_owned()));
    let errors = [away.status().map(drop), away.run(|_| {}).map(drop), away.verify().map(drop)];
    for error in errors {
        assert!(matches!(&error, Err(MigrateError::Database { reason }) if reason.contains("/nonexistent")), "{error:?}");
    }
}

/// The roles belong to the cluster, so this one has a cluster to itself.
#[test]
fn roles_are_made_by_who_may_and_asked_for_by_who_may_not() {
    let options = EmbeddedOptions {
        bin_dir: pg_bin(),
        data_dir: Some(std::env::temp_dir().join(format!("nmc-test-roles-{}", std::process::id()))),
        fsync: false,
        remove_on_exit: true,
        ..EmbeddedOptions::default()
    };
    let cluster = EmbeddedPostgres::start(&options).unwrap();
    let as_admin = |sql: &str| {
        let mut conn = TestDb::connect(&cluster.superuser_url("postgres"));
        for statement in sql.split(';') {
            conn.batch_execute(statement).unwrap_or_else(|error| panic!("{error}: {statement}"));
        }
    };
    let roles = || -> BTreeSet<String> {
        query::<String>(
            &mut TestDb::connect(&cluster.superuser_url("postgres")),
            "SELECT rolname FROM pg_roles WHERE rolname LIKE 'nmc\\_%'",
        )
        .into_iter()
        .collect()
    };
    as_admin("CREATE ROLE bare LOGIN; CREATE DATABASE bare OWNER bare; CREATE DATABASE again OWNER bare");
    let bare = |database: &str| Migrator::new(Secret::new(cluster.url_for(database).replace("nmc@", "bare@")));

    // A login that may not create roles says what to do, and doing just that is enough.
    let refused = bare("bare").run(|_| {}).unwrap_err().to_string();
    assert!(refused.contains("bare may not create the roles nmc_gate, nmc_tenant, nmc_system"), "{refused}");
    assert_eq!(roles(), BTreeSet::new());
    let by_hand =
        |refused: &str| refused.split_once("administrator run: ").unwrap().1.split_once("; (leaving").unwrap().0.to_owned();
    as_admin(&by_hand(&refused));
    assert!(bare("bare").run(|_| {}).unwrap() > 0);
    assert_eq!(bare("bare").verify().unwrap(), []);

    // Several databases of a new cluster at once: the roles are made once, and nobody stumbles.
    as_admin("DROP DATABASE bare; DROP ROLE nmc_gate; DROP ROLE nmc_tenant; DROP ROLE nmc_system");
    let databases: Vec<String> = (0..4).map(|number| format!("d{number}")).collect();
    databases.iter().for_each(|name| as_admin(&format!("CREATE DATABASE {name} OWNER nmc")));
    std::thread::scope(|scope| {
        for name in &databases {
            let migrator = Migrator::new(Secret::new(cluster.url_for(name)));
            scope.spawn(move || assert!(migrator.run(|_| {}).unwrap() > 0));
        }
    });
    assert_eq!(roles().len(), 3);

    // Where the roles are there but not the grant, that alone is asked for.
    let refused = bare("again").run(|_| {}).unwrap_err().to_string();
    assert!(refused.contains("bare may not grant nmc_gate to bare"), "{refused}");
    as_admin(by_hand(&refused).rsplit("; ").next().unwrap());
    assert!(bare("again").run(|_| {}).unwrap() > 0);

    // A role that is no wall is no role of ours.
    as_admin("CREATE DATABASE leaky OWNER nmc; ALTER ROLE nmc_tenant BYPASSRLS");
    let refused = Migrator::new(Secret::new(cluster.url_for("leaky"))).run(|_| {}).unwrap_err().to_string();
    assert!(refused.contains("the role nmc_tenant exists with SUPERUSER, BYPASSRLS"), "{refused}");
    assert!(refused.contains("ALTER ROLE nmc_tenant NOSUPERUSER NOBYPASSRLS"), "{refused}");

    // In nmc's own database only its owner makes temporary tables.
    let may = "SELECT has_database_privilege('nmc_tenant', 'nevermisscall', 'TEMPORARY') AS may";
    assert_eq!(query::<bool>(&mut TestDb::connect(&cluster.superuser_url("postgres")), may), [false]);
    cluster.stop().unwrap();
}

/// The migration that came when there were sessions and users already, and the one before it.
const BEFORE_CREDENTIALS: &str = "2026-11-22-000008_widen_called_phone";

#[test]
fn rows_from_before_credentials_are_kept_up_and_down() {
    let db = TestDb::empty();
    let migrator = db.store.migrator();
    let newer = names(migrator.status().unwrap().pending()).iter().filter(|name| **name > BEFORE_CREDENTIALS).count();
    assert!(newer > 0);
    migrator.run(|_| {}).unwrap();
    migrator.revert(newer, Confirmed::irrevocably(), |_| {}).unwrap();
    db.execute(
        "INSERT INTO tenants (business_name) VALUES ('Joe''s Plumbing');
         INSERT INTO users (tenant_id, email, password_hash, role, verification_token)
             SELECT id, name || '@example.com', '$2b$', 'owner', NULL FROM tenants, unnest(ARRAY['ada', 'ben', 'cleo']) AS name;
         INSERT INTO user_sessions (tenant_id, user_id, refresh_token_hash, previous_token_hash, expires_at)
             SELECT tenant_id, id, 'now of ' || email, 'once of ' || email, '2999-01-01' FROM users;
         INSERT INTO business_settings (tenant_id) SELECT id FROM tenants;",
    );
    let rows = || -> Vec<serde_json::Value> {
        ["tenants", "users", "user_sessions", "business_settings"]
            .iter()
            .flat_map(|table| db.query(&format!("SELECT to_jsonb(t) AS row FROM {table} t ORDER BY id")))
            .collect()
    };
    let before = rows();
    assert_eq!(migrator.run(|_| {}).unwrap(), newer);
    assert_eq!(migrator.verify().unwrap(), []);
    // Each has a family of its own, which nobody holds: no token's hash looks like that.
    let families: Vec<String> = db.query("SELECT DISTINCT token_family_hash FROM user_sessions");
    assert!(families.len() == 3 && families.iter().all(|family| family.len() == 36), "{families:?}");
    assert_eq!(db.query::<i64>("SELECT count(*) FROM user_sessions WHERE is_active AND sibling_token_hashes = '{}'"), [3]);
    let missing = "INSERT INTO user_sessions (tenant_id, user_id, refresh_token_hash, expires_at) SELECT tenant_id, id, 'x', now() FROM users";
    let refused = db.superuser().batch_execute(missing).unwrap_err().to_string();
    assert!(refused.contains("token_family_hash"), "no session without one: {refused}");

    db.execute(
        "UPDATE users SET verification_token = 'hash', verification_expires_at = '2999-01-01';
         UPDATE tenants SET registration_key = 'hash'; UPDATE business_settings SET greeting_reviewed_at = '2026-11-22';
         UPDATE user_sessions SET sibling_token_hashes = ARRAY['hash'];",
    );
    migrator.revert(newer, Confirmed::irrevocably(), |_| {}).unwrap();
    // An invitation that has lost its end is nobody's any more.
    assert_eq!(migrator.run(|_| {}).unwrap(), newer, "and once more");
    assert_eq!(migrator.verify().unwrap(), []);
    migrator.revert(newer, Confirmed::irrevocably(), |_| {}).unwrap();
    let moving = ["updated_at", "last_used_at"];
    let resting = |rows: Vec<serde_json::Value>| -> Vec<serde_json::Value> {
        let rest = |mut row: serde_json::Value| {
            moving.iter().for_each(|column| drop(row.as_object_mut().unwrap().remove(*column)));
            row
        };
        rows.into_iter().map(rest).collect()
    };
    assert_eq!(resting(rows()), resting(before));
}
