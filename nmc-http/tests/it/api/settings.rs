//! How a business answers: each rule in words, and the greeting before anybody gets it.

use crate::site::Site;
use serde_json::{Value, json};

#[test]
fn each_setting_says_the_rule_it_breaks() {
    let site = Site::new();
    let owner = site.owner();
    let before = site.rows();
    let between = |low: i32, high: i32| format!("must be between {low} and {high}");
    for (field, values, rule) in [
        ("ai_takeover_delay_seconds", vec![json!(59), json!(1_801), json!(-60)], between(60, 1_800)),
        ("greeting_cooldown_hours", vec![json!(0), json!(721)], between(1, 720)),
        ("basic_job_estimate_min", vec![json!(24), json!(10_001)], between(25, 10_000)),
        ("basic_job_estimate_max", vec![json!(24), json!(10_001)], between(25, 10_000)),
        ("auto_resolve_days", vec![json!(-1), json!(366)], between(0, 365)),
        ("daily_text_limit", vec![json!(-1), json!(100_001)], between(0, 100_000)),
        ("daily_person_limit", vec![json!(-1), json!(101)], between(0, 100)),
        ("texting_ends_at", vec![json!("08:00:00"), json!("07:00:00")], "must be after texting_starts_at".to_owned()),
        (
            "allowed_countries",
            vec![json!(["US", "UK"])],
            "must be ISO 3166 codes of countries that have phone numbers, like US or GB; UK is none".to_owned(),
        ),
        ("greeting_template", vec![json!("short"), json!("x".repeat(501))], "must be 10 to 500 characters long".to_owned()),
        ("greeting_template", vec![json!("Hello, we call back")], "must contain {{business_name}}".to_owned()),
        (
            "greeting_template",
            vec![json!("{{business_name}} for {{caller}}")],
            "must not contain {{caller}}: the placeholders are {{business_name}}, {{hours}} and {{next_opening}}".to_owned(),
        ),
        ("greeting_template", vec![json!("{{business_name}}\u{0}..........")], "must not contain control characters".to_owned()),
    ] {
        for value in values {
            let body = json!({ field: value });
            let answer = site.call("PATCH", "/v1/settings").by(&owner.access).json(&body).expect(400);
            assert_eq!(answer.refusal(), (format!("#/{field}"), rule.clone()), "{value}");
        }
    }
    let out = json!(3_000_000_000_u32);
    for value in [&json!("120"), &json!(120.5), &out, &Value::Null, &json!([120])] {
        let body = json!({ "ai_takeover_delay_seconds": value });
        let answer = site.call("PATCH", "/v1/settings").by(&owner.access).json(&body).expect(400);
        let rule = if *value == out { "is out of range" } else { "must be a whole number" };
        assert_eq!(answer.refusal(), ("#/ai_takeover_delay_seconds".to_owned(), rule.to_owned()), "{value}");
    }
    for body in
        [json!({ "basic_job_estimate_min": 100, "basic_job_estimate_max": 100 }), json!({ "basic_job_estimate_min": 10_000 })]
    {
        let answer = site.call("PATCH", "/v1/settings").by(&owner.access).json(&body).expect(400);
        assert!(answer.refusal().0.starts_with("#/basic_job_estimate_"), "{}", answer.body);
    }
    assert_eq!(site.rows(), before);
    for (field, edges) in [("ai_takeover_delay_seconds", [60, 1_800]), ("greeting_cooldown_hours", [1, 720])] {
        for edge in edges {
            let kept = site.call("PATCH", "/v1/settings").by(&owner.access).json(&json!({ field: edge })).expect(200);
            assert_eq!(kept.document()[field], edge);
        }
    }
}

#[test]
fn a_preview_shows_what_a_caller_would_get_and_what_it_costs() {
    let site = Site::new();
    let owner = site.owner();
    let preview = |body: Value| site.call("POST", "/v1/settings/greeting/preview").by(&owner.access).json(&body).send();
    let before = site.rows();
    let plain = preview(json!({ "greeting_template": "Hello from {{business_name}}!" })).document();
    let text = plain["text"].as_str().unwrap();
    assert!(text.contains("Hello from Joe's Plumbing!") && text.contains("STOP"), "{text}");
    assert_eq!((plain["encoding"].as_str(), plain["segments"].as_u64()), (Some("GSM-7"), Some(1)));
    assert_eq!(plain["characters"], json!(text.chars().count()));
    let fancy = preview(json!({ "greeting_template": format!("{{{{business_name}}}} {}", "☎".repeat(100)) })).document();
    assert_eq!(fancy["encoding"], "UCS-2");
    assert!(fancy["segments"].as_u64() > Some(1));
    assert!(preview(json!({})).document()["text"].as_str().unwrap().contains("Joe's Plumbing"), "the one in force");
    let told = |at: &str| {
        let body = json!({ "greeting_template": "{{business_name}}: open {{hours}}, next {{next_opening}}", "at": at });
        preview(body).document()["text"].as_str().unwrap().replace(". Reply STOP to opt out.", "")
    };
    // 7 to 18 h in Los Angeles, whose clock is 8 hours behind in winter.
    assert_eq!(told("2026-01-15T20:00:00Z"), "Joe's Plumbing: open 7 AM-6 PM, next now");
    assert_eq!(told("2026-01-16T02:00:00Z"), "Joe's Plumbing: open 7 AM-6 PM, next Friday at 7 AM");
    let refused = preview(json!({ "greeting_template": "{{business_name}} {{nobody}}" }));
    assert_eq!((refused.status, refused.refusal().0.as_str()), (400, "#/greeting_template"));
    assert_eq!(site.rows(), before, "a preview keeps nothing");
}

#[test]
fn a_review_holds_for_the_greeting_that_was_seen() {
    let site = Site::new();
    let owner = site.owner();
    let review = |tag: &str| site.call("PUT", "/v1/settings/greeting/review").by(&owner.access).header("If-Match", tag).send();
    let change = |text: &str| {
        let body = json!({ "greeting_template": text });
        site.call("PATCH", "/v1/settings").by(&owner.access).json(&body).expect(200)
    };
    let seen = change("{{business_name}} calls you back").header("ETag").unwrap().to_owned();
    let now = change("{{business_name}} does not call back").header("ETag").unwrap().to_owned();
    assert_eq!(review(&seen).status, 412, "another greeting is there by now");
    let reviewed = review(&now);
    assert!(reviewed.status == 200 && reviewed.document()["greeting_reviewed_at"].is_string());
    let kept = change("{{business_name}} does not call back").document();
    assert_eq!(kept["greeting_reviewed_at"], reviewed.document()["greeting_reviewed_at"], "nothing has changed");
    assert!(change("{{business_name}} calls again").document()["greeting_reviewed_at"].is_null());
}

#[test]
fn holidays_are_set_listed_and_removed() {
    let site = Site::new();
    let owner = site.owner().access;
    let path = |date: &str| format!("/v1/holidays/{date}");
    let set = |date: &str, name: &str| site.call("PUT", path(date)).by(&owner).json(&json!({ "name": name })).send();
    let list = || site.call("GET", "/v1/holidays").by(&owner).expect(200).document()["items"].clone();
    assert_eq!(list(), json!([]));
    assert_eq!(set("2026-12-25", "Xmas").status, 200);
    let kept = set("2026-12-25", "Christmas Day").document();
    assert_eq!((&kept["date"], &kept["name"]), (&json!("2026-12-25"), &json!("Christmas Day")));
    assert_eq!(set("2026-11-26", "Thanksgiving").status, 200);
    let dates: Vec<Value> = list().as_array().unwrap().iter().map(|row| row["date"].clone()).collect();
    assert_eq!(dates, ["2026-11-26", "2026-12-25"]);

    // Noon in Los Angeles, where it opens at 7.
    let hours = || site.call("GET", "/v1/tenant/hours?at=2026-12-25T20:00:00Z").by(&owner).expect(200).document();
    assert_eq!((&hours()["is_open"], &hours()["next_open"]), (&json!(false), &json!("2026-12-26T15:00:00Z")));
    let preview = json!({ "greeting_template": "{{business_name}}: back {{next_opening}}.", "at": "2026-12-25T20:00:00Z" });
    let told = site.call("POST", "/v1/settings/greeting/preview").by(&owner).json(&preview).expect(200).document();
    assert!(told["text"].as_str().unwrap().contains("back Saturday at 7 AM."), "{told}");

    assert_eq!(set("2026-12-26", " ").refusal().0, "#/name");
    assert_eq!(set("2200-01-01", "Far").refusal().0, "#/date");
    for date in ["2026-02-30", "christmas"] {
        let told = ("#/date".to_owned(), "must be a day like 2026-11-22".to_owned());
        assert_eq!(set(date, "None").refusal(), told, "{date}");
    }
    let remove = || site.call("DELETE", path("2026-12-25")).by(&owner).send().status;
    assert_eq!((remove(), remove(), &hours()["is_open"]), (204, 404, &json!(true)));
}
