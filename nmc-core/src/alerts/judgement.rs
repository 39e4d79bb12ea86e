//! How a rule is judged over time: one step, from what is remembered of it and what has been measured since. Pure: the same steps are
//! taken by an evaluation and by a replay of history.
//!
//! All times are those of the measurements. When anybody looked is of no matter, but for a metric that is silent.

use super::rule::AlertRule;
use crate::schema::alert_rules as rules;
use crate::tenants::BusinessHours;
use crate::types::bounds;
use crate::{AlertOperator, NoDataPolicy, Result};
use chrono::{DateTime, TimeDelta, Utc};
use diesel::pg::Pg;
use diesel::prelude::*;
use rust_decimal::Decimal;

/// When a rule's condition makes an alert, and when an open one is over. By default one value decides, silence changes nothing, and
/// nothing counts as flapping.
#[derive(Debug, Clone, PartialEq, Eq, HasQuery, Insertable, AsChangeset)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[diesel(table_name = rules, treat_none_as_null = true, treat_none_as_default_value = false, check_for_backend(Pg))]
pub struct Judgement {
    /// For how many seconds the condition must hold, from one measurement to another, before an alert is raised; up to a week.
    pub pending_seconds: i32,
    /// What the metric of an open alert must come back to, in its unit: at or below it for a rule that looks for what is above, at or
    /// above it for one that looks for what is below. Without one the condition must no longer hold.
    pub recovery_threshold: Option<Decimal>,
    /// For how many seconds the condition must not hold, from one measurement to another, before an open alert is over; up to a week.
    pub keep_firing_seconds: i32,
    /// What becomes of the rule when its metric is silent.
    pub no_data_policy: NoDataPolicy,
    /// After how many seconds without a value it is; a minute to a week.
    pub no_data_seconds: i32,
    /// After how many changes of the condition in a row, none of which lasted [`Self::flap_seconds`], an open alert stays open until
    /// one does; 2 to 1,000. `None`: never.
    pub flap_changes: Option<i32>,
    /// How many seconds without a change are calm; a minute to a week.
    pub flap_seconds: i32,
    /// Whether alerts are raised in business hours only, by the time of the value; one that is open may end at any time.
    pub only_when_open: bool,
}

impl Default for Judgement {
    fn default() -> Self {
        Self {
            pending_seconds: 0,
            recovery_threshold: None,
            keep_firing_seconds: 0,
            no_data_policy: NoDataPolicy::Keep,
            no_data_seconds: 900,
            flap_changes: None,
            flap_seconds: 3_600,
            only_when_open: false,
        }
    }
}

impl Judgement {
    /// As it is stored.
    ///
    /// # Errors
    /// [`crate::Error::Invalid`] of a recovery threshold with too many digits. The database checks the rest.
    pub(super) fn checked(&self) -> Result<Self> {
        let exact = |value| bounds::METRIC.exact("recovery_threshold", value);
        Ok(Self { recovery_threshold: self.recovery_threshold.map(exact).transpose()?, ..self.clone() })
    }

    fn pending(&self) -> TimeDelta {
        TimeDelta::seconds(self.pending_seconds.into())
    }

    fn keep_firing(&self) -> TimeDelta {
        TimeDelta::seconds(self.keep_firing_seconds.into())
    }

    fn silence(&self) -> TimeDelta {
        TimeDelta::seconds(self.no_data_seconds.into())
    }

    fn calm(&self) -> TimeDelta {
        TimeDelta::seconds(self.flap_seconds.into())
    }
}

/// How old a value may be that raises an alert, unless it takes longer for the rule to count its metric as silent.
const OLDEST_NEWS: TimeDelta = TimeDelta::hours(1);

/// A value that was measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sample {
    /// When.
    pub at: DateTime<Utc>,
    /// What, in the metric's unit.
    pub value: Decimal,
}

/// What is remembered of a rule from one step to the next.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct RuleState {
    /// Whether the condition held at the last measurement.
    pub(super) holds: bool,
    /// The first measurement since which that is so without a gap.
    pub(super) since: Option<DateTime<Utc>>,
    /// How often that has changed in a row, never calm in between.
    pub(super) changes: i32,
    /// The last value that was judged.
    pub(super) last: Option<Sample>,
    /// Since when the metric has counted as silent.
    pub(super) no_data_since: Option<DateTime<Utc>>,
}

/// What a step goes by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum News {
    /// A value that was measured.
    Sample(Sample),
    /// The rule is another at this instant: the last value, and a silence, are judged once more.
    RuleChanged(DateTime<Utc>),
    /// Nothing was measured up to this instant.
    Silence(DateTime<Utc>),
}

impl News {
    const fn at(self) -> DateTime<Utc> {
        match self {
            Self::Sample(sample) => sample.at,
            Self::RuleChanged(at) | Self::Silence(at) => at,
        }
    }
}

/// What a step comes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub enum AlertMove {
    /// An alert is raised over this value.
    Raise(Decimal),
    /// An alert is raised, since nothing has been measured from this instant on.
    RaiseForSilence(DateTime<Utc>),
    /// The open alert is over, with the last value if there was one.
    Clear(Option<Decimal>),
    /// The open alert's condition has come and gone this often, and stays open until that is over.
    Flap(i32),
}

impl AlertMove {
    /// Whether the rule has an open alert afterwards.
    pub(super) const fn leaves_open(self) -> bool {
        !matches!(self, Self::Clear(_))
    }
}

/// Takes a step at an instant. `is_open`: whether an alert of the rule is open. Without `hours` the business never closes.
pub(super) fn step(
    rule: &AlertRule,
    state: &mut RuleState,
    hours: Option<&BusinessHours>,
    is_open: bool,
    (news, now): (News, DateTime<Utc>),
) -> Option<AlertMove> {
    let is_in_hours = !rule.judgement.only_when_open || hours.is_none_or(|hours| hours.is_open(news.at()));
    let may_raise = is_in_hours && !state.is_old(rule, news, now);
    match news {
        // One that is late, or there twice, has been overtaken.
        News::Sample(sample) if state.last.is_some_and(|last| sample.at <= last.at) => None,
        News::Sample(sample) => {
            let flapped = state.is_flapping(rule);
            state.judge(rule, is_open, sample);
            let begins_to_flap = is_open && !flapped && state.is_flapping(rule);
            begins_to_flap.then_some(AlertMove::Flap(state.changes)).or_else(|| state.decide(rule, is_open, may_raise))
        }
        News::RuleChanged(now) => {
            state.forget_silence(rule, is_open, now);
            let last = state.last?;
            let holds = rule.judges(last.value, is_open);
            if holds != state.holds {
                (state.holds, state.since, state.changes) = (holds, Some(last.at), 0);
            }
            state.decide(rule, is_open, may_raise)
        }
        // A silence is told once: nobody would hear of it before the business opens.
        News::Silence(_) if !is_open && !may_raise => None,
        News::Silence(now) => state.decide(rule, is_open, false).or_else(|| state.hear_nothing(rule, is_open, now)),
    }
}

impl RuleState {
    fn judge(&mut self, rule: &AlertRule, is_open: bool, sample: Sample) {
        let holds = rule.judges(sample.value, is_open);
        let is_gap = self.last.is_none_or(|last| sample.at - last.at > rule.judgement.silence());
        let is_calm = self.since.is_none_or(|since| sample.at - since >= rule.judgement.calm());
        if is_calm {
            self.changes = 0;
        }
        if holds != self.holds && self.since.is_some() {
            self.changes = self.changes.saturating_add(1);
        }
        if holds != self.holds || is_gap {
            (self.holds, self.since) = (holds, Some(sample.at));
        }
        self.last = Some(sample);
        self.no_data_since = None;
    }

    /// `may_raise`: whether there is a value, or a rule, by which nothing has been raised yet, and the business wants to hear of it. Whoever has settled an alert by hand does not
    /// get it again over the same value.
    fn decide(&self, rule: &AlertRule, is_open: bool, may_raise: bool) -> Option<AlertMove> {
        let (last, since) = (self.last?, self.since?);
        let lasts = last.at - since;
        let terms = &rule.judgement;
        let is_over = lasts >= terms.keep_firing() && (!self.is_flapping(rule) || lasts >= terms.calm());
        match (self.holds, is_open) {
            (true, false) if may_raise && lasts >= terms.pending() => Some(AlertMove::Raise(last.value)),
            (false, true) if is_over && self.is_heard(rule) => Some(AlertMove::Clear(Some(last.value))),
            _ => None,
        }
    }

    fn hear_nothing(&mut self, rule: &AlertRule, is_open: bool, now: DateTime<Utc>) -> Option<AlertMove> {
        if self.no_data_since.is_some() || !self.is_silent(rule, now) {
            return None;
        }
        let heard = self.heard(rule);
        self.no_data_since = Some(heard);
        match rule.judgement.no_data_policy {
            NoDataPolicy::Alert if !is_open => Some(AlertMove::RaiseForSilence(heard)),
            NoDataPolicy::Ok if is_open => Some(AlertMove::Clear(self.last.map(|last| last.value))),
            _ => None,
        }
    }

    /// Lets a silence be judged by the rule as it is now, unless it still is what an open alert may go by.
    fn forget_silence(&mut self, rule: &AlertRule, is_open: bool, now: DateTime<Utc>) {
        if !(is_open && rule.judgement.no_data_policy == NoDataPolicy::Alert && self.is_silent(rule, now)) {
            self.no_data_since = None;
        }
    }

    /// The last instant at which the rule could be judged.
    fn heard(&self, rule: &AlertRule) -> DateTime<Utc> {
        self.last.map_or_else(|| rule.judged_since(), |last| last.at)
    }

    fn is_silent(&self, rule: &AlertRule, now: DateTime<Utc>) -> bool {
        now - self.heard(rule) > rule.judgement.silence()
    }

    /// Whether the last value still tells anything: one that was measured before a silence which is an alert itself does not.
    fn is_heard(&self, rule: &AlertRule) -> bool {
        self.no_data_since.is_none() || rule.judgement.no_data_policy != NoDataPolicy::Alert
    }

    /// Whether the value that is judged is too old to raise anything: news has an age. One that the rule does not even count as silence yet is
    /// not. A silence is always news.
    fn is_old(&self, rule: &AlertRule, news: News, now: DateTime<Utc>) -> bool {
        let measured_at = match news {
            News::Sample(sample) => Some(sample.at),
            News::RuleChanged(_) => self.last.map(|last| last.at),
            News::Silence(_) => None,
        };
        measured_at.is_some_and(|at| now - at > rule.judgement.silence().max(OLDEST_NEWS))
    }

    fn is_flapping(&self, rule: &AlertRule) -> bool {
        rule.judgement.flap_changes.is_some_and(|most| self.changes >= most)
    }
}

impl AlertRule {
    /// Since when it has judged as it does.
    pub(super) fn judged_since(&self) -> DateTime<Utc> {
        self.judgement_changed_at.unwrap_or(self.created_at)
    }

    /// Whether its condition holds for a value, exactly: 0.0049 is below 0.0050.
    #[must_use]
    pub fn holds(&self, value: Decimal) -> bool {
        match self.operator {
            AlertOperator::GreaterThan => value > self.threshold,
            AlertOperator::LessThan => value < self.threshold,
            AlertOperator::Equals => value == self.threshold,
            AlertOperator::NotEquals => value != self.threshold,
        }
    }

    /// The same, but that an open alert's condition holds until the value is back at the recovery threshold.
    fn judges(&self, value: Decimal, is_open: bool) -> bool {
        let is_short_of = |recovery| match self.operator {
            AlertOperator::GreaterThan => value > recovery,
            AlertOperator::LessThan => value < recovery,
            AlertOperator::Equals | AlertOperator::NotEquals => false,
        };
        self.holds(value) || is_open && self.judgement.recovery_threshold.is_some_and(is_short_of)
    }
}
