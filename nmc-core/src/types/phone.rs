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

    /// The one spelling that stands for the person: a mobile of Mexico is written `+52…` and `+52 1…`, one of Argentina `+54…` and
    /// `+54 9…`, and either reaches the same phone.
    #[must_use]
    pub fn person(&self) -> Self {
        let short = |long: &str, short: &str| self.national_after(long).map(|rest| Self(format!("{short}{rest}")));
        short("+521", "+52").or_else(|| short("+549", "+54")).unwrap_or_else(|| self.clone())
    }

    /// The ten digits of a national number after this prefix. None begins with 0 or 1 in Mexico, nor with 0 in Argentina.
    fn national_after(&self, prefix: &str) -> Option<&str> {
        let is_national =
            |rest: &&str| rest.len() == 10 && !rest.starts_with('0') && !(prefix.starts_with("+52") && rest.starts_with('1'));
        self.0.strip_prefix(prefix).filter(is_national)
    }

    /// All spellings of the person's number, the one that stands for them first.
    #[must_use]
    pub fn spellings(&self) -> Vec<Self> {
        let person = self.person();
        let long = |short: &str, long: &str| person.national_after(short).map(|rest| Self(format!("{long}{rest}")));
        let other = long("+52", "+521").or_else(|| long("+54", "+549"));
        std::iter::once(person.clone()).chain(other).collect()
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

#[cfg(test)]
mod tests {
    use super::PhoneNumber;

    fn number(text: &str) -> PhoneNumber {
        text.parse().unwrap()
    }

    #[test]
    fn two_spellings_are_one_person() {
        for (one, other) in [("+5215512345678", "+525512345678"), ("+5491123456789", "+541123456789")] {
            assert_eq!(number(one).person(), number(other));
            assert_eq!(number(other).person(), number(other));
            assert_eq!(number(one).spellings(), [number(other), number(one)]);
            assert_eq!(number(other).spellings(), number(one).spellings());
        }
        // Too long, too short, or of another country.
        for text in ["+14155550123", "+52155123456", "+521551234567", "+55215512345678"] {
            assert_eq!(number(text).spellings(), [number(text)], "{text}");
        }
    }
}
