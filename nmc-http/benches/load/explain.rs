//! How PostgreSQL finds the rows of each statement in a business with 200,000 calls: the transactions are taken from the
//! server's log and played again under EXPLAIN ANALYZE, in the role and under the policies they run with.

use crate::client::Callers;
use crate::{Answer, Bench, american};
use nmc_core::Store;
use nmc_core::store::Reason;
use nmc_core::telephony::{SmsCallback, VoiceCallback};
use nmc_core::workflows::receive_text;
use nmc_core::workflows::record_voice_status;
use std::collections::BTreeSet;
use std::fmt::Write as _;

const PLAN: &str = "@plan@";
const AGAIN: &str = "@again@";
const SCAN: &str = "SCAN OF";

/// 100,000 customers with two calls, one text and three events each, all of one business; and 5,000 other businesses.
const FILL: &str = "
    INSERT INTO tenants (business_name) SELECT 'Other business ' || n FROM generate_series(1, 5000) n;
    INSERT INTO business_settings (tenant_id) SELECT id FROM tenants WHERE business_name LIKE 'Other%';
    INSERT INTO phone_numbers (tenant_id, phone_number, twilio_phone_sid, status)
        SELECT id, '+1777' || lpad(substr(business_name, 16), 7, '0'), 'PNf' || substr(business_name, 16), 'active'
        FROM tenants WHERE business_name LIKE 'Other%';
    SET session_replication_role = replica;
    INSERT INTO conversations (id, tenant_id, customer_phone, channel, total_calls, first_call_id, last_call_id, created_at)
        SELECT lpad(n::text, 32, '0')::uuid, :tenant, '+998' || lpad(n::text, 11, '0'), 'phone', 2, lpad(n::text, 32, '0')::uuid,
               lpad((n + 100000)::text, 32, '0')::uuid, now() - n * interval '1 minute' FROM generate_series(1, 100000) n;
    INSERT INTO calls (id, tenant_id, conversation_id, caller_phone, called_phone, call_direction, call_status, outcome,
                       twilio_call_sid, started_at, ended_at, created_at)
        SELECT lpad(n::text, 32, '0')::uuid, :tenant, lpad((n % 100000)::text, 32, '0')::uuid,
               '+998' || lpad((n % 100000)::text, 11, '0'), :ours, 'inbound', 'no-answer', 'missed', 'CAf' || lpad(n::text, 29, '0'),
               now(), now(), now() - n * interval '30 seconds' FROM generate_series(1, 200000) n;
    INSERT INTO messages (id, tenant_id, conversation_id, call_id, message_sid, message_body, message_direction, message_kind,
                          from_number, to_number, message_status, sent_at, created_at)
        SELECT lpad(n::text, 32, '0')::uuid, :tenant, lpad(n::text, 32, '0')::uuid, lpad(n::text, 32, '0')::uuid,
               'SMf' || lpad(n::text, 29, '0'), 'Hello', 'outbound', 'greeting', :ours, '+998' || lpad(n::text, 11, '0'),
               'delivered', now(), now() - n * interval '1 minute' FROM generate_series(1, 100000) n;
    INSERT INTO conversation_events (id, tenant_id, conversation_id, call_id, event_type, created_at)
        SELECT lpad(n::text, 32, '0')::uuid, :tenant, lpad((n % 100000)::text, 32, '0')::uuid, lpad((n % 100000)::text, 32, '0')::uuid,
               'call_ended', now() - n * interval '20 seconds' FROM generate_series(1, 300000) n;
    INSERT INTO consents (id, tenant_id, customer_phone, action, source, created_at)
        SELECT lpad(n::text, 32, '0')::uuid, :tenant, '+998' || lpad(n::text, 11, '0'), 'opt_out', 'keyword', now()
        FROM generate_series(1, 5000) n;
    SET session_replication_role = DEFAULT;
    VACUUM ANALYZE;";

pub(crate) fn explain(bench: &Bench) -> Answer<()> {
    let (tenant, ours) = bench.tenants.first().ok_or("no business")?;
    bench.psql(&FILL.replace(":tenant", &format!("'{}'", tenant.id())).replace(":ours", &format!("'{ours}'")))?;
    let callers = Callers::new(vec![ours.clone()], "CAe", american, 400_000_000);
    let (ringing, missed, again) = (callers.missed_call(), callers.missed_call(), callers.missed_call());
    let with = |form: &[(String, String)], changes: &[(&str, &str)]| -> Vec<(String, String)> {
        let kept = form.iter().filter(|(name, _)| changes.iter().all(|(changed, _)| changed != name)).cloned();
        kept.chain(changes.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))).collect()
    };
    let voice = |store: &Store, form: &[(String, String)]| -> Answer<()> {
        record_voice_status(store, &VoiceCallback::parse(form)?)?;
        Ok(())
    };
    let caller = missed.iter().find(|(name, _)| name == "From").map(|(_, value)| value.clone()).unwrap_or_default();
    let text: Vec<(String, String)> = [("MessageSid", "SMe"), ("From", &caller), ("To", ours), ("Body", "Are you open?")]
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .to_vec();

    voice(&bench.store(1)?, &with(&ringing, &[("CallStatus", "ringing")]))?;
    println!("| transaction | statement | finds its rows by | ms |\n|---|---|---|---|");
    play(bench, "a missed call of a new caller", |store| voice(store, &missed))?;
    play(bench, "a callback that moves a call on", |store| voice(store, &with(&ringing, &[("CallStatus", "no-answer")])))?;
    let again = with(&again, &[("From", &caller)]);
    play(bench, "a known caller's next call", |store| voice(store, &again))?;
    play(bench, "the same callback once more", |store| voice(store, &again))?;
    play(bench, "an inbound text", |store| {
        receive_text(store, &SmsCallback::parse(&text)?)?;
        Ok(())
    })?;
    play(bench, "the worker's search for due texts", |store| {
        store.system(Reason::DueWork, |tx| tx.tenants_with_due_messages(None, 100))?;
        Ok(())
    })?;
    Ok(())
}

/// Does `work` for real, and its statements again, explained, in a copy of the database as it was before. The plan is the
/// one made for all values, which is the one that a connection keeps; each is run once before it is timed.
fn play(bench: &Bench, what: &str, work: impl FnOnce(&Store) -> Answer<()>) -> Answer<()> {
    bench.copy()?;
    let mut script = String::from("SET plan_cache_mode = force_generic_plan;\n");
    let (mut prepare, mut run) = (String::new(), String::new());
    for (n, trip) in bench.round_trips(work)?.iter().enumerate() {
        let sql = &trip.sql;
        if trip.values.is_none() {
            writeln!(run, "{};", if sql.ends_with("COMMIT") { "ROLLBACK" } else { sql })?;
            continue;
        }
        writeln!(prepare, "PREPARE q{n} AS {sql};")?;
        let kept = if trip.prepared { "" } else { " (planned anew each time)" };
        writeln!(run, "\\echo {PLAN}{}{kept}\nEXPLAIN (ANALYZE, COSTS OFF) EXECUTE q{n}{};", label(sql), trip.literals())?;
    }
    write!(script, "{prepare}{run}\\echo {AGAIN}\n{run}")?;
    let output = bench.psql_in_copy(&script)?;
    let (_, timed) = output.split_once(AGAIN).ok_or("the statements were not run twice")?;
    for plan in timed.split(PLAN).skip(1) {
        let name = plan.lines().next().unwrap_or_default();
        let ways = access(plan);
        let time = plan.lines().find_map(|line| line.strip_prefix("Execution Time: ")).unwrap_or_default();
        println!("| {what} | {name} | {ways} | {} |", time.trim_end_matches(" ms"));
        if ways.contains(SCAN) {
            return Err(format!("this reads a whole table:\n{plan}").into());
        }
    }
    Ok(())
}

/// `INSERT calls` and the like.
fn label(sql: &str) -> String {
    let verb = sql.split(' ').next().unwrap_or_default();
    let table = match verb {
        "SELECT" => sql.rsplit_once(" FROM ").map_or("", |(_, rest)| rest),
        _ => sql,
    };
    let table = table.split('"').nth(1).unwrap_or_default();
    let table = table.strip_prefix("public").unwrap_or(table);
    format!("{verb} {table}")
}

/// The indexes that a plan uses, or the table that it reads through.
fn access(plan: &str) -> String {
    let word = |text: &str| text.split(' ').next().unwrap_or_default().to_owned();
    let ways: BTreeSet<String> = plan
        .lines()
        .filter_map(|line| {
            let after = |mark: &str| line.split_once(mark).map(|(_, rest)| rest);
            after("Conflict Arbiter Indexes: ")
                .or_else(|| after("Bitmap Index Scan on "))
                .or_else(|| after("Index").and_then(|rest| rest.split_once(" using ")).map(|(_, rest)| rest))
                .map(word)
                .or_else(|| after("Seq Scan on ").map(|table| format!("{SCAN} {}", word(table))))
        })
        .collect();
    if ways.is_empty() { "(only writes)".to_owned() } else { ways.into_iter().collect::<Vec<_>>().join(", ") }
}
