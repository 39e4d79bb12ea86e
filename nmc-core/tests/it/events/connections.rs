//! What is recorded of streams.

use crate::support::Scene;
use chrono::TimeDelta;
use nmc_core::events::{
    CONNECTIONS_KEPT, ConnectionLog, ConnectionMetricFilter, NewConnectionMetric, NewWebsocketEvent, WebsocketEventFilter,
    delete_old_connections,
};
use nmc_core::testing::wait_until;
use nmc_core::{ConnectionMetricName, PageRequest, UserId, WebsocketEventType};
use serde_json::json;
use std::time::{Duration, Instant};
use uuid::Uuid;

fn entry(user: Option<UserId>, event_type: WebsocketEventType) -> NewWebsocketEvent {
    NewWebsocketEvent {
        user_id: user,
        socket_id: Uuid::now_v7(),
        event_type,
        event_data: json!({ "room": "tenant" }),
        ip_address: Some("::ffff:192.0.2.1".parse().unwrap()),
        user_agent: Some("x".repeat(2_000)),
    }
}

const SENT: NewConnectionMetric = NewConnectionMetric { metric_name: ConnectionMetricName::EventsSent, metric_value: 7 };

impl Scene {
    /// How many entries and figures there are.
    fn recorded(&self) -> (i64, usize) {
        self.tx(|tx| {
            let metrics = tx.connection_metrics().list(&ConnectionMetricFilter::default(), PageRequest::first())?.items;
            Ok((tx.websocket_events().count(&WebsocketEventFilter::default())?, metrics.len()))
        })
        .unwrap()
    }
}

#[test]
fn log_is_written_in_batches_and_all_of_it_by_the_end() {
    let scene = Scene::new();
    let log = ConnectionLog::start(&scene.db.store).unwrap();
    for _ in 0..700 {
        log.event(&scene.business.tenant, entry(Some(scene.staff), WebsocketEventType::Connect));
    }
    log.metric(&scene.business.tenant, SENT);
    drop(log);
    assert_eq!(scene.recorded(), (700, 1));
    let row = scene
        .tx(|tx| tx.websocket_events().list(&WebsocketEventFilter::default(), PageRequest::first()))
        .unwrap()
        .items
        .remove(0);
    assert_eq!((row.user_agent.map(|text| text.len()), row.ip_address), (Some(1_000), Some("192.0.2.1".parse().unwrap())));
}

#[test]
fn entry_of_a_deleted_user_costs_no_other_entry() {
    let scene = Scene::new();
    let log = ConnectionLog::start(&scene.db.store).unwrap();
    let deleted = UserId::new(Uuid::now_v7());
    for user in [Some(scene.staff), Some(deleted), None] {
        log.event(&scene.business.tenant, entry(user, WebsocketEventType::Disconnect));
    }
    log.metric(&scene.business.tenant, SENT);
    drop(log);
    assert_eq!(scene.recorded(), (2, 1));
}

#[test]
fn log_that_cannot_be_written_keeps_nobody_waiting() {
    let scene = Scene::new();
    let log = ConnectionLog::start(&scene.db.store).unwrap();
    let send = |count: usize| {
        (0..count).for_each(|_| log.event(&scene.business.tenant, entry(None, WebsocketEventType::Connect)));
    };
    let mut blockade = scene.db.block("websocket_events");
    send(500);
    blockade.wait_for_blocked(1);
    send(5_000);
    drop(blockade);
    wait_until("what found room is written", || scene.recorded().0 == 500 + 4_096);
    let _outage = scene.db.take_down();
    send(2_000);
    let since = Instant::now();
    drop(log);
    assert!(since.elapsed() < Duration::from_secs(15), "{:?}", since.elapsed());
}

#[test]
fn log_is_found_by_each_filter_and_kept_for_its_time() {
    let scene = Scene::new();
    let start = scene.db.store.now();
    let entries = [
        (Some(scene.staff), WebsocketEventType::Connect),
        (None, WebsocketEventType::Connect),
        (None, WebsocketEventType::JoinRoom),
    ];
    for (user, kind) in entries {
        scene
            .tx(|tx| {
                tx.websocket_events().append(&[entry(user, kind)])?;
                tx.connection_metrics().append(&[SENT])
            })
            .unwrap();
        scene.clock.advance(TimeDelta::minutes(1));
    }
    let all = WebsocketEventFilter::default();
    let later = Some(start + TimeDelta::minutes(1));
    for (filter, expected) in [
        (all.clone(), 3),
        (WebsocketEventFilter { event_type: Some(WebsocketEventType::Connect), ..all.clone() }, 2),
        (WebsocketEventFilter { user: Some(scene.staff), ..all.clone() }, 1),
        (WebsocketEventFilter { from: later, ..all.clone() }, 2),
        (WebsocketEventFilter { until: later, ..all }, 1),
    ] {
        let found = scene.tx(|tx| {
            let listed = tx.websocket_events().list(&filter, PageRequest::first())?.items;
            Ok((listed.len(), tx.websocket_events().count(&filter)?))
        });
        assert_eq!(found.unwrap(), (expected, i64::try_from(expected).unwrap()), "{filter:?}");
    }
    let all = ConnectionMetricFilter::default();
    for (filter, expected) in [
        (all.clone(), 3),
        (ConnectionMetricFilter { metric_name: Some(ConnectionMetricName::ConnectionDuration), ..all.clone() }, 0),
        (ConnectionMetricFilter { metric_name: Some(ConnectionMetricName::EventsSent), ..all.clone() }, 3),
        (ConnectionMetricFilter { from: later, ..all.clone() }, 2),
        (ConnectionMetricFilter { until: later, ..all }, 1),
    ] {
        let found = scene.tx(|tx| tx.connection_metrics().list(&filter, PageRequest::first())).unwrap().items;
        assert_eq!(found.len(), expected, "{filter:?}");
    }
    // The first of three is too old a moment after its time, and then all are.
    let delete = || delete_old_connections(&scene.db.store, 100).unwrap();
    assert_eq!(delete(), 0);
    scene.clock.advance(CONNECTIONS_KEPT - TimeDelta::minutes(3));
    assert_eq!((delete(), scene.recorded()), (0, (3, 3)), "to the minute");
    scene.clock.advance(TimeDelta::seconds(1));
    assert_eq!((delete(), scene.recorded()), (2, (2, 2)));
    scene.clock.advance(TimeDelta::days(1));
    assert_eq!(
        (delete_old_connections(&scene.db.store, 3).unwrap(), scene.recorded()),
        (3, (0, 1)),
        "no more at once than it may"
    );
    assert_eq!((delete(), scene.recorded()), (1, (0, 0)));
}
