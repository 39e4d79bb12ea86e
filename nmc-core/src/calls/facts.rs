//! What one callback tells about a call, and how callbacks add up: in any order, with duplicates, to the same row.

use super::Call;
use super::disconnect::{graver_error, is_derived, reason};
use super::outcome::{outcome, stronger_leg, surer_answer};
use crate::telephony::{CallFacts, CallReport, LegReport};
use crate::types::bounds::instant;
use crate::{CallDirection, CallStatus, ForwardedLegStatus};
use chrono::{DateTime, TimeDelta, Utc};

/// The longest call in seconds, which is Twilio's limit too: a day. The sums of conversations rest on it.
const LONGEST: i32 = 86_400;

/// How far clocks and zones may be apart.
pub(super) const AHEAD: TimeDelta = TimeDelta::days(1);

impl Call {
    /// Adds `facts`, heard at `now`. The status only moves forward and a terminal one stays; late facts are merged
    /// without moving it. Returns whether anything changed.
    pub(crate) fn absorb(&mut self, facts: &CallFacts, from_own_number: bool, now: DateTime<Utc>) -> bool {
        let before = self.progress();
        let derived = |call: &Self| {
            outcome(
                call.call_status,
                call.forwarded_leg_status,
                call.forwarded_leg_bridged,
                call.answered_by.as_deref(),
                call.duration_seconds,
                from_own_number,
            )
        };
        // One that the facts do not explain was given by hand, or brought in from elsewhere: it stays.
        let by_hand = self.outcome.is_some() && self.outcome != derived(self);
        let reason_by_hand = self.disconnect_reason.as_deref().is_some_and(|reason| !is_derived(reason, self.error_code));
        // What would happen in days tells when it happened as little as nothing does.
        let told = facts.at.filter(|at| *at - now <= AHEAD);
        let at = told.and_then(|at| instant("Timestamp", at).ok()).unwrap_or(now);
        // The earliest we heard of its end or its beginning, so that the order of arrival does not matter: what tells when it
        // happened tells an earlier time than when we heard of it. It does not end before it began: what told of its end counts for
        // its beginning, too.
        if facts.status.is_terminal() {
            self.ended_at = Some(self.ended_at.map_or(at, |ended| ended.min(at)));
        }
        self.call_status = self.call_status.advance(facts.status);
        self.forwarded_leg_status = stronger_leg(self.forwarded_leg_status, facts.forwarded_leg);
        // Of two legs, one that was connected counts, whichever is told first: true is more than false.
        self.forwarded_leg_bridged = self.forwarded_leg_bridged.max(facts.forwarded_leg_bridged);
        self.answered_by = surer_answer(self.answered_by.take(), facts.answered_by.clone());
        let length = |seconds: Option<i32>| seconds.map(|seconds| seconds.clamp(0, LONGEST));
        self.duration_seconds = self.duration_seconds.max(length(facts.duration_seconds));
        self.recording_duration_seconds = self.recording_duration_seconds.max(length(facts.recording_duration_seconds));
        learn(&mut self.recording_url, facts.recording_url.as_ref());
        learn(&mut self.caller_name, facts.caller_name.as_ref());
        learn(&mut self.caller_city, facts.caller_city.as_ref());
        learn(&mut self.caller_state, facts.caller_state.as_ref());
        learn(&mut self.caller_country, facts.caller_country.as_ref());
        learn(&mut self.forwarded_from, facts.forwarded_from.as_ref());
        learn(&mut self.stir_verstat, facts.stir_verstat.as_ref());
        self.error_code = graver_error(self.error_code, facts.error_code);
        if !reason_by_hand {
            self.disconnect_reason = reason(self.error_code, self.disconnect_reason.take(), facts.sip_response_code);
        }
        self.started_at = [self.started_at, Some(at), self.began_at()].into_iter().flatten().min();
        if self.call_direction == CallDirection::Inbound && !by_hand {
            self.outcome = derived(self);
        }
        self.progress() != before
    }

    /// When it must have begun, if its end and its length are known.
    fn began_at(&self) -> Option<DateTime<Utc>> {
        let length = TimeDelta::try_seconds(i64::from(self.duration_seconds?))?;
        self.ended_at?.checked_sub_signed(length)
    }
}

/// The first value told stays.
fn learn(known: &mut Option<String>, told: Option<&String>) {
    if known.is_none() {
        *known = told.cloned();
    }
}

impl CallReport {
    /// Adds what became of a leg that forwarded the call.
    pub(crate) fn add_leg(&mut self, leg: &LegReport) {
        let facts = &mut self.callback.facts;
        facts.forwarded_leg = stronger_leg(facts.forwarded_leg, Some(leg.status));
        facts.answered_by = surer_answer(facts.answered_by.take(), leg.answered_by.clone());
    }

    /// Says of a call that completed without any leg that its forwarding failed. Of a call that no webhook told us of we have not
    /// forwarded anything, so that nobody can have answered it: its caller heard an error of the provider's.
    pub(crate) fn was_not_forwarded(&mut self) {
        let facts = &mut self.callback.facts;
        if facts.status == CallStatus::Completed && facts.forwarded_leg.is_none() {
            facts.forwarded_leg = Some(ForwardedLegStatus::Failed);
        }
    }

    /// Says of a leg that was taken, where whoever takes one has to press a key and nothing is known of a key, that it was not
    /// connected: its voicemail took it. The provider's list does not tell.
    pub(crate) fn was_taken_without_a_key(&mut self) {
        let facts = &mut self.callback.facts;
        if matches!(facts.forwarded_leg, Some(ForwardedLegStatus::Completed | ForwardedLegStatus::Answered))
            && facts.answered_by.is_none()
            && facts.forwarded_leg_bridged.is_none()
        {
            facts.forwarded_leg_bridged = Some(false);
        }
    }
}
