//! The streams of events that are open: how many there may be, who has them, and when they end.

mod body;
mod end;
mod lines;
mod opening;
mod presence;
mod record;
mod rooms;
pub(crate) mod socket;
mod sse;
mod telling;

pub(crate) use end::End;
pub(crate) use lines::{Lines, Pieces, lines};
pub(crate) use opening::{LONGEST_CURSOR, Listener, Opening, Source, cursor};
pub(crate) use sse::begin;

use crate::error::ApiResult;
use crate::limits::network;
use crate::shares::{Place, Places};
use nmc_core::access::{Permission, Standing};
use nmc_core::conversations::{TypingOutbox, TypingRelay};
use nmc_core::events::{ConnectionLog, Hub};
use nmc_core::{Result, Store, Tenant};
use presence::Presence;
use rooms::Rooms;
use std::collections::HashMap;
use std::net::{IpAddr, Ipv4Addr};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::watch;

/// Sockets at once whose clients are still to say who they are, of all and of one address.
const WAITING: usize = 256;
const WAITING_FROM_ONE: usize = 32;

/// Bounds of the streams of events.
#[derive(Debug, Clone, Copy)]
pub struct StreamLimits {
    /// Streams at once.
    pub total: usize,
    /// Streams at once of one business.
    pub per_tenant: usize,
    /// Streams at once of one user, or one API key.
    pub per_user: usize,
    /// How often it is asked whether those who have streams would still be let in.
    pub checked_every: Duration,
    /// How long nothing may come before the server says that it is still there. A WebSocket is asked as often whether its client
    /// is, and closed after two without an answer.
    pub heartbeat: Duration,
    /// How often it is renewed that users who have streams are online, which is to be the same in all processes, and at most 40 seconds;
    /// `None`: streams put nobody online.
    pub presence_every: Option<Duration>,
    /// How long the client of a WebSocket that shows no credential at first may take to do so.
    pub authenticated_within: Duration,
    /// Where connections are recorded: how often it is how many streams each business has.
    pub measured_every: Duration,
}

impl Default for StreamLimits {
    fn default() -> Self {
        Self {
            total: 1_024,
            per_tenant: 256,
            per_user: 8,
            checked_every: Duration::from_secs(10),
            heartbeat: Duration::from_secs(15),
            presence_every: Some(Duration::from_secs(24)),
            authenticated_within: Duration::from_secs(10),
            measured_every: Duration::from_secs(60),
        }
    }
}

/// All streams of the server.
pub(crate) struct Streams {
    pub(crate) hub: Hub,
    pub(crate) limits: StreamLimits,
    places: Places,
    /// Sockets whose clients are still to say who they are, by where they come from.
    waiting: Places<IpAddr, ()>,
    rooms: Rooms,
    /// Held for as long as there are rooms.
    _typing: TypingRelay,
    presence: Option<Presence>,
    /// What is recorded, where an operator wants it.
    log: Option<ConnectionLog>,
    stopping: watch::Receiver<bool>,
    open: Mutex<Open>,
}

#[derive(Default)]
struct Open {
    last_id: u64,
    all: HashMap<u64, OpenStream>,
}

/// One that is open.
struct OpenStream {
    tenant: Tenant,
    standing: Standing,
    revoked: watch::Sender<bool>,
}

impl Streams {
    /// Streams that hear of what this hub's store holds.
    ///
    /// # Errors
    /// [`nmc_core::Error::Unavailable`] when the system gives no thread.
    pub(crate) fn new(
        hub: Hub,
        limits: StreamLimits,
        log: Option<ConnectionLog>,
        stopping: watch::Receiver<bool>,
    ) -> Result<Self> {
        let places = Places::new(limits.total, limits.per_tenant, limits.per_user);
        let waiting = Places::new(WAITING, WAITING_FROM_ONE, WAITING_FROM_ONE);
        let presence = limits.presence_every.map(Presence::new);
        let outbox = TypingOutbox::default();
        let rooms = Rooms::new(outbox.clone());
        let typing = TypingRelay::start(hub.store(), &outbox, rooms.clone())?;
        let open = Mutex::default();
        Ok(Self { hub, limits, places, waiting, rooms, _typing: typing, presence, log, stopping, open })
    }

    /// A place for a socket whose client is still to say who it is.
    ///
    /// # Errors
    /// [`crate::error::ApiError::TooMany`] or [`crate::error::ApiError::Overloaded`].
    pub(crate) fn wait(&self, from: Option<IpAddr>) -> ApiResult<Place<IpAddr, ()>> {
        self.waiting.take(network(from).unwrap_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED)), ())
    }

    /// Hears when the server stops.
    fn stopping(&self) -> watch::Receiver<bool> {
        self.stopping.clone()
    }

    /// Notes an open stream: when its holder would not be let in any more, the receiver hears of it.
    fn enter(&self, tenant: Tenant, standing: Standing) -> (u64, watch::Receiver<bool>) {
        let (revoked, hears) = watch::channel(false);
        let mut open = self.open();
        open.last_id += 1;
        let id = open.last_id;
        open.all.insert(id, OpenStream { tenant, standing, revoked });
        (id, hears)
    }

    fn leave(&self, id: u64) {
        self.open().all.remove(&id);
    }

    /// Ends the streams of those who would not be let in any more.
    pub(crate) fn check(&self, store: &Store) -> Result<()> {
        let asked: Vec<(u64, Standing)> = self.open().all.iter().map(|(id, open)| (*id, open.standing)).collect();
        if asked.is_empty() {
            return Ok(());
        }
        let standings: Vec<Standing> = asked.iter().map(|(_, standing)| *standing).collect();
        let standing = store.still_standing(&standings, Permission::EventsRead)?;
        let open = self.open();
        for (id, _) in asked.iter().filter(|(_, asked)| !standing.contains(asked)) {
            if let Some(stream) = open.all.get(id) {
                stream.revoked.send_replace(true);
            }
        }
        Ok(())
    }

    fn open(&self) -> MutexGuard<'_, Open> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
