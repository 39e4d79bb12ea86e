//! How workers are asked to stop, wherever they wait.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Condvar, Mutex, PoisonError};
use std::time::Duration;

/// A wish to stop, and a bell that wakes whoever waits.
#[derive(Default)]
pub(crate) struct Stop {
    asked: AtomicBool,
    lock: Mutex<()>,
    bell: Condvar,
}

impl Stop {
    pub(crate) fn ask(&self) {
        let guard = self.lock.lock().unwrap_or_else(PoisonError::into_inner);
        self.asked.store(true, Ordering::SeqCst);
        self.bell.notify_all();
        drop(guard);
    }

    pub(crate) fn is_asked(&self) -> bool {
        self.asked.load(Ordering::SeqCst)
    }

    /// Waits so long, or until it is asked.
    pub(crate) fn wait(&self, pause: Duration) {
        let guard = self.lock.lock().unwrap_or_else(PoisonError::into_inner);
        if !self.is_asked() {
            drop(self.bell.wait_timeout(guard, pause).unwrap_or_else(PoisonError::into_inner));
        }
    }
}
