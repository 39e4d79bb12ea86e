//! A database's address, taken apart: so that its password stays out of the arguments of other programs.

use crate::Secret;

/// The parts of a connection string, an URI or pairs of keyword and value, as libpq names them.
#[derive(Clone, PartialEq, Eq)]
pub struct Address {
    parts: Vec<(String, String)>,
}

/// The text is no address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "the database's address can't be used: it must be like postgres://user:password@host:5432/name, \
     with the special characters of a password percent-encoded (@ as %40)"
)]
pub struct NoAddress;

impl Address {
    /// Takes an address apart.
    ///
    /// # Errors
    /// [`NoAddress`], which repeats nothing of the text.
    pub fn parse(text: &Secret) -> Result<Self, NoAddress> {
        let text = text.expose().trim();
        let uri = text.strip_prefix("postgres://").or_else(|| text.strip_prefix("postgresql://"));
        let parts = uri.map_or_else(|| of_pairs(text), of_uri)?;
        Ok(Self { parts })
    }

    /// Whether it holds a password.
    #[must_use]
    pub fn has_password(&self) -> bool {
        self.password().is_some()
    }

    /// Its password.
    pub(crate) fn password(&self) -> Option<&str> {
        self.get("password").filter(|password| !password.is_empty())
    }

    /// One of its parts, such as `host`; of several the last counts.
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.parts.iter().rev().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// The same in pairs of keyword and value, without the password, and with an end to every wait for the network.
    pub(crate) fn without_password(&self) -> String {
        let parts = self.parts.iter().filter(|(name, _)| name != "password").cloned();
        let bounds = [("connect_timeout", "10"), ("keepalives_idle", "30"), ("tcp_user_timeout", "60000")]
            .into_iter()
            .filter(|(name, _)| self.get(name).is_none())
            .map(|(name, value)| (name.to_owned(), value.to_owned()));
        let quoted = |text: &str| text.replace('\\', "\\\\").replace('\'', "\\'");
        let pairs: Vec<String> = parts.chain(bounds).map(|(name, value)| format!("{name}='{}'", quoted(&value))).collect();
        pairs.join(" ")
    }
}

impl std::fmt::Debug for Address {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("[address]")
    }
}

/// What follows `postgres://`.
fn of_uri(rest: &str) -> Result<Vec<(String, String)>, NoAddress> {
    let mut parts = Vec::new();
    let mut add = |name: &str, value: &str| -> Result<(), NoAddress> {
        if !value.is_empty() {
            parts.push((name.to_owned(), decoded(value)?));
        }
        Ok(())
    };
    let (rest, query) = rest.split_once('?').unwrap_or((rest, ""));
    let (authority, name) = rest.split_once('/').unwrap_or((rest, ""));
    let (login, hosts) = authority.rsplit_once('@').unwrap_or(("", authority));
    let (user, password) = login.split_once(':').unwrap_or((login, ""));
    add("user", user)?;
    add("password", password)?;
    add("dbname", name)?;
    let (mut names, mut ports) = (Vec::new(), Vec::new());
    for host in hosts.split(',') {
        let (host, port) = match host.strip_prefix('[') {
            Some(host) => host.split_once(']').map(|(host, port)| (host, port.trim_start_matches(':'))).ok_or(NoAddress)?,
            None => host.split_once(':').unwrap_or((host, "")),
        };
        names.push(host);
        ports.push(port);
    }
    add("host", &names.join(","))?;
    if ports.iter().any(|port| !port.is_empty()) {
        add("port", &ports.join(","))?;
    }
    for pair in query.split('&').filter(|pair| !pair.is_empty()) {
        let (name, value) = pair.split_once('=').ok_or(NoAddress)?;
        add(&decoded(name)?, value)?;
    }
    Ok(parts)
}

fn decoded(text: &str) -> Result<String, NoAddress> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        if byte != b'%' {
            bytes.push(byte);
            continue;
        }
        let mut digit = || rest.next().and_then(|digit| char::from(digit).to_digit(16)).ok_or(NoAddress);
        let value = digit()? * 16 + digit()?;
        bytes.push(u8::try_from(value).ok().filter(|byte| *byte != 0).ok_or(NoAddress)?);
    }
    String::from_utf8(bytes).map_err(|_| NoAddress)
}

/// `host=… user='…'`: a backslash takes the next character as it is.
fn of_pairs(text: &str) -> Result<Vec<(String, String)>, NoAddress> {
    let (mut parts, mut rest) = (Vec::new(), text.trim_start());
    while !rest.is_empty() {
        let (name, after) = rest.split_once('=').ok_or(NoAddress)?;
        let name = name.trim();
        if name.is_empty() || name.contains(char::is_whitespace) {
            return Err(NoAddress);
        }
        let after = after.trim_start();
        let (quoted, body) = after.strip_prefix('\'').map_or((false, after), |body| (true, body));
        let (mut value, mut end, mut chars) = (String::new(), None, body.char_indices());
        while let Some((at, c)) = chars.next() {
            match c {
                '\\' => value.extend(chars.next().map(|(_, c)| c)),
                '\'' if quoted => {
                    end = Some(at + 1);
                    break;
                }
                c if !quoted && c.is_whitespace() => {
                    end = Some(at);
                    break;
                }
                c => value.push(c),
            }
        }
        if quoted && end.is_none() {
            return Err(NoAddress);
        }
        parts.push((name.to_owned(), value));
        rest = end.and_then(|end| body.get(end..)).unwrap_or_default().trim_start();
    }
    if parts.is_empty() { Err(NoAddress) } else { Ok(parts) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<Address, NoAddress> {
        Address::parse(&Secret::new(text))
    }

    #[test]
    fn address_is_told_without_its_password() {
        let bounds = "connect_timeout='10' keepalives_idle='30' tcp_user_timeout='60000'";
        for (text, parts, password) in [
            ("postgres://u:p%40x@h:5433/d", "user='u' dbname='d' host='h' port='5433'", Some("p@x")),
            ("postgresql://u@/d?host=%2Frun%2Fpg&port=5432", "user='u' dbname='d' host='/run/pg' port='5432'", None),
            ("postgres://h/d?password=x&sslmode=require", "dbname='d' host='h' sslmode='require'", Some("x")),
            ("postgres://u:a@b@[::1]:5/d", "user='u' dbname='d' host='::1' port='5'", Some("a@b")),
            ("postgres://u:p@a:1,b/d", "user='u' dbname='d' host='a,b' port='1,'", Some("p")),
            ("host=h user = 'o\\'b' password='a b'  dbname=d", "host='h' user='o\\'b' dbname='d'", Some("a b")),
        ] {
            let address = parse(text).unwrap();
            assert_eq!(address.without_password(), format!("{parts} {bounds}"), "{text}");
            assert_eq!((address.password(), address.has_password()), (password, password.is_some()), "{text}");
        }
    }

    #[test]
    fn text_that_is_no_address_is_refused_and_not_repeated() {
        for text in ["", "hunter2", "postgres://u:hunter2%zz@h/d", "postgres://u:p@[hunter2/d", "host=h password='hunter2"] {
            assert!(!parse(text).unwrap_err().to_string().contains("hunter2"), "{text}");
        }
        assert_eq!(format!("{:?}", parse("postgres://u:hunter2@h/d").unwrap()), "[address]");
    }
}
