//! Values that are parsed once and right from then on.

pub(crate) mod bounds;
mod calendar;
mod caller;
mod country;
pub(crate) mod digits;
mod email;
mod host;
pub(crate) mod json;
mod phone;
mod secret;
mod text;
mod timezone;

pub use calendar::Span;
pub use caller::CallerIdentity;
pub use country::Country;
pub use email::Email;
pub(crate) use host::{Host, host};
pub use phone::PhoneNumber;
pub use secret::Secret;
pub(crate) use text::{
    clip, composed, is_filler, is_invisible, named, named_if_given, optional, required, sendable, trimmed_line,
};
pub use timezone::Timezone;

/// Lets a parsed text type travel to and from a text column. Reading parses again: a row that another program wrote
/// wrongly is an error, not a lie.
macro_rules! text_column {
    ($type:ty) => {
        impl diesel::serialize::ToSql<diesel::sql_types::Text, diesel::pg::Pg> for $type {
            fn to_sql<'b>(&'b self, out: &mut diesel::serialize::Output<'b, '_, diesel::pg::Pg>) -> diesel::serialize::Result {
                std::io::Write::write_all(out, self.as_str().as_bytes())?;
                Ok(diesel::serialize::IsNull::No)
            }
        }

        impl diesel::deserialize::FromSql<diesel::sql_types::Text, diesel::pg::Pg> for $type {
            fn from_sql(value: diesel::pg::PgValue<'_>) -> diesel::deserialize::Result<Self> {
                std::str::from_utf8(value.as_bytes())?.parse().map_err(|error: crate::Error| error.to_string().into())
            }
        }

        impl std::fmt::Display for $type {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.pad(self.as_str())
            }
        }

        impl serde::Serialize for $type {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(self.as_str())
            }
        }

        impl<'de> serde::Deserialize<'de> for $type {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
            }
        }
    };
}
use text_column;
