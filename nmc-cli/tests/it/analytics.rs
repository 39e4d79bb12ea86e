//! `nmc analytics` and `nmc job`: figures, the rows behind them, targets, and jobs.

use crate::nmc::{Nmc, Said};
use crate::terminal::Terminal;
use nmc_core::JobType;
use nmc_core::analytics::NewJob;
use nmc_core::diesel::connection::SimpleConnection as _;
use nmc_core::testing::{Business, TestDb, VoiceForm, unique_phone, unique_sid};
use nmc_core::workflows::record_voice_status;
use serde_json::{Value, json};

const JOE: &str = "Joe's Plumbing";

/// A business with two missed calls of today, whose figures nobody has computed yet.
struct Shop {
    db: TestDb,
    joe: Business,
    nmc: Nmc,
}

impl Shop {
    fn new() -> Self {
        let db = TestDb::new();
        let joe = Business::onboard(&db.store, JOE);
        for _ in 0..2 {
            let missed = VoiceForm::missed(unique_phone().as_str(), &joe.number, &unique_sid("CA"));
            record_voice_status(&db.store, &missed.parse()).expect("a call");
        }
        let nmc = Nmc::on(db.url()).with("NMC_TENANT", JOE);
        Self { db, joe, nmc }
    }

    fn run(&self, words: &[&str]) -> Said {
        self.nmc.run(words)
    }

    fn json(&self, words: &[&str]) -> Value {
        self.run(&[words, &["--format", "json"]].concat()).json()
    }
}

#[test]
fn rebuild_is_left_to_a_worker_or_done_at_once() {
    let shop = Shop::new();
    let later = shop.run(&["analytics", "rebuild"]).ok();
    assert!(later.err.contains("a worker computes all"), "{later:?}");
    assert_eq!(shop.json(&["analytics", "show"])["rolled_up_at"], Value::Null);
    let now = shop.run(&["analytics", "rebuild", "--now", "--format", "json"]).ok();
    assert!(now.err.contains("hours are computed"), "{now:?}");
    let state = now.json();
    assert_eq!((&state["rebuild_before"], &state["formula"]), (&Value::Null, &json!(2)));
    let later = shop.run(&["analytics", "rebuild", "--format", "json"]).ok();
    assert!(later.err.contains("the latest month first"), "{later:?}");
    assert_eq!(later.json()["rebuild_before"], Value::Null);
    let job = shop.json(&["job", "list", "--open"])["items"][0].clone();
    assert_eq!((&job["type"], &job["status"]), (&json!("aggregation"), &json!("pending")));
}

#[test]
fn rebuild_at_once_beside_another_is_to_be_tried_later() {
    let shop = Shop::new();
    shop.run(&["analytics", "rebuild", "--now"]).ok();
    // Whoever computes the figures has this row in hand.
    let mut other = shop.db.superuser();
    other.batch_execute("BEGIN; SELECT FROM analytics_roll_ups FOR KEY SHARE").expect("the row");
    shop.run(&["analytics", "rebuild", "--now"]).refused(3, "a worker has the figures in hand, and computes them; try again");
    other.batch_execute("COMMIT").expect("an end");
    shop.run(&["analytics", "rebuild", "--now"]).ok();
}

#[test]
fn summary_is_shown_with_targets_and_the_hours_of_the_week() {
    let shop = Shop::new();
    shop.run(&["analytics", "rebuild", "--now"]).ok();
    for period in ["weekly", "monthly"] {
        shop.run(&["analytics", "target", "set", "missed_rate", "12.50", "--period", period]).ok();
    }
    let summary = shop.json(&["analytics", "show", "--period", "30d"]);
    assert_eq!((&summary["figures"]["nmc.calls_unanswered"], summary["days"].as_array().map(Vec::len)), (&json!("2"), Some(30)));
    let kpis = summary["kpis"].as_array().expect("key figures");
    let rate = kpis.iter().find(|kpi| kpi["name"] == "missed_rate").expect("the rate");
    assert_eq!((&rate["value"], &rate["target"], &rate["unit"]), (&json!("100"), &json!("12.5"), &json!("percent")));
    assert_eq!(summary["numbers"][0], json!({ "number": shop.joe.number, "inbound": 2, "answered": 0, "unanswered": 2 }));

    let piped = shop.run(&["analytics", "show"]).ok();
    assert!(piped.out.starts_with("name\tvalue\tbefore\ttrend\ttarget\tunit\tmore_is_better\tlabel\n"), "{piped:?}");
    assert!(piped.out.contains("missed_rate\t100\t\t\t12.5\tpercent\tfalse\tCalls missed\n"), "{piped:?}");
    assert!(piped.err.contains("now: 2 open conversations, 2 unassigned, 0 awaiting a reply; 0 open alerts"), "{piped:?}");
    assert!(!piped.out.contains("Mon"), "a pipe gets no map");

    let unicode = shop.nmc.clone().with("LANG", "de_DE.UTF-8");
    for (nmc, bars, shade) in [(&shop.nmc, "______#", "##"), (&unicode, "▁▁▁▁▁▁█", "██")] {
        let said = Terminal::show(nmc, &["analytics", "show"], 80).ok();
        for part in [bars, shade, "2 a day at the most", "     00  02  04", "Mon  ", "Sun  "] {
            assert!(said.err.contains(part), "no {part:?}: {said:#?}");
        }
        let is_drawn =
            |line: &&str| !["from ", "now: "].iter().any(|first| line.starts_with(first)) && !line.contains("slow statement");
        let drawn: Vec<&str> = said.err.lines().filter(is_drawn).collect();
        assert!(drawn.iter().all(|line| line.chars().count() <= 80), "{said:#?}");
    }
    let narrow = Terminal::show(&shop.nmc, &["analytics", "show"], 50).ok();
    assert!(!narrow.err.contains("Mon  "), "{narrow:#?}");
    shop.run(&["analytics", "show", "--period", "1y"]).refused(2, "today");
}

#[test]
fn rows_behind_a_figure_come_with_a_total_that_equals_it() {
    let shop = Shop::new();
    shop.run(&["analytics", "rebuild", "--now"]).ok();
    let summary = shop.json(&["analytics", "show"]);
    let told = shop.json(&["analytics", "explain", "missed_rate"]);
    let rows = told["rows"].as_array().expect("rows");
    assert_eq!(rows.len(), 2);
    assert!(rows.iter().all(|row| row["kind"] == "call" && row["counts"]["nmc.calls_unanswered"] == "1"), "{rows:?}");
    for name in ["nmc.calls_unanswered", "nmc.calls_inbound"] {
        assert_eq!(told["total"][name], summary["figures"][name], "{name}");
    }
    assert_eq!(told["value"], "100");
    let piped = shop.run(&["analytics", "explain", "nmc.calls_missed"]).ok();
    assert!(piped.out.starts_with("at\tkind\tid\tcounts\n"), "{piped:?}");
    let [counted, span] = [0, 1].map(|line| piped.err.lines().rev().nth(1 - line).unwrap());
    assert_eq!(counted, "nmc.calls_missed: 2, stored 2");
    assert!(span.starts_with("from 20") && span.contains(" 00:00 to 20") && span.contains("(America/Los_Angeles)"), "{span}");
    let days: Vec<chrono::NaiveDate> = span.split(' ').filter_map(|word| word.parse().ok()).collect();
    assert_eq!((days[1] - days[0]).num_days(), 6, "the seven days that show has, today among them");
    let by_number = format!("nmc.calls_inbound/{}", shop.joe.number);
    let of_number = shop.json(&["analytics", "explain", &by_number]);
    assert_eq!(
        (of_number["rows"].as_array().map(Vec::len), &of_number["total"], &of_number["stored"]),
        (Some(2), &json!({ by_number.clone(): "2" }), &json!({ by_number: "2" }))
    );
    let nobodys = shop.json(&["analytics", "explain", "nmc.calls_inbound/+13125550000"]);
    assert_eq!((&nobodys["rows"], &nobodys["stored"]["nmc.calls_inbound/+13125550000"]), (&json!([]), &json!("0")));
    shop.run(&["analytics", "explain", "nmc.calls_missed/+13125550000"]).refused(2, "nmc.calls_missed");
    let from = "2026-11-01 08:30";
    shop.db.execute("UPDATE tenants SET timezone = 'Pacific/Apia'");
    let skipped = ["analytics", "explain", "nmc.calls_missed", "--from", "2011-12-30", "--to", "2011-12-30"];
    assert_eq!(shop.json(&skipped)["rows"], json!([]), "a day that Samoa did not have");
    shop.db.execute("UPDATE tenants SET timezone = 'America/Los_Angeles'");
    assert_eq!(
        shop.json(&["analytics", "explain", "calls", "--from", from, "--to", "2026-11-02"])["stored"],
        Value::Null,
        "no whole days"
    );
    let before = shop.json(&["analytics", "explain", "missed_rate", "--from", "2020-01-01", "--to", "2020-01-31"]);
    assert_eq!((&before["rows"], &before["value"]), (&json!([]), &Value::Null));
    for label in ["Calls missed", "calls MISSED", "MISSED_RATE"] {
        let called = shop.json(&["analytics", "explain", label]);
        assert_eq!((&called["name"], &called["rows"]), (&told["name"], &told["rows"]), "{label}");
    }
    assert_eq!(shop.json(&["analytics", "explain", "NMC.calls_missed"])["name"], "nmc.calls_missed");
    shop.run(&["analytics", "explain", "luck"]).refused(2, "missed_rate");
    shop.run(&["analytics", "explain", "calls", "--from", "2020-01-01"]).refused(2, "366 days");
}

#[test]
fn what_became_of_a_call_is_told_and_taken_back() {
    let shop = Shop::new();
    let id: String = shop.db.query("SELECT id::text FROM calls ORDER BY id LIMIT 1").remove(0);
    let told = ["analytics", "tell", &id, "--converted", "--revenue", "250"];
    shop.run(&told).refused(3, "the call has not been computed yet");
    shop.run(&["analytics", "rebuild", "--now"]).ok();
    let row = shop.json(&told);
    let fields: Vec<_> = row.as_object().expect("an object").keys().cloned().collect();
    assert_eq!(fields, ["began", "call", "conversion_status", "customer_satisfaction", "revenue_impact", "status"]);
    assert_eq!(
        (&row["call"], &row["conversion_status"], &row["revenue_impact"]),
        (&json!(id), &json!("converted"), &json!("250"))
    );
    let row = shop.json(&["analytics", "tell", &id[24..], "--rating", "4.5"]);
    assert_eq!(
        (&row["conversion_status"], &row["customer_satisfaction"]),
        (&json!("converted"), &json!("4.5")),
        "the rest stays"
    );
    let row = shop.json(&["analytics", "tell", &id, "--afresh", "--conversion", "lost"]);
    assert_eq!((&row["conversion_status"], &row["revenue_impact"]), (&json!("lost"), &Value::Null));
    shop.run(&["analytics", "tell", &id]).refused(2, "nothing is told");
    shop.run(&["analytics", "tell", &id, "--rating", "6"]).refused(2, "--rating must");
    shop.run(&["analytics", "tell", "CA00", "--converted"]).refused(2, "call not found");
    let nobodys = uuid::Uuid::nil().to_string();
    shop.run(&["analytics", "tell", &nobodys, "--converted"]).refused(2, "call not found");
}

#[test]
fn targets_are_set_listed_and_removed() {
    let shop = Shop::new();
    let set = shop.json(&["analytics", "target", "set", "missed_rate", "12.5", "--period", "weekly"]);
    assert_eq!((&set["kpi"], &set["period"], &set["target"]), (&json!("missed_rate"), &json!("weekly"), &json!("12.5")));
    shop.run(&["analytics", "target", "set", "missed_rate", "10", "--period", "weekly"]).ok();
    let listed = shop.json(&["analytics", "target", "list"]);
    assert_eq!((&listed["items"][0]["target"], listed["items"].as_array().map(Vec::len)), (&json!("10"), Some(1)));
    let rate = shop.json(&["analytics", "target", "set", "missed_rate", "30 %", "--period", "weekly"]);
    assert_eq!(rate["target"], "30", "of what is in percent, the sign is taken");
    assert_eq!(shop.json(&["analytics", "target", "set", "Calls missed", "25", "--period", "weekly"])["kpi"], "missed_rate");
    shop.run(&["analytics", "target", "set", "missed_calls", "1.5"]).refused(2, "VALUE must be a whole number");
    shop.run(&["analytics", "target", "set", "missed_calls", "30%"]).refused(2, "not in percent");
    shop.run(&["analytics", "target", "set", "missed_rate", "30%%"]).refused(2, "must be a number");
    shop.run(&["analytics", "target", "set", "luck", "10"]).refused(2, "KPI");
    shop.run(&["analytics", "target", "set", "calls", "10", "--period", "hourly"]).refused(2, "daily");
    shop.run(&["analytics", "target", "remove", "missed_rate"]).refused(2, "target");
    shop.run(&["analytics", "target", "remove", "missed_rate", "--period", "weekly"]).ok();
    assert_eq!(shop.json(&["analytics", "target", "list"])["items"], json!([]));
}

#[test]
fn job_is_called_off_and_done_after_all() {
    let shop = Shop::new();
    let new = NewJob::now(JobType::Aggregation, json!({}));
    let id = shop.db.store.as_operator(&shop.joe.tenant, |tx| tx.jobs().create(&new)).expect("a job").id.to_string();
    let end = &id[id.len() - 8..];
    shop.run(&["job", "retry", end]).refused(2, "the job is pending: one that has failed can be tried again");
    let canceled = shop.json(&["job", "cancel", end]);
    assert_eq!((&canceled["status"], &canceled["error_message"]), (&json!("failed"), &json!("it was canceled")));
    assert_eq!(canceled["next_attempt_at"], Value::Null, "it is over");
    shop.run(&["job", "cancel", end]).refused(2, "the job is failed: one that waits can be canceled");
    let listed = |filters: &[&str]| shop.json(&[&["job", "list"], filters].concat())["items"].as_array().map(Vec::len);
    assert_eq!((listed(&["--open"]), listed(&["--status", "failed", "--type", "aggregation"])), (Some(0), Some(1)));
    assert_eq!(listed(&["--type", "report_generation"]), Some(0));
    assert_eq!(shop.json(&["job", "retry", &id])["status"], "pending");
    assert_eq!(listed(&["--open"]), Some(1));
    shop.run(&["job", "cancel", "0000"]).refused(2, "job");
}
