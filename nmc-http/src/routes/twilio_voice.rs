use super::{report_missing, twiml};
use crate::blocking::Door;
use crate::error::ApiResult;
use crate::signed_form::SignedForm;
use actix_web::{HttpResponse, web};
use nmc_core::calls::record_voice_status;
use nmc_core::twilio::VoiceCallback;

/// A call's status callback, or the answer of its `<Dial>`.
pub(super) async fn status(door: web::Data<Door>, form: SignedForm) -> ApiResult<HttpResponse> {
    let callback = VoiceCallback::parse(&form.0)?;
    let call_sid = callback.facts.sid.clone();
    let recorded = door.blocking(move |store| record_voice_status(store, &callback)).await;
    let recorded = report_missing(recorded, &call_sid)?;
    tracing::debug!(call = %recorded.call, status = %recorded.status, greeted = recorded.greeting.is_some(), "call recorded");
    Ok(twiml())
}
