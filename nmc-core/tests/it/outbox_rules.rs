//! What the worker keeps to besides sending: pace, fairness, holds, limits, and that nobody waits for somebody else's person.

use chrono::{DateTime, TimeDelta, Utc};
use nmc_core::access::Acting;
use nmc_core::conversations::{MessageFilter, Pass, Worker, WorkerConfig};
use nmc_core::queue::Backoff;
use nmc_core::telephony::Pace;
use nmc_core::telephony::{Lookup, OutboundSms, SendError, SendReceipt, SmsSender};
use nmc_core::testing::{
    Business, FakeSms, Fault, ManualClock, SmsForm, TestDb, VoiceForm, finally, noon, unique_phone, unique_sid, wait_until,
};
use nmc_core::workflows::{erase_customer, receive_text, record_delivery, record_voice_status};
use nmc_core::{Confirmed, MessageId, MessageStatus, PhoneNumber, SystemClock, Uploads};
use std::collections::{HashMap, HashSet};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

struct Scene {
    db: TestDb,
    clock: Arc<ManualClock>,
    business: Business,
    sms: Arc<FakeSms>,
}

const UNPACED: WorkerConfig = WorkerConfig {
    senders: 8,
    batch: 5,
    lease: TimeDelta::seconds(15),
    doubt: TimeDelta::seconds(90),
    max_attempts: 8,
    backoff: Backoff { first: TimeDelta::seconds(5), longest: TimeDelta::seconds(60) },
    idle: Duration::from_millis(5),
    pace: Pace::NONE,
    automatic_expiry: TimeDelta::hours(24),
};

impl Scene {
    fn new() -> Self {
        Self::with(|_| {})
    }

    fn with(change: impl FnOnce(&mut nmc_core::StoreConfig)) -> Self {
        let clock = Arc::new(ManualClock::new(noon()));
        let db = TestDb::with(|config| {
            config.clock = clock.clone();
            change(config);
        });
        let business = Business::onboard(&db.store, "Joe's Plumbing");
        Self { db, clock, business, sms: Arc::default() }
    }

    fn worker(&self, config: WorkerConfig) -> Worker {
        let sms: Arc<dyn SmsSender> = self.sms.clone();
        Worker::new(self.db.store.clone(), sms, config)
    }

    fn queue(&self) -> MessageId {
        self.business.queue(&self.db.store, &unique_phone(), "Hello").unwrap().id
    }

    fn missed(&self) -> PhoneNumber {
        let caller = unique_phone();
        let form = VoiceForm::missed(caller.as_str(), &self.business.number, &unique_sid("CA"));
        assert!(record_voice_status(&self.db.store, &form.parse()).unwrap().greeting.is_some());
        caller
    }

    fn message(&self, id: MessageId) -> nmc_core::conversations::Message {
        self.business.message(&self.db.store, id)
    }
}

// ------------------------------------------------------------------------------------------------ pace

#[test]
fn number_sends_one_text_a_second_and_numbers_go_side_by_side() {
    let scene = Scene::new();
    let second = scene.business.add_number(&scene.db.store);
    for _ in 0..3 {
        scene.queue();
    }
    let words = scene.business.words(scene.business.conversation_with(&scene.db.store, &unique_phone()), "Hello");
    let from_second = nmc_core::conversations::NewMessage { from_number: second, ..words };
    scene.db.store.tenant(&scene.business.tenant, |tx| tx.messages().queue(&from_second)).unwrap();
    let worker = scene.worker(WorkerConfig { pace: Pace::default(), ..UNPACED });
    let mut sent = vec![worker.pass().unwrap().sent];
    for _ in 0..2 {
        scene.clock.advance(TimeDelta::milliseconds(999));
        assert_eq!(worker.pass().unwrap(), Pass::default(), "before its time");
        scene.clock.advance(TimeDelta::milliseconds(1));
        sent.push(worker.pass().unwrap().sent);
    }
    assert_eq!(sent, [2, 1, 1], "one of each number, then one a second");
}

/// A worker that slept through its idle time between two texts of a number would never get to the second.
#[test]
fn a_running_worker_is_as_fast_as_the_pace_allows() {
    let scene = Scene::with(|config| config.clock = Arc::new(SystemClock));
    for _ in 0..4 {
        scene.queue();
    }
    let pace = Pace { long_code: TimeDelta::milliseconds(20), ..Pace::default() };
    let worker = scene.worker(WorkerConfig { pace, idle: Duration::from_secs(3_600), ..UNPACED });
    std::thread::scope(|scope| {
        let _stopped = finally(|| worker.stop());
        scope.spawn(|| worker.run());
        wait_until("all are sent", || scene.sms.taken().len() == 4);
    });
}

/// Two workers at once keep the pace of one number between them.
#[test]
fn pace_holds_for_several_workers_at_once() {
    let scene = Scene::new();
    for _ in 0..4 {
        scene.queue();
    }
    let workers = [0; 4].map(|_| scene.worker(WorkerConfig { pace: Pace::default(), ..UNPACED }));
    std::thread::scope(|scope| {
        for worker in &workers {
            scope.spawn(|| worker.pass().unwrap());
        }
    });
    assert_eq!(scene.sms.taken().len(), 1);
}

// ------------------------------------------------------------------------------------------------ fairness

/// Takes a moment for each text, and remembers when it took which.
#[derive(Default)]
struct Steady {
    taken: Mutex<Vec<(Instant, String)>>,
}

impl SmsSender for Steady {
    fn send(&self, sms: &OutboundSms<'_>) -> Result<SendReceipt, SendError> {
        let gate = Mutex::new(());
        let wait = std::sync::Condvar::new().wait_timeout(gate.lock().unwrap(), Duration::from_millis(20));
        drop(wait);
        self.taken.lock().unwrap().push((Instant::now(), sms.from.to_string()));
        Ok(SendReceipt { sid: unique_sid("SM"), status: MessageStatus::Accepted, error_code: None })
    }

    fn lookup(&self, _: &OutboundSms<'_>, _: DateTime<Utc>) -> Result<Lookup, SendError> {
        Ok(Lookup::CannotTell)
    }
}

/// The running worker gives a business with one text its turn among one that has a thousand queued: before the large one has had
/// more than a few turns.
#[test]
fn small_business_has_its_turn_beside_a_large_queue() {
    let scene = Scene::new();
    for _ in 0..200 {
        scene.queue();
    }
    let small = Business::onboard(&scene.db.store, "Ann's Plumbing");
    let steady = Arc::new(Steady::default());
    let worker = Worker::new(scene.db.store.clone(), steady.clone(), UNPACED);
    std::thread::scope(|scope| {
        let _stop = finally(|| worker.stop());
        scope.spawn(|| worker.run());
        wait_until("the large queue is being worked", || steady.taken.lock().unwrap().len() >= 20);
        small.queue(&scene.db.store, &unique_phone(), "Hello").unwrap();
        let before = steady.taken.lock().unwrap().len();
        let is_small = |(_, from): &(Instant, String)| from == small.number.as_str();
        wait_until("the small one's text is sent", || steady.taken.lock().unwrap().iter().any(is_small));
        let at = steady.taken.lock().unwrap().iter().position(is_small).unwrap();
        assert!(at <= before + 60, "{} texts of the other before it", at - before);
        worker.stop();
    });
}

// ------------------------------------------------------------------------------------------------ holds

#[test]
fn account_error_holds_all_texts_and_fails_none() {
    let scene = Scene::new();
    let other = Business::onboard(&scene.db.store, "Ann's Plumbing");
    let first = scene.queue();
    let worker = scene.worker(UNPACED);
    for round in 0..12 {
        scene.sms.fail_with([Fault::Refused(20_005)]);
        assert_eq!(worker.pass().unwrap(), Pass { put_back: 1, ..Pass::default() }, "{round}");
        let held = scene.message(first);
        assert_eq!((held.message_status, held.attempts), (MessageStatus::Queued, 0), "it costs no attempt");
        assert!(held.error_message.unwrap().contains("20005"), "and says why it waits");
        // Nobody else's is tried meanwhile.
        let text = other.queue(&scene.db.store, &unique_phone(), "Hello").unwrap();
        assert_eq!(worker.pass().unwrap(), Pass::default());
        scene.db.execute(&format!("UPDATE messages SET message_status = 'canceled' WHERE id = '{}'", text.id));
        scene.clock.advance(TimeDelta::minutes(11));
    }
    assert_eq!(worker.pass().unwrap().sent, 1);
    assert_eq!(scene.message(first).error_message, None, "what held it up is over");
}

#[test]
fn unregistered_number_is_held_and_others_are_not() {
    let scene = Scene::new();
    let first = scene.queue();
    scene.clock.advance(TimeDelta::seconds(1));
    let waiting = scene.queue();
    let other = Business::onboard(&scene.db.store, "Ann's Plumbing");
    other.queue(&scene.db.store, &unique_phone(), "Hello").unwrap();
    let worker = scene.worker(UNPACED);
    scene.sms.fail_with([Fault::Refused(30_034)]);
    // Whose turn comes first is the ids' affair: the held one's is refused, the other's goes.
    let pass = worker.pass().unwrap();
    let held = if scene.message(first).error_message.is_some() { &scene.business } else { &other };
    assert_eq!(pass.put_back, 1, "{pass:?}");
    if std::ptr::eq(held, &scene.business) {
        assert_eq!(pass.sent, 1, "the other's");
        assert_eq!(scene.message(waiting).attempts, 0, "its other text is not even tried");
    }
    let pace = scene.db.store.tenant(&held.tenant, |tx| tx.number_pacing().find_by_number(&held.number)).unwrap().unwrap();
    assert_eq!(pace.held_until, Some(pace.created_at + TimeDelta::hours(1)));
    let why = pace.hold_reason.unwrap();
    assert!(why.contains("30034") && why.contains("register"), "{why}");
    scene.clock.advance(TimeDelta::minutes(59));
    let queued = || -> i64 { scene.db.query("SELECT count(*) FROM messages WHERE message_status = 'queued'")[0] };
    let before = queued();
    worker.pass().unwrap();
    assert_eq!(queued(), before, "held");
    scene.clock.advance(TimeDelta::minutes(2));
    worker.pass().unwrap();
    assert_eq!(queued(), 0, "tried again, and sent");
}

/// The news that a number may not send comes by callback as a rule.
#[test]
fn delivery_report_of_a_number_or_account_holds_texts() {
    for (code, said) in [("30034", "not registered"), ("30002", "suspended")] {
        let scene = Scene::new();
        let first = scene.queue();
        let worker = scene.worker(UNPACED);
        worker.pass().unwrap();
        let next = scene.queue();
        let sent = scene.message(first);
        let to = sent.to_number.phone().unwrap().clone();
        let form = SmsForm::delivery(&scene.business.number, &to, sent.message_sid.as_deref().unwrap(), "undelivered");
        record_delivery(&scene.db.store, &form.with("ErrorCode", code).parse_delivery(None)).unwrap();
        let failed = scene.message(first);
        assert_eq!((failed.message_status, failed.error_code), (MessageStatus::Undelivered, code.parse().ok()));
        assert!(failed.error_message.unwrap().contains(said), "in words");
        assert_eq!(worker.pass().unwrap(), Pass::default());
        let pace = scene.db.store.tenant(&scene.business.tenant, |tx| tx.number_pacing().find_by_number(&scene.business.number));
        assert!(pace.unwrap().unwrap().hold_reason.unwrap().contains(code));
        assert_eq!(scene.message(next).attempts, 0);
        scene.clock.advance(TimeDelta::hours(1));
        assert_eq!(worker.pass().unwrap().sent, 1);
    }
}

#[test]
fn delivered_text_keeps_no_old_error() {
    let scene = Scene::new();
    let text = scene.queue();
    let worker = scene.worker(UNPACED);
    scene.sms.fail_with([Fault::LostAfter]);
    worker.pass().unwrap();
    assert!(scene.message(text).error_message.is_some());
    let sid = scene.sms.taken()[0].sid.clone();
    let to = scene.message(text).to_number.phone().unwrap().clone();
    let form = SmsForm::delivery(&scene.business.number, &to, &sid, "delivered");
    let delivered = record_delivery(&scene.db.store, &form.parse_delivery(Some(text))).unwrap();
    assert_eq!((delivered.error_code, delivered.error_message), (None, None));
}

// ------------------------------------------------------------------------------------------------ after an outage

/// Opt-outs that no webhook could deliver are heard before anything is sent: after a start, and after the database was away.
#[test]
fn nothing_is_sent_before_the_preparation_succeeds() {
    let scene = Scene::new();
    scene.queue();
    let (asked, is_ready) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicBool::new(false)));
    let worker = scene.worker(UNPACED).before_sending({
        let (asked, is_ready) = (asked.clone(), is_ready.clone());
        move || {
            asked.fetch_add(1, Ordering::SeqCst);
            if is_ready.load(Ordering::SeqCst) { Ok(()) } else { Err(nmc_core::Error::NotFound { entity: "list" }) }
        }
    });
    std::thread::scope(|scope| {
        let _stop = finally(|| worker.stop());
        scope.spawn(|| worker.run());
        wait_until("the lists are asked for", || asked.load(Ordering::SeqCst) >= 1);
        assert_eq!(scene.sms.taken().len(), 0);
        is_ready.store(true, Ordering::SeqCst);
        wait_until("it is sent", || scene.sms.taken().len() == 1);
        is_ready.store(false, Ordering::SeqCst);
        let before = asked.load(Ordering::SeqCst);
        let outage = scene.db.take_down();
        wait_until("the lists are asked for again", || asked.load(Ordering::SeqCst) > before);
        drop(outage);
        scene.queue();
        let before = asked.load(Ordering::SeqCst);
        wait_until("and again", || asked.load(Ordering::SeqCst) > before);
        assert_eq!(scene.sms.taken().len(), 1, "not before they are read");
        is_ready.store(true, Ordering::SeqCst);
        wait_until("it is sent", || scene.sms.taken().len() == 2);
        worker.stop();
    });
}

// ------------------------------------------------------------------------------------------------ limits

fn settings(scene: &Scene, change: &str) {
    scene.db.execute(&format!("UPDATE business_settings SET {change} WHERE tenant_id = '{}'", scene.business.tenant.id()));
}

#[test]
fn automatic_texts_end_at_the_day_s_limit() {
    let scene = Scene::new();
    settings(&scene, "daily_text_limit = 2");
    let callers: Vec<PhoneNumber> = (0..4).map(|_| scene.missed()).collect();
    let staff = scene.queue();
    let pass = scene.worker(UNPACED).pass().unwrap();
    assert_eq!((pass.sent, pass.ended), (3, 2), "two greetings, and what staff wrote");
    assert_eq!(scene.message(staff).message_status, MessageStatus::Accepted);
    let canceled = MessageFilter { status: Some(MessageStatus::Canceled), ..MessageFilter::default() };
    for text in scene.business.messages(&scene.db.store, &canceled) {
        assert!(text.error_message.unwrap().contains("limit of 2 automatic texts"));
    }
    // A deletion makes no room: what was sent was sent.
    let who = Acting::Application(scene.business.tenant);
    for caller in &callers {
        erase_customer(&scene.db.store, &who, caller, &Uploads::new("/nonexistent"), Confirmed::irrevocably()).unwrap();
    }
    scene.missed();
    let pass = scene.worker(UNPACED).pass().unwrap();
    assert_eq!((pass.sent, pass.ended), (0, 1));
    // A day later there is room again.
    scene.clock.advance(TimeDelta::hours(25));
    let greeted = scene.missed();
    assert!(!callers.contains(&greeted));
    assert_eq!(scene.worker(UNPACED).pass().unwrap().sent, 1);
}

#[test]
fn automatic_text_that_comes_too_late_is_called_off() {
    let scene = Scene::new();
    scene.missed();
    let staff = scene.queue();
    scene.clock.advance(TimeDelta::hours(24) + TimeDelta::seconds(1));
    let pass = scene.worker(UNPACED).pass().unwrap();
    assert_eq!((pass.sent, pass.ended), (1, 1));
    assert_eq!(scene.message(staff).message_status, MessageStatus::Accepted, "what staff wrote is sent, however late");
}

#[test]
fn review_mark_pauses_automatic_texts() {
    let scene = Scene::new();
    // In the middle of the business's day: what was held up waits for its hours, too.
    scene.clock.advance(TimeDelta::hours(6));
    let caller = scene.missed();
    scene.db.execute(&format!("UPDATE conversations SET review_requested_at = now() WHERE customer_phone = '{caller}'"));
    let pass = scene.worker(UNPACED).pass().unwrap();
    assert_eq!((pass.sent, scene.sms.taken().len()), (0, 0));
    scene.db.execute("UPDATE conversations SET review_requested_at = NULL");
    scene.clock.advance(TimeDelta::minutes(11));
    assert_eq!(scene.worker(UNPACED).pass().unwrap().sent, 1);
}

/// Conversations from before the spellings were known as one person's keep the one they began with.
#[test]
fn review_mark_pauses_automatic_texts_in_whatever_spelling() {
    let scene = Scene::new();
    scene.clock.advance(TimeDelta::hours(6));
    scene.missed();
    scene.db.execute("UPDATE messages SET to_number = '+525512345678'");
    scene.db.execute("UPDATE conversations SET customer_phone = '+5215512345678', review_requested_at = now()");
    assert_eq!(scene.worker(UNPACED).pass().unwrap().sent, 0);
    scene.db.execute("UPDATE conversations SET review_requested_at = NULL");
    scene.clock.advance(TimeDelta::minutes(11));
    assert_eq!(scene.worker(UNPACED).pass().unwrap().sent, 1);
}

/// A text that has to be looked up first keeps to the rules of before like any other.
#[test]
fn automatic_text_in_doubt_keeps_to_the_rules() {
    let scene = Scene::new();
    scene.clock.advance(TimeDelta::hours(6));
    let caller = scene.missed();
    let worker = scene.worker(UNPACED);
    scene.sms.fail_with([Fault::LostBefore]);
    assert_eq!(worker.pass().unwrap().put_back, 1);
    scene.db.execute(&format!("UPDATE conversations SET review_requested_at = now() WHERE customer_phone = '{caller}'"));
    scene.clock.advance(TimeDelta::seconds(90));
    assert_eq!(worker.pass().unwrap(), Pass { put_back: 1, ..Pass::default() }, "staff have to look first");
    scene.db.execute("UPDATE conversations SET review_requested_at = NULL");
    scene.clock.advance(TimeDelta::minutes(11));
    scene.sms.fail_with([Fault::LostBefore]);
    assert_eq!(worker.pass().unwrap().put_back, 1);
    // The night of the business, and then the day after the next.
    scene.clock.advance(TimeDelta::hours(12));
    assert_eq!(worker.pass().unwrap(), Pass { put_back: 1, ..Pass::default() }, "it waits for the day");
    scene.clock.advance(TimeDelta::hours(18));
    assert_eq!(worker.pass().unwrap(), Pass { ended: 1, ..Pass::default() }, "too late to be of use");
    assert_eq!((scene.sms.taken().len(), scene.sms.lookups()), (0, 4), "it is looked up each time");
}

#[test]
fn automatic_text_held_up_into_the_night_waits_for_the_day() {
    let scene = Scene::new();
    // 19:58 in the business's zone, which is the person's as far as anybody knows.
    settings(&scene, "texting_ends_at = '20:00'");
    scene.db.execute(&format!("UPDATE tenants SET timezone = 'America/Chicago' WHERE id = '{}'", scene.business.tenant.id()));
    scene.clock.advance(TimeDelta::hours(13) + TimeDelta::minutes(58));
    scene.missed();
    scene.sms.fail_with([Fault::NotNow(Some(Duration::from_secs(600)))]);
    let worker = scene.worker(WorkerConfig { backoff: Backoff { longest: TimeDelta::hours(1), ..UNPACED.backoff }, ..UNPACED });
    assert_eq!(worker.pass().unwrap().put_back, 1);
    scene.clock.advance(TimeDelta::minutes(15));
    assert_eq!(worker.pass().unwrap().sent, 0, "at night");
    scene.clock.advance(TimeDelta::hours(11));
    assert_eq!(worker.pass().unwrap().sent, 0, "at seven");
    scene.clock.advance(TimeDelta::hours(1));
    assert_eq!(worker.pass().unwrap().sent, 1);
}

// ------------------------------------------------------------------------------------------------ nobody waits

/// Twelve texts of one person, whose own text takes the provider its time: another business's call is answered at once, with a
/// pool that is smaller than the number of those who wait.
#[test]
fn another_business_never_waits_for_somebody_else_s_person() {
    let scene = Scene::with(|config| config.pool_size = 3);
    let customer = unique_phone();
    scene.business.queue(&scene.db.store, &customer, "Hello").unwrap();
    let other = Business::onboard(&scene.db.store, "Ann's Plumbing");
    let worker = scene.worker(UNPACED);
    scene.sms.hold();
    let answered = AtomicUsize::new(0);
    std::thread::scope(|scope| {
        scope.spawn(|| worker.pass().unwrap());
        scene.sms.wait_for_sender();
        for number in 0..12 {
            let (scene, customer, answered) = (&scene, &customer, &answered);
            scope.spawn(move || {
                let body = if number % 2 == 0 { "STOP" } else { "Are you there?" };
                let form = SmsForm::text(customer.as_str(), &scene.business.number, body);
                // Few wait for one person; further ones are asked to come back.
                drop(receive_text(&scene.db.store, &form.parse()));
                answered.fetch_add(1, Ordering::SeqCst);
            });
        }
        wait_until("all twelve are recorded", || {
            scene.db.query::<i64>("SELECT count(*) FROM messages WHERE message_direction = 'inbound'") == [12]
        });
        // A wait for the other's person would last until the provider is let go below, and so for ever.
        for _ in 0..9 {
            let form = VoiceForm::missed(unique_phone().as_str(), &other.number, &unique_sid("CA"));
            record_voice_status(&scene.db.store, &form.parse()).unwrap();
        }
        assert!(answered.load(Ordering::SeqCst) < 12, "the STOPs still wait");
        scene.sms.release();
    });
}

// ------------------------------------------------------------------------------------------------ STOP against send

/// Records when each send began, and for whom.
#[derive(Default)]
struct Recording {
    began: Mutex<HashMap<String, Vec<u64>>>,
    tick: std::sync::atomic::AtomicU64,
    sids: AtomicUsize,
}

impl Recording {
    fn now(&self) -> u64 {
        self.tick.fetch_add(1, Ordering::SeqCst)
    }
}

impl SmsSender for Recording {
    fn send(&self, sms: &OutboundSms<'_>) -> Result<SendReceipt, SendError> {
        // The request leaves a moment after it was decided to send it, as it does where a connection has to be made.
        std::thread::sleep(Duration::from_micros(self.now() * 37 % 3_000));
        let at = self.now();
        self.began.lock().unwrap().entry(sms.to.to_string()).or_default().push(at);
        let sid = format!("SMrecorded{}", self.sids.fetch_add(1, Ordering::SeqCst));
        match at % 5 {
            0 => Err(SendError::InDoubt { reason: "the answer got lost".to_owned() }),
            1 => Err(SendError::NotNow { retry_after: None, reason: "busy".to_owned() }),
            _ => Ok(SendReceipt { sid, status: MessageStatus::Accepted, error_code: None }),
        }
    }

    fn lookup(&self, _: &OutboundSms<'_>, _: DateTime<Utc>) -> Result<Lookup, SendError> {
        Ok(Lookup::Held(Vec::new()))
    }
}

/// A thousand people stop at some moment while two workers send them texts, lose answers and try again: no send to any of them
/// begins after their STOP was answered.
#[test]
fn no_send_begins_after_a_stop_was_answered() {
    const PEOPLE: usize = 1_000;
    // The machine's clock: a lease that ends long before its time would end the wait of a STOP, too.
    let scene = Scene::with(|config| {
        config.pool_size = 12;
        config.clock = Arc::new(SystemClock);
    });
    let recording = Arc::new(Recording::default());
    let config = WorkerConfig {
        batch: 16,
        doubt: TimeDelta::zero(),
        backoff: Backoff { first: TimeDelta::milliseconds(1), ..UNPACED.backoff },
        ..UNPACED
    };
    let workers = [0, 1].map(|_| Worker::new(scene.db.store.clone(), recording.clone(), config));
    let people: Vec<PhoneNumber> = (0..PEOPLE).map(|_| unique_phone()).collect();
    let next = AtomicUsize::new(0);
    let answered: Mutex<HashMap<String, u64>> = Mutex::default();
    std::thread::scope(|scope| {
        let _stop = finally(|| workers.iter().for_each(Worker::stop));
        for worker in &workers {
            scope.spawn(|| worker.run());
        }
        let customers: Vec<_> = (0..6)
            .map(|_| {
                scope.spawn(|| {
                    loop {
                        let at = next.fetch_add(1, Ordering::SeqCst);
                        let Some(person) = people.get(at) else { return };
                        scene.business.queue(&scene.db.store, person, "Hello").unwrap();
                        scene.business.queue(&scene.db.store, person, "Hello again").unwrap();
                        for _ in 0..at % 11 {
                            std::thread::yield_now();
                        }
                        let stop = SmsForm::text(person.as_str(), &scene.business.number, "STOP").parse();
                        receive_text(&scene.db.store, &stop).unwrap();
                        answered.lock().unwrap().insert(person.to_string(), recording.now());
                    }
                })
            })
            .collect();
        customers.into_iter().for_each(|customer| customer.join().unwrap());
        workers.iter().for_each(Worker::stop);
    });
    let (answered, began) = (answered.into_inner().unwrap(), recording.began.lock().unwrap());
    assert_eq!(answered.len(), PEOPLE);
    let late: Vec<&String> = answered
        .iter()
        .filter(|(person, at)| began.get(*person).is_some_and(|begun| begun.iter().any(|b| b > *at)))
        .map(|(p, _)| p)
        .collect();
    assert_eq!(late, Vec::<&String>::new());
    assert!(began.len() > PEOPLE / 20, "some were sent before: {}", began.len());
    let opted_out: HashSet<String> =
        scene.db.query("SELECT customer_phone FROM consents WHERE action = 'opt_out'").into_iter().collect();
    assert_eq!(opted_out.len(), PEOPLE);
    let left: Vec<i64> = scene.db.query("SELECT count(*) FROM messages WHERE message_status = 'queued' AND lease_owner IS NULL");
    assert_eq!(left, [0], "what was queued is called off");
}
