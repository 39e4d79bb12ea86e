//! The test kit (feature `testing`): a real PostgreSQL per test run, an isolated database per test, builders, a
//! provider that can fail in the ways the real one does, and a hostile second tenant.

#![expect(clippy::expect_used, clippy::panic, reason = "a test kit fails by panicking")]

mod acting;
mod build;
mod clock;
mod database;
mod fake_sms;
mod outage;
mod rows;
mod sms_form;
mod statement_log;
mod watch;

pub use crate::fake_twilio::{FakeTwilio, OwnedTwilioNumber, TextFacts, TwilioCall, TwilioFault, TwilioText};
pub use acting::on_behalf_of;
pub use build::{Business, VoiceForm, unique_phone, unique_sid};
pub use clock::{ManualClock, noon};
pub use database::TestDb;
pub use fake_sms::{FakeSms, Fault, Taken};
pub use outage::{Blockade, Outage};
pub use rows::{Table, connection, query};
pub use sms_form::SmsForm;
pub use statement_log::{Sent, round_trips};
pub use watch::{Gate, orders, wait_until};
