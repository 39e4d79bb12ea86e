//! The piece of time that one round computes where all of it is to be computed: days of one month, with not too many rows for one transaction.

use super::super::figures::At;
use crate::store::TenantTx;
use crate::types::Span;
use crate::{Result, Timezone};
use chrono::{DateTime, TimeDelta, Utc};
use diesel::prelude::*;
use diesel::sql_query;
use diesel::sql_types::{BigInt, Timestamptz, Uuid};

impl TenantTx<'_> {
    /// The last days before an instant with which a day ends: of one month, and with about so many rows of a kind, unless a single day has
    /// more. `None` where there is no such time.
    pub(super) fn piece_before(&mut self, before: DateTime<Utc>, rows: u16, zone: Timezone) -> Result<Option<Span>> {
        let last = zone.date(before - TimeDelta::microseconds(1));
        let Some((month, last)) = last.and_then(|date| Some((zone.month(date)?, zone.day(date)?))) else { return Ok(None) };
        let full: At = sql_query(include_str!("piece.sql"))
            .bind::<Uuid, _>(self.0.tenant)
            .bind::<Timestamptz, _>(month.from)
            .bind::<Timestamptz, _>(before)
            .bind::<BigInt, _>(i64::from(rows))
            .get_result(self.0.conn)?;
        let from = match full.at {
            None => month.from,
            // What is on that day itself is left to the next piece.
            Some(at) => zone.date(at).and_then(|date| zone.day(date)).map_or(last.from, |day| day.until.min(last.from)),
        };
        Ok(Some(Span { from, until: before }))
    }
}
