//! What calls have cost, which the provider knows some time after their end.

use super::Calls;
use crate::{CallId, Result, StreamEventKind};
use diesel::prelude::*;
use diesel::sql_query;
use diesel::sql_types::{Array, Numeric, Text, Timestamptz, Uuid};
use rust_decimal::Decimal;

/// The cost of one call: its amount without a minus sign, and the currency's code.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct CallPrice {
    pub(crate) id: CallId,
    pub(crate) price: Decimal,
    pub(crate) unit: String,
}

const PRICES_SQL: &str = "
    UPDATE calls AS c SET price = told.price, price_unit = told.unit, updated_at = $5
    FROM unnest($2, $3, $4) AS told (id, price, unit)
    WHERE c.tenant_id = $1 AND c.id = told.id AND c.price IS NULL";

impl Calls<'_> {
    /// Notes what calls cost that had no price so far, in one statement. How many those were.
    pub(crate) fn note_prices(&mut self, told: &[CallPrice]) -> Result<usize> {
        let ids: Vec<CallId> = told.iter().map(|told| told.id).collect();
        let prices: Vec<Decimal> = told.iter().map(|told| told.price).collect();
        let units: Vec<&str> = told.iter().map(|told| told.unit.as_str()).collect();
        told.iter().for_each(|told| self.0.note(StreamEventKind::CallUpdated, told.id.uuid()));
        Ok(sql_query(PRICES_SQL)
            .bind::<Uuid, _>(self.0.tenant)
            .bind::<Array<Uuid>, _>(ids)
            .bind::<Array<Numeric>, _>(prices)
            .bind::<Array<Text>, _>(units)
            .bind::<Timestamptz, _>(self.0.now())
            .execute(self.0.conn)?)
    }
}
