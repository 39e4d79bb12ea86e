//! Statements that stay prepared.

use diesel::pg::Pg;
use diesel::prelude::*;
use diesel::query_builder::{AstPass, Query, QueryFragment, QueryId};
use diesel::query_dsl::methods::LoadQuery;

/// A statement that its connection keeps prepared under its text.
///
/// Diesel has every UPDATE, DO UPDATE, multi-row INSERT and literal parsed and planned anew each time, since their text may
/// vary without end. Where the text is fixed, this says so.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Prepared<Q>(pub(crate) Q);

impl<Q: QueryFragment<Pg>> QueryFragment<Pg> for Prepared<Q> {
    fn walk_ast<'b>(&'b self, out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        self.0.walk_ast(out)
    }

    fn is_safe_to_cache_prepared(&self, _: &Pg) -> QueryResult<bool> {
        Ok(true)
    }
}

impl<Q> QueryId for Prepared<Q> {
    type QueryId = ();
    /// Looked up by its text.
    const HAS_STATIC_QUERY_ID: bool = false;
}

impl<Q: Query> Query for Prepared<Q> {
    type SqlType = Q::SqlType;
}

impl<Q> Prepared<Q> {
    /// The keys of the rows a write touched. Diesel's `execute` looks at a statement by reference, which hides what is said
    /// above: a write that is to stay prepared returns its keys instead.
    pub(crate) fn keys<'q, K>(self, conn: &mut PgConnection) -> QueryResult<Vec<K>>
    where
        Self: LoadQuery<'q, PgConnection, K>,
    {
        self.internal_load(conn)?.collect()
    }
}

impl<Q> RunQueryDsl<PgConnection> for Prepared<Q> {}
