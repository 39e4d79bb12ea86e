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

mod measure;

use measure::{Figured, measure, timed};
use nmc_core::testing::{Business, TestDb};
use nmc_core::workflows::roll_up_all;

/// The calls of each of the other businesses.
const OF_EACH: u64 = 10_000;

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
    db.store.tenant(&business.tenant, |tx| tx.begin_rebuild()).expect("a mark");
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
    db.execute("VACUUM ANALYZE");
    println!("{calls} calls of a year, beside {others} of {} other businesses", others / OF_EACH);
    measure(&Figured { store: &db.store, business: &business, superuser_url: &db.superuser_url() });
}
