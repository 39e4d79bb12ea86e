//! One line per request: its id, which the answer bears as X-Request-Id, method, route, status, milliseconds. Never a query, a
//! body or a header.

use crate::error::ApiError;
use actix_web::body::MessageBody;
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::header::{HeaderName, HeaderValue};
use actix_web::middleware::Next;
use nmc_core::Error;
use nmc_core::telephony::ProviderError;
use std::time::Instant;
use uuid::Uuid;

pub(crate) async fn requests(
    req: ServiceRequest,
    next: Next<impl MessageBody>,
) -> Result<ServiceResponse<impl MessageBody>, actix_web::Error> {
    let since = Instant::now();
    let method = req.method().clone();
    // Ours, not the client's: what a client sends is anybody's to fill with anything.
    let id = Uuid::new_v4().simple().to_string();
    let mut answer = next.call(req).await?;
    if let Ok(value) = HeaderValue::from_str(&id) {
        answer.headers_mut().insert(HeaderName::from_static("x-request-id"), value);
    }
    let status = answer.status().as_u16();
    // The pattern, not the path: unknown paths are anybody's to fill with anything.
    let route = answer.request().match_pattern().unwrap_or_else(|| "(none)".to_owned());
    let took_ms = u64::try_from(since.elapsed().as_millis()).unwrap_or(u64::MAX);
    let Some(refusal) = answer.response().error() else {
        tracing::debug!(id, %method, route, status, took_ms, "request");
        return Ok(answer);
    };
    let error: String = cause(refusal).chars().take(500).collect();
    match concern(refusal, status, &route) {
        Concern::Account => tracing::error!(id, %method, route, status, took_ms, error, "request"),
        Concern::Operator => tracing::warn!(id, %method, route, status, took_ms, error, "request"),
        Concern::Client => tracing::info!(id, %method, route, status, took_ms, error, "request"),
        Concern::Nobody => tracing::debug!(id, %method, route, status, took_ms, error, "request"),
    }
    Ok(answer)
}

/// The person whom a refusal concerns.
enum Concern {
    /// The account at the provider: nothing is bought, and nothing given back, before an operator has seen to it.
    Account,
    /// The line is for an operator: something is wrong here, or a webhook was not recorded.
    Operator,
    /// The request was wrong.
    Client,
    /// The line is for nobody: somebody looked for what is not here, as scanners do all day; or a line of its own has told of it
    /// already.
    Nobody,
}

fn concern(refusal: &actix_web::Error, status: u16, route: &str) -> Concern {
    let is_webhook = route.starts_with("/webhooks/");
    match refusal.as_error::<ApiError>() {
        Some(ApiError::NoRoute | ApiError::Method(_) | ApiError::NotSigned) => Concern::Nobody,
        Some(ApiError::Core(Error::NotFound { .. })) if is_webhook => Concern::Nobody,
        Some(ApiError::Core(Error::Provider(refusal))) if refusal.is_for_operators() => Concern::Account,
        _ if is_webhook || status >= 500 => Concern::Operator,
        _ => Concern::Client,
    }
}

/// The whole chain of our own errors, which hold no values; of others no more than their kind. The library does not know what an
/// operator sets.
fn cause(error: &actix_web::Error) -> String {
    match error.as_error::<ApiError>() {
        Some(ApiError::Core(core @ Error::Provider(ProviderError::Credentials { .. }))) => {
            format!("{}; check TWILIO_ACCOUNT_SID and TWILIO_AUTH_TOKEN", core.causes())
        }
        Some(ApiError::Core(core)) => core.causes(),
        Some(ours) => ours.to_string(),
        None => "refused by the framework".to_owned(),
    }
}
