//! What a hostile tenant hears of conversations, texts and consent.

use super::{Ask, told};
use nmc_core::conversations::{
    Assignee, ConsentFilter, ConversationEventFilter, ConversationFilter, ConversationPatch, MessageFilter, NewConsent,
    NewConversation, NewConversationEvent, NewMessage, Search,
};
use nmc_core::testing::{on_behalf_of, unique_phone};
use nmc_core::{
    CallerIdentity, ConsentAction, ConsentSource, ConversationChannel, ConversationEventType, ConversationId,
    ConversationPriority, ConversationStatus, MessageKind, PageRequest, Patch, PhoneNumber,
};

pub(super) fn message_to(conversation: ConversationId, from: &PhoneNumber) -> NewMessage {
    NewMessage { conversation_id: conversation, from_number: from.clone(), body: "hello".to_owned(), kind: MessageKind::Message }
}

fn consent_of(customer: &PhoneNumber, action: ConsentAction) -> NewConsent {
    NewConsent {
        customer_phone: customer.clone(),
        action,
        source: ConsentSource::Staff,
        keyword: None,
        message_id: None,
        note: Some("on the phone".to_owned()),
    }
}

fn rename() -> ConversationPatch {
    ConversationPatch { customer_name: Patch::Set("Mallory".to_owned()), ..ConversationPatch::default() }
}

#[rustfmt::skip] // a table
pub(super) const MATRIX: &[(&str, Ask)] = &[
    ("Conversations::find", |tx, _, theirs| told(tx.conversations().find(theirs.conversation)?)),
    ("Conversations::get", |tx, _, theirs| told(tx.conversations().get(theirs.conversation)?)),
    ("Conversations::find_open", |tx, _, theirs| told(tx.conversations().find_open(&CallerIdentity::Phone(theirs.customer.clone()))?)),
    ("Conversations::find_open with an own customer", |tx, own, _| {
        told(tx.conversations().find_open(&CallerIdentity::Phone(own.customer.clone()))?.is_some_and(|row| row.id == own.conversation))
    }),
    ("Conversations::list", |tx, _, _| told(tx.conversations().list(&ConversationFilter::default(), PageRequest::first())?.items.len())),
    ("Conversations::list of their user", |tx, _, theirs| {
        let filter = ConversationFilter { assigned_to: Some(Assignee::User(theirs.user)), ..ConversationFilter::default() };
        told(tx.conversations().list(&filter, PageRequest::first())?.items)
    }),
    ("Conversations::search", |tx, _, theirs| {
        let of = |text: &str| Search::new(text).map(|search| (search, ConversationFilter::default()));
        let ((name, all), (number, _)) = (of("cleo")?, of(theirs.customer.as_str())?);
        let found = tx.conversations().search(&name, &all, PageRequest::first())?.items.len();
        told(found + tx.conversations().search(&number, &all, PageRequest::first())?.items.len())
    }),
    ("Conversations::lock", |tx, _, theirs| told(tx.conversations().lock(theirs.conversation)?)),
    ("Conversations::get_with_last_text", |tx, _, theirs| told(tx.conversations().get_with_last_text(theirs.conversation)?)),
    ("Conversations::list_with_last_text", |tx, _, _| {
        let page = tx.conversations().list_with_last_text(&ConversationFilter::default(), PageRequest::first())?;
        told((page.items.len(), page.items.first().map(|row| row.total_messages)))
    }),
    ("Conversations::list_with_last_text unread by their user", |tx, _, theirs| {
        let filter = ConversationFilter { unread_by: Some(theirs.user), ..ConversationFilter::default() };
        told(tx.conversations().list_with_last_text(&filter, PageRequest::first())?.items.len())
    }),
    ("Conversations::list_open", |tx, _, _| told(tx.conversations().list_open(&ConversationFilter::default(), PageRequest::first())?.items.len())),
    ("Conversations::count_up_to", |tx, _, _| told(tx.conversations().count_up_to(9, &ConversationFilter::default())?)),
    ("Conversations::count", |tx, _, _| told(tx.conversations().count(&ConversationFilter::default())?)),
    ("Conversations::create", |tx, _, _| {
        let customer_phone = CallerIdentity::Phone(unique_phone());
        let new = NewConversation { customer_phone, channel: ConversationChannel::Web, subject: None, customer_name: None };
        tx.conversations().create(&new).map(|_| "made".to_owned())
    }),
    ("Conversations::update", |tx, _, theirs| told(tx.conversations().update(theirs.conversation, &rename())?)),
    ("Conversations::update, nothing", |tx, _, theirs| {
        told(tx.conversations().update(theirs.conversation, &ConversationPatch::default())?)
    }),
    ("Conversations::update by their user", |tx, own, theirs| {
        on_behalf_of(tx, theirs.user, |tx| tx.conversations().update(own.conversation, &rename())).map(|_| "made".to_owned())
    }),
    ("Conversations::set_status", |tx, _, theirs| told(tx.conversations().set_status(theirs.conversation, ConversationStatus::Closed)?)),
    ("Conversations::set_status by their user", |tx, own, theirs| {
        on_behalf_of(tx, theirs.user, |tx| tx.conversations().set_status(own.conversation, ConversationStatus::Waiting)).map(|_| "made".to_owned())
    }),
    ("Conversations::assign", |tx, own, theirs| told(tx.conversations().assign(theirs.conversation, Some(own.user))?)),
    ("Conversations::assign to their user", |tx, own, theirs| {
        tx.conversations().assign(own.conversation, Some(theirs.user)).map(|_| "made".to_owned())
    }),

    ("Conversations::resolve", |tx, _, theirs| told(tx.conversations().resolve(theirs.conversation)?)),
    ("Conversations::close", |tx, _, theirs| told(tx.conversations().close(theirs.conversation)?)),
    ("Conversations::reopen", |tx, _, theirs| told(tx.conversations().reopen(theirs.conversation)?)),
    ("Conversations::set_priority", |tx, _, theirs| {
        told(tx.conversations().set_priority(theirs.conversation, ConversationPriority::Urgent)?)
    }),
    ("Conversations::set_priority by their user", |tx, own, theirs| {
        on_behalf_of(tx, theirs.user, |tx| tx.conversations().set_priority(own.conversation, ConversationPriority::Urgent)).map(|_| "made".to_owned())
    }),
    ("Conversations::add_tag", |tx, _, theirs| told(tx.conversations().add_tag(theirs.conversation, "robbed")?)),
    ("Conversations::remove_tag", |tx, _, theirs| told(tx.conversations().remove_tag(theirs.conversation, "loved")?)),
    ("Conversations::in_review", |tx, _, theirs| told(tx.conversations().in_review(theirs.conversation)?)),
    ("Conversations::dismiss_review", |tx, _, theirs| told(tx.conversations().dismiss_review(theirs.conversation, None)?)),
    ("Conversations::add_note", |tx, _, theirs| told(tx.conversations().add_note(theirs.conversation, "robbed")?)),
    ("Conversations::add_note_once", |tx, _, theirs| told(tx.conversations().add_note_once(theirs.conversation, &theirs.client_key, "robbed")?)),
    ("Conversations::add_note_once by their user", |tx, own, theirs| told(on_behalf_of(tx, theirs.user, |tx| tx.conversations().add_note_once(own.conversation, "fresh", "robbed"))?)),
    ("Conversations::add_note by their user", |tx, own, theirs| told(on_behalf_of(tx, theirs.user, |tx| tx.conversations().add_note(own.conversation, "robbed"))?)),

    ("ConversationReads::mark", |tx, own, theirs| {
        told(on_behalf_of(tx, own.user, |tx| tx.conversation_reads().mark(theirs.conversation))?)
    }),
    ("ConversationReads::mark by their user", |tx, own, theirs| {
        on_behalf_of(tx, theirs.user, |tx| tx.conversation_reads().mark(own.conversation)).map(|_| "made".to_owned())
    }),

    ("ConversationEvents::append", |tx, _, theirs| {
        let event = NewConversationEvent::new(theirs.conversation, ConversationEventType::NoteAdded);
        told(tx.conversation_events().append(&[event])?)
    }),
    ("ConversationEvents::append about their call", |tx, own, theirs| {
        let event = NewConversationEvent::new(own.conversation, ConversationEventType::NoteAdded).of_call(theirs.call);
        told(tx.conversation_events().append(&[event])?)
    }),
    ("ConversationEvents::append by their user", |tx, own, theirs| {
        let event = NewConversationEvent::new(own.conversation, ConversationEventType::NoteAdded);
        told(on_behalf_of(tx, theirs.user, |tx| tx.conversation_events().append(&[event]))?)
    }),
    ("ConversationEvents::list", |tx, _, theirs| told(tx.conversation_events().list(&ConversationEventFilter::of(theirs.conversation), PageRequest::first())?.items)),
    ("ConversationEvents::count", |tx, _, theirs| told(tx.conversation_events().count(&ConversationEventFilter::of(theirs.conversation))?)),

    ("Messages::find", |tx, _, theirs| told(tx.messages().find(theirs.message)?)),
    ("Messages::get", |tx, _, theirs| told(tx.messages().get(theirs.message)?)),
    ("Messages::find_by_sid", |tx, _, theirs| told(tx.messages().find_by_sid(&theirs.message_sid)?)),
    ("Messages::find_by_client_key", |tx, _, theirs| told(tx.messages().find_by_client_key(&theirs.client_key)?)),
    ("Messages::list", |tx, _, _| told(tx.messages().list(&MessageFilter::default(), PageRequest::first())?.items.len())),
    ("Messages::list of their conversation", |tx, _, theirs| {
        let filter = MessageFilter { conversation: Some(theirs.conversation), ..MessageFilter::default() };
        told(tx.messages().list(&filter, PageRequest::first())?.items)
    }),
    ("Messages::search", |tx, _, _| told(tx.messages().search(&Search::new("words")?, PageRequest::first())?.items.len())),
    ("Messages::list_failed", |tx, _, _| {
        told(tx.messages().list_failed(&MessageFilter::default(), PageRequest::first())?.items.len())
    }),
    ("Messages::list_of_call", |tx, _, theirs| told(tx.messages().list_of_call(theirs.call)?)),
    ("Messages::count", |tx, _, _| told(tx.messages().count(&MessageFilter::default())?)),
    ("Messages::queue", |tx, own, theirs| told(tx.messages().queue(&message_to(theirs.conversation, &own.phone))?)),
    ("Messages::queue from their number", |tx, own, theirs| told(tx.messages().queue(&message_to(own.conversation, &theirs.phone))?)),
    ("Messages::queue to their customer", |tx, own, theirs| {
        let customer_phone = CallerIdentity::Phone(theirs.customer.clone());
        let new = NewConversation { customer_phone, channel: ConversationChannel::Web, subject: None, customer_name: None };
        let conversation = tx.conversations().create(&new)?.id;
        tx.messages().queue(&message_to(conversation, &own.phone)).map(|_| "made".to_owned())
    }),
    ("Messages::queue by their user", |tx, own, theirs| {
        let new = message_to(own.conversation, &own.phone);
        on_behalf_of(tx, theirs.user, |tx| tx.messages().queue(&new)).map(|_| "made".to_owned())
    }),

    ("MessageMedia::find", |tx, _, theirs| told(tx.message_media().find(theirs.message, 0)?)),
    ("MessageMedia::get", |tx, _, theirs| told(tx.message_media().get(theirs.message, 0)?)),
    ("MessageMedia::list", |tx, own, theirs| told(tx.message_media().list(&[own.message, theirs.message])?.len())),

    // Their customer has opted out, there.
    ("Consents::is_opted_out", |tx, _, theirs| told(tx.consents().is_opted_out(&theirs.customer)?)),
    ("Consents::find_latest", |tx, _, theirs| told(tx.consents().find_latest(&theirs.customer)?)),
    ("Consents::list", |tx, _, _| told(tx.consents().list(&ConsentFilter::default(), PageRequest::first())?.items.len())),
    ("Consents::list of their customer", |tx, _, theirs| {
        let filter = ConsentFilter { customer: Some(theirs.customer.clone()), ..ConsentFilter::default() };
        told(tx.consents().list(&filter, PageRequest::first())?.items)
    }),
    // It calls off what is queued to that person: here, not there.
    ("Consents::record", |tx, _, theirs| {
        tx.consents().record(&consent_of(&theirs.customer, ConsentAction::OptOut)).map(|_| "made".to_owned())
    }),
    ("Consents::record by their user", |tx, own, theirs| {
        let new = consent_of(&own.customer, ConsentAction::OptIn);
        on_behalf_of(tx, theirs.user, |tx| tx.consents().record(&new)).map(|_| "made".to_owned())
    }),
    ("Consents::record with their message", |tx, own, theirs| {
        let new = NewConsent { message_id: Some(theirs.message), ..consent_of(&own.customer, ConsentAction::OptIn) };
        tx.consents().record(&new).map(|_| "made".to_owned())
    }),
];
