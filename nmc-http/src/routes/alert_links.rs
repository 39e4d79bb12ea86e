//! The links in mails and texts about alerts: pages for people, without scripts or anything from elsewhere. Looking at one does nothing, as
//! scanners of mails and previews of texts follow links; its buttons do it. The token is in the path, which is logged as its pattern alone. Refusals are
//! pages, too.

use super::{get, resource};
use crate::error::{ApiError, ApiResult};
use crate::links::{ALERT_LINKS, SHORT_ALERT_LINKS};
use crate::state::App;
use actix_web::body::{BoxBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::StatusCode;
use actix_web::http::header::{CONTENT_SECURITY_POLICY, CONTENT_TYPE, HeaderValue};
use actix_web::middleware::{Next, from_fn};
use actix_web::web::{self, Bytes, Data};
use actix_web::{HttpRequest, HttpResponse};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use nmc_core::alerts::AlertLinkAction;
use nmc_core::workflows::{Followed, LinkAnswer, LinkedAlert};
use nmc_core::{AlertStatus, Secret};
use sha2::{Digest as _, Sha256};
use std::sync::LazyLock;

/// How the pages look: as the web inbox does.
const STYLE: &str = include_str!("alert_links.css");

/// A page has this style and a form that posts back, and nothing else.
static POLICY: LazyLock<HeaderValue> = LazyLock::new(|| {
    let style = STANDARD.encode(Sha256::digest(STYLE));
    let policy =
        format!("default-src 'none'; style-src 'sha256-{style}'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'");
    HeaderValue::try_from(policy).unwrap_or(HeaderValue::from_static("default-src 'none'; frame-ancestors 'none'"))
});

const HTML: HeaderValue = HeaderValue::from_static("text/html; charset=utf-8");

const METHODS: &str = "GET, HEAD, POST";

pub(super) fn configure(app: &mut web::ServiceConfig) {
    for path in [ALERT_LINKS, SHORT_ALERT_LINKS] {
        let links = resource(&format!("{path}{{token}}"), METHODS).wrap(from_fn(with_page));
        app.service(links.route(get().to(look)).route(web::post().to(follow)));
        // What a mail program made of a link that it broke.
        let broken = resource(&format!("{path}{{rest:.*}}"), METHODS).wrap(from_fn(with_page));
        let nowhere = || async { page(&Followed::Void) };
        app.service(broken.route(get().to(nowhere)).route(web::post().to(nowhere)));
    }
}

/// A refusal with a page in place of its problem document, which is for programs.
async fn with_page(
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, actix_web::Error> {
    let answer = next.call(request).await?;
    let Some(refusal) = answer.response().error() else { return Ok(answer.map_into_boxed_body()) };
    let (title, more) = match refusal.as_error::<ApiError>() {
        Some(ApiError::TooMany(seconds)) => ("Too many tries", format!("Open the link again in {seconds} seconds.")),
        // No browser asks like that.
        Some(ApiError::Method(_)) => return Ok(answer.map_into_boxed_body()),
        _ => ("This does not work just now", "Open the link again in a moment.".to_owned()),
    };
    let page = written(title, &once(&more));
    Ok(answer.map_body(|head, _| {
        head.headers_mut().insert(CONTENT_TYPE, HTML);
        head.headers_mut().insert(CONTENT_SECURITY_POLICY, POLICY.clone());
        BoxBody::new(page)
    }))
}

async fn look(request: HttpRequest) -> ApiResult<HttpResponse> {
    let (app, token) = asked(&request).await?;
    let authenticator = app.authenticator.clone();
    app.pool.blocking(move |_| authenticator.look_at_alert_link(&token)).await.map(|followed| page(&followed))
}

async fn follow(request: HttpRequest, form: Bytes) -> ApiResult<HttpResponse> {
    let (app, token) = asked(&request).await?;
    let authenticator = app.authenticator.clone();
    let chosen = chosen(&form);
    app.pool.blocking(move |_| authenticator.follow_alert_link(&token, chosen)).await.map(|followed| page(&followed))
}

/// The button that was pressed; none where a page of before had only one, without a name.
fn chosen(form: &[u8]) -> Option<AlertLinkAction> {
    AlertLinkAction::of(std::str::from_utf8(form).ok()?.strip_prefix("do=")?)
}

/// What handlers share, and the token of the path.
async fn asked(request: &HttpRequest) -> ApiResult<(Data<App>, Secret)> {
    let app = request.app_data::<Data<App>>().cloned().ok_or(ApiError::NoRoute)?;
    app.rate_limits.token(app.proxies.client(request)).await?;
    let token = request.match_info().query("token");
    Ok((app, Secret::new(token)))
}

/// The words of a button, and of what it has done.
const fn words(action: AlertLinkAction) -> (&'static str, &'static str) {
    match action {
        AlertLinkAction::Acknowledge => ("Acknowledge", "The alert is acknowledged"),
        AlertLinkAction::Snooze => ("Snooze for an hour", "The alert is put off for an hour"),
        AlertLinkAction::Wake => ("Wake", "The alert is open again"),
        AlertLinkAction::Resolve => ("Resolve", "The alert is resolved"),
    }
}

/// Who did what, and when.
fn answered(answer: LinkAnswer) -> String {
    let who = if answer.is_by_reader { "You" } else { "Somebody else of your business" };
    let done = match answer.action {
        AlertLinkAction::Acknowledge => "acknowledged the alert",
        AlertLinkAction::Snooze => "put the alert off for an hour",
        AlertLinkAction::Wake => "woke the alert",
        AlertLinkAction::Resolve => "resolved the alert",
    };
    let at = answer.at.with_timezone(&answer.zone.tz()).format("%A %-d %B %Y, %H:%M");
    format!("{who} {done} on {at} ({}).", answer.zone.as_str())
}

fn page(followed: &Followed) -> HttpResponse {
    let about = |LinkedAlert { rule_name, business_name, .. }: &LinkedAlert| {
        format!("<p>{} &middot; {}</p>\n", escaped(rule_name), escaped(business_name))
    };
    let (status, title, more) = match followed {
        Followed::Ready(linked) => {
            let button = |action: &AlertLinkAction| {
                format!("<button name=\"do\" value=\"{}\">{}</button>", action.label(), words(*action).0)
            };
            let buttons: String = linked.actions.iter().map(button).collect();
            let title = match linked.actions[..] {
                [action] => format!("{}?", words(action).0),
                _ => "See to this alert?".to_owned(),
            };
            (StatusCode::OK, title, format!("{}<form method=\"post\">{buttons}</form>\n", about(linked)))
        }
        Followed::Done(linked) => {
            let done: Vec<&str> = linked.actions.iter().map(|action| words(*action).1).collect();
            (StatusCode::OK, done.concat(), about(linked))
        }
        Followed::Used(answer) => {
            let by_whom = answer.map_or_else(|| "A link of it was used before.".to_owned(), answered);
            (StatusCode::GONE, "This message has been answered".to_owned(), once(&by_whom))
        }
        Followed::Settled(status) => {
            (StatusCode::CONFLICT, settled(*status).to_owned(), once("Nothing was changed by this link."))
        }
        Followed::Expired => (StatusCode::GONE, "This link is too old".to_owned(), once("Log in to see to the alert.")),
        Followed::Refused => (
            StatusCode::FORBIDDEN,
            "You may not see to this alert".to_owned(),
            once("Whoever looks after the business can tell why."),
        ),
        _ => (StatusCode::NOT_FOUND, "This link leads nowhere".to_owned(), once("Take the whole link of the message.")),
    };
    HttpResponse::build(status)
        .insert_header((CONTENT_TYPE, HTML))
        .insert_header((CONTENT_SECURITY_POLICY, POLICY.clone()))
        .body(written(&title, &more))
}

/// A page of this title, with more below it.
fn written(title: &str, more: &str) -> String {
    format!(
        "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><title>{title}</title>\n\
         <meta name=\"viewport\" content=\"width=device-width\"><meta name=\"robots\" content=\"noindex\">\n\
         <style>{STYLE}</style></head>\n<body><main>\n<p class=\"house\">{LOGO}NeverMissCall</p>\n<h1>{title}</h1>\n{more}</main></body></html>\n"
    )
}

/// The sign of the house, as `web/icon.svg` has it.
const LOGO: &str = include_str!("../../web/icon.svg");

fn once(words: &str) -> String {
    format!("<p>{words}</p>\n")
}

const fn settled(status: AlertStatus) -> &'static str {
    match status {
        AlertStatus::Resolved => "The alert is over",
        AlertStatus::Acknowledged => "The alert is acknowledged already",
        AlertStatus::Snoozed => "The alert is put off already",
        AlertStatus::Triggered | AlertStatus::Escalated => "The alert is open",
    }
}

/// What people typed, as HTML shows it.
fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;").replace('\'', "&#39;")
}
