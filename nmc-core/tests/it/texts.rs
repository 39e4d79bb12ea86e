//! Texts in and out: what lands where, who may be texted, and what became of it.

use chrono::TimeDelta;
use nmc_core::conversations::{
    ConsentFilter, Keyword, Message, MessageFilter, NewConsent, NewConversation, Worker, WorkerConfig,
};
use nmc_core::telephony::Pace;
use nmc_core::telephony::SmsSender;
use nmc_core::telephony::{SmsCallback, SmsStatusCallback};
use nmc_core::testing::{
    Business, FakeSms, Fault, Gate, ManualClock, SmsForm, TestDb, VoiceForm, noon, orders, unique_phone, unique_sid, wait_until,
};
use nmc_core::workflows::record_voice_status;
use nmc_core::workflows::{Received, receive_text, record_delivery};
use nmc_core::{
    CallerIdentity, ConsentAction, ConsentSource, ConversationChannel, ConversationEventType as Event, ConversationId,
    ConversationStatus, Error, MessageChannel, MessageId, MessageKind, MessageStatus, NumberStatus, PageRequest, PhoneNumber,
};
use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

/// One business, one customer, a clock that stands still and a provider in memory.
struct Scene {
    db: TestDb,
    clock: Arc<ManualClock>,
    business: Business,
    customer: PhoneNumber,
    sms: Arc<FakeSms>,
}

impl Scene {
    fn new() -> Self {
        let clock = Arc::new(ManualClock::new(noon()));
        Self::over(TestDb::with_clock(clock.clone()), clock)
    }

    fn over(db: TestDb, clock: Arc<ManualClock>) -> Self {
        let business = Business::onboard(&db.store, "Joe's Plumbing");
        Self { db, clock, business, customer: unique_phone(), sms: Arc::new(FakeSms::new()) }
    }

    fn text(&self, body: &str) -> Received {
        self.receive(&SmsForm::text(self.customer.as_str(), &self.business.number, body))
    }

    fn receive(&self, form: &SmsForm) -> Received {
        receive_text(&self.db.store, &form.parse()).unwrap()
    }

    /// A new call of the customer's, which rings out.
    fn missed_call(&self) -> Option<MessageId> {
        let form = VoiceForm::missed(self.customer.as_str(), &self.business.number, &unique_sid("CA"));
        record_voice_status(&self.db.store, &form.parse()).unwrap().greeting
    }

    fn queue(&self, body: &str) -> Message {
        self.business.queue(&self.db.store, &self.customer, body).unwrap()
    }

    fn message(&self, id: MessageId) -> Message {
        self.business.message(&self.db.store, id)
    }

    fn worker(&self) -> Worker {
        let sender: Arc<dyn SmsSender> = self.sms.clone();
        Worker::new(self.db.store.clone(), sender, WorkerConfig { batch: 200, pace: Pace::NONE, ..WorkerConfig::default() })
    }

    fn opted_out(&self) -> bool {
        self.db.store.tenant(&self.business.tenant, |tx| tx.consents().is_opted_out(&self.customer)).unwrap()
    }

    fn consent(&self, action: ConsentAction) -> NewConsent {
        NewConsent {
            customer_phone: self.customer.clone(),
            action,
            source: ConsentSource::Staff,
            keyword: None,
            message_id: None,
            note: Some("asked on the phone".to_owned()),
        }
    }

    /// Statuses of the texts to the customer, oldest first.
    fn statuses(&self) -> Vec<MessageStatus> {
        let filter = MessageFilter { direction: Some(nmc_core::MessageDirection::Outbound), ..Default::default() };
        self.business.messages(&self.db.store, &filter).iter().rev().map(|text| text.message_status).collect()
    }
}

// ------------------------------------------------------------------------------------------------ inbound

#[test]
fn a_text_opens_a_conversation_and_the_next_lands_in_it() {
    let scene = Scene::new();
    let first = scene.text("Do you fix boilers?");
    let second = scene.text("It is urgent");
    assert_eq!((first.conversation, first.keyword, first.duplicate), (second.conversation, None, false));
    let (store, tenant) = (&scene.db.store, &scene.business.tenant);
    let conversation = store.tenant(tenant, |tx| tx.conversations().get(first.conversation)).unwrap();
    assert_eq!((conversation.channel, conversation.total_calls), (ConversationChannel::Sms, 0));
    assert_eq!(conversation.customer_phone, CallerIdentity::Phone(scene.customer.clone()));
    let message = scene.message(first.message);
    assert_eq!((message.message_body.as_str(), message.message_status), ("Do you fix boilers?", MessageStatus::Received));
    assert_eq!(
        scene.business.events(&scene.db.store, first.conversation),
        [Event::Opened, Event::MessageReceived, Event::MessageReceived]
    );
}

#[test]
fn a_text_lands_in_the_conversation_that_a_call_opened() {
    let scene = Scene::new();
    scene.missed_call().expect("a greeting");
    let received = scene.text("Yes please, my sink leaks");
    let (store, tenant) = (&scene.db.store, &scene.business.tenant);
    let conversation = store.tenant(tenant, |tx| tx.conversations().get(received.conversation)).unwrap();
    assert_eq!((conversation.channel, conversation.total_calls), (ConversationChannel::Phone, 1));
    assert!(conversation.first_call_id.is_some() && conversation.first_call_id == conversation.last_call_id);
    store.tenant(tenant, |tx| tx.conversations().set_status(conversation.id, ConversationStatus::Closed)).unwrap();
    assert_ne!(scene.text("One more thing").conversation, conversation.id, "a closed one is not reopened");
}

/// Staff wait for the customer's word; with it, somebody should act again.
#[test]
fn a_customer_s_word_makes_a_waiting_conversation_active() {
    let scene = Scene::new();
    let (store, tenant) = (&scene.db.store, &scene.business.tenant);
    let id = scene.text("Hello").conversation;
    let speak: [&dyn Fn(); 2] = [&|| _ = scene.text("Yes, please"), &|| _ = scene.missed_call()];
    for speaks in speak {
        store.tenant(tenant, |tx| tx.conversations().set_status(id, ConversationStatus::Waiting)).unwrap();
        speaks();
        assert_eq!(store.tenant(tenant, |tx| tx.conversations().get(id)).unwrap().status, ConversationStatus::Active);
    }
}

#[test]
fn a_text_that_comes_again_changes_nothing() {
    let scene = Scene::new();
    let form = SmsForm::text(scene.customer.as_str(), &scene.business.number, "STOP");
    let first = scene.receive(&form);
    let before = scene.db.rows_of(scene.business.tenant.id());
    scene.clock.advance(TimeDelta::hours(1));
    let again = scene.receive(&form);
    assert_eq!((again.message, again.conversation), (first.message, first.conversation));
    assert!(again.duplicate && !first.duplicate);
    assert_eq!(scene.db.rows_of(scene.business.tenant.id()), before);
}

#[test]
fn number_that_may_not_send_greets_and_replies_to_nobody() {
    let active = "status = 'active', twilio_phone_sid = 'PN0123456789abcdef0123456789abcdef'";
    for (number, refusal) in [
        ("status = 'provisioning', twilio_phone_sid = NULL", Some("from_number must be an active number of this business")),
        ("status = 'inactive'", Some("from_number must be an active number of this business")),
        (&format!(r#"{active}, capabilities = '{{"sms": false}}'"#), Some("from_number must be a number that can send texts")),
        (&format!("{active}, capabilities = '{{}}'"), None),
    ] {
        let scene = Scene::new();
        scene.db.execute(&format!("UPDATE phone_numbers SET {number}"));
        // First, as a text that is under way holds a greeting back.
        assert_eq!(scene.missed_call().is_none(), refusal.is_some(), "{number}: a greeting");
        let answer = scene.text("HELP");
        assert_eq!(answer.reply.is_none(), refusal.is_some(), "{number}: an answer to HELP");
        let staff = scene.business.queue(&scene.db.store, &scene.customer, "We are on our way.");
        assert_eq!(staff.err().map(|error| error.to_string()).as_deref(), refusal, "{number}: a reply of staff");
    }
}

#[test]
fn the_same_text_at_once_is_one_text() {
    let scene = Scene::new();
    let form = SmsForm::text(scene.customer.as_str(), &scene.business.number, "HELP");
    let fresh = AtomicUsize::new(0);
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                for _ in 0..5 {
                    fresh.fetch_add(usize::from(!scene.receive(&form).duplicate), Ordering::SeqCst);
                }
            });
        }
    });
    assert_eq!(fresh.into_inner(), 1);
    assert_eq!(scene.business.messages(&scene.db.store, &MessageFilter::default()).len(), 2, "the text and its answer");
}

/// Short codes and sender's names write, too; nobody can be opted out by them.
#[test]
fn a_sender_without_a_number_is_recorded_and_decides_nothing() {
    let scene = Scene::new();
    for sender in ["72975", "ACME"] {
        let received = scene.receive(&SmsForm::text(sender, &scene.business.number, "STOP"));
        assert_eq!((received.keyword, received.reply), (Some(Keyword::Stop), None));
    }
    let decided: Vec<i64> = scene.db.query("SELECT count(*) FROM consents");
    assert_eq!(decided, [0]);
}

#[test]
fn a_text_to_a_number_that_nobody_holds_is_not_found() {
    let scene = Scene::new();
    let refused = receive_text(&scene.db.store, &SmsForm::text("+14155550123", &unique_phone(), "hello").parse());
    assert!(matches!(refused, Err(Error::NotFound { entity: "phone number" })), "{refused:?}");
    let stored: Vec<i64> = scene.db.query("SELECT (SELECT count(*) FROM messages) + (SELECT count(*) FROM conversations)");
    assert_eq!(stored, [0]);
}

// ------------------------------------------------------------------------------------------------ keywords

#[test]
fn every_stop_word_opts_out_and_every_start_word_opts_in() {
    let scene = Scene::new();
    for word in ["STOP", "stopall", "Unsubscribe", "CANCEL", "End.", "quit", "Revoke", "opt-out"] {
        let stopped = scene.text(word);
        assert_eq!(stopped.keyword, Some(Keyword::Stop), "{word}");
        assert!(scene.opted_out(), "{word}");
        let entry =
            scene.db.store.tenant(&scene.business.tenant, |tx| tx.consents().find_latest(&scene.customer)).unwrap().unwrap();
        assert_eq!((entry.action, entry.source), (ConsentAction::OptOut, ConsentSource::Keyword));
        assert_eq!((entry.keyword.as_deref(), entry.message_id), (Some(word), Some(stopped.message)));
        let started = scene.text(if word.len() % 2 == 0 { "START" } else { "Unstop!" });
        assert_eq!(started.keyword, Some(Keyword::Start), "{word}");
        assert!(!scene.opted_out(), "{word}");
    }
    let events = scene.business.events(&scene.db.store, scene.text("thanks").conversation);
    let count = |kind| events.iter().filter(|event| **event == kind).count();
    assert_eq!((count(Event::OptedOut), count(Event::OptedIn)), (8, 8));
}

/// Where Twilio's advanced opt-out is on, it says what a text means, in other languages, too.
#[test]
fn the_provider_s_reading_counts_before_ours() {
    let scene = Scene::new();
    let form =
        |body: &str, kind: &str| SmsForm::text(scene.customer.as_str(), &scene.business.number, body).with("OptOutType", kind);
    assert_eq!(scene.receive(&form("ARRET", "STOP")).keyword, Some(Keyword::Stop));
    assert!(scene.opted_out());
    assert_eq!(scene.receive(&form("OUI", "START")).keyword, Some(Keyword::Start));
    assert!(!scene.opted_out());
    assert_eq!(scene.receive(&form("stop", "SOMETHING NEW")).keyword, Some(Keyword::Stop), "what it can't say, we read");
}

/// What Twilio has read, it has answered.
#[test]
fn what_the_provider_has_read_gets_no_answer_of_ours() {
    let scene = Scene::new();
    let form = SmsForm::text(scene.customer.as_str(), &scene.business.number, "HELP").with("OptOutType", "HELP");
    let received = scene.receive(&form);
    assert_eq!((received.keyword, received.reply), (Some(Keyword::Help), None));
    assert!(scene.text("HELP").reply.is_some(), "one that it has not read");
}

#[test]
fn help_is_answered_once_an_hour_to_one_person() {
    let scene = Scene::new();
    let long = |text: &str| SmsForm::text(text, &scene.business.number, "INFO");
    let ask = |text: &str| scene.receive(&long(text)).reply.is_some();
    assert!(ask("+5215512345678"));
    for _ in 0..25 {
        assert!(!ask("+5215512345678") && !ask("+525512345678"));
    }
    assert!(ask("+525512345679"), "another person");
    scene.clock.advance(TimeDelta::minutes(59));
    assert!(!ask("+525512345678"));
    scene.clock.advance(TimeDelta::minutes(1));
    assert!(ask("+525512345678"));
}

/// It is automatic, and paid, like a greeting.
#[test]
fn help_is_answered_within_what_may_be_spent() {
    let scene = Scene::new();
    let ask = |from: &str| scene.receive(&SmsForm::text(from, &scene.business.number, "HELP")).reply.is_some();
    for dear in ["+19005550100", "+447012345678", "+8821312345678", "+18885550100"] {
        assert!(!ask(dear), "{dear}");
    }
    assert!(ask("+15145550100"), "another country: whoever asks how to stop is told");
    let person = unique_phone();
    for answer in 1..=7 {
        assert_eq!(ask(person.as_str()), answer <= 5, "answer {answer} of a day");
        scene.clock.advance(TimeDelta::hours(1));
    }
}

/// YES answers our questions; only after an opt-out is it one to be texted again.
#[test]
fn yes_opts_in_only_who_has_opted_out() {
    let scene = Scene::new();
    let decisions = || scene.db.query::<String>("SELECT action FROM consents ORDER BY sequence");
    assert_eq!(scene.text("Yes!").keyword, None);
    assert_eq!(decisions(), Vec::<String>::new());
    scene.text("STOP");
    assert_eq!(scene.text("YES").keyword, Some(Keyword::Start));
    assert_eq!(scene.text("yes").keyword, None);
    assert_eq!(decisions(), ["opt_out", "opt_in"]);
}

#[test]
fn ordinary_words_decide_nothing() {
    let scene = Scene::new();
    for body in ["please stop by at 9", "the end", "", "🛑", "START tomorrow"] {
        assert_eq!(scene.text(body).keyword, None, "{body}");
    }
    assert!(!scene.opted_out());
}

#[test]
fn stop_calls_off_what_this_business_has_queued_to_this_person() {
    let scene = Scene::new();
    let rival = Business::onboard(&scene.db.store, "Ann's Plumbing");
    let mine = [scene.missed_call().unwrap(), scene.queue("Are you still there?").id];
    let other = scene.business.queue(&scene.db.store, &unique_phone(), "Hello").unwrap();
    let theirs = rival.queue(&scene.db.store, &scene.customer, "Hello").unwrap();
    scene.text("STOP");
    for id in mine {
        let message = scene.message(id);
        assert_eq!((message.message_status, message.next_attempt_at), (MessageStatus::Canceled, None));
        assert_eq!(message.error_message.as_deref(), Some("the recipient opted out before it was sent"));
    }
    assert_eq!(scene.message(other.id).message_status, MessageStatus::Queued);
    let theirs = scene.db.store.tenant(&rival.tenant, |tx| tx.messages().get(theirs.id)).unwrap();
    assert_eq!(theirs.message_status, MessageStatus::Queued);
    scene.worker().pass().unwrap();
    let to: Vec<(String, String)> = scene.sms.taken().into_iter().map(|taken| (taken.text.0, taken.text.1)).collect();
    assert_eq!(to.len(), 2);
    assert!(to.iter().all(|(from, to)| to != scene.customer.as_str() || from == rival.number.as_str()), "{to:?}");
}

#[test]
fn after_a_stop_nothing_is_queued_until_a_start() {
    let scene = Scene::new();
    scene.text("STOP");
    assert_eq!(scene.missed_call(), None);
    let refused = scene.business.queue(&scene.db.store, &scene.customer, "But…");
    assert!(matches!(refused, Err(Error::Forbidden(_))), "{refused:?}");
    assert_eq!(scene.text("HELP").reply, None);
    assert_eq!(scene.statuses(), []);
    scene.text("START");
    scene.clock.advance(TimeDelta::hours(1));
    assert!(scene.missed_call().is_some());
    scene.queue("Welcome back");
    scene.worker().pass().unwrap();
    assert_eq!(scene.sms.taken().len(), 2);
}

/// A text called off by a STOP stays called off.
#[test]
fn a_start_brings_nothing_back() {
    let scene = Scene::new();
    let message = scene.queue("Hello").id;
    scene.text("STOP");
    scene.text("START");
    assert_eq!(scene.message(message).message_status, MessageStatus::Canceled);
    scene.worker().pass().unwrap();
    assert_eq!(scene.sms.taken(), []);
}

#[test]
fn help_is_answered_once() {
    let scene = Scene::new();
    let form = SmsForm::text(scene.customer.as_str(), &scene.business.number, "help?");
    let reply = scene.receive(&form).reply.expect("an answer");
    assert_eq!(scene.receive(&form).reply, None, "the same text again");
    let message = scene.message(reply);
    assert_eq!((message.message_kind, message.message_status), (MessageKind::KeywordReply, MessageStatus::Queued));
    assert!(message.message_body.contains("Joe's Plumbing") && message.message_body.contains("STOP"));
    assert_eq!(
        (message.from_number.as_str(), message.to_number.as_str()),
        (scene.business.number.as_str(), scene.customer.as_str())
    );
    assert_eq!(scene.statuses().len(), 1);
    assert_eq!(
        scene.business.events(&scene.db.store, message.conversation_id),
        [Event::Opened, Event::MessageReceived, Event::MessageQueued]
    );
}

#[test]
fn help_from_ourselves_or_to_a_suspended_business_is_unanswered() {
    let scene = Scene::new();
    let second = scene.business.add_number(&scene.db.store);
    let received = scene.receive(&SmsForm::text(second.as_str(), &scene.business.number, "HELP"));
    assert_eq!((received.keyword, received.reply), (Some(Keyword::Help), None), "it would be answered for ever");
    scene.business.suspend(&scene.db, true);
    assert_eq!(scene.text("HELP").reply, None);
}

// ------------------------------------------------------------------------------------------------ consent

#[test]
fn consent_holds_for_all_numbers_of_one_business_alone() {
    let scene = Scene::new();
    let second = scene.business.add_number(&scene.db.store);
    let rival = Business::onboard(&scene.db.store, "Ann's Plumbing");
    scene.receive(&SmsForm::text(scene.customer.as_str(), &second, "STOP"));
    let conversation = scene.business.conversation_with(&scene.db.store, &scene.customer);
    for number in [&scene.business.number, &second] {
        let mut words = scene.business.words(conversation, "Hello");
        words.from_number = number.clone();
        let refused = scene.db.store.tenant(&scene.business.tenant, |tx| tx.messages().queue(&words));
        assert!(matches!(refused, Err(Error::Forbidden(_))), "{refused:?}");
    }
    rival.queue(&scene.db.store, &scene.customer, "Hello from Ann").unwrap();
    scene.business.queue(&scene.db.store, &unique_phone(), "Hello").unwrap();
}

#[test]
fn staff_may_record_an_opt_out() {
    let scene = Scene::new();
    let queued = scene.queue("Hello").id;
    let opt_out = scene.consent(ConsentAction::OptOut);
    let entry = scene.db.store.tenant(&scene.business.tenant, |tx| tx.consents().record(&opt_out)).unwrap();
    assert_eq!((entry.source, entry.note.as_deref()), (ConsentSource::Staff, Some("asked on the phone")));
    assert_eq!(scene.message(queued).message_status, MessageStatus::Canceled);
    assert!(matches!(scene.business.queue(&scene.db.store, &scene.customer, "Hello"), Err(Error::Forbidden(_))));
    let list = scene
        .db
        .store
        .tenant(&scene.business.tenant, |tx| tx.consents().list(&ConsentFilter::default(), PageRequest::first()))
        .unwrap()
        .items;
    assert_eq!(list, [entry]);
}

/// The order in the ledger counts, not the clock: a clock that was put back must not undo a STOP.
#[test]
fn the_last_entry_counts_even_if_the_clock_went_back() {
    let scene = Scene::new();
    scene.text("START");
    scene.clock.advance(TimeDelta::days(-3));
    scene.text("STOP");
    assert!(scene.opted_out());
}

// ------------------------------------------------------------------------------------------------ queueing

#[test]
fn only_an_active_number_of_the_business_sends() {
    let scene = Scene::new();
    let rival = Business::onboard(&scene.db.store, "Ann's Plumbing");
    let (idle, released) = (scene.business.add_number(&scene.db.store), scene.business.add_number(&scene.db.store));
    for (number, status) in [(&idle, NumberStatus::Inactive), (&released, NumberStatus::Released)] {
        let moved = scene.db.store.tenant(&scene.business.tenant, |tx| {
            let held = tx.phone_numbers().find_by_number(number)?.unwrap();
            tx.phone_numbers().set_status(held.id, status)
        });
        moved.unwrap();
    }
    let conversation = scene.business.conversation_with(&scene.db.store, &scene.customer);
    for number in [rival.number, idle, released, unique_phone()] {
        let mut words = scene.business.words(conversation, "Hello");
        words.from_number = number;
        match scene.db.store.tenant(&scene.business.tenant, |tx| tx.messages().queue(&words)) {
            Err(Error::Invalid { field, .. }) => assert_eq!(field, "from_number"),
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(scene.statuses(), []);
}

#[test]
fn a_text_has_one_to_sixteen_hundred_characters() {
    let scene = Scene::new();
    for body in ["", " \n", &"x".repeat(1_601), &"ü".repeat(1_601), "a\0b"] {
        match scene.business.queue(&scene.db.store, &scene.customer, body) {
            Err(Error::Invalid { field, .. }) => assert_eq!(field, "body"),
            other => panic!("{body:?}: {other:?}"),
        }
    }
    for body in ["x", &"ü".repeat(1_600)] {
        assert_eq!(scene.queue(body).message_body, body);
    }
}

#[test]
fn a_text_needs_a_conversation_with_someone_who_can_be_texted() {
    let scene = Scene::new();
    let (store, tenant) = (&scene.db.store, &scene.business.tenant);
    for customer in ["72975", "ACME", "anonymous"] {
        let new = NewConversation {
            customer_phone: customer.parse().unwrap(),
            channel: ConversationChannel::Phone,
            subject: None,
            customer_name: None,
        };
        let conversation = store.tenant(tenant, |tx| tx.conversations().create(&new)).unwrap().id;
        match store.tenant(tenant, |tx| tx.messages().queue(&scene.business.words(conversation, "Hello"))) {
            Err(Error::Invalid { field, .. }) => assert_eq!(field, "customer_phone"),
            other => panic!("{customer}: {other:?}"),
        }
    }
    let rival = Business::onboard(store, "Ann's Plumbing");
    let theirs = rival.conversation_with(store, &scene.customer);
    for conversation in [theirs, ConversationId::new(scene.queue("Hello").id.uuid())] {
        let refused = store.tenant(tenant, |tx| tx.messages().queue(&scene.business.words(conversation, "Hello")));
        assert!(matches!(refused, Err(Error::NotFound { entity: "conversation" })), "{refused:?}");
    }
}

// ------------------------------------------------------------------------------------------------ STOP against send

/// The worker is inside `send`. The STOP must not be answered before what became of the text is written down; it holds nothing that
/// anybody else needs meanwhile.
#[test]
fn stop_waits_for_the_text_on_its_way_without_a_connection() {
    let scene = Scene::new();
    let message = scene.queue("Hello").id;
    let worker = scene.worker();
    scene.sms.hold();
    std::thread::scope(|scope| {
        let pass = scope.spawn(|| worker.pass());
        scene.sms.wait_for_sender();
        let stop = scope.spawn(|| {
            scene.text("STOP");
            scene.message(message).message_status
        });
        wait_until("the opt-out is recorded", || scene.opted_out());
        scene.db.wait_for_held_locks(0);
        assert!(!stop.is_finished());
        assert_eq!(scene.sms.taken(), []);
        scene.sms.release();
        assert_eq!(stop.join().unwrap(), MessageStatus::Accepted, "noted before the STOP was answered");
        assert_eq!(pass.join().unwrap().unwrap().sent, 1);
    });
    assert_eq!(scene.sms.taken().len(), 1);
}

/// A text whose sending is in doubt may have gone out: a STOP does not guess, the worker asks. Then it is sent no more.
#[test]
fn after_a_stop_a_text_in_doubt_is_looked_up_and_not_sent_again() {
    for (fault, status) in [(Fault::LostBefore, MessageStatus::Canceled), (Fault::LostAfter, MessageStatus::Accepted)] {
        let scene = Scene::new();
        let message = scene.queue("Hello").id;
        scene.sms.fail_with([fault.clone()]);
        scene.worker().pass().unwrap();
        let taken = scene.sms.taken().len();
        scene.text("STOP");
        assert_eq!(scene.message(message).message_status, MessageStatus::Queued, "{fault:?}");
        scene.clock.advance(TimeDelta::hours(1));
        scene.worker().pass().unwrap();
        assert_eq!(scene.message(message).message_status, status, "{fault:?}");
        assert_eq!(scene.sms.taken().len(), taken, "{fault:?}");
    }
}

#[test]
fn text_in_doubt_that_was_given_up_ends_with_its_code() {
    for (code, is_opt_out) in [(30_003, false), (21_610, true)] {
        let scene = Scene::new();
        let message = scene.queue("Hello");
        scene.sms.fail_with([Fault::LostAfter]);
        scene.sms.give_up_taken(code);
        scene.worker().pass().unwrap();
        scene.clock.advance(TimeDelta::hours(1));
        let pass = scene.worker().pass().unwrap();
        assert_eq!((pass.sent, pass.ended), (0, 1), "{code}");
        let ended = scene.message(message.id);
        assert_eq!((ended.message_status, ended.error_code), (MessageStatus::Failed, Some(code)));
        assert_eq!(ended.message_sid.as_deref(), Some(scene.sms.taken()[0].sid.as_str()), "{code}: no other text's");
        assert!(ended.error_message.is_some_and(|why| why.contains(&code.to_string())));
        assert_eq!(
            scene.business.events(&scene.db.store, message.conversation_id).last(),
            Some(&if is_opt_out { Event::OptedOut } else { Event::MessageFailed })
        );
        assert_eq!(scene.opted_out(), is_opt_out, "{code}");
    }
}

#[test]
fn text_that_is_being_sent_waits_for_nothing() {
    let scene = Scene::new();
    let message = scene.queue("Hello").id;
    let waits = || {
        let text = scene.message(message);
        let waits = scene.db.store.tenant(&scene.business.tenant, |tx| tx.number_pacing().waits_of(std::slice::from_ref(&text)));
        waits.unwrap().until(&text)
    };
    scene.sms.hold();
    std::thread::scope(|scope| {
        let pass = scope.spawn(|| scene.worker().pass());
        scene.sms.wait_for_sender();
        assert!(scene.message(message).next_attempt_at.is_some_and(|at| at > noon()), "if nothing comes of it");
        assert_eq!(waits(), None);
        scene.sms.fail_with([Fault::LostAfter]);
        scene.sms.release();
        pass.join().unwrap().unwrap();
    });
    assert!(waits().is_some(), "one in doubt is asked about later");
}

#[test]
fn a_stop_calls_off_a_text_that_is_just_being_queued() {
    let scene = Scene::new();
    let words = scene.business.words(scene.business.conversation_with(&scene.db.store, &scene.customer), "Hello");
    let gate = Gate::default();
    std::thread::scope(|scope| {
        let queueing = scope.spawn(|| {
            scene.db.store.tenant(&scene.business.tenant, |tx| {
                let message = tx.messages().queue(&words)?;
                gate.wait();
                Ok(message.id)
            })
        });
        let stop = scope.spawn(|| {
            // Queueing has begun once it holds the lock.
            scene.db.wait_for_held_locks(1);
            scene.text("STOP")
        });
        scene.db.wait_for_waiting_sessions(1);
        assert!(!stop.is_finished());
        gate.open();
        let message = queueing.join().unwrap().unwrap();
        stop.join().unwrap();
        assert_eq!(scene.message(message).message_status, MessageStatus::Canceled);
    });
}

#[test]
fn queueing_beside_an_uncommitted_stop_waits_and_is_refused() {
    let scene = Scene::new();
    let conversation = scene.business.conversation_with(&scene.db.store, &scene.customer);
    let opt_out = scene.consent(ConsentAction::OptOut);
    let gate = Gate::default();
    let recorded = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let stop = scope.spawn(|| {
            scene.db.store.tenant(&scene.business.tenant, |tx| {
                tx.consents().record(&opt_out)?;
                recorded.store(true, Ordering::SeqCst);
                gate.wait();
                Ok(())
            })
        });
        wait_until("the opt-out is written", || recorded.load(Ordering::SeqCst));
        let queueing = scope.spawn(|| {
            scene.db.store.tenant(&scene.business.tenant, |tx| tx.messages().queue(&scene.business.words(conversation, "Hello")))
        });
        let call = scope.spawn(|| scene.missed_call());
        scene.db.wait_for_waiting_sessions(2);
        gate.open();
        stop.join().unwrap().unwrap();
        let refused = queueing.join().unwrap();
        assert!(matches!(refused, Err(Error::Forbidden(_))), "{refused:?}");
        assert_eq!(call.join().unwrap(), None);
    });
}

/// Counts one up when it goes, also by a panic: the others must not wait for a thread that has failed.
struct CountsWhenGone<'a>(&'a AtomicUsize);

impl Drop for CountsWhenGone<'_> {
    fn drop(&mut self) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}

/// Four customers stop and start again and again while staff write, calls are missed and two workers send. Between the
/// return of a STOP and the next START nothing is queued to that customer, and the provider takes nothing.
#[test]
fn whatever_happens_nothing_is_sent_between_stop_and_start() {
    let db = TestDb::with(|config| config.pool_size = 10);
    let scene = Scene::over(db, Arc::new(ManualClock::new(noon())));
    let customers: Vec<PhoneNumber> = (0..4).map(|_| unique_phone()).collect();
    let conversations: Vec<ConversationId> =
        customers.iter().map(|customer| scene.business.conversation_with(&scene.db.store, customer)).collect();
    let (refusals, done): ([AtomicUsize; 4], _) = (Default::default(), AtomicUsize::new(0));
    let going_on = || done.load(Ordering::SeqCst) < customers.len();
    let taken_by = |customer: &PhoneNumber| scene.sms.taken().iter().filter(|taken| taken.text.1 == customer.as_str()).count();
    let text =
        |customer: &PhoneNumber, body: &str| scene.receive(&SmsForm::text(customer.as_str(), &scene.business.number, body));
    std::thread::scope(|scope| {
        for (at, customer) in customers.iter().enumerate() {
            let (refusals, done, scene) = (&refusals[at], &done, &scene);
            scope.spawn(move || {
                let _counted = CountsWhenGone(done);
                for round in 0..12 {
                    let sent_before = taken_by(customer);
                    if round > 0 {
                        wait_until("this customer is texted", || taken_by(customer) > sent_before);
                    }
                    text(customer, "STOP");
                    let (taken, refused) = (taken_by(customer), refusals.load(Ordering::SeqCst));
                    wait_until("staff have tried in vain", || refusals.load(Ordering::SeqCst) >= refused + 2);
                    let alive = format!(
                        "SELECT count(*) FROM messages
                         WHERE to_number = '{customer}' AND message_status = 'queued' AND lease_owner IS NULL"
                    );
                    assert_eq!(scene.db.query::<i64>(&alive), [0], "{customer}, round {round}");
                    assert_eq!(taken_by(customer), taken, "{customer}, round {round}");
                    text(customer, "START");
                }
            });
        }
        for writer in 0..2 {
            let (refusals, conversations, scene, going_on) = (&refusals, &conversations, &scene, &going_on);
            scope.spawn(move || {
                for at in (writer..).map(|n| n % conversations.len()).take_while(|_| going_on()) {
                    let words = scene.business.words(conversations[at], "Hello");
                    match scene.db.store.tenant(&scene.business.tenant, |tx| tx.messages().queue(&words)) {
                        Ok(_) => {}
                        Err(Error::Forbidden(_)) => drop(refusals[at].fetch_add(1, Ordering::SeqCst)),
                        Err(other) => panic!("{other:?}"),
                    }
                }
            });
            scope.spawn(|| {
                while going_on() {
                    scene.worker().pass().unwrap();
                }
            });
        }
    });
    let sids: HashMap<MessageId, usize> = scene.sms.taken().into_iter().fold(HashMap::new(), |mut sids, taken| {
        *sids.entry(taken.id).or_default() += 1;
        sids
    });
    assert!(sids.len() > 40 && sids.values().all(|times| *times == 1), "many were sent, and each once");
}

// ------------------------------------------------------------------------------------------------ delivery

fn report(scene: &Scene, message: &Message, status: &str) -> Message {
    let form = SmsForm::delivery(&scene.business.number, &scene.customer, message.message_sid.as_deref().unwrap(), status);
    let form = if status == "undelivered" { form.with("ErrorCode", "30003").with("ErrorMessage", "Unreachable") } else { form };
    record_delivery(&scene.db.store, &form.parse_delivery(None)).unwrap()
}

/// In every order, each report twice: the status only moves forward, and the end is always the same.
#[test]
fn texts_that_never_arrived_are_listed_and_those_of_a_call() {
    let scene = Scene::new();
    let (store, tenant) = (&scene.db.store, &scene.business.tenant);
    let call = scene.business.missed(store);
    let [lost, refused, fine] = ["one", "two", "three"].map(|words| scene.queue(words).id);
    for (id, status) in [(lost, "undelivered"), (refused, "failed"), (fine, "delivered")] {
        scene.db.execute(&format!("UPDATE messages SET message_status = '{status}', next_attempt_at = NULL WHERE id = '{id}'"));
    }
    let failed = |filter: &MessageFilter, page| {
        store
            .tenant(tenant, |tx| tx.messages().list_failed(filter, page))
            .map(|page| (page.items.iter().map(|text| text.id).collect::<Vec<_>>(), page.next))
            .unwrap()
    };
    let all = MessageFilter::default();
    assert_eq!(failed(&all, PageRequest::first()), (vec![refused, lost], None));
    let (first, next) = failed(&all, PageRequest::new(1, None).unwrap());
    assert_eq!((first, failed(&all, PageRequest::new(1, next).unwrap()).0), (vec![refused], vec![lost]));
    let inbound = MessageFilter { direction: Some(nmc_core::MessageDirection::Inbound), ..all };
    assert_eq!(failed(&inbound, PageRequest::first()).0, []);
    let of_call = store.tenant(tenant, |tx| tx.messages().list_of_call(call)).unwrap();
    assert_eq!(
        of_call.iter().map(|text| (text.call_id, text.message_kind)).collect::<Vec<_>>(),
        [(Some(call), MessageKind::Greeting)]
    );
}

#[test]
fn texts_are_listed_from_an_instant_and_until_another() {
    let scene = Scene::new();
    let written = ["one", "two", "three"].map(|words| {
        let id = scene.queue(words).id;
        scene.clock.advance(TimeDelta::seconds(1));
        id
    });
    let at = |seconds| Some(noon() + TimeDelta::seconds(seconds));
    let list = |from, until| {
        let texts = scene.business.messages(&scene.db.store, &MessageFilter { from, until, ..MessageFilter::default() });
        texts.iter().map(|text| text.id).collect::<Vec<_>>()
    };
    let [one, two, three] = written;
    assert_eq!(list(at(1), None), [three, two], "the instant itself is in");
    assert_eq!(list(None, at(1)), [one], "the instant itself is out");
    assert_eq!(list(at(1), at(2)), [two]);
}

#[test]
fn texts_that_were_received_are_sought_among_no_greetings() {
    let scene = Scene::new();
    scene.missed_call().unwrap();
    let text = scene.text("It leaks").message;
    let received = MessageFilter { status: Some(MessageStatus::Received), ..MessageFilter::default() };
    let trips = scene.db.round_trips(|store| {
        let found = store.tenant(&scene.business.tenant, |tx| tx.messages().list(&received, PageRequest::first())).unwrap();
        assert_eq!(found.items.iter().map(|text| text.id).collect::<Vec<_>>(), [text]);
    });
    assert!(trips.iter().all(|sent| !sent.sql.contains("= 'greeting'")), "{trips:?}");
}

#[test]
fn reports_in_any_order_end_the_same() {
    let families: [(&[&str], &[MessageStatus]); 5] = [
        (&["queued", "sending", "sent", "delivered"], &[MessageStatus::Delivered]),
        (&["sent", "partially_delivered", "delivered", "read"], &[MessageStatus::Read]),
        (&["accepted", "sent", "undelivered"], &[MessageStatus::Undelivered]),
        (&["sending", "failed"], &[MessageStatus::Failed]),
        // The carrier contradicts itself: what ended it first stays.
        (&["sent", "delivered", "undelivered"], &[MessageStatus::Delivered, MessageStatus::Undelivered]),
    ];
    let scene = Scene::new();
    let all: Vec<_> =
        families.iter().flat_map(|(words, ends)| orders(words).into_iter().map(move |order| (order, *ends))).collect();
    for number in 0..all.len() {
        scene.queue(&format!("text {number}"));
    }
    scene.worker().pass().unwrap();
    let texts = scene.business.messages(&scene.db.store, &MessageFilter::default());
    assert_eq!(texts.len(), all.len());
    let mut ends_of: HashMap<String, Message> = HashMap::new();
    for ((order, ends), text) in all.iter().zip(&texts) {
        let mut before = text.message_status;
        for word in order.iter().flat_map(|word| [*word, *word]) {
            let after = report(&scene, text, word).message_status;
            let forward = after == before || after.predecessors().contains(&before);
            assert!(forward, "{order:?}: {word} moved it from {before} to {after}");
            before = after;
        }
        assert!(ends.contains(&before), "{order:?} ended as {before}");
        let end = scene.message(text.id);
        assert_eq!(end.error_code.is_some(), before == MessageStatus::Undelivered, "{order:?}");
        if ends.len() == 1 {
            let mut words = order.clone();
            words.sort_unstable();
            let known = ends_of.entry(words.concat()).or_insert_with(|| end.clone());
            let facts = |m: &Message| (m.message_status, m.delivery_status.clone(), m.delivered_at, m.sent_at, m.error_code);
            assert_eq!(facts(&end), facts(known), "{order:?}");
        }
    }
    let failed: Vec<i64> = scene.db.query("SELECT count(*) FROM conversation_events WHERE event_type = 'message_failed'");
    let ended_badly: Vec<i64> = scene.db.query("SELECT count(*) FROM messages WHERE message_status IN ('failed', 'undelivered')");
    assert_eq!(failed, ended_badly, "each failure is told once");
}

#[test]
fn a_report_finds_a_text_whose_sender_died_by_our_own_id() {
    let scene = Scene::new();
    let message = scene.queue("Hello");
    scene.sms.fail_with([Fault::LostAfter]);
    scene.worker().pass().unwrap();
    let sid = scene.sms.taken().remove(0).sid;
    let form = SmsForm::delivery(&scene.business.number, &scene.customer, &sid, "delivered");
    let adopted = record_delivery(&scene.db.store, &form.parse_delivery(Some(message.id))).unwrap();
    assert_eq!((adopted.id, adopted.message_status), (message.id, MessageStatus::Delivered));
    assert_eq!((adopted.message_sid.as_deref(), adopted.lease_owner, adopted.next_attempt_at), (Some(sid.as_str()), None, None));
    assert_eq!((adopted.sent_at, adopted.delivered_at), (Some(noon()), Some(noon())));
    scene.clock.advance(TimeDelta::hours(1));
    scene.worker().pass().unwrap();
    assert_eq!(scene.sms.taken().len(), 1, "the worker has no more to do with it");
    // From now on the SID counts: another SID with our id is another text.
    let other = SmsForm::delivery(&scene.business.number, &scene.customer, "SMother", "failed");
    let refused = record_delivery(&scene.db.store, &other.parse_delivery(Some(message.id)));
    assert!(matches!(refused, Err(Error::NotFound { entity: "message" })), "{refused:?}");
    assert_eq!(scene.message(message.id), adopted);
}

#[test]
fn a_report_about_an_opt_out_is_an_opt_out() {
    let scene = Scene::new();
    let text = scene.queue("Hello").id;
    scene.worker().pass().unwrap();
    let waiting = scene.queue("Are you there?").id;
    let sid = scene.message(text).message_sid.unwrap();
    let form = SmsForm::delivery(&scene.business.number, &scene.customer, &sid, "failed").with("ErrorCode", "21610");
    for _ in 0..3 {
        let message = record_delivery(&scene.db.store, &form.parse_delivery(None)).unwrap();
        assert_eq!((message.message_status, message.error_code), (MessageStatus::Failed, Some(21_610)));
    }
    assert!(scene.opted_out());
    assert_eq!(scene.message(waiting).message_status, MessageStatus::Canceled);
    let ledger = scene
        .db
        .store
        .tenant(&scene.business.tenant, |tx| tx.consents().list(&ConsentFilter::default(), PageRequest::first()))
        .unwrap()
        .items;
    assert_eq!(
        ledger.iter().map(|entry| (entry.source, entry.message_id)).collect::<Vec<_>>(),
        [(ConsentSource::Provider, Some(text))]
    );
}

#[test]
fn a_report_about_an_unknown_or_foreign_text_is_not_found() {
    let scene = Scene::new();
    let rival = Business::onboard(&scene.db.store, "Ann's Plumbing");
    let message = scene.queue("Hello").id;
    let in_doubt = scene.queue("In doubt").id;
    scene.sms.fail_with([Fault::LostAfter]);
    scene.worker().pass().unwrap();
    let (message, in_doubt) =
        if scene.message(message).message_sid.is_some() { (message, in_doubt) } else { (in_doubt, message) };
    let sid = scene.message(message).message_sid.unwrap();
    let before = scene.db.rows_of(scene.business.tenant.id());
    let (ours, them) = (&scene.business.number, &scene.customer);
    for (form, id) in [
        (SmsForm::delivery(ours, them, "SMunknown", "delivered"), None),
        (SmsForm::delivery(ours, them, "SMunknown", "delivered"), Some(message)),
        (SmsForm::delivery(ours, &unique_phone(), &sid, "delivered"), Some(in_doubt)),
        (SmsForm::delivery(&rival.number, them, &sid, "delivered"), None),
        (SmsForm::delivery(&rival.number, them, "SMunknown", "delivered"), Some(in_doubt)),
        (SmsForm::delivery(&unique_phone(), them, &sid, "delivered"), Some(in_doubt)),
    ] {
        let refused = record_delivery(&scene.db.store, &form.parse_delivery(id));
        assert!(matches!(refused, Err(Error::NotFound { .. })), "{form:?} {id:?}: {refused:?}");
    }
    assert_eq!(scene.db.rows_of(scene.business.tenant.id()), before);
}

/// The report may be faster than the worker's own note of what it sent: the note then changes nothing.
#[test]
fn report_before_the_note_of_the_sending_counts() {
    let scene = Scene::new();
    let message = scene.queue("Hello").id;
    let worker = scene.worker();
    scene.sms.name_next("SMquick");
    let form = SmsForm::delivery(&scene.business.number, &scene.customer, "SMquick", "delivered");
    scene.sms.hold();
    std::thread::scope(|scope| {
        let pass = scope.spawn(|| worker.pass());
        scene.sms.wait_for_sender();
        let reported = record_delivery(&scene.db.store, &form.parse_delivery(Some(message))).unwrap();
        assert_eq!(reported.message_status, MessageStatus::Delivered);
        scene.sms.release();
        pass.join().unwrap().unwrap();
    });
    let delivered = scene.message(message);
    assert_eq!((delivered.message_status, delivered.message_sid.as_deref()), (MessageStatus::Delivered, Some("SMquick")));
}

#[test]
fn a_text_needs_its_sid_and_the_number_that_was_texted() {
    let refused = |form: SmsForm, field: &str| match SmsCallback::parse(&form.0) {
        Err(Error::Invalid { field: named, .. }) => assert_eq!(named, field),
        other => panic!("{field}: {other:?}"),
    };
    let form = SmsForm::text("+14155550123", &unique_phone(), "Hello");
    for field in ["MessageSid", "To"] {
        refused(form.clone().without(field), field);
    }
    for (field, value) in [("MessageSid", "SM 1"), ("To", ""), ("To", "72975")] {
        refused(form.clone().with(field, value), field);
    }
    // The older name of the SID counts.
    let older = SmsCallback::parse(&form.without("MessageSid").with("SmsSid", "MM1").0).unwrap();
    assert_eq!(older.text.message_sid, "MM1");
}

/// A field that is not needed never costs the text.
#[test]
fn an_odd_field_costs_no_text() {
    let scene = Scene::new();
    let form = || SmsForm::text(scene.customer.as_str(), &scene.business.number, "Hello");
    let kept = |form: SmsForm| scene.message(scene.receive(&form).message);
    for from in ["", "an unreadable sender of many words", "anonymous", "\u{7}"] {
        assert_eq!(kept(form().with("From", from)).from_number, CallerIdentity::Anonymous, "{from}");
    }
    assert_eq!(kept(form().without("From")).from_number, CallerIdentity::Anonymous);
    for from in [
        "72975",
        "2273234",
        "56161234",
        "SUPPORT",
        "Acme Bank",
        "T-Mobile",
        "AT&T",
        "My_Shop",
        "Amazon.com",
        "sip:joe@example.com",
        "+1",
        "name@host",
    ] {
        assert_eq!(kept(form().with("From", from)).from_number.as_str(), from);
    }
    assert_eq!(kept(form().without("Body")).message_body, "");
    assert_eq!(kept(form().with("Body", "a\0b")).message_body, "ab", "NUL costs that character");
    for (field, value) in
        [("NumMedia", "many"), ("NumMedia", "-1"), ("NumSegments", "x"), ("Un\0heard", "\0"), ("OptOutType", "?")]
    {
        assert_eq!(kept(form().with(field, value)).message_body, "Hello", "{field}");
    }
}

#[test]
fn a_channel_is_kept_and_its_number_is_the_person() {
    let scene = Scene::new();
    let ours = scene.business.number.as_str();
    for (prefix, channel) in
        [("whatsapp:", MessageChannel::Whatsapp), ("rcs:", MessageChannel::Rcs), ("RCS:", MessageChannel::Rcs)]
    {
        let form = SmsForm::text(&format!("{prefix}{}", scene.customer), &scene.business.number, "Hello");
        let received = scene.receive(&form.with("To", &format!("{prefix}{ours}")));
        let message = scene.message(received.message);
        assert_eq!(message.channel, channel);
        assert_eq!((message.from_number.as_str(), message.to_number.as_str()), (scene.customer.as_str(), ours));
        assert_eq!(received.conversation, scene.text("and by SMS").conversation, "one person, one conversation");
    }
    assert_eq!(scene.message(scene.text("Hello").message).channel, MessageChannel::Sms);
}

#[test]
fn a_report_s_missing_or_malformed_field_is_named() {
    let refused = |form: SmsForm, field: &str| match SmsStatusCallback::parse(&form.0, None) {
        Err(Error::Invalid { field: named, .. }) => assert_eq!(named, field),
        other => panic!("{field}: {other:?}"),
    };
    let form = SmsForm::delivery(&unique_phone(), &unique_phone(), "SM1", "sent");
    for field in ["MessageSid", "From", "To", "MessageStatus"] {
        refused(form.clone().without(field), field);
    }
    for (field, value) in [
        ("MessageSid", "SM/1"),
        ("From", "ACME"),
        ("To", "anonymous"),
        ("MessageStatus", "lost"),
        ("ErrorCode", "many"),
        ("ErrorMessage", "\0"),
    ] {
        refused(form.clone().with(field, value), field);
    }
    let queued = SmsStatusCallback::parse(&form.with("MessageStatus", "queued").0, None).unwrap();
    assert_eq!(queued.report.status, MessageStatus::Accepted, "Twilio's queue comes after ours");
}

/// A text in from a customer never counts as one of ours going out, not even between two numbers of ours.
#[test]
fn a_report_never_touches_an_inbound_text() {
    let scene = Scene::new();
    let second = scene.business.add_number(&scene.db.store);
    for from in [scene.customer.clone(), second.clone()] {
        let form = SmsForm::text(from.as_str(), &scene.business.number, "Hello");
        let sid = form.parse().text.message_sid;
        let received = scene.receive(&form).message;
        for (ours, to) in [(&scene.business.number, &scene.customer), (&second, &scene.business.number)] {
            let forged = SmsForm::delivery(ours, to, &sid, "failed").parse_delivery(Some(received));
            let refused = record_delivery(&scene.db.store, &forged);
            assert!(matches!(refused, Err(Error::NotFound { .. })), "{refused:?}");
        }
        assert_eq!(scene.message(received).message_status, MessageStatus::Received);
    }
}
