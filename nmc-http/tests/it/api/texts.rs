//! Texts, their pictures, and who may be texted.

use crate::site::Site;
use nmc_core::UserRole;
use nmc_core::testing::{SmsForm, unique_phone};
use nmc_core::workflows::{Received, receive_text};
use serde_json::{Value, json};

fn write(site: &Site, from: &str, body: &str, pictures: &[(&str, &[u8])]) -> Received {
    let form = SmsForm::text(from, &site.joe.number, body);
    let form = pictures.iter().enumerate().fold(form, |form, (at, (kind, bytes))| {
        let form = form.with(&format!("MediaUrl{at}"), &site.twilio.keep_picture(kind, bytes));
        form.with(&format!("MediaContentType{at}"), kind)
    });
    receive_text(&site.db.store, &form.parse()).unwrap()
}

#[test]
fn a_text_is_shown_with_its_pictures() {
    let site = Site::new();
    let owner = site.owner();
    let message = write(&site, "+14155550123", "look", &[("image/gif", b"GIF89a"), ("text/html", b"<script>")]).message;
    let path = format!("/v1/messages/{message}");
    let read = || site.call("GET", path.clone()).by(&owner.access).expect(200).document();
    let waiting = read();
    assert_eq!(
        (&waiting["body"], &waiting["from"], &waiting["direction"]),
        (&json!("look"), &json!("+14155550123"), &json!("inbound"))
    );
    assert_eq!((&waiting["media"][0]["status"], &waiting["media"][0]["content"]), (&json!("waiting"), &Value::Null));
    site.call("GET", format!("{path}/media/0")).by(&owner.access).expect(404);

    site.fetch_pictures();
    let kept = read();
    let content = format!("{path}/media/0");
    assert_eq!(
        kept["media"],
        json!([
            {"position": 0, "content_type": "image/gif", "size_bytes": 6, "status": "kept", "error_message": null, "content": content},
            {"position": 1, "content_type": "text/html", "size_bytes": null, "status": "unavailable",
             "error_message": "it is of a kind that is not kept", "content": null},
        ])
    );
    for missing in [format!("{path}/media/1"), format!("{path}/media/2"), format!("{path}/media/-1"), format!("{path}/media/x")] {
        site.call("GET", missing).by(&owner.access).expect(404);
    }
}

#[test]
fn texts_are_searched_by_words_of_ones_own_business() {
    let site = Site::new();
    let viewer = site.person(&site.joe, UserRole::Viewer);
    let first = write(&site, "+14155550123", "The SINK leaks, please come", &[("image/gif", b"GIF89a")]).message.to_string();
    let second = write(&site, "+14155550124", "no leak any more", &[]).message.to_string();
    let theirs = SmsForm::text("+14155550125", &site.rival.number, "their sink leaks").parse();
    receive_text(&site.db.store, &theirs).unwrap();
    let search = |query: &str| site.call("GET", format!("/v1/messages?{query}")).by(&viewer.access).expect(200).document();
    let ids = |found: &Value| -> Vec<String> {
        found["items"].as_array().unwrap().iter().map(|row| row["id"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(ids(&search("q=leak")), [second.as_str(), first.as_str()], "the newest first");
    let found = search("q=leaks+sink");
    assert_eq!((ids(&found), &found["next"]), (vec![first.clone()], &Value::Null));
    assert_eq!(found["items"][0]["media"].as_array().map(Vec::len), Some(1));
    let page = search("q=leak&limit=1");
    assert_eq!(ids(&search(&format!("q=leak&limit=1&after={}", page["next"].as_str().unwrap()))), [first]);
    assert_eq!(search("q=dishwasher"), json!({"items": [], "next": null}));
    let long = format!("q={}", "x".repeat(10_000));
    for (query, field) in [
        ("q=", "q"),
        ("q=%20", "q"),
        ("q=a%00b", "q"),
        ("q=%3F%21%E2%80%A6", "q"),
        (long.as_str(), "q"),
        ("q=leak&limit=201", "limit"),
        ("q=leak&after=x", "after"),
        ("q=leak&status=sent", "status"),
        ("q=leak&failed=true", "failed"),
        ("q=leak&from=2026-11-22T18:00:00Z", "from"),
        ("status=sent&failed=true", "failed"),
        ("status=failed&failed=false", "failed"),
        ("until=2026-11-22", "until"),
        ("from=2026-11-22T18:00:00Z&until=2026-11-21T18:00:00Z", "until"),
    ] {
        let refused = site.call("GET", format!("/v1/messages?{query}")).by(&viewer.access).expect(400);
        assert_eq!(refused.refusal().0, format!("#/{field}"), "{query:.40}");
    }
}

#[test]
fn texts_of_a_business_are_listed_by_filters() {
    let site = Site::new();
    let viewer = site.person(&site.joe, UserRole::Viewer);
    let came = write(&site, "+14155550123", "The sink leaks", &[("image/gif", b"GIF89a")]).message.to_string();
    let theirs = SmsForm::text("+14155550125", &site.rival.number, "their sink leaks").parse();
    receive_text(&site.db.store, &theirs).unwrap();
    let customers = [(); 2].map(|()| unique_phone());
    let [queued, failed] = customers.each_ref().map(|to| site.joe.queue(&site.db.store, to, "We come at nine").unwrap());
    let report = SmsForm::delivery(&site.joe.number, &customers[1], "SM1", "undelivered").with("ErrorCode", "30006");
    nmc_core::workflows::record_delivery(&site.db.store, &report.parse_delivery(Some(failed.id))).unwrap();
    let (queued, failed) = (queued.id.to_string(), failed.id.to_string());
    let list = |query: &str| site.call("GET", format!("/v1/messages{query}")).by(&viewer.access).expect(200).document();
    let ids = |query: &str| -> Vec<String> {
        list(query)["items"].as_array().unwrap().iter().map(|row| row["id"].as_str().unwrap().to_owned()).collect()
    };
    let all = [failed.as_str(), queued.as_str(), came.as_str()];
    assert_eq!(ids(""), all, "the newest first, and nothing of others");
    assert_eq!(list("")["items"][2]["media"].as_array().map(Vec::len), Some(1));
    for (query, expected) in [
        ("?failed=true", &all[..1]),
        ("?failed=false", &all[1..]),
        ("?status=queued", &all[1..2]),
        ("?status=undelivered&failed=true", &all[..1]),
        ("?direction=inbound", &all[2..]),
        ("?direction=outbound&kind=message", &all[..2]),
        ("?kind=greeting", &[]),
        ("?from=2020-01-01T00:00:00Z", &all),
        ("?until=2020-01-01T00:00:00Z", &[]),
    ] {
        assert_eq!(ids(query), expected, "{query}");
    }
    let page = list("?limit=1");
    assert_eq!(ids(&format!("?limit=2&after={}", page["next"].as_str().unwrap())), all[1..]);
    site.call("GET", "/v1/messages").expect(401);
}

#[test]
fn the_bytes_of_a_picture_are_served_safely() {
    let site = Site::new();
    let owner = site.owner();
    let card = b"BEGIN:VCARD\r\n<script>alert(1)</script>";
    let message = write(&site, "+14155550123", "", &[("image/gif", b"GIF89a"), ("text/vcard", card)]).message;
    site.fetch_pictures();
    let rival = site.person(&site.rival, UserRole::Owner);
    for (position, media_type, how, body) in
        [(0, "image/gif", "inline", "GIF89a"), (1, "text/vcard", "attachment", std::str::from_utf8(card).unwrap())]
    {
        let path = format!("/v1/messages/{message}/media/{position}");
        let answer = site.call("GET", path.clone()).by(&owner.access).expect(200);
        assert_eq!(answer.body, body);
        assert_eq!((answer.header("Content-Type"), answer.header("X-Content-Type-Options")), (Some(media_type), Some("nosniff")));
        assert!(answer.header("Content-Disposition").unwrap().starts_with(&format!("{how}; filename=")));
        assert_eq!(answer.header("Content-Security-Policy"), Some("default-src 'none'; sandbox"));
        site.call("GET", path.clone()).by(&rival.access).expect(404);
        site.call("GET", path).expect(401);
    }
}

#[test]
fn a_failed_text_says_why_and_what_to_do() {
    let site = Site::new();
    let (owner, customer) = (site.owner(), unique_phone());
    let message = site.joe.queue(&site.db.store, &customer, "We come at nine").unwrap();
    let report = SmsForm::delivery(&site.joe.number, &customer, "SM1", "undelivered").with("ErrorCode", "30006");
    nmc_core::workflows::record_delivery(&site.db.store, &report.parse_delivery(Some(message.id))).unwrap();
    let shown = site.call("GET", format!("/v1/messages/{}", message.id)).by(&owner.access).expect(200).document();
    assert_eq!((&shown["status"], &shown["error_code"]), (&json!("undelivered"), &json!(30006)));
    let why = "the recipient's number is a landline or takes no texts; call, or ask for a mobile number (Twilio 30006)";
    assert_eq!(shown["error_message"], why);
}

#[test]
fn a_held_number_and_what_waits_for_it_say_so() {
    let site = Site::new();
    let (hand, customer) = (site.person(&site.joe, UserRole::User), unique_phone());
    let failed = site.joe.queue(&site.db.store, &customer, "We come at nine").unwrap();
    let waiting = site.joe.queue(&site.db.store, &customer, "Or at ten").unwrap();
    let path = format!("/v1/conversations/{}/messages", waiting.conversation_id);
    let read = |path: &str| site.call("GET", path.to_owned()).by(&hand.access).expect(200).document();
    let waits = |text: &Value| json!([text["status"], text["waits_until"], text["waits_for"]]);
    let nothing = json!(["queued", null, null]);
    assert_eq!(waits(&read(&path)["items"][0]), nothing);
    let hold = |number: &Value| json!([number["held_until"], number["hold_reason"]]);
    assert_eq!(hold(&read("/v1/numbers")["items"][0]), json!([null, null]));

    let report = SmsForm::delivery(&site.joe.number, &customer, "SM1", "undelivered").with("ErrorCode", "30034");
    nmc_core::workflows::record_delivery(&site.db.store, &report.parse_delivery(Some(failed.id))).unwrap();
    site.db.execute("UPDATE number_pacing SET held_until = '2999-01-01 14:00Z'");
    let why = "the sending number is not registered for business texts (A2P 10DLC); register it at Twilio (Twilio 30034)";
    let held = json!(["queued", "2999-01-01T14:00:00Z", why]);
    let texts = read(&path);
    assert_eq!(waits(&texts["items"][0]), held);
    assert_eq!(waits(&texts["items"][1]), json!(["undelivered", null, null]), "one that failed waits for nothing");
    assert_eq!(waits(&read(&format!("/v1/messages/{}", waiting.id))), held);
    let body = json!({"client_key": "7d1f", "body": "See you"});
    let replied = site.call("POST", path).by(&hand.access).json(&body).expect(201).document();
    assert_eq!(waits(&replied["message"]), held);
    let number = read("/v1/numbers")["items"][0].clone();
    assert_eq!(hold(&number), json!(["2999-01-01T14:00:00Z", why]));
    let one = read(&format!("/v1/numbers/{}", number["id"].as_str().unwrap()));
    assert_eq!(hold(&one), hold(&number));

    // What it waits for itself is later, or alone when the hold is over.
    site.db.execute(&format!("UPDATE messages SET next_attempt_at = '2999-01-02 14:00Z' WHERE id = '{}'", waiting.id));
    let waiting = format!("/v1/messages/{}", waiting.id);
    assert_eq!(waits(&read(&waiting)), json!(["queued", "2999-01-02T14:00:00Z", why]));
    site.db.execute("UPDATE number_pacing SET held_until = now() - interval '1 second'");
    assert_eq!(waits(&read(&waiting)), json!(["queued", "2999-01-02T14:00:00Z", null]));
    assert_eq!(hold(&read("/v1/numbers")["items"][0]), json!([null, null]));
}

#[test]
fn staff_record_what_people_decide() {
    let site = Site::new();
    let hand = site.person(&site.joe, UserRole::User);
    let record = |body: Value| site.call("POST", "/v1/consents").by(&hand.access).json(&body);
    let out = record(json!({"customer_phone": "+5215512345678", "action": "opt_out"})).expect(201);
    assert_eq!(out.header("Location"), Some("/v1/consents?customer_phone=%2B525512345678"));
    let out = out.document();
    assert_eq!((&out["customer_phone"], &out["source"]), (&json!("+525512345678"), &json!("staff")));
    assert_eq!(out["recorded_by"], json!(hand.id.to_string()));

    let without = record(json!({"customer_phone": "+525512345678", "action": "opt_in"})).expect(400);
    assert_eq!(without.field().as_deref(), Some("note"));
    record(json!({"customer_phone": "+525512345678", "action": "opt_in", "note": "asked to, in the shop"})).expect(201);

    let viewer = site.person(&site.joe, UserRole::Viewer);
    site.call("POST", "/v1/consents")
        .by(&viewer.access)
        .json(&json!({"customer_phone": "+14155550123", "action": "opt_out"}))
        .expect(403);
    for spelling in ["%2B525512345678", "%2B5215512345678"] {
        let path = format!("/v1/consents?customer_phone={spelling}");
        let page = site.call("GET", path.clone()).by(&viewer.access).expect(200).document();
        let actions: Vec<&Value> = page["items"].as_array().unwrap().iter().map(|row| &row["action"]).collect();
        assert_eq!(actions, ["opt_in", "opt_out"], "the latest first");
        let outs = site.call("GET", format!("{path}&action=opt_out&limit=1")).by(&viewer.access).expect(200).document();
        assert_eq!(outs["items"].as_array().map(Vec::len), Some(1));
    }
    for (filters, left) in [("action=opt_out", 1), ("action=opt_out&latest=true", 0), ("latest=true", 1)] {
        let page = site.call("GET", format!("/v1/consents?{filters}")).by(&viewer.access).expect(200).document();
        assert_eq!(page["items"].as_array().map(Vec::len), Some(left), "{filters}");
    }
    site.call("GET", "/v1/consents?customer_phone=5512345678").by(&viewer.access).expect(400);
}

#[test]
fn staff_settle_a_text_that_may_be_an_opt_out() {
    let site = Site::new();
    let hand = site.person(&site.joe, UserRole::User);
    for (decision, out) in [("opt_out", true), ("none", false)] {
        let customer = unique_phone();
        let received = write(&site, customer.as_str(), "stop it already", &[]);
        assert!(received.in_review);
        let path = format!("/v1/conversations/{}/review", received.conversation);
        let settle = || site.call("POST", path.clone()).by(&hand.access).json(&json!({"decision": decision, "note": "read it"}));
        assert_eq!(settle().expect(200).document()["review_requested_at"], Value::Null);
        let is_out = site.db.store.tenant(&site.joe.tenant, |tx| tx.consents().is_opted_out(&customer)).unwrap();
        assert_eq!(is_out, out);
        settle().expect(409);
        site.call("POST", path).by(&hand.access).json(&json!({"decision": "perhaps"})).expect(400);
    }
}
