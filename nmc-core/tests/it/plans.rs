//! How the statements of the hot path find their rows. A connection keeps one plan of each for all values, so a partial
//! index counts only where the statement spells out its predicate.

use diesel::PgConnection;
use diesel::connection::SimpleConnection as _;
use nmc_core::access::{Credential, GuessOrigin, InvitationToken, Origin, TokenHash};
use nmc_core::alerts::AlertFilter;
use nmc_core::analytics::{CallAnalyticsFilter, MetricFilter};
use nmc_core::calls::{CallFilter, NewCall};
use nmc_core::conversations::{ConversationFilter, Worker, WorkerConfig};
use nmc_core::store::{Reason, SystemTx};
use nmc_core::telephony::SmsCallback;
use nmc_core::testing::{Business, FakeSms, Sent, SmsForm, TestDb, VoiceForm, query, unique_phone, unique_sid};
use nmc_core::workflows::receive_text;
use nmc_core::workflows::record_voice_status;
use nmc_core::workflows::resolve_idle;
use nmc_core::{CallDirection, CallerIdentity, KpiPeriod, PageRequest, Store, Tenant, TenantTx, UserId, UserRole};
use std::sync::Arc;

/// The plan for all values of each statement that binds any. Small tables are read through by right, so that is forbidden
/// here: what is still read through has no index that fits.
fn plans(db: &TestDb, trips: &[Sent]) -> Vec<(String, String)> {
    let mut conn = db.superuser();
    let mut plan = |sent: &Sent| {
        let settings = "SET plan_cache_mode = force_generic_plan; SET enable_seqscan = off; SET enable_bitmapscan = off";
        // Without a type an instant between the branches of a CASE would be taken for a text.
        let is_instant =
            |value: &Option<String>| value.as_ref().is_some_and(|text| text.get(4..5) == Some("-") && text.contains(':'));
        let values = sent.values.iter().flatten();
        let types = values.map(|value| if is_instant(value) { "timestamptz" } else { "unknown" }).collect::<Vec<_>>().join(", ");
        let types = if types.is_empty() { types } else { format!("({types})") };
        conn.batch_execute(&format!("{settings}; DEALLOCATE ALL; PREPARE q{types} AS {}", sent.sql)).unwrap();
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
fn hot_path_statements_use_an_index_whatever_the_values() {
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
    // Statements inside functions, and those of the keys, are told by the server as it runs them.
    for _ in 0..30 {
        let missed = VoiceForm::missed(unique_phone().as_str(), &business.number, &unique_sid("CA")).parse();
        assert!(record_voice_status(&db.store, &missed).is_ok());
    }
    // Among few rows an index is as good as the next.
    db.execute(&format!(
        "INSERT INTO conversations (tenant_id, customer_phone, channel, status)
             SELECT '{}', '+1556' || lpad(n::text, 7, '0'), 'phone', 'closed' FROM generate_series(1, 2000) n;
         ANALYZE",
        business.tenant.id()
    ));
    let (stranger, again) = (unique_phone(), unique_sid("CA"));
    let inside = db.plans(|store| {
        for sid in [&unique_sid("CA"), &again] {
            let missed = VoiceForm::missed(stranger.as_str(), &business.number, sid).parse();
            assert!(record_voice_status(store, &missed).is_ok());
        }
    });
    for plan in &inside {
        assert!(!plan.contains("Seq Scan"), "inside a function: {plan}");
    }
    for (table, index) in [
        ("phone_numbers AS n", "phone_numbers_phone_number_key"),
        ("phone_numbers AS n", "phone_numbers_phone_number_idx"),
        ("calls AS c", "calls_twilio_call_sid_key"),
        ("conversations AS c", "conversations_open_key"),
        ("UPDATE conversations", "conversations_pkey"),
    ] {
        let plans: Vec<&String> = inside.iter().filter(|plan| plan.contains(table)).collect();
        assert!(plans.iter().any(|plan| plan.contains(index)), "{table} by {index}: {plans:#?}");
    }
    let ringing = call.clone().with("CallStatus", "ringing").parse();
    look("a call that rings", db.round_trips(|store| assert!(record_voice_status(store, &ringing).is_ok())));
    look("and is missed", db.round_trips(|store| assert!(record_voice_status(store, &call.parse()).is_ok())));
    look("a text that opts out", db.round_trips(|store| assert!(receive_text(store, &text).is_ok())));
    business.queue(&db.store, &unique_phone(), "Hello").unwrap();
    let pass = db.round_trips(|store| {
        let sms: Arc<FakeSms> = Arc::default();
        assert_eq!(Worker::new(store.clone(), sms, WorkerConfig::default()).pass().unwrap().sent, 1);
    });
    look("the worker", pass);
    for index in [
        "conversations_open_key",
        "messages_outbound_to_number_created_at_idx",
        "messages_inbound_from_number_created_at_idx",
        "consents_customer_phone_sequence_idx",
        "messages_due_next_attempt_at_idx",
    ] {
        assert!(found.iter().any(|plan| plan.contains(index)), "nothing uses {index}: {found:#?}");
    }
}

/// What decides about a greeting is read by the person, the call and the number, however much a business has: as the tenant's role, to which
/// row-level security leaves fewer ways, and with one plan for all values.
#[test]
fn what_decides_about_a_greeting_is_read_by_index() {
    let db = TestDb::new();
    let business = Business::onboard(&db.store, "Joe's Plumbing");
    let call = VoiceForm::missed(unique_phone().as_str(), &business.number, &unique_sid("CA")).parse();
    let trips = db.round_trips(|store| assert!(record_voice_status(store, &call).is_ok()));
    let context = trips.iter().find(|sent| sent.sql.contains("untextable")).unwrap();
    let tenant = business.tenant.id();
    db.execute(&format!(
        "INSERT INTO conversations (tenant_id, customer_phone, channel, status, review_requested_at)
             SELECT '{tenant}', '+1556' || lpad(n::text, 7, '0'), 'sms', 'active', now() FROM generate_series(1, 20000) n;
         INSERT INTO calls (tenant_id, conversation_id, caller_phone, called_phone, call_direction, call_status)
             SELECT tenant_id, id, customer_phone, '{number}', 'inbound', 'no-answer' FROM conversations WHERE customer_phone LIKE '+1556%';
         INSERT INTO messages (tenant_id, conversation_id, call_id, message_body, message_direction, message_kind, from_number, to_number,
                 message_status, error_code, created_at)
             SELECT tenant_id, conversation_id, id, 'hello', 'outbound', 'greeting', called_phone, caller_phone,
                 CASE WHEN caller_phone LIKE '%0' THEN 'failed' ELSE 'delivered' END,
                 CASE WHEN caller_phone LIKE '%0' THEN 30003 END, now()
             FROM calls WHERE caller_phone LIKE '+1556%';
         INSERT INTO messages (tenant_id, conversation_id, message_body, message_direction, from_number, to_number, message_status, created_at)
             SELECT tenant_id, conversation_id, 'hello', 'inbound', caller_phone, called_phone, 'received', now()
             FROM calls WHERE caller_phone LIKE '+1556%';
         INSERT INTO consents (tenant_id, customer_phone, action, source)
             SELECT tenant_id, caller_phone, 'opt_in', 'staff' FROM calls WHERE caller_phone LIKE '+1556%';
         INSERT INTO conversation_events (tenant_id, conversation_id, call_id, event_type)
             SELECT tenant_id, conversation_id, id, 'not_texted' FROM calls WHERE caller_phone LIKE '+1556%';
         ANALYZE conversations, calls, messages, consents, conversation_events;",
        number = business.number
    ));
    let mut conn = db.superuser();
    conn.batch_execute(&format!(
        "BEGIN; SELECT nmc_enter_tenant('{tenant}'); SET LOCAL plan_cache_mode = force_generic_plan;
         PREPARE q (uuid, text[], text, uuid, timestamptz, int4[], timestamptz[]) AS {}",
        context.sql
    ))
    .unwrap();
    conn.batch_execute(
        "CREATE FUNCTION pg_temp.plan(statement text) RETURNS SETOF text LANGUAGE plpgsql AS
         $$ BEGIN RETURN QUERY EXECUTE 'EXPLAIN (COSTS OFF) ' || statement; END $$",
    )
    .unwrap();
    let execute = format!("EXECUTE q{}", context.literals()).replace('\'', "''");
    let plan: Vec<String> = query(&mut conn, &format!("SELECT plan FROM pg_temp.plan('{execute}') AS plan"));
    let plan = plan.join("\n");
    assert!(!plan.contains("Seq Scan"), "{plan}");
    for (column, times) in [("to_number", 6), ("from_number", 1), ("customer_phone", 2), ("call_id", 2)] {
        let conditions = plan.lines().filter(|line| line.contains("Index Cond") && line.contains(column)).count();
        assert_eq!(conditions, times, "{column}:\n{plan}");
    }
}

/// Of what has just been imported the server has no statistics: which of it comes again is asked by a plan for these ids, which hashes them.
#[test]
fn calls_of_a_log_that_comes_again_are_asked_for_by_their_ids() {
    let db = TestDb::new();
    let business = Business::onboard(&db.store, "Joe's Plumbing");
    let [caller, called] = [unique_phone(), business.number.clone()].map(CallerIdentity::Phone);
    let call = |n| NewCall::begun(CallDirection::Inbound, caller.clone(), called.clone(), format!("CAf{n:031x}"));
    let log: Vec<NewCall> = (0..100).map(call).collect();
    let trips = db.round_trips(|store| {
        for _ in 0..8 {
            store.tenant(&business.tenant, |tx| tx.calls().import(&log)).unwrap();
        }
    });
    let asked: Vec<&Sent> = trips.iter().filter(|sent| sent.sql.contains("twilio_call_sid = ANY ($2)")).collect();
    assert!(asked.len() == 7 && asked.iter().all(|sent| !sent.prepared), "{asked:?}");
}

/// The plan of a statement as a tenant's role makes it, for the values that it was sent with.
pub(crate) fn plan_as_tenant(db: &TestDb, tenant: Tenant, sent: &Sent) -> String {
    explained_as_tenant(&mut db.superuser(), tenant, sent, "auto", "COSTS OFF")
}

/// What EXPLAIN, with these options, says of a statement to a tenant's role, with its plan made in this mode.
pub(crate) fn explained_as_tenant(conn: &mut PgConnection, tenant: Tenant, sent: &Sent, mode: &str, options: &str) -> String {
    // Of what the statement does not use nothing tells the type.
    let is_used =
        |n: usize| sent.sql.split(&format!("${n}")).skip(1).any(|after| !after.starts_with(|c: char| c.is_ascii_digit()));
    let types = (1..=sent.values.iter().flatten().count()).map(|n| if is_used(n) { "unknown" } else { "text" });
    let types = types.collect::<Vec<_>>().join(", ");
    conn.batch_execute(&format!(
        "BEGIN; SELECT nmc_enter_tenant('{}'); SET LOCAL plan_cache_mode = {mode}; PREPARE q ({types}) AS {};
         CREATE FUNCTION pg_temp.plan(statement text) RETURNS SETOF text LANGUAGE plpgsql AS
         $$ BEGIN RETURN QUERY EXECUTE 'EXPLAIN ({options}) ' || statement; END $$",
        tenant.id(),
        sent.sql
    ))
    .unwrap();
    let execute = format!("EXECUTE q{}", sent.literals()).replace('\'', "''");
    let lines: Vec<String> = query(conn, &format!("SELECT plan FROM pg_temp.plan('{execute}') AS plan"));
    conn.batch_execute("ROLLBACK; DEALLOCATE q").unwrap();
    lines.join("\n")
}

/// What an inbox asks for costs what its page costs, however much a business has: rows and last texts come by index.
#[test]
fn pages_of_an_inbox_are_read_by_index() {
    let db = TestDb::new();
    let business = Business::onboard(&db.store, "Joe's Plumbing");
    let tenant = business.tenant;
    db.execute(&format!(
        "INSERT INTO conversations (tenant_id, customer_phone, channel, status, created_at, updated_at)
             SELECT '{id}', '+1556' || lpad(n::text, 7, '0'), 'phone', CASE WHEN n % 20 = 0 THEN 'active' ELSE 'closed' END,
                 now() - n * interval '1 minute', now() - n * interval '1 minute' FROM generate_series(1, 20000) n;
         INSERT INTO messages (tenant_id, conversation_id, message_body, message_direction, from_number, to_number, message_status, created_at)
             SELECT tenant_id, id, 'hello', 'inbound', customer_phone, '+15550000000', 'received', created_at
             FROM conversations, generate_series(1, 3) WHERE tenant_id = '{id}';
         ANALYZE conversations, messages;",
        id = tenant.id()
    ));
    db.execute(
        "INSERT INTO conversation_events (tenant_id, conversation_id, event_type, created_at)
             SELECT tenant_id, id, 'message_received', created_at FROM conversations WHERE customer_phone LIKE '+1556%';
         ANALYZE conversations, conversation_events;",
    );
    let staff = business.user(&db.store);
    let all = ConversationFilter::default();
    let unread = ConversationFilter { unread_by: Some(staff), ..ConversationFilter::default() };
    type List<'a> = Box<dyn Fn(&mut TenantTx<'_>) -> nmc_core::Result<usize> + 'a>;
    let lists: Vec<(List<'_>, usize, &str)> = vec![
        (
            Box::new(|tx| Ok(tx.conversations().list_open(&all, PageRequest::first())?.items.len())),
            50,
            "conversations_open_updated_at_idx",
        ),
        (
            Box::new(|tx| Ok(tx.conversations().list_with_last_text(&all, PageRequest::first())?.items.len())),
            50,
            "conversations_created_at_idx",
        ),
        (
            Box::new(|tx| Ok(tx.conversations().list_with_last_text(&unread, PageRequest::first())?.items.len())),
            50,
            "conversation_events_conversation_id_created_at_idx",
        ),
    ];
    for (list, rows, index) in lists {
        let trips = db.round_trips(|store| assert_eq!(store.tenant(&tenant, |tx| list(tx)).unwrap(), rows));
        let sent = trips.iter().find(|sent| sent.sql.contains("LATERAL")).unwrap();
        let plan = plan_as_tenant(&db, tenant, sent);
        assert!(plan.contains(index) && !plan.contains("Seq Scan"), "{index}: {plan}");
        assert_eq!(plan.matches("messages_conversation_id_created_at_idx").count(), 2, "{plan}");
    }
}

#[test]
fn look_ups_of_queues_credentials_and_lists_use_their_index() {
    let db = TestDb::new();
    let tenant = Business::onboard(&db.store, "Joe's Plumbing").tenant;
    let minute = chrono::TimeDelta::minutes(1);
    let page = PageRequest::first();
    let hash = TokenHash::new([7; 32]);
    let nobody = "nobody@example.com".parse().unwrap();
    let credential = logged_in(&db, tenant);
    type Work<'a> = Box<dyn Fn(&Store) + 'a>;
    let by_tenant = |work: fn(&mut TenantTx<'_>, PageRequest) -> nmc_core::Result<()>| -> Work<'_> {
        Box::new(move |store| store.tenant(&tenant, |tx| work(tx, page)).unwrap())
    };
    let cases: Vec<(Work<'_>, &str)> = vec![
        (
            Box::new(|store| drop(store.system(Reason::DueWork, |tx| tx.tenants_with_due_numbers(None, 10)).unwrap())),
            "phone_numbers_due_next_attempt_at_idx",
        ),
        (
            Box::new(|store| drop(store.system(Reason::DueWork, |tx| tx.tenants_with_due_jobs(None, 10)).unwrap())),
            "analytics_processing_jobs_due_next_attempt_at_idx",
        ),
        (
            Box::new(|store| drop(store.tenant(&tenant, |tx| tx.jobs().claim(10, minute)).unwrap())),
            "analytics_processing_jobs_due_next_attempt_at_idx",
        ),
        (
            Box::new(|store| drop(store.system(Reason::DueWork, |tx| tx.tenants_with_due_notifications(None, 10)).unwrap())),
            "notifications_due_next_attempt_at_idx",
        ),
        (
            Box::new(|store| drop(store.tenant(&tenant, |tx| tx.notifications().claim(10, minute)).unwrap())),
            "notifications_due_next_attempt_at_idx",
        ),
        (
            Box::new(|store| {
                let found = store.system(Reason::Authentication, |tx| tx.find_session_by_family(&hash)).unwrap();
                assert_eq!(found, None);
            }),
            "user_sessions_token_family_hash_key",
        ),
        (
            Box::new(|store| {
                let claim =
                    |tx: &mut SystemTx<'_>| tx.claim_login_attempt(&nobody, GuessOrigin::Request(&Origin::default()), 5, minute);
                assert!(store.system(Reason::Authentication, claim).unwrap().is_none());
            }),
            "users_email_key",
        ),
        (
            Box::new(|store| {
                let token = InvitationToken::random(UserId::new(uuid::Uuid::now_v7())).unwrap();
                assert!(store.system(Reason::Authentication, |tx| tx.find_invited(&token)).unwrap().is_none());
            }),
            "users_pkey",
        ),
        (Box::new(|store| store.acting(&credential, |_| Ok(())).unwrap()), "user_sessions_pkey"),
        (Box::new(|store| assert_eq!(resolve_idle(store, 10).unwrap(), 0)), "conversations_open_updated_at_idx"),
        (
            Box::new(|store| drop(store.system(Reason::Authentication, |tx| tx.find_api_key("prefix", &hash)).unwrap())),
            "api_keys_prefix_key",
        ),
        (by_tenant(|tx, page| tx.calls().list(&CallFilter::default(), page).map(drop)), "calls_created_at_idx"),
        (
            by_tenant(|tx, page| tx.conversations().list(&ConversationFilter::default(), page).map(drop)),
            "conversations_created_at_idx",
        ),
        (
            by_tenant(|tx, page| tx.conversations().list_open(&ConversationFilter::default(), page).map(drop)),
            "conversations_open_updated_at_idx",
        ),
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

/// A token of somebody who has just logged in there, among so many others that an index is not as good as the next.
fn logged_in(db: &TestDb, tenant: Tenant) -> Credential {
    let auth = crate::people::authenticator(&db.store);
    crate::people::add(&auth, tenant, "ada", UserRole::Owner);
    let tokens = crate::people::login(&auth, "ada").unwrap();
    db.execute(&format!(
        "INSERT INTO users (tenant_id, email, password_hash, role)
             SELECT '{id}', 'user' || n || '@example.com', '', 'user' FROM generate_series(1, 500) n;
         INSERT INTO user_sessions (tenant_id, user_id, token_family_hash, refresh_token_hash, expires_at)
             SELECT '{id}', id, 'family ' || id || n, 'hash ' || id || n, '2999-01-01' FROM users, generate_series(1, 8) n;
         ANALYZE users; ANALYZE user_sessions;",
        id = tenant.id()
    ));
    auth.credential(&tokens.access_token).unwrap()
}
