//! Where mails are handed over, as one URL says it.

use crate::delivery::LONGEST_MAIL;
use crate::{Error, Result, Secret};
use lettre::message::Mailbox;
use percent_encoding::percent_decode_str;
use std::net::IpAddr;
use std::time::Duration;
use url::{Host, Url};

/// How a connection to the server is protected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SmtpSecurity {
    /// TLS from the first byte (`smtps://`, port 465).
    Tls,
    /// The connection begins in the clear and changes to TLS, or nothing is sent (`smtp://`, port 587).
    StartTls,
    /// No TLS: to a server on this machine, or where `?tls=none` says so.
    Unprotected,
}

/// A server that takes mails, and the sender that they name.
#[derive(Debug, Clone)]
pub struct SmtpConfig {
    pub(super) host: String,
    pub(super) port: u16,
    pub(super) security: SmtpSecurity,
    pub(super) login: Option<(String, Secret)>,
    pub(super) from: Mailbox,
    pub(super) patience: Duration,
}

fn wrong(rule: &'static str) -> Error {
    Error::invalid("smtp_url", rule)
}

impl SmtpConfig {
    /// Reads a server's URL and the address that mails come from:
    ///
    /// | URL | means |
    /// |---|---|
    /// | `smtps://user:password@mail.example.com` | TLS from the first byte, port 465 |
    /// | `smtp://user:password@mail.example.com` | STARTTLS required, port 587 |
    /// | `smtp://localhost:25` | without TLS, as the server is on this machine; `?tls=required` asks for STARTTLS |
    /// | `smtp://relay.lan:25?tls=none` | without TLS, as said; such a URL may hold no password |
    ///
    /// `from` is `alerts@example.com` or `NeverMissCall <alerts@example.com>`. What a URL means otherwise (`/`, `@`, `:` or `%` in a
    /// password) is written with its code, like `%2F`.
    ///
    /// # Errors
    /// [`Error::Invalid`] of `smtp_url` or `smtp_from`, which says what is wrong and shows nothing of the URL.
    pub fn parse(url: &Secret, from: &str) -> Result<Self> {
        let url = Url::parse(url.expose().trim()).map_err(|_| {
            wrong("must be a URL like smtps://user:password@mail.example.com; codes like %40 for @ in the password")
        })?;
        let is_wrapped = match url.scheme() {
            "smtps" => true,
            "smtp" => false,
            _ => return Err(wrong("must begin with smtps:// (TLS) or smtp:// (STARTTLS)")),
        };
        if !matches!(url.path(), "" | "/") || url.fragment().is_some() {
            return Err(wrong("must have nothing behind the host; a / or # of the password is written %2F or %23"));
        }
        let host = url.host().filter(|host| !host.to_string().is_empty()).ok_or(wrong("must name a host"))?;
        let host = match host {
            Host::Domain(name) => name.to_owned(),
            Host::Ipv4(ip) => ip.to_string(),
            Host::Ipv6(ip) => ip.to_string(),
        };
        let is_here = host == "localhost" || host.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback());
        let asked = asked_security(&url)?;
        let security = match (is_wrapped, asked) {
            (true, None) => SmtpSecurity::Tls,
            (true, Some(_)) => return Err(wrong("must not say tls= with smtps://, which is TLS already")),
            (false, Some(true)) => SmtpSecurity::StartTls,
            (false, Some(false)) => SmtpSecurity::Unprotected,
            (false, None) if is_here => SmtpSecurity::Unprotected,
            (false, None) => SmtpSecurity::StartTls,
        };
        let port = match (url.port(), is_wrapped) {
            (Some(0), _) => return Err(wrong("must have a port between 1 and 65535")),
            (Some(465), false) => return Err(wrong("must begin with smtps:// at port 465, which is TLS from the first byte")),
            (Some(25 | 587), true) => {
                return Err(wrong("must begin with smtp:// at port 25 or 587, where TLS begins by STARTTLS"));
            }
            (Some(port), _) => port,
            (None, true) => 465,
            (None, false) => 587,
        };
        let login = login(&url)?;
        if login.is_some() && security == SmtpSecurity::Unprotected && !is_here {
            return Err(wrong("must not send a password without TLS: leave out tls=none, or the login"));
        }
        Ok(Self { host, port, security, login, from: sender(from)?, patience: LONGEST_MAIL })
    }

    /// The same server, which may take this long for one mail, and no longer than [`LONGEST_MAIL`].
    #[must_use]
    pub fn with_patience(self, patience: Duration) -> Self {
        Self { patience: patience.min(LONGEST_MAIL), ..self }
    }

    /// The host and the port of the server, for logs.
    #[must_use]
    pub fn server(&self) -> String {
        format!("{}:{}", self.host, self.port)
    }

    /// How connections to the server are protected.
    #[must_use]
    pub const fn security(&self) -> SmtpSecurity {
        self.security
    }
}

/// Whether the URL asks for TLS, or for none.
fn asked_security(url: &Url) -> Result<Option<bool>> {
    let mut asked = None;
    for (name, value) in url.query_pairs() {
        asked = match (name.as_ref(), value.as_ref()) {
            ("tls", "required") => Some(true),
            ("tls", "none") => Some(false),
            ("tls", _) => return Err(wrong("must say tls=required or tls=none")),
            _ => return Err(wrong("must have no parameter but tls; a ? of the password is written %3F")),
        };
    }
    Ok(asked)
}

fn login(url: &Url) -> Result<Option<(String, Secret)>> {
    let plain = |text: &str| {
        let text = percent_decode_str(text).decode_utf8().map_err(|_| wrong("must have a login in UTF-8"))?;
        if text.contains(char::is_control) {
            Err(wrong("must have no control characters in its login"))
        } else {
            Ok(text.into_owned())
        }
    };
    match (url.username(), url.password().filter(|password| !password.is_empty())) {
        ("", None) => Ok(None),
        ("", Some(_)) => Err(wrong("must name the user of the password, as user:password@")),
        (_, None) => Err(wrong("must have the user's password, as user:password@")),
        (user, Some(password)) => Ok(Some((plain(user)?, Secret::new(plain(password)?)))),
    }
}

fn sender(from: &str) -> Result<Mailbox> {
    let wrong =
        || Error::invalid("smtp_from", "must be an address like alerts@example.com or NeverMissCall <alerts@example.com>");
    let is_plain = !from.contains(char::is_control) && from.is_ascii();
    let mailbox: Mailbox = from.trim().parse().map_err(|_| wrong())?;
    // Its domain is that of Message-IDs, too.
    if is_plain && mailbox.email.domain().contains('.') { Ok(mailbox) } else { Err(wrong()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(url: &str) -> Result<SmtpConfig> {
        SmtpConfig::parse(&Secret::new(url), "NeverMissCall <alerts@example.com>")
    }

    #[test]
    fn url_says_server_security_and_login() {
        use SmtpSecurity::{StartTls, Tls, Unprotected};
        let cases = [
            ("smtps://joe:s%2Fe%40c:r@mail.example.com", "mail.example.com:465", Tls, Some(("joe", "s/e@c:r"))),
            ("smtps://joe%40example.com:x@mail.example.com:8465/", "mail.example.com:8465", Tls, Some(("joe@example.com", "x"))),
            ("smtp://mail.example.com", "mail.example.com:587", StartTls, None),
            ("smtp://a:b@mail.example.com:25?tls=required", "mail.example.com:25", StartTls, Some(("a", "b"))),
            ("smtp://localhost:1025", "localhost:1025", Unprotected, None),
            ("smtp://a:b@127.0.0.1:1025", "127.0.0.1:1025", Unprotected, Some(("a", "b"))),
            ("smtp://[::1]:1025?tls=required", "::1:1025", StartTls, None),
            ("smtp://relay.lan:25?tls=none", "relay.lan:25", Unprotected, None),
        ];
        for (url, server, security, login) in cases {
            let config = parse(url).unwrap_or_else(|error| panic!("{url}: {error}"));
            let found = config.login.as_ref().map(|(user, password)| (user.as_str(), password.expose()));
            assert_eq!((config.server().as_str(), config.security, found), (server, security, login), "{url}");
            assert!(!format!("{config:?}").contains("s/e@c:r"), "no password in a log");
        }
    }

    #[test]
    fn mistakes_in_the_url_are_told_apart_and_not_shown() {
        let cases = [
            ("mail.example.com", "must be a URL like"),
            ("smtp://", "must name a host"),
            ("https://mail.example.com", "must begin with smtps://"),
            ("mail.example.com:465", "must begin with smtps://"),
            ("smtps://a:hunter2/x@mail.example.com", "must be a URL like"),
            ("smtps://mail.example.com/inbox", "must have nothing behind the host"),
            ("smtps://a:12/hunter2@mail.example.com", "must have nothing behind the host"),
            ("smtp://a:12#hunter2@mail.example.com", "must have nothing behind the host"),
            ("smtps://a:12?hunter2@mail.example.com", "must have no parameter but tls"),
            ("smtps://mail.example.com:99999", "must be a URL like"),
            ("smtps://mail.example.com:0", "must have a port"),
            ("smtp://mail.example.com:465", "must begin with smtps:// at port 465"),
            ("smtps://mail.example.com:587", "must begin with smtp:// at port 25 or 587"),
            ("smtps://mail.example.com?tls=none", "must not say tls= with smtps://"),
            ("smtp://mail.example.com?tls=maybe", "must say tls=required or tls=none"),
            ("smtp://mail.example.com?ssl=1", "must have no parameter but tls"),
            ("smtps://hunter2@mail.example.com", "must have the user's password"),
            ("smtps://:hunter2@mail.example.com", "must name the user"),
            ("smtps://a:hunter2%0d%0a@mail.example.com", "must have no control characters"),
            ("smtps://a:hunter2%ff@mail.example.com", "must have a login in UTF-8"),
            ("smtp://a:hunter2@mail.example.com?tls=none", "must not send a password without TLS"),
        ];
        for (url, rule) in cases {
            let error = parse(url).unwrap_err().to_string();
            assert!(error.starts_with(&format!("smtp_url {rule}")), "{url}: {error}");
            assert!(!error.contains("hunter2"), "{error}");
        }
        for from in ["", "alerts", "alerts@localhost", "a@example.com\r\nBcc: b@example.com", "a@example.com, b@example.com"] {
            assert!(SmtpConfig::parse(&Secret::new("smtp://localhost"), from).is_err(), "{from:?}");
        }
    }
}
