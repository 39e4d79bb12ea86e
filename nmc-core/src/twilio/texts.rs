//! The list of texts as Twilio's REST API, version 2010-04-01, has it.

use super::TwilioConfig;
use super::client::{Answer, Client, answered_by_an_error, plain};
use super::list::{Resources, dated, instant, price, scalar, unit};
use crate::telephony::ProviderError;
use crate::telephony::{MediaReport, TextDirectory, TextPage, TextReport};
use chrono::{DateTime, Utc};
use serde::Deserialize;
use std::time::Duration;

/// The longest exchange.
const LIMIT: Duration = Duration::from_secs(12);

/// Texts on a page: as many as fit into the longest answer that is read, however long they are.
const PAGE: &str = "250";

/// Twilio's list of texts, behind [`TextDirectory`].
#[derive(Debug, Clone)]
pub struct TwilioTexts {
    client: Client,
}

/// The fields that are read of a message resource; the rest may change.
#[derive(Deserialize)]
struct TextResource {
    sid: String,
    #[serde(default, deserialize_with = "scalar")]
    from: Option<String>,
    #[serde(default, deserialize_with = "scalar")]
    to: Option<String>,
    #[serde(default, deserialize_with = "scalar")]
    body: Option<String>,
    #[serde(default, deserialize_with = "scalar")]
    direction: Option<String>,
    #[serde(default, deserialize_with = "scalar")]
    status: Option<String>,
    #[serde(default, deserialize_with = "scalar")]
    date_sent: Option<String>,
    #[serde(default, deserialize_with = "scalar")]
    date_created: Option<String>,
    #[serde(default, deserialize_with = "scalar")]
    num_media: Option<String>,
    #[serde(default, deserialize_with = "scalar")]
    error_code: Option<String>,
    #[serde(default, deserialize_with = "scalar")]
    error_message: Option<String>,
    #[serde(default, deserialize_with = "scalar")]
    price: Option<String>,
    #[serde(default, deserialize_with = "scalar")]
    price_unit: Option<String>,
}

#[derive(Deserialize)]
struct TextList {
    messages: Resources<TextResource>,
    #[serde(default)]
    next_page_uri: Option<String>,
}

#[derive(Deserialize)]
struct MediaResource {
    uri: String,
    #[serde(default)]
    content_type: Option<String>,
}

#[derive(Deserialize)]
struct MediaList {
    media_list: Resources<MediaResource>,
}

impl TextResource {
    fn report(self) -> TextReport {
        TextReport {
            at: dated(self.date_sent.as_deref()).or_else(|| dated(self.date_created.as_deref())),
            sid: self.sid,
            from: self.from.unwrap_or_default(),
            to: self.to.unwrap_or_default(),
            body: self.body.unwrap_or_default(),
            // One that does not say which way it went came in, if it came to a number of ours.
            inbound: self.direction.is_none_or(|way| way == "inbound"),
            num_media: self.num_media.and_then(|text| text.parse().ok()).unwrap_or(0),
            status: self.status.unwrap_or_default(),
            error_code: self.error_code.and_then(|code| code.parse().ok()).filter(|code| *code != 0),
            error_message: self.error_message,
            price: price(self.price.as_deref()),
            price_unit: unit(self.price_unit),
        }
    }
}

impl TwilioTexts {
    /// Twilio's list of texts, for this account. Nothing is asked yet.
    #[must_use]
    pub fn new(config: &TwilioConfig) -> Self {
        Self { client: Client::new(config, LIMIT) }
    }

    fn ask(&self, url: &str, query: &[(&str, &str)]) -> Result<Answer, ProviderError> {
        let answer =
            self.client.get(url, query).map_err(|error| not_now(format!("Twilio can't be reached: {}", plain(&error))))?;
        answered_by_an_error(&answer).map_or(Ok(answer), Err)
    }
}

impl TextDirectory for TwilioTexts {
    fn list(&self, since: DateTime<Utc>, until: Option<DateTime<Utc>>, after: Option<&str>) -> Result<TextPage, ProviderError> {
        let answer = match after {
            Some(uri) => self.ask(&self.client.page(uri).ok_or_else(unreadable)?, &[])?,
            None => {
                let (since, until) = (instant(since), until.map(instant));
                // The operator is part of the parameter's name: DateSent>=2026-11-16T12:00:00Z.
                let mut query = vec![("DateSent>", since.as_str()), ("PageSize", PAGE)];
                query.extend(until.as_deref().map(|until| ("DateSent<", until)));
                self.ask(&self.client.resource("Messages.json"), &query)?
            }
        };
        let list: TextList = answer.read().map_err(|_| unreadable())?;
        let texts = list.messages.read.into_iter().map(TextResource::report).collect();
        let next = list.next_page_uri.filter(|uri| !uri.is_empty());
        Ok(TextPage { unreadable: list.messages.unreadable, texts, next })
    }

    fn media(&self, sid: &str) -> Result<Vec<MediaReport>, ProviderError> {
        if sid.is_empty() || !sid.bytes().all(|b| b.is_ascii_alphanumeric()) {
            return Ok(Vec::new());
        }
        let answer = match self.ask(&self.client.resource(&format!("Messages/{sid}/Media.json")), &[]) {
            Ok(answer) => answer,
            Err(ProviderError::Gone) => return Ok(Vec::new()),
            Err(error) => return Err(error),
        };
        let list: MediaList = answer.read().map_err(|_| unreadable())?;
        let kept = list.media_list.read.into_iter().filter_map(|media| {
            Some(MediaReport {
                url: self.client.page(media.uri.strip_suffix(".json").unwrap_or(&media.uri))?,
                content_type: media.content_type.unwrap_or_default(),
            })
        });
        Ok(kept.collect())
    }
}

fn not_now(reason: String) -> ProviderError {
    ProviderError::NotNow { retry_after: None, reason }
}

fn unreadable() -> ProviderError {
    not_now("Twilio's answer can't be read".to_owned())
}
