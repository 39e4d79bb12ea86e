//! How a rule is judged over time, as it is typed.

use super::length::{minute_to_week, up_to_a_week};
use super::one_of;
use clap::Args;
use nmc_core::NoDataPolicy;
use nmc_core::alerts::Judgement;
use rust_decimal::Decimal;

/// The terms of a rule; what is not named stays.
#[derive(Args)]
pub(crate) struct JudgementArgs {
    /// How long the condition must hold before an alert is raised, like 5m; 0 to 7d [default of a new rule: 0]
    #[arg(long = "for", value_name = "LENGTH", allow_hyphen_values = true, value_parser = up_to_a_week)]
    pending: Option<i32>,
    /// What the value must come back to before an open alert is over, or none [default of a new rule: none]
    #[arg(long, value_name = "VALUE|none", allow_negative_numbers = true, value_parser = recovery)]
    recover_at: Option<OrNone<Decimal>>,
    /// How long the condition must not hold before an open alert is over; 0 to 7d [default of a new rule: 0]
    #[arg(long, value_name = "LENGTH", allow_hyphen_values = true, value_parser = up_to_a_week)]
    keep_firing: Option<i32>,
    /// What happens when nothing is measured: nothing, an alert, or an open alert is over [default of a new rule: keep]
    #[arg(long, value_parser = one_of(NoDataPolicy::ALL, NoDataPolicy::label))]
    no_data: Option<NoDataPolicy>,
    /// After how long without a value that is; 1m to 7d [default of a new rule: 15m]
    #[arg(long, value_name = "LENGTH", allow_hyphen_values = true, value_parser = minute_to_week)]
    no_data_after: Option<i32>,
    /// After how many changes in a row an open alert stays open until it is calm, 2 to 1000, or none [default of a new rule: none]
    #[arg(long, value_name = "N|none", value_parser = flap_changes)]
    flap_changes: Option<OrNone<i32>>,
    /// How long without a change is calm; 1m to 7d [default of a new rule: 1h]
    #[arg(long, value_name = "LENGTH", allow_hyphen_values = true, value_parser = minute_to_week)]
    flap_within: Option<i32>,
    /// Whether alerts are raised in business hours only [default of a new rule: false]
    #[arg(long, value_name = "true|false")]
    only_when_open: Option<bool>,
}

/// The options of [`JudgementArgs`], by clap's names of them.
pub(crate) const TERMS: [&str; 8] =
    ["pending", "recover_at", "keep_firing", "no_data", "no_data_after", "flap_changes", "flap_within", "only_when_open"];

/// A value, or the word that takes it away.
#[derive(Clone, Copy)]
struct OrNone<T>(Option<T>);

fn recovery(text: &str) -> Result<OrNone<Decimal>, &'static str> {
    if text == "none" { Ok(OrNone(None)) } else { number(text).map(|value| OrNone(Some(value))) }
}

fn flap_changes(text: &str) -> Result<OrNone<i32>, &'static str> {
    match text {
        "none" => Ok(OrNone(None)),
        _ => match text.parse() {
            Ok(changes) if (2..=1_000).contains(&changes) => Ok(OrNone(Some(changes))),
            _ => Err("must be 2 to 1000, or none"),
        },
    }
}

/// The decimals that are kept of a figure.
const DECIMALS: u32 = 4;

/// A figure, as it is typed: none that would be kept as another.
pub(crate) fn number(text: &str) -> Result<Decimal, &'static str> {
    let value =
        Decimal::from_str_exact(text.trim()).ok().filter(|value| value.trunc().abs() < Decimal::from(100_000_000_000_i64));
    let value = value.ok_or("must be a number of up to 11 digits, like 5 or 0.25")?;
    if value.normalize().scale() <= DECIMALS { Ok(value) } else { Err("must have no more than 4 decimals: no more are kept") }
}

impl JudgementArgs {
    /// The terms with what was typed in its place; `None` if nothing was.
    pub(crate) fn change(&self, before: &Judgement) -> Option<Judgement> {
        let after = Judgement {
            pending_seconds: self.pending.unwrap_or(before.pending_seconds),
            recovery_threshold: self.recover_at.map_or(before.recovery_threshold, |value| value.0),
            keep_firing_seconds: self.keep_firing.unwrap_or(before.keep_firing_seconds),
            no_data_policy: self.no_data.unwrap_or(before.no_data_policy),
            no_data_seconds: self.no_data_after.unwrap_or(before.no_data_seconds),
            flap_changes: self.flap_changes.map_or(before.flap_changes, |changes| changes.0),
            flap_seconds: self.flap_within.unwrap_or(before.flap_seconds),
            only_when_open: self.only_when_open.unwrap_or(before.only_when_open),
        };
        (after != *before).then_some(after)
    }
}
