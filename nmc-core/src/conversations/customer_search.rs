//! The conversations with a customer of this name, or of a number that begins so.

use super::conversation::Conversations;
use super::conversation_filter::ConversationFilter;
use super::inbox::InboxRow;
use super::search::{Hits, Key, MOST, MOST_SORTED, Search, Total, Words, after_sql};
use super::search_terms::OF_NAMES;
use crate::page::{Cursor, Page, PageRequest};
use crate::store::Scope;
use crate::types::is_invisible;
use crate::{ConversationId, PhoneNumber, Result};
use chrono::DateTime;
use diesel::prelude::*;
use diesel::sql_query;
use diesel::sql_types::{Array, BigInt, Text, Timestamptz, Uuid};
use unicode_normalization::UnicodeNormalization as _;

/// The number of digits from which on a search is one for a number.
const DIGITS: usize = 3;

/// How the numbers begin that somebody may mean by these digits; none when it is a name. Without a `+` they are those of a whole
/// number, of a national one of North America, or of a short code.
fn numbers(search: &Search) -> Vec<String> {
    let text: String = search.text().chars().filter(|c| !is_invisible(*c)).nfkc().collect();
    let text = text.trim();
    let digits: String = text.chars().filter(char::is_ascii_digit).collect();
    let is_number =
        text.chars().all(|c| c.is_ascii_digit() || c.is_whitespace() || matches!(c, '+' | '-' | '.' | '/' | '(' | ')'));
    if !is_number || digits.len() < DIGITS {
        return Vec::new();
    }
    let mut starts = vec![format!("+{digits}")];
    if !text.starts_with('+') {
        starts.extend([format!("+1{digits}"), digits]);
    }
    let other = PhoneNumber::typed(text).map(|phone| phone.person().as_str().to_owned());
    starts.extend(other.into_iter().filter(|other| !text.ends_with(other.as_str())));
    starts
}

/// The newest conversations with customers whose numbers begin so.
fn by_number(scope: &mut Scope<'_>, starts: &[String], after: Option<Cursor>, take: i64) -> Result<Hits> {
    // Past all numbers that begin so, in the order of their bytes.
    let ends: Vec<String> = starts.iter().map(|start| format!("{start}:")).collect();
    let after_sql = after_sql(after, "id");
    // In the order of the index, so that nothing else is read, and no more of it than is counted.
    let numbered = |after: &str| {
        format!(
            "unnest($4::text[], $5::text[]) AS n (start, past) CROSS JOIN LATERAL (SELECT t.created_at, t.id FROM conversations AS t \
             WHERE t.tenant_id = $1 AND t.customer_phone ~>=~ n.start AND t.customer_phone ~<~ n.past{after} \
             ORDER BY t.customer_phone USING ~<~ LIMIT {}) AS t",
            MOST_SORTED + 1
        )
    };
    let counted = format!("SELECT count(*) AS total FROM (SELECT FROM {} LIMIT $6) AS t", numbered(""));
    let newest = format!(
        "SELECT t.created_at, t.id, t.customer_phone FROM conversations AS t WHERE t.tenant_id = $1{after_sql} \
         ORDER BY t.created_at DESC, t.id DESC LIMIT {MOST}"
    );
    let few = format!(
        "SELECT DISTINCT t.created_at, t.id FROM {} ORDER BY t.created_at DESC, t.id DESC LIMIT $6",
        numbered(&after_sql)
    );
    let many = format!(
        "SELECT t.created_at, t.id FROM ({newest}) AS t WHERE EXISTS (SELECT FROM unnest($4::text[], $5::text[]) AS n (start, past) \
         WHERE t.customer_phone ~>=~ n.start AND t.customer_phone ~<~ n.past) ORDER BY t.created_at DESC, t.id DESC LIMIT $6"
    );
    let last = format!(
        "SELECT t.created_at, t.id FROM ({newest}) AS t ORDER BY t.created_at DESC, t.id DESC OFFSET {} LIMIT $6",
        MOST - 1
    );
    let start = after.unwrap_or(Cursor { at: DateTime::UNIX_EPOCH, id: uuid::Uuid::nil() });
    let tenant = scope.tenant;
    let bound = |sql: String, limit: i64| {
        sql_query(sql)
            .bind::<Uuid, _>(tenant)
            .bind::<Timestamptz, _>(start.at)
            .bind::<Uuid, _>(start.id)
            .bind::<Array<Text>, _>(starts)
            .bind::<Array<Text>, _>(&ends)
            .bind::<BigInt, _>(limit)
    };
    let counted: Total = bound(counted, MOST_SORTED + 1).get_result(scope.conn)?;
    let is_many = counted.total > MOST_SORTED;
    let keys: Vec<Key> = bound(if is_many { many } else { few }, take).load(scope.conn)?;
    let until = if is_many { bound(last, 1).get_result(scope.conn).optional()?.map(|key: Key| key.into()) } else { None };
    Ok(Hits::new(keys.into_iter().map(Cursor::from).collect(), take, until))
}

impl Conversations<'_> {
    /// A page of those conversations whose customer has all the words in their name, newest first, each with its last text; of digits, those
    /// whose number begins so, with or without the country code of North America. A page may be short, or empty, and still
    /// have a next one: for each only so many conversations are looked at.
    ///
    /// # Errors
    /// [`crate::Error::Invalid`] of `q` without a letter or a digit, or with too many words.
    pub fn search(&mut self, search: &Search, filter: &ConversationFilter, page: PageRequest) -> Result<Page<InboxRow>> {
        let take = if *filter == ConversationFilter::default() { page.fetch() } else { MOST };
        let starts = numbers(search);
        let found = if starts.is_empty() {
            let words = Words::of(&mut self.0, search)?;
            OF_NAMES.find(&mut self.0, &words, page.cursor(), take)?
        } else {
            by_number(&mut self.0, &starts, page.cursor(), take)?
        };
        let ids: Vec<ConversationId> = found.keys.iter().map(|key| ConversationId::new(key.id)).collect();
        let mut rows = self.list_among(&ids, filter, page)?;
        rows.next = rows.next.or(found.cut);
        Ok(rows)
    }
}

#[cfg(test)]
mod tests {
    use super::{Search, numbers};

    #[test]
    fn digits_stand_for_the_numbers_that_begin_so() {
        let of = |text: &str| numbers(&Search::new(text).unwrap());
        assert_eq!(of("+1 (555) 010"), ["+1555010"]);
        assert_eq!(of("555-0100"), ["+5550100", "+15550100", "5550100"]);
        assert_eq!(of("+52 1 555 123 4567"), ["+5215551234567", "+525551234567"], "a mobile of Mexico in its other spelling");
        for name in ["55", "Joe 555", "+", "Ann"] {
            assert_eq!(of(name), Vec::<String>::new(), "{name}");
        }
    }
}
