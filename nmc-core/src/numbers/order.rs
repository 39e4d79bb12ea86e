//! What people order of numbers, with the rights of whoever acts: the intent is committed here, before the provider is
//! asked.

use super::HeldNumber;
use super::phone_number_queue::{ClaimedNumber, Work, at_rest, unleased};
use crate::access::Permission;
use crate::schema::phone_numbers as numbers;
use crate::store::{TenantTx, stamped};
use crate::telephony::{AvailableNumber, OwnedNumber, Price};
use crate::types::{bounds, optional};
use crate::{Country, Error, LeaseId, NumberStatus, NumberType, PhoneNumber, PhoneNumberId, Result, StreamEventKind};
use chrono::TimeDelta;
use diesel::dsl::count;
use diesel::prelude::*;

/// A number to buy.
#[derive(Debug, Clone)]
pub struct NumberOrder {
    /// The number to buy, exactly this one.
    pub phone_number: PhoneNumber,
    /// The country of the number.
    pub country: Country,
    /// The type of the number.
    pub number_type: NumberType,
    /// Whether the number may be one that can't text: missed calls are not answered from it then.
    pub without_sms: bool,
}

impl NumberOrder {
    /// An order of a number in this country; its kind is what the number looks like, which of North American ones can be told.
    #[must_use]
    pub fn of(phone_number: PhoneNumber, country: Country) -> Self {
        let is_toll_free = phone_number.area_code().is_some_and(|code| TOLL_FREE.contains(&code));
        let number_type = if is_toll_free { NumberType::TollFree } else { NumberType::Local };
        Self { phone_number, country, number_type, without_sms: false }
    }
}

const TOLL_FREE: [&str; 7] = ["800", "833", "844", "855", "866", "877", "888"];

/// A number for sale, and what it costs.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(not(feature = "testing"), non_exhaustive)]
pub struct Quote {
    /// The number for sale.
    pub number: AvailableNumber,
    /// The price of the number.
    pub price: Price,
}

const SUSPENDED: Error = Error::Forbidden("the business is suspended, or not active yet: it can't buy numbers");
const TOO_MANY: Error = Error::conflict(
    "phone_number",
    "would be one more than the business may hold; whoever runs NeverMissCall can raise its limit",
);

/// A number costs a month's rent, however soon it is given back: within a month a business buys no more than so many times the
/// numbers it may hold.
const TURNOVER: i64 = 2;
const BOUGHT_WITHIN: TimeDelta = TimeDelta::days(30);
const TOO_OFTEN: Error = Error::conflict(
    "phone_number",
    "would be one more than the business may buy within 30 days (twice what it may hold); whoever runs NeverMissCall can raise its limit",
);

/// Insists that one more number may be bought. Holds the tenant's row, so that of two orders at once the second one counts
/// the first.
fn must_buy(tx: &mut TenantTx<'_>, of: &PhoneNumber) -> Result<()> {
    tx.held_actor()?.must(Permission::NumbersWrite)?;
    let tenant = tx.tenants().lock()?;
    if !tenant.is_active {
        return Err(SUSPENDED);
    }
    if !tenant.is_approved() {
        return Err(Error::AwaitingApproval("can't buy numbers"));
    }
    let limit = i64::from(tenant.phone_number_limit);
    // What failed before anything was bought costs nothing.
    let costs = numbers::status.ne(NumberStatus::Error).or(numbers::twilio_phone_sid.is_not_null());
    let is_held = numbers::status.ne(NumberStatus::Released).and(numbers::phone_number.ne(of)).and(costs);
    // An order of this very number that goes on is one purchase; those that were given back were others.
    let is_another = numbers::phone_number.ne(of).or(numbers::status.eq(NumberStatus::Released));
    let is_recent = numbers::provisioned_at
        .assume_not_null()
        .gt(tx.0.now() - BOUGHT_WITHIN)
        .or(numbers::status.eq(NumberStatus::Provisioning));
    let (held, bought): (i64, i64) = numbers::table
        .filter(numbers::tenant_id.eq(tx.0.tenant))
        .select((count(numbers::id).aggregate_filter(is_held), count(numbers::id).aggregate_filter(is_another.and(is_recent))))
        .get_result(tx.0.conn)?;
    if held >= limit {
        return Err(TOO_MANY);
    }
    if bought >= limit.saturating_mul(TURNOVER) { Err(TOO_OFTEN) } else { Ok(()) }
}

/// Sees whether a number may be ordered. The answer is an earlier order of the same business that goes on, if there is one: one
/// that has failed is taken up again. `None`: nothing of the number is known here, and it needs a quote.
pub(super) fn prepare(tx: &mut TenantTx<'_>, number: &PhoneNumber) -> Result<Option<HeldNumber>> {
    tx.must(Permission::NumbersWrite)?;
    let Some(row) = tx.phone_numbers().find_by_number(number)? else {
        must_buy(tx, number)?;
        return Ok(None);
    };
    may_go_on(&row)?;
    if is_open(&row) {
        return Ok(Some(row));
    }
    must_buy(tx, number)?;
    reopen(tx, row.id).map(Some)
}

/// The finding that [`prepare`] would have, with nothing written: the row of an earlier order that would go on, if there is one.
pub(super) fn look(tx: &mut TenantTx<'_>, number: &PhoneNumber) -> Result<Option<HeldNumber>> {
    tx.must(Permission::NumbersWrite)?;
    let row = tx.phone_numbers().find_by_number(number)?;
    row.as_ref().map_or(Ok(()), may_go_on)?;
    if !row.as_ref().is_some_and(is_open) {
        must_buy(tx, number)?;
    }
    Ok(row)
}

/// Whether an order is on its way: nothing has to be decided once more.
fn is_open(row: &HeldNumber) -> bool {
    row.status == NumberStatus::Provisioning && row.next_attempt_at.is_some()
}

/// Insists that an earlier order of the same number can be taken up again.
fn may_go_on(row: &HeldNumber) -> Result<()> {
    let rule = match row.status {
        _ if row.is_releasing() => "is being released; order it again when that is done",
        NumberStatus::Error if row.twilio_phone_sid.is_some() => "was lost at Twilio; release it, then buy it again",
        NumberStatus::Provisioning | NumberStatus::Error => return Ok(()),
        _ => "is held by the business already",
    };
    Err(Error::conflict("phone_number", rule))
}

/// Commits the intent to buy what was quoted, claimed by whoever ordered it.
pub(super) fn place(tx: &mut TenantTx<'_>, quote: &Quote, lease_for: TimeDelta) -> Result<ClaimedNumber> {
    let Quote { number, price } = quote;
    must_buy(tx, &number.phone_number)?;
    let (id, lease) = (PhoneNumberId::new(tx.0.moment.id()), LeaseId::new(tx.0.moment.id()));
    let until = bounds::lease_end(tx.0.now(), lease_for)?;
    tx.0.note(StreamEventKind::NumberChanged, id.uuid());
    let row = diesel::insert_into(numbers::table)
        .values((
            numbers::phone_number.eq(&number.phone_number),
            numbers::status.eq(NumberStatus::Provisioning),
            numbers::capabilities.eq(number.capabilities.document()),
            numbers::area_code.eq(number.phone_number.area_code()),
            numbers::locality.eq(optional("locality", number.locality.as_deref(), 100)?),
            numbers::region.eq(optional("region", number.region.as_deref(), 50)?),
            numbers::country.eq(number.country.as_str()),
            numbers::number_type.eq(number.number_type),
            numbers::monthly_cost_cents.eq(price.monthly_cents),
            numbers::setup_cost_cents.eq(price.setup_cents),
            numbers::currency.eq(&price.currency),
            numbers::attempts.eq(1),
            numbers::next_attempt_at.eq(until),
            numbers::lease_owner.eq(lease),
            numbers::lease_expires_at.eq(until),
            stamped!(numbers, tx.0, id),
        ))
        .returning(HeldNumber::as_returning())
        .get_result(tx.0.conn)?;
    Ok(ClaimedNumber { row, work: Work::Buy, lease, is_served: true })
}

/// Makes of an order that failed, or was never begun, one that is due.
pub(super) fn reopen(tx: &mut TenantTx<'_>, id: PhoneNumberId) -> Result<HeldNumber> {
    let row = tx.phone_numbers().lock(id)?;
    // Of two at once the second finds it reopened, or ended.
    may_go_on(&row)?;
    if is_open(&row) {
        return Ok(row);
    }
    if row.status == NumberStatus::Error {
        row.status.must_become(NumberStatus::Provisioning)?;
    }
    let now = tx.0.now();
    tx.0.note(StreamEventKind::NumberChanged, id.uuid());
    Ok(diesel::update(numbers::table)
        .filter(numbers::tenant_id.eq(tx.0.tenant))
        .filter(numbers::id.eq(id))
        .filter(numbers::status.eq(row.status))
        .set((
            numbers::status.eq(NumberStatus::Provisioning),
            numbers::status_reason.eq(None::<String>),
            numbers::attempts.eq(0),
            unleased(Some(now)),
            numbers::updated_at.eq(now),
        ))
        .returning(HeldNumber::as_returning())
        .get_result(tx.0.conn)?)
}

/// Commits the wish to give a number back, due at once: from then on it is released, however long that takes, and nothing
/// is texted from it. What was never bought is called off in the same way.
///
/// # Errors
/// [`Error::Forbidden`] without [`Permission::NumbersWrite`]; [`Error::NotFound`]; [`Error::Conflict`] while it is being bought.
pub(super) fn request_release(tx: &mut TenantTx<'_>, id: PhoneNumberId) -> Result<HeldNumber> {
    tx.held_actor()?.must(Permission::NumbersWrite)?;
    let row = tx.phone_numbers().lock(id)?;
    if row.status == NumberStatus::Released || row.is_releasing() {
        return Ok(row);
    }
    let now = tx.0.now();
    let being_asked = numbers::table
        .filter(numbers::tenant_id.eq(tx.0.tenant))
        .filter(numbers::id.eq(id))
        .filter(numbers::lease_expires_at.gt(now));
    if row.status == NumberStatus::Provisioning && diesel::select(diesel::dsl::exists(being_asked)).get_result(tx.0.conn)? {
        return Err(Error::conflict("phone_number", "is being bought at this moment; try again in a minute"));
    }
    let status = if row.status == NumberStatus::Active { NumberStatus::Inactive } else { row.status };
    tx.0.note(StreamEventKind::NumberChanged, id.uuid());
    Ok(diesel::update(numbers::table)
        .filter(numbers::tenant_id.eq(tx.0.tenant))
        .filter(numbers::id.eq(id))
        .filter(numbers::status.eq(row.status))
        .set((
            numbers::status.eq(status),
            numbers::release_requested_at.eq(now),
            numbers::status_reason.eq(None::<String>),
            numbers::attempts.eq(0),
            unleased(Some(now)),
            numbers::updated_at.eq(now),
        ))
        .returning(HeldNumber::as_returning())
        .get_result(tx.0.conn)?)
}

/// Puts a number that the provider turns out not to have under this SID into error, unless it is on its way back, where
/// that is no wonder.
pub(super) fn note_lost(tx: &mut TenantTx<'_>, id: PhoneNumberId, sid: &str, why: &str) -> Result<HeldNumber> {
    let row = tx.phone_numbers().lock(id)?;
    if row.is_releasing() || row.status == NumberStatus::Released || row.twilio_phone_sid.as_deref() != Some(sid) {
        return Ok(row);
    }
    row.status.must_become(NumberStatus::Error)?;
    tx.0.note(StreamEventKind::NumberChanged, id.uuid());
    Ok(diesel::update(numbers::table)
        .filter(numbers::tenant_id.eq(tx.0.tenant))
        .filter(numbers::id.eq(id))
        .filter(numbers::status.eq(row.status))
        .set((
            numbers::status.eq(NumberStatus::Error),
            numbers::status_reason.eq(why),
            at_rest(),
            numbers::updated_at.eq(tx.0.now()),
        ))
        .returning(HeldNumber::as_returning())
        .get_result(tx.0.conn)?)
}

/// Writes down what the provider owns of a row's number: see [`super::Provisioner::repair`]. Somebody who changed the row
/// meanwhile is not overruled.
pub(super) fn correct(tx: &mut TenantTx<'_>, before: &HeldNumber, owned: Option<&OwnedNumber>) -> Result<HeldNumber> {
    let row = tx.phone_numbers().lock(before.id)?;
    let sid = owned.map(|owned| &owned.sid);
    if row.twilio_phone_sid != before.twilio_phone_sid || row.status != before.status || row.is_releasing() {
        return Err(Error::conflict("phone_number", "was changed by somebody else meanwhile; look again"));
    }
    if row.twilio_phone_sid.as_ref() == sid && row.status != NumberStatus::Error {
        return Ok(row);
    }
    let to = match owned {
        Some(_) if row.status == NumberStatus::Error => NumberStatus::Active,
        Some(_) => row.status,
        None => NumberStatus::Error,
    };
    if to != row.status {
        row.status.must_become(to)?;
    }
    tx.0.note(StreamEventKind::NumberChanged, row.id.uuid());
    Ok(diesel::update(numbers::table)
        .filter(numbers::tenant_id.eq(tx.0.tenant))
        .filter(numbers::id.eq(row.id))
        .filter(numbers::status.eq(row.status))
        .set((
            numbers::status.eq(to),
            numbers::twilio_phone_sid.eq(sid),
            numbers::status_reason.eq(owned.is_none().then_some(super::attempt::LOST)),
            owned.map(|owned| {
                (numbers::capabilities.eq(owned.capabilities.document()), numbers::webhook_urls.eq(owned.webhooks.document()))
            }),
            at_rest(),
            numbers::updated_at.eq(tx.0.now()),
        ))
        .returning(HeldNumber::as_returning())
        .get_result(tx.0.conn)?)
}
