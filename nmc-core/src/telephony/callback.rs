//! What the provider tells, in our words: of calls, of texts, and of numbers.

use crate::{
    CallDirection, CallStatus, CallerIdentity, ForwardedLegStatus, MessageChannel, MessageId, MessageStatus, PhoneNumber,
};
use chrono::{DateTime, TimeDelta, Utc};
use serde::Deserialize;

/// The word of Twilio for a forwarded leg that a person took.
pub(crate) const HUMAN: &str = "human";

/// A callback of a call: its start, its status, or the answer of a `<Dial>` (which tells the forwarded leg's fate).
///
/// What makes a call recordable is its SID and the number of ours. Any other field that can't be read costs only itself: the
/// caller is unknown, the length is not known, a status that is none says nothing.
#[derive(Debug, Clone)]
pub struct VoiceCallback {
    /// The number of ours: called, or calling when the call is outbound.
    pub our_number: PhoneNumber,
    /// The facts that the callback tells of the call.
    pub facts: CallFacts,
}

/// The facts of one callback. `None` says nothing, and takes nothing back.
#[derive(Debug, Clone)]
pub struct CallFacts {
    /// Twilio's call SID.
    pub sid: String,
    /// The direction of the call.
    pub direction: CallDirection,
    /// The party that is not ours.
    pub other: CallerIdentity,
    /// How far the call has come.
    pub status: CallStatus,
    /// The fate of the leg that forwards the call to the business.
    pub forwarded_leg: Option<ForwardedLegStatus>,
    /// Whether the caller was connected with that leg.
    pub forwarded_leg_bridged: Option<bool>,
    /// The verdict of answering-machine detection.
    pub answered_by: Option<String>,
    /// The length of the call in seconds.
    pub duration_seconds: Option<i32>,
    /// The instant at which this happened, by Twilio's clock.
    pub at: Option<DateTime<Utc>>,
    /// The URL of a recording.
    pub recording_url: Option<String>,
    /// The length of the recording in seconds.
    pub recording_duration_seconds: Option<i32>,
    /// The caller's name, where the network tells it.
    pub caller_name: Option<String>,
    /// The caller's city.
    pub caller_city: Option<String>,
    /// The caller's state.
    pub caller_state: Option<String>,
    /// The caller's country, two letters.
    pub caller_country: Option<String>,
    /// The number that forwarded the call to ours.
    pub forwarded_from: Option<String>,
    /// The provider's error, such as 13224: the number the call was forwarded to is invalid.
    pub error_code: Option<i32>,
    /// The network's reason, as SIP has it: 300 to 699.
    pub sip_response_code: Option<i32>,
    /// The carriers' verdict on the caller ID, such as `TN-Validation-Passed-A`.
    pub stir_verstat: Option<String>,
}

impl CallFacts {
    /// The instant at which the call began, as far as these facts tell: they happened then, or so many seconds later.
    pub(crate) fn began_at(&self) -> Option<DateTime<Utc>> {
        let length = self.duration_seconds.filter(|_| self.status.is_terminal()).unwrap_or(0);
        self.at?.checked_sub_signed(TimeDelta::try_seconds(length.into())?)
    }
}

/// A call of which a leg was forwarded, as the URL of the leg's callback says.
#[derive(Clone, Deserialize)]
pub struct ForwardedCall {
    /// The SID of the call that was forwarded.
    pub call: String,
    /// The number of ours that was called.
    pub number: String,
    /// The caller.
    pub from: String,
}

impl std::fmt::Debug for ForwardedCall {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ForwardedCall").field("call", &self.call).finish_non_exhaustive()
    }
}

impl ForwardedCall {
    /// The call that this callback is of.
    #[must_use]
    pub fn of(callback: &VoiceCallback) -> Self {
        let VoiceCallback { our_number, facts } = callback;
        Self { call: facts.sid.clone(), number: our_number.to_string(), from: facts.other.to_string() }
    }
}

/// A text from a customer.
#[derive(Debug, Clone)]
pub struct SmsCallback {
    /// The number of ours that was texted.
    pub our_number: PhoneNumber,
    /// The text.
    pub text: InboundText,
}

/// A text as the provider hands it over.
#[derive(Debug, Clone)]
pub struct InboundText {
    /// The provider's SID; the same text may be handed over several times.
    pub message_sid: String,
    /// The writer of the text; anonymous when that can't be read.
    pub from: CallerIdentity,
    /// The channel by which the text travelled.
    pub channel: MessageChannel,
    /// The words; may be empty where there are pictures.
    pub body: String,
    /// The pictures that came with the text, in their order.
    pub media: Vec<NewMedia>,
    /// The provider's own reading of the words as `STOP`, `START` or `HELP`.
    pub opt_out_type: Option<String>,
    /// The instant at which the text was sent, of one that is handed over late; `None` is now.
    pub at: Option<DateTime<Utc>>,
}

/// A picture as the provider tells of it. What is too long is cut: it must not cost the text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewMedia {
    /// The URL at which the provider keeps the picture; up to 2,048 characters.
    pub url: String,
    /// The media type of the picture, as the provider says; up to 100 characters.
    pub content_type: Option<String>,
}

/// A delivery callback of a text of ours.
#[derive(Debug, Clone)]
pub struct SmsStatusCallback {
    /// The number of ours that sent it.
    pub our_number: PhoneNumber,
    /// The recipient of the text.
    pub to: PhoneNumber,
    /// The report of what became of the text.
    pub report: DeliveryReport,
}

/// One report about a text of ours.
#[derive(Debug, Clone)]
pub struct DeliveryReport {
    /// Our id of the text, which we put into the callback's URL. It finds a text whose sender died before it could note the SID.
    pub message_id: Option<MessageId>,
    /// The provider's SID.
    pub message_sid: String,
    /// The status of the text.
    pub status: MessageStatus,
    /// The status in the provider's word.
    pub provider_word: String,
    /// The provider's error code.
    pub error_code: Option<i32>,
    /// The words of the provider's error.
    pub error_message: Option<String>,
}

/// A report of a number itself, such as Twilio makes of numbers that are ported, hosted or under review.
#[derive(Debug, Clone)]
pub struct NumberStatusCallback {
    /// The number that something is reported of.
    pub number: ReportedNumber,
}

/// The number that something was reported of, by our id or the provider's.
#[derive(Debug, Clone)]
pub enum ReportedNumber {
    /// The number is named by the provider's SID.
    Sid(String),
    /// The number is named by itself.
    Number(PhoneNumber),
}
