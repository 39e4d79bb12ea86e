//! Text search in a business of many texts, beside what PostgreSQL has for it, under the same role: LIKE, and `@@` with a GIN index.
//! The server is the test kit's, which does not wait for the disk.
//!
//! `cargo bench -p nmc-core --bench search -- --texts 1000000`

#![expect(
    clippy::expect_used,
    clippy::print_stdout,
    reason = "a benchmark that can't run has nothing better to do, and this one prints"
)]

use diesel::connection::SimpleConnection as _;
use nmc_core::PageRequest;
use nmc_core::conversations::{ConversationFilter, Search};
use nmc_core::testing::{Business, SmsForm, TestDb, unique_phone};
use nmc_core::workflows::receive_text;
use std::time::{Duration, Instant};

const SAMPLES: usize = 200;

/// Of what takes seconds.
const FEW: usize = 5;

/// What a text is made of: 20,000 words, of which the first are in most texts and the last in few.
const WORD: &str = "CREATE FUNCTION pg_temp.word(i int) RETURNS text LANGUAGE sql IMMUTABLE AS
    $$ SELECT translate(substr(md5(i::text), 1, 4 + i % 6), '0123456789', 'ghijklmnop') $$";

fn main() {
    let texts = texts();
    let db = TestDb::new();
    let business = Business::onboard(&db.store, "Joe's Plumbing");
    let other = Business::onboard(&db.store, "Other");
    let begun = Instant::now();
    fill(&db, &business, texts);
    fill(&db, &other, texts / 4);
    db.execute("VACUUM ANALYZE");
    println!("{texts} texts and a quarter as many of another business, in {:.0} s", begun.elapsed().as_secs_f64());
    for (table, size) in sizes(&db) {
        println!("{table}: {size}");
    }
    let [common, second, middle, rare] = [1, 2, 2_000, 19_990].map(|n| word(&db, n));
    for (what, text) in [
        ("a common word", common.clone()),
        ("a rare word", rare.clone()),
        ("two common words", format!("{common} {second}")),
        ("a common and a rare word", format!("{common} {rare}")),
        ("three words, the last begun", format!("{common} {middle} {}", &second[..3])),
        ("3 letters", second[..3].to_owned()),
        ("no such word", "unheardof".to_owned()),
    ] {
        let search = Search::new(&text).expect("words");
        let mut rows = 0;
        let took = timed(SAMPLES, || {
            rows = db
                .store
                .tenant(&business.tenant, |tx| tx.messages().search(&search, PageRequest::first()))
                .expect("a page")
                .items
                .len();
        });
        print(&format!("{what} ({rows} rows)"), took);
    }
    for (what, text) in [
        ("a name of two words", format!("{common} {rare}")),
        ("a name, begun", common[..3].to_owned()),
        ("a number", "55600012".to_owned()),
    ] {
        let (search, all) = (Search::new(&text).expect("words"), ConversationFilter::default());
        let list = || db.store.tenant(&business.tenant, |tx| tx.conversations().search(&search, &all, PageRequest::first()));
        let rows = list().expect("a page").items.len();
        print(&format!("customers: {what} ({rows} rows)"), timed(SAMPLES, || drop(list().expect("a page"))));
    }
    let receive = || {
        let form = SmsForm::text(
            unique_phone().as_str(),
            &business.number,
            "The kitchen sink leaks again, can you come over today at nine?",
        );
        receive_text(&db.store, &form.parse()).expect("a text");
    };
    print("a text of 12 words is received", timed(SAMPLES, receive));
    db.execute("ALTER TABLE messages DISABLE TRIGGER messages_keep_new_terms");
    print("and without its words", timed(SAMPLES, receive));

    db.execute("CREATE INDEX messages_words ON messages USING gin (to_tsvector('simple', message_body)); ANALYZE messages");
    for (what, condition) in [
        ("LIKE, a rare word", format!("message_body LIKE '%{rare}%'")),
        ("@@ with GIN, a rare word", format!("to_tsvector('simple', message_body) @@ plainto_tsquery('simple', '{rare}')")),
        (
            "@@ with GIN, two common words",
            format!("to_tsvector('simple', message_body) @@ plainto_tsquery('simple', '{common} {second}')"),
        ),
    ] {
        let mut conn = db.raw();
        let id = business.tenant.id();
        let sql = format!(
            "BEGIN; SELECT nmc_enter_tenant('{id}'); SELECT * FROM messages WHERE tenant_id = '{id}' AND {condition}
             ORDER BY created_at DESC, id DESC LIMIT 51; COMMIT"
        );
        print(what, timed(FEW, || conn.batch_execute(&sql).expect("a page")));
    }
}

fn texts() -> u32 {
    let mut arguments = std::env::args().skip_while(|argument| argument != "--texts");
    arguments.nth(1).map_or(100_000, |many| many.parse().expect("a number of texts"))
}

/// So many texts of a business, 4 to a conversation, of whose customers every second has a name. The words of the texts follow all at once, as the
/// trigger would write them.
fn fill(db: &TestDb, business: &Business, texts: u32) {
    let id = business.tenant.id();
    db.execute(&format!(
        "{WORD};
         SET LOCAL synchronous_commit = off; SET LOCAL work_mem = '256MB';
         INSERT INTO conversations (tenant_id, customer_phone, channel, status, customer_name, created_at)
             SELECT '{id}', '+1556' || lpad(n::text, 7, '0'), 'phone', 'closed',
                 CASE WHEN n % 2 = 0 THEN pg_temp.word((1 + floor(20000 * power(random(), 3)))::int) || ' ' ||
                     pg_temp.word((1 + floor(20000 * power(random(), 3)))::int) END,
                 now() - n * interval '1 minute'
             FROM generate_series(1, {conversations}) n;
         SET LOCAL session_replication_role = replica;
         INSERT INTO messages (tenant_id, conversation_id, message_body, message_direction, from_number, to_number, message_status, created_at)
             SELECT c.tenant_id, c.id,
                 (SELECT string_agg(pg_temp.word((1 + floor(20000 * power(random(), 3)))::int), ' ') FROM generate_series(1, 8 + n * 2) WHERE c.id IS NOT NULL),
                 'inbound', c.customer_phone, '+15550000000', 'received', c.created_at + n * interval '10 seconds'
             FROM conversations c, generate_series(0, 3) n WHERE c.tenant_id = '{id}' AND c.status = 'closed';
         INSERT INTO message_terms (tenant_id, term, created_at, message_id)
             SELECT DISTINCT m.tenant_id, word, m.created_at, m.id FROM messages m, unnest(nmc_words(m.message_body)) AS word
             WHERE m.tenant_id = '{id}' ORDER BY 1, 2, 3, 4",
        conversations = texts / 4
    ));
}

fn word(db: &TestDb, n: u32) -> String {
    let sql = format!("SELECT translate(substr(md5('{n}'), 1, 4 + {n} % 6), '0123456789', 'ghijklmnop')");
    db.query(&sql).pop().expect("a word")
}

fn sizes(db: &TestDb) -> Vec<(String, String)> {
    let of = |table: &str| {
        let sql = format!(
            "SELECT pg_size_pretty(pg_relation_size('{table}')) || ', with its indexes ' || pg_size_pretty(pg_total_relation_size('{table}'))"
        );
        (table.to_owned(), db.query(&sql).pop().expect("a size"))
    };
    ["messages", "message_terms", "conversation_terms"].map(of).to_vec()
}

fn timed(samples: usize, mut work: impl FnMut()) -> Vec<Duration> {
    let sample = |_| {
        let begun = Instant::now();
        work();
        begun.elapsed()
    };
    (0..samples).map(sample).collect()
}

fn print(what: &str, mut took: Vec<Duration>) {
    took.sort_unstable();
    let at = |share: usize| took.get((took.len() * share / 100).min(took.len().saturating_sub(1))).copied().unwrap_or_default();
    println!("{what}: median {:.2} ms, 99th percentile {:.2} ms", at(50).as_secs_f64() * 1e3, at(99).as_secs_f64() * 1e3);
}
