//! What an inbound call was, from Twilio's facts.

use crate::telephony::HUMAN;
use crate::{CallOutcome, CallStatus, ForwardedLegStatus};

/// Decides the outcome, or `None` while the call lasts.
///
/// `status` is the parent call's, `leg` the forwarded leg's, `bridged` whether the caller was connected with that leg,
/// `answered_by` Twilio's word from answering-machine detection, `duration_seconds` the parent's. A call from one of the tenant's
/// own numbers is `blocked` whatever it did.
///
/// A leg that was taken and not connected was taken by a voicemail: a person would have pressed the key. The table
/// says nothing of a completed call without a leg that lasted no second at all: nobody can have talked, so it counts as abandoned,
/// and its caller is texted. Nor does it tell of a leg whose fate can't be read: connected, it counts as taken; not connected, as
/// missed.
#[must_use]
pub fn outcome(
    status: CallStatus,
    leg: Option<ForwardedLegStatus>,
    bridged: Option<bool>,
    answered_by: Option<&str>,
    duration_seconds: Option<i32>,
    from_own_number: bool,
) -> Option<CallOutcome> {
    use {CallStatus as S, ForwardedLegStatus as Leg};
    if !status.is_terminal() {
        return None;
    }
    if from_own_number {
        return Some(CallOutcome::Blocked);
    }
    let picked_up = if is_machine(answered_by) { CallOutcome::Voicemail } else { CallOutcome::Answered };
    Some(match (leg, bridged, status) {
        (Some(Leg::Completed | Leg::Answered), Some(false), _) => CallOutcome::Voicemail,
        (Some(Leg::Completed | Leg::Answered), _, _) | (None, Some(true), _) => picked_up,
        (Some(Leg::NoAnswer | Leg::Busy | Leg::Failed | Leg::Canceled), _, _) | (None, Some(false), _) => CallOutcome::Missed,
        (None, None, S::NoAnswer | S::Busy) => CallOutcome::Missed,
        (None, None, S::Canceled) => CallOutcome::Abandoned,
        (None, None, S::Failed) => CallOutcome::Failed,
        (None, None, _) if duration_seconds == Some(0) => CallOutcome::Abandoned,
        (None, None, _) => picked_up,
    })
}

/// Whether answering-machine detection heard a machine: `machine_start`, `machine_end_beep`, … or `fax`.
fn is_machine(answered_by: Option<&str>) -> bool {
    answered_by.is_some_and(|word| word.starts_with("machine") || word == "fax")
}

/// The stronger of two reports about the forwarded leg, which counts in whichever order they came: a leg that was taken beats one
/// that was not (a second `<Dial>` succeeded), and an ended one beats one under way.
pub(super) fn stronger_leg(a: Option<ForwardedLegStatus>, b: Option<ForwardedLegStatus>) -> Option<ForwardedLegStatus> {
    const fn rank(leg: ForwardedLegStatus) -> u8 {
        match leg {
            ForwardedLegStatus::Canceled => 0,
            ForwardedLegStatus::Failed => 1,
            ForwardedLegStatus::Busy => 2,
            ForwardedLegStatus::NoAnswer => 3,
            ForwardedLegStatus::Answered => 4,
            ForwardedLegStatus::Completed => 5,
        }
    }
    a.into_iter().chain(b).max_by_key(|leg| rank(*leg))
}

/// The surer of two words of answering-machine detection: machine over human over unknown.
pub(super) fn surer_answer(a: Option<String>, b: Option<String>) -> Option<String> {
    fn rank(word: &str) -> u8 {
        match word {
            word if is_machine(Some(word)) => 2,
            HUMAN => 1,
            _ => 0,
        }
    }
    a.into_iter().chain(b).max_by(|x, y| rank(x).cmp(&rank(y)).then_with(|| x.cmp(y)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use CallOutcome as O;
    use CallStatus as S;
    use ForwardedLegStatus as L;

    /// The decision table, row by row, and the corners between its rows.
    #[test]
    fn outcomes_follow_the_table() {
        let human = Some("human");
        let (yes, no) = (Some(true), Some(false));
        let table = [
            (Some(L::Completed), None, S::Completed, human, Some(60), O::Answered),
            (Some(L::Completed), None, S::Completed, None, Some(60), O::Answered),
            (Some(L::Completed), yes, S::Completed, None, Some(60), O::Answered),
            (Some(L::Answered), yes, S::Completed, None, Some(60), O::Answered),
            (Some(L::Completed), yes, S::Completed, Some("unknown"), Some(60), O::Answered),
            (Some(L::Completed), yes, S::Completed, Some("machine_end_beep"), Some(60), O::Voicemail),
            (Some(L::Completed), None, S::Completed, Some("machine_start"), Some(60), O::Voicemail),
            (Some(L::Completed), None, S::Completed, Some("fax"), Some(60), O::Voicemail),
            (Some(L::Completed), no, S::Completed, None, Some(6), O::Voicemail),
            (Some(L::Completed), no, S::Completed, human, Some(6), O::Voicemail),
            (Some(L::Answered), no, S::Canceled, None, Some(6), O::Voicemail),
            (Some(L::Completed), None, S::NoAnswer, None, Some(0), O::Answered),
            (Some(L::Completed), yes, S::Canceled, None, None, O::Answered),
            (Some(L::NoAnswer), None, S::Completed, None, Some(20), O::Missed),
            (Some(L::NoAnswer), no, S::Completed, None, Some(20), O::Missed),
            (Some(L::NoAnswer), no, S::Completed, Some("machine_start"), Some(20), O::Missed),
            (Some(L::Busy), no, S::Completed, None, Some(2), O::Missed),
            (Some(L::Failed), no, S::Completed, None, Some(2), O::Missed),
            (Some(L::Canceled), None, S::Canceled, None, None, O::Missed),
            (Some(L::NoAnswer), None, S::NoAnswer, None, None, O::Missed),
            (None, None, S::NoAnswer, None, Some(0), O::Missed),
            (None, None, S::Busy, None, None, O::Missed),
            (None, None, S::Canceled, None, Some(0), O::Abandoned),
            (None, None, S::Failed, None, None, O::Failed),
            (None, None, S::Completed, human, Some(12), O::Answered),
            (None, None, S::Completed, None, Some(12), O::Answered),
            (None, None, S::Completed, None, None, O::Answered),
            (None, None, S::Completed, Some("machine_end_silence"), Some(12), O::Voicemail),
            (None, None, S::Completed, None, Some(0), O::Abandoned),
            (None, yes, S::Completed, None, Some(12), O::Answered),
            (None, yes, S::Completed, Some("fax"), Some(12), O::Voicemail),
            (None, no, S::Completed, None, Some(12), O::Missed),
        ];
        for (leg, bridged, status, by, seconds, expected) in table {
            let came = |own| outcome(status, leg, bridged, by, seconds, own);
            assert_eq!(came(false), Some(expected), "{leg:?} {bridged:?} {status:?} {by:?} {seconds:?}");
            assert_eq!(came(true), Some(O::Blocked));
        }
    }

    #[test]
    fn a_call_under_way_has_no_outcome() {
        for status in [S::Initiated, S::Ringing, S::InProgress] {
            assert_eq!(outcome(status, Some(L::NoAnswer), None, None, None, true), None);
        }
    }

    #[test]
    fn reports_merge_the_same_in_either_order() {
        for a in L::ALL {
            for b in L::ALL {
                assert_eq!(stronger_leg(Some(*a), Some(*b)), stronger_leg(Some(*b), Some(*a)));
            }
            assert_eq!(stronger_leg(Some(*a), None), Some(*a));
        }
        assert_eq!(stronger_leg(Some(L::NoAnswer), Some(L::Completed)), Some(L::Completed));
        let word = |s: &str| Some(s.to_owned());
        assert_eq!(surer_answer(word("unknown"), word("machine_start")), word("machine_start"));
        assert_eq!(surer_answer(word("human"), word("unknown")), word("human"));
    }
}
