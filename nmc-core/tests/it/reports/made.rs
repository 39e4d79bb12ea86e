//! Reports made of rows.

use crate::support::Scene;
use nmc_core::chrono::{NaiveDate, TimeDelta};
use nmc_core::reports::{ReportContent, ReportKind};
use nmc_core::workflows::{WantedReport, kept_report, make_report, roll_up_all};
use nmc_core::{Error, KpiPeriod, ReportId, serde_json};

fn day(text: &str) -> NaiveDate {
    text.parse().unwrap()
}

/// In New York: in the week of October 26 a missed call on Friday afternoon and two in the hour of Sunday that comes twice; a missed one on
/// the Sunday before.
const HISTORY: &str = "
    UPDATE tenants SET timezone = 'America/New_York', business_hours_start = '08:00', business_hours_end = '18:00' WHERE id = $tenant;
    INSERT INTO conversations (id, tenant_id, customer_phone, status, created_at, closed_at, assigned_to) VALUES
        ('00000000-0000-7000-8000-000000000001', $tenant, '+15550100001', 'resolved', '2026-10-30 21:00+00', '2026-10-31 14:00+00', $staff);
    INSERT INTO calls (tenant_id, caller_phone, called_phone, call_direction, call_status, outcome, duration_seconds, started_at, created_at) VALUES
        ($tenant, '+15550100001', '+15550199999', 'inbound', 'no-answer', 'missed', 0, '2026-10-30 21:00+00', '2026-10-30 21:00+00'),
        ($tenant, '+15550100003', '+15550199999', 'inbound', 'completed', 'answered', 125, '2026-11-01 05:30+00', '2026-11-01 05:30+00'),
        ($tenant, '+15550100002', '+15550199998', 'inbound', 'completed', 'voicemail', 20, '2026-11-01 06:30+00', '2026-11-01 06:30+00'),
        ($tenant, '+15550100004', '+15550199999', 'inbound', 'no-answer', 'missed', 0, '2026-10-26 03:59+00', '2026-10-26 03:59+00'),
        ($tenant, '+15550100004', '+15550199999', 'inbound', 'no-answer', 'missed', 0, '2026-11-02 05:00+00', '2026-11-02 05:00+00');";

fn scene() -> Scene {
    let scene = Scene::new();
    let tenant = scene.business.tenant.id();
    scene.db.execute(&HISTORY.replace("$tenant", &format!("'{tenant}'")).replace("$staff", &format!("'{}'", scene.staff)));
    scene
}

fn content(scene: &Scene, wanted: WantedReport) -> nmc_core::Result<(ReportId, ReportContent)> {
    let made = scene.db.store.tenant(&scene.business.tenant, |tx| make_report(tx, wanted))?;
    let (report, content) = scene.db.store.tenant(&scene.business.tenant, |tx| kept_report(tx, made.id))?;
    assert_eq!(report, made);
    assert_eq!(report.sections, serde_json::to_value(&content).unwrap());
    assert_eq!(report.expires_at, Some(report.generated_at + TimeDelta::days(90)));
    Ok((made.id, content))
}

#[test]
fn report_of_a_week_says_what_its_rows_say() {
    let scene = scene();
    roll_up_all(&scene.db.store).unwrap();
    let target = |tx: &mut nmc_core::TenantTx<'_>| tx.kpi_targets().upsert_by_key("answer_rate", KpiPeriod::Weekly, 40.into());
    scene.db.store.tenant(&scene.business.tenant, target).unwrap();
    let (_, report) = content(&scene, WantedReport::Weekly(day("2026-10-28"))).unwrap();
    assert_eq!((report.period.first_day, report.period.last_day), (day("2026-10-26"), day("2026-11-01")));
    // The week has an hour more.
    assert_eq!(report.period.until - report.period.from, TimeDelta::hours(7 * 24 + 1));
    assert_eq!(report.before.until, report.period.from);
    let of = |name: &str| (report.total(name).to_string(), report.previous_total(name).to_string());
    let texts = |now: &str, before: &str| (now.to_owned(), before.to_owned());
    assert_eq!(of("nmc.calls_inbound"), texts("3", "1"));
    assert_eq!(of("nmc.calls_unanswered"), texts("2", "1"));
    assert_eq!(of("nmc.calls_talk_seconds"), texts("125", "0"));
    let hours: Vec<_> = report.hours.inbound.iter().map(|row| row.iter().sum::<u64>()).collect();
    assert_eq!(hours, [0, 0, 0, 0, 1, 0, 2]);
    assert_eq!((report.hours.inbound[6][1], report.hours.unanswered[6][1], report.hours.inbound[4][17]), (2, 1, 1));
    let numbers: Vec<_> =
        report.numbers.iter().map(|entry| (entry.number.as_deref().unwrap(), entry.inbound, entry.answered)).collect();
    assert_eq!(numbers, [("+15550199999", 2, 1), ("+15550199998", 1, 0)]);
    assert_eq!(report.people.len(), 1);
    assert_eq!((report.people[0].opened, report.people[0].resolved), (1, 1));
    let rate = report.kpi("answer_rate").unwrap();
    let shown = |value: Option<rust_decimal::Decimal>| value.map(|value| value.to_string());
    assert_eq!(
        (shown(rate.value), shown(rate.previous), shown(rate.target)),
        (Some("33.3333".into()), Some("0".into()), Some("40".into()))
    );
    assert!(rate.variance.is_some());
    assert_eq!(report.kpi("reply_rate").unwrap().value, None);
}

#[test]
fn report_before_its_figures_are_computed_is_refused() {
    let scene = scene();
    let ask = || content(&scene, WantedReport::Daily(day("2026-10-30")));
    assert!(matches!(ask(), Err(Error::Unavailable { .. })));
    roll_up_all(&scene.db.store).unwrap();
    ask().unwrap();
    // What is stored is of days of another zone.
    scene.db.execute("UPDATE tenants SET timezone = 'America/Chicago'");
    assert!(matches!(ask(), Err(Error::Unavailable { .. })));
    roll_up_all(&scene.db.store).unwrap();
    ask().unwrap();
}

#[test]
fn report_of_a_business_without_any_calls_is_empty() {
    let scene = Scene::new();
    let today = scene.db.store.now().date_naive();
    let (_, report) = content(&scene, WantedReport::last(ReportKind::Weekly, today)).unwrap();
    assert!(report.totals.is_empty() && report.numbers.is_empty() && report.course.len() == 7);
}

#[test]
fn report_of_a_period_that_can_not_be_is_refused() {
    let scene = scene();
    roll_up_all(&scene.db.store).unwrap();
    let now = scene.db.store.now().date_naive();
    let far = |days: i64| now + TimeDelta::days(days);
    for (wanted, field) in [
        (WantedReport::Custom(now, far(-1)), "last_day"),
        (WantedReport::Custom(far(-366), now), "last_day"),
        (WantedReport::Daily(far(3)), "first_day"),
        (WantedReport::Daily(far(-402)), "first_day"),
        (WantedReport::Weekly(NaiveDate::MAX), "first_day"),
        (WantedReport::Monthly(NaiveDate::MIN), "first_day"),
    ] {
        let error = content(&scene, wanted).unwrap_err();
        assert!(matches!(&error, Error::Invalid { field: found, .. } if found == field), "{wanted:?}: {error}");
    }
}

#[test]
fn last_period_is_the_last_that_is_over() {
    let of = |kind, today: &str| WantedReport::last(kind, day(today));
    assert_eq!(of(ReportKind::Daily, "2026-11-01"), WantedReport::Daily(day("2026-10-31")));
    assert_eq!(of(ReportKind::Weekly, "2026-11-02"), WantedReport::Weekly(day("2026-11-01")));
    assert_eq!(of(ReportKind::Weekly, "2026-11-01"), WantedReport::Weekly(day("2026-10-25")));
    assert_eq!(of(ReportKind::Monthly, "2026-11-30"), WantedReport::Monthly(day("2026-10-31")));
}

#[test]
fn expired_report_is_not_there() {
    let scene = scene();
    roll_up_all(&scene.db.store).unwrap();
    let (id, _) = content(&scene, WantedReport::Daily(day("2026-10-30"))).unwrap();
    scene.db.execute("UPDATE analytics_reports SET expires_at = generated_at");
    let found = scene.db.store.tenant(&scene.business.tenant, |tx| kept_report(tx, id));
    assert!(matches!(found, Err(Error::NotFound { .. })));
}
