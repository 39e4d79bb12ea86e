//! The stream of a business: what has changed, numbered in the order of the commits, for whoever shows it live.
//!
//! Repositories note what they write, and the store appends the events in the batch that commits the transaction: an event is there
//! exactly when its change is. An event says which row has changed and nothing of what is in it; whoever hears it reads the row, as
//! whoever they are. A reader keeps a [`StreamCursor`] and gets everything after it, in order, once; a cursor that can't be
//! gone on from (it is older than what is kept, or from before a restore) is answered with a reset, and never with silence.
//!
//! [`Store::events`](crate::Store::events) reads a page; a [`Hub`] tells as many listeners as a process has of what comes, with one
//! thread and no connection of their own. A [`ConnectionLog`] keeps who was connected, where an operator wants it.

mod connection_log;
mod connection_metric;
mod connection_retention;
mod cursor;
mod hub;
mod listeners;
mod retention;
mod stream;
mod subscription;
mod websocket_event;

pub use connection_log::ConnectionLog;
pub use connection_metric::{ConnectionMetric, ConnectionMetricFilter, ConnectionMetrics, NewConnectionMetric};
pub use connection_retention::{CONNECTIONS_KEPT, delete_old_connections};
pub use cursor::StreamCursor;
pub use hub::Hub;
pub use listeners::{Delivery, Listening, Sink};
pub use retention::{RETENTION, delete_old_events};
pub use stream::{StreamEvent, StreamEvents, StreamPage};
pub use subscription::Subscription;
pub use websocket_event::{NewWebsocketEvent, WebsocketEvent, WebsocketEventFilter, WebsocketEvents};
