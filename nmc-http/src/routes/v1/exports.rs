use super::call_facts::FactOut;
use super::call_participants::ParticipantOut;
use super::calls::CallOut;
use super::consents::ConsentOut;
use super::conversation_events::ConversationEventOut;
use super::conversations::ConversationOut;
use super::messages::MessageOut;
use crate::api::lists::Span;
use crate::api::reply::JsonLines;
use crate::api::request::{NoQuery, RequestContext};
use crate::api::wire::{Text, text};
use crate::blocking::BlockingPool;
use crate::error::{ApiError, ApiResult};
use crate::shares::caller;
use crate::streams::{Pieces, lines};
use chrono::{DateTime, Utc};
use nmc_core::access::Acting;
use nmc_core::conversations::ConversationFilter;
use nmc_core::workflows::{Export, ExportedRow};
use nmc_core::{Error, Result, TenantTx};
use serde::{Deserialize, Serialize};
use std::time::Duration;
use utoipa::IntoParams;

/// How often the database is asked for a page before an export is cut off, and the pause after each time.
const TRIES: usize = 3;
const PAUSE: Duration = Duration::from_secs(1);

/// The conversations to export.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub(crate) struct ExportQuery {
    /// The instant at or after which the conversations were opened.
    from: Option<DateTime<Utc>>,
    /// The instant before which the conversations were opened.
    until: Option<DateTime<Utc>>,
}

/// A line of an export. What it is stands in `record`, as texts have a `kind` of their own.
#[derive(Serialize)]
#[serde(tag = "record", rename_all = "snake_case")]
enum Line {
    Conversation(Box<ConversationOut>),
    Event {
        conversation_id: text::ConversationId,
        #[serde(flatten)]
        row: ConversationEventOut,
    },
    Message(Box<MessageOut>),
    Call(Box<CallOut>),
    Participant {
        call_id: text::CallId,
        #[serde(flatten)]
        row: ParticipantOut,
    },
    Metadata {
        call_id: text::CallId,
        #[serde(flatten)]
        row: FactOut,
    },
    Consent(ConsentOut),
    /// The last line of an export that is whole.
    End {
        rows: usize,
    },
}

/// Some lines, and the export as it goes on.
struct Page {
    lines: Vec<Line>,
    rest: Option<Export>,
}

pub(super) async fn customer(context: RequestContext<NoQuery, ()>) -> ApiResult<JsonLines> {
    let phone = context.phone()?;
    begin(&context, "customer.ndjson", move |tx| Export::of_customer(tx, &phone)).await
}

pub(super) async fn conversations(context: RequestContext<ExportQuery, ()>) -> ApiResult<JsonLines> {
    let span = Span::new(("from", context.query.from), ("until", context.query.until))?;
    let filter = ConversationFilter { from: span.from, until: span.until, ..ConversationFilter::default() };
    begin(&context, "conversations.ndjson", move |tx| Export::of_conversations(tx, filter.clone())).await
}

/// Reads the first page, so that what is refused is answered as elsewhere, and the others while they are sent.
async fn begin<Q>(
    context: &RequestContext<Q, ()>,
    name: &'static str,
    start: impl Fn(&mut TenantTx<'_>) -> Result<Export> + Send + 'static,
) -> ApiResult<JsonLines> {
    let first = context.acting(move |tx| {
        let export = start(tx)?;
        Ok((tx.tenant().id(), caller(tx), page(tx, &export)?))
    });
    let (tenant, caller, first) = first.await?;
    let place = context.app.exporting.take(tenant, caller)?;
    let (pool, who) = (context.app.pool.clone(), context.who()?);
    let (pieces, body) = lines();
    actix_web::rt::spawn(async move {
        go_on(&pool, &who, first, pieces).await;
        drop(place);
    });
    Ok(JsonLines { name, body, takes_chunks: context.takes_chunks() })
}

async fn go_on(pool: &BlockingPool, who: &Acting, first: Page, pieces: Pieces) {
    let (mut page, mut rows) = (first, 0);
    loop {
        rows += page.lines.len();
        let Page { mut lines, rest } = page;
        if rest.is_none() {
            lines.push(Line::End { rows });
        }
        let Ok(text) = text_of(&lines) else { return };
        if !text.is_empty() && !pieces.send(text).await {
            return;
        }
        let Some(rest) = rest else { return pieces.end().await };
        match next(pool, who, rest).await {
            Ok(next) => page = next,
            Err(error) => {
                tracing::warn!(%error, rows, "an export is cut off");
                return;
            }
        }
    }
}

/// The next page. Whoever asks is asked again whether they still may.
async fn next(pool: &BlockingPool, who: &Acting, export: Export) -> ApiResult<Page> {
    let mut tries = 1;
    loop {
        let (who, export) = (who.clone(), export.clone());
        let read = pool.blocking(move |store| who.transaction(store, |tx| page(tx, &export))).await;
        match read {
            Err(ApiError::Overloaded | ApiError::Core(Error::Unavailable { .. })) if tries < TRIES => {
                tries += 1;
                actix_web::rt::time::sleep(PAUSE).await;
            }
            read => return read,
        }
    }
}

fn page(tx: &mut TenantTx<'_>, export: &Export) -> Result<Page> {
    let (read, rest) = export.read(tx)?;
    let mut lines = Vec::with_capacity(read.len());
    for row in read {
        lines.push(match row {
            ExportedRow::Conversation(row) => Line::Conversation(Box::new((*row).into())),
            ExportedRow::Event(row) => Line::Event { conversation_id: Text(row.conversation_id), row: row.into() },
            ExportedRow::Message(row, media) => {
                let waits = tx.number_pacing().waits_of(std::slice::from_ref(&row))?;
                Line::Message(Box::new(MessageOut::of(*row, media, &waits)))
            }
            ExportedRow::Call(row) => Line::Call(Box::new((*row).into())),
            ExportedRow::Participant(row) => Line::Participant { call_id: Text(row.call_id), row: row.into() },
            ExportedRow::Metadata(row) => Line::Metadata { call_id: Text(row.call_id), row: row.into() },
            ExportedRow::Consent(row) => Line::Consent(row.into()),
            _ => continue,
        });
    }
    Ok(Page { lines, rest })
}

/// The lines as they are sent.
fn text_of(lines: &[Line]) -> serde_json::Result<Vec<u8>> {
    let mut text = Vec::new();
    for line in lines {
        serde_json::to_writer(&mut text, line)?;
        text.push(b'\n');
    }
    Ok(text)
}
