// The proof of a tenant is made by authentication and by the system alone: knowing an id is not enough.
use nmc_core::{Result, Store, Tenant, TenantId};

fn by_its_field(id: TenantId) -> Tenant {
    Tenant(id)
}

fn by_its_constructor(id: TenantId) -> Tenant {
    Tenant::proven(id)
}

fn instead_of_it(store: &Store, id: TenantId) -> Result<i64> {
    store.tenant(&id, |tx| tx.calls().count(&Default::default()))
}

fn main() {}
