//! Texts: what customers write, and what becomes of ours.

use crate::site::{SMS, SMS_STATUS, Site, VOICE};
use nmc_core::conversations::{Message, MessageFilter};
use nmc_core::testing::{SmsForm, VoiceForm, unique_phone, unique_sid};
use nmc_core::{MessageDirection, MessageKind, MessageStatus, PhoneNumber};

fn write(site: &Site, from: &PhoneNumber, body: &str) {
    site.post(SMS, &SmsForm::text(from.as_str(), &site.joe.number, body).0).expect(200);
}

fn miss_a_call(site: &Site, from: &PhoneNumber) {
    site.post(VOICE, &VoiceForm::missed(from.as_str(), &site.joe.number, &unique_sid("CA")).0).expect(200);
}

fn outbound(site: &Site) -> Vec<Message> {
    let filter = MessageFilter { direction: Some(MessageDirection::Outbound), ..MessageFilter::default() };
    site.joe.messages(&site.db.store, &filter)
}

#[test]
fn an_answer_lands_in_the_conversation_of_the_call_once() {
    let site = Site::new();
    let caller = unique_phone();
    miss_a_call(&site, &caller);
    let text = SmsForm::text(caller.as_str(), &site.joe.number, "The sink 🚰 leaks, ¿cuándo puede venir?");
    for _ in 0..3 {
        let answer = site.post(SMS, &text.0).expect(200);
        assert!(answer.body.ends_with("<Response/>"), "{}", answer.body);
    }
    assert_eq!(site.counts(), [1, 1, 2]);
    let bodies = site.db.query::<String>("SELECT message_body FROM messages WHERE message_direction = 'inbound'");
    assert_eq!(bodies, ["The sink 🚰 leaks, ¿cuándo puede venir?"]);
}

#[test]
fn after_a_stop_nothing_is_queued_until_a_start() {
    let site = Site::new();
    let caller = unique_phone();
    miss_a_call(&site, &caller);
    write(&site, &caller, "Stop.");
    let statuses: Vec<MessageStatus> = outbound(&site).iter().map(|text| text.message_status).collect();
    assert_eq!(statuses, [MessageStatus::Canceled], "the greeting that waited was called off");

    // A day later a greeting would be due again.
    let a_day_passes = || site.db.execute("UPDATE messages SET created_at = created_at - interval '25 hours'");
    a_day_passes();
    miss_a_call(&site, &caller);
    assert_eq!(outbound(&site).len(), 1);
    write(&site, &caller, "HELP");
    assert_eq!(outbound(&site).len(), 1, "not even an answer to HELP");

    write(&site, &caller, "START");
    a_day_passes();
    miss_a_call(&site, &caller);
    assert_eq!(outbound(&site).len(), 2);
    let decisions = site.db.query::<String>("SELECT action FROM consents ORDER BY sequence");
    assert_eq!(decisions, ["opt_out", "opt_in"]);
}

#[test]
fn help_is_answered_with_who_we_are_and_how_to_stop() {
    let site = Site::new();
    write(&site, &unique_phone(), "help");
    let [answer] = &outbound(&site)[..] else { panic!("one answer") };
    assert_eq!(answer.message_kind, MessageKind::KeywordReply);
    assert!(answer.message_body.contains("Joe's Plumbing") && answer.message_body.contains("STOP"), "{}", answer.message_body);
}

#[test]
fn delivery_callback_finds_its_text_by_our_id_then_by_sid() {
    let site = Site::new();
    let customer = unique_phone();
    let ours = site.joe.queue(&site.db.store, &customer, "We'll come at nine").expect("a text");
    let sid = unique_sid("SM");
    let report = |status: &str| SmsForm::delivery(&site.joe.number, &customer, &sid, status);
    let status = || outbound(&site)[0].message_status;

    site.post(SMS_STATUS, &report("sent").0).expect(404);
    site.post(&format!("{SMS_STATUS}?message={}", ours.id), &report("sent").0).expect(200);
    assert_eq!(status(), MessageStatus::Sent);
    assert_eq!(outbound(&site)[0].message_sid.as_deref(), Some(sid.as_str()));

    site.post(SMS_STATUS, &report("delivered").0).expect(200);
    site.post(SMS_STATUS, &report("sent").0).expect(200);
    assert_eq!(status(), MessageStatus::Delivered, "a late report takes nothing back");
}

#[test]
fn a_delivery_callback_moves_nobody_elses_text() {
    let site = Site::new();
    let customer = unique_phone();
    let theirs = site.rival.queue(&site.db.store, &customer, "We'll come at nine").expect("a text");
    let before = site.rows();
    let report = SmsForm::delivery(&site.joe.number, &customer, &unique_sid("SM"), "delivered").0;
    let foreign = site.post(&format!("{SMS_STATUS}?message={}", theirs.id), &report).expect(404);
    let missing = site.post(&format!("{SMS_STATUS}?message=01993b6e-0000-7000-8000-000000000000"), &report).expect(404);
    assert_eq!(foreign.body, missing.body, "another's text looks like none");
    assert_eq!(site.rows(), before);
}

#[test]
fn an_id_of_ours_that_was_tampered_with_is_named() {
    let site = Site::new();
    let report = SmsForm::delivery(&site.joe.number, &unique_phone(), &unique_sid("SM"), "sent").0;
    for query in ["message=7", "message=", "message=%00", "message='%3B--", "message=a&message=b"] {
        let answer = site.post(&format!("{SMS_STATUS}?{query}"), &report).expect(400);
        assert_eq!(answer.field().as_deref(), Some("message"), "{query}: {}", answer.body);
    }
    site.post(&format!("{SMS_STATUS}?campaign=spring"), &report).expect(404);
}
