//! Text search: which texts have these words, and which conversations are with a customer of this name or number.
//!
//! Row-level security leaves `nmc_tenant` no index for LIKE or `@@`, whose operators are not leakproof. Equality and order are, so
//! each word of a text is a row.

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

/// How many of the newest rows are looked at for one page, where all of them are.
pub(super) const MOST: i64 = 3_000;

/// The most rows of a word that is only begun that are sorted; with more of them the newest of all rows are looked at instead.
pub(super) const MOST_SORTED: i64 = 10_000;

/// The most rows of a word that are compared with those of another for one page.
pub(super) const COMPARED: i64 = 3_000;

/// The most rows of a word of which each is looked up among those of other words for one page, which costs five times as much as to compare it.
pub(super) const LOOKED_UP: i64 = 600;

/// The most words that begin alike and are read each by itself.
pub(super) const MOST_BEGUN: i64 = 8;

/// The number of bytes from which on a word may be only begun: 3 letters of Latin, 2 of Greek or Cyrillic, 1 of Chinese.
const BEGUN: usize = 3;

/// The rows that were found, newest first.
pub(super) struct Hits {
    pub(super) keys: Vec<Cursor>,
    /// The row as far as which was looked, where there may be more.
    pub(super) cut: Option<Cursor>,
}

impl Hits {
    /// What was found, `take` rows at the most, when it was looked as far as `until`.
    pub(super) fn new(keys: Vec<Cursor>, take: i64, until: Option<Cursor>) -> Self {
        let is_full = i64::try_from(keys.len()).is_ok_and(|found| found == take);
        Self { cut: if is_full { keys.last().copied() } else { until }, keys }
    }

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
    pub(super) whole: Vec<String>,
    /// The last one, where it may be only begun.
    pub(super) begun: Option<String>,
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

/// The condition for what comes after the cursor of a page, of which `$2` and `$3` are bound.
pub(super) fn after_sql(after: Option<Cursor>, id: &str) -> String {
    after.map_or_else(String::new, |_| format!(" AND t.created_at <= $2 AND (t.created_at < $2 OR t.{id} < $3)"))
}

/// What comes after all words that begin so, in the order of their bytes.
pub(super) fn past(begun: &str) -> String {
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
