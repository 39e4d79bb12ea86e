//! The OpenAPI document, made from the routes. `openapi.json` at the top of nmc-http is a copy that a test compares.

use super::problems::{self, Asked};
use super::reply::{Reply, Schemas};
use super::request::{Body, LONGEST_IF_MATCH};
use super::{Access, Api, Op, bounds};
use actix_web::http::{Method, StatusCode};
use nmc_core::access::Permission;
use nmc_core::analytics::{KPI_PERIODS, KPIS};
use nmc_core::{KpiPeriod, ReportInterval, UserRole};
use serde::de::DeserializeOwned;
use serde_json::json;
use std::collections::BTreeMap;
use utoipa::IntoParams;
use utoipa::openapi::extensions::ExtensionsBuilder;
use utoipa::openapi::path::{HttpMethod, OperationBuilder, ParameterBuilder, ParameterIn, PathsBuilder};
use utoipa::openapi::request_body::RequestBodyBuilder;
use utoipa::openapi::schema::{KnownFormat, ObjectBuilder, Type};
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityRequirement, SecurityScheme};
use utoipa::openapi::{
    ComponentsBuilder, ContentBuilder, InfoBuilder, LicenseBuilder, OpenApi, OpenApiBuilder, Paths, Ref, RefOr, Required,
    Response, Schema, SchemaFormat,
};

/// The document as it grows.
pub(crate) struct Document {
    paths: Paths,
    schemas: Schemas,
}

impl Document {
    pub(super) fn add<Q: DeserializeOwned + IntoParams, B: Body, R: Reply>(
        &mut self,
        method: &Method,
        path: &'static str,
        tag: &'static str,
        op: &Op,
    ) {
        let mut operation =
            OperationBuilder::new().operation_id(Some(op.id)).summary(Some(op.what)).tag(tag).description(Some(who(op.access)));
        for name in path.split('{').skip(1).filter_map(|rest| rest.split('}').next()) {
            operation = operation.parameter(
                ParameterBuilder::new()
                    .name(name)
                    .parameter_in(ParameterIn::Path)
                    .required(Required::True)
                    .description(Some(in_path(name)))
                    .schema(Some(of_path(name))),
            );
        }
        let mut names_something = path.contains('{');
        for mut parameter in Q::into_params(|| Some(ParameterIn::Query)) {
            names_something |= parameter.name == "user";
            if let Some(schema) = parameter.schema.take() {
                let mut schema = bounds::without_null(schema);
                bounds::state(&parameter.name, &mut schema);
                parameter.schema = Some(schema);
            }
            operation = operation.parameter(parameter);
        }
        let heeded = in_header(method, op.id);
        if let Some((name, what, longest)) = heeded {
            // An ETag has quotation marks; `*` is any.
            let pattern = (name == "If-Match").then_some(r#"^(\*|.*".*)?$"#);
            let text = ObjectBuilder::new().schema_type(Type::String).max_length(Some(longest)).pattern(pattern);
            let header = ParameterBuilder::new()
                .name(name)
                .parameter_in(ParameterIn::Header)
                .required(Required::False)
                .description(Some(what))
                .schema(Some(text));
            operation = operation.parameter(header);
        }
        if let Some(media_type) = B::MEDIA_TYPE {
            let content = ContentBuilder::new().schema(B::describe(&mut self.schemas)).build();
            // Where all fields may be left out, so may be the body.
            let may_lack =
                *method == Method::POST && op.access != Access::Public && B::missing().is_some_and(|body| body.is_ok());
            let is_required = if may_lack { Required::False } else { Required::True };
            let mut body = RequestBodyBuilder::new().content(media_type, content.clone()).required(Some(is_required));
            if let Some(other) = B::OR {
                body = body.content(other, content);
            }
            operation = operation.request_body(Some(body.build()));
        }
        operation = operation
            .response(R::STATUS.as_str(), R::describe(&mut self.schemas))
            .extensions(Some(ExtensionsBuilder::new().add("x-nmc-access", access(op.access)).build()));
        if let Some((status, response)) = R::describe_other() {
            operation = operation.response(status.as_str(), response);
        }
        for problem in problems::that_may_come(&Asked {
            is_public: op.access == Access::Public,
            is_change: *method != Method::GET,
            names_something,
            has_body: B::MEDIA_TYPE.is_some(),
            is_conditional: heeded.is_some_and(|(name, ..)| name == "If-Match"),
            needs_provider: ["searchNumbers", "buyNumber", "releaseNumber", "configureNumber"].contains(&op.id),
            is_upgrade: R::STATUS == StatusCode::SWITCHING_PROTOCOLS,
        }) {
            let response = RefOr::<Response>::Ref(Ref::from_response_name(problem.name));
            operation = operation.response(problem.status.as_str(), response);
        }
        operation = match op.access {
            Access::Public => operation.securities(Some([])),
            _ => operation.security(SecurityRequirement::new("bearer", Vec::<String>::new())),
        };
        let method = match *method {
            Method::POST => HttpMethod::Post,
            Method::PUT => HttpMethod::Put,
            Method::PATCH => HttpMethod::Patch,
            Method::DELETE => HttpMethod::Delete,
            _ => HttpMethod::Get,
        };
        self.paths.add_path_operation(path, vec![method], operation);
    }

    /// The whole document of these routes.
    pub(crate) fn of(routes: impl FnOnce(&mut Api<'_>)) -> OpenApi {
        let mut document = Self { paths: PathsBuilder::new().build(), schemas: Vec::new() };
        routes(&mut Api::Document(&mut document));
        let mut schemas: BTreeMap<String, RefOr<Schema>> = document.schemas.into_iter().collect();
        schemas.insert("Problem".to_owned(), problems::schema().into());
        for (name, schema) in &mut schemas {
            bounds::state(name, schema);
        }
        let bearer = HttpBuilder::new()
            .scheme(HttpAuthScheme::Bearer)
            .description(Some("An access token, as a login returns it, or an API key."))
            .build();
        let components = ComponentsBuilder::new()
            .schemas_from_iter(schemas)
            .responses_from_iter(problems::responses())
            .security_scheme("bearer", SecurityScheme::Http(bearer));
        OpenApiBuilder::new()
            .info(
                InfoBuilder::new()
                    .title("NeverMissCall")
                    .version(env!("CARGO_PKG_VERSION"))
                    .description(Some(ABOUT))
                    .license(Some(LicenseBuilder::new().name("MIT OR Apache-2.0").build())),
            )
            .paths(document.paths)
            .components(Some(components.build()))
            .build()
    }
}

const ABOUT: &str = "A request needs a header `Authorization: Bearer` with an access token or an API key, unless it is open \
to anybody. Lists are pages: `next` of a page is `after` of the following one. A PATCH leaves unchanged the fields that it does \
not name, and clears those that it sets to null. A body with an unknown field is refused. Resources that people edit have an \
ETag; with If-Match a change is made only to that version. Refusals are problem documents (RFC 9457) whose `errors` point at \
the fields.";

/// The words for people on who may use a route.
fn who(access: Access) -> String {
    let roles = |permission: Permission| {
        let roles: Vec<&str> = permission.roles().iter().map(|role: &UserRole| role.label()).collect();
        format!("`{permission}` ({})", roles.join(", "))
    };
    match access {
        Access::Public => "Open to anybody, without authentication.".to_owned(),
        Access::Anyone => "Open to every user who has authenticated; to no API key.".to_owned(),
        Access::OwnOr(permission) => {
            format!("Open to users for themselves; for others it needs the permission {}.", roles(permission))
        }
        Access::Needs(permission) => format!("Needs the permission {}.", roles(permission)),
    }
}

/// The value for programs, such as the tests, on who may use a route.
fn access(access: Access) -> serde_json::Value {
    match access {
        Access::Public => json!({ "kind": "public" }),
        Access::Anyone => json!({ "kind": "anyone" }),
        Access::OwnOr(permission) => json!({ "kind": "own", "permission": permission.label() }),
        Access::Needs(permission) => json!({ "kind": "needs", "permission": permission.label() }),
    }
}

/// The operations beside PATCH that are done to a version of something.
const VERSIONED: [&str; 12] = [
    "reviewGreeting",
    "assignConversation",
    "unassignConversation",
    "resolveConversation",
    "closeConversation",
    "deleteConversation",
    "markRead",
    "reply",
    "acknowledgeAlert",
    "snoozeAlert",
    "wakeAlert",
    "resolveAlert",
];

/// The header that an operation heeds, what it is for, and its longest value.
fn in_header(method: &Method, id: &str) -> Option<(&'static str, &'static str, usize)> {
    match id {
        "register" => Some((
            "Idempotency-Key",
            "A key that the client makes up, of up to 255 characters: the same key again returns what the first request made.",
            255,
        )),
        "listEvents" => Some((
            "Last-Event-ID",
            "The id of the last event that a client of the stream received, which browsers send; it overrides `after`.",
            60,
        )),
        "getReportJson" | "getReportCsv" | "getReportPdf" => Some((
            "If-None-Match",
            "The ETags of files that the client has: if the answer would be one of them, it is 304.",
            LONGEST_IF_MATCH,
        )),
        // They have no version.
        "changeStatus" => None,
        _ if *method == Method::PATCH || VERSIONED.contains(&id) => Some((
            "If-Match",
            "The ETag of the version that the change is for: if somebody has changed the resource since, the answer is 412.",
            LONGEST_IF_MATCH,
        )),
        _ => None,
    }
}

fn in_path(name: &str) -> &'static str {
    match name {
        "user" => "The id of the user; or `me` for whoever asks.",
        "step" => "The number of the onboarding step, 1 to 5.",
        "key_name" => "The name of the fact about the call, up to 100 characters.",
        "phone" => "The customer's phone number in E.164, like +14155550123; the plus as %2B or as it is.",
        "tag" => "The tag, up to 50 characters.",
        "position" => "The position of the file among those of the text, from 0.",
        "session" => "The id of the session.",
        "number" => "The id of the phone number.",
        "call" => "The id of the call.",
        "participant" => "The id of the party of the call.",
        "conversation" => "The id of the conversation.",
        "message" => "The id of the text.",
        "key" => "The id of the API key.",
        "rule" => "The id of the alert rule.",
        "alert" => "The id of the alert.",
        "contact" => "The id of the escalation contact.",
        "report" => "The id of the report.",
        "kpi" => "The name of the key figure.",
        "kind" => "How often the report is made.",
        "date" => "The day, in the business's time zone, like 2026-12-25.",
        "period" => "The periods whose values should come to it.",
        "job" => "The id of the job.",
        "call_analytics" => "The id of what is counted of a call.",
        "conversation_analytics" => "The id of what is counted of a conversation.",
        _ => "The id of the resource.",
    }
}

/// The schema of a path's parameter.
fn of_path(name: &str) -> Schema {
    let object = ObjectBuilder::new();
    let number =
        |least: isize, most: isize| ObjectBuilder::new().schema_type(Type::Integer).minimum(Some(least)).maximum(Some(most));
    match name {
        "step" => number(1, 5).into(),
        "position" => number(0, 32_767).into(),
        "key_name" => object.schema_type(Type::String).min_length(Some(1)).max_length(Some(100)).pattern(Some(FACT)).into(),
        "phone" => object.schema_type(Type::String).pattern(Some(r"^\+[1-9][0-9]{6,14}$")).into(),
        "tag" => object.schema_type(Type::String).max_length(Some(50)).pattern(Some(bounds::NAME)).into(),
        "kpi" => object.schema_type(Type::String).enum_values(Some(KPIS.iter().map(|kpi| kpi.name))).into(),
        "period" => object.schema_type(Type::String).enum_values(Some(KPI_PERIODS.map(KpiPeriod::label))).into(),
        "kind" => object.schema_type(Type::String).enum_values(Some(ReportInterval::ALL.iter().map(|kind| kind.label()))).into(),
        "date" => {
            object.schema_type(Type::String).format(Some(SchemaFormat::KnownFormat(KnownFormat::Date))).pattern(Some(DAY)).into()
        }
        "user" => object.schema_type(Type::String).pattern(Some(USER)).into(),
        _ => object.schema_type(Type::String).format(Some(SchemaFormat::Custom("uuid".to_owned()))).into(),
    }
}

/// The name of a fact about a call, as a path can carry it.
const FACT: &str = "^[A-Za-z0-9_.:-]{1,100}$";

/// A day of the years that holidays may be in.
const DAY: &str = "^2[01][0-9]{2}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])$";

const USER: &str = "^(me|[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12})$";
