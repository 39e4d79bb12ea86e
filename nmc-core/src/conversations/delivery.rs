//! What became of a text: the provider's delivery callbacks.

use super::{ConversationEvents, Message, NewConsent, NewConversationEvent};
use crate::error::found;
use crate::numbers::Happened;
use crate::schema::messages;
use crate::store::{Person, Reason, Store, TenantTx};
use crate::twilio::SmsStatusCallback;
use crate::{
    ConsentAction, ConsentSource, ConversationEventType, MessageDirection, MessageId, MessageStatus, PhoneNumber, Result,
};
use chrono::{DateTime, Utc};
use diesel::prelude::*;
use serde_json::json;

/// The provider's code for "the recipient has opted out".
pub(crate) const OPTED_OUT_CODE: i32 = 21_610;

/// One report about a text of ours.
#[derive(Debug, Clone)]
pub struct DeliveryReport {
    /// Our id, which we put into the callback's URL. It finds a text whose sender died before it could note the SID.
    pub message_id: Option<MessageId>,
    /// The provider's SID.
    pub message_sid: String,
    /// What became of it.
    pub status: MessageStatus,
    /// The same, in the provider's word.
    pub provider_word: String,
    /// The provider's error code.
    pub error_code: Option<i32>,
    /// And its words.
    pub error_message: Option<String>,
}

/// Records a delivery callback: the status moves forward or not at all. It holds the recipient's lock, so it comes after
/// the sending it reports has been noted.
///
/// # Errors
/// [`crate::Error::NotFound`] when no tenant holds the number, or the text is not ours.
pub fn record_delivery(store: &Store, callback: &SmsStatusCallback) -> Result<Message> {
    let SmsStatusCallback { our_number, to, report } = callback;
    store.found_tenant(
        Reason::NumberLookup,
        Some(&Person::new(to.clone())),
        |tx| {
            let happened = Happened::text(&report.message_sid, report.message_id, None);
            tx.holder_when(our_number, None, &happened).map(|holder| (holder.tenant, ()))
        },
        |tx, ()| apply(tx, to, report),
    )
}

fn apply(tx: &mut TenantTx<'_>, to: &PhoneNumber, report: &DeliveryReport) -> Result<Message> {
    let message = found(find(tx, to, report)?, "message")?;
    let adopts = message.message_sid.is_none();
    let moves = adopts || report.status.predecessors().contains(&message.message_status);
    // What was read had been delivered; when, the late report adds.
    let late = message.message_status == MessageStatus::Read && message.delivered_at.is_none();
    let delivered = report.status == MessageStatus::Delivered && (moves || late);
    if !moves && !delivered {
        return Ok(message);
    }
    let now = tx.now();
    let row: Message = diesel::update(messages::table)
        .filter(messages::tenant_id.eq(tx.0.tenant))
        .filter(messages::id.eq(message.id))
        .set((
            moves.then(|| {
                (
                    messages::message_sid.eq(&report.message_sid),
                    messages::message_status.eq(report.status),
                    messages::delivery_status.eq(&report.provider_word),
                    report.error_code.map(|code| messages::error_code.eq(code)),
                    report.error_message.as_ref().map(|text| messages::error_message.eq(text)),
                )
            }),
            delivered.then(|| messages::delivered_at.eq(now)),
            adopts.then(|| {
                (
                    messages::sent_at.eq(now),
                    messages::next_attempt_at.eq(None::<DateTime<Utc>>),
                    messages::lease_owner.eq(None::<crate::LeaseId>),
                    messages::lease_expires_at.eq(None::<DateTime<Utc>>),
                )
            }),
            messages::updated_at.eq(now),
        ))
        .returning(Message::as_returning())
        .get_result(tx.0.conn)?;
    if matches!(report.status, MessageStatus::Failed | MessageStatus::Undelivered) {
        ConversationEvents::over(tx.0.reborrow()).append(&[NewConversationEvent::new(
            row.conversation_id,
            ConversationEventType::MessageFailed,
        )
        .with(json!({"message_id": row.id, "error_code": report.error_code}))])?;
    }
    if report.error_code == Some(OPTED_OUT_CODE) {
        record_provider_opt_out(tx, to, &row)?;
    }
    Ok(row)
}

/// The text the report is about, locked: by its SID, else by our own id if no SID is known yet.
fn find(tx: &mut TenantTx<'_>, to: &PhoneNumber, report: &DeliveryReport) -> Result<Option<Message>> {
    let outbound = || {
        Message::query()
            .filter(messages::tenant_id.eq(tx.0.tenant))
            .filter(messages::message_direction.eq(MessageDirection::Outbound))
            .filter(messages::to_number.eq(to))
    };
    let by_sid = outbound().filter(messages::message_sid.eq(&report.message_sid)).for_update();
    let by_id =
        report.message_id.map(|id| outbound().filter(messages::id.eq(id)).filter(messages::message_sid.is_null()).for_update());
    if let Some(message) = by_sid.first(tx.0.conn).optional()? {
        return Ok(Some(message));
    }
    match by_id {
        Some(query) => Ok(query.first(tx.0.conn).optional()?),
        None => Ok(None),
    }
}

/// The provider knows of an opt-out that we did not hear of.
pub(crate) fn record_provider_opt_out(tx: &mut TenantTx<'_>, to: &PhoneNumber, message: &Message) -> Result<()> {
    tx.consents().record(&NewConsent {
        customer_phone: to.clone(),
        action: ConsentAction::OptOut,
        source: ConsentSource::Provider,
        keyword: None,
        message_id: Some(message.id),
        recorded_by: None,
        note: None,
    })?;
    ConversationEvents::over(tx.0.reborrow()).append(&[NewConversationEvent::new(
        message.conversation_id,
        ConversationEventType::OptedOut,
    )
    .with(json!({"source": ConsentSource::Provider}))])
}
