//! What a hostile tenant hears of calls.

use super::{Ask, told};
use nmc_core::calls::{CallFilter, NewCall, NewCallParticipant};
use nmc_core::testing::{unique_phone, unique_sid};
use nmc_core::{CallDirection, CallerIdentity, ConversationId, PageRequest};

fn call_in(conversation: Option<ConversationId>) -> NewCall {
    let [caller, called] = [unique_phone(), unique_phone()].map(CallerIdentity::Phone);
    NewCall { conversation_id: conversation, ..NewCall::begun(CallDirection::Inbound, caller, called, unique_sid("CA")) }
}

#[rustfmt::skip] // a table
pub(super) const MATRIX: &[(&str, Ask)] = &[
    ("Calls::find", |tx, _, theirs| told(tx.calls().find(theirs.call)?)),
    ("Calls::get", |tx, _, theirs| told(tx.calls().get(theirs.call)?)),
    ("Calls::find_by_sid", |tx, _, theirs| told(tx.calls().find_by_sid(&theirs.call_sid)?)),
    ("Calls::list", |tx, _, _| told(tx.calls().list(&CallFilter::default(), PageRequest::first())?.items.len())),
    ("Calls::list of their conversation", |tx, _, theirs| {
        let filter = CallFilter { conversation: Some(theirs.conversation), ..CallFilter::default() };
        told(tx.calls().list(&filter, PageRequest::first())?.items)
    }),
    ("Calls::count", |tx, _, _| told(tx.calls().count(&CallFilter::default())?)),
    ("Calls::count of their conversation", |tx, _, theirs| {
        told(tx.calls().count(&CallFilter { conversation: Some(theirs.conversation), ..CallFilter::default() })?)
    }),
    ("Calls::create", |tx, _, _| tx.calls().create(call_in(None)).map(|_| "made".to_owned())),
    ("Calls::create in their conversation", |tx, _, theirs| {
        tx.calls().create(call_in(Some(theirs.conversation))).map(|_| "made".to_owned())
    }),
    ("Calls::create with their SID", |tx, _, theirs| {
        let new = NewCall { twilio_call_sid: Some(theirs.call_sid.clone()), ..call_in(None) };
        tx.calls().create(new).map(|_| "made".to_owned())
    }),

    ("CallParticipants::find", |tx, _, theirs| told(tx.call_participants().find(theirs.participant)?)),
    ("CallParticipants::get", |tx, _, theirs| told(tx.call_participants().get(theirs.participant)?)),
    ("CallParticipants::list_of_call", |tx, _, theirs| told(tx.call_participants().list_of_call(theirs.call)?)),
    ("CallParticipants::create", |tx, _, theirs| {
        let participant_type = nmc_core::ParticipantType::Agent;
        let new = NewCallParticipant { call_id: theirs.call, phone_number: CallerIdentity::Phone(unique_phone()), participant_type };
        told(tx.call_participants().create(&new)?)
    }),
    ("CallParticipants::switch", |tx, _, theirs| told(tx.call_participants().switch(theirs.participant, Some(true), None)?)),
    ("CallParticipants::leave", |tx, _, theirs| told(tx.call_participants().leave(theirs.participant)?)),
    ("CallParticipants::delete", |tx, _, theirs| told(tx.call_participants().delete(theirs.participant)?)),
];
