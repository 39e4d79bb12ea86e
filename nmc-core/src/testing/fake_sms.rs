use super::unique_sid;
use crate::telephony::{Lookup, OutboundSms, SendError, SendReceipt, SmsSender};
use crate::{MessageId, MessageStatus};
use chrono::{DateTime, Utc};
use std::collections::VecDeque;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// A gate that nobody opens opens by itself.
pub(super) const LONGEST_HOLD: Duration = Duration::from_secs(20);

/// One way in which the provider fails.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fault {
    /// "Not now" (429, unreachable): certainly not sent.
    NotNow(Option<Duration>),
    /// The answer is lost, and the text was not sent.
    LostBefore,
    /// The answer is lost, and the text was sent.
    LostAfter,
    /// Refused for good, with this code.
    Refused(i32),
    /// The process dies before the provider is reached. It unwinds; the test catches it.
    DieBefore,
    /// The process dies after the provider has the text and before that is noted.
    DieAfter,
}

/// A text the provider took.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Taken {
    /// Our id of the text.
    pub id: MessageId,
    /// The provider's SID of the text.
    pub sid: String,
    /// The sender, the recipient and the words.
    pub text: (String, String, String),
}

/// A provider in memory, which remembers what it took and fails on demand.
#[derive(Debug, Default)]
pub struct FakeSms {
    state: Mutex<State>,
    moved: Condvar,
}

#[derive(Debug, Default)]
struct State {
    taken: Vec<Taken>,
    faults: VecDeque<Fault>,
    mute: bool,
    held: bool,
    at_gate: usize,
    next_sid: Option<String>,
    lookups: usize,
    hides: bool,
    gave_up: Option<i32>,
}

impl FakeSms {
    /// A provider that works.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The next calls to `send` fail so, in this order.
    pub fn fail_with(&self, faults: impl IntoIterator<Item = Fault>) {
        self.state().faults.extend(faults);
    }

    /// Makes the provider unable to tell what it holds from now on.
    pub fn cannot_tell(&self) {
        self.state().mute = true;
    }

    /// Makes the provider's list show nothing of what it took from now on, or show it again.
    pub fn hide_taken(&self, hides: bool) {
        self.state().hides = hides;
    }

    /// Makes the provider say from now on that it has given up what it took, with this code.
    pub fn give_up_taken(&self, code: i32) {
        self.state().gave_up = Some(code);
    }

    /// The number of times that the provider was asked what it holds.
    #[must_use]
    pub fn lookups(&self) -> usize {
        self.state().lookups
    }

    /// Names the SID of the next text that the provider takes.
    pub fn name_next(&self, sid: &str) {
        self.state().next_sid = Some(sid.to_owned());
    }

    /// The texts that the provider took, in order.
    #[must_use]
    pub fn taken(&self) -> Vec<Taken> {
        self.state().taken.clone()
    }

    /// Holds every `send` at a gate from now on, before anything is taken.
    pub fn hold(&self) {
        self.state().held = true;
    }

    /// Opens the gate.
    pub fn release(&self) {
        self.state().held = false;
        self.moved.notify_all();
    }

    /// Waits until a `send` stands at the gate.
    ///
    /// # Panics
    /// When none does within ten seconds.
    pub fn wait_for_sender(&self) {
        let waited = self
            .moved
            .wait_timeout_while(self.state(), Duration::from_secs(10), |state| state.at_gate == 0)
            .unwrap_or_else(PoisonError::into_inner);
        assert!(!waited.1.timed_out(), "nobody came to send");
    }

    fn pass_gate(&self) -> MutexGuard<'_, State> {
        let mut state = self.state();
        state.at_gate += 1;
        self.moved.notify_all();
        // A failed test opens no gate, and must end all the same.
        let waited = self.moved.wait_timeout_while(state, LONGEST_HOLD, |state| state.held);
        let (mut state, _) = waited.unwrap_or_else(PoisonError::into_inner);
        state.at_gate -= 1;
        state
    }
}

impl State {
    fn take(&mut self, sms: &OutboundSms<'_>) -> SendReceipt {
        let sid = self.next_sid.take().unwrap_or_else(|| unique_sid("SM"));
        self.taken.push(Taken {
            id: sms.id,
            sid: sid.clone(),
            text: (sms.from.to_string(), sms.to.to_string(), sms.body.to_owned()),
        });
        SendReceipt { sid, status: MessageStatus::Accepted, error_code: None }
    }
}

impl SmsSender for FakeSms {
    fn send(&self, sms: &OutboundSms<'_>) -> Result<SendReceipt, SendError> {
        let mut state = self.pass_gate();
        let lost = || SendError::InDoubt { reason: "the answer got lost".to_owned() };
        match state.faults.pop_front() {
            None => Ok(state.take(sms)),
            Some(Fault::NotNow(retry_after)) => Err(SendError::NotNow { retry_after, reason: "busy".to_owned() }),
            Some(Fault::Refused(code)) => Err(SendError::Refused { code: Some(code), reason: "refused".to_owned() }),
            Some(Fault::LostBefore) => Err(lost()),
            Some(Fault::LostAfter) => {
                state.take(sms);
                Err(lost())
            }
            Some(Fault::DieBefore) => {
                drop(state);
                panic!("killed before the provider was reached")
            }
            Some(Fault::DieAfter) => {
                state.take(sms);
                drop(state);
                panic!("killed after the provider took the text")
            }
        }
    }

    fn lookup(&self, sms: &OutboundSms<'_>, _since: DateTime<Utc>) -> Result<Lookup, SendError> {
        let mut state = self.state();
        state.lookups += 1;
        if state.hides {
            return Ok(Lookup::Held(Vec::new()));
        }
        if state.mute {
            return Ok(Lookup::CannotTell);
        }
        let (status, error_code) = match state.gave_up {
            Some(code) => (MessageStatus::Failed, Some(code)),
            None => (MessageStatus::Accepted, None),
        };
        let wanted = (sms.from.to_string(), sms.to.to_string(), sms.body.to_owned());
        let held = state
            .taken
            .iter()
            .filter(|taken| taken.text == wanted)
            .map(|taken| SendReceipt { sid: taken.sid.clone(), status, error_code })
            .collect();
        Ok(Lookup::Held(held))
    }
}
