//! Errors as RFC 9457 problem documents. No answer carries SQL, constraint names or another tenant's existence.

use actix_web::http::StatusCode;
use actix_web::http::header::{ALLOW, CONTENT_TYPE, RETRY_AFTER};
use actix_web::{HttpResponse, ResponseError};
use nmc_core::Error;
use serde::Serialize;

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
    #[error("the body must be application/x-www-form-urlencoded")]
    NotAForm,
    #[error("the body did not arrive in time, or not whole")]
    Incomplete,
    #[error("the server is at its limit; try again in a moment")]
    Overloaded,
    #[error("there is nothing here")]
    NoRoute,
    #[error("this resource does not take that method")]
    Method(&'static str),
}

#[derive(Serialize)]
struct Problem<'a> {
    #[serde(rename = "type")]
    kind: &'a str,
    title: &'a str,
    status: u16,
    detail: String,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    errors: Vec<FieldProblem<'a>>,
}

#[derive(Serialize)]
struct FieldProblem<'a> {
    pointer: String,
    detail: &'a str,
}

impl ApiError {
    const fn title(&self) -> &'static str {
        match self {
            Self::Core(Error::NotFound { .. }) | Self::NoRoute => "Not found",
            Self::Core(Error::Conflict { .. } | Error::InvalidTransition { .. }) => "Conflict",
            Self::Core(Error::Invalid { .. }) => "Invalid input",
            Self::Core(Error::Forbidden(_)) | Self::NotSigned => "Forbidden",
            Self::Core(Error::Unavailable { .. }) | Self::Overloaded => "Unavailable",
            Self::Core(_) => "Internal error",
            Self::TooLarge(_) => "Too large",
            Self::NotAForm => "Unsupported media type",
            Self::Incomplete => "Request timeout",
            Self::Method(_) => "Method not allowed",
        }
    }
}

impl ResponseError for ApiError {
    fn status_code(&self) -> StatusCode {
        match self {
            Self::Core(Error::NotFound { .. }) | Self::NoRoute => StatusCode::NOT_FOUND,
            Self::Core(Error::Conflict { .. } | Error::InvalidTransition { .. }) => StatusCode::CONFLICT,
            Self::Core(Error::Invalid { .. }) => StatusCode::BAD_REQUEST,
            Self::Core(Error::Forbidden(_)) | Self::NotSigned => StatusCode::FORBIDDEN,
            Self::Core(Error::Unavailable { .. }) | Self::Overloaded => StatusCode::SERVICE_UNAVAILABLE,
            Self::Core(_) => StatusCode::INTERNAL_SERVER_ERROR,
            Self::TooLarge(_) => StatusCode::PAYLOAD_TOO_LARGE,
            Self::NotAForm => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Self::Incomplete => StatusCode::REQUEST_TIMEOUT,
            Self::Method(_) => StatusCode::METHOD_NOT_ALLOWED,
        }
    }

    fn error_response(&self) -> HttpResponse {
        let status = self.status_code();
        let errors = match self {
            Self::Core(Error::Invalid { field, rule }) => vec![FieldProblem { pointer: format!("#/{field}"), detail: rule }],
            Self::Core(Error::Conflict { field, rule }) => vec![FieldProblem { pointer: format!("#/{field}"), detail: rule }],
            _ => Vec::new(),
        };
        let problem =
            Problem { kind: "about:blank", title: self.title(), status: status.as_u16(), detail: self.to_string(), errors };
        let mut answer = HttpResponse::build(status);
        answer.insert_header((CONTENT_TYPE, "application/problem+json"));
        if status == StatusCode::SERVICE_UNAVAILABLE {
            answer.insert_header((RETRY_AFTER, "2"));
        }
        if let Self::Method(allowed) = self {
            answer.insert_header((ALLOW, *allowed));
        }
        answer.body(serde_json::to_string(&problem).unwrap_or_else(|_| "{}".to_owned()))
    }
}
