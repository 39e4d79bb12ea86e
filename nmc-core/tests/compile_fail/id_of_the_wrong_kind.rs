// A conversation is not a call, and a bare UUID is neither.
use nmc_core::{ConversationId, Result, TenantTx};

fn of_something_else(tx: &mut TenantTx<'_>, id: ConversationId) -> Result<()> {
    tx.calls().get(id).map(drop)
}

fn of_nothing(tx: &mut TenantTx<'_>) -> Result<()> {
    tx.calls().get(uuid::Uuid::nil()).map(drop)
}

fn main() {}
