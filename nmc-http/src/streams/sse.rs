//! A stream as server-sent events (the WHATWG's HTML standard, 9.2).

use super::body::Chunks;
use super::{End, Streams};
use crate::blocking::BlockingPool;
use crate::connections::Line;
use crate::shares::Place;
use actix_web::HttpResponse;
use actix_web::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use actix_web::web::Bytes;
use nmc_core::Tenant;
use nmc_core::access::Standing;
use nmc_core::events::{Delivery, StreamCursor, StreamEvent, StreamPage};
use serde_json::json;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::mpsc::{Sender, channel};
use tokio::sync::watch;
use tokio::time::{Instant, sleep_until, timeout};

/// How long a client waits before it comes back, in milliseconds.
const RETRY: u32 = 2_000;

/// Events that wait for a client that takes them slowly.
const ROOM: usize = 256;

/// Pieces of the answer that wait for the connection.
const CHUNKS: usize = 4;

/// Events read at once while catching up.
const PAGE: u16 = 500;

/// Who listens to what.
pub(crate) struct Listener {
    pub(crate) tenant: Tenant,
    pub(crate) standing: Standing,
    pub(crate) place: Place,
    /// When the access token expires.
    pub(crate) until: Option<Duration>,
    /// The connection, whose end may be told before anything is written to it.
    pub(crate) line: Option<Arc<Line>>,
    /// Where the client was; `None`: it begins.
    pub(crate) after: Option<StreamCursor>,
    /// What follows that.
    pub(crate) page: StreamPage,
}

/// The answer, and what is told in it from now on.
pub(crate) fn begin(streams: Arc<Streams>, pool: BlockingPool, listener: Listener) -> HttpResponse {
    let (chunks, receiver) = channel(CHUNKS);
    tokio::task::spawn_local(run(streams, pool, listener, chunks));
    HttpResponse::Ok()
        .insert_header((CONTENT_TYPE, "text/event-stream"))
        .insert_header((CACHE_CONTROL, "no-store"))
        // nginx would keep events until it has a page of them.
        .insert_header(("X-Accel-Buffering", "no"))
        // Nothing follows on this connection, which is not idle and not drained meanwhile.
        .force_close()
        .body(Chunks(receiver))
}

async fn run(streams: Arc<Streams>, pool: BlockingPool, listener: Listener, chunks: Sender<Bytes>) {
    let (id, revoked) = streams.enter(listener.standing);
    let until = listener.until.map(|left| Instant::now() + left);
    // What can be done no more ends it, whatever is being told.
    let end = tokio::select! {
        biased;
        end = ends(&streams, revoked, until, listener.line.as_deref(), &chunks) => end,
        end = tell(&streams, &pool, &listener, &chunks) => end,
    };
    streams.leave(id);
    drop(listener.place);
    tracing::debug!(tenant = %listener.tenant.id(), end = end.label(), "a stream of events ended");
    // If there is no room for it, the end of the answer says as much.
    drop(chunks.try_send(frame("end", None, &json!({ "reason": end.label() }))));
}

/// Waits for what ends a stream from outside.
async fn ends(
    streams: &Streams,
    mut revoked: watch::Receiver<bool>,
    until: Option<Instant>,
    line: Option<&Line>,
    chunks: &Sender<Bytes>,
) -> End {
    let mut stopping = streams.stopping.clone();
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
        () = chunks.closed() => End::Gone,
    }
}

/// Tells what has happened since, and then what happens.
async fn tell(streams: &Streams, pool: &BlockingPool, listener: &Listener, chunks: &Sender<Bytes>) -> End {
    let Listener { tenant, after, ref page, .. } = *listener;
    let mut page = page.clone();
    let begins = if page.is_reset { page.cursor } else { after.unwrap_or(page.cursor) };
    let mut text = format!("retry: {RETRY}\n");
    text.push_str(&words("ready", Some(begins), &json!({ "cursor": begins.to_string() })));
    if page.is_reset {
        text.push_str(&of(&Delivery::Reset(page.cursor)));
    }
    // Subscribed from the last event read on: what comes in between is told, too.
    while !page.events.is_empty() {
        page.events.iter().for_each(|event| text.push_str(&of_event(event)));
        if chunks.send(Bytes::from(std::mem::take(&mut text))).await.is_err() {
            return End::Gone;
        }
        let cursor = page.cursor;
        match pool.blocking(move |store| store.events(&tenant, Some(cursor), PAGE)).await {
            Ok(next) => page = next,
            Err(_) => return End::Unavailable,
        }
        if page.is_reset {
            text.push_str(&of(&Delivery::Reset(page.cursor)));
        }
    }
    let (sink, mut live) = channel(ROOM);
    let _listening = streams.hub.listen(&tenant, page.cursor, Box::new(move |delivery| sink.try_send(delivery).is_ok()));
    loop {
        if !text.is_empty() && chunks.send(Bytes::from(std::mem::take(&mut text))).await.is_err() {
            return End::Gone;
        }
        match timeout(streams.limits.heartbeat, live.recv()).await {
            Ok(Some(delivery)) => {
                text.push_str(&of(&delivery));
                while let Ok(delivery) = live.try_recv() {
                    text.push_str(&of(&delivery));
                }
            }
            Ok(None) => return End::Slow,
            Err(_) => text.push_str(":\n\n"),
        }
    }
}

fn of(delivery: &Delivery) -> String {
    match delivery {
        Delivery::Event(event) => of_event(event),
        other => words("reset", Some(other.cursor()), &json!({ "cursor": other.cursor().to_string() })),
    }
}

fn of_event(event: &StreamEvent) -> String {
    let data = json!({ "kind": event.kind, "id": event.subject, "seq": event.cursor.seq(), "at": event.at });
    words(event.kind.label(), Some(event.cursor), &data)
}

fn frame(event: &str, id: Option<StreamCursor>, data: &serde_json::Value) -> Bytes {
    Bytes::from(words(event, id, data))
}

/// One event as it is written. JSON has no line breaks.
fn words(event: &str, id: Option<StreamCursor>, data: &serde_json::Value) -> String {
    let id = id.map(|id| format!("id: {id}\n")).unwrap_or_default();
    format!("{id}event: {event}\ndata: {data}\n\n")
}
