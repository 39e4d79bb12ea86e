//! What every answer says to browsers, and the docs page that needs nobody else.

use crate::site::{Answer, Site};
use nmc_http::Limit;
use serde_json::{Value, json};
use std::collections::BTreeSet;

const APP: &str = "https://app.example.com";

fn is_secure(answer: &Answer, what: &str) {
    for (name, value) in [
        ("X-Content-Type-Options", "nosniff"),
        ("X-Frame-Options", "DENY"),
        ("Referrer-Policy", "no-referrer"),
        ("Cross-Origin-Resource-Policy", "same-origin"),
    ] {
        assert_eq!(answer.header(name), Some(value), "{what}: {answer:?}");
    }
    let policy = answer.header("Content-Security-Policy").unwrap();
    assert!(policy.contains("default-src 'none'") && policy.contains("frame-ancestors 'none'"), "{what}: {policy}");
    let cache = answer.header("Cache-Control").unwrap();
    assert_eq!(cache == "no-store", !what.starts_with("/docs"), "{what}: {cache}");
    for name in ["Server", "X-Powered-By"] {
        assert_eq!(answer.header(name), None, "{what}");
    }
}

#[test]
fn every_kind_of_answer_carries_the_security_headers() {
    let site = Site::with(|_, config| config.limits.login_per_account = Limit { burst: 1, per_minute: 1 });
    let owner = site.owner();
    site.try_to_log_in("nobody@example.com", "x");
    let large = vec![b' '; 64 * 1024 + 1];
    for (status, answer) in [
        (200, site.call("GET", "/v1/tenant").by(&owner.access).send()),
        (200, site.call("GET", "/healthz").send()),
        (200, site.call("GET", "/openapi.json").send()),
        (401, site.call("GET", "/v1/tenant").send()),
        (404, site.call("GET", "/nowhere").send()),
        (405, site.call("PUT", "/v1/tenant").by(&owner.access).send()),
        (413, site.call("POST", "/v1/sessions").bytes("application/json", large).send()),
        (415, site.call("POST", "/v1/sessions").bytes("text/plain", "{}").send()),
        (429, site.try_to_log_in("nobody@example.com", "x")),
    ] {
        assert_eq!(answer.status, status, "{}", answer.body);
        is_secure(&answer, &status.to_string());
    }
    is_secure(&site.call("GET", "/docs/").expect(200), "/docs/");
}

/// The names of an answer's CORS headers.
fn cors(answer: &Answer) -> Vec<&str> {
    answer
        .headers
        .iter()
        .map(|(name, _)| name.as_str())
        .filter(|name| name.to_lowercase().starts_with("access-control-"))
        .collect()
}

fn preflight(site: &Site, origin: &str) -> Answer {
    site.call("OPTIONS", "/v1/tenant")
        .header("Origin", origin)
        .header("Access-Control-Request-Method", "PATCH")
        .header("Access-Control-Request-Headers", "authorization,content-type,if-match")
        .sent()
}

#[test]
fn no_page_of_another_origin_may_call_unless_it_is_named() {
    let (closed, open) = (Site::new(), Site::with(|_, config| config.cors_origins = vec![APP.to_owned()]));
    let get = |site: &Site, origin: &str| site.call("GET", "/healthz").header("Origin", origin).send();
    for origin in [APP, "null", "https://evil.example.com", "*"] {
        assert_eq!(cors(&get(&closed, origin)), Vec::<&str>::new(), "{origin}");
        assert_eq!(cors(&preflight(&closed, origin)), Vec::<&str>::new(), "{origin}");
    }
    for origin in ["null", "https://evil.example.com", "https://app.example.com.evil.com", "http://app.example.com"] {
        for answer in [get(&open, origin), preflight(&open, origin)] {
            assert_eq!(answer.header("Access-Control-Allow-Origin"), None, "{origin}");
        }
    }
    assert_eq!(get(&open, APP).header("Access-Control-Allow-Origin"), Some(APP));
    let allowed = preflight(&open, APP);
    assert_eq!((allowed.status, allowed.header("Access-Control-Allow-Origin")), (200, Some(APP)));
    assert!(allowed.header("Access-Control-Allow-Methods").unwrap().contains("PATCH"));
    assert_eq!(allowed.header("Access-Control-Allow-Credentials"), None, "tokens travel in a header, never in a cookie");
    is_secure(&allowed, "a preflight");
    let refused = open.call("GET", "/v1/tenant").header("Origin", APP).expect(401);
    assert_eq!(refused.header("Access-Control-Allow-Origin"), Some(APP), "a page is told why");
}

/// What a page loads.
fn links(html: &str) -> BTreeSet<String> {
    let after = |mark: &'static str| html.split(mark).skip(1).filter_map(|rest| rest.split('"').next());
    after("src=\"").chain(after("href=\"")).map(str::to_owned).collect()
}

#[test]
fn the_docs_page_and_all_it_loads_come_from_here() {
    let site = Site::new();
    let moved = site.request("GET", "/docs");
    assert_eq!((moved.status, moved.header("Location")), (303, Some("/docs/")));
    let page = site.call("GET", "/docs/").expect(200);
    assert!(page.header("Content-Type").unwrap().starts_with("text/html"));
    let links = links(&page.body);
    assert!(links.len() > 4, "{links:?}");
    for link in &links {
        assert!(!link.contains("://") && !link.starts_with("//"), "{link}");
        let path = format!("/docs/{}", link.trim_start_matches("./"));
        is_secure(&site.call("GET", path.clone()).expect(200), &path);
    }
    let starter = site.call("GET", "/docs/swagger-initializer.js").expect(200);
    for (what, text) in [("the page", &page.body), ("its starter", &starter.body)] {
        assert!(!text.contains("http://") && !text.contains("https://"), "{what}: {text}");
    }
    assert!(!page.body.contains("<script>"), "the policy lets no inline script run");
    assert!(starter.body.contains("/openapi.json"));
    for path in ["/docs/nowhere.js", "/docs/../Cargo.toml", "/docs/%2e%2e/Cargo.toml", "/docs//etc/passwd"] {
        let answer = site.call("GET", path).expect(404);
        assert_eq!(answer.header("Cache-Control"), Some("no-store"), "{path}");
    }
    for path in ["/docs", "/docs/", "/openapi.json"] {
        assert_eq!(site.call("DELETE", path).expect(405).header("Allow"), Some("GET, HEAD"), "{path}");
        site.call("HEAD", path).expect(200);
    }
}

/// Every reference in a document.
fn references<'d>(value: &'d Value, found: &mut Vec<&'d str>) {
    match value {
        Value::Object(fields) => fields.iter().for_each(|(name, value)| match value {
            Value::String(target) if name == "$ref" => found.push(target),
            value => references(value, found),
        }),
        Value::Array(items) => items.iter().for_each(|item| references(item, found)),
        _ => {}
    }
}

#[test]
fn the_document_that_is_served_is_whole() {
    let site = Site::new();
    let document = site.call("GET", "/openapi.json").expect(200).document();
    assert_eq!(document, json!(nmc_http::openapi()));
    assert!(document["openapi"].as_str().unwrap().starts_with("3.1."));
    let mut found = Vec::new();
    references(&document, &mut found);
    assert!(found.len() > 50, "{}", found.len());
    for target in found {
        let pointer = target.strip_prefix('#').unwrap_or_else(|| panic!("{target} leads elsewhere"));
        assert!(document.pointer(pointer).is_some(), "{target} leads nowhere");
    }
}
