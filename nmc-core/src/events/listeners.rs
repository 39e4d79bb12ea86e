//! Who listens to which stream, and how far each has been told.

use super::stream::{Head, Row};
use super::{StreamCursor, StreamEvent};
use crate::TenantId;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// A message to a listener of a stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Delivery {
    /// An event that has happened. No event comes twice, none is left out, and they come in order.
    Event(StreamEvent),
    /// A reset, as what happened since the cursor can't be told: all that was read is to be read again. Events go on after this
    /// cursor.
    Reset(StreamCursor),
}

impl Delivery {
    /// The cursor from which whoever has been told this goes on.
    #[must_use]
    pub const fn cursor(&self) -> StreamCursor {
        match self {
            Self::Event(event) => event.cursor,
            Self::Reset(cursor) => *cursor,
        }
    }
}

/// The function that takes what a listener is told. It is called by the hub's thread while all others wait, so it must not block,
/// and must not call the hub. `false`: no more is wanted, or there is no room for it; the listener is dropped and may come back
/// with its cursor.
pub type Sink = Box<dyn Fn(Delivery) -> bool + Send>;

struct Listener {
    id: u64,
    /// All up to here was told.
    after: StreamCursor,
    sink: Sink,
}

/// The listeners of every stream.
#[derive(Default)]
pub(super) struct Listeners(Mutex<State>);

#[derive(Default)]
struct State {
    of: HashMap<TenantId, Vec<Listener>>,
    last_id: u64,
}

/// A listener's place with the hub, which ends when this is dropped.
#[must_use = "it listens until this is dropped"]
pub struct Listening {
    listeners: Arc<Listeners>,
    tenant: TenantId,
    id: u64,
}

/// The part of one stream that is to be read.
#[derive(Debug, Clone, Copy)]
pub(super) struct Wanted {
    pub(super) tenant: TenantId,
    /// The number after which events are to be read.
    pub(super) after: i64,
    /// For the listeners that were there when this was written, which are those with no higher id.
    last_id: u64,
}

impl Listeners {
    pub(super) fn add(self: &Arc<Self>, tenant: TenantId, after: StreamCursor, sink: Sink) -> Listening {
        let mut state = self.state();
        state.last_id += 1;
        let id = state.last_id;
        state.of.entry(tenant).or_default().push(Listener { id, after, sink });
        Listening { listeners: Arc::clone(self), tenant, id }
    }

    /// The tenants that somebody listens to.
    pub(super) fn tenants(&self) -> Vec<TenantId> {
        self.state().of.keys().copied().collect()
    }

    /// Whether somebody has not been told all up to here.
    pub(super) fn is_behind(&self, tenant: TenantId, head: StreamCursor) -> bool {
        self.state().of.get(&tenant).is_some_and(|all| all.iter().any(|listener| listener.after != head))
    }

    /// The parts that are to be read of these streams, of which some may have nobody who listens any more.
    pub(super) fn wanted(&self, tenants: impl IntoIterator<Item = TenantId>) -> Vec<Wanted> {
        let state = self.state();
        let wanted = |tenant| {
            let after = state.of.get(&tenant)?.iter().map(|listener| listener.after.seq).min()?;
            Some(Wanted { tenant, after, last_id: state.last_id })
        };
        tenants.into_iter().filter_map(wanted).collect()
    }

    /// Tells the listeners of a stream what was read of it: the head, and then the rows that follow the number wanted, all of them
    /// unless `is_cut`.
    pub(super) fn tell(&self, wanted: Wanted, head: Option<Head>, rows: &[Row], is_cut: bool) {
        let mut state = self.state();
        let Some(listeners) = state.of.get_mut(&wanted.tenant) else { return };
        let now = head.map_or(StreamCursor::START, Head::cursor);
        listeners.retain_mut(|listener| listener.id > wanted.last_id || listener.hear(now, rows, is_cut));
        if listeners.is_empty() {
            state.of.remove(&wanted.tenant);
        }
    }

    fn remove(&self, tenant: TenantId, id: u64) {
        let mut state = self.state();
        if let Some(listeners) = state.of.get_mut(&tenant) {
            listeners.retain(|listener| listener.id != id);
            if listeners.is_empty() {
                state.of.remove(&tenant);
            }
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Listening {
    fn drop(&mut self) {
        self.listeners.remove(self.tenant, self.id);
    }
}

impl Listener {
    /// Whether the listener goes on listening.
    fn hear(&mut self, now: StreamCursor, rows: &[Row], is_cut: bool) -> bool {
        let rest = rows.get(rows.partition_point(|row| row.seq <= self.after.seq)..).unwrap_or_default();
        // The head was read before the rows: they may go beyond it.
        let last = rows.last().map_or(now.seq, |row| row.seq.max(now.seq));
        let is_next = match rest.first() {
            Some(first) => first.seq == self.after.seq + 1,
            None => is_cut || self.after.seq == last,
        };
        let is_of_epoch = self.after.epoch == now.epoch || self.after == StreamCursor::START;
        if !is_next || !is_of_epoch || self.after.seq > last {
            return self.tell(Delivery::Reset(now));
        }
        rest.iter().all(|row| self.tell(Delivery::Event(row.event(now.epoch))))
    }

    fn tell(&mut self, delivery: Delivery) -> bool {
        self.after = delivery.cursor();
        (self.sink)(delivery)
    }
}
