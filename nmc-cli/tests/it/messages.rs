//! `nmc message`: the texts of a business, and what became of them.

use crate::nmc::Nmc;
use nmc_core::testing::{Business, SmsForm, TestDb, unique_phone};
use nmc_core::workflows::{receive_text, record_delivery};
use serde_json::{Value, json};

const JOE: &str = "Joe's Plumbing";

#[test]
fn texts_are_listed_by_every_filter_and_shown() {
    let db = TestDb::new();
    let joe = Business::onboard(&db.store, JOE);
    let nmc = Nmc::on(db.url()).with("NMC_TENANT", JOE);
    assert_eq!(nmc.run(&["message", "list", "--format", "json"]).json(), json!({"items": [], "next": null}));
    let (customer, other) = (unique_phone(), unique_phone());
    let lost = joe.queue(&db.store, &customer, "We come at nine").expect("a text");
    let report = SmsForm::delivery(&joe.number, &customer, "SM1", "undelivered").with("ErrorCode", "30006");
    record_delivery(&db.store, &report.parse_delivery(Some(lost.id))).expect("a report");
    let form = SmsForm::text(other.as_str(), &joe.number, "Look\u{1b}[2J").with("MediaUrl0", "https://api.twilio.com/x");
    let came = receive_text(&db.store, &form.with("MediaContentType0", "image/png").parse()).expect("a text");
    let listed = |filters: &[&str]| -> Vec<Value> {
        let page = nmc.run(&[&["message", "list", "--format", "json"], filters].concat()).json();
        page["items"].as_array().expect("rows").iter().map(|row| row["id"].clone()).collect()
    };
    let of_lost = lost.conversation_id.to_string();
    for filters in [
        &["--failed"][..],
        &["--status", "undelivered"],
        &["--direction", "outbound"],
        &["--conversation", &of_lost],
        &["--conversation", customer.as_str(), "--failed"],
    ] {
        assert_eq!(listed(filters), [json!(lost.id)], "{filters:?}");
    }
    assert_eq!(listed(&["--kind", "message"]), [json!(came.message), json!(lost.id)]);
    for filters in [&["--kind", "greeting"][..], &["--failed", "--direction", "inbound"]] {
        assert_eq!(listed(filters), Vec::<Value>::new(), "{filters:?}");
    }
    let table = nmc.run(&["message", "list"]).ok().out;
    assert!(table.contains("\tLook<U+001B>[2J\t") && table.contains("(Twilio 30006)"), "{table}");

    let shown = nmc.run(&["message", "show", &came.message.to_string(), "--format", "json"]).json();
    assert_eq!((&shown["status"], &shown["media"][0]["content_type"]), (&json!("received"), &json!("image/png")));
    let shown = nmc.run(&["message", "show", "SM1"]).ok().out;
    assert!(
        shown.contains("status\tundelivered\n") && shown.contains("error_code\t30006\n") && shown.contains("\nmedia: none\n"),
        "{shown}"
    );

    let rival = Business::onboard(&db.store, "Rival Rooter");
    let theirs = rival.queue(&db.store, &customer, "Hello").expect("a text");
    for key in [theirs.id.to_string().as_str(), "SM0"] {
        nmc.run(&["message", "show", key]).refused(2, "message not found");
    }
    for (filters, why) in [
        (&["--conversation", &theirs.conversation_id.to_string()][..], "conversation not found"),
        (&["--conversation", unique_phone().as_str()], "conversation not found"),
        (&["--conversation", "4155550123"], "must be a conversation's id or"),
        (&["--status", "lost"], "undelivered"),
        (&["--failed", "--status", "sent"], "--status"),
    ] {
        nmc.run(&[&["message", "list"], filters].concat()).refused(2, why);
    }
}
