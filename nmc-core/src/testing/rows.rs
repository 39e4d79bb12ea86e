//! Looking at rows, and making some, without the library's eyes.

use super::TestDb;
use crate::{TenantId, TenantTx};
use diesel::connection::SimpleConnection as _;
use diesel::pg::PgConnection;
use diesel::prelude::*;
use diesel::sql_types::Jsonb;
use serde::de::DeserializeOwned;
use std::collections::BTreeMap;

/// A table with tenants' rows.
#[derive(Debug, Clone, PartialEq, Eq, serde::Deserialize)]
pub struct Table {
    /// The name of the table.
    pub name: String,
    /// The column that holds the tenant: `tenant_id`, or the `id` of tenants.
    pub tenant_key: String,
}

/// The rows of a query: each read as `T` by the names of its columns, or its only column as `T`.
///
/// # Panics
/// When the query fails, or `T` does not fit.
#[must_use]
pub fn query<T: DeserializeOwned>(conn: &mut PgConnection, sql: &str) -> Vec<T> {
    #[derive(QueryableByName)]
    struct Row {
        #[diesel(sql_type = Jsonb)]
        row: serde_json::Value,
    }
    let rows: Vec<Row> = diesel::sql_query(format!("SELECT to_jsonb(q) AS row FROM ({sql}) AS q"))
        .load(conn)
        .unwrap_or_else(|error| panic!("{error}: {sql}"));
    rows.into_iter()
        .map(|Row { row }| {
            let only = row.as_object().filter(|columns| columns.len() == 1).and_then(|columns| columns.values().next());
            let read = match only {
                Some(value) => T::deserialize(value).or_else(|_| T::deserialize(&row)),
                None => T::deserialize(&row),
            };
            read.unwrap_or_else(|error| panic!("{error}: {row}"))
        })
        .collect()
}

/// The connection of a transaction, to look with its role and tenant but without the library's eyes.
pub const fn connection<'a>(tx: &'a mut TenantTx<'_>) -> &'a mut PgConnection {
    tx.0.conn
}

impl TestDb {
    /// The rows of a query, as the superuser sees them. See [`query`].
    ///
    /// # Panics
    /// As [`query`].
    #[must_use]
    pub fn query<T: DeserializeOwned>(&self, sql: &str) -> Vec<T> {
        self.as_superuser(|conn| query(conn, sql))
    }

    /// Runs statements as the superuser.
    ///
    /// # Panics
    /// When one fails.
    pub fn execute(&self, sql: &str) {
        self.as_superuser(|conn| conn.batch_execute(sql)).unwrap_or_else(|error| panic!("{error}: {sql}"));
    }

    /// Every table of the schema, from the catalogue.
    #[must_use]
    pub fn tables(&self) -> Vec<Table> {
        self.query(
            "SELECT c.relname AS name, CASE c.relname WHEN 'tenants' THEN 'id' ELSE 'tenant_id' END AS tenant_key
             FROM pg_class c
             WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p') AND c.relname NOT IN ('__diesel_schema_migrations', 'nmc_migrations')
             ORDER BY c.relname",
        )
    }

    /// Gives an onboarded tenant one row in every table, so that each reference points at the only row it can.
    ///
    /// # Panics
    /// When a row is refused.
    pub fn fill_every_table(&self, tenant: TenantId) {
        self.execute(&include_str!("every_table.sql").replace(":tenant", &format!("'{tenant}'::uuid")));
    }

    /// All rows of a tenant as text, by table: what must not change when someone else is at work.
    #[must_use]
    pub fn rows_of(&self, tenant: TenantId) -> BTreeMap<String, Vec<String>> {
        let tables = self.tables().into_iter();
        let rows = |conn: &mut PgConnection, Table { name, tenant_key }| {
            let sql = format!("SELECT t::text FROM public.{name} t WHERE {tenant_key} = '{tenant}' ORDER BY 1");
            let rows = query(conn, &sql);
            (name, rows)
        };
        self.as_superuser(|conn| tables.map(|table| rows(conn, table)).collect())
    }

    /// A connection of the store's pool as its next user would find it, outside any transaction.
    ///
    /// # Panics
    /// When there is none.
    pub fn pooled<T>(&self, look: impl FnOnce(&mut PgConnection) -> T) -> T {
        look(&mut self.store.idle_link().expect("a pooled connection").conn)
    }
}
