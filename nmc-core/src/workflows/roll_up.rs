//! The roll-up: a business's figures, computed whole from its rows wherever a mark says that something has changed. docs/ANALYTICS.md
//! says what is computed.
//!
//! A round is one transaction of one business. It reads marks first and what they stand for afterwards, so that a change that is
//! committed in between is either computed or still marked; hours come from rows, days from hours, weeks and months from days.

mod piece;
mod rebuild;
mod worker;

pub use worker::{AnalyticsWorker, RolledUp, roll_up_all};

use super::figures::{Rows, latest_before, planned_for_all_values};
use crate::analytics::{ComputedBy, FORMULA, Mark, QUARTER};
use crate::store::{Store, Tenant, TenantTx};
use crate::tenants::BusinessHours;
use crate::types::Span;
use crate::{Result, Timezone};
use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use diesel::prelude::*;
use diesel::sql_query;
use diesel::sql_types::{Array, Text, Timestamptz, Uuid};
use std::collections::BTreeSet;
use worker::PAUSE;

/// Marks of one round: more than a busy day of a large business has. Where there are more, as after an import, a round computes whole days up to a
/// month instead: the marks of a log lie all over them, and each round of some would compute most of them again.
const MARKS: u16 = 10_000;

/// The rows of a kind that a piece of days has about, unless a single day has more: a second's work, where a statement may take fifteen.
const ROWS: u16 = 10_000;

/// The same, and what it is after one and after more rounds that took too long: a machine may be slow, or busy.
const SIZES: [u16; 3] = [ROWS, ROWS / 10, ROWS / 100];

/// The rows of a round after so many that took too long.
fn size_after(too_long: usize) -> u16 {
    SIZES.get(too_long).or(SIZES.last()).copied().unwrap_or(ROWS)
}

/// The most marked hours in one round; where there are more, it computes whole days, too.
const HOURS: usize = 200;

/// The most stretches of marked hours in one round; where there are more, it computes whole days, too. A statement looks for the rows of
/// each stretch by itself.
const STRETCHES: usize = 100;

/// How far ahead of now an instant can be: clocks of others go wrong.
const AHEAD: TimeDelta = TimeDelta::days(366);

/// How long the figures of hours are kept at least; those of days, weeks and months are kept for good.
pub(super) const HOURS_KEPT: TimeDelta = TimeDelta::days(400);

/// Computes a part of what is marked of one business, or is to be computed anew: some marks, and a month or days of it; less of it where that
/// takes too long. Returns how many hours were computed; `None` when another process has the business in hand, or one of a newer version computes
/// its figures: that computes them.
///
/// # Errors
/// [`crate::Error::Unavailable`] or [`crate::Error::Internal`].
pub fn roll_up(store: &Store, tenant: &Tenant) -> Result<Option<usize>> {
    let mut smaller = SIZES.into_iter().skip(1);
    let mut rows = ROWS;
    loop {
        match store.worker(tenant, |tx| round(tx, rows)) {
            Err(error) if error.is_timeout() => rows = smaller.next().ok_or(error)?,
            done => return Ok(done?.map(|round| round.hours)),
        }
    }
}

/// What a round came to.
struct Round {
    hours: usize,
    /// Whether marks are left.
    has_more: bool,
    /// Whether that was all: no mark is left, and nothing to be computed anew.
    is_all: bool,
}

/// The most rounds that a request waits for.
const ROUNDS: usize = 5;

/// Computes all that is marked of a business whose figures are not being computed anew; whether that was all.
pub(super) fn catch_up(tx: &mut TenantTx<'_>) -> Result<bool> {
    if tx.analytics_roll_ups().find()?.is_none_or(|state| state.rebuild_before.is_some()) {
        return Ok(true);
    }
    for _ in 0..ROUNDS {
        match round(tx, ROWS)? {
            Some(round) if round.has_more => {}
            came => return Ok(came.is_some()),
        }
    }
    Ok(false)
}

/// A round of about so many rows of a kind.
fn round(tx: &mut TenantTx<'_>, rows: u16) -> Result<Option<Round>> {
    let tenant = tx.tenants().get()?;
    let by = ComputedBy {
        timezone: tenant.timezone,
        business_hours_start: tenant.business_hours_start,
        business_hours_end: tenant.business_hours_end,
        formula: FORMULA,
    };
    let all = tx.now() + AHEAD;
    let Some(state) = tx.analytics_roll_ups().hold(by, all)? else {
        return Ok(None);
    };
    // By the formulas of a newer version, which computes what is marked: each would forget all that the other has computed.
    if state.formula > FORMULA {
        return Ok(None);
    }
    // Read when the figures are in hand: whoever changes a holiday now waits, and has them computed anew afterwards.
    let holidays = tx.tenants().business_hours()?.holidays;
    let hours = BusinessHours::new(by.business_hours_start, by.business_hours_end, by.timezone).closed_on(holidays);
    let mut rebuild = state.rebuild_before;
    if state.computed_by() != by {
        tx.metrics().forget_computed()?;
        tx.kpi_snapshots().forget_computed()?;
        rebuild = Some(all);
    }
    let mut marks = tx.analytics_marks().some(MARKS)?;
    let mut dirty = hours_of(hours.zone, &instants(tx, &marks)?);
    // What lies on one day can't be made less of.
    let days = || dirty.iter().filter_map(|hour| hours.zone.date(hour.from)).collect::<BTreeSet<_>>().len();
    let is_much = (rows < ROWS && days() > 1) || dirty.len() > HOURS || runs(dirty.iter().copied()).len() > STRETCHES;
    let mut has_more = is_much || marks.len() >= usize::from(MARKS);
    if has_more && let Some(piece) = piece_of_marks(tx, rows, hours.zone)? {
        marks = tx.analytics_marks().take(piece, MARKS)?;
        let mut elsewhere = instants(tx, &marks)?;
        elsewhere.retain(|at| !piece.contains(*at));
        tx.analytics_marks().create(&elsewhere)?;
        has_more = !tx.analytics_marks().some(1)?.is_empty();
        dirty = hours_in(hours.zone, piece).into_iter().collect();
        // In zones that are odd by minutes, a quarter of an hour may begin on the day before.
        dirty.extend(hours_of(hours.zone, &[piece.from - TimeDelta::microseconds(1)]));
    }
    if let Some(before) = rebuild {
        let last = latest_before(tx, before)?.and_then(|at| hours.zone.date(at));
        let month = last.and_then(|date| hours.zone.month(date));
        let piece = month.map(|month| tx.piece_before(month.until.min(before), rows, hours.zone)).transpose()?.flatten();
        dirty.extend(piece.into_iter().flat_map(|piece| hours_in(hours.zone, piece)));
        rebuild = piece.map(|piece| piece.from);
    }
    // Of days whose hours are kept no longer, all of them are wanted.
    let old = tx.now() - HOURS_KEPT;
    let days: BTreeSet<NaiveDate> =
        dirty.iter().filter(|hour| hour.from < old).filter_map(|hour| hours.zone.date(hour.from)).collect();
    dirty.extend(days.into_iter().filter_map(|date| hours.zone.day(date)).flat_map(|day| hours.zone.hours(day)));
    if !dirty.is_empty() {
        planned_for_all_values(tx, |tx| compute(tx, &hours, &dirty))?;
    }
    tx.analytics_marks().delete(&marks)?;
    // Figures of which something is still marked are as old as before, and due at once.
    let up_to = if has_more { state.rolled_up_at } else { tx.now() };
    tx.analytics_roll_ups().note(by, up_to, rebuild)?;
    Ok(Some(Round { hours: dirty.len(), has_more, is_all: !has_more && rebuild.is_none() }))
}

/// The days that have the mark that has waited longest: of the pieces of its month, which end with the month's last day that is marked. So each
/// mark has its turn, whatever comes meanwhile.
fn piece_of_marks(tx: &mut TenantTx<'_>, rows: u16, zone: Timezone) -> Result<Option<Span>> {
    // A day begins within its first quarter of an hour where zones are odd by minutes.
    let date = |at: DateTime<Utc>| zone.date(at + QUARTER - TimeDelta::microseconds(1));
    let first = tx.analytics_marks().longest_waiting()?.and_then(date);
    let Some((month, first)) = first.and_then(|first| Some((zone.month(first)?, zone.day(first)?))) else { return Ok(None) };
    let last = tx.analytics_marks().latest_in(month)?.and_then(date).and_then(|date| zone.day(date)).unwrap_or(first);
    let mut piece = tx.piece_before(last.until, rows, zone)?;
    // A piece has a day at least: there are no more of them than days.
    while let Some(after) = piece.filter(|piece| piece.from > first.from) {
        piece = tx.piece_before(after.from, rows, zone)?;
    }
    Ok(piece)
}

/// When what is marked happened: the marks' own instants, and those of the conversations that they name and of their calls.
fn instants(tx: &mut TenantTx<'_>, marks: &[Mark]) -> Result<Vec<DateTime<Utc>>> {
    #[derive(QueryableByName)]
    struct At {
        #[diesel(sql_type = Timestamptz)]
        at: DateTime<Utc>,
    }
    let mut subjects: Vec<uuid::Uuid> = marks.iter().filter_map(|mark| mark.subject_id).collect();
    subjects.sort_unstable();
    subjects.dedup();
    let mut instants: Vec<DateTime<Utc>> =
        marks.iter().flat_map(|mark| [mark.marked_at, mark.marked_at + QUARTER - TimeDelta::microseconds(1)]).collect();
    if !subjects.is_empty() {
        let of_subjects: Vec<At> = sql_query(
            "SELECT c.created_at AS at FROM conversations AS c WHERE c.tenant_id = $1 AND c.id = ANY ($2)
             UNION
             SELECT coalesce(c.started_at, c.created_at) FROM calls AS c WHERE c.tenant_id = $1 AND c.conversation_id = ANY ($2)",
        )
        .bind::<Uuid, _>(tx.0.tenant)
        .bind::<Array<Uuid>, _>(subjects)
        .load(tx.0.conn)?;
        instants.extend(of_subjects.into_iter().map(|row| row.at));
    }
    Ok(instants)
}

/// The hours that these instants lie in.
fn hours_of(zone: Timezone, instants: &[DateTime<Utc>]) -> BTreeSet<Span> {
    let dates: BTreeSet<NaiveDate> = instants.iter().filter_map(|at| zone.date(*at)).collect();
    let hours: Vec<Span> = dates.into_iter().filter_map(|date| zone.day(date)).flat_map(|day| zone.hours(day)).collect();
    let hour_of = |at: &DateTime<Utc>| {
        let after = hours.partition_point(|hour| hour.from <= *at);
        after.checked_sub(1).and_then(|place| hours.get(place)).filter(|hour| hour.contains(*at)).copied()
    };
    instants.iter().filter_map(hour_of).collect()
}

/// The hours of a span that begins with a day.
fn hours_in(zone: Timezone, span: Span) -> Vec<Span> {
    let mut hours = Vec::new();
    let mut date = zone.date(span.from);
    while let Some(day) = date.and_then(|date| zone.day(date)).filter(|day| day.from < span.until) {
        hours.extend(zone.hours(day));
        date = date.and_then(|date| date.succ_opt());
    }
    hours
}

/// Spans that begin where others end as one.
fn runs(spans: impl IntoIterator<Item = Span>) -> Vec<Span> {
    let mut runs: Vec<Span> = Vec::new();
    for span in spans {
        match runs.last_mut() {
            Some(run) if run.until == span.from => run.until = span.until,
            _ => runs.push(span),
        }
    }
    runs
}

/// Computes these hours, and what they are part of.
fn compute(tx: &mut TenantTx<'_>, hours: &BusinessHours, dirty: &BTreeSet<Span>) -> Result<()> {
    let zone = hours.zone;
    let runs = runs(dirty.iter().copied());
    for of_each in [include_str!("roll_up/call_analytics.sql"), include_str!("roll_up/conversation_analytics.sql")] {
        sql_query(of_each)
            .bind::<Uuid, _>(tx.0.tenant)
            .bind::<Array<Timestamptz>, _>(froms(&runs))
            .bind::<Array<Timestamptz>, _>(untils(&runs))
            .bind::<Timestamptz, _>(tx.now())
            .execute(tx.0.conn)?;
    }
    let places: Vec<Span> = dirty.iter().copied().collect();
    Rows { runs: &runs, places: &places, hours }.store(tx)?;
    let dates: BTreeSet<NaiveDate> = dirty.iter().filter_map(|hour| zone.date(hour.from)).collect();
    let days: BTreeSet<Span> = dates.iter().filter_map(|date| zone.day(*date)).collect();
    let weeks: BTreeSet<Span> = dates.iter().filter_map(|date| zone.week(*date)).collect();
    let months: BTreeSet<Span> = dates.iter().filter_map(|date| zone.month(*date)).collect();
    sum_up(tx, DAYS, "hourly", "daily", &days)?;
    sum_up(tx, OF_DAYS, "daily", "weekly", &weeks)?;
    sum_up(tx, OF_DAYS, "daily", "monthly", &months)?;
    super::key_figures::keep(tx, zone, &dates)
}

/// The figures of days: sums of hours, and those by number and by person, from rows.
const DAYS: &str = concat!(
    "WITH ",
    include_str!("roll_up/sum_up.sql"),
    include_str!("roll_up/by_dimension.sql"),
    ", figures AS (SELECT * FROM sums UNION ALL SELECT * FROM by_dimension)",
    include_str!("roll_up/replace.sql")
);

/// The figures of weeks and months: sums of days.
const OF_DAYS: &str = concat!(
    "WITH ",
    include_str!("roll_up/sum_up.sql"),
    ", figures AS (SELECT * FROM sums)",
    include_str!("roll_up/replace.sql")
);

/// Sums up what is stored at one level in place of what is stored at the next.
fn sum_up(tx: &mut TenantTx<'_>, statement: &str, from: &str, to: &str, spans: &BTreeSet<Span>) -> Result<()> {
    sql_query(statement)
        .bind::<Uuid, _>(tx.0.tenant)
        .bind::<Text, _>(from)
        .bind::<Text, _>(to)
        .bind::<Array<Timestamptz>, _>(froms(spans))
        .bind::<Array<Timestamptz>, _>(untils(spans))
        .bind::<Timestamptz, _>(tx.now())
        .execute(tx.0.conn)?;
    Ok(())
}

pub(super) fn froms<'s>(spans: impl IntoIterator<Item = &'s Span>) -> Vec<DateTime<Utc>> {
    spans.into_iter().map(|span| span.from).collect()
}

pub(super) fn untils<'s>(spans: impl IntoIterator<Item = &'s Span>) -> Vec<DateTime<Utc>> {
    spans.into_iter().map(|span| span.until).collect()
}
