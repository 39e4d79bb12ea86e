//! The words that telephony speaks here, whoever the provider is, and the ports through which the provider is reached.

mod call_directory;
mod callback;
mod channel;
mod codes;
mod countries;
mod forwarding;
mod media_source;
mod number_provider;
mod pace;
mod policy;
mod sms_sender;
mod text_directory;
mod webhook_urls;
mod zones;

pub use crate::error::ProviderError;
pub use call_directory::{CallDirectory, CallPage, CallReport, LegReport};
pub(crate) use callback::HUMAN;
pub use callback::{
    CallFacts, DeliveryReport, ForwardedCall, InboundText, NewMedia, NumberStatusCallback, ReportedNumber, SmsCallback,
    SmsStatusCallback, VoiceCallback,
};
pub(crate) use channel::{on_channel, without_channel};
pub(crate) use codes::untextable_codes;
pub use codes::{CodeMeaning, Consequence, explain, meaning_of};
pub use countries::NumberKind;
pub use media_source::{FetchError, FetchedMedia, MediaSource};
pub use number_provider::{
    AvailableNumber, Capabilities, NumberProvider, NumberSearch, OwnedNumber, OwnedPage, Price, Purchase, friendly_name, owned_as,
};
pub use pace::Pace;
pub use policy::TextingHours;
pub use sms_sender::{ConsoleSms, LONGEST_SEND, Lookup, OutboundSms, SendError, SendReceipt, SmsSender};
pub use text_directory::{MediaReport, TextDirectory, TextPage, TextReport};
pub use webhook_urls::{CallbackUrls, WebhookUrls};
