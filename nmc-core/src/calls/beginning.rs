//! Calls by the instant at which they began. Most are recorded while they ring, and are found by when that was: they need no index of
//! their own, which each call would write. The others are late, as those of an imported log are, and have one.

use super::call::{Call, CallFilter, Calls, filtered};
use crate::Result;
use crate::page::{Counted, Cursor, Page, PageRequest, keyset};
use crate::schema::calls;
use crate::store::Prepared;
use chrono::{DateTime, TimeDelta, Utc};
use diesel::dsl::sql;
use diesel::pg::Pg;
use diesel::prelude::*;
use diesel::sql_types::{Bool, Timestamptz};

/// The predicate of calls_started_at_idx, to the letter, and its contrary. Without IS NOT TRUE the planner takes those for few, and would sort
/// them all for a page.
const LATE_SQL: &str = "created_at - started_at NOT BETWEEN interval '-2 hours' AND interval '2 hours'";
const LIVE_SQL: &str = "(created_at - started_at NOT BETWEEN interval '-2 hours' AND interval '2 hours') IS NOT TRUE";

/// How far the beginning and the record of a call may be apart until it is late.
const APART: TimeDelta = TimeDelta::hours(2);

impl CallFilter {
    /// Whether it is by the beginning of the calls, whose order is another then.
    pub(super) fn is_by_beginning(&self) -> bool {
        self.started_from.or(self.started_until).is_some()
    }
}

/// The calls that were recorded while they went on.
fn live<'q, ST>(query: calls::BoxedQuery<'q, Pg, ST>, filter: &'q CallFilter) -> calls::BoxedQuery<'q, Pg, ST> {
    let mut query = filtered(query, filter).filter(sql::<Bool>(LIVE_SQL));
    if let Some(from) = filter.started_from.and_then(|from| from.checked_sub_signed(APART)) {
        query = query.filter(calls::created_at.ge(from));
    }
    if let Some(until) = filter.started_until.and_then(|until| until.checked_add_signed(APART)) {
        query = query.filter(calls::created_at.lt(until));
    }
    query
}

/// The calls that were recorded at another time.
fn late<'q, ST>(query: calls::BoxedQuery<'q, Pg, ST>, filter: &'q CallFilter) -> calls::BoxedQuery<'q, Pg, ST> {
    filtered(query, filter).filter(sql::<Bool>(LATE_SQL))
}

/// The instant by which a call is listed.
fn listed_at(row: &Call) -> DateTime<Utc> {
    row.started_at.filter(|began| (row.created_at - *began).abs() > APART).unwrap_or(row.created_at)
}

impl Calls<'_> {
    /// The calls that began last, up to `most`, of the few that a filter finds: it sorts them all. One whose beginning is unknown began
    /// when it was recorded.
    pub(crate) fn last_begun(&mut self, filter: &CallFilter, most: u16) -> Result<Vec<Call>> {
        let began = sql::<Timestamptz>("coalesce(started_at, created_at)");
        let query = filtered(Call::query().filter(calls::tenant_id.eq(self.0.tenant)).into_boxed(), filter);
        Ok(query.order((began.desc(), calls::id.desc())).limit(most.into()).load(self.0.conn)?)
    }

    /// The number of calls in no conversation that a filter finds, counted up to `most`.
    pub(crate) fn count_without_conversation(&mut self, most: u16, filter: &CallFilter) -> Result<i64> {
        let query = calls::table.filter(calls::tenant_id.eq(self.0.tenant)).filter(calls::conversation_id.is_null());
        Ok(Counted(filtered(query.select(calls::id).into_boxed(), filter).limit(most.into())).get_result(self.0.conn)?)
    }

    /// A page of calls, those that began last first; of those that were recorded while they went on, those that were recorded last.
    pub(super) fn list_by_beginning(&mut self, filter: &CallFilter, page: PageRequest) -> Result<Page<Call>> {
        let tenant = self.0.tenant;
        let all = || Call::query().filter(calls::tenant_id.eq(tenant)).into_boxed();
        let mut rows: Vec<Call> = keyset(live(all(), filter), page, calls::created_at, calls::id).load(self.0.conn)?;
        let newest = (calls::started_at.desc(), calls::id.desc());
        let mut query = late(all(), filter).order(newest).limit(page.fetch());
        if let Some(cursor) = page.cursor() {
            query =
                query.filter(calls::started_at.le(cursor.at)).filter(calls::started_at.lt(cursor.at).or(calls::id.lt(cursor.id)));
        }
        rows.extend(Prepared(query).load::<Call>(self.0.conn)?);
        rows.sort_by_key(|row| std::cmp::Reverse((listed_at(row), row.id.uuid())));
        Ok(Page::from_rows(rows, page, |row| Cursor { at: listed_at(row), id: row.id.uuid() }))
    }

    /// The number of calls that a filter by their beginning finds, counted up to `most`.
    pub(super) fn count_by_beginning(&mut self, most: u16, filter: &CallFilter) -> Result<i64> {
        let tenant = self.0.tenant;
        let all = || calls::table.filter(calls::tenant_id.eq(tenant)).select(calls::id).into_boxed();
        let newest = (calls::created_at.desc(), calls::id.desc());
        let live: i64 = Counted(live(all(), filter).order(newest).limit(most.into())).get_result(self.0.conn)?;
        let newest = (calls::started_at.desc(), calls::id.desc());
        let late: i64 = Counted(late(all(), filter).order(newest).limit(most.into())).get_result(self.0.conn)?;
        Ok(live.saturating_add(late).min(most.into()))
    }
}
