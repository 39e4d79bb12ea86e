use crate::api::lists::{List, Span, agree, filled, is_same};
use crate::api::reply::{Json, PageOut, Tagged};
use crate::api::request::{JsonBody, NoQuery, RequestContext, must_match};
use crate::api::wire::{Quantity, Text, given, text};
use crate::error::ApiResult;
use chrono::{DateTime, TimeDelta, Utc};
use nmc_core::access::Permission;
use nmc_core::alerts::{Alert, AlertEvent, AlertEventFilter, AlertFilter, Notification, NotificationFilter};
use nmc_core::{AlertId, AlertStatus, Error, Result, TenantTx, Version, When};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

const LIST: List = List("alerts");
const HISTORY: List = List("history of an alert");
const NOTIFICATIONS: List = List("notifications of an alert");

/// An alert: what a rule noticed, and what became of it.
#[derive(Serialize, ToSchema)]
pub(crate) struct AlertOut {
    id: text::AlertId,
    rule_id: text::AlertRuleId,
    /// The name of the rule as it was when the alert was raised, like what follows.
    rule_name: String,
    metric: String,
    metric_value: text::Quantity,
    operator: text::AlertOperator,
    threshold: text::Quantity,
    severity: text::AlertSeverity,
    status: text::AlertStatus,
    #[schema(max_length = 2000)]
    message: String,
    /// Whether anybody was told of the alert.
    notification_sent: bool,
    acknowledged_at: Option<DateTime<Utc>>,
    acknowledged_by: Option<text::UserId>,
    acknowledgment_note: Option<String>,
    escalated_at: Option<DateTime<Utc>>,
    /// How often the alert was passed on.
    escalation_level: i32,
    snoozed_at: Option<DateTime<Utc>>,
    snoozed_by: Option<text::UserId>,
    /// The instant at which the snooze ends, or ended.
    snoozed_until: Option<DateTime<Utc>>,
    snooze_note: Option<String>,
    resolved_at: Option<DateTime<Utc>>,
    resolved_by: Option<text::UserId>,
    resolution_note: Option<String>,
    /// Whether the alert settled itself.
    auto_resolved: bool,
    /// Whether the alert is a test of who is told: nothing was measured, and its value says nothing.
    is_test: bool,
    created_at: DateTime<Utc>,
    updated_at: DateTime<Utc>,
}

impl From<Alert> for AlertOut {
    fn from(row: Alert) -> Self {
        Self {
            id: Text(row.id),
            rule_id: Text(row.rule_id),
            rule_name: row.rule_name,
            metric: row.metric,
            metric_value: Text(Quantity(row.metric_value)),
            operator: Text(row.operator),
            threshold: Text(Quantity(row.threshold)),
            severity: Text(row.severity),
            status: Text(row.status),
            message: row.message,
            notification_sent: row.notification_sent,
            acknowledged_at: row.acknowledged_at,
            acknowledged_by: row.acknowledged_by.map(Text),
            acknowledgment_note: row.acknowledgment_note,
            escalated_at: row.escalated_at,
            escalation_level: row.escalation_level,
            snoozed_at: row.snoozed_at,
            snoozed_by: row.snoozed_by.map(Text),
            snoozed_until: row.snoozed_until,
            snooze_note: row.snooze_note,
            resolved_at: row.resolved_at,
            resolved_by: row.resolved_by.map(Text),
            resolution_note: row.resolution_note,
            auto_resolved: row.auto_resolved,
            is_test: row.is_test,
            created_at: row.created_at,
            updated_at: row.updated_at,
        }
    }
}

/// The filter of a list of alerts.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub(crate) struct AlertQuery {
    /// The status of the alerts.
    #[param(inline, value_type = Option<text::AlertStatus>)]
    status: Option<text::AlertStatus>,
    /// Whether the alerts are open: not resolved (true), or resolved (false).
    open: Option<bool>,
    /// Whether the alerts want attention now (true), or are snoozed or resolved (false).
    active: Option<bool>,
    /// Whether the alerts are tests of who is told (true), or real ones (false).
    test: Option<bool>,
    /// The severity of the alerts.
    #[param(inline, value_type = Option<text::AlertSeverity>)]
    severity: Option<text::AlertSeverity>,
    /// The rule that raised the alerts.
    #[param(inline, value_type = Option<text::AlertRuleId>)]
    rule: Option<text::AlertRuleId>,
    /// The metric over which the alerts were raised.
    #[param(max_length = 100)]
    metric: Option<String>,
    /// The instant at or after which the alerts were raised, like 2026-11-22T18:00:00Z.
    from: Option<DateTime<Utc>>,
    /// The instant before which the alerts were raised.
    until: Option<DateTime<Utc>>,
    /// The most rows of the page, 1 to 200; 50 if left out.
    #[param(minimum = 1, maximum = 200)]
    limit: Option<u16>,
    /// The cursor of the page: `next` of the page before; the first page if left out.
    #[param(pattern = "^[A-Za-b][A-Za-z0-9_-]{31}[0-9a-f]{6}$")]
    after: Option<String>,
}

/// What somebody says to an alert.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct AlertNoteIn {
    #[schema(max_length = 2000)]
    note: Option<String>,
}

/// For how long an alert is put off: one of both.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct SnoozeIn {
    /// The instant at which the alert wakes.
    #[serde(default, deserialize_with = "given")]
    #[schema(nullable = false)]
    until: Option<DateTime<Utc>>,
    /// The minutes after which the alert wakes, a year at most.
    #[serde(default, deserialize_with = "given")]
    #[schema(minimum = 1, maximum = 525600, nullable = false)]
    minutes: Option<u32>,
    #[schema(max_length = 2000)]
    note: Option<String>,
}

impl SnoozeIn {
    fn end(&self) -> Result<When> {
        match (self.until, self.minutes) {
            (Some(until), None) => Ok(When::At(until)),
            (None, Some(minutes @ 1..=525_600)) => Ok(When::In(TimeDelta::minutes(minutes.into()))),
            (None, Some(_)) => Err(Error::invalid("minutes", "must be between 1 and 525600")),
            (Some(_), Some(_)) => Err(Error::invalid("minutes", "must not be given with until")),
            (None, None) => Err(Error::invalid("minutes", "is required, or until")),
        }
    }
}

/// Something that happened to an alert.
#[derive(Serialize, ToSchema)]
pub(crate) struct AlertEventOut {
    id: text::AlertEventId,
    event_type: text::AlertEventType,
    old_status: Option<text::AlertStatus>,
    new_status: Option<text::AlertStatus>,
    /// The user who did it; null when none did.
    user_id: Option<text::UserId>,
    /// More about it, such as a note, a value or a level.
    #[schema(value_type = Option<Object>)]
    details: Option<serde_json::Value>,
    created_at: DateTime<Utc>,
}

impl From<AlertEvent> for AlertEventOut {
    fn from(row: AlertEvent) -> Self {
        Self {
            id: Text(row.id),
            event_type: Text(row.event_type),
            old_status: row.old_status.map(Text),
            new_status: row.new_status.map(Text),
            user_id: row.user_id.map(Text),
            details: row.details,
            created_at: row.created_at,
        }
    }
}

/// An alert told, or to be told, to one recipient. The words are left out: they may hold a link that acts for the recipient.
#[derive(Serialize, ToSchema)]
pub(crate) struct NotificationOut {
    id: text::NotificationId,
    channel: text::NotificationChannel,
    /// What is told of the alert: `triggered`, `escalated`, `resolved` or `test`.
    #[schema(max_length = 100)]
    template: Option<String>,
    /// The recipient, of a webhook the host alone, as the rest of its URL may be a password; null to those without
    /// `alert-contacts:read`.
    #[schema(max_length = 255)]
    recipient: Option<String>,
    status: text::NotificationStatus,
    attempts: i32,
    max_attempts: i32,
    /// The instant before which it is not tried; null once it has ended.
    next_attempt_at: Option<DateTime<Utc>>,
    delivered_at: Option<DateTime<Utc>>,
    failed_at: Option<DateTime<Utc>>,
    /// The reason of the last failure; null to those without `alert-contacts:read`, as it may name the recipient.
    error_message: Option<String>,
    /// The HTTP status that a webhook answered last.
    webhook_response_code: Option<i32>,
    /// The instant at which the recipient of a mail acted on the alert by one of its links.
    answered_at: Option<DateTime<Utc>>,
    /// The digest that told of it together with others; null if it went by itself.
    digest_id: Option<text::NotificationId>,
    created_at: DateTime<Utc>,
    updated_at: DateTime<Utc>,
}

impl NotificationOut {
    fn of(row: Notification, sees_recipients: bool) -> Self {
        let due_at = row.due_at();
        Self {
            id: Text(row.id),
            channel: Text(row.channel),
            template: row.template_used,
            recipient: sees_recipients.then(|| row.recipient.masked()),
            status: Text(row.status),
            attempts: row.attempts,
            max_attempts: row.max_attempts,
            next_attempt_at: due_at,
            delivered_at: row.delivered_at,
            failed_at: row.failed_at,
            error_message: row.error_message.filter(|_| sees_recipients),
            webhook_response_code: row.webhook_response_code,
            answered_at: row.answered_at,
            digest_id: row.digest_id.map(Text),
            created_at: row.created_at,
            updated_at: row.updated_at,
        }
    }
}

/// A page of what belongs to an alert.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub(crate) struct PageQuery {
    /// The most rows of the page, 1 to 200; 50 if left out.
    #[param(minimum = 1, maximum = 200)]
    limit: Option<u16>,
    /// The cursor of the page: `next` of the page before; the first page if left out.
    #[param(pattern = "^[A-Za-b][A-Za-z0-9_-]{31}[0-9a-f]{6}$")]
    after: Option<String>,
}

fn tagged(row: Alert) -> Tagged<AlertOut> {
    Tagged(Version::of(row.updated_at), row.into())
}

pub(super) async fn list(context: RequestContext<AlertQuery, ()>) -> ApiResult<Json<PageOut<AlertOut>>> {
    let query = &context.query;
    let page = LIST.page(query.limit, query.after.as_deref())?;
    let span = Span::new(("from", query.from), ("until", query.until))?;
    let status = query.status.map(|status| status.0);
    let is_open = status.map(AlertStatus::is_open);
    agree("open", "status", is_same(query.open, is_open))?;
    let is_active = status.map(AlertStatus::is_active);
    agree("active", "status", is_same(query.active, is_active))?;
    agree("active", "open", query.active != Some(true) || query.open != Some(false))?;
    let filter = AlertFilter {
        status,
        open: query.open,
        active: query.active,
        is_test: query.test,
        severity: query.severity.map(|severity| severity.0),
        rule: query.rule.map(|rule| rule.0),
        metric: filled("metric", query.metric.as_deref(), 100)?,
        from: span.from,
        until: span.until,
        ..AlertFilter::default()
    };
    let rows = context.acting(move |tx| tx.alerts().list(&filter, page)).await?;
    Ok(Json(LIST.of(rows)))
}

pub(super) async fn get(context: RequestContext<NoQuery, ()>) -> ApiResult<Tagged<AlertOut>> {
    let id: AlertId = context.id("alert", "alert")?;
    Ok(tagged(context.acting(move |tx| tx.alerts().get(id)).await?))
}

/// Takes a step with the alert of the path, in the version that the request names, if it names one.
async fn step<B>(
    context: &RequestContext<NoQuery, B>,
    work: impl Fn(&mut TenantTx<'_>, AlertId) -> Result<Alert> + Send + 'static,
) -> ApiResult<Tagged<AlertOut>> {
    let (id, expected) = (context.id::<AlertId>("alert", "alert")?, context.if_match()?);
    let row = context.acting(move |tx| {
        let row = tx.alerts().lock(id)?;
        must_match(expected.as_ref(), Version::of(row.updated_at), "alert")?;
        work(tx, id)
    });
    let names =
        [("acknowledgment_note", "note"), ("snooze_note", "note"), ("resolution_note", "note"), ("snoozed_until", "until")];
    Ok(tagged(row.await.map_err(|error| error.renamed(&names))?))
}

pub(super) async fn acknowledge(context: RequestContext<NoQuery, JsonBody<AlertNoteIn>>) -> ApiResult<Tagged<AlertOut>> {
    let note = context.body.0.note.clone();
    step(&context, move |tx, id| tx.alerts().acknowledge(id, note.as_deref())).await
}

pub(super) async fn snooze(context: RequestContext<NoQuery, JsonBody<SnoozeIn>>) -> ApiResult<Tagged<AlertOut>> {
    let (end, note) = (context.body.0.end()?, context.body.0.note.clone());
    step(&context, move |tx, id| tx.alerts().snooze(id, end, note.as_deref())).await
}

pub(super) async fn wake(context: RequestContext<NoQuery, ()>) -> ApiResult<Tagged<AlertOut>> {
    step(&context, |tx, id| tx.alerts().wake(id)).await
}

pub(super) async fn resolve(context: RequestContext<NoQuery, JsonBody<AlertNoteIn>>) -> ApiResult<Tagged<AlertOut>> {
    let note = context.body.0.note.clone();
    step(&context, move |tx, id| tx.alerts().resolve(id, note.as_deref())).await
}

pub(super) async fn history(context: RequestContext<PageQuery, ()>) -> ApiResult<Json<PageOut<AlertEventOut>>> {
    let id: AlertId = context.id("alert", "alert")?;
    let page = HISTORY.page(context.query.limit, context.query.after.as_deref())?;
    let rows = context.acting(move |tx| {
        tx.alerts().get(id)?;
        tx.alert_history().list(id, &AlertEventFilter::default(), page)
    });
    Ok(Json(HISTORY.of(rows.await?)))
}

pub(super) async fn notifications(context: RequestContext<PageQuery, ()>) -> ApiResult<Json<PageOut<NotificationOut>>> {
    let id: AlertId = context.id("alert", "alert")?;
    let page = NOTIFICATIONS.page(context.query.limit, context.query.after.as_deref())?;
    let filter = NotificationFilter { alert: Some(id), ..NotificationFilter::default() };
    let found = context.acting(move |tx| {
        tx.alerts().get(id)?;
        Ok((tx.notifications().list(&filter, page)?, tx.must(Permission::AlertContactsRead).is_ok()))
    });
    let (rows, sees_recipients) = found.await?;
    Ok(Json(NOTIFICATIONS.with(rows, |row| NotificationOut::of(row, sees_recipients))))
}
