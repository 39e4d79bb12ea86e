//! Rules, alerts and whom they are passed on to.

use super::Person;
use crate::site::{Answer, Site};
use nmc_core::alerts::{Address, NewNotification};
use nmc_core::delivery::WebhookRules;
use nmc_core::testing::unique_phone;
use nmc_core::{AlertId, Error, NotificationChannel, UserRole};
use serde_json::{Value, json};
use std::sync::Arc;

/// A rule over a metric of its own, added by an owner.
fn rule(site: &Site, name: &str) -> Value {
    let body = json!({
        "name": name, "metric": format!("{name} jobs"), "operator": "greater_than", "threshold": "7.50", "severity": "high",
        "notification_channels": ["email"], "pending_seconds": 0, "recovery_threshold": "5",
    });
    site.call("POST", "/v1/alert-rules").by(&site.owner().access).json(&body).expect(201).document()
}

/// An open alert of a rule.
fn alert(site: &Site, rule: &Value) -> String {
    let id = rule["id"].as_str().unwrap().parse().unwrap();
    let raised = site.db.store.tenant(&site.joe.tenant, |tx| tx.alerts().raise(id, 8.into(), None)).unwrap();
    raised.alert.id.to_string()
}

/// One field of each item of a list.
fn all(site: &Site, person: &Person, path: &str, field: &str) -> Vec<Value> {
    let page = site.call("GET", path).by(&person.access).expect(200).document();
    page["items"].as_array().unwrap().iter().map(|row| row[field].clone()).collect()
}

/// A step that somebody takes with an alert.
fn step(site: &Site, person: &Person, alert: &str, step: &str, body: &Value) -> Answer {
    site.call("POST", format!("/v1/alerts/{alert}/{step}")).by(&person.access).json(body).send()
}

#[test]
fn a_rule_is_added_with_what_is_usual_and_read_back() {
    let site = Site::new();
    let owner = site.owner();
    let body =
        json!({ "name": "many jobs", "metric": "jobs", "operator": "less_than", "threshold": "-0.0500", "severity": "low" });
    let added = site.call("POST", "/v1/alert-rules").by(&owner.access).json(&body).expect(201);
    let row = added.document();
    let path = format!("/v1/alert-rules/{}", row["id"].as_str().unwrap());
    assert_eq!(added.header("Location"), Some(path.as_str()));
    let viewer = site.person(&site.joe, UserRole::Viewer);
    let read = site.call("GET", path).by(&viewer.access).expect(200);
    assert!(read.header("ETag").is_some());
    assert_eq!(read.document(), row);
    let mut told = row.as_object().unwrap().clone();
    told.retain(|name, _| !["id", "created_at", "updated_at"].contains(&name.as_str()));
    assert_eq!(
        json!(told),
        json!({
            "name": "many jobs", "description": null, "metric": "jobs", "operator": "less_than", "threshold": "-0.05",
            "escalation_repeats": 0, "only_when_open": false,
            "severity": "low", "is_enabled": true, "notification_channels": [], "escalation_enabled": false,
            "warnings": ["nobody is told of its alerts: it has no channel"],
            "escalation_delay_minutes": 30, "pending_seconds": 0, "recovery_threshold": null, "keep_firing_seconds": 0,
            "no_data_policy": "keep", "no_data_seconds": 900, "flap_changes": null, "flap_seconds": 3600,
        })
    );
    site.call("POST", "/v1/alert-rules").by(&owner.access).json(&body).expect(409);
}

#[test]
fn a_rule_that_breaks_a_rule_is_refused_by_field() {
    let site = Site::new();
    let owner = site.owner();
    let good = json!({ "name": "n", "metric": "m", "operator": "greater_than", "threshold": "7", "severity": "low" });
    let row = rule(&site, "known");
    for (field, value, rule) in [
        ("name", json!(" "), "must not be empty"),
        ("name", json!(7), "must be a string"),
        ("metric", json!("x".repeat(101)), "must be at most 100 characters"),
        ("description", json!("x".repeat(2_001)), "must be at most 2000 characters"),
        ("operator", json!("above"), "must be one of"),
        ("threshold", json!("7.12345"), "must have at most 4 decimals"),
        ("threshold", json!("seven"), "must be a number, like 12.5"),
        ("threshold", json!(7), "must be a string"),
        ("threshold", json!("100000000000"), "must be between"),
        ("severity", json!("urgent"), "must be one of"),
        ("notification_channels", json!(["sms", "sms"]), "must not name a channel twice"),
        ("notification_channels/0", json!(["fax"]), "must be one of"),
        ("escalation_delay_minutes", json!(-1), "must be at least 0"),
        ("escalation_delay_minutes", json!(i32::MAX), "must be 0 to 10080"),
        ("pending_seconds", json!(604_801), "must be 0 to 604800"),
        ("recovery_threshold", json!("8"), "must not lie beyond the threshold"),
        ("no_data_policy", json!("panic"), "must be one of"),
        ("no_data_seconds", json!(59), "must be 60 to 604800"),
        ("flap_changes", json!(1), "must be 2 to 1000"),
        ("flap_seconds", json!(0), "must be 60 to 604800"),
    ] {
        let name = field.split('/').next().unwrap();
        let mut body = good.clone();
        body[name] = value.clone();
        let added = site.call("POST", "/v1/alert-rules").by(&owner.access).json(&body).expect(400);
        let path = format!("/v1/alert-rules/{}", row["id"].as_str().unwrap());
        let changed = site.call("PATCH", path).by(&owner.access).json(&json!({ name: value })).expect(400);
        for (pointer, detail) in [added.refusal(), changed.refusal()] {
            assert_eq!(pointer, format!("#/{field}"), "{value}: {detail}");
            assert!(detail.starts_with(rule), "{field} {value}: {detail}");
        }
    }
    for missing in ["name", "metric", "operator", "threshold", "severity"] {
        let mut body = good.clone();
        body.as_object_mut().unwrap().remove(missing);
        let refusal = site.call("POST", "/v1/alert-rules").by(&owner.access).json(&body).expect(400).refusal();
        assert_eq!(refusal, (format!("#/{missing}"), "is required".to_owned()));
    }
}

#[test]
fn rules_are_listed_by_each_filter() {
    let site = Site::new();
    let owner = site.owner();
    let (first, second) = (rule(&site, "first"), rule(&site, "second"));
    let path = format!("/v1/alert-rules/{}", second["id"].as_str().unwrap());
    let change = json!({ "is_enabled": false, "severity": "low", "notification_channels": ["sms"] });
    site.call("PATCH", path).by(&owner.access).json(&change).expect(200);
    for (query, expected) in [
        ("", vec![&second, &first]),
        ("name=second", vec![&second]),
        ("is_enabled=true", vec![&first]),
        ("is_enabled=false", vec![&second]),
        ("metric=second+jobs", vec![&second]),
        ("severity=high", vec![&first]),
        ("channel=sms", vec![&second]),
        ("channel=webhook", vec![]),
    ] {
        let expected: Vec<Value> = expected.into_iter().map(|row| row["id"].clone()).collect();
        assert_eq!(all(&site, &owner, &format!("/v1/alert-rules?{query}"), "id"), expected, "{query}");
    }
    for (query, field) in [("severity=urgent", "severity"), ("is_enabled=perhaps", "is_enabled"), ("metric=%00", "metric")] {
        let answer = site.call("GET", format!("/v1/alert-rules?{query}")).by(&owner.access).expect(400);
        assert_eq!(answer.field().as_deref(), Some(field), "{query}");
    }
}

#[test]
fn a_rule_is_changed_in_the_version_that_was_read() {
    let site = Site::new();
    let owner = site.owner();
    let row = rule(&site, "old");
    let path = format!("/v1/alert-rules/{}", row["id"].as_str().unwrap());
    let tag = site.call("GET", path.clone()).by(&owner.access).expect(200).header("ETag").unwrap().to_owned();
    let change = |body: Value| site.call("PATCH", path.clone()).by(&owner.access).header("If-Match", tag.clone()).json(&body);
    let changed = change(json!({ "flap_changes": 3, "recovery_threshold": null })).expect(200).document();
    assert_eq!((&changed["flap_changes"], &changed["recovery_threshold"]), (&json!(3), &Value::Null));
    assert_eq!((&changed["threshold"], &changed["flap_seconds"]), (&json!("7.5"), &json!(3600)), "what is not named stays");
    change(json!({ "flap_changes": null })).expect(412);
    let alert = alert(&site, &row);
    let refused = site.call("PATCH", path.clone()).by(&owner.access).json(&json!({ "metric": "other" })).expect(409);
    assert_eq!(refused.refusal(), ("#/metric".to_owned(), "can't change while an alert of this rule is open".to_owned()));
    site.call("DELETE", path.clone()).by(&owner.access).expect(204);
    site.call("GET", path).by(&owner.access).expect(404);
    site.call("GET", format!("/v1/alerts/{alert}")).by(&owner.access).expect(404);
}

#[test]
fn alerts_are_listed_by_each_filter() {
    let site = Site::new();
    let hand = site.person(&site.joe, UserRole::User);
    let (rule, other) = (rule(&site, "first"), rule(&site, "second"));
    let (first, second) = (alert(&site, &rule), alert(&site, &other));
    assert_eq!(step(&site, &hand, &second, "resolve", &json!({})).status, 200);
    for (query, expected) in [
        (String::new(), vec![&second, &first]),
        ("status=resolved".to_owned(), vec![&second]),
        ("status=triggered".to_owned(), vec![&first]),
        ("open=true".to_owned(), vec![&first]),
        ("open=false".to_owned(), vec![&second]),
        ("active=true".to_owned(), vec![&first]),
        ("severity=high".to_owned(), vec![&second, &first]),
        ("severity=low".to_owned(), vec![]),
        (format!("rule={}", rule["id"].as_str().unwrap()), vec![&first]),
        ("metric=second+jobs".to_owned(), vec![&second]),
        ("from=2999-01-01T00:00:00Z".to_owned(), vec![]),
        ("until=2999-01-01T00:00:00Z&limit=1".to_owned(), vec![&second]),
    ] {
        let found = all(&site, &hand, &format!("/v1/alerts?{query}"), "id");
        assert_eq!(found.iter().map(|id| id.as_str().unwrap()).collect::<Vec<_>>(), expected, "{query}");
    }
    for (query, field) in [("status=open", "status"), ("rule=first", "rule"), ("from=yesterday", "from"), ("open=maybe", "open")]
    {
        let answer = site.call("GET", format!("/v1/alerts?{query}")).by(&hand.access).expect(400);
        assert_eq!(answer.field().as_deref(), Some(field), "{query}");
    }
}

#[test]
fn a_user_takes_an_alert_through_its_life() {
    let site = Site::new();
    let hand = site.person(&site.joe, UserRole::User);
    let id = alert(&site, &rule(&site, "many"));
    let shown = site.call("GET", format!("/v1/alerts/{id}")).by(&hand.access).expect(200).document();
    assert_eq!(
        (&shown["metric_value"], &shown["threshold"], &shown["status"]),
        (&json!("8"), &json!("7.5"), &json!("triggered"))
    );
    for (name, body, status, field) in [
        ("acknowledge", json!({ "note": "on it" }), "acknowledged", "acknowledgment_note"),
        ("snooze", json!({ "minutes": 30, "note": "on it" }), "snoozed", "snooze_note"),
        ("snooze", json!({ "minutes": 525_600 }), "snoozed", "snooze_note"),
        ("wake", json!({}), "triggered", "snooze_note"),
        ("resolve", json!({ "note": "on it" }), "resolved", "resolution_note"),
    ] {
        let answer = match name {
            "wake" => site.call("POST", format!("/v1/alerts/{id}/wake")).by(&hand.access).send(),
            _ => step(&site, &hand, &id, name, &body),
        };
        assert_eq!(answer.status, 200, "{name}: {}", answer.body);
        assert!(answer.header("ETag").is_some());
        assert_eq!((&answer.document()["status"], &answer.document()[field]), (&json!(status), &json!("on it")), "{name}");
    }
    let row = site.call("GET", format!("/v1/alerts/{id}")).by(&hand.access).expect(200).document();
    for field in ["acknowledged_by", "snoozed_by", "resolved_by"] {
        assert_eq!(row[field], json!(hand.id.to_string()), "{field}");
    }
    let path = format!("/v1/alerts/{id}/history");
    // Seeing to it calls off the mail that tells of it.
    let history = ["resolved", "unsnoozed", "snoozed", "snoozed", "notification_failed", "acknowledged", "triggered"];
    let history = history.map(|event| json!(event));
    assert_eq!(all(&site, &hand, &path, "event_type"), history);
    assert_eq!(all(&site, &hand, &format!("{path}?limit=1"), "user_id"), [json!(hand.id.to_string())]);
    assert_eq!(step(&site, &hand, &id, "acknowledge", &json!({})).status, 409, "it is settled");
    let bare = alert(&site, &rule(&site, "bare"));
    let bare = |step: &str| site.call("POST", format!("/v1/alerts/{bare}/{step}")).by(&hand.access);
    assert_eq!(bare("acknowledge").expect(200).document()["status"], "acknowledged", "without a body");
    assert_eq!(bare("snooze").expect(400).refusal().1, "is required, or until");
    assert_eq!(bare("resolve").expect(200).document()["status"], "resolved");
}

#[test]
fn a_step_that_can_not_be_is_refused_by_field() {
    let site = Site::new();
    let hand = site.person(&site.joe, UserRole::User);
    let id = alert(&site, &rule(&site, "many"));
    let long = "x".repeat(2_001);
    for (name, body, field, rule) in [
        ("acknowledge", json!({ "note": long }), "note", "must be at most 2000 characters"),
        ("resolve", json!({ "note": long }), "note", "must be at most 2000 characters"),
        ("resolve", json!({ "words": "no" }), "words", "is not a field here"),
        ("snooze", json!({ "minutes": 30, "note": long }), "note", "must be at most 2000 characters"),
        ("snooze", json!({}), "minutes", "is required, or until"),
        ("snooze", json!({ "minutes": 5, "until": "2999-01-01T00:00:00Z" }), "minutes", "must not be given with until"),
        ("snooze", json!({ "minutes": 0 }), "minutes", "must be between 1 and 525600"),
        ("snooze", json!({ "minutes": 525_601 }), "minutes", "must be between 1 and 525600"),
        ("snooze", json!({ "until": "2020-01-01T00:00:00Z" }), "until", "must be in the future"),
        ("snooze", json!({ "until": "9999-12-31T00:00:00Z" }), "until", "must be within a year"),
        ("acknowledge", json!({ "note": "\u{0}" }), "note", "must not contain NUL"),
    ] {
        let answer = step(&site, &hand, &id, name, &body);
        assert_eq!(answer.status, 400, "{name} {body}");
        assert_eq!(answer.refusal(), (format!("#/{field}"), rule.to_owned()), "{name}");
    }
    site.call("POST", format!("/v1/alerts/{id}/wake")).by(&hand.access).expect(409);
    let stale = site.call("POST", format!("/v1/alerts/{id}/acknowledge")).by(&hand.access).header("If-Match", "\"1\"");
    stale.json(&json!({})).expect(412);
}

#[test]
fn recipients_are_told_to_those_who_may_know_them() {
    let site = Site::new();
    let id = alert(&site, &rule(&site, "many"));
    let email = "joe@example.com".to_owned();
    site.db
        .store
        .tenant(&site.joe.tenant, |tx| {
            let alert_id: AlertId = id.parse()?;
            let told = [
                (NotificationChannel::Email, email.as_str()),
                (NotificationChannel::Webhook, "https://hooks.example.com/T0/secret"),
            ];
            for (channel, recipient) in told {
                let queued = tx.notifications().create(&NewNotification {
                    alert_id,
                    channel,
                    recipient: Address::new(recipient),
                    template_used: None,
                    message_content: Some("https://nmc.example.com/once/secret".to_owned()),
                    max_attempts: 3,
                })?;
                tx.notifications().cancel(queued.id, "joe@example.com is unknown")?;
            }
            Ok(())
        })
        .unwrap();
    let path = format!("/v1/alerts/{id}/notifications");
    let admin = site.person(&site.joe, UserRole::Admin);
    let mut seen = all(&site, &admin, &path, "recipient");
    // The business's owner is told as well.
    seen.retain(|recipient| *recipient == json!(email) || recipient.to_string().contains("hooks"));
    seen.sort_by_key(Value::to_string);
    assert_eq!(seen, [json!("https://hooks.example.com/…"), json!(email)]);
    for role in [UserRole::Operator, UserRole::User, UserRole::Viewer] {
        let page = site.call("GET", path.clone()).by(&site.person(&site.joe, role).access).expect(200);
        assert_eq!(page.document()["items"].as_array().map(Vec::len), Some(3), "{role}");
        assert!(!page.body.contains("example.com"), "{role}: {}", page.body);
    }
    assert!(!site.call("GET", path).by(&admin.access).expect(200).body.contains("secret"));
}

#[test]
fn contacts_are_added_listed_changed_and_removed() {
    let site = Site::new();
    let (owner, rule, phone) = (site.owner(), rule(&site, "many"), unique_phone());
    let add = |body: Value| site.call("POST", "/v1/escalation-contacts").by(&owner.access).json(&body);
    let first = add(json!({ "contact_type": "phone", "contact_value": phone })).expect(201);
    let path = first.header("Location").unwrap().to_owned();
    let first = first.document();
    assert_eq!((&first["escalation_level"], &first["rule_id"], &first["is_active"]), (&json!(1), &Value::Null, &json!(true)));
    add(json!({ "contact_type": "phone", "contact_value": phone })).expect(409);
    let hook = json!({
        "contact_type": "webhook", "contact_value": "https://hooks.example.com/T0/secret", "rule_id": rule["id"],
        "escalation_level": 2, "is_active": false,
    });
    let second = add(hook).expect(201);
    assert!(!second.body.contains("secret"), "{}", second.body);
    let (first, second) = (first["id"].clone(), second.document()["id"].clone());
    for (query, expected) in [
        (String::new(), vec![&second, &first]),
        (format!("rule={}", rule["id"].as_str().unwrap()), vec![&second]),
        ("global=true".to_owned(), vec![&first]),
        ("level=2".to_owned(), vec![&second]),
        ("is_active=true".to_owned(), vec![&first]),
    ] {
        let found = all(&site, &owner, &format!("/v1/escalation-contacts?{query}"), "id");
        assert_eq!(found.iter().collect::<Vec<_>>(), expected, "{query}");
    }
    let tag = site.call("GET", path.clone()).by(&owner.access).expect(200).header("ETag").unwrap().to_owned();
    let change = |body: Value| site.call("PATCH", path.clone()).by(&owner.access).header("If-Match", tag.clone()).json(&body);
    assert_eq!(change(json!({ "escalation_level": 3 })).expect(200).document()["escalation_level"], 3);
    change(json!({ "escalation_level": 4 })).expect(412);
    site.call("DELETE", path.clone()).by(&owner.access).expect(204);
    site.call("GET", path).by(&owner.access).expect(404);
}

#[test]
fn a_contact_that_can_not_be_reached_is_refused_by_field() {
    let site = Site::new();
    let owner = site.owner();
    let stranger = site.person(&site.rival, UserRole::Owner);
    for (kind, value, rule) in [
        ("email", "joe", "must be an e-mail address like joe@example.com"),
        ("phone", "5550123", "must be a phone number in E.164, like +14155550123"),
        ("webhook", "https://joe:secret@example.com", "must be an http or https URL without a user, at most 255 characters"),
        ("user", "joe", "must be a user's id"),
        ("user", &stranger.id.to_string(), "must be an existing user"),
    ] {
        let body = json!({ "contact_type": kind, "contact_value": value });
        let answer = site.call("POST", "/v1/escalation-contacts").by(&owner.access).json(&body).expect(400);
        assert_eq!(answer.refusal(), ("#/contact_value".to_owned(), rule.to_owned()), "{value}");
    }
    let good = json!({ "contact_type": "email", "contact_value": "joe@example.com" });
    for (field, value, rule) in [
        ("escalation_level", json!(0), "must be at least 1"),
        ("escalation_level", json!(i32::MAX), "must be 1 to 100"),
        ("contact_type", json!("fax"), "must be one of"),
        ("rule_id", json!("01993b6e-0000-7000-8000-000000000000"), "must be an existing rule"),
    ] {
        let mut body = good.clone();
        body[field] = value;
        let answer = site.call("POST", "/v1/escalation-contacts").by(&owner.access).json(&body).expect(400);
        let (pointer, detail) = answer.refusal();
        assert!(pointer == format!("#/{field}") && detail.starts_with(rule), "{pointer} {detail}");
    }
}

/// Lets webhooks go to one port alone.
struct OnePort;

impl WebhookRules for OnePort {
    fn must_be_sendable(&self, url: &str) -> Result<(), Error> {
        if url.contains(":8443/") { Ok(()) } else { Err(Error::invalid("contact_value", "can't be sent to")) }
    }
}

#[test]
fn webhook_that_may_not_be_sent_is_no_contact() {
    let site = Site::with(|_, config| config.webhooks = Some(Arc::new(OnePort)));
    let owner = site.owner();
    let add = |kind: &str, value: &str| {
        let body = json!({ "contact_type": kind, "contact_value": value });
        site.call("POST", "/v1/escalation-contacts").by(&owner.access).json(&body)
    };
    let refused = ("#/contact_value".to_owned(), "can't be sent to".to_owned());
    assert_eq!(add("webhook", "https://hooks.example.com/x").expect(400).refusal(), refused);
    add("email", "boss@example.com").expect(201);
    let made = add("webhook", "https://hooks.example.com:8443/x").expect(201);
    let path = made.header("Location").unwrap().to_owned();
    let tag = site.call("GET", path.clone()).by(&owner.access).expect(200).header("ETag").unwrap().to_owned();
    let change = |url: &str| {
        let call = site.call("PATCH", path.clone()).by(&owner.access).header("If-Match", tag.clone());
        call.json(&json!({ "contact_value": url }))
    };
    assert_eq!(change("https://hooks.example.com:9443/x").expect(400).refusal(), refused);
    change("https://hooks.example.com:8443/y").expect(200);
}

#[test]
fn whoever_hears_of_a_rule_is_tried_out() {
    let site = Site::new();
    let owner = site.owner();
    let defaults = site.call("POST", "/v1/alert-rules/defaults").by(&owner.access).expect(200).document();
    let rules = defaults["added"].as_array().unwrap();
    let again = site.call("POST", "/v1/alert-rules/defaults").by(&owner.access).expect(200).document();
    assert_eq!(again, json!({ "added": [] }), "those that it has stay as they are");
    let metrics = site.call("GET", "/v1/alert-metrics").by(&owner.access).expect(200).document();
    let known = |rule: &Value| metrics["metrics"].as_array().unwrap().iter().any(|metric| metric["name"] == rule["metric"]);
    assert!(rules.len() > 5 && rules.iter().all(known), "{rules:?}");

    let new = json!({ "contact_type": "webhook", "contact_value": "https://hooks.example.com/x" });
    let hook = site.call("POST", "/v1/escalation-contacts").by(&owner.access).json(&new).expect(201).document();
    let secret = |contact: &Value| format!("/v1/escalation-contacts/{}/secret", contact["id"].as_str().unwrap());
    let told = site.call("GET", secret(&hook)).by(&owner.access).expect(200).document();
    assert!(told["secret"].as_str().unwrap().starts_with("whsec_"));
    assert_eq!(site.call("GET", secret(&hook)).by(&owner.access).expect(200).document(), told, "it stays");
    let user = site.person(&site.joe, UserRole::User);
    site.call("GET", secret(&hook)).by(&user.access).expect(403);
    let new = json!({ "contact_type": "email", "contact_value": "boss@example.com" });
    let email = site.call("POST", "/v1/escalation-contacts").by(&owner.access).json(&new).expect(201).document();
    site.call("GET", secret(&email)).by(&owner.access).expect(409);
    let rotate = |contact: &Value| site.call("POST", format!("{}/rotate", secret(contact)));
    let other = rotate(&hook).by(&owner.access).expect(200).document();
    assert_ne!(other["secret"], told["secret"]);
    assert!(told["previous_signs_until"].is_null() && other["previous_signs_until"].is_string(), "{other}");
    assert_eq!(site.call("GET", secret(&hook)).by(&owner.access).expect(200).document(), other);
    rotate(&hook).by(&user.access).expect(403);
    rotate(&email).by(&owner.access).expect(409);

    let path = format!("/v1/alert-rules/{}/test", rules[0]["id"].as_str().unwrap());
    let test = site.call("POST", path).by(&owner.access).expect(200).document();
    let alert = test["alert_id"].as_str().unwrap();
    let row = site.call("GET", format!("/v1/alerts/{alert}")).by(&owner.access).expect(200).document();
    assert_eq!((&row["status"], &row["auto_resolved"], &row["is_test"]), (&json!("resolved"), &json!(true), &json!(true)));
    assert_eq!(all(&site, &owner, "/v1/alerts?test=true", "id"), [json!(alert)]);
    assert_eq!(all(&site, &owner, "/v1/alerts?test=false", "id"), Vec::<Value>::new());
    let told = format!("/v1/alerts/{alert}/notifications");
    assert!(all(&site, &owner, &told, "template").iter().all(|template| template == "test"));
    assert!(all(&site, &owner, &told, "next_attempt_at").iter().all(Value::is_string));
    site.db.execute("UPDATE notifications SET status = 'failed', failed_at = now(), error_message = 'x'");
    assert!(all(&site, &owner, &told, "next_attempt_at").iter().all(Value::is_null), "what has ended is not tried again");
    let recipients = all(&site, &owner, &format!("/v1/alerts/{alert}/notifications"), "recipient");
    assert_eq!(json!(recipients.len()), test["notifications"]);
    assert!(recipients.contains(&json!("boss@example.com")) && recipients.contains(&json!("https://hooks.example.com/…")));
}

#[test]
fn what_keeps_alerts_from_being_heard_is_said_when_saved() {
    let site = Site::new();
    let owner = site.owner();
    let call = |method: &'static str, path: &str| site.call(method, path.to_owned()).by(&owner.access);
    let body = json!({
        "name": "many", "metric": "jobs", "operator": "greater_than", "threshold": "7", "severity": "high",
        "notification_channels": ["dashboard"], "escalation_enabled": true,
    });
    let added = call("POST", "/v1/alert-rules").json(&body).expect(201);
    let nobody = json!(["there is nobody to pass its alerts on to: it has no contact that is told"]);
    assert_eq!(added.document()["warnings"], nobody);
    let contact = json!({ "contact_type": "phone", "contact_value": "+13125550198", "rule_id": added.document()["id"] });
    site.db.execute("UPDATE phone_numbers SET status = 'inactive'");
    let phone = call("POST", "/v1/escalation-contacts").json(&contact).expect(201);
    assert_eq!(
        phone.document()["warnings"],
        json!(["texts can't be sent: the business has no active number that can send them"])
    );
    let path = added.header("Location").unwrap().to_owned();
    let tag = call("GET", &path).expect(200).header("ETag").unwrap().to_owned();
    let change = call("PATCH", &path).header("If-Match", tag).json(&json!({ "escalation_enabled": false })).expect(200);
    assert_eq!(change.document()["warnings"], json!(["a contact of its own is told of nothing: it does not escalate"]));
    site.db.execute("UPDATE phone_numbers SET status = 'active'");
    let read = call("GET", phone.header("Location").unwrap()).expect(200).document();
    assert_eq!(read["warnings"], json!([]));
    let listed = call("GET", "/v1/escalation-contacts").expect(200).document();
    assert!(listed["items"][0].get("warnings").is_none() && listed["items"][0]["retired_at"].is_null(), "{listed}");
}

#[test]
fn line_break_at_the_edge_of_a_line_is_refused() {
    let site = Site::new();
    let owner = site.owner();
    let name = json!({ "name": "trail\n", "metric": "jobs", "operator": "greater_than", "threshold": "7", "severity": "high" });
    site.call("POST", "/v1/alert-rules").by(&owner.access).json(&name).expect(400);
    for (kind, value) in [("email", "z@example.com\r\n"), ("phone", "+13125550198\n"), ("webhook", "\nhttps://example.com/z")] {
        let body = json!({ "contact_type": kind, "contact_value": value });
        let answer = site.call("POST", "/v1/escalation-contacts").by(&owner.access).json(&body).expect(400);
        assert_eq!(answer.refusal().0, "#/contact_value", "{kind}");
        let body = json!({ "contact_type": kind, "contact_value": format!("\t {} ", value.trim()) });
        site.call("POST", "/v1/escalation-contacts").by(&owner.access).json(&body).expect(201);
    }
}

#[test]
fn sixth_test_within_a_minute_is_refused() {
    let site = Site::new();
    let owner = site.owner();
    let path = format!("/v1/alert-rules/{}/test", rule(&site, "many")["id"].as_str().unwrap());
    for _ in 0..5 {
        site.call("POST", path.clone()).by(&owner.access).expect(200);
    }
    let refused = site.call("POST", path).by(&owner.access).expect(409);
    assert!(refused.body.contains("were five within a minute"), "{}", refused.body);
}
