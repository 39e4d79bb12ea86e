//! A call that Twilio is asked about: what no callback told is learnt, and nobody is texted about old news.

use crate::support::{Scene, dec};
use chrono::TimeDelta;
use nmc_core::conversations::MessageFilter;
use nmc_core::telephony::CallDirectory as _;
use nmc_core::telephony::ProviderError;
use nmc_core::testing::{FakeTwilio, TwilioCall, TwilioFault, VoiceForm, unique_phone, unique_sid};
use nmc_core::twilio::TwilioCalls;
use nmc_core::workflows::refresh_call;
use nmc_core::{CallId, CallOutcome, CallStatus, Clock as _, Error, MessageKind};

/// A call that rang, and what Twilio knows of it.
fn ringing(scene: &Scene, twilio: &FakeTwilio) -> (CallId, TwilioCall) {
    let (caller, sid, number) = (unique_phone(), unique_sid("CA"), &scene.business.number);
    let form = VoiceForm::missed(caller.as_str(), number, &sid).with("CallStatus", "ringing");
    let call = nmc_core::workflows::record_voice_status(&scene.db.store, &form.parse()).unwrap().call;
    let known = TwilioCall {
        sid,
        parent_call_sid: None,
        from: caller.to_string(),
        to: number.to_string(),
        status: "no-answer".to_owned(),
        direction: "inbound".to_owned(),
        duration: Some(0),
        price: None,
        start_time: None,
        end_time: Some(scene.clock.now()),
        answered_by: None,
        caller_name: Some("Ann Smith".to_owned()),
        created_at: scene.clock.now(),
    };
    twilio.put_call(known.clone());
    (call, known)
}

fn greetings(scene: &Scene) -> usize {
    let greetings = MessageFilter { kind: Some(MessageKind::Greeting), ..MessageFilter::default() };
    scene.business.messages(&scene.db.store, &greetings).len()
}

#[test]
fn call_without_its_end_is_ended_and_answered_while_it_is_news() {
    for (later, texts) in [(TimeDelta::minutes(59), 1), (TimeDelta::hours(2), 0)] {
        let (scene, twilio) = (Scene::new(), FakeTwilio::start());
        let directory = TwilioCalls::new(&twilio.account());
        let (id, known) = ringing(&scene, &twilio);
        scene.clock.advance(later);
        let refresh = || refresh_call(&scene.db.store, &scene.business.tenant, &directory, id);
        let call = refresh().unwrap();
        assert_eq!((call.call_status, call.price), (CallStatus::NoAnswer, None), "{later}");
        assert_eq!((call.outcome, greetings(&scene)), (Some(CallOutcome::Missed), texts), "{later}");
        // The price comes a minute later.
        twilio.put_call(TwilioCall { price: Some("-0.00850".to_owned()), ..known });
        let call = refresh().unwrap();
        assert_eq!((call.price, call.price_unit.as_str(), greetings(&scene)), (Some(dec!(0.0085)), "USD", texts));
    }
}

#[test]
fn call_that_twilio_cannot_tell_of_is_left_as_it_is() {
    let (scene, twilio) = (Scene::new(), FakeTwilio::start());
    let directory = TwilioCalls::new(&twilio.account());
    let (id, known) = ringing(&scene, &twilio);
    let refresh = || refresh_call(&scene.db.store, &scene.business.tenant, &directory, id);
    for fault in [TwilioFault::ErrorBefore, TwilioFault::Garbage, TwilioFault::DropBefore, TwilioFault::TooMany(1)] {
        twilio.fail_numbers_with([fault]);
        assert!(matches!(refresh(), Err(Error::Unavailable { .. })), "{fault:?}");
    }
    twilio.fail_numbers_with([TwilioFault::Unauthorized]);
    assert!(matches!(refresh(), Err(Error::Provider(ProviderError::Credentials { .. }))));
    twilio.put_call(TwilioCall { status: "ringing".to_owned(), end_time: None, ..known });
    assert_eq!(refresh().unwrap().call_status, CallStatus::Ringing);
    assert!(matches!(directory.find("CA0123"), Ok(None)));
    assert!(matches!(directory.find("CA/../x"), Ok(None)), "what is no SID is not asked for");
    let nobody = refresh_call(&scene.db.store, &scene.business.tenant, &directory, CallId::new(uuid::Uuid::now_v7()));
    assert!(matches!(nobody, Err(Error::NotFound { .. })));
}
