// Who acts is said when the transaction is opened: nobody makes an actor, or goes on as another one.
use nmc_core::access::Actor;
use nmc_core::alerts::Alert;
use nmc_core::conversations::{Conversation, NewConversationEvent};
use nmc_core::{AlertId, ConversationEventType, ConversationId, Result, TenantTx, UserId};

fn by_its_constructor(user: UserId) -> Actor {
    Actor::on_behalf_of(user)
}

fn by_its_fields() -> Actor {
    Actor {}
}

fn from_now_on(tx: &mut TenantTx<'_>, actor: &Actor) {
    tx.acting_as(actor, |tx| drop(tx.now()));
}

fn in_a_verb(tx: &mut TenantTx<'_>, id: ConversationId, user: UserId) -> Result<Conversation> {
    tx.conversations().resolve(id, Some(user))
}

fn in_an_alert(tx: &mut TenantTx<'_>, id: AlertId, user: UserId) -> Result<Alert> {
    tx.alerts().acknowledge(id, user, None)
}

fn in_an_event(id: ConversationId, user: UserId) -> NewConversationEvent {
    NewConversationEvent::new(id, ConversationEventType::NoteAdded).by(Some(user))
}

fn main() {}
