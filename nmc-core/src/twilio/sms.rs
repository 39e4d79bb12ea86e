//! Texts through Twilio's REST API, version 2010-04-01.

use super::TwilioConfig;
use super::client::{Answer, Client, never_arrived, plain};
use super::list::{dated, scalar};
use crate::MessageStatus;
use crate::telephony::{Lookup, OutboundSms, SendError, SendReceipt, SmsSender};
use chrono::{DateTime, TimeDelta, Utc};
use serde::Deserialize;
use std::time::{Duration, Instant};

/// Messages on a page; texts of some minutes to one person are a handful.
const LOOKUP_PAGE: &str = "100";

/// Pages that are read at most.
const LOOKUP_PAGES: usize = 10;

/// When the last page may be asked for, so that all of them take no more than the ten seconds of a call.
const LAST_PAGE_WITHIN: Duration = Duration::from_secs(2);

/// How far Twilio's clock may be behind ours.
const SKEW: TimeDelta = TimeDelta::minutes(10);

/// The longest exchange: a STOP of the recipient waits for its end.
const LIMIT: Duration = Duration::from_secs(8);

/// The words that Twilio puts before a trial account's texts.
const TRIAL: &str = "Sent from your Twilio trial account - ";

/// Sends texts through Twilio.
#[derive(Debug, Clone)]
pub struct TwilioSms {
    client: Client,
    messages_url: String,
    delivery_url: String,
}

/// The fields that are read of a message resource; the rest may change.
#[derive(Deserialize)]
struct MessageResource {
    sid: String,
    #[serde(default, deserialize_with = "scalar")]
    status: Option<String>,
    #[serde(default, deserialize_with = "scalar")]
    body: Option<String>,
    #[serde(default, deserialize_with = "scalar")]
    direction: Option<String>,
    #[serde(default, deserialize_with = "scalar")]
    date_created: Option<String>,
    #[serde(default, deserialize_with = "scalar")]
    error_code: Option<String>,
}

#[derive(Deserialize)]
struct MessagePage {
    messages: Vec<MessageResource>,
    #[serde(default)]
    next_page_uri: Option<String>,
}

impl TwilioSms {
    /// Twilio as the sender of texts, for this account. Nothing is sent yet.
    #[must_use]
    pub fn new(config: &TwilioConfig) -> Self {
        let client = Client::new(config, LIMIT);
        let messages_url = client.resource("Messages.json");
        Self { client, messages_url, delivery_url: config.callbacks.delivery.clone() }
    }

    /// The callback carries our id, so that it finds the text even if the answer to the sending got lost.
    fn callback_url(&self, sms: &OutboundSms<'_>) -> String {
        format!("{}?message={}", self.delivery_url, sms.id)
    }

    /// The page of this list that is found at `uri`, or its first.
    fn lookup_page(&self, query: &[(&str, &str)], uri: Option<&str>) -> Result<MessagePage, SendError> {
        let unreadable = || not_now("Twilio's answer about a text in doubt can't be read".to_owned());
        let asked = match uri {
            Some(uri) => self.client.get(&self.client.page(uri).ok_or_else(unreadable)?, &[]),
            None => self.client.get(&self.messages_url, query),
        };
        let answer = asked.map_err(|error| not_now(format!("Twilio can't be asked about a text in doubt: {}", plain(&error))))?;
        let Answer { status, retry_after, .. } = answer;
        if status != 200 {
            let reason = format!("Twilio answered {status} when asked about a text in doubt");
            return Err(SendError::NotNow { retry_after, reason });
        }
        answer.read().map_err(|_| unreadable())
    }
}

impl SmsSender for TwilioSms {
    fn send(&self, sms: &OutboundSms<'_>) -> Result<SendReceipt, SendError> {
        let callback = self.callback_url(sms);
        let mut form = vec![("From", sms.from.as_str()), ("To", sms.to.as_str()), ("Body", sms.body)];
        form.extend(sms.wants_report.then_some(("StatusCallback", callback.as_str())));
        let answer = self.client.post(&self.messages_url, &form).map_err(|error| not_answered(&error))?;
        let Answer { status, retry_after, .. } = answer;
        match status {
            200..=299 => {
                let message: MessageResource = answer
                    .read()
                    .map_err(|_| SendError::InDoubt { reason: "Twilio took the text but its answer can't be read".to_owned() })?;
                Ok(receipt(message))
            }
            // Without a code it is somebody's in between, and says nothing of what Twilio has.
            400..=499 => Err(match answer.code() {
                Some(_) if status == 429 => {
                    SendError::SlowDown { retry_after, reason: "Twilio asks to slow down (429)".to_owned() }
                }
                Some(code) => refused_as(code),
                None => SendError::InDoubt { reason: format!("an answer ({status}) that is not Twilio's") },
            }),
            // A text may have gone out before a 5xx came back.
            _ => Err(SendError::InDoubt { reason: format!("Twilio answered {status}") }),
        }
    }

    fn lookup(&self, sms: &OutboundSms<'_>, since: DateTime<Utc>) -> Result<Lookup, SendError> {
        // Twilio's clock need not agree with ours. What an earlier row sent has its SID there, and is not taken for this one.
        let since = since - SKEW;
        let is_it = |message: &MessageResource| {
            let body = message.body.as_deref().unwrap_or_default();
            let is_outbound = message.direction.as_deref().is_none_or(|way| way.starts_with("outbound"));
            let is_young = dated(message.date_created.as_deref()).is_none_or(|at| at >= since);
            body.strip_prefix(TRIAL).unwrap_or(body).trim() == sms.body.trim() && is_outbound && is_young
        };
        // Twilio may keep a number under its other spelling.
        let mut asked = sms.to.spellings().into_iter();
        let (mut held, mut next) = (Vec::new(), None::<String>);
        let begun = Instant::now();
        let mut spelling = asked.next();
        for _ in 0..LOOKUP_PAGES {
            let Some(to) = &spelling else { return Ok(Lookup::Held(held)) };
            if begun.elapsed() > LAST_PAGE_WITHIN {
                break;
            }
            let query = [("To", to.as_str()), ("From", sms.from.as_str()), ("PageSize", LOOKUP_PAGE)];
            let page = self.lookup_page(&query, next.as_deref())?;
            // The newest come first: behind a page of old ones there is none.
            let is_past = page.messages.iter().all(|message| dated(message.date_created.as_deref()).is_some_and(|at| at < since));
            held.splice(..0, page.messages.into_iter().filter(is_it).map(receipt).rev());
            next = page.next_page_uri.filter(|uri| !uri.is_empty() && !is_past);
            if next.is_none() {
                spelling = asked.next();
            }
        }
        if spelling.is_none() {
            return Ok(Lookup::Held(held));
        }
        Err(not_now("Twilio's list about a text in doubt is too long to be read now".to_owned()))
    }
}

fn not_now(reason: String) -> SendError {
    SendError::NotNow { retry_after: None, reason }
}

fn receipt(message: MessageResource) -> SendReceipt {
    // Twilio's queue comes after ours; a word that is new to us means at least that Twilio has it.
    let status = match message.status.as_deref() {
        None | Some("queued") => MessageStatus::Accepted,
        Some(word) => word.parse().unwrap_or(MessageStatus::Accepted),
    };
    let error_code = message.error_code.and_then(|code| code.parse().ok());
    SendReceipt { sid: message.sid, status, error_code }
}

fn refused_as(code: i32) -> SendError {
    SendError::Refused { code: Some(code), reason: format!("Twilio refused the text (error {code})") }
}

/// No answer at all. Only when the connection was never made is it certain that nothing was sent.
fn not_answered(error: &ureq::Error) -> SendError {
    let reason = format!("Twilio can't be reached: {}", plain(error));
    if never_arrived(error) { not_now(reason) } else { SendError::InDoubt { reason } }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Secret;
    use crate::telephony::CallbackUrls;
    use crate::telephony::LONGEST_SEND;

    #[test]
    fn every_wait_has_an_end() {
        let sender = TwilioSms::new(&TwilioConfig {
            account_sid: "AC1".to_owned(),
            auth_token: Secret::new("token"),
            callbacks: CallbackUrls::default(),
            api_url: None,
        });
        let timeouts = sender.client.config().timeouts();
        let longest = timeouts.global.expect("a limit");
        assert!(longest <= LONGEST_SEND, "the port's promise");
        assert!(timeouts.connect.is_some_and(|limit| limit < longest));
    }
}
