use crate::api::reply::Json;
use crate::api::request::RequestContext;
use crate::api::wire::{Text, text};
use crate::error::ApiResult;
use nmc_core::numbers::{Month, MonthCosts};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

/// Months of a report that names none: a year.
const MONTHS_BACK: u32 = 11;

/// The months of a report of costs.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub(crate) struct CostsQuery {
    /// The first month, like 2026-01; eleven months before the last if left out, and 59 at most.
    #[param(inline, value_type = Option<text::Month>)]
    from: Option<text::Month>,
    /// The last month, like 2026-11; the current one if left out.
    #[param(inline, value_type = Option<text::Month>)]
    to: Option<text::Month>,
}

/// The costs of the phone numbers in a month so far, in one currency.
#[derive(Serialize, ToSchema)]
pub(crate) struct MonthCostsOut {
    month: text::Month,
    /// The currency of the costs, as its ISO 4217 code.
    currency: String,
    /// The number of phone numbers that were bought or paid for in the month.
    numbers: i64,
    /// The cost of buying numbers, in hundredths of the currency.
    setup_cents: i64,
    /// The rent of numbers, in hundredths of the currency.
    monthly_cents: i64,
    /// The sum of `setup_cents` and `monthly_cents`.
    total_cents: i64,
}

/// The costs of the phone numbers, the newest month first. A month without costs is left out.
#[derive(Serialize, ToSchema)]
pub(crate) struct NumberCostsOut {
    items: Vec<MonthCostsOut>,
}

impl From<MonthCosts> for MonthCostsOut {
    fn from(costs: MonthCosts) -> Self {
        Self {
            total_cents: costs.total_cents(),
            month: Text(costs.month),
            currency: costs.currency,
            numbers: costs.numbers,
            setup_cents: costs.setup_cents,
            monthly_cents: costs.monthly_cents,
        }
    }
}

pub(super) async fn list(context: RequestContext<CostsQuery, ()>) -> ApiResult<Json<NumberCostsOut>> {
    let (from, to) = (context.query.from, context.query.to);
    let costs = context
        .acting(move |tx| {
            let to = to.map_or_else(|| Month::of(tx.now()), |month| month.0);
            tx.phone_numbers().costs(from.map_or_else(|| to.back(MONTHS_BACK), |month| month.0), to)
        })
        .await?;
    Ok(Json(NumberCostsOut { items: costs.into_iter().map(MonthCostsOut::from).collect() }))
}
