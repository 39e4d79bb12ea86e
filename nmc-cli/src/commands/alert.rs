//! `nmc alert`.

use super::alert_contact::{self, ContactCommand};
use super::alert_list::{self, ListArgs};
use super::alert_measure::{self, MeasureArgs, MeasurementsArgs};
use super::alert_rule::{self, RuleCommand};
use super::alert_show::{self, AlertArgs};
use super::alert_simulate::{self, SimulateArgs};
use super::user::{self, UserKey};
use crate::database::{Database, business, tenant};
use crate::error::CliResult;
use crate::options::alert::AlertKey;
use crate::options::moment::Moment;
use crate::options::rule::RuleKey;
use crate::options::{DatabaseArgs, FormatArg, TenantArg};
use chrono::TimeDelta;
use clap::{Args, Subcommand};
use nmc_core::access::Permission;
use nmc_core::alerts::Alert;
use nmc_core::{AlertId, Result, Store, TenantTx, When};
use std::process::ExitCode;

#[derive(Subcommand)]
pub(crate) enum AlertCommand {
    #[command(flatten)]
    OfBusiness(OfBusiness),
    /// List the metrics that nmc measures by itself
    Metrics(FormatArg),
}

/// What is done with the alerts of a business.
#[derive(Subcommand)]
pub(crate) enum OfBusiness {
    /// List the alerts of a business, newest first
    List(Box<ListArgs>),
    /// Show an alert: what happened to it, and who was told
    Show(AlertArgs),
    /// Take note of an alert: it is not passed on any more, and stays open
    Ack(SeeToArgs),
    /// Put an alert off; it wakes by itself
    Snooze {
        #[command(flatten)]
        see_to: SeeToArgs,
        #[command(flatten)]
        end: SnoozeEnd,
    },
    /// End a snooze before its time: the alert is triggered again
    Wake {
        #[command(flatten)]
        target: AlertArgs,
        /// Who does this: their id or their e-mail
        #[arg(long, value_name = "ID|EMAIL")]
        by: UserKey,
    },
    /// Say that an alert's matter is settled
    Resolve(SeeToArgs),
    /// Rules that raise alerts
    #[command(subcommand)]
    Rule(RuleCommand),
    /// Who hears of an alert that nobody sees to
    #[command(subcommand)]
    Contact(ContactCommand),
    /// Send a test to whoever hears of a rule's alerts
    Test {
        #[command(flatten)]
        tenant: TenantArg,
        /// The rule, by its id or its exact name
        #[arg(value_name = "ID|NAME")]
        rule: RuleKey,
        #[command(flatten)]
        format: FormatArg,
    },
    /// Replay what was measured, of the last 24 hours or another span: when the rule would have raised alerts
    Simulate(Box<SimulateArgs>),
    /// Report a value of a metric of your own, or a file of values, for rules to watch
    Measure(MeasureArgs),
    /// List what was measured, newest first
    Measurements(MeasurementsArgs),
}

/// Which alert, who sees to it, and what they say.
#[derive(Args)]
pub(crate) struct SeeToArgs {
    #[command(flatten)]
    target: AlertArgs,
    /// Who does this: their id or their e-mail
    #[arg(long, value_name = "ID|EMAIL")]
    by: UserKey,
    /// What they say to it, up to 2,000 characters
    #[arg(long, value_name = "TEXT")]
    note: Option<String>,
}

/// When an alert wakes: one of both must be said.
#[derive(Args)]
#[group(required = true, multiple = false)]
pub(crate) struct SnoozeEnd {
    /// Until this time, or the end of this day, on the clock of the business: "2026-11-29 08:30"
    #[arg(long, value_name = "TIME")]
    until: Option<Moment>,
    /// For so many minutes
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(i64).range(1..=525_600))]
    minutes: Option<i64>,
}

pub(crate) fn run(args: &DatabaseArgs, command: AlertCommand) -> CliResult {
    let command = match command {
        AlertCommand::OfBusiness(command) => command,
        AlertCommand::Metrics(format) => {
            alert_measure::metrics(format)?;
            return Ok(ExitCode::SUCCESS);
        }
    };
    let database = Database::open(args)?;
    let store = database.store()?;
    dispatch(args, &store, command)?;
    drop(store);
    database.close()?;
    Ok(ExitCode::SUCCESS)
}

fn dispatch(args: &DatabaseArgs, store: &Store, command: OfBusiness) -> CliResult<()> {
    match command {
        OfBusiness::List(list) => alert_list::run(store, &list),
        OfBusiness::Show(shown) => alert_show::run(store, &shown),
        OfBusiness::Ack(args) => see_to(store, &args, |tx, alert| tx.alerts().acknowledge(alert, args.note.as_deref())),
        OfBusiness::Snooze { see_to: args, end } => {
            let (_, zone) = business(store, &args.target.tenant.tenant)?;
            // One of both is there.
            let minutes = When::In(TimeDelta::minutes(end.minutes.unwrap_or_default()));
            let until = end.until.map_or(minutes, |until| When::At(until.end(zone)));
            see_to(store, &args, |tx, alert| tx.alerts().snooze(alert, until, args.note.as_deref()))
        }
        OfBusiness::Wake { target, by } => {
            see_to(store, &SeeToArgs { target, by, note: None }, |tx, alert| tx.alerts().wake(alert))
        }
        OfBusiness::Resolve(args) => see_to(store, &args, |tx, alert| tx.alerts().resolve(alert, args.note.as_deref())),
        OfBusiness::Rule(command) => alert_rule::run(store, command),
        OfBusiness::Test { tenant: key, rule, format } => {
            let proof = tenant(store, &key.tenant)?;
            let (alert, _) = store.as_operator(&proof, |tx| {
                let rule = rule.get(tx)?.id;
                tx.alerts().test(rule)
            })?;
            let target = AlertArgs { tenant: key, alert: AlertKey::Id(alert.id), format };
            alert_show::run(store, &target)
        }
        OfBusiness::Simulate(args) => alert_simulate::run(store, &args),
        OfBusiness::Measure(args) => alert_measure::run(store, &args),
        OfBusiness::Measurements(args) => alert_measure::list(store, &args),
        OfBusiness::Contact(command) => alert_contact::run(args, store, command),
    }
}

/// Does one thing with an alert on behalf of whoever sees to it, and prints the alert.
fn see_to(store: &Store, args: &SeeToArgs, work: impl Fn(&mut TenantTx<'_>, AlertId) -> Result<Alert>) -> CliResult<()> {
    let proof = tenant(store, &args.target.tenant.tenant)?;
    let (user, alert) = store.as_operator(&proof, |tx| Ok((user::get(tx, &args.by)?.id, args.target.alert.find(tx)?)))?;
    let renamed = [
        ("snoozed_until", "--until"),
        ("acknowledgment_note", "--note"),
        ("snooze_note", "--note"),
        ("resolution_note", "--note"),
    ];
    let seen = store.tenant_on_behalf_of(&proof, user, |tx| {
        tx.must(Permission::AlertsWrite)?;
        work(tx, alert)
    });
    let row = seen.map_err(|error| error.renamed(&renamed))?;
    alert_list::COLUMNS.one(args.target.format.format, &row)
}
