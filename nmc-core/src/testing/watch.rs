use super::TestDb;
use super::fake_sms::LONGEST_HOLD;
use std::sync::{Condvar, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Waits until something holds, looking every few milliseconds.
///
/// # Panics
/// When it does not within half a minute.
pub fn wait_until(what: &str, mut holds: impl FnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(30);
    while !holds() {
        assert!(Instant::now() < deadline, "waited in vain until {what}");
        std::thread::sleep(Duration::from_millis(2));
    }
}

/// A value that runs its function when it is dropped, also when a test has failed: stops a worker whose thread would be waited
/// for without end.
#[derive(Debug)]
pub struct Finally<F: FnMut()>(F);

/// A [`Finally`] that does `then` when it is dropped.
#[must_use]
pub const fn finally<F: FnMut()>(then: F) -> Finally<F> {
    Finally(then)
}

impl<F: FnMut()> Drop for Finally<F> {
    fn drop(&mut self) {
        (self.0)();
    }
}

/// A gate that blocks a thread of a test until another one opens it, or fails: then it opens by itself.
#[derive(Debug, Default)]
pub struct Gate {
    open: Mutex<bool>,
    moved: Condvar,
}

impl Gate {
    /// Lets everybody through the gate.
    pub fn open(&self) {
        *self.open.lock().unwrap_or_else(PoisonError::into_inner) = true;
        self.moved.notify_all();
    }

    /// Waits until the gate is open, twenty seconds at the most.
    pub fn wait(&self) {
        let open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        drop(self.moved.wait_timeout_while(open, LONGEST_HOLD, |open| !*open));
    }
}

/// Every order of these items.
#[must_use]
pub fn orders<T: Copy>(items: &[T]) -> Vec<Vec<T>> {
    let Some((last, rest)) = items.split_last() else { return vec![Vec::new()] };
    let with_last = |order: Vec<T>| {
        (0..items.len()).map(move |at| {
            let (before, after) = order.split_at(at);
            [before, &[*last], after].concat()
        })
    };
    orders(rest).into_iter().flat_map(with_last).collect()
}

impl TestDb {
    /// Waits until this many sessions of this database wait for a person's lock.
    ///
    /// # Panics
    /// As [`wait_until`].
    pub fn wait_for_waiting_sessions(&self, sessions: i64) {
        self.wait_for_persons_locks(false, sessions);
    }

    /// Waits until this many persons' locks are held. The server finds out that a client is gone a moment after it died.
    ///
    /// # Panics
    /// As [`wait_until`].
    pub fn wait_for_held_locks(&self, locks: i64) {
        self.wait_for_persons_locks(true, locks);
    }

    fn wait_for_persons_locks(&self, granted: bool, count: i64) {
        let mut conn = self.superuser();
        let locks = format!(
            "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND granted = {granted}
             AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"
        );
        let what = if granted { "are held" } else { "are waited for" };
        wait_until(&format!("{count} persons' locks {what}"), || super::query::<i64>(&mut conn, &locks) == [count]);
    }
}
