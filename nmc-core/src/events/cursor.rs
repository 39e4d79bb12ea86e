//! How far a reader of a stream has come.

use crate::{Error, Result};
use uuid::Uuid;

/// The place in a stream after which a reader goes on. It is written as `epoch:number`: the epoch changes when the database is
/// restored, and its numbers with it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct StreamCursor {
    pub(super) epoch: Uuid,
    pub(super) seq: i64,
}

impl StreamCursor {
    /// The cursor before the first event of any stream: that of a business in which nothing has happened yet.
    pub const START: Self = Self { epoch: Uuid::nil(), seq: 0 };

    /// The number of the last event before it.
    #[must_use]
    pub const fn seq(&self) -> i64 {
        self.seq
    }
}

impl std::fmt::Display for StreamCursor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}:{}", self.epoch, self.seq)
    }
}

impl std::str::FromStr for StreamCursor {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let parsed = text.split_once(':').and_then(|(epoch, seq)| {
            let is_number = !seq.is_empty() && seq.bytes().all(|digit| digit.is_ascii_digit());
            let seq = Some(seq).filter(|_| is_number)?.parse().ok()?;
            Some(Self { epoch: Uuid::try_parse(epoch).ok()?, seq })
        });
        parsed.ok_or_else(|| Error::invalid("cursor", "must be one that the stream has given, like <epoch>:<number>"))
    }
}

#[cfg(test)]
mod tests {
    use super::StreamCursor;
    use uuid::Uuid;

    #[test]
    fn cursor_is_read_as_it_is_written_and_nothing_else() {
        let cursor = StreamCursor { epoch: Uuid::from_u128(7), seq: i64::MAX };
        assert_eq!(cursor.to_string(), "00000000-0000-0000-0000-000000000007:9223372036854775807");
        for cursor in [cursor, StreamCursor::START] {
            assert_eq!(cursor.to_string().parse::<StreamCursor>().unwrap(), cursor);
        }
        let epoch = Uuid::from_u128(7);
        for text in ["", ":", "7", "x:1", "7:7", &epoch.to_string()] {
            assert!(text.parse::<StreamCursor>().is_err(), "{text:?}");
        }
        for number in ["", "-1", "+1", " 1", "1 ", "1:1", "9223372036854775808", "\u{661}"] {
            assert!(format!("{epoch}:{number}").parse::<StreamCursor>().is_err(), "{number:?}");
        }
    }
}
