//! Registering a business, and the five steps to its first caller.

use super::{Call, OTHER_PASSWORD, PASSWORD};
use crate::site::Site;
use nmc_core::UserRole;
use nmc_core::numbers::NewPhoneNumber;
use nmc_core::store::Reason;
use nmc_core::testing::{unique_phone, unique_sid};
use nmc_core::{NumberType, TenantId};
use serde_json::{Value, json};

fn good() -> Value {
    json!({
        "business": { "name": "Ada Air", "phone": "+13125550181", "address": "1 Main St", "trade": "hvac", "timezone": "America/Chicago" },
        "owner": { "email": "ada@example.com", "password": PASSWORD, "first_name": "Ada", "last_name": "Air", "phone": "+15005550102" },
    })
}

fn register<'s>(site: &'s Site, body: &Value) -> Call<'s> {
    site.call("POST", "/v1/registrations").json(body)
}

/// The body with this in the place that a pointer names; null takes it out.
fn with(pointer: &str, value: Value) -> Value {
    let mut body = good();
    let (parent, field) = pointer.rsplit_once('/').unwrap();
    let parent = body.pointer_mut(parent).unwrap().as_object_mut().unwrap();
    if value.is_null() {
        drop(parent.remove(field))
    } else {
        drop(parent.insert(field.to_owned(), value))
    }
    body
}

#[test]
fn repeated_registration_returns_the_first_unless_it_differs() {
    let site = Site::new();
    let first = register(&site, &good()).header("Idempotency-Key", "a key").expect(201);
    assert_eq!(first.header("Location"), Some("/v1/tenant"));
    let before = site.rows();
    let again = register(&site, &good()).header("Idempotency-Key", "a key").expect(201);
    for id in ["/tenant/id", "/owner/id"] {
        assert!(first.document().pointer(id).unwrap().is_string());
        assert_eq!(again.document().pointer(id), first.document().pointer(id));
    }
    for (pointer, value) in [("/business/name", "Bob Air"), ("/owner/password", OTHER_PASSWORD)] {
        let answer = register(&site, &with(pointer, json!(value))).header("Idempotency-Key", "a key").expect(409);
        assert_eq!(answer.refusal().0, "#/Idempotency-Key");
    }
    // The key is the caller's: with another address it is another key.
    let other = register(&site, &with("/owner/email", json!("bob@example.com"))).header("Idempotency-Key", "a key").expect(409);
    assert_eq!(other.refusal().0, "#/business/name");
    for key in ["x".repeat(256), "ключ".to_owned()] {
        let answer = register(&site, &good()).header("Idempotency-Key", key).expect(400);
        assert_eq!(answer.refusal().0, "#/Idempotency-Key");
    }
    assert_eq!(site.rows(), before);
}

#[test]
fn what_is_taken_is_named_and_nothing_is_left_behind() {
    let site = Site::new();
    register(&site, &good()).expect(201);
    let before = site.rows();
    let fresh = json!({
        "business": { "name": "Bob Air", "phone": "+13125550182" },
        "owner": { "email": "bob@example.com", "password": PASSWORD, "first_name": "Bob", "last_name": "Air" },
    });
    for (pointer, value) in [
        ("/business/name", json!("Ada Air")),
        ("/business/phone", json!("+13125550181")),
        ("/owner/email", json!("ADA@example.com")),
    ] {
        let mut body = fresh.clone();
        *body.pointer_mut(pointer).unwrap() = value;
        for key in [None, Some("another key")] {
            let call = register(&site, &body);
            let call = if let Some(key) = key { call.header("Idempotency-Key", key) } else { call };
            let answer = call.expect(409);
            assert_eq!(answer.refusal().0, format!("#{pointer}"), "{}", answer.body);
            assert_eq!(site.rows(), before, "{pointer}");
        }
    }
}

#[test]
fn field_missing_too_long_or_ill_typed_is_pointed_at() {
    let site = Site::new();
    let before = site.rows();
    let long = |length: usize| json!("x".repeat(length));
    for (pointer, value) in [
        ("/business", Value::Null),
        ("/owner", Value::Null),
        ("/business", json!("Ada Air")),
        ("/business", json!(["Ada Air"])),
        ("/owner", json!(["ada@example.com", PASSWORD, "Ada", "Air"])),
        ("/business/name", Value::Null),
        ("/business/name", json!("  ")),
        ("/business/name", json!(7)),
        ("/business/name", long(256)),
        ("/business/name", json!("a\u{0}b")),
        ("/business/phone", json!("555 0101")),
        ("/business/address", long(1_001)),
        ("/business/trade", long(101)),
        ("/business/timezone", json!("Mars/Olympus")),
        ("/owner/email", Value::Null),
        ("/owner/email", json!("ada")),
        ("/owner/email", json!(format!("{}@example.com", "x".repeat(250)))),
        ("/owner/password", Value::Null),
        ("/owner/password", json!("short")),
        ("/owner/password", long(73)),
        ("/owner/first_name", Value::Null),
        ("/owner/first_name", long(101)),
        ("/owner/last_name", Value::Null),
        ("/owner/last_name", json!("")),
        ("/owner/phone", json!("+1")),
    ] {
        let answer = register(&site, &with(pointer, value.clone())).expect(400);
        assert_eq!(answer.refusal().0, format!("#{pointer}"), "{value}: {}", answer.body);
    }
    assert_eq!(site.rows(), before);
}

#[test]
fn of_two_at_once_with_one_key_both_hear_of_the_same_business() {
    let site = Site::new();
    let before = site.count("tenants");
    let ids: Vec<Value> = std::thread::scope(|scope| {
        let both =
            [(); 2].map(|()| scope.spawn(|| register(&site, &good()).header("Idempotency-Key", "a key").expect(201).document()));
        both.map(|one| one.join().unwrap()["tenant"]["id"].clone()).to_vec()
    });
    assert_eq!((ids[0] == ids[1], site.count("tenants")), (true, before + 1));
}

#[test]
fn registered_business_takes_five_steps_to_its_first_caller() {
    let site = Site::new();
    let short = json!({
        "business": { "name": "Ada Air" },
        "owner": { "email": "ada@example.com", "password": PASSWORD, "first_name": "Ada", "last_name": "Air" },
    });
    let made = register(&site, &short).expect(201).document();
    let tenant: TenantId = made["tenant"]["id"].as_str().unwrap().parse().unwrap();
    let tokens = site.try_to_log_in("ada@example.com", PASSWORD).document();
    let access = tokens["access_token"].as_str().unwrap();
    let step = |number: u8| site.call("PUT", format!("/v1/tenant/onboarding/steps/{number}/completion")).by(access).send();
    let refused = |number: u8| {
        let answer = step(number);
        assert_eq!(answer.status, 400, "step {number}: {}", answer.body);
        answer.refusal().0
    };
    let state = || site.call("GET", "/v1/tenant/onboarding").by(access).expect(200).document();
    assert_eq!((state()["step"].as_i64(), state()["completed"].as_bool()), (Some(1), Some(false)));
    // What a step needs is told before it is asked for.
    let missing: Vec<String> =
        state()["steps"][0]["missing"].as_array().unwrap().iter().map(|one| one["field"].as_str().unwrap().to_owned()).collect();
    assert_eq!(missing, ["business_type", "business_address", "business_phone"]);

    for number in [0, 6, 255] {
        assert_eq!((step(number).status, step(number).refusal().0.as_str()), (400, "#/step"));
    }
    for (field, value) in [("business_type", "hvac"), ("business_address", "1 Main St"), ("business_phone", "+13125550181")] {
        assert_eq!(refused(1), format!("#/{field}"));
        site.call("PATCH", "/v1/tenant").by(access).json(&json!({ field: value })).expect(200);
    }
    assert_eq!(step(2).status, 409, "a step can't be jumped over");
    assert_eq!((step(1).status, step(1).status), (200, 200), "twice is once");
    assert_eq!(step(2).status, 200);
    site.call("PATCH", "/v1/tenant").by(access).json(&json!({ "estimated_job_min": "0" })).expect(200);
    assert_eq!(refused(3), "#/estimated_job_min");
    site.call("PATCH", "/v1/tenant")
        .by(access)
        .json(&json!({ "estimated_job_min": "80.00", "estimated_job_max": "900.00" }))
        .expect(200);
    assert_eq!(step(3).status, 200);
    assert_eq!(refused(4), "#/phone_number");
    let proof = site.db.store.system(Reason::Operations, |tx| tx.act_for(tenant)).unwrap();
    let number = NewPhoneNumber {
        phone_number: unique_phone(),
        twilio_phone_sid: Some(unique_sid("PN")),
        locality: None,
        region: None,
        number_type: NumberType::Local,
        price: None,
    };
    site.db.store.system(Reason::Operations, |tx| tx.approve_tenant(tenant)).unwrap();
    site.db.store.tenant(&proof, |tx| tx.phone_numbers().create(&number)).unwrap();
    assert_eq!(step(4).status, 200);
    assert_eq!(refused(5), "#/greeting_template");
    site.call("PUT", "/v1/settings/greeting/review").by(access).expect(200);
    let done = step(5);
    assert_eq!((done.status, done.document()["completed"].as_bool()), (200, Some(true)));
    assert_eq!(site.call("GET", "/v1/tenant").by(access).expect(200).document()["onboarding_completed"], true);
}

#[test]
fn hours_are_told_for_any_instant_in_the_business_s_zone() {
    let site = Site::new();
    let owner = site.person(&site.joe, UserRole::Owner);
    let hours = json!({ "timezone": "America/Chicago", "business_hours_start": "08:00:00", "business_hours_end": "17:00:00" });
    site.call("PATCH", "/v1/tenant").by(&owner.access).json(&hours).expect(200);
    let ask = |at: &str| site.call("GET", format!("/v1/tenant/hours{at}")).by(&owner.access).send();
    for (at, is_open, next_open) in [
        ("2026-11-16T14:00:00Z", true, "2026-11-16T14:00:00Z"),
        ("2026-11-16T13:59:59Z", false, "2026-11-16T14:00:00Z"),
        ("2026-11-16T23:00:00Z", false, "2026-11-17T14:00:00Z"),
        // An hour earlier by UTC in summer.
        ("2026-07-16T13:00:00Z", true, "2026-07-16T13:00:00Z"),
    ] {
        let told = ask(&format!("?at={at}"));
        assert_eq!(told.document(), json!({ "at": at, "is_open": is_open, "next_open": next_open }));
    }
    assert_eq!(ask("").status, 200);
    for at in ["?at=today", "?at=", "?at=2026-11-16", "?at=999999-01-01T00:00:00Z"] {
        let answer = ask(at);
        assert_eq!((answer.status, answer.refusal().0.as_str()), (400, "#/at"), "{at}: {}", answer.body);
    }
}
