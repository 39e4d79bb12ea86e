//! The port to the provider's own list of texts: what it got and what it sent, whether or not a webhook told of it.

use crate::telephony::ProviderError;
use chrono::{DateTime, Utc};
use rust_decimal::Decimal;

/// A text as the provider has it, in its own words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TextReport {
    /// The provider's SID.
    pub sid: String,
    /// Who sent it.
    pub from: String,
    /// Who it is for.
    pub to: String,
    /// The words.
    pub body: String,
    /// Whether it came in.
    pub inbound: bool,
    /// When it was sent, or came. `None` when the provider doesn't tell.
    pub at: Option<DateTime<Utc>>,
    /// How many pictures came with it.
    pub num_media: u16,
    /// What became of it: `delivered`, `received`…
    pub status: String,
    /// The provider's error code.
    pub error_code: Option<i32>,
    /// And its words.
    pub error_message: Option<String>,
    /// What it cost, without a minus sign; at most 4 decimals. `None` while that is not known.
    pub price: Option<Decimal>,
    /// The price's currency, like `USD`.
    pub price_unit: Option<String>,
}

/// Some of the texts that the account has, newest first.
#[derive(Debug, Clone, Default)]
pub struct TextPage {
    /// The texts.
    pub texts: Vec<TextReport>,
    /// How many more are on the page that can't be read.
    pub unreadable: usize,
    /// Where the next ones are, in the provider's words; `None` on the last page.
    pub next: Option<String>,
}

/// One picture, sound or document of a text, where the provider keeps it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MediaReport {
    /// Where it is.
    pub url: String,
    /// Its media type, like `image/jpeg`.
    pub content_type: String,
}

/// Knows of texts. One call of it must end within half a minute.
pub trait TextDirectory: Send + Sync {
    /// Texts that were sent, or came, from `since` on and up to `until`: the first of them, or those after an earlier page.
    ///
    /// # Errors
    /// [`ProviderError`].
    fn list(&self, since: DateTime<Utc>, until: Option<DateTime<Utc>>, after: Option<&str>) -> Result<TextPage, ProviderError>;

    /// What came with a text, in its order.
    ///
    /// # Errors
    /// [`ProviderError`].
    fn media(&self, sid: &str) -> Result<Vec<MediaReport>, ProviderError>;
}
