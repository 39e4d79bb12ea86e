// What can't be undone asks for a word that it is meant, and that word can't be made in passing.
use nmc_core::store::{Migrator, Reason};
use nmc_core::{Confirmed, Result, Store, TenantId, TenantTx, UserId};

fn a_tenant(store: &Store, id: TenantId) -> Result<()> {
    store.system(Reason::Operations, |tx| tx.delete_tenant(id))
}

fn a_user(tx: &mut TenantTx<'_>, id: UserId) -> Result<()> {
    tx.users().delete(id)
}

fn the_schema(migrator: &Migrator) {
    migrator.revert(1, |_| {}).unwrap();
}

fn in_passing() -> Confirmed {
    Confirmed(())
}

fn by_default() -> Confirmed {
    Default::default()
}

fn main() {}
