//! Figures, dates and numbers in words, for people in the United States.

use super::content::{ReportKind, Step};
use chrono::{Datelike, NaiveDate};
use rust_decimal::{Decimal, RoundingStrategy};
use unicode_normalization::UnicodeNormalization as _;

/// The figures: name, label, unit.
const FIGURES: &[(&str, &str, &str)] = &[
    ("nmc.calls_inbound", "Calls", "calls"),
    ("nmc.calls_answered", "Answered calls", "calls"),
    ("nmc.calls_unanswered", "Missed calls", "calls"),
    ("nmc.calls_missed", "Missed: it rang, and nobody answered", "calls"),
    ("nmc.calls_voicemail", "Missed: went to voicemail", "calls"),
    ("nmc.calls_abandoned", "Missed: the caller hung up", "calls"),
    ("nmc.calls_blocked", "Blocked calls", "calls"),
    ("nmc.calls_failed", "Calls that could not be connected", "calls"),
    ("nmc.calls_texted_back", "Missed callers who were texted", "calls"),
    ("nmc.calls_replied", "Missed callers who wrote back", "calls"),
    ("nmc.calls_converted", "Missed calls that became a job", "calls"),
    ("nmc.calls_talk_seconds", "Time on the phone with callers", "seconds"),
    ("nmc.calls_outbound", "Calls made", "calls"),
    ("nmc.calls_cost", "Cost of calls", "USD"),
    ("nmc.revenue", "Revenue from calls", "USD"),
    ("nmc.revenue_unanswered", "Revenue from missed calls", "USD"),
    ("nmc.conversations_opened", "Conversations begun", "conversations"),
    ("nmc.conversations_responded", "Conversations answered", "conversations"),
    ("nmc.first_response_seconds", "Wait for a first answer, in all", "seconds"),
    ("nmc.first_response_open_seconds", "Wait for a first answer in business hours, in all", "seconds"),
    ("nmc.conversations_resolved", "Conversations resolved", "conversations"),
    ("nmc.resolution_seconds", "Time to resolve, in all", "seconds"),
    ("nmc.resolution_open_seconds", "Time to resolve in business hours, in all", "seconds"),
    ("nmc.texts_received", "Texts received", "texts"),
    ("nmc.texts_sent", "Texts sent", "texts"),
    ("nmc.texts_failed", "Texts that did not arrive", "texts"),
    ("nmc.texts_cost", "Cost of texts", "USD"),
    ("nmc.opt_outs", "People who asked for no more texts", "people"),
];

/// The place of a figure in lists, its label and its unit. One that isn't known is last, under its own name.
pub(super) fn figure(name: &str) -> (usize, &str, &'static str) {
    FIGURES
        .iter()
        .enumerate()
        .find(|(_, (known, ..))| *known == name)
        .map_or((FIGURES.len(), name, "count"), |(place, (_, label, unit))| (place, *label, *unit))
}

/// A value as people read it: counts in whole numbers, percentages, minutes and hours with one decimal, dollars with cents, and
/// with up to four decimals below a dollar. Halves are rounded away from zero.
#[must_use]
pub fn display(value: Decimal, unit: &str) -> String {
    let round = |value: Decimal, places| value.round_dp_with_strategy(places, RoundingStrategy::MidpointAwayFromZero);
    let one = || grouped(round(value, 1).normalize());
    match unit {
        "%" => format!("{}%", one()),
        "minutes" => format!("{} min", one()),
        "hours" => format!("{} h", one()),
        "seconds" => format!("{} s", grouped(round(value, 0))),
        "USD" => {
            let is_small = value.abs() < Decimal::ONE && !value.is_zero();
            let mut amount = if is_small { round(value, 4).normalize() } else { round(value, 2) };
            if amount.scale() < 2 {
                amount.rescale(2);
            }
            let sign = if amount.is_sign_negative() && !amount.is_zero() { "−" } else { "" };
            format!("{sign}${}", grouped(amount.abs()))
        }
        _ => one(),
    }
}

/// The number with commas between thousands, and a minus sign that is one.
fn grouped(value: Decimal) -> String {
    let text = value.abs().to_string();
    let (whole, decimals) = text.split_once('.').map_or((text.as_str(), None), |(whole, decimals)| (whole, Some(decimals)));
    let mut out = String::from(if value.is_sign_negative() && !value.is_zero() { "−" } else { "" });
    for (at, digit) in whole.chars().enumerate() {
        if at > 0 && whole.len().saturating_sub(at) % 3 == 0 {
            out.push(',');
        }
        out.push(digit);
    }
    if let Some(decimals) = decimals {
        out.push('.');
        out.push_str(decimals);
    }
    out
}

/// The names of the weekdays, Monday first.
pub(super) const WEEKDAYS: [&str; 7] = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"];

/// A full hour of the day, like `7 am` or `noon`.
pub(super) fn hour(hour: usize) -> String {
    match hour % 24 {
        0 => "midnight".to_owned(),
        12 => "noon".to_owned(),
        morning @ 1..12 => format!("{morning} am"),
        evening => format!("{} pm", evening.saturating_sub(12)),
    }
}

/// The title of a period.
pub(super) fn title(kind: ReportKind, first: NaiveDate, last: NaiveDate) -> String {
    match kind {
        ReportKind::Daily => first.format("%A, %B %-d, %Y").to_string(),
        ReportKind::Weekly => format!("Week of {}", days(first, last)),
        ReportKind::Monthly => first.format("%B %Y").to_string(),
        ReportKind::Custom => days(first, last),
    }
}

/// The days of a period, like `November 23 – 29, 2026`.
pub(super) fn days(first: NaiveDate, last: NaiveDate) -> String {
    if first == last {
        first.format("%B %-d, %Y").to_string()
    } else if first.year() != last.year() {
        format!("{} – {}", first.format("%B %-d, %Y"), last.format("%B %-d, %Y"))
    } else if first.month() != last.month() {
        format!("{} – {}", first.format("%B %-d"), last.format("%B %-d, %Y"))
    } else {
        format!("{} – {}", first.format("%B %-d"), last.format("%-d, %Y"))
    }
}

/// The most characters of a name's slug.
const LONGEST_SLUG: usize = 60;

/// A name in small letters, digits and dashes, without accents.
pub(super) fn slug(name: &str) -> String {
    let is_mark = |c: &char| matches!(c, '\u{300}'..='\u{36f}' | '\'' | '\u{2019}');
    let plain: String = name.nfkd().filter(|c| !is_mark(c)).nfc().collect::<String>().to_lowercase();
    let words = plain.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty());
    let slug: String = words.collect::<Vec<_>>().join("-").chars().take(LONGEST_SLUG).collect();
    slug.trim_end_matches('-').to_owned()
}

impl ReportKind {
    /// Every kind.
    pub const ALL: &'static [Self] = &[Self::Daily, Self::Weekly, Self::Monthly, Self::Custom];

    /// The kind as it is written in JSON.
    #[must_use]
    pub const fn label(self) -> &'static str {
        match self {
            Self::Daily => "daily",
            Self::Weekly => "weekly",
            Self::Monthly => "monthly",
            Self::Custom => "custom",
        }
    }
}

impl std::fmt::Display for ReportKind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(self.label())
    }
}

impl std::str::FromStr for ReportKind {
    type Err = crate::Error;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let found = Self::ALL.iter().find(|kind| kind.label() == text);
        found.copied().ok_or_else(|| crate::Error::invalid("type", "must be one of: daily weekly monthly custom"))
    }
}

impl Step {
    /// The step as it is written in JSON.
    #[must_use]
    pub const fn label(self) -> &'static str {
        match self {
            Self::Day => "day",
            Self::Week => "week",
            Self::Month => "month",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{days, display, hour, slug};

    #[test]
    fn slug_of_a_name_is_letters_digits_and_dashes() {
        for (name, expected) in [
            ("Joe's Plumbing & Söhne", "joes-plumbing-sohne"),
            ("Зоя Ёлкина", "зоя-елкина"),
            ("../../etc\r\nX: y\"", "etc-x-y"),
            ("\u{202e}gpj.exe", "gpj-exe"),
            ("&", ""),
        ] {
            assert_eq!(slug(name), expected);
        }
        assert_eq!(slug(&"a b".repeat(100)).chars().count(), 60);
    }

    #[test]
    fn value_is_shown_as_its_unit_is_read() {
        for (value, unit, shown) in [
            ("1234567", "calls", "1,234,567"),
            ("999", "calls", "999"),
            ("-1000", "calls", "−1,000"),
            ("41.6667", "%", "41.7%"),
            ("100.0000", "%", "100%"),
            ("0.05", "%", "0.1%"),
            ("12.25", "minutes", "12.3 min"),
            ("3", "hours", "3 h"),
            ("4300", "USD", "$4,300.00"),
            ("0.0079", "USD", "$0.0079"),
            ("0.5", "USD", "$0.50"),
            ("0", "USD", "$0.00"),
            ("-12.5", "USD", "−$12.50"),
        ] {
            assert_eq!(display(value.parse().unwrap(), unit), shown);
        }
    }

    #[test]
    fn days_are_named_once_as_far_as_they_agree() {
        let day = |text: &str| text.parse().unwrap();
        assert_eq!(days(day("2026-11-23"), day("2026-11-23")), "November 23, 2026");
        assert_eq!(days(day("2026-11-23"), day("2026-11-29")), "November 23 – 29, 2026");
        assert_eq!(days(day("2026-11-30"), day("2026-12-06")), "November 30 – December 6, 2026");
        assert_eq!(days(day("2026-12-28"), day("2027-01-03")), "December 28, 2026 – January 3, 2027");
        assert_eq!([0, 7, 12, 23, 24].map(hour), ["midnight", "7 am", "noon", "11 pm", "midnight"]);
    }
}
