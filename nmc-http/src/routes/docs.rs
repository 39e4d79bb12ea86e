//! The OpenAPI document, and a page to read it with, whose every file is in this program.

use super::{get, resource};
use crate::error::{ApiError, ApiResult};
use actix_web::http::header::{CONTENT_ENCODING, ContentEncoding};
use actix_web::web::{self, Data, Redirect};
use actix_web::{HttpRequest, HttpResponse};
use utoipa::openapi::OpenApi;
use utoipa_swagger_ui::{Config, serve};

const READ: &str = "GET, HEAD";
const DOCUMENT: &str = "/openapi.json";

pub(super) fn configure(app: &mut web::ServiceConfig, document: &OpenApi) {
    app.app_data(Data::new(Config::from(DOCUMENT)))
        .app_data(Data::new(document.clone()))
        .service(resource(DOCUMENT, READ).route(get().to(openapi)))
        .service(resource("/docs", READ).route(get().to(|| async { Redirect::to("/docs/").see_other() })))
        .service(resource("/docs/{file:.*}", READ).route(get().to(file)));
}

async fn openapi(document: Data<OpenApi>) -> HttpResponse {
    HttpResponse::Ok().json(&*document)
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
