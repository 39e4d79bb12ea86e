use crate::api::lists::{List, Span};
use crate::api::reply::{Json, PageOut, Tagged};
use crate::api::request::{JsonBody, NoQuery, RequestContext, must_match};
use crate::api::wire::{Change, Quantity, Text, text};
use crate::error::ApiResult;
use chrono::{DateTime, Utc};
use nmc_core::CallAnalyticsId;
use nmc_core::analytics::{CallAnalytics, CallAnalyticsFilter, CallAnalyticsPatch};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

const LIST: List = List("call analytics");

/// What is counted of a call, and what people tell of it.
#[derive(Serialize, ToSchema)]
pub(crate) struct CallAnalyticsOut {
    id: text::CallAnalyticsId,
    call_id: Option<text::CallId>,
    conversation_id: Option<text::ConversationId>,
    /// The customer's number.
    phone_number: Option<text::PhoneNumber>,
    call_type: Option<text::CallType>,
    /// The outcome of the call; `completed` where it has none.
    status: Option<text::CallAnalyticsStatus>,
    duration_seconds: Option<i32>,
    ai_takeover_count: i32,
    /// The customer's rating, 1 to 5.
    customer_satisfaction: Option<text::Quantity>,
    /// What became of the lead.
    conversion_status: Option<text::ConversionStatus>,
    /// The revenue ascribed to the call, in US dollars; a refund is negative.
    revenue_impact: Option<text::Quantity>,
    /// The cost of the call, in US dollars.
    cost_per_call: Option<text::Quantity>,
    /// Labels, as one text.
    #[schema(max_length = 1000)]
    tags: Option<String>,
    /// The instant at which the call began.
    call_date: DateTime<Utc>,
    processed_at: DateTime<Utc>,
    updated_at: DateTime<Utc>,
}

impl From<CallAnalytics> for CallAnalyticsOut {
    fn from(row: CallAnalytics) -> Self {
        let quantity = |value| Text(Quantity(value));
        Self {
            id: Text(row.id),
            call_id: row.call_id.map(Text),
            conversation_id: row.conversation_id.map(Text),
            phone_number: row.phone_number.map(Text),
            call_type: row.call_type.map(Text),
            status: row.call_status.map(Text),
            duration_seconds: row.call_duration,
            ai_takeover_count: row.ai_takeover_count,
            customer_satisfaction: row.customer_satisfaction.map(quantity),
            conversion_status: row.conversion_status.map(Text),
            revenue_impact: row.revenue_impact.map(quantity),
            cost_per_call: row.cost_per_call.map(quantity),
            tags: row.tags,
            call_date: row.call_date,
            processed_at: row.processed_at,
            updated_at: row.updated_at,
        }
    }
}

/// The filter of a list of calls' figures.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub(crate) struct CallAnalyticsQuery {
    /// The outcome of the calls.
    #[param(inline, value_type = Option<text::CallAnalyticsStatus>)]
    status: Option<text::CallAnalyticsStatus>,
    /// What became of the leads.
    #[param(inline, value_type = Option<text::ConversionStatus>)]
    conversion_status: Option<text::ConversionStatus>,
    /// The call.
    #[param(inline, value_type = Option<text::CallId>)]
    call: Option<text::CallId>,
    /// The conversation of the calls.
    #[param(inline, value_type = Option<text::ConversationId>)]
    conversation: Option<text::ConversationId>,
    /// The customer of the calls.
    #[param(inline, value_type = Option<text::PhoneNumber>)]
    customer_phone: Option<text::PhoneNumber>,
    /// The instant at or after which the calls began, like 2026-11-22T18:00:00Z.
    from: Option<DateTime<Utc>>,
    /// The instant before which the calls began.
    until: Option<DateTime<Utc>>,
    /// The most rows of the page, 1 to 200; 50 if left out.
    #[param(minimum = 1, maximum = 200)]
    limit: Option<u16>,
    /// The cursor of the page: `next` of the page before; the first page if left out.
    #[param(pattern = "^[A-Za-b][A-Za-z0-9_-]{31}[0-9a-f]{6}$")]
    after: Option<String>,
}

/// What people tell of a call.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct CallAnalyticsChange {
    /// The customer's rating, 1 to 5.
    #[serde(default)]
    #[schema(value_type = Option<String>, pattern = r"^([1-4](\.[0-9]{1,2})?|5(\.0{1,2})?)$")]
    customer_satisfaction: Change<text::Quantity>,
    /// What became of the lead.
    #[serde(default)]
    #[schema(value_type = Option<text::ConversionStatus>)]
    conversion_status: Change<text::ConversionStatus>,
    /// The revenue ascribed to the call, in US dollars; a refund is negative.
    #[serde(default)]
    #[schema(value_type = Option<String>, pattern = r"^-?[0-9]{1,8}(\.[0-9]{1,2})?$")]
    revenue_impact: Change<text::Quantity>,
    /// Labels, as one text.
    #[serde(default)]
    #[schema(value_type = Option<String>, max_length = 1000)]
    tags: Change<String>,
}

fn tagged(row: CallAnalytics) -> Tagged<CallAnalyticsOut> {
    Tagged(row.version(), row.into())
}

pub(super) async fn list(context: RequestContext<CallAnalyticsQuery, ()>) -> ApiResult<Json<PageOut<CallAnalyticsOut>>> {
    let query = &context.query;
    let page = LIST.page(query.limit, query.after.as_deref())?;
    let span = Span::new(("from", query.from), ("until", query.until))?;
    let filter = CallAnalyticsFilter {
        call_status: query.status.map(|status| status.0),
        conversion_status: query.conversion_status.map(|status| status.0),
        call: query.call.map(|id| id.0),
        conversation: query.conversation.map(|id| id.0),
        phone_number: query.customer_phone.as_ref().map(|phone| phone.0.clone()),
        from: span.from,
        until: span.until,
    };
    let rows = context.acting(move |tx| tx.call_analytics().list(&filter, page)).await?;
    Ok(Json(LIST.of(rows)))
}

pub(super) async fn get(context: RequestContext<NoQuery, ()>) -> ApiResult<Tagged<CallAnalyticsOut>> {
    let id: CallAnalyticsId = context.id("call_analytics", "call analytics")?;
    Ok(tagged(context.acting(move |tx| tx.call_analytics().get(id)).await?))
}

pub(super) async fn change(
    context: RequestContext<NoQuery, JsonBody<CallAnalyticsChange>>,
) -> ApiResult<Tagged<CallAnalyticsOut>> {
    let (id, expected) = (context.id::<CallAnalyticsId>("call_analytics", "call analytics")?, context.if_match()?);
    let change = &context.body.0;
    let patch = CallAnalyticsPatch {
        customer_satisfaction: change.customer_satisfaction.number(),
        conversion_status: change.conversion_status.clone().typed(),
        revenue_impact: change.revenue_impact.number(),
        tags: change.tags.0.clone(),
        ..CallAnalyticsPatch::default()
    };
    let row = context.acting(move |tx| {
        must_match(expected.as_ref(), tx.call_analytics().lock(id)?.version(), "call analytics")?;
        tx.call_analytics().update(id, &patch)
    });
    Ok(tagged(row.await?))
}
