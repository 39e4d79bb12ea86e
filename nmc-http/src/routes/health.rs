use crate::blocking::Door;
use crate::error::ApiResult;
use actix_web::{HttpResponse, web};

/// The process runs.
pub(super) async fn alive() -> HttpResponse {
    HttpResponse::Ok().content_type("text/plain").body("ok\n")
}

/// The process runs and its database answers.
pub(super) async fn ready(door: web::Data<Door>) -> ApiResult<HttpResponse> {
    door.blocking(nmc_core::Store::ping).await?;
    Ok(HttpResponse::Ok().content_type("text/plain").body("ready\n"))
}
