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

    /// The number that a person typed or pasted: blanks, hyphens, dots, slashes, brackets, a leading `tel:` and invisible marks
    /// don't count. It still begins with `+`, since no country is assumed; one of North America has ten digits after `+1`.
    ///
    /// # Errors
    /// [`Error::Invalid`] when what is left is no number.
    pub fn typed(text: &str) -> Result<Self, Error> {
        let is_mark = |c: char| {
            c == '\t'
                || c.is_whitespace() && !c.is_control()
                || matches!(c, '-' | '.' | '/' | '(' | ')' | '\u{2010}'..='\u{2015}')
                || is_invisible(c)
        };
        let bare = text.trim_matches(is_mark);
        let bare = bare
            .get(..4)
            .filter(|scheme| scheme.eq_ignore_ascii_case("tel:"))
            .map_or(bare, |_| bare.get(4..).unwrap_or_default());
        let number: Self = bare.replace(is_mark, "").parse()?;
        match number.0.strip_prefix("+1") {
            Some(rest) if rest.len() != 10 => Err(Error::invalid("phone number", "must have ten digits after +1")),
            _ => Ok(number),
        }
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

/// Marks that come along when text is copied: direction, joiners, byte order.
const fn is_invisible(c: char) -> bool {
    matches!(c, '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}')
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
    fn typed_number_in_any_dress_is_the_number() {
        for text in [
            "+13125550198",
            "+1 312 555 0198",
            "+1 (312) 555-0198",
            "tel:+13125550198",
            "TEL: +1.312.555.0198",
            "+13125550198 ",
            "\u{202a}+13125550198\u{202c}",
            "+1\u{a0}312\u{2011}555\u{2013}0198",
            "\u{feff}+1 312/555-0198",
        ] {
            assert_eq!(PhoneNumber::typed(text).unwrap(), number("+13125550198"), "{text:?}");
        }
        assert_eq!(PhoneNumber::typed("+44 (20) 7946-0958").unwrap(), number("+442079460958"));
    }

    #[test]
    fn typed_number_that_is_none_is_refused() {
        for text in [
            "",
            "+",
            "3125550198",
            "+1312555019",
            "+131255501981",
            "+1 312 555 O198",
            "tel:",
            "1+3125550198",
            "++13125550198",
            "+0 312 555 0198",
            "+1 312 555 0198\n",
            "+1 312\r\n555 0198",
        ] {
            assert!(PhoneNumber::typed(text).is_err(), "{text:?}");
        }
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
