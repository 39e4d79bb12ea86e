//! What the server logs, all of it, and that nobody's number or words are in it.

use crate::api::{OTHER_PASSWORD, PASSWORD, WRONG_PASSWORD};
use crate::site::{ACCEPTED, ANSWER, MACHINE, NUMBER_STATUS, SCREEN, SMS, SMS_STATUS, Site, VOICE};
use nmc_core::testing::{SmsForm, VoiceForm, unique_phone, unique_sid};
use std::io::Write;
use std::sync::{Mutex, Once, PoisonError};
use tracing_subscriber::EnvFilter;

static LOG: Mutex<Vec<u8>> = Mutex::new(Vec::new());

struct Log;

impl Write for Log {
    /// One event at a time. What leaks ends the whole run: no later test could be sure to look for it.
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        let line = String::from_utf8_lossy(bytes);
        if let Some(kind) = leaked(&line) {
            // The line itself stays unsaid: it may be somebody's.
            // Straight out: what a test prints is lost with the run.
            drop(writeln!(std::io::stderr(), "the log holds {kind}, in an event of {}", place(&line)));
            std::process::abort();
        }
        LOG.lock().unwrap_or_else(PoisonError::into_inner).write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// Passwords that tests use.
const PASSWORDS: [&str; 3] = [PASSWORD, OTHER_PASSWORD, WRONG_PASSWORD];

/// What is in a line that must be in none.
fn leaked(line: &str) -> Option<&'static str> {
    // The examples that our own rules give.
    let line = &line.replace("like +14155550123", "").replace("like joe@example.com", "");
    let is_token = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    let run = |text: &str, holds: fn(char) -> bool| text.chars().take_while(|c| holds(*c)).count();
    let after = |mark: &'static str| line.match_indices(mark).map(move |(at, _)| line.get(at + mark.len()..).unwrap_or_default());
    let is_api_key = |rest: &str| {
        let secret =
            rest.split_once('_').filter(|(prefix, _)| prefix.len() <= 16 && prefix.chars().all(|c| c.is_ascii_alphanumeric()));
        secret.is_some_and(|(_, secret)| secret.chars().take_while(|c| is_token(*c)).count() >= 40)
    };
    let is_phone = |rest: &str| run(rest, |c| c.is_ascii_digit()) >= 7;
    let is_address = |at: usize| {
        let (before, domain) = (line.get(..at).unwrap_or_default(), line.get(at + 1..).unwrap_or_default());
        let name = before.ends_with(|c: char| c.is_ascii_alphanumeric() || ".-_+".contains(c));
        let domain: String = domain.chars().take_while(|c| c.is_ascii_alphanumeric() || ".-".contains(*c)).collect();
        name && domain.trim_end_matches('.').contains('.')
    };
    let kinds = [
        ("a password", PASSWORDS.iter().any(|password| line.contains(password)) || line.contains("$2b$")),
        ("a refresh token", after("nmcr_").next().is_some()),
        ("an invitation", after("nmci_").next().is_some()),
        ("the token of a mail", ["nmcp_", "nmcv_", "nmca_"].iter().any(|mark| line.contains(mark))),
        ("the token of a text", after("/a/").any(|rest| run(rest, is_token) >= 22)),
        ("an access token", after("eyJ").next().is_some()),
        ("an API key", after("nmc_").any(is_api_key)),
        ("a phone number", after("+").chain(after("%2B")).any(is_phone)),
        ("an e-mail address", line.match_indices('@').any(|(at, _)| is_address(at)) || after("%40").next().is_some()),
    ];
    kinds.into_iter().find(|(_, is_there)| *is_there).map(|(kind, _)| kind)
}

/// The module and the message's first words, which our code wrote: an event reads `time LEVEL module: message`.
fn place(line: &str) -> String {
    line.split_whitespace().nth(2).unwrap_or_default().to_owned()
}

#[test]
fn checker_knows_each_kind_of_leak_and_passes_ordinary_lines() {
    let secret = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOP-";
    let leaks = [
        (format!("INFO nmc_http: trying {PASSWORD} now"), "a password"),
        (format!("INFO nmc_http: {OTHER_PASSWORD}"), "a password"),
        ("hash=$2b$04$abcdefghijklmnopqrstuv".to_owned(), "a password"),
        (format!("token=nmcr_abc.{secret}"), "a refresh token"),
        (format!("invitation=nmci_0_{secret}"), "an invitation"),
        (format!("token=nmcp_0_0_{secret}"), "the token of a mail"),
        (format!("token=nmcv_0_0_{secret}"), "the token of a mail"),
        (format!("path=/v1/alert-links/nmca_{secret}"), "the token of a mail"),
        (format!("path=/a/{}", &secret[..22]), "the token of a text"),
        (format!("key=\"nmc_0123456789ab_{secret}\""), "an API key"),
        ("bearer=eyJhbGciOiJIUzI1NiJ9.e30.x".to_owned(), "an access token"),
        ("caller=+15550000001".to_owned(), "a phone number"),
        ("path=/v1?phone=%2B15550000001".to_owned(), "a phone number"),
        ("user=joe.plumber@example.com logged in".to_owned(), "an e-mail address"),
        ("Email(\"joe@example.com\")".to_owned(), "an e-mail address"),
        ("path=/v1/users?email=joe%40example.com".to_owned(), "an e-mail address"),
    ];
    for (line, kind) in leaks {
        assert_eq!(leaked(&line), Some(kind), "{line}");
    }
    let ordinary = [
        "2026-11-22T18:41:11.123456Z DEBUG nmc_http::log: request method=GET route=\"/v1/users/{user}\" status=200 took_ms=1",
        "DEBUG nmc_core::store: slow statement sql=SELECT nmc_enter_tenant($1) -- 1 + 23 a@b",
        "WARN nmc_core: sid=\"CA00000000000000000000000000000001\" no such number: see `nmc number list`",
        "WARN nmc_http::log: request error=\"To must be in E.164, like +14155550123\"",
        "INFO nmc_core: tenant=01936b1e-0000-7000-8000-000000000001 at 2026-11-22T18:41:11+00:00",
    ];
    for line in ordinary {
        assert_eq!(leaked(line), None, "{line}");
    }
    assert_eq!(place("2026-11-22T18:41:11.1Z DEBUG nmc_http::log: request"), "nmc_http::log:");
}

/// From now on our crates' log is kept, down to its smallest whisper, from every thread of this test run.
pub(crate) fn capture() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        tracing_subscriber::fmt()
            // The framework at the level that an operator in trouble may choose.
            .with_env_filter(EnvFilter::new("nmc_core=trace,nmc_http=trace,actix_web=debug,actix_http=debug,actix_server=debug"))
            .with_ansi(false)
            .with_writer(|| Log)
            .init();
    });
}

/// The lines so far that hold this.
pub(crate) fn lines_with(mark: &str) -> Vec<String> {
    let log = LOG.lock().unwrap_or_else(PoisonError::into_inner);
    String::from_utf8_lossy(&log).lines().filter(|line| line.contains(mark)).map(str::to_owned).collect()
}

#[test]
fn nobodys_number_and_nobodys_words_are_ever_logged() {
    let site = Site::with(|store, _| store.slow_statement = std::time::Duration::ZERO);
    let (caller, unknown) = (unique_phone(), unique_phone());
    let words = "my sink leaks at 12 Elm Street";
    let call =
        VoiceForm::missed(caller.as_str(), &site.joe.number, &unique_sid("CA")).with("CallerName", words).with("FromCity", words);
    let text = SmsForm::text(caller.as_str(), &site.joe.number, words);
    let report = SmsForm::delivery(&site.joe.number, &caller, &unique_sid("SM"), "failed").with("ErrorMessage", words);
    let number = |number: &str| vec![("PhoneNumber".to_owned(), number.to_owned())];
    let requests = [
        (ANSWER, call.0.clone(), 200),
        (ANSWER, call.clone().with("To", unknown.as_str()).0, 404),
        (ANSWER, call.clone().with("CallStatus", words).0, 200),
        (ANSWER, call.clone().with("CallSid", words).0, 400),
        (SCREEN, call.0.clone(), 200),
        (ACCEPTED, call.0.clone(), 200),
        (MACHINE, call.0.clone(), 400),
        (NUMBER_STATUS, number(site.joe.number.as_str()), 200),
        (NUMBER_STATUS, number(unknown.as_str()), 404),
        (NUMBER_STATUS, number(words), 400),
        (VOICE, call.0.clone(), 200),
        (VOICE, call.clone().with("From", words).0, 200),
        (VOICE, call.clone().with("CallSid", words).0, 400),
        (VOICE, call.clone().with("ErrorCode", "13224").0, 200),
        (VOICE, call.with("To", unknown.as_str()).0, 404),
        (SMS, text.0.clone(), 200),
        (SMS, text.clone().with("MessageSid", words).0, 400),
        (SMS, text.clone().with("MessageSid", &unique_sid("SM")).with("From", words).0, 200),
        (SMS, text.clone().with("MessageSid", &unique_sid("SM")).with("Body", &format!("{words}\0")).0, 200),
        (SMS, text.clone().with("MessageSid", &unique_sid("SM")).with("MediaUrl0", &format!("https://{words}")).0, 200),
        (SMS, text.with("To", unknown.as_str()).0, 404),
        (SMS, SmsForm::text(caller.as_str(), &site.joe.number, "STOP").0, 200),
        (SMS_STATUS, report.0.clone(), 404),
        (SMS_STATUS, report.with("ErrorCode", words).0, 400),
    ];
    for (path, form, status) in requests {
        site.post(path, &form).expect(status);
        site.post(path, &form).signed_with("a guess").expect(403);
        site.post(&format!("{path}?Body=Elm+Street"), &form).unsigned().expect(403);
        site.post(&format!("{path}/Elm/Street?Elm"), &form).expect(404);
    }
    {
        let _outage = site.db.take_down();
        site.post(VOICE, &VoiceForm::missed(caller.as_str(), &site.joe.number, &unique_sid("CA")).0).expect(503);
    }
    let broken = lines_with("calls do not reach the business's phone");
    let tenant = site.joe.tenant.id().to_string();
    assert!(
        broken.iter().any(|line| line.contains(&tenant) && line.contains("WARN") && line.contains("code=13224")),
        "{broken:?}"
    );
    assert!(lines_with("slow statement").len() > 10, "statements were logged, too");
    for secret in
        [caller.as_str(), unknown.as_str(), site.joe.number.as_str(), "sink", "Elm", "+1555", "%2B1555", crate::site::TOKEN]
    {
        assert_eq!(lines_with(secret), Vec::<String>::new(), "{secret} was logged");
    }
}

#[test]
fn call_and_text_are_one_line_each_at_info() {
    let site = Site::new();
    let caller = unique_phone();
    let call = VoiceForm::missed(caller.as_str(), &site.joe.number, &unique_sid("CA"));
    let ringing = call.clone().with("CallStatus", "ringing");
    let text = SmsForm::text(caller.as_str(), &site.joe.number, "my sink leaks");
    for _ in 0..2 {
        site.post(VOICE, &ringing.0).expect(200);
        site.post(VOICE, &call.0).expect(200);
        site.post(SMS, &text.0).expect(200);
    }
    for (what, ids) in
        [("call ended", "SELECT id FROM calls"), ("text received", "SELECT id FROM messages WHERE message_direction = 'inbound'")]
    {
        let ids = site.db.query::<String>(ids);
        let [id] = &ids[..] else { panic!("one row: {ids:?}") };
        let lines: Vec<String> = lines_with(id).into_iter().filter(|line| line.contains(" INFO ")).collect();
        let [line] = &lines[..] else { panic!("one line for {id}: {lines:?}") };
        assert!(line.contains(what) && line.contains(&format!("tenant={} actor=worker ", site.joe.tenant.id())), "{line}");
    }
    let greeting = lines_with("outcome=missed").into_iter().find(|line| line.contains(&site.joe.tenant.id().to_string()));
    assert!(greeting.is_some_and(|line| line.contains(" text=")), "what was queued for it");
}

#[test]
fn refusal_that_an_operator_can_mend_is_a_warning_once() {
    let site = Site::new();
    let call = VoiceForm::missed(unique_phone().as_str(), &site.joe.number, &unique_sid("CA"));
    let before = refused();
    site.post(VOICE, &call.0).unsigned().expect(403);
    site.post("/wp-login.php", &call.0).expect(404);
    site.post("/healthz", &call.0).expect(405);
    site.post(VOICE, &call.clone().with("To", unique_phone().as_str()).0).expect(404);
    assert!(refused() > before, "a refused webhook is told");
    let warnings: Vec<String> = lines_with("nmc_http::log: request").into_iter().filter(|line| line.contains(" WARN ")).collect();
    for status in ["status=404", "status=405", "status=403"] {
        assert!(!warnings.iter().any(|line| line.contains(status)), "{status}: {warnings:?}");
    }
    site.post(VOICE, &call.with("CallSid", "no SID at all").0).expect(400);
    assert!(!lines_with("status=400").iter().any(|line| line.contains("/webhooks/") && !line.contains(" WARN ")));
}

fn refused() -> usize {
    lines_with("a webhook was refused").iter().filter(|line| line.contains(" WARN ")).count()
}
