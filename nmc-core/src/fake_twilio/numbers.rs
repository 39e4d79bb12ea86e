//! The IncomingPhoneNumbers resource: the numbers of the account.

use super::shop::{Area, Shop, contains, national_form};
use super::wire::{Answer, Request, encoded, page_size, value};
use super::{ACCOUNT, INVALID_NUMBER, Server, new_sid};
use crate::PhoneNumber;
use chrono::{DateTime, Utc};
use serde_json::{Value, json};
use std::collections::HashMap;

/// What can be set of a number: the parameter, the field, and what it is unless it was set.
const SETTINGS: [(&str, &str, &str); 10] = [
    ("VoiceUrl", "voice_url", ""),
    ("VoiceMethod", "voice_method", "POST"),
    ("VoiceFallbackUrl", "voice_fallback_url", ""),
    ("VoiceFallbackMethod", "voice_fallback_method", "POST"),
    ("SmsUrl", "sms_url", ""),
    ("SmsMethod", "sms_method", "POST"),
    ("SmsFallbackUrl", "sms_fallback_url", ""),
    ("SmsFallbackMethod", "sms_fallback_method", "POST"),
    ("StatusCallback", "status_callback", ""),
    ("StatusCallbackMethod", "status_callback_method", "POST"),
];
const LONGEST_NAME: usize = 64;

#[derive(Default)]
pub(super) struct Numbers {
    /// Every number that the account ever had, in the order in which they came. Those that are gone keep their places, so
    /// that a list goes on where its last page ended, whatever has come and gone since.
    all: Vec<Number>,
    pub(super) shop: Shop,
    pub(super) out_of_funds: bool,
    pub(super) purchases: Vec<(String, String)>,
    pub(super) given_back: Vec<(String, String)>,
}

pub(super) struct Number {
    pub(super) sid: String,
    pub(super) phone_number: PhoneNumber,
    pub(super) friendly_name: String,
    settings: HashMap<&'static str, String>,
    created_at: DateTime<Utc>,
    updated_at: DateTime<Utc>,
    gone: bool,
}

impl Number {
    pub(super) fn new(sid: String, phone_number: PhoneNumber, friendly_name: String, now: DateTime<Utc>) -> Self {
        let settings = HashMap::new();
        Self { sid, phone_number, friendly_name, settings, created_at: now, updated_at: now, gone: false }
    }

    /// Sets what the form has.
    pub(super) fn set(&mut self, form: &[(String, String)], now: DateTime<Utc>) {
        if let Some(name) = value(form, "FriendlyName") {
            self.friendly_name = name.to_owned();
        }
        for (parameter, field, _) in SETTINGS {
            if let Some(value) = value(form, parameter) {
                self.settings.insert(field, value.to_owned());
            }
        }
        self.updated_at = now;
    }

    pub(super) fn setting(&self, field: &str) -> &str {
        let unset = || SETTINGS.iter().find(|(_, known, _)| *known == field).map(|(_, _, unset)| *unset);
        self.settings.get(field).map(String::as_str).or_else(unset).unwrap_or_default()
    }

    fn resource(&self) -> Value {
        let area = Area::of(&self.phone_number);
        json!({
            "sid": self.sid, "account_sid": ACCOUNT, "api_version": "2010-04-01",
            "phone_number": self.phone_number.as_str(), "friendly_name": self.friendly_name,
            "voice_url": self.setting("voice_url"), "voice_method": self.setting("voice_method"),
            "voice_fallback_url": self.setting("voice_fallback_url"),
            "voice_fallback_method": self.setting("voice_fallback_method"),
            "sms_url": self.setting("sms_url"), "sms_method": self.setting("sms_method"),
            "sms_fallback_url": self.setting("sms_fallback_url"),
            "sms_fallback_method": self.setting("sms_fallback_method"),
            "status_callback": self.setting("status_callback"),
            "status_callback_method": self.setting("status_callback_method"),
            "voice_caller_id_lookup": false, "voice_receive_mode": "voice",
            "voice_application_sid": "", "sms_application_sid": "",
            "address_requirements": area.map_or("none", Area::address_requirements),
            "capabilities": area.map(|area| area.capabilities(true)), "type": area.map(|area| area.kind.label()),
            "address_sid": null, "trunk_sid": null, "bundle_sid": null, "identity_sid": null,
            "emergency_status": "Inactive", "emergency_address_sid": null, "emergency_address_status": "unregistered",
            "beta": false, "origin": "twilio", "status": "in-use",
            "date_created": self.created_at.to_rfc2822(), "date_updated": self.updated_at.to_rfc2822(),
            "uri": format!("/2010-04-01/Accounts/{ACCOUNT}/IncomingPhoneNumbers/{}.json", self.sid),
            "subresource_uris": {}, "a_field_of_next_year": {"that": ["nobody", "knows"]},
        })
    }
}

impl Server {
    pub(super) fn numbers(&self, request: &Request) -> Answer {
        let now = self.clock.now();
        match request.method.as_str() {
            "POST" => self.state().numbers.buy(&request.form, now),
            "GET" => self.state().numbers.list(request),
            _ => Answer::not_allowed(),
        }
    }

    pub(super) fn number(&self, file: &str, request: &Request) -> Answer {
        let now = self.clock.now();
        let numbers = &mut self.state().numbers;
        let Some(number) = file.strip_suffix(".json").and_then(|sid| numbers.get_mut(sid)) else {
            return Answer::not_found(request);
        };
        match request.method.as_str() {
            "GET" => Answer::of(200, &number.resource()),
            "POST" => match refused_name(&request.form) {
                Some(refusal) => refusal,
                None => {
                    number.set(&request.form, now);
                    Answer::of(200, &number.resource())
                }
            },
            "DELETE" => {
                number.gone = true;
                let (phone_number, sid) = (number.phone_number.clone(), number.sid.clone());
                numbers.given_back.push((phone_number.to_string(), sid));
                numbers.shop.add(&phone_number);
                Answer::no_content()
            }
            _ => Answer::not_allowed(),
        }
    }
}

fn refused_name(form: &[(String, String)]) -> Option<Answer> {
    let name = value(form, "FriendlyName")?;
    (name.chars().count() > LONGEST_NAME)
        .then(|| Answer::error(400, 20_001, &format!("FriendlyName must be at most {LONGEST_NAME} characters.")))
}

impl Numbers {
    /// The account's, oldest first.
    pub(super) fn owned(&self) -> impl DoubleEndedIterator<Item = &Number> {
        self.all.iter().filter(|number| !number.gone)
    }

    pub(super) fn get_mut(&mut self, sid: &str) -> Option<&mut Number> {
        self.all.iter_mut().find(|number| !number.gone && number.sid == sid)
    }

    /// The account has one more, which nobody can buy any longer.
    pub(super) fn take_in(&mut self, number: Number) {
        self.shop.remove(&number.phone_number);
        self.all.push(number);
    }

    /// Takes a number away, and sells it to nobody. Says whether the account had it.
    pub(super) fn lose(&mut self, sid: &str) -> bool {
        self.get_mut(sid).map(|number| number.gone = true).is_some()
    }

    fn buy(&mut self, form: &[(String, String)], now: DateTime<Utc>) -> Answer {
        // Twilio suspends an account whose funds have run out: nothing is wrong with the purchase itself.
        if self.out_of_funds {
            return Answer::error(403, 20_005, "Account is not active");
        }
        let asked = value(form, "PhoneNumber").unwrap_or_default();
        let phone_number: PhoneNumber = match asked.parse() {
            Ok(number) if asked != INVALID_NUMBER => number,
            _ => return Answer::error(400, 21_421, &format!("PhoneNumber {asked} is invalid")),
        };
        if let Some(refusal) = refused_name(form) {
            return refusal;
        }
        if !self.shop.has(&phone_number) {
            return Answer::error(400, 21_422, &format!("PhoneNumber {asked} is not available"));
        }
        if Area::of(&phone_number).is_some_and(|area| area.needs_address) {
            return Answer::error(400, 21_631, &format!("PhoneNumber {asked} requires an Address"));
        }
        let mut number = Number::new(new_sid("PN"), phone_number.clone(), national_form(&phone_number), now);
        number.set(form, now);
        self.purchases.push((asked.to_owned(), number.sid.clone()));
        let answer = Answer::of(201, &number.resource());
        self.take_in(number);
        answer
    }

    /// One page, newest first. A page's token names the number it comes after (`PA`) or before (`PB`).
    fn list(&self, request: &Request) -> Answer {
        let query = &request.query;
        let (size, page) = (page_size(query, 50), value(query, "Page").and_then(|text| text.parse().ok()).unwrap_or(0_usize));
        let (name, pattern) = (value(query, "FriendlyName"), value(query, "PhoneNumber").unwrap_or_default());
        let wanted = |number: &Number| {
            !number.gone && name.is_none_or(|name| name == number.friendly_name) && contains(&number.phone_number, pattern)
        };
        let found = self.all.iter().enumerate().rev().filter(|(_, number)| wanted(number));
        let token = value(query, "PageToken");
        let items: Vec<(usize, &Number)> = match token.map(|token| self.turn(token)) {
            None if page == 0 => found.clone().take(size).collect(),
            Some(Some(Turn::After(last))) => found.clone().filter(|(place, _)| *place < last).take(size).collect(),
            Some(Some(Turn::Before(first))) => {
                let newer: Vec<_> = found.clone().filter(|(place, _)| *place > first).collect();
                newer.into_iter().rev().take(size).rev().collect()
            }
            _ => return Answer::error(400, 20_001, "Page and PageToken are not those of a page"),
        };
        let kept = |name: &&str| value(query, name).map(|value| format!("{name}={}&", encoded(value)));
        let kept: String = ["FriendlyName", "PhoneNumber"].iter().filter_map(kept).collect();
        let uri = |page: usize, token: &str| {
            let token = if token.is_empty() { String::new() } else { format!("&PageToken={}", encoded(token)) };
            format!("{}?{kept}PageSize={size}&Page={page}{token}", request.path)
        };
        let next = items.last().filter(|last| found.clone().any(|(place, _)| place < last.0));
        let previous = items.first().filter(|_| page > 0);
        let start = page.saturating_mul(size);
        let resources: Vec<Value> = items.iter().map(|(_, number)| number.resource()).collect();
        let body = json!({
            "incoming_phone_numbers": resources, "page": page, "page_size": size,
            "start": start, "end": start.saturating_add(items.len()).saturating_sub(1),
            "uri": uri(page, token.unwrap_or_default()), "first_page_uri": uri(0, ""),
            "next_page_uri": next.map(|(_, last)| uri(page.saturating_add(1), &format!("PA{}", last.sid))),
            "previous_page_uri": previous.map(|(_, first)| uri(page.saturating_sub(1), &format!("PB{}", first.sid))),
        });
        Answer::of(200, &body)
    }

    /// The number that a token names has a place in the order of all, be it gone or not.
    fn turn(&self, token: &str) -> Option<Turn> {
        let (way, sid) = token.split_at_checked(2)?;
        let place = self.all.iter().rposition(|number| number.sid == sid)?;
        match way {
            "PA" => Some(Turn::After(place)),
            "PB" => Some(Turn::Before(place)),
            _ => None,
        }
    }
}

/// The way in which a list goes on, and from where.
enum Turn {
    After(usize),
    Before(usize),
}
