//! The web inbox: one page and its files, all in this program. The files are under a name that is made of what is in them, so that
//! a browser keeps them for good; the page that names them is fetched anew each time.

use super::{get, resource};
use crate::error::{ApiError, ApiResult};
use actix_web::http::header::{CACHE_CONTROL, ETAG, IF_NONE_MATCH};
use actix_web::middleware::Compress;
use actix_web::web::{self, Bytes, Data, Redirect};
use actix_web::{HttpRequest, HttpResponse};
use sha2::{Digest as _, Sha256};

const READ: &str = "GET, HEAD";
/// What stands in the page for the folder of its files.
const FOLDER: &str = "__FILES__";
const FOR_GOOD: &str = "public, max-age=31536000, immutable";

macro_rules! files {
    ($($name:literal)*) => {
        &[$(($name, include_bytes!(concat!("../../web/", $name)))),*]
    };
}

const PAGE: &str = include_str!("../../web/index.html");
/// Every file of the page.
const FILES: &[(&str, &[u8])] = files! {
    "css/base.css"
    "css/inbox.css"
    "css/parts.css"
    "css/views.css"
    "icon.svg"
    "js/api/client.js"
    "js/api/figures.js"
    "js/api/session.js"
    "js/api/timeline.js"
    "js/components/chart.js"
    "js/components/composer.js"
    "js/components/entry.js"
    "js/components/form.js"
    "js/components/icon.js"
    "js/components/notify.js"
    "js/components/page.js"
    "js/components/parts.js"
    "js/components/shell.js"
    "js/components/thread.js"
    "js/dom.js"
    "js/format.js"
    "js/main.js"
    "js/router.js"
    "js/stream/events.js"
    "js/stream/live.js"
    "js/stream/presence.js"
    "js/views/alerts.js"
    "js/views/calls.js"
    "js/views/conversation.js"
    "js/views/customer.js"
    "js/views/details.js"
    "js/views/door.js"
    "js/views/figures.js"
    "js/views/inbox.js"
    "js/views/keys.js"
    "js/views/myself.js"
    "js/views/numbers.js"
    "js/views/onboarding.js"
    "js/views/people.js"
    "js/views/settings.js"
    "js/views/split.js"
    "js/words.js"
};

/// The page, with the name of its files' folder.
struct Inbox {
    page: String,
    version: String,
}

impl Inbox {
    fn built_in() -> Self {
        let mut hash = Sha256::new();
        hash.update(PAGE);
        for (name, bytes) in FILES {
            hash.update(name);
            hash.update(bytes);
        }
        let digest = hash.finalize();
        let version: String = digest.iter().take(8).map(|byte| format!("{byte:02x}")).collect();
        Self { page: PAGE.replace(FOLDER, &format!("/app/{version}")), version }
    }
}

pub(super) fn configure(app: &mut web::ServiceConfig) {
    app.app_data(Data::new(Inbox::built_in()))
        .service(resource("/app", READ).route(get().to(page)))
        .service(resource("/app/", READ).route(get().to(|| async { Redirect::to("/app").see_other() })))
        .service(resource("/app/{version}/{file:.*}", READ).route(get().to(file)).wrap(Compress::default()));
}

/// The page. An old one that is still open asks for it, and knows by the ETag that there is a new one.
async fn page(inbox: Data<Inbox>) -> HttpResponse {
    HttpResponse::Ok()
        .insert_header((ETAG, format!("\"{}\"", inbox.version)))
        .insert_header((CACHE_CONTROL, "no-store"))
        .content_type("text/html; charset=utf-8")
        .body(inbox.page.clone())
}

async fn file(request: HttpRequest, inbox: Data<Inbox>) -> ApiResult<HttpResponse> {
    let (version, name) = (request.match_info().query("version"), request.match_info().query("file"));
    let found = FILES.iter().find(|(known, _)| *known == name).filter(|_| version == inbox.version);
    let (name, bytes) = found.ok_or(ApiError::NoRoute)?;
    let tag = format!("\"{version}\"");
    let kept = request.headers().get(IF_NONE_MATCH).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let is_kept = kept.split(',').any(|one| one.trim().trim_start_matches("W/") == tag);
    let mut answer = if is_kept { HttpResponse::NotModified() } else { HttpResponse::Ok() };
    answer.insert_header((ETAG, tag)).insert_header((CACHE_CONTROL, FOR_GOOD)).content_type(media_type(name));
    Ok(if is_kept { answer.finish() } else { answer.body(Bytes::from_static(bytes)) })
}

fn media_type(name: &str) -> &'static str {
    match name.rsplit_once('.') {
        Some((_, "css")) => "text/css; charset=utf-8",
        Some((_, "svg")) => "image/svg+xml",
        _ => "text/javascript; charset=utf-8",
    }
}
