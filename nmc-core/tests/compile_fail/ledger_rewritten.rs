// A log is appended to, and an alert's history not even that: its verbs write it.
use nmc_core::{AlertId, ConversationEventId, Result, TenantTx};

fn take_back(tx: &mut TenantTx<'_>, id: ConversationEventId) -> Result<()> {
    tx.conversation_events().delete(id)
}

fn forge(tx: &mut TenantTx<'_>, alert: AlertId) -> Result<()> {
    tx.alert_history().append(alert)
}

fn main() {}
