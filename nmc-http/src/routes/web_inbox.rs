//! The web inbox: one page and its files, all in this program. The files are under a name that is made of what is in them, so that
//! a browser keeps them for good; the page that names them is fetched anew each time.

use super::{get, resource};
use crate::error::{ApiError, ApiResult};
use actix_web::http::header::{ACCEPT_ENCODING, CACHE_CONTROL, CONTENT_ENCODING, ETAG, HeaderName, IF_NONE_MATCH, VARY};
use actix_web::web::{self, Bytes, Redirect};
use actix_web::{HttpRequest, HttpResponse};
use flate2::Compression;
use flate2::write::GzEncoder;
use sha2::{Digest as _, Sha256};
use std::io::Write as _;
use std::sync::LazyLock;

const READ: &str = "GET, HEAD";
/// What stands in the page for the folder of its files.
const FOLDER: &str = "__FILES__";
const FOR_GOOD: &str = "public, max-age=31536000, immutable";

macro_rules! files {
    ($($name:literal)*) => {
        &[$(($name, include_str!(concat!("../../web/", $name)))),*]
    };
}

const PAGE: &str = include_str!("../../web/index.html");
/// Every file of the page.
const FILES: &[(&str, &str)] = files! {
    "css/base.css"
    "css/parts.css"
    "icon.svg"
    "js/api/client.js"
    "js/api/figures.js"
    "js/api/session.js"
    "js/api/timeline.js"
    "js/components/canned.js"
    "js/components/chart.js"
    "js/components/composer.js"
    "js/components/entry.js"
    "js/components/form.js"
    "js/components/icon.js"
    "js/components/notify.js"
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
    "js/ui.js"
    "js/views/alerts.js"
    "js/views/calls.js"
    "js/views/conversation.js"
    "js/views/customer.js"
    "js/views/door.js"
    "js/views/figures.js"
    "js/views/inbox.js"
    "js/views/people.js"
    "js/views/settings.js"
    "js/views/split.js"
    "js/words.js"
};

static INBOX: LazyLock<Inbox> = LazyLock::new(Inbox::built_in);

/// The page, with the name of its files' folder, and the files as they are sent.
struct Inbox {
    page: String,
    version: String,
    files: Vec<File>,
}

struct File {
    name: &'static str,
    plain: Bytes,
    /// The file as gzip; `None` where that failed.
    gzip: Option<Bytes>,
}

impl Inbox {
    fn built_in() -> Self {
        let mut hash = Sha256::new();
        hash.update(PAGE);
        for (name, text) in FILES {
            hash.update(name);
            hash.update(text);
        }
        let digest = hash.finalize();
        let version: String = digest.iter().take(8).map(|byte| format!("{byte:02x}")).collect();
        let files = FILES.iter().map(|(name, text)| {
            let text = lean(text);
            File { name, gzip: gzip(text.as_bytes()).ok().map(Bytes::from), plain: Bytes::from(text) }
        });
        Self { page: PAGE.replace(FOLDER, &format!("/app/{version}")), version, files: files.collect() }
    }
}

/// A file without its indentation and the lines that are comments, which only its readers need. Each line keeps its number.
fn lean(text: &str) -> String {
    let mut is_comment = false;
    let lines = text.lines().map(|line| {
        let line = line.trim_start();
        is_comment |= line.starts_with("/*");
        let is_left_out = is_comment || line.starts_with("//");
        is_comment &= !line.ends_with("*/");
        if is_left_out { "" } else { line }
    });
    lines.flat_map(|line| [line, "\n"]).collect()
}

fn gzip(bytes: &[u8]) -> std::io::Result<Vec<u8>> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(bytes)?;
    encoder.finish()
}

/// Leads people who typed no more than the server's name, or a slash too many, to the page.
async fn there() -> Redirect {
    Redirect::to("/app").see_other()
}

pub(super) fn configure(app: &mut web::ServiceConfig) {
    app.service(resource("/app", READ).route(get().to(page)))
        .service(resource("/app/", READ).route(get().to(there)))
        .service(resource("/", READ).route(get().to(there)))
        .service(resource("/app/{version}/{file:.*}", READ).route(get().to(file)));
}

/// The page. An old one that is still open asks for it, and knows by the ETag that there is a new one.
async fn page() -> HttpResponse {
    HttpResponse::Ok()
        .insert_header((ETAG, format!("\"{}\"", INBOX.version)))
        .insert_header((CACHE_CONTROL, "no-store"))
        .content_type("text/html; charset=utf-8")
        .body(INBOX.page.as_str())
}

async fn file(request: HttpRequest) -> ApiResult<HttpResponse> {
    let (version, name) = (request.match_info().query("version"), request.match_info().query("file"));
    let found = INBOX.files.iter().find(|file| file.name == name).filter(|_| version == INBOX.version);
    let file = found.ok_or(ApiError::NoRoute)?;
    let tag = format!("\"{version}\"");
    let is_kept = says(&request, IF_NONE_MATCH, |one| one.trim_start_matches("W/") == tag);
    let mut answer = if is_kept { HttpResponse::NotModified() } else { HttpResponse::Ok() };
    answer.insert_header((ETAG, tag)).insert_header((CACHE_CONTROL, FOR_GOOD)).insert_header((VARY, "Accept-Encoding"));
    answer.content_type(media_type(name));
    if is_kept {
        return Ok(answer.finish());
    }
    let gzip = file.gzip.as_ref().filter(|_| says(&request, ACCEPT_ENCODING, |one| one.eq_ignore_ascii_case("gzip")));
    Ok(match gzip {
        Some(gzip) => answer.insert_header((CONTENT_ENCODING, "gzip")).body(gzip.clone()),
        None => answer.body(file.plain.clone()),
    })
}

/// Whether a header's list has such a part.
fn says(request: &HttpRequest, name: HeaderName, is_it: impl Fn(&str) -> bool) -> bool {
    let text = request.headers().get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
    text.split(',').any(|one| is_it(one.trim()))
}

fn media_type(name: &str) -> &'static str {
    match name.rsplit_once('.') {
        Some((_, "css")) => "text/css; charset=utf-8",
        Some((_, "svg")) => "image/svg+xml",
        _ => "text/javascript; charset=utf-8",
    }
}
