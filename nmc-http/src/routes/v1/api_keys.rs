use crate::api::lists::List;
use crate::api::reply::{Created, Done, Json, PageOut, Tagged};
use crate::api::request::{JsonBody, NoQuery, RequestContext, must_match};
use crate::api::wire::{Change, Text, given, text};
use crate::error::ApiResult;
use chrono::{DateTime, TimeDelta, Utc};
use nmc_core::access::{ApiKey, ApiKeyFilter, ApiKeyPatch, ApiKeyText, KeyOrder, change_key, make_key, revoke_key, rotate_key};
use nmc_core::{ApiKeyId, Error};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

const LIST: List = List("API keys");

/// An API key, with which another program acts for the business.
#[derive(Serialize, ToSchema)]
pub(crate) struct ApiKeyOut {
    id: text::ApiKeyId,
    name: String,
    /// The public start of the key, which reads `nmc_<prefix>_<secret>`.
    prefix: String,
    /// The permissions that the key has.
    scopes: Vec<String>,
    created_by: Option<text::UserId>,
    expires_at: Option<DateTime<Utc>>,
    /// The instant of the last request with the key, to the minute.
    last_used_at: Option<DateTime<Utc>>,
    revoked_at: Option<DateTime<Utc>>,
    created_at: DateTime<Utc>,
    updated_at: DateTime<Utc>,
}

impl From<ApiKey> for ApiKeyOut {
    fn from(row: ApiKey) -> Self {
        Self {
            id: Text(row.id),
            name: row.name,
            prefix: row.prefix,
            scopes: row.scopes,
            created_by: row.created_by.map(Text),
            expires_at: row.expires_at,
            last_used_at: row.last_used_at,
            revoked_at: row.revoked_at,
            created_at: row.created_at,
            updated_at: row.updated_at,
        }
    }
}

/// An API key that was made.
#[derive(Serialize, ToSchema)]
pub(crate) struct MadeKeyOut {
    api_key: ApiKeyOut,
    /// The key itself, which is shown only this once.
    key: String,
}

impl MadeKeyOut {
    fn created((row, text): (ApiKey, ApiKeyText)) -> Created<Self> {
        let at = format!("/v1/api-keys/{}", row.id);
        Created(at, Self { api_key: row.into(), key: text.text().expose().to_owned() })
    }
}

/// The filter of a list of API keys.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub(crate) struct ApiKeyQuery {
    /// Whether the keys are in force (true), or revoked or expired (false).
    in_force: Option<bool>,
    /// The most rows of the page, 1 to 200; 50 if left out.
    #[param(minimum = 1, maximum = 200)]
    limit: Option<u16>,
    /// The cursor of the page: `next` of the page before; the first page if left out.
    #[param(pattern = "^[A-Za-b][A-Za-z0-9_-]{31}[0-9a-f]{6}$")]
    after: Option<String>,
}

/// An API key to make.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ApiKeyIn {
    /// The purpose of the key.
    #[schema(max_length = 100)]
    name: String,
    /// The permissions of the key: none that its maker does not have.
    #[schema(min_items = 1, max_items = 50)]
    scopes: Vec<text::Permission>,
    /// The instant from which on the key is refused; never if left out.
    expires_at: Option<DateTime<Utc>>,
}

/// Changes of an API key.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ApiKeyChange {
    #[serde(default, deserialize_with = "given")]
    #[schema(max_length = 100, nullable = false)]
    name: Option<String>,
    #[serde(default, deserialize_with = "given")]
    #[schema(min_items = 1, max_items = 50, nullable = false)]
    scopes: Option<Vec<text::Permission>>,
    #[serde(default)]
    #[schema(value_type = Option<DateTime<Utc>>)]
    expires_at: Change<DateTime<Utc>>,
}

/// The terms on which an API key is replaced by a new one.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RotationIn {
    /// The seconds for which the old key stays in force; 0 revokes it at once. At most 30 days; a day if left out.
    #[serde(default, deserialize_with = "given")]
    #[schema(minimum = 0, maximum = 2592000, nullable = false)]
    overlap_seconds: Option<i64>,
}

pub(super) async fn list(context: RequestContext<ApiKeyQuery, ()>) -> ApiResult<Json<PageOut<ApiKeyOut>>> {
    let page = LIST.page(context.query.limit, context.query.after.as_deref())?;
    let filter = ApiKeyFilter { in_force: context.query.in_force, ..ApiKeyFilter::default() };
    let rows = context.acting(move |tx| tx.api_keys().list(&filter, page)).await?;
    Ok(Json(LIST.of(rows)))
}

pub(super) async fn make(context: RequestContext<NoQuery, JsonBody<ApiKeyIn>>) -> ApiResult<Created<MadeKeyOut>> {
    let body = &context.body.0;
    let scopes = body.scopes.iter().map(|scope| scope.0).collect();
    let order = KeyOrder { name: body.name.clone(), scopes, expires_at: body.expires_at };
    Ok(MadeKeyOut::created(context.acting(move |tx| make_key(tx, &order)).await?))
}

pub(super) async fn get(context: RequestContext<NoQuery, ()>) -> ApiResult<Tagged<ApiKeyOut>> {
    let id: ApiKeyId = context.id("key", "API key")?;
    let row = context.acting(move |tx| tx.api_keys().get(id)).await?;
    Ok(Tagged(row.version(), row.into()))
}

pub(super) async fn change(context: RequestContext<NoQuery, JsonBody<ApiKeyChange>>) -> ApiResult<Tagged<ApiKeyOut>> {
    let (id, expected, body) = (context.id::<ApiKeyId>("key", "API key")?, context.if_match()?, &context.body.0);
    let patch = ApiKeyPatch {
        name: body.name.clone(),
        scopes: body.scopes.as_ref().map(|scopes| scopes.iter().map(|scope| scope.0.to_string()).collect()),
        expires_at: body.expires_at.0,
    };
    let row = context
        .acting(move |tx| {
            must_match(expected.as_ref(), tx.api_keys().lock(id)?.version(), "API key")?;
            change_key(tx, id, &patch)
        })
        .await?;
    Ok(Tagged(row.version(), row.into()))
}

pub(super) async fn revoke(context: RequestContext<NoQuery, ()>) -> ApiResult<Done> {
    let id: ApiKeyId = context.id("key", "API key")?;
    context.acting(move |tx| revoke_key(tx, id)).await?;
    Ok(Done)
}

pub(super) async fn rotate(context: RequestContext<NoQuery, JsonBody<RotationIn>>) -> ApiResult<Created<MadeKeyOut>> {
    let id: ApiKeyId = context.id("key", "API key")?;
    let overlap = TimeDelta::try_seconds(context.body.0.overlap_seconds.unwrap_or(86_400))
        .ok_or(Error::invalid("overlap_seconds", "must be between 0 and 2592000"))?;
    let made = context.acting(move |tx| rotate_key(tx, id, overlap)).await?;
    Ok(MadeKeyOut::created(made))
}
