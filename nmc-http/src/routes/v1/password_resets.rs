use super::sessions::until_the_next_tenth;
use crate::api::reply::{Accepted, Done};
use crate::api::request::{JsonBody, NoQuery, RequestContext};
use crate::api::wire::text;
use crate::error::ApiResult;
use nmc_core::Secret;
use serde::Deserialize;
use std::time::Instant;
use utoipa::ToSchema;

/// The address of whoever wants another password.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ResetRequestIn {
    email: text::Email,
}

/// A password reset: the token of the mail, and the password to choose.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ResetIn {
    #[schema(pattern = "^nmcp_[0-9a-f]{32}_[0-9a-f]{32}_[A-Za-z0-9_-]{42}[AEIMQUYcgkosw048]$")]
    token: String,
    /// The password to choose: 10 characters at least, 72 bytes at most.
    #[schema(min_length = 10, max_length = 72)]
    password: String,
}

/// Asks for a mail. The answer is the same, and comes at the same time, whether there is such an account or not.
pub(super) async fn ask(context: RequestContext<NoQuery, JsonBody<ResetRequestIn>>) -> ApiResult<Accepted> {
    let since = Instant::now();
    let email = context.body.0.email.0.clone();
    context.app.rate_limits.reset(context.origin(None).ip_address, email.as_str()).await?;
    let authenticator = context.app.authenticator.clone();
    let asked = context.app.pool.blocking(move |_| authenticator.ask_for_reset(&email)).await;
    until_the_next_tenth(since).await;
    asked.map(|()| Accepted)
}

pub(super) async fn accept(context: RequestContext<NoQuery, JsonBody<ResetIn>>) -> ApiResult<Done> {
    context.app.rate_limits.token(context.origin(None).ip_address).await?;
    let ResetIn { token, password } = &context.body.0;
    let (token, password) = (Secret::new(token.clone()), Secret::new(password.clone()));
    let authenticator = context.app.authenticator.clone();
    context.app.login_pool.blocking(move |_| authenticator.reset_password(&token, &password)).await?;
    Ok(Done)
}
