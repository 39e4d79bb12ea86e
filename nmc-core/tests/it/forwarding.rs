//! Where a call goes first: to the business's own phone, proven to be taken by a person, and never in a circle.

use crate::support::Scene;
use nmc_core::conversations::ConversationEventFilter;
use nmc_core::tenants::TenantPatch;
use nmc_core::testing::{VoiceForm, statements_sent, unique_phone, unique_sid};
use nmc_core::workflows::{Forwarding, Recorded, forward_to, record_voice_status};
use nmc_core::{CallOutcome, CallScreening, ConversationEventType, PageRequest, Patch, PhoneNumber};
use serde_json::json;

impl Scene {
    /// Says which phone the business had before.
    fn has_phone(&self, phone: &PhoneNumber) {
        let patch = TenantPatch { business_phone: Patch::Set(phone.clone()), ..TenantPatch::default() };
        self.tx(|tx| tx.tenants().update(&patch)).unwrap();
    }

    fn ringing(&self, caller: &str) -> VoiceForm {
        VoiceForm::missed(caller, &self.business.number, &unique_sid("CA")).with("CallStatus", "ringing")
    }

    fn forwarding(&self, form: &VoiceForm) -> Option<Forwarding> {
        forward_to(&self.db.store, &form.parse()).unwrap()
    }

    fn heard(&self, form: &VoiceForm) -> Recorded {
        record_voice_status(&self.db.store, &form.parse()).unwrap()
    }
}

#[test]
fn a_call_is_forwarded_with_the_screening_of_the_business() {
    let scene = Scene::new();
    let (phone, call) = (unique_phone(), scene.ringing("+14155550123"));
    assert_eq!(scene.forwarding(&call), None, "no phone is known");
    scene.has_phone(&phone);
    let to = |screening| Some(Forwarding { phone: phone.clone(), screening });
    assert_eq!(scene.forwarding(&call), to(CallScreening::KeyPress));
    for screening in CallScreening::ALL {
        scene.db.execute(&format!("UPDATE business_settings SET call_screening = '{screening}'"));
        assert_eq!(scene.forwarding(&call), to(*screening));
    }
    scene.db.execute("DELETE FROM business_settings");
    assert_eq!(scene.forwarding(&call), to(CallScreening::KeyPress), "the default, without a row");
    scene.business.suspend(&scene.db, true);
    assert_eq!(scene.forwarding(&call), None);
}

#[test]
fn asking_where_a_call_goes_costs_six_round_trips() {
    let scene = Scene::new();
    scene.has_phone(&unique_phone());
    let callback = scene.ringing("+14155550123").parse();
    let before = statements_sent();
    forward_to(&scene.db.store, &callback).unwrap();
    // BEGIN and role; whose number; phone and screening; whether it is one of ours; tenant; COMMIT.
    assert_eq!(statements_sent() - before, 6);
}

#[test]
fn a_call_is_not_sent_back_to_the_phone_it_comes_from() {
    let scene = Scene::new();
    let phone: PhoneNumber = "+525512345678".parse().unwrap();
    scene.has_phone(&phone);
    let call = scene.ringing("+14155550123");
    for (field, from) in [
        ("ForwardedFrom", "+525512345678"),
        ("ForwardedFrom", "+5215512345678"),
        ("ForwardedFrom", "525512345678"),
        ("ForwardedFrom", "sip:+525512345678@carrier.example"),
        ("CalledVia", "5512345678"),
        ("From", "+5215512345678"),
    ] {
        assert_eq!(scene.forwarding(&call.clone().with(field, from)), None, "{field} {from}");
    }
    for (field, from) in [("ForwardedFrom", "+525512345679"), ("ForwardedFrom", "anonymous"), ("CalledVia", "5678")] {
        assert!(scene.forwarding(&call.clone().with(field, from)).is_some(), "{field} {from}");
    }
    // Refused as busy, it is a missed call like any other at its end.
    let ended = scene.heard(&call.with("ForwardedFrom", "525512345678").with("CallStatus", "busy"));
    assert_eq!((ended.outcome, ended.greeting.is_some()), (Some(CallOutcome::Missed), true));
}

#[test]
fn a_voicemail_of_the_business_is_answered_by_a_text() {
    let scene = Scene::new();
    for (field, value) in [("DialBridged", "false"), ("AnsweredBy", "machine_start"), ("AnsweredBy", "fax")] {
        let call = scene.ringing(unique_phone().as_str()).with("DialCallStatus", "completed").with("DialBridged", "true");
        scene.heard(&call.clone().with("CallStatus", "in-progress").with(field, value));
        let ended = scene.heard(&call.without("DialCallStatus").without("DialBridged").with("CallStatus", "completed"));
        assert_eq!((ended.outcome, ended.greeting.is_some()), (Some(CallOutcome::Voicemail), true), "{field} {value}");
    }
}

#[test]
fn a_phone_that_can_not_be_called_is_told_once() {
    let scene = Scene::new();
    for (code, told) in [("13223", 1), ("13224", 1), ("13225", 1), ("13227", 1), ("31005", 0), ("", 0)] {
        let call = scene.ringing(unique_phone().as_str()).with("DialCallStatus", "failed").with("ErrorCode", code);
        let first = scene.heard(&call.clone().with("CallStatus", "in-progress"));
        scene.heard(&call.clone().with("CallStatus", "in-progress"));
        let ended = scene.heard(&call.with("CallStatus", "completed"));
        assert_eq!((ended.outcome, ended.greeting.is_some()), (Some(CallOutcome::Missed), true), "{code}");
        let filter = ConversationEventFilter::of(first.conversation.unwrap());
        let log = scene.tx(|tx| tx.conversation_events().list(&filter, PageRequest::first())).unwrap().items;
        let failures: Vec<_> = log.iter().filter(|event| event.event_type == ConversationEventType::ForwardingFailed).collect();
        assert_eq!(failures.len(), told, "{code}");
        let row = scene.tx(|tx| tx.calls().get(first.call)).unwrap();
        assert_eq!(row.error_code, code.parse().ok());
        assert_eq!(row.disconnect_reason.is_some(), !code.is_empty());
        if code == "13224" {
            let reason = "the business's phone number is not valid; correct the business's phone (Twilio 13224)";
            assert_eq!(failures[0].event_data, json!({"error_code": 13224, "reason": reason}));
            assert_eq!(row.disconnect_reason.as_deref(), Some("the business's phone number is not valid"));
        }
    }
    // One who can't be told apart has no conversation to tell it in: the row and the log have it.
    let nobody = scene.heard(&scene.ringing("anonymous").with("ErrorCode", "13224"));
    assert_eq!(nobody.conversation, None);
}

#[test]
fn a_wrong_phone_costs_no_round_trip() {
    let scene = Scene::new();
    let cost = |code: &str| {
        let callback = scene.ringing(unique_phone().as_str()).with("CallStatus", "busy").with("ErrorCode", code).parse();
        let before = statements_sent();
        record_voice_status(&scene.db.store, &callback).unwrap();
        statements_sent() - before
    };
    assert_eq!(cost("13224"), cost(""));
}
