//! Every value list of the schema, once: variant ⇒ label. A test proves each list equal to its CHECK in the database.

macro_rules! text_enums {
    ($(
        $(#[$meta:meta])*
        $name:ident for [$($column:literal),+] {
            $($(#[$vmeta:meta])* $variant:ident = $label:literal,)+
        }
    )*) => {
        use diesel::deserialize::{self, FromSql};
        use diesel::pg::{Pg, PgValue};
        use diesel::serialize::{self, IsNull, Output, ToSql};
        use diesel::sql_types::Text;
        use serde::{Deserialize, Serialize};
        use std::io::Write as _;

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

        /// The columns (`table.column`) of each list of this file ⇒ the labels their CHECKs must list.
        #[cfg(feature = "testing")]
        pub(super) const VALUE_LISTS: &[(&[&str], &[&str])] = &[
            $((&[$($column),+], &[$($label),+]),)*
        ];
    };
}

mod alerts;
mod analytics;
mod calls;
mod conversations;
mod events;
mod numbers;
mod people;
mod tenants;

pub use alerts::*;
pub use analytics::*;
pub use calls::*;
pub use conversations::*;
pub use events::*;
pub use numbers::*;
pub use people::*;
pub use tenants::*;

/// The value lists of each file, in the order of the files.
#[cfg(feature = "testing")]
pub(crate) const VALUE_LISTS: &[&[(&[&str], &[&str])]] = &[
    alerts::VALUE_LISTS,
    analytics::VALUE_LISTS,
    calls::VALUE_LISTS,
    conversations::VALUE_LISTS,
    events::VALUE_LISTS,
    numbers::VALUE_LISTS,
    people::VALUE_LISTS,
    tenants::VALUE_LISTS,
];
