//! Profiles: how a user appears to others.

use super::user::User;
use crate::error::{found, touched_one};
use crate::page::{Cursor, Page, PageRequest, keyset};
use crate::schema::{user_profiles as profiles, users};
use crate::store::{Scope, TenantTx, stamped};
use crate::types::{named, named_if_given};
use crate::{Email, Error, Patch, PhoneNumber, ProfileId, Result, TenantId, Timezone, UserId, UserRole};
use chrono::{DateTime, Utc};
use diesel::dsl::exists;
use diesel::pg::Pg;
use diesel::prelude::*;

/// The most users who are looked at because they have one phone number.
const MOST_HOLDERS: i64 = 50;

/// One profile. E-mail and role are the user's.
#[derive(Debug, Clone, PartialEq, HasQuery)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[cfg_attr(not(feature = "testing"), non_exhaustive)]
#[diesel(table_name = profiles, check_for_backend(Pg))]
#[expect(missing_docs, reason = "the columns are documented in the schema")]
pub struct Profile {
    pub id: ProfileId,
    pub tenant_id: TenantId,
    pub user_id: UserId,
    pub email: Email,
    pub first_name: String,
    pub last_name: String,
    pub display_name: Option<String>,
    pub phone_number: Option<PhoneNumber>,
    pub profile_photo_url: Option<String>,
    pub timezone: Timezone,
    pub role: UserRole,
    pub is_active: bool,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
}

/// A profile to add. E-mail and role are copied from the user.
#[derive(Debug, Clone)]
pub struct NewProfile {
    /// The user whose profile it is.
    pub user_id: UserId,
    /// The given name; up to 100 characters.
    pub first_name: String,
    /// The family name; up to 100 characters.
    pub last_name: String,
    /// The name shown instead of both; up to 200 characters.
    pub display_name: Option<String>,
    /// The phone number at which to reach the user.
    pub phone_number: Option<PhoneNumber>,
    /// The user's time zone; the schema's default if left out.
    pub timezone: Option<Timezone>,
}

/// Changes of a profile. E-mail and role change with the user.
#[derive(Debug, Clone, Default)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct ProfilePatch {
    /// The given name; up to 100 characters.
    pub first_name: Option<String>,
    /// The family name; up to 100 characters.
    pub last_name: Option<String>,
    /// The name shown instead of both; up to 200 characters.
    pub display_name: Patch<String>,
    /// The phone number at which to reach the user.
    pub phone_number: Patch<PhoneNumber>,
    /// URL or stored path of the photo; up to 2,000 characters.
    pub profile_photo_url: Patch<String>,
    /// The user's time zone.
    pub timezone: Option<Timezone>,
    /// Whether the profile is shown.
    pub is_active: Option<bool>,
}

/// A filter of profiles. Empty means all.
#[derive(Debug, Clone, Default)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct ProfileFilter {
    /// The role of the users.
    pub role: Option<UserRole>,
    /// Whether the profiles are shown.
    pub is_active: Option<bool>,
}

/// The profiles of a tenant's users.
pub struct Profiles<'a>(Scope<'a>);

impl TenantTx<'_> {
    /// The profiles of the tenant's users.
    pub const fn profiles(&mut self) -> Profiles<'_> {
        Profiles(self.0.reborrow())
    }
}

fn filtered<'q, ST>(mut query: profiles::BoxedQuery<'q, Pg, ST>, filter: &ProfileFilter) -> profiles::BoxedQuery<'q, Pg, ST> {
    if let Some(role) = filter.role {
        query = query.filter(profiles::role.eq(role));
    }
    if let Some(active) = filter.is_active {
        query = query.filter(profiles::is_active.eq(active));
    }
    query
}

/// Insists that the user is this tenant's and has a profile, which then stays. Preferences and presence are unique by user
/// over all tenants: without this, another tenant's user would be told apart from one that nobody has.
pub(crate) fn must_have_profile(scope: &mut Scope<'_>, user: UserId) -> Result<()> {
    let id: Option<ProfileId> = profiles::table
        .filter(profiles::tenant_id.eq(scope.tenant))
        .filter(profiles::user_id.eq(user))
        .select(profiles::id)
        .for_key_share()
        .first(scope.conn)
        .optional()?;
    id.map(drop).ok_or_else(|| Error::invalid("user_id", "must be a user with a profile"))
}

impl Profiles<'_> {
    /// The profile, if it is there.
    ///
    /// # Errors
    /// [`Error::Unavailable`] or [`Error::Internal`].
    pub fn find(&mut self, id: ProfileId) -> Result<Option<Profile>> {
        Ok(Profile::query()
            .filter(profiles::tenant_id.eq(self.0.tenant))
            .filter(profiles::id.eq(id))
            .first(self.0.conn)
            .optional()?)
    }

    /// The profile with this id.
    ///
    /// # Errors
    /// [`Error::NotFound`].
    pub fn get(&mut self, id: ProfileId) -> Result<Profile> {
        found(self.find(id)?, "profile")
    }

    /// The user's profile, if they have one.
    ///
    /// # Errors
    /// As [`Self::find`].
    pub fn find_by_user(&mut self, user: UserId) -> Result<Option<Profile>> {
        Ok(Profile::query()
            .filter(profiles::tenant_id.eq(self.0.tenant))
            .filter(profiles::user_id.eq(user))
            .first(self.0.conn)
            .optional()?)
    }

    /// The user's profile.
    ///
    /// # Errors
    /// [`Error::NotFound`].
    pub fn get_by_user(&mut self, user: UserId) -> Result<Profile> {
        found(self.find_by_user(user)?, "profile")
    }

    /// The active users of the business who have this phone number in their profiles, the first account first; 50 at the most.
    pub(crate) fn list_holders(&mut self, phone: &PhoneNumber) -> Result<Vec<User>> {
        let holds = profiles::table
            .filter(profiles::tenant_id.eq(self.0.tenant))
            .filter(profiles::user_id.eq(users::id))
            .filter(profiles::phone_number.eq_any(phone.spellings()));
        Ok(User::query()
            .filter(users::tenant_id.eq(self.0.tenant))
            .filter(users::is_active)
            .filter(exists(holds))
            .order((users::created_at, users::id))
            .limit(MOST_HOLDERS)
            .load(self.0.conn)?)
    }

    /// The user's profile, which stays as it is until the transaction ends.
    ///
    /// # Errors
    /// [`Error::NotFound`].
    pub fn lock_by_user(&mut self, user: UserId) -> Result<Profile> {
        let query =
            Profile::query().filter(profiles::tenant_id.eq(self.0.tenant)).filter(profiles::user_id.eq(user)).for_update();
        found(query.first(self.0.conn).optional()?, "profile")
    }

    /// A page of profiles, newest first.
    ///
    /// # Errors
    /// As [`Self::find`].
    pub fn list(&mut self, filter: &ProfileFilter, page: PageRequest) -> Result<Page<Profile>> {
        let query = filtered(Profile::query().filter(profiles::tenant_id.eq(self.0.tenant)).into_boxed(), filter);
        let rows = keyset(query, page, profiles::created_at, profiles::id).load(self.0.conn)?;
        Ok(Page::from_rows(rows, page, |row: &Profile| Cursor { at: row.created_at, id: row.id.uuid() }))
    }

    /// The number of profiles that a filter finds.
    ///
    /// # Errors
    /// As [`Self::find`].
    pub fn count(&mut self, filter: &ProfileFilter) -> Result<i64> {
        let query = profiles::table.filter(profiles::tenant_id.eq(self.0.tenant)).count();
        Ok(filtered(query.into_boxed(), filter).get_result(self.0.conn)?)
    }

    /// Adds a user's profile, with the e-mail and the role that the user has.
    ///
    /// # Errors
    /// [`Error::Conflict`] when the user has one, [`Error::Invalid`] on a broken rule or when there is no such user.
    pub fn create(&mut self, new: &NewProfile) -> Result<Profile> {
        // A change of the user waits for this transaction, and then finds the profile; or this one waits for it.
        let user: Option<(Email, UserRole)> = users::table
            .filter(users::tenant_id.eq(self.0.tenant))
            .filter(users::id.eq(new.user_id))
            .select((users::email, users::role))
            .for_share()
            .first(self.0.conn)
            .optional()?;
        let (email, role) = user.ok_or_else(|| Error::missing("user_id", "user"))?;
        let id = ProfileId::new(self.0.moment.id());
        Ok(diesel::insert_into(profiles::table)
            .values((
                profiles::user_id.eq(new.user_id),
                profiles::email.eq(email),
                profiles::role.eq(role),
                profiles::first_name.eq(named("first_name", &new.first_name, 100)?),
                profiles::last_name.eq(named("last_name", &new.last_name, 100)?),
                profiles::display_name.eq(named_if_given("display_name", new.display_name.as_deref(), 200)?),
                profiles::phone_number.eq(&new.phone_number),
                new.timezone.map(|zone| profiles::timezone.eq(zone)),
                stamped!(profiles, self.0, id),
            ))
            .returning(Profile::as_returning())
            .get_result(self.0.conn)?)
    }

    /// Changes a profile.
    ///
    /// # Errors
    /// [`Error::NotFound`], or [`Error::Invalid`] on a broken rule.
    pub fn update(&mut self, id: ProfileId, patch: &ProfilePatch) -> Result<Profile> {
        let first_name = patch.first_name.as_deref().map(|name| named("first_name", name, 100)).transpose()?;
        let last_name = patch.last_name.as_deref().map(|name| named("last_name", name, 100)).transpose()?;
        let row = diesel::update(profiles::table)
            .filter(profiles::tenant_id.eq(self.0.tenant))
            .filter(profiles::id.eq(id))
            .set((
                first_name.map(|value| profiles::first_name.eq(value)),
                last_name.map(|value| profiles::last_name.eq(value)),
                patch.display_name.name("display_name", 200)?.map(|value| profiles::display_name.eq(value)),
                patch.phone_number.clone().into_change().map(|value| profiles::phone_number.eq(value)),
                patch.profile_photo_url.text("profile_photo_url", 2_000)?.map(|value| profiles::profile_photo_url.eq(value)),
                patch.timezone.map(|value| profiles::timezone.eq(value)),
                patch.is_active.map(|value| profiles::is_active.eq(value)),
                profiles::updated_at.eq(self.0.now()),
            ))
            .returning(Profile::as_returning())
            .get_result(self.0.conn)
            .optional()?;
        found(row, "profile")
    }

    /// Removes a profile, and with it the user's preferences and presence. The user stays.
    ///
    /// # Errors
    /// [`Error::NotFound`].
    pub fn delete(&mut self, id: ProfileId) -> Result<()> {
        let rows = diesel::delete(profiles::table)
            .filter(profiles::tenant_id.eq(self.0.tenant))
            .filter(profiles::id.eq(id))
            .execute(self.0.conn)?;
        touched_one(rows, "profile")
    }

    /// Gives the profile, if there is one, the user's e-mail and role. The caller holds the user's row.
    pub(crate) fn follow(&mut self, user: UserId, email: &Email, role: UserRole) -> Result<()> {
        diesel::update(profiles::table)
            .filter(profiles::tenant_id.eq(self.0.tenant))
            .filter(profiles::user_id.eq(user))
            .set((profiles::email.eq(email), profiles::role.eq(role), profiles::updated_at.eq(self.0.now())))
            .execute(self.0.conn)?;
        Ok(())
    }
}
