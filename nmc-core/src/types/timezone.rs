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

    /// The name of the time zone on the list.
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
        text.parse().map(Self).map_err(|_| {
            let rule = "must be a zone of the IANA list";
            Error::invalid(
                "timezone",
                match near(text) {
                    Some(zone) => format!("{rule}: did you mean {zone}?"),
                    None => format!("{rule}, like America/Los_Angeles"),
                },
            )
        })
    }
}

/// The zone that was probably meant: in another case or with blanks, by its city alone, or with a typing error.
fn near(text: &str) -> Option<&'static str> {
    const LONGEST: usize = 40;
    const MOST_ERRORS: usize = 2;
    if text.len() > LONGEST {
        return None;
    }
    let plain = |text: &str| text.trim().to_lowercase().replace(' ', "_");
    let wanted = plain(text);
    // The signs of Etc's zones are the other way round than anybody expects: Etc/GMT+5 is what they call GMT-5.
    let is_offset = |name: &str| name.starts_with("Etc/") || name.starts_with("GMT");
    let named = || chrono_tz::TZ_VARIANTS.iter().map(|zone| zone.name()).filter(|name| !is_offset(name));
    let zones = || named().map(|name| (name, plain(name)));
    let is_city = |name: &str| name.rsplit_once('/').is_some_and(|(_, city)| city == wanted);
    let exact = zones().find(|(_, name)| *name == wanted).or_else(|| zones().find(|(_, name)| is_city(name)));
    if let Some((zone, _)) = exact {
        return Some(zone);
    }
    let errors = |name: &str| strsim::osa_distance(name, &wanted);
    let (errors, zone) = zones().map(|(zone, name)| (errors(&name), zone)).min_by_key(|(errors, _)| *errors)?;
    // Of a short word two errors leave nothing.
    (errors <= MOST_ERRORS && wanted.len() > 3 * errors).then_some(zone)
}

text_column!(Timezone);

#[cfg(test)]
mod tests {
    use super::Timezone;

    #[test]
    fn zone_that_is_nearly_one_is_suggested() {
        for (typed, meant) in [
            ("America/Chikago", "America/Chicago"),
            ("America/chicago", "America/Chicago"),
            ("America/New York", "America/New_York"),
            ("new york", "America/New_York"),
            ("Chicago ", "America/Chicago"),
            ("Amercia/Denver", "America/Denver"),
        ] {
            let error = typed.parse::<Timezone>().unwrap_err().to_string();
            assert_eq!(error, format!("timezone must be a zone of the IANA list: did you mean {meant}?"));
        }
        for typed in ["", "Mars/Olympus", "CDT", "GMT+5", "GMT-5", &"America/Chikago ".repeat(100)] {
            let error = typed.parse::<Timezone>().unwrap_err().to_string();
            assert_eq!(error, "timezone must be a zone of the IANA list, like America/Los_Angeles");
        }
    }
}
