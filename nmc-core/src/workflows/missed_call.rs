//! The main job: a call's callback comes in, and if nobody took the call, its caller gets one text.

use super::forwarding::newly_broken;
use super::greeting::{Answer, GreetingContext};
use super::holder::{Happened, Holder};
use crate::actor::WORKER;
use crate::calls::{Call, NewCall};
use crate::conversations::{NewConversationEvent, NewMessage, NotTexted};
use crate::store::{Person, Reason, Store, TenantTx};
use crate::telephony::{CallFacts, VoiceCallback, explain};
use crate::{
    CallDirection, CallId, CallOutcome, CallStatus, CallerIdentity, ConversationChannel, ConversationEventType as Event,
    ConversationId, MessageId, MessageKind, PhoneNumber, Result, TenantId,
};
use serde_json::json;
use tracing::field;

/// What a callback came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Recorded {
    /// The call's row.
    pub call: CallId,
    /// Its status now.
    pub status: CallStatus,
    /// What the call was, once it has ended.
    pub outcome: Option<CallOutcome>,
    /// The caller's conversation; none for a caller without a number.
    pub conversation: Option<ConversationId>,
    /// The greeting this callback queued.
    pub greeting: Option<MessageId>,
    /// Why this callback queued none, where the caller would have been owed one.
    pub not_texted: Option<NotTexted>,
    /// Whether this callback told that the call has ended, or what it was: once for most calls.
    pub is_settled_now: bool,
}

/// Records a call's status callback: the call, its outcome, the caller's conversation, the events, and the greeting if
/// one is due, in one transaction. Callbacks may come in any order, several times, and at once: the rows end the same.
///
/// # Errors
/// [`crate::Error::NotFound`] when no tenant holds the number.
pub fn record_voice_status(store: &Store, callback: &VoiceCallback) -> Result<Recorded> {
    let VoiceCallback { our_number, facts } = callback;
    // The lock makes a caller's callbacks follow one another; a withheld number is nobody's in particular.
    let person = facts.other.phone().cloned().map(Person::new);
    let happened = Happened::call(&facts.sid, facts.began_at());
    let (recorded, tenant) = store.found_by_worker(
        Reason::NumberLookup,
        person.as_ref(),
        |tx| tx.holder_when(our_number, facts.other.phone(), &happened).map(|holder| (holder.tenant, holder)),
        |tx, Holder { from_own_number, .. }| {
            Ok((VoiceStatus { our_number, facts, from_own_number }.record(tx)?, tx.tenant().id()))
        },
    )?;
    recorded.log(tenant);
    Ok(recorded)
}

/// One callback within its tenant's transaction, which holds the lock of the other party.
#[derive(Debug, Clone, Copy)]
pub struct VoiceStatus<'a> {
    /// The number of ours.
    pub our_number: &'a PhoneNumber,
    /// What the callback says.
    pub facts: &'a CallFacts,
    /// Whether the other party is a number of the same tenant.
    pub from_own_number: bool,
}

impl VoiceStatus<'_> {
    /// Records it.
    ///
    /// # Errors
    /// [`crate::Error`] of the statements; the transaction then changes nothing.
    pub fn record(&self, tx: &mut TenantTx<'_>) -> Result<Recorded> {
        let (mut call, is_new) = self.insert_or_lock(tx)?;
        let before = (call.call_status, call.outcome, call.duration_seconds);
        let error_before = call.error_code.filter(|_| !is_new);
        if is_new {
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
        let ended_now = call.call_status.is_terminal() && (is_new || !before.0.is_terminal());
        let mut recorded = Recorded { is_settled_now: ended_now || call.outcome != before.1, ..Recorded::of(&call) };
        let Some(conversation) = call.conversation_id else {
            return Ok(recorded);
        };
        let mut events = Vec::new();
        let event = |kind| NewConversationEvent::new(conversation, kind).of_call(call.id);
        if is_new {
            events.push(event(Event::CallStarted).with(json!({"direction": call.call_direction})));
        }
        if ended_now {
            events.push(event(Event::CallEnded).with(json!({"status": call.call_status, "outcome": call.outcome})));
        } else if call.outcome != before.1 {
            events.push(event(Event::OutcomeChanged).with(json!({"old": before.1, "new": call.outcome})));
        }
        if let Some(code) = broken {
            events.push(event(Event::ForwardingFailed).with(json!({"error_code": code, "reason": explain(code)})));
        }
        if call.outcome.is_some_and(CallOutcome::wants_greeting) && (ended_now || before.1 != call.outcome) {
            self.greet(tx, conversation, &call, &mut recorded)?;
        }
        if let Some(message) = recorded.greeting {
            events.push(event(Event::MessageQueued).with(json!({"message_id": message, "kind": MessageKind::Greeting})));
        }
        if let Some(reason) = recorded.not_texted {
            events.push(event(Event::NotTexted).with(json!({ "reason": reason })));
        }
        tx.conversation_events().append(&events)?;
        Ok(recorded)
    }

    /// The call's row, complete with all this callback says, if it is new; else the row that is there, locked.
    fn insert_or_lock(&self, tx: &mut TenantTx<'_>) -> Result<(Call, bool)> {
        let (facts, now) = (self.facts, tx.now());
        let us = CallerIdentity::Phone(self.our_number.clone());
        let (caller, called) = match facts.direction {
            CallDirection::Inbound => (facts.other.clone(), us),
            CallDirection::Outbound => (us, facts.other.clone()),
        };
        let mut call = NewCall::begun(facts.direction, caller, called, facts.sid.clone()).into_row(&tx.0);
        if facts.other.phone().is_some() && !self.from_own_number {
            call.conversation_id = Some(ConversationId::new(tx.0.moment.id()));
        }
        call.absorb(facts, self.from_own_number, now);
        tx.calls().insert_or_lock(&call)
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
                let queued = tx.messages().insert_queued_at(&greeting, caller, Some(call.id), due)?;
                recorded.greeting = queued.map(|message| message.id);
            }
            Answer::NotTexted(reason) => recorded.not_texted = Some(reason),
            Answer::Settled => {}
        }
        Ok(())
    }
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

    /// One line of the log for a call, when its transaction has been committed: ids, and nothing that is anybody's.
    pub(crate) fn log(&self, tenant: TenantId) {
        let Self { call, status, outcome, conversation, greeting, not_texted, is_settled_now } = self;
        if *is_settled_now {
            let (outcome, not_texted) = (outcome.map(field::display), not_texted.map(NotTexted::label));
            let (conversation, text) = (conversation.map(field::display), greeting.map(field::display));
            tracing::info!(%tenant, actor = %WORKER, %call, %status, outcome, conversation, text, not_texted, "call ended");
        }
    }
}
