//! The summary of a business for its dashboard: the figures of some days as they are stored, and what is to be done now.

use super::SummaryPeriod;
use crate::analytics::{Figures, KPIS, Kpi, RollUp};
use crate::store::TenantTx;
use crate::types::Span;
use crate::{AggregationLevel, Error, Result, Timezone, TrendDirection, UserId};
use chrono::{DateTime, Datelike as _, Days, NaiveDate, Timelike as _, Utc};
use diesel::prelude::*;
use diesel::sql_query;
use diesel::sql_types::{BigInt, Uuid};
use rust_decimal::Decimal;
use std::cmp::Reverse;
use std::collections::{BTreeMap, HashMap};

/// How far the numbers of [`SummaryNow`] are counted: one of them stands for as many, or more.
pub const COUNTED_TO: i64 = 1_000;

/// The most numbers, and the most assignees, of a summary.
const MOST_ROWS: usize = 50;

/// The figures of each day of a summary.
pub const FIGURES_OF_DAYS: [&str; 8] = [
    "nmc.calls_answered",
    "nmc.calls_inbound",
    "nmc.calls_texted_back",
    "nmc.calls_unanswered",
    "nmc.conversations_opened",
    "nmc.conversations_resolved",
    "nmc.texts_received",
    "nmc.texts_sent",
];

/// The figures of a business in some days, beside those of as many days before, and what is to be done now.
#[derive(Debug, Clone, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[cfg_attr(not(feature = "testing"), non_exhaustive)]
pub struct Summary {
    /// The days that the summary is about.
    pub period: SummaryPeriod,
    /// From the first instant of the first day up to now.
    pub span: Span,
    /// As many whole days before.
    pub span_before: Span,
    /// The zone whose days they are.
    pub timezone: Timezone,
    /// The instant that the figures were computed at; `None` before the first computation.
    pub rolled_up_at: Option<DateTime<Utc>>,
    /// Whether figures of the past are being computed anew.
    pub is_rebuilding: bool,
    /// The sums of the period.
    pub figures: Figures,
    /// The sums of the days before.
    pub figures_before: Figures,
    /// The key figures of the period.
    pub kpis: Vec<SummaryKpi>,
    /// The days of the period, in order.
    pub days: Vec<SummaryDay>,
    /// The calls by the hour of the week, from Monday on.
    pub week: Vec<SummaryWeekday>,
    /// The calls by the number called, those of most calls first; 50 at the most.
    pub numbers: Vec<SummaryNumber>,
    /// The conversations by the person they are assigned to, those of most conversations first; 50 at the most.
    pub assignees: Vec<SummaryAssignee>,
    /// What is to be done now.
    pub now: SummaryNow,
}

/// A key figure in a summary.
#[derive(Debug, Clone, PartialEq)]
#[cfg_attr(not(feature = "testing"), non_exhaustive)]
pub struct SummaryKpi {
    /// The key figure.
    pub kpi: &'static Kpi,
    /// Its value in the period; `None`: there is nothing it could be computed of.
    pub value: Option<Decimal>,
    /// Its value in the days before.
    pub before: Option<Decimal>,
    /// How both compare. A count has no trend: today is not over, and the days before are.
    pub trend: Option<TrendDirection>,
    /// The target of the period: the daily one of today, the weekly one of seven days, the monthly one of thirty.
    pub target: Option<Decimal>,
}

#[cfg(feature = "serde")]
impl serde::Serialize for SummaryKpi {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        use serde::ser::SerializeStruct as _;
        let mut out = serializer.serialize_struct("SummaryKpi", 8)?;
        out.serialize_field("name", self.kpi.name)?;
        out.serialize_field("label", self.kpi.label)?;
        out.serialize_field("unit", &self.kpi.unit)?;
        out.serialize_field("more_is_better", &self.kpi.more_is_better)?;
        out.serialize_field("value", &self.value)?;
        out.serialize_field("before", &self.before)?;
        out.serialize_field("trend", &self.trend)?;
        out.serialize_field("target", &self.target)?;
        out.end()
    }
}

/// A day of a summary.
#[derive(Debug, Clone, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[cfg_attr(not(feature = "testing"), non_exhaustive)]
pub struct SummaryDay {
    /// The date.
    pub date: NaiveDate,
    /// The day from beginning to end.
    pub span: Span,
    /// Those of [`FIGURES_OF_DAYS`] that aren't 0.
    pub figures: Figures,
}

/// The calls of one weekday by the hour at which they began, as the zone's clock shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[cfg_attr(not(feature = "testing"), non_exhaustive)]
pub struct SummaryWeekday {
    /// The day of the week: 1 is Monday, 7 is Sunday.
    pub weekday: u32,
    /// Inbound calls of the hours 0 to 23.
    pub inbound: [Decimal; 24],
    /// Those of them that nobody answered.
    pub unanswered: [Decimal; 24],
}

/// The calls to one number.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[cfg_attr(not(feature = "testing"), non_exhaustive)]
pub struct SummaryNumber {
    /// The number called.
    pub number: String,
    /// Inbound calls.
    pub inbound: Decimal,
    /// Those of them that somebody answered.
    pub answered: Decimal,
    /// Those of them that nobody answered.
    pub unanswered: Decimal,
}

/// The conversations of one person.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[cfg_attr(not(feature = "testing"), non_exhaustive)]
pub struct SummaryAssignee {
    /// The id of the person whom the conversations are assigned to now.
    pub user_id: UserId,
    /// Those that were opened in the period.
    pub opened: Decimal,
    /// Those that were resolved in the period.
    pub resolved: Decimal,
}

/// What is to be done now, each number counted up to [`COUNTED_TO`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, QueryableByName)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[cfg_attr(not(feature = "testing"), non_exhaustive)]
pub struct SummaryNow {
    /// Open conversations.
    #[diesel(sql_type = BigInt)]
    pub open: i64,
    /// Those of them that are assigned to nobody.
    #[diesel(sql_type = BigInt)]
    pub unassigned: i64,
    /// Those of them, of the last changed, whose customer wrote a text that no text of staff has followed.
    #[diesel(sql_type = BigInt)]
    pub awaiting_reply: i64,
    /// Open alerts.
    #[diesel(sql_type = BigInt)]
    pub alerts: i64,
}

/// Each part reads as many rows as it counts.
const NOW: &str = "\
    SELECT \
        (SELECT count(*) FROM (SELECT FROM conversations WHERE tenant_id = $1 AND status IN ('active', 'waiting') LIMIT $2) AS c) AS open, \
        (SELECT count(*) FROM ( \
            SELECT FROM conversations WHERE tenant_id = $1 AND status IN ('active', 'waiting') AND assigned_to IS NULL LIMIT $2 \
        ) AS c) AS unassigned, \
        (SELECT count(*) FROM ( \
            SELECT id FROM conversations WHERE tenant_id = $1 AND status IN ('active', 'waiting') ORDER BY updated_at DESC LIMIT $2 \
        ) AS c WHERE EXISTS ( \
            SELECT FROM messages AS m \
            WHERE m.tenant_id = $1 AND m.conversation_id = c.id AND m.message_direction = 'inbound' AND m.created_at > coalesce(( \
                SELECT max(a.created_at) FROM messages AS a WHERE a.tenant_id = $1 AND a.conversation_id = c.id \
                    AND a.message_direction = 'outbound' AND a.message_kind = 'message' AND a.message_status NOT IN ('failed', 'canceled') \
            ), '-infinity') \
        )) AS awaiting_reply, \
        (SELECT count(*) FROM (SELECT FROM alerts WHERE tenant_id = $1 AND status <> 'resolved' LIMIT $2) AS a) AS alerts";

/// The summary of a business, from the figures that are stored of it: they are as old as `rolled_up_at`. In a transaction of
/// [`crate::Store::reading`] all of it is of one state.
///
/// # Errors
/// [`Error::Unavailable`] or [`Error::Internal`].
pub fn summary(tx: &mut TenantTx<'_>, period: SummaryPeriod) -> Result<Summary> {
    let now = tx.now();
    let state = tx.analytics_roll_ups().find()?;
    // What is stored is by that zone until it is computed anew.
    let zone = match &state {
        Some(state) => state.timezone,
        None => tx.tenants().get()?.timezone,
    };
    let (days, earlier) = Calendar { zone, now }.days(period).ok_or_else(|| Error::internal("the calendar ends here"))?;
    let all: Vec<DateTime<Utc>> = earlier.iter().chain(&days).map(|(_, span)| span.from).collect();
    let stored = tx.metrics().computed(AggregationLevel::Daily, &all)?;
    let from = days.first().map_or(now, |(_, span)| span.from);
    let span = Span { from, until: now.max(from) };
    let span_before = Span { from: earlier.first().map_or(from, |(_, span)| span.from), until: from };
    let (figures, figures_before) = (sum(&stored, &days), sum(&stored, &earlier));
    let starts: Vec<DateTime<Utc>> = days.iter().map(|(_, span)| span.from).collect();
    let by = tx.metrics().by_dimension(AggregationLevel::Daily, &starts)?;
    Ok(Summary {
        period,
        span,
        span_before,
        timezone: zone,
        rolled_up_at: state.as_ref().map(|state| state.rolled_up_at),
        is_rebuilding: state.as_ref().is_none_or(RollUp::is_rebuilding),
        kpis: kpis(tx, period, &figures, &figures_before)?,
        week: week(tx, zone, span)?,
        days: days.into_iter().map(|(date, span)| day(&stored, date, span)).collect(),
        numbers: numbers(&by),
        assignees: assignees(&by),
        now: sql_query(NOW).bind::<Uuid, _>(tx.0.tenant).bind::<BigInt, _>(COUNTED_TO).get_result(tx.0.conn)?,
        figures,
        figures_before,
    })
}

/// A zone's clock.
#[derive(Clone, Copy)]
struct Calendar {
    zone: Timezone,
    now: DateTime<Utc>,
}

type Dated = (NaiveDate, Span);

impl Calendar {
    /// The days of a period, and as many before. An empty day, which some zones have had, is none.
    fn days(self, period: SummaryPeriod) -> Option<(Vec<Dated>, Vec<Dated>)> {
        let (today, count) = (self.zone.date(self.now)?, u64::from(period.days()));
        let back = |days: u64| today.checked_sub_days(Days::new(days));
        let dated = |date: NaiveDate| Some((date, self.zone.day(date)?));
        let of = |from: u64, until: u64| -> Option<Vec<Dated>> {
            let all: Option<Vec<Dated>> = (until..from).rev().map(|days| dated(back(days)?)).collect();
            Some(all?.into_iter().filter(|(_, span)| !span.is_empty()).collect())
        };
        Some((of(count, 0)?, of(count.saturating_mul(2), count)?))
    }
}

type Stored = HashMap<DateTime<Utc>, Figures>;

fn sum(stored: &Stored, days: &[Dated]) -> Figures {
    let found = days.iter().filter_map(|(_, span)| stored.get(&span.from));
    found.flat_map(Figures::iter).map(|(name, value)| (name.to_owned(), value)).collect()
}

fn day(stored: &Stored, date: NaiveDate, span: Span) -> SummaryDay {
    let all = stored.get(&span.from).into_iter().flat_map(Figures::iter);
    let main = all.filter(|(name, _)| FIGURES_OF_DAYS.contains(name));
    SummaryDay { date, span, figures: main.map(|(name, value)| (name.to_owned(), value)).collect() }
}

fn kpis(tx: &mut TenantTx<'_>, period: SummaryPeriod, figures: &Figures, before: &Figures) -> Result<Vec<SummaryKpi>> {
    let targets: HashMap<String, Decimal> = tx
        .kpi_targets()
        .list()?
        .into_iter()
        .filter(|target| target.period_type == period.of_targets())
        .map(|target| (target.kpi_name, target.kpi_target.normalize()))
        .collect();
    let of = |kpi: &'static Kpi| {
        let (value, before) = (kpi.value(figures), kpi.value(before));
        let trend = value.zip(before).filter(|_| !kpi.is_count()).map(|(value, before)| kpi.trend(value, before));
        SummaryKpi { kpi, value, before, trend, target: targets.get(kpi.name).copied() }
    };
    Ok(KPIS.iter().map(of).collect())
}

/// The calls of a span by weekday and hour. An hour counts where the clock shows its beginning.
fn week(tx: &mut TenantTx<'_>, zone: Timezone, span: Span) -> Result<Vec<SummaryWeekday>> {
    const INBOUND: &str = "nmc.calls_inbound";
    let empty = |weekday| SummaryWeekday { weekday, inbound: [Decimal::ZERO; 24], unanswered: [Decimal::ZERO; 24] };
    let mut week: Vec<SummaryWeekday> = (1..=7).map(empty).collect();
    for (at, name, value) in tx.metrics().hours_of(&[INBOUND, "nmc.calls_unanswered"], span)? {
        let Some((date, shown)) = zone.date(at).zip(zone.shown(at)) else { continue };
        let weekday = usize::try_from(date.weekday().num_days_from_monday()).map_err(Error::internal)?;
        let hour = usize::try_from(shown.hour()).map_err(Error::internal)?;
        let Some(day) = week.get_mut(weekday) else { continue };
        let hours = if name == INBOUND { &mut day.inbound } else { &mut day.unanswered };
        if let Some(sum) = hours.get_mut(hour) {
            *sum = sum.saturating_add(value).normalize();
        }
    }
    Ok(week)
}

/// The figures by what stands behind their names: of the calls by number, of the conversations by person; those of which `rank` is most first.
fn ranked(by: &[(String, Decimal)], of: &str, rank: &str) -> Vec<(String, Figures)> {
    let mut values: BTreeMap<&str, Figures> = BTreeMap::new();
    for (name, sum) in by {
        if let Some((figure, value)) = name.split_once('/').filter(|_| name.starts_with(of)) {
            values.entry(value).or_default().add(figure.to_owned(), *sum);
        }
    }
    let mut rows: Vec<(String, Figures)> = values.into_iter().map(|(value, figures)| (value.to_owned(), figures)).collect();
    rows.sort_by_key(|(_, figures)| Reverse(figures.get(rank)));
    rows.truncate(MOST_ROWS);
    rows
}

fn numbers(by: &[(String, Decimal)]) -> Vec<SummaryNumber> {
    let row = |(number, figures): (String, Figures)| SummaryNumber {
        number,
        inbound: figures.get("nmc.calls_inbound"),
        answered: figures.get("nmc.calls_answered"),
        unanswered: figures.get("nmc.calls_unanswered"),
    };
    ranked(by, "nmc.calls_", "nmc.calls_inbound").into_iter().map(row).collect()
}

fn assignees(by: &[(String, Decimal)]) -> Vec<SummaryAssignee> {
    let row = |(user, figures): (String, Figures)| {
        Some(SummaryAssignee {
            user_id: user.parse().ok()?,
            opened: figures.get("nmc.conversations_opened"),
            resolved: figures.get("nmc.conversations_resolved"),
        })
    };
    ranked(by, "nmc.conversations_", "nmc.conversations_opened").into_iter().filter_map(row).collect()
}
