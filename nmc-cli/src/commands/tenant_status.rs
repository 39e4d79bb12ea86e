//! `nmc tenant approve`, `suspend`, `reactivate` and `deactivate`.

use super::tenant::COLUMNS;
use crate::confirm::confirmed;
use crate::database::tenant;
use crate::error::CliResult;
use crate::options::Format;
use nmc_core::store::Reason;
use nmc_core::workflows;
use nmc_core::{Store, TenantStatus};

const WHAT_FOLLOWS: &str = "its people are logged out and its API keys refused, texts to its callers wait, \
                            and calls to it are still recorded";

pub(crate) fn suspend(store: &Store, key: &str, yes: bool, format: Format) -> CliResult<()> {
    ask(store, key, yes, "suspends")?;
    set(store, key, TenantStatus::Suspended, format)
}

pub(crate) fn deactivate(store: &Store, key: &str, yes: bool, format: Format) -> CliResult<()> {
    ask(store, key, yes, "deactivates")?;
    set(store, key, TenantStatus::Inactive, format)
}

pub(crate) fn reactivate(store: &Store, key: &str, format: Format) -> CliResult<()> {
    set(store, key, TenantStatus::Active, format)?;
    eprintln!("its people can log in, and the texts that waited are sent");
    Ok(())
}

pub(crate) fn approve(store: &Store, key: &str, yes: bool, format: Format) -> CliResult<()> {
    let proof = tenant(store, key)?;
    let known = store.as_operator(&proof, |tx| tx.tenants().get())?;
    // Nothing follows where it was approved before.
    if known.approved_at.is_none() {
        let what =
            format!("This lets {} buy numbers, send texts and have calls forwarded, at the platform's cost", known.business_name);
        drop(confirmed(yes, &what)?);
    }
    let approval = store.system(Reason::Operations, |tx| workflows::approve(tx, proof.id()))?;
    COLUMNS.one(format, &approval.business)?;
    eprintln!("it may buy numbers, send texts and have calls forwarded");
    if approval.owner_mailed {
        eprintln!("where mails are sent, its owner is told");
    }
    match approval.invitations_mailed {
        0 => {}
        1 => eprintln!("where mails are sent, an open invitation is mailed now"),
        some => eprintln!("where mails are sent, {some} open invitations are mailed now"),
    }
    match approval.invitations_left {
        0 => {}
        1 => eprintln!("an open invitation is not mailed, as too many were: its person has to be invited again"),
        some => eprintln!("{some} open invitations are not mailed, as too many were: their people have to be invited again"),
    }
    Ok(())
}

/// Asks before a change of status, which can be undone, but not for those who are in the middle of something. The business is
/// looked up first.
fn ask(store: &Store, key: &str, yes: bool, does: &str) -> CliResult<()> {
    let proof = tenant(store, key)?;
    let name = store.as_operator(&proof, |tx| tx.tenants().get())?.business_name;
    drop(confirmed(yes, &format!("This {does} {name}: {WHAT_FOLLOWS}"))?);
    Ok(())
}

fn set(store: &Store, key: &str, to: TenantStatus, format: Format) -> CliResult<()> {
    let proof = tenant(store, key)?;
    let row = store.system(Reason::Operations, |tx| tx.set_tenant_status(proof.id(), to))?;
    COLUMNS.one(format, &row)
}
