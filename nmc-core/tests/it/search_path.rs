//! Where names are looked up: in our schema, whatever the server, the login or an earlier user of the connection has set.

use diesel::connection::SimpleConnection as _;
use nmc_core::calls::CallFilter;
use nmc_core::store::Reason;
use nmc_core::testing::{Business, TestDb, VoiceForm, unique_phone, unique_sid};
use nmc_core::workflows::record_voice_status;

/// A schema of the login's name and one that settings name first, each with tables of our names, an operator and a function that
/// lie, all of it open to our roles.
const TRAPS: &str = "
    CREATE SCHEMA nmc; CREATE SCHEMA other;
    GRANT ALL ON SCHEMA nmc, other TO PUBLIC;
    CREATE TABLE nmc.tenants (id UUID, business_name TEXT); CREATE TABLE nmc.calls (id UUID, tenant_id UUID);
    CREATE TABLE other.tenants (id UUID, business_name TEXT); CREATE TABLE other.messages (id UUID, tenant_id UUID);
    CREATE FUNCTION other.now() RETURNS TIMESTAMPTZ LANGUAGE sql AS $$ SELECT TIMESTAMPTZ '1999-01-01Z' $$;
    CREATE FUNCTION other.never(TIMESTAMPTZ, TIMESTAMPTZ) RETURNS BOOLEAN LANGUAGE sql AS 'SELECT false';
    CREATE OPERATOR other.= (LEFTARG = TIMESTAMPTZ, RIGHTARG = TIMESTAMPTZ, FUNCTION = other.never);
    GRANT ALL ON ALL TABLES IN SCHEMA nmc, other TO PUBLIC;
    DO $$ BEGIN
        EXECUTE format('ALTER DATABASE %I SET search_path = other, \"$user\", pg_catalog, public', current_database());
        EXECUTE format('ALTER ROLE nmc IN DATABASE %I SET search_path = other, \"$user\", pg_catalog, public', current_database());
    END $$;";

/// What stands in the traps.
fn trapped(db: &TestDb) -> Vec<i64> {
    db.query(
        "SELECT (SELECT count(*) FROM nmc.tenants) + (SELECT count(*) FROM nmc.calls)
              + (SELECT count(*) FROM other.tenants) + (SELECT count(*) FROM other.messages)",
    )
}

#[test]
fn the_server_s_search_path_changes_nothing() {
    let db = TestDb::new();
    db.execute(TRAPS);
    let business = Business::onboard(&db.store, "Pinned");
    let form = VoiceForm::missed(unique_phone().as_str(), &business.number, &unique_sid("CA"));
    assert!(record_voice_status(&db.store, &form.parse()).unwrap().greeting.is_some());
    let rows: Vec<i64> = db.query(
        "SELECT count(*) FROM public.tenants UNION ALL SELECT count(*) FROM public.calls
         UNION ALL SELECT count(*) FROM public.messages",
    );
    assert_eq!(rows, [1, 1, 1]);
    assert_eq!(trapped(&db), [0]);
    // Also where nothing was entered, a trigger compares by the server's own operator.
    db.raw().batch_execute("SET ROLE nmc_system; UPDATE public.tenants SET business_name = 'Changed'").unwrap();
    assert_eq!(db.query::<bool>("SELECT updated_at OPERATOR(pg_catalog.>) created_at FROM public.tenants"), [true]);
    assert_eq!(db.store.migrator().verify().unwrap(), []);
}

#[test]
fn migrations_make_their_objects_in_our_schema() {
    let db = TestDb::empty();
    db.execute(TRAPS);
    let migrator = db.store.migrator();
    assert!(migrator.run(|_| {}).unwrap() > 0);
    assert_eq!(migrator.verify().unwrap(), []);
    let elsewhere = "SELECT count(*) FROM pg_class WHERE relkind IN ('r', 'i', 'v') AND relnamespace IN ('nmc'::regnamespace, 'other'::regnamespace)";
    assert_eq!(db.query::<i64>(elsewhere), [4], "nothing but the traps");
    assert!(!Business::onboard(&db.store, "Pinned").tenant.id().to_string().is_empty());
    assert_eq!(trapped(&db), [0]);
}

#[test]
fn a_temporary_table_of_an_earlier_user_shadows_nothing() {
    let db = TestDb::with(|config| config.pool_size = 1);
    let business = Business::onboard(&db.store, "Shadowed");
    business.missed(&db.store);
    db.pooled(|conn| {
        conn.batch_execute(
            "CREATE TEMPORARY TABLE calls (LIKE public.calls); CREATE TEMPORARY TABLE tenants (LIKE public.tenants);
             GRANT ALL ON calls, tenants TO nmc_tenant, nmc_system",
        )
        .unwrap();
    });
    let calls = db.store.tenant(&business.tenant, |tx| tx.calls().count(&CallFilter::default())).unwrap();
    let tenant = db.store.system(Reason::Operations, |tx| tx.find_tenant_by_name("Shadowed")).unwrap();
    assert_eq!((calls, tenant.is_some()), (1, true));
}
