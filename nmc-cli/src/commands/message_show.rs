//! `nmc message show`.

use super::message_list::reason;
use crate::database::tenant;
use crate::error::CliResult;
use crate::options::id::{by_end, end_of_id};
use crate::options::{Format, FormatArg, TenantArg};
use crate::output::{Columns, section, time, write_json};
use clap::Args;
use nmc_core::conversations::{Media, Message, MessageFilter};
use nmc_core::tenants::TextSize;
use nmc_core::{Error, MessageId, Result, Store, TenantTx};
use serde_json::{Value, json};
use std::str::FromStr;

/// Which text.
#[derive(Args)]
pub(crate) struct ShowArgs {
    #[command(flatten)]
    tenant: TenantArg,
    /// The text's id or the end of it, or Twilio's SID of it
    #[arg(value_name = "ID|SID")]
    message: MessageKey,
    #[command(flatten)]
    format: FormatArg,
}

/// How a text is named on the command line.
#[derive(Clone)]
enum MessageKey {
    Id(MessageId),
    Sid(String),
}

impl FromStr for MessageKey {
    type Err = std::convert::Infallible;

    fn from_str(text: &str) -> std::result::Result<Self, Self::Err> {
        Ok(text.parse().map_or_else(|_| Self::Sid(text.to_owned()), Self::Id))
    }
}

fn by_its_end(tx: &mut TenantTx<'_>, text: &str) -> Result<Message> {
    let end = end_of_id(text).ok_or(Error::NotFound { entity: "message" })?;
    let list = |page| tx.messages().list(&MessageFilter::default(), page);
    let id = by_end("message", &end, |row: &Message| row.id, list)?;
    tx.messages().get(id)
}

pub(super) const MESSAGE: Columns<Message> = Columns(&[
    ("id", |row| json!(row.id)),
    ("message_sid", |row| json!(row.message_sid)),
    ("conversation", |row| json!(row.conversation_id)),
    ("call_id", |row| json!(row.call_id)),
    ("direction", |row| json!(row.message_direction)),
    ("kind", |row| json!(row.message_kind)),
    ("channel", |row| json!(row.channel)),
    ("from_number", |row| json!(row.from_number)),
    ("to_number", |row| json!(row.to_number)),
    ("body", |row| json!(row.message_body)),
    ("segments", |row| json!(TextSize::of(&row.message_body).segments)),
    ("status", |row| json!(row.message_status)),
    ("reason", |row| json!(reason(row))),
    ("error_code", |row| json!(row.error_code)),
    ("attempts", |row| json!(row.attempts)),
    ("next_attempt_at", |row| json!(row.next_attempt_at.map(time))),
    ("sent_at", |row| json!(row.sent_at.map(time))),
    ("delivered_at", |row| json!(row.delivered_at.map(time))),
    ("price", |row| json!(row.price.map(|price| price.to_string()))),
    ("price_unit", |row| json!(row.price_unit)),
    ("created_by", |row| json!(row.created_by)),
    ("client_key", |row| json!(row.client_key)),
    ("created_at", |row| time(row.created_at)),
    ("updated_at", |row| time(row.updated_at)),
]);

pub(super) const MEDIA: Columns<Media> = Columns(&[
    ("position", |row| json!(row.position)),
    ("content_type", |row| json!(row.content_type)),
    ("size_bytes", |row| json!(row.size_bytes)),
    ("status", |row| json!(row.status)),
    ("error_message", |row| json!(row.error_message)),
    ("media_url", |row| json!(row.media_url)),
]);

pub(super) fn run(store: &Store, args: &ShowArgs) -> CliResult<()> {
    let proof = tenant(store, &args.tenant.tenant)?;
    let (row, media) = store.as_operator(&proof, |tx| {
        let row = match &args.message {
            MessageKey::Id(id) => tx.messages().get(*id)?,
            MessageKey::Sid(sid) => match tx.messages().find_by_sid(sid)? {
                Some(text) => text,
                None => by_its_end(tx, sid)?,
            },
        };
        let media = tx.message_media().list(&[row.id])?;
        Ok((row, media))
    })?;
    match args.format.format {
        Format::Json => {
            let mut document = MESSAGE.json(&row);
            if let Value::Object(fields) = &mut document {
                fields.insert("media".to_owned(), media.iter().map(|row| MEDIA.json(row)).collect());
            }
            write_json(&document)
        }
        Format::Table => {
            MESSAGE.one(Format::Table, &row)?;
            section("media", &MEDIA, &[], &media)
        }
    }
}
