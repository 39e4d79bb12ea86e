//! Whose migration is whose, and who may look.

use super::names;
use diesel::connection::SimpleConnection as _;
use nmc_core::store::{MigrateError, Migration, Migrator, Reason};
use nmc_core::testing::TestDb;
use nmc_core::{Confirmed, Secret};

/// The versions that Diesel's table has.
fn by_diesel(db: &TestDb) -> Vec<String> {
    db.query("SELECT version FROM __diesel_schema_migrations ORDER BY 1")
}

/// What our own table has.
fn listed(db: &TestDb) -> Vec<String> {
    db.query("SELECT version || '_' || name || ' ' || fingerprint FROM nmc_migrations ORDER BY 1")
}

fn has_own_table(db: &TestDb) -> bool {
    db.query::<bool>("SELECT to_regclass('public.nmc_migrations') IS NOT NULL") == [true]
}

#[test]
fn versions_of_an_application_are_not_ours() {
    let db = TestDb::empty();
    // As Diesel's command line makes it, with one version before all of ours and one after.
    db.raw()
        .batch_execute(
            "CREATE TABLE __diesel_schema_migrations (version VARCHAR(50) PRIMARY KEY NOT NULL,
                 run_on TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP);
             INSERT INTO __diesel_schema_migrations (version) VALUES ('20200101000001'), ('20990101000001')",
        )
        .unwrap();
    let migrator = db.store.migrator();
    let all = migrator.status().unwrap().known.len();
    assert_eq!(migrator.run(|_| {}).unwrap(), all);
    assert_eq!(by_diesel(&db).len(), all + 2, "Diesel's command line knows ours as well");
    db.execute("INSERT INTO __diesel_schema_migrations (version) VALUES ('20990101000002')");
    let status = migrator.status().unwrap();
    assert_eq!((status.applied().count(), status.unknown), (all, Vec::<String>::new()));
    assert_eq!(migrator.run(|_| {}).unwrap(), 0);
    assert_eq!(migrator.revert(usize::MAX, Confirmed::irrevocably(), |_| {}).unwrap(), all);
    assert_eq!(by_diesel(&db), ["20200101000001", "20990101000001", "20990101000002"]);
    assert_eq!(listed(&db), Vec::<String>::new());
}

#[test]
fn a_version_of_an_application_that_is_also_ours_is_not_ours() {
    let db = TestDb::empty();
    let migrator = db.store.migrator();
    let first = migrator.status().unwrap().pending().next().unwrap();
    db.raw()
        .batch_execute(&format!(
            "CREATE TABLE __diesel_schema_migrations (version VARCHAR(50) PRIMARY KEY NOT NULL, run_on TIMESTAMP DEFAULT now());
             INSERT INTO __diesel_schema_migrations (version) VALUES ('{}')",
            first.version()
        ))
        .unwrap();
    assert_eq!(migrator.status().unwrap().applied().count(), 0, "nothing of ours is there");
    assert_eq!(migrator.run(|_| {}).unwrap(), migrator.status().unwrap().known.len());
}

#[test]
fn an_installation_from_before_is_carried_over_by_the_runner() {
    let db = TestDb::new();
    let before = listed(&db);
    db.execute("DROP TABLE nmc_migrations; INSERT INTO __diesel_schema_migrations (version) VALUES ('20990101000001')");
    let migrator = db.store.migrator();
    let status = migrator.status().unwrap();
    assert_eq!((status.pending().count(), status.unknown.len(), status.altered.len()), (0, 0, 0));
    assert!(!has_own_table(&db), "looking writes nothing");
    assert_eq!(migrator.run(|_| panic!("nothing is left to do")).unwrap(), 0);
    assert_eq!(listed(&db), before);
    assert_eq!(migrator.verify().unwrap(), []);
}

#[test]
fn a_migration_run_by_diesel_is_carried_over() {
    let db = TestDb::new();
    let migrator = db.store.migrator();
    let before = listed(&db);
    let mut newest = Vec::new();
    migrator.revert(1, Confirmed::irrevocably(), |migration| newest.push(*migration)).unwrap();
    let by_hand: Migration = newest[0];
    let mut conn = db.raw();
    // Several statements at once are a transaction by themselves; one that can't be in any is alone.
    conn.batch_execute(by_hand.up).unwrap();
    conn.batch_execute(&format!("INSERT INTO __diesel_schema_migrations (version) VALUES ('{}')", by_hand.version())).unwrap();
    assert_eq!(migrator.status().unwrap().pending().count(), 0);
    assert_eq!(listed(&db).len(), before.len() - 1);
    assert_eq!(migrator.run(|_| panic!("nothing is left to do")).unwrap(), 0);
    assert_eq!(listed(&db), before);
}

#[test]
fn a_migration_applied_from_other_sql_is_told() {
    let db = TestDb::new();
    db.execute("UPDATE nmc_migrations SET fingerprint = 'of another text' WHERE name = 'create_identity'");
    let migrator = db.store.migrator();
    assert_eq!(names(migrator.status().unwrap().altered.iter().copied()), ["2026-11-22-000002_create_identity"]);
    let told: Vec<String> = migrator.verify().unwrap().iter().map(ToString::to_string).collect();
    assert_eq!(told, ["altered: the migration 2026-11-22-000002_create_identity was applied from another SQL than this nmc has"]);
    assert_eq!(migrator.run(|_| {}).unwrap(), 0, "it is told, and no reason to stop");
}

/// A migrator of another login, which is made here.
fn as_login(db: &TestDb, login: &str, grants: &str) -> Migrator {
    db.execute(&format!("DROP ROLE IF EXISTS {login}; CREATE ROLE {login} LOGIN; {grants}"));
    Migrator::new(Secret::new(db.url().replace("nmc@", &format!("{login}@"))))
}

#[test]
fn a_login_in_the_gate_looks_and_changes_nothing() {
    let db = TestDb::new();
    let app = as_login(&db, "gate_reader", "GRANT nmc_gate TO gate_reader");
    let status = app.status().unwrap();
    assert_eq!((status.pending().count(), status.unknown.len()), (0, 0));
    assert_eq!(app.verify().unwrap(), []);
    assert_eq!(app.run(|_| {}).unwrap(), 0, "there is nothing to do");
    let mut conn = TestDb::connect(&db.url().replace("nmc@", "gate_reader@"));
    for table in ["nmc_migrations", "__diesel_schema_migrations"] {
        for write in ["TRUNCATE", "DELETE FROM", "LOCK TABLE"] {
            let refused = conn.batch_execute(&format!("BEGIN; {write} {table}")).unwrap_err().to_string();
            assert!(refused.contains("permission denied"), "{write} {table}: {refused}");
            conn.batch_execute("ROLLBACK").unwrap();
        }
    }
    let outsider = as_login(&db, "gate_outsider", "");
    let refused = outsider.status().unwrap_err();
    assert!(matches!(&refused, MigrateError::MayNotRead { login } if login == "gate_outsider"), "{refused:?}");
    assert!(refused.to_string().contains("GRANT nmc_gate TO \"gate_outsider\""), "{refused}");
}

#[test]
fn a_login_in_the_gate_is_told_of_a_list_it_cannot_read() {
    let db = TestDb::new();
    db.execute("DROP TABLE nmc_migrations");
    let refused = as_login(&db, "gate_early", "GRANT nmc_gate TO gate_early").status().unwrap_err().to_string();
    assert!(refused.contains("run the migrations once with the login that owns it"), "{refused}");
}

#[test]
fn a_read_only_database_can_be_read() {
    let db = TestDb::new();
    db.execute(&format!(
        "ALTER DATABASE {} SET default_transaction_read_only = on",
        db.query::<String>("SELECT current_database()")[0]
    ));
    let migrator = db.store.migrator();
    assert_eq!(migrator.status().unwrap().pending().count(), 0);
    assert_eq!(migrator.verify().unwrap(), []);
    assert!(db.store.system(Reason::Operations, |_| Ok(())).is_ok());
    assert!(db.raw().batch_execute("CREATE TABLE x (id int)").is_err(), "it is read-only");
}

#[test]
fn database_that_is_read_only_by_default_is_not_migrated() {
    let db = TestDb::empty();
    db.execute(
        "DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET default_transaction_read_only = on', current_database()); END $$",
    );
    let refused = db.store.migrator().run(|_| panic!("nothing is applied")).unwrap_err().to_string();
    assert!(refused.contains("read-only"), "{refused}");
    assert_eq!(db.query::<i64>("SELECT count(*) FROM pg_class WHERE relnamespace = 'public'::regnamespace"), [0]);
}

/// The migration that takes back what default privileges gave away.
const RIGHTS: &str = "2026-11-28-000014_pin_search_path_and_rights";

#[test]
fn default_privileges_give_nobody_anything_of_ours() {
    let db = TestDb::empty();
    db.execute(
        "DROP ROLE IF EXISTS rights_anon; CREATE ROLE rights_anon; DROP ROLE IF EXISTS rights_reader; CREATE ROLE rights_reader;
         ALTER DEFAULT PRIVILEGES FOR ROLE nmc GRANT ALL ON TABLES TO rights_anon, PUBLIC;
         ALTER DEFAULT PRIVILEGES FOR ROLE nmc GRANT ALL ON SEQUENCES TO rights_anon;
         ALTER DEFAULT PRIVILEGES FOR ROLE nmc IN SCHEMA public GRANT ALL ON FUNCTIONS TO rights_anon",
    );
    let migrator = db.store.migrator();
    migrator.run(|_| {}).unwrap();
    let rights = || -> Vec<String> {
        db.query(
            "SELECT DISTINCT relname || ': ' || coalesce(nullif(acl.grantee, 0)::regrole::text, 'PUBLIC')
             FROM (SELECT relname, relacl FROM pg_class WHERE relnamespace = 'public'::regnamespace
                   UNION ALL SELECT proname, coalesce(proacl, acldefault('f', proowner)) FROM pg_proc
                   WHERE pronamespace = 'public'::regnamespace) AS ours
             CROSS JOIN aclexplode(relacl) acl
             WHERE acl.grantee NOT IN ('nmc'::regrole, 'nmc_gate'::regrole, 'nmc_tenant'::regrole, 'nmc_system'::regrole)
             ORDER BY 1",
        )
    };
    assert_eq!(rights(), Vec::<String>::new());
    assert_eq!(migrator.verify().unwrap(), []);

    // What an installation from before has given away is taken back; what somebody gave for a purpose stays, and is told.
    let newer = names(migrator.status().unwrap().applied()).iter().filter(|name| **name >= RIGHTS).count();
    migrator.revert(newer, Confirmed::irrevocably(), |_| {}).unwrap();
    db.execute(
        "GRANT ALL ON calls, users TO rights_anon; GRANT EXECUTE ON FUNCTION nmc_enter_system() TO rights_anon;
         GRANT ALL ON SEQUENCE consents_sequence_seq TO rights_anon; GRANT USAGE ON SEQUENCE consents_sequence_seq TO rights_reader;
         GRANT SELECT ON calls TO PUBLIC, rights_reader",
    );
    migrator.run(|_| {}).unwrap();
    assert_eq!(rights(), ["calls: rights_reader", "consents_sequence_seq: rights_reader"]);
    let told: Vec<String> = migrator.verify().unwrap().iter().map(ToString::to_string).collect();
    assert_eq!(
        told,
        [
            "unexpected: grant calls to rights_reader: SELECT",
            "unexpected: grant consents.consents_sequence_seq to rights_reader: USAGE"
        ]
    );
}
