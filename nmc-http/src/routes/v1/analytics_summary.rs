use super::analytics::whole;
use crate::api::reply::Json;
use crate::api::request::RequestContext;
use crate::api::wire::{FiguresOut, Quantity, Text, text};
use crate::error::ApiResult;
use chrono::{DateTime, NaiveDate, Utc};
use nmc_core::workflows::{
    Summary, SummaryAssignee, SummaryDay, SummaryKpi, SummaryNow, SummaryNumber, SummaryPeriod, SummaryWeekday, summary,
};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

/// The days of a summary.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub(crate) struct SummaryQuery {
    /// Today, or today with the 6 or 29 days before; `7d` if left out.
    #[param(inline, value_type = Option<text::SummaryPeriod>)]
    period: Option<text::SummaryPeriod>,
}

/// The figures of a business in some days, beside those of as many days before, and what is to be done now.
#[derive(Serialize, ToSchema)]
pub(crate) struct SummaryOut {
    period: text::SummaryPeriod,
    /// The first instant of the first day.
    from: DateTime<Utc>,
    /// Now: the last day is not over.
    until: DateTime<Utc>,
    /// The first instant of the days before, which are whole ones up to `from`.
    before_from: DateTime<Utc>,
    /// The zone whose days they are.
    timezone: text::Timezone,
    /// The instant that the figures were computed at; null before the first computation.
    rolled_up_at: Option<DateTime<Utc>>,
    /// Whether figures of the past are being computed anew, or none were computed yet.
    is_rebuilding: bool,
    figures: FiguresOut,
    /// The sums of the days before.
    figures_before: FiguresOut,
    kpis: Vec<SummaryKpiOut>,
    /// The days of the period, in order.
    #[schema(max_items = 30)]
    days: Vec<SummaryDayOut>,
    /// The calls of the period by weekday and hour, from Monday on.
    #[schema(max_items = 7)]
    week: Vec<SummaryWeekdayOut>,
    /// The calls by the number called, those of most calls first.
    #[schema(max_items = 50)]
    numbers: Vec<SummaryNumberOut>,
    /// The conversations by the person they are assigned to now, those of most conversations first.
    #[schema(max_items = 50)]
    assignees: Vec<SummaryAssigneeOut>,
    now: SummaryNowOut,
}

/// A key figure in a summary.
#[derive(Serialize, ToSchema)]
pub(crate) struct SummaryKpiOut {
    name: &'static str,
    /// What it is, in a few words.
    #[schema(min_length = 1, max_length = 100)]
    label: &'static str,
    #[schema(pattern = "^(calls|percent|usd|minutes|hours)$")]
    unit: &'static str,
    more_is_better: bool,
    /// Null when there is nothing it could be computed of.
    value: Option<text::Quantity>,
    /// The value in the days before.
    before: Option<text::Quantity>,
    /// How both compare; null of counts, as today is not over.
    trend: Option<text::TrendDirection>,
    /// The target of the period: the daily one of today, the weekly one of `7d`, the monthly one of `30d`.
    target: Option<text::Quantity>,
}

/// A day of a summary.
#[derive(Serialize, ToSchema)]
pub(crate) struct SummaryDayOut {
    date: NaiveDate,
    from: DateTime<Utc>,
    until: DateTime<Utc>,
    figures: FiguresOut,
}

/// The calls of a weekday, by the hour at which they began.
#[derive(Serialize, ToSchema)]
pub(crate) struct SummaryWeekdayOut {
    /// The day of the week: 1 is Monday, 7 is Sunday.
    #[schema(minimum = 1, maximum = 7)]
    weekday: u32,
    /// Inbound calls of the 24 hours.
    #[schema(min_items = 24, max_items = 24)]
    inbound: Vec<i64>,
    /// Those of them that nobody answered.
    #[schema(min_items = 24, max_items = 24)]
    unanswered: Vec<i64>,
}

/// The calls to one number.
#[derive(Serialize, ToSchema)]
pub(crate) struct SummaryNumberOut {
    #[schema(max_length = 255)]
    number: String,
    inbound: i64,
    answered: i64,
    unanswered: i64,
}

/// The conversations of one person.
#[derive(Serialize, ToSchema)]
pub(crate) struct SummaryAssigneeOut {
    user_id: text::UserId,
    /// Those that were opened in the period.
    opened: i64,
    /// Those that were resolved in the period.
    resolved: i64,
}

/// What is to be done now. 1,000 stands for as many, or more.
#[derive(Serialize, ToSchema)]
pub(crate) struct SummaryNowOut {
    /// Open conversations.
    #[schema(minimum = 0, maximum = 1000)]
    open: i64,
    /// Those of them that are assigned to nobody.
    #[schema(minimum = 0, maximum = 1000)]
    unassigned: i64,
    /// Those of them whose customer wrote a text that no text of staff has followed.
    #[schema(minimum = 0, maximum = 1000)]
    awaiting_reply: i64,
    /// Open alerts.
    #[schema(minimum = 0, maximum = 1000)]
    alerts: i64,
}

impl From<Summary> for SummaryOut {
    fn from(summary: Summary) -> Self {
        Self {
            period: Text(summary.period),
            from: summary.span.from,
            until: summary.span.until,
            before_from: summary.span_before.from,
            timezone: Text(summary.timezone),
            rolled_up_at: summary.rolled_up_at,
            is_rebuilding: summary.is_rebuilding,
            figures: (&summary.figures).into(),
            figures_before: (&summary.figures_before).into(),
            kpis: summary.kpis.into_iter().map(SummaryKpiOut::from).collect(),
            days: summary.days.into_iter().map(SummaryDayOut::from).collect(),
            week: summary.week.into_iter().map(SummaryWeekdayOut::from).collect(),
            numbers: summary.numbers.into_iter().map(SummaryNumberOut::from).collect(),
            assignees: summary.assignees.into_iter().map(SummaryAssigneeOut::from).collect(),
            now: summary.now.into(),
        }
    }
}

impl From<SummaryKpi> for SummaryKpiOut {
    fn from(row: SummaryKpi) -> Self {
        let quantity = |value| Text(Quantity(value));
        Self {
            name: row.kpi.name,
            label: row.kpi.label,
            unit: row.kpi.unit.label(),
            more_is_better: row.kpi.more_is_better,
            value: row.value.map(quantity),
            before: row.before.map(quantity),
            trend: row.trend.map(Text),
            target: row.target.map(quantity),
        }
    }
}

impl From<SummaryDay> for SummaryDayOut {
    fn from(day: SummaryDay) -> Self {
        Self { date: day.date, from: day.span.from, until: day.span.until, figures: (&day.figures).into() }
    }
}

impl From<SummaryWeekday> for SummaryWeekdayOut {
    fn from(day: SummaryWeekday) -> Self {
        let counts = |hours: [rust_decimal::Decimal; 24]| hours.into_iter().map(whole).collect();
        Self { weekday: day.weekday, inbound: counts(day.inbound), unanswered: counts(day.unanswered) }
    }
}

impl From<SummaryNumber> for SummaryNumberOut {
    fn from(row: SummaryNumber) -> Self {
        let [inbound, answered, unanswered] = [row.inbound, row.answered, row.unanswered].map(whole);
        Self { number: row.number, inbound, answered, unanswered }
    }
}

impl From<SummaryAssignee> for SummaryAssigneeOut {
    fn from(row: SummaryAssignee) -> Self {
        Self { user_id: Text(row.user_id), opened: whole(row.opened), resolved: whole(row.resolved) }
    }
}

impl From<SummaryNow> for SummaryNowOut {
    fn from(now: SummaryNow) -> Self {
        Self { open: now.open, unassigned: now.unassigned, awaiting_reply: now.awaiting_reply, alerts: now.alerts }
    }
}

pub(super) async fn get(context: RequestContext<SummaryQuery, ()>) -> ApiResult<Json<SummaryOut>> {
    let period = context.query.period.map_or(SummaryPeriod::SevenDays, |period| period.0);
    Ok(Json(context.reading(move |tx| summary(tx, period)).await?.into()))
}
