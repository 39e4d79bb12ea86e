use crate::api::lists::{List, Span, agree, is_same};
use crate::api::reply::{Json, PageOut, Tagged};
use crate::api::request::{JsonBody, NoQuery, RequestContext, must_match};
use crate::api::wire::{Change, Text, party, text};
use crate::error::ApiResult;
use chrono::{DateTime, Utc};
use nmc_core::calls::{Call, CallFilter, CallPatch};
use nmc_core::telephony::explain;
use nmc_core::{CallId, Version};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

const BY_RECORD: List = List("calls");
const BY_BEGINNING: List = List("calls by their beginning");

/// A call, inbound or outbound.
#[derive(Serialize, ToSchema)]
pub(crate) struct CallOut {
    id: text::CallId,
    /// The conversation with the other party; null for a party without a phone number, and for a call that was imported.
    conversation_id: Option<text::ConversationId>,
    caller_phone: text::CallerIdentity,
    called_phone: text::CallerIdentity,
    direction: text::CallDirection,
    status: text::CallStatus,
    #[serde(rename = "type")]
    call_type: text::CallType,
    /// The outcome of the call, once it has ended.
    outcome: Option<text::CallOutcome>,
    duration_seconds: Option<i32>,
    started_at: Option<DateTime<Utc>>,
    ended_at: Option<DateTime<Utc>>,
    caller_name: Option<String>,
    caller_city: Option<String>,
    caller_state: Option<String>,
    caller_country: Option<String>,
    recording_url: Option<String>,
    recording_duration_seconds: Option<i32>,
    disconnect_reason: Option<String>,
    /// The verdict of Twilio's answering-machine detection on who or what answered.
    answered_by: Option<String>,
    forwarded_from: Option<String>,
    /// The status with which the forwarded leg ended, the call to the business's own phone.
    forwarded_leg_status: Option<text::ForwardedLegStatus>,
    error_code: Option<i32>,
    /// The meaning of the error code, and what to do about it.
    error_message: Option<String>,
    twilio_call_sid: Option<String>,
    /// The price of the call, in the currency of `price_unit`.
    price: Option<String>,
    /// The currency of the price, like USD.
    price_unit: String,
    created_at: DateTime<Utc>,
    updated_at: DateTime<Utc>,
}

impl From<Call> for CallOut {
    fn from(row: Call) -> Self {
        Self {
            id: Text(row.id),
            conversation_id: row.conversation_id.map(Text),
            caller_phone: Text(row.caller_phone),
            called_phone: Text(row.called_phone),
            direction: Text(row.call_direction),
            status: Text(row.call_status),
            call_type: Text(row.call_type),
            outcome: row.outcome.map(Text),
            duration_seconds: row.duration_seconds,
            started_at: row.started_at,
            ended_at: row.ended_at,
            caller_name: row.caller_name,
            caller_city: row.caller_city,
            caller_state: row.caller_state,
            caller_country: row.caller_country,
            recording_url: row.recording_url,
            recording_duration_seconds: row.recording_duration_seconds,
            disconnect_reason: row.disconnect_reason,
            answered_by: row.answered_by,
            forwarded_from: row.forwarded_from,
            forwarded_leg_status: row.forwarded_leg_status.map(Text),
            error_code: row.error_code,
            error_message: row.error_code.map(explain),
            twilio_call_sid: row.twilio_call_sid,
            price: row.price.map(|price| price.to_string()),
            price_unit: row.price_unit,
            created_at: row.created_at,
            updated_at: row.updated_at,
        }
    }
}

/// The filter of a list of calls.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub(crate) struct CallQuery {
    /// The status of the calls.
    #[param(inline, value_type = Option<text::CallStatus>)]
    status: Option<text::CallStatus>,
    /// The outcome of the calls.
    #[param(inline, value_type = Option<text::CallOutcome>)]
    outcome: Option<text::CallOutcome>,
    /// The direction of the calls.
    #[param(inline, value_type = Option<text::CallDirection>)]
    direction: Option<text::CallDirection>,
    /// The caller: a phone number, in whatever spelling, a short code, or `anonymous`.
    #[param(value_type = Option<String>, max_length = 16, pattern = r"^(\+[1-9][0-9]{6,14}|[0-9]{3,8}|anonymous)$")]
    caller: Option<String>,
    /// The number of the business that was called.
    #[param(inline, value_type = Option<text::PhoneNumber>)]
    called: Option<text::PhoneNumber>,
    /// The conversation of the calls.
    #[param(inline, value_type = Option<text::ConversationId>)]
    conversation: Option<text::ConversationId>,
    /// Whether the calls are still going on (true), or over (false).
    active: Option<bool>,
    /// The instant at or after which the calls were recorded, like 2026-11-22T18:00:00Z.
    from: Option<DateTime<Utc>>,
    /// The instant before which the calls were recorded.
    until: Option<DateTime<Utc>>,
    /// The instant at or after which the calls began, which differs from when they were recorded for those that were imported. By
    /// this and by `started_until`, the calls that began last come first.
    started_from: Option<DateTime<Utc>>,
    /// The instant before which the calls began.
    started_until: Option<DateTime<Utc>>,
    /// The most rows of the page, 1 to 200; 50 if left out.
    #[param(minimum = 1, maximum = 200)]
    limit: Option<u16>,
    /// The cursor of the page: `next` of the page before; the first page if left out.
    #[param(pattern = "^[A-Za-b][A-Za-z0-9_-]{31}[0-9a-f]{6}$")]
    after: Option<String>,
}

/// Changes of what is known about a call.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct CallChange {
    #[serde(default)]
    #[schema(value_type = Option<String>, min_length = 1, max_length = 255, pattern = r"^[^\u0000]*[^\s\u0000][^\u0000]*$")]
    caller_name: Change<String>,
    #[serde(default)]
    #[schema(value_type = Option<String>, min_length = 1, max_length = 100, pattern = r"^[^\u0000]*[^\s\u0000][^\u0000]*$")]
    caller_city: Change<String>,
    #[serde(default)]
    #[schema(value_type = Option<String>, min_length = 1, max_length = 50, pattern = r"^[^\u0000]*[^\s\u0000][^\u0000]*$")]
    caller_state: Change<String>,
    #[serde(default)]
    #[schema(value_type = Option<String>, min_length = 1, max_length = 3, pattern = r"^[^\u0000]*[^\s\u0000][^\u0000]*$")]
    caller_country: Change<String>,
    #[serde(default)]
    #[schema(value_type = Option<String>, min_length = 1, max_length = 100, pattern = r"^[^\u0000]*[^\s\u0000][^\u0000]*$")]
    disconnect_reason: Change<String>,
}

/// The outcome to set of a call that has ended.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct OutcomeIn {
    outcome: text::CallOutcome,
}

fn tagged(row: Call) -> Tagged<CallOut> {
    Tagged(Version::of(row.updated_at), row.into())
}

pub(super) async fn list(context: RequestContext<CallQuery, ()>) -> ApiResult<Json<PageOut<CallOut>>> {
    let query = &context.query;
    let began = Span::new(("started_from", query.started_from), ("started_until", query.started_until))?;
    let list = if began.from.or(began.until).is_some() { BY_BEGINNING } else { BY_RECORD };
    let page = list.page(query.limit, query.after.as_deref())?;
    let recorded = Span::new(("from", query.from), ("until", query.until))?;
    let is_active = query.status.map(|status| status.0.is_active());
    agree("active", "status", is_same(query.active, is_active))?;
    // A call under way has come to nothing yet.
    let is_under_way = is_active.or(query.active) == Some(true);
    agree("outcome", if is_active.is_some() { "status" } else { "active" }, query.outcome.is_none() || !is_under_way)?;
    let filter = CallFilter {
        status: query.status.map(|status| status.0),
        outcome: query.outcome.map(|outcome| outcome.0),
        direction: query.direction.map(|direction| direction.0),
        caller: query.caller.as_deref().map(|text| party("caller", text)).transpose()?,
        called: query.called.as_ref().map(|called| called.0.clone()),
        conversation: query.conversation.map(|conversation| conversation.0),
        active: query.active,
        from: recorded.from,
        until: recorded.until,
        started_from: began.from,
        started_until: began.until,
    };
    let rows = context.acting(move |tx| tx.calls().list(&filter, page)).await?;
    Ok(Json(list.of(rows)))
}

pub(super) async fn get(context: RequestContext<NoQuery, ()>) -> ApiResult<Tagged<CallOut>> {
    let id: CallId = context.id("call", "call")?;
    Ok(tagged(context.acting(move |tx| tx.calls().get(id)).await?))
}

pub(super) async fn change(context: RequestContext<NoQuery, JsonBody<CallChange>>) -> ApiResult<Tagged<CallOut>> {
    let id: CallId = context.id("call", "call")?;
    let (expected, change) = (context.if_match()?, &context.body.0);
    let patch = CallPatch {
        caller_name: change.caller_name.0.clone(),
        caller_city: change.caller_city.0.clone(),
        caller_state: change.caller_state.0.clone(),
        caller_country: change.caller_country.0.clone(),
        disconnect_reason: change.disconnect_reason.0.clone(),
        ..CallPatch::default()
    };
    let row = context
        .acting(move |tx| {
            let row = tx.calls().lock(id)?;
            must_match(expected.as_ref(), Version::of(row.updated_at), "call")?;
            tx.calls().update(id, &patch)
        })
        .await?;
    Ok(tagged(row))
}

pub(super) async fn set_outcome(context: RequestContext<NoQuery, JsonBody<OutcomeIn>>) -> ApiResult<Tagged<CallOut>> {
    let id: CallId = context.id("call", "call")?;
    let outcome = context.body.0.outcome.0;
    Ok(tagged(context.acting(move |tx| tx.calls().set_outcome(id, outcome)).await?))
}
