//! What the library really sends, read from the server's own log.

use super::{TestDb, database};
use crate::store::embedded::EmbeddedPostgres;
use crate::{Secret, Store, StoreConfig};
use diesel::connection::SimpleConnection as _;
use std::fs::File;
use std::io::{Read as _, Seek as _, SeekFrom};
use std::sync::{Mutex, PoisonError};

/// One round trip to the server: the text, and the bound values as the server shows them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sent {
    /// The text; several statements when it was sent by the simple protocol.
    pub sql: String,
    /// The bound values, one per parameter; `None` for a text that the simple protocol carried, which binds nothing.
    pub values: Option<Vec<Option<String>>>,
    /// Whether the connection keeps the statement prepared.
    pub prepared: bool,
}

impl Sent {
    /// The bound values as SQL: `('a', NULL)`; nothing where there are none.
    #[must_use]
    pub fn literals(&self) -> String {
        let quoted = |text: &String| format!("'{}'", text.replace('\'', "''"));
        let values: Vec<String> =
            self.values.iter().flatten().map(|value| value.as_ref().map_or_else(|| "NULL".to_owned(), quoted)).collect();
        if values.is_empty() { String::new() } else { format!("({})", values.join(", ")) }
    }
}

impl TestDb {
    /// Every round trip that `work` makes on a store of its own, which has one connection.
    ///
    /// # Panics
    /// As [`round_trips`].
    #[must_use]
    pub fn round_trips(&self, work: impl FnOnce(&Store)) -> Vec<Sent> {
        round_trips(database::embedded(), self.name(), work)
    }

    /// The plan of every statement that `work` makes the server run, those inside functions and keys included, each after its text. They
    /// are made for all values, and tables are not read through if an index fits.
    ///
    /// # Panics
    /// When the server does not log as it should, such as without its module `auto_explain`.
    #[must_use]
    pub fn plans(&self, work: impl FnOnce(&Store)) -> Vec<String> {
        let log = logged(database::embedded(), self.name(), EXPLAINING, work);
        assert!(log.contains(PLAN), "auto_explain has told nothing");
        plans(&log)
    }
}

const TELLING: &[(&str, &str)] = &[("log_statement", "'all'"), ("log_error_verbosity", "'default'")];

const EXPLAINING: &[(&str, &str)] = &[
    ("session_preload_libraries", "'auto_explain'"),
    ("auto_explain.log_min_duration", "0"),
    ("auto_explain.log_nested_statements", "on"),
    ("plan_cache_mode", "'force_generic_plan'"),
    ("enable_seqscan", "off"),
    ("enable_bitmapscan", "off"),
];

const PLAN: &str = " ms  plan:";

/// Every round trip that `work` makes on a store of its own, which has one connection, over this database of this server.
///
/// # Panics
/// When the server does not log as it should.
#[must_use]
pub fn round_trips(server: &EmbeddedPostgres, database: &str, work: impl FnOnce(&Store)) -> Vec<Sent> {
    let sent = parse(&logged(server, database, TELLING, work));
    // Of another store than the one that `work` is given, nothing is told.
    assert!(!sent.is_empty(), "nothing was sent");
    sent
}

/// What the server logs, with these settings, of what `work` does on a store of its own.
fn logged(server: &EmbeddedPostgres, database: &str, settings: &[(&str, &str)], work: impl FnOnce(&Store)) -> String {
    // The log is the whole server's: of two who look at once, each would see the other's statements, too.
    static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());
    let _alone = ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner);
    let mut admin = TestDb::connect(&server.superuser_url("postgres"));
    let mut set = |change: &str| {
        for (name, value) in settings {
            let value = if change == "SET" { format!(" = {value}") } else { String::new() };
            admin.batch_execute(&format!("ALTER DATABASE {database} {change} {name}{value}")).expect("a superuser may");
        }
    };
    let mut log = File::open(server.data_dir().join("postgres.log")).expect("the server's log");
    set("SET");
    let mut config = StoreConfig::new(Secret::new(server.url_for(database)));
    config.pool_size = 1;
    let store = Store::connect(config).expect("a store");
    drop(store.idle_link().expect("its connection, which says its own on opening"));
    log.seek(SeekFrom::End(0)).expect("the log's end");
    work(&store);
    let mut logged = String::new();
    log.read_to_string(&mut logged).expect("what was logged");
    set("RESET");
    logged
}

/// A plan has a line of its own, and its text and nodes follow, each behind a tab.
fn plans(log: &str) -> Vec<String> {
    let mut plans: Vec<String> = Vec::new();
    let mut within = false;
    for line in log.lines() {
        match (line.strip_prefix('\t'), plans.last_mut()) {
            (Some(more), Some(plan)) if within => {
                plan.push_str(more);
                plan.push('\n');
            }
            _ => {
                within = line.ends_with(PLAN);
                if within {
                    plans.push(String::new());
                }
            }
        }
    }
    plans
}

/// A statement has a line of its own, its further lines begin with a tab, and its parameters have one that follows.
fn parse(log: &str) -> Vec<Sent> {
    let mut trips: Vec<Sent> = Vec::new();
    let mut within = false;
    for line in log.lines() {
        if let Some((more, sent)) = line.strip_prefix('\t').zip(trips.last_mut()).filter(|_| within) {
            sent.sql.push('\n');
            sent.sql.push_str(more);
            continue;
        }
        within = line.contains("LOG:  statement: ") || line.contains("LOG:  execute ");
        if let Some((_, sql)) = line.split_once("LOG:  statement: ") {
            trips.push(Sent { sql: sql.to_owned(), values: None, prepared: false });
        } else if let Some((_, rest)) = line.split_once("LOG:  execute ") {
            let (name, sql) = rest.split_once(": ").expect("a statement's text");
            trips.push(Sent { sql: sql.to_owned(), values: Some(Vec::new()), prepared: name != "<unnamed>" });
        } else if let Some((_, list)) = line.split_once("DETAIL:  parameters: ") {
            trips.last_mut().expect("the statement of these parameters").values = Some(parameters(list));
        }
    }
    trips
}

/// `$1 = 'a', $2 = NULL`: quotes within a value are doubled.
fn parameters(list: &str) -> Vec<Option<String>> {
    let mut values = Vec::new();
    let mut rest = list;
    while let Some((_, value)) = rest.split_once(" = ") {
        if let Some(after) = value.strip_prefix("NULL") {
            values.push(None);
            rest = after;
            continue;
        }
        let mut text = String::new();
        let mut tail = value.strip_prefix('\'').expect("a quoted parameter");
        loop {
            let (part, after) = tail.split_once('\'').expect("the parameter's end");
            text.push_str(part);
            rest = after;
            match after.strip_prefix('\'') {
                Some(more) => tail = more,
                None => break,
            }
            text.push('\'');
        }
        values.push(Some(text));
    }
    values
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_log_tells_statements_and_values() {
        let log = "2026-11-22 12:00:00 UTC [7] LOG:  statement: BEGIN; SELECT public.nmc_enter_system()\n\
                   2026-11-22 12:00:00 UTC [7] LOG:  execute __diesel_stmt_0: SELECT $1,\n\
                   \t$2, $3\n\
                   2026-11-22 12:00:00 UTC [7] DETAIL:  parameters: $1 = 'Joe''s = ''best''', $2 = NULL, $3 = ''\n\
                   2026-11-22 12:00:00 UTC [7] LOG:  execute <unnamed>: SELECT 1\n\
                   2026-11-22 12:00:00 UTC [9] LOG:  checkpoint starting: time\n";
        let trips = parse(log);
        assert_eq!(trips.iter().map(|trip| trip.prepared).collect::<Vec<_>>(), [false, true, false]);
        assert_eq!(trips[0].values, None);
        assert_eq!(trips[1].sql, "SELECT $1,\n$2, $3");
        assert_eq!(trips[1].values, Some(vec![Some("Joe's = 'best'".to_owned()), None, Some(String::new())]));
        assert_eq!(trips[1].literals(), "('Joe''s = ''best''', NULL, '')");
        assert_eq!((trips[2].literals(), trips.len()), (String::new(), 3));
    }

    #[test]
    fn the_log_tells_plans() {
        let log = "2026-11-22 12:00:00 UTC [7] LOG:  duration: 0.010 ms  plan:\n\
                   \tQuery Text: SELECT 1\n\
                   \tResult\n\
                   2026-11-22 12:00:00 UTC [7] LOG:  checkpoint starting: time\n\
                   \tand more\n\
                   2026-11-22 12:00:00 UTC [7] LOG:  duration: 0.010 ms  plan:\n\
                   \tQuery Text: SELECT 2\n";
        assert_eq!(plans(log), ["Query Text: SELECT 1\nResult\n", "Query Text: SELECT 2\n"]);
    }
}
