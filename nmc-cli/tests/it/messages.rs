//! `nmc message`: the texts of a business, and what became of them.

use crate::nmc::Nmc;
use crate::terminal::Terminal;
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
    assert_eq!(listed(&["--from", "2026-01-01", "--to", "9999-12-31"]), [json!(came.message), json!(lost.id)]);
    for filters in [
        &["--kind", "greeting"][..],
        &["--failed", "--direction", "inbound"],
        &["--to", "2026-01-01"],
        &["--failed", "--from", "9999-12-31"],
        &["--conversation", customer.as_str(), "--to", "2026-01-01"],
    ] {
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

#[test]
fn texts_are_searched_for_words() {
    let db = TestDb::new();
    let joe = Business::onboard(&db.store, JOE);
    let rival = Business::onboard(&db.store, "Rival Rooter");
    let receive = |business: &Business, body: &str| {
        let form = SmsForm::text(unique_phone().as_str(), &business.number, body);
        receive_text(&db.store, &form.parse()).expect("a text").message.to_string()
    };
    let first = receive(&joe, "The kitchen sink leaks");
    let second = receive(&joe, "A sink in the KITCHÉN, too");
    receive(&joe, "The bath");
    receive(&rival, "kitchen sink");
    let nmc = Nmc::on(db.url()).with("NMC_TENANT", JOE);
    let page = |arguments: &[&str]| nmc.run(&[&["message", "search", "--format", "json"], arguments].concat()).json();
    let ids = |page: &Value| -> Vec<String> {
        let rows = page["items"].as_array().expect("rows").iter();
        rows.map(|row| row["id"].as_str().expect("an id").to_owned()).collect()
    };
    for words in [&["kitchen", "sink"][..], &["sink kitch"], &["Kitchen,", "sin"]] {
        assert_eq!(ids(&page(words)), [second.clone(), first.clone()], "{words:?}");
    }
    assert_eq!(ids(&page(&["kitchen", "leaks"])), [first.as_str()]);
    assert_eq!(page(&["nowhere"]), json!({"items": [], "next": null}));
    let newest = page(&["sink", "--limit", "1"]);
    assert_eq!(ids(&newest), [second]);
    let next = newest["next"].as_str().expect("a cursor");
    assert_eq!(ids(&page(&["sink", "--after", next])), [first]);
    for columns in [40, 80, 100] {
        let said = Terminal::show(&nmc, &["message", "search", "leaks"], columns).ok();
        assert!(said.err.contains("leaks"), "what is searched for is seen at {columns}: {said:#?}");
    }
    let table = nmc.run(&["message", "search", "leaks"]).ok().out;
    assert!(table.starts_with("id\t") && table.contains("\tThe kitchen sink leaks\t"), "{table}");
    let long = "long ".repeat(50);
    for (words, why) in [
        (&["?!"][..], "WORD must have a letter or a digit"),
        (&[" "], "WORD must not be empty"),
        (&[&long], "WORD must be at most 200 characters"),
        (&[], "WORD"),
    ] {
        nmc.run(&[&["message", "search"], words].concat()).refused(2, why);
    }
}

/// What is looked at for one page is bounded, and here has nothing of what is searched for: the command goes on to what has.
#[test]
fn search_goes_on_to_the_first_page_with_a_text() {
    let db = TestDb::new();
    let joe = Business::onboard(&db.store, JOE);
    db.execute(&format!(
        "INSERT INTO conversations (tenant_id, customer_phone, channel, status) VALUES ('{id}', '+14155550123', 'sms', 'closed');
         INSERT INTO messages (tenant_id, conversation_id, message_body, message_direction, from_number, to_number, message_status, created_at)
             SELECT tenant_id, id, CASE WHEN n = 7000 THEN 'even odd' WHEN n % 2 = 0 THEN 'even' ELSE 'odd' END,
                 CASE n WHEN 7000 THEN 'outbound' ELSE 'inbound' END, customer_phone, '{number}',
                 CASE n WHEN 7000 THEN 'sent' ELSE 'received' END, now() - n * interval '1 minute'
             FROM conversations, generate_series(1, 7000) AS n WHERE tenant_id = '{id}'",
        id = joe.tenant.id(),
        number = joe.number
    ));
    let nmc = Nmc::on(db.url()).with("NMC_TENANT", JOE);
    for command in [&["message", "search", "even", "odd"][..], &["message", "list", "--status", "sent"]] {
        let found = nmc.run(&[command, &["--format", "json"]].concat()).json();
        assert_eq!(found["items"].as_array().map(Vec::len), Some(1), "{command:?}: {found}");
    }
}
