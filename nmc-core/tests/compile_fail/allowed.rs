//! The twin of what is refused beside this file: it compiles, so that each of those is refused for its one difference.

use nmc_core::calls::NewCall;
use nmc_core::conversations::{ConversationPatch, NewConversationEvent};
use nmc_core::store::{Migrator, Reason};
use nmc_core::{
    AlertId, CallDirection, CallId, CallerIdentity, Confirmed, ConversationEventType, ConversationId, Result, Store, Tenant,
    TenantId, UserId,
};

pub(super) fn as_tenant(store: &Store, tenant: &Tenant, call: CallId, conversation: ConversationId, user: UserId) -> Result<()> {
    store.tenant(tenant, |tx| {
        tx.calls().get(call)?;
        tx.calls().create(&NewCall {
            duration_seconds: Some(1),
            ..NewCall::begun(CallDirection::Inbound, CallerIdentity::Anonymous, CallerIdentity::Anonymous, "CA1".to_owned())
        })?;
        tx.conversations().update(conversation, &ConversationPatch::default())?;
        tx.conversation_events().append(&[NewConversationEvent::new(conversation, ConversationEventType::NoteAdded)])?;
        tx.users().delete(user, Confirmed::irrevocably())
    })
}

pub(super) fn as_user(store: &Store, tenant: &Tenant, conversation: ConversationId, alert: AlertId, user: UserId) -> Result<()> {
    store.tenant_on_behalf_of(tenant, user, |tx| {
        tx.conversations().resolve(conversation)?;
        tx.alerts().acknowledge(alert, None)?;
        assert_eq!(tx.actor().user(), Some(user));
        Ok(())
    })
}

pub(super) fn as_system(store: &Store, migrator: &Migrator, tenant: TenantId) -> Result<Tenant> {
    store.system(Reason::Operations, |tx| tx.delete_tenant(tenant, Confirmed::irrevocably()))?;
    migrator.revert(1, Confirmed::irrevocably(), |_| {}).unwrap();
    store.system(Reason::Operations, |tx| tx.act_for(tenant))
}
