//! Whether the numbers of a JSON document are kept to the digit: a double holds some 16 digits, and the rest would be rounded without a word.

use serde_json::Value;

/// Whether each number of a JSON text has the same value once it is read.
pub(crate) fn are_kept(json: &str) -> bool {
    let mut rest = json;
    while let Some(at) = rest.find(|c: char| c == '"' || c == '-' || c.is_ascii_digit()) {
        let (_, found) = rest.split_at(at);
        if let Some(text) = found.strip_prefix('"') {
            rest = after_text(text);
            continue;
        }
        let end = found.find(|c: char| !matches!(c, '0'..='9' | '+' | '-' | '.' | 'e' | 'E')).unwrap_or(found.len());
        let (number, after) = found.split_at(end);
        if !is_kept(number) {
            return false;
        }
        rest = after;
    }
    true
}

/// What follows the end of a text whose beginning is left out.
fn after_text(mut text: &str) -> &str {
    while let Some((before, after)) = text.split_once('"') {
        let escapes = before.bytes().rev().take_while(|byte| *byte == b'\\').count();
        if escapes % 2 == 0 {
            return after;
        }
        text = after;
    }
    ""
}

fn is_kept(number: &str) -> bool {
    serde_json::from_str::<Value>(number).is_ok_and(|read| are_equal(number, &read.to_string()))
}

/// Whether two decimal numbers are equal, however they are written.
pub(crate) fn are_equal(one: &str, other: &str) -> bool {
    matches!((value(one), value(other)), (Some(one), Some(other)) if one == other)
}

/// The sign, the digits and the power of ten of a decimal number, without zeros at either end.
fn value(number: &str) -> Option<(bool, String, i64)> {
    let (is_negative, number) = number.strip_prefix('-').map_or((false, number), |number| (true, number));
    let (mantissa, power) = number.split_once(['e', 'E']).unwrap_or((number, "0"));
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let digits = format!("{whole}{fraction}");
    let digits = digits.trim_start_matches('0');
    let short = digits.trim_end_matches('0');
    if short.is_empty() {
        return Some((false, String::new(), 0));
    }
    let length = |text: &str| i64::try_from(text.len()).ok();
    let power = power.parse::<i64>().ok()?.checked_sub(length(fraction)?)?.checked_add(length(digits)? - length(short)?)?;
    Some((is_negative, short.to_owned(), power))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn number_of_more_digits_than_a_double_holds_is_told() {
        for kept in [
            "0",
            "-0.0",
            "0e99999999999999999999999",
            "18446744073709551615",
            "-9223372036854775808",
            "0.1",
            "1E+2",
            "1.50",
            "1e300",
            r#"{"a": [1, 2.25, "99999999999999999999999"], "9999999999999999999999": null}"#,
            r#""a \" 99999999999999999999999""#,
            r#"["\\", 1]"#,
        ] {
            assert!(are_kept(kept), "{kept}");
        }
        for rounded in [
            "18446744073709551617",
            "0.10000000000000000001",
            "9007199254740993.1",
            "1e400",
            "1e-400",
            "1e99999999999999999999999",
            r#"["\\", 99999999999999999999999]"#,
            r#"{"a": {"b": -99999999999999999999999}}"#,
        ] {
            assert!(!are_kept(rounded), "{rounded}");
        }
    }
}
