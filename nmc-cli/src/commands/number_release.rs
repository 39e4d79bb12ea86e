//! `nmc number release`.

use super::number::{DETAILS, HowArgs, NumberKey, find};
use super::number_progress;
use crate::confirm::confirmed;
use crate::database::tenant;
use crate::error::CliResult;
use crate::options::{FormatArg, TenantArg, TwilioArgs};
use clap::Args;
use nmc_core::access::Acting;
use nmc_core::numbers::Provisioner;
use nmc_core::{NumberStatus, Store};
use std::process::ExitCode;
use std::time::Duration;

/// Which number to give back, and how.
#[derive(Args)]
pub(crate) struct ReleaseArgs {
    #[command(flatten)]
    pub(crate) tenant: TenantArg,
    /// The number
    #[arg(value_name = "ID|E.164")]
    pub(crate) number: NumberKey,
    #[command(flatten)]
    pub(crate) how: HowArgs,
    #[command(flatten)]
    pub(crate) twilio: TwilioArgs,
    #[command(flatten)]
    pub(crate) format: FormatArg,
}

pub(super) fn run(store: &Store, numbers: &Provisioner, args: &ReleaseArgs) -> CliResult {
    let (how, format) = (&args.how, args.format.format);
    let proof = tenant(store, &args.tenant.tenant)?;
    let (business, row) = store.as_operator(&proof, |tx| Ok((tx.tenants().get()?.business_name, find(tx, &args.number)?)))?;
    let what = match row.status {
        NumberStatus::Released => {
            eprintln!("it is released already");
            DETAILS.one(format, &row)?;
            return Ok(ExitCode::SUCCESS);
        }
        NumberStatus::Active | NumberStatus::Inactive => "This gives back",
        _ => "This calls off the order of",
    };
    let what =
        format!("{what} {} of {business}; callers reach nobody there any more, and somebody else may get it", row.phone_number);
    if how.dry_run {
        eprintln!("{what}. Nothing was done: --dry-run");
        DETAILS.one(format, &row)?;
        return Ok(ExitCode::SUCCESS);
    }
    let confirmed = confirmed(how.yes, &what)?;
    let wait = Duration::from_secs(how.wait.into());
    let row = numbers.release(
        &Acting::Operator(proof),
        row.id,
        confirmed,
        wait,
        &mut number_progress::tell("giving it back".to_owned()),
    )?;
    DETAILS.one(format, &row)?;
    if row.status == NumberStatus::Released {
        return Ok(ExitCode::SUCCESS);
    }
    eprintln!("Twilio has not taken it back yet; nmc worker goes on until it has, or the same command again");
    Ok(ExitCode::from(3))
}
