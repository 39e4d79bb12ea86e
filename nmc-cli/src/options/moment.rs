//! Days and times as people type them: on the clock of the business, unless they name an offset.

use crate::error::{CliError, CliResult};
use chrono::{DateTime, Datelike as _, NaiveDate, NaiveDateTime, NaiveTime, TimeDelta, Utc};
use clap::Args;
use nmc_core::Timezone;
use std::str::FromStr;

/// A day, or a moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Moment {
    Day(NaiveDate),
    Local(NaiveDateTime),
    Instant(DateTime<Utc>),
}

impl Moment {
    /// The instant at which the moment begins in that zone.
    pub(crate) fn start(self, zone: Timezone) -> DateTime<Utc> {
        match self {
            Self::Day(day) => on_clock(day.and_time(NaiveTime::MIN), zone),
            Self::Local(at) => on_clock(at, zone),
            Self::Instant(at) => at,
        }
    }

    /// The instant before which what belongs to it has happened: a day counts whole.
    pub(crate) fn end(self, zone: Timezone) -> DateTime<Utc> {
        match self {
            Self::Day(day) => Self::Day(day.succ_opt().unwrap_or(day)).start(zone),
            other => other.start(zone),
        }
    }
}

/// The instant at which clocks there show this: the first, if they show it twice, and the next one, if it is skipped.
fn on_clock(at: NaiveDateTime, zone: Timezone) -> DateTime<Utc> {
    let shown = |at: NaiveDateTime| at.and_local_timezone(zone.tz()).earliest();
    // No zone skips more than a day at once.
    let quarters = (0..=96).filter_map(|quarter| at.checked_add_signed(TimeDelta::minutes(15 * quarter)));
    quarters.filter_map(shown).next().map_or_else(|| at.and_utc(), |at| at.to_utc())
}

const EXPECTED: &str = "must be a day or a time, like 2026-11-29, \"2026-11-29 08:30\" or 2026-11-29T08:30:00Z";

impl FromStr for Moment {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let text = text.trim();
        let local = |form| NaiveDateTime::parse_from_str(text, form).ok();
        let found = if let Ok(day) = NaiveDate::parse_from_str(text, "%Y-%m-%d") {
            Self::Day(day)
        } else if let Ok(at) = DateTime::parse_from_rfc3339(text) {
            Self::Instant(at.to_utc())
        } else {
            let forms = ["%Y-%m-%d %H:%M", "%Y-%m-%dT%H:%M", "%Y-%m-%d %H:%M:%S", "%Y-%m-%dT%H:%M:%S"];
            Self::Local(forms.into_iter().find_map(local).ok_or(EXPECTED)?)
        };
        let year = match found {
            Self::Day(day) => day.year(),
            Self::Local(at) => at.year(),
            Self::Instant(at) => at.year(),
        };
        if (1970..=9999).contains(&year) { Ok(found) } else { Err("must lie between the years 1970 and 9999") }
    }
}

/// A day, as an argument.
pub(crate) fn day(text: &str) -> Result<NaiveDate, &'static str> {
    NaiveDate::parse_from_str(text.trim(), "%Y-%m-%d").map_err(|_| "must be a day, like 2026-11-29")
}

/// A span of time.
#[derive(Args, Clone, Copy)]
pub(crate) struct SpanArgs {
    /// Only from this day or time on, on the clock of the business: 2026-11-29, "2026-11-29 08:30"
    #[arg(long, value_name = "TIME")]
    from: Option<Moment>,

    /// Only up to this day, which counts whole, or before this time
    #[arg(long, value_name = "TIME")]
    to: Option<Moment>,
}

impl SpanArgs {
    /// The ends of the span, on a clock of this zone.
    pub(crate) fn instants(self, zone: Timezone) -> CliResult<Span> {
        let (from, until) = (self.from.map(|at| at.start(zone)), self.to.map(|at| at.end(zone)));
        let is_backwards = match (self.from, self.to) {
            // A day that clocks passed over has no time, and is a day.
            (Some(Moment::Day(first)), Some(Moment::Day(last))) => last < first,
            _ => from.zip(until).is_some_and(|(from, until)| until <= from),
        };
        if is_backwards {
            return Err(CliError::Usage("--to must lie after --from".to_owned()));
        }
        Ok(Span { from, until })
    }
}

/// The ends of a span of time, where it has some.
pub(crate) struct Span {
    /// The first instant of the span.
    pub(crate) from: Option<DateTime<Utc>>,
    /// The first instant after the span.
    pub(crate) until: Option<DateTime<Utc>>,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn span(text: &str, zone: &str) -> Result<(String, String), &'static str> {
        let (moment, zone): (Moment, Timezone) = (text.parse()?, zone.parse().unwrap());
        Ok((moment.start(zone).to_rfc3339(), moment.end(zone).to_rfc3339()))
    }

    #[test]
    fn a_day_is_the_businesses_and_counts_whole() {
        for (text, zone, start, end) in [
            ("2026-07-04", "America/Chicago", "2026-07-04T05:00:00+00:00", "2026-07-05T05:00:00+00:00"),
            // The day on which clocks are put back has 25 hours, that on which they are put forward has 23.
            ("2026-11-01", "America/Chicago", "2026-11-01T05:00:00+00:00", "2026-11-02T06:00:00+00:00"),
            ("2026-03-08", "America/Chicago", "2026-03-08T06:00:00+00:00", "2026-03-09T05:00:00+00:00"),
            // In Cuba clocks are put forward at midnight: the day begins at one.
            ("2026-03-08", "America/Havana", "2026-03-08T05:00:00+00:00", "2026-03-09T04:00:00+00:00"),
            // Samoa had no 30 December 2011.
            ("2011-12-30", "Pacific/Apia", "2011-12-30T10:00:00+00:00", "2011-12-30T10:00:00+00:00"),
        ] {
            assert_eq!(span(text, zone), Ok((start.to_owned(), end.to_owned())), "{text} {zone}");
        }
    }

    #[test]
    fn a_span_goes_forward() {
        let is_taken = |from: &str, to: &str, zone: &str| {
            let (from, to) = (from.parse().ok(), to.parse().ok());
            SpanArgs { from, to }.instants(zone.parse().unwrap()).is_ok()
        };
        for (from, to, zone, taken) in [
            ("2026-07-04", "2026-07-04", "America/Chicago", true),
            ("2026-07-04", "2026-07-03", "America/Chicago", false),
            ("2026-07-04", "2026-07-04 00:00", "America/Chicago", false),
            ("2026-07-04 08:30", "2026-07-04", "America/Chicago", true),
            ("2011-12-30", "2011-12-30", "Pacific/Apia", true),
            ("2011-12-31", "2011-12-30", "Pacific/Apia", false),
        ] {
            assert_eq!(is_taken(from, to, zone), taken, "{from} to {to} in {zone}");
        }
    }

    #[test]
    fn a_time_is_on_the_businesses_clock_unless_it_names_an_offset() {
        for (text, at) in [
            ("2026-07-04 08:30", "2026-07-04T13:30:00+00:00"),
            ("2026-07-04T08:30:15", "2026-07-04T13:30:15+00:00"),
            ("2026-07-04T08:30:00Z", "2026-07-04T08:30:00+00:00"),
            ("2026-07-04T08:30:00+02:00", "2026-07-04T06:30:00+00:00"),
            ("2026-03-08 02:15", "2026-03-08T08:00:00+00:00"),
            ("2026-11-01 01:30", "2026-11-01T06:30:00+00:00"),
        ] {
            assert_eq!(span(text, "America/Chicago"), Ok((at.to_owned(), at.to_owned())), "{text}");
        }
    }

    #[test]
    fn what_is_no_day_is_refused() {
        for text in ["", "yesterday", "2026-02-30", "29.11.2026", "2026-11", "2026-11-29 25:00", "08:30"] {
            assert_eq!(text.parse::<Moment>(), Err(EXPECTED), "{text}");
        }
        for text in ["1969-12-31", "10000-01-01", "+12026-01-01"] {
            assert!(text.parse::<Moment>().is_err(), "{text}");
        }
    }
}
