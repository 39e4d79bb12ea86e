//! The slow-statement log, the statement count, the watch over each statement, and what it lost against, through Diesel's instrumentation.

use super::watch::Timer;
use crate::error::Loss;
use diesel::connection::{Instrumentation, InstrumentationEvent};
use std::cell::Cell;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

thread_local! {
    static STATEMENTS: Cell<u64> = const { Cell::new(0) };
    static PREPARED: Cell<u64> = const { Cell::new(0) };
}

#[cfg(feature = "testing")]
pub(crate) fn sent() -> u64 {
    STATEMENTS.get()
}

/// Where a thread dies in a test: before so many statements more.
#[cfg(feature = "testing")]
pub(crate) mod death {
    use std::cell::Cell;

    /// What the thread unwinds with.
    #[derive(Debug)]
    pub(crate) struct Died;

    thread_local! {
        static LEFT: Cell<Option<u64>> = const { Cell::new(None) };
    }

    pub(crate) fn before(statement: Option<u64>) {
        LEFT.set(statement);
    }

    pub(super) fn comes() {
        match LEFT.get() {
            Some(0) => {
                LEFT.set(None);
                std::panic::resume_unwind(Box::new(Died));
            }
            Some(left) => LEFT.set(Some(left.saturating_sub(1))),
            None => {}
        }
    }
}

#[cfg(feature = "testing")]
pub(crate) fn prepared() -> u64 {
    PREPARED.get()
}

pub(crate) struct SlowStatements {
    limit: Duration,
    since: Option<Instant>,
    timer: Timer,
    losses: Losses,
    kept: Kept,
}

/// How many statements a connection keeps prepared.
#[derive(Debug, Clone, Default)]
pub(super) struct Kept(Arc<AtomicUsize>);

impl Kept {
    pub(super) fn count(&self) -> usize {
        self.0.load(Ordering::Relaxed)
    }
}

/// The losses of a connection's statements, which the store can mend by running the transaction again. It is noted here because
/// the error itself goes to a closure, which may turn it into one of the caller's own.
#[derive(Debug, Clone, Default)]
pub(super) struct Losses(Arc<Mutex<Option<Loss>>>);

impl Losses {
    /// The last one, which is forgotten.
    pub(super) fn take(&self) -> Option<Loss> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    fn note(&self, loss: Loss) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(loss);
    }
}

impl SlowStatements {
    pub(super) const fn new(limit: Duration, timer: Timer, losses: Losses, kept: Kept) -> Self {
        Self { limit, since: None, timer, losses, kept }
    }
}

impl Instrumentation for SlowStatements {
    fn on_connection_event(&mut self, event: InstrumentationEvent<'_>) {
        match event {
            InstrumentationEvent::StartQuery { .. } => {
                #[cfg(feature = "testing")]
                death::comes();
                STATEMENTS.set(STATEMENTS.get().saturating_add(1));
                self.since = Some(Instant::now());
                self.timer.start();
            }
            InstrumentationEvent::CacheQuery { .. } => {
                PREPARED.set(PREPARED.get().saturating_add(1));
                self.kept.0.fetch_add(1, Ordering::Relaxed);
            }
            InstrumentationEvent::FinishQuery { query, error, .. } => {
                self.timer.stop();
                if let Some(loss) = error.and_then(Loss::of) {
                    self.losses.note(loss);
                }
                let Some(took) = self.since.take().map(|since| since.elapsed()) else { return };
                if took >= self.limit {
                    let text = query.to_string();
                    let took_ms = u64::try_from(took.as_millis()).unwrap_or(u64::MAX);
                    tracing::warn!(took_ms, statement = without_values(&text), "slow statement");
                }
            }
            _ => {}
        }
    }
}

/// Diesel appends the bound values, which are people's numbers and words; and no log line is endless.
fn without_values(text: &str) -> &str {
    let text = text.split(" -- binds:").next().unwrap_or_default();
    let end = text.char_indices().nth(500).map_or(text.len(), |(at, _)| at);
    text.get(..end).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::without_values;

    #[test]
    fn bound_values_never_reach_the_log() {
        let logged = without_values("SELECT 1 WHERE phone = $1 -- binds: [\"+14155550123\"]");
        assert_eq!(logged, "SELECT 1 WHERE phone = $1");
        assert_eq!(without_values(&"é".repeat(2000)).chars().count(), 500);
    }
}
