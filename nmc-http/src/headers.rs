//! What every answer says to browsers: don't guess, don't frame, don't keep, don't tell.

use actix_cors::Cors;
use actix_web::body::MessageBody;
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::Method;
use actix_web::http::header::{self, HeaderName, HeaderValue};
use actix_web::middleware::Next;

const ALWAYS: [(HeaderName, &str); 4] = [
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::X_FRAME_OPTIONS, "DENY"),
    (header::REFERRER_POLICY, "no-referrer"),
    (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
];
/// The API answers with data: there is nothing in it to run, load or show in a frame.
const DATA: &str = "default-src 'none'; frame-ancestors 'none'";
/// The docs page runs its own scripts and no others.
const DOCS: &str = "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; \
connect-src 'self'; frame-ancestors 'none'";

/// The web inbox runs its own modules and no others, and makes no markup of any text.
const PAGE: &str = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:; \
base-uri 'none'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'";

/// The headers of a refusal that is written by hand.
pub(crate) fn of_refusals() -> impl Iterator<Item = (HeaderName, &'static str)> {
    ALWAYS.into_iter().chain([(header::CONTENT_SECURITY_POLICY, DATA), (header::CACHE_CONTROL, "no-store")])
}

/// Adds these headers, unless an answer has its own.
pub(crate) async fn secure(
    req: ServiceRequest,
    next: Next<impl MessageBody>,
) -> Result<ServiceResponse<impl MessageBody>, actix_web::Error> {
    let is_docs = req.path().starts_with("/docs");
    let is_page = req.path() == "/app" || req.path().starts_with("/app/");
    let mut answer = next.call(req).await?;
    let is_whole = answer.status().is_success();
    let headers = answer.headers_mut();
    let mut set = |name: HeaderName, value: &'static str| {
        if !headers.contains_key(&name) {
            headers.insert(name, HeaderValue::from_static(value));
        }
    };
    for (name, value) in ALWAYS {
        set(name, value);
    }
    let policy = match (is_docs, is_page) {
        (true, _) => DOCS,
        (_, true) => PAGE,
        _ => DATA,
    };
    set(header::CONTENT_SECURITY_POLICY, policy);
    // With an ETag a browser may keep it, if it asks each time.
    let cache = if is_docs && is_whole { "public, max-age=3600" } else { "no-store" };
    set(header::CACHE_CONTROL, cache);
    Ok(answer)
}

/// Pages of these origins may call the API; of no other.
pub(crate) fn cors(origins: &[String]) -> Cors {
    let mut cors = Cors::default();
    for origin in origins {
        cors = cors.allowed_origin(origin);
    }
    cors.allowed_methods([Method::GET, Method::POST, Method::PUT, Method::PATCH, Method::DELETE])
        .allowed_headers([
            header::AUTHORIZATION,
            header::CONTENT_TYPE,
            header::IF_MATCH,
            HeaderName::from_static("idempotency-key"),
            HeaderName::from_static("last-event-id"),
        ])
        .expose_headers([header::ETAG, header::LOCATION, header::RETRY_AFTER])
        .max_age(3_600)
}
