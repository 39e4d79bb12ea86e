//! `nmc alert rule`, `metrics` and `measure`: what raises alerts.

use crate::alerts::Shop;
use nmc_core::AlertSeverity;
use nmc_core::alerts::TRADE_METRICS;
use serde_json::{Value, json};

const ADD: [&str; 11] =
    ["rule", "add", "--metric", "jobs", "--operator", "greater_than", "--threshold", "5.5", "--severity", "high", "--name"];

fn names(page: &Value) -> Vec<&str> {
    page["items"].as_array().expect("rows").iter().filter_map(|row| row["name"].as_str()).collect()
}

#[test]
fn a_rule_has_every_field_that_was_typed() {
    let shop = Shop::new();
    let said = shop.run(&[&ADD[..], &["Many jobs", "--format", "json"]].concat());
    assert!(said.err.contains("nobody is told of its alerts: it has no channel"), "{said:?}");
    let plain = said.json();
    let said = shop.run(&["rule", "set", "Many jobs", "--channel", "webhook"]).ok();
    assert!(said.err.contains("nobody is told of its alerts: its channels reach nobody"), "{said:?}");
    let said = shop.run(&["rule", "set", "Many jobs", "--channel", "email"]).ok();
    assert_eq!(said.err, "", "Ann is");
    shop.run(&["rule", "set", "Many jobs", "--no-channels"]).ok();
    let fields = |rule: &Value| {
        let names = [
            "metric",
            "operator",
            "threshold",
            "severity",
            "is_enabled",
            "channels",
            "pending_seconds",
            "recovery_threshold",
            "keep_firing_seconds",
            "no_data_policy",
            "no_data_seconds",
            "flap_changes",
            "flap_seconds",
            "only_when_open",
            "escalation_enabled",
            "escalation_delay_minutes",
            "escalation_repeats",
            "description",
        ];
        names.map(|name| rule[name].clone()).to_vec()
    };
    let by_default =
        json!(["jobs", "greater_than", "5.5", "high", true, [], 0, null, 0, "keep", 900, null, 3_600, false, false, 30, 0, null]);
    assert_eq!(json!(fields(&plain)), by_default);

    let terms = "--for 5m --recover-at -2.25 --keep-firing 1h --no-data ok --no-data-after 30m --flap-changes 4 --flap-within 2h \
                 --only-when-open true --escalate true --escalate-after 1h --escalation-repeats 2 --channel email,sms";
    let terms: Vec<&str> = terms.split_whitespace().collect();
    let said = shop
        .run(&[&ADD[..], &["All", "--disabled", "--description", "Of all kinds"], &terms[..], &["--format", "json"]].concat());
    assert!(said.err.contains("nobody to pass its alerts on to"), "{said:?}");
    let all = json!([
        "jobs",
        "greater_than",
        "5.5",
        "high",
        false,
        ["email", "sms"],
        300,
        "-2.25",
        3_600,
        "ok",
        1_800,
        4,
        7_200,
        true,
        true,
        60,
        2,
        "Of all kinds"
    ]);
    assert_eq!(json!(fields(&said.json())), all);
    let same = shop.json(&["rule", "set", "All", "--severity", "low"]);
    let same: Vec<Value> = fields(&same).into_iter().map(|field| if field == "low" { json!("high") } else { field }).collect();
    assert_eq!(json!(same), all, "what is not named stays");
    let changes = [
        "--recover-at",
        "none",
        "--flap-changes",
        "none",
        "--no-channels",
        "--description",
        "",
        "--escalate",
        "false",
        "--name",
        "None",
        "--for",
        "0",
        "--no-data",
        "keep",
        "--threshold",
        "-1",
    ];
    let changed = shop.json(&[&["rule", "set", "All"], &changes[..]].concat());
    let [name, recovery, flaps, description] =
        ["name", "recovery_threshold", "flap_changes", "description"].map(|name| &changed[name]);
    assert_eq!((name, recovery, flaps, description), (&json!("None"), &Value::Null, &Value::Null, &Value::Null));
    assert_eq!(
        (&changed["channels"], &changed["threshold"], &changed["keep_firing_seconds"]),
        (&json!([]), &json!("-1"), &json!(3_600))
    );
}

#[test]
fn negative_length_is_blamed_on_its_option() {
    let shop = Shop::new();
    for option in ["--for", "--keep-firing", "--no-data-after", "--flap-within", "--escalate-after"] {
        shop.run(&[&ADD[..], &["Many jobs", option, "-5m"]].concat()).refused(2, option);
    }
}

#[test]
fn rules_are_listed_switched_and_removed() {
    let shop = Shop::new();
    let jobs = shop.rule("jobs", AlertSeverity::High).to_string();
    shop.rule("leaks", AlertSeverity::Low);
    assert_eq!(shop.json(&["rule", "disable", "Too many leaks"])["is_enabled"], false);
    for filters in [&["--metric", "jobs"][..], &["--severity", "high"], &["--enabled", "true"]] {
        assert_eq!(names(&shop.json(&[&["rule", "list"], filters].concat())), ["Too many jobs"], "{filters:?}");
    }
    assert_eq!(names(&shop.json(&["rule", "list", "--channel", "email"])), ["Too many leaks", "Too many jobs"]);
    assert_eq!(shop.json(&["rule", "enable", "Too many leaks"])["is_enabled"], true);
    assert_eq!(shop.json(&["rule", "show", &jobs])["name"], "Too many jobs");
    shop.run(&["rule", "remove", &jobs]).refused(2, "say --yes");
    shop.alert(jobs.parse().expect("an id"));
    shop.run(&["rule", "remove", &jobs, "--yes"]).ok();
    assert_eq!(shop.listed(&[]), Vec::<Value>::new(), "its alerts are gone with it");
    shop.run(&["rule", "show", &jobs]).refused(2, "rule not found");

    let added = shop.json(&["rule", "defaults"]);
    assert!(names(&added).contains(&"Many calls are missed"), "{added:#}");
    let again = shop.run(&["rule", "defaults", "--format", "json"]);
    assert!(again.err.contains("it has them all"), "{again:?}");
    assert_eq!(again.json()["items"], json!([]));
}

#[test]
fn a_rule_that_can_not_be_is_refused() {
    let shop = Shop::new();
    shop.rule("jobs", AlertSeverity::High);
    shop.run(&[
        "rule",
        "add",
        "--name",
        "Too many jobs",
        "--metric",
        "b",
        "--operator",
        "equals",
        "--threshold",
        "1",
        "--severity",
        "low",
    ])
    .ok();
    let ids: Vec<Value> =
        shop.json(&["rule", "list"])["items"].as_array().expect("rows").iter().map(|row| row["id"].clone()).collect();
    let said = shop.run(&["rule", "show", "Too many jobs"]);
    assert!(ids.len() == 2 && ids.iter().all(|id| said.err.contains(id.as_str().expect("an id"))), "{said:?}");
    said.refused(2, "the name is that of several: name one by its id, like ");
    for (words, why) in [
        (&["--for", "8d"][..], "must be at most 7d"),
        (&["--for", "soon"], "must be a number and a unit"),
        (&["--no-data-after", "30s"], "must be at least 1m"),
        (&["--flap-changes", "1"], "must be 2 to 1000, or none"),
        (&["--escalate-after", "90s"], "must be whole minutes"),
        (&["--recover-at", "6"], "--recover-at must not lie beyond the threshold"),
        (&["--recover-at", "low"], "must be a number"),
        (&["--no-data", "never"], "keep"),
        (&["--channel", "email,email"], "--channel must not name a channel twice"),
        (&["--channel", "pigeon"], "dashboard"),
    ] {
        shop.run(&[&ADD[..], &["New"], words].concat()).refused(2, why);
    }
    shop.run(&[&ADD[..], &["Too many jobs"]].concat()).refused(2, "--name is already taken");
    shop.run(&["rule", "set", "Many"]).refused(2, "--severity");
    shop.run(&["rule", "set", "Many", "--severity", "low"]).refused(2, "rule not found");
    let unmeasured = ADD.map(|word| if word == "jobs" { "nmc.calls" } else { word });
    let words = "--metric must be one that is measured, as it begins with nmc.: `nmc alert metrics`";
    shop.run(&[&unmeasured[..], &["New"]].concat()).refused(2, words);
}

#[test]
fn a_value_of_ones_own_metric_is_reported() {
    let shop = Shop::new();
    let row = shop.json(&["measure", "open jobs", "-7.25", "--at", "2026-07-04 08:30"]);
    assert_eq!(
        (&row["metric"], &row["value"], &row["at"]),
        (&json!("open jobs"), &json!("-7.25"), &json!("2026-07-04T13:30:00Z"))
    );
    let said = shop.run(&["measure", "open jobs", "8"]).ok();
    assert_eq!(said.err, "no rule watches open jobs yet\n");
    let said = shop.run(&["measure", "open jobs", "8", "--at", "2026-07-04 08:31"]).ok();
    assert!(said.err.starts_with("a later value is known, of "), "{said:?}");
    shop.rule("open jobs", AlertSeverity::High);
    assert_eq!(shop.run(&["measure", "open jobs", "8"]).ok().err, "");
    let said = shop.run(&["measure", "Open job", "8"]).ok();
    assert_eq!(said.err, "no rule watches Open job: did you mean open jobs?\n");
    for (words, why) in [
        (&["nmc.missed_calls_1h", "7"][..], "METRIC must not begin with nmc., as the metrics of NeverMissCall's own do"),
        (&[" nmc.own", "7"], "METRIC must not begin with nmc."),
        (&["", "7"], "METRIC must not be empty"),
        (&["jobs", "many"], "must be a number"),
        (&["jobs", "7", "--at", "2099-01-01"], "--at must not be in the future"),
        (&["jobs", "123456789012"], "VALUE"),
        (&["jobs", "0.00001"], "must have no more than 4 decimals: no more are kept"),
    ] {
        shop.run(&[&["measure"], words].concat()).refused(2, why);
    }
    let metrics = crate::nmc::Nmc::bare().run(&["alert", "metrics", "--format", "json"]).json();
    assert_eq!(names(&metrics).len(), TRADE_METRICS.len(), "no database is asked");
}

#[test]
fn file_of_values_is_recorded_whole_or_not_at_all() {
    let shop = Shop::new();
    let record = |lines: &str| shop.nmc.run_with_input(&["alert", "measure", "--file", "-", "--format", "json"], lines);
    let good = "{\"metric\": \"open jobs\", \"value\": 7.25, \"at\": \"2026-07-04 08:30\"}\n\n{\"metric\": \"staff\", \"value\": \"-3\", \"at\": \"2026-07-04T08:30:00Z\"}\n";
    let done = record(good).json();
    assert_eq!((&done["read"], &done["written"]), (&json!(2), &json!(2)));
    assert_eq!(record(good).json()["written"], 0);
    let listed = |filter: &[&str]| -> Vec<(String, String)> {
        let page = shop.json(&[&["measurements"], filter].concat());
        let text = |value: &Value| value.as_str().expect("a text").to_owned();
        page["items"].as_array().expect("rows").iter().map(|row| (text(&row["metric"]), text(&row["value"]))).collect()
    };
    let staff = ("staff".to_owned(), "-3".to_owned());
    assert_eq!(listed(&["--metric", "staff"]), std::slice::from_ref(&staff));
    assert_eq!(listed(&["--to", "2026-07-04 08:00"]), [staff]);
    for (bad, why) in [
        ("{\"metric\": \"a\", \"value\": 1}\n{\"metric\": \"nmc.calls\", \"value\": 1}", "--file: line 2: metric"),
        ("\n{\"metric\": \"a\", \"value\": \"x\"}", "--file: line 2: value must be a number"),
        ("{\"metric\": \"a\", \"value\": 1, \"at\": \"soon\"}", "--file: line 1: at must be a day or a time"),
        ("{\"metric\": \"a\", \"x\": 1}", "--file: line 1: must be like"),
    ] {
        record(bad).refused(2, why);
    }
    assert_eq!(listed(&["--metric", "a"]), []);
    shop.run(&["measure", "jobs"]).refused(2, "required");
}
