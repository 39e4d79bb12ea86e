//! The value lists of alerts, their rules and notifications.

text_enums! {
    /// How far an alert has come.
    AlertStatus for ["alerts.status", "alert_history.old_status", "alert_history.new_status"] {
        /// Raised, nobody has reacted.
        Triggered = "triggered",
        /// Somebody has seen the alert.
        Acknowledged = "acknowledged",
        /// Handed to the next level.
        Escalated = "escalated",
        /// Over.
        Resolved = "resolved",
        /// Silenced until a time.
        Snoozed = "snoozed",
    }

    /// The kind of thing that happened to an alert.
    AlertEventType for ["alert_history.event_type"] {
        /// The alert was raised.
        Triggered = "triggered",
        /// The alert was seen.
        Acknowledged = "acknowledged",
        /// The alert went a level up.
        Escalated = "escalated",
        /// The alert ended.
        Resolved = "resolved",
        /// The alert was silenced.
        Snoozed = "snoozed",
        /// The alert's silence ended.
        Unsnoozed = "unsnoozed",
        /// The alert is not passed on any more, though nobody has seen to it.
        EscalationEnded = "escalation_ended",
        /// A notification reached its recipient.
        NotificationSent = "notification_sent",
        /// A notification did not reach its recipient.
        NotificationFailed = "notification_failed",
        /// Its condition came and went so often that it stays open until that is over.
        Flapping = "flapping",
    }

    /// The comparison an alert rule makes.
    AlertOperator for ["alert_rules.operator", "alerts.operator"] {
        /// Above the threshold.
        GreaterThan = "greater_than",
        /// Below the threshold.
        LessThan = "less_than",
        /// Exactly the threshold.
        Equals = "equals",
        /// Anything but the threshold.
        NotEquals = "not_equals",
    }

    /// How bad an alert is.
    AlertSeverity for ["alert_rules.severity", "alerts.severity"] {
        /// Worth knowing.
        Low = "low",
        /// Worth a look today.
        Medium = "medium",
        /// Worth a look now.
        High = "high",
        /// Worth waking someone.
        Critical = "critical",
    }

    /// The kind of contact that an escalation reaches.
    ContactType for ["escalation_contacts.contact_type"] {
        /// A user of the tenant.
        User = "user",
        /// An e-mail address.
        Email = "email",
        /// A phone.
        Phone = "phone",
        /// A URL.
        Webhook = "webhook",
    }

    /// What becomes of a rule whose metric is silent.
    NoDataPolicy for ["alert_rules.no_data_policy"] {
        /// Nothing: an open alert stays open.
        Keep = "keep",
        /// An alert is raised.
        Alert = "alert",
        /// An open alert is over.
        Ok = "ok",
    }

    /// How a notification travels.
    NotificationChannel for ["notifications.channel", "alert_rules.notification_channels"] {
        /// By e-mail.
        Email = "email",
        /// By text.
        Sms = "sms",
        /// By HTTP.
        Webhook = "webhook",
        /// On the dashboard.
        Dashboard = "dashboard",
    }

    /// How far a notification has come.
    NotificationStatus for ["notifications.status"] {
        /// Waits for a worker.
        Pending = "pending",
        /// The notification arrived.
        Delivered = "delivered",
        /// Given up.
        Failed = "failed",
        /// Waits for another attempt.
        Retrying = "retrying",
    }
}
