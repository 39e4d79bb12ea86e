//! Rules that raise alerts.

use super::judgement::Judgement;
use super::trade_metric::watched;
use crate::error::{found, touched_one};
use crate::page::{Cursor, Page, PageRequest, keyset};
use crate::schema::{alert_rules as rules, alerts};
use crate::store::{Scope, TenantTx, stamped};
use crate::types::{bounds, named, optional};
use crate::{
    AlertOperator, AlertRuleId, AlertSeverity, AlertStatus, Confirmed, Error, NotificationChannel, Patch, Result, TenantId,
};
use chrono::{DateTime, Utc};
use diesel::pg::Pg;
use diesel::prelude::*;
use rust_decimal::Decimal;

/// One alert rule.
#[derive(Debug, Clone, PartialEq, HasQuery)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[cfg_attr(not(feature = "testing"), non_exhaustive)]
#[diesel(table_name = rules, check_for_backend(Pg))]
#[expect(missing_docs, reason = "the columns are documented in the schema")]
pub struct AlertRule {
    pub id: AlertRuleId,
    pub tenant_id: TenantId,
    pub name: String,
    pub description: Option<String>,
    pub metric: String,
    pub operator: AlertOperator,
    pub threshold: Decimal,
    pub severity: AlertSeverity,
    pub is_enabled: bool,
    pub notification_channels: Vec<NotificationChannel>,
    pub escalation_enabled: bool,
    pub escalation_delay_minutes: i32,
    pub escalation_repeats: i32,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
    pub judgement_changed_at: Option<DateTime<Utc>>,
    /// How it is judged over time.
    #[diesel(embed)]
    pub judgement: Judgement,
}

/// An alert rule to add.
#[derive(Debug, Clone)]
pub struct NewAlertRule {
    /// The name of the rule; up to 255 characters, unique per metric.
    pub name: String,
    /// The purpose of the rule; up to 2,000 characters.
    pub description: Option<String>,
    /// The metric that the rule watches; up to 100 characters. One that begins like [`super::RESERVED_METRICS`] must be one of
    /// [`super::TRADE_METRICS`].
    pub metric: String,
    /// How the metric compares with the threshold.
    pub operator: AlertOperator,
    /// The threshold, in the metric's unit; up to 11 digits and 4 decimals.
    pub threshold: Decimal,
    /// The severity of the rule's alerts.
    pub severity: AlertSeverity,
    /// Whether the rule is evaluated.
    pub is_enabled: bool,
    /// The channels by which the rule's alerts are told, each once; nowhere when empty.
    pub notification_channels: Vec<NotificationChannel>,
    /// Whether an alert nobody acknowledges is passed on.
    pub escalation_enabled: bool,
    /// The minutes that an alert waits before each escalation; up to a week, and at least one where it is repeated.
    pub escalation_delay_minutes: i32,
    /// How often an alert that has come to the highest level of its contacts is passed on to it once more; up to 100.
    pub escalation_repeats: i32,
    /// How the rule is judged over time.
    pub judgement: Judgement,
}

impl NewAlertRule {
    /// An enabled rule that is told nowhere and never passed on.
    pub fn new(
        name: impl Into<String>,
        metric: impl Into<String>,
        operator: AlertOperator,
        threshold: Decimal,
        severity: AlertSeverity,
    ) -> Self {
        Self {
            name: name.into(),
            description: None,
            metric: metric.into(),
            operator,
            threshold,
            severity,
            is_enabled: true,
            notification_channels: Vec::new(),
            escalation_enabled: false,
            escalation_delay_minutes: 30,
            escalation_repeats: 0,
            judgement: Judgement::default(),
        }
    }
}

/// Changes of a rule. An open alert goes on saying what it was raised under, but is judged by the rule as it is now; that it
/// be about the same thing, the metric stays while one is open.
#[derive(Debug, Clone, Default)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[expect(missing_docs, reason = "the fields of NewAlertRule")]
pub struct AlertRulePatch {
    pub name: Option<String>,
    pub description: Patch<String>,
    pub metric: Option<String>,
    pub operator: Option<AlertOperator>,
    pub threshold: Option<Decimal>,
    pub severity: Option<AlertSeverity>,
    pub is_enabled: Option<bool>,
    pub notification_channels: Option<Vec<NotificationChannel>>,
    pub escalation_enabled: Option<bool>,
    pub escalation_delay_minutes: Option<i32>,
    pub escalation_repeats: Option<i32>,
    /// How it is judged over time, all of it anew.
    pub judgement: Option<Judgement>,
}

/// A filter of alert rules. Empty means all.
#[derive(Debug, Clone, Default)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct AlertRuleFilter {
    /// The name of the rules, one for each metric at the most.
    pub name: Option<String>,
    /// Whether the rules are evaluated.
    pub is_enabled: Option<bool>,
    /// The metric that the rules watch.
    pub metric: Option<String>,
    /// The severity of the rules' alerts.
    pub severity: Option<AlertSeverity>,
    /// A channel by which the rules' alerts are told.
    pub channel: Option<NotificationChannel>,
}

/// The most rules of a business.
const MOST_RULES: i64 = 500;

/// The longest wait before an alert is passed on, in minutes: a week, after which an alert is passed on to nobody.
const LONGEST_DELAY: i32 = 10_080;

/// Insists that an alert is not passed on again and again at once, nor later than anybody would want to know.
fn must_be_spaced(delay_minutes: i32, repeats: i32) -> Result<()> {
    if delay_minutes > LONGEST_DELAY {
        return Err(Error::invalid("escalation_delay_minutes", format!("must be 0 to {LONGEST_DELAY}: a week at the most")));
    }
    if delay_minutes < 1 && repeats > 0 {
        return Err(Error::invalid("escalation_delay_minutes", "must be at least 1 where escalation_repeats is more than 0"));
    }
    Ok(())
}

/// A tenant's rules.
pub struct AlertRules<'a>(pub(super) Scope<'a>);

impl TenantTx<'_> {
    /// The tenant's rules.
    pub const fn alert_rules(&mut self) -> AlertRules<'_> {
        AlertRules(self.0.reborrow())
    }
}

fn filtered<'q, ST>(mut query: rules::BoxedQuery<'q, Pg, ST>, filter: &'q AlertRuleFilter) -> rules::BoxedQuery<'q, Pg, ST> {
    if let Some(name) = &filter.name {
        query = query.filter(rules::name.eq(name));
    }
    if let Some(enabled) = filter.is_enabled {
        query = query.filter(rules::is_enabled.eq(enabled));
    }
    if let Some(metric) = &filter.metric {
        query = query.filter(rules::metric.eq(metric));
    }
    if let Some(severity) = filter.severity {
        query = query.filter(rules::severity.eq(severity));
    }
    if let Some(channel) = filter.channel {
        query = query.filter(rules::notification_channels.contains(vec![channel]));
    }
    query
}

/// Each channel once, which also bounds their number.
fn each_once(channels: &[NotificationChannel]) -> Result<Vec<NotificationChannel>> {
    let mut once = Vec::new();
    for channel in channels {
        if once.contains(channel) {
            return Err(Error::invalid("notification_channels", "must not name a channel twice"));
        }
        once.push(*channel);
    }
    Ok(once)
}

impl AlertRules<'_> {
    /// The rule, if it is there.
    ///
    /// # Errors
    /// [`crate::Error::Unavailable`] or [`crate::Error::Internal`].
    pub fn find(&mut self, id: AlertRuleId) -> Result<Option<AlertRule>> {
        Ok(AlertRule::query()
            .filter(rules::tenant_id.eq(self.0.tenant))
            .filter(rules::id.eq(id))
            .first(self.0.conn)
            .optional()?)
    }

    /// The alert rule with this id.
    ///
    /// # Errors
    /// [`crate::Error::NotFound`].
    pub fn get(&mut self, id: AlertRuleId) -> Result<AlertRule> {
        found(self.find(id)?, "rule")
    }

    /// The rule of this name over this metric, if it is there.
    ///
    /// # Errors
    /// As [`Self::find`].
    pub fn find_by_name(&mut self, metric: &str, name: &str) -> Result<Option<AlertRule>> {
        Ok(AlertRule::query()
            .filter(rules::tenant_id.eq(self.0.tenant))
            .filter(rules::metric.eq(metric))
            .filter(rules::name.eq(name))
            .first(self.0.conn)
            .optional()?)
    }

    /// A page of rules, newest first.
    ///
    /// # Errors
    /// As [`Self::find`].
    pub fn list(&mut self, filter: &AlertRuleFilter, page: PageRequest) -> Result<Page<AlertRule>> {
        let query = filtered(AlertRule::query().filter(rules::tenant_id.eq(self.0.tenant)).into_boxed(), filter);
        let rows = keyset(query, page, rules::created_at, rules::id).load(self.0.conn)?;
        Ok(Page::from_rows(rows, page, |row: &AlertRule| Cursor { at: row.created_at, id: row.id.uuid() }))
    }

    /// The number of rules that a filter finds.
    ///
    /// # Errors
    /// As [`Self::find`].
    pub fn count(&mut self, filter: &AlertRuleFilter) -> Result<i64> {
        let query = rules::table.filter(rules::tenant_id.eq(self.0.tenant)).count();
        Ok(filtered(query.into_boxed(), filter).get_result(self.0.conn)?)
    }

    /// Adds a rule.
    ///
    /// # Errors
    /// [`crate::Error::Conflict`] when the metric has a rule of that name, or the business 500 rules; [`crate::Error::Invalid`] on a broken
    /// rule.
    pub fn create(&mut self, new: &NewAlertRule) -> Result<AlertRule> {
        must_be_spaced(new.escalation_delay_minutes, new.escalation_repeats)?;
        // Two that count at once must not both find room for the last.
        self.0.tx().tenants().lock()?;
        if self.count(&AlertRuleFilter::default())? >= MOST_RULES {
            return Err(Error::conflict("alert_rules", "are 500 already, the most that a business has"));
        }
        let id = AlertRuleId::new(self.0.moment.id());
        Ok(diesel::insert_into(rules::table)
            .values((
                rules::name.eq(named("name", &new.name, 255)?),
                rules::description.eq(optional("description", new.description.as_deref(), 2_000)?),
                rules::metric.eq(watched(&new.metric)?),
                rules::operator.eq(new.operator),
                rules::threshold.eq(bounds::METRIC.exact("threshold", new.threshold)?),
                rules::severity.eq(new.severity),
                rules::is_enabled.eq(new.is_enabled),
                rules::notification_channels.eq(each_once(&new.notification_channels)?),
                rules::escalation_enabled.eq(new.escalation_enabled),
                rules::escalation_delay_minutes.eq(new.escalation_delay_minutes),
                rules::escalation_repeats.eq(new.escalation_repeats),
                new.judgement.checked()?,
                stamped!(rules, self.0, id),
            ))
            .returning(AlertRule::as_returning())
            .get_result(self.0.conn)?)
    }

    /// Changes a rule.
    ///
    /// # Errors
    /// [`crate::Error::NotFound`]; [`crate::Error::Conflict`] also when the metric would change while an alert of this rule is
    /// open; otherwise as [`Self::create`].
    pub fn update(&mut self, id: AlertRuleId, patch: &AlertRulePatch) -> Result<AlertRule> {
        let name = patch.name.as_deref().map(|name| named("name", name, 255)).transpose()?;
        let metric = patch.metric.as_deref().map(watched).transpose()?;
        let threshold = patch.threshold.map(|value| bounds::METRIC.exact("threshold", value)).transpose()?;
        let judgement = patch.judgement.as_ref().map(Judgement::checked).transpose()?;
        let channels = patch.notification_channels.as_deref().map(each_once).transpose()?;
        let before = self.lock(id)?;
        if patch.escalation_delay_minutes.is_some() || patch.escalation_repeats.is_some() {
            must_be_spaced(
                patch.escalation_delay_minutes.unwrap_or(before.escalation_delay_minutes),
                patch.escalation_repeats.unwrap_or(before.escalation_repeats),
            )?;
        }
        let is_other_metric = metric.as_ref().is_some_and(|metric| *metric != before.metric);
        if is_other_metric && self.has_open_alert(id)? {
            return Err(Error::conflict("metric", "can't change while an alert of this rule is open"));
        }
        let judges_otherwise = is_other_metric
            || patch.operator.is_some_and(|operator| operator != before.operator)
            || threshold.is_some_and(|threshold| threshold != before.threshold)
            || judgement.as_ref().is_some_and(|judgement| *judgement != before.judgement);
        let row = diesel::update(rules::table)
            .filter(rules::tenant_id.eq(self.0.tenant))
            .filter(rules::id.eq(id))
            .set((
                name.map(|value| rules::name.eq(value)),
                patch.description.text("description", 2_000)?.map(|value| rules::description.eq(value)),
                metric.map(|value| rules::metric.eq(value)),
                patch.operator.map(|value| rules::operator.eq(value)),
                threshold.map(|value| rules::threshold.eq(value)),
                patch.severity.map(|value| rules::severity.eq(value)),
                patch.is_enabled.map(|value| rules::is_enabled.eq(value)),
                channels.map(|value| rules::notification_channels.eq(value)),
                patch.escalation_enabled.map(|value| rules::escalation_enabled.eq(value)),
                patch.escalation_delay_minutes.map(|value| rules::escalation_delay_minutes.eq(value)),
                patch.escalation_repeats.map(|value| rules::escalation_repeats.eq(value)),
                judgement,
                judges_otherwise.then(|| rules::judgement_changed_at.eq(self.0.now())),
                rules::updated_at.eq(self.0.now()),
            ))
            .returning(AlertRule::as_returning())
            .get_result(self.0.conn)
            .optional()?;
        let row: AlertRule = found(row, "rule")?;
        if is_other_metric {
            self.forget(id)?;
        } else if row.is_enabled && !before.is_enabled {
            self.forget_if_overtaken(&row)?;
        }
        Ok(row)
    }

    /// Locks a rule until the transaction ends, so that what is decided from it still holds when it is written.
    ///
    /// # Errors
    /// [`crate::Error::NotFound`].
    pub fn lock(&mut self, id: AlertRuleId) -> Result<AlertRule> {
        let row = AlertRule::query()
            .filter(rules::tenant_id.eq(self.0.tenant))
            .filter(rules::id.eq(id))
            .for_update()
            .first(self.0.conn)
            .optional()?;
        let row: AlertRule = found(row, "rule")?;
        self.0.moment.come_after(row.updated_at);
        Ok(row)
    }

    /// Removes a rule and, with it, all its alerts, their history and notifications, and its contacts. To keep them, disable
    /// it.
    ///
    /// # Errors
    /// [`crate::Error::NotFound`].
    pub fn delete(&mut self, id: AlertRuleId, _: Confirmed) -> Result<()> {
        let rows = diesel::delete(rules::table)
            .filter(rules::tenant_id.eq(self.0.tenant))
            .filter(rules::id.eq(id))
            .execute(self.0.conn)?;
        touched_one(rows, "rule")
    }

    /// Whether an alert of the rule is open. Who raises one locks the rule first, so under the rule's lock this stays.
    fn has_open_alert(&mut self, id: AlertRuleId) -> Result<bool> {
        let open = alerts::table
            .filter(alerts::tenant_id.eq(self.0.tenant))
            .filter(alerts::rule_id.eq(id))
            .filter(alerts::status.ne(AlertStatus::Resolved));
        Ok(diesel::select(diesel::dsl::exists(open)).get_result(self.0.conn)?)
    }

    /// Locks an enabled rule, so that alerts of it are raised one after another and it stays as it is.
    pub(super) fn lock_enabled(&mut self, id: AlertRuleId) -> Result<AlertRule> {
        let row = AlertRule::query()
            .filter(rules::tenant_id.eq(self.0.tenant))
            .filter(rules::id.eq(id))
            .for_no_key_update()
            .first(self.0.conn)
            .optional()?;
        let rule: AlertRule = found(row, "rule")?;
        self.0.moment.come_after(rule.updated_at);
        if rule.is_enabled { Ok(rule) } else { Err(Error::conflict("rule_id", "is disabled")) }
    }
}
