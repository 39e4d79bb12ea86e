//! A text from a customer: it lands in the conversation, and its keyword is obeyed at once.

use super::{
    ConversationEvents, Conversations, GreetingContext, Keyword, Messages, NewConsent, NewConversationEvent, NewMessage,
};
use crate::calls::STILL_NEWS;
use crate::numbers::Happened;
use crate::store::{Person, Reason, Store, TenantTx};
use crate::twilio::SmsCallback;
use crate::types::clip;
use crate::{
    CallerIdentity, ConsentAction, ConsentSource, ConversationChannel, ConversationEventType as Event, ConversationId, MessageId,
    MessageKind, PhoneNumber, Result,
};
use chrono::{DateTime, Utc};
use serde_json::json;

/// A text as the provider hands it over.
#[derive(Debug, Clone)]
pub struct InboundText {
    /// The provider's SID; the same text may be handed over several times.
    pub message_sid: String,
    /// Who wrote it.
    pub from: CallerIdentity,
    /// The words; may be empty where there are pictures.
    pub body: String,
    /// How many pictures came with it.
    pub media: u16,
    /// The provider's own reading of the words as `STOP`, `START` or `HELP`.
    pub opt_out_type: Option<String>,
    /// When it was sent, of one that is handed over late; `None` is now.
    pub at: Option<DateTime<Utc>>,
}

/// What a text came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Received {
    /// The text's row.
    pub message: MessageId,
    /// The conversation it is in.
    pub conversation: ConversationId,
    /// What it asked for.
    pub keyword: Option<Keyword>,
    /// The answer it was given: to HELP.
    pub reply: Option<MessageId>,
    /// Whether it had been here before; then it changed nothing.
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
    store.found_tenant(
        Reason::NumberLookup,
        person.as_ref(),
        |tx| tx.holder_when(our_number, text.from.phone(), &happened).map(|holder| (holder.tenant, holder)),
        |tx, holder| receive(tx, our_number, text, holder.answers() && is_news(text, tx.now())),
    )
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
            reply: None,
            duplicate: true,
        });
    }
    let fresh = ConversationId::new(tx.0.moment.id());
    let found = Conversations::over(tx.0.reborrow()).find_or_open(fresh, &text.from, ConversationChannel::Sms, None)?;
    Conversations::over(tx.0.reborrow()).wake(&found)?;
    let conversation = found.id;
    let message = Messages::over(tx.0.reborrow()).insert_received(conversation, text, our_number)?.id;
    let event = |kind| NewConversationEvent::new(conversation, kind);
    let mut events = Vec::new();
    if conversation == fresh {
        events.push(event(Event::Opened).with(json!({"channel": ConversationChannel::Sms})));
    }
    events.push(event(Event::MessageReceived).with(json!({"message_id": message, "media": text.media})));
    let keyword = text.opt_out_type.as_deref().and_then(Keyword::of_provider).or_else(|| Keyword::of(&text.body));
    let mut reply = None;
    if let (Some(keyword), Some(customer)) = (keyword, text.from.phone()) {
        let decide = |action| NewConsent {
            customer_phone: customer.clone(),
            action,
            source: ConsentSource::Keyword,
            keyword: clip(Some(&text.body), 20),
            message_id: Some(message),
            recorded_by: None,
            note: None,
        };
        match keyword {
            Keyword::Stop => {
                tx.consents().record(&decide(ConsentAction::OptOut))?;
                events.push(event(Event::OptedOut).with(json!({"source": ConsentSource::Keyword})));
            }
            // What was decided after a text that comes late stays.
            Keyword::Start if super::late::is_decided_since(tx, customer, text.at)? => {}
            Keyword::Start => {
                tx.consents().record(&decide(ConsentAction::OptIn))?;
                events.push(event(Event::OptedIn).with(json!({"source": ConsentSource::Keyword})));
            }
            // An answer to a number of our own would be answered in turn, for ever.
            Keyword::Help if answers => {
                reply = answer_help(tx, conversation, our_number, customer)?;
            }
            Keyword::Help => {}
        }
    }
    if let Some(reply) = reply {
        events.push(event(Event::MessageQueued).with(json!({"message_id": reply, "kind": MessageKind::KeywordReply})));
    }
    ConversationEvents::over(tx.0.reborrow()).append(&events)?;
    Ok(Received { message, conversation, keyword, reply, duplicate: false })
}

/// Says who is texting and how to stop; not to someone who has opted out.
fn answer_help(
    tx: &mut TenantTx<'_>,
    conversation: ConversationId,
    our_number: &PhoneNumber,
    customer: &PhoneNumber,
) -> Result<Option<MessageId>> {
    let context = GreetingContext::read(&mut tx.0, customer)?;
    if !context.may_text() {
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
        created_by: None,
    };
    let queued = Messages::over(tx.0.reborrow()).insert_queued(&answer, customer, None)?;
    Ok(queued.map(|message| message.id))
}
