//! What requests for figures cost: few rows and few statements, however much a business has.

use crate::filters::looked_at;
use crate::plans::explained_as_tenant;
use chrono::TimeDelta;
use nmc_core::analytics::{CallAnalyticsFilter, ConversationAnalyticsFilter, KpiFilter, MetricFilter, ReportFilter};
use nmc_core::testing::{Business, TestDb};
use nmc_core::workflows::{SummaryPeriod, behind_page, figures, roll_up, roll_up_all, summary};
use nmc_core::{
    AggregationLevel, CallAnalyticsStatus, Clock as _, ConversionStatus, KpiPeriod, MetricType, PageRequest, Result, Span,
    SystemClock, TenantTx,
};

/// The most rows that a part of a request may look at: those of a month of this history, or of twice 30 days.
const MOST: u64 = 4_000;

/// 300 days: 60 calls on each, a fifth of them with a conversation and its texts, and their figures by hour and day.
fn fill(db: &TestDb, business: &Business) {
    db.execute(&format!(
        "SET session_replication_role = replica;
         INSERT INTO conversations (id, tenant_id, customer_phone, status, created_at, closed_at)
             SELECT gen_random_uuid(), '{id}', '+1556' || lpad(n::text, 7, '0'), 'resolved', at, at + interval '1 day'
             FROM generate_series(1, 3600) AS n CROSS JOIN LATERAL (SELECT now() - n * interval '2 hours' AS at) AS times;
         INSERT INTO calls (tenant_id, conversation_id, caller_phone, called_phone, call_direction, call_status, outcome, started_at, created_at)
             SELECT tenant_id, id, customer_phone, '{number}', 'inbound', 'no-answer', 'missed', created_at, created_at
             FROM conversations WHERE tenant_id = '{id}'
             UNION ALL
             SELECT '{id}'::uuid, NULL, '+1557' || lpad(n::text, 7, '0'), '{number}', 'inbound', 'completed', 'answered', at, at
             FROM generate_series(1, 14400) AS n CROSS JOIN LATERAL (SELECT now() - n * interval '30 minutes' AS at) AS times;
         INSERT INTO messages (tenant_id, conversation_id, message_body, message_direction, from_number, to_number, message_status, created_at)
             SELECT tenant_id, id, 'x', 'inbound', customer_phone, '{number}', 'received', created_at + n * interval '1 minute'
             FROM conversations CROSS JOIN generate_series(1, 3) AS n WHERE tenant_id = '{id}';
         INSERT INTO call_analytics (tenant_id, call_id, conversation_id, phone_number, call_status, conversion_status, call_date)
             SELECT tenant_id, id, conversation_id, caller_phone, outcome, CASE WHEN conversation_id IS NOT NULL THEN 'converted' END, started_at
             FROM calls WHERE tenant_id = '{id}';
         INSERT INTO conversation_analytics (tenant_id, conversation_id, conversation_date)
             SELECT tenant_id, id, created_at FROM conversations WHERE tenant_id = '{id}';
         INSERT INTO analytics_metrics (tenant_id, metric_type, metric_name, metric_value, aggregation_level, timestamp)
             SELECT '{id}', 'call', name, 1, 'hourly', date_trunc('hour', now()) - n * interval '1 hour'
             FROM generate_series(1, 7200) AS n
             CROSS JOIN unnest(ARRAY['nmc.calls_inbound', 'nmc.calls_unanswered', 'nmc.calls_answered', 'nmc.calls_cost']) AS name
             UNION ALL
             SELECT '{id}'::uuid, 'call', 'nmc.calls_' || name, 1, 'daily', date_trunc('day', now()) - n * interval '1 day'
             FROM generate_series(0, 299) AS n CROSS JOIN generate_series(1, 28) AS name
             UNION ALL
             SELECT '{id}'::uuid, 'performance', 'jobs', n, 'raw', now() - n * interval '20 minutes' FROM generate_series(1, 20000) AS n;
         INSERT INTO analytics_metrics (tenant_id, metric_type, metric_name, metric_value, aggregation_level, timestamp, dimensions)
             SELECT '{id}', 'call', 'nmc.calls_inbound/+155501000' || lpad(number::text, 2, '0'), 1, 'daily', date_trunc('day', now()) - n * interval '1 day',
                 jsonb_build_object('number', '+155501000' || lpad(number::text, 2, '0'))
             FROM generate_series(0, 299) AS n CROSS JOIN generate_series(1, 20) AS number;
         INSERT INTO kpi_snapshots (tenant_id, kpi_name, kpi_value, period_type, snapshot_date)
             SELECT '{id}', 'kpi_' || kpi, 1, 'daily', date_trunc('day', now()) - n * interval '1 day'
             FROM generate_series(0, 299) AS n CROSS JOIN generate_series(1, 18) AS kpi;
         INSERT INTO analytics_reports (tenant_id, report_type, period_start, period_end, sections, generated_at)
             SELECT '{id}', 'daily', now() - n * interval '1 hour', now(), '{{}}', now() - n * interval '1 hour' FROM generate_series(1, 300) AS n;",
        id = business.tenant.id(),
        number = business.number
    ));
}

type Work<'a> = Box<dyn Fn(&mut TenantTx<'_>) -> Result<usize> + 'a>;

#[test]
fn requests_for_figures_look_at_few_of_many_rows() {
    let db = TestDb::new();
    let [big, small] = ["Joe's Plumbing", "Other"].map(|name| Business::onboard(&db.store, name));
    fill(&db, &big);
    fill(&db, &small);
    db.execute("ANALYZE");
    let tenant = big.tenant;
    let (page, now) = (PageRequest::first(), SystemClock.now());
    let month = Span { from: now - TimeDelta::days(131), until: now - TimeDelta::days(100) };
    let a_day = (Some(now - TimeDelta::days(101)), Some(now - TimeDelta::days(100)));
    let conversation: String = db
        .query(&format!(
            "SELECT id::text FROM conversations WHERE tenant_id = '{}' AND customer_phone = '+15560000077'",
            tenant.id()
        ))
        .remove(0);
    let conversation = conversation.parse().unwrap();
    let metrics = |filter: MetricFilter| -> Work<'_> { Box::new(move |tx| Ok(tx.metrics().list(&filter, page)?.items.len())) };
    let calls = |filter: CallAnalyticsFilter| -> Work<'_> {
        Box::new(move |tx| Ok(tx.call_analytics().list(&filter, page)?.items.len()))
    };
    let (any, any_call) = (MetricFilter::default, CallAnalyticsFilter::default);
    let named = |name: &str| Some(name.to_owned());
    let cases: Vec<(&str, Work<'_>)> = vec![
        ("summary", Box::new(|tx| Ok(summary(tx, SummaryPeriod::ThirtyDays)?.days.len()))),
        ("figures of a month", Box::new(|tx| Ok(figures(tx, month)?.iter().count()))),
        (
            "rows of a month",
            Box::new(|tx| Ok(behind_page(tx, &["nmc.calls_missed", "nmc.calls_inbound"], month, page)?.items.len())),
        ),
        ("rows of texts", Box::new(|tx| Ok(behind_page(tx, &["nmc.texts_received"], month, page)?.items.len()))),
        ("metrics", metrics(any())),
        ("metrics by level", metrics(MetricFilter { aggregation_level: Some(AggregationLevel::Daily), ..any() })),
        ("metrics by rare level", metrics(MetricFilter { aggregation_level: Some(AggregationLevel::Hourly), ..any() })),
        ("metrics by name", metrics(MetricFilter { metric_name: named("nmc.calls_7"), ..any() })),
        ("metrics by type", metrics(MetricFilter { metric_type: Some(MetricType::Performance), ..any() })),
        ("metrics of a day", metrics(MetricFilter { from: a_day.0, until: a_day.1, ..any() })),
        ("calls", calls(any_call())),
        ("calls by status", calls(CallAnalyticsFilter { call_status: Some(CallAnalyticsStatus::Missed), ..any_call() })),
        (
            "calls by conversion",
            calls(CallAnalyticsFilter { conversion_status: Some(ConversionStatus::Converted), ..any_call() }),
        ),
        ("calls of a conversation", calls(CallAnalyticsFilter { conversation: Some(conversation), ..any_call() })),
        ("calls of a day", calls(CallAnalyticsFilter { from: a_day.0, until: a_day.1, ..any_call() })),
        (
            "conversations",
            Box::new(|tx| Ok(tx.conversation_analytics().list(&ConversationAnalyticsFilter::default(), page)?.items.len())),
        ),
        (
            "key figures",
            Box::new(|tx| {
                let filter = KpiFilter { kpi_name: named("kpi_7"), period_type: Some(KpiPeriod::Daily), ..KpiFilter::default() };
                Ok(tx.kpi_snapshots().list(&filter, page)?.items.len())
            }),
        ),
        ("reports", Box::new(|tx| Ok(tx.reports().list(&ReportFilter::default(), page)?.items.len()))),
    ];
    let (mut slow, mut conn) = (Vec::new(), db.superuser());
    for (what, work) in cases {
        let trips = db.round_trips(|store| assert!(store.tenant(&tenant, |tx| work(tx)).unwrap() > 0, "{what}: none is there"));
        for (sent, mode) in trips.iter().flat_map(|sent| ["force_custom_plan", "force_generic_plan"].map(|mode| (sent, mode))) {
            if sent.values.is_none() {
                continue;
            }
            let plan = explained_as_tenant(&mut conn, tenant, sent, mode, "ANALYZE, COSTS OFF, TIMING OFF, SUMMARY OFF");
            if looked_at(&plan) > MOST {
                slow.push(format!("{what}, {mode}, {}: {}\n{plan}", looked_at(&plan), sent.sql));
            }
        }
    }
    assert!(slow.is_empty(), "{}", slow.join("\n\n"));
}

/// Where a piece of a month begins is found by indexes, each read no further than a piece is long.
#[test]
fn pieces_of_months_are_found_by_index() {
    let db = TestDb::new();
    let business = Business::onboard(&db.store, "Joe's Plumbing");
    fill(&db, &business);
    db.execute("ANALYZE");
    let trips = db.round_trips(|store| assert!(roll_up(store, &business.tenant).unwrap().is_some()));
    let pieces: Vec<_> = trips.iter().filter(|sent| sent.sql.contains("OFFSET $4")).collect();
    assert!(!pieces.is_empty());
    let mut conn = db.superuser();
    for (sent, mode) in pieces.iter().flat_map(|sent| ["force_custom_plan", "force_generic_plan"].map(|mode| (sent, mode))) {
        let plan = explained_as_tenant(&mut conn, business.tenant, sent, mode, "ANALYZE, COSTS OFF, TIMING OFF, SUMMARY OFF");
        assert!(looked_at(&plan) <= MOST && !plan.contains("Seq Scan"), "{mode}: {plan}");
    }
}

/// Of a business whose first figures are computed the statistics tell nothing, or that it has no row: planned for its own id, each look-up of
/// what is stored of a call would read all of it.
#[test]
fn first_figures_of_a_business_look_rows_up_by_their_key() {
    let db = TestDb::new();
    let [known, new] = ["Joe's Plumbing", "Other"].map(|name| Business::onboard(&db.store, name));
    fill(&db, &known);
    db.execute("ANALYZE");
    fill(&db, &new);
    db.execute(&format!(
        "INSERT INTO analytics_marks (tenant_id, marked_at) VALUES ('{}', now() - interval '2 days')",
        new.tenant.id()
    ));
    let now = SystemClock.now();
    let week = Span { from: now - TimeDelta::days(7), until: now };
    let trips = db.round_trips(|store| {
        assert!(roll_up(store, &new.tenant).unwrap().is_some());
        store.tenant(&new.tenant, |tx| figures(tx, week)).unwrap();
        store.tenant(&new.tenant, |tx| behind_page(tx, &["nmc.calls_missed"], week, PageRequest::first())).unwrap();
    });
    let mut conn = db.superuser();
    let (mut mode, mut seen) = ("auto", 0);
    for sent in &trips {
        if sent.sql.contains("plan_cache_mode") {
            mode = if sent.sql.contains("force_generic_plan") { "force_generic_plan" } else { "auto" };
        }
        if sent.values.is_some() && sent.sql.contains("_analytics AS ") {
            seen += 1;
            let plan = explained_as_tenant(&mut conn, new.tenant, sent, mode, "ANALYZE, COSTS OFF, TIMING OFF, SUMMARY OFF");
            assert!(looked_at(&plan) <= 2 * MOST, "{mode}, {}: {plan}", looked_at(&plan));
        }
    }
    assert!(seen >= 5, "{seen}");
}

/// A summary is asked for by every dashboard, again and again: one statement more is a decision.
#[test]
fn summary_takes_eight_round_trips_whatever_its_days() {
    let db = TestDb::new();
    let business = Business::onboard(&db.store, "Joe's Plumbing");
    db.execute("INSERT INTO analytics_marks (tenant_id, marked_at) SELECT id, now() FROM tenants");
    roll_up_all(&db.store).unwrap();
    for period in [SummaryPeriod::Today, SummaryPeriod::ThirtyDays] {
        let trips = db.round_trips(|store| drop(store.reading().tenant(&business.tenant, |tx| summary(tx, period)).unwrap()));
        let sent: Vec<&str> = trips.iter().map(|sent| sent.sql.as_str()).collect();
        assert_eq!(sent.len(), 8, "{period}: {sent:#?}");
    }
}
