//! A missed call, from Twilio's callback to the text that answers it: `cargo run -p nmc-core --example record_a_call`

mod support;

use nmc_core::conversations::MessageFilter;
use nmc_core::numbers::NewPhoneNumber;
use nmc_core::telephony::VoiceCallback;
use nmc_core::tenants::NewTenant;
use nmc_core::workflows::onboard;
use nmc_core::workflows::record_voice_status;
use nmc_core::{CallOutcome, NumberType, PageRequest, PhoneNumber};
use std::error::Error;
use uuid::Uuid;

fn main() -> Result<(), Box<dyn Error>> {
    let (_server, store) = support::store()?;
    let run = Uuid::new_v4();
    let business = NewTenant { business_name: format!("Joe's Plumbing {run}"), ..NewTenant::default() };
    let (tenant, _) = onboard(&store, &business)?;

    // The number that customers call. Whoever holds it gets the call: no callback names a tenant.
    let ours: PhoneNumber = format!("+1312{:07}", run.as_u128() % 10_000_000).parse()?;
    let number = NewPhoneNumber {
        phone_number: ours.clone(),
        twilio_phone_sid: Some(format!("PN{}", run.simple())),
        locality: None,
        region: None,
        number_type: NumberType::Local,
        price: None,
    };
    store.tenant(&tenant, |tx| tx.phone_numbers().create(&number))?;

    // What Twilio posts when it has rung out. A web server first checks the signature: `nmc_core::twilio::Signer`.
    let sid = format!("CA{}", run.simple());
    let form = [
        ("CallSid", sid.as_str()),
        ("From", "+14155550123"),
        ("To", ours.as_str()),
        ("Direction", "inbound"),
        ("CallStatus", "no-answer"),
        ("CallerName", "ANN EXAMPLE"),
    ]
    .map(|(name, value)| (name.to_owned(), value.to_owned()));
    let callback = VoiceCallback::parse(&form)?;

    // The call, its outcome, the caller's conversation, its log and the greeting, in one transaction.
    let recorded = record_voice_status(&store, &callback)?;
    println!("{}, so it was {}", recorded.status, recorded.outcome.map_or("still going on", CallOutcome::label));

    // Twilio repeats itself, and its callbacks overtake one another. The rows end the same.
    let again = record_voice_status(&store, &callback)?;
    println!(
        "the same callback again: the same call ({}), another text: {}",
        again.call == recorded.call,
        again.greeting.is_some()
    );

    let (call, texts) = store.tenant(&tenant, |tx| {
        let texts = MessageFilter { conversation: recorded.conversation, ..MessageFilter::default() };
        Ok((tx.calls().get(recorded.call)?, tx.messages().list(&texts, PageRequest::first())?))
    })?;
    println!("{} called {}", call.caller_name.unwrap_or_default(), call.called_phone);
    for text in texts.items {
        // A worker sends it: `nmc_core::conversations::Worker`, or `nmc worker`.
        println!("{}, {}: {}", text.message_kind, text.message_status, text.message_body);
    }
    Ok(())
}
