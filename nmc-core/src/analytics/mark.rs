//! Marks: quarters of an hour whose figures are to be computed again. Triggers write them; a round of the job reads some, computes, and
//! deletes those.

use crate::Result;
use crate::TenantId;
use crate::queue::after;
use crate::schema::analytics_marks as marks;
use crate::store::{Scope, SystemTx, Tenant, TenantTx};
use crate::types::Span;
use chrono::{DateTime, Utc};
use diesel::pg::Pg;
use diesel::prelude::*;
use diesel::sql_query;
use diesel::sql_types::{Array, BigInt, Timestamptz, Uuid as SqlUuid};
use std::collections::BTreeSet;
use uuid::Uuid;

/// The length of what a mark stands for.
pub(crate) const QUARTER: chrono::TimeDelta = chrono::TimeDelta::minutes(15);

/// One mark.
#[derive(Debug, Clone, Copy, PartialEq, Eq, HasQuery)]
#[diesel(table_name = marks, check_for_backend(Pg))]
pub(crate) struct Mark {
    pub(crate) id: Uuid,
    pub(crate) marked_at: DateTime<Utc>,
    pub(crate) subject_id: Option<Uuid>,
}

#[derive(QueryableByName)]
struct Marked {
    #[diesel(sql_type = SqlUuid)]
    tenant_id: TenantId,
}

impl SystemTx<'_> {
    /// The tenants of which something is to be computed, by their ids; `limit` at the most. Those that were computed after `since` are left
    /// in peace, unless they are computed anew altogether.
    pub(crate) fn tenants_to_roll_up(&mut self, last: Option<TenantId>, limit: u16, since: DateTime<Utc>) -> Result<Vec<Tenant>> {
        // One step into the index per tenant, however many marks it has.
        let marked: Vec<Marked> = sql_query(
            "WITH RECURSIVE marked AS (
                 (SELECT tenant_id FROM analytics_marks WHERE tenant_id > $1 ORDER BY tenant_id LIMIT 1)
                 UNION ALL
                 SELECT (SELECT m.tenant_id FROM analytics_marks AS m WHERE m.tenant_id > marked.tenant_id ORDER BY m.tenant_id LIMIT 1)
                 FROM marked WHERE marked.tenant_id IS NOT NULL
             )
             SELECT due.tenant_id FROM (
                 SELECT marked.tenant_id FROM marked
                 WHERE marked.tenant_id IS NOT NULL AND NOT EXISTS (
                     SELECT FROM analytics_roll_ups AS r WHERE r.tenant_id = marked.tenant_id AND r.rolled_up_at > $3 AND r.rebuild_before IS NULL)
                 UNION
                 SELECT r.tenant_id FROM analytics_roll_ups AS r WHERE r.rebuild_before IS NOT NULL AND r.tenant_id > $1
             ) AS due
             ORDER BY due.tenant_id LIMIT $2",
        )
        .bind::<SqlUuid, _>(after(last))
        .bind::<BigInt, _>(i64::from(limit))
        .bind::<Timestamptz, _>(since)
        .load(self.conn)?;
        Ok(marked.into_iter().map(|row| Tenant::proven(row.tenant_id)).collect())
    }
}

/// A tenant's marks.
pub(crate) struct Marks<'a>(Scope<'a>);

impl TenantTx<'_> {
    /// The tenant's marks.
    pub(crate) const fn analytics_marks(&mut self) -> Marks<'_> {
        Marks(self.0.reborrow())
    }
}

impl Marks<'_> {
    /// Some marks. What they stand for is read after them, so that nothing is committed in between unseen.
    pub(crate) fn some(&mut self, limit: u16) -> Result<Vec<Mark>> {
        Ok(Mark::query().filter(marks::tenant_id.eq(self.0.tenant)).order(marks::id).limit(limit.into()).load(self.0.conn)?)
    }

    /// The instant of the mark that has waited longest, the latest of those that came together. It reads all marks.
    pub(crate) fn longest_waiting(&mut self) -> Result<Option<DateTime<Utc>>> {
        Ok(marks::table
            .filter(marks::tenant_id.eq(self.0.tenant))
            .order((marks::created_at, marks::marked_at.desc()))
            .select(marks::marked_at)
            .first(self.0.conn)
            .optional()?)
    }

    /// The latest instant that is marked whose quarter of an hour ends in a span. It reads all marks.
    pub(crate) fn latest_in(&mut self, span: Span) -> Result<Option<DateTime<Utc>>> {
        Ok(marks::table
            .filter(marks::tenant_id.eq(self.0.tenant))
            .filter(marks::marked_at.gt(span.from - QUARTER))
            .filter(marks::marked_at.le(span.until - QUARTER))
            .select(diesel::dsl::max(marks::marked_at))
            .first(self.0.conn)?)
    }

    /// Takes out the marks whose quarters of an hour end in a span: all of it is computed after this in the same transaction, and what lies
    /// just before it. Those that name a conversation, whose calls may lie elsewhere, are returned, `limit` at the most; others of them stay.
    pub(crate) fn take(&mut self, span: Span, limit: u16) -> Result<Vec<Mark>> {
        let of_span = marks::table
            .filter(marks::tenant_id.eq(self.0.tenant))
            .filter(marks::marked_at.gt(span.from - QUARTER))
            .filter(marks::marked_at.le(span.until - QUARTER));
        diesel::delete(of_span.filter(marks::subject_id.is_null())).execute(self.0.conn)?;
        let named = of_span.filter(marks::subject_id.is_not_null()).order((marks::created_at, marks::id)).limit(limit.into());
        let named: Vec<Mark> = named.select(Mark::as_select()).load(self.0.conn)?;
        self.delete(&named)?;
        Ok(named)
    }

    /// Marks the quarters of an hour of these instants.
    pub(crate) fn create(&mut self, instants: &[DateTime<Utc>]) -> Result<()> {
        let quarter = QUARTER.num_seconds();
        let begin = |at: &DateTime<Utc>| at.timestamp().saturating_sub(at.timestamp().rem_euclid(quarter));
        let quarters: BTreeSet<i64> = instants.iter().map(begin).collect();
        let quarters: Vec<DateTime<Utc>> = quarters.into_iter().filter_map(|at| DateTime::from_timestamp(at, 0)).collect();
        let ids: Vec<Uuid> = quarters.iter().map(|_| self.0.moment.id()).collect();
        sql_query(
            "INSERT INTO analytics_marks (tenant_id, created_at, id, marked_at) SELECT $1, $2, new.* FROM unnest($3, $4) AS new
             ON CONFLICT DO NOTHING",
        )
        .bind::<SqlUuid, _>(self.0.tenant)
        .bind::<Timestamptz, _>(self.0.now())
        .bind::<Array<SqlUuid>, _>(ids)
        .bind::<Array<Timestamptz>, _>(quarters)
        .execute(self.0.conn)?;
        Ok(())
    }

    /// Removes marks of which all is computed.
    pub(crate) fn delete(&mut self, done: &[Mark]) -> Result<()> {
        let ids: Vec<Uuid> = done.iter().map(|mark| mark.id).collect();
        diesel::delete(marks::table)
            .filter(marks::tenant_id.eq(self.0.tenant))
            .filter(marks::id.eq_any(ids))
            .execute(self.0.conn)?;
        Ok(())
    }
}
