//! Finished reports, kept until they expire.

use crate::error::{found, touched_one};
use crate::page::{Cursor, Page, PageRequest, keyset};
use crate::schema::analytics_reports as reports;
use crate::store::{Scope, TenantTx};
use crate::types::bounds::instant;
use crate::types::{json, required};
use crate::{ReportFormat, ReportId, Result, TenantId};
use chrono::{DateTime, Utc};
use diesel::pg::Pg;
use diesel::prelude::*;
use serde_json::Value;

/// One report.
#[derive(Debug, Clone, PartialEq, HasQuery)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[cfg_attr(not(feature = "testing"), non_exhaustive)]
#[diesel(table_name = reports, check_for_backend(Pg))]
#[expect(missing_docs, reason = "the columns are documented in the schema")]
pub struct Report {
    pub id: ReportId,
    pub tenant_id: TenantId,
    pub report_type: String,
    pub period_start: DateTime<Utc>,
    pub period_end: DateTime<Utc>,
    pub sections: Value,
    pub format: ReportFormat,
    pub generated_at: DateTime<Utc>,
    pub expires_at: Option<DateTime<Utc>>,
    pub created_at: DateTime<Utc>,
}

/// One report without what it says, as lists have it.
#[derive(Debug, Clone, PartialEq, Eq, HasQuery)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[cfg_attr(not(feature = "testing"), non_exhaustive)]
#[diesel(table_name = reports, check_for_backend(Pg))]
#[expect(missing_docs, reason = "the columns are documented in the schema")]
pub struct ReportHead {
    pub id: ReportId,
    pub tenant_id: TenantId,
    pub report_type: String,
    pub period_start: DateTime<Utc>,
    pub period_end: DateTime<Utc>,
    pub format: ReportFormat,
    pub generated_at: DateTime<Utc>,
    pub expires_at: Option<DateTime<Utc>>,
    pub created_at: DateTime<Utc>,
}

impl From<Report> for ReportHead {
    fn from(report: Report) -> Self {
        let Report { id, tenant_id, report_type, period_start, period_end, format, generated_at, expires_at, created_at, .. } =
            report;
        Self { id, tenant_id, report_type, period_start, period_end, format, generated_at, expires_at, created_at }
    }
}

/// A report that was just generated.
#[derive(Debug, Clone, Insertable)]
#[diesel(table_name = reports, check_for_backend(Pg))]
pub struct NewReport {
    /// The type of the report, an open list; up to 100 characters.
    pub report_type: String,
    /// Start of the period reported on.
    pub period_start: DateTime<Utc>,
    /// The end of the period, not before its start.
    pub period_end: DateTime<Utc>,
    /// The content, section by section; up to 256 KiB of JSON.
    pub sections: Value,
    /// The format in which the report was asked for.
    pub format: ReportFormat,
    /// The instant from which on the report is not handed out; `None`: kept.
    pub expires_at: Option<DateTime<Utc>>,
}

/// A filter of reports. Empty means all, expired ones included.
#[derive(Debug, Clone, Default)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct ReportFilter {
    /// The type of the reports.
    pub report_type: Option<String>,
    /// The format of the reports.
    pub format: Option<ReportFormat>,
    /// An instant, and whether the reports have expired at it (true) or not (false).
    pub expired_at: Option<(DateTime<Utc>, bool)>,
    /// The instant at or after which the reports were generated.
    pub from: Option<DateTime<Utc>>,
    /// The instant before which the reports were generated.
    pub until: Option<DateTime<Utc>>,
}

/// A tenant's reports.
pub struct Reports<'a>(Scope<'a>);

impl TenantTx<'_> {
    /// The tenant's reports.
    pub const fn reports(&mut self) -> Reports<'_> {
        Reports(self.0.reborrow())
    }
}

fn filtered<'q, ST>(mut query: reports::BoxedQuery<'q, Pg, ST>, filter: &'q ReportFilter) -> reports::BoxedQuery<'q, Pg, ST> {
    if let Some(kind) = &filter.report_type {
        query = query.filter(reports::report_type.eq(kind));
    }
    if let Some(format) = filter.format {
        query = query.filter(reports::format.eq(format));
    }
    match filter.expired_at {
        Some((at, true)) => query = query.filter(reports::expires_at.le(at)),
        Some((at, false)) => query = query.filter(reports::expires_at.is_null().or(reports::expires_at.gt(at))),
        None => {}
    }
    if let Some(from) = filter.from {
        query = query.filter(reports::generated_at.ge(from));
    }
    if let Some(until) = filter.until {
        query = query.filter(reports::generated_at.lt(until));
    }
    query
}

impl Reports<'_> {
    /// The report, if it is there.
    ///
    /// # Errors
    /// [`crate::Error::Unavailable`] or [`crate::Error::Internal`].
    pub fn find(&mut self, id: ReportId) -> Result<Option<Report>> {
        Ok(Report::query()
            .filter(reports::tenant_id.eq(self.0.tenant))
            .filter(reports::id.eq(id))
            .first(self.0.conn)
            .optional()?)
    }

    /// The report with this id.
    ///
    /// # Errors
    /// [`crate::Error::NotFound`].
    pub fn get(&mut self, id: ReportId) -> Result<Report> {
        found(self.find(id)?, "report")
    }

    /// The last report of a type on exactly this period that has not expired, if there is one: what spares generating it again.
    ///
    /// # Errors
    /// As [`Self::find`].
    pub fn latest(
        &mut self,
        kind: &str,
        from: DateTime<Utc>,
        until: DateTime<Utc>,
        format: ReportFormat,
    ) -> Result<Option<Report>> {
        Ok(Report::query()
            .filter(reports::tenant_id.eq(self.0.tenant))
            .filter(reports::report_type.eq(kind))
            .filter(reports::period_start.eq(from))
            .filter(reports::period_end.eq(until))
            .filter(reports::format.eq(format))
            .filter(reports::expires_at.is_null().or(reports::expires_at.gt(self.0.now())))
            .order(reports::generated_at.desc())
            .first(self.0.conn)
            .optional()?)
    }

    /// A page of reports without what they say, the last generated first.
    ///
    /// # Errors
    /// As [`Self::find`].
    pub fn list(&mut self, filter: &ReportFilter, page: PageRequest) -> Result<Page<ReportHead>> {
        let query = filtered(ReportHead::query().filter(reports::tenant_id.eq(self.0.tenant)).into_boxed(), filter);
        let rows = keyset(query, page, reports::generated_at, reports::id).load(self.0.conn)?;
        Ok(Page::from_rows(rows, page, |row: &ReportHead| Cursor { at: row.generated_at, id: row.id.uuid() }))
    }

    /// The number of reports that a filter finds.
    ///
    /// # Errors
    /// As [`Self::find`].
    pub fn count(&mut self, filter: &ReportFilter) -> Result<i64> {
        let query = reports::table.filter(reports::tenant_id.eq(self.0.tenant)).count();
        Ok(filtered(query.into_boxed(), filter).get_result(self.0.conn)?)
    }

    /// Keeps a report, generated now.
    ///
    /// # Errors
    /// [`crate::Error::Invalid`] on a broken rule.
    pub fn create(&mut self, new: &NewReport) -> Result<Report> {
        json::document("sections", &new.sections, 256 * 1024)?;
        let new = NewReport {
            report_type: required("report_type", &new.report_type, 100)?,
            period_start: instant("period_start", new.period_start)?,
            period_end: instant("period_end", new.period_end)?,
            expires_at: new.expires_at.map(|at| instant("expires_at", at)).transpose()?,
            ..new.clone()
        };
        Ok(diesel::insert_into(reports::table)
            .values((
                new,
                reports::id.eq(ReportId::new(self.0.moment.id())),
                reports::tenant_id.eq(self.0.tenant),
                reports::generated_at.eq(self.0.now()),
                reports::created_at.eq(self.0.now()),
            ))
            .returning(Report::as_returning())
            .get_result(self.0.conn)?)
    }

    /// Removes a report.
    ///
    /// # Errors
    /// [`crate::Error::NotFound`].
    pub fn delete(&mut self, id: ReportId) -> Result<()> {
        let rows = diesel::delete(reports::table)
            .filter(reports::tenant_id.eq(self.0.tenant))
            .filter(reports::id.eq(id))
            .execute(self.0.conn)?;
        touched_one(rows, "report")
    }

    /// Takes out expired reports, `limit` at the most. Returns how many went;
    /// 0 means that there is none to take now.
    ///
    /// # Errors
    /// As [`Self::find`].
    pub fn delete_expired(&mut self, limit: u16) -> Result<usize> {
        let old: Vec<ReportId> = reports::table
            .filter(reports::tenant_id.eq(self.0.tenant))
            .filter(reports::expires_at.le(self.0.now()))
            .limit(limit.into())
            .for_update()
            .skip_locked()
            .select(reports::id)
            .load(self.0.conn)?;
        Ok(diesel::delete(reports::table)
            .filter(reports::tenant_id.eq(self.0.tenant))
            .filter(reports::id.eq_any(old))
            .execute(self.0.conn)?)
    }
}
