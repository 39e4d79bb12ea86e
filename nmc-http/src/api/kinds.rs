//! What a parameter must be, in the words of a refusal: as the document describes it, so that the two can't differ.

use utoipa::IntoParams;
use utoipa::openapi::schema::{Object, SchemaType, Type};
use utoipa::openapi::{KnownFormat, RefOr, Schema, SchemaFormat};

/// A point in time.
pub(super) const INSTANT: &str = "an instant with its offset from UTC (RFC 3339), like 2026-11-22T18:00:00Z";

/// A day of the calendar.
pub(super) const DAY: &str = "a day like 2026-11-22";

/// The rule for a parameter of this query, whatever is given for it, if it is of a kind that has one.
pub(super) fn rule<Q: IntoParams>(name: &str) -> Option<String> {
    let described = Q::into_params(|| None).into_iter().find(|parameter| parameter.name == name);
    match described?.schema? {
        RefOr::T(Schema::Object(object)) => of(&object).map(|kind| format!("must be {kind}")),
        _ => None,
    }
}

fn of(schema: &Object) -> Option<String> {
    let is = |kind: &Type| match &schema.schema_type {
        SchemaType::Type(only) => only == kind,
        SchemaType::Array(some) => some.contains(kind),
        SchemaType::AnyValue => false,
    };
    let bound = |bound: &utoipa::Number| match bound {
        utoipa::Number::Int(bound) => bound.to_string(),
        utoipa::Number::UInt(bound) => bound.to_string(),
        utoipa::Number::Float(bound) => bound.to_string(),
    };
    if is(&Type::Boolean) {
        return Some("true or false".to_owned());
    }
    if is(&Type::Integer) {
        let bounds = match (&schema.minimum, &schema.maximum) {
            (Some(least), Some(most)) => format!(" from {} to {}", bound(least), bound(most)),
            _ => String::new(),
        };
        return Some(format!("a whole number{bounds}"));
    }
    match &schema.format {
        Some(SchemaFormat::KnownFormat(KnownFormat::DateTime)) => Some(INSTANT.to_owned()),
        Some(SchemaFormat::KnownFormat(KnownFormat::Date)) => Some(DAY.to_owned()),
        _ => None,
    }
}
