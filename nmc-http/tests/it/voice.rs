//! Calls: what a signed callback makes of the tables.

use crate::site::{Site, VOICE};
use nmc_core::testing::{VoiceForm, unique_phone, unique_sid};

#[test]
fn signed_missed_call_makes_one_call_conversation_and_text() {
    let site = Site::new();
    let caller = unique_phone();
    let form = VoiceForm::missed(caller.as_str(), &site.joe.number, &unique_sid("CA"));
    let answer = site.post(VOICE, &form.0).expect(200);
    assert_eq!(answer.header("Content-Type"), Some("text/xml; charset=utf-8"));
    assert_eq!(answer.body, "<?xml version=\"1.0\" encoding=\"UTF-8\"?><Response/>");
    assert_eq!(site.counts(), [1, 1, 1]);

    let texts = site.joe.messages(&site.db.store, &nmc_core::conversations::MessageFilter::default());
    assert_eq!(texts[0].to_number.as_str(), caller.as_str());
    assert!(texts[0].message_body.contains("Joe's Plumbing"), "the greeting names the business");
    assert_eq!(site.db.query::<String>("SELECT outcome FROM calls"), ["missed"]);
}

#[test]
fn two_hundred_callbacks_of_one_call_at_once_make_one_of_each() {
    let site = Site::new();
    let form = VoiceForm::missed(unique_phone().as_str(), &site.joe.number, &unique_sid("CA"));
    eight_clients(|_| {
        for _ in 0..25 {
            site.post(VOICE, &form.0).expect(200);
        }
    });
    assert_eq!(site.counts(), [1, 1, 1]);
}

#[test]
fn calls_of_one_caller_make_one_conversation_and_one_text() {
    let site = Site::new();
    let caller = unique_phone();
    eight_clients(|_| {
        for _ in 0..25 {
            site.post(VOICE, &VoiceForm::missed(caller.as_str(), &site.joe.number, &unique_sid("CA")).0).expect(200);
        }
    });
    assert_eq!(site.counts(), [200, 1, 1]);
    assert_eq!(site.db.query::<i64>("SELECT total_calls FROM conversations"), [200]);
}

#[test]
fn end_of_a_call_is_told_in_any_order_of_its_callbacks() {
    let site = Site::new();
    let form = VoiceForm::missed(unique_phone().as_str(), &site.joe.number, &unique_sid("CA"));
    for status in ["no-answer", "ringing", "queued", "in-progress"] {
        site.post(VOICE, &form.clone().with("CallStatus", status).0).expect(200);
    }
    assert_eq!(site.counts(), [1, 1, 1]);
    assert_eq!(site.db.query::<String>("SELECT call_status FROM calls"), ["no-answer"]);
}

#[test]
fn the_public_url_may_have_a_port_a_path_and_a_slash() {
    for (public_url, twilio_signs) in [
        ("https://nmc.example.com:8443", "https://nmc.example.com:8443"),
        ("https://nmc.example.com", "https://nmc.example.com:443"),
        ("https://nmc.example.com:443", "https://nmc.example.com"),
        ("http://nmc.example.com:80/", "http://nmc.example.com"),
        ("https://example.com/behind/a/proxy/", "https://example.com/behind/a/proxy"),
    ] {
        let site = Site::with(|_, config| config.public_url = Some(public_url.to_owned()));
        let form = VoiceForm::missed(unique_phone().as_str(), &site.joe.number, &unique_sid("CA"));
        let signature = crate::site::sign(crate::site::TOKEN, &format!("{twilio_signs}{VOICE}"), &form.0);
        site.post(VOICE, &form.0).signature(signature).expect(200);
        assert_eq!(site.counts(), [1, 1, 1], "{public_url}");
    }
}

#[test]
fn without_a_public_url_it_is_the_address_listened_on() {
    let site = Site::with(|_, config| config.public_url = None);
    assert!(site.public_url.starts_with("http://127.0.0.1:"));
    site.post(VOICE, &VoiceForm::missed(unique_phone().as_str(), &site.joe.number, &unique_sid("CA")).0).expect(200);
}

fn eight_clients(work: impl Fn(usize) + Sync) {
    std::thread::scope(|scope| {
        for client in 0..8 {
            let work = &work;
            scope.spawn(move || work(client));
        }
    });
}
