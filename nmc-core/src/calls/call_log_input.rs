//! The input of a call log: how much of it a row may take, and in which line a row begins.

use serde::Deserialize;
use serde::de::{Deserializer, MapAccess, Visitor};
use std::cell::RefCell;
use std::fmt;
use std::io::Read;
use std::rc::Rc;

/// The place in the input where a reader is, in lines.
#[derive(Default)]
pub(super) struct Lines {
    /// The number of lines that have ended.
    ended: u64,
    /// The lines that had ended where the last row begins.
    pub(super) before_row: u64,
}

impl Lines {
    /// A row was read, with the empty lines before it.
    pub(super) fn read(&mut self, row: &[u8]) {
        let ends = |bytes: &[u8]| u64::try_from(bytes.iter().filter(|byte| **byte == b'\n').count()).unwrap_or(u64::MAX);
        let blank = row.iter().take_while(|byte| matches!(byte, b'\r' | b'\n')).count();
        self.before_row = self.ended.saturating_add(ends(row.get(..blank).unwrap_or_default()));
        self.ended = self.ended.saturating_add(ends(row));
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
