use crate::telephony::WebhookUrls;

/// The webhooks of a platform at this address.
#[must_use]
pub fn webhook_urls(at: &str) -> WebhookUrls {
    let at = |path: &str| format!("{}/webhooks/twilio/{path}", at.trim_end_matches('/'));
    WebhookUrls::new(&at("voice"), &at("voice/status"), &at("sms"))
}
