//! Reports, kept until they expire.

use crate::support::{Scene, all_pages, refused};
use chrono::{DateTime, TimeDelta, Utc};
use nmc_core::analytics::{NewReport, ReportFilter, ReportHead};
use nmc_core::testing::noon;
use nmc_core::{Error, PageRequest, ReportFormat, Store};
use serde_json::json;

fn later(hours: i64) -> DateTime<Utc> {
    noon() + TimeDelta::hours(hours)
}

fn report(kind: &str, expires_at: Option<DateTime<Utc>>) -> NewReport {
    NewReport {
        report_type: kind.to_owned(),
        period_start: later(-24),
        period_end: later(0),
        sections: json!([{"title": "Calls", "missed": 3}]),
        format: ReportFormat::Json,
        expires_at,
    }
}

#[test]
fn list_of_reports_reads_nothing_of_what_they_say() {
    let scene = Scene::new();
    let made = scene.tx(|tx| tx.reports().create(&report("daily", None))).unwrap();
    let list = |store: &Store| {
        let page =
            store.tenant(&scene.business.tenant, |tx| tx.reports().list(&ReportFilter::default(), PageRequest::first())).unwrap();
        assert_eq!(page.items, [ReportHead::from(made)]);
    };
    let trips = scene.db.round_trips(list);
    let read = trips.iter().find(|sent| sent.sql.contains("analytics_reports")).unwrap();
    assert!(!read.sql.contains("sections"), "{}", read.sql);
}

#[test]
fn a_report_is_handed_out_again_until_it_expires() {
    let scene = Scene::new();
    let latest = || scene.tx(|tx| tx.reports().latest("daily", later(-24), later(0), ReportFormat::Json)).unwrap();
    assert_eq!(latest(), None);
    let first = scene.tx(|tx| tx.reports().create(&report("daily", Some(later(2))))).unwrap();
    assert_eq!((first.generated_at, &first.sections), (noon(), &json!([{"title": "Calls", "missed": 3}])));
    assert_eq!(latest(), Some(first.clone()));
    scene.clock.advance(TimeDelta::hours(1));
    let second = scene.tx(|tx| tx.reports().create(&report("daily", Some(later(3))))).unwrap();
    assert_eq!(latest(), Some(second.clone()), "the last one generated");
    for (from, until, format) in [(later(-25), later(0), ReportFormat::Json), (later(-24), later(0), ReportFormat::Pdf)] {
        assert_eq!(scene.tx(|tx| tx.reports().latest("daily", from, until, format)).unwrap(), None, "not what was asked for");
    }
    scene.clock.advance(TimeDelta::hours(1));
    assert_eq!(scene.tx(|tx| tx.reports().delete_expired(10)).unwrap(), 1, "the first");
    assert_eq!(scene.tx(|tx| tx.reports().find(first.id)).unwrap(), None);
    scene.clock.advance(TimeDelta::hours(1));
    assert_eq!(latest(), None, "expired, though it is still there");
    assert_eq!(scene.tx(|tx| tx.reports().get(second.id)).unwrap(), second);
    scene.tx(|tx| tx.reports().delete(second.id)).unwrap();
    assert!(matches!(scene.tx(|tx| tx.reports().get(second.id)), Err(Error::NotFound { entity: "report" })));
}

#[test]
fn reports_are_filtered() {
    let scene = Scene::new();
    let csv = NewReport { format: ReportFormat::Csv, ..report("weekly", None) };
    let made = [report("daily", Some(later(2))), csv, report("daily", Some(later(9)))].map(|new| {
        scene.clock.advance(TimeDelta::hours(1));
        scene.tx(|tx| tx.reports().create(&new)).unwrap().id
    });
    let all = ReportFilter::default;
    for (filter, expected) in [
        (all(), vec![2, 1, 0]),
        (ReportFilter { report_type: Some("daily".to_owned()), ..all() }, vec![2, 0]),
        (ReportFilter { format: Some(ReportFormat::Csv), ..all() }, vec![1]),
        (ReportFilter { expired_at: Some((later(2), true)), ..all() }, vec![0]),
        (ReportFilter { expired_at: Some((later(2), false)), ..all() }, vec![2, 1]),
        (ReportFilter { from: Some(later(2)), until: Some(later(3)), ..all() }, vec![1]),
    ] {
        let listed: Vec<_> =
            all_pages(2, |page| scene.tx(|tx| tx.reports().list(&filter, page))).iter().map(|row| row.id).collect();
        assert_eq!(listed, expected.iter().map(|n| made[*n]).collect::<Vec<_>>(), "{filter:?}");
        assert_eq!(scene.tx(|tx| tx.reports().count(&filter)).unwrap(), i64::try_from(expected.len()).unwrap());
    }
}

#[test]
fn a_report_that_breaks_a_rule_names_the_field() {
    let scene = Scene::new();
    for (bad, field, rule) in [
        (NewReport { report_type: String::new(), ..report("daily", None) }, "report_type", "must not be empty"),
        (NewReport { period_end: later(-25), ..report("daily", None) }, "period_end", "must not be before period_start"),
        (
            NewReport { sections: json!("x".repeat(2 << 20)), ..report("daily", None) },
            "sections",
            "must be at most 262144 bytes of JSON",
        ),
    ] {
        assert_eq!(refused(scene.tx(|tx| tx.reports().create(&bad))), (field.to_owned(), rule.to_owned()));
    }
}
