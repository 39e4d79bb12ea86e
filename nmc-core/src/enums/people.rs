//! The value lists of users.

text_enums! {
    /// What a mail about an account is for.
    AccountMailKind for ["account_mails.kind"] {
        /// To choose the first password.
        Invitation = "invitation",
        /// To choose another password.
        PasswordReset = "password_reset",
        /// To show that the address is the user's.
        Verification = "verification",
        /// To tell the address before that the account has another one.
        AddressChanged = "address_changed",
        /// To tell the owner that the business was approved.
        Approved = "approved",
    }

    /// What became of a mail about an account.
    AccountMailStatus for ["account_mails.status"] {
        /// It is still to be sent.
        Waiting = "waiting",
        /// The mail server has it.
        Sent = "sent",
        /// It was given up.
        Failed = "failed",
    }

    /// The start page of the dashboard.
    DashboardView for ["user_preferences.dashboard_default_view"] {
        /// Conversations.
        Conversations = "conversations",
        /// Calls.
        Calls = "calls",
        /// Analytics.
        Analytics = "analytics",
        /// Calendar.
        Calendar = "calendar",
    }

    /// A user's word on being reachable.
    PresenceStatus for ["user_status.current_status"] {
        /// Reachable.
        Available = "available",
        /// At work.
        Busy = "busy",
        /// Gone.
        Offline = "offline",
        /// Back soon.
        Away = "away",
    }

    /// The reason why a session ended.
    SessionEnd for ["user_sessions.ended_reason"] {
        /// The user left.
        Logout = "logout",
        /// The user left everywhere.
        LogoutAll = "logout_all",
        /// A spent token came back.
        Reuse = "reuse",
        /// The password changed.
        PasswordChanged = "password_changed",
        /// The session ran out.
        Expired = "expired",
        /// The tenant was suspended.
        Suspended = "suspended",
        /// The user was deactivated.
        Deactivated = "deactivated",
    }

    /// The role of a user, which says what they may do.
    UserRole for ["users.role", "users.password_role", "user_profiles.role"] {
        /// The business's owner.
        Owner = "owner",
        /// May administer.
        Admin = "admin",
        /// May handle calls and conversations.
        Operator = "operator",
        /// May work on their own.
        User = "user",
        /// May look.
        Viewer = "viewer",
    }
}
