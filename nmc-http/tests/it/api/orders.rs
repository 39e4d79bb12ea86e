//! Orders of numbers and their ends: bought once, paid for by somebody who knows of it, given back for good.

use super::Person;
use crate::log;
use crate::site::{Answer, Site};
use nmc_core::UserRole;
use nmc_core::access::{KeyOrder, Permission, make_service_key};
use nmc_core::testing::TwilioFault::{DropAfter, ErrorAfter, ErrorBefore, HoldAfter, Pass, TooMany, Unauthorized};
use serde_json::{Value, json};

const NUMBER: &str = "+13125550100";

struct Orders {
    site: Site,
    owner: Person,
}

impl Orders {
    fn new() -> Self {
        let site = Site::new();
        let owner = site.owner();
        Self { site, owner }
    }

    fn order(&self, body: &Value) -> Answer {
        self.site.call("POST", "/v1/numbers").by(&self.owner.access).json(body).send()
    }

    fn buy(&self) -> Answer {
        self.order(&json!({ "phone_number": NUMBER }))
    }

    fn ask(&self, method: &'static str, path: impl Into<String>) -> Answer {
        self.site.call(method, path).by(&self.owner.access).send()
    }

    /// The worker's turn comes, whatever it was told to wait for.
    fn later(&self) {
        self.site
            .db
            .execute("UPDATE phone_numbers SET next_attempt_at = now() - interval '1 s' WHERE next_attempt_at IS NOT NULL");
        self.site.numbers.pass().unwrap();
    }

    fn bought(&self) -> usize {
        self.site.twilio.purchases().len()
    }
}

/// Whatever is wrong with the account, a business is told neither its secrets nor how the platform is set up.
#[track_caller]
fn tells_no_secrets(text: &str) {
    for secret in ["AC0000", "a token that must never be seen", "TWILIO_", "NMC_", "127.0.0.1", "Basic"] {
        assert!(!text.contains(secret), "{secret}: {text}");
    }
}

#[test]
fn a_bought_number_is_active_and_owned_and_found_again() {
    let orders = Orders::new();
    let made = orders.buy();
    assert_eq!(made.status, 201, "{}", made.body);
    let number = made.document();
    let id = number["id"].as_str().unwrap();
    assert_eq!(made.header("Location"), Some(&*format!("/v1/numbers/{id}")));
    for (field, value) in [
        ("phone_number", json!(NUMBER)),
        ("status", json!("active")),
        ("status_reason", Value::Null),
        ("releasing", json!(false)),
        ("type", json!("local")),
        ("country", json!("US")),
        ("area_code", json!("312")),
        ("locality", json!("Chicago")),
        ("region", json!("IL")),
        ("capabilities", json!({ "voice": true, "sms": true, "mms": true })),
        ("setup_cost_cents", json!(0)),
        ("monthly_cost_cents", json!(115)),
        ("currency", json!("USD")),
        ("release_requested_at", Value::Null),
        ("released_at", Value::Null),
        ("next_attempt_at", Value::Null),
        ("held_until", Value::Null),
        ("hold_reason", Value::Null),
    ] {
        assert_eq!(number[field], value, "{field}");
    }
    assert!(number["provisioned_at"].is_string());
    let [owned] = &orders.site.twilio.owned()[..] else { panic!("one number") };
    assert_eq!((number["twilio_phone_sid"].as_str(), &*owned.friendly_name), (Some(&*owned.sid), &*format!("nmc:{id}")));
    assert_eq!(number["webhook_urls"]["voice"], owned.voice_url);

    let seen = orders.ask("GET", format!("/v1/numbers/{id}"));
    assert_eq!((seen.status, seen.document()), (200, number));
    assert!(seen.header("ETag").is_some());
    assert_eq!(made.document().as_object().unwrap().len(), 24);
}

#[test]
fn purchase_is_told_where_holds_cant_be_read() {
    let orders = Orders::new();
    orders.site.db.execute("REVOKE SELECT ON number_pacing FROM nmc_tenant");
    let made = orders.buy();
    assert_eq!((made.status, &made.document()["status"]), (201, &json!("active")), "{}", made.body);
}

#[test]
fn what_cant_be_bought_says_why_and_nothing_is_written_or_paid() {
    let orders = Orders::new();
    orders.site.twilio.sell_elsewhere(&"+13125550101".parse().unwrap());
    let before = orders.site.rows();
    for (body, status, code, pointer) in [
        (json!({ "phone_number": "+13125550101" }), 409, "number_taken", "#/phone_number"),
        (json!({ "phone_number": "+13125559999" }), 409, "number_taken", "#/phone_number"),
        // It is for sale, as another kind, or elsewhere.
        (json!({ "phone_number": NUMBER, "type": "toll-free" }), 409, "number_taken", "#/phone_number"),
        (json!({ "phone_number": NUMBER, "country": "CA" }), 409, "number_taken", "#/phone_number"),
        (json!({ "phone_number": NUMBER, "country": "ZZ" }), 400, "invalid", "#/country"),
        (json!({ "phone_number": NUMBER, "type": "mobile" }), 400, "invalid", "#/country"),
        (json!({ "phone_number": "+447700900100", "country": "gb", "type": "mobile" }), 422, "provider_refused", ""),
        (json!({ "phone_number": "312-555-0100" }), 400, "invalid", "#/phone_number"),
        (json!({ "phone_number": "" }), 400, "invalid", "#/phone_number"),
        (json!({ "phone_number": 13_125_550_100_u64 }), 400, "invalid", "#/phone_number"),
        (json!({ "phone_number": NUMBER, "country": "USA" }), 400, "invalid", "#/country"),
        (json!({ "phone_number": NUMBER, "type": "fax" }), 400, "invalid", "#/type"),
        (json!({}), 400, "invalid", "#/phone_number"),
        (json!({ "phone_number": NUMBER, "status": "active" }), 400, "invalid", "#/status"),
    ] {
        let answer = orders.order(&body);
        assert_eq!((answer.status, &*answer.code()), (status, code), "{body}: {}", answer.body);
        assert_eq!(answer.refusal().0, pointer, "{body}");
    }
    orders.site.db.execute("UPDATE tenants SET phone_number_limit = 1");
    let answer = orders.buy();
    assert_eq!((answer.status, &*answer.code()), (409, "conflict"), "{}", answer.body);
    assert!(answer.refusal().1.contains("may hold"), "{}", answer.body);
    orders.site.db.execute("UPDATE tenants SET phone_number_limit = 10");
    let unmoved = |row: &&String| !row.starts_with("tenants: ");
    assert!(orders.site.rows().iter().filter(unmoved).eq(before.iter().filter(unmoved)));
    assert_eq!(orders.bought(), 0);
}

#[test]
fn account_without_funds_holds_the_order_until_it_is_paid() {
    let orders = Orders::new();
    orders.site.twilio.run_out_of_funds();
    let answer = orders.buy();
    assert_eq!((answer.status, &*answer.code()), (502, "provider_no_funds"), "{}", answer.body);
    assert!(answer.body.contains("whoever operates the platform"), "{}", answer.body);
    tells_no_secrets(&answer.body);
    let failed = orders.ask("GET", "/v1/numbers?status=error");
    let failed_id = failed.document()["items"][0]["id"].clone();
    assert!(failed_id.is_string() && failed.body.contains("whoever operates the platform"), "{}", failed.body);

    orders.site.twilio.top_up();
    let made = orders.buy();
    assert_eq!((made.status, &made.document()["id"], &made.document()["status"]), (201, &failed_id, &json!("active")));
    assert!(made.document()["status_reason"].is_null());
    assert_eq!(orders.bought(), 1);
}

#[test]
fn refused_credentials_are_told_to_the_operator_alone() {
    let orders = Orders::new();
    // At the search, at the price, and at the purchase, whose order is committed by then.
    for faults in [vec![Unauthorized], vec![Pass, Unauthorized], vec![Pass, Pass, Unauthorized]] {
        orders.site.twilio.fail_numbers_with(faults);
        let answer = orders.buy();
        assert_eq!((answer.status, &*answer.code()), (502, "provider_credentials"), "{}", answer.body);
        tells_no_secrets(&answer.body);
    }
    let failed = orders.ask("GET", "/v1/numbers?status=error");
    assert!(failed.body.contains("does not let the platform in"), "{}", failed.body);
    tells_no_secrets(&failed.body);
    orders.site.twilio.fail_numbers_with([Unauthorized]);
    let answer = orders.ask("GET", "/v1/available-numbers");
    assert_eq!((answer.status, &*answer.code()), (502, "provider_credentials"));
    let told = log::lines_with("TWILIO_AUTH_TOKEN");
    assert!(told.iter().any(|line| line.contains("ERROR")), "{told:?}");
    assert!(told.iter().all(|line| !line.contains(NUMBER) && !line.contains("must never be seen")), "{told:?}");
}

#[test]
fn the_same_number_is_bought_once_however_often_it_is_ordered() {
    let orders = Orders::new();
    let answers: Vec<Answer> = std::thread::scope(|scope| {
        let requests: Vec<_> = (0..6).map(|_| scope.spawn(|| orders.buy())).collect();
        requests.into_iter().map(|request| request.join().unwrap()).collect()
    });
    let mut ids: Vec<String> = Vec::new();
    for answer in &answers {
        assert!([201, 409].contains(&answer.status), "{}", answer.body);
        if answer.status == 201 {
            ids.push(answer.document()["id"].to_string());
        }
    }
    ids.dedup();
    assert_eq!((ids.len(), orders.bought()), (1, 1), "{answers:?}");
    let again = orders.buy();
    assert_eq!((again.status, &*again.code()), (409, "conflict"));
    assert_eq!(again.refusal(), ("#/phone_number".to_owned(), "is held by the business already".to_owned()));
    let rival = orders.site.person(&orders.site.rival, UserRole::Owner);
    let theirs = orders.site.call("POST", "/v1/numbers").by(&rival.access).json(&json!({ "phone_number": NUMBER })).send();
    assert_eq!((theirs.status, &*theirs.code()), (409, "number_taken"), "whose it is is nobody's business");
    assert_eq!(orders.bought(), 1);
}

#[test]
fn a_purchase_whose_answer_got_lost_is_adopted() {
    for lost in [ErrorAfter, DropAfter] {
        let orders = Orders::new();
        orders.site.twilio.fail_numbers_with([Pass, Pass, lost]);
        let made = orders.buy();
        assert_eq!((made.status, &made.document()["status"]), (201, &json!("active")), "{lost:?}: {}", made.body);
        assert_eq!(orders.bought(), 1, "{lost:?}");
        assert_eq!(made.document()["twilio_phone_sid"], orders.site.twilio.owned()[0].sid);
    }
}

#[test]
fn order_not_done_in_time_goes_on_by_itself_once() {
    for again in [false, true] {
        let orders = Orders::new();
        orders.site.twilio.fail_numbers_with([Pass, Pass, TooMany(60)]);
        let made = orders.buy();
        assert_eq!(orders.site.twilio.number_requests(), 3, "it is asked again when it said");
        assert_eq!((made.status, &made.document()["status"]), (201, &json!("provisioning")), "{}", made.body);
        assert!(made.document()["next_attempt_at"].is_string() && made.document()["status_reason"].is_string());
        assert_eq!(orders.bought(), 0);
        if again {
            let taken_up = orders.buy();
            assert_eq!((taken_up.status, &taken_up.document()["id"]), (201, &made.document()["id"]));
            assert_eq!(taken_up.document()["status"], "provisioning");
            assert_eq!(orders.site.twilio.number_requests(), 3, "Twilio is left alone for as long as it wants");
        }
        orders.later();
        let seen = orders.ask("GET", made.header("Location").unwrap()).document();
        assert_eq!((&seen["status"], &seen["next_attempt_at"]), (&json!("active"), &Value::Null));
        assert_eq!(orders.bought(), 1);
    }
}

#[test]
fn a_provider_that_cant_be_asked_at_all_is_a_503_and_no_order() {
    let orders = Orders::new();
    let before = orders.site.rows();
    orders.site.twilio.fail_numbers_with([ErrorBefore]);
    let answer = orders.buy();
    assert_eq!((answer.status, &*answer.code()), (503, "unavailable"), "{}", answer.body);
    assert_eq!((orders.site.rows(), orders.bought()), (before, 0));
}

#[test]
fn who_is_suspended_buys_nothing_not_even_what_was_begun() {
    let orders = Orders::new();
    let (site, joe) = (&orders.site, &orders.site.joe);
    let key = KeyOrder { name: "a buyer".to_owned(), scopes: vec![Permission::NumbersWrite], expires_at: None };
    let (_, key) = site.db.store.as_operator(&joe.tenant, |tx| make_service_key(tx, &key)).unwrap();
    site.twilio.fail_numbers_with([HoldAfter]);
    std::thread::scope(|scope| {
        let begun = scope.spawn(|| orders.buy());
        site.twilio.wait_for_held();
        joe.suspend(&site.db, true);
        site.twilio.release();
        let answer = begun.join().unwrap();
        assert_eq!(answer.status, 401, "{}", answer.body);
    });
    assert_eq!(orders.buy().status, 401);
    let body = json!({ "phone_number": NUMBER });
    assert_eq!(site.call("POST", "/v1/numbers").by(key.text().expose()).json(&body).send().status, 401);
    assert_eq!((orders.bought(), site.count("phone_numbers")), (0, 2));
}

#[test]
fn a_number_is_given_back_once_and_for_good() {
    let orders = Orders::new();
    let made = orders.buy().document();
    let at = format!("/v1/numbers/{}", made["id"].as_str().unwrap());
    orders.site.db.execute(&format!(
        "INSERT INTO number_pacing (tenant_id, phone_number, free_at, held_until, hold_reason)
         SELECT tenant_id, phone_number, now(), '2999-01-01', 'not registered' FROM phone_numbers WHERE phone_number = '{NUMBER}'"
    ));
    assert_eq!(orders.ask("GET", &*at).document()["hold_reason"], "not registered");
    for _ in 0..2 {
        let released = orders.ask("POST", format!("{at}/release"));
        assert_eq!(released.status, 200, "{}", released.body);
        let row = released.document();
        assert_eq!((&row["status"], &row["releasing"]), (&json!("released"), &json!(false)));
        assert!(row["released_at"].is_string() && row["release_requested_at"].is_string());
        assert_eq!((&row["held_until"], &row["hold_reason"]), (&Value::Null, &Value::Null), "it sends nothing any more");
    }
    let read =
        [orders.ask("GET", &*at).document(), orders.ask("GET", "/v1/numbers?status=released").document()["items"][0].clone()];
    assert!(read.iter().all(|row| row["hold_reason"].is_null()), "{read:?}");
    let sid = made["twilio_phone_sid"].as_str().unwrap().to_owned();
    assert_eq!(orders.site.twilio.given_back(), [(NUMBER.to_owned(), sid)]);
    let configured = orders.ask("POST", format!("{at}/configuration"));
    assert_eq!((configured.status, &*configured.code()), (409, "invalid_transition"));
    // It may be bought anew, as another row.
    let anew = orders.buy();
    assert_eq!(anew.status, 201, "{}", anew.body);
    assert_ne!(anew.document()["id"], made["id"]);
}

#[test]
fn a_release_that_cant_be_done_in_time_goes_on_by_itself() {
    let orders = Orders::new();
    let id = orders.site.held(&orders.site.joe).id;
    orders.site.twilio.fail_numbers_with([TooMany(60)]);
    let released = orders.ask("POST", format!("/v1/numbers/{id}/release"));
    let row = released.document();
    assert_eq!((released.status, &row["status"], &row["releasing"]), (200, &json!("inactive"), &json!(true)));
    assert!(row["next_attempt_at"].is_string() && row["released_at"].is_null());
    assert!(orders.site.twilio.given_back().is_empty());
    orders.later();
    let row = orders.ask("GET", format!("/v1/numbers/{id}")).document();
    assert_eq!((&row["status"], &row["releasing"]), (&json!("released"), &json!(false)));
    assert_eq!(orders.site.twilio.given_back().len(), 1);
}

#[test]
fn webhooks_are_set_again_and_a_lost_number_is_found_out() {
    let orders = Orders::new();
    let held = orders.site.held(&orders.site.joe);
    let at = format!("/v1/numbers/{}/configuration", held.id);
    assert_eq!(orders.site.twilio.owned()[0].voice_url, "");
    let configured = orders.ask("POST", &*at);
    assert_eq!(configured.status, 200, "{}", configured.body);
    let owned = &orders.site.twilio.owned()[0];
    assert_eq!(
        configured.document()["webhook_urls"],
        json!({
            "voice": owned.voice_url, "voice_fallback": owned.voice_fallback_url, "voice_status": owned.status_callback,
            "sms": owned.sms_url, "sms_fallback": owned.sms_fallback_url
        })
    );
    assert_eq!(owned.voice_url, "https://nmc.example.com/webhooks/twilio/voice#rc=3&rp=ct,rt,5xx");

    orders.site.twilio.fail_numbers_with([Pass, ErrorAfter]);
    let lost = orders.ask("POST", &*at);
    assert_eq!((lost.status, &*lost.code()), (503, "unavailable"));

    orders.site.twilio.lose(held.twilio_phone_sid.as_deref().unwrap());
    let gone = orders.ask("POST", &*at);
    assert_eq!((gone.status, &*gone.code()), (409, "number_lost"), "{}", gone.body);
    let row = orders.ask("GET", format!("/v1/numbers/{}", held.id)).document();
    assert_eq!(row["status"], "error");
    assert!(row["status_reason"].is_string());
}
