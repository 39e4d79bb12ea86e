//! Rounds of the roll-up: in which order, how much in each, and by whom.

use super::roll_up::HISTORY;
use crate::support::Scene;
use chrono::{DateTime, TimeDelta, Utc};
use nmc_core::access::Acting;
use nmc_core::analytics::{FORMULA, JobFilter, KpiFilter};
use nmc_core::testing::Business;
use nmc_core::workflows::{
    JobWorker, JobWorkerConfig, RolledUp, WantedReport, report_content, roll_up, roll_up_all, stored_figures,
};
use nmc_core::{Error, JobStatus, KpiPeriod, PageRequest, Span};

impl Scene {
    fn round(&self) -> Option<usize> {
        roll_up(&self.db.store, &self.business.tenant).unwrap()
    }

    fn rebuild_before(&self) -> Option<DateTime<Utc>> {
        self.tx(|tx| tx.analytics_roll_ups().find()).unwrap().unwrap().rebuild_before
    }

    fn marks_until(&self, until: &str) -> i64 {
        self.db.query::<i64>(&format!("SELECT count(*) FROM analytics_marks WHERE marked_at < '{until}'")).remove(0)
    }
}

fn at(text: &str) -> DateTime<Utc> {
    text.parse().unwrap()
}

/// A target is brought into what lies before by computing all anew alone.
#[test]
fn rebuild_asked_for_while_one_is_underway_begins_again() {
    let scene = Scene::new();
    scene.rows(HISTORY);
    scene.roll_up();
    scene.tx(|tx| tx.rebuild_figures()).unwrap();
    scene.tx(|tx| tx.rebuild_figures()).unwrap();
    assert_eq!(scene.rebuild_before(), None, "no worker has begun it");
    let worker = JobWorker::new(scene.db.store.clone(), JobWorkerConfig::default());
    assert_eq!(worker.pass().unwrap().worked, 1);
    assert_eq!(scene.rebuild_before(), Some(at("2026-11-01T04:00:00Z")));
    scene.tick();
    scene.tx(|tx| tx.kpi_targets().upsert_by_key("missed_rate", KpiPeriod::Monthly, 40.into())).unwrap();
    scene.tx(|tx| tx.rebuild_figures()).unwrap();
    assert!(scene.rebuild_before() > Some(at("2027-01-01T00:00:00Z")), "{:?}", scene.rebuild_before());
    let jobs = || scene.tx(|tx| tx.jobs().list(&JobFilter::default(), PageRequest::first())).unwrap().items;
    let most = 10;
    let passes = (0..most).take_while(|_| jobs()[0].status != JobStatus::Completed && worker.pass().unwrap().worked == 1).count();
    assert!(passes < most && jobs().len() == 1 && scene.rebuild_before().is_none(), "{:?}", jobs());
    let filter =
        KpiFilter { kpi_name: Some("missed_rate".into()), period_type: Some(KpiPeriod::Monthly), ..KpiFilter::default() };
    let months = scene.tx(|tx| tx.kpi_snapshots().list(&filter, PageRequest::first())).unwrap().items;
    assert!(months.len() > 1 && months.iter().all(|row| row.kpi_target == Some(40.into())), "{months:?}");
}

#[test]
fn stored_figures_are_none_where_a_rebuild_has_not_come() {
    let scene = Scene::new();
    scene.rows(HISTORY);
    scene.roll_up();
    let [october, november] =
        [("2026-10-01T04:00:00Z", "2026-11-01T04:00:00Z"), ("2026-11-01T04:00:00Z", "2026-12-01T05:00:00Z")]
            .map(|(from, until)| Span { from: at(from), until: at(until) });
    let calls = |span| {
        let stored = scene.tx(|tx| stored_figures(tx, &["nmc.calls_inbound"], span)).unwrap();
        stored.map(|figures| figures.get("nmc.calls_inbound").to_string())
    };
    let stored = [october, november].map(calls);
    assert!(stored.iter().all(Option::is_some), "{stored:?}");
    scene.tx(|tx| tx.begin_rebuild()).unwrap();
    assert_eq!([october, november].map(calls), [None, None]);
    scene.round();
    assert_eq!([october, november].map(calls), [None, stored[1].clone()]);
    scene.roll_up();
    assert_eq!([october, november].map(calls), stored);
}

/// Each change of a call is a mark: a large business has thousands of them in a day.
#[test]
fn busy_day_is_computed_by_itself() {
    let scene = Scene::new();
    scene.rows(HISTORY);
    scene.roll_up();
    let marks = |each: &str, many: u32| {
        scene.rows(&format!(
            "INSERT INTO analytics_marks (tenant_id, marked_at)
             SELECT $tenant, '2026-10-30 04:00+00'::timestamptz + n % ({many} / 10) * interval '{each}' FROM generate_series(1, {many}) AS n"
        ));
    };
    marks("5 minutes", 2_800);
    assert_eq!(scene.round(), Some(24));
    assert_eq!(scene.marks_until("infinity"), 0);
    // Where there are more hours than a round has, it computes days of one month.
    marks("1 hour", 2_100);
    assert!(scene.round().is_some_and(|hours| hours >= 24) && scene.marks_until("infinity") > 0);
    scene.roll_up();
}

/// As many marks of today as make a round one of whole days come before each.
#[test]
fn old_mark_has_its_turn_whatever_comes_meanwhile() {
    let scene = Scene::new();
    scene.rows(HISTORY);
    scene.roll_up();
    scene.rows(
        "INSERT INTO analytics_marks (tenant_id, marked_at, created_at) SELECT $tenant, at, '2026-11-10 12:00+00'
         FROM unnest('{2026-03-08 06:30+00, 2026-05-05 12:00+00, 2026-10-30 21:00+00}'::timestamptz[]) AS at",
    );
    for round in 1..=3 {
        scene.rows(&format!(
            "INSERT INTO analytics_marks (tenant_id, marked_at, created_at)
             SELECT $tenant, '2026-11-15 06:00+00', '2026-11-15 0{round}:00+00' FROM generate_series(1, 10500)"
        ));
        assert!(scene.round().unwrap() <= 31 * 24 + 1);
        assert_eq!(scene.marks_until("2026-11-01"), 3 - round, "after round {round}");
    }
    scene.roll_up();
}

#[test]
fn figures_of_a_newer_formula_are_left_to_newer_workers() {
    let scene = Scene::new();
    scene.rows(HISTORY);
    scene.roll_up();
    let before = scene.all_stored();
    scene.rows("UPDATE analytics_roll_ups SET formula = formula + 1; UPDATE calls SET price = 9 WHERE outcome = 'answered'");
    assert_eq!((scene.round(), roll_up_all(&scene.db.store).unwrap()), (None, RolledUp::default()));
    assert!(scene.all_stored() == before && scene.marks_until("infinity") > 0);
    let wanted = WantedReport::Daily("2026-11-01".parse().unwrap());
    let report = report_content(&scene.db.store, &Acting::Application(scene.business.tenant), wanted);
    assert!(matches!(report, Err(Error::Unavailable { .. })));
    // Whoever goes back to this version has all computed anew by it.
    scene.tx(|tx| tx.begin_rebuild()).unwrap();
    scene.roll_up();
    assert_ne!(scene.all_stored(), before);
    let formula = scene.tx(|tx| tx.analytics_roll_ups().find()).unwrap().unwrap().formula;
    assert_eq!((formula, scene.rebuild_before()), (FORMULA, None));
}

/// 12,500 rows of October of each kind: in one transaction they might take longer than a statement may.
#[test]
fn month_of_many_rows_of_any_kind_is_computed_in_pieces() {
    const CALLS: &str =
        "INSERT INTO calls (tenant_id, caller_phone, called_phone, call_direction, call_status, outcome, started_at, created_at)
        SELECT $tenant, '+15550100007', '+15550199999', 'inbound', 'no-answer', 'missed', ";
    const CONVERSATIONS: &str = "INSERT INTO conversations (tenant_id, customer_phone, status, created_at, closed_at) SELECT $tenant, '+1556' || lpad(n::text, 7, '0'), ";
    let kinds = [
        ("calls", format!("{CALLS} at, at")),
        ("calls recorded at another time", format!("{CALLS} at, '2026-09-01 12:00+00'")),
        ("conversations", format!("{CONVERSATIONS} 'active', at, NULL")),
        ("conversations resolved", format!("{CONVERSATIONS} 'resolved', '2026-09-01 12:00+00', at")),
        (
            "texts",
            "INSERT INTO messages (tenant_id, conversation_id, message_body, message_direction, from_number, to_number, message_status, created_at)
             SELECT $tenant, gen_random_uuid(), 'x', 'inbound', '+15550100007', '+15550199999', 'received', at"
                .to_owned(),
        ),
    ];
    let scene = Scene::new();
    scene.round();
    scene.roll_up();
    let rounds = |insert: &str, each: &str| {
        scene.rows(&format!(
            "SET session_replication_role = replica; DELETE FROM calls; DELETE FROM conversations; DELETE FROM messages; {insert}
             FROM (SELECT n, '2026-10-31 20:00+00'::timestamptz - n * interval '{each}' AS at FROM generate_series(0, 12499) AS n) AS rows;
             RESET session_replication_role; ANALYZE"
        ));
        scene.tx(|tx| tx.begin_rebuild()).unwrap();
        let mut rounds = Vec::new();
        while scene.rebuild_before().is_some() {
            rounds.push(scene.round().unwrap() / 24);
            assert!(rounds.len() < 10, "{rounds:?}");
        }
        rounds
    };
    for (kind, insert) in kinds {
        let days = rounds(&insert, "200 seconds");
        assert_eq!(days[..2], [23, 8], "{kind}: {days:?}");
    }
    // A single day of more rows is a piece by itself, and the rest of the month another.
    let days = rounds(&format!("{CALLS} at, at"), "8 seconds");
    assert_eq!(days[..2], [1, 30], "{days:?}");

    // Of what is marked, the piece comes first that has the oldest mark.
    rounds(&format!("{CALLS} at, at"), "200 seconds");
    scene.rows(
        "INSERT INTO analytics_marks (tenant_id, marked_at, created_at) VALUES ($tenant, '2026-10-02 12:00+00', '2026-11-10 12:00+00');
         INSERT INTO analytics_marks (tenant_id, marked_at, created_at)
         SELECT $tenant, '2026-10-31 12:00+00', '2026-11-11 12:00+00' FROM generate_series(1, 10500)",
    );
    assert_eq!((scene.round().unwrap() / 24, scene.marks_until("2026-10-09")), (8, 0));
    scene.roll_up();
}

/// The server ends a statement that writes the figures of more calls than this, as it ends one that takes too long.
fn slow_beyond(scene: &Scene, calls: usize) {
    scene.rows(&format!(
        "CREATE OR REPLACE FUNCTION too_slow() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
             IF (SELECT count(*) FROM written) > {calls} THEN
                 RAISE 'canceling statement due to statement timeout' USING ERRCODE = 'query_canceled';
             END IF;
             RETURN NULL;
         END $$;
         CREATE OR REPLACE TRIGGER slow AFTER INSERT ON call_analytics REFERENCING NEW TABLE AS written
         FOR EACH STATEMENT EXECUTE FUNCTION too_slow()",
    ));
}

/// 80 missed calls on each of five days of October.
const FIVE_DAYS: &str =
    "INSERT INTO calls (tenant_id, caller_phone, called_phone, call_direction, call_status, outcome, started_at, created_at)
     SELECT $tenant, '+15550100007', '+15550199999', 'inbound', 'no-answer', 'missed', at, at FROM (
         SELECT '2026-10-05 16:00+00'::timestamptz + day * interval '1 day' + n * interval '1 minute' AS at
         FROM generate_series(0, 4) AS day, generate_series(1, 80) AS n
     ) AS calls";

#[test]
fn slow_machine_gets_fewer_days_at_a_time() {
    let scene = Scene::new();
    scene.rows(FIVE_DAYS);
    slow_beyond(&scene, 180);
    let by_day = || {
        let missed =
            "SELECT metric_value::bigint FROM analytics_metrics WHERE metric_name = 'nmc.calls_missed' AND aggregation_level";
        scene.db.query::<i64>(&format!("{missed} = 'daily' ORDER BY timestamp"))
    };
    assert_eq!(roll_up_all(&scene.db.store).unwrap().failed, 0);
    assert_eq!(by_day(), [80; 5]);
    // And where all of it is computed anew, by the job.
    scene.rows("DELETE FROM analytics_metrics; DELETE FROM call_analytics");
    scene.tx(|tx| tx.rebuild_figures()).unwrap();
    let worker = JobWorker::new(scene.db.store.clone(), JobWorkerConfig::default());
    let jobs = || scene.tx(|tx| tx.jobs().list(&JobFilter::default(), PageRequest::first())).unwrap().items;
    let most = 20;
    let passes = (0..most).take_while(|_| {
        worker.pass().unwrap();
        // Longer than what an attempt waits for the next.
        scene.clock.advance(TimeDelta::minutes(1));
        jobs()[0].status != JobStatus::Completed
    });
    assert!(passes.count() < most, "{:?}", jobs());
    assert_eq!(by_day(), [80; 5]);
}

#[test]
fn business_whose_day_takes_too_long_holds_no_other_up() {
    let scene = Scene::new();
    let other = Business::onboard(&scene.db.store, "Ann's Plumbing");
    for (slow, quick) in [(&scene.business, &other), (&other, &scene.business)] {
        scene.rows("DELETE FROM calls; DELETE FROM call_analytics; DELETE FROM analytics_marks");
        for (business, calls) in [(slow, 5), (quick, 4)] {
            scene.rows(&format!(
                "INSERT INTO calls (tenant_id, caller_phone, called_phone, call_direction, call_status, outcome, started_at, created_at)
                 SELECT '{}', '+15550100007', '+15550199999', 'inbound', 'no-answer', 'missed', at, at FROM (
                     SELECT '2026-10-05 16:00+00'::timestamptz + n * interval '1 minute' AS at FROM generate_series(1, {calls}) AS n
                 ) AS calls",
                business.tenant.id()
            ));
        }
        slow_beyond(&scene, 4);
        assert_eq!(roll_up_all(&scene.db.store).unwrap().failed, 1);
        let computed = format!("SELECT count(*) FROM call_analytics WHERE tenant_id = '{}'", quick.tenant.id());
        assert_eq!(scene.db.query::<i64>(&computed), [4]);
    }
}

/// Each index of an empty table seems as good as any: by the wrong one each look-up passes over all that was written before it.
#[test]
fn stored_figures_are_looked_up_before_the_first_is_written() {
    let scene = Scene::new();
    scene.rows(HISTORY);
    let tenant = scene.business.tenant;
    let plans = scene.db.plans(|store| assert!(roll_up(store, &tenant).unwrap().is_some()));
    for table in ["call_analytics", "conversation_analytics"] {
        let insert = format!("\nInsert on {table} ");
        let found: Vec<_> = plans.iter().filter_map(|plan| plan.split_once(&insert)).collect();
        assert!(!found.is_empty(), "{table}: {plans:?}");
        for (_, plan) in found {
            let (before, _) = plan.split_once("Join").expect("a look-up");
            assert!(before.contains("->  Sort"), "{table}: {plan}");
        }
    }
}
