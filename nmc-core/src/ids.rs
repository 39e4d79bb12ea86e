//! Every typed id, in one alphabetical registry. Two kinds of row can't be mixed up, and a bare UUID gets nowhere.

use diesel::deserialize::{self, FromSql};
use diesel::pg::{Pg, PgValue};
use diesel::serialize::{self, Output, ToSql};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

macro_rules! typed_ids {
    ($($name:ident, $what:literal;)*) => {$(
        #[doc = concat!("Identifies ", $what, ".")]
        #[derive(
            Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize,
            diesel::expression::AsExpression, diesel::deserialize::FromSqlRow,
        )]
        #[diesel(sql_type = diesel::sql_types::Uuid)]
        #[serde(transparent)]
        pub struct $name(Uuid);

        impl $name {
            /// Takes a UUID that is known to be this kind of id.
            #[must_use]
            pub const fn new(id: Uuid) -> Self {
                Self(id)
            }

            /// The UUID itself.
            #[must_use]
            pub const fn uuid(self) -> Uuid {
                self.0
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                self.0.fmt(f)
            }
        }

        impl std::str::FromStr for $name {
            type Err = crate::Error;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                Uuid::try_parse(text)
                    .map(Self)
                    .map_err(|_| crate::Error::invalid("id", "must be a UUID"))
            }
        }

        impl ToSql<diesel::sql_types::Uuid, Pg> for $name {
            fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, Pg>) -> serialize::Result {
                ToSql::<diesel::sql_types::Uuid, Pg>::to_sql(&self.0, out)
            }
        }

        impl FromSql<diesel::sql_types::Uuid, Pg> for $name {
            fn from_sql(value: PgValue<'_>) -> deserialize::Result<Self> {
                FromSql::<diesel::sql_types::Uuid, Pg>::from_sql(value).map(Self)
            }
        }
    )*};
}

typed_ids! {
    AccountMailId, "a mail about an account";
    AlertEventId, "an entry of an alert's history";
    AlertId, "an alert";
    AlertRuleId, "a rule that raises alerts";
    ApiKeyId, "a service's API key";
    BusinessSettingsId, "the settings row of a tenant";
    CallAnalyticsId, "the figures of a call";
    CallId, "a call";
    CallMetadataId, "a fact about a call";
    CallParticipantId, "a participant of a call";
    CatchUpMarkId, "how far the provider's lists have been read for a tenant";
    ConnectionMetricId, "a figure of streams of events";
    ConsentId, "an entry of the consent ledger";
    ConversationAnalyticsId, "the figures of a conversation";
    ConversationEventId, "an event of a conversation";
    ConversationId, "a conversation";
    ConversationReadId, "how far a user has read a conversation";
    ErasedSidId, "a call or text that was deleted for good";
    EscalationContactId, "someone an alert is passed on to";
    HolidayId, "a holiday of a business";
    JobId, "an analytics job";
    KpiSnapshotId, "a snapshot of a key figure";
    KpiTargetId, "a target of a key figure";
    LeaseId, "one claim of queued work by one worker";
    MediaId, "a picture, sound or document of a text";
    MeasurementId, "a recent value of a watched metric";
    MessageId, "a text message";
    MetricId, "a metric point";
    NotificationId, "a notification of an alert";
    PacingId, "the pace of a sending number";
    PhoneNumberId, "a phone number of a tenant";
    PreferencesId, "the preferences row of a user";
    PresenceId, "the presence row of a user";
    ProfileId, "the profile of a user";
    ReportId, "a report";
    ReportMailId, "a mail that brings a report";
    ReportScheduleId, "a report that is made by itself";
    SessionId, "a user's session";
    TenantId, "a tenant: one business";
    UserId, "a user of a tenant";
    WebsocketEventId, "an entry of the log of streams of events";
}
