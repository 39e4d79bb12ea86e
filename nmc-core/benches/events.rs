//! From the commit of a change to the listener that hears of it: in the process that commits, and in another; and what a transaction pays
//! for the event. The server is the test kit's, which does not wait for the disk.
//!
//! `cargo bench -p nmc-core --bench events`

#![expect(
    clippy::expect_used,
    clippy::print_stdout,
    reason = "a benchmark that can't run has nothing better to do, and this one prints"
)]

use nmc_core::events::{Delivery, Hub, StreamEvent, Subscription};
use nmc_core::testing::{Business, TestDb};
use nmc_core::{Secret, Store, StoreConfig, StreamEventKind as Kind};
use std::time::{Duration, Instant};
use uuid::Uuid;

const SAMPLES: usize = 1_000;

/// Of another process, which takes up to a quarter of a second each.
const FEW: usize = 100;

fn main() {
    let db = TestDb::new();
    let business = Business::onboard(&db.store, "Joe's Plumbing");
    let other = Store::connect(StoreConfig::new(Secret::new(db.url()))).expect("a second store");
    let hub = Hub::start(&db.store).expect("a hub");
    let mut subscription = hub.subscribe(&business.tenant, None).expect("a subscription");
    assert_eq!(subscription.next(Duration::ZERO).expect("nothing yet"), None);

    let told = |store: &Store| {
        store
            .tenant(&business.tenant, |tx| {
                tx.note(Kind::CallUpdated, Uuid::now_v7());
                Ok(())
            })
            .expect("a commit")
    };
    let silent = |store: &Store| store.tenant(&business.tenant, |_| Ok(())).expect("a commit");
    let timed = |work: &dyn Fn(&Store)| {
        let sample = |_| {
            let begun = Instant::now();
            work(&db.store);
            begun.elapsed()
        };
        (0..SAMPLES).map(sample).collect::<Vec<_>>()
    };
    print("a transaction that changes nothing", timed(&silent));
    print("a transaction with one event, the hub listening", timed(&told));
    for _ in 0..SAMPLES {
        heard(&mut subscription);
    }

    let mut until_heard = |store: &Store, samples: usize| {
        let sample = |n: usize| {
            // Not in step with the look for others' commits.
            std::thread::sleep(Duration::from_millis(u64::try_from(n * 37 % 250).expect("a few") * u64::from(samples == FEW)));
            told(store);
            let committed = Instant::now();
            heard(&mut subscription);
            committed.elapsed()
        };
        (0..samples).map(sample).collect::<Vec<_>>()
    };
    let own = until_heard(&db.store, SAMPLES);
    let others = until_heard(&other, FEW);
    print("commit to listener, same process", own);
    print("commit to listener, another process", others);
}

fn heard(subscription: &mut Subscription<'_>) -> StreamEvent {
    let delivery = subscription.next(Duration::from_secs(10)).expect("the database");
    let event = if let Some(Delivery::Event(event)) = delivery { Some(event) } else { None };
    event.expect("an event in time")
}

fn print(what: &str, mut times: Vec<Duration>) {
    times.sort();
    let at = |percent: usize| times.get(times.len() * percent / 100).copied().unwrap_or_default();
    println!("{what}: p50 {:?}, p99 {:?} of {}", at(50), at(99), times.len());
}
