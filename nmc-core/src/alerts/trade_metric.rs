//! What a trade business wants to hear of, and nobody has to report: the metrics of our own that rules can watch.
//!
//! A window in which nothing happened has no value, which is not zero: no calls are no missed calls.

use crate::types::named;
use crate::{Error, Result};

/// How the names of the metrics begin that NeverMissCall measures itself.
pub const RESERVED_METRICS: &str = "nmc.";

/// A metric that is measured from a business's rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[cfg_attr(not(feature = "testing"), non_exhaustive)]
pub struct TradeMetric {
    /// The name by which rules watch it.
    pub name: &'static str,
    /// What it tells, and in which unit.
    pub description: &'static str,
    /// The minutes from one measurement to the next.
    pub every_minutes: i64,
    #[cfg_attr(feature = "serde", serde(skip))]
    pub(crate) source: MetricSource,
}

/// The rows that a metric is measured from: one statement for all metrics of a source.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum MetricSource {
    Calls,
    Usual,
    Waiting,
    Texts,
    OptOuts,
    Unassigned,
    Spend,
    Numbers,
    Queue,
}

const fn metric(name: &'static str, every_minutes: i64, source: MetricSource, description: &'static str) -> TradeMetric {
    TradeMetric { name, description, every_minutes, source }
}

/// Every metric of this kind.
#[rustfmt::skip] // a table: one line each
pub const TRADE_METRICS: &[TradeMetric] = &[
    metric("nmc.missed_calls_15m", 1, MetricSource::Calls, "calls of the last 15 minutes that nobody answered"),
    metric("nmc.missed_calls_1h", 5, MetricSource::Calls, "calls of the last hour that nobody answered"),
    metric("nmc.missed_calls_1d", 15, MetricSource::Calls, "calls of the last 24 hours that nobody answered"),
    metric("nmc.missed_rate_15m", 1, MetricSource::Calls, "how many of 100 calls of the last 15 minutes nobody answered"),
    metric("nmc.missed_rate_1h", 5, MetricSource::Calls, "how many of 100 calls of the last hour nobody answered"),
    metric("nmc.missed_rate_1d", 15, MetricSource::Calls, "how many of 100 calls of the last 24 hours nobody answered"),
    metric("nmc.calls_vs_usual_1h", 5, MetricSource::Usual, "calls of the last hour, in percent of what is usual at this hour of this day of the week"),
    metric("nmc.longest_wait_minutes", 1, MetricSource::Waiting, "minutes that the longest waiting customer has waited for an answer; of business hours alone, and 0 when nobody waits"),
    metric("nmc.texts_failed_1h", 5, MetricSource::Texts, "texts that failed in the last hour"),
    metric("nmc.text_failure_rate_1h", 5, MetricSource::Texts, "how many of 100 texts failed that were sent in the last hour, or failed in it"),
    metric("nmc.opt_outs_1d", 15, MetricSource::OptOuts, "people who asked for no more texts in the last 24 hours"),
    metric("nmc.unassigned_conversations", 1, MetricSource::Unassigned, "open conversations that nobody looks after"),
    metric("nmc.spend_today", 15, MetricSource::Spend, "US dollars that calls and texts have cost since midnight in the business's zone, as far as it is known"),
    metric("nmc.numbers_in_trouble", 5, MetricSource::Numbers, "telephone numbers that don't work"),
    metric("nmc.queue_age_minutes", 1, MetricSource::Queue, "minutes that the oldest text has been waiting to be sent; since it was first due, and 0 when none waits"),
];

/// What a metric tells, in the words that people read; `None` of one that a business reports itself.
pub(super) fn words_of(metric: &str) -> Option<&'static str> {
    let known = TRADE_METRICS.iter().find(|known| known.name == metric)?;
    // What its 0 means helps who writes a rule.
    Some(known.description.split_once(';').map_or(known.description, |(words, _)| words))
}

/// The name of a metric that a rule may watch: one that is reported, or one of ours.
pub(super) fn watched(metric: &str) -> Result<String> {
    let name = named("metric", metric, 100)?;
    if name.starts_with(RESERVED_METRICS) && !TRADE_METRICS.iter().any(|known| known.name == name) {
        return Err(Error::invalid(
            "metric",
            "must be one that is measured, as it begins with nmc.: `nmc alert metrics` and /v1/alert-metrics list them",
        ));
    }
    Ok(name)
}

/// The name of a metric that somebody may report.
pub(super) fn reported(metric: &str) -> Result<String> {
    let name = named("metric_name", metric, 100)?;
    if name.starts_with(RESERVED_METRICS) {
        return Err(Error::invalid("metric_name", "must not begin with nmc., as the metrics of NeverMissCall's own do"));
    }
    Ok(name)
}
