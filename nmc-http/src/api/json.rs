//! JSON bodies: read whole, bounded, and refused with a pointer to the field at fault. What a client wrote is never repeated
//! in a refusal, so that it can't get into a log by this way.

use super::kinds;
use super::serde_words::{self, Said};
use super::wire::Braced;
use crate::error::{ApiError, FieldProblem};
use serde::de::DeserializeOwned;
use std::borrow::Cow;

/// Reads a body.
pub(super) fn parse<T: DeserializeOwned>(body: &[u8]) -> Result<T, ApiError> {
    let mut json = serde_json::Deserializer::from_slice(body);
    let Braced(value) = serde_path_to_error::deserialize(&mut json).map_err(|error| refusal(&error))?;
    json.end().map_err(|_| ApiError::Body(FieldProblem::whole("must be one JSON document")))?;
    Ok(value)
}

fn refusal(error: &serde_path_to_error::Error<serde_json::Error>) -> ApiError {
    use serde_path_to_error::Segment;
    let mut pointer = String::from("#");
    for segment in error.path().iter() {
        let name = match segment {
            Segment::Map { key } => key.replace('~', "~0").replace('/', "~1"),
            Segment::Seq { index } => index.to_string(),
            Segment::Enum { .. } | Segment::Unknown => continue,
        };
        pointer.push('/');
        pointer.extend(name.chars().take(100));
    }
    if !error.inner().is_data() {
        return ApiError::Body(FieldProblem::whole("must be a JSON document"));
    }
    let (pointer, detail) = in_our_words(pointer, &error.inner().to_string());
    ApiError::Body(FieldProblem::new(pointer, detail))
}

/// Whether a text could be the name of a field, and not somebody's number or address.
pub(super) fn is_a_name(text: &str) -> bool {
    text.len() <= 40
        && text.starts_with(|c: char| c.is_ascii_alphabetic())
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'-')
}

/// Serde says what is wrong in words that hold the value; ours hold the rule alone.
fn in_our_words(pointer: String, said: &str) -> (String, Cow<'static, str>) {
    match serde_words::read(said) {
        // The path ends with the field already. A name of theirs is repeated only if it could be one of ours.
        Said::Unknown => match pointer.rsplit_once('/') {
            Some((parent, name)) if !is_a_name(name) => (parent.to_owned(), "has a field that is not known here".into()),
            _ => (pointer, "is not a field here".into()),
        },
        Said::Missing(name) => (format!("{pointer}/{name}"), "is required".into()),
        Said::Twice(name) => (format!("{pointer}/{name}"), "must be given once".into()),
        Said::NotWhole => (pointer, "must be a whole number".into()),
        Said::OutOfRange => (pointer, "is out of range".into()),
        Said::Expected(what) => (pointer, format!("must be {what}").into()),
        Said::Breaks(rule) => (pointer, rule.into()),
        Said::NoTime => (pointer, format!("must be {}", kinds::INSTANT).into()),
        Said::Other => (pointer, "is not of its kind".into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::wire::{Change, Text};
    use nmc_core::{Email, Patch};
    use serde::Deserialize;

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct In {
        name: String,
        #[serde(default)]
        email: Change<Text<Email>>,
        #[serde(default, deserialize_with = "crate::api::wire::given")]
        age: Option<i32>,
        #[serde(default)]
        tags: Vec<String>,
        #[serde(default)]
        at: Option<chrono::DateTime<chrono::Utc>>,
    }

    const A_TIME: &str = "must be an instant with its offset from UTC (RFC 3339), like 2026-11-22T18:00:00Z";

    #[test]
    fn a_refusal_points_at_the_field_and_repeats_nothing() {
        for (body, pointer, detail) in [
            (r#"{"name": 12345}"#, "#/name", "must be a string"),
            (r#"{}"#, "#/name", "is required"),
            (r#"{"name": "a", "role": "secret value"}"#, "#/role", "is not a field here"),
            (r#"{"name": "a", "joe@example.com": 1}"#, "#", "has a field that is not known here"),
            (r#"{"name": "a", "+14155550123": 1}"#, "#", "has a field that is not known here"),
            (r#"{"name": "a", "name": "secret value"}"#, "#/name", "must be given once"),
            (r#"{"name": "a", "email": "secret value"}"#, "#/email", "must be an address like joe@example.com"),
            (r#"{"name": "a", "age": "secret value"}"#, "#/age", "must be a whole number"),
            (r#"{"name": "a", "age": 7.5}"#, "#/age", "must be a whole number"),
            (r#"{"name": "a", "age": 3000000000}"#, "#/age", "is out of range"),
            (r#"{"name": "a", "age": null}"#, "#/age", "must be a whole number"),
            (r#"{"name": "a", "tags": ["x", 7]}"#, "#/tags/1", "must be a string"),
            (r#"{"name": "a", "at": "2026-11-22T18:00:00"}"#, "#/at", A_TIME),
            (r#"{"name": "a", "at": "secret value"}"#, "#/at", A_TIME),
            (r#"["secret value"]"#, "#", "must be an object"),
            (r#"7"#, "#", "must be an object"),
            (r#"{"name": "a""#, "#", "must be a JSON document"),
            (r#"{"name": "a"} {}"#, "#", "must be one JSON document"),
            ("", "#", "must be a JSON document"),
            ("\u{0}secret value", "#", "must be a JSON document"),
        ] {
            match parse::<In>(body.as_bytes()) {
                Err(ApiError::Body(problem)) => {
                    assert_eq!((problem.pointer.as_str(), &*problem.detail), (pointer, detail), "{body}");
                }
                other => panic!("{body}: {other:?}"),
            }
        }
    }

    #[test]
    fn absent_null_and_given_are_three_things() {
        let read = |body: &str| parse::<In>(body.as_bytes()).unwrap();
        assert_eq!(read(r#"{"name": "a"}"#).email.typed(), Patch::Keep);
        assert_eq!(read(r#"{"name": "a", "email": null}"#).email.typed(), Patch::Clear);
        let given = read(r#"{"name": "a", "email": "Joe@Example.com", "age": 7}"#);
        assert_eq!(given.email.typed(), Patch::Set("joe@example.com".parse().unwrap()));
        assert_eq!((given.name.as_str(), given.age, given.tags.len(), given.at), ("a", Some(7), 0, None));
    }
}
