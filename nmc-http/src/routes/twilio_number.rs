use super::{NOTHING, report_missing, twiml};
use crate::blocking::BlockingPool;
use crate::error::ApiResult;
use crate::signed_form::SignedForm;
use actix_web::{HttpResponse, web};
use nmc_core::numbers::note_number_status;
use nmc_core::telephony::NumberStatusCallback;
use nmc_core::telephony::ReportedNumber;

/// A report of a number itself: a reason to ask the provider about it, and no more.
pub(super) async fn status(pool: web::Data<BlockingPool>, form: SignedForm) -> ApiResult<HttpResponse> {
    let reported = NumberStatusCallback::parse(&form.0)?.number;
    let sid = match &reported {
        ReportedNumber::Sid(sid) => sid.clone(),
        // The number is somebody's: it stays out of the log.
        ReportedNumber::Number(_) => "(none)".to_owned(),
    };
    let noted = pool.blocking(move |store| note_number_status(store, &reported)).await;
    report_missing(noted, &sid)?;
    tracing::debug!(sid, "number to be looked at");
    Ok(twiml(NOTHING))
}
