//! Conversations as an inbox shows them: each with its last text and how much is in it, a page in one statement.

use super::conversation::{Conversation, Conversations};
use super::conversation_filter::{ConversationFilter, OPEN_SQL, listed};
use super::conversation_read::OF_THE_CUSTOMER_SQL;
use super::conversation_tag::leads;
use crate::error::found;
use crate::page::{Cursor, Page, PageRequest, keyset};
use crate::schema::conversations;
use crate::store::Prepared;
use crate::{ConversationId, Error, MessageDirection, MessageId, MessageKind, MessageStatus, Result, TenantId, UserId};
use chrono::{DateTime, Utc};
use diesel::dsl::sql;
use diesel::pg::Pg;
use diesel::prelude::*;
use diesel::query_builder::{AstPass, Query, QueryFragment, QueryId};
use diesel::query_dsl::methods::LoadQuery;
use diesel::sql_types::{Array, BigInt, Bool, Nullable, Text, Timestamptz, Uuid};

/// The last text of a conversation, as much of it as a list shows.
#[derive(Debug, Clone, PartialEq, Eq, Queryable)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[cfg_attr(not(feature = "testing"), non_exhaustive)]
#[expect(missing_docs, reason = "the columns are documented in the schema")]
pub struct LastText {
    pub id: MessageId,
    pub message_direction: MessageDirection,
    pub message_kind: MessageKind,
    pub message_status: MessageStatus,
    pub message_body: String,
    pub created_at: DateTime<Utc>,
}

/// A conversation, with its last text, the number of its texts, and how many of its calls and texts are unread.
#[derive(Debug, Clone, PartialEq, Queryable)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[cfg_attr(not(feature = "testing"), non_exhaustive)]
pub struct InboxRow {
    /// The conversation, with the count of its calls.
    pub conversation: Conversation,
    /// The text that came or went last; `None` where none did.
    pub last_text: Option<LastText>,
    /// The number of texts in the conversation, counted up to [`Self::MOST_TEXTS`]: that many, or more.
    pub total_messages: i64,
    /// The number of calls and texts of the customer that the user who acts has not read, counted up to [`Self::MOST_UNREAD`]; 0
    /// once the conversation is finished, `None` when no user acts.
    pub unread: Option<i64>,
    /// The name under which the network showed the customer's call that began last, of those that it showed with one.
    pub caller_name: Option<String>,
    /// What the customer is called: the name that people told, in this conversation or else in the latest that has one, or else
    /// [`Self::caller_name`].
    pub known_as: Option<String>,
}

impl InboxRow {
    /// The most texts that are counted in a conversation.
    pub const MOST_TEXTS: i64 = 1_000;

    /// The most unread calls and texts that are counted in a conversation.
    pub const MOST_UNREAD: i64 = 100;
}

/// The name that people told last of the customer of the conversation `c`, in another of theirs. Who hides their number is another person
/// each time.
const TOLD_SQL: &str = "\
    (SELECT o.customer_name FROM conversations o \
     WHERE o.tenant_id = c.tenant_id AND o.customer_phone = c.customer_phone AND c.customer_phone LIKE '+%' AND o.customer_name IS NOT NULL \
     ORDER BY o.created_at DESC, o.id DESC LIMIT 1)";

/// The name under which the network showed the customer of the conversation `c` last, by when the calls began. A mobile of Mexico or
/// Argentina calls in either of its spellings; the newest call of each is found by calls_caller_phone_named_idx. OFFSET 0 has it looked up
/// once, though it is asked for twice.
const CALLER_SQL: &str = "\
    SELECT CASE \
    WHEN c.customer_phone LIKE '+52%' OR c.customer_phone LIKE '+54%' THEN (SELECT n.caller_name FROM ( \
        (SELECT k.caller_name, coalesce(k.started_at, k.created_at) AS at FROM calls k \
         WHERE k.tenant_id = c.tenant_id AND k.caller_phone = c.customer_phone AND k.caller_name IS NOT NULL \
         ORDER BY coalesce(k.started_at, k.created_at) DESC LIMIT 1) \
        UNION ALL \
        (SELECT k.caller_name, coalesce(k.started_at, k.created_at) FROM calls k \
         WHERE k.tenant_id = c.tenant_id AND k.caller_name IS NOT NULL \
             AND k.caller_phone = CASE WHEN c.customer_phone LIKE '+52%' THEN '+521' ELSE '+549' END || substr(c.customer_phone, 4) \
         ORDER BY coalesce(k.started_at, k.created_at) DESC LIMIT 1)) AS n ORDER BY n.at DESC LIMIT 1) \
    WHEN c.customer_phone LIKE '+%' THEN (SELECT k.caller_name FROM calls k \
        WHERE k.tenant_id = c.tenant_id AND k.caller_phone = c.customer_phone AND k.caller_name IS NOT NULL \
        ORDER BY coalesce(k.started_at, k.created_at) DESC LIMIT 1) \
    ELSE (SELECT k.caller_name FROM calls k WHERE k.tenant_id = c.tenant_id AND k.id = c.last_call_id) END AS caller_name OFFSET 0";

/// A statement over conversations, with the last text of each and the count of its texts beside it. The texts are looked up for the
/// rows of the page alone, by the index of a conversation's texts.
#[derive(Debug, Clone, Copy, QueryId)]
struct WithLastText<Q> {
    conversations: Q,
    tenant: TenantId,
    /// The user who reads.
    reader: Option<UserId>,
    /// The order of the page once more: that of a subselect does not bind the statement around it.
    order: &'static str,
}

impl<Q: QueryFragment<Pg>> QueryFragment<Pg> for WithLastText<Q> {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        out.push_sql(
            "SELECT c.*, t.id, t.message_direction, t.message_kind, t.message_status, t.message_body, t.created_at, n.total, u.unread, \
             w.caller_name, coalesce(c.customer_name, ",
        );
        out.push_sql(TOLD_SQL);
        out.push_sql(", w.caller_name) AS known_as FROM (");
        self.conversations.walk_ast(out.reborrow())?;
        out.push_sql(
            ") AS c LEFT JOIN LATERAL (SELECT m.id, m.message_direction, m.message_kind, m.message_status, m.message_body, m.created_at \
             FROM messages m WHERE m.tenant_id = ",
        );
        out.push_bind_param::<Uuid, _>(&self.tenant)?;
        out.push_sql(
            " AND m.conversation_id = c.id ORDER BY m.created_at DESC, m.id DESC LIMIT 1) AS t ON true \
             CROSS JOIN LATERAL (SELECT count(*) AS total FROM (SELECT FROM messages m WHERE m.tenant_id = ",
        );
        out.push_bind_param::<Uuid, _>(&self.tenant)?;
        out.push_sql(" AND m.conversation_id = c.id LIMIT ");
        out.push_bind_param::<BigInt, _>(&InboxRow::MOST_TEXTS)?;
        out.push_sql(") AS m) AS n CROSS JOIN LATERAL (SELECT ");
        match &self.reader {
            Some(reader) => self.count_unread(reader, out.reborrow())?,
            None => out.push_sql("NULL::bigint AS unread"),
        }
        out.push_sql(") AS u CROSS JOIN LATERAL (");
        out.push_sql(CALLER_SQL);
        out.push_sql(") AS w ORDER BY ");
        out.push_sql(self.order);
        Ok(())
    }
}

impl<Q> WithLastText<Q> {
    fn count_unread<'b>(&'b self, reader: &'b UserId, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        out.push_sql("count(*) AS unread FROM (SELECT FROM conversation_events e WHERE e.tenant_id = ");
        out.push_bind_param::<Uuid, _>(&self.tenant)?;
        out.push_sql(" AND e.conversation_id = c.id AND c.status IN ('active', 'waiting') AND ");
        out.push_sql(OF_THE_CUSTOMER_SQL);
        out.push_sql(" AND e.created_at > coalesce((SELECT r.read_at FROM conversation_reads r WHERE r.tenant_id = ");
        out.push_bind_param::<Uuid, _>(&self.tenant)?;
        out.push_sql(" AND r.conversation_id = c.id AND r.user_id = ");
        out.push_bind_param::<Uuid, _>(reader)?;
        out.push_sql("), '-infinity') LIMIT ");
        out.push_bind_param::<BigInt, _>(&InboxRow::MOST_UNREAD)?;
        out.push_sql(") AS e");
        Ok(())
    }
}

impl<Q: Query> Query for WithLastText<Q> {
    type SqlType = (
        Q::SqlType,
        Nullable<(Uuid, Text, Text, Text, Text, Timestamptz)>,
        BigInt,
        Nullable<BigInt>,
        Nullable<Text>,
        Nullable<Text>,
    );
}

impl<Q> RunQueryDsl<PgConnection> for WithLastText<Q> {}

/// The newest of some conversations for which a statement has a row. Each is looked up by its key, whatever share of the business the planner
/// takes them for: they lie anywhere in it. What comes after a cursor is known of them.
#[derive(Debug, Clone, QueryId)]
struct Among<Q> {
    ids: Vec<uuid::Uuid>,
    /// The statement for `among.id`; its OFFSET keeps it apart.
    one: Q,
    take: i64,
}

impl<Q: QueryFragment<Pg>> QueryFragment<Pg> for Among<Q> {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        out.push_sql("SELECT n.* FROM unnest(");
        out.push_bind_param::<Array<Uuid>, _>(&self.ids)?;
        out.push_sql("::uuid[]) AS among (id) CROSS JOIN LATERAL (");
        self.one.walk_ast(out.reborrow())?;
        out.push_sql(") AS n ORDER BY n.created_at DESC, n.id DESC LIMIT ");
        out.push_bind_param::<BigInt, _>(&self.take)
    }
}

impl<Q: Query> Query for Among<Q> {
    type SqlType = Q::SqlType;
}

impl Conversations<'_> {
    /// The conversation with this id, with its last text.
    ///
    /// # Errors
    /// [`Error::NotFound`].
    pub fn get_with_last_text(&mut self, id: ConversationId) -> Result<InboxRow> {
        let conversations = Conversation::query()
            .filter(conversations::tenant_id.eq(self.0.tenant))
            .filter(conversations::id.eq(id))
            .into_boxed::<Pg>();
        found(self.with_last_text(conversations, "c.id")?.pop(), "conversation")
    }

    /// A page of conversations, newest first, each with its last text.
    ///
    /// # Errors
    /// As [`Self::find`].
    pub fn list_with_last_text(&mut self, filter: &ConversationFilter, page: PageRequest) -> Result<Page<InboxRow>> {
        let rows = match &filter.tag {
            Some(tag) if leads(filter) => {
                self.tagged(tag, filter, page, |all, ids, rest| all.newest_with_last_text(Some(ids), rest, page))?
            }
            _ => self.newest_with_last_text(None, filter, page)?,
        };
        Ok(paged(rows, page))
    }

    /// A page of these conversations, newest first, each with its last text.
    pub(super) fn list_among(
        &mut self,
        ids: &[ConversationId],
        filter: &ConversationFilter,
        page: PageRequest,
    ) -> Result<Page<InboxRow>> {
        Ok(paged(self.newest_with_last_text(Some(ids), filter, page)?, page))
    }

    /// A page of the open conversations of those, the last touched first, each with its last text: an inbox. A conversation that is
    /// touched meanwhile moves to the front, and may be seen on two pages or, if it was still to come, on none.
    ///
    /// # Errors
    /// As [`Self::find`]; [`Error::Invalid`] of a filter for those that are not open.
    pub fn list_open(&mut self, filter: &ConversationFilter, page: PageRequest) -> Result<Page<InboxRow>> {
        if filter.open == Some(false) || filter.status.is_some_and(|status| !status.is_open()) {
            return Err(Error::invalid("sort", "by the last change is for open conversations"));
        }
        let open = Conversation::query()
            .filter(conversations::tenant_id.eq(self.0.tenant))
            .filter(sql::<Bool>(OPEN_SQL))
            .into_boxed::<Pg>();
        let query = keyset(listed(self.0.tenant, open, filter), page, conversations::updated_at, conversations::id);
        let rows = self.with_last_text(query, "c.updated_at DESC, c.id DESC")?;
        Ok(Page::from_rows(rows, page, |InboxRow { conversation: row, .. }| Cursor { at: row.updated_at, id: row.id.uuid() }))
    }

    /// The rows of a page of conversations, of all or among these, each with its last text.
    fn newest_with_last_text(
        &mut self,
        among: Option<&[ConversationId]>,
        filter: &ConversationFilter,
        page: PageRequest,
    ) -> Result<Vec<InboxRow>> {
        let order = "c.created_at DESC, c.id DESC";
        let query = listed(self.0.tenant, self.of(None), filter);
        let Some(ids) = among else {
            return self.with_last_text(keyset(query, page, conversations::created_at, conversations::id), order);
        };
        let one = query.filter(sql::<Bool>("conversations.id = among.id")).offset(0);
        self.with_last_text(Among { ids: ids.iter().map(|id| id.uuid()).collect(), one, take: page.fetch() }, order)
    }

    fn with_last_text<'q, Q>(&mut self, conversations: Q, order: &'static str) -> Result<Vec<InboxRow>>
    where
        Prepared<WithLastText<Q>>: LoadQuery<'q, PgConnection, InboxRow>,
    {
        Ok(Prepared(WithLastText { conversations, tenant: self.0.tenant, reader: self.0.user(), order }).load(self.0.conn)?)
    }
}

/// Rows in the order of their opening, as a page.
fn paged(rows: Vec<InboxRow>, page: PageRequest) -> Page<InboxRow> {
    Page::from_rows(rows, page, |InboxRow { conversation: row, .. }| Cursor { at: row.created_at, id: row.id.uuid() })
}
