//! Bodies and requests that nobody should send: each is refused in words, at its field, and changes nothing.

use super::PASSWORD;
use crate::site::Site;
use serde_json::json;
use std::time::Duration;

const LONGEST: usize = 64 * 1024;

/// A login's head, up to its length.
const HEAD: &str = "POST /v1/sessions HTTP/1.1\r\nHost: nmc\r\nContent-Type: application/json\r\n";

#[test]
fn a_json_body_beyond_its_bound_is_a_413_declared_or_not() {
    let site = Site::new();
    let answer = site.wire().exchange(&format!("{HEAD}Content-Length: {}\r\n\r\n", LONGEST + 1));
    assert_eq!(answer.status, 413, "before a byte of it has come");
    let mut chunked = site.wire();
    chunked.write(&format!("{HEAD}Transfer-Encoding: chunked\r\n\r\n"));
    let answer = chunked.exchange(&format!("10000\r\n{}\r\n1\r\n \r\n0\r\n\r\n", " ".repeat(LONGEST)));
    assert_eq!(answer.status, 413);
    let full = site.call("POST", "/v1/sessions").bytes("application/json", vec![b' '; LONGEST]).expect(400);
    assert_eq!(full.refusal().0, "#", "as many are read");
}

#[test]
fn a_body_that_dawdles_is_a_408() {
    let site = Site::with(|_, config| config.patience = Duration::from_millis(200));
    let answer = site.wire().exchange(&format!("{HEAD}Content-Length: 100\r\n\r\n{{\"email\":"));
    assert_eq!(answer.status, 408);
    assert_eq!(site.count("user_sessions"), 0);
}

#[test]
fn what_is_no_good_document_says_where_and_why() {
    let site = Site::new();
    let owner = site.owner();
    let before = site.rows();
    let deep = |mark: &str| mark.repeat(10_000);
    let post = |body: &[u8]| site.call("POST", "/v1/sessions").bytes("application/json", body).expect(400).refusal();
    for (body, pointer, rule) in [
        (deep("[").into_bytes(), "#", "must be an object"),
        (format!("{}{}", deep("["), deep("]")).into_bytes(), "#", "must be an object"),
        (format!("{{\"email\":{}{}}}", deep("["), deep("]")).into_bytes(), "#/email", "must be a string"),
        ("{\"email\":".repeat(5_000).into_bytes(), "#/email", "must be a string"),
        (format!("{{\"device\":{}", deep("{\"a\":")).into_bytes(), "#/device", "must be a string"),
        (b"{\"email\": \"\xff\xfe@example.com\"}".to_vec(), "#", "must be a JSON document"),
        (b"{\"email\": \"a@example.com\", \"email\": \"b@example.com\"}".to_vec(), "#/email", "must be given once"),
        (b"{\"email\": \"a\\u0000b@example.com\", \"password\": \"x\"}".to_vec(), "#/email", "must be"),
        (b"{\"email\": \"\\ud800@example.com\", \"password\": \"x\"}".to_vec(), "#", "must be a JSON document"),
        (b"{\"email\": 7, \"password\": \"x\"}".to_vec(), "#/email", "must be a string"),
        (b"\xef\xbb\xbf{}".to_vec(), "#", "must be a JSON document"),
        (b"null".to_vec(), "#", "must be an object"),
        (b"[\"a@example.com\", \"correct horse\"]".to_vec(), "#", "must be an object"),
        (b"{} {}".to_vec(), "#/email", "is required"),
        (b"".to_vec(), "#", "must be a JSON document"),
    ] {
        let (at, said) = post(&body);
        let shown: String = String::from_utf8_lossy(&body).chars().take(40).collect();
        assert_eq!((at.as_str(), said.starts_with(rule)), (pointer, true), "{shown}: {said}");
        assert!(!said.contains("struct") && !said.contains("line ") && !said.contains("::"), "{shown}: {said}");
    }
    let nul = "a\u{0}b";
    for (path, field) in [
        ("/v1/tenant", "business_name"),
        ("/v1/tenant", "business_address"),
        ("/v1/tenant", "industry"),
        ("/v1/settings", "greeting_template"),
        ("/v1/users/me/profile", "first_name"),
        ("/v1/users/me/profile", "display_name"),
        ("/v1/users/me/status", "message"),
        ("/v1/users/me", "email"),
    ] {
        let answer = site.call("PATCH", path).by(&owner.access).json(&json!({ field: nul })).expect(400);
        assert_eq!(answer.refusal().0, format!("#/{field}"), "{}", answer.body);
    }
    for (path, field, value) in [
        ("/v1/tenant", "service_radius_miles", json!("25")),
        ("/v1/tenant", "estimated_job_min", json!(150)),
        ("/v1/tenant", "estimated_job_min", json!("150,00")),
        ("/v1/tenant", "estimated_job_min", json!("-1")),
        ("/v1/tenant", "estimated_job_max", json!("1e400")),
        ("/v1/tenant", "estimated_job_max", json!("99999999999999999999")),
        ("/v1/tenant", "service_radius_miles", json!(-1)),
        ("/v1/tenant", "business_hours_start", json!("25:00:00")),
        ("/v1/tenant", "timezone", json!("EST5EDT; DROP TABLE")),
        ("/v1/settings", "greeting_cooldown_hours", json!("24")),
    ] {
        let answer = site.call("PATCH", path).by(&owner.access).json(&json!({ field: value })).expect(400);
        assert_eq!(answer.refusal().0, format!("#/{field}"), "{value}: {}", answer.body);
    }
    assert_eq!(site.rows(), before);
}

#[test]
fn an_if_match_beyond_its_bound_is_refused_by_its_name() {
    let site = Site::new();
    let owner = site.owner();
    let change = |tags: String| {
        let call = site.call("PATCH", "/v1/settings").by(&owner.access).header("If-Match", tags);
        call.json(&json!({ "auto_resolve_days": 7 })).send()
    };
    assert_eq!(change("\"0\",".repeat(250)).status, 412);
    let answer = change("\"0\",".repeat(251));
    assert_eq!((answer.status, answer.refusal().0.as_str()), (400, "#/If-Match"));
}

#[test]
fn ids_that_can_be_none_are_not_found() {
    let site = Site::new();
    let owner = site.owner();
    for id in
        ["x".repeat(8_000), "%00".to_owned(), "..%2F..%2Fetc%2Fpasswd".to_owned(), "%FF%FE".to_owned(), "'%20OR%201=1".to_owned()]
    {
        for path in [format!("/v1/users/{id}"), format!("/v1/users/{id}/profile/photo"), format!("/v1/api-keys/{id}")] {
            site.call("GET", path).by(&owner.access).expect(404);
        }
    }
}

#[test]
fn oversized_headers_and_garbage_end_their_connection_alone() {
    let site = Site::new();
    for bearer in ["x".repeat(20_000), "eyJ.eyJ.".to_owned() + &"x".repeat(10_000), "\t".to_owned()] {
        let mut wire = site.wire();
        wire.write(&format!(
            "GET /v1/tenant HTTP/1.1\r\nHost: nmc\r\nConnection: close\r\nAuthorization: Bearer {bearer}\r\n\r\n"
        ));
        assert!(wire.rest().starts_with("HTTP/1.1 401 "));
    }
    for bytes in [
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03 a browser that speaks TLS\r\n\r\n".to_vec(),
        format!("GET / HTTP/1.1\r\nHost: nmc\r\nX: {}\r\n\r\n", "x".repeat(500_000)).into_bytes(),
        b"GET / HTTP/9.9\r\n\r\n".to_vec(),
        b"POST /v1/sessions HTTP/1.1\r\nHost: nmc\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\n{}".to_vec(),
        b"POST /v1/sessions HTTP/1.1\r\nHost: nmc\r\nContent-Length: -5\r\n\r\n{}".to_vec(),
        b"POST /v1/sessions HTTP/1.1\r\nHost: nmc\r\nTransfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\nzz\r\n".to_vec(),
    ] {
        let mut wire = site.wire();
        // The first is answered in full, whatever follows on the same connection.
        wire.write("GET /healthz HTTP/1.1\r\nHost: nmc\r\n\r\n");
        assert_eq!(wire.read().status, 200);
        assert!(wire.try_write(&bytes) || bytes.len() > 100_000);
        let rest = wire.rest();
        let shown: String = String::from_utf8_lossy(&bytes).chars().take(60).collect();
        assert!(rest.is_empty() || rest.starts_with("HTTP/1.1 4"), "{shown}: {rest}");
        assert!(!rest.contains("panicked") && !rest.contains(".rs"), "{shown}: {rest}");
    }
    site.call("GET", "/readyz").expect(200);
    assert_eq!(site.try_to_log_in(site.owner().email.as_str(), PASSWORD).status, 201);
}

#[test]
fn step_without_a_body_says_what_an_empty_one_says() {
    let site = Site::new();
    let owner = site.owner();
    let preview = || site.call("POST", "/v1/settings/greeting/preview").by(&owner.access);
    assert_eq!(preview().expect(200).body, preview().json(&json!({})).expect(200).body);
    let missing = site.call("POST", "/v1/escalation-contacts").by(&owner.access).expect(400).refusal();
    assert_eq!(missing, ("#/contact_type".to_owned(), "is required".to_owned()), "what must be there is named");
    site.call("POST", "/v1/browser-sessions/refresh").expect(415);
    let ask = || site.call("POST", "/v1/email-verifications").by(&owner.access);
    ask().expect(202);
    ask().json(&json!({})).expect(202);
    let before = site.rows();
    assert_eq!(ask().json(&json!({ "note": "x" })).expect(400).refusal().0, "#/note", "nobody would read it");
    assert_eq!(ask().bytes("text/plain", b"hello".to_vec()).expect(400).refusal().0, "#");
    let review = || site.call("PUT", "/v1/settings/greeting/review").by(&owner.access);
    assert_eq!(review().json(&json!({ "note": "x" })).expect(400).refusal().0, "#/note", "whatever the method");
    assert_eq!(review().bytes("application/json", b"{{{".to_vec()).expect(400).refusal().0, "#");
    assert_eq!(site.rows(), before);
    review().json(&json!({})).expect(200);
}

#[test]
fn json_in_another_charset_is_refused() {
    let site = Site::new();
    let owner = site.owner();
    let send = |media_type: &str| site.call("POST", "/v1/users").by(&owner.access).bytes(media_type, b"{}".to_vec()).sent();
    for other in ["application/json; charset=utf-16", "application/json;charset=\"ISO-8859-1\""] {
        let refused = send(other);
        assert_eq!((refused.status, refused.body.contains("UTF-8")), (415, true), "{other}: {}", refused.body);
    }
    assert_eq!(send("application/json; charset=UTF-8").status, 400);
}

#[test]
fn row_at_fault_is_named_in_one_manner() {
    let site = Site::new();
    let owner = site.owner();
    let post =
        |rows| site.call("POST", "/v1/measurements").by(&owner.access).json(&json!({ "rows": rows })).expect(400).document();
    let good = json!({ "metric": "jobs", "value": "7" });
    for (bad, named) in [
        (json!({ "metric": "", "value": "7" }), "rows[1].metric must not be empty"),
        (json!({ "metric": "jobs", "value": [] }), "rows[1].value must be"),
        (json!({ "metric": "jobs" }), "rows[1].value is required"),
    ] {
        let refused = post(json!([good, bad]));
        assert!(refused["detail"].as_str().unwrap().starts_with(named), "{refused}");
        assert!(refused["errors"][0]["pointer"].as_str().unwrap().starts_with("#/rows/1/"), "{refused}");
    }
}
