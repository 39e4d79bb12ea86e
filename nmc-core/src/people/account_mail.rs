//! Mails about accounts (table `account_mails`): invitations, links to reset a password and to verify an address. Their tokens
//! are made when they are sent, and stand in no row.

use super::{User, Users};
use crate::access::{MailToken, NO_PASSWORD, TokenKeys};
use crate::error::found;
use crate::page::{Cursor, Page, PageRequest, keyset};
use crate::schema::{account_mails as mails, tenants, users};
use crate::store::{Scope, SystemTx, Tenant, TenantTx, stamped};
use crate::types::bounds;
use crate::{AccountMailId, AccountMailKind, AccountMailStatus, Email, Error, LeaseId, Result, TenantId, UserId};
use chrono::{DateTime, TimeDelta, Utc};
use diesel::pg::Pg;
use diesel::prelude::*;

/// How long a link that resets a password is good for.
pub const RESET_LIFETIME: TimeDelta = TimeDelta::hours(1);
/// How long a link that verifies an address is good for.
pub const VERIFICATION_LIFETIME: TimeDelta = TimeDelta::days(1);
/// How long it is tried to tell of something that has happened to an account.
pub(super) const NOTICE_LIFETIME: TimeDelta = TimeDelta::days(2);
/// Mails of one kind that one person, and one address, gets from a business within an hour at the most, whoever asks for them.
pub const MAILS_AN_HOUR: i64 = 5;
/// Links to verify an address, and links to reset a password, that go to addresses which nobody has shown to be theirs: so many of each kind one
/// business causes within a day at the most.
pub const MAILS_TO_UNPROVED_A_DAY: i64 = 100;
/// The same of a business that nobody has approved: its people are whoever it says.
pub const MAILS_TO_UNPROVED_BEFORE_APPROVAL: i64 = 10;
/// Invitations that one business mails within a day at the most.
pub const INVITATIONS_A_DAY: i64 = 100;
/// How long a mail is kept; whoever gets the next one takes their old ones out.
const KEPT: TimeDelta = TimeDelta::days(30);

/// One mail about an account.
#[derive(Debug, Clone, PartialEq, HasQuery)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[cfg_attr(not(feature = "testing"), non_exhaustive)]
#[diesel(table_name = mails, check_for_backend(Pg))]
#[expect(missing_docs, reason = "the columns are documented in the schema")]
pub struct AccountMail {
    pub id: AccountMailId,
    pub tenant_id: TenantId,
    pub user_id: UserId,
    pub kind: AccountMailKind,
    pub recipient: Email,
    pub status: AccountMailStatus,
    pub error_message: Option<String>,
    pub attempts: i32,
    pub next_attempt_at: Option<DateTime<Utc>>,
    pub expires_at: DateTime<Utc>,
    pub used_at: Option<DateTime<Utc>>,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
}

/// A filter of mails about accounts. Empty means all.
#[derive(Debug, Clone, Default)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct AccountMailFilter {
    /// The user whose account the mails are about.
    pub user: Option<UserId>,
    /// What the mails are for.
    pub kind: Option<AccountMailKind>,
}

/// Whether an invitation goes out by mail.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum InvitationMail {
    /// A mail with a link is queued.
    Queued,
    /// None goes yet: it is queued when an operator approves of the business, if the invitation is still open then.
    OnApproval,
    /// None goes: the business, or the person, has been mailed too many.
    TooMany,
}

/// Somebody whose invitation is open, and when it ends.
pub(super) type Invited = (User, DateTime<Utc>);

/// The mails about a tenant's accounts.
pub struct AccountMails<'a>(pub(super) Scope<'a>);

impl TenantTx<'_> {
    /// The mails about the tenant's accounts.
    pub const fn account_mails(&mut self) -> AccountMails<'_> {
        AccountMails(self.0.reborrow())
    }
}

/// What a shown token is for, and rests on.
pub(super) struct InForce {
    pub(super) mail: AccountMailId,
    pub(super) user: UserId,
    pub(super) password_hash: String,
    pub(super) email: Email,
}

impl AccountMails<'_> {
    /// A page of mails, newest first.
    ///
    /// # Errors
    /// [`crate::Error::Unavailable`] or [`crate::Error::Internal`].
    pub fn list(&mut self, filter: &AccountMailFilter, page: PageRequest) -> Result<Page<AccountMail>> {
        let mut query = AccountMail::query().filter(mails::tenant_id.eq(self.0.tenant)).into_boxed();
        if let Some(user) = filter.user {
            query = query.filter(mails::user_id.eq(user));
        }
        if let Some(kind) = filter.kind {
            query = query.filter(mails::kind.eq(kind));
        }
        let rows = keyset(query, page, mails::created_at, mails::id).load(self.0.conn)?;
        Ok(Page::from_rows(rows, page, |row: &AccountMail| Cursor { at: row.created_at, id: row.id.uuid() }))
    }

    /// Queues a mail about this account, whose link is good for so long; earlier ones of the kind are void, unless they tell of another
    /// address that the account had. `None`, and nothing is queued, when the user, the address or the business has got as many as may be.
    pub(super) fn queue(&mut self, user: &User, kind: AccountMailKind, good_for: TimeDelta) -> Result<Option<AccountMail>> {
        let now = self.0.now();
        let of_late = mails::table
            .filter(mails::tenant_id.eq(self.0.tenant))
            // An address may be handed from one account to the next.
            .filter(mails::user_id.eq(user.id).or(mails::recipient.eq(&user.email)))
            .filter(mails::kind.eq(kind))
            .filter(mails::created_at.gt(now - TimeDelta::hours(1)));
        if of_late.count().get_result::<i64>(self.0.conn)? >= MAILS_AN_HOUR || !self.may_mail(user, kind)? {
            return Ok(None);
        }
        let its = mails::table.filter(mails::tenant_id.eq(self.0.tenant)).filter(mails::user_id.eq(user.id));
        diesel::delete(its.filter(mails::created_at.lt(now - KEPT))).execute(self.0.conn)?;
        if kind != AccountMailKind::AddressChanged {
            self.call_off(user.id, kind, "a later one takes its place")?;
        }
        let id = AccountMailId::new(self.0.moment.id());
        let row = diesel::insert_into(mails::table)
            .values((
                mails::user_id.eq(user.id),
                mails::kind.eq(kind),
                mails::recipient.eq(&user.email),
                mails::next_attempt_at.eq(now),
                mails::expires_at.eq(bounds::end_of("good_for", now, good_for)?),
                stamped!(mails, self.0, id),
            ))
            .returning(AccountMail::as_returning())
            .get_result(self.0.conn)?;
        Ok(Some(row))
    }

    /// Whether the business may cause another mail to this user: not too many of the kind a day to addresses that nobody has shown to be theirs.
    /// Anybody may ask for links of resets: they take nothing from those that verify.
    fn may_mail(&mut self, user: &User, kind: AccountMailKind) -> Result<bool> {
        if user.email_verified || !matches!(kind, AccountMailKind::Verification | AccountMailKind::PasswordReset) {
            return Ok(true);
        }
        // Two that count at once must not both be the last.
        let is_approved = self.0.tx().tenants().lock()?.approved_at.is_some();
        // Who has moved on from an address has not shown that it was theirs.
        let is_proved = super::user::is_verified().and(users::email.eq(mails::recipient));
        let today: i64 = mails::table
            .inner_join(users::table.on(users::tenant_id.eq(mails::tenant_id).and(users::id.eq(mails::user_id))))
            .filter(mails::tenant_id.eq(self.0.tenant))
            .filter(mails::kind.eq(kind))
            .filter(mails::created_at.gt(self.0.now() - TimeDelta::days(1)))
            .filter(diesel::dsl::not(is_proved))
            .count()
            .get_result(self.0.conn)?;
        let most = if is_approved { MAILS_TO_UNPROVED_A_DAY } else { MAILS_TO_UNPROVED_BEFORE_APPROVAL };
        Ok(today < most)
    }

    /// Whether the business may mail another invitation: it was approved, and has not mailed too many today.
    pub(super) fn may_invite(&mut self) -> Result<InvitationMail> {
        let approved: Option<DateTime<Utc>> =
            tenants::table.filter(tenants::id.eq(self.0.tenant)).select(tenants::approved_at).first(self.0.conn)?;
        let today: i64 = mails::table
            .filter(mails::tenant_id.eq(self.0.tenant))
            .filter(mails::kind.eq(AccountMailKind::Invitation))
            .filter(mails::created_at.gt(self.0.now() - TimeDelta::days(1)))
            .count()
            .get_result(self.0.conn)?;
        Ok(match approved {
            None => InvitationMail::OnApproval,
            Some(_) if today >= INVITATIONS_A_DAY => InvitationMail::TooMany,
            Some(_) => InvitationMail::Queued,
        })
    }

    /// The holder of the tenant's account, if there is one.
    pub(super) fn holder(&mut self) -> Result<Option<User>> {
        Ok(users::table
            .inner_join(tenants::table.on(tenants::id.eq(users::tenant_id).and(tenants::owner_id.eq(users::id.nullable()))))
            .filter(users::tenant_id.eq(self.0.tenant))
            .filter(users::is_active)
            .select(User::as_select())
            .first(self.0.conn)
            .optional()?)
    }

    /// Those whose invitation is open, the first of an account or a later one, each with its end: as many as may be mailed within a day, and
    /// how many they are in all.
    pub(super) fn invited(&mut self) -> Result<(Vec<Invited>, usize)> {
        let open = || {
            users::table
                .filter(users::tenant_id.eq(self.0.tenant))
                .filter(users::verification_token.is_not_null())
                .filter(users::verification_expires_at.gt(self.0.now()))
        };
        let (first, all) = (open(), open().count());
        let first = first
            .order(users::id)
            .limit(INVITATIONS_A_DAY)
            .select((User::as_select(), users::verification_expires_at.assume_not_null()))
            .load(self.0.conn)?;
        let all: i64 = all.get_result(self.0.conn)?;
        Ok((first, usize::try_from(all).map_err(Error::internal)?))
    }

    /// Gives up what waits for this user and is of this kind. What a worker is sending now goes out, and its link is void.
    fn call_off(&mut self, user: UserId, kind: AccountMailKind, why: &str) -> Result<()> {
        diesel::update(mails::table)
            .filter(mails::tenant_id.eq(self.0.tenant))
            .filter(mails::user_id.eq(user))
            .filter(mails::kind.eq(kind))
            .filter(mails::status.eq(AccountMailStatus::Waiting))
            .filter(mails::lease_owner.is_null())
            .set((
                mails::status.eq(AccountMailStatus::Failed),
                mails::error_message.eq(why),
                mails::next_attempt_at.eq(None::<DateTime<Utc>>),
                mails::lease_owner.eq(None::<LeaseId>),
                mails::updated_at.eq(self.0.now()),
            ))
            .execute(self.0.conn)?;
        Ok(())
    }

    /// Spends the link of a mail, and says whether nobody has before.
    pub(super) fn spend(&mut self, id: AccountMailId) -> Result<bool> {
        let rows = diesel::update(mails::table)
            .filter(mails::tenant_id.eq(self.0.tenant))
            .filter(mails::id.eq(id))
            .filter(mails::used_at.is_null())
            .set((mails::used_at.eq(self.0.now()), mails::updated_at.eq(self.0.now())))
            .execute(self.0.conn)?;
        Ok(rows == 1)
    }

    /// Notes that the address of an account is its user's.
    pub(super) fn mark_verified(&mut self, user: UserId) -> Result<User> {
        let row = diesel::update(users::table)
            .filter(users::tenant_id.eq(self.0.tenant))
            .filter(users::id.eq(user))
            .set((verified_at(self.0.now()), users::updated_at.eq(self.0.now())))
            .returning(User::as_returning())
            .get_result(self.0.conn)
            .optional()?;
        found(row, "user")
    }
}

type Verified = (
    diesel::dsl::Eq<users::email_verified, bool>,
    diesel::dsl::Eq<users::email_verified_at, Option<DateTime<Utc>>>,
    diesel::dsl::Eq<users::email_changed_at, Option<DateTime<Utc>>>,
);

/// An address that was shown to be its user's now.
pub(super) fn verified_at(now: DateTime<Utc>) -> Verified {
    (users::email_verified.eq(true), users::email_verified_at.eq(Some(now)), users::email_changed_at.eq(None))
}

impl Users<'_> {
    /// Whether a link that resets the password may go to the user's address: they have a password, and the address was not changed since
    /// it was verified or the account was made.
    pub(super) fn may_be_reset(&mut self, id: UserId) -> Result<bool> {
        let query = users::table.filter(users::tenant_id.eq(self.0.tenant)).filter(users::id.eq(id));
        let may = users::password_hash.ne(NO_PASSWORD).and(users::email_changed_at.is_null());
        found(query.select(may).first(self.0.conn).optional()?, "user")
    }
}

impl SystemTx<'_> {
    /// The active user of an active business who may reset their password by mail: they have one, and the address was not changed
    /// since it was verified or the account was made, so that nobody gets into an account by giving it an address of their own.
    pub(super) fn find_resettable(&mut self, email: &Email) -> Result<Option<(Tenant, User)>> {
        let user: Option<User> = users::table
            .inner_join(tenants::table.on(tenants::id.eq(users::tenant_id)))
            .filter(users::email.eq(email))
            .filter(users::is_active)
            .filter(users::email_changed_at.is_null())
            .filter(users::password_hash.ne(NO_PASSWORD))
            .filter(tenants::is_active)
            .select(User::as_select())
            .first(self.conn)
            .optional()?;
        Ok(user.map(|user| (Tenant::proven(user.tenant_id), user)))
    }

    /// The account that a token is for, if the token is ours and in force: not used, not too old, the latest of its kind, and the
    /// account is active and has the address that it was mailed to.
    pub(super) fn find_in_force(&mut self, keys: &TokenKeys, token: &MailToken) -> Result<Option<(Tenant, InForce)>> {
        let row: Option<(UserId, String, Email)> = mails::table
            .inner_join(users::table.on(users::tenant_id.eq(mails::tenant_id).and(users::id.eq(mails::user_id))))
            .inner_join(tenants::table.on(tenants::id.eq(mails::tenant_id)))
            .filter(mails::tenant_id.eq(token.tenant))
            .filter(mails::id.eq(token.mail))
            .filter(mails::kind.eq(token.kind))
            .filter(mails::used_at.is_null())
            .filter(mails::expires_at.gt(self.now()))
            .filter(users::is_active)
            .filter(users::email.eq(mails::recipient))
            // One that was changed and changed back is another's in between.
            .filter(users::email_changed_at.is_null().or(users::email_changed_at.assume_not_null().le(mails::created_at)))
            .filter(tenants::is_active)
            .select((users::id, users::password_hash, users::email))
            .first(self.conn)
            .optional()?;
        let Some((user, password_hash, email)) = row else { return Ok(None) };
        let bound = if token.kind == AccountMailKind::PasswordReset { password_hash.as_str() } else { email.as_str() };
        if !token.is_of(keys, bound) {
            return Ok(None);
        }
        let latest: Option<AccountMailId> = mails::table
            .filter(mails::tenant_id.eq(token.tenant))
            .filter(mails::user_id.eq(user))
            .filter(mails::kind.eq(token.kind))
            .order((mails::created_at.desc(), mails::id.desc()))
            .select(mails::id)
            .first(self.conn)
            .optional()?;
        let is_latest = latest == Some(token.mail);
        Ok(is_latest.then_some((Tenant::proven(token.tenant), InForce { mail: token.mail, user, password_hash, email })))
    }
}
