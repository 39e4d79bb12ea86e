//! The piece of time that one round computes where all of it is to be computed: days of one month, with not too many rows for one transaction.

use super::super::figures::At;
use crate::store::TenantTx;
use crate::types::Span;
use crate::{Result, Timezone};
use chrono::{DateTime, TimeDelta, Utc};
use diesel::prelude::*;
use diesel::sql_query;
use diesel::sql_types::{BigInt, Timestamptz, Uuid};

/// The rows of a kind that a piece has about, unless a single day has more: a second's work, where a statement may take fifteen.
const ROWS: i64 = 10_000;

impl TenantTx<'_> {
    /// The last days before an instant with which a day ends: of one month. `None` where there is no such time.
    pub(super) fn piece_before(&mut self, before: DateTime<Utc>, zone: Timezone) -> Result<Option<Span>> {
        let last = zone.date(before - TimeDelta::microseconds(1));
        let Some((month, last)) = last.and_then(|date| Some((zone.month(date)?, zone.day(date)?))) else { return Ok(None) };
        let full: At = sql_query(include_str!("piece.sql"))
            .bind::<Uuid, _>(self.0.tenant)
            .bind::<Timestamptz, _>(month.from)
            .bind::<Timestamptz, _>(before)
            .bind::<BigInt, _>(ROWS)
            .get_result(self.0.conn)?;
        let from = match full.at {
            None => month.from,
            // What is on that day itself is left to the next piece.
            Some(at) => zone.date(at).and_then(|date| zone.day(date)).map_or(last.from, |day| day.until.min(last.from)),
        };
        Ok(Some(Span { from, until: before }))
    }
}
