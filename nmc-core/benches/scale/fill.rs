//! Fills a database with the calls and texts of a year.

use crate::site::Site;
use diesel::connection::SimpleConnection as _;
use nmc_core::testing::{TestDb, query};
use std::thread;

/// The tables that are filled, those with the most work first.
const TABLES: &[&str] = &[
    "messages",
    "calls",
    "conversations",
    "message_terms",
    "conversation_tags",
    "conversation_events",
    "conversation_reads",
    "conversation_terms",
    "consents",
];

/// What triggers and keys would check holds by construction, and indexes are made afterwards, in a fraction of the time.
const SETTINGS: &str = "SET session_replication_role = replica; SET synchronous_commit = off; SET work_mem = '256MB';
    SET maintenance_work_mem = '512MB'; SET max_parallel_maintenance_workers = 0; SET client_min_messages = warning";

/// So many calls, and twice as many texts.
pub(crate) fn fill(site: &Site, calls: u64) {
    const YEAR: u64 = 365 * 24 * 3_600 * 1_000_000;
    let begun = site.store.now() - chrono::TimeDelta::days(366);
    let text = include_str!("fill.sql")
        .replace("{calls}", &calls.to_string())
        .replace("{begun}", &begun.to_rfc3339())
        .replace("{step}", &(YEAR / (calls / 2)).to_string());
    let (first, rest) = text.split_once("-- beside").expect("a part before");
    let (beside, after) = rest.split_once("-- after").expect("a part after");
    execute(site, first);
    let indexes = dropped_indexes(site);
    at_once(site, &beside.split("-- beside").map(str::to_owned).collect::<Vec<_>>());
    execute(site, after);
    // The indexes of texts take as long as all others.
    let (of_texts, others): (Vec<String>, Vec<String>) =
        indexes.into_iter().partition(|index| index.contains(" ON public.messages USING "));
    at_once(site, &[of_texts.join(";\n"), others.join(";\n")]);
    let vacuum = |tables: &[&str]| tables.iter().map(|table| format!("VACUUM (ANALYZE) {table}")).collect::<Vec<_>>();
    let (texts, others) = TABLES.split_at(1);
    thread::scope(|scope| {
        for tables in [texts, others] {
            scope.spawn(move || vacuum(tables).iter().for_each(|sql| execute(site, sql)));
        }
    });
    execute(site, "ANALYZE");
    execute(site, "CHECKPOINT");
}

/// Takes away the indexes that no key stands behind, and tells how they are made.
fn dropped_indexes(site: &Site) -> Vec<String> {
    let mut conn = TestDb::connect(&site.superuser_url);
    let tables = TABLES.iter().map(|table| format!("'{table}'")).collect::<Vec<_>>().join(", ");
    let plain = format!(
        "FROM pg_indexes WHERE schemaname = 'public' AND tablename IN ({tables})
         AND indexname NOT IN (SELECT conname FROM pg_constraint WHERE contype IN ('p', 'u'))"
    );
    let names: Vec<String> = query(&mut conn, &format!("SELECT indexname {plain}"));
    let indexes = query(&mut conn, &format!("SELECT indexdef {plain}"));
    execute(site, &format!("DROP INDEX {}", names.join(", ")));
    indexes
}

/// Each part by a connection of its own.
fn at_once(site: &Site, parts: &[String]) {
    thread::scope(|scope| {
        for part in parts {
            scope.spawn(move || execute(site, part));
        }
    });
}

/// As the superuser, whom row-level security does not bind.
fn execute(site: &Site, sql: &str) {
    let mut conn = TestDb::connect(&site.superuser_url);
    conn.batch_execute(SETTINGS).expect("settings");
    conn.batch_execute(sql).expect("the rows");
}
