//! Mails that bring reports to people (table `report_mails`). `report_mail_queue.rs` works them off.

use super::report_schedule::{MOST_READERS, ReportSchedule};
use crate::page::{Cursor, Page, PageRequest, keyset};
use crate::schema::report_mails as mails;
use crate::store::{Scope, TenantTx};
use crate::{Email, LeaseId, ReportId, ReportMailId, ReportMailStatus, Result, TenantId, UserId};
use chrono::{DateTime, Utc};
use diesel::pg::Pg;
use diesel::prelude::*;

/// One mail that brings a report to a user.
#[derive(Debug, Clone, PartialEq, HasQuery)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[cfg_attr(not(feature = "testing"), non_exhaustive)]
#[diesel(table_name = mails, check_for_backend(Pg))]
#[expect(missing_docs, reason = "the columns are documented in the schema")]
pub struct ReportMail {
    pub id: ReportMailId,
    pub tenant_id: TenantId,
    pub report_id: ReportId,
    pub user_id: UserId,
    pub recipient: Email,
    pub status: ReportMailStatus,
    pub error_message: Option<String>,
    pub attempts: i32,
    pub next_attempt_at: Option<DateTime<Utc>>,
    pub lease_owner: Option<LeaseId>,
    pub lease_expires_at: Option<DateTime<Utc>>,
    pub sent_at: Option<DateTime<Utc>>,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
}

/// A filter of mails that bring reports. Empty means all.
#[derive(Debug, Clone, Default)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct ReportMailFilter {
    /// The report that the mails bring.
    pub report: Option<ReportId>,
    /// What became of the mails.
    pub status: Option<ReportMailStatus>,
}

/// A tenant's mails that bring reports.
pub struct ReportMails<'a>(pub(super) Scope<'a>);

impl TenantTx<'_> {
    /// The tenant's mails that bring reports.
    pub const fn report_mails(&mut self) -> ReportMails<'_> {
        ReportMails(self.0.reborrow())
    }
}

impl ReportMails<'_> {
    /// A page of mails, newest first.
    ///
    /// # Errors
    /// [`crate::Error::Unavailable`] or [`crate::Error::Internal`].
    pub fn list(&mut self, filter: &ReportMailFilter, page: PageRequest) -> Result<Page<ReportMail>> {
        let mut query = ReportMail::query().filter(mails::tenant_id.eq(self.0.tenant)).into_boxed();
        if let Some(report) = filter.report {
            query = query.filter(mails::report_id.eq(report));
        }
        if let Some(status) = filter.status {
            query = query.filter(mails::status.eq(status));
        }
        let rows = keyset(query, page, mails::created_at, mails::id).load(self.0.conn)?;
        Ok(Page::from_rows(rows, page, |row: &ReportMail| Cursor { at: row.created_at, id: row.id.uuid() }))
    }

    /// Queues a report for whoever its schedule names, or for owners and administrators, as far as mails reach them. How many they are.
    pub(crate) fn queue(&mut self, report: ReportId, schedule: &ReportSchedule) -> Result<usize> {
        let is_named = !schedule.user_ids.is_empty();
        let readers = self.meant(schedule)?.into_iter().filter(|reader| reader.unreached(is_named).is_none());
        let readers: Vec<_> = readers.take(MOST_READERS).collect();
        let now = self.0.now();
        let moment = &mut self.0.moment;
        let rows: Vec<_> = readers
            .into_iter()
            .map(|reader| {
                (
                    mails::id.eq(ReportMailId::new(moment.id())),
                    mails::tenant_id.eq(self.0.tenant),
                    mails::report_id.eq(report),
                    mails::user_id.eq(reader.id),
                    mails::recipient.eq(reader.email),
                    mails::status.eq(ReportMailStatus::Waiting),
                    mails::next_attempt_at.eq(now),
                    mails::created_at.eq(now),
                    mails::updated_at.eq(now),
                )
            })
            .collect();
        Ok(diesel::insert_into(mails::table).values(rows).execute(self.0.conn)?)
    }
}
