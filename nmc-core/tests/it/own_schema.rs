//! Everything of ours in a schema of its own, in a database that has the same names in `public`.

use nmc_core::store::SchemaName;
use nmc_core::testing::{Business, TestDb, VoiceForm, unique_phone, unique_sid};
use nmc_core::workflows::record_voice_status;
use nmc_core::{Confirmed, Secret, Store, StoreConfig};

fn elsewhere() -> SchemaName {
    "elsewhere".parse().unwrap()
}

fn store(db: &TestDb) -> Store {
    let mut config = StoreConfig::new(Secret::new(db.url()));
    config.schema = elsewhere();
    Store::connect(config).unwrap()
}

#[test]
fn database_with_our_names_in_public_takes_us_elsewhere() {
    let db = TestDb::empty();
    db.execute("CREATE TABLE public.calls (id INT); CREATE TABLE public.tenants (id INT); CREATE TABLE public.messages (id INT)");
    let store = store(&db);
    let migrator = store.migrator();
    let pending = migrator.status().unwrap().pending().count();
    assert_eq!(migrator.run(|_| {}).unwrap(), pending);
    assert_eq!(migrator.verify().unwrap(), [], "every definition means the same there");

    let business = Business::onboard(&store, "Elsewhere");
    let form = VoiceForm::missed(unique_phone().as_str(), &business.number, &unique_sid("CA"));
    assert!(record_voice_status(&store, &form.parse()).unwrap().greeting.is_some());
    let rows: Vec<i64> = db.query(
        "SELECT count(*) FROM elsewhere.tenants UNION ALL SELECT count(*) FROM elsewhere.calls
         UNION ALL SELECT count(*) FROM elsewhere.messages UNION ALL SELECT count(*) FROM public.calls",
    );
    assert_eq!(rows, [1, 1, 1, 0]);
    let ours_in_public = "SELECT count(*) FROM pg_proc WHERE pronamespace = 'public'::regnamespace AND proname LIKE 'nmc%'";
    assert_eq!(db.query::<i64>(ours_in_public), [0]);

    assert_eq!(migrator.revert(pending, Confirmed::irrevocably(), |_| {}).unwrap(), pending);
    let left =
        "SELECT c.relname::text FROM pg_class c WHERE c.relnamespace = 'elsewhere'::regnamespace AND c.relkind = 'r' ORDER BY 1";
    assert_eq!(db.query::<String>(left), ["__diesel_schema_migrations", "nmc_migrations"]);
}

#[test]
fn two_installations_in_one_database_share_nothing() {
    let db = TestDb::new();
    let other = store(&db);
    other.migrator().run(|_| {}).unwrap();
    let (here, there) = (Business::onboard(&db.store, "Same Name"), Business::onboard(&other, "Same Name"));
    let seen = |store: &Store, business: &Business| store.tenant(&business.tenant, |tx| tx.tenants().get());
    assert!(seen(&db.store, &here).is_ok() && seen(&other, &there).is_ok());
    assert!(seen(&db.store, &there).is_err() && seen(&other, &here).is_err());
    for migrator in [db.store.migrator(), other.migrator()] {
        assert_eq!(migrator.verify().unwrap(), []);
    }
}

#[test]
fn difference_in_a_schema_of_our_own_is_told() {
    let db = TestDb::empty();
    let migrator = store(&db).migrator();
    migrator.run(|_| {}).unwrap();
    db.execute(
        "CREATE OR REPLACE FUNCTION elsewhere.nmc_touch_updated_at() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NEW; END $$",
    );
    let told: Vec<String> = migrator.verify().unwrap().iter().map(ToString::to_string).collect();
    assert!(told.iter().any(|line| line.starts_with("unexpected: function nmc_touch_updated_at()")), "{told:?}");
}
