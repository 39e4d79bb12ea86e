//! The phone number prices, which in truth are at Twilio's `https://pricing.twilio.com`.

use super::wire::{Answer, Request};
use serde_json::{Value, json};

/// A kind of numbers, and what one of them costs in a month.
type Price = (&'static str, &'static str);

/// Every country with prices: its code, its name, its prices.
const COUNTRIES: [(&str, &str, &[Price]); 3] = [
    ("US", "United States", &[("local", "1.15"), ("toll free", "2.15"), ("mobile", "1.15")]),
    ("CA", "Canada", &[("local", "1.15"), ("toll free", "2.15")]),
    ("GB", "United Kingdom", &[("local", "1.15"), ("mobile", "1.30")]),
];

pub(super) fn answer(country: &str, request: &Request) -> Answer {
    let Some((code, name, prices)) = COUNTRIES.iter().find(|(code, _, _)| *code == country) else {
        return Answer::not_found(request);
    };
    if request.method != "GET" {
        return Answer::not_allowed();
    }
    let price = |(kind, price): &Price| json!({"number_type": kind, "base_price": price, "current_price": price});
    let prices: Vec<Value> = prices.iter().map(price).collect();
    let url = format!("https://pricing.twilio.com/v1/PhoneNumbers/Countries/{code}");
    let body = json!({
        "country": name, "iso_country": code, "url": url, "price_unit": "USD", "phone_number_prices": prices,
        "a_field_of_next_year": {"that": ["nobody", "knows"]},
    });
    Answer::of(200, &body)
}
