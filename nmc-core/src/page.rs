//! Keyset pages: newest first, stable while rows arrive, each as cheap as the first.

use crate::{Error, Result};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::{DateTime, Utc};
use diesel::dsl::{Desc, Lt, LtEq, Or};
use diesel::pg::{Pg, PgConnection};
use diesel::query_builder::{AstPass, Query, QueryFragment, QueryId};
use diesel::query_dsl::methods::{FilterDsl, OrderDsl};
use diesel::sql_types::{self, Timestamptz};
use diesel::{BoolExpressionMethods as _, Column, ExpressionMethods as _, QueryResult, RunQueryDsl};
use uuid::Uuid;

/// The place after which a page begins. Opaque to callers: take it from [`Page::next`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Cursor {
    pub(crate) at: DateTime<Utc>,
    pub(crate) id: Uuid,
}

/// The characters of a cursor that tell which list it is of.
const TAG: usize = 6;

impl Cursor {
    /// The cursor as a text that bears the name of its list. It tells a place among the instants of one column: in another list, or in another
    /// order, it would leave rows out without a word. No two lists have one name.
    #[must_use]
    pub fn of_list(self, list: &str) -> String {
        format!("{self}{}", tag(list))
    }

    /// The cursor that [`Self::of_list`] wrote for this list.
    ///
    /// # Errors
    /// [`Error::Invalid`] of `after` when it is no cursor, or one of another list.
    pub fn in_list(text: &str, list: &str) -> Result<Self> {
        let refused = || Error::invalid("after", "must be `next` of an earlier page of this list, in the same order");
        text.strip_suffix(&tag(list)).ok_or_else(refused)?.parse().map_err(|_| refused())
    }
}

/// The last [`TAG`] characters of a list's cursors, which all programs and versions make alike (FNV-1a).
fn tag(list: &str) -> String {
    let hash = list.bytes().fold(0x811c_9dc5_u32, |hash, byte| (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193));
    format!("{:0TAG$x}", hash >> 8)
}

impl std::fmt::Display for Cursor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mut bytes = [0_u8; 24];
        let (at, id) = bytes.split_at_mut(8);
        at.copy_from_slice(&self.at.timestamp_micros().to_be_bytes());
        id.copy_from_slice(self.id.as_bytes());
        f.write_str(&URL_SAFE_NO_PAD.encode(bytes))
    }
}

#[cfg(feature = "serde")]
impl serde::Serialize for Cursor {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl std::str::FromStr for Cursor {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let refused = || Error::invalid("cursor", "must be one that an earlier page returned");
        let bytes = URL_SAFE_NO_PAD.decode(text).map_err(|_| refused())?;
        let bytes: [u8; 24] = bytes.try_into().map_err(|_| refused())?;
        let (at, id) = bytes.split_at(8);
        let micros = at.try_into().map(i64::from_be_bytes).map_err(|_| refused())?;
        // No row is older than 1970; further back, at 4713 BC, PostgreSQL's own time ends.
        let at = Some(micros).filter(|micros| *micros >= 0).and_then(DateTime::from_timestamp_micros);
        Ok(Self { at: at.ok_or_else(refused)?, id: Uuid::from_slice(id).map_err(|_| refused())? })
    }
}

/// The page of a list that is asked for: where it begins, and how long it is.
#[derive(Debug, Clone, Copy)]
pub struct PageRequest {
    limit: i64,
    after: Option<Cursor>,
}

impl PageRequest {
    /// The longest page.
    pub const MAX: u16 = 200;

    /// A page of `limit` rows (1 to [`Self::MAX`]) after a cursor.
    ///
    /// # Errors
    /// [`Error::Invalid`] when `limit` is out of range.
    pub fn new(limit: u16, after: Option<Cursor>) -> Result<Self> {
        if !(1..=Self::MAX).contains(&limit) {
            return Err(Error::invalid("limit", "must be between 1 and 200"));
        }
        Ok(Self { limit: i64::from(limit), after })
    }

    /// The first page of 50.
    #[must_use]
    pub const fn first() -> Self {
        Self { limit: 50, after: None }
    }

    /// A page request of the same length, further on.
    #[must_use]
    pub const fn after(self, cursor: Cursor) -> Self {
        Self { limit: self.limit, after: Some(cursor) }
    }

    pub(crate) const fn cursor(&self) -> Option<Cursor> {
        self.after
    }

    /// The number of rows to fetch, one more than asked for: its presence says that there is a next page.
    pub(crate) const fn fetch(&self) -> i64 {
        self.limit + 1
    }
}

/// A page of a list: some rows, and where the next ones begin.
#[derive(Debug, Clone)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct Page<T> {
    /// The rows, newest first.
    pub items: Vec<T>,
    /// The cursor at which the next page begins; `None` on the last.
    pub next: Option<Cursor>,
}

impl<T> Page<T> {
    pub(crate) fn from_rows(mut rows: Vec<T>, request: PageRequest, key: impl Fn(&T) -> Cursor) -> Self {
        let limit = usize::try_from(request.limit).unwrap_or(usize::MAX);
        let more = rows.len() > limit;
        rows.truncate(limit);
        let next = rows.last().filter(|_| more).map(key);
        Self { items: rows, next }
    }
}

/// The rows of a page: those of a boxed query after the cursor, newest first; `at` and `id` are the columns of an index, and selected.
pub(crate) fn keyset<Q, At, Id>(query: Q, page: PageRequest, at: At, id: Id) -> OfPage<Q>
where
    At: Column<SqlType = Timestamptz> + Copy,
    Id: Column<SqlType = sql_types::Uuid> + Copy,
    Q: OrderDsl<(Desc<At>, Desc<Id>), Output = Q>,
    Q: FilterDsl<LtEq<At, DateTime<Utc>>, Output = Q> + FilterDsl<Or<Lt<At, DateTime<Utc>>, Lt<Id, Uuid>>, Output = Q>,
{
    OfPage { rows: after_cursor(query, page, at, id), order: [At::NAME, Id::NAME], take: page.fetch() }
}

/// All rows of a boxed query after the cursor, newest first. The bare `<=` is what lets the index of the two columns do the work.
pub(crate) fn after_cursor<Q, At, Id>(query: Q, page: PageRequest, at: At, id: Id) -> Q
where
    At: Column<SqlType = Timestamptz> + Copy,
    Id: Column<SqlType = sql_types::Uuid> + Copy,
    Q: OrderDsl<(Desc<At>, Desc<Id>), Output = Q>,
    Q: FilterDsl<LtEq<At, DateTime<Utc>>, Output = Q> + FilterDsl<Or<Lt<At, DateTime<Utc>>, Lt<Id, Uuid>>, Output = Q>,
{
    let query = query.order((at.desc(), id.desc()));
    match page.cursor() {
        Some(cursor) => query.filter(at.le(cursor.at)).filter(at.lt(cursor.at).or(id.lt(cursor.id))),
        None => query,
    }
}

/// The first rows of an ordered query, as many as a page takes. A bound LIMIT may be any for the server: it expects a tenth of the business then,
/// and finds no plan for all values cheap enough. With the longest page's in the text, one plan does where planning is dear.
#[derive(Debug, Clone, Copy, QueryId)]
pub(crate) struct OfPage<Q> {
    rows: Q,
    /// The columns that the rows are ordered by, the greatest first: a subselect's order does not bind the statement around it.
    order: [&'static str; 2],
    take: i64,
}

impl<Q: QueryFragment<Pg>> QueryFragment<Pg> for OfPage<Q> {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        let [at, id] = self.order;
        out.push_sql("SELECT p.* FROM (");
        self.rows.walk_ast(out.reborrow())?;
        out.push_sql(" LIMIT 201) AS p ORDER BY p.");
        out.push_identifier(at)?;
        out.push_sql(" DESC, p.");
        out.push_identifier(id)?;
        out.push_sql(" DESC LIMIT ");
        out.push_bind_param::<sql_types::BigInt, _>(&self.take)
    }

    /// No value is in the text, which stays prepared, though Diesel takes a literal in it for one of many.
    fn is_safe_to_cache_prepared(&self, _: &Pg) -> QueryResult<bool> {
        Ok(true)
    }
}

impl<Q: Query> Query for OfPage<Q> {
    type SqlType = Q::SqlType;
}

impl<Q> RunQueryDsl<PgConnection> for OfPage<Q> {}

/// How many rows a query has, no further than its own limit.
#[derive(Debug, Clone, Copy, QueryId)]
pub(crate) struct Counted<Q>(pub(crate) Q);

impl<Q: QueryFragment<Pg>> QueryFragment<Pg> for Counted<Q> {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        out.push_sql("SELECT count(*) FROM (");
        self.0.walk_ast(out.reborrow())?;
        out.push_sql(") AS counted");
        Ok(())
    }

    /// As those of [`OfPage`].
    fn is_safe_to_cache_prepared(&self, _: &Pg) -> QueryResult<bool> {
        Ok(true)
    }
}

impl<Q: Query> Query for Counted<Q> {
    type SqlType = sql_types::BigInt;
}

impl<Q> RunQueryDsl<PgConnection> for Counted<Q> {}
