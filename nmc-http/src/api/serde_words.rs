//! What serde's words mean. It keeps its refusals as text alone, in words that may hold the value that was refused; only a rule
//! of ours goes through it unchanged.

use std::fmt::Display;

/// The character that begins a refusal of ours, as no word of serde's does.
const OURS: char = '\u{1}';

/// The thing that serde says of an input.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Said {
    /// The field is not known.
    Unknown,
    /// The field that is missing.
    Missing(String),
    /// The field that is there twice.
    Twice(String),
    /// The value is of another type than this, in serde's words.
    Expected(String),
    /// A whole number was expected, and this is none.
    NotWhole,
    /// A whole number that is too large or too small.
    OutOfRange,
    /// A value that breaks a rule of ours.
    Breaks(String),
    /// An instant or a day was expected, and this is none.
    NoTime,
    /// Anything else that serde says.
    Other,
}

/// What chrono says of a text that is no instant, or no day.
const NO_TIME: [&str; 6] = [
    "input is out of range",
    "no possible date and time matching input",
    "input is not enough for unique date and time",
    "input contains invalid characters",
    "premature end of input",
    "trailing input",
];

/// A refusal of ours, for [`read`].
pub(super) fn refusal<E: serde::de::Error>(rule: impl Display) -> E {
    E::custom(format_args!("{OURS}{rule}"))
}

/// Reads a message of serde's.
pub(super) fn read(message: &str) -> Said {
    let said = message.rsplit_once(" at line ").map_or(message, |(text, _)| text);
    if let Some(rule) = said.strip_prefix(OURS) {
        return Said::Breaks(rule.to_owned());
    }
    let named = || said.split('`').nth(1).unwrap_or_default().chars().take(100).collect();
    if said.starts_with("unknown field") {
        return Said::Unknown;
    }
    if said.starts_with("missing field") {
        return Said::Missing(named());
    }
    if said.starts_with("duplicate field") {
        return Said::Twice(named());
    }
    if NO_TIME.contains(&said) {
        return Said::NoTime;
    }
    let is_value = said.starts_with("invalid value");
    if !is_value && !said.starts_with("invalid type") && !said.starts_with("unknown variant") {
        return Said::Other;
    }
    let expected = said.rsplit_once(", expected ").map_or("something else", |(_, expected)| expected);
    // The names of Rust's types are nobody's business.
    match expected {
        "i8" | "i16" | "i32" | "i64" | "u8" | "u16" | "u32" | "u64" if is_value => Said::OutOfRange,
        "i8" | "i16" | "i32" | "i64" | "u8" | "u16" | "u32" | "u64" => Said::NotWhole,
        _ => Said::Expected(expected.replace('`', "")),
    }
}

#[cfg(test)]
mod tests {
    use super::{Said, read, refusal};

    #[test]
    fn each_message_of_serde_is_told_apart() {
        for (message, said) in [
            ("unknown field `role`, expected `name` or `email` at line 1 column 28", Said::Unknown),
            ("unknown field `role`, there are no fields", Said::Unknown),
            ("missing field `name` at line 1 column 2", Said::Missing("name".to_owned())),
            ("duplicate field `name`", Said::Twice("name".to_owned())),
            ("invalid type: integer `12345`, expected a string at line 1 column 14", Said::Expected("a string".to_owned())),
            ("invalid type: string \"secret\", expected i32 at line 1 column 35", Said::NotWhole),
            ("invalid value: integer `3000000000`, expected i32 at line 1 column 32", Said::OutOfRange),
            ("unknown variant `secret`, expected `csv` or `json`", Said::Expected("csv or json".to_owned())),
            ("invalid digit found in string", Said::Other),
            ("must be a secret", Said::Other),
        ] {
            assert_eq!(read(message), said, "{message}");
        }
    }

    #[test]
    fn what_chrono_says_of_a_text_is_known() {
        for text in
            ["", "soon", "2026", "2026-11-22", "2026-11-22T18:00:00", "2026-11-22T18:00:00Z and so on", "2026-13-45T18:00:00Z"]
        {
            let error = serde_json::from_value::<chrono::DateTime<chrono::Utc>>(text.into()).unwrap_err();
            assert_eq!(read(&error.to_string()), Said::NoTime, "{text}: {error}");
            let day = serde_json::from_value::<chrono::NaiveDate>(text.into());
            assert!(
                day.is_ok() == (text == "2026-11-22") && day.err().is_none_or(|error| read(&error.to_string()) == Said::NoTime)
            );
        }
    }

    #[test]
    fn a_rule_of_ours_comes_through_whole() {
        let error: serde_json::Error = refusal("must be an address like joe@example.com");
        assert_eq!(read(&error.to_string()), Said::Breaks("must be an address like joe@example.com".to_owned()));
    }
}
