//! What is remembered of rules between two evaluations.

use super::judgement::{RuleState, Sample};
use super::rule::{AlertRule, AlertRules};
use crate::schema::{alert_metrics_cache as cache, alert_rule_states as states};
use crate::store::Prepared;
use crate::{AlertRuleId, Result};
use chrono::{DateTime, Utc};
use diesel::pg::Pg;
use diesel::prelude::*;
use diesel::sql_query;
use diesel::sql_types::{Array, Bool, Int4, Nullable, Numeric, Timestamptz, Uuid};
use rust_decimal::Decimal;
use std::collections::HashMap;

const REMEMBER: &str = "\
    INSERT INTO alert_rule_states AS known (tenant_id, rule_id, holds, holds_since, changes, last_value, last_measured_at, no_data_since, created_at, updated_at) \
    SELECT $1, new.*, $2, $2 FROM unnest($3, $4, $5, $6, $7, $8, $9) AS new \
    ON CONFLICT (tenant_id, rule_id) DO UPDATE SET holds = excluded.holds, holds_since = excluded.holds_since, changes = excluded.changes, \
        last_value = excluded.last_value, last_measured_at = excluded.last_measured_at, no_data_since = excluded.no_data_since, \
        updated_at = excluded.updated_at \
    RETURNING known.rule_id";

/// A rule whose state is remembered.
#[derive(QueryableByName)]
struct Kept {
    #[diesel(sql_type = Uuid)]
    #[expect(dead_code, reason = "a statement that is kept prepared has to return something")]
    rule_id: AlertRuleId,
}

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

    /// Remembers these states, in one statement, whose text is the same however many they are: each business's round has one.
    pub(super) fn remember(&mut self, of: &[(AlertRuleId, &RuleState)]) -> Result<()> {
        if of.is_empty() {
            return Ok(());
        }
        let rules: Vec<AlertRuleId> = of.iter().map(|(rule, _)| *rule).collect();
        let holds: Vec<bool> = of.iter().map(|(_, state)| state.holds).collect();
        let since: Vec<_> = of.iter().map(|(_, state)| state.since).collect();
        let changes: Vec<i32> = of.iter().map(|(_, state)| state.changes).collect();
        let values: Vec<_> = of.iter().map(|(_, state)| state.last.map(|last| last.value)).collect();
        let measured: Vec<_> = of.iter().map(|(_, state)| state.last.map(|last| last.at)).collect();
        let silent: Vec<_> = of.iter().map(|(_, state)| state.no_data_since).collect();
        let query = sql_query(REMEMBER)
            .bind::<Uuid, _>(self.0.tenant)
            .bind::<Timestamptz, _>(self.0.now())
            .bind::<Array<Uuid>, _>(rules)
            .bind::<Array<Bool>, _>(holds)
            .bind::<Array<Nullable<Timestamptz>>, _>(since)
            .bind::<Array<Int4>, _>(changes)
            .bind::<Array<Nullable<Numeric>>, _>(values)
            .bind::<Array<Nullable<Timestamptz>>, _>(measured)
            .bind::<Array<Nullable<Timestamptz>>, _>(silent);
        Prepared(query).load::<Kept>(self.0.conn)?;
        Ok(())
    }
}
