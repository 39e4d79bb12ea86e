//! `nmc alert list`, and how an alert is printed as one row.

use crate::database::business;
use crate::error::CliResult;
use crate::options::moment::SpanArgs;
use crate::options::rule::RuleKey;
use crate::options::{PageArgs, TenantArg, one_of};
use crate::output::{Columns, Kept, time};
use clap::Args;
use nmc_core::alerts::{Alert, AlertFilter};
use nmc_core::{AlertSeverity, AlertStatus, Store};
use rust_decimal::Decimal;
use serde_json::{Value, json};

/// The name of the list, which its cursors bear.
const LIST: &str = "alerts";

/// Which alerts.
#[derive(Args)]
pub(crate) struct ListArgs {
    #[command(flatten)]
    tenant: TenantArg,
    /// Only those in this status
    #[arg(long, value_parser = one_of(AlertStatus::ALL, AlertStatus::label))]
    status: Option<AlertStatus>,
    /// Only those that are open: all but the resolved ones
    #[arg(long, conflicts_with = "status")]
    open: bool,
    /// Only those that want attention now: triggered, acknowledged or escalated
    #[arg(long, conflicts_with = "status")]
    active: bool,
    /// Only those over this metric
    #[arg(long, value_name = "METRIC")]
    metric: Option<String>,
    /// Leave out tests of who is told
    #[arg(long)]
    no_tests: bool,
    /// Only those of this severity
    #[arg(long, value_parser = one_of(AlertSeverity::ALL, AlertSeverity::label))]
    severity: Option<AlertSeverity>,
    /// Only those of this rule, by its id or its exact name
    #[arg(long, value_name = "ID|NAME")]
    rule: Option<RuleKey>,
    #[command(flatten)]
    span: SpanArgs,
    #[command(flatten)]
    page: PageArgs,
}

pub(super) const COLUMNS: Columns<Alert> = Columns(&[
    ("id", |row| json!(row.id)),
    ("created_at", |row| time(row.created_at)),
    ("severity", |row| json!(row.severity)),
    ("status", |row| json!(row.status)),
    ("message", |row| json!(row.message)),
    ("rule", |row| json!(row.rule_name)),
    ("metric", |row| json!(row.metric)),
    ("metric_value", measured),
    ("operator", |row| json!(row.operator)),
    ("threshold", |row| figure(row.threshold)),
    ("escalation_level", |row| json!(row.escalation_level)),
    ("acknowledged_at", |row| json!(row.acknowledged_at.map(time))),
    ("snoozed_until", |row| json!(row.snoozed_until.map(time))),
    ("resolved_at", |row| json!(row.resolved_at.map(time))),
    ("auto_resolved", |row| json!(row.auto_resolved)),
    ("rule_id", |row| json!(row.rule_id)),
    ("is_test", |row| json!(row.is_test)),
]);

pub(super) const KEPT: Kept = &["id", "message", "severity", "status", "created_at"];

/// The value over which an alert was raised. A test has measured nothing.
pub(super) fn measured(row: &Alert) -> Value {
    if row.is_test { Value::Null } else { figure(row.metric_value) }
}

/// A figure as people write it: without the zeros at its end.
pub(super) fn figure(value: Decimal) -> Value {
    json!(value.normalize().to_string())
}

pub(super) fn run(store: &Store, args: &ListArgs) -> CliResult<()> {
    let (tenant, zone) = business(store, &args.tenant.tenant)?;
    let page = args.page.of(LIST)?;
    let span = args.span.instants(zone)?;
    let rows = store.as_operator(&tenant, |tx| {
        let filter = AlertFilter {
            status: args.status,
            open: args.open.then_some(true),
            active: args.active.then_some(true),
            metric: args.metric.clone(),
            is_test: args.no_tests.then_some(false),
            severity: args.severity,
            rule: args.rule.as_ref().map(|key| key.get(tx)).transpose()?.map(|rule| rule.id),
            from: span.from,
            until: span.until,
            ..AlertFilter::default()
        };
        tx.alerts().list(&filter, page)
    })?;
    COLUMNS.page_keeping(KEPT, LIST, args.page.format.format, &rows)
}
