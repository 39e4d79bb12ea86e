//! A report to render: made-up facts, the same each time.

use nmc_core::TrendDirection;
use nmc_core::chrono::{DateTime, Datelike, Days, NaiveDate, TimeDelta, Utc};
use nmc_core::reports::{Better, Figures, Hours, KpiEntry, NumberEntry, PersonEntry, ReportFacts, ReportKind};
use nmc_core::rust_decimal::Decimal;
use std::collections::BTreeMap;

fn day(text: &str) -> NaiveDate {
    text.parse().unwrap()
}

/// Where the day begins in Chicago, in winter.
fn midnight(day: NaiveDate) -> DateTime<Utc> {
    day.and_hms_opt(6, 0, 0).unwrap().and_utc()
}

/// The facts of so many days from a Monday, of a business that misses calls at noon.
pub(crate) fn facts(kind: ReportKind, days: u64) -> ReportFacts {
    let first = day("2026-01-05");
    let last = first + Days::new(days - 1);
    let mut hours = Hours::default();
    let mut figures = BTreeMap::new();
    let mut all: BTreeMap<&str, u64> = BTreeMap::new();
    for (at, day) in first.iter_days().take(days.try_into().unwrap()).enumerate() {
        let at = u64::try_from(at).unwrap();
        let weekday = usize::try_from(day.weekday().num_days_from_monday()).unwrap();
        let (answered, missed) = (3 + at * 7 % 5, 1 + at * 3 % 4);
        hours.inbound[weekday][9] += answered;
        hours.inbound[weekday][12] += missed;
        hours.unanswered[weekday][12] += missed;
        let counts = [
            ("nmc.calls_inbound", answered + missed),
            ("nmc.calls_answered", answered),
            ("nmc.calls_unanswered", missed),
            ("nmc.calls_missed", missed),
            ("nmc.calls_texted_back", missed),
            ("nmc.calls_replied", missed / 2),
            ("nmc.texts_sent", missed * 3),
        ];
        let mut of_day = Figures::new();
        for (name, count) in counts {
            *all.entry(name).or_default() += count;
            of_day.insert(name.to_owned(), Decimal::from(count));
        }
        of_day.insert("nmc.texts_cost".to_owned(), Decimal::from(missed * 3) * "0.0079".parse::<Decimal>().unwrap());
        of_day.insert("nmc.revenue_unanswered".to_owned(), Decimal::from(at * 1_250));
        figures.insert(day, of_day);
    }
    let (calls, answered) = (Decimal::from(all["nmc.calls_inbound"]), Decimal::from(all["nmc.calls_answered"]));
    let kpis = vec![
        KpiEntry {
            value: Some(calls),
            previous: Some(Decimal::from(40)),
            trend: Some(TrendDirection::Improving),
            ..KpiEntry::new("calls", "Calls", "calls", Better::More)
        },
        KpiEntry {
            value: Some((answered * Decimal::ONE_HUNDRED / calls).round_dp(4)),
            previous: Some("71.4286".parse().unwrap()),
            target: Some(Decimal::from(80)),
            variance: Some("-17.65".parse().unwrap()),
            trend: Some(TrendDirection::Declining),
            ..KpiEntry::new("answer_rate", "Calls answered", "%", Better::More)
        },
        KpiEntry {
            value: Some("0.0079".parse().unwrap()),
            ..KpiEntry::new("cost_per_text", "Cost per text", "USD", Better::Fewer)
        },
        KpiEntry::new("conversion_rate", "Missed calls that became jobs", "%", Better::More),
    ];
    let number = |last: u8, share: u64| NumberEntry {
        number: Some(format!("+155501000{last:02}")),
        inbound: all["nmc.calls_inbound"] / share,
        answered: all["nmc.calls_answered"] / share,
        unanswered: all["nmc.calls_unanswered"] / share,
    };
    let person = |name: &str, opened| PersonEntry { name: Some(name.to_owned()), opened, resolved: 2 };
    ReportFacts {
        business: "Ace Plumbing & Söhne".to_owned(),
        zone: "America/Chicago".parse().unwrap(),
        kind,
        days: (first, last),
        span: (midnight(first), midnight(last + Days::new(1))),
        days_before: (first - Days::new(days), first - Days::new(1)),
        from_before: midnight(first - Days::new(days)),
        computed_at: midnight(last + Days::new(1)) + TimeDelta::hours(7),
        formula_version: 1,
        figures,
        figures_before: Figures::from([("nmc.calls_inbound".to_owned(), Decimal::from(40))]),
        kpis,
        hours,
        numbers: vec![number(0, 2), number(1, 3)],
        people: vec![person("Maria López", 9), person("Зоя Ёлкина", 4)],
        textable: None,
    }
}
