//! What is known about a customer, and what they are called.

use crate::support::Scene;
use chrono::{DateTime, TimeDelta, Utc};
use nmc_core::calls::NewCall;
use nmc_core::conversations::{ConversationFilter, ConversationPatch};
use nmc_core::testing::{VoiceForm, unique_phone, unique_sid};
use nmc_core::workflows::{Customer, customer, record_voice_status};
use nmc_core::{CallDirection, CallerIdentity, Clock as _, ConversationId, Error, PageRequest, Patch, PhoneNumber};

impl Scene {
    /// A call that nobody took, and the name that the network showed.
    fn rang(&self, from: &PhoneNumber, name: Option<&str>) {
        let form = VoiceForm::missed(from.as_str(), &self.business.number, &unique_sid("CA"));
        let form = name.into_iter().fold(form, |form, name| form.with("CallerName", name));
        record_voice_status(&self.db.store, &form.parse()).unwrap();
    }

    /// A call of an old log.
    fn imported(&self, from: &PhoneNumber, name: &str, began: DateTime<Utc>) {
        let called = CallerIdentity::Phone(self.business.number.clone());
        let caller = CallerIdentity::Phone(from.clone());
        let call = NewCall {
            caller_name: Some(name.to_owned()),
            started_at: Some(began),
            ..NewCall::begun(CallDirection::Inbound, caller, called, unique_sid("CA"))
        };
        self.tx(|tx| tx.calls().import(std::slice::from_ref(&call))).unwrap();
    }

    fn known(&self, phone: &PhoneNumber) -> Customer {
        self.tx(|tx| customer(tx, phone)).unwrap()
    }

    fn call_them(&self, id: ConversationId, name: Patch<String>) {
        let patch = ConversationPatch { customer_name: name, ..ConversationPatch::default() };
        self.tx(|tx| tx.conversations().update(id, &patch)).unwrap();
    }

    /// What the customer is called on their page and in each of their conversations: the same.
    fn name_of(&self, phone: &PhoneNumber) -> Option<String> {
        let known = self.known(phone);
        let rows =
            self.tx(|tx| tx.conversations().list_with_last_text(&ConversationFilter::default(), PageRequest::first())).unwrap();
        for row in rows.items.iter().filter(|row| row.conversation.customer_phone.phone() == Some(&known.phone)) {
            assert_eq!(row.known_as, known.name);
        }
        known.name
    }
}

#[test]
fn customer_is_called_by_what_people_told_or_their_last_call() {
    let scene = Scene::new();
    let ann = unique_phone();
    let now = scene.clock.now();
    scene.rang(&ann, Some("MARIA LOPEZ"));
    scene.tick();
    scene.imported(&ann, "ANN LEE", now - TimeDelta::days(90));
    scene.imported(&ann, "ANN LEAH", now - TimeDelta::minutes(5));
    assert_eq!(scene.name_of(&ann).as_deref(), Some("MARIA LOPEZ"), "began last, and was not recorded last");
    scene.rang(&ann, None);
    assert_eq!(scene.name_of(&ann).as_deref(), Some("MARIA LOPEZ"), "no name is no other name");
    let id = scene.known(&ann).conversations[0].conversation.id;
    scene.call_them(id, Patch::Set("Maria".to_owned()));
    assert_eq!(scene.name_of(&ann).as_deref(), Some("Maria"));
    scene.tx(|tx| tx.conversations().close(id)).unwrap();
    scene.tick();
    scene.rang(&ann, Some("M LOPEZ"));
    assert_eq!(scene.known(&ann).conversations.len(), 2);
    assert_eq!(scene.name_of(&ann).as_deref(), Some("Maria"), "told of an earlier conversation");
    scene.call_them(id, Patch::Clear);
    assert_eq!(scene.name_of(&ann).as_deref(), Some("M LOPEZ"));
}

#[test]
fn name_of_a_caller_holds_for_each_spelling() {
    let scene = Scene::new();
    let (network, person): (PhoneNumber, PhoneNumber) = ("+5215512345678".parse().unwrap(), "+525512345678".parse().unwrap());
    scene.rang(&person, Some("OLD NAME"));
    scene.tick();
    scene.rang(&network, Some("NEW NAME"));
    assert_eq!(scene.name_of(&person).as_deref(), Some("NEW NAME"));
}

#[test]
fn calls_of_a_customer_are_told_by_when_they_began() {
    let scene = Scene::new();
    let ann = unique_phone();
    let now = scene.clock.now();
    scene.rang(&ann, Some("1"));
    scene.tick();
    for (name, minutes) in [("4", 90 * 24 * 60), ("2", 10), ("3", 30)] {
        scene.imported(&ann, name, now - TimeDelta::minutes(minutes));
    }
    let known = scene.known(&ann);
    let names: Vec<&str> = known.calls.iter().map(|call| call.caller_name.as_deref().unwrap()).collect();
    assert_eq!(names, ["1", "2", "3", "4"]);
    assert_eq!((known.call_count, known.calls_without_conversation, known.conversation_count), (4, 3, 1));
    let nobody = scene.tx(|tx| customer(tx, &unique_phone()));
    assert!(matches!(nobody, Err(Error::NotFound { entity: "customer" })), "{nobody:?}");
}
