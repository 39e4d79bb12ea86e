//! Errors as RFC 9457 problem documents. No answer carries SQL, constraint names or another tenant's existence.

use actix_web::http::StatusCode;
use actix_web::http::header::{ALLOW, CONTENT_TYPE, HeaderName, RETRY_AFTER, WWW_AUTHENTICATE};
use actix_web::{HttpResponse, ResponseError};
use nmc_core::Error;
use nmc_core::telephony::ProviderError;
use serde::Serialize;
use std::borrow::Cow;

/// What a handler returns.
pub(crate) type ApiResult<T> = Result<T, ApiError>;

/// Why a request was refused.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ApiError {
    #[error(transparent)]
    Core(#[from] Error),
    #[error("the request is not signed by Twilio")]
    NotSigned,
    #[error("the body is larger than {0} bytes")]
    TooLarge(usize),
    #[error("the body must be {0}")]
    MediaType(&'static str),
    #[error("{}", .0.told())]
    Body(FieldProblem),
    #[error("too many requests; try again in {0} seconds")]
    TooMany(u64),
    #[error("the body did not arrive in time, or not whole")]
    Incomplete,
    #[error("the server is at its limit; try again in a moment")]
    Overloaded,
    #[error(
        "no provider of phone numbers is configured; whoever operates the platform has to set TWILIO_ACCOUNT_SID, \
         TWILIO_AUTH_TOKEN and NMC_PUBLIC_URL"
    )]
    NoProvider,
    #[error("nobody can register here by themselves; ask whoever operates the platform")]
    RegistrationClosed,
    #[error("there is nothing here")]
    NoRoute,
    #[error("this resource does not take that method")]
    Method(String),
    #[error(transparent)]
    Unreadable(Unreadable),
}

/// Why no request could be made out of what a connection brought.
#[derive(Debug, Clone, Copy, thiserror::Error)]
pub(crate) enum Unreadable {
    #[error("this is no request that HTTP/1.1 knows: the request line, a header or the framing of the body is malformed")]
    Malformed,
    #[error("the head of the request did not arrive in time")]
    Slow,
    #[error("the head of the request is too long")]
    TooLong,
}

#[derive(Serialize)]
struct Problem<'a> {
    #[serde(rename = "type")]
    kind: &'a str,
    title: &'a str,
    status: u16,
    code: &'a str,
    detail: String,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    errors: Vec<FieldProblem>,
}

/// What is wrong with one field.
#[derive(Debug, Serialize)]
pub(crate) struct FieldProblem {
    /// Where it is: a JSON pointer into the body, or the name of a parameter in the same form.
    pub(crate) pointer: String,
    /// The rule it breaks, in words that follow its name.
    pub(crate) detail: Cow<'static, str>,
}

impl FieldProblem {
    /// Of the body as a whole.
    pub(crate) fn whole(detail: &'static str) -> Self {
        Self { pointer: "#".to_owned(), detail: detail.into() }
    }

    fn told(&self) -> String {
        let name = self.pointer.strip_prefix("#/").unwrap_or("the body");
        format!("{name} {}", self.detail)
    }
}

impl ApiError {
    /// The same in the words of a request whose fields go by other names than the library's: pairs of the library's name and
    /// the request's.
    pub(crate) fn renamed(self, names: &[(&'static str, &'static str)]) -> Self {
        let ours = |field: &str| names.iter().find(|(library, _)| *library == field).map(|(_, ours)| *ours);
        match self {
            Self::Core(Error::Invalid { field, rule }) => {
                Self::Core(Error::Invalid { field: ours(&field).map_or(field, Cow::Borrowed), rule })
            }
            Self::Core(Error::Conflict { field, rule }) => {
                Self::Core(Error::Conflict { field: ours(field).unwrap_or(field), rule })
            }
            other => other,
        }
    }

    /// Its status; what kind of refusal it is, for a person and for a program.
    const fn kind(&self) -> (StatusCode, &'static str, &'static str) {
        match self {
            Self::Core(Error::NotFound { .. }) | Self::NoRoute => (StatusCode::NOT_FOUND, "Not found", "not_found"),
            Self::Core(Error::Conflict { .. }) => (StatusCode::CONFLICT, "Conflict", "conflict"),
            Self::Core(Error::InvalidTransition { .. }) => (StatusCode::CONFLICT, "Conflict", "invalid_transition"),
            Self::Core(Error::Stale { .. }) => (StatusCode::PRECONDITION_FAILED, "Precondition failed", "stale"),
            Self::Core(Error::Unauthenticated(_)) => (StatusCode::UNAUTHORIZED, "Unauthorized", "unauthenticated"),
            Self::Core(Error::Invalid { .. }) | Self::Body(_) => (StatusCode::BAD_REQUEST, "Invalid input", "invalid"),
            Self::Core(Error::Forbidden(_)) => (StatusCode::FORBIDDEN, "Forbidden", "forbidden"),
            Self::Core(Error::AwaitingApproval(_)) => (StatusCode::FORBIDDEN, "Forbidden", "awaiting_approval"),
            Self::RegistrationClosed => (StatusCode::FORBIDDEN, "Forbidden", "registration_closed"),
            Self::NotSigned => (StatusCode::FORBIDDEN, "Forbidden", "not_signed"),
            Self::Core(Error::Unavailable { .. }) => (StatusCode::SERVICE_UNAVAILABLE, "Unavailable", "unavailable"),
            Self::Overloaded => (StatusCode::SERVICE_UNAVAILABLE, "Unavailable", "overloaded"),
            Self::NoProvider => (StatusCode::SERVICE_UNAVAILABLE, "Unavailable", "no_provider"),
            Self::Core(Error::Provider(refusal)) => provider_kind(refusal),
            Self::Core(_) => (StatusCode::INTERNAL_SERVER_ERROR, "Internal error", "internal"),
            Self::TooLarge(_) => (StatusCode::PAYLOAD_TOO_LARGE, "Too large", "too_large"),
            Self::MediaType(_) => (StatusCode::UNSUPPORTED_MEDIA_TYPE, "Unsupported media type", "media_type"),
            Self::TooMany(_) => (StatusCode::TOO_MANY_REQUESTS, "Too many requests", "rate_limited"),
            Self::Incomplete => (StatusCode::REQUEST_TIMEOUT, "Request timeout", "incomplete"),
            Self::Method(_) => (StatusCode::METHOD_NOT_ALLOWED, "Method not allowed", "method"),
            Self::Unreadable(Unreadable::Malformed) => (StatusCode::BAD_REQUEST, "Malformed request", "malformed"),
            Self::Unreadable(Unreadable::Slow) => (StatusCode::REQUEST_TIMEOUT, "Request timeout", "incomplete"),
            Self::Unreadable(Unreadable::TooLong) => {
                (StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE, "Head too large", "head_too_large")
            }
        }
    }
}

/// The same of what the provider of numbers says. None of it is mended by waiting: that would be `Unavailable`.
const fn provider_kind(refusal: &ProviderError) -> (StatusCode, &'static str, &'static str) {
    match refusal {
        ProviderError::Taken => (StatusCode::CONFLICT, "Conflict", "number_taken"),
        // The row is there, and says so; it is the provider that has nothing under it.
        ProviderError::Gone => (StatusCode::CONFLICT, "Conflict", "number_lost"),
        ProviderError::Country => (StatusCode::BAD_REQUEST, "Invalid input", "invalid"),
        ProviderError::NoFunds { .. } => (StatusCode::BAD_GATEWAY, "The provider refuses", "provider_no_funds"),
        ProviderError::Credentials { .. } => (StatusCode::BAD_GATEWAY, "The provider refuses", "provider_credentials"),
        _ => (StatusCode::UNPROCESSABLE_ENTITY, "The provider refuses", "provider_refused"),
    }
}

impl ApiError {
    /// The problem document, and the headers that go with it.
    pub(crate) fn written(&self) -> (String, Vec<(HeaderName, Cow<'static, str>)>) {
        let (status, title, code) = self.kind();
        let field = |field: &str, detail: &Cow<'static, str>| FieldProblem {
            // The library names elements as `rows[17].name`, a pointer as `rows/17/name`.
            pointer: format!("#/{}", field.replace(['[', '.'], "/").replace(']', "")),
            detail: detail.clone(),
        };
        let errors = match self {
            Self::Core(Error::Invalid { field: name, rule }) => vec![field(name, rule)],
            Self::Core(Error::Conflict { field: name, rule }) => vec![field(name, &Cow::Borrowed(*rule))],
            Self::Core(Error::Provider(ProviderError::Country)) => {
                vec![field("country", &Cow::Borrowed("must be one in which Twilio sells numbers of this kind"))]
            }
            Self::Core(Error::Provider(ProviderError::Taken)) => {
                vec![field("phone_number", &Cow::Borrowed("must be one that is for sale"))]
            }
            Self::Body(FieldProblem { pointer, detail }) => {
                vec![FieldProblem { pointer: pointer.clone(), detail: detail.clone() }]
            }
            _ => Vec::new(),
        };
        let detail = match self {
            Self::Core(Error::Provider(refusal)) => refusal.told(),
            other => other.to_string(),
        };
        let problem = Problem { kind: "about:blank", title, status: status.as_u16(), code, detail, errors };
        let mut headers = vec![(CONTENT_TYPE, Cow::Borrowed("application/problem+json"))];
        if status == StatusCode::SERVICE_UNAVAILABLE {
            headers.push((RETRY_AFTER, "2".into()));
        }
        if let Self::TooMany(seconds) = self {
            headers.push((RETRY_AFTER, seconds.to_string().into()));
        }
        if status == StatusCode::UNAUTHORIZED {
            headers.push((WWW_AUTHENTICATE, "Bearer".into()));
        }
        if let Self::Method(allowed) = self {
            headers.push((ALLOW, allowed.clone().into()));
        }
        (serde_json::to_string(&problem).unwrap_or_else(|_| "{}".to_owned()), headers)
    }
}

impl ResponseError for ApiError {
    fn status_code(&self) -> StatusCode {
        self.kind().0
    }

    fn error_response(&self) -> HttpResponse {
        let (problem, headers) = self.written();
        let mut answer = HttpResponse::build(self.status_code());
        for (name, value) in headers {
            answer.insert_header((name, value.as_ref()));
        }
        // Where the body ends is not known, so neither is where another request would begin.
        if matches!(self, Self::Unreadable(Unreadable::Malformed) | Self::Incomplete) {
            answer.force_close();
        }
        answer.body(problem)
    }
}
