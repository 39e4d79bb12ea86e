//! The address of a database, in the forms that psql takes, made into one connection string that names everything.
//!
//! libpq fills what an address leaves out from PG* variables, which were set for another database as often as not. What
//! says which database it is and how a session begins (host, port, database, options, …) is therefore never taken from
//! them. How one proves oneself does come from there where the address says nothing: `PGUSER`, `PGPASSWORD`, `PGPASSFILE`
//! and, over a network, `PGSSLMODE`, `PGSSLROOTCERT` and their like. A Unix socket has no network to be secured.

use std::path::{Path, PathBuf};
use std::time::Duration;

/// The parameters of libpq, up to version 18, between blanks.
const KNOWN: &str = "
    service user password passfile channel_binding connect_timeout dbname host hostaddr port client_encoding options
    application_name fallback_application_name keepalives keepalives_idle keepalives_interval keepalives_count
    tcp_user_timeout sslmode sslnegotiation sslcompression sslcert sslkey sslcertmode sslpassword sslrootcert sslcrl
    sslcrldir sslsni requirepeer require_auth min_protocol_version max_protocol_version ssl_min_protocol_version
    ssl_max_protocol_version gssencmode krbsrvname gsslib gssdelegation replication target_session_attrs
    load_balance_hosts scram_client_key scram_server_key oauth_issuer oauth_client_id oauth_client_secret oauth_scope
    sslkeylogfile ";

/// The parameters whose values are secret. What follows one may be the rest of it, not quoted as it should be.
const SECRET: [&str; 5] = ["password", "sslpassword", "scram_client_key", "scram_server_key", "oauth_client_secret"];

const CONNECT_TIMEOUT: &str = "5";

/// Ends to the waits for the network, unless the address names its own; libpq's defaults are "for ever". Seconds, but
/// for `tcp_user_timeout`: milliseconds without an acknowledgement.
const BOUNDS: [(&str, &str); 5] = [
    ("connect_timeout", CONNECT_TIMEOUT),
    ("tcp_user_timeout", "30000"),
    ("keepalives_idle", "30"),
    ("keepalives_interval", "10"),
    ("keepalives_count", "3"),
];

/// Where libpq's builders put the server's socket: Debian's and Red Hat's, and PostgreSQL's own.
const SOCKET_DIRS: [&str; 3] = ["/var/run/postgresql", "/run/postgresql", "/tmp"];

/// When a variable is kept from having its say: it stands for a parameter that the address does not name.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Pinned {
    Always,
    /// In a libpq that we have built ourselves: others may not know the parameter yet.
    Bundled,
    /// The variable is pinned where all hosts are Unix sockets.
    Local,
    LocalBundled,
}

/// Variable, parameter, and the value that counts instead.
const PINNED: [(&str, &str, &str, Pinned); 19] = [
    ("PGHOST", "host", "", Pinned::Always),
    ("PGHOSTADDR", "hostaddr", "", Pinned::Always),
    ("PGPORT", "port", "5432", Pinned::Always),
    ("PGDATABASE", "dbname", "", Pinned::Always),
    ("PGOPTIONS", "options", "", Pinned::Always),
    ("PGCLIENTENCODING", "client_encoding", "UTF8", Pinned::Always),
    ("PGTARGETSESSIONATTRS", "target_session_attrs", "any", Pinned::Always),
    ("PGLOADBALANCEHOSTS", "load_balance_hosts", "disable", Pinned::Bundled),
    ("PGMINPROTOCOLVERSION", "min_protocol_version", "", Pinned::Bundled),
    ("PGMAXPROTOCOLVERSION", "max_protocol_version", "", Pinned::Bundled),
    ("PGSSLMODE", "sslmode", "disable", Pinned::Local),
    ("PGSSLMINPROTOCOLVERSION", "ssl_min_protocol_version", "", Pinned::Local),
    ("PGSSLMAXPROTOCOLVERSION", "ssl_max_protocol_version", "", Pinned::Local),
    ("PGGSSENCMODE", "gssencmode", "disable", Pinned::Local),
    ("PGCHANNELBINDING", "channel_binding", "disable", Pinned::Local),
    ("PGREQUIREPEER", "requirepeer", "", Pinned::Local),
    ("PGREQUIREAUTH", "require_auth", "", Pinned::LocalBundled),
    ("PGSSLNEGOTIATION", "sslnegotiation", "postgres", Pinned::LocalBundled),
    ("PGSSLCERTMODE", "sslcertmode", "disable", Pinned::LocalBundled),
];

/// The reason why a text is no address of a database. Neither tells any value of it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AddressError {
    /// The text can't be read. libpq would quote it, which a password that isn't percent-encoded may be part of.
    #[error(
        "the database's address can't be used: it must be like postgres://user:password@host:5432/name, \
         with the special characters of a password percent-encoded (@ as %40)"
    )]
    Form,
    /// The address has a parameter that isn't libpq's, with this name.
    #[error("the database's address has the parameter {0}, which is not one of PostgreSQL's: take it out")]
    Parameter(String),
}

/// An address: libpq's parameters and their values, as far as it names them.
#[derive(Clone, Default)]
pub struct Address(Vec<(String, String)>);

impl std::fmt::Debug for Address {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("[address]")
    }
}

impl Address {
    /// Reads a URL or a string of keywords and values. Blanks around it don't count.
    ///
    /// # Errors
    /// [`AddressError`], which repeats no value of the text.
    pub fn parse(text: &str) -> Result<Self, AddressError> {
        let text = text.trim();
        let mut address = Self::default();
        match ["postgres://", "postgresql://"].iter().find_map(|scheme| text.strip_prefix(scheme)) {
            Some(rest) => address.read_url(rest)?,
            None => address.read_parameters(&keywords(text)?)?,
        }
        let ports = address.get("port").unwrap_or_default();
        if ports.split(',').any(|port| !port.is_empty() && port.parse::<u16>().is_err()) {
            return Err(AddressError::Form);
        }
        Ok(address)
    }

    /// Whether the address holds a password.
    #[must_use]
    pub fn has_password(&self) -> bool {
        self.password().is_some()
    }

    /// The password of the address.
    pub(super) fn password(&self) -> Option<&str> {
        self.get("password").filter(|password| !password.is_empty())
    }

    /// The string that libpq is given, but for the password: for the arguments of other programs, whose environment says nothing.
    pub(super) fn without_password(&self) -> String {
        let mut rest = self.clone();
        rest.0.retain(|(name, _)| name != "password");
        rest.conninfo(|_| false)
    }

    pub(super) fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// The last one counts, as in libpq.
    fn set(&mut self, name: &str, value: String) {
        self.0.retain(|(known, _)| known != name);
        self.0.push((name.to_owned(), value));
    }

    /// Names the application, unless the address does.
    pub(super) fn named(mut self, application: &str) -> Self {
        if self.get("application_name").is_none() {
            self.set("application_name", application.to_owned());
        }
        self
    }

    /// `[user[:password]@][host[:port][,…]][/database][?name=value[&…]]`. A password may hold anything but `@` and `/`.
    fn read_url(&mut self, rest: &str) -> Result<(), AddressError> {
        let user_ends = rest.find(['@', '/']).filter(|at| rest.get(*at..).is_some_and(|from| from.starts_with('@')));
        let (user, rest) = match user_ends.and_then(|at| rest.split_at_checked(at)) {
            Some((user, rest)) => (user, rest.get(1..).unwrap_or_default()),
            None => ("", rest),
        };
        let (user, password) = user.split_once(':').unwrap_or((user, ""));
        let (rest, parameters) = rest.split_once('?').unwrap_or((rest, ""));
        let (hosts, database) = rest.split_once('/').unwrap_or((rest, ""));
        let (mut names, mut ports) = (Vec::new(), Vec::new());
        for host in hosts.split(',') {
            let (name, port) = match host.strip_prefix('[').map(|host| host.split_once(']').ok_or(AddressError::Form)) {
                Some(split) => split?,
                None => host.split_at(host.find(':').unwrap_or(host.len())),
            };
            names.push(name);
            ports.push(match port.strip_prefix(':') {
                Some(port) => port,
                None if port.is_empty() => "",
                None => return Err(AddressError::Form),
            });
        }
        let is_told = |parts: &[&str]| parts.iter().any(|part| !part.is_empty());
        let hosts = if is_told(&names) { names.join(",") } else { String::new() };
        let ports = if is_told(&ports) { ports.join(",") } else { String::new() };
        for (name, value) in [("user", user), ("password", password), ("host", &hosts), ("port", &ports), ("dbname", database)] {
            if !value.is_empty() {
                self.set(name, decoded(value)?);
            }
        }
        let pairs = parameters.split('&').filter(|pair| !pair.is_empty()).map(|pair| {
            let (name, value) = pair.split_once('=').ok_or(AddressError::Form)?;
            Ok(match (decoded(name)?, decoded(value)?) {
                // The spelling of JDBC, which libpq takes in URLs.
                (name, value) if name == "ssl" && value == "true" => ("sslmode".to_owned(), "require".to_owned()),
                pair => pair,
            })
        });
        self.read_parameters(&pairs.collect::<Result<Vec<_>, _>>()?)
    }

    /// Takes parameters that libpq knows.
    fn read_parameters(&mut self, pairs: &[(String, String)]) -> Result<(), AddressError> {
        let mut follows_secret = false;
        for (name, value) in pairs {
            if !KNOWN.split_ascii_whitespace().any(|known| known == name) {
                let is_name = name.len() <= 40 && name.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_');
                // A secret that isn't quoted ends where it shouldn't: what looks like a name may be the rest of it.
                let is_safe = is_name && !follows_secret && !pairs.iter().any(|(_, value)| value.contains('@'));
                return Err(if is_safe { AddressError::Parameter(name.clone()) } else { AddressError::Form });
            }
            follows_secret |= SECRET.contains(&name.as_str());
            self.set(name, value.clone());
        }
        Ok(())
    }

    /// The string that libpq is given: the address with an end to each wait, and with whatever else of the process's
    /// environment (`is_set` tells which variables there are) must not count.
    pub(super) fn conninfo(&self, is_set: impl Fn(&str) -> bool) -> String {
        let mut full = self.clone();
        for (name, value) in BOUNDS {
            if self.get(name).is_none() {
                full.set(name, value.to_owned());
            }
        }
        // A service's file says the rest.
        if self.get("service").is_none() {
            if self.get("host").is_none() && self.get("hostaddr").is_none() {
                full.set("host", self.local_socket().unwrap_or_default().to_owned());
            }
            let is_local = full.get("host").is_some_and(|hosts| hosts.split(',').all(|host| host.starts_with(['/', '@'])));
            let is_bundled = cfg!(any(feature = "bundled-libpq", feature = "tls"));
            for (variable, name, value, pinned) in PINNED {
                let counts = match pinned {
                    Pinned::Always => true,
                    Pinned::Bundled => is_bundled,
                    Pinned::Local => is_local,
                    Pinned::LocalBundled => is_local && is_bundled,
                };
                if counts && self.get(name).is_none() && full.get(name).is_none() && is_set(variable) {
                    full.set(name, value.to_owned());
                }
            }
        }
        let quoted = full.0.iter().map(|(name, value)| format!("{name}='{}'", value.replace('\\', "\\\\").replace('\'', "\\'")));
        quoted.collect::<Vec<_>>().join(" ")
    }

    /// The directory where a server of this machine has its socket. Each build of libpq knows one place; psql's is the server's.
    fn local_socket(&self) -> Option<&'static str> {
        let port = self.get("port").unwrap_or("5432");
        SOCKET_DIRS.into_iter().find(|dir| Path::new(dir).join(format!(".s.PGSQL.{port}")).exists())
    }

    /// The servers it leads to, to tell those of one from those of another.
    pub(super) fn server(&self) -> String {
        [self.get("hostaddr"), self.get("host"), self.get("port")].map(Option::unwrap_or_default).join(" ")
    }

    /// The Unix sockets a connection may be to.
    pub(super) fn sockets(&self) -> Vec<PathBuf> {
        let hosts: Vec<&str> = match self.get("host") {
            Some(hosts) => hosts.split(',').collect(),
            None => SOCKET_DIRS.to_vec(),
        };
        let ports = self.ports();
        hosts.iter().flat_map(|host| ports.iter().map(|port| Path::new(*host).join(format!(".s.PGSQL.{port}")))).collect()
    }

    /// The ports a connection may be to.
    pub(super) fn ports(&self) -> Vec<u16> {
        let ports = self.get("port").unwrap_or_default().split(',');
        ports.map(|port| port.parse().unwrap_or(5432)).collect()
    }

    /// How long libpq may take to connect to one of its hosts; `None` for ever.
    pub(super) fn connect_time(&self) -> Option<Duration> {
        let each: u64 = self.get("connect_timeout").unwrap_or(CONNECT_TIMEOUT).trim().parse().ok()?;
        let hosts = self.get("host").or_else(|| self.get("hostaddr")).unwrap_or_default().split(',').count();
        // libpq takes 1 for 2.
        let seconds = each.max(2).checked_mul(u64::try_from(hosts).ok()?)?;
        (each > 0).then(|| Duration::from_secs(seconds))
    }
}

/// `name = value` pairs between blanks; a value may stand in single quotes, and a backslash takes the next letter as it is.
fn keywords(text: &str) -> Result<Vec<(String, String)>, AddressError> {
    let mut pairs = Vec::new();
    let mut rest = text.trim_start();
    while !rest.is_empty() {
        let (name, value) = rest.split_once('=').ok_or(AddressError::Form)?;
        let value = value.trim_start();
        let (is_quoted, value) = value.strip_prefix('\'').map_or((false, value), |value| (true, value));
        let (mut read, mut letters, mut is_closed) = (String::new(), value.chars(), !is_quoted);
        while let Some(letter) = letters.next() {
            match letter {
                '\\' => read.extend(letters.next()),
                '\'' if is_quoted => {
                    is_closed = true;
                    break;
                }
                blank if !is_quoted && blank.is_ascii_whitespace() => break,
                letter => read.push(letter),
            }
        }
        if !is_closed {
            return Err(AddressError::Form);
        }
        pairs.push((name.trim_end().to_owned(), read));
        rest = letters.as_str().trim_start();
    }
    Ok(pairs)
}

/// A part of a URL without its percent signs.
fn decoded(part: &str) -> Result<String, AddressError> {
    let mut bytes = part.bytes();
    let mut read = Vec::new();
    while let Some(byte) = bytes.next() {
        read.push(match byte {
            b'%' => {
                let mut digit = || bytes.next().and_then(|digit| char::from(digit).to_digit(16));
                let code = digit().zip(digit()).map(|(high, low)| high * 16 + low).filter(|code| *code > 0);
                code.and_then(|code| u8::try_from(code).ok()).ok_or(AddressError::Form)?
            }
            byte => byte,
        });
    }
    String::from_utf8(read).map_err(|_| AddressError::Form)
}

#[cfg(test)]
mod tests {
    use super::{Address, AddressError, BOUNDS};

    /// What libpq is told, but for the bounds that are always there.
    fn told(text: &str, variables: &[&str]) -> String {
        let mut told = Address::parse(text).expect("an address").conninfo(|name| variables.contains(&name));
        for (name, value) in BOUNDS {
            told = told.replace(&format!(" {name}='{value}'"), "");
        }
        told
    }

    #[test]
    fn forms_that_psql_takes_are_read() {
        for (text, read) in [
            ("postgres://h/d", "host='h' dbname='d'"),
            ("postgresql://u:p@h:1/d", "user='u' password='p' host='h' port='1' dbname='d'"),
            ("postgres://u:a?b#c&d=e@h/d?", "user='u' password='a?b#c&d=e' host='h' dbname='d'"),
            ("postgres://u:%40%27%5C%25@h", r"user='u' password='@\'\\%' host='h'"),
            ("postgres://u@[::1]:7,b,c:8/d", "user='u' host='::1,b,c' port='7,,8' dbname='d'"),
            ("postgres:///d?host=%2Ftmp%2Fx&port=7&user=u", "dbname='d' host='/tmp/x' port='7' user='u'"),
            ("postgres://h:1/d?port=2&ssl=true", "host='h' dbname='d' port='2' sslmode='require'"),
            (" host = h  dbname='a b' password='it\\'s'\n", r"host='h' dbname='a b' password='it\'s'"),
            ("\npostgres://h/d\n", "host='h' dbname='d'"),
        ] {
            assert_eq!(told(text, &[]), read, "{text}");
        }
    }

    #[test]
    fn every_wait_for_the_network_ends() {
        let told = Address::parse("postgres://h/d?connect_timeout=9").expect("an address").conninfo(|_| false);
        for part in ["connect_timeout='9'", "tcp_user_timeout='30000'", "keepalives_idle='30'"] {
            assert!(told.contains(part), "{told}");
        }
    }

    #[test]
    fn variables_never_say_where_the_database_is() {
        let all =
            ["PGHOST", "PGHOSTADDR", "PGPORT", "PGDATABASE", "PGOPTIONS", "PGTARGETSESSIONATTRS", "PGSSLMODE", "PGREQUIREAUTH"];
        assert_eq!(
            told("postgres://h", &all),
            "host='h' hostaddr='' port='5432' dbname='' options='' target_session_attrs='any'",
            "how to be safe on a network is left to them"
        );
        assert_eq!(
            told("postgres://h:1/d?options=-cgeqo%3Doff", &["PGOPTIONS"]),
            "host='h' port='1' dbname='d' options='-cgeqo=off'"
        );
        assert!(told("postgres://u@/d?host=/tmp", &all).contains("sslmode='disable'"));
        assert_eq!(told("service=s", &all), "service='s'");
    }

    #[test]
    fn a_parameter_that_is_not_libpqs_is_named() {
        let refused = |text: &str| Address::parse(text).map(drop).expect_err("not libpq's");
        for name in ["pgbouncer", "schema", "connection_limit"] {
            assert_eq!(refused(&format!("postgres://u:p@h/d?{name}=1")), AddressError::Parameter(name.to_owned()));
            assert_eq!(refused(&format!("host=h {name}=1 password=x")), AddressError::Parameter(name.to_owned()));
        }
        for text in [
            "postgres://u@h/d?password=x&hunter=y",
            "postgres://u:1/hun?ter=x@h/d",
            "host=h password=x hunter=y",
            "postgres://u@h/d?Hunter2=x",
            "postgres://u:hunter2/@h:1/d",
            "mysql://u:hunter2@h/d",
        ] {
            assert_eq!(refused(text), AddressError::Form, "{text}");
        }
    }
}
