//! `nmc consent`, and what `nmc conversation show` tells of pictures, failures and texts that may be opt-outs.

use crate::nmc::Nmc;
use nmc_core::conversations::{MediaWorker, MediaWorkerConfig, Received, receive_text, record_delivery};
use nmc_core::testing::{Business, FakeTwilio, SmsForm, TestDb, unique_phone};
use nmc_core::twilio::TwilioMedia;
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
