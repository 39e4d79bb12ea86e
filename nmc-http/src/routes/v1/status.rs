use crate::api::lists::List;
use crate::api::reply::{Json, PageOut};
use crate::api::request::{JsonBody, NoQuery, RequestContext};
use crate::api::wire::{Change, Text, given, text};
use crate::error::ApiResult;
use chrono::{DateTime, Utc};
use nmc_core::access::Permission;
use nmc_core::people::{Presence, PresenceFilter, may_change};
use nmc_core::{Error, Result, TenantTx, UserId};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

const LIST: List = List("statuses");

/// The status of a user: whether they are online, and what they say of being reachable.
#[derive(Serialize, ToSchema)]
pub(crate) struct StatusOut {
    user_id: text::UserId,
    /// Whether the user was seen within the last 90 seconds, and has not gone offline since.
    is_online: bool,
    /// The user's own word on being reachable.
    status: text::PresenceStatus,
    message: Option<String>,
    last_seen_at: DateTime<Utc>,
}

impl From<Presence> for StatusOut {
    fn from(row: Presence) -> Self {
        Self {
            user_id: Text(row.user_id),
            is_online: row.is_online,
            status: Text(row.current_status),
            message: row.status_message,
            last_seen_at: row.last_seen_at,
        }
    }
}

/// The filter of a list of users' statuses.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub(crate) struct StatusQuery {
    /// Whether the users are online (true), or not (false).
    is_online: Option<bool>,
    /// The users' own word on being reachable.
    #[param(inline, value_type = Option<text::PresenceStatus>)]
    status: Option<text::PresenceStatus>,
    /// The most rows of the page, 1 to 200; 50 if left out.
    #[param(minimum = 1, maximum = 200)]
    limit: Option<u16>,
    /// The cursor of the page: `next` of the page before; the first page if left out.
    #[param(pattern = "^[A-Za-b][A-Za-z0-9_-]{31}[0-9a-f]{6}$")]
    after: Option<String>,
}

/// Changes of a user's status.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct StatusChange {
    #[serde(default, deserialize_with = "given")]
    #[schema(nullable = false)]
    status: Option<text::PresenceStatus>,
    #[serde(default)]
    #[schema(value_type = Option<String>, max_length = 200)]
    message: Change<String>,
}

pub(super) async fn list(context: RequestContext<StatusQuery, ()>) -> ApiResult<Json<PageOut<StatusOut>>> {
    let page = LIST.page(context.query.limit, context.query.after.as_deref())?;
    let filter = PresenceFilter {
        is_online: context.query.is_online,
        current_status: context.query.status.map(|status| status.0),
        ..PresenceFilter::default()
    };
    let rows = context.acting(move |tx| tx.presences().list(&filter, page)).await?;
    Ok(Json(LIST.of(rows)))
}

pub(super) async fn get(context: RequestContext<NoQuery, ()>) -> ApiResult<Json<StatusOut>> {
    let whom = context.whom()?;
    let row = context
        .acting(move |tx| {
            let user = whom.id(tx)?;
            tx.must_for(user, Permission::StatusRead)?;
            tx.presences().get(user)
        })
        .await?;
    Ok(Json(row.into()))
}

pub(super) async fn change(context: RequestContext<NoQuery, JsonBody<StatusChange>>) -> ApiResult<Json<StatusOut>> {
    let (whom, body) = (context.whom()?, &context.body.0);
    let (status, message) = (body.status.map(|status| status.0), body.message.0.clone());
    let row = context
        .acting(move |tx| {
            let user = whom.id(tx)?;
            may_change(tx, user, Permission::StatusWrite)?;
            let status = match status {
                Some(status) => status,
                None => tx.presences().get(user)?.current_status,
            };
            tx.presences().set(user, status, &message)
        })
        .await
        .map_err(|error| error.renamed(&[("status_message", "message")]))?;
    Ok(Json(row.into()))
}

/// The user who asks.
fn own_user(tx: &TenantTx<'_>) -> Result<UserId> {
    tx.actor().user().ok_or(Error::Forbidden("an API key is no user"))
}

pub(super) async fn beat(context: RequestContext<NoQuery, ()>) -> ApiResult<Json<StatusOut>> {
    let row = context.acting(|tx| own_user(tx).and_then(|user| tx.presences().heartbeat(user))).await?;
    Ok(Json(row.into()))
}

pub(super) async fn go_offline(context: RequestContext<NoQuery, ()>) -> ApiResult<Json<StatusOut>> {
    let row = context.acting(|tx| own_user(tx).and_then(|user| tx.presences().go_offline(user))).await?;
    Ok(Json(row.into()))
}
