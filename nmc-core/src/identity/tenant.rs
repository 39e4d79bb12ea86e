//! Tenants (source lines 1085–1112): one row per business.

use crate::error::found;
use crate::page::{Cursor, Page, PageRequest, keyset};
use crate::schema::{phone_numbers, tenants};
use crate::store::{Scope, SystemTx, Tenant, TenantTx};
use crate::types::{optional, required};
use crate::{Error, NumberStatus, Patch, PhoneNumber, Result, TenantId, TenantStatus, Timezone, UserId};
use chrono::{DateTime, NaiveTime, Utc};
use diesel::pg::Pg;
use diesel::prelude::*;
use rust_decimal::Decimal;

/// One business.
#[derive(Debug, Clone, PartialEq, HasQuery)]
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
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
}

/// A business to take in. What is left out gets the schema's default.
#[derive(Debug, Clone, Default)]
pub struct NewTenant {
    /// Its name, as greetings call it; up to 255 characters, unique.
    pub business_name: String,
    /// The number it had before; unique.
    pub business_phone: Option<PhoneNumber>,
    /// Its address; up to 1,000 characters.
    pub business_address: Option<String>,
    /// Its trade, like `plumbing`; up to 100 characters.
    pub business_type: Option<String>,
    /// Its zone.
    pub timezone: Option<Timezone>,
}

/// Changes of a business by itself.
#[derive(Debug, Clone, Default)]
pub struct TenantPatch {
    /// Its name.
    pub business_name: Option<String>,
    /// The number it had before.
    pub business_phone: Patch<PhoneNumber>,
    /// Its address.
    pub business_address: Patch<String>,
    /// Its trade.
    pub business_type: Patch<String>,
    /// Its zone.
    pub timezone: Option<Timezone>,
}

/// Which businesses. Empty means all.
#[derive(Debug, Clone, Default)]
pub struct TenantFilter {
    /// In this status.
    pub status: Option<TenantStatus>,
    /// Of this trade.
    pub business_type: Option<String>,
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
    /// [`Error::NotFound`] when the tenant was deleted meanwhile.
    pub fn get(&mut self) -> Result<TenantRow> {
        found(TenantRow::query().filter(tenants::id.eq(self.0.tenant)).first(self.0.conn).optional()?, "tenant")
    }

    /// Changes the tenant's own row.
    ///
    /// # Errors
    /// [`Error::Conflict`] on a name or phone that is taken, [`Error::Invalid`] on a broken rule.
    pub fn update(&mut self, patch: &TenantPatch) -> Result<TenantRow> {
        let name = patch.business_name.as_deref().map(|name| required("business_name", name, 255)).transpose()?;
        let row = diesel::update(tenants::table)
            .filter(tenants::id.eq(self.0.tenant))
            .set((
                name.map(|value| tenants::business_name.eq(value)),
                patch.business_phone.clone().into_change().map(|value| tenants::business_phone.eq(value)),
                patch.business_address.text("business_address", 1_000)?.map(|value| tenants::business_address.eq(value)),
                patch.business_type.text("business_type", 100)?.map(|value| tenants::business_type.eq(value)),
                patch.timezone.map(|value| tenants::timezone.eq(value)),
                tenants::updated_at.eq(self.0.now()),
            ))
            .returning(TenantRow::as_returning())
            .get_result(self.0.conn)
            .optional()?;
        found(row, "tenant")
    }
}

macro_rules! filtered {
    ($query:expr, $filter:expr) => {{
        let mut query = $query.into_boxed::<Pg>();
        if let Some(status) = $filter.status {
            query = query.filter(tenants::status.eq(status));
        }
        if let Some(trade) = &$filter.business_type {
            query = query.filter(tenants::business_type.eq(trade));
        }
        query
    }};
}

/// Tenants as operators see them.
impl SystemTx<'_> {
    /// Takes in a business: the bare row. [`super::onboard`] also gives it what it needs to work.
    ///
    /// # Errors
    /// [`Error::Conflict`] on a name or phone that is taken, [`Error::Invalid`] on a broken rule.
    pub fn create_tenant(&mut self, new: &NewTenant) -> Result<TenantRow> {
        let id = TenantId::new(self.moment.id());
        Ok(diesel::insert_into(tenants::table)
            .values((
                tenants::id.eq(id),
                tenants::business_name.eq(required("business_name", &new.business_name, 255)?),
                tenants::business_phone.eq(&new.business_phone),
                tenants::business_address.eq(optional("business_address", new.business_address.as_deref(), 1_000)?),
                tenants::business_type.eq(optional("business_type", new.business_type.as_deref(), 100)?),
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
    /// [`Error::Unavailable`] or [`Error::Internal`].
    pub fn find_tenant(&mut self, id: TenantId) -> Result<Option<TenantRow>> {
        Ok(TenantRow::query().filter(tenants::id.eq(id)).first(self.conn).optional()?)
    }

    /// The tenant with this name, if there is one.
    ///
    /// # Errors
    /// As [`Self::find_tenant`].
    pub fn find_tenant_by_name(&mut self, name: &str) -> Result<Option<TenantRow>> {
        Ok(TenantRow::query().filter(tenants::business_name.eq(name)).first(self.conn).optional()?)
    }

    /// A page of tenants, newest first.
    ///
    /// # Errors
    /// As [`Self::find_tenant`].
    pub fn list_tenants(&mut self, filter: &TenantFilter, page: PageRequest) -> Result<Page<TenantRow>> {
        let query = filtered!(TenantRow::query(), filter);
        let rows = keyset!(query, page, tenants::created_at, tenants::id).load(self.conn)?;
        Ok(Page::from_rows(rows, page, |row: &TenantRow| Cursor { at: row.created_at, id: row.id.uuid() }))
    }

    /// How many tenants.
    ///
    /// # Errors
    /// As [`Self::find_tenant`].
    pub fn count_tenants(&mut self, filter: &TenantFilter) -> Result<i64> {
        Ok(filtered!(tenants::table.count(), filter).get_result(self.conn)?)
    }

    /// The proof that lets an operator act for a tenant.
    ///
    /// # Errors
    /// [`Error::NotFound`].
    pub fn act_for(&mut self, id: TenantId) -> Result<Tenant> {
        found(self.find_tenant(id)?, "tenant").map(|row| Tenant::proven(row.id))
    }

    /// Deletes a tenant and all that is its own.
    ///
    /// # Errors
    /// [`Error::NotFound`]; [`Error::Conflict`] while it holds a number that is not released: a paid number must not be
    /// forgotten.
    pub fn delete_tenant(&mut self, id: TenantId) -> Result<()> {
        // The row lock keeps a number from being added between the check and the deletion (its key needs a share of it).
        let row: Option<TenantId> =
            tenants::table.filter(tenants::id.eq(id)).select(tenants::id).for_update().first(self.conn).optional()?;
        found(row, "tenant")?;
        let held: i64 = phone_numbers::table
            .filter(phone_numbers::tenant_id.eq(id))
            .filter(phone_numbers::status.ne(NumberStatus::Released))
            .count()
            .get_result(self.conn)?;
        if held > 0 {
            return Err(Error::Conflict { field: "tenant", rule: "still holds phone numbers; release them first" });
        }
        let rows = diesel::delete(tenants::table).filter(tenants::id.eq(id)).execute(self.conn)?;
        crate::error::touched_one(rows, "tenant")
    }
}
