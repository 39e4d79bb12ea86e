//! The refusals that the OpenAPI document tells of: each status has a response of its own, with the headers it brings.

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
    Problem { status: StatusCode::BAD_REQUEST, name: "BadRequest", what: "The input breaks a rule, or is no request at all." },
    Problem { status: StatusCode::UNAUTHORIZED, name: "Unauthorized", what: "The credential is missing or not in force." },
    Problem { status: StatusCode::FORBIDDEN, name: "Forbidden", what: "The permission is missing." },
    Problem { status: StatusCode::NOT_FOUND, name: "NotFound", what: "Nothing is there, or nothing of this business." },
    Problem {
        status: StatusCode::METHOD_NOT_ALLOWED,
        name: "MethodNotAllowed",
        what: "The path takes other methods, which Allow names.",
    },
    Problem {
        status: StatusCode::REQUEST_TIMEOUT,
        name: "RequestTimeout",
        what: "The request did not arrive in time, or not whole.",
    },
    Problem {
        status: StatusCode::CONFLICT,
        name: "Conflict",
        what: "Something is in the way: a unique value, or the state of things.",
    },
    Problem {
        status: StatusCode::PRECONDITION_FAILED,
        name: "PreconditionFailed",
        what: "It has changed since the version of If-Match.",
    },
    Problem { status: StatusCode::PAYLOAD_TOO_LARGE, name: "TooLarge", what: "The body is too large." },
    Problem { status: StatusCode::UNSUPPORTED_MEDIA_TYPE, name: "MediaType", what: "The body is of another media type." },
    Problem { status: StatusCode::UPGRADE_REQUIRED, name: "UpgradeRequired", what: "The request does not ask for a WebSocket." },
    Problem { status: StatusCode::UNPROCESSABLE_ENTITY, name: "ProviderRefuses", what: "The provider of numbers refuses." },
    Problem {
        status: StatusCode::TOO_MANY_REQUESTS,
        name: "TooMany",
        what: "Too often, or too many at once: Retry-After says when.",
    },
    Problem {
        status: StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE,
        name: "HeadTooLarge",
        what: "The head of the request is too long.",
    },
    Problem {
        status: StatusCode::INTERNAL_SERVER_ERROR,
        name: "Internal",
        what: "A fault of the server, which its log tells of.",
    },
    Problem { status: StatusCode::BAD_GATEWAY, name: "ProviderFails", what: "The provider of numbers needs the operator." },
    Problem { status: StatusCode::SERVICE_UNAVAILABLE, name: "Unavailable", what: "Not now: Retry-After says when." },
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
            response.header("Retry-After", header(seconds, "Seconds after which to ask again."))
        }
        StatusCode::UNAUTHORIZED => response.header("WWW-Authenticate", header(text(20), "Bearer.")),
        StatusCode::UPGRADE_REQUIRED => {
            let response = response.header("Upgrade", header(text(20), "websocket."));
            response.header("Sec-WebSocket-Version", header(text(20), "The version that is spoken."))
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
        .property("pointer", text("A JSON pointer to the field, or a parameter's name in the same form."))
        .property("detail", text("The rule it breaks."))
        .required("pointer")
        .required("detail");
    let id = |what: &str| text(what).format(Some(SchemaFormat::Custom("uuid".to_owned())));
    let event = ObjectBuilder::new()
        .property("id", id("Its id."))
        .property("event_type", text("What happened."))
        .property("message_id", id("The text it is about.").schema_type(SchemaType::from_iter([Type::String, Type::Null])))
        .required("id")
        .required("event_type");
    let newer = ObjectBuilder::new()
        .description(Some(
            "What has happened in a conversation since the version of If-Match, when an answer to it is refused for that.",
        ))
        .property("conversation_id", id("Where it goes on."))
        .property("version", text("Its version now."))
        .property("events", ArrayBuilder::new().items(event).max_items(Some(20)))
        .required("conversation_id")
        .required("version")
        .required("events");
    ObjectBuilder::new()
        .property("newer", newer)
        .property("type", text("about:blank"))
        .property("title", text("What kind of refusal it is."))
        .property("status", ObjectBuilder::new().schema_type(Type::Integer))
        .property("code", text("What kind of refusal it is, for a program; stable."))
        .property("detail", text("What is wrong, for a person."))
        .property("errors", ArrayBuilder::new().items(error))
        .required("type")
        .required("title")
        .required("status")
        .required("code")
        .required("detail")
        .into()
}
