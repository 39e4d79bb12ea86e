//! Numbers: what is for sale, what is held, what that costs, and a provider that is not there or slow.

use crate::site::Site;
use nmc_core::UserRole;
use nmc_core::testing::{ManualClock, TwilioFault, noon, wait_until};
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::{Duration, Instant};
use uuid::Uuid;

/// One field of each item.
fn all(document: &Value, field: &str) -> Vec<String> {
    let text = |item: &Value| item[field].as_str().unwrap_or_default().to_owned();
    document["items"].as_array().unwrap().iter().map(text).collect()
}

#[test]
fn a_search_finds_what_each_filter_says() {
    let site = Site::new();
    let owner = site.owner();
    let search =
        |query: &str| site.call("GET", format!("/v1/available-numbers?{query}")).by(&owner.access).expect(200).document();
    for (query, found, prefixes) in [
        ("", 20, &["+1212", "+1312", "+1415"][..]),
        ("limit=100", 60, &["+1212", "+1312", "+1415"]),
        ("limit=3", 3, &["+1212"]),
        ("type=local&area_code=415", 20, &["+1415"]),
        ("region=IL", 20, &["+1312"]),
        ("locality=New%20York", 20, &["+1212"]),
        ("contains=%2B13125550105", 1, &["+13125550105"]),
        ("contains=5550105", 3, &["+1"]),
        ("contains=31*555*105", 1, &["+13125550105"]),
        ("type=toll-free", 10, &["+1800"]),
        ("country=ca", 20, &["+1416"]),
        ("voice=true&sms=true&mms=true", 20, &["+1"]),
        // London's take no texts, which is asked for unless it is not.
        ("country=GB", 0, &[]),
        ("country=GB&sms=false", 20, &["+4420"]),
        ("country=GB&sms=false&mms=true", 0, &[]),
        ("country=GB&type=mobile", 20, &["+4477"]),
    ] {
        let numbers = all(&search(query), "phone_number");
        assert_eq!(numbers.len(), found, "{query}: {numbers:?}");
        let is_one = |number: &String| prefixes.iter().any(|prefix| number.starts_with(prefix));
        assert!(numbers.iter().all(is_one), "{query}: {numbers:?}");
    }
    assert_eq!(
        search("contains=%2B13125550105")["items"][0],
        json!({
            "phone_number": "+13125550105", "country": "US", "type": "local", "locality": "Chicago", "region": "IL",
            "capabilities": { "voice": true, "sms": true, "mms": true }, "needs_address": false,
        })
    );
    assert_eq!(search("country=GB&type=mobile")["items"][0]["needs_address"], true);
}

#[test]
fn a_search_that_cant_be_made_says_which_rule_it_breaks() {
    let site = Site::new();
    let owner = site.owner();
    let asked = site.twilio.number_requests();
    let refused = |query: &str| {
        let answer = site.call("GET", format!("/v1/available-numbers?{query}")).by(&owner.access).expect(400);
        assert_eq!(answer.code(), "invalid", "{query}");
        answer.refusal().0
    };
    for (query, pointer) in [
        ("country=USA", "#/country"),
        ("country=%2B1", "#/country"),
        ("type=fax", "#/type"),
        ("area_code=123456", "#/area_code"),
        ("area_code=4a5", "#/area_code"),
        ("contains=1", "#/contains"),
        ("contains=12-34", "#/contains"),
        ("contains=12345678901234567", "#/contains"),
        ("limit=0", "#/limit"),
        ("limit=101", "#/limit"),
        ("limit=many", "#/limit"),
        ("sms=maybe", "#/sms"),
        ("rubbish=1", "#/rubbish"),
    ] {
        assert_eq!(refused(query), pointer, "{query}");
    }
    assert_eq!(site.twilio.number_requests(), asked, "none of them is the provider's to refuse");
    for query in ["country=ZZ", "type=mobile"] {
        assert_eq!(refused(query), "#/country", "{query}");
    }
}

#[test]
fn numbers_are_listed_by_each_filter_and_page_by_page() {
    let site = Site::new();
    let owner = site.owner();
    for number in ["+13125550101", "+18005550190"] {
        site.call("POST", "/v1/numbers").by(&owner.access).json(&json!({ "phone_number": number })).expect(201);
    }
    site.db.execute(&format!("UPDATE phone_numbers SET status = 'inactive' WHERE phone_number = '{}'", site.joe.number));
    let old = site.joe.number.as_str();
    let list = |query: &str| site.call("GET", format!("/v1/numbers?{query}")).by(&owner.access).expect(200).document();
    for (query, expected) in [
        ("", vec!["+18005550190", "+13125550101", old]),
        ("status=active", vec!["+18005550190", "+13125550101"]),
        ("status=inactive", vec![old]),
        ("status=error", vec![]),
        ("type=toll-free", vec!["+18005550190"]),
        ("area_code=312", vec!["+13125550101"]),
        ("region=IL", vec!["+13125550101"]),
        ("region=IL&locality=Chicago&status=active", vec!["+13125550101"]),
        ("locality=Boston", vec![]),
    ] {
        assert_eq!(all(&list(query), "phone_number"), expected, "{query}");
    }
    let mut seen = Vec::new();
    let mut next = String::new();
    loop {
        let page = list(&format!("limit=1{next}"));
        seen.extend(all(&page, "phone_number"));
        let Some(cursor) = page["next"].as_str() else { break };
        next = format!("&after={cursor}");
    }
    assert_eq!(seen, ["+18005550190", "+13125550101", old]);
    for query in ["status=lost", "type=fax", "limit=0", "limit=201", "after=rubbish", "rubbish=1"] {
        site.call("GET", format!("/v1/numbers?{query}")).by(&owner.access).expect(400);
    }
}

#[test]
fn costs_are_told_month_by_month() {
    let clock = Arc::new(ManualClock::new(noon()));
    let site = Site::with(|store, _| store.clock = clock.clone());
    let owner = site.owner();
    let given_back = site.held(&site.joe).id;
    site.db.execute(&format!(
        "UPDATE phone_numbers SET provisioned_at = '2026-09-10T08:00:00Z', setup_cost_cents = 100, monthly_cost_cents = 115
         WHERE phone_number = '{}'",
        site.joe.number
    ));
    site.db.execute(&format!(
        "UPDATE phone_numbers SET provisioned_at = '2026-10-12T08:00:00Z', setup_cost_cents = 50, monthly_cost_cents = 200,
                status = 'released', released_at = '2026-11-11T08:00:00Z'
         WHERE id = '{given_back}'"
    ));
    let costs = |query: &str| site.call("GET", format!("/v1/number-costs?{query}")).by(&owner.access).expect(200).document();
    let month = |month: &str, numbers: i64, setup: i64, monthly: i64| {
        json!({ "month": month, "currency": "USD", "numbers": numbers, "setup_cents": setup, "monthly_cents": monthly,
                "total_cents": setup + monthly })
    };
    let (september, october) = (month("2026-09", 1, 100, 115), month("2026-10", 2, 50, 315));
    let november = month("2026-11", 1, 0, 115);
    assert_eq!(costs("")["items"], json!([november, october, september]));
    assert_eq!(costs("from=2026-10")["items"], json!([november, october]));
    assert_eq!(costs("to=2026-10")["items"], json!([october, september]));
    assert_eq!(costs("from=2026-10&to=2026-10")["items"], json!([october]));
    assert_eq!(costs("from=2020-01&to=2020-12")["items"], json!([]));
    // A year and no more, unless more is asked for.
    site.db.execute("UPDATE phone_numbers SET provisioned_at = '2025-09-10T08:00:00Z' WHERE provisioned_at < '2026-10-01'");
    let year = costs("");
    assert_eq!((all(&year, "month").len(), &*all(&year, "month")[11]), (12, "2025-12"));
    assert_eq!(all(&costs("from=2021-12"), "month").len(), 15);
    for (query, pointer) in [
        ("from=2026-12", "#/to"),
        ("from=2026-10&to=2026-09", "#/to"),
        ("from=2021-11", "#/from"),
        ("from=2026-13", "#/from"),
        ("to=2026-1", "#/to"),
        ("to=november", "#/to"),
        ("month=2026-11", "#/month"),
    ] {
        let answer = site.call("GET", format!("/v1/number-costs?{query}")).by(&owner.access).expect(400);
        assert_eq!(answer.refusal().0, pointer, "{query}");
    }
}

#[test]
fn request_without_a_provider_hears_what_is_missing() {
    let site = Site::without_provider();
    let (owner, viewer) = (site.owner(), site.person(&site.joe, UserRole::Viewer));
    let id = site.held(&site.joe).id;
    let before = site.rows();
    let requests = [
        ("GET", "/v1/available-numbers".to_owned(), Value::Null),
        ("POST", "/v1/numbers".to_owned(), json!({ "phone_number": "+13125550100" })),
        ("POST", format!("/v1/numbers/{id}/release"), Value::Null),
        ("POST", format!("/v1/numbers/{id}/configuration"), Value::Null),
    ];
    for (method, path, body) in requests {
        let ask = |bearer: &str| {
            let call = site.call(method, path.clone()).by(bearer);
            if body.is_null() { call.send() } else { call.json(&body).send() }
        };
        let answer = ask(&owner.access);
        assert_eq!((answer.status, &*answer.code()), (503, "no_provider"), "{path}: {}", answer.body);
        for name in ["TWILIO_ACCOUNT_SID", "TWILIO_AUTH_TOKEN", "NMC_PUBLIC_URL"] {
            assert!(answer.body.contains(name), "{}", answer.body);
        }
        assert_eq!(ask(&viewer.access).status, 403, "{path}");
        assert_eq!(ask("rubbish").status, 401, "{path}");
    }
    assert_eq!(site.rows(), before);
    assert_eq!(site.twilio.requests(), 0);
    // What is known here is told all the same.
    for path in ["/v1/numbers".to_owned(), format!("/v1/numbers/{id}"), "/v1/number-costs".to_owned()] {
        site.call("GET", path).by(&owner.access).expect(200);
    }
}

#[test]
fn a_provider_that_has_fallen_silent_keeps_nobody_else_waiting() {
    const PLACES: usize = 16;
    let site = Site::new();
    let owner = site.owner();
    let search = || site.call("GET", "/v1/available-numbers?limit=1").by(&owner.access).send();
    site.twilio.fail_numbers_with([TwilioFault::HoldAfter; PLACES]);
    std::thread::scope(|scope| {
        let waiting: Vec<_> = (0..PLACES).map(|_| scope.spawn(search)).collect();
        wait_until("all of them are at the provider", || site.twilio.number_requests() == PLACES);
        for _ in 0..3 {
            let answer = search();
            assert_eq!((answer.status, &*answer.code()), (503, "overloaded"), "{}", answer.body);
        }
        let since = Instant::now();
        for path in ["/v1/tenant", "/v1/numbers", "/v1/number-costs"] {
            site.call("GET", path).by(&owner.access).expect(200);
        }
        // Logins have a pool of their own, too.
        assert_eq!(site.try_to_log_in(owner.email.as_str(), super::PASSWORD).status, 201);
        assert!(since.elapsed() < Duration::from_secs(5), "{:?}", since.elapsed());
        site.twilio.release();
        for request in waiting {
            let answer = request.join().unwrap();
            assert_eq!(answer.status, 200, "{}", answer.body);
        }
    });
    assert_eq!(search().status, 200, "their places are free again");
}

#[test]
fn a_number_that_nobody_has_is_not_found() {
    let site = Site::new();
    let owner = site.owner();
    let theirs = site.held(&site.rival).id.to_string();
    let before = site.rows();
    for id in [theirs, Uuid::now_v7().to_string(), "rubbish".to_owned(), "%2B13125550100".to_owned()] {
        for (method, path) in [("GET", ""), ("POST", "/release"), ("POST", "/configuration")] {
            let answer = site.call(method, format!("/v1/numbers/{id}{path}")).by(&owner.access).expect(404);
            assert_eq!(answer.code(), "not_found");
        }
    }
    assert_eq!(site.rows(), before);
    assert_eq!((site.twilio.requests(), site.twilio.given_back()), (0, Vec::new()));
}
