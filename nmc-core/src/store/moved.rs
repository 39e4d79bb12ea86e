//! Who is woken when transactions of this process have added to a stream.

use crate::TenantId;
use std::collections::HashSet;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, Weak};
use std::time::{Duration, Instant};

/// The bells to ring. Clones of a store share them.
#[derive(Clone, Default)]
pub(crate) struct Moved(Arc<Mutex<Vec<Weak<Bell>>>>);

/// Wakes the one thread that waits for it, and says which streams have grown.
#[derive(Default)]
pub(crate) struct Bell {
    rung: Mutex<Rung>,
    condition: Condvar,
}

#[derive(Default)]
struct Rung {
    is_rung: bool,
    tenants: HashSet<TenantId>,
}

impl Moved {
    /// A bell that rings from now on, until it is dropped.
    pub(crate) fn bell(&self) -> Arc<Bell> {
        let bell = Arc::default();
        let mut bells = self.bells();
        bells.retain(|bell| bell.strong_count() > 0);
        bells.push(Arc::downgrade(&bell));
        bell
    }

    /// Tells of streams that have grown.
    pub(super) fn tell(&self, tenants: &[TenantId]) {
        if tenants.is_empty() {
            return;
        }
        for bell in self.bells().iter().filter_map(Weak::upgrade) {
            bell.ring(tenants);
        }
    }

    fn bells(&self) -> MutexGuard<'_, Vec<Weak<Bell>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Bell {
    /// Wakes who waits.
    pub(crate) fn ring(&self, tenants: &[TenantId]) {
        let mut rung = self.rung();
        rung.is_rung = true;
        rung.tenants.extend(tenants);
        self.condition.notify_all();
        drop(rung);
    }

    /// Waits until it is rung or `until` has come, and takes the tenants that were told.
    pub(crate) fn wait(&self, until: Instant) -> HashSet<TenantId> {
        let mut rung = self.rung();
        while !rung.is_rung {
            let left = until.saturating_duration_since(Instant::now());
            if left == Duration::ZERO {
                break;
            }
            rung = self.condition.wait_timeout(rung, left).unwrap_or_else(PoisonError::into_inner).0;
        }
        rung.is_rung = false;
        std::mem::take(&mut rung.tenants)
    }

    fn rung(&self) -> MutexGuard<'_, Rung> {
        self.rung.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
