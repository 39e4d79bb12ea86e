//! Business hours: when a business is open, in instants.
//!
//! Each day of the calendar has one interval, from its opening to its closing. A local time stands for the first instant at
//! which the zone's clock shows it or a later one: a time that comes twice counts the first time, one that is skipped counts
//! when the clock skips it. A day whose hours are skipped whole has an empty interval, and the next day opens as always.
//! A holiday has no interval, and ends that of the day before where it runs past midnight. A business that never closes has
//! whole days. All answers are read off these intervals, so they agree.

use crate::{Span, Timezone};
use chrono::{DateTime, Days, NaiveDate, NaiveTime, Timelike as _, Utc};
use std::cmp::Ordering;
use std::collections::BTreeSet;
use std::fmt;

/// The opening hours of a business, the same on each day that is no holiday.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BusinessHours {
    /// Opening time, in the zone; included.
    pub opens: NaiveTime,
    /// Closing time, in the zone; not included. Before the opening time when the day ends past midnight; equal to it when
    /// the business never closes, but for holidays.
    pub closes: NaiveTime,
    /// The time zone of the hours.
    pub zone: Timezone,
    /// The days on which it is closed, from their first instant to their last; nothing opens on them, not even past midnight.
    pub holidays: BTreeSet<NaiveDate>,
}

/// `7 AM-6 PM`, or `24/7`: in letters that every text can carry.
impl fmt::Display for BusinessHours {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.never_closes() {
            return f.write_str("24/7");
        }
        write!(f, "{}-{}", in_words(self.opens), in_words(self.closes))
    }
}

fn in_words(time: NaiveTime) -> impl fmt::Display {
    time.format(if time.minute() == 0 { "%-I %p" } else { "%-I:%M %p" })
}

/// The days looked at, from the day before: a week is more than any change of a zone's clock has ever taken away.
const DAYS: u64 = 9;

impl BusinessHours {
    /// Hours without holidays.
    #[must_use]
    pub const fn new(opens: NaiveTime, closes: NaiveTime, zone: Timezone) -> Self {
        Self { opens, closes, zone, holidays: BTreeSet::new() }
    }

    /// These hours, with these holidays and no others.
    #[must_use]
    pub fn closed_on(self, holidays: impl IntoIterator<Item = NaiveDate>) -> Self {
        Self { holidays: holidays.into_iter().collect(), ..self }
    }

    /// Whether the business is open at that instant.
    #[must_use]
    pub fn is_open(&self, at: DateTime<Utc>) -> bool {
        self.next_open(at) == Some(at)
    }

    /// The first instant, not before `at`, at which it is open. `None` only where the calendar ends, a quarter of a million
    /// years away.
    #[must_use]
    pub fn next_open(&self, at: DateTime<Utc>) -> Option<DateTime<Utc>> {
        if self.never_closes() && self.holidays.is_empty() {
            return Some(at);
        }
        self.intervals(at).find(|(_, end)| *end > at).map(|(start, _)| start.max(at))
    }

    /// The first instant, not before `at`, at which it is closed. `None` when it never closes.
    #[must_use]
    pub fn next_close(&self, at: DateTime<Utc>) -> Option<DateTime<Utc>> {
        if self.never_closes() {
            // One interval begins where another ends, but for holidays.
            let mut closed = self.holidays.range(self.first_day(at)?..).filter_map(|day| self.zone.day(*day));
            return closed.find(|day| !day.is_empty() && day.until > at).map(|day| day.from.max(at));
        }
        // One interval may begin where another ends.
        Some(self.intervals(at).fold(at, |at, (start, end)| if (start..end).contains(&at) { end } else { at }))
    }

    /// The first instant of the day that the zone's calendar shows at an instant.
    pub(crate) fn start_of_day(&self, at: DateTime<Utc>) -> Option<DateTime<Utc>> {
        self.zone.first_instant(self.zone.shown(at)?.date().and_time(NaiveTime::MIN))
    }

    /// The instant at which the zone's clock showed the same time so many days before.
    pub(crate) fn days_before(&self, at: DateTime<Utc>, days: u64) -> Option<DateTime<Utc>> {
        self.zone.first_instant(self.zone.shown(at)?.checked_sub_days(Days::new(days))?)
    }

    /// The next opening as a greeting tells it: `now` while the business is open, else its day and time by its own clock, which
    /// stay true however late the text is read. One that is a week away or more has its date, too.
    pub(super) fn next_opening_in_words(&self, at: DateTime<Utc>) -> String {
        match self.next_open(at) {
            Some(next) if next == at => "now".to_owned(),
            next => next.and_then(|next| self.zone.shown(next)).map_or_else(String::new, |local| {
                let today = self.zone.shown(at).map(|shown| shown.date());
                let is_far = today.is_some_and(|today| local.date().signed_duration_since(today).num_days() >= 7);
                let day = local.format(if is_far { "%A, %B %-d," } else { "%A" });
                format!("{day} at {}", in_words(local.time()))
            }),
        }
    }

    /// When it is open within a span, in order and never overlapping; one interval may reach beyond an end of the span.
    pub(crate) fn open_spans(&self, span: Span) -> Vec<Span> {
        if self.never_closes() && self.holidays.is_empty() {
            return vec![span];
        }
        std::iter::successors(self.first_day(span.from), |day| day.succ_opt())
            .map_while(|day| self.interval(day))
            .map(|(from, until)| Span { from, until })
            .take_while(|open| open.from < span.until)
            .filter(|open| !open.is_empty() && open.until > span.from)
            .collect()
    }

    /// Whether its hours never have it closed; holidays do.
    fn never_closes(&self) -> bool {
        self.opens == self.closes
    }

    /// The first day whose interval could still be open at an instant: the day before.
    fn first_day(&self, at: DateTime<Utc>) -> Option<NaiveDate> {
        self.zone.shown(at)?.date().pred_opt()
    }

    /// The intervals of the days around an instant, in order and never overlapping, without the empty ones: however many
    /// holidays come in a row, the day after them is among these.
    fn intervals(&self, at: DateTime<Utc>) -> impl Iterator<Item = (DateTime<Utc>, DateTime<Utc>)> {
        let (first, holidays) = (self.first_day(at), u64::try_from(self.holidays.len()).unwrap_or(u64::MAX));
        let days = (0..DAYS.saturating_add(holidays)).filter_map(move |ahead| first?.checked_add_days(Days::new(ahead)));
        days.filter_map(|day| self.interval(day)).filter(|(start, end)| start < end)
    }

    /// When it is open by the hours of a day; empty where that is a holiday.
    fn interval(&self, day: NaiveDate) -> Option<(DateTime<Utc>, DateTime<Utc>)> {
        let next = day.succ_opt()?;
        let (opens, closes) = match self.opens.cmp(&self.closes) {
            Ordering::Less => (day.and_time(self.opens), day.and_time(self.closes)),
            Ordering::Equal => (day.and_time(NaiveTime::MIN), next.and_time(NaiveTime::MIN)),
            Ordering::Greater => (day.and_time(self.opens), next.and_time(self.closes)),
        };
        let (opens, closes) = (self.zone.first_instant(opens)?, self.zone.first_instant(closes)?);
        if self.holidays.contains(&day) {
            return Some((opens, opens));
        }
        let midnight = self.holidays.contains(&next).then(|| self.zone.first_instant(next.and_time(NaiveTime::MIN))).flatten();
        Some((opens, midnight.map_or(closes, |midnight| closes.min(midnight))))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use chrono::NaiveDateTime;

    fn hours(opens: &str, closes: &str, zone: &str) -> BusinessHours {
        let time = |text: &str| NaiveTime::parse_from_str(text, "%H:%M").unwrap();
        BusinessHours::new(time(opens), time(closes), zone.parse().unwrap())
    }

    fn utc(text: &str) -> DateTime<Utc> {
        NaiveDateTime::parse_from_str(text, "%Y-%m-%d %H:%M").unwrap().and_utc()
    }

    /// Zone, hours, and at an instant (UTC) when it opens and closes next; who is open opens at once.
    #[test]
    fn it_is_open_from_its_opening_to_its_closing_by_its_own_clock() {
        const LA: &str = "America/Los_Angeles";
        const BERLIN: &str = "Europe/Berlin";
        const HOWE: &str = "Australia/Lord_Howe";
        const APIA: &str = "Pacific/Apia";
        let cases = [
            // A plain day, in winter (UTC-8): before, at the opening, within, at the last minute, at the closing, after.
            (LA, "07:00", "18:00", "2026-01-15 14:59", "2026-01-15 15:00", "2026-01-15 14:59"),
            (LA, "07:00", "18:00", "2026-01-15 15:00", "2026-01-15 15:00", "2026-01-16 02:00"),
            (LA, "07:00", "18:00", "2026-01-15 20:00", "2026-01-15 20:00", "2026-01-16 02:00"),
            (LA, "07:00", "18:00", "2026-01-16 01:59", "2026-01-16 01:59", "2026-01-16 02:00"),
            (LA, "07:00", "18:00", "2026-01-16 02:00", "2026-01-16 15:00", "2026-01-16 02:00"),
            (LA, "07:00", "18:00", "2026-01-16 07:59", "2026-01-16 15:00", "2026-01-16 07:59"),
            // Past midnight: this day's evening, the night, the morning after, noon.
            (LA, "22:00", "06:00", "2026-01-16 06:00", "2026-01-16 06:00", "2026-01-16 14:00"),
            (LA, "22:00", "06:00", "2026-01-16 12:00", "2026-01-16 12:00", "2026-01-16 14:00"),
            (LA, "22:00", "06:00", "2026-01-16 14:00", "2026-01-17 06:00", "2026-01-16 14:00"),
            (LA, "22:00", "00:00", "2026-01-16 07:59", "2026-01-16 07:59", "2026-01-16 08:00"),
            (LA, "00:00", "12:00", "2026-01-16 08:00", "2026-01-16 08:00", "2026-01-16 20:00"),
            // Los Angeles skips 02:00–03:00 on March 8, at 10:00 UTC, and has 01:00–02:00 twice on November 1, from 08:00 UTC.
            (LA, "02:30", "18:00", "2026-03-08 09:59", "2026-03-08 10:00", "2026-03-08 09:59"),
            (LA, "01:00", "02:30", "2026-03-08 09:30", "2026-03-08 09:30", "2026-03-08 10:00"),
            (LA, "02:10", "02:50", "2026-03-08 09:00", "2026-03-09 09:10", "2026-03-08 09:00"),
            (LA, "07:00", "18:00", "2026-03-08 13:00", "2026-03-08 14:00", "2026-03-08 13:00"),
            (LA, "01:30", "18:00", "2026-11-01 08:00", "2026-11-01 08:30", "2026-11-01 08:00"),
            (LA, "00:30", "01:30", "2026-11-01 08:00", "2026-11-01 08:00", "2026-11-01 08:30"),
            (LA, "00:30", "01:30", "2026-11-01 09:10", "2026-11-02 08:30", "2026-11-01 09:10"),
            (LA, "07:00", "18:00", "2026-11-01 14:00", "2026-11-01 15:00", "2026-11-01 14:00"),
            // Berlin skips 02:00–03:00 on March 29, at 01:00 UTC, and has it twice on October 25, from 00:00 UTC.
            (BERLIN, "02:30", "18:00", "2026-03-29 00:30", "2026-03-29 01:00", "2026-03-29 00:30"),
            (BERLIN, "08:00", "17:00", "2026-03-29 06:00", "2026-03-29 06:00", "2026-03-29 15:00"),
            (BERLIN, "22:00", "02:30", "2026-10-25 00:00", "2026-10-25 00:00", "2026-10-25 00:30"),
            (BERLIN, "02:30", "03:00", "2026-10-25 00:00", "2026-10-25 00:30", "2026-10-25 00:00"),
            (BERLIN, "02:30", "03:00", "2026-10-25 01:10", "2026-10-25 01:10", "2026-10-25 02:00"),
            // Lord Howe's clock moves by 30 minutes: 02:00–02:30 is skipped on October 4 at 15:30 UTC the day before, and
            // 01:30–02:00 comes twice on April 5, from 14:30 UTC the day before.
            (HOWE, "02:15", "09:00", "2026-10-03 15:00", "2026-10-03 15:30", "2026-10-03 15:00"),
            (HOWE, "02:05", "02:25", "2026-10-03 15:00", "2026-10-04 15:05", "2026-10-03 15:00"),
            (HOWE, "01:45", "09:00", "2026-04-04 14:30", "2026-04-04 14:45", "2026-04-04 14:30"),
            (HOWE, "01:00", "01:45", "2026-04-04 15:05", "2026-04-05 14:30", "2026-04-04 15:05"),
            // Apia had no 30 December 2011: the 29th ended, at 10:00 UTC on the 30th, where the 31st began.
            (APIA, "07:00", "18:00", "2011-12-30 05:00", "2011-12-30 17:00", "2011-12-30 05:00"),
            (APIA, "22:00", "06:00", "2011-12-30 09:00", "2011-12-30 09:00", "2011-12-30 16:00"),
            (APIA, "00:00", "10:00", "2011-12-30 09:59", "2011-12-30 10:00", "2011-12-30 09:59"),
            (APIA, "18:00", "00:00", "2011-12-30 09:59", "2011-12-30 09:59", "2011-12-30 10:00"),
        ];
        for (zone, opens, closes, at, open, close) in cases {
            let (hours, at) = (hours(opens, closes, zone), utc(at));
            let said = (hours.next_open(at), hours.next_close(at), hours.is_open(at));
            let expected = (Some(utc(open)), Some(utc(close)), utc(open) == at);
            assert_eq!(said, expected, "{zone}, {opens} to {closes}, at {at}");
        }
    }

    /// Hours, holidays, and at an instant (UTC) when it opens and closes next, if it does.
    #[test]
    fn holidays_are_closed_from_midnight_to_midnight() {
        const LA: &str = "America/Los_Angeles";
        const BERLIN: &str = "Europe/Berlin";
        let christmas: &[&str] = &["2026-12-25"];
        let cases = [
            // Los Angeles is at UTC-8: the evening before, the day, the morning after.
            (LA, "07:00", "18:00", christmas, "2026-12-25 01:59", "2026-12-25 01:59", Some("2026-12-25 02:00")),
            (LA, "07:00", "18:00", christmas, "2026-12-25 02:00", "2026-12-26 15:00", Some("2026-12-25 02:00")),
            (LA, "07:00", "18:00", christmas, "2026-12-25 20:00", "2026-12-26 15:00", Some("2026-12-25 20:00")),
            (LA, "07:00", "18:00", christmas, "2026-12-26 15:00", "2026-12-26 15:00", Some("2026-12-27 02:00")),
            // Past midnight: the night before ends at midnight, and the holiday's own does not take place.
            (LA, "22:00", "06:00", christmas, "2026-12-25 07:59", "2026-12-25 07:59", Some("2026-12-25 08:00")),
            (LA, "22:00", "06:00", christmas, "2026-12-25 08:00", "2026-12-27 06:00", Some("2026-12-25 08:00")),
            (LA, "22:00", "06:00", christmas, "2026-12-26 09:00", "2026-12-27 06:00", Some("2026-12-26 09:00")),
            // Never closed but then.
            (LA, "09:00", "09:00", christmas, "2026-12-20 12:00", "2026-12-20 12:00", Some("2026-12-25 08:00")),
            (LA, "09:00", "09:00", christmas, "2026-12-25 08:00", "2026-12-26 08:00", Some("2026-12-25 08:00")),
            (LA, "09:00", "09:00", christmas, "2026-12-26 07:59", "2026-12-26 08:00", Some("2026-12-26 07:59")),
            (LA, "09:00", "09:00", christmas, "2026-12-26 08:00", "2026-12-26 08:00", None),
            // The day of the clock's change has 25 hours.
            (BERLIN, "00:00", "00:00", &["2026-10-25"], "2026-10-24 22:00", "2026-10-25 23:00", Some("2026-10-24 22:00")),
        ];
        for (zone, opens, closes, holidays, at, open, close) in cases {
            let hours = hours(opens, closes, zone).closed_on(holidays.iter().map(|day| day.parse().unwrap()));
            let at = utc(at);
            let said = (hours.next_open(at), hours.next_close(at), hours.is_open(at));
            assert_eq!(said, (Some(utc(open)), close.map(utc), utc(open) == at), "{zone}, {opens} to {closes}, at {at}");
        }
    }

    #[test]
    fn year_of_holidays_opens_on_the_day_after() {
        let first: NaiveDate = "2026-01-01".parse().unwrap();
        for (opens, closes, open) in [("07:00", "18:00", "2027-01-02 15:00"), ("00:00", "00:00", "2027-01-02 08:00")] {
            let hours = hours(opens, closes, "America/Los_Angeles").closed_on(first.iter_days().take(366));
            assert_eq!(hours.next_open(utc("2026-01-01 08:00")), Some(utc(open)));
            assert_eq!(hours.next_opening_in_words(utc("2026-12-01 08:00")).split(" at ").next(), Some("Saturday, January 2,"));
        }
    }

    #[test]
    fn open_spans_leave_holidays_out() {
        let span = Span { from: utc("2026-12-24 00:00"), until: utc("2026-12-27 00:00") };
        let open = |opens, closes| {
            let hours = hours(opens, closes, "Etc/UTC").closed_on(["2026-12-25".parse().unwrap()]);
            let spans = hours.open_spans(span).into_iter();
            spans.map(|open| format!("{} {}", open.from.format("%d %H"), open.until.format("%d %H"))).collect::<Vec<_>>()
        };
        assert_eq!(open("07:00", "18:00"), ["24 07 24 18", "26 07 26 18"]);
        assert_eq!(open("22:00", "06:00"), ["23 22 24 06", "24 22 25 00", "26 22 27 06"]);
        assert_eq!(open("08:00", "08:00"), ["24 00 25 00", "26 00 27 00"]);
    }

    #[test]
    fn hours_and_openings_are_told_in_words() {
        const LA: &str = "America/Los_Angeles";
        let cases = [
            ("07:00", "18:00", "2026-01-15 14:59", "7 AM-6 PM", "Thursday at 7 AM"),
            ("07:00", "18:00", "2026-01-15 15:00", "7 AM-6 PM", "now"),
            ("07:00", "18:00", "2026-01-16 02:00", "7 AM-6 PM", "Friday at 7 AM"),
            ("00:30", "12:00", "2026-01-17 00:00", "12:30 AM-12 PM", "Saturday at 12:30 AM"),
            ("09:05", "00:00", "2026-01-15 08:00", "9:05 AM-12 AM", "Thursday at 9:05 AM"),
            ("09:00", "09:00", "2026-01-15 08:00", "24/7", "now"),
            // The clock skips 02:00 to 03:00.
            ("02:30", "18:00", "2026-03-08 09:59", "2:30 AM-6 PM", "Sunday at 3 AM"),
        ];
        for (opens, closes, at, told, next) in cases {
            let (hours, at) = (hours(opens, closes, LA), utc(at));
            assert_eq!((hours.to_string(), hours.next_opening_in_words(at)), (told.to_owned(), next.to_owned()), "{at}");
            assert_eq!(super::super::SmsEncoding::of(&format!("{told} {next}")), super::super::SmsEncoding::Gsm7);
        }
    }

    #[test]
    fn who_closes_when_they_open_never_closes() {
        let hours = hours("09:00", "09:00", "Pacific/Apia");
        for at in ["2011-12-30 10:00", "2026-01-15 19:59", "2026-01-15 20:00"].map(utc) {
            assert_eq!((hours.is_open(at), hours.next_open(at), hours.next_close(at)), (true, Some(at), None));
        }
    }

    #[test]
    fn the_ends_of_the_calendar_have_no_hours() {
        for zone in ["Pacific/Apia", "America/Los_Angeles"] {
            let hours = hours("07:00", "18:00", zone);
            for at in [DateTime::<Utc>::MIN_UTC, DateTime::<Utc>::MAX_UTC] {
                assert!(!hours.is_open(at), "{zone}, {at}");
            }
            assert_eq!(hours.next_open(DateTime::<Utc>::MAX_UTC), None);
        }
    }
}
