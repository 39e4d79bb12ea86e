//! Routes of what changes, as it changes.

use crate::api::{Access, Api};
use crate::routes::v1::{events, op, socket};
use nmc_core::access::Permission;

/// The routes of this area.
#[rustfmt::skip] // a table
pub(super) fn routes(api: &mut Api<'_>) {
    use Access::Needs;
    use Permission::*;

    api.path("events", "/v1/events", |r| {
        r.get(op("listEvents", "What has changed, in order: a page, or a stream that goes on", Needs(EventsRead)), events::list);
    });
    api.path("events", "/v1/socket", |r| {
        r.socket(op("openSocket", "What changes, and who is about to answer a customer, over a WebSocket", Needs(EventsRead)), socket::open);
    });
}
