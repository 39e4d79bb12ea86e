//! Conversations: the inbox, what is known about the customer, what happened.

use super::Person;
use crate::site::Site;
use nmc_core::testing::{SmsForm, VoiceForm, unique_phone, unique_sid};
use nmc_core::workflows::{receive_text, record_voice_status};
use nmc_core::{PhoneNumber, UserRole};
use serde_json::{Value, json};

/// A text of this customer, and its conversation.
fn write(site: &Site, from: &PhoneNumber, body: &str) -> String {
    let form = SmsForm::text(from.as_str(), &site.joe.number, body);
    receive_text(&site.db.store, &form.parse()).unwrap().conversation.to_string()
}

/// The ids on a page.
fn ids(site: &Site, person: &Person, query: &str) -> Vec<String> {
    let page = site.call("GET", format!("/v1/conversations?{query}")).by(&person.access).expect(200).document();
    page["items"].as_array().unwrap().iter().map(|row| row["id"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn inbox_shows_each_conversation_with_its_last_text() {
    let site = Site::new();
    let viewer = site.person(&site.joe, UserRole::Viewer);
    let (ann, bob) = (unique_phone(), unique_phone());
    let (first, second) = (write(&site, &ann, "The sink leaks"), write(&site, &bob, "Hello?"));
    write(&site, &ann, "And the tub");
    let inbox = || ids(&site, &viewer, "sort=updated_at&open=true");
    assert_eq!((inbox(), ids(&site, &viewer, "")), (vec![first.clone(), second.clone()], vec![second, first.clone()]));
    let path = format!("/v1/conversations/{first}");
    let shown = site.call("GET", path.clone()).by(&viewer.access).expect(200).document();
    assert_eq!((&shown["last_text"]["body"], &shown["last_text"]["direction"]), (&json!("And the tub"), &json!("inbound")));
    assert_eq!((&shown["total_messages"], &shown["customer_phone"]), (&json!(2), &json!(ann.as_str())));

    let page = site.call("GET", "/v1/conversations?limit=1").by(&viewer.access).expect(200).document();
    assert_eq!(ids(&site, &viewer, &format!("limit=1&after={}", page["next"].as_str().unwrap())), [first.as_str()]);
    let texts = site.call("GET", format!("{path}/messages?limit=1")).by(&viewer.access).expect(200).document();
    assert_eq!((&texts["items"][0]["body"], &texts["items"][0]["media"]), (&json!("And the tub"), &json!([])));
    let texts = site.call("GET", format!("{path}/messages?direction=outbound")).by(&viewer.access).expect(200).document();
    assert_eq!(texts["items"], json!([]));
}

#[test]
fn conversation_tells_the_name_that_the_network_shows() {
    let site = Site::new();
    let viewer = site.person(&site.joe, UserRole::Viewer);
    let ann = unique_phone();
    let id = write(&site, &ann, "The sink leaks");
    let shown = || {
        let page = site.call("GET", "/v1/conversations").by(&viewer.access).expect(200).document();
        let one = site.call("GET", format!("/v1/conversations/{id}")).by(&viewer.access).expect(200).document();
        assert_eq!(page["items"][0], one);
        [one["caller_name"].clone(), one["customer_name"].clone()]
    };
    assert_eq!(shown(), [Value::Null, Value::Null]);
    let call = VoiceForm::missed(ann.as_str(), &site.joe.number, &unique_sid("CA")).with("CallerName", "ANN OTHER");
    record_voice_status(&site.db.store, &call.parse()).unwrap();
    assert_eq!(shown(), [json!("ANN OTHER"), Value::Null]);
    let known_as =
        || site.call("GET", format!("/v1/conversations/{id}")).by(&viewer.access).expect(200).document()["known_as"].clone();
    assert_eq!(known_as(), "ANN OTHER");
    let staff = site.person(&site.joe, UserRole::User);
    site.call("PATCH", format!("/v1/conversations/{id}")).by(&staff.access).json(&json!({"customer_name": "Ann"})).expect(200);
    assert_eq!((known_as(), shown()), (json!("Ann"), [json!("ANN OTHER"), json!("Ann")]));
}

#[test]
fn conversations_are_filtered_by_what_the_query_says() {
    let site = Site::new();
    let hand = site.person(&site.joe, UserRole::User);
    let (ann, bob) = (unique_phone(), unique_phone());
    let (first, second) = (write(&site, &ann, "stop it already"), write(&site, &bob, "Hello?"));
    site.db.store.tenant(&site.joe.tenant, |tx| tx.conversations().assign(second.parse()?, Some(hand.id))).unwrap();
    site.db.store.tenant(&site.joe.tenant, |tx| tx.conversations().add_tag(second.parse()?, "leak & tub")).unwrap();
    site.call("PATCH", format!("/v1/conversations/{second}")).by(&hand.access).json(&json!({"priority": "urgent"})).expect(200);
    site.call("PATCH", format!("/v1/conversations/{first}"))
        .by(&hand.access)
        .json(&json!({"customer_name": "Zoë Müller"}))
        .expect(200);
    let encoded = |phone: &PhoneNumber| phone.as_str().replace('+', "%2B");
    for (query, expected) in [
        ("assigned_to=me".to_owned(), vec![&second]),
        (format!("assigned_to={}", hand.id), vec![&second]),
        ("assigned_to=none".to_owned(), vec![&first]),
        ("tag=leak+%26+tub".to_owned(), vec![&second]),
        ("tag=leak".to_owned(), vec![]),
        ("priority=urgent".to_owned(), vec![&second]),
        ("in_review=true".to_owned(), vec![&first]),
        ("channel=sms".to_owned(), vec![&second, &first]),
        ("status=closed".to_owned(), vec![]),
        ("open=true&sort=created_at".to_owned(), vec![&second, &first]),
        (format!("customer_phone={}", encoded(&ann)), vec![&first]),
        ("q=zoe+mul".to_owned(), vec![&first]),
        ("q=mu".to_owned(), vec![]),
        (format!("q={}", bob.as_str().trim_start_matches("+1")), vec![&second]),
        ("q=zoe&priority=urgent".to_owned(), vec![]),
        ("from=2999-01-01T00:00:00Z".to_owned(), vec![]),
        ("until=2999-01-01T00:00:00Z".to_owned(), vec![&second, &first]),
    ] {
        assert_eq!(ids(&site, &hand, &query).iter().collect::<Vec<_>>(), expected, "{query}");
    }
    for (query, field) in [
        ("assigned_to=nobody", "assigned_to"),
        ("status=open", "status"),
        ("from=yesterday", "from"),
        ("open=perhaps", "open"),
        ("open=false&sort=updated_at", "sort"),
        ("sort=name", "sort"),
        ("q=zoe&sort=updated_at", "sort"),
        ("q=", "q"),
        ("q=%00", "q"),
        ("q=%3F%21", "q"),
        ("after=AAAA", "after"),
        ("from=2026-11-02T00:00:00Z&until=2026-11-01T00:00:00Z", "until"),
        ("limit=0", "limit"),
        ("customer_phone=%00", "customer_phone"),
        ("tag=%00", "tag"),
        ("until=-9999-01-01T00:00:00Z", "until"),
        ("customer_phone=", "customer_phone"),
        ("customer_phone=unknown", "customer_phone"),
        ("colour=red", "colour"),
    ] {
        let refused = site.call("GET", format!("/v1/conversations?{query}")).by(&hand.access).expect(400);
        assert_eq!(refused.refusal().0, format!("#/{field}"), "{query}");
    }
    site.call("GET", format!("/v1/conversations?tag={}", "x".repeat(51))).by(&hand.access).expect(400);
    assert_eq!(ids(&site, &hand, "from=2026-11-01T00:00:00Z&until=2026-11-01T00:00:00Z"), [""; 0]);
    let backwards = format!("/v1/conversations/{first}/events?from=2026-11-02T00:00:00Z&until=2026-11-01T00:00:00Z");
    assert_eq!(site.call("GET", backwards).by(&hand.access).expect(400).refusal().0, "#/until");
}

#[test]
fn staff_open_a_conversation_and_change_it_by_version() {
    let site = Site::new();
    let hand = site.person(&site.joe, UserRole::User);
    let customer = unique_phone();
    let open = || {
        let body = json!({"customer_phone": customer, "subject": " A leak ", "customer_name": "Ann"});
        site.call("POST", "/v1/conversations").by(&hand.access).json(&body)
    };
    let broken = json!({"customer_phone": customer, "customer_name": "Ann\nB"});
    let refused = site.call("POST", "/v1/conversations").by(&hand.access).json(&broken).expect(400);
    assert_eq!(refused.field().as_deref(), Some("customer_name"));
    let made = open().expect(201);
    let path = made.header("Location").unwrap().to_owned();
    let made = made.document();
    assert_eq!((&made["subject"], &made["channel"], &made["last_text"]), (&json!("A leak"), &json!("web"), &Value::Null));
    let again = open().expect(409);
    assert_eq!(again.refusal().0, "#/customer_phone");
    let own = site.call("POST", "/v1/conversations").by(&hand.access).json(&json!({"customer_phone": site.joe.number}));
    let refusal = ("#/customer_phone".to_owned(), "must not be a number of this business".to_owned());
    assert_eq!(own.expect(400).refusal(), refusal);

    let seen = site.call("GET", path.clone()).by(&hand.access).expect(200).header("ETag").unwrap().to_owned();
    let change = |body: Value| site.call("PATCH", path.clone()).by(&hand.access).json(&body);
    let changed = change(json!({"notes": "calls at noon"})).header("If-Match", &seen).expect(200);
    let now = changed.header("ETag").unwrap().to_owned();
    assert_eq!(change(json!({"notes": "calls at one"})).header("If-Match", &seen).expect(412).code(), "stale");
    change(json!({"notes": null, "customer_email": "Ann@Example.com"})).header("If-Match", &now).expect(200);
    for (body, field) in [(json!({"notes": "x".repeat(10_001)}), "notes"), (json!({"priority": null}), "priority")] {
        assert_eq!(change(body).expect(400).refusal().0, format!("#/{field}"));
    }
    let log = site.call("GET", format!("{path}/events")).by(&hand.access).expect(200).document();
    let log = log["items"].as_array().unwrap().iter();
    let log: Vec<_> = log.map(|event| (&event["event_type"], &event["created_by"])).collect();
    let (hers, updated) = (json!(hand.id.to_string()), json!("customer_info_updated"));
    assert_eq!(log, [(&updated, &hers), (&updated, &hers), (&json!("opened"), &hers)]);
}

#[test]
fn staff_hand_over_finish_and_take_up_a_conversation() {
    let site = Site::new();
    let hand = site.person(&site.joe, UserRole::User);
    let boss = site.owner();
    let path = format!("/v1/conversations/{}", write(&site, &unique_phone(), "The sink leaks"));
    let step = |name: &str| site.call("POST", format!("{path}/{name}")).by(&hand.access);
    let taken = step("assign").json(&json!({})).expect(200);
    assert_eq!(taken.document()["assigned_to"], json!(hand.id.to_string()));
    let given = step("assign").json(&json!({"assigned_to": boss.id.to_string()})).expect(200).document();
    assert_eq!(given["assigned_to"], json!(boss.id.to_string()));
    let nobody = step("assign").json(&json!({"assigned_to": uuid::Uuid::now_v7()})).expect(400);
    assert_eq!(nobody.refusal().0, "#/assigned_to");
    assert_eq!(step("unassign").expect(200).document()["assigned_to"], Value::Null);

    // Somebody who has not seen what came meanwhile finishes nothing.
    let seen = taken.header("ETag").unwrap().to_owned();
    assert_eq!(step("resolve").header("If-Match", seen).expect(412).code(), "stale");
    step("reopen").expect(409);
    assert_eq!(step("resolve").expect(200).document()["status"], json!("resolved"));
    assert_eq!(step("resolve").expect(409).code(), "invalid_transition");
    assert_eq!(step("close").expect(200).document()["status"], json!("closed"));
    let next = step("reopen").expect(201);
    let new = next.document();
    assert_eq!((&new["status"], next.header("Location").unwrap() == path), (&json!("active"), false));
    step("reopen").expect(409);
    let log = site.call("GET", format!("{}/events", next.header("Location").unwrap())).by(&hand.access).expect(200).document();
    assert_eq!(format!("/v1/conversations/{}", log["items"][0]["event_data"]["after"].as_str().unwrap()), path);
}

#[test]
fn tags_and_notes_are_written_by_staff() {
    let site = Site::new();
    let (hand, viewer) = (site.person(&site.joe, UserRole::User), site.person(&site.joe, UserRole::Viewer));
    let path = format!("/v1/conversations/{}", write(&site, &unique_phone(), "The sink leaks"));
    let tags = |method: &'static str, tag: &str, status: u16| {
        site.call(method, format!("{path}/tags/{tag}")).by(&hand.access).expect(status).document()["tags"].clone()
    };
    // A blank, a slash and a percent sign, as a URL has them.
    for _ in 0..2 {
        assert_eq!(tags("PUT", "50%25%20off%2Ftoday", 200), json!(["50% off/today"]));
    }
    assert_eq!(tags("PUT", "vip", 200), json!(["50% off/today", "vip"]));
    assert_eq!(tags("DELETE", "50%25%20off%2Ftoday", 200), json!(["vip"]));
    assert_eq!(tags("DELETE", "unknown", 200), json!(["vip"]));
    for tag in ["%20", "%00", "x".repeat(51).as_str()] {
        tags("PUT", tag, 400);
    }
    site.call("PUT", format!("{path}/tags/vip")).by(&viewer.access).expect(403);
    let note = |note: &str| site.call("POST", format!("{path}/notes")).by(&hand.access).json(&json!({"note": note}));
    note(" Called back. ").expect(204);
    for bad in ["", " ", &"x".repeat(10_001)] {
        assert_eq!(note(bad).expect(400).refusal().0, "#/note");
    }
    let log = site.call("GET", format!("{path}/events?event_type=note_added")).by(&viewer.access).expect(200).document();
    assert_eq!(log["items"][0]["event_data"], json!({"note": "Called back."}));
}

#[test]
fn a_note_with_a_clients_key_is_added_once() {
    let site = Site::new();
    let hand = site.person(&site.joe, UserRole::User);
    let path = format!("/v1/conversations/{}", write(&site, &unique_phone(), "The sink leaks"));
    let note = |body: &Value| site.call("POST", format!("{path}/notes")).by(&hand.access).json(body);
    let body = json!({"client_key": "7d1f", "note": "Called back."});
    for _ in 0..2 {
        note(&body).expect(204);
    }
    let taken = note(&json!({"client_key": "7d1f", "note": "Called twice."})).expect(409);
    assert_eq!(taken.refusal().0, "#/client_key");
    for bad in [json!(""), json!("x".repeat(101)), json!(null)] {
        assert_eq!(note(&json!({"client_key": bad, "note": "x"})).expect(400).refusal().0, "#/client_key");
    }
    let log = site.call("GET", format!("{path}/events?event_type=note_added")).by(&hand.access).expect(200).document();
    assert_eq!(log["items"].as_array().unwrap().len(), 1);
}

#[test]
fn a_reply_is_queued_once_and_says_where_it_went() {
    let site = Site::new();
    let (hand, viewer) = (site.person(&site.joe, UserRole::User), site.person(&site.joe, UserRole::Viewer));
    let other_hand = site.person(&site.joe, UserRole::User);
    let customer = unique_phone();
    let path = format!("/v1/conversations/{}", write(&site, &customer, "The sink leaks"));
    let reply = |body: Value| site.call("POST", format!("{path}/messages")).by(&hand.access).json(&body);
    let words = json!({"client_key": "7d1f", "body": "We come at nine"});
    site.call("POST", format!("{path}/messages")).by(&viewer.access).json(&words).expect(403);
    let seen = site.call("GET", path.clone()).by(&hand.access).expect(200).header("ETag").unwrap().to_owned();
    let made = reply(words.clone()).header("If-Match", seen.clone()).expect(201);
    let out = made.document();
    assert_eq!(made.header("Location"), Some(format!("/v1/messages/{}", out["message"]["id"].as_str().unwrap()).as_str()));
    assert_eq!((&out["message"]["status"], &out["repeated"], &out["warnings"]), (&json!("queued"), &json!(false), &json!([])));
    let again = reply(words).header("If-Match", seen).expect(201).document();
    assert_eq!((&again["message"]["id"], &again["repeated"]), (&out["message"]["id"], &json!(true)));
    let taken = reply(json!({"client_key": "7d1f", "body": "We come at ten"})).expect(409);
    assert_eq!(taken.refusal().0, "#/client_key");

    write(&site, &customer, "Never mind");
    let other = json!({"client_key": "7d20", "body": "See you"});
    let version = format!("\"{}\"", out["version"].as_str().unwrap());
    let moved = reply(other.clone()).header("If-Match", version).expect(412);
    let problem = moved.document();
    assert_eq!((moved.code().as_str(), &problem["newer"]["events"][0]["event_type"]), ("stale", &json!("message_received")));
    let text = format!("/v1/messages/{}", problem["newer"]["events"][0]["message_id"].as_str().unwrap());
    assert_eq!(site.call("GET", text).by(&hand.access).expect(200).document()["body"], json!("Never mind"));
    let now = format!("\"{}\"", problem["newer"]["version"].as_str().unwrap());
    site.call("POST", format!("{path}/assign")).by(&hand.access).json(&json!({"assigned_to": other_hand.id})).expect(200);
    let warned = reply(other.clone()).header("If-Match", now).expect(412);
    let now = format!("\"{}\"", warned.document()["newer"]["version"].as_str().unwrap());
    let warned = reply(other).header("If-Match", now).expect(201).document();
    assert_eq!(warned["warnings"], json!([{"why": "assigned_to_other", "user_id": other_hand.id}]));

    site.call("POST", format!("{path}/resolve")).by(&hand.access).expect(200);
    let next = reply(json!({"client_key": "7d21", "body": "One more thing"})).expect(201).document();
    assert_eq!(next["in_next_conversation"], json!(true));
    for (body, field) in [
        (json!({"client_key": "7d22", "body": "x".repeat(1_601)}), "body"),
        (json!({"client_key": "7d22", "body": ""}), "body"),
        (json!({"client_key": "x".repeat(101), "body": "x"}), "client_key"),
        (json!({"client_key": "7d22", "body": "x", "from_number": unique_phone()}), "from_number"),
    ] {
        assert_eq!(reply(body).expect(400).refusal().0, format!("#/{field}"));
    }
}

#[test]
fn a_reply_is_measured_before_it_is_sent() {
    let site = Site::new();
    let hand = site.person(&site.joe, UserRole::User);
    let customer = unique_phone();
    let path = format!("/v1/conversations/{}/messages/preview", write(&site, &customer, "The sink leaks"));
    let preview = |body: &str| site.call("POST", path.clone()).by(&hand.access).json(&json!({ "body": body }));
    for (body, encoding, segments) in [
        ("x".repeat(160), "GSM-7", 1),
        ("€".repeat(81), "GSM-7", 2),
        (format!("{}’", "x".repeat(70)), "UCS-2", 2),
        ("x".repeat(1_600), "GSM-7", 11),
    ] {
        let told = preview(&body).expect(200).document();
        let expected = json!({"characters": body.chars().count(), "encoding": encoding, "segments": segments,
            "from_number": site.joe.number, "refusal": null});
        assert_eq!(told, expected);
    }
    preview(&"x".repeat(1_601)).expect(400);
    write(&site, &customer, "STOP");
    let told = preview("Wait").expect(200).document();
    assert_eq!((&told["from_number"], &told["refusal"]), (&Value::Null, &json!("the customer has opted out of texts")));
}

#[test]
fn each_user_has_read_marks_of_their_own() {
    let site = Site::new();
    let (ann, bob) = (site.person(&site.joe, UserRole::Viewer), site.person(&site.joe, UserRole::User));
    let customer = unique_phone();
    let id = write(&site, &customer, "The sink leaks");
    let path = format!("/v1/conversations/{id}");
    let seen = site.call("GET", path.clone()).by(&ann.access).expect(200).header("ETag").unwrap().to_owned();
    write(&site, &customer, "And the tub");
    let read = || site.call("PUT", format!("{path}/read")).by(&ann.access);
    assert_eq!(read().header("If-Match", seen).expect(412).code(), "stale");
    assert_eq!((ids(&site, &ann, "unread=true"), ids(&site, &ann, "unread=false")), (vec![id.clone()], vec![]));
    assert_eq!(read().expect(200).document()["unread"], json!(0));
    assert_eq!((ids(&site, &ann, "unread=true&sort=updated_at"), ids(&site, &ann, "unread=false")), (vec![], vec![id.clone()]));
    assert_eq!(ids(&site, &bob, "unread=true"), [id.as_str()]);
    assert_eq!(site.call("GET", path).by(&bob.access).expect(200).document()["unread"], json!(2));
}
