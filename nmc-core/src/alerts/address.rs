//! Where somebody is reached: what a recipient or a contact must look like, by its channel.

use crate::schema::users;
use crate::store::Scope;
use crate::types::trimmed_line;
use crate::{ContactType, Email, Error, NotificationChannel, PhoneNumber, Result, UserId};
use diesel::deserialize::{self, FromSql};
use diesel::pg::{Pg, PgValue};
use diesel::prelude::*;
use diesel::serialize::{self, Output, ToSql};
use diesel::sql_types::Text;
use std::collections::BTreeSet;
use std::net::Ipv6Addr;

/// An e-mail address, a phone number, the URL of a webhook or a user's id, as the channel beside it says. `Debug` hides it:
/// the first two are people's data, and many a webhook's URL is its password. Checked when it is written.
#[derive(Clone, PartialEq, Eq, Hash, diesel::expression::AsExpression, diesel::deserialize::FromSqlRow)]
#[diesel(sql_type = Text)]
pub struct Address(String);

impl Address {
    /// An address with this text.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The text of the address.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The address for those who may know who it is: of a URL the host alone, since the rest may be a password.
    #[must_use]
    pub fn masked(&self) -> String {
        let host = |(scheme, rest): (_, &str)| rest.split(['/', '?', '#']).next().map(|host| format!("{scheme}{host}/…"));
        after_scheme(&self.0).and_then(host).unwrap_or_else(|| self.0.clone())
    }

    /// The host of a webhook's URL, with its port if it names one, in small letters.
    pub(crate) fn host(&self) -> Option<String> {
        let (_, rest) = after_scheme(&self.0)?;
        rest.split(['/', '?', '#']).next().map(str::to_ascii_lowercase)
    }
}

impl std::fmt::Debug for Address {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("[address]")
    }
}

impl ToSql<Text, Pg> for Address {
    fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, Pg>) -> serialize::Result {
        ToSql::<Text, Pg>::to_sql(&self.0, out)
    }
}

impl FromSql<Text, Pg> for Address {
    fn from_sql(value: PgValue<'_>) -> deserialize::Result<Self> {
        FromSql::<Text, Pg>::from_sql(value).map(Self)
    }
}

/// The kind of address that a channel wants.
#[derive(Debug, Clone, Copy)]
pub(super) enum AddressKind {
    Email,
    Phone,
    Webhook,
    User,
}

impl From<NotificationChannel> for AddressKind {
    fn from(channel: NotificationChannel) -> Self {
        match channel {
            NotificationChannel::Email => Self::Email,
            NotificationChannel::Sms => Self::Phone,
            NotificationChannel::Webhook => Self::Webhook,
            NotificationChannel::Dashboard => Self::User,
        }
    }
}

impl From<ContactType> for AddressKind {
    fn from(contact: ContactType) -> Self {
        match contact {
            ContactType::User => Self::User,
            ContactType::Email => Self::Email,
            ContactType::Phone => Self::Phone,
            ContactType::Webhook => Self::Webhook,
        }
    }
}

/// The addresses as they are stored, each of its kind; users must be this tenant's.
pub(super) fn checked<'n>(
    scope: &mut Scope<'_>,
    field: &'static str,
    addresses: impl Iterator<Item = (AddressKind, &'n Address)>,
) -> Result<Vec<Address>> {
    let mut people = BTreeSet::new();
    let mut written = Vec::new();
    for (kind, Address(text)) in addresses {
        written.push(Address(match kind {
            AddressKind::Email => text
                .parse::<Email>()
                .map_err(|_| Error::invalid(field, "must be an e-mail address like joe@example.com"))?
                .to_string(),
            AddressKind::Phone => trimmed_line(text)
                .parse::<PhoneNumber>()
                .map_err(|_| Error::invalid(field, "must be a phone number in E.164, like +14155550123"))?
                .to_string(),
            AddressKind::Webhook => {
                let url = webhook(trimmed_line(text)).ok_or_else(|| {
                    Error::invalid(field, "must be an http or https URL without a user, at most 255 characters")
                })?;
                if port(&url).is_some_and(|port| OTHERS_PORTS.contains(&port)) {
                    return Err(Error::invalid(field, "must not name a port of another protocol, such as 22 or 25"));
                }
                url
            }
            AddressKind::User => {
                let user: UserId = trimmed_line(text).parse().map_err(|_| Error::invalid(field, "must be a user's id"))?;
                people.insert(user);
                user.to_string()
            }
        }));
    }
    if !people.is_empty() {
        let known: i64 = users::table
            .filter(users::tenant_id.eq(scope.tenant))
            .filter(users::id.eq_any(&people))
            .count()
            .get_result(scope.conn)?;
        if usize::try_from(known) != Ok(people.len()) {
            return Err(Error::missing(field, "user"));
        }
    }
    Ok(written)
}

/// An http or https URL of a host, without a user, its scheme in small letters. Where it may go is not to be seen from its text:
/// whoever sends it looks at the addresses that the host leads to, and knows the networks that the operator allows.
fn webhook(url: &str) -> Option<String> {
    let (scheme, rest) = after_scheme(url)?;
    let authority = rest.split(['/', '?', '#']).next()?;
    let (host, port) = match authority.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        Some((host, port)) => (host, port),
        None => authority.split_at(authority.find(':').unwrap_or(authority.len())),
    };
    let is_label = |label: &str| !label.is_empty() && label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
    let is_host = if authority.starts_with('[') { host.parse::<Ipv6Addr>().is_ok() } else { host.split('.').all(is_label) };
    let is_port = |port: &str| port.bytes().all(|b| b.is_ascii_digit()) && port.parse::<u16>().is_ok_and(|port| port > 0);
    let fits = url.len() <= 255
        && url.bytes().all(|b| b.is_ascii_graphic())
        && !url.contains('\\')
        && (port.is_empty() || port.strip_prefix(':').is_some_and(is_port));
    (fits && is_host).then(|| format!("{scheme}{rest}"))
}

/// The port that a webhook's URL names.
fn port(url: &str) -> Option<u16> {
    let (_, rest) = after_scheme(url)?;
    rest.split(['/', '?', '#']).next()?.rsplit_once(':')?.1.parse().ok()
}

/// The ports that are other protocols', to which no browser goes either (the Fetch standard's "bad ports"): no operator allows them.
const OTHERS_PORTS: [u16; 82] = [
    1, 7, 9, 11, 13, 15, 17, 19, 20, 21, 22, 23, 25, 37, 42, 43, 53, 69, 77, 79, 87, 95, 101, 102, 103, 104, 109, 110, 111, 113,
    115, 117, 119, 123, 135, 137, 139, 143, 161, 179, 389, 427, 465, 512, 513, 514, 515, 526, 530, 531, 532, 540, 548, 554, 556,
    563, 587, 601, 636, 989, 990, 993, 995, 1719, 1720, 1723, 2049, 3659, 4045, 4190, 5060, 5061, 6000, 6566, 6665, 6666, 6667,
    6668, 6669, 6679, 6697, 10080,
];

/// The scheme of a webhook's URL, in whatever case it was written (RFC 3986, 3.1), and what follows it.
fn after_scheme(url: &str) -> Option<(&'static str, &str)> {
    ["https://", "http://"].into_iter().find_map(|scheme| {
        let (written, rest) = url.split_at_checked(scheme.len())?;
        written.eq_ignore_ascii_case(scheme).then_some((scheme, rest))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_webhook_is_a_url_of_a_host_without_a_user() {
        let longest = format!("https://hooks.example.com/{}", "x".repeat(255 - 26));
        for good in [
            "https://hooks.example.com",
            "https://example.com:8443/a?b=c#d",
            "https://a.xn--p1ai/x",
            "http://tickets.lan:8080/x",
            "http://10.1.2.3/x",
            "https://localhost",
            "http://[fd00::7]:8080/x",
            longest.as_str(),
        ] {
            assert_eq!(webhook(good).as_deref(), Some(good));
        }
        for (typed, kept) in [("HTTPS://Example.com/X", "https://Example.com/X"), ("Http://10.1.2.3", "http://10.1.2.3")] {
            assert_eq!(webhook(typed).as_deref(), Some(kept));
        }
        let long = format!("{longest}x");
        let bad = [
            "ftp://example.com",
            "HTTPS:/example.com",
            "example.com",
            "https://",
            "https://localhost./x",
            "https://[::1/x",
            "https://[::1]80/x",
            "https://[tickets]/x",
            "https://joe:secret@example.com/x",
            "http://joe@example.com/x",
            "https://[::1]@evil.example/",
            "https://a..com",
            "https://example.com:0/",
            "https://example.com:/",
            "https://example.com:x/",
            "https://example.com:+80/",
            "https://example.com:80@evil.example/",
            "https://example.com\\@evil.example/",
            "https://example.com/a b",
            "https://exämple.com/",
            long.as_str(),
        ];
        for bad in bad {
            assert_eq!(webhook(bad), None, "{bad}");
        }
    }

    #[test]
    fn a_masked_url_tells_its_host_alone() {
        for (whole, masked) in [
            ("https://hooks.example.com/T0/secret", "https://hooks.example.com/…"),
            ("https://hooks.example.com:8443?key=secret", "https://hooks.example.com:8443/…"),
            ("https://hooks.example.com#secret", "https://hooks.example.com/…"),
            ("http://tickets.lan:8080/secret", "http://tickets.lan:8080/…"),
            ("joe@example.com", "joe@example.com"),
            ("+14155550123", "+14155550123"),
        ] {
            assert_eq!(Address::new(whole).masked(), masked);
        }
    }

    #[test]
    fn an_address_does_not_print() {
        assert_eq!(format!("{:?}", Address::new("joe@example.com")), "[address]");
    }
}
