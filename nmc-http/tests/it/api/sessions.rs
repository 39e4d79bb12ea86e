//! Logging in and staying so, over HTTP.

use super::{OTHER_PASSWORD, PASSWORD, Person, WRONG_PASSWORD};
use crate::site::{Answer, Site};
use nmc_core::access::{KeyOrder, Permission, make_service_key};
use nmc_core::people::{NewPerson, UserPatch, invite};
use nmc_core::store::Reason;
use nmc_core::{TenantStatus, UserRole};
use serde_json::{Value, json};
use std::time::{Duration, Instant};
use uuid::Uuid;

/// An answer but for its time and its number.
fn told(answer: &Answer) -> (u16, Vec<(String, String)>, String) {
    let own = |name: &str| ["date", "x-request-id"].contains(&name.to_lowercase().as_str());
    let mut headers: Vec<_> = answer.headers.iter().filter(|(name, _)| !own(name)).cloned().collect();
    headers.sort();
    (answer.status, headers, answer.body.clone())
}

fn refresh(site: &Site, token: &str) -> Answer {
    site.call("POST", "/v1/sessions/refresh").json(&json!({ "refresh_token": token })).send()
}

fn set_status(site: &Site, status: TenantStatus) {
    site.db.store.system(Reason::Operations, |tx| tx.set_tenant_status(site.joe.tenant.id(), status)).unwrap();
}

/// Who a token is good for: 200, or the refusal.
fn me(site: &Site, access: &str) -> u16 {
    site.call("GET", "/v1/users/me").by(access).send().status
}

#[test]
fn refused_logins_of_every_kind_are_told_the_same_as_slowly() {
    let site = Site::new();
    let [wrong, locked, deactivated] = [(); 3].map(|()| site.person(&site.joe, UserRole::User));
    site.change_user(&site.joe, deactivated.id, &UserPatch { is_active: Some(false), ..UserPatch::default() });
    let invited = NewPerson {
        email: "invited@example.com".parse().unwrap(),
        first_name: "Pat".to_owned(),
        last_name: "Doe".to_owned(),
        phone_number: None,
        timezone: None,
        role: UserRole::User,
    };
    site.db.store.as_operator(&site.joe.tenant, |tx| invite(tx, &invited)).unwrap();
    for _ in 0..5 {
        assert_eq!(site.try_to_log_in(locked.email.as_str(), WRONG_PASSWORD).status, 401);
    }
    let answers = [
        ("nobody@example.com", WRONG_PASSWORD),
        (wrong.email.as_str(), WRONG_PASSWORD),
        (locked.email.as_str(), WRONG_PASSWORD),
        (locked.email.as_str(), PASSWORD),
        (deactivated.email.as_str(), PASSWORD),
        (invited.email.as_str(), PASSWORD),
        // What the column of somebody without a password holds is no password.
        (invited.email.as_str(), "!"),
    ]
    .map(|(email, password)| {
        let since = Instant::now();
        let answer = site.try_to_log_in(email, password);
        assert!(since.elapsed() >= Duration::from_millis(100), "{email}");
        told(&answer)
    });
    for answer in &answers {
        assert_eq!((answer.0, answer), (401, &answers[0]));
    }
    assert_eq!(site.try_to_log_in(wrong.email.as_str(), PASSWORD).status, 201);
}

#[test]
fn what_can_be_no_login_names_its_field() {
    let site = Site::new();
    let email = site.owner().email;
    let before = site.rows();
    for (body, pointer) in [
        (json!({ "email": email, "password": "x".repeat(73) }), "#/password"),
        (json!({ "email": email, "password": "é".repeat(37) }), "#/password"),
        (json!({ "email": "rubbish", "password": PASSWORD }), "#/email"),
        (json!({ "email": email }), "#/password"),
        (json!({ "email": email, "password": 7 }), "#/password"),
        (json!({ "email": email, "password": PASSWORD, "device": "x".repeat(256) }), "#/device"),
        (json!({ "email": email, "password": PASSWORD, "device": "a\u{0}b" }), "#/device"),
        (json!({ "email": email, "password": "a\u{0}bcdefghijk" }), "#/password"),
    ] {
        let answer = site.call("POST", "/v1/sessions").json(&body).expect(400);
        assert_eq!(answer.refusal().0, pointer, "{}", answer.body);
        assert_eq!(site.count("user_sessions"), 1);
    }
    assert_eq!(site.rows().len(), before.len());
    assert_eq!(site.try_to_log_in(email.as_str(), PASSWORD).status, 201);
}

#[test]
fn a_login_says_where_it_came_from_and_its_tokens_go_on() {
    let site = Site::new();
    let person = site.person(&site.joe, UserRole::Viewer);
    let body = json!({ "email": person.email.as_str().to_uppercase(), "password": PASSWORD, "device": "the van" });
    let answer = site.call("POST", "/v1/sessions").header("User-Agent", "van/1").json(&body).expect(201);
    let tokens = answer.document();
    assert_eq!(tokens["token_type"], "Bearer");
    assert!((890..=900).contains(&tokens["expires_in"].as_i64().unwrap()));
    let session = &tokens["session"];
    let id = session["id"].as_str().unwrap();
    assert_eq!(answer.header("Location"), Some(format!("/v1/sessions/{id}").as_str()));
    let here = person.with(&tokens);
    let listed = site.call("GET", "/v1/sessions").by(&here.access).expect(200).document();
    assert_eq!(listed["items"].as_array().map(Vec::len), Some(2));
    assert_eq!(&listed["items"][0], session);
    assert_eq!((&listed["items"][0]["is_current"], &listed["items"][1]["is_current"]), (&json!(true), &json!(false)));
    assert_eq!(&site.call("GET", format!("/v1/sessions/{id}")).by(&here.access).expect(200).document(), session);
    for (name, value) in [("ip_address", json!("127.0.0.1")), ("user_agent", json!("van/1")), ("device", json!("the van"))] {
        assert_eq!(session[name], value);
    }
    assert!(session["last_used_at"].is_string() && session["expires_at"].is_string());

    let next = refresh(&site, &here.refresh);
    assert_eq!((next.status, next.document()["session"]["id"].as_str()), (200, Some(id)));
    let next = here.with(&next.document());
    assert_ne!((&next.refresh, &next.access), (&here.refresh, &here.access));
    assert_eq!(me(&site, &next.access), 200);
}

#[test]
fn sessions_are_paged_and_an_unknown_query_is_refused() {
    let site = Site::new();
    let person = site.owner();
    for _ in 0..4 {
        site.log_in(person.id, person.email.clone());
    }
    let get = |query: &str| site.call("GET", format!("/v1/sessions{query}")).by(&person.access).send();
    let (mut seen, mut query) = (Vec::new(), "?limit=2".to_owned());
    loop {
        let page = get(&query).document();
        seen.extend(page["items"].as_array().unwrap().iter().map(|session| session["id"].as_str().unwrap().to_owned()));
        let Value::String(next) = &page["next"] else { break };
        query = format!("?limit=2&after={next}");
    }
    let all: Vec<_> =
        get("").document()["items"].as_array().unwrap().iter().map(|one| one["id"].as_str().unwrap().to_owned()).collect();
    assert_eq!((seen.len(), &seen), (5, &all));
    for (query, pointer, rule) in [
        ("?after=rubbish", "#/after", "must be `next` of an earlier page of this list, in the same order"),
        ("?limit=0", "#/limit", "must be between 1 and 200"),
        ("?limit=201", "#/limit", "must be between 1 and 200"),
        ("?limit=70000", "#/limit", "must be a whole number from 1 to 200"),
        ("?limit=two", "#/limit", "must be a whole number from 1 to 200"),
        ("?role=owner", "#/role", "is not a parameter here"),
        ("?limit=2&limit=3", "#/limit", "must be given once"),
        ("?user=rubbish", "#/user", "must be a UUID"),
    ] {
        let answer = get(query);
        assert_eq!((answer.status, answer.refusal()), (400, (pointer.to_owned(), rule.to_owned())), "{query}");
    }
    assert_eq!(get(&format!("?user={}", Uuid::now_v7())).status, 404);
    let head = site.call("HEAD", "/v1/sessions").by(&person.access).expect(200);
    assert_eq!((head.body.as_str(), head.header("Content-Type")), ("", Some("application/json")));
    for (method, path, allowed) in [
        ("PATCH", "/v1/sessions", "POST, GET, HEAD, DELETE"),
        ("GET", "/v1/sessions/refresh", "POST"),
        ("POST", "/v1/tenant", "GET, HEAD, PATCH"),
    ] {
        let answer = site.call(method, path).by(&person.access).expect(405);
        assert_eq!(answer.header("Allow"), Some(allowed), "{method} {path}");
    }
}

#[test]
fn refresh_token_shown_again_ends_the_session_for_both() {
    let site = Site::new();
    let first = site.owner();
    let second = first.with(&refresh(&site, &first.refresh).document());
    // The answer was lost on the way: that is forgiven, as long as nothing came of it.
    let again = first.with(&refresh(&site, &first.refresh).document());
    let third = first.with(&refresh(&site, &again.refresh).document());
    assert_eq!(me(&site, &third.access), 200);
    assert_eq!(refresh(&site, &first.refresh).status, 401);
    for token in [&third.refresh, &second.refresh, &first.refresh] {
        assert_eq!(refresh(&site, token).status, 401);
    }
    assert_eq!(me(&site, &third.access), 401);
    for rubbish in ["", "rubbish", "nmcr_a.b", &third.access] {
        assert_eq!(refresh(&site, rubbish).status, 401, "{rubbish}");
    }
}

#[test]
fn an_access_token_is_refused_as_soon_as_its_reason_has_gone() {
    let site = Site::new();
    let change = |person: &Person, patch: UserPatch| site.change_user(&site.joe, person.id, &patch);
    let end = |person: &Person, path: &str| drop(site.call("DELETE", path).by(&person.access).expect(204));
    type End<'a> = (&'a str, &'a dyn Fn(&Person));
    let ends: [End<'_>; 5] = [
        ("logged out", &|person| end(person, "/v1/sessions/current")),
        ("logged out everywhere", &|person| end(person, "/v1/sessions")),
        ("ended by id", &|person| {
            let mine = site.call("GET", "/v1/sessions").by(&person.access).expect(200).document();
            end(person, &format!("/v1/sessions/{}", mine["items"][0]["id"].as_str().unwrap()));
        }),
        ("deactivated", &|person| change(person, UserPatch { is_active: Some(false), ..UserPatch::default() })),
        ("suspended", &|_| set_status(&site, TenantStatus::Suspended)),
    ];
    for (what, end) in ends {
        let person = site.person(&site.joe, UserRole::Admin);
        assert_eq!(me(&site, &person.access), 200, "{what}");
        end(&person);
        let answer = site.call("GET", "/v1/users/me").by(&person.access).expect(401);
        assert_eq!(answer.header("WWW-Authenticate"), Some("Bearer"), "{what}");
        assert_eq!(refresh(&site, &person.refresh).status, 401, "{what}");
    }
    set_status(&site, TenantStatus::Active);
    let person = site.person(&site.joe, UserRole::Admin);
    site.call("GET", "/v1/api-keys").by(&person.access).expect(200);
    change(&person, UserPatch { role: Some(UserRole::User), ..UserPatch::default() });
    site.call("GET", "/v1/api-keys").by(&person.access).expect(403);
    assert_eq!(me(&site, &person.access), 200, "the session goes on, with the new role");
}

#[test]
fn right_password_alone_hears_that_the_business_is_suspended() {
    let site = Site::new();
    let owner = site.owner();
    set_status(&site, TenantStatus::Suspended);
    assert_eq!(site.try_to_log_in(owner.email.as_str(), PASSWORD).status, 403);
    assert_eq!(site.try_to_log_in(owner.email.as_str(), WRONG_PASSWORD).status, 401);
}

#[test]
fn api_key_hears_that_it_is_no_user_whatever_it_sends() {
    let site = Site::new();
    let order = KeyOrder { name: "program".to_owned(), scopes: vec![Permission::UsersWrite], expires_at: None };
    let (_, key) = site.db.store.as_operator(&site.joe.tenant, |tx| make_service_key(tx, &order)).unwrap();
    let put = |bearer: &str, body: &Value| site.call("PUT", "/v1/users/me/password").by(bearer).json(body).send();
    let good = json!({ "current_password": PASSWORD, "new_password": OTHER_PASSWORD });
    for body in [json!({}), json!({ "current_password": "" }), json!([]), good.clone()] {
        let refused = put(key.text().expose(), &body);
        assert_eq!(refused.status, 403, "{}", refused.body);
        assert!(refused.body.contains("an API key is no user, and this is for users alone"), "{}", refused.body);
    }
    let unknown = format!("{}x", &key.text().expose()[..key.text().expose().len() - 1]);
    assert_eq!(put(&unknown, &good).status, 401, "what is no key is told so first");
}

#[test]
fn changed_password_ends_all_sessions_but_this_one() {
    let site = Site::new();
    let here = site.owner();
    let there = site.log_in(here.id, here.email.clone());
    let change = |current: &str, new: &str| {
        let body = json!({ "current_password": current, "new_password": new });
        site.call("PUT", "/v1/users/me/password").by(&here.access).json(&body).send()
    };
    for (current, new, pointer) in [
        (WRONG_PASSWORD, OTHER_PASSWORD, "#/current_password"),
        (PASSWORD, "short", "#/new_password"),
        (PASSWORD, &"x".repeat(73), "#/new_password"),
        (&"x".repeat(73), OTHER_PASSWORD, "#/current_password"),
    ] {
        let answer = change(current, new);
        assert_eq!((answer.status, answer.refusal().0.as_str()), (400, pointer));
    }
    assert_eq!(me(&site, &there.access), 200);
    assert_eq!(change(PASSWORD, OTHER_PASSWORD).status, 204);
    assert_eq!((me(&site, &here.access), me(&site, &there.access)), (200, 401));
    assert_eq!(refresh(&site, &here.refresh).status, 200);
    assert_eq!(refresh(&site, &there.refresh).status, 401);
    assert_eq!(site.try_to_log_in(here.email.as_str(), PASSWORD).status, 401);
    assert_eq!(site.try_to_log_in(here.email.as_str(), OTHER_PASSWORD).status, 201);
}
