//! Versions of rows, for those who read first and write later.

use crate::{Error, Result};
use chrono::{DateTime, Utc};

/// Which version of a row somebody has seen. It moves with every change, since `updated_at` does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Version(i64);

impl Version {
    /// Of a row that was last changed then.
    #[must_use]
    pub const fn of(updated_at: DateTime<Utc>) -> Self {
        Self(updated_at.timestamp_micros())
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

impl std::str::FromStr for Version {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        i64::from_str_radix(text, 16).map(Self).map_err(|_| Error::invalid("version", "must be one that was handed out"))
    }
}
