//! Lengths of time as people type them: `90d`, `24h`, `15m`, `30s`, `0`.

use chrono::TimeDelta;
use nmc_core::access::LONGEST_OVERLAP;

const EXPECTED: &str = "must be a number and a unit: 90d, 24h, 15m, 30s, or 0";

/// A length of time, of at most a hundred years.
fn length(text: &str) -> Result<TimeDelta, &'static str> {
    if text == "0" {
        return Ok(TimeDelta::zero());
    }
    let (digits, unit) = text.split_at(text.find(|c: char| !c.is_ascii_digit()).ok_or(EXPECTED)?);
    let count: i64 = digits.parse().map_err(|_| EXPECTED)?;
    let made = match unit {
        "d" => TimeDelta::try_days(count),
        "h" => TimeDelta::try_hours(count),
        "m" => TimeDelta::try_minutes(count),
        "s" => TimeDelta::try_seconds(count),
        _ => return Err(EXPECTED),
    };
    made.filter(|length| *length <= TimeDelta::days(36_525)).ok_or("must be at most 36525d")
}

/// How long something that begins now is good for.
pub(crate) fn lifetime(text: &str) -> Result<TimeDelta, &'static str> {
    length(text).and_then(|length| if length.is_zero() { Err("must be longer than 0") } else { Ok(length) })
}

/// How long a key that was replaced goes on.
pub(crate) fn overlap(text: &str) -> Result<TimeDelta, &'static str> {
    length(text).and_then(|length| if length > LONGEST_OVERLAP { Err("must be at most 30d") } else { Ok(length) })
}

/// The seconds of a length of a week at most.
pub(crate) fn up_to_a_week(text: &str) -> Result<i32, &'static str> {
    let length = length(text)?;
    let seconds = i32::try_from(length.num_seconds()).ok().filter(|_| length <= TimeDelta::days(7));
    seconds.ok_or("must be at most 7d")
}

/// The seconds of a length of a minute to a week.
pub(crate) fn minute_to_week(text: &str) -> Result<i32, &'static str> {
    up_to_a_week(text).and_then(|seconds| if seconds < 60 { Err("must be at least 1m") } else { Ok(seconds) })
}

/// The minutes of a length that is made of whole ones.
pub(crate) fn minutes(text: &str) -> Result<i32, &'static str> {
    let seconds = length(text)?.num_seconds();
    let minutes = i32::try_from(seconds / 60).ok().filter(|_| seconds % 60 == 0);
    minutes.ok_or("must be whole minutes")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_length_is_a_number_and_a_unit() {
        for (text, seconds) in [("0", 0), ("0s", 0), ("30s", 30), ("15m", 900), ("24h", 86_400), ("90d", 7_776_000)] {
            assert_eq!(length(text).map(|length| length.num_seconds()), Ok(seconds), "{text}");
        }
        for text in ["", "d", "90", "-1d", "1.5h", "1 h", "1w", "1dd", "٣d", "99999999999999999999d"] {
            assert_eq!(length(text), Err(EXPECTED), "{text}");
        }
        for text in ["36526d", "9223372036854775807d", "9223372036854775807s"] {
            assert_eq!(length(text), Err("must be at most 36525d"), "{text}");
        }
        assert_eq!((lifetime("0"), overlap("31d")), (Err("must be longer than 0"), Err("must be at most 30d")));
        assert_eq!((up_to_a_week("7d"), up_to_a_week("169h")), (Ok(604_800), Err("must be at most 7d")));
        assert_eq!((minute_to_week("60s"), minute_to_week("59s")), (Ok(60), Err("must be at least 1m")));
        assert_eq!((minutes("2h"), minutes("90s")), (Ok(120), Err("must be whole minutes")));
        assert_eq!((lifetime("1s"), overlap("0")), (Ok(TimeDelta::seconds(1)), Ok(TimeDelta::zero())));
    }
}
