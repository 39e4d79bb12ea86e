//! What people do with links in mails about their accounts: ask for them, reset their password, show that an address is theirs.

use super::account_mail::{InvitationMail, NOTICE_LIFETIME};
use super::{INVITATION_LIFETIME, RESET_LIFETIME, User, VERIFICATION_LIFETIME, may_change};
use crate::access::{Authenticator, MailToken, Password, Permission, must_not_name};
use crate::store::{Reason, SystemTx, TenantTx};
use crate::{AccountMailKind, Email, Error, Result, Secret, SessionEnd, UserId};

/// Used up, replaced, too old or never made: whoever shows it hears no more than that.
fn void() -> Error {
    Error::invalid("token", "must be in force: it is used up, replaced or too old")
}

const TOO_MANY: Error = Error::conflict("email", "has been sent as many mails as may be for now: try again later");

impl Authenticator {
    /// Queues a mail with which whoever has this address resets their password. Nothing says whether there is such an account. An
    /// account that is deactivated, that has no password yet or whose address was changed and not verified since gets none, nor does one
    /// that has got [`super::MAILS_AN_HOUR`], or whose business has caused [too many](super::MAILS_TO_UNPROVED_A_DAY).
    ///
    /// # Errors
    /// [`Error::Unavailable`] or [`Error::Internal`].
    pub fn ask_for_reset(&self, email: &Email) -> Result<()> {
        self.store().system(Reason::Authentication, |tx| {
            let Some((tenant, user)) = tx.find_resettable(email)? else { return Ok(()) };
            let mut tx = TenantTx(tx.scope(tenant.id()));
            tx.account_mails().queue(&user, AccountMailKind::PasswordReset, RESET_LIFETIME).map(drop)
        })
    }

    /// Chooses another password with the token of a mail, unlocks the account, and notes that its address is the user's. The token is
    /// spent; all sessions of the user end.
    ///
    /// # Errors
    /// [`Error::Invalid`] of `token` when it is not in force, or of `password` when it can't be one.
    pub fn reset_password(&self, token: &Secret, password: &Secret) -> Result<User> {
        let token = MailToken::parse(AccountMailKind::PasswordReset, token)?;
        // Looked at first, as an invitation is.
        let find = |tx: &mut SystemTx<'_>| tx.find_in_force(self.keys(), &token)?.ok_or_else(void);
        self.store().system(Reason::Authentication, find)?;
        let password = Password::new("password", password)?;
        let hash = self.hasher().hash(&password)?;
        self.store().found_by_worker(Reason::Authentication, None, find, |tx, found| {
            must_not_name(tx, found.user, &password, "password")?;
            // The address may have been changed meanwhile.
            let user = tx.users().lock(found.user)?;
            let is_first = user.email == found.email && tx.account_mails().spend(found.mail)?;
            if !is_first || !tx.logins().replace_password_hash(found.user, &found.password_hash, &hash)? {
                return Err(void());
            }
            tx.sessions().end_all_of_user(found.user, None, SessionEnd::PasswordChanged)?;
            tx.account_mails().mark_verified(found.user)
        })
    }

    /// Notes with the token of a mail that an address is its user's.
    ///
    /// # Errors
    /// [`Error::Invalid`] of `token` when it is not in force.
    pub fn verify_email(&self, token: &Secret) -> Result<User> {
        let token = MailToken::parse(AccountMailKind::Verification, token)?;
        let find = |tx: &mut SystemTx<'_>| tx.find_in_force(self.keys(), &token)?.ok_or_else(void);
        self.store().found_by_worker(Reason::Authentication, None, find, |tx, found| {
            // The address may have been changed meanwhile.
            let user = tx.users().lock(found.user)?;
            if user.email != found.email || !tx.account_mails().spend(found.mail)? {
                return Err(void());
            }
            tx.account_mails().mark_verified(user.id)
        })
    }
}

/// Queues a mail with the link by which somebody who was invited chooses their password, and says whether one goes out: not yet from a
/// business that was not approved, and not from one that mails too many.
///
/// # Errors
/// [`Error::Forbidden`] without [`Permission::UsersWrite`]; [`Error::Unavailable`] or [`Error::Internal`].
pub fn mail_invitation(tx: &mut TenantTx<'_>, invited: &User) -> Result<InvitationMail> {
    tx.must(Permission::UsersWrite)?;
    let may = tx.account_mails().may_invite()?;
    if may != InvitationMail::Queued {
        return Ok(may);
    }
    let user = tx.users().get(invited.id)?;
    let queued = tx.account_mails().queue(&user, AccountMailKind::Invitation, INVITATION_LIFETIME)?;
    Ok(if queued.is_some() { InvitationMail::Queued } else { InvitationMail::TooMany })
}

/// Queues the mails of a business that was approved just now: to its owner, and with the links of invitations that are open and could
/// not be mailed before, as many as may be. Whether the owner is told, how many invitations are mailed, and how many are not.
///
/// # Errors
/// [`Error::Unavailable`] or [`Error::Internal`].
pub(crate) fn mail_approval(tx: &mut TenantTx<'_>) -> Result<(bool, usize, usize)> {
    let owner_mailed = match tx.account_mails().holder()? {
        Some(owner) => tx.account_mails().queue(&owner, AccountMailKind::Approved, NOTICE_LIFETIME)?.is_some(),
        None => false,
    };
    let (invited, open) = tx.account_mails().invited()?;
    let now = tx.now();
    let mut mailed = 0;
    for (user, end) in &invited {
        let queued = tx.account_mails().queue(user, AccountMailKind::Invitation, *end - now)?;
        mailed += usize::from(queued.is_some());
    }
    Ok((owner_mailed, mailed, open.saturating_sub(mailed)))
}

/// Queues a mail with which somebody chooses another password.
///
/// # Errors
/// [`Error::Forbidden`] without [`Permission::UsersWrite`], or to somebody of a higher role; [`Error::NotFound`];
/// [`Error::Conflict`] when the account is deactivated, has no password, or an address that was changed and not verified since, or was
/// mailed too often.
pub fn mail_reset(tx: &mut TenantTx<'_>, user: UserId) -> Result<User> {
    tx.must(Permission::UsersWrite)?;
    let user = may_change(tx, user, Permission::UsersWrite)?;
    if !user.is_active {
        return Err(Error::conflict("user", "is deactivated"));
    }
    if !tx.users().may_be_reset(user.id)? {
        let why = "has no password, or an address that was changed and not verified since: invite them again";
        return Err(Error::conflict("user", why));
    }
    let queued = tx.account_mails().queue(&user, AccountMailKind::PasswordReset, RESET_LIFETIME)?;
    queued.map(|_| user).ok_or(TOO_MANY)
}

/// Queues a mail with which the user who acts shows that their address is theirs.
///
/// # Errors
/// [`Error::Forbidden`] to a program with a key; [`Error::Conflict`] when the address is verified, or was mailed too often.
pub fn mail_verification(tx: &mut TenantTx<'_>) -> Result<()> {
    let user = tx.actor().user().ok_or(Error::Forbidden("an API key has no e-mail address"))?;
    let user = tx.users().lock(user)?;
    if user.email_verified {
        return Err(Error::conflict("email", "is verified already"));
    }
    let queued = tx.account_mails().queue(&user, AccountMailKind::Verification, VERIFICATION_LIFETIME)?;
    queued.map(drop).ok_or(TOO_MANY)
}

/// Queues the mail with which the owner of a business that has just been registered shows that their address is theirs.
///
/// # Errors
/// [`Error::Unavailable`] or [`Error::Internal`].
pub(crate) fn mail_verification_to(tx: &mut TenantTx<'_>, user: &User) -> Result<()> {
    tx.account_mails().queue(user, AccountMailKind::Verification, VERIFICATION_LIFETIME).map(drop)
}

/// Notes on an operator's word that an address is its user's.
///
/// # Errors
/// [`Error::Forbidden`] to anybody but an operator; [`Error::NotFound`]; [`Error::Conflict`] when the account has another address.
pub fn vouch_for_email(tx: &mut TenantTx<'_>, user: UserId, email: &Email) -> Result<User> {
    if !tx.actor().is_operator() {
        return Err(Error::Forbidden("whoever runs NeverMissCall alone says that an address is somebody's"));
    }
    let row = tx.users().lock(user)?;
    if row.email != *email {
        return Err(Error::conflict("email", "is another by now"));
    }
    tx.account_mails().mark_verified(user)
}
