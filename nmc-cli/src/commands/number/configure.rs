use super::{COLUMNS, find};
use crate::cli::{Format, NumberKey};
use crate::database::tenant;
use crate::error::CliResult;
use nmc_core::access::Acting;
use nmc_core::numbers::{HeldNumber, NumberFilter, Provisioner};
use nmc_core::{NumberStatus, Page, PageRequest, Store, TenantTx};
use std::process::ExitCode;

pub(super) fn run(
    store: &Store,
    numbers: &Provisioner,
    key: &str,
    number: Option<&NumberKey>,
    dry_run: bool,
    format: Format,
) -> CliResult {
    let proof = tenant(store, key)?;
    let rows = match number {
        Some(number) => vec![store.as_operator(&proof, |tx| find(tx, number))?],
        None => store.as_operator(&proof, all_active)?,
    };
    let webhooks = numbers.webhooks();
    eprintln!("calls: {}; how they end: {}; texts: {}", webhooks.voice, webhooks.voice_status, webhooks.sms);
    let mut done = Vec::new();
    for row in rows {
        if dry_run {
            done.push(row);
        } else {
            eprintln!("setting the webhooks of {} …", row.phone_number);
            done.push(numbers.configure(&Acting::Operator(proof), row.id)?);
        }
    }
    if dry_run {
        eprintln!("nothing was set: --dry-run");
    }
    COLUMNS.page(format, &Page { items: done, next: None })?;
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
