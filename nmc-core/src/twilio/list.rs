//! Lists as Twilio's REST API has them: page by page, and each resource read by itself.

use chrono::{DateTime, SecondsFormat, Utc};
use rust_decimal::{Decimal, RoundingStrategy};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer};
use serde_json::Value;

/// The resources of a list. One that can't be read, or is null, costs nothing but itself.
#[derive(Debug)]
pub(super) struct Resources<T> {
    pub(super) read: Vec<T>,
    pub(super) unreadable: usize,
}

impl<'de, T: DeserializeOwned> Deserialize<'de> for Resources<T> {
    fn deserialize<D: Deserializer<'de>>(source: D) -> Result<Self, D::Error> {
        let all = Vec::<Value>::deserialize(source)?;
        let count = all.len();
        let read: Vec<T> = all.into_iter().filter_map(|one| serde_json::from_value(one).ok()).collect();
        Ok(Self { unreadable: count - read.len(), read })
    }
}

/// A scalar in whatever form: a code may come as a number or as its digits, and nothing of a list is lost over that.
pub(super) fn scalar<'de, D: Deserializer<'de>>(source: D) -> Result<Option<String>, D::Error> {
    Ok(match Value::deserialize(source)? {
        Value::String(text) => Some(text),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(truth) => Some(truth.to_string()),
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    })
}

/// An instant in a filter.
pub(super) fn instant(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(SecondsFormat::Secs, true)
}

/// An instant of a resource: RFC 2822.
pub(super) fn dated(text: Option<&str>) -> Option<DateTime<Utc>> {
    DateTime::parse_from_rfc2822(text?).ok().map(|at| at.with_timezone(&Utc))
}

/// A price of a resource, which is below zero there.
pub(super) fn price(text: Option<&str>) -> Option<Decimal> {
    let price = text?.parse::<Decimal>().ok()?.abs();
    let price = price.round_dp_with_strategy(4, RoundingStrategy::MidpointAwayFromZero);
    Some(price).filter(|price| *price < Decimal::from(1_000_000))
}

/// A currency's code.
pub(super) fn unit(text: Option<String>) -> Option<String> {
    text.map(|unit| unit.to_ascii_uppercase()).filter(|unit| (1..=10).contains(&unit.len()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Deserialize)]
    struct One {
        sid: String,
    }

    #[test]
    fn a_scalar_is_read_in_whatever_form() {
        #[derive(Deserialize)]
        struct Code {
            #[serde(default, deserialize_with = "scalar")]
            code: Option<String>,
        }
        let read = |json: &str| serde_json::from_str::<Code>(json).unwrap().code;
        assert_eq!(read(r#"{"code": 30007}"#).as_deref(), Some("30007"));
        assert_eq!(read(r#"{"code": "30007"}"#).as_deref(), Some("30007"));
        assert_eq!((read(r#"{"code": null}"#), read("{}"), read(r#"{"code": []}"#)), (None, None, None));
    }

    #[test]
    fn a_price_is_its_amount_to_four_decimals() {
        let read = |text| price(Some(text)).map(|price| price.to_string());
        assert_eq!(read("-0.00855").as_deref(), Some("0.0086"));
        assert_eq!(read("0.0085").as_deref(), Some("0.0085"));
        assert_eq!((read("-1000000"), read("cheap"), price(None)), (None, None, None));
    }

    #[test]
    fn one_unreadable_resource_costs_only_itself() {
        let list: Resources<One> = serde_json::from_str(r#"[{"sid": "A"}, null, {"sid": 5}, [], {"sid": "B"}]"#).unwrap();
        assert_eq!(list.read.iter().map(|one| one.sid.as_str()).collect::<Vec<_>>(), ["A", "B"]);
        assert_eq!(list.unreadable, 3);
        assert!(serde_json::from_str::<Resources<One>>("null").is_err());
    }
}
