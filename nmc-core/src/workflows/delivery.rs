//! What became of a text: the provider's delivery callbacks.

use super::holder::Happened;
use crate::conversations::{Message, NUMBER_HOLD, NewConversationEvent, provider_opt_out, record_provider_opt_out};
use crate::schema::messages;
use crate::store::{Person, Reason, Store, TenantTx};
use crate::telephony::SmsStatusCallback;
use crate::telephony::{Consequence, DeliveryReport, explain, meaning_of};
use crate::{ConversationEventType, Error, MessageDirection, MessageStatus, PhoneNumber, Result, StreamEventKind};
use chrono::{DateTime, Utc};
use diesel::prelude::*;
use serde_json::json;

/// Records a delivery callback: the status moves forward or not at all. It may come before the worker has noted the sending that
/// it reports: our own id finds the text then, and the worker's note changes nothing any more.
///
/// # Errors
/// [`crate::Error::NotFound`] when no tenant holds the number, or the text is not ours.
pub fn record_delivery(store: &Store, callback: &SmsStatusCallback) -> Result<Message> {
    let SmsStatusCallback { our_number, to, report } = callback;
    let message = store.found_by_worker(
        Reason::NumberLookup,
        Some(&Person::new(to.clone())),
        |tx| {
            let happened = Happened::text(&report.message_sid, report.message_id, None);
            tx.holder_when(our_number, None, &happened).map(|holder| (holder.tenant, ()))
        },
        |tx, ()| apply(tx, to, report),
    );
    message?
}

/// The text as it is by now, or why there is none.
fn apply(tx: &mut TenantTx<'_>, to: &PhoneNumber, report: &DeliveryReport) -> Result<Result<Message>> {
    let is_opt_out = report.error_code.and_then(meaning_of).is_some_and(|meaning| meaning.consequence == Consequence::OptedOut);
    let Some(message) = find(tx, to, report)? else {
        if !tx.erased_sids().has(&report.message_sid)? {
            return Ok(Err(Error::NotFound { entity: "message" }));
        }
        // What they decided counts, whatever becomes of the text that tells it.
        if is_opt_out {
            tx.consents().record(&provider_opt_out(to, None))?;
        }
        return Ok(Err(Error::DELETED_TEXT));
    };
    let adopts = message.message_sid.is_none();
    let moves = adopts || report.status.predecessors().contains(&message.message_status);
    // What was read had been delivered; when, the late report adds.
    let late = message.message_status == MessageStatus::Read && message.delivered_at.is_none();
    let delivered = report.status == MessageStatus::Delivered && (moves || late);
    if !moves && !delivered {
        return Ok(Ok(message));
    }
    let now = tx.now();
    let is_good = !report.status.has_failed() && report.status != MessageStatus::Canceled;
    let explained = report.error_code.map(explain);
    let said = report.error_message.as_ref().or(explained.as_ref()).filter(|_| !is_good);
    let row: Message = diesel::update(messages::table)
        .filter(messages::tenant_id.eq(tx.0.tenant))
        .filter(messages::id.eq(message.id))
        .set((
            moves.then(|| {
                (
                    messages::message_sid.eq(&report.message_sid),
                    messages::message_status.eq(report.status),
                    messages::delivery_status.eq(&report.provider_word),
                    (report.error_code.is_some() || is_good).then_some(messages::error_code.eq(report.error_code)),
                    // What went wrong before it went well is over.
                    (said.is_some() || is_good).then_some(messages::error_message.eq(said)),
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
    tx.0.note(StreamEventKind::MessageUpdated, row.id.uuid());
    if !is_good && moves {
        tell(tx, &row, report.error_code)?;
        tx.conversation_events().append(&[NewConversationEvent::new(
            row.conversation_id,
            ConversationEventType::MessageFailed,
        )
        .with(json!({"message_id": row.id, "error_code": report.error_code}))])?;
    }
    if is_opt_out {
        record_provider_opt_out(tx, to, row.id, row.conversation_id)?;
    }
    Ok(Ok(row))
}

/// Says in the log why a text did not arrive, and holds back a number that may not send.
fn tell(tx: &mut TenantTx<'_>, row: &Message, code: Option<i32>) -> Result<()> {
    let (tenant, actor, text) = (tx.0.tenant, tx.actor(), row.id);
    let Some(code) = code else {
        tracing::warn!(%tenant, %actor, %text, status = %row.message_status, "a text did not arrive");
        return Ok(());
    };
    let why = explain(code);
    match (meaning_of(code).map(|meaning| meaning.consequence), row.from_number.phone()) {
        // Of the account each of its numbers hears by its own report: whoever sends for it need not be this process.
        (Some(Consequence::NumberOnHold | Consequence::AccountOnHold), Some(from)) => {
            tracing::error!(%tenant, %actor, %text, code, why, "a text did not arrive: the number's other texts are held back");
            let until = tx.now() + NUMBER_HOLD;
            tx.number_pacing().hold(from, until, &why)
        }
        _ => {
            tracing::warn!(%tenant, %actor, %text, code, why, "a text did not arrive");
            Ok(())
        }
    }
}

/// The text the report is about, locked: by its SID, else by our own id if no SID is known yet.
fn find(tx: &mut TenantTx<'_>, to: &PhoneNumber, report: &DeliveryReport) -> Result<Option<Message>> {
    let outbound = || {
        Message::query()
            .filter(messages::tenant_id.eq(tx.0.tenant))
            .filter(messages::message_direction.eq(MessageDirection::Outbound))
            .filter(messages::to_number.eq_any(to.spellings()))
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
