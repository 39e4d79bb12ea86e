//! The OpenAPI document, and a page to read it with, whose every file is in this program.

use super::{get, resource, v1};
use crate::error::{ApiError, ApiResult};
use actix_web::http::header::{CONTENT_ENCODING, ContentEncoding};
use actix_web::web::{self, Data, Redirect};
use actix_web::{HttpRequest, HttpResponse};
use std::sync::LazyLock;
use utoipa::openapi::OpenApi;
use utoipa_swagger_ui::{Config, serve};

const READ: &str = "GET, HEAD";
const PATH: &str = "/openapi.json";

/// The document, made when somebody first asks for it: most servers are never asked, and each of their threads would keep one.
static DOCUMENT: LazyLock<OpenApi> = LazyLock::new(v1::document);

pub(super) fn configure(app: &mut web::ServiceConfig) {
    app.app_data(Data::new(Config::from(PATH)))
        .service(resource(PATH, READ).route(get().to(openapi)))
        .service(resource("/docs", READ).route(get().to(|| async { Redirect::to("/docs/").see_other() })))
        .service(resource("/docs/{file:.*}", READ).route(get().to(file)));
}

async fn openapi() -> HttpResponse {
    HttpResponse::Ok().json(&*DOCUMENT)
}

async fn file(request: HttpRequest, config: Data<Config<'static>>) -> ApiResult<HttpResponse> {
    let name = request.match_info().query("file");
    // The only failure there is: a file of the page that is not as it was when it was built in.
    let file = serve(name, config.into_inner()).ok().flatten().ok_or(ApiError::NoRoute)?;
    let mut answer = HttpResponse::Ok();
    if file.gzpipped {
        answer.insert_header((CONTENT_ENCODING, ContentEncoding::Gzip));
    }
    Ok(answer.content_type(file.content_type).body(file.bytes.into_owned()))
}
