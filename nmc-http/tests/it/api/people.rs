//! Inviting people, and changing what there is of them.

use super::{OTHER_PASSWORD, PASSWORD, Person};
use crate::site::Site;
use chrono::TimeDelta;
use nmc_core::testing::{ManualClock, noon};
use nmc_core::{UserId, UserRole};
use serde_json::{Value, json};
use std::sync::Arc;

fn stopped() -> (Site, Arc<ManualClock>) {
    let clock = Arc::new(ManualClock::new(noon()));
    (Site::with(|store, _| store.clock = clock.clone()), clock)
}

fn accept(site: &Site, invitation: &str, password: &str) -> (u16, String) {
    let body = json!({ "invitation": invitation, "password": password });
    let answer = site.call("POST", "/v1/invitations/acceptance").json(&body).send();
    let pointer = if answer.status == 400 { answer.refusal().0 } else { String::new() };
    (answer.status, pointer)
}

#[test]
fn invitation_is_shown_once_and_works_once_within_a_week() {
    let (site, clock) = stopped();
    let owner = site.owner();
    let body = json!({ "email": "Sam@Example.com", "first_name": "Sam", "last_name": "Roe", "role": "operator", "phone": "+15005550109" });
    let made = site.call("POST", "/v1/users").by(&owner.access).json(&body).expect(201);
    let (id, first) = (made.document()["user"]["id"].clone(), made.document()["invitation"].as_str().unwrap().to_owned());
    let at = format!("/v1/users/{}", id.as_str().unwrap());
    assert_eq!(made.header("Location"), Some(at.as_str()));
    assert_eq!(made.document()["expires_at"], json!(noon() + TimeDelta::days(7)));
    let seen = site.call("GET", at.clone()).by(&owner.access).expect(200);
    assert!(!seen.body.contains(&first) && !site.rows().join("\n").contains(&first), "only its hash is kept");
    assert_eq!(
        (seen.document()["email"].as_str(), seen.document()["email_verified"].as_bool()),
        (Some("sam@example.com"), Some(false))
    );
    let taken = site.call("POST", "/v1/users").by(&owner.access).json(&body).expect(409);
    assert_eq!(taken.refusal().0, "#/email");

    let void = (400, "#/invitation".to_owned());
    for rubbish in ["", "rubbish", "nmci_a_b", first.get(..first.len() - 1).unwrap()] {
        assert_eq!(accept(&site, rubbish, OTHER_PASSWORD), void, "{rubbish}");
    }
    assert_eq!(accept(&site, &first, "short"), (400, "#/password".to_owned()));
    let again = site.call("POST", format!("{at}/invitation")).by(&owner.access).expect(201);
    let second = again.document()["invitation"].as_str().unwrap().to_owned();
    assert_eq!(accept(&site, &first, OTHER_PASSWORD), void, "it was replaced");
    clock.advance(TimeDelta::days(7));
    assert_eq!(accept(&site, &second, OTHER_PASSWORD), void, "it is too old");
    clock.advance(TimeDelta::seconds(-1));
    assert_eq!(accept(&site, &second, OTHER_PASSWORD).0, 200);
    assert_eq!(accept(&site, &second, OTHER_PASSWORD), void, "it is used up");
    let session = site.try_to_log_in("sam@example.com", OTHER_PASSWORD);
    assert_eq!((session.status, &session.document()["session"]["user_id"]), (201, &id));
}

#[test]
fn patch_keeps_what_it_does_not_name_and_clears_what_is_null() {
    let site = Site::new();
    let owner = site.owner();
    let patch = |path: &str, body: Value| site.call("PATCH", path.to_owned()).by(&owner.access).json(&body).send();
    for (path, clearable, fixed) in [
        (
            "/v1/users/me/profile",
            vec![("display_name", "Patty"), ("phone_number", "+15005550109")],
            vec!["first_name", "last_name", "timezone", "is_active"],
        ),
        (
            "/v1/tenant",
            vec![
                ("business_address", "1 Main St"),
                ("business_phone", "+13125550183"),
                ("business_type", "hvac"),
                ("industry", "home"),
            ],
            vec!["business_name", "timezone", "service_radius_miles", "estimated_job_min", "business_hours_start"],
        ),
        ("/v1/users/me/status", vec![("message", "at lunch")], vec!["status"]),
    ] {
        for (field, value) in clearable {
            let given = patch(path, json!({ field: value })).document();
            assert_eq!(given[field], value);
            let kept = patch(path, json!({})).document();
            assert_eq!(kept[field], value, "{path} {field}");
            let mut cleared = patch(path, json!({ field: null })).document();
            assert_eq!(cleared[field], Value::Null);
            cleared[field] = given[field].clone();
            if let Some(at) = cleared.get_mut("updated_at") {
                *at = given["updated_at"].clone();
            }
            assert_eq!(cleared, given, "{path} {field}");
        }
        for field in fixed {
            let answer = patch(path, json!({ field: null }));
            assert_eq!((answer.status, answer.refusal().0), (400, format!("#/{field}")), "{}", answer.body);
        }
    }
}

#[test]
fn a_change_made_for_another_version_is_refused() {
    let site = Site::new();
    let owner = site.owner();
    let target = site.person(&site.joe, UserRole::User);
    let key = json!({ "name": "a key", "scopes": ["users:read"] });
    let key = site.call("POST", "/v1/api-keys").by(&owner.access).json(&key).expect(201).header("Location").unwrap().to_owned();
    let user = format!("/v1/users/{}", target.id);
    for (path, field, values) in [
        ("/v1/tenant".to_owned(), "industry", ["a", "b", "c"]),
        ("/v1/settings".to_owned(), "greeting_template", ["{{business_name}} a", "{{business_name}} b", "{{business_name}} c"]),
        (user.clone(), "email", ["a@example.com", "b@example.com", "c@example.com"]),
        (format!("{user}/profile"), "display_name", ["a", "b", "c"]),
        (format!("{user}/preferences"), "dashboard_default_view", ["analytics", "conversations", "analytics"]),
        (key, "name", ["a", "b", "c"]),
    ] {
        let change = |tag: &str, value: &str| {
            site.call("PATCH", path.clone()).by(&owner.access).header("If-Match", tag).json(&json!({ field: value })).send()
        };
        let old = site.call("GET", path.clone()).by(&owner.access).expect(200).header("ETag").unwrap().to_owned();
        let first = change(&old, values[0]);
        let new = first.header("ETag").unwrap().to_owned();
        assert_eq!((first.status, new == old), (200, false), "{path}");
        let before = site.rows();
        for stale in [&*old, &format!("W/{new}"), "\"rubbish\"", "\"\"", "", "\"zzz\""] {
            assert_eq!(change(stale, values[1]).status, 412, "{path} {stale}");
        }
        for bare in ["rubbish", &new.replace('"', "")] {
            let refused = change(bare, values[1]);
            assert_eq!((refused.status, &*refused.refusal().0), (400, "#/If-Match"), "{path} {bare}");
        }
        assert_eq!(change(&format!("\"{}\"", "f".repeat(5_000)), values[1]).status, 400, "{path}: beyond the header's bound");
        assert_eq!(site.rows(), before, "{path}");
        let listed = change(&format!("{old} , {new}"), values[1]);
        assert_eq!(listed.status, 200, "{path}");
        assert_eq!(change("*", values[2]).status, 200, "{path}");
    }
}

#[test]
fn of_two_editors_with_one_version_one_hears_of_the_other() {
    let site = Site::new();
    let owner = site.owner();
    for round in 0..5 {
        let tag = site.call("GET", "/v1/tenant").by(&owner.access).expect(200).header("ETag").unwrap().to_owned();
        let mut heard: Vec<u16> = std::thread::scope(|scope| {
            let editors = ["a", "b"].map(|name| {
                let change = site.call("PATCH", "/v1/tenant").by(&owner.access).header("If-Match", tag.clone());
                scope.spawn(move || change.json(&json!({ "industry": format!("{name}{round}") })).send().status)
            });
            editors.map(|editor| editor.join().unwrap()).to_vec()
        });
        heard.sort_unstable();
        assert_eq!(heard, [200, 412]);
    }
}

fn change(site: &Site, by: &Person, user: UserId, body: &Value) -> u16 {
    site.call("PATCH", format!("/v1/users/{user}")).by(&by.access).json(body).send().status
}

#[test]
fn nobody_reaches_above_their_own_role_and_the_last_owner_stays() {
    let site = Site::new();
    let [owner, admin, operator, user] =
        [UserRole::Owner, UserRole::Admin, UserRole::Operator, UserRole::User].map(|role| site.person(&site.joe, role));
    let before = site.db.rows_of(site.joe.tenant.id())["users"].clone();
    for (by, whom, body) in [
        (&admin, &admin, json!({ "role": "owner" })),
        (&operator, &operator, json!({ "role": "admin" })),
        (&user, &user, json!({ "role": "viewer" })),
        (&user, &user, json!({ "is_active": false })),
        (&admin, &owner, json!({ "role": "viewer" })),
        (&admin, &owner, json!({ "is_active": false })),
        (&admin, &owner, json!({ "email": "mine@example.com" })),
        (&admin, &user, json!({ "role": "owner" })),
        (&operator, &user, json!({ "role": "viewer" })),
    ] {
        assert_eq!(change(&site, by, whom.id, &body), 403, "{body}");
    }
    for body in [json!({ "role": "admin" }), json!({ "is_active": false })] {
        assert_eq!(change(&site, &owner, owner.id, &body), 409, "{body}");
    }
    assert_eq!(site.db.rows_of(site.joe.tenant.id())["users"], before);
    let invited = json!({ "email": "x@example.com", "first_name": "X", "last_name": "Y", "role": "owner" });
    site.call("POST", "/v1/users").by(&admin.access).json(&invited).expect(403);
    site.call("PATCH", format!("/v1/users/{}/profile", owner.id))
        .by(&admin.access)
        .json(&json!({ "display_name": "x" }))
        .expect(403);
    assert_eq!(change(&site, &owner, admin.id, &json!({ "role": "owner" })), 200);
    assert_eq!(change(&site, &owner, owner.id, &json!({ "role": "admin" })), 200);
}

#[test]
fn presence_ends_by_itself_when_no_heartbeat_comes() {
    let (site, clock) = stopped();
    let (person, other) = (site.person(&site.joe, UserRole::Viewer), site.owner());
    let beat = |method| site.call(method, "/v1/users/me/status/heartbeat").by(&person.access).expect(200).document();
    let online = || {
        let seen = site.call("GET", format!("/v1/users/{}/status", person.id)).by(&other.access).expect(200).document();
        let list = site.call("GET", "/v1/status?is_online=true").by(&other.access).expect(200).document();
        let listed = list["items"].as_array().unwrap().iter().any(|row| row["user_id"] == json!(person.id));
        assert_eq!(seen["is_online"], listed);
        listed
    };
    assert!(!online());
    beat("POST");
    clock.advance(TimeDelta::seconds(89));
    assert!(online());
    clock.advance(TimeDelta::seconds(1));
    assert!(!online());
    assert_eq!(beat("POST")["is_online"], true);
    assert_eq!(beat("DELETE")["is_online"], false);
    assert!(!online());
    let answer =
        site.call("PATCH", "/v1/users/me/status").by(&person.access).json(&json!({ "status": "gone fishing" })).expect(400);
    assert_eq!(answer.refusal().0, "#/status");
    let answer =
        site.call("PATCH", "/v1/users/me/status").by(&person.access).json(&json!({ "message": "x".repeat(201) })).expect(400);
    assert_eq!(answer.refusal().0, "#/message");
}

#[test]
fn preferences_are_refused_by_their_names() {
    let site = Site::new();
    let person = site.person(&site.joe, UserRole::Viewer);
    let before = site.rows();
    for (field, value) in [
        ("dashboard_refresh_interval", json!(0)),
        ("customer_response_timeout", json!(-1)),
        ("customer_response_timeout", json!("60")),
        ("dashboard_default_view", json!("chess")),
        ("show_tutorial", json!("yes")),
        ("show_tutorial", Value::Null),
    ] {
        let answer = site.call("PATCH", "/v1/users/me/preferences").by(&person.access).json(&json!({ field: value })).expect(400);
        assert_eq!(answer.refusal().0, format!("#/{field}"), "{}", answer.body);
    }
    assert_eq!(site.rows(), before);
    assert_eq!(site.try_to_log_in(person.email.as_str(), PASSWORD).status, 201);
}

#[test]
fn ones_own_email_takes_the_current_password() {
    let site = Site::new();
    let (owner, other) = (site.owner(), site.person(&site.joe, UserRole::User));
    let there = site.log_in(owner.id, owner.email.clone());
    let change = |path: &str, body: &Value| site.call("PATCH", path).by(&owner.access).json(body).send();
    let own = format!("/v1/users/{}", owner.id);
    let before = site.rows();
    for path in ["/v1/users/me", &own] {
        let answer = change(path, &json!({ "email": "mine@example.com" }));
        assert_eq!((answer.status, answer.refusal().0.as_str()), (400, "#/current_password"), "{}", answer.body);
    }
    assert_eq!(site.rows(), before);
    let wrong = change("/v1/users/me", &json!({ "email": "mine@example.com", "current_password": OTHER_PASSWORD }));
    assert_eq!((wrong.status, wrong.refusal().0.as_str()), (400, "#/current_password"));
    let guesses = format!("SELECT known_failed_attempts::bigint FROM users WHERE id = '{}'", owner.id);
    assert_eq!(site.db.query::<i64>(&guesses), [1]);
    let row = change(&own, &json!({ "email": "mine@example.com", "current_password": PASSWORD }));
    assert_eq!((row.status, &row.document()["email_verified"]), (200, &json!(false)), "{}", row.body);
    assert_eq!(site.db.query::<i64>(&guesses), [0]);
    site.call("GET", "/v1/users/me").by(&owner.access).expect(200);
    site.call("GET", "/v1/users/me").by(&there.access).expect(401);
    // Another's needs none, and theirs ends their sessions.
    assert_eq!(change(&format!("/v1/users/{}", other.id), &json!({ "email": "theirs@example.com" })).status, 200);
    site.call("GET", "/v1/users/me").by(&other.access).expect(401);
}

#[test]
fn an_email_that_grows_when_lowered_is_refused_by_its_name() {
    let site = Site::new();
    let owner = site.owner();
    let email = format!("{}@{}.cc", "İ".repeat(32), "İ".repeat(90));
    let answer = site.call("PATCH", "/v1/users/me").by(&owner.access).json(&json!({ "email": email })).expect(400);
    assert_eq!(answer.refusal().0, "#/email");
}
