// Rows of a tenant are reached through a transaction of that tenant, and in no other way.
use nmc_core::calls::Calls;
use nmc_core::store::Reason;
use nmc_core::{CallId, Result, Store};

fn from_the_store(store: &Store, id: CallId) {
    store.calls().get(id);
}

fn from_the_system(store: &Store, id: CallId) -> Result<()> {
    store.system(Reason::Operations, |tx| tx.calls().get(id).map(drop))
}

fn from_a_connection(conn: &mut nmc_core::diesel::PgConnection) -> Calls<'_> {
    Calls(conn)
}

fn main() {}
