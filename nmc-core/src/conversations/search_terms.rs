//! The tables of words, and the rows that have all the words of a search.
//!
//! The newest rows of the two rarest words are compared, as far as both were read; where one of them is much rarer, its rows are looked up
//! among those of the others instead. Either way a page costs much the same, and may hold fewer rows than asked for, or none, and still
//! have a next one.

use super::search::{COMPARED, Hits, Key, LOOKED_UP, MOST, MOST_BEGUN, MOST_SORTED, Total, Words, after_sql, past};
use crate::Result;
use crate::page::Cursor;
use crate::store::Scope;
use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::sql_query;
use diesel::sql_types::{Array, BigInt, Nullable, Text, Timestamptz, Uuid};

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

/// An instant beyond all rows.
const NEWEST: Cursor = Cursor { at: DateTime::<Utc>::MAX_UTC, id: uuid::Uuid::max() };

/// How far the newest rows of a word go. The older, the rarer the word; `None` is beyond its oldest row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Reach {
    compared: Option<Cursor>,
    looked_up: Option<Cursor>,
}

#[derive(QueryableByName)]
struct ReachRow {
    #[diesel(sql_type = Nullable<Timestamptz>)]
    compared_at: Option<DateTime<Utc>>,
    #[diesel(sql_type = Nullable<Uuid>)]
    compared_id: Option<uuid::Uuid>,
    #[diesel(sql_type = Nullable<Timestamptz>)]
    looked_up_at: Option<DateTime<Utc>>,
    #[diesel(sql_type = Nullable<Uuid>)]
    looked_up_id: Option<uuid::Uuid>,
}

impl From<ReachRow> for Reach {
    fn from(row: ReachRow) -> Self {
        let cursor = |at: Option<DateTime<Utc>>, id: Option<uuid::Uuid>| at.zip(id).map(|(at, id)| Cursor { at, id });
        Self { compared: cursor(row.compared_at, row.compared_id), looked_up: cursor(row.looked_up_at, row.looked_up_id) }
    }
}

/// A word of a search of several.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Word<'w> {
    Whole(&'w str),
    /// The one that is only begun.
    Begun,
}

impl<'w> Word<'w> {
    const fn whole(&self) -> Option<&'w str> {
        match self {
            Self::Whole(word) => Some(word),
            Self::Begun => None,
        }
    }
}

/// What is done for one page: the rows of a word in their order, those that another has as well, and the words that each is looked up for.
struct Step<'w> {
    rows_of: Word<'w>,
    compared_with: Option<Word<'w>>,
    looked_up: Vec<Word<'w>>,
    /// The last row that is looked at, where there may be more.
    until: Option<Cursor>,
}

impl Terms {
    /// The newest rows after `after` that have all the words, `take` at the most.
    pub(super) fn find(&self, scope: &mut Scope<'_>, words: &Words, after: Option<Cursor>, take: i64) -> Result<Hits> {
        let begun = words.begun.as_deref();
        let terms = begun.map_or_else(|| Ok(Vec::new()), |begun| self.terms(scope, begun))?;
        let (only, is_one) = (terms.first().map(String::as_str), terms.len() == 1);
        // One that nothing else begins with is as good as whole.
        let whole: Vec<&str> = words.whole.iter().map(String::as_str).chain(only.filter(|_| is_one)).collect();
        let found = |keys| Ok(Hits::new(keys, take, None));
        match (begun, whole.as_slice()) {
            (Some(_), _) if terms.is_empty() => found(Vec::new()),
            (Some(begun), []) if i64::try_from(terms.len()).is_ok_and(|many| many > MOST_BEGUN) => {
                self.alone(scope, begun, after, take)
            }
            (Some(_), []) => found(self.newest(scope, &terms, after, take)?),
            (begun, [word]) if is_one || begun.is_none() => found(self.newest(scope, &[(*word).to_owned()], after, take)?),
            _ => {
                let begun = begun.filter(|_| !is_one);
                let Some(step) = self.step(scope, &whole, begun, after)? else { return found(Vec::new()) };
                Ok(Hits::new(self.load(scope, &step, begun, after, take)?, take, step.until))
            }
        }
    }

    /// The words that begin so, one more than are read each by itself.
    fn terms(&self, scope: &mut Scope<'_>, begun: &str) -> Result<Vec<String>> {
        #[derive(QueryableByName)]
        struct Row {
            #[diesel(sql_type = Text)]
            term: String,
        }
        let Self { table, .. } = self;
        // From each word to the one that comes next, whatever number of rows it has.
        let next = |from: &str| {
            format!(
                "SELECT t.term FROM {table} AS t WHERE t.tenant_id = $1 AND t.term {from} AND t.term < $3 ORDER BY t.term LIMIT 1"
            )
        };
        let rows: Vec<Row> = sql_query(format!(
            "WITH RECURSIVE b (term, n) AS (SELECT ({}), 1::bigint UNION ALL SELECT ({}), b.n + 1 FROM b WHERE b.term IS NOT NULL AND b.n <= $4) \
             SELECT b.term FROM b WHERE b.term IS NOT NULL",
            next(">= $2"),
            next("> b.term")
        ))
        .bind::<Uuid, _>(scope.tenant)
        .bind::<Text, _>(begun)
        .bind::<Text, _>(past(begun))
        .bind::<BigInt, _>(MOST_BEGUN)
        .load(scope.conn)?;
        Ok(rows.into_iter().map(|row| row.term).collect())
    }

    /// The newest rows that have one of these words.
    fn newest(&self, scope: &mut Scope<'_>, terms: &[String], after: Option<Cursor>, take: i64) -> Result<Vec<Cursor>> {
        let Self { table, id, .. } = self;
        let start = after.unwrap_or(NEWEST);
        let keys: Vec<Key> = sql_query(format!(
            "SELECT DISTINCT t.created_at, t.id FROM unnest($4::text[]) AS w (term) CROSS JOIN LATERAL \
             (SELECT t.created_at, t.{id} AS id FROM {table} AS t WHERE t.tenant_id = $1 AND t.term = w.term{} \
             ORDER BY t.created_at DESC, t.{id} DESC LIMIT $5) AS t ORDER BY t.created_at DESC, t.id DESC LIMIT $5",
            after_sql(after, id)
        ))
        .bind::<Uuid, _>(scope.tenant)
        .bind::<Timestamptz, _>(start.at)
        .bind::<Uuid, _>(start.id)
        .bind::<Array<Text>, _>(terms)
        .bind::<BigInt, _>(take)
        .load(scope.conn)?;
        Ok(keys.into_iter().map(Cursor::from).collect())
    }

    /// How many rows there are of a word that is only begun, counted no further than they are sorted.
    fn begun_so(&self, scope: &mut Scope<'_>, begun: &str) -> Result<i64> {
        let Self { table, .. } = self;
        // In the order of the key, so that nothing but the key is read, and no more of it than is counted.
        let counted: Total = sql_query(format!(
            "SELECT count(*) AS total FROM (SELECT FROM {table} AS t WHERE t.tenant_id = $1 AND t.term >= $2 AND t.term < $3 \
             ORDER BY t.term LIMIT $4) AS t"
        ))
        .bind::<Uuid, _>(scope.tenant)
        .bind::<Text, _>(begun)
        .bind::<Text, _>(past(begun))
        .bind::<BigInt, _>(MOST_SORTED + 1)
        .get_result(scope.conn)?;
        Ok(counted.total)
    }

    /// The newest rows of a single word that many begin with: all of them are sorted, or the newest rows of all looked at.
    fn alone(&self, scope: &mut Scope<'_>, begun: &str, after: Option<Cursor>, take: i64) -> Result<Hits> {
        let Self { table, id, newest } = self;
        let is_many = self.begun_so(scope, begun)? > MOST_SORTED;
        let begins_so = "t.tenant_id = $1 AND t.term >= $4 AND t.term < $5";
        let looked_at = format!(
            "SELECT t.created_at, t.id FROM {newest} t.tenant_id = $1{} ORDER BY t.created_at DESC, t.id DESC LIMIT {MOST}",
            after_sql(after, "id")
        );
        let sql = if is_many {
            format!(
                "SELECT n.created_at, n.id FROM ({looked_at}) AS n WHERE EXISTS (SELECT FROM (SELECT FROM {table} AS t \
                 WHERE {begins_so} AND t.{id} = n.id OFFSET 0) AS t) ORDER BY n.created_at DESC, n.id DESC LIMIT $6"
            )
        } else {
            format!(
                "SELECT DISTINCT t.created_at, t.{id} AS id FROM {table} AS t WHERE {begins_so}{} ORDER BY 1 DESC, 2 DESC LIMIT $6",
                after_sql(after, id)
            )
        };
        let (tenant, start) = (scope.tenant, after.unwrap_or(NEWEST));
        let mut ask = |sql: String, take: i64| -> Result<Vec<Cursor>> {
            let keys: Vec<Key> = sql_query(sql)
                .bind::<Uuid, _>(tenant)
                .bind::<Timestamptz, _>(start.at)
                .bind::<Uuid, _>(start.id)
                .bind::<Text, _>(begun)
                .bind::<Text, _>(past(begun))
                .bind::<BigInt, _>(take)
                .load(scope.conn)?;
            Ok(keys.into_iter().map(Cursor::from).collect())
        };
        let last =
            format!("SELECT n.created_at, n.id FROM ({looked_at}) AS n ORDER BY 1 DESC, 2 DESC OFFSET {} LIMIT $6", MOST - 1);
        let cut = if is_many { ask(last, 1)?.pop() } else { None };
        Ok(Hits::new(ask(sql, take)?, take, cut))
    }

    /// How far the newest rows of each of these words go.
    fn reaches(&self, scope: &mut Scope<'_>, whole: &[&str], after: Option<Cursor>) -> Result<Vec<Reach>> {
        let Self { table, id, .. } = self;
        let start = after.unwrap_or(NEWEST);
        let nth = format!(
            "(SELECT t.created_at, t.{id} AS id FROM {table} AS t WHERE t.tenant_id = $1 AND t.term = w.term{} \
             ORDER BY t.created_at DESC, t.{id} DESC OFFSET ",
            after_sql(after, id)
        );
        let rows: Vec<ReachRow> = sql_query(format!(
            "SELECT c.created_at AS compared_at, c.id AS compared_id, l.created_at AS looked_up_at, l.id AS looked_up_id \
             FROM unnest($4::text[]) WITH ORDINALITY AS w (term, place) LEFT JOIN LATERAL {nth} {}) AS c ON true \
             LEFT JOIN LATERAL {nth} {}) AS l ON true ORDER BY w.place",
            format_args!("{} LIMIT 1", COMPARED - 1),
            format_args!("{} LIMIT 1", LOOKED_UP - 1),
        ))
        .bind::<Uuid, _>(scope.tenant)
        .bind::<Timestamptz, _>(start.at)
        .bind::<Uuid, _>(start.id)
        .bind::<Array<Text>, _>(whole)
        .load(scope.conn)?;
        Ok(rows.into_iter().map(Reach::from).collect())
    }

    /// What is done for a page of those that have several words; `None` without a word.
    fn step<'w>(
        &self,
        scope: &mut Scope<'_>,
        whole: &[&'w str],
        begun: Option<&str>,
        after: Option<Cursor>,
    ) -> Result<Option<Step<'w>>> {
        let reaches = self.reaches(scope, whole, after)?;
        let mut words: Vec<(Reach, Word<'w>)> = reaches.into_iter().zip(whole.iter().map(|word| Word::Whole(word))).collect();
        let total = begun.map(|begun| self.begun_so(scope, begun)).transpose()?;
        // Its rows are not in the order of their instants: all are read, or each is looked up.
        let is_read = total.is_some_and(|total| total <= MOST_SORTED);
        if is_read {
            let looked_up = total.filter(|total| *total > LOOKED_UP).map(|_| NEWEST);
            words.push((Reach { compared: None, looked_up }, Word::Begun));
        }
        words.sort_by_key(|(reach, _)| *reach);
        let [(reach, rarest), others @ ..] = words.as_slice() else { return Ok(None) };
        let mut step = Step { rows_of: *rarest, compared_with: None, looked_up: Vec::new(), until: reach.looked_up };
        let mut others = others;
        if let [(next, word), rest @ ..] = others
            && reach.looked_up >= next.compared
        {
            // The rows of the first are read in their order, and only until a page is full.
            let (rows_of, with) = if *word == Word::Begun { (*rarest, *word) } else { (*word, *rarest) };
            (step.rows_of, step.compared_with, step.until) = (rows_of, Some(with), next.compared);
            others = rest;
        }
        step.looked_up = others.iter().map(|(_, word)| *word).collect();
        step.looked_up.extend((total.is_some() && !is_read).then_some(Word::Begun));
        Ok(Some(step))
    }

    /// The keys of a page of those that have several words.
    fn load(
        &self,
        scope: &mut Scope<'_>,
        step: &Step<'_>,
        begun: Option<&str>,
        after: Option<Cursor>,
        take: i64,
    ) -> Result<Vec<Cursor>> {
        let Self { table, id, .. } = self;
        let begins_so = "t.term >= $9 AND t.term < $10";
        let until =
            step.until.map_or_else(String::new, |_| format!(" AND t.created_at >= $4 AND (t.created_at > $4 OR t.{id} >= $5)"));
        let within = format!("{}{until}", after_sql(after, id));
        // With a limit, beyond what there can be, the planner knows that a set fits into memory.
        let rows = |word: Word<'_>, is_word: &str| match word {
            Word::Whole(_) => format!(
                "SELECT t.created_at, t.{id} AS id FROM {table} AS t WHERE t.tenant_id = $1 AND {is_word}{within} \
                 ORDER BY t.created_at DESC, t.{id} DESC LIMIT {}",
                2 * COMPARED
            ),
            Word::Begun => format!(
                "SELECT DISTINCT t.created_at, t.{id} AS id FROM {table} AS t WHERE t.tenant_id = $1 AND {begins_so}{within} LIMIT {}",
                2 * MOST_SORTED
            ),
        };
        let looked_up = |is_word: &str| {
            format!(
                " AND EXISTS (SELECT FROM (SELECT FROM {table} AS t WHERE t.tenant_id = $1 AND {is_word} AND t.{id} = r.id OFFSET 0) AS t)"
            )
        };
        let mut sql = format!("SELECT r.created_at, r.id FROM ({}) AS r WHERE true", rows(step.rows_of, "t.term = $6"));
        if let Some(with) = step.compared_with {
            // As a value it is read once, into a hash table; as a condition it could become a join of each row with each other.
            sql.push_str(&format!(" AND coalesce((r.created_at, r.id) IN ({}), false)", rows(with, "t.term = $7")));
        }
        let whole: Vec<&str> = step.looked_up.iter().filter_map(Word::whole).collect();
        // By the instant, which words have from their text: the rows of one word lie together, those of one text all over the table.
        let nth = |n| looked_up(&format!("t.term = ($8::text[])[{n}] AND t.created_at = r.created_at"));
        (1..=whole.len()).for_each(|n| sql.push_str(&nth(n)));
        if step.looked_up.contains(&Word::Begun) {
            sql.push_str(&looked_up(begins_so));
        }
        sql.push_str(" ORDER BY r.created_at DESC, r.id DESC LIMIT $11");
        let begun = begun.unwrap_or_default();
        let (start, end) = (after.unwrap_or(NEWEST), step.until.unwrap_or(NEWEST));
        let keys: Vec<Key> = sql_query(sql)
            .bind::<Uuid, _>(scope.tenant)
            .bind::<Timestamptz, _>(start.at)
            .bind::<Uuid, _>(start.id)
            .bind::<Timestamptz, _>(end.at)
            .bind::<Uuid, _>(end.id)
            .bind::<Text, _>(step.rows_of.whole().unwrap_or_default())
            .bind::<Text, _>(step.compared_with.as_ref().and_then(Word::whole).unwrap_or_default())
            .bind::<Array<Text>, _>(whole)
            .bind::<Text, _>(begun)
            .bind::<Text, _>(past(begun))
            .bind::<BigInt, _>(take)
            .load(scope.conn)?;
        Ok(keys.into_iter().map(Cursor::from).collect())
    }
}
