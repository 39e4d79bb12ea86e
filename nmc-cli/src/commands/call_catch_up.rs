//! `nmc call catch-up`.

use super::worker;
use crate::error::{CliError, CliResult};
use crate::options::Format;
use crate::output::{Columns, time, write_json};
use nmc_core::Store;
use nmc_core::twilio::TwilioConfig;
use nmc_core::workflows::{CaughtUp, Found, FoundWhat, Tally};
use serde_json::{Value, json};

const COLUMNS: Columns<Found> = Columns(&[
    ("what", |found| json!(if found.what == FoundWhat::Text { "text" } else { "call" })),
    ("sid", |found| json!(found.sid)),
    ("at", |found| json!(found.at.map(time))),
    ("our_number", |found| json!(found.our_number)),
    ("answered", |found| json!(found.answered)),
]);

/// Prints what was missing; what was read is told on standard error, or in the JSON document.
pub(super) fn run(store: &Store, account: &TwilioConfig, format: Format) -> CliResult<()> {
    eprintln!("reading Twilio's lists of texts and calls …");
    let came = worker::catch_up(store, account).run()?;
    let failed = came.failed.len();
    match format {
        Format::Json => write_json(&document(&came))?,
        Format::Table => {
            let CaughtUp { texts, calls, found, .. } = came;
            if !found.is_empty() {
                COLUMNS.all(format, &found)?;
            }
            for (name, tally) in [("texts", texts), ("calls", calls)] {
                let Tally { read, recorded, updated, priced, unreadable, .. } = tally;
                eprintln!(
                    "{name}: {read} read, {recorded} missing and recorded, {updated} updated, {priced} priced, {unreadable} unreadable"
                );
            }
        }
    }
    if failed > 0 {
        return Err(CliError::Usage(format!(
            "not everything could be recorded for {failed} businesses; see the log, and run it again"
        )));
    }
    Ok(())
}

fn document(came: &CaughtUp) -> Value {
    let found: Vec<Value> = came.found.iter().map(|found| COLUMNS.json(found)).collect();
    json!({
        "since": came.since.map(time), "texts": tally(came.texts), "calls": tally(came.calls), "found": found,
        "failed": came.failed,
    })
}

fn tally(tally: Tally) -> Value {
    let Tally { pages, read, recorded, updated, priced, unreadable } = tally;
    json!({
        "pages": pages, "read": read, "recorded": recorded, "updated": updated, "priced": priced, "unreadable": unreadable,
    })
}
