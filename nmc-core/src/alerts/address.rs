//! Where somebody is reached: what a recipient or a contact must look like, by its channel.

use crate::schema::users;
use crate::store::Scope;
use crate::{ContactType, Email, Error, NotificationChannel, PhoneNumber, Result, UserId};
use diesel::deserialize::{self, FromSql};
use diesel::pg::{Pg, PgValue};
use diesel::prelude::*;
use diesel::serialize::{self, Output, ToSql};
use diesel::sql_types::Text;
use std::collections::BTreeSet;

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
        let host = |rest: &str| rest.split(['/', '?', '#']).next().map(|host| format!("https://{host}/…"));
        self.0.strip_prefix("https://").and_then(host).unwrap_or_else(|| self.0.clone())
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
            AddressKind::Phone => text
                .trim()
                .parse::<PhoneNumber>()
                .map_err(|_| Error::invalid(field, "must be a phone number in E.164, like +14155550123"))?
                .to_string(),
            AddressKind::Webhook => webhook(text.trim())
                .ok_or_else(|| Error::invalid(field, "must be an https URL of a public host, at most 255 characters"))?
                .to_owned(),
            AddressKind::User => {
                let user: UserId = text.trim().parse().map_err(|_| Error::invalid(field, "must be a user's id"))?;
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

/// An https URL of a public host by name. Addresses in numbers and names of inner networks are refused: a tenant's webhook
/// must not reach the platform's own machines. (What a public name resolves to, the sender has to look at again.)
fn webhook(url: &str) -> Option<&str> {
    let rest = url.strip_prefix("https://")?;
    let authority = rest.split(['/', '?', '#']).next()?;
    let (host, port) = authority.split_once(':').map_or((authority, None), |(host, port)| (host, Some(port)));
    let is_label = |label: &str| !label.is_empty() && label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
    let (_, top) = host.rsplit_once('.')?;
    let top = top.to_ascii_lowercase();
    let is_public = (top.starts_with("xn--") || top.bytes().all(|b| b.is_ascii_alphabetic()))
        && !["internal", "local", "localhost", "localdomain", "lan", "home", "arpa"].contains(&top.as_str());
    let fits = url.len() <= 255
        && url.bytes().all(|b| b.is_ascii_graphic())
        && !url.contains('\\')
        && host.split('.').all(is_label)
        && port.is_none_or(|port| !port.starts_with('+') && port.parse::<u16>().is_ok_and(|port| port > 0));
    (fits && is_public).then_some(url)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_webhook_is_an_https_url_of_a_public_host() {
        let longest = format!("https://hooks.example.com/{}", "x".repeat(255 - 26));
        for good in ["https://hooks.example.com", "https://example.com:8443/a?b=c#d", "https://a.xn--p1ai/x", longest.as_str()] {
            assert_eq!(webhook(good), Some(good));
        }
        let long = format!("{longest}x");
        let bad = [
            "http://example.com",
            "HTTPS://example.com",
            "example.com",
            "https://",
            "https://localhost/x",
            "https://localhost./x",
            "https://db.internal/x",
            "https://127.0.0.1/x",
            "https://0x7f.0x1/x",
            "https://[::1]/x",
            "https://joe:secret@example.com/x",
            "https://a..com",
            "https://example.com:0/",
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
