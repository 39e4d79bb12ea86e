//! Reports: what is read of a period, and kept as one row whose JSON is the truth.

use super::report_rows::{Read, own_numbers, rows, textable};
use super::roll_up::{HOURS_KEPT, catch_up};
use crate::access::{Acting, Permission};
use crate::analytics::{FORMULA, KPIS, Kpi, KpiUnit, NewReport, Report, variance};
use crate::reports::{Better, Figures, KpiEntry, MOST_DAYS, NumberEntry, PersonEntry, ReportContent, ReportFacts, ReportKind};
use crate::schema::users;
use crate::store::{Store, Tenant, TenantTx};
use crate::types::Span;
use crate::{Error, KpiPeriod, ReportFormat, ReportId, Result, Timezone, UserId};
use chrono::{Datelike as _, Days, Months, NaiveDate, TimeDelta};
use diesel::prelude::*;
use rust_decimal::Decimal;
use std::collections::HashMap;

/// How long a report is kept.
const KEPT: TimeDelta = TimeDelta::days(90);

/// The period that a report is wanted of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WantedReport {
    /// This day.
    Daily(NaiveDate),
    /// The week from Monday on that has this day.
    Weekly(NaiveDate),
    /// The month that has this day.
    Monthly(NaiveDate),
    /// From the first of these days to the last.
    Custom(NaiveDate, NaiveDate),
}

impl WantedReport {
    /// The last day, week or month that is over today; of a custom report, today alone.
    #[must_use]
    pub fn last(kind: ReportKind, today: NaiveDate) -> Self {
        let yesterday = today.pred_opt().unwrap_or(today);
        match kind {
            ReportKind::Daily => Self::Daily(yesterday),
            ReportKind::Weekly => Self::Weekly(monday(today).and_then(|day| day.pred_opt()).unwrap_or(yesterday)),
            ReportKind::Monthly => Self::Monthly(today.with_day(1).and_then(|day| day.pred_opt()).unwrap_or(yesterday)),
            ReportKind::Custom => Self::Custom(today, today),
        }
    }

    pub(super) const fn kind(self) -> ReportKind {
        match self {
            Self::Daily(_) => ReportKind::Daily,
            Self::Weekly(_) => ReportKind::Weekly,
            Self::Monthly(_) => ReportKind::Monthly,
            Self::Custom(..) => ReportKind::Custom,
        }
    }

    /// The first and the last day. `None` where the calendar ends.
    pub(super) fn days(self) -> Option<(NaiveDate, NaiveDate)> {
        Some(match self {
            Self::Daily(day) => (day, day),
            Self::Weekly(day) => (monday(day)?, monday(day)?.checked_add_days(Days::new(6))?),
            Self::Monthly(day) => (day.with_day(1)?, day.with_day(1)?.checked_add_months(Months::new(1))?.pred_opt()?),
            Self::Custom(first, last) => (first, last),
        })
    }

    /// The first and the last day of the period before.
    fn days_before(self) -> Option<(NaiveDate, NaiveDate)> {
        let (first, last) = self.days()?;
        let before = first.pred_opt()?;
        match self {
            Self::Monthly(_) => Self::Monthly(before).days(),
            _ => Some((first.checked_sub_signed(last.signed_duration_since(first))?.pred_opt()?, before)),
        }
    }
}

fn monday(day: NaiveDate) -> Option<NaiveDate> {
    day.checked_sub_days(Days::new(day.weekday().num_days_from_monday().into()))
}

fn span(zone: Timezone, (first, last): (NaiveDate, NaiveDate)) -> Option<Span> {
    Some(Span { from: zone.day(first)?.from, until: zone.day(last)?.until })
}

/// The period before. A day that the calendar leaves out is none.
fn before(zone: Timezone, wanted: WantedReport) -> Option<((NaiveDate, NaiveDate), Span)> {
    let mut days = wanted.days_before()?;
    loop {
        let before = span(zone, days)?;
        if days.0 != days.1 || !before.is_empty() {
            return Some((days, before));
        }
        days = (days.0.pred_opt()?, days.1.pred_opt()?);
    }
}

/// Makes a report of a period and keeps it for 90 days, in a transaction more than [`report_content`].
///
/// # Errors
/// As [`report_content`]; [`Error::Forbidden`] when `who` may not make reports.
pub fn make_report(store: &Store, who: &Acting, wanted: WantedReport) -> Result<Report> {
    made(store, Maker::Acting(who, Permission::ReportsWrite), wanted, keep)
}

/// Who makes a report, which opens its transactions.
#[derive(Clone, Copy)]
pub(super) enum Maker<'m> {
    /// Whoever acts, if they have this permission.
    Acting(&'m Acting, Permission),
    /// The worker of this business's jobs.
    Worker(&'m Tenant),
}

impl Maker<'_> {
    fn transaction<T>(self, store: &Store, work: impl Fn(&mut TenantTx<'_>) -> Result<T>) -> Result<T> {
        match self {
            Self::Acting(who, needed) => who.transaction(store, |tx| {
                tx.must(needed)?;
                work(tx)
            }),
            Self::Worker(tenant) => store.worker(tenant, work),
        }
    }

    fn reading<T>(self, store: &Store, work: impl Fn(&mut TenantTx<'_>) -> Result<T>) -> Result<T> {
        match self {
            Self::Acting(who, needed) => who.reading(store, |tx| {
                tx.must(needed)?;
                work(tx)
            }),
            Self::Worker(tenant) => store.reading().worker(tenant, work),
        }
    }
}

/// Makes a report, and has it kept in a transaction of its own.
pub(super) fn made<T>(
    store: &Store,
    maker: Maker<'_>,
    wanted: WantedReport,
    keep: impl Fn(&mut TenantTx<'_>, &ReportContent) -> Result<T>,
) -> Result<T> {
    let content = read(store, maker, wanted)?;
    maker.transaction(store, |tx| keep(tx, &content))
}

/// Keeps what a report says.
pub(super) fn keep(tx: &mut TenantTx<'_>, content: &ReportContent) -> Result<Report> {
    let expires_at = Some(tx.now() + KEPT);
    tx.reports().create(&NewReport {
        report_type: content.kind.label().to_owned(),
        period_start: content.period.from,
        period_end: content.period.until,
        sections: serde_json::to_value(content).map_err(Error::internal)?,
        format: ReportFormat::Json,
        expires_at,
    })
}

/// What a report of a period says: what has changed a moment ago is computed in one transaction, and all is read in another, of one state.
///
/// # Errors
/// [`Error::Invalid`] when the period has no day or more than 366, has not begun, or began more than 400 days ago, from when on calls by
/// hour are kept for certain; [`Error::Unavailable`] while the figures are being computed, for the first time or anew; [`Error::Forbidden`] when `who` may
/// not read reports.
pub fn report_content(store: &Store, who: &Acting, wanted: WantedReport) -> Result<ReportContent> {
    read(store, Maker::Acting(who, Permission::ReportsRead), wanted)
}

fn read(store: &Store, maker: Maker<'_>, wanted: WantedReport) -> Result<ReportContent> {
    let is_caught_up = maker.transaction(store, catch_up)?;
    maker.reading(store, |tx| content(tx, wanted, is_caught_up))
}

/// What a report says of the state that this transaction reads, after the figures were caught up, if they could be.
fn content(tx: &mut TenantTx<'_>, wanted: WantedReport, is_caught_up: bool) -> Result<ReportContent> {
    const NO_SUCH: &str = "must be a day of this era";
    let state = tx.analytics_roll_ups().find()?;
    let tenant = tx.tenants().get()?;
    let zone = tenant.timezone;
    let days = wanted.days().ok_or_else(|| Error::invalid("first_day", NO_SUCH))?;
    let period = span(zone, days).ok_or_else(|| Error::invalid("first_day", NO_SUCH))?;
    let (days_before, before) = before(zone, wanted).ok_or_else(|| Error::invalid("first_day", NO_SUCH))?;
    let count = days.1.signed_duration_since(days.0).num_days();
    if !(0..i64::from(MOST_DAYS)).contains(&count) {
        return Err(Error::invalid("last_day", format!("must make a period of 1 to {MOST_DAYS} days")));
    }
    if period.from > tx.now() {
        return Err(Error::invalid("first_day", "must have begun"));
    }
    if wanted.kind() == ReportKind::Custom && zone.day(days.1).is_none_or(|last| last.from > tx.now()) {
        return Err(Error::invalid("last_day", "must not lie in the future"));
    }
    if period.from < tx.now() - HOURS_KEPT {
        return Err(Error::invalid("first_day", "must lie within the last 400 days: calls by hour may be kept no longer"));
    }
    let is_computed = match state {
        Some(state) => {
            let by = (state.timezone, state.business_hours_start, state.business_hours_end, state.formula);
            by == (zone, tenant.business_hours_start, tenant.business_hours_end, FORMULA)
                && state.rebuild_before.is_none_or(|instant| instant <= before.from)
        }
        // Where nothing has happened yet there is nothing to compute.
        None => tx.analytics_marks().some(1)?.is_empty(),
    };
    if !is_computed || !is_caught_up {
        return Err(Error::try_later("the figures of the business are being computed"));
    }
    let mut read = Read::default();
    for (at, level, name, value) in rows(tx, before.from, period)? {
        read.row(zone, period, at, level, &name, value);
    }
    let kpis = kpis(tx, wanted.kind(), &read, period.until <= tx.now())?;
    let numbers = own_numbers(tx, read.numbers_called())?;
    let textable = if read.may_be_silent() { Some(textable(tx, period)?) } else { None };
    let people = people(tx, &read)?;
    ReportContent::compose(ReportFacts {
        business: tenant.business_name,
        zone,
        kind: wanted.kind(),
        days,
        span: (period.from, period.until),
        days_before,
        from_before: before.from,
        computed_at: tx.now(),
        formula_version: FORMULA,
        figures: read.by_day,
        figures_before: read.before,
        kpis,
        hours: read.hours,
        numbers: read
            .numbers
            .into_iter()
            .map(|(number, entry)| NumberEntry { number: Some(number).filter(|number| numbers.contains(number)), ..entry })
            .collect(),
        people,
        textable,
    })
}

/// The content of a report that was kept.
///
/// # Errors
/// [`Error::NotFound`] when there is none, when it has expired, or when it isn't one that [`make_report`] makes.
pub fn kept_report(tx: &mut TenantTx<'_>, id: ReportId) -> Result<(Report, ReportContent)> {
    let missing = || Error::NotFound { entity: "report" };
    let report = tx.reports().get(id)?;
    if report.expires_at.is_some_and(|at| at <= tx.now()) {
        return Err(missing());
    }
    let mut content: ReportContent = serde_json::from_value(report.sections.clone()).map_err(|_| missing())?;
    // Of older reports that isn't kept.
    content.complete = content.computed_at >= content.period.until;
    Ok((report, content))
}

fn kpis(tx: &mut TenantTx<'_>, kind: ReportKind, read: &Read, is_over: bool) -> Result<Vec<KpiEntry>> {
    let period = match kind {
        ReportKind::Daily => Some(KpiPeriod::Daily),
        ReportKind::Weekly => Some(KpiPeriod::Weekly),
        ReportKind::Monthly => Some(KpiPeriod::Monthly),
        // Targets are of days, weeks and months.
        ReportKind::Custom => None,
    };
    let targets: HashMap<String, Decimal> = tx
        .kpi_targets()
        .list()?
        .into_iter()
        .filter(|target| Some(target.period_type) == period)
        .map(|target| (target.kpi_name, target.kpi_target))
        .collect();
    let of = |figures: &Figures| figures.iter().map(|(name, value)| (name.clone(), *value)).collect::<Vec<_>>();
    let now = read.by_day.values().flat_map(of).collect();
    let before = of(&read.before).into_iter().collect();
    let entry = |kpi: &Kpi| {
        let (value, previous) = (kpi.value(&now), kpi.value(&before));
        let target = targets.get(kpi.name).map(Decimal::normalize);
        let unit = match kpi.unit {
            KpiUnit::Calls => "calls",
            KpiUnit::Percent => "%",
            KpiUnit::Usd => "USD",
            KpiUnit::Minutes => "minutes",
            KpiUnit::Hours => "hours",
        };
        let better = if kpi.more_is_better { Better::More } else { Better::Fewer };
        KpiEntry {
            value,
            previous,
            target,
            variance: value.zip(target).and_then(|(value, target)| variance(value, target)).map(|off| off.normalize()),
            // A count of what isn't over is less than one of what is.
            trend: value.zip(previous).filter(|_| is_over || !kpi.is_count()).map(|(value, previous)| kpi.trend(value, previous)),
            ..KpiEntry::new(kpi.name, kpi.label, unit, better)
        }
    };
    Ok(KPIS.iter().map(entry).collect())
}

/// The people, by their names.
fn people(tx: &mut TenantTx<'_>, read: &Read) -> Result<Vec<PersonEntry>> {
    type Named = (UserId, Option<String>, Option<String>);
    let named: Vec<Named> = users::table
        .filter(users::tenant_id.eq(tx.0.tenant))
        .filter(users::id.eq_any(read.people.keys()))
        .select((users::id, users::first_name, users::last_name))
        .load(tx.0.conn)?;
    let name = |user: &UserId| {
        let (_, first, last) = named.iter().find(|(id, ..)| id == user)?;
        Some([first, last].into_iter().flatten().map(String::as_str).collect::<Vec<_>>().join(" "))
            .filter(|name| !name.is_empty())
    };
    let entry = |(user, entry): (&UserId, &PersonEntry)| {
        let name = name(user).unwrap_or_else(|| "Somebody without a name".to_owned());
        PersonEntry { name: Some(name), ..entry.clone() }
    };
    Ok(read.people.iter().map(entry).collect())
}
