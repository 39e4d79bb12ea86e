//! How an alert is named on the command line.

use super::id::{by_end, end_of_id, latest, only};
use nmc_core::alerts::{Alert, AlertFilter};
use nmc_core::{AlertId, Error, Result, TenantTx};
use std::convert::Infallible;
use std::str::FromStr;

/// An alert, by its id or the end of it, or by the name of the rule whose open alert it is.
#[derive(Clone)]
pub(crate) enum AlertKey {
    Id(AlertId),
    Words(String),
}

impl FromStr for AlertKey {
    type Err = Infallible;

    fn from_str(text: &str) -> std::result::Result<Self, Self::Err> {
        Ok(text.parse().map_or_else(|_| Self::Words(text.trim().to_owned()), Self::Id))
    }
}

impl AlertKey {
    /// The alert that the key names.
    pub(crate) fn find(&self, tx: &mut TenantTx<'_>) -> Result<AlertId> {
        let words = match self {
            Self::Id(id) => return Ok(*id),
            Self::Words(words) => words,
        };
        let open = AlertFilter { open: Some(true), ..AlertFilter::default() };
        let open = latest(|page| tx.alerts().list(&open, page))?;
        let named = open.iter().filter(|alert| alert.rule_name == *words).map(|alert| alert.id).collect();
        if let Some(id) = only(named, "the name")? {
            return Ok(id);
        }
        let end = end_of_id(words).ok_or(Error::NotFound { entity: "open alert of that name" })?;
        let ending = open.iter().map(|alert| alert.id).filter(|id| id.to_string().ends_with(&end)).collect();
        match only(ending, "the end")? {
            Some(id) => Ok(id),
            None => by_end("alert", &end, |alert: &Alert| alert.id, |page| tx.alerts().list(&AlertFilter::default(), page)),
        }
    }
}
