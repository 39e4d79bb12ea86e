//! Listening to streams as they grow.

use super::{new_call, now};
use nmc_core::events::{Delivery, Hub, StreamCursor, Subscription};
use nmc_core::testing::{Business, TestDb};
use nmc_core::{Error, Secret, Store, StoreConfig, StreamEventKind as Kind};
use std::collections::BTreeSet;
use std::time::{Duration, Instant};
use uuid::Uuid;

/// Longer than anything takes.
const SOON: Duration = Duration::from_secs(20);

/// Long enough for what must not come, since what other processes do is looked for every 250 ms.
const A_WHILE: Duration = Duration::from_millis(700);

fn other_process(db: &TestDb) -> Store {
    Store::connect(StoreConfig::new(Secret::new(db.url()))).unwrap()
}

fn create(store: &Store, business: &Business) -> Uuid {
    store.tenant(&business.tenant, |tx| tx.calls().create(&new_call(business))).unwrap().id.uuid()
}

/// The number and the subject of the next event.
#[track_caller]
fn event(subscription: &mut Subscription<'_>) -> (i64, Uuid) {
    let delivery = subscription.next(SOON).unwrap();
    let Some(Delivery::Event(event)) = delivery else { panic!("an event, not {delivery:?}") };
    assert_eq!(event.cursor, subscription.cursor());
    (event.cursor.seq(), event.subject.unwrap())
}

#[test]
fn readers_that_come_and_go_hear_all_once_and_in_order() {
    const EACH: usize = 25;
    let db = TestDb::new();
    let (busy, rival) = (Business::onboard(&db.store, "Busy"), Business::onboard(&db.store, "Rival"));
    let other = other_process(&db);
    let (hub, start) = (Hub::start(&db.store).unwrap(), now(&db.store, &busy));
    let write = |store: &Store| (0..EACH).map(|_| (create(store, &rival), create(store, &busy)).1).collect::<Vec<_>>();
    // Each reader leaves after so many events, and comes back with its cursor.
    let listen = |stays: usize| {
        let (mut heard, mut cursor) = (Vec::new(), start);
        while heard.len() < 4 * EACH {
            let mut subscription = hub.subscribe(&busy.tenant, Some(cursor)).unwrap();
            heard.extend((0..stays.min(4 * EACH - heard.len())).map(|_| event(&mut subscription)));
            cursor = subscription.cursor();
        }
        heard
    };
    let (written, heard) = std::thread::scope(|threads| {
        let readers: Vec<_> = [1, 7, 1_000].map(|stays| threads.spawn(move || listen(stays))).into_iter().collect();
        let writers: Vec<_> = [&db.store, &other, &db.store, &other].map(|store| threads.spawn(move || write(store))).into();
        let written: BTreeSet<Uuid> = writers.into_iter().flat_map(|writer| writer.join().unwrap()).collect();
        (written, readers.into_iter().map(|reader| reader.join().unwrap()).collect::<Vec<_>>())
    });
    let numbers: Vec<i64> = (start.seq() + 1..).take(4 * EACH).collect();
    for heard in &heard {
        assert_eq!(heard.iter().map(|(seq, _)| *seq).collect::<Vec<_>>(), numbers);
        assert_eq!(heard.iter().map(|(_, subject)| *subject).collect::<BTreeSet<_>>(), written, "its own, and all of it");
    }
}

#[test]
fn listeners_hold_no_connection_and_nothing_of_others_comes() {
    let db = TestDb::with(|config| config.pool_size = 1);
    let (own, foreign) = (Business::onboard(&db.store, "Own"), Business::onboard(&db.store, "Foreign"));
    let hub = Hub::start(&db.store).unwrap();
    let mut all: Vec<_> = (0..100).map(|_| hub.subscribe(&own.tenant, None).unwrap()).collect();
    for subscription in &mut all {
        assert_eq!(subscription.next(Duration::ZERO).unwrap(), None, "live");
    }
    create(&db.store, &foreign);
    assert_eq!(all[0].next(A_WHILE).unwrap(), None);
    let begun = Instant::now();
    let call = create(&db.store, &own);
    for subscription in &mut all {
        assert_eq!(event(subscription).1, call);
    }
    assert!(begun.elapsed() < SOON / 2, "{:?}", begun.elapsed());
}

#[test]
fn reader_that_falls_behind_misses_nothing() {
    let db = TestDb::new();
    let business = Business::onboard(&db.store, "Busy");
    let hub = Hub::start(&db.store).unwrap();
    let mut slow = hub.subscribe(&business.tenant, None).unwrap();
    assert_eq!(slow.next(Duration::ZERO).unwrap(), None, "live");
    let start = slow.cursor();
    // More than is kept for it.
    for _ in 0..15 {
        let many = |tx: &mut nmc_core::TenantTx<'_>| {
            (0..100).for_each(|_| tx.note(Kind::CallUpdated, Uuid::now_v7()));
            Ok(())
        };
        db.store.tenant(&business.tenant, many).unwrap();
    }
    let numbers: Vec<i64> = (0..1_500).map(|_| event(&mut slow).0).collect();
    assert_eq!(numbers, (start.seq() + 1..).take(1_500).collect::<Vec<_>>());
    assert_eq!(slow.next(Duration::ZERO).unwrap(), None);
    let call = create(&db.store, &business);
    assert_eq!(event(&mut slow).1, call, "live again");
}

#[test]
fn outage_of_the_database_leaves_no_gap() {
    let db = TestDb::with(|config| config.pool_timeout = Duration::from_millis(200));
    let business = Business::onboard(&db.store, "Busy");
    let hub = Hub::start(&db.store).unwrap();
    let mut subscription = hub.subscribe(&business.tenant, None).unwrap();
    let before = create(&db.store, &business);
    assert_eq!(event(&mut subscription).1, before);
    assert_eq!(subscription.next(Duration::ZERO).unwrap(), None, "live");
    let outage = db.take_down();
    assert_eq!(subscription.next(A_WHILE).unwrap(), None, "who is live waits");
    let fresh = hub.subscribe(&business.tenant, None).err();
    assert!(matches!(fresh, Some(Error::Unavailable { .. })), "{fresh:?}");
    drop(outage);
    let after = [0; 3].map(|_| create(&db.store, &business));
    assert_eq!(after.map(|_| event(&mut subscription).1), after);
}

#[test]
fn live_reader_is_reset_by_another_counting() {
    let db = TestDb::new();
    let business = Business::onboard(&db.store, "Busy");
    let hub = Hub::start(&db.store).unwrap();
    let mut subscription = hub.subscribe(&business.tenant, None).unwrap();
    assert_eq!(subscription.next(Duration::ZERO).unwrap(), None, "live");
    db.execute("UPDATE tenant_streams SET epoch = gen_random_uuid()");
    let head = now(&db.store, &business);
    assert_eq!(subscription.next(SOON).unwrap(), Some(Delivery::Reset(head)));
    let call = create(&db.store, &business);
    assert_eq!(event(&mut subscription), (head.seq() + 1, call));
    // One that comes with a cursor of before.
    let mut old = hub.subscribe(&business.tenant, Some(StreamCursor::START)).unwrap();
    assert_eq!(event(&mut old).0, 1, "the beginning is of every counting");
}
