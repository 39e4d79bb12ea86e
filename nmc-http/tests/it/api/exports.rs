//! What a business has about a customer, exported and deleted.

use crate::site::{Answer, SMS, Site, VOICE};
use nmc_core::UserRole;
use nmc_core::calls::MetadataValue;
use nmc_core::testing::{SmsForm, VoiceForm, unique_phone, unique_sid};
use nmc_core::workflows::{receive_text, record_voice_status};
use nmc_core::{ConversationId, PhoneNumber};
use serde_json::{Value, json};

fn wrote(site: &Site, phone: &PhoneNumber, words: &str) -> ConversationId {
    let form = SmsForm::text(phone.as_str(), &site.joe.number, words);
    receive_text(&site.db.store, &form.parse()).unwrap().conversation
}

fn called(site: &Site, phone: &PhoneNumber) {
    let form = VoiceForm::missed(phone.as_str(), &site.joe.number, &unique_sid("CA"));
    let call = record_voice_status(&site.db.store, &form.parse()).unwrap().call;
    let noted = site.db.store.tenant(&site.joe.tenant, |tx| {
        let fact = MetadataValue::String("sink".to_owned());
        tx.call_metadata().put(call, "job", &fact).map(drop)
    });
    noted.unwrap();
}

fn lines(answer: &Answer) -> Vec<Value> {
    assert!(answer.body.ends_with('\n'), "{}", answer.body);
    answer.body.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[test]
fn customer_is_exported_as_json_lines_to_their_end() {
    let site = Site::new();
    let (ann, bob) = (unique_phone(), unique_phone());
    for customer in [&ann, &bob] {
        called(&site, customer);
        wrote(&site, customer, "The sink leaks");
    }
    for n in 0..250 {
        wrote(&site, &ann, &format!("{n}"));
    }
    wrote(&site, &ann, "STOP");
    let admin = site.person(&site.joe, UserRole::Admin).access;
    let answer = site.call("GET", format!("/v1/customers/{ann}/export")).by(&admin).expect(200);
    assert_eq!(answer.header("Content-Type"), Some("application/x-ndjson"));
    assert_eq!(answer.header("Content-Disposition"), Some("attachment; filename=\"customer.ndjson\""));
    let rows = lines(&answer);
    let of = |record: &str| rows.iter().filter(|row| row["record"] == *record).collect::<Vec<_>>();
    assert_eq!(["conversation", "call", "metadata", "consent", "end"].map(|record| of(record).len()), [1; 5]);
    let inbound = of("message").into_iter().filter(|row| row["direction"] == "inbound").count();
    assert_eq!(inbound, 252);
    assert!(of("event").iter().all(|row| row["conversation_id"] == of("conversation")[0]["id"]));
    assert_eq!((&of("metadata")[0]["call_id"], &of("metadata")[0]["value"]), (&of("call")[0]["id"], &json!("sink")));
    assert_eq!(rows.last(), Some(&json!({ "record": "end", "rows": rows.len() - 1 })));
    assert!(!answer.body.contains(bob.as_str()));
    site.call("GET", format!("/v1/customers/{}/export", unique_phone())).by(&admin).expect(404);
    for written in ["4155550139", "14155550139", "banana", "%2B1%20415"] {
        for (method, end) in [("GET", ""), ("GET", "/export"), ("DELETE", "")] {
            let answer = site.call(method, format!("/v1/customers/{written}{end}")).by(&admin).expect(400);
            assert_eq!(answer.refusal().0, "#/phone", "{written}");
        }
    }
    site.call("HEAD", format!("/v1/customers/{ann}/export")).by(&admin).expect(200);
}

#[test]
fn conversations_of_a_span_are_exported() {
    let site = Site::new();
    let owner = site.owner().access;
    wrote(&site, &unique_phone(), "The sink leaks");
    let all = lines(&site.call("GET", "/v1/conversations/export").by(&owner).expect(200));
    let records: Vec<&str> = all.iter().filter_map(|row| row["record"].as_str()).collect();
    assert_eq!(records, ["conversation", "event", "event", "message", "end"]);
    let none = site.call("GET", "/v1/conversations/export?until=2020-01-01T00:00:00Z").by(&owner).expect(200);
    assert_eq!(lines(&none), [json!({ "record": "end", "rows": 0 })]);
    let turned = "/v1/conversations/export?from=2026-02-01T00:00:00Z&until=2026-01-01T00:00:00Z";
    site.call("GET", turned).by(&owner).expect(400);
}

#[test]
fn deleted_customer_is_gone_and_told_of() {
    let site = Site::new();
    let owner = site.owner().access;
    let ann = unique_phone();
    called(&site, &ann);
    let id = wrote(&site, &ann, "Please delete what you have of me");
    let cursor =
        site.call("GET", "/v1/events?limit=1000").by(&owner).expect(200).document()["cursor"].as_str().unwrap().to_owned();
    let at = format!("/v1/customers/{ann}");
    site.call("DELETE", &at).by(&owner).expect(204);
    let events = site.call("GET", format!("/v1/events?after={cursor}")).by(&owner).expect(200).document();
    let told = |event: &Value| event["kind"] == "conversation.updated" && event["id"] == id.to_string();
    assert!(events["items"].as_array().unwrap().iter().any(told), "{events}");
    for gone in [at.clone(), format!("/v1/conversations/{id}"), format!("{at}/export")] {
        site.call("GET", gone).by(&owner).expect(404);
    }
    site.call("DELETE", &at).by(&owner).expect(404);
    assert_eq!(["calls", "messages", "conversations"].map(|table| site.count(table)), [0; 3]);
}

#[test]
fn conversation_is_deleted_as_it_was_seen() {
    let site = Site::new();
    let owner = site.owner().access;
    let ann = unique_phone();
    let at = format!("/v1/conversations/{}", wrote(&site, &ann, "Hello"));
    let tag = || site.call("GET", &at).by(&owner).expect(200).header("ETag").unwrap().to_owned();
    let seen = tag();
    wrote(&site, &ann, "Yes, come tomorrow");
    let delete = |tag: &str| site.call("DELETE", &at).by(&owner).header("If-Match", tag.to_owned());
    assert_eq!(delete(&seen).expect(412).code(), "stale");
    assert_eq!(delete(seen.trim_matches('"')).expect(400).refusal().0, "#/If-Match");
    assert_eq!(site.count("messages"), 2);
    delete(&tag()).expect(204);
    assert_eq!(site.count("messages"), 0);
}

/// Twilio's debugger shows what is not 200, and an operator would look for what is wrong.
#[test]
fn late_news_of_what_was_deleted_is_taken_quietly() {
    let site = Site::new();
    let owner = site.owner().access;
    let ann = unique_phone();
    let call = VoiceForm::missed(ann.as_str(), &site.joe.number, &unique_sid("CA")).0;
    let text = SmsForm::text(ann.as_str(), &site.joe.number, "Hello").0;
    let tell = || [(VOICE, &call), (SMS, &text)].map(|(path, form)| site.post(path, form).expect(200));
    tell();
    assert_eq!(site.count("messages"), 2, "theirs, and a greeting");
    site.call("DELETE", format!("/v1/customers/{ann}")).by(&owner).expect(204);
    tell();
    assert_eq!(["calls", "messages", "conversations"].map(|table| site.count(table)), [0; 3]);
}

#[test]
fn deletion_says_what_stands_in_its_way() {
    let site = Site::new();
    let owner = site.owner().access;
    let ann = unique_phone();
    let first = wrote(&site, &ann, "Hello");
    site.call("DELETE", format!("/v1/conversations/{first}")).by(&owner).expect(204);
    let id = wrote(&site, &ann, "stop it already");
    for path in [format!("/v1/customers/{ann}"), format!("/v1/conversations/{id}")] {
        let answer = site.call("DELETE", path).by(&owner).expect(409);
        let (pointer, why) = answer.refusal();
        assert_eq!(pointer, "#/customer_phone");
        assert!(why.contains("may be an opt-out"), "{why}");
    }
}
