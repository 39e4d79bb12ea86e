use super::alert_rule_bodies::{AlertRuleChange, AlertRuleIn};
use crate::api::lists::{List, bounded, filled};
use crate::api::reply::{Created, Done, Json, PageOut, Tagged};
use crate::api::request::{JsonBody, NoQuery, RequestContext, must_match};
use crate::api::wire::{Quantity, Text, text};
use crate::error::ApiResult;
use chrono::{DateTime, Utc};
use nmc_core::alerts::{AlertRule, AlertRuleFilter, AlertRulePatch, TRADE_METRICS, TradeMetric};
use nmc_core::{AlertRuleId, Confirmed, Result, TenantTx, Version};
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
