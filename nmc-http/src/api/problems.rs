//! The refusals that the OpenAPI document tells of: each status has a response of its own, with the headers it brings.

use crate::error::Faults;
use actix_web::http::StatusCode;
use utoipa::openapi::schema::{ArrayBuilder, ObjectBuilder, SchemaType, Type};
use utoipa::openapi::{ContentBuilder, Header, HeaderBuilder, Ref, Response, ResponseBuilder, Schema, SchemaFormat};

/// A kind of refusal.
pub(super) struct Problem {
    pub(super) status: StatusCode,
    pub(super) name: &'static str,
    what: &'static str,
}

/// The facts of an operation that decide which refusals it may answer with.
pub(super) struct Asked {
    pub(super) is_public: bool,
    pub(super) is_change: bool,
    /// The path holds an id.
    pub(super) names_something: bool,
    pub(super) has_body: bool,
    pub(super) is_conditional: bool,
    /// The provider of numbers is asked.
    pub(super) needs_provider: bool,
    /// Whether the operation goes on as WebSocket.
    pub(super) is_upgrade: bool,
}

const ALL: [Problem; 17] = [
    Problem {
        status: StatusCode::BAD_REQUEST,
        name: "BadRequest",
        what: "The input breaks a rule, or is no valid HTTP request.",
    },
    Problem { status: StatusCode::UNAUTHORIZED, name: "Unauthorized", what: "The credential is missing, wrong or not in force." },
    Problem {
        status: StatusCode::FORBIDDEN,
        name: "Forbidden",
        what: "Whoever asks may not do this: `code` and `detail` say why.",
    },
    Problem {
        status: StatusCode::NOT_FOUND,
        name: "NotFound",
        what: "The resource does not exist, or belongs to another business.",
    },
    Problem {
        status: StatusCode::METHOD_NOT_ALLOWED,
        name: "MethodNotAllowed",
        what: "The path does not take this method: Allow names those it takes.",
    },
    Problem {
        status: StatusCode::REQUEST_TIMEOUT,
        name: "RequestTimeout",
        what: "The request did not arrive in time, or not whole.",
    },
    Problem {
        status: StatusCode::CONFLICT,
        name: "Conflict",
        what: "Another row with the same unique value, or the current state, stands in the way.",
    },
    Problem {
        status: StatusCode::PRECONDITION_FAILED,
        name: "PreconditionFailed",
        what: "The resource has changed since the version that If-Match names.",
    },
    Problem { status: StatusCode::PAYLOAD_TOO_LARGE, name: "TooLarge", what: "The body is too large." },
    Problem {
        status: StatusCode::UNSUPPORTED_MEDIA_TYPE,
        name: "MediaType",
        what: "The body has a media type that the operation does not take.",
    },
    Problem { status: StatusCode::UPGRADE_REQUIRED, name: "UpgradeRequired", what: "The request does not ask for a WebSocket." },
    Problem {
        status: StatusCode::UNPROCESSABLE_ENTITY,
        name: "ProviderRefuses",
        what: "The provider of phone numbers refuses; `detail` says why.",
    },
    Problem {
        status: StatusCode::TOO_MANY_REQUESTS,
        name: "TooMany",
        what: "Requests come too often, or too many at once: Retry-After says when to try again.",
    },
    Problem {
        status: StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE,
        name: "HeadTooLarge",
        what: "The request line and the headers are too long.",
    },
    Problem {
        status: StatusCode::INTERNAL_SERVER_ERROR,
        name: "Internal",
        what: "The server has a fault, which its log tells of.",
    },
    Problem {
        status: StatusCode::BAD_GATEWAY,
        name: "ProviderFails",
        what: "The operator has to see to the account at the provider of phone numbers.",
    },
    Problem {
        status: StatusCode::SERVICE_UNAVAILABLE,
        name: "Unavailable",
        what: "The server can't do this now: Retry-After says when to try again.",
    },
];

/// The refusals of an operation.
pub(super) fn that_may_come(asked: &Asked) -> impl Iterator<Item = &'static Problem> {
    ALL.iter().filter(|problem| match problem.status {
        StatusCode::UNAUTHORIZED => !asked.is_public || asked.is_change,
        StatusCode::FORBIDDEN => !asked.is_public,
        StatusCode::NOT_FOUND => asked.names_something,
        StatusCode::CONFLICT => asked.is_change,
        StatusCode::PRECONDITION_FAILED => asked.is_conditional,
        StatusCode::PAYLOAD_TOO_LARGE | StatusCode::UNSUPPORTED_MEDIA_TYPE => asked.has_body,
        StatusCode::UNPROCESSABLE_ENTITY | StatusCode::BAD_GATEWAY => asked.needs_provider,
        StatusCode::UPGRADE_REQUIRED => asked.is_upgrade,
        _ => true,
    })
}

/// All of them, for the document's components.
pub(super) fn responses() -> impl Iterator<Item = (&'static str, Response)> {
    ALL.iter().map(|problem| (problem.name, response(problem)))
}

fn response(problem: &Problem) -> Response {
    let content = ContentBuilder::new().schema(Some(Ref::from_schema_name("Problem"))).build();
    let response = ResponseBuilder::new().description(problem.what).content("application/problem+json", content);
    let response = match problem.status {
        StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE => {
            let seconds = ObjectBuilder::new().schema_type(Type::Integer).minimum(Some(1)).maximum(Some(86_400));
            response.header("Retry-After", header(seconds, "The seconds to wait before trying again."))
        }
        StatusCode::UNAUTHORIZED => {
            response.header("WWW-Authenticate", header(text(20), "The scheme to authenticate with: `Bearer`."))
        }
        StatusCode::UPGRADE_REQUIRED => {
            let response = response.header("Upgrade", header(text(20), "The protocol to upgrade to: `websocket`."));
            response.header(
                "Sec-WebSocket-Version",
                header(text(20), "The version of the WebSocket protocol that the server speaks."),
            )
        }
        StatusCode::METHOD_NOT_ALLOWED => response.header("Allow", header(text(100), "The methods that the path takes.")),
        _ => response,
    };
    response.build()
}

fn text(longest: usize) -> ObjectBuilder {
    ObjectBuilder::new().schema_type(Type::String).max_length(Some(longest))
}

fn header(schema: ObjectBuilder, what: &str) -> Header {
    HeaderBuilder::new().schema(Some(schema)).description(Some(what)).build()
}

/// The body of each.
pub(super) fn schema() -> Schema {
    let text = |what: &str| ObjectBuilder::new().schema_type(Type::String).description(Some(what));
    let error = ObjectBuilder::new()
        .property(
            "pointer",
            text("The place of the field: a JSON pointer into the body, or a parameter's name in the same form."),
        )
        .property("detail", text("The rule that the field breaks, in words that follow its name."))
        .property(
            "line",
            ObjectBuilder::new()
                .schema_type(Type::Integer)
                .minimum(Some(1))
                .description(Some("The line of the body in which the row at fault begins, where the body is one of lines.")),
        )
        .required("pointer")
        .required("detail");
    let id = |what: &str| text(what).format(Some(SchemaFormat::Custom("uuid".to_owned())));
    let event = ObjectBuilder::new()
        .property("id", id("The id of the event."))
        .property("event_type", text("The kind of the event, as in the conversation's log."))
        .property(
            "message_id",
            id("The text that the event is about; null when it is about none.")
                .schema_type(SchemaType::from_iter([Type::String, Type::Null])),
        )
        .required("id")
        .required("event_type");
    let newer = ObjectBuilder::new()
        .description(Some(
            "The events of a conversation since the version that If-Match named, when a reply is refused because of them.",
        ))
        .property("conversation_id", id("The conversation in which to go on: the same one, or the one that followed it."))
        .property("version", text("The current version of that conversation: If-Match of the next try names it, in quotes."))
        .property("events", ArrayBuilder::new().items(event).max_items(Some(20)))
        .required("conversation_id")
        .required("version")
        .required("events");
    ObjectBuilder::new()
        .property("newer", newer)
        .property("type", text("The type of the problem, which is always `about:blank`."))
        .property("title", text("The kind of refusal, in words."))
        .property("status", ObjectBuilder::new().schema_type(Type::Integer))
        .property("code", text("The kind of refusal, for programs; it stays stable."))
        .property("detail", text("The explanation of what is wrong, for people."))
        .property("errors", ArrayBuilder::new().items(error).max_items(Some(Faults::MOST)))
        .required("type")
        .required("title")
        .required("status")
        .required("code")
        .required("detail")
        .into()
}
