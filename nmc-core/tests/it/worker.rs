//! What the worker promises: every text is sent or visibly given up; none is sent twice as far as the provider can tell.

use chrono::{DateTime, TimeDelta, Utc};
use nmc_core::access::Acting;
use nmc_core::conversations::{Message, MessageFilter, NewConversation, Worker, WorkerConfig};
use nmc_core::queue::Backoff;
use nmc_core::store::Person;
use nmc_core::telephony::Pace;
use nmc_core::telephony::{OutboundSms, SendError, SmsSender};
use nmc_core::testing::{
    Business, FakeSms, FakeTwilio, Fault, ManualClock, SmsForm, TestDb, TwilioFault, finally, noon, query, unique_phone,
    wait_until,
};
use nmc_core::twilio::TwilioSms;
use nmc_core::workflows::{erase_customer, receive_text};
use nmc_core::{
    CallerIdentity, Clock, Confirmed, ConsentSource, ConversationChannel, ConversationEventType, Error, MessageId, MessageStatus,
    Secret, Store, StoreConfig, SystemClock, Uploads,
};
use std::collections::{HashMap, HashSet};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, mpsc};
use std::time::Duration;

const CONFIG: WorkerConfig = WorkerConfig {
    senders: 1,
    batch: 5,
    lease: TimeDelta::seconds(15),
    doubt: TimeDelta::seconds(90),
    max_attempts: 8,
    backoff: Backoff { first: TimeDelta::seconds(5), longest: TimeDelta::seconds(60) },
    idle: Duration::from_millis(5),
    pace: Pace::NONE,
    automatic_expiry: TimeDelta::hours(24),
};

/// One business under a clock that stands still, and a provider in memory.
struct Scene {
    db: TestDb,
    clock: Arc<ManualClock>,
    business: Business,
    sms: Arc<FakeSms>,
}

impl Scene {
    fn new() -> Self {
        Self::at(noon())
    }

    fn at(now: DateTime<Utc>) -> Self {
        let clock = Arc::new(ManualClock::new(now));
        let db = TestDb::with_clock(clock.clone());
        let business = Business::onboard(&db.store, "Joe's Plumbing");
        Self { db, clock, business, sms: Arc::new(FakeSms::new()) }
    }

    fn worker(&self) -> Worker {
        self.worker_with(CONFIG)
    }

    fn worker_with(&self, config: WorkerConfig) -> Worker {
        let sender: Arc<dyn SmsSender> = self.sms.clone();
        Worker::new(self.db.store.clone(), sender, config)
    }

    /// Queues a text to somebody new.
    fn queue(&self, body: &str) -> Message {
        self.business.queue(&self.db.store, &unique_phone(), body).unwrap()
    }

    /// Queues texts to people of their own, in one transaction.
    fn queue_many(&self, business: &Business, count: usize) {
        let queued = self.db.store.tenant(&business.tenant, |tx| {
            for number in 0..count {
                let customer_phone = CallerIdentity::Phone(unique_phone());
                let channel = ConversationChannel::Phone;
                let new = NewConversation { customer_phone, channel, subject: None, customer_name: None };
                let conversation = tx.conversations().create(&new)?.id;
                tx.messages().queue(&business.words(conversation, &format!("text {number}")))?;
            }
            Ok(())
        });
        queued.unwrap();
    }

    fn message(&self, id: MessageId) -> Message {
        self.business.message(&self.db.store, id)
    }

    /// Lets workers die and come back until there is nothing left to do, an hour after one another.
    fn work_to_the_end(&self) {
        for _ in 0..20 {
            let queued = MessageFilter { status: Some(MessageStatus::Queued), ..Default::default() };
            if self.business.messages(&self.db.store, &queued).is_empty() {
                return;
            }
            let pass = catch_unwind(AssertUnwindSafe(|| self.worker().pass()));
            if pass.is_err() {
                self.db.wait_for_held_locks(0);
            }
            self.clock.advance(TimeDelta::hours(1));
        }
        panic!("a text is never sent nor given up");
    }

    fn failures(&self, message: &Message) -> usize {
        let events = self.business.events(&self.db.store, message.conversation_id);
        events.iter().filter(|event| **event == ConversationEventType::MessageFailed).count()
    }
}

// ------------------------------------------------------------------------------------------------ killed

const FAULTS: [Fault; 5] = [Fault::NotNow(None), Fault::LostBefore, Fault::LostAfter, Fault::DieBefore, Fault::DieAfter];

/// Two attempts go wrong, in every way; in the end the text has been sent once.
#[test]
fn however_an_attempt_ends_a_text_is_sent_exactly_once() {
    let mut scene = Scene::new();
    for first in FAULTS {
        for second in FAULTS {
            scene.sms = Arc::new(FakeSms::new());
            scene.sms.fail_with([first.clone(), second.clone()]);
            let message = scene.queue("Hello");
            scene.work_to_the_end();
            let taken = scene.sms.taken();
            assert_eq!(taken.len(), 1, "{first:?}, {second:?}");
            let message = scene.message(message.id);
            assert_eq!(message.message_status, MessageStatus::Accepted, "{first:?}, {second:?}");
            assert_eq!(message.message_sid.as_ref(), Some(&taken[0].sid), "{first:?}, {second:?}");
            assert_eq!((message.lease_owner, message.next_attempt_at), (None, None));
        }
    }
}

/// With a provider that can't be asked, a text in doubt gets no second try, and everybody can see that it did not.
#[test]
fn text_the_provider_cannot_tell_of_is_given_up_not_sent_twice() {
    for (fault, taken) in [(Fault::LostBefore, 0), (Fault::LostAfter, 1), (Fault::DieBefore, 0), (Fault::DieAfter, 1)] {
        let scene = Scene::new();
        scene.sms.cannot_tell();
        scene.sms.fail_with([fault.clone()]);
        let message = scene.queue("Hello");
        scene.work_to_the_end();
        assert_eq!(scene.sms.taken().len(), taken, "{fault:?}");
        let given_up = scene.message(message.id);
        assert_eq!(given_up.message_status, MessageStatus::Failed, "{fault:?}");
        assert!(given_up.error_message.unwrap().contains("can't tell"), "{fault:?}");
        assert_eq!(scene.failures(&message), 1, "{fault:?}");
    }
}

/// "Not now" is certain: the next attempt asks nobody.
#[test]
fn text_certainly_not_sent_is_tried_again_without_asking() {
    let scene = Scene::new();
    scene.sms.cannot_tell();
    scene.sms.fail_with([Fault::NotNow(None), Fault::NotNow(None)]);
    let message = scene.queue("Hello");
    scene.work_to_the_end();
    assert_eq!((scene.sms.taken().len(), scene.message(message.id).attempts), (1, 3));
}

/// The worker dies with a batch in its hands: what it had not begun is sent by the next one.
#[test]
fn a_worker_s_death_costs_none_of_its_batch() {
    for fault in [Fault::DieBefore, Fault::DieAfter] {
        let scene = Scene::new();
        scene.queue_many(&scene.business, 12);
        scene.sms.fail_with([fault.clone(), fault.clone()]);
        scene.work_to_the_end();
        let ids: HashSet<MessageId> = scene.sms.taken().iter().map(|taken| taken.id).collect();
        assert_eq!((scene.sms.taken().len(), ids.len()), (12, 12), "{fault:?}");
    }
}

/// The same words to the same person twice, both in doubt: both are sent, and each once.
#[test]
fn two_equal_texts_in_doubt_are_two_texts() {
    for faults in [
        [Fault::LostAfter, Fault::LostBefore],
        [Fault::LostBefore, Fault::LostAfter],
        [Fault::LostAfter, Fault::LostAfter],
        [Fault::DieAfter, Fault::DieBefore],
    ] {
        let scene = Scene::new();
        let customer = unique_phone();
        let texts = [0, 1].map(|_| scene.business.queue(&scene.db.store, &customer, "Hello").unwrap().id);
        scene.sms.fail_with(faults.clone());
        scene.work_to_the_end();
        let sids: HashSet<Option<String>> = texts.iter().map(|id| scene.message(*id).message_sid).collect();
        let taken: HashSet<Option<String>> = scene.sms.taken().into_iter().map(|taken| Some(taken.sid)).collect();
        assert_eq!((taken.len(), &sids), (2, &taken), "{faults:?}");
    }
}

#[test]
fn two_equal_texts_that_were_given_up_end_each_with_its_own() {
    for code in [30_003, 21_610] {
        let scene = Scene::new();
        let customer = unique_phone();
        let texts = [0, 1].map(|_| scene.business.queue(&scene.db.store, &customer, "Hello").unwrap().id);
        scene.sms.fail_with([Fault::LostAfter, Fault::LostAfter]);
        scene.sms.give_up_taken(code);
        let began = std::time::Instant::now();
        scene.work_to_the_end();
        assert!(began.elapsed() < Duration::from_secs(30), "{code}: what came of one can't be noted");
        let texts = texts.map(|id| scene.message(id));
        assert!(texts.iter().all(|text| text.error_code == Some(code)), "{texts:?}");
        let sids: HashSet<Option<String>> = texts.into_iter().map(|text| text.message_sid).collect();
        let taken: HashSet<Option<String>> = scene.sms.taken().into_iter().map(|taken| Some(taken.sid)).collect();
        assert_eq!((taken.len(), &sids), (2, &taken), "{code}");
    }
}

// ------------------------------------------------------------------------------------------------ really killed

const CHILD_DATABASE: &str = "NMC_TEST_WORKER_DATABASE";
const CHILD_TWILIO: &str = "NMC_TEST_WORKER_TWILIO";

/// Not a test of its own: what [`ChildWorker`] runs in another process.
#[test]
fn worker_in_a_process_of_its_own() {
    let (Ok(database), Ok(twilio)) = (std::env::var(CHILD_DATABASE), std::env::var(CHILD_TWILIO)) else { return };
    let store = Store::connect(StoreConfig::new(Secret::new(database))).unwrap();
    let sender = Arc::new(TwilioSms::new(&FakeTwilio::account_at(twilio)));
    Worker::new(store, sender, CONFIG).run();
}

struct ChildWorker(Child);

impl ChildWorker {
    fn start(scene: &Scene, twilio: &FakeTwilio) -> Self {
        let module = module_path!().split_once("::").map_or("", |(_, module)| module);
        let child = Command::new(std::env::current_exe().unwrap())
            .args([&format!("{module}::worker_in_a_process_of_its_own"), "--exact", "--nocapture"])
            .env(CHILD_DATABASE, scene.db.url())
            .env(CHILD_TWILIO, twilio.url())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn();
        Self(child.unwrap())
    }

    /// SIGKILL.
    fn kill(&mut self) {
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

impl Drop for ChildWorker {
    fn drop(&mut self) {
        self.kill();
    }
}

/// A business at the machine's time, with one queued text.
fn scene_for_a_killing() -> (Scene, FakeTwilio, Message) {
    let scene = Scene::at(SystemClock.now());
    let message = scene.queue("Hello");
    (scene, FakeTwilio::start(), message)
}

/// The next worker comes when the dead one's claim has ended.
fn recover(scene: &Scene, twilio: &FakeTwilio, message: &Message) {
    scene.db.wait_for_held_locks(0);
    assert!(scene.message(message.id).lease_owner.is_some(), "it was claimed, and nothing more is known");
    scene.clock.advance(TimeDelta::hours(1));
    let worker = Worker::new(scene.db.store.clone(), Arc::new(TwilioSms::new(&twilio.account())), CONFIG);
    assert_eq!(worker.pass().unwrap().sent, 1);
    let texts = twilio.texts();
    assert_eq!(texts.len(), 1, "{texts:?}");
    let message = scene.message(message.id);
    assert_eq!((message.message_sid.as_ref(), message.message_status), (Some(&texts[0].sid), MessageStatus::Accepted));
}

#[test]
fn a_worker_killed_before_the_provider_took_the_text() {
    let (scene, twilio, message) = scene_for_a_killing();
    twilio.fail_with([TwilioFault::HoldBefore]);
    let mut child = ChildWorker::start(&scene, &twilio);
    twilio.wait_for_held();
    child.kill();
    twilio.release();
    recover(&scene, &twilio, &message);
}

#[test]
fn a_worker_killed_after_the_provider_took_the_text() {
    let (scene, twilio, message) = scene_for_a_killing();
    twilio.fail_with([TwilioFault::HoldAfter]);
    let mut child = ChildWorker::start(&scene, &twilio);
    twilio.wait_for_held();
    assert_eq!(twilio.texts().len(), 1);
    child.kill();
    twilio.release();
    recover(&scene, &twilio, &message);
}

/// The first answer got lost two minutes ago, and Twilio's lists lag by half a minute: the next worker asks before it sends again, and is
/// killed while it asks, or while it sends.
#[test]
fn a_worker_killed_between_a_doubt_and_its_end() {
    let late = TwilioFault::TakenLate(Duration::from_secs(20));
    for (first, then) in [
        (late, &[TwilioFault::HoldBefore][..]),
        (late, &[TwilioFault::HoldAfter]),
        (TwilioFault::DropBefore, &[TwilioFault::HoldAfter]),
        (TwilioFault::DropBefore, &[TwilioFault::Pass, TwilioFault::HoldBefore]),
        (TwilioFault::DropBefore, &[TwilioFault::Pass, TwilioFault::HoldAfter]),
    ] {
        let scene = Scene::at(SystemClock.now() - TimeDelta::minutes(2));
        let twilio = FakeTwilio::with_clock(scene.clock.clone());
        twilio.lag_lists_by(TimeDelta::seconds(30));
        let message = scene.queue("Hello");
        twilio.fail_with([first]);
        let worker = Worker::new(scene.db.store.clone(), Arc::new(TwilioSms::new(&twilio.account())), CONFIG);
        assert_eq!(worker.pass().unwrap().put_back, 1);
        scene.clock.advance(TimeDelta::minutes(2));
        twilio.fail_with(then.iter().copied());
        let mut child = ChildWorker::start(&scene, &twilio);
        twilio.wait_for_held();
        child.kill();
        twilio.release();
        recover(&scene, &twilio, &message);
    }
}

/// A person whose lock somebody holds is left for the next look, and keeps nobody else waiting.
#[test]
fn text_to_a_locked_person_waits_and_others_go() {
    let scene = Scene::new();
    let message = scene.queue("Hello");
    let other = scene.queue("Hello, too").id;
    let person = Person::new(message.to_number.phone().unwrap().clone());
    let pass = scene.db.store.tenant_and_person(&scene.business.tenant, &person, |_| scene.worker().pass()).unwrap();
    assert_eq!((pass.sent, scene.sms.taken()[0].id), (1, other));
    let waiting = scene.message(message.id);
    assert_eq!((waiting.attempts, waiting.lease_owner, waiting.message_status), (0, None, MessageStatus::Queued));
    assert_eq!(scene.worker().pass().unwrap().sent, 1);
}

/// It has Twilio's answer, and is just writing it down.
#[test]
fn a_worker_killed_before_it_could_note_the_answer() {
    use diesel::connection::SimpleConnection as _;
    let (scene, twilio, message) = scene_for_a_killing();
    twilio.fail_with([TwilioFault::HoldAfter]);
    let mut child = ChildWorker::start(&scene, &twilio);
    twilio.wait_for_held();
    // Lets everybody read, and nobody write.
    let mut blocker = scene.db.superuser();
    blocker.batch_execute("BEGIN; LOCK TABLE messages IN SHARE MODE").unwrap();
    twilio.release();
    let mut eye = scene.db.superuser();
    let writing = "SELECT count(*) FROM pg_locks WHERE relation = 'messages'::regclass AND NOT granted";
    wait_until("the answer is being noted", || query::<i64>(&mut eye, writing) == [1]);
    child.kill();
    blocker.batch_execute("ROLLBACK").unwrap();
    recover(&scene, &twilio, &message);
}

// ------------------------------------------------------------------------------------------------ the database

/// The database goes away while the provider is being called, and what came of it can't be noted.
#[test]
fn lost_database_during_a_send_sends_nothing_twice() {
    for fault in [None, Some(Fault::LostBefore), Some(Fault::LostAfter), Some(Fault::NotNow(None))] {
        let scene = Scene::new();
        let message = scene.queue("Hello");
        scene.sms.fail_with(fault.clone());
        scene.sms.hold();
        let worker = scene.worker();
        std::thread::scope(|scope| {
            let pass = scope.spawn(|| worker.pass());
            scene.sms.wait_for_sender();
            let outage = scene.db.take_down();
            scene.sms.release();
            let lost = pass.join().unwrap();
            assert!(matches!(lost, Err(Error::Unavailable { .. })), "{fault:?}: {lost:?}");
            drop(outage);
        });
        scene.clock.advance(TimeDelta::hours(1));
        scene.work_to_the_end();
        assert_eq!(scene.sms.taken().len(), 1, "{fault:?}");
        assert_eq!(scene.message(message.id).message_status, MessageStatus::Accepted, "{fault:?}");
    }
}

/// No transaction is open, and no connection held, while the provider answers.
#[test]
fn send_under_way_holds_no_connection() {
    let scene = Scene::new();
    scene.queue("Hello");
    let worker = scene.worker();
    scene.sms.hold();
    std::thread::scope(|scope| {
        let pass = scope.spawn(|| worker.pass());
        scene.sms.wait_for_sender();
        let open = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND xact_start IS NOT NULL
                    AND pid <> pg_backend_pid()";
        assert_eq!(scene.db.query::<i64>(open), [0]);
        // Even if its connection is taken away meanwhile, what came of the text is noted on another.
        let _ended: Vec<bool> = scene.db.query(
            "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity
             WHERE datname = current_database() AND pid <> pg_backend_pid()",
        );
        scene.sms.release();
        assert_eq!(pass.join().unwrap().unwrap().sent, 1);
    });
}

/// `run` outlives a database that goes away and comes back.
#[test]
fn a_running_worker_gets_over_lost_connections() {
    let scene = Scene::new();
    let worker = scene.worker();
    std::thread::scope(|scope| {
        let _stop = finally(|| worker.stop());
        scope.spawn(|| worker.run());
        for number in 1..=3 {
            scene.queue("Hello");
            wait_until("it is sent", || scene.sms.taken().len() == number);
            let _ended: Vec<bool> = scene.db.query(
                "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity
                 WHERE datname = current_database() AND pid <> pg_backend_pid()",
            );
        }
        worker.stop();
    });
}

// ------------------------------------------------------------------------------------------------ several workers

/// What a worker notes after its claim went to somebody else changes nothing.
#[test]
fn late_outcome_of_a_lost_claim_changes_nothing() {
    let scene = Scene::new();
    let message = scene.queue("Hello").id;
    let slow = scene.worker();
    let mute = Arc::new(FakeSms::new());
    mute.cannot_tell();
    let quick = Worker::new(scene.db.store.clone(), mute.clone(), CONFIG);
    scene.sms.hold();
    std::thread::scope(|scope| {
        let pass = scope.spawn(|| slow.pass());
        scene.sms.wait_for_sender();
        scene.clock.advance(TimeDelta::seconds(104));
        assert_eq!(
            quick.pass().unwrap(),
            nmc_core::conversations::Pass::default(),
            "it is claimed, or its doubt has not settled"
        );
        scene.clock.advance(TimeDelta::seconds(1));
        assert_eq!(quick.pass().unwrap().ended, 1, "the other provider can't tell");
        scene.sms.release();
        assert_eq!(pass.join().unwrap().unwrap(), nmc_core::conversations::Pass::default());
    });
    let message = scene.message(message);
    assert_eq!((message.message_status, message.message_sid, mute.taken().len()), (MessageStatus::Failed, None, 0));
}

#[test]
fn two_workers_on_one_queue_send_each_text_once() {
    let scene = Scene::new();
    scene.queue_many(&scene.business, 200);
    let workers = [0, 1].map(|_| scene.worker_with(WorkerConfig { senders: 2, ..CONFIG }));
    std::thread::scope(|scope| {
        let _stop = finally(|| workers.iter().for_each(Worker::stop));
        for worker in &workers {
            scope.spawn(|| worker.run());
        }
        wait_until("all are sent", || scene.sms.taken().len() >= 200);
        workers.iter().for_each(Worker::stop);
    });
    let ids: HashSet<MessageId> = scene.sms.taken().iter().map(|taken| taken.id).collect();
    assert_eq!((scene.sms.taken().len(), ids.len()), (200, 200));
    let statuses: Vec<String> = scene.db.query("SELECT DISTINCT message_status FROM messages");
    assert_eq!(statuses, ["accepted"]);
}

/// One business's five hundred texts don't keep another's one waiting.
#[test]
fn a_long_queue_starves_nobody() {
    let scene = Scene::new();
    scene.queue_many(&scene.business, 500);
    scene.clock.advance(TimeDelta::seconds(1));
    let small = Business::onboard(&scene.db.store, "Ann's Plumbing");
    small.queue(&scene.db.store, &unique_phone(), "Hello").unwrap();
    let pass = scene.worker().pass().unwrap();
    assert_eq!(pass.sent, 6, "a batch of one and all of the other");
    let senders: HashMap<String, usize> = scene.sms.taken().into_iter().fold(HashMap::new(), |mut senders, taken| {
        *senders.entry(taken.text.0).or_default() += 1;
        senders
    });
    assert_eq!((senders[scene.business.number.as_str()], senders[small.number.as_str()]), (5, 1));
}

#[test]
fn the_longest_waiting_goes_first() {
    let scene = Scene::new();
    let order: Vec<MessageId> = (0..7)
        .map(|number| {
            scene.clock.advance(TimeDelta::seconds(1));
            scene.queue(&format!("text {number}")).id
        })
        .collect();
    scene.worker().pass().unwrap();
    scene.worker().pass().unwrap();
    assert_eq!(scene.sms.taken().iter().map(|taken| taken.id).collect::<Vec<_>>(), order);
}

// ------------------------------------------------------------------------------------------------ trying again

/// The wait until the next attempt.
fn wait_of(scene: &Scene, id: MessageId) -> TimeDelta {
    scene.message(id).next_attempt_at.unwrap() - scene.clock.now()
}

/// A wait, and up to a quarter more: texts that failed together don't come back together.
fn spread(seconds: i64) -> std::ops::RangeInclusive<TimeDelta> {
    let wait = TimeDelta::seconds(seconds);
    wait..=wait * 5 / 4
}

#[test]
fn wait_doubles_to_its_limit_then_the_text_is_given_up() {
    let scene = Scene::new();
    let worker = scene.worker_with(WorkerConfig { max_attempts: 6, ..CONFIG });
    let message = scene.queue("Hello");
    scene.sms.fail_with(vec![Fault::NotNow(None); 20]);
    for seconds in [5, 10, 20, 40, 60] {
        assert_eq!(worker.pass().unwrap().put_back, 1, "{seconds}");
        let wait = wait_of(&scene, message.id);
        assert!(spread(seconds).contains(&wait), "{wait} for {seconds} s");
        assert!(scene.message(message.id).error_message.is_some(), "the reason stands in the row meanwhile");
        scene.clock.advance(wait - TimeDelta::microseconds(1));
        assert_eq!(worker.pass().unwrap(), nmc_core::conversations::Pass::default(), "not before its time");
        scene.clock.advance(TimeDelta::microseconds(1));
    }
    assert_eq!(worker.pass().unwrap().ended, 1);
    let given_up = scene.message(message.id);
    assert_eq!((given_up.message_status, given_up.lease_owner), (MessageStatus::Failed, None));
    assert!(given_up.error_message.is_some());
    assert_eq!((scene.failures(&message), scene.sms.taken().len()), (1, 0));
}

/// Every doubt has to settle first, however often it comes; then the provider is asked, and only then the text is sent again.
#[test]
fn text_in_doubt_is_asked_about_after_ninety_seconds() {
    let scene = Scene::new();
    let worker = scene.worker_with(WorkerConfig { max_attempts: 4, ..CONFIG });
    let message = scene.queue("Hello");
    scene.sms.fail_with(vec![Fault::LostBefore; 20]);
    for attempt in 1..=4 {
        assert_eq!(worker.pass().unwrap().put_back, 1, "{attempt}");
        assert_eq!(wait_of(&scene, message.id), TimeDelta::seconds(90), "{attempt}");
        scene.clock.advance(TimeDelta::seconds(90) - TimeDelta::microseconds(1));
        assert_eq!(worker.pass().unwrap(), nmc_core::conversations::Pass::default(), "not before its time");
        scene.clock.advance(TimeDelta::microseconds(1));
        assert_eq!(scene.sms.lookups(), attempt - 1, "asked before each further try");
    }
    assert_eq!(worker.pass().unwrap().ended, 1, "it is asked about once more, and given up");
    assert_eq!((scene.sms.lookups(), scene.sms.taken().len(), scene.failures(&message)), (4, 0, 1));
}

/// A text that was in doubt once is looked up before each further try, also after one that certainly failed.
#[test]
fn text_once_in_doubt_is_looked_up_before_each_try() {
    let scene = Scene::new();
    let message = scene.queue("Hello").id;
    scene.sms.fail_with([Fault::LostAfter]);
    // The provider's list does not show it for a long time.
    scene.sms.hide_taken(true);
    scene.worker().pass().unwrap();
    scene.clock.advance(TimeDelta::seconds(90));
    scene.sms.fail_with([Fault::NotNow(None)]);
    assert_eq!(scene.worker().pass().unwrap().put_back, 1);
    scene.sms.hide_taken(false);
    scene.clock.advance(TimeDelta::hours(1));
    assert_eq!(scene.worker().pass().unwrap().sent, 1);
    assert_eq!(scene.sms.taken().len(), 1, "it was found, and not sent again");
    assert_eq!(scene.message(message).message_sid, Some(scene.sms.taken()[0].sid.clone()));
}

#[test]
fn the_wait_the_provider_asks_for_is_kept() {
    let scene = Scene::new();
    let message = scene.queue("Hello").id;
    scene.sms.fail_with([Fault::NotNow(Some(Duration::from_secs(37))), Fault::NotNow(Some(Duration::from_secs(1)))]);
    scene.worker().pass().unwrap();
    let wait = wait_of(&scene, message);
    assert!((TimeDelta::seconds(37)..=TimeDelta::seconds(39)).contains(&wait), "{wait}");
    scene.clock.advance(TimeDelta::seconds(40));
    scene.worker().pass().unwrap();
    let wait = wait_of(&scene, message);
    assert!(spread(10).contains(&wait), "a short wait does not shorten our own: {wait}");
    scene.clock.advance(TimeDelta::seconds(13));
    for endless in [Duration::from_secs(86_400), Duration::MAX] {
        scene.sms.fail_with([Fault::NotNow(Some(endless))]);
        assert_eq!(scene.worker().pass().unwrap().put_back, 1);
        assert!(wait_of(&scene, message) <= TimeDelta::seconds(75), "nobody makes us wait for ever");
        scene.clock.advance(TimeDelta::seconds(76));
    }
}

/// A provider that sends, but can't be asked for a while.
struct Silent(FakeSms);

impl SmsSender for Silent {
    fn send(&self, sms: &OutboundSms<'_>) -> Result<nmc_core::telephony::SendReceipt, SendError> {
        self.0.send(sms)
    }

    fn lookup(&self, _: &OutboundSms<'_>, _: DateTime<Utc>) -> Result<nmc_core::telephony::Lookup, SendError> {
        Err(SendError::NotNow { retry_after: None, reason: "the provider is silent".to_owned() })
    }
}

#[test]
fn a_text_in_doubt_waits_for_a_provider_that_can_be_asked() {
    let scene = Scene::new();
    let message = scene.queue("Hello");
    let silent = Arc::new(Silent(FakeSms::new()));
    silent.0.fail_with([Fault::LostAfter]);
    let worker = Worker::new(scene.db.store.clone(), silent.clone(), WorkerConfig { max_attempts: 4, ..CONFIG });
    for _ in 0..3 {
        assert_eq!(worker.pass().unwrap().put_back, 1);
        scene.clock.advance(TimeDelta::hours(1));
    }
    assert_eq!(worker.pass().unwrap().ended, 1);
    assert_eq!(scene.message(message.id).message_status, MessageStatus::Failed);
    assert_eq!((silent.0.taken().len(), scene.failures(&message)), (1, 1), "never sent again, and visibly given up");
}

// ------------------------------------------------------------------------------------------------ refused

#[test]
fn a_refused_text_is_given_up_at_once() {
    let scene = Scene::new();
    let message = scene.queue("Hello");
    let customer = message.to_number.phone().unwrap().clone();
    scene.sms.fail_with([Fault::Refused(21_211)]);
    assert_eq!(scene.worker().pass().unwrap().ended, 1);
    let refused = scene.message(message.id);
    assert_eq!((refused.message_status, refused.error_code, refused.attempts), (MessageStatus::Failed, Some(21_211), 1));
    assert_eq!(scene.failures(&message), 1);
    assert!(!scene.db.store.tenant(&scene.business.tenant, |tx| tx.consents().is_opted_out(&customer)).unwrap());
}

#[test]
fn a_provider_that_knows_of_an_opt_out_tells_us() {
    let scene = Scene::new();
    let message = scene.queue("Hello");
    let customer = message.to_number.phone().unwrap().clone();
    scene.clock.advance(TimeDelta::seconds(1));
    let waiting = scene.business.queue(&scene.db.store, &customer, "Are you there?").unwrap().id;
    scene.sms.fail_with([Fault::Refused(21_610)]);
    scene.worker_with(WorkerConfig { batch: 1, ..CONFIG }).pass().unwrap();
    let refused = scene.message(message.id);
    assert_eq!((refused.message_status, refused.error_code), (MessageStatus::Failed, Some(21_610)));
    assert_eq!(scene.message(waiting).message_status, MessageStatus::Canceled);
    let entry = scene.db.store.tenant(&scene.business.tenant, |tx| tx.consents().find_latest(&customer)).unwrap().unwrap();
    assert_eq!((entry.source, entry.message_id), (ConsentSource::Provider, Some(message.id)));
    assert!(matches!(scene.business.queue(&scene.db.store, &customer, "Hello?"), Err(Error::Forbidden(_))));
    receive_text(&scene.db.store, &SmsForm::text(customer.as_str(), &scene.business.number, "START").parse()).unwrap();
    scene.business.queue(&scene.db.store, &customer, "Welcome back").unwrap();
}

// ------------------------------------------------------------------------------------------------ suspended

#[test]
fn a_suspended_business_s_texts_wait() {
    let scene = Scene::new();
    let other = Business::onboard(&scene.db.store, "Ann's Plumbing");
    let message = scene.queue("Hello").id;
    other.queue(&scene.db.store, &unique_phone(), "Hello").unwrap();
    scene.business.suspend(&scene.db, true);
    assert_eq!(scene.worker().pass().unwrap().sent, 1, "the other's");
    let waiting = scene.message(message);
    assert_eq!((waiting.message_status, waiting.attempts, waiting.lease_owner), (MessageStatus::Queued, 0, None));
    scene.clock.advance(TimeDelta::days(3));
    assert_eq!(scene.worker().pass().unwrap().sent, 0);
    scene.business.suspend(&scene.db, false);
    assert_eq!(scene.worker().pass().unwrap().sent, 1);
    assert_eq!(scene.message(message).message_status, MessageStatus::Accepted);
}

/// It is suspended while the worker sends the first text of its batch: the rest goes back untried.
#[test]
fn a_suspension_stops_a_batch() {
    let scene = Scene::new();
    scene.sms.cannot_tell();
    scene.queue_many(&scene.business, 4);
    let worker = scene.worker();
    scene.sms.hold();
    std::thread::scope(|scope| {
        let pass = scope.spawn(|| worker.pass());
        scene.sms.wait_for_sender();
        scene.business.suspend(&scene.db, true);
        scene.sms.release();
        assert_eq!(pass.join().unwrap().unwrap().sent, 1);
    });
    scene.business.suspend(&scene.db, false);
    assert_eq!(scene.worker().pass().unwrap().sent, 3);
}

// ------------------------------------------------------------------------------------------------ stopping

#[test]
fn stopped_worker_ends_what_it_sends_and_leaves_the_rest() {
    let scene = Scene::new();
    // One of them is in doubt, and stays so.
    let in_doubt = scene.queue("in doubt").id;
    scene.sms.fail_with([Fault::LostAfter]);
    scene.worker().pass().unwrap();
    let first = scene.queue("first").id;
    scene.clock.advance(TimeDelta::seconds(1));
    let others = [scene.queue("second").id, scene.queue("third").id];
    let worker = scene.worker();
    scene.sms.hold();
    std::thread::scope(|scope| {
        let _stop = finally(|| worker.stop());
        let run = scope.spawn(|| worker.run());
        scene.sms.wait_for_sender();
        for id in others {
            assert_eq!(scene.message(id).lease_owner, None, "nothing is claimed that nobody is free to send");
        }
        worker.stop();
        scene.sms.release();
        run.join().unwrap();
    });
    assert_eq!(scene.message(first).message_status, MessageStatus::Accepted, "what it was sending is sent and noted");
    for id in others {
        let message = scene.message(id);
        assert_eq!((message.message_status, message.attempts, message.lease_owner), (MessageStatus::Queued, 0, None));
        assert!(message.next_attempt_at.unwrap() <= scene.clock.now(), "due at once");
    }
    assert!(scene.message(in_doubt).lease_owner.is_some(), "what is in doubt is asked about, not tried again");
    scene.clock.advance(TimeDelta::hours(1));
    scene.work_to_the_end();
    assert_eq!(scene.sms.taken().len(), 4);
}

#[test]
fn an_idle_worker_stops_at_once() {
    let scene = Scene::new();
    let worker = scene.worker_with(WorkerConfig { senders: 3, idle: Duration::from_secs(3_600), ..CONFIG });
    let (done, wait) = mpsc::channel();
    scene.queue("Hello");
    let running = worker.clone();
    let run = std::thread::spawn(move || {
        running.run();
        done.send(()).unwrap();
    });
    wait_until("it has nothing left to do", || scene.sms.taken().len() == 1);
    worker.stop();
    wait.recv_timeout(Duration::from_secs(10)).expect("it has stopped");
    run.join().unwrap();
}

// ------------------------------------------------------------------------------------------------ a recipient who is deleted

#[test]
fn customer_is_not_erased_while_a_text_is_sent() {
    let scene = Scene::new();
    let customer = unique_phone();
    let erase = || {
        let who = Acting::Application(scene.business.tenant);
        erase_customer(&scene.db.store, &who, &customer, &Uploads::new("/nonexistent"), Confirmed::irrevocably())
    };
    let worker = scene.worker();
    scene.business.queue(&scene.db.store, &customer, "Hello").unwrap();
    assert_eq!(erase().unwrap().texts, 1, "what waits is called off");
    assert_eq!((worker.pass().unwrap().sent, scene.sms.taken().len()), (0, 0));

    scene.business.queue(&scene.db.store, &customer, "Hello").unwrap();
    scene.sms.hold();
    std::thread::scope(|scope| {
        let pass = scope.spawn(|| worker.pass());
        scene.sms.wait_for_sender();
        for late in [TimeDelta::zero(), CONFIG.lease + TimeDelta::seconds(1)] {
            scene.clock.advance(late);
            let refused = erase().unwrap_err().to_string();
            assert_eq!(refused, "customer_phone is being sent a text at this moment; try again in a minute", "{late}");
        }
        scene.sms.release();
        assert_eq!(pass.join().unwrap().unwrap().sent, 1, "late, but nobody else took it up");
    });
    assert_eq!(erase().unwrap().texts, 1);
    assert_eq!(scene.db.query::<i64>("SELECT (SELECT count(*) FROM messages) + (SELECT count(*) FROM conversations)"), [0]);
}
