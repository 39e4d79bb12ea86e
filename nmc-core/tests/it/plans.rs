//! How the statements of the hot path find their rows. A connection keeps one plan of each for all values, so a partial
//! index counts only where the statement spells out its predicate.

use diesel::connection::SimpleConnection as _;
use nmc_core::alerts::AlertFilter;
use nmc_core::analytics::{CallAnalyticsFilter, MetricFilter};
use nmc_core::calls::{CallFilter, record_voice_status};
use nmc_core::conversations::{ConversationFilter, receive_text};
use nmc_core::identity::TokenHash;
use nmc_core::store::Reason;
use nmc_core::testing::{Business, Sent, SmsForm, TestDb, VoiceForm, query, unique_phone, unique_sid};
use nmc_core::twilio::SmsCallback;
use nmc_core::{KpiPeriod, PageRequest, Store, TenantTx};
use std::time::Duration;

/// The plan for all values of each statement that binds any. Small tables are read through by right, so that is forbidden
/// here: what is still read through has no index that fits.
fn plans(db: &TestDb, trips: &[Sent]) -> Vec<(String, String)> {
    let mut conn = db.superuser();
    let mut plan = |sent: &Sent| {
        let settings = "SET plan_cache_mode = force_generic_plan; SET enable_seqscan = off; SET enable_bitmapscan = off";
        conn.batch_execute(&format!("{settings}; DEALLOCATE ALL; PREPARE q AS {}", sent.sql)).unwrap();
        conn.batch_execute(
            "CREATE OR REPLACE FUNCTION pg_temp.plan(statement text) RETURNS SETOF text LANGUAGE plpgsql AS
             $$ BEGIN RETURN QUERY EXECUTE 'EXPLAIN (COSTS OFF) ' || statement; END $$",
        )
        .unwrap();
        let execute = format!("EXECUTE q{}", sent.literals()).replace('\'', "''");
        let lines: Vec<String> = query(&mut conn, &format!("SELECT plan FROM pg_temp.plan('{execute}') AS plan"));
        lines.join("\n")
    };
    trips
        .iter()
        .filter(|sent| sent.values.is_some() && !sent.sql.starts_with("SET "))
        .map(|sent| (sent.sql.clone(), plan(sent)))
        .collect()
}

#[test]
fn every_statement_of_the_hot_path_finds_its_rows_by_an_index_whatever_the_values() {
    let db = TestDb::new();
    let business = Business::onboard(&db.store, "Joe's Plumbing");
    let (caller, sid) = (unique_phone(), unique_sid("CA"));
    let call = VoiceForm::missed(caller.as_str(), &business.number, &sid);
    let text = SmsCallback::parse(&SmsForm::text(caller.as_str(), &business.number, "STOP").0).unwrap();
    let mut found = Vec::new();
    let mut look = |what: &str, trips: Vec<Sent>| {
        for (sql, plan) in plans(&db, &trips) {
            assert!(!plan.contains("Seq Scan"), "{what}: {sql}\n{plan}");
            found.push(plan);
        }
    };
    let ringing = call.clone().with("CallStatus", "ringing").parse();
    look("a call that rings", db.round_trips(|store| assert!(record_voice_status(store, &ringing).is_ok())));
    look("and is missed", db.round_trips(|store| assert!(record_voice_status(store, &call.parse()).is_ok())));
    look("a text that opts out", db.round_trips(|store| assert!(receive_text(store, &text).is_ok())));
    let claim = db.round_trips(|store| {
        store.system(Reason::DueWork, |tx| tx.tenants_with_due_messages(10)).unwrap();
        let lease = chrono::TimeDelta::from_std(Duration::from_secs(60)).unwrap();
        store.tenant(&business.tenant, |tx| tx.messages().claim(10, lease)).unwrap();
    });
    look("the worker's search", claim);
    for index in [
        "phone_numbers_phone_number_key",
        "conversations_open_key",
        "messages_outbound_to_number_created_at_idx",
        "consents_customer_phone_sequence_idx",
        "messages_due_next_attempt_at_idx",
    ] {
        assert!(found.iter().any(|plan| plan.contains(index)), "nothing uses {index}: {found:#?}");
    }
}

#[test]
fn the_look_ups_of_queues_credentials_and_lists_find_their_rows_by_the_index_made_for_them() {
    let db = TestDb::new();
    let tenant = Business::onboard(&db.store, "Joe's Plumbing").tenant;
    let minute = chrono::TimeDelta::minutes(1);
    let page = PageRequest::first();
    let hash = TokenHash::new([7; 32]);
    type Work<'a> = Box<dyn Fn(&Store) + 'a>;
    let by_tenant = |work: fn(&mut TenantTx<'_>, PageRequest) -> nmc_core::Result<()>| -> Work<'_> {
        Box::new(move |store| store.tenant(&tenant, |tx| work(tx, page)).unwrap())
    };
    let cases: Vec<(Work<'_>, &str)> = vec![
        (
            Box::new(|store| drop(store.system(Reason::DueWork, |tx| tx.tenants_with_due_jobs(10)).unwrap())),
            "analytics_processing_jobs_due_next_attempt_at_idx",
        ),
        (
            Box::new(|store| drop(store.tenant(&tenant, |tx| tx.jobs().claim(10, minute)).unwrap())),
            "analytics_processing_jobs_due_next_attempt_at_idx",
        ),
        (
            Box::new(|store| drop(store.system(Reason::DueWork, |tx| tx.tenants_with_due_notifications(10)).unwrap())),
            "notifications_due_next_attempt_at_idx",
        ),
        (
            Box::new(|store| drop(store.tenant(&tenant, |tx| tx.notifications().claim(10, minute)).unwrap())),
            "notifications_due_next_attempt_at_idx",
        ),
        (
            Box::new(|store| {
                assert_eq!(store.system(Reason::Authentication, |tx| tx.find_session_by_token(&hash)).unwrap(), None)
            }),
            "user_sessions_refresh_token_hash_key",
        ),
        (
            Box::new(|store| {
                assert_eq!(store.system(Reason::Authentication, |tx| tx.find_session_by_token(&hash)).unwrap(), None)
            }),
            "user_sessions_previous_token_hash_idx",
        ),
        (
            Box::new(|store| drop(store.system(Reason::Authentication, |tx| tx.find_api_key("prefix", &hash)).unwrap())),
            "api_keys_prefix_key",
        ),
        (by_tenant(|tx, page| tx.calls().list(&CallFilter::default(), page).map(drop)), "calls_created_at_idx"),
        (
            by_tenant(|tx, page| tx.conversations().list(&ConversationFilter::default(), page).map(drop)),
            "conversations_created_at_idx",
        ),
        (by_tenant(|tx, page| tx.conversations().list_open(page).map(drop)), "conversations_open_updated_at_idx"),
        (by_tenant(|tx, page| tx.metrics().list(&MetricFilter::default(), page).map(drop)), "analytics_metrics_timestamp_idx"),
        (
            by_tenant(|tx, page| tx.call_analytics().list(&CallAnalyticsFilter::default(), page).map(drop)),
            "call_analytics_call_date_idx",
        ),
        (by_tenant(|tx, _| tx.kpi_snapshots().latest("rate", KpiPeriod::Daily).map(drop)), "kpi_snapshots_kpi_name_"),
        (by_tenant(|tx, page| tx.alerts().list(&AlertFilter::default(), page).map(drop)), "alerts_created_at_idx"),
        (by_tenant(|tx, _| tx.measurements().latest("missed").map(drop)), "alert_metrics_cache_metric_name_measurement_time_key"),
    ];
    for (work, index) in cases {
        let plans = plans(&db, &db.round_trips(|store| work(store)));
        assert!(plans.iter().any(|(_, plan)| plan.contains(index)), "nothing uses {index}: {plans:#?}");
        // In an empty database a sequential scan of `tenants` would cost nothing, and is forbidden like any other.
        assert!(plans.iter().all(|(_, plan)| !plan.contains("Seq Scan")), "{index}: {plans:#?}");
    }
}
