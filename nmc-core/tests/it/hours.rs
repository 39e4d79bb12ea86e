//! Business hours against a walk, minute by minute, past a clock on the wall.

use chrono::{DateTime, Datelike as _, Days, NaiveDateTime, NaiveTime, TimeDelta, Timelike as _, Utc};
use nmc_core::Timezone;
use nmc_core::tenants::BusinessHours;
use proptest::prelude::*;
use std::collections::HashSet;

/// Whether it is open at each minute of `span` minutes from `begin`: a person who watches the clock opens when it first
/// shows the opening time or later, and closes when it first shows the closing time or later. Nothing of the library's.
fn watched(hours: &BusinessHours, begin: DateTime<Utc>, span: usize) -> Vec<bool> {
    let minutes = (0_i64..).map(|minute| begin + TimeDelta::minutes(minute)).take(span);
    let shown = minutes.map(|at| at.with_timezone(&hours.zone.tz()).naive_local());
    let (mut opened, mut closed) = (HashSet::new(), HashSet::new());
    // The furthest the clock has been: set back, it shows nothing new.
    let mut furthest: Option<NaiveDateTime> = None;
    let mut is_open = false;
    shown
        .map(|now| {
            let from = furthest.map_or(now.date(), |furthest| furthest.date());
            let reached = furthest.map_or(now, |furthest| furthest.max(now));
            furthest = Some(reached);
            for day in from.iter_days().take_while(|day| *day <= reached.date()) {
                let mut is_new = reached >= day.and_time(hours.opens) && opened.insert(day);
                // What closes on this day: today's business, or last night's.
                let of = if hours.closes > hours.opens { day } else { day - Days::new(1) };
                is_new |= reached >= day.and_time(hours.closes) && closed.insert(of);
                if is_new {
                    is_open = opened.iter().any(|day| !closed.contains(day));
                }
            }
            is_open
        })
        .collect()
}

fn zones() -> impl Strategy<Value = Timezone> {
    let zones: Vec<Timezone> = chrono_tz::TZ_VARIANTS.iter().map(|zone| zone.name().parse().unwrap()).collect();
    // Half of the time one whose clock does something odd.
    let odd = [
        "America/Los_Angeles",
        "Europe/Berlin",
        "Australia/Lord_Howe",
        "Pacific/Apia",
        "Pacific/Kwajalein",
        "Pacific/Kiritimati",
        "America/Havana",
        "America/Sao_Paulo",
        "Asia/Amman",
        "Africa/Casablanca",
        "Antarctica/Troll",
        "Asia/Pyongyang",
        "America/Caracas",
        "America/St_Johns",
    ];
    prop_oneof![prop::sample::select(zones), prop::sample::select(odd.map(|zone| zone.parse().unwrap()).to_vec())]
}

/// An instant: any, or one within a day of a change of the zone's clock.
fn instants(zone: Timezone) -> impl Strategy<Value = DateTime<Utc>> {
    const FROM: i64 = 157_766_400; // 1975: before that some clocks were not set to the minute.
    const TO: i64 = 2_145_916_800; // 2038
    let offset = move |second: i64| {
        let at = DateTime::from_timestamp(second, 0).unwrap().with_timezone(&zone.tz());
        at.naive_local().and_utc().timestamp() - second
    };
    const WEEK: i64 = 7 * 86_400;
    let changes: Vec<i64> =
        (FROM..TO).step_by(7 * 86_400).filter(|week| offset(*week) != offset(week + WEEK)).chain([FROM + WEEK]).collect();
    let near = (prop::sample::select(changes), -86_400_i64..86_400).prop_map(move |(week, away)| {
        let (mut before, mut after) = (week, week + WEEK);
        while after - before > 60 {
            let middle = i64::midpoint(before, after);
            if offset(middle) == offset(week) { before = middle } else { after = middle }
        }
        after + away
    });
    prop_oneof![FROM..TO, near.clone(), near]
        .prop_map(|second| DateTime::from_timestamp(second - second.rem_euclid(60), 0).unwrap())
}

fn times() -> impl Strategy<Value = NaiveTime> {
    // Clocks change at night: so do these, every other time.
    prop_oneof![0_u32..1440, 0_u32..240].prop_map(|minute| NaiveTime::from_hms_opt(minute / 60, minute % 60, 0).unwrap())
}

fn cases() -> impl Strategy<Value = (BusinessHours, DateTime<Utc>)> {
    (zones(), times(), times(), any::<bool>(), 1_u32..40).prop_flat_map(|(zone, opens, closes, short, minutes)| {
        let soon = opens.overflowing_add_signed(TimeDelta::minutes(i64::from(minutes))).0;
        let hours = BusinessHours::new(opens, if short { soon } else { closes }, zone);
        instants(zone).prop_map(move |at| (hours.clone(), at))
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_hours_are_what_a_person_with_a_clock_would_keep((hours, at) in cases()) {
        // Three days before, so that what is open was seen to open; four after, by when it has opened again.
        const BEFORE: usize = 3 * 1440;
        let begin = at - TimeDelta::minutes(i64::try_from(BEFORE).unwrap());
        let seen = if hours.opens == hours.closes { vec![true; 2 * BEFORE] } else { watched(&hours, begin, BEFORE + 4 * 1440) };
        let when = |open: bool| {
            let minute = seen[BEFORE..].iter().position(|seen| *seen == open);
            minute.map(|minute| at + TimeDelta::minutes(i64::try_from(minute).unwrap()))
        };
        prop_assert_eq!(hours.is_open(at), seen[BEFORE], "{:?} at {}", hours, at);
        prop_assert_eq!(hours.next_open(at), when(true), "{:?} opens after {}", hours, at);
        prop_assert_eq!(hours.next_close(at), when(false), "{:?} closes after {}", hours, at);
    }
}

#[test]
fn a_business_keeps_the_hours_of_its_row() {
    let scene = crate::support::Scene::new();
    let hours = scene.tx(|tx| tx.tenants().business_hours()).unwrap();
    assert_eq!((hours.opens.hour(), hours.closes.hour(), hours.zone.as_str()), (7, 18, "America/Los_Angeles"));
    let noon = "2026-07-01T19:00:00Z".parse::<DateTime<Utc>>().unwrap();
    assert!(hours.is_open(noon) && noon.year() == 2026);
}
