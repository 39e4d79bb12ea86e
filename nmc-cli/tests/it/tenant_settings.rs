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
        (
            &["--assistant-delay", "90", "--estimate-min", "80", "--estimate-max", "900"],
            json!({"ai_takeover_delay_seconds": 90, "basic_job_estimate_min": 80, "basic_job_estimate_max": 900}),
        ),
        (&["--allow-country", "us,CA"], json!({"allowed_countries": ["CA", "US"]})),
        (&["--allow-country", "US, MX , ca"], json!({"allowed_countries": ["CA", "MX", "US"]})),
        (&["--own-country-only"], json!({"allowed_countries": []})),
        (&["--daily-texts", "40", "--daily-texts-per-person", "2"], json!({"daily_text_limit": 40, "daily_person_limit": 2})),
        (&["--texting-hours", "09:00-20:30"], json!({"texting_starts_at": "09:00:00", "texting_ends_at": "20:30:00"})),
        (&["--texting-hours", "08:00-24:00"], json!({"texting_starts_at": "08:00:00", "texting_ends_at": "23:59:59"})),
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
    assert!(table.contains("texting_starts_at\t"), "{table}");
    for table in [table, nmc.run(&["tenant", "show", JOE]).ok().out] {
        let countries = table.lines().find(|line| line.starts_with("allowed_countries\t")).expect("a line");
        assert!(countries.ends_with("\tthat of the number called"), "{table}");
    }
    settings(&["--allow-country", "US"]);
    assert!(!nmc.run(&["tenant", "settings", "--tenant", JOE]).ok().out.contains("that of the number called"));
}

#[test]
fn a_setting_that_cannot_be_is_refused_by_its_flag() {
    let db = TestDb::new();
    drop(Business::onboard(&db.store, JOE));
    let nmc = Nmc::on(db.url());
    for (changes, why) in [
        (&["--cooldown-hours", "0"][..], "nmc: --cooldown-hours must be between 1 and 720"),
        (&["--daily-texts", "-1"], "nmc: --daily-texts must be between 0 and 100000"),
        (&["--daily-texts-per-person", "101"], "nmc: --daily-texts-per-person must be between 0 and 100"),
        (&["--auto-resolve-days", "-5"], "nmc: --auto-resolve-days must be between 0 and 365"),
        (&["--assistant-delay", "59"], "nmc: --assistant-delay must be between 60 and 1800"),
        (&["--greeting-template", "Hello there, you"], "nmc: --greeting-template must contain {{business_name}}"),
        (&["--allow-country", "UK"], "nmc: --allow-country must be ISO 3166 codes"),
        (&["--allow-country", "US,UK"], "UK is none"),
        (&["--allow-country", "USA"], "must be an ISO 3166 code of two letters"),
        (&["--allow-country", "US", "--own-country-only"], "cannot be used with"),
        (&["--texting-hours", "20:00-08:00"], "nmc: --texting-hours must end later than they start"),
        (&["--texting-hours", "24:00-24:00"], "must be like 08:00-21:00"),
        (&["--texting-hours", "8-21"], "must be like 08:00-21:00"),
        (&["--call-screening", "luck"], "key-press, machine-detection, none"),
        (&["--greeting-any-hour", "maybe"], "true, false"),
    ] {
        nmc.run(&[&["tenant", "settings", "--tenant", JOE], changes].concat()).refused(2, why);
    }
}

#[test]
fn help_tells_its_own_flags_first_and_what_values_mean() {
    let help = Nmc::bare().run(&["tenant", "settings", "--help"]).ok().out;
    let at = |part: &str| help.find(part).unwrap_or_else(|| panic!("{part:?}: {help}"));
    let last = at("--auto-resolve-days <DAYS>");
    for global in ["Options of every command:", "--database-url", "--data-dir", "--pool-size", "--no-prepared", "--log <"] {
        assert!(at(global) > last, "{global}: {help}");
    }
    for value in ["key-press", "machine-detection", "none"] {
        let line = help.lines().find(|line| line.trim_start().starts_with(&format!("- {value}:"))).expect("a value's line");
        assert!(line.split_whitespace().count() > 4, "{line}");
    }
}

#[test]
fn holidays_are_added_listed_and_removed() {
    let db = TestDb::new();
    drop(Business::onboard(&db.store, JOE));
    let nmc = Nmc::on(db.url());
    let holiday = |args: &[&str]| nmc.run(&[&["tenant", "holiday"], args].concat());
    let add = |day: &str, name: &str| holiday(&["add", "--tenant", JOE, day, name, "--format", "json"]);
    let row = add("2026-12-25", "Xmas").json();
    assert_eq!(
        (&row["day"], &row["name"], row.as_object().map(|row| row.len())),
        (&json!("2026-12-25"), &json!("Xmas"), Some(3))
    );
    add("2026-12-25", "Christmas Day").ok();
    let list = || holiday(&["list", "--tenant", JOE]).ok().out;
    assert!(list().contains("Christmas Day") && !list().contains("Xmas"), "{}", list());
    add("2026-12-26", " ").refused(2, "NAME must not be empty");
    add("2200-01-01", "Far").refused(2, "DAY must be a day of the years 2000 to 2199");
    db.execute(
        "INSERT INTO holidays (id, tenant_id, day, name, created_at, updated_at)
         SELECT gen_random_uuid(), id, (now() AT TIME ZONE timezone)::date + ahead, 'In ' || ahead, now(), now()
         FROM tenants, generate_series(-1, 0) AS ahead",
    );
    let shown = nmc.run(&["tenant", "show", JOE, "--format", "json"]).json();
    assert_eq!((&shown["hours"]["is_open"], &shown["hours"]["holiday"]), (&json!(false), &json!("In 0")));
    assert_eq!(shown["next_holidays"][0]["name"], "In 0", "those of the past are left out");
    let table = nmc.run(&["tenant", "show", JOE]).ok().out;
    assert_eq!(table.matches("In 0").count(), 2, "{table}");
    db.execute("DELETE FROM holidays WHERE name LIKE 'In %'");
    assert_eq!(nmc.run(&["tenant", "show", JOE, "--format", "json"]).json()["hours"]["holiday"], json!(null));
    holiday(&["remove", "--tenant", JOE, "2026-12-25"]).ok();
    assert!(!list().contains("Christmas"), "{}", list());
    holiday(&["remove", "--tenant", JOE, "2026-12-25"]).refused(2, "holiday");
}
