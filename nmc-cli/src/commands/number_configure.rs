//! `nmc number configure`.

use super::number::{COLUMNS, NumberKey, find};
use crate::database::tenant;
use crate::error::CliResult;
use crate::options::{FormatArg, TenantArg, TwilioArgs};
use clap::Args;
use nmc_core::access::Acting;
use nmc_core::numbers::{HeldNumber, NumberFilter, Provisioner};
use nmc_core::{NumberStatus, PageRequest, Store, TenantTx};
use std::process::ExitCode;

/// The numbers whose webhooks to set.
#[derive(Args)]
pub(crate) struct ConfigureArgs {
    #[command(flatten)]
    pub(crate) tenant: TenantArg,
    /// The number; all active ones of the business, if left out
    #[arg(value_name = "ID|E.164")]
    pub(crate) number: Option<NumberKey>,
    /// Only say what would be done
    #[arg(long)]
    pub(crate) dry_run: bool,
    #[command(flatten)]
    pub(crate) twilio: TwilioArgs,
    #[command(flatten)]
    pub(crate) format: FormatArg,
}

pub(super) fn run(store: &Store, numbers: &Provisioner, args: &ConfigureArgs) -> CliResult {
    let proof = tenant(store, &args.tenant.tenant)?;
    let rows = match &args.number {
        Some(number) => vec![store.as_operator(&proof, |tx| find(tx, number))?],
        None => store.as_operator(&proof, all_active)?,
    };
    let webhooks = numbers.webhooks();
    eprintln!("calls: {}; how they end: {}; texts: {}", webhooks.voice, webhooks.voice_status, webhooks.sms);
    let mut done = Vec::new();
    for row in rows {
        if args.dry_run {
            done.push(row);
        } else {
            eprintln!("setting the webhooks of {} …", row.phone_number);
            done.push(numbers.configure(&Acting::Operator(proof), row.id)?);
        }
    }
    if args.dry_run {
        eprintln!("nothing was set: --dry-run");
    }
    COLUMNS.all(args.format.format, &done)?;
    Ok(ExitCode::SUCCESS)
}

fn all_active(tx: &mut TenantTx<'_>) -> nmc_core::Result<Vec<HeldNumber>> {
    let filter = NumberFilter { status: Some(NumberStatus::Active), ..NumberFilter::default() };
    let (mut rows, mut request) = (Vec::new(), PageRequest::new(PageRequest::MAX, None)?);
    loop {
        let page = tx.phone_numbers().list(&filter, request)?;
        rows.extend(page.items);
        match page.next {
            Some(next) => request = request.after(next),
            None => return Ok(rows),
        }
    }
}
