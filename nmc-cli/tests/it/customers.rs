//! `nmc customer` and `nmc consent list`: what is known about people.

use crate::nmc::Nmc;
use nmc_core::testing::{Business, SmsForm, TestDb, VoiceForm, unique_phone, unique_sid};
use nmc_core::workflows::{receive_text, record_voice_status};
use serde_json::{Value, json};

const JOE: &str = "Joe's Plumbing";

#[test]
fn a_customer_is_shown_with_all_that_is_known() {
    let db = TestDb::new();
    let (joe, rival) = (Business::onboard(&db.store, JOE), Business::onboard(&db.store, "Rival Rooter"));
    let nmc = Nmc::on(db.url()).with("NMC_TENANT", JOE);
    let (network, person) = ("+5215512345678", "+525512345678");
    let call = VoiceForm::missed(network, &joe.number, &unique_sid("CA"));
    record_voice_status(&db.store, &call.parse()).expect("a call");
    receive_text(&db.store, &SmsForm::text(person, &joe.number, "STOP").parse()).expect("a text");
    db.execute("UPDATE conversations SET customer_name = E'Ann\\u001b[2J'");
    for spelling in [network, "+52 55 1234-5678"] {
        let shown = nmc.run(&["customer", "show", spelling, "--format", "json"]).json();
        assert_eq!((&shown["customer_phone"], &shown["is_opted_out"]), (&json!(person), &json!(true)), "{shown}");
        assert_eq!((&shown["conversation_count"], &shown["call_count"]), (&json!(1), &json!(1)));
        assert_eq!((&shown["customer_name"], &shown["calls_without_conversation"]), (&json!("Ann\u{1b}[2J"), &json!(0)));
        assert_eq!((&shown["conversations"][0]["last_text"], &shown["calls"][0]["caller"]), (&json!("STOP"), &json!(network)));
        assert_eq!((&shown["consents"][0]["action"], &shown["consents"][0]["source"]), (&json!("opt_out"), &json!("keyword")));
    }
    let table = nmc.run(&["customer", "show", person]).ok().out;
    for part in
        ["customer_name\tAnn<U+001B>[2J\n", "is_opted_out\ttrue\n", "\nconversations\nid\t", "\ncalls\nid\t", "\nconsents\n"]
    {
        assert!(table.contains(part), "no {part:?}: {table}");
    }
    nmc.run(&["customer", "show", "--tenant", "Rival Rooter", person]).refused(2, "customer not found");
    nmc.run(&["customer", "show", unique_phone().as_str()]).refused(2, "customer not found");
    nmc.run(&["customer", "show", "5512345678"]).refused(2, "must be in E.164");
    nmc.run(&["customer", "show", "+1 415 555"]).refused(2, "ten digits after +1");
    nmc.run(&["customer", "show", "--tenant", "Nobody", person]).refused(2, "tenant not found");

    let heard = ["consent", "record", "+14155550123", "--action", "opt-in", "--note", "signed in the shop"];
    nmc.run(&heard).ok();
    nmc.run(&["consent", "record", "+14155550123", "--action", "opt-in", "--note", &"x".repeat(1_001)])
        .refused(2, "note must be at most 1000");
    let listed = |more: &[&str]| -> Vec<Value> {
        let page = nmc.run(&[&["consent", "list", "--format", "json"], more].concat()).json();
        page["items"].as_array().expect("rows").iter().map(|row| row["customer_phone"].clone()).collect()
    };
    assert_eq!(listed(&[]), [json!("+14155550123"), json!(person)]);
    assert_eq!(listed(&["--action", "opt-out"]), [json!(person)]);
    assert_eq!(listed(&["--action", "opt-in"]), [json!("+14155550123")]);
    assert_eq!(listed(&["--tenant", "Rival Rooter"]), Vec::<Value>::new());
    nmc.run(&["consent", "list", "--action", "maybe"]).refused(2, "opt-out");
    drop(rival);
}

#[test]
fn customers_are_found_by_name_or_number() {
    let db = TestDb::new();
    let (joe, rival) = (Business::onboard(&db.store, JOE), Business::onboard(&db.store, "Rival Rooter"));
    let nmc = Nmc::on(db.url()).with("NMC_TENANT", JOE);
    for (business, customer, name) in
        [(&joe, "+14155550123", "Ann Smith"), (&joe, "+14155550124", "Ann Jones"), (&rival, "+14155550125", "Ann Smith")]
    {
        receive_text(&db.store, &SmsForm::text(customer, &business.number, "Hello").parse()).expect("a text");
        db.execute(&format!("UPDATE conversations SET customer_name = '{name}' WHERE customer_phone = '{customer}'"));
    }
    let found = |words: &[&str]| -> Vec<Value> {
        let page = nmc.run(&[&["customer", "search", "--format", "json"], words].concat()).json();
        page["items"].as_array().expect("rows").iter().map(|row| row["customer_phone"].clone()).collect()
    };
    assert_eq!(found(&["ann"]), [json!("+14155550124"), json!("+14155550123")]);
    for words in [&["smith", "ann"][..], &["SMI"], &["4155550123"]] {
        assert_eq!(found(words), [json!("+14155550123")], "{words:?}");
    }
    assert_eq!(found(&["bob"]), Vec::<Value>::new());
    let page = nmc.run(&["customer", "search", "ann", "--limit", "1", "--format", "json"]).json();
    assert_eq!(found(&["ann", "--after", page["next"].as_str().expect("more")]), [json!("+14155550123")]);
    for (words, why) in [(&[][..], "WORD"), (&["?!"], "WORD must"), (&[&"x".repeat(201)], "WORD")] {
        nmc.run(&[&["customer", "search"], words].concat()).refused(2, why);
    }
}

/// What is looked at for one page is bounded, and here has nobody of this name: the command goes on to who has it.
#[test]
fn search_goes_on_to_the_first_page_with_a_customer() {
    let db = TestDb::new();
    let joe = Business::onboard(&db.store, JOE);
    db.execute(&format!(
        "INSERT INTO conversations (tenant_id, customer_phone, customer_name, channel, status, created_at)
             SELECT '{}', '+1415' || lpad(n::text, 7, '0'), CASE WHEN n = 7000 THEN 'Even Odd' WHEN n % 2 = 0 THEN 'Even' ELSE 'Odd' END,
                 'sms', 'closed', now() - n * interval '1 minute'
             FROM generate_series(1, 7000) AS n",
        joe.tenant.id()
    ));
    let nmc = Nmc::on(db.url()).with("NMC_TENANT", JOE);
    let found = nmc.run(&["customer", "search", "even", "odd", "--format", "json"]).json();
    assert_eq!(found["items"].as_array().map(Vec::len), Some(1), "{found}");
}
