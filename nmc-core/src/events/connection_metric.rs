//! Figures of streams (table `connection_metrics`). Append-only.

use crate::page::{Cursor, Page, PageRequest, keyset};
use crate::queue::after;
use crate::schema::connection_metrics as metrics;
use crate::store::{Scope, SystemTx, Tenant, TenantTx};
use crate::{ConnectionMetricId, ConnectionMetricName, Result, TenantId};
use chrono::{DateTime, Utc};
use diesel::pg::Pg;
use diesel::prelude::*;

/// One figure.
#[derive(Debug, Clone, PartialEq, Eq, HasQuery)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[cfg_attr(not(feature = "testing"), non_exhaustive)]
#[diesel(table_name = metrics, check_for_backend(Pg))]
#[expect(missing_docs, reason = "the columns are documented in the schema")]
pub struct ConnectionMetric {
    pub id: ConnectionMetricId,
    pub tenant_id: TenantId,
    pub metric_name: ConnectionMetricName,
    pub metric_value: i32,
    pub measurement_time: DateTime<Utc>,
}

/// A figure to append, measured at the instant of the transaction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NewConnectionMetric {
    /// What was measured.
    pub metric_name: ConnectionMetricName,
    /// Streams, seconds or events, 0 or more.
    pub metric_value: i32,
}

/// Which figures. Empty means all.
#[derive(Debug, Clone, Default)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct ConnectionMetricFilter {
    /// Of this kind.
    pub metric_name: Option<ConnectionMetricName>,
    /// Measured at or after.
    pub from: Option<DateTime<Utc>>,
    /// Measured before.
    pub until: Option<DateTime<Utc>>,
}

/// The figures of a tenant's streams.
pub struct ConnectionMetrics<'a>(pub(super) Scope<'a>);

impl TenantTx<'_> {
    /// The figures of the tenant's streams, of which there are none unless they are [kept](super::ConnectionLog).
    pub const fn connection_metrics(&mut self) -> ConnectionMetrics<'_> {
        ConnectionMetrics(self.0.reborrow())
    }
}

impl ConnectionMetrics<'_> {
    /// Appends figures, in one statement.
    ///
    /// # Errors
    /// [`crate::Error::Invalid`] when one is below 0.
    pub fn append(&mut self, new: &[NewConnectionMetric]) -> Result<()> {
        let row = |new: &NewConnectionMetric| {
            (
                metrics::id.eq(ConnectionMetricId::new(self.0.moment.id())),
                metrics::tenant_id.eq(self.0.tenant),
                metrics::metric_name.eq(new.metric_name),
                metrics::metric_value.eq(new.metric_value),
                metrics::measurement_time.eq(self.0.now()),
            )
        };
        let rows: Vec<_> = new.iter().map(row).collect();
        diesel::insert_into(metrics::table).values(rows).execute(self.0.conn)?;
        Ok(())
    }

    /// A page of figures, newest first.
    ///
    /// # Errors
    /// [`crate::Error::Unavailable`] or [`crate::Error::Internal`].
    pub fn list(&mut self, filter: &ConnectionMetricFilter, page: PageRequest) -> Result<Page<ConnectionMetric>> {
        let mut query = ConnectionMetric::query().filter(metrics::tenant_id.eq(self.0.tenant)).into_boxed();
        if let Some(name) = filter.metric_name {
            query = query.filter(metrics::metric_name.eq(name));
        }
        if let Some(from) = filter.from {
            query = query.filter(metrics::measurement_time.ge(from));
        }
        if let Some(until) = filter.until {
            query = query.filter(metrics::measurement_time.lt(until));
        }
        let rows = keyset(query, page, metrics::measurement_time, metrics::id).load(self.0.conn)?;
        Ok(Page::from_rows(rows, page, |row: &ConnectionMetric| Cursor { at: row.measurement_time, id: row.id.uuid() }))
    }

    /// Deletes the oldest that are older than this, up to so many.
    pub(super) fn delete_before(&mut self, before: DateTime<Utc>, at_most: usize) -> Result<usize> {
        let of_tenant = metrics::table.filter(metrics::tenant_id.eq(self.0.tenant));
        let old = of_tenant
            .filter(metrics::measurement_time.lt(before))
            .order((metrics::measurement_time, metrics::id))
            .limit(i64::try_from(at_most).map_err(crate::Error::internal)?)
            .select(metrics::id);
        let old: Vec<ConnectionMetricId> = old.load(self.0.conn)?;
        Ok(diesel::delete(of_tenant.filter(metrics::id.eq_any(old))).execute(self.0.conn)?)
    }
}

impl SystemTx<'_> {
    /// The tenants that have any, whose ids come after the one given.
    pub(super) fn tenants_with_connection_metrics(&mut self, last: Option<TenantId>, limit: u16) -> Result<Vec<Tenant>> {
        let (mut last, mut found) = (after(last), Vec::new());
        // Each by one entry of the key: of one tenant there may be very many.
        while found.len() < usize::from(limit) {
            let next = metrics::table.filter(metrics::tenant_id.gt(last)).order(metrics::tenant_id).select(metrics::tenant_id);
            let Some(next) = next.first::<TenantId>(self.conn).optional()? else { break };
            found.push(Tenant::proven(next));
            last = next;
        }
        Ok(found)
    }
}
