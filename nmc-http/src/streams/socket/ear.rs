//! What comes from the client of a WebSocket, within bounds.

use super::accepted::Accepted;
use super::frames::{Broken, Excess};
use super::words::ServerWords;
use crate::error::ApiError;
use crate::streams::End;
use actix_ws::{AggregatedMessage, AggregatedMessageStream, ProtocolError, Session};
use std::cell::Cell;
use std::rc::Rc;
use tokio::time::Instant;

/// The ear of a socket: it hears messages and answers them.
pub(super) struct Ear {
    messages: AggregatedMessageStream,
    pub(super) session: Session,
    broken: Broken,
    heard_at: Rc<Cell<Instant>>,
}

impl Ear {
    pub(super) fn new(Accepted { messages, session, broken }: Accepted) -> Self {
        let messages = messages.aggregate_continuations();
        Self { messages, session, broken, heard_at: Rc::new(Cell::new(Instant::now())) }
    }

    /// The instant at which something last came.
    pub(super) fn heard_at(&self) -> Rc<Cell<Instant>> {
        Rc::clone(&self.heard_at)
    }

    /// The next message. What belongs to the protocol is seen to here.
    pub(super) async fn next(&mut self) -> Result<String, End> {
        loop {
            let message = self.messages.recv().await.ok_or(End::Gone)?;
            let message = message.map_err(|error| match (self.broken.get(), error) {
                (Some(Excess::TooMany), _) => End::TooMany,
                (Some(Excess::TooLong), _) | (None, ProtocolError::Overflow) => End::TooLong,
                _ => End::Malformed,
            })?;
            self.heard_at.set(Instant::now());
            match message {
                AggregatedMessage::Text(text) => return Ok(text.to_string()),
                AggregatedMessage::Binary(_) => return Err(End::Binary),
                AggregatedMessage::Ping(bytes) => self.session.pong(&bytes).await.map_err(|_| End::Gone)?,
                AggregatedMessage::Pong(_) => {}
                AggregatedMessage::Close(_) => return Err(End::Gone),
            }
        }
    }

    pub(super) async fn answer(&mut self, words: &ServerWords) -> Result<(), End> {
        words.say(&mut self.session).await.map_err(|_| End::Gone)
    }

    /// Says why a message is not heeded, and of which room that is said.
    pub(super) async fn refuse(&mut self, error: &ApiError, room: Option<String>) -> Result<(), End> {
        let (code, detail) = error.told();
        self.answer(&ServerWords::Error { code, detail, room }).await
    }
}
