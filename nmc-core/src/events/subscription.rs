//! A subscription for a thread that may block.

use super::{Delivery, Hub, Listening, StreamCursor, StreamEvent};
use crate::Result;
use crate::store::Tenant;
use std::collections::VecDeque;
use std::sync::mpsc::{Receiver, RecvTimeoutError, sync_channel};
use std::time::{Duration, Instant};

/// Events that wait for a slow reader before it is left to read them from the database again.
const ROOM: usize = 1_024;

/// Events read at once while catching up.
const PAGE: u16 = 500;

/// A subscription to what happens in a business, one event after another. A reader that is slow, or was away, gets what it has
/// missed from the database first.
pub struct Subscription<'a> {
    hub: &'a Hub,
    tenant: Tenant,
    cursor: StreamCursor,
    read: VecDeque<StreamEvent>,
    live: Option<(Receiver<Delivery>, Listening)>,
}

impl<'a> Subscription<'a> {
    pub(super) const fn new(hub: &'a Hub, tenant: Tenant, cursor: StreamCursor) -> Self {
        Self { hub, tenant, cursor, read: VecDeque::new(), live: None }
    }

    /// The cursor to which the subscription has come: a later subscription goes on from here, in another process, too.
    #[must_use]
    pub const fn cursor(&self) -> StreamCursor {
        self.cursor
    }

    /// The next thing that happens, waiting up to `timeout` for it; `None` when nothing has.
    ///
    /// # Errors
    /// [`crate::Error::Unavailable`] when the database is not to be had; call again later, nothing is left out.
    pub fn next(&mut self, timeout: Duration) -> Result<Option<Delivery>> {
        let until = Instant::now() + timeout;
        loop {
            if let Some(event) = self.read.pop_front() {
                return Ok(Some(self.told(Delivery::Event(event))));
            }
            let Some((live, _)) = &self.live else {
                let page = self.hub.store().events(&self.tenant, Some(self.cursor), PAGE)?;
                if page.is_reset {
                    return Ok(Some(self.told(Delivery::Reset(page.cursor))));
                }
                if page.events.is_empty() {
                    self.go_live(page.cursor);
                }
                self.read.extend(page.events);
                continue;
            };
            match live.recv_timeout(until.saturating_duration_since(Instant::now())) {
                Ok(delivery) => return Ok(Some(self.told(delivery))),
                Err(RecvTimeoutError::Timeout) => return Ok(None),
                // There was no more room: what came since is read from the database.
                Err(RecvTimeoutError::Disconnected) => self.live = None,
            }
        }
    }

    fn go_live(&mut self, after: StreamCursor) {
        let (sink, live) = sync_channel(ROOM);
        let listening = self.hub.listen(&self.tenant, after, Box::new(move |delivery| sink.try_send(delivery).is_ok()));
        self.live = Some((live, listening));
    }

    const fn told(&mut self, delivery: Delivery) -> Delivery {
        self.cursor = delivery.cursor();
        delivery
    }
}
