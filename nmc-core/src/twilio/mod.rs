//! The real provider behind the ports, and the proof that a webhook is Twilio's.

mod callback;
mod signature;
#[cfg(feature = "twilio")]
mod sms;

pub use callback::{SmsCallback, SmsStatusCallback, VoiceCallback};
pub use signature::{SignatureError, Signer};
#[cfg(feature = "twilio")]
pub use sms::{TwilioConfig, TwilioSms};
