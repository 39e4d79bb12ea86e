//! Calls, what is noted about them, logs of older ones, and what is known about a customer.

use crate::site::Site;
use nmc_core::UserRole;
use nmc_core::access::{ApiKeyText, KeyOrder, Permission, make_service_key};
use nmc_core::testing::{VoiceForm, unique_phone, unique_sid};
use nmc_core::workflows::record_voice_status;
use serde_json::{Value, json};

fn miss(site: &Site, from: &str) -> String {
    let form = VoiceForm::missed(from, &site.joe.number, &unique_sid("CA"));
    record_voice_status(&site.db.store, &form.parse()).unwrap().call.to_string()
}

fn ring(site: &Site, from: &str) -> String {
    let form = VoiceForm::missed(from, &site.joe.number, &unique_sid("CA")).with("CallStatus", "ringing");
    record_voice_status(&site.db.store, &form.parse()).unwrap().call.to_string()
}

fn ids(page: &Value) -> Vec<&str> {
    page["items"].as_array().unwrap().iter().map(|row| row["id"].as_str().unwrap()).collect()
}

#[test]
fn calls_are_listed_by_each_filter_newest_first() {
    let site = Site::new();
    let viewer = site.person(&site.joe, UserRole::Viewer);
    let first = miss(&site, "+5215512345678");
    let second = miss(&site, "anonymous");
    let list = |query: &str| site.call("GET", format!("/v1/calls?{query}")).by(&viewer.access).expect(200).document();
    assert_eq!(ids(&list("")), [&*second, &*first]);
    let called = format!("called=%2B{}&status=no-answer", site.joe.number.as_str().trim_start_matches('+'));
    for (query, expected) in [
        ("caller=%2B525512345678", vec![&*first]),
        ("caller=anonymous", vec![&*second]),
        ("outcome=missed&direction=inbound&active=false", vec![&*second, &*first]),
        ("outcome=answered", vec![]),
        ("from=2020-01-01T00:00:00Z&limit=1", vec![&*second]),
        ("until=2020-01-01T00:00:00Z", vec![]),
        ("started_from=2020-01-01T00:00:00Z", vec![&*second, &*first]),
        ("started_until=2020-01-01T00:00:00Z", vec![]),
        (called.as_str(), vec![&*second, &*first]),
    ] {
        assert_eq!(ids(&list(query)), expected, "{query}");
    }
    for (query, field) in [
        ("outcome=lost", "outcome"),
        ("from=yesterday", "from"),
        ("from=-9999-01-01T00:00:00Z", "from"),
        ("until=%2B10000-01-01T00:00:00Z", "until"),
        ("from=2026-11-02T00:00:00Z&until=2026-11-01T00:00:00Z", "until"),
        ("started_from=2026-11-02T00:00:00Z&started_until=2026-11-01T00:00:00Z", "started_until"),
        ("started_from=-9999-01-01T00:00:00Z", "started_from"),
        ("after=abc", "after"),
        ("limit=201", "limit"),
        ("conversation=1", "conversation"),
        ("caller=", "caller"),
        ("caller=unknown", "caller"),
        ("colour=red", "colour"),
    ] {
        let refused = site.call("GET", format!("/v1/calls?{query}")).by(&viewer.access).expect(400);
        assert_eq!(refused.field().as_deref(), Some(field), "{query}");
    }
}

#[test]
fn what_is_known_about_a_call_is_put_right() {
    let site = Site::new();
    let hand = site.person(&site.joe, UserRole::User);
    let path = format!("/v1/calls/{}", miss(&site, "+14155550123"));
    let read = site.call("GET", path.clone()).by(&hand.access).expect(200);
    let seen = read.header("ETag").unwrap().to_owned();
    assert_eq!(read.document()["outcome"], "missed");
    let change = |body: Value| site.call("PATCH", path.clone()).by(&hand.access).header("If-Match", &seen).json(&body);
    let changed = change(json!({"caller_name": "Joe Doe", "caller_city": null})).expect(200).document();
    assert_eq!(changed["caller_name"], "Joe Doe");
    change(json!({"caller_name": "Somebody else"})).expect(412);
    let set = |outcome: &str| site.call("PUT", format!("{path}/outcome")).by(&hand.access).json(&json!({ "outcome": outcome }));
    assert_eq!(set("blocked").expect(200).document()["outcome"], "blocked");
    assert_eq!(set("lost").expect(400).field().as_deref(), Some("outcome"));
    let blocked = site.call("GET", "/v1/calls?outcome=blocked").by(&hand.access).expect(200).document();
    assert_eq!(ids(&blocked).len(), 1);
}

#[test]
fn parties_join_a_call_and_leave_it() {
    let site = Site::new();
    let (hand, viewer) = (site.person(&site.joe, UserRole::User), site.person(&site.joe, UserRole::Viewer));
    let path = format!("/v1/calls/{}/participants", ring(&site, "+14155550123"));
    let join = |body: Value| site.call("POST", path.clone()).by(&hand.access).json(&body);
    let made = join(json!({"phone_number": "+14155550123", "type": "caller"})).expect(201);
    assert_eq!(made.header("Location"), Some(path.as_str()));
    let caller = made.document();
    assert_eq!(
        (&caller["phone_number"], &caller["type"], &caller["left_at"]),
        (&json!("+14155550123"), &json!("caller"), &Value::Null)
    );
    let as_agent = json!({"user_id": hand.id, "type": "agent"});
    assert_eq!(join(as_agent.clone()).expect(400).field().as_deref(), Some("user_id"), "without a phone");
    let profile = format!("/v1/users/{}/profile", hand.id);
    site.call("PATCH", profile).by(&hand.access).json(&json!({"phone_number": "+13125550177"})).expect(200);
    assert_eq!(join(as_agent).expect(201).document()["phone_number"], "+13125550177");

    let leave =
        |path: &str, party: &Value| site.call("POST", format!("{path}/{}/leave", party.as_str().unwrap())).by(&hand.access);
    let left = leave(&path, &caller["id"]).expect(200).document();
    assert!(left["left_at"].is_string(), "{left}");
    assert_eq!(leave(&path, &caller["id"]).expect(200).document(), left, "leaving twice is leaving once");
    let other = format!("/v1/calls/{}/participants", miss(&site, "+14155550124"));
    leave(&other, &caller["id"]).expect(404);
    let late = json!({"phone_number": "+14155550124", "type": "caller"});
    let refused = site.call("POST", other).by(&hand.access).json(&late).expect(409);
    assert!(refused.body.contains("names a call that is over"), "{}", refused.body);
    let listed = site.call("GET", path.clone()).by(&viewer.access).expect(200).document();
    assert_eq!((&listed["participants"][0], listed["participants"].as_array().map(Vec::len)), (&left, Some(2)));

    site.call("POST", path.clone())
        .by(&viewer.access)
        .json(&json!({"phone_number": "+14155550123", "type": "agent"}))
        .expect(403);
    let key = |scopes: Vec<Permission>| {
        let order = KeyOrder { name: "a key".to_owned(), scopes, expires_at: None };
        site.db.store.as_operator(&site.joe.tenant, |tx| make_service_key(tx, &order)).unwrap().1
    };
    let of_a_user = |key: &ApiKeyText| {
        site.call("POST", path.clone()).by(key.text().expose()).json(&json!({"user_id": hand.id, "type": "agent"}))
    };
    let refused = of_a_user(&key(vec![Permission::CallsWrite])).expect(403);
    assert!(!refused.body.contains("+13125550177"), "the number is that of a profile: {}", refused.body);
    of_a_user(&key(vec![Permission::CallsWrite, Permission::ProfilesRead])).expect(201);
    let rival = site.person(&site.rival, UserRole::User).id;
    for (body, field) in [
        (json!({"type": "agent"}), "phone_number"),
        (json!({"type": "agent", "phone_number": "12"}), "phone_number"),
        (json!({"type": "agent", "phone_number": "+14155550123", "user_id": hand.id}), "user_id"),
        (json!({"type": "agent", "user_id": rival}), "user_id"),
        (json!({"type": "friend", "phone_number": "+14155550123"}), "type"),
    ] {
        assert_eq!(join(body.clone()).expect(400).field().as_deref(), Some(field), "{body}");
    }
}

#[test]
fn facts_about_a_call_keep_their_type() {
    let site = Site::new();
    let hand = site.person(&site.joe, UserRole::User);
    let path = format!("/v1/calls/{}/metadata", miss(&site, "+14155550123"));
    for (name, value, kind) in [
        ("job", json!("leak"), "string"),
        ("estimate", json!(120.5), "number"),
        ("huge", json!(1e300), "json"),
        ("urgent", json!(true), "boolean"),
        ("parts", json!(["tap", {"n": 2}]), "json"),
        ("nothing", Value::Null, "json"),
    ] {
        let fact = format!("{path}/{name}");
        let put = site.call("PUT", fact.clone()).by(&hand.access).json(&json!({ "value": value })).expect(200).document();
        let read = site.call("GET", fact).by(&hand.access).expect(200).document();
        assert_eq!((&put, &read["type"], &read["value"]), (&read, &json!(kind), &value), "{name}");
    }
    // A number comes back to the digit: as a string where a reader of JSON would round it.
    let put = |text: &str| {
        let call = site.call("PUT", format!("{path}/exact")).by(&hand.access);
        call.bytes("application/json", format!("{{\"value\": {text}}}").into_bytes())
    };
    for (text, value) in [
        ("18446744073709551617", json!("18446744073709551617")),
        ("-0.12345678901234567890123456", json!("-0.12345678901234567890123456")),
        ("2.50e1", json!(25)),
    ] {
        let fact = put(text).expect(200).document();
        assert_eq!((&fact["type"], &fact["value"]), (&json!("number"), &value), "{text}");
    }
    for text in
        ["1e400", "12345678901234567890123456789012", "[18446744073709551617]", r#"{"a": [{"b": 0.12345678901234567890}]}"#]
    {
        let refused = put(text).expect(400);
        assert_eq!(refused.field().as_deref(), Some("value"), "{text}: {}", refused.body);
    }
    for text in [r#"{"a": 1, "a": 2}"#, r#"[{"b": {"a": null, "\u0061": {}}}]"#] {
        let refused = put(text).expect(400);
        assert_eq!(refused.refusal(), ("#/value".to_owned(), "must have each name of an object once".to_owned()), "{text}");
    }
    put(r#"[{"a": {"a": 1}}, {"a": 2.5, "b": "x"}, -1, true, null]"#).expect(200);
    let deep = put(&format!("{}{}", "[".repeat(200), "]".repeat(200))).expect(400);
    assert!(deep.body.contains("must be nested less than 128 deep"), "{}", deep.body);
    site.call("DELETE", format!("{path}/exact")).by(&hand.access).expect(204);
    let page = site.call("GET", format!("{path}?limit=4")).by(&hand.access).expect(200).document();
    assert_eq!((page["items"].as_array().unwrap().len(), page["next"].is_string()), (4, true));
    site.call("DELETE", format!("{path}/job")).by(&hand.access).expect(204);
    site.call("GET", format!("{path}/job")).by(&hand.access).expect(404);
    let long = json!({"value": "x".repeat(60_000)});
    let refused = site.call("PUT", format!("{path}/job")).by(&hand.access).json(&json!({"value": "a\0b"})).expect(400);
    assert_eq!(refused.field().as_deref(), Some("value"));
    site.call("PUT", format!("{path}/long")).by(&hand.access).json(&long).expect(200);
}

#[test]
fn a_call_log_is_taken_in_once_however_often_it_comes() {
    let site = Site::new();
    let admin = site.person(&site.joe, UserRole::Admin);
    let import =
        |kind: &str, log: &str| site.call("POST", "/v1/calls/imports").by(&admin.access).bytes(kind, log.as_bytes().to_vec());
    let csv = "caller_phone,called_phone,twilio_call_sid,outcome\n+14155550123,+14155550100,CA1,missed\nanonymous,+14155550100,CA2,answered\n";
    for imported in [2, 0] {
        assert_eq!(import("text/csv; charset=utf-8", csv).expect(200).document(), json!({"read": 2, "imported": imported}));
    }
    let json_lines = "{\"caller_phone\": \"+14155550123\", \"called_phone\": \"+14155550100\", \"twilio_call_sid\": \"CA3\"}\n";
    assert_eq!(import("application/x-ndjson", json_lines).expect(200).document(), json!({"read": 1, "imported": 1}));

    // One row at fault, and none is taken in.
    let broken = format!("{csv}+14155550123,+14155550100,CA4,lost\n");
    let refused = import("text/csv", &broken).expect(400);
    assert_eq!(refused.document()["errors"][0]["pointer"], "#/rows/2/outcome", "{}", refused.body);
    let short = import("text/csv", &format!("{csv}anonymous\n")).expect(400).document();
    assert_eq!(short["errors"][0]["pointer"], "#/rows/2", "{short}");
    let many: String = (0..5_001).map(|n| format!("+14155550123,+14155550100,CB{n},missed\n")).collect();
    let refused = import("text/csv", &format!("caller_phone,called_phone,twilio_call_sid,outcome\n{many}")).expect(400);
    assert!(refused.body.contains("must be at most 5000 at once"), "{}", refused.body);
    import("application/json", "[]").expect(415);
    for charset in ["ISO-8859-1", "\"utf-16\""] {
        let refused = import(&format!("text/csv; charset={charset}"), csv).expect(415);
        assert!(refused.body.contains("the body must be text in UTF-8"), "{}", refused.body);
    }
    import("text/csv;Charset=\"UTF-8\"", csv).expect(200);
    let said_twice = json_lines.replace("\"CA3\"", "\"CA3\", \"twilio_call_sid\": \"CA5\"");
    let refused = import("application/x-ndjson", &said_twice).expect(400);
    assert_eq!(refused.document()["errors"][0]["pointer"], "#/rows/0/twilio_call_sid", "{}", refused.body);
    let of_two = format!("{csv}+14155550124,+14155550100,CA1,missed\n");
    assert_eq!(import("text/csv", &of_two).expect(400).document()["errors"][0]["pointer"], "#/rows/2/caller_phone");
    let calls = site.call("GET", "/v1/calls").by(&admin.access).expect(200).document();
    assert_eq!(ids(&calls).len(), 3);
}

#[test]
fn every_row_of_a_call_log_at_fault_is_told() {
    let site = Site::new();
    let admin = site.person(&site.joe, UserRole::Admin);
    let import = |kind: &str, log: String| {
        site.call("POST", "/v1/calls/imports").by(&admin.access).bytes(kind, log.into_bytes()).expect(400).document()
    };
    let told = |problem: &Value| -> Vec<(String, u64)> {
        let errors = problem["errors"].as_array().unwrap().iter();
        errors.map(|error| (error["pointer"].as_str().unwrap().to_owned(), error["line"].as_u64().unwrap())).collect()
    };
    let csv = "caller_phone,called_phone,twilio_call_sid,outcome\n+14155550123,+14155550100,CA1,missed\n\nabc,+14155550100,CA2,missed\n\
               +14155550123,+14155550100,CA3,lost\nanonymous\n";
    let problem = import("text/csv", csv.to_owned());
    let expected = [("#/rows/1/caller_phone", 4), ("#/rows/2/outcome", 5), ("#/rows/3", 6)];
    assert_eq!(told(&problem), expected.map(|(pointer, line)| (pointer.to_owned(), line)));
    assert!(problem["detail"].as_str().unwrap().ends_with("; and 2 more"), "{problem}");
    let line = |caller: &str, sid: &str| {
        format!("{{\"caller_phone\": \"{caller}\", \"called_phone\": \"+14155550100\", \"twilio_call_sid\": \"{sid}\"}}\n")
    };
    let json_lines = format!("{}\n[]\n{}", line("abc", "CA1"), line("+14155550123", " "));
    let expected = [("#/rows/0/caller_phone", 1), ("#/rows/1", 3), ("#/rows/2/twilio_call_sid", 4)];
    assert_eq!(told(&import("application/x-ndjson", json_lines)), expected.map(|(pointer, line)| (pointer.to_owned(), line)));
    let many: String = (0..30).map(|n| line("abc", &format!("CB{n}"))).collect();
    let problem = import("application/x-ndjson", many);
    assert_eq!(told(&problem).len(), 20);
    assert!(problem["detail"].as_str().unwrap().ends_with("; and 19 more, or still more"), "{problem}");
    // And those of which another call is recorded, although the rows by themselves are in order.
    site.call("POST", "/v1/calls/imports")
        .by(&admin.access)
        .bytes("application/x-ndjson", (0..3).map(|n| line("+14155550123", &format!("CC{n}"))).collect::<String>().into_bytes())
        .expect(200);
    let rows = [line("+14155550123", "CC0"), line("+14155550124", "CC1"), "\n".to_owned(), line("+14155550124", "CC2")];
    let problem = import("application/x-ndjson", format!("{}[]\n{}", rows.concat(), line("+14155550124", "CC1")));
    let expected = [("#/rows/1/caller_phone", 2), ("#/rows/2/caller_phone", 4), ("#/rows/3", 5), ("#/rows/4/caller_phone", 6)];
    assert_eq!(told(&problem), expected.map(|(pointer, line)| (pointer.to_owned(), line)));
    let ahead = "caller_phone,called_phone,twilio_call_sid,started_at\nanonymous,+14155550100,CA1,2099-01-01T00:00:00Z\n\
                 abc,+14155550100,CA2,\nanonymous,+14155550100,CA3,2099-01-01T00:00:00Z\n";
    let expected = [("#/rows/0/started_at", 2), ("#/rows/1/caller_phone", 3), ("#/rows/2/started_at", 4)];
    assert_eq!(told(&import("text/csv", ahead.to_owned())), expected.map(|(pointer, line)| (pointer.to_owned(), line)));
    let calls = site.call("GET", "/v1/calls").by(&admin.access).expect(200).document();
    assert_eq!(ids(&calls).len(), 3, "nothing of a log at fault is taken in");
}

#[test]
fn a_customer_is_all_that_is_known_of_them() {
    let site = Site::new();
    let viewer = site.person(&site.joe, UserRole::Viewer);
    miss(&site, "+5215512345678");
    miss(&site, "+525512345678");
    miss(&site, unique_phone().as_str());
    for spelling in ["%2B5215512345678", "+525512345678"] {
        let known = site.call("GET", format!("/v1/customers/{spelling}")).by(&viewer.access).expect(200).document();
        assert_eq!((&known["customer_phone"], &known["call_count"]), (&json!("+525512345678"), &json!(2)));
        assert_eq!((&known["conversation_count"], &known["is_opted_out"]), (&json!(1), &json!(false)));
        let lengths = ["calls", "conversations", "consents"].map(|list| known[list].as_array().unwrap().len());
        assert_eq!(lengths, [2, 1, 0]);
        assert_eq!((&known["customer_name"], &known["calls_without_conversation"]), (&Value::Null, &json!(0)));
    }
    site.call("GET", "/v1/customers/+14155550999").by(&viewer.access).expect(404);
    for none in ["5512345678", "anonymous"] {
        let refused = site.call("GET", format!("/v1/customers/{none}")).by(&viewer.access).expect(400);
        assert_eq!(refused.refusal().0, "#/phone");
    }
}
