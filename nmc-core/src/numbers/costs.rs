//! What numbers cost, month by month: for billing and reports.

use super::PhoneNumbers;
use crate::{Error, Result};
use chrono::{DateTime, Datelike as _, Months, NaiveDate, Utc};
use diesel::prelude::*;
use diesel::sql_query;
use diesel::sql_types::{BigInt, Date, Text, Timestamptz, Uuid};

/// A calendar month, in UTC: that is what the provider bills by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Month(NaiveDate);

impl Month {
    /// The month of an instant.
    #[must_use]
    pub fn of(at: DateTime<Utc>) -> Self {
        let day = at.date_naive();
        Self(day.with_day(1).unwrap_or(day))
    }

    /// The month so many months before.
    #[must_use]
    pub fn back(self, months: u32) -> Self {
        Self(self.0.checked_sub_months(Months::new(months)).unwrap_or(self.0))
    }

    /// The first day of the month.
    #[must_use]
    pub const fn first_day(self) -> NaiveDate {
        self.0
    }
}

impl std::str::FromStr for Month {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let first = (text.len() == 7).then(|| NaiveDate::parse_from_str(&format!("{text}-01"), "%Y-%m-%d").ok()).flatten();
        let ours = first.filter(|first| (1970..=9999).contains(&first.year()));
        ours.map(Self).ok_or_else(|| Error::invalid("month", "must be like 2026-11"))
    }
}

impl std::fmt::Display for Month {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(&self.0.format("%Y-%m").to_string())
    }
}

/// The costs of one month's numbers so far, in one currency.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(not(feature = "testing"), non_exhaustive)]
pub struct MonthCosts {
    /// The month of the costs.
    pub month: Month,
    /// The currency's ISO 4217 code.
    pub currency: String,
    /// The number of phone numbers that were bought or paid for in the month.
    pub numbers: i64,
    /// The cost of buying numbers, in hundredths of the currency.
    pub setup_cents: i64,
    /// The rent of numbers, in hundredths of the currency.
    pub monthly_cents: i64,
}

impl MonthCosts {
    /// The sum of all costs, in hundredths of the currency.
    #[must_use]
    pub const fn total_cents(&self) -> i64 {
        self.setup_cents.saturating_add(self.monthly_cents)
    }
}

#[derive(QueryableByName)]
struct CostsRow {
    #[diesel(sql_type = Date)]
    month: NaiveDate,
    #[diesel(sql_type = Text)]
    currency: String,
    #[diesel(sql_type = BigInt)]
    numbers: i64,
    #[diesel(sql_type = BigInt)]
    setup_cents: i64,
    #[diesel(sql_type = BigInt)]
    monthly_cents: i64,
}

/// Rent is due on the day a number was bought and on that day of every month (the last one of shorter months), for as long as
/// it is held; nothing comes back when it is released. `month` counts from the month it was bought in.
const SQL: &str = "
    WITH months AS (
        SELECT generate_series($2::date::timestamp, $3::date::timestamp, interval '1 month') AS month
    ), dues AS (
        SELECT m.month, n.currency, n.setup_cost_cents, n.monthly_cost_cents, n.released_at,
               date_trunc('month', n.provisioned_at AT TIME ZONE 'UTC') = m.month AS is_first,
               (n.provisioned_at AT TIME ZONE 'UTC'
                + make_interval(months => ((extract(year FROM m.month) - extract(year FROM n.provisioned_at AT TIME ZONE 'UTC')) * 12
                    + extract(month FROM m.month) - extract(month FROM n.provisioned_at AT TIME ZONE 'UTC'))::integer))
                AT TIME ZONE 'UTC' AS due_at
        FROM months m
        JOIN phone_numbers n ON n.tenant_id = $1 AND n.provisioned_at IS NOT NULL
         AND date_trunc('month', n.provisioned_at AT TIME ZONE 'UTC') <= m.month
    )
    SELECT month::date AS month, currency::text AS currency, count(*) AS numbers,
           coalesce(sum(setup_cost_cents) FILTER (WHERE is_first), 0)::bigint AS setup_cents,
           sum(monthly_cost_cents)::bigint AS monthly_cents
    FROM dues
    WHERE due_at <= $4 AND (is_first OR released_at IS NULL OR released_at > due_at)
    GROUP BY month, currency
    ORDER BY month DESC, currency";

impl PhoneNumbers<'_> {
    /// The most months of one report.
    pub const MOST_MONTHS: u32 = 60;

    /// The costs of numbers in each of these months, both included, newest first; a month without costs is left out. What is due
    /// later than now is not counted yet.
    ///
    /// # Errors
    /// [`Error::Invalid`] when `to` is before `from`, or more than [`Self::MOST_MONTHS`] are asked for.
    pub fn costs(&mut self, from: Month, to: Month) -> Result<Vec<MonthCosts>> {
        if to < from {
            return Err(Error::invalid("to", "must not be before from"));
        }
        if from < to.back(Self::MOST_MONTHS - 1) {
            return Err(Error::invalid("from", format!("must be at most {} months before to", Self::MOST_MONTHS - 1)));
        }
        let rows: Vec<CostsRow> = sql_query(SQL)
            .bind::<Uuid, _>(self.0.tenant)
            .bind::<Date, _>(from.first_day())
            .bind::<Date, _>(to.first_day())
            .bind::<Timestamptz, _>(self.0.now())
            .load(self.0.conn)?;
        let costs = |row: CostsRow| MonthCosts {
            month: Month(row.month),
            currency: row.currency,
            numbers: row.numbers,
            setup_cents: row.setup_cents,
            monthly_cents: row.monthly_cents,
        };
        Ok(rows.into_iter().map(costs).collect())
    }
}
