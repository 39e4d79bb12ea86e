//! Answers of staff: each is sent once, and not to somebody who may not have it or past what has not been read.

use crate::support::{Scene, refused};
use nmc_core::conversations::{ConversationFilter, MessageFilter, NewConversation, NewMessage};
use nmc_core::testing::{SmsForm, unique_phone};
use nmc_core::workflows::{NewReply, Replied, ReplyWarning, record_delivery};
use nmc_core::{
    ConsentAction, ConversationChannel, ConversationEventType, ConversationId, ConversationStatus, Error, ErrorKind, MessageKind,
    MessageStatus, PhoneNumber, Result, Version,
};
use std::collections::BTreeSet;

fn answer(conversation: ConversationId, key: &str) -> NewReply {
    NewReply { conversation, client_key: key.to_owned(), body: "We come at nine".to_owned(), from_number: None, seen: None }
}

impl Scene {
    fn write(&self, from: &PhoneNumber, body: &str) -> ConversationId {
        self.tick();
        let form = SmsForm::text(from.as_str(), &self.business.number, body);
        nmc_core::workflows::receive_text(&self.db.store, &form.parse()).unwrap().conversation
    }

    fn reply(&self, new: &NewReply) -> Result<Replied> {
        self.tick();
        self.tx_as(self.staff, |tx| tx.reply(new))
    }

    fn version(&self, id: ConversationId) -> Version {
        Version::of(self.tx(|tx| tx.conversations().get(id)).unwrap().updated_at)
    }

    fn texts(&self, id: ConversationId) -> usize {
        self.business.messages(&self.db.store, &MessageFilter { conversation: Some(id), ..MessageFilter::default() }).len()
    }
}

#[test]
fn a_reply_asked_for_a_hundred_times_at_once_is_one_text() {
    let scene = Scene::new();
    let id = scene.write(&unique_phone(), "The sink leaks");
    let new = answer(id, "7d1f");
    let told: Vec<_> = std::thread::scope(|threads| {
        let all: Vec<_> = (0..100).map(|_| threads.spawn(|| scene.tx_as(scene.staff, |tx| tx.reply(&new)).unwrap())).collect();
        all.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    let mut ids = BTreeSet::new();
    let fresh = told.iter().filter(|replied| match replied {
        Replied::Queued { message, repeated, .. } => {
            ids.insert(message.id);
            !repeated
        }
        Replied::MovedOn { .. } => panic!("nobody said what they had seen"),
    });
    assert_eq!((fresh.count(), ids.len(), scene.texts(id)), (1, 1, 2));
    let log = scene.business.events(&scene.db.store, id);
    assert_eq!(log.iter().filter(|event| **event == ConversationEventType::MessageQueued).count(), 1);

    // The same words with blanks around them are the same; others are not, nor is another customer.
    assert!(matches!(
        scene.reply(&NewReply { body: " We come at nine ".to_owned(), ..new.clone() }),
        Ok(Replied::Queued { repeated: true, .. })
    ));
    let other = scene.write(&unique_phone(), "Hello?");
    for wrong in [NewReply { body: "At ten".to_owned(), ..new.clone() }, answer(other, "7d1f")] {
        assert_eq!(refused(scene.reply(&wrong)).0, "client_key");
    }
    for (wrong, field) in [
        (NewReply { body: " ".to_owned(), ..new.clone() }, "body"),
        (NewReply { body: "x".repeat(1_601), ..new.clone() }, "body"),
        (NewReply { body: "one\u{7}bell".to_owned(), ..new }, "body"),
        (answer(id, ""), "client_key"),
        (answer(id, &"x".repeat(101)), "client_key"),
    ] {
        assert_eq!(refused(scene.reply(&wrong)).0, field);
    }
    assert_eq!((scene.texts(id), scene.texts(other)), (2, 1));
}

#[test]
fn replies_with_one_key_to_two_customers_send_one_text() {
    let scene = Scene::new();
    let ids: Vec<_> = (0..8).map(|_| scene.write(&unique_phone(), "Hello?")).collect();
    let reply = |id: ConversationId| scene.tx_as(scene.staff, |tx| tx.reply(&answer(id, "one"))).is_ok();
    let queued = std::thread::scope(|threads| {
        let all: Vec<_> = ids.iter().map(|id| threads.spawn(|| reply(*id))).collect();
        all.into_iter().map(|thread| thread.join().unwrap()).filter(|queued| *queued).count()
    });
    assert_eq!((queued, ids.iter().map(|id| scene.texts(*id)).sum::<usize>()), (1, 9));
}

#[test]
fn a_reply_past_what_was_not_seen_tells_what_is_newer() {
    let scene = Scene::new();
    let customer = unique_phone();
    let id = scene.write(&customer, "The sink leaks");
    let seen = scene.version(id);
    let with = |key: &str, seen: Version| NewReply { seen: Some(vec![seen]), ..answer(id, key) };
    let Replied::Queued { version, .. } = scene.reply(&with("a", seen)).unwrap() else { panic!("it was up to date") };
    assert_eq!(version, scene.version(id));
    // The first answer got lost: the same again is no news.
    assert!(matches!(scene.reply(&with("a", seen)), Ok(Replied::Queued { repeated: true, .. })));
    scene.write(&customer, "Never mind");
    let Replied::MovedOn { conversation, newer, version: now } = scene.reply(&with("b", version)).unwrap() else {
        panic!("it moved")
    };
    let kinds: Vec<_> = newer.iter().map(|event| event.event_type).collect();
    assert_eq!((conversation, kinds), (id, vec![ConversationEventType::MessageReceived]));
    assert_eq!((now, scene.texts(id)), (scene.version(id), 3));
    assert!(matches!(scene.reply(&with("b", now)), Ok(Replied::Queued { repeated: false, .. })));

    // What was finished meanwhile goes on elsewhere: that has not been seen either.
    scene.tick();
    scene.tx(|tx| tx.conversations().resolve(id)).unwrap();
    let resolved = scene.version(id);
    let next = scene.write(&customer, "It leaks again");
    let Replied::MovedOn { conversation, newer, .. } = scene.reply(&with("c", resolved)).unwrap() else { panic!("it moved") };
    assert_eq!((conversation, newer.last().map(|event| event.event_type)), (next, Some(ConversationEventType::Opened)));
}

#[test]
fn a_reply_to_a_finished_conversation_goes_into_the_next() {
    let scene = Scene::new();
    let customer = unique_phone();
    let id = scene.write(&customer, "The sink leaks");
    for (key, end) in [("a", ConversationStatus::Resolved), ("b", ConversationStatus::Closed)] {
        scene.tick();
        scene.tx(|tx| tx.conversations().set_status(id, end)).unwrap();
        let Replied::Queued { message, .. } = scene.reply(&answer(id, key)).unwrap() else { panic!("nothing was newer") };
        let next = message.conversation_id;
        assert_ne!(next, id);
        assert_eq!(scene.business.events(&scene.db.store, next)[0], ConversationEventType::Opened);
        // A second answer to the old one goes where the first went.
        let Replied::Queued { message, .. } = scene.reply(&answer(id, &format!("{key}2"))).unwrap() else { panic!("neither") };
        assert_eq!((message.conversation_id, scene.texts(next)), (next, 2));
        scene.tx(|tx| tx.conversations().resolve(next)).unwrap();
    }
    let all = ConversationFilter { customer: Some(customer.as_str().parse().unwrap()), ..ConversationFilter::default() };
    assert_eq!((scene.tx(|tx| tx.conversations().count(&all)).unwrap(), scene.texts(id)), (3, 1));
}

#[test]
fn a_reply_where_another_user_is_in_charge_warns() {
    let scene = Scene::new();
    let customer = unique_phone();
    let id = scene.write(&customer, "The sink leaks");
    let warned = |key: &str| match scene.reply(&answer(id, key)).unwrap() {
        Replied::Queued { warnings, .. } => warnings,
        Replied::MovedOn { .. } => panic!("nobody said what they had seen"),
    };
    let assign = |to| scene.tx(|tx| tx.conversations().assign(id, Some(to))).map(drop).unwrap();
    assert_eq!(warned("a"), []);
    assign(scene.staff);
    assert_eq!(warned("b"), []);
    let other = scene.business.user(&scene.db.store);
    assign(other);
    assert_eq!(warned("c"), [ReplyWarning::AssignedToOther(other)]);
    assert_eq!(warned("a"), [ReplyWarning::AssignedToOther(other)], "a repeated one warns of what is now");
    // What goes on in the next conversation is about whom that has.
    scene.tx(|tx| tx.conversations().resolve(id)).unwrap();
    scene.tick();
    let next = scene.write(&customer, "It leaks again");
    scene.tx(|tx| tx.conversations().assign(next, Some(scene.staff))).unwrap();
    assert_eq!(warned("d"), []);
}

#[test]
fn a_reply_that_may_not_be_sent_is_refused_in_words() {
    let scene = Scene::new();
    let (db, business, customer) = (&scene.db, &scene.business, unique_phone());
    let id = scene.write(&customer, "The sink leaks");
    let kind = |new: &NewReply| scene.reply(new).map(drop).unwrap_err().kind();
    let preview = |id| scene.tx(|tx| tx.preview_reply(id, "We come at nine", None)).unwrap();
    assert_eq!(preview(id).from_number.as_ref(), Some(&business.number));

    let empty = ("body".to_owned(), "must not be empty".to_owned());
    for unseen in ["", " ", "\u{200b}", "\u{2060}\u{ad}", "\u{fe0f} "] {
        assert_eq!(refused(scene.reply(&NewReply { body: unseen.to_owned(), ..answer(id, "a") })), empty, "{unseen:?}");
        assert_eq!(refused(scene.tx(|tx| tx.preview_reply(id, unseen, None))), empty, "{unseen:?}");
        let (from_number, kind) = (business.number.clone(), MessageKind::Message);
        let text = NewMessage { conversation_id: id, from_number, body: unseen.to_owned(), kind };
        assert_eq!(refused(scene.tx(|tx| tx.messages().queue(&text))), empty, "{unseen:?}");
    }
    business.suspend(db, true);
    assert_eq!(kind(&answer(id, "a")), ErrorKind::Forbidden);
    business.suspend(db, false);
    business.disapprove(db, true);
    assert_eq!(kind(&answer(id, "a")), ErrorKind::AwaitingApproval);
    business.disapprove(db, false);

    // A number that can't text is not chosen, and not taken when it is named.
    let tenant = business.tenant.id();
    db.execute(&format!(r#"UPDATE phone_numbers SET capabilities = '{{"sms": false}}' WHERE tenant_id = '{tenant}'"#));
    assert_eq!(refused(scene.reply(&answer(id, "a"))).0, "from_number");
    let named = |number: &PhoneNumber| NewReply { from_number: Some(number.clone()), ..answer(id, "a") };
    assert_eq!(refused(scene.reply(&named(&business.number))).1, "must be a number that can send texts");
    assert_eq!(refused(scene.reply(&named(&unique_phone()))).1, "must be an active number of this business");
    let another = business.add_number(&db.store);
    assert_eq!(preview(id).from_number, Some(another.clone()));
    let Replied::Queued { message, .. } = scene.reply(&answer(id, "a")).unwrap() else { panic!("it may go") };
    assert_eq!(message.from_number.phone(), Some(&another));

    // It came back: the number is a landline.
    let report = SmsForm::delivery(&another, &customer, "SM1", "undelivered").with("ErrorCode", "30006");
    record_delivery(&db.store, &report.parse_delivery(Some(message.id))).unwrap();
    assert_eq!(business.message(&db.store, message.id).message_status, MessageStatus::Undelivered);
    assert_eq!(refused(scene.reply(&answer(id, "b"))).0, "customer_phone");
    let told = preview(id);
    assert!(told.from_number.is_none() && told.refusal.unwrap().to_string().contains("call instead"));

    let out = unique_phone();
    let stopped = scene.write(&out, "STOP");
    assert_eq!(scene.tx(|tx| tx.consents().find_latest(&out)).unwrap().unwrap().action, ConsentAction::OptOut);
    assert!(matches!(scene.reply(&answer(stopped, "c")), Err(Error::Forbidden("the customer has opted out of texts"))));

    let new = NewConversation {
        customer_phone: "12345".parse().unwrap(),
        channel: ConversationChannel::Sms,
        subject: None,
        customer_name: None,
    };
    let code = scene.tx(|tx| tx.conversations().create(&new)).unwrap().id;
    assert_eq!(refused(scene.reply(&answer(code, "d"))).0, "customer_phone");
    assert_eq!(kind(&answer(ConversationId::new(uuid::Uuid::now_v7()), "e")), ErrorKind::NotFound);
}
