//! `nmc alert simulate`: what a rule would have made of what was measured.

use super::alert_list::figure;
use super::alert_rule::{self, of_flag};
use crate::database::business;
use crate::error::{CliError, CliResult};
use crate::options::judgement::{JudgementArgs, number};
use crate::options::moment::SpanArgs;
use crate::options::rule::RuleKey;
use crate::options::{Format, FormatArg, TenantArg, one_of};
use crate::output::{Columns, Letters, Plot, end_on_clock, plain, terminal_width, time, write_json};
use chrono::{DateTime, DurationRound as _, TimeDelta, Utc};
use clap::{Arg, Args};
use nmc_core::alerts::{AlertMove, AlertRule, MeasurementFilter, NewAlertRule, Sample, TimelineEntry, timeline};
use nmc_core::{AlertOperator, AlertSeverity, Error, PageRequest, Result, Store, Tenant, TenantTx, Timezone};
use rust_decimal::Decimal;
use serde_json::{Value, json};
use std::io::Write as _;

/// The time from one evaluation to the next, as the rounds of a worker have it.
const EVERY: TimeDelta = TimeDelta::minutes(1);

/// How far back is looked where nobody says.
const BY_DEFAULT: TimeDelta = TimeDelta::hours(24);

/// The longest span.
const LONGEST: TimeDelta = TimeDelta::days(31);

/// The most gaps that people are told of, the first ones.
const MOST_GAPS: usize = 5;

/// The most values that are replayed.
const MOST_VALUES: usize = 50_000;

/// The help of a term: what is not named is the rule's here, and a new rule's where there is none.
fn of_the_rule(arg: Arg) -> Arg {
    let help = arg.get_help().map(ToString::to_string).unwrap_or_default();
    match help.split_once(" [default of a new rule") {
        Some((what, new)) => arg.help(format!("{what} [default: the rule's; with --metric{new}")),
        None => arg,
    }
}

/// Which rule, and of which time.
#[derive(Args)]
#[command(mut_args(of_the_rule))]
pub(crate) struct SimulateArgs {
    #[command(flatten)]
    tenant: TenantArg,
    /// The rule, by its id or its exact name; without one, say with --metric what a new one would watch
    #[arg(long, value_name = "ID|NAME", required_unless_present = "metric")]
    rule: Option<RuleKey>,
    /// What a rule that is kept nowhere watches
    #[arg(long, conflicts_with = "rule", requires_all = ["operator", "threshold"])]
    metric: Option<String>,
    /// How the value compares with the threshold [default: the rule's]
    #[arg(long, value_parser = one_of(AlertOperator::ALL, AlertOperator::label))]
    operator: Option<AlertOperator>,
    #[command(flatten)]
    span: SpanArgs,
    /// What it is compared with [default: the rule's]
    #[arg(long, value_name = "VALUE", allow_negative_numbers = true, value_parser = number)]
    threshold: Option<Decimal>,
    #[command(flatten)]
    judgement: JudgementArgs,
    #[command(flatten)]
    format: FormatArg,
}

const TIMELINE: Columns<TimelineEntry> = Columns(&[
    ("at", |entry| time(entry.at)),
    ("event", |entry| json!(event(entry.made))),
    ("value", |entry| value(entry.made)),
    ("silent_since", |entry| match entry.made {
        AlertMove::RaiseForSilence(since) => time(since),
        _ => Value::Null,
    }),
    ("changes", |entry| match entry.made {
        AlertMove::Flap(changes) => json!(changes),
        _ => Value::Null,
    }),
]);

const fn event(made: AlertMove) -> &'static str {
    match made {
        AlertMove::Raise(_) => "raised",
        AlertMove::RaiseForSilence(_) => "raised_for_silence",
        AlertMove::Clear(_) => "over",
        AlertMove::Flap(_) => "flapping",
    }
}

fn value(made: AlertMove) -> Value {
    match made {
        AlertMove::Raise(value) | AlertMove::Clear(Some(value)) => figure(value),
        AlertMove::Clear(None) | AlertMove::RaiseForSilence(_) | AlertMove::Flap(_) => Value::Null,
    }
}

pub(super) fn run(store: &Store, args: &SimulateArgs) -> CliResult<()> {
    let (proof, zone) = business(store, &args.tenant.tenant)?;
    let span = args.span.instants(zone)?;
    let (mut rule, hours, now) =
        store.as_operator(&proof, |tx| Ok((args.rule_of(tx)?, tx.tenants().business_hours()?, tx.now()))).map_err(of_flag)?;
    // Of what is to come nothing is known, not even that nothing was measured.
    let until = span.until.unwrap_or(now).min(now);
    let from = span.from.unwrap_or(until - BY_DEFAULT);
    if from >= until || until - from > LONGEST {
        let days = LONGEST.num_days();
        return Err(CliError::Usage(format!("--from must lie in the past, and --to at most {days} days after it")));
    }
    rule.operator = args.operator.unwrap_or(rule.operator);
    rule.threshold = args.threshold.unwrap_or(rule.threshold);
    let recovery = rule.judgement.recovery_threshold;
    rule.judgement = args.judgement.change(&rule.judgement).unwrap_or(rule.judgement);
    if let Some(beyond) = rule.judgement.recovery_threshold.filter(|_| !recovers(&rule)) {
        if rule.judgement.recovery_threshold != recovery {
            let rule = "must not lie beyond the threshold, and needs one that is above or below";
            return Err(Error::invalid("--recover-at", rule).into());
        }
        eprintln!("the rule's --recover-at, {}, lies beyond this threshold: left out", beyond.normalize());
        rule.judgement.recovery_threshold = None;
    }
    // Silence counts from then on: the rule is judged as if it had begun with the span.
    rule.judgement_changed_at = Some(from);
    let samples =
        read(store, &proof, &MeasurementFilter { metric: Some(rule.metric.clone()), from: Some(from), until: Some(until) })?;
    let first = from.duration_round_up(EVERY).unwrap_or(from);
    let minutes = std::iter::successors(Some(first), |at| Some(*at + EVERY)).take_while(|at| *at < until);
    // And once at the end, so that all values are judged.
    let evaluated_at: Vec<_> = minutes.chain([until]).collect();
    let moves = timeline(&rule, &hours, &samples, &evaluated_at);
    let gaps = gaps(&samples, until, TimeDelta::seconds(rule.judgement.no_data_seconds.into()));
    match samples.first() {
        None => {
            let watched =
                if rule.metric.starts_with("nmc.") { ": it is measured from when an enabled rule watches it" } else { "" };
            eprintln!("{} has no values {}{watched}", plain(&rule.metric), span_in_words(from, until, zone));
        }
        Some(first) => tell_of_gaps((from, first.at), &gaps, &rule, zone),
    }
    match args.format.format {
        Format::Json => write_json(&json!({
            "rule": args.rule.as_ref().map_or_else(|| unsaved(&rule), |_| alert_rule::COLUMNS.json(&rule)),
            "from": time(from),
            "to": time(until),
            "values": samples.len(),
            "values_from": samples.first().map(|first| time(first.at)),
            "gaps": gaps.iter().map(|(from, to)| json!({"from": time(*from), "to": time(*to)})).collect::<Vec<_>>(),
            "timeline": moves.iter().map(|entry| TIMELINE.json(entry)).collect::<Vec<_>>(),
        })),
        Format::Table => {
            if let Some(width) = terminal_width() {
                let open = open_spans(&moves, until);
                let plot = Plot { from, until, zone, samples: &samples, threshold: rule.threshold, open: &open };
                let mut out = std::io::stdout().lock();
                plot.lines(width, Letters::of_locale()).iter().try_for_each(|line| writeln!(out, "{line}"))?;
            }
            let raised =
                moves.iter().filter(|entry| matches!(entry.made, AlertMove::Raise(_) | AlertMove::RaiseForSilence(_))).count();
            TIMELINE.all(Format::Table, &moves)?;
            eprintln!("alerts {}: {raised}", span_in_words(from, until, zone));
            Ok(())
        }
    }
}

impl SimulateArgs {
    /// The rule that is named, or the one that the options make.
    fn rule_of(&self, tx: &mut TenantTx<'_>) -> Result<AlertRule> {
        match (&self.rule, &self.metric, self.operator, self.threshold) {
            (None, Some(metric), Some(operator), Some(threshold)) => {
                let new = NewAlertRule::new(metric.clone(), metric.clone(), operator, threshold, AlertSeverity::Low);
                AlertRule::unsaved(&new, tx.tenant().id(), tx.now())
            }
            (Some(rule), ..) => rule.get(tx),
            _ => Err(Error::NotFound { entity: "rule" }),
        }
    }
}

/// A rule that is kept nowhere, as far as it says anything.
fn unsaved(rule: &AlertRule) -> Value {
    let mut shown = alert_rule::COLUMNS.json(rule);
    for made_up in ["id", "name", "severity", "channels", "created_at", "updated_at"] {
        if let Some(value) = shown.get_mut(made_up) {
            *value = Value::Null;
        }
    }
    shown
}

/// Whether a rule that is written nowhere, so that the database doesn't check it, can recover where it says.
fn recovers(rule: &AlertRule) -> bool {
    rule.judgement.recovery_threshold.is_none_or(|recovery| match rule.operator {
        AlertOperator::GreaterThan => recovery <= rule.threshold,
        AlertOperator::LessThan => recovery >= rule.threshold,
        AlertOperator::Equals | AlertOperator::NotEquals => false,
    })
}

/// What was measured, the oldest first. A page is a transaction: many are not to keep one open.
fn read(store: &Store, tenant: &Tenant, filter: &MeasurementFilter) -> CliResult<Vec<Sample>> {
    let (mut samples, mut after) = (Vec::new(), None);
    loop {
        let request = PageRequest::new(PageRequest::MAX, after)?;
        let page = store.as_operator(tenant, |tx| tx.measurements().list(filter, request))?;
        samples.extend(page.items.iter().map(|row| Sample { at: row.measurement_time, value: row.metric_value }));
        if samples.len() > MOST_VALUES {
            return Err(CliError::Usage(format!("there are more than {MOST_VALUES} values: choose a shorter span")));
        }
        match page.next {
            Some(next) => after = Some(next),
            None => break,
        }
    }
    samples.reverse();
    Ok(samples)
}

/// The spans without a value that are so long that the rule counts its metric as silent, from the first value on.
fn gaps(samples: &[Sample], until: DateTime<Utc>, silence: TimeDelta) -> Vec<(DateTime<Utc>, DateTime<Utc>)> {
    let ends = samples.iter().skip(1).map(|sample| sample.at).chain([until]);
    samples.iter().map(|sample| sample.at).zip(ends).filter(|(from, to)| *to - *from > silence).collect()
}

/// Says where nothing is known, so that nobody takes it for a time in which nothing happened.
fn tell_of_gaps(
    (from, first): (DateTime<Utc>, DateTime<Utc>),
    gaps: &[(DateTime<Utc>, DateTime<Utc>)],
    rule: &AlertRule,
    zone: Timezone,
) {
    let metric = plain(&rule.metric);
    if first - from > TimeDelta::seconds(rule.judgement.no_data_seconds.into()) {
        let first = first.with_timezone(&zone.tz()).format("%Y-%m-%d %H:%M");
        eprintln!("{metric} has values from {first} on: they are kept for a week, and what was before is not known");
    }
    for (from, to) in gaps.iter().take(MOST_GAPS) {
        eprintln!("{metric} has no values {}: a gap, in which nothing is known", span_in_words(*from, *to, zone));
    }
    if let Some(more) = gaps.len().checked_sub(MOST_GAPS).filter(|more| *more > 0) {
        eprintln!("{metric} has {more} more gaps");
    }
}

/// The spans in which an alert was open.
fn open_spans(moves: &[TimelineEntry], until: DateTime<Utc>) -> Vec<(DateTime<Utc>, DateTime<Utc>)> {
    let (mut spans, mut since) = (Vec::new(), None);
    for entry in moves {
        match entry.made {
            AlertMove::Raise(_) | AlertMove::RaiseForSilence(_) => since = Some(entry.at),
            AlertMove::Clear(_) => spans.extend(since.take().map(|since| (since, entry.at))),
            AlertMove::Flap(_) => {}
        }
    }
    spans.extend(since.map(|since| (since, until)));
    spans
}

fn span_in_words(from: DateTime<Utc>, until: DateTime<Utc>, zone: Timezone) -> String {
    let from = from.with_timezone(&zone.tz()).format("%Y-%m-%d %H:%M");
    format!("from {from} to {}", end_on_clock(until, zone, "%Y-%m-%d"))
}
