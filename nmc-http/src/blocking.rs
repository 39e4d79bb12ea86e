//! The bounded pools in which blocking work runs: the one crossing from async to the store. Waiting for a connection and
//! statements happen on a blocking thread, never here.

use crate::error::{ApiError, ApiResult};
use actix_web::web;
use nmc_core::{Result, Store};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

/// Requests that may wait for the database at once; the next one is asked to come back.
const IN_FLIGHT: usize = 256;

/// Requests that may be checking passwords at once: few, since each has a thread for as long.
const LOGINS: usize = 16;

/// Requests that may wait for the provider of numbers at once: it answers when it likes.
const PROVIDER_REQUESTS: usize = 16;

/// Threads that blocking work waits on, for each thread that answers. Requests to the provider have theirs on top, so that a
/// provider that has fallen silent takes none from anybody else.
pub(crate) const THREADS: usize = 32 + PROVIDER_REQUESTS;

/// How long a request may wait for the provider of numbers: some ask it several times.
const PROVIDER_PATIENCE: Duration = Duration::from_secs(60);

/// A bounded pool of blocking work on the store.
#[derive(Clone)]
pub(crate) struct BlockingPool {
    store: Store,
    in_flight: Arc<AtomicUsize>,
    limit: usize,
    /// How long a request waits for its work.
    patience: Duration,
}

impl BlockingPool {
    pub(crate) fn new(store: Store, patience: Duration) -> Self {
        Self { store, in_flight: Arc::default(), limit: IN_FLIGHT, patience }
    }

    /// A smaller pool beside it, in which passwords are checked.
    pub(crate) fn for_logins(&self) -> Self {
        Self { in_flight: Arc::default(), limit: LOGINS, ..self.clone() }
    }

    fn permit(&self) -> ApiResult<Permit> {
        Permit::take(&self.in_flight, self.limit).ok_or(ApiError::Overloaded)
    }

    /// A pool beside it, in which the provider of numbers is waited for.
    pub(crate) fn for_provider(&self) -> Self {
        Self { in_flight: Arc::default(), limit: PROVIDER_REQUESTS, patience: PROVIDER_PATIENCE, ..self.clone() }
    }

    /// Runs `work` on a blocking thread. If it is not done in time the answer is a 503, whatever holds the thread up.
    pub(crate) async fn blocking<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Store) -> Result<T> + Send + 'static,
    ) -> ApiResult<T> {
        let permit = self.permit()?;
        let store = self.store.clone();
        // The permit goes with the work: a client that hangs up does not free it before the work is done.
        let done = web::block(move || {
            let result = work(&store);
            drop(permit);
            result
        });
        match actix_web::rt::time::timeout(self.patience, done).await {
            Ok(Ok(result)) => Ok(result?),
            Ok(Err(_)) | Err(_) => Err(ApiError::Overloaded),
        }
    }
}

/// A permit of a pool; free again when dropped.
struct Permit(Arc<AtomicUsize>);

impl Permit {
    fn take(in_flight: &Arc<AtomicUsize>, limit: usize) -> Option<Self> {
        let permit = Self(Arc::clone(in_flight));
        (permit.0.fetch_add(1, Ordering::AcqRel) < limit).then_some(permit)
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::AcqRel);
    }
}
