//! What a worker does for every business from time to time, without anybody asking for it: reading the provider's lists for what no
//! webhook told of, resolving conversations in which nothing happens any more, and deleting events that nobody goes on from any more
//! and rows that were kept long enough.

use super::{CatchUp, Retention, delete_old_rows, resolve_idle};
use crate::Result;
use crate::events::{delete_old_connections, delete_old_events};
use crate::queue::Stop;
use crate::store::Store;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// The intervals and bounds of the upkeep.
#[derive(Debug, Clone, Copy)]
pub struct UpkeepConfig {
    /// The time from one reading of the provider's lists to the next.
    pub catch_up_every: Duration,
    /// Whether the lists are read at once; not where a worker does so before it sends.
    pub catch_up_at_start: bool,
    /// The time from one look for idle conversations, and for rows that were kept long enough, to the next.
    pub resolve_every: Duration,
    /// Idle conversations resolved at one look.
    pub resolve_at_most: usize,
    /// The time from one deletion of old events to the next.
    pub delete_events_every: Duration,
    /// Events deleted at one time.
    pub delete_events_at_most: usize,
    /// How long other rows are kept.
    pub keep: Retention,
}

impl Default for UpkeepConfig {
    fn default() -> Self {
        Self {
            catch_up_every: Duration::from_secs(300),
            catch_up_at_start: true,
            resolve_every: Duration::from_secs(3_600),
            resolve_at_most: 10_000,
            delete_events_every: Duration::from_secs(600),
            delete_events_at_most: 100_000,
            keep: Retention::default(),
        }
    }
}

/// The worker of the upkeep: it reads the provider's lists, resolves idle conversations and deletes old events, until it is told
/// to stop.
#[derive(Clone)]
pub struct Upkeep {
    store: Store,
    catch_up: Option<CatchUp>,
    config: UpkeepConfig,
    stop: Arc<Stop>,
}

impl Upkeep {
    /// Upkeep over this store; without `catch_up` there is no provider whose lists could be read.
    #[must_use]
    pub fn new(store: Store, catch_up: Option<CatchUp>, config: UpkeepConfig) -> Self {
        Self { store, catch_up, config, stop: Arc::default() }
    }

    /// Asks every clone to stop.
    pub fn stop(&self) {
        self.stop.ask();
    }

    /// Works until [`Self::stop`]; failures are logged, and tried again the next time.
    pub fn run(&self) {
        let mut caught_up = (!self.config.catch_up_at_start).then(Instant::now);
        let (mut resolved, mut deleted) = (None, None);
        while !self.stop.is_asked() {
            if is_due(caught_up, self.config.catch_up_every) {
                told("the provider's lists can't be read now", self.catch_up());
                caught_up = Some(Instant::now());
            }
            if is_due(resolved, self.config.resolve_every) {
                told("idle conversations can't be resolved now", self.resolve());
                told("what was kept long enough can't be deleted now", self.delete_old());
                resolved = Some(Instant::now());
            }
            if is_due(deleted, self.config.delete_events_every) {
                told("old events can't be deleted now", self.delete_events());
                deleted = Some(Instant::now());
            }
            let UpkeepConfig { catch_up_every, resolve_every, delete_events_every, .. } = self.config;
            self.stop.wait(catch_up_every.min(resolve_every).min(delete_events_every).min(Duration::from_secs(1)));
        }
    }

    fn catch_up(&self) -> Result<()> {
        match &self.catch_up {
            Some(catch_up) => catch_up.run_unless(&|| self.stop.is_asked()).map(drop),
            None => Ok(()),
        }
    }

    fn resolve(&self) -> Result<()> {
        let resolved = resolve_idle(&self.store, self.config.resolve_at_most)?;
        if resolved > 0 {
            tracing::info!(resolved, "conversations in which nothing happened any more are resolved");
        }
        Ok(())
    }

    fn delete_old(&self) -> Result<()> {
        let deleted = delete_old_rows(&self.store, self.config.keep, self.config.delete_events_at_most)?;
        if deleted > 0 {
            tracing::debug!(deleted, "figures of hours, jobs, reports and sessions that were kept long enough are deleted");
        }
        Ok(())
    }

    fn delete_events(&self) -> Result<()> {
        let deleted = delete_old_events(&self.store, self.config.delete_events_at_most)?;
        if deleted > 0 {
            tracing::debug!(deleted, "events that were kept long enough are deleted");
        }
        let deleted = delete_old_connections(&self.store, self.config.delete_events_at_most)?;
        if deleted > 0 {
            tracing::debug!(deleted, "what was recorded of connections was kept long enough, and is deleted");
        }
        Ok(())
    }
}

fn is_due(last: Option<Instant>, every: Duration) -> bool {
    last.is_none_or(|last| last.elapsed() >= every)
}

fn told(what: &str, done: Result<()>) {
    if let Err(error) = done {
        tracing::warn!(error = error.causes(), "{what}");
    }
}
