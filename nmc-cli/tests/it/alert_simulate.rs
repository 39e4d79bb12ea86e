//! `nmc alert simulate`: a rule over what was measured, without any alert being raised.

use crate::alerts::Shop;
use crate::nmc::Nmc;
use crate::terminal::Terminal;
use nmc_core::AlertSeverity;
use nmc_core::testing::Business;
use serde_json::{Value, json};

/// A business that has a rule over jobs (above 5), and an hour of a day of July in which there were 9 from the 20th to the 39th minute.
fn shop() -> Shop {
    let shop = Shop::new();
    shop.rule("jobs", AlertSeverity::High);
    measured(&shop, "'2025-07-04 13:00Z'::timestamptz", "1 minute", 60, "CASE WHEN place BETWEEN 20 AND 39 THEN 9 ELSE 2 END");
    shop
}

/// Writes so many values of jobs from an instant on.
fn measured(shop: &Shop, from: &str, every: &str, count: u32, value: &str) {
    shop.db.execute(&format!(
        "INSERT INTO alert_metrics_cache (id, tenant_id, metric_name, metric_value, measurement_time, created_at) \
         SELECT gen_random_uuid(), '{}', 'jobs', {value}, {from} + place * interval '{every}', now() \
         FROM generate_series(0, {count} - 1) AS place",
        shop.joe.tenant.id()
    ));
}

const SPAN: [&str; 4] = ["--from", "2025-07-04 08:00", "--to", "2025-07-04 09:00"];

fn simulated(shop: &Shop, more: &[&str]) -> Value {
    shop.json(&[&["simulate", "--rule", "Too many jobs"], &SPAN[..], more].concat())
}

/// The minutes of the hour, and what happened in them.
fn events(simulation: &Value) -> Vec<(&str, &str)> {
    let entries = simulation["timeline"].as_array().expect("entries").iter();
    entries.map(|entry| (&entry["at"].as_str().expect("a time")[14..16], entry["event"].as_str().expect("a word"))).collect()
}

#[test]
fn rule_is_replayed_as_it_is_and_as_it_could_be() {
    let shop = shop();
    let as_it_is = simulated(&shop, &[]);
    assert_eq!((&as_it_is["values"], &as_it_is["from"]), (&json!(60), &json!("2025-07-04T13:00:00Z")));
    assert_eq!(events(&as_it_is), [("20", "raised"), ("40", "over")]);
    assert_eq!(as_it_is["rule"], shop.json(&["rule", "show", "Too many jobs"]), "but for what is tried, it is the rule");
    assert_eq!((&as_it_is["timeline"][0]["value"], &as_it_is["timeline"][1]["value"]), (&json!("9"), &json!("2")));
    for (more, expected) in [
        (&["--for", "5m"][..], &[("25", "raised"), ("40", "over")][..]),
        (&["--for", "20m"], &[]),
        (&["--threshold", "9"], &[]),
        (&["--keep-firing", "10m"], &[("20", "raised"), ("50", "over")]),
        (&["--recover-at", "1"], &[("20", "raised")]),
        (&["--only-when-open", "true"], &[("20", "raised"), ("40", "over")]),
    ] {
        assert_eq!(events(&simulated(&shop, more)), expected, "{more:?}");
    }
    shop.json(&["rule", "set", "Too many jobs", "--recover-at", "4"]);
    let lower = [&["simulate", "--rule", "Too many jobs"], &SPAN[..], &["--threshold", "3", "--format", "json"]].concat();
    let tried = shop.run(&lower).ok();
    assert!(tried.err.contains("the rule's --recover-at, 4, lies beyond this threshold: left out"), "{tried:?}");
    shop.run(&[&lower[..], &["--recover-at", "4.5"]].concat()).refused(2, "--recover-at must not lie beyond");
    shop.json(&["rule", "set", "Too many jobs", "--recover-at", "none"]);
    shop.db.execute("UPDATE tenants SET business_hours_start = '08:30', business_hours_end = '17:00'");
    assert_eq!(events(&simulated(&shop, &["--only-when-open", "true"])), [("30", "raised"), ("40", "over")]);
    assert_eq!(shop.listed(&[]), Vec::<Value>::new(), "no alert is raised");
    assert_eq!(shop.json(&["rule", "show", "Too many jobs"])["threshold"], "5");
}

#[test]
fn rule_that_is_kept_nowhere_is_replayed() {
    let shop = shop();
    let tried = |more: &[&'static str]| [&["simulate", "--metric", "jobs"], &SPAN[..], more].concat();
    let above = ["--operator", "greater_than", "--threshold", "5"];
    let simulation = shop.json(&tried(&above));
    assert_eq!(events(&simulation), [("20", "raised"), ("40", "over")]);
    assert_eq!((&simulation["rule"]["id"], &simulation["rule"]["metric"]), (&Value::Null, &json!("jobs")));
    assert_eq!(events(&shop.json(&tried(&[&above[..], &["--for", "5m"]].concat()))), [("25", "raised"), ("40", "over")]);
    assert_eq!(events(&simulated(&shop, &["--operator", "less_than"])), [("00", "raised"), ("20", "over"), ("40", "raised")]);
    shop.run(&tried(&["--operator", "greater_than"])).refused(2, "--threshold");
    shop.run(&tried(&[&above[..], &["--rule", "Too many jobs"]].concat())).refused(2, "--rule");
    shop.run(&tried(&[&above[..], &["--recover-at", "9"]].concat())).refused(2, "--recover-at");
    shop.run(&[&["simulate", "--metric", "nmc.luck"], &above[..]].concat()).refused(2, "--metric");
    shop.run(&[&["simulate"], &SPAN[..]].concat()).refused(2, "--rule");
    let rules = shop.json(&["rule", "list"])["items"].as_array().map(Vec::len);
    assert_eq!(rules, Some(1), "nothing is kept");
}

#[test]
fn simulation_in_a_pipe_is_lines_with_tabs() {
    let said = shop().run(&[&["simulate", "--rule", "Too many jobs"], &SPAN[..]].concat()).ok();
    assert_eq!(
        said.out,
        "at\tevent\tvalue\tsilent_since\tchanges\n\
         2025-07-04T13:20:00Z\traised\t9\t\t\n\
         2025-07-04T13:40:00Z\tover\t2\t\t\n"
    );
    assert_eq!(said.err, "alerts from 2025-07-04 08:00 to 2025-07-04 09:00: 1\n");
}

#[test]
fn simulation_on_a_terminal_is_plotted_as_wide_as_it_is() {
    let shop = shop();
    let words = [&["alert", "simulate", "--rule", "Too many jobs"], &SPAN[..]].concat();
    let unicode = shop.nmc.clone().with("LANG", "de_DE.UTF-8");
    let plain = unicode.clone().with("LC_ALL", "C");
    for (nmc, threshold, dots) in
        [(&shop.nmc, "    5 |------", "*"), (&unicode, "    5 ┤┄┄┄┄┄┄", "⠉⠉"), (&plain, "    5 |------", "*")]
    {
        let said = Terminal::show(nmc, &words, 70).ok();
        for part in [threshold, dots, "07-04 08:00 ", " 07-04 09:00\r\n", "2025-07-04 08:20:00  raised"] {
            assert!(said.err.contains(part), "no {part:?}: {said:#?}");
        }
        assert!(said.err.lines().all(|line| line.chars().count() <= 70), "{said:#?}");
    }
    assert!(!shop.run(&words[1..]).ok().out.contains("|--"), "a pipe gets no plot");
}

#[test]
fn metric_without_values_is_said_to_have_none() {
    let shop = shop();
    let day = ["simulate", "--rule", "Too many jobs", "--from", "2025-07-03", "--to", "2025-07-03"];
    let said = shop.run(&day).ok();
    assert!(said.err.contains("jobs has no values from 2025-07-03 00:00 to 2025-07-03 24:00\n"), "{said:?}");
    assert_eq!(said.out.lines().count(), 1, "{said:?}");
    let silent = shop.json(&[&day[..], &["--no-data", "alert", "--no-data-after", "1h"]].concat());
    assert_eq!(silent["values"], 0);
    assert_eq!(
        (&silent["timeline"][0]["event"], &silent["timeline"][0]["at"], &silent["timeline"][0]["silent_since"]),
        (&json!("raised_for_silence"), &json!("2025-07-03T06:01:00Z"), &json!("2025-07-03T05:00:00Z"))
    );
}

#[test]
fn values_that_are_not_known_are_said_to_be_missing() {
    let shop = shop();
    // Another six, an hour apart, after the hour in which there was one a minute.
    measured(&shop, "'2025-07-04 15:00Z'::timestamptz", "1 hour", 6, "2");
    let span = ["simulate", "--rule", "Too many jobs", "--from", "2025-07-01 00:00", "--to", "2025-07-04 15:30"];
    let known = shop.json(&span);
    assert_eq!((&known["values"], &known["values_from"]), (&json!(66), &json!("2025-07-04T13:00:00Z")));
    let gaps = known["gaps"].as_array().expect("gaps");
    assert_eq!(gaps[0], json!({"from": "2025-07-04T13:59:00Z", "to": "2025-07-04T15:00:00Z"}));
    assert_eq!((gaps.len(), &gaps[6]), (7, &json!({"from": "2025-07-04T20:00:00Z", "to": "2025-07-04T20:30:00Z"})));
    let said = shop.run(&span).ok().err;
    for line in [
        "jobs has values from 2025-07-04 08:00 on: they are kept for a week, and what was before is not known\n",
        "jobs has no values from 2025-07-04 08:59 to 2025-07-04 10:00: a gap, in which nothing is known\n",
        "jobs has 2 more gaps\n",
    ] {
        assert!(said.contains(line), "no {line:?}: {said}");
    }
    assert_eq!(said.matches("a gap").count(), 5, "{said}");
    // A rule that calls two hours of nothing no silence has no gaps.
    let patient = shop.json(&[&span[..], &["--no-data-after", "2h"]].concat());
    assert_eq!((&patient["gaps"], &simulated(&shop, &[])["gaps"]), (&json!([]), &json!([])));
}

#[test]
fn simulation_without_a_span_is_of_the_last_day() {
    let shop = Shop::new();
    shop.rule("jobs", AlertSeverity::High);
    measured(&shop, "date_trunc('minute', now()) - interval '23 hours'", "1 minute", 2, "9");
    measured(&shop, "date_trunc('minute', now()) - interval '25 hours'", "1 minute", 2, "9");
    let simulation = shop.json(&["simulate", "--rule", "Too many jobs"]);
    assert_eq!((&simulation["values"], simulation["timeline"].as_array().map(Vec::len)), (&json!(2), Some(1)));
    assert_eq!(simulation["timeline"][0]["event"], "raised");
}

#[test]
fn value_of_this_minute_is_replayed_too() {
    let shop = Shop::new();
    shop.rule("jobs", AlertSeverity::High);
    shop.run(&["measure", "jobs", "9"]).ok();
    assert_eq!(shop.json(&["simulate", "--rule", "Too many jobs"])["timeline"][0]["event"], "raised");
}

#[test]
fn simulation_that_can_not_be_is_refused() {
    let shop = shop();
    let rival = Business::onboard(&shop.db.store, "Rival Rooter");
    let refused = |nmc: &Nmc, more: &[&str], why: &str| {
        nmc.run(&[&["alert", "simulate", "--rule", "Too many jobs"], more].concat()).refused(2, why);
    };
    for (more, why) in [
        (&["--from", "2025-01-01", "--to", "2025-02-01"][..], "at most 31 days after it"),
        (&["--from", "2099-01-01"], "--from must lie in the past"),
        (&["--from", "2025-07-04", "--to", "2025-07-03"], "--to must lie after --from"),
        (&["--recover-at", "6"], "--recover-at must not lie beyond the threshold"),
        (&["--threshold", "many"], "must be a number"),
        (&["--tenant", &rival.row.business_name], "rule not found"),
    ] {
        refused(&shop.nmc, more, why);
    }
    let day = ["--from", "2025-06-02", "--to", "2025-06-02"];
    measured(&shop, "'2025-06-02 06:00Z'::timestamptz", "1 second", 50_000, "1");
    shop.db.execute("ANALYZE alert_metrics_cache");
    assert_eq!(shop.json(&[&["simulate", "--rule", "Too many jobs"], &day[..]].concat())["values"], 50_000);
    measured(&shop, "'2025-06-02 05:30Z'::timestamptz", "1 second", 1, "1");
    refused(&shop.nmc, &day, "more than 50000 values: choose a shorter span");
}

#[test]
fn help_says_that_what_is_not_named_is_the_rules() {
    let said = Nmc::bare().run(&["alert", "simulate", "--help"]).ok();
    assert!(said.out.contains("[default: the rule's]") && !said.out.contains("new rule"), "{said:?}");
    assert!(!said.out.lines().any(|line| line.starts_with("Usage") && line.contains("--data-dir")), "{said:?}");
}
