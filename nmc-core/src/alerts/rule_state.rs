//! What is remembered of rules between two evaluations.

use super::judgement::{RuleState, Sample};
use super::rule::{AlertRule, AlertRules};
use crate::schema::{alert_metrics_cache as cache, alert_rule_states as states};
use crate::{AlertRuleId, Result};
use chrono::{DateTime, Utc};
use diesel::pg::Pg;
use diesel::prelude::*;
use diesel::upsert::excluded;
use rust_decimal::Decimal;
use std::collections::HashMap;

#[derive(Debug, HasQuery)]
#[diesel(table_name = states, check_for_backend(Pg))]
struct Row {
    rule_id: AlertRuleId,
    holds: bool,
    holds_since: Option<DateTime<Utc>>,
    changes: i32,
    last_value: Option<Decimal>,
    last_measured_at: Option<DateTime<Utc>>,
    no_data_since: Option<DateTime<Utc>>,
    updated_at: DateTime<Utc>,
}

/// A state, and when it was written.
#[derive(Debug, Clone, Default)]
pub(super) struct Remembered {
    pub(super) state: RuleState,
    pub(super) written_at: Option<DateTime<Utc>>,
}

impl From<Row> for Remembered {
    fn from(row: Row) -> Self {
        let last = row.last_measured_at.zip(row.last_value).map(|(at, value)| Sample { at, value });
        Self {
            state: RuleState {
                holds: row.holds,
                since: row.holds_since,
                changes: row.changes,
                last,
                no_data_since: row.no_data_since,
            },
            written_at: Some(row.updated_at),
        }
    }
}

impl AlertRules<'_> {
    /// What is remembered of each of these rules, if anything. The rules' locks are the caller's.
    pub(super) fn remembered(&mut self, rules: &[AlertRuleId]) -> Result<HashMap<AlertRuleId, Remembered>> {
        let rows: Vec<Row> =
            Row::query().filter(states::tenant_id.eq(self.0.tenant)).filter(states::rule_id.eq_any(rules)).load(self.0.conn)?;
        Ok(rows.into_iter().map(|row| (row.rule_id, row.into())).collect())
    }

    /// Forgets what is remembered of a rule: it begins with its metric's last value, if there is one.
    pub(super) fn forget(&mut self, rule: AlertRuleId) -> Result<()> {
        diesel::delete(states::table)
            .filter(states::tenant_id.eq(self.0.tenant))
            .filter(states::rule_id.eq(rule))
            .execute(self.0.conn)?;
        Ok(())
    }

    /// Forgets what is remembered of a rule that was switched on again, so that nothing is raised over what was measured while it was
    /// off. Where nothing was, the last value stays judged: whoever has settled an alert over it does not get it again.
    pub(super) fn forget_if_overtaken(&mut self, rule: &AlertRule) -> Result<()> {
        let last: Option<DateTime<Utc>> = cache::table
            .filter(cache::tenant_id.eq(self.0.tenant))
            .filter(cache::metric_name.eq(&rule.metric))
            .order(cache::measurement_time.desc())
            .select(cache::measurement_time)
            .first(self.0.conn)
            .optional()?;
        diesel::delete(states::table)
            .filter(states::tenant_id.eq(self.0.tenant))
            .filter(states::rule_id.eq(rule.id))
            .filter(states::last_measured_at.lt(last))
            .execute(self.0.conn)?;
        Ok(())
    }

    /// Remembers these states, in one statement.
    pub(super) fn remember(&mut self, of: &[(AlertRuleId, &RuleState)]) -> Result<()> {
        if of.is_empty() {
            return Ok(());
        }
        let (tenant, now) = (self.0.tenant, self.0.now());
        let row = |(rule, state): &(AlertRuleId, &RuleState)| {
            (
                states::tenant_id.eq(tenant),
                states::rule_id.eq(*rule),
                states::holds.eq(state.holds),
                states::holds_since.eq(state.since),
                states::changes.eq(state.changes),
                states::last_value.eq(state.last.map(|last| last.value)),
                states::last_measured_at.eq(state.last.map(|last| last.at)),
                states::no_data_since.eq(state.no_data_since),
                states::created_at.eq(now),
                states::updated_at.eq(now),
            )
        };
        diesel::insert_into(states::table)
            .values(of.iter().map(row).collect::<Vec<_>>())
            .on_conflict((states::tenant_id, states::rule_id))
            .do_update()
            .set((
                states::holds.eq(excluded(states::holds)),
                states::holds_since.eq(excluded(states::holds_since)),
                states::changes.eq(excluded(states::changes)),
                states::last_value.eq(excluded(states::last_value)),
                states::last_measured_at.eq(excluded(states::last_measured_at)),
                states::no_data_since.eq(excluded(states::no_data_since)),
                states::updated_at.eq(excluded(states::updated_at)),
            ))
            .execute(self.0.conn)?;
        Ok(())
    }
}
