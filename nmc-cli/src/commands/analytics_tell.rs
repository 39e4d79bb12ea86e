//! `nmc analytics tell`: what people know of a call and nothing computes.

use super::alert_list::figure;
use super::call::CallKey;
use crate::database::tenant;
use crate::error::{CliError, CliResult};
use crate::options::judgement::number;
use crate::options::{FormatArg, TenantArg, one_of};
use crate::output::{Columns, time};
use clap::Args;
use nmc_core::analytics::{CallAnalytics, CallAnalyticsPatch};
use nmc_core::{ConversionStatus, Error, Patch, Store};
use rust_decimal::Decimal;
use serde_json::json;

/// What is told of which call.
#[derive(Args)]
pub(crate) struct TellArgs {
    #[command(flatten)]
    tenant: TenantArg,
    /// The call's id or the end of it, or Twilio's SID of it
    #[arg(value_name = "ID|SID")]
    call: CallKey,
    /// The lead became a customer: the same as --conversion converted
    #[arg(long, conflicts_with = "conversion")]
    converted: bool,
    /// What became of the lead
    #[arg(long, value_name = "STATUS", value_parser = one_of(ConversionStatus::ALL, ConversionStatus::label))]
    conversion: Option<ConversionStatus>,
    /// The revenue ascribed to the call, in US dollars; a refund is negative
    #[arg(long, value_name = "AMOUNT", allow_negative_numbers = true, value_parser = number)]
    revenue: Option<Decimal>,
    /// The customer's rating, 1 to 5
    #[arg(long, value_name = "RATING", value_parser = number)]
    rating: Option<Decimal>,
    /// Takes back what was told before, but for what is told now
    #[arg(long)]
    afresh: bool,
    #[command(flatten)]
    format: FormatArg,
}

const COLUMNS: Columns<CallAnalytics> = Columns(&[
    ("call", |row| json!(row.call_id)),
    ("began", |row| time(row.call_date)),
    ("status", |row| json!(row.call_status)),
    ("conversion_status", |row| json!(row.conversion_status)),
    ("revenue_impact", |row| json!(row.revenue_impact.map(figure))),
    ("customer_satisfaction", |row| json!(row.customer_satisfaction.map(figure))),
]);

pub(super) fn run(store: &Store, args: &TellArgs) -> CliResult<()> {
    let proof = tenant(store, &args.tenant.tenant)?;
    let conversion = args.conversion.or(args.converted.then_some(ConversionStatus::Converted));
    if conversion.is_none() && args.revenue.is_none() && args.rating.is_none() && !args.afresh {
        return Err(CliError::Usage(
            "nothing is told: name --converted, --conversion, --revenue, --rating or --afresh".to_owned(),
        ));
    }
    let patch = CallAnalyticsPatch {
        conversion_status: told(conversion, args.afresh),
        revenue_impact: told(args.revenue, args.afresh),
        customer_satisfaction: told(args.rating, args.afresh),
        ..CallAnalyticsPatch::default()
    };
    let row = store.as_operator(&proof, |tx| {
        let call = args.call.known(tx)?.ok_or(Error::NotFound { entity: "call" })?;
        let call = tx.calls().get(call)?.id;
        let row =
            tx.call_analytics().find_by_call(call)?.ok_or_else(|| Error::try_later("the call has not been computed yet"))?;
        tx.call_analytics().update(row.id, &patch)
    });
    let names = [("revenue_impact", "--revenue"), ("customer_satisfaction", "--rating")];
    COLUMNS.one(args.format.format, &row.map_err(|error| error.renamed(&names))?)
}

fn told<T>(value: Option<T>, afresh: bool) -> Patch<T> {
    match value {
        Some(value) => Patch::Set(value),
        None if afresh => Patch::Clear,
        None => Patch::Keep,
    }
}
