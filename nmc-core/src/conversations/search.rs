//! Text search: which texts have these words, and which conversations are with a customer of this name or number.
//!
//! Row-level security leaves `nmc_tenant` no index for LIKE or `@@`, whose operators are not leakproof. Equality and order are, so
//! each word of a text is a row. The rarest word leads, newest first, and only so many of its texts are looked at for one page: a page may
//! hold fewer rows than asked for, or none, and still have a next one.

use crate::page::{Cursor, Page, PageRequest};
use crate::store::Scope;
use crate::types::required;
use crate::{Error, Result};
use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::sql_query;
use diesel::sql_types::{Array, BigInt, Text, Timestamptz, Uuid};

/// The words that are searched for, all of which must be there. The last one may be only begun, from 3 letters on. Case, accents
/// and punctuation don't count.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Search(String);

impl Search {
    /// The longest, in characters.
    pub const MAX: usize = 200;

    /// The most different words.
    pub const MOST_WORDS: usize = 20;

    /// A search for the words of this text.
    ///
    /// # Errors
    /// [`Error::Invalid`] of `q` when it is empty, longer than [`Self::MAX`] or holds NUL. Whether it has words, and not too many, is told when
    /// it is used.
    pub fn new(text: &str) -> Result<Self> {
        required("q", text, Self::MAX).map(Self)
    }

    pub(super) fn text(&self) -> &str {
        &self.0
    }
}

/// How many rows of the leading word, or of all, are looked at for one page.
pub(super) const MOST: i64 = 3_000;

/// The most rows of a word that is only begun that are sorted; with more of them the newest of all rows are looked at instead.
pub(super) const MOST_SORTED: i64 = 10_000;

/// The number of bytes from which on a word may be only begun: 3 letters of Latin, 2 of Greek or Cyrillic, 1 of Chinese.
const BEGUN: usize = 3;

/// The rows that were found, newest first.
pub(super) struct Hits {
    pub(super) keys: Vec<Cursor>,
    /// The row as far as which was looked, where there may be more.
    pub(super) cut: Option<Cursor>,
}

impl Hits {
    /// The keys of a page, and where the next one begins.
    pub(super) fn page(self, page: PageRequest) -> Page<Cursor> {
        let mut keys = Page::from_rows(self.keys, page, |key| *key);
        keys.next = keys.next.or(self.cut);
        keys
    }
}

#[derive(QueryableByName)]
pub(super) struct Key {
    #[diesel(sql_type = Timestamptz)]
    created_at: DateTime<Utc>,
    #[diesel(sql_type = Uuid)]
    id: uuid::Uuid,
}

impl From<Key> for Cursor {
    fn from(key: Key) -> Self {
        Self { at: key.created_at, id: key.id }
    }
}

#[derive(QueryableByName)]
pub(super) struct Total {
    #[diesel(sql_type = BigInt)]
    pub(super) total: i64,
}

/// The words of a search, as the database writes them.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Words {
    whole: Vec<String>,
    /// The last one, where it may be only begun.
    begun: Option<String>,
}

impl Words {
    /// The words of this search.
    ///
    /// # Errors
    /// [`Error::Invalid`] of `q` without a word, or with too many.
    pub(super) fn of(scope: &mut Scope<'_>, search: &Search) -> Result<Self> {
        #[derive(QueryableByName)]
        struct Row {
            #[diesel(sql_type = Array<Text>)]
            words: Vec<String>,
        }
        let row: Row = sql_query("SELECT nmc_words($1) AS words").bind::<Text, _>(search.text()).get_result(scope.conn)?;
        Self::read(row.words)
    }

    fn read(mut words: Vec<String>) -> Result<Self> {
        let last = words.pop().ok_or_else(|| Error::invalid("q", "must have a letter or a digit"))?;
        words.sort_unstable();
        words.dedup();
        let mut read = Self { whole: words, begun: None };
        if last.len() < BEGUN {
            if !read.whole.contains(&last) {
                read.whole.push(last);
            }
        } else if !read.whole.iter().any(|word| word.starts_with(&last)) {
            read.begun = Some(last);
        }
        if read.whole.len() + read.begun.iter().len() > Search::MOST_WORDS {
            return Err(Error::invalid("q", format!("must be at most {} words", Search::MOST_WORDS)));
        }
        Ok(read)
    }
}

/// What leads a search: its rows are looked at, newest first, and those that lack another word are left out.
enum Lead<'w> {
    /// The rows with this word.
    Whole(&'w str),
    /// The rows with a word that begins so, few enough to be sorted.
    Begun,
    /// The newest rows, of which many have a word that begins so.
    Newest,
}

/// The table where words are found.
pub(super) struct Terms {
    /// The table of the words.
    table: &'static str,
    /// The table's column with what they are words of.
    id: &'static str,
    /// The rows that they are words of, and which of those.
    newest: &'static str,
}

/// The words of texts.
pub(super) const OF_TEXTS: Terms =
    Terms { table: "message_terms", id: "message_id", newest: "messages AS t WHERE t.message_kind <> 'greeting' AND" };

/// The words of customers' names.
pub(super) const OF_NAMES: Terms =
    Terms { table: "conversation_terms", id: "conversation_id", newest: "conversations AS t WHERE" };

/// The condition for what comes after the cursor of a page, of which `$2` and `$3` are bound.
pub(super) fn after_sql(after: Option<Cursor>, id: &str) -> String {
    after.map_or_else(String::new, |_| format!(" AND t.created_at <= $2 AND (t.created_at < $2 OR t.{id} < $3)"))
}

impl Terms {
    /// The newest rows after `after` that have all the words, `take` at the most.
    pub(super) fn find(&self, scope: &mut Scope<'_>, words: &Words, after: Option<Cursor>, take: i64) -> Result<Hits> {
        let Some(lead) = self.lead(scope, words)? else { return Ok(Hits { keys: Vec::new(), cut: None }) };
        let keys = self.load(scope, words, &lead, after, take, None)?;
        let cut = match lead {
            _ if i64::try_from(keys.len()).is_ok_and(|found| found == take) => keys.last().copied(),
            Lead::Begun => None,
            _ => self.load(scope, words, &lead, after, take, Some(MOST - 1))?.pop(),
        };
        Ok(Hits { keys, cut })
    }

    /// The lead of a search; `None` when a word is nowhere.
    fn lead<'w>(&self, scope: &mut Scope<'_>, words: &'w Words) -> Result<Option<Lead<'w>>> {
        let Self { table, .. } = self;
        // In the order of the key, so that nothing but the key is read, and no more of it than is counted.
        let counts: Vec<Total> = sql_query(format!(
            "SELECT n.total FROM unnest($2::text[]) WITH ORDINALITY AS w (term, place) CROSS JOIN LATERAL (SELECT count(*) AS total FROM \
             (SELECT FROM {table} AS t WHERE t.tenant_id = $1 AND t.term = w.term ORDER BY t.created_at LIMIT $3) AS t) AS n ORDER BY w.place"
        ))
        .bind::<Uuid, _>(scope.tenant)
        .bind::<Array<Text>, _>(&words.whole)
        .bind::<BigInt, _>(MOST + 1)
        .load(scope.conn)?;
        let rarest = counts.iter().map(|count| count.total).zip(&words.whole).min();
        let Some(begun) = &words.begun else {
            return Ok(rarest.filter(|(total, _)| *total > 0).map(|(_, word)| Lead::Whole(word)));
        };
        if rarest.is_some_and(|(total, _)| total == 0) {
            return Ok(None);
        }
        let begun: Total = sql_query(format!(
            "SELECT count(*) AS total FROM (SELECT FROM {table} AS t WHERE t.tenant_id = $1 AND t.term >= $2 AND t.term < $3 \
             ORDER BY t.term LIMIT $4) AS t"
        ))
        .bind::<Uuid, _>(scope.tenant)
        .bind::<Text, _>(begun)
        .bind::<Text, _>(past(begun))
        .bind::<BigInt, _>(MOST_SORTED + 1)
        .get_result(scope.conn)?;
        Ok(match rarest {
            _ if begun.total == 0 => None,
            Some((total, word)) if total <= begun.total => Some(Lead::Whole(word)),
            Some((_, word)) if begun.total > MOST_SORTED => Some(Lead::Whole(word)),
            None if begun.total > MOST_SORTED => Some(Lead::Newest),
            _ => Some(Lead::Begun),
        })
    }

    /// The keys of a page; or, with `nth`, that of the row that is looked at after as many others.
    fn load(
        &self,
        scope: &mut Scope<'_>,
        words: &Words,
        lead: &Lead<'_>,
        after: Option<Cursor>,
        take: i64,
        nth: Option<i64>,
    ) -> Result<Vec<Cursor>> {
        let Self { table, id, newest } = self;
        let order = |id: &str| format!("ORDER BY t.created_at DESC, t.{id} DESC LIMIT {MOST}");
        let looked_at = match lead {
            Lead::Whole(_) => format!(
                "SELECT t.created_at, t.{id} AS id FROM {table} AS t WHERE t.tenant_id = $1 AND t.term = $5{} {}",
                after_sql(after, id),
                order(id)
            ),
            Lead::Begun => format!(
                "SELECT DISTINCT t.created_at, t.{id} AS id FROM {table} AS t WHERE t.tenant_id = $1 AND t.term >= $6 AND t.term < $7{}",
                after_sql(after, id)
            ),
            Lead::Newest => {
                format!("SELECT t.created_at, t.id FROM {newest} t.tenant_id = $1{} {}", after_sql(after, "id"), order("id"))
            }
        };
        let (leading, others): (&str, Vec<&str>) = match lead {
            Lead::Whole(word) => (word, words.whole.iter().map(String::as_str).filter(|other| other != word).collect()),
            _ => ("", words.whole.iter().map(String::as_str).collect()),
        };
        let mut sql = format!("SELECT t.created_at, t.id FROM ({looked_at}) AS t");
        if nth.is_none() {
            // A subselect for each row, and none that the planner could turn into a join with all rows of a word.
            sql.push_str(" WHERE true");
            if !others.is_empty() {
                sql.push_str(&format!(
                    " AND (SELECT count(*) FROM unnest($4::text[]) AS w (term) WHERE EXISTS (SELECT FROM {table} AS o WHERE o.tenant_id = $1 \
                     AND o.term = w.term AND o.created_at = t.created_at AND o.{id} = t.id)) = cardinality($4::text[])"
                ));
            }
            if words.begun.is_some() && !matches!(lead, Lead::Begun) {
                sql.push_str(&format!(
                    " AND EXISTS (SELECT FROM (SELECT FROM {table} AS o WHERE o.tenant_id = $1 AND o.{id} = t.id \
                     AND o.term >= $6 AND o.term < $7 OFFSET 0) AS o)"
                ));
            }
        }
        sql.push_str(" ORDER BY t.created_at DESC, t.id DESC OFFSET $8 LIMIT $9");
        let begun = words.begun.as_deref().unwrap_or_default();
        let start = after.unwrap_or(Cursor { at: DateTime::UNIX_EPOCH, id: uuid::Uuid::nil() });
        let keys: Vec<Key> = sql_query(sql)
            .bind::<Uuid, _>(scope.tenant)
            .bind::<Timestamptz, _>(start.at)
            .bind::<Uuid, _>(start.id)
            .bind::<Array<Text>, _>(others)
            .bind::<Text, _>(leading)
            .bind::<Text, _>(begun)
            .bind::<Text, _>(past(begun))
            .bind::<BigInt, _>(nth.unwrap_or(0))
            .bind::<BigInt, _>(if nth.is_some() { 1 } else { take })
            .load(scope.conn)?;
        Ok(keys.into_iter().map(Cursor::from).collect())
    }
}

/// What comes after all words that begin so, in the order of their bytes.
fn past(begun: &str) -> String {
    format!("{begun}{}", char::MAX)
}

#[cfg(test)]
mod tests {
    use super::Words;

    fn read(words: &[&str]) -> crate::Result<Words> {
        Words::read(words.iter().map(|word| (*word).to_owned()).collect())
    }

    #[test]
    fn last_word_may_be_only_begun_from_three_letters_on() {
        let words = |whole: &[&str], begun: Option<&str>| Words {
            whole: whole.iter().map(|word| (*word).to_owned()).collect(),
            begun: begun.map(str::to_owned),
        };
        assert_eq!(read(&["leak", "kit"]).unwrap(), words(&["leak"], Some("kit")));
        assert_eq!(read(&["leak", "ki"]).unwrap(), words(&["leak", "ki"], None));
        assert_eq!(read(&["kitchen", "kit"]).unwrap(), words(&["kitchen"], None), "what is there begins so");
        assert_eq!(read(&["ab", "ab", "ab"]).unwrap(), words(&["ab"], None));
        assert_eq!(read(&["水"]).unwrap(), words(&[], Some("水")));
        assert!(read(&[]).is_err());
        let many: Vec<String> = (0..21).map(|n| format!("w{n}")).collect();
        assert!(Words::read(many.clone()).is_err());
        assert!(Words::read(many[1..].to_vec()).is_ok());
    }
}
