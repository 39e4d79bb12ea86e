use crate::api::reply::{Json, PageOut};
use crate::api::request::{RequestContext, instant, page};
use crate::api::wire::{Text, text};
use crate::error::ApiResult;
use chrono::{DateTime, Utc};
use nmc_core::ConversationId;
use nmc_core::conversations::{ConversationEvent, ConversationEventFilter};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

/// An entry of a conversation's log.
#[derive(Serialize, ToSchema)]
pub(crate) struct ConversationEventOut {
    id: text::ConversationEventId,
    /// What happened.
    event_type: text::ConversationEventType,
    /// The details, such as what was there before (`old`) and after (`new`).
    #[schema(value_type = Object)]
    event_data: serde_json::Value,
    /// The call it is about.
    call_id: Option<text::CallId>,
    /// The user who did it; null: the system, or the customer.
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

/// Which entries.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub(crate) struct ConversationEventQuery {
    /// Of this kind.
    #[param(inline, value_type = Option<text::ConversationEventType>)]
    event_type: Option<text::ConversationEventType>,
    /// About this call.
    #[param(inline, value_type = Option<text::CallId>)]
    call: Option<text::CallId>,
    /// By this user.
    #[param(inline, value_type = Option<text::UserId>)]
    created_by: Option<text::UserId>,
    /// Written at or after.
    from: Option<DateTime<Utc>>,
    /// Written before.
    until: Option<DateTime<Utc>>,
    /// Rows at most, 1 to 200; 50 if left out.
    #[param(minimum = 1, maximum = 200)]
    limit: Option<u16>,
    /// `next` of the page before.
    #[param(pattern = "^[A-Za-b][A-Za-z0-9_-]{31}$")]
    after: Option<String>,
}

pub(super) async fn list(context: RequestContext<ConversationEventQuery, ()>) -> ApiResult<Json<PageOut<ConversationEventOut>>> {
    let id: ConversationId = context.id("conversation", "conversation")?;
    let query = &context.query;
    let page = page(query.limit, query.after.as_deref())?;
    let filter = ConversationEventFilter {
        event_type: query.event_type.map(|kind| kind.0),
        call: query.call.map(|call| call.0),
        created_by: query.created_by.map(|user| user.0),
        from: instant("from", query.from)?,
        until: instant("until", query.until)?,
        ..ConversationEventFilter::of(id)
    };
    let rows = context.acting(move |tx| {
        tx.conversations().get(id)?;
        tx.conversation_events().list(&filter, page)
    });
    Ok(Json(PageOut::of(rows.await?)))
}
