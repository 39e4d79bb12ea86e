use crate::api::lists::List;
use crate::api::reply::{Created, Done, Json, PageOut};
use crate::api::request::{Body, JsonBody, NoQuery, RequestContext};
use crate::api::wire::{Text, text};
use crate::error::{ApiError, ApiResult};
use chrono::{DateTime, Utc};
use nmc_core::access::{Session, Tokens};
use nmc_core::people::{end_session, get_session, list_sessions, logout, logout_everywhere};
use nmc_core::{Secret, SessionId};
use serde::{Deserialize, Serialize};
use std::time::{Duration, Instant};
use utoipa::{IntoParams, ToSchema};

const LIST: List = List("sessions");

/// The credentials of a user who logs in.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct LoginIn {
    email: text::Email,
    #[schema(max_length = 72)]
    password: String,
    /// The client's own text to tell its devices apart. From a device of 16 characters or more that has logged in before, such as
    /// a random id that it keeps, a user can log in while strangers guess their password.
    #[schema(max_length = 255)]
    device: Option<String>,
}

/// A refresh token to exchange for new tokens.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RefreshIn {
    refresh_token: String,
}

/// The tokens with which a client goes on after a login or a refresh.
#[derive(Serialize, ToSchema)]
pub(crate) struct TokensOut {
    /// The access token, to be sent as `Authorization: Bearer` with every request.
    access_token: String,
    /// The type of the access token, which is `Bearer`.
    token_type: &'static str,
    /// The seconds for which the access token is valid.
    expires_in: i64,
    /// The refresh token, to be exchanged for new tokens, once. If the answer is lost, it may be sent again, until one of the
    /// tokens that replaced it has been used. Store an answer only over the token that was sent for it: of two tabs that refresh
    /// at once, the later answer stays.
    refresh_token: String,
    session: SessionOut,
}

/// A session: one login of one user on one device.
#[derive(Serialize, ToSchema)]
pub(crate) struct SessionOut {
    pub(super) id: text::SessionId,
    user_id: text::UserId,
    /// The IP address from which the login came.
    ip_address: Option<String>,
    user_agent: Option<String>,
    device: Option<String>,
    /// Whether the session is the one that sends this request.
    is_current: bool,
    created_at: DateTime<Utc>,
    /// The instant at which the session was last used, to the minute.
    last_used_at: DateTime<Utc>,
    /// The instant from which on the session can't be refreshed.
    expires_at: DateTime<Utc>,
}

impl SessionOut {
    pub(super) fn of(row: Session, current: Option<SessionId>) -> Self {
        Self {
            is_current: current == Some(row.id),
            id: Text(row.id),
            user_id: Text(row.user_id),
            ip_address: row.ip_address.map(|address| address.to_string()),
            user_agent: row.user_agent,
            device: row.device_fingerprint,
            created_at: row.created_at,
            last_used_at: row.last_used_at,
            expires_at: row.expires_at,
        }
    }
}

impl TokensOut {
    fn of(tokens: Tokens, now: DateTime<Utc>) -> Self {
        let current = Some(tokens.session.id);
        Self {
            access_token: tokens.access_token.expose().to_owned(),
            token_type: "Bearer",
            expires_in: (tokens.access_expires_at - now).num_seconds(),
            refresh_token: tokens.refresh_token.expose().to_owned(),
            session: SessionOut::of(tokens.session, current),
        }
    }
}

/// The filter of a list of sessions.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub(crate) struct SessionQuery {
    /// The user whose sessions are listed; whoever asks if left out.
    #[param(inline, value_type = Option<text::UserId>)]
    user: Option<text::UserId>,
    /// The most rows of the page, 1 to 200; 50 if left out.
    #[param(minimum = 1, maximum = 200)]
    limit: Option<u16>,
    /// The cursor of the page: `next` of the page before; the first page if left out.
    #[param(pattern = "^[A-Za-b][A-Za-z0-9_-]{31}[0-9a-f]{6}$")]
    after: Option<String>,
}

/// The user whose sessions are to end.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub(crate) struct WhoseQuery {
    /// The user whose sessions end; whoever asks if left out.
    #[param(inline, value_type = Option<text::UserId>)]
    user: Option<text::UserId>,
}

pub(super) async fn log_in(context: RequestContext<NoQuery, JsonBody<LoginIn>>) -> ApiResult<Created<TokensOut>> {
    let tokens = prove(&context).await?;
    let out = TokensOut::of(tokens, context.app.authenticator.store().now());
    Ok(Created(format!("/v1/sessions/{}", out.session.id.0), out))
}

/// The tokens of whoever proves to be a user.
pub(super) async fn prove(context: &RequestContext<NoQuery, JsonBody<LoginIn>>) -> ApiResult<Tokens> {
    let since = Instant::now();
    let LoginIn { email, password, device } = &context.body.0;
    let origin = context.origin(device.clone());
    let (email, password) = (email.0.clone(), Secret::new(password.clone()));
    let authenticator = context.app.authenticator.clone();
    let is_known = {
        let (authenticator, email, origin) = (authenticator.clone(), email.clone(), origin.clone());
        context.app.pool.blocking(move |_| authenticator.knows(&email, &origin))
    };
    context.app.rate_limits.login_from(origin.ip_address, email.as_str(), is_known).await?;
    let tokens = context.app.login_pool.blocking(move |_| authenticator.login(&email, &password, &origin)).await;
    if tokens.is_err() {
        until_the_next_tenth(since).await;
    }
    tokens.map_err(|error: ApiError| error.renamed(&[("device_fingerprint", "device")]))
}

/// Some answers are given at tenths of a second: whether a row was written for it, some thousandth, can't be heard.
pub(super) async fn until_the_next_tenth(since: Instant) {
    const TENTH: Duration = Duration::from_millis(100);
    let over = u32::try_from(since.elapsed().as_millis() / TENTH.as_millis()).unwrap_or(u32::MAX);
    let until = TENTH.saturating_mul(over.saturating_add(1));
    actix_web::rt::time::sleep(until.saturating_sub(since.elapsed())).await;
}

pub(super) async fn refresh(context: RequestContext<NoQuery, JsonBody<RefreshIn>>) -> ApiResult<Json<TokensOut>> {
    let tokens = exchange(&context, Secret::new(context.body.0.refresh_token.clone())).await?;
    Ok(Json(TokensOut::of(tokens, context.app.authenticator.store().now())))
}

/// The tokens for which a refresh token is exchanged.
pub(super) async fn exchange<B: Body>(context: &RequestContext<NoQuery, B>, token: Secret) -> ApiResult<Tokens> {
    context.app.rate_limits.token(context.origin(None).ip_address).await?;
    let authenticator = context.app.authenticator.clone();
    context.app.pool.blocking(move |_| authenticator.refresh(&token)).await
}

pub(super) async fn list(context: RequestContext<SessionQuery, ()>) -> ApiResult<Json<PageOut<SessionOut>>> {
    let page = LIST.page(context.query.limit, context.query.after.as_deref())?;
    let user = context.query.user.map(|user| user.0);
    let (rows, current) = context.acting(move |tx| Ok((list_sessions(tx, user, page)?, tx.actor().session()))).await?;
    Ok(Json(LIST.with(rows, |row| SessionOut::of(row, current))))
}

pub(super) async fn get(context: RequestContext<NoQuery, ()>) -> ApiResult<Json<SessionOut>> {
    let id: SessionId = context.id("session", "session")?;
    let (row, current) = context.acting(move |tx| Ok((get_session(tx, id)?, tx.actor().session()))).await?;
    Ok(Json(SessionOut::of(row, current)))
}

pub(super) async fn log_out(context: RequestContext<NoQuery, ()>) -> ApiResult<Done> {
    context.acting(logout).await?;
    Ok(Done)
}

pub(super) async fn log_out_everywhere(context: RequestContext<WhoseQuery, ()>) -> ApiResult<Done> {
    let user = context.query.user.map(|user| user.0);
    context.acting(move |tx| logout_everywhere(tx, user)).await?;
    Ok(Done)
}

pub(super) async fn end(context: RequestContext<NoQuery, ()>) -> ApiResult<Done> {
    let id: SessionId = context.id("session", "session")?;
    context.acting(move |tx| end_session(tx, id)).await?;
    Ok(Done)
}
