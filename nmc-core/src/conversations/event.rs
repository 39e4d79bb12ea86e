//! The log of a conversation. Append-only: the database refuses anything else.

use crate::clock::Moment;
use crate::page::{Cursor, Page, PageRequest, keyset};
use crate::schema::conversation_events as events;
use crate::store::{Prepared, Scope, TenantTx};
use crate::types::json;
use crate::{CallId, ConversationEventId, ConversationEventType, ConversationId, Result, StreamEventKind, TenantId, UserId};
use chrono::{DateTime, Utc};
use diesel::dsl::sql;
use diesel::pg::Pg;
use diesel::prelude::*;
use diesel::sql_types::Bool;

/// One entry of a conversation's log.
#[derive(Debug, Clone, PartialEq, HasQuery)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[cfg_attr(not(feature = "testing"), non_exhaustive)]
#[diesel(table_name = events, check_for_backend(Pg))]
#[expect(missing_docs, reason = "the columns are documented in the schema")]
pub struct ConversationEvent {
    pub id: ConversationEventId,
    pub tenant_id: TenantId,
    pub conversation_id: ConversationId,
    pub call_id: Option<CallId>,
    pub event_type: ConversationEventType,
    pub event_data: serde_json::Value,
    pub created_by: Option<UserId>,
    pub created_at: DateTime<Utc>,
    pub client_key: Option<String>,
}

/// An entry to append to a conversation's log.
#[derive(Debug, Clone, Insertable)]
#[diesel(table_name = events, check_for_backend(Pg))]
pub struct NewConversationEvent {
    conversation_id: ConversationId,
    call_id: Option<CallId>,
    event_type: ConversationEventType,
    event_data: serde_json::Value,
    client_key: Option<String>,
}

impl NewConversationEvent {
    /// An entry that says that something happened in a conversation.
    #[must_use]
    pub fn new(conversation: ConversationId, event_type: ConversationEventType) -> Self {
        Self {
            conversation_id: conversation,
            call_id: None,
            event_type,
            event_data: serde_json::Value::Object(serde_json::Map::new()),
            client_key: None,
        }
    }

    /// The same entry, caused by this call.
    #[must_use]
    pub const fn of_call(mut self, call: CallId) -> Self {
        self.call_id = Some(call);
        self
    }

    /// The same entry, with these details: a JSON object.
    #[must_use]
    pub fn with(mut self, data: serde_json::Value) -> Self {
        self.event_data = data;
        self
    }

    /// The same entry, with the client's own id of it.
    pub(super) fn with_client_key(mut self, key: String) -> Self {
        self.client_key = Some(key);
        self
    }
}

/// Entries of one conversation about one call, by column.
#[derive(Debug, Default)]
pub(crate) struct EventColumns {
    pub(crate) ids: Vec<ConversationEventId>,
    pub(crate) types: Vec<ConversationEventType>,
    pub(crate) data: Vec<serde_json::Value>,
}

impl EventColumns {
    /// The columns of `events`, with ids of `moment`.
    pub(crate) fn of(events: Vec<NewConversationEvent>, moment: &Moment) -> Self {
        let mut columns = Self::default();
        for event in events {
            columns.ids.push(ConversationEventId::new(moment.id()));
            columns.types.push(event.event_type);
            columns.data.push(event.event_data);
        }
        columns
    }
}

/// A filter of entries of conversations' logs. Empty means all.
#[derive(Debug, Clone, Default)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct ConversationEventFilter {
    /// The conversation whose log it is.
    pub conversation: Option<ConversationId>,
    /// The type of the entries.
    pub event_type: Option<ConversationEventType>,
    /// The call that the entries are about.
    pub call: Option<CallId>,
    /// The user who caused the entries.
    pub created_by: Option<UserId>,
    /// The instant at or after which the entries were written.
    pub from: Option<DateTime<Utc>>,
    /// The instant before which the entries were written.
    pub until: Option<DateTime<Utc>>,
}

impl ConversationEventFilter {
    /// The log of one conversation.
    #[must_use]
    pub fn of(conversation: ConversationId) -> Self {
        Self { conversation: Some(conversation), ..Self::default() }
    }
}

/// The predicate of the index of types, to the letter: PostgreSQL can't match it with bound values. The types that are not in it are those of
/// nearly all entries.
const RARE_TYPE_SQL: &str = "event_type NOT IN ('call_started', 'call_ended', 'message_queued', 'message_received')";

const fn is_rare(kind: ConversationEventType) -> bool {
    use ConversationEventType::{CallEnded, CallStarted, MessageQueued, MessageReceived};
    !matches!(kind, CallStarted | CallEnded | MessageQueued | MessageReceived)
}

fn filtered<'q, ST>(
    mut query: events::BoxedQuery<'q, Pg, ST>,
    filter: &ConversationEventFilter,
) -> events::BoxedQuery<'q, Pg, ST> {
    if let Some(conversation) = filter.conversation {
        query = query.filter(events::conversation_id.eq(conversation));
    }
    if let Some(kind) = filter.event_type {
        query = query.filter(events::event_type.eq(kind));
        if is_rare(kind) {
            query = query.filter(sql::<Bool>(RARE_TYPE_SQL));
        }
    }
    if let Some(call) = filter.call {
        query = query.filter(events::call_id.eq(call));
    }
    if let Some(user) = filter.created_by {
        query = query.filter(events::created_by.eq(user));
    }
    if let Some(from) = filter.from {
        query = query.filter(events::created_at.ge(from));
    }
    if let Some(until) = filter.until {
        query = query.filter(events::created_at.lt(until));
    }
    query
}

/// What workflows append at once stays prepared, a statement per number of rows; more is rare.
const FEW: usize = 4;

/// The logs of a tenant's conversations.
pub struct ConversationEvents<'a>(Scope<'a>);

impl TenantTx<'_> {
    /// The logs of the tenant's conversations.
    pub const fn conversation_events(&mut self) -> ConversationEvents<'_> {
        ConversationEvents(self.0.reborrow())
    }
}

impl ConversationEvents<'_> {
    /// Appends entries, in one statement. They name the user who acts in this transaction, if one does.
    ///
    /// # Errors
    /// [`crate::Error::Invalid`] when a conversation or call does not exist, or that user.
    pub fn append(&mut self, new: &[NewConversationEvent]) -> Result<()> {
        if new.is_empty() {
            return Ok(());
        }
        new.iter().try_for_each(|event| json::object("event_data", &event.event_data))?;
        let rows: Vec<_> = new
            .iter()
            .map(|event| {
                (
                    event,
                    events::id.eq(ConversationEventId::new(self.0.moment.id())),
                    events::tenant_id.eq(self.0.tenant),
                    events::created_by.eq(self.0.user()),
                    events::created_at.eq(self.0.now()),
                )
            })
            .collect();
        // Whatever is done to a conversation has its entry here: its stream's event comes with it.
        new.iter().for_each(|event| self.0.note(StreamEventKind::ConversationUpdated, event.conversation_id.uuid()));
        let insert = diesel::insert_into(events::table).values(rows);
        if new.len() <= FEW {
            Prepared(insert.returning(events::id)).keys::<ConversationEventId>(self.0.conn)?;
        } else {
            insert.execute(self.0.conn)?;
        }
        Ok(())
    }

    /// A page of the logs, newest first.
    ///
    /// # Errors
    /// [`crate::Error::Unavailable`] or [`crate::Error::Internal`].
    pub fn list(&mut self, filter: &ConversationEventFilter, page: PageRequest) -> Result<Page<ConversationEvent>> {
        let query = filtered(ConversationEvent::query().filter(events::tenant_id.eq(self.0.tenant)).into_boxed(), filter);
        let rows = keyset(query, page, events::created_at, events::id).load(self.0.conn)?;
        Ok(Page::from_rows(rows, page, |row: &ConversationEvent| Cursor { at: row.created_at, id: row.id.uuid() }))
    }

    /// The note with this id of a client's, if it is there.
    pub(super) fn find_by_client_key(&mut self, key: &str) -> Result<Option<ConversationEvent>> {
        Ok(ConversationEvent::query()
            .filter(events::tenant_id.eq(self.0.tenant))
            .filter(events::client_key.eq(key))
            .first(self.0.conn)
            .optional()?)
    }

    /// How many entries the logs have.
    ///
    /// # Errors
    /// As [`Self::list`].
    pub fn count(&mut self, filter: &ConversationEventFilter) -> Result<i64> {
        let query = events::table.filter(events::tenant_id.eq(self.0.tenant)).count();
        Ok(filtered(query.into_boxed(), filter).get_result(self.0.conn)?)
    }
}
