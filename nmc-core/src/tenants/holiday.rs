//! Holidays: the days on which a business is closed whatever its hours say. [`super::BusinessHours`] has what that means.

use crate::error::touched_one;
use crate::schema::holidays;
use crate::store::{Scope, TenantTx};
use crate::types::named;
use crate::{Error, HolidayId, Result, TenantId};
use chrono::{DateTime, NaiveDate, Utc};
use diesel::pg::Pg;
use diesel::prelude::*;

/// A day on which a business is closed.
#[derive(Debug, Clone, PartialEq, Eq, HasQuery)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[cfg_attr(not(feature = "testing"), non_exhaustive)]
#[diesel(table_name = holidays, check_for_backend(Pg))]
#[expect(missing_docs, reason = "the columns are documented in the schema")]
pub struct Holiday {
    pub id: HolidayId,
    pub tenant_id: TenantId,
    pub day: NaiveDate,
    pub name: String,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
}

/// How many holidays a business has at the most, those of the past included.
const MOST: i64 = 366;

/// A tenant's holidays.
pub struct Holidays<'a>(Scope<'a>);

impl TenantTx<'_> {
    /// The tenant's holidays.
    pub const fn holidays(&mut self) -> Holidays<'_> {
        Holidays(self.0.reborrow())
    }
}

impl Holidays<'_> {
    /// All holidays, the earliest first: there are no more than 366.
    ///
    /// # Errors
    /// [`Error::Unavailable`] or [`Error::Internal`].
    pub fn list(&mut self) -> Result<Vec<Holiday>> {
        Ok(Holiday::query().filter(holidays::tenant_id.eq(self.0.tenant)).order(holidays::day).load(self.0.conn)?)
    }

    /// Makes a day a holiday of this name, up to 100 characters; one that is a holiday gets the name. Figures of the past are computed
    /// anew when the day has come already.
    ///
    /// # Errors
    /// [`Error::Invalid`] on a broken rule, or a day before 2000 or after 2199; [`Error::Conflict`] when the business has 366 others.
    pub fn upsert_by_day(&mut self, day: NaiveDate, name: &str) -> Result<Holiday> {
        let name = named("name", name, 100)?;
        // Two that count at once must not both find room for the last.
        self.0.tx().tenants().lock()?;
        let others = holidays::table.filter(holidays::tenant_id.eq(self.0.tenant)).filter(holidays::day.ne(day));
        if others.count().get_result::<i64>(self.0.conn)? >= MOST {
            return Err(Error::conflict("day", "is one too many: a business has 366 holidays at the most"));
        }
        let now = self.0.now();
        Ok(diesel::insert_into(holidays::table)
            .values((
                holidays::id.eq(HolidayId::new(self.0.moment.id())),
                holidays::tenant_id.eq(self.0.tenant),
                holidays::day.eq(day),
                holidays::name.eq(&name),
                holidays::created_at.eq(now),
                holidays::updated_at.eq(now),
            ))
            .on_conflict((holidays::tenant_id, holidays::day))
            .do_update()
            .set((holidays::name.eq(&name), holidays::updated_at.eq(now)))
            .returning(Holiday::as_returning())
            .get_result(self.0.conn)?)
    }

    /// Makes a holiday a day like others again. Figures of the past are computed anew when it has come already.
    ///
    /// # Errors
    /// [`Error::NotFound`].
    pub fn delete(&mut self, day: NaiveDate) -> Result<()> {
        let rows = diesel::delete(holidays::table)
            .filter(holidays::tenant_id.eq(self.0.tenant))
            .filter(holidays::day.eq(day))
            .execute(self.0.conn)?;
        touched_one(rows, "holiday")
    }
}
