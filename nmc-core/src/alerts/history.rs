//! What happened to alerts. Append-only: the database refuses anything else, and only the verbs of
//! alerts and notifications append.

use crate::page::{Cursor, Page, PageRequest, keyset};
use crate::schema::alert_history as events;
use crate::store::{Scope, TenantTx};
use crate::{AlertEventId, AlertEventType, AlertId, AlertStatus, Result, StreamEventKind, TenantId, UserId};
use chrono::{DateTime, Utc};
use diesel::pg::Pg;
use diesel::prelude::*;

/// One entry of an alert's history.
#[derive(Debug, Clone, PartialEq, HasQuery)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[cfg_attr(not(feature = "testing"), non_exhaustive)]
#[diesel(table_name = events, check_for_backend(Pg))]
#[expect(missing_docs, reason = "the columns are documented in the schema")]
pub struct AlertEvent {
    pub id: AlertEventId,
    pub tenant_id: TenantId,
    pub alert_id: AlertId,
    pub event_type: AlertEventType,
    pub old_status: Option<AlertStatus>,
    pub new_status: Option<AlertStatus>,
    pub user_id: Option<UserId>,
    pub details: Option<serde_json::Value>,
    pub created_at: DateTime<Utc>,
}

/// An entry to append to an alert's history.
#[derive(Debug, Clone, Insertable)]
#[diesel(table_name = events, check_for_backend(Pg))]
pub(crate) struct NewAlertEvent {
    alert_id: AlertId,
    event_type: AlertEventType,
    old_status: Option<AlertStatus>,
    new_status: Option<AlertStatus>,
    details: Option<serde_json::Value>,
}

impl NewAlertEvent {
    /// An entry that says that something happened to an alert.
    pub(crate) const fn new(alert_id: AlertId, event_type: AlertEventType) -> Self {
        Self { alert_id, event_type, old_status: None, new_status: None, details: None }
    }

    /// The same entry, which moved the alert's status.
    pub(crate) const fn moving(mut self, from: Option<AlertStatus>, to: AlertStatus) -> Self {
        self.old_status = from;
        self.new_status = Some(to);
        self
    }

    /// The same entry, with these details: a JSON object.
    pub(crate) fn with(mut self, details: serde_json::Value) -> Self {
        self.details = Some(details);
        self
    }
}

/// A filter of the entries of alerts' histories. Empty means all.
#[derive(Debug, Clone, Default)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct AlertEventFilter {
    /// The type of the entries.
    pub event_type: Option<AlertEventType>,
    /// The user who caused the entries.
    pub user: Option<UserId>,
    /// The instant at or after which the entries were written.
    pub from: Option<DateTime<Utc>>,
    /// The instant before which the entries were written.
    pub until: Option<DateTime<Utc>>,
}

/// The history of a tenant's alerts.
pub struct AlertHistory<'a>(Scope<'a>);

impl TenantTx<'_> {
    /// The history of the tenant's alerts.
    pub const fn alert_history(&mut self) -> AlertHistory<'_> {
        AlertHistory(self.0.reborrow())
    }
}

fn filtered<'q, ST>(mut query: events::BoxedQuery<'q, Pg, ST>, filter: &AlertEventFilter) -> events::BoxedQuery<'q, Pg, ST> {
    if let Some(event_type) = filter.event_type {
        query = query.filter(events::event_type.eq(event_type));
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

impl AlertHistory<'_> {
    /// A page of an alert's history, newest first.
    ///
    /// # Errors
    /// [`crate::Error::Unavailable`] or [`crate::Error::Internal`].
    pub fn list(&mut self, alert: AlertId, filter: &AlertEventFilter, page: PageRequest) -> Result<Page<AlertEvent>> {
        let query = AlertEvent::query().filter(events::tenant_id.eq(self.0.tenant)).filter(events::alert_id.eq(alert));
        let rows = keyset(filtered(query.into_boxed(), filter), page, events::created_at, events::id).load(self.0.conn)?;
        Ok(Page::from_rows(rows, page, |row: &AlertEvent| Cursor { at: row.created_at, id: row.id.uuid() }))
    }

    /// How many entries an alert's history has.
    ///
    /// # Errors
    /// As [`Self::list`].
    pub fn count(&mut self, alert: AlertId, filter: &AlertEventFilter) -> Result<i64> {
        let query = events::table.filter(events::tenant_id.eq(self.0.tenant)).filter(events::alert_id.eq(alert)).count();
        Ok(filtered(query.into_boxed(), filter).get_result(self.0.conn)?)
    }

    /// Appends entries, in one statement. They name the user who acts in this transaction, if one does.
    pub(crate) fn append(&mut self, new: &[NewAlertEvent]) -> Result<()> {
        if new.is_empty() {
            return Ok(());
        }
        // Whatever is done to an alert has its entry here: its stream's event comes with it.
        new.iter().for_each(|event| self.0.note(StreamEventKind::AlertUpdated, event.alert_id.uuid()));
        let rows: Vec<_> = new
            .iter()
            .map(|event| {
                (
                    event,
                    events::id.eq(AlertEventId::new(self.0.moment.id())),
                    events::tenant_id.eq(self.0.tenant),
                    events::user_id.eq(self.0.user()),
                    events::created_at.eq(self.0.now()),
                )
            })
            .collect();
        diesel::insert_into(events::table).values(rows).execute(self.0.conn)?;
        Ok(())
    }
}
