use crate::cli::{DatabaseArgs, Format, UserActivity, UserArgs, UserCommand, UserKey};
use crate::database::{self, Database};
use crate::error::CliResult;
use crate::output::{Columns, one_with_secret, time};
use nmc_core::people::{
    INVITATION_LIFETIME, NewPerson, User, UserFilter, UserPatch, change_user, invite, invite_again, unlock_user,
};
use nmc_core::{Clock as _, Error, PageRequest, Secret, Store, SystemClock, TenantTx, UserId};
use serde_json::json;
use std::process::ExitCode;

pub(crate) const COLUMNS: Columns<User> = Columns {
    names: &[
        "id",
        "email",
        "first_name",
        "last_name",
        "role",
        "is_active",
        "email_verified",
        "locked_until",
        "last_login_at",
        "created_at",
    ],
    values: |row| {
        vec![
            json!(row.id),
            json!(row.email),
            json!(row.first_name),
            json!(row.last_name),
            json!(row.role),
            json!(row.is_active),
            json!(row.email_verified),
            // The row keeps a lock that has ended until the next login.
            json!(row.lock_at(SystemClock.now()).map(time)),
            json!(row.last_login_at.map(time)),
            time(row.created_at),
        ]
    },
};

pub(crate) fn run(args: &DatabaseArgs, command: UserCommand) -> CliResult {
    let database = Database::open(args)?;
    let store = database.store()?;
    match command {
        UserCommand::Invite { tenant, email, first_name, last_name, role, phone, timezone, format } => {
            let new = NewPerson { email, first_name, last_name, phone_number: phone, timezone, role };
            let proof = database::tenant(&store, &tenant.tenant)?;
            let (user, invitation) = store.as_operator(&proof, |tx| invite(tx, &new))?;
            print_invited(format.format, &user, &invitation.text())?;
        }
        UserCommand::InviteAgain(UserArgs { tenant, user, format }) => {
            let proof = database::tenant(&store, &tenant.tenant)?;
            let (user, invitation) = store.as_operator(&proof, |tx| {
                let user = find(tx, &user)?;
                invite_again(tx, user)
            })?;
            print_invited(format.format, &user, &invitation.text())?;
        }
        UserCommand::List { tenant, role, activity, locked, page } => {
            let request = PageRequest::new(page.limit, page.after)?;
            let is_active = activity.map(|activity| activity == UserActivity::Active);
            let locked_at = locked.then(|| store.now());
            let filter = UserFilter { role, is_active, locked_at, ..UserFilter::default() };
            let proof = database::tenant(&store, &tenant.tenant)?;
            let rows = store.as_operator(&proof, |tx| tx.users().list(&filter, request))?;
            COLUMNS.page(page.format.format, &rows)?;
        }
        UserCommand::Show(UserArgs { tenant, user, format }) => {
            let proof = database::tenant(&store, &tenant.tenant)?;
            let row = store.as_operator(&proof, |tx| {
                let user = find(tx, &user)?;
                tx.users().get(user)
            })?;
            COLUMNS.one(format.format, &row)?;
        }
        UserCommand::Unlock(UserArgs { tenant, user, format }) => {
            let proof = database::tenant(&store, &tenant.tenant)?;
            let row = store.as_operator(&proof, |tx| {
                let user = find(tx, &user)?;
                unlock_user(tx, user)
            })?;
            COLUMNS.one(format.format, &row)?;
        }
        UserCommand::Deactivate(args) => COLUMNS.one(args.format.format, &set_active(&store, &args, false)?)?,
        UserCommand::Activate(args) => COLUMNS.one(args.format.format, &set_active(&store, &args, true)?)?,
    }
    drop(store);
    database.close()?;
    Ok(ExitCode::SUCCESS)
}

fn set_active(store: &Store, args: &UserArgs, is_active: bool) -> CliResult<User> {
    let proof = database::tenant(store, &args.tenant.tenant)?;
    let patch = UserPatch { is_active: Some(is_active), ..UserPatch::default() };
    Ok(store.as_operator(&proof, |tx| {
        let user = find(tx, &args.user)?;
        change_user(tx, user, &patch)
    })?)
}

/// The user that was named.
pub(super) fn find(tx: &mut TenantTx<'_>, key: &UserKey) -> nmc_core::Result<UserId> {
    match key {
        UserKey::Id(id) => Ok(*id),
        UserKey::Email(email) => {
            let user = tx.users().find_by_email(email)?;
            user.map(|user| user.id).ok_or(Error::NotFound { entity: "user" })
        }
    }
}

fn print_invited(format: Format, user: &User, invitation: &Secret) -> CliResult<()> {
    one_with_secret(format, &COLUMNS, user, "invitation", invitation)?;
    let days = INVITATION_LIFETIME.num_days();
    eprintln!("the invitation is shown this once; whoever holds it chooses the password, within {days} days");
    Ok(())
}
