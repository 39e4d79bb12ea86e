//! Sessions of browsers: the refresh token is in a cookie that no script can read, and that goes to its own route alone.

use super::sessions::{LoginIn, SessionOut, exchange, prove};
use crate::api::reply::{Created, Done, Json, WithCookie};
use crate::api::request::{JsonBody, NoQuery, RequestContext};
use crate::error::ApiResult;
use chrono::{DateTime, Utc};
use nmc_core::access::Tokens;
use nmc_core::people::logout;
use nmc_core::{Error, Secret};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

const COOKIE: &str = "refresh_token";
/// The one path that the cookie is sent to.
const PATH: &str = "/v1/browser-sessions/refresh";

/// What a browser's session goes on with: its cookie.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct BrowserRefreshIn {
    /// A refresh token to go on with instead of the cookie's, such as that of the link that the demo prints.
    refresh_token: Option<String>,
}

/// The access token with which a page goes on after a login or a refresh. Its refresh token is in the cookie.
#[derive(Serialize, ToSchema)]
pub(crate) struct BrowserTokenOut {
    /// The access token, to be sent as `Authorization: Bearer` with every request. A page keeps it in memory.
    access_token: String,
    /// The type of the access token, which is `Bearer`.
    token_type: &'static str,
    /// The seconds for which the access token is valid.
    expires_in: i64,
    session: SessionOut,
}

impl BrowserTokenOut {
    fn of(tokens: Tokens, now: DateTime<Utc>) -> Self {
        let current = Some(tokens.session.id);
        Self {
            access_token: tokens.access_token.expose().to_owned(),
            token_type: "Bearer",
            expires_in: (tokens.access_expires_at - now).num_seconds(),
            session: SessionOut::of(tokens.session, current),
        }
    }
}

pub(super) async fn log_in(
    context: RequestContext<NoQuery, JsonBody<LoginIn>>,
) -> ApiResult<WithCookie<Created<BrowserTokenOut>>> {
    let tokens = prove(&context).await?;
    let now = context.app.authenticator.store().now();
    let cookie = cookie(&context, Some(&tokens), now)?;
    let out = BrowserTokenOut::of(tokens, now);
    Ok(WithCookie(cookie, Created(format!("/v1/sessions/{}", out.session.id.0), out)))
}

pub(super) async fn refresh(
    context: RequestContext<NoQuery, JsonBody<BrowserRefreshIn>>,
) -> ApiResult<WithCookie<Json<BrowserTokenOut>>> {
    let shown = context.body.0.refresh_token.clone().or_else(|| context.cookie(COOKIE));
    let shown = shown.ok_or(Error::Unauthenticated("there is no session to go on with: log in"))?;
    let tokens = exchange(&context, Secret::new(shown)).await?;
    let now = context.app.authenticator.store().now();
    let cookie = cookie(&context, Some(&tokens), now)?;
    Ok(WithCookie(cookie, Json(BrowserTokenOut::of(tokens, now))))
}

pub(super) async fn log_out(context: RequestContext<NoQuery, ()>) -> ApiResult<WithCookie<Done>> {
    context.acting(logout).await?;
    let now = context.app.authenticator.store().now();
    Ok(WithCookie(cookie(&context, None, now)?, Done))
}

/// The cookie with the refresh token of these tokens, for as long as the session lasts; without tokens, the one that clears it.
fn cookie<B>(context: &RequestContext<NoQuery, B>, tokens: Option<&Tokens>, now: DateTime<Utc>) -> ApiResult<String> {
    // A browser tells with each POST and DELETE of a page where that came from. Over plain HTTP, a `Secure` cookie would be lost.
    let is_plain = context.text_header("Origin")?.is_some_and(|origin| origin.starts_with("http://"));
    let secure = if is_plain { "" } else { "; Secure" };
    let (value, age) =
        tokens.map_or(("", 0), |tokens| (tokens.refresh_token.expose(), (tokens.session.expires_at - now).num_seconds().max(0)));
    Ok(format!("{COOKIE}={value}; Path={PATH}; Max-Age={age}; HttpOnly; SameSite=Strict{secure}"))
}
