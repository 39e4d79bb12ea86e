//! Alerts: reading them, and raising one. What becomes of it is in `alert_transitions`.

use super::history::NewAlertEvent;
use super::rule::AlertRule;
use super::trade_metric::words_of;
use crate::error::found;
use crate::page::{Cursor, Page, PageRequest, keyset};
use crate::schema::alerts;
use crate::store::{Scope, TenantTx};
use crate::types::{bounds, optional};
use crate::{
    AlertEventType, AlertId, AlertOperator, AlertRuleId, AlertSeverity, AlertStatus, Error, Result, StreamEventKind, TenantId,
    UserId,
};
use chrono::{DateTime, Utc};
use diesel::dsl::sql;
use diesel::pg::Pg;
use diesel::prelude::*;
use diesel::sql_types::Bool;
use rust_decimal::Decimal;
use serde_json::json;

/// One alert.
#[derive(Debug, Clone, PartialEq, HasQuery)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[cfg_attr(not(feature = "testing"), non_exhaustive)]
#[diesel(table_name = alerts, check_for_backend(Pg))]
#[expect(missing_docs, reason = "the columns are documented in the schema")]
pub struct Alert {
    pub id: AlertId,
    pub tenant_id: TenantId,
    pub rule_id: AlertRuleId,
    pub rule_name: String,
    pub metric: String,
    pub metric_value: Decimal,
    pub threshold: Decimal,
    pub operator: AlertOperator,
    pub severity: AlertSeverity,
    pub status: AlertStatus,
    pub message: String,
    pub notification_sent: bool,
    pub acknowledged_at: Option<DateTime<Utc>>,
    pub acknowledged_by: Option<UserId>,
    pub acknowledgment_note: Option<String>,
    pub escalated_at: Option<DateTime<Utc>>,
    pub escalation_level: i32,
    pub resolved_at: Option<DateTime<Utc>>,
    pub resolved_by: Option<UserId>,
    pub resolution_note: Option<String>,
    pub auto_resolved: bool,
    pub snoozed_at: Option<DateTime<Utc>>,
    pub snoozed_by: Option<UserId>,
    pub snoozed_until: Option<DateTime<Utc>>,
    pub snooze_note: Option<String>,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
    pub is_test: bool,
}

/// The result of raising an alert.
#[derive(Debug, Clone, PartialEq)]
#[cfg_attr(not(feature = "testing"), non_exhaustive)]
pub struct Raised {
    /// The rule's open alert.
    pub alert: Alert,
    /// Whether the alert was raised by this; otherwise it had been open before, and is as it was.
    pub is_new: bool,
}

/// A filter of alerts. Empty means all.
#[derive(Debug, Clone, Default)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct AlertFilter {
    /// The status of the alerts.
    pub status: Option<AlertStatus>,
    /// Whether the alerts are open: not resolved (true), or resolved (false).
    pub open: Option<bool>,
    /// Whether the alerts want attention now: triggered, acknowledged or escalated (true), or snoozed and resolved ones (false).
    pub active: Option<bool>,
    /// The severity of the alerts.
    pub severity: Option<AlertSeverity>,
    /// Whether the alerts are tests of who is told.
    pub is_test: Option<bool>,
    /// The rule that raised the alerts.
    pub rule: Option<AlertRuleId>,
    /// The metric over which the alerts were raised.
    pub metric: Option<String>,
    /// The user who acknowledged the alerts last.
    pub acknowledged_by: Option<UserId>,
    /// The user who resolved the alerts.
    pub resolved_by: Option<UserId>,
    /// The instant at or after which the alerts were raised.
    pub from: Option<DateTime<Utc>>,
    /// The instant before which the alerts were raised.
    pub until: Option<DateTime<Utc>>,
}

/// A tenant's alerts.
pub struct Alerts<'a>(pub(super) Scope<'a>);

impl TenantTx<'_> {
    /// The tenant's alerts.
    pub const fn alerts(&mut self) -> Alerts<'_> {
        Alerts(self.0.reborrow())
    }
}

/// The predicate of `alerts_open_key`, to the letter: PostgreSQL can't match it with bound values.
const OPEN_SQL: &str = "status <> 'resolved'";

/// The predicate of `alerts_active_created_at_idx`, to the letter.
const ACTIVE_SQL: &str = "status IN ('triggered', 'acknowledged', 'escalated')";

fn filtered<'q, ST>(mut query: alerts::BoxedQuery<'q, Pg, ST>, filter: &'q AlertFilter) -> alerts::BoxedQuery<'q, Pg, ST> {
    if let Some(status) = filter.status {
        query = query.filter(alerts::status.eq(status));
    }
    match filter.open {
        Some(true) => query = query.filter(alerts::status.ne(AlertStatus::Resolved)),
        Some(false) => query = query.filter(alerts::status.eq(AlertStatus::Resolved)),
        None => {}
    }
    match filter.active {
        Some(true) => query = query.filter(sql::<Bool>(ACTIVE_SQL)),
        Some(false) => query = query.filter(alerts::status.eq_any([AlertStatus::Snoozed, AlertStatus::Resolved])),
        None => {}
    }
    if let Some(severity) = filter.severity {
        query = query.filter(alerts::severity.eq(severity));
    }
    if let Some(is_test) = filter.is_test {
        query = query.filter(alerts::is_test.eq(is_test));
    }
    if let Some(rule) = filter.rule {
        query = query.filter(alerts::rule_id.eq(rule));
    }
    if let Some(metric) = &filter.metric {
        query = query.filter(alerts::metric.eq(metric));
    }
    if let Some(user) = filter.acknowledged_by {
        query = query.filter(alerts::acknowledged_by.eq(user));
    }
    if let Some(user) = filter.resolved_by {
        query = query.filter(alerts::resolved_by.eq(user));
    }
    if let Some(from) = filter.from {
        query = query.filter(alerts::created_at.ge(from));
    }
    if let Some(until) = filter.until {
        query = query.filter(alerts::created_at.lt(until));
    }
    query
}

/// An alert to write, with its rule's words and figures as they are now.
#[derive(Debug, Insertable)]
#[diesel(table_name = alerts, check_for_backend(Pg))]
pub(super) struct NewAlert<'r> {
    pub(super) id: AlertId,
    pub(super) tenant_id: TenantId,
    pub(super) rule_id: AlertRuleId,
    pub(super) rule_name: &'r str,
    pub(super) metric: &'r str,
    pub(super) metric_value: Decimal,
    pub(super) threshold: Decimal,
    pub(super) operator: AlertOperator,
    pub(super) severity: AlertSeverity,
    pub(super) status: AlertStatus,
    pub(super) message: String,
    pub(super) resolved_at: Option<DateTime<Utc>>,
    pub(super) auto_resolved: bool,
    pub(super) created_at: DateTime<Utc>,
    pub(super) updated_at: DateTime<Utc>,
    pub(super) is_test: bool,
}

impl<'r> NewAlert<'r> {
    /// An alert that is raised now.
    pub(super) fn of(scope: &Scope<'_>, rule: &'r AlertRule, value: Decimal, message: String) -> Self {
        Self {
            id: AlertId::new(scope.moment.id()),
            tenant_id: scope.tenant,
            rule_id: rule.id,
            rule_name: &rule.name,
            metric: &rule.metric,
            metric_value: value,
            threshold: rule.threshold,
            operator: rule.operator,
            severity: rule.severity,
            status: AlertStatus::Triggered,
            message,
            resolved_at: None,
            auto_resolved: false,
            created_at: scope.now(),
            updated_at: scope.now(),
            is_test: false,
        }
    }
}

/// The message that a person is told when nobody has better words.
fn default_message(rule: &AlertRule, value: Decimal) -> String {
    let relation = match rule.operator {
        AlertOperator::GreaterThan => "above",
        AlertOperator::LessThan => "below",
        AlertOperator::Equals => "equal to",
        AlertOperator::NotEquals => "different from",
    };
    let told = words_of(&rule.metric).map_or_else(|| format!("{} is", rule.metric), |words| format!("{words}:"));
    format!("{}: {told} {}, {relation} {}", rule.name, value.normalize(), rule.threshold.normalize())
}

impl Alerts<'_> {
    /// The alert, if it is there.
    ///
    /// # Errors
    /// [`crate::Error::Unavailable`] or [`crate::Error::Internal`].
    pub fn find(&mut self, id: AlertId) -> Result<Option<Alert>> {
        Ok(Alert::query().filter(alerts::tenant_id.eq(self.0.tenant)).filter(alerts::id.eq(id)).first(self.0.conn).optional()?)
    }

    /// The alert with this id.
    ///
    /// # Errors
    /// [`crate::Error::NotFound`].
    pub fn get(&mut self, id: AlertId) -> Result<Alert> {
        found(self.find(id)?, "alert")
    }

    /// The rule's open alert, if there is one.
    ///
    /// # Errors
    /// As [`Self::find`].
    pub fn find_open_by_rule(&mut self, rule: AlertRuleId) -> Result<Option<Alert>> {
        Ok(Alert::query()
            .filter(alerts::tenant_id.eq(self.0.tenant))
            .filter(alerts::rule_id.eq(rule))
            .filter(sql::<Bool>(OPEN_SQL))
            .first(self.0.conn)
            .optional()?)
    }

    /// A page of alerts, newest first.
    ///
    /// # Errors
    /// As [`Self::find`].
    pub fn list(&mut self, filter: &AlertFilter, page: PageRequest) -> Result<Page<Alert>> {
        let query = filtered(Alert::query().filter(alerts::tenant_id.eq(self.0.tenant)).into_boxed(), filter);
        let rows = keyset(query, page, alerts::created_at, alerts::id).load(self.0.conn)?;
        Ok(Page::from_rows(rows, page, |row: &Alert| Cursor { at: row.created_at, id: row.id.uuid() }))
    }

    /// The number of alerts that a filter finds.
    ///
    /// # Errors
    /// As [`Self::find`].
    pub fn count(&mut self, filter: &AlertFilter) -> Result<i64> {
        let query = alerts::table.filter(alerts::tenant_id.eq(self.0.tenant)).count();
        Ok(filtered(query.into_boxed(), filter).get_result(self.0.conn)?)
    }

    /// Whether an alert is open.
    pub(crate) fn is_any_open(&mut self) -> Result<bool> {
        let open = alerts::table.filter(alerts::tenant_id.eq(self.0.tenant)).filter(sql::<Bool>(OPEN_SQL));
        Ok(diesel::select(diesel::dsl::exists(open)).get_result(self.0.conn)?)
    }

    /// Raises an alert of this rule, with the rule's words and figures as they are now, and writes the event. While one is
    /// open, that one is returned as it is. Without a `message` (up to 2,000 characters) it says what was compared.
    ///
    /// Whether the rule's condition holds is the caller's to know; see [`super::evaluate`].
    ///
    /// # Errors
    /// [`crate::Error::NotFound`] when there is no such rule, [`crate::Error::Conflict`] when it is disabled,
    /// [`crate::Error::Invalid`] on a broken rule.
    pub fn raise(&mut self, rule: AlertRuleId, value: Decimal, message: Option<&str>) -> Result<Raised> {
        let value = bounds::METRIC.rounded("metric_value", value)?;
        let message = optional("message", message, 2_000)?;
        let rule = self.0.tx().alert_rules().lock_enabled(rule)?;
        if let Some(alert) = self.find_open_by_rule(rule.id)? {
            return Ok(Raised { alert, is_new: false });
        }
        let alert = self.raise_unless_open(&[(&rule, value, message)])?.pop();
        // The rule's lock keeps others from raising meanwhile.
        let alert = alert.ok_or(Error::conflict("rule_id", "already has an open alert"))?;
        Ok(Raised { alert, is_new: true })
    }

    /// Raises an alert of each rule that has none open, writes the events, and queues what tells of it: a statement each. The rules'
    /// locks are the caller's.
    pub(super) fn raise_unless_open(&mut self, new: &[(&AlertRule, Decimal, Option<String>)]) -> Result<Vec<Alert>> {
        if new.is_empty() {
            return Ok(Vec::new());
        }
        let rows: Vec<NewAlert<'_>> = new
            .iter()
            .map(|(rule, value, message)| {
                let message = message.clone().unwrap_or_else(|| default_message(rule, *value));
                NewAlert::of(&self.0, rule, *value, message)
            })
            .collect();
        let raised: Vec<Alert> = diesel::insert_into(alerts::table)
            .values(rows)
            .on_conflict((alerts::tenant_id, alerts::rule_id))
            .filter_target(sql::<Bool>(OPEN_SQL))
            .do_nothing()
            .returning(Alert::as_returning())
            .get_results(self.0.conn)?;
        let events: Vec<_> = raised
            .iter()
            .map(|alert| {
                NewAlertEvent::new(alert.id, AlertEventType::Triggered)
                    .moving(None, AlertStatus::Triggered)
                    .with(json!({"value": alert.metric_value.normalize(), "threshold": alert.threshold.normalize()}))
            })
            .collect();
        raised.iter().for_each(|alert| self.0.note(StreamEventKind::AlertCreated, alert.id.uuid()));
        self.0.tx().alert_history().append(&events)?;
        let of_rule = |alert: &Alert| new.iter().map(|(rule, ..)| *rule).find(|rule| rule.id == alert.rule_id);
        let told: Vec<(&Alert, &AlertRule)> = raised.iter().filter_map(|alert| Some((alert, of_rule(alert)?))).collect();
        self.0.tx().after_raising(&told)?;
        Ok(raised)
    }
}
