//! The input of a call log: how much of it a row may take, and in which line a row begins.

use serde::Deserialize;
use serde::de::{Deserializer, MapAccess, Visitor};
use std::cell::RefCell;
use std::fmt;
use std::io::Read;
use std::rc::Rc;

/// The place in the input where a reader is, in lines: they end with a line feed, with a carriage return before it or without, or with a
/// carriage return alone.
#[derive(Default)]
pub(super) struct Lines {
    /// The number of lines that have ended.
    ended: u64,
    /// The lines that had ended where the last row begins.
    pub(super) before_row: u64,
    /// Whether the last row ended with a carriage return, whose line feed may come with the next.
    is_returned: bool,
}

impl Lines {
    /// A row was read, with the empty lines before it.
    pub(super) fn read(&mut self, row: &[u8]) {
        let count = |ends: usize| u64::try_from(ends).unwrap_or(u64::MAX);
        let feeds = |bytes: &[u8]| count(bytes.iter().filter(|byte| **byte == b'\n').count());
        let (blank, rest) = row.split_at(row.iter().take_while(|byte| matches!(byte, b'\r' | b'\n')).count());
        // Within a row they stand in quotation marks, and are part of a value.
        let next = blank.iter().skip(1).chain(rest.first());
        let alone = count(blank.iter().zip(next).filter(|(byte, next)| **byte == b'\r' && **next != b'\n').count());
        let of_the_last = u64::from(self.is_returned && row.first().is_some_and(|byte| *byte != b'\n'));
        self.before_row = self.ended.saturating_add(of_the_last).saturating_add(alone).saturating_add(feeds(blank));
        self.ended = self.before_row.saturating_add(feeds(rest));
        self.is_returned = row.last().map_or(self.is_returned, |byte| *byte == b'\r');
    }
}

/// The part of an input that has been taken.
#[derive(Default)]
pub(super) struct Taken {
    /// How many bytes more the row may take.
    pub(super) left: usize,
    /// Bytes that no row has ended with yet, and where they begin.
    pub(super) ahead: Vec<u8>,
    from: u64,
}

impl Taken {
    /// A part with nothing in it yet, by a row that may take so many bytes.
    pub(super) fn up_to(left: usize) -> Self {
        Self { left, ..Self::default() }
    }

    /// The bytes of the row that ends there.
    pub(super) fn row(&mut self, end: u64) -> Vec<u8> {
        let length = usize::try_from(end.saturating_sub(self.from)).unwrap_or(usize::MAX).min(self.ahead.len());
        self.from = end;
        self.ahead.drain(..length).collect()
    }
}

/// Whether quotation marks stand around whole values alone, doubled within them (RFC 4180).
pub(super) fn is_well_quoted(row: &[u8]) -> bool {
    #[derive(Clone, Copy, PartialEq)]
    enum At {
        Start,
        Plain,
        Quoted,
        Closed,
    }
    let end = row.iter().try_fold(At::Start, |at, byte| match (at, byte) {
        (At::Start | At::Closed, b'"') => Some(At::Quoted),
        (At::Quoted, b'"') => Some(At::Closed),
        (At::Quoted, _) => Some(At::Quoted),
        (_, b',' | b'\r' | b'\n') => Some(At::Start),
        (At::Plain, b'"') | (At::Closed, _) => None,
        (At::Start | At::Plain, _) => Some(At::Plain),
    });
    end.is_some_and(|at| at != At::Quoted)
}

/// An input of which a row may take only so much.
pub(super) struct Bounded<R> {
    pub(super) input: R,
    pub(super) taken: Rc<RefCell<Taken>>,
}

impl<R: Read> Read for Bounded<R> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let mut taken = self.taken.borrow_mut();
        if taken.left == 0 {
            return Err(std::io::ErrorKind::FileTooLarge.into());
        }
        let most = buffer.len().min(taken.left);
        let read = self.input.read(buffer.get_mut(..most).unwrap_or_default())?;
        taken.left -= read;
        taken.ahead.extend_from_slice(buffer.get(..read).unwrap_or_default());
        Ok(read)
    }
}

/// The members of a JSON object as they stand there: one whose name is there twice would else have its last value.
pub(super) struct Members(pub(super) Vec<(String, serde_json::Value)>);

impl<'de> Deserialize<'de> for Members {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct All;
        impl<'de> Visitor<'de> for All {
            type Value = Members;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Members, A::Error> {
                let mut members = Vec::new();
                while let Some(member) = map.next_entry()? {
                    members.push(member);
                }
                Ok(Members(members))
            }
        }
        deserializer.deserialize_map(All)
    }
}
