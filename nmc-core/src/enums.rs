//! Every value list of the schema, once: variant ⇒ label. A test proves each list equal to its CHECK in the database.

use diesel::deserialize::{self, FromSql};
use diesel::pg::{Pg, PgValue};
use diesel::serialize::{self, IsNull, Output, ToSql};
use diesel::sql_types::Text;
use serde::{Deserialize, Serialize};
use std::io::Write;

macro_rules! text_enums {
    ($(
        $(#[$meta:meta])*
        $name:ident for [$($column:literal),+] {
            $($(#[$vmeta:meta])* $variant:ident = $label:literal,)+
        }
    )*) => {
        $(
            $(#[$meta])*
            #[derive(
                Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize,
                diesel::expression::AsExpression, diesel::deserialize::FromSqlRow,
            )]
            #[diesel(sql_type = Text)]
            pub enum $name {
                $($(#[$vmeta])* #[serde(rename = $label)] $variant,)+
            }

            impl $name {
                /// Every value, in the order of the list.
                pub const ALL: &'static [Self] = &[$(Self::$variant),+];

                /// The text stored in the database and sent over the wire.
                #[must_use]
                pub const fn label(self) -> &'static str {
                    match self { $(Self::$variant => $label),+ }
                }
            }

            impl std::fmt::Display for $name {
                fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                    f.pad(self.label())
                }
            }

            impl std::str::FromStr for $name {
                type Err = crate::Error;

                fn from_str(text: &str) -> Result<Self, Self::Err> {
                    match text {
                        $($label => Ok(Self::$variant),)+
                        _ => Err(crate::Error::invalid(
                            stringify!($name),
                            concat!("must be one of:" $(, " ", $label)+),
                        )),
                    }
                }
            }

            impl ToSql<Text, Pg> for $name {
                fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, Pg>) -> serialize::Result {
                    out.write_all(self.label().as_bytes())?;
                    Ok(IsNull::No)
                }
            }

            impl FromSql<Text, Pg> for $name {
                fn from_sql(value: PgValue<'_>) -> deserialize::Result<Self> {
                    let text = std::str::from_utf8(value.as_bytes())?;
                    text.parse().map_err(|_| {
                        format!("{text:?} is not a {}", stringify!($name)).into()
                    })
                }
            }
        )*

        /// The columns (`table.column`) of each list ⇒ the labels their CHECKs must list.
        #[cfg(feature = "testing")]
        pub(crate) const VALUE_LISTS: &[(&[&str], &[&str])] = &[
            $((&[$($column),+], &[$($label),+]),)*
        ];
    };
}

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

    /// The time span one metric point stands for.
    AggregationLevel for ["analytics_metrics.aggregation_level"] {
        /// A single observation.
        Raw = "raw",
        /// An hour.
        Hourly = "hourly",
        /// A day.
        Daily = "daily",
        /// A week.
        Weekly = "weekly",
        /// A month.
        Monthly = "monthly",
    }

    /// A call as the reports count it: its outcome, or `completed` where it has none.
    CallAnalyticsStatus for ["call_analytics.call_status"] {
        /// A person of the business talked to the caller.
        Answered = "answered",
        /// Nobody took the call.
        Missed = "missed",
        /// The call ended, and has no outcome.
        Completed = "completed",
        /// The call could not be connected.
        Failed = "failed",
        /// A machine took the call.
        Voicemail = "voicemail",
        /// The caller hung up while it rang.
        Abandoned = "abandoned",
        /// Spam, or the tenant's own number.
        Blocked = "blocked",
    }

    /// The direction of a call, seen from the business.
    CallDirection for ["calls.call_direction"] {
        /// A customer calls the business.
        Inbound = "inbound",
        /// The business calls a customer.
        Outbound = "outbound",
    }

    /// The outcome of an inbound call, decided when it ends.
    CallOutcome for ["calls.outcome"] {
        /// A person of the business talked to the caller.
        Answered = "answered",
        /// Nobody took the call.
        Missed = "missed",
        /// A machine took the call.
        Voicemail = "voicemail",
        /// The caller hung up while it rang.
        Abandoned = "abandoned",
        /// Spam, or the tenant's own number.
        Blocked = "blocked",
        /// The call could not be connected.
        Failed = "failed",
    }

    /// Twilio's status of a call.
    CallStatus for ["calls.call_status"] {
        /// Accepted by the provider.
        Initiated = "initiated",
        /// The call rings.
        Ringing = "ringing",
        /// Somebody or something has picked up.
        InProgress = "in-progress",
        /// Ended after being connected.
        Completed = "completed",
        /// The line was busy.
        Busy = "busy",
        /// Nobody picked up.
        NoAnswer = "no-answer",
        /// The call could not be connected.
        Failed = "failed",
        /// The caller hung up while it rang.
        Canceled = "canceled",
    }

    /// The kind of a call.
    CallType for ["calls.call_type"] {
        /// One caller, one callee.
        Voice = "voice",
        /// Several parties.
        Conference = "conference",
        /// Passed on to another number.
        Forwarded = "forwarded",
    }

    /// A customer's decision about being texted.
    ConsentAction for ["consents.action"] {
        /// No more texts.
        OptOut = "opt_out",
        /// Texts are welcome again.
        OptIn = "opt_in",
    }

    /// How a consent decision reached us.
    ConsentSource for ["consents.source"] {
        /// The customer texted a keyword.
        Keyword = "keyword",
        /// Staff recorded it by hand.
        Staff = "staff",
        /// The provider told us.
        Provider = "provider",
    }

    /// The channel on which a conversation began.
    ConversationChannel for ["conversations.channel"] {
        /// With a call.
        Phone = "phone",
        /// With a text.
        Sms = "sms",
        /// With an e-mail.
        Email = "email",
        /// On the web.
        Web = "web",
    }

    /// What happened in a conversation: the kinds of the source document (docs/SCHEMA.md), and below them ours.
    ConversationEventType for ["conversation_events.event_type"] {
        /// A call began.
        CallStarted = "call_started",
        /// A call ended.
        CallEnded = "call_ended",
        /// Staff wrote a note.
        NoteAdded = "note_added",
        /// The status moved.
        StatusChanged = "status_changed",
        /// The priority moved.
        PriorityChanged = "priority_changed",
        /// The conversation was given to someone.
        Assigned = "assigned",
        /// The conversation was taken from someone.
        Unassigned = "unassigned",
        /// A tag was added.
        TagAdded = "tag_added",
        /// A tag was removed.
        TagRemoved = "tag_removed",
        /// Name, e-mail or address of the customer changed.
        CustomerInfoUpdated = "customer_info_updated",
        /// The conversation was opened.
        Opened = "opened",
        /// The customer texted.
        MessageReceived = "message_received",
        /// A text to the customer was queued.
        MessageQueued = "message_queued",
        /// A text to the customer was given up.
        MessageFailed = "message_failed",
        /// A late fact changed what a call had been.
        OutcomeChanged = "outcome_changed",
        /// The customer wants no more texts.
        OptedOut = "opted_out",
        /// The customer wants texts again.
        OptedIn = "opted_in",
        /// A missed call was not answered by a text, for a reason.
        NotTexted = "not_texted",
        /// A text came that may be an opt-out; staff have to decide.
        ReviewRequested = "review_requested",
        /// Staff have decided about a text that might have been an opt-out.
        ReviewSettled = "review_settled",
        /// A call could not be forwarded to the business's phone.
        ForwardingFailed = "forwarding_failed",
    }

    /// How a forwarded call proves that a person took it, and not a voicemail.
    CallScreening for ["business_settings.call_screening"] {
        /// The forwarded leg is asked to press a key before it is connected.
        KeyPress = "key_press",
        /// The provider listens for an answering machine.
        MachineDetection = "machine_detection",
        /// Whatever answers counts as a person.
        Off = "none",
    }

    /// How a text travelled.
    MessageChannel for ["messages.channel"] {
        /// SMS or MMS.
        Sms = "sms",
        /// Rich Communication Services.
        Rcs = "rcs",
        /// WhatsApp.
        Whatsapp = "whatsapp",
    }

    /// How far a picture of a text has come.
    MediaStatus for ["message_media.status"] {
        /// The file's bytes are still to be fetched from the provider.
        Waiting = "waiting",
        /// The file's bytes are kept here.
        Kept = "kept",
        /// The file's bytes can't be kept: gone, too large, or of a kind that is not kept.
        Unavailable = "unavailable",
    }

    /// How urgent a conversation is.
    ConversationPriority for ["conversations.priority"] {
        /// The conversation can wait.
        Low = "low",
        /// In turn.
        Normal = "normal",
        /// Before others.
        High = "high",
        /// At once.
        Urgent = "urgent",
    }

    /// How far a conversation has come. `active` and `waiting` are open.
    ConversationStatus for ["conversations.status"] {
        /// Somebody should act.
        Active = "active",
        /// The customer should act.
        Waiting = "waiting",
        /// The matter is settled.
        Resolved = "resolved",
        /// Put away.
        Closed = "closed",
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

    /// The result of a lead that called.
    ConversionStatus for ["call_analytics.conversion_status"] {
        /// The lead became a job.
        Converted = "converted",
        /// The lead may become a job.
        Qualified = "qualified",
        /// The lead went elsewhere.
        Lost = "lost",
        /// Not known yet.
        Pending = "pending",
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

    /// Twilio's status of the leg that forwards a call to the business.
    ForwardedLegStatus for ["calls.forwarded_leg_status"] {
        /// The leg was taken and has ended.
        Completed = "completed",
        /// The leg was taken.
        Answered = "answered",
        /// Busy.
        Busy = "busy",
        /// Not taken.
        NoAnswer = "no-answer",
        /// Not connected.
        Failed = "failed",
        /// Given up before it was taken.
        Canceled = "canceled",
    }

    /// How far an analytics job has come.
    JobStatus for ["analytics_processing_jobs.status"] {
        /// Waits for a worker.
        Pending = "pending",
        /// A worker has it.
        Processing = "processing",
        /// Done.
        Completed = "completed",
        /// Given up.
        Failed = "failed",
    }

    /// The kind of analytics job.
    JobType for ["analytics_processing_jobs.job_type"] {
        /// Rolls points up.
        Aggregation = "aggregation",
        /// Computes KPIs.
        KpiCalculation = "kpi_calculation",
        /// Looks for trends.
        TrendAnalysis = "trend_analysis",
        /// Writes a report.
        ReportGeneration = "report_generation",
    }

    /// The period of a KPI snapshot.
    KpiPeriod for ["kpi_snapshots.period_type"] {
        /// An hour.
        Hourly = "hourly",
        /// A day.
        Daily = "daily",
        /// A week.
        Weekly = "weekly",
        /// A month.
        Monthly = "monthly",
    }

    /// The direction of a text, seen from the business.
    MessageDirection for ["messages.message_direction"] {
        /// From the customer.
        Inbound = "inbound",
        /// To the customer.
        Outbound = "outbound",
    }

    /// The reason why a text exists.
    MessageKind for ["messages.message_kind"] {
        /// The first word after a missed call.
        Greeting = "greeting",
        /// The answer to a keyword such as HELP.
        KeywordReply = "keyword_reply",
        /// Written by a person or the assistant.
        Message = "message",
    }

    /// Twilio's status of a text. A `queued` outbound row is our outbox.
    MessageStatus for ["messages.message_status"] {
        /// Waits for our worker.
        Queued = "queued",
        /// The provider sends it later.
        Scheduled = "scheduled",
        /// The provider has it.
        Accepted = "accepted",
        /// The provider hands it to the carrier.
        Sending = "sending",
        /// The carrier has it.
        Sent = "sent",
        /// The text arrived.
        Delivered = "delivered",
        /// The carrier could not deliver it.
        Undelivered = "undelivered",
        /// The text was not sent.
        Failed = "failed",
        /// The text was called off before it was sent.
        Canceled = "canceled",
        /// Inbound, on its way.
        Receiving = "receiving",
        /// Inbound, here.
        Received = "received",
        /// The recipient has opened it.
        Read = "read",
        /// Some recipients have it.
        PartiallyDelivered = "partially_delivered",
    }

    /// The type a metadata value was declared with.
    MetadataType for ["call_metadata.metadata_type"] {
        /// Any text.
        String = "string",
        /// A decimal number.
        Number = "number",
        /// `true` or `false`.
        Boolean = "boolean",
        /// A JSON document.
        Json = "json",
    }

    /// The kind of thing that a metric measures.
    MetricType for ["analytics_metrics.metric_type"] {
        /// Calls.
        Call = "call",
        /// Conversations.
        Conversation = "conversation",
        /// Money.
        Revenue = "revenue",
        /// How well the business does.
        Performance = "performance",
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

    /// How far a phone number has come.
    NumberStatus for ["phone_numbers.status"] {
        /// In use.
        Active = "active",
        /// Held, not in use.
        Inactive = "inactive",
        /// The intent to buy it is recorded.
        Provisioning = "provisioning",
        /// Something went wrong; the row says what.
        Error = "error",
        /// Given back.
        Released = "released",
    }

    /// The kind of a phone number.
    NumberType for ["phone_numbers.number_type"] {
        /// Geographic.
        Local = "local",
        /// Free for the caller.
        TollFree = "toll-free",
        /// Mobile.
        Mobile = "mobile",
    }

    /// A party's part in a call.
    ParticipantType for ["call_participants.participant_type"] {
        /// Who calls.
        Caller = "caller",
        /// Who is called.
        Callee = "callee",
        /// A person of the business.
        Agent = "agent",
        /// The assistant.
        AiAssistant = "ai-assistant",
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

    /// The format of a report.
    ReportFormat for ["analytics_reports.format"] {
        /// JSON.
        Json = "json",
        /// Comma-separated values.
        Csv = "csv",
        /// PDF.
        Pdf = "pdf",
    }

    /// How a conversation ended, as the reports count it.
    ResolutionStatus for ["conversation_analytics.resolution_status"] {
        /// The matter is settled.
        Resolved = "resolved",
        /// The conversation was passed on to a person.
        Escalated = "escalated",
        /// The customer went silent.
        Abandoned = "abandoned",
        /// The conversation goes on.
        InProgress = "in_progress",
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

    /// What is measured of streams of events.
    ConnectionMetricName for ["connection_metrics.metric_name"] {
        /// Streams that are open at one server.
        ConcurrentConnections = "concurrent_connections",
        /// The seconds that a stream was open.
        ConnectionDuration = "connection_duration",
        /// The events that a stream was sent.
        EventsSent = "events_sent",
    }

    /// What happened to a stream of events.
    WebsocketEventType for ["websocket_events.event_type"] {
        /// It began.
        Connect = "connect",
        /// It ended.
        Disconnect = "disconnect",
        /// Its client has entered a room.
        JoinRoom = "join_room",
        /// Its client has left a room.
        LeaveRoom = "leave_room",
        /// Its client has told the others in a room something.
        Broadcast = "broadcast",
    }

    /// The kind of change that an event of a business's stream tells of.
    StreamEventKind for ["stream_events.kind"] {
        /// An alert was raised.
        AlertCreated = "alert.created",
        /// An alert has changed.
        AlertUpdated = "alert.updated",
        /// A call was recorded.
        CallCreated = "call.created",
        /// A call, its participants or what else is known of it has changed.
        CallUpdated = "call.updated",
        /// A person's decision about being texted was recorded.
        ConsentRecorded = "consent.recorded",
        /// A conversation was opened.
        ConversationCreated = "conversation.created",
        /// A conversation has changed, or its log has grown.
        ConversationUpdated = "conversation.updated",
        /// A text came in, or was queued.
        MessageCreated = "message.created",
        /// A text or its media have changed.
        MessageUpdated = "message.updated",
        /// A phone number was taken on, or has changed.
        NumberChanged = "number.changed",
        /// A user came, went, or says something else of being reachable.
        PresenceChanged = "presence.changed",
    }

    /// Whether a business may use the platform.
    TenantStatus for ["tenants.status"] {
        /// The business may use the platform.
        Active = "active",
        /// The business left.
        Inactive = "inactive",
        /// The business was stopped.
        Suspended = "suspended",
        /// The business has not begun.
        Pending = "pending",
    }

    /// The direction in which a KPI is heading.
    TrendDirection for ["kpi_snapshots.trend_direction"] {
        /// Up.
        Up = "up",
        /// Down.
        Down = "down",
        /// Level.
        Stable = "stable",
        /// For the better.
        Improving = "improving",
        /// For the worse.
        Declining = "declining",
    }

    /// The role of a user, which says what they may do.
    UserRole for ["users.role", "user_profiles.role"] {
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
