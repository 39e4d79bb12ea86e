//! Which conversations are asked for.

use super::conversation::Conversation;
use super::conversation_read::OF_THE_CUSTOMER_SQL;
use super::conversation_tag::bears;
use crate::schema::{conversation_tags as tags, conversations};
use crate::types::composed;
use crate::{CallerIdentity, ConversationChannel, ConversationPriority, ConversationStatus, TenantId, UserId};
use chrono::{DateTime, Utc};
use diesel::dsl::{exists, not, sql};
use diesel::pg::Pg;
use diesel::prelude::*;
use diesel::sql_types::{Bool, Uuid};

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

pub(super) const OPEN: [ConversationStatus; 2] = [ConversationStatus::Active, ConversationStatus::Waiting];

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

/// The conversations that the filter names, to be counted.
pub(super) fn filtered<'q, ST>(
    query: conversations::BoxedQuery<'q, Pg, ST>,
    filter: &'q ConversationFilter,
) -> conversations::BoxedQuery<'q, Pg, ST> {
    let query = but_for_the_tag(query, filter);
    let Some(tag) = &filter.tag else { return query };
    let tagged = tags::table
        .filter(tags::tenant_id.eq(conversations::tenant_id))
        .filter(tags::conversation_id.eq(conversations::id))
        .filter(tags::tag.eq(composed(tag)));
    query.filter(exists(tagged))
}

/// The conversations that the filter names, for a page: the tag is asked of one after another.
pub(super) fn listed<'q, ST>(
    tenant: TenantId,
    query: conversations::BoxedQuery<'q, Pg, ST>,
    filter: &'q ConversationFilter,
) -> conversations::BoxedQuery<'q, Pg, ST> {
    let query = but_for_the_tag(query, filter);
    match &filter.tag {
        Some(tag) => query.filter(bears(tenant, tag)),
        None => query,
    }
}

fn but_for_the_tag<'q, ST>(
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
    if let Some(from) = filter.from {
        query = query.filter(conversations::created_at.ge(from));
    }
    if let Some(until) = filter.until {
        query = query.filter(conversations::created_at.lt(until));
    }
    query
}
