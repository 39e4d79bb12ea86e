use super::{NOTHING, report_missing, twiml};
use crate::blocking::BlockingPool;
use crate::error::ApiResult;
use crate::signed_form::SignedForm;
use actix_web::{HttpResponse, web};
use nmc_core::telephony::{SmsCallback, SmsStatusCallback};
use nmc_core::workflows::{receive_text, record_delivery};
use nmc_core::{Error, MessageId};
use serde::Deserialize;

/// A text from a customer.
pub(super) async fn receive(pool: web::Data<BlockingPool>, form: SignedForm) -> ApiResult<HttpResponse> {
    let callback = SmsCallback::parse(&form.0)?;
    let message_sid = callback.text.message_sid.clone();
    let received = pool.blocking(move |store| receive_text(store, &callback)).await;
    let Some(received) = report_missing(received, &message_sid)? else { return Ok(twiml(NOTHING)) };
    tracing::debug!(text = %received.message, keyword = ?received.keyword, duplicate = received.duplicate, "text received");
    Ok(twiml(NOTHING))
}

/// The query that we put into the callback's URL ourselves.
#[derive(Deserialize)]
pub(super) struct StatusQuery {
    message: Option<MessageId>,
}

/// A delivery callback of a text of ours.
pub(super) async fn status(
    pool: web::Data<BlockingPool>,
    query: Result<web::Query<StatusQuery>, actix_web::Error>,
    form: SignedForm,
) -> ApiResult<HttpResponse> {
    let query = query.map_err(|_| Error::invalid("message", "must be the id that we put into the URL"))?;
    let callback = SmsStatusCallback::parse(&form.0, query.message)?;
    let message_sid = callback.report.message_sid.clone();
    let message = pool.blocking(move |store| record_delivery(store, &callback)).await;
    let Some(message) = report_missing(message, &message_sid)? else { return Ok(twiml(NOTHING)) };
    tracing::debug!(text = %message.id, status = %message.message_status, "delivery reported");
    Ok(twiml(NOTHING))
}
