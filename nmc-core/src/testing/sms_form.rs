use super::unique_sid;
use crate::telephony::{SmsCallback, SmsStatusCallback};
use crate::{MessageId, PhoneNumber};

/// The form of a text or of a delivery callback, to be changed field by field.
#[derive(Debug, Clone)]
pub struct SmsForm(pub Vec<(String, String)>);

impl SmsForm {
    /// A customer's text, with a SID of its own.
    #[must_use]
    pub fn text(from: &str, to: &PhoneNumber, body: &str) -> Self {
        Self(Vec::new())
            .with("MessageSid", &unique_sid("SM"))
            .with("From", from)
            .with("To", to.as_str())
            .with("Body", body)
            .with("NumMedia", "0")
            .with("AccountSid", "AC00000000000000000000000000000000")
            .with("ApiVersion", "2010-04-01")
    }

    /// A report about a text of ours.
    #[must_use]
    pub fn delivery(ours: &PhoneNumber, customer: &PhoneNumber, sid: &str, status: &str) -> Self {
        Self(Vec::new())
            .with("MessageSid", sid)
            .with("From", ours.as_str())
            .with("To", customer.as_str())
            .with("MessageStatus", status)
            .with("AccountSid", "AC00000000000000000000000000000000")
            .with("ApiVersion", "2010-04-01")
    }

    /// The same form with this field, instead of the one of that name if there is one.
    #[must_use]
    pub fn with(self, name: &str, value: &str) -> Self {
        let mut form = self.without(name);
        form.0.push((name.to_owned(), value.to_owned()));
        form
    }

    /// The same form without this field.
    #[must_use]
    pub fn without(mut self, name: &str) -> Self {
        self.0.retain(|(known, _)| known != name);
        self
    }

    /// A customer's text as the library reads it.
    ///
    /// # Panics
    /// When it doesn't.
    #[must_use]
    pub fn parse(&self) -> SmsCallback {
        SmsCallback::parse(&self.0).expect("a text")
    }

    /// A delivery callback as the library reads it, with the id of ours that its URL carried.
    ///
    /// # Panics
    /// When it doesn't.
    #[must_use]
    pub fn parse_delivery(&self, message: Option<MessageId>) -> SmsStatusCallback {
        SmsStatusCallback::parse(&self.0, message).expect("a delivery callback")
    }
}
