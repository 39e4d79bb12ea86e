//! No tenant sees or touches another's rows: row-level security alone, the repositories alone, the keys alone.

mod alerts;
mod analytics;
mod calls;
mod conversations;
mod events;
mod functions;
mod identity;
mod numbers;
mod theirs;

use diesel::connection::SimpleConnection as _;
use diesel::pg::PgConnection;
use diesel::result::Error as DieselError;
use nmc_core::conversations::{ConversationFilter, MessageFilter};
use nmc_core::people::NewUser;
use nmc_core::store::Person;
use nmc_core::testing::{Business, SmsForm, Table, TestDb, VoiceForm, query, unique_phone, unique_sid};
use nmc_core::workflows::record_voice_status;
use nmc_core::workflows::{receive_text, record_delivery};
use nmc_core::{Error, Result, Tenant, TenantId, TenantTx, UserRole};
use serde::Deserialize;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use theirs::Theirs;

/// Ledgers: nmc_tenant may read and append.
const APPEND_ONLY: [&str; 6] =
    ["alert_history", "connection_metrics", "consents", "conversation_events", "stream_events", "websocket_events"];

/// Two tenants with one row in every table.
struct Two {
    db: TestDb,
    victim: Business,
    hostile: Business,
}

impl Two {
    fn new() -> Self {
        let db = TestDb::new();
        let (victim, hostile) = (Business::onboard(&db.store, "Victim"), Business::onboard(&db.store, "Hostile"));
        for business in [&victim, &hostile] {
            db.fill_every_table(business.tenant.id());
        }
        Self { db, victim, hostile }
    }
}

#[test]
fn the_fixture_has_a_row_of_each_tenant_in_every_table() {
    let Two { db, victim, hostile } = Two::new();
    for business in [victim, hostile] {
        let empty: Vec<String> =
            db.rows_of(business.tenant.id()).into_iter().filter(|(_, rows)| rows.len() != 1).map(|(table, _)| table).collect();
        assert_eq!(empty, Vec::<String>::new(), "add a row to src/testing/every_table.sql");
    }
}

/// What a statement came to.
#[derive(Debug, PartialEq, Eq)]
enum Came {
    /// It touched, or returned, so many rows.
    To(usize),
    /// The role has no right to it.
    Forbidden,
    /// A policy refused the new row.
    Against,
}

/// Runs one statement as nmc_tenant in a transaction that ends as if it had never been. Triggers and foreign keys are
/// off, so that nothing but rights and policies can refuse it. `before` still runs as the superuser.
fn as_tenant(conn: &mut PgConnection, context: Option<&str>, before: &str, sql: &str) -> Came {
    let set = context.map(|value| format!("SET LOCAL nmc.tenant_id = '{value}';")).unwrap_or_default();
    conn.batch_execute(&format!(
        "BEGIN; SET LOCAL session_replication_role = replica; {before}; SET LOCAL ROLE nmc_tenant; {set}"
    ))
    .unwrap();
    let result = diesel::RunQueryDsl::execute(diesel::sql_query(sql), conn);
    conn.batch_execute("ROLLBACK").unwrap();
    match result {
        Ok(rows) => Came::To(rows),
        Err(DieselError::DatabaseError(_, info)) if info.message().starts_with("permission denied for table") => Came::Forbidden,
        Err(DieselError::DatabaseError(_, info)) if info.message().contains("violates row-level security policy") => {
            Came::Against
        }
        Err(error) => panic!("{error}: {sql}"),
    }
}

#[test]
fn each_table_obeys_each_context_in_each_statement() {
    let Two { db, victim, hostile } = Two::new();
    let (own, foreign) = (victim.tenant.id().to_string(), hostile.tenant.id().to_string());
    // In the first connection the setting was never made, which is not the same as empty.
    let contexts = [("none", None), ("empty", Some("")), ("own", Some(own.as_str())), ("foreign", Some(foreign.as_str()))];
    let mut surprises = Vec::new();
    for (context, value) in contexts {
        let mut conn = db.superuser();
        for Table { name, tenant_key } in db.tables() {
            let its = format!("WHERE {tenant_key} = '{own}'");
            let [row]: [serde_json::Value; 1] =
                query::<serde_json::Value>(&mut conn, &format!("SELECT to_jsonb(t) AS row FROM {name} t {its}"))
                    .try_into()
                    .unwrap();
            let insert = format!(
                "INSERT INTO {name} OVERRIDING SYSTEM VALUE SELECT * FROM jsonb_populate_record(NULL::{name}, '{}')",
                row.to_string().replace('\'', "''")
            );
            let make_room = format!("DELETE FROM {name} {its}");
            let statements = [
                ("select", String::new(), format!("SELECT FROM {name} {its}")),
                ("select all", String::new(), format!("SELECT FROM {name}")),
                ("insert", make_room, insert),
                ("update", String::new(), format!("UPDATE {name} SET {tenant_key} = {tenant_key} {its}")),
                ("give away", String::new(), format!("UPDATE {name} SET {tenant_key} = gen_random_uuid() {its}")),
                ("delete", String::new(), format!("DELETE FROM {name} {its}")),
            ];
            for (statement, before, sql) in statements {
                let append_only = APPEND_ONLY.contains(&name.as_str());
                let expected = match (statement, context) {
                    ("update" | "give away" | "delete", _) if append_only => Came::Forbidden,
                    ("insert" | "delete", _) if name == "tenants" => Came::Forbidden,
                    ("give away", "own") => Came::Against,
                    (_, "own") => Came::To(1),
                    ("select all", "foreign") => Came::To(1),
                    ("insert", _) => Came::Against,
                    _ => Came::To(0),
                };
                let came = as_tenant(&mut conn, value, &before, &sql);
                if came != expected {
                    surprises.push(format!("{name}, {statement}, context {context}: {came:?} instead of {expected:?}"));
                }
            }
        }
    }
    assert_eq!(surprises, Vec::<String>::new());
}

#[test]
fn the_system_role_sees_all_and_rewrites_no_ledger() {
    let Two { db, .. } = Two::new();
    let mut conn = db.raw();
    for Table { name, tenant_key } in db.tables() {
        conn.batch_execute("BEGIN; SELECT nmc_enter_system()").unwrap();
        assert_eq!(query::<i64>(&mut conn, &format!("SELECT count(*) FROM {name}")), [2], "{name}");
        let rewritten = conn.batch_execute(&format!("UPDATE {name} SET {tenant_key} = {tenant_key}"));
        conn.batch_execute("ROLLBACK").unwrap();
        assert_eq!(rewritten.is_err(), APPEND_ONLY.contains(&name.as_str()), "{name}");
    }
}

#[test]
fn the_bare_login_sees_nothing_and_writes_nothing() {
    let Two { db, victim, .. } = Two::new();
    let mut conn = db.raw();
    for Table { name, tenant_key } in db.tables() {
        // The login owns the tables: only FORCE ROW LEVEL SECURITY keeps it out.
        assert_eq!(query::<i64>(&mut conn, &format!("SELECT count(*) FROM {name}")), [0], "{name}");
        for sql in [format!("UPDATE {name} SET {tenant_key} = {tenant_key}"), format!("DELETE FROM {name}")] {
            let rows = diesel::RunQueryDsl::execute(diesel::sql_query(&sql), &mut conn).unwrap();
            assert_eq!(rows, 0, "{sql}");
        }
        // Naming a tenant without entering the role is of no use either.
        conn.batch_execute(&format!("BEGIN; SET LOCAL nmc.tenant_id = '{}'", victim.tenant.id())).unwrap();
        assert_eq!(query::<i64>(&mut conn, &format!("SELECT count(*) FROM {name}")), [0], "{name} with a setting");
        let insert = conn.batch_execute(&format!("INSERT INTO {name} ({tenant_key}) VALUES ('{}')", victim.tenant.id()));
        conn.batch_execute("ROLLBACK").unwrap();
        let refused = insert.unwrap_err().to_string();
        assert!(refused.contains("row-level security") || refused.contains("null value"), "{name}: {refused}");
    }
}

#[test]
fn no_row_can_point_at_another_tenants_row() {
    #[derive(Deserialize)]
    struct Key {
        name: String,
        child: String,
        parent: String,
        column: String,
        target: String,
        deferred: bool,
    }
    let Two { db, victim, hostile } = Two::new();
    let (victim, hostile) = (victim.tenant.id(), hostile.tenant.id());
    let mut conn = db.superuser();
    // Every key but those to the tenant itself; the column that is not the tenant's.
    let keys: Vec<Key> = query(
        &mut conn,
        "SELECT k.conname AS name, k.conrelid::regclass::text AS child, k.confrelid::regclass::text AS parent,
                h.attname AS column, t.attname AS target, k.condeferred AS deferred
         FROM pg_constraint k
         CROSS JOIN unnest(k.conkey, k.confkey) AS pair(here, there)
         JOIN pg_attribute h ON h.attrelid = k.conrelid AND h.attnum = pair.here
         JOIN pg_attribute t ON t.attrelid = k.confrelid AND t.attnum = pair.there
         WHERE k.contype = 'f' AND k.connamespace = 'public'::regnamespace AND h.attname <> 'tenant_id'
           AND NOT (k.conrelid = 'tenants'::regclass AND h.attname = 'id')",
    );
    assert!(keys.len() > 30, "the search finds them");
    for Key { name, child, parent, column, target, deferred } in keys {
        let key = if child == "tenants" { "id" } else { "tenant_id" };
        // The victim's row is written again, pointing at a tenant's parent. Both tenants' rows go first, quietly: the
        // other's because a UNIQUE would speak before the key does.
        let point_at = |tenant: TenantId| {
            format!(
                "BEGIN; SET LOCAL session_replication_role = replica;
                 CREATE TEMP TABLE again ON COMMIT DROP AS SELECT to_jsonb(t) AS row FROM {child} t WHERE {key} = '{victim}';
                 DELETE FROM {child} WHERE {key} IN ('{victim}', '{hostile}');
                 SET LOCAL session_replication_role = origin;
                 INSERT INTO {child} OVERRIDING SYSTEM VALUE
                 SELECT new.* FROM again, jsonb_populate_record(NULL::{child}, row || jsonb_build_object(
                     '{column}', (SELECT {target} FROM {parent} WHERE tenant_id = '{tenant}'))) AS new;"
            )
        };
        conn.batch_execute(&point_at(victim)).unwrap();
        conn.batch_execute("SET CONSTRAINTS ALL IMMEDIATE; ROLLBACK").unwrap_or_else(|error| panic!("{name}, own row: {error}"));

        let written = conn.batch_execute(&point_at(hostile));
        let refused = if deferred {
            written.unwrap_or_else(|error| panic!("{name} waits for the commit: {error}"));
            conn.batch_execute("COMMIT").unwrap_err()
        } else {
            let error = written.unwrap_err();
            conn.batch_execute("ROLLBACK").unwrap();
            error
        };
        let DieselError::DatabaseError(_, info) = refused else { panic!("{name}: {refused}") };
        assert_eq!(info.constraint_name(), Some(name.as_str()), "{}", info.message());
    }
}

/// One call of a repository's method by the hostile tenant: with `theirs` where it takes an id or a key, and its `own`
/// rows otherwise. The answer is told without ids and times, which differ between two databases.
type Ask = fn(&mut TenantTx<'_>, own: &Theirs, theirs: &Theirs) -> Result<String>;

fn told(answer: impl std::fmt::Debug) -> Result<String> {
    Ok(format!("{answer:?}"))
}

/// Every public method of every repository, with each kind of reference it takes.
fn matrix() -> impl Iterator<Item = &'static (&'static str, Ask)> {
    // Events first: what follows adds to them.
    [events::MATRIX, identity::MATRIX, numbers::MATRIX, calls::MATRIX, conversations::MATRIX, analytics::MATRIX, alerts::MATRIX]
        .into_iter()
        .flatten()
}

/// A tenant worth robbing: a row in every table, a greeting that is due, and a customer who has opted out.
fn victim(db: &TestDb) -> Tenant {
    let victim = Business::onboard(&db.store, "Victim").tenant;
    let (id, customer) = (victim.id(), unique_phone());
    db.fill_every_table(id);
    db.execute(&format!("UPDATE conversations SET customer_phone = '{customer}' WHERE tenant_id = '{id}'"));
    let its = Theirs::of(db, id);
    db.store.tenant(&victim, |tx| tx.messages().queue(&conversations::message_to(its.conversation, &its.phone))).unwrap();
    db.execute(&format!("UPDATE messages SET message_kind = 'greeting' WHERE tenant_id = '{id}' AND message_status = 'queued'"));
    db.execute(&format!("UPDATE consents SET customer_phone = '{customer}', action = 'opt_out' WHERE tenant_id = '{id}'"));
    victim
}

/// Whose rows the hostile tenant asks for.
#[derive(Clone, Copy)]
enum Asks {
    /// Nobody's, and there is nobody else.
    Alone,
    /// Nobody's, with a victim in the same database.
    ForNothing,
    /// The victim's.
    ForTheVictims,
}

/// What the hostile tenant hears, method by method, after `walls` has torn one down.
fn hears(asks: Asks, walls: fn(&TestDb)) -> BTreeMap<&'static str, String> {
    let db = TestDb::new();
    // The victim comes first, as its rows do where nothing else tells them apart.
    let victim = match asks {
        Asks::Alone => None,
        Asks::ForNothing | Asks::ForTheVictims => Some(victim(&db)),
    };
    let hostile = Business::onboard(&db.store, "Hostile").tenant;
    db.fill_every_table(hostile.id());
    let own = Theirs::of(&db, hostile.id());
    let theirs = match (asks, victim) {
        (Asks::ForTheVictims, Some(victim)) => Theirs::of(&db, victim.id()),
        _ => Theirs::made_up(),
    };
    let before = victim.map(|victim| db.rows_of(victim.id()));
    walls(&db);
    let ask = |ask: Ask| format!("{:?}", db.store.tenant(&hostile, |tx| ask(tx, &own, &theirs)));
    let heard = matrix().map(|(name, method)| (*name, ask(*method))).collect();
    assert_eq!(victim.map(|victim| db.rows_of(victim.id())), before, "the victim's rows before and after");
    heard
}

const fn all_walls_stand(_: &TestDb) {}

fn row_level_security_is_off(db: &TestDb) {
    let off = |table: &Table| format!("ALTER TABLE {} DISABLE ROW LEVEL SECURITY;", table.name);
    db.execute(&db.tables().iter().map(off).collect::<String>());
}

#[test]
fn a_foreign_row_answers_like_a_missing_one_and_stays_as_it_was() {
    let alone = hears(Asks::Alone, all_walls_stand);
    assert_eq!(hears(Asks::ForNothing, all_walls_stand), alone);
    assert_eq!(hears(Asks::ForTheVictims, all_walls_stand), alone);
}

#[test]
fn the_repositories_do_not_lean_on_row_level_security() {
    let alone = hears(Asks::Alone, all_walls_stand);
    assert_eq!(hears(Asks::ForNothing, row_level_security_is_off), alone);
    assert_eq!(hears(Asks::ForTheVictims, row_level_security_is_off), alone);
}

/// What a business does with its calls and texts, for a customer who is also the victim's, and has opted out there.
fn work_on_the_victims_customer(walls: fn(&TestDb)) {
    let db = TestDb::new();
    let victim = victim(&db);
    let theirs = Theirs::of(&db, victim.id());
    let hostile = Business::onboard(&db.store, "Hostile");
    walls(&db);
    let before = db.rows_of(victim.id());
    let customer = theirs.customer.as_str();

    let missed = VoiceForm::missed(customer, &hostile.number, &theirs.call_sid).parse();
    let missed = record_voice_status(&db.store, &missed).unwrap();
    assert!(
        missed.call != theirs.call && missed.conversation != Some(theirs.conversation),
        "its own call, in its own conversation"
    );
    // A greeting or an opt-out elsewhere is nothing to this business.
    let greeting = missed.greeting.unwrap();
    let texts = hostile.messages(&db.store, &MessageFilter::default());
    let words = &texts.iter().find(|text| text.id == greeting).unwrap().message_body;
    assert!(words.contains("Hostile") && words.ends_with("Reply STOP to opt out."), "in its own name, as its first: {words}");

    let stop = SmsForm::text(customer, &hostile.number, "STOP").with("MessageSid", &theirs.message_sid).parse();
    assert!(!receive_text(&db.store, &stop).unwrap().duplicate, "the same SID is another text here");

    // A report about the victim's texts, with the hostile's number: by the SID of the one that went out, by the id of the
    // one that is still queued.
    let queued: String =
        db.query(&format!("SELECT id FROM messages WHERE tenant_id = '{}' AND message_sid IS NULL", victim.id())).remove(0);
    for (sid, id) in [(theirs.message_sid.clone(), None), (unique_sid("SM"), Some(queued.parse().unwrap()))] {
        let report = SmsForm::delivery(&hostile.number, &theirs.customer, &sid, "delivered").parse_delivery(id);
        let refused = record_delivery(&db.store, &report);
        assert!(matches!(refused, Err(Error::NotFound { .. })), "{refused:?}");
    }
    assert_eq!(db.rows_of(victim.id()), before, "the victim's rows before and after");
}

#[test]
fn calls_and_texts_stay_with_the_business_they_reach() {
    work_on_the_victims_customer(all_walls_stand);
    work_on_the_victims_customer(row_level_security_is_off);
}

#[test]
fn every_public_method_of_every_repository_is_in_the_matrix() {
    let mut sources = Vec::new();
    read_sources(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"), &mut sources);
    // A repository is a struct around a Scope, like `pub struct Calls<'a>(Scope<'a>);`; so is the way to them.
    let lines = || sources.iter().flat_map(|source| source.lines());
    let repositories: BTreeSet<&str> = lines()
        .filter(|line| line.ends_with("Scope<'a>);"))
        .filter_map(|line| line.strip_prefix("pub struct ").and_then(|rest| rest.split("<'a>").next()))
        .filter(|name| *name != "TenantTx")
        .collect();
    let mut methods = BTreeSet::new();
    for source in &sources {
        let mut repository = None;
        for line in source.lines() {
            if let Some(of) = line.strip_prefix("impl").and_then(|rest| rest.strip_suffix(" {")) {
                let name = of.trim_start_matches("<'a>").trim().trim_end_matches("<'_>").trim_end_matches("<'a>");
                repository = repositories.get(name);
            } else if line == "}" {
                repository = None;
            } else if let (Some(repository), Some(method)) = (repository, line.strip_prefix("    pub ")) {
                let method = method.trim_start_matches("const ");
                if let Some(name) = method.strip_prefix("fn ").and_then(|rest| rest.split(['(', '<']).next()) {
                    methods.insert(format!("{repository}::{name}"));
                }
            }
        }
    }
    assert!(repositories.len() >= 10 && methods.len() >= 50, "the search finds them: {repositories:?} {methods:?}");
    let asked: BTreeSet<String> = matrix().map(|(name, _)| name.split([' ', ',']).next().unwrap().to_owned()).collect();
    assert_eq!(asked, methods, "asked in the matrix (left), public in the sources (right)");
}

/// Tables that triggers write, and that search and filters read beside their repository; and what rules are remembered by, beside their repository. Who types
/// is written and read for all businesses at once.
const OF_OTHERS: [&str; 5] = ["alert_rule_states", "conversation_tags", "conversation_terms", "message_terms", "typing_notices"];

#[test]
fn every_table_has_its_repository() {
    let mut sources = Vec::new();
    read_sources(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"), &mut sources);
    let repositories: Vec<&String> = sources.iter().filter(|source| source.contains("Scope<'a>);")).collect();
    assert!(repositories.len() > 25, "the search finds them");
    let is_used_by = |table: &str, source: &str| {
        let imports = source.lines().filter_map(|line| line.strip_prefix("use crate::schema::"));
        imports.flat_map(|names| names.split(|c: char| !(c.is_alphanumeric() || c == '_'))).any(|name| name == table)
    };
    let tables = TestDb::new().tables();
    let tables = tables.iter().filter(|table| !OF_OTHERS.contains(&table.name.as_str()));
    let without = tables.filter(|table| !repositories.iter().any(|source| is_used_by(&table.name, source)));
    assert_eq!(without.map(|table| &table.name).collect::<Vec<_>>(), Vec::<&String>::new());
}

fn read_sources(folder: &Path, sources: &mut Vec<String>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            read_sources(&path, sources);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            sources.push(std::fs::read_to_string(path).unwrap());
        }
    }
}

#[test]
fn value_taken_anywhere_is_refused_in_the_same_words() {
    let Two { db, victim, hostile } = Two::new();
    let taken_at = |owner: &Business| {
        let theirs = Theirs::of(&db, owner.tenant.id());
        db.store
            .tenant(&hostile.tenant, |tx| {
                let (email, password_hash) = (theirs.email.clone(), "$2b$".to_owned());
                let (role, email_verified) = (UserRole::User, true);
                let new = NewUser { email, password_hash, first_name: None, last_name: None, role, email_verified };
                tx.users().create(&new)
            })
            .map(|_| ())
    };
    let (elsewhere, here) = (taken_at(&victim).unwrap_err(), taken_at(&hostile).unwrap_err());
    assert_eq!(format!("{elsewhere:?}"), format!("{here:?}"));
    assert!(matches!(elsewhere, Error::Conflict { field: "email", rule: "is already taken", .. }));
}

#[test]
fn a_persons_lock_is_one_tenants_own() {
    // The same customer of two businesses: a lock of the one must not let the other feel that it is taken.
    let Two { db, victim, hostile } = Two::new();
    let person = Person::new("+14155550123".parse().unwrap());
    db.store
        .tenant_and_person(&victim.tenant, &person, |_| {
            db.store.tenant_and_person(&hostile.tenant, &person, |tx| tx.conversations().count(&ConversationFilter::default()))
        })
        .unwrap();
}
