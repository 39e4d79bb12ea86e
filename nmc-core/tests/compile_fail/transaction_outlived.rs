// A repository ends with its transaction, and a transaction may run again: its work can't give away what it was lent.
use nmc_core::calls::Calls;
use nmc_core::{Result, Store, Tenant};

fn kept<'a>(store: &'a Store, tenant: &Tenant) -> Result<Calls<'a>> {
    store.tenant(tenant, |tx| Ok(tx.calls()))
}

fn given_away(store: &Store, tenant: &Tenant, name: String) -> Result<String> {
    store.tenant(tenant, |_| Ok(name))
}

fn main() {}
