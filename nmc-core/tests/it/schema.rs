//! The schema as PostgreSQL's catalogue tells it, against the rules of migrations/README.md and against what the library believes.

use diesel::connection::SimpleConnection as _;
use diesel::result::{DatabaseErrorKind, Error as DieselError};
use nmc_core::Confirmed;
use nmc_core::Secret;
use nmc_core::constraint::CONSTRAINTS;
use nmc_core::store::{Difference, Migration, Migrator};
use nmc_core::testing::{Business, TestDb, query};
use serde::Deserialize;
use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;
use std::sync::LazyLock;
use std::time::Duration;

const PUBLIC: &str = "n.nspname = 'public' AND c.relname NOT IN ('__diesel_schema_migrations', 'nmc_migrations')";

/// What nmc_tenant may not change: a ledger grows, and nothing else.
const APPEND_ONLY: [&str; 6] =
    ["alert_history", "connection_metrics", "consents", "conversation_events", "stream_events", "websocket_events"];

/// The lines of a schema dump, without those that differ every time.
fn dump(db_url: &str) -> Vec<String> {
    let program = TestDb::programs().join("pg_dump");
    let output = Command::new(&program)
        .args(["--schema-only", "--dbname", db_url])
        .output()
        .unwrap_or_else(|error| panic!("{} must be installed beside the server: {error}", program.display()));
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8(output.stdout).unwrap();
    text.lines().filter(|line| !line.starts_with("\\restrict") && !line.starts_with("\\unrestrict")).map(str::to_owned).collect()
}

#[test]
fn each_migration_is_undone_exactly_by_its_down() {
    let db = TestDb::empty();
    let migrator = Migrator::new(Secret::new(db.url()));
    // The tables of the history are part of every dump.
    Migrator::with(Secret::new(db.url()), &[], Duration::from_secs(1)).run(|_| {}).unwrap();
    let all: Vec<Migration> = migrator.status().unwrap().pending().collect();
    let mut before = vec![dump(&db.superuser_url())];
    for applied in 1..=all.len() {
        let some: &'static [Migration] = all[..applied].to_vec().leak();
        assert_eq!(Migrator::with(Secret::new(db.url()), some, Duration::from_secs(1)).run(|_| {}).unwrap(), 1);
        before.push(dump(&db.superuser_url()));
    }
    let complete = before.pop().unwrap();
    while let Some(expected) = before.pop() {
        let mut name = "";
        migrator.revert(1, Confirmed::irrevocably(), |migration| name = migration.name).unwrap();
        assert_eq!(changes(&expected, &dump(&db.superuser_url())), Vec::<String>::new(), "left over by {name}/down.sql");
    }
    migrator.run(|_| {}).unwrap();
    assert_eq!(changes(&complete, &dump(&db.superuser_url())), Vec::<String>::new(), "after up, down, up");
}

/// The lines that differ, readable where comparing two dumps is not.
fn changes(before: &[String], after: &[String]) -> Vec<String> {
    if before == after {
        return Vec::new();
    }
    let only = |sign: &str, these: &[String], those: &[String]| {
        these.iter().filter(|line| !those.contains(line)).map(|line| format!("{sign}{line}")).collect::<Vec<_>>()
    };
    let mut lines = only("-", before, after);
    lines.extend(only("+", after, before));
    lines.push("(and perhaps the order)".to_owned());
    lines
}

#[derive(Debug, PartialEq, Eq, Deserialize)]
struct Column {
    name: String,
    sql_type: String,
    max_length: Option<usize>,
    comment: String,
}

#[derive(Debug, PartialEq, Eq)]
struct TableDef {
    comment: String,
    key: Vec<String>,
    columns: Vec<Column>,
}

/// The `table!` blocks of `schema.rs`.
fn tables_of_schema_rs() -> BTreeMap<String, TableDef> {
    let text = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/src/schema.rs")).unwrap();
    let mut tables = BTreeMap::new();
    for block in text.split("diesel::table! {\n").skip(1) {
        let block = block.split("\n}\n").next().unwrap();
        let (mut docs, mut max_length, mut head, mut columns) = (Vec::new(), None, None, Vec::new());
        for line in block.lines().map(str::trim) {
            if let Some(doc) = line.strip_prefix("///") {
                docs.push(doc.trim());
            } else if let Some(length) = line.strip_prefix("#[max_length = ") {
                max_length = Some(length.trim_end_matches(']').parse().unwrap());
            } else if let Some((name, sql_type)) = line.strip_suffix(',').and_then(|line| line.split_once(" -> ")) {
                let comment = std::mem::take(&mut docs).join(" ");
                let name = name.trim_start_matches("r#").to_owned();
                columns.push(Column { name, sql_type: sql_type.to_owned(), max_length: max_length.take(), comment });
            } else if let Some((name, key)) = line.strip_suffix(") {").and_then(|line| line.split_once(" (")) {
                head = Some((name.to_owned(), key.split(", ").map(str::to_owned).collect(), std::mem::take(&mut docs).join(" ")));
            } else {
                assert!(["", "}"].contains(&line), "schema.rs has a line this test can't read: {line}");
            }
        }
        let (name, key, comment) = head.unwrap();
        tables.insert(name, TableDef { comment, key, columns });
    }
    tables
}

fn tables_of_the_database(db: &TestDb) -> BTreeMap<String, TableDef> {
    #[derive(Deserialize)]
    struct Live {
        table: String,
        comment: String,
        key: Vec<String>,
    }
    #[derive(Deserialize)]
    struct LiveColumn {
        table: String,
        name: String,
        udt: String,
        not_null: bool,
        max_length: Option<usize>,
        comment: String,
    }
    let mut conn = db.superuser();
    let tables: Vec<Live> = query(
        &mut conn,
        &format!(
            "SELECT c.relname AS table, coalesce(obj_description(c.oid, 'pg_class'), '') AS comment,
                    (SELECT array_agg(a.attname ORDER BY k.at) FROM pg_index i
                     CROSS JOIN unnest(i.indkey::int[]) WITH ORDINALITY AS k(num, at)
                     JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = k.num
                     WHERE i.indrelid = c.oid AND i.indisprimary) AS key
             FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
             WHERE {PUBLIC} AND c.relkind IN ('r', 'p')"
        ),
    );
    let columns: Vec<LiveColumn> = query(
        &mut conn,
        &format!(
            "SELECT c.relname AS table, a.attname AS name, t.typname AS udt, a.attnotnull AS not_null,
                    CASE WHEN t.typname = 'varchar' AND a.atttypmod > 4 THEN a.atttypmod - 4 END AS max_length,
                    coalesce(col_description(c.oid, a.attnum), '') AS comment
             FROM pg_class c
             JOIN pg_namespace n ON n.oid = c.relnamespace
             JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
             JOIN pg_type t ON t.oid = a.atttypid
             WHERE {PUBLIC} AND c.relkind IN ('r', 'p')
             ORDER BY c.relname, a.attnum"
        ),
    );
    let mut tables: BTreeMap<String, TableDef> = tables
        .into_iter()
        .map(|live| (live.table, TableDef { comment: live.comment, key: live.key, columns: Vec::new() }))
        .collect();
    for column in columns {
        let sql_type = diesel_type(&column.udt);
        tables.get_mut(&column.table).unwrap().columns.push(Column {
            name: column.name,
            sql_type: if column.not_null { sql_type } else { format!("Nullable<{sql_type}>") },
            max_length: column.max_length,
            comment: column.comment,
        });
    }
    tables
}

fn diesel_type(udt: &str) -> String {
    match udt.strip_prefix('_') {
        // Elements are never NULL: a CHECK of every array column says so.
        Some(element) => format!("Array<{}>", diesel_type(element)),
        None => udt[..1].to_uppercase() + &udt[1..],
    }
}

#[test]
fn schema_rs_equals_the_live_database() {
    let db = pristine();
    let (written, live) = (tables_of_schema_rs(), tables_of_the_database(db));
    assert_eq!(written.keys().collect::<Vec<_>>(), live.keys().collect::<Vec<_>>(), "tables");
    for (name, table) in &live {
        assert_eq!(&written[name], table, "{name}");
    }
    let allowed = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/src/schema.rs")).unwrap();
    let allowed = allowed.rsplit("allow_tables_to_appear_in_same_query!(").next().unwrap();
    let allowed: Vec<&str> = allowed.lines().filter_map(|line| line.trim().strip_suffix(',')).collect();
    assert_eq!(allowed, live.keys().map(String::as_str).collect::<Vec<_>>(), "tables that may be joined");
}

#[test]
fn the_expected_schema_equals_a_fresh_database() {
    let db = pristine();
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../migrations/expected_schema.txt");
    let live = db.store.migrator().describe().unwrap().join("\n") + "\n";
    if std::env::var_os("NMC_BLESS").is_some() {
        std::fs::write(path, &live).unwrap();
    }
    let expected = std::fs::read_to_string(path).unwrap();
    let lines = |text: &str| text.lines().map(str::to_owned).collect::<Vec<_>>();
    assert_eq!(
        changes(&lines(&expected), &lines(&live)),
        Vec::<String>::new(),
        "run this test with NMC_BLESS=1 after a new migration"
    );
}

#[test]
fn verify_names_each_difference() {
    let db = TestDb::new();
    let verify = || db.store.migrator().verify().unwrap().iter().map(Difference::to_string).collect::<BTreeSet<_>>();
    let mut known = verify();
    assert!(known.is_empty(), "{known:?}");
    // What is done to the schema ⇒ the beginnings of the lines that verify then adds, each about an object of its own.
    let cases: &[(&str, &[&str])] = &[
        ("DROP INDEX calls_caller_phone_idx", &["missing: index calls.calls_caller_phone_idx "]),
        ("CREATE INDEX extra_idx ON calls (price)", &["unexpected: index calls.extra_idx "]),
        ("ALTER TABLE calls ADD extra INTEGER", &["unexpected: column calls.extra integer"]),
        (
            "ALTER TABLE user_sessions DROP COLUMN user_agent",
            &["missing: column user_sessions.user_agent ", "missing: comment user_sessions.user_agent "],
        ),
        (
            "ALTER TABLE calls ALTER caller_country SET NOT NULL",
            &["missing: column calls.caller_country ", "unexpected: column calls.caller_country "],
        ),
        (
            "ALTER TABLE calls ALTER price_unit SET DEFAULT 'EUR'",
            &["missing: column calls.price_unit ", "unexpected: column calls.price_unit "],
        ),
        (
            "ALTER TABLE calls DROP CONSTRAINT calls_price_check, ADD CONSTRAINT calls_price_check CHECK (price > 0)",
            &["missing: constraint calls.calls_price_check ", "unexpected: constraint calls.calls_price_check "],
        ),
        (
            "ALTER TABLE calls DROP CONSTRAINT calls_ended_at_check,
             ADD CONSTRAINT calls_ended_at_check CHECK (ended_at >= started_at) NOT VALID",
            &["missing: constraint calls.calls_ended_at_check ", "unexpected: constraint calls.calls_ended_at_check "],
        ),
        (
            "ALTER TABLE calls ALTER CONSTRAINT calls_conversation_id_fkey NOT DEFERRABLE",
            &[
                "missing: constraint calls.calls_conversation_id_fkey ",
                "unexpected: constraint calls.calls_conversation_id_fkey ",
            ],
        ),
        (
            "ALTER TABLE calls DISABLE TRIGGER calls_touch_updated_at",
            &["missing: trigger calls.calls_touch_updated_at ", "unexpected: trigger calls.calls_touch_updated_at "],
        ),
        ("DROP TRIGGER users_touch_updated_at ON users", &["missing: trigger users.users_touch_updated_at "]),
        ("DROP POLICY calls_tenant_policy ON calls", &["missing: policy calls.calls_tenant_policy "]),
        (
            "ALTER POLICY users_tenant_policy ON users USING (true)",
            &["missing: policy users.users_tenant_policy ", "unexpected: policy users.users_tenant_policy "],
        ),
        ("ALTER TABLE calls NO FORCE ROW LEVEL SECURITY", &["missing: table calls ", "unexpected: table calls "]),
        ("ALTER TABLE users DISABLE ROW LEVEL SECURITY", &["missing: table users ", "unexpected: table users "]),
        (
            "GRANT TRUNCATE ON calls TO nmc_tenant",
            &["missing: grant calls to nmc_tenant: ", "unexpected: grant calls to nmc_tenant: "],
        ),
        ("GRANT SELECT ON calls TO PUBLIC", &["unexpected: grant calls to public: SELECT"]),
        // What an application has in the same schema is its own; what it hangs on our tables is told.
        ("CREATE TABLE extra (id INTEGER PRIMARY KEY); COMMENT ON TABLE extra IS 'theirs'", &[]),
        ("CREATE VIEW glance AS SELECT 1 AS one", &[]),
        (
            "CREATE TRIGGER theirs BEFORE DELETE ON calls EXECUTE FUNCTION suppress_redundant_updates_trigger()",
            &["unexpected: trigger calls.theirs "],
        ),
        ("CREATE POLICY theirs ON calls TO PUBLIC USING (true)", &["unexpected: policy calls.theirs * to public"]),
        ("CREATE RULE theirs AS ON DELETE TO calls DO INSTEAD NOTHING", &["unexpected: rule calls.theirs"]),
        ("GRANT UPDATE (price) ON calls TO PUBLIC", &["unexpected: grant calls.price to public: UPDATE"]),
        ("GRANT EXECUTE ON FUNCTION nmc_enter_tenant(uuid) TO PUBLIC", &["unexpected: execute nmc_enter_tenant(uuid) by public"]),
        ("REVOKE USAGE ON SCHEMA public FROM nmc_gate", &["missing: schema usage by nmc_gate"]),
        ("GRANT CREATE ON SCHEMA public TO nmc_tenant", &["unexpected: schema objects can be made by nmc_tenant"]),
        ("GRANT TRUNCATE ON nmc_migrations TO PUBLIC", &["unexpected: grant nmc_migrations to public: TRUNCATE"]),
        ("ALTER TABLE messages OWNER TO postgres", &["unexpected: owner messages is another "]),
        (
            "COMMENT ON COLUMN calls.price IS 'Anything.'",
            &["missing: comment calls.price ", "unexpected: comment calls.price Anything."],
        ),
        ("COMMENT ON TABLE users IS NULL", &["missing: comment users "]),
        (
            "ALTER TABLE messages DROP CONSTRAINT messages_channel_check, ADD CONSTRAINT messages_channel_check
                 CHECK (channel IN ('sms', 'rcs', 'mms'))",
            &["missing: constraint messages.messages_channel_check ", "unexpected: constraint messages.messages_channel_check "],
        ),
        (
            "DROP INDEX messages_automatic_created_at_idx; CREATE INDEX messages_automatic_created_at_idx ON messages
                 (tenant_id, created_at) WHERE message_kind <> 'greeting'",
            &[
                "missing: index messages.messages_automatic_created_at_idx ",
                "unexpected: index messages.messages_automatic_created_at_idx ",
            ],
        ),
        (
            "CREATE OR REPLACE FUNCTION public.nmc_enter_system() RETURNS void LANGUAGE plpgsql AS 'BEGIN END'",
            &["missing: function nmc_enter_system() ", "unexpected: function nmc_enter_system() "],
        ),
    ];
    for (sql, expected) in cases {
        db.execute(sql);
        let now = verify();
        assert!(now.is_superset(&known), "{sql}: {known:#?} must all still be told");
        let new: Vec<&String> = now.difference(&known).collect();
        let as_expected =
            new.len() == expected.len() && expected.iter().all(|start| new.iter().any(|line| line.starts_with(start)));
        assert!(as_expected, "{sql}:\n{new:#?}");
        known = now;
    }
}

#[test]
fn verify_leaves_alone_what_it_is_told_to() {
    let db = TestDb::new();
    db.execute(
        "CREATE INDEX acme_calls_price_idx ON calls (price);
         CREATE INDEX acme_calls_other_idx ON calls (price_unit);
         CREATE ROLE acme_reports_of_verify NOLOGIN;
         GRANT SELECT ON calls, messages TO acme_reports_of_verify;
         GRANT SELECT (price) ON calls TO PUBLIC;
         DROP INDEX calls_caller_phone_idx;
         CREATE INDEX calls_caller_phone_idx ON calls (caller_phone)",
    );
    let names = ["calls.acme_calls_price_idx", "acme_reports_of_verify", "calls.calls_caller_phone_idx", "calls", "price_unit"];
    let told = db.store.migrator().leaving_alone(names).verify().unwrap();
    db.execute("DROP OWNED BY acme_reports_of_verify; DROP ROLE acme_reports_of_verify");
    let told: Vec<String> = told.iter().map(|line| line.to_string().split(" btree").next().unwrap().to_owned()).collect();
    assert_eq!(
        told,
        [
            "missing: index calls.calls_caller_phone_idx",
            "unexpected: grant calls.price to public: SELECT",
            "unexpected: index calls.acme_calls_other_idx",
        ],
        "what is ours is told for all that"
    );
}

#[test]
fn a_restored_dump_is_as_expected() {
    let (from, to) = (TestDb::new(), TestDb::empty());
    let business = Business::onboard(&from.store, "Moved");
    let run = |program: &str, arguments: &[&str]| {
        let program = TestDb::programs().join(program);
        let output = Command::new(&program).args(arguments).output();
        let output = output.unwrap_or_else(|error| panic!("{} must be installed beside the server: {error}", program.display()));
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        output.stdout
    };
    let file = std::env::temp_dir().join(format!("nmc-test-dump-{}.sql", std::process::id()));
    std::fs::write(&file, run("pg_dump", &["--dbname", &from.superuser_url()])).unwrap();
    run("psql", &["-Xq", "-v", "ON_ERROR_STOP=1", "--dbname", &to.superuser_url(), "-f", file.to_str().unwrap()]);
    std::fs::remove_file(file).unwrap();
    let migrator = to.store.migrator();
    assert_eq!(migrator.verify().unwrap(), []);
    assert_eq!(migrator.run(|_| panic!("nothing is left to do")).unwrap(), 0);
    assert_eq!(to.rows_of(business.tenant.id()), from.rows_of(business.tenant.id()));
}

/// A database that no test changes: what is only read from the catalogue is read there.
fn pristine() -> &'static TestDb {
    static PRISTINE: LazyLock<TestDb> = LazyLock::new(TestDb::new);
    &PRISTINE
}

/// Rows of the catalogue that break a rule; each test wants none.
fn offenders(sql: &str) -> Vec<String> {
    pristine().query(sql)
}

const NOBODY: Vec<String> = Vec::new();

#[test]
fn every_foreign_key_has_a_supporting_index() {
    // The key's columns, in any order, are the first columns of an index that holds all rows, or all that have a key.
    let sql = "SELECT k.conname FROM pg_constraint k
               WHERE k.contype = 'f' AND k.connamespace = 'public'::regnamespace AND NOT EXISTS (
                   SELECT FROM pg_index i
                   WHERE i.indrelid = k.conrelid AND i.indisvalid
                     AND (i.indpred IS NULL OR EXISTS (
                         SELECT FROM pg_attribute a WHERE a.attrelid = k.conrelid AND a.attnum = ANY (k.conkey)
                           AND pg_get_expr(i.indpred, i.indrelid) = format('(%I IS NOT NULL)', a.attname)))
                     AND (i.indkey::int2[])[0:cardinality(k.conkey) - 1] @> k.conkey
                     AND (i.indkey::int2[])[0:cardinality(k.conkey) - 1] <@ k.conkey)";
    assert_eq!(offenders(sql), NOBODY);
}

#[test]
fn every_reference_takes_the_tenant_along() {
    // tenant_id on this side stands at the place of tenant_id (or tenants.id) on the other side.
    let sql = "SELECT k.conname FROM pg_constraint k
               WHERE k.contype = 'f' AND k.connamespace = 'public'::regnamespace AND NOT EXISTS (
                   SELECT FROM unnest(k.conkey, k.confkey) AS pair(here, there)
                   JOIN pg_attribute h ON h.attrelid = k.conrelid AND h.attnum = pair.here
                   JOIN pg_attribute t ON t.attrelid = k.confrelid AND t.attnum = pair.there
                   WHERE h.attname = CASE k.conrelid::regclass::text WHEN 'tenants' THEN 'id' ELSE 'tenant_id' END
                     AND t.attname = CASE k.confrelid::regclass::text WHEN 'tenants' THEN 'id' ELSE 'tenant_id' END)";
    assert_eq!(offenders(sql), NOBODY);
}

#[test]
fn a_key_without_an_action_waits_for_the_commit() {
    // NO ACTION ('a') keys are deferred, so that a tenant can be deleted in one statement; SET NULL names its column.
    let sql = "SELECT k.conname FROM pg_constraint k
               WHERE k.contype = 'f' AND k.connamespace = 'public'::regnamespace
                 AND (k.confdeltype = 'a') <> (k.condeferrable AND k.condeferred)
                  OR k.confdeltype = 'n' AND coalesce(cardinality(k.confdelsetcols), 0) <> 1
                  OR k.confdeltype NOT IN ('a', 'c', 'n') AND k.contype = 'f'";
    assert_eq!(offenders(sql), NOBODY);
}

#[test]
fn every_table_names_its_tenant() {
    // A tenant_id that can't be NULL and leads to a tenant, whose deletion takes the row along: by a key of its own or, where
    // each row has a parent that it goes with, by the parent's, and then by that alone.
    let sql = format!(
        "WITH RECURSIVE keys AS (
             SELECT k.conrelid AS child, k.confrelid AS parent FROM pg_constraint k
             WHERE k.contype = 'f' AND k.confdeltype = 'c' AND NOT EXISTS (
                 SELECT FROM pg_attribute a
                 WHERE a.attrelid = k.conrelid AND a.attnum = ANY (k.conkey) AND NOT a.attnotnull)
         ),
         led (id) AS (
             SELECT 'tenants'::regclass::oid
             UNION
             SELECT keys.child FROM led JOIN keys ON keys.parent = led.id
         )
         SELECT c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
         WHERE {PUBLIC} AND c.relkind IN ('r', 'p') AND c.relname <> 'tenants' AND NOT (
             c.oid IN (SELECT id FROM led) AND EXISTS (
                 SELECT FROM pg_attribute a
                 WHERE a.attrelid = c.oid AND a.attname = 'tenant_id' AND a.attnotnull AND a.atttypid = 'uuid'::regtype)
             AND (SELECT count(DISTINCT parent = 'tenants'::regclass) = 1 FROM keys WHERE child = c.oid))"
    );
    assert_eq!(offenders(&sql), NOBODY);
}

#[test]
fn every_table_is_of_the_identity_or_of_the_activity_family() {
    const IDENTITY: &str = "('tenants', 'users', 'user_sessions', 'user_profiles', 'user_preferences', 'user_status',
                             'business_settings', 'phone_numbers', 'api_keys')";
    let keys = format!(
        "SELECT c.relname || ': ' || pg_get_constraintdef(k.oid) FROM pg_constraint k JOIN pg_class c ON c.oid = k.conrelid
         WHERE k.connamespace = 'public'::regnamespace AND c.relname NOT IN ('__diesel_schema_migrations', 'nmc_migrations') AND (
             k.contype = 'p' AND pg_get_constraintdef(k.oid)
                 <> CASE WHEN c.relname IN {IDENTITY} THEN 'PRIMARY KEY (id)'
                         -- What is numbered for each tenant, and the number it has come to.
                         WHEN c.relname = 'stream_events' THEN 'PRIMARY KEY (tenant_id, seq)'
                         WHEN c.relname = 'tenant_streams' THEN 'PRIMARY KEY (tenant_id)'
                         WHEN c.relname IN ('alert_rounds', 'analytics_roll_ups') THEN 'PRIMARY KEY (tenant_id)'
                         WHEN c.relname = 'alert_escalations' THEN 'PRIMARY KEY (tenant_id, alert_id)'
                         WHEN c.relname = 'alert_rule_states' THEN 'PRIMARY KEY (tenant_id, rule_id)'
                         -- Words, which are read from their key alone.
                         WHEN c.relname = 'message_terms' THEN 'PRIMARY KEY (tenant_id, term, created_at, message_id)'
                         WHEN c.relname = 'conversation_terms' THEN 'PRIMARY KEY (tenant_id, term, created_at, conversation_id)'
                         WHEN c.relname = 'typing_notices' THEN 'PRIMARY KEY (tenant_id, conversation_id, user_id)'
                         ELSE 'PRIMARY KEY (tenant_id, id)' END
             OR k.contype = 'u' AND c.relname NOT IN {IDENTITY} AND pg_get_constraintdef(k.oid) !~ '\\(tenant_id, '
             OR k.contype = 'f' AND c.relname IN {IDENTITY} AND k.confrelid::regclass::text NOT IN {IDENTITY})"
    );
    assert_eq!(offenders(&keys), NOBODY);
    let indexes = format!(
        "SELECT i.indexrelid::regclass::text FROM pg_index i JOIN pg_class c ON c.oid = i.indrelid
         WHERE c.relnamespace = 'public'::regnamespace AND i.indisunique
           AND c.relname NOT IN {IDENTITY} AND c.relname NOT IN ('__diesel_schema_migrations', 'nmc_migrations')
           AND (SELECT attname FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attnum = i.indkey[0]) <> 'tenant_id'"
    );
    assert_eq!(offenders(&indexes), NOBODY);
}

#[test]
fn row_level_security_is_forced_on_every_table_by_two_policies() {
    #[derive(Debug, PartialEq, Eq, Deserialize)]
    struct Policy {
        policyname: String,
        permissive: String,
        roles: Vec<String>,
        cmd: String,
        qual: Option<String>,
        with_check: Option<String>,
    }
    let db = pristine();
    let mut conn = db.superuser();
    for table in db.tables() {
        let name = &table.name;
        let walls: Vec<String> = query(
            &mut conn,
            &format!("SELECT relrowsecurity::text || relforcerowsecurity::text FROM pg_class WHERE oid = '{name}'::regclass"),
        );
        assert_eq!(walls, ["truetrue"], "{name}: enabled, forced");
        let own = format!("({} = (NULLIF(current_setting('nmc.tenant_id'::text, true), ''::text))::uuid)", table.tenant_key);
        let expected = [("tenant", own.as_str()), ("system", "true")].map(|(who, rule)| Policy {
            policyname: format!("{name}_{who}_policy"),
            permissive: "PERMISSIVE".to_owned(),
            roles: vec![format!("nmc_{who}")],
            cmd: "ALL".to_owned(),
            qual: Some(rule.to_owned()),
            with_check: Some(rule.to_owned()),
        });
        let policies: Vec<Policy> = query(
            &mut conn,
            &format!(
                "SELECT policyname, permissive, roles, cmd, qual, with_check FROM pg_policies
                 WHERE schemaname = 'public' AND tablename = '{name}' ORDER BY policyname DESC"
            ),
        );
        assert_eq!(policies, expected, "{name}");
    }
}

#[test]
fn each_role_has_exactly_the_rights_it_needs() {
    #[derive(Debug, PartialEq, Eq, Deserialize)]
    struct Grant {
        grantee: String,
        rights: String,
    }
    let db = pristine();
    let mut conn = db.superuser();
    for table in db.tables().iter().map(|table| table.name.as_str()) {
        let (tenant, system) = match table {
            _ if APPEND_ONLY.contains(&table) => ("INSERT SELECT", "DELETE INSERT SELECT"),
            "tenants" => ("SELECT UPDATE", "DELETE INSERT SELECT UPDATE"),
            _ => ("DELETE INSERT SELECT UPDATE", "DELETE INSERT SELECT UPDATE"),
        };
        let grants: Vec<Grant> = query(
            &mut conn,
            &format!(
                "SELECT CASE a.grantee WHEN 0 THEN 'PUBLIC' ELSE a.grantee::regrole::text END AS grantee,
                        string_agg(a.privilege_type, ' ' ORDER BY a.privilege_type) AS rights
                 FROM pg_class c CROSS JOIN aclexplode(c.relacl) a
                 WHERE c.oid = '{table}'::regclass AND a.grantee <> c.relowner GROUP BY 1 ORDER BY 1"
            ),
        );
        let grant = |grantee: &str, rights: &str| Grant { grantee: grantee.to_owned(), rights: rights.to_owned() };
        assert_eq!(grants, [grant("nmc_system", system), grant("nmc_tenant", tenant)], "{table}");
    }
    // Nothing by the column; nothing on Diesel's table, nor on sequences; no function for everybody.
    let others = "SELECT attrelid::regclass::text || '.' || attname FROM pg_attribute
                  WHERE attacl IS NOT NULL AND attrelid::regclass::text NOT LIKE 'pg\\_%'
                  UNION ALL
                  SELECT relname FROM pg_class
                  WHERE relnamespace = 'public'::regnamespace AND relacl IS NOT NULL
                    AND (relkind = 'S' OR relname = '__diesel_schema_migrations')
                  UNION ALL
                  SELECT proname FROM pg_proc
                  WHERE pronamespace = 'public'::regnamespace AND has_function_privilege('public', oid, 'EXECUTE')
                  UNION ALL
                  SELECT 'PUBLIC may create in public' WHERE has_schema_privilege('public', 'public', 'CREATE')";
    assert_eq!(query::<String>(&mut conn, others), NOBODY);
    let doors: Vec<String> = query(
        &mut conn,
        "SELECT proname FROM pg_proc
         WHERE pronamespace = 'public'::regnamespace AND has_function_privilege('nmc_gate', oid, 'EXECUTE') ORDER BY 1",
    );
    assert_eq!(doors, ["nmc_enter_system", "nmc_enter_tenant"]);
    let roles: Vec<String> = query(
        &mut conn,
        "SELECT rolname FROM pg_roles WHERE rolname LIKE 'nmc\\_%' AND (rolsuper OR rolbypassrls OR rolcreaterole OR rolcreatedb
             OR rolreplication OR rolcanlogin <> (rolname <> 'nmc_gate') OR rolname = 'nmc_gate' AND rolinherit)
         UNION ALL
         SELECT rolname FROM pg_authid WHERE rolname LIKE 'nmc\\_%' AND rolpassword IS NOT NULL",
    );
    assert_eq!(roles, NOBODY);
}

#[test]
fn views_obey_the_reader_s_rights() {
    let sql = "SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace
               AND (relkind = 'm' OR relkind = 'v' AND NOT coalesce('security_invoker=true' = ANY (reloptions), false))";
    assert_eq!(offenders(sql), NOBODY);
}

/// A CHECK of one column that lists its values.
#[derive(Debug, Deserialize)]
struct ValueList {
    table: String,
    column: String,
    name: String,
    definition: String,
    is_array: bool,
}

impl ValueList {
    /// The words of the definition: each one quoted, or all of them in one constant.
    fn labels(&self) -> BTreeSet<&str> {
        let quoted = self.definition.split('\'').skip(1).step_by(2);
        let labels: BTreeSet<&str> = quoted.flat_map(|words| words.trim_matches(['{', '}']).split(',')).collect();
        assert!(!labels.is_empty(), "{}", self.definition);
        labels
    }
}

fn value_lists(db: &TestDb) -> BTreeMap<String, ValueList> {
    let lists: Vec<ValueList> = db.query(
        "SELECT k.conrelid::regclass::text AS table, a.attname AS column, k.conname AS name,
                pg_get_constraintdef(k.oid) AS definition, a.attndims > 0 AS is_array
         FROM pg_constraint k JOIN pg_attribute a ON a.attrelid = k.conrelid AND k.conkey = ARRAY[a.attnum]
         WHERE k.contype = 'c' AND k.connamespace = 'public'::regnamespace
           AND pg_get_constraintdef(k.oid) ~ 'ARRAY\\[|''\\{'",
    );
    lists.into_iter().map(|list| (format!("{}.{}", list.table, list.column), list)).collect()
}

#[test]
fn the_enums_labels_equal_the_checks() {
    let live = value_lists(pristine());
    let mut enums = BTreeMap::new();
    for (columns, labels) in nmc_core::testing::VALUE_LISTS.iter().copied().flatten() {
        for column in *columns {
            let labels: BTreeSet<&str> = labels.iter().copied().collect();
            assert!(enums.insert(*column, labels).is_none(), "{column} has two enums");
        }
    }
    for (column, list) in &live {
        assert_eq!(enums.get(column.as_str()), Some(&list.labels()), "{column}: the enum (left) and {} (right)", list.name);
    }
    let known: BTreeSet<&str> = live.keys().map(String::as_str).collect();
    assert_eq!(enums.into_keys().collect::<BTreeSet<_>>(), known, "columns with a list: the enums' and the database's");
}

#[test]
fn value_lists_refuse_foreign_values() {
    let db = TestDb::new();
    let business = Business::onboard(&db.store, "Lists");
    db.fill_every_table(business.tenant.id());
    let mut conn = db.superuser();
    for ValueList { table, column, name, is_array, .. } in value_lists(&db).values() {
        // Other cases, a blank and the empty text are foreign values, too. Short enough for every column.
        for foreign in ["", " ", "nope", "ACTIVE"] {
            let value = if *is_array { format!("ARRAY['{foreign}']") } else { format!("'{foreign}'") };
            let refused = conn.batch_execute(&format!("UPDATE {table} SET {column} = {value}")).unwrap_err();
            match refused {
                DieselError::DatabaseError(DatabaseErrorKind::CheckViolation, info) => {
                    assert_eq!(info.constraint_name(), Some(name.as_str()), "{table}.{column} = {foreign:?}");
                }
                other => panic!("{table}.{column} = {foreign:?}: {other}"),
            }
        }
    }
}

#[test]
fn every_constraint_has_its_words_and_nothing_else_has() {
    #[derive(Deserialize)]
    struct Live {
        name: String,
        table: String,
    }
    let db = pristine();
    let live: Vec<Live> = db.query(&format!(
        "SELECT k.conname AS name, c.relname AS table
         FROM pg_constraint k JOIN pg_class c ON c.oid = k.conrelid JOIN pg_namespace n ON n.oid = c.relnamespace
         WHERE {PUBLIC} AND k.contype IN ('c', 'f', 'p', 'u', 'x')
         UNION
         SELECT i.relname, c.relname
         FROM pg_index x JOIN pg_class i ON i.oid = x.indexrelid
         JOIN pg_class c ON c.oid = x.indrelid JOIN pg_namespace n ON n.oid = c.relnamespace
         WHERE {PUBLIC} AND x.indisunique"
    ));
    let table_of: BTreeMap<&str, &str> = live.iter().map(|live| (live.name.as_str(), live.table.as_str())).collect();
    let mapped: BTreeSet<&str> = CONSTRAINTS.iter().map(|known| known.name).collect();
    assert_eq!(table_of.keys().copied().collect::<BTreeSet<_>>(), mapped, "the database's names and the library's");
    assert!(CONSTRAINTS.is_sorted_by(|a, b| a.name < b.name), "they are found by binary search");
    // The field at fault is a column of the table, so that a client knows it again. Two are not: nobody sends a hash.
    let columns = tables_of_the_database(db);
    for known in CONSTRAINTS.iter().filter(|known| !["refresh_token", "Idempotency-Key"].contains(&known.field)) {
        let table = &columns[table_of[known.name]];
        assert!(table.columns.iter().any(|column| column.name == known.field), "{}: {}", known.name, known.field);
    }
}

#[test]
fn names_follow_the_pattern_and_have_room() {
    #[derive(Deserialize)]
    struct Named {
        table: String,
        name: String,
        kind: String,
    }
    let named: Vec<Named> = pristine().query(&format!(
        "SELECT c.relname AS table, k.conname AS name,
                CASE k.contype WHEN 'c' THEN 'check' WHEN 'f' THEN 'fkey' WHEN 'p' THEN 'pkey' ELSE 'key' END AS kind
         FROM pg_constraint k JOIN pg_class c ON c.oid = k.conrelid JOIN pg_namespace n ON n.oid = c.relnamespace
         WHERE {PUBLIC} AND k.contype IN ('c', 'f', 'p', 'u', 'x')
         UNION
         SELECT c.relname, i.relname, CASE WHEN x.indisprimary THEN 'pkey' WHEN x.indisunique THEN 'key' ELSE 'idx' END
         FROM pg_index x JOIN pg_class i ON i.oid = x.indexrelid
         JOIN pg_class c ON c.oid = x.indrelid JOIN pg_namespace n ON n.oid = c.relnamespace
         WHERE {PUBLIC}
         UNION
         SELECT c.relname, t.tgname, regexp_replace(t.tgname, '^.*_((touch|keep)_.*)$', '\\1')
         FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid JOIN pg_namespace n ON n.oid = c.relnamespace
         WHERE {PUBLIC} AND NOT t.tgisinternal
         UNION
         SELECT c.relname, c.relname, c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
         WHERE {PUBLIC} AND c.relkind IN ('r', 'p')"
    ));
    assert!(named.len() > 300);
    for Named { table, name, kind } in named {
        assert!(name.len() <= 54, "{name} is {} bytes long", name.len());
        assert!(
            name == table || name.starts_with(&format!("{table}_")) && name.ends_with(&format!("_{kind}")),
            "{table}: {name}"
        );
    }
}

#[test]
fn no_index_serves_what_another_serves() {
    // The columns of one are the first columns of the other: same method, same predicate. Unique ones have another job, too.
    let sql = "SELECT a.indexrelid::regclass || ' is covered by ' || b.indexrelid::regclass
               FROM pg_index a
               JOIN pg_index b ON b.indrelid = a.indrelid AND b.indexrelid <> a.indexrelid
               JOIN pg_class ca ON ca.oid = a.indexrelid JOIN pg_class cb ON cb.oid = b.indexrelid
               WHERE ca.relnamespace = 'public'::regnamespace AND ca.relam = cb.relam
                 AND (NOT a.indisunique OR a.indkey::text = b.indkey::text AND b.indisunique AND a.indexrelid > b.indexrelid)
                 AND pg_get_expr(a.indpred, a.indrelid) IS NOT DISTINCT FROM pg_get_expr(b.indpred, b.indrelid)
                 AND a.indexprs IS NULL AND b.indexprs IS NULL
                 AND (b.indkey::int2[])[0:a.indnkeyatts - 1] = (a.indkey::int2[])[0:a.indnkeyatts - 1]
                 AND (b.indclass::oid[])[0:a.indnkeyatts - 1] = (a.indclass::oid[])[0:a.indnkeyatts - 1]";
    assert_eq!(offenders(sql), NOBODY);
}

#[test]
fn columns_keep_the_rules_of_the_house() {
    let columns = format!(
        "pg_attribute a JOIN pg_class c ON c.oid = a.attrelid JOIN pg_namespace n ON n.oid = c.relnamespace
         WHERE {PUBLIC} AND c.relkind IN ('r', 'p') AND a.attnum > 0 AND NOT a.attisdropped"
    );
    let name = "c.relname || '.' || a.attname";
    assert_eq!(offenders(&format!("SELECT {name} FROM {columns} AND a.atttypid = 'timestamp'::regtype")), NOBODY, "unzoned");
    // A default without NOT NULL lets NULL pass every CHECK. Here NULL says that the country is not known.
    let nullable = format!("SELECT {name} FROM {columns} AND a.atthasdef AND NOT a.attnotnull");
    assert_eq!(offenders(&nullable), ["calls.caller_country"]);
    let dumb = format!(
        "SELECT {name} FROM {columns} AND coalesce(btrim(col_description(c.oid, a.attnum)), '') = ''
         UNION ALL
         SELECT c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
         WHERE {PUBLIC} AND c.relkind IN ('r', 'p') AND coalesce(btrim(obj_description(c.oid, 'pg_class')), '') = ''"
    );
    assert_eq!(offenders(&dumb), NOBODY, "without a comment");
    assert_eq!(
        offenders(&format!("SELECT c.relname FROM {columns} GROUP BY 1 HAVING count(*) > 32")),
        NOBODY,
        "too wide for Diesel"
    );
    // Arrays are mapped without NULL elements; a CHECK must keep it so.
    let arrays = format!(
        "SELECT {name} FROM {columns} AND a.attndims > 0 AND NOT EXISTS (
             SELECT FROM pg_constraint k WHERE k.conrelid = c.oid AND k.contype = 'c' AND k.conkey = ARRAY[a.attnum]
               AND pg_get_constraintdef(k.oid) ~ 'array_position|<@')"
    );
    assert_eq!(offenders(&arrays), NOBODY, "elements may be NULL");
    // What changes knows when, by a trigger that is handed its table's name.
    let untouched = format!(
        "SELECT {name} FROM {columns} AND (a.attname = 'updated_at' OR c.relname || a.attname = 'user_sessionslast_used_at')
         AND NOT EXISTS (SELECT FROM pg_trigger t WHERE t.tgrelid = c.oid AND pg_get_triggerdef(t.oid) LIKE
             format('%%BEFORE UPDATE ON public.%s FOR EACH ROW EXECUTE FUNCTION nmc_touch_%s(''%s'')', c.relname, a.attname, c.relname))"
    );
    assert_eq!(offenders(&untouched), NOBODY, "without its trigger");
}

#[test]
fn a_changed_row_says_when() {
    let db = TestDb::new();
    let business = Business::onboard(&db.store, "Touch");
    db.fill_every_table(business.tenant.id());
    let mut conn = db.superuser();
    for (table, column) in db
        .query::<TouchColumn>(
            "SELECT table_name AS table, column_name AS column FROM information_schema.columns
         WHERE table_schema = 'public' AND (column_name = 'updated_at' OR column_name = 'last_used_at' AND is_nullable = 'NO')",
        )
        .iter()
        .map(|touch| (touch.table.as_str(), touch.column.as_str()))
    {
        let other = if table == "tenants" { "id" } else { "tenant_id" };
        let moved: Vec<bool> = {
            let old: Vec<String> = query(&mut conn, &format!("SELECT {column}::text FROM {table}"));
            conn.batch_execute(&format!("UPDATE {table} SET {other} = {other}")).unwrap();
            query(&mut conn, &format!("SELECT {column} > '{}' FROM {table}", old[0]))
        };
        assert_eq!(moved, [true], "{table}.{column} moves by itself");
        // The library's clock has its way, where it says when.
        conn.batch_execute(&format!("UPDATE {table} SET {column} = '2030-01-01Z'")).unwrap();
        let told: Vec<bool> = query(&mut conn, &format!("SELECT {column} = '2030-01-01Z' FROM {table}"));
        assert_eq!(told, [true], "{table}.{column} is told");
    }
}

#[derive(Deserialize)]
struct TouchColumn {
    table: String,
    column: String,
}
