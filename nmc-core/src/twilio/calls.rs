//! Calls as Twilio's REST API, version 2010-04-01, has them.

use super::client::{Client, answered_by_an_error, plain};
use super::{TwilioConfig, VoiceCallback};
use crate::calls::{CallDirectory, CallReport};
use crate::numbers::ProviderError;
use rust_decimal::{Decimal, RoundingStrategy};
use serde::Deserialize;
use std::time::Duration;

/// The longest exchange.
const LIMIT: Duration = Duration::from_secs(12);

/// Asks Twilio about calls.
#[derive(Debug, Clone)]
pub struct TwilioCalls {
    client: Client,
}

/// What is read of a call resource; the rest may change.
#[derive(Deserialize)]
struct CallResource {
    sid: String,
    from: String,
    to: String,
    status: String,
    direction: String,
    #[serde(default)]
    duration: Option<String>,
    #[serde(default)]
    price: Option<String>,
    #[serde(default)]
    price_unit: Option<String>,
    #[serde(default)]
    end_time: Option<String>,
    #[serde(default)]
    answered_by: Option<String>,
    #[serde(default)]
    caller_name: Option<String>,
}

impl CallResource {
    /// `None` when it is none that we could have recorded.
    fn report(self) -> Option<CallReport> {
        // The same fields as its callback has, under other names.
        let told = [
            ("CallSid", Some(self.sid)),
            ("From", Some(self.from)),
            ("To", Some(self.to)),
            ("Direction", Some(self.direction)),
            ("CallStatus", Some(self.status)),
            ("CallDuration", self.duration),
            ("AnsweredBy", self.answered_by),
            ("CallerName", self.caller_name),
            ("Timestamp", self.end_time),
        ];
        let params: Vec<(String, String)> =
            told.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?))).collect();
        let price = self.price.and_then(|text| text.parse::<Decimal>().ok()).map(|price| price.abs());
        Some(CallReport {
            callback: VoiceCallback::parse(&params).ok()?,
            price: price.map(|price| price.round_dp_with_strategy(4, RoundingStrategy::MidpointAwayFromZero)),
            price_unit: self.price_unit.map(|unit| unit.to_ascii_uppercase()),
        })
    }
}

impl TwilioCalls {
    /// Over this account. Nothing is asked yet.
    #[must_use]
    pub fn new(config: &TwilioConfig) -> Self {
        Self { client: Client::new(config, LIMIT) }
    }
}

impl CallDirectory for TwilioCalls {
    fn find(&self, sid: &str) -> Result<Option<CallReport>, ProviderError> {
        let not_now = |reason: String| ProviderError::NotNow { retry_after: None, reason };
        let unreadable = || not_now("Twilio's answer can't be read".to_owned());
        if sid.is_empty() || !sid.bytes().all(|b| b.is_ascii_alphanumeric()) {
            return Ok(None);
        }
        let answer = self
            .client
            .get(&self.client.resource(&format!("Calls/{sid}.json")), &[])
            .map_err(|error| not_now(format!("Twilio can't be reached: {}", plain(&error))))?;
        match answered_by_an_error(&answer) {
            None => answer.read::<CallResource>().ok().and_then(CallResource::report).map(Some).ok_or_else(unreadable),
            Some(ProviderError::Gone) => Ok(None),
            Some(error) => Err(error),
        }
    }
}
