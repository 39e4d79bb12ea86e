use crate::api::reply::{Accepted, Done};
use crate::api::request::{JsonBody, NoQuery, RequestContext};
use crate::error::ApiResult;
use nmc_core::Secret;
use nmc_core::people::mail_verification;
use serde::Deserialize;
use utoipa::ToSchema;

/// The token of a mail that verifies an address.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct VerificationIn {
    #[schema(pattern = "^nmcv_[0-9a-f]{32}_[0-9a-f]{32}_[A-Za-z0-9_-]{42}[AEIMQUYcgkosw048]$")]
    token: String,
}

pub(super) async fn ask(context: RequestContext<NoQuery, ()>) -> ApiResult<Accepted> {
    context.acting(mail_verification).await?;
    Ok(Accepted)
}

pub(super) async fn accept(context: RequestContext<NoQuery, JsonBody<VerificationIn>>) -> ApiResult<Done> {
    context.app.rate_limits.token(context.origin(None).ip_address).await?;
    let token = Secret::new(context.body.0.token.clone());
    let authenticator = context.app.authenticator.clone();
    context.app.pool.blocking(move |_| authenticator.verify_email(&token)).await?;
    Ok(Done)
}
