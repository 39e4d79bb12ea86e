//! Tenants: one row per business.

use super::BusinessHours;
use crate::error::found;
use crate::page::{Cursor, Page, PageRequest, keyset};
use crate::schema::{holidays, tenants};
use crate::store::{Scope, SystemTx, Tenant, TenantTx};
use crate::types::{bounds, composed, named, named_if_given, optional, required};
use crate::{Patch, PhoneNumber, Result, SessionEnd, TenantId, TenantStatus, Timezone, UserId};
use chrono::{DateTime, NaiveDate, NaiveTime, Utc};
use diesel::pg::Pg;
use diesel::prelude::*;
use rust_decimal::Decimal;

/// One business.
#[derive(Debug, Clone, PartialEq, HasQuery)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[cfg_attr(not(feature = "testing"), non_exhaustive)]
#[diesel(table_name = tenants, check_for_backend(Pg))]
#[expect(missing_docs, reason = "the columns are documented in the schema")]
pub struct TenantRow {
    pub id: TenantId,
    pub business_name: String,
    pub business_address: Option<String>,
    pub business_phone: Option<PhoneNumber>,
    pub business_type: Option<String>,
    pub industry: Option<String>,
    pub owner_id: Option<UserId>,
    pub status: TenantStatus,
    pub subscription_tier: String,
    pub is_active: bool,
    pub onboarding_step: i32,
    pub onboarding_completed: bool,
    pub service_radius_miles: i32,
    pub estimated_job_min: Decimal,
    pub estimated_job_max: Decimal,
    pub business_hours_start: NaiveTime,
    pub business_hours_end: NaiveTime,
    pub timezone: Timezone,
    pub phone_number_limit: i32,
    pub approved_at: Option<DateTime<Utc>>,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
}

/// A business to take in. What is left out gets the schema's default.
#[derive(Debug, Clone, Default)]
pub struct NewTenant {
    /// The name of the business, as greetings call it; up to 255 characters, unique.
    pub business_name: String,
    /// The phone the business answers itself: the number it had before, not one that is provisioned here. A call to a number of
    /// ours rings there first, and is missed when nobody takes it; without one, every call is. It is dialled, never texted, and
    /// must be one that can be ([`PhoneNumber::can_be_forwarded_to`]); unique over all businesses.
    pub business_phone: Option<PhoneNumber>,
    /// The address of the business; up to 1,000 characters.
    pub business_address: Option<String>,
    /// The trade of the business, like `plumbing`; up to 100 characters.
    pub business_type: Option<String>,
    /// The time zone of the business.
    pub timezone: Option<Timezone>,
}

/// Changes of a business by itself.
#[derive(Debug, Clone, Default)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct TenantPatch {
    /// The name of the business.
    pub business_name: Option<String>,
    /// The phone the business answers itself, to which its calls are forwarded: see [`NewTenant::business_phone`].
    pub business_phone: Patch<PhoneNumber>,
    /// The address of the business.
    pub business_address: Patch<String>,
    /// The trade of the business.
    pub business_type: Patch<String>,
    /// The wider sector of the business; up to 100 characters.
    pub industry: Patch<String>,
    /// The distance from the address within which the business takes jobs, in miles.
    pub service_radius_miles: Option<i32>,
    /// The lower end of a usual job's price, in dollars and cents.
    pub estimated_job_min: Option<Decimal>,
    /// The upper end of a usual job's price; above the lower.
    pub estimated_job_max: Option<Decimal>,
    /// The opening time, in the business's zone.
    pub business_hours_start: Option<NaiveTime>,
    /// The closing time, in the business's zone; before the opening time when the day ends past midnight.
    pub business_hours_end: Option<NaiveTime>,
    /// The time zone of the business.
    pub timezone: Option<Timezone>,
}

/// A filter of businesses. Empty means all.
#[derive(Debug, Clone, Default)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct TenantFilter {
    /// The status of the businesses.
    pub status: Option<TenantStatus>,
    /// The trade of the businesses.
    pub business_type: Option<String>,
    /// Whether the businesses wait for an operator's approval.
    pub awaiting_approval: Option<bool>,
    /// The step of onboarding at which the businesses are, 1 to 5.
    pub onboarding_step: Option<i32>,
    /// Whether the businesses have completed onboarding.
    pub onboarding_completed: Option<bool>,
    /// A distance in miles at which the businesses still take jobs.
    pub serves_miles: Option<i32>,
    /// A price that is usual for a job of the businesses.
    pub usual_price: Option<Decimal>,
}

/// The tenant's own row.
pub struct Tenants<'a>(Scope<'a>);

impl TenantTx<'_> {
    /// The tenant's own row.
    pub const fn tenants(&mut self) -> Tenants<'_> {
        Tenants(self.0.reborrow())
    }
}

impl Tenants<'_> {
    /// The tenant's own row.
    ///
    /// # Errors
    /// [`crate::Error::NotFound`] when the tenant was deleted meanwhile.
    pub fn get(&mut self) -> Result<TenantRow> {
        found(TenantRow::query().filter(tenants::id.eq(self.0.tenant)).first(self.0.conn).optional()?, "tenant")
    }

    /// The tenant's own row, which stays as it is until the transaction ends.
    ///
    /// # Errors
    /// As [`Self::get`].
    pub fn lock(&mut self) -> Result<TenantRow> {
        let query = TenantRow::query().filter(tenants::id.eq(self.0.tenant)).for_no_key_update();
        found(query.first(self.0.conn).optional()?, "tenant")
    }

    /// When the business is open: its hours and its holidays, as they are at one instant.
    ///
    /// # Errors
    /// As [`Self::get`].
    pub fn business_hours(&mut self) -> Result<BusinessHours> {
        let of_days: Vec<(NaiveTime, NaiveTime, Timezone, Option<NaiveDate>)> = tenants::table
            .left_join(holidays::table.on(holidays::tenant_id.eq(self.0.tenant)))
            .filter(tenants::id.eq(self.0.tenant))
            .select((tenants::business_hours_start, tenants::business_hours_end, tenants::timezone, holidays::day.nullable()))
            .load(self.0.conn)?;
        let (opens, closes, zone, _) = *found(of_days.first(), "tenant")?;
        Ok(BusinessHours::new(opens, closes, zone).closed_on(of_days.into_iter().filter_map(|(.., day)| day)))
    }

    /// Changes the tenant's own row.
    ///
    /// # Errors
    /// [`crate::Error::Conflict`] on a name or phone that is taken, [`crate::Error::Invalid`] on a broken rule.
    pub fn update(&mut self, patch: &TenantPatch) -> Result<TenantRow> {
        let name = patch.business_name.as_deref().map(|name| named("business_name", name, 255)).transpose()?;
        if let Patch::Set(phone) = &patch.business_phone {
            phone.must_take_forwarded_calls("business_phone")?;
        }
        let job_min = patch.estimated_job_min.map(|price| bounds::MONEY.exact("estimated_job_min", price)).transpose()?;
        let job_max = patch.estimated_job_max.map(|price| bounds::MONEY.exact("estimated_job_max", price)).transpose()?;
        let row = diesel::update(tenants::table)
            .filter(tenants::id.eq(self.0.tenant))
            .set((
                name.map(|value| tenants::business_name.eq(value)),
                patch.business_phone.clone().into_change().map(|value| tenants::business_phone.eq(value)),
                patch.business_address.text("business_address", 1_000)?.map(|value| tenants::business_address.eq(value)),
                patch.business_type.name("business_type", 100)?.map(|value| tenants::business_type.eq(value)),
                patch.industry.name("industry", 100)?.map(|value| tenants::industry.eq(value)),
                patch.service_radius_miles.map(|value| tenants::service_radius_miles.eq(value)),
                job_min.map(|value| tenants::estimated_job_min.eq(value)),
                job_max.map(|value| tenants::estimated_job_max.eq(value)),
                bounds::time_of_day("business_hours_start", patch.business_hours_start)?
                    .map(|value| tenants::business_hours_start.eq(value)),
                bounds::time_of_day("business_hours_end", patch.business_hours_end)?
                    .map(|value| tenants::business_hours_end.eq(value)),
                patch.timezone.map(|value| tenants::timezone.eq(value)),
                tenants::updated_at.eq(self.0.now()),
            ))
            .returning(TenantRow::as_returning())
            .get_result(self.0.conn)
            .optional()?;
        found(row, "tenant")
    }
}

impl Tenants<'_> {
    /// Says who owns the account: a user of it.
    ///
    /// # Errors
    /// [`crate::Error::Invalid`] when there is no such user, which is known when the transaction commits.
    pub fn set_owner(&mut self, owner: Option<UserId>) -> Result<TenantRow> {
        let row = diesel::update(tenants::table)
            .filter(tenants::id.eq(self.0.tenant))
            .set((tenants::owner_id.eq(owner), tenants::updated_at.eq(self.0.now())))
            .returning(TenantRow::as_returning())
            .get_result(self.0.conn)
            .optional()?;
        found(row, "tenant")
    }

    /// Says how far onboarding has come: the step (1 to 5), and whether it is behind them.
    ///
    /// # Errors
    /// [`crate::Error::Invalid`] on a step that there is not.
    pub fn set_onboarding(&mut self, step: i32, completed: bool) -> Result<TenantRow> {
        let row = diesel::update(tenants::table)
            .filter(tenants::id.eq(self.0.tenant))
            .set((
                tenants::onboarding_step.eq(step),
                tenants::onboarding_completed.eq(completed),
                tenants::updated_at.eq(self.0.now()),
            ))
            .returning(TenantRow::as_returning())
            .get_result(self.0.conn)
            .optional()?;
        found(row, "tenant")
    }
}

fn filtered<'q, ST>(mut query: tenants::BoxedQuery<'q, Pg, ST>, filter: &'q TenantFilter) -> tenants::BoxedQuery<'q, Pg, ST> {
    if let Some(status) = filter.status {
        query = query.filter(tenants::status.eq(status));
    }
    if let Some(trade) = &filter.business_type {
        query = query.filter(tenants::business_type.eq(trade));
    }
    if let Some(is_waiting) = filter.awaiting_approval {
        query = query.filter(tenants::approved_at.is_null().eq(is_waiting));
    }
    if let Some(step) = filter.onboarding_step {
        query = query.filter(tenants::onboarding_step.eq(step));
    }
    if let Some(completed) = filter.onboarding_completed {
        query = query.filter(tenants::onboarding_completed.eq(completed));
    }
    if let Some(miles) = filter.serves_miles {
        query = query.filter(tenants::service_radius_miles.ge(miles));
    }
    if let Some(price) = filter.usual_price {
        query = query.filter(tenants::estimated_job_min.le(price)).filter(tenants::estimated_job_max.ge(price));
    }
    query
}

/// Tenants as operators see them.
impl SystemTx<'_> {
    /// Takes in a business: the bare row, which waits for approval. The workflow `onboard` also gives it what it needs to work.
    ///
    /// # Errors
    /// [`crate::Error::Conflict`] on a name or phone that is taken, [`crate::Error::Invalid`] on a broken rule.
    pub fn create_tenant(&mut self, new: &NewTenant) -> Result<TenantRow> {
        let id = TenantId::new(self.moment.id());
        if let Some(phone) = &new.business_phone {
            phone.must_take_forwarded_calls("business_phone")?;
        }
        Ok(diesel::insert_into(tenants::table)
            .values((
                tenants::id.eq(id),
                tenants::business_name.eq(named("business_name", &new.business_name, 255)?),
                tenants::business_phone.eq(&new.business_phone),
                tenants::business_address.eq(optional("business_address", new.business_address.as_deref(), 1_000)?),
                tenants::business_type.eq(named_if_given("business_type", new.business_type.as_deref(), 100)?),
                new.timezone.map(|zone| tenants::timezone.eq(zone)),
                tenants::created_at.eq(self.now()),
                tenants::updated_at.eq(self.now()),
            ))
            .returning(TenantRow::as_returning())
            .get_result(self.conn)?)
    }

    /// The tenant with this id, if there is one.
    ///
    /// # Errors
    /// [`crate::Error::Unavailable`] or [`crate::Error::Internal`].
    pub fn find_tenant(&mut self, id: TenantId) -> Result<Option<TenantRow>> {
        Ok(TenantRow::query().filter(tenants::id.eq(id)).first(self.conn).optional()?)
    }

    /// The tenant with this name, if there is one. Blanks around it don't count, nor does how its characters are composed.
    ///
    /// # Errors
    /// As [`Self::find_tenant`].
    pub fn find_tenant_by_name(&mut self, name: &str) -> Result<Option<TenantRow>> {
        // Names that were stored before they were composed are found as they are written.
        let spellings = [composed(name), name.trim().to_owned()];
        Ok(TenantRow::query().filter(tenants::business_name.eq_any(spellings)).first(self.conn).optional()?)
    }

    /// A page of tenants, newest first.
    ///
    /// # Errors
    /// As [`Self::find_tenant`].
    pub fn list_tenants(&mut self, filter: &TenantFilter, page: PageRequest) -> Result<Page<TenantRow>> {
        let query = filtered(TenantRow::query().into_boxed(), filter);
        let rows = keyset(query, page, tenants::created_at, tenants::id).load(self.conn)?;
        Ok(Page::from_rows(rows, page, |row: &TenantRow| Cursor { at: row.created_at, id: row.id.uuid() }))
    }

    /// The number of tenants that a filter finds.
    ///
    /// # Errors
    /// As [`Self::find_tenant`].
    pub fn count_tenants(&mut self, filter: &TenantFilter) -> Result<i64> {
        Ok(filtered(tenants::table.count().into_boxed(), filter).get_result(self.conn)?)
    }

    /// The proof that lets an operator act for a tenant.
    ///
    /// # Errors
    /// [`crate::Error::NotFound`].
    pub fn act_for(&mut self, id: TenantId) -> Result<Tenant> {
        found(self.find_tenant(id)?, "tenant").map(|row| Tenant::proven(row.id))
    }

    /// Moves a tenant's status. Only an active one is served; one that is suspended, or leaves, loses its sessions in the
    /// same transaction. Its API keys stay, and are of no use until it is active again.
    ///
    /// # Errors
    /// [`crate::Error::NotFound`], or [`crate::Error::InvalidTransition`], which changes nothing.
    pub fn set_tenant_status(&mut self, id: TenantId, to: TenantStatus) -> Result<TenantRow> {
        let from: Option<TenantStatus> =
            tenants::table.filter(tenants::id.eq(id)).select(tenants::status).for_update().first(self.conn).optional()?;
        let from = found(from, "tenant")?;
        from.must_become(to)?;
        let row = diesel::update(tenants::table)
            .filter(tenants::id.eq(id))
            .filter(tenants::status.eq(from))
            .set((tenants::status.eq(to), tenants::is_active.eq(to == TenantStatus::Active), tenants::updated_at.eq(self.now())))
            .returning(TenantRow::as_returning())
            .get_result(self.conn)?;
        let end = match to {
            TenantStatus::Suspended => Some(SessionEnd::Suspended),
            TenantStatus::Inactive => Some(SessionEnd::Deactivated),
            TenantStatus::Active | TenantStatus::Pending => None,
        };
        if let Some(end) = end {
            self.scope(id).tx().sessions().end_all(end)?;
        }
        Ok(row)
    }

    /// Puts a tenant on another plan: its name, up to 50 characters.
    ///
    /// # Errors
    /// [`crate::Error::NotFound`], or [`crate::Error::Invalid`] on a broken rule.
    pub fn set_subscription_tier(&mut self, id: TenantId, tier: &str) -> Result<TenantRow> {
        let row = diesel::update(tenants::table)
            .filter(tenants::id.eq(id))
            .set((tenants::subscription_tier.eq(required("subscription_tier", tier, 50)?), tenants::updated_at.eq(self.now())))
            .returning(TenantRow::as_returning())
            .get_result(self.conn)
            .optional()?;
        found(row, "tenant")
    }

    /// Says how many phone numbers a tenant may hold at once. Those it holds already stay.
    ///
    /// # Errors
    /// [`crate::Error::NotFound`], or [`crate::Error::Invalid`] when it is negative.
    pub fn set_phone_number_limit(&mut self, id: TenantId, limit: i32) -> Result<TenantRow> {
        let row = diesel::update(tenants::table)
            .filter(tenants::id.eq(id))
            .set((tenants::phone_number_limit.eq(limit), tenants::updated_at.eq(self.now())))
            .returning(TenantRow::as_returning())
            .get_result(self.conn)
            .optional()?;
        found(row, "tenant")
    }
}
