//! One line per request: its id, which the answer bears as X-Request-Id, method, route, status, milliseconds. Never a query, a
//! body or a header.

use actix_web::body::MessageBody;
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::header::{HeaderName, HeaderValue};
use actix_web::middleware::Next;
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
    if let Some(error) = answer.response().error() {
        let error: String = cause(error).chars().take(500).collect();
        tracing::warn!(id, %method, route, status, took_ms, error, "request");
    } else {
        tracing::debug!(id, %method, route, status, took_ms, "request");
    }
    Ok(answer)
}

/// The whole chain of our own errors, which hold no values; of others no more than their kind.
fn cause(error: &actix_web::Error) -> String {
    match error.as_error::<crate::error::ApiError>() {
        Some(crate::error::ApiError::Core(core)) => core.causes(),
        Some(ours) => ours.to_string(),
        None => "refused by the framework".to_owned(),
    }
}
