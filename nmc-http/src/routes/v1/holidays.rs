//! Holidays: the days on which the business is closed whatever its hours say.

use crate::api::reply::{Done, Json};
use crate::api::request::{JsonBody, NoQuery, RequestContext};
use crate::error::ApiResult;
use chrono::{DateTime, NaiveDate, Utc};
use nmc_core::tenants::Holiday;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A day on which the business is closed, from its first instant in the business's time zone to its last.
#[derive(Serialize, ToSchema)]
pub(crate) struct HolidayOut {
    date: NaiveDate,
    name: String,
    created_at: DateTime<Utc>,
    updated_at: DateTime<Utc>,
}

impl From<Holiday> for HolidayOut {
    fn from(row: Holiday) -> Self {
        Self { date: row.day, name: row.name, created_at: row.created_at, updated_at: row.updated_at }
    }
}

/// The holidays of a business, the earliest first: 366 at the most, those of the past included.
#[derive(Serialize, ToSchema)]
pub(crate) struct HolidaysOut {
    items: Vec<HolidayOut>,
}

/// A holiday to keep.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct HolidayIn {
    /// The name of the holiday, like Christmas Day.
    #[schema(max_length = 100)]
    name: String,
}

pub(super) async fn list(context: RequestContext<NoQuery, ()>) -> ApiResult<Json<HolidaysOut>> {
    let rows = context.acting(|tx| tx.holidays().list()).await?;
    Ok(Json(HolidaysOut { items: rows.into_iter().map(HolidayOut::from).collect() }))
}

pub(super) async fn set(context: RequestContext<NoQuery, JsonBody<HolidayIn>>) -> ApiResult<Json<HolidayOut>> {
    let (date, name) = (context.day()?, context.body.0.name.clone());
    let row = context.acting(move |tx| tx.holidays().upsert_by_day(date, &name)).await;
    Ok(Json(row.map_err(|error| error.renamed(&[("day", "date")]))?.into()))
}

pub(super) async fn remove(context: RequestContext<NoQuery, ()>) -> ApiResult<Done> {
    let date = context.day()?;
    context.acting(move |tx| tx.holidays().delete(date)).await?;
    Ok(Done)
}
