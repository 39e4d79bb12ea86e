//! Values as they travel: typed ones as text, and the three things a PATCH can say of a field.

use super::kinds::DAY;
use super::serde_words::{self, refusal};
use chrono::{NaiveDate, NaiveTime};
use nmc_core::access::Permission;
use nmc_core::analytics::{Figures, Unreached};
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
    Patch, PhoneNumber, PhoneNumberId, PresenceStatus, ReportId, ReportInterval, ReportMailId, ReportMailStatus,
    ResolutionStatus, SessionId, StreamEventKind, TenantId, TenantStatus, Timezone, TrendDirection, UserId, UserRole,
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

ids!(CallAnalyticsId, ConversationAnalyticsId, JobId, KpiSnapshotId, MetricId, ReportId, ReportMailId);
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
lists!(ReportInterval, ReportKind, ReportMailStatus, Unreached);
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
    Decimal, "Amount", |_: &_| "must be a number, like 150.00".to_owned(),
        string("An amount in US dollars and cents, as a string so that nothing is rounded.")
            .pattern(Some(r"^[0-9]{1,8}(\.[0-9]{1,2})?$"));
    Quantity, "Quantity", |_: &_| "must be a number, like 12.5".to_owned(),
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
pub(crate) mod text;

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

/// Reads a day that may be left out or given, but not null.
pub(crate) fn given_day<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<NaiveDate>, D::Error> {
    let text = Cow::<str>::deserialize(deserializer)?;
    text.parse().map(Some).map_err(|_| refusal(format_args!("must be {DAY}")))
}

/// Reads a field of a PATCH that may be left out or given, but not null.
pub(crate) fn given<'de, T: Deserialize<'de>, D: Deserializer<'de>>(deserializer: D) -> Result<Option<T>, D::Error> {
    T::deserialize(deserializer).map(Some)
}
