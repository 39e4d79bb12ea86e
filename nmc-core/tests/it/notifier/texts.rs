//! Texts about alerts: who may get them, from which number, and how often.

use super::AlertTemplate::{Escalated, Triggered};
use super::NotificationChannel::Sms;
use super::NotificationStatus::{Delivered, Failed, Pending, Retrying};
use super::{Deed, Notifying};
use chrono::TimeDelta;
use nmc_core::conversations::{NewConsent, Worker, WorkerConfig};
use nmc_core::telephony::Pace;
use nmc_core::testing::{Fault, unique_phone};
use nmc_core::workflows::NotifierPass;
use nmc_core::{Clock as _, ConsentAction, ConsentSource, NumberStatus};

impl Notifying {
    fn opt_out(&self) {
        let entry = NewConsent {
            customer_phone: self.phone.clone(),
            action: ConsentAction::OptOut,
            source: ConsentSource::Staff,
            keyword: None,
            message_id: None,
            note: None,
        };
        self.scene.tx(|tx| tx.consents().record(&entry)).unwrap();
    }
}

#[test]
fn text_is_not_sent_against_consent_or_without_a_number() {
    let reasons: [Deed; 4] = [
        ("the recipient has opted out of texts", Notifying::opt_out),
        ("the business may not send texts before whoever runs NeverMissCall has approved it", |notifying| {
            notifying.scene.business.disapprove(&notifying.scene.db, true);
        }),
        ("the business has no active number that could send it", |notifying| {
            let number = notifying.scene.business.number.clone();
            let tx = |tx: &mut nmc_core::TenantTx<'_>| {
                let held = tx.phone_numbers().find_by_number(&number)?.unwrap();
                tx.phone_numbers().set_status(held.id, NumberStatus::Inactive)
            };
            notifying.scene.tick();
            notifying.scene.tx(tx).unwrap();
        }),
        ("the business has no active number that could send it", |notifying| {
            notifying.scene.db.execute(r#"UPDATE phone_numbers SET capabilities = '{"voice": true, "sms": false}'"#);
        }),
    ];
    for (why, prepare) in reasons {
        let notifying = Notifying::new();
        prepare(&notifying);
        let row = notifying.queue(Sms, Triggered);
        assert_eq!(notifying.pass().failed, 1, "{why}");
        let (status, said) = notifying.fate(&row);
        assert!(status == Failed && said.starts_with(why), "{said}");
        assert_eq!(notifying.sent(), 0);
    }
}

#[test]
fn person_gets_no_more_than_twenty_texts_a_day() {
    let notifying = Notifying::new();
    let other = unique_phone();
    for _ in 0..20 {
        notifying.queue(Sms, Triggered);
        assert_eq!(notifying.pass().delivered, 1);
        // Faster it would be a storm.
        notifying.scene.clock.advance(TimeDelta::minutes(3));
    }
    let beyond = notifying.queue(Sms, Triggered);
    let others = notifying.queue_to(Sms, Triggered, other.as_str());
    assert_eq!(notifying.pass(), NotifierPass { delivered: 1, failed: 1, put_back: 0 });
    assert_eq!(notifying.fate(&beyond), (Failed, "the recipient has got 20 texts about alerts in 24 hours".to_owned()));
    assert_eq!(notifying.reload(&others).status, Delivered);
    notifying.scene.clock.advance(TimeDelta::hours(24));
    notifying.queue(Sms, Triggered);
    assert_eq!(notifying.pass().delivered, 1);
}

#[test]
fn text_keeps_the_pace_of_its_number_and_that_is_no_attempt() {
    let notifying = Notifying::new();
    let rows = [notifying.queue(Sms, Triggered), notifying.queue_to(Sms, Triggered, unique_phone().as_str())];
    assert_eq!(notifying.pass(), NotifierPass { delivered: 1, put_back: 1, failed: 0 });
    let waiting = rows.iter().map(|row| notifying.reload(row)).find(|row| row.status == Retrying).unwrap();
    assert_eq!((waiting.attempts, waiting.next_attempt_at), (0, notifying.scene.clock.now() + TimeDelta::seconds(1)));
    assert_eq!(notifying.pass().delivered, 1);
}

impl Notifying {
    /// A text to a customer, and what sends it.
    fn text_a_customer(&self) -> Worker {
        self.scene.business.queue(&self.scene.db.store, &unique_phone(), "We call you back").unwrap();
        let config = WorkerConfig { pace: Pace::default(), ..WorkerConfig::default() };
        Worker::new(self.scene.db.store.clone(), self.sms.clone(), config)
    }
}

#[test]
fn texts_about_alerts_and_to_customers_share_one_pace() {
    let notifying = Notifying::new();
    let row = notifying.queue(Sms, Triggered);
    let worker = notifying.text_a_customer();
    notifying.scene.tick();
    assert_eq!((worker.pass().unwrap().sent, notifying.notifier().pass().unwrap().put_back), (1, 1));
    let waiting = notifying.reload(&row);
    assert_eq!((waiting.attempts, waiting.next_attempt_at), (0, notifying.scene.clock.now() + TimeDelta::seconds(1)));
    notifying.text_a_customer();
    assert_eq!(notifying.pass().delivered, 1);
    assert_eq!((worker.pass().unwrap().sent, notifying.sms.taken().len()), (0, 2), "now the customer's waits");
    notifying.scene.tick();
    assert_eq!((worker.pass().unwrap().sent, notifying.sms.taken().len()), (1, 3));
}

#[test]
fn text_waits_for_a_number_that_is_held_back_for_customers() {
    let notifying = Notifying::new();
    let worker = notifying.text_a_customer();
    notifying.sms.fail_with([Fault::Refused(30_034)]);
    notifying.scene.tick();
    worker.pass().unwrap();
    let row = notifying.queue(Sms, Triggered);
    assert_eq!(notifying.pass().put_back, 1);
    let (waiting, held) = (notifying.reload(&row), TimeDelta::minutes(59));
    assert_eq!((waiting.status, waiting.attempts, notifying.sent()), (Retrying, 0, 0));
    assert!(waiting.next_attempt_at - notifying.scene.clock.now() > held, "{}", waiting.next_attempt_at);
    notifying.scene.clock.advance(TimeDelta::hours(1));
    assert_eq!(notifying.pass().delivered, 1);
}

#[test]
fn text_of_a_suspended_business_waits_until_it_goes_on() {
    let notifying = Notifying::new();
    let row = notifying.queue(Sms, Triggered);
    notifying.scene.business.suspend(&notifying.scene.db, true);
    assert_eq!(notifying.pass(), NotifierPass::default());
    assert_eq!((notifying.reload(&row).status, notifying.sent()), (Pending, 0));
    notifying.scene.business.suspend(&notifying.scene.db, false);
    assert_eq!((notifying.pass().delivered, notifying.sent()), (1, 1));
}

#[test]
fn refusals_of_texts_have_their_consequences() {
    let notifying = Notifying::new();
    let second = notifying.scene.business.add_number(&notifying.scene.db.store);
    // 30034: the number is not registered. Another one sends it.
    notifying.sms.fail_with([Fault::Refused(30_034)]);
    let row = notifying.queue(Sms, Triggered);
    assert_eq!(notifying.pass().put_back, 1);
    assert_eq!(notifying.reload(&row).attempts, 0);
    notifying.scene.tick();
    assert_eq!(notifying.pass().delivered, 1);
    let [text] = notifying.sms.taken().try_into().unwrap();
    assert!([&second, &notifying.scene.business.number].iter().any(|number| number.as_str() == text.text.0));
    let held = notifying.scene.tx(|tx| {
        let numbers = [&second, &notifying.scene.business.number];
        numbers.map(|number| tx.number_pacing().find_by_number(number)).into_iter().collect::<Result<Vec<_>, _>>()
    });
    let held: Vec<_> = held.unwrap().into_iter().flatten().filter(|pace| pace.held_until.is_some()).collect();
    assert!(held.len() == 1 && held[0].phone_number.as_str() != text.text.0);
    // 21610: the provider knows of an opt-out that we did not hear of.
    notifying.sms.fail_with([Fault::Refused(21_610)]);
    let row = notifying.queue(Sms, Escalated);
    notifying.scene.tick();
    assert_eq!(notifying.pass().failed, 1);
    assert_eq!(notifying.reload(&row).status, Failed);
    assert!(notifying.scene.tx(|tx| tx.consents().is_opted_out(&notifying.phone)).unwrap());
}

#[test]
fn text_whose_answer_got_lost_is_looked_up_first() {
    for (fault, before_second) in [(Fault::LostAfter, 1), (Fault::LostBefore, 0)] {
        let notifying = Notifying::new();
        notifying.sms.fail_with([fault.clone()]);
        let row = notifying.queue(Sms, Triggered);
        assert_eq!((notifying.pass().put_back, notifying.sms.taken().len()), (1, before_second));
        notifying.scene.clock.advance(TimeDelta::minutes(2));
        assert_eq!(notifying.pass().delivered, 1);
        assert_eq!((notifying.reload(&row).status, notifying.sms.taken().len()), (Delivered, 1), "{fault:?}: once");
    }
}
