//! What sort of error it is, for programs: to tell errors apart, to try again, to answer over HTTP.

use super::{Error, ProviderError};

/// The kinds of [`Error`], without what an error says of itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// [`Error::NotFound`]
    NotFound,
    /// [`Error::Conflict`]
    Conflict,
    /// [`Error::Invalid`]
    Invalid,
    /// [`Error::Stale`]
    Stale,
    /// [`Error::InvalidTransition`]
    InvalidTransition,
    /// [`Error::Unauthenticated`]
    Unauthenticated,
    /// [`Error::Forbidden`]
    Forbidden,
    /// [`Error::AwaitingApproval`]
    AwaitingApproval,
    /// [`Error::Provider`]
    Provider,
    /// [`Error::Unavailable`]
    Unavailable,
    /// [`Error::Internal`]
    Internal,
}

impl Error {
    /// The kind of the error.
    #[must_use]
    pub const fn kind(&self) -> ErrorKind {
        match self {
            Self::NotFound { .. } => ErrorKind::NotFound,
            Self::Conflict { .. } => ErrorKind::Conflict,
            Self::Invalid { .. } => ErrorKind::Invalid,
            Self::Stale { .. } => ErrorKind::Stale,
            Self::InvalidTransition { .. } => ErrorKind::InvalidTransition,
            Self::Unauthenticated(_) => ErrorKind::Unauthenticated,
            Self::Forbidden(_) => ErrorKind::Forbidden,
            Self::AwaitingApproval(_) => ErrorKind::AwaitingApproval,
            Self::Provider(_) => ErrorKind::Provider,
            Self::Unavailable { .. } => ErrorKind::Unavailable,
            Self::Internal(_) => ErrorKind::Internal,
        }
    }

    /// Whether the same call may succeed later, with nothing changed.
    #[must_use]
    pub const fn is_retryable(&self) -> bool {
        matches!(self, Self::Unavailable { .. })
    }

    /// The HTTP status that tells a client of this error.
    #[must_use]
    pub const fn status(&self) -> u16 {
        match self {
            Self::Invalid { .. } => 400,
            Self::Unauthenticated(_) => 401,
            Self::Forbidden(_) | Self::AwaitingApproval(_) => 403,
            Self::NotFound { .. } => 404,
            Self::Conflict { .. } | Self::InvalidTransition { .. } => 409,
            Self::Stale { .. } => 412,
            Self::Provider(refusal) => refusal.status(),
            Self::Internal(_) => 500,
            Self::Unavailable { .. } => 503,
        }
    }
}

impl ProviderError {
    /// The HTTP status that tells a client of this refusal.
    #[must_use]
    pub const fn status(&self) -> u16 {
        match self {
            Self::Country => 400,
            // The row of a number that is gone is there, and says so; it is the provider that has nothing under it.
            Self::Taken | Self::Gone => 409,
            Self::Mismatched | Self::Refused { .. } => 422,
            Self::NoFunds { .. } | Self::Credentials { .. } => 502,
            Self::NotNow { .. } | Self::InDoubt { .. } => 503,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_passes_is_worth_a_retry() {
        let retryable = [
            Error::try_later("the database can't be reached"),
            Error::read_only("the session is read-only"),
            ProviderError::InDoubt { retry_after: None, reason: "no answer".to_owned() }.into(),
        ];
        for error in retryable {
            assert_eq!((error.kind(), error.status(), error.is_retryable()), (ErrorKind::Unavailable, 503, true), "{error}");
        }
        for (error, kind, status) in [
            (Error::invalid("name", "is required"), ErrorKind::Invalid, 400),
            (Error::missing("call_id", "call"), ErrorKind::Invalid, 400),
            (Error::NotFound { entity: "call" }, ErrorKind::NotFound, 404),
            (Error::conflict("email", "is already taken"), ErrorKind::Conflict, 409),
            (ProviderError::Taken.into(), ErrorKind::Provider, 409),
            (Error::internal("a defect"), ErrorKind::Internal, 500),
        ] {
            assert_eq!((error.kind(), error.status(), error.is_retryable()), (kind, status, false), "{error}");
        }
    }
}
