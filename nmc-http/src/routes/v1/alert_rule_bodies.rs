//! The bodies with which rules are added and changed.

use crate::api::wire::{Change, given, text};
use nmc_core::Patch;
use nmc_core::alerts::{AlertRulePatch, Judgement, NewAlertRule};
use serde::Deserialize;
use utoipa::ToSchema;

/// A rule to add. What is left out is as it is in most rules: one value decides, nobody is told, and nothing is passed on.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct AlertRuleIn {
    /// The name of the rule, unique per metric.
    name: String,
    /// The purpose of the rule.
    description: Option<String>,
    /// The metric that the rule watches: one of NeverMissCall's own, whose names begin with `nmc.`, or one that the business records.
    metric: String,
    /// How the metric compares with the threshold.
    operator: text::AlertOperator,
    /// The threshold, in the metric's unit.
    threshold: text::Quantity,
    severity: text::AlertSeverity,
    /// Whether the rule is evaluated; it is if left out.
    #[serde(default, deserialize_with = "given")]
    #[schema(nullable = false)]
    is_enabled: Option<bool>,
    /// The channels by which the rule's alerts are told, each once; none if left out.
    #[serde(default)]
    notification_channels: Vec<text::NotificationChannel>,
    /// Whether an alert that nobody acknowledges is passed on; it is not if left out.
    #[serde(default)]
    escalation_enabled: bool,
    /// The minutes that an alert waits before it is passed on; 30 if left out.
    #[serde(default, deserialize_with = "given")]
    #[schema(minimum = 0, maximum = 10_080, nullable = false)]
    escalation_delay_minutes: Option<i32>,
    /// How often an alert that has come to the highest level of its contacts is passed on to it once more; 0 if left out.
    #[serde(default, deserialize_with = "given")]
    #[schema(minimum = 0, maximum = 100, nullable = false)]
    escalation_repeats: Option<i32>,
    /// For how many seconds the condition must hold before an alert is raised; 0 if left out: one value decides.
    #[serde(default, deserialize_with = "given")]
    #[schema(minimum = 0, nullable = false)]
    pending_seconds: Option<i32>,
    /// What the metric of an open alert must come back to; if left out, the condition must no longer hold. None but for a rule that
    /// looks for what is above its threshold, or below.
    recovery_threshold: Option<text::Quantity>,
    /// For how many seconds the condition must not hold before an open alert is over; 0 if left out.
    #[serde(default, deserialize_with = "given")]
    #[schema(minimum = 0, nullable = false)]
    keep_firing_seconds: Option<i32>,
    /// What becomes of the rule when its metric is silent: nothing (`keep`, if left out), an alert (`alert`), or the end of one (`ok`).
    #[serde(default, deserialize_with = "given")]
    #[schema(nullable = false)]
    no_data_policy: Option<text::NoDataPolicy>,
    /// After how many seconds without a value it is silent; 900 if left out.
    #[serde(default, deserialize_with = "given")]
    #[schema(nullable = false)]
    no_data_seconds: Option<i32>,
    /// After how many changes of the condition in a row an open alert stays open until one lasts for `flap_seconds`; never if left out.
    flap_changes: Option<i32>,
    /// How many seconds without a change are calm; 3600 if left out.
    #[serde(default, deserialize_with = "given")]
    #[schema(nullable = false)]
    flap_seconds: Option<i32>,
    /// Whether alerts are raised in business hours only; at any time if left out.
    #[serde(default)]
    only_when_open: bool,
}

impl AlertRuleIn {
    pub(super) fn new_rule(&self) -> NewAlertRule {
        let usual = Judgement::default();
        let threshold = self.threshold.0.0;
        let named = NewAlertRule::new(self.name.as_str(), self.metric.as_str(), self.operator.0, threshold, self.severity.0);
        NewAlertRule {
            description: self.description.clone(),
            is_enabled: self.is_enabled.unwrap_or(named.is_enabled),
            notification_channels: self.notification_channels.iter().map(|channel| channel.0).collect(),
            escalation_enabled: self.escalation_enabled,
            escalation_delay_minutes: self.escalation_delay_minutes.unwrap_or(named.escalation_delay_minutes),
            escalation_repeats: self.escalation_repeats.unwrap_or(named.escalation_repeats),
            judgement: Judgement {
                pending_seconds: self.pending_seconds.unwrap_or(usual.pending_seconds),
                recovery_threshold: self.recovery_threshold.map(|value| value.0.0),
                keep_firing_seconds: self.keep_firing_seconds.unwrap_or(usual.keep_firing_seconds),
                no_data_policy: self.no_data_policy.map_or(usual.no_data_policy, |policy| policy.0),
                no_data_seconds: self.no_data_seconds.unwrap_or(usual.no_data_seconds),
                flap_changes: self.flap_changes,
                flap_seconds: self.flap_seconds.unwrap_or(usual.flap_seconds),
                only_when_open: self.only_when_open,
            },
            ..named
        }
    }
}

/// Changes of a rule. The metric stays while an alert of the rule is open.
#[derive(Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct AlertRuleChange {
    #[serde(default, deserialize_with = "given")]
    #[schema(nullable = false)]
    name: Option<String>,
    #[serde(default)]
    #[schema(value_type = Option<String>, max_length = 2000)]
    description: Change<String>,
    #[serde(default, deserialize_with = "given")]
    #[schema(nullable = false)]
    metric: Option<String>,
    #[serde(default, deserialize_with = "given")]
    #[schema(nullable = false)]
    operator: Option<text::AlertOperator>,
    #[serde(default, deserialize_with = "given")]
    #[schema(nullable = false)]
    threshold: Option<text::Quantity>,
    #[serde(default, deserialize_with = "given")]
    #[schema(nullable = false)]
    severity: Option<text::AlertSeverity>,
    #[serde(default, deserialize_with = "given")]
    #[schema(nullable = false)]
    is_enabled: Option<bool>,
    #[serde(default, deserialize_with = "given")]
    #[schema(nullable = false)]
    notification_channels: Option<Vec<text::NotificationChannel>>,
    #[serde(default, deserialize_with = "given")]
    #[schema(nullable = false)]
    escalation_enabled: Option<bool>,
    #[serde(default, deserialize_with = "given")]
    #[schema(minimum = 0, maximum = 10_080, nullable = false)]
    escalation_delay_minutes: Option<i32>,
    #[serde(default, deserialize_with = "given")]
    #[schema(minimum = 0, maximum = 100, nullable = false)]
    escalation_repeats: Option<i32>,
    #[serde(default, deserialize_with = "given")]
    #[schema(minimum = 0, nullable = false)]
    pending_seconds: Option<i32>,
    #[serde(default)]
    #[schema(value_type = Option<text::Quantity>)]
    recovery_threshold: Change<text::Quantity>,
    #[serde(default, deserialize_with = "given")]
    #[schema(minimum = 0, nullable = false)]
    keep_firing_seconds: Option<i32>,
    #[serde(default, deserialize_with = "given")]
    #[schema(nullable = false)]
    no_data_policy: Option<text::NoDataPolicy>,
    #[serde(default, deserialize_with = "given")]
    #[schema(nullable = false)]
    no_data_seconds: Option<i32>,
    #[serde(default)]
    #[schema(value_type = Option<i32>)]
    flap_changes: Change<i32>,
    #[serde(default, deserialize_with = "given")]
    #[schema(nullable = false)]
    flap_seconds: Option<i32>,
    #[serde(default, deserialize_with = "given")]
    #[schema(nullable = false)]
    only_when_open: Option<bool>,
}

impl AlertRuleChange {
    /// The changes, without those of how the rule is judged.
    pub(super) fn patch(&self) -> AlertRulePatch {
        let channels = |channels: &Vec<text::NotificationChannel>| channels.iter().map(|channel| channel.0).collect();
        AlertRulePatch {
            name: self.name.clone(),
            description: self.description.0.clone(),
            metric: self.metric.clone(),
            operator: self.operator.map(|operator| operator.0),
            threshold: self.threshold.map(|value| value.0.0),
            severity: self.severity.map(|severity| severity.0),
            is_enabled: self.is_enabled,
            notification_channels: self.notification_channels.as_ref().map(channels),
            escalation_enabled: self.escalation_enabled,
            escalation_delay_minutes: self.escalation_delay_minutes,
            escalation_repeats: self.escalation_repeats,
            judgement: None,
        }
    }

    /// How the rule is to be judged that has been judged like this.
    pub(super) fn judged(&self, before: &Judgement) -> Judgement {
        Judgement {
            pending_seconds: self.pending_seconds.unwrap_or(before.pending_seconds),
            recovery_threshold: match self.recovery_threshold.0 {
                Patch::Keep => before.recovery_threshold,
                Patch::Clear => None,
                Patch::Set(value) => Some(value.0.0),
            },
            keep_firing_seconds: self.keep_firing_seconds.unwrap_or(before.keep_firing_seconds),
            no_data_policy: self.no_data_policy.map_or(before.no_data_policy, |policy| policy.0),
            no_data_seconds: self.no_data_seconds.unwrap_or(before.no_data_seconds),
            flap_changes: match self.flap_changes.0 {
                Patch::Keep => before.flap_changes,
                Patch::Clear => None,
                Patch::Set(changes) => Some(changes),
            },
            flap_seconds: self.flap_seconds.unwrap_or(before.flap_seconds),
            only_when_open: self.only_when_open.unwrap_or(before.only_when_open),
        }
    }
}
