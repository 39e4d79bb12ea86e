use crate::calls::CallFacts;
use crate::identity::{NewTenant, TenantRow, onboard};
use crate::numbers::NewPhoneNumber;
use crate::store::{Store, Tenant};
use crate::twilio::VoiceCallback;
use crate::{NumberType, PhoneNumber};
use std::sync::atomic::{AtomicU32, Ordering};

fn next() -> u32 {
    static NEXT: AtomicU32 = AtomicU32::new(1);
    NEXT.fetch_add(1, Ordering::SeqCst)
}

/// A number that nothing else in this test run has.
#[must_use]
pub fn unique_phone() -> PhoneNumber {
    format!("+1555{:07}", next()).parse().expect("a number")
}

/// A SID that nothing else in this test run has.
#[must_use]
pub fn unique_sid(prefix: &str) -> String {
    format!("{prefix}{:032x}", next())
}

/// A tenant with settings and one active number.
#[derive(Debug, Clone)]
pub struct Business {
    /// The proof.
    pub tenant: Tenant,
    /// Its row.
    pub row: TenantRow,
    /// Its number.
    pub number: PhoneNumber,
}

impl Business {
    /// Takes in a business of this name; give every one of a test another.
    #[must_use]
    pub fn onboard(store: &Store, name: &str) -> Self {
        let new = NewTenant { business_name: name.to_owned(), ..NewTenant::default() };
        let (tenant, row) = onboard(store, &new).expect("a business");
        let number = unique_phone();
        store
            .tenant(&tenant, |tx| {
                tx.phone_numbers().create(&NewPhoneNumber {
                    phone_number: number.clone(),
                    twilio_phone_sid: Some(unique_sid("PN")),
                    locality: None,
                    region: None,
                    number_type: NumberType::Local,
                })
            })
            .expect("its number");
        Self { tenant, row, number }
    }
}

/// A voice callback's form, to be changed field by field.
#[derive(Debug, Clone)]
pub struct VoiceForm(pub Vec<(String, String)>);

impl VoiceForm {
    /// An inbound call that rang out: the plainest missed call.
    #[must_use]
    pub fn missed(from: &str, to: &PhoneNumber, sid: &str) -> Self {
        Self(Vec::new())
            .with("CallSid", sid)
            .with("From", from)
            .with("To", to.as_str())
            .with("Direction", "inbound")
            .with("CallStatus", "no-answer")
            .with("AccountSid", "AC00000000000000000000000000000000")
            .with("ApiVersion", "2010-04-01")
    }

    /// With this field, instead of the one of that name if there is one.
    #[must_use]
    pub fn with(mut self, name: &str, value: &str) -> Self {
        self.0.retain(|(known, _)| known != name);
        self.0.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Without this field.
    #[must_use]
    pub fn without(mut self, name: &str) -> Self {
        self.0.retain(|(known, _)| known != name);
        self
    }

    /// As the library reads it.
    #[must_use]
    pub fn parse(&self) -> VoiceCallback {
        VoiceCallback::parse(&self.0).expect("a callback")
    }

    /// What it says of the call.
    #[must_use]
    pub fn facts(&self) -> CallFacts {
        self.parse().facts
    }
}
