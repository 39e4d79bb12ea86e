//! Why the provider of phone numbers did not do what it was asked.

use super::Error;
use std::time::Duration;

/// The reason why the provider did not do as asked, as far as is known. None says more than anybody may hear.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ProviderError {
    /// Certainly not done; trying again may help.
    #[error("{reason}")]
    NotNow {
        /// How long the provider asks to wait.
        retry_after: Option<Duration>,
        /// The reason in words.
        reason: String,
    },
    /// The request may or may not have been carried out: the answer got lost.
    #[error("{reason}")]
    InDoubt {
        /// How long the provider asks to wait.
        retry_after: Option<Duration>,
        /// The reason in words.
        reason: String,
    },
    /// The number is not for sale, or not any more.
    #[error("the number is not for sale, or somebody has taken it meanwhile; search for another one")]
    Taken,
    /// The account has no such number, or no such call.
    #[error("the provider has no such number or call in this account")]
    Gone,
    /// The SID is that of another number: nothing was changed, and nothing given back.
    #[error("the SID is that of another number at the provider, so nothing was changed there; the row has to be put right")]
    Mismatched,
    /// The provider sells nothing of the kind in that country.
    #[error("the provider sells no numbers of this kind in that country, or knows no such country")]
    Country,
    /// The account can't pay.
    #[error("the provider says that the account has no funds or is suspended ({said}); top it up there, then try again")]
    NoFunds {
        /// The provider's code, in words.
        said: String,
    },
    /// The account is not let in.
    #[error("the provider refuses our credentials ({said})")]
    Credentials {
        /// The provider's code, in words.
        said: String,
    },
    /// Certainly not done, and never will be.
    #[error("{reason}")]
    Refused {
        /// The provider's code.
        code: Option<i32>,
        /// The reason in words.
        reason: String,
    },
}

const SEE_TO_IT: &str = "whoever operates the platform has to see to the account at the provider";

impl ProviderError {
    /// Whether asking again, with nothing changed, may help.
    #[must_use]
    pub const fn is_passing(&self) -> bool {
        matches!(self, Self::NotNow { .. } | Self::InDoubt { .. })
    }

    /// How long the provider asks to wait before it is asked again.
    #[must_use]
    pub const fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::NotNow { retry_after, .. } | Self::InDoubt { retry_after, .. } => *retry_after,
            _ => None,
        }
    }

    /// Whether the refusal is about the account as a whole: nothing that a business does mends it, an operator has to.
    #[must_use]
    pub const fn is_for_operators(&self) -> bool {
        matches!(self, Self::NoFunds { .. } | Self::Credentials { .. })
    }

    /// The words that tell the business of the refusal, in its row and in answers to it. How the platform is set up is not its
    /// business.
    #[must_use]
    pub fn told(&self) -> String {
        match self {
            Self::NoFunds { said } => {
                format!("the provider says that the account has no funds or is suspended ({said}); {SEE_TO_IT}")
            }
            Self::Credentials { said } => format!("the provider does not let the platform in ({said}); {SEE_TO_IT}"),
            other => other.to_string(),
        }
    }
}

impl From<ProviderError> for Error {
    fn from(error: ProviderError) -> Self {
        if error.is_passing() { Self::unavailable("the provider can't be asked now", error) } else { Self::Provider(error) }
    }
}
