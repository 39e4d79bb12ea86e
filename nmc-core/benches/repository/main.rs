//! What the library adds: a repository's call beside the same query in plain Diesel, with row-level security and without, and
//! the two ways to write thousands of rows. The pairs are measured in turns, so that the noise of the machine hits both.
//!
//! `taskset -c 0 cargo bench -p nmc-core --bench repository -- reads`: on one core, since a round trip between two cores takes
//! several times as long as one within, and which it is changes from run to run.
//! `cargo bench -p nmc-core --bench repository -- bulk`
//!
//! With `--rounds 21` each pair is measured as often.

#![expect(clippy::expect_used, reason = "a benchmark that can't run has nothing better to do")]

mod bulk;
mod pairs;
mod reads;

use diesel::pg::PgConnection;
use nmc_core::calls::NewCall;
use nmc_core::store::embedded::{EmbeddedOptions, EmbeddedPostgres};
use nmc_core::store::{Migrator, StoreConfig};
use nmc_core::testing::{Business, TestDb, unique_phone, unique_sid};
use nmc_core::{CallDirection, CallId, CallStatus, CallerIdentity, PageRequest, Secret, Store, Tenant};

fn main() {
    let rounds = std::env::args().skip_while(|arg| arg != "--rounds").nth(1).map_or(21, |n| n.parse().expect("a number"));
    let wanted = |part: &str| {
        let mut named = std::env::args().filter(|arg| ["reads", "bulk"].contains(&arg.as_str())).peekable();
        named.peek().is_none() || named.any(|arg| arg == part)
    };
    let scene = Scene::new();
    if wanted("reads") {
        reads::run(&scene, rounds);
    }
    if wanted("bulk") {
        bulk::run(&scene, rounds.min(11));
    }
}

/// Two equal databases of one server that waits for the disk, row-level security switched off in the second. Each has 50
/// businesses of 1,000 calls; the first of them is looked at.
struct Scene {
    walled: Side,
    open: Side,
    _server: EmbeddedPostgres,
}

struct Side {
    store: Store,
    tenant: Tenant,
    calls: Vec<CallId>,
    url: String,
}

impl Scene {
    fn new() -> Self {
        let directory = std::env::temp_dir().join(format!("nmc-bench-{}", std::process::id()));
        let server = EmbeddedPostgres::start(&EmbeddedOptions {
            data_dir: Some(directory),
            remove_on_exit: true,
            ..EmbeddedOptions::default()
        })
        .expect("a server");
        let side = |name: &str, is_open: bool| {
            let superuser = server.superuser_url("postgres");
            let mut admin = TestDb::connect(&superuser);
            batch(&mut admin, &format!("CREATE DATABASE {name} OWNER nmc"));
            let url = server.url_for(name);
            Migrator::new(Secret::new(url.clone())).run(|_| {}).expect("the migrations");
            let mut config = StoreConfig::new(Secret::new(url));
            config.pool_size = 1;
            let store = Store::connect(config).expect("a store");
            let side = Side::filled(store, server.superuser_url(name));
            let mut admin = TestDb::connect(&side.url);
            if is_open {
                batch(
                    &mut admin,
                    "DO $$ DECLARE t regclass; BEGIN FOR t IN SELECT oid FROM pg_class WHERE relrowsecurity LOOP
                     EXECUTE format('ALTER TABLE %s DISABLE ROW LEVEL SECURITY', t); END LOOP; END $$",
                );
            }
            // They were not recorded all at once.
            batch(&mut admin, "UPDATE calls SET created_at = created_at - random() * interval '30 days'");
            batch(&mut admin, "VACUUM ANALYZE");
            side
        };
        let (walled, open) = (side("walled", false), side("open", true));
        Self { walled, open, _server: server }
    }
}

impl Side {
    fn filled(store: Store, url: String) -> Self {
        let tenants: Vec<Tenant> = (0..50).map(|n| Business::onboard(&store, &format!("Business {n}")).tenant).collect();
        for tenant in &tenants {
            let calls = (0..1_000).map(|_| {
                let [caller, called] = [unique_phone(), unique_phone()].map(CallerIdentity::Phone);
                let mut call = NewCall::begun(CallDirection::Inbound, caller, called, unique_sid("CA"));
                call.call_status = CallStatus::Completed;
                call.caller_name = Some("Ann Example".to_owned());
                call
            });
            store.load(tenant, calls, |tx, batch| tx.calls().import(batch), |_| {}).expect("calls");
        }
        let tenant = *tenants.first().expect("a tenant");
        let page = PageRequest::new(PageRequest::MAX, None).expect("a page");
        let calls = store.tenant(&tenant, |tx| tx.calls().list(&nmc_core::calls::CallFilter::default(), page)).expect("calls");
        Self { store, tenant, calls: calls.items.iter().map(|call| call.id).collect(), url }
    }
}

fn batch(conn: &mut PgConnection, sql: &str) {
    diesel::connection::SimpleConnection::batch_execute(conn, sql).expect("it runs");
}
