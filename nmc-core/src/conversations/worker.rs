//! The worker that empties the outbox.
//!
//! What it promises: every queued text is sent or visibly given up (a suspended business's waits); none is sent to someone who has
//! opted out; and none is sent twice, as far as the provider can tell. A claim, which is also the check of consent, is committed
//! before the provider is called, and no transaction is open while it answers. A text whose answer got lost or whose worker died is
//! in doubt: it is looked up once the provider's list must show it, and before each further try. Only what the provider does not
//! have is sent again. A provider that can't be asked (the console) gets no second try: the text is given up, with the reason in its
//! row.

use super::consent::record_provider_opt_out;
use super::message_queue::{ClaimedMessage, Claims};
use super::message_transitions::Ending;
use super::number_pacing::NUMBER_HOLD;
use super::pipeline::{Finished, Pipeline, Task};
use super::round::Round;
use super::sending::{Attempt, Came, Follows};
use super::worker_config::{MessageQueueLimits, Pass, WorkerConfig};
use crate::actor::WORKER;
use crate::queue::{PAGE, Stop, every_tenant};
use crate::store::{Person, Reason, Store, Tenant};
use crate::telephony::SmsSender;
use crate::{Error, Result, TenantId};
use chrono::{DateTime, TimeDelta, Utc};
use std::collections::HashMap;
use std::ops::ControlFlow;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// How long the account is left alone after it was refused: this, doubling to the longest.
const FIRST_ACCOUNT_HOLD: TimeDelta = TimeDelta::seconds(30);
const LONGEST_ACCOUNT_HOLD: TimeDelta = TimeDelta::minutes(10);

/// A tenant's share of the free senders is at least this, where there are so many: a claim has a price.
const LEAST_SHARE: usize = 4;

/// How long what came of texts is tried to be noted while the database is away. After that they are in doubt.
const NOTE_FOR: Duration = Duration::from_secs(60);
const NOTE_FOR_WHEN_STOPPING: Duration = Duration::from_secs(5);

/// What is done before anything is sent, after a start and after an outage: see [`Worker::before_sending`].
type Preparation = Arc<dyn Fn() -> Result<()> + Send + Sync>;

/// The worker that sends what is queued, until it is told to stop.
#[derive(Clone)]
pub struct Worker {
    store: Store,
    sender: Arc<dyn SmsSender>,
    config: WorkerConfig,
    stop: Arc<Stop>,
    account: Arc<Mutex<Account>>,
    preparation: Option<Preparation>,
}

/// Whether the provider's account may send.
#[derive(Debug, Default)]
struct Account {
    held_until: Option<DateTime<Utc>>,
    /// The last hold's length; none since the last text that was taken.
    last_hold: Option<TimeDelta>,
}

impl Worker {
    /// A worker over this store and sender.
    #[must_use]
    pub fn new(store: Store, sender: Arc<dyn SmsSender>, config: WorkerConfig) -> Self {
        Self { store, sender, config, stop: Arc::default(), account: Arc::default(), preparation: None }
    }

    /// Makes [`Self::run`] do this before it sends anything, when it starts and after each time that the database was away, until
    /// it succeeds: reading the provider's lists for opt-outs that no webhook could deliver.
    #[must_use]
    pub fn before_sending(mut self, preparation: impl Fn() -> Result<()> + Send + Sync + 'static) -> Self {
        self.preparation = Some(Arc::new(preparation));
        self
    }

    /// Asks every clone to stop after the texts that are being sent.
    pub fn stop(&self) {
        self.stop.ask();
    }

    /// Works until [`Self::stop`]; failures are logged and waited out. Returns when every sender has stopped.
    pub fn run(&self) {
        let pipeline = Pipeline::new(self.config.senders.max(1));
        std::thread::scope(|scope| {
            for _ in 0..self.config.senders.max(1) {
                scope.spawn(|| self.send_tasks(&pipeline));
            }
            scope.spawn(|| self.note_finished(&pipeline));
            self.claim_until_stopped(&pipeline);
            self.give_back(pipeline.close());
        });
    }

    fn send_tasks(&self, pipeline: &Pipeline) {
        while let Some(Task { tenant, text, claimed }) = pipeline.next_task() {
            let attempt = || self.attempt(&tenant, &text, claimed);
            // A sender that panics says nothing of what became of the text.
            let came = catch_unwind(AssertUnwindSafe(attempt)).unwrap_or_else(|_| {
                let at = self.store.now() + self.config.doubt;
                Ending::InDoubt { at, why: "the sender failed without a word".to_owned() }.into()
            });
            pipeline.finish(Finished { tenant, text, came });
        }
    }

    fn note_finished(&self, pipeline: &Pipeline) {
        while let Some(finished) = pipeline.take_finished() {
            let mut by_tenant: HashMap<TenantId, (Tenant, Vec<(ClaimedMessage, Came)>)> = HashMap::new();
            for Finished { tenant, text, came } in finished {
                by_tenant.entry(tenant.id()).or_insert_with(|| (tenant, Vec::new())).1.push((text, came));
            }
            for (tenant, attempts) in by_tenant.into_values() {
                self.note_patiently(&tenant, &attempts);
            }
            pipeline.noted();
        }
    }

    fn note_patiently(&self, tenant: &Tenant, attempts: &[(ClaimedMessage, Came)]) {
        let began = Instant::now();
        let mut pause = Duration::from_millis(50);
        while let Err(error) = self.note(tenant, attempts) {
            // Whoever asks for a stop does not wait for a database that may never come back.
            let patience = if self.stop.is_asked() { NOTE_FOR_WHEN_STOPPING } else { NOTE_FOR };
            if began.elapsed() > patience {
                tracing::error!(tenant = %tenant.id(), error = error.causes(), "what came of texts can't be noted: they are in doubt");
                return;
            }
            tracing::warn!(tenant = %tenant.id(), actor = %WORKER, error = error.causes(), "what came of texts can't be noted now");
            // Not the bell of a stop: what was sent should be noted before the process goes.
            std::thread::sleep(pause);
            pause = (pause * 2).min(Duration::from_secs(2));
        }
    }

    fn claim_until_stopped(&self, pipeline: &Pipeline) {
        let mut round = Round::default();
        let mut is_prepared = self.preparation.is_none();
        while !self.stop.is_asked() {
            if !is_prepared {
                is_prepared = self.prepare();
                if !is_prepared {
                    self.stop.wait(Duration::from_secs(2));
                    continue;
                }
            }
            if let Some(wait) = self.account_hold() {
                self.stop.wait(wait.min(Duration::from_secs(1)));
                continue;
            }
            // After a hold, one text at a time finds out whether the account may send again.
            let is_on_trial = self.account().last_hold.is_some();
            let room = if is_on_trial { pipeline.wait_for_one() } else { pipeline.wait_for_room(Duration::from_millis(10)) };
            if room == 0 || self.stop.is_asked() {
                continue;
            }
            match self.claim_some(&mut round, room, pipeline) {
                Ok(true) => {}
                Ok(false) => self.stop.wait(round.pause(self.store.now(), self.config.idle)),
                Err(error) => {
                    tracing::warn!(error = error.causes(), "the outbox can't be worked now");
                    // Texts and calls may have come while the database was away.
                    is_prepared = self.preparation.is_none();
                    self.stop.wait(self.config.idle.max(Duration::from_secs(1)));
                }
            }
        }
    }

    fn prepare(&self) -> bool {
        match self.preparation.as_ref().map_or(Ok(()), |preparation| preparation()) {
            Ok(()) => true,
            Err(error) => {
                tracing::warn!(error = error.causes(), "nothing is sent before the provider's lists have been read");
                false
            }
        }
    }

    /// Claims for the next tenants in turn, as much as there is room for. Whether there may be more to do at once.
    fn claim_some(&self, round: &mut Round, mut room: usize, pipeline: &Pipeline) -> Result<bool> {
        if round.tenants.is_empty() {
            let last = round.last.take();
            let page = self.store.system(Reason::DueWork, |tx| tx.tenants_with_due_messages(last, PAGE))?;
            if page.len() == usize::from(PAGE) {
                round.last = page.last().map(Tenant::id);
            }
            round.tenants = page;
            round.tenants.reverse();
            if round.tenants.is_empty() {
                // The end of a round: was there anything in it?
                return Ok(std::mem::take(&mut round.has_claimed));
            }
        }
        let now = self.store.now();
        round.rests.retain(|_, until| *until > now);
        while let Some(tenant) = round.tenants.pop() {
            if round.rests.contains_key(&tenant.id()) {
                continue;
            }
            let share = (room / (round.tenants.len() + 1)).max(LEAST_SHARE).min(room).min(usize::from(self.config.batch.max(1)));
            let claimed = Instant::now();
            let claims = match self.claim(&tenant, u16::try_from(share).unwrap_or(u16::MAX)) {
                Ok(claims) => claims,
                Err(error @ Error::Unavailable { .. }) => return Err(error),
                Err(error) => {
                    // One business's trouble is not another's.
                    tracing::error!(tenant = %tenant.id(), error = error.causes(), "a business's texts can't be claimed");
                    round.rest(tenant.id(), now + TimeDelta::seconds(30));
                    continue;
                }
            };
            if let Some(until) = claims.rests_until {
                // Not for long: a text from another of its numbers may come meanwhile.
                round.rest(tenant.id(), until.min(now + Round::LONGEST_REST));
            }
            round.has_claimed |= claims.ended > 0 || !claims.texts.is_empty();
            room -= claims.texts.len().min(room);
            pipeline.add(claims.texts.into_iter().map(|text| Task { tenant, text, claimed }));
            if room == 0 || self.stop.is_asked() {
                return Ok(true);
            }
        }
        Ok(round.last.is_some() || std::mem::take(&mut round.has_claimed))
    }

    /// Gives back what was claimed and not begun, as it was.
    fn give_back(&self, tasks: Vec<Task>) {
        for Task { tenant, text, .. } in tasks {
            self.note_patiently(&tenant, &[(text, Ending::NotBegun.into())]);
        }
    }

    /// Looks at the outbox once: a batch of every tenant with due texts, one text after another.
    ///
    /// # Errors
    /// [`Error::Unavailable`] when the database is not to be had; what was claimed is looked up when its doubt has settled.
    pub fn pass(&self) -> Result<Pass> {
        let mut pass = Pass::default();
        every_tenant(
            &self.store,
            |tx, last, limit| tx.tenants_with_due_messages(last, limit),
            |tenant| {
                for _ in 0..self.config.batch {
                    if self.stop.is_asked() || self.account_hold().is_some() {
                        return Ok(ControlFlow::Break(()));
                    }
                    let claimed = Instant::now();
                    let claims = self.claim(tenant, 1)?;
                    pass.ended += claims.ended;
                    let Some(text) = claims.texts.into_iter().next() else {
                        if claims.ended == 0 {
                            break;
                        }
                        continue;
                    };
                    let came = self.attempt(tenant, &text, claimed);
                    pass += self.note(tenant, &[(text, came)])?;
                }
                Ok(ControlFlow::Continue(()))
            },
        )?;
        Ok(pass)
    }

    fn claim(&self, tenant: &Tenant, limit: u16) -> Result<Claims> {
        let limits = MessageQueueLimits::of(&self.config);
        let claims = self.store.worker(tenant, |tx| tx.messages().claim(limit, &limits))?;
        if claims.ended > 0 {
            tracing::info!(tenant = %tenant.id(), actor = %WORKER, texts = claims.ended, "texts called off; each one's row says why");
        }
        Ok(claims)
    }

    fn attempt(&self, tenant: &Tenant, text: &ClaimedMessage, claimed: Instant) -> Came {
        if self.account_hold().is_some() {
            return Ending::NotBegun.into();
        }
        let came = Attempt { store: &self.store, sender: &*self.sender, config: &self.config, tenant, text, claimed }.make();
        match (&came.ending, &came.follows) {
            (_, Follows::AccountOnHold(wait, why)) => self.hold_account(*wait, why),
            (Ending::Sent(_), _) => self.account().last_hold = None,
            _ => {}
        }
        came
    }

    /// Notes what came of attempts for one tenant, in one transaction; an opt-out that the provider knows of in one of its own, under
    /// the person's lock.
    fn note(&self, tenant: &Tenant, attempts: &[(ClaimedMessage, Came)]) -> Result<Pass> {
        let (opt_outs, others): (Vec<_>, Vec<_>) = attempts.iter().partition(|(_, came)| came.follows == Follows::OptOut);
        let mut pass = self.note_some(tenant, &others)?;
        for (text, came) in opt_outs {
            let noted = self.store.tenant_as(&WORKER, tenant, Some(&Person::new(text.to.clone())), |tx| {
                if !tx.messages().end_claim(text, &came.ending)? {
                    return Ok(Pass::default());
                }
                record_provider_opt_out(tx, &text.to, text.id, text.conversation)?;
                Ok(counted(&came.ending))
            });
            pass += match noted {
                Err(Error::Conflict { .. }) => self.note_some(tenant, &[&self.of_another(text)])?,
                noted => noted?,
            };
        }
        Ok(pass)
    }

    fn note_some(&self, tenant: &Tenant, attempts: &[&(ClaimedMessage, Came)]) -> Result<Pass> {
        if attempts.is_empty() {
            return Ok(Pass::default());
        }
        let noted = self.store.worker(tenant, |tx| {
            let mut pass = Pass::default();
            for (text, came) in attempts {
                if tx.messages().end_claim(text, &came.ending)? {
                    pass += counted(&came.ending);
                }
                if let Follows::NumberOnHold(why) = &came.follows {
                    let until = tx.now() + NUMBER_HOLD;
                    tx.number_pacing().hold(&text.from, until, why)?;
                }
            }
            Ok(pass)
        });
        let pass = match noted {
            // Two equal texts were in doubt, and both took the same one of the provider's for theirs.
            Err(Error::Conflict { .. }) if attempts.len() > 1 => {
                let mut pass = Pass::default();
                for attempt in attempts {
                    pass += self.note_some(tenant, &[attempt])?;
                }
                return Ok(pass);
            }
            Err(Error::Conflict { .. }) => {
                let again: Vec<_> = attempts.iter().map(|(text, _)| self.of_another(text)).collect();
                return self.note_some(tenant, &again.iter().collect::<Vec<_>>());
            }
            noted => noted?,
        };
        for (text, came) in attempts {
            if let Follows::NumberOnHold(why) = &came.follows {
                tracing::warn!(tenant = %tenant.id(), actor = %WORKER, text = %text.id, why, "a number's texts are held back");
            }
        }
        Ok(pass)
    }

    /// A text that took the one at the provider's that another has taken for its own: it is in doubt still.
    fn of_another(&self, text: &ClaimedMessage) -> (ClaimedMessage, Came) {
        let why = "the provider's text was taken for another's".to_owned();
        (text.clone(), Ending::InDoubt { at: self.store.now() + TimeDelta::seconds(1), why }.into())
    }

    fn account(&self) -> MutexGuard<'_, Account> {
        self.account.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How long nothing may be sent, if so. When a hold has ended, one text at a time finds out whether it goes on.
    fn account_hold(&self) -> Option<Duration> {
        let until = self.account().held_until?;
        (until - self.store.now()).to_std().ok().filter(|wait| !wait.is_zero())
    }

    fn hold_account(&self, asked: Option<Duration>, why: &str) {
        let now = self.store.now();
        let mut account = self.account();
        let wait = match asked {
            Some(asked) => TimeDelta::from_std(asked).unwrap_or(LONGEST_ACCOUNT_HOLD).min(LONGEST_ACCOUNT_HOLD),
            None if account.held_until.is_some_and(|until| until > now) => return,
            None => {
                let wait = account.last_hold.map_or(FIRST_ACCOUNT_HOLD, |last| (last * 2).min(LONGEST_ACCOUNT_HOLD));
                account.last_hold = Some(wait);
                tracing::error!(seconds = wait.num_seconds(), why, "all texts are held back");
                wait
            }
        };
        account.held_until = Some(account.held_until.map_or(now + wait, |until| until.max(now + wait)));
    }
}

const fn counted(ending: &Ending) -> Pass {
    let mut pass = Pass { sent: 0, put_back: 0, ended: 0 };
    match ending {
        Ending::Sent(_) => pass.sent = 1,
        Ending::PutBack { .. } | Ending::Waits { .. } | Ending::InDoubt { .. } => pass.put_back = 1,
        Ending::Failed { .. } | Ending::Ended { .. } => pass.ended = 1,
        Ending::NotBegun => {}
    }
    pass
}
