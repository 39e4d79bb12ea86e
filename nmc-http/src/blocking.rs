//! The one crossing from async to the store: pool wait and statements happen on a blocking thread, never here.

use crate::error::{ApiError, ApiResult};
use actix_web::web;
use nmc_core::{Result, Store};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Requests that may wait for the database at once; the next one is asked to come back.
const IN_FLIGHT: usize = 256;

/// Of those, how many may be checking passwords: few, since each has a thread for as long.
const COMING_IN: usize = 16;

/// Large bodies that may be on their way at once.
const UPLOADS: usize = 16;

/// Requests that may wait for the provider of numbers at once. It answers when it likes.
const AT_THE_COUNTER: usize = 16;

/// Threads that work waits on, for each thread that answers. Those at the counter have theirs on top, so that a provider that
/// has fallen silent takes none from anybody else.
pub(crate) const THREADS: usize = 32 + AT_THE_COUNTER;

/// Pictures worked on at once: each may take some hundred megabytes.
const PICTURES: usize = 2;

/// The store, and how many requests are at it.
#[derive(Clone)]
pub(crate) struct Door {
    store: Store,
    inside: Arc<AtomicUsize>,
    places: usize,
}

impl Door {
    pub(crate) fn new(store: Store) -> Self {
        Self { store, inside: Arc::default(), places: IN_FLIGHT }
    }

    /// The smaller door beside it, for those who come in.
    pub(crate) fn entrance(&self) -> Self {
        Self { store: self.store.clone(), inside: Arc::default(), places: COMING_IN }
    }

    /// One for large bodies.
    pub(crate) fn uploading(&self) -> Self {
        Self { store: self.store.clone(), inside: Arc::default(), places: UPLOADS }
    }

    /// A place, to be held for as long as what it stands for is there.
    pub(crate) fn enter(&self) -> ApiResult<Place> {
        Place::take(&self.inside, self.places).ok_or(ApiError::Overloaded)
    }

    /// The smallest, for pictures.
    pub(crate) fn studio(&self) -> Self {
        Self { store: self.store.clone(), inside: Arc::default(), places: PICTURES }
    }

    /// One for those who wait for the provider of numbers.
    pub(crate) fn counter(&self) -> Self {
        Self { store: self.store.clone(), inside: Arc::default(), places: AT_THE_COUNTER }
    }

    /// Runs `work` on a blocking thread.
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
        match done.await {
            Ok(result) => Ok(result?),
            Err(_canceled) => Err(ApiError::Overloaded),
        }
    }
}

/// A place behind a door; free again when dropped.
pub(crate) struct Place(Arc<AtomicUsize>);

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
