use crate::api::reply::Json;
use crate::api::request::{JsonBody, NoQuery, RequestContext};
use crate::api::wire::{Text, given, text};
use crate::error::ApiResult;
use chrono::{DateTime, Utc};
use nmc_core::ConversationId;
use nmc_core::conversations::{Conversation, ReviewDecision, settle_review};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// The decision of staff about a text that may be an opt-out.
#[derive(Clone, Copy, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Verdict {
    /// The text was an opt-out.
    OptOut,
    /// The text was no opt-out.
    None,
}

/// A decision of staff about a conversation with a text that may be an opt-out.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ReviewIn {
    /// The decision: `opt_out` is recorded for the person; after `none` automatic texts to them go on.
    decision: Verdict,
    /// The reason for the decision.
    #[serde(default, deserialize_with = "given")]
    #[schema(max_length = 1000, nullable = false)]
    note: Option<String>,
}

/// A conversation whose review is settled.
#[derive(Serialize, ToSchema)]
pub(crate) struct ReviewedOut {
    id: text::ConversationId,
    /// The customer: a phone number, a short code or a sender's name.
    customer_phone: String,
    status: text::ConversationStatus,
    /// The instant since which staff have had to decide; null once they have.
    review_requested_at: Option<DateTime<Utc>>,
    updated_at: DateTime<Utc>,
}

impl From<Conversation> for ReviewedOut {
    fn from(row: Conversation) -> Self {
        Self {
            id: Text(row.id),
            customer_phone: row.customer_phone.to_string(),
            status: Text(row.status),
            review_requested_at: row.review_requested_at,
            updated_at: row.updated_at,
        }
    }
}

pub(super) async fn settle(context: RequestContext<NoQuery, JsonBody<ReviewIn>>) -> ApiResult<Json<ReviewedOut>> {
    let id: ConversationId = context.id("conversation", "conversation")?;
    let ReviewIn { decision, note } = &context.body.0;
    let decision = match decision {
        Verdict::OptOut => ReviewDecision::OptOut,
        Verdict::None => ReviewDecision::NoOptOut,
    };
    let (who, note) = (context.who()?, note.clone());
    let settled = move |store: &nmc_core::Store| settle_review(store, &who, id, decision, note.as_deref());
    Ok(Json(context.app.pool.blocking(settled).await?.into()))
}
