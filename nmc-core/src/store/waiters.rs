//! Who waits for what, in this process: a bound on the threads that one person can tie up.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Counts waiting threads by key.
#[derive(Clone, Default)]
pub(crate) struct Waiters(Arc<Mutex<HashMap<i64, usize>>>);

/// A place among those who wait; free again when dropped.
pub(crate) struct WaitingPlace {
    waiters: Waiters,
    key: i64,
}

impl Waiters {
    /// A place for one more who waits for `key`, if there are fewer than `most`.
    pub(crate) fn enter(&self, key: i64, most: usize) -> Option<WaitingPlace> {
        let mut counts = self.counts();
        let count = counts.entry(key).or_default();
        if *count >= most {
            return None;
        }
        *count += 1;
        drop(counts);
        Some(WaitingPlace { waiters: self.clone(), key })
    }

    fn counts(&self) -> MutexGuard<'_, HashMap<i64, usize>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for WaitingPlace {
    fn drop(&mut self) {
        let mut counts = self.waiters.counts();
        if let Some(count) = counts.get_mut(&self.key) {
            *count -= 1;
            if *count == 0 {
                counts.remove(&self.key);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Waiters;

    #[test]
    fn places_are_few_and_come_back() {
        let waiters = Waiters::default();
        let places: Vec<_> = (0..2).map(|_| waiters.enter(1, 2)).collect();
        assert!(places.iter().all(Option::is_some));
        assert!(waiters.enter(1, 2).is_none() && waiters.enter(2, 2).is_some());
        drop(places);
        assert!(waiters.enter(1, 2).is_some());
        assert!(waiters.counts().is_empty(), "nothing is kept of who has gone");
    }
}
