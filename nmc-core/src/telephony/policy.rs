//! When an automatic text may go out: within the hours that a business allows, in every zone that the person may be in.

use crate::tenants::{BusinessHours, BusinessSettings};
use crate::{PhoneNumber, Timezone};
use chrono::{DateTime, NaiveTime, TimeDelta, Utc};

/// For how long after its end a call has been missed just now: its caller still has the phone in their hand.
const JUST_NOW: TimeDelta = TimeDelta::minutes(5);

/// The hours in which a business's automatic texts may go out, by the clock of who gets them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TextingHours {
    /// The local time from which on texts may go out.
    pub starts_at: NaiveTime,
    /// The local time from which on texts wait; after the start.
    pub ends_at: NaiveTime,
    /// Whether the answer to a call that was missed just now may go out at any hour.
    pub greeting_at_any_hour: bool,
}

impl Default for TextingHours {
    /// The defaults of the schema, for a business whose settings row is missing.
    fn default() -> Self {
        let at = |hour| NaiveTime::from_hms_opt(hour, 0, 0).unwrap_or_default();
        Self { starts_at: at(8), ends_at: at(21), greeting_at_any_hour: true }
    }
}

impl From<&BusinessSettings> for TextingHours {
    fn from(row: &BusinessSettings) -> Self {
        Self { starts_at: row.texting_starts_at, ends_at: row.texting_ends_at, greeting_at_any_hour: row.greeting_at_any_hour }
    }
}

impl TextingHours {
    /// The first instant, not before `at`, at which an automatic text to this person may go out: it is within the hours in all zones
    /// that the person's number may be in, or in the business's where those are not known. Where the zones are so far apart that their
    /// hours never meet, the business's zone decides, too.
    #[must_use]
    pub fn next_allowed(&self, person: &PhoneNumber, business_zone: Timezone, at: DateTime<Utc>) -> DateTime<Utc> {
        let zones = person.zones();
        self.next_within(&zones, at).or_else(|| self.next_within(&[business_zone], at)).unwrap_or(at)
    }

    /// The instant at which the answer to a call that ended at `ended_at` may go out: at once if the call was missed just now and
    /// the business answers those at any hour, else as [`Self::next_allowed`].
    #[must_use]
    pub fn answer_to_call(
        &self,
        ended_at: DateTime<Utc>,
        person: &PhoneNumber,
        business_zone: Timezone,
        at: DateTime<Utc>,
    ) -> DateTime<Utc> {
        if self.greeting_at_any_hour && at.signed_duration_since(ended_at) <= JUST_NOW {
            return at;
        }
        self.next_allowed(person, business_zone, at)
    }

    /// `None` without zones, and where there is no such instant.
    fn next_within(&self, zones: &[Timezone], at: DateTime<Utc>) -> Option<DateTime<Utc>> {
        let hours: Vec<BusinessHours> =
            zones.iter().map(|zone| BusinessHours::new(self.starts_at, self.ends_at, *zone)).collect();
        // Each zone moves the instant on to its own hours; where none does any more, it is in those of all. Within three days every
        // pattern of the zones has been seen, changes of the clock included.
        let (mut next, latest) = (at, at.checked_add_signed(TimeDelta::days(3))?);
        while next <= latest {
            let moved = hours.iter().try_fold(next, |next, hours| hours.next_open(next))?;
            if moved == next {
                return (!hours.is_empty()).then_some(next);
            }
            next = moved;
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn hours(starts: &str, ends: &str) -> TextingHours {
        let time = |text: &str| NaiveTime::parse_from_str(text, "%H:%M").unwrap();
        TextingHours { starts_at: time(starts), ends_at: time(ends), greeting_at_any_hour: true }
    }

    fn at(text: &str) -> DateTime<Utc> {
        chrono::NaiveDateTime::parse_from_str(text, "%Y-%m-%d %H:%M").unwrap().and_utc()
    }

    fn person(text: &str) -> PhoneNumber {
        text.parse().unwrap()
    }

    const NEW_YORK: &str = "+12125550123";
    const ARIZONA: &str = "+16025550123";
    const PENSACOLA: &str = "+18505550123";
    const UNKNOWN: &str = "+15550000001";

    /// The person, an instant (UTC), and when a text may go out from 8 to 21 o'clock.
    #[test]
    fn texts_wait_for_the_hours_of_the_person() {
        let zone = "America/Chicago".parse().unwrap();
        for (who, now, allowed) in [
            // New York in winter: the first minute, within, the last one, the first after.
            (NEW_YORK, "2026-01-15 12:59", "2026-01-15 13:00"),
            (NEW_YORK, "2026-01-15 13:00", "2026-01-15 13:00"),
            (NEW_YORK, "2026-01-16 01:59", "2026-01-16 01:59"),
            (NEW_YORK, "2026-01-16 02:00", "2026-01-16 13:00"),
            // The night in which the clock goes forward is an hour shorter, the one in which it goes back an hour longer.
            (NEW_YORK, "2026-03-08 02:00", "2026-03-08 12:00"),
            (NEW_YORK, "2026-11-01 01:00", "2026-11-01 13:00"),
            // Arizona has no summer time.
            (ARIZONA, "2026-07-15 14:59", "2026-07-15 15:00"),
            (ARIZONA, "2026-01-15 14:59", "2026-01-15 15:00"),
            // India and Nepal are half an hour and a quarter off, Newfoundland too; the Azores are an hour behind Lisbon.
            ("+919876543210", "2026-01-15 02:29", "2026-01-15 02:30"),
            ("+97798412345678", "2026-01-15 02:14", "2026-01-15 02:15"),
            ("+17095550123", "2026-01-15 11:45", "2026-01-15 12:00"),
            ("+351912345678", "2026-01-15 08:30", "2026-01-15 09:00"),
            // Pensacola's code is Tallahassee's, too: 8 o'clock in the west, 21 o'clock in the east.
            (PENSACOLA, "2026-01-15 13:30", "2026-01-15 14:00"),
            (PENSACOLA, "2026-01-16 02:30", "2026-01-16 14:00"),
            // Chile's clock goes forward at midnight: Sunday has none.
            ("+56912345678", "2026-09-06 03:30", "2026-09-06 13:00"),
            // Where nothing is known, the business's zone counts.
            (UNKNOWN, "2026-01-15 13:59", "2026-01-15 14:00"),
        ] {
            assert_eq!(hours("08:00", "21:00").next_allowed(&person(who), zone, at(now)), at(allowed), "{who} at {now}");
        }
    }

    #[test]
    fn hours_from_midnight_begin_where_the_day_does() {
        let zone = "America/Chicago".parse().unwrap();
        let early = hours("00:00", "01:00");
        // Havana skips the hour from midnight on: its day begins at one, when the hours are over.
        assert_eq!(early.next_allowed(&person("+5351234567"), zone, at("2026-03-08 04:30")), at("2026-03-09 04:00"));
        assert_eq!(early.next_allowed(&person(NEW_YORK), zone, at("2026-03-08 04:30")), at("2026-03-08 05:00"));
    }

    #[test]
    fn zones_whose_hours_never_meet_leave_it_to_the_business() {
        let zone = "America/Chicago".parse().unwrap();
        let short = hours("08:00", "08:30");
        assert_eq!(short.next_allowed(&person(PENSACOLA), zone, at("2026-01-15 12:00")), at("2026-01-15 14:00"));
    }

    #[test]
    fn the_answer_to_a_call_just_missed_waits_for_no_hour() {
        let zone = "America/Chicago".parse().unwrap();
        let (night, any) = (at("2026-01-15 07:00"), hours("08:00", "21:00"));
        let answer = |hours: TextingHours, age: TimeDelta| hours.answer_to_call(night - age, &person(NEW_YORK), zone, night);
        assert_eq!(answer(any, TimeDelta::zero()), night);
        assert_eq!(answer(any, TimeDelta::minutes(5)), night);
        assert_eq!(answer(any, TimeDelta::minutes(-2)), night, "the provider's clock is ahead");
        assert_eq!(answer(any, TimeDelta::minutes(5) + TimeDelta::microseconds(1)), at("2026-01-15 13:00"));
        let never = TextingHours { greeting_at_any_hour: false, ..any };
        assert_eq!(answer(never, TimeDelta::zero()), at("2026-01-15 13:00"));
    }

    proptest! {
        /// The instant is allowed by the clocks of all zones, not before the one that was asked about, and the first such one. The hours
        /// keep clear of those that a clock shows twice.
        #[test]
        fn the_next_allowed_instant_is_the_first(
            minute in 0_i64..1_051_200,
            starts in 240_u32..600,
            length in 300_u32..660,
            who in prop::sample::select(vec![
                NEW_YORK, ARIZONA, PENSACOLA, UNKNOWN, "+919876543210", "+17095550123", "+5351234567", "+56912345678", "+61412345678",
                "+5215512345678", "+447700900123", "+18675550123", "+19075550123",
            ]),
        ) {
            let of = |minutes: u32| NaiveTime::from_num_seconds_from_midnight_opt(minutes * 60, 0).unwrap();
            let hours = TextingHours { starts_at: of(starts), ends_at: of(starts + length), greeting_at_any_hour: true };
            let business: Timezone = "America/Denver".parse().unwrap();
            let who = person(who);
            let from = at("2026-01-01 00:00") + TimeDelta::minutes(minute);
            let zones = if who.zones().is_empty() { vec![business] } else { who.zones() };
            let is_allowed = |at: DateTime<Utc>| zones.iter().all(|zone| {
                let shown = at.with_timezone(&zone.tz()).time();
                hours.starts_at <= shown && shown < hours.ends_at
            });
            let next = hours.next_allowed(&who, business, from);
            prop_assert!(next >= from);
            prop_assert!(is_allowed(next), "{next}");
            let waited = (next - from).num_minutes();
            prop_assert!((0..waited).all(|minute| !is_allowed(from + TimeDelta::minutes(minute))), "{next}");
        }
    }
}
