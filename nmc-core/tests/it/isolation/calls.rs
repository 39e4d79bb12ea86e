//! What a hostile tenant hears of calls.

use super::{Ask, told};
use nmc_core::calls::{
    CallFilter, CallMetadataFilter, CallParticipantFilter, CallPatch, MetadataValue, NewCall, NewCallParticipant,
};
use nmc_core::testing::{on_behalf_of, unique_phone, unique_sid};
use nmc_core::{CallDirection, CallOutcome, CallStatus, CallerIdentity, ConversationId, PageRequest, Patch};

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
    ("Calls::count_up_to", |tx, _, _| told(tx.calls().count_up_to(9, &CallFilter::default())?)),
    ("Calls::count", |tx, _, _| told(tx.calls().count(&CallFilter::default())?)),
    ("Calls::count of their conversation", |tx, _, theirs| {
        told(tx.calls().count(&CallFilter { conversation: Some(theirs.conversation), ..CallFilter::default() })?)
    }),
    ("Calls::create", |tx, _, _| tx.calls().create(&call_in(None)).map(|_| "made".to_owned())),
    ("Calls::create in their conversation", |tx, _, theirs| {
        tx.calls().create(&call_in(Some(theirs.conversation))).map(|_| "made".to_owned())
    }),
    ("Calls::create with their SID", |tx, _, theirs| {
        let new = NewCall { twilio_call_sid: Some(theirs.call_sid.clone()), ..call_in(None) };
        tx.calls().create(&new).map(|_| "made".to_owned())
    }),

    ("Calls::lock", |tx, _, theirs| told(tx.calls().lock(theirs.call)?)),
    ("Calls::update", |tx, _, theirs| {
        let patch = CallPatch { caller_name: Patch::Set("Mallory".to_owned()), ..CallPatch::default() };
        told(tx.calls().update(theirs.call, &patch)?)
    }),
    ("Calls::set_status", |tx, _, theirs| told(tx.calls().set_status(theirs.call, CallStatus::Ringing)?)),
    ("Calls::set_outcome", |tx, _, theirs| told(tx.calls().set_outcome(theirs.call, CallOutcome::Blocked)?)),
    ("Calls::set_outcome by their user", |tx, own, theirs| {
        on_behalf_of(tx, theirs.user, |tx| tx.calls().set_outcome(own.call, CallOutcome::Blocked)).map(|_| "made".to_owned())
    }),
    ("Calls::import with their SID", |tx, _, theirs| {
        told(tx.calls().import(&[NewCall { twilio_call_sid: Some(theirs.call_sid.clone()), ..call_in(None) }])?)
    }),
    ("Calls::contradictions with their SID", |tx, _, theirs| {
        told(tx.calls().contradictions(&[NewCall { twilio_call_sid: Some(theirs.call_sid.clone()), ..call_in(None) }])?)
    }),
    ("Calls::import into their conversation", |tx, _, theirs| told(tx.calls().import(&[call_in(Some(theirs.conversation))])?)),

    ("CallMetadataRepo::find", |tx, _, theirs| told(tx.call_metadata().find(theirs.call, "key")?)),
    ("CallMetadataRepo::get", |tx, _, theirs| told(tx.call_metadata().get(theirs.call, "key")?)),
    ("CallMetadataRepo::list", |tx, _, _| told(tx.call_metadata().list(&CallMetadataFilter::default(), PageRequest::first())?.items.len())),
    ("CallMetadataRepo::list of their call", |tx, _, theirs| {
        let filter = CallMetadataFilter { call: Some(theirs.call), ..CallMetadataFilter::default() };
        told(tx.call_metadata().list(&filter, PageRequest::first())?.items)
    }),
    ("CallMetadataRepo::count", |tx, _, _| told(tx.call_metadata().count(&CallMetadataFilter::default())?)),
    ("CallMetadataRepo::create", |tx, _, theirs| told(tx.call_metadata().create(theirs.call, "key", &MetadataValue::Boolean(true))?)),
    ("CallMetadataRepo::put", |tx, _, theirs| told(tx.call_metadata().put(theirs.call, "key", &MetadataValue::Boolean(true))?)),
    ("CallMetadataRepo::delete", |tx, _, theirs| told(tx.call_metadata().delete(theirs.call, "key")?)),

    ("CallParticipants::find", |tx, _, theirs| told(tx.call_participants().find(theirs.participant)?)),
    ("CallParticipants::get", |tx, _, theirs| told(tx.call_participants().get(theirs.participant)?)),
    ("CallParticipants::list_of_call", |tx, _, theirs| told(tx.call_participants().list_of_call(theirs.call)?)),
    ("CallParticipants::list", |tx, _, _| told(tx.call_participants().list(&CallParticipantFilter::default(), PageRequest::first())?.items.len())),
    ("CallParticipants::list of their call", |tx, _, theirs| {
        let filter = CallParticipantFilter { call: Some(theirs.call), ..CallParticipantFilter::default() };
        told(tx.call_participants().list(&filter, PageRequest::first())?.items)
    }),
    ("CallParticipants::count", |tx, _, _| told(tx.call_participants().count(&CallParticipantFilter::default())?)),
    ("CallParticipants::create", |tx, _, theirs| {
        let participant_type = nmc_core::ParticipantType::Agent;
        let new = NewCallParticipant { call_id: theirs.call, phone_number: CallerIdentity::Phone(unique_phone()), participant_type };
        told(tx.call_participants().create(&new)?)
    }),
    ("CallParticipants::switch", |tx, _, theirs| told(tx.call_participants().switch(theirs.participant, Some(true), None)?)),
    ("CallParticipants::leave", |tx, _, theirs| told(tx.call_participants().leave(theirs.participant)?)),
    ("CallParticipants::delete", |tx, _, theirs| told(tx.call_participants().delete(theirs.participant)?)),
];
