//! The body of an answer that is read from the database while it is sent: a piece at a time, so that it may be of any length.

use actix_web::body::{BodySize, MessageBody};
use actix_web::web::Bytes;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::sync::mpsc::{Receiver, Sender, channel};

/// How long a piece waits for the client, who is to take it as fast as any answer.
const PATIENCE: Duration = Duration::from_secs(30);

/// An answer that could not be read to its end: its connection is cut, so that nobody takes it for whole.
#[derive(Debug, Clone, Copy, thiserror::Error)]
#[error("the answer could not be read to its end")]
pub(crate) struct CutOff;

/// The pieces of an answer. What ends without its end having been told is cut off.
pub(crate) struct Lines(Receiver<Piece>);

/// The end into which the pieces are put. Whoever drops it before [`Self::end`] cuts the answer off.
pub(crate) struct Pieces(Sender<Piece>);

enum Piece {
    Part(Bytes),
    End,
}

/// A body, of which one piece waits for the client at the most.
pub(crate) fn lines() -> (Pieces, Lines) {
    let (sender, receiver) = channel(1);
    (Pieces(sender), Lines(receiver))
}

impl Pieces {
    /// Sends a piece. `false`: the client is gone, or takes too little.
    pub(crate) async fn send(&self, piece: Vec<u8>) -> bool {
        matches!(tokio::time::timeout(PATIENCE, self.0.send(Piece::Part(piece.into()))).await, Ok(Ok(())))
    }

    /// Tells that this was all.
    pub(crate) async fn end(self) {
        drop(tokio::time::timeout(PATIENCE, self.0.send(Piece::End)).await);
    }
}

impl MessageBody for Lines {
    type Error = CutOff;

    fn size(&self) -> BodySize {
        BodySize::Stream
    }

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes, CutOff>>> {
        self.0.poll_recv(cx).map(|piece| match piece {
            Some(Piece::Part(bytes)) => Some(Ok(bytes)),
            Some(Piece::End) => None,
            None => Some(Err(CutOff)),
        })
    }
}
