use super::{PhoneNumber, text_column};
use crate::{Error, Result};

/// The identity of whoever calls or texts, as the network tells it. Only a [`PhoneNumber`] can be texted back.
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
    /// A sender's name, like `AT&T`: up to 11 letters of any script, digits, blanks and `& - _ + . ' ! , /`.
    Name(String),
    /// What else the network told, kept so that people can read it: `4930123456`, `+1911`, `sim:DE0123`, `joe@example.com`. Up to
    /// 255 visible ASCII characters.
    Other(String),
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
    "withheld",
    "+266696687",
    "+7378742833",
    "+2562533",
    "+8656696",
    "+86282452253",
];

/// What may stand between the digits of a number, and means nothing.
const VISUAL_SEPARATORS: &[char] = &[' ', '-', '.', '(', ')'];

impl CallerIdentity {
    /// The party of a call as the network tells it, whatever that looks like: what can't be read is [`Self::Anonymous`]. `ours` is
    /// the number of ours in that call.
    ///
    /// Digits without a plus are a number only where that is certain: ours is of North America (+1), and they are written as the
    /// numbers there are, ten digits with or without a 1 in front, of which area code and exchange begin with 2 to 9 and do not
    /// end in 11. All other ones are kept as they are and never texted.
    #[must_use]
    pub fn told(text: &str, ours: &PhoneNumber) -> Self {
        match text.parse() {
            Ok(known @ (Self::Phone(_) | Self::Anonymous | Self::Sip(_) | Self::Client(_) | Self::Name(_))) => known,
            odd => certain_number(text, ours).map(Self::Phone).or_else(|| odd.ok()).unwrap_or(Self::Anonymous),
        }
    }

    /// The text that is stored: the number, the address, the code, or `anonymous`.
    #[must_use]
    pub fn as_str(&self) -> &str {
        match self {
            Self::Phone(phone) => phone.as_str(),
            Self::Anonymous => "anonymous",
            Self::Sip(text) | Self::Client(text) | Self::ShortCode(text) | Self::Name(text) | Self::Other(text) => text,
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

    /// The number to text, if the identity is one.
    #[must_use]
    pub const fn phone(&self) -> Option<&PhoneNumber> {
        match self {
            Self::Phone(phone) => Some(phone),
            _ => None,
        }
    }
}

/// The number that these digits are, where that is certain.
fn certain_number(text: &str, ours: &PhoneNumber) -> Option<PhoneNumber> {
    let plain: String = text.chars().filter(|c| !VISUAL_SEPARATORS.contains(c)).collect();
    if plain.starts_with('+') {
        return international(&plain);
    }
    let national = plain.strip_prefix('1').filter(|rest| rest.len() == 10).unwrap_or(&plain);
    let is_certain = ours.as_str().starts_with("+1") && is_north_american(national);
    is_certain.then(|| format!("+1{national}").parse().ok()).flatten()
}

/// The number in E.164, if this is one: of North America it has ten digits, so that `+1415555` is none.
fn international(text: &str) -> Option<PhoneNumber> {
    let phone: PhoneNumber = text.parse().ok()?;
    (!text.starts_with("+1") || text.len() == 12).then_some(phone)
}

/// Whether these are ten digits, an area code and an exchange as North America has them.
fn is_north_american(digits: &str) -> bool {
    let block = |first: u8, rest: [u8; 2]| (b'2'..=b'9').contains(&first) && rest != [b'1', b'1'];
    match digits.as_bytes() {
        [a, b, c, d, e, f, rest @ ..] if rest.len() == 4 && digits.bytes().all(|b| b.is_ascii_digit()) => {
            block(*a, [*b, *c]) && block(*d, [*e, *f])
        }
        _ => false,
    }
}

/// The number of a `tel:` address (RFC 3966), unless it names an extension behind it.
fn tel_number(address: &str) -> Option<PhoneNumber> {
    let (number, parameters) = address.split_once(';').unwrap_or((address, ""));
    let has_extension = parameters.split(';').any(|each| each.starts_with("ext=") || each.starts_with("isub="));
    let plain: String = number.chars().filter(|c| !VISUAL_SEPARATORS.contains(c)).collect();
    international(&plain).filter(|_| !has_extension)
}

/// Whether a sender may be called this: letters, digits and a few signs, with a letter in it.
fn is_name(text: &str) -> bool {
    text.chars().count() <= 11
        && !text.starts_with('+')
        && text.chars().any(char::is_alphabetic)
        && text.chars().all(|c| c.is_alphanumeric() || " &-_+.'!,/".contains(c))
}

impl std::str::FromStr for CallerIdentity {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let text = super::trimmed_line(text);
        if text.len() > 255 || text.contains(char::is_control) {
            return Err(Error::invalid("caller", "must be at most 255 printable characters"));
        }
        // As in a SIP header: "Joe" <sip:joe@example.com>.
        let bracketed = text.strip_suffix('>').and_then(|text| text.split_once('<')).map(|(_, address)| address);
        if let Some(address) = bracketed.filter(|address| !address.contains(['<', '>'])) {
            return address.parse();
        }
        let lower = text.to_ascii_lowercase();
        if WITHHELD.contains(&lower.as_str()) || lower.starts_with("sip:anonymous@") {
            return Ok(Self::Anonymous);
        }
        if lower.starts_with("sip:") || lower.starts_with("sips:") {
            return Ok(Self::Sip(text.to_owned()));
        }
        if lower.starts_with("client:") {
            return Ok(Self::Client(text.to_owned()));
        }
        if let Some(phone) = lower.strip_prefix("tel:").and_then(tel_number).or_else(|| international(text)) {
            return Ok(Self::Phone(phone));
        }
        if (3..=8).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_digit()) {
            return Ok(Self::ShortCode(text.to_owned()));
        }
        if is_name(text) {
            return Ok(Self::Name(text.to_owned()));
        }
        if text.bytes().all(|b| b.is_ascii_graphic()) && text.bytes().any(|b| b.is_ascii_alphanumeric()) {
            return Ok(Self::Other(text.to_owned()));
        }
        Err(Error::invalid("caller", "must be a number in E.164, a SIP or client address, a short code, a name, or withheld"))
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
            Self::Other(_) => "other",
        })
    }
}

text_column!(CallerIdentity);
