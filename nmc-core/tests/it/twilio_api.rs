//! Texts through Twilio's REST API, against an HTTP server that behaves, and fails, like Twilio's.

use chrono::{DateTime, TimeDelta, Utc};
use nmc_core::conversations::{Worker, WorkerConfig};
use nmc_core::queue::Backoff;
use nmc_core::telephony::Pace;
use nmc_core::telephony::{Lookup, OutboundSms, SendError, SendReceipt, SmsSender};
use nmc_core::testing::{
    Business, FakeTwilio, ManualClock, SmsForm, TestDb, TextFacts, TwilioFault, TwilioText, noon, unique_phone, unique_sid,
};
use nmc_core::twilio::{TwilioConfig, TwilioSms};
use nmc_core::workflows::record_delivery;
use nmc_core::{Clock, MessageId, MessageStatus, PhoneNumber, Secret};
use std::sync::Arc;
use std::time::Duration;

/// A text, from one number to another.
struct Text {
    id: MessageId,
    from: PhoneNumber,
    to: PhoneNumber,
    body: String,
}

impl Text {
    fn new(body: &str) -> Self {
        let id = "01936f5e-0000-7000-8000-000000000001".parse().unwrap();
        Self { id, from: unique_phone(), to: unique_phone(), body: body.to_owned() }
    }

    fn sms(&self) -> OutboundSms<'_> {
        OutboundSms { id: self.id, from: &self.from, to: &self.to, body: &self.body, wants_report: true }
    }

    /// The same as Twilio holds it.
    fn held(&self, created_at: DateTime<Utc>) -> TwilioText {
        TwilioText {
            sid: unique_sid("SM"),
            from: self.from.to_string(),
            to: self.to.to_string(),
            body: self.body.clone(),
            direction: "outbound-api",
            status_callback: None,
            created_at,
        }
    }
}

const FAULTS: [TwilioFault; 8] = [
    TwilioFault::Slow(Duration::from_millis(20)),
    TwilioFault::TooMany(7),
    TwilioFault::Unauthorized,
    TwilioFault::ErrorBefore,
    TwilioFault::ErrorAfter,
    TwilioFault::DropBefore,
    TwilioFault::DropAfter,
    TwilioFault::Garbage,
];

// ------------------------------------------------------------------------------------------------ sending

#[test]
fn text_in_no_conversation_asks_for_no_report() {
    let twilio = FakeTwilio::start();
    let text = Text::new("ALERT");
    TwilioSms::new(&twilio.account()).send(&OutboundSms { wants_report: false, ..text.sms() }).unwrap();
    let held = twilio.texts().pop().unwrap();
    assert_eq!((held.body.as_str(), held.status_callback), ("ALERT", None));
}

#[test]
fn a_text_arrives_as_it_was_written() {
    let twilio = FakeTwilio::start();
    let sender = TwilioSms::new(&twilio.account());
    for body in ["Hello", "1+1 = 2 & 100% \"sure\"?", "Ünï ☎ 😀\nsecond line", " leading and trailing ", &"ü".repeat(1_600)]
    {
        let text = Text::new(body);
        let receipt = sender.send(&text.sms()).unwrap();
        let held = twilio.texts().pop().unwrap();
        assert_eq!((held.from, held.to, held.body.as_str()), (text.from.to_string(), text.to.to_string(), body));
        assert_eq!(receipt, SendReceipt { sid: held.sid, status: MessageStatus::Accepted, error_code: None });
        let callback = "https://nmc.example.com/sms/status?message=01936f5e-0000-7000-8000-000000000001";
        assert_eq!(held.status_callback.as_deref(), Some(callback));
    }
}

#[test]
fn a_slash_at_the_end_of_an_address_does_not_matter() {
    let twilio = FakeTwilio::start();
    let account = twilio.account();
    let config = TwilioConfig { api_url: account.api_url.clone().map(|url| url + "/"), ..account };
    TwilioSms::new(&config).send(&Text::new("Hello").sms()).unwrap();
    assert_eq!(twilio.texts().len(), 1);
}

/// What each fault means for the text: certainly not sent, or in doubt. Taking doubt for certainty would send twice.
#[test]
fn every_fault_says_whether_the_text_may_have_gone_out() {
    for fault in FAULTS {
        for reused_connection in [false, true] {
            let twilio = FakeTwilio::start();
            let sender = TwilioSms::new(&twilio.account());
            if reused_connection {
                sender.send(&Text::new("first").sms()).unwrap();
            }
            let (texts, requests) = (twilio.texts().len(), twilio.requests());
            twilio.fail_with([fault]);
            let sent = sender.send(&Text::new("Hello").sms());
            let taken = twilio.texts().len() - texts;
            assert_eq!(twilio.requests() - requests, 1, "{fault:?}: a text is never posted twice behind our back");
            match (fault, &sent) {
                (TwilioFault::Slow(_), Ok(_)) => assert_eq!(taken, 1),
                (TwilioFault::TooMany(seconds), Err(SendError::SlowDown { retry_after, .. })) => {
                    assert_eq!((taken, *retry_after), (0, Some(Duration::from_secs(seconds))));
                }
                (TwilioFault::Unauthorized, Err(SendError::Refused { code: Some(20_003), .. })) => assert_eq!(taken, 0),
                (TwilioFault::ErrorBefore | TwilioFault::DropBefore, Err(SendError::InDoubt { .. })) => assert_eq!(taken, 0),
                (TwilioFault::ErrorAfter | TwilioFault::DropAfter | TwilioFault::Garbage, Err(SendError::InDoubt { .. })) => {
                    assert_eq!(taken, 1)
                }
                _ => panic!("{fault:?}, reused {reused_connection}: {sent:?}"),
            }
        }
    }
}

#[test]
fn what_twilio_refuses_is_refused_with_its_code() {
    let twilio = FakeTwilio::start();
    let sender = TwilioSms::new(&twilio.account());
    let code = |text: &Text| match sender.send(&text.sms()) {
        Err(SendError::Refused { code, .. }) => code,
        other => panic!("{other:?}"),
    };
    let nobody = Text { to: "+15005550001".parse().unwrap(), ..Text::new("Hello") };
    assert_eq!(code(&nobody), Some(21_211));
    let stopped = Text::new("Hello");
    twilio.block(&stopped.to);
    assert_eq!(code(&stopped), Some(21_610));
    assert_eq!(code(&Text::new(&"x".repeat(1_601))), Some(21_617));
    assert_eq!(twilio.texts(), []);
}

#[test]
fn where_nobody_listens_nothing_was_sent() {
    let twilio = FakeTwilio::start();
    let config = twilio.account();
    drop(twilio);
    let sent = TwilioSms::new(&config).send(&Text::new("Hello").sms());
    assert!(matches!(sent, Err(SendError::NotNow { .. })), "{sent:?}");
}

// ------------------------------------------------------------------------------------------------ asking

#[test]
fn a_lookup_finds_the_same_text_and_no_other() {
    let twilio = FakeTwilio::start();
    let sender = TwilioSms::new(&twilio.account());
    let text = Text::new("Hello");
    let found = |since| sender.lookup(&text.sms(), since).unwrap();
    assert_eq!(found(noon()), Lookup::Held(vec![]), "nothing was sent");
    let same = [text.held(noon()), text.held(noon() + TimeDelta::minutes(1))];
    for held in [
        same[0].clone(),
        TwilioText { body: "hello".to_owned(), ..text.held(noon()) },
        TwilioText { to: unique_phone().to_string(), ..text.held(noon()) },
        TwilioText { from: unique_phone().to_string(), ..text.held(noon()) },
        TwilioText { direction: "inbound", ..text.held(noon()) },
        same[1].clone(),
    ] {
        twilio.put(held);
    }
    let receipt = |text: &TwilioText| SendReceipt { sid: text.sid.clone(), status: MessageStatus::Accepted, error_code: None };
    assert_eq!(found(noon()), Lookup::Held(same.iter().map(receipt).collect()), "oldest first");
    assert_eq!(found(noon() + TimeDelta::seconds(630)), Lookup::Held(vec![receipt(&same[1])]), "not an earlier one");
}

#[test]
fn a_lookup_tells_why_a_text_was_given_up() {
    let twilio = FakeTwilio::start();
    let sender = TwilioSms::new(&twilio.account());
    let text = Text::new("Hello");
    let held = text.held(noon());
    twilio.put(held.clone());
    for (word, code, status) in [
        ("undelivered", Some(30_003), MessageStatus::Undelivered),
        ("failed", Some(21_610), MessageStatus::Failed),
        ("delivered", None, MessageStatus::Delivered),
    ] {
        twilio.tell_of_text(&held.sid, TextFacts { status: word.to_owned(), error_code: code, ..TextFacts::default() });
        let expected = SendReceipt { sid: held.sid.clone(), status, error_code: code };
        assert_eq!(sender.lookup(&text.sms(), noon()).unwrap(), Lookup::Held(vec![expected]));
    }
}

/// Twilio dates by the second, and its clock is not ours.
#[test]
fn a_lookup_allows_for_clocks_that_differ_by_minutes() {
    let twilio = FakeTwilio::start();
    let sender = TwilioSms::new(&twilio.account());
    let text = Text::new("Hello");
    twilio.put(text.held(noon()));
    for (later, expected) in [(0, 1), (600, 1), (601, 0)] {
        let Lookup::Held(held) = sender.lookup(&text.sms(), noon() + TimeDelta::seconds(later)).unwrap() else {
            panic!("it can tell")
        };
        assert_eq!(held.len(), expected, "{later} seconds");
    }
}

#[test]
fn lookup_finds_a_text_under_the_persons_other_spelling() {
    let twilio = FakeTwilio::start();
    let sender = TwilioSms::new(&twilio.account());
    for (written, kept) in [("+5215512345678", "+525512345678"), ("+541123456789", "+5491123456789")] {
        let text = Text { to: written.parse().unwrap(), ..Text::new("Hello") };
        let held = TwilioText { to: kept.to_owned(), ..text.held(noon()) };
        twilio.put(held.clone());
        let expected = SendReceipt { sid: held.sid, status: MessageStatus::Accepted, error_code: None };
        assert_eq!(sender.lookup(&text.sms(), noon()).unwrap(), Lookup::Held(vec![expected]), "{written}");
    }
}

#[test]
fn a_lookup_finds_a_text_behind_many_others() {
    let twilio = FakeTwilio::start();
    let sender = TwilioSms::new(&twilio.account());
    let text = Text::new("Hello");
    let ours = text.held(noon());
    twilio.put(ours.clone());
    for _ in 0..150 {
        twilio.put(TwilioText { body: "Other".to_owned(), ..text.held(noon()) });
    }
    twilio.loosen_lists();
    let expected = SendReceipt { sid: ours.sid, status: MessageStatus::Accepted, error_code: None };
    assert_eq!(sender.lookup(&text.sms(), noon()).unwrap(), Lookup::Held(vec![expected]));
    for _ in 0..1_000 {
        twilio.put(TwilioText { body: "Other".to_owned(), ..text.held(noon()) });
    }
    let found = sender.lookup(&text.sms(), noon());
    assert!(matches!(found, Err(SendError::NotNow { .. })), "never a guess: {found:?}");
}

#[test]
fn an_answer_from_in_between_leaves_the_text_in_doubt() {
    let twilio = FakeTwilio::start();
    let sender = TwilioSms::new(&twilio.account());
    for status in [400, 401, 402, 403, 404, 408, 413, 429] {
        twilio.fail_with([TwilioFault::InBetween(status)]);
        let sent = sender.send(&Text::new("Hello").sms());
        assert!(matches!(sent, Err(SendError::InDoubt { .. })), "{status}: {sent:?}");
    }
}

#[test]
fn a_lookup_that_fails_is_tried_again_later() {
    let twilio = FakeTwilio::start();
    let sender = TwilioSms::new(&twilio.account());
    let text = Text::new("Hello");
    for fault in FAULTS {
        twilio.fail_with([fault]);
        let found = sender.lookup(&text.sms(), noon());
        match (fault, &found) {
            (TwilioFault::Slow(_), Ok(Lookup::Held(held))) => assert_eq!(held, &[]),
            (TwilioFault::TooMany(7), Err(SendError::NotNow { retry_after: Some(wait), .. })) => assert_eq!(wait.as_secs(), 7),
            (_, Err(SendError::NotNow { .. })) => {}
            _ => panic!("{fault:?}: {found:?}"),
        }
    }
}

// ------------------------------------------------------------------------------------------------ secrets

/// Errors and debug output end in logs.
#[test]
fn credentials_and_people_show_in_no_error_and_no_debug_output() {
    let twilio = FakeTwilio::start();
    let account = twilio.account();
    let sender = TwilioSms::new(&account);
    let text = Text::new("my words");
    let mut said = vec![format!("{sender:?}"), format!("{account:?}")];
    for fault in FAULTS.into_iter().skip(1) {
        twilio.fail_with([fault, fault]);
        let (sent, found) = (sender.send(&text.sms()).unwrap_err(), sender.lookup(&text.sms(), noon()).unwrap_err());
        said.extend([format!("{sent} {sent:?}"), format!("{found} {found:?}")]);
    }
    let wrong = TwilioSms::new(&TwilioConfig { auth_token: Secret::new("a wrong token"), ..account.clone() });
    let sent = wrong.send(&text.sms()).unwrap_err();
    assert!(matches!(sent, SendError::Refused { code: Some(20_003), .. }), "{sent:?}");
    said.push(format!("{sent} {sent:?} {wrong:?}"));
    twilio.block(&text.to);
    said.push(format!("{:?}", sender.send(&text.sms()).unwrap_err()));
    let nobody = Text { to: "+15005550001".parse().unwrap(), ..Text::new("my words") };
    said.push(format!("{:?}", sender.send(&nobody.sms()).unwrap_err()));
    drop(twilio);
    said.push(format!("{:?}", sender.send(&text.sms()).unwrap_err()));
    use base64::Engine as _;
    let encode = |token: &str| base64::engine::general_purpose::STANDARD.encode(format!("{}:{token}", account.account_sid));
    let token = account.auth_token.expose();
    let hidden = [token, "a wrong token", &encode(token), &encode("a wrong token"), text.to.as_str(), "+15005550001", "my words"];
    for text in said {
        for secret in hidden {
            assert!(!text.contains(secret), "{text}");
        }
    }
}

// ------------------------------------------------------------------------------------------------ end to end

struct Scene {
    db: TestDb,
    clock: Arc<ManualClock>,
    business: Business,
    twilio: FakeTwilio,
}

const UNPACED: WorkerConfig = WorkerConfig {
    senders: 1,
    batch: 5,
    lease: TimeDelta::seconds(15),
    doubt: TimeDelta::seconds(90),
    max_attempts: 8,
    backoff: Backoff { first: TimeDelta::seconds(5), longest: TimeDelta::hours(1) },
    idle: Duration::from_millis(250),
    pace: Pace::NONE,
    automatic_expiry: TimeDelta::hours(24),
};

impl Scene {
    fn new() -> Self {
        let clock = Arc::new(ManualClock::new(noon()));
        let db = TestDb::with_clock(clock.clone());
        let business = Business::onboard(&db.store, "Joe's Plumbing");
        Self { db, clock: clock.clone(), business, twilio: FakeTwilio::with_clock(clock) }
    }

    fn worker(&self) -> Worker {
        Worker::new(self.db.store.clone(), Arc::new(TwilioSms::new(&self.twilio.account())), UNPACED)
    }

    /// Passes, an hour after one another, until one has sent the text.
    fn work_until_sent(&self) {
        let worker = self.worker();
        let sent = (0..8).any(|_| {
            let pass = worker.pass().unwrap();
            self.clock.advance(TimeDelta::hours(1));
            pass.sent == 1
        });
        assert!(sent);
    }
}

/// Whatever goes wrong with the sending, and then with the asking: Twilio gets the text, and gets it once.
#[test]
fn every_fault_ends_with_exactly_one_text() {
    let scene = Scene::new();
    for first in FAULTS {
        for second in FAULTS {
            let customer = unique_phone();
            let message = scene.business.queue(&scene.db.store, &customer, "Hello").unwrap();
            scene.twilio.fail_with([first, second]);
            scene.work_until_sent();
            // What an early success has left over.
            scene.twilio.take_faults();
            let texts: Vec<TwilioText> = scene.twilio.texts().into_iter().filter(|text| text.to == customer.as_str()).collect();
            assert_eq!(texts.len(), 1, "{first:?}, {second:?}");
            let message = scene.business.message(&scene.db.store, message.id);
            assert_eq!(message.message_sid.as_ref(), Some(&texts[0].sid), "{first:?}, {second:?}");
        }
    }
}

/// Twilio takes a request up to 20 seconds after we gave up, and lists what it took up to 30 seconds later: however often that happens
/// to a text, it is sent once. The worker looks at every second.
#[test]
fn late_requests_and_lagging_lists_send_nothing_twice() {
    let scene = Scene::new();
    let late = |seconds| TwilioFault::TakenLate(Duration::from_secs(seconds));
    let faults: [&[TwilioFault]; 6] = [
        &[late(20)],
        &[late(1)],
        &[TwilioFault::DropAfter],
        &[TwilioFault::ErrorAfter],
        &[TwilioFault::DropBefore, late(20)],
        &[TwilioFault::ErrorBefore, TwilioFault::DropAfter],
    ];
    for lag in [0, 7, 30] {
        scene.twilio.lag_lists_by(TimeDelta::seconds(lag));
        for faults in faults {
            let customer = unique_phone();
            let message = scene.business.queue(&scene.db.store, &customer, "Hello").unwrap();
            let worker = scene.worker();
            // A look-up stands between two sends: what it asks goes well.
            let with_lookups = faults.iter().flat_map(|fault| [*fault, TwilioFault::Pass]);
            scene.twilio.fail_with(with_lookups.take(faults.len() * 2 - 1));
            let begun = scene.clock.now();
            while scene.business.message(&scene.db.store, message.id).message_sid.is_none() {
                worker.pass().unwrap();
                scene.clock.advance(TimeDelta::seconds(1));
                assert!(scene.clock.now() - begun < TimeDelta::minutes(10), "{faults:?}, {lag} s");
            }
            scene.clock.advance(TimeDelta::minutes(2));
            worker.pass().unwrap();
            scene.twilio.take_faults();
            let texts = scene.twilio.texts().iter().filter(|text| text.to == customer.as_str()).count();
            assert_eq!(texts, 1, "{faults:?}, a list that lags by {lag} s");
        }
    }
}

/// The answer to the sending is lost, and the delivery callback comes before the worker asks: its URL carries our id.
#[test]
fn the_callback_url_leads_back_to_the_text() {
    let scene = Scene::new();
    let customer = unique_phone();
    let message = scene.business.queue(&scene.db.store, &customer, "Hello").unwrap();
    scene.twilio.fail_with([TwilioFault::DropAfter]);
    assert_eq!(scene.worker().pass().unwrap().put_back, 1);
    let text = scene.twilio.texts().remove(0);
    let (_, id) = text.status_callback.as_deref().unwrap().split_once("message=").unwrap();
    let form = SmsForm::delivery(&scene.business.number, &customer, &text.sid, "delivered");
    let delivered = record_delivery(&scene.db.store, &form.parse_delivery(Some(id.parse().unwrap()))).unwrap();
    assert_eq!((delivered.id, delivered.message_status), (message.id, MessageStatus::Delivered));
    scene.clock.advance(TimeDelta::hours(1));
    scene.worker().pass().unwrap();
    assert_eq!(scene.twilio.texts().len(), 1);
}

#[test]
fn an_opt_out_that_only_twilio_knows_of_is_recorded() {
    let scene = Scene::new();
    let customer = unique_phone();
    scene.twilio.block(&customer);
    let message = scene.business.queue(&scene.db.store, &customer, "Hello").unwrap();
    assert_eq!(scene.worker().pass().unwrap().ended, 1);
    let (message, stopped) = scene
        .db
        .store
        .tenant(&scene.business.tenant, |tx| Ok((tx.messages().get(message.id)?, tx.consents().is_opted_out(&customer)?)))
        .unwrap();
    assert_eq!((message.message_status, message.error_code, stopped), (MessageStatus::Failed, Some(21_610), true));
}

/// Wrong credentials are the operator's fault: the texts wait until they are put right.
#[test]
fn texts_wait_for_the_right_credentials() {
    let scene = Scene::new();
    scene.business.queue(&scene.db.store, &unique_phone(), "Hello").unwrap();
    let wrong = TwilioConfig { auth_token: Secret::new("wrong"), ..scene.twilio.account() };
    let worker = Worker::new(scene.db.store.clone(), Arc::new(TwilioSms::new(&wrong)), UNPACED);
    assert_eq!(worker.pass().unwrap().put_back, 1);
    scene.clock.advance(TimeDelta::hours(1));
    scene.work_until_sent();
    assert_eq!(scene.twilio.texts().len(), 1);
}
