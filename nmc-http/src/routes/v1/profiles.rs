use crate::api::lists::List;
use crate::api::reply::{Json, PageOut, Picture, Tagged};
use crate::api::request::{JsonBody, NoQuery, RawBody, RequestContext, must_match};
use crate::api::wire::{Change, Text, given, text};
use crate::error::ApiResult;
use chrono::{DateTime, Utc};
use nmc_core::Uploads;
use nmc_core::access::Permission;
use nmc_core::people::{Photo, Profile, ProfileFilter, ProfilePatch, change_profile, forget_photo, may_change, set_photo as set};
use nmc_core::{Error, Tenant, TenantId, Version};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

const LIST: List = List("profiles");

/// A user's profile: how they appear to others.
#[derive(Serialize, ToSchema)]
pub(crate) struct ProfileOut {
    user_id: text::UserId,
    email: text::Email,
    first_name: String,
    last_name: String,
    /// The name that is shown instead of first and last name.
    display_name: Option<String>,
    phone_number: Option<text::PhoneNumber>,
    /// The path of the photo, if there is one.
    photo: Option<String>,
    timezone: text::Timezone,
    role: text::UserRole,
    /// Whether the profile is shown.
    is_active: bool,
    created_at: DateTime<Utc>,
    updated_at: DateTime<Utc>,
}

impl From<Profile> for ProfileOut {
    fn from(row: Profile) -> Self {
        Self {
            photo: row.profile_photo_url.map(|_| format!("/v1/users/{}/profile/photo", row.user_id)),
            user_id: Text(row.user_id),
            email: Text(row.email),
            first_name: row.first_name,
            last_name: row.last_name,
            display_name: row.display_name,
            phone_number: row.phone_number.map(Text),
            timezone: Text(row.timezone),
            role: Text(row.role),
            is_active: row.is_active,
            created_at: row.created_at,
            updated_at: row.updated_at,
        }
    }
}

/// The filter of a list of profiles.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub(crate) struct ProfileQuery {
    /// The role of the users.
    #[param(inline, value_type = Option<text::UserRole>)]
    role: Option<text::UserRole>,
    /// Whether the profiles are shown (true), or not (false).
    is_active: Option<bool>,
    /// The most rows of the page, 1 to 200; 50 if left out.
    #[param(minimum = 1, maximum = 200)]
    limit: Option<u16>,
    /// The cursor of the page: `next` of the page before; the first page if left out.
    #[param(pattern = "^[A-Za-b][A-Za-z0-9_-]{31}[0-9a-f]{6}$")]
    after: Option<String>,
}

/// Changes of a user's profile. First and last name change in the account, too; e-mail and role change only with the account.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ProfileChange {
    #[serde(default, deserialize_with = "given")]
    #[schema(max_length = 100, nullable = false)]
    first_name: Option<String>,
    #[serde(default, deserialize_with = "given")]
    #[schema(max_length = 100, nullable = false)]
    last_name: Option<String>,
    #[serde(default)]
    #[schema(value_type = Option<String>, max_length = 200)]
    display_name: Change<String>,
    #[serde(default)]
    #[schema(value_type = Option<text::PhoneNumber>)]
    phone_number: Change<text::PhoneNumber>,
    #[serde(default, deserialize_with = "given")]
    #[schema(nullable = false)]
    timezone: Option<text::Timezone>,
    #[serde(default, deserialize_with = "given")]
    #[schema(nullable = false)]
    is_active: Option<bool>,
}

pub(super) async fn list(context: RequestContext<ProfileQuery, ()>) -> ApiResult<Json<PageOut<ProfileOut>>> {
    let page = LIST.page(context.query.limit, context.query.after.as_deref())?;
    let filter = ProfileFilter { role: context.query.role.map(|role| role.0), is_active: context.query.is_active };
    let rows = context.acting(move |tx| tx.profiles().list(&filter, page)).await?;
    Ok(Json(LIST.of(rows)))
}

pub(super) async fn get(context: RequestContext<NoQuery, ()>) -> ApiResult<Tagged<ProfileOut>> {
    let (_, row) = read(&context).await?;
    Ok(Tagged(Version::of(row.updated_at), row.into()))
}

async fn read(context: &RequestContext<NoQuery, ()>) -> ApiResult<(Tenant, Profile)> {
    let whom = context.whom()?;
    context
        .acting(move |tx| {
            let user = whom.id(tx)?;
            tx.must_for(user, Permission::ProfilesRead)?;
            Ok((tx.tenant(), tx.profiles().get_by_user(user)?))
        })
        .await
}

pub(super) async fn change(context: RequestContext<NoQuery, JsonBody<ProfileChange>>) -> ApiResult<Tagged<ProfileOut>> {
    let (whom, expected, body) = (context.whom()?, context.if_match()?, &context.body.0);
    let patch = ProfilePatch {
        first_name: body.first_name.clone(),
        last_name: body.last_name.clone(),
        display_name: body.display_name.0.clone(),
        phone_number: body.phone_number.clone().typed(),
        timezone: body.timezone.map(|zone| zone.0),
        is_active: body.is_active,
        ..ProfilePatch::default()
    };
    let row = context
        .acting(move |tx| {
            let user = whom.id(tx)?;
            may_change(tx, user, Permission::ProfilesWrite)?;
            must_match(expected.as_ref(), Version::of(tx.profiles().lock_by_user(user)?.updated_at), "profile")?;
            change_profile(tx, user, &patch)
        })
        .await?;
    Ok(Tagged(Version::of(row.updated_at), row.into()))
}

pub(super) async fn photo(context: RequestContext<NoQuery, ()>) -> ApiResult<Picture> {
    let (tenant, row) = read(&context).await?;
    let path = row.profile_photo_url.ok_or(Error::NotFound { entity: "photo" })?;
    let uploads = context.app.uploads.clone();
    let (bytes, media_type) = context.app.pool.blocking(move |_| uploads.open(&tenant, &path)).await?;
    Ok(Picture { bytes, media_type })
}

pub(super) async fn set_photo(context: RequestContext<NoQuery, RawBody>) -> ApiResult<Tagged<ProfileOut>> {
    // Who may not is told so before the picture costs anything.
    let tenant = may_change_photo(&context).await?;
    let turn = context.app.pictures.take(tenant).await?;
    let (uploads, bytes) = (context.app.uploads.clone(), context.body.0.clone());
    // The turn goes with the work: a client that hangs up does not end it before the work is done.
    let prepare = move |_: &_| {
        let photo = uploads.prepare(&bytes);
        drop(turn);
        photo
    };
    let photo = context.app.pool.blocking(prepare).await?;
    change_photo(&context, tenant, Some(photo)).await
}

pub(super) async fn remove_photo(context: RequestContext<NoQuery, ()>) -> ApiResult<Tagged<ProfileOut>> {
    let tenant = may_change_photo(&context).await?;
    change_photo(&context, tenant, None).await
}

async fn may_change_photo<B>(context: &RequestContext<NoQuery, B>) -> ApiResult<TenantId> {
    let whom = context.whom()?;
    context
        .acting(move |tx| {
            let user = whom.id(tx)?;
            may_change(tx, user, Permission::ProfilesWrite)?;
            Ok(tx.tenant().id())
        })
        .await
}

async fn change_photo<B>(
    context: &RequestContext<NoQuery, B>,
    tenant: TenantId,
    photo: Option<Photo>,
) -> ApiResult<Tagged<ProfileOut>> {
    let whom = context.whom()?;
    let uploads: Uploads = context.app.uploads.clone();
    // Few at a time: each has a connection while it waits for the disk.
    let turn = context.app.pictures.take(tenant).await?;
    let change = context
        .acting(move |tx| {
            let _turn = &turn;
            let user = whom.id(tx)?;
            may_change(tx, user, Permission::ProfilesWrite)?;
            set(tx, &uploads, user, photo.as_ref())
        })
        .await?;
    if let Some(path) = change.replaced {
        let uploads = context.app.uploads.clone();
        // The new photo is theirs, whatever becomes of the old one's file.
        if let Err(error) = context.acting(move |tx| forget_photo(tx, &uploads, &path)).await {
            tracing::warn!(%error, "a replaced photo stays behind");
        }
    }
    Ok(Tagged(Version::of(change.profile.updated_at), change.profile.into()))
}
