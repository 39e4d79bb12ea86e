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
    let shown = nmc.run(&["conversation", "show", person]).ok().out;
    assert!(shown.contains("\nthe customer has opted out of texts\n"), "{shown}");
    assert_eq!(nmc.run(&["conversation", "show", person, "--format", "json"]).json()["is_opted_out"], json!(true));
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
    nmc.run(&["consent", "record", "+14155550123", "--action", "opt-out"]).ok();
    assert_eq!(listed(&["--action", "opt-in", "--latest"]), Vec::<Value>::new());
    assert_eq!(listed(&["--action", "opt-out", "--latest"]), [json!("+14155550123"), json!(person)]);
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

#[test]
fn customer_is_exported_and_then_deleted() {
    let db = TestDb::new();
    let joe = Business::onboard(&db.store, JOE);
    let nmc = Nmc::on(db.url()).with("NMC_TENANT", JOE);
    let (ann, bob) = (unique_phone(), unique_phone());
    record_voice_status(&db.store, &VoiceForm::missed(ann.as_str(), &joe.number, &unique_sid("CA")).parse()).expect("a call");
    for (customer, words) in [(&ann, "The sink leaks"), (&bob, "Hello"), (&ann, "STOP")] {
        receive_text(&db.store, &SmsForm::text(customer.as_str(), &joe.number, words).parse()).expect("a text");
    }
    let said = nmc.run(&["customer", "export", ann.as_str()]).ok().out;
    let rows: Vec<Value> = said.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    for record in ["conversation", "event", "message", "call", "consent"] {
        assert!(rows.iter().any(|row| row["record"] == record), "no {record}: {said}");
    }
    assert_eq!(rows.last(), Some(&json!({"record": "end", "rows": rows.len() - 1})));
    assert!(said.contains("The sink leaks") && !said.contains(bob.as_str()));
    let file = std::env::temp_dir().join(format!("nmc-export-{}", unique_sid("X")));
    let path = file.to_str().expect("a path");
    nmc.run(&["customer", "export", ann.as_str(), "--output", path]).ok();
    let mode = std::os::unix::fs::PermissionsExt::mode(&std::fs::metadata(&file).expect("a file").permissions());
    assert_eq!((mode & 0o777, std::fs::read_to_string(&file).expect("text")), (0o600, said));
    nmc.run(&["customer", "export", ann.as_str(), "--output", path]).refused(2, "is there already");
    std::fs::remove_file(&file).expect("gone");
    nmc.run(&["customer", "export", unique_phone().as_str()]).refused(2, "customer not found");

    nmc.run(&["customer", "delete", ann.as_str()]).refused(2, "say --yes");
    let gone = nmc.run(&["customer", "delete", ann.as_str(), "--yes"]).ok();
    assert!(gone.err.contains("deleted: 1 conversation, 3 texts, 1 call"), "{gone:?}");
    nmc.run(&["customer", "delete", ann.as_str(), "--yes"]).refused(2, "customer not found");
    let shown = nmc.run(&["customer", "show", ann.as_str(), "--format", "json"]).json();
    assert_eq!((&shown["is_opted_out"], &shown["call_count"]), (&json!(true), &json!(0)));
    assert_eq!(nmc.run(&["customer", "show", bob.as_str(), "--format", "json"]).json()["conversation_count"], json!(1));
}

#[test]
fn conversations_are_exported_and_one_is_deleted() {
    let db = TestDb::new();
    let (joe, rival) = (Business::onboard(&db.store, JOE), Business::onboard(&db.store, "Rival Rooter"));
    let nmc = Nmc::on(db.url()).with("NMC_TENANT", JOE);
    for (business, customer) in [(&joe, "+14155550123"), (&joe, "+14155550124"), (&rival, "+14155550125")] {
        receive_text(&db.store, &SmsForm::text(customer, &business.number, "Hello").parse()).expect("a text");
    }
    db.execute("UPDATE conversations SET created_at = '2026-03-04 12:00Z' WHERE customer_phone = '+14155550124'");
    let exported = |more: &[&str]| -> Vec<Value> {
        let said = nmc.run(&[&["conversation", "export"], more].concat()).ok().out;
        let rows: Vec<Value> = said.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
        assert_eq!(rows.last(), Some(&json!({"record": "end", "rows": rows.len() - 1})));
        rows.iter().filter(|row| row["record"] == "conversation").map(|row| row["customer_phone"].clone()).collect()
    };
    assert_eq!(exported(&[]), [json!("+14155550123"), json!("+14155550124")]);
    assert_eq!(exported(&["--from", "2026-03-04", "--to", "2026-03-04"]), [json!("+14155550124")]);
    assert_eq!(exported(&["--from", "2026-03-05"]), [json!("+14155550123")]);
    assert_eq!(exported(&["--to", "2026-03-03"]), Vec::<Value>::new());

    let id = &db.query::<String>("SELECT id::text FROM conversations WHERE customer_phone = '+14155550124'")[0];
    nmc.run(&["conversation", "delete", id]).refused(2, "say --yes");
    nmc.run(&["conversation", "delete", "+14155550124", "--yes"]).refused(2, "ID");
    nmc.run(&["conversation", "delete", id, "--yes", "--tenant", "Rival Rooter"]).refused(2, "conversation not found");
    let gone = nmc.run(&["conversation", "delete", id, "--yes"]).ok();
    assert!(gone.err.contains("deleted: 1 conversation, 1 text, 0 calls"), "{gone:?}");
    nmc.run(&["conversation", "delete", id, "--yes"]).refused(2, "conversation not found");
    assert_eq!(exported(&[]), [json!("+14155550123")]);
}
