use crate::api::lists::{List, Span};
use crate::api::reply::{Json, PageOut, Tagged};
use crate::api::request::{JsonBody, NoQuery, RequestContext, must_match};
use crate::api::wire::{Change, Quantity, Text, text};
use crate::error::ApiResult;
use chrono::{DateTime, Utc};
use nmc_core::ConversationAnalyticsId;
use nmc_core::analytics::{ConversationAnalytics, ConversationAnalyticsFilter, ConversationAnalyticsPatch};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

const LIST: List = List("conversation analytics");

/// What is counted of a conversation, and what people tell of it.
#[derive(Serialize, ToSchema)]
pub(crate) struct ConversationAnalyticsOut {
    id: text::ConversationAnalyticsId,
    conversation_id: text::ConversationId,
    /// The call that opened the conversation, if one did.
    call_id: Option<text::CallId>,
    /// All texts, in both directions.
    message_count: i32,
    /// Those of them that the AI wrote.
    ai_message_count: i32,
    /// Those of them that a person wrote.
    human_message_count: i32,
    /// The length of the conversation, from its beginning to its end.
    duration_seconds: Option<i32>,
    /// The customer's mood, -1 (bad) to 1 (good).
    sentiment_score: Option<text::Quantity>,
    /// How the conversation ended.
    resolution_status: Option<text::ResolutionStatus>,
    escalation_count: i32,
    /// The customer's rating, 1 to 5.
    satisfaction_rating: Option<text::Quantity>,
    /// The instant at which the conversation began.
    conversation_date: DateTime<Utc>,
    processed_at: DateTime<Utc>,
    updated_at: DateTime<Utc>,
}

impl From<ConversationAnalytics> for ConversationAnalyticsOut {
    fn from(row: ConversationAnalytics) -> Self {
        let quantity = |value| Text(Quantity(value));
        Self {
            id: Text(row.id),
            conversation_id: Text(row.conversation_id),
            call_id: row.call_id.map(Text),
            message_count: row.message_count,
            ai_message_count: row.ai_message_count,
            human_message_count: row.human_message_count,
            duration_seconds: row.conversation_duration,
            sentiment_score: row.sentiment_score.map(quantity),
            resolution_status: row.resolution_status.map(Text),
            escalation_count: row.escalation_count,
            satisfaction_rating: row.satisfaction_rating.map(quantity),
            conversation_date: row.conversation_date,
            processed_at: row.processed_at,
            updated_at: row.updated_at,
        }
    }
}

/// The filter of a list of conversations' figures.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub(crate) struct ConversationAnalyticsQuery {
    /// How the conversations ended.
    #[param(inline, value_type = Option<text::ResolutionStatus>)]
    resolution_status: Option<text::ResolutionStatus>,
    /// The conversation.
    #[param(inline, value_type = Option<text::ConversationId>)]
    conversation: Option<text::ConversationId>,
    /// The call that opened the conversation.
    #[param(inline, value_type = Option<text::CallId>)]
    call: Option<text::CallId>,
    /// The instant at or after which the conversations began, like 2026-11-22T18:00:00Z.
    from: Option<DateTime<Utc>>,
    /// The instant before which the conversations began.
    until: Option<DateTime<Utc>>,
    /// The most rows of the page, 1 to 200; 50 if left out.
    #[param(minimum = 1, maximum = 200)]
    limit: Option<u16>,
    /// The cursor of the page: `next` of the page before; the first page if left out.
    #[param(pattern = "^[A-Za-b][A-Za-z0-9_-]{31}[0-9a-f]{6}$")]
    after: Option<String>,
}

/// What people tell of a conversation.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ConversationAnalyticsChange {
    /// The customer's mood, -1 (bad) to 1 (good).
    #[serde(default)]
    #[schema(value_type = Option<String>, pattern = r"^-?(0(\.[0-9]{1,2})?|1(\.0{1,2})?)$")]
    sentiment_score: Change<text::Quantity>,
    /// How the conversation ended. Once its figures are computed again, what the conversation itself tells counts, but that
    /// `escalated` and `abandoned` stay.
    #[serde(default)]
    #[schema(value_type = Option<text::ResolutionStatus>)]
    resolution_status: Change<text::ResolutionStatus>,
    /// The customer's rating, 1 to 5.
    #[serde(default)]
    #[schema(value_type = Option<String>, pattern = r"^([1-4](\.[0-9]{1,2})?|5(\.0{1,2})?)$")]
    satisfaction_rating: Change<text::Quantity>,
}

fn tagged(row: ConversationAnalytics) -> Tagged<ConversationAnalyticsOut> {
    Tagged(row.version(), row.into())
}

pub(super) async fn list(
    context: RequestContext<ConversationAnalyticsQuery, ()>,
) -> ApiResult<Json<PageOut<ConversationAnalyticsOut>>> {
    let query = &context.query;
    let page = LIST.page(query.limit, query.after.as_deref())?;
    let span = Span::new(("from", query.from), ("until", query.until))?;
    let filter = ConversationAnalyticsFilter {
        resolution_status: query.resolution_status.map(|status| status.0),
        conversation: query.conversation.map(|id| id.0),
        call: query.call.map(|id| id.0),
        from: span.from,
        until: span.until,
    };
    let rows = context.acting(move |tx| tx.conversation_analytics().list(&filter, page)).await?;
    Ok(Json(LIST.of(rows)))
}

pub(super) async fn get(context: RequestContext<NoQuery, ()>) -> ApiResult<Tagged<ConversationAnalyticsOut>> {
    let id: ConversationAnalyticsId = context.id("conversation_analytics", "conversation analytics")?;
    Ok(tagged(context.acting(move |tx| tx.conversation_analytics().get(id)).await?))
}

pub(super) async fn change(
    context: RequestContext<NoQuery, JsonBody<ConversationAnalyticsChange>>,
) -> ApiResult<Tagged<ConversationAnalyticsOut>> {
    let id: ConversationAnalyticsId = context.id("conversation_analytics", "conversation analytics")?;
    let (expected, change) = (context.if_match()?, &context.body.0);
    let patch = ConversationAnalyticsPatch {
        sentiment_score: change.sentiment_score.number(),
        resolution_status: change.resolution_status.clone().typed(),
        satisfaction_rating: change.satisfaction_rating.number(),
        ..ConversationAnalyticsPatch::default()
    };
    let row = context.acting(move |tx| {
        must_match(expected.as_ref(), tx.conversation_analytics().lock(id)?.version(), "conversation analytics")?;
        tx.conversation_analytics().update(id, &patch)
    });
    Ok(tagged(row.await?))
}
