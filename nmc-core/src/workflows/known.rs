//! What is recorded already of a page of the provider's list, found for all tenants at once: three statements, however many
//! calls or texts are on it.

use crate::schema::{business_settings as settings, calls, messages, phone_numbers as numbers};
use crate::store::SystemTx;
use crate::{CallId, CallScreening, CallStatus, ForwardedLegStatus, MessageId, MessageStatus, PhoneNumber, Result, TenantId};
use diesel::prelude::*;
use rust_decimal::Decimal;
use std::collections::{HashMap, HashSet};

/// A call as far as it decides whether there is news of it.
#[derive(Debug, Clone, Queryable)]
pub(super) struct KnownCall {
    pub(super) tenant: TenantId,
    pub(super) id: CallId,
    sid: Option<String>,
    pub(super) status: CallStatus,
    pub(super) leg: Option<ForwardedLegStatus>,
    pub(super) seconds: Option<i32>,
    pub(super) answered_by: Option<String>,
    pub(super) price: Option<Decimal>,
}

/// A text as far as it decides whether there is news of it.
#[derive(Debug, Clone, Queryable)]
pub(super) struct KnownText {
    pub(super) tenant: TenantId,
    pub(super) id: MessageId,
    sid: Option<String>,
    pub(super) status: MessageStatus,
    pub(super) price: Option<Decimal>,
}

/// What is recorded already of a page, by SID, and what was deleted for good.
pub(super) struct Known<T> {
    pub(super) rows: HashMap<String, Vec<T>>,
    pub(super) erased: HashSet<String>,
}

impl<T> Default for Known<T> {
    fn default() -> Self {
        Self { rows: HashMap::new(), erased: HashSet::new() }
    }
}

/// The tenants who hold, or held, each of our numbers on a page.
pub(super) type Holders = HashMap<PhoneNumber, Vec<TenantId>>;

impl KnownCall {
    /// Whether it is known who took the forwarded leg, or that it was connected.
    pub(super) fn tells_of_leg(&self) -> bool {
        self.leg.is_some() || self.answered_by.is_some()
    }
}

impl SystemTx<'_> {
    /// All that ever had a row of one of these numbers.
    fn holders(&mut self, ours: Vec<&PhoneNumber>) -> Result<Holders> {
        let rows: Vec<(PhoneNumber, TenantId)> = numbers::table
            .filter(numbers::phone_number.eq_any(ours))
            .select((numbers::phone_number, numbers::tenant_id))
            .load(self.conn)?;
        let mut holders = Holders::new();
        for (number, tenant) in rows {
            holders.entry(number).or_default().push(tenant);
        }
        Ok(holders)
    }

    /// The holders of these numbers, and which of these calls they have. Of one that was deleted nothing more is to be known.
    pub(super) fn known_calls(&mut self, ours: Vec<&PhoneNumber>, sids: Vec<&str>) -> Result<(Holders, Known<KnownCall>)> {
        let holders = self.holders(ours)?;
        if holders.is_empty() {
            return Ok((holders, Known::default()));
        }
        let erased = self.erased_among(distinct(&holders), &sids)?;
        let rows: Vec<KnownCall> = calls::table
            .filter(calls::tenant_id.eq_any(distinct(&holders)))
            .filter(calls::twilio_call_sid.eq_any(sids))
            .select((
                calls::tenant_id,
                calls::id,
                calls::twilio_call_sid,
                calls::call_status,
                calls::forwarded_leg_status,
                calls::duration_seconds,
                calls::answered_by,
                calls::price,
            ))
            .load(self.conn)?;
        Ok((holders, Known { rows: by_sid(rows, |row| row.sid.clone()), erased }))
    }

    /// The tenants among these whose forwarded calls nobody takes without pressing a key. Without a settings row that is so, too.
    pub(super) fn screened_by_key(&mut self, tenants: &[TenantId]) -> Result<Vec<TenantId>> {
        let otherwise: Vec<TenantId> = settings::table
            .filter(settings::tenant_id.eq_any(tenants))
            .filter(settings::call_screening.ne(CallScreening::KeyPress))
            .select(settings::tenant_id)
            .load(self.conn)?;
        Ok(tenants.iter().filter(|tenant| !otherwise.contains(tenant)).copied().collect())
    }

    /// The holders of these numbers, and which of these texts they have. Of one that was deleted nothing more is to be known.
    pub(super) fn known_texts(&mut self, ours: Vec<&PhoneNumber>, sids: Vec<&str>) -> Result<(Holders, Known<KnownText>)> {
        let holders = self.holders(ours)?;
        if holders.is_empty() {
            return Ok((holders, Known::default()));
        }
        let erased = self.erased_among(distinct(&holders), &sids)?;
        let rows: Vec<KnownText> = messages::table
            .filter(messages::tenant_id.eq_any(distinct(&holders)))
            .filter(messages::message_sid.eq_any(sids))
            .select((messages::tenant_id, messages::id, messages::message_sid, messages::message_status, messages::price))
            .load(self.conn)?;
        Ok((holders, Known { rows: by_sid(rows, |row| row.sid.clone()), erased }))
    }
}

fn distinct(holders: &Holders) -> Vec<TenantId> {
    let mut tenants: Vec<TenantId> = holders.values().flatten().copied().collect();
    tenants.sort();
    tenants.dedup();
    tenants
}

fn by_sid<T>(rows: Vec<T>, sid: impl Fn(&T) -> Option<String>) -> HashMap<String, Vec<T>> {
    let mut known: HashMap<String, Vec<T>> = HashMap::new();
    for row in rows {
        if let Some(sid) = sid(&row) {
            known.entry(sid).or_default().push(row);
        }
    }
    known
}
