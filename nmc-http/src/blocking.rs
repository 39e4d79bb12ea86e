//! The one crossing from async to the store: pool wait and statements happen on a blocking thread, never here.

use crate::error::{ApiError, ApiResult};
use actix_web::web;
use nmc_core::{Result, Store};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Requests that may wait for the database at once; the next one is asked to come back.
const IN_FLIGHT: usize = 256;

/// The store, and how many requests are at it.
#[derive(Clone)]
pub(crate) struct Door {
    store: Store,
    inside: Arc<AtomicUsize>,
}

impl Door {
    pub(crate) fn new(store: Store) -> Self {
        Self { store, inside: Arc::default() }
    }

    /// Runs `work` on a blocking thread.
    pub(crate) async fn blocking<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Store) -> Result<T> + Send + 'static,
    ) -> ApiResult<T> {
        let place = Place::take(&self.inside).ok_or(ApiError::Overloaded)?;
        let store = self.store.clone();
        // The place goes with the work: a client that hangs up does not free it before the work is done.
        let done = web::block(move || {
            let result = work(&store);
            drop(place);
            result
        });
        match done.await {
            Ok(result) => Ok(result?),
            Err(_canceled) => Err(ApiError::Overloaded),
        }
    }
}

struct Place(Arc<AtomicUsize>);

impl Place {
    fn take(inside: &Arc<AtomicUsize>) -> Option<Self> {
        let place = Self(Arc::clone(inside));
        (place.0.fetch_add(1, Ordering::AcqRel) < IN_FLIGHT).then_some(place)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::AcqRel);
    }
}
