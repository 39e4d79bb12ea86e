//! What is recorded of streams, where an operator wants it.

use super::{End, Listener, Streams};
use nmc_core::events::{NewConnectionMetric, NewWebsocketEvent};
use nmc_core::{ConnectionMetricName, Tenant, UserId, WebsocketEventType};
use serde_json::{Value, json};
use std::cell::Cell;
use std::collections::HashMap;
use std::sync::Arc;
use std::time::Instant;
use uuid::Uuid;

/// What is recorded of one stream, from its beginning to its end.
pub(super) struct Record {
    streams: Arc<Streams>,
    tenant: Tenant,
    user: Option<UserId>,
    socket: Uuid,
    since: Instant,
    sent: Cell<i32>,
}

impl Record {
    /// Records that a stream begins.
    pub(super) fn begin(streams: &Arc<Streams>, listener: &Listener, transport: &'static str) -> Self {
        let (tenant, user) = (listener.tenant, listener.user);
        let record = Self {
            streams: Arc::clone(streams),
            tenant,
            user,
            socket: Uuid::now_v7(),
            since: Instant::now(),
            sent: Cell::new(0),
        };
        let from = &listener.source.origin;
        record.write(WebsocketEventType::Connect, |new| NewWebsocketEvent {
            event_data: json!({ "transport": transport }),
            ip_address: from.ip_address,
            user_agent: from.user_agent.clone(),
            ..new
        });
        record
    }

    /// An event was sent.
    pub(super) fn sent(&self) {
        self.sent.set(self.sent.get().saturating_add(1));
    }

    /// Records what its client did in a room.
    pub(super) fn in_room(&self, event_type: WebsocketEventType, room: &str) {
        self.write(event_type, |new| NewWebsocketEvent { event_data: json!({ "room": room }), ..new });
    }

    /// Records that it has ended.
    pub(super) fn end(&self, end: End) {
        let Some(log) = &self.streams.log else { return };
        let seconds = i32::try_from(self.since.elapsed().as_secs()).unwrap_or(i32::MAX);
        let data = json!({ "reason": end.label(), "seconds": seconds, "events": self.sent.get() });
        self.write(WebsocketEventType::Disconnect, |new| NewWebsocketEvent { event_data: data, ..new });
        for (metric_name, metric_value) in
            [(ConnectionMetricName::ConnectionDuration, seconds), (ConnectionMetricName::EventsSent, self.sent.get())]
        {
            log.metric(&self.tenant, NewConnectionMetric { metric_name, metric_value });
        }
    }

    fn write(&self, event_type: WebsocketEventType, with: impl FnOnce(NewWebsocketEvent) -> NewWebsocketEvent) {
        let Some(log) = &self.streams.log else { return };
        let (user_id, socket_id) = (self.user, self.socket);
        let event_data = Value::Object(serde_json::Map::new());
        let new = NewWebsocketEvent { user_id, socket_id, event_type, event_data, ip_address: None, user_agent: None };
        log.event(&self.tenant, with(new));
    }
}

impl Streams {
    /// Records from time to time how many streams each business has.
    pub(crate) async fn measure(&self) {
        let Some(log) = &self.log else { return };
        loop {
            tokio::time::sleep(self.limits.measured_every).await;
            let mut of: HashMap<_, (Tenant, i32)> = HashMap::new();
            for open in self.open().all.values() {
                let (_, count) = of.entry(open.tenant.id()).or_insert((open.tenant, 0));
                *count = count.saturating_add(1);
            }
            for (tenant, metric_value) in of.into_values() {
                log.metric(
                    &tenant,
                    NewConnectionMetric { metric_name: ConnectionMetricName::ConcurrentConnections, metric_value },
                );
            }
        }
    }
}
