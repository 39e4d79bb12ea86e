//! The calendar of a zone: its hours, days, weeks and months, as instants. Whatever is reckoned by local time is reckoned here, and the
//! database gets instants.

use super::Timezone;
use chrono::{
    DateTime, Datelike as _, Days, Duration, Months, NaiveDate, NaiveDateTime, NaiveTime, Offset as _, TimeZone as _,
    Timelike as _, Utc,
};
use chrono_tz::GapInfo;

/// A stretch of time: from its first instant, which belongs to it, to an instant that doesn't.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct Span {
    /// The first instant.
    pub from: DateTime<Utc>,
    /// The first instant after it.
    pub until: DateTime<Utc>,
}

impl Span {
    /// Whether an instant lies within.
    #[must_use]
    pub fn contains(&self, at: DateTime<Utc>) -> bool {
        (self.from..self.until).contains(&at)
    }

    /// Whether there is nothing in it.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.from >= self.until
    }
}

/// A day begins at the first instant that the zone's clock shows its date, or a later one where the zone has no such day: that one is
/// empty. All answers are `None` only where the calendar ends, a quarter of a million years away.
impl Timezone {
    /// The day that an instant lies in.
    #[must_use]
    pub fn date(self, at: DateTime<Utc>) -> Option<NaiveDate> {
        let shown = self.shown(at)?.date();
        // A clock that is set back across midnight shows the day before once more.
        let next = shown.succ_opt()?;
        Some(if self.start(next)? <= at { next } else { shown })
    }

    /// A day.
    #[must_use]
    pub fn day(self, date: NaiveDate) -> Option<Span> {
        Some(Span { from: self.start(date)?, until: self.start(date.succ_opt()?)? })
    }

    /// The week, from Monday on, that has this day.
    #[must_use]
    pub fn week(self, date: NaiveDate) -> Option<Span> {
        let monday = date.checked_sub_days(Days::new(date.weekday().num_days_from_monday().into()))?;
        Some(Span { from: self.start(monday)?, until: self.start(monday.checked_add_days(Days::new(7))?)? })
    }

    /// The month that has this day.
    #[must_use]
    pub fn month(self, date: NaiveDate) -> Option<Span> {
        let first = date.with_day(1)?;
        Some(Span { from: self.start(first)?, until: self.start(first.checked_add_months(Months::new(1))?)? })
    }

    /// The hours of a day, in order. They begin where the day does, where the zone's clock shows a full hour, and where it is set.
    #[must_use]
    pub fn hours(self, day: Span) -> Vec<Span> {
        let mut hours = Vec::with_capacity(25);
        let mut from = day.from;
        while from < day.until {
            let until = self.end_of_hour(from).map_or(day.until, |end| end.min(day.until));
            hours.push(Span { from, until });
            from = until;
        }
        hours
    }

    /// The first instant after `at` at which the zone's clock shows a full hour, or is set.
    fn end_of_hour(self, at: DateTime<Utc>) -> Option<DateTime<Utc>> {
        let shown = self.shown(at)?;
        let into = Duration::minutes(shown.minute().into()) + Duration::seconds(shown.second().into());
        let end = at.checked_add_signed(Duration::hours(1) - into)?;
        let offset = |at: DateTime<Utc>| self.tz().offset_from_utc_datetime(&at.naive_utc()).fix();
        let (mut before, mut set) = (at, end);
        if offset(end) == offset(at) {
            return Some(end);
        }
        // The clock is set at a full second, after the one and at the other.
        while set - before > Duration::seconds(1) {
            let middle = before + Duration::seconds((set - before).num_seconds() / 2);
            if offset(middle) == offset(at) {
                before = middle;
            } else {
                set = middle;
            }
        }
        Some(set)
    }

    fn start(self, date: NaiveDate) -> Option<DateTime<Utc>> {
        self.first_instant(date.and_time(NaiveTime::MIN))
    }

    /// The time that the zone's clock shows at an instant.
    pub(crate) fn shown(self, at: DateTime<Utc>) -> Option<NaiveDateTime> {
        let at = at.naive_utc();
        at.checked_add_offset(self.tz().offset_from_utc_datetime(&at).fix())
    }

    /// The first instant at which the zone's clock shows this time or a later one.
    pub(crate) fn first_instant(self, local: NaiveDateTime) -> Option<DateTime<Utc>> {
        // Near the calendar's ends, where chrono would panic, there are no instants.
        let room = Duration::days(2);
        local.checked_add_signed(room)?;
        local.checked_sub_signed(room)?;
        let zone = self.tz();
        if let Some(at) = zone.from_local_datetime(&local).earliest() {
            return Some(at.with_timezone(&Utc));
        }
        let (begin, offset) = GapInfo::new(&local, &zone)?.begin?;
        Some(begin.checked_sub_offset(offset.fix())?.and_utc())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn zone(name: &str) -> Timezone {
        name.parse().unwrap()
    }

    fn date(text: &str) -> NaiveDate {
        text.parse().unwrap()
    }

    fn starts(zone_name: &str, day: &str) -> Vec<String> {
        let zone = zone(zone_name);
        let hours = zone.hours(zone.day(date(day)).unwrap());
        hours.iter().map(|hour| hour.from.format("%d %H:%M").to_string()).collect()
    }

    /// Every zone, ten years: hours tile days, days tile weeks and months, and an instant lies in the day that has it.
    #[test]
    fn hours_days_weeks_and_months_tile_time_in_every_zone() {
        for zone in chrono_tz::TZ_VARIANTS.into_iter().map(Timezone::of) {
            let mut day = date("2020-01-01");
            let (mut week, mut month) = (zone.week(day).unwrap(), zone.month(day).unwrap());
            let mut end = zone.day(day).unwrap().from;
            while day < date("2030-01-01") {
                let span = zone.day(day).unwrap();
                assert_eq!(span.from, end, "{zone:?}, {day}");
                end = span.until;
                if day.weekday() == chrono::Weekday::Mon {
                    let next = zone.week(day).unwrap();
                    assert!(day == date("2020-01-01") || next.from == week.until, "{zone:?}, {day}");
                    week = next;
                }
                if day.day() == 1 {
                    let next = zone.month(day).unwrap();
                    assert!(day == date("2020-01-01") || next.from == month.until, "{zone:?}, {day}");
                    month = next;
                }
                assert!(
                    week.from <= span.from && span.until <= week.until && month.from <= span.from && span.until <= month.until
                );
                // Hours cost, and are plain on most days.
                if span.until - span.from != Duration::days(1) || day.day() == 1 {
                    let hours = zone.hours(span);
                    assert_eq!(hours.first().map(|hour| hour.from), (!span.is_empty()).then_some(span.from));
                    assert!(hours.windows(2).all(|pair| pair[0].until == pair[1].from), "{zone:?}, {day}");
                    assert!(hours.iter().all(|hour| !hour.is_empty() && hour.until - hour.from <= Duration::hours(1)));
                    assert!(hours.last().is_none_or(|hour| hour.until == span.until), "{zone:?}, {day}");
                }
                if !span.is_empty() {
                    for at in [span.from, span.from + (span.until - span.from) / 2, span.until - Duration::microseconds(1)] {
                        assert_eq!(zone.date(at), Some(day), "{zone:?}, {at}");
                    }
                }
                day = day.succ_opt().unwrap();
            }
        }
    }

    #[test]
    fn hours_follow_a_clock_that_is_set() {
        let of = |text: &[&str]| text.iter().map(ToString::to_string).collect::<Vec<_>>();
        // New York skips 02:00 on March 8, and has 01:00 twice on November 1.
        assert_eq!(starts("America/New_York", "2026-03-08")[..4], of(&["08 05:00", "08 06:00", "08 07:00", "08 08:00"]));
        assert_eq!(starts("America/New_York", "2026-03-08").len(), 23);
        assert_eq!(starts("America/New_York", "2026-11-01").len(), 25);
        // Lord Howe has half an hour more on April 5, from 01:30 once more, and one less on October 4.
        assert_eq!(starts("Australia/Lord_Howe", "2026-04-05")[..4], of(&["04 13:00", "04 14:00", "04 15:00", "04 15:30"]));
        assert_eq!(starts("Australia/Lord_Howe", "2026-10-04")[..4], of(&["03 13:30", "03 14:30", "03 15:30", "03 16:00"]));
        // Kathmandu's hours begin at a quarter.
        assert_eq!(starts("Asia/Kathmandu", "2026-01-01")[..2], of(&["31 18:15", "31 19:15"]));
        // Cairo has no midnight on April 24; Apia had no 30 December 2011.
        assert_eq!(starts("Africa/Cairo", "2026-04-24")[..2], of(&["23 22:00", "23 23:00"]));
        assert_eq!(starts("Pacific/Apia", "2011-12-30"), Vec::<String>::new());
    }

    #[test]
    fn weeks_begin_on_monday_and_months_on_the_first() {
        let zone = zone("America/New_York");
        let text = |span: Span| format!("{} {}", span.from.format("%m-%d %H"), span.until.format("%m-%d %H"));
        assert_eq!(text(zone.week(date("2026-03-08")).unwrap()), "03-02 05 03-09 04");
        assert_eq!(text(zone.week(date("2026-03-09")).unwrap()), "03-09 04 03-16 04");
        assert_eq!(text(zone.month(date("2026-11-30")).unwrap()), "11-01 04 12-01 05");
        assert_eq!(zone.day(NaiveDate::MAX), None);
    }
}
