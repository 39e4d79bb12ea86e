//! The database goes away, slows down or is too busy: the answer is 503, so that Twilio comes again, and nothing is half-done.

use crate::site::{ANSWER, NUMBER_STATUS, SMS, SMS_STATUS, Site, VOICE};
use nmc_core::testing::{SmsForm, VoiceForm, unique_phone, unique_sid, wait_until};
use std::sync::mpsc;
use std::time::Duration;

#[test]
fn webhook_without_its_database_is_a_503_and_works_later() {
    let site = Site::new();
    let customer = unique_phone();
    let ours = site.joe.queue(&site.db.store, &customer, "We'll come at nine").expect("a text");
    let status = format!("{SMS_STATUS}?message={}", ours.id);
    let requests = [
        (ANSWER, VoiceForm::missed(unique_phone().as_str(), &site.joe.number, &unique_sid("CA")).with("CallStatus", "ringing").0),
        (NUMBER_STATUS, vec![("PhoneNumber".to_owned(), site.joe.number.to_string())]),
        (VOICE, VoiceForm::missed(unique_phone().as_str(), &site.joe.number, &unique_sid("CA")).0),
        (SMS, SmsForm::text(customer.as_str(), &site.joe.number, "hello").0),
        (status.as_str(), SmsForm::delivery(&site.joe.number, &customer, &unique_sid("SM"), "delivered").0),
    ];
    let before = site.rows();
    let outage = site.db.take_down();
    std::thread::scope(|scope| {
        for (path, form) in &requests {
            let site = &site;
            scope.spawn(move || assert_eq!(site.post(path, form).expect(503).header("Retry-After"), Some("2")));
        }
    });
    drop(outage);
    assert_eq!(site.rows(), before);
    for (path, form) in &requests {
        wait_until("the database is back", || site.post(path, form).send().status == 200);
    }
    assert_eq!(site.counts(), [1, 2, 3]);
}

#[test]
fn transaction_that_loses_its_connection_leaves_nothing() {
    let site = Site::new();
    let form = VoiceForm::missed(unique_phone().as_str(), &site.joe.number, &unique_sid("CA")).0;
    let before = site.rows();
    // The call and its conversation are written, the greeting is not.
    let mut blockade = site.db.block("messages");
    std::thread::scope(|scope| {
        let request = scope.spawn(|| site.post(VOICE, &form).expect(503));
        blockade.wait_for_blocked(1);
        blockade.end_sessions();
        request.join().expect("an answer");
    });
    drop(blockade);
    assert_eq!(site.rows(), before);
    site.post(VOICE, &form).expect(200);
    assert_eq!(site.counts(), [1, 1, 1]);
}

#[test]
fn a_database_that_takes_too_long_is_a_503() {
    let site = Site::with(|store, _| store.lock_timeout = Duration::from_millis(50));
    let form = VoiceForm::missed(unique_phone().as_str(), &site.joe.number, &unique_sid("CA")).0;
    let blockade = site.db.block("messages");
    site.post(VOICE, &form).expect(503);
    drop(blockade);
    assert_eq!(site.counts(), [0, 0, 0]);
    site.post(VOICE, &form).expect(200);
}

#[test]
fn beyond_its_limit_the_server_says_come_again_at_once() {
    const AT_ONCE: usize = 256;
    const TOO_MANY: usize = 20;
    let site = Site::with(|store, config| {
        store.pool_timeout = Duration::from_secs(20);
        config.answer_within = Duration::from_secs(60);
        config.connections.per_address = 2 * AT_ONCE;
    });
    let mut blockade = site.db.block("messages");
    let (sender, receiver) = mpsc::channel();
    std::thread::scope(|scope| {
        for _ in 0..AT_ONCE + TOO_MANY {
            let (site, sender) = (&site, sender.clone());
            scope.spawn(move || {
                let form = VoiceForm::missed(unique_phone().as_str(), &site.joe.number, &unique_sid("CA")).0;
                let answer = site.post(VOICE, &form).send();
                sender.send(answer.status).expect("a listener");
            });
        }
        // Only those beyond the limit are answered while the others wait for the table.
        for _ in 0..TOO_MANY {
            assert_eq!(receiver.recv_timeout(Duration::from_secs(10)), Ok(503));
        }
        blockade.wait_for_blocked(6);
        assert_eq!(site.request("GET", "/healthz").status, 200, "the server itself is well");
        drop(blockade);
        for _ in 0..AT_ONCE {
            assert_eq!(receiver.recv_timeout(Duration::from_secs(20)), Ok(200));
        }
    });
    assert_eq!(site.counts(), [256, 256, 256]);
}

/// Whatever holds the thread up that waits for the database: its request is answered.
#[test]
fn a_request_whose_thread_is_stuck_is_a_503_after_its_bound() {
    let site = Site::with(|_, config| config.answer_within = Duration::from_millis(100));
    let form = VoiceForm::missed(unique_phone().as_str(), &site.joe.number, &unique_sid("CA")).0;
    let mut blockade = site.db.block("messages");
    let answer = site.post(VOICE, &form).expect(503);
    assert_eq!(answer.header("Retry-After"), Some("2"));
    blockade.wait_for_blocked(1);
    drop(blockade);
    wait_until("what was begun is done", || site.counts() == [1, 1, 1]);
}
