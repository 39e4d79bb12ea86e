//! Mails that bring reports as a queue: claimed in two steps, as [the outbox](crate::conversations::Messages::claim) is.

use super::report_mail::{ReportMail, ReportMails};
use super::report_reader::{ReportReader, Unreached};
use crate::queue::{Lease, after};
use crate::schema::{report_mails as mails, report_schedules as schedules, tenants};
use crate::store::{SystemTx, Tenant};
use crate::types::clip;
use crate::{LeaseId, ReportInterval, ReportMailId, ReportMailStatus, Result, TenantId, UserId};
use chrono::{DateTime, TimeDelta, Utc};
use diesel::dsl::sql;
use diesel::prelude::*;
use diesel::sql_types::Bool;

/// The predicate of the queue's index, to the letter, save that the table is named.
const WAITING_SQL: &str = "report_mails.status = 'waiting'";

/// How much of an error is kept, in characters.
const KEPT: usize = 2_000;

/// One mail that a worker holds under a lease.
#[derive(Debug, Clone)]
pub(crate) struct ClaimedReportMail {
    /// The mail, this attempt counted.
    pub(crate) mail: ReportMail,
    /// The id of this claim; a later one of the same mail has another.
    pub(crate) lease: LeaseId,
}

impl SystemTx<'_> {
    /// The tenants with mails due that were queued before an instant. A suspended one's wait.
    pub(crate) fn tenants_with_due_report_mails(
        &mut self,
        queued_before: DateTime<Utc>,
        last: Option<TenantId>,
        limit: u16,
    ) -> Result<Vec<Tenant>> {
        let ids: Vec<TenantId> = mails::table
            .inner_join(tenants::table.on(tenants::id.eq(mails::tenant_id)))
            .filter(tenants::is_active)
            .filter(sql::<Bool>(WAITING_SQL))
            .filter(mails::next_attempt_at.le(self.now()))
            .filter(mails::created_at.le(queued_before))
            .filter(mails::tenant_id.gt(after(last)))
            .group_by(mails::tenant_id)
            .order(mails::tenant_id)
            .limit(limit.into())
            .select(mails::tenant_id)
            .load(self.conn)?;
        Ok(ids.into_iter().map(Tenant::proven).collect())
    }
}

impl ReportMails<'_> {
    /// Claims the due mail that has waited longest of those that were queued before an instant, for `lease_for`. Until then no other
    /// worker sees it.
    pub(crate) fn claim(&mut self, queued_before: DateTime<Utc>, lease_for: TimeDelta) -> Result<Option<ClaimedReportMail>> {
        let lease = Lease::begin(&mut self.0, lease_for)?;
        let due: Option<ReportMailId> = mails::table
            .filter(mails::tenant_id.eq(self.0.tenant))
            .filter(sql::<Bool>(WAITING_SQL))
            .filter(mails::next_attempt_at.le(self.0.now()))
            .filter(mails::created_at.le(queued_before))
            .order((mails::next_attempt_at, mails::id))
            .for_update()
            .skip_locked()
            .select(mails::id)
            .first(self.0.conn)
            .optional()?;
        let Some(due) = due else { return Ok(None) };
        let mail: ReportMail = diesel::update(mails::table)
            .filter(mails::tenant_id.eq(self.0.tenant))
            .filter(mails::id.eq(due))
            .set((
                mails::lease_owner.eq(lease.id),
                mails::lease_expires_at.eq(lease.until),
                // Not due again before the lease ends: one comparison finds what is due.
                mails::next_attempt_at.eq(lease.until),
                mails::attempts.eq(mails::attempts + 1),
                mails::updated_at.eq(self.0.now()),
            ))
            .returning(ReportMail::as_returning())
            .get_result(self.0.conn)?;
        Ok(Some(ClaimedReportMail { mail, lease: lease.id }))
    }

    /// Whom a claimed mail goes to; or why it is not sent, as things are now.
    pub(crate) fn reader(
        &mut self,
        mail: &ReportMail,
        kind: Option<ReportInterval>,
    ) -> Result<std::result::Result<ReportReader, &'static str>> {
        let reader = self.readers([mail.user_id])?.pop().ok_or(crate::Error::NotFound { entity: "user" })?;
        let named: Option<Vec<UserId>> = schedules::table
            .filter(schedules::tenant_id.eq(self.0.tenant))
            .filter(schedules::kind.nullable().eq(kind))
            .select(schedules::user_ids)
            .first(self.0.conn)
            .optional()?;
        let is_named = named.is_some_and(|named| named.contains(&mail.user_id));
        if reader.email != mail.recipient {
            return Ok(Err("the recipient has another address by now"));
        }
        Ok(match reader.unreached(is_named) {
            None => Ok(reader),
            Some(Unreached::Deactivated) => Err("the recipient was deactivated before it was sent"),
            Some(Unreached::NotAccepted | Unreached::Unverified) => Err("the recipient's address is not verified"),
            Some(Unreached::NotWanted) => Err("the recipient no longer wanted mails before it was sent"),
            Some(Unreached::Role) => Err("the recipient was not to get reports any more before it was sent"),
        })
    }

    /// Ends a claim: the mail server has it. False when another worker has the mail by now.
    pub(crate) fn mark_sent(&mut self, claimed: &ClaimedReportMail) -> Result<bool> {
        self.end(claimed, ReportMailStatus::Sent, None, None)
    }

    /// Ends a claim for good: the mail is not sent.
    pub(crate) fn give_up(&mut self, claimed: &ClaimedReportMail, why: &str) -> Result<bool> {
        self.end(claimed, ReportMailStatus::Failed, Some(why), None)
    }

    /// Ends a claim: the mail is due again at `at`.
    pub(crate) fn put_back(&mut self, claimed: &ClaimedReportMail, at: DateTime<Utc>, why: &str) -> Result<bool> {
        self.end(claimed, ReportMailStatus::Waiting, Some(why), Some(at))
    }

    /// Gives claimed mails back untried, when a worker is asked to stop.
    pub(crate) fn unclaim(&mut self, claims: &[ClaimedReportMail]) -> Result<()> {
        for claimed in claims {
            let uncounted = mails::attempts.eq(claimed.mail.attempts.saturating_sub(1));
            diesel::update(held(self.0.tenant, claimed))
                .set((uncounted, ended(Some(self.0.now())), mails::updated_at.eq(self.0.now())))
                .execute(self.0.conn)?;
        }
        Ok(())
    }

    fn end(
        &mut self,
        claimed: &ClaimedReportMail,
        status: ReportMailStatus,
        why: Option<&str>,
        due: Option<DateTime<Utc>>,
    ) -> Result<bool> {
        let now = self.0.now();
        let rows = diesel::update(held(self.0.tenant, claimed))
            .set((
                mails::status.eq(status),
                mails::error_message.eq(clip(why, KEPT)),
                mails::sent_at.eq((status == ReportMailStatus::Sent).then_some(now)),
                ended(due),
                mails::updated_at.eq(now),
            ))
            .execute(self.0.conn)?;
        Ok(rows == 1)
    }
}

/// The row, if the claim still holds.
#[diesel::dsl::auto_type(no_type_alias)]
fn held(tenant: TenantId, claimed: &ClaimedReportMail) -> _ {
    let lease: LeaseId = claimed.lease;
    let id: ReportMailId = claimed.mail.id;
    let waiting: ReportMailStatus = ReportMailStatus::Waiting;
    mails::table
        .filter(mails::tenant_id.eq(tenant))
        .filter(mails::id.eq(id))
        .filter(mails::lease_owner.eq(lease))
        .filter(mails::status.eq(waiting))
}

type Ended = (
    diesel::dsl::Eq<mails::lease_owner, Option<LeaseId>>,
    diesel::dsl::Eq<mails::lease_expires_at, Option<DateTime<Utc>>>,
    diesel::dsl::Eq<mails::next_attempt_at, Option<DateTime<Utc>>>,
);

/// The end of a lease, and when the mail is due again.
fn ended(due: Option<DateTime<Utc>>) -> Ended {
    (mails::lease_owner.eq(None), mails::lease_expires_at.eq(None), mails::next_attempt_at.eq(due))
}
