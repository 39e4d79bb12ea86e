//! A stream as server-sent events (the WHATWG's HTML standard, 9.2).

use super::body::Chunks;
use super::record::Record;
use super::telling::{Gone, Outlet, event_data, follow};
use super::{Listener, Streams};
use crate::blocking::BlockingPool;
use actix_web::HttpResponse;
use actix_web::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use actix_web::web::Bytes;
use nmc_core::events::{StreamCursor, StreamEvent};
use serde_json::json;
use std::sync::Arc;
use tokio::sync::mpsc::{OwnedPermit, Sender, channel};

/// How long a client waits before it comes back, in milliseconds.
const RETRY: u32 = 2_000;

/// Pieces of the answer that wait for the connection.
const CHUNKS: usize = 4;

/// The answer, and what is told in it from now on. Without chunks, which HTTP/1.0 does not know, it ends with the connection.
pub(crate) fn begin(streams: Arc<Streams>, pool: BlockingPool, listener: Listener, takes_chunks: bool) -> HttpResponse {
    // One more, in which the end finds its place however little the client takes.
    let (chunks, receiver) = channel(CHUNKS + 1);
    if let Ok(last) = chunks.clone().try_reserve_owned() {
        tokio::task::spawn_local(run(streams, pool, listener, chunks, last));
    }
    let mut answer = HttpResponse::Ok()
        .insert_header((CONTENT_TYPE, "text/event-stream"))
        .insert_header((CACHE_CONTROL, "no-store"))
        // nginx would keep events until it has a page of them.
        .insert_header(("X-Accel-Buffering", "no"))
        // Nothing follows on this connection, which is not idle and not drained meanwhile.
        .force_close()
        .body(Chunks(receiver));
    answer.head_mut().no_chunking(!takes_chunks);
    answer
}

async fn run(streams: Arc<Streams>, pool: BlockingPool, listener: Listener, chunks: Sender<Bytes>, last: OwnedPermit<Bytes>) {
    let record = Record::begin(&streams, &listener, "sse");
    let mut answer = Answer { text: format!("retry: {RETRY}\n"), chunks, record: &record };
    let end = follow(&streams, &pool, listener, &mut answer, std::future::pending()).await;
    record.end(end);
    last.send(Bytes::from(words("end", None, &json!({ "reason": end.label() }))));
}

/// The answer as it is written.
struct Answer<'a> {
    text: String,
    chunks: Sender<Bytes>,
    record: &'a Record,
}

impl Outlet for Answer<'_> {
    fn ready(&mut self, cursor: StreamCursor) {
        self.text.push_str(&words("ready", Some(cursor), &json!({ "cursor": cursor.to_string() })));
    }

    fn event(&mut self, event: &StreamEvent) {
        self.record.sent();
        self.text.push_str(&words(event.kind.label(), Some(event.cursor), &event_data(event)));
    }

    fn reset(&mut self, cursor: StreamCursor) {
        self.text.push_str(&words("reset", Some(cursor), &json!({ "cursor": cursor.to_string() })));
    }

    fn beat(&mut self) {
        self.text.push_str(":\n\n");
    }

    async fn flush(&mut self) -> Result<(), Gone> {
        if self.text.is_empty() {
            return Ok(());
        }
        self.chunks.send(Bytes::from(std::mem::take(&mut self.text))).await.map_err(|_| Gone)
    }

    async fn closed(&self) {
        self.chunks.closed().await;
    }
}

/// The text of one event as it is written. JSON has no line breaks.
fn words(event: &str, id: Option<StreamCursor>, data: &serde_json::Value) -> String {
    let id = id.map(|id| format!("id: {id}\n")).unwrap_or_default();
    format!("{id}event: {event}\ndata: {data}\n\n")
}
