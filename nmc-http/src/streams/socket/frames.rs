//! The frames of a WebSocket as they come, within bounds that hold from their heads on: what reads their contents (actix-ws) would keep a
//! frame of any length until it is whole, and takes any number of parts for one message.

use actix_web::error::PayloadError;
use actix_web::web::{Bytes, Payload};
use futures_core::Stream;
use std::cell::Cell;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::time::Instant;

/// The longest message of a client, in bytes. An access token has some 500.
pub(super) const LONGEST: usize = 8 * 1024;

/// Frames that are taken at once, so that whoever comes back enters all rooms again, and how long it takes until another one is.
const BURST: u32 = 100;
const EACH: Duration = Duration::from_millis(100);

const CONTINUATION: u8 = 0;
const PONG: u8 = 10;

/// The reason why no more frames are taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Excess {
    /// A message is longer than any that is heard.
    TooLong,
    /// The frames come too fast.
    TooMany,
}

/// Tells why the frames have ended, if they broke a bound.
pub(super) type Broken = Rc<Cell<Option<Excess>>>;

/// The bytes of a client's frames, until one breaks a bound.
pub(super) struct Frames {
    payload: Payload,
    bounds: Bounds,
    broken: Broken,
}

impl Frames {
    pub(super) fn of(payload: Payload) -> (Self, Broken) {
        let broken = Broken::default();
        (Self { payload, bounds: Bounds::new(Instant::now()), broken: Rc::clone(&broken) }, broken)
    }
}

impl Stream for Frames {
    type Item = Result<Bytes, PayloadError>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        if self.broken.get().is_some() {
            return Poll::Ready(None);
        }
        let next = Pin::new(&mut self.payload).poll_next(cx);
        if let Poll::Ready(Some(Ok(bytes))) = &next
            && let Err(excess) = self.bounds.take(bytes, Instant::now())
        {
            self.broken.set(Some(excess));
            return Poll::Ready(Some(Err(PayloadError::Overflow)));
        }
        next
    }
}

/// How far the frames have come.
struct Bounds {
    head: Vec<u8>,
    /// The bytes that are left of the frame's contents.
    left: usize,
    /// The bytes of all parts of the message so far.
    message: usize,
    allowance: Allowance,
}

impl Bounds {
    const fn new(now: Instant) -> Self {
        Self { head: Vec::new(), left: 0, message: 0, allowance: Allowance { left: BURST, since: now } }
    }

    /// Goes on with these bytes.
    fn take(&mut self, bytes: &[u8], now: Instant) -> Result<(), Excess> {
        let mut rest = bytes;
        while let Some((first, others)) = rest.split_first() {
            if self.left > 0 {
                let contents = self.left.min(rest.len());
                self.left -= contents;
                rest = rest.get(contents..).unwrap_or_default();
                continue;
            }
            self.head.push(*first);
            rest = others;
            if let Some(head) = Head::read(&self.head) {
                self.head.clear();
                self.begin(&head, now)?;
            }
        }
        Ok(())
    }

    fn begin(&mut self, head: &Head, now: Instant) -> Result<(), Excess> {
        // What answers a ping of ours was asked for.
        if head.opcode != PONG && !self.allowance.take(now) {
            return Err(Excess::TooMany);
        }
        let length = usize::try_from(head.length).unwrap_or(usize::MAX);
        // Control frames may come between the parts of a message.
        let is_control = head.opcode >= 8;
        if !is_control {
            self.message = if head.opcode == CONTINUATION { self.message.saturating_add(length) } else { length };
        }
        if length > LONGEST || self.message > LONGEST {
            return Err(Excess::TooLong);
        }
        self.left = length;
        Ok(())
    }
}

/// The head of a frame (RFC 6455, 5.2).
struct Head {
    opcode: u8,
    length: u64,
}

impl Head {
    /// `None`: there is more of it to come.
    fn read(bytes: &[u8]) -> Option<Self> {
        let (first, second) = (bytes.first()?, bytes.get(1)?);
        let (length, size) = match second & 0x7f {
            126 => (u16::from_be_bytes(*bytes.get(2..)?.first_chunk()?).into(), 4),
            127 => (u64::from_be_bytes(*bytes.get(2..)?.first_chunk()?), 10),
            length => (length.into(), 2),
        };
        let size = if second & 0x80 == 0 { size } else { size + 4 };
        (bytes.len() >= size).then_some(Self { opcode: first & 0x0f, length })
    }
}

/// How many frames are taken.
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

    /// A masked frame's head, and as many bytes as it says, up to a thousand.
    fn frame(first: u8, length: u64) -> Vec<u8> {
        let mut bytes = vec![first];
        match length {
            0..=125 => bytes.push(0x80 | u8::try_from(length).unwrap()),
            126..=0xffff => {
                bytes.push(0x80 | 126);
                bytes.extend(u16::try_from(length).unwrap().to_be_bytes());
            }
            _ => {
                bytes.push(0x80 | 127);
                bytes.extend(length.to_be_bytes());
            }
        }
        bytes.extend([0; 4]);
        bytes.extend(std::iter::repeat_n(0, usize::try_from(length.min(10_000)).unwrap()));
        bytes
    }

    /// However the bytes come apart, the verdict is the same, and comes with the head.
    #[test]
    fn frames_are_taken_or_refused_by_their_heads() {
        let (text, part, more, last, ping, pong) = (0x81, 0x01, 0x00, 0x80, 0x89, 0x8a);
        let cases: Vec<(Vec<u8>, Result<(), Excess>)> = vec![
            ([frame(text, 0), frame(text, 125), frame(text, 126), frame(text, 8_192), frame(ping, 5)].concat(), Ok(())),
            (frame(text, 8_193), Err(Excess::TooLong)),
            ([frame(text, 3), frame(text, 1 << 40)].concat(), Err(Excess::TooLong)),
            (frame(text, u64::MAX), Err(Excess::TooLong)),
            ([frame(part, 4_000), frame(ping, 9), frame(more, 4_000), frame(last, 192), frame(text, 8_000)].concat(), Ok(())),
            ([frame(part, 4_000), frame(more, 4_000), frame(last, 193)].concat(), Err(Excess::TooLong)),
            (frame(more, 0).repeat(101), Err(Excess::TooMany)),
            (frame(more, 0).repeat(100), Ok(())),
            (frame(pong, 0).repeat(1_000), Ok(())),
        ];
        for (bytes, verdict) in cases {
            let now = Instant::now();
            for size in [1, 2, 3, 7, 4_096, bytes.len()] {
                let mut bounds = Bounds::new(now);
                assert_eq!(bytes.chunks(size).try_for_each(|chunk| bounds.take(chunk, now)), verdict, "{size}");
                assert!(bounds.head.len() <= 14);
            }
        }
    }
}
