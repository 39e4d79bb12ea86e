//! The figures of calls computed again, one by one and by the thousand, in place of the older ones.

use super::call_analytics::{CallAnalytics, CallAnalyticsRepo, NewCallAnalytics};
use super::newer;
use crate::schema::call_analytics as figures;
use crate::store::{at_most_a_batch, at_row, in_statements, stamped};
use crate::{CallAnalyticsId, Error, Result};
use diesel::dsl::case_when;
use diesel::prelude::*;
use diesel::upsert::excluded;
use serde_json::Value;
use std::collections::HashMap;

/// The most rows of one statement, of 19 values each.
const PER_STATEMENT: usize = 2_500;

fn nothing() -> Value {
    Value::Object(serde_json::Map::new())
}

/// The columns that a computation puts in place of an older one. What people added (rating, conversion, revenue, tags,
/// metadata) stays unless the computation knows better.
macro_rules! recomputed {
    () => {
        (
            figures::conversation_id.eq(excluded(figures::conversation_id)),
            figures::phone_number.eq(excluded(figures::phone_number)),
            figures::call_type.eq(excluded(figures::call_type)),
            figures::call_status.eq(excluded(figures::call_status)),
            figures::call_duration.eq(excluded(figures::call_duration)),
            figures::ai_takeover_count.eq(excluded(figures::ai_takeover_count)),
            figures::customer_satisfaction.eq(newer(excluded(figures::customer_satisfaction), figures::customer_satisfaction)),
            figures::conversion_status.eq(newer(excluded(figures::conversion_status), figures::conversion_status)),
            figures::revenue_impact.eq(newer(excluded(figures::revenue_impact), figures::revenue_impact)),
            figures::cost_per_call.eq(excluded(figures::cost_per_call)),
            figures::tags.eq(newer(excluded(figures::tags), figures::tags)),
            figures::metadata
                .eq(case_when(excluded(figures::metadata).eq(nothing()), figures::metadata)
                    .otherwise(excluded(figures::metadata))),
            figures::call_date.eq(excluded(figures::call_date)),
            figures::processed_at.eq(excluded(figures::processed_at)),
            figures::updated_at.eq(excluded(figures::updated_at)),
        )
    };
}

impl CallAnalyticsRepo<'_> {
    /// Keeps a call's figures, in place of its older ones if there are any. What people added (rating, conversion, revenue,
    /// tags, metadata) stays where the new figures are silent.
    ///
    /// # Errors
    /// [`Error::Invalid`] on a broken rule, and without a call.
    pub fn upsert_by_call(&mut self, new: &NewCallAnalytics) -> Result<CallAnalytics> {
        let new = keyed(new)?;
        let id = CallAnalyticsId::new(self.0.moment.id());
        Ok(diesel::insert_into(figures::table)
            .values((new, figures::processed_at.eq(self.0.now()), stamped!(figures, self.0, id)))
            .on_conflict((figures::tenant_id, figures::call_id))
            .do_update()
            .set(recomputed!())
            .returning(CallAnalytics::as_returning())
            .get_result(self.0.conn)?)
    }

    /// Keeps the figures of many calls (up to [`crate::Store::BATCH`]), as [`Self::upsert_by_call`] does. Of several
    /// of one call the last counts. Returns how many were kept. [`crate::Store::load`] takes any number.
    ///
    /// # Errors
    /// As [`Self::upsert_by_call`], with the row at fault; then none is kept. That a
    /// call or conversation does not exist is known when the transaction commits, and has no row.
    pub fn upsert_many(&mut self, many: &[NewCallAnalytics]) -> Result<u64> {
        at_most_a_batch(many)?;
        let last: HashMap<_, _> = many.iter().enumerate().map(|(row, new)| (new.call_id, row)).collect();
        let mut rows = Vec::with_capacity(many.len());
        for (row, new) in many.iter().enumerate() {
            let checked = keyed(new).map_err(|error| at_row(row, error))?;
            if last.get(&new.call_id) == Some(&row) {
                let id = CallAnalyticsId::new(self.0.moment.id());
                rows.push((checked, figures::processed_at.eq(self.0.now()), stamped!(figures, self.0, id)));
            }
        }
        // In one order, so that two loads of the same calls wait for each other instead of for each other's rows.
        rows.sort_by_key(|(new, ..)| new.call_id);
        let mut kept = 0;
        for rows in in_statements(rows, PER_STATEMENT) {
            kept += diesel::insert_into(figures::table)
                .values(rows)
                .on_conflict((figures::tenant_id, figures::call_id))
                .do_update()
                .set(recomputed!())
                .execute(self.0.conn)?;
        }
        u64::try_from(kept).map_err(Error::internal)
    }
}

/// The figures with their key, which is needed to keep them in place of older ones.
fn keyed(new: &NewCallAnalytics) -> Result<NewCallAnalytics> {
    if new.call_id.is_none() {
        return Err(Error::invalid("call_id", "is required: it tells which figures these replace"));
    }
    new.checked()
}
