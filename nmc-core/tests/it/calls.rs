//! A call's record: put right by hand, moved, imported; and the facts that have no column.

use crate::support::{Scene, all_pages, at_once, dec, refused};
use chrono::{DateTime, TimeDelta, Utc};
use nmc_core::calls::{
    Call, CallFilter, CallMetadata, CallMetadataFilter, CallParticipantFilter, CallPatch, MetadataValue, NewCall,
    NewCallParticipant,
};
use nmc_core::conversations::{ConversationEventFilter, ConversationFilter, NewConversation};
use nmc_core::testing::{VoiceForm, noon, unique_phone, unique_sid};
use nmc_core::workflows::{Joining, record_voice_status};
use nmc_core::{
    CallDirection, CallId, CallOutcome, CallStatus, CallType, CallerIdentity, Clock as _, ConversationChannel,
    ConversationEventType, ConversationId, Error, MetadataType, PageRequest, ParticipantType, Patch,
};
use proptest::prelude::*;
use serde_json::json;
use std::sync::Barrier;

impl Scene {
    fn begun(&self) -> NewCall {
        let [caller, called] = [unique_phone(), self.business.number.clone()].map(CallerIdentity::Phone);
        NewCall::begun(CallDirection::Inbound, caller, called, unique_sid("CA"))
    }

    fn call(&self) -> Call {
        let new = NewCall { conversation_id: Some(self.open_conversation()), ..self.begun() };
        self.tx(|tx| tx.calls().create(&new)).unwrap()
    }

    fn open_conversation(&self) -> ConversationId {
        self.business.conversation_with(&self.db.store, &unique_phone())
    }

    fn events(&self, call: &Call) -> Vec<(ConversationEventType, serde_json::Value)> {
        let log = self
            .tx(|tx| {
                tx.conversation_events().list(&ConversationEventFilter::of(call.conversation_id.unwrap()), PageRequest::first())
            })
            .unwrap();
        let mine = log.items.into_iter().rev().filter(|event| event.call_id == Some(call.id));
        mine.map(|event| (event.event_type, event.event_data)).collect()
    }
}

#[test]
fn a_patch_changes_what_it_names_and_nothing_else() {
    let scene = Scene::new();
    let mut call = scene.call();
    let none = CallPatch::default;
    let text = |text: &str| Patch::Set(text.to_owned());
    type Change = fn(&mut Call);
    let cases: Vec<(CallPatch, Change)> = vec![
        (none(), |_| {}),
        (CallPatch { caller_name: text(" Ann "), ..none() }, |call| call.caller_name = Some("Ann".to_owned())),
        (CallPatch { caller_city: text("Austin"), ..none() }, |call| call.caller_city = Some("Austin".to_owned())),
        (CallPatch { caller_state: text("TX"), ..none() }, |call| call.caller_state = Some("TX".to_owned())),
        (CallPatch { caller_country: text("MEX"), ..none() }, |call| call.caller_country = Some("MEX".to_owned())),
        (CallPatch { recording_url: text("https://example.com/r"), ..none() }, |call| {
            call.recording_url = Some("https://example.com/r".to_owned());
        }),
        (CallPatch { recording_duration_seconds: Patch::Set(7), ..none() }, |call| call.recording_duration_seconds = Some(7)),
        (CallPatch { disconnect_reason: text("hung up"), ..none() }, |call| call.disconnect_reason = Some("hung up".to_owned())),
        (CallPatch { price: Patch::Set(dec!(0.0085)), ..none() }, |call| call.price = Some(dec!(0.0085))),
        (CallPatch { price_unit: Some("EUR".to_owned()), ..none() }, |call| call.price_unit = "EUR".to_owned()),
        (CallPatch { caller_name: Patch::Clear, ..none() }, |call| call.caller_name = None),
        (CallPatch { price: Patch::Clear, ..none() }, |call| call.price = None),
    ];
    for (patch, change) in cases {
        change(&mut call);
        call.updated_at = scene.tick();
        assert_eq!(scene.tx(|tx| tx.calls().update(call.id, &patch)).unwrap(), call, "{patch:?}");
    }
    for (bad, field, rule) in [
        (CallPatch { caller_country: text("USA!"), ..none() }, "caller_country", "must be at most 3 characters"),
        (CallPatch { price: Patch::Set(dec!(-0.01)), ..none() }, "price", "must be at least 0"),
        (CallPatch { price: Patch::Set(dec!(0.00001)), ..none() }, "price", "must have at most 4 decimals"),
        (CallPatch { price: Patch::Set(dec!(1_000_000)), ..none() }, "price", "must be between -1000000 and 1000000"),
        (CallPatch { recording_duration_seconds: Patch::Set(-1), ..none() }, "recording_duration_seconds", "must be at least 0"),
    ] {
        assert_eq!(refused(scene.tx(|tx| tx.calls().update(call.id, &bad))), (field.to_owned(), rule.to_owned()));
    }
    assert_eq!(scene.tx(|tx| tx.calls().get(call.id)).unwrap(), call, "and a refusal changes nothing");
}

#[test]
fn status_moves_forward_and_its_end_is_noted_in_conversation() {
    let scene = Scene::new();
    let call = scene.call();
    scene.tick();
    assert_eq!(scene.tx(|tx| tx.calls().set_status(call.id, CallStatus::Ringing)).unwrap().ended_at, None);
    let at = scene.tick();
    let ended = scene.tx(|tx| tx.calls().set_status(call.id, CallStatus::NoAnswer)).unwrap();
    assert_eq!((ended.call_status, ended.ended_at), (CallStatus::NoAnswer, Some(at)));
    assert_eq!(scene.events(&call), [(ConversationEventType::CallEnded, json!({"status": "no-answer", "outcome": null}))]);
    for to in CallStatus::ALL {
        let refused = scene.tx(|tx| tx.calls().set_status(call.id, *to));
        assert!(matches!(refused, Err(Error::InvalidTransition { entity: "call", from: "no-answer", .. })), "{refused:?}");
    }
    assert_eq!(scene.tx(|tx| tx.calls().get(call.id)).unwrap(), ended, "a terminal state stays");
    assert_eq!(scene.events(&call).len(), 1);
    // An end is not before a beginning that lies ahead.
    let ahead = NewCall { started_at: Some(noon() + TimeDelta::hours(1)), ..scene.begun() };
    let ahead = scene.tx(|tx| tx.calls().create(&ahead)).unwrap();
    assert_eq!(scene.tx(|tx| tx.calls().set_status(ahead.id, CallStatus::Failed)).unwrap().ended_at, ahead.started_at);
}

#[test]
fn of_two_ends_at_once_one_wins_and_is_noted_once() {
    let scene = Scene::new();
    for _ in 0..20 {
        let call = scene.call();
        let barrier = Barrier::new(2);
        let end = |to| {
            barrier.wait();
            scene.tx(|tx| tx.calls().set_status(call.id, to))
        };
        let (one, other) = std::thread::scope(|threads| {
            let one = threads.spawn(|| end(CallStatus::Completed));
            (end(CallStatus::Busy), one.join().unwrap())
        });
        let won: Vec<Call> = [&one, &other].into_iter().filter_map(|end| end.as_ref().ok().cloned()).collect();
        assert_eq!(won.len(), 1, "{one:?} {other:?}");
        assert_eq!(scene.tx(|tx| tx.calls().get(call.id)).unwrap(), won[0]);
        assert_eq!(scene.events(&call).len(), 1);
    }
}

#[test]
fn staff_may_put_an_outcome_right_once_the_call_has_ended() {
    let scene = Scene::new();
    let call = scene.call();
    let early = scene.tx(|tx| tx.calls().set_outcome(call.id, CallOutcome::Blocked));
    assert_eq!(refused(early), ("outcome".to_owned(), "may only be given once the call has ended".to_owned()));
    scene.tx(|tx| tx.calls().set_status(call.id, CallStatus::Completed)).unwrap();
    for (from, to) in [(None, CallOutcome::Missed), (Some(CallOutcome::Missed), CallOutcome::Blocked)] {
        let moved = scene.tx(|tx| tx.calls().set_outcome(call.id, to)).unwrap();
        assert_eq!(moved.outcome, Some(to));
        let last = scene.events(&call).pop().unwrap();
        assert_eq!(last, (ConversationEventType::OutcomeChanged, json!({"old": from, "new": to})));
    }
    let events = scene.events(&call).len();
    scene.tx(|tx| tx.calls().set_outcome(call.id, CallOutcome::Blocked)).unwrap();
    assert_eq!(scene.events(&call).len(), events, "the same again is nothing new");
    assert_eq!(scene.tx(|tx| tx.messages().count(&Default::default())).unwrap(), 0, "and nobody is texted");
}

#[test]
fn outcome_given_by_hand_stays_whatever_the_provider_says() {
    let scene = Scene::new();
    let form = VoiceForm::missed(unique_phone().as_str(), &scene.business.number, &unique_sid("CA"));
    let recorded = record_voice_status(&scene.db.store, &form.parse()).unwrap();
    scene.tx_as(scene.staff, |tx| tx.calls().set_outcome(recorded.call, CallOutcome::Blocked)).unwrap();
    let before = scene.tx(|tx| tx.messages().count(&Default::default())).unwrap();
    for late in [form.clone(), form.clone().with("RecordingDuration", "7"), form.with("DialCallStatus", "no-answer")] {
        let again = record_voice_status(&scene.db.store, &late.parse()).unwrap();
        assert_eq!((again.outcome, again.greeting), (Some(CallOutcome::Blocked), None));
    }
    assert_eq!(scene.tx(|tx| tx.messages().count(&Default::default())).unwrap(), before);
    // Where nobody said anything, a late fact still refines what the call was.
    let form = VoiceForm::missed(unique_phone().as_str(), &scene.business.number, &unique_sid("CA"));
    record_voice_status(&scene.db.store, &form.parse()).unwrap();
    let taken = form.with("DialCallStatus", "completed").parse();
    assert_eq!(record_voice_status(&scene.db.store, &taken).unwrap().outcome, Some(CallOutcome::Answered));
}

#[test]
fn no_length_of_a_call_breaks_the_sums_of_its_conversation() {
    let scene = Scene::new();
    let caller = unique_phone();
    for _ in 0..3 {
        let form = VoiceForm::missed(caller.as_str(), &scene.business.number, &unique_sid("CA"));
        let long = form.with("CallStatus", "completed").with("CallDuration", "2147483647").parse();
        let call = record_voice_status(&scene.db.store, &long).unwrap().call;
        assert_eq!(scene.tx(|tx| tx.calls().get(call)).unwrap().duration_seconds, Some(86_400));
    }
}

#[test]
fn parties_are_filtered() {
    let scene = Scene::new();
    let calls = [scene.call(), scene.call()];
    let join = |call: &Call, participant_type| {
        scene.tick();
        let new = NewCallParticipant { call_id: call.id, phone_number: call.caller_phone.clone(), participant_type };
        scene.tx(|tx| tx.call_participants().create(&new)).unwrap().id
    };
    let made = [
        join(&calls[0], ParticipantType::Caller),
        join(&calls[0], ParticipantType::Agent),
        join(&calls[1], ParticipantType::Caller),
    ];
    scene.tx(|tx| tx.call_participants().leave(made[0])).unwrap();
    let all = CallParticipantFilter::default;
    for (filter, expected) in [
        (all(), vec![2, 1, 0]),
        (CallParticipantFilter { call: Some(calls[0].id), ..all() }, vec![1, 0]),
        (CallParticipantFilter { phone_number: Some(calls[1].caller_phone.clone()), ..all() }, vec![2]),
        (CallParticipantFilter { participant_type: Some(ParticipantType::Agent), ..all() }, vec![1]),
        (CallParticipantFilter { present: Some(true), ..all() }, vec![2, 1]),
        (CallParticipantFilter { present: Some(false), ..all() }, vec![0]),
    ] {
        let listed: Vec<_> =
            all_pages(1, |page| scene.tx(|tx| tx.call_participants().list(&filter, page))).iter().map(|row| row.id).collect();
        assert_eq!(listed, expected.iter().map(|n| made[*n]).collect::<Vec<_>>(), "{filter:?}");
        assert_eq!(scene.tx(|tx| tx.call_participants().count(&filter)).unwrap(), i64::try_from(expected.len()).unwrap());
    }
}

#[test]
fn an_import_is_checked_and_told_apart_by_sid() {
    let scene = Scene::new();
    let good = scene.begun();
    let far = "2099-01-01T00:00:00Z".parse().unwrap();
    for (bad, field, rule) in [
        (NewCall { twilio_call_sid: None, ..scene.begun() }, "twilio_call_sid", "is required: it tells imported calls apart"),
        (
            NewCall { twilio_call_sid: Some("x".repeat(101)), ..scene.begun() },
            "twilio_call_sid",
            "must be at most 100 characters",
        ),
        (NewCall { caller_name: Some("x".repeat(256)), ..scene.begun() }, "caller_name", "must be at most 255 characters"),
        (
            NewCall { started_at: Some(DateTime::<Utc>::MIN_UTC), ..scene.begun() },
            "started_at",
            "must lie between the years 1970 and 9999",
        ),
        (NewCall { started_at: Some(far), ..scene.begun() }, "started_at", "must be at most a day in the future"),
        (
            NewCall { started_at: Some(noon()), ended_at: Some(far), ..scene.begun() },
            "ended_at",
            "must be at most a day in the future",
        ),
    ] {
        let many = [good.clone(), bad];
        assert_eq!(refused(scene.tx(|tx| tx.calls().import(&many))), (format!("rows[1].{field}"), rule.to_owned()));
    }
    for (bad, field) in [
        (NewCall { duration_seconds: Some(-1), ..scene.begun() }, "duration_seconds"),
        (NewCall { recording_duration_seconds: Some(-1), ..scene.begun() }, "recording_duration_seconds"),
        (NewCall { ended_at: Some(noon()), started_at: Some(noon() + TimeDelta::seconds(1)), ..scene.begun() }, "ended_at"),
        (NewCall { outcome: Some(CallOutcome::Missed), ..scene.begun() }, "outcome"),
        (NewCall { price: Some(dec!(-1)), ..scene.begun() }, "price"),
        (NewCall { called_phone: CallerIdentity::Name("not a name at all".to_owned()), ..scene.begun() }, "called_phone"),
        (NewCall { caller_phone: CallerIdentity::Sip("x".repeat(300)), ..scene.begun() }, "caller_phone"),
    ] {
        assert_eq!(refused(scene.tx(|tx| tx.calls().create(&bad))).0, field);
        let many = [good.clone(), bad];
        assert_eq!(refused(scene.tx(|tx| tx.calls().import(&many))).0, format!("rows[1].{field}"));
    }
    let backwards = NewCall { started_at: Some(noon()), ended_at: Some(noon() - TimeDelta::seconds(1)), ..scene.begun() };
    let refusal = refused(scene.tx(|tx| tx.calls().create(&backwards)));
    assert_eq!(refusal, ("ended_at".to_owned(), "must not be before started_at".to_owned()));
    assert_eq!(scene.tx(|tx| tx.calls().count(&CallFilter::default())).unwrap(), 0, "nothing half-written");
    let twice = [good.clone(), NewCall { caller_name: Some("another".to_owned()), ..good.clone() }];
    assert_eq!(scene.tx(|tx| tx.calls().import(&twice)).unwrap(), 1, "the first of one SID");
    let kept = scene.tx(|tx| tx.calls().find_by_sid(good.twilio_call_sid.as_deref().unwrap())).unwrap().unwrap();
    assert_eq!(kept.caller_name, None);
    let anonymous = NewCall { caller_phone: CallerIdentity::Anonymous, ..good.clone() };
    assert_eq!(scene.tx(|tx| tx.calls().import(std::slice::from_ref(&anonymous))).unwrap(), 0, "the same, as far as is known");
    let other = || CallerIdentity::Phone(unique_phone());
    for (another, field) in [
        (NewCall { caller_phone: other(), ..good.clone() }, "caller_phone"),
        (NewCall { called_phone: other(), ..good.clone() }, "called_phone"),
        (NewCall { call_direction: CallDirection::Outbound, ..good.clone() }, "call_direction"),
    ] {
        let rule = "must be what the call has that is there already with the same twilio_call_sid";
        let came = scene.tx(|tx| tx.calls().import(&[scene.begun(), another.clone()]));
        assert_eq!(refused(came), (format!("rows[1].{field}"), rule.to_owned()));
    }
    assert_eq!(scene.tx(|tx| tx.calls().count(&CallFilter::default())).unwrap(), 1, "of a log at fault nothing is taken");
    let both = [
        NewCall { caller_phone: other(), ..good.clone() },
        scene.begun(),
        NewCall { call_direction: CallDirection::Outbound, ..good.clone() },
    ];
    let told = scene.tx(|tx| tx.calls().contradictions(&both)).unwrap().into_iter().map(|error| refused::<()>(Err(error)).0);
    assert_eq!(told.collect::<Vec<_>>(), ["rows[0].caller_phone", "rows[2].call_direction"]);
    let taken = scene.tx(|tx| tx.calls().create(&good));
    assert_eq!(refused(taken), ("twilio_call_sid".to_owned(), "is already recorded".to_owned()));
}

#[test]
fn an_imported_call_is_the_one_that_is_created() {
    let scene = Scene::new();
    let text = |text: &str| Some(text.to_owned());
    let full = NewCall {
        call_direction: CallDirection::Outbound,
        call_status: CallStatus::Completed,
        conversation_id: Some(scene.open_conversation()),
        started_at: Some(noon()),
        ended_at: Some(noon() + TimeDelta::seconds(7)),
        duration_seconds: Some(5),
        outcome: Some(CallOutcome::Answered),
        call_type: CallType::Forwarded,
        caller_name: text("name, \"quoted\" {and} \\more"),
        caller_city: text("city"),
        caller_state: text("state"),
        caller_country: text("USA"),
        recording_url: text("https://example.com/r"),
        recording_duration_seconds: Some(3),
        disconnect_reason: text("reason"),
        price: Some(dec!(0.0085)),
        answered_by: text("human"),
        forwarded_from: text("+13125550177"),
        ..scene.begun()
    };
    for new in [full, scene.begun()] {
        let sid = unique_sid("CA");
        let imported = NewCall { twilio_call_sid: Some(sid.clone()), ..new.clone() };
        assert_eq!(scene.tx(|tx| tx.calls().import(std::slice::from_ref(&imported))).unwrap(), 1);
        let created = scene.tx(|tx| tx.calls().create(&new)).unwrap();
        let imported = scene.tx(|tx| tx.calls().find_by_sid(&sid)).unwrap().unwrap();
        assert_eq!(imported, Call { id: imported.id, twilio_call_sid: Some(sid), ..created });
    }
}

#[test]
fn calls_are_filtered() {
    let scene = Scene::new();
    let ended = NewCall { call_status: CallStatus::Completed, outcome: Some(CallOutcome::Missed), ..scene.begun() };
    let first = scene.tx(|tx| tx.calls().create(&ended)).unwrap();
    scene.clock.advance(TimeDelta::hours(1));
    let second = scene.call();
    scene.clock.advance(TimeDelta::hours(1));
    let out = NewCall { call_direction: CallDirection::Outbound, call_status: CallStatus::Ringing, ..scene.begun() };
    let out = NewCall { called_phone: out.caller_phone.clone(), caller_phone: out.called_phone.clone(), ..out };
    let third = scene.tx(|tx| tx.calls().create(&out)).unwrap();
    let all = CallFilter::default;
    let hour = |hours| Some(noon() + TimeDelta::hours(hours));
    for (filter, expected) in [
        (all(), vec![third.id, second.id, first.id]),
        (CallFilter { status: Some(CallStatus::Ringing), ..all() }, vec![third.id]),
        (CallFilter { outcome: Some(CallOutcome::Missed), ..all() }, vec![first.id]),
        (CallFilter { direction: Some(CallDirection::Inbound), ..all() }, vec![second.id, first.id]),
        (CallFilter { caller: Some(second.caller_phone.clone()), ..all() }, vec![second.id]),
        (CallFilter { called: Some(scene.business.number.clone()), ..all() }, vec![second.id, first.id]),
        (CallFilter { conversation: second.conversation_id, ..all() }, vec![second.id]),
        (CallFilter { active: Some(true), ..all() }, vec![third.id, second.id]),
        (CallFilter { active: Some(false), ..all() }, vec![first.id]),
        (CallFilter { from: hour(1), until: hour(2), ..all() }, vec![second.id]),
    ] {
        let listed: Vec<CallId> =
            all_pages(1, |page| scene.tx(|tx| tx.calls().list(&filter, page))).iter().map(|call| call.id).collect();
        assert_eq!(listed, expected, "{filter:?}");
        assert_eq!(scene.tx(|tx| tx.calls().count(&filter)).unwrap(), i64::try_from(expected.len()).unwrap());
    }
}

#[test]
fn a_fact_keeps_its_key_its_value_and_its_type() {
    let scene = Scene::new();
    let call = scene.call();
    let values = [
        MetadataValue::String(String::new()),
        MetadataValue::String("true".to_owned()),
        MetadataValue::Number(dec!(-0.10)),
        MetadataValue::Number(rust_decimal::Decimal::MAX),
        MetadataValue::Boolean(false),
        MetadataValue::Json(json!({"a": [1, null, "ü"]})),
        MetadataValue::Json(json!(null)),
    ];
    let mut first: Option<CallMetadata> = None;
    for value in values {
        let at = scene.tick();
        let put = scene.tx(|tx| tx.call_metadata().put(call.id, " key ", &value)).unwrap();
        assert_eq!((put.metadata_key.as_str(), &put.value, put.updated_at), ("key", &value, at));
        assert_eq!(scene.tx(|tx| tx.call_metadata().get(call.id, "key")).unwrap(), put);
        let first = first.get_or_insert_with(|| put.clone());
        assert_eq!((put.id, put.created_at), (first.id, first.created_at), "in place, though its type may change");
    }
    let taken = scene.tx(|tx| tx.call_metadata().create(call.id, "key", &MetadataValue::Boolean(true)));
    assert_eq!(refused(taken), ("metadata_key".to_owned(), "is already set on this call".to_owned()));
    let nowhere = CallId::new(uuid::Uuid::now_v7());
    let long = MetadataValue::String("x".repeat(70_000));
    for (call, key, value, field, rule) in [
        (nowhere, "key", MetadataValue::Boolean(true), "call_id", "must be an existing call"),
        (call.id, " ", MetadataValue::Boolean(true), "metadata_key", "must not be empty"),
        (call.id, &*"x".repeat(101), MetadataValue::Boolean(true), "metadata_key", "must be at most 100 characters"),
        (call.id, "key", long, "metadata_value", "must be at most 65536 bytes"),
        (call.id, "key", MetadataValue::String("a\0b".to_owned()), "metadata_value", "must not contain NUL"),
        (call.id, "key", MetadataValue::Json(json!({"\0": 1})), "metadata_value", "must not contain NUL"),
        (call.id, "key", MetadataValue::Json(json!("x".repeat(70_000))), "metadata_value", "must be at most 65536 bytes of JSON"),
    ] {
        assert_eq!(refused(scene.tx(|tx| tx.call_metadata().put(call, key, &value))), (field.to_owned(), rule.to_owned()));
    }
    scene.tx(|tx| tx.call_metadata().delete(call.id, "key")).unwrap();
    assert!(matches!(scene.tx(|tx| tx.call_metadata().get(call.id, "key")), Err(Error::NotFound { .. })));
    assert!(matches!(scene.tx(|tx| tx.call_metadata().delete(call.id, "key")), Err(Error::NotFound { .. })));
}

#[test]
fn fact_written_wrongly_by_another_program_is_an_error() {
    let scene = Scene::new();
    let call = scene.call();
    scene.tx(|tx| tx.call_metadata().put(call.id, "key", &MetadataValue::Number(dec!(7)))).unwrap();
    scene.db.execute("UPDATE call_metadata SET metadata_value = 'seven'");
    assert!(matches!(scene.tx(|tx| tx.call_metadata().get(call.id, "key")), Err(Error::Internal(_))));
}

#[test]
fn facts_are_filtered() {
    let scene = Scene::new();
    let calls = [scene.call(), scene.call()];
    let mut made = Vec::new();
    for (call, key, value) in [
        (0, "rating", MetadataValue::Number(dec!(5))),
        (0, "spam", MetadataValue::Boolean(true)),
        (1, "rating", MetadataValue::String("good".to_owned())),
    ] {
        scene.tick();
        made.push(scene.tx(|tx| tx.call_metadata().create(calls[call].id, key, &value)).unwrap().id);
    }
    let all = CallMetadataFilter::default;
    for (filter, expected) in [
        (all(), vec![2, 1, 0]),
        (CallMetadataFilter { call: Some(calls[0].id), ..all() }, vec![1, 0]),
        (CallMetadataFilter { metadata_key: Some("rating".to_owned()), ..all() }, vec![2, 0]),
        (CallMetadataFilter { metadata_type: Some(MetadataType::Boolean), ..all() }, vec![1]),
    ] {
        let listed: Vec<_> =
            all_pages(1, |page| scene.tx(|tx| tx.call_metadata().list(&filter, page))).iter().map(|fact| fact.id).collect();
        assert_eq!(listed, expected.iter().map(|n| made[*n]).collect::<Vec<_>>(), "{filter:?}");
        assert_eq!(scene.tx(|tx| tx.call_metadata().count(&filter)).unwrap(), i64::try_from(expected.len()).unwrap());
    }
}

/// A step of a reader who pages through calls while others record some.
#[derive(Debug, Clone)]
enum Step {
    /// The reader takes the next page.
    Read,
    /// So many calls are recorded, this many seconds later: 0 is the same instant.
    Record(u8, u8),
}

#[test]
fn pages_are_stable_while_calls_are_recorded() {
    let scene = Scene::new();
    let steps =
        prop::collection::vec(prop_oneof![Just(Step::Read), (0..4_u8, 0..2_u8).prop_map(|(n, s)| Step::Record(n, s))], 1..25);
    let mut runner = proptest::test_runner::TestRunner::new(ProptestConfig::with_cases(40));
    runner
        .run(&(1..5_u16, steps), |(limit, steps)| {
            scene.db.execute("DELETE FROM calls");
            let record = || scene.tx(|tx| tx.calls().create(&scene.begun())).unwrap().id;
            scene.tick();
            let there: Vec<CallId> = (0..7).map(|_| record()).collect();
            let (mut page, mut read, mut ended) = (PageRequest::new(limit, None).unwrap(), Vec::<CallId>::new(), false);
            let mut next = |read: &mut Vec<CallId>, ended: &mut bool| {
                if *ended {
                    return;
                }
                let items = scene.tx(|tx| tx.calls().list(&CallFilter::default(), page)).unwrap();
                read.extend(items.items.iter().map(|call| call.id));
                match items.next {
                    Some(cursor) => page = page.after(cursor.to_string().parse().unwrap()),
                    None => *ended = true,
                }
            };
            for step in steps {
                match step {
                    Step::Read => next(&mut read, &mut ended),
                    Step::Record(count, seconds) => {
                        scene.clock.advance(TimeDelta::seconds(seconds.into()));
                        for _ in 0..count {
                            record();
                        }
                    }
                }
            }
            while !ended {
                next(&mut read, &mut ended);
            }
            let mut unique = read.clone();
            unique.sort();
            unique.dedup();
            prop_assert_eq!(unique.len(), read.len(), "no row twice");
            let old: Vec<CallId> = read.into_iter().filter(|id| there.contains(id)).collect();
            prop_assert_eq!(old, there.into_iter().rev().collect::<Vec<_>>(), "none left out, and in order");
            Ok(())
        })
        .unwrap();
}

#[test]
fn conversation_can_be_opened_beside_imported_calls() {
    let scene = Scene::new();
    let new = NewConversation {
        customer_phone: CallerIdentity::Phone(unique_phone()),
        channel: ConversationChannel::Phone,
        subject: None,
        customer_name: None,
    };
    let conversation = scene.tx(|tx| tx.conversations().create(&new)).unwrap();
    let old = NewCall { conversation_id: Some(conversation.id), call_status: CallStatus::Completed, ..scene.begun() };
    assert_eq!(scene.tx(|tx| tx.calls().import(std::slice::from_ref(&old))).unwrap(), 1);
    let nowhere = NewCall { conversation_id: Some(ConversationId::new(uuid::Uuid::now_v7())), ..scene.begun() };
    assert_eq!(refused(scene.tx(|tx| tx.calls().import(std::slice::from_ref(&nowhere)))).0, "conversation_id");
}

#[test]
fn a_count_ends_at_its_bound() {
    let scene = Scene::new();
    for _ in 0..3 {
        scene.business.missed(&scene.db.store);
    }
    let counts = |most: u16| {
        scene.tx(|tx| {
            let calls = tx.calls().count_up_to(most, &CallFilter::default())?;
            Ok((calls, tx.conversations().count_up_to(most, &ConversationFilter::default())?))
        })
    };
    for (most, counted) in [(0, 0), (2, 2), (3, 3), (u16::MAX, 3)] {
        assert_eq!(counts(most).unwrap(), (counted, counted), "{most}");
    }
    let nobody = CallFilter { caller: Some(CallerIdentity::Phone(unique_phone())), ..CallFilter::default() };
    assert_eq!(scene.tx(|tx| tx.calls().count_up_to(3, &nobody)).unwrap(), 0);
}

#[test]
fn calls_by_their_beginning_come_in_its_order() {
    let scene = Scene::new();
    // Seconds from the record of a call to its beginning; in three of four it was recorded as it happened.
    let apart = [0, -90_000, -60, -7_200, -90_000, -7_201, -500_000, 3, 7_300, -7_100, -90_000, -10_800];
    let mut made: Vec<(DateTime<Utc>, Call)> = Vec::new();
    for seconds in apart.into_iter().cycle().take(36) {
        scene.clock.advance(TimeDelta::minutes(20));
        let began = scene.clock.now() + TimeDelta::seconds(seconds);
        let call = scene.tx(|tx| tx.calls().create(&NewCall { started_at: Some(began), ..scene.begun() })).unwrap();
        made.push((if seconds.abs() > 7_200 { began } else { call.created_at }, call));
    }
    let unknown = scene.tx(|tx| tx.calls().create(&scene.begun())).unwrap();
    made.sort_by_key(|(at, call)| std::cmp::Reverse((*at, call.id.uuid())));
    let (early, late) = (noon() - TimeDelta::days(1), noon() + TimeDelta::hours(6));
    for (from, until) in [(Some(early), None), (None, Some(late)), (Some(early), Some(late)), (Some(noon()), Some(noon()))] {
        let filter = CallFilter { started_from: from, started_until: until, ..CallFilter::default() };
        let is_in = |at: DateTime<Utc>| from.is_none_or(|from| at >= from) && until.is_none_or(|until| at < until);
        let expected: Vec<CallId> =
            made.iter().filter(|(_, call)| is_in(call.started_at.unwrap())).map(|(_, call)| call.id).collect();
        assert!(from == until || (5..36).contains(&expected.len()) && !expected.contains(&unknown.id));
        for limit in [1, 3, 50] {
            let pages = all_pages(limit, |page| scene.tx(|tx| tx.calls().list(&filter, page)));
            assert_eq!(pages.iter().map(|call| call.id).collect::<Vec<_>>(), expected, "{filter:?}");
        }
        let many = i64::try_from(expected.len()).unwrap();
        assert_eq!(scene.tx(|tx| tx.calls().count(&filter)).unwrap(), many);
        for most in [3, 100] {
            let counted = scene.tx(|tx| tx.calls().count_up_to(most, &filter)).unwrap();
            assert_eq!(counted, many.min(most.into()), "{filter:?}");
        }
    }
}

#[test]
fn call_that_would_begin_in_days_is_refused_or_begins_now() {
    let scene = Scene::new();
    let of = |days| NewCall { started_at: Some(noon() + TimeDelta::days(days)), ..scene.begun() };
    let error = refused(scene.tx(|tx| tx.calls().create(&of(2))));
    assert_eq!(error, ("started_at".to_owned(), "must be at most a day in the future".to_owned()));
    scene.tx(|tx| tx.calls().create(&of(1))).unwrap();
    // What a provider tells is recorded all the same: its clock is wrong.
    let sid = unique_sid("CA");
    let told = VoiceForm::missed(unique_phone().as_str(), &scene.business.number, &sid);
    let told = told.with("Timestamp", "Thu, 16 Nov 2028 11:00:00 +0000");
    record_voice_status(&scene.db.store, &told.parse()).unwrap();
    let call = scene.tx(|tx| tx.calls().find_by_sid(&sid)).unwrap().unwrap();
    assert_eq!((call.started_at, call.ended_at), (Some(noon()), Some(noon())));
}

#[test]
fn a_call_takes_as_many_parties_as_are_listed() {
    let scene = Scene::new();
    let call = scene.call().id;
    let who = Joining::Phone(CallerIdentity::Anonymous);
    let join = || scene.tx(|tx| tx.join_call(call, &who, ParticipantType::Agent));
    for _ in 0..98 {
        join().unwrap();
    }
    let came = at_once(6, |_| join().is_ok());
    assert_eq!(came.iter().filter(|came| **came).count(), 2, "the last two places are two parties'");
    assert!(matches!(join(), Err(Error::Conflict { .. })));
    assert_eq!(scene.tx(|tx| tx.call_participants().list_of_call(call)).unwrap().len(), 100);
}

#[test]
fn party_that_joins_again_is_the_one_that_is_there() {
    let scene = Scene::new();
    let call = scene.call().id;
    let who = Joining::Phone(CallerIdentity::Phone(unique_phone()));
    let join = |part| scene.tx(|tx| tx.join_call(call, &who, part)).unwrap().id;
    let agent = join(ParticipantType::Agent);
    assert_eq!(join(ParticipantType::Agent), agent);
    assert_ne!(join(ParticipantType::Caller), agent, "in another part");
    scene.tx(|tx| tx.leave_call(call, agent)).unwrap();
    let came = at_once(6, |_| join(ParticipantType::Agent));
    assert!(came.iter().all(|id| *id == came[0] && *id != agent), "having left, and one of many who come at once: {came:?}");
}

#[test]
fn nobody_joins_a_call_that_is_over() {
    let scene = Scene::new();
    let call = scene.call().id;
    let join = |phone| {
        let who = Joining::Phone(CallerIdentity::Phone(phone));
        scene.tx(|tx| tx.join_call(call, &who, ParticipantType::Agent))
    };
    let agent = unique_phone();
    let there = join(agent.clone()).unwrap();
    scene.db.execute("UPDATE calls SET call_status = 'completed'");
    let refused = join(unique_phone()).unwrap_err();
    assert_eq!(refused.to_string(), "call_id names a call that is over: nobody joins it any more");
    assert_eq!(join(agent).unwrap().id, there.id, "who joined before it was over is asked again");
    assert!(scene.tx(|tx| tx.leave_call(call, there.id)).unwrap().left_at.is_some());
}

#[test]
fn party_leaves_after_it_joined_by_whatever_clock() {
    let scene = Scene::new();
    let call = scene.call().id;
    let who = Joining::Phone(CallerIdentity::Anonymous);
    scene.clock.advance(TimeDelta::minutes(1));
    let party = scene.tx(|tx| tx.join_call(call, &who, ParticipantType::Agent)).unwrap();
    scene.clock.advance(TimeDelta::minutes(-1));
    let left = scene.tx(|tx| tx.leave_call(call, party.id)).unwrap();
    assert!(left.left_at > Some(left.joined_at), "{left:?}");
}
