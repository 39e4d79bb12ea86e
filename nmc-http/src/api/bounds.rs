//! Bounds that the OpenAPI document states by the name of a field or parameter, where neither its type nor its own attributes
//! say any. A test insists that none is left without.

use utoipa::Number;
use utoipa::openapi::schema::{ArrayItems, SchemaType, Type};
use utoipa::openapi::{KnownFormat, RefOr, Schema, SchemaFormat};

/// The shortest and the longest text, in characters.
const TEXTS: [(&str, usize, usize); 65] = [
    ("access_token", 1, 4_096),
    ("acknowledgment_note", 1, 2_000),
    ("allowed_countries", 2, 2),
    ("area_code", 0, 10),
    ("body", 0, 65_536),
    ("business_address", 1, 1_000),
    ("business_name", 1, 255),
    ("business_type", 1, 100),
    ("client_key", 1, 100),
    ("code", 1, 40),
    ("content", 0, 255),
    ("content_type", 0, 255),
    ("country", 2, 2),
    ("currency", 3, 3),
    ("current_password", 0, 72),
    ("customer_address", 1, 1_000),
    ("customer_name", 1, 255),
    ("customer_phone", 1, 255),
    ("denominator", 1, 100),
    ("description", 1, 2_000),
    ("detail", 1, 65_536),
    ("device", 0, 255),
    ("display_name", 0, 200),
    ("encoding", 1, 10),
    ("error_message", 0, 65_536),
    ("event_type", 1, 50),
    ("field", 1, 100),
    ("first_name", 1, 100),
    ("from", 1, 255),
    ("greeting_template", 1, 65_536),
    ("industry", 1, 100),
    ("invitation", 1, 200),
    ("ip_address", 2, 64),
    ("key", 1, 100),
    ("keyword", 0, 65_536),
    ("last_name", 1, 100),
    ("locality", 0, 255),
    ("message", 0, 200),
    ("metric", 1, 100),
    ("name", 1, 255),
    ("next", 38, 38),
    ("note", 0, 1_000),
    ("notes", 1, 10_000),
    ("password", 0, 72),
    ("photo", 1, 100),
    ("pointer", 1, 2_000),
    ("prefix", 1, 20),
    ("refresh_token", 1, 200),
    ("refusal", 1, 1_000),
    ("region", 0, 255),
    ("resolution_note", 1, 2_000),
    ("rule", 1, 1_000),
    ("scopes", 1, 40),
    ("snooze_note", 1, 2_000),
    ("status_reason", 0, 65_536),
    ("subject", 1, 1_000),
    ("subscription_tier", 1, 50),
    ("tags", 1, 50),
    ("text", 0, 65_536),
    ("title", 1, 100),
    ("to", 1, 255),
    ("token_type", 1, 20),
    ("trade", 0, 100),
    ("user_agent", 0, 131_072),
    ("version", 1, 20),
];

/// The pattern of a text that PostgreSQL can keep: anything but NUL.
const NO_NUL: &str = r"^[^\u0000]*$";

/// The pattern of a text with something but spaces, and no NUL.
pub(super) const NOT_BLANK: &str = r"^[^\u0000]*[^\s\u0000][^\u0000]*$";

/// A name: something but spaces, and nothing that nobody sees.
pub(super) const NAME: &str = concat!(
    r"^[^\u0000-\u001f\u007f-\u009f\u061c\u200b\u200e\u200f\u2028-\u202e\u2060\u2066-\u2069\ufeff]*",
    r"[^\s\u0000-\u001f\u007f-\u009f\u061c\u200b\u200e\u200f\u2028-\u202e\u2060\u2066-\u2069\ufeff]",
    r"[^\u0000-\u001f\u007f-\u009f\u061c\u200b\u200e\u200f\u2028-\u202e\u2060\u2066-\u2069\ufeff]*$",
);

/// Fields that have a form of their own: a name, and its pattern.
const PATTERNS: [(&str, &str); 19] = [
    ("business_address", NOT_BLANK),
    ("business_name", NAME),
    ("business_type", NOT_BLANK),
    ("client_key", NOT_BLANK),
    ("display_name", NOT_BLANK),
    ("first_name", NAME),
    ("industry", NOT_BLANK),
    ("last_name", NAME),
    ("message", NOT_BLANK),
    ("metric", NOT_BLANK),
    ("name", NOT_BLANK),
    ("note", NO_NUL),
    ("country", "^[A-Z]{2}$"),
    ("currency", "^[A-Z]{3}$"),
    ("next", super::wire::CURSOR),
    ("code", "^[a-z_]+$"),
    ("prefix", "^[0-9a-z]+$"),
    ("type", "^about:blank$"),
    ("twilio_phone_sid", "^PN[0-9a-fA-F]{32}$"),
];

/// The least and the largest number. An amount of money may be anything that its type holds.
const NUMBERS: [(&str, i64, i64); 35] = [
    ("ai_takeover_delay_seconds", 60, 1_800),
    ("attempts", 0, 2_147_483_647),
    ("auto_resolve_days", 0, 365),
    ("basic_job_estimate_max", 25, 10_000),
    ("basic_job_estimate_min", 25, 10_000),
    ("characters", 0, 65_536),
    ("customer_response_timeout", 1, 2_147_483_647),
    ("daily_person_limit", 0, 100),
    ("daily_text_limit", 0, 100_000),
    ("dashboard_refresh_interval", 1, 2_147_483_647),
    ("escalation_delay_minutes", 0, 2_147_483_647),
    ("escalation_level", 0, 2_147_483_647),
    ("expires_in", 0, 86_400),
    ("flap_changes", 2, 1_000),
    ("flap_seconds", 60, 604_800),
    ("greeting_cooldown_hours", 1, 720),
    ("keep_firing_seconds", 0, 604_800),
    ("limit", 1, 200),
    ("max_attempts", 1, 2_147_483_647),
    ("monthly_cost_cents", 0, 2_147_483_647),
    ("no_data_seconds", 60, 604_800),
    ("numbers", 0, 2_147_483_647),
    ("onboarding_step", 1, 5),
    ("pending_seconds", 0, 604_800),
    ("position", 0, 32_767),
    ("segments", 0, 1_000),
    ("service_radius_miles", 0, 2_147_483_647),
    ("setup_cost_cents", 0, 2_147_483_647),
    ("size_bytes", 0, 2_147_483_647),
    ("status", 100, 599),
    ("step", 1, 5),
    ("total_calls", 0, 2_147_483_647),
    ("total_duration_seconds", 0, 2_147_483_647),
    ("total_messages", 0, 1_000),
    ("unread", 0, 100),
];

/// How many items a list has at the most: a page's unless it is named here.
const ITEMS: [(&str, usize); 7] = [
    ("allowed_countries", 50),
    ("errors", 100),
    ("media", 100),
    ("missing", 50),
    ("notification_channels", 4),
    ("steps", 5),
    ("tags", 50),
];

/// States the bounds of what has this name, and of all in it.
pub(super) fn state(name: &str, schema: &mut RefOr<Schema>) {
    let RefOr::T(schema) = schema else { return };
    match schema {
        Schema::Object(object) => {
            if is(&object.schema_type, &Type::String) && object.enum_values.is_none() && object.format.is_none() {
                let has_own = object.pattern.is_some();
                if !has_own {
                    let known = PATTERNS.iter().find(|(known, _)| *known == name);
                    object.pattern = Some(known.map_or(NO_NUL, |(_, pattern)| pattern).to_owned());
                }
                if !has_own && let Some((_, min, max)) = TEXTS.iter().find(|(known, ..)| *known == name) {
                    object.min_length = object.min_length.or((*min > 0).then_some(*min));
                    object.max_length = object.max_length.or(Some(*max));
                }
            }
            if is(&object.schema_type, &Type::Integer) {
                let widest = match object.format {
                    Some(SchemaFormat::KnownFormat(KnownFormat::Int64)) => (i64::MIN, i64::MAX),
                    _ => (i64::from(i32::MIN), i64::from(i32::MAX)),
                };
                let known = NUMBERS.iter().find(|(known, ..)| *known == name);
                let (min, max) = known.map_or(widest, |(_, min, max)| (*min, *max));
                if object.maximum.is_none() {
                    object.maximum = Some(number(max));
                    if object.minimum.as_ref().is_none_or(|stated| *stated == number(0)) {
                        object.minimum = Some(number(min));
                    }
                }
            }
            for (name, property) in &mut object.properties {
                state(name, property);
            }
        }
        Schema::Array(array) => {
            let most = ITEMS.iter().find(|(known, _)| *known == name).map_or(200, |(_, most)| *most);
            array.max_items = array.max_items.or(Some(most));
            if let ArrayItems::RefOrSchema(items) = &mut array.items {
                state(name, items);
            }
        }
        Schema::OneOf(any) => any.items.iter_mut().for_each(|item| state(name, item)),
        Schema::AllOf(all) => all.items.iter_mut().for_each(|item| state(name, item)),
        Schema::AnyOf(any) => any.items.iter_mut().for_each(|item| state(name, item)),
        _ => {}
    }
}

/// The schema of a parameter that may be left out: null, which a body may have instead, can't be written in a query.
pub(super) fn without_null(schema: RefOr<Schema>) -> RefOr<Schema> {
    match schema {
        RefOr::T(Schema::OneOf(mut any)) => {
            any.items.retain(|item| !matches!(item, RefOr::T(Schema::Object(object)) if is(&object.schema_type, &Type::Null)));
            match any.items.pop() {
                Some(only) if any.items.is_empty() => only,
                last => {
                    any.items.extend(last);
                    RefOr::T(Schema::OneOf(any))
                }
            }
        }
        RefOr::T(Schema::Object(mut object)) => {
            if let SchemaType::Array(types) = &object.schema_type
                && let Some(only) = types.iter().find(|kind| **kind != Type::Null)
            {
                object.schema_type = SchemaType::Type(only.clone());
            }
            RefOr::T(Schema::Object(object))
        }
        other => other,
    }
}

fn number(value: i64) -> Number {
    isize::try_from(value).map_or(Number::Int(isize::MAX), Number::Int)
}

fn is(types: &SchemaType, wanted: &Type) -> bool {
    match types {
        SchemaType::Type(one) => one == wanted,
        SchemaType::Array(several) => several.contains(wanted),
        SchemaType::AnyValue => false,
    }
}
