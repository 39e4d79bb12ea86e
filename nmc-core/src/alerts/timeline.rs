//! What a rule would have made of a history: the steps of an evaluation, without one.

use super::judgement::{AlertMove, News, RuleState, Sample, step};
use super::rule::{AlertRule, NewAlertRule};
use super::trade_metric::watched;
use crate::tenants::BusinessHours;
use crate::types::bounds;
use crate::{AlertRuleId, Result, TenantId};
use chrono::{DateTime, Utc};

/// A move that an evaluation would have made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct TimelineEntry {
    /// The instant of the evaluation.
    pub at: DateTime<Utc>,
    /// The move.
    pub made: AlertMove,
}

impl AlertRule {
    /// The rule that this would be, which is written nowhere and has no id: a history can be judged by it ([`timeline`]).
    ///
    /// # Errors
    /// [`crate::Error::Invalid`] on a metric, a threshold or terms that no rule can have.
    pub fn unsaved(new: &NewAlertRule, tenant: TenantId, now: DateTime<Utc>) -> Result<Self> {
        new.judgement.checked()?;
        Ok(Self {
            id: AlertRuleId::new(uuid::Uuid::nil()),
            tenant_id: tenant,
            name: new.name.clone(),
            description: new.description.clone(),
            metric: watched(&new.metric)?,
            operator: new.operator,
            threshold: bounds::METRIC.exact("threshold", new.threshold)?,
            severity: new.severity,
            is_enabled: new.is_enabled,
            notification_channels: new.notification_channels.clone(),
            escalation_enabled: new.escalation_enabled,
            escalation_delay_minutes: new.escalation_delay_minutes,
            escalation_repeats: new.escalation_repeats,
            created_at: now,
            updated_at: now,
            judgement_changed_at: None,
            judgement: new.judgement.clone(),
        })
    }
}

/// The moves that evaluations at these instants would have made of these values, nobody touching the alerts meanwhile. Both are in the
/// order of their times; an evaluation knows the values measured until then. `hours` are those of the business, for a rule that raises
/// alerts only within them.
#[must_use]
pub fn timeline(
    rule: &AlertRule,
    hours: &BusinessHours,
    samples: &[Sample],
    evaluated_at: &[DateTime<Utc>],
) -> Vec<TimelineEntry> {
    let (mut state, mut is_open, mut rest) = (RuleState::default(), false, samples);
    let mut moves = Vec::new();
    for at in evaluated_at {
        let known = rest.partition_point(|sample| sample.at <= *at);
        let (new, later) = rest.split_at(known);
        // A rule that has judged nothing yet begins with the last value.
        let new = if state.last.is_none() { new.last_chunk::<1>().map_or(new, |last| last.as_slice()) } else { new };
        rest = later;
        let news = new.iter().map(|sample| News::Sample(*sample)).chain([News::Silence(*at)]);
        for news in news {
            let Some(made) = step(rule, &mut state, Some(hours), is_open, (news, *at)) else { continue };
            is_open = made.leaves_open();
            moves.push(TimelineEntry { at: *at, made });
        }
    }
    moves
}
