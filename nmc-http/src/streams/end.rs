//! Why a stream ends, in the words and the close codes that clients read.

use crate::error::ApiError;
use actix_web::ResponseError as _;

/// The reason why a stream ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum End {
    /// The client has gone.
    Gone,
    /// The access token has expired.
    Expired,
    /// The session or key, its account or its business is no longer in force.
    Revoked,
    /// The client takes less than comes.
    Slow,
    /// The server stops.
    Stopping,
    /// The database can't be asked, or there is no place.
    Unavailable,
    /// The client has not said in time who it is.
    Late,
    /// The client does not answer pings.
    Silent,
    /// The first message shows no credential that is in force.
    Unauthenticated,
    /// The credential is not for this.
    Forbidden,
    /// The first message breaks another rule.
    Invalid,
    /// The client sends more messages than are heard, or has too many streams.
    TooMany,
    /// A message is longer than any that is heard.
    TooLong,
    /// A message is no text.
    Binary,
    /// The bytes that came are no WebSocket's.
    Malformed,
}

impl End {
    /// The end of a socket whose first message is refused.
    pub(crate) fn of_refusal(error: &ApiError) -> Self {
        match error.status_code().as_u16() {
            401 => Self::Unauthenticated,
            403 => Self::Forbidden,
            429 => Self::TooMany,
            500.. => Self::Unavailable,
            _ => Self::Invalid,
        }
    }

    pub(crate) const fn label(self) -> &'static str {
        match self {
            Self::Gone => "gone",
            Self::Expired => "expired",
            Self::Revoked => "revoked",
            Self::Slow => "slow",
            Self::Stopping => "stopping",
            Self::Unavailable => "unavailable",
            Self::Late => "late",
            Self::Silent => "silent",
            Self::Unauthenticated => "unauthenticated",
            Self::Forbidden => "forbidden",
            Self::Invalid => "invalid",
            Self::TooMany => "too_many",
            Self::TooLong => "too_long",
            Self::Binary => "binary",
            Self::Malformed => "malformed",
        }
    }

    /// The close code of a WebSocket (RFC 6455, 7.4): those from 4000 on are ours, and end as the status of HTTP does.
    pub(crate) const fn close_code(self) -> u16 {
        match self {
            Self::Gone => 1000,
            Self::Stopping => 1001,
            Self::Malformed => 1002,
            Self::Binary => 1003,
            Self::TooLong => 1009,
            Self::Slow | Self::Unavailable => 1013,
            Self::Invalid => 4400,
            Self::Expired | Self::Revoked | Self::Unauthenticated => 4401,
            Self::Forbidden => 4403,
            Self::Late | Self::Silent => 4408,
            Self::TooMany => 4429,
        }
    }
}
