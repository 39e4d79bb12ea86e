//! API keys, from their making to their end.

use super::Person;
use crate::site::{Answer, Site};
use chrono::TimeDelta;
use nmc_core::UserRole;
use nmc_core::access::Permission;
use nmc_core::testing::{ManualClock, noon};
use serde_json::{Value, json};
use std::sync::Arc;

struct Keys {
    site: Site,
    clock: Arc<ManualClock>,
    owner: Person,
}

impl Keys {
    fn new() -> Self {
        let clock = Arc::new(ManualClock::new(noon()));
        let site = Site::with(|store, _| store.clock = clock.clone());
        let owner = site.owner();
        Self { site, clock, owner }
    }

    /// The key's text, and where it is.
    fn make(&self, body: &Value) -> (String, String) {
        let made = self.site.call("POST", "/v1/api-keys").by(&self.owner.access).json(body).expect(201);
        (made.document()["key"].as_str().unwrap().to_owned(), made.header("Location").unwrap().to_owned())
    }

    fn rotate(&self, at: &str, body: &Value) -> Answer {
        self.site.call("POST", format!("{at}/rotation")).by(&self.owner.access).json(body).send()
    }

    fn works(&self, key: &str) -> bool {
        let status = self.site.call("GET", "/v1/tenant").by(key).send().status;
        assert!([200, 401].contains(&status), "{status}");
        status == 200
    }
}

fn reader() -> Value {
    json!({ "name": "a reader", "scopes": ["tenant:read"] })
}

#[test]
fn a_key_is_shown_once_and_only_its_hash_is_kept() {
    let keys = Keys::new();
    let (key, at) = keys.make(&reader());
    let secret = key.splitn(3, '_').nth(2).unwrap();
    assert!(key.starts_with("nmc_") && keys.works(&key));
    for path in [&*at, "/v1/api-keys", "/v1/api-keys?in_force=true"] {
        let seen = keys.site.call("GET", path).by(&keys.owner.access).expect(200);
        assert!(seen.body.contains("a reader") && !seen.body.contains(secret) && !seen.body.contains("hash"), "{}", seen.body);
    }
    assert!(!keys.site.rows().join("\n").contains(secret));
    let flipped: String =
        key.chars().rev().enumerate().map(|(at, c)| if at == 5 { if c == 'a' { 'b' } else { 'a' } } else { c }).collect();
    let flipped: String = flipped.chars().rev().collect();
    for wrong in [&flipped, &key[..key.len() - 1], "nmc_", "nmc_a_b", "nmc__"] {
        assert!(!keys.works(wrong));
    }
}

#[test]
fn no_key_may_do_more_than_its_maker() {
    let keys = Keys::new();
    let owner = &keys.owner.access;
    let make = |by: &str, scopes: &[&str]| {
        keys.site.call("POST", "/v1/api-keys").by(by).json(&json!({ "name": "a key", "scopes": scopes })).send()
    };
    let maker = make(owner, &["api-keys:write", "users:read"]).document()["key"].as_str().unwrap().to_owned();
    assert_eq!(make(&maker, &["users:read"]).status, 201);
    assert_eq!(make(&maker, &["users:read", "users:write"]).status, 403);
    let person = keys.site.person(&keys.site.joe, UserRole::Operator);
    assert_eq!(make(&person.access, &["users:read"]).status, 403);
    let all: Vec<&str> = Permission::ALL.iter().map(|permission| permission.label()).collect();
    assert_eq!(make(owner, &all).status, 201);

    let (_, strong) = keys.make(&json!({ "name": "strong", "scopes": ["users:write"] }));
    for (method, path, body) in [
        ("PATCH", strong.clone(), json!({ "name": "mine" })),
        ("POST", format!("{strong}/rotation"), json!({})),
        ("DELETE", strong, Value::Null),
    ] {
        let call = keys.site.call(method, path).by(&maker);
        let status = if body.is_null() { call.send().status } else { call.json(&body).send().status };
        // Whoever may write keys may revoke any: that takes nothing from anybody.
        assert_eq!(status, if method == "DELETE" { 204 } else { 403 }, "{method}");
    }
    let before = keys.site.rows();
    for (body, pointer) in [
        (json!({ "name": "a key", "scopes": ["rubbish"] }), "#/scopes/0"),
        (json!({ "name": "a key", "scopes": ["users:read", "*"] }), "#/scopes/1"),
        (json!({ "name": "a key", "scopes": ["users:read", "users:read"] }), "#/scopes"),
        (json!({ "name": "a key", "scopes": [] }), "#/scopes"),
        (json!({ "name": "a key", "scopes": "users:read" }), "#/scopes"),
        (json!({ "name": "a key" }), "#/scopes"),
        (json!({ "name": " ", "scopes": ["users:read"] }), "#/name"),
        (json!({ "name": "x".repeat(101), "scopes": ["users:read"] }), "#/name"),
        (json!({ "name": "a key", "scopes": ["users:read"], "expires_at": "2020-01-01T00:00:00Z" }), "#/expires_at"),
        (json!({ "name": "a key", "scopes": ["users:read"], "expires_at": "soon" }), "#/expires_at"),
    ] {
        let answer = keys.site.call("POST", "/v1/api-keys").by(owner).json(&body).expect(400);
        assert_eq!(answer.refusal().0, pointer, "{}", answer.body);
    }
    assert_eq!(keys.site.rows(), before);
}

#[test]
fn a_rotated_key_goes_on_for_its_overlap_and_no_longer() {
    let keys = Keys::new();
    for (overlap, seconds) in [(json!({}), 86_400), (json!({ "overlap_seconds": 60 }), 60), (json!({ "overlap_seconds": 0 }), 0)]
    {
        let (old, at) = keys.make(&reader());
        let made = keys.rotate(&at, &overlap);
        assert_eq!(made.status, 201);
        assert_ne!(made.header("Location"), Some(&*at));
        let new = made.document()["key"].as_str().unwrap().to_owned();
        assert_eq!((keys.works(&old), keys.works(&new)), (seconds > 0, true), "{seconds}");
        if seconds > 0 {
            keys.clock.advance(TimeDelta::seconds(seconds - 1));
            // The owner's token is long over; the key asks for itself.
            assert!(keys.works(&old));
            keys.clock.advance(TimeDelta::seconds(2));
            assert_eq!((keys.works(&old), keys.works(&new)), (false, true));
            keys.clock.advance(TimeDelta::seconds(-seconds - 1));
        }
        assert_eq!(keys.rotate(&at, &json!({})).status, if seconds == 0 { 409 } else { 201 });
    }
    let (_, at) = keys.make(&reader());
    for overlap in [json!(-1), json!(2_592_001), json!(i64::MAX), json!(i64::MIN), json!("60"), Value::Null] {
        let answer = keys.rotate(&at, &json!({ "overlap_seconds": overlap }));
        assert_eq!((answer.status, answer.refusal().0.as_str()), (400, "#/overlap_seconds"), "{overlap}");
    }
}

#[test]
fn key_revoked_or_expired_is_refused_and_tells_its_last_use() {
    let keys = Keys::new();
    let end = noon() + TimeDelta::seconds(300);
    let (over, at) = keys.make(&json!({ "name": "short", "scopes": ["tenant:read"], "expires_at": end }));
    let (revoked, gone) = keys.make(&reader());
    let seen = |at: &str| keys.site.call("GET", at).by(&keys.owner.access).expect(200).document();
    assert!(seen(&at)["last_used_at"].is_null());
    assert!(keys.works(&over) && keys.works(&revoked));
    let first = seen(&at)["last_used_at"].as_str().unwrap().to_owned();
    assert!(first.starts_with("2026-11-16T12:00:00"), "{first}");
    keys.clock.advance(TimeDelta::seconds(30));
    assert!(keys.works(&over) && seen(&at)["last_used_at"] == json!(first), "to the minute");
    keys.clock.advance(TimeDelta::seconds(31));
    assert!(keys.works(&over) && seen(&at)["last_used_at"] != json!(first));

    for _ in 0..2 {
        keys.site.call("DELETE", gone.clone()).by(&keys.owner.access).expect(204);
        assert!(!keys.works(&revoked), "revoked twice is revoked once");
    }
    assert!(seen(&gone)["revoked_at"].is_string());
    let name = json!({ "name": "alive" });
    keys.site.call("PATCH", gone).by(&keys.owner.access).json(&name).expect(409);
    keys.clock.advance(TimeDelta::seconds(238));
    assert!(keys.works(&over));
    keys.clock.advance(TimeDelta::seconds(1));
    assert!(!keys.works(&over));
    let listed = keys.site.call("GET", "/v1/api-keys?in_force=true").by(&keys.owner.access).expect(200).document();
    assert_eq!(listed["items"].as_array().map(Vec::len), Some(0));
    let later = json!({ "expires_at": end + TimeDelta::seconds(60) });
    keys.site.call("PATCH", at).by(&keys.owner.access).json(&later).expect(200);
    assert!(keys.works(&over), "it was given more time");
}
