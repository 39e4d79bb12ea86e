//! The port through which the provider is asked about calls.

use super::VoiceCallback;
use crate::ForwardedLegStatus;
use crate::error::ProviderError;
use chrono::{DateTime, Utc};
use rust_decimal::Decimal;

/// A call as the provider has it.
#[derive(Debug, Clone)]
pub struct CallReport {
    /// The callback that would tell of the call as it is now.
    pub callback: VoiceCallback,
    /// The instant at which the call began.
    pub began_at: Option<DateTime<Utc>>,
    /// The cost of the call, without a minus sign; at most 4 decimals. `None` while that is not known.
    pub price: Option<Decimal>,
    /// The price's currency, like `USD`.
    pub price_unit: Option<String>,
}

/// A leg that forwarded a call, and has ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LegReport {
    /// The provider's SID of the call that it is a leg of.
    pub parent: String,
    /// The status in which the leg ended.
    pub status: ForwardedLegStatus,
    /// The verdict of answering-machine detection.
    pub answered_by: Option<String>,
}

/// A page of the calls that the account has, newest first.
#[derive(Debug, Clone, Default)]
pub struct CallPage {
    /// Calls that came in or went out.
    pub calls: Vec<CallReport>,
    /// The legs among the calls that are on the page.
    pub legs: Vec<LegReport>,
    /// How many more are on the page that can't be read.
    pub unreadable: usize,
    /// The cursor of the next page, in the provider's words; `None` on the last page.
    pub next: Option<String>,
}

/// The port that knows of calls. One call of it must end within half a minute.
pub trait CallDirectory: Send + Sync {
    /// The call with this SID, if the account has it, with what became of its legs.
    ///
    /// # Errors
    /// [`ProviderError`].
    fn find(&self, sid: &str) -> Result<Option<CallReport>, ProviderError>;

    /// Calls that began from `since` on and up to `until`: the first of them, or those after an earlier page.
    ///
    /// # Errors
    /// [`ProviderError`].
    fn list(&self, since: DateTime<Utc>, until: Option<DateTime<Utc>>, after: Option<&str>) -> Result<CallPage, ProviderError>;
}
