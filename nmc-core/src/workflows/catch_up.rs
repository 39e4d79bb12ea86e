//! What happened while we were away: the provider's own lists of texts and calls are read from the
//! last mark on, and what is missing here is recorded through the same code as by its webhook. Texts come first, so that whoever
//! said STOP is heard before anything is sent or greeted.
//!
//! The account's lists are read once for all tenants, in windows from the oldest mark to now, page by page. Marks move after each
//! window, when all that came before is recorded: whoever dies on the way loses nothing, and several may do it at once.

use super::catch_up_mark::Start;
use super::caught_up::CaughtUp;
use super::known::Holders;
use crate::store::{Reason, Store};
use crate::telephony::CallDirectory;
use crate::telephony::TextDirectory;
use crate::{PhoneNumber, Result, TenantId};
use chrono::{DateTime, TimeDelta, Utc};
use std::collections::HashMap;
use std::sync::Arc;

const PROVIDER: &str = "twilio";

/// The time that is read once more, since the provider's lists lag behind.
const OVERLAP: TimeDelta = TimeDelta::minutes(10);

/// The furthest that is read back.
const OLDEST: TimeDelta = TimeDelta::days(7);

/// The time that is read before marks move.
const WINDOW: TimeDelta = TimeDelta::hours(6);

/// A call that lasts longer holds the marks back no more.
const LONGEST_CALL: TimeDelta = TimeDelta::hours(24);

/// Pages of one window at most: more is not to be had in one run.
pub(super) const MOST_PAGES: usize = 500;

/// Reads the provider's lists and records what is missing.
#[derive(Clone)]
pub struct CatchUp {
    pub(super) store: Store,
    pub(super) calls: Arc<dyn CallDirectory>,
    pub(super) texts: Arc<dyn TextDirectory>,
}

/// One catch-up on its way.
pub(super) struct Run {
    pub(super) now: DateTime<Utc>,
    starts: HashMap<TenantId, Start>,
    /// The instant at which the oldest call began that is not over.
    pub(super) open_since: Option<DateTime<Utc>>,
    pub(super) came: CaughtUp,
}

/// Some time of the lists.
#[derive(Clone, Copy)]
pub(super) struct Window {
    pub(super) from: DateTime<Utc>,
    /// `None` is now.
    pub(super) until: Option<DateTime<Utc>>,
}

impl CatchUp {
    /// A catch-up over this store and the provider's lists. Nothing is asked yet.
    #[must_use]
    pub fn new(store: Store, calls: Arc<dyn CallDirectory>, texts: Arc<dyn TextDirectory>) -> Self {
        Self { store, calls, texts }
    }

    /// Reads both lists from the oldest mark on, and records what is missing. It blocks while the provider and the database
    /// answer: some requests when the last run was minutes ago, two for every six hours and page otherwise. A run that failed is
    /// simply made again.
    ///
    /// # Errors
    /// [`crate::Error::Unavailable`] when the provider or the database can't be asked now; [`crate::Error::Provider`]. What was recorded by
    /// then stays, and marks stay behind what was not.
    pub fn run(&self) -> Result<CaughtUp> {
        self.run_unless(&|| false)
    }

    /// Does what [`Self::run`] does until it is to stop, which is asked between pages and records.
    ///
    /// # Errors
    /// As [`Self::run`].
    pub fn run_unless(&self, stops: &dyn Fn() -> bool) -> Result<CaughtUp> {
        let now = self.store.now();
        let starts = self.store.system(Reason::CatchUp, |tx| tx.catch_up_starts(PROVIDER, now - OLDEST))?;
        let mut run = Run { now, starts, open_since: None, came: CaughtUp::default() };
        let Some(first) = run.starts.values().map(|start| start.messages.min(start.calls)).min() else {
            return Ok(run.came);
        };
        run.came.since = Some(first - OVERLAP);
        for window in windows(run.first(|start| start.messages), now) {
            if stops() || !self.texts_of(window, &mut run, stops)? {
                return Ok(run.came);
            }
            let until = window.until.unwrap_or(now);
            self.advance(&mut run, |start| Start { messages: start.messages.max(until), ..start })?;
        }
        for window in windows(run.first(|start| start.calls), now) {
            if stops() || !self.calls_of(window, &mut run, stops)? {
                return Ok(run.came);
            }
            let until = window.until.unwrap_or(now);
            let until = run.open_since.map_or(until, |open| until.min(open.max(now - LONGEST_CALL)));
            self.advance(&mut run, |start| Start { calls: start.calls.max(until), ..start })?;
        }
        let CaughtUp { texts, calls, failed, .. } = &run.came;
        if texts.recorded + calls.recorded > 0 || !failed.is_empty() {
            let (texts, calls, failed) = (texts.recorded, calls.recorded, failed.len());
            tracing::info!(texts, calls, failed, "what no webhook told of was found in the provider's lists and is recorded");
        }
        Ok(run.came)
    }

    /// Moves the marks of all of whom everything is recorded.
    fn advance(&self, run: &mut Run, to: impl Fn(Start) -> Start) -> Result<()> {
        for (tenant, start) in &mut run.starts {
            if !run.came.failed.contains(tenant) {
                *start = to(*start);
            }
        }
        let moved: Vec<(TenantId, Start)> = run.starts.iter().map(|(tenant, start)| (*tenant, *start)).collect();
        self.store.system(Reason::CatchUp, |tx| tx.advance_catch_up_marks(PROVIDER, &moved))
    }
}

impl Run {
    /// The instant at which the reading of one list begins.
    fn first(&self, of: impl Fn(&Start) -> DateTime<Utc>) -> DateTime<Utc> {
        self.starts.values().map(of).min().unwrap_or(self.now) - OVERLAP
    }

    /// The tenants whose something may be that happened at one of our numbers then. What came before a tenant's reading begins
    /// is none of them: it was recorded, or is from before we knew the tenant.
    pub(super) fn tenants_of(
        &self,
        holders: &Holders,
        number: &PhoneNumber,
        at: Option<DateTime<Utc>>,
        of: impl Fn(&Start) -> DateTime<Utc>,
    ) -> Vec<TenantId> {
        let is_theirs =
            |tenant: &&TenantId| self.starts.get(tenant).is_some_and(|start| at.is_none_or(|at| at >= of(start) - OVERLAP));
        holders.get(number).into_iter().flatten().filter(is_theirs).copied().collect()
    }
}

/// The time from `from` to `now`, cut where marks may move; the last one is open, for what comes meanwhile.
fn windows(from: DateTime<Utc>, now: DateTime<Utc>) -> impl Iterator<Item = Window> {
    let mut next = Some(from);
    std::iter::from_fn(move || {
        let from = next?;
        let until = Some(from + WINDOW).filter(|until| *until < now);
        next = until;
        Some(Window { from, until })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn windows_leave_no_gap_and_the_last_is_open() {
        let now = DateTime::from_timestamp(1_800_000_000, 0).unwrap();
        for minutes in [0, 1, 15, 359, 360, 361, 1_440, 10_080] {
            let from = now - TimeDelta::minutes(minutes);
            let all: Vec<Window> = windows(from, now).collect();
            assert_eq!(all[0].from, from);
            assert!(all.windows(2).all(|pair| pair[0].until == Some(pair[1].from)));
            assert!(all.last().unwrap().until.is_none(), "{minutes}");
            assert!(i64::try_from(all.len()).unwrap() <= minutes / 360 + 1, "{minutes}");
        }
    }
}
