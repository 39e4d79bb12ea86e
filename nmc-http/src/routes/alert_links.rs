//! The links in mails about alerts: pages for people, without scripts or anything from elsewhere. Looking at one does nothing, as
//! scanners of mails follow links; its button does it. The token is in the path, which is logged as its pattern alone.

use super::{get, resource};
use crate::error::{ApiError, ApiResult};
use crate::links::ALERT_LINKS;
use crate::state::App;
use actix_web::http::StatusCode;
use actix_web::http::header::{CONTENT_SECURITY_POLICY, ContentType};
use actix_web::web::{self, Data};
use actix_web::{HttpRequest, HttpResponse};
use nmc_core::alerts::AlertLinkAction;
use nmc_core::workflows::{Followed, LinkedAlert};
use nmc_core::{AlertStatus, Secret};

/// The page holds a form that posts back, and nothing else.
const PAGE: &str = "default-src 'none'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

pub(super) fn configure(app: &mut web::ServiceConfig) {
    let links = resource(&format!("{ALERT_LINKS}{{token}}"), "GET, HEAD, POST");
    app.service(links.route(get().to(look)).route(web::post().to(follow)));
}

async fn look(request: HttpRequest) -> ApiResult<HttpResponse> {
    let (app, token) = asked(&request).await?;
    let authenticator = app.authenticator.clone();
    app.pool.blocking(move |_| authenticator.look_at_alert_link(&token)).await.map(|followed| page(&followed))
}

async fn follow(request: HttpRequest) -> ApiResult<HttpResponse> {
    let (app, token) = asked(&request).await?;
    let authenticator = app.authenticator.clone();
    app.pool.blocking(move |_| authenticator.follow_alert_link(&token)).await.map(|followed| page(&followed))
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
        AlertLinkAction::Resolve => ("Resolve", "The alert is resolved"),
    }
}

fn page(followed: &Followed) -> HttpResponse {
    let about = |LinkedAlert { rule_name, business_name, .. }: &LinkedAlert| {
        format!("<p>{} &middot; {}</p>\n", escaped(rule_name), escaped(business_name))
    };
    let (status, title, more) = match followed {
        Followed::Ready(linked) => {
            let (button, _) = words(linked.action);
            let form = format!("<form method=\"post\"><button>{button}</button></form>\n");
            (StatusCode::OK, format!("{button}?"), about(linked) + &form)
        }
        Followed::Done(linked) => (StatusCode::OK, words(linked.action).1.to_owned(), about(linked)),
        Followed::Used => (StatusCode::GONE, "This mail has been answered".to_owned(), once("A link of it was used before.")),
        Followed::Settled(status) => {
            (StatusCode::CONFLICT, settled(*status).to_owned(), once("Nothing was changed by this link."))
        }
        Followed::Expired => (StatusCode::GONE, "This link is too old".to_owned(), once("Log in to see to the alert.")),
        Followed::Refused => (
            StatusCode::FORBIDDEN,
            "You may not see to this alert".to_owned(),
            once("Whoever looks after the business can tell why."),
        ),
        _ => (StatusCode::NOT_FOUND, "This link leads nowhere".to_owned(), once("Take the whole link of the mail.")),
    };
    let body = format!(
        "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><title>{title}</title>\n\
         <meta name=\"viewport\" content=\"width=device-width\"><meta name=\"robots\" content=\"noindex\"></head>\n\
         <body>\n<h1>{title}</h1>\n{more}</body></html>\n"
    );
    HttpResponse::build(status).insert_header(ContentType::html()).insert_header((CONTENT_SECURITY_POLICY, PAGE)).body(body)
}

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
