//! What the provider is to be asked about numbers, as a queue: claimed in two steps (which tenants have something due, without
//! locks; then a tenant's rows, under `FOR UPDATE`), under a lease that is committed before the provider is asked.

use super::{HeldNumber, PhoneNumbers};
use crate::error::found;
use crate::queue::{Lease, after};
use crate::schema::{phone_numbers as numbers, tenants};
use crate::store::{SystemTx, Tenant};
use crate::telephony::{Capabilities, OwnedNumber, WebhookUrls};
use crate::types::clip;
use crate::{LeaseId, NumberStatus, PhoneNumberId, Result, StreamEventKind, TenantId};
use chrono::{DateTime, TimeDelta, Utc};
use diesel::prelude::*;

/// The question that the provider is to be asked about a number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Work {
    /// The number is to be bought, unless that has been done.
    Buy,
    /// The number is to be given back.
    Release,
    /// The number is to be looked for: is it still there?
    Check,
}

/// One number that somebody asks the provider about, under a lease.
#[derive(Debug, Clone)]
pub(crate) struct ClaimedNumber {
    pub(crate) row: HeldNumber,
    pub(crate) work: Work,
    pub(crate) lease: LeaseId,
    /// Whether the business is active and approved: others can't buy.
    pub(crate) is_served: bool,
}

/// The result of a wish to claim one number.
#[derive(Debug, Clone)]
pub(crate) enum Claim {
    /// The number is ours until the lease ends.
    Ours(Box<ClaimedNumber>),
    /// Somebody else is at the number.
    Busy,
    /// The number is not due before this time.
    NotYet(DateTime<Utc>),
    /// There is nothing to ask.
    Nothing(Box<HeldNumber>),
}

/// The state into which the provider's answer puts a claimed number.
#[derive(Debug)]
pub(crate) enum Settlement<'a> {
    /// The account owns it: it is active from now on.
    Owned(&'a OwnedNumber),
    /// The number was given back, or was never bought.
    Released,
    /// Ask again at this time.
    Later(DateTime<Utc>, &'a str),
    /// The number is in error; a wish to give it back is over with that, and can be made again.
    Failed(&'a str),
    /// The number stays as it is, with this to be said of it.
    Noted(&'a str),
    /// The number is as it should be.
    Fine(Capabilities),
}

/// A row that the provider is not to be asked about.
pub(super) type AtRest = (
    diesel::dsl::Eq<numbers::next_attempt_at, Option<DateTime<Utc>>>,
    diesel::dsl::Eq<numbers::lease_owner, Option<LeaseId>>,
    diesel::dsl::Eq<numbers::lease_expires_at, Option<DateTime<Utc>>>,
);

/// The columns of a number with nothing to ask, and nobody at it.
pub(super) fn at_rest() -> AtRest {
    unleased(None)
}

/// Due at this time, and nobody at it.
pub(super) fn unleased(due: Option<DateTime<Utc>>) -> AtRest {
    (
        numbers::next_attempt_at.eq(due),
        numbers::lease_owner.eq(None::<LeaseId>),
        numbers::lease_expires_at.eq(None::<DateTime<Utc>>),
    )
}

impl SystemTx<'_> {
    /// The tenants with numbers that the provider is to be asked about, whose ids come
    /// after `last`, in the order of their ids; `limit` at the most.
    ///
    /// # Errors
    /// [`crate::Error::Unavailable`] or [`crate::Error::Internal`].
    pub fn tenants_with_due_numbers(&mut self, last: Option<TenantId>, limit: u16) -> Result<Vec<Tenant>> {
        let ids: Vec<TenantId> = numbers::table
            .filter(numbers::next_attempt_at.le(self.now()))
            .filter(numbers::tenant_id.gt(after(last)))
            .group_by(numbers::tenant_id)
            .order(numbers::tenant_id)
            .limit(limit.into())
            .select(numbers::tenant_id)
            .load(self.conn)?;
        Ok(ids.into_iter().map(Tenant::proven).collect())
    }
}

impl PhoneNumbers<'_> {
    /// The numbers that the provider is to be asked about now, the longest waiting first; `limit` at the most.
    pub(crate) fn due(&mut self, limit: u16) -> Result<Vec<PhoneNumberId>> {
        Ok(numbers::table
            .filter(numbers::tenant_id.eq(self.0.tenant))
            .filter(numbers::next_attempt_at.le(self.0.now()))
            .order(numbers::next_attempt_at)
            .limit(limit.into())
            .select(numbers::id)
            .load(self.0.conn)?)
    }

    /// Claims one number for `lease_for`, if it is due and nobody else has it. With `adopting` it need not be due, and may be an
    /// order that has failed: it stays in error unless it turns out to have been carried out after all.
    pub(crate) fn claim(&mut self, id: PhoneNumberId, lease_for: TimeDelta, adopting: bool) -> Result<Claim> {
        let leased = numbers::table
            .filter(numbers::tenant_id.eq(self.0.tenant))
            .filter(numbers::id.eq(id))
            .select((HeldNumber::as_select(), numbers::lease_expires_at))
            .for_update()
            .first(self.0.conn)
            .optional()?;
        let (row, lease_ends): (HeldNumber, Option<DateTime<Utc>>) = found(leased, "phone number")?;
        if lease_ends.is_some_and(|end| end > self.0.now()) {
            return Ok(Claim::Busy);
        }
        let work = match row.status {
            _ if row.is_releasing() => Work::Release,
            NumberStatus::Provisioning => Work::Buy,
            NumberStatus::Error if adopting => Work::Buy,
            NumberStatus::Active | NumberStatus::Inactive if row.next_attempt_at.is_some() => Work::Check,
            _ => return self.rest(row).map(|row| Claim::Nothing(Box::new(row))),
        };
        if let Some(at) = row.next_attempt_at.filter(|at| !adopting && *at > self.0.now()) {
            return Ok(Claim::NotYet(at));
        }
        let is_served: bool = tenants::table
            .filter(tenants::id.eq(self.0.tenant))
            .select(tenants::is_active.and(tenants::approved_at.is_not_null()))
            .first(self.0.conn)?;
        let lease = Lease::begin(&mut self.0, lease_for)?;
        let row = diesel::update(numbers::table)
            .filter(numbers::tenant_id.eq(self.0.tenant))
            .filter(numbers::id.eq(id))
            .set((
                numbers::lease_owner.eq(lease.id),
                numbers::lease_expires_at.eq(lease.until),
                // Not due again before the lease ends: one comparison finds what is due.
                numbers::next_attempt_at.eq(lease.until),
                numbers::attempts.eq(row.attempts.saturating_add(1)),
                numbers::updated_at.eq(self.0.now()),
            ))
            .returning(HeldNumber::as_returning())
            .get_result(self.0.conn)?;
        Ok(Claim::Ours(Box::new(ClaimedNumber { row, work, lease: lease.id, is_served })))
    }

    /// Sees to it that a number of which there is nothing to ask is not due: whoever claimed it to adopt it may have died.
    fn rest(&mut self, row: HeldNumber) -> Result<HeldNumber> {
        if row.next_attempt_at.is_none() {
            return Ok(row);
        }
        Ok(diesel::update(numbers::table)
            .filter(numbers::tenant_id.eq(self.0.tenant))
            .filter(numbers::id.eq(row.id))
            .set((at_rest(), numbers::updated_at.eq(self.0.now())))
            .returning(HeldNumber::as_returning())
            .get_result(self.0.conn)?)
    }

    /// Ends a claim. `None` when it was lost: somebody else has it, and finds out by themselves.
    pub(crate) fn settle(&mut self, claimed: &ClaimedNumber, settlement: &Settlement<'_>) -> Result<Option<HeldNumber>> {
        let now = self.0.now();
        let row = &claimed.row;
        let mine = numbers::table
            .filter(numbers::tenant_id.eq(self.0.tenant))
            .filter(numbers::id.eq(row.id))
            .filter(numbers::lease_owner.eq(claimed.lease))
            .filter(numbers::status.eq(row.status));
        let touched = numbers::updated_at.eq(now);
        let update = diesel::update(mine);
        let settled = match *settlement {
            Settlement::Owned(owned) => {
                row.status.must_become(NumberStatus::Active)?;
                // What is found again was never gone.
                let is_same = row.twilio_phone_sid.as_ref() == Some(&owned.sid);
                let kept = row.provisioned_at.filter(|_| is_same);
                let active = (
                    numbers::status.eq(NumberStatus::Active),
                    numbers::twilio_phone_sid.eq(&owned.sid),
                    numbers::capabilities.eq(owned.capabilities.document()),
                    numbers::webhook_urls.eq(owned.webhooks.document()),
                    numbers::provisioned_at.eq(kept.unwrap_or(now)),
                    numbers::status_reason.eq(None::<String>),
                    numbers::attempts.eq(0),
                );
                update.set((active, at_rest(), touched)).returning(HeldNumber::as_returning()).get_result(self.0.conn)
            }
            Settlement::Released => {
                row.status.must_become(NumberStatus::Released)?;
                // The clock of another machine may have been ahead when it was bought.
                let released_at = row.provisioned_at.map_or(now, |bought| bought.max(now));
                let released = (
                    numbers::status.eq(NumberStatus::Released),
                    numbers::released_at.eq(released_at),
                    numbers::status_reason.eq(None::<String>),
                );
                update.set((released, at_rest(), touched)).returning(HeldNumber::as_returning()).get_result(self.0.conn)
            }
            Settlement::Later(at, why) => {
                let reason = numbers::status_reason.eq(clip(Some(why), LONGEST_REASON));
                update.set((reason, unleased(Some(at)), touched)).returning(HeldNumber::as_returning()).get_result(self.0.conn)
            }
            Settlement::Failed(why) => {
                if row.status != NumberStatus::Error {
                    row.status.must_become(NumberStatus::Error)?;
                }
                let failed = (
                    numbers::status.eq(NumberStatus::Error),
                    numbers::status_reason.eq(clip(Some(why), LONGEST_REASON)),
                    numbers::release_requested_at.eq(None::<DateTime<Utc>>),
                );
                update.set((failed, at_rest(), touched)).returning(HeldNumber::as_returning()).get_result(self.0.conn)
            }
            Settlement::Noted(why) => {
                let reason = numbers::status_reason.eq(clip(Some(why), LONGEST_REASON));
                update.set((reason, at_rest(), touched)).returning(HeldNumber::as_returning()).get_result(self.0.conn)
            }
            Settlement::Fine(capabilities) => {
                let fine = (
                    numbers::capabilities.eq(capabilities.document()),
                    numbers::status_reason.eq(None::<String>),
                    numbers::attempts.eq(0),
                );
                update.set((fine, at_rest(), touched)).returning(HeldNumber::as_returning()).get_result(self.0.conn)
            }
        };
        let settled = settled.optional()?;
        if settled.is_some() {
            self.0.note(StreamEventKind::NumberChanged, row.id.uuid());
        }
        Ok(settled)
    }

    /// Notes the webhooks that the provider has now been told.
    pub(crate) fn note_webhooks(&mut self, id: PhoneNumberId, webhooks: &WebhookUrls) -> Result<HeldNumber> {
        let row = diesel::update(numbers::table)
            .filter(numbers::tenant_id.eq(self.0.tenant))
            .filter(numbers::id.eq(id))
            .set((numbers::webhook_urls.eq(webhooks.document()), numbers::updated_at.eq(self.0.now())))
            .returning(HeldNumber::as_returning())
            .get_result(self.0.conn)
            .optional()?;
        self.0.note(StreamEventKind::NumberChanged, id.uuid());
        found(row, "phone number")
    }

    /// Makes a number due, so that the provider is asked about it soon, unless somebody is at it.
    pub(crate) fn make_due(&mut self, id: PhoneNumberId) -> Result<()> {
        diesel::update(numbers::table)
            .filter(numbers::tenant_id.eq(self.0.tenant))
            .filter(numbers::id.eq(id))
            .filter(numbers::status.ne(NumberStatus::Released).and(numbers::status.ne(NumberStatus::Error)))
            .filter(numbers::lease_owner.is_null())
            .set((numbers::next_attempt_at.eq(self.0.now()), numbers::updated_at.eq(self.0.now())))
            .execute(self.0.conn)?;
        Ok(())
    }
}

/// The length of a reason that is kept, in characters.
const LONGEST_REASON: usize = 1_000;
