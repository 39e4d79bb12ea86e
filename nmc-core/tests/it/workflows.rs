//! What is done for every business from time to time.

use crate::support::Scene;
use chrono::TimeDelta;
use diesel::connection::SimpleConnection as _;
use nmc_core::conversations::{ConversationEventFilter, ConversationFilter};
use nmc_core::tenants::BusinessSettingsPatch;
use nmc_core::testing::{Business, SmsForm, unique_phone};
use nmc_core::workflows::receive_text;
use nmc_core::workflows::resolve_idle;
use nmc_core::{Clock as _, ConversationEventType, ConversationId, ConversationStatus, PageRequest};
use serde_json::json;

impl Scene {
    fn opened(&self) -> ConversationId {
        self.business.conversation_with(&self.db.store, &unique_phone())
    }

    fn status(&self, id: ConversationId) -> ConversationStatus {
        self.tx(|tx| tx.conversations().get(id)).unwrap().status
    }

    fn resolved(&self) -> usize {
        resolve_idle(&self.db.store, 10_000).unwrap()
    }

    fn set_days(&self, days: i32) {
        let patch = BusinessSettingsPatch { auto_resolve_days: Some(days), ..BusinessSettingsPatch::default() };
        self.tx(|tx| tx.business_settings().update(&patch)).unwrap();
    }
}

#[test]
fn a_conversation_that_is_idle_resolves_by_itself() {
    let scene = Scene::new();
    let waiting = scene.opened();
    scene.tick();
    scene.tx(|tx| tx.conversations().set_status(waiting, ConversationStatus::Waiting)).unwrap();
    let idle = scene.opened();
    scene.clock.advance(TimeDelta::days(7));
    let fresh = scene.opened();
    scene.clock.advance(TimeDelta::days(7));
    assert_eq!(scene.resolved(), 0, "to the day");
    scene.clock.advance(TimeDelta::microseconds(1));
    assert_eq!(scene.resolved(), 2);
    assert_eq!(scene.resolved(), 0, "once");
    let now = scene.clock.now();
    for (id, old) in [(idle, "active"), (waiting, "waiting")] {
        let row = scene.tx(|tx| tx.conversations().get(id)).unwrap();
        assert_eq!((row.status, row.closed_at, row.updated_at), (ConversationStatus::Resolved, Some(now), now));
        let filter = ConversationEventFilter {
            event_type: Some(ConversationEventType::StatusChanged),
            from: Some(now),
            ..ConversationEventFilter::of(id)
        };
        let log = scene.tx(|tx| tx.conversation_events().list(&filter, PageRequest::first())).unwrap();
        let told: Vec<_> = log.items.iter().map(|event| event.event_data.clone()).collect();
        assert_eq!(told, [json!({"old": old, "new": "resolved", "by": "idle"})]);
    }
    assert_eq!(scene.status(fresh), ConversationStatus::Active);
}

#[test]
fn a_business_says_after_how_many_days() {
    let scene = Scene::new();
    let never = Business::onboard(&scene.db.store, "Ann's Plumbing");
    let theirs = never.conversation_with(&scene.db.store, &unique_phone());
    let patch = BusinessSettingsPatch { auto_resolve_days: Some(0), ..BusinessSettingsPatch::default() };
    scene.db.store.tenant(&never.tenant, |tx| tx.business_settings().update(&patch)).unwrap();
    scene.set_days(2);
    scene.opened();
    scene.clock.advance(TimeDelta::days(2) + TimeDelta::seconds(1));
    assert_eq!(scene.resolved(), 1);
    scene.clock.advance(TimeDelta::days(1_000));
    assert_eq!(scene.resolved(), 0);
    let row = scene.db.store.tenant(&never.tenant, |tx| tx.conversations().get(theirs)).unwrap();
    assert_eq!(row.status, ConversationStatus::Active);
}

#[test]
fn what_still_wants_attention_stays_open() {
    let scene = Scene::new();
    let customer = unique_phone();
    let text = scene.business.queue(&scene.db.store, &customer, "We come at nine.").unwrap();
    let marked = scene.opened();
    scene.db.execute(&format!("UPDATE conversations SET review_requested_at = '2026-11-16' WHERE id = '{marked}'"));
    scene.clock.advance(TimeDelta::days(30));
    assert_eq!(scene.resolved(), 0);
    scene.db.execute("UPDATE messages SET message_status = 'sent', next_attempt_at = NULL");
    scene.db.execute("UPDATE conversations SET review_requested_at = NULL");
    scene.clock.advance(TimeDelta::days(30));
    assert_eq!(scene.resolved(), 2);
    assert_eq!(scene.status(text.conversation_id), ConversationStatus::Resolved);
}

#[test]
fn one_that_resolved_is_followed_by_a_new_one() {
    let scene = Scene::new();
    let customer = unique_phone();
    let old = scene.business.conversation_with(&scene.db.store, &customer);
    scene.clock.advance(TimeDelta::days(15));
    assert_eq!(scene.resolved(), 1);
    let text = SmsForm::text(customer.as_str(), &scene.business.number, "It drips again").parse();
    assert_ne!(receive_text(&scene.db.store, &text).unwrap().conversation, old);
}

#[test]
fn many_are_resolved_in_bites_up_to_a_limit() {
    let scene = Scene::new();
    let rival = Business::onboard(&scene.db.store, "Ann's Plumbing");
    for (tenant, count) in [(scene.business.tenant.id(), 350), (rival.tenant.id(), 50)] {
        scene.db.execute(&format!(
            "INSERT INTO conversations (tenant_id, customer_phone, channel, created_at, updated_at)
             SELECT '{tenant}', '+1556' || lpad(n::text, 7, '0'), 'phone', '2026-01-01', '2026-01-01' FROM generate_series(1, {count}) n"
        ));
    }
    let open = |business: &Business| {
        let filter = ConversationFilter { open: Some(true), ..ConversationFilter::default() };
        scene.db.store.tenant(&business.tenant, |tx| tx.conversations().count(&filter)).unwrap()
    };
    // The small business has its turn before the large one has its second.
    assert_eq!(resolve_idle(&scene.db.store, 150).unwrap(), 150);
    assert_eq!((open(&scene.business), open(&rival)), (250, 0));
    assert_eq!(scene.resolved(), 250);
}

#[test]
fn several_at_once_resolve_each_conversation_once() {
    let scene = Scene::new();
    let tenant = scene.business.tenant.id();
    scene.db.execute(&format!(
        "INSERT INTO conversations (tenant_id, customer_phone, channel, created_at, updated_at)
         SELECT '{tenant}', '+1556' || lpad(n::text, 7, '0'), 'phone', '2026-01-01', '2026-01-01' FROM generate_series(1, 500) n"
    ));
    let resolved: usize = std::thread::scope(|threads| {
        let workers: Vec<_> = (0..4).map(|_| threads.spawn(|| scene.resolved())).collect();
        workers.into_iter().map(|worker| worker.join().unwrap()).sum()
    });
    assert_eq!(resolved + scene.resolved(), 500);
    let told: Vec<i64> = scene.db.query("SELECT count(*) FROM conversation_events WHERE event_type = 'status_changed'");
    assert_eq!(told, [500]);
}

/// One that is being touched is left to whoever touches it.
#[test]
fn a_conversation_in_use_is_left_alone() {
    let scene = Scene::new();
    let (busy, idle) = (scene.opened(), scene.opened());
    scene.clock.advance(TimeDelta::days(15));
    let mut other = scene.db.superuser();
    other.batch_execute(&format!("BEGIN; SELECT FROM conversations WHERE id = '{busy}' FOR UPDATE")).unwrap();
    assert_eq!(scene.resolved(), 1);
    other.batch_execute("ROLLBACK").unwrap();
    assert_eq!((scene.status(busy), scene.status(idle)), (ConversationStatus::Active, ConversationStatus::Resolved));
}
