//! How a business answers, from the command line.

use crate::nmc::Nmc;
use nmc_core::testing::{Business, TestDb};
use serde_json::json;

const JOE: &str = "Joe's Plumbing";

#[test]
fn settings_are_shown_and_changed() {
    let db = TestDb::new();
    drop(Business::onboard(&db.store, JOE));
    let nmc = Nmc::on(db.url());
    let settings =
        |changes: &[&str]| nmc.run(&[&["tenant", "settings", "--tenant", JOE, "--format", "json"], changes].concat()).json();
    let mut expected = settings(&[]);
    assert_eq!(expected["greeting_cooldown_hours"], 24);
    assert_eq!(expected["allowed_countries"], json!([]));
    for (changes, fields) in [
        (&["--cooldown-hours", "48"][..], json!({"greeting_cooldown_hours": 48})),
        (&["--call-screening", "machine-detection"], json!({"call_screening": "machine_detection"})),
        (&["--call-screening", "none", "--auto-resolve-days", "0"], json!({"call_screening": "none", "auto_resolve_days": 0})),
        (&["--allow-country", "us,CA"], json!({"allowed_countries": ["CA", "US"]})),
        (&["--own-country-only"], json!({"allowed_countries": []})),
        (&["--daily-texts", "40", "--daily-texts-per-person", "2"], json!({"daily_text_limit": 40, "daily_person_limit": 2})),
        (&["--texting-hours", "09:00-20:30"], json!({"texting_starts_at": "09:00:00", "texting_ends_at": "20:30:00"})),
        (&["--greeting-any-hour", "false"], json!({"greeting_at_any_hour": false})),
        (
            &["--greeting-template", "{{business_name}} calls you back."],
            json!({"greeting_template": "{{business_name}} calls you back."}),
        ),
    ] {
        for (field, value) in fields.as_object().expect("fields") {
            expected[field] = value.clone();
        }
        assert_eq!(settings(changes), expected, "{changes:?}");
    }
    assert_eq!(settings(&[]), expected);
    let table = nmc.run(&["tenant", "settings", "--tenant", JOE]).ok().out;
    assert!(table.contains("texting starts at"), "{table}");
}

#[test]
fn a_setting_that_cannot_be_is_refused_by_its_name() {
    let db = TestDb::new();
    drop(Business::onboard(&db.store, JOE));
    let nmc = Nmc::on(db.url());
    for (changes, why) in [
        (&["--cooldown-hours", "0"][..], "greeting_cooldown_hours must be between 1 and 720"),
        (&["--allow-country", "UK"], "UK is none"),
        (&["--allow-country", "USA"], "must be an ISO 3166 code of two letters"),
        (&["--allow-country", "US", "--own-country-only"], "cannot be used with"),
        (&["--texting-hours", "20:00-08:00"], "texting_ends_at must be after texting_starts_at"),
        (&["--texting-hours", "8-21"], "must be like 08:00-21:00"),
        (&["--call-screening", "luck"], "key-press, machine-detection, none"),
        (&["--greeting-any-hour", "maybe"], "true, false"),
    ] {
        nmc.run(&[&["tenant", "settings", "--tenant", JOE], changes].concat()).refused(2, why);
    }
}
