//! What makes a transaction fail through no fault of its own, so that running it again may do.

use super::words;
use diesel::result::{DatabaseErrorKind, Error as DieselError};

/// The reason why a transaction is worth running again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Loss {
    /// Another transaction got in the way of this one.
    Contention,
    /// The session takes no writes (any more); one of another server may.
    ReadOnly,
}

impl Loss {
    pub(crate) fn of(error: &DieselError) -> Option<Self> {
        let DieselError::DatabaseError(kind, info) = error else { return None };
        match kind {
            DatabaseErrorKind::SerializationFailure => Some(Self::Contention),
            DatabaseErrorKind::ReadOnlyTransaction => Some(Self::ReadOnly),
            DatabaseErrorKind::Unknown if words::tells_of_a_deadlock(info.message()) => Some(Self::Contention),
            _ => None,
        }
    }
}
