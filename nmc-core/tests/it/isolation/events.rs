//! What a hostile tenant hears of streams.

use super::{Ask, told};
use nmc_core::events::{ConnectionMetricFilter, NewConnectionMetric, NewWebsocketEvent, StreamCursor, WebsocketEventFilter};
use nmc_core::{ConnectionMetricName, PageRequest, WebsocketEventType};

#[rustfmt::skip] // a table
pub(super) const MATRIX: &[(&str, Ask)] = &[
    ("StreamEvents::list", |tx, _, _| told(tx.stream_events().list(Some(StreamCursor::START), 1_000)?.events.len())),
    ("WebsocketEvents::append", |tx, own, _| {
        told(tx.websocket_events().append(&[connect_of(own.user)])?)
    }),
    ("WebsocketEvents::append of their user", |tx, _, theirs| told(tx.websocket_events().append(&[connect_of(theirs.user)])?)),
    ("WebsocketEvents::list", |tx, _, theirs| {
        let filter = WebsocketEventFilter { user: Some(theirs.user), ..WebsocketEventFilter::default() };
        told(tx.websocket_events().list(&filter, PageRequest::first())?.items)
    }),
    ("WebsocketEvents::count", |tx, _, theirs| {
        told(tx.websocket_events().count(&WebsocketEventFilter { user: Some(theirs.user), ..WebsocketEventFilter::default() })?)
    }),
    ("ConnectionMetrics::append", |tx, _, _| {
        let new = NewConnectionMetric { metric_name: ConnectionMetricName::EventsSent, metric_value: 1 };
        told(tx.connection_metrics().append(&[new])?)
    }),
    ("ConnectionMetrics::list", |tx, _, _| {
        let values = tx.connection_metrics().list(&ConnectionMetricFilter::default(), PageRequest::first())?.items;
        told(values.len())
    }),
    ("StreamEvents::list of now", |tx, _, _| told(tx.stream_events().list(None, 1)?.cursor.seq())),
];

fn connect_of(user: nmc_core::UserId) -> NewWebsocketEvent {
    NewWebsocketEvent {
        user_id: Some(user),
        socket_id: uuid::Uuid::now_v7(),
        event_type: WebsocketEventType::Connect,
        event_data: serde_json::json!({}),
        ip_address: None,
        user_agent: None,
    }
}
