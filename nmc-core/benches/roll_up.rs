//! The roll-up beside statements by hand: all figures of a business anew, one dirty day of it, figures asked of its rows, the summary, a
//! report, and what the marks cost a missed call. With `import`: a log of calls that comes to a business whose figures are computed, beside
//! all figures anew. The server is the test kit's, which does not wait for the disk.
//!
//! `cargo bench -p nmc-core --bench roll_up -- [calls of the business] [calls of others]`
//! `cargo bench --profile dev -p nmc-core --bench roll_up -- import [calls of the log]`

#![expect(
    clippy::expect_used,
    clippy::print_stdout,
    reason = "a benchmark that can't run has nothing better to do, and this one prints"
)]

use chrono::TimeDelta;
use nmc_core::reports::{Paper, ReportKind};
use nmc_core::testing::{Business, TestDb, VoiceForm, unique_phone, unique_sid};
use nmc_core::workflows::{SummaryPeriod, WantedReport, figures, record_voice_status, report_content, roll_up_all, summary};
use nmc_core::{Clock as _, Span, SystemClock};
use std::time::{Duration, Instant};

const ROUNDS: i64 = 5;

/// The calls of each of the other businesses.
const OF_EACH: u64 = 10_000;

/// What somebody would write who wants the same figures of a year once, but those by number, by person, of open hours, and the key figures.
/// Facts as ours are kept, a row for each call and conversation.
const BY_HAND: &str = "
    INSERT INTO call_analytics (tenant_id, call_id, conversation_id, phone_number, call_type, call_status, call_duration, cost_per_call, call_date)
    SELECT tenant_id, id, conversation_id, caller_phone, call_type, outcome, duration_seconds, price, coalesce(started_at, created_at)
    FROM calls WHERE tenant_id = $t;
    INSERT INTO conversation_analytics (tenant_id, conversation_id, call_id, message_count, ai_message_count, human_message_count,
        resolution_status, conversation_date, conversation_duration)
    SELECT c.tenant_id, c.id, c.first_call_id, count(*), count(*) FILTER (WHERE m.ai_generated), count(*) FILTER (WHERE m.message_kind = 'message'),
        'resolved', c.created_at, extract(epoch FROM c.closed_at - c.created_at)
    FROM conversations AS c JOIN messages AS m ON m.tenant_id = c.tenant_id AND m.conversation_id = c.id
    WHERE c.tenant_id = $t GROUP BY c.tenant_id, c.id, c.first_call_id, c.created_at, c.closed_at;
    WITH of_calls AS (
        SELECT date_trunc('hour', coalesce(c.started_at, c.created_at), 'America/New_York') AS hour,
            count(*) FILTER (WHERE inbound) AS inbound, count(*) FILTER (WHERE inbound AND c.outcome = 'answered') AS answered,
            count(*) FILTER (WHERE inbound AND c.outcome = 'missed') AS missed, count(*) FILTER (WHERE inbound AND c.outcome = 'voicemail') AS voicemail,
            count(*) FILTER (WHERE inbound AND c.outcome = 'abandoned') AS abandoned, count(*) FILTER (WHERE inbound AND c.outcome = 'blocked') AS blocked,
            count(*) FILTER (WHERE inbound AND c.outcome = 'failed') AS failed,
            count(*) FILTER (WHERE inbound AND c.outcome IN ('missed', 'voicemail', 'abandoned')) AS unanswered,
            count(greeting.id) AS texted_back, count(reply.id) AS replied,
            count(*) FILTER (WHERE inbound AND told.conversion_status = 'converted' AND c.outcome IN ('missed', 'voicemail', 'abandoned')) AS converted,
            sum(c.duration_seconds) FILTER (WHERE inbound AND c.outcome = 'answered') AS talk_seconds,
            count(*) FILTER (WHERE NOT inbound AND c.call_status IN ('completed', 'busy', 'no-answer', 'failed', 'canceled')) AS outbound,
            sum(c.price) FILTER (WHERE c.price_unit = 'USD') AS cost, sum(told.revenue_impact) FILTER (WHERE inbound) AS revenue,
            sum(told.revenue_impact) FILTER (WHERE inbound AND c.outcome IN ('missed', 'voicemail', 'abandoned')) AS revenue_unanswered
        FROM (SELECT *, call_direction = 'inbound' AS inbound FROM calls WHERE tenant_id = $t) AS c
        LEFT JOIN call_analytics AS told ON told.tenant_id = $t AND told.call_id = c.id
        LEFT JOIN messages AS greeting ON greeting.tenant_id = $t AND greeting.call_id = c.id AND greeting.message_kind = 'greeting'
            AND greeting.message_status IN ('accepted', 'sending', 'sent', 'delivered', 'partially_delivered', 'read')
        LEFT JOIN LATERAL (
            SELECT r.id FROM messages AS r WHERE r.tenant_id = $t AND r.conversation_id = c.conversation_id AND r.message_direction = 'inbound'
                AND r.created_at > greeting.created_at AND r.created_at <= greeting.created_at + interval '168 hours' LIMIT 1
        ) AS reply ON true
        GROUP BY 1
    ), of_opened AS (
        SELECT date_trunc('hour', c.created_at, 'America/New_York') AS hour, count(*) AS opened, count(response.at) AS responded,
            sum(floor(extract(epoch FROM response.at - asked.at))) AS response_seconds
        FROM conversations AS c
        LEFT JOIN LATERAL (
            SELECT m.created_at AS at FROM messages AS m
            WHERE m.tenant_id = $t AND m.conversation_id = c.id AND m.message_direction = 'inbound' ORDER BY m.created_at LIMIT 1
        ) AS asked ON true
        LEFT JOIN LATERAL (
            SELECT m.created_at AS at FROM messages AS m
            WHERE m.tenant_id = $t AND m.conversation_id = c.id AND m.message_direction = 'outbound' AND m.message_kind = 'message'
                AND m.message_status IN ('accepted', 'sending', 'sent', 'delivered', 'partially_delivered', 'read') AND m.created_at > asked.at
            ORDER BY m.created_at LIMIT 1
        ) AS response ON true
        WHERE c.tenant_id = $t GROUP BY 1
    ), of_resolved AS (
        SELECT date_trunc('hour', closed_at, 'America/New_York') AS hour, count(*) AS resolved,
            sum(floor(extract(epoch FROM closed_at - created_at))) AS resolution_seconds
        FROM conversations WHERE tenant_id = $t AND closed_at < now() GROUP BY 1
    ), of_texts AS (
        SELECT date_trunc('hour', created_at, 'America/New_York') AS hour, count(*) FILTER (WHERE message_direction = 'inbound') AS received,
            count(*) FILTER (WHERE message_direction = 'outbound' AND message_status NOT IN ('queued', 'scheduled', 'canceled')) AS sent,
            count(*) FILTER (WHERE message_status IN ('undelivered', 'failed')) AS failed, sum(price) FILTER (WHERE price_unit = 'USD') AS cost
        FROM messages WHERE tenant_id = $t GROUP BY 1
    ), of_opt_outs AS (
        SELECT date_trunc('hour', created_at, 'America/New_York') AS hour, count(*) AS opt_outs
        FROM consents WHERE tenant_id = $t AND action = 'opt_out' GROUP BY 1
    ), figures AS (
        SELECT hour, 'call' AS type, figure.name, figure.value FROM of_calls CROSS JOIN LATERAL (VALUES ('inbound', inbound::numeric),
            ('answered', answered), ('missed', missed), ('voicemail', voicemail), ('abandoned', abandoned), ('blocked', blocked), ('failed', failed),
            ('unanswered', unanswered), ('texted_back', texted_back), ('replied', replied), ('converted', converted), ('seconds', talk_seconds),
            ('outbound', outbound), ('cost', cost), ('revenue', revenue), ('revenue_unanswered', revenue_unanswered)) AS figure (name, value)
        UNION ALL
        SELECT hour, 'conversation', figure.name, figure.value FROM of_opened CROSS JOIN LATERAL (VALUES
            ('opened', opened::numeric), ('responded', responded), ('response_seconds', response_seconds)) AS figure (name, value)
        UNION ALL
        SELECT hour, 'conversation', figure.name, figure.value FROM of_resolved CROSS JOIN LATERAL (VALUES
            ('resolved', resolved::numeric), ('resolution_seconds', resolution_seconds)) AS figure (name, value)
        UNION ALL
        SELECT hour, 'conversation', figure.name, figure.value FROM of_texts CROSS JOIN LATERAL (VALUES
            ('received', received::numeric), ('sent', sent), ('failed', failed), ('cost_of_texts', cost)) AS figure (name, value)
        UNION ALL
        SELECT hour, 'conversation', 'opt_outs', opt_outs FROM of_opt_outs
    )
    INSERT INTO analytics_metrics (tenant_id, metric_type, metric_name, metric_value, aggregation_level, timestamp, period_start)
    SELECT $t, type, 'hand.' || type || '.' || name, sum(value), level, at, at
    FROM figures CROSS JOIN (VALUES ('hourly', 'hour'), ('daily', 'day'), ('weekly', 'week'), ('monthly', 'month')) AS levels (level, unit)
    CROSS JOIN LATERAL date_trunc(unit, hour, 'America/New_York') AS at
    WHERE value <> 0 GROUP BY type, name, level, at;";

/// A year of calls, every third missed, each of those with a conversation, a greeting and an answer.
fn fill(db: &TestDb, business: &Business, calls: u64) {
    if calls == 0 {
        return;
    }
    let tenant = business.tenant.id();
    db.execute(&format!(
        "SET session_replication_role = replica;
         UPDATE tenants SET timezone = 'America/New_York' WHERE id = '{tenant}';
         CREATE TEMP TABLE made AS SELECT n, gen_random_uuid() AS call, CASE n % 3 WHEN 0 THEN gen_random_uuid() END AS conversation,
             '+1555' || lpad((n % 10000000)::text, 7, '0') AS phone, now() - n * (interval '365 days' / {calls}) AS at
         FROM generate_series(1, {calls}) AS n;
         INSERT INTO conversations (id, tenant_id, customer_phone, status, first_call_id, last_call_id, total_calls, created_at, updated_at, closed_at)
         SELECT conversation, '{tenant}', phone, 'resolved', call, call, 1, at, at, at + interval '2 days' FROM made WHERE conversation IS NOT NULL;
         INSERT INTO calls (id, tenant_id, conversation_id, caller_phone, called_phone, call_direction, call_status, outcome, duration_seconds,
                            started_at, created_at, updated_at, price)
         SELECT call, '{tenant}', conversation, phone, '{}', 'inbound', 'completed', CASE n % 3 WHEN 0 THEN 'missed' ELSE 'answered' END, n % 600,
             at, at, at, 0.0085 FROM made;
         INSERT INTO messages (tenant_id, conversation_id, call_id, message_body, message_direction, message_kind, from_number, to_number,
                               message_status, created_at, updated_at, price)
         SELECT '{tenant}'::uuid, conversation, call, 'Sorry we missed you', 'outbound', 'greeting', '{}', phone, 'delivered', at + interval '5 seconds', at, 0.0079
         FROM made WHERE conversation IS NOT NULL
         UNION ALL
         SELECT '{tenant}'::uuid, conversation, NULL, 'My sink leaks', 'inbound', 'message', phone, '{}', 'received', at + interval '5 minutes', at, NULL
         FROM made WHERE conversation IS NOT NULL
         UNION ALL
         SELECT '{tenant}'::uuid, conversation, NULL, 'On my way', 'outbound', 'message', '{}', phone, 'delivered', at + interval '15 minutes', at, 0.0079
         FROM made WHERE conversation IS NOT NULL;
         DROP TABLE made",
        business.number, business.number, business.number, business.number
    ));
}

fn timed<T>(work: impl FnOnce() -> T) -> (Duration, T) {
    let begun = Instant::now();
    let came = work();
    (begun.elapsed(), came)
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort_unstable();
    times.get(times.len() / 2).copied().unwrap_or_default()
}

/// A log of a year, as it is imported: a thousand calls of any time in each statement.
fn import(calls: u64) {
    let db = TestDb::new();
    let business = Business::onboard(&db.store, "Joe's Plumbing");
    let tenant = business.tenant.id();
    fill(&db, &business, 1_000);
    roll_up_all(&db.store).expect("figures");
    db.execute(&format!(
        "DO $$ BEGIN FOR batch IN 0..{calls} / 1000 - 1 LOOP
             INSERT INTO calls (tenant_id, caller_phone, called_phone, call_direction, call_status, outcome, duration_seconds, started_at, price)
             SELECT '{tenant}', '+1556' || lpad(n::text, 7, '0'), '{}', 'inbound', 'completed', CASE n % 3 WHEN 0 THEN 'missed' ELSE 'answered' END,
                 n % 600, now() - (n::bigint * 7919 % {calls}) * (interval '365 days' / {calls}), 0.0085
             FROM generate_series(batch * 1000, batch * 1000 + 999) AS n;
         END LOOP; END $$",
        business.number
    ));
    db.execute("VACUUM ANALYZE");
    let (incremental, came) = timed(|| roll_up_all(&db.store).expect("figures"));
    db.store.tenant(&business.tenant, |tx| tx.rebuild_figures()).expect("a mark");
    let (anew, again) = timed(|| roll_up_all(&db.store).expect("figures"));
    let ratio = incremental.as_secs_f64() / anew.as_secs_f64();
    println!(
        "{calls} calls imported: {incremental:.1?} in {} rounds of {} hours; all anew {anew:.1?} in {} rounds; ratio {ratio:.2}",
        came.rounds, came.hours, again.rounds
    );
}

fn main() {
    if std::env::args().any(|argument| argument == "import") {
        return import(std::env::args().find_map(|argument| argument.parse().ok()).unwrap_or(100_000));
    }
    let numbers: Vec<u64> = std::env::args().filter_map(|argument| argument.parse().ok()).collect();
    let calls = numbers.first().copied().unwrap_or(100_000);
    let others = numbers.get(1).copied().unwrap_or(900_000);
    let db = TestDb::new();
    let business = Business::onboard(&db.store, "Joe's Plumbing");
    fill(&db, &business, calls);
    for n in 0..others / OF_EACH {
        fill(&db, &Business::onboard(&db.store, &format!("Plumber {n}")), OF_EACH);
    }
    db.execute("DELETE FROM analytics_marks");
    db.execute("VACUUM ANALYZE");
    println!("{calls} calls of a year, beside {others} of {} other businesses", others / OF_EACH);

    let tenant = business.tenant.id();
    let by_hand = BY_HAND.replace("$t", &format!("'{tenant}'"));
    let empty = format!(
        "DELETE FROM call_analytics WHERE tenant_id = '{tenant}'; DELETE FROM conversation_analytics WHERE tenant_id = '{tenant}';
         DELETE FROM analytics_metrics WHERE tenant_id = '{tenant}'; DELETE FROM kpi_snapshots WHERE tenant_id = '{tenant}';
         DELETE FROM analytics_roll_ups; DELETE FROM analytics_marks"
    );
    let mark = format!("INSERT INTO analytics_marks (tenant_id, marked_at) VALUES ('{tenant}', now())");
    let (mut ours, mut theirs) = (Vec::new(), Vec::new());
    for _ in 0..2 {
        db.execute(&empty);
        db.execute("VACUUM ANALYZE");
        theirs.push(timed(|| db.execute(&by_hand)).0);
        db.execute(&empty);
        db.execute("VACUUM ANALYZE");
        db.execute(&mark);
        ours.push(timed(|| roll_up_all(&db.store).expect("figures")).0);
    }
    let (ours, theirs) = (median(ours), median(theirs));
    println!("everything: {ours:.1?}; by hand {theirs:.1?}; ratio {:.2}", ours.as_secs_f64() / theirs.as_secs_f64());

    db.execute("VACUUM ANALYZE");
    let day = |n: i64| {
        db.execute(&format!("UPDATE calls SET duration_seconds = duration_seconds + 1 WHERE tenant_id = '{tenant}' AND created_at BETWEEN now() - interval '{n} days' AND now() - interval '{} days'", n - 1));
        let (took, came) = timed(|| roll_up_all(&db.store).expect("figures"));
        (took, came.hours)
    };
    day(9);
    let days: Vec<_> = (10..10 + ROUNDS).map(day).collect();
    let hours: usize = days.iter().map(|day| day.1).sum();
    println!("one dirty day: {:.1?} ({hours} hours in {ROUNDS})", median(days.iter().map(|day| day.0).collect()));

    let one = |n: i64| {
        db.execute(&format!("UPDATE calls SET price = 1 WHERE id = (SELECT id FROM calls WHERE tenant_id = '{tenant}' AND created_at < now() - interval '{n} days' ORDER BY created_at DESC LIMIT 1)"));
        timed(|| roll_up_all(&db.store).expect("figures")).0
    };
    println!("one late price: {:.1?}", median((20..20 + ROUNDS).map(one).collect()));

    let now = SystemClock.now();
    for days in [1, 7, 30] {
        let span = Span { from: now - TimeDelta::days(days), until: now };
        let times = (0..ROUNDS)
            .map(|_| timed(|| db.store.tenant(&business.tenant, |tx| figures(tx, span)).expect("figures")).0)
            .collect();
        println!("figures of {days} days from rows: {:.1?}", median(times));
    }

    for period in [SummaryPeriod::Today, SummaryPeriod::SevenDays, SummaryPeriod::ThirtyDays] {
        let times = (0..3 * ROUNDS)
            .map(|_| timed(|| db.store.tenant(&business.tenant, |tx| summary(tx, period)).expect("a summary")).0)
            .collect();
        println!("summary, {period:?}: {:.1?}", median(times));
    }
    let last_month = WantedReport::last(ReportKind::Monthly, now.date_naive());
    let (mut contents, mut pages, mut bytes) = (Vec::new(), Vec::new(), 0);
    for _ in 0..ROUNDS {
        let (took, content) = timed(|| db.store.tenant(&business.tenant, |tx| report_content(tx, last_month)).expect("a report"));
        contents.push(took);
        let (took, pdf) = timed(|| content.to_pdf(Paper::Letter).expect("pages"));
        pages.push(took);
        bytes = pdf.len();
    }
    println!("a month's report: {:.1?} to make, {:.1?} to draw, {bytes} bytes", median(contents), median(pages));

    let call = || {
        let callback = VoiceForm::missed(unique_phone().as_str(), &business.number, &unique_sid("CA")).parse();
        timed(|| record_voice_status(&db.store, &callback).expect("a call")).0
    };
    let (mut with, mut without) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        for (times, is_marked) in [(&mut with, true), (&mut without, false)] {
            db.execute(&marking(is_marked));
            // The plans of before are made anew after a table has changed.
            (0..50).for_each(|_| {
                call();
            });
            times.push(median((0..1_000).map(|_| call()).collect()));
        }
    }
    let (with, without) = (median(with), median(without));
    println!(
        "a missed call: {with:.1?} with marks, {without:.1?} without; ratio {:.2}",
        with.as_secs_f64() / without.as_secs_f64()
    );
}

/// Switches the triggers that mark what changes.
fn marking(is_on: bool) -> String {
    let verb = if is_on { "ENABLE" } else { "DISABLE" };
    format!(
        "DO $$ DECLARE command text; BEGIN
             FOR command IN SELECT format('ALTER TABLE %s {verb} TRIGGER %I', tgrelid::regclass, tgname) FROM pg_trigger
                 WHERE tgfoid::regproc::text LIKE '%nmc_mark_%' AND NOT tgisinternal
             LOOP EXECUTE command; END LOOP;
         END $$"
    )
}
