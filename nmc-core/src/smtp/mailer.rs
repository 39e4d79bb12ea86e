//! Mails through an SMTP server (RFC 5321): one transaction each, over a few connections that are kept.
//!
//! SMTP has no idempotency: a mail whose receipt got lost may be with its reader already. Sent again it bears the same Message-ID,
//! and most readers show it once.

use super::{SmtpConfig, SmtpSecurity};
use crate::delivery::{Mail, MailError, MailReceipt, MailSender};
use crate::{Error, Result};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use lettre::message::header::{ContentType, HeaderName, HeaderValue};
use lettre::message::{Attachment, Mailbox, MultiPart};
use lettre::transport::smtp::authentication::{Credentials, Mechanism};
use lettre::transport::smtp::client::{SmtpConnection, TlsParameters};
use lettre::transport::smtp::commands;
use lettre::transport::smtp::extension::{ClientId, Extension, MailParameter};
use lettre::{Address, Message};
use std::io::ErrorKind;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Connections that are kept at most for the next mail.
const KEPT: usize = 4;
/// How long a connection may lie unused; servers close theirs after some minutes, and after less under load.
const IDLE: Duration = Duration::from_secs(20);
/// The longest wait for one step of the connection: the handshake, an answer.
const STEP: Duration = Duration::from_secs(15);
/// The shortest time that a server is given to answer to a mail: an answer that is not waited for leaves a doubt.
const LEAST: Duration = Duration::from_millis(500);
/// How long a server may take to say good-bye to a connection that is given up.
const GOOD_BYE: Duration = Duration::from_millis(500);
/// The answers of a server that wants a login or TLS first (RFC 4954, RFC 3207), whatever it was asked.
const LET_IN_FIRST: [u16; 4] = [530, 534, 535, 538];
/// How much of the server's words is kept, in characters.
const WORDS: usize = 300;

/// Hands mails to one SMTP server.
pub struct SmtpMailer {
    config: SmtpConfig,
    tls: Option<TlsParameters>,
    us: ClientId,
    kept: Mutex<Vec<(SmtpConnection, Instant)>>,
}

impl std::fmt::Debug for SmtpMailer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SmtpMailer").field("server", &self.config.server()).finish_non_exhaustive()
    }
}

/// An answer that is none of success, or none at all.
type SmtpError = lettre::transport::smtp::Error;

impl SmtpMailer {
    /// A mailer for this server. Nothing is sent yet, and no connection made.
    ///
    /// # Errors
    /// [`Error::Unavailable`] when TLS can't be set up on this machine.
    pub fn new(config: SmtpConfig) -> Result<Self> {
        let tls = match config.security {
            SmtpSecurity::Unprotected => None,
            SmtpSecurity::Tls | SmtpSecurity::StartTls => {
                // The roots that the machine trusts: an own authority works as it does for other programs.
                let tls = TlsParameters::new(config.host.clone());
                Some(tls.map_err(|error| Error::unavailable("TLS for mail can't be set up", error))?)
            }
        };
        Ok(Self { config, tls, us: ClientId::default(), kept: Mutex::default() })
    }

    fn kept(&self) -> Option<SmtpConnection> {
        loop {
            let (mut connection, since) = self.kept.lock().unwrap_or_else(PoisonError::into_inner).pop()?;
            if since.elapsed() < IDLE && connection.test_connected() {
                return Some(connection);
            }
            part(connection);
        }
    }

    fn keep(&self, connection: SmtpConnection) {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.len() < KEPT {
            kept.push((connection, Instant::now()));
        } else {
            drop(kept);
            part(connection);
        }
    }

    /// A connection that may send: protected and logged in as configured.
    fn connection(&self, deadline: Instant) -> std::result::Result<SmtpConnection, MailError> {
        if let Some(connection) = self.kept() {
            return Ok(connection);
        }
        let SmtpConfig { host, port, security, login, .. } = &self.config;
        let wrapped = self.tls.as_ref().filter(|_| *security == SmtpSecurity::Tls);
        let mut connection =
            SmtpConnection::connect((host.as_str(), *port), Some(self.config.patience.min(STEP)), &self.us, wrapped, None)
                .map_err(|error| not_now("the mail server can't be reached", &error))?;
        let ready = self.begin(&mut connection, deadline, login.as_ref());
        match ready {
            Ok(()) => Ok(connection),
            Err(error) => {
                part(connection);
                Err(error)
            }
        }
    }

    fn begin(
        &self,
        connection: &mut SmtpConnection,
        deadline: Instant,
        login: Option<&(String, crate::Secret)>,
    ) -> std::result::Result<(), MailError> {
        if let (SmtpSecurity::StartTls, Some(tls)) = (self.config.security, &self.tls) {
            // A server that does not offer it, or somebody in between who took the offer out, gets nothing from us.
            wait(connection, deadline)?;
            connection.starttls(tls, &self.us).map_err(|error| not_now("the mail server does not begin TLS", &error))?;
        }
        if let Some((user, password)) = login {
            wait(connection, deadline)?;
            let credentials = Credentials::new(user.clone(), password.expose().to_owned());
            // Who may log in is the operator's to mend, and no fault of the mail's.
            connection
                .auth(&[Mechanism::Plain, Mechanism::Login], &credentials)
                .map_err(|error| not_now("the mail server does not let us in", &error))?;
        }
        Ok(())
    }

    /// One mail over a connection. Until its last line has been written, the server can't have taken it.
    fn hand_over(
        connection: &mut SmtpConnection,
        deadline: Instant,
        message: &Message,
    ) -> std::result::Result<MailReceipt, MailError> {
        let envelope = message.envelope();
        wait(connection, deadline)?;
        let refused = |error: SmtpError| answered(&error, |error| not_now("the mail server broke off", error));
        let mut options = Vec::new();
        if envelope.to().iter().any(|to| !AsRef::<str>::as_ref(to).is_ascii()) {
            if !connection.server_info().supports_feature(Extension::SmtpUtfEight) {
                let reason = "the mail server takes no addresses with such letters (SMTPUTF8)".to_owned();
                return Err(MailError::Refused { code: None, reason, said: None });
            }
            options.push(MailParameter::SmtpUtfEight);
        }
        // The sender is the operator's: who may send with it is theirs to mend, and no fault of the mail's.
        connection
            .command(commands::Mail::new(envelope.from().cloned(), options))
            .map_err(|error| not_now("the mail server does not let us send", &error))?;
        for to in envelope.to() {
            wait(connection, deadline)?;
            connection.command(commands::Rcpt::new(to.clone(), Vec::new())).map_err(refused)?;
        }
        wait(connection, deadline)?;
        connection.command(commands::Data).map_err(refused)?;
        // All the time that is left: most servers look at the whole mail before they answer.
        set_wait(connection, deadline.saturating_duration_since(Instant::now()).max(LEAST))?;
        let answer = connection.message(&message.formatted()).map_err(|error| {
            answered(&error, |error| MailError::InDoubt {
                reason: format!("the mail was handed over, and the server's answer got lost ({})", plain(error)),
            })
        })?;
        Ok(MailReceipt { said: words(answer.message()) })
    }
}

/// The next step waits no longer than is left.
fn wait(connection: &mut SmtpConnection, deadline: Instant) -> std::result::Result<(), MailError> {
    let left = deadline.saturating_duration_since(Instant::now());
    if left.is_zero() {
        return Err(MailError::NotNow { reason: "the mail server took too long".to_owned() });
    }
    set_wait(connection, left.min(STEP))
}

fn set_wait(connection: &mut SmtpConnection, longest: Duration) -> std::result::Result<(), MailError> {
    let set = connection.set_timeout(Some(longest));
    set.map_err(|error| MailError::NotNow { reason: format!("the connection to the mail server broke ({})", error.kind()) })
}

/// Parts with a connection, without much waiting.
fn part(mut connection: SmtpConnection) {
    if connection.set_timeout(Some(GOOD_BYE)).is_ok() {
        connection.abort();
    }
}

fn not_now(what: &str, error: &SmtpError) -> MailError {
    MailError::NotNow { reason: format!("{what}: {}", plain(error)) }
}

/// The meaning of an answer, or `unanswered` where there is none.
fn answered(error: &SmtpError, unanswered: impl FnOnce(&SmtpError) -> MailError) -> MailError {
    match error.status() {
        Some(code) if LET_IN_FIRST.contains(&u16::from(code)) => not_now("the mail server does not let us send", error),
        Some(code) if error.is_permanent() => {
            let reason = format!("the mail server refuses it: {}", plain(error));
            MailError::Refused { code: Some(code.into()), reason, said: Some(said(error).1).filter(|said| !said.is_empty()) }
        }
        Some(_) => not_now("the mail server asks to try later", error),
        None => unanswered(error),
    }
}

/// What an error says: of an answer the codes alone, since servers quote people's addresses, numbers and links.
fn plain(error: &SmtpError) -> String {
    match error.status() {
        Some(code) => format!("{code} {}", said(error).0.unwrap_or_default()).trim_end().to_owned(),
        None if is_timeout(error) => "it took too long".to_owned(),
        None => Some(said(error).1).filter(|said| !said.is_empty()).unwrap_or_else(|| "no answer".to_owned()),
    }
}

/// The enhanced status of an answer (RFC 3463), if it has one, and the words after it.
fn said(error: &SmtpError) -> (Option<String>, String) {
    let source = std::error::Error::source(error).map(ToString::to_string).unwrap_or_default();
    let words = words(source.lines());
    let (first, rest) = words.split_once(' ').unwrap_or((&words, ""));
    let is_number = |part: &str| (1..=3).contains(&part.len()) && part.bytes().all(|b| b.is_ascii_digit());
    let is_status = first.split('.').count() == 3 && first.split('.').all(is_number);
    if is_status { (Some(first.to_owned()), rest.to_owned()) } else { (None, words) }
}

/// Whether a wait has ended: a socket's that is limited ends with `WouldBlock` on Unix.
fn is_timeout(error: &SmtpError) -> bool {
    let mut source = std::error::Error::source(error);
    while let Some(cause) = source {
        if let Some(io) = cause.downcast_ref::<std::io::Error>() {
            return matches!(io.kind(), ErrorKind::TimedOut | ErrorKind::WouldBlock);
        }
        source = cause.source();
    }
    false
}

/// The server's words as they may be kept: servers quote the address that they speak of.
fn words<'w>(lines: impl Iterator<Item = &'w str>) -> String {
    let words = lines.flat_map(str::split_whitespace);
    let words: Vec<&str> = words.map(|word| if word.contains('@') { "[address]" } else { word }).collect();
    words.join(" ").chars().filter(|c| !c.is_control()).take(WORDS).collect()
}

/// A header that no mail of ours lacks: out-of-office answers stay away from it (RFC 3834).
fn automatic() -> Option<HeaderValue> {
    let name = HeaderName::new_from_ascii("Auto-Submitted".to_owned()).ok()?;
    Some(HeaderValue::new(name, "auto-generated".to_owned()))
}

/// A subject that looks like an encoded word (RFC 2047), encoded: readers would decode it, and show something else than what was written.
fn encoded(subject: &str) -> Option<HeaderValue> {
    if !subject.contains("=?") {
        return None;
    }
    let mut words = vec![String::new()];
    for c in subject.chars() {
        // An encoded word has 75 characters at the most; base64 makes 60 of 45.
        if words.last().is_none_or(|word| word.len() + c.len_utf8() > 45) {
            words.push(String::new());
        }
        if let Some(word) = words.last_mut() {
            word.push(c);
        }
    }
    let words: Vec<String> = words.iter().map(|word| format!("=?utf-8?b?{}?=", STANDARD.encode(word))).collect();
    let name = HeaderName::new_from_ascii("Subject".to_owned()).ok()?;
    Some(HeaderValue::dangerous_new_pre_encoded(name, subject.to_owned(), words.join("\r\n ")))
}

/// The mail as it is sent. What could begin a header of its own is refused, and not mended: whoever put it there meant it.
fn message(from: &Mailbox, mail: &Mail<'_>) -> std::result::Result<Message, MailError> {
    let refused = |why: &str| MailError::Refused { code: None, reason: why.to_owned(), said: None };
    let breaks = |text: &str| text.contains(|c: char| c.is_control() || matches!(c, '\u{2028}' | '\u{2029}'));
    if breaks(mail.to.as_str()) || breaks(mail.subject) {
        return Err(refused("its recipient or subject holds control characters"));
    }
    let to: Address = mail.to.as_str().parse().map_err(|_| refused("its recipient is no address that mail can go to"))?;
    let id = |id: uuid::Uuid| format!("<{id}@{}>", from.email.domain());
    let mut builder = Message::builder().message_id(Some(id(mail.id))).from(from.clone()).to(Mailbox::new(None, to)).date_now();
    builder = match encoded(mail.subject) {
        Some(encoded) => builder.raw_header(encoded),
        None => builder.subject(mail.subject),
    };
    if let Some(thread) = mail.thread {
        builder = builder.references(id(thread));
    }
    if let Some(automatic) = automatic() {
        builder = builder.raw_header(automatic);
    }
    let mut parts = MultiPart::alternative_plain_html(mail.text.to_owned(), mail.html.to_owned());
    if let Some(file) = mail.attachment {
        // Letters of other scripts are encoded (RFC 2231).
        if !file.name.chars().all(|c| c.is_alphanumeric() || matches!(c, '-' | '_' | '.')) {
            return Err(refused("the name of its file holds more than letters, digits, dashes and points"));
        }
        let media_type = ContentType::parse(file.media_type).map_err(|_| refused("its file is of no media type"))?;
        let file = Attachment::new(file.name.to_owned()).body(file.bytes.to_vec(), media_type);
        parts = MultiPart::mixed().multipart(parts).singlepart(file);
    }
    builder.multipart(parts).map_err(|_| refused("it can't be written as a mail"))
}

impl MailSender for SmtpMailer {
    fn send(&self, mail: &Mail<'_>) -> std::result::Result<MailReceipt, MailError> {
        let deadline = Instant::now() + self.config.patience;
        let message = message(&self.config.from, mail)?;
        let mut connection = self.connection(deadline)?;
        let sent = Self::hand_over(&mut connection, deadline, &message);
        match &sent {
            Ok(_) => self.keep(connection),
            Err(_) => part(connection),
        }
        sent
    }
}
