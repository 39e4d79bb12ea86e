//! The main job: callbacks of a call come in any order, several times, and at once, and the caller gets one text.

use chrono::TimeDelta;
use nmc_core::calls::{CallFilter, NewCall};
use nmc_core::conversations::{ConversationEventFilter, ConversationFilter, MessageFilter, NewConsent};
use nmc_core::numbers::NewPhoneNumber;
use nmc_core::store::Person;
use nmc_core::tenants::BusinessSettingsPatch;
use nmc_core::testing::{
    Business, Gate, ManualClock, TestDb, VoiceForm, noon, orders, query, statements_prepared, statements_sent, unique_phone,
    unique_sid, wait_until,
};
use nmc_core::workflows::{Recorded, record_voice_status};
use nmc_core::{
    CallDirection, CallOutcome, CallStatus, CallerIdentity, Clock as _, ConsentAction, ConsentSource, ConversationChannel,
    ConversationEventType, ConversationStatus, Error, MessageKind, MessageStatus, NumberStatus, NumberType, PageRequest,
    PhoneNumber, TenantTx,
};
use serde_json::Value;
use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// One business in a database of its own, under a clock that stands still.
struct Scene {
    db: TestDb,
    clock: Arc<ManualClock>,
    business: Business,
}

impl Scene {
    fn new() -> Self {
        let clock = Arc::new(ManualClock::new(noon()));
        let db = TestDb::with_clock(clock.clone());
        let business = Business::onboard(&db.store, "Joe's Plumbing");
        Self { db, clock, business }
    }

    fn record(&self, form: &VoiceForm) -> Recorded {
        record_voice_status(&self.db.store, &form.parse()).unwrap()
    }

    /// A new call of this caller, which rings out.
    fn missed(&self, caller: &str) -> Recorded {
        self.record(&VoiceForm::missed(caller, &self.business.number, &unique_sid("CA")))
    }

    fn counts(&self) -> (i64, i64, i64) {
        self.db
            .store
            .tenant(&self.business.tenant, |tx| {
                Ok((
                    tx.calls().count(&CallFilter::default())?,
                    tx.conversations().count(&ConversationFilter::default())?,
                    tx.messages().count(&MessageFilter::default())?,
                ))
            })
            .unwrap()
    }

    fn body(&self, recorded: &Recorded) -> String {
        self.business.message(&self.db.store, recorded.greeting.expect("a greeting")).message_body
    }

    fn consent(&self, person: &PhoneNumber, action: ConsentAction) {
        let entry = NewConsent {
            customer_phone: person.clone(),
            action,
            source: ConsentSource::Staff,
            keyword: None,
            message_id: None,
            note: Some("on the phone".to_owned()),
        };
        self.db.store.tenant(&self.business.tenant, |tx| tx.consents().record(&entry)).unwrap();
    }
}

// ---------------------------------------------------------------------------------------------- permutations

/// One callback of a call: its fields, over those that all have in common.
type Callback = &'static [(&'static str, &'static str)];

const INITIATED: Callback = &[("CallStatus", "initiated"), ("Timestamp", "Mon, 16 Nov 2026 11:00:00 +0000")];
const RINGING: Callback = &[
    ("CallStatus", "ringing"),
    ("Timestamp", "Mon, 16 Nov 2026 11:00:01 +0000"),
    ("FromCountry", "US"),
    ("FromCity", "OAKLAND"),
];
const IN_PROGRESS: Callback =
    &[("CallStatus", "in-progress"), ("Timestamp", "Mon, 16 Nov 2026 11:00:02 +0000"), ("CallerName", "JOE")];
const COMPLETED: Callback = &[
    ("CallStatus", "completed"),
    ("CallDuration", "25"),
    ("Timestamp", "Mon, 16 Nov 2026 11:00:27 +0000"),
    ("RecordingUrl", "https://api.twilio.com/recording"),
    ("RecordingDuration", "20"),
];
const CANCELED: Callback = &[("CallStatus", "canceled"), ("CallDuration", "0"), ("Timestamp", "Mon, 16 Nov 2026 11:00:09 +0000")];
const BUSY: Callback = &[("CallStatus", "busy"), ("Timestamp", "Mon, 16 Nov 2026 11:00:03 +0000")];
const NO_ANSWER: Callback = &[("CallStatus", "no-answer"), ("Timestamp", "Mon, 16 Nov 2026 11:00:31 +0000")];
const FAILED: Callback = &[("CallStatus", "failed"), ("Timestamp", "Mon, 16 Nov 2026 11:00:03 +0000")];
// The answer of a <Dial> carries no timestamp.
const DIAL_MISSED: Callback = &[("CallStatus", "in-progress"), ("DialCallStatus", "no-answer")];
const DIAL_TAKEN: Callback = &[("CallStatus", "in-progress"), ("DialCallStatus", "completed")];
const DIAL_AND_HUNG_UP: Callback = &[("CallStatus", "completed"), ("DialCallStatus", "no-answer")];
const HUMAN: Callback = &[("CallStatus", "in-progress"), ("AnsweredBy", "human")];
const MACHINE: Callback = &[("CallStatus", "completed"), ("AnsweredBy", "machine_end_beep")];
const UNKNOWN: Callback = &[("CallStatus", "in-progress"), ("AnsweredBy", "unknown")];
const DIAL_UNBRIDGED: Callback = &[("CallStatus", "in-progress"), ("DialCallStatus", "completed"), ("DialBridged", "false")];
const DIAL_BRIDGED: Callback = &[("CallStatus", "in-progress"), ("DialCallStatus", "completed"), ("DialBridged", "true")];
const DIAL_WRONG: Callback = &[("CallStatus", "in-progress"), ("DialCallStatus", "failed"), ("ErrorCode", "13224")];
// Machine detection on the forwarded leg knows nothing of the call but its SID and the parties.
const DETECTED: Callback = &[("CallStatus", ""), ("AnsweredBy", "machine_start")];
const REFUSED: Callback = &[
    ("CallStatus", "completed"),
    ("Timestamp", "Mon, 16 Nov 2026 11:00:03 +0000"),
    ("SipResponseCode", "487"),
    ("StirVerstat", "TN-Validation-Passed-C"),
];

/// Each family of callbacks that one call makes, and what the call was.
const FAMILIES: &[(&str, &[Callback], CallOutcome)] = &[
    ("missed", &[INITIATED, RINGING, IN_PROGRESS, DIAL_MISSED, COMPLETED, UNKNOWN], CallOutcome::Missed),
    ("answered", &[INITIATED, RINGING, DIAL_TAKEN, COMPLETED, HUMAN], CallOutcome::Answered),
    ("voicemail", &[RINGING, IN_PROGRESS, DIAL_TAKEN, COMPLETED, MACHINE], CallOutcome::Voicemail),
    ("hung up while it was forwarded", &[INITIATED, RINGING, IN_PROGRESS, DIAL_AND_HUNG_UP, COMPLETED], CallOutcome::Missed),
    ("taken at the second attempt", &[RINGING, DIAL_MISSED, DIAL_TAKEN, COMPLETED], CallOutcome::Answered),
    ("a machine at the second attempt", &[RINGING, DIAL_MISSED, DIAL_TAKEN, COMPLETED, MACHINE], CallOutcome::Voicemail),
    ("no key was pressed", &[RINGING, IN_PROGRESS, DIAL_UNBRIDGED, COMPLETED], CallOutcome::Voicemail),
    ("a key at the second attempt", &[RINGING, DIAL_UNBRIDGED, DIAL_BRIDGED, COMPLETED], CallOutcome::Answered),
    ("a machine was heard", &[RINGING, DIAL_BRIDGED, COMPLETED, DETECTED], CallOutcome::Voicemail),
    ("a wrong phone", &[RINGING, DIAL_WRONG, COMPLETED, REFUSED], CallOutcome::Missed),
    ("abandoned", &[INITIATED, RINGING, CANCELED], CallOutcome::Abandoned),
    ("busy", &[INITIATED, RINGING, BUSY], CallOutcome::Missed),
    ("nobody there", &[INITIATED, RINGING, NO_ANSWER], CallOutcome::Missed),
    ("failed", &[INITIATED, RINGING, FAILED], CallOutcome::Failed),
];

/// All that a call's callbacks leave behind: the call, the conversation's counters, how many rows. Whether there is a
/// greeting is asked apart, since a call that was missed for a while has one even if it was taken in the end.
fn left_behind(conn: &mut diesel::pg::PgConnection, scene: &Scene, sid: &str) -> (Value, i64) {
    let tenant = scene.business.tenant.id();
    let sql = format!(
        "SELECT to_jsonb(c) - '{{id,tenant_id,conversation_id,caller_phone,twilio_call_sid,updated_at}}'::text[] AS call,
                v.total_calls, v.total_duration_seconds, v.status, v.channel,
                v.first_call_id = c.id AS is_first, v.last_call_id = c.id AS is_last,
                (SELECT count(*) FROM conversations o WHERE o.tenant_id = c.tenant_id AND o.customer_phone = c.caller_phone)
                    AS conversations,
                (SELECT count(*) FROM messages m WHERE m.tenant_id = c.tenant_id AND m.to_number = c.caller_phone) AS texts
         FROM calls c LEFT JOIN conversations v ON v.tenant_id = c.tenant_id AND v.id = c.conversation_id
         WHERE c.tenant_id = '{tenant}' AND c.twilio_call_sid = '{sid}'"
    );
    let mut found: Vec<Value> = query(conn, &sql);
    assert_eq!(found.len(), 1, "one call");
    let mut row = found.remove(0);
    let texts = row.as_object_mut().unwrap().remove("texts").unwrap().as_i64().unwrap();
    (row, texts)
}

/// Every order of a family's callbacks. Since every order of every part of it is the beginning of one of these, it is
/// enough to look after each callback: what is there may depend on which callbacks came, and on nothing else.
fn play_every_order(scene: &Scene, (name, callbacks, expected): (&str, &[Callback], CallOutcome)) {
    let mut conn = scene.db.superuser();
    // What each part of the family left behind, and how many of its callbacks have come again after it.
    let mut left: BTreeMap<usize, (Value, u32)> = BTreeMap::new();
    let all: Vec<usize> = (0..callbacks.len()).collect();
    for order in orders(&all) {
        let sid = unique_sid("CA");
        let base = VoiceForm::missed(unique_phone().as_str(), &scene.business.number, &sid);
        let form = |at: usize| callbacks[at].iter().fold(base.clone(), |form, (field, value)| form.with(field, value));
        let (mut came, mut status, mut greetings) = (0, CallStatus::Initiated, 0);
        let mut record = |at: usize| {
            let recorded = scene.record(&form(at));
            greetings += i64::from(recorded.greeting.is_some());
            let moved_forward = recorded.status == status || status.may_become(recorded.status);
            assert!(moved_forward, "{name} {order:?}: the status moved back");
            status = recorded.status;
            greetings
        };
        for (step, at) in order.iter().enumerate() {
            came |= 1 << at;
            let mut look = |greetings: i64| {
                let (row, texts) = left_behind(&mut conn, scene, &sid);
                let outcome = row["call"]["outcome"].as_str().map(|label| label.parse::<CallOutcome>().unwrap());
                let is_wanted = outcome.is_some_and(CallOutcome::wants_greeting);
                assert!(texts == 1 || (texts == 0 && !is_wanted), "{name} {order:?}: {texts} texts after {outcome:?}");
                assert_eq!(texts, greetings, "{name} {order:?}");
                let (known, times) = left.entry(came).or_insert_with(|| (row.clone(), 0));
                assert_eq!(&row, known, "{name}: {:?} left something else behind", &order[..=step]);
                *times
            };
            let times = look(record(*at));
            // The first times that this part has come, one of it comes again: each in its turn.
            let members: Vec<usize> = all.iter().copied().filter(|at| came & 1 << at != 0).collect();
            if let Some(again) = members.get(usize::try_from(times).unwrap()) {
                look(record(*again));
                left.entry(came).and_modify(|(_, times)| *times += 1);
            }
        }
    }
    let (whole, _) = &left[&((1 << callbacks.len()) - 1)];
    assert_eq!(whole["call"]["outcome"], expected.label(), "{name}");
    assert_eq!((&whole["total_calls"], &whole["conversations"]), (&Value::from(1), &Value::from(1)), "{name}");
    assert_eq!(left.len(), (1 << callbacks.len()) - 1, "every part of the family was seen");
    let all_came_again = left.iter().all(|(came, (_, times))| *times == came.count_ones());
    assert!(all_came_again, "after each part, each of its callbacks came again");
}

#[test]
fn callbacks_of_a_missed_call_in_every_order_end_the_same() {
    play_every_order(&Scene::new(), FAMILIES[0]);
}

#[test]
fn callbacks_of_other_calls_in_every_order_end_the_same() {
    let scene = Scene::new();
    for family in &FAMILIES[1..] {
        play_every_order(&scene, *family);
    }
}

/// What the log says of a call's end, oldest first: the old outcome, if one was told before, and the new one.
fn told_of_the_end(scene: &Scene, recorded: &Recorded) -> Vec<(Value, Value)> {
    let filter = ConversationEventFilter::of(recorded.conversation.unwrap());
    let log =
        scene.db.store.tenant(&scene.business.tenant, |tx| tx.conversation_events().list(&filter, PageRequest::first())).unwrap();
    let kinds: Vec<_> = log.items.iter().rev().map(|event| event.event_type).collect();
    assert_eq!(kinds.iter().filter(|kind| **kind == ConversationEventType::CallEnded).count(), 1, "it ends once: {kinds:?}");
    let mut told = Vec::new();
    for event in log.items.iter().rev() {
        match event.event_type {
            ConversationEventType::CallEnded => told.push((Value::Null, event.event_data["outcome"].clone())),
            ConversationEventType::OutcomeChanged => {
                told.push((event.event_data["old"].clone(), event.event_data["new"].clone()));
            }
            _ => {}
        }
    }
    told
}

/// The log tells the end as it is known then. What decides it may be told later: then the log corrects itself, step by step, and
/// its last word is the row's. Nothing is corrected where the end comes last.
#[test]
fn the_log_ends_with_what_a_call_was_in_every_order() {
    let scene = Scene::new();
    // The callbacks, the first of which is the end; those that decide what the call was; and what it was.
    let calls: [(&[Callback], &[usize], CallOutcome); 4] = [
        (&[COMPLETED, DIAL_MISSED, RINGING, IN_PROGRESS], &[1], CallOutcome::Missed),
        (&[COMPLETED, DIAL_UNBRIDGED, RINGING, IN_PROGRESS], &[1], CallOutcome::Voicemail),
        (&[COMPLETED, DIAL_BRIDGED, DETECTED, RINGING], &[2], CallOutcome::Voicemail),
        (&[COMPLETED, DIAL_BRIDGED, RINGING, IN_PROGRESS], &[], CallOutcome::Answered),
    ];
    let mut corrected = 0;
    for (callbacks, deciding, outcome) in calls {
        for order in orders(&[0, 1, 2, 3]) {
            let base = VoiceForm::missed(unique_phone().as_str(), &scene.business.number, &unique_sid("CA"));
            let form = |at: &usize| callbacks[*at].iter().fold(base.clone(), |form, (field, value)| form.with(field, value));
            let recorded: Vec<_> = order.iter().map(|at| scene.record(&form(at))).collect();
            let recorded = recorded.last().unwrap();
            let told = told_of_the_end(&scene, recorded);
            let chain = told.windows(2).all(|pair| pair[0].1 == pair[1].0);
            assert!(chain && told.last().unwrap().1 == outcome.label(), "{order:?}: {told:?}");
            let place = |at: usize| order.iter().position(|each| *each == at);
            let is_known = deciding.iter().all(|at| place(*at) < place(0));
            assert_eq!(told.len() == 1, is_known, "{order:?}: {told:?}");
            corrected += usize::from(!is_known);
        }
    }
    assert_eq!(corrected, 36, "half of the orders in which something decides that is told apart from the end");
}

// ------------------------------------------------------------------------------------------------ all at once

/// Runs `count` jobs on sixteen threads.
fn at_once(count: usize, job: impl Fn(usize) + Sync) {
    let next = AtomicUsize::new(0);
    std::thread::scope(|scope| {
        for _ in 0..16 {
            scope.spawn(|| {
                while let Some(number) = Some(next.fetch_add(1, Ordering::SeqCst)).filter(|number| *number < count) {
                    job(number);
                }
            });
        }
    });
}

/// A business whose store has a connection for each of the sixteen.
fn busy_scene() -> Scene {
    let clock = Arc::new(ManualClock::new(noon()));
    let db = TestDb::with(|config| {
        config.clock = clock.clone();
        config.pool_size = 16;
    });
    let business = Business::onboard(&db.store, "Joe's Plumbing");
    Scene { db, clock, business }
}

#[test]
fn two_hundred_identical_callbacks_at_once_make_one_of_each() {
    let scene = busy_scene();
    let form = VoiceForm::missed("+14155550123", &scene.business.number, "CA1");
    let greeted = AtomicUsize::new(0);
    at_once(200, |_| {
        greeted.fetch_add(usize::from(scene.record(&form).greeting.is_some()), Ordering::SeqCst);
    });
    assert_eq!((scene.counts(), greeted.into_inner()), ((1, 1, 1), 1));
}

/// The statement that finds the tenant takes the lock that everybody takes, whichever spelling they know the caller by; and what is
/// written then is later than what was written under the lock before.
#[test]
fn a_call_waits_for_its_callers_lock_and_comes_after_it() {
    let scene = busy_scene();
    let (tenant, held) = (scene.business.tenant, Gate::default());
    let (begun, person) = (scene.clock.now(), Person::new("+525512345678".parse().unwrap()));
    let call = VoiceForm::missed("+5215512345678", &scene.business.number, "CA1");
    let recorded = std::thread::scope(|scope| {
        let holder = scope.spawn(|| {
            let hold = |_: &mut TenantTx<'_>| {
                held.wait();
                Ok(())
            };
            scene.db.store.tenant_and_person(&tenant, &person, hold)
        });
        scene.db.wait_for_held_locks(1);
        let caller = scope.spawn(|| scene.record(&call));
        scene.db.wait_for_waiting_sessions(1);
        scene.clock.advance(TimeDelta::seconds(2));
        held.open();
        holder.join().unwrap().unwrap();
        caller.join().unwrap()
    });
    let call = scene.db.store.tenant(&tenant, |tx| tx.calls().get(recorded.call)).unwrap();
    assert_eq!(call.created_at, begun + TimeDelta::seconds(2));
}

/// An import takes no person's lock: that it has recorded the call is found when the call is written, and the whole is tried again.
#[test]
fn a_call_imported_meanwhile_is_found_by_another_try() {
    let scene = busy_scene();
    let (tenant, imported, held) = (scene.business.tenant, Gate::default(), Gate::default());
    let (us, them) = (CallerIdentity::Phone(scene.business.number.clone()), CallerIdentity::Phone(unique_phone()));
    let known = NewCall::begun(CallDirection::Inbound, them.clone(), us, "CA1".to_owned());
    let call = VoiceForm::missed(&them.to_string(), &scene.business.number, "CA1");
    let recorded = std::thread::scope(|scope| {
        let import = scope.spawn(|| {
            scene.db.store.tenant(&tenant, |tx| {
                tx.calls().import(std::slice::from_ref(&known))?;
                imported.open();
                held.wait();
                Ok(())
            })
        });
        imported.wait();
        let caller = scope.spawn(|| scene.record(&call));
        wait_until("the call waits for the import", || {
            scene.db.query::<i64>(
                "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event = 'transactionid'",
            ) == [1]
        });
        held.open();
        import.join().unwrap().unwrap();
        caller.join().unwrap()
    });
    assert_eq!((recorded.outcome, recorded.conversation), (Some(CallOutcome::Missed), None), "as after any other import");
    assert_eq!(scene.counts(), (1, 0, 0));
}

/// No person's lock makes these follow one another: the call's own row does.
#[test]
fn same_callbacks_of_a_withheld_number_at_once_make_one_call() {
    let scene = busy_scene();
    let form = VoiceForm::missed("anonymous", &scene.business.number, "CA1");
    let ended = form.clone().with("CallStatus", "completed").with("CallDuration", "9");
    at_once(100, |number| {
        scene.record(if number % 2 == 0 { &form } else { &ended });
    });
    assert_eq!(scene.counts(), (1, 0, 0));
}

#[test]
fn two_hundred_calls_of_one_caller_at_once_make_one_text() {
    let scene = busy_scene();
    at_once(200, |_| {
        scene.missed("+14155550123");
    });
    assert_eq!(scene.counts(), (200, 1, 1));
    let counted: Vec<i64> = scene.db.query("SELECT total_calls FROM conversations");
    assert_eq!(counted, [200]);
}

#[test]
fn two_hundred_callers_at_once_are_texted_each() {
    let scene = busy_scene();
    let callers: Vec<PhoneNumber> = (0..200).map(|_| unique_phone()).collect();
    at_once(200, |number| {
        scene.missed(callers[number].as_str());
    });
    assert_eq!(scene.counts(), (200, 200, 200));
    let texted: Vec<String> = scene.db.query("SELECT to_number FROM messages");
    assert_eq!(HashSet::from_iter(texted), callers.iter().map(ToString::to_string).collect::<HashSet<_>>());
}

/// The callbacks of one call, each thirty times, thrown in from sixteen threads.
#[test]
fn the_callbacks_of_one_call_at_once_end_as_one_after_another() {
    let scene = busy_scene();
    let (_, callbacks, outcome) = FAMILIES[0];
    let form = |caller: &str, sid: &str, at: usize| {
        let base = VoiceForm::missed(caller, &scene.business.number, sid);
        callbacks[at].iter().fold(base, |form, (field, value)| form.with(field, value))
    };
    for at in 0..callbacks.len() {
        scene.record(&form("+14155550100", "CAorderly", at));
    }
    at_once(30 * callbacks.len(), |number| {
        scene.record(&form("+14155550123", "CAatonce", number * 7 % callbacks.len()));
    });
    let mut conn = scene.db.superuser();
    let at_once = left_behind(&mut conn, &scene, "CAatonce");
    assert_eq!(at_once, left_behind(&mut conn, &scene, "CAorderly"));
    assert_eq!((at_once.0["call"]["outcome"].as_str(), at_once.1), (Some(outcome.label()), 1));
}

// ---------------------------------------------------------------------------------------------- what it was

/// The decision table, end to end: what Twilio says, what the call was, whether the caller is texted.
#[test]
fn the_outcome_decides_who_is_texted() {
    use CallOutcome::{Abandoned, Answered, Failed, Missed, Voicemail};
    let scene = Scene::new();
    // CallStatus, DialCallStatus, AnsweredBy, CallDuration.
    let table = [
        ("completed", "completed", "human", "60", Answered),
        ("completed", "completed", "", "60", Answered),
        ("completed", "completed", "unknown", "60", Answered),
        ("completed", "answered", "", "60", Answered),
        ("completed", "completed", "machine_start", "60", Voicemail),
        ("completed", "completed", "machine_end_beep", "60", Voicemail),
        ("completed", "completed", "fax", "60", Voicemail),
        ("completed", "no-answer", "", "20", Missed),
        ("completed", "busy", "", "20", Missed),
        ("completed", "failed", "", "20", Missed),
        ("completed", "canceled", "", "20", Missed),
        ("canceled", "no-answer", "", "", Missed),
        ("no-answer", "", "", "", Missed),
        ("busy", "", "", "", Missed),
        ("canceled", "", "", "0", Abandoned),
        ("failed", "", "", "", Failed),
        ("completed", "", "human", "12", Answered),
        ("completed", "", "", "12", Answered),
        ("completed", "", "machine_end_silence", "12", Voicemail),
        ("completed", "", "", "0", Abandoned),
        ("completed", "maybe", "robot", "12.0", Answered),
    ];
    for (status, leg, by, seconds, expected) in table {
        let recorded = scene.record(
            &VoiceForm::missed(unique_phone().as_str(), &scene.business.number, &unique_sid("CA"))
                .with("CallStatus", status)
                .with("DialCallStatus", leg)
                .with("AnsweredBy", by)
                .with("CallDuration", seconds),
        );
        let row = (status, leg, by, seconds);
        assert_eq!(recorded.outcome, Some(expected), "{row:?}");
        assert_eq!(recorded.greeting.is_some(), matches!(expected, Missed | Voicemail | Abandoned), "{row:?}");
        let call = scene.db.store.tenant(&scene.business.tenant, |tx| tx.calls().get(recorded.call)).unwrap();
        assert_eq!(
            (call.outcome, call.call_status.label(), call.conversation_id),
            (Some(expected), status, recorded.conversation)
        );
    }
}

#[test]
fn a_missed_call_leaves_the_whole_story() {
    let scene = Scene::new();
    let recorded = scene.missed("+14155550123");
    let conversation = recorded.conversation.unwrap();
    let (store, tenant) = (&scene.db.store, &scene.business.tenant);
    let (call, conv) =
        store.tenant(tenant, |tx| Ok((tx.calls().get(recorded.call)?, tx.conversations().get(conversation)?))).unwrap();
    assert_eq!(call.conversation_id, Some(conversation));
    assert_eq!((conv.first_call_id, conv.last_call_id, conv.total_calls), (Some(call.id), Some(call.id), 1));
    assert_eq!((conv.status, conv.channel), (ConversationStatus::Active, ConversationChannel::Phone));
    let texts = scene.business.messages(store, &MessageFilter::default());
    let [text] = texts.as_slice() else { panic!("{texts:?}") };
    assert_eq!((text.message_kind, text.message_status), (MessageKind::Greeting, MessageStatus::Queued));
    assert_eq!((text.call_id, text.conversation_id), (Some(call.id), conversation));
    assert_eq!((text.from_number.as_str(), text.to_number.as_str()), (scene.business.number.as_str(), "+14155550123"));
    assert_eq!(text.next_attempt_at, Some(noon()), "due at once");
    use ConversationEventType as Event;
    assert_eq!(
        scene.business.events(&scene.db.store, conversation),
        [Event::CallStarted, Event::CallEnded, Event::MessageQueued]
    );
}

#[test]
fn a_call_that_turns_out_missed_is_greeted_then_and_once() {
    let scene = Scene::new();
    let form = VoiceForm::missed("+14155550123", &scene.business.number, "CA1").with("CallStatus", "completed");
    let answered = scene.record(&form.clone().with("CallDuration", "12"));
    assert_eq!((answered.outcome, answered.greeting), (Some(CallOutcome::Answered), None));
    let missed = scene.record(&form.clone().with("DialCallStatus", "no-answer"));
    assert_eq!((missed.outcome, missed.greeting.is_some()), (Some(CallOutcome::Missed), true));
    // The second attempt to forward it reached a machine.
    let voicemail = scene.record(&form.with("DialCallStatus", "completed").with("AnsweredBy", "machine_start"));
    assert_eq!((voicemail.outcome, voicemail.greeting), (Some(CallOutcome::Voicemail), None));
    assert_eq!(scene.counts(), (1, 1, 1));
    use ConversationEventType as Event;
    let story = [Event::CallStarted, Event::CallEnded, Event::OutcomeChanged, Event::MessageQueued, Event::OutcomeChanged];
    assert_eq!(scene.business.events(&scene.db.store, answered.conversation.unwrap()), story);
}

#[test]
fn an_outbound_call_joins_the_conversation_and_greets_nobody() {
    let scene = Scene::new();
    let form = VoiceForm::missed(scene.business.number.as_str(), &"+14155550123".parse().unwrap(), "CA1");
    for (direction, sid) in [("outbound-api", "CA1"), ("outbound-dial", "CA2")] {
        let recorded = scene.record(&form.clone().with("Direction", direction).with("CallSid", sid));
        assert_eq!((recorded.outcome, recorded.greeting), (None, None));
        assert_eq!(recorded.status, CallStatus::NoAnswer);
        let conversation =
            scene.db.store.tenant(&scene.business.tenant, |tx| tx.conversations().get(recorded.conversation.unwrap())).unwrap();
        assert_eq!(conversation.customer_phone.as_str(), "+14155550123");
    }
    assert_eq!(scene.counts(), (2, 1, 0));
    let parties: Vec<Value> = scene.db.query("SELECT caller_phone, called_phone FROM calls WHERE call_direction = 'outbound'");
    assert_eq!(parties.len(), 2);
    assert_eq!(parties[0]["caller_phone"], scene.business.number.as_str());
    assert_eq!(parties[0]["called_phone"], "+14155550123");
}

// --------------------------------------------------------------------------------------------- who is texted

#[test]
fn a_caller_without_a_number_is_recorded_and_not_texted() {
    let scene = Scene::new();
    let withheld = [
        "",
        "  ",
        "anonymous",
        "Anonymous",
        "restricted",
        "unknown",
        "blocked",
        "unavailable",
        "private",
        "+266696687",
        "+7378742833",
        "+2562533",
        "+8656696",
        "+86282452253",
    ];
    let others = [
        "sip:joe@example.com",
        "sip:+14155550123@carrier.example.com",
        "client:desk",
        "72975",
        "ACME",
        "5550123",
        "22732345",
        "4930123456",
        "+1911",
        "+1",
        "sim:DE0123",
        "joe@example.com",
    ];
    for caller in withheld.into_iter().chain(others) {
        let recorded = scene.missed(caller);
        assert_eq!(recorded.outcome, Some(CallOutcome::Missed), "{caller:?}");
        assert_eq!((recorded.conversation, recorded.greeting), (None, None), "{caller:?}");
        let call = scene.db.store.tenant(&scene.business.tenant, |tx| tx.calls().get(recorded.call)).unwrap();
        let kept = if withheld.contains(&caller) { "anonymous" } else { caller };
        assert_eq!(call.caller_phone.as_str(), kept);
    }
    assert_eq!(scene.counts(), (26, 0, 0));
}

#[test]
fn a_call_between_our_own_numbers_is_blocked() {
    let scene = Scene::new();
    let second = scene.business.add_number(&scene.db.store);
    let rival = Business::onboard(&scene.db.store, "Ann's Plumbing");
    let recorded = scene.missed(second.as_str());
    assert_eq!((recorded.outcome, recorded.conversation, recorded.greeting), (Some(CallOutcome::Blocked), None, None));
    // Another business's number is a customer like any other.
    let recorded = scene.missed(rival.number.as_str());
    assert_eq!((recorded.outcome, recorded.greeting.is_some()), (Some(CallOutcome::Missed), true));
    assert_eq!(scene.counts(), (2, 1, 1));
}

#[test]
fn who_has_opted_out_is_not_greeted_until_they_opt_in() {
    let scene = Scene::new();
    let caller = unique_phone();
    scene.consent(&caller, ConsentAction::OptOut);
    let second = scene.business.add_number(&scene.db.store);
    for number in [&scene.business.number, &second] {
        let recorded = scene.record(&VoiceForm::missed(caller.as_str(), number, &unique_sid("CA")));
        assert_eq!((recorded.outcome, recorded.greeting), (Some(CallOutcome::Missed), None));
        assert!(recorded.conversation.is_some(), "staff see the call all the same");
    }
    scene.consent(&caller, ConsentAction::OptIn);
    assert!(scene.missed(caller.as_str()).greeting.is_some());
}

#[test]
fn a_suspended_business_records_and_does_not_text() {
    let scene = Scene::new();
    scene.business.suspend(&scene.db, true);
    let recorded = scene.missed("+14155550123");
    assert_eq!((recorded.outcome, recorded.greeting), (Some(CallOutcome::Missed), None));
    assert_eq!(scene.counts(), (1, 1, 0));
    scene.business.suspend(&scene.db, false);
    assert!(scene.missed("+14155550123").greeting.is_some());
}

// --------------------------------------------------------------------------------------------- what is said

#[test]
fn the_first_text_to_a_person_says_how_to_stop() {
    let scene = Scene::new();
    let caller = unique_phone();
    let first = scene.missed(caller.as_str());
    assert_eq!(scene.body(&first), "Hello! Thanks for calling Joe's Plumbing. How can we help you today? Reply STOP to opt out.");
    let sent = || scene.db.execute("UPDATE messages SET message_status = 'sent', next_attempt_at = NULL");
    sent();
    scene.clock.advance(TimeDelta::hours(24));
    let second = scene.missed(caller.as_str());
    assert_eq!(scene.body(&second), "Hello! Thanks for calling Joe's Plumbing. How can we help you today?");
    // Whatever the first text was.
    let known = unique_phone();
    scene.business.queue(&scene.db.store, &known, "Hi, it's Joe.").unwrap();
    sent();
    scene.clock.advance(TimeDelta::hours(1));
    assert!(!scene.body(&scene.missed(known.as_str())).contains("STOP"));
}

#[test]
fn the_greeting_is_the_business_s_own() {
    let scene = Scene::new();
    let template = "{{business_name}} here. Sorry we missed you!";
    let patch = BusinessSettingsPatch { greeting_template: Some(template.to_owned()), ..Default::default() };
    scene.db.store.tenant(&scene.business.tenant, |tx| tx.business_settings().update(&patch)).unwrap();
    let body = scene.body(&scene.missed("+14155550123"));
    assert_eq!(body, "Joe's Plumbing here. Sorry we missed you! Reply STOP to opt out.");
    // Without a settings row the caller is greeted all the same.
    scene.db.execute("DELETE FROM business_settings");
    let body = scene.body(&scene.missed("+14155550124"));
    assert!(body.starts_with("Hello! Thanks for calling Joe's Plumbing."));
}

// --------------------------------------------------------------------------------------------- whose call

#[test]
fn a_conversation_that_staff_opened_is_joined() {
    let scene = Scene::new();
    let caller = unique_phone();
    let opened = scene.business.conversation_with(&scene.db.store, &caller);
    let first = scene.missed(caller.as_str());
    let second = scene.missed(caller.as_str());
    let (store, tenant) = (&scene.db.store, &scene.business.tenant);
    for recorded in [first, second] {
        assert_eq!(recorded.conversation, Some(opened));
        assert_eq!(store.tenant(tenant, |tx| tx.calls().get(recorded.call)).unwrap().conversation_id, Some(opened));
    }
    let conversation = store.tenant(tenant, |tx| tx.conversations().get(opened)).unwrap();
    let counted = (conversation.first_call_id, conversation.last_call_id, conversation.total_calls);
    assert_eq!(counted, (Some(first.call), Some(second.call), 2));
    let texts = scene.business.messages(store, &MessageFilter::default());
    assert_eq!(texts.iter().map(|text| text.conversation_id).collect::<Vec<_>>(), [opened]);
}

/// Every row of every table, but for the times that PostgreSQL itself keeps.
fn everything(scene: &Scene) -> Vec<BTreeMap<String, Vec<String>>> {
    let tenants: Vec<String> = scene.db.query("SELECT id FROM tenants ORDER BY id");
    tenants.into_iter().map(|id| scene.db.rows_of(id.parse().unwrap())).collect()
}

#[test]
fn a_number_that_nobody_holds_changes_nothing() {
    let scene = Scene::new();
    let before = everything(&scene);
    for direction in ["inbound", "outbound-api"] {
        let form = VoiceForm::missed("+14155550123", &"+14155550199".parse().unwrap(), "CA1").with("Direction", direction);
        let refused = record_voice_status(&scene.db.store, &form.parse());
        assert!(matches!(refused, Err(Error::NotFound { entity: "phone number" })), "{refused:?}");
    }
    assert_eq!(everything(&scene), before);
}

#[test]
fn a_number_s_calls_are_its_holder_s() {
    let scene = Scene::new();
    let (store, rival) = (&scene.db.store, Business::onboard(&scene.db.store, "Ann's Plumbing"));
    let number = scene.business.number.clone();
    let mine = scene.missed("+14155550123");
    let released = store.tenant(&scene.business.tenant, |tx| {
        let held = tx.phone_numbers().find_by_number(&number)?.unwrap();
        tx.phone_numbers().set_status(held.id, NumberStatus::Released)
    });
    released.unwrap();
    scene.clock.advance(TimeDelta::minutes(1));
    let before = everything(&scene);
    let form = VoiceForm::missed("+14155550123", &number, &unique_sid("CA"));
    let refused = record_voice_status(store, &form.parse());
    assert!(matches!(refused, Err(Error::NotFound { .. })), "{refused:?}");
    assert_eq!(everything(&scene), before);

    let again = NewPhoneNumber {
        phone_number: number,
        twilio_phone_sid: Some(unique_sid("PN")),
        locality: None,
        region: None,
        number_type: NumberType::Local,
        price: None,
    };
    store.tenant(&rival.tenant, |tx| tx.phone_numbers().create(&again)).unwrap();
    let theirs = scene.record(&form);
    assert!(theirs.greeting.is_some(), "the rival has never texted them");
    assert!(store.tenant(&rival.tenant, |tx| tx.calls().get(theirs.call)).is_ok());
    assert!(matches!(store.tenant(&scene.business.tenant, |tx| tx.calls().get(theirs.call)), Err(Error::NotFound { .. })));
    assert!(store.tenant(&scene.business.tenant, |tx| tx.calls().get(mine.call)).is_ok());
}

/// A SID tells calls apart within one business; the same SID at another is another call.
#[test]
fn two_businesses_may_have_the_same_sid() {
    let scene = Scene::new();
    let rival = Business::onboard(&scene.db.store, "Ann's Plumbing");
    let mine = scene.record(&VoiceForm::missed("+14155550123", &scene.business.number, "CA1"));
    let theirs = scene.record(&VoiceForm::missed("+14155550123", &rival.number, "CA1"));
    assert_ne!(mine.call, theirs.call);
    assert!(mine.greeting.is_some() && theirs.greeting.is_some());
}

// --------------------------------------------------------------------------------------------- what it costs

/// A statement that is not kept is parsed and planned anew each time, which the count below does not show.
#[test]
fn every_statement_of_a_missed_call_stays_prepared() {
    let db = TestDb::with(|config| config.pool_size = 1);
    let business = Business::onboard(&db.store, "Joe's Plumbing");
    let newly_prepared = |caller: &PhoneNumber| {
        let callback = VoiceForm::missed(caller.as_str(), &business.number, &unique_sid("CA")).parse();
        let before = statements_prepared();
        record_voice_status(&db.store, &callback).unwrap();
        statements_prepared() - before
    };
    assert_eq!(newly_prepared(&unique_phone()), 3, "whose number and what is known, what decides, all that is written");
    assert_eq!(newly_prepared(&unique_phone()), 0);
}

/// What decides about a greeting takes several times as long to plan as to run.
#[test]
fn what_decides_about_a_greeting_is_planned_once_per_connection() {
    let db = TestDb::with(|config| config.pool_size = 1);
    let business = Business::onboard(&db.store, "Joe's Plumbing");
    for _ in 0..10 {
        let callback = VoiceForm::missed(unique_phone().as_str(), &business.number, &unique_sid("CA")).parse();
        record_voice_status(&db.store, &callback).unwrap();
    }
    let plans = |kind: &str| -> Vec<i64> {
        let sql = format!("SELECT {kind} FROM pg_prepared_statements WHERE statement LIKE 'SELECT t.business_name%'");
        db.store.tenant(&business.tenant, |tx| tx.diesel(|conn, _| Ok(query(conn, &sql)))).unwrap()
    };
    assert_eq!((plans("generic_plans"), plans("custom_plans")), (vec![10], vec![0]));
}

/// Round trips per callback: what decides how many calls one database takes.
#[test]
fn a_callback_costs_this_many_round_trips() {
    let scene = Scene::new();
    let count = |form: &VoiceForm| {
        let callback = form.parse();
        let before = statements_sent();
        record_voice_status(&scene.db.store, &callback).unwrap();
        statements_sent() - before
    };
    let form = |caller: &str, sid: &str| VoiceForm::missed(caller, &scene.business.number, sid);
    // BEGIN and role; whose number, tenant, lock and what is known; what decides; all that is written; COMMIT.
    assert_eq!(count(&form("+14155550123", "CA1")), 5, "a new caller's missed call");
    assert_eq!(count(&form("+14155550123", "CA1")), 4, "the same again");
    // No greeting is due, and the log says why.
    assert_eq!(count(&form("+14155550123", "CA2")), 5, "a known caller's, greeted already");
    let known = unique_phone();
    scene.business.conversation_with(&scene.db.store, &known);
    assert_eq!(count(&form(known.as_str(), "CA3")), 5, "a known caller's first, with a greeting");
    // Whether that call was deleted is asked by itself.
    assert_eq!(count(&form("anonymous", "CA4")), 6, "a caller without a number");
    assert_eq!(count(&form("+14155550124", "CA5").with("CallStatus", "ringing")), 4, "a new caller's call that rings");
    assert_eq!(count(&form("+14155550124", "CA5").with("CallStatus", "in-progress")), 5, "and is picked up");
}

// --------------------------------------------------------------------------------------------- odd input

/// Long words of the network must not cost the call: they are cut to their columns.
#[test]
fn long_words_are_cut_and_stored() {
    let scene = Scene::new();
    let long = "ß".repeat(3_000);
    let fields = ["CallerName", "FromCity", "FromState", "FromCountry", "AnsweredBy", "ForwardedFrom", "RecordingUrl"];
    let form = fields
        .iter()
        .fold(VoiceForm::missed("+14155550123", &scene.business.number, "CA1").with("SomethingNew", &long), |form, field| {
            form.with(field, &long)
        });
    let recorded = scene.record(&form);
    let call = scene.db.store.tenant(&scene.business.tenant, |tx| tx.calls().get(recorded.call)).unwrap();
    let kept =
        [call.caller_name, call.caller_city, call.caller_state, call.caller_country, call.answered_by, call.forwarded_from];
    let lengths = kept.map(|text| text.unwrap().chars().count());
    assert_eq!(lengths, [255, 100, 50, 3, 100, 20]);
}

/// The status before the call began is told as `queued` or `initiated`; both are the same to us.
#[test]
fn a_queued_call_has_been_initiated() {
    let form = VoiceForm::missed("+14155550123", &unique_phone(), "CA1").with("CallStatus", "queued");
    assert_eq!(form.facts().status, CallStatus::Initiated);
}
