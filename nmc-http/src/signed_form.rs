//! A form that Twilio has signed: whoever holds one may believe it.

use crate::error::{ApiError, Unreadable};
use crate::state::Webhooks;
use actix_web::dev::Payload;
use actix_web::http::header::{CONTENT_LENGTH, CONTENT_TYPE};
use actix_web::{FromRequest, HttpRequest, web};
use std::future::Future;
use std::pin::Pin;

/// The longest form. Twilio's are some two thousand bytes; the longest text makes six.
pub(crate) const LONGEST: usize = 64 * 1024;

/// The parameters of a signed form, in the order received.
pub(crate) struct SignedForm(pub(crate) Vec<(String, String)>);

impl FromRequest for SignedForm {
    type Error = ApiError;
    type Future = Pin<Box<dyn Future<Output = Result<Self, ApiError>>>>;

    fn from_request(req: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let req = req.clone();
        let mut payload = payload.take();
        Box::pin(async move {
            let declared = header(&req, CONTENT_LENGTH.as_str()).and_then(|text| text.parse::<usize>().ok());
            if declared.is_some_and(|length| length > LONGEST) {
                return Err(ApiError::TooLarge(LONGEST));
            }
            let kind = header(&req, CONTENT_TYPE.as_str()).unwrap_or_default();
            if !kind.trim_start().to_ascii_lowercase().starts_with("application/x-www-form-urlencoded") {
                return Err(ApiError::MediaType("application/x-www-form-urlencoded"));
            }
            let webhooks = req.app_data::<web::Data<Webhooks>>().ok_or(ApiError::NotSigned)?;
            let body = actix_web::rt::time::timeout(webhooks.patience, web::Bytes::from_request(&req, &mut payload))
                .await
                .map_err(|_| ApiError::Incomplete)?
                .map_err(|error| match error.as_response_error().status_code().as_u16() {
                    413 => ApiError::TooLarge(LONGEST),
                    _ => ApiError::Unreadable(Unreadable::Malformed),
                })?;
            let params: Vec<(String, String)> = form_urlencoded::parse(&body).into_owned().collect();
            check(webhooks, &req, &params)?;
            Ok(Self(params))
        })
    }
}

/// The URL is the configured one with the path and query as received: forwarded headers are anybody's to write.
fn check(webhooks: &Webhooks, req: &HttpRequest, params: &[(String, String)]) -> Result<(), ApiError> {
    let signer = webhooks.signer.as_ref().ok_or_else(|| {
        tracing::warn!(path = req.path(), "a webhook was refused: there is no TWILIO_AUTH_TOKEN to check it with");
        ApiError::NotSigned
    })?;
    let path = req.uri().path_and_query().map_or("/", |target| target.as_str());
    let url = format!("{}{path}", webhooks.public_url);
    let settings = header(req, "X-Twilio-Webhooks-Signature-Settings");
    signer.check(&url, params, header(req, "X-Twilio-Signature"), settings).map_err(|error| {
        let public_url = &webhooks.public_url;
        tracing::warn!(path = req.path(), public_url, %error, "a webhook was refused; is this the URL that Twilio calls?");
        ApiError::NotSigned
    })
}

fn header<'r>(req: &'r HttpRequest, name: &str) -> Option<&'r str> {
    req.headers().get(name).and_then(|value| value.to_str().ok())
}
