//! `nmc customer export` and `nmc conversation export`: what a business has about a customer, or its conversations, as JSON lines.

use super::call_show::{CALL, METADATA, PARTICIPANTS};
use super::message_show::{MEDIA, MESSAGE};
use super::{consent, conversation_list};
use crate::error::CliResult;
use crate::output::{new_file, time};
use clap::Args;
use nmc_core::workflows::{Export, ExportedRow};
use nmc_core::{Page, Result, Store, Tenant, TenantTx};
use serde_json::{Value, json};
use std::io::{BufWriter, Write};
use std::path::PathBuf;

/// Where an export goes.
#[derive(Args)]
pub(crate) struct OutputArg {
    /// The file to write, which must not be there yet, and which nobody else may read [default: standard output]
    #[arg(long, value_name = "FILE")]
    output: Option<PathBuf>,
}

/// Begins an export and writes it.
pub(super) fn run(
    store: &Store,
    proof: &Tenant,
    begin: impl Fn(&mut TenantTx<'_>) -> Result<Export>,
    output: &OutputArg,
) -> CliResult<()> {
    let export = || store.as_operator(proof, &begin);
    match output.output.as_deref() {
        None => written(store, proof, export()?, std::io::stdout().lock()),
        Some(path) => {
            let file = new_file(path)?;
            // Of somebody unknown there is none; what is not written is not noted as exported.
            let export = export().inspect_err(|_| drop(std::fs::remove_file(path)))?;
            written(store, proof, export, file)
        }
    }
}

fn written(store: &Store, proof: &Tenant, export: Export, out: impl Write) -> CliResult<()> {
    let (mut out, mut rest, mut rows) = (BufWriter::new(out), Some(export), 0);
    while let Some(export) = rest {
        let (lines, next) = store.as_operator(proof, |tx| {
            let (read, next) = export.read(tx)?;
            Ok((read.into_iter().map(|row| line(tx, row)).collect::<Result<Vec<Value>>>()?, next))
        })?;
        for line in &lines {
            writeln!(out, "{line}")?;
        }
        rows += lines.len();
        rest = next;
    }
    writeln!(out, "{}", json!({"record": "end", "rows": rows}))?;
    Ok(out.flush()?)
}

/// A row as its list has it, with what it is.
fn line(tx: &mut TenantTx<'_>, row: ExportedRow) -> Result<Value> {
    let (record, mut line) = match row {
        ExportedRow::Conversation(row) => {
            let (notes, tags) = (json!(row.conversation.notes), json!(row.conversation.tags));
            let (email, address) = (json!(row.conversation.customer_email), json!(row.conversation.customer_address));
            let listed = conversation_list::listed(tx, Page { items: vec![*row], next: None })?;
            let mut line = listed.items.first().map_or(Value::Null, |row| conversation_list::COLUMNS.json(row));
            with(&mut line, [("notes", notes), ("tags", tags), ("customer_email", email), ("customer_address", address)]);
            ("conversation", line)
        }
        ExportedRow::Event(row) => {
            let line = json!({
                "id": row.id, "conversation": row.conversation_id, "created_at": time(row.created_at), "event": row.event_type,
                "details": row.event_data, "call_id": row.call_id, "created_by": row.created_by,
            });
            ("event", line)
        }
        ExportedRow::Message(row, media) => {
            let mut line = MESSAGE.json(&row);
            with(&mut line, [("media", media.iter().map(|row| MEDIA.json(row)).collect())]);
            ("message", line)
        }
        ExportedRow::Call(row) => ("call", CALL.json(&row)),
        ExportedRow::Participant(row) => ("participant", of_call(&row.call_id, PARTICIPANTS.json(&row))),
        ExportedRow::Metadata(row) => ("metadata", of_call(&row.call_id, METADATA.json(&row))),
        ExportedRow::Consent(row) => ("consent", consent::COLUMNS.json(&row)),
        _ => ("unknown", json!({})),
    };
    with(&mut line, [("record", json!(record))]);
    Ok(line)
}

fn of_call(call: &nmc_core::CallId, mut line: Value) -> Value {
    with(&mut line, [("call_id", json!(call))]);
    line
}

fn with<const N: usize>(line: &mut Value, more: [(&str, Value); N]) {
    if let Value::Object(fields) = line {
        fields.extend(more.map(|(name, value)| (name.to_owned(), value)));
    }
}
