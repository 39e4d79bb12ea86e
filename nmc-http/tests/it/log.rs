//! What the server logs, all of it, and that nobody's number or words are in it.

use crate::site::{SMS, SMS_STATUS, Site, VOICE};
use nmc_core::testing::{SmsForm, VoiceForm, unique_phone, unique_sid};
use std::io::Write;
use std::sync::{Mutex, Once, PoisonError};
use tracing_subscriber::EnvFilter;

static LOG: Mutex<Vec<u8>> = Mutex::new(Vec::new());

struct Log;

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        LOG.lock().unwrap_or_else(PoisonError::into_inner).write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// From now on our crates' log is kept, down to its smallest whisper, from every thread of this test run.
pub(crate) fn capture() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        tracing_subscriber::fmt()
            .with_env_filter(EnvFilter::new("nmc_core=trace,nmc_http=trace"))
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
    let requests = [
        (VOICE, call.0.clone(), 200),
        (VOICE, call.clone().with("CallStatus", words).0, 400),
        (VOICE, call.clone().with("CallDuration", words).0, 400),
        (VOICE, call.with("To", unknown.as_str()).0, 404),
        (SMS, text.0.clone(), 200),
        (SMS, text.clone().with("MessageSid", words).0, 400),
        (SMS, text.clone().with("From", words).0, 400),
        (SMS, text.clone().with("MessageSid", &unique_sid("SM")).with("Body", &format!("{words}\0")).0, 400),
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
    assert!(lines_with("slow statement").len() > 10, "statements were logged, too");
    for secret in
        [caller.as_str(), unknown.as_str(), site.joe.number.as_str(), "sink", "Elm", "+1555", "%2B1555", crate::site::TOKEN]
    {
        assert_eq!(lines_with(secret), Vec::<String>::new(), "{secret} was logged");
    }
}
