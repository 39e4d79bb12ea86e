//! The stream of a business: what is in it, in which order, and how it is read.

mod connections;
mod hub;
mod random_history;

use crate::support::{Scene, refused};
use chrono::TimeDelta;
use diesel::connection::SimpleConnection as _;
use nmc_core::calls::NewCall;
use nmc_core::conversations::NewConversation;
use nmc_core::events::{RETENTION, StreamCursor, StreamEvent, delete_old_events};
use nmc_core::people::NewProfile;
use nmc_core::testing::{Business, SmsForm, TestDb, unique_phone, unique_sid};
use nmc_core::workflows::receive_text;
use nmc_core::{
    CallDirection, CallerIdentity, ConversationChannel, Error, PhoneNumber, Result, Secret, Store, StoreConfig,
    StreamEventKind as Kind, TenantTx,
};
use std::collections::BTreeSet;
use uuid::Uuid;

/// All events after a cursor, read in pages of this length.
#[track_caller]
fn read_on(store: &Store, business: &Business, after: StreamCursor, page: u16) -> Vec<StreamEvent> {
    let (mut cursor, mut all) = (after, Vec::new());
    loop {
        let read = store.events(&business.tenant, Some(cursor), page).unwrap();
        assert!(!read.is_reset && read.events.len() <= usize::from(page));
        if read.events.is_empty() {
            assert_eq!(read.cursor, cursor);
            return all;
        }
        cursor = read.cursor;
        all.extend(read.events);
    }
}

fn now(store: &Store, business: &Business) -> StreamCursor {
    let page = store.events(&business.tenant, None, 1).unwrap();
    assert!(page.events.is_empty() && !page.is_reset);
    page.cursor
}

fn new_call(business: &Business) -> NewCall {
    let [caller, called] = [unique_phone(), business.number.clone()].map(CallerIdentity::Phone);
    NewCall::begun(CallDirection::Inbound, caller, called, unique_sid("CA"))
}

impl Scene {
    fn cursor(&self) -> StreamCursor {
        now(&self.db.store, &self.business)
    }

    /// What this does to the business's stream.
    fn told(&self, work: impl FnOnce()) -> Vec<(Kind, Option<Uuid>)> {
        let before = self.cursor();
        work();
        read_on(&self.db.store, &self.business, before, 3).into_iter().map(|event| (event.kind, event.subject)).collect()
    }

    fn open(&self, tx: &mut TenantTx<'_>) -> Result<Uuid> {
        let customer_phone = CallerIdentity::Phone(unique_phone());
        let new = NewConversation { customer_phone, channel: ConversationChannel::Web, subject: None, customer_name: None };
        tx.conversations().create(&new).map(|row| row.id.uuid())
    }
}

#[test]
fn missed_call_and_text_are_told_once_each() {
    let scene = Scene::new();
    let (store, business) = (&scene.db.store, &scene.business);
    let call = std::cell::Cell::new(None);
    let told = scene.told(|| call.set(Some(business.missed(store))));
    let row = scene.tx(|tx| tx.calls().get(call.get().unwrap())).unwrap();
    let conversation = row.conversation_id.unwrap();
    let greeting = business.messages(store, &nmc_core::conversations::MessageFilter::default()).remove(0);
    assert_eq!(
        told,
        [
            (Kind::CallCreated, Some(row.id.uuid())),
            (Kind::ConversationCreated, Some(conversation.uuid())),
            (Kind::MessageCreated, Some(greeting.id.uuid()))
        ]
    );
    let customer: PhoneNumber = row.caller_phone.phone().unwrap().clone();
    let stop = SmsForm::text(customer.as_str(), &business.number, "STOP").parse();
    let receives = || assert!(receive_text(store, &stop).is_ok());
    let told = scene.told(receives);
    let kinds: Vec<Kind> = told.iter().map(|(kind, _)| *kind).collect();
    // The greeting that was still queued is called off.
    assert_eq!(kinds, [Kind::ConversationUpdated, Kind::MessageCreated, Kind::ConsentRecorded, Kind::MessageUpdated]);
    assert_eq!((told[0].1, told[3].1), (Some(conversation.uuid()), Some(greeting.id.uuid())));
    assert_eq!(scene.told(receives), [], "a text that comes twice");
}

#[test]
fn stream_grows_in_the_round_trip_that_commits() {
    let scene = Scene::new();
    let tenant = scene.business.tenant;
    let trips = scene.db.round_trips(|store| {
        store.tenant(&tenant, |tx| tx.calls().create(&new_call(&scene.business))).unwrap();
    });
    let last = &trips.last().unwrap().sql;
    let expected = format!("SELECT public.nmc_append_events('{}', '{{call.created}}', '{{", tenant.id());
    assert!(trips.len() == 3 && last.starts_with(&expected) && last.ends_with("'); COMMIT"), "{last}");
    let reads = scene.db.round_trips(|store| drop(store.events(&tenant, None, 1).unwrap()));
    assert_eq!(reads.last().unwrap().sql, "SELECT 1; COMMIT", "who only reads appends nothing");
}

#[test]
fn events_are_there_exactly_when_their_change_is() {
    let scene = Scene::new();
    let failed = scene.told(|| {
        let failed = scene.tx(|tx| {
            scene.open(tx)?;
            Err::<(), _>(Error::Forbidden("on purpose"))
        });
        assert!(matches!(failed, Err(Error::Forbidden("on purpose"))));
    });
    assert_eq!(failed, [], "rolled back");
    // What was noted before it lost against another transaction is gone.
    let attempts = std::cell::Cell::new(0);
    let retried = scene.told(|| {
        scene
            .tx(|tx| {
                attempts.set(attempts.get() + 1);
                scene.open(tx)?;
                if attempts.get() < 3 {
                    tx.diesel(|conn, _| {
                        conn.batch_execute("DO $$ BEGIN RAISE EXCEPTION 'lost' USING ERRCODE = '40001'; END $$")
                    })?;
                }
                Ok(())
            })
            .unwrap();
    });
    assert_eq!((attempts.get(), retried.len(), retried[0].0), (3, 1, Kind::ConversationCreated));
    // A failure that the closure keeps to itself is one all the same.
    let swallowed = scene.told(|| {
        let swallowed = scene.tx(|tx| {
            scene.open(tx)?;
            drop(tx.tenants().set_onboarding(9, false));
            Ok(())
        });
        assert!(matches!(swallowed, Err(Error::Internal(_))), "{swallowed:?}");
    });
    assert_eq!(swallowed, []);
    // Refused by a key that is looked at when it commits, after the stream has grown.
    let nobody = nmc_core::UserId::new(Uuid::now_v7());
    let refused = scene.told(|| {
        let refused = scene.tx(|tx| {
            let id = nmc_core::ConversationId::new(scene.open(tx)?);
            tx.conversations().assign(id, Some(nobody))
        });
        assert!(matches!(refused, Err(Error::Invalid { .. })), "{refused:?}");
    });
    assert_eq!(refused, []);
}

#[test]
fn bulk_and_own_writes_are_told() {
    let scene = Scene::new();
    let calls: Vec<NewCall> = (0..250).map(|_| new_call(&scene.business)).collect();
    let load =
        || scene.db.store.load(&scene.business.tenant, calls.clone(), |tx, batch| tx.calls().import(batch), |_| {}).unwrap();
    assert_eq!(scene.told(|| assert_eq!(load().written, 250)), [(Kind::CallCreated, None)], "that there are many");
    assert_eq!(scene.told(|| assert_eq!(load().written, 0)), [], "none is new");
    let call = Uuid::now_v7();
    let noted = || {
        scene.tx(|tx| {
            tx.note(Kind::CallUpdated, call);
            Ok(())
        })
    };
    assert_eq!(scene.told(|| noted().unwrap()), [(Kind::CallUpdated, Some(call))]);
}

#[test]
fn presence_is_told_when_it_changes_and_not_per_heartbeat() {
    let scene = Scene::new();
    let user = scene.staff;
    let profile = NewProfile {
        user_id: user,
        first_name: "Ada".to_owned(),
        last_name: "Byron".to_owned(),
        display_name: None,
        phone_number: None,
        timezone: None,
    };
    scene.tx(|tx| tx.profiles().create(&profile)).unwrap();
    let heartbeat = || {
        scene.clock.advance(TimeDelta::seconds(30));
        scene.tx(|tx| tx.presences().heartbeat(user)).unwrap()
    };
    let changed = vec![(Kind::PresenceChanged, Some(user.uuid()))];
    assert_eq!(scene.told(|| drop(heartbeat())), changed, "came");
    assert_eq!(scene.told(|| drop((heartbeat(), heartbeat(), heartbeat()))), [], "is still here");
    assert_eq!(scene.told(|| drop(scene.tx(|tx| tx.presences().go_offline(user)).unwrap())), changed, "went");
    assert_eq!(scene.told(|| drop(scene.tx(|tx| tx.presences().go_offline(user)).unwrap())), [], "had gone");
    heartbeat();
    scene.clock.advance(TimeDelta::seconds(100));
    assert_eq!(scene.told(|| drop(heartbeat())), changed, "came back after silence");
}

#[test]
fn events_are_kept_for_seven_days_and_then_a_reader_is_reset() {
    let scene = Scene::new();
    let store = &scene.db.store;
    let quiet = Business::onboard(store, "Quiet");
    let (before, quiet_before) = (scene.cursor(), now(store, &quiet));
    let call = || scene.tx(|tx| tx.calls().create(&new_call(&scene.business))).unwrap();
    (0..3).for_each(|_| drop(call()));
    let later = scene.cursor();
    scene.clock.advance(RETENTION);
    call();
    assert_eq!(delete_old_events(store, 100).unwrap(), 0, "to the day");
    scene.clock.advance(TimeDelta::microseconds(1));
    assert_eq!(delete_old_events(store, 2).unwrap(), 2, "no more than asked for");
    let all = delete_old_events(store, 100).unwrap();
    assert!(all >= 3 && delete_old_events(store, 100).unwrap() == 0, "{all}");
    let page = |after| store.events(&scene.business.tenant, Some(after), 10).unwrap();
    let (gone, kept) = (page(before), page(later));
    assert_eq!((gone.is_reset, gone.events.len(), gone.cursor), (true, 0, scene.cursor()));
    assert_eq!((kept.is_reset, kept.events.len(), kept.cursor), (false, 1, scene.cursor()));
    let quiet_now = store.events(&quiet.tenant, Some(quiet_before), 10).unwrap();
    assert_eq!((quiet_now.is_reset, quiet_now.cursor), (false, quiet_before), "nothing has happened since");
    assert!(store.events(&quiet.tenant, Some(StreamCursor::START), 10).unwrap().is_reset);
}

#[test]
fn cursor_of_another_counting_or_beyond_is_reset() {
    let scene = Scene::new();
    let store = &scene.db.store;
    let old = scene.cursor();
    let page = |after: &str| store.events(&scene.business.tenant, Some(after.parse().unwrap()), 10).unwrap();
    let beyond = page(&old.to_string().replace(&format!(":{}", old.seq()), ":9000"));
    assert_eq!((beyond.is_reset, beyond.cursor), (true, old));
    scene.db.execute("UPDATE tenant_streams SET epoch = gen_random_uuid()");
    let restored = page(&old.to_string());
    assert!(restored.is_reset && restored.cursor != old && restored.cursor.seq() == old.seq());
    assert!(!page(&restored.cursor.to_string()).is_reset);
    // Before anything has happened there is a cursor, too.
    let (fresh, _) = nmc_core::workflows::onboard(
        store,
        &nmc_core::tenants::NewTenant { business_name: "Fresh".to_owned(), ..nmc_core::tenants::NewTenant::default() },
    )
    .unwrap();
    let start = store.events(&fresh, None, 1).unwrap().cursor;
    assert_eq!(start, StreamCursor::START);
    let note = |tx: &mut TenantTx<'_>| {
        tx.note(Kind::CallCreated, Uuid::now_v7());
        Ok(())
    };
    store.tenant(&fresh, note).unwrap();
    assert_eq!(store.events(&fresh, Some(start), 10).unwrap().events.len(), 1);
    for limit in [0, 1_001] {
        assert_eq!(refused(store.events(&fresh, None, limit)).0, "limit");
    }
}

/// Eight writers over two stores, as in two processes; one reader that polls.
#[test]
fn concurrent_writers_leave_no_gap_and_no_double() {
    const EACH: usize = 30;
    let db = TestDb::new();
    let business = Business::onboard(&db.store, "Busy");
    let second = Store::connect(StoreConfig::new(Secret::new(db.url()))).unwrap();
    let start = now(&db.store, &business);
    let write = |store: &Store| -> Vec<Uuid> {
        let create = |_| store.tenant(&business.tenant, |tx| tx.calls().create(&new_call(&business))).unwrap().id.uuid();
        (0..EACH).map(create).collect()
    };
    let (written, read) = std::thread::scope(|threads| {
        let writers: Vec<_> = (0..8)
            .map(|at| if at % 2 == 0 { &db.store } else { &second })
            .map(|store| threads.spawn(move || write(store)))
            .collect();
        let (mut cursor, mut read) = (start, Vec::new());
        while read.len() < 8 * EACH {
            let page = second.events(&business.tenant, Some(cursor), 7).unwrap();
            assert!(!page.is_reset);
            cursor = page.cursor;
            read.extend(page.events);
        }
        let written: Vec<Uuid> = writers.into_iter().flat_map(|writer| writer.join().unwrap()).collect();
        (written, read)
    });
    let numbers: Vec<i64> = read.iter().map(|event| event.cursor.seq()).collect();
    let expected: Vec<i64> = (start.seq() + 1..).take(8 * EACH).collect();
    assert_eq!(numbers, expected);
    let subjects: BTreeSet<Uuid> = read.iter().filter_map(|event| event.subject).collect();
    assert_eq!(subjects, written.into_iter().collect(), "every call, once");
    assert_eq!(subjects.len(), 8 * EACH);
}
