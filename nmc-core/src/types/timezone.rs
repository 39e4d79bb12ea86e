use super::text_column;
use crate::Error;

/// A zone of the IANA list, like `America/Los_Angeles`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, diesel::expression::AsExpression, diesel::deserialize::FromSqlRow)]
#[diesel(sql_type = diesel::sql_types::Text)]
pub struct Timezone(chrono_tz::Tz);

impl Timezone {
    pub(crate) const fn of(zone: chrono_tz::Tz) -> Self {
        Self(zone)
    }

    /// Its name on the list.
    #[must_use]
    pub fn as_str(&self) -> &'static str {
        self.0.name()
    }

    /// The zone, to reckon with.
    #[must_use]
    pub const fn tz(self) -> chrono_tz::Tz {
        self.0
    }
}

impl std::str::FromStr for Timezone {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        text.parse()
            .map(Self)
            .map_err(|_| Error::invalid("timezone", "must be a zone of the IANA list, like America/Los_Angeles"))
    }
}

text_column!(Timezone);
