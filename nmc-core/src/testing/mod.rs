//! The test kit (feature `testing`): a real PostgreSQL per test run, an isolated database per test, builders, a
//! provider that can fail in the ways the real one does, and a hostile second tenant.

#![expect(clippy::expect_used, clippy::panic, reason = "a test kit fails by panicking")]

mod acting;
mod build;
mod clock;
mod database;
mod fake_sms;
mod fake_smtp;
mod local_server;
mod outage;
mod rows;
mod sms_form;
mod statement_log;
mod watch;
mod webhook_receiver;
mod webhooks;

pub use crate::fake_twilio::{FakeTwilio, OwnedTwilioNumber, TextFacts, TwilioCall, TwilioFault, TwilioText};
pub use acting::on_behalf_of;
pub use build::{Business, VoiceForm, unique_phone, unique_sid};
pub use clock::{ManualClock, noon};
pub use database::{TestDb, pg_bin};
pub use fake_sms::{FakeSms, Fault, Taken};
pub use fake_smtp::{FakeSmtp, SmtpFault, SmtpStep, TakenMail};
pub use outage::{Blockade, Outage};
pub use rows::{Table, connection, query};
pub use sms_form::SmsForm;
pub use statement_log::{Sent, round_trips};
pub use watch::{Finally, Gate, finally, orders, wait_until};
pub use webhook_receiver::{ReceivedWebhook, ReceiverFault, WebhookReceiver};
pub use webhooks::webhook_urls;

use crate::store::death;

/// The columns (`table.column`) of each list of values, and the labels that their CHECKs must list, file by file.
pub const VALUE_LISTS: &[&[(&[&str], &[&str])]] = crate::enums::VALUE_LISTS;

/// How many statements (round trips) this thread has sent so far. Subtract two readings to count a workflow's.
#[must_use]
pub fn statements_sent() -> u64 {
    crate::store::sent()
}

/// Does `work` in this thread until before its statement number `at`, counted from 0, where it dies as it would with its process. `None` if it
/// came so far.
pub fn killed_before<T>(at: u64, work: impl FnOnce() -> T) -> Option<T> {
    death::before(Some(at));
    let done = std::panic::catch_unwind(std::panic::AssertUnwindSafe(work));
    death::before(None);
    match done {
        Ok(done) => Some(done),
        Err(end) if end.is::<death::Died>() => None,
        Err(end) => std::panic::resume_unwind(end),
    }
}

/// How many statements this thread has prepared to be kept, so that later runs on the same connection need not.
#[must_use]
pub fn statements_prepared() -> u64 {
    crate::store::prepared()
}
