//! What every stream does, whatever it is written as: it catches up from a cursor, tells what happens from then on, and ends
//! when its holder would not be let in any more.

use super::{End, Listener, Streams};
use crate::blocking::BlockingPool;
use crate::connections::Line;
use nmc_core::events::{Delivery, StreamCursor, StreamEvent};
use serde_json::json;
use std::time::Duration;
use tokio::sync::mpsc::channel;
use tokio::sync::watch;
use tokio::time::{Instant, sleep_until, timeout};

/// Events that wait for a client that takes them slowly.
const ROOM: usize = 256;

/// Events read at once while catching up.
const PAGE: u16 = 500;

/// The error that nobody takes what is written.
pub(super) struct Gone;

/// The outlet to which a stream is written. What is noted goes out with the next flush.
pub(super) trait Outlet {
    /// Notes from where on the client is told.
    fn ready(&mut self, cursor: StreamCursor);
    /// Notes that something has happened.
    fn event(&mut self, event: &StreamEvent);
    /// Notes that what the client has read can't be gone on from.
    fn reset(&mut self, cursor: StreamCursor);
    /// Notes that the server is still there: nothing was told for a while.
    fn beat(&mut self);
    /// Sends what was noted, once the connection takes it.
    async fn flush(&mut self) -> Result<(), Gone>;
    /// Ends when nobody takes what is written.
    async fn closed(&self);
}

/// An event as clients read it.
pub(super) fn event_data(event: &StreamEvent) -> serde_json::Value {
    json!({ "kind": event.kind, "id": event.subject, "seq": event.cursor.seq(), "at": event.at })
}

/// Tells a listener all there is, until something ends it: what `beside` waits for, too.
pub(super) async fn follow<O: Outlet>(
    streams: &Streams,
    pool: &BlockingPool,
    listener: Listener,
    outlet: &mut O,
    beside: impl Future<Output = End>,
) -> End {
    let (id, revoked) = streams.enter(listener.tenant, listener.standing);
    let _presence = listener.user.zip(streams.presence.as_ref()).map(|(user, presence)| presence.hold(&listener.tenant, user));
    // What can be done no more ends it, whatever is being told.
    let end = tokio::select! {
        biased;
        end = ends(streams, revoked, listener.until, listener.source.line.as_deref()) => end,
        end = beside => end,
        end = tell(streams, pool, &listener, outlet) => end,
    };
    streams.leave(id);
    tracing::debug!(tenant = %listener.tenant.id(), end = end.label(), "a stream of events ended");
    end
}

/// Waits for what ends a stream from outside.
async fn ends(streams: &Streams, mut revoked: watch::Receiver<bool>, left: Option<Duration>, line: Option<&Line>) -> End {
    let mut stopping = streams.stopping();
    let until = left.map(|left| Instant::now() + left);
    let expires = async {
        match until {
            Some(until) => sleep_until(until).await,
            None => std::future::pending().await,
        }
    };
    let hung_up = async {
        match line {
            Some(line) => line.hung_up().await,
            None => std::future::pending().await,
        }
    };
    tokio::select! {
        // Whether it says so or is gone: the server stops.
        _ = stopping.wait_for(|stops| *stops) => End::Stopping,
        _ = revoked.wait_for(|is_revoked| *is_revoked) => End::Revoked,
        () = expires => End::Expired,
        () = hung_up => End::Gone,
    }
}

/// Tells what has happened since, and then what happens.
async fn tell<O: Outlet>(streams: &Streams, pool: &BlockingPool, listener: &Listener, outlet: &mut O) -> End {
    let Listener { tenant, after, ref page, .. } = *listener;
    let mut page = page.clone();
    // First: a client that keeps the cursor of `ready` and is cut off before it hears of the reset would never read what it has missed.
    if page.is_reset {
        outlet.reset(page.cursor);
    }
    outlet.ready(if page.is_reset { page.cursor } else { after.unwrap_or(page.cursor) });
    // Subscribed from the last event read on: what comes in between is told, too.
    while !page.events.is_empty() {
        page.events.iter().for_each(|event| outlet.event(event));
        if outlet.flush().await.is_err() {
            return End::Gone;
        }
        let cursor = page.cursor;
        match pool.blocking(move |store| store.events(&tenant, Some(cursor), PAGE)).await {
            Ok(next) => page = next,
            Err(_) => return End::Unavailable,
        }
        if page.is_reset {
            outlet.reset(page.cursor);
        }
    }
    let (sink, mut live) = channel(ROOM);
    let _listening = streams.hub.listen(&tenant, page.cursor, Box::new(move |delivery| sink.try_send(delivery).is_ok()));
    loop {
        if outlet.flush().await.is_err() {
            return End::Gone;
        }
        let next = tokio::select! {
            next = timeout(streams.limits.heartbeat, live.recv()) => next,
            () = outlet.closed() => return End::Gone,
        };
        match next {
            Ok(Some(delivery)) => {
                note(outlet, &delivery);
                while let Ok(delivery) = live.try_recv() {
                    note(outlet, &delivery);
                }
            }
            Ok(None) => return End::Slow,
            Err(_) => outlet.beat(),
        }
    }
}

fn note(outlet: &mut impl Outlet, delivery: &Delivery) {
    match delivery {
        Delivery::Event(event) => outlet.event(event),
        other => outlet.reset(other.cursor()),
    }
}
