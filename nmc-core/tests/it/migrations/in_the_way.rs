//! Names that somebody else has: told before the first change, and all of them.

use super::relations;
use nmc_core::Confirmed;
use nmc_core::store::MigrateError;
use nmc_core::testing::TestDb;

fn told(result: Result<usize, MigrateError>) -> Vec<String> {
    match result {
        Err(MigrateError::InTheWay { objects, .. }) => objects,
        other => panic!("{other:?}"),
    }
}

#[test]
fn names_that_are_taken_are_all_told_and_nothing_is_left() {
    let db = TestDb::empty();
    db.execute(
        "CREATE TABLE messages (id INT); CREATE VIEW alerts AS SELECT 1 AS one; CREATE SEQUENCE users;
         CREATE TABLE theirs (id INT CONSTRAINT calls_pkey PRIMARY KEY, sid INT); CREATE INDEX calls_caller_phone_idx ON theirs (sid);
         CREATE TYPE tenants AS ENUM ('a'); CREATE DOMAIN api_keys AS TEXT;
         CREATE FUNCTION nmc_enter_system() RETURNS void LANGUAGE sql AS 'SELECT';
         CREATE TABLE nmc_migrations (id INT);
         CREATE SCHEMA other; CREATE TABLE other.conversations (id INT)",
    );
    let before = relations(&db);
    let migrator = db.store.migrator();
    let refused = migrator.run(|_| panic!("nothing is applied"));
    assert!(refused.as_ref().unwrap_err().to_string().contains("table messages"), "{refused:?}");
    assert_eq!(
        told(refused),
        [
            "domain api_keys",
            "function nmc_enter_system()",
            "index calls_caller_phone_idx",
            "index calls_pkey",
            "sequence users",
            "table messages",
            "table nmc_migrations",
            "type tenants",
            "view alerts",
        ]
    );
    assert_eq!(relations(&db), before);
    assert_eq!(db.query::<bool>("SELECT to_regclass('__diesel_schema_migrations') IS NULL"), [true]);
    db.execute(
        "DROP TABLE messages, theirs, nmc_migrations; DROP VIEW alerts; DROP SEQUENCE users; DROP TYPE tenants; DROP DOMAIN api_keys;
         DROP FUNCTION nmc_enter_system()",
    );
    assert!(migrator.run(|_| {}).unwrap() > 0);
    assert_eq!(migrator.verify().unwrap(), []);
}

#[test]
fn a_name_that_only_a_later_migration_needs_is_told_first() {
    let db = TestDb::empty();
    let migrator = db.store.migrator();
    db.execute("CREATE TABLE catch_up_marks (id INT)");
    assert_eq!(told(migrator.run(|_| panic!("nothing is applied"))), ["table catch_up_marks"]);
    assert_eq!(relations(&db), ["catch_up_marks"]);
}

#[test]
fn what_earlier_migrations_made_is_not_in_the_way() {
    let db = TestDb::new();
    let migrator = db.store.migrator();
    let all = migrator.status().unwrap().known.len();
    // Each number is the sum of the two before: the work of all of them would grow with the square of the migrations.
    let counts = std::iter::successors(Some((1, 2)), |(one, other)| Some((*other, one + other))).map(|(count, _)| count);
    for count in counts.take_while(|count| *count < all - 1).chain([all - 1]) {
        // The migrations left make, drop and make again what those before them made.
        assert_eq!(migrator.redo(count, Confirmed::irrevocably(), |_| {}).unwrap(), count);
    }
    assert_eq!(migrator.verify().unwrap(), []);
}
