//! What Twilio posts, parsed. Fields it adds in future are ignored; fields we need are named when they are missing.

use crate::telephony::{
    CallFacts, DeliveryReport, ForwardedCall, HUMAN, InboundText, NewMedia, NumberStatusCallback, ReportedNumber, SmsCallback,
    SmsStatusCallback, VoiceCallback, on_channel,
};
use crate::types::clip;
use crate::{CallDirection, CallStatus, CallerIdentity, Error, MessageId, MessageStatus, PhoneNumber, Result};
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

/// A field that nothing depends on, if it was told: with NUL in it, which no text of the database takes, it was not.
fn told<'p>(params: &'p Params, field: &str) -> Option<&'p str> {
    optional(params, field).filter(|text| !text.contains('\0'))
}

/// A word of a list, if it is on it.
fn word<T: std::str::FromStr>(params: &Params, field: &str) -> Option<T> {
    told(params, field)?.to_ascii_lowercase().replace('_', "-").parse().ok()
}

/// Whole seconds, if that is what was told: `12` or `12.0`, and nothing below zero.
fn seconds(params: &Params, field: &str) -> Option<i32> {
    let text = told(params, field)?;
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let is_number = fraction.bytes().all(|b| b.is_ascii_digit());
    whole.parse().ok().filter(|seconds| is_number && *seconds >= 0)
}

/// A code, if one in this range was told.
fn code(params: &Params, field: &str, range: std::ops::RangeInclusive<i32>) -> Option<i32> {
    told(params, field)?.parse().ok().filter(|code| range.contains(code))
}

/// When it happened, if that is told in Twilio's own form: `Mon, 16 Nov 2026 19:24:01 +0000`. A time in another form is not one that
/// Twilio has written: it counts as not told, so that it makes no call old news.
fn timestamp(params: &Params) -> Option<DateTime<Utc>> {
    let text = told(params, "Timestamp")?;
    let at = DateTime::parse_from_rfc2822(text).ok()?;
    Some(at.with_timezone(&Utc))
}

impl VoiceCallback {
    /// Reads the form of a call that is not a forwarded leg: such a leg tells neither who called nor whom.
    ///
    /// # Errors
    /// [`Error::Invalid`] naming the field as Twilio spells it: `CallSid`, our number (`To`, or `From` of an outbound call), or
    /// `ParentCallSid`.
    pub fn parse(params: &Params) -> Result<Self> {
        if optional(params, "ParentCallSid").is_some() {
            return Err(Error::invalid("ParentCallSid", "marks a forwarded leg: its parent's <Dial> tells of it"));
        }
        Self::read(params)
    }

    /// Reads the form of a call that comes in, and asks what to do.
    ///
    /// # Errors
    /// As [`Self::parse`], but for `ParentCallSid`.
    pub fn parse_incoming(params: &Params) -> Result<Self> {
        Self::read(params)
    }

    /// Reads the form of a status callback. `None`: there is nothing to record, since it tells of a forwarded leg by itself, or is
    /// a result of machine detection that says nothing of the number that was called.
    ///
    /// # Errors
    /// As [`Self::parse`].
    pub fn parse_status(params: &Params) -> Result<Option<Self>> {
        let detects = ["AnsweredBy", "MachineDetectionDuration"].iter().any(|field| optional(params, field).is_some());
        if optional(params, "ParentCallSid").is_some() || (detects && optional(params, "To").is_none()) {
            return Ok(None);
        }
        Self::read(params).map(Some)
    }

    /// Reads a result of machine detection on a forwarded leg. Of the call that was forwarded it says nothing: that is what we put
    /// into the callback's URL ourselves. `None`: it has no result.
    ///
    /// # Errors
    /// As [`Self::parse`].
    pub fn parse_machine_detection(params: &Params, forwarded: &ForwardedCall) -> Result<Option<Self>> {
        told(params, "AnsweredBy").map(|answered_by| Self::of_leg(forwarded, CallStatus::Initiated, answered_by)).transpose()
    }

    /// A key was pressed on a forwarded leg: a person has taken it.
    ///
    /// # Errors
    /// As [`Self::parse`].
    pub fn taken_by_a_person(forwarded: &ForwardedCall) -> Result<Self> {
        Self::of_leg(forwarded, CallStatus::InProgress, HUMAN)
    }

    fn of_leg(forwarded: &ForwardedCall, status: CallStatus, answered_by: &str) -> Result<Self> {
        let fields = [
            ("CallSid", forwarded.call.as_str()),
            ("To", forwarded.number.as_str()),
            ("From", forwarded.from.as_str()),
            ("CallStatus", status.label()),
            ("AnsweredBy", answered_by),
        ];
        Self::read(&fields.map(|(name, value)| (name.to_owned(), value.to_owned())))
    }

    fn read(params: &Params) -> Result<Self> {
        let direction = match told(params, "Direction") {
            Some(text) if text.starts_with("outbound") => CallDirection::Outbound,
            _ => CallDirection::Inbound,
        };
        let (our_number, other) = match direction {
            CallDirection::Inbound => (parsed(params, "To")?, "From"),
            CallDirection::Outbound => (parsed(params, "From")?, "To"),
        };
        // Twilio's queue comes before the call. A status that is none says no more than that there is a call.
        let status = word(params, "CallStatus").unwrap_or(CallStatus::Initiated);
        Ok(Self {
            facts: CallFacts {
                sid: sid(params, "CallSid")?,
                direction,
                other: CallerIdentity::told(optional(params, other).unwrap_or_default(), &our_number),
                status,
                forwarded_leg: word(params, "DialCallStatus"),
                forwarded_leg_bridged: word(params, "DialBridged"),
                answered_by: clip(told(params, "AnsweredBy"), 100),
                duration_seconds: seconds(params, "CallDuration"),
                at: timestamp(params),
                recording_url: clip(told(params, "RecordingUrl"), 2048),
                recording_duration_seconds: seconds(params, "RecordingDuration"),
                caller_name: clip(told(params, "CallerName"), 255),
                caller_city: clip(told(params, "FromCity"), 100),
                caller_state: clip(told(params, "FromState"), 50),
                caller_country: clip(told(params, "FromCountry"), 3),
                forwarded_from: clip(told(params, "ForwardedFrom").or_else(|| told(params, "CalledVia")), 20),
                // Beside an ErrorUrl it tells why a webhook of ours was not reached, and nothing of the call.
                error_code: optional(params, "ErrorUrl").map_or_else(|| code(params, "ErrorCode", 1..=i32::MAX), |_| None),
                sip_response_code: code(params, "DialSipResponseCode", 300..=699)
                    .or_else(|| code(params, "SipResponseCode", 300..=699)),
                stir_verstat: clip(told(params, "StirVerstat"), 50),
            },
            our_number,
        })
    }
}

/// The length of a text that is kept, in characters. Twilio joins texts up to 1,600.
const LONGEST_TEXT: usize = 10_000;

/// The most pictures of one text that are kept. Twilio sends ten at most.
const MOST_MEDIA: usize = 50;

impl SmsCallback {
    /// Reads the form. What is not needed costs nothing: a sender that can't be read is an unknown one, missing words are none.
    ///
    /// # Errors
    /// [`Error::Invalid`] naming the field as Twilio spells it: the text's SID, or the number that was texted.
    pub fn parse(params: &Params) -> Result<Self> {
        let params = &without_nul(params);
        let message_sid = match optional(params, "MessageSid") {
            Some(_) => sid(params, "MessageSid")?,
            None => sid(params, "SmsSid").map_err(|error| renamed(error, "MessageSid"))?,
        };
        let (_, ours) = on_channel(required(params, "To")?);
        let (channel, from) = on_channel(optional(params, "From").unwrap_or_default());
        let body = params.iter().find(|(name, _)| name == "Body").map_or("", |(_, body)| body);
        let our_number: PhoneNumber = ours.parse().map_err(|error| renamed(error, "To"))?;
        Ok(Self {
            text: InboundText {
                message_sid,
                from: CallerIdentity::told(from, &our_number),
                channel,
                body: body.chars().take(LONGEST_TEXT).collect(),
                media: media(params),
                opt_out_type: optional(params, "OptOutType").map(str::to_owned),
                at: None,
            },
            our_number,
        })
    }
}

/// The same form without NUL, which no text has a use for and the database no place.
fn without_nul(params: &Params) -> Vec<(String, String)> {
    params.iter().map(|(name, value)| (name.replace('\0', ""), value.replace('\0', ""))).collect()
}

/// The pictures, by the numbers that their fields end with. How many there are is seen from them, whatever NumMedia says.
fn media(params: &Params) -> Vec<NewMedia> {
    let mut found: Vec<(u16, NewMedia)> = params
        .iter()
        .filter_map(|(name, url)| {
            let number: u16 = name.strip_prefix("MediaUrl")?.parse().ok()?;
            let url = Some(url.trim().to_owned()).filter(|url| !url.is_empty())?;
            Some((
                number,
                NewMedia { url, content_type: optional(params, &format!("MediaContentType{number}")).map(str::to_owned) },
            ))
        })
        .collect();
    found.sort_by_key(|(number, _)| *number);
    found.dedup_by_key(|(number, _)| *number);
    found.into_iter().map(|(_, media)| media).take(MOST_MEDIA).collect()
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
