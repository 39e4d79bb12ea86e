//! All that a business has about a customer, read a page at a time.

use crate::support::Scene;
use nmc_core::calls::{MetadataValue, NewCallParticipant};
use nmc_core::conversations::ConversationFilter;
use nmc_core::testing::{Business, SmsForm, VoiceForm, unique_phone, unique_sid};
use nmc_core::workflows::{Export, ExportedRow, receive_text, record_voice_status};
use nmc_core::{CallId, CallerIdentity, Error, ParticipantType, PhoneNumber, Result, TenantTx};
use std::collections::{BTreeMap, BTreeSet};

impl Scene {
    fn exported(&self, start: impl Fn(&mut TenantTx<'_>) -> Result<Export>) -> Vec<ExportedRow> {
        let (mut rows, mut rest) = (Vec::new(), Some(self.tx(start).unwrap()));
        while let Some(export) = rest {
            let (read, next) = self.tx(|tx| export.read(tx)).unwrap();
            assert!(read.len() < 300, "a page is bounded");
            rows.extend(read);
            rest = next;
        }
        rows
    }
}

/// The kind of a row and its id.
fn named(row: &ExportedRow) -> (&'static str, String) {
    match row {
        ExportedRow::Conversation(row) => ("conversations", row.conversation.id.to_string()),
        ExportedRow::Event(row) => ("conversation_events", row.id.to_string()),
        ExportedRow::Message(row, _) => ("messages", row.id.to_string()),
        ExportedRow::Call(row) => ("calls", row.id.to_string()),
        ExportedRow::Participant(row) => ("call_participants", row.id.to_string()),
        ExportedRow::Metadata(row) => ("call_metadata", row.id.to_string()),
        ExportedRow::Consent(row) => ("consents", row.id.to_string()),
        other => panic!("{other:?}"),
    }
}

fn history(scene: &Scene, business: &Business, phone: &PhoneNumber) -> CallId {
    let store = &scene.db.store;
    let form = VoiceForm::missed(phone.as_str(), &business.number, &unique_sid("CA"));
    let call = record_voice_status(store, &form.parse()).unwrap().call;
    receive_text(store, &SmsForm::text(phone.as_str(), &business.number, "The sink leaks").parse()).unwrap();
    let party = CallerIdentity::Phone(phone.clone());
    let done = store.tenant(&business.tenant, |tx| {
        tx.call_metadata().put(call, "job", &MetadataValue::Number(7.into()))?;
        let caller = ParticipantType::Caller;
        tx.call_participants().create(&NewCallParticipant {
            call_id: call,
            phone_number: party.clone(),
            participant_type: caller,
        })
    });
    done.unwrap();
    receive_text(store, &SmsForm::text(phone.as_str(), &business.number, "STOP").parse()).unwrap();
    call
}

#[test]
fn export_of_a_customer_has_each_row_once_and_no_strangers() {
    let scene = Scene::new();
    let rival = Business::onboard(&scene.db.store, "Rival Rooter");
    let (ann, bob) = (unique_phone(), unique_phone());
    history(&scene, &rival, &ann);
    let tables = ["conversations", "conversation_events", "messages", "calls", "call_participants", "call_metadata", "consents"];
    history(&scene, &scene.business, &ann);
    let (tenant, number) = (scene.business.tenant.id(), &scene.business.number);
    scene.db.execute(&format!(
        "INSERT INTO messages (tenant_id, conversation_id, message_body, message_direction, from_number, to_number, message_status, created_at)
         SELECT '{tenant}', id, 'Hello', 'inbound', '{ann}', '{number}', 'received', created_at FROM conversations, generate_series(1, 250)
         WHERE tenant_id = '{tenant}'"
    ));
    scene.db.execute(&format!(
        "INSERT INTO calls (tenant_id, caller_phone, called_phone, call_direction, call_status)
         SELECT '{tenant}', '{number}', '{ann}', 'outbound', 'completed' FROM generate_series(1, 120)"
    ));
    let mut expected: BTreeMap<&str, BTreeSet<String>> = BTreeMap::new();
    for table in tables {
        let ids: Vec<String> = scene.db.query(&format!("SELECT id::text AS row FROM {table} WHERE tenant_id = '{tenant}'"));
        assert!(!ids.is_empty(), "{table}");
        expected.insert(table, ids.into_iter().collect());
    }
    history(&scene, &scene.business, &bob);
    let rows = scene.exported(|tx| Export::of_customer(tx, &ann));
    let mut found: BTreeMap<&str, BTreeSet<String>> = BTreeMap::new();
    for row in &rows {
        let (table, id) = named(row);
        assert!(found.entry(table).or_default().insert(id), "twice: {row:?}");
    }
    assert_eq!(found, expected);
    let nobody = scene.tx(|tx| Export::of_customer(tx, &unique_phone()));
    assert!(matches!(nobody, Err(Error::NotFound { entity: "customer" })), "{nobody:?}");
}

#[test]
fn export_of_conversations_has_those_of_the_span() {
    let scene = Scene::new();
    let (ann, bob) = (unique_phone(), unique_phone());
    history(&scene, &scene.business, &ann);
    let from = scene.tick();
    history(&scene, &scene.business, &bob);
    let filter = ConversationFilter { from: Some(from), ..ConversationFilter::default() };
    let rows = scene.exported(|tx| Export::of_conversations(tx, filter.clone()));
    let kinds: BTreeSet<&str> = rows.iter().map(|row| named(row).0).collect();
    assert_eq!(kinds, BTreeSet::from(["conversation_events", "conversations", "messages"]));
    let customer = |row: &ExportedRow| match row {
        ExportedRow::Conversation(row) => row.conversation.customer_phone.phone().cloned(),
        _ => None,
    };
    assert_eq!(rows.iter().filter_map(customer).collect::<Vec<_>>(), [bob]);
}

#[test]
fn export_is_for_those_who_have_the_permission() {
    let scene = Scene::new();
    let ann = unique_phone();
    history(&scene, &scene.business, &ann);
    let export = scene.tx(|tx| Export::of_customer(tx, &ann)).unwrap();
    let refused = [
        scene.tx_as(scene.staff, |tx| Export::of_customer(tx, &ann)).map(drop),
        scene.tx_as(scene.staff, |tx| Export::of_conversations(tx, ConversationFilter::default())).map(drop),
        scene.tx_as(scene.staff, |tx| export.read(tx)).map(drop),
    ];
    assert!(refused.iter().all(|result| matches!(result, Err(Error::Forbidden(_)))), "{refused:?}");
}

/// As an imported log tells of them.
#[test]
fn customer_who_was_only_called_is_exported() {
    let scene = Scene::new();
    let (ann, bob) = (unique_phone(), unique_phone());
    scene.db.execute(&format!(
        "INSERT INTO calls (tenant_id, caller_phone, called_phone, call_direction, call_status)
         VALUES ('{}', '{}', '{ann}', 'outbound', 'no-answer')",
        scene.business.tenant.id(),
        scene.business.number
    ));
    let rows = scene.exported(|tx| Export::of_customer(tx, &ann));
    assert_eq!(rows.iter().map(|row| named(row).0).collect::<Vec<_>>(), ["calls"]);
    let nobody = scene.tx(|tx| Export::of_customer(tx, &bob));
    assert!(matches!(nobody, Err(Error::NotFound { entity: "customer" })), "{nobody:?}");
}
