//! Values that a business measures itself.

use crate::site::Site;
use nmc_core::UserRole;
use nmc_core::access::{KeyOrder, Permission, make_service_key};
use serde_json::{Value, json};

fn listed(site: &Site, bearer: &str, query: &str) -> Vec<(String, String)> {
    let page = site.call("GET", format!("/v1/measurements?{query}")).by(bearer).expect(200).document();
    let text = |row: &Value, field: &str| row[field].as_str().unwrap().to_owned();
    page["items"].as_array().unwrap().iter().map(|row| (text(row, "metric"), text(row, "value"))).collect()
}

#[test]
fn the_same_values_again_change_nothing() {
    let site = Site::new();
    let order = KeyOrder { name: "meter".to_owned(), scopes: vec![Permission::MeasurementsWrite], expires_at: None };
    let key = site.db.store.as_operator(&site.joe.tenant, |tx| make_service_key(tx, &order)).unwrap().1;
    let record = |rows: Value| {
        let call = site.call("POST", "/v1/measurements").by(key.text().expose()).json(&json!({ "rows": rows }));
        call.expect(200).document()["written"].clone()
    };
    let at = "2026-11-22T18:00:00Z";
    let rows = json!([{ "metric": "jobs", "value": "7.50", "at": at }, { "metric": "vans", "value": "-2", "at": at }]);
    let viewer = site.person(&site.joe, UserRole::Viewer).access;
    let before = site.rows();
    assert_eq!(record(json!([])), 0);
    assert_eq!(site.rows().len(), before.len());
    assert_eq!(record(rows.clone()), 2);
    let kept = || site.db.query::<String>("SELECT t::text AS row FROM alert_metrics_cache t ORDER BY 1");
    let first = kept();
    assert_eq!(record(rows), 0);
    assert_eq!(kept(), first);
    assert_eq!(record(json!([{ "metric": "jobs", "value": "8", "at": at }, { "metric": "jobs", "value": "9", "at": at }])), 1);
    assert_eq!(record(json!([{ "metric": "jobs", "value": "1" }])), 1, "now");
    let texts = |found: &[(&str, &str)]| found.iter().map(|(a, b)| ((*a).to_owned(), (*b).to_owned())).collect::<Vec<_>>();
    for (query, expected) in [
        ("metric=jobs", vec![("jobs", "1"), ("jobs", "9")]),
        ("metric=jobs&limit=1", vec![("jobs", "1")]),
        ("metric=vans", vec![("vans", "-2")]),
        ("metric=jobs&until=2026-11-22T18:00:00Z", vec![]),
        ("metric=jobs&from=2026-11-22T18:00:00Z&until=2026-11-22T18:00:01Z", vec![("jobs", "9")]),
    ] {
        assert_eq!(listed(&site, &viewer, query), texts(&expected), "{query}");
    }
    site.call("GET", "/v1/measurements?from=yesterday").by(&viewer).expect(400);
}

#[test]
fn values_that_break_a_rule_are_refused_by_row() {
    let site = Site::new();
    let owner = site.owner();
    let record = |rows: Value| site.call("POST", "/v1/measurements").by(&owner.access).json(&json!({ "rows": rows }));
    let good = json!({ "metric": "jobs", "value": "7" });
    for (row, pointer, rule) in [
        (json!({ "metric": " ", "value": "7" }), "#/rows/1/metric", "must not be empty"),
        (json!({ "metric": "nmc.calls", "value": "7" }), "#/rows/1/metric", "must not begin with nmc."),
        (json!({ "metric": " nmc.calls", "value": "7" }), "#/rows/1/metric", "must not begin with nmc."),
        (json!({ "metric": "jobs", "value": "100000000000" }), "#/rows/1/value", "must be between"),
        (json!({ "metric": "jobs", "value": "many" }), "#/rows/1/value", "must be a number, like 12.5"),
        (json!({ "metric": "jobs", "value": 7 }), "#/rows/1/value", "must be a string"),
        (json!({ "metric": "jobs" }), "#/rows/1/value", "is required"),
        (json!({ "metric": "jobs", "value": "7", "at": "2999-01-01T00:00:00Z" }), "#/rows/1/at", "must not be in the future"),
        (json!({ "metric": "jobs", "value": "7", "id": 1 }), "#/rows/1/id", "is not a field here"),
    ] {
        let (at, said) = record(json!([good, row])).expect(400).refusal();
        assert!(at == pointer && said.starts_with(rule), "{row}: {at} {said}");
    }
    let many = |rows: usize| Value::Array((0..rows).map(|n| json!({ "metric": format!("m{n}"), "value": "7" })).collect());
    assert_eq!(record(many(1_001)).expect(400).refusal(), ("#/rows".to_owned(), "must be at most 1000 at once".to_owned()));
    assert_eq!(listed(&site, &owner.access, ""), [], "all or none");
    assert_eq!(record(many(1_000)).expect(200).document()["written"], 1_000);
}
