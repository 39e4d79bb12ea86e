//! Businesses, numbers, calls, conversations: what the commands print and refuse.

use crate::nmc::Nmc;
use nmc_core::testing::{Business, FakeTwilio, SmsForm, TestDb, TwilioCall, VoiceForm, unique_phone, unique_sid};
use nmc_core::workflows::receive_text;
use nmc_core::workflows::record_voice_status;
use serde_json::{Value, json};

const JOE: &str = "Joe's Plumbing";

fn fields(row: &Value) -> Vec<&str> {
    row.as_object().expect("an object").keys().map(String::as_str).collect()
}

#[test]
fn a_business_is_taken_in_listed_and_shown() {
    let db = TestDb::new();
    let nmc = Nmc::on(db.url());
    let details = ["--phone", "+13125550199", "--address", "1 Main St", "--trade", "plumbing", "--timezone", "America/Chicago"];
    let onboarded = nmc.run(&[&["tenant", "onboard", "--name", JOE, "--format", "json"], &details[..]].concat()).json();
    let all = [
        "approved_at",
        "business_address",
        "business_name",
        "business_phone",
        "business_type",
        "created_at",
        "estimated_job_max",
        "estimated_job_min",
        "id",
        "onboarding_completed",
        "onboarding_step",
        "phone_number_limit",
        "service_radius_miles",
        "status",
        "timezone",
    ];
    assert_eq!(fields(&onboarded), all);
    for (field, value) in [
        ("business_name", JOE),
        ("business_phone", "+13125550199"),
        ("business_type", "plumbing"),
        ("status", "active"),
        ("timezone", "America/Chicago"),
    ] {
        assert_eq!(onboarded[field], value);
    }
    let created_at = onboarded["created_at"].as_str().expect("a time");
    assert!(chrono::DateTime::parse_from_rfc3339(created_at).is_ok(), "{created_at}");

    let id = onboarded["id"].as_str().expect("an id");
    for key in [JOE, id] {
        let shown = nmc.run(&["tenant", "show", key, "--format", "json"]).json();
        assert_eq!(shown["tenant"], onboarded);
        assert_eq!(shown["numbers"], json!([]));
        assert_eq!(shown["settings"]["greeting_cooldown_hours"], 24);
        let table = nmc.run(&["tenant", "show", key]).ok().out;
        assert!(table.contains("business_name\tJoe's Plumbing\n") && table.contains("{{business_name}}"), "{table}");
    }
    assert_eq!(nmc.run(&["tenant", "list", "--format", "json"]).json(), json!({"items": [onboarded], "next": null}));
    assert!(nmc.run(&["tenant", "list"]).ok().out.contains(JOE));
    assert_eq!(nmc.run(&["tenant", "list", "--status", "suspended", "--format", "json"]).json()["items"], json!([]));
}

#[test]
fn business_refused_is_told_which_field_is_at_fault() {
    let db = TestDb::new();
    let nmc = Nmc::on(db.url());
    nmc.run(&["tenant", "onboard", "--name", JOE, "--phone", "+13125550199"]).ok();
    let long = "x".repeat(256);
    for (arguments, why) in [
        (&["--name", JOE][..], "business_name is already taken"),
        (&["--name", "Other", "--phone", "+13125550199"], "business_phone is already taken"),
        (&["--name", ""], "business_name must not be empty"),
        (&["--name", &long], "business_name must be at most 255 characters"),
        (&["--name", "Other", "--phone", "555-0199"], "--phone"),
        (&["--name", "Other", "--timezone", "Mars/Olympus"], "must be a zone of the IANA list"),
        (&["--phone", "+13125550198"], "--name"),
    ] {
        let said = nmc.run(&[&["tenant", "onboard"], arguments].concat()).refused(2, why);
        assert!(!said.err.contains("constraint") && !said.err.contains("_key"), "{said:?}");
    }
    assert_eq!(db.query::<i64>("SELECT count(*) FROM tenants"), [1]);
    nmc.run(&["tenant", "show", "Nobody"]).refused(2, "tenant not found");
    nmc.run(&["tenant", "show", "01993b6e-0000-7000-8000-000000000000"]).refused(2, "tenant not found");
}

#[test]
fn numbers_are_added_and_listed() {
    let db = TestDb::new();
    let nmc = Nmc::on(db.url()).with("NMC_TENANT", JOE);
    nmc.run(&["tenant", "onboard", "--name", JOE]).ok();
    let added =
        nmc.run(&["number", "add", "+13125550100", "--sid", "PN00000000000000000000000000000001", "--format", "json"]).json();
    let all = ["area_code", "created_at", "id", "locality", "number_type", "phone_number", "status", "twilio_phone_sid"];
    assert_eq!(fields(&added), all);
    assert_eq!(
        (&added["phone_number"], &added["area_code"], &added["status"]),
        (&json!("+13125550100"), &json!("312"), &json!("active"))
    );
    assert_eq!(nmc.run(&["number", "list", "--format", "json"]).json()["items"], json!([added]));
    assert_eq!(nmc.run(&["number", "list", "--status", "released", "--format", "json"]).json()["items"], json!([]));

    nmc.run(&["tenant", "onboard", "--name", "Rival Rooter"]).ok();
    for (arguments, why) in [
        (["3125550101", "--sid", "PN00000000000000000000000000000002"], "must be in E.164, like +14155550123"),
        (["+13125550100", "--sid", "PN00000000000000000000000000000002"], "phone_number is already in use"),
        (["+13125550101", "--sid", "PN00000000000000000000000000000001"], "twilio_phone_sid is already recorded"),
        (["+13125550101", "--sid", ""], "twilio_phone_sid must not be empty"),
        (["+13125550101", "--sid", "123"], "twilio_phone_sid must be PN and 32 hexadecimal digits"),
    ] {
        for tenant in [JOE, "Rival Rooter"] {
            let said = nmc.run(&[&["number", "add", "--tenant", tenant], &arguments[..]].concat()).refused(2, why);
            assert!(!said.err.contains("Joe"), "whose it is stays untold: {said:?}");
        }
    }
    nmc.run(&["number", "list", "--tenant", "Nobody"]).refused(2, "tenant not found");
    nmc.run(&["number", "list", "--status", "lost"]).refused(2, "[possible values: active, ");
    assert_eq!(db.query::<i64>("SELECT count(*) FROM phone_numbers"), [1]);
}

#[test]
fn calls_are_listed_newest_first_page_by_page() {
    let db = TestDb::new();
    let joe = Business::onboard(&db.store, JOE);
    let rival = Business::onboard(&db.store, "Rival Rooter");
    let callers: Vec<_> = (0..3).map(|_| unique_phone()).collect();
    let call = |business: &Business, from: &str, status| {
        let form = VoiceForm::missed(from, &business.number, &unique_sid("CA")).with("CallStatus", status);
        record_voice_status(&db.store, &form.parse()).expect("a call");
    };
    for (caller, status) in callers.iter().zip(["no-answer", "busy", "ringing"]) {
        call(&joe, caller.as_str(), status);
    }
    call(&rival, callers[0].as_str(), "no-answer");

    let nmc = Nmc::on(db.url()).with("NMC_TENANT", JOE);
    let list = |arguments: &[&str]| nmc.run(&[&["call", "list", "--format", "json"], arguments].concat()).json();
    let who = |page: &Value| -> Vec<Value> {
        page["items"].as_array().expect("rows").iter().map(|row| row["caller"].clone()).collect()
    };
    let newest_first: Vec<Value> = callers.iter().rev().map(|caller| json!(caller)).collect();
    let all = list(&[]);
    assert_eq!(who(&all), newest_first);
    assert_eq!(
        fields(&all["items"][0]),
        [
            "called",
            "caller",
            "caller_name",
            "conversation",
            "created_at",
            "direction",
            "id",
            "outcome",
            "seconds",
            "started_at",
            "status"
        ]
    );
    let first = list(&["--limit", "2"]);
    let cursor = first["next"].as_str().expect("more");
    let second = list(&["--limit", "2", "--after", cursor]);
    assert_eq!([who(&first), who(&second)].concat(), newest_first);
    assert_eq!(second["next"], Value::Null);
    assert!(nmc.run(&["call", "list", "--limit", "2"]).ok().err.contains(&format!("more: --after {cursor}")));

    assert_eq!(who(&list(&["--outcome", "missed"])), newest_first[1..]);
    assert_eq!(who(&list(&["--status", "busy"])), [json!(callers[1])]);
    assert_eq!(who(&list(&["--caller", callers[0].as_str()])), [json!(callers[0])]);
    nmc.run(&["call", "list", "--after", "junk"]).refused(2, "--after");
    for other in
        [&["call", "list", "--began"][..], &["conversation", "list"], &["inbox"], &["queue", "texts"], &["message", "list"]]
    {
        nmc.run(&[other, &["--after", cursor]].concat())
            .refused(2, "--after must be what an earlier page of this list ended with");
    }
    nmc.run(&["call", "list", "--limit", "0"]).refused(2, "--limit");
    for (command, flag) in [("call", "--outcome"), ("call", "--status"), ("number", "--status"), ("tenant", "--status")] {
        let said = nmc.run(&[command, "list", flag, "foo"]).refused(2, "[possible values: ");
        assert!(said.err.contains(flag), "{said:?}");
    }
}

#[test]
fn a_conversation_is_shown_by_its_id_and_by_its_customer() {
    let db = TestDb::new();
    let joe = Business::onboard(&db.store, JOE);
    let rival = Business::onboard(&db.store, "Rival Rooter");
    let caller = unique_phone();
    let call = VoiceForm::missed(caller.as_str(), &joe.number, &unique_sid("CA"));
    let recorded = record_voice_status(&db.store, &call.parse()).expect("a call");
    receive_text(&db.store, &SmsForm::text(caller.as_str(), &joe.number, "The sink\nleaks \u{1b}[31m").parse()).expect("a text");
    let id = recorded.conversation.expect("a conversation").to_string();

    let nmc = Nmc::on(db.url());
    let show = |key: &str, format: &str| nmc.run(&["conversation", "show", "--tenant", JOE, key, "--format", format]);
    let text = show(&id, "table").ok().out;
    assert_eq!(show(caller.as_str(), "table").ok().out, text);
    let parts =
        [JOE, caller.as_str(), "missed call", "→  Hello! Thanks for calling Joe's Plumbing", "[queued]", "←  The sink leaks"];
    let mut rest = text.as_str();
    for part in parts {
        let at = rest.find(part).unwrap_or_else(|| panic!("{part:?} in its place: {text}"));
        rest = &rest[at..];
    }
    assert!(!text.contains('\u{1b}'), "a customer's words move no cursor");

    let shown = show(&id, "json").json();
    assert_eq!((&shown["id"], &shown["status"], &shown["total_calls"]), (&json!(id), &json!("active"), &json!(1)));
    let kinds: Vec<&Value> = shown["entries"].as_array().expect("entries").iter().map(|entry| &entry["kind"]).collect();
    assert_eq!(kinds, ["call", "message", "message"]);

    nmc.run(&["conversation", "show", "--tenant", JOE, unique_phone().as_str()]).refused(2, "nmc: conversation not found");
    nmc.run(&["conversation", "show", "--tenant", JOE, "one of them all"]).refused(2, "must be a conversation's id or");
    for typo in ["foo", "4155550123", "one of them all"] {
        let said =
            nmc.run(&["conversation", "show", "--tenant", JOE, typo]).refused(2, "must be a conversation's id or the customer's");
        assert!(said.err.contains(typo) && said.err.contains("nmc conversation list"), "{said:?}");
    }
    for key in [id.as_str(), caller.as_str()] {
        let said = nmc.run(&["conversation", "show", "--tenant", "Rival Rooter", key]);
        said.refused(2, "conversation not found");
    }
    drop(rival);
}

#[test]
fn help_is_there_for_every_command() {
    let nmc = Nmc::bare();
    let top = nmc.run(&["--help"]).ok().out;
    for command in [
        "up",
        "serve",
        "worker",
        "migrate",
        "tenant",
        "user",
        "apikey",
        "number",
        "call",
        "conversation",
        "customer",
        "inbox",
        "alert",
        "report",
        "analytics",
        "job",
        "message",
        "session",
        "queue",
        "token-key",
        "openapi",
        "completions",
        "man",
    ] {
        assert!(top.contains(&format!("  {command} ")), "{top}");
        assert!(nmc.run(&[command, "--help"]).ok().out.contains("Usage: nmc"));
    }
    assert!(nmc.run(&["--version"]).ok().out.starts_with("nmc 0."));
    nmc.run(&[]).refused(2, "Usage: nmc");
    nmc.run(&["tenat", "list"]).refused(2, "tenant");
}

#[test]
fn a_call_is_asked_about_at_twilio() {
    let (db, twilio) = (TestDb::new(), FakeTwilio::start());
    let joe = Business::onboard(&db.store, JOE);
    let sid = unique_sid("CA");
    let caller = unique_phone();
    let ringing = VoiceForm::missed(caller.as_str(), &joe.number, &sid).with("CallStatus", "ringing");
    record_voice_status(&db.store, &ringing.parse()).expect("a call");
    let account = twilio.account();
    let nmc = Nmc::on(db.url()).with("NMC_TENANT", JOE);
    nmc.run(&["call", "refresh", &sid]).refused(2, "needs TWILIO_ACCOUNT_SID");
    let nmc = nmc
        .with("NMC_TWILIO_API_URL", twilio.url())
        .with("TWILIO_ACCOUNT_SID", account.account_sid)
        .with("TWILIO_AUTH_TOKEN", account.auth_token.expose())
        .with("NMC_PUBLIC_URL", "https://nmc.example.com");
    nmc.run(&["call", "refresh", &sid]).refused(8, "the provider has no such");
    twilio.put_call(TwilioCall {
        sid: sid.clone(),
        parent_call_sid: None,
        from: caller.to_string(),
        to: joe.number.to_string(),
        status: "busy".to_owned(),
        direction: "inbound".to_owned(),
        duration: Some(0),
        price: Some("-0.0085".to_owned()),
        start_time: None,
        end_time: Some(db.store.now()),
        answered_by: None,
        caller_name: None,
        created_at: db.store.now(),
    });
    let call = nmc.run(&["call", "refresh", &sid, "--format", "json"]).json();
    assert_eq!((&call["status"], &call["outcome"], &call["price"]), (&json!("busy"), &json!("missed"), &json!("0.0085")));
    nmc.run(&["call", "refresh", "CA0"]).refused(8, "the provider has no such");
    nmc.run(&["call", "refresh", "01993b6e-0000-7000-8000-000000000000"]).refused(2, "call not found");
}

#[test]
fn name_is_found_and_taken_once_however_it_is_composed() {
    let db = TestDb::new();
    let nmc = Nmc::on(db.url());
    let (composed, decomposed) = ("Caf\u{e9} Plumbing", "Cafe\u{301} Plumbing");
    nmc.run(&["tenant", "onboard", "--name", decomposed]).ok();
    for name in [composed, decomposed, "  Caf\u{e9} Plumbing "] {
        let shown = nmc.run(&["tenant", "show", name, "--format", "json"]).json();
        assert_eq!(shown["tenant"]["business_name"], composed);
        nmc.run(&["tenant", "onboard", "--name", name]).refused(2, "business_name");
    }
}

#[test]
fn phone_as_people_type_it_is_the_number() {
    let db = TestDb::new();
    let nmc = Nmc::on(db.url());
    let typed = ["+1 312 555 0198", "tel:+1-312-555-0197", "\u{202a}+1 (312) 555.0196\u{202c} "];
    for (name, (typed, number)) in
        ["A", "B", "C"].into_iter().zip(typed.into_iter().zip(["+13125550198", "+13125550197", "+13125550196"]))
    {
        let onboarded = nmc.run(&["tenant", "onboard", "--name", name, "--phone", typed, "--format", "json"]).json();
        assert_eq!(onboarded["business_phone"], number);
    }
    nmc.run(&["tenant", "onboard", "--name", "D", "--phone", "+1312555019"]).refused(2, "must have ten digits after +1");
    nmc.run(&["number", "add", "--tenant", "A", "+1 (312) 555-0101", "--sid", "PN00000000000000000000000000000002"]).ok();
    nmc.run(&["consent", "record", "--tenant", "A", "+1 (415) 555-7001", "--action", "opt-out"]).ok();
}
