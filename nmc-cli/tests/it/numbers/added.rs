//! Numbers that the account owns already: Twilio is asked whose the SID is, and nothing is made up.

use super::{CHICAGO, Scene};
use nmc_core::testing::{TwilioCall, unique_phone, unique_sid};
use nmc_core::{Clock as _, SystemClock};
use serde_json::json;
use std::time::{Duration, Instant};

const SOME: &str = "PN0123456789abcdef0123456789abcdef";

#[test]
fn a_sid_of_another_number_is_refused() {
    let scene = Scene::new();
    let stranger = scene.twilio.own(&"+13125550106".parse().unwrap(), "the shop next door", None);
    scene.number(&["add", CHICAGO, "--sid", &stranger]).refused(2, "twilio_phone_sid is the SID of another number at Twilio");
    scene.number(&["add", CHICAGO, "--sid", SOME]).refused(2, "is not the SID of a number of this Twilio account");
    scene.number(&["add", CHICAGO, "--sid", "123"]).refused(2, "must be PN and 32 hexadecimal digits");
    assert_eq!(scene.rows(), []);

    let ours = scene.twilio.own(&CHICAGO.parse().unwrap(), "ours", None);
    let said = scene.number(&["add", CHICAGO, "--sid", &ours]).ok();
    assert!(!said.err.contains("not checked"), "{said:?}");
    let shown = scene.json(&["show", CHICAGO]);
    assert_eq!(shown["capabilities"], json!({"voice": true, "sms": true, "mms": true}));
    assert_eq!((&shown["monthly_cost"], &shown["setup_cost"]), (&json!("0.00"), &json!("0.00")));
}

#[test]
fn where_twilio_can_not_be_asked_that_is_said() {
    let scene = Scene::new();
    for (number, variable, value, why) in [
        ("+13125550105", "NMC_TWILIO_API_URL", "http://127.0.0.1:1", "Twilio can't be reached"),
        ("+13125550106", "TWILIO_AUTH_TOKEN", "wrong", "the provider refuses our credentials"),
        ("+13125550107", "TWILIO_AUTH_TOKEN", "", "are not set"),
        // Nobody answers there.
        ("+13125550108", "NMC_TWILIO_API_URL", "http://192.0.2.1", "Twilio can't be reached"),
    ] {
        let (began, sid) = (Instant::now(), unique_sid("PN"));
        let said = scene.nmc.clone().with(variable, value).run(&["number", "add", number, "--sid", &sid]).ok();
        assert!(said.err.contains("not checked") && said.err.contains(why), "{said:?}");
        assert!(began.elapsed() < Duration::from_secs(20), "its end is soon: {:?}", began.elapsed());
    }
    assert_eq!(scene.rows().len(), 4);
}

#[test]
fn costs_are_what_was_told() {
    let scene = Scene::new();
    let sid = scene.twilio.own(&CHICAGO.parse().unwrap(), "ours", None);
    for wrong in ["1.5", "a.bc", "1.", "99999999999.00"] {
        scene.number(&["add", CHICAGO, "--sid", &sid, "--monthly-cost", wrong]).refused(2, "must be an amount like 1.15");
    }
    scene.number(&["add", CHICAGO, "--sid", &sid, "--monthly-cost", "1.15", "--currency", "eur"]).ok();
    let shown = scene.json(&["show", CHICAGO]);
    let told = (&shown["monthly_cost"], &shown["setup_cost"], &shown["currency"]);
    assert_eq!(told, (&json!("1.15"), &json!("0.00"), &json!("EUR")));
}

#[test]
fn a_wrong_sid_is_found_repaired_and_given_back_rightly() {
    let scene = Scene::new();
    let stranger = scene.twilio.own(&"+13125550106".parse().unwrap(), "the shop next door", None);
    let ours = scene.twilio.own(&CHICAGO.parse().unwrap(), "ours", None);
    scene.nmc.clone().with("TWILIO_AUTH_TOKEN", "").run(&["number", "add", CHICAGO, "--sid", &stranger]).ok();
    let found = scene.number(&["reconcile"]).code(1);
    assert!(found.out.contains("nmc number repair"), "{found:?}");
    scene.number(&["release", CHICAGO, "--yes"]).refused(8, "the SID is that of another number at the provider");
    scene.number(&["configure", CHICAGO]).refused(2, "error");
    let repaired = scene.json(&["repair", CHICAGO]);
    assert_eq!((&repaired["status"], &repaired["twilio_phone_sid"]), (&json!("active"), &json!(ours)));
    assert_eq!(scene.json(&["release", CHICAGO, "--yes"])["status"], "released");
    assert_eq!(scene.twilio.given_back(), [(CHICAGO.to_owned(), ours)]);
}

#[test]
fn numbers_that_can_not_text_are_shown_and_bought_on_a_word() {
    let scene = Scene::new();
    let number = "+442079460199";
    scene.twilio.sell(&number.parse().unwrap());
    let search = ["search", "--country", "GB", "--contains", "2079460199", "--without-sms"];
    let found = scene.json(&search);
    assert_eq!((&found["items"][0]["phone_number"], &found["items"][0]["sms"]), (&json!(number), &json!(false)));
    scene.number(&["buy", number, "--country", "GB", "--yes"]).refused(2, "without_sms must be true to buy this number");
    let bought = scene.number(&["buy", number, "--country", "GB", "--yes", "--without-sms"]).ok();
    assert!(bought.err.contains("this number can't text"), "{bought:?}");
}

#[test]
fn calls_of_an_outage_are_caught_up_with() {
    let scene = Scene::new();
    let at = SystemClock.now();
    let call = TwilioCall {
        sid: unique_sid("CA"),
        parent_call_sid: None,
        from: unique_phone().to_string(),
        to: scene.joe.number.to_string(),
        status: "no-answer".to_owned(),
        direction: "inbound".to_owned(),
        duration: Some(0),
        price: None,
        start_time: Some(at),
        end_time: Some(at),
        answered_by: None,
        caller_name: None,
        created_at: at,
    };
    scene.twilio.put_call(call.clone());
    let caught = scene.nmc.run(&["call", "catch-up", "--format", "json"]).json();
    assert_eq!((&caught["calls"]["recorded"], &caught["found"][0]["sid"]), (&json!(1), &json!(call.sid)), "{caught}");
    assert_eq!(caught["found"][0]["answered"], true);
    let again = scene.nmc.run(&["call", "catch-up"]).ok();
    assert!(again.err.contains("calls: 1 read, 0 missing and recorded"), "{again:?}");
    // And one that is asked for by its SID.
    let other = TwilioCall { sid: unique_sid("CA"), from: unique_phone().to_string(), ..call };
    scene.twilio.put_call(other.clone());
    assert_eq!(scene.nmc.run(&["call", "refresh", &other.sid, "--format", "json"]).json()["outcome"], "missed");
}
