//! The way of texts through a running worker: one thread claims, many send, one notes what came of it. Bounded everywhere by the
//! number of senders: nothing is claimed that nobody is free to send.

use super::message_queue::ClaimedMessage;
use super::sending::Came;
use crate::store::Tenant;
use std::collections::VecDeque;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// A claimed text on its way to a sender.
pub(super) struct Task {
    pub(super) tenant: Tenant,
    pub(super) text: ClaimedMessage,
    /// The instant at which the claim was begun.
    pub(super) claimed: Instant,
}

/// A text, and what came of it.
pub(super) struct Finished {
    pub(super) tenant: Tenant,
    pub(super) text: ClaimedMessage,
    pub(super) came: Came,
}

#[derive(Default)]
struct State {
    tasks: VecDeque<Task>,
    sending: usize,
    finished: VecDeque<Finished>,
    /// Finished ones that are being noted right now.
    noting: usize,
    closed: bool,
}

/// The state that the three kinds of thread share.
pub(super) struct Pipeline {
    senders: usize,
    state: Mutex<State>,
    moved: Condvar,
}

impl Pipeline {
    pub(super) fn new(senders: usize) -> Self {
        Self { senders, state: Mutex::default(), moved: Condvar::new() }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn room(&self, state: &State) -> usize {
        // What is sent and not noted yet takes room, too: a database that is away must not let it pile up.
        let noting = (state.finished.len() + state.noting).saturating_sub(self.senders);
        self.senders.saturating_sub(state.tasks.len() + state.sending + noting)
    }

    /// Waits for free senders, `patience` at the most; a few at once are worth a short wait. How many there are.
    pub(super) fn wait_for_room(&self, patience: Duration) -> usize {
        let wanted = (self.senders / 4).max(1);
        let waited = self.moved.wait_timeout_while(self.state(), patience, |state| self.room(state) < wanted);
        let (state, _) = waited.unwrap_or_else(PoisonError::into_inner);
        self.room(&state)
    }

    /// Waits until nothing is on its way, a moment at the most. Room for one text, then, or for none.
    pub(super) fn wait_for_one(&self) -> usize {
        let is_busy = |state: &mut State| state.tasks.len() + state.sending + state.finished.len() + state.noting > 0;
        let waited = self.moved.wait_timeout_while(self.state(), Duration::from_millis(100), is_busy);
        let (mut state, _) = waited.unwrap_or_else(PoisonError::into_inner);
        usize::from(!is_busy(&mut state))
    }

    /// Hands texts to the senders.
    pub(super) fn add(&self, tasks: impl IntoIterator<Item = Task>) {
        self.state().tasks.extend(tasks);
        self.moved.notify_all();
    }

    /// Closes the pipeline: no more texts come. What nobody has begun is returned.
    pub(super) fn close(&self) -> Vec<Task> {
        let mut state = self.state();
        state.closed = true;
        let rest = state.tasks.drain(..).collect();
        drop(state);
        self.moved.notify_all();
        rest
    }

    /// The next text to send; `None` when no more come.
    pub(super) fn next_task(&self) -> Option<Task> {
        let waited = self.moved.wait_while(self.state(), |state| state.tasks.is_empty() && !state.closed);
        let mut state = waited.unwrap_or_else(PoisonError::into_inner);
        let task = state.tasks.pop_front()?;
        state.sending += 1;
        Some(task)
    }

    /// A text has been tried.
    pub(super) fn finish(&self, finished: Finished) {
        let mut state = self.state();
        state.sending -= 1;
        state.finished.push_back(finished);
        drop(state);
        self.moved.notify_all();
    }

    /// The texts that have been tried since the last time, at least one; `None` when nothing more comes.
    pub(super) fn take_finished(&self) -> Option<Vec<Finished>> {
        let is_waiting = |state: &mut State| state.finished.is_empty() && !(state.closed && state.sending == 0);
        let waited = self.moved.wait_while(self.state(), is_waiting);
        let mut state = waited.unwrap_or_else(PoisonError::into_inner);
        if state.finished.is_empty() {
            return None;
        }
        let finished: Vec<Finished> = state.finished.drain(..).collect();
        state.noting = finished.len();
        Some(finished)
    }

    /// Says that what was taken has been noted.
    pub(super) fn noted(&self) {
        self.state().noting = 0;
        self.moved.notify_all();
    }
}
