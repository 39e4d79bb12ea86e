use crate::api::lists::List;
use crate::api::reply::{Created, Json, PageOut};
use crate::api::request::{JsonBody, NoQuery, RequestContext};
use crate::api::wire::{Text, given, text};
use crate::error::ApiResult;
use chrono::{DateTime, Utc};
use nmc_core::conversations::{Consent, ConsentFilter, HeardConsent, record_consent};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

const LIST: List = List("consents");

/// A customer's decision about being texted. The latest decision of a person counts, for all numbers of the business.
#[derive(Serialize, ToSchema)]
pub(crate) struct ConsentOut {
    id: text::ConsentId,
    /// The person's phone number, in the one spelling that stands for the person.
    customer_phone: text::PhoneNumber,
    action: text::ConsentAction,
    /// The way in which the decision reached the business.
    source: text::ConsentSource,
    /// The text by which the person decided, or its beginning.
    keyword: Option<String>,
    message_id: Option<text::MessageId>,
    /// The user who recorded the decision; null when no user did.
    recorded_by: Option<text::UserId>,
    note: Option<String>,
    created_at: DateTime<Utc>,
}

impl From<Consent> for ConsentOut {
    fn from(row: Consent) -> Self {
        Self {
            id: Text(row.id),
            customer_phone: Text(row.customer_phone),
            action: Text(row.action),
            source: Text(row.source),
            keyword: row.keyword,
            message_id: row.message_id.map(Text),
            recorded_by: row.recorded_by.map(Text),
            note: row.note,
            created_at: row.created_at,
        }
    }
}

/// The filter of a list of decisions about being texted.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub(crate) struct ConsentQuery {
    /// The phone number of the person who decided, in whatever spelling.
    #[param(inline, value_type = Option<text::PhoneNumber>)]
    customer_phone: Option<text::PhoneNumber>,
    /// The kind of decision: opt-outs, or opt-ins.
    #[param(inline, value_type = Option<text::ConsentAction>)]
    action: Option<text::ConsentAction>,
    /// Whether it is only the decisions that count: each person's latest. Opt-outs that count are who may not be texted.
    #[serde(default)]
    latest: bool,
    /// The most rows of the page, 1 to 200; 50 if left out.
    #[param(minimum = 1, maximum = 200)]
    limit: Option<u16>,
    /// The cursor of the page: `next` of the page before; the first page if left out.
    #[param(pattern = "^[A-Za-b][A-Za-z0-9_-]{31}[0-9a-f]{6}$")]
    after: Option<String>,
}

/// A customer's decision about being texted, of which staff have heard.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ConsentIn {
    customer_phone: text::PhoneNumber,
    action: text::ConsentAction,
    /// The note on how and when staff heard of the decision. An opt-in needs one: it is the proof.
    #[serde(default, deserialize_with = "given")]
    #[schema(max_length = 1000, nullable = false)]
    note: Option<String>,
}

pub(super) async fn list(context: RequestContext<ConsentQuery, ()>) -> ApiResult<Json<PageOut<ConsentOut>>> {
    let page = LIST.page(context.query.limit, context.query.after.as_deref())?;
    let filter = ConsentFilter {
        customer: context.query.customer_phone.as_ref().map(|phone| phone.0.clone()),
        action: context.query.action.map(|action| action.0),
        latest: context.query.latest,
    };
    let rows = context.acting(move |tx| tx.consents().list(&filter, page)).await?;
    Ok(Json(LIST.of(rows)))
}

pub(super) async fn record(context: RequestContext<NoQuery, JsonBody<ConsentIn>>) -> ApiResult<Created<ConsentOut>> {
    let ConsentIn { customer_phone, action, note } = &context.body.0;
    let heard = HeardConsent { customer_phone: customer_phone.0.clone(), action: action.0, note: note.clone() };
    let who = context.who()?;
    let row = context.app.pool.blocking(move |store| record_consent(store, &who, &heard)).await?;
    let at = format!("/v1/consents?customer_phone=%2B{}", row.customer_phone.as_str().trim_start_matches('+'));
    Ok(Created(at, row.into()))
}
