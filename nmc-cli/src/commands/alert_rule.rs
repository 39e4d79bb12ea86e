//! `nmc alert rule`.

use super::alert_list::figure;
use crate::confirm::confirmed;
use crate::database::tenant;
use crate::error::CliResult;
use crate::options::judgement::{JudgementArgs, TERMS, number};
use crate::options::length::minutes;
use crate::options::rule::RuleKey;
use crate::options::{Format, FormatArg, PageArgs, TenantArg, one_of};
use crate::output::{Columns, Kept, time};
use clap::{ArgGroup, Args, Subcommand};
use nmc_core::alerts::{AlertRule, AlertRuleFilter, AlertRulePatch, Judgement, NewAlertRule};
use nmc_core::{AlertOperator, AlertSeverity, Confirmed, Error, NotificationChannel, Patch, Store, Tenant};
use rust_decimal::Decimal;
use serde_json::json;

/// The name of the list, which its cursors bear.
const LIST: &str = "alert rules";

#[derive(Subcommand)]
pub(crate) enum RuleCommand {
    /// List the rules of a business, newest first
    List {
        #[command(flatten)]
        tenant: TenantArg,
        /// Only those over this metric
        #[arg(long, value_name = "METRIC")]
        metric: Option<String>,
        /// Only those whose alerts have this severity
        #[arg(long, value_parser = one_of(AlertSeverity::ALL, AlertSeverity::label))]
        severity: Option<AlertSeverity>,
        /// Only those whose alerts are told by this channel
        #[arg(long, value_parser = one_of(NotificationChannel::ALL, NotificationChannel::label))]
        channel: Option<NotificationChannel>,
        /// Only those that are switched on, or off
        #[arg(long, value_name = "true|false")]
        enabled: Option<bool>,
        #[command(flatten)]
        page: PageArgs,
    },
    /// Show a rule
    Show(RuleArgs),
    /// Add a rule
    Add(Box<AddArgs>),
    /// Change a rule; an alert that is open is judged by the rule as it is then
    Set(Box<SetArgs>),
    /// Switch a rule on
    Enable(RuleArgs),
    /// Switch a rule off; an alert of it that is open stays open
    Disable(RuleArgs),
    /// Remove a rule, its alerts and all that is known of them, and its contacts
    Remove {
        #[command(flatten)]
        target: RuleArgs,
        /// Don't ask
        #[arg(long, short)]
        yes: bool,
    },
    /// Add the rules that a new business begins with, but for those that it has
    Defaults {
        #[command(flatten)]
        tenant: TenantArg,
        #[command(flatten)]
        format: FormatArg,
    },
}

/// Which rule of which business.
#[derive(Args)]
pub(crate) struct RuleArgs {
    #[command(flatten)]
    tenant: TenantArg,
    /// The rule's id or its exact name
    #[arg(value_name = "ID|NAME")]
    rule: RuleKey,
    #[command(flatten)]
    format: FormatArg,
}

/// What a rule says besides what it compares.
#[derive(Args)]
struct DetailArgs {
    /// What it is for, up to 2,000 characters; "" takes it away
    #[arg(long, value_name = "TEXT")]
    description: Option<String>,
    /// How its alerts are told, like email,dashboard; a new rule tells nobody unless it says so here
    #[arg(long = "channel", value_name = "CHANNELS", value_delimiter = ',', value_parser = one_of(NotificationChannel::ALL, NotificationChannel::label), conflicts_with = "no_channels")]
    channels: Option<Vec<NotificationChannel>>,
    /// Its alerts are told nowhere
    #[arg(long)]
    no_channels: bool,
    /// Whether an alert that nobody sees to is passed on to the contacts [default of a new rule: false]
    #[arg(long, value_name = "true|false")]
    escalate: Option<bool>,
    /// How long an alert waits before it is passed on, and before each further time, in whole minutes, like 30m; it is looked at once a minute, so up to a minute later [default of a new rule: 30m]
    #[arg(long, value_name = "LENGTH", allow_hyphen_values = true, value_parser = minutes)]
    escalate_after: Option<i32>,
    /// How often the highest level hears of an alert once more, 0 to 100 [default of a new rule: 0]
    #[arg(long, value_name = "N", allow_negative_numbers = true, value_parser = clap::value_parser!(i32).range(0..=100))]
    escalation_repeats: Option<i32>,
    #[command(flatten)]
    judgement: JudgementArgs,
}

/// A rule to add.
#[derive(Args)]
pub(crate) struct AddArgs {
    #[command(flatten)]
    tenant: TenantArg,
    /// Its name, which no other rule over the metric has
    #[arg(long)]
    name: String,
    /// What it watches: one of nmc alert metrics, or one that you report with nmc alert measure
    #[arg(long)]
    metric: String,
    /// How the value compares with the threshold
    #[arg(long, value_parser = one_of(AlertOperator::ALL, AlertOperator::label))]
    operator: AlertOperator,
    /// What it is compared with, in the metric's unit
    #[arg(long, value_name = "VALUE", allow_negative_numbers = true, value_parser = number)]
    threshold: Decimal,
    /// How bad its alerts are
    #[arg(long, value_parser = one_of(AlertSeverity::ALL, AlertSeverity::label))]
    severity: AlertSeverity,
    /// Add it switched off
    #[arg(long)]
    disabled: bool,
    #[command(flatten)]
    details: DetailArgs,
    #[command(flatten)]
    format: FormatArg,
}

/// Changes of a rule; what is not named stays.
#[derive(Args)]
#[command(group = ArgGroup::new("changes").required(true).multiple(true).args(CHANGES).args(TERMS))]
pub(crate) struct SetArgs {
    #[command(flatten)]
    target: RuleArgs,
    /// Its name, which no other rule over the metric has
    #[arg(long)]
    name: Option<String>,
    /// What it watches; stays as it is while an alert is open
    #[arg(long)]
    metric: Option<String>,
    /// How the value compares with the threshold
    #[arg(long, value_parser = one_of(AlertOperator::ALL, AlertOperator::label))]
    operator: Option<AlertOperator>,
    /// What it is compared with, in the metric's unit
    #[arg(long, value_name = "VALUE", allow_negative_numbers = true, value_parser = number)]
    threshold: Option<Decimal>,
    /// How bad its alerts are
    #[arg(long, value_parser = one_of(AlertSeverity::ALL, AlertSeverity::label))]
    severity: Option<AlertSeverity>,
    #[command(flatten)]
    details: DetailArgs,
}

/// The options of which, or of the terms, at least one must be named.
const CHANGES: [&str; 11] = [
    "name",
    "metric",
    "operator",
    "threshold",
    "severity",
    "description",
    "channels",
    "no_channels",
    "escalate",
    "escalate_after",
    "escalation_repeats",
];

pub(super) const COLUMNS: Columns<AlertRule> = Columns(&[
    ("id", |row| json!(row.id)),
    ("name", |row| json!(row.name)),
    ("metric", |row| json!(row.metric)),
    ("operator", |row| json!(row.operator)),
    ("threshold", |row| figure(row.threshold)),
    ("severity", |row| json!(row.severity)),
    ("is_enabled", |row| json!(row.is_enabled)),
    ("channels", |row| json!(row.notification_channels)),
    ("pending_seconds", |row| json!(row.judgement.pending_seconds)),
    ("recovery_threshold", |row| json!(row.judgement.recovery_threshold.map(figure))),
    ("keep_firing_seconds", |row| json!(row.judgement.keep_firing_seconds)),
    ("no_data_policy", |row| json!(row.judgement.no_data_policy)),
    ("no_data_seconds", |row| json!(row.judgement.no_data_seconds)),
    ("flap_changes", |row| json!(row.judgement.flap_changes)),
    ("flap_seconds", |row| json!(row.judgement.flap_seconds)),
    ("only_when_open", |row| json!(row.judgement.only_when_open)),
    ("escalation_enabled", |row| json!(row.escalation_enabled)),
    ("escalation_delay_minutes", |row| json!(row.escalation_delay_minutes)),
    ("escalation_repeats", |row| json!(row.escalation_repeats)),
    ("description", |row| json!(row.description)),
    ("created_at", |row| time(row.created_at)),
    ("updated_at", |row| time(row.updated_at)),
]);

const KEPT: Kept = &["id", "name", "metric", "operator", "threshold", "is_enabled", "severity"];

pub(super) fn run(store: &Store, command: RuleCommand) -> CliResult<()> {
    match command {
        RuleCommand::List { tenant: key, metric, severity, channel, enabled, page } => {
            let proof = tenant(store, &key.tenant)?;
            let request = page.of(LIST)?;
            let filter = AlertRuleFilter { name: None, is_enabled: enabled, metric, severity, channel };
            let rows = store.as_operator(&proof, |tx| tx.alert_rules().list(&filter, request))?;
            COLUMNS.page_keeping(KEPT, LIST, page.format.format, &rows)
        }
        RuleCommand::Show(args) => {
            let proof = tenant(store, &args.tenant.tenant)?;
            let row = store.as_operator(&proof, |tx| args.rule.get(tx))?;
            COLUMNS.one(args.format.format, &row)
        }
        RuleCommand::Add(args) => add(store, *args),
        RuleCommand::Set(args) => set(store, *args),
        RuleCommand::Enable(args) => set_enabled(store, &args, true),
        RuleCommand::Disable(args) => set_enabled(store, &args, false),
        RuleCommand::Remove { target: args, yes } => {
            let proof = tenant(store, &args.tenant.tenant)?;
            let row = store.as_operator(&proof, |tx| args.rule.get(tx))?;
            let what =
                format!("This removes the rule {}, its alerts with their history and notifications, and its contacts", row.name);
            drop(confirmed(yes, &what)?);
            // Run again, it needs another one.
            store.as_operator(&proof, |tx| tx.alert_rules().delete(row.id, Confirmed::irrevocably()))?;
            COLUMNS.one(args.format.format, &row)
        }
        RuleCommand::Defaults { tenant: key, format } => {
            let proof = tenant(store, &key.tenant)?;
            let items = store.as_operator(&proof, |tx| tx.add_default_alert_rules())?;
            if items.is_empty() {
                eprintln!("it has them all");
            }
            COLUMNS.all_keeping(KEPT, format.format, &items)
        }
    }
}

fn add(store: &Store, args: AddArgs) -> CliResult<()> {
    let details = args.details;
    let new = NewAlertRule::new(args.name, args.metric, args.operator, args.threshold, args.severity);
    let new = NewAlertRule {
        description: details.description,
        is_enabled: !args.disabled,
        notification_channels: details.channels.unwrap_or_default(),
        escalation_enabled: details.escalate.unwrap_or(new.escalation_enabled),
        escalation_delay_minutes: details.escalate_after.unwrap_or(new.escalation_delay_minutes),
        escalation_repeats: details.escalation_repeats.unwrap_or(new.escalation_repeats),
        judgement: details.judgement.change(&Judgement::default()).unwrap_or_default(),
        ..new
    };
    let proof = tenant(store, &args.tenant.tenant)?;
    let row = store.as_operator(&proof, |tx| tx.alert_rules().create(&new)).map_err(of_flag)?;
    print(store, &proof, args.format.format, &row)
}

fn set(store: &Store, args: SetArgs) -> CliResult<()> {
    let details = args.details;
    let patch = AlertRulePatch {
        name: args.name,
        description: match details.description {
            None => Patch::Keep,
            Some(text) if text.is_empty() => Patch::Clear,
            Some(text) => Patch::Set(text),
        },
        metric: args.metric,
        operator: args.operator,
        threshold: args.threshold,
        severity: args.severity,
        notification_channels: details.no_channels.then(Vec::new).or(details.channels),
        escalation_enabled: details.escalate,
        escalation_delay_minutes: details.escalate_after,
        escalation_repeats: details.escalation_repeats,
        ..AlertRulePatch::default()
    };
    let proof = tenant(store, &args.target.tenant.tenant)?;
    let row = store.as_operator(&proof, |tx| {
        let before = args.target.rule.get(tx)?;
        let patch = AlertRulePatch { judgement: details.judgement.change(&before.judgement), ..patch.clone() };
        tx.alert_rules().update(before.id, &patch)
    });
    print(store, &proof, args.target.format.format, &row.map_err(of_flag)?)
}

fn set_enabled(store: &Store, args: &RuleArgs, is_enabled: bool) -> CliResult<()> {
    let proof = tenant(store, &args.tenant.tenant)?;
    let patch = AlertRulePatch { is_enabled: Some(is_enabled), ..AlertRulePatch::default() };
    let row = store.as_operator(&proof, |tx| {
        let rule = args.rule.get(tx)?;
        tx.alert_rules().update(rule.id, &patch)
    })?;
    print(store, &proof, args.format.format, &row)
}

/// Prints a rule that was written, and says what keeps its alerts from being heard of.
fn print(store: &Store, proof: &Tenant, format: Format, row: &AlertRule) -> CliResult<()> {
    COLUMNS.one(format, row)?;
    let warnings = store.as_operator(proof, |tx| tx.alert_rule_warnings(row.id))?;
    for warning in warnings {
        eprintln!("{warning}");
    }
    Ok(())
}

/// A refusal of a column, as one of the option that was typed.
pub(super) fn of_flag(error: Error) -> Error {
    error.renamed(&[
        ("name", "--name"),
        ("description", "--description"),
        ("metric", "--metric"),
        ("threshold", "--threshold"),
        ("notification_channels", "--channel"),
        ("recovery_threshold", "--recover-at"),
    ])
}
