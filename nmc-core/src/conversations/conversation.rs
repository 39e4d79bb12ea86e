//! Conversations: one open thread per customer, linking calls and texts.

use super::conversation_read::OF_THE_CUSTOMER_SQL;
use super::event::NewConversationEvent;
use crate::error::found;
use crate::page::{Counted, Cursor, Page, PageRequest, keyset};
use crate::schema::{conversation_tags as tags, conversations};
use crate::store::{Prepared, Scope, TenantTx, stamped};
use crate::types::{composed, optional};
use crate::{
    CallId, CallerIdentity, ConversationChannel, ConversationEventType, ConversationId, ConversationPriority, ConversationStatus,
    Email, Result, StreamEventKind, TenantId, UserId,
};
use chrono::{DateTime, Utc};
use diesel::dsl::{exists, not, sql};
use diesel::pg::Pg;
use diesel::prelude::*;
use diesel::sql_types::{Bool, Uuid};
use diesel::upsert::excluded;
use serde_json::json;

/// One conversation.
#[derive(Debug, Clone, PartialEq, HasQuery)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[cfg_attr(not(feature = "testing"), non_exhaustive)]
#[diesel(table_name = conversations, check_for_backend(Pg))]
#[expect(missing_docs, reason = "the columns are documented in the schema")]
pub struct Conversation {
    pub id: ConversationId,
    pub tenant_id: TenantId,
    pub customer_phone: CallerIdentity,
    pub status: ConversationStatus,
    pub subject: Option<String>,
    pub priority: ConversationPriority,
    pub channel: ConversationChannel,
    pub assigned_to: Option<UserId>,
    pub first_call_id: Option<CallId>,
    pub last_call_id: Option<CallId>,
    pub total_calls: i32,
    pub total_duration_seconds: i32,
    pub customer_name: Option<String>,
    pub customer_email: Option<Email>,
    pub customer_address: Option<String>,
    pub notes: Option<String>,
    pub tags: Vec<String>,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
    pub closed_at: Option<DateTime<Utc>>,
    pub review_requested_at: Option<DateTime<Utc>>,
}

/// A conversation to open.
#[derive(Debug, Clone, Insertable)]
#[diesel(table_name = conversations, check_for_backend(Pg))]
pub struct NewConversation {
    /// The customer; one person, in whatever spelling.
    pub customer_phone: CallerIdentity,
    /// The channel on which the conversation begins.
    pub channel: ConversationChannel,
    /// The subject of the conversation; up to 1,000 characters.
    pub subject: Option<String>,
    /// The customer's name; up to 255 characters.
    pub customer_name: Option<String>,
}

/// The one who looks after a conversation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "snake_case"))]
pub enum Assignee {
    /// The user with this id.
    User(UserId),
    /// Nobody yet.
    Nobody,
}

/// A filter of conversations. Empty means all.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct ConversationFilter {
    /// The status of the conversations.
    pub status: Option<ConversationStatus>,
    /// Whether the conversations are active or waiting (true), or resolved or closed (false).
    pub open: Option<bool>,
    /// The priority of the conversations.
    pub priority: Option<ConversationPriority>,
    /// The channel on which the conversations began.
    pub channel: Option<ConversationChannel>,
    /// The user to whom the conversations are assigned, or nobody.
    pub assigned_to: Option<Assignee>,
    /// The customer of the conversations, in whatever spelling.
    pub customer: Option<CallerIdentity>,
    /// A tag that the conversations have.
    pub tag: Option<String>,
    /// Whether the conversations have a text that may be an opt-out, which staff have to read (true), or none (false).
    pub in_review: Option<bool>,
    /// The user who has not read a call or a text of the customer in the conversations, which are open.
    pub unread_by: Option<UserId>,
    /// The user who has nothing unread in the conversations, or for whom they are finished.
    pub read_by: Option<UserId>,
    /// The instant at or after which the conversations were opened.
    pub from: Option<DateTime<Utc>>,
    /// The instant before which the conversations were opened.
    pub until: Option<DateTime<Utc>>,
}

/// A tenant's conversations.
pub struct Conversations<'a>(pub(super) Scope<'a>);

impl TenantTx<'_> {
    /// The tenant's conversations.
    pub const fn conversations(&mut self) -> Conversations<'_> {
        Conversations(self.0.reborrow())
    }
}

const OPEN: [ConversationStatus; 2] = [ConversationStatus::Active, ConversationStatus::Waiting];

/// The predicates of partial indexes, to the letter: PostgreSQL can't match them with bound values.
pub(super) const OPEN_SQL: &str = "status IN ('active', 'waiting')";
const NOT_NORMAL_SQL: &str = "priority <> 'normal'";
const NOT_PHONE_SQL: &str = "channel <> 'phone'";

/// Whether the customer has done something that this user has not read. IS TRUE keeps the planner from a join with all that are open, for a
/// page of them.
fn is_unread(user: UserId) -> Box<dyn BoxableExpression<conversations::table, Pg, SqlType = Bool>> {
    let is_there = sql::<Bool>(
        "(EXISTS (SELECT FROM conversation_events e WHERE e.tenant_id = conversations.tenant_id AND e.conversation_id = conversations.id AND ",
    )
    .sql(OF_THE_CUSTOMER_SQL)
    .sql(
        " AND e.created_at > coalesce((SELECT r.read_at FROM conversation_reads r \
         WHERE r.tenant_id = conversations.tenant_id AND r.conversation_id = conversations.id AND r.user_id = ",
    )
    .bind::<Uuid, _>(user)
    .sql("), '-infinity'))) IS TRUE");
    Box::new(is_there)
}

/// Whole rows, to be filtered.
pub(super) type BoxedConversations<'q> =
    conversations::BoxedQuery<'q, Pg, <diesel::dsl::AsSelect<Conversation, Pg> as Expression>::SqlType>;

pub(super) fn filtered<'q, ST>(
    mut query: conversations::BoxedQuery<'q, Pg, ST>,
    filter: &'q ConversationFilter,
) -> conversations::BoxedQuery<'q, Pg, ST> {
    if let Some(status) = filter.status {
        query = match OPEN.iter().find(|other| status.is_open() && **other != status) {
            // The planner takes those that are of this status and open for few, and would sort all open ones for a page.
            Some(other) => query.filter(sql::<Bool>(OPEN_SQL)).filter(conversations::status.ne(*other)),
            None => query.filter(conversations::status.eq(status)),
        };
    }
    match filter.open {
        Some(true) => query = query.filter(sql::<Bool>(OPEN_SQL)),
        Some(false) => query = query.filter(conversations::status.ne_all(OPEN)),
        None => {}
    }
    if let Some(priority) = filter.priority {
        query = query.filter(conversations::priority.eq(priority));
        if priority != ConversationPriority::Normal {
            query = query.filter(sql::<Bool>(NOT_NORMAL_SQL));
        }
    }
    if let Some(channel) = filter.channel {
        query = query.filter(conversations::channel.eq(channel));
        if channel != ConversationChannel::Phone {
            query = query.filter(sql::<Bool>(NOT_PHONE_SQL));
        }
    }
    match filter.assigned_to {
        Some(Assignee::User(user)) => query = query.filter(conversations::assigned_to.eq(user)),
        Some(Assignee::Nobody) => query = query.filter(conversations::assigned_to.is_null()),
        None => {}
    }
    if let Some(customer) = &filter.customer {
        query = query.filter(conversations::customer_phone.eq_any(customer.spellings()));
    }
    match filter.in_review {
        Some(true) => query = query.filter(conversations::review_requested_at.is_not_null()),
        Some(false) => query = query.filter(conversations::review_requested_at.is_null()),
        None => {}
    }
    if let Some(user) = filter.unread_by {
        query = query.filter(sql::<Bool>(OPEN_SQL)).filter(is_unread(user));
    }
    if let Some(user) = filter.read_by {
        query = query.filter(not(sql::<Bool>(OPEN_SQL).and(is_unread(user))));
    }
    if let Some(tag) = &filter.tag {
        let tagged = tags::table
            .filter(tags::tenant_id.eq(conversations::tenant_id))
            .filter(tags::conversation_id.eq(conversations::id))
            .filter(tags::tag.eq(composed(tag)));
        query = query.filter(exists(tagged));
    }
    if let Some(from) = filter.from {
        query = query.filter(conversations::created_at.ge(from));
    }
    if let Some(until) = filter.until {
        query = query.filter(conversations::created_at.lt(until));
    }
    query
}

impl Conversations<'_> {
    /// The conversation, if it is there.
    ///
    /// # Errors
    /// [`crate::Error::Unavailable`] or [`crate::Error::Internal`].
    pub fn find(&mut self, id: ConversationId) -> Result<Option<Conversation>> {
        Ok(Conversation::query()
            .filter(conversations::tenant_id.eq(self.0.tenant))
            .filter(conversations::id.eq(id))
            .first(self.0.conn)
            .optional()?)
    }

    /// The conversation with this id.
    ///
    /// # Errors
    /// [`crate::Error::NotFound`].
    pub fn get(&mut self, id: ConversationId) -> Result<Conversation> {
        found(self.find(id)?, "conversation")
    }

    /// The customer's open conversation, if there is one, whichever spelling of their number is given.
    ///
    /// # Errors
    /// As [`Self::find`].
    pub fn find_open(&mut self, customer: &CallerIdentity) -> Result<Option<Conversation>> {
        Ok(Conversation::query()
            .filter(conversations::tenant_id.eq(self.0.tenant))
            .filter(conversations::customer_phone.eq_any(customer.spellings()))
            .filter(conversations::status.eq_any(OPEN))
            // From before both spellings were one person there may be two: what comes lands in the newer one's.
            .order((conversations::customer_phone.eq(customer.person()).desc(), conversations::created_at.desc()))
            .first(self.0.conn)
            .optional()?)
    }

    /// A page of conversations, newest first.
    ///
    /// # Errors
    /// As [`Self::find`].
    pub fn list(&mut self, filter: &ConversationFilter, page: PageRequest) -> Result<Page<Conversation>> {
        let rows = match &filter.tag {
            Some(tag) => self.tagged(tag, filter, page, |all, ids, rest| all.newest(Some(ids), rest, page))?,
            None => self.newest(None, filter, page)?,
        };
        Ok(Page::from_rows(rows, page, |row: &Conversation| Cursor { at: row.created_at, id: row.id.uuid() }))
    }

    /// The rows of a page of conversations, of all or among these.
    fn newest(
        &mut self,
        among: Option<&[ConversationId]>,
        filter: &ConversationFilter,
        page: PageRequest,
    ) -> Result<Vec<Conversation>> {
        let query = filtered(self.of(among), filter);
        Ok(keyset(query, page, conversations::created_at, conversations::id).load(self.0.conn)?)
    }

    /// The tenant's conversations, all or these.
    pub(super) fn of<'q>(&self, among: Option<&'q [ConversationId]>) -> BoxedConversations<'q> {
        let query = Conversation::query().filter(conversations::tenant_id.eq(self.0.tenant)).into_boxed();
        match among {
            Some(ids) => query.filter(conversations::id.eq_any(ids)),
            None => query,
        }
    }

    /// The number of conversations that a filter finds, counted up to `most`: that many, or more. It reads what a page of as many reads; by a tag of few perhaps all.
    ///
    /// # Errors
    /// As [`Self::find`].
    pub fn count_up_to(&mut self, most: u16, filter: &ConversationFilter) -> Result<i64> {
        let query =
            conversations::table.filter(conversations::tenant_id.eq(self.0.tenant)).select(conversations::id).into_boxed();
        let newest = (conversations::created_at.desc(), conversations::id.desc());
        Ok(Counted(filtered(query, filter).order(newest).limit(most.into())).get_result(self.0.conn)?)
    }

    /// The number of conversations that a filter finds; it reads each of them.
    ///
    /// # Errors
    /// As [`Self::find`].
    pub fn count(&mut self, filter: &ConversationFilter) -> Result<i64> {
        let query = conversations::table.filter(conversations::tenant_id.eq(self.0.tenant)).count();
        Ok(filtered(query.into_boxed(), filter).get_result(self.0.conn)?)
    }

    /// Opens a conversation, and writes the event.
    ///
    /// # Errors
    /// [`crate::Error::Conflict`] when the customer has an open one, [`crate::Error::Invalid`] on a broken rule.
    pub fn create(&mut self, new: &NewConversation) -> Result<Conversation> {
        new.customer_phone.checked("customer_phone", 255)?;
        let new = NewConversation {
            customer_phone: new.customer_phone.person(),
            channel: new.channel,
            subject: optional("subject", new.subject.as_deref(), 1_000)?,
            customer_name: optional("customer_name", new.customer_name.as_deref(), 255)?,
        };
        let id = ConversationId::new(self.0.moment.id());
        let row: Conversation = diesel::insert_into(conversations::table)
            .values((&new, stamped!(conversations, self.0, id)))
            .returning(Conversation::as_returning())
            .get_result(self.0.conn)?;
        self.0.note(StreamEventKind::ConversationCreated, id.uuid());
        self.log(NewConversationEvent::new(id, ConversationEventType::Opened).with(json!({"channel": new.channel})))?;
        Ok(row)
    }

    /// The customer's open conversation, opened under `id` if there is none, with `call` counted in if there is one.
    pub(crate) fn find_or_open(
        &mut self,
        id: ConversationId,
        customer: &CallerIdentity,
        channel: ConversationChannel,
        call: Option<(CallId, i32)>,
    ) -> Result<Conversation> {
        let (call_id, seconds) = call.map_or((None, 0), |(id, seconds)| (Some(id), seconds));
        let upsert = diesel::insert_into(conversations::table)
            .values((
                conversations::customer_phone.eq(customer.person()),
                conversations::channel.eq(channel),
                conversations::first_call_id.eq(call_id),
                conversations::last_call_id.eq(call_id),
                conversations::total_calls.eq(i32::from(call.is_some())),
                conversations::total_duration_seconds.eq(seconds),
                stamped!(conversations, self.0, id),
            ))
            .on_conflict((conversations::tenant_id, conversations::customer_phone))
            .filter_target(sql::<Bool>(OPEN_SQL))
            .do_update()
            .set((
                conversations::first_call_id.eq(diesel::dsl::case_when(
                    conversations::first_call_id.is_null(),
                    excluded(conversations::first_call_id),
                )
                .otherwise(conversations::first_call_id)),
                conversations::last_call_id.eq(diesel::dsl::case_when(
                    excluded(conversations::last_call_id).is_null(),
                    conversations::last_call_id,
                )
                .otherwise(excluded(conversations::last_call_id))),
                conversations::total_calls.eq(conversations::total_calls + excluded(conversations::total_calls)),
                conversations::total_duration_seconds
                    .eq(conversations::total_duration_seconds + excluded(conversations::total_duration_seconds)),
                conversations::updated_at.eq(excluded(conversations::updated_at)),
            ))
            .returning(Conversation::as_returning());
        let row: Conversation = Prepared(upsert).get_result(self.0.conn)?;
        let is_new = row.id == id;
        let kind = if is_new { StreamEventKind::ConversationCreated } else { StreamEventKind::ConversationUpdated };
        self.0.note(kind, row.id.uuid());
        Ok(row)
    }

    /// Adds seconds of talk that became known later.
    pub(crate) fn add_duration(&mut self, id: ConversationId, seconds: i32) -> Result<()> {
        let rows = diesel::update(conversations::table)
            .filter(conversations::tenant_id.eq(self.0.tenant))
            .filter(conversations::id.eq(id))
            .set((
                conversations::total_duration_seconds.eq(conversations::total_duration_seconds + seconds),
                conversations::updated_at.eq(self.0.now()),
            ))
            .execute(self.0.conn)?;
        self.0.note(StreamEventKind::ConversationUpdated, id.uuid());
        crate::error::touched_one(rows, "conversation")
    }

    /// The conversation, whose row nobody changes until the transaction ends: what is decided from it still holds when it is written.
    ///
    /// # Errors
    /// [`crate::Error::NotFound`].
    pub fn lock(&mut self, id: ConversationId) -> Result<Conversation> {
        let row: Option<Conversation> = Conversation::query()
            .filter(conversations::tenant_id.eq(self.0.tenant))
            .filter(conversations::id.eq(id))
            .for_update()
            .first(self.0.conn)
            .optional()?;
        let row = found(row, "conversation")?;
        self.0.moment.come_after(row.updated_at);
        Ok(row)
    }

    pub(super) fn log(&mut self, event: NewConversationEvent) -> Result<()> {
        self.0.tx().conversation_events().append(&[event])
    }
}
