//! What comes from the client of a WebSocket, within bounds.

use super::words::ServerWords;
use crate::error::ApiError;
use crate::streams::End;
use actix_ws::{AggregatedMessage, AggregatedMessageStream, MessageStream, ProtocolError, Session};
use std::cell::Cell;
use std::rc::Rc;
use std::time::Duration;
use tokio::time::Instant;

/// The longest message of a client, in bytes. An access token has some 500.
const LONGEST: usize = 8 * 1024;

/// Messages that are heard at once, so that whoever comes back enters all rooms again, and how long it takes until another one is.
const BURST: u32 = 100;
const EACH: Duration = Duration::from_millis(100);

/// Where messages come from, and are answered.
pub(super) struct Ear {
    messages: AggregatedMessageStream,
    pub(super) session: Session,
    allowance: Allowance,
    heard_at: Rc<Cell<Instant>>,
}

impl Ear {
    pub(super) fn new(messages: MessageStream, session: Session) -> Self {
        let messages = messages.max_frame_size(LONGEST).aggregate_continuations().max_continuation_size(LONGEST);
        let now = Instant::now();
        Self { messages, session, allowance: Allowance { left: BURST, since: now }, heard_at: Rc::new(Cell::new(now)) }
    }

    /// When something last came.
    pub(super) fn heard_at(&self) -> Rc<Cell<Instant>> {
        Rc::clone(&self.heard_at)
    }

    /// The next message. What belongs to the protocol is seen to here.
    pub(super) async fn next(&mut self) -> Result<String, End> {
        loop {
            let message = self.messages.recv().await.ok_or(End::Gone)?;
            let message = message.map_err(|error| match error {
                ProtocolError::Overflow => End::TooLong,
                _ => End::Malformed,
            })?;
            let now = Instant::now();
            self.heard_at.set(now);
            // What answers a ping of ours was asked for.
            if !matches!(message, AggregatedMessage::Pong(_)) && !self.allowance.take(now) {
                return Err(End::TooMany);
            }
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

/// How many messages are heard.
struct Allowance {
    left: u32,
    since: Instant,
}

impl Allowance {
    fn take(&mut self, now: Instant) -> bool {
        let passed = now.saturating_duration_since(self.since).as_millis();
        let earned = u32::try_from(passed.div_euclid(EACH.as_millis())).unwrap_or(BURST).min(BURST);
        if earned > 0 {
            (self.left, self.since) = (self.left.saturating_add(earned).min(BURST), now);
        }
        let has = self.left > 0;
        self.left = self.left.saturating_sub(1);
        has
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn allowance_is_a_burst_and_then_one_by_one() {
        let now = Instant::now();
        let mut allowance = Allowance { left: BURST, since: now };
        let heard = (0..150).filter(|_| allowance.take(now)).count();
        assert_eq!(heard, 100);
        let later = now + EACH * 3;
        assert_eq!((0..150).filter(|_| allowance.take(later)).count(), 3);
        let much_later = later + Duration::from_secs(3_600);
        assert_eq!((0..150).filter(|_| allowance.take(much_later)).count(), 100);
    }
}
