use crate::api::lists::{List, bounded, filled};
use crate::api::reply::{Created, Done, Json, PageOut, Tagged};
use crate::api::request::{JsonBody, NoQuery, RequestContext, must_match};
use crate::api::wire::{Change, Quantity, Text, given, text};
use crate::error::ApiResult;
use chrono::{DateTime, Utc};
use nmc_core::alerts::{AlertRule, AlertRuleFilter, AlertRulePatch, Judgement, NewAlertRule, TRADE_METRICS, TradeMetric};
use nmc_core::{AlertRuleId, Confirmed, Patch, Result, TenantTx, Version};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

const LIST: List = List("alert rules");

/// A rule that raises alerts.
#[derive(Serialize, ToSchema)]
pub(crate) struct AlertRuleOut {
    id: text::AlertRuleId,
    name: String,
    description: Option<String>,
    metric: String,
    operator: text::AlertOperator,
    threshold: text::Quantity,
    severity: text::AlertSeverity,
    is_enabled: bool,
    notification_channels: Vec<text::NotificationChannel>,
    escalation_enabled: bool,
    escalation_delay_minutes: i32,
    escalation_repeats: i32,
    pending_seconds: i32,
    recovery_threshold: Option<text::Quantity>,
    keep_firing_seconds: i32,
    no_data_policy: text::NoDataPolicy,
    no_data_seconds: i32,
    flap_changes: Option<i32>,
    flap_seconds: i32,
    only_when_open: bool,
    created_at: DateTime<Utc>,
    updated_at: DateTime<Utc>,
    /// What keeps its alerts from being heard of, each in a sentence; a list leaves it out.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    warnings: Option<Vec<String>>,
}

impl From<AlertRule> for AlertRuleOut {
    fn from(row: AlertRule) -> Self {
        Self {
            id: Text(row.id),
            name: row.name,
            description: row.description,
            metric: row.metric,
            operator: Text(row.operator),
            threshold: Text(Quantity(row.threshold)),
            severity: Text(row.severity),
            is_enabled: row.is_enabled,
            notification_channels: row.notification_channels.into_iter().map(Text).collect(),
            escalation_enabled: row.escalation_enabled,
            escalation_delay_minutes: row.escalation_delay_minutes,
            escalation_repeats: row.escalation_repeats,
            pending_seconds: row.judgement.pending_seconds,
            recovery_threshold: row.judgement.recovery_threshold.map(|value| Text(Quantity(value))),
            keep_firing_seconds: row.judgement.keep_firing_seconds,
            no_data_policy: Text(row.judgement.no_data_policy),
            no_data_seconds: row.judgement.no_data_seconds,
            flap_changes: row.judgement.flap_changes,
            flap_seconds: row.judgement.flap_seconds,
            only_when_open: row.judgement.only_when_open,
            created_at: row.created_at,
            updated_at: row.updated_at,
            warnings: None,
        }
    }
}

/// The filter of a list of rules.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub(crate) struct AlertRuleQuery {
    /// The name of the rules, one for each metric at the most.
    #[param(max_length = 255)]
    name: Option<String>,
    /// Whether the rules are evaluated.
    is_enabled: Option<bool>,
    /// The metric that the rules watch.
    #[param(max_length = 100)]
    metric: Option<String>,
    /// The severity of the rules' alerts.
    #[param(inline, value_type = Option<text::AlertSeverity>)]
    severity: Option<text::AlertSeverity>,
    /// A channel by which the rules' alerts are told.
    #[param(inline, value_type = Option<text::NotificationChannel>)]
    channel: Option<text::NotificationChannel>,
    /// The most rows of the page, 1 to 200; 50 if left out.
    #[param(minimum = 1, maximum = 200)]
    limit: Option<u16>,
    /// The cursor of the page: `next` of the page before; the first page if left out.
    #[param(pattern = "^[A-Za-b][A-Za-z0-9_-]{31}[0-9a-f]{6}$")]
    after: Option<String>,
}

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
    fn new_rule(&self) -> NewAlertRule {
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
    fn patch(&self) -> AlertRulePatch {
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
    fn judged(&self, before: &Judgement) -> Judgement {
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

/// A rule by itself, and what keeps its alerts from being heard of.
fn whole(tx: &mut TenantTx<'_>, row: AlertRule) -> Result<AlertRuleOut> {
    let warnings = tx.alert_rule_warnings(row.id)?;
    Ok(AlertRuleOut { warnings: Some(warnings), ..row.into() })
}

pub(super) async fn list(context: RequestContext<AlertRuleQuery, ()>) -> ApiResult<Json<PageOut<AlertRuleOut>>> {
    let query = &context.query;
    let page = LIST.page(query.limit, query.after.as_deref())?;
    let filter = AlertRuleFilter {
        name: bounded("name", query.name.as_deref(), 255)?,
        is_enabled: query.is_enabled,
        metric: filled("metric", query.metric.as_deref(), 100)?,
        severity: query.severity.map(|severity| severity.0),
        channel: query.channel.map(|channel| channel.0),
    };
    let rows = context.acting(move |tx| tx.alert_rules().list(&filter, page)).await?;
    Ok(Json(LIST.of(rows)))
}

pub(super) async fn add(context: RequestContext<NoQuery, JsonBody<AlertRuleIn>>) -> ApiResult<Created<AlertRuleOut>> {
    let new = context.body.0.new_rule();
    let row = context.acting(move |tx| {
        let row = tx.alert_rules().create(&new)?;
        whole(tx, row)
    });
    let row = row.await?;
    Ok(Created(format!("/v1/alert-rules/{}", row.id.0), row))
}

/// Rules that were added.
#[derive(Serialize, ToSchema)]
pub(crate) struct AddedRulesOut {
    /// The rules; none that the business has already.
    added: Vec<AlertRuleOut>,
}

/// A metric that is measured of every business.
#[derive(Serialize, ToSchema)]
pub(crate) struct AlertMetricOut {
    /// The name by which rules watch it.
    name: &'static str,
    /// What it tells, and in which unit.
    description: &'static str,
    /// The minutes from one measurement to the next.
    #[schema(minimum = 1, maximum = 15)]
    every_minutes: i64,
}

/// Metrics that are measured of every business.
#[derive(Serialize, ToSchema)]
pub(crate) struct AlertMetricsOut {
    /// The metrics.
    metrics: Vec<AlertMetricOut>,
}

/// A test that is on its way.
#[derive(Serialize, ToSchema)]
pub(crate) struct AlertTestOut {
    /// The alert whose notifications tell what becomes of the test.
    alert_id: text::AlertId,
    /// The number of notifications.
    #[schema(minimum = 1)]
    notifications: usize,
}

pub(super) async fn add_defaults(context: RequestContext<NoQuery, ()>) -> ApiResult<Json<AddedRulesOut>> {
    let added = context.acting(|tx| tx.add_default_alert_rules()).await?;
    Ok(Json(AddedRulesOut { added: added.into_iter().map(AlertRuleOut::from).collect() }))
}

pub(super) async fn metrics(context: RequestContext<NoQuery, ()>) -> ApiResult<Json<AlertMetricsOut>> {
    context.acting(|_| Ok(())).await?;
    let metric = |metric: &TradeMetric| AlertMetricOut {
        name: metric.name,
        description: metric.description,
        every_minutes: metric.every_minutes,
    };
    Ok(Json(AlertMetricsOut { metrics: TRADE_METRICS.iter().map(metric).collect() }))
}

pub(super) async fn test(context: RequestContext<NoQuery, ()>) -> ApiResult<Json<AlertTestOut>> {
    let id: AlertRuleId = context.id("rule", "rule")?;
    let (alert, queued) = context.acting(move |tx| tx.alerts().test(id)).await?;
    Ok(Json(AlertTestOut { alert_id: Text(alert.id), notifications: queued.len() }))
}

pub(super) async fn get(context: RequestContext<NoQuery, ()>) -> ApiResult<Tagged<AlertRuleOut>> {
    let id: AlertRuleId = context.id("rule", "rule")?;
    let (version, row) = context
        .acting(move |tx| {
            let row = tx.alert_rules().get(id)?;
            Ok((Version::of(row.updated_at), whole(tx, row)?))
        })
        .await?;
    Ok(Tagged(version, row))
}

pub(super) async fn change(context: RequestContext<NoQuery, JsonBody<AlertRuleChange>>) -> ApiResult<Tagged<AlertRuleOut>> {
    let (id, expected) = (context.id::<AlertRuleId>("rule", "rule")?, context.if_match()?);
    let change = context.body.0.clone();
    let (version, row) = context
        .acting(move |tx| {
            let row = tx.alert_rules().lock(id)?;
            must_match(expected.as_ref(), Version::of(row.updated_at), "rule")?;
            let judgement = Some(change.judged(&row.judgement)).filter(|judgement| *judgement != row.judgement);
            let row = tx.alert_rules().update(id, &AlertRulePatch { judgement, ..change.patch() })?;
            Ok((Version::of(row.updated_at), whole(tx, row)?))
        })
        .await?;
    Ok(Tagged(version, row))
}

pub(super) async fn remove(context: RequestContext<NoQuery, ()>) -> ApiResult<Done> {
    let id: AlertRuleId = context.id("rule", "rule")?;
    // The request is for this alone.
    context.acting(move |tx| tx.alert_rules().delete(id, Confirmed::irrevocably())).await?;
    Ok(Done)
}
