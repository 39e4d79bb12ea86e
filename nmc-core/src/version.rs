//! Versions of rows, for those who read first and write later.

use crate::{Error, Result};
use chrono::{DateTime, Utc};
use sha2::{Digest as _, Sha256};

/// The version of a row that somebody has seen. It moves with every change that people make.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Version(i64);

impl Version {
    /// The version of a row that was last changed then.
    #[must_use]
    pub const fn of(updated_at: DateTime<Utc>) -> Self {
        Self(updated_at.timestamp_micros())
    }

    /// The version of what people edit of a row whose other columns move by themselves.
    pub(crate) fn of_content(parts: &[&str]) -> Self {
        let mut digest = Sha256::new();
        for part in parts {
            digest.update(part.len().to_be_bytes());
            digest.update(part.as_bytes());
        }
        Self(digest.finalize().first_chunk::<8>().map_or(0, |bytes| i64::from_be_bytes(*bytes) & i64::MAX))
    }

    /// The instant that [`Self::of`] was given.
    pub(crate) const fn instant(self) -> Option<DateTime<Utc>> {
        DateTime::from_timestamp_micros(self.0)
    }

    /// Insists that the row is one of the versions that a change was made for. The caller holds the row, so that it stays.
    ///
    /// # Errors
    /// [`Error::Stale`].
    pub fn must_be_among(self, expected: &[Self], entity: &'static str) -> Result<()> {
        if expected.contains(&self) { Ok(()) } else { Err(Error::Stale { entity }) }
    }
}

impl std::fmt::Display for Version {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:x}", self.0)
    }
}

#[cfg(feature = "serde")]
impl serde::Serialize for Version {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl std::str::FromStr for Version {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        i64::from_str_radix(text, 16).map(Self).map_err(|_| Error::invalid("version", "must be one that was handed out"))
    }
}
