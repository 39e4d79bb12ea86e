use super::{NOTHING, report_missing, twiml};
use crate::blocking::Door;
use crate::error::ApiResult;
use crate::server::Webhooks;
use crate::signed_form::SignedForm;
use actix_web::{HttpResponse, web};
use nmc_core::PhoneNumber;
use nmc_core::calls::{forward_to, record_voice_status};
use nmc_core::twilio::VoiceCallback;

/// Nobody can take the call: its caller hears a busy line, and is texted when its status callback comes.
const BUSY: &str = "<Response><Reject reason=\"busy\"/></Response>";

/// What to do with a call that comes in: nothing is written, so Twilio may ask twice.
pub(super) async fn answer(door: web::Data<Door>, webhooks: web::Data<Webhooks>, form: SignedForm) -> ApiResult<HttpResponse> {
    let callback = VoiceCallback::parse(&form.0)?;
    let call_sid = callback.facts.sid.clone();
    let phone = door.blocking(move |store| forward_to(store, &callback)).await;
    let phone = report_missing(phone, &call_sid)?;
    tracing::debug!(sid = call_sid, forwarded = phone.is_some(), "call answered");
    Ok(match phone {
        Some(phone) => twiml(&dial(&phone, &webhooks.public_url)),
        None => twiml(BUSY),
    })
}

/// A call's status callback, or the answer of its `<Dial>`.
pub(super) async fn status(door: web::Data<Door>, form: SignedForm) -> ApiResult<HttpResponse> {
    let callback = VoiceCallback::parse(&form.0)?;
    let call_sid = callback.facts.sid.clone();
    let recorded = door.blocking(move |store| record_voice_status(store, &callback)).await;
    let recorded = report_missing(recorded, &call_sid)?;
    tracing::debug!(call = %recorded.call, status = %recorded.status, greeted = recorded.greeting.is_some(), "call recorded");
    Ok(twiml(NOTHING))
}

/// Rings the business for 20 seconds. Its caller hears the ringing, and not a silence that costs, until somebody takes the
/// call; how that went is told to the action URL.
fn dial(phone: &PhoneNumber, public_url: &str) -> String {
    let action = escaped(&format!("{public_url}/webhooks/twilio/voice/status"));
    let phone = escaped(phone.as_str());
    format!("<Response><Dial timeout=\"20\" answerOnBridge=\"true\" action=\"{action}\">{phone}</Dial></Response>")
}

/// As XML takes it, in a text or in an attribute.
fn escaped(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            '\'' => safe.push_str("&apos;"),
            c => safe.push(c),
        }
    }
    safe
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_breaks_out_of_the_document() {
        let phone = "+14155550123".parse().unwrap();
        let url = "https://nmc.example.com/a?b=\"c\"&d=<e>'f'";
        assert_eq!(
            dial(&phone, url),
            "<Response><Dial timeout=\"20\" answerOnBridge=\"true\" action=\"https://nmc.example.com/a?b=&quot;c&quot;&amp;d=\
             &lt;e&gt;&apos;f&apos;/webhooks/twilio/voice/status\">+14155550123</Dial></Response>"
        );
    }
}
