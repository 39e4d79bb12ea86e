//! Calls as Twilio's REST API, version 2010-04-01, has them.

use super::TwilioConfig;
use super::client::{Answer, Client, answered_by_an_error, plain};
use super::list::{Resources, dated, instant, price, scalar, unit};
use crate::telephony::ProviderError;
use crate::telephony::VoiceCallback;
use crate::telephony::{CallDirectory, CallPage, CallReport, LegReport};
use chrono::{DateTime, TimeDelta, Utc};
use serde::Deserialize;
use std::time::Duration;

/// The longest exchange.
const LIMIT: Duration = Duration::from_secs(12);

/// Calls on a page, Twilio's most.
const PAGE: &str = "1000";

/// Legs of one call that are looked at.
const LEGS: &str = "50";

/// Twilio's list of calls, behind [`CallDirectory`].
#[derive(Debug, Clone)]
pub struct TwilioCalls {
    client: Client,
}

/// The fields that are read of a call resource; the rest may change.
#[derive(Deserialize)]
struct CallResource {
    sid: String,
    #[serde(default, deserialize_with = "scalar")]
    parent_call_sid: Option<String>,
    #[serde(default, deserialize_with = "scalar")]
    from: Option<String>,
    #[serde(default, deserialize_with = "scalar")]
    to: Option<String>,
    status: String,
    #[serde(default, deserialize_with = "scalar")]
    direction: Option<String>,
    #[serde(default, deserialize_with = "scalar")]
    duration: Option<String>,
    #[serde(default, deserialize_with = "scalar")]
    price: Option<String>,
    #[serde(default, deserialize_with = "scalar")]
    price_unit: Option<String>,
    #[serde(default, deserialize_with = "scalar")]
    start_time: Option<String>,
    #[serde(default, deserialize_with = "scalar")]
    end_time: Option<String>,
    #[serde(default, deserialize_with = "scalar")]
    date_created: Option<String>,
    #[serde(default, deserialize_with = "scalar")]
    answered_by: Option<String>,
    #[serde(default, deserialize_with = "scalar")]
    caller_name: Option<String>,
    #[serde(default, deserialize_with = "scalar")]
    forwarded_from: Option<String>,
}

#[derive(Deserialize)]
struct CallList {
    calls: Resources<CallResource>,
    #[serde(default)]
    next_page_uri: Option<String>,
}

impl CallResource {
    /// What it says as the leg of another call, if it is one that has ended.
    fn leg(&self) -> Option<LegReport> {
        let parent = self.parent_call_sid.clone().filter(|parent| !parent.is_empty())?;
        Some(LegReport { parent, status: self.status.parse().ok()?, answered_by: self.answered_by.clone() })
    }

    /// The instant at which the call began.
    fn began_at(&self) -> Option<DateTime<Utc>> {
        dated(self.start_time.as_deref()).or_else(|| dated(self.date_created.as_deref()))
    }

    /// The instant at which the call ended, or began if it has not. A call that nobody took may have no end there: it ended soon
    /// after it began.
    fn happened_at(&self) -> Option<DateTime<Utc>> {
        let length = self.duration.as_deref().and_then(|text| text.parse().ok()).and_then(TimeDelta::try_seconds);
        let reckoned = || self.began_at()?.checked_add_signed(length.unwrap_or_default());
        dated(self.end_time.as_deref()).or_else(reckoned)
    }

    /// `None` when it is none that we could have recorded.
    fn report(self) -> Option<CallReport> {
        let (began_at, at) = (self.began_at(), self.happened_at());
        // The same fields as its callback has, under other names.
        let told = [
            ("CallSid", Some(self.sid)),
            ("From", Some(self.from.unwrap_or_default())),
            ("To", self.to),
            ("Direction", self.direction),
            ("CallStatus", Some(self.status)),
            ("CallDuration", self.duration),
            ("AnsweredBy", self.answered_by),
            ("CallerName", self.caller_name),
            ("ForwardedFrom", self.forwarded_from),
            ("Timestamp", at.map(|at| at.to_rfc2822())),
        ];
        let params: Vec<(String, String)> =
            told.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?))).collect();
        Some(CallReport {
            callback: VoiceCallback::parse(&params).ok()?,
            began_at,
            price: price(self.price.as_deref()),
            price_unit: unit(self.price_unit),
        })
    }
}

impl TwilioCalls {
    /// Twilio's list of calls, for this account. Nothing is asked yet.
    #[must_use]
    pub fn new(config: &TwilioConfig) -> Self {
        Self { client: Client::new(config, LIMIT) }
    }

    fn ask(&self, url: &str, query: &[(&str, &str)]) -> Result<Answer, ProviderError> {
        let answer =
            self.client.get(url, query).map_err(|error| not_now(format!("Twilio can't be reached: {}", plain(&error))))?;
        answered_by_an_error(&answer).map_or(Ok(answer), Err)
    }

    /// What became of a call's legs: only they tell whether a call that was forwarded was taken.
    fn legs(&self, sid: &str) -> Result<Vec<LegReport>, ProviderError> {
        let answer = self.ask(&self.client.resource("Calls.json"), &[("ParentCallSid", sid), ("PageSize", LEGS)])?;
        let list: CallList = answer.read().map_err(|_| unreadable())?;
        Ok(list.calls.read.iter().filter_map(CallResource::leg).filter(|leg| leg.parent == sid).collect())
    }
}

impl CallDirectory for TwilioCalls {
    fn find(&self, sid: &str) -> Result<Option<CallReport>, ProviderError> {
        if sid.is_empty() || !sid.bytes().all(|b| b.is_ascii_alphanumeric()) {
            return Ok(None);
        }
        let answer = match self.ask(&self.client.resource(&format!("Calls/{sid}.json")), &[]) {
            Ok(answer) => answer,
            Err(ProviderError::Gone) => return Ok(None),
            Err(error) => return Err(error),
        };
        let resource = answer.read::<CallResource>().map_err(|_| unreadable())?;
        let is_completed = resource.status == "completed";
        let mut report = resource.report().ok_or_else(unreadable)?;
        if is_completed {
            for leg in self.legs(sid)? {
                report.add_leg(&leg);
            }
        }
        Ok(Some(report))
    }

    fn list(&self, since: DateTime<Utc>, until: Option<DateTime<Utc>>, after: Option<&str>) -> Result<CallPage, ProviderError> {
        let answer = match after {
            Some(uri) => self.ask(&self.client.page(uri).ok_or_else(unreadable)?, &[])?,
            None => {
                let (since, until) = (instant(since), until.map(instant));
                // The operator is part of the parameter's name: StartTime>=2026-11-16T12:00:00Z.
                let mut query = vec![("StartTime>", since.as_str()), ("PageSize", PAGE)];
                query.extend(until.as_deref().map(|until| ("StartTime<", until)));
                self.ask(&self.client.resource("Calls.json"), &query)?
            }
        };
        let list: CallList = answer.read().map_err(|_| unreadable())?;
        let mut page = CallPage {
            unreadable: list.calls.unreadable,
            next: list.next_page_uri.filter(|uri| !uri.is_empty()),
            ..CallPage::default()
        };
        for resource in list.calls.read {
            if resource.parent_call_sid.as_deref().is_some_and(|parent| !parent.is_empty()) {
                page.legs.extend(resource.leg());
            } else if let Some(report) = resource.report() {
                page.calls.push(report);
            } else {
                page.unreadable += 1;
            }
        }
        Ok(page)
    }
}

fn not_now(reason: String) -> ProviderError {
    ProviderError::NotNow { retry_after: None, reason }
}

fn unreadable() -> ProviderError {
    not_now("Twilio's answer can't be read".to_owned())
}
