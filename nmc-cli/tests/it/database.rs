//! `nmc database`: a database into a file, into an empty one, and from nmc's own server to another; whole, or not at all.

mod broken;

use crate::home::Home;
use crate::nmc::{Nmc, Said};
use nmc_core::testing::{Business, TestDb};
use serde_json::Value;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

const JOE: &str = "Joe's Plumbing";

/// A folder of its own, and a database with something in it.
pub(super) struct Scene {
    pub(super) home: Home,
    pub(super) folder: PathBuf,
    pub(super) db: TestDb,
}

impl Scene {
    pub(super) fn new() -> Self {
        let home = Home::new();
        let folder = home.beside("dumps");
        let db = TestDb::new();
        let joe = Business::onboard(&db.store, JOE);
        for _ in 0..3 {
            joe.missed(&db.store);
        }
        Self { home, folder, db }
    }

    pub(super) fn file(&self) -> PathBuf {
        self.folder.join("nmc.dump")
    }

    /// nmc with a login that may dump.
    pub(super) fn nmc(&self) -> Nmc {
        Nmc::on(self.db.superuser_url())
    }

    pub(super) fn dumped(&self) -> Said {
        self.nmc().run(&["database", "dump", text(&self.file()), "--format", "json"])
    }

    /// What lies in the folder.
    pub(super) fn files(&self) -> Vec<String> {
        let entries = fs::read_dir(&self.folder).expect("a folder").flatten();
        entries.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect()
    }
}

pub(super) fn text(path: &Path) -> &str {
    path.to_str().expect("a path")
}

/// The rows of each table, as the command tells them.
fn rows(said: Said) -> Vec<(String, u64)> {
    let row = |row: &Value| Some((row["table"].as_str()?.to_owned(), row["rows"].as_u64()?));
    let document = said.json();
    document["items"].as_array().expect("tables").iter().filter_map(row).collect()
}

fn rows_of(counts: &[(String, u64)], table: &str) -> u64 {
    counts.iter().find(|(name, _)| name == table).unwrap_or_else(|| panic!("{table}: {counts:?}")).1
}

#[test]
fn own_server_is_dumped_and_restored_into_a_new_directory() {
    let (old, new) = (Home::migrated(), Home::new());
    let file = old.beside("dumps").join("nmc.dump");
    old.nmc.run(&["tenant", "onboard", "--name", JOE]).ok();
    let said = old.nmc.run(&["database", "dump", text(&file), "--format", "json"]).ok();
    assert!(said.err.contains("not in it: photos") && said.err.contains("token-keys"), "{said:?}");
    let dumped = rows(said);
    assert_eq!((rows_of(&dumped, "public.tenants"), rows_of(&dumped, "public.business_settings")), (1, 1));
    assert_eq!(fs::metadata(&file).expect("a file").permissions().mode() & 0o777, 0o600);

    let restored = rows(new.nmc.run(&["database", "restore", text(&file), "--format", "json"]));
    assert_eq!(restored, dumped);
    let listed = new.nmc.run(&["tenant", "show", JOE, "--format", "json"]).json();
    assert_eq!(listed["tenant"]["business_name"], JOE);
    // Everything that writes goes on.
    new.nmc.run(&["tenant", "onboard", "--name", "Another"]).ok();
    let again = new.nmc.run(&["database", "restore", text(&file)]).refused(2, "the database must be empty");
    assert!(again.err.contains("public.alert_metrics_cache, more;"), "what it holds is named, in short: {again:?}");
}

#[test]
fn restored_streams_of_events_are_of_another_epoch() {
    let scene = Scene::new();
    scene.dumped().ok();
    let target = TestDb::empty();
    Nmc::on(target.url()).run(&["database", "restore", text(&scene.file())]).ok();
    let epoch = |db: &TestDb| db.query::<String>("SELECT epoch FROM tenant_streams").remove(0);
    let head = |db: &TestDb| db.query::<i64>("SELECT seq FROM tenant_streams").remove(0);
    assert_ne!(epoch(&scene.db), epoch(&target));
    assert!(head(&scene.db) == head(&target) && head(&target) > 3);
}

#[test]
fn who_types_is_counted_in_no_dump() {
    let scene = Scene::new();
    scene.db.execute(
        "INSERT INTO users (tenant_id, email, password_hash) SELECT id, 'ann@example.com', '!' FROM tenants;
         INSERT INTO typing_notices (tenant_id, conversation_id, user_id, process_id, is_typing)
             SELECT c.tenant_id, c.id, u.id, gen_random_uuid(), true FROM conversations AS c, users AS u LIMIT 1",
    );
    let typing = |db: &TestDb| db.query::<i64>("SELECT count(*) FROM typing_notices")[0];
    assert_eq!(typing(&scene.db), 1);
    let counted = rows(scene.dumped().ok());
    assert!(!counted.iter().any(|(table, _)| table.ends_with(".typing_notices")), "{counted:?}");
    let restored = |file: &Path| {
        let target = TestDb::empty();
        Nmc::on(target.url()).run(&["database", "restore", text(file)]).ok();
        typing(&target)
    };
    assert_eq!(restored(&scene.file()), 1);
    // As of a standby, which has no rows of an UNLOGGED table.
    let of_standby = scene.folder.join("standby.dump");
    let mut dump = std::process::Command::new(TestDb::programs().join("pg_dump"));
    dump.args(["--format=custom", "--no-unlogged-table-data", "--file", text(&of_standby)]);
    assert!(dump.args(["--dbname", &scene.db.superuser_url()]).status().expect("pg_dump").success());
    assert_eq!(restored(&of_standby), 0);
}

#[test]
fn login_that_sees_no_rows_makes_no_dump() {
    let scene = Scene::new();
    let file = scene.file();
    let owner = Nmc::on(scene.db.url()).run(&["database", "dump", text(&file)]);
    let said = owner.refused(2, "the login nmc can't make a dump");
    assert!(said.err.contains("CREATE ROLE nmc_backup"), "{said:?}");
    assert_eq!(scene.files(), Vec::<String>::new());

    let backup = format!("nmc_backup_{}", std::process::id());
    scene.db.execute(&format!("CREATE ROLE {backup} LOGIN BYPASSRLS IN ROLE pg_read_all_data"));
    let nmc = Nmc::on(scene.db.url().replacen("nmc@", &format!("{backup}@"), 1));
    let dumped = rows(nmc.run(&["database", "dump", text(&file), "--format", "json"]));
    assert_eq!((rows_of(&dumped, "public.calls"), rows_of(&dumped, "public.messages")), (3, 3));
    scene.db.execute(&format!("DROP ROLE {backup}"));
}

#[test]
fn database_is_moved_from_the_own_server_to_another_owner() {
    let home = Home::migrated();
    home.nmc.run(&["tenant", "onboard", "--name", JOE]).ok();
    let (db, owner) = (TestDb::empty(), format!("mover_{}", std::process::id()));
    db.execute(&format!("CREATE ROLE {owner} LOGIN CREATEROLE"));
    let to = db.url().replacen("nmc@", &format!("{owner}@"), 1);
    let moved = |to: &str| home.nmc.clone().with("NMC_TO_DATABASE_URL", to).run(&["database", "move", "--format", "json"]);
    moved(&to).refused(2, "must own the database it restores into: ALTER DATABASE");
    db.execute(&format!("DO $$ BEGIN EXECUTE format('ALTER DATABASE %I OWNER TO {owner}', current_database()); END $$"));
    let said = moved(&to).ok();
    for told in ["was left as it is", "set DATABASE_URL", "NMC_UPLOADS=", "NMC_TOKEN_KEYS="] {
        assert!(said.err.contains(told), "{told}: {said:?}");
    }
    assert_eq!(rows_of(&rows(said), "public.tenants"), 1);
    for nmc in [&Nmc::on(to.as_str()), &home.nmc] {
        assert_eq!(nmc.run(&["tenant", "show", JOE, "--format", "json"]).json()["tenant"]["business_name"], JOE);
    }
    moved(&to).refused(2, "the database must be empty");
    let held = home.hold();
    moved(&to).refused(2, "another nmc is using the database");
    drop(held);
    Nmc::on(to).run(&["database", "move", "--to", "postgres://h/d"]).refused(2, "move takes the data of nmc's own server");
}

#[test]
fn variables_of_libpq_lead_nowhere_else() {
    let scene = Scene::new();
    let elsewhere = scene.nmc().with("PGHOST", "/nowhere").with("PGDATABASE", "other").with("PGAPPNAME", "other");
    // What the programs get; nmc's own connection is another matter.
    let programs = scene.home.beside("bin");
    let environment = scene.folder.join("environment");
    broken::program(&programs, "pg_dump", &format!("env > {}; exit 1", environment.display()));
    let nmc = elsewhere.with("NMC_PG_BIN", &programs).with("PGPASSFILE", "/a/file");
    let said = nmc.run(&["database", "dump", text(&scene.file())]);
    let Ok(seen) = fs::read_to_string(&environment) else { panic!("it did not run: {said:?}") };
    let seen: Vec<&str> = seen.lines().filter(|line| line.starts_with("PG")).collect();
    assert_eq!(seen, ["PGPASSFILE=/a/file"]);
}

#[test]
fn password_is_no_argument_of_any_program() {
    let scene = Scene::new();
    let (programs, seen) = (scene.home.beside("bin"), scene.folder.join("seen"));
    broken::program(&programs, "pg_dump", &format!("echo \"$@\" > {0}; echo \"$PGPASSWORD\" >> {0}; exit 1", seen.display()));
    let url = scene.db.superuser_url().replacen("postgres@", "postgres:hunter2@", 1);
    Nmc::on(url).with("NMC_PG_BIN", &programs).run(&["database", "dump", text(&scene.file())]).code(1);
    let seen = fs::read_to_string(seen).expect("what it saw");
    let (arguments, password) = seen.split_once('\n').expect("two lines");
    assert!(!arguments.contains("hunter2") && arguments.contains("--dbname="), "{arguments}");
    assert_eq!(password.trim(), "hunter2");
}
