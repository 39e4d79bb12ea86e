//! A text from a customer: it lands in the conversation, and its keyword is obeyed at once.

use super::greeting::GreetingContext;
use super::holder::Happened;
use super::refresh_call::STILL_NEWS;
use crate::actor::WORKER;
use crate::conversations::{
    Keyword, NewConsent, NewConversationEvent, NewMessage, Reading, TextDraft, is_decided_since, wait_for_texts_under_way,
};
use crate::store::{Person, Reason, Store, TenantTx};
use crate::telephony::{InboundText, SmsCallback};
use crate::types::clip;
use crate::{
    ConsentAction, ConsentSource, ConversationChannel, ConversationEventType as Event, ConversationId, Error, MessageId,
    MessageKind, PhoneNumber, Result,
};
use chrono::{DateTime, TimeDelta, Utc};
use serde_json::json;
use tracing::field;

/// How long a person waits for a second answer to HELP: what answers by itself may be answered by a machine.
const HELP_PAUSE: TimeDelta = TimeDelta::hours(1);

/// The result of taking in a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(not(feature = "testing"), non_exhaustive)]
pub struct Received {
    /// The text's row.
    pub message: MessageId,
    /// The conversation that the text is in.
    pub conversation: ConversationId,
    /// The keyword by which the text asked for something.
    pub keyword: Option<Keyword>,
    /// Whether the text may be an opt-out, which staff have to read.
    pub in_review: bool,
    /// The answer that the text was given: to HELP.
    pub reply: Option<MessageId>,
    /// Whether the text had been here before; then it changed nothing.
    pub duplicate: bool,
}

/// Records a text from a customer in one transaction, under the customer's lock. A STOP has taken effect when this
/// returns: it waits for a text that is on its way, and calls off those that are queued.
///
/// # Errors
/// [`crate::Error::NotFound`] when no tenant holds the number.
pub fn receive_text(store: &Store, callback: &SmsCallback) -> Result<Received> {
    let SmsCallback { our_number, text } = callback;
    let person = text.from.phone().cloned().map(Person::new);
    let happened = Happened::text(&text.message_sid, None, text.at);
    let (received, tenant) = store.found_or_entered(
        Reason::NumberLookup,
        person.as_ref(),
        |tx| tx.lead_to_holder(our_number, person.as_ref(), &happened),
        |tx, led| Ok((receive(tx, our_number, text, led.answers() && is_news(text, tx.now()))?, tx.tenant())),
    )?;
    if !received.duplicate {
        let Received { message: text, conversation, keyword, reply, .. } = received;
        let (keyword, reply) = (keyword.map(field::debug), reply.map(field::display));
        tracing::info!(tenant = %tenant.id(), actor = %WORKER, %text, %conversation, keyword, reply, "text received");
    }
    if received.in_review {
        tracing::warn!(
            tenant = %tenant.id(),
            actor = %WORKER,
            conversation = %received.conversation,
            "a text may be an opt-out: no automatic text to its writer until somebody settles the conversation"
        );
    }
    // Also when it comes again: the first answer may have got lost before anything was waited for.
    if let (Some(person), (_, Reading::Asks(Keyword::Stop))) = (&person, read(text)) {
        wait_for_texts_under_way(store, &tenant, person)?;
    }
    Ok(received)
}

/// What the provider says that the text asks for, and what it is taken for: in the provider's reading, else in ours.
fn read(text: &InboundText) -> (Option<Keyword>, Reading) {
    let told = text.opt_out_type.as_deref().and_then(Keyword::of_provider);
    (told, told.map_or_else(|| Reading::of(&text.body), Reading::Asks))
}

/// Whether a text is young enough to be answered.
fn is_news(text: &InboundText, now: DateTime<Utc>) -> bool {
    text.at.is_none_or(|at| now - at <= STILL_NEWS)
}

/// `answers`: whether its sender may be answered from our number.
fn receive(tx: &mut TenantTx<'_>, our_number: &PhoneNumber, text: &InboundText, answers: bool) -> Result<Received> {
    if let Some(known) = tx.messages().find_by_sid(&text.message_sid)? {
        return Ok(Received {
            message: known.id,
            conversation: known.conversation_id,
            keyword: None,
            in_review: false,
            reply: None,
            duplicate: true,
        });
    }
    // One that comes again after it was deleted stays so.
    if tx.erased_sids().has(&text.message_sid)? {
        return Err(Error::DELETED_TEXT);
    }
    let fresh = ConversationId::new(tx.0.moment.id());
    let found = tx.conversations().find_or_open(fresh, &text.from, ConversationChannel::Sms, None)?;
    tx.conversations().wake(&found)?;
    let conversation = found.id;
    let message = tx.messages().insert_received(conversation, text, our_number)?.id;
    tx.message_media().insert(message, &text.media)?;
    let event = |kind| NewConversationEvent::new(conversation, kind);
    let mut events = Vec::new();
    if conversation == fresh {
        events.push(event(Event::Opened).with(json!({"channel": ConversationChannel::Sms})));
    }
    events.push(event(Event::MessageReceived).with(json!({"message_id": message, "media": text.media.len()})));
    let (told, reading) = read(text);
    let keyword = match (reading, text.from.phone()) {
        (Reading::Asks(keyword), _) => Some(keyword),
        // An answer to a question of ours, unless there is an opt-out to take back.
        (Reading::Yes, Some(customer)) if tx.consents().is_opted_out(customer)? => Some(Keyword::Start),
        _ => None,
    };
    let mut in_review = false;
    if let (Reading::PerhapsStop, Some(customer)) = (reading, text.from.phone())
        && !tx.consents().is_opted_out(customer)?
    {
        in_review = true;
        events.push(tx.conversations().request_review(conversation, message)?);
    }
    let mut reply = None;
    if let (Some(keyword), Some(customer)) = (keyword, text.from.phone()) {
        let decide = |action| NewConsent {
            customer_phone: customer.clone(),
            action,
            source: ConsentSource::Keyword,
            keyword: clip(Some(&text.body), 20),
            message_id: Some(message),
            note: None,
        };
        match keyword {
            Keyword::Stop => {
                tx.consents().record(&decide(ConsentAction::OptOut))?;
                events.push(event(Event::OptedOut).with(json!({"source": ConsentSource::Keyword})));
            }
            // What was decided after a text that comes late stays.
            Keyword::Start if is_decided_since(tx, customer, text.at)? => {}
            Keyword::Start => {
                tx.consents().record(&decide(ConsentAction::OptIn))?;
                events.push(event(Event::OptedIn).with(json!({"source": ConsentSource::Keyword})));
            }
            // An answer to a number of our own would be answered in turn, for ever; what the provider has read, it has answered.
            Keyword::Help if answers && told.is_none() => {
                reply = answer_help(tx, conversation, our_number, customer)?;
            }
            Keyword::Help => {}
        }
    }
    if let Some(reply) = reply {
        events.push(event(Event::MessageQueued).with(json!({"message_id": reply, "kind": MessageKind::KeywordReply})));
    }
    tx.conversation_events().append(&events)?;
    Ok(Received { message, conversation, keyword, in_review, reply, duplicate: false })
}

/// Says who is texting and how to stop; not to someone who has opted out, once in a while only, not to dear numbers, and
/// not more often in a day than automatic texts go to one person.
fn answer_help(
    tx: &mut TenantTx<'_>,
    conversation: ConversationId,
    our_number: &PhoneNumber,
    customer: &PhoneNumber,
) -> Result<Option<MessageId>> {
    let context = GreetingContext::read(&mut tx.0, &customer.person(), our_number)?;
    let since = tx.now() - HELP_PAUSE;
    if !context.may_text() || !context.may_be_answered(customer) || tx.messages().has_keyword_reply(customer, since)? {
        return Ok(None);
    }
    let answer = NewMessage {
        conversation_id: conversation,
        from_number: our_number.clone(),
        body: format!(
            "This is {}. We text you back when we miss your call. Write us what you need, or reply STOP to opt out.",
            context.business_name()
        ),
        kind: MessageKind::KeywordReply,
    };
    let queued = tx.messages().insert_queued(&TextDraft::of(&answer, customer))?;
    Ok(queued.map(|message| message.id))
}
