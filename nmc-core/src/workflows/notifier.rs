//! The worker that delivers notifications of alerts, each by its channel.
//!
//! What it promises: every notification is delivered or visibly given up (a suspended business's waits), at least once delivered and
//! once recorded. A claim commits before anything is sent, and no transaction is open meanwhile; in the claim's transaction the alert
//! is looked at again, so that nobody is paged about one that somebody has taken. A worker that dies between sending and noting leaves
//! a lease that ends, and the notification goes out again with the same id: its mail has the same Message-ID, its webhook the same
//! `webhook-id`, and its text is looked up at the provider first.

use super::notifier_attempt::{Came, Ending, attempt, note};
use super::notifier_plan::{Outgoing, Plan, Planning};
use crate::access::TokenKeys;
use crate::actor::WORKER;
use crate::delivery::{MailLinks, MailSender, WebhookSender};
use crate::queue::{PAGE, Stop, every_tenant};
use crate::store::{Reason, Store, Tenant};
use crate::telephony::{Pace, SmsSender};
use crate::{Error, Result, TenantId};
use chrono::TimeDelta;
use std::collections::HashMap;
use std::ops::ControlFlow;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// Notifications of one tenant that a single look at the queue takes at most.
const BATCH: usize = 500;
/// How long a business whose notifications can't be claimed is left alone.
const REST: Duration = Duration::from_secs(30);
/// How long what came of an attempt is tried to be noted while the database is away. After that it is attempted again.
const NOTE_FOR: Duration = Duration::from_secs(60);
const NOTE_FOR_WHEN_STOPPING: Duration = Duration::from_secs(5);

/// The senders of each channel. A notification whose channel has none is given up, and its row says what is missing.
#[derive(Clone, Default)]
pub struct Senders {
    /// The sender of mails.
    pub mail: Option<Arc<dyn MailSender>>,
    /// The sender of texts.
    pub texts: Option<Arc<dyn SmsSender>>,
    /// The sender of webhooks, and the keys of which their secrets are made.
    pub webhooks: Option<(Arc<dyn WebhookSender>, TokenKeys)>,
    /// Where links in mails lead, and the keys of which their tokens are made.
    pub links: Option<(MailLinks, TokenKeys)>,
}

/// The configuration of the worker that delivers notifications.
#[derive(Debug, Clone, Copy)]
pub struct NotifierConfig {
    /// Notifications that may be on their way at once, each on a thread of its own. They hold no connection.
    pub senders: usize,
    /// Notifications of one business that may be on their way at once: its slow receivers are not the others'.
    pub share: usize,
    /// How long a claim holds: longer than the slowest channel takes.
    pub lease: TimeDelta,
    /// The pause between two looks at an empty queue.
    pub idle: Duration,
    /// The age at which a notification is of no use any more.
    pub expiry: TimeDelta,
    /// Texts about alerts to one person in 24 hours.
    pub texts_per_day: i64,
    /// The pace at which each number sends.
    pub pace: Pace,
}

impl Default for NotifierConfig {
    fn default() -> Self {
        Self {
            senders: 16,
            share: 4,
            lease: TimeDelta::minutes(2),
            idle: Duration::from_millis(500),
            expiry: TimeDelta::days(7),
            texts_per_day: 20,
            pace: Pace::default(),
        }
    }
}

/// The result of one look at the notifications.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[cfg_attr(not(feature = "testing"), non_exhaustive)]
pub struct NotifierPass {
    /// Notifications that have arrived.
    pub delivered: usize,
    /// Notifications that will be tried again.
    pub put_back: usize,
    /// Notifications given up or called off.
    pub failed: usize,
}

impl std::ops::AddAssign for NotifierPass {
    fn add_assign(&mut self, other: Self) {
        self.delivered += other.delivered;
        self.put_back += other.put_back;
        self.failed += other.failed;
    }
}

/// The worker that delivers notifications, until it is told to stop. Clones share all of it.
#[derive(Clone)]
pub struct Notifier {
    store: Store,
    senders: Senders,
    config: NotifierConfig,
    stop: Arc<Stop>,
    round: Arc<Mutex<Round>>,
    /// How many notifications of each business are on their way.
    busy: Arc<Mutex<HashMap<TenantId, usize>>>,
}

/// The place in the way past all tenants.
#[derive(Default)]
struct Round {
    /// The tenants of the page that are still to come, the next one last.
    tenants: Vec<Tenant>,
    /// The last of the page, if another page follows.
    last: Option<TenantId>,
    /// Whether anything was claimed in this round.
    has_claimed: bool,
    /// Tenants whose notifications could not be claimed, and since when.
    resting: HashMap<TenantId, Instant>,
}

/// The result of a look at one tenant.
enum Taken {
    /// A notification that is to be sent.
    Send(Box<Outgoing>),
    /// A notification that ended, or waits, without being sent.
    Ended(NotifierPass),
    /// Nothing is due.
    Nothing,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Notifier {
    /// A worker over this store and these senders.
    #[must_use]
    pub fn new(store: Store, senders: Senders, config: NotifierConfig) -> Self {
        Self { store, senders, config, stop: Arc::default(), round: Arc::default(), busy: Arc::default() }
    }

    /// Asks every clone to stop after the notifications that are being sent.
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
            let Some((tenant, outgoing)) = self.next() else { continue };
            let attempted = catch_unwind(AssertUnwindSafe(|| attempt(&self.senders, &outgoing, self.store.now())));
            let came = attempted.unwrap_or_else(|_| Ending::unknown());
            self.note_patiently(&tenant, &outgoing, &came);
            let mut busy = lock(&self.busy);
            if busy.get(&tenant.id()).is_some_and(|busy| *busy > 1) {
                busy.entry(tenant.id()).and_modify(|busy| *busy -= 1);
            } else {
                busy.remove(&tenant.id());
            }
        }
    }

    /// The next notification to send, of the next tenant in turn. One thread looks at a time; it waits where there is nothing to do, and
    /// the others wait for it.
    fn next(&self) -> Option<(Tenant, Box<Outgoing>)> {
        let mut round = lock(&self.round);
        while !self.stop.is_asked() {
            match self.take_some(&mut round) {
                Ok(Some(taken)) => return Some(taken),
                Ok(None) => self.stop.wait(self.config.idle),
                Err(error) => {
                    tracing::warn!(error = error.causes(), "notifications can't be delivered now");
                    self.stop.wait(self.config.idle.max(Duration::from_secs(1)));
                }
            }
        }
        None
    }

    /// Goes on in the round until something is to be sent; `None` at the end of a round in which nothing was.
    fn take_some(&self, round: &mut Round) -> Result<Option<(Tenant, Box<Outgoing>)>> {
        round.resting.retain(|_, since| since.elapsed() < REST);
        loop {
            if round.tenants.is_empty() {
                let last = round.last.take();
                let page = self.store.system(Reason::DueWork, |tx| tx.tenants_with_due_notifications(last, PAGE))?;
                round.last = page.last().filter(|_| page.len() == usize::from(PAGE)).map(Tenant::id);
                round.tenants = page;
                round.tenants.reverse();
            }
            while let Some(tenant) = round.tenants.pop() {
                if self.stop.is_asked() {
                    return Ok(None);
                }
                let is_busy = lock(&self.busy).get(&tenant.id()).is_some_and(|busy| *busy >= self.config.share.max(1));
                if is_busy || round.resting.contains_key(&tenant.id()) {
                    continue;
                }
                match self.take(&tenant) {
                    Ok(Taken::Send(outgoing)) => {
                        round.has_claimed = true;
                        *lock(&self.busy).entry(tenant.id()).or_default() += 1;
                        return Ok(Some((tenant, outgoing)));
                    }
                    Ok(Taken::Ended(_)) => round.has_claimed = true,
                    Ok(Taken::Nothing) => {}
                    Err(error @ Error::Unavailable { .. }) => return Err(error),
                    Err(error) => {
                        // One business's trouble is not another's.
                        tracing::error!(tenant = %tenant.id(), error = error.causes(), "a business's notifications can't be claimed");
                        round.resting.insert(tenant.id(), Instant::now());
                    }
                }
            }
            if round.last.is_none() && !std::mem::take(&mut round.has_claimed) {
                return Ok(None);
            }
        }
    }

    /// Claims one notification of a tenant's, and decides what becomes of it. One about which that fails is held all the same: it must
    /// not keep those behind it waiting, and its attempts run out.
    fn take(&self, tenant: &Tenant) -> Result<Taken> {
        match self.claim_and_decide(tenant) {
            Err(error) if !matches!(error, Error::Unavailable { .. }) => {
                tracing::error!(tenant = %tenant.id(), error = error.causes(), "what becomes of a notification can't be decided");
                let held = self.store.worker(tenant, |tx| tx.notifications().claim(1, self.config.lease))?;
                let put_back = held.len();
                Ok(if held.is_empty() {
                    Taken::Nothing
                } else {
                    Taken::Ended(NotifierPass { put_back, ..NotifierPass::default() })
                })
            }
            taken => taken,
        }
    }

    /// Claims a notification and decides about it in one transaction.
    fn claim_and_decide(&self, tenant: &Tenant) -> Result<Taken> {
        self.store.worker(tenant, |tx| {
            let Some(claim) = tx.notifications().claim(1, self.config.lease)?.pop() else { return Ok(Taken::Nothing) };
            let row = match (Planning { config: &self.config, senders: &self.senders, claim: &claim }).decide(tx)? {
                Plan::Send(outgoing) => return Ok(Taken::Send(outgoing)),
                Plan::Delivered => tx.notifications().deliver(&claim, None)?,
                Plan::Wait(until, why) => tx.notifications().put_back(&claim, why, until)?,
                Plan::GiveUp(why) => tx.notifications().give_up(&claim, why.as_str(), None)?,
            };
            Ok(Taken::Ended(NotifierPass::of(row.status)))
        })
    }

    fn note(&self, tenant: &Tenant, outgoing: &Outgoing, came: &Came) -> Result<NotifierPass> {
        let pass = self.store.worker(tenant, |tx| note(tx, outgoing, came))?;
        let row = &outgoing.claim.notification;
        let (id, channel, attempt) = (row.id, row.channel, row.attempts);
        match &came.ending {
            Ending::Delivered(_) => {
                tracing::info!(tenant = %tenant.id(), actor = %WORKER, notification = %id, %channel, attempt, "notification delivered")
            }
            Ending::Later { why, .. } | Ending::PutBack { why, .. } => {
                tracing::info!(tenant = %tenant.id(), notification = %id, %channel, attempt, why, "notification put back")
            }
            Ending::GivenUp { why, .. } => {
                tracing::error!(tenant = %tenant.id(), actor = %WORKER, notification = %id, %channel, attempt, why, "notification given up")
            }
        }
        Ok(pass)
    }

    fn note_patiently(&self, tenant: &Tenant, outgoing: &Outgoing, came: &Came) {
        let began = Instant::now();
        let mut pause = Duration::from_millis(50);
        while let Err(error) = self.note(tenant, outgoing, came) {
            // Whoever asks for a stop does not wait for a database that may never come back.
            let patience = if self.stop.is_asked() { NOTE_FOR_WHEN_STOPPING } else { NOTE_FOR };
            if began.elapsed() > patience {
                tracing::error!(tenant = %tenant.id(), error = error.causes(), "what came of a notification can't be noted: it is sent again");
                return;
            }
            tracing::warn!(tenant = %tenant.id(), error = error.causes(), "what came of a notification can't be noted now");
            std::thread::sleep(pause);
            pause = (pause * 2).min(Duration::from_secs(2));
        }
    }

    /// Looks at the notifications once: those due of every tenant, one after another.
    ///
    /// # Errors
    /// [`Error::Unavailable`] when the database is not to be had; what was claimed is attempted again when its lease has ended.
    pub fn pass(&self) -> Result<NotifierPass> {
        let mut pass = NotifierPass::default();
        every_tenant(
            &self.store,
            |tx, last, limit| tx.tenants_with_due_notifications(last, limit),
            |tenant| {
                for _ in 0..BATCH {
                    if self.stop.is_asked() {
                        return Ok(ControlFlow::Break(()));
                    }
                    pass += match self.take(tenant)? {
                        Taken::Nothing => break,
                        Taken::Ended(ended) => ended,
                        Taken::Send(outgoing) => {
                            let came = attempt(&self.senders, &outgoing, self.store.now());
                            self.note(tenant, &outgoing, &came)?
                        }
                    };
                }
                Ok(ControlFlow::Continue(()))
            },
        )?;
        Ok(pass)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::delivery::{LONGEST_MAIL, LONGEST_WEBHOOK};
    use crate::telephony::LONGEST_SEND;

    /// What outlives its claim goes out twice.
    #[test]
    fn lease_outlasts_the_slowest_channel() {
        let lease = NotifierConfig::default().lease.to_std().unwrap();
        // A text may be looked up before it is sent.
        for longest in [LONGEST_MAIL, LONGEST_WEBHOOK, LONGEST_SEND * 2] {
            assert!(longest + Duration::from_secs(30) < lease, "{longest:?}");
        }
    }
}
