//! The refusal of a connection whose request could not be read, or for which there was no place.

use super::line::Line;
use crate::error::{ApiError, Unreadable};
use crate::headers;
use actix_web::ResponseError as _;
use actix_web::http::StatusCode;
use std::cell::Cell;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::sync::mpsc::error::TrySendError;
use tokio::sync::mpsc::{Receiver, Sender, channel};
use tokio::time::timeout;
use uuid::Uuid;

/// How long a client may take to read a refusal. To close while it still sends would take the answer from it.
const PATIENCE: Duration = Duration::from_secs(1);

/// Connections that are refused in words at once, of each thread; others are closed without.
const AT_ONCE: usize = 64;

/// A connection to be closed, and why.
pub(crate) struct Refusal {
    pub(crate) tcp: TcpStream,
    pub(crate) status: StatusCode,
    /// The connection's place, which it has until it is closed.
    pub(crate) line: Option<Arc<Line>>,
}

/// The channel to which refusals are handed.
#[derive(Clone)]
pub(crate) struct Refusals(Sender<Refusal>);

impl Refusals {
    /// The sender of refusals, and what is to be run beside the connections.
    pub(crate) fn new() -> (Self, impl Future<Output = ()>) {
        let (sender, receiver) = channel(AT_ONCE);
        (Self(sender), send_all(receiver))
    }

    pub(crate) fn send(&self, refusal: Refusal) {
        // Nobody listens any more when the server has stopped, and when many wait there is no place: it is closed without an answer.
        if let Err(TrySendError::Closed(lost) | TrySendError::Full(lost)) = self.0.try_send(refusal)
            && let Some(line) = lost.line
        {
            line.leave();
        }
    }
}

async fn send_all(mut refusals: Receiver<Refusal>) {
    let busy = Rc::new(Cell::new(0_usize));
    while let Some(Refusal { tcp, status, line }) = refusals.recv().await {
        if busy.get() < AT_ONCE {
            busy.set(busy.get().saturating_add(1));
            let busy = Rc::clone(&busy);
            tokio::task::spawn_local(async move {
                // Whether it was heard, nobody can tell.
                drop(timeout(PATIENCE, say(tcp, refusal(status))).await);
                busy.set(busy.get().saturating_sub(1));
                if let Some(line) = line {
                    line.leave();
                }
            });
        } else if let Some(line) = line {
            line.leave();
        }
    }
}

async fn say(mut tcp: TcpStream, words: String) -> std::io::Result<()> {
    tcp.write_all(words.as_bytes()).await?;
    tcp.shutdown().await?;
    let mut rest = [0; 4_096];
    while tcp.read(&mut rest).await? > 0 {}
    Ok(())
}

/// A whole answer with the headers of every other one.
fn refusal(status: StatusCode) -> String {
    let error = match status {
        StatusCode::REQUEST_TIMEOUT => ApiError::Unreadable(Unreadable::Slow),
        StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE => ApiError::Unreadable(Unreadable::TooLong),
        StatusCode::SERVICE_UNAVAILABLE => ApiError::Overloaded,
        _ => ApiError::Unreadable(Unreadable::Malformed),
    };
    let id = Uuid::new_v4().simple().to_string();
    let status = error.status_code();
    tracing::debug!(id, route = "(none)", status = status.as_u16(), %error, "request");
    let (problem, more) = error.written();
    let mut words = format!("HTTP/1.1 {} {}\r\n", status.as_u16(), status.canonical_reason().unwrap_or("Refused"));
    let mut header = |name: &str, value: &str| {
        words.push_str(name);
        words.push_str(": ");
        words.push_str(value);
        words.push_str("\r\n");
    };
    for (name, value) in headers::of_refusals() {
        header(name.as_str(), value);
    }
    for (name, value) in more {
        header(name.as_str(), &value);
    }
    header("x-request-id", &id);
    header("content-length", &problem.len().to_string());
    header("connection", "close");
    words.push_str("\r\n");
    words.push_str(&problem);
    words
}
