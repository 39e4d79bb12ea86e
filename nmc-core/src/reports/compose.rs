//! The content of a report, composed of facts.

use super::advice;
use super::content::{
    Better, CONTENT_VERSION, CourseEntry, Figures, Hours, KpiEntry, NumberEntry, PersonEntry, ReportContent, ReportKind,
    ReportPeriod, Step, Textable, TotalEntry,
};
use super::words;
use crate::{Error, Result, Timezone};
use chrono::{DateTime, Datelike, Days, Months, NaiveDate, Utc};
use rust_decimal::Decimal;
use std::cmp::Reverse;
use std::collections::BTreeMap;

/// The longest period of a report, in days of the calendar.
pub const MOST_DAYS: u16 = 366;

/// The most numbers, and the most people, that a report has a line for. The others share one.
pub const MOST_ROWS: usize = 50;

/// Up to so many days, the course goes by days.
const BY_DAYS: u16 = 62;

/// Up to so many days, it goes by weeks.
const BY_WEEKS: u16 = 182;

/// What a report is composed of.
#[derive(Debug, Clone)]
pub struct ReportFacts {
    /// The name of the business.
    pub business: String,
    /// The time zone of the business.
    pub zone: Timezone,
    /// The kind of report.
    pub kind: ReportKind,
    /// The first and the last day of the period.
    pub days: (NaiveDate, NaiveDate),
    /// The first instant of the period, and the first one after it.
    pub span: (DateTime<Utc>, DateTime<Utc>),
    /// The first and the last day of the period before.
    pub days_before: (NaiveDate, NaiveDate),
    /// The first instant of the period before.
    pub from_before: DateTime<Utc>,
    /// The instant at which the facts were read.
    pub computed_at: DateTime<Utc>,
    /// The version of the formulas.
    pub formula_version: i32,
    /// The figures of the period, by day. Days without any may be left out.
    pub figures: BTreeMap<NaiveDate, Figures>,
    /// The figures of the whole period before.
    pub figures_before: Figures,
    /// The key figures, in the order in which they are listed.
    pub kpis: Vec<KpiEntry>,
    /// Calls by weekday and hour.
    pub hours: Hours,
    /// Calls by the number called; `None` stands for numbers that aren't the business's.
    pub numbers: Vec<NumberEntry>,
    /// Conversations by the person they are assigned to.
    pub people: Vec<PersonEntry>,
    /// The missed calls after which a text could go out; `None`: all of them.
    pub textable: Option<Textable>,
}

impl KpiEntry {
    /// A key figure without values: what is known of it.
    #[must_use]
    pub fn new(name: &str, label: &str, unit: &str, better: Better) -> Self {
        Self {
            name: name.to_owned(),
            label: label.to_owned(),
            unit: unit.to_owned(),
            better,
            value: None,
            previous: None,
            target: None,
            variance: None,
            trend: None,
        }
    }
}

impl ReportContent {
    /// The content that the facts make.
    ///
    /// # Errors
    /// [`Error::Invalid`] when the period has no day, or more than [`MOST_DAYS`].
    pub fn compose(facts: ReportFacts) -> Result<Self> {
        let ReportFacts { business, zone, kind, days, span, days_before, from_before, computed_at, formula_version, .. } = facts;
        let mut period = period(kind, days, span)?;
        let complete = computed_at >= period.until;
        if !complete {
            period.title.push_str(" (so far)");
        }
        let before = self::period(kind, days_before, (from_before, span.0))?;
        let step = match period.days {
            days if days <= BY_DAYS => Step::Day,
            days if days <= BY_WEEKS => Step::Week,
            _ => Step::Month,
        };
        let mut content = Self {
            version: CONTENT_VERSION,
            business: without_nul(&business),
            zone: zone.as_str().to_owned(),
            kind,
            period,
            before,
            computed_at,
            complete,
            formula_version,
            totals: totals(&facts.figures, &facts.figures_before),
            kpis: facts.kpis,
            step,
            course: course(&facts.figures, days, step),
            hours: facts.hours,
            numbers: numbers(facts.numbers),
            people: people(facts.people),
            textable: facts.textable,
            advice: Vec::new(),
        };
        content.advice = advice::of(&content);
        Ok(content)
    }
}

/// A text as PostgreSQL can keep it.
fn without_nul(text: &str) -> String {
    text.replace('\0', "")
}

fn period(kind: ReportKind, days: (NaiveDate, NaiveDate), span: (DateTime<Utc>, DateTime<Utc>)) -> Result<ReportPeriod> {
    let (first_day, last_day) = days;
    let count = last_day.signed_duration_since(first_day).num_days().saturating_add(1);
    let days = u16::try_from(count).ok().filter(|count| (1..=MOST_DAYS).contains(count));
    let days = days.ok_or_else(|| Error::invalid("until", format!("must make a period of 1 to {MOST_DAYS} days")))?;
    Ok(ReportPeriod { from: span.0, until: span.1, first_day, last_day, days, title: words::title(kind, first_day, last_day) })
}

fn totals(figures: &BTreeMap<NaiveDate, Figures>, before: &Figures) -> Vec<TotalEntry> {
    let mut sums: BTreeMap<&str, (Decimal, Decimal)> = BTreeMap::new();
    for (name, value) in figures.values().flatten() {
        sums.entry(name).or_default().0 += *value;
    }
    for (name, value) in before {
        sums.entry(name).or_default().1 += *value;
    }
    let mut totals: Vec<(usize, TotalEntry)> = sums
        .into_iter()
        .map(|(name, (value, previous))| {
            let (place, label, unit) = words::figure(name);
            let (name, label, unit) = (name.to_owned(), label.to_owned(), unit.to_owned());
            (place, TotalEntry { name, label, unit, value: value.normalize(), previous: previous.normalize() })
        })
        .collect();
    totals.sort_by_key(|(place, _)| *place);
    totals.into_iter().map(|(_, total)| total).collect()
}

fn course(figures: &BTreeMap<NaiveDate, Figures>, (first, last): (NaiveDate, NaiveDate), step: Step) -> Vec<CourseEntry> {
    let mut entries = Vec::new();
    let mut begin = Some(first);
    while let Some(first_day) = begin.filter(|day| *day <= last) {
        // The ends of the calendar are ends of the course too.
        let next = next_step(first_day, step).unwrap_or(NaiveDate::MAX);
        let last_day = next.pred_opt().map_or(last, |day| day.min(last));
        let mut sums = Figures::new();
        for (name, value) in figures.range(first_day..=last_day).flat_map(|(_, figures)| figures) {
            let sum = sums.entry(name.clone()).or_default();
            *sum = (*sum + *value).normalize();
        }
        sums.retain(|_, value| !value.is_zero());
        entries.push(CourseEntry { first_day, last_day, figures: sums });
        begin = last_day.succ_opt();
    }
    entries
}

fn next_step(day: NaiveDate, step: Step) -> Option<NaiveDate> {
    match step {
        Step::Day => day.succ_opt(),
        Step::Week => day.checked_add_days(Days::new(7_u64.saturating_sub(day.weekday().num_days_from_monday().into()))),
        Step::Month => day.with_day(1)?.checked_add_months(Months::new(1)),
    }
}

fn numbers(mut entries: Vec<NumberEntry>) -> Vec<NumberEntry> {
    // Those without a name are among the others.
    entries.sort_by(|a, b| {
        let place = |entry: &NumberEntry| (entry.number.is_none(), Reverse(entry.inbound));
        (place(a), &a.number).cmp(&(place(b), &b.number))
    });
    let named = entries.iter().filter(|entry| entry.number.is_some()).count();
    let others = entries.split_off(named.min(MOST_ROWS));
    if !others.is_empty() {
        entries.push(others.iter().fold(NumberEntry::default(), |sum, other| NumberEntry {
            number: None,
            inbound: sum.inbound.saturating_add(other.inbound),
            answered: sum.answered.saturating_add(other.answered),
            unanswered: sum.unanswered.saturating_add(other.unanswered),
        }));
    }
    entries
}

fn people(mut entries: Vec<PersonEntry>) -> Vec<PersonEntry> {
    let busy = |entry: &PersonEntry| entry.opened.saturating_add(entry.resolved);
    entries.sort_by(|a, b| (Reverse(busy(a)), &a.name).cmp(&(Reverse(busy(b)), &b.name)));
    let others = entries.split_off(entries.len().min(MOST_ROWS));
    for entry in &mut entries {
        entry.name = entry.name.as_deref().map(without_nul);
    }
    if !others.is_empty() {
        entries.push(others.iter().fold(PersonEntry::default(), |sum, other| PersonEntry {
            name: None,
            opened: sum.opened.saturating_add(other.opened),
            resolved: sum.resolved.saturating_add(other.resolved),
        }));
    }
    entries
}
