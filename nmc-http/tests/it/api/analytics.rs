//! Figures, key figures and their targets, jobs, and what people tell of calls and conversations.

use crate::site::Site;
use nmc_core::analytics::NewJob;
use nmc_core::chrono::TimeDelta;
use nmc_core::testing::{SmsForm, VoiceForm, unique_phone, unique_sid};
use nmc_core::workflows::{JobWorker, JobWorkerConfig, receive_text, record_voice_status, roll_up_all};
use nmc_core::{JobType, UserRole};
use serde_json::{Value, json};

/// Two missed calls, of which one customer wrote; and the span that they lie in.
fn calls(site: &Site) -> String {
    let store = &site.db.store;
    let customers = [unique_phone(), unique_phone()];
    for from in &customers {
        let missed = VoiceForm::missed(from.as_str(), &site.joe.number, &unique_sid("CA"));
        record_voice_status(store, &missed.parse()).unwrap();
    }
    receive_text(store, &SmsForm::text(customers[0].as_str(), &site.joe.number, "The sink leaks").parse()).unwrap();
    assert_eq!(roll_up_all(store).unwrap().failed, 0);
    let now = store.as_operator(&site.joe.tenant, |tx| Ok(tx.now())).unwrap();
    let span = [-TimeDelta::days(2), TimeDelta::days(2)].map(|by| (now + by).format("%Y-%m-%dT%H:%M:%SZ").to_string());
    format!("from={}&until={}", span[0], span[1])
}

fn get(site: &Site, path: &str) -> Value {
    let viewer = site.person(&site.joe, UserRole::Viewer).access;
    site.call("GET", path).by(&viewer).expect(200).document()
}

#[test]
fn summary_holds_the_widgets_of_the_dashboard() {
    let site = Site::new();
    let before = get(&site, "/v1/analytics/summary");
    assert_eq!(
        (&before["period"], &before["rolled_up_at"], &before["is_rebuilding"]),
        (&json!("7d"), &Value::Null, &json!(true))
    );
    calls(&site);
    let lengths = [("today", 1, "daily", "40"), ("7d", 7, "weekly", "35"), ("30d", 30, "monthly", "30")];
    for (.., length, target) in lengths {
        let set = site.call("PUT", format!("/v1/kpi-targets/missed_rate/{length}")).by(&site.owner().access);
        set.json(&json!({ "target": target })).expect(200);
    }
    for (period, days, _, target) in lengths {
        let summary = get(&site, &format!("/v1/analytics/summary?period={period}"));
        assert_eq!((&summary["period"], summary["days"].as_array().unwrap().len()), (&json!(period), days));
        assert_eq!(summary["figures"]["nmc.calls_unanswered"], "2");
        assert_eq!(summary["figures_before"], json!({}));
        assert_eq!(summary["days"][days - 1]["figures"]["nmc.texts_received"], "1");
        assert!(summary["rolled_up_at"].is_string(), "{summary}");
        let kpi = summary["kpis"].as_array().unwrap().iter().find(|kpi| kpi["name"] == "missed_rate").unwrap();
        let expected = json!({
            "name": "missed_rate", "label": "Calls missed", "unit": "percent", "more_is_better": false, "value": "100",
            "before": null, "trend": null, "target": target,
        });
        assert_eq!(kpi, &expected);
        let week = summary["week"].as_array().unwrap();
        let counted = week.iter().flat_map(|day| day["unanswered"].as_array().unwrap()).map(|count| count.as_i64().unwrap());
        assert_eq!((week.len(), counted.sum::<i64>()), (7, 2));
        assert_eq!(summary["numbers"], json!([{ "number": site.joe.number, "inbound": 2, "answered": 0, "unanswered": 2 }]));
        assert_eq!(summary["now"]["awaiting_reply"], 1);
    }
    let owner = site.owner().access;
    let refused = site.call("GET", "/v1/analytics/summary?period=1y").by(&owner).expect(400);
    assert_eq!(refused.field().as_deref(), Some("period"));
}

#[test]
fn figures_of_a_span_are_the_sums_of_their_rows() {
    let site = Site::new();
    let span = calls(&site);
    let figures = get(&site, &format!("/v1/analytics/figures?{span}"));
    assert_eq!((&figures["figures"]["nmc.calls_unanswered"], &figures["kpis"]["missed_rate"]), (&json!("2"), &json!("100")));
    assert!(figures["kpis"].get("cost_per_text").is_none_or(|cost| cost.is_string()));
    let mut rows = Vec::new();
    let mut after = String::new();
    loop {
        let page = get(&site, &format!("/v1/analytics/figures/rows?{span}&kpi=missed_rate&limit=1{after}"));
        rows.extend(page["items"].as_array().unwrap().clone());
        let Some(next) = page["next"].as_str() else { break };
        after = format!("&after={next}");
    }
    assert_eq!(rows.len(), 2);
    assert!(rows.iter().all(|row| row["kind"] == "call" && row["counts"]["nmc.calls_unanswered"] == "1"), "{rows:?}");
    let texts = get(&site, &format!("/v1/analytics/figures/rows?{span}&figure=nmc.texts_received"));
    assert_eq!((texts["items"].as_array().unwrap().len(), &texts["items"][0]["kind"]), (1, &json!("message")));
    // October in Berlin has an hour more than 31 days.
    get(&site, "/v1/analytics/figures?from=2026-09-30T22:00:00Z&until=2026-10-31T23:00:00Z");

    let owner = site.owner().access;
    for (path, field, rule) in [
        ("figures?from=2026-01-01T00:00:00Z", "until", "is required"),
        (
            "figures/rows?from=2026-01-01T00:00:00Z&until=2026-01-02T00:00:00Z&figure=nmc.no_such",
            "figure",
            "must be the name of a figure, such as nmc.calls_missed",
        ),
        ("figures?from=2026-01-01T00:00:00Z&until=2026-02-01T03:00:01Z", "until", "must be at most 31 days after from"),
        ("figures?from=2026-01-02T00:00:00Z&until=2026-01-01T00:00:00Z", "until", "must not be before from"),
        ("figures?from=1026-01-02T00:00:00Z&until=1026-01-03T00:00:00Z", "from", "must lie between the years 1970 and 9999"),
        ("figures/rows?from=2026-01-01T00:00:00Z&until=2026-01-02T00:00:00Z", "figure", "is required, or kpi"),
        ("figures/rows?from=2026-01-01T00:00:00Z&until=2026-01-02T00:00:00Z&kpi=x", "kpi", "must be the name of a key figure"),
        (
            "figures/rows?from=2026-01-01T00:00:00Z&until=2026-01-02T00:00:00Z&kpi=calls&figure=x",
            "figure",
            "must not be given with kpi",
        ),
    ] {
        let refused = site.call("GET", format!("/v1/analytics/{path}")).by(&owner).expect(400);
        let detail = refused.document()["errors"][0]["detail"].as_str().unwrap().to_owned();
        assert_eq!(refused.field().as_deref(), Some(field), "{path}");
        assert!(detail.starts_with(rule), "{path}: {detail}");
    }
}

#[test]
fn stored_figures_are_listed_by_level_and_dimension() {
    let site = Site::new();
    let span = calls(&site);
    let listed = |query: &str| {
        let page = get(&site, &format!("/v1/analytics/metrics?{span}&{query}"));
        let items = page["items"].as_array().unwrap().clone();
        items.iter().map(|row| row["value"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(listed("name=nmc.calls_missed&level=daily"), ["2"]);
    assert_eq!(listed("name=nmc.calls_missed&level=daily&type=revenue"), Vec::<String>::new());
    let number = site.joe.number.as_str().replace('+', "%2B");
    assert_eq!(listed(&format!("level=daily&number={number}&limit=10")), ["2", "2"], "inbound and unanswered");
    assert_eq!(listed(&format!("number={}", unique_phone().as_str().replace('+', "%2B"))), Vec::<String>::new());
    let owner = site.owner().access;
    for (query, field) in [("level=yearly", "level"), ("name=", "name"), ("assignee=me", "assignee"), ("limit=0", "limit")] {
        let refused = site.call("GET", format!("/v1/analytics/metrics?{query}")).by(&owner).expect(400);
        assert_eq!(refused.field().as_deref(), Some(field), "{query}");
    }
}

#[test]
fn figures_are_computed_anew_when_somebody_says_so() {
    let site = Site::new();
    let (owner, state) = (site.owner().access, || get(&site, "/v1/analytics/roll-up"));
    let never = json!({ "rolled_up_at": null, "rebuild_before": null, "timezone": null, "formula": null, "current_formula": 2 });
    assert_eq!(state(), never);
    let rebuild = || site.call("POST", "/v1/analytics/rebuild").by(&owner).expect(202).document();
    assert_eq!(rebuild(), never, "what was never computed is computed whole");
    calls(&site);
    assert_eq!((&state()["rebuild_before"], &state()["formula"]), (&Value::Null, &json!(2)));
    assert_eq!(rebuild()["rebuild_before"], Value::Null, "a job has yet to begin");
    let worker = JobWorker::new(site.db.store.clone(), JobWorkerConfig::default());
    assert_eq!(worker.pass().unwrap().worked, 1);
    assert!(state()["rebuild_before"].is_string());
    assert_eq!(get(&site, "/v1/analytics/summary")["is_rebuilding"], true);
    assert_eq!(roll_up_all(&site.db.store).unwrap().failed, 0);
    assert_eq!(state()["rebuild_before"], Value::Null);
}

#[test]
fn targets_are_what_snapshots_are_compared_with() {
    let site = Site::new();
    let owner = site.owner().access;
    let set = |path: &str, target: Value| {
        site.call("PUT", format!("/v1/kpi-targets/{path}")).by(&owner).json(&json!({ "target": target })).send()
    };
    assert_eq!(set("missed_rate/daily", json!("50")).status, 200);
    assert_eq!(set("missed_rate/daily", json!("40")).document()["target"], "40");
    let targets = get(&site, "/v1/kpi-targets")["items"].clone();
    assert_eq!(
        (targets.as_array().unwrap().len(), &targets[0]["kpi"], &targets[0]["period"]),
        (1, &json!("missed_rate"), &json!("daily"))
    );
    calls(&site);
    let kpis = get(&site, "/v1/kpis?name=missed_rate&period=daily")["items"].clone();
    let row = &kpis[0];
    assert_eq!((&row["value"], &row["target"], &row["variance_percentage"]), (&json!("100"), &json!("40"), &json!("150")));
    assert_eq!((kpis.as_array().unwrap().len(), &row["trend"], &row["formula"]), (1, &Value::Null, &json!(2)));

    for (path, status) in [("no_such/daily", 404), ("missed_rate/hourly", 404), ("missed_rate/yearly", 404)] {
        assert_eq!(set(path, json!("40")).status, status, "{path}");
    }
    for (target, rule) in
        [(json!("30%"), "must be a number, like 12.5"), (json!(4), "must be a string"), (json!("0.00001"), "must have at most 4")]
    {
        let (pointer, detail) = set("missed_rate/daily", target).refusal();
        assert!(pointer == "#/target" && detail.starts_with(rule), "{pointer} {detail}");
    }
    let part = set("missed_calls/daily", json!("1.5")).refusal();
    assert_eq!(part, ("#/target".to_owned(), "must be a whole number: it is in calls".to_owned()));
    let remove = || site.call("DELETE", "/v1/kpi-targets/missed_rate/daily").by(&owner).send().status;
    assert_eq!((remove(), remove()), (204, 404));
    assert_eq!(get(&site, "/v1/kpi-targets")["items"], json!([]));

    let definitions = get(&site, "/v1/kpis/definitions")["items"].clone();
    let rate = definitions.as_array().unwrap().iter().find(|kpi| kpi["name"] == "cost_per_call").unwrap().clone();
    assert_eq!(rate["denominator"], json!(["nmc.calls_inbound", "nmc.calls_outbound"]));
}

#[test]
fn job_is_called_off_and_done_after_all() {
    let site = Site::new();
    let owner = site.owner().access;
    let new = NewJob::now(JobType::Aggregation, json!({ "period": "day" }));
    let id = site.db.store.as_operator(&site.joe.tenant, |tx| tx.jobs().create(&new)).unwrap().id;
    let step = |verb: &str| site.call("POST", format!("/v1/jobs/{id}/{verb}")).by(&owner).send();
    assert_eq!(step("retry").status, 409, "it is pending");
    let canceled = step("cancel").document();
    assert_eq!((&canceled["status"], &canceled["error_message"]), (&json!("failed"), &json!("it was canceled")));
    assert_eq!(step("cancel").status, 409);
    let listed = |query: &str| get(&site, &format!("/v1/jobs?{query}"))["items"].as_array().unwrap().len();
    assert_eq!((listed("open=true"), listed("status=failed&type=aggregation"), listed("type=report_generation")), (0, 1, 0));
    let again = step("retry").document();
    assert_eq!((&again["status"], &again["error_message"], &again["attempts"]), (&json!("pending"), &Value::Null, &json!(0)));
    let job = get(&site, &format!("/v1/jobs/{id}"));
    assert_eq!((&job["status"], &job["parameters"]), (&json!("pending"), &json!({ "period": "day" })));
}

#[test]
fn what_people_tell_of_a_call_counts() {
    let site = Site::new();
    calls(&site);
    let owner = site.owner().access;
    let rows = get(&site, "/v1/call-analytics?status=missed")["items"].as_array().unwrap().clone();
    assert_eq!(rows.len(), 2);
    let path = format!("/v1/call-analytics/{}", rows[0]["id"].as_str().unwrap());
    let before = site.call("GET", path.clone()).by(&owner).expect(200);
    let tag = before.header("ETag").unwrap().to_owned();
    let told =
        json!({ "conversion_status": "converted", "revenue_impact": "450.5", "customer_satisfaction": "4.5", "tags": "vip" });
    let patch = |body: &Value| site.call("PATCH", path.clone()).by(&owner).header("If-Match", &tag).json(body);
    let after = patch(&told).expect(200).document();
    assert_eq!((&after["revenue_impact"], &after["tags"]), (&json!("450.5"), &json!("vip")));
    patch(&json!({ "tags": "older" })).expect(412);
    // What is computed anew is no change of what people told.
    site.db.execute("UPDATE calls SET duration_seconds = 3");
    roll_up_all(&site.db.store).unwrap();
    let figures = get(&site, "/v1/analytics/summary?period=today")["figures"].clone();
    assert_eq!((&figures["nmc.calls_converted"], &figures["nmc.revenue_unanswered"]), (&json!("1"), &json!("450.5")));
    let found = |query: &str| get(&site, &format!("/v1/call-analytics?{query}"))["items"].as_array().unwrap().len();
    let phone = rows[0]["phone_number"].as_str().unwrap().replace('+', "%2B");
    assert_eq!((found("conversion_status=converted"), found(&format!("customer_phone={phone}"))), (1, 1));
    let own = get(&site, &format!("/v1/call-analytics?call={}", rows[0]["call_id"].as_str().unwrap()))["items"].clone();
    assert_eq!((own.as_array().unwrap().len(), &own[0]["id"]), (1, &rows[0]["id"]));
    let change = |body: Value| site.call("PATCH", path.clone()).by(&owner).json(&body).expect(400).refusal();
    for (body, pointer, rule) in [
        (json!({ "customer_satisfaction": "5.5" }), "#/customer_satisfaction", "must be"),
        (json!({ "customer_satisfaction": "4.555" }), "#/customer_satisfaction", "must have at most 2 decimals"),
        (json!({ "revenue_impact": "1.234" }), "#/revenue_impact", "must have at most 2 decimals"),
        (json!({ "conversion_status": "sold" }), "#/conversion_status", "must be"),
        (json!({ "tags": "x".repeat(1_001) }), "#/tags", "must be at most 1000"),
        (json!({ "cost_per_call": "1" }), "#/cost_per_call", "is not a field here"),
    ] {
        let (at, said) = change(body.clone());
        assert!(at == pointer && said.starts_with(rule), "{body}: {at} {said}");
    }
    assert_eq!(
        site.call("PATCH", path.clone()).by(&owner).json(&json!({ "tags": null })).expect(200).document()["tags"],
        Value::Null
    );
}

#[test]
fn what_people_tell_of_a_conversation_stays() {
    let site = Site::new();
    calls(&site);
    let owner = site.owner().access;
    let rows = get(&site, "/v1/conversation-analytics")["items"].as_array().unwrap().clone();
    assert!(!rows.is_empty());
    let path = format!("/v1/conversation-analytics/{}", rows[0]["id"].as_str().unwrap());
    let told = json!({ "sentiment_score": "-0.25", "resolution_status": "escalated", "satisfaction_rating": "5" });
    let tag = site.call("GET", path.clone()).by(&owner).expect(200).header("ETag").unwrap().to_owned();
    site.call("PATCH", path.clone()).by(&owner).header("If-Match", &tag).json(&told).expect(200);
    site.call("PATCH", path.clone()).by(&owner).header("If-Match", &tag).json(&told).expect(412);
    site.db.store.as_operator(&site.joe.tenant, |tx| tx.begin_rebuild()).unwrap();
    roll_up_all(&site.db.store).unwrap();
    let row = get(&site, "/v1/conversation-analytics?resolution_status=escalated")["items"][0].clone();
    assert_eq!((&row["sentiment_score"], &row["satisfaction_rating"]), (&json!("-0.25"), &json!("5")));
    let call = row["call_id"].as_str().unwrap();
    assert_eq!(get(&site, &format!("/v1/conversation-analytics?call={call}"))["items"].as_array().unwrap().len(), 1);
    let conversation = row["conversation_id"].as_str().unwrap();
    assert_eq!(
        get(&site, &format!("/v1/conversation-analytics?conversation={conversation}"))["items"].as_array().unwrap().len(),
        1
    );
    for (body, pointer) in [
        (json!({ "sentiment_score": "1.5" }), "#/sentiment_score"),
        (json!({ "satisfaction_rating": "0" }), "#/satisfaction_rating"),
        (json!({ "resolution_status": "won" }), "#/resolution_status"),
        (json!({ "message_count": 7 }), "#/message_count"),
    ] {
        assert_eq!(site.call("PATCH", path.clone()).by(&owner).json(&body).expect(400).refusal().0, pointer, "{body}");
    }
}
