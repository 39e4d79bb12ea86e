//! `nmc number reconcile`.

use crate::error::CliResult;
use crate::hint;
use crate::options::{Format, FormatArg, TwilioArgs};
use crate::output::{Columns, counted, write_json};
use clap::Args;
use nmc_core::numbers::{Finding, Outcome, Provisioner};
use serde_json::{Value, json};
use std::process::ExitCode;

/// How to compare.
#[derive(Args)]
pub(crate) struct ReconcileArgs {
    /// Only compare
    #[arg(long)]
    pub(crate) dry_run: bool,
    #[command(flatten)]
    pub(crate) twilio: TwilioArgs,
    #[command(flatten)]
    pub(crate) format: FormatArg,
}

const COLUMNS: Columns<Finding> = Columns(&[
    ("phone_number", |finding| json!(finding.phone_number)),
    ("sid", |finding| json!(finding.sid)),
    ("tenant", |finding| json!(finding.tenant)),
    ("row", |finding| json!(finding.row)),
    ("finding", |finding| json!(format!("{}{}", finding.what(), hint::of_oddity(finding.oddity)))),
    ("outcome", |finding| outcome(&finding.outcome)),
    ("unaccounted", |finding| json!(finding.is_unaccounted())),
]);

fn outcome(outcome: &Outcome) -> Value {
    match outcome {
        Outcome::Adopted => json!("adopted"),
        Outcome::Finished => json!("given back"),
        Outcome::Failed(why) => json!(format!("failed: {why}")),
        _ => json!("reported"),
    }
}

/// Exits with 1 while somebody has something to look at.
pub(super) fn run(numbers: &Provisioner, args: &ReconcileArgs) -> CliResult {
    eprintln!("comparing Twilio's numbers with ours …");
    let outcome = numbers.reconcile(args.dry_run)?;
    let (open, unaccounted) = (outcome.open().count(), outcome.unaccounted().count());
    match args.format.format {
        Format::Json => {
            let findings: Vec<Value> = outcome.findings.iter().map(|finding| COLUMNS.json(finding)).collect();
            write_json(&json!({
                "owned": outcome.owned, "held": outcome.held, "unaccounted": unaccounted, "findings": findings,
            }))?;
        }
        Format::Table if outcome.findings.is_empty() => {}
        format @ Format::Table => COLUMNS.all(format, &outcome.findings)?,
    }
    let (owned, held) = (outcome.owned, outcome.held);
    eprintln!("{} at Twilio, {held} held here; {unaccounted} paid for and not accounted for", counted(&owned, "number"));
    Ok(if open == 0 { ExitCode::SUCCESS } else { ExitCode::from(1) })
}
