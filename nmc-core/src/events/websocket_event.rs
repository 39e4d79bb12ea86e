//! The log of streams (table `websocket_events`): who was connected, and what became of it. Append-only.

use crate::page::{Cursor, Page, PageRequest, keyset};
use crate::queue::after;
use crate::schema::websocket_events as events;
use crate::store::{Scope, SystemTx, Tenant, TenantTx};
use crate::types::{Host, clip, host, json, optional};
use crate::{Result, TenantId, UserId, WebsocketEventId, WebsocketEventType};
use chrono::{DateTime, Utc};
use diesel::pg::Pg;
use diesel::prelude::*;
use std::net::IpAddr;
use uuid::Uuid;

/// One entry of the log.
#[derive(Debug, Clone, PartialEq, HasQuery)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[cfg_attr(not(feature = "testing"), non_exhaustive)]
#[diesel(table_name = events, check_for_backend(Pg))]
#[expect(missing_docs, reason = "the columns are documented in the schema")]
pub struct WebsocketEvent {
    pub id: WebsocketEventId,
    pub tenant_id: TenantId,
    pub user_id: Option<UserId>,
    pub socket_id: Uuid,
    pub event_type: WebsocketEventType,
    pub event_data: serde_json::Value,
    #[diesel(deserialize_as = Host)]
    pub ip_address: Option<IpAddr>,
    pub user_agent: Option<String>,
    pub created_at: DateTime<Utc>,
}

/// An entry to append.
#[derive(Debug, Clone)]
pub struct NewWebsocketEvent {
    /// Whose stream it is; `None`: an API key's.
    pub user_id: Option<UserId>,
    /// The stream, from its beginning to its end.
    pub socket_id: Uuid,
    /// What happened.
    pub event_type: WebsocketEventType,
    /// Details: a JSON object.
    pub event_data: serde_json::Value,
    /// Where the client is.
    pub ip_address: Option<IpAddr>,
    /// What the client says of itself, of which 1,000 characters are kept.
    pub user_agent: Option<String>,
}

/// Which entries. Empty means all.
#[derive(Debug, Clone, Default)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct WebsocketEventFilter {
    /// Of this kind.
    pub event_type: Option<WebsocketEventType>,
    /// Of this user's streams.
    pub user: Option<UserId>,
    /// Written at or after.
    pub from: Option<DateTime<Utc>>,
    /// Written before.
    pub until: Option<DateTime<Utc>>,
}

fn filtered<'q, ST>(mut query: events::BoxedQuery<'q, Pg, ST>, filter: &WebsocketEventFilter) -> events::BoxedQuery<'q, Pg, ST> {
    if let Some(kind) = filter.event_type {
        query = query.filter(events::event_type.eq(kind));
    }
    if let Some(user) = filter.user {
        query = query.filter(events::user_id.eq(user));
    }
    if let Some(from) = filter.from {
        query = query.filter(events::created_at.ge(from));
    }
    if let Some(until) = filter.until {
        query = query.filter(events::created_at.lt(until));
    }
    query
}

/// The log of a tenant's streams.
pub struct WebsocketEvents<'a>(pub(super) Scope<'a>);

impl TenantTx<'_> {
    /// The log of the tenant's streams, which is empty unless it is [kept](super::ConnectionLog).
    pub const fn websocket_events(&mut self) -> WebsocketEvents<'_> {
        WebsocketEvents(self.0.reborrow())
    }
}

impl WebsocketEvents<'_> {
    /// Appends entries, in one statement.
    ///
    /// # Errors
    /// [`crate::Error::Invalid`] when details are no object, or a user does not exist.
    pub fn append(&mut self, new: &[NewWebsocketEvent]) -> Result<()> {
        let row = |new: &NewWebsocketEvent| {
            json::object("event_data", &new.event_data)?;
            // What a client says of itself is cut: it costs nobody the entry.
            let user_agent = clip(new.user_agent.as_deref(), 1_000);
            Ok((
                events::id.eq(WebsocketEventId::new(self.0.moment.id())),
                events::tenant_id.eq(self.0.tenant),
                events::user_id.eq(new.user_id),
                events::socket_id.eq(new.socket_id),
                events::event_type.eq(new.event_type),
                events::event_data.eq(new.event_data.clone()),
                events::ip_address.eq(new.ip_address.map(host)),
                events::user_agent.eq(optional("user_agent", user_agent.as_deref(), 1_000)?),
                events::created_at.eq(self.0.now()),
            ))
        };
        let rows = new.iter().map(row).collect::<Result<Vec<_>>>()?;
        diesel::insert_into(events::table).values(rows).execute(self.0.conn)?;
        Ok(())
    }

    /// A page of the log, newest first.
    ///
    /// # Errors
    /// [`crate::Error::Unavailable`] or [`crate::Error::Internal`].
    pub fn list(&mut self, filter: &WebsocketEventFilter, page: PageRequest) -> Result<Page<WebsocketEvent>> {
        let query = filtered(WebsocketEvent::query().filter(events::tenant_id.eq(self.0.tenant)).into_boxed(), filter);
        let rows = keyset(query, page, events::created_at, events::id).load(self.0.conn)?;
        Ok(Page::from_rows(rows, page, |row: &WebsocketEvent| Cursor { at: row.created_at, id: row.id.uuid() }))
    }

    /// How many entries the log has.
    ///
    /// # Errors
    /// As [`Self::list`].
    pub fn count(&mut self, filter: &WebsocketEventFilter) -> Result<i64> {
        let query = events::table.filter(events::tenant_id.eq(self.0.tenant)).count();
        Ok(filtered(query.into_boxed(), filter).get_result(self.0.conn)?)
    }

    /// Deletes the oldest that are older than this, up to so many.
    pub(super) fn delete_before(&mut self, before: DateTime<Utc>, at_most: usize) -> Result<usize> {
        let of_tenant = events::table.filter(events::tenant_id.eq(self.0.tenant));
        let old = of_tenant
            .filter(events::created_at.lt(before))
            .order((events::created_at, events::id))
            .limit(i64::try_from(at_most).map_err(crate::Error::internal)?)
            .select(events::id);
        let old: Vec<WebsocketEventId> = old.load(self.0.conn)?;
        Ok(diesel::delete(of_tenant.filter(events::id.eq_any(old))).execute(self.0.conn)?)
    }
}

impl SystemTx<'_> {
    /// The tenants that have any, whose ids come after the one given.
    pub(super) fn tenants_with_websocket_events(&mut self, last: Option<TenantId>, limit: u16) -> Result<Vec<Tenant>> {
        let (mut last, mut found) = (after(last), Vec::new());
        // Each by one entry of the key: of one tenant there may be very many.
        while found.len() < usize::from(limit) {
            let next = events::table.filter(events::tenant_id.gt(last)).order(events::tenant_id).select(events::tenant_id);
            let Some(next) = next.first::<TenantId>(self.conn).optional()? else { break };
            found.push(Tenant::proven(next));
            last = next;
        }
        Ok(found)
    }
}
