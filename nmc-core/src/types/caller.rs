use super::{PhoneNumber, text_column};
use crate::{Error, Result};

/// Who calls or texts, as the network tells it. Only a [`PhoneNumber`] can be texted back.
#[derive(Clone, PartialEq, Eq, Hash, diesel::expression::AsExpression, diesel::deserialize::FromSqlRow)]
#[diesel(sql_type = diesel::sql_types::Text)]
pub enum CallerIdentity {
    /// An ordinary number.
    Phone(PhoneNumber),
    /// Withheld, restricted or unknown; stored as `anonymous`.
    Anonymous,
    /// A SIP address, like `sip:joe@example.com`.
    Sip(String),
    /// A Twilio client, like `client:desk`.
    Client(String),
    /// Three to eight digits.
    ShortCode(String),
    /// A sender's name, like `ACME` or `AT&T`: up to 11 printable characters, at least one of them a letter.
    Name(String),
}

/// Words and keypad spellings (ANONYMOUS, RESTRICTED, BLOCKED, UNKNOWN, UNAVAILABLE) that stand for "withheld".
const WITHHELD: &[&str] = &[
    "",
    "anonymous",
    "restricted",
    "unknown",
    "blocked",
    "unavailable",
    "private",
    "+266696687",
    "+7378742833",
    "+2562533",
    "+8656696",
    "+86282452253",
];

impl CallerIdentity {
    /// What is stored: the number, the address, the code, or `anonymous`.
    #[must_use]
    pub fn as_str(&self) -> &str {
        match self {
            Self::Phone(phone) => phone.as_str(),
            Self::Anonymous => "anonymous",
            Self::Sip(text) | Self::Client(text) | Self::ShortCode(text) | Self::Name(text) => text,
        }
    }

    /// Insists that it is what parsing would have made of it, and fits a column of `max` characters.
    ///
    /// # Errors
    /// [`Error::Invalid`] of `field`.
    pub(crate) fn checked(&self, field: &'static str, max: usize) -> Result<()> {
        if self.as_str().is_empty() {
            return Err(Error::invalid(field, "must not be empty"));
        }
        if self.as_str().chars().count() > max {
            return Err(Error::invalid(field, format!("must be at most {max} characters")));
        }
        match self.as_str().parse::<Self>() {
            Ok(parsed) if parsed == *self => Ok(()),
            _ => Err(Error::invalid(field, "must be a number, an address, a short code or a name as the network tells it")),
        }
    }

    /// The one spelling that stands for whoever this is: see [`PhoneNumber::person`].
    #[must_use]
    pub fn person(&self) -> Self {
        match self {
            Self::Phone(phone) => Self::Phone(phone.person()),
            other => other.clone(),
        }
    }

    /// All spellings of whoever this is, the one that stands for them first.
    #[must_use]
    pub fn spellings(&self) -> Vec<Self> {
        match self {
            Self::Phone(phone) => phone.spellings().into_iter().map(Self::Phone).collect(),
            other => vec![other.clone()],
        }
    }

    /// The number to text, if this is one.
    #[must_use]
    pub const fn phone(&self) -> Option<&PhoneNumber> {
        match self {
            Self::Phone(phone) => Some(phone),
            _ => None,
        }
    }
}

impl std::str::FromStr for CallerIdentity {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let text = text.trim();
        let lower = text.to_ascii_lowercase();
        if WITHHELD.contains(&lower.as_str()) {
            return Ok(Self::Anonymous);
        }
        if text.len() > 255 || text.contains(char::is_control) {
            return Err(Error::invalid("caller", "must be at most 255 printable characters"));
        }
        if lower.starts_with("sip:") || lower.starts_with("sips:") {
            return Ok(Self::Sip(text.to_owned()));
        }
        if lower.starts_with("client:") {
            return Ok(Self::Client(text.to_owned()));
        }
        if (3..=8).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_digit()) {
            return Ok(Self::ShortCode(text.to_owned()));
        }
        // Letters of any script, and what Twilio lets into names: & - _ + . and blanks.
        let name = text.chars().count() <= 11
            && text.chars().any(char::is_alphabetic)
            && text.chars().all(|c| c.is_alphanumeric() || " &-_+.'!,/".contains(c));
        if name {
            return Ok(Self::Name(text.to_owned()));
        }
        text.parse().map(Self::Phone).map_err(|_| {
            Error::invalid("caller", "must be a number in E.164, a SIP or client address, a short code, or withheld")
        })
    }
}

impl std::fmt::Debug for CallerIdentity {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Phone(_) => "phone",
            Self::Anonymous => "anonymous",
            Self::Sip(_) => "sip",
            Self::Client(_) => "client",
            Self::ShortCode(_) => "short code",
            Self::Name(_) => "name",
        })
    }
}

text_column!(CallerIdentity);
