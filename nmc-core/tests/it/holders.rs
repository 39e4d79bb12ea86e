//! A number changes hands, and news of what happened before comes late: it is its former holder's.

use chrono::{DateTime, TimeDelta, Utc};
use nmc_core::conversations::MessageFilter;
use nmc_core::numbers::NewPhoneNumber;
use nmc_core::testing::{Business, ManualClock, SmsForm, TestDb, VoiceForm, noon, statements_sent, unique_phone, unique_sid};
use nmc_core::workflows::{Recorded, record_voice_status};
use nmc_core::workflows::{receive_text, record_delivery};
use nmc_core::{CallOutcome, Clock as _, Error, NumberStatus, NumberType, PhoneNumber, Tenant};
use std::sync::Arc;

/// Joe has had a number for ten hours, and Ann another.
struct Scene {
    db: TestDb,
    clock: Arc<ManualClock>,
    joe: Business,
    ann: Business,
    number: PhoneNumber,
    caller: PhoneNumber,
}

impl Scene {
    fn new() -> Self {
        let clock = Arc::new(ManualClock::new(noon()));
        let db = TestDb::with_clock(clock.clone());
        let (joe, ann) = (Business::onboard(&db.store, "Joe's Plumbing"), Business::onboard(&db.store, "Ann's Plumbing"));
        clock.advance(TimeDelta::hours(10));
        Self { number: joe.number.clone(), db, clock, joe, ann, caller: unique_phone() }
    }

    fn later(&self, minutes: i64) -> DateTime<Utc> {
        self.clock.advance(TimeDelta::minutes(minutes));
        self.clock.now()
    }

    fn release(&self) {
        let released = self.db.store.tenant(&self.joe.tenant, |tx| {
            let held = tx.phone_numbers().find_by_number(&self.number)?.unwrap();
            tx.phone_numbers().set_status(held.id, NumberStatus::Released)
        });
        released.unwrap();
    }

    fn add_for_ann(&self) {
        let new = NewPhoneNumber {
            phone_number: self.number.clone(),
            twilio_phone_sid: Some(unique_sid("PN")),
            locality: None,
            region: None,
            number_type: NumberType::Local,
            price: None,
        };
        self.db.store.tenant(&self.ann.tenant, |tx| tx.phone_numbers().create(&new)).unwrap();
    }

    /// Joe gives it up, and Ann takes it on ten minutes later.
    fn hand_over(&self) {
        self.release();
        self.later(10);
        self.add_for_ann();
    }

    fn form(&self, sid: &str) -> VoiceForm {
        VoiceForm::missed(self.caller.as_str(), &self.number, sid)
    }

    fn record(&self, form: &VoiceForm) -> Recorded {
        record_voice_status(&self.db.store, &form.parse()).unwrap()
    }

    fn is_nobodys(&self, form: &VoiceForm) {
        let came = record_voice_status(&self.db.store, &form.parse());
        assert!(matches!(came, Err(Error::NotFound { .. })), "{came:?}");
    }

    fn calls_of(&self, tenant: &Tenant) -> i64 {
        self.db.store.tenant(tenant, |tx| tx.calls().count(&nmc_core::calls::CallFilter::default())).unwrap()
    }

    fn texts_of(&self, business: &Business) -> usize {
        business.messages(&self.db.store, &MessageFilter::default()).len()
    }
}

fn at(form: VoiceForm, at: DateTime<Utc>) -> VoiceForm {
    form.with("Timestamp", &at.to_rfc2822())
}

#[test]
fn late_news_of_a_call_is_its_former_holders() {
    let scene = Scene::new();
    let began = scene.clock.now();
    let ringing = scene.record(&at(scene.form("CA1").with("CallStatus", "ringing"), began));
    scene.hand_over();
    // With a time of before the change, of after it, and without one, as the answer of a <Dial>.
    for form in [
        at(scene.form("CA1"), began + TimeDelta::seconds(30)),
        at(scene.form("CA1"), scene.clock.now()),
        scene.form("CA1").with("DialCallStatus", "no-answer").with("CallStatus", "in-progress"),
    ] {
        let recorded = scene.record(&form);
        assert_eq!((recorded.call, recorded.greeting), (ringing.call, None), "it is not Joe's to send from any more");
    }
    assert_eq!((scene.calls_of(&scene.joe.tenant), scene.calls_of(&scene.ann.tenant)), (1, 0));
    assert_eq!((scene.texts_of(&scene.joe), scene.texts_of(&scene.ann)), (0, 0));
}

#[test]
fn a_call_that_nobody_heard_of_is_that_of_its_time() {
    let scene = Scene::new();
    let joes = scene.clock.now();
    scene.later(1);
    scene.hand_over();
    let anns = scene.later(1);
    let missed = scene.record(&at(scene.form("CA1"), joes));
    assert_eq!((missed.outcome, missed.greeting), (Some(CallOutcome::Missed), None));
    assert_eq!((scene.calls_of(&scene.joe.tenant), scene.calls_of(&scene.ann.tenant)), (1, 0));
    // It began in Joe's time, and lasted into Ann's.
    let long = at(scene.form("CA2").with("CallStatus", "completed").with("CallDuration", "720"), scene.clock.now());
    scene.record(&long);
    assert_eq!((scene.calls_of(&scene.joe.tenant), scene.calls_of(&scene.ann.tenant)), (2, 0));
    assert!(scene.record(&at(scene.form("CA3"), anns)).greeting.is_some(), "Ann's own");
    assert!(scene.record(&scene.form("CA4")).call != missed.call);
    assert_eq!((scene.calls_of(&scene.joe.tenant), scene.calls_of(&scene.ann.tenant)), (2, 2));
    // Between the two it was nobody's, but for what the clocks may differ.
    scene.is_nobodys(&at(scene.form("CA5"), anns - TimeDelta::minutes(6)));
    scene.record(&at(scene.form("CA6"), anns - TimeDelta::seconds(64)));
    assert_eq!(scene.calls_of(&scene.ann.tenant), 3);
}

#[test]
fn what_happened_before_a_release_is_kept_and_not_answered() {
    let scene = Scene::new();
    let before = scene.clock.now();
    scene.later(1);
    scene.release();
    scene.later(1);
    let missed = scene.record(&at(scene.form("CA1"), before));
    assert_eq!((missed.outcome, missed.greeting, scene.texts_of(&scene.joe)), (Some(CallOutcome::Missed), None, 0));
    scene.is_nobodys(&at(scene.form("CA2"), scene.clock.now()));
    scene.is_nobodys(&scene.form("CA3"));
    assert_eq!(scene.record(&scene.form("CA1")).call, missed.call, "news of a known call");
}

#[test]
fn a_number_on_its_way_back_greets_nobody() {
    let scene = Scene::new();
    scene.db.execute("UPDATE phone_numbers SET status = 'inactive', release_requested_at = now()");
    let missed = scene.record(&scene.form("CA1"));
    assert_eq!((missed.outcome, missed.greeting), (Some(CallOutcome::Missed), None));
    let help = SmsForm::text(scene.caller.as_str(), &scene.number, "HELP").parse();
    assert_eq!(receive_text(&scene.db.store, &help).unwrap().reply, None);
}

#[test]
fn a_text_handed_over_again_is_not_made_anew() {
    let scene = Scene::new();
    let text = SmsForm::text(scene.caller.as_str(), &scene.number, "STOP").parse();
    let first = receive_text(&scene.db.store, &text).unwrap();
    scene.hand_over();
    let again = receive_text(&scene.db.store, &text).unwrap();
    assert_eq!((again.message, again.duplicate, scene.texts_of(&scene.ann)), (first.message, true, 0));
    let other = SmsForm::text(scene.caller.as_str(), &scene.number, "Hello").parse();
    assert!(!receive_text(&scene.db.store, &other).unwrap().duplicate);
    assert_eq!((scene.texts_of(&scene.joe), scene.texts_of(&scene.ann)), (1, 1));
}

#[test]
fn a_delivery_report_finds_the_text_of_a_former_holder() {
    let scene = Scene::new();
    let greeting = scene.record(&scene.form("CA1")).greeting.unwrap();
    scene.hand_over();
    let report = |sid: &str, status: &str, id| {
        let form = SmsForm::delivery(&scene.number, &scene.caller, sid, status).parse_delivery(id);
        record_delivery(&scene.db.store, &form)
    };
    // By our id, and from then on by the SID that came with it.
    assert_eq!(report("SM1", "sent", Some(greeting)).unwrap().tenant_id, scene.joe.tenant.id());
    assert_eq!(report("SM1", "delivered", None).unwrap().id, greeting);
    assert!(matches!(report("SM2", "delivered", None), Err(Error::NotFound { .. })));
}

/// The price of the rule is paid near a change of hands alone: the one statement that does for others, then who held it when, whose
/// the SID is, and the tenant with the lock.
#[test]
fn only_near_a_change_of_hands_is_more_asked() {
    let scene = Scene::new();
    let count = |sid: &str| {
        let callback = scene.form(sid).with("CallStatus", "ringing").parse();
        let before = statements_sent();
        record_voice_status(&scene.db.store, &callback).unwrap();
        statements_sent() - before
    };
    count("CA1");
    let plain = count("CA1");
    scene.hand_over();
    count("CA2");
    assert_eq!(count("CA2"), plain + 3);
    scene.later(26 * 60);
    assert_eq!(count("CA2"), plain);
}
