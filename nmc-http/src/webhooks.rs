//! Where Twilio asks and tells, under the address that it reaches the server at.

use nmc_core::telephony::{CallbackUrls, WebhookUrls};

pub(crate) const VOICE: &str = "/webhooks/twilio/voice";
pub(crate) const VOICE_STATUS: &str = "/webhooks/twilio/voice/status";
pub(crate) const SCREEN: &str = "/webhooks/twilio/voice/screen";
pub(crate) const SCREEN_ACCEPTED: &str = "/webhooks/twilio/voice/screen/accepted";
pub(crate) const MACHINE: &str = "/webhooks/twilio/voice/machine";
pub(crate) const NUMBER_STATUS: &str = "/webhooks/twilio/number/status";
pub(crate) const SMS: &str = "/webhooks/twilio/sms";
pub(crate) const SMS_STATUS: &str = "/webhooks/twilio/sms/status";

/// The URLs to give Twilio, of a server that it reaches at `public_url`, like `https://nmc.example.com`.
#[must_use]
pub fn callback_urls(public_url: &str) -> CallbackUrls {
    let at = |path: &str| format!("{}{path}", public_url.trim_end_matches('/'));
    CallbackUrls { numbers: WebhookUrls::new(&at(VOICE), &at(VOICE_STATUS), &at(SMS)), delivery: at(SMS_STATUS) }
}

#[cfg(test)]
mod tests {
    use super::callback_urls;

    #[test]
    fn slash_at_the_end_of_an_address_does_not_matter() {
        let urls = callback_urls("https://nmc.example.com/base/");
        assert_eq!(urls.delivery, "https://nmc.example.com/base/webhooks/twilio/sms/status");
        assert_eq!(urls.numbers.voice, "https://nmc.example.com/base/webhooks/twilio/voice#rc=3&rp=ct,rt,5xx");
        assert_eq!(urls, callback_urls("https://nmc.example.com/base"));
    }
}
