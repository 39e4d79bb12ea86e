//! Keeping the log and the figures of streams.

use super::{NewConnectionMetric, NewWebsocketEvent};
use crate::store::{Store, Tenant};
use crate::{Error, Result, TenantId};
use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// Entries that wait to be written.
const WAITING: usize = 4_096;

/// Entries written at once, and how long the first of them waits for others.
const BATCH: usize = 500;
const GATHERED_FOR: Duration = Duration::from_secs(1);

enum Entry {
    Event(NewWebsocketEvent),
    Metric(NewConnectionMetric),
}

/// Writes what happens to streams, in batches, with one thread. Nobody waits for it: what finds no room, or no database, is left out, and
/// the process's own log tells how much. Dropping it writes what waits, unless the database is not to be had.
pub struct ConnectionLog {
    /// There until the end.
    sender: Option<SyncSender<(Tenant, Entry)>>,
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

/// What the log and its thread tell each other.
#[derive(Debug, Default)]
struct Shared {
    left_out: AtomicUsize,
    is_ending: AtomicBool,
}

impl ConnectionLog {
    /// Starts one over this store.
    ///
    /// # Errors
    /// [`Error::Unavailable`] when the system gives no thread.
    pub fn start(store: &Store) -> Result<Self> {
        let (sender, receiver) = sync_channel(WAITING);
        let shared = Arc::<Shared>::default();
        let writer = Writer { store: store.clone(), receiver, shared: Arc::clone(&shared) };
        let thread = std::thread::Builder::new().name("nmc connections".to_owned()).spawn(move || writer.run());
        let thread = thread.map_err(|error| Error::unavailable("connections can't be recorded now", error))?;
        Ok(Self { sender: Some(sender), shared, thread: Some(thread) })
    }

    /// Has an entry of the log written.
    pub fn event(&self, tenant: &Tenant, event: NewWebsocketEvent) {
        self.send(tenant, Entry::Event(event));
    }

    /// Has a figure written.
    pub fn metric(&self, tenant: &Tenant, metric: NewConnectionMetric) {
        self.send(tenant, Entry::Metric(metric));
    }

    fn send(&self, tenant: &Tenant, entry: Entry) {
        let is_sent = self.sender.as_ref().is_some_and(|sender| sender.try_send((*tenant, entry)).is_ok());
        if !is_sent {
            self.shared.left_out.fetch_add(1, Ordering::Relaxed);
        }
    }
}

impl Drop for ConnectionLog {
    fn drop(&mut self) {
        self.shared.is_ending.store(true, Ordering::SeqCst);
        drop(self.sender.take());
        if self.thread.take().is_some_and(|thread| thread.join().is_err()) {
            tracing::error!("the log of connections ended by a panic");
        }
    }
}

impl std::fmt::Debug for ConnectionLog {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ConnectionLog").field("shared", &self.shared).finish_non_exhaustive()
    }
}

struct Writer {
    store: Store,
    receiver: Receiver<(Tenant, Entry)>,
    shared: Arc<Shared>,
}

/// What is to be written of one business.
#[derive(Default)]
struct Batch {
    events: Vec<NewWebsocketEvent>,
    metrics: Vec<NewConnectionMetric>,
}

impl Batch {
    fn of(entry: Entry) -> Self {
        let mut batch = Self::default();
        batch.push(entry);
        batch
    }

    fn push(&mut self, entry: Entry) {
        match entry {
            Entry::Event(event) => self.events.push(event),
            Entry::Metric(metric) => self.metrics.push(metric),
        }
    }

    fn len(&self) -> usize {
        self.events.len().saturating_add(self.metrics.len())
    }

    fn split(self) -> impl Iterator<Item = Self> {
        let events = self.events.into_iter().map(Entry::Event);
        events.chain(self.metrics.into_iter().map(Entry::Metric)).map(Self::of)
    }
}

impl Writer {
    fn run(&self) {
        while let Ok((tenant, first)) = self.receiver.recv() {
            let until = Instant::now() + GATHERED_FOR;
            let mut batches = HashMap::from([(tenant.id(), (tenant, Batch::of(first)))]);
            for _ in 1..BATCH {
                let Ok((tenant, next)) = self.receiver.recv_timeout(until.saturating_duration_since(Instant::now())) else {
                    break;
                };
                batches.entry(tenant.id()).or_insert_with(|| (tenant, Batch::default())).1.push(next);
            }
            self.write(batches);
            let left_out = self.shared.left_out.swap(0, Ordering::Relaxed);
            if left_out > 0 {
                tracing::warn!(left_out, "not all of what happened to connections is recorded");
            }
        }
    }

    fn write(&self, batches: HashMap<TenantId, (Tenant, Batch)>) {
        let mut is_there = true;
        for (tenant, batch) in batches.into_values() {
            if !is_there {
                self.leave_out(batch.len());
                continue;
            }
            match self.append(&tenant, &batch) {
                Ok(()) => {}
                // One may tell of a user who is deleted meanwhile; the others need not suffer for it.
                Err(Error::Invalid { .. }) => {
                    for single in batch.split() {
                        if self.append(&tenant, &single).is_err() {
                            self.leave_out(1);
                        }
                    }
                }
                Err(error) => {
                    is_there = !matches!(error, Error::Unavailable { .. });
                    tracing::debug!(error = error.causes(), "a batch of connections can't be recorded");
                    self.leave_out(batch.len());
                }
            }
        }
        // At the end it is waited for once, and not once for each batch.
        if !is_there && self.shared.is_ending.load(Ordering::SeqCst) {
            self.leave_out(self.receiver.try_iter().count());
        }
    }

    fn append(&self, tenant: &Tenant, batch: &Batch) -> Result<()> {
        self.store.tenant(tenant, |tx| {
            if !batch.events.is_empty() {
                tx.websocket_events().append(&batch.events)?;
            }
            if !batch.metrics.is_empty() {
                tx.connection_metrics().append(&batch.metrics)?;
            }
            Ok(())
        })
    }

    fn leave_out(&self, count: usize) {
        self.shared.left_out.fetch_add(count, Ordering::Relaxed);
    }
}
