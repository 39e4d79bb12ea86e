//! The real provider behind the ports, and the proof that a webhook is Twilio's.

mod callback;
#[cfg(feature = "twilio")]
mod calls;
#[cfg(feature = "twilio")]
mod client;
#[cfg(feature = "twilio")]
mod list;
#[cfg(feature = "twilio")]
mod media;
#[cfg(feature = "twilio")]
mod numbers;
mod signature;
#[cfg(feature = "twilio")]
mod sms;
#[cfg(feature = "twilio")]
mod texts;

#[cfg(feature = "twilio")]
pub use calls::TwilioCalls;
#[cfg(feature = "twilio")]
pub use client::TwilioConfig;
#[cfg(feature = "twilio")]
pub use media::TwilioMedia;
#[cfg(feature = "twilio")]
pub use numbers::TwilioNumbers;
pub use signature::{SignatureError, Signer};
#[cfg(feature = "twilio")]
pub use sms::TwilioSms;
#[cfg(feature = "twilio")]
pub use texts::TwilioTexts;
