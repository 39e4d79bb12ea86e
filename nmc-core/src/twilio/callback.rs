//! What Twilio posts, parsed. Fields it adds in future are ignored; fields we need are named when they are missing.

use crate::calls::CallFacts;
use crate::conversations::{DeliveryReport, InboundText};
use crate::numbers::ReportedNumber;
use crate::types::clip;
use crate::{
    CallDirection, CallStatus, CallerIdentity, Error, ForwardedLegStatus, MessageId, MessageStatus, PhoneNumber, Result,
};
use chrono::{DateTime, Utc};

/// The parameters of a form post, in the order received.
type Params = [(String, String)];

fn optional<'p>(params: &'p Params, field: &str) -> Option<&'p str> {
    params.iter().find(|(name, _)| name == field).map(|(_, value)| value.trim()).filter(|value| !value.is_empty())
}

fn required<'p>(params: &'p Params, field: &'static str) -> Result<&'p str> {
    optional(params, field).ok_or_else(|| Error::invalid(field, "is required"))
}

/// A parse error of any type, told under the name of Twilio's field.
fn parsed<T: std::str::FromStr<Err = Error>>(params: &Params, field: &'static str) -> Result<T> {
    required(params, field)?.parse().map_err(|error| renamed(error, field))
}

fn renamed(error: Error, field: &'static str) -> Error {
    match error {
        Error::Invalid { rule, .. } => Error::invalid(field, rule),
        other => other,
    }
}

fn no_nul(params: &Params) -> Result<()> {
    match params.iter().find(|(name, value)| name.contains('\0') || value.contains('\0')) {
        Some((name, _)) => {
            let name: String = name.chars().filter(|c| !c.is_control()).take(64).collect();
            Err(Error::invalid(name, "must not contain NUL"))
        }
        None => Ok(()),
    }
}

/// A SID: two letters and up to 98 letters and digits.
fn sid(params: &Params, field: &'static str) -> Result<String> {
    let text = required(params, field)?;
    if text.len() <= 100 && text.bytes().all(|b| b.is_ascii_alphanumeric()) {
        Ok(text.to_owned())
    } else {
        Err(Error::invalid(field, "must be at most 100 letters and digits"))
    }
}

fn seconds(params: &Params, field: &'static str) -> Result<Option<i32>> {
    let refused = || Error::invalid(field, "must be a whole number of seconds");
    optional(params, field).map(|text| text.parse::<i32>().ok().filter(|n| *n >= 0).ok_or_else(refused)).transpose()
}

/// A status callback of a call, or the answer of a `<Dial>` (which tells the forwarded leg's fate).
#[derive(Debug, Clone)]
pub struct VoiceCallback {
    /// The number of ours: called, or calling when the call is outbound.
    pub our_number: PhoneNumber,
    /// What it says about the call.
    pub facts: CallFacts,
}

impl VoiceCallback {
    /// Reads the form.
    ///
    /// # Errors
    /// [`Error::Invalid`] naming the field as Twilio spells it.
    pub fn parse(params: &Params) -> Result<Self> {
        no_nul(params)?;
        if optional(params, "ParentCallSid").is_some() {
            // A leg by itself tells neither who called nor whom: its parent's <Dial> does.
            return Err(Error::invalid(
                "ParentCallSid",
                "marks a forwarded leg; report legs through the action URL of their <Dial>, not through a status callback",
            ));
        }
        let direction = match optional(params, "Direction") {
            Some(text) if text.starts_with("outbound") => CallDirection::Outbound,
            _ => CallDirection::Inbound,
        };
        // "From" may be present and empty: that is a withheld number.
        if !params.iter().any(|(name, _)| name == "From") {
            return Err(Error::invalid("From", "is required"));
        }
        let from = optional(params, "From").unwrap_or_default();
        let (our_number, other) = match direction {
            CallDirection::Inbound => {
                (parsed(params, "To")?, from.parse::<CallerIdentity>().map_err(|error| renamed(error, "From"))?)
            }
            CallDirection::Outbound => (parsed(params, "From")?, parsed(params, "To")?),
        };
        let status = match required(params, "CallStatus")? {
            "queued" => CallStatus::Initiated,
            text => text.parse().map_err(|error| renamed(error, "CallStatus"))?,
        };
        let forwarded_leg = optional(params, "DialCallStatus")
            .map(|text| text.parse::<ForwardedLegStatus>().map_err(|error| renamed(error, "DialCallStatus")))
            .transpose()?;
        Ok(Self {
            our_number,
            facts: CallFacts {
                sid: sid(params, "CallSid")?,
                direction,
                other,
                status,
                forwarded_leg,
                answered_by: clip(optional(params, "AnsweredBy"), 100),
                duration_seconds: seconds(params, "CallDuration")?,
                at: timestamp(params)?,
                recording_url: clip(optional(params, "RecordingUrl"), 2048),
                recording_duration_seconds: seconds(params, "RecordingDuration")?,
                caller_name: clip(optional(params, "CallerName"), 255),
                caller_city: clip(optional(params, "FromCity"), 100),
                caller_state: clip(optional(params, "FromState"), 50),
                caller_country: clip(optional(params, "FromCountry"), 3),
                forwarded_from: clip(optional(params, "ForwardedFrom"), 20),
            },
        })
    }
}

/// When Twilio says it happened: RFC 2822, as in `Mon, 16 Nov 2026 19:24:01 +0000`.
fn timestamp(params: &Params) -> Result<Option<DateTime<Utc>>> {
    optional(params, "Timestamp")
        .map(|text| {
            DateTime::parse_from_rfc2822(text)
                .map(|at| at.with_timezone(&Utc))
                .map_err(|_| Error::invalid("Timestamp", "must be a date like Mon, 16 Nov 2026 19:24:01 +0000"))
        })
        .transpose()
}

/// What is kept of a text, in characters. Twilio joins texts up to 1,600.
const LONGEST_TEXT: usize = 10_000;

/// A text from a customer.
#[derive(Debug, Clone)]
pub struct SmsCallback {
    /// The number of ours that was texted.
    pub our_number: PhoneNumber,
    /// The text.
    pub text: InboundText,
}

impl SmsCallback {
    /// Reads the form.
    ///
    /// # Errors
    /// [`Error::Invalid`] naming the field as Twilio spells it.
    pub fn parse(params: &Params) -> Result<Self> {
        no_nul(params)?;
        let message_sid = match optional(params, "MessageSid") {
            Some(_) => sid(params, "MessageSid")?,
            None => sid(params, "SmsSid").map_err(|error| renamed(error, "MessageSid"))?,
        };
        let Some((_, body)) = params.iter().find(|(name, _)| name == "Body") else {
            return Err(Error::invalid("Body", "is required (it may be empty)"));
        };
        let from: CallerIdentity = parsed(params, "From")?;
        if matches!(from, CallerIdentity::Anonymous | CallerIdentity::Sip(_) | CallerIdentity::Client(_)) {
            return Err(Error::invalid("From", "must be a number in E.164, a short code or a sender's name"));
        }
        Ok(Self {
            our_number: parsed(params, "To")?,
            text: InboundText {
                message_sid,
                from,
                body: body.chars().take(LONGEST_TEXT).collect(),
                media: optional(params, "NumMedia").and_then(|text| text.parse().ok()).unwrap_or(0),
                opt_out_type: optional(params, "OptOutType").map(str::to_owned),
                at: None,
            },
        })
    }
}

/// A delivery callback of a text of ours.
#[derive(Debug, Clone)]
pub struct SmsStatusCallback {
    /// The number of ours that sent it.
    pub our_number: PhoneNumber,
    /// Who it was for.
    pub to: PhoneNumber,
    /// What became of it.
    pub report: DeliveryReport,
}

impl SmsStatusCallback {
    /// Reads the form, and the message id that we put into the callback's URL.
    ///
    /// # Errors
    /// [`Error::Invalid`] naming the field as Twilio spells it.
    pub fn parse(params: &Params, message_id: Option<MessageId>) -> Result<Self> {
        no_nul(params)?;
        let status_word = required(params, "MessageStatus")?;
        let status = match status_word {
            // Twilio's queue comes after ours.
            "queued" => MessageStatus::Accepted,
            "receiving" | "received" => return Err(Error::invalid("MessageStatus", "must be one of a text that we sent")),
            text => text.parse().map_err(|error| renamed(error, "MessageStatus"))?,
        };
        let error_code = optional(params, "ErrorCode")
            .map(|text| text.parse().map_err(|_| Error::invalid("ErrorCode", "must be a whole number")))
            .transpose()?;
        Ok(Self {
            our_number: parsed(params, "From")?,
            to: parsed(params, "To")?,
            report: DeliveryReport {
                message_id,
                message_sid: sid(params, "MessageSid")?,
                status,
                provider_word: status_word.to_owned(),
                error_code,
                error_message: clip(optional(params, "ErrorMessage"), 500),
            },
        })
    }
}

/// A report of a number itself, such as Twilio makes of numbers that are ported, hosted or under review.
#[derive(Debug, Clone)]
pub struct NumberStatusCallback {
    /// Which number.
    pub number: ReportedNumber,
}

impl NumberStatusCallback {
    /// Reads the form: a SID, or the number itself.
    ///
    /// # Errors
    /// [`Error::Invalid`] naming the field as Twilio spells it.
    pub fn parse(params: &Params) -> Result<Self> {
        no_nul(params)?;
        for field in ["PhoneNumberSid", "IncomingPhoneNumberSid"] {
            if optional(params, field).is_some() {
                return Ok(Self { number: ReportedNumber::Sid(sid(params, field)?) });
            }
        }
        Ok(Self { number: ReportedNumber::Number(parsed(params, "PhoneNumber")?) })
    }
}
