//! One attempt at one claimed text, without a transaction: what the provider is asked, and what its answers mean.

use super::message_queue::ClaimedMessage;
use super::message_rules::Renewal;
use super::message_transitions::Ending;
use super::{MessageQueueLimits, WorkerConfig};
use crate::actor::WORKER;
use crate::store::{Store, Tenant};
use crate::telephony::{Consequence, explain, meaning_of};
use crate::telephony::{Lookup, OutboundSms, SendError, SendReceipt, SmsSender};
use crate::{MessageStatus, Result};
use chrono::{DateTime, TimeDelta, Utc};
use std::time::{Duration, Instant};

/// How long after its claim began a text may still be handed to the provider. Whoever is later than that gives it back: a STOP that
/// came meanwhile waits no longer than the claim's lease.
pub(super) const BEGIN_WITHIN: Duration = Duration::from_secs(3);

/// The consequence of an attempt beside its ending.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Follows {
    /// Nothing else follows.
    Nothing,
    /// The recipient is noted as opted out.
    OptOut,
    /// The sending number is held back, for this reason.
    NumberOnHold(String),
    /// The whole account is held back, for so long as the provider asks, if it does, and for this reason.
    AccountOnHold(Option<Duration>, String),
}

/// The result of an attempt to send a text.
#[derive(Debug, Clone)]
pub(super) struct Came {
    pub(super) ending: Ending,
    pub(super) follows: Follows,
}

impl From<Ending> for Came {
    fn from(ending: Ending) -> Self {
        Self { ending, follows: Follows::Nothing }
    }
}

/// One attempt to send a text.
pub(super) struct Attempt<'a> {
    pub(super) store: &'a Store,
    pub(super) sender: &'a dyn SmsSender,
    pub(super) config: &'a WorkerConfig,
    pub(super) tenant: &'a Tenant,
    pub(super) text: &'a ClaimedMessage,
    /// The instant at which the claim was begun.
    pub(super) claimed: Instant,
}

/// The knowledge of a text in doubt.
enum Found {
    Held(SendReceipt),
    Nothing,
    CannotTell,
    NotNow(String),
}

impl Attempt<'_> {
    /// Makes the attempt.
    pub(super) fn make(&self) -> Came {
        if !self.text.in_doubt {
            return self.send(self.claimed);
        }
        match self.look_up() {
            Ok(Found::Held(receipt)) if receipt.status.has_failed() => self.failed(receipt),
            Ok(Found::Held(receipt)) => self.sent(receipt),
            Ok(Found::Nothing) => self.send_again(),
            Ok(Found::CannotTell) => {
                self.give_up(None, "its sending was interrupted and the provider can't tell whether it went out".to_owned())
            }
            Ok(Found::NotNow(why)) => self.ask_again(&why),
            Err(error) => {
                tracing::warn!(text = %self.text.id, error = error.causes(), "a text in doubt can't be looked up now");
                self.put_back(self.config.backoff.first, "it could not be looked up", true)
            }
        }
    }

    /// Asks the provider for a text in doubt. The first that it holds and that is no other row's is this one.
    fn look_up(&self) -> Result<Found> {
        let held = match self.sender.lookup(&self.sms(), self.text.created_at) {
            Ok(Lookup::Held(held)) => held,
            Ok(Lookup::CannotTell) => return Ok(Found::CannotTell),
            Err(error) => return Ok(Found::NotNow(error.to_string())),
        };
        if held.is_empty() {
            return Ok(Found::Nothing);
        }
        let sids: Vec<String> = held.iter().map(|receipt| receipt.sid.clone()).collect();
        let unknown = self.store.worker(self.tenant, |tx| tx.messages().unknown_sids(&sids))?;
        Ok(held.into_iter().find(|receipt| unknown.contains(&receipt.sid)).map_or(Found::Nothing, Found::Held))
    }

    /// The provider has never had it: it is sent, if it still may be.
    fn send_again(&self) -> Came {
        if self.text.attempts > self.config.max_attempts {
            return self.give_up(None, "it was given up after too many attempts".to_owned());
        }
        let begun = Instant::now();
        let limits = MessageQueueLimits::of(self.config);
        match self.store.worker(self.tenant, |tx| tx.messages().renew(self.text, &limits)) {
            Ok(Renewal::Granted) => self.send(begun),
            Ok(Renewal::NotNow) => self.put_back(TimeDelta::seconds(1), "it waits for another step with the same person", false),
            Ok(Renewal::NotBefore(at, why)) => Ending::Waits { at, why: why.to_owned() }.into(),
            Ok(Renewal::CalledOff(why)) => {
                tracing::info!(tenant = %self.tenant.id(), actor = %WORKER, text = %self.text.id, why, "text called off");
                Ending::Ended { status: MessageStatus::Canceled, code: None, why: why.to_owned() }.into()
            }
            Ok(Renewal::Lost) => Ending::NotBegun.into(),
            Err(error) => {
                tracing::warn!(text = %self.text.id, error = error.causes(), "a text can't be sent again now");
                self.put_back(self.config.backoff.first, "it could not be sent again", true)
            }
        }
    }

    fn send(&self, claimed: Instant) -> Came {
        if claimed.elapsed() > BEGIN_WITHIN {
            return Ending::NotBegun.into();
        }
        match self.sender.send(&self.sms()) {
            Ok(receipt) => self.sent(receipt),
            Err(SendError::InDoubt { reason }) => {
                tracing::warn!(text = %self.text.id, reason, "text in doubt");
                // The time is reckoned from now, when the attempt has ended: only then the provider's list begins to catch up.
                Ending::InDoubt { at: self.store.now() + self.config.doubt, why: reason }.into()
            }
            Err(SendError::NotNow { retry_after, reason }) => self.try_later(retry_after, None, reason),
            Err(SendError::SlowDown { retry_after, reason }) => {
                let wait = retry_after.unwrap_or(Duration::from_secs(1));
                let came = self.put_back(self.config.backoff.asked(retry_after).max(TimeDelta::seconds(1)), &reason, false);
                Came { follows: Follows::AccountOnHold(Some(wait), reason), ..came }
            }
            Err(SendError::Refused { code, reason }) => self.refused(code, &reason),
        }
    }

    fn sent(&self, receipt: SendReceipt) -> Came {
        let (text, attempt) = (self.text.id, self.text.attempts);
        tracing::info!(tenant = %self.tenant.id(), actor = %WORKER, %text, conversation = %self.text.conversation, attempt, "text sent");
        Ending::Sent(receipt).into()
    }

    /// A text in doubt was taken by the provider, which has given it up since: as its report would say.
    fn failed(&self, receipt: SendReceipt) -> Came {
        let code = receipt.error_code;
        let why = code.map_or_else(|| "the provider took it and gave it up".to_owned(), explain);
        tracing::warn!(tenant = %self.tenant.id(), actor = %WORKER, text = %self.text.id, code, why, "a text did not arrive");
        let follows = match code.and_then(meaning_of).map(|meaning| meaning.consequence) {
            Some(Consequence::OptedOut) => Follows::OptOut,
            Some(Consequence::NumberOnHold | Consequence::AccountOnHold) => Follows::NumberOnHold(why.clone()),
            _ => Follows::Nothing,
        };
        Came { ending: Ending::Failed { receipt, why }, follows }
    }

    fn refused(&self, code: Option<i32>, reason: &str) -> Came {
        let known = code.and_then(meaning_of);
        let why = code.map_or_else(|| reason.to_owned(), explain);
        match known.map(|meaning| meaning.consequence) {
            Some(Consequence::Passing) => self.try_later(None, code, why),
            Some(Consequence::AccountOnHold) => {
                let came = self.put_back(self.config.backoff.first, &why, false);
                Came { follows: Follows::AccountOnHold(None, why), ..came }
            }
            Some(Consequence::NumberOnHold) => {
                let came = self.put_back(super::NUMBER_HOLD, &why, false);
                Came { follows: Follows::NumberOnHold(why), ..came }
            }
            Some(Consequence::OptedOut) => Came { follows: Follows::OptOut, ..self.give_up(code, why) },
            _ => self.give_up(code, why),
        }
    }

    fn try_later(&self, retry_after: Option<Duration>, code: Option<i32>, reason: String) -> Came {
        if self.text.attempts >= self.config.max_attempts {
            return self.give_up(code, reason);
        }
        self.put_back(self.backoff(retry_after), &reason, true)
    }

    /// The provider can't be asked about a text in doubt.
    fn ask_again(&self, why: &str) -> Came {
        if self.text.attempts >= self.config.max_attempts {
            return self.give_up(None, "its sending was interrupted and the provider could not be asked about it".to_owned());
        }
        Ending::InDoubt { at: self.store.now() + self.backoff(None), why: why.to_owned() }.into()
    }

    fn put_back(&self, wait: TimeDelta, why: &str, counts: bool) -> Came {
        tracing::info!(text = %self.text.id, attempt = self.text.attempts, why, "text put back");
        Ending::PutBack { at: self.later(wait), why: why.to_owned(), counts }.into()
    }

    fn give_up(&self, code: Option<i32>, why: String) -> Came {
        tracing::error!(tenant = %self.tenant.id(), actor = %WORKER, text = %self.text.id, code, why, "text given up");
        Ending::Ended { status: MessageStatus::Failed, code, why }.into()
    }

    fn later(&self, wait: TimeDelta) -> DateTime<Utc> {
        self.store.now() + wait
    }

    fn backoff(&self, asked: Option<Duration>) -> TimeDelta {
        self.config.backoff.wait(self.text.attempts, asked, self.text.lease.uuid())
    }

    fn sms(&self) -> OutboundSms<'_> {
        let ClaimedMessage { id, from, to, body, .. } = self.text;
        OutboundSms { id: *id, from, to, body, wants_report: true }
    }
}
