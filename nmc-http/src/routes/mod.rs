//! One file per resource.

mod alert_links;
mod docs;
mod health;
mod twilio_number;
mod twilio_sms;
mod twilio_voice;
pub(crate) mod v1;
mod web_inbox;

use crate::api::Api;
use crate::error::{ApiError, ApiResult};
use crate::webhooks;
use actix_web::{HttpResponse, guard, web};
use nmc_core::Error;

/// The kind of requests that a listener answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Serves {
    All,
    /// The webhooks have a listener of their own.
    AllButWebhooks,
    /// The webhooks, on this listener of their own. Whether the server is well can be asked here, too.
    Webhooks,
}

/// Every route, in one table.
pub(crate) fn configure(app: &mut web::ServiceConfig, serves: Serves) {
    if serves != Serves::Webhooks {
        v1::routes(&mut Api::Server(app));
        docs::configure(app);
        alert_links::configure(app);
        web_inbox::configure(app);
    }
    if serves != Serves::AllButWebhooks {
        webhook_routes(app);
    }
    app.app_data(web::Data::new(health::Readiness::default()))
        .service(resource("/healthz", "GET, HEAD").route(get().to(health::alive)))
        .service(resource("/readyz", "GET, HEAD").route(get().to(health::ready)))
        .default_service(web::to(|| async { Err::<HttpResponse, _>(ApiError::NoRoute) }));
}

fn webhook_routes(app: &mut web::ServiceConfig) {
    app.service(resource(webhooks::VOICE, "POST").route(web::post().to(twilio_voice::answer)))
        .service(resource(webhooks::VOICE_STATUS, "POST").route(web::post().to(twilio_voice::status)))
        .service(resource(webhooks::SCREEN, "POST").route(web::post().to(twilio_voice::screen)))
        .service(resource(webhooks::SCREEN_ACCEPTED, "POST").route(web::post().to(twilio_voice::connect)))
        .service(resource(webhooks::MACHINE, "POST").route(web::post().to(twilio_voice::machine)))
        .service(resource(webhooks::NUMBER_STATUS, "POST").route(web::post().to(twilio_number::status)))
        .service(resource(webhooks::SMS, "POST").route(web::post().to(twilio_sms::receive)))
        .service(resource(webhooks::SMS_STATUS, "POST").route(web::post().to(twilio_sms::status)));
}

/// A resource that answers 405 to methods other than those `allowed`.
fn resource(path: &str, allowed: &'static str) -> actix_web::Resource {
    web::resource(path)
        .default_service(web::to(move || async move { Err::<HttpResponse, _>(ApiError::Method(allowed.to_owned())) }))
}

/// GET, and HEAD, which some load balancers ask with.
fn get() -> actix_web::Route {
    web::route().guard(guard::Any(guard::Get()).or(guard::Head()))
}

/// Tells the operator of a callback that found nothing: whoever calls a number that is set up wrong hears nothing from us. `None`: it is news of
/// what was deleted for good.
fn report_missing<T>(result: ApiResult<T>, sid: &str) -> ApiResult<Option<T>> {
    match &result {
        Err(ApiError::Core(error)) if error.is_of_deleted() => {
            tracing::debug!(sid, "news of what was deleted");
            return Ok(None);
        }
        Err(ApiError::Core(Error::NotFound { entity })) => {
            tracing::warn!(sid, "no such {entity} here: check the webhooks of the number at Twilio, and `nmc number list`");
        }
        _ => {}
    }
    result.map(Some)
}

/// A TwiML document: what Twilio is to do next.
fn twiml(response: &str) -> HttpResponse {
    let document = format!("<?xml version=\"1.0\" encoding=\"UTF-8\"?>{response}");
    HttpResponse::Ok().content_type("text/xml; charset=utf-8").body(document)
}

/// The answer that Twilio wants to hear when there is nothing to say.
const NOTHING: &str = "<Response/>";
