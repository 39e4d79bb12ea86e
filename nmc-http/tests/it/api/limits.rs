//! How often one may try to authenticate.

use super::{PASSWORD, WRONG_PASSWORD};
use crate::site::{Answer, Site};
use nmc_core::UserRole;
use nmc_core::testing::unique_phone;
use nmc_http::{Limit, ServerConfig};
use serde_json::{Value, json};
use uuid::Uuid;

pub(super) const THREE: Limit = Limit { burst: 3, per_minute: 1 };

pub(super) fn behind_a_proxy(change: impl FnOnce(&mut ServerConfig)) -> Site {
    Site::with(|_, config| {
        config.trusted_proxies = vec!["127.0.0.0/8".parse().unwrap()];
        change(config);
    })
}

fn log_in(site: &Site, from: &str, email: &str, password: &str) -> Answer {
    let body = json!({ "email": email, "password": password });
    site.call("POST", "/v1/sessions").header("X-Forwarded-For", from).json(&body).send()
}

fn register(site: &Site, from: &str, email: &str) -> Answer {
    let body = json!({
        "business": { "name": format!("Business {}", Uuid::now_v7()) },
        "owner": { "email": email, "password": PASSWORD, "first_name": "New", "last_name": "Owner" },
    });
    site.call("POST", "/v1/registrations").header("X-Forwarded-For", from).json(&body).send()
}

/// Refused for now, with the time to wait.
pub(super) fn is_too_often(answer: &Answer) {
    assert_eq!(answer.status, 429, "{}", answer.body);
    let wait: u64 = answer.header("Retry-After").unwrap().parse().unwrap();
    assert!((1..=61).contains(&wait), "{wait}");
}

#[test]
fn an_address_that_tries_too_often_waits_and_others_do_not() {
    let site = behind_a_proxy(|config| {
        config.limits.login_per_address = THREE;
        config.limits.token_per_address = THREE;
    });
    let person = site.owner();
    let email = person.email.as_str();
    for _ in 0..3 {
        assert_eq!(log_in(&site, "203.0.113.7", "nobody@example.com", WRONG_PASSWORD).status, 401);
    }
    is_too_often(&log_in(&site, "203.0.113.7", email, PASSWORD));
    // What it says of earlier hops, anybody may have written.
    is_too_often(&log_in(&site, "198.51.100.1, 203.0.113.7", email, PASSWORD));
    assert_eq!(log_in(&site, "203.0.113.8", email, PASSWORD).status, 201);
    // Refresh tokens and invitations have a count of their own: who guesses passwords in an office must not log it out.
    let show = |path: &str, body: &Value| site.call("POST", path).header("X-Forwarded-For", "203.0.113.7").json(body).send();
    let (refresh, accept) = ("/v1/sessions/refresh", "/v1/invitations/acceptance");
    assert_eq!(show(refresh, &json!({ "refresh_token": person.refresh })).status, 200);
    for _ in 0..2 {
        assert_eq!(show(accept, &json!({ "invitation": "rubbish", "password": PASSWORD })).status, 400);
    }
    is_too_often(&show(refresh, &json!({ "refresh_token": person.refresh })));
    is_too_often(&show(accept, &json!({ "invitation": "rubbish", "password": PASSWORD })));
    // A password that is changed is guessed like any other.
    let change = json!({ "current_password": WRONG_PASSWORD, "new_password": PASSWORD });
    let call = site.call("PUT", "/v1/users/me/password").header("X-Forwarded-For", "203.0.113.7").by(&person.access);
    is_too_often(&call.json(&change).send());
    // Who has come in goes on.
    site.call("GET", "/v1/users/me").header("X-Forwarded-For", "203.0.113.7").by(&person.access).expect(200);
}

#[test]
fn one_network_of_ipv6_counts_as_one_address() {
    let site = behind_a_proxy(|config| config.limits.login_per_address = THREE);
    for host in 1..=3 {
        assert_eq!(log_in(&site, &format!("2001:db8:1:2::{host}"), "nobody@example.com", WRONG_PASSWORD).status, 401);
    }
    is_too_often(&log_in(&site, "2001:db8:1:2:ffff::4", "nobody@example.com", WRONG_PASSWORD));
    assert_eq!(log_in(&site, "2001:db8:1:3::1", "nobody@example.com", WRONG_PASSWORD).status, 401);
}

#[test]
fn without_a_trusted_proxy_a_forwarded_address_changes_nothing() {
    let site = Site::with(|_, config| config.limits.login_per_address = THREE);
    for n in 1..=3 {
        assert_eq!(log_in(&site, &format!("203.0.113.{n}"), "nobody@example.com", WRONG_PASSWORD).status, 401);
    }
    is_too_often(&log_in(&site, "203.0.113.99", "nobody@example.com", WRONG_PASSWORD));
}

#[test]
fn account_tried_too_often_waits_and_others_do_not() {
    let site = behind_a_proxy(|config| config.limits.login_per_account = THREE);
    let (tried, other) = (site.owner(), site.owner());
    for n in 1..=3 {
        assert_eq!(log_in(&site, &format!("203.0.113.{n}"), tried.email.as_str(), WRONG_PASSWORD).status, 401);
    }
    is_too_often(&log_in(&site, "203.0.113.4", &tried.email.as_str().to_uppercase(), WRONG_PASSWORD));
    assert_eq!(log_in(&site, "203.0.113.4", other.email.as_str(), PASSWORD).status, 201);
    // An account that is nobody's waits alike.
    for n in 1..=3 {
        assert_eq!(log_in(&site, &format!("203.0.113.{n}"), "nobody@example.com", WRONG_PASSWORD).status, 401);
    }
    is_too_often(&log_in(&site, "203.0.113.4", "nobody@example.com", WRONG_PASSWORD));
}

#[test]
fn registrations_are_limited_by_address_and_by_account() {
    let site = behind_a_proxy(|config| {
        config.limits.registration_per_address = THREE;
        config.limits.registration_per_account = Limit { burst: 1, per_minute: 1 };
    });
    let fresh = || format!("{}@example.com", Uuid::now_v7().simple());
    let first = fresh();
    assert_eq!(register(&site, "203.0.113.7", &first).status, 201);
    is_too_often(&register(&site, "203.0.113.8", &first));
    for _ in 0..2 {
        assert_eq!(register(&site, "203.0.113.7", &fresh()).status, 201);
    }
    let before = site.count("tenants");
    is_too_often(&register(&site, "203.0.113.7", &fresh()));
    assert_eq!(site.count("tenants"), before);
    assert_eq!(register(&site, "203.0.113.9", &fresh()).status, 201);
}

#[test]
fn strangers_who_try_an_account_leave_its_known_addresses_alone() {
    let site = behind_a_proxy(|config| {
        config.limits.login_per_account = THREE;
        config.limits.login_per_known_address = THREE;
    });
    let owner = site.owner();
    let email = owner.email.as_str();
    assert_eq!(log_in(&site, "198.51.100.7", email, PASSWORD).status, 201);
    for n in 1..=6 {
        log_in(&site, &format!("203.0.113.{n}"), email, WRONG_PASSWORD);
    }
    is_too_often(&log_in(&site, "203.0.113.77", email, PASSWORD));
    assert_eq!(log_in(&site, "198.51.100.7", email, PASSWORD).status, 201, "from where she was before");
    for _ in 0..2 {
        assert_eq!(log_in(&site, "198.51.100.7", email, WRONG_PASSWORD).status, 401);
    }
    is_too_often(&log_in(&site, "198.51.100.7", email, PASSWORD));
}

/// A request that asks whether somebody has this e-mail, name or phone.
fn probe(site: &Site, from: &str, by: &str, what: usize, theirs: &Theirs) -> Answer {
    let (method, path, body): (_, _, Value) = match what % 4 {
        0 => ("PATCH", "/v1/tenant", json!({ "business_name": theirs.name })),
        1 => ("PATCH", "/v1/tenant", json!({ "business_phone": theirs.phone })),
        2 => ("PATCH", "/v1/users/me", json!({ "email": theirs.email, "current_password": PASSWORD })),
        _ => ("POST", "/v1/users", json!({ "email": theirs.email, "first_name": "A", "last_name": "B", "role": "viewer" })),
    };
    site.call(method, path).header("X-Forwarded-For", from).by(by).json(&body).send()
}

/// What another business has.
struct Theirs {
    email: String,
    name: String,
    phone: String,
}

fn theirs(site: &Site) -> Theirs {
    let phone = unique_phone().to_string();
    site.db.execute(&format!("UPDATE tenants SET business_phone = '{phone}' WHERE id = '{}'", site.rival.tenant.id()));
    let name = site.db.store.tenant(&site.rival.tenant, |tx| tx.tenants().get()).unwrap().business_name;
    Theirs { email: site.person(&site.rival, UserRole::Owner).email.to_string(), name, phone }
}

#[test]
fn answers_that_tell_of_others_are_limited_by_account() {
    let site = behind_a_proxy(|config| config.limits.conflict_per_account = THREE);
    let (theirs, owner, other) = (theirs(&site), site.owner(), site.owner());
    let from = |n: usize| format!("203.0.113.{n}");
    for n in 0..3 {
        assert_eq!(probe(&site, &from(n), &owner.access, n, &theirs).status, 409, "{n}");
    }
    let before = site.rows();
    for n in [0, 1, 3] {
        is_too_often(&probe(&site, &from(9), &owner.access, n, &theirs));
    }
    // What is free is not told, either.
    let body = json!({ "business_name": "Nobody's Name" });
    is_too_often(&site.call("PATCH", "/v1/tenant").by(&owner.access).json(&body).send());
    assert_eq!(site.rows(), before);
    site.call("PATCH", "/v1/tenant").by(&owner.access).json(&json!({ "industry": "home" })).expect(200);
    assert_eq!(probe(&site, &from(9), &other.access, 0, &theirs).status, 409, "a colleague has a count of their own");
}

#[test]
fn conflicts_that_tell_of_others_are_limited() {
    for limits in [
        |config: &mut ServerConfig| config.limits.conflict_per_business = THREE,
        |config: &mut ServerConfig| config.limits.conflict_per_address = THREE,
    ] {
        let site = behind_a_proxy(limits);
        let theirs = theirs(&site);
        for n in 0..3 {
            assert_eq!(probe(&site, "203.0.113.7", &site.owner().access, n, &theirs).status, 409, "{n}");
        }
        is_too_often(&probe(&site, "203.0.113.7", &site.owner().access, 3, &theirs));
    }
}

#[test]
fn a_persons_keys_share_their_count_of_conflicts() {
    let site = behind_a_proxy(|config| config.limits.conflict_per_account = THREE);
    let (theirs, owner) = (theirs(&site), site.owner());
    for n in 0..3 {
        let scopes = ["tenant:write", "users:write"];
        let made = site.call("POST", "/v1/api-keys").by(&owner.access).json(&json!({ "name": "a key", "scopes": scopes }));
        let key = made.expect(201).document()["key"].as_str().unwrap().to_owned();
        assert_eq!(probe(&site, "203.0.113.7", &key, n % 2, &theirs).status, 409, "{n}");
    }
    is_too_often(&probe(&site, "203.0.113.7", &owner.access, 0, &theirs));
}

#[test]
fn changes_without_conflicts_are_not_limited_by_them() {
    let site = behind_a_proxy(|config| {
        config.limits.conflict_per_account = THREE;
        config.limits.conflict_per_business = THREE;
        config.limits.conflict_per_address = THREE;
    });
    let owner = site.owner();
    for n in 0..12 {
        let body = json!({ "business_name": format!("Another Name {n}") });
        site.call("PATCH", "/v1/tenant").header("X-Forwarded-For", "203.0.113.7").by(&owner.access).json(&body).expect(200);
    }
}

#[test]
fn registrations_that_tell_of_others_count_by_address() {
    let site = behind_a_proxy(|config| config.limits.conflict_per_address = THREE);
    let theirs = theirs(&site);
    for _ in 0..3 {
        assert_eq!(register(&site, "203.0.113.7", &theirs.email).status, 409);
    }
    let fresh = format!("{}@example.com", Uuid::now_v7().simple());
    is_too_often(&register(&site, "203.0.113.7", &fresh));
    assert_eq!(register(&site, "203.0.113.8", &fresh).status, 201);
}
