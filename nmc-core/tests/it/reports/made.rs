//! Reports made of rows.

use crate::support::Scene;
use nmc_core::access::Acting;
use nmc_core::analytics::NewJob;
use nmc_core::chrono::{NaiveDate, TimeDelta};
use nmc_core::reports::{ReportContent, ReportKind, Textable};
use nmc_core::serde_json::json;
use nmc_core::testing::{Business, ManualClock, TestDb};
use nmc_core::workflows::{JobWorker, JobWorkerConfig, WantedReport, kept_report, make_report, report_content, roll_up_all};
use nmc_core::{Error, JobType, KpiPeriod, ReportId, serde_json};

fn day(text: &str) -> NaiveDate {
    text.parse().unwrap()
}

/// In New York: in the week of October 26 a missed call on Friday afternoon and two in the hour of Sunday that comes twice; a missed one on
/// the Sunday before.
const HISTORY: &str = "
    UPDATE tenants SET timezone = 'America/New_York', business_hours_start = '08:00', business_hours_end = '18:00' WHERE id = $tenant;
    INSERT INTO phone_numbers (tenant_id, phone_number, twilio_phone_sid, status, provisioned_at) VALUES
        ($tenant, '+15550199999', 'PN1', 'active', '2026-10-01'), ($tenant, '+15550199998', 'PN2', 'active', '2026-10-01');
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
    let made = make_report(&scene.db.store, &Acting::Application(scene.business.tenant), wanted)?;
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
        (WantedReport::Custom(far(-1), far(1)), "last_day"),
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
fn report_of_a_running_week_stays_what_there_was_so_far() {
    let scene = scene();
    roll_up_all(&scene.db.store).unwrap();
    let today = scene.db.store.now().date_naive();
    let (id, report) = content(&scene, WantedReport::Weekly(today)).unwrap();
    assert!(!report.complete && report.period.title.ends_with(" (so far)"));
    assert!(report.kpi("calls").unwrap().trend.is_none());
    let (_, today) = content(&scene, WantedReport::Custom(today, today)).unwrap();
    assert!(!today.complete);
    scene.clock.advance(TimeDelta::days(8));
    // One that was kept before this was said.
    scene.db.execute("UPDATE analytics_reports SET sections = sections - 'complete'");
    let (_, later) = scene.tx(|tx| kept_report(tx, id)).unwrap();
    assert!(!later.complete);
    let (_, before) = content(&scene, WantedReport::Daily(day("2026-10-30"))).unwrap();
    assert!(before.complete);
}

/// So many missed calls at a number on one day, and when the business heard of each.
fn missed(scene: &Scene, number: &str, began: &str, recorded: &str) {
    scene.db.execute(&format!(
        "INSERT INTO calls (tenant_id, caller_phone, called_phone, call_direction, call_status, outcome, started_at, ended_at, created_at)
         SELECT '{}', '+1555020' || lpad(n::text, 4, '0'), '{number}', 'inbound', 'no-answer', 'missed', '{began}', '{began}', '{recorded}'
         FROM generate_series(1, 6) AS n",
        scene.business.tenant.id()
    ));
}

#[test]
fn advice_on_texts_is_of_calls_that_could_be_texted() {
    let scene = Scene::new();
    let ours = scene.business.number.as_str();
    let silent = || {
        roll_up_all(&scene.db.store).unwrap();
        let (_, report) = content(&scene, WantedReport::Daily(day("2026-11-14"))).unwrap();
        let advice = report.advice.into_iter().find(|advice| advice.rule == "texts_not_sent");
        (report.totals[0].value.to_string(), advice.map(|advice| advice.text))
    };
    let began = "2026-11-14 15:00+00";
    scene.db.execute("UPDATE phone_numbers SET provisioned_at = '2026-11-14 12:00+00', created_at = '2026-11-14 12:00+00'");
    scene.db.execute("UPDATE tenants SET approved_at = '2026-11-14 13:00+00'");
    missed(&scene, ours, began, "2026-11-15 09:00+00");
    assert_eq!(silent(), ("6".to_owned(), None), "an imported log");
    missed(&scene, ours, "2026-11-14 11:00+00", "2026-11-14 11:00+00");
    assert_eq!(silent(), ("12".to_owned(), None), "before the number was ours");
    missed(&scene, ours, "2026-11-14 12:30+00", "2026-11-14 12:30+00");
    assert_eq!(silent(), ("18".to_owned(), None), "before the business could send");
    missed(&scene, "+15550199777", began, began);
    assert_eq!(silent(), ("24".to_owned(), None), "at a number of others");
    missed(&scene, ours, began, began);
    let (calls, text) = silent();
    assert_eq!(calls, "30");
    assert!(text.unwrap().starts_with("6 of 6 missed callers got no text back."));
}

/// Of six calls at a number of the business two were texted after, and one of their callers wrote back; as did one of an imported log.
#[test]
fn replies_to_texts_are_of_calls_that_could_be_texted() {
    let scene = Scene::new();
    let (ours, began) = (scene.business.number.as_str(), "2026-11-14 15:00+00");
    scene.db.execute("UPDATE phone_numbers SET provisioned_at = '2026-11-14 12:00+00', created_at = '2026-11-14 12:00+00'");
    scene.db.execute("UPDATE tenants SET approved_at = '2026-11-14 13:00+00'");
    missed(&scene, ours, began, began);
    missed(&scene, ours, began, "2026-11-15 09:00+00");
    scene.db.execute(
        "INSERT INTO conversations (tenant_id, customer_phone, status, created_at)
         SELECT t.id, '+1555020000' || n, 'active', '2026-11-14 15:00+00' FROM tenants AS t CROSS JOIN generate_series(1, 3) AS n;
         UPDATE calls AS c SET conversation_id = v.id FROM conversations AS v
         WHERE v.customer_phone = c.caller_phone AND (c.created_at = c.started_at) = (v.customer_phone <> '+15550200003');
         INSERT INTO messages (tenant_id, conversation_id, call_id, message_body, message_direction, message_kind, from_number, to_number,
                               message_status, created_at)
         SELECT tenant_id, conversation_id, id, 'Sorry', 'outbound', 'greeting', called_phone, caller_phone, 'delivered', '2026-11-14 15:01+00'
         FROM calls WHERE conversation_id IS NOT NULL;
         INSERT INTO messages (tenant_id, conversation_id, message_body, message_direction, from_number, to_number, message_status, created_at)
         SELECT tenant_id, conversation_id, 'Leak', 'inbound', caller_phone, called_phone, 'received', '2026-11-14 15:09+00'
         FROM calls WHERE conversation_id IS NOT NULL AND caller_phone <> '+15550200002'",
    );
    roll_up_all(&scene.db.store).unwrap();
    let (_, report) = content(&scene, WantedReport::Daily(day("2026-11-14"))).unwrap();
    assert_eq!((report.total("nmc.calls_texted_back"), report.total("nmc.calls_replied")), (3.into(), 2.into()));
    assert_eq!(report.textable, Some(Textable { missed: 6, texted: 2, replied: Some(1) }));
}

/// Calls come in between the statements that read the figures and those that count the calls behind advice.
#[test]
fn report_is_of_one_state_whatever_comes_meanwhile() {
    for by_job in [false, true] {
        let scene = Scene::new();
        let (ours, began) = (scene.business.number.as_str(), "2026-11-14 15:00+00");
        scene.db.execute("UPDATE phone_numbers SET provisioned_at = '2026-11-14 12:00+00', created_at = '2026-11-14 12:00+00'");
        scene.db.execute("UPDATE tenants SET approved_at = '2026-11-14 13:00+00'");
        missed(&scene, ours, began, began);
        roll_up_all(&scene.db.store).unwrap();
        let make = || {
            if !by_job {
                let wanted = WantedReport::Daily(day("2026-11-14"));
                return report_content(&scene.db.store, &Acting::Application(scene.business.tenant), wanted).unwrap();
            }
            let parameters = json!({"type": "daily", "first_day": "2026-11-14"});
            scene.tx(|tx| tx.jobs().create(&NewJob::now(JobType::ReportGeneration, parameters.clone()))).unwrap();
            let pass = JobWorker::new(scene.db.store.clone(), JobWorkerConfig::default()).pass().unwrap();
            assert_eq!(pass.worked, 1);
            let id: Vec<ReportId> = scene.db.query("SELECT id FROM analytics_reports");
            scene.tx(|tx| kept_report(tx, id[0])).unwrap().1
        };
        let report = std::thread::scope(|scope| {
            let mut targets = scene.db.block("kpi_targets");
            let report = scope.spawn(make);
            targets.wait_for_blocked(1);
            missed(&scene, ours, began, began);
            drop(targets);
            report.join().unwrap()
        });
        assert_eq!(report.total("nmc.calls_unanswered"), 6.into(), "{by_job}");
        let advice = report.advice.into_iter().find(|advice| advice.rule == "texts_not_sent");
        assert!(advice.unwrap().text.starts_with("6 of 6 missed callers got no text back."), "{by_job}");
    }
}

#[test]
fn report_is_made_by_those_who_may_alone() {
    let scene = scene();
    roll_up_all(&scene.db.store).unwrap();
    let who = Acting::OnBehalfOf(scene.business.tenant, scene.staff);
    let wanted = WantedReport::Daily(day("2026-10-30"));
    assert!(matches!(make_report(&scene.db.store, &who, wanted), Err(Error::Forbidden(_))));
    assert!(report_content(&scene.db.store, &who, wanted).is_ok(), "they may read reports");
    scene.db.execute(&format!("UPDATE users SET role = 'viewer' WHERE id = '{}'", scene.staff));
    assert!(matches!(report_content(&scene.db.store, &who, wanted), Err(Error::Forbidden(_))));
}

#[test]
fn numbers_that_are_not_the_business_s_have_no_name() {
    let scene = Scene::new();
    let began = "2026-11-14 15:00+00";
    missed(&scene, scene.business.number.as_str(), began, began);
    missed(&scene, "+15550199777", began, began);
    missed(&scene, "+15550199778", began, began);
    roll_up_all(&scene.db.store).unwrap();
    let (_, report) = content(&scene, WantedReport::Daily(day("2026-11-14"))).unwrap();
    let numbers: Vec<_> = report.numbers.iter().map(|entry| (entry.number.as_deref(), entry.inbound)).collect();
    assert_eq!(numbers, [(Some(scene.business.number.as_str()), 6), (None, 12)]);
}

/// Samoa left out December 30, 2011.
#[test]
fn report_after_a_day_left_out_compares_with_the_one_before() {
    let clock = std::sync::Arc::new(ManualClock::new("2012-01-02T12:00:00Z".parse().unwrap()));
    let db = TestDb::with_clock(clock);
    let business = Business::onboard(&db.store, "Joe's Plumbing");
    db.execute(&format!(
        "UPDATE tenants SET timezone = 'Pacific/Apia';
         INSERT INTO calls (tenant_id, caller_phone, called_phone, call_direction, call_status, outcome, started_at, created_at)
         SELECT '{}', '+15550100001', '+15550199999', 'inbound', 'completed', 'answered', at, at
         FROM unnest('{{2011-12-29 20:00+00, 2011-12-30 11:00+00, 2011-12-30 12:00+00}}'::timestamptz[]) AS at",
        business.tenant.id()
    ));
    roll_up_all(&db.store).unwrap();
    for wanted in [WantedReport::Daily(day("2011-12-31")), WantedReport::Custom(day("2011-12-31"), day("2011-12-31"))] {
        let report = report_content(&db.store, &Acting::Application(business.tenant), wanted).unwrap();
        assert_eq!(report.before.first_day, day("2011-12-29"));
        let calls = report.kpi("calls").unwrap();
        assert_eq!((calls.value, calls.previous), (Some(2.into()), Some(1.into())));
        assert_eq!(report.before.until, report.period.from);
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
