//! `nmc consent`, and what `nmc conversation show` tells of pictures, failures and texts that may be opt-outs.

use crate::nmc::Nmc;
use nmc_core::conversations::{MediaWorker, MediaWorkerConfig};
use nmc_core::testing::{Business, FakeTwilio, SmsForm, TestDb, VoiceForm, unique_phone, unique_sid};
use nmc_core::twilio::TwilioMedia;
use nmc_core::workflows::record_voice_status;
use nmc_core::workflows::{Received, receive_text, record_delivery};
use nmc_core::{PhoneNumber, Uploads};
use serde_json::{Value, json};
use std::sync::Arc;

const JOE: &str = "Joe's Plumbing";

struct Shop {
    db: TestDb,
    joe: Business,
    nmc: Nmc,
}

impl Shop {
    fn new() -> Self {
        let db = TestDb::new();
        let joe = Business::onboard(&db.store, JOE);
        let nmc = Nmc::on(db.url()).with("NMC_TENANT", JOE);
        Self { db, joe, nmc }
    }

    fn receive(&self, form: &SmsForm) -> Received {
        receive_text(&self.db.store, &form.parse()).expect("a text")
    }

    fn show(&self, customer: &str) -> (String, Value) {
        let table = self.nmc.run(&["conversation", "show", customer]).ok().out;
        (table, self.nmc.run(&["conversation", "show", customer, "--format", "json"]).json())
    }

    fn is_out(&self, customer: &PhoneNumber) -> bool {
        self.db.store.tenant(&self.joe.tenant, |tx| tx.consents().is_opted_out(customer)).expect("an answer")
    }
}

#[test]
fn what_people_decide_is_recorded_and_shown() {
    let shop = Shop::new();
    let (network, person) = ("+5215512345678", "+525512345678");
    let out = shop.nmc.run(&["consent", "record", network, "--action", "opt-out", "--format", "json"]).json();
    assert_eq!((&out["customer_phone"], &out["action"], &out["source"]), (&json!(person), &json!("opt_out"), &json!("staff")));
    shop.nmc.run(&["consent", "record", person, "--action", "opt-in"]).refused(2, "--note");
    shop.nmc.run(&["consent", "record", person, "--action", "opt-in", "--note", " "]).refused(2, "note is required of an opt-in");
    shop.nmc.run(&["consent", "record", person, "--action", "opt-in", "--note", "signed in the shop"]).ok();
    for spelling in [network, person] {
        let rows = shop.nmc.run(&["consent", "show", spelling, "--format", "json"]).json();
        let actions: Vec<&Value> = rows["items"].as_array().expect("rows").iter().map(|row| &row["action"]).collect();
        assert_eq!(actions, ["opt_in", "opt_out"]);
        assert!(shop.nmc.run(&["consent", "show", spelling]).ok().out.contains("signed in the shop"));
    }
}

#[test]
fn a_picture_is_no_empty_line() {
    let shop = Shop::new();
    let twilio = FakeTwilio::start();
    let dir = std::env::temp_dir().join(format!("nmc-cli-media-{}", uuid::Uuid::now_v7()));
    let fetch = || {
        let source = Arc::new(TwilioMedia::new(&twilio.account()));
        let worker = MediaWorker::new(shop.db.store.clone(), source, Uploads::new(&dir), MediaWorkerConfig::default());
        worker.pass().expect("a pass");
    };
    let jpeg = [b"\xff\xd8\xff\xe0".as_slice(), &[7; 119_500]].concat();
    let url = twilio.keep_picture("image/jpeg", &jpeg);
    let customer = unique_phone();
    let form = SmsForm::text(customer.as_str(), &shop.joe.number, "").with("MediaUrl0", &url);
    shop.receive(&form.with("MediaContentType0", "image/jpeg").with("MediaUrl1", "https://evil.example/x"));
    let (table, json) = shop.show(customer.as_str());
    assert!(
        table.contains("←  [picture image/jpeg, not fetched yet] [picture of an unknown kind, not fetched yet]\n"),
        "{table}"
    );
    assert_eq!(json["entries"][0]["media"][0]["url"], url);
    fetch();
    drop(std::fs::remove_dir_all(&dir));
    let (table, json) = shop.show(customer.as_str());
    let lost = "[picture of an unknown kind, lost: its address is none of Twilio's]";
    assert!(table.contains(&format!("←  [picture image/jpeg, 120 kB] {lost}\n")), "{table}");
    let kept = &json["entries"][0]["media"][0];
    assert_eq!((&kept["status"], &kept["size_bytes"]), (&json!("kept"), &json!(jpeg.len())));
    shop.receive(&SmsForm::text(customer.as_str(), &shop.joe.number, " "));
    assert!(shop.show(customer.as_str()).0.contains("←  [no words]\n"));
}

/// An operator's look at the conversation tells the code, what it means and what to do.
#[test]
fn a_failure_is_told_in_words() {
    let shop = Shop::new();
    let customer = unique_phone();
    let queued = shop.joe.queue(&shop.db.store, &customer, "We come at nine").expect("a text");
    let report = SmsForm::delivery(&shop.joe.number, &customer, "SM1", "undelivered").with("ErrorCode", "30034");
    record_delivery(&shop.db.store, &report.parse_delivery(Some(queued.id))).expect("a report");
    let (table, json) = shop.show(customer.as_str());
    let why = "the sending number is not registered for business texts (A2P 10DLC); register it at Twilio (Twilio 30034)";
    assert!(table.contains(&format!("→  We come at nine  [undelivered: {why}]\n")), "{table}");
    assert_eq!((&json["entries"][0]["error_code"], &json["entries"][0]["error_message"]), (&json!(30034), &json!(why)));
}

#[test]
fn a_conversation_tells_what_staff_have_to_settle() {
    let shop = Shop::new();
    for (decision, out) in [("opt-out", true), ("none", false)] {
        let customer = unique_phone();
        shop.receive(&SmsForm::text(customer.as_str(), &shop.joe.number, "stop it already"));
        let (table, json) = shop.show(customer.as_str());
        assert!(table.contains("a text may be an opt-out") && json["review_requested_at"].is_string(), "{table}");
        let waiting = || shop.nmc.run(&["conversation", "list", "--in-review", "--format", "json"]).json();
        assert_eq!(waiting()["items"][0]["customer_phone"], json!(customer));
        let settle = ["conversation", "settle", customer.as_str(), "--decision", decision, "--note", "read it"];
        let settled = shop.nmc.run(&settle).ok().out;
        assert!(!settled.contains("a text may be an opt-out"), "{settled}");
        assert_eq!(shop.is_out(&customer), out);
        assert_eq!(waiting()["items"], json!([]));
        shop.nmc.run(&settle).refused(2, "has nothing to settle");
    }
}

#[test]
fn a_conversation_is_found_in_either_spelling() {
    let shop = Shop::new();
    shop.receive(&SmsForm::text("+5215512345678", &shop.joe.number, "Hola"));
    for spelling in ["+5215512345678", "+525512345678"] {
        assert!(shop.show(spelling).0.contains("←  Hola\n"), "{spelling}");
    }
}

/// Each entry's kind, or the event it tells of.
fn told(shown: &Value) -> Vec<&str> {
    let entries = shown["entries"].as_array().expect("entries").iter();
    entries.map(|entry| entry["event"].as_str().or_else(|| entry["kind"].as_str()).expect("a kind")).collect()
}

#[test]
fn a_conversation_tells_why_nobody_was_texted() {
    let shop = Shop::new();
    let customer = unique_phone();
    let call = || VoiceForm::missed(customer.as_str(), &shop.joe.number, &unique_sid("CA"));
    let missed = |form: VoiceForm| record_voice_status(&shop.db.store, &form.parse()).expect("a call");
    missed(call().with("DialCallStatus", "failed").with("ErrorCode", "13224"));
    missed(call());
    let (table, json) = shop.show(customer.as_str());
    assert_eq!(told(&json), ["call", "message", "forwarding_failed", "call", "not_texted"], "{table}");
    let why = "the business's phone number is not valid; correct the business's phone (Twilio 13224)";
    assert!(table.contains(&format!("·  the call could not be forwarded: {why}\n")), "{table}");
    assert!(table.contains("·  not texted: they were texted after an earlier call a short while ago\n"), "{table}");
    assert_eq!(json["entries"][2]["data"], json!({"error_code": 13224, "reason": why}));
    assert_eq!((&json["entries"][4]["kind"], &json["entries"][4]["data"]["reason"]), (&json!("event"), &json!("cooldown")));
}

#[test]
fn a_conversation_tells_what_was_decided() {
    let shop = Shop::new();
    let customer = unique_phone();
    let text = |body: &str| shop.receive(&SmsForm::text(customer.as_str(), &shop.joe.number, body));
    text("stop it already");
    let settle = ["--decision", "none", "--note", "a \u{1b}[31mjoke"];
    shop.nmc.run(&[&["conversation", "settle", customer.as_str()], &settle[..]].concat()).ok();
    text("STOP");
    text("START");
    let (table, json) = shop.show(customer.as_str());
    let expected = ["message", "review_requested", "review_settled", "message", "opted_out", "message", "opted_in"];
    assert_eq!(told(&json), expected, "{table}");
    let mut rest = table.as_str();
    for line in [
        "·  that may be an opt-out",
        "·  decided: none (a <U+001B>[31mjoke)\n",
        "·  opted out (keyword)\n",
        "·  opted in (keyword)\n",
    ] {
        let at = rest.find(line).unwrap_or_else(|| panic!("{line:?} in its place: {table}"));
        rest = &rest[at..];
    }
    assert!(!table.contains('\u{1b}'), "a note moves no cursor");
    assert_eq!(json["entries"][4]["data"], json!({"source": "keyword"}));
}

#[test]
fn an_answer_stands_below_what_it_answers() {
    let shop = Shop::new();
    let customer = unique_phone();
    shop.receive(&SmsForm::text(customer.as_str(), &shop.joe.number, "HELP"));
    let (table, json) = shop.show(customer.as_str());
    let (asked, answered) = (table.find("←  HELP\n"), table.find("→  "));
    assert!(asked.is_some() && asked < answered, "{table}");
    assert_eq!((&json["entries"][0]["direction"], &json["entries"][1]["direction"]), (&json!("inbound"), &json!("outbound")));
    assert_eq!(json["entries"][0]["at"], json["entries"][1]["at"], "the same instant");
}

#[test]
fn a_queued_text_tells_when_it_is_tried_and_what_holds_it() {
    let shop = Shop::new();
    let customer = unique_phone();
    let failed = shop.joe.queue(&shop.db.store, &customer, "We come at nine").expect("a text");
    let waiting = shop.joe.queue(&shop.db.store, &customer, "Or at ten").expect("a text");
    let (table, _) = shop.show(customer.as_str());
    assert!(table.contains("→  Or at ten  [queued]\n"), "{table}");

    shop.db.execute("UPDATE tenants SET timezone = 'America/Chicago'");
    let later = format!("UPDATE messages SET next_attempt_at = '2999-01-01 14:00Z' WHERE id = '{}'", waiting.id);
    shop.db.execute(&later);
    let (table, json) = shop.show(customer.as_str());
    assert!(table.contains("→  Or at ten  [queued until Tue 1 Jan 2999 08:00]\n"), "{table}");
    assert_eq!(json["entries"][1]["next_attempt_at"], json!("2999-01-01T14:00:00Z"));

    let report = SmsForm::delivery(&shop.joe.number, &customer, "SM1", "undelivered").with("ErrorCode", "30034");
    record_delivery(&shop.db.store, &report.parse_delivery(Some(failed.id))).expect("a report");
    let (table, json) = shop.show(customer.as_str());
    let why = "the sending number is not registered for business texts (A2P 10DLC); register it at Twilio (Twilio 30034)";
    assert!(table.contains(&format!("→  Or at ten  [queued until Tue 1 Jan 2999 08:00: {why}]\n")), "{table}");
    assert_eq!((&json["entries"][1]["error_code"], &json["entries"][1]["error_message"]), (&Value::Null, &json!(why)));

    shop.db.execute("UPDATE number_pacing SET held_until = now() - interval '1 second'");
    let (table, _) = shop.show(customer.as_str());
    assert!(table.contains("→  Or at ten  [queued until Tue 1 Jan 2999 08:00]\n"), "a hold that is over holds nothing: {table}");
}
