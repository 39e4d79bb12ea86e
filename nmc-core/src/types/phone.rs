use super::text_column;
use crate::Error;

/// A phone number in E.164: `+`, a country code, 7 to 15 digits in all.
///
/// Displaying it shows all of it; `Debug` hides all but the last two digits, so that a log line can't leak it.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, diesel::expression::AsExpression, diesel::deserialize::FromSqlRow)]
#[diesel(sql_type = diesel::sql_types::Text)]
pub struct PhoneNumber(String);

impl PhoneNumber {
    /// The number as it is stored and dialled.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The three digits of a North American area code.
    #[must_use]
    pub fn area_code(&self) -> Option<&str> {
        self.0.strip_prefix("+1").filter(|rest| rest.len() == 10).and_then(|rest| rest.get(..3))
    }
}

impl std::str::FromStr for PhoneNumber {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let digits = text.strip_prefix('+').unwrap_or_default();
        let e164 = (7..=15).contains(&digits.len()) && digits.bytes().all(|b| b.is_ascii_digit()) && !digits.starts_with('0');
        if e164 { Ok(Self(text.to_owned())) } else { Err(Error::invalid("phone number", "must be in E.164, like +14155550123")) }
    }
}

impl std::fmt::Debug for PhoneNumber {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "+…{}", self.0.get(self.0.len().saturating_sub(2)..).unwrap_or_default())
    }
}

text_column!(PhoneNumber);
