//! Conversations: one open thread per customer, linking calls and texts.

use super::conversation_filter::{BoxedConversations, ConversationFilter, OPEN, OPEN_SQL, filtered, listed};
use super::conversation_tag::leads;
use super::event::NewConversationEvent;
use crate::error::found;
use crate::page::{Counted, Cursor, Page, PageRequest, keyset};
use crate::schema::conversations;
use crate::store::{Prepared, Scope, TenantTx, stamped};
use crate::types::{named_if_given, optional};
use crate::{
    CallId, CallerIdentity, ConversationChannel, ConversationEventType, ConversationId, ConversationPriority, ConversationStatus,
    Email, Result, StreamEventKind, TenantId, UserId,
};
use chrono::{DateTime, Utc};
use diesel::dsl::sql;
use diesel::pg::Pg;
use diesel::prelude::*;
use diesel::sql_types::{Bool, Timestamptz};
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

/// A tenant's conversations.
pub struct Conversations<'a>(pub(super) Scope<'a>);

impl TenantTx<'_> {
    /// The tenant's conversations.
    pub const fn conversations(&mut self) -> Conversations<'_> {
        Conversations(self.0.reborrow())
    }
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
            Some(tag) if leads(filter) => self.tagged(tag, filter, page, |all, ids, rest| all.newest(Some(ids), rest, page))?,
            _ => self.newest(None, filter, page)?,
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
        let query = listed(self.0.tenant, self.of(among), filter);
        if among.is_none() {
            return Ok(keyset(query, page, conversations::created_at, conversations::id).load(self.0.conn)?);
        }
        // These come after the cursor already, and are all read and sorted: in the order of their index, as which an expression does not
        // count, the planner would look for them through the whole business.
        let at = sql::<Timestamptz>("conversations.created_at + interval '0'");
        Ok(Prepared(query.order((at.desc(), conversations::id.desc())).limit(page.fetch())).load(self.0.conn)?)
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
            customer_name: named_if_given("customer_name", new.customer_name.as_deref(), 255)?,
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
