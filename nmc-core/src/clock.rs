//! Where time and ids come from. A transaction reads the clock once, when it begins.

use chrono::{DateTime, SubsecRound, TimeDelta, Utc};
use std::cell::Cell;
use uuid::{ContextV7, Timestamp, Uuid};

/// A source of instants.
pub trait Clock: Send + Sync {
    /// The instant that is now.
    fn now(&self) -> DateTime<Utc>;
}

/// The machine's clock.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "this is the one place that reads the machine's clock")]
    fn now(&self) -> DateTime<Utc> {
        Utc::now()
    }
}

/// An instant that a call is told: a fixed one, or one that goes by the transaction's own clock. A call such as
/// `tx.measurements().record(metric, value, When::Now)` has borrowed the transaction, so that `tx.now()` can't be asked there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum When {
    /// The transaction's own instant: [`crate::TenantTx::now`].
    Now,
    /// The given instant.
    At(DateTime<Utc>),
    /// The instant so long after the transaction's now.
    In(TimeDelta),
    /// The instant so long before the transaction's now.
    Ago(TimeDelta),
}

impl From<DateTime<Utc>> for When {
    fn from(at: DateTime<Utc>) -> Self {
        Self::At(at)
    }
}

impl When {
    /// The instant for a transaction whose now this is. What lies beyond the calendar becomes its first or its last instant.
    pub(crate) fn seen_from(self, now: DateTime<Utc>) -> DateTime<Utc> {
        let (moved, is_ahead) = match self {
            Self::Now => return now,
            Self::At(at) => return at,
            Self::In(ahead) => (now.checked_add_signed(ahead), ahead > TimeDelta::zero()),
            Self::Ago(back) => (now.checked_sub_signed(back), back < TimeDelta::zero()),
        };
        moved.unwrap_or(if is_ahead { DateTime::<Utc>::MAX_UTC } else { DateTime::<Utc>::MIN_UTC })
    }
}

/// The instant that one transaction takes for now, in PostgreSQL's resolution (microseconds), and the ids that belong to it.
#[derive(Debug)]
pub(crate) struct Moment(Cell<DateTime<Utc>>);

impl Moment {
    pub(crate) fn of(clock: &dyn Clock) -> Self {
        Self(Cell::new(clock.now().trunc_subsecs(6)))
    }

    pub(crate) const fn now(&self) -> DateTime<Utc> {
        self.0.get()
    }

    /// Moves on, if need be, to just after `change`. A transaction that waited for a row began before the change it waited
    /// for: what it writes from then on must still come after it, in the row's times and in its log.
    pub(crate) fn come_after(&self, change: DateTime<Utc>) {
        self.0.set(self.0.get().max(change + TimeDelta::microseconds(1)));
    }

    /// A UUIDv7: new rows land at the right edge of their index.
    pub(crate) fn id(&self) -> Uuid {
        thread_local! {
            static ORDER: ContextV7 = const { ContextV7::new() };
        }
        let now = self.0.get();
        let seconds = u64::try_from(now.timestamp()).unwrap_or(0);
        ORDER.with(|order| Uuid::new_v7(Timestamp::from_unix(order, seconds, now.timestamp_subsec_nanos())))
    }
}
