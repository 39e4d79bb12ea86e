//! `nmc consent`: who may be texted.

use super::{FormatArg, PageArgs, TenantArg};
use clap::{Subcommand, ValueEnum};
use nmc_core::PhoneNumber;

#[derive(Subcommand)]
pub(crate) enum ConsentCommand {
    /// List what a person has decided about texts, newest first: the first line counts
    Show {
        #[command(flatten)]
        tenant: TenantArg,
        /// The person's number, in whatever spelling
        #[arg(value_name = "NUMBER", value_parser = PhoneNumber::typed)]
        customer: PhoneNumber,
        #[command(flatten)]
        page: PageArgs,
    },
    /// Record what a person has told staff about texts
    Record {
        #[command(flatten)]
        tenant: TenantArg,
        /// The person's number, in whatever spelling
        #[arg(value_name = "NUMBER", value_parser = PhoneNumber::typed)]
        customer: PhoneNumber,
        /// What the person has decided
        #[arg(long, value_enum)]
        action: Heard,
        /// How and when it was said; an opt-in needs it as its proof
        #[arg(long, required_if_eq("action", "opt-in"))]
        note: Option<String>,
        #[command(flatten)]
        format: FormatArg,
    },
}

/// What somebody has decided.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Heard {
    /// No more texts
    OptOut,
    /// Texts are welcome
    OptIn,
}

/// What staff make of a text that may be an opt-out.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Verdict {
    /// It was one: it is recorded for the person
    OptOut,
    /// It was none: automatic texts go on
    None,
}
