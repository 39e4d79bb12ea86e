//! How it fails.

use super::{CHICAGO, Client, Reply};
use nmc_core::testing::TwilioFault;
use std::time::{Duration, Instant};

/// Each fault that does not wait for us, what it answers to a purchase (nothing, or this status), and whether the purchase
/// took effect.
const FAULTS: [(TwilioFault, Option<u16>, bool); 10] = [
    (TwilioFault::Pass, Some(201), true),
    (TwilioFault::TooMany(7), Some(429), false),
    (TwilioFault::Unauthorized, Some(401), false),
    (TwilioFault::AnswerWith(503, 20_503), Some(503), false),
    (TwilioFault::ErrorBefore, Some(500), false),
    (TwilioFault::ErrorAfter, Some(500), true),
    (TwilioFault::DropBefore, None, false),
    (TwilioFault::DropAfter, None, true),
    (TwilioFault::Garbage, Some(201), true),
    (TwilioFault::Duplicate, Some(400), true),
];

#[test]
fn a_purchase_takes_effect_or_does_not() {
    for (fault, status, taken) in FAULTS {
        let client = Client::new();
        client.twilio.fail_numbers_with([fault]);
        let reply = client.try_buy(CHICAGO);
        assert_eq!(reply.as_ref().map(|reply| reply.0), status, "{fault:?}");
        let count = usize::from(taken);
        assert_eq!((client.twilio.owned().len(), client.twilio.purchases().len()), (count, count), "{fault:?}");
        assert_eq!((client.twilio.number_requests(), client.twilio.requests()), (1, 1), "{fault:?}");
        let again = client.try_buy(CHICAGO).map(|reply| reply.0);
        assert_eq!(again, Some(if taken { 400 } else { 201 }), "{fault:?}: and then it works");
    }
}

#[test]
fn so_does_a_change_and_a_giving_back() {
    for (fault, status, taken) in FAULTS {
        let client = Client::new();
        let sid = client.bought(CHICAGO);
        let path = client.number(&sid);
        // Done twice, a change is the same change; what was given back is no longer there.
        let at_once = |ok| match fault {
            TwilioFault::Pass | TwilioFault::Garbage => Some(ok),
            _ => status,
        };
        client.twilio.fail_numbers_with([fault]);
        let reply = client.try_call("POST", &path, &[("FriendlyName", "Joe")]).map(|reply| reply.0);
        assert_eq!(reply, if fault == TwilioFault::Duplicate { Some(200) } else { at_once(200) }, "{fault:?}");
        assert_eq!(client.twilio.owned()[0].friendly_name == "Joe", taken, "{fault:?}");
        client.twilio.fail_numbers_with([fault]);
        let reply = client.try_call("DELETE", &path, &[]).map(|reply| reply.0);
        let gone = if fault == TwilioFault::Garbage { 200 } else { 204 };
        assert_eq!(reply, if fault == TwilioFault::Duplicate { Some(404) } else { at_once(gone) }, "{fault:?}");
        assert_eq!(client.twilio.given_back().len(), usize::from(taken), "{fault:?}");
        assert_eq!(client.twilio.owned().is_empty(), taken, "{fault:?}");
    }
}

#[test]
fn what_a_fault_says() {
    let client = Client::new();
    client.twilio.fail_numbers_with(FAULTS.map(|(fault, _, _)| fault));
    let path = client.path("IncomingPhoneNumbers");
    let code = |reply: Reply| reply.refusal();
    assert_eq!(client.get(&path).0, 200);
    for refusal in [(429, 20_429), (401, 20_003), (503, 20_503), (500, 20_500), (500, 20_500)] {
        assert_eq!(code(client.get(&path)), refusal);
    }
    assert_eq!((client.try_call("GET", &path, &[]), client.try_call("GET", &path, &[])), (None, None));
    let garbage = client.get(&path);
    assert!(serde_json::from_str::<serde_json::Value>(&garbage.1).is_err(), "{}", garbage.1);
    assert_eq!(client.get(&path).0, 200);
    assert_eq!(client.twilio.take_number_faults(), []);
}

#[test]
fn texts_and_numbers_fail_apart_from_each_other() {
    let client = Client::new();
    let (text, number) = (TwilioFault::ErrorBefore, TwilioFault::AnswerWith(400, 21_422));
    client.twilio.fail_with([text, text]);
    client.twilio.fail_numbers_with([TwilioFault::Pass, number, number]);
    let texts = client.path("Messages");
    for (path, status) in
        [("/v1/PhoneNumbers/Countries/US", 200), (texts.as_str(), 500), (&client.path("IncomingPhoneNumbers"), 400)]
    {
        assert_eq!(client.get(path).0, status, "{path}");
    }
    assert_eq!((client.twilio.take_faults(), client.twilio.take_number_faults()), (vec![text], vec![number]));
    assert_eq!((client.get(&texts).0, client.get(&client.path("IncomingPhoneNumbers")).0), (200, 200));
    assert_eq!((client.twilio.requests(), client.twilio.number_requests()), (5, 3));
}

#[test]
fn a_text_that_a_proxy_repeats_goes_out_twice() {
    let client = Client::new();
    client.twilio.fail_with([TwilioFault::Duplicate]);
    let form = [("From", CHICAGO), ("To", "+14155550123"), ("Body", "Hello")];
    let answer = client.call("POST", &client.path("Messages"), &form).json(201);
    let texts = client.twilio.texts();
    assert_eq!((texts.len(), answer["sid"].as_str().unwrap()), (2, texts[1].sid.as_str()));
}

#[test]
fn slow_is_slow() {
    let client = Client::new();
    client.twilio.fail_numbers_with([TwilioFault::Slow(Duration::from_millis(30))]);
    let begun = Instant::now();
    client.bought(CHICAGO);
    assert!(begun.elapsed() >= Duration::from_millis(30));
}

#[test]
fn a_purchase_is_held_before_or_after_it_takes_effect() {
    for (fault, taken, status) in [(TwilioFault::HoldBefore, 0, None), (TwilioFault::HoldAfter, 1, Some(201))] {
        let client = Client::new();
        client.twilio.fail_numbers_with([fault]);
        let reply = std::thread::scope(|scope| {
            let purchase = scope.spawn(|| client.try_buy(CHICAGO));
            client.twilio.wait_for_held();
            assert_eq!((client.twilio.purchases().len(), purchase.is_finished()), (taken, false));
            client.twilio.release();
            purchase.join().unwrap()
        });
        assert_eq!((reply.map(|reply| reply.0), client.twilio.owned().len()), (status, taken), "{fault:?}");
    }
}
