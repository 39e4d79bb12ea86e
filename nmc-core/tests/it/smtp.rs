//! Mails over SMTP against a server that fails in the ways real ones do.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use nmc_core::delivery::{Attachment, Mail, MailError, MailReceipt, MailSender as _};
use nmc_core::smtp::{SmtpConfig, SmtpMailer};
use nmc_core::testing::{FakeSmtp, SmtpFault, SmtpStep};
use nmc_core::uuid::Uuid;
use nmc_core::{Email, Secret};
use std::time::Duration;

const ID: Uuid = Uuid::from_u128(7);
const THREAD: Uuid = Uuid::from_u128(9);

fn mailer(server: &FakeSmtp) -> SmtpMailer {
    at(&server.url())
}

fn at(url: &str) -> SmtpMailer {
    within(Duration::from_secs(20), url)
}

/// A mailer whose server may take this long.
fn within(patience: Duration, url: &str) -> SmtpMailer {
    let config = SmtpConfig::parse(&Secret::new(url), "NeverMissCall <alerts@nmc.example.com>").unwrap();
    SmtpMailer::new(config.with_patience(patience)).unwrap()
}

fn send(mailer: &SmtpMailer, subject: &str) -> Result<MailReceipt, MailError> {
    let to: Email = "joe@example.com".parse().unwrap();
    let text = "Missed calls are 12, above 10.\n.\nA line with a dot, and Grüße.";
    let html = "<p>Missed calls are 12, above 10.</p>";
    mailer.send(&Mail { id: ID, thread: Some(THREAD), to: &to, subject, text, html, attachment: None })
}

#[test]
fn mail_arrives_with_its_parts_and_headers() {
    let server = FakeSmtp::start();
    let receipt = send(&mailer(&server), "Missed calls: Grüße").unwrap();
    assert_eq!(receipt.said, "2.0.0 taken as 4711");
    let [mail] = server.taken().try_into().unwrap();
    assert_eq!((mail.from.as_str(), mail.to), ("alerts@nmc.example.com", vec!["joe@example.com".to_owned()]));
    let mail = &server.taken()[0];
    let header = |name| mail.header(name).unwrap_or_else(|| panic!("{name} in {}", mail.text));
    assert_eq!(header("Message-ID"), format!("<{ID}@nmc.example.com>"));
    assert_eq!(header("References"), format!("<{THREAD}@nmc.example.com>"));
    assert_eq!(header("Auto-Submitted"), "auto-generated");
    assert_eq!(header("From"), "NeverMissCall <alerts@nmc.example.com>");
    assert_eq!(header("To"), "joe@example.com");
    assert!(header("Subject").starts_with("Missed calls: =?utf-8?"), "{}", header("Subject"));
    assert!(header("Content-Type").starts_with("multipart/alternative"));
    let (plain, html) = (mail.text.find("text/plain").unwrap(), mail.text.find("text/html").unwrap());
    assert!(plain < html, "readers take the last part that they can show");
    assert!(mail.text.contains("\n.\nA line with a dot"), "a dot alone does not end it: {}", mail.text);
}

#[test]
fn file_keeps_its_name_in_any_script() {
    let server = FakeSmtp::start();
    let to: Email = "joe@example.com".parse().unwrap();
    let send = |name| {
        let attachment = Some(Attachment { name, media_type: "application/pdf", bytes: b"%PDF" });
        mailer(&server).send(&Mail { id: ID, thread: None, to: &to, subject: "a", text: "a", html: "a", attachment })
    };
    send("report-зоя-2026.pdf").unwrap();
    let mail = server.taken().remove(0);
    assert!(mail.text.contains("*=utf-8''report-%D0%B7%D0%BE%D1%8F-2026.pdf"), "{}", mail.text);
    for name in ["a\r\nBcc: eve", "a\"b", "a/b", "a b", "a\u{202e}b"] {
        assert!(matches!(send(name), Err(MailError::Refused { code: None, .. })), "{name:?}");
    }
    assert_eq!(server.taken().len(), 1);
}

#[test]
fn answers_are_told_apart_by_what_they_mean() {
    let server = FakeSmtp::start();
    // A server that stalls is not waited for for long.
    let mailer = within(Duration::from_secs(1), &server.url());
    let answer = |step, line: &str| SmtpFault::Answer(step, line.to_owned());
    use SmtpStep::{Data, Greeting, Hello, Message, Recipient, Sender};
    let later = |fault: SmtpFault| {
        server.fail_with([fault.clone()]);
        match send(&mailer, "a") {
            Err(MailError::NotNow { reason }) => reason,
            other => panic!("{fault:?}: {other:?}"),
        }
    };
    for step in [Greeting, Sender, Recipient, Data, Message] {
        let reason = later(answer(step, "451 4.7.1 try <joe@example.com> later"));
        assert!(reason.ends_with(": 451 4.7.1"), "{step:?}: {reason}");
    }
    // Nothing was handed over: it is certain that the mail was not sent.
    for step in [Greeting, Sender, Recipient, Data] {
        later(SmtpFault::Drop(step));
        let reason = later(SmtpFault::Stall(step));
        assert!(reason.ends_with("it took too long"), "{step:?}: {reason}");
    }
    // What concerns the connection is no fault of the mail's.
    later(answer(Hello, "550 go away"));
    // Nor is what concerns the sender, which is the operator's, or a login or TLS that the server wants first.
    for line in ["530 5.7.0 Must issue a STARTTLS command first", "550 5.7.1 sender rejected", "535 5.7.8 no"] {
        let reason = later(answer(Sender, line));
        assert!(reason.starts_with("the mail server does not let us send: 5"), "{reason}");
    }
    for step in [Recipient, Data, Message] {
        for codes in ["530 5.7.0", "534 5.7.9", "535 5.7.8", "538 5.7.11"] {
            let reason = later(answer(step, &format!("{codes} let yourself be known first")));
            assert_eq!(reason, format!("the mail server does not let us send: {codes}"), "{step:?}");
        }
    }
    for step in [Recipient, Data, Message] {
        server.fail_with([answer(step, "550 5.1.1 <joe@example.com>: no such user")]);
        let refused = send(&mailer, "a").unwrap_err();
        let reason = "the mail server refuses it: 550 5.1.1".to_owned();
        let said = Some("[address] no such user".to_owned());
        assert_eq!(refused, MailError::Refused { code: Some(550), reason, said }, "{step:?}");
    }
    assert!(server.taken().is_empty());
    for fault in [SmtpFault::Drop(Message), SmtpFault::Stall(Message), SmtpFault::DropAfterTaking, SmtpFault::StallAfterTaking] {
        server.fail_with([fault.clone()]);
        assert!(matches!(send(&mailer, "a"), Err(MailError::InDoubt { .. })), "{fault:?}");
    }
    send(&mailer, "a").unwrap();
    assert_eq!(server.taken().len(), 3, "two whose answer got lost, and the last");
    let ids: Vec<_> = server.taken().iter().map(|mail| mail.header("Message-ID")).collect();
    assert!(ids.iter().all(|id| *id == ids[0]), "one mail, however often it is sent");
}

#[test]
fn connection_is_kept_for_the_next_mail_until_it_breaks() {
    let server = FakeSmtp::start();
    let mailer = mailer(&server);
    for _ in 0..3 {
        send(&mailer, "a").unwrap();
    }
    assert_eq!(server.connections(), 1);
    server.fail_with([SmtpFault::Answer(SmtpStep::Recipient, "550 no".to_owned())]);
    send(&mailer, "a").unwrap_err();
    send(&mailer, "a").unwrap();
    assert_eq!((server.connections(), server.taken().len()), (2, 4), "a refused transaction is not built upon");
}

#[test]
fn control_characters_in_a_header_are_refused_and_not_sent() {
    let server = FakeSmtp::start();
    let mailer = mailer(&server);
    for bad in ["\r\nBcc: eve@example.com", "\n", "\r", "\0", "\u{b}", "\u{1b}[2J", "\u{85}", "\u{2028}", "\u{7f}"] {
        for subject in [format!("a{bad}"), format!("{bad}a")] {
            let refused = send(&mailer, &subject).unwrap_err();
            let reason = "its recipient or subject holds control characters".to_owned();
            assert_eq!(refused, MailError::Refused { code: None, reason, said: None }, "{bad:?}");
        }
        assert!(format!("joe{bad}@example.com").parse::<Email>().is_err(), "{bad:?} in an address");
    }
    assert_eq!(server.connections(), 0);
}

#[test]
fn address_that_is_more_than_one_is_refused() {
    let server = FakeSmtp::start();
    let mailer = mailer(&server);
    for to in ["joe>,<eve@example.com", "joe,eve@example.com", "<joe@example.com>", "joe@exa mple.com", "a\"b@example.com"] {
        let Ok(to) = to.parse::<Email>() else { continue };
        let mail = Mail { id: ID, thread: None, to: &to, subject: "a", text: "a", html: "a", attachment: None };
        assert!(matches!(mailer.send(&mail), Err(MailError::Refused { code: None, .. })), "{}", to.as_str());
    }
    assert_eq!(server.connections(), 0);
    let to: Email = "jörg@example.com".parse().unwrap();
    let mail = Mail { id: ID, thread: None, to: &to, subject: "a", text: "a", html: "a", attachment: None };
    assert!(matches!(mailer.send(&mail), Err(MailError::Refused { code: None, .. })), "the server says no SMTPUTF8");
}

#[test]
fn login_goes_along_and_its_refusal_is_not_the_mails() {
    let server = FakeSmtp::start();
    let mailer = at(&server.url().replace("smtp://", "smtp://joe:s%20ecret@"));
    server.fail_with([SmtpFault::Answer(SmtpStep::Login, "535 5.7.8 no".to_owned())]);
    let refused = send(&mailer, "a").unwrap_err();
    assert_eq!(refused.to_string(), "the mail server does not let us in: 535 5.7.8");
    assert!(matches!(refused, MailError::NotNow { .. }));
    send(&mailer, "a").unwrap();
    assert_eq!(server.logins(), ["AUTH PLAIN AGpvZQBzIGVjcmV0"; 2]);
}

#[test]
fn server_without_starttls_gets_neither_mail_nor_password() {
    let server = FakeSmtp::start();
    let url = server.url().replace("smtp://", "smtp://joe:secret@");
    let refused = send(&at(&format!("{url}?tls=required")), "a").unwrap_err();
    assert!(matches!(&refused, MailError::NotNow { reason } if reason.contains("STARTTLS is not supported")), "{refused:?}");
    assert_eq!((server.logins().len(), server.taken().len()), (0, 0));
    // Nor one that answers in the clear where TLS was agreed upon.
    let refused = send(&at(&url.replace("smtp://", "smtps://")), "a").unwrap_err();
    assert!(matches!(refused, MailError::NotNow { .. }), "{refused:?}");
    assert_eq!((server.logins().len(), server.taken().len()), (0, 0));
}

#[test]
fn server_that_is_away_is_tried_again() {
    let url = FakeSmtp::start().url();
    assert!(matches!(send(&at(&url), "a"), Err(MailError::NotNow { .. })));
}

#[test]
fn subject_that_looks_encoded_is_shown_as_it_was_written() {
    let server = FakeSmtp::start();
    let subject = "Alert (high): =?utf-8?Q?All_is_well?= and a name that is longer than one encoded word may be";
    send(&mailer(&server), subject).unwrap();
    let taken = server.taken();
    assert!(!taken[0].text.contains("=?utf-8?Q?"), "{}", taken[0].text);
    let header = taken[0].header("Subject").unwrap();
    let words = header.split_whitespace().map(|word| word.strip_prefix("=?utf-8?b?").unwrap().strip_suffix("?=").unwrap());
    let decoded: Vec<u8> = words.flat_map(|word| STANDARD.decode(word).unwrap()).collect();
    assert_eq!(String::from_utf8(decoded).unwrap(), subject);
}
