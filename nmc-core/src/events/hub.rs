//! One thread that reads the streams somebody listens to, and tells everybody.

use super::listeners::{Listeners, Listening, Sink, Wanted};
use super::stream::{Head, Row};
use super::{StreamCursor, StreamEvents, Subscription};
use crate::schema::tenant_streams as streams;
use crate::store::{Bell, Reason, Store, SystemTx, Tenant};
use crate::{Result, TenantId};
use diesel::prelude::*;
use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};
use uuid::Uuid;

/// How often it looks for what other processes have committed. What this one commits wakes it at once.
const POLL: Duration = Duration::from_millis(250);

/// The longest pause after failures.
const LONGEST_PAUSE: Duration = Duration::from_secs(5);

/// Events read of one stream before the next has its turn.
const BITE: i64 = 500;

/// Tells listeners of what happens in the businesses they listen to: at once of what this process commits, within a quarter of a
/// second of what others do. However many listen, it is one thread, which takes a connection from the pool for a moment, and none
/// while nobody listens. It goes on after an outage of the database where it was. It ends when it is dropped.
pub struct Hub {
    store: Store,
    listeners: Arc<Listeners>,
    bell: Arc<Bell>,
    stopped: Arc<AtomicBool>,
}

impl Hub {
    /// Starts a hub over this store; a process needs one at the most.
    ///
    /// # Errors
    /// [`crate::Error::Unavailable`] when the system gives no thread.
    pub fn start(store: &Store) -> Result<Self> {
        let hub = Self { store: store.clone(), listeners: Arc::default(), bell: store.bell(), stopped: Arc::default() };
        let reader = Reader {
            store: store.clone(),
            listeners: Arc::clone(&hub.listeners),
            bell: Arc::clone(&hub.bell),
            stopped: Arc::clone(&hub.stopped),
        };
        let thread = std::thread::Builder::new().name("nmc events".to_owned()).spawn(move || reader.run());
        thread.map_err(|error| crate::Error::unavailable("events can't be told now", error))?;
        Ok(hub)
    }

    /// A blocking subscription to the tenant's stream, from after a cursor, or from now on.
    ///
    /// # Errors
    /// [`crate::Error::Unavailable`] when the database is not to be had.
    pub fn subscribe(&self, tenant: &Tenant, after: Option<StreamCursor>) -> Result<Subscription<'_>> {
        let after = match after {
            Some(after) => after,
            None => self.store.events(tenant, None, 1)?.cursor,
        };
        Ok(Subscription::new(self, *tenant, after))
    }

    /// Has the hub tell a sink of all that happens after a cursor. Whoever is far behind reads [`Store::events`] first, until
    /// nothing comes, and listens from there.
    pub fn listen(&self, tenant: &Tenant, after: StreamCursor, sink: Sink) -> Listening {
        let listening = self.listeners.add(tenant.id(), after, sink);
        self.bell.ring(&[tenant.id()]);
        listening
    }

    /// The store that the hub reads from.
    #[must_use]
    pub const fn store(&self) -> &Store {
        &self.store
    }
}

impl Drop for Hub {
    fn drop(&mut self) {
        self.stopped.store(true, Ordering::SeqCst);
        self.bell.ring(&[]);
    }
}

impl std::fmt::Debug for Hub {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Hub").field("tenants", &self.listeners.tenants().len()).finish_non_exhaustive()
    }
}

struct Reader {
    store: Store,
    listeners: Arc<Listeners>,
    bell: Arc<Bell>,
    stopped: Arc<AtomicBool>,
}

impl Reader {
    fn run(&self) {
        let (mut next_poll, mut grown, mut failures) = (Instant::now(), HashSet::new(), 0_u32);
        while !self.stopped.load(Ordering::SeqCst) {
            // What is known to be there is read at once, unless that has just failed.
            let until = if grown.is_empty() || failures > 0 { next_poll } else { Instant::now() };
            grown.extend(self.bell.wait(until));
            if failures > 0 && Instant::now() < next_poll {
                continue;
            }
            let is_time = Instant::now() >= next_poll;
            match self.read(&mut grown, is_time) {
                Ok(()) => {
                    if failures > 0 {
                        tracing::info!("events are told again");
                    }
                    failures = 0;
                }
                Err(error) => {
                    if failures == 0 {
                        tracing::warn!(error = error.causes(), "events can't be told now");
                    }
                    failures = failures.saturating_add(1);
                }
            }
            if is_time || failures > 0 {
                next_poll = Instant::now() + LONGEST_PAUSE.min(POLL * (1 << failures.min(10)));
            }
        }
    }

    /// Reads what has been added to these streams, and to any if it is time to look; leaves those of which there is more.
    fn read(&self, grown: &mut HashSet<TenantId>, is_time: bool) -> Result<()> {
        let watched = self.listeners.tenants();
        grown.retain(|tenant| watched.contains(tenant));
        if is_time && !watched.is_empty() {
            let heads = self.store.system(Reason::EventStream, |tx| heads(tx, &watched))?;
            grown.extend(
                heads.into_iter().filter(|(tenant, head)| self.listeners.is_behind(*tenant, *head)).map(|(tenant, _)| tenant),
            );
        }
        let wanted = self.listeners.wanted(grown.iter().copied());
        grown.clear();
        if wanted.is_empty() {
            return Ok(());
        }
        let read = self
            .store
            .system(Reason::EventStream, |tx| wanted.iter().map(|wanted| after(tx, wanted)).collect::<Result<Vec<_>>>());
        let read = read.inspect_err(|_| grown.extend(wanted.iter().map(|wanted| wanted.tenant)))?;
        for (wanted, (head, rows)) in wanted.into_iter().zip(read) {
            let is_cut = i64::try_from(rows.len()).is_ok_and(|read| read >= BITE);
            self.listeners.tell(wanted, head, &rows, is_cut);
            if is_cut {
                grown.insert(wanted.tenant);
            }
        }
        Ok(())
    }
}

/// Where these streams have come to; those in which nothing has happened have no head.
fn heads(tx: &mut SystemTx<'_>, tenants: &[TenantId]) -> Result<Vec<(TenantId, StreamCursor)>> {
    let heads: Vec<(TenantId, Uuid, i64)> = streams::table
        .filter(streams::tenant_id.eq_any(tenants))
        .select((streams::tenant_id, streams::epoch, streams::seq))
        .load(tx.conn)?;
    Ok(heads.into_iter().map(|(tenant, epoch, seq)| (tenant, Head { epoch, seq }.cursor())).collect())
}

fn after(tx: &mut SystemTx<'_>, wanted: &Wanted) -> Result<(Option<Head>, Vec<Row>)> {
    let mut stream = StreamEvents(tx.scope(wanted.tenant));
    // The head first: the rows may go beyond it, and never stop before it.
    Ok((stream.head()?, stream.rows_after(wanted.after, BITE)?))
}
