//! Phone numbers: the row that is not released says whose call it is.

use crate::error::found;
use crate::page::{Cursor, Page, PageRequest, keyset};
use crate::schema::phone_numbers as numbers;
use crate::store::{Prepared, Scope, SystemTx, Tenant, TenantTx, stamped};
use crate::telephony::Price;
use crate::tenants::must_be_approved;
use crate::types::{json, optional, required};
use crate::{Error, NumberStatus, NumberType, Patch, PhoneNumber, PhoneNumberId, Result, StreamEventKind, TenantId, Version};
use chrono::{DateTime, Utc};
use diesel::dsl::sql;
use diesel::pg::Pg;
use diesel::prelude::*;
use diesel::sql_types::Bool;

/// One number a tenant holds, or held.
#[derive(Debug, Clone, PartialEq, HasQuery)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[cfg_attr(not(feature = "testing"), non_exhaustive)]
#[diesel(table_name = numbers, check_for_backend(Pg))]
#[expect(missing_docs, reason = "the columns are documented in the schema")]
pub struct HeldNumber {
    pub id: PhoneNumberId,
    pub tenant_id: TenantId,
    pub phone_number: PhoneNumber,
    pub twilio_phone_sid: Option<String>,
    pub status: NumberStatus,
    pub status_reason: Option<String>,
    pub capabilities: serde_json::Value,
    pub webhook_urls: serde_json::Value,
    pub area_code: Option<String>,
    pub locality: Option<String>,
    pub region: Option<String>,
    pub country: String,
    pub number_type: NumberType,
    pub provisioned_at: Option<DateTime<Utc>>,
    pub released_at: Option<DateTime<Utc>>,
    pub monthly_cost_cents: i32,
    pub setup_cost_cents: i32,
    pub currency: String,
    pub release_requested_at: Option<DateTime<Utc>>,
    pub attempts: i32,
    pub next_attempt_at: Option<DateTime<Utc>>,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
}

impl HeldNumber {
    /// Whether the number is on its way back to the provider: somebody asked for that, and it is not done yet.
    #[must_use]
    pub fn is_releasing(&self) -> bool {
        self.release_requested_at.is_some() && self.status != NumberStatus::Released
    }

    /// Whether the number can send texts, as far as is known.
    fn can_text(&self) -> bool {
        self.capabilities.get("sms").is_none_or(|sms| *sms != serde_json::Value::Bool(false) && sms.as_str() != Some("false"))
    }

    /// The version of the row.
    #[must_use]
    pub const fn version(&self) -> Version {
        Version::of(self.updated_at)
    }
}

/// A number that a tenant is to hold.
#[derive(Debug, Clone)]
pub struct NewPhoneNumber {
    /// The number itself.
    pub phone_number: PhoneNumber,
    /// The provider's SID of the number. With one the number is active at once; without one it is only an intent.
    pub twilio_phone_sid: Option<String>,
    /// The city of the number; up to 100 characters.
    pub locality: Option<String>,
    /// The state of the number; up to 50 characters.
    pub region: Option<String>,
    /// The type of the number.
    pub number_type: NumberType,
    /// The price of the number; `None` is not known, and counts as nothing.
    pub price: Option<Price>,
}

/// Changes of what is known about a number. Status and SID have verbs.
#[derive(Debug, Clone, Default)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct NumberPatch {
    /// The reason why the number is in its status; up to 1,000 characters.
    pub status_reason: Patch<String>,
    /// The city of the number; up to 100 characters.
    pub locality: Patch<String>,
    /// The state of the number; up to 50 characters.
    pub region: Patch<String>,
    /// An object that says what the number can do, such as `sms`.
    pub capabilities: Option<serde_json::Value>,
    /// An object with the webhooks that the number is configured with.
    pub webhook_urls: Option<serde_json::Value>,
    /// The monthly cost of the number, in cents.
    pub monthly_cost_cents: Option<i32>,
    /// The cost of setting up the number, in cents.
    pub setup_cost_cents: Option<i32>,
}

/// A filter of numbers. Empty means all.
#[derive(Debug, Clone, Default)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct NumberFilter {
    /// The status of the numbers.
    pub status: Option<NumberStatus>,
    /// The type of the numbers.
    pub number_type: Option<NumberType>,
    /// The area code of the numbers.
    pub area_code: Option<String>,
    /// The state of the numbers.
    pub region: Option<String>,
    /// The city of the numbers.
    pub locality: Option<String>,
}

/// The predicate of `phone_numbers_phone_number_key`, to the letter: a plan that is made once for all values can use the index
/// only where its predicate stands in the statement.
const HELD_SQL: &str = "status <> 'released'";

/// A tenant's numbers.
pub struct PhoneNumbers<'a>(pub(super) Scope<'a>);

impl TenantTx<'_> {
    /// The tenant's numbers.
    pub const fn phone_numbers(&mut self) -> PhoneNumbers<'_> {
        PhoneNumbers(self.0.reborrow())
    }
}

fn filtered<'q, ST>(mut query: numbers::BoxedQuery<'q, Pg, ST>, filter: &'q NumberFilter) -> numbers::BoxedQuery<'q, Pg, ST> {
    if let Some(status) = filter.status {
        query = query.filter(numbers::status.eq(status));
    }
    if let Some(kind) = filter.number_type {
        query = query.filter(numbers::number_type.eq(kind));
    }
    if let Some(code) = &filter.area_code {
        query = query.filter(numbers::area_code.eq(code));
    }
    if let Some(region) = &filter.region {
        query = query.filter(numbers::region.eq(region));
    }
    if let Some(locality) = &filter.locality {
        query = query.filter(numbers::locality.eq(locality));
    }
    query
}

impl SystemTx<'_> {
    /// The tenant that holds `ours` now, and whether that same tenant also holds `other`: a call between a business's own
    /// numbers. One statement.
    ///
    /// # Errors
    /// [`crate::Error::NotFound`] when nobody holds it.
    pub fn holder_of(&mut self, ours: &PhoneNumber, other: Option<&PhoneNumber>) -> Result<(Tenant, bool)> {
        let query = numbers::table
            .filter(numbers::phone_number.eq_any([Some(ours), other].into_iter().flatten()))
            .filter(sql::<Bool>(HELD_SQL))
            .select((numbers::tenant_id, numbers::phone_number));
        let held: Vec<(TenantId, PhoneNumber)> = Prepared(query).load(self.conn)?;
        let holder = held.iter().find(|(_, number)| number == ours).map(|(tenant, _)| *tenant);
        let holder = found(holder, "phone number")?;
        let own = held.iter().any(|(tenant, number)| *tenant == holder && Some(number) == other);
        Ok((Tenant::proven(holder), own))
    }
}

/// Twilio's SID of a number, as somebody typed it, without blanks around it.
///
/// # Errors
/// [`Error::Invalid`] of `twilio_phone_sid` on what can't be one.
pub fn number_sid(text: &str) -> Result<String> {
    let sid = required("twilio_phone_sid", text, 100)?;
    match sid.strip_prefix("PN") {
        Some(rest) if rest.len() == 32 && rest.bytes().all(|b| b.is_ascii_hexdigit()) => Ok(sid),
        _ => Err(Error::invalid("twilio_phone_sid", "must be PN and 32 hexadecimal digits, as Twilio shows it")),
    }
}

impl PhoneNumbers<'_> {
    /// The number's row, if it is there.
    ///
    /// # Errors
    /// [`crate::Error::Unavailable`] or [`crate::Error::Internal`].
    pub fn find(&mut self, id: PhoneNumberId) -> Result<Option<HeldNumber>> {
        Ok(HeldNumber::query()
            .filter(numbers::tenant_id.eq(self.0.tenant))
            .filter(numbers::id.eq(id))
            .first(self.0.conn)
            .optional()?)
    }

    /// The number's row.
    ///
    /// # Errors
    /// [`crate::Error::NotFound`].
    pub fn get(&mut self, id: PhoneNumberId) -> Result<HeldNumber> {
        found(self.find(id)?, "phone number")
    }

    /// The row of a number that this tenant holds now, if it does.
    ///
    /// # Errors
    /// As [`Self::find`].
    pub fn find_by_number(&mut self, number: &PhoneNumber) -> Result<Option<HeldNumber>> {
        Ok(HeldNumber::query()
            .filter(numbers::tenant_id.eq(self.0.tenant))
            .filter(numbers::phone_number.eq(number))
            .filter(numbers::status.ne(NumberStatus::Released))
            .first(self.0.conn)
            .optional()?)
    }

    /// A page of numbers, newest first.
    ///
    /// # Errors
    /// As [`Self::find`].
    pub fn list(&mut self, filter: &NumberFilter, page: PageRequest) -> Result<Page<HeldNumber>> {
        let query = filtered(HeldNumber::query().filter(numbers::tenant_id.eq(self.0.tenant)).into_boxed(), filter);
        let rows = keyset(query, page, numbers::created_at, numbers::id).load(self.0.conn)?;
        Ok(Page::from_rows(rows, page, |row: &HeldNumber| Cursor { at: row.created_at, id: row.id.uuid() }))
    }

    /// The active numbers that can send texts, newest first; as many as a page has.
    pub(crate) fn list_texting(&mut self) -> Result<Vec<HeldNumber>> {
        let active = NumberFilter { status: Some(NumberStatus::Active), ..NumberFilter::default() };
        let mut active = self.list(&active, PageRequest::new(PageRequest::MAX, None)?)?.items;
        active.retain(HeldNumber::can_text);
        Ok(active)
    }

    /// The number of phone numbers that a filter finds.
    ///
    /// # Errors
    /// As [`Self::find`].
    pub fn count(&mut self, filter: &NumberFilter) -> Result<i64> {
        let query = numbers::table.filter(numbers::tenant_id.eq(self.0.tenant)).count();
        Ok(filtered(query.into_boxed(), filter).get_result(self.0.conn)?)
    }

    /// Takes a number on: active if the provider's SID is known, else as an intent to buy it. That the SID is the number's is
    /// for the caller to find out ([`crate::telephony::owned_as`]).
    ///
    /// # Errors
    /// [`crate::Error::Conflict`] when somebody holds it, [`crate::Error::Invalid`] on a broken rule;
    /// [`crate::Error::AwaitingApproval`] for a business that no operator has approved of.
    pub fn create(&mut self, new: &NewPhoneNumber) -> Result<HeldNumber> {
        let id = PhoneNumberId::new(self.0.moment.id());
        let sid = new.twilio_phone_sid.as_deref().map(number_sid).transpose()?;
        must_be_approved(&mut self.0, "can hold no numbers")?;
        let nothing = Price { setup_cents: 0, monthly_cents: 0, currency: "USD".to_owned() };
        let price = new.price.clone().unwrap_or(nothing);
        let (status, provisioned_at) = match sid {
            Some(_) => (NumberStatus::Active, Some(self.0.now())),
            None => (NumberStatus::Provisioning, None),
        };
        self.0.note(StreamEventKind::NumberChanged, id.uuid());
        Ok(diesel::insert_into(numbers::table)
            .values((
                numbers::phone_number.eq(&new.phone_number),
                numbers::twilio_phone_sid.eq(sid),
                numbers::status.eq(status),
                numbers::provisioned_at.eq(provisioned_at),
                numbers::area_code.eq(new.phone_number.area_code()),
                numbers::locality.eq(optional("locality", new.locality.as_deref(), 100)?),
                numbers::region.eq(optional("region", new.region.as_deref(), 50)?),
                numbers::number_type.eq(new.number_type),
                numbers::setup_cost_cents.eq(price.setup_cents),
                numbers::monthly_cost_cents.eq(price.monthly_cents),
                numbers::currency.eq(required("currency", &price.currency, 3)?),
                stamped!(numbers, self.0, id),
            ))
            .returning(HeldNumber::as_returning())
            .get_result(self.0.conn)?)
    }

    /// The number was bought: it is active from now on, under the provider's SID.
    ///
    /// # Errors
    /// [`crate::Error::NotFound`]; [`crate::Error::InvalidTransition`], which changes nothing; [`crate::Error::Conflict`] on a
    /// SID that is recorded already.
    pub fn activate(&mut self, id: PhoneNumberId, sid: &str) -> Result<HeldNumber> {
        let sid = number_sid(sid)?;
        let before = self.lock(id)?;
        before.status.must_become(NumberStatus::Active)?;
        let now = self.0.now();
        self.0.note(StreamEventKind::NumberChanged, id.uuid());
        Ok(diesel::update(numbers::table)
            .filter(numbers::tenant_id.eq(self.0.tenant))
            .filter(numbers::id.eq(id))
            .filter(numbers::status.eq(before.status))
            .set((
                numbers::status.eq(NumberStatus::Active),
                numbers::status_reason.eq(None::<String>),
                numbers::twilio_phone_sid.eq(sid),
                numbers::provisioned_at.eq(before.provisioned_at.unwrap_or(now)),
                numbers::updated_at.eq(now),
            ))
            .returning(HeldNumber::as_returning())
            .get_result(self.0.conn)?)
    }

    /// Changes what is known about a number.
    ///
    /// # Errors
    /// [`crate::Error::NotFound`], or [`crate::Error::Invalid`] on a broken rule.
    pub fn update(&mut self, id: PhoneNumberId, patch: &NumberPatch) -> Result<HeldNumber> {
        for (field, document) in [("capabilities", &patch.capabilities), ("webhook_urls", &patch.webhook_urls)] {
            document.as_ref().map_or(Ok(()), |document| json::object(field, document))?;
        }
        let row = diesel::update(numbers::table)
            .filter(numbers::tenant_id.eq(self.0.tenant))
            .filter(numbers::id.eq(id))
            .set((
                patch.status_reason.text("status_reason", 1_000)?.map(|value| numbers::status_reason.eq(value)),
                patch.locality.text("locality", 100)?.map(|value| numbers::locality.eq(value)),
                patch.region.text("region", 50)?.map(|value| numbers::region.eq(value)),
                patch.capabilities.as_ref().map(|value| numbers::capabilities.eq(value)),
                patch.webhook_urls.as_ref().map(|value| numbers::webhook_urls.eq(value)),
                patch.monthly_cost_cents.map(|value| numbers::monthly_cost_cents.eq(value)),
                patch.setup_cost_cents.map(|value| numbers::setup_cost_cents.eq(value)),
                numbers::updated_at.eq(self.0.now()),
            ))
            .returning(HeldNumber::as_returning())
            .get_result(self.0.conn)
            .optional()?;
        self.0.note(StreamEventKind::NumberChanged, id.uuid());
        found(row, "phone number")
    }

    /// Moves the number's status. What was bought becomes active by [`Self::activate`]; what is to be given back to the provider
    /// is released by [`super::Provisioner::release`].
    ///
    /// # Errors
    /// [`crate::Error::NotFound`], or [`crate::Error::InvalidTransition`], which changes nothing; [`crate::Error::Invalid`] when
    /// what is being released is to become active.
    pub fn set_status(&mut self, id: PhoneNumberId, to: NumberStatus) -> Result<HeldNumber> {
        let from = self.lock(id)?.status;
        from.must_become(to)?;
        let now = self.0.now();
        self.0.note(StreamEventKind::NumberChanged, id.uuid());
        Ok(diesel::update(numbers::table)
            .filter(numbers::tenant_id.eq(self.0.tenant))
            .filter(numbers::id.eq(id))
            .filter(numbers::status.eq(from))
            .set((
                numbers::status.eq(to),
                (to == NumberStatus::Released).then(|| numbers::released_at.eq(now)),
                matches!(to, NumberStatus::Released | NumberStatus::Error).then(super::phone_number_queue::at_rest),
                numbers::updated_at.eq(now),
            ))
            .returning(HeldNumber::as_returning())
            .get_result(self.0.conn)?)
    }

    pub(super) fn lock(&mut self, id: PhoneNumberId) -> Result<HeldNumber> {
        let row = HeldNumber::query()
            .filter(numbers::tenant_id.eq(self.0.tenant))
            .filter(numbers::id.eq(id))
            .for_update()
            .first(self.0.conn)
            .optional()?;
        found(row, "phone number")
    }
}
