//! The one crossing from async to the store: pool wait and statements happen on a blocking thread, never here.

use crate::error::{ApiError, ApiResult};
use actix_web::web;
use nmc_core::{Result, Store};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

/// Requests that may wait for the database at once; the next one is asked to come back.
const IN_FLIGHT: usize = 256;

/// Of those, how many may be checking passwords: few, since each has a thread for as long.
const COMING_IN: usize = 16;

/// Requests that may wait for the provider of numbers at once. It answers when it likes.
const AT_THE_COUNTER: usize = 16;

/// Threads that work waits on, for each thread that answers. Those at the counter have theirs on top, so that a provider that
/// has fallen silent takes none from anybody else.
pub(crate) const THREADS: usize = 32 + AT_THE_COUNTER;

/// How long those may have whom the provider of numbers keeps waiting: some requests ask it several times.
const PATIENCE_AT_THE_COUNTER: Duration = Duration::from_secs(60);

/// The store, and how many requests are at it.
#[derive(Clone)]
pub(crate) struct Door {
    store: Store,
    inside: Arc<AtomicUsize>,
    places: usize,
    /// How long a request waits for its work.
    patience: Duration,
}

impl Door {
    pub(crate) fn new(store: Store, patience: Duration) -> Self {
        Self { store, inside: Arc::default(), places: IN_FLIGHT, patience }
    }

    /// The smaller door beside it, for those who come in.
    pub(crate) fn entrance(&self) -> Self {
        Self { inside: Arc::default(), places: COMING_IN, ..self.clone() }
    }

    fn enter(&self) -> ApiResult<Place> {
        Place::take(&self.inside, self.places).ok_or(ApiError::Overloaded)
    }

    /// One for those who wait for the provider of numbers.
    pub(crate) fn counter(&self) -> Self {
        Self { inside: Arc::default(), places: AT_THE_COUNTER, patience: PATIENCE_AT_THE_COUNTER, ..self.clone() }
    }

    /// Runs `work` on a blocking thread. If it is not done in time the answer is a 503, whatever holds the thread up.
    pub(crate) async fn blocking<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Store) -> Result<T> + Send + 'static,
    ) -> ApiResult<T> {
        let place = self.enter()?;
        let store = self.store.clone();
        // The place goes with the work: a client that hangs up does not free it before the work is done.
        let done = web::block(move || {
            let result = work(&store);
            drop(place);
            result
        });
        match actix_web::rt::time::timeout(self.patience, done).await {
            Ok(Ok(result)) => Ok(result?),
            Ok(Err(_)) | Err(_) => Err(ApiError::Overloaded),
        }
    }
}

/// A place behind a door; free again when dropped.
struct Place(Arc<AtomicUsize>);

impl Place {
    fn take(inside: &Arc<AtomicUsize>, places: usize) -> Option<Self> {
        let place = Self(Arc::clone(inside));
        (place.0.fetch_add(1, Ordering::AcqRel) < places).then_some(place)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::AcqRel);
    }
}
