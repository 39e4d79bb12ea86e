//! The figures that are computed, by name, and the key figures that are computed of them. docs/ANALYTICS.md says what each one counts.

use crate::{KpiPeriod, MetricType, TrendDirection};
use rust_decimal::{Decimal, RoundingStrategy};
use std::collections::BTreeMap;

/// The version of what is computed, of figures and key figures alike: figures of another version are computed anew.
pub const FORMULA: i32 = 2;

/// What the names of figures begin with; no other metrics have such names.
pub const RESERVED_FIGURES: &str = "nmc.";

/// The names of the figures there are, in order; those by a dimension begin with one of these.
pub const FIGURES: &[&str] = &[
    "nmc.calls_abandoned",
    "nmc.calls_answered",
    "nmc.calls_blocked",
    "nmc.calls_converted",
    "nmc.calls_cost",
    "nmc.calls_failed",
    "nmc.calls_inbound",
    "nmc.calls_missed",
    "nmc.calls_outbound",
    "nmc.calls_replied",
    "nmc.calls_talk_seconds",
    "nmc.calls_texted_back",
    "nmc.calls_unanswered",
    "nmc.calls_voicemail",
    "nmc.conversations_opened",
    "nmc.conversations_resolved",
    "nmc.conversations_responded",
    "nmc.first_response_open_seconds",
    "nmc.first_response_seconds",
    "nmc.opt_outs",
    "nmc.resolution_open_seconds",
    "nmc.resolution_seconds",
    "nmc.revenue",
    "nmc.revenue_unanswered",
    "nmc.texts_cost",
    "nmc.texts_failed",
    "nmc.texts_received",
    "nmc.texts_sent",
];

/// The type of what is computed under a name; `None` of a metric of others, which may be of any.
pub(super) fn type_of_figure(name: &str) -> Option<MetricType> {
    let of_figure = |name: &str| match name {
        _ if name.starts_with("calls_") => MetricType::Call,
        _ if name.starts_with("revenue") => MetricType::Revenue,
        _ => MetricType::Conversation,
    };
    name.strip_prefix(RESERVED_FIGURES).map(of_figure)
}

/// Sums of a stretch of time, by name. One that isn't there is 0.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize), serde(transparent))]
pub struct Figures(BTreeMap<String, Decimal>);

impl Figures {
    /// The sum of this name, such as `nmc.calls_missed`.
    #[must_use]
    pub fn get(&self, name: &str) -> Decimal {
        self.0.get(name).copied().unwrap_or_default()
    }

    /// Whether nothing was counted.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// All that isn't 0, by name.
    pub fn iter(&self) -> impl Iterator<Item = (&str, Decimal)> {
        self.0.iter().map(|(name, value)| (name.as_str(), *value))
    }

    pub(crate) fn add(&mut self, name: String, value: Decimal) {
        let sum = self.0.entry(name).or_default();
        *sum = sum.saturating_add(value).normalize();
    }
}

impl FromIterator<(String, Decimal)> for Figures {
    fn from_iter<I: IntoIterator<Item = (String, Decimal)>>(values: I) -> Self {
        let mut figures = Self::default();
        values.into_iter().for_each(|(name, value)| figures.add(name, value));
        figures
    }
}

/// The unit of a key figure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize), serde(rename_all = "snake_case"))]
#[non_exhaustive]
pub enum KpiUnit {
    /// Calls.
    Calls,
    /// Percent.
    Percent,
    /// US dollars.
    Usd,
    /// Minutes.
    Minutes,
    /// Hours.
    Hours,
}

impl KpiUnit {
    /// The name of the unit.
    #[must_use]
    pub const fn label(self) -> &'static str {
        match self {
            Self::Calls => "calls",
            Self::Percent => "percent",
            Self::Usd => "usd",
            Self::Minutes => "minutes",
            Self::Hours => "hours",
        }
    }
}

/// A key figure: how it is computed of sums, and which way is good.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Kpi {
    /// The name of the key figure.
    pub name: &'static str,
    /// What it is, in a few words.
    pub label: &'static str,
    /// The unit of its values.
    pub unit: KpiUnit,
    /// Whether more of it is better.
    pub more_is_better: bool,
    /// The figure above the line.
    pub numerator: &'static str,
    /// The figures below the line, which are added; none: a count.
    pub denominator: &'static [&'static str],
}

const fn kpi(
    name: &'static str,
    label: &'static str,
    unit: KpiUnit,
    more_is_better: bool,
    numerator: &'static str,
    denominator: &'static [&'static str],
) -> Kpi {
    Kpi { name, label, unit, more_is_better, numerator, denominator }
}

/// The key figures there are.
pub const KPIS: &[Kpi] = &[
    kpi("calls", "Calls", KpiUnit::Calls, true, "nmc.calls_inbound", &[]),
    kpi("missed_calls", "Missed calls", KpiUnit::Calls, false, "nmc.calls_unanswered", &[]),
    kpi("answer_rate", "Calls answered", KpiUnit::Percent, true, "nmc.calls_answered", &["nmc.calls_inbound"]),
    kpi("missed_rate", "Calls missed", KpiUnit::Percent, false, "nmc.calls_unanswered", &["nmc.calls_inbound"]),
    kpi("voicemail_rate", "Calls to voicemail", KpiUnit::Percent, false, "nmc.calls_voicemail", &["nmc.calls_inbound"]),
    kpi("abandoned_rate", "Calls given up while ringing", KpiUnit::Percent, false, "nmc.calls_abandoned", &["nmc.calls_inbound"]),
    kpi("text_back_rate", "Missed calls texted back", KpiUnit::Percent, true, "nmc.calls_texted_back", &["nmc.calls_unanswered"]),
    kpi("reply_rate", "Texts back that were answered", KpiUnit::Percent, true, "nmc.calls_replied", &["nmc.calls_texted_back"]),
    kpi(
        "conversion_rate",
        "Missed calls that became jobs",
        KpiUnit::Percent,
        true,
        "nmc.calls_converted",
        &["nmc.calls_unanswered"],
    ),
    kpi(
        "revenue_per_missed_call",
        "Revenue per missed call",
        KpiUnit::Usd,
        true,
        "nmc.revenue_unanswered",
        &["nmc.calls_unanswered"],
    ),
    kpi("cost_per_call", "Cost per call", KpiUnit::Usd, false, "nmc.calls_cost", &["nmc.calls_inbound", "nmc.calls_outbound"]),
    kpi("cost_per_text", "Cost per text", KpiUnit::Usd, false, "nmc.texts_cost", &["nmc.texts_sent"]),
    kpi("opt_out_rate", "Opt-outs per text", KpiUnit::Percent, false, "nmc.opt_outs", &["nmc.texts_sent"]),
    kpi("text_failure_rate", "Texts that failed", KpiUnit::Percent, false, "nmc.texts_failed", &["nmc.texts_sent"]),
    kpi(
        "first_response_minutes",
        "Time to the first response",
        KpiUnit::Minutes,
        false,
        "nmc.first_response_seconds",
        &["nmc.conversations_responded"],
    ),
    kpi(
        "first_response_open_minutes",
        "Time to the first response, in business hours",
        KpiUnit::Minutes,
        false,
        "nmc.first_response_open_seconds",
        &["nmc.conversations_responded"],
    ),
    kpi("resolution_hours", "Time to resolve", KpiUnit::Hours, false, "nmc.resolution_seconds", &["nmc.conversations_resolved"]),
    kpi(
        "resolution_open_hours",
        "Time to resolve, in business hours",
        KpiUnit::Hours,
        false,
        "nmc.resolution_open_seconds",
        &["nmc.conversations_resolved"],
    ),
];

impl Kpi {
    /// The key figure of this name.
    #[must_use]
    pub fn named(name: &str) -> Option<&'static Self> {
        KPIS.iter().find(|kpi| kpi.name == name)
    }

    /// The key figure of this name or label, in any case: lists show both.
    #[must_use]
    pub fn called(text: &str) -> Option<&'static Self> {
        let is_it = |name: &str| name.eq_ignore_ascii_case(text.trim());
        KPIS.iter().find(|kpi| is_it(kpi.name)).or_else(|| KPIS.iter().find(|kpi| is_it(kpi.label)))
    }

    /// Whether it is a number of things, and no share, average or price.
    #[must_use]
    pub const fn is_count(&self) -> bool {
        self.denominator.is_empty()
    }

    /// The figures that it is computed of.
    pub fn figures(&self) -> impl Iterator<Item = &'static str> {
        std::iter::once(self.numerator).chain(self.denominator.iter().copied())
    }

    /// Its value, to four decimals, halves away from zero. `None`: there is nothing it could be computed of.
    #[must_use]
    pub fn value(&self, figures: &Figures) -> Option<Decimal> {
        let numerator = figures.get(self.numerator);
        if self.is_count() {
            return (!figures.is_empty()).then_some(numerator);
        }
        let below: Decimal = self.denominator.iter().map(|name| figures.get(name)).sum();
        let (times, per) = match self.unit {
            KpiUnit::Percent => (100, 1),
            KpiUnit::Minutes => (1, 60),
            KpiUnit::Hours => (1, 3_600),
            KpiUnit::Calls | KpiUnit::Usd => (1, 1),
        };
        let below = below.checked_mul(Decimal::from(per))?;
        let value = numerator.checked_mul(Decimal::from(times))?.checked_div(below)?;
        Some(value.round_dp_with_strategy(4, RoundingStrategy::MidpointAwayFromZero).normalize())
    }

    /// How a value compares with the one of the period before.
    #[must_use]
    pub fn trend(&self, value: Decimal, before: Decimal) -> TrendDirection {
        match value.cmp(&before) {
            std::cmp::Ordering::Equal => TrendDirection::Stable,
            order if order.is_gt() == self.more_is_better => TrendDirection::Improving,
            _ => TrendDirection::Declining,
        }
    }
}

/// The periods that key figures are kept of.
pub const KPI_PERIODS: [KpiPeriod; 3] = [KpiPeriod::Daily, KpiPeriod::Weekly, KpiPeriod::Monthly];

#[cfg(test)]
mod tests {
    use super::*;

    fn figures(values: &[(&str, &str)]) -> Figures {
        values.iter().map(|(name, value)| ((*name).to_owned(), value.parse().unwrap())).collect()
    }

    #[test]
    fn key_figures_are_rounded_and_have_no_value_over_nothing() {
        let of =
            |kpi: &str, values: &[(&str, &str)]| Kpi::named(kpi).unwrap().value(&figures(values)).map(|value| value.to_string());
        let third = [("nmc.calls_inbound", "3"), ("nmc.calls_unanswered", "2"), ("nmc.calls_answered", "1")];
        assert_eq!(of("missed_rate", &third), Some("66.6667".into()));
        assert_eq!(of("answer_rate", &third), Some("33.3333".into()));
        assert_eq!(of("voicemail_rate", &third), Some("0".into()));
        assert_eq!(of("missed_rate", &[("nmc.texts_sent", "3")]), None);
        assert_eq!(of("missed_calls", &[("nmc.texts_sent", "3")]), Some("0".into()));
        assert_eq!(of("missed_calls", &[]), None);
        let half = [("nmc.texts_cost", "0.00005"), ("nmc.texts_sent", "1")];
        assert_eq!(of("cost_per_text", &half), Some("0.0001".into()));
        let responses = [("nmc.first_response_seconds", "100"), ("nmc.conversations_responded", "2")];
        assert_eq!(of("first_response_minutes", &responses), Some("0.8333".into()));
        let both = [("nmc.calls_cost", "3"), ("nmc.calls_inbound", "1"), ("nmc.calls_outbound", "1")];
        assert_eq!(of("cost_per_call", &both), Some("1.5".into()));
        let refund = [("nmc.revenue_unanswered", "-1.00005"), ("nmc.calls_unanswered", "1")];
        assert_eq!(of("revenue_per_missed_call", &refund), Some("-1.0001".into()));
    }

    #[test]
    fn trend_says_what_is_good() {
        let (rate, one, two) = (Kpi::named("missed_rate").unwrap(), Decimal::ONE, Decimal::TWO);
        assert_eq!((rate.trend(two, one), rate.trend(one, two)), (TrendDirection::Declining, TrendDirection::Improving));
        assert_eq!(rate.trend(one, Decimal::new(10, 1)), TrendDirection::Stable);
        assert_eq!(Kpi::named("calls").unwrap().trend(two, one), TrendDirection::Improving);
    }

    #[test]
    fn key_figure_is_called_by_its_name_or_label() {
        for kpi in KPIS {
            for text in
                [kpi.name.to_owned(), kpi.name.to_uppercase(), kpi.label.to_owned(), format!(" {} ", kpi.label.to_lowercase())]
            {
                assert_eq!(Kpi::called(&text), Some(kpi), "{text}");
            }
        }
        assert_eq!(Kpi::called("luck"), None);
    }

    #[test]
    fn names_are_said_once() {
        for of in [|kpi: &Kpi| kpi.name, |kpi: &Kpi| kpi.label] {
            let names: std::collections::BTreeSet<String> = KPIS.iter().map(|kpi| of(kpi).to_lowercase()).collect();
            assert_eq!(names.len(), KPIS.len());
        }
        let of = |kpi: &Kpi| std::iter::once(kpi.numerator).chain(kpi.denominator.iter().copied()).collect::<Vec<_>>();
        assert!(KPIS.iter().flat_map(of).all(|name| FIGURES.contains(&name)));
        assert!(FIGURES.is_sorted() && FIGURES.iter().all(|name| name.starts_with(RESERVED_FIGURES)));
    }
}
