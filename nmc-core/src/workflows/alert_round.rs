//! A round of a business's alerts: what its rules watch is measured, the rules are evaluated, alerts that have slept enough wake, and
//! those that nobody sees to are passed on. All of it is one transaction: what is told of an alert is queued by it, and sent later.

use super::trade_metrics::measure;
use crate::Result;
use crate::alerts::{Evaluation, evaluate_all};
use crate::queue::{Stop, every_tenant, work_until_stopped};
use crate::store::{Store, Tenant, TenantTx};
use chrono::{DateTime, DurationRound as _, TimeDelta, Utc};
use std::ops::ControlFlow;
use std::sync::Arc;
use std::time::Duration;

/// The time from one round of a business with rules to the next; rounds begin at full minutes.
const EVERY: TimeDelta = TimeDelta::minutes(1);

/// The same for a business that has switched all rules off and has no alert open. A rule that is written brings the round forward.
const IDLE: TimeDelta = TimeDelta::hours(1);

/// How long measured values are kept.
const KEPT: TimeDelta = TimeDelta::days(7);

/// How long what was told of alerts is on record, and alerts that are over.
const ON_RECORD: TimeDelta = TimeDelta::days(365);

/// Old rows of a kind that a round deletes.
const DELETED_AT_ONCE: u16 = 1_000;

/// Alerts that a round wakes or passes on; what is left waits for the next one.
const AT_ONCE: u16 = 100;

/// What rounds came to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[cfg_attr(not(feature = "testing"), non_exhaustive)]
pub struct Rounds {
    /// The businesses whose round it was.
    pub businesses: usize,
    /// The values that were measured.
    pub measured: usize,
    /// The values that came too late to be judged, each for each rule that watches its metric.
    pub late: usize,
    /// The rules that were compared with a value.
    pub compared: usize,
    /// The alerts that were raised.
    pub raised: usize,
    /// The alerts that settled themselves.
    pub resolved: usize,
    /// The alerts that were passed on.
    pub passed_on: usize,
    /// The businesses whose round failed: it is tried again.
    pub failed: usize,
}

/// Makes the round of every business whose round is due, one after another. Several processes may do this at once: what one has in hand is
/// left to it.
///
/// # Errors
/// [`crate::Error::Unavailable`] or [`crate::Error::Internal`]; what was done before stays. A business whose own round fails does not keep
/// the others from theirs.
pub fn alert_rounds(store: &Store) -> Result<Rounds> {
    alert_rounds_until(store, &Stop::default())
}

fn alert_rounds_until(store: &Store, stop: &Stop) -> Result<Rounds> {
    let mut rounds = Rounds::default();
    every_tenant(
        store,
        |tx, last, limit| tx.tenants_with_due_rounds(last, limit),
        |tenant| {
            if stop.is_asked() {
                return Ok(ControlFlow::Break(()));
            }
            match round_of(store, tenant) {
                Ok(Some(round)) => {
                    if round.evaluation.late > 0 {
                        tracing::info!(tenant = %tenant.id(), late = round.evaluation.late, "values came too late to be judged");
                    }
                    rounds.add(&round);
                }
                Ok(None) => {}
                Err(error) if error.is_retryable() => return Err(error),
                Err(error) => {
                    rounds.failed += 1;
                    tracing::warn!(tenant = %tenant.id(), error = error.causes(), "the round of a business's alerts failed");
                }
            }
            Ok(ControlFlow::Continue(()))
        },
    )?;
    Ok(rounds)
}

impl Rounds {
    fn add(&mut self, round: &Round) {
        self.businesses += 1;
        self.measured += round.measured;
        self.late += round.evaluation.late;
        self.compared += round.evaluation.compared;
        self.raised += round.evaluation.raised.len();
        self.resolved += round.evaluation.resolved.len();
        self.passed_on += round.passed_on;
    }
}

struct Round {
    measured: usize,
    evaluation: Evaluation,
    passed_on: usize,
}

/// The round of one business, unless it is not due, or another worker's.
fn round_of(store: &Store, tenant: &Tenant) -> Result<Option<Round>> {
    store.worker(tenant, |tx| tx.alert_rounds().hold_due()?.map(|since| round(tx, since)).transpose())
}

fn round(tx: &mut TenantTx<'_>, due_since: DateTime<Utc>) -> Result<Round> {
    let now = tx.now();
    let minute = now.duration_trunc(EVERY).unwrap_or(now);
    let watched = tx.alert_rules().watched()?;
    let measured = measure(tx, &watched, due_since..=minute)?;
    tx.alerts().wake_due(AT_ONCE)?;
    let evaluation = evaluate_all(tx)?;
    let passed_on = tx.alerts().pass_on_due(AT_ONCE)?.len();
    // The first round of an hour.
    if due_since <= now.duration_trunc(TimeDelta::hours(1)).unwrap_or(now) {
        tx.measurements().delete_before(now - KEPT, DELETED_AT_ONCE)?;
        tx.notifications().delete_ended_before(now - ON_RECORD, DELETED_AT_ONCE)?;
        tx.alerts().delete_resolved_before(now - ON_RECORD, DELETED_AT_ONCE)?;
    }
    let is_idle = watched.is_empty() && !tx.alerts().is_any_open()?;
    tx.alert_rounds().put_off(minute + if is_idle { IDLE } else { EVERY })?;
    Ok(Round { measured, evaluation, passed_on })
}

/// The worker of the alerts: it makes the rounds until it is told to stop.
#[derive(Clone)]
pub struct AlertWorker {
    store: Store,
    stop: Arc<Stop>,
}

impl AlertWorker {
    /// A worker over this store.
    #[must_use]
    pub fn new(store: Store) -> Self {
        Self { store, stop: Arc::default() }
    }

    /// Asks every clone to stop.
    pub fn stop(&self) {
        self.stop.ask();
    }

    /// Works until [`Self::stop`], on two threads; failures are logged, and tried again. A business's round is whole or not at all, so that
    /// a worker may die at any time.
    pub fn run(&self) {
        std::thread::scope(|threads| {
            threads.spawn(|| self.make_rounds());
            self.make_rounds();
        });
    }

    fn make_rounds(&self) {
        work_until_stopped(&self.stop, Duration::from_secs(1), "alerts can't be looked after now", || {
            let rounds = alert_rounds_until(&self.store, &self.stop)?;
            if rounds.raised + rounds.resolved + rounds.passed_on > 0 {
                let Rounds { raised, resolved, passed_on, .. } = rounds;
                tracing::info!(raised, resolved, passed_on, "alerts moved");
            }
            // What came due meanwhile is found after a pause.
            Ok(false)
        });
    }
}
