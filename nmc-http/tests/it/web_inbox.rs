//! The web inbox's files: what is kept, what is not, and what the page may do.

use crate::site::{Answer, Site};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// The most that a browser loads for the page, compressed.
const LARGEST: usize = 60 * 1024;

fn page(site: &Site) -> Answer {
    site.call("GET", "/app").expect(200)
}

/// The folder of the page's files, as the page names it.
fn folder(page: &Answer) -> String {
    let from = page.body.find("/app/").expect("a folder");
    page.body[from..].split('/').take(3).collect::<Vec<_>>().join("/")
}

/// The files of the page's source, by their names.
fn sources() -> BTreeSet<String> {
    fn below(dir: &Path, found: &mut Vec<PathBuf>) {
        for entry in std::fs::read_dir(dir).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() { below(&path, found) } else { found.push(path) }
        }
    }
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("web");
    let mut found = Vec::new();
    below(&root, &mut found);
    let name = |path: &PathBuf| path.strip_prefix(&root).unwrap().to_str().unwrap().to_owned();
    found.iter().map(name).filter(|name| name != "index.html").collect()
}

#[test]
fn page_is_fetched_anew_and_may_run_nothing_but_its_own() {
    let site = Site::new();
    let page = page(&site);
    assert_eq!(page.header("Cache-Control"), Some("no-store"));
    assert_eq!(page.header("Content-Type"), Some("text/html; charset=utf-8"));
    assert!(page.header("ETag").is_some());
    let policy = page.header("Content-Security-Policy").unwrap();
    for rule in [
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "connect-src 'self'",
        "img-src 'self' data:",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
        "require-trusted-types-for 'script'",
        "trusted-types 'none'",
    ] {
        assert!(policy.split("; ").any(|one| one == rule), "{rule}: {policy}");
    }
    assert!(!policy.contains("unsafe") && !policy.contains('*'), "{policy}");
    assert!(
        !page.body.contains("<script>") && !page.body.contains("style=") && !page.body.contains("__FILES__"),
        "{}",
        page.body
    );
    for nearly in ["/app/", "/"] {
        let moved = site.request("GET", nearly);
        assert_eq!((moved.status, moved.header("Location")), (303, Some("/app")), "{nearly}");
    }
    assert_eq!(site.call("HEAD", "/app").expect(200).header("ETag"), page.header("ETag"));
    assert_eq!(site.call("POST", "/app").expect(405).header("Allow"), Some("GET, HEAD"));
}

#[test]
fn files_are_kept_for_good_under_the_name_of_what_is_in_them() {
    let site = Site::new();
    let folder = folder(&page(&site));
    for name in sources() {
        let file = site.call("GET", format!("{folder}/{name}")).expect(200);
        assert_eq!(file.header("Cache-Control"), Some("public, max-age=31536000, immutable"), "{name}");
        let kind = match name.rsplit_once('.').unwrap().1 {
            "js" => "text/javascript; charset=utf-8",
            "css" => "text/css; charset=utf-8",
            "svg" => "image/svg+xml",
            other => panic!("{other} is no kind of file that is served"),
        };
        assert_eq!(file.header("Content-Type"), Some(kind), "{name}");
        let tag = file.header("ETag").unwrap().to_owned();
        let kept = site.call("GET", format!("{folder}/{name}")).header("If-None-Match", format!("\"x\", W/{tag}")).expect(304);
        assert_eq!((kept.body.as_str(), kept.header("ETag")), ("", Some(tag.as_str())), "{name}");
        let other = site.call("GET", format!("{folder}/{name}")).header("If-None-Match", "\"x\"").expect(200);
        let source = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("web").join(&name)).unwrap();
        let (sent, lines) = (other.body.lines().count(), source.lines().count());
        assert_eq!(sent, lines, "{name}: each line has the number that it has in the source");
        for (at, (line, own)) in other.body.lines().zip(source.lines()).enumerate() {
            let is_comment = own.trim_start().starts_with(['/', '*']) || own.ends_with("*/") || name.ends_with(".css");
            assert!(line == own.trim_start() || line.is_empty() && is_comment, "{name}:{at}: {own}");
        }
    }
    for path in [
        "/app/0000000000000000/js/main.js".to_owned(),
        format!("{folder}/index.html"),
        format!("{folder}/js/nowhere.js"),
        format!("{folder}/../Cargo.toml"),
        format!("{folder}/%2e%2e/%2e%2e/Cargo.toml"),
        folder,
    ] {
        assert_eq!(site.call("GET", path.clone()).expect(404).header("Cache-Control"), Some("no-store"), "{path}");
    }
}

#[test]
fn all_of_the_page_is_small_when_compressed() {
    let site = Site::new();
    let folder = folder(&page(&site));
    let mut sum = 0;
    for name in sources() {
        let url = format!("http://{}{folder}/{name}", site.address());
        let mut answer = site.agent().get(url).header("Accept-Encoding", "gzip").call().unwrap();
        assert_eq!(answer.headers().get("Content-Encoding").unwrap(), "gzip", "{name}");
        sum += answer.body_mut().read_to_vec().unwrap().len();
    }
    assert!(sum < LARGEST, "{sum} bytes");
}

#[test]
fn page_asks_for_nothing_that_the_api_has_not() {
    let known: Vec<String> = nmc_http::openapi().paths.paths.into_keys().collect();
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("web");
    let mut asked = 0;
    for name in sources().iter().filter(|name| name.ends_with(".js")) {
        let text = std::fs::read_to_string(root.join(name)).unwrap();
        for rest in text.split(['\'', '`']).filter(|part| part.starts_with("/v1/")) {
            asked += 1;
            let path: Vec<&str> = rest.split('?').next().unwrap().split('/').collect();
            let fits = |one: &String| {
                let known: Vec<&str> = one.split('/').collect();
                known.len() >= path.len()
                    && path
                        .iter()
                        .zip(&known)
                        .all(|(asked, known)| asked == known || known.starts_with('{') || asked.contains('$'))
            };
            assert!(known.iter().any(fits), "{name} asks for {rest}");
        }
    }
    assert!(asked > 20, "{asked}");
}

#[test]
fn page_makes_no_markup_of_text_and_names_no_other_host() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("web");
    for name in sources() {
        let text = std::fs::read_to_string(root.join(&name)).unwrap();
        for forbidden in ["innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval(", "Function(", "@import"] {
            assert!(!text.contains(forbidden), "{name} has {forbidden}");
        }
        let named = text.replace("http://www.w3.org/", "").replace("https?://", "");
        assert!(!named.contains("http://") && !named.contains("https://"), "{name} names another host");
    }
}
