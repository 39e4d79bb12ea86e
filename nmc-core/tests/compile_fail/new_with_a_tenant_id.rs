// Whose a new row is, its id and its times are the repository's to say; what a lifecycle moves is no field of a patch.
use nmc_core::calls::NewCall;
use nmc_core::conversations::ConversationPatch;
use nmc_core::{CallDirection, CallerIdentity, ConversationStatus, TenantId};

fn new(tenant: TenantId) -> NewCall {
    NewCall {
        tenant_id: tenant,
        ..NewCall::begun(CallDirection::Inbound, CallerIdentity::Anonymous, CallerIdentity::Anonymous, "CA1".to_owned())
    }
}

fn patch() -> ConversationPatch {
    ConversationPatch { status: ConversationStatus::Closed, ..ConversationPatch::default() }
}

fn main() {}
