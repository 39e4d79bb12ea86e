//! What happened while we were away is found in Twilio's lists, and old news texts nobody.

use crate::support::dec;
use chrono::{DateTime, TimeDelta, Utc};
use nmc_core::access::Acting;
use nmc_core::calls::CallFilter;
use nmc_core::conversations::{Message, MessageFilter};
use nmc_core::telephony::ProviderError;
use nmc_core::telephony::TextDirectory;
use nmc_core::telephony::{CallDirectory, CallPage, CallReport, ForwardedCall, VoiceCallback};
use nmc_core::tenants::BusinessSettingsPatch;
use nmc_core::testing::{
    Business, FakeTwilio, ManualClock, SmsForm, TestDb, TextFacts, TwilioCall, TwilioFault, TwilioText, VoiceForm, finally, noon,
    statements_sent, unique_phone, unique_sid, wait_until,
};
use nmc_core::twilio::{TwilioCalls, TwilioTexts};
use nmc_core::workflows::{CatchUp, CaughtUp, FoundWhat, Upkeep, UpkeepConfig};
use nmc_core::workflows::{erase_customer, receive_text};
use nmc_core::workflows::{record_voice_status, refresh_call_by_sid};
use nmc_core::{
    CallOutcome, CallStatus, Clock as _, Confirmed, Error, MessageDirection, MessageKind, MessageStatus, PageRequest,
    PhoneNumber, Uploads,
};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicUsize, Ordering};

/// A business that has had its number for two days, and Twilio.
struct Scene {
    db: TestDb,
    clock: Arc<ManualClock>,
    twilio: FakeTwilio,
    joe: Business,
    caller: PhoneNumber,
}

impl Scene {
    fn new() -> Self {
        let clock = Arc::new(ManualClock::new(noon() - TimeDelta::days(2)));
        let db = TestDb::with_clock(clock.clone());
        let twilio = FakeTwilio::with_clock(clock.clone());
        let joe = Business::onboard(&db.store, "Joe's Plumbing");
        clock.advance(TimeDelta::days(2));
        Self { db, clock, twilio, joe, caller: unique_phone() }
    }

    fn catch_up(&self) -> CatchUp {
        let account = self.twilio.account();
        CatchUp::new(self.db.store.clone(), Arc::new(TwilioCalls::new(&account)), Arc::new(TwilioTexts::new(&account)))
    }

    fn run(&self) -> CaughtUp {
        self.catch_up().run().unwrap()
    }

    fn ago(&self, minutes: i64) -> DateTime<Utc> {
        self.clock.now() - TimeDelta::minutes(minutes)
    }

    /// A call at Twilio that nobody took, so many minutes ago.
    fn call(&self, minutes: i64) -> TwilioCall {
        let at = self.ago(minutes);
        TwilioCall {
            sid: unique_sid("CA"),
            parent_call_sid: None,
            from: self.caller.to_string(),
            to: self.joe.number.to_string(),
            status: "no-answer".to_owned(),
            direction: "inbound".to_owned(),
            duration: Some(0),
            price: None,
            start_time: Some(at),
            end_time: Some(at + TimeDelta::seconds(20)),
            answered_by: None,
            caller_name: None,
            created_at: at,
        }
    }

    fn text(&self, minutes: i64, body: &str) -> TwilioText {
        TwilioText {
            sid: unique_sid("SM"),
            from: self.caller.to_string(),
            to: self.joe.number.to_string(),
            body: body.to_owned(),
            direction: "inbound",
            status_callback: None,
            created_at: self.ago(minutes),
        }
    }

    fn greetings(&self) -> usize {
        let greetings = MessageFilter { kind: Some(MessageKind::Greeting), ..MessageFilter::default() };
        self.joe.messages(&self.db.store, &greetings).len()
    }

    fn texts(&self, direction: MessageDirection) -> Vec<Message> {
        self.joe.messages(&self.db.store, &MessageFilter { direction: Some(direction), ..MessageFilter::default() })
    }

    fn has_opted_out(&self) -> bool {
        self.db.store.tenant(&self.joe.tenant, |tx| tx.consents().is_opted_out(&self.caller)).unwrap()
    }

    fn calls(&self) -> Vec<nmc_core::calls::Call> {
        let page = PageRequest::new(PageRequest::MAX, None).unwrap();
        self.db.store.tenant(&self.joe.tenant, |tx| tx.calls().list(&CallFilter::default(), page)).unwrap().items
    }

    fn marks(&self) -> (DateTime<Utc>, DateTime<Utc>) {
        let mark = self.db.store.tenant(&self.joe.tenant, |tx| tx.catch_up_marks().find("twilio")).unwrap().unwrap();
        (mark.messages_until, mark.calls_until)
    }
}

fn recorded(came: &CaughtUp) -> (usize, usize) {
    (came.texts.recorded, came.calls.recorded)
}

// ------------------------------------------------------------------------------------------------ what is found

#[test]
fn a_missed_call_of_an_outage_is_recorded_and_answered() {
    let scene = Scene::new();
    let call = scene.call(20);
    scene.twilio.put_call(call.clone());
    let came = scene.run();
    assert_eq!((recorded(&came), scene.greetings()), ((0, 1), 1));
    let found = &came.found[0];
    assert_eq!((found.what, &found.sid, found.answered), (FoundWhat::Call, &call.sid, true));
    let row = scene.calls().remove(0);
    assert_eq!((row.call_status, row.outcome), (CallStatus::NoAnswer, Some(CallOutcome::Missed)));
    assert_eq!(row.ended_at, call.end_time, "its own time, not that of asking");
    assert_eq!((recorded(&scene.run()), scene.greetings()), ((0, 0), 1), "once");
}

#[test]
fn a_stop_is_heard_before_the_call_that_came_first() {
    let scene = Scene::new();
    scene.twilio.put_call(scene.call(30));
    scene.twilio.put(scene.text(10, "STOP"));
    let came = scene.run();
    assert_eq!((recorded(&came), scene.greetings(), scene.has_opted_out()), ((1, 1), 0, true));
    assert_eq!(came.found[0].what, FoundWhat::Text);
    let text = scene.texts(MessageDirection::Inbound).remove(0);
    assert_eq!(text.created_at, scene.ago(10), "it stands where it belongs");
}

#[test]
fn of_stop_and_start_the_later_one_counts() {
    for (first, second, out) in [("STOP", "START", false), ("START", "STOP", true)] {
        let scene = Scene::new();
        // The list's newest is first, and the two are on different pages.
        scene.twilio.put(scene.text(30, first));
        for _ in 0..300 {
            scene.twilio.put(TwilioText { to: "+13125550100".to_owned(), ..scene.text(25, "Hello") });
        }
        scene.twilio.put(scene.text(20, second));
        scene.run();
        assert_eq!(scene.has_opted_out(), out, "{first}, then {second}");
    }
    // A START that is found late does not take back a STOP that was heard after it.
    let scene = Scene::new();
    receive_text(&scene.db.store, &SmsForm::text(scene.caller.as_str(), &scene.joe.number, "STOP").parse()).unwrap();
    scene.twilio.put(scene.text(20, "START"));
    assert_eq!((recorded(&scene.run()), scene.has_opted_out()), ((1, 0), true));
}

#[test]
fn old_news_is_recorded_and_nobody_is_texted() {
    let scene = Scene::new();
    scene.twilio.put_call(scene.call(62));
    scene.twilio.put(scene.text(62, "HELP"));
    assert_eq!(recorded(&scene.run()), (1, 1));
    assert_eq!((scene.calls()[0].outcome, scene.texts(MessageDirection::Outbound)), (Some(CallOutcome::Missed), vec![]));
}

/// The provider's list tells of a leg that was taken, and not by whom: where a key has to be pressed, that is known of a person.
#[test]
fn a_leg_in_the_list_counts_as_its_screening_says() {
    let scene = Scene::new();
    let screening = |how: &str| {
        let change = BusinessSettingsPatch { call_screening: Some(how.parse().unwrap()), ..BusinessSettingsPatch::default() };
        scene.db.store.tenant(&scene.joe.tenant, |tx| tx.business_settings().update(&change)).unwrap();
    };
    for (how, leg, key, outcome, by_hand) in [
        ("key_press", "no-answer", false, CallOutcome::Missed),
        ("key_press", "completed", false, CallOutcome::Voicemail),
        ("key_press", "completed", true, CallOutcome::Answered),
        ("none", "completed", false, CallOutcome::Answered),
    ]
    .into_iter()
    .flat_map(|case| [(case, false), (case, true)])
    .map(|((how, leg, key, outcome), by_hand)| (how, leg, key, outcome, by_hand))
    {
        screening(how);
        let call = TwilioCall { status: "completed".to_owned(), duration: Some(25), ..scene.call(5) };
        if key {
            let forwarded =
                ForwardedCall { call: call.sid.clone(), number: scene.joe.number.to_string(), from: call.from.clone() };
            record_voice_status(&scene.db.store, &VoiceCallback::taken_by_a_person(&forwarded).unwrap()).unwrap();
        }
        scene.twilio.put_call(TwilioCall {
            sid: unique_sid("CA"),
            parent_call_sid: Some(call.sid.clone()),
            direction: "outbound-dial".to_owned(),
            status: leg.to_owned(),
            start_time: Some(scene.ago(4)),
            ..call.clone()
        });
        scene.twilio.put_call(call.clone());
        // By whichever way it is learnt first, and then by the other.
        let calls = TwilioCalls::new(&scene.twilio.account());
        let refresh = || refresh_call_by_sid(&scene.db.store, &scene.joe.tenant, &calls, &call.sid).unwrap();
        let outcome_now = || {
            let row = scene.calls().into_iter().find(|row| row.twilio_call_sid.as_ref() == Some(&call.sid)).unwrap();
            row.outcome
        };
        if by_hand {
            assert_eq!(refresh().outcome, Some(outcome), "{how} {leg} {key}");
        }
        scene.run();
        assert_eq!(outcome_now(), Some(outcome), "{how} {leg} {key}");
        refresh();
        assert_eq!(outcome_now(), Some(outcome), "asked again: {how} {leg} {key}");
    }
    assert_eq!(scene.calls().len(), 8, "a leg is no call");
}

#[test]
fn the_end_of_a_call_under_way_is_found_out_later() {
    let scene = Scene::new();
    let call = scene.call(5);
    record_voice_status(
        &scene.db.store,
        &VoiceForm::missed(&call.from, &scene.joe.number, &call.sid).with("CallStatus", "ringing").parse(),
    )
    .unwrap();
    scene.twilio.put_call(TwilioCall { status: "in-progress".to_owned(), end_time: None, duration: None, ..call.clone() });
    assert_eq!(recorded(&scene.run()), (0, 0));
    // It lasts longer than what is read once more.
    for _ in 0..6 {
        scene.clock.advance(TimeDelta::minutes(5));
        scene.run();
    }
    assert!(scene.marks().1 <= call.created_at, "the mark waits for it: {:?}", scene.marks());
    scene.twilio.put_call(TwilioCall { end_time: Some(scene.ago(1)), ..call });
    let came = scene.run();
    assert_eq!((came.calls.recorded, came.calls.updated, scene.greetings()), (0, 1, 1));
    assert_eq!(scene.calls()[0].call_status, CallStatus::NoAnswer);
    scene.run();
    assert_eq!(scene.marks().1, scene.clock.now());
}

#[test]
fn prices_and_what_became_of_our_texts_are_learnt() {
    let scene = Scene::new();
    let call = TwilioCall { price: Some("-0.0085".to_owned()), ..scene.call(20) };
    scene.twilio.put_call(call);
    scene.run();
    let greeting = scene.texts(MessageDirection::Outbound).remove(0);
    let sid = unique_sid("SM");
    scene.db.execute(&format!(
        "UPDATE messages SET message_status = 'sent', message_sid = '{sid}', sent_at = now(), next_attempt_at = NULL"
    ));
    let ours = TwilioText {
        sid: sid.clone(),
        from: scene.joe.number.to_string(),
        to: scene.caller.to_string(),
        body: greeting.message_body.clone(),
        direction: "outbound-api",
        ..scene.text(0, "")
    };
    scene.twilio.put(ours);
    let facts = |status: &str, error_code, price: Option<&str>| TextFacts {
        status: status.to_owned(),
        error_code,
        price: price.map(str::to_owned),
        media: vec![],
    };
    scene.twilio.tell_of_text(&sid, facts("undelivered", Some(30_005), None));
    assert_eq!(scene.run().texts.updated, 1);
    let text = scene.joe.message(&scene.db.store, greeting.id);
    assert_eq!((text.message_status, text.error_code, text.price), (MessageStatus::Undelivered, Some(30_005), None));
    scene.twilio.tell_of_text(&sid, facts("undelivered", Some(30_005), Some("-0.00790")));
    let came = scene.run();
    assert_eq!((came.texts.updated, came.texts.priced), (0, 1));
    assert_eq!(scene.joe.message(&scene.db.store, greeting.id).price, Some(dec!(0.0079)));
    assert_eq!(scene.calls()[0].price, Some(dec!(0.0085)));
    assert_eq!(scene.run().texts.priced, 0);
}

#[test]
fn what_is_not_ours_or_can_not_be_read_costs_nothing_else() {
    let scene = Scene::new();
    scene.run();
    scene.clock.advance(TimeDelta::minutes(30));
    scene.twilio.spoil_lists();
    scene.twilio.put_call(scene.call(20));
    scene.twilio.put(scene.text(20, "Hello"));
    let elsewhere = unique_phone().to_string();
    scene.twilio.put_call(TwilioCall { to: elsewhere.clone(), ..scene.call(20) });
    scene.twilio.put(TwilioText { to: elsewhere, ..scene.text(20, "STOP") });
    let came = scene.run();
    assert_eq!((recorded(&came), came.texts.unreadable, came.calls.unreadable), ((1, 1), 2, 2));
    assert_eq!(came.failed.len(), 0);
}

#[test]
fn list_field_missing_or_mistyped_loses_no_stop_and_no_call() {
    let scene = Scene::new();
    scene.twilio.loosen_lists();
    scene.twilio.put_call(TwilioCall { price: Some("-0.0085".to_owned()), ..scene.call(20) });
    scene.twilio.put(scene.text(10, "STOP"));
    let ours = TwilioText {
        from: scene.joe.number.to_string(),
        to: scene.caller.to_string(),
        direction: "outbound-api",
        ..scene.text(9, "STOP")
    };
    scene.twilio.put(ours);
    let came = scene.run();
    assert_eq!((recorded(&came), came.texts.unreadable, came.calls.unreadable), ((1, 1), 0, 0));
    assert_eq!((scene.has_opted_out(), scene.greetings(), scene.calls()[0].price), (true, 0, Some(dec!(0.0085))));
}

#[test]
fn stop_without_a_date_is_heard() {
    let scene = Scene::new();
    scene.twilio.undate_lists();
    scene.twilio.put_call(scene.call(20));
    scene.twilio.put(scene.text(10, "STOP"));
    let came = scene.run();
    assert_eq!((recorded(&came), came.texts.unreadable), ((1, 1), 0));
    assert_eq!((scene.has_opted_out(), scene.greetings()), (true, 0));
    assert_eq!(recorded(&scene.run()), (0, 0), "once");
}

#[test]
fn stop_from_a_number_without_a_plus_is_the_persons() {
    for from in ["4155552010", "14155552010", "+1 (415) 555-2010"] {
        let scene = Scene::new();
        let caller: PhoneNumber = "+14155552010".parse().unwrap();
        scene.twilio.put(TwilioText { from: from.to_owned(), ..scene.text(10, "STOP") });
        scene.run();
        let out = scene.db.store.tenant(&scene.joe.tenant, |tx| tx.consents().is_opted_out(&caller)).unwrap();
        assert!(out, "{from}");
    }
}

#[test]
fn completed_call_that_was_never_forwarded_is_missed() {
    let scene = Scene::new();
    let call = TwilioCall { status: "completed".to_owned(), duration: Some(4), ..scene.call(5) };
    scene.twilio.put_call(call);
    assert_eq!(recorded(&scene.run()), (0, 1));
    assert_eq!((scene.calls()[0].outcome, scene.greetings()), (Some(CallOutcome::Missed), 1));
    // Of one that its webhooks told of, no leg in the list says nothing.
    let scene = Scene::new();
    let call = TwilioCall { status: "completed".to_owned(), duration: Some(25), ..scene.call(5) };
    let form = VoiceForm::missed(&call.from, &scene.joe.number, &call.sid).with("CallStatus", "in-progress");
    record_voice_status(&scene.db.store, &form.without("DialCallStatus").parse()).unwrap();
    scene.twilio.put_call(call);
    scene.run();
    assert_eq!((scene.calls()[0].outcome, scene.greetings()), (Some(CallOutcome::Answered), 0));
}

#[test]
fn a_stop_by_another_channel_is_heard_too() {
    for channel in ["whatsapp", "rcs"] {
        let scene = Scene::new();
        let text = scene.text(10, "STOP");
        let (from, to) = (format!("{channel}:{}", text.from), format!("{channel}:{}", text.to));
        scene.twilio.put(TwilioText { from, to, ..text });
        assert_eq!((recorded(&scene.run()), scene.has_opted_out()), ((1, 0), true), "{channel}");
    }
}

#[test]
fn a_list_that_lags_is_read_again() {
    let scene = Scene::new();
    scene.run();
    scene.twilio.put_call(scene.call(0));
    scene.twilio.put(scene.text(0, "STOP"));
    scene.twilio.lag_lists_by(TimeDelta::minutes(6));
    scene.clock.advance(TimeDelta::minutes(5));
    assert_eq!(recorded(&scene.run()), (0, 0));
    scene.clock.advance(TimeDelta::minutes(4));
    assert_eq!(recorded(&scene.run()), (1, 1));
}

#[test]
fn a_text_whose_pictures_can_not_be_asked_for_waits() {
    let scene = Scene::new();
    scene.run();
    let before = scene.marks();
    scene.clock.advance(TimeDelta::minutes(20));
    let text = scene.text(10, "");
    let facts = TextFacts { status: "received".to_owned(), media: vec!["image/jpeg".to_owned()], ..TextFacts::default() };
    scene.twilio.put(text.clone());
    scene.twilio.tell_of_text(&text.sid, facts);
    scene.twilio.fail_with([TwilioFault::Pass, TwilioFault::ErrorBefore]);
    let came = scene.run();
    assert_eq!((recorded(&came), came.failed.len(), scene.marks()), ((0, 0), 1, before));
    assert_eq!(recorded(&scene.run()), (1, 0));
}

// -------------------------------------------------------------------------------------------------- from where on

#[test]
fn reading_begins_with_the_first_number_or_a_day_ago() {
    let scene = Scene::new();
    scene.twilio.put_call(scene.call(25 * 60));
    scene.twilio.put_call(scene.call(23 * 60));
    assert_eq!(recorded(&scene.run()), (0, 1));
    assert_eq!(scene.marks(), (scene.clock.now(), scene.clock.now()));
    // A business that comes later has no part in what was before it, though the account's list has it.
    let ann = Business::onboard(&scene.db.store, "Ann's Plumbing");
    scene.clock.advance(TimeDelta::minutes(30));
    scene.twilio.put_call(TwilioCall { to: ann.number.to_string(), ..scene.call(60) });
    scene.twilio.put_call(TwilioCall { to: ann.number.to_string(), ..scene.call(15) });
    assert_eq!(recorded(&scene.run()), (0, 1));
}

#[test]
fn a_long_outage_is_caught_up_with_for_a_week() {
    let scene = Scene::new();
    scene.run();
    scene.clock.advance(TimeDelta::days(9));
    for days in [8, 6, 3, 1] {
        scene.twilio.put_call(scene.call(days * 1_440));
        scene.twilio.put(scene.text(days * 1_440, "Hello"));
    }
    let came = scene.run();
    assert_eq!((recorded(&came), scene.greetings()), ((3, 3), 0));
    assert_eq!(scene.marks(), (scene.clock.now(), scene.clock.now()));
}

/// The running upkeep reads the lists at once, and resolves what has been idle.
#[test]
fn upkeep_reads_the_lists_and_ends_what_is_idle() {
    let scene = Scene::new();
    let old = scene.joe.conversation_with(&scene.db.store, &unique_phone());
    scene.db.execute("UPDATE conversations SET updated_at = '2026-10-01Z'");
    scene.twilio.put(scene.text(30, "STOP"));
    let upkeep = Upkeep::new(scene.db.store.clone(), Some(scene.catch_up()), UpkeepConfig::default());
    std::thread::scope(|scope| {
        let _stop = finally(|| upkeep.stop());
        scope.spawn(|| upkeep.run());
        wait_until("the opt-out is heard", || scene.has_opted_out());
        wait_until("the idle conversation is resolved", || {
            scene.db.query::<String>(&format!("SELECT status FROM conversations WHERE id = '{old}'")) == ["resolved"]
        });
        upkeep.stop();
    });
}

#[test]
fn nobody_with_a_number_means_nothing_is_asked() {
    let scene = Scene::new();
    scene.db.execute("DELETE FROM phone_numbers");
    assert_eq!((scene.run().since, scene.twilio.requests()), (None, 0));
}

// --------------------------------------------------------------------------------------------------- what goes wrong

/// Provider's lists whose reader dies after so many requests.
struct Mortal<T> {
    inner: T,
    left: Arc<AtomicI64>,
}

impl<T> Mortal<T> {
    fn ask<R>(&self, ask: impl FnOnce(&T) -> R) -> R {
        assert!(self.left.fetch_sub(1, Ordering::SeqCst) > 0, "killed");
        ask(&self.inner)
    }
}

impl CallDirectory for Mortal<TwilioCalls> {
    fn find(&self, sid: &str) -> Result<Option<CallReport>, ProviderError> {
        self.ask(|inner| inner.find(sid))
    }

    fn list(&self, since: DateTime<Utc>, until: Option<DateTime<Utc>>, after: Option<&str>) -> Result<CallPage, ProviderError> {
        self.ask(|inner| inner.list(since, until, after))
    }
}

impl TextDirectory for Mortal<TwilioTexts> {
    fn list(
        &self,
        since: DateTime<Utc>,
        until: Option<DateTime<Utc>>,
        after: Option<&str>,
    ) -> Result<nmc_core::telephony::TextPage, ProviderError> {
        self.ask(|inner| inner.list(since, until, after))
    }

    fn media(&self, sid: &str) -> Result<Vec<nmc_core::telephony::MediaReport>, ProviderError> {
        self.ask(|inner| inner.media(sid))
    }
}

#[test]
fn a_death_in_the_middle_loses_nothing() {
    for life in 0..8 {
        let scene = Scene::new();
        scene.run();
        scene.clock.advance(TimeDelta::hours(20));
        for hours in [19, 13, 7, 1] {
            scene.twilio.put_call(scene.call(hours * 60 - 30));
            // More than an hour before the call: who is texting already is not greeted.
            scene.twilio.put(scene.text(hours * 60 + 40, "Hello"));
        }
        let account = scene.twilio.account();
        let left = Arc::new(AtomicI64::new(life));
        let calls = Mortal { inner: TwilioCalls::new(&account), left: left.clone() };
        let texts = Mortal { inner: TwilioTexts::new(&account), left };
        let mortal = CatchUp::new(scene.db.store.clone(), Arc::new(calls), Arc::new(texts));
        let died = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| mortal.run()));
        assert!(died.is_err(), "{life}");
        scene.run();
        assert_eq!((scene.calls().len(), scene.texts(MessageDirection::Inbound).len()), (4, 4), "{life}");
        assert_eq!((scene.greetings(), scene.marks()), (1, (scene.clock.now(), scene.clock.now())), "{life}");
    }
}

#[test]
fn what_twilio_does_not_answer_keeps_the_marks() {
    let scene = Scene::new();
    scene.run();
    let before = scene.marks();
    scene.clock.advance(TimeDelta::minutes(20));
    scene.twilio.put_call(scene.call(10));
    scene.twilio.put(scene.text(10, "STOP"));
    for fault in [TwilioFault::ErrorBefore, TwilioFault::Garbage, TwilioFault::DropBefore, TwilioFault::TooMany(1)] {
        scene.twilio.fail_with([fault]);
        assert!(matches!(scene.catch_up().run(), Err(Error::Unavailable { .. })), "{fault:?}");
        assert_eq!(scene.marks(), before, "{fault:?}");
    }
    scene.twilio.fail_numbers_with([TwilioFault::ErrorBefore]);
    assert!(scene.catch_up().run().is_err());
    assert_eq!(scene.marks(), (scene.clock.now(), before.1), "texts are done with, calls are not");
    assert_eq!((scene.has_opted_out(), scene.calls().len()), (true, 0));
    assert_eq!(recorded(&scene.run()), (0, 1));
}

#[test]
fn the_failure_of_one_business_holds_no_other_back() {
    let scene = Scene::new();
    let ann = Business::onboard(&scene.db.store, "Ann's Plumbing");
    scene.run();
    let before = scene.marks();
    scene.clock.advance(TimeDelta::minutes(20));
    scene.twilio.put(scene.text(15, "Hello"));
    scene.twilio.put(TwilioText { to: ann.number.to_string(), ..scene.text(10, "Hello") });
    scene.db.execute(&format!(
        "ALTER TABLE messages ADD CONSTRAINT broken CHECK (tenant_id <> '{}') NOT VALID",
        scene.joe.tenant.id()
    ));
    let came = scene.run();
    assert_eq!((recorded(&came), came.failed.into_iter().collect::<Vec<_>>()), ((1, 0), vec![scene.joe.tenant.id()]));
    assert_eq!(scene.marks(), before);
    let anns = scene.db.store.tenant(&ann.tenant, |tx| tx.catch_up_marks().find("twilio")).unwrap().unwrap();
    assert_eq!(anns.messages_until, scene.clock.now());
    scene.db.execute("ALTER TABLE messages DROP CONSTRAINT broken");
    assert_eq!(recorded(&scene.run()), (1, 0));
}

#[test]
fn several_at_once_record_everything_once() {
    let scene = Scene::new();
    for minutes in 1..10 {
        scene.twilio.put_call(TwilioCall { from: unique_phone().to_string(), ..scene.call(minutes) });
        scene.twilio.put(TwilioText { from: unique_phone().to_string(), ..scene.text(minutes, "Hello") });
    }
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| scene.run());
        }
    });
    assert_eq!((scene.calls().len(), scene.texts(MessageDirection::Inbound).len(), scene.greetings()), (9, 9, 9));
}

// ----------------------------------------------------------------------------------------------------- what it costs

/// Twilio's lists, and how many statements were sent between two pages of calls at most.
struct Watched {
    inner: TwilioCalls,
    before: AtomicUsize,
    most: Arc<AtomicUsize>,
    most_calls: Arc<AtomicUsize>,
}

impl CallDirectory for Watched {
    fn find(&self, sid: &str) -> Result<Option<CallReport>, ProviderError> {
        self.inner.find(sid)
    }

    fn list(&self, since: DateTime<Utc>, until: Option<DateTime<Utc>>, after: Option<&str>) -> Result<CallPage, ProviderError> {
        let now = usize::try_from(statements_sent()).unwrap();
        if after.is_some() {
            self.most.fetch_max(now - self.before.load(Ordering::SeqCst), Ordering::SeqCst);
        }
        let page = self.inner.list(since, until, after)?;
        self.most_calls.fetch_max(page.calls.len(), Ordering::SeqCst);
        self.before.store(usize::try_from(statements_sent()).unwrap(), Ordering::SeqCst);
        Ok(page)
    }
}

#[test]
fn five_thousand_known_calls_cost_five_statements_a_page() {
    let scene = Scene::new();
    let call = scene.call(0);
    for n in 0..5_000 {
        let at = scene.ago(60) + TimeDelta::milliseconds(n * 500);
        let sid = format!("CA{n:032}");
        scene.twilio.put_call(TwilioCall { sid, start_time: Some(at), end_time: Some(at), created_at: at, ..call.clone() });
    }
    let tenant = scene.joe.tenant.id();
    scene.db.execute(&format!(
        "INSERT INTO calls (tenant_id, twilio_call_sid, caller_phone, called_phone, call_direction, call_status, outcome) \
         SELECT '{tenant}', 'CA' || lpad(n::text, 32, '0'), '{}', '{}', 'inbound', 'no-answer', 'missed' \
         FROM generate_series(0, 4999) AS n",
        scene.caller, scene.joe.number
    ));
    let (most, most_calls) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let account = scene.twilio.account();
    let watched = Watched {
        inner: TwilioCalls::new(&account),
        before: AtomicUsize::new(0),
        most: most.clone(),
        most_calls: most_calls.clone(),
    };
    let came = CatchUp::new(scene.db.store.clone(), Arc::new(watched), Arc::new(TwilioTexts::new(&account))).run().unwrap();
    assert_eq!((came.calls.read, came.calls.recorded, came.failed.len()), (5_000, 0, 0));
    // BEGIN, whose numbers, which are known, which were deleted, COMMIT.
    assert_eq!((most.load(Ordering::SeqCst), most_calls.load(Ordering::SeqCst)), (5, 1_000));
}

// ------------------------------------------------------------------------------------------------------ one call

#[test]
fn a_call_that_only_twilio_knows_is_refreshed_into_a_row() {
    let scene = Scene::new();
    let directory = TwilioCalls::new(&scene.twilio.account());
    let ann = Business::onboard(&scene.db.store, "Ann's Plumbing");
    let call = scene.call(5);
    scene.twilio.put_call(call.clone());
    let refresh = |business: &Business| refresh_call_by_sid(&scene.db.store, &business.tenant, &directory, &call.sid);
    assert!(matches!(refresh(&ann), Err(Error::NotFound { entity: "call" })), "another business's");
    let row = refresh(&scene.joe).unwrap();
    assert_eq!((row.outcome, row.ended_at, scene.greetings()), (Some(CallOutcome::Missed), call.end_time, 1));
    assert_eq!(refresh(&scene.joe).unwrap().id, row.id);
    assert!(matches!(
        refresh_call_by_sid(&scene.db.store, &scene.joe.tenant, &directory, "CA0"),
        Err(Error::Provider(ProviderError::Gone))
    ));
}

#[test]
fn a_no_answer_just_now_without_an_end_is_texted() {
    let scene = Scene::new();
    let directory = TwilioCalls::new(&scene.twilio.account());
    for (minutes, texts) in [(2 * 24 * 60 - 60, 0), (1, 1)] {
        let call = TwilioCall { end_time: None, duration: None, start_time: None, ..scene.call(minutes) };
        scene.twilio.put_call(call.clone());
        refresh_call_by_sid(&scene.db.store, &scene.joe.tenant, &directory, &call.sid).unwrap();
        assert_eq!(scene.greetings(), texts, "{minutes}");
    }
}

#[test]
fn late_facts_of_an_old_call_are_kept() {
    let scene = Scene::new();
    let directory = TwilioCalls::new(&scene.twilio.account());
    let call = TwilioCall {
        status: "completed".to_owned(),
        duration: Some(42),
        answered_by: Some("machine_start".to_owned()),
        ..scene.call(5 * 60)
    };
    let ringing = VoiceForm::missed(&call.from, &scene.joe.number, &call.sid).with("CallStatus", "ringing");
    record_voice_status(&scene.db.store, &ringing.parse()).unwrap();
    scene.twilio.put_call(call.clone());
    let row = refresh_call_by_sid(&scene.db.store, &scene.joe.tenant, &directory, &call.sid).unwrap();
    assert_eq!((row.duration_seconds, row.ended_at, row.answered_by), (Some(42), call.end_time, call.answered_by));
    assert_eq!((row.outcome, scene.greetings()), (Some(CallOutcome::Voicemail), 0));
}

#[test]
fn what_was_deleted_for_good_is_not_found_again() {
    let scene = Scene::new();
    scene.twilio.put_call(scene.call(5));
    scene.twilio.put(scene.text(4, "Please delete what you have of me"));
    assert_eq!(recorded(&scene.run()), (1, 1));
    let who = Acting::Application(scene.joe.tenant);
    let gone = erase_customer(&scene.db.store, &who, &scene.caller, &Uploads::new("/nonexistent"), Confirmed::irrevocably());
    assert_eq!(gone.unwrap().calls, 1);
    scene.twilio.put(scene.text(1, "Is it done?"));
    assert_eq!(recorded(&scene.run()), (1, 0), "what came later is new");
    assert_eq!((scene.calls().len(), scene.texts(MessageDirection::Inbound).len()), (0, 1));
}
