//! Who may do what (the roles of users, the scopes of API keys): one table, from which the server, its
//! OpenAPI document, `docs/ROLES.md` and the tests are made.

use crate::{Error, Result, UserRole};
use UserRole::{Admin, Operator, Owner, User, Viewer};

macro_rules! permissions {
    ($($variant:ident = $label:literal, $what:literal, [$($role:ident),*];)*) => {
        /// The permission for something that not everybody may do. What people do to their own account needs none.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        pub enum Permission {
            $(#[doc = $what] $variant,)*
        }

        impl Permission {
            /// Every permission, in the order of the table.
            pub const ALL: &'static [Self] = &[$(Self::$variant),*];

            /// The name of the permission, which is also the scope that gives it to an API key.
            #[must_use]
            pub const fn label(self) -> &'static str {
                match self { $(Self::$variant => $label),* }
            }

            /// The act that the permission allows, in words that follow "may".
            #[must_use]
            pub const fn what(self) -> &'static str {
                match self { $(Self::$variant => $what),* }
            }

            /// The refusal to an API key that lacks the scope.
            pub(crate) const fn not_of_the_key(self) -> &'static str {
                match self { $(Self::$variant => concat!("this API key lacks the scope ", $label)),* }
            }

            /// The refusal to a person whose role lacks the permission.
            pub(crate) const fn not_of_the_role(self) -> &'static str {
                match self { $(Self::$variant => concat!("your role does not allow that: it lacks ", $label)),* }
            }

            /// The roles that have the permission.
            #[must_use]
            pub const fn roles(self) -> &'static [UserRole] {
                match self { $(Self::$variant => &[$($role),*]),* }
            }
        }
    };
}

permissions! {
    TenantRead = "tenant:read", "see the business, its hours, holidays and how far its onboarding is", [Owner, Admin, Operator, User, Viewer];
    TenantWrite = "tenant:write", "change the business and its holidays, and go on with its onboarding", [Owner, Admin];
    SettingsRead = "settings:read", "see the settings and preview the greeting", [Owner, Admin, Operator, User, Viewer];
    SettingsWrite = "settings:write", "change the settings and approve the greeting", [Owner, Admin];
    NumbersRead = "numbers:read", "see the phone numbers", [Owner, Admin, Operator, User, Viewer];
    NumbersWrite = "numbers:write", "search for phone numbers, buy, configure and release them", [Owner, Admin];
    NumbersCosts = "numbers:costs", "see what the phone numbers cost", [Owner, Admin];
    ConsentsRead = "consents:read", "see who may be texted", [Owner, Admin, Operator, User, Viewer];
    ConsentsWrite = "consents:write", "record who may be texted, and settle texts that may be opt-outs", [Owner, Admin, Operator, User];
    ConversationsRead = "conversations:read", "see the conversations and what happened in them", [Owner, Admin, Operator, User, Viewer];
    ConversationsWrite = "conversations:write", "open, change, assign, tag, resolve and close conversations", [Owner, Admin, Operator, User];
    MessagesRead = "messages:read", "see texts and their pictures", [Owner, Admin, Operator, User, Viewer];
    CallsRead = "calls:read", "see the calls and what is noted about them", [Owner, Admin, Operator, User, Viewer];
    CallsWrite = "calls:write", "put right what is known about calls, and note more", [Owner, Admin, Operator, User];
    CallsImport = "calls:import", "import call logs", [Owner, Admin];
    CustomersRead = "customers:read", "see all that is known about a customer", [Owner, Admin, Operator, User, Viewer];
    CustomersExport = "customers:export", "export all that the business has about a customer", [Owner, Admin];
    CustomersDelete = "customers:delete", "delete customers and conversations for good", [Owner, Admin];
    MessagesWrite = "messages:write", "answer customers by text", [Owner, Admin, Operator, User];
    AlertsRead = "alerts:read", "see the alerts and what became of them", [Owner, Admin, Operator, User, Viewer];
    AlertsWrite = "alerts:write", "acknowledge, snooze, wake and resolve alerts", [Owner, Admin, Operator, User];
    AlertRulesRead = "alert-rules:read", "see the rules that raise alerts", [Owner, Admin, Operator, User, Viewer];
    AlertRulesWrite = "alert-rules:write", "add, change and remove rules that raise alerts", [Owner, Admin];
    AlertContactsRead = "alert-contacts:read", "see who is told of alerts, and where", [Owner, Admin];
    AlertContactsWrite = "alert-contacts:write", "add, change and remove those whom alerts are passed on to", [Owner, Admin];
    MeasurementsRead = "measurements:read", "see what was measured", [Owner, Admin, Operator, User, Viewer];
    ReportsRead = "reports:read", "see reports, with what people did and what it cost", [Owner, Admin, Operator];
    ReportsWrite = "reports:write", "make, schedule and remove reports", [Owner, Admin];
    MeasurementsWrite = "measurements:write", "record what the business measures itself", [Owner, Admin];
    AnalyticsRead = "analytics:read", "see figures, key figures and what they are computed of", [Owner, Admin, Operator, User, Viewer];
    AnalyticsWrite = "analytics:write", "set targets, tell what became of calls and conversations, and have figures computed anew", [Owner, Admin];
    JobsRead = "jobs:read", "see the jobs of analytics", [Owner, Admin, Operator, User, Viewer];
    JobsWrite = "jobs:write", "cancel and retry the jobs of analytics", [Owner, Admin];
    EventsRead = "events:read", "be told live which rows change", [Owner, Admin, Operator, User, Viewer];
    UsersRead = "users:read", "see everybody's account", [Owner, Admin, Operator];
    UsersWrite = "users:write", "invite, change and deactivate people of no higher role than one's own", [Owner, Admin];
    ProfilesRead = "profiles:read", "see everybody's profile and photo", [Owner, Admin, Operator, User, Viewer];
    ProfilesWrite = "profiles:write", "change the profile and photo of people of no higher role", [Owner, Admin];
    PreferencesRead = "preferences:read", "see everybody's preferences", [Owner, Admin];
    PreferencesWrite = "preferences:write", "change the preferences of people of no higher role", [Owner, Admin];
    StatusRead = "status:read", "see who is there", [Owner, Admin, Operator, User, Viewer];
    StatusWrite = "status:write", "change the status of people of no higher role", [Owner, Admin];
    SessionsRead = "sessions:read", "see everybody's sessions", [Owner, Admin];
    SessionsEnd = "sessions:end", "end the sessions of people of no higher role", [Owner, Admin];
    ApiKeysRead = "api-keys:read", "see the API keys, without their secrets", [Owner, Admin];
    ApiKeysWrite = "api-keys:write", "make, change, rotate and revoke API keys that may do no more than oneself", [Owner, Admin];
}

impl Permission {
    /// Whether a role has the permission.
    #[must_use]
    pub fn is_of(self, role: UserRole) -> bool {
        self.roles().contains(&role)
    }
}

impl std::fmt::Display for Permission {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(self.label())
    }
}

impl std::str::FromStr for Permission {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        Self::ALL.iter().copied().find(|known| known.label() == text).ok_or_else(|| {
            let known: Vec<&str> = Self::ALL.iter().map(|known| known.label()).collect();
            Error::invalid("scopes", format!("must be among: {}", known.join(", ")))
        })
    }
}

impl UserRole {
    /// How high a role stands: nobody grants, or acts on somebody of, a higher one than their own.
    #[must_use]
    pub const fn rank(self) -> u8 {
        match self {
            Owner => 4,
            Admin => 3,
            Operator => 2,
            User => 1,
            Viewer => 0,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_are_unique_and_parse_back() {
        for permission in Permission::ALL {
            assert_eq!(permission.label().parse::<Permission>().ok(), Some(*permission));
        }
        assert!("users".parse::<Permission>().is_err());
    }

    #[test]
    fn a_higher_role_may_do_all_that_a_lower_one_may() {
        for permission in Permission::ALL {
            for (role, higher) in UserRole::ALL.iter().flat_map(|a| UserRole::ALL.iter().map(move |b| (a, b))) {
                assert!(higher.rank() < role.rank() || !permission.is_of(*role) || permission.is_of(*higher), "{permission}");
            }
        }
    }
}
