//! Lists of texts, of one conversation or of a whole business.
//!
//! A business has some of its texts, greetings, in an index of their own, and those of rare statuses in another: a list reads the indexes that
//! its filter needs, each in the order of the page, and looks at only so many rows for what else the filter says.

use super::message::{DUE_SQL, Message, MessageFilter, Messages};
use super::search::{Hits, Key, Total, after_sql};
use crate::page::{Cursor, Page, PageRequest};
use crate::{MessageDirection, MessageKind, MessageStatus, Result};
use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::sql_query;
use diesel::sql_types::{BigInt, Bool, Nullable, Text, Timestamptz, Uuid};

/// How many rows of an index are looked at for one page.
const LOOKED_AT: usize = 2_000;

/// The predicates of partial indexes, as far as [`super::message`] does not use them.
const OTHERS_SQL: &str = "t.message_kind <> 'greeting'";
const GREETINGS_SQL: &str = "t.message_kind <> 'message' AND t.message_kind = 'greeting'";

/// Whether texts of this status are so few that the index of statuses has them; see the migration 000186.
const fn is_rare(status: MessageStatus) -> bool {
    use MessageStatus::{Accepted, Delivered, Queued, Received, Sending, Sent};
    !matches!(status, Queued | Accepted | Sending | Sent | Delivered | Received)
}

/// The parts of the texts in which those of a filter are, each with an index in the order of their instants.
fn parts(filter: &MessageFilter) -> Vec<String> {
    let of = |status: MessageStatus| format!("t.message_status = '{}'", status.label());
    match (filter.status, filter.failed) {
        (Some(status), _) if is_rare(status) => return vec![of(status)],
        (None, Some(true)) => return super::message::FAILED.map(of).to_vec(),
        _ => {}
    }
    let is_greeting = filter.kind.map(|kind| kind == MessageKind::Greeting);
    let others = (is_greeting != Some(true)).then(|| OTHERS_SQL.to_owned());
    // No customer greets.
    let is_inbound = filter.direction == Some(MessageDirection::Inbound) || filter.status.is_some_and(MessageStatus::is_inbound);
    let may_greet = is_greeting != Some(false) && !is_inbound;
    let greetings = may_greet.then(|| GREETINGS_SQL.to_owned());
    others.into_iter().chain(greetings).collect()
}

impl Messages<'_> {
    /// A page of texts, newest first. One of a whole business by a filter may be short, or empty, and still have a next one: for each only
    /// so many texts are looked at.
    ///
    /// # Errors
    /// As [`Self::find`].
    pub fn list(&mut self, filter: &MessageFilter, page: PageRequest) -> Result<Page<Message>> {
        if filter.conversation.is_some() {
            return self.list_of_conversation(filter, page);
        }
        let mut all = Hits { keys: Vec::new(), cut: None };
        let only_due = filter.status == Some(MessageStatus::Queued) && self.has_few_queued()?;
        for part in if only_due { vec![DUE_SQL.to_owned()] } else { parts(filter) } {
            let hits = self.newest_of(&part, filter, page)?;
            all.keys.extend(hits.keys);
            all.cut = all.cut.max(hits.cut);
        }
        // What is further on is known of only when all parts have been looked at as far.
        all.keys.retain(|key| all.cut.is_none_or(|cut| *key >= cut));
        all.keys.sort_unstable_by(|one, other| other.cmp(one));
        self.with_keys(&all.page(page))
    }

    /// A page of those texts that never arrived, newest first: the provider or the carrier gave them up, or we did.
    ///
    /// # Errors
    /// As [`Self::find`].
    pub fn list_failed(&mut self, filter: &MessageFilter, page: PageRequest) -> Result<Page<Message>> {
        self.list(&MessageFilter { failed: Some(true), ..filter.clone() }, page)
    }

    /// Whether all queued texts are looked at for one page: their index is in the order in which they are due. Of more, which wait for a number
    /// that is held back, many are among the newest texts.
    fn has_few_queued(&mut self) -> Result<bool> {
        let most = LOOKED_AT + 1;
        // In the order of the index, which is small, where the planner might read through the table of all businesses.
        let queued = format!("SELECT 1 FROM messages WHERE tenant_id = $1 AND {DUE_SQL} ORDER BY next_attempt_at LIMIT {most}");
        let query = sql_query(format!("SELECT count(*) AS total FROM ({queued}) AS n")).bind::<Uuid, _>(self.0.tenant);
        let Total { total } = query.get_result(self.0.conn)?;
        Ok(usize::try_from(total).is_ok_and(|total| total < most))
    }

    /// The newest texts of a part that the filter finds, as far as it is looked at for this page.
    fn newest_of(&mut self, part: &str, filter: &MessageFilter, page: PageRequest) -> Result<Hits> {
        let MessageFilter { conversation: _, status, direction, kind, failed, from, until } = filter;
        let (after, take) = (page.cursor(), page.fetch());
        // A condition that is always there, with a value that means nothing, would keep a plan for all values from the index.
        let from_sql = from.map_or("", |_| " AND t.created_at >= $4");
        let until_sql = until.map_or("", |_| " AND t.created_at < $5");
        let looked_at = format!(
            "SELECT t.created_at, t.id, t.message_status, t.message_direction, t.message_kind FROM messages AS t \
             WHERE t.tenant_id = $1 AND {part}{}{from_sql}{until_sql} ORDER BY t.created_at DESC, t.id DESC LIMIT {LOOKED_AT}",
            after_sql(after, "id")
        );
        let found = format!(
            "SELECT n.created_at, n.id FROM ({looked_at}) AS n WHERE ($6::text IS NULL OR n.message_status = $6) \
             AND ($7::text IS NULL OR n.message_direction = $7) AND ($8::text IS NULL OR n.message_kind = $8) \
             AND ($9::boolean IS NULL OR (n.message_status IN ('failed', 'undelivered')) = $9) \
             ORDER BY n.created_at DESC, n.id DESC LIMIT $10"
        );
        let last = format!(
            "SELECT n.created_at, n.id FROM ({looked_at}) AS n ORDER BY n.created_at DESC, n.id DESC OFFSET {} LIMIT $10",
            LOOKED_AT - 1
        );
        let tenant = self.0.tenant;
        let start = after.unwrap_or(Cursor { at: DateTime::UNIX_EPOCH, id: uuid::Uuid::nil() });
        let bound = |sql: String, take: i64| {
            sql_query(sql)
                .bind::<Uuid, _>(tenant)
                .bind::<Timestamptz, _>(start.at)
                .bind::<Uuid, _>(start.id)
                .bind::<Nullable<Timestamptz>, Option<DateTime<Utc>>>(*from)
                .bind::<Nullable<Timestamptz>, Option<DateTime<Utc>>>(*until)
                .bind::<Nullable<Text>, _>(status.map(|status| status.label()))
                .bind::<Nullable<Text>, _>(direction.map(|direction| direction.label()))
                .bind::<Nullable<Text>, _>(kind.map(|kind| kind.label()))
                .bind::<Nullable<Bool>, Option<bool>>(*failed)
                .bind::<BigInt, _>(take)
        };
        let keys: Vec<Key> = bound(found, take).load(self.0.conn)?;
        let keys: Vec<Cursor> = keys.into_iter().map(Cursor::from).collect();
        let may_have_more = keys.len() < LOOKED_AT && i64::try_from(keys.len()).is_ok_and(|found| found < take);
        let until: Option<Key> = if may_have_more { bound(last, 1).get_result(self.0.conn).optional()? } else { None };
        Ok(Hits::new(keys, take, until.map(Cursor::from)))
    }
}
