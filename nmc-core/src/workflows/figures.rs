//! Figures of any stretch of time, from the rows themselves: what the roll-up stores by the hour, and what may be asked without it.

use super::roll_up::{froms, untils};
use crate::analytics::{FIGURES, Figures};
use crate::page::{Cursor, Page, PageRequest};
use crate::store::TenantTx;
use crate::tenants::BusinessHours;
use crate::types::Span;
use crate::{Error, PhoneNumber, Result, UserId};
use chrono::{DateTime, TimeDelta, Utc};
use diesel::connection::SimpleConnection as _;
use diesel::prelude::*;
use diesel::sql_query;
use diesel::sql_types::{Array, BigInt, Jsonb, Nullable, Numeric, Text, Timestamptz, Uuid};
use rust_decimal::Decimal;

/// The rows that figures come from, and the places where they are put.
pub(super) struct Rows<'r> {
    /// The stretches whose rows are read.
    pub(super) runs: &'r [Span],
    /// What the runs consist of, in order: the figures are summed up for each.
    pub(super) places: &'r [Span],
    /// When the business is open.
    pub(super) hours: &'r BusinessHours,
}

const STORE: &str = concat!(
    "WITH ",
    include_str!("roll_up/facts.sql"),
    include_str!("roll_up/figures.sql"),
    include_str!("roll_up/store_hours.sql"),
    include_str!("roll_up/replace.sql")
);

const READ: &str = concat!(
    "WITH ",
    include_str!("roll_up/facts.sql"),
    include_str!("roll_up/figures.sql"),
    "SELECT name, sum(value) AS value FROM figures_by_place GROUP BY name"
);

const BEHIND: &str = concat!("WITH ", include_str!("roll_up/facts.sql"), include_str!("roll_up/behind.sql"));

#[derive(QueryableByName)]
struct Sum {
    #[diesel(sql_type = Text)]
    name: String,
    #[diesel(sql_type = Numeric)]
    value: Decimal,
}

macro_rules! bound {
    ($sql:expr, $rows:expr, $tx:expr) => {{
        let open = $rows.open($tx)?;
        let mut seconds = 0_i64;
        let before: Vec<i64> = open
            .iter()
            .map(|span| {
                let before = seconds;
                seconds = seconds.saturating_add((span.until - span.from).num_seconds());
                before
            })
            .collect();
        sql_query($sql)
            .bind::<Uuid, _>($tx.0.tenant)
            .bind::<Array<Timestamptz>, _>(froms($rows.runs))
            .bind::<Array<Timestamptz>, _>(untils($rows.runs))
            .bind::<Array<Timestamptz>, _>(froms($rows.places))
            .bind::<Array<Timestamptz>, _>(untils($rows.places))
            .bind::<Array<Timestamptz>, _>(froms(&open))
            .bind::<Array<Timestamptz>, _>(untils(&open))
            .bind::<Array<BigInt>, _>(before)
            .bind::<Timestamptz, _>($tx.now())
    }};
}

impl Rows<'_> {
    /// Puts the figures in place of those that are stored of these hours.
    pub(super) fn store(&self, tx: &mut TenantTx<'_>) -> Result<()> {
        bound!(STORE, self, tx).execute(tx.0.conn)?;
        Ok(())
    }

    fn read(&self, tx: &mut TenantTx<'_>) -> Result<Figures> {
        let sums: Vec<Sum> = planned_for_all_values(tx, |tx| Ok(bound!(READ, self, tx).load(tx.0.conn)?))?;
        Ok(sums.into_iter().map(|sum| (sum.name, sum.value)).collect())
    }

    /// When the business is open, from the opening of the first conversation that is resolved in these runs until now.
    fn open(&self, tx: &mut TenantTx<'_>) -> Result<Vec<Span>> {
        let opened: At = sql_query(
            "SELECT min(c.created_at) AS at FROM unnest($2::timestamptz[], $3::timestamptz[]) AS span (since, before)
             JOIN conversations AS c ON c.tenant_id = $1 AND c.closed_at >= span.since AND c.closed_at < span.before",
        )
        .bind::<Uuid, _>(tx.0.tenant)
        .bind::<Array<Timestamptz>, _>(froms(self.runs))
        .bind::<Array<Timestamptz>, _>(untils(self.runs))
        .get_result(tx.0.conn)?;
        let now = tx.now();
        let from = self.runs.iter().map(|run| run.from).chain(opened.at).min().unwrap_or(now);
        let until = self.runs.iter().map(|run| run.until).max().unwrap_or(now).max(now);
        Ok(self.hours.open_spans(Span { from, until: until + TimeDelta::days(1) }))
    }
}

/// Does work whose statements are planned for all values. Of a business whose first figures are computed the statistics know nothing: planned for
/// its own id, a look-up would seem to cost less by an index that begins with the tenant and goes on with something else, and read all of its
/// rows.
pub(super) fn planned_for_all_values<T>(tx: &mut TenantTx<'_>, work: impl FnOnce(&mut TenantTx<'_>) -> Result<T>) -> Result<T> {
    tx.0.conn.batch_execute("SET LOCAL plan_cache_mode = force_generic_plan")?;
    let done = work(tx)?;
    tx.0.conn.batch_execute("SET LOCAL plan_cache_mode TO DEFAULT")?;
    Ok(done)
}

/// An instant, if there is one.
#[derive(QueryableByName)]
pub(super) struct At {
    #[diesel(sql_type = Nullable<Timestamptz>)]
    pub(super) at: Option<DateTime<Utc>>,
}

/// The figures of a stretch of time, from the rows as they are in this transaction, whatever is stored of them.
///
/// # Errors
/// [`crate::Error::Unavailable`] or [`crate::Error::Internal`].
pub fn figures(tx: &mut TenantTx<'_>, span: Span) -> Result<Figures> {
    let hours = tx.tenants().business_hours()?;
    Rows { runs: &[span], places: &[span], hours: &hours }.read(tx)
}

/// The kind of a row that counts in a figure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize), serde(rename_all = "snake_case"))]
#[non_exhaustive]
pub enum CountedKind {
    /// A call.
    Call,
    /// A conversation.
    Conversation,
    /// A text.
    Message,
    /// An entry of the consents.
    Consent,
}

impl CountedKind {
    /// The name of the kind.
    #[must_use]
    pub const fn label(self) -> &'static str {
        match self {
            Self::Call => "call",
            Self::Conversation => "conversation",
            Self::Message => "message",
            Self::Consent => "consent",
        }
    }
}

/// A row that counts in a figure.
#[derive(Debug, Clone, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[cfg_attr(not(feature = "testing"), non_exhaustive)]
pub struct Counted {
    /// The kind of the row.
    pub kind: CountedKind,
    /// The id of the row.
    pub id: uuid::Uuid,
    /// The instant that it belongs to.
    pub at: DateTime<Utc>,
    /// What it counts, by the name of the figure.
    pub counts: Figures,
}

#[derive(QueryableByName)]
struct Behind {
    #[diesel(sql_type = Text)]
    kind: String,
    #[diesel(sql_type = Uuid)]
    id: uuid::Uuid,
    #[diesel(sql_type = Timestamptz)]
    at: DateTime<Utc>,
    #[diesel(sql_type = Jsonb)]
    counts: serde_json::Value,
}

impl Behind {
    fn counted(self) -> Result<Counted> {
        let kind = match self.kind.as_str() {
            "call" => CountedKind::Call,
            "conversation" => CountedKind::Conversation,
            "message" => CountedKind::Message,
            _ => CountedKind::Consent,
        };
        let counts: std::collections::BTreeMap<String, String> = serde_json::from_value(self.counts).map_err(Error::internal)?;
        let counts = counts
            .into_iter()
            .map(|(name, value)| Ok((name, Decimal::from_str_exact(&value).map_err(Error::internal)?)))
            .collect::<Result<Figures>>()?;
        Ok(Counted { kind, id: self.id, at: self.at, counts })
    }
}

/// The figures of a stretch of whole days as they are stored. It may end later than now. `None` where it does not begin or end with a day of the
/// zone by which they were computed, nothing was computed yet, or a part of them is still to be computed anew.
///
/// # Errors
/// [`Error::Unavailable`] or [`Error::Internal`].
pub fn stored_figures(tx: &mut TenantTx<'_>, names: &[&str], span: Span) -> Result<Option<Figures>> {
    let Some(state) = tx.analytics_roll_ups().find()? else { return Ok(None) };
    if state.rebuild_before.is_some_and(|before| before > span.from) {
        return Ok(None);
    }
    let day = |at| state.timezone.date(at).and_then(|date| state.timezone.day(date));
    let is_begin = |at| day(at).is_some_and(|day| day.from == at);
    if !is_begin(span.from) || !is_begin(span.until) && span.until < tx.now() {
        return Ok(None);
    }
    tx.metrics().sums_of_days(names, span).map(Some)
}

/// A figure by number or by person, as it is named: the figure, and which of them.
fn by_dimension(name: &str) -> Option<(&str, String)> {
    let (figure, of) = name.split_once('/')?;
    let of = match figure {
        "nmc.calls_inbound" | "nmc.calls_answered" | "nmc.calls_unanswered" => of.parse::<PhoneNumber>().ok()?.to_string(),
        "nmc.conversations_opened" | "nmc.conversations_resolved" => of.parse::<UserId>().ok()?.to_string(),
        _ => return None,
    };
    Some((figure, of))
}

/// The rows behind these figures in a stretch of time, in the order of their instants: up to `limit` (1 to 1,000), after the one that is
/// given. A figure by number or by person, like `nmc.calls_inbound/+15550100`, stands by itself.
///
/// # Errors
/// [`Error::Invalid`] when `limit` is out of range, or a name is none of [`crate::analytics::FIGURES`] nor one by number or person;
/// [`Error::Unavailable`] or [`Error::Internal`].
pub fn behind(
    tx: &mut TenantTx<'_>,
    names: &[&str],
    span: Span,
    after: Option<(DateTime<Utc>, uuid::Uuid)>,
    limit: u16,
) -> Result<Vec<Counted>> {
    if !(1..=1_000).contains(&limit) {
        return Err(Error::invalid("limit", "must be between 1 and 1000"));
    }
    let (one, names) = match names {
        [name] if name.contains('/') => {
            let found = by_dimension(name).ok_or_else(|| Error::invalid("figure", NO_FIGURE))?;
            (Some((*name, found.1)), vec![found.0])
        }
        _ => (None, names.to_vec()),
    };
    if !names.iter().all(|name| FIGURES.contains(name)) {
        return Err(Error::invalid("figure", NO_FIGURE));
    }
    let (at, id) = after.unwrap_or((DateTime::UNIX_EPOCH - TimeDelta::days(36_500), uuid::Uuid::nil()));
    let hours = tx.tenants().business_hours()?;
    let rows = Rows { runs: &[span], places: &[span], hours: &hours };
    let found: Vec<Behind> = planned_for_all_values(tx, |tx| {
        let query = bound!(BEHIND, rows, tx)
            .bind::<Array<Text>, _>(&names)
            .bind::<BigInt, _>(i64::from(limit))
            .bind::<Timestamptz, _>(at)
            .bind::<Uuid, _>(id)
            .bind::<Nullable<Text>, _>(one.as_ref().map(|(_, of)| of));
        Ok(query.load(tx.0.conn)?)
    })?;
    let counted = found.into_iter().map(Behind::counted);
    let Some((name, _)) = one else { return counted.collect() };
    let named = |row: Counted| Counted { counts: row.counts.iter().map(|(_, value)| (name.to_owned(), value)).collect(), ..row };
    counted.map(|row| row.map(named)).collect()
}

/// A page of the rows behind these figures in a stretch of time, in the order of their instants.
///
/// # Errors
/// [`Error::Unavailable`] or [`Error::Internal`].
pub fn behind_page(tx: &mut TenantTx<'_>, names: &[&str], span: Span, page: PageRequest) -> Result<Page<Counted>> {
    let fetch = u16::try_from(page.fetch()).map_err(Error::internal)?;
    let rows = behind(tx, names, span, page.cursor().map(|cursor| (cursor.at, cursor.id)), fetch)?;
    Ok(Page::from_rows(rows, page, |row| Cursor { at: row.at, id: row.id }))
}

const NO_FIGURE: &str = "must be the name of a figure, such as nmc.calls_missed";

/// When the last of what is counted happened before an instant.
pub(super) fn latest_before(tx: &mut TenantTx<'_>, before: DateTime<Utc>) -> Result<Option<DateTime<Utc>>> {
    let latest: At = sql_query(include_str!("roll_up/latest_before.sql"))
        .bind::<Uuid, _>(tx.0.tenant)
        .bind::<Timestamptz, _>(before)
        .get_result(tx.0.conn)?;
    Ok(latest.at)
}
