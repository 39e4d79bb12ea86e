//! What Twilio posts about a call: two fields are needed, and whatever is wrong with the others costs only them.

use crate::support::Scene;
use chrono::{DateTime, Utc};
use nmc_core::calls::Call;
use nmc_core::telephony::{ForwardedCall, VoiceCallback};
use nmc_core::testing::{VoiceForm, unique_phone, unique_sid};
use nmc_core::workflows::record_voice_status;
use nmc_core::{CallDirection, CallStatus, CallerIdentity, Error, ForwardedLegStatus, PhoneNumber};
use proptest::prelude::*;

fn form() -> VoiceForm {
    VoiceForm::missed("+14155550123", &"+13125550100".parse().unwrap(), "CA1")
}

/// That a form is refused under this name, which is Twilio's.
fn refused(form: &VoiceForm, field: &str) {
    for parsed in [VoiceCallback::parse(&form.0), VoiceCallback::parse_incoming(&form.0)] {
        match parsed {
            Err(Error::Invalid { field: named, .. }) => assert_eq!(named, field),
            other => panic!("{field}: {other:?}"),
        }
    }
    assert!(matches!(VoiceCallback::parse_status(&form.0), Err(Error::Invalid { .. })));
}

#[test]
fn a_call_needs_its_sid_and_our_number() {
    for field in ["CallSid", "To"] {
        refused(&form().without(field), field);
        for value in ["", " ", "a\0b", "'", "Zoë"] {
            refused(&form().with(field, value), field);
        }
    }
    let long_sid = "A".repeat(101);
    for (field, value) in [
        ("CallSid", "CA 1"),
        ("CallSid", "CA1'; --"),
        ("CallSid", &long_sid),
        ("To", "anonymous"),
        ("To", "4155550123"),
        ("To", "sip:joe@example.com"),
    ] {
        refused(&form().with(field, value), field);
    }
    let outbound = form().with("Direction", "outbound-api");
    for from in ["", "client:desk", "4155550123"] {
        refused(&outbound.clone().with("From", from), "From");
    }
    assert_eq!(outbound.without("To").facts().other, CallerIdentity::Anonymous);
}

#[test]
fn no_other_field_is_needed() {
    let bare = VoiceForm(Vec::new()).with("CallSid", "CA1").with("To", "+13125550100");
    let facts = bare.facts();
    assert_eq!((facts.sid.as_str(), facts.direction), ("CA1", CallDirection::Inbound));
    assert_eq!((facts.other, facts.status), (CallerIdentity::Anonymous, CallStatus::Initiated));
}

#[test]
fn a_field_that_can_not_be_read_costs_itself_only() {
    let whole = form().with("CallStatus", "completed").with("CallDuration", "12").with("DialCallStatus", "busy").facts();
    assert_eq!((whole.status, whole.forwarded_leg), (CallStatus::Completed, Some(ForwardedLegStatus::Busy)));
    for word in ["done", "gone fishing", "", "12", "\0"] {
        let facts = form().with("CallStatus", word).with("DialCallStatus", word).with("DialBridged", word).facts();
        assert_eq!((facts.status, facts.forwarded_leg, facts.forwarded_leg_bridged), (CallStatus::Initiated, None, None));
    }
    let shouted = form().with("CallStatus", "COMPLETED").with("DialCallStatus", "No_Answer").with("DialBridged", "False").facts();
    assert_eq!((shouted.status, shouted.forwarded_leg), (CallStatus::Completed, Some(ForwardedLegStatus::NoAnswer)));
    assert_eq!(shouted.forwarded_leg_bridged, Some(false));
    assert_eq!(form().with("CallStatus", "queued").facts().status, CallStatus::Initiated);

    let lengths = [
        ("12", Some(12)),
        ("12.0", Some(12)),
        ("0", Some(0)),
        ("2147483647", Some(i32::MAX)),
        ("2147483648", None),
        ("99999999999999999999", None),
        ("-1", None),
        ("12.x", None),
        ("twelve", None),
        ("1\0", None),
    ];
    for (text, seconds) in lengths {
        let facts = form().with("CallDuration", text).with("RecordingDuration", text).facts();
        assert_eq!((facts.duration_seconds, facts.recording_duration_seconds), (seconds, seconds), "{text:?}");
    }

    let at: DateTime<Utc> = "2026-11-16T19:24:01Z".parse().unwrap();
    let times = [
        ("Mon, 16 Nov 2026 19:24:01 +0000", Some(at)),
        ("2026-11-16T19:24:01Z", None),
        ("2026-11-16T20:24:01.000+01:00", None),
        ("yesterday", None),
        ("1763320000", None),
        ("Mon, 16 Nov 2026 19:24:01 +0000\0", None),
    ];
    for (text, told) in times {
        assert_eq!(form().with("Timestamp", text).facts().at, told, "{text:?}");
    }

    let nul = ["CallerName", "FromCity", "ForwardedFrom", "AnsweredBy", "StirVerstat", "RecordingUrl", "ErrorCode", "Un\0heard"];
    let facts = nul.iter().fold(form(), |form, field| form.with(field, "Jo\0e")).facts();
    let texts = [facts.caller_name, facts.caller_city, facts.forwarded_from, facts.answered_by, facts.stir_verstat];
    assert_eq!((texts, facts.recording_url, facts.error_code), ([const { None }; 5], None, None));
}

#[test]
fn the_facts_of_a_forwarded_leg_are_read() {
    let told = form()
        .with("DialBridged", "true")
        .with("ErrorCode", "13224")
        .with("SipResponseCode", "200")
        .with("DialSipResponseCode", "486")
        .with("StirVerstat", "TN-Validation-Passed-A")
        .with("CalledVia", "+13125550199")
        .facts();
    assert_eq!((told.forwarded_leg_bridged, told.error_code, told.sip_response_code), (Some(true), Some(13_224), Some(486)));
    assert_eq!(told.stir_verstat.as_deref(), Some("TN-Validation-Passed-A"));
    assert_eq!(told.forwarded_from.as_deref(), Some("+13125550199"));
    let odd = form().with("ErrorCode", "0").with("SipResponseCode", "200").facts();
    assert_eq!((odd.error_code, odd.sip_response_code), (None, None), "success is no reason");
}

#[test]
fn a_leg_by_itself_is_nothing_to_record() {
    let leg = form().with("ParentCallSid", "CA2");
    assert!(matches!(VoiceCallback::parse(&leg.0), Err(Error::Invalid { field, .. }) if field == "ParentCallSid"));
    assert!(VoiceCallback::parse_status(&leg.0).unwrap().is_none());
    assert!(VoiceCallback::parse_incoming(&leg.0).is_ok(), "whoever rings here is answered");
    let detection = VoiceForm(Vec::new()).with("CallSid", "CA1").with("AnsweredBy", "machine_start");
    assert!(VoiceCallback::parse_status(&detection.0).unwrap().is_none());
    assert!(
        VoiceCallback::parse_status(&detection.clone().without("AnsweredBy").with("MachineDetectionDuration", "3").0)
            .unwrap()
            .is_none()
    );
    let attributed = VoiceCallback::parse_status(&detection.with("To", "+13125550100").0).unwrap().unwrap();
    assert_eq!(attributed.facts.answered_by.as_deref(), Some("machine_start"));
}

#[test]
fn what_machine_detection_hears_belongs_to_the_forwarded_call() {
    let call = ForwardedCall::of(&form().parse());
    assert!(!format!("{call:?}").contains("555"), "its parties are not for a log");
    let leg = VoiceForm(Vec::new()).with("CallSid", "CAleg").with("AccountSid", "AC1").with("MachineDetectionDuration", "3000");
    let parse = |form: &VoiceForm| VoiceCallback::parse_machine_detection(&form.0, &call);
    assert!(parse(&leg).unwrap().is_none());
    let heard = parse(&leg.clone().with("AnsweredBy", "machine_end_beep")).unwrap().unwrap();
    assert_eq!((heard.our_number.as_str(), heard.facts.sid.as_str()), ("+13125550100", "CA1"));
    assert_eq!((heard.facts.other.as_str(), heard.facts.status), ("+14155550123", CallStatus::Initiated));
    assert_eq!(heard.facts.answered_by.as_deref(), Some("machine_end_beep"));
    let taken = VoiceCallback::taken_by_a_person(&call).unwrap().facts;
    assert_eq!((taken.sid.as_str(), taken.status, taken.answered_by.as_deref()), ("CA1", CallStatus::InProgress, Some("human")));
    let strange = ForwardedCall { number: "nobody".to_owned(), ..call };
    let refused = VoiceCallback::parse_machine_detection(&leg.with("AnsweredBy", "human").0, &strange);
    assert!(matches!(refused, Err(Error::Invalid { field, .. }) if field == "To"));
}

fn recorded(scene: &Scene, form: &VoiceForm) -> Call {
    let recorded = record_voice_status(&scene.db.store, &form.parse()).unwrap();
    scene.tx(|tx| tx.calls().get(recorded.call)).unwrap()
}

/// Rule 18: what a call's end did not tell is added afterwards, and the status stays.
#[test]
fn late_facts_are_merged_after_the_end() {
    let scene = Scene::new();
    let ended = VoiceForm::missed("+14155550123", &scene.business.number, "CA1");
    let call = recorded(&scene, &ended);
    assert_eq!(call.ended_at, Some(scene.tick() - chrono::TimeDelta::seconds(1)), "when we heard of it");
    let late = ended
        .with("CallStatus", "completed")
        .with("Timestamp", "Mon, 16 Nov 2026 11:00:00 +0000")
        .with("CallDuration", "30")
        .with("RecordingUrl", "https://api.twilio.com/recording")
        .with("RecordingDuration", "20")
        .with("AnsweredBy", "unknown")
        .with("SipResponseCode", "487")
        .with("StirVerstat", "TN-Validation-Failed-C")
        .with("CallerName", "JOE");
    let call = recorded(&scene, &late);
    let at = |text: &str| text.parse::<DateTime<Utc>>().ok();
    assert_eq!((call.call_status, call.duration_seconds), (CallStatus::NoAnswer, Some(30)));
    assert_eq!((call.started_at, call.ended_at), (at("2026-11-16T10:59:30Z"), at("2026-11-16T11:00:00Z")), "when it was");
    assert_eq!((call.recording_url.is_some(), call.recording_duration_seconds), (true, Some(20)));
    assert_eq!((call.answered_by.as_deref(), call.caller_name.as_deref()), (Some("unknown"), Some("JOE")));
    assert_eq!(call.disconnect_reason.as_deref(), Some("the caller hung up first"));
    assert_eq!(call.stir_verstat.as_deref(), Some("TN-Validation-Failed-C"));
}

#[test]
fn a_reason_that_staff_wrote_stays() {
    let scene = Scene::new();
    let form = VoiceForm::missed("+14155550123", &scene.business.number, "CA1").with("SipResponseCode", "486");
    let call = recorded(&scene, &form);
    assert_eq!(call.disconnect_reason.as_deref(), Some("the line was busy"));
    let patch = nmc_core::calls::CallPatch {
        disconnect_reason: nmc_core::Patch::Set("he was on a roof".to_owned()),
        ..Default::default()
    };
    scene.tx(|tx| tx.calls().update(call.id, &patch)).unwrap();
    let call = recorded(&scene, &form.with("ErrorCode", "13224"));
    assert_eq!((call.disconnect_reason.as_deref(), call.error_code), (Some("he was on a roof"), Some(13_224)));
}

/// Fields of a voice callback, each with anything at all in it, or with what nearly is right.
fn odd_fields() -> impl Strategy<Value = Vec<(String, String)>> {
    let name = prop::sample::select(vec![
        "From",
        "CallStatus",
        "Direction",
        "DialCallStatus",
        "DialBridged",
        "CallDuration",
        "RecordingDuration",
        "RecordingUrl",
        "Timestamp",
        "AnsweredBy",
        "CallerName",
        "FromCity",
        "FromState",
        "FromCountry",
        "ForwardedFrom",
        "CalledVia",
        "ErrorCode",
        "SipResponseCode",
        "StirVerstat",
        "Body",
        "",
    ]);
    let value = prop_oneof![
        any::<String>(),
        "[-+0-9. ]{0,20}",
        "[+][0-9]{1,15}",
        "(tel|sip|sim|client):[+a-z0-9@.;=]{0,30}",
        "[\\x00-\\x7f]{0,300}",
        prop::sample::select(vec!["completed", "no-answer", "busy", "true", "false", "inbound", "13224", "machine_start", "487"])
            .prop_map(str::to_owned),
        prop::sample::select(vec!["2026-11-16T11:00:00Z", "Mon, 16 Nov 2026 11:00:00 +0000", "9999-12-31T23:59:59Z"])
            .prop_map(str::to_owned),
    ];
    prop::collection::vec((name.prop_map(str::to_owned), value), 0..16)
}

proptest! {
    #[test]
    fn any_form_with_sid_and_number_parses(fields in odd_fields()) {
        let mut form = VoiceForm(fields).with("CallSid", "CA1").with("To", "+13125550100");
        prop_assert!(VoiceCallback::parse_incoming(&form.clone().with("Direction", "inbound").0).is_ok());
        form = form.with("From", "+13125550100").with("Direction", "outbound-api");
        prop_assert!(VoiceCallback::parse(&form.0).is_ok());
    }
}

#[test]
fn any_form_with_sid_and_number_is_recorded() {
    let scene = Scene::new();
    let number = scene.business.number.clone();
    let mut runner = proptest::test_runner::TestRunner::new(ProptestConfig::with_cases(150));
    let outcome = runner.run(&(odd_fields(), odd_fields()), |(first, second)| {
        let sid = unique_sid("CA");
        let form = |fields: Vec<(String, String)>| {
            VoiceForm(fields).with("CallSid", &sid).with("To", number.as_str()).with("Direction", "inbound").parse()
        };
        let (first, second) = (form(first), form(second));
        let caller = first.facts.other.clone();
        for callback in [first, second] {
            record_voice_status(&scene.db.store, &callback).map_err(|error| TestCaseError::fail(error.causes()))?;
        }
        let call = scene.tx(|tx| tx.calls().find_by_sid(&sid)).map_err(|error| TestCaseError::fail(error.causes()))?;
        prop_assert_eq!(call.map(|call| call.caller_phone), Some(caller));
        Ok(())
    });
    outcome.unwrap();
}

#[test]
fn a_number_told_without_its_plus_is_texted_and_is_our_own() {
    let scene = Scene::new();
    let plain = |number: &PhoneNumber| number.as_str().trim_start_matches("+1").to_owned();
    // The numbers of the kit have no area code that there is.
    let ours: PhoneNumber = "+13125550100".parse().unwrap();
    for (index, number) in [ours.clone(), "+13125550101".parse().unwrap()].into_iter().enumerate() {
        let new = nmc_core::numbers::NewPhoneNumber {
            phone_number: number,
            twilio_phone_sid: Some(format!("PN{index:032}")),
            locality: None,
            region: None,
            number_type: nmc_core::NumberType::Local,
            price: None,
        };
        scene.tx(|tx| tx.phone_numbers().create(&new)).unwrap();
    }
    let record =
        |from: &str| record_voice_status(&scene.db.store, &VoiceForm::missed(from, &ours, &unique_sid("CA")).parse()).unwrap();
    assert!(record("4155550204").greeting.is_some());
    assert_eq!(record("14155550204").conversation, record("+14155550204").conversation);
    assert_eq!(record("3125550101").outcome, Some(nmc_core::CallOutcome::Blocked));
    assert_eq!(plain(&unique_phone()).len(), 10);
}
