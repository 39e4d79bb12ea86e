//! The hours, days, weeks and months of all zones, against Python's.

use crate::python;
use chrono::{DateTime, NaiveDate, Offset as _, TimeZone as _};
use nmc_core::{Span, Timezone};
use sha2::{Digest as _, Sha256};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::{Display, Write as _};

/// Ten years in which a day was left out, and clocks were set by half an hour, at midnight, and a minute after; so long ago that all
/// editions of the zone data say the same of nearly every zone.
const YEARS: std::ops::RangeInclusive<i32> = 2010..=2019;
const LOOK: usize = 6 * 3_600;

fn date(year: i32, month: u32, day: u32) -> NaiveDate {
    NaiveDate::from_ymd_opt(year, month, day).unwrap()
}

fn begins(day: NaiveDate) -> i64 {
    day.and_hms_opt(0, 0, 0).unwrap().and_utc().timestamp()
}

fn digest(lines: impl IntoIterator<Item = impl Display>) -> String {
    let mut text = String::new();
    lines.into_iter().for_each(|line| writeln!(text, "{line}").unwrap());
    Sha256::digest(text).iter().fold(String::new(), |hex, byte| hex + &format!("{byte:02x}"))
}

/// When the zone's clock is set to what, by this program's edition of the zone data.
fn clock(zone: Timezone) -> String {
    let offset = |at: i64| {
        let at = DateTime::from_timestamp(at, 0).unwrap().naive_utc();
        zone.tz().offset_from_utc_datetime(&at).fix().local_minus_utc()
    };
    let (begin, end) = (begins(date(YEARS.start() - 1, 11, 1)), begins(date(YEARS.end() + 1, 3, 1)));
    let (mut spans, mut was) = (vec![format!("{begin} {}", offset(begin))], offset(begin));
    for at in (begin..=end).step_by(LOOK).skip(1) {
        let is = offset(at);
        if is != was {
            let (mut before, mut after) = (at - i64::try_from(LOOK).unwrap(), at);
            while after - before > 1 {
                let middle = i64::midpoint(before, after);
                if offset(middle) == was { before = middle } else { after = middle }
            }
            spans.push(format!("{after} {is}"));
            was = is;
        }
    }
    digest(spans)
}

/// Adds a span unless it is the last, which it has to follow at once.
fn tile(spans: &mut Vec<Span>, next: Span, zone: Timezone) {
    match spans.last() {
        Some(last) if *last == next => return,
        Some(last) => assert_eq!(last.until, next.from, "{} has a gap or an overlap: {last:?}, {next:?}", zone.as_str()),
        None => {}
    }
    assert!(!next.is_empty(), "{}: {next:?}", zone.as_str());
    spans.push(next);
}

/// The lines that the oracle prints of a zone.
fn printed(zone: Timezone, clock: &str) -> Vec<String> {
    let mut levels: BTreeMap<&str, Vec<Span>> = ["hourly", "daily", "weekly", "monthly"].map(|level| (level, Vec::new())).into();
    let (first, last) = (date(YEARS.start() - 1, 12, 20), date(YEARS.end() + 1, 1, 12));
    for date in first.iter_days().take_while(|date| *date <= last) {
        let day = zone.day(date).unwrap();
        if day.is_empty() {
            continue;
        }
        let hours = zone.hours(day);
        assert_eq!((hours[0].from, hours[hours.len() - 1].until), (day.from, day.until), "{} {date}", zone.as_str());
        hours.into_iter().for_each(|hour| tile(levels.get_mut("hourly").unwrap(), hour, zone));
        tile(levels.get_mut("daily").unwrap(), day, zone);
        for (level, span) in [("weekly", zone.week(date)), ("monthly", zone.month(date))] {
            let span = span.unwrap();
            assert!(span.from <= day.from && day.until <= span.until, "{} {date}: {level}", zone.as_str());
            tile(levels.get_mut(level).unwrap(), span, zone);
        }
    }
    let mut lines = vec![format!("{} clock {clock}", zone.as_str())];
    for (level, spans) in levels {
        for year in YEARS {
            let within = begins(date(year, 1, 1))..begins(date(year + 1, 1, 1));
            let starts = spans.iter().map(|span| span.from.timestamp()).filter(|at| within.contains(at));
            lines.push(format!("{} {level} {year} {}", zone.as_str(), digest(starts)));
        }
    }
    lines
}

/// Zones whose clocks are the same in those years are tried once. Those of whose clock Python has other data, an older or a newer
/// edition's, can't be compared: they are few, and their hours and days tile time as all others' do.
#[test]
fn buckets_of_all_zones_in_ten_years_tile_time_and_are_pythons() {
    let mut zones: BTreeMap<String, Timezone> = BTreeMap::new();
    for zone in chrono_tz::TZ_VARIANTS {
        let zone: Timezone = zone.name().parse().unwrap();
        zones.entry(clock(zone)).or_insert(zone);
    }
    assert!(zones.len() > 90, "{} clocks", zones.len());
    let (first, last) = (YEARS.start().to_string(), YEARS.end().to_string());
    let mut arguments = vec!["--buckets", &first, &last];
    arguments.extend(zones.values().map(|zone| zone.as_str()));
    let told = python::run(&arguments, "");
    let told: BTreeSet<&str> = told.lines().collect();
    let mut others = Vec::new();
    for (clock, zone) in &zones {
        let lines = printed(*zone, clock);
        if !told.contains(lines[0].as_str()) {
            others.push(zone.as_str());
            continue;
        }
        let differ: Vec<&String> = lines.iter().filter(|line| !told.contains(line.as_str())).collect();
        assert!(differ.is_empty(), "Python has other buckets: {differ:?}");
    }
    assert!(others.len() * 10 < zones.len(), "Python has other data of {others:?}");
}
