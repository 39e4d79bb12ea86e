//! Conversations by their tag, which a row of its own names, in the order of a page.

use super::conversation::Conversations;
use super::conversation_filter::ConversationFilter;
use super::search::MOST;
use crate::page::{Cursor, PageRequest, after_cursor};
use crate::schema::{conversation_tags as tags, conversations};
use crate::types::composed;
use crate::{ConversationId, Result, TenantId};
use chrono::{DateTime, Utc};
use diesel::dsl::sql;
use diesel::pg::Pg;
use diesel::prelude::*;
use diesel::sql_types::{self, Bool};

/// Whether a conversation bears this tag, asked of one after another: OFFSET keeps the planner from a join with all that bear it, which would
/// all be sorted for a page.
pub(super) fn bears(tenant: TenantId, tag: &str) -> Box<dyn BoxableExpression<conversations::table, Pg, SqlType = Bool>> {
    let is_there = sql::<Bool>("EXISTS (SELECT FROM conversation_tags g WHERE g.tenant_id = ")
        .bind::<sql_types::Uuid, _>(tenant)
        .sql(" AND g.conversation_id = conversations.id AND g.tag = ")
        .bind::<sql_types::Text, _>(composed(tag))
        .sql(" OFFSET 0)");
    Box::new(is_there)
}

/// Whether the tag leads, in a list by a filter that has one: those that are in review are fewer, and have an index.
pub(super) const fn leads(filter: &ConversationFilter) -> bool {
    !matches!(filter.in_review, Some(true))
}

impl Conversations<'_> {
    /// The rows of a page of the conversations with this tag, as `list` reads them among some ids. The planner knows how often a tag is in all
    /// businesses together, and would read through this one's conversations for a tag of few: so the tag leads, and never more than a few
    /// thousand of its conversations at a time.
    pub(super) fn tagged<T>(
        &mut self,
        tag: &str,
        filter: &ConversationFilter,
        page: PageRequest,
        list: impl Fn(&mut Self, &[ConversationId], &ConversationFilter) -> Result<Vec<T>>,
    ) -> Result<Vec<T>> {
        let rest = ConversationFilter { tag: None, ..filter.clone() };
        let take = if rest == ConversationFilter::default() { page.fetch() } else { MOST };
        let (mut rows, mut from) = (Vec::new(), page);
        loop {
            let keys = self.with_tag(tag, from, take)?;
            let ids: Vec<ConversationId> = keys.iter().map(|key| ConversationId::new(key.id)).collect();
            rows.extend(list(self, &ids, &rest)?);
            let enough = |many: usize, of: i64| i64::try_from(many).is_ok_and(|many| many >= of);
            match keys.last() {
                Some(last) if enough(keys.len(), take) && !enough(rows.len(), page.fetch()) => from = from.after(*last),
                _ => return Ok(rows),
            }
        }
    }

    /// The newest `take` conversations with this tag after the cursor.
    fn with_tag(&mut self, tag: &str, from: PageRequest, take: i64) -> Result<Vec<Cursor>> {
        let query = tags::table
            .filter(tags::tenant_id.eq(self.0.tenant))
            .filter(tags::tag.eq(composed(tag)))
            .select((tags::created_at, tags::conversation_id))
            .into_boxed();
        let keys: Vec<(DateTime<Utc>, uuid::Uuid)> =
            after_cursor(query, from, tags::created_at, tags::conversation_id).limit(take).load(self.0.conn)?;
        Ok(keys.into_iter().map(|(at, id)| Cursor { at, id }).collect())
    }
}
