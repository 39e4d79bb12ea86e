//! Values as they travel: typed ones as text, and the three things a PATCH can say of a field.

use super::serde_words;
use chrono::NaiveTime;
use nmc_core::access::Permission;
use nmc_core::analytics::Figures;
use nmc_core::numbers::Month;
use nmc_core::reports::ReportKind;
use nmc_core::workflows::SummaryPeriod;
use nmc_core::{
    AggregationLevel, AlertEventId, AlertEventType, AlertId, AlertOperator, AlertRuleId, AlertSeverity, AlertStatus, ApiKeyId,
    CallAnalyticsId, CallAnalyticsStatus, CallDirection, CallId, CallOutcome, CallParticipantId, CallScreening, CallStatus,
    CallType, CallerIdentity, ConsentAction, ConsentId, ConsentSource, ContactType, ConversationAnalyticsId, ConversationChannel,
    ConversationEventId, ConversationEventType, ConversationId, ConversationPriority, ConversationStatus, ConversionStatus,
    Country, DashboardView, Email, EscalationContactId, ForwardedLegStatus, JobId, JobStatus, JobType, KpiPeriod, KpiSnapshotId,
    MeasurementId, MediaStatus, MessageChannel, MessageDirection, MessageId, MessageKind, MessageStatus, MetadataType, MetricId,
    MetricType, NoDataPolicy, NotificationChannel, NotificationId, NotificationStatus, NumberStatus, NumberType, ParticipantType,
    Patch, PhoneNumber, PhoneNumberId, PresenceStatus, ReportId, ResolutionStatus, SessionId, StreamEventKind, TenantId,
    TenantStatus, Timezone, TrendDirection, UserId, UserRole,
};
use rust_decimal::Decimal;
use serde::de::value::MapAccessDeserializer;
use serde::de::{MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt::Display;
use std::marker::PhantomData;
use std::str::FromStr;
use utoipa::openapi::schema::{Object, ObjectBuilder, Type};
use utoipa::openapi::{Ref, RefOr, Schema, SchemaFormat};
use utoipa::{PartialSchema, ToSchema};

/// A value that travels as text, in the form the library gives it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Text<T>(pub(crate) T);

/// A value that travels as text, with what the OpenAPI document says of it.
pub(crate) trait Wire: Display + FromStr<Err = Self::Refusal> {
    /// The error that parsing the value returns.
    type Refusal;
    /// The value's name in the document.
    const NAME: &'static str;
    /// The rule to tell whoever breaks it, in words that follow the field's name.
    fn rule(refusal: &Self::Refusal) -> String;
    /// The value's schema.
    fn describe() -> Object;
}

impl<T: Wire> Serialize for Text<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&self.0)
    }
}

impl<'de, T: Wire> Deserialize<'de> for Text<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = Cow::<str>::deserialize(deserializer)?;
        text.parse().map(Self).map_err(|refusal| serde_words::refusal(T::rule(&refusal)))
    }
}

impl<T: Wire> PartialSchema for Text<T> {
    fn schema() -> RefOr<Schema> {
        T::describe().into()
    }
}

impl<T: Wire> ToSchema for Text<T> {
    fn name() -> Cow<'static, str> {
        T::NAME.into()
    }
}

/// The library's refusals name the type as their field; here the JSON pointer does.
fn core_rule(error: &nmc_core::Error) -> String {
    match error {
        nmc_core::Error::Invalid { rule, .. } => rule.to_string(),
        other => other.to_string(),
    }
}

/// The other party that a filter names. What else the network may tell of a caller is nothing to look for.
pub(crate) fn party(field: &'static str, text: &str) -> nmc_core::Result<CallerIdentity> {
    let is_code = (3..=8).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit());
    if text != "anonymous" && !is_code && text.parse::<PhoneNumber>().is_err() {
        return Err(nmc_core::Error::invalid(field, "must be a number in E.164, a short code, or `anonymous`"));
    }
    text.parse()
}

/// A page's `next`: eight bytes of time that are in PostgreSQL's range, and sixteen of an id, in base64.
pub(super) const CURSOR: &str = "^[A-Za-b][A-Za-z0-9_-]{31}[0-9a-f]{6}$";

/// The schema of a text.
pub(crate) fn string(description: &str) -> ObjectBuilder {
    ObjectBuilder::new().schema_type(Type::String).description(Some(description))
}

macro_rules! wires {
    ($($type:ty, $name:expr, $rule:expr, $describe:expr;)*) => {$(
        impl Wire for $type {
            type Refusal = <$type as FromStr>::Err;
            const NAME: &'static str = $name;
            fn rule(refusal: &Self::Refusal) -> String {
                $rule(refusal)
            }
            fn describe() -> Object {
                $describe.build()
            }
        }
    )*};
}

macro_rules! ids {
    ($($type:ident),*) => { wires! {$(
        $type, stringify!($type), core_rule, string("A UUID.").format(Some(SchemaFormat::Custom("uuid".to_owned())));
    )*} };
}

macro_rules! lists {
    ($($type:ident),*) => { wires! {$(
        $type,
        stringify!($type),
        core_rule,
        string("One of the values that are listed.").enum_values(Some($type::ALL.iter().map(|value| value.label())));
    )*} };
}

ids!(CallAnalyticsId, ConversationAnalyticsId, JobId, KpiSnapshotId, MetricId, ReportId);
ids!(AlertEventId, AlertId, AlertRuleId, EscalationContactId, MeasurementId, NotificationId);
ids!(
    ApiKeyId,
    CallId,
    CallParticipantId,
    ConsentId,
    ConversationEventId,
    ConversationId,
    MessageId,
    PhoneNumberId,
    SessionId,
    TenantId,
    UserId
);
lists!(
    ConsentAction,
    ConsentSource,
    ConversationChannel,
    ConversationEventType,
    ConversationPriority,
    ConversationStatus,
    MediaStatus,
    MessageChannel,
    MessageDirection,
    MessageKind,
    MessageStatus
);
lists!(
    AlertEventType,
    AlertOperator,
    AlertSeverity,
    AlertStatus,
    ContactType,
    NoDataPolicy,
    NotificationChannel,
    NotificationStatus
);
lists!(ReportKind);
lists!(CallDirection, CallOutcome, CallStatus, CallType, ForwardedLegStatus, MetadataType, ParticipantType);
lists!(
    AggregationLevel,
    CallAnalyticsStatus,
    ConversionStatus,
    JobStatus,
    JobType,
    KpiPeriod,
    MetricType,
    ResolutionStatus,
    SummaryPeriod,
    TrendDirection
);
lists!(
    CallScreening,
    DashboardView,
    NumberStatus,
    NumberType,
    Permission,
    PresenceStatus,
    StreamEventKind,
    TenantStatus,
    UserRole
);
wires! {
    CallerIdentity, "CallerIdentity", core_rule,
        string("A party: a number in E.164, like +14155550123, `anonymous`, an address, a short code or a name from the network.")
            .min_length(Some(1)).max_length(Some(255)).pattern(Some(r"^[^\u0000]+$"));
    Country, "Country", core_rule, string("A country: an ISO 3166 code of two letters, like US.")
        .pattern(Some("^[A-Za-z]{2}$"));
    Month, "Month", core_rule, string("A calendar month, in UTC, like 2026-11.").pattern(Some("^(19[7-9][0-9]|[2-9][0-9]{3})-(0[1-9]|1[0-2])$"));
    Email, "Email", core_rule, string("An e-mail address; kept in lower case.")
        .max_length(Some(254)).format(Some(SchemaFormat::Custom("email".to_owned())));
    PhoneNumber, "PhoneNumber", core_rule, string("A phone number in E.164, like +14155550123.")
        .pattern(Some(r"^\+[1-9][0-9]{6,14}$"));
    Timezone, "Timezone", core_rule, string("A time zone of the IANA list, like America/Chicago.")
        .pattern(Some("^[A-Za-z0-9_+/-]{2,40}$"));
    NaiveTime, "LocalTime", |_: &_| "must be a time like 07:30:00".to_owned(), string("A time of the day, like 07:30:00.")
        .pattern(Some(r"^([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](\.[0-9]{1,9})?$"));
    Decimal, "Amount", |_: &_| "must be a number in a text, like 150.00".to_owned(),
        string("An amount in US dollars and cents, as a string so that nothing is rounded.")
            .pattern(Some(r"^[0-9]{1,8}(\.[0-9]{1,2})?$"));
    Quantity, "Quantity", |_: &_| "must be a number in a text, like 12.5".to_owned(),
        string("A number with up to 11 digits and 4 decimals, as a string so that nothing is rounded.")
            .pattern(Some(r"^-?[0-9]{1,11}(\.[0-9]{1,4})?$"));
}

/// A number of whatever unit, written without zeros at its end.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Quantity(pub(crate) Decimal);

impl Display for Quantity {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.normalize().fmt(f)
    }
}

impl FromStr for Quantity {
    type Err = rust_decimal::Error;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        text.parse().map(Self)
    }
}

/// Values by name.
#[derive(Serialize)]
pub(crate) struct FiguresOut(BTreeMap<String, text::Quantity>);

impl PartialSchema for FiguresOut {
    fn schema() -> RefOr<Schema> {
        ObjectBuilder::new()
            .description(Some("Values by name, such as `nmc.calls_missed`. A sum that isn't there is 0."))
            .additional_properties(Some(Ref::from_schema_name(text::Quantity::name())))
            .into()
    }
}

impl ToSchema for FiguresOut {
    fn name() -> Cow<'static, str> {
        "Figures".into()
    }

    fn schemas(schemas: &mut Vec<(String, RefOr<Schema>)>) {
        schemas.push((text::Quantity::name().into_owned(), text::Quantity::schema()));
    }
}

impl From<&Figures> for FiguresOut {
    fn from(figures: &Figures) -> Self {
        figures.iter().map(|(name, value)| (name.to_owned(), value)).collect()
    }
}

impl FromIterator<(String, Decimal)> for FiguresOut {
    fn from_iter<I: IntoIterator<Item = (String, Decimal)>>(values: I) -> Self {
        Self(values.into_iter().map(|(name, value)| (name, Text(Quantity(value)))).collect())
    }
}

/// Bounded texts under names without generics, which is how the document's derive wants them.
pub(crate) mod text {
    use super::Text;

    pub(crate) type AggregationLevel = Text<nmc_core::AggregationLevel>;
    pub(crate) type AlertEventId = Text<nmc_core::AlertEventId>;
    pub(crate) type AlertEventType = Text<nmc_core::AlertEventType>;
    pub(crate) type AlertId = Text<nmc_core::AlertId>;
    pub(crate) type AlertOperator = Text<nmc_core::AlertOperator>;
    pub(crate) type AlertRuleId = Text<nmc_core::AlertRuleId>;
    pub(crate) type AlertSeverity = Text<nmc_core::AlertSeverity>;
    pub(crate) type AlertStatus = Text<nmc_core::AlertStatus>;
    pub(crate) type Amount = Text<rust_decimal::Decimal>;
    pub(crate) type ApiKeyId = Text<nmc_core::ApiKeyId>;
    pub(crate) type CallAnalyticsId = Text<nmc_core::CallAnalyticsId>;
    pub(crate) type CallAnalyticsStatus = Text<nmc_core::CallAnalyticsStatus>;
    pub(crate) type CallDirection = Text<nmc_core::CallDirection>;
    pub(crate) type CallId = Text<nmc_core::CallId>;
    pub(crate) type CallOutcome = Text<nmc_core::CallOutcome>;
    pub(crate) type CallParticipantId = Text<nmc_core::CallParticipantId>;
    pub(crate) type CallScreening = Text<nmc_core::CallScreening>;
    pub(crate) type CallStatus = Text<nmc_core::CallStatus>;
    pub(crate) type CallType = Text<nmc_core::CallType>;
    pub(crate) type CallerIdentity = Text<nmc_core::CallerIdentity>;
    pub(crate) type ConsentAction = Text<nmc_core::ConsentAction>;
    pub(crate) type ConsentId = Text<nmc_core::ConsentId>;
    pub(crate) type ConsentSource = Text<nmc_core::ConsentSource>;
    pub(crate) type ContactType = Text<nmc_core::ContactType>;
    pub(crate) type ConversationAnalyticsId = Text<nmc_core::ConversationAnalyticsId>;
    pub(crate) type ConversationChannel = Text<nmc_core::ConversationChannel>;
    pub(crate) type ConversationEventId = Text<nmc_core::ConversationEventId>;
    pub(crate) type ConversationEventType = Text<nmc_core::ConversationEventType>;
    pub(crate) type ConversationId = Text<nmc_core::ConversationId>;
    pub(crate) type ConversationPriority = Text<nmc_core::ConversationPriority>;
    pub(crate) type ConversationStatus = Text<nmc_core::ConversationStatus>;
    pub(crate) type ConversionStatus = Text<nmc_core::ConversionStatus>;
    pub(crate) type Country = Text<nmc_core::Country>;
    pub(crate) type DashboardView = Text<nmc_core::DashboardView>;
    pub(crate) type Email = Text<nmc_core::Email>;
    pub(crate) type EscalationContactId = Text<nmc_core::EscalationContactId>;
    pub(crate) type ForwardedLegStatus = Text<nmc_core::ForwardedLegStatus>;
    pub(crate) type JobId = Text<nmc_core::JobId>;
    pub(crate) type JobStatus = Text<nmc_core::JobStatus>;
    pub(crate) type JobType = Text<nmc_core::JobType>;
    pub(crate) type KpiPeriod = Text<nmc_core::KpiPeriod>;
    pub(crate) type KpiSnapshotId = Text<nmc_core::KpiSnapshotId>;
    pub(crate) type LocalTime = Text<chrono::NaiveTime>;
    pub(crate) type MeasurementId = Text<nmc_core::MeasurementId>;
    pub(crate) type MediaStatus = Text<nmc_core::MediaStatus>;
    pub(crate) type MessageChannel = Text<nmc_core::MessageChannel>;
    pub(crate) type MessageDirection = Text<nmc_core::MessageDirection>;
    pub(crate) type MessageId = Text<nmc_core::MessageId>;
    pub(crate) type MessageKind = Text<nmc_core::MessageKind>;
    pub(crate) type MessageStatus = Text<nmc_core::MessageStatus>;
    pub(crate) type MetadataType = Text<nmc_core::MetadataType>;
    pub(crate) type MetricId = Text<nmc_core::MetricId>;
    pub(crate) type MetricType = Text<nmc_core::MetricType>;
    pub(crate) type Month = Text<nmc_core::numbers::Month>;
    pub(crate) type NoDataPolicy = Text<nmc_core::NoDataPolicy>;
    pub(crate) type NotificationChannel = Text<nmc_core::NotificationChannel>;
    pub(crate) type NotificationId = Text<nmc_core::NotificationId>;
    pub(crate) type NotificationStatus = Text<nmc_core::NotificationStatus>;
    pub(crate) type NumberStatus = Text<nmc_core::NumberStatus>;
    pub(crate) type NumberType = Text<nmc_core::NumberType>;
    pub(crate) type ParticipantType = Text<nmc_core::ParticipantType>;
    pub(crate) type Permission = Text<nmc_core::access::Permission>;
    pub(crate) type PhoneNumber = Text<nmc_core::PhoneNumber>;
    pub(crate) type PhoneNumberId = Text<nmc_core::PhoneNumberId>;
    pub(crate) type PresenceStatus = Text<nmc_core::PresenceStatus>;
    pub(crate) type Quantity = Text<super::Quantity>;
    pub(crate) type ReportId = Text<nmc_core::ReportId>;
    pub(crate) type ReportKind = Text<nmc_core::reports::ReportKind>;
    pub(crate) type ResolutionStatus = Text<nmc_core::ResolutionStatus>;
    pub(crate) type SessionId = Text<nmc_core::SessionId>;
    pub(crate) type StreamEventKind = Text<nmc_core::StreamEventKind>;
    pub(crate) type SummaryPeriod = Text<nmc_core::workflows::SummaryPeriod>;
    pub(crate) type TenantId = Text<nmc_core::TenantId>;
    pub(crate) type TenantStatus = Text<nmc_core::TenantStatus>;
    pub(crate) type Timezone = Text<nmc_core::Timezone>;
    pub(crate) type TrendDirection = Text<nmc_core::TrendDirection>;
    pub(crate) type UserId = Text<nmc_core::UserId>;
    pub(crate) type UserRole = Text<nmc_core::UserRole>;
}

/// A field of a PATCH that may be left out, null, or given.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Change<T>(pub(crate) Patch<T>);

impl<T> Default for Change<T> {
    fn default() -> Self {
        Self(Patch::Keep)
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Change<T> {
    /// Reads the field, and is only called when that is there.
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(Self(Option::<T>::deserialize(deserializer)?.map_or(Patch::Clear, Patch::Set)))
    }
}

impl<T> Change<Text<T>> {
    /// The change of the typed value.
    pub(crate) fn typed(self) -> Patch<T> {
        match self.0 {
            Patch::Keep => Patch::Keep,
            Patch::Clear => Patch::Clear,
            Patch::Set(Text(value)) => Patch::Set(value),
        }
    }
}

impl Change<Text<Quantity>> {
    /// The change of the number.
    pub(crate) fn number(&self) -> Patch<Decimal> {
        match self.0 {
            Patch::Keep => Patch::Keep,
            Patch::Clear => Patch::Clear,
            Patch::Set(Text(Quantity(value))) => Patch::Set(value),
        }
    }
}

/// An object, written as one: a derive would take an array of its fields' values, too.
#[derive(Debug)]
pub(crate) struct Braced<T>(pub(crate) T);

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Braced<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Fields<T>(PhantomData<T>);
        impl<'de, T: Deserialize<'de>> Visitor<'de> for Fields<T> {
            type Value = T;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, fields: A) -> Result<T, A::Error> {
                T::deserialize(MapAccessDeserializer::new(fields))
            }
        }
        deserializer.deserialize_map(Fields(PhantomData)).map(Self)
    }
}

/// Reads a field that is an object.
pub(crate) fn object<'de, T: Deserialize<'de>, D: Deserializer<'de>>(deserializer: D) -> Result<T, D::Error> {
    Braced::deserialize(deserializer).map(|Braced(value)| value)
}

/// Reads a field of a PATCH that may be left out or given, but not null.
pub(crate) fn given<'de, T: Deserialize<'de>, D: Deserializer<'de>>(deserializer: D) -> Result<Option<T>, D::Error> {
    T::deserialize(deserializer).map(Some)
}
