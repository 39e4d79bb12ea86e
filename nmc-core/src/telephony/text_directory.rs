//! The port to the provider's own list of texts: what it got and what it sent, whether or not a webhook told of it.

use crate::telephony::ProviderError;
use chrono::{DateTime, Utc};
use rust_decimal::Decimal;

/// A text as the provider has it, in its own words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TextReport {
    /// The provider's SID.
    pub sid: String,
    /// The sender of the text.
    pub from: String,
    /// The recipient of the text.
    pub to: String,
    /// The body of the text.
    pub body: String,
    /// Whether the text came in.
    pub inbound: bool,
    /// The instant at which the text was sent, or came. `None` when the provider doesn't tell.
    pub at: Option<DateTime<Utc>>,
    /// The number of pictures that came with the text.
    pub num_media: u16,
    /// The status of the text: `delivered`, `received`…
    pub status: String,
    /// The provider's error code.
    pub error_code: Option<i32>,
    /// The words of the provider's error.
    pub error_message: Option<String>,
    /// The cost of the text, without a minus sign; at most 4 decimals. `None` while that is not known.
    pub price: Option<Decimal>,
    /// The price's currency, like `USD`.
    pub price_unit: Option<String>,
}

/// A page of the texts that the account has, newest first.
#[derive(Debug, Clone, Default)]
pub struct TextPage {
    /// The texts of the page.
    pub texts: Vec<TextReport>,
    /// How many more are on the page that can't be read.
    pub unreadable: usize,
    /// The cursor of the next page, in the provider's words; `None` on the last page.
    pub next: Option<String>,
}

/// One picture, sound or document of a text, where the provider keeps it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MediaReport {
    /// The URL of the file at the provider.
    pub url: String,
    /// The media type of the file, like `image/jpeg`.
    pub content_type: String,
}

/// The port that knows of texts. One call of it must end within half a minute.
pub trait TextDirectory: Send + Sync {
    /// Texts that were sent, or came, from `since` on and up to `until`: the first of them, or those after an earlier page.
    ///
    /// # Errors
    /// [`ProviderError`].
    fn list(&self, since: DateTime<Utc>, until: Option<DateTime<Utc>>, after: Option<&str>) -> Result<TextPage, ProviderError>;

    /// The files that came with a text, in their order.
    ///
    /// # Errors
    /// [`ProviderError`].
    fn media(&self, sid: &str) -> Result<Vec<MediaReport>, ProviderError>;
}
