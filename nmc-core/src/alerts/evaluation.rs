//! Evaluation: each enabled rule against the latest value of its metric. Where the condition holds an alert is raised; where
//! it no longer does, the open alert settles itself.
//!
//! A rule whose metric has no value is left as it is, and so is a snoozed alert: it wakes first. An open alert is judged by
//! its rule as the rule is now, whose metric is still the one it was raised over: that can't change while it is open.

use super::rule::AlertRule;
use crate::store::TenantTx;
use crate::{AlertId, AlertRuleId, AlertStatus, Result};
use rust_decimal::Decimal;
use std::collections::{BTreeSet, HashMap};

/// How many rules are evaluated with the same few statements.
const PAGE: i64 = 200;

/// The result of an evaluation of rules.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[cfg_attr(not(feature = "testing"), non_exhaustive)]
pub struct Evaluation {
    /// How many rules were compared with a value.
    pub compared: usize,
    /// The alerts that the evaluation raised.
    pub raised: Vec<AlertId>,
    /// The alerts that settled themselves.
    pub resolved: Vec<AlertId>,
}

/// Evaluates one rule.
///
/// # Errors
/// [`crate::Error::NotFound`]; [`crate::Error::Conflict`] when the rule is disabled.
pub fn evaluate(tx: &mut TenantTx<'_>, rule: AlertRuleId) -> Result<Evaluation> {
    let rule = tx.alert_rules().lock_enabled(rule)?;
    let mut outcome = Evaluation::default();
    evaluate_held(tx, &[rule], &mut outcome)?;
    Ok(outcome)
}

/// Evaluates the tenant's enabled rules, 200 at a time, each time with seven statements at the most.
///
/// # Errors
/// [`crate::Error::Unavailable`] or [`crate::Error::Internal`].
pub fn evaluate_all(tx: &mut TenantTx<'_>) -> Result<Evaluation> {
    let mut outcome = Evaluation::default();
    let mut last = None;
    loop {
        let rules = tx.alert_rules().hold_enabled(last, PAGE)?;
        evaluate_held(tx, &rules, &mut outcome)?;
        match rules.last() {
            Some(rule) if usize::try_from(PAGE) == Ok(rules.len()) => last = Some(rule.id),
            _ => return Ok(outcome),
        }
    }
}

/// Evaluates rules that stay as they are until the transaction ends.
fn evaluate_held(tx: &mut TenantTx<'_>, rules: &[AlertRule], outcome: &mut Evaluation) -> Result<()> {
    let metrics: BTreeSet<&str> = rules.iter().map(|rule| rule.metric.as_str()).collect();
    if metrics.is_empty() {
        return Ok(());
    }
    let latest = tx.measurements().latest_of(&metrics.into_iter().collect::<Vec<_>>())?;
    let values: HashMap<&str, Decimal> = latest.iter().map(|row| (row.metric_name.as_str(), row.metric_value)).collect();
    let compared: Vec<(&AlertRule, Decimal)> =
        rules.iter().filter_map(|rule| values.get(rule.metric.as_str()).map(|value| (rule, *value))).collect();
    if compared.is_empty() {
        return Ok(());
    }
    let mut alerts = tx.alerts();
    let ids: Vec<AlertRuleId> = compared.iter().map(|(rule, _)| rule.id).collect();
    let open = alerts.lock_open_of(&ids)?;
    let open: HashMap<AlertRuleId, _> = open.iter().map(|alert| (alert.rule_id, alert)).collect();
    let (mut new, mut settled) = (Vec::new(), Vec::new());
    for (rule, value) in &compared {
        match (rule.holds(*value), open.get(&rule.id)) {
            (true, None) => new.push((*rule, *value, None)),
            (false, Some(alert)) if alert.status != AlertStatus::Snoozed => settled.push((*alert, *value)),
            _ => {}
        }
    }
    outcome.compared += compared.len();
    outcome.raised.extend(alerts.raise_unless_open(&new)?.iter().map(|alert| alert.id));
    outcome.resolved.extend(alerts.auto_resolve_all(&settled)?);
    Ok(())
}
