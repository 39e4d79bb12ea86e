//! What businesses share, so that none takes all of it: places for large bodies, and turns at work that needs much memory.

use crate::error::{ApiError, ApiResult};
use nmc_core::{TenantId, TenantTx};
use std::collections::{HashMap, VecDeque};
use std::hash::Hash;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::oneshot;
use uuid::Uuid;

/// The user or API key from whose share of places a request takes.
pub(crate) fn caller(tx: &TenantTx<'_>) -> Uuid {
    let user = tx.actor().user().map(|id| id.uuid());
    user.or_else(|| tx.actor().api_key().map(|id| id.uuid())).unwrap_or_default()
}

/// Places of which one business, and one of its people or API keys, has no more than a share; or other groups and their members.
pub(crate) struct Places<T = TenantId, C = Uuid>(Arc<Taken<T, C>>);

struct Taken<T, C> {
    of_all: usize,
    of_tenant: usize,
    of_caller: usize,
    by: Mutex<HashMap<T, HashMap<C, usize>>>,
}

impl<T: Copy + Eq + Hash, C: Copy + Eq + Hash> Places<T, C> {
    pub(crate) fn new(of_all: usize, of_tenant: usize, of_caller: usize) -> Self {
        Self(Arc::new(Taken { of_all, of_tenant, of_caller, by: Mutex::default() }))
    }

    /// A place, to be held for as long as what it stands for is there.
    ///
    /// # Errors
    /// [`ApiError::TooMany`] when the caller or their business has its share, [`ApiError::Overloaded`] when all are taken.
    pub(crate) fn take(&self, tenant: T, caller: C) -> ApiResult<Place<T, C>> {
        let mut by = self.0.by();
        let callers = by.get(&tenant);
        let of_tenant: usize = callers.map_or(0, |callers| callers.values().sum());
        let of_caller = callers.and_then(|callers| callers.get(&caller)).copied().unwrap_or(0);
        if of_caller >= self.0.of_caller || of_tenant >= self.0.of_tenant {
            return Err(ApiError::TooMany(2));
        }
        if by.values().flat_map(HashMap::values).sum::<usize>() >= self.0.of_all {
            return Err(ApiError::Overloaded);
        }
        *by.entry(tenant).or_default().entry(caller).or_default() += 1;
        Ok(Place { places: Self(Arc::clone(&self.0)), tenant, caller })
    }
}

impl<T, C> Taken<T, C> {
    fn by(&self) -> MutexGuard<'_, HashMap<T, HashMap<C, usize>>> {
        self.by.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A place; free again when dropped.
pub(crate) struct Place<T: Copy + Eq + Hash = TenantId, C: Copy + Eq + Hash = Uuid> {
    places: Places<T, C>,
    tenant: T,
    caller: C,
}

impl<T: Copy + Eq + Hash, C: Copy + Eq + Hash> Drop for Place<T, C> {
    fn drop(&mut self) {
        let mut by = self.places.0.by();
        let Some(callers) = by.get_mut(&self.tenant) else { return };
        if let Some(count) = callers.get_mut(&self.caller) {
            *count = count.saturating_sub(1);
        }
        callers.retain(|_, count| *count > 0);
        by.retain(|_, callers| !callers.is_empty());
    }
}

/// Turns, of which each business has one at a time. Who finds none waits a while.
#[derive(Clone)]
pub(crate) struct Turns(Arc<Queue>);

struct Queue {
    at_once: usize,
    patience: Duration,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    running: Vec<TenantId>,
    waiting: VecDeque<(TenantId, oneshot::Sender<Turn>)>,
}

impl Turns {
    pub(crate) fn new(at_once: usize, patience: Duration) -> Self {
        Self(Arc::new(Queue { at_once, patience, state: Mutex::default() }))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits for a turn of this business, first come, first served. How many wait is bounded by whoever calls.
    ///
    /// # Errors
    /// [`ApiError::Overloaded`] when none came in time.
    pub(crate) async fn take(&self, tenant: TenantId) -> ApiResult<Turn> {
        let (sender, receiver) = oneshot::channel();
        self.state().waiting.push_back((tenant, sender));
        self.pass_on();
        match tokio::time::timeout(self.0.patience, receiver).await {
            Ok(Ok(turn)) => Ok(turn),
            _ => Err(ApiError::Overloaded),
        }
    }

    /// Gives what turns there are to those who wait.
    fn pass_on(&self) {
        loop {
            let mut state = self.state();
            let State { running, waiting } = &mut *state;
            waiting.retain(|(_, sender)| !sender.is_closed());
            let next = waiting.iter().position(|(tenant, _)| !running.contains(tenant));
            let Some((tenant, sender)) = next.filter(|_| running.len() < self.0.at_once).and_then(|at| waiting.remove(at)) else {
                return;
            };
            running.push(tenant);
            // Whoever has stopped waiting drops the turn, which passes it on: that needs the state.
            drop(state);
            drop(sender.send(Turn { turns: self.clone(), tenant }));
        }
    }
}

/// A turn; over when dropped.
pub(crate) struct Turn {
    turns: Turns,
    tenant: TenantId,
}

impl Drop for Turn {
    fn drop(&mut self) {
        let mut state = self.turns.state();
        if let Some(at) = state.running.iter().position(|tenant| *tenant == self.tenant) {
            state.running.swap_remove(at);
        }
        drop(state);
        self.turns.pass_on();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tenants() -> [TenantId; 3] {
        [1, 2, 3].map(|n| Uuid::from_u128(n).to_string().parse().unwrap())
    }

    #[test]
    fn nobody_takes_more_places_than_their_share() {
        let places = Places::new(5, 3, 2);
        let [a, b, c] = tenants();
        let [ann, bob, cy] = [11, 12, 13].map(Uuid::from_u128);
        let held = [places.take(a, ann).unwrap(), places.take(a, ann).unwrap()];
        assert!(matches!(places.take(a, ann), Err(ApiError::TooMany(_))), "the share of a person");
        let third = places.take(a, bob).unwrap();
        assert!(matches!(places.take(a, cy), Err(ApiError::TooMany(_))), "the share of a business");
        let _others = [places.take(b, ann).unwrap(), places.take(c, ann).unwrap()];
        assert!(matches!(places.take(b, bob), Err(ApiError::Overloaded)), "all");
        drop((held, third));
        assert!(places.take(a, ann).is_ok());
    }

    #[tokio::test]
    async fn a_business_has_one_turn_and_others_go_past_it() {
        let turns = Turns::new(2, Duration::from_millis(50));
        let [a, b, c] = tenants();
        let first = turns.take(a).await.unwrap();
        assert!(turns.take(a).await.is_err(), "one at a time");
        let second = turns.take(b).await.unwrap();
        assert!(turns.take(c).await.is_err(), "two in all");
        let patient = Turns(Arc::clone(&turns.0));
        let mut waits = std::pin::pin!(patient.take(a));
        assert!(std::future::poll_fn(|cx| std::task::Poll::Ready(waits.as_mut().poll(cx).is_pending())).await);
        let third = {
            drop(second);
            turns.take(c).await.unwrap()
        };
        drop(first);
        let again = waits.await.unwrap();
        assert!(turns.take(b).await.is_err());
        drop((third, again));
        assert!(turns.take(b).await.is_ok());
    }
}
