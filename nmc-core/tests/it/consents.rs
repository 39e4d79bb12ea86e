//! One person in two spellings, what staff record, and texts that staff have to read.

use crate::support::{Scene, all_pages, refused};
use nmc_core::access::Acting;
use nmc_core::conversations::{
    Consent, ConsentFilter, ConversationFilter, HeardConsent, NewConsent, NewMessage, ReviewDecision, record_consent,
    settle_review,
};
use nmc_core::testing::{Business, SmsForm, VoiceForm, unique_phone, unique_sid};
use nmc_core::workflows::record_voice_status;
use nmc_core::workflows::{Received, receive_text};
use nmc_core::{
    CallerIdentity, ConsentAction, ConsentSource, ConversationEventType as Event, ConversationId, Error, PhoneNumber, Result,
};

/// Mexico's and Argentina's mobiles: the spelling of the network, and the one that stands for the person.
const SPELLINGS: [(&str, &str); 2] = [("+5215512345678", "+525512345678"), ("+5491123456789", "+541123456789")];

fn number(text: &str) -> PhoneNumber {
    text.parse().unwrap()
}

impl Scene {
    fn text_from(&self, from: &str, body: &str) -> Received {
        receive_text(&self.db.store, &SmsForm::text(from, &self.business.number, body).parse()).unwrap()
    }

    fn missed_call_of(&self, from: &str) -> ConversationId {
        let form = VoiceForm::missed(from, &self.business.number, &unique_sid("CA"));
        record_voice_status(&self.db.store, &form.parse()).unwrap().conversation.expect("a conversation")
    }

    fn is_out(&self, customer: &str) -> bool {
        self.tx(|tx| tx.consents().is_opted_out(&number(customer))).unwrap()
    }

    fn operator_of_it(&self) -> Acting {
        Acting::Operator(self.business.tenant)
    }

    fn staff_record(&self, customer: &str, action: ConsentAction, note: Option<&str>) -> Result<Consent> {
        let heard = HeardConsent { customer_phone: number(customer), action, note: note.map(str::to_owned) };
        record_consent(&self.db.store, &self.operator_of_it(), &heard)
    }

    fn words_in(&self, conversation: ConversationId) -> NewMessage {
        self.business.words(conversation, "We come at nine")
    }

    fn events_of(&self, conversation: ConversationId) -> Vec<Event> {
        self.business.events(&self.db.store, conversation)
    }
}

// ------------------------------------------------------------------------------------------------ spellings

#[test]
fn two_spellings_are_one_person_and_one_conversation() {
    for (network, person) in SPELLINGS {
        let scene = Scene::new();
        let first = scene.text_from(network, "Hello");
        let second = scene.text_from(person, "Hello again");
        assert_eq!(first.conversation, second.conversation);
        assert_eq!(scene.missed_call_of(network), first.conversation);
        assert_eq!(scene.missed_call_of(person), first.conversation);
        for spelling in [network, person] {
            let customer: CallerIdentity = spelling.parse().unwrap();
            let open = scene.tx(|tx| tx.conversations().find_open(&customer)).unwrap().unwrap();
            assert_eq!((open.id, open.customer_phone.as_str()), (first.conversation, person));
            let filter = ConversationFilter { customer: Some(customer), ..ConversationFilter::default() };
            assert_eq!(scene.tx(|tx| tx.conversations().count(&filter)).unwrap(), 1, "{spelling}");
        }
        // The texts keep the spelling they came in.
        let from: Vec<String> =
            scene.db.query("SELECT from_number FROM messages WHERE message_direction = 'inbound' ORDER BY id");
        assert_eq!(from, [network, person]);
    }
}

#[test]
fn a_stop_in_one_spelling_holds_for_the_other() {
    for (network, person) in SPELLINGS {
        for (stops, asked) in [(network, person), (person, network)] {
            let scene = Scene::new();
            let conversation = scene.text_from(asked, "Hello").conversation;
            let queued = scene.tx(|tx| tx.messages().queue(&scene.words_in(conversation))).unwrap();
            scene.text_from(stops, "STOP");
            assert!(scene.is_out(stops) && scene.is_out(asked));
            let status: Vec<String> = scene.db.query(&format!("SELECT message_status FROM messages WHERE id = '{}'", queued.id));
            assert_eq!(status, ["canceled"], "{stops}: what was queued to the other spelling");
            let refused = scene.tx(|tx| tx.messages().queue(&scene.words_in(conversation)));
            assert!(matches!(refused, Err(Error::Forbidden(_))), "{refused:?}");
            scene.text_from(asked, "START");
            assert!(!scene.is_out(stops) && !scene.is_out(asked));
        }
    }
}

/// Rows of an older nmc are under the spelling that was used then.
#[test]
fn an_entry_from_before_counts_in_either_spelling() {
    let scene = Scene::new();
    let (network, person) = SPELLINGS[0];
    scene.text_from(person, "STOP");
    scene.db.execute(&format!("ALTER TABLE consents DISABLE TRIGGER ALL; UPDATE consents SET customer_phone = '{network}'"));
    assert!(scene.is_out(person) && scene.is_out(network));
    let of_latest = ConsentFilter { action: Some(ConsentAction::OptOut), latest: true, ..ConsentFilter::default() };
    let listed = || scene.tx(|tx| tx.consents().list(&of_latest, nmc_core::PageRequest::first())).unwrap().items.len();
    assert_eq!(listed(), 1);
    scene.staff_record(network, ConsentAction::OptIn, Some("signed on paper")).unwrap();
    assert_eq!(listed(), 0);
    scene.staff_record(person, ConsentAction::OptOut, None).unwrap();
    scene.staff_record(person, ConsentAction::OptIn, Some("by phone")).unwrap();
    scene.db.execute(&format!(
        "UPDATE consents SET customer_phone = '{network}' WHERE sequence = (SELECT max(sequence) FROM consents)"
    ));
    assert_eq!(listed(), 0, "of the other spelling, either way");
    assert!(!scene.is_out(person) && !scene.is_out(network), "the latest counts, under whichever it is");
}

#[test]
fn staff_reply_in_the_spelling_that_reached_us_last() {
    let scene = Scene::new();
    let (network, person) = SPELLINGS[0];
    let conversation = scene.text_from(network, "Hello").conversation;
    let to = || scene.tx(|tx| tx.messages().queue(&scene.words_in(conversation))).unwrap().to_number.to_string();
    assert_eq!(to(), network);
    scene.tick();
    scene.missed_call_of(person);
    assert_eq!(to(), person);
    scene.tick();
    scene.text_from(network, "Hello?");
    assert_eq!(to(), network);
}

// ------------------------------------------------------------------------------------------------ staff

#[test]
fn staff_record_an_opt_out_and_an_opt_in_with_proof() {
    let scene = Scene::new();
    let customer = unique_phone();
    let conversation = scene.missed_call_of(customer.as_str());
    let out = scene.staff_record(customer.as_str(), ConsentAction::OptOut, None).unwrap();
    assert_eq!((out.source, out.recorded_by, out.note), (ConsentSource::Staff, None, None));
    assert!(scene.is_out(customer.as_str()));
    let canceled: Vec<i64> = scene.db.query("SELECT count(*) FROM messages WHERE message_status = 'canceled'");
    assert_eq!(canceled, [1], "the greeting that waited");

    for note in [None, Some(""), Some("  ")] {
        let (field, rule) = refused(scene.staff_record(customer.as_str(), ConsentAction::OptIn, note));
        assert_eq!((field.as_str(), rule.as_str()), ("note", "is required of an opt-in: how and when the person agreed"));
    }
    assert!(scene.is_out(customer.as_str()));
    let back = scene.staff_record(customer.as_str(), ConsentAction::OptIn, Some("  asked to, by phone, on Monday ")).unwrap();
    assert_eq!(back.note.as_deref(), Some("asked to, by phone, on Monday"));
    assert!(!scene.is_out(customer.as_str()));
    assert!(scene.events_of(conversation).ends_with(&[Event::OptedOut, Event::OptedIn]), "{:?}", scene.events_of(conversation));
}

#[test]
fn the_ledger_is_listed_in_pages_newest_first() {
    let scene = Scene::new();
    let (first, second) = (unique_phone(), unique_phone());
    let mut expected = Vec::new();
    // Two of one decision after the other: neither is whole on a page of its own.
    for (customer, action) in [
        (&first, ConsentAction::OptOut),
        (&second, ConsentAction::OptOut),
        (&first, ConsentAction::OptIn),
        (&second, ConsentAction::OptIn),
        (&first, ConsentAction::OptOut),
    ] {
        expected.insert(0, scene.staff_record(customer.as_str(), action, Some("by phone")).unwrap());
        scene.tick();
    }
    let all = |filter: ConsentFilter| all_pages(2, |page| scene.tx(|tx| tx.consents().list(&filter, page)));
    assert_eq!(all(ConsentFilter::default()), expected);
    let of_first = ConsentFilter { customer: Some(first), ..ConsentFilter::default() };
    assert_eq!(all(of_first), [0, 2, 4].map(|at| expected[at].clone()));
    let of_latest = |action| all(ConsentFilter { action, latest: true, ..ConsentFilter::default() });
    assert_eq!(of_latest(None), [0, 1].map(|at| expected[at].clone()));
    assert_eq!(of_latest(Some(ConsentAction::OptOut)), expected[..1]);
    assert_eq!(of_latest(Some(ConsentAction::OptIn)), expected[1..2]);
    let of_action = |action| all(ConsentFilter { action: Some(action), ..ConsentFilter::default() });
    assert_eq!(of_action(ConsentAction::OptIn), expected[1..3]);
    assert_eq!(of_action(ConsentAction::OptOut), [0, 3, 4].map(|at| expected[at].clone()));
}

// ------------------------------------------------------------------------------------------------ review

#[test]
fn a_text_that_may_be_an_opt_out_waits_for_staff() {
    let scene = Scene::new();
    let customer = unique_phone();
    let received = scene.text_from(customer.as_str(), "stop messaging my husband's number");
    assert!(received.in_review && received.keyword.is_none());
    assert!(!scene.is_out(customer.as_str()));
    let open = scene.tx(|tx| tx.conversations().get(received.conversation)).unwrap();
    assert!(open.review_requested_at.is_some());
    let since = scene.tick();
    assert!(scene.text_from(customer.as_str(), "I said stop it now").in_review);
    let again = scene.tx(|tx| tx.conversations().get(received.conversation)).unwrap();
    assert_eq!(again.review_requested_at, open.review_requested_at, "it waits since the first");
    assert!(again.review_requested_at < Some(since));
    let asked = scene.events_of(received.conversation).into_iter().filter(|event| *event == Event::ReviewRequested).count();
    assert_eq!(asked, 2);
    let waiting = ConversationFilter { in_review: Some(true), ..ConversationFilter::default() };
    assert_eq!(scene.tx(|tx| tx.conversations().count(&waiting)).unwrap(), 1);
}

#[test]
fn staff_settle_a_review_either_way() {
    for (decision, note, out) in [(ReviewDecision::OptOut, None, true), (ReviewDecision::NoOptOut, Some("about the leak"), false)]
    {
        let scene = Scene::new();
        let customer = unique_phone();
        let id = scene.text_from(customer.as_str(), "stop it already").conversation;
        let settled = settle_review(&scene.db.store, &scene.operator_of_it(), id, decision, note).unwrap();
        assert_eq!(settled.review_requested_at, None);
        assert_eq!(scene.is_out(customer.as_str()), out);
        assert_eq!(scene.events_of(id).contains(&Event::OptedOut), out);
        assert!(scene.events_of(id).contains(&Event::ReviewSettled));
        let (field, _) = refused(settle_review(&scene.db.store, &scene.operator_of_it(), id, decision, note));
        assert_eq!(field, "conversation", "it is settled once");
    }
}

#[test]
fn a_person_who_decides_settles_it_themselves() {
    let (network, person) = SPELLINGS[0];
    for (word, spelling, out) in [("STOP", network, true), ("START", person, false)] {
        let scene = Scene::new();
        let id = scene.text_from(network, "stop it already").conversation;
        scene.tx(|tx| tx.conversations().resolve(id)).unwrap();
        scene.text_from(spelling, word);
        let before = scene.tx(|tx| tx.conversations().get(id)).unwrap();
        assert_eq!(before.review_requested_at, None, "{word}: in a conversation from before, too");
        assert_eq!(scene.is_out(person), out);
        assert!(scene.events_of(id).contains(&Event::ReviewSettled));
    }
}

#[test]
fn who_has_opted_out_already_gives_nothing_to_review() {
    let scene = Scene::new();
    let customer = unique_phone();
    scene.text_from(customer.as_str(), "STOP");
    assert!(!scene.text_from(customer.as_str(), "stop it already").in_review);
    assert!(
        !scene.text_from("72975", "stop texting, we have the reply STOP for that").in_review,
        "nobody is texted at a short code"
    );
}

#[test]
fn a_review_of_another_business_is_not_found() {
    let scene = Scene::new();
    let rival = Business::onboard(&scene.db.store, "Ann's Plumbing");
    let id = scene.text_from(unique_phone().as_str(), "stop it already").conversation;
    let theirs = Acting::Operator(rival.tenant);
    for decision in [ReviewDecision::OptOut, ReviewDecision::NoOptOut] {
        let refused = settle_review(&scene.db.store, &theirs, id, decision, None);
        assert!(matches!(refused, Err(Error::NotFound { entity: "conversation" })), "{refused:?}");
    }
}

/// Nothing but an opt-in of staff's needs its proof.
#[test]
fn a_keyword_needs_no_note() {
    let scene = Scene::new();
    let new = NewConsent {
        customer_phone: unique_phone(),
        action: ConsentAction::OptIn,
        source: ConsentSource::Keyword,
        keyword: Some("START".to_owned()),
        message_id: None,
        note: None,
    };
    scene.tx(|tx| tx.consents().record(&new)).unwrap();
}
