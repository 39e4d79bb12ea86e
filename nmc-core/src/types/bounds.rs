//! Bounds of numbers and instants, checked here because the database's own refusals name no field.

use crate::{Error, Result};
use chrono::{DateTime, NaiveTime, TimeDelta, Timelike as _, Utc};
use rust_decimal::{Decimal, RoundingStrategy};

/// NUMERIC(15,4): a metric, a key figure, a threshold.
pub(crate) const METRIC: Numeric = Numeric { whole: 11, decimals: 4 };
/// NUMERIC(10,2): an amount of money.
pub(crate) const MONEY: Numeric = Numeric { whole: 8, decimals: 2 };
/// NUMERIC(10,4): the price of a call.
pub(crate) const PRICE: Numeric = Numeric { whole: 6, decimals: 4 };
/// NUMERIC(3,2): a rating or a score.
pub(crate) const SCORE: Numeric = Numeric { whole: 1, decimals: 2 };

/// The room of a NUMERIC column: digits before and after the point.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Numeric {
    whole: u32,
    decimals: u32,
}

impl Numeric {
    /// The value as the column keeps it: a computed one is rounded to its decimals, half away from zero.
    ///
    /// # Errors
    /// [`Error::Invalid`] of `field` when it has too many digits before the point.
    pub(crate) fn rounded(self, field: &'static str, value: Decimal) -> Result<Decimal> {
        let value = value.round_dp_with_strategy(self.decimals, RoundingStrategy::MidpointAwayFromZero);
        let limit = Decimal::from(10_u64.saturating_pow(self.whole));
        if value.abs() >= limit {
            return Err(Error::invalid(field, format!("must be between -{limit} and {limit}")));
        }
        Ok(value)
    }

    /// The value as it was given: one that a person typed is never rounded behind their back.
    ///
    /// # Errors
    /// As [`Self::rounded`], and when it has more decimals than the column.
    pub(crate) fn exact(self, field: &'static str, value: Decimal) -> Result<Decimal> {
        let rounded = self.rounded(field, value)?;
        if rounded != value {
            return Err(Error::invalid(field, format!("must have at most {} decimals", self.decimals)));
        }
        Ok(rounded)
    }

    /// [`Self::rounded`] of a value that may be missing.
    ///
    /// # Errors
    /// As [`Self::rounded`].
    pub(crate) fn rounded_if_given(self, field: &'static str, value: Option<Decimal>) -> Result<Option<Decimal>> {
        value.map(|value| self.rounded(field, value)).transpose()
    }
}

/// An instant of our time, which pages and PostgreSQL can take: from 1970 to 9999.
///
/// # Errors
/// [`Error::Invalid`] of `field`.
pub(crate) fn instant(field: &'static str, at: DateTime<Utc>) -> Result<DateTime<Utc>> {
    const END: i64 = 253_402_300_800;
    if (0..END).contains(&at.timestamp()) {
        Ok(at)
    } else {
        Err(Error::invalid(field, "must lie between the years 1970 and 9999"))
    }
}

/// A time that a clock shows: PostgreSQL would keep a leap second as the start of the next minute, and 23:59:60 as 24:00.
///
/// # Errors
/// [`Error::Invalid`] of `field`.
pub(crate) fn time_of_day(field: &'static str, time: Option<NaiveTime>) -> Result<Option<NaiveTime>> {
    match time {
        Some(time) if time.nanosecond() >= 1_000_000_000 => {
            Err(Error::invalid(field, "must be a time of day, 23:59:59 at the latest"))
        }
        time => Ok(time),
    }
}

/// The end of a lease that begins now.
///
/// # Errors
/// [`Error::Invalid`] of `lease_for` when that is not in the future.
pub(crate) fn lease_end(now: DateTime<Utc>, lease_for: TimeDelta) -> Result<DateTime<Utc>> {
    end_of("lease_for", now, lease_for)
}

/// The end of something that begins now and lasts for `length`.
///
/// # Errors
/// [`Error::Invalid`] of `field` when that is not in the future.
pub(crate) fn end_of(field: &'static str, now: DateTime<Utc>, length: TimeDelta) -> Result<DateTime<Utc>> {
    let end = Some(length).filter(|length| *length > TimeDelta::zero()).and_then(|length| now.checked_add_signed(length));
    end.and_then(|end| instant(field, end).ok()).ok_or_else(|| Error::invalid(field, "must end in the future"))
}
