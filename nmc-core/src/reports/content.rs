//! What a report says, as data: the JSON that is stored and handed out.

use super::words;
use crate::TrendDirection;
use chrono::{DateTime, NaiveDate, Utc};
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The version of [`ReportContent`] that this library writes.
pub const CONTENT_VERSION: u16 = 1;

/// Figures by their name. One that isn't there is 0.
pub type Figures = BTreeMap<String, Decimal>;

/// The content of a report. Numbers that may have decimals are text in JSON, counts are integers, and nothing is a float.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct ReportContent {
    /// The version of this form, [`CONTENT_VERSION`].
    pub version: u16,
    /// The name of the business.
    pub business: String,
    /// The time zone in which days and hours are counted, by its IANA name.
    pub zone: String,
    /// The kind of report.
    pub kind: ReportKind,
    /// The period reported on.
    pub period: ReportPeriod,
    /// The period that it is compared with, which ends where the other begins.
    pub before: ReportPeriod,
    /// The instant at which the figures were read.
    pub computed_at: DateTime<Utc>,
    /// Whether the period was over then; else all is of what there was so far.
    #[serde(default)]
    pub complete: bool,
    /// The version of the formulas of figures and KPIs.
    pub formula_version: i32,
    /// The figures of the whole period, beside those of the period before.
    pub totals: Vec<TotalEntry>,
    /// The key figures of the period.
    pub kpis: Vec<KpiEntry>,
    /// The length of an entry of `course`.
    pub step: Step,
    /// The figures day by day, or week by week or month by month where there are many days.
    pub course: Vec<CourseEntry>,
    /// Calls by weekday and hour.
    pub hours: Hours,
    /// Calls by the number that was called, the busiest first.
    pub numbers: Vec<NumberEntry>,
    /// Conversations by the person they are assigned to, the busiest first.
    pub people: Vec<PersonEntry>,
    /// The missed calls after which a text could go out, if they were looked at: some were not followed by one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub textable: Option<Textable>,
    /// Up to five things to do, the weightiest first.
    pub advice: Vec<Advice>,
}

/// The kind of a report.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ReportKind {
    /// A day.
    Daily,
    /// A week, from Monday.
    Weekly,
    /// A month of the calendar.
    Monthly,
    /// Any days that follow one another.
    Custom,
}

/// A period of whole days in the zone of the business.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReportPeriod {
    /// The first instant of the period.
    pub from: DateTime<Utc>,
    /// The first instant after the period.
    pub until: DateTime<Utc>,
    /// The first day of the period.
    pub first_day: NaiveDate,
    /// The last day of the period.
    pub last_day: NaiveDate,
    /// The number of days in the calendar.
    pub days: u16,
    /// The period in words, like `Week of November 23 – 29, 2026`.
    pub title: String,
}

/// A figure of the whole period.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TotalEntry {
    /// The name of the figure, like `nmc.calls_inbound`.
    pub name: String,
    /// The figure in words.
    pub label: String,
    /// The unit of the value: calls, conversations, texts, seconds, opt-outs or USD.
    pub unit: String,
    /// The value of the period.
    pub value: Decimal,
    /// The value of the period before.
    pub previous: Decimal,
}

/// A key figure of the period. What has no value isn't 0: there was nothing to reckon it from.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct KpiEntry {
    /// The name of the KPI, like `answer_rate`.
    pub name: String,
    /// The KPI in words.
    pub label: String,
    /// The unit of the value: calls, %, USD, minutes or hours.
    pub unit: String,
    /// Whether more of it is good.
    pub better: Better,
    /// The value in the period.
    pub value: Option<Decimal>,
    /// The value in the period before.
    pub previous: Option<Decimal>,
    /// The value that the business aims at.
    pub target: Option<Decimal>,
    /// The distance from the target, in percent of it.
    pub variance: Option<Decimal>,
    /// The change since the period before, as improving, declining or stable.
    pub trend: Option<TrendDirection>,
}

/// The direction that is good for a business.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Better {
    /// More is good.
    More,
    /// Fewer, or less, is good.
    Fewer,
}

/// The length of an entry of a report's course.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Step {
    /// A day.
    Day,
    /// A week, from Monday; the first and the last may be shorter.
    Week,
    /// A month; the first and the last may be shorter.
    Month,
}

/// The figures of a part of the period.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CourseEntry {
    /// The first day of the part.
    pub first_day: NaiveDate,
    /// The last day of the part.
    pub last_day: NaiveDate,
    /// The figures of the part.
    pub figures: Figures,
}

/// Calls by weekday (seven rows, Monday first) and by the hour that the clock of the business showed (24 columns, midnight first).
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Hours {
    /// Inbound calls.
    pub inbound: [[u64; 24]; 7],
    /// Inbound calls that nobody answered.
    pub unanswered: [[u64; 24]; 7],
}

/// The calls to one number of the business.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct NumberEntry {
    /// The number in E.164; `None` stands for all others together.
    pub number: Option<String>,
    /// Inbound calls.
    pub inbound: u64,
    /// Inbound calls that were answered.
    pub answered: u64,
    /// Inbound calls that nobody answered.
    pub unanswered: u64,
}

/// The conversations of one person.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct PersonEntry {
    /// The name of the person; `None` stands for all others together.
    pub name: Option<String>,
    /// Conversations that were opened, and are assigned to the person now.
    pub opened: u64,
    /// Conversations that were resolved, and are assigned to the person now.
    pub resolved: u64,
}

/// Missed calls of which the business learned in time, at a number that it held then, when it could send texts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Textable {
    /// The number of the calls.
    pub missed: u64,
    /// Those of them after which a text went out.
    pub texted: u64,
    /// Those of these whose callers wrote back within a week. `None` in reports from before it was counted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub replied: Option<u64>,
}

/// A thing to do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Advice {
    /// The name of the rule that says so.
    pub rule: String,
    /// What to do, and why, in a sentence or two.
    pub text: String,
    /// The numbers that it rests on.
    pub basis: Vec<Basis>,
}

/// A number that an advice rests on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Basis {
    /// What the number is: a figure, a KPI, an hour or a weekday.
    pub name: String,
    /// The number.
    pub value: Decimal,
}

impl ReportContent {
    /// The figure of the whole period; 0 where there is none.
    #[must_use]
    pub fn total(&self, name: &str) -> Decimal {
        self.totals.iter().find(|total| total.name == name).map_or(Decimal::ZERO, |total| total.value)
    }

    /// The figure of the period before; 0 where there is none.
    #[must_use]
    pub fn previous_total(&self, name: &str) -> Decimal {
        self.totals.iter().find(|total| total.name == name).map_or(Decimal::ZERO, |total| total.previous)
    }

    /// The report as JSON, which is all of it.
    ///
    /// # Errors
    /// [`crate::Error::Internal`] if it can't be written.
    pub fn to_json(&self) -> crate::Result<Vec<u8>> {
        serde_json::to_vec(self).map_err(crate::Error::internal)
    }

    /// The name of the report's files, without an ending: what it is of, in letters, digits and dashes of any script.
    #[must_use]
    pub fn file_stem(&self) -> String {
        let (business, kind, first) = (words::slug(&self.business), self.kind, self.period.first_day);
        let mut stem =
            if business.is_empty() { format!("report-{kind}-{first}") } else { format!("report-{business}-{kind}-{first}") };
        if kind == ReportKind::Custom {
            stem.push_str(&format!("-{}", self.period.last_day));
        }
        stem
    }

    /// The key figure of this name, if the report has it.
    #[must_use]
    pub fn kpi(&self, name: &str) -> Option<&KpiEntry> {
        self.kpis.iter().find(|kpi| kpi.name == name)
    }
}
