//! Handlers whose conflicts tell of other businesses.

use super::request::RequestContext;
use crate::error::ApiResult;
use nmc_core::{Result, TenantTx};

/// Runs `work` as whoever asks, where a conflict tells them of other businesses: such answers are counted, and after too many
/// nothing is answered any more.
///
/// # Errors
/// [`ApiError::TooMany`]; what `work` returns.
pub(crate) async fn telling_of_others<Q, B, T: Send + 'static>(
    context: &RequestContext<Q, B>,
    work: impl Fn(&mut TenantTx<'_>) -> Result<T> + Send + 'static,
) -> ApiResult<T> {
    let whoever = |tx: &mut TenantTx<'_>| Ok((tx.tenant().id(), tx.actor().goes_back_to(), tx.actor().api_key()));
    let (business, person, key) = context.acting(whoever).await?;
    let counted = context.app.rate_limits.conflict_of(context.origin(None).ip_address, business, person, key).await?;
    counted.settled(context.acting(work).await)
}
