//! The port through which the pictures of texts are fetched.

use std::time::Duration;

/// A picture that was fetched.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FetchedMedia {
    /// The bytes, whole; no more than were asked for.
    pub bytes: Vec<u8>,
}

/// The reason why a picture was not fetched.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum FetchError {
    /// Trying again may help.
    #[error("{reason}")]
    NotNow {
        /// How long the provider asks to wait.
        retry_after: Option<Duration>,
        /// The reason, in plain words.
        reason: String,
    },
    /// The provider has none there, or not yet.
    #[error("the provider has it no more")]
    Gone,
    /// The picture has more bytes than are kept.
    #[error("it is too large to be kept")]
    TooLarge,
    /// The picture will never be fetched.
    #[error("{reason}")]
    Refused {
        /// The reason, in plain words.
        reason: String,
    },
}

/// The port that fetches the pictures of texts. It is called with no transaction open.
pub trait MediaSource: Send + Sync {
    /// The bytes at an address that the provider told, `limit` at the most. It ends within half a minute.
    ///
    /// # Errors
    /// [`FetchError`].
    fn fetch(&self, url: &str, limit: usize) -> Result<FetchedMedia, FetchError>;
}
