//! The rules of a business all together, as its rounds need them.

use super::rule::{AlertRule, AlertRules};
use crate::schema::alert_rules as rules;
use crate::{AlertRuleId, Result};
use diesel::prelude::*;

impl AlertRules<'_> {
    /// The metrics that enabled rules watch, by name.
    pub(crate) fn watched(&mut self) -> Result<Vec<String>> {
        let query = rules::table.filter(rules::tenant_id.eq(self.0.tenant)).filter(rules::is_enabled);
        Ok(query.select(rules::metric).distinct().order(rules::metric).limit(1_000).load(self.0.conn)?)
    }

    /// The next enabled rules by id, locked: evaluations of one tenant follow each other.
    pub(super) fn hold_enabled(&mut self, after: Option<AlertRuleId>, limit: i64) -> Result<Vec<AlertRule>> {
        let query = AlertRule::query().filter(rules::tenant_id.eq(self.0.tenant)).filter(rules::is_enabled);
        let after = after.unwrap_or(AlertRuleId::new(uuid::Uuid::nil()));
        let held: Vec<AlertRule> =
            query.filter(rules::id.gt(after)).order(rules::id).limit(limit).for_no_key_update().load(self.0.conn)?;
        if let Some(last_change) = held.iter().map(|rule| rule.updated_at).max() {
            self.0.moment.come_after(last_change);
        }
        Ok(held)
    }
}
