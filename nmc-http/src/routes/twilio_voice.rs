use super::{NOTHING, report_missing, twiml};
use crate::blocking::BlockingPool;
use crate::error::ApiResult;
use crate::signed_form::SignedForm;
use crate::state::Webhooks;
use crate::webhooks::{MACHINE, SCREEN, SCREEN_ACCEPTED, VOICE_STATUS};
use actix_web::rt::time::timeout;
use actix_web::{HttpRequest, HttpResponse, web};
use nmc_core::telephony::{ForwardedCall, VoiceCallback};
use nmc_core::workflows::{Forwarding, forward_to, record_voice_status};
use nmc_core::{CallScreening, Error};
use std::time::Duration;

/// The answer when nobody can take the call: its caller hears a busy line, and is texted when its status callback comes.
const BUSY: &str = "<Response><Reject reason=\"busy\"/></Response>";

/// How long a caller waits for the note that somebody has taken the call.
const NOTED_WITHIN: Duration = Duration::from_secs(2);

/// Answers what to do with a call that comes in: nothing is written, so Twilio may ask twice.
pub(super) async fn answer(
    pool: web::Data<BlockingPool>,
    webhooks: web::Data<Webhooks>,
    form: SignedForm,
) -> ApiResult<HttpResponse> {
    let callback = VoiceCallback::parse_incoming(&form.0)?;
    let call = ForwardedCall::of(&callback);
    let forwarding = pool.blocking(move |store| forward_to(store, &callback)).await;
    let forwarding = report_missing(forwarding, &call.call)?.flatten();
    tracing::debug!(sid = call.call, forwarded = forwarding.is_some(), "call answered");
    Ok(match forwarding {
        Some(to) => twiml(&dial(&to, &call, &webhooks.public_url)),
        None => twiml(BUSY),
    })
}

/// A call's status callback, or the answer of its `<Dial>`.
pub(super) async fn status(pool: web::Data<BlockingPool>, form: SignedForm) -> ApiResult<HttpResponse> {
    record(&pool, VoiceCallback::parse_status(&form.0)?).await
}

/// Takes what machine detection heard on a forwarded leg: it belongs to the call that the URL names.
pub(super) async fn machine(
    pool: web::Data<BlockingPool>,
    query: Result<web::Query<ForwardedCall>, actix_web::Error>,
    form: SignedForm,
) -> ApiResult<HttpResponse> {
    let query = query.map_err(|_| Error::invalid("call", "must be with number and from, as we put them into the URL"))?;
    record(&pool, VoiceCallback::parse_machine_detection(&form.0, &query)?).await
}

async fn record(pool: &BlockingPool, callback: Option<VoiceCallback>) -> ApiResult<HttpResponse> {
    let Some(callback) = callback else {
        tracing::debug!("a callback that says nothing of a call of ours");
        return Ok(twiml(NOTHING));
    };
    let call_sid = callback.facts.sid.clone();
    let recorded = pool.blocking(move |store| record_voice_status(store, &callback)).await;
    let Some(recorded) = report_missing(recorded, &call_sid)? else { return Ok(twiml(NOTHING)) };
    tracing::debug!(call = %recorded.call, status = %recorded.status, greeted = recorded.greeting.is_some(), "call recorded");
    Ok(twiml(NOTHING))
}

/// Answers what whoever takes a forwarded call hears before the caller is connected. A voicemail presses no key, and is hung up
/// on.
pub(super) async fn screen(webhooks: web::Data<Webhooks>, request: HttpRequest, _signed: SignedForm) -> ApiResult<HttpResponse> {
    // Of the call that was forwarded only our own URL tells: it is handed on.
    let query = if request.query_string().is_empty() { String::new() } else { format!("?{}", request.query_string()) };
    let accepted = escaped(&format!("{}{SCREEN_ACCEPTED}{query}", webhooks.public_url));
    // No key ends the input but the first one, whichever it is: without that, # alone would count as none.
    Ok(twiml(&format!(
        "<Response><Gather numDigits=\"1\" finishOnKey=\"\" timeout=\"10\" action=\"{accepted}\"><Say loop=\"2\">A call for your \
         business. To take it, press any key.</Say></Gather><Hangup/></Response>"
    )))
}

/// A key was pressed: with nothing more to do on the leg, Twilio connects the caller. That a person has taken it is noted, for Twilio's
/// list of calls does not tell; whatever becomes of the note, nobody is kept waiting for long.
pub(super) async fn connect(
    pool: web::Data<BlockingPool>,
    query: Result<web::Query<ForwardedCall>, actix_web::Error>,
    _signed: SignedForm,
) -> ApiResult<HttpResponse> {
    if let Ok(forwarded) = query {
        let noted = VoiceCallback::taken_by_a_person(&forwarded).map(|taken| record(&pool, Some(taken)));
        let noted = async { noted?.await };
        match timeout(NOTED_WITHIN, noted).await {
            Ok(Ok(_)) => {}
            Ok(Err(error)) => tracing::warn!(call = forwarded.call, %error, "that a person has taken a call can't be noted"),
            Err(_) => tracing::warn!(call = forwarded.call, "that a person has taken a call is not noted in time"),
        }
    }
    Ok(twiml(NOTHING))
}

/// Rings the business for 20 seconds. Its caller hears the ringing, and not a silence that costs, until somebody takes the
/// call; how that went is told to the action URL.
fn dial(to: &Forwarding, call: &ForwardedCall, public_url: &str) -> String {
    let action = escaped(&format!("{public_url}{VOICE_STATUS}"));
    let phone = escaped(to.phone.as_str());
    let number = match to.screening {
        CallScreening::KeyPress => {
            let url = escaped(&format!("{public_url}{SCREEN}?{}", call_query(call)));
            format!("<Number url=\"{url}\">{phone}</Number>")
        }
        CallScreening::MachineDetection => {
            let url = escaped(&format!("{public_url}{MACHINE}?{}", call_query(call)));
            format!("<Number machineDetection=\"Enable\" amdStatusCallback=\"{url}\">{phone}</Number>")
        }
        CallScreening::Off => phone,
    };
    format!("<Response><Dial timeout=\"20\" answerOnBridge=\"true\" action=\"{action}\">{number}</Dial></Response>")
}

/// The query that tells a callback of the leg which call was forwarded.
fn call_query(call: &ForwardedCall) -> String {
    let fields = [("call", &call.call), ("number", &call.number), ("from", &call.from)];
    form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish()
}

/// The text as XML takes it, between tags or in an attribute.
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

    /// What is dialled, under a public URL that has everything in it.
    fn dialled(screening: CallScreening) -> String {
        let to = Forwarding { phone: "+14155550123".parse().unwrap(), screening };
        let from = "\"Joe\"&<'".to_owned();
        let call = ForwardedCall { call: "CA1".to_owned(), number: "+13125550100".to_owned(), from };
        let twiml = dial(&to, &call, "https://nmc.example.com/a?b=\"c\"&d=<e>'f'");
        let url = "https://nmc.example.com/a?b=&quot;c&quot;&amp;d=&lt;e&gt;&apos;f&apos;/webhooks/twilio/voice";
        let open = format!("<Response><Dial timeout=\"20\" answerOnBridge=\"true\" action=\"{url}/status\">");
        let inside = twiml.strip_prefix(&open).and_then(|rest| rest.strip_suffix("</Dial></Response>"));
        inside.unwrap_or_else(|| panic!("{twiml}")).replace(url, "URL")
    }

    #[test]
    fn nothing_breaks_out_of_the_document() {
        assert_eq!(dialled(CallScreening::Off), "+14155550123");
        let query = "call=CA1&amp;number=%2B13125550100&amp;from=%22Joe%22%26%3C%27";
        assert_eq!(dialled(CallScreening::KeyPress), format!("<Number url=\"URL/screen?{query}\">+14155550123</Number>"));
        assert_eq!(
            dialled(CallScreening::MachineDetection),
            format!("<Number machineDetection=\"Enable\" amdStatusCallback=\"URL/machine?{query}\">+14155550123</Number>")
        );
    }
}
