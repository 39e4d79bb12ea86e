//! The main job: a call's callback comes in, and if nobody took the call, its caller gets one text.

use super::first_callback::{FirstCallback, Greeting};
use super::forwarding::newly_broken;
use super::greeting::{Answer, GreetingContext};
use super::holder::{Happened, Holder};
use super::lead::{Entered, Led};
use crate::actor::WORKER;
use crate::calls::{Call, NewCall};
use crate::conversations::{NewConversationEvent, NewMessage, NotTexted, TextDraft};
use crate::store::{Person, Reason, Store, TenantTx};
use crate::telephony::{CallFacts, VoiceCallback, explain};
use crate::{
    CallDirection, CallId, CallOutcome, CallStatus, CallerIdentity, ConversationChannel, ConversationEventType as Event,
    ConversationId, ConversationStatus, Error, MessageId, MessageKind, PhoneNumber, Result, TenantId,
};
use serde_json::json;
use tracing::field;

/// The result of recording a callback.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Recorded {
    /// The call's row.
    pub call: CallId,
    /// The status of the call now.
    pub status: CallStatus,
    /// The outcome of the call, once it has ended.
    pub outcome: Option<CallOutcome>,
    /// The caller's conversation; none for a caller without a number.
    pub conversation: Option<ConversationId>,
    /// The greeting that this callback queued.
    pub greeting: Option<MessageId>,
    /// The reason why this callback queued no greeting, where the caller would have been owed one.
    pub not_texted: Option<NotTexted>,
    /// Whether this callback told that the call has ended, or what it was: once for most calls.
    pub is_settled_now: bool,
}

/// Records a call's status callback: the call, its outcome, the caller's conversation, the events, and the greeting if
/// one is due, in one transaction. Callbacks may come in any order, several times, and at once: the rows end the same.
///
/// # Errors
/// [`crate::Error::NotFound`] when no tenant holds the number, or the call was deleted for good.
pub fn record_voice_status(store: &Store, callback: &VoiceCallback) -> Result<Recorded> {
    let VoiceCallback { our_number, facts } = callback;
    // The lock makes a caller's callbacks follow one another; a withheld number is nobody's in particular.
    let person = facts.other.phone().cloned().map(Person::new);
    let happened = Happened::call(&facts.sid, facts.began_at());
    let by = |from_own_number| VoiceStatus { our_number, facts, from_own_number };
    let (recorded, tenant) = store.found_or_entered(
        Reason::NumberLookup,
        person.as_ref(),
        |tx| tx.lead_to_holder(our_number, person.as_ref(), &happened),
        |tx, led| {
            let recorded = match led {
                Led::Entered(entered) if !entered.call_known && !entered.from_own_number => by(false).record_first(tx, &entered),
                Led::Entered(Entered { from_own_number, .. }) | Led::Found(Holder { from_own_number, .. }) => {
                    by(from_own_number).record(tx)
                }
            };
            Ok((recorded?, tx.tenant().id()))
        },
    )?;
    recorded.log(tenant);
    Ok(recorded)
}

/// One callback within its tenant's transaction, which holds the lock of the other party.
#[derive(Debug, Clone, Copy)]
pub struct VoiceStatus<'a> {
    /// The number of ours that the callback is of.
    pub our_number: &'a PhoneNumber,
    /// The facts that the callback tells of the call.
    pub facts: &'a CallFacts,
    /// Whether the other party is a number of the same tenant.
    pub from_own_number: bool,
}

impl VoiceStatus<'_> {
    /// Records the callback.
    ///
    /// # Errors
    /// [`crate::Error`] of the statements; the transaction then changes nothing.
    pub fn record(&self, tx: &mut TenantTx<'_>) -> Result<Recorded> {
        let (mut call, is_new) = self.insert_or_lock(tx)?;
        let before = (call.call_status, call.outcome, call.duration_seconds);
        let error_before = call.error_code.filter(|_| !is_new);
        if is_new {
            // Late news of a call that was deleted does not bring it back.
            if tx.erased_sids().has(&self.facts.sid)? {
                return Err(Error::DELETED_CALL);
            }
            self.count_in(tx, &mut call)?;
        } else {
            if !call.absorb(self.facts, self.from_own_number, tx.now()) {
                return Ok(Recorded::of(&call));
            }
            tx.calls().save_progress(&call)?;
            let late = call.duration_seconds.unwrap_or(0) - before.2.unwrap_or(0);
            if let (Some(conversation), 1..) = (call.conversation_id, late) {
                tx.conversations().add_duration(conversation, late)?;
            }
        }
        let broken = newly_broken(tx, &call, error_before);
        let before = (!is_new).then_some((before.0, before.1));
        let mut recorded = Recorded { is_settled_now: settled_now(&call, before), ..Recorded::of(&call) };
        let Some(conversation) = call.conversation_id else {
            return Ok(recorded);
        };
        if owes_greeting(&call, before) {
            self.greet(tx, conversation, &call, &mut recorded)?;
        }
        tx.conversation_events().append(&events(&call, conversation, before, broken, &recorded))?;
        Ok(recorded)
    }

    /// Records the first callback of a call whose other party has a number of their own, in one statement beside what decides.
    fn record_first(&self, tx: &mut TenantTx<'_>, entered: &Entered) -> Result<Recorded> {
        let (Some(other), now) = (self.facts.other.phone(), tx.now()) else { return self.record(tx) };
        let (mut call, fresh) = self.new_call(tx);
        let open = entered.conversation;
        let conversation = open.map_or(fresh, |(id, _)| id);
        call.conversation_id = Some(conversation);
        if self.facts.direction == CallDirection::Inbound && open.is_some_and(|(_, is)| is == ConversationStatus::Waiting) {
            tx.conversations().set_status(conversation, ConversationStatus::Active)?;
        }
        let mut recorded = Recorded { is_settled_now: settled_now(&call, None), ..Recorded::of(&call) };
        let mut greeting = None;
        if owes_greeting(&call, None) {
            let context = GreetingContext::of_call(&mut tx.0, other, call.id, self.our_number)?;
            match context.answer(&call, other, self.our_number, now) {
                Answer::Text { body, due } => greeting = Some(Greeting::new(body, due, tx.0.moment)),
                Answer::NotTexted(reason) => recorded.not_texted = Some(reason),
                Answer::Settled => {}
            }
        }
        recorded.greeting = greeting.as_ref().map(|text| text.id);
        let events = events(&call, conversation, None, newly_broken(tx, &call, None), &recorded);
        FirstCallback { call: &call, person: other.person(), opens: open.is_none(), greeting, events }.write(&mut tx.0)?;
        Ok(recorded)
    }

    /// The call's row, complete with all this callback says, if it is new; else the row that is there, locked.
    fn insert_or_lock(&self, tx: &mut TenantTx<'_>) -> Result<(Call, bool)> {
        let (mut call, fresh) = self.new_call(tx);
        if self.facts.other.phone().is_some() && !self.from_own_number {
            call.conversation_id = Some(fresh);
        }
        tx.calls().insert_or_lock(&call)
    }

    /// The row of a new call, complete with all this callback says, and an id for a new conversation.
    fn new_call(&self, tx: &TenantTx<'_>) -> (Call, ConversationId) {
        let (facts, now) = (self.facts, tx.now());
        let us = CallerIdentity::Phone(self.our_number.clone());
        let (caller, called) = match facts.direction {
            CallDirection::Inbound => (facts.other.clone(), us),
            CallDirection::Outbound => (us, facts.other.clone()),
        };
        let mut call = NewCall::begun(facts.direction, caller, called, facts.sid.clone()).into_row(&tx.0);
        let conversation = ConversationId::new(tx.0.moment.id());
        call.absorb(facts, self.from_own_number, now);
        (call, conversation)
    }

    /// Finds or opens the other party's conversation and counts the new call in. The call was written with the id that a
    /// new conversation takes, which spares a first-time caller's call a second write; a known caller's is put right.
    fn count_in(&self, tx: &mut TenantTx<'_>, call: &mut Call) -> Result<()> {
        let Some(expected) = call.conversation_id else { return Ok(()) };
        let seconds = call.duration_seconds.unwrap_or(0);
        let conversation =
            tx.conversations().find_or_open(expected, &self.facts.other, ConversationChannel::Phone, Some((call.id, seconds)))?;
        if self.facts.direction == CallDirection::Inbound {
            tx.conversations().wake(&conversation)?;
        }
        if conversation.id != expected {
            call.conversation_id = Some(conversation.id);
            tx.calls().save_progress(call)?;
        }
        Ok(())
    }

    /// Queues the greeting if one is due, or says why none is.
    fn greet(&self, tx: &mut TenantTx<'_>, conversation: ConversationId, call: &Call, recorded: &mut Recorded) -> Result<()> {
        let Some(caller) = self.facts.other.phone() else { return Ok(()) };
        let context = GreetingContext::of_call(&mut tx.0, caller, call.id, self.our_number)?;
        match context.answer(call, caller, self.our_number, tx.now()) {
            Answer::Text { body, due } => {
                let greeting = NewMessage {
                    conversation_id: conversation,
                    from_number: self.our_number.clone(),
                    body,
                    kind: MessageKind::Greeting,
                };
                let queued = tx.messages().insert_queued(&TextDraft {
                    call: Some(call.id),
                    due: Some(due),
                    ..TextDraft::of(&greeting, caller)
                })?;
                recorded.greeting = queued.map(|message| message.id);
            }
            Answer::NotTexted(reason) => recorded.not_texted = Some(reason),
            Answer::Settled => {}
        }
        Ok(())
    }
}

/// Whether this callback is the one after which the caller is texted, if anything is. `before` is what the call was, if it was there.
fn owes_greeting(call: &Call, before: Option<(CallStatus, Option<CallOutcome>)>) -> bool {
    settled_now(call, before) && call.outcome.is_some_and(CallOutcome::wants_greeting)
}

/// Whether this callback told that the call has ended, or what it was.
fn settled_now(call: &Call, before: Option<(CallStatus, Option<CallOutcome>)>) -> bool {
    ended_now(call, before) || before.and_then(|(_, outcome)| outcome) != call.outcome
}

fn ended_now(call: &Call, before: Option<(CallStatus, Option<CallOutcome>)>) -> bool {
    call.call_status.is_terminal() && before.is_none_or(|(status, _)| !status.is_terminal())
}

/// The events that tell a conversation's log of this callback.
fn events(
    call: &Call,
    conversation: ConversationId,
    before: Option<(CallStatus, Option<CallOutcome>)>,
    broken: Option<i32>,
    recorded: &Recorded,
) -> Vec<NewConversationEvent> {
    let event = |kind| NewConversationEvent::new(conversation, kind).of_call(call.id);
    let outcome_before = before.and_then(|(_, outcome)| outcome);
    let mut events = Vec::new();
    if before.is_none() {
        events.push(event(Event::CallStarted).with(json!({"direction": call.call_direction})));
    }
    if ended_now(call, before) {
        events.push(event(Event::CallEnded).with(json!({"status": call.call_status, "outcome": call.outcome})));
    } else if call.outcome != outcome_before {
        events.push(event(Event::OutcomeChanged).with(json!({"old": outcome_before, "new": call.outcome})));
    }
    if let Some(code) = broken {
        events.push(event(Event::ForwardingFailed).with(json!({"error_code": code, "reason": explain(code)})));
    }
    if let Some(message) = recorded.greeting {
        events.push(event(Event::MessageQueued).with(json!({"message_id": message, "kind": MessageKind::Greeting})));
    }
    if let Some(reason) = recorded.not_texted {
        events.push(event(Event::NotTexted).with(json!({ "reason": reason })));
    }
    events
}

impl Recorded {
    const fn of(call: &Call) -> Self {
        Self {
            call: call.id,
            status: call.call_status,
            outcome: call.outcome,
            conversation: call.conversation_id,
            greeting: None,
            not_texted: None,
            is_settled_now: false,
        }
    }

    /// Logs a call in one line, when its transaction has been committed: ids, and nothing that is anybody's.
    pub(crate) fn log(&self, tenant: TenantId) {
        let Self { call, status, outcome, conversation, greeting, not_texted, is_settled_now } = self;
        if *is_settled_now {
            let (outcome, not_texted) = (outcome.map(field::display), not_texted.map(NotTexted::label));
            let (conversation, text) = (conversation.map(field::display), greeting.map(field::display));
            tracing::info!(%tenant, actor = %WORKER, %call, %status, outcome, conversation, text, not_texted, "call ended");
        }
    }
}
