//! How an alert rule is named on the command line.

use nmc_core::alerts::{AlertRule, AlertRuleFilter};
use nmc_core::{AlertRuleId, Error, PageRequest, Result, TenantTx};
use std::convert::Infallible;
use std::str::FromStr;

/// A rule, by its id or its exact name.
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
        let (mut found, mut after) = (None, None);
        loop {
            let page = tx.alert_rules().list(&AlertRuleFilter::default(), PageRequest::new(PageRequest::MAX, after)?)?;
            for rule in page.items.into_iter().filter(|rule| rule.name == *name) {
                if found.replace(rule).is_some() {
                    return Err(Error::conflict("the name", "is that of several rules: name one by its id"));
                }
            }
            match page.next {
                Some(next) => after = Some(next),
                None => return found.ok_or(Error::NotFound { entity: "rule" }),
            }
        }
    }
}
