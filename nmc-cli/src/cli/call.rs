//! `nmc call`.

use super::{FormatArg, PageArgs, TenantArg, TwilioArgs, one_of};
use clap::Subcommand;
use nmc_core::{CallId, CallOutcome, CallStatus, CallerIdentity};

#[derive(Subcommand)]
pub(crate) enum CallCommand {
    /// List the calls of a business, newest first
    List {
        #[command(flatten)]
        tenant: TenantArg,
        /// Only those in this status
        #[arg(long, value_parser = one_of::<CallStatus>)]
        status: Option<CallStatus>,
        /// Only those with this outcome
        #[arg(long, value_parser = one_of::<CallOutcome>)]
        outcome: Option<CallOutcome>,
        /// Only those from this caller
        #[arg(long)]
        caller: Option<CallerIdentity>,
        #[command(flatten)]
        page: PageArgs,
    },
    /// Read Twilio's lists of texts and calls from where they were last read, and record what is missing, of all businesses
    CatchUp {
        #[command(flatten)]
        twilio: TwilioArgs,
        #[command(flatten)]
        format: FormatArg,
    },
    /// Ask Twilio about a call: its end, if no callback told it, and its price. One that is not recorded yet is, if it is the
    /// business's
    Refresh {
        #[command(flatten)]
        tenant: TenantArg,
        /// The call's id, or Twilio's SID of it
        #[arg(value_name = "ID|SID")]
        call: CallKey,
        #[command(flatten)]
        twilio: TwilioArgs,
        #[command(flatten)]
        format: FormatArg,
    },
}

/// How a call is named on the command line.
#[derive(Clone)]
pub(crate) enum CallKey {
    Id(CallId),
    Sid(String),
}

impl std::str::FromStr for CallKey {
    type Err = std::convert::Infallible;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Ok(text.parse().map_or_else(|_| Self::Sid(text.to_owned()), Self::Id))
    }
}
