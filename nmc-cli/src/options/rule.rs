//! How an alert rule is named on the command line.

use super::id::{by_end, end_of_id, latest, only};
use nmc_core::alerts::{AlertRule, AlertRuleFilter};
use nmc_core::{AlertRuleId, Error, Result, TenantTx};
use std::convert::Infallible;
use std::str::FromStr;

/// A rule, by its id or the end of it, or by its exact name.
#[derive(Clone)]
pub(crate) enum RuleKey {
    Id(AlertRuleId),
    Name(String),
}

impl FromStr for RuleKey {
    type Err = Infallible;

    fn from_str(text: &str) -> std::result::Result<Self, Self::Err> {
        Ok(text.parse().map_or_else(|_| Self::Name(text.trim().to_owned()), Self::Id))
    }
}

impl RuleKey {
    /// The rule that the key names. Rules over different metrics may have one name: that is nobody's to guess.
    pub(crate) fn get(&self, tx: &mut TenantTx<'_>) -> Result<AlertRule> {
        let name = match self {
            Self::Id(id) => return tx.alert_rules().get(*id),
            Self::Name(name) => name,
        };
        let of_name = AlertRuleFilter { name: Some(name.clone()), ..AlertRuleFilter::default() };
        let named = latest(|page| tx.alert_rules().list(&of_name, page))?;
        let ids = named.iter().map(|rule| rule.id).collect();
        let id = match (only(ids, "the name")?, end_of_id(name)) {
            (Some(id), _) => id,
            (None, Some(end)) => {
                let list = |page| tx.alert_rules().list(&AlertRuleFilter::default(), page);
                by_end("rule", &end, |rule: &AlertRule| rule.id, list)?
            }
            (None, None) => return Err(Error::NotFound { entity: "rule" }),
        };
        tx.alert_rules().get(id)
    }
}
