//! `nmc user`.

use crate::database::Database;
use crate::error::{CliError, CliResult};
use crate::options::{DatabaseArgs, Format, FormatArg, LinkArg, MailArg, PageArgs, TenantArg, one_of};
use crate::output::{Columns, one_with_secret, time};
use clap::{Args, Subcommand, ValueEnum};
use nmc_core::access::InvitationToken;
use nmc_core::people::{
    INVITATION_LIFETIME, InvitationMail, NewPerson, RESET_LIFETIME, User, UserFilter, UserPatch, change_user, invite,
    invite_again, mail_invitation, mail_reset, unlock_user, vouch_for_email,
};
use nmc_core::{Clock as _, Email, Error, PhoneNumber, Secret, Store, SystemClock, TenantTx, Timezone, UserId, UserRole};
use serde_json::json;
use std::process::ExitCode;

/// The name of the list, which its cursors bear.
const LIST: &str = "users";

#[derive(Subcommand)]
pub(crate) enum UserCommand {
    /// Add somebody, and print the invitation with which they choose a password: it is shown this once
    Invite {
        #[command(flatten)]
        tenant: TenantArg,
        /// Their e-mail, with which they log in
        #[arg(long)]
        email: Email,
        /// Given name
        #[arg(long, value_name = "NAME")]
        first_name: String,
        /// Family name
        #[arg(long, value_name = "NAME")]
        last_name: String,
        /// What they may do: owner, admin, operator, user or viewer
        #[arg(long, value_parser = one_of(UserRole::ALL, UserRole::label))]
        role: UserRole,
        /// Where to reach them
        #[arg(long, value_name = "NUMBER", value_parser = PhoneNumber::typed)]
        phone: Option<PhoneNumber>,
        /// Their zone [default: the business's]
        #[arg(long, value_name = "ZONE")]
        timezone: Option<Timezone>,
        #[command(flatten)]
        mail: MailArg,
        #[command(flatten)]
        link: LinkArg,
        #[command(flatten)]
        format: FormatArg,
    },
    /// Print another invitation for somebody who lost theirs, or their password, or was deactivated; earlier ones are void
    InviteAgain {
        #[command(flatten)]
        mailed: MailedArgs,
        #[command(flatten)]
        link: LinkArg,
    },
    /// Mail somebody a link with which they choose another password
    ResetPassword(MailedArgs),
    /// List the people of a business, newest first
    List {
        #[command(flatten)]
        tenant: TenantArg,
        /// Only those with this role
        #[arg(long, value_parser = one_of(UserRole::ALL, UserRole::label))]
        role: Option<UserRole>,
        /// Only those who may log in, or may not
        #[arg(long, value_enum)]
        activity: Option<UserActivity>,
        /// Only those whom wrong passwords have locked out
        #[arg(long)]
        locked: bool,
        #[command(flatten)]
        page: PageArgs,
    },
    /// Show somebody's account, and until when it is locked
    Show(UserArgs),
    /// Let somebody try again at once whom wrong passwords have locked out
    Unlock(UserArgs),
    /// Note that an e-mail address is somebody's, on your word: nothing is mailed
    Verify(UserArgs),
    /// Let somebody log in no more; their sessions end
    Deactivate(UserArgs),
    /// Let somebody log in again
    Activate(UserArgs),
}

/// Which person of which business.
#[derive(Args)]
pub(crate) struct UserArgs {
    #[command(flatten)]
    pub(crate) tenant: TenantArg,
    /// Their id or their e-mail
    #[arg(value_name = "ID|EMAIL")]
    pub(crate) user: UserKey,
    #[command(flatten)]
    pub(crate) format: FormatArg,
}

/// Which person of which business gets a mail.
#[derive(Args)]
pub(crate) struct MailedArgs {
    #[command(flatten)]
    user: UserArgs,
    #[command(flatten)]
    mail: MailArg,
}

/// Whether people may log in.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum UserActivity {
    /// They may
    Active,
    /// They may not
    Inactive,
}

/// How a person is named on the command line.
#[derive(Clone)]
pub(crate) enum UserKey {
    Id(UserId),
    Email(Email),
}

impl std::str::FromStr for UserKey {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        text.parse().map(Self::Id).or_else(|_| text.parse().map(Self::Email))
    }
}

pub(crate) const COLUMNS: Columns<User> = Columns(&[
    ("id", |row| json!(row.id)),
    ("email", |row| json!(row.email)),
    ("first_name", |row| json!(row.first_name)),
    ("last_name", |row| json!(row.last_name)),
    ("role", |row| json!(row.role)),
    ("is_active", |row| json!(row.is_active)),
    ("email_verified", |row| json!(row.email_verified)),
    // The row keeps a lock that has ended until the next login.
    ("locked_until", |row| json!(row.lock_at(SystemClock.now()).map(time))),
    ("last_login_at", |row| json!(row.last_login_at.map(time))),
    ("created_at", |row| time(row.created_at)),
]);

pub(crate) fn run(args: &DatabaseArgs, command: UserCommand) -> CliResult {
    let database = Database::open(args)?;
    let store = database.store()?;
    match command {
        UserCommand::Invite { tenant, email, first_name, last_name, role, phone, timezone, mail, link, format } => {
            let new = NewPerson { email, first_name, last_name, phone_number: phone, timezone, role };
            let proof = crate::database::tenant(&store, &tenant.tenant)?;
            let invited = store.as_operator(&proof, |tx| {
                let (user, invitation) = invite(tx, &new)?;
                Invited::of(tx, user, &invitation, &mail)
            })?;
            invited.print(format.format, &link)?;
        }
        UserCommand::InviteAgain { mailed: MailedArgs { user: UserArgs { tenant, user, format }, mail }, link } => {
            let proof = crate::database::tenant(&store, &tenant.tenant)?;
            let invited = store.as_operator(&proof, |tx| {
                let user = find(tx, &user)?;
                let (user, invitation) = invite_again(tx, user)?;
                Invited::of(tx, user, &invitation, &mail)
            })?;
            invited.print(format.format, &link)?;
        }
        UserCommand::ResetPassword(MailedArgs { user: UserArgs { tenant, user, format }, mail }) => {
            if !mail.is_set() {
                let how = "no mails are sent: NMC_SMTP_FROM is not set; nmc user invite-again prints what to hand over instead";
                return Err(CliError::Usage(how.to_owned()));
            }
            let proof = crate::database::tenant(&store, &tenant.tenant)?;
            let row = store.as_operator(&proof, |tx| {
                let user = find(tx, &user)?;
                mail_reset(tx, user)
            })?;
            COLUMNS.one(format.format, &row)?;
            eprintln!("a mail with a link goes out; the link works for {} minutes", RESET_LIFETIME.num_minutes());
        }
        UserCommand::List { tenant, role, activity, locked, page } => {
            let request = page.of(LIST)?;
            let is_active = activity.map(|activity| activity == UserActivity::Active);
            let locked_at = locked.then(|| store.now());
            let filter = UserFilter { role, is_active, locked_at, ..UserFilter::default() };
            let proof = crate::database::tenant(&store, &tenant.tenant)?;
            let rows = store.as_operator(&proof, |tx| tx.users().list(&filter, request))?;
            COLUMNS.page(LIST, page.format.format, &rows)?;
        }
        UserCommand::Show(UserArgs { tenant, user, format }) => {
            let proof = crate::database::tenant(&store, &tenant.tenant)?;
            let row = store.as_operator(&proof, |tx| get(tx, &user))?;
            COLUMNS.one(format.format, &row)?;
        }
        UserCommand::Unlock(UserArgs { tenant, user, format }) => {
            let proof = crate::database::tenant(&store, &tenant.tenant)?;
            let row = store.as_operator(&proof, |tx| {
                let user = find(tx, &user)?;
                unlock_user(tx, user)
            })?;
            COLUMNS.one(format.format, &row)?;
        }
        UserCommand::Verify(UserArgs { tenant, user, format }) => {
            let proof = crate::database::tenant(&store, &tenant.tenant)?;
            let row = store.as_operator(&proof, |tx| {
                let row = get(tx, &user)?;
                vouch_for_email(tx, row.id, &row.email)
            })?;
            COLUMNS.one(format.format, &row)?;
        }
        UserCommand::Deactivate(args) => {
            COLUMNS.one(args.format.format, &set_active(&store, &args, false)?.0)?;
            eprintln!(
                "their sessions have ended, an open invitation is void, and their API keys are not in force until they are back"
            );
        }
        UserCommand::Activate(args) => {
            let (user, has_password) = set_active(&store, &args, true)?;
            COLUMNS.one(args.format.format, &user)?;
            if !has_password {
                eprintln!("they have no password yet: nmc user invite-again");
            }
        }
    }
    drop(store);
    database.close()?;
    Ok(ExitCode::SUCCESS)
}

/// The user as they are then, and whether they have a password.
fn set_active(store: &Store, args: &UserArgs, is_active: bool) -> CliResult<(User, bool)> {
    let proof = crate::database::tenant(store, &args.tenant.tenant)?;
    let patch = UserPatch { is_active: Some(is_active), ..UserPatch::default() };
    Ok(store.as_operator(&proof, |tx| {
        let user = find(tx, &args.user)?;
        Ok((change_user(tx, user, &patch)?, tx.users().has_password(user)?))
    })?)
}

/// The id of the user that was named, if they are one of the business's.
pub(super) fn find(tx: &mut TenantTx<'_>, key: &UserKey) -> nmc_core::Result<UserId> {
    Ok(get(tx, key)?.id)
}

/// The user that was named, if they are one of the business's.
pub(super) fn get(tx: &mut TenantTx<'_>, key: &UserKey) -> nmc_core::Result<User> {
    let (user, typed) = match key {
        UserKey::Id(id) => (tx.users().find(*id)?, id.to_string()),
        UserKey::Email(email) => (tx.users().find_by_email(email)?, email.to_string()),
    };
    // Of several people that a command names, it tells which one there is not.
    user.ok_or_else(|| Error::invalid("user", format!("{typed} not found (nmc user list)")))
}

/// Somebody who was invited, with the token that is shown this once.
struct Invited {
    user: User,
    invitation: Secret,
    /// Whether a mail goes out, where mails are sent.
    mailed: Option<InvitationMail>,
}

impl Invited {
    fn of(tx: &mut TenantTx<'_>, user: User, invitation: &InvitationToken, mail: &MailArg) -> nmc_core::Result<Self> {
        let mailed = mail.is_set().then(|| mail_invitation(tx, &user)).transpose()?;
        Ok(Self { user, invitation: invitation.text(), mailed })
    }

    fn print(&self, format: Format, link: &LinkArg) -> CliResult<()> {
        let link = link.of_invitation(&self.invitation);
        let secrets: Vec<_> =
            std::iter::once(("invitation", &self.invitation)).chain(link.iter().map(|link| ("link", link))).collect();
        one_with_secret(format, &COLUMNS, &self.user, &secrets)?;
        let days = INVITATION_LIFETIME.num_days();
        eprintln!("the invitation is shown this once; whoever holds it chooses the password, within {days} days");
        eprintln!(
            "{}",
            match self.mailed {
                Some(InvitationMail::Queued) => "a mail with a link goes out to them",
                Some(InvitationMail::OnApproval) =>
                    "no mail goes out yet: the business is not approved; one does when it is, while the invitation is good",
                Some(InvitationMail::TooMany) => "no mail goes out: the business, or the person, has been mailed too many",
                None => "no mail goes out: NMC_SMTP_FROM is not set; hand the invitation over",
            }
        );
        if link.is_none() {
            eprintln!("as a link, with --public-url (NMC_PUBLIC_URL): they open it in a browser and choose the password");
        }
        Ok(())
    }
}
