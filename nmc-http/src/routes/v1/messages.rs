use crate::api::lists::{List, Span, agree, is_same};
use crate::api::reply::{Attachment, Json, PageOut};
use crate::api::request::{NoQuery, RequestContext};
use crate::api::wire::{Text, text};
use crate::error::ApiResult;
use crate::shares::caller;
use chrono::{DateTime, Utc};
use nmc_core::conversations::{Media, Message, MessageFilter, Search, Waits};
use nmc_core::telephony::explain;
use nmc_core::{
    ConversationId, Error, MediaStatus, MessageDirection, MessageId, MessageKind, MessageStatus, Page, Result, TenantTx,
};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

const OF_CONVERSATION: List = List("texts of a conversation");
const ALL: List = List("texts");
const FOUND: List = List("texts found");

/// A file of a text: a picture, a sound or a document.
#[derive(Serialize, ToSchema)]
pub(crate) struct MediaOut {
    /// The position of the file among those of the text, from 0.
    position: i16,
    /// The media type of the file; null when it is unknown.
    content_type: Option<String>,
    /// The size of the file in bytes; null until it is kept.
    size_bytes: Option<i32>,
    /// The status of the file: whether its bytes are kept, still to be fetched, or can't be had.
    status: text::MediaStatus,
    /// The reason why the last attempt to fetch the file failed.
    error_message: Option<String>,
    /// The path of the file's bytes, once they are kept.
    content: Option<String>,
}

impl From<Media> for MediaOut {
    fn from(row: Media) -> Self {
        Self {
            position: row.position,
            content: (row.status == MediaStatus::Kept).then(|| format!("/v1/messages/{}/media/{}", row.message_id, row.position)),
            content_type: row.content_type,
            size_bytes: row.size_bytes,
            status: Text(row.status),
            error_message: row.error_message,
        }
    }
}

/// A text message.
#[derive(Serialize, ToSchema)]
pub(crate) struct MessageOut {
    id: text::MessageId,
    conversation_id: text::ConversationId,
    direction: text::MessageDirection,
    kind: text::MessageKind,
    /// The channel by which the text travels.
    channel: text::MessageChannel,
    /// The sender: a phone number, a short code or a sender's name.
    from: String,
    to: String,
    body: String,
    status: text::MessageStatus,
    /// Twilio's code of the error, if there was one.
    error_code: Option<i32>,
    /// The meaning of the error, and what to do about it.
    error_message: Option<String>,
    /// The instant until which a queued text waits: for its next attempt, or because its number is held back; null when it waits
    /// for nothing, or is being sent.
    waits_until: Option<DateTime<Utc>>,
    /// The reason why the number that a queued text leaves from is held back; null when it is not.
    waits_for: Option<String>,
    media: Vec<MediaOut>,
    sent_at: Option<DateTime<Utc>>,
    delivered_at: Option<DateTime<Utc>>,
    created_at: DateTime<Utc>,
}

impl MessageOut {
    pub(super) fn of(row: Message, media: Vec<Media>, waits: &Waits) -> Self {
        Self {
            waits_until: waits.until(&row),
            waits_for: waits.reason(&row).map(str::to_owned),
            id: Text(row.id),
            conversation_id: Text(row.conversation_id),
            direction: Text(row.message_direction),
            kind: Text(row.message_kind),
            channel: Text(row.channel),
            from: row.from_number.to_string(),
            to: row.to_number.to_string(),
            body: row.message_body,
            status: Text(row.message_status),
            error_code: row.error_code,
            error_message: row.error_code.map(explain).or(row.error_message),
            media: media.into_iter().map(MediaOut::from).collect(),
            sent_at: row.sent_at,
            delivered_at: row.delivered_at,
            created_at: row.created_at,
        }
    }
}

/// The filter of a conversation's list of texts.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub(crate) struct MessageQuery {
    /// The status of the texts.
    #[param(inline, value_type = Option<text::MessageStatus>)]
    status: Option<text::MessageStatus>,
    /// The direction of the texts: from the customer, or to them.
    #[param(inline, value_type = Option<text::MessageDirection>)]
    direction: Option<text::MessageDirection>,
    /// The kind of the texts.
    #[param(inline, value_type = Option<text::MessageKind>)]
    kind: Option<text::MessageKind>,
    /// The most rows of the page, 1 to 200; 50 if left out.
    #[param(minimum = 1, maximum = 200)]
    limit: Option<u16>,
    /// The cursor of the page: `next` of the page before; the first page if left out.
    #[param(pattern = "^[A-Za-b][A-Za-z0-9_-]{31}[0-9a-f]{6}$")]
    after: Option<String>,
}

/// The filter of a list of all texts, or the terms of a search in them.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub(crate) struct AllMessagesQuery {
    /// The words to search for, all of which a text has; the last may be only begun, from 3 letters on. Case, accents and
    /// punctuation don't count. 20 different words at the most. No other filter goes with it.
    #[param(min_length = 1, max_length = 200, pattern = r"^[^\u0000]*[^\s\u0000][^\u0000]*$")]
    q: Option<String>,
    /// The status of the texts.
    #[param(inline, value_type = Option<text::MessageStatus>)]
    status: Option<text::MessageStatus>,
    /// Whether the texts never arrived, because the provider, the carrier or nmc gave them up (true), or all others (false).
    failed: Option<bool>,
    /// The direction of the texts: from the customer, or to them.
    #[param(inline, value_type = Option<text::MessageDirection>)]
    direction: Option<text::MessageDirection>,
    /// The kind of the texts.
    #[param(inline, value_type = Option<text::MessageKind>)]
    kind: Option<text::MessageKind>,
    /// The instant at or after which the texts were written.
    from: Option<DateTime<Utc>>,
    /// The instant before which the texts were written.
    until: Option<DateTime<Utc>>,
    /// The most rows of the page, 1 to 200; 50 if left out.
    #[param(minimum = 1, maximum = 200)]
    limit: Option<u16>,
    /// The cursor of the page: `next` of the page before; the first page if left out.
    #[param(pattern = "^[A-Za-b][A-Za-z0-9_-]{31}[0-9a-f]{6}$")]
    after: Option<String>,
}

impl AllMessagesQuery {
    fn filter(&self) -> Result<MessageFilter> {
        let written = Span::new(("from", self.from), ("until", self.until))?;
        let status = self.status.map(|status| status.0);
        let has_failed = status.map(MessageStatus::has_failed);
        agree("failed", "status", is_same(self.failed, has_failed))?;
        // What customers write is there, whole, and theirs.
        let is_theirs = self.direction.map(|direction| direction.0 == MessageDirection::Inbound);
        agree("status", "direction", is_same(status.map(MessageStatus::is_inbound), is_theirs))?;
        agree("failed", "direction", self.failed != Some(true) || is_theirs != Some(true))?;
        let is_automatic = self.kind.is_some_and(|kind| kind.0 != MessageKind::Message);
        agree("kind", "direction", !is_automatic || is_theirs != Some(true))?;
        Ok(MessageFilter {
            conversation: None,
            status,
            failed: self.failed,
            direction: self.direction.map(|direction| direction.0),
            kind: self.kind.map(|kind| kind.0),
            from: written.from,
            until: written.until,
        })
    }

    /// The search that is asked for, instead of a list by the filter.
    fn search(&self) -> Result<Option<Search>> {
        let Some(q) = &self.q else { return Ok(None) };
        for (field, is_given) in [
            ("status", self.status.is_some()),
            ("failed", self.failed.is_some()),
            ("direction", self.direction.is_some()),
            ("kind", self.kind.is_some()),
            ("from", self.from.is_some()),
            ("until", self.until.is_some()),
        ] {
            if is_given {
                return Err(Error::invalid(field, "is for lists without q"));
            }
        }
        Search::new(q).map(Some)
    }
}

/// A page of texts, with their pictures, and what those that are queued wait for.
type Shown = (Page<Message>, Vec<Media>, Waits);

fn with_media(tx: &mut TenantTx<'_>, rows: Page<Message>) -> Result<Shown> {
    let ids: Vec<MessageId> = rows.items.iter().map(|row| row.id).collect();
    let (media, waits) = (tx.message_media().list(&ids)?, tx.number_pacing().waits_of(&rows.items)?);
    Ok((rows, media, waits))
}

fn shown(list: List, (rows, mut media, waits): Shown) -> Json<PageOut<MessageOut>> {
    Json(list.with(rows, |row| {
        let own = media.extract_if(.., |each| each.message_id == row.id).collect();
        MessageOut::of(row, own, &waits)
    }))
}

pub(super) async fn search(context: RequestContext<AllMessagesQuery, ()>) -> ApiResult<Json<PageOut<MessageOut>>> {
    let query = &context.query;
    let (search, filter) = (query.search()?, query.filter()?);
    let list = if search.is_some() { FOUND } else { ALL };
    let page = list.page(query.limit, query.after.as_deref())?;
    let found = context.acting(move |tx| {
        let rows = match &search {
            Some(search) => tx.messages().search(search, page)?,
            None => tx.messages().list(&filter, page)?,
        };
        with_media(tx, rows)
    });
    Ok(shown(list, found.await?))
}

pub(super) async fn list(context: RequestContext<MessageQuery, ()>) -> ApiResult<Json<PageOut<MessageOut>>> {
    let id: ConversationId = context.id("conversation", "conversation")?;
    let query = &context.query;
    let page = OF_CONVERSATION.page(query.limit, query.after.as_deref())?;
    let filter = MessageFilter {
        conversation: Some(id),
        status: query.status.map(|status| status.0),
        direction: query.direction.map(|direction| direction.0),
        kind: query.kind.map(|kind| kind.0),
        ..MessageFilter::default()
    };
    let found = context.acting(move |tx| {
        tx.conversations().get(id)?;
        let rows = tx.messages().list(&filter, page)?;
        with_media(tx, rows)
    });
    Ok(shown(OF_CONVERSATION, found.await?))
}

pub(super) async fn get(context: RequestContext<NoQuery, ()>) -> ApiResult<Json<MessageOut>> {
    let id: MessageId = context.id("message", "message")?;
    let found = context.acting(move |tx| {
        let row = tx.messages().get(id)?;
        let waits = tx.number_pacing().waits_of(std::slice::from_ref(&row))?;
        Ok((row, tx.message_media().list(&[id])?, waits))
    });
    let (row, media, waits) = found.await?;
    Ok(Json(MessageOut::of(row, media, &waits)))
}

pub(super) async fn media(context: RequestContext<NoQuery, ()>) -> ApiResult<Attachment> {
    let (id, position): (MessageId, i16) = (context.id("message", "message")?, context.id("position", "picture")?);
    let found = context.acting(move |tx| Ok((tx.tenant(), caller(tx), tx.message_media().get(id, position)?)));
    let (tenant, caller, row) = found.await?;
    if row.status != MediaStatus::Kept {
        return Err(Error::NotFound { entity: "picture" }.into());
    }
    let uploads = context.app.uploads.clone();
    // Few at a time: each is read whole.
    let place = context.app.downloading.take(tenant.id(), caller)?;
    let open = move |_: &_| {
        let kept = uploads.open_media(&tenant, &row);
        drop(place);
        kept
    };
    let kept = context.app.pool.blocking(open).await?;
    Ok(Attachment {
        name: format!("{id}-{position}.{}", kept.kind.extension()),
        media_type: kept.kind.media_type(),
        is_shown: kept.kind.is_shown(),
        bytes: kept.bytes,
    })
}
