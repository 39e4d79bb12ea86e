use crate::api::conflicts::telling_of_others;
use crate::api::lists::List;
use crate::api::reply::{Created, Done, Json, PageOut, Tagged};
use crate::api::request::{JsonBody, NoQuery, RequestContext, Whom, must_match};
use crate::api::wire::{Text, given, text};
use crate::error::ApiResult;
use chrono::{DateTime, Utc};
use nmc_core::access::{InvitationToken, PasswordProof};
use nmc_core::people::{
    INVITATION_LIFETIME, InvitationMail, NewPerson, User, UserFilter, UserPatch, change_own_user, change_user, get_user,
    invite as invite_person, invite_again as invite_person_again, mail_invitation,
};
use nmc_core::{Error, Result, Secret, TenantTx};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

const LIST: List = List("users");

/// A user's account.
#[derive(Serialize, ToSchema)]
pub(crate) struct UserOut {
    id: text::UserId,
    email: text::Email,
    first_name: Option<String>,
    last_name: Option<String>,
    role: text::UserRole,
    /// Whether the user may log in.
    is_active: bool,
    email_verified: bool,
    last_login_at: Option<DateTime<Utc>>,
    /// The instant before which the user can't log in; null when the account is not locked.
    locked_until: Option<DateTime<Utc>>,
    created_at: DateTime<Utc>,
    updated_at: DateTime<Utc>,
}

impl From<User> for UserOut {
    fn from(row: User) -> Self {
        Self {
            id: Text(row.id),
            email: Text(row.email),
            first_name: row.first_name,
            last_name: row.last_name,
            role: Text(row.role),
            is_active: row.is_active,
            email_verified: row.email_verified,
            last_login_at: row.last_login_at,
            locked_until: row.locked_until,
            created_at: row.created_at,
            updated_at: row.updated_at,
        }
    }
}

/// The filter of a list of users.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub(crate) struct UserQuery {
    /// The role of the users.
    #[param(inline, value_type = Option<text::UserRole>)]
    role: Option<text::UserRole>,
    /// Whether the users may log in (true), or not (false).
    is_active: Option<bool>,
    /// The most rows of the page, 1 to 200; 50 if left out.
    #[param(minimum = 1, maximum = 200)]
    limit: Option<u16>,
    /// The cursor of the page: `next` of the page before; the first page if left out.
    #[param(pattern = "^[A-Za-b][A-Za-z0-9_-]{31}[0-9a-f]{6}$")]
    after: Option<String>,
}

/// A person to invite.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct InvitationIn {
    /// The person's e-mail address, which is the login name; unique.
    email: text::Email,
    #[schema(max_length = 100)]
    first_name: String,
    #[schema(max_length = 100)]
    last_name: String,
    /// The phone number at which to reach the person.
    phone: Option<text::PhoneNumber>,
    /// The person's time zone; that of the business if left out.
    timezone: Option<text::Timezone>,
    /// The person's role, no higher than that of whoever invites.
    role: text::UserRole,
}

/// An invitation. It is shown only this once: pass it on to the person it is for.
#[derive(Serialize, ToSchema)]
pub(crate) struct InvitationOut {
    user: UserOut,
    /// The token with which the person chooses their password.
    invitation: String,
    /// The instant from which on the invitation is refused.
    expires_at: DateTime<Utc>,
    /// Whether a mail with a link goes out to the person. It does if the platform sends mails, the business was approved, and it has
    /// not sent too many.
    mailed: bool,
    /// Why no mail goes out, if none does.
    not_mailed: Option<NotMailed>,
}

/// Why an invitation is not mailed.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum NotMailed {
    /// The platform sends no mails: the invitation has to be passed on.
    NoMails,
    /// The business waits for approval. A mail goes out once it is approved, if the invitation is still open.
    AwaitingApproval,
    /// The business, or the person, has been mailed too many.
    TooMany,
}

impl InvitationOut {
    /// Made in this transaction, and mailed if the platform sends mails. Its instant is by the clock of the transaction: `updated_at`
    /// goes by the database's.
    fn made(tx: &mut TenantTx<'_>, sends_mails: bool, user: User, token: &InvitationToken) -> Result<Self> {
        let mail = if sends_mails { Some(mail_invitation(tx, &user)?) } else { None };
        let not_mailed = match mail {
            Some(InvitationMail::Queued) => None,
            Some(InvitationMail::OnApproval) => Some(NotMailed::AwaitingApproval),
            Some(InvitationMail::TooMany) => Some(NotMailed::TooMany),
            None => Some(NotMailed::NoMails),
        };
        let expires_at = tx.now() + INVITATION_LIFETIME;
        Ok(Self {
            user: user.into(),
            invitation: token.text().expose().to_owned(),
            expires_at,
            mailed: not_mailed.is_none(),
            not_mailed,
        })
    }
}

/// The acceptance of an invitation: the password that the invited person chooses.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct AcceptanceIn {
    #[schema(pattern = "^nmci_[0-9a-f]{32}_[A-Za-z0-9_-]{42}[AEIMQUYcgkosw048]$")]
    invitation: String,
    /// The password to choose: 10 characters at least, 72 bytes at most.
    #[schema(min_length = 10, max_length = 72)]
    password: String,
}

/// A change of one's own password.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct PasswordIn {
    current_password: String,
    /// The new password: 10 characters at least, 72 bytes at most.
    #[schema(min_length = 10, max_length = 72)]
    new_password: String,
}

/// Changes of a user's account. Names are changed with the profile.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct UserChange {
    /// The user's e-mail address, which is the login name; unique. A new one is not verified, and ends all sessions of the user
    /// but the one that asks.
    #[serde(default, deserialize_with = "given")]
    #[schema(nullable = false)]
    email: Option<text::Email>,
    /// The current password of whoever asks: needed to change one's own e-mail address, and ignored otherwise.
    #[serde(default, deserialize_with = "given")]
    #[schema(max_length = 72, nullable = false)]
    current_password: Option<String>,
    /// The user's role, no higher than that of whoever asks.
    #[serde(default, deserialize_with = "given")]
    #[schema(nullable = false)]
    role: Option<text::UserRole>,
    /// Whether the user may log in. The sessions of a user who may not end.
    #[serde(default, deserialize_with = "given")]
    #[schema(nullable = false)]
    is_active: Option<bool>,
}

pub(super) async fn list(context: RequestContext<UserQuery, ()>) -> ApiResult<Json<PageOut<UserOut>>> {
    let page = LIST.page(context.query.limit, context.query.after.as_deref())?;
    let filter =
        UserFilter { role: context.query.role.map(|role| role.0), is_active: context.query.is_active, ..UserFilter::default() };
    let rows = context.acting(move |tx| tx.users().list(&filter, page)).await?;
    Ok(Json(LIST.of(rows)))
}

pub(super) async fn invite(context: RequestContext<NoQuery, JsonBody<InvitationIn>>) -> ApiResult<Created<InvitationOut>> {
    let body = &context.body.0;
    let new = NewPerson {
        email: body.email.0.clone(),
        first_name: body.first_name.clone(),
        last_name: body.last_name.clone(),
        phone_number: body.phone.clone().map(|phone| phone.0),
        timezone: body.timezone.map(|zone| zone.0),
        role: body.role.0,
    };
    let sends_mails = context.app.sends_mails;
    let made = telling_of_others(&context, move |tx| {
        let (user, token) = invite_person(tx, &new)?;
        InvitationOut::made(tx, sends_mails, user, &token)
    })
    .await;
    let out = made.map_err(|error| error.renamed(&[("phone_number", "phone")]))?;
    Ok(Created(format!("/v1/users/{}", out.user.id.0), out))
}

pub(super) async fn invite_again(context: RequestContext<NoQuery, ()>) -> ApiResult<Created<InvitationOut>> {
    let (whom, sends_mails) = (context.whom()?, context.app.sends_mails);
    let out = context
        .acting(move |tx| {
            let user = whom.id(tx)?;
            let (user, token) = invite_person_again(tx, user)?;
            InvitationOut::made(tx, sends_mails, user, &token)
        })
        .await?;
    Ok(Created(format!("/v1/users/{}", out.user.id.0), out))
}

pub(super) async fn accept_invitation(context: RequestContext<NoQuery, JsonBody<AcceptanceIn>>) -> ApiResult<Json<UserOut>> {
    context.app.rate_limits.token(context.origin(None).ip_address).await?;
    let AcceptanceIn { invitation, password } = &context.body.0;
    let (invitation, password) = (Secret::new(invitation.clone()), Secret::new(password.clone()));
    let authenticator = context.app.authenticator.clone();
    let user = context.app.login_pool.blocking(move |_| authenticator.accept_invitation(&invitation, &password)).await?;
    Ok(Json(user.into()))
}

pub(super) async fn change_password(context: RequestContext<NoQuery, JsonBody<PasswordIn>>) -> ApiResult<Done> {
    let PasswordIn { current_password, new_password } = &context.body.0;
    let (current, new) = (Secret::new(current_password.clone()), Secret::new(new_password.clone()));
    let (authenticator, credential) = (context.app.authenticator.clone(), context.credential()?);
    // As often as at a login: it is a guess like any other, and as dear.
    let user = context.acting(|tx| tx.actor().user().ok_or(Error::Forbidden("an API key has no password"))).await?;
    context.app.rate_limits.login(context.origin(None).ip_address, Some(&user.to_string())).await?;
    context.app.login_pool.blocking(move |_| authenticator.change_password(&credential, &current, &new)).await?;
    Ok(Done)
}

pub(super) async fn get(context: RequestContext<NoQuery, ()>) -> ApiResult<Tagged<UserOut>> {
    let whom = context.whom()?;
    let row = context
        .acting(move |tx| {
            let user = whom.id(tx)?;
            get_user(tx, user)
        })
        .await?;
    Ok(Tagged(row.version(), row.into()))
}

pub(super) async fn change(context: RequestContext<NoQuery, JsonBody<UserChange>>) -> ApiResult<Tagged<UserOut>> {
    let (whom, expected, body) = (context.whom()?, context.if_match()?, &context.body.0);
    let patch = UserPatch {
        email: body.email.clone().map(|email| email.0),
        role: body.role.map(|role| role.0),
        is_active: body.is_active,
        ..UserPatch::default()
    };
    let tells = patch.email.is_some();
    let proof = match &body.current_password {
        Some(password) if tells => shown_again(&context, whom, password).await?,
        _ => None,
    };
    let work = move |tx: &mut TenantTx<'_>| {
        let user = whom.id(tx)?;
        tx.must_for(user, nmc_core::access::Permission::UsersWrite)?;
        must_match(expected.as_ref(), tx.users().lock(user)?.version(), "user")?;
        match &proof {
            Some(proof) => change_own_user(tx, proof, &patch),
            None => change_user(tx, user, &patch),
        }
    };
    let row = if tells { telling_of_others(&context, work).await? } else { context.acting(work).await? };
    Ok(Tagged(row.version(), row.into()))
}

/// Checks the password of whoever asks, if it is their own account that the path names.
async fn shown_again<B>(context: &RequestContext<NoQuery, B>, whom: Whom, password: &str) -> ApiResult<Option<PasswordProof>> {
    let own = context.acting(move |tx| Ok(tx.actor().user().filter(|user| whom.id(tx).is_ok_and(|id| id == *user)))).await?;
    let Some(user) = own else { return Ok(None) };
    context.app.rate_limits.login(context.origin(None).ip_address, Some(&user.to_string())).await?;
    let (authenticator, credential, password) = (context.app.authenticator.clone(), context.credential()?, Secret::new(password));
    context.app.login_pool.blocking(move |_| authenticator.prove_again(&credential, &password)).await.map(Some)
}
