//! The worker that delivers notifications of alerts, each by its channel.
//!
//! What it promises: every notification is delivered or visibly given up (a suspended business's waits), at least once delivered and
//! once recorded. A claim commits before anything is sent, and no transaction is open meanwhile; in the claim's transaction the alert
//! is looked at again, so that nobody is paged about one that somebody has taken. A worker that dies between sending and noting leaves
//! a lease that ends, and the notification goes out again with the same id: its mail has the same Message-ID, its webhook the same
//! `webhook-id`, and its text is looked up at the provider first.

use super::notifier_attempt::{Came, Ending, attempt, note};
use super::notifier_plan::{Outgoing, Plan, Planning};
use super::notifier_slots::{Held, Slots};
use crate::access::TokenKeys;
use crate::actor::WORKER;
use crate::alerts::{Claimable, ClaimedNotification};
use crate::delivery::{MailLinks, MailSender, WebhookSender};
use crate::queue::{PAGE, Stop, every_tenant};
use crate::store::{Reason, Store, Tenant, TenantTx};
use crate::telephony::{Pace, SmsSender};
use crate::{Error, NotificationId, Result, TenantId};
use chrono::TimeDelta;
use std::collections::HashMap;
use std::ops::ControlFlow;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::thread::{Builder, Scope};
use std::time::{Duration, Instant};

/// Notifications of one tenant that a single look at the queue takes at most.
const BATCH: usize = 500;
/// How long a business whose notifications can't be claimed is left alone.
const REST: Duration = Duration::from_secs(30);
/// How long a look through a business's queue serves: the worst of what comes meanwhile waits no longer.
const SEEN_FOR: Duration = Duration::from_secs(1);
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
    /// Where links in mails and texts lead, and the keys of which their tokens are made.
    pub links: Option<(MailLinks, TokenKeys)>,
}

/// The configuration of the worker that delivers notifications.
#[derive(Debug, Clone, Copy)]
pub struct NotifierConfig {
    /// Mails that may be on their way at once, each on a thread of its own, which holds no connection; those of one business half of it.
    pub mails: usize,
    /// The same of texts.
    pub texts: usize,
    /// The same of webhooks, to receivers that have answered quickly lately. Beside these, half as many go to receivers of which nothing
    /// is known, and a quarter as many to those that were slow the last time.
    pub webhooks: usize,
    /// Webhooks that may be on their way at once from one business to one host that has answered quickly lately; to any other goes one.
    pub per_receiver: usize,
    /// How long a receiver of webhooks may take before it counts as slow.
    pub slow_after: Duration,
    /// How long a claim holds: longer than the slowest channel takes.
    pub lease: TimeDelta,
    /// The pause between two looks at an empty queue.
    pub idle: Duration,
    /// The age at which a notification is of no use any more.
    pub expiry: TimeDelta,
    /// Texts about alerts to one person in 24 hours.
    pub texts_per_day: i64,
    /// Mails about alerts of one business in an hour.
    pub mails_per_hour: i64,
    /// Mails, or texts, about alerts to one recipient within `storm_within`, beyond which what is due to them goes out in a digest.
    pub storm: i64,
    /// The time within which the messages of a storm are counted, and for which none may be a digest before it is over.
    pub storm_within: TimeDelta,
    /// The time between two messages of a storm.
    pub digest_every: TimeDelta,
    /// The pace at which each number sends.
    pub pace: Pace,
}

impl Default for NotifierConfig {
    fn default() -> Self {
        Self {
            mails: 8,
            texts: 8,
            webhooks: 64,
            per_receiver: 2,
            slow_after: Duration::from_secs(5),
            lease: TimeDelta::minutes(2),
            idle: Duration::from_millis(500),
            expiry: TimeDelta::days(7),
            texts_per_day: 20,
            mails_per_hour: 300,
            storm: 5,
            storm_within: TimeDelta::minutes(10),
            digest_every: TimeDelta::minutes(3),
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
    slots: Arc<Slots>,
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
    /// The queues of tenants, as they were seen a moment ago.
    seen: HashMap<TenantId, Seen>,
}

/// A tenant's queue, as it was seen a moment ago.
#[derive(Default)]
struct Seen {
    /// When the queue was looked through.
    at: Option<Instant>,
    /// The notifications that waited and were not claimed since, in the order in which they are told.
    left: Vec<NotificationId>,
}

impl Seen {
    fn is_fresh(&self) -> bool {
        !self.left.is_empty() && self.at.is_some_and(|at| at.elapsed() < SEEN_FOR)
    }
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

impl Notifier {
    /// A worker over this store and these senders.
    #[must_use]
    pub fn new(store: Store, senders: Senders, config: NotifierConfig) -> Self {
        Self { store, senders, config, stop: Arc::default(), slots: Arc::default() }
    }

    /// Asks every clone to stop after the notifications that are being sent.
    pub fn stop(&self) {
        self.stop.ask();
        self.slots.ring();
    }

    /// Works until [`Self::stop`]; failures are logged and waited out. One thread looks for what is due, and each attempt has a thread of
    /// its own, as many as there are slots. Returns when every attempt has ended.
    pub fn run(&self) {
        let mut round = Round::default();
        std::thread::scope(|scope| {
            while !self.stop.is_asked() {
                match self.take_some(&mut round) {
                    Ok(Some((tenant, outgoing, held))) => self.send_apart(scope, tenant, outgoing, held),
                    Ok(None) => self.slots.wait(self.config.idle, &self.stop),
                    Err(error) => {
                        tracing::warn!(error = error.causes(), "notifications can't be delivered now");
                        self.stop.wait(self.config.idle.max(Duration::from_secs(1)));
                    }
                }
            }
        });
    }

    fn send_apart<'scope>(&'scope self, scope: &'scope Scope<'scope, '_>, tenant: Tenant, outgoing: Box<Outgoing>, held: Held) {
        let send = move || {
            let began = Instant::now();
            let attempted = catch_unwind(AssertUnwindSafe(|| attempt(&self.senders, &outgoing, self.store.now())));
            held.learn(began.elapsed(), &self.config);
            let came = attempted.unwrap_or_else(|_| Ending::unknown());
            self.note_patiently(&tenant, &outgoing, &came);
            drop(held);
        };
        // What could not be begun is attempted again when its lease has ended.
        if let Err(error) = Builder::new().name("notifier".to_owned()).spawn_scoped(scope, send) {
            tracing::error!(%error, "a notification can't be sent: the machine gives no thread");
        }
    }

    /// Goes on in the round until something is to be sent; `None` at the end of a round in which nothing was.
    fn take_some(&self, round: &mut Round) -> Result<Option<(Tenant, Box<Outgoing>, Held)>> {
        round.resting.retain(|_, since| since.elapsed() < REST);
        round.seen.retain(|_, seen| seen.is_fresh());
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
                if round.resting.contains_key(&tenant.id()) {
                    continue;
                }
                let of = self.slots.claimable(tenant.id(), &self.config);
                match self.take(&tenant, &of, round.seen.entry(tenant.id()).or_default()) {
                    Ok(Taken::Send(outgoing)) => {
                        round.has_claimed = true;
                        let held = self.slots.take(tenant.id(), &outgoing.claim.notification);
                        return Ok(Some((tenant, outgoing, held)));
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
    fn take(&self, tenant: &Tenant, of: &Claimable, seen: &mut Seen) -> Result<Taken> {
        if !seen.is_fresh() {
            *seen = Seen { at: Some(Instant::now()), left: Vec::new() };
        }
        let (taken, left) = match self.claim_and_decide(tenant, of, &seen.left) {
            Err(error) if !matches!(error, Error::Unavailable { .. }) => {
                tracing::error!(tenant = %tenant.id(), error = error.causes(), "what becomes of a notification can't be decided");
                let (held, left) = self.store.worker(tenant, |tx| self.claim(tx, of, &seen.left))?;
                let put_back = held.iter().len();
                let pass = NotifierPass { put_back, ..NotifierPass::default() };
                (if held.is_none() { Taken::Nothing } else { Taken::Ended(pass) }, left)
            }
            taken => taken?,
        };
        seen.left = left;
        Ok(taken)
    }

    fn claim(
        &self,
        tx: &mut TenantTx<'_>,
        of: &Claimable,
        seen: &[NotificationId],
    ) -> Result<(Option<ClaimedNotification>, Vec<NotificationId>)> {
        tx.notifications().claim_next(of, seen, self.config.lease)
    }

    /// Claims a notification and decides about it in one transaction; and what is left of those that were seen to wait.
    fn claim_and_decide(&self, tenant: &Tenant, of: &Claimable, seen: &[NotificationId]) -> Result<(Taken, Vec<NotificationId>)> {
        self.store.worker(tenant, |tx| {
            let (claim, left) = self.claim(tx, of, seen)?;
            let Some(claim) = claim else { return Ok((Taken::Nothing, left)) };
            let plan = (Planning { config: &self.config, senders: &self.senders, claim: &claim }).decide(tx)?;
            if let Plan::Send(outgoing) = plan {
                return Ok((Taken::Send(outgoing), left));
            }
            let ended = plan.end(tx, &claim)?;
            Ok((Taken::Ended(ended.map(|row| NotifierPass::of(row.status)).unwrap_or_default()), left))
        })
    }

    fn note(&self, tenant: &Tenant, outgoing: &Outgoing, came: &Came) -> Result<NotifierPass> {
        let pass = self.store.worker(tenant, |tx| note(tx, outgoing, came))?;
        let row = &outgoing.claim.notification;
        let (id, channel, attempt, gathered) = (row.id, row.channel, row.attempts, outgoing.gathered.len());
        match &came.ending {
            Ending::Delivered(_) => {
                tracing::info!(tenant = %tenant.id(), actor = %WORKER, notification = %id, %channel, attempt, gathered, "notification delivered")
            }
            Ending::Later { why, .. } | Ending::PutBack { why, .. } => {
                tracing::info!(tenant = %tenant.id(), notification = %id, %channel, attempt, gathered, why, "notification put back")
            }
            Ending::GivenUp { why, .. } => {
                tracing::warn!(tenant = %tenant.id(), actor = %WORKER, notification = %id, %channel, attempt, gathered, why, "notification given up")
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
                let mut seen = Seen::default();
                for _ in 0..BATCH {
                    if self.stop.is_asked() {
                        return Ok(ControlFlow::Break(()));
                    }
                    pass += match self.take(tenant, &Claimable::default(), &mut seen)? {
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
