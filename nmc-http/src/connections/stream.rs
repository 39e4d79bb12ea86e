//! The bytes of a connection. What the framework answers by itself (a request that it can't read) has no body and no headers
//! of ours: it is held back, and a refusal in our words goes out instead.

use super::line::{Following, Line, Why};
use super::refusal::{Refusal, Refusals};
use actix_web::http::StatusCode;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;

const CONTINUE: &[u8] = b"HTTP/1.1 100 Continue\r\n\r\n";

/// The answer that is being written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Writing {
    /// No answer: the next byte begins one.
    Nothing,
    /// An answer of which so many bytes are left.
    Answer(u64),
    /// An answer of unknown length: whatever follows is a part of it.
    Rest,
    /// An answer of the framework's own, which is held back.
    HeldBack,
}

/// A connection that keeps its [`Line`] up to date.
pub(crate) struct Stream {
    /// The socket, which is there until the end.
    tcp: Option<TcpStream>,
    line: Arc<Line>,
    writing: Writing,
    refused: Option<StatusCode>,
    refusals: Refusals,
}

impl Stream {
    pub(crate) const fn new(tcp: TcpStream, line: Arc<Line>, refusals: Refusals) -> Self {
        Self { tcp: Some(tcp), line, writing: Writing::Nothing, refused: None, refusals }
    }

    pub(crate) const fn line(&self) -> &Arc<Line> {
        &self.line
    }

    /// How many of the bytes may be written as they are; `None`: they are held back.
    fn as_they_are(&mut self, bytes: &[u8]) -> Option<usize> {
        if self.writing == Writing::Nothing {
            self.writing = self.beginning(bytes);
        }
        match self.writing {
            Writing::HeldBack => None,
            Writing::Answer(left) => Some(usize::try_from(left).map_or(bytes.len(), |left| left.min(bytes.len()))),
            Writing::Nothing | Writing::Rest => Some(bytes.len()),
        }
    }

    /// The kind of answer that begins with these bytes. The framework writes a head at once, so that all of it is there.
    fn beginning(&mut self, bytes: &[u8]) -> Writing {
        if bytes.starts_with(CONTINUE) {
            return Writing::Answer(length(CONTINUE.len()));
        }
        let head = bytes.windows(4).position(|end| end == b"\r\n\r\n").map(|at| length(at.saturating_add(4)));
        match (self.line.answer_begins(), head) {
            (Some(Following::Bytes(body)), Some(head)) => Writing::Answer(head.saturating_add(body)),
            (Some(_), _) => Writing::Rest,
            (None, _) => match bytes.get(9..12).and_then(|code| StatusCode::from_bytes(code).ok()) {
                Some(status) if status.is_client_error() || status.is_server_error() => {
                    self.refused = Some(status);
                    Writing::HeldBack
                }
                _ => Writing::Rest,
            },
        }
    }

    fn gone(&mut self, count: usize) {
        if let Writing::Answer(left) = self.writing {
            let left = left.saturating_sub(length(count));
            self.writing = if left == 0 { Writing::Nothing } else { Writing::Answer(left) };
        }
        self.line.went(self.writing == Writing::Nothing);
    }

    fn tcp(&mut self) -> io::Result<Pin<&mut TcpStream>> {
        self.tcp.as_mut().map(Pin::new).ok_or_else(|| io::ErrorKind::NotConnected.into())
    }
}

fn length(count: usize) -> u64 {
    u64::try_from(count).unwrap_or(u64::MAX)
}

impl AsyncRead for Stream {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let (before, has_room) = (buffer.filled().len(), buffer.remaining() > 0);
        let read = self.tcp()?.poll_read(cx, buffer);
        match read {
            Poll::Ready(Ok(())) if buffer.filled().len() > before => self.line.came(),
            Poll::Ready(Ok(())) if has_room => self.line.hangs_up(),
            Poll::Ready(Err(_)) => self.line.hangs_up(),
            Poll::Pending if self.line.ends(cx) => {
                if self.line.closing() == Some(Why::SlowHead) && self.writing == Writing::Nothing {
                    self.refused.get_or_insert(StatusCode::REQUEST_TIMEOUT);
                }
                // An end of what there is to read: the framework finishes what it is at, and closes.
                return Poll::Ready(Ok(()));
            }
            _ => {}
        }
        read
    }
}

impl AsyncWrite for Stream {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let Some(count) = self.as_they_are(bytes) else { return Poll::Ready(Ok(bytes.len())) };
        match self.tcp()?.poll_write(cx, bytes.get(..count).unwrap_or(bytes)) {
            Poll::Ready(Ok(count)) => {
                self.gone(count);
                Poll::Ready(Ok(count))
            }
            Poll::Pending if self.line.closing() == Some(Why::Stalled) => Poll::Ready(Err(io::ErrorKind::TimedOut.into())),
            Poll::Pending => {
                self.line.stalls();
                Poll::Pending
            }
            failed => failed,
        }
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.tcp()?.poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.refused.is_some() {
            return Poll::Ready(Ok(()));
        }
        self.tcp()?.poll_shutdown(cx)
    }
}

impl Drop for Stream {
    fn drop(&mut self) {
        if let (Some(status), Some(tcp)) = (self.refused, self.tcp.take()) {
            self.refusals.send(Refusal { tcp, status, line: Some(Arc::clone(&self.line)) });
        } else {
            self.line.leave();
        }
    }
}
