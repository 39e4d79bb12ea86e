//! The Messages resource.

use super::wire::{Answer, Request, page_size, value};
use super::{ACCOUNT, FakeTwilio, INVALID_NUMBER, Server, new_sid};
use crate::PhoneNumber;
use chrono::{DateTime, TimeDelta, Utc};
use serde_json::{Value, json};
use std::collections::HashSet;

/// A message resource.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TwilioText {
    /// Twilio's SID of it.
    pub sid: String,
    /// The sender.
    pub from: String,
    /// The recipient.
    pub to: String,
    /// The words.
    pub body: String,
    /// `outbound-api` or `inbound`.
    pub direction: &'static str,
    /// Where its delivery is to be reported.
    pub status_callback: Option<String>,
    /// When it was made.
    pub created_at: DateTime<Utc>,
}

#[derive(Default)]
pub(super) struct Texts {
    taken: Vec<TwilioText>,
    blocked: HashSet<String>,
    lag: TimeDelta,
}

impl Texts {
    /// How many it has taken.
    pub(super) fn count(&self) -> usize {
        self.taken.len()
    }

    /// Dates those taken after the first `count`.
    pub(super) fn date_from(&mut self, count: usize, at: DateTime<Utc>) {
        for text in self.taken.iter_mut().skip(count) {
            text.created_at = at;
        }
    }
}

impl FakeTwilio {
    /// From now on it refuses texts to this person with error 21610, as after a STOP that we never heard of.
    pub fn block(&self, person: &PhoneNumber) {
        self.server.state().texts.blocked.insert(person.to_string());
    }

    /// Gives it a text that it did not get from us.
    pub fn put(&self, text: TwilioText) {
        self.server.state().texts.taken.push(text);
    }

    /// From now on its list shows a text only this long after it was taken.
    pub fn lag_lists_by(&self, lag: TimeDelta) {
        self.server.state().texts.lag = lag;
    }

    /// The texts it holds, oldest first.
    #[must_use]
    pub fn texts(&self) -> Vec<TwilioText> {
        self.server.take_postponed();
        self.server.state().texts.taken.clone()
    }
}

impl Server {
    pub(super) fn texts(&self, request: &Request) -> Answer {
        match request.method.as_str() {
            "POST" => self.create_text(request),
            "GET" => self.list_texts(request),
            _ => Answer::not_allowed(),
        }
    }

    fn create_text(&self, request: &Request) -> Answer {
        let field = |name| value(&request.form, name).unwrap_or_default().to_owned();
        let text = TwilioText {
            sid: new_sid("SM"),
            from: field("From"),
            to: field("To"),
            body: field("Body"),
            direction: "outbound-api",
            status_callback: value(&request.form, "StatusCallback").map(str::to_owned),
            created_at: self.clock.now(),
        };
        let is_number = |text: &str| text.parse::<PhoneNumber>().is_ok();
        if !is_number(&text.to) || text.to == INVALID_NUMBER {
            return Answer::error(400, 21_211, &format!("The 'To' number {} is not a valid phone number.", text.to));
        }
        if !is_number(&text.from) {
            return Answer::error(400, 21_212, &format!("The 'From' number {} is not a valid phone number.", text.from));
        }
        match text.body.chars().count() {
            0 => return Answer::error(400, 21_602, "Message body is required."),
            1..=1600 => {}
            _ => return Answer::error(400, 21_617, "The concatenated message body exceeds the 1600 character limit."),
        }
        let mut state = self.state();
        if state.texts.blocked.contains(&text.to) {
            return Answer::error(400, 21_610, "Attempt to send to unsubscribed recipient");
        }
        let answer = Answer::of(201, &text.resource());
        state.texts.taken.push(text);
        answer
    }

    fn list_texts(&self, request: &Request) -> Answer {
        let wanted = |name: &str, held: &str| value(&request.query, name).is_none_or(|wanted| wanted == held);
        let size = page_size(&request.query, 50);
        let state = self.state();
        let listed_until = self.clock.now() - state.texts.lag;
        let taken = state.texts.taken.iter().rev().filter(|text| text.created_at <= listed_until);
        let found: Vec<&TwilioText> = taken.filter(|text| wanted("To", &text.to) && wanted("From", &text.from)).collect();
        let page: Vec<Value> = found.iter().take(size).map(|text| text.resource()).collect();
        let uri = &request.path;
        let next = (found.len() > page.len()).then(|| format!("{uri}?PageSize={size}&Page=1"));
        let body = json!({
            "messages": page, "page": 0, "page_size": size, "start": 0, "end": page.len().saturating_sub(1),
            "uri": uri, "first_page_uri": uri, "previous_page_uri": null, "next_page_uri": next,
        });
        Answer::of(200, &body)
    }
}

impl TwilioText {
    fn resource(&self) -> Value {
        let uri = format!("/2010-04-01/Accounts/{ACCOUNT}/Messages/{}", self.sid);
        let created = self.created_at.to_rfc2822();
        json!({
            "account_sid": ACCOUNT, "api_version": "2010-04-01", "sid": self.sid, "status": "queued",
            "from": self.from, "to": self.to, "body": self.body, "direction": self.direction,
            "date_created": created, "date_updated": created, "date_sent": null,
            "error_code": null, "error_message": null, "messaging_service_sid": null,
            "num_media": "0", "num_segments": "1", "price": null, "price_unit": "USD", "tags": null,
            "uri": format!("{uri}.json"), "subresource_uris": {"media": format!("{uri}/Media.json")},
            "a_field_of_next_year": {"that": ["nobody", "knows"]},
        })
    }
}
