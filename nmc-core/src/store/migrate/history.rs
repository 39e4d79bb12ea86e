//! Which migrations a database has: a table of our own says so, beside Diesel's, which an application may share.

use super::objects::{Object, created};
use super::texts::Texts;
use super::{MigrateError, Migration, MigrationStatus};
use diesel::connection::SimpleConnection as _;
use diesel::pg::PgConnection;
use diesel::prelude::*;
use diesel::sql_types::{Bool, Text};
use sha2::{Digest as _, Sha256};
use std::collections::{BTreeMap, BTreeSet};

/// Our own table.
const OWN: &str = include_str!("history.sql");

/// The tables that there are, and what this login may do with them.
#[derive(Debug, QueryableByName)]
struct There {
    /// Our own table.
    #[diesel(sql_type = Bool)]
    own: bool,
    #[diesel(sql_type = Bool)]
    may_read_own: bool,
    /// Diesel's table.
    #[diesel(sql_type = Bool)]
    diesel: bool,
    #[diesel(sql_type = Bool)]
    may_read_diesel: bool,
    /// The objects of our first migration.
    #[diesel(sql_type = Bool)]
    installed: bool,
    #[diesel(sql_type = Text)]
    login: String,
}

#[derive(Debug, QueryableByName)]
struct Version {
    #[diesel(sql_type = Text)]
    version: String,
}

#[derive(Debug, QueryableByName)]
struct Listed {
    #[diesel(sql_type = Text)]
    version: String,
    #[diesel(sql_type = Text)]
    fingerprint: String,
}

/// The history of a database's migrations, read in one transaction.
pub(super) struct History {
    there: There,
    listed: Vec<Listed>,
    /// Migrations that Diesel's table has and ours lacks: from before there was ours, or run by Diesel's command line.
    to_carry_over: Vec<Migration>,
}

impl History {
    /// Reads it, and writes nothing: a login that may only look can do this, on a server that can only be read.
    pub(super) fn read(conn: &mut PgConnection, schema: &str, migrations: &[Migration]) -> Result<Self, MigrateError> {
        let there: There = diesel::sql_query(include_str!("there.sql")).bind::<Text, _>(schema).get_result(conn)?;
        let listed: Vec<Listed> = match (there.own, there.may_read_own) {
            (false, _) => Vec::new(),
            (true, true) => {
                diesel::sql_query(format!("SELECT version, fingerprint FROM {schema}.nmc_migrations ORDER BY 1")).load(conn)?
            }
            (true, false) => return Err(may_not_read(&there.login)),
        };
        // What stands in Diesel's table and is not listed in ours is ours only if our objects are there: an application
        // may have used one of our versions.
        let by_diesel: Vec<Version> = match (there.diesel && there.installed, there.may_read_diesel) {
            (true, true) => {
                diesel::sql_query(format!("SELECT version FROM {schema}.__diesel_schema_migrations ORDER BY 1")).load(conn)?
            }
            (true, false) if !there.own => return Err(may_not_read(&there.login)),
            _ => Vec::new(),
        };
        let to_carry_over = migrations
            .iter()
            .filter(|migration| {
                let version = migration.version();
                by_diesel.iter().any(|row| row.version == version) && listed.iter().all(|row| row.version != version)
            })
            .copied()
            .collect();
        Ok(Self { there, listed, to_carry_over })
    }

    /// The state of `migrations` in this history.
    pub(super) fn status(&self, migrations: &[Migration], texts: &mut Texts) -> MigrationStatus {
        let listed: BTreeMap<&str, &Listed> = self.listed.iter().map(|row| (&*row.version, row)).collect();
        let listed = |migration: &Migration| listed.get(&*migration.version()).copied();
        let known = migrations.iter().map(|migration| {
            let carried_over = self.to_carry_over.iter().any(|other| other.name == migration.name);
            (*migration, carried_over || listed(migration).is_some())
        });
        let altered = migrations
            .iter()
            .filter(|migration| listed(migration).is_some_and(|row| *row.fingerprint != *texts.fingerprint(migration.up)))
            .copied();
        let unknown = self.listed.iter().map(|row| &row.version);
        let versions: BTreeSet<String> = migrations.iter().map(Migration::version).collect();
        let unknown = unknown.filter(|version| !versions.contains(*version));
        MigrationStatus { known: known.collect(), altered: altered.collect(), unknown: unknown.cloned().collect() }
    }

    /// The SQL that makes our own table, if it is not there.
    pub(super) fn to_make(&self) -> Option<&'static str> {
        if self.there.own { None } else { Some(OWN) }
    }

    /// Makes the tables that are missing, and lists in ours what was only in Diesel's. A migration that fails takes this
    /// back with it.
    pub(super) fn settle(&self, conn: &mut PgConnection, schema: &str) -> QueryResult<()> {
        if !self.there.diesel {
            conn.batch_execute(&format!(
                "CREATE TABLE {schema}.__diesel_schema_migrations (
                     version VARCHAR(50) PRIMARY KEY NOT NULL,
                     run_on TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP
                 )"
            ))?;
        }
        if !self.there.own {
            conn.batch_execute(&OWN.replace("public.", &format!("{schema}.")))?;
            let mut made = BTreeSet::new();
            if !self.there.diesel {
                made.insert(Object::Relation("__diesel_schema_migrations".to_owned()));
            }
            keep_to_ourselves(conn, schema, &made)?;
        }
        for migration in &self.to_carry_over {
            list(conn, schema, migration)?;
        }
        Ok(())
    }
}

fn may_not_read(login: &str) -> MigrateError {
    MigrateError::MayNotRead { login: login.to_owned() }
}

/// Notes in both tables that a migration has been applied.
pub(super) fn applied(conn: &mut PgConnection, schema: &str, migration: &Migration) -> QueryResult<()> {
    list(conn, schema, migration)?;
    let version = migration.version();
    conn.batch_execute(&format!(
        "INSERT INTO {schema}.__diesel_schema_migrations (version) VALUES ('{version}') ON CONFLICT (version) DO NOTHING"
    ))?;
    keep_to_ourselves(conn, schema, &created(migration.up))
}

/// Notes in both tables that a migration has been taken back.
pub(super) fn taken_back(conn: &mut PgConnection, schema: &str, migration: &Migration) -> QueryResult<()> {
    let version = migration.version();
    conn.batch_execute(&format!(
        "DELETE FROM {schema}.nmc_migrations WHERE version = '{version}';
         DELETE FROM {schema}.__diesel_schema_migrations WHERE version = '{version}'"
    ))
}

/// The text comes from this program: versions are digits, names are checked by a test, and a fingerprint is hexadecimal.
fn list(conn: &mut PgConnection, schema: &str, migration: &Migration) -> QueryResult<()> {
    conn.batch_execute(&format!(
        "INSERT INTO {schema}.nmc_migrations (version, name, fingerprint) VALUES ('{}', {}, '{}')",
        migration.version(),
        literal(migration.title()),
        fingerprint(migration.up),
    ))
}

/// Takes back what the server's default privileges gave away of what a migration created, and of the list itself: whoever
/// could empty it could lock nmc out. The role that lets other logins read the list comes with the first migration.
pub(super) fn keep_to_ourselves(conn: &mut PgConnection, schema: &str, created: &BTreeSet<Object>) -> QueryResult<()> {
    let (mut relations, mut functions) = (vec![literal("nmc_migrations")], Vec::new());
    for object in created {
        match object {
            Object::Relation(name) => relations.push(literal(name)),
            Object::Function(name) => functions.push(literal(name)),
            Object::Type(_) => {}
        }
    }
    let array = |names: &[String]| format!("ARRAY[{}]::pg_catalog.text[]", names.join(", "));
    let sql = include_str!("keep.sql")
        .replace("$relations", &array(&relations))
        .replace("$functions", &array(&functions))
        .replace("$schema", &literal(schema))
        .replace("public.", &format!("{schema}."));
    conn.batch_execute(&sql)
}

fn literal(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

/// SHA-256 of the SQL that applies a migration, in hexadecimal.
pub(super) fn fingerprint(sql: &str) -> String {
    Sha256::digest(sql.as_bytes()).iter().map(|byte| format!("{byte:02x}")).collect()
}
