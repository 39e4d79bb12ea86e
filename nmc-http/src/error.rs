//! Errors as RFC 9457 problem documents. No answer carries SQL, constraint names or another tenant's existence.

use actix_web::http::StatusCode;
use actix_web::http::header::{ALLOW, CONTENT_TYPE, HeaderName, RETRY_AFTER, SEC_WEBSOCKET_VERSION, UPGRADE, WWW_AUTHENTICATE};
use actix_web::{HttpResponse, ResponseError};
use nmc_core::telephony::ProviderError;
use nmc_core::{Error, ErrorKind};
use serde::Serialize;
use std::borrow::Cow;

/// The result that a handler returns.
pub(crate) type ApiResult<T> = Result<T, ApiError>;

/// The reason why a request was refused.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ApiError {
    #[error(transparent)]
    Core(#[from] Error),
    #[error("the conversation has moved on since; read what is newer, and decide anew")]
    MovedOn(Newer),
    #[error("the request is not signed by Twilio")]
    NotSigned,
    #[error("the body is larger than {0} bytes")]
    TooLarge(usize),
    #[error("the body must be {0}")]
    MediaType(&'static str),
    #[error("{}", .0.told())]
    Body(FieldProblem),
    #[error("{}", .0.told())]
    Rows(Faults),
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
    #[error("this is for WebSocket clients (RFC 6455, version 13)")]
    NoUpgrade,
    #[error(transparent)]
    Unreadable(Unreadable),
}

/// The reason why no request could be made out of what a connection brought.
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
    #[serde(skip_serializing_if = "Option::is_none")]
    newer: Option<&'a Newer>,
}

/// The events of a conversation since a client saw it.
#[derive(Debug, Serialize)]
pub(crate) struct Newer {
    /// The conversation in which to go on: the same one, or the one that followed it.
    pub(crate) conversation_id: String,
    /// The current version of that conversation.
    pub(crate) version: String,
    /// The events of that conversation since, the newest first.
    pub(crate) events: Vec<NewerEvent>,
}

/// An event of a conversation that a client has not seen.
#[derive(Debug, Serialize)]
pub(crate) struct NewerEvent {
    pub(crate) id: String,
    pub(crate) event_type: &'static str,
    /// The text that the event is about.
    pub(crate) message_id: Option<String>,
}

/// The rows of a body that are at fault.
#[derive(Debug)]
pub(crate) struct Faults {
    /// Each of them, up to [`Self::MOST`]: the line in which its row begins, and what is wrong.
    rows: Vec<(u64, Error)>,
}

impl Faults {
    /// The most rows at fault that are told of.
    pub(crate) const MOST: usize = 20;

    /// These rows; none is at fault if there are none.
    pub(crate) const fn new(rows: Vec<(u64, Error)>) -> Self {
        Self { rows }
    }

    fn told(&self) -> String {
        let mut told = self.rows.iter().map(|(_, error)| error.to_string());
        let first = told.next().unwrap_or_default();
        match told.count() {
            0 => first,
            more if more + 1 < Self::MOST => format!("{first}; and {more} more"),
            more => format!("{first}; and {more} more, or still more"),
        }
    }
}

/// A problem of one field of a request.
#[derive(Debug, Serialize)]
pub(crate) struct FieldProblem {
    /// The place of the field: a JSON pointer into the body, or the name of a parameter in the same form.
    pub(crate) pointer: String,
    /// The rule that the field breaks, in words that follow its name.
    pub(crate) detail: Cow<'static, str>,
    /// The line of the body in which the row at fault begins, from 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) line: Option<u64>,
}

impl FieldProblem {
    /// A problem of the field in that place.
    pub(crate) const fn new(pointer: String, detail: Cow<'static, str>) -> Self {
        Self { pointer, detail, line: None }
    }

    /// A problem of the body as a whole.
    pub(crate) fn whole(detail: &'static str) -> Self {
        Self::new("#".to_owned(), detail.into())
    }

    fn told(&self) -> String {
        let Some(path) = self.pointer.strip_prefix("#/") else { return format!("the body {}", self.detail) };
        // As the library names them: `rows[1].metric`, `business.name`.
        let mut name = String::new();
        for part in path.split('/') {
            match part.parse::<u64>() {
                Ok(place) if !name.is_empty() => name.push_str(&format!("[{place}]")),
                _ if name.is_empty() => name.push_str(part),
                _ => name.push_str(&format!(".{part}")),
            }
        }
        format!("{name} {}", self.detail)
    }
}

impl ApiError {
    /// The error in the words of a request whose fields go by other names than the library's: pairs of the library's name and
    /// the request's.
    pub(crate) fn renamed(self, names: &[(&'static str, &'static str)]) -> Self {
        match self {
            Self::Core(error) => Self::Core(error.renamed(names)),
            other => other,
        }
    }

    fn status(&self) -> StatusCode {
        match self {
            Self::Core(error) => StatusCode::from_u16(error.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR),
            Self::NoRoute => StatusCode::NOT_FOUND,
            Self::MovedOn(_) => StatusCode::PRECONDITION_FAILED,
            Self::Body(_) | Self::Rows(_) | Self::Unreadable(Unreadable::Malformed) => StatusCode::BAD_REQUEST,
            Self::RegistrationClosed | Self::NotSigned => StatusCode::FORBIDDEN,
            Self::Overloaded | Self::NoProvider => StatusCode::SERVICE_UNAVAILABLE,
            Self::TooLarge(_) => StatusCode::PAYLOAD_TOO_LARGE,
            Self::MediaType(_) => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Self::TooMany(_) => StatusCode::TOO_MANY_REQUESTS,
            Self::Incomplete | Self::Unreadable(Unreadable::Slow) => StatusCode::REQUEST_TIMEOUT,
            Self::Method(_) => StatusCode::METHOD_NOT_ALLOWED,
            Self::NoUpgrade => StatusCode::UPGRADE_REQUIRED,
            Self::Unreadable(Unreadable::TooLong) => StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE,
        }
    }

    /// The kind of the refusal, for a person and for a program.
    const fn kind(&self) -> (&'static str, &'static str) {
        match self {
            Self::Core(Error::Provider(refusal)) => provider_kind(refusal),
            Self::Core(error) => core_kind(error.kind()),
            Self::NoRoute => ("Not found", "not_found"),
            Self::MovedOn(_) => ("Precondition failed", "stale"),
            Self::Body(_) | Self::Rows(_) => ("Invalid input", "invalid"),
            Self::RegistrationClosed => ("Forbidden", "registration_closed"),
            Self::NotSigned => ("Forbidden", "not_signed"),
            Self::Overloaded => ("Unavailable", "overloaded"),
            Self::NoProvider => ("Unavailable", "no_provider"),
            Self::TooLarge(_) => ("Too large", "too_large"),
            Self::MediaType(_) => ("Unsupported media type", "media_type"),
            Self::TooMany(_) => ("Too many requests", "rate_limited"),
            Self::Incomplete | Self::Unreadable(Unreadable::Slow) => ("Request timeout", "incomplete"),
            Self::Method(_) => ("Method not allowed", "method"),
            Self::NoUpgrade => ("Upgrade required", "upgrade_required"),
            Self::Unreadable(Unreadable::Malformed) => ("Malformed request", "malformed"),
            Self::Unreadable(Unreadable::TooLong) => ("Head too large", "head_too_large"),
        }
    }
}

/// The title and code of an error of the library.
const fn core_kind(kind: ErrorKind) -> (&'static str, &'static str) {
    match kind {
        ErrorKind::NotFound => ("Not found", "not_found"),
        ErrorKind::Conflict => ("Conflict", "conflict"),
        ErrorKind::InvalidTransition => ("Conflict", "invalid_transition"),
        ErrorKind::Stale => ("Precondition failed", "stale"),
        ErrorKind::Unauthenticated => ("Unauthorized", "unauthenticated"),
        ErrorKind::Invalid => ("Invalid input", "invalid"),
        ErrorKind::Forbidden => ("Forbidden", "forbidden"),
        ErrorKind::AwaitingApproval => ("Forbidden", "awaiting_approval"),
        ErrorKind::Unavailable => ("Unavailable", "unavailable"),
        _ => ("Internal error", "internal"),
    }
}

/// The title and code of what the provider of numbers says. None of it is mended by waiting: that would be `Unavailable`.
const fn provider_kind(refusal: &ProviderError) -> (&'static str, &'static str) {
    match refusal {
        ProviderError::Taken => ("Conflict", "number_taken"),
        ProviderError::Gone => ("Conflict", "number_lost"),
        ProviderError::Country => ("Invalid input", "invalid"),
        ProviderError::NoFunds { .. } => ("The provider refuses", "provider_no_funds"),
        ProviderError::Credentials { .. } => ("The provider refuses", "provider_credentials"),
        _ => ("The provider refuses", "provider_refused"),
    }
}

impl ApiError {
    /// The refusal's code, for a program, and what is wrong, for a person.
    pub(crate) fn told(&self) -> (&'static str, String) {
        let detail = match self {
            Self::Core(Error::Provider(refusal)) => refusal.told(),
            other => other.to_string(),
        };
        (self.kind().1, detail)
    }

    /// The problem document, and the headers that go with it.
    pub(crate) fn written(&self) -> (String, Vec<(HeaderName, Cow<'static, str>)>) {
        let (status, (title, code)) = (self.status(), self.kind());
        // A field within another one is named `business.name`, its pointer `business/name`. What is at fault as a whole, such as `API key`
        // or `the row`, is no field.
        let pointer = |field: &str| if field.contains(' ') { String::new() } else { format!("/{}", field.replace('.', "/")) };
        let field = |field: &str, detail: &Cow<'static, str>| FieldProblem::new(format!("#{}", pointer(field)), detail.clone());
        let invalid = |error: &Error| match error {
            Error::Invalid { field: name, rule, row: Some(row), .. } => {
                Some(FieldProblem::new(format!("#/rows/{row}{}", pointer(name)), rule.clone()))
            }
            Error::Invalid { field: name, rule, .. } => Some(field(name, rule)),
            _ => None,
        };
        let errors = match self {
            Self::Core(error @ Error::Invalid { .. }) => invalid(error).into_iter().collect(),
            Self::Rows(Faults { rows }) => {
                let at =
                    |(line, error): &(u64, Error)| invalid(error).map(|problem| FieldProblem { line: Some(*line), ..problem });
                rows.iter().filter_map(at).collect()
            }
            Self::Core(Error::Conflict { field: name, rule, .. }) => vec![field(name, &Cow::Borrowed(*rule))],
            Self::Core(Error::Provider(ProviderError::Country)) => {
                vec![field("country", &Cow::Borrowed("must be one in which numbers of this kind are sold"))]
            }
            Self::Core(Error::Provider(ProviderError::Taken)) => {
                vec![field("phone_number", &Cow::Borrowed("must be one that is for sale"))]
            }
            Self::Body(FieldProblem { pointer, detail, .. }) => vec![FieldProblem::new(pointer.clone(), detail.clone())],
            _ => Vec::new(),
        };
        let (_, detail) = self.told();
        let newer = if let Self::MovedOn(newer) = self { Some(newer) } else { None };
        let problem = Problem { newer, kind: "about:blank", title, status: status.as_u16(), code, detail, errors };
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
        if matches!(self, Self::NoUpgrade) {
            headers.push((UPGRADE, "websocket".into()));
            headers.push((SEC_WEBSOCKET_VERSION, "13".into()));
        }
        if let Self::Method(allowed) = self {
            headers.push((ALLOW, allowed.clone().into()));
        }
        (serde_json::to_string(&problem).unwrap_or_else(|_| "{}".to_owned()), headers)
    }
}

impl ResponseError for ApiError {
    fn status_code(&self) -> StatusCode {
        self.status()
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
