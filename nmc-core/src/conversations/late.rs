//! What is learnt late: what a person decided since a text was sent, and what texts have cost.

use super::Messages;
use crate::schema::{consents, messages};
use crate::store::TenantTx;
use crate::{ConsentSource, MessageId, PhoneNumber, Result, StreamEventKind};
use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::sql_query;
use diesel::sql_types::{Array, Numeric, Text, Timestamptz, Uuid};
use rust_decimal::Decimal;

/// Whether a person's consent was decided after this instant; never after `None`, which is now. A keyword decided when its text
/// was sent, which may be long before it was recorded.
pub(crate) fn is_decided_since(tx: &mut TenantTx<'_>, person: &PhoneNumber, at: Option<DateTime<Utc>>) -> Result<bool> {
    let Some(at) = at else { return Ok(false) };
    let later = consents::table
        .filter(consents::tenant_id.eq(tx.0.tenant))
        .filter(consents::customer_phone.eq_any(person.spellings()))
        .filter(consents::created_at.gt(at))
        .filter(
            consents::source.ne(ConsentSource::Keyword).or(consents::message_id.is_null()).or(diesel::dsl::exists(
                messages::table
                    .filter(messages::tenant_id.eq(tx.0.tenant))
                    .filter(messages::id.nullable().eq(consents::message_id))
                    .filter(messages::created_at.gt(at)),
            )),
        );
    Ok(diesel::select(diesel::dsl::exists(later)).get_result(tx.0.conn)?)
}

/// The cost of one text: its amount without a minus sign, and the currency's code.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct TextPrice {
    pub(crate) id: MessageId,
    pub(crate) price: Decimal,
    pub(crate) unit: String,
}

const PRICES_SQL: &str = "
    UPDATE messages AS m SET price = told.price, price_unit = told.unit, updated_at = $5
    FROM unnest($2, $3, $4) AS told (id, price, unit)
    WHERE m.tenant_id = $1 AND m.id = told.id AND m.price IS NULL";

impl Messages<'_> {
    /// Notes what texts cost that had no price so far, in one statement. How many those were.
    pub(crate) fn note_prices(&mut self, told: &[TextPrice]) -> Result<usize> {
        let ids: Vec<MessageId> = told.iter().map(|told| told.id).collect();
        let prices: Vec<Decimal> = told.iter().map(|told| told.price).collect();
        let units: Vec<&str> = told.iter().map(|told| told.unit.as_str()).collect();
        told.iter().for_each(|told| self.0.note(StreamEventKind::MessageUpdated, told.id.uuid()));
        Ok(sql_query(PRICES_SQL)
            .bind::<Uuid, _>(self.0.tenant)
            .bind::<Array<Uuid>, _>(ids)
            .bind::<Array<Numeric>, _>(prices)
            .bind::<Array<Text>, _>(units)
            .bind::<Timestamptz, _>(self.0.now())
            .execute(self.0.conn)?)
    }
}
