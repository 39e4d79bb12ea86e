//! Deleting for good what is known about a customer: all of it, of nobody else, and only what nobody is about to use.

use crate::support::{Scene, at_once, refused};
use chrono::TimeDelta;
use nmc_core::access::Acting;
use nmc_core::analytics::{NewCallAnalytics, NewConversationAnalytics};
use nmc_core::calls::{MetadataValue, NewCallParticipant};
use nmc_core::conversations::{ConsentFilter, NewConversationEvent};
use nmc_core::testing::{Business, SmsForm, VoiceForm, unique_phone, unique_sid};
use nmc_core::workflows::{Erased, Retention, customer, delete_old_rows, erase_conversation, erase_customer};
use nmc_core::workflows::{receive_text, record_delivery, record_voice_status};
use nmc_core::{
    CallId, CallerIdentity, Confirmed, ConversationEventType, ConversationId, Error, PageRequest, ParticipantType, PhoneNumber,
    Result, Uploads, UserRole,
};
use serde_json::json;
use std::collections::BTreeMap;

/// Tables that keep what was: that something was deleted, what people decided, and what is told of changes.
const KEPT: [&str; 5] = ["analytics_marks", "consents", "erased_sids", "stream_events", "tenant_streams"];

fn nowhere() -> Uploads {
    Uploads::new("/nonexistent")
}

impl Scene {
    fn erase(&self, phone: &PhoneNumber) -> Result<Erased> {
        let who = Acting::Application(self.business.tenant);
        erase_customer(&self.db.store, &who, phone, &nowhere(), Confirmed::irrevocably())
    }

    fn erase_one(&self, id: ConversationId) -> Result<Erased> {
        let who = Acting::Application(self.business.tenant);
        erase_conversation(&self.db.store, &who, id, &nowhere(), Confirmed::irrevocably())
    }

    fn writes(&self, from: &PhoneNumber, words: &str) -> ConversationId {
        let form = SmsForm::text(from.as_str(), &self.business.number, words);
        receive_text(&self.db.store, &form.parse()).unwrap().conversation
    }

    fn rings(&self, from: &PhoneNumber, status: &str) -> CallId {
        let form = VoiceForm::missed(from.as_str(), &self.business.number, &unique_sid("CA")).with("CallStatus", status);
        record_voice_status(&self.db.store, &form.parse()).unwrap().call
    }

    /// Something of each kind.
    fn has_to_do_with(&self, phone: &PhoneNumber) -> ConversationId {
        let call = self.rings(phone, "no-answer");
        let form = SmsForm::text(phone.as_str(), &self.business.number, "The sink leaks")
            .with("NumMedia", "1")
            .with("MediaUrl0", "https://api.twilio.com/x")
            .with("MediaContentType0", "image/jpeg");
        let id = receive_text(&self.db.store, &form.parse()).unwrap().conversation;
        let party = CallerIdentity::Phone(phone.clone());
        let done = self.tx_as(self.staff, |tx| {
            let note = NewConversationEvent::new(id, ConversationEventType::NoteAdded).with(json!({"note": "Ann"}));
            tx.conversation_events().append(&[note])?;
            tx.conversations().add_tag(id, "leak")?;
            tx.conversation_reads().mark(id)?;
            tx.call_metadata().put(call, "job", &MetadataValue::String("sink".to_owned()))?;
            let caller = ParticipantType::Caller;
            tx.call_participants().create(&NewCallParticipant {
                call_id: call,
                phone_number: party.clone(),
                participant_type: caller,
            })?;
            let begun = tx.now();
            tx.call_analytics().create(&NewCallAnalytics {
                call_id: Some(call),
                conversation_id: Some(id),
                phone_number: None,
                call_type: None,
                call_status: None,
                call_duration: None,
                ai_takeover_count: 0,
                customer_satisfaction: None,
                conversion_status: None,
                revenue_impact: None,
                cost_per_call: None,
                tags: None,
                metadata: json!({}),
                call_date: begun,
            })?;
            tx.conversation_analytics().create(&NewConversationAnalytics::begun(id, begun)).map(drop)
        });
        done.unwrap();
        self.tick();
        self.writes(phone, "STOP");
        id
    }

    /// The number of rows of each table, but for what is kept.
    fn counts(&self) -> BTreeMap<String, usize> {
        let rows = self.db.rows_of(self.business.tenant.id());
        rows.into_iter().filter(|(table, _)| !KEPT.contains(&table.as_str())).map(|(table, rows)| (table, rows.len())).collect()
    }

    fn decisions(&self, phone: &PhoneNumber) -> usize {
        let filter = ConsentFilter { customer: Some(phone.clone()), ..ConsentFilter::default() };
        self.tx(|tx| tx.consents().list(&filter, PageRequest::first())).unwrap().items.len()
    }
}

#[test]
fn erasure_takes_all_of_a_customer_and_keeps_their_opt_out() {
    let scene = Scene::new();
    let rival = Business::onboard(&scene.db.store, "Rival Rooter");
    let (ann, bob) = (unique_phone(), unique_phone());
    scene.has_to_do_with(&bob);
    let form = SmsForm::text(ann.as_str(), &rival.number, "Hello");
    receive_text(&scene.db.store, &form.parse()).unwrap();
    let (before, theirs) = (scene.counts(), scene.db.rows_of(rival.tenant.id()));
    scene.has_to_do_with(&ann);
    assert_ne!(scene.counts(), before);
    let gone = scene.erase(&ann).unwrap();
    assert_eq!((gone.conversations, gone.calls), (1, 1));
    assert!(gone.texts >= 2, "{gone:?}");
    assert_eq!(scene.counts(), before);
    assert_eq!(scene.db.rows_of(rival.tenant.id()), theirs);
    let known = scene.tx(|tx| customer(tx, &ann)).unwrap();
    assert_eq!((known.is_opted_out, known.conversation_count, known.call_count), (true, 0, 0));
    assert_eq!((scene.decisions(&ann), known.consents[0].message_id), (1, None));
    let again = scene.erase(&ann);
    assert!(matches!(again, Err(Error::NotFound { entity: "customer" })), "{again:?}");
    let ours = scene.erase(&scene.business.number);
    assert!(matches!(ours, Err(Error::NotFound { .. })), "what went to it is others': {ours:?}");
    assert!(matches!(scene.erase(&unique_phone()), Err(Error::NotFound { entity: "customer" })));
}

#[test]
fn one_conversation_is_erased_and_the_others_stay() {
    let scene = Scene::new();
    let ann = unique_phone();
    let before = scene.has_to_do_with(&ann);
    scene.tx(|tx| tx.conversations().close(before)).unwrap();
    let rest = scene.counts();
    let id = scene.writes(&ann, "Hello again");
    assert_eq!(scene.erase_one(id).unwrap(), Erased { conversations: 1, texts: 1, calls: 0 });
    assert_eq!(scene.counts(), rest);
    assert!(matches!(scene.erase_one(id), Err(Error::NotFound { entity: "conversation" })));
    scene.erase_one(before).unwrap();
    let known = scene.tx(|tx| customer(tx, &ann)).unwrap();
    assert_eq!((known.is_opted_out, known.call_count), (true, 0));
}

#[test]
fn erasure_waits_for_a_call_and_for_a_doubtful_text() {
    let scene = Scene::new();
    let ann = unique_phone();
    scene.rings(&ann, "ringing");
    assert_eq!(refused(scene.erase(&ann)).1, "is on the phone at this moment; try again after the call");
    scene.clock.advance(TimeDelta::hours(25));
    assert_eq!(scene.erase(&ann).unwrap().calls, 1, "nobody talks that long");
    let id = scene.writes(&ann, "stop it already");
    for refusal in [scene.erase(&ann), scene.erase_one(id)] {
        assert_eq!(refused(refusal).1, "wrote a text that may be an opt-out; say first whether it was one");
    }
}

#[test]
fn erasure_is_for_those_who_have_the_permission() {
    let scene = Scene::new();
    let ann = unique_phone();
    let id = scene.writes(&ann, "Hello");
    let who = Acting::OnBehalfOf(scene.business.tenant, scene.staff);
    let all = erase_customer(&scene.db.store, &who, &ann, &nowhere(), Confirmed::irrevocably());
    let one = erase_conversation(&scene.db.store, &who, id, &nowhere(), Confirmed::irrevocably());
    assert!(matches!((&all, &one), (Err(Error::Forbidden(_)), Err(Error::Forbidden(_)))), "{all:?} {one:?}");
    let admin = UserRole::Admin.label();
    scene.db.execute(&format!("UPDATE user_profiles SET role = '{admin}' WHERE user_id = '{}'", scene.staff));
    scene.db.execute(&format!("UPDATE users SET role = '{admin}' WHERE id = '{}'", scene.staff));
    assert_eq!(erase_customer(&scene.db.store, &who, &ann, &nowhere(), Confirmed::irrevocably()).unwrap().texts, 1);
}

#[test]
fn thousands_of_rows_go_in_bites() {
    let scene = Scene::new();
    let ann = unique_phone();
    let id = scene.writes(&ann, "Hello");
    let tenant = scene.business.tenant.id();
    scene.db.execute(&format!(
        "INSERT INTO messages (tenant_id, conversation_id, message_body, message_direction, from_number, to_number, message_status)
         SELECT '{tenant}', '{id}', 'Hello', 'inbound', '{ann}', '+15550199999', 'received' FROM generate_series(1, 1200)"
    ));
    scene.db.execute(&format!(
        "INSERT INTO calls (tenant_id, caller_phone, called_phone, call_direction, call_status)
         SELECT '{tenant}', '{ann}', '+15550199999', 'inbound', 'no-answer' FROM generate_series(1, 600)"
    ));
    assert_eq!(scene.erase(&ann).unwrap(), Erased { conversations: 1, texts: 1_201, calls: 600 });
}

#[test]
fn text_that_comes_during_an_erasure_is_whole_or_gone() {
    let scene = Scene::new();
    for _ in 0..5 {
        let ann = unique_phone();
        scene.writes(&ann, "Hello");
        let came = at_once(3, |number| match number {
            0 => {
                scene.writes(&ann, "And another thing");
                Ok(())
            }
            _ => scene.erase(&ann).map(drop),
        });
        assert!(came[1].is_ok() || came[2].is_ok(), "{came:?}");
        let lost = came.iter().filter(|result| result.is_err()).all(|result| matches!(result, Err(Error::NotFound { .. })));
        assert!(lost, "{came:?}");
        let orphans = "SELECT count(*) FROM messages AS m WHERE NOT EXISTS
                       (SELECT FROM conversations AS c WHERE c.tenant_id = m.tenant_id AND c.id = m.conversation_id)";
        assert_eq!(scene.db.query::<i64>(orphans), [0]);
        let rows = "SELECT (SELECT count(*) FROM messages) - (SELECT count(*) FROM conversations)";
        assert_eq!(scene.db.query::<i64>(rows), [0], "what came is in a conversation of its own, or gone");
    }
}

#[test]
fn late_news_of_an_erased_call_records_nothing() {
    let scene = Scene::new();
    let (ann, sid) = (unique_phone(), unique_sid("CA"));
    let form = || VoiceForm::missed(ann.as_str(), &scene.business.number, &sid);
    record_voice_status(&scene.db.store, &form().parse()).unwrap();
    scene.erase(&ann).unwrap();
    let late = record_voice_status(&scene.db.store, &form().with("CallDuration", "9").parse());
    assert!(matches!(&late, Err(error) if error.is_of_deleted()), "{late:?}");
    assert_eq!(scene.db.query::<i64>("SELECT (SELECT count(*) FROM calls) + (SELECT count(*) FROM conversations)"), [0]);
    scene.clock.advance(TimeDelta::days(9));
    delete_old_rows(&scene.db.store, Retention::default(), 100).unwrap();
    assert_eq!(scene.db.query::<i64>("SELECT count(*) FROM erased_sids"), [0]);
}

#[test]
fn text_that_comes_again_after_its_erasure_stays_deleted() {
    let scene = Scene::new();
    let ann = unique_phone();
    let form = SmsForm::text(ann.as_str(), &scene.business.number, "The sink leaks");
    receive_text(&scene.db.store, &form.parse()).unwrap();
    scene.erase(&ann).unwrap();
    let again = receive_text(&scene.db.store, &form.parse());
    assert!(matches!(&again, Err(error) if error.is_of_deleted()), "{again:?}");
    scene.writes(&ann, "Hello again");
    assert_eq!(scene.db.query::<String>("SELECT message_body FROM messages"), ["Hello again"]);
}

#[test]
fn opt_out_that_tells_of_an_erased_text_counts() {
    let scene = Scene::new();
    for (code, decisions) in [("30003", 0), ("21610", 1)] {
        let (ann, sid) = (unique_phone(), unique_sid("SM"));
        let id = scene.writes(&ann, "Hello");
        scene.db.execute(&format!(
            "INSERT INTO messages (tenant_id, conversation_id, message_body, message_direction, from_number, to_number, message_status, message_sid)
             VALUES ('{}', '{id}', 'We come', 'outbound', '{}', '{ann}', 'sent', '{sid}')",
            scene.business.tenant.id(),
            scene.business.number
        ));
        scene.erase(&ann).unwrap();
        let report = SmsForm::delivery(&scene.business.number, &ann, &sid, "undelivered").with("ErrorCode", code);
        let told = record_delivery(&scene.db.store, &report.parse_delivery(None));
        assert!(matches!(&told, Err(error) if error.is_of_deleted()), "{told:?}");
        assert_eq!(scene.decisions(&ann), decisions, "{code}");
    }
}

/// A worker died over it: it may have been sent, and what the provider tells of it finds its row alone.
#[test]
fn text_in_doubt_holds_an_erasure_up_until_it_is_known() {
    let scene = Scene::new();
    let ann = unique_phone();
    scene.rings(&ann, "no-answer");
    scene.db.execute("UPDATE messages SET lease_owner = gen_random_uuid(), lease_expires_at = '2000-01-01'");
    assert_eq!(refused(scene.erase(&ann)).1, "is being sent a text at this moment; try again in a minute");
    // Nobody waits for it who opts out: it may take minutes.
    let stop = SmsForm::text(ann.as_str(), &scene.business.number, "STOP").parse();
    let trips = scene.db.round_trips(|store| assert!(!receive_text(store, &stop).unwrap().duplicate));
    let asked = trips.iter().filter(|sent| sent.sql.contains("\"lease_expires_at\" >")).count();
    assert_eq!(asked, 1, "{trips:#?}");
    scene.db.execute("UPDATE messages SET lease_owner = NULL, lease_expires_at = NULL");
    assert_eq!(scene.erase(&ann).unwrap().texts, 2);
}

#[test]
fn picture_that_is_being_fetched_holds_an_erasure_up() {
    let scene = Scene::new();
    let ann = unique_phone();
    scene.has_to_do_with(&ann);
    let lease = |until: &str| {
        scene.db.execute(&format!("UPDATE message_media SET lease_owner = gen_random_uuid(), lease_expires_at = '{until}'"));
    };
    lease("2999-01-01");
    assert_eq!(refused(scene.erase(&ann)).1, "sent a picture that is being fetched at this moment; try again in a minute");
    lease("2000-01-01");
    assert_eq!(scene.erase(&ann).unwrap().texts, 3, "of whoever died over it nothing more comes");
}
