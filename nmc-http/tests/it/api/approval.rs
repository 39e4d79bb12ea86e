//! A stranger who registers: everything but the operator's money.

use super::PASSWORD;
use crate::site::{ANSWER, Site};
use nmc_core::TenantId;
use nmc_core::store::Reason;
use nmc_core::tenants::RegistrationPolicy;
use nmc_core::testing::{VoiceForm, unique_sid};
use serde_json::{Value, json};

fn body(name: &str) -> Value {
    json!({
        "business": { "name": name, "phone": "+13125550184" },
        "owner": { "email": "ada@example.com", "password": PASSWORD, "first_name": "Ada", "last_name": "Air" },
    })
}

fn under(policy: RegistrationPolicy) -> Site {
    Site::with(|_, config| config.registration = policy)
}

/// A registered business, and its owner's access token.
fn registered(site: &Site) -> (Value, String) {
    let made = site.call("POST", "/v1/registrations").json(&body("Ada Air")).expect(201).document();
    let tokens = site.try_to_log_in("ada@example.com", PASSWORD).document();
    (made["tenant"].clone(), tokens["access_token"].as_str().unwrap().to_owned())
}

#[test]
fn stranger_sees_the_shop_and_buys_nothing_until_approved() {
    let site = Site::new();
    let (tenant, access) = registered(&site);
    assert_eq!(tenant["approved_at"], Value::Null);
    assert_eq!(site.call("GET", "/v1/tenant").by(&access).expect(200).document()["approved_at"], Value::Null);
    // Setting up is free.
    site.call("PATCH", "/v1/tenant").by(&access).json(&json!({ "industry": "home services" })).expect(200);
    site.call("GET", "/v1/available-numbers?area_code=312").by(&access).expect(200);
    let key = json!({ "name": "a key", "scopes": ["numbers:write"] });
    let key = site.call("POST", "/v1/api-keys").by(&access).json(&key).expect(201).document();
    let key = key["key"].as_str().map_or_else(|| panic!("{key}"), str::to_owned);

    let requests = site.twilio.number_requests();
    let before = site.rows();
    for bearer in [&access, &key] {
        for last in 0..12 {
            let order = json!({ "phone_number": format!("+131255501{last:02}") });
            let answer = site.call("POST", "/v1/numbers").by(bearer).json(&order).expect(403);
            assert_eq!(answer.document()["code"], "awaiting_approval", "{}", answer.body);
            assert!(answer.document()["detail"].as_str().unwrap().contains("waits for the approval"), "{}", answer.body);
        }
    }
    assert_eq!((site.rows() == before, site.twilio.number_requests(), site.twilio.purchases().len()), (true, requests, 0));

    let id: TenantId = tenant["id"].as_str().unwrap().parse().unwrap();
    site.db.store.system(Reason::Operations, |tx| tx.approve_tenant(id)).unwrap();
    assert!(site.call("GET", "/v1/tenant").by(&access).expect(200).document()["approved_at"].is_string());
    site.call("POST", "/v1/numbers").by(&access).json(&json!({ "phone_number": "+13125550100" })).expect(201);
}

#[test]
fn buying_and_giving_back_in_turn_comes_to_an_end() {
    let site = Site::new();
    let owner = site.owner();
    site.db.execute("UPDATE tenants SET phone_number_limit = 2");
    let mut bought = 0;
    let refusal = loop {
        let order = json!({ "phone_number": "+13125550100" });
        let answer = site.call("POST", "/v1/numbers").by(&owner.access).json(&order).send();
        if answer.status != 201 {
            break answer;
        }
        bought += 1;
        assert!(bought < 10, "it never ends");
        let id = answer.document()["id"].as_str().unwrap().to_owned();
        site.call("POST", format!("/v1/numbers/{id}/release")).by(&owner.access).expect(200);
    };
    // The number that the kit gave it was taken on within the month, too.
    assert_eq!((refusal.status, refusal.refusal().0.as_str(), bought), (409, "#/phone_number", 3), "{}", refusal.body);
    assert!(refusal.body.contains("within 30 days"), "{}", refusal.body);
}

#[test]
fn registration_follows_the_policy_of_the_server() {
    let open = under(RegistrationPolicy::Open);
    let (tenant, access) = registered(&open);
    assert!(tenant["approved_at"].is_string());
    open.call("POST", "/v1/numbers").by(&access).json(&json!({ "phone_number": "+13125550100" })).expect(201);

    let closed = under(RegistrationPolicy::Closed);
    let before = closed.rows();
    let answer = closed.call("POST", "/v1/registrations").json(&body("Ada Air")).expect(403);
    assert_eq!((answer.document()["code"].as_str(), closed.rows() == before), (Some("registration_closed"), true));
}

#[test]
fn phones_that_are_dear_to_call_are_pointed_at() {
    let site = Site::new();
    let owner = site.owner();
    for phone in ["+19005550123", "+18885550123", "+88161234567", "+448451234567"] {
        let answer = site.call("PATCH", "/v1/tenant").by(&owner.access).json(&json!({ "business_phone": phone })).expect(400);
        assert_eq!(answer.refusal().0, "#/business_phone", "{}", answer.body);
        let mut new = body("Ada Air");
        new["business"]["phone"] = json!(phone);
        let answer = site.call("POST", "/v1/registrations").json(&new).expect(400);
        assert_eq!(answer.refusal().0, "#/business/phone", "{}", answer.body);
    }
}

#[test]
fn callers_of_an_unapproved_business_hear_a_busy_line() {
    let site = Site::new();
    let owner = site.owner();
    site.call("PATCH", "/v1/tenant").by(&owner.access).json(&json!({ "business_phone": "+13125550185" })).expect(200);
    let call = VoiceForm::missed("+14155550123", &site.joe.number, &unique_sid("CA")).with("CallStatus", "ringing");
    assert!(site.post(ANSWER, &call.0).expect(200).body.contains("<Dial"));
    site.joe.disapprove(&site.db, true);
    assert!(site.post(ANSWER, &call.0).expect(200).body.contains("<Reject reason=\"busy\"/>"));
}
