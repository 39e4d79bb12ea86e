//! A call that comes in: to the business's own phone first, and a text only when nobody takes it there.

use crate::site::{ACCEPTED, ANSWER, MACHINE, NUMBER_STATUS, SCREEN, SMS, Site, VOICE};
use nmc_core::PhoneNumber;
use nmc_core::testing::{VoiceForm, unique_phone, unique_sid};
use serde_json::json;

const BUSY: &str = "<?xml version=\"1.0\" encoding=\"UTF-8\"?><Response><Reject reason=\"busy\"/></Response>";

fn ringing(from: &str, to: &PhoneNumber) -> VoiceForm {
    VoiceForm::missed(from, to, &unique_sid("CA")).with("CallStatus", "ringing")
}

/// What Twilio is told to do with a call of this caller to this number.
fn answer(site: &Site, from: &str, to: &PhoneNumber) -> String {
    let answer = site.post(ANSWER, &ringing(from, to).0).expect(200);
    assert_eq!(answer.header("Content-Type"), Some("text/xml; charset=utf-8"));
    answer.body
}

fn set_phone(site: &Site, phone: Option<&PhoneNumber>) {
    let owner = site.owner();
    site.call("PATCH", "/v1/tenant").by(&owner.access).json(&json!({ "business_phone": phone })).expect(200);
}

#[test]
fn call_to_a_bought_number_rings_and_when_missed_is_texted() {
    let site = Site::new();
    let owner = site.owner();
    let bought: PhoneNumber = "+13125550100".parse().unwrap();
    site.call("POST", "/v1/numbers").by(&owner.access).json(&json!({ "phone_number": bought })).expect(201);
    let [at_twilio] = &site.twilio.owned()[..] else { panic!("one number") };
    for (url, path) in [(&at_twilio.voice_url, ANSWER), (&at_twilio.status_callback, VOICE), (&at_twilio.sms_url, SMS)] {
        assert_eq!(*url, format!("{}{path}#rc=3&rp=ct,rt,5xx", site.public_url));
    }
    let (caller, phone) = (unique_phone(), unique_phone());
    set_phone(&site, Some(&phone));

    let call = ringing(caller.as_str(), &bought);
    let before = site.rows();
    for _ in 0..2 {
        let answer = site.post(ANSWER, &call.0).expect(200);
        assert_eq!(
            answer.body,
            format!(
                "<?xml version=\"1.0\" encoding=\"UTF-8\"?><Response><Dial timeout=\"20\" answerOnBridge=\"true\" \
                 action=\"https://nmc.example.com/webhooks/twilio/voice/status\"><Number \
                 url=\"https://nmc.example.com/webhooks/twilio/voice/screen?call={}&amp;number=%2B13125550100&amp;from=%2B{}\">{phone}\
                 </Number></Dial></Response>",
                sid_of(&call),
                &caller.as_str()[1..],
            )
        );
    }
    assert_eq!(site.rows(), before, "what becomes of it is told later");

    // Nobody takes it: that is told to the action URL, and then once more at the call's end.
    site.post(VOICE, &call.clone().with("CallStatus", "in-progress").with("DialCallStatus", "no-answer").0).expect(200);
    site.post(VOICE, &call.with("CallStatus", "completed").0).expect(200);
    assert_eq!(site.counts(), [1, 1, 1]);
    assert_eq!(site.db.query::<String>("SELECT from_number FROM messages"), [bought.to_string()]);
}

#[test]
fn call_without_a_phone_or_in_a_circle_is_not_forwarded() {
    let site = Site::new();
    let caller = unique_phone();
    let ask = || answer(&site, caller.as_str(), &site.joe.number);
    assert_eq!(ask(), BUSY, "no phone is known");

    let phone = unique_phone();
    set_phone(&site, Some(&phone));
    assert!(ask().contains(phone.as_str()));
    assert_eq!(answer(&site, caller.as_str(), &site.rival.number), BUSY, "each business has its own phone");
    for withheld in ["", "anonymous", "+266696687"] {
        assert!(answer(&site, withheld, &site.joe.number).contains(phone.as_str()), "{withheld:?}");
    }
    assert_eq!(answer(&site, phone.as_str(), &site.joe.number), BUSY, "the business itself calls");

    site.joe.suspend(&site.db, true);
    assert_eq!(ask(), BUSY, "the business is suspended");
    site.joe.suspend(&site.db, false);

    let another = site.joe.add_number(&site.db.store);
    for own in [&site.joe.number, &another] {
        set_phone(&site, Some(own));
        assert_eq!(ask(), BUSY, "its phone is a number of its own");
    }
    set_phone(&site, None);
    assert_eq!(ask(), BUSY);
}

#[test]
fn what_the_public_url_holds_is_written_as_xml_wants_it() {
    let site = Site::with(|_, config| config.public_url = Some("https://example.com/a&b/".to_owned()));
    set_phone(&site, Some(&unique_phone()));
    let twiml = answer(&site, unique_phone().as_str(), &site.joe.number);
    assert!(twiml.contains("action=\"https://example.com/a&amp;b/webhooks/twilio/voice/status\""), "{twiml}");
}

/// The owner's voicemail takes the leg, hears the question, and presses no key.
#[test]
fn who_takes_a_forwarded_call_is_asked_to_press_a_key() {
    let site = Site::new();
    set_phone(&site, Some(&unique_phone()));
    let call = ringing(unique_phone().as_str(), &site.joe.number);
    let twiml = site.post(ANSWER, &call.0).expect(200).body;
    let (_, rest) = twiml.split_once("<Number url=\"https://nmc.example.com").unwrap();
    let path = rest.split_once('"').unwrap().0.replace("&amp;", "&");
    assert!(path.starts_with(&format!("{SCREEN}?call=CA")), "{path}");
    let leg = call.clone().with("CallSid", &unique_sid("CA")).with("ParentCallSid", "CA1").with("CallStatus", "in-progress");
    let before = site.rows();
    assert_eq!(
        site.post(&path, &leg.0).expect(200).body,
        format!(
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?><Response><Gather numDigits=\"1\" finishOnKey=\"\" timeout=\"10\" \
             action=\"https://nmc.example.com{}\"><Say loop=\"2\">A call for your business. To take \
             it, press any key.</Say></Gather><Hangup/></Response>",
            path.replace(SCREEN, ACCEPTED).replace('&', "&amp;")
        )
    );
    assert_eq!(site.rows(), before);

    let unbridged =
        call.clone().with("CallStatus", "in-progress").with("DialCallStatus", "completed").with("DialBridged", "false");
    site.post(VOICE, &unbridged.0).expect(200);
    site.post(VOICE, &call.with("CallStatus", "completed").with("CallDuration", "31").0).expect(200);
    assert_eq!(site.db.query::<String>("SELECT outcome FROM calls"), ["voicemail"]);
    assert_eq!(site.counts(), [1, 1, 1], "and its caller is texted");
}

/// Twilio's list does not tell whether a leg was connected: that somebody pressed a key is noted, and never costs the call.
#[test]
fn who_presses_a_key_is_noted_and_connected() {
    const CONNECTED: &str = "<?xml version=\"1.0\" encoding=\"UTF-8\"?><Response/>";
    let site = Site::new();
    set_phone(&site, Some(&unique_phone()));
    let call = ringing(unique_phone().as_str(), &site.joe.number);
    let query = site.post(ANSWER, &call.0).expect(200).body;
    let query = query.split_once("screen?").unwrap().1.split_once('"').unwrap().0.replace("&amp;", "&");
    let leg = call.clone().with("CallSid", &unique_sid("CA")).with("ParentCallSid", "CA1").with("Digits", "#");
    assert_eq!(site.post(&format!("{ACCEPTED}?{query}"), &leg.0).expect(200).body, CONNECTED);
    assert_eq!(site.db.query::<String>("SELECT call_status || ' ' || answered_by FROM calls"), ["in-progress human"]);
    for unknown in
        ["", "?call=CA1", "?call=x&number=y&from=z", "?call=CA00000000000000000000000000000000&number=%2B15005550006&from="]
    {
        assert_eq!(site.post(&format!("{ACCEPTED}{unknown}"), &leg.0).expect(200).body, CONNECTED, "{unknown}");
    }
    let ended = call.with("CallStatus", "completed").with("DialCallStatus", "completed").with("DialBridged", "true");
    site.post(VOICE, &ended.0).expect(200);
    assert_eq!(site.db.query::<String>("SELECT outcome FROM calls"), ["answered"]);
}

fn sid_of(call: &VoiceForm) -> &str {
    call.0.iter().find(|(name, _)| name == "CallSid").map_or("", |(_, sid)| sid)
}

/// What machine detection hears is told to a URL of the call that was forwarded, in any order with the rest.
#[test]
fn a_machine_that_is_heard_on_the_leg_is_told_of_its_call() {
    for machine_first in [true, false] {
        let site = Site::new();
        set_phone(&site, Some(&unique_phone()));
        site.db.execute("UPDATE business_settings SET call_screening = 'machine_detection'");
        let call = ringing(unique_phone().as_str(), &site.joe.number);
        let twiml = site.post(ANSWER, &call.0).expect(200).body;
        assert!(twiml.contains("<Number machineDetection=\"Enable\" amdStatusCallback=\""), "{twiml}");
        let (_, rest) = twiml.split_once("amdStatusCallback=\"https://nmc.example.com").unwrap();
        let path = rest.split_once('"').unwrap().0.replace("&amp;", "&");
        assert!(path.starts_with(&format!("{MACHINE}?call=CA")), "{path}");
        let heard: Vec<_> = [("CallSid", &*unique_sid("CA")), ("AccountSid", "AC1"), ("AnsweredBy", "machine_start")]
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .into();
        let ended = call.clone().with("CallStatus", "completed").with("DialCallStatus", "completed").with("DialBridged", "true");
        if machine_first {
            site.post(&path, &heard).expect(200);
        }
        site.post(VOICE, &ended.0).expect(200);
        site.post(&path, &heard).expect(200);
        assert_eq!(site.counts(), [1, 1, 1], "one call, one text");
        assert_eq!(site.db.query::<String>("SELECT outcome FROM calls"), ["voicemail"]);
        assert_eq!(site.db.query::<String>("SELECT answered_by FROM calls"), ["machine_start"]);

        // The URL is under the signature, too, and has to be ours.
        let before = site.rows();
        let signature = crate::site::sign(crate::site::TOKEN, &format!("{}{path}", site.public_url), &heard);
        let another = path.replace("call=CA", "call=CB");
        site.post(&another, &heard).signature(signature).expect(403);
        site.post(MACHINE, &heard).expect(400);
        site.post(&format!("{MACHINE}?call=C%27A&number=%2B13125550100&from="), &heard).expect(400);
        site.post(&path, &heard[..2]).expect(200);
        assert_eq!(site.rows(), before);
    }
}

#[test]
fn a_business_may_leave_its_calls_unscreened() {
    let site = Site::new();
    let phone = unique_phone();
    set_phone(&site, Some(&phone));
    site.db.execute("UPDATE business_settings SET call_screening = 'none'");
    let twiml = answer(&site, unique_phone().as_str(), &site.joe.number);
    assert!(twiml.ends_with(&format!("status\">{phone}</Dial></Response>")), "{twiml}");
}

/// Its phone forwards what it does not take to the number here: a call that comes back is not sent round again.
#[test]
fn a_call_that_the_phone_forwarded_is_not_sent_back() {
    let site = Site::new();
    let phone = unique_phone();
    set_phone(&site, Some(&phone));
    let call = ringing(unique_phone().as_str(), &site.joe.number).with("ForwardedFrom", phone.as_str().trim_start_matches('+'));
    assert_eq!(site.post(ANSWER, &call.0).expect(200).body, BUSY);
    site.post(VOICE, &call.with("CallStatus", "busy").0).expect(200);
    assert_eq!(site.db.query::<String>("SELECT outcome FROM calls"), ["missed"]);
    assert_eq!(site.counts(), [1, 1, 1]);
}

#[test]
fn report_of_a_number_is_checked_with_the_provider() {
    let site = Site::new();
    let held = site.held(&site.joe);
    let due = || site.db.query::<i64>("SELECT count(*) FROM phone_numbers WHERE next_attempt_at IS NOT NULL")[0];
    let sid = held.twilio_phone_sid.as_deref().unwrap();
    for (name, value) in [("PhoneNumberSid", sid), ("IncomingPhoneNumberSid", sid), ("PhoneNumber", held.phone_number.as_str())] {
        let form = [(name.to_owned(), value.to_owned()), ("Status".to_owned(), "released".to_owned())];
        let answer = site.post(NUMBER_STATUS, &form).expect(200);
        assert_eq!(answer.body, "<?xml version=\"1.0\" encoding=\"UTF-8\"?><Response/>");
        assert_eq!(due(), 1, "{name}");
        site.numbers.pass().unwrap();
        assert_eq!(due(), 0);
        assert_eq!(site.db.query::<i64>("SELECT count(*) FROM phone_numbers WHERE status = 'active'"), [3]);
    }
    site.twilio.lose(sid);
    site.post(NUMBER_STATUS, &[("PhoneNumberSid".to_owned(), sid.to_owned())]).expect(200);
    site.numbers.pass().unwrap();
    assert_eq!(site.db.query::<i64>("SELECT count(*) FROM phone_numbers WHERE status = 'error'"), [1]);
}
