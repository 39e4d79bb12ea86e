//! How far the provider's lists have been read for each tenant.

use crate::schema::{catch_up_marks as marks, phone_numbers};
use crate::store::{Scope, SystemTx, TenantTx};
use crate::{CatchUpMarkId, NumberStatus, Result, TenantId};
use chrono::{DateTime, TimeDelta, Utc};
use diesel::dsl::{min, sql};
use diesel::pg::Pg;
use diesel::prelude::*;
use diesel::sql_types::Timestamptz;
use std::collections::HashMap;

/// How far one provider's lists have been read for a tenant: what came before is recorded.
#[derive(Debug, Clone, PartialEq, HasQuery)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[cfg_attr(not(feature = "testing"), non_exhaustive)]
#[diesel(table_name = marks, check_for_backend(Pg))]
#[expect(missing_docs, reason = "the columns are documented in the schema")]
pub struct CatchUpMark {
    pub id: CatchUpMarkId,
    pub tenant_id: TenantId,
    pub provider: String,
    pub messages_until: DateTime<Utc>,
    pub calls_until: DateTime<Utc>,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
}

/// A tenant's marks.
pub struct CatchUpMarks<'a>(Scope<'a>);

impl TenantTx<'_> {
    /// How far the providers' lists have been read for the tenant.
    pub const fn catch_up_marks(&mut self) -> CatchUpMarks<'_> {
        CatchUpMarks(self.0.reborrow())
    }
}

impl CatchUpMarks<'_> {
    /// The mark of a provider, such as `twilio`, once its lists have been read.
    ///
    /// # Errors
    /// [`crate::Error::Unavailable`] or [`crate::Error::Internal`].
    pub fn find(&mut self, provider: &str) -> Result<Option<CatchUpMark>> {
        Ok(CatchUpMark::query()
            .filter(marks::tenant_id.eq(self.0.tenant))
            .filter(marks::provider.eq(provider))
            .first(self.0.conn)
            .optional()?)
    }
}

/// The instants from which on a tenant's texts and calls are to be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Start {
    pub(super) messages: DateTime<Utc>,
    pub(super) calls: DateTime<Utc>,
}

/// The time that is read at first where there is no mark: not more than this, nor from before the tenant's first number.
const FIRST: TimeDelta = TimeDelta::days(1);

/// Marks written in one statement, of 7 values each.
const PER_STATEMENT: usize = 2_000;

impl SystemTx<'_> {
    /// The tenants that hold a number or did since `oldest`, and where each one's reading goes on; never before `oldest`.
    pub(super) fn catch_up_starts(&mut self, provider: &str, oldest: DateTime<Utc>) -> Result<HashMap<TenantId, Start>> {
        let holding: Vec<(TenantId, Option<DateTime<Utc>>)> = phone_numbers::table
            .filter(phone_numbers::provisioned_at.is_not_null())
            .filter(phone_numbers::status.ne(NumberStatus::Released).or(phone_numbers::released_at.gt(oldest)))
            .group_by(phone_numbers::tenant_id)
            .select((phone_numbers::tenant_id, min(phone_numbers::provisioned_at)))
            .load(self.conn)?;
        let known: Vec<(TenantId, DateTime<Utc>, DateTime<Utc>)> = marks::table
            .filter(marks::provider.eq(provider))
            .select((marks::tenant_id, marks::messages_until, marks::calls_until))
            .load(self.conn)?;
        let known: HashMap<TenantId, Start> =
            known.into_iter().map(|(tenant, messages, calls)| (tenant, Start { messages, calls })).collect();
        let first = self.now() - FIRST;
        let start = |(tenant, held_since): (TenantId, Option<DateTime<Utc>>)| {
            let fresh = held_since.map_or(first, |since| since.max(first));
            let Start { messages, calls } = known.get(&tenant).copied().unwrap_or(Start { messages: fresh, calls: fresh });
            (tenant, Start { messages: messages.max(oldest), calls: calls.max(oldest) })
        };
        Ok(holding.into_iter().map(start).collect())
    }

    /// Moves marks on, or makes them. None moves back: whoever else read further has recorded what came before.
    pub(super) fn advance_catch_up_marks(&mut self, provider: &str, to: &[(TenantId, Start)]) -> Result<()> {
        let mut to: Vec<&(TenantId, Start)> = to.iter().collect();
        // In one order, so that two that write the same marks wait for each other instead of for each other's rows.
        to.sort_by_key(|(tenant, _)| *tenant);
        for some in to.chunks(PER_STATEMENT) {
            let rows: Vec<_> = some
                .iter()
                .map(|(tenant, start)| {
                    (
                        marks::id.eq(CatchUpMarkId::new(self.moment.id())),
                        marks::tenant_id.eq(*tenant),
                        marks::provider.eq(provider),
                        marks::messages_until.eq(start.messages),
                        marks::calls_until.eq(start.calls),
                        marks::created_at.eq(self.now()),
                        marks::updated_at.eq(self.now()),
                    )
                })
                .collect();
            diesel::insert_into(marks::table)
                .values(rows)
                .on_conflict((marks::tenant_id, marks::provider))
                .do_update()
                .set((
                    marks::messages_until
                        .eq(sql::<Timestamptz>("GREATEST(catch_up_marks.messages_until, excluded.messages_until)")),
                    marks::calls_until.eq(sql::<Timestamptz>("GREATEST(catch_up_marks.calls_until, excluded.calls_until)")),
                    marks::updated_at.eq(diesel::upsert::excluded(marks::updated_at)),
                ))
                .execute(self.conn)?;
        }
        Ok(())
    }
}
