//! `nmc alert`: what people do with alerts, their rules and contacts.

use crate::nmc::{Nmc, Said};
use crate::terminal::Terminal;
use chrono::{DateTime, TimeDelta, Utc};
use nmc_core::alerts::NewAlertRule;
use nmc_core::testing::{Business, TestDb};
use nmc_core::{AlertOperator, AlertRuleId, AlertSeverity, NotificationChannel};
use serde_json::{Value, json};

const JOE: &str = "Joe's Plumbing";

/// A business with Ann, an administrator.
pub(crate) struct Shop {
    pub(crate) db: TestDb,
    pub(crate) joe: Business,
    pub(crate) nmc: Nmc,
}

impl Shop {
    pub(crate) fn new() -> Self {
        let db = TestDb::new();
        let joe = Business::onboard(&db.store, JOE);
        let nmc = Nmc::on(db.url()).with("NMC_TENANT", JOE);
        db.execute("UPDATE tenants SET timezone = 'America/Chicago'");
        let person = ["--first-name", "Ann", "--last-name", "Smith", "--role", "admin"];
        nmc.run(&[&["user", "invite", "--email", "ann@example.com"], &person[..]].concat()).ok();
        db.execute("UPDATE users SET password_hash = '$2b$'");
        Self { db, joe, nmc }
    }

    pub(crate) fn run(&self, words: &[&str]) -> Said {
        self.nmc.run(&[&["alert"], words].concat())
    }

    pub(crate) fn json(&self, words: &[&str]) -> Value {
        self.run(&[words, &["--format", "json"]].concat()).json()
    }

    /// A rule over a metric of this name.
    pub(crate) fn rule(&self, metric: &str, severity: AlertSeverity) -> AlertRuleId {
        let new = NewAlertRule::new(format!("Too many {metric}"), metric, AlertOperator::GreaterThan, 5.into(), severity);
        let new = NewAlertRule { notification_channels: vec![NotificationChannel::Email, NotificationChannel::Dashboard], ..new };
        self.db.store.tenant(&self.joe.tenant, |tx| tx.alert_rules().create(&new)).expect("a rule").id
    }

    /// An alert of that rule.
    pub(crate) fn alert(&self, rule: AlertRuleId) -> String {
        self.db
            .store
            .tenant(&self.joe.tenant, |tx| tx.alerts().raise(rule, 7.into(), None))
            .expect("an alert")
            .alert
            .id
            .to_string()
    }

    /// The rules of the alerts that a list has.
    pub(crate) fn listed(&self, filters: &[&str]) -> Vec<Value> {
        let page = self.json(&[&["list"], filters].concat());
        page["items"].as_array().expect("rows").iter().map(|row| row["metric"].clone()).collect()
    }
}

#[test]
fn alerts_are_listed_by_every_filter() {
    let shop = Shop::new();
    let jobs = shop.rule("jobs", AlertSeverity::High);
    let (jobs_alert, _) = (shop.alert(jobs), shop.alert(shop.rule("leaks", AlertSeverity::Low)));
    shop.run(&["resolve", &jobs_alert, "--by", "ann@example.com"]).ok();
    shop.db.execute("UPDATE alerts SET created_at = '2026-07-04 04:30:00Z' WHERE metric = 'leaks'");
    let id = jobs.to_string();
    for filters in [&["--status", "resolved"][..], &["--severity", "high"], &["--rule", &id], &["--rule", "Too many jobs"]] {
        assert_eq!(shop.listed(filters), ["jobs"], "{filters:?}");
    }
    for filters in [&["--open"][..], &["--status", "triggered"], &["--severity", "low"], &["--to", "2026-07-03"]] {
        assert_eq!(shop.listed(filters), ["leaks"], "{filters:?}");
    }
    assert_eq!(shop.listed(&[]), ["jobs", "leaks"]);
    assert_eq!(shop.listed(&["--from", "2026-07-04", "--status", "triggered"]), Vec::<Value>::new());
    let row = &shop.json(&["list", "--open"])["items"][0];
    assert_eq!(
        (&row["message"], &row["metric_value"], &row["threshold"]),
        (&json!("Too many leaks: leaks is 7, above 5"), &json!("7"), &json!("5"))
    );
    let shown = Terminal::show(&shop.nmc, &["alert", "list", "--open"], 200).ok();
    assert!(shown.err.contains("2026-07-03 23:30:00") && shown.err.contains("leaks is 7"), "{shown:?}");
    for (filters, why) in [
        (&["--status", "done"][..], "triggered"),
        (&["--status", "triggered", "--open"], "--open"),
        (&["--rule", "Nothing"], "rule not found"),
        (&["--severity", "bad"], "critical"),
    ] {
        shop.run(&[&["list"], filters].concat()).refused(2, why);
    }
}

#[test]
fn an_alert_is_taken_from_hand_to_hand_to_its_end() {
    let shop = Shop::new();
    let alert = shop.alert(shop.rule("jobs", AlertSeverity::High));
    let by = ["--by", "ann@example.com"];
    let step = |words: &[&str]| shop.json(&[&words[..1], &[alert.as_str()], &words[1..]].concat());
    assert_eq!(step(&["ack", by[0], by[1], "--note", "On my way"])["status"], "acknowledged");
    shop.run(&["ack", &alert, by[0], by[1]]).refused(2, "alert is acknowledged already");
    let raised: DateTime<Utc> = step(&["show"])["created_at"].as_str().unwrap().parse().unwrap();
    let day = (raised + TimeDelta::days(30)).date_naive();
    let snoozed = step(&["snooze", by[0], by[1], "--until", &format!("{day} 08:30"), "--note", "Holiday"]);
    assert_eq!(snoozed["status"], "snoozed");
    let on_their_clock = ["13", "14"].map(|hour| json!(format!("{day}T{hour}:30:00Z")));
    assert!(on_their_clock.contains(&snoozed["snoozed_until"]), "summer or winter: {snoozed:#}");
    assert_eq!(step(&["wake", by[0], by[1]])["status"], "triggered");
    assert_eq!(step(&["snooze", by[0], by[1], "--minutes", "30"])["status"], "snoozed");
    assert_eq!(step(&["resolve", by[0], by[1], "--note", "Fixed\u{1b}[2J"])["status"], "resolved");
    shop.run(&["resolve", &alert, by[0], by[1]]).refused(2, "alert is resolved already");

    let shown = step(&["show"]);
    assert_eq!((&shown["acknowledged_by"], &shown["snooze_note"]), (&json!("ann@example.com"), &json!("Holiday")));
    let entries = shown["history"].as_array().expect("entries");
    let ann = json!("ann@example.com");
    let by_ann: Vec<_> = entries.iter().filter(|entry| entry["by"] == ann).map(|entry| &entry["event"]).collect();
    assert!(
        ["resolved", "snoozed", "unsnoozed", "acknowledged"].iter().all(|event| by_ann.contains(&&json!(event))),
        "{shown:#}"
    );
    assert_eq!(entries.last().map(|entry| (&entry["event"], &entry["by"])), Some((&json!("triggered"), &Value::Null)));
    let told = shown["notifications"].as_array().expect("rows");
    let mut channels: Vec<_> = told.iter().filter(|row| row["recipient"] == ann).map(|row| row["channel"].as_str()).collect();
    channels.sort_unstable();
    assert_eq!(channels, [Some("dashboard"), Some("email")], "{shown:#}");
    let table = shop.run(&["show", &alert]).ok().out;
    for part in ["resolution_note\tFixed<U+001B>[2J\n", "\nhistory\ncreated_at\tevent\t", "note: On my way", "\nnotifications\n"]
    {
        assert!(table.contains(part), "no {part:?}: {table}");
    }
}

#[test]
fn alert_is_named_by_its_end_or_by_the_name_of_its_rule() {
    let shop = Shop::new();
    let (jobs, leaks) = (shop.rule("jobs", AlertSeverity::High), shop.rule("leaks", AlertSeverity::Low));
    let (jobs_alert, leak_alert) = (shop.alert(jobs), shop.alert(leaks));
    let by = ["--by", "ann@example.com"];
    for columns in [40, 80, 100] {
        let said = Terminal::show(&shop.nmc, &["alert", "list"], columns).ok();
        for part in [&format!("…{}", &jobs_alert[28..]), "  Too many jobs: "] {
            assert!(said.err.contains(part), "{columns}: no {part:?} in {said:#?}");
        }
        assert!(said.err.lines().take(3).all(|line| line.chars().count() <= usize::from(columns)), "{columns}: {said:#?}");
    }
    let resolved = shop.json(&["resolve", &format!("…{}", &jobs_alert[28..]), by[0], by[1]]);
    assert_eq!((&resolved["id"], &resolved["status"]), (&json!(jobs_alert), &json!("resolved")));
    assert_eq!(shop.json(&["ack", "Too many leaks", by[0], by[1]])["id"], json!(leak_alert));
    assert_eq!(shop.json(&["show", &jobs_alert[28..]])["id"], json!(jobs_alert), "what is over is found, too");
    shop.run(&["ack", "Too many jobs", by[0], by[1]]).refused(2, "open alert of that name not found");
    let said = Terminal::show(&shop.nmc, &["alert", "show", "Too many leaks"], 80).ok();
    let wide = |header: &str| said.err.lines().any(|line| line.contains("event  ") && line.contains(header));
    assert!(wide("by ") && wide("details") && said.err.contains("error message"), "{said:#?}");

    // Several of one name, or with one end, are nobody's to guess.
    shop.db.execute("UPDATE alerts SET rule_name = 'Both', status = 'triggered', resolved_at = NULL");
    let said = shop.run(&["show", "Both"]);
    for id in [&jobs_alert, &leak_alert] {
        assert!(said.err.contains(id.as_str()), "{said:?}");
    }
    said.refused(2, "the name is that of several: name one by its id, like ");
}

#[test]
fn contact_is_named_by_the_end_that_a_narrow_list_shows() {
    let shop = Shop::new();
    let contact = shop.json(&["contact", "add", "--type", "email", "joe@example.com"]);
    let id = contact["id"].as_str().expect("an id");
    let said = Terminal::show(&shop.nmc, &["alert", "contact", "list"], 80).ok();
    assert!(said.err.contains(&format!("…{}", &id[28..])), "{said:#?}");
    assert_eq!(shop.json(&["contact", "disable", &id[28..]])["is_active"], false);
    shop.run(&["contact", "remove", "abc"]).refused(2, "4 or more letters of its end");
    shop.run(&["contact", "remove", &id[28..]]).ok();
}

#[test]
fn a_step_of_an_alert_that_can_not_be_is_refused() {
    let shop = Shop::new();
    let rival = Business::onboard(&shop.db.store, "Rival Rooter");
    let theirs = rival.user(&shop.db.store).to_string();
    let alert = shop.alert(shop.rule("jobs", AlertSeverity::High));
    let by = ["--by", "ann@example.com"];
    let long = "x".repeat(2_001);
    for (words, why) in [
        (&["ack", &alert][..], "--by"),
        (&["ack", &alert, "--by", &theirs], format!("user {theirs} not found").as_str()),
        (&["ack", &alert, "--by", "eve@example.com"], "user eve@example.com not found"),
        (&["ack", &alert, by[0], by[1], "--note", &long], "--note must be at most 2000 characters"),
        (&["ack", "7", by[0], by[1]], "open alert of that name not found"),
        (&["ack", "01993b6e", by[0], by[1]], "alert not found"),
        (&["snooze", &alert, by[0], by[1]], "--until"),
        (&["snooze", &alert, by[0], by[1], "--until", "2020-01-01"], "--until must be in the future"),
        (&["snooze", &alert, by[0], by[1], "--until", "2999-01-01"], "--until must be within a year"),
        (&["snooze", &alert, by[0], by[1], "--until", "2099-01-01", "--minutes", "5"], "--minutes"),
        (&["snooze", &alert, by[0], by[1], "--minutes", "0"], "--minutes"),
        (&["wake", &alert], "--by"),
        (&["wake", &alert, by[0], by[1]], "alert is triggered already"),
        (&["show", &alert, "--tenant", "Rival Rooter"], "alert not found"),
        (&["resolve", &alert, "--by", &theirs, "--tenant", "Rival Rooter"], "alert not found"),
    ] {
        shop.run(words).refused(2, why);
    }
    assert_eq!(shop.json(&["show", &alert])["status"], "triggered");
}

/// The API refuses them, too.
#[test]
fn step_on_behalf_of_who_may_not_is_refused() {
    let shop = Shop::new();
    let alert = shop.alert(shop.rule("jobs", AlertSeverity::High));
    for (change, why) in
        [("role = 'viewer', is_active = true", "role does not allow that"), ("role = 'user', is_active = false", "deactivated")]
    {
        shop.db.execute(&format!("UPDATE users SET {change} WHERE email = 'ann@example.com'"));
        for words in [&["ack"][..], &["snooze", "--minutes", "5"], &["wake"], &["resolve"]] {
            shop.run(&[&words[..1], &[alert.as_str(), "--by", "ann@example.com"], &words[1..]].concat()).refused(2, why);
        }
    }
    assert_eq!(shop.json(&["show", &alert])["status"], "triggered");
}

#[test]
fn contacts_are_added_switched_and_removed() {
    let shop = Shop::new();
    shop.rule("jobs", AlertSeverity::High);
    let phone = ["contact", "add", "--type", "phone", "+1 (312) 555-0198", "--rule", "Too many jobs"];
    shop.run(&phone).refused(2, "--rule must be a rule that passes its alerts on: it does not escalate");
    shop.run(&["rule", "set", "Too many jobs", "--escalate", "true"]).ok();
    let add = |words: &[&str]| shop.json(&[&["contact", "add"], words].concat());
    let ann = add(&["--type", "user", "Ann@example.com", "--level", "2"]);
    assert_eq!((&ann["value"], &ann["level"], &ann["rule"]), (&json!("ann@example.com"), &json!(2), &Value::Null));
    let phone = shop.json(&phone);
    assert_eq!((&phone["value"], &phone["rule"]), (&json!("+13125550198"), &json!("Too many jobs")));
    let said = shop.run(&["contact", "add", "--type", "user", "Ann@example.com", "--level", "3"]).ok();
    assert!(said.err.contains("told by dashboard, email\n"), "{said:?}");
    shop.db.execute("UPDATE users SET password_hash = '!'");
    let said = shop.run(&["contact", "add", "--type", "user", "Ann@example.com", "--level", "3", "--rule", "Too many jobs"]).ok();
    assert!(said.err.contains("told of nothing before they accept the invitation"), "{said:?}");
    shop.db.execute("UPDATE users SET password_hash = '$2b$'");
    shop.db.execute("UPDATE phone_numbers SET status = 'inactive'");
    let said = shop.run(&["contact", "add", "--type", "phone", "+13125550197", "--level", "3"]).ok();
    assert!(said.err.contains("texts can't be sent: the business has no active number"), "{said:?}");
    shop.db.execute("DELETE FROM escalation_contacts WHERE escalation_level = 3");
    let hook = ["alert", "contact", "add", "--type", "webhook", "-", "--format", "json"];
    let hook = shop.nmc.run_with_input(&hook, "https://hooks.example.com/secret\n").json();
    assert_eq!(hook["value"], "https://hooks.example.com/…", "the rest may be its password");
    let id = phone["id"].as_str().expect("an id");
    assert_eq!(shop.json(&["contact", "disable", id])["is_active"], false);
    assert_eq!(shop.json(&["contact", "enable", id])["is_active"], true);
    let listed = |filters: &[&str]| -> Vec<Value> {
        let page = shop.json(&[&["contact", "list"], filters].concat());
        page["items"].as_array().expect("rows").iter().map(|row| row["type"].clone()).collect()
    };
    assert_eq!(listed(&[]), ["webhook", "phone", "user"]);
    assert_eq!(listed(&["--level", "2"]), ["user"]);
    assert_eq!(listed(&["--global"]), ["webhook", "user"]);
    shop.run(&["contact", "disable", id]).ok();
    assert_eq!(
        (listed(&["--active", "false"]), listed(&["--active", "true"])),
        (vec![json!("phone")], vec![json!("webhook"), json!("user")])
    );
    shop.run(&["contact", "enable", id]).ok();
    let set = |words: &[&str]| shop.json(&[&["contact", "set", id], words].concat());
    let moved = set(&["--level", "4", "--value", "+1 312 555 0196", "--all-rules"]);
    assert_eq!((&moved["level"], &moved["value"], &moved["rule"]), (&json!(4), &json!("+13125550196"), &Value::Null));
    assert_eq!(set(&["--rule", "Too many jobs"])["rule"], "Too many jobs");
    shop.run(&["contact", "set", id]).refused(2, "required");
    shop.run(&["contact", "set", id, "--value", "5550198"]).refused(2, "--value must be");
    shop.run(&["contact", "set", id, "--value", "+13125550196\n"]).refused(2, "--value must be");
    assert_eq!(listed(&["--rule", "Too many jobs"]), ["phone"]);
    assert_eq!(shop.json(&["contact", "remove", id])["id"], phone["id"]);
    shop.run(&["contact", "remove", id]).refused(2, "contact not found");
    for (words, why) in [
        (&["--type", "user", "eve@example.com"][..], "user eve@example.com not found"),
        (&["--type", "user", "Ann@example.com", "--level", "2"], "already"),
        (&["--type", "email", "joe"], "VALUE must be an e-mail address"),
        (&["--type", "phone", "5550198"], "VALUE must be"),
        (&["--type", "user", "joe"], "VALUE must be an address"),
        (&["--type", "webhook", "http://joe@localhost"], "VALUE must be an http or https URL without a user"),
        (&["--type", "email", "joe@example.com", "--level", "0"], "--level"),
        (&["--type", "email", "joe@example.com", "--rule", "Nothing"], "rule not found"),
    ] {
        shop.run(&[&["contact", "add"], words].concat()).refused(2, why);
    }
}

#[test]
fn secret_of_a_webhook_is_printed_and_replaced() {
    let Shop { nmc, db: _db, joe: _joe } = Shop::new();
    let folder = std::env::temp_dir().join(format!("nmc-secrets-{}", uuid::Uuid::now_v7()));
    std::fs::create_dir(&folder).expect("a folder");
    let nmc = nmc.with("NMC_TOKEN_KEYS", folder.join("keys").to_str().expect("a name"));
    let add = |kind: &str, value: &str| ["alert", "contact", "add", "--type", kind, value, "--format", "json"].map(str::to_owned);
    let added = |kind: &str, value: &str| nmc.run(&add(kind, value).each_ref().map(String::as_str));
    let hook = added("webhook", "https://hooks.example.com/x").json();
    let id = hook["id"].as_str().expect("an id");
    let secret = |verb: &str| nmc.run(&["alert", "contact", verb, id, "--format", "json"]).ok();
    let first = secret("secret");
    assert!(first.err.contains("this is a secret"), "{first:?}");
    let first = first.json()["secret"].clone();
    assert!(first.as_str().is_some_and(|text| text.starts_with("whsec_")), "{first}");
    assert_eq!(secret("secret").json()["secret"], first);
    nmc.run(&["alert", "contact", "rotate-secret", id]).refused(2, "say --yes");
    assert_eq!(secret("secret").json()["secret"], first);
    let second = nmc.run(&["alert", "contact", "rotate-secret", id, "--yes", "--format", "json"]).ok();
    assert!(second.err.contains("the one before signs, too, until"), "{second:?}");
    let second = second.json()["secret"].clone();
    assert_ne!(second, first);
    assert_eq!(secret("secret").json()["secret"], second);
    let mail = added("email", "boss@example.com").json();
    let mail = mail["id"].as_str().expect("an id").to_owned();
    for verb in ["secret", "rotate-secret"] {
        nmc.run(&["alert", "contact", verb, &mail]).refused(2, "contact is no webhook: it has no secret");
    }

    let port = "VALUE can't be sent to: its URL names a port that is not allowed";
    added("webhook", "https://hooks.example.com:8443/x").refused(2, port);
    let port = "--value can't be sent to: its URL names a port that is not allowed";
    nmc.run(&["alert", "contact", "set", id, "--value", "https://hooks.example.com:8443/x"]).refused(2, port);
    nmc.run(&["alert", "contact", "set", &mail, "--value", "it@example.com"]).ok();
    let open = nmc.with("NMC_WEBHOOK_PORTS", "8443");
    open.run(&add("webhook", "https://hooks.example.com:8443/x").each_ref().map(String::as_str)).ok();
    std::fs::remove_dir_all(&folder).expect("it goes");
}

#[test]
fn test_of_a_rule_is_no_alert_over_a_value() {
    let shop = Shop::new();
    shop.rule("jobs", AlertSeverity::High);
    shop.run(&["rule", "set", "Too many jobs", "--channel", "email"]).ok();
    let test = shop.json(&["test", "Too many jobs"]);
    assert_eq!((&test["is_test"], &test["metric_value"]), (&json!(true), &Value::Null));
    assert_eq!(test["message"], "Too many jobs: this is a test");
    assert_eq!(shop.json(&["list"])["items"].as_array().map(Vec::len), Some(1));
    assert_eq!(shop.json(&["list", "--no-tests"])["items"], json!([]));
}

#[test]
fn tests_of_rules_are_five_a_minute() {
    let shop = Shop::new();
    shop.rule("jobs", AlertSeverity::High);
    for _ in 0..5 {
        shop.run(&["test", "Too many jobs"]).ok();
    }
    shop.run(&["test", "Too many jobs"]).refused(2, "tests were five within a minute");
}

#[test]
fn alerts_are_listed_by_metric_and_attention() {
    let shop = Shop::new();
    for metric in ["jobs", "calls"] {
        shop.alert(shop.rule(metric, AlertSeverity::High));
    }
    assert_eq!(shop.listed(&["--metric", "jobs"]), ["jobs"]);
    shop.db.execute("UPDATE alerts SET status = 'snoozed', snoozed_at = now(), snoozed_until = now() + interval '1 hour' WHERE metric = 'jobs'");
    assert_eq!(shop.listed(&["--active"]), ["calls"]);
}
