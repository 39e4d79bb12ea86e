//! The summary of a small history, beside what is reckoned by hand.

use super::roll_up::HISTORY;
use crate::support::Scene;
use chrono::{DateTime, TimeDelta, Utc};
use nmc_core::alerts::NewAlertRule;
use nmc_core::workflows::{Summary, SummaryNow, SummaryPeriod, summary};
use nmc_core::{AlertOperator, AlertSeverity, KpiPeriod, TrendDirection};
use rust_decimal::Decimal;

impl Scene {
    fn summary(&self, period: SummaryPeriod) -> Summary {
        self.db.store.reading().tenant(&self.business.tenant, |tx| summary(tx, period)).unwrap()
    }
}

fn at(text: &str) -> DateTime<Utc> {
    text.parse().unwrap()
}

fn kpi(summary: &Summary, name: &str) -> (Option<String>, Option<String>, Option<TrendDirection>, Option<String>) {
    let row = summary.kpis.iter().find(|row| row.kpi.name == name).unwrap();
    let text = |value: Option<Decimal>| value.map(|value| value.normalize().to_string());
    (text(row.value), text(row.before), row.trend, text(row.target))
}

#[test]
fn summary_is_of_one_state_whatever_is_computed_meanwhile() {
    let scene = Scene::new();
    scene.rows(HISTORY);
    scene.roll_up();
    let found = std::thread::scope(|scope| {
        let mut targets = scene.db.block("kpi_targets");
        let found = scope.spawn(|| scene.summary(SummaryPeriod::ThirtyDays));
        targets.wait_for_blocked(1);
        scene.rows("UPDATE analytics_metrics SET metric_value = metric_value + 10 WHERE metric_name = 'nmc.calls_inbound'");
        drop(targets);
        found.join().unwrap()
    });
    let by_hour: Decimal = found.week.iter().flat_map(|day| day.inbound).sum();
    assert_eq!((by_hour, found.figures.get("nmc.calls_inbound")), (3.into(), 3.into()));
}

#[test]
fn summary_of_a_small_history_is_as_reckoned_by_hand() {
    let scene = Scene::new();
    scene.rows(HISTORY);
    for (name, target) in [("missed_rate", 40), ("missed_calls", 2)] {
        scene.tx(|tx| tx.kpi_targets().upsert_by_key(name, KpiPeriod::Monthly, target.into())).unwrap();
    }
    scene.roll_up();
    let of = scene.summary(SummaryPeriod::ThirtyDays);
    // From October 18, when New York is four hours behind, to November 16 at 07:00.
    assert_eq!((of.span.from, of.span.until), (at("2026-10-18T04:00:00Z"), at("2026-11-16T12:00:00Z")));
    assert_eq!((of.span_before.from, of.span_before.until), (at("2026-09-18T04:00:00Z"), of.span.from));
    assert_eq!(of.timezone.as_str(), "America/New_York");
    assert_eq!(of.rolled_up_at, Some(at("2026-11-16T12:00:00Z")));
    assert!(!of.is_rebuilding, "all is computed");
    assert_eq!((of.figures.get("nmc.calls_inbound"), of.figures.get("nmc.resolution_seconds")), (3.into(), 234_000.into()));
    assert_eq!(of.figures.get("nmc.calls_inbound/+15550199999"), Decimal::ZERO, "those by a dimension stand apart");
    assert!(of.figures_before.is_empty());
    assert_eq!(kpi(&of, "missed_rate"), (Some("66.6667".into()), None, None, Some("40".into())));
    assert_eq!(kpi(&of, "missed_calls"), (Some("2".into()), None, None, Some("2".into())));
    assert_eq!(kpi(&of, "answer_rate").3, None);

    assert_eq!(of.days.len(), 30);
    let busy: Vec<String> = of.days.iter().filter(|day| !day.figures.is_empty()).map(|day| day.date.to_string()).collect();
    assert_eq!(busy, ["2026-10-30", "2026-10-31", "2026-11-01", "2026-11-02"]);
    let long = of.days.iter().find(|day| day.date.to_string() == "2026-11-01").unwrap();
    assert_eq!((long.span.from, long.span.until), (at("2026-11-01T04:00:00Z"), at("2026-11-02T05:00:00Z")));
    assert_eq!(long.figures.get("nmc.calls_unanswered"), 1.into());
    assert_eq!(long.figures.get("nmc.calls_cost"), Decimal::ZERO, "not among those of days");

    let hours: Vec<(u32, usize, Decimal, Decimal)> = of
        .week
        .iter()
        .flat_map(|day| (0..24).map(|hour| (day.weekday, hour, day.inbound[hour], day.unanswered[hour])))
        .filter(|(_, _, inbound, unanswered)| !(inbound + unanswered).is_zero())
        .collect();
    // Friday at 17:00, and the hour of Sunday that comes twice.
    assert_eq!(hours, [(5, 17, 1.into(), 1.into()), (7, 1, 2.into(), 1.into())]);
    let [number] = &of.numbers[..] else { panic!("{:?}", of.numbers) };
    let calls = [number.inbound, number.answered, number.unanswered].map(|calls| calls.to_string());
    assert_eq!((number.number.as_str(), calls.map(|calls| calls.parse::<f64>().unwrap())), ("+15550199999", [3.0, 1.0, 2.0]));
    let [person] = &of.assignees[..] else { panic!("{:?}", of.assignees) };
    assert_eq!((person.user_id, person.opened, person.resolved), (scene.staff, 1.into(), 1.into()));
}

#[test]
fn target_of_a_summary_is_that_of_as_long_a_period() {
    let scene = Scene::new();
    for (period, calls, rate) in
        [(KpiPeriod::Daily, "3", "3"), (KpiPeriod::Weekly, "20", "20.50"), (KpiPeriod::Monthly, "80", "80")]
    {
        for (name, target) in [("missed_calls", calls), ("missed_rate", rate)] {
            scene.tx(|tx| tx.kpi_targets().upsert_by_key(name, period, target.parse().unwrap())).unwrap();
        }
    }
    scene.tx(|tx| tx.kpi_targets().upsert_by_key("calls", KpiPeriod::Daily, 10.into())).unwrap();
    for (period, calls, rate) in
        [(SummaryPeriod::Today, "3", "3"), (SummaryPeriod::SevenDays, "20", "20.5"), (SummaryPeriod::ThirtyDays, "80", "80")]
    {
        let of = scene.summary(period);
        assert_eq!(kpi(&of, "missed_calls").3.as_deref(), Some(calls), "{period}");
        assert_eq!(kpi(&of, "missed_rate").3.as_deref(), Some(rate), "{period}");
        assert_eq!(kpi(&of, "calls").3.is_some(), period == SummaryPeriod::Today, "a target of days is none of weeks");
    }
}

#[test]
fn summary_compares_with_as_many_days_before() {
    let scene = Scene::new();
    scene.rows(HISTORY);
    scene.roll_up();
    scene.rows(
        "INSERT INTO calls (tenant_id, caller_phone, called_phone, call_direction, call_status, outcome, started_at, created_at)
         SELECT $tenant, '+15550100001', '+15550199999', 'inbound', 'completed', outcome, at, at FROM (VALUES
             ('answered', '2026-11-25 14:00+00'::timestamptz), ('answered', '2026-12-01 14:00+00'), ('missed', '2026-12-01 15:00+00')
         ) AS c (outcome, at)",
    );
    // December 1 at 11:00: the 30 days before are October 3 to November 1.
    scene.clock.advance(at("2026-12-01T16:00:00Z") - at("2026-11-16T12:00:00Z"));
    scene.roll_up();
    let of = scene.summary(SummaryPeriod::ThirtyDays);
    assert_eq!(of.span_before.until, at("2026-11-02T05:00:00Z"));
    let (fewer, more) = (Some(TrendDirection::Improving), Some(TrendDirection::Improving));
    assert_eq!(kpi(&of, "missed_rate"), (Some("33.3333".into()), Some("66.6667".into()), fewer, None));
    assert_eq!(kpi(&of, "answer_rate"), (Some("66.6667".into()), Some("33.3333".into()), more, None));
    assert_eq!(kpi(&of, "calls"), (Some("3".into()), Some("3".into()), None, None), "today is not over");
    let week = scene.summary(SummaryPeriod::SevenDays);
    assert_eq!((week.days.len(), week.days[0].date.to_string()), (7, "2026-11-25".to_owned()));
    assert_eq!(week.figures.get("nmc.calls_inbound"), 3.into());
    let today = scene.summary(SummaryPeriod::Today);
    assert_eq!((today.days.len(), today.figures.get("nmc.calls_inbound")), (1, 2.into()));
    assert_eq!(today.span.until - today.span.from, TimeDelta::hours(11));
}

#[test]
fn summary_tells_what_is_to_be_done_now() {
    let scene = Scene::new();
    let nothing = scene.summary(SummaryPeriod::Today);
    assert_eq!((nothing.rolled_up_at, nothing.is_rebuilding, nothing.days.len()), (None, true, 1));
    assert_eq!(nothing.now, SummaryNow { open: 0, unassigned: 0, awaiting_reply: 0, alerts: 0 });
    scene.rows(HISTORY);
    let text = |direction: &str, at: &str| {
        scene.rows(&format!(
            "INSERT INTO messages (tenant_id, conversation_id, message_body, message_direction, message_kind, from_number, to_number, message_status,
                                   created_at)
             VALUES ($tenant, '00000000-0000-7000-8000-000000000002', 'x', '{direction}', 'message', '+15550100002', '+15550199999',
                     CASE '{direction}' WHEN 'inbound' THEN 'received' ELSE 'sent' END, '{at}')"
        ));
    };
    scene
        .tx(|tx| {
            let rule = NewAlertRule::new("too many", "jobs", AlertOperator::GreaterThan, 7.into(), AlertSeverity::Low);
            let rule = tx.alert_rules().create(&rule)?.id;
            tx.alerts().raise(rule, 8.into(), None)
        })
        .unwrap();
    let now = || scene.summary(SummaryPeriod::Today).now;
    assert_eq!(now(), SummaryNow { open: 1, unassigned: 1, awaiting_reply: 0, alerts: 1 });
    text("inbound", "2026-11-02 12:00+00");
    assert_eq!(now().awaiting_reply, 1);
    text("outbound", "2026-11-02 12:01+00");
    assert_eq!(now().awaiting_reply, 0);
    scene.rows("UPDATE conversations SET assigned_to = $staff; UPDATE alerts SET status = 'resolved', resolved_at = now()");
    assert_eq!(now(), SummaryNow { open: 1, unassigned: 0, awaiting_reply: 0, alerts: 0 });
}
