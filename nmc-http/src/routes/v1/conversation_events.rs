use crate::api::lists::{List, Span};
use crate::api::reply::{Json, PageOut};
use crate::api::request::RequestContext;
use crate::api::wire::{Text, text};
use crate::error::ApiResult;
use chrono::{DateTime, Utc};
use nmc_core::ConversationId;
use nmc_core::conversations::{ConversationEvent, ConversationEventFilter};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

const LIST: List = List("conversation events");

/// An entry of a conversation's log.
#[derive(Serialize, ToSchema)]
pub(crate) struct ConversationEventOut {
    id: text::ConversationEventId,
    /// The kind of event.
    event_type: text::ConversationEventType,
    /// The details of the event, such as the value before (`old`) and after (`new`).
    #[schema(value_type = Object)]
    event_data: serde_json::Value,
    /// The call that the event is about.
    call_id: Option<text::CallId>,
    /// The user who caused the event; null when no user did, but the system or the customer, for example.
    created_by: Option<text::UserId>,
    created_at: DateTime<Utc>,
}

impl From<ConversationEvent> for ConversationEventOut {
    fn from(row: ConversationEvent) -> Self {
        Self {
            id: Text(row.id),
            event_type: Text(row.event_type),
            event_data: row.event_data,
            call_id: row.call_id.map(Text),
            created_by: row.created_by.map(Text),
            created_at: row.created_at,
        }
    }
}

/// The filter of a conversation's log.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub(crate) struct ConversationEventQuery {
    /// The kind of the events.
    #[param(inline, value_type = Option<text::ConversationEventType>)]
    event_type: Option<text::ConversationEventType>,
    /// The call that the events are about.
    #[param(inline, value_type = Option<text::CallId>)]
    call: Option<text::CallId>,
    /// The user who caused the events.
    #[param(inline, value_type = Option<text::UserId>)]
    created_by: Option<text::UserId>,
    /// The instant at or after which the events were logged.
    from: Option<DateTime<Utc>>,
    /// The instant before which the events were logged.
    until: Option<DateTime<Utc>>,
    /// The most rows of the page, 1 to 200; 50 if left out.
    #[param(minimum = 1, maximum = 200)]
    limit: Option<u16>,
    /// The cursor of the page: `next` of the page before; the first page if left out.
    #[param(pattern = "^[A-Za-b][A-Za-z0-9_-]{31}[0-9a-f]{6}$")]
    after: Option<String>,
}

pub(super) async fn list(context: RequestContext<ConversationEventQuery, ()>) -> ApiResult<Json<PageOut<ConversationEventOut>>> {
    let id: ConversationId = context.id("conversation", "conversation")?;
    let query = &context.query;
    let page = LIST.page(query.limit, query.after.as_deref())?;
    let logged = Span::new(("from", query.from), ("until", query.until))?;
    let filter = ConversationEventFilter {
        event_type: query.event_type.map(|kind| kind.0),
        call: query.call.map(|call| call.0),
        created_by: query.created_by.map(|user| user.0),
        from: logged.from,
        until: logged.until,
        ..ConversationEventFilter::of(id)
    };
    let rows = context.acting(move |tx| {
        tx.conversations().get(id)?;
        tx.conversation_events().list(&filter, page)
    });
    Ok(Json(LIST.of(rows.await?)))
}
