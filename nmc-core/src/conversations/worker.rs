//! The worker that empties the outbox.
//!
//! What it promises: every queued text is sent or visibly given up (a suspended business's waits); none is sent to someone
//! who has opted out; and none is sent twice, as far as the provider can tell. A claim is committed before the provider is
//! called, so a text whose worker died in between is known to be in doubt. The next worker asks the provider for it and
//! adopts what it finds; only when the provider says that there is nothing is it sent again. A provider that can't be asked
//! (the console) gets no second try: the text is given up, with the reason in its row.

use super::delivery::{OPTED_OUT_CODE, record_provider_opt_out};
use super::{
    ClaimedMessage, ConversationEvents, Lookup, Message, NewConversationEvent, OutboundSms, SendError, SendReceipt, SmsSender,
};
use crate::stop::Stop;
use crate::store::{Person, Reason, Store, Tenant, TenantTx};
use crate::{ConversationEventType, Error, MessageStatus, PhoneNumber, Result};
use chrono::TimeDelta;
use serde_json::json;
use std::sync::Arc;
use std::time::Duration;

/// How the worker works.
#[derive(Debug, Clone, Copy)]
pub struct WorkerConfig {
    /// Texts sent at once. Each holds a database connection while the provider answers.
    pub senders: usize,
    /// Texts one sender claims from one tenant before it turns to the next.
    pub batch: u16,
    /// How long a claim holds. Longer than a batch takes at the provider's slowest.
    pub lease: TimeDelta,
    /// Attempts at one text before it is given up.
    pub max_attempts: i32,
    /// The wait after the first failed attempt; it doubles with each.
    pub first_backoff: TimeDelta,
    /// The longest wait between attempts.
    pub longest_backoff: TimeDelta,
    /// The pause between two looks at an empty outbox.
    pub idle: Duration,
}

impl Default for WorkerConfig {
    fn default() -> Self {
        Self {
            senders: 2,
            batch: 5,
            lease: TimeDelta::seconds(90),
            max_attempts: 8,
            first_backoff: TimeDelta::seconds(5),
            longest_backoff: TimeDelta::hours(1),
            idle: Duration::from_millis(250),
        }
    }
}

/// What one look at the outbox came to.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Pass {
    /// Texts the provider has now.
    pub sent: usize,
    /// Texts that will be tried again.
    pub put_back: usize,
    /// Texts given up or called off.
    pub ended: usize,
}

impl Pass {
    const fn found_work(self) -> bool {
        self.sent + self.put_back + self.ended > 0
    }
}

/// Sends what is queued, until it is told to stop.
#[derive(Clone)]
pub struct Worker {
    store: Store,
    sender: Arc<dyn SmsSender>,
    config: WorkerConfig,
    stop: Arc<Stop>,
}

impl Worker {
    /// A worker over this store and sender.
    #[must_use]
    pub fn new(store: Store, sender: Arc<dyn SmsSender>, config: WorkerConfig) -> Self {
        Self { store, sender, config, stop: Arc::default() }
    }

    /// Asks every clone to stop after the text it is sending.
    pub fn stop(&self) {
        self.stop.ask();
    }

    /// Works until [`Self::stop`]; failures are logged and waited out. Returns when every sender has stopped.
    pub fn run(&self) {
        std::thread::scope(|scope| {
            for _ in 0..self.config.senders.max(1) {
                scope.spawn(|| self.send_until_stopped());
            }
        });
    }

    fn send_until_stopped(&self) {
        while !self.stop.is_asked() {
            let pause = match self.pass() {
                Ok(pass) if pass.found_work() => continue,
                Ok(_) => self.config.idle,
                Err(error) => {
                    tracing::warn!(error = error.causes(), "the outbox can't be worked now");
                    self.config.idle.max(Duration::from_secs(1))
                }
            };
            self.stop.wait(pause);
        }
    }

    /// Looks at the outbox once: a batch of every tenant with due texts, longest waiting first.
    ///
    /// # Errors
    /// [`Error::Unavailable`] when the database is not to be had; what was claimed comes back when its lease ends.
    pub fn pass(&self) -> Result<Pass> {
        let mut pass = Pass::default();
        for tenant in self.store.system(Reason::DueWork, |tx| tx.tenants_with_due_messages(64))? {
            let claims = self.store.tenant(&tenant, |tx| tx.messages().claim(self.config.batch, self.config.lease))?;
            let mut rest = claims.as_slice();
            while let Some((claimed, others)) = rest.split_first() {
                if self.stop.is_asked() {
                    self.store.tenant(&tenant, |tx| tx.messages().unclaim(rest))?;
                    return Ok(pass);
                }
                match self.send_one(&tenant, claimed)? {
                    Fate::Sent => pass.sent += 1,
                    Fate::PutBack => pass.put_back += 1,
                    Fate::Ended => pass.ended += 1,
                    Fate::NotOurs => {}
                }
                rest = others;
            }
        }
        Ok(pass)
    }

    /// Sends one claimed text, in a transaction that holds the recipient's lock from before the consent is read until
    /// after the provider has answered: a STOP commits before that, and then nothing is sent, or after it.
    fn send_one(&self, tenant: &Tenant, claimed: &ClaimedMessage) -> Result<Fate> {
        let person = Person::new(claimed.to.clone());
        self.store.tenant_and_person_once(tenant, &person, |tx| {
            let Some(message) = tx.messages().lock_claimed(claimed)? else {
                return Ok(Fate::NotOurs);
            };
            let Some(from) = message.from_number.phone().cloned() else {
                return Err(Error::internal("an outbound text without a number of ours"));
            };
            let attempt = Attempt { worker: self, claimed, message: &message, from: &from };
            attempt.make(tx)
        })
    }
}

enum Fate {
    Sent,
    PutBack,
    Ended,
    /// The claim had ended, another worker has it, or the business was suspended.
    NotOurs,
}

/// One attempt at one text.
struct Attempt<'a> {
    worker: &'a Worker,
    claimed: &'a ClaimedMessage,
    message: &'a Message,
    from: &'a PhoneNumber,
}

impl Attempt<'_> {
    fn make(&self, tx: &mut TenantTx<'_>) -> Result<Fate> {
        if !tx.tenants().get()?.is_active {
            // Suspended since it was claimed: it goes back untried, and waits with the others.
            tx.messages().unclaim(std::slice::from_ref(self.claimed))?;
            return Ok(Fate::NotOurs);
        }
        if self.claimed.in_doubt {
            match self.look_up(tx)? {
                Found::Adopted => return Ok(Fate::Sent),
                Found::Nothing => {}
                Found::CannotTell => {
                    return self.give_up(tx, None, "its sending was interrupted and the provider can't tell whether it went out");
                }
                Found::NotNow(why) => return self.retry_lookup(tx, &why),
            }
        }
        if tx.consents().is_opted_out(&self.claimed.to)? {
            tx.messages().mark_ended(
                self.message.id,
                MessageStatus::Canceled,
                None,
                "the recipient opted out before it was sent",
            )?;
            return Ok(Fate::Ended);
        }
        if self.message.attempts > self.worker.config.max_attempts {
            return self.give_up(tx, None, "it was given up after too many attempts");
        }
        match self.worker.sender.send(&self.sms()) {
            Ok(receipt) => {
                tx.messages().mark_sent(self.message.id, &receipt.sid, receipt.status)?;
                Ok(Fate::Sent)
            }
            Err(SendError::NotNow { retry_after, reason }) => {
                if self.message.attempts >= self.worker.config.max_attempts {
                    return self.give_up(tx, None, &reason);
                }
                let at = tx.now() + self.backoff(retry_after);
                tracing::info!(message = %self.message.id, attempt = self.message.attempts, reason, "text put back");
                tx.messages().put_back(self.message.id, at, &reason)?;
                Ok(Fate::PutBack)
            }
            Err(SendError::InDoubt { reason }) => {
                let at = tx.now() + self.backoff(None);
                tracing::warn!(message = %self.message.id, reason, "text in doubt");
                tx.messages().keep_in_doubt(self.message.id, at, &reason)?;
                Ok(Fate::PutBack)
            }
            Err(SendError::Refused { code, reason }) => {
                let fate = self.give_up(tx, code, &reason)?;
                if code == Some(OPTED_OUT_CODE) {
                    record_provider_opt_out(tx, &self.claimed.to, self.message)?;
                }
                Ok(fate)
            }
        }
    }

    /// Asks the provider for a text in doubt, and adopts the first it holds that is not another row's.
    fn look_up(&self, tx: &mut TenantTx<'_>) -> Result<Found> {
        let held: Vec<SendReceipt> = match self.worker.sender.lookup(&self.sms(), self.message.created_at) {
            Ok(Lookup::Held(held)) => held,
            Ok(Lookup::CannotTell) => return Ok(Found::CannotTell),
            Err(error) => return Ok(Found::NotNow(error.to_string())),
        };
        for receipt in held {
            if !tx.messages().knows_sid(&receipt.sid)? {
                tx.messages().mark_sent(self.message.id, &receipt.sid, receipt.status)?;
                return Ok(Found::Adopted);
            }
        }
        Ok(Found::Nothing)
    }

    fn retry_lookup(&self, tx: &mut TenantTx<'_>, why: &str) -> Result<Fate> {
        if self.message.attempts >= self.worker.config.max_attempts {
            return self.give_up(tx, None, "its sending was interrupted and the provider could not be asked about it");
        }
        let at = tx.now() + self.backoff(None);
        tx.messages().keep_in_doubt(self.message.id, at, why)?;
        Ok(Fate::PutBack)
    }

    /// Visibly: in the row, in the conversation, and in the log.
    fn give_up(&self, tx: &mut TenantTx<'_>, code: Option<i32>, why: &str) -> Result<Fate> {
        tracing::error!(message = %self.message.id, code, why, "text given up");
        tx.messages().mark_ended(self.message.id, MessageStatus::Failed, code, why)?;
        ConversationEvents::over(tx.0.reborrow()).append(&[NewConversationEvent::new(
            self.message.conversation_id,
            ConversationEventType::MessageFailed,
        )
        .with(json!({"message_id": self.message.id, "error_code": code}))])?;
        Ok(Fate::Ended)
    }

    /// What the provider asks, or doubling from the first wait; a quarter of it at random, so that texts that failed
    /// together do not come back together.
    fn backoff(&self, asked: Option<Duration>) -> TimeDelta {
        let WorkerConfig { first_backoff, longest_backoff, .. } = self.worker.config;
        let doublings = u32::try_from(self.message.attempts.saturating_sub(1)).unwrap_or(0).min(16);
        let wait = (first_backoff * 2_i32.pow(doublings)).min(longest_backoff);
        let asked = asked.and_then(|wait| TimeDelta::from_std(wait).ok()).unwrap_or_default().min(longest_backoff);
        let spread = wait / 1024 * i32::from(self.claimed.lease.uuid().as_fields().2 % 256);
        wait.max(asked) + spread
    }

    fn sms(&self) -> OutboundSms<'_> {
        OutboundSms { id: self.message.id, from: self.from, to: &self.claimed.to, body: &self.message.message_body }
    }
}

enum Found {
    Adopted,
    Nothing,
    CannotTell,
    NotNow(String),
}
