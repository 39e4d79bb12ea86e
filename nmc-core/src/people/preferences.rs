//! Preferences: what a user wants to be told, and how the dashboard opens for them.

use super::profile::must_have_profile;
use crate::error::{found, touched_one};
use crate::page::{Cursor, Page, PageRequest, keyset};
use crate::schema::user_preferences as preferences;
use crate::store::{Scope, TenantTx, stamped};
use crate::{DashboardView, PreferencesId, Result, TenantId, UserId};
use chrono::{DateTime, Utc};
use diesel::pg::Pg;
use diesel::prelude::*;

/// One user's preferences.
#[derive(Debug, Clone, PartialEq, HasQuery)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[cfg_attr(not(feature = "testing"), non_exhaustive)]
#[diesel(table_name = preferences, check_for_backend(Pg))]
#[expect(missing_docs, reason = "the columns are documented in the schema")]
pub struct Preferences {
    pub id: PreferencesId,
    pub tenant_id: TenantId,
    pub user_id: UserId,
    pub sms_notifications_enabled: bool,
    pub email_notifications_enabled: bool,
    pub push_notifications_enabled: bool,
    pub dashboard_sounds_enabled: bool,
    pub dashboard_default_view: DashboardView,
    pub dashboard_refresh_interval: i32,
    pub show_tutorial: bool,
    pub auto_response_enabled: bool,
    pub ai_takeover_notifications: bool,
    pub customer_response_timeout: i32,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
}

/// Changes of a user's preferences.
#[derive(Debug, Clone, Default, AsChangeset)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[diesel(table_name = preferences, check_for_backend(Pg))]
pub struct PreferencesPatch {
    /// Whether to notify by text message.
    pub sms_notifications_enabled: Option<bool>,
    /// Whether to notify by e-mail.
    pub email_notifications_enabled: Option<bool>,
    /// Whether to notify on the device.
    pub push_notifications_enabled: Option<bool>,
    /// Whether the dashboard plays sounds.
    pub dashboard_sounds_enabled: Option<bool>,
    /// The page at which the dashboard opens.
    pub dashboard_default_view: Option<DashboardView>,
    /// Seconds between two refreshes of the dashboard; at least 1.
    pub dashboard_refresh_interval: Option<i32>,
    /// Whether the introduction is still to be shown.
    pub show_tutorial: Option<bool>,
    /// Whether replies may go out on the user's behalf.
    pub auto_response_enabled: Option<bool>,
    /// Whether to say so when the AI takes a conversation over.
    pub ai_takeover_notifications: Option<bool>,
    /// Seconds a customer may wait for this user before help steps in; at least 1.
    pub customer_response_timeout: Option<i32>,
}

/// A filter of users' preferences, by the channels they want to be notified on. Empty means all.
#[derive(Debug, Clone, Default)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct PreferencesFilter {
    /// Whether the users want texts.
    pub sms: Option<bool>,
    /// Whether the users want e-mails.
    pub email: Option<bool>,
    /// Whether the users want notifications on the device.
    pub push: Option<bool>,
}

/// The preferences of a tenant's users, one row each.
pub struct PreferencesRepo<'a>(Scope<'a>);

impl TenantTx<'_> {
    /// The preferences of the tenant's users.
    pub const fn preferences(&mut self) -> PreferencesRepo<'_> {
        PreferencesRepo(self.0.reborrow())
    }
}

fn filtered<'q, ST>(
    mut query: preferences::BoxedQuery<'q, Pg, ST>,
    filter: &PreferencesFilter,
) -> preferences::BoxedQuery<'q, Pg, ST> {
    if let Some(on) = filter.sms {
        query = query.filter(preferences::sms_notifications_enabled.eq(on));
    }
    if let Some(on) = filter.email {
        query = query.filter(preferences::email_notifications_enabled.eq(on));
    }
    if let Some(on) = filter.push {
        query = query.filter(preferences::push_notifications_enabled.eq(on));
    }
    query
}

impl PreferencesRepo<'_> {
    /// The user's preferences, if they have any.
    ///
    /// # Errors
    /// [`crate::Error::Unavailable`] or [`crate::Error::Internal`].
    pub fn find(&mut self, user: UserId) -> Result<Option<Preferences>> {
        Ok(Preferences::query()
            .filter(preferences::tenant_id.eq(self.0.tenant))
            .filter(preferences::user_id.eq(user))
            .first(self.0.conn)
            .optional()?)
    }

    /// The user's preferences.
    ///
    /// # Errors
    /// [`crate::Error::NotFound`].
    pub fn get(&mut self, user: UserId) -> Result<Preferences> {
        found(self.find(user)?, "preferences")
    }

    /// The user's preferences, which stay as they are until the transaction ends.
    ///
    /// # Errors
    /// [`crate::Error::NotFound`].
    pub fn lock(&mut self, user: UserId) -> Result<Preferences> {
        let query = Preferences::query()
            .filter(preferences::tenant_id.eq(self.0.tenant))
            .filter(preferences::user_id.eq(user))
            .for_update();
        found(query.first(self.0.conn).optional()?, "preferences")
    }

    /// A page of preferences, newest first.
    ///
    /// # Errors
    /// As [`Self::find`].
    pub fn list(&mut self, filter: &PreferencesFilter, page: PageRequest) -> Result<Page<Preferences>> {
        let query = filtered(Preferences::query().filter(preferences::tenant_id.eq(self.0.tenant)).into_boxed(), filter);
        let rows = keyset(query, page, preferences::created_at, preferences::id).load(self.0.conn)?;
        Ok(Page::from_rows(rows, page, |row: &Preferences| Cursor { at: row.created_at, id: row.id.uuid() }))
    }

    /// The number of users' preferences that a filter finds.
    ///
    /// # Errors
    /// As [`Self::find`].
    pub fn count(&mut self, filter: &PreferencesFilter) -> Result<i64> {
        let query = preferences::table.filter(preferences::tenant_id.eq(self.0.tenant)).count();
        Ok(filtered(query.into_boxed(), filter).get_result(self.0.conn)?)
    }

    /// Gives a user the schema's defaults.
    ///
    /// # Errors
    /// [`crate::Error::Conflict`] when they have preferences, [`crate::Error::Invalid`] when they have no profile.
    pub fn create(&mut self, user: UserId) -> Result<Preferences> {
        must_have_profile(&mut self.0, user)?;
        let id = PreferencesId::new(self.0.moment.id());
        Ok(diesel::insert_into(preferences::table)
            .values((preferences::user_id.eq(user), stamped!(preferences, self.0, id)))
            .returning(Preferences::as_returning())
            .get_result(self.0.conn)?)
    }

    /// The user's preferences, which are the schema's defaults if they had none.
    ///
    /// # Errors
    /// [`crate::Error::Invalid`] when they have no profile.
    pub fn insert_if_missing(&mut self, user: UserId) -> Result<Preferences> {
        must_have_profile(&mut self.0, user)?;
        let id = PreferencesId::new(self.0.moment.id());
        diesel::insert_into(preferences::table)
            .values((preferences::user_id.eq(user), stamped!(preferences, self.0, id)))
            .on_conflict(preferences::user_id)
            .do_nothing()
            .execute(self.0.conn)?;
        self.get(user)
    }

    /// Changes a user's preferences.
    ///
    /// # Errors
    /// [`crate::Error::NotFound`], or [`crate::Error::Invalid`] on a broken rule.
    pub fn update(&mut self, user: UserId, patch: &PreferencesPatch) -> Result<Preferences> {
        let row = diesel::update(preferences::table)
            .filter(preferences::tenant_id.eq(self.0.tenant))
            .filter(preferences::user_id.eq(user))
            .set((patch, preferences::updated_at.eq(self.0.now())))
            .returning(Preferences::as_returning())
            .get_result(self.0.conn)
            .optional()?;
        found(row, "preferences")
    }

    /// Removes a user's preferences: the defaults hold again.
    ///
    /// # Errors
    /// [`crate::Error::NotFound`].
    pub fn delete(&mut self, user: UserId) -> Result<()> {
        let rows = diesel::delete(preferences::table)
            .filter(preferences::tenant_id.eq(self.0.tenant))
            .filter(preferences::user_id.eq(user))
            .execute(self.0.conn)?;
        touched_one(rows, "preferences")
    }
}
