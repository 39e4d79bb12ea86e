//! One file per resource.

mod health;
mod twilio_sms;
mod twilio_voice;

use crate::error::ApiError;
use actix_web::{HttpResponse, web};

/// Every route, in one table.
pub(crate) fn configure(app: &mut web::ServiceConfig) {
    app.service(resource("/webhooks/twilio/voice/status").route(web::post().to(twilio_voice::status)))
        .service(resource("/webhooks/twilio/sms").route(web::post().to(twilio_sms::receive)))
        .service(resource("/webhooks/twilio/sms/status").route(web::post().to(twilio_sms::status)))
        .service(resource("/healthz").route(web::get().to(health::alive)))
        .service(resource("/readyz").route(web::get().to(health::ready)))
        .default_service(web::to(|| async { Err::<HttpResponse, _>(ApiError::NoRoute) }));
}

/// A resource that answers 405 to methods it does not take.
fn resource(path: &str) -> actix_web::Resource {
    web::resource(path).default_service(web::to(|| async { Err::<HttpResponse, _>(ApiError::Method) }))
}

/// What Twilio wants to hear when there is nothing to say: an empty TwiML document.
fn twiml() -> HttpResponse {
    HttpResponse::Ok().content_type("text/xml; charset=utf-8").body("<?xml version=\"1.0\" encoding=\"UTF-8\"?><Response/>")
}
