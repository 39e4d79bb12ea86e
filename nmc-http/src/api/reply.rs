//! Answers, and what the OpenAPI document says of each.

use crate::streams::Lines;
use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use actix_web::http::header::{
    CACHE_CONTROL, CONTENT_DISPOSITION, CONTENT_SECURITY_POLICY, CONTENT_TYPE, ETAG, HeaderValue, LOCATION, SET_COOKIE,
};
use nmc_core::Version;
use serde::Serialize;
use std::borrow::Cow;
use utoipa::openapi::schema::{ObjectBuilder, Type};
use utoipa::openapi::{ContentBuilder, HeaderBuilder, Ref, RefOr, Response, ResponseBuilder, Schema};
use utoipa::{PartialSchema, ToSchema};

/// Schemas that an answer or a body refers to, by name.
pub(crate) type Schemas = Vec<(String, RefOr<Schema>)>;

/// The answer of a handler.
pub(crate) trait Reply {
    /// The status of the answer.
    const STATUS: StatusCode;
    /// The document's description of the answer.
    fn describe(schemas: &mut Schemas) -> Response;
    /// Another answer that comes instead, with its status.
    fn describe_other() -> Option<(StatusCode, Response)> {
        None
    }
    /// The answer itself.
    fn respond(self) -> HttpResponse;
}

/// A reference to a schema, which is collected.
pub(super) fn refer<T: ToSchema>(schemas: &mut Schemas) -> RefOr<Schema> {
    schemas.push((T::name().into_owned(), T::schema()));
    T::schemas(schemas);
    Ref::from_schema_name(T::name()).into()
}

fn json<T: ToSchema>(what: &str, schemas: &mut Schemas) -> Response {
    let content = ContentBuilder::new().schema(Some(refer::<T>(schemas))).build();
    ResponseBuilder::new().description(what).content("application/json", content).build()
}

fn with_header(mut response: Response, name: &str, what: &str) -> Response {
    let text = ObjectBuilder::new().schema_type(Type::String).max_length(Some(200));
    let header = HeaderBuilder::new().schema(Some(text)).description(Some(what)).build();
    response.headers.insert(name.to_owned(), header.into());
    response
}

/// 200 with a document.
pub(crate) struct Json<T>(pub(crate) T);

impl<T: Serialize + ToSchema> Reply for Json<T> {
    const STATUS: StatusCode = StatusCode::OK;

    fn describe(schemas: &mut Schemas) -> Response {
        json::<T>("The result of the request.", schemas)
    }

    fn respond(self) -> HttpResponse {
        HttpResponse::Ok().json(self.0)
    }
}

/// 200 with a document that can be edited: its version goes along as the ETag.
pub(crate) struct Tagged<T>(pub(crate) Version, pub(crate) T);

impl<T: Serialize + ToSchema> Reply for Tagged<T> {
    const STATUS: StatusCode = StatusCode::OK;

    fn describe(schemas: &mut Schemas) -> Response {
        with_header(
            json::<T>("The resource as it is now; its ETag goes into If-Match of a change.", schemas),
            "ETag",
            "The version of the resource, in quotes.",
        )
    }

    fn respond(self) -> HttpResponse {
        HttpResponse::Ok().insert_header((ETAG, format!("\"{}\"", self.0))).json(self.1)
    }
}

/// 201 with what was made, and where it is.
pub(crate) struct Created<T>(pub(crate) String, pub(crate) T);

impl<T: Serialize + ToSchema> Reply for Created<T> {
    const STATUS: StatusCode = StatusCode::CREATED;

    fn describe(schemas: &mut Schemas) -> Response {
        with_header(
            json::<T>("The resource was made; Location says where it is.", schemas),
            "Location",
            "The path of the resource.",
        )
    }

    fn respond(self) -> HttpResponse {
        HttpResponse::Created().insert_header((LOCATION, self.0)).json(self.1)
    }
}

/// 202 with where things stand: what was asked for is done by and by.
pub(crate) struct Underway<T>(pub(crate) T);

impl<T: Serialize + ToSchema> Reply for Underway<T> {
    const STATUS: StatusCode = StatusCode::ACCEPTED;

    fn describe(schemas: &mut Schemas) -> Response {
        json::<T>("The request was taken, and is carried out by and by.", schemas)
    }

    fn respond(self) -> HttpResponse {
        HttpResponse::Accepted().json(self.0)
    }
}

/// The answer 204, without a body.
pub(crate) struct Done;

impl Reply for Done {
    const STATUS: StatusCode = StatusCode::NO_CONTENT;

    fn describe(_: &mut Schemas) -> Response {
        ResponseBuilder::new().description("The request was carried out; there is no body.").build()
    }

    fn respond(self) -> HttpResponse {
        HttpResponse::NoContent().finish()
    }
}

/// The answer 202, without a body: what was asked for comes later, or not at all.
pub(crate) struct Accepted;

impl Reply for Accepted {
    const STATUS: StatusCode = StatusCode::ACCEPTED;

    fn describe(_: &mut Schemas) -> Response {
        ResponseBuilder::new().description("The request was heard; there is no body.").build()
    }

    fn respond(self) -> HttpResponse {
        HttpResponse::Accepted().finish()
    }
}

/// An answer that sets a cookie, or clears it.
pub(crate) struct WithCookie<R>(pub(crate) String, pub(crate) R);

impl<R: Reply> Reply for WithCookie<R> {
    const STATUS: StatusCode = R::STATUS;

    fn describe(schemas: &mut Schemas) -> Response {
        with_header(R::describe(schemas), "Set-Cookie", "The cookie with the refresh token, or its end.")
    }

    fn respond(self) -> HttpResponse {
        let mut answer = self.1.respond();
        if let Ok(cookie) = HeaderValue::try_from(self.0) {
            answer.headers_mut().append(SET_COOKIE, cookie);
        }
        answer
    }
}

/// 101: it goes on as WebSocket.
pub(crate) struct Switching(HttpResponse);

impl Reply for Switching {
    const STATUS: StatusCode = StatusCode::SWITCHING_PROTOCOLS;

    fn describe(_: &mut Schemas) -> Response {
        ResponseBuilder::new().description("The connection goes on as a WebSocket, whose messages docs/API.md describes.").build()
    }

    fn respond(self) -> HttpResponse {
        self.0
    }
}

/// 200 with a picture. Whatever it holds, no browser takes it for a page.
pub(crate) struct Picture {
    pub(crate) bytes: Vec<u8>,
    pub(crate) media_type: &'static str,
}

impl Reply for Picture {
    const STATUS: StatusCode = StatusCode::OK;

    fn describe(_: &mut Schemas) -> Response {
        let mut response = ResponseBuilder::new().description("The photo, as JPEG or PNG.");
        for media_type in ["image/jpeg", "image/png"] {
            response = response.content(media_type, ContentBuilder::new().build());
        }
        response.build()
    }

    fn respond(self) -> HttpResponse {
        HttpResponse::Ok()
            .insert_header((CONTENT_TYPE, self.media_type))
            .insert_header((CONTENT_DISPOSITION, "inline; filename=\"photo\""))
            .insert_header((CONTENT_SECURITY_POLICY, "default-src 'none'; sandbox"))
            .body(self.bytes)
    }
}

/// 200 with a file that somebody sent. Whatever it holds, no browser takes it for a page.
pub(crate) struct Attachment {
    pub(crate) bytes: Vec<u8>,
    pub(crate) media_type: &'static str,
    /// The name to save the file as, which is ours.
    pub(crate) name: String,
    /// Whether a browser may show it; others are saved.
    pub(crate) is_shown: bool,
}

impl Reply for Attachment {
    const STATUS: StatusCode = StatusCode::OK;

    fn describe(_: &mut Schemas) -> Response {
        ResponseBuilder::new().description("The bytes of the file.").content("*/*", ContentBuilder::new().build()).build()
    }

    fn respond(self) -> HttpResponse {
        let how = if self.is_shown { "inline" } else { "attachment" };
        HttpResponse::Ok()
            .insert_header((CONTENT_TYPE, self.media_type))
            .insert_header((CONTENT_DISPOSITION, format!("{how}; filename=\"{}\"", self.name)))
            .insert_header((CONTENT_SECURITY_POLICY, "default-src 'none'; sandbox"))
            .body(self.bytes)
    }
}

/// 200 with JSON lines that are read while they are sent. An answer that is cut off is not whole.
pub(crate) struct JsonLines {
    /// The name to save the file as, which is ours.
    pub(crate) name: &'static str,
    pub(crate) body: Lines,
    /// Whether the answer may come in chunks; else it ends with the connection.
    pub(crate) takes_chunks: bool,
}

impl Reply for JsonLines {
    const STATUS: StatusCode = StatusCode::OK;

    fn describe(_: &mut Schemas) -> Response {
        ResponseBuilder::new()
            .description(
                "JSON lines. `record` says what each is; the last one of a whole answer is an `end`, with the number of `rows`.",
            )
            .content("application/x-ndjson", ContentBuilder::new().build())
            .build()
    }

    fn respond(self) -> HttpResponse {
        let mut answer = HttpResponse::Ok()
            .insert_header((CONTENT_TYPE, "application/x-ndjson"))
            .insert_header((CONTENT_DISPOSITION, format!("attachment; filename=\"{}\"", self.name)))
            .insert_header((CACHE_CONTROL, "no-store"))
            // Nothing follows on this connection, which is not idle and not drained meanwhile.
            .force_close()
            .body(self.body);
        answer.head_mut().no_chunking(!self.takes_chunks);
        answer
    }
}

/// 200 with a file that is made of what is kept, to be saved, or 304 where the client has it. The same file has the same ETag.
pub(crate) struct Rendering {
    /// `None`: the client has it.
    pub(crate) file: Option<RenderedFile>,
    pub(crate) tag: String,
}

/// A file that was made.
pub(crate) struct RenderedFile {
    pub(crate) bytes: Vec<u8>,
    pub(crate) media_type: &'static str,
    /// The name to save the file as: letters and digits of any script, dashes and dots.
    pub(crate) name: String,
}

impl Reply for Rendering {
    const STATUS: StatusCode = StatusCode::OK;

    fn describe(_: &mut Schemas) -> Response {
        let mut response = ResponseBuilder::new().description("The report, as the file whose ending the path has.");
        for media_type in ["application/json", "application/pdf", "text/csv"] {
            response = response.content(media_type, ContentBuilder::new().build());
        }
        with_header(response.build(), "ETag", TAG_OF_FILE)
    }

    fn describe_other() -> Option<(StatusCode, Response)> {
        let response = ResponseBuilder::new().description("The client has the file: If-None-Match names its ETag.").build();
        Some((StatusCode::NOT_MODIFIED, with_header(response, "ETag", TAG_OF_FILE)))
    }

    fn respond(self) -> HttpResponse {
        let tag = (ETAG, format!("\"{}\"", self.tag));
        let Some(file) = self.file else { return HttpResponse::NotModified().insert_header(tag).finish() };
        HttpResponse::Ok()
            .insert_header((CONTENT_TYPE, file.media_type))
            .insert_header((CONTENT_DISPOSITION, saved_as(&file.name)))
            .insert_header((CONTENT_SECURITY_POLICY, "default-src 'none'; sandbox"))
            .insert_header(tag)
            .body(file.bytes)
    }
}

const TAG_OF_FILE: &str = "The version of the file, in quotes.";

/// Under which name a file is to be saved (RFC 6266): in ASCII for all clients, and as it is for those who know more (RFC 8187).
fn saved_as(name: &str) -> String {
    let plain: String = name.chars().filter(char::is_ascii).collect();
    // A name of another script leaves nothing but its dashes.
    let plain = plain.split('-').filter(|part| !part.is_empty()).collect::<Vec<_>>().join("-");
    let mut value = format!("attachment; filename=\"{plain}\"");
    if !name.is_ascii() {
        value.push_str("; filename*=UTF-8''");
        for byte in name.bytes() {
            match byte {
                b'-' | b'.' | b'0'..=b'9' | b'A'..=b'Z' | b'a'..=b'z' => value.push(byte.into()),
                _ => value.push_str(&format!("%{byte:02X}")),
            }
        }
    }
    value
}

/// A page of a list.
#[derive(Serialize)]
pub(crate) struct PageOut<T> {
    /// The rows of the page, in the order of the list.
    pub(crate) items: Vec<T>,
    /// The cursor of the next page: its `after`; null on the last page.
    pub(crate) next: Option<String>,
}

impl<T: ToSchema> PartialSchema for PageOut<T> {
    fn schema() -> RefOr<Schema> {
        use utoipa::openapi::schema::{ArrayBuilder, SchemaType};
        let next = ObjectBuilder::new()
            .schema_type(SchemaType::from_iter([Type::String, Type::Null]))
            .description(Some("The cursor of the next page: its `after`; null on the last page."));
        ObjectBuilder::new()
            .property("items", ArrayBuilder::new().items(Ref::from_schema_name(T::name())))
            .required("items")
            .property("next", next)
            .required("next")
            .into()
    }
}

impl<T: ToSchema> ToSchema for PageOut<T> {
    fn name() -> Cow<'static, str> {
        format!("PageOf{}", T::name()).into()
    }

    fn schemas(schemas: &mut Schemas) {
        drop(refer::<T>(schemas));
    }
}
