//! Mails about accounts as a queue: claimed in two steps, as [the outbox](crate::conversations::Messages::claim) is.

use super::account_mail::{AccountMail, AccountMails};
use super::user::is_verified;
use crate::access::{InvitationToken, MailToken, NO_PASSWORD, TokenKeys};
use crate::queue::{Lease, after};
use crate::schema::{account_mails as mails, tenants, users};
use crate::store::{SystemTx, Tenant};
use crate::types::clip;
use crate::{AccountMailId, AccountMailKind, AccountMailStatus, LeaseId, Result, Secret, TenantId, Timezone};
use chrono::{DateTime, TimeDelta, Utc};
use diesel::dsl::sql;
use diesel::prelude::*;
use diesel::sql_types::{Bool, Nullable, Timestamptz};

/// The predicate of the queue's index, to the letter, save that the table is named.
const WAITING_SQL: &str = "account_mails.status = 'waiting'";

/// How much of an error is kept, in characters.
const KEPT: usize = 2_000;

/// One mail that a worker holds under a lease.
#[derive(Debug, Clone)]
pub(crate) struct ClaimedAccountMail {
    /// The mail, this attempt counted.
    pub(crate) mail: AccountMail,
    /// The id of this claim; a later one of the same mail has another.
    pub(crate) lease: LeaseId,
}

/// What goes into a mail about an account.
pub(crate) struct AccountLetter {
    /// The text of the token that its link ends with; none in a mail that only tells of something.
    pub(crate) token: Option<Secret>,
    pub(crate) first_name: Option<String>,
    pub(crate) business: String,
    pub(crate) zone: Timezone,
}

/// The mails that a worker takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Takes {
    /// All that are due.
    Due,
    /// Those that are too old to be sent, so that somebody gives them up: the worker sends no mails, and another one may.
    TooOld,
}

impl Takes {
    /// The instant by which the links of mails that are taken have ended, if they must have.
    fn ended_by(self, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
        (self == Self::TooOld).then_some(now)
    }
}

/// The account of a mail, and its business.
#[derive(Queryable)]
struct Account {
    is_active: bool,
    email: String,
    password_hash: String,
    is_verified: bool,
    changed_at: Option<DateTime<Utc>>,
    invitation: Option<String>,
    first_name: Option<String>,
    business: String,
    zone: Timezone,
    approved_at: Option<DateTime<Utc>>,
}

/// The name instead of a business's that nobody has approved: whoever registers may give it, and any address, and would have us mail
/// their words to strangers.
const NO_BUSINESS: &str = "NeverMissCall";

impl SystemTx<'_> {
    /// The tenants with mails due. A suspended one's wait, until they are too old.
    pub(crate) fn tenants_with_due_account_mails(
        &mut self,
        takes: Takes,
        last: Option<TenantId>,
        limit: u16,
    ) -> Result<Vec<Tenant>> {
        let mut query = mails::table
            .inner_join(tenants::table.on(tenants::id.eq(mails::tenant_id)))
            .filter(tenants::is_active)
            .filter(sql::<Bool>(WAITING_SQL))
            .filter(mails::next_attempt_at.le(self.now()))
            .filter(mails::tenant_id.gt(after(last)))
            .group_by(mails::tenant_id)
            .order(mails::tenant_id)
            .limit(limit.into())
            .select(mails::tenant_id)
            .into_boxed();
        if let Some(by) = takes.ended_by(self.now()) {
            query = query.filter(mails::expires_at.le(by));
        }
        let ids: Vec<TenantId> = query.load(self.conn)?;
        Ok(ids.into_iter().map(Tenant::proven).collect())
    }
}

impl AccountMails<'_> {
    /// Claims up to `limit` due mails for `lease_for`, the longest waiting first. Until then no other worker sees them.
    pub(crate) fn claim(&mut self, takes: Takes, limit: u16, lease_for: TimeDelta) -> Result<Vec<ClaimedAccountMail>> {
        let lease = Lease::begin(&mut self.0, lease_for)?;
        let ended_by = takes.ended_by(self.0.now());
        let due: Vec<AccountMailId> = mails::table
            .filter(mails::tenant_id.eq(self.0.tenant))
            .filter(sql::<Bool>(WAITING_SQL))
            .filter(mails::next_attempt_at.le(self.0.now()))
            .filter(
                ended_by
                    .into_sql::<Nullable<Timestamptz>>()
                    .is_null()
                    .or(mails::expires_at.nullable().le(ended_by).assume_not_null()),
            )
            .order((mails::next_attempt_at, mails::id))
            .limit(limit.into())
            .for_update()
            .skip_locked()
            .select(mails::id)
            .load(self.0.conn)?;
        if due.is_empty() {
            return Ok(Vec::new());
        }
        let claimed: Vec<AccountMail> = diesel::update(mails::table)
            .filter(mails::tenant_id.eq(self.0.tenant))
            .filter(mails::id.eq_any(due))
            .set((
                mails::lease_owner.eq(lease.id),
                mails::lease_expires_at.eq(lease.until),
                // Not due again before the lease ends: one comparison finds what is due.
                mails::next_attempt_at.eq(lease.until),
                mails::attempts.eq(mails::attempts + 1),
                mails::updated_at.eq(self.0.now()),
            ))
            .returning(AccountMail::as_returning())
            .get_results(self.0.conn)?;
        Ok(claimed.into_iter().map(|mail| ClaimedAccountMail { mail, lease: lease.id }).collect())
    }

    /// What goes into a claimed mail, with the token of its link; or why it is not sent, as the account is now.
    pub(crate) fn letter(
        &mut self,
        keys: &TokenKeys,
        mail: &AccountMail,
    ) -> Result<std::result::Result<AccountLetter, &'static str>> {
        let account: Account = users::table
            .inner_join(tenants::table.on(tenants::id.eq(users::tenant_id)))
            .filter(users::tenant_id.eq(self.0.tenant))
            .filter(users::id.eq(mail.user_id))
            .select((
                users::is_active,
                users::email,
                users::password_hash,
                is_verified(),
                users::email_changed_at,
                users::verification_token,
                users::first_name,
                tenants::business_name,
                tenants::timezone,
                tenants::approved_at,
            ))
            .first(self.0.conn)?;
        let Account { is_active, email, password_hash, is_verified, changed_at, invitation, zone, .. } = account;
        let (is_of_before, is_same) = (mail.kind == AccountMailKind::AddressChanged, email == mail.recipient.as_str());
        if mail.expires_at <= self.0.now() {
            return Ok(Err(match mail.kind {
                AccountMailKind::AddressChanged | AccountMailKind::Approved => "it could not be sent in time",
                _ => "it could not be sent while its link was good",
            }));
        }
        // Whoever took an account over may have deactivated it, too; an invitation that is in force came after that.
        if !is_active && !is_of_before && mail.kind != AccountMailKind::Invitation {
            return Ok(Err("the account is deactivated"));
        }
        if is_same == is_of_before {
            let why = if is_same { "the account has that address again" } else { "the account has another address by now" };
            return Ok(Err(why));
        }
        let (tenant, user) = (self.0.tenant, mail.user_id);
        let of = |bound: &str| MailToken::of(keys, mail.kind, tenant, mail.id, bound).map(|token| token.text());
        let token = match (mail.kind, invitation) {
            (AccountMailKind::Invitation, None) => return Ok(Err("the invitation was accepted or withdrawn")),
            (AccountMailKind::Invitation, Some(shown)) => Some(InvitationToken::by_mail(keys, tenant, user, &shown)?.text()),
            (AccountMailKind::PasswordReset, _) if changed_at.is_some() || password_hash == NO_PASSWORD => {
                return Ok(Err("the address was changed and not verified since, or there is no password"));
            }
            (AccountMailKind::PasswordReset, _) => Some(of(&password_hash)?),
            (AccountMailKind::Verification, _) if is_verified => return Ok(Err("the address is verified already")),
            (AccountMailKind::Verification, _) => Some(of(&email)?),
            (AccountMailKind::AddressChanged | AccountMailKind::Approved, _) => None,
        };
        let (first_name, business) = match account.approved_at {
            Some(_) => (account.first_name, account.business),
            None => (None, NO_BUSINESS.to_owned()),
        };
        Ok(Ok(AccountLetter { token, first_name, business, zone }))
    }

    /// Ends a claim: the mail server has it. False when another worker has the mail by now.
    pub(crate) fn mark_sent(&mut self, claimed: &ClaimedAccountMail) -> Result<bool> {
        self.end(claimed, AccountMailStatus::Sent, None, None)
    }

    /// Ends a claim for good: the mail is not sent.
    pub(crate) fn give_up(&mut self, claimed: &ClaimedAccountMail, why: &str) -> Result<bool> {
        self.end(claimed, AccountMailStatus::Failed, Some(why), None)
    }

    /// Ends a claim: the mail is due again at `at`.
    pub(crate) fn put_back(&mut self, claimed: &ClaimedAccountMail, at: DateTime<Utc>, why: &str) -> Result<bool> {
        self.end(claimed, AccountMailStatus::Waiting, Some(why), Some(at))
    }

    /// Gives claimed mails back untried, when a worker is asked to stop.
    pub(crate) fn unclaim(&mut self, claims: &[ClaimedAccountMail]) -> Result<()> {
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
        claimed: &ClaimedAccountMail,
        status: AccountMailStatus,
        why: Option<&str>,
        due: Option<DateTime<Utc>>,
    ) -> Result<bool> {
        let rows = diesel::update(held(self.0.tenant, claimed))
            .set((
                mails::status.eq(status),
                mails::error_message.eq(clip(why, KEPT)),
                ended(due),
                mails::updated_at.eq(self.0.now()),
            ))
            .execute(self.0.conn)?;
        Ok(rows == 1)
    }
}

/// The row, if the claim still holds.
#[diesel::dsl::auto_type(no_type_alias)]
fn held(tenant: TenantId, claimed: &ClaimedAccountMail) -> _ {
    let lease: LeaseId = claimed.lease;
    let id: AccountMailId = claimed.mail.id;
    let waiting: AccountMailStatus = AccountMailStatus::Waiting;
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
