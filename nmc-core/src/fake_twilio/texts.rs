//! The Messages resource.

use super::lists::{TextFacts, in_time, page};
use super::wire::{Answer, Request, value};
use super::{ACCOUNT, FakeTwilio, INVALID_NUMBER, Server, new_sid};
use crate::PhoneNumber;
use chrono::{DateTime, Utc};
use serde_json::{Value, json};
use std::collections::HashSet;

/// One message resource of Twilio's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TwilioText {
    /// The text's SID.
    pub sid: String,
    /// The sender.
    pub from: String,
    /// The recipient.
    pub to: String,
    /// The body of the text.
    pub body: String,
    /// The direction: `outbound-api` or `inbound`.
    pub direction: &'static str,
    /// The URL to which the delivery of the text is to be reported.
    pub status_callback: Option<String>,
    /// The instant at which the text was made.
    pub created_at: DateTime<Utc>,
}

#[derive(Default)]
pub(super) struct Texts {
    taken: Vec<TwilioText>,
    blocked: HashSet<String>,
}

impl Texts {
    /// The number of texts that have been taken.
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
    /// Makes Twilio refuse texts to this person from now on with error 21610, as after a STOP that we never heard of.
    pub fn block(&self, person: &PhoneNumber) {
        self.server.state().texts.blocked.insert(person.to_string());
    }

    /// Gives the stand-in a text that it did not get from us.
    pub fn put(&self, text: TwilioText) {
        self.server.state().texts.taken.push(text);
    }

    /// The texts that the stand-in holds, oldest first.
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
        let now = self.clock.now();
        let state = self.state();
        let found: Vec<(String, Value)> = state
            .texts
            .taken
            .iter()
            .rev()
            .filter(|text| wanted("To", &text.to) && wanted("From", &text.from))
            .filter(|text| in_time(request, "DateSent", text.created_at) && text.created_at <= now - state.lists_lag)
            .map(|text| (text.sid.clone(), text.listed(state.text_facts.get(&text.sid))))
            .collect();
        page(request, "messages", &found, 50, &state)
    }
}

impl TwilioText {
    /// The text as a list shows it, with what became of it.
    fn listed(&self, facts: Option<&TextFacts>) -> Value {
        let mut resource = self.resource();
        let is_inbound = self.direction == "inbound";
        let told = facts.cloned().unwrap_or_else(|| TextFacts {
            status: if is_inbound { "received" } else { "queued" }.to_owned(),
            ..TextFacts::default()
        });
        let known = json!({
            "status": told.status, "error_code": told.error_code, "price": told.price,
            "num_media": told.media.len().to_string(), "date_sent": self.created_at.to_rfc2822(),
        });
        if let (Some(resource), Value::Object(known)) = (resource.as_object_mut(), known) {
            resource.extend(known);
        }
        resource
    }

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
