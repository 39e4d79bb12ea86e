//! `nmc call show`: a call, its parties, what else is known about it, and the texts that answered it.

use super::call::CallKey;
use super::message_list;
use crate::database::tenant;
use crate::error::CliResult;
use crate::options::{Format, FormatArg, TenantArg};
use crate::output::{Columns, section, time, write_json};
use clap::Args;
use nmc_core::calls::{Call, CallMetadata, CallMetadataFilter, CallParticipant, MetadataValue};
use nmc_core::{Error, PageRequest, Store};
use serde_json::{Value, json};

/// Which call.
#[derive(Args)]
pub(crate) struct ShowArgs {
    #[command(flatten)]
    tenant: TenantArg,
    /// The call's id or the end of it, or Twilio's SID of it
    #[arg(value_name = "ID|SID")]
    call: CallKey,
    #[command(flatten)]
    format: FormatArg,
}

pub(super) const CALL: Columns<Call> = Columns(&[
    ("id", |row| json!(row.id)),
    ("twilio_call_sid", |row| json!(row.twilio_call_sid)),
    ("direction", |row| json!(row.call_direction)),
    ("caller", |row| json!(row.caller_phone)),
    ("called", |row| json!(row.called_phone)),
    ("status", |row| json!(row.call_status)),
    ("outcome", |row| json!(row.outcome)),
    ("started_at", |row| json!(row.started_at.map(time))),
    ("ended_at", |row| json!(row.ended_at.map(time))),
    ("seconds", |row| json!(row.duration_seconds)),
    ("caller_name", |row| json!(row.caller_name)),
    ("caller_city", |row| json!(row.caller_city)),
    ("caller_state", |row| json!(row.caller_state)),
    ("caller_country", |row| json!(row.caller_country)),
    ("answered_by", |row| json!(row.answered_by)),
    ("forwarded_from", |row| json!(row.forwarded_from)),
    ("forwarded_leg_status", |row| json!(row.forwarded_leg_status)),
    ("forwarded_leg_bridged", |row| json!(row.forwarded_leg_bridged)),
    ("disconnect_reason", |row| json!(row.disconnect_reason)),
    ("error_code", |row| json!(row.error_code)),
    ("stir_verstat", |row| json!(row.stir_verstat)),
    ("recording_url", |row| json!(row.recording_url)),
    ("recording_seconds", |row| json!(row.recording_duration_seconds)),
    ("price", |row| json!(row.price.map(|price| price.to_string()))),
    ("price_unit", |row| json!(row.price_unit)),
    ("conversation", |row| json!(row.conversation_id)),
    ("created_at", |row| time(row.created_at)),
    ("updated_at", |row| time(row.updated_at)),
]);

pub(super) const PARTICIPANTS: Columns<CallParticipant> = Columns(&[
    ("phone_number", |row| json!(row.phone_number)),
    ("type", |row| json!(row.participant_type)),
    ("joined_at", |row| time(row.joined_at)),
    ("left_at", |row| json!(row.left_at.map(time))),
    ("muted", |row| json!(row.muted)),
    ("on_hold", |row| json!(row.on_hold)),
    ("id", |row| json!(row.id)),
]);

pub(super) const METADATA: Columns<CallMetadata> = Columns(&[
    ("key", |row| json!(row.metadata_key)),
    ("type", |row| json!(row.value.declared_type())),
    ("value", |row| match &row.value {
        MetadataValue::String(text) => json!(text),
        // As it is stored: a number of JSON might be rounded by who reads it.
        MetadataValue::Number(number) => json!(number.normalize().to_string()),
        MetadataValue::Boolean(truth) => json!(truth),
        MetadataValue::Json(document) => document.clone(),
    }),
]);

pub(super) fn run(store: &Store, args: &ShowArgs) -> CliResult<()> {
    let proof = tenant(store, &args.tenant.tenant)?;
    let all = PageRequest::new(PageRequest::MAX, None)?;
    let (call, participants, metadata, texts) = store.as_operator(&proof, |tx| {
        let id = args.call.known(tx)?.ok_or(Error::NotFound { entity: "call" })?;
        let call = tx.calls().get(id)?;
        let of = CallMetadataFilter { call: Some(call.id), ..CallMetadataFilter::default() };
        let participants = tx.call_participants().list_of_call(call.id)?;
        let metadata = tx.call_metadata().list(&of, all)?.items;
        let texts = tx.messages().list_of_call(call.id)?;
        Ok((call, participants, metadata, texts))
    })?;
    match args.format.format {
        Format::Json => {
            let mut document = CALL.json(&call);
            if let Value::Object(fields) = &mut document {
                fields.insert("participants".to_owned(), participants.iter().map(|row| PARTICIPANTS.json(row)).collect());
                fields.insert("metadata".to_owned(), metadata.iter().map(|row| METADATA.json(row)).collect());
                fields.insert("texts".to_owned(), texts.iter().map(|row| message_list::COLUMNS.json(row)).collect());
            }
            write_json(&document)
        }
        Format::Table => {
            CALL.one(Format::Table, &call)?;
            section("participants", &PARTICIPANTS, &[], &participants)?;
            section("metadata", &METADATA, &[], &metadata)?;
            section("texts", &message_list::COLUMNS, message_list::KEPT, &texts)
        }
    }
}
