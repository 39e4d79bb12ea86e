//! Sessions of the web inbox: the refresh token travels in a cookie of its own route, and nowhere else.

use super::{PASSWORD, Person, WRONG_PASSWORD};
use crate::site::{Answer, Site};
use nmc_core::UserRole;
use serde_json::{Value, json};

const LOG_IN: &str = "/v1/browser-sessions";
const REFRESH: &str = "/v1/browser-sessions/refresh";
const LOG_OUT: &str = "/v1/browser-sessions/current";

/// The value of the cookie that an answer sets, and its attributes.
#[track_caller]
fn cookie(answer: &Answer) -> (String, Vec<String>) {
    let line = answer.header("Set-Cookie").expect("a cookie");
    let mut parts = line.split("; ").map(str::to_owned);
    let value = parts.next().unwrap().strip_prefix("refresh_token=").expect(line).to_owned();
    (value, parts.collect())
}

fn log_in(site: &Site, person: &Person) -> Answer {
    let body = json!({ "email": person.email, "password": PASSWORD, "device": "a browser of the office" });
    site.call("POST", LOG_IN).header("Origin", "https://nmc.example.com").json(&body).expect(201)
}

fn refresh(site: &Site, token: &str) -> Answer {
    site.call("POST", REFRESH).header("Cookie", format!("theme=dark; refresh_token={token}")).json(&json!({})).send()
}

fn access(answer: &Answer) -> String {
    answer.document()["access_token"].as_str().unwrap().to_owned()
}

fn me(site: &Site, access: &str) -> u16 {
    site.call("GET", "/v1/users/me").by(access).send().status
}

#[test]
fn login_of_a_page_keeps_the_refresh_token_from_it() {
    let site = Site::new();
    let person = site.person(&site.joe, UserRole::User);
    let answer = log_in(&site, &person);
    let (token, attributes) = cookie(&answer);
    assert!(token.starts_with("nmcr_") && !answer.body.contains("nmcr_"), "{}", answer.body);
    let age: i64 = attributes.iter().find_map(|one| one.strip_prefix("Max-Age=")).unwrap().parse().unwrap();
    assert!((30 * 86_400 - 60..=30 * 86_400).contains(&age), "{age}");
    for one in ["Path=/v1/browser-sessions/refresh", "HttpOnly", "SameSite=Strict", "Secure"] {
        assert!(attributes.iter().any(|attribute| attribute == one), "{one}: {attributes:?}");
    }
    assert!(!attributes.iter().any(|one| one.starts_with("Domain")), "{attributes:?}");
    let tokens = answer.document();
    assert_eq!((&tokens["token_type"], &tokens["session"]["device"]), (&json!("Bearer"), &json!("a browser of the office")));
    assert_eq!(tokens.get("refresh_token"), None::<&Value>);
    assert_eq!(me(&site, &access(&answer)), 200);
    let wrong = json!({ "email": person.email, "password": WRONG_PASSWORD });
    assert_eq!(site.call("POST", LOG_IN).json(&wrong).expect(401).header("Set-Cookie"), None);
}

#[test]
fn cookie_is_secure_unless_the_page_came_over_plain_http() {
    let site = Site::new();
    let person = site.owner();
    let body = json!({ "email": person.email, "password": PASSWORD });
    let is_secure = |answer: &Answer| cookie(answer).1.iter().any(|one| one == "Secure");
    for (origin, expected) in
        [("https://nmc.example.com", true), ("null", true), ("http://127.0.0.1:8080", false), ("http://nmc.local", false)]
    {
        let answer = site.call("POST", LOG_IN).header("Origin", origin).json(&body).expect(201);
        assert_eq!(is_secure(&answer), expected, "{origin}");
    }
    assert!(is_secure(&site.call("POST", LOG_IN).json(&body).expect(201)), "without an origin");
}

#[test]
fn each_refresh_sets_the_next_token_and_reuse_ends_the_session() {
    let site = Site::new();
    let first = cookie(&log_in(&site, &site.owner())).0;
    let answer = refresh(&site, &first);
    let second = cookie(&answer).0;
    assert_eq!((answer.status, me(&site, &access(&answer))), (200, 200));
    assert_ne!(first, second);
    let answer = refresh(&site, &second);
    let (third, last) = (cookie(&answer).0, access(&answer));
    assert_eq!(refresh(&site, &first).status, 401);
    assert_eq!(refresh(&site, &third).status, 401, "two parties hold the session: it has ended for both");
    assert_eq!(me(&site, &last), 401);
}

#[test]
fn refresh_without_a_cookie_is_refused_and_sets_none() {
    let site = Site::new();
    let owner = site.owner();
    let empty = site.call("POST", REFRESH).json(&json!({})).expect(401);
    assert_eq!(empty.header("Set-Cookie"), None);
    for rubbish in ["", "rubbish", &owner.access] {
        assert_eq!(refresh(&site, rubbish).status, 401, "{rubbish}");
    }
    let shown = site.call("POST", REFRESH).json(&json!({ "refresh_token": owner.refresh })).expect(200);
    assert!(cookie(&shown).0.starts_with("nmcr_"), "a link's token becomes a cookie");
    assert_eq!(refresh(&site, &cookie(&shown).0).status, 200);
}

#[test]
fn form_of_another_site_can_refresh_nothing() {
    let site = Site::new();
    let token = cookie(&log_in(&site, &site.owner())).0;
    for media_type in ["application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "text/plain"] {
        let answer = site
            .call("POST", REFRESH)
            .header("Cookie", format!("refresh_token={token}"))
            .header("Origin", "https://evil.example.com")
            .bytes(media_type, "{}")
            .expect(415);
        assert_eq!(answer.header("Set-Cookie"), None, "{media_type}");
    }
    assert_eq!(refresh(&site, &token).status, 200, "the token was not used up");
}

#[test]
fn logging_out_a_page_ends_the_session_and_clears_the_cookie() {
    let site = Site::new();
    let answer = log_in(&site, &site.owner());
    let (token, bearer) = (cookie(&answer).0, access(&answer));
    let out = site.call("DELETE", LOG_OUT).by(&bearer).expect(204);
    let (value, attributes) = cookie(&out);
    assert_eq!(value, "");
    for one in ["Max-Age=0", "Path=/v1/browser-sessions/refresh", "HttpOnly", "SameSite=Strict"] {
        assert!(attributes.iter().any(|attribute| attribute == one), "{one}: {attributes:?}");
    }
    assert_eq!((me(&site, &bearer), refresh(&site, &token).status), (401, 401));
}

#[test]
fn cookie_alone_opens_no_other_route() {
    let site = Site::new();
    let token = cookie(&log_in(&site, &site.owner())).0;
    for (method, path) in [("GET", "/v1/tenant"), ("DELETE", LOG_OUT), ("GET", "/v1/events")] {
        site.call(method, path).header("Cookie", format!("refresh_token={token}")).expect(401);
    }
}
