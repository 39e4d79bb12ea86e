//! Whom reports are mailed to, and who would get none, as they are now.

use super::report_mail::ReportMails;
use super::report_schedule::ReportSchedule;
use crate::access::NO_PASSWORD;
use crate::permission::Permission;
use crate::schema::{user_preferences, users};
use crate::{Email, Result, UserId, UserRole};
use diesel::prelude::*;
use std::fmt;

/// The roles that get reports unless users are named.
const IN_CHARGE: [UserRole; 2] = [UserRole::Owner, UserRole::Admin];

/// The most owners and administrators that are looked at, those with verified addresses first.
const MOST_IN_CHARGE: i64 = 200;

/// A user whom a report is meant for.
#[derive(Debug, Queryable)]
pub(crate) struct ReportReader {
    pub(crate) id: UserId,
    pub(crate) email: Email,
    is_active: bool,
    is_verified: bool,
    has_password: bool,
    role: UserRole,
    /// Whether they want mails; yes for a user without preferences.
    wants: Option<bool>,
    pub(crate) first_name: Option<String>,
}

/// A reason why a report that is meant for a user is not mailed to them, as things are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unreached {
    /// The account is deactivated.
    Deactivated,
    /// The user has not accepted the invitation, nor is the address verified.
    NotAccepted,
    /// The address is not verified.
    Unverified,
    /// The user has switched off mails.
    NotWanted,
    /// The role of the user may not see reports.
    Role,
}

impl Unreached {
    /// Every reason.
    pub const ALL: &'static [Self] = &[Self::Deactivated, Self::NotAccepted, Self::Unverified, Self::NotWanted, Self::Role];

    /// The reason as it is written in JSON.
    #[must_use]
    pub const fn label(self) -> &'static str {
        match self {
            Self::Deactivated => "deactivated",
            Self::NotAccepted => "invitation_not_accepted",
            Self::Unverified => "address_not_verified",
            Self::NotWanted => "mails_not_wanted",
            Self::Role => "role_may_not_see_reports",
        }
    }

    /// The reason in words that follow the user.
    #[must_use]
    pub const fn words(self) -> &'static str {
        match self {
            Self::Deactivated => "is deactivated",
            Self::NotAccepted => "has not accepted the invitation",
            Self::Unverified => "has not verified the address",
            Self::NotWanted => "has switched off mails",
            Self::Role => "has a role that may not see reports",
        }
    }
}

impl fmt::Display for Unreached {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.label())
    }
}

impl std::str::FromStr for Unreached {
    type Err = crate::Error;

    fn from_str(text: &str) -> Result<Self> {
        let found = Self::ALL.iter().find(|reason| reason.label() == text);
        found.copied().ok_or_else(|| crate::Error::invalid("why", "must be one of the reasons why a report is not mailed"))
    }
}

/// A user who would get none of a schedule's reports, as things are.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(not(feature = "testing"), non_exhaustive)]
pub struct UnreachedReader {
    /// The user.
    pub user: UserId,
    /// The address of the user.
    pub email: Email,
    /// The reason why they would get none.
    pub why: Unreached,
}

impl ReportReader {
    /// Why no report is mailed to them, if none is. `is_named`: the schedule names them.
    pub(super) fn unreached(&self, is_named: bool) -> Option<Unreached> {
        let may_see = IN_CHARGE.contains(&self.role) || is_named && Permission::ReportsRead.is_of(self.role);
        if !self.is_active {
            Some(Unreached::Deactivated)
        } else if !self.is_verified {
            Some(if self.has_password { Unreached::Unverified } else { Unreached::NotAccepted })
        } else if !self.wants.unwrap_or(true) {
            Some(Unreached::NotWanted)
        } else {
            (!may_see).then_some(Unreached::Role)
        }
    }
}

/// What is known of a user as a reader.
#[diesel::dsl::auto_type(no_type_alias)]
fn columns() -> _ {
    let none: &'static str = NO_PASSWORD;
    (
        users::id,
        users::email,
        users::is_active,
        users::email_verified,
        users::password_hash.ne(none),
        users::role,
        user_preferences::email_notifications_enabled.nullable(),
        users::first_name,
    )
}

/// Users with their preferences, if they have any.
#[diesel::dsl::auto_type(no_type_alias)]
fn with_preferences() -> _ {
    users::table.left_join(
        user_preferences::table.on(user_preferences::tenant_id.eq(users::tenant_id).and(user_preferences::user_id.eq(users::id))),
    )
}

impl ReportMails<'_> {
    /// These users.
    pub(super) fn readers(&mut self, ids: impl IntoIterator<Item = UserId>) -> Result<Vec<ReportReader>> {
        Ok(with_preferences()
            .filter(users::tenant_id.eq(self.0.tenant))
            .filter(users::id.eq_any(ids))
            .order(users::id)
            .select(columns())
            .load(self.0.conn)?)
    }

    /// Whom a schedule's reports are meant for: the users it names, or active owners and administrators.
    pub(super) fn meant(&mut self, schedule: &ReportSchedule) -> Result<Vec<ReportReader>> {
        if !schedule.user_ids.is_empty() {
            return self.readers(schedule.user_ids.iter().copied());
        }
        Ok(with_preferences()
            .filter(users::tenant_id.eq(self.0.tenant))
            .filter(users::is_active)
            .filter(users::role.eq_any(IN_CHARGE))
            .order((users::email_verified.desc(), users::id))
            .limit(MOST_IN_CHARGE)
            .select(columns())
            .load(self.0.conn)?)
    }

    /// Who would get none of a schedule's reports though they are meant for them, as things are, and why.
    ///
    /// # Errors
    /// [`crate::Error::Unavailable`] or [`crate::Error::Internal`].
    pub fn unreached(&mut self, schedule: &ReportSchedule) -> Result<Vec<UnreachedReader>> {
        let is_named = !schedule.user_ids.is_empty();
        let unreached = |reader: ReportReader| {
            let why = reader.unreached(is_named)?;
            Some(UnreachedReader { user: reader.id, email: reader.email, why })
        };
        Ok(self.meant(schedule)?.into_iter().filter_map(unreached).collect())
    }
}
