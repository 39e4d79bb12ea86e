//! Evaluation: each enabled rule against what has been measured of its metric since the last time. Where the condition has held for
//! long enough an alert is raised; where it no longer does, the open alert settles itself. [`super::Judgement`] has the terms.
//!
//! A snoozed alert is left as it is: it wakes first. An open alert is judged by its rule as the rule is now, whose metric is still
//! the one it was raised over: that can't change while it is open.

use super::alert::Alert;
use super::judgement::{AlertMove, News, RuleState, step};
use super::measurement::{AT_A_TIME, Fresh, Wanted};
use super::rule::AlertRule;
use super::rule_state::Remembered;
use super::trade_metric::words_of;
use crate::store::TenantTx;
use crate::tenants::BusinessHours;
use crate::{AlertId, AlertRuleId, AlertStatus, Result};
use chrono::{DateTime, SecondsFormat, Utc};
use rust_decimal::Decimal;
use std::collections::{HashMap, VecDeque};

/// How many rules are evaluated with the same few statements.
const PAGE: i64 = 200;

/// How often an evaluation goes on after a move, for a rule whose metric was measured several times: what is left then is for the next.
const ROUNDS: usize = 8;

/// What an evaluation came to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[cfg_attr(not(feature = "testing"), non_exhaustive)]
pub struct Evaluation {
    /// How many rules have a value to be compared with.
    pub compared: usize,
    /// The alerts it raised.
    pub raised: Vec<AlertId>,
    /// The alerts that settled themselves.
    pub resolved: Vec<AlertId>,
    /// How many values came too late to be judged, as a later one had been; one counts for each rule that watches its metric.
    pub late: usize,
}

/// Evaluates one rule.
///
/// # Errors
/// [`crate::Error::NotFound`]; [`crate::Error::Conflict`] when the rule is disabled.
pub fn evaluate(tx: &mut TenantTx<'_>, rule: AlertRuleId) -> Result<Evaluation> {
    let rule = tx.alert_rules().lock_enabled(rule)?;
    let mut outcome = Evaluation::default();
    evaluate_held(tx, &[rule], &mut outcome)?;
    Ok(outcome)
}

/// Evaluates the tenant's enabled rules, 200 at a time, each time with fourteen statements at the most, and nine more for each further round
/// of moves.
///
/// # Errors
/// [`crate::Error::Unavailable`] or [`crate::Error::Internal`].
pub fn evaluate_all(tx: &mut TenantTx<'_>) -> Result<Evaluation> {
    let mut outcome = Evaluation::default();
    let mut last = None;
    loop {
        let rules = tx.alert_rules().hold_enabled(last, PAGE)?;
        evaluate_held(tx, &rules, &mut outcome)?;
        match rules.last() {
            Some(rule) if usize::try_from(PAGE) == Ok(rules.len()) => last = Some(rule.id),
            _ => return Ok(outcome),
        }
    }
}

/// A rule that is being evaluated.
struct Run<'r> {
    rule: &'r AlertRule,
    /// As it is remembered, unless it is to be remembered anew.
    before: Option<RuleState>,
    state: RuleState,
    news: VecDeque<News>,
    /// The values that nobody judges any more.
    late: usize,
    open: Option<Alert>,
    /// The business's hours, if the rule goes by them.
    hours: Option<&'r BusinessHours>,
}

impl Run<'_> {
    /// Goes on to the next move that is to be made.
    fn next_move(&mut self, now: DateTime<Utc>) -> Option<AlertMove> {
        while let Some(news) = self.news.pop_front() {
            let is_asleep = self.open.as_ref().is_some_and(|alert| alert.status == AlertStatus::Snoozed);
            // A silence is told once: to an alert that sleeps it would be lost.
            if is_asleep && matches!(news, News::Silence(_)) {
                continue;
            }
            let made = step(self.rule, &mut self.state, self.hours, self.open.is_some(), (news, now));
            if let Some(made) = made.filter(|_| !is_asleep) {
                return Some(made);
            }
        }
        None
    }
}

/// Evaluates rules that stay as they are until the transaction ends.
fn evaluate_held(tx: &mut TenantTx<'_>, rules: &[AlertRule], outcome: &mut Evaluation) -> Result<()> {
    if rules.is_empty() {
        return Ok(());
    }
    let goes_by_hours = rules.iter().any(|rule| rule.judgement.only_when_open);
    let hours = if goes_by_hours { Some(tx.tenants().business_hours()?) } else { None };
    let mut runs = begin(tx, rules, hours.as_ref())?;
    let now = tx.now();
    for _ in 0..ROUNDS {
        let moves: Vec<(usize, AlertMove)> =
            runs.iter_mut().enumerate().filter_map(|(place, run)| Some((place, run.next_move(now)?))).collect();
        if moves.is_empty() {
            break;
        }
        make(tx, &mut runs, &moves, outcome)?;
    }
    outcome.late += runs.iter().map(|run| run.late).sum::<usize>();
    outcome.compared += runs.iter().filter(|run| run.state.last.is_some()).count();
    let changed: Vec<(AlertRuleId, &RuleState)> =
        runs.iter().filter(|run| run.before.as_ref() != Some(&run.state)).map(|run| (run.rule.id, &run.state)).collect();
    tx.alert_rules().remember(&changed)
}

/// What is remembered and what is new of each rule, and its open alert, locked.
fn begin<'r>(tx: &mut TenantTx<'_>, rules: &'r [AlertRule], hours: Option<&'r BusinessHours>) -> Result<Vec<Run<'r>>> {
    let ids: Vec<AlertRuleId> = rules.iter().map(|rule| rule.id).collect();
    let mut remembered = tx.alert_rules().remembered(&ids)?;
    let remembered: Vec<_> = ids.iter().map(|id| remembered.remove(id).unwrap_or_default()).collect();
    let wanted = |(rule, known): (&'r AlertRule, &Remembered)| Wanted {
        metric: &rule.metric,
        judged_until: known.state.last.map(|last| last.at),
        written_at: known.written_at,
    };
    let wanted: Vec<Wanted<'_>> = rules.iter().zip(&remembered).map(wanted).collect();
    let mut fresh = tx.measurements().since(&wanted)?;
    let mut open: HashMap<AlertRuleId, Alert> =
        tx.alerts().lock_open_of(&ids)?.into_iter().map(|alert| (alert.rule_id, alert)).collect();
    let now = tx.now();
    Ok(rules
        .iter()
        .zip(remembered)
        .enumerate()
        .map(|(place, (rule, known))| {
            // Whoever changed it at that instant came after.
            let is_other = known.written_at.is_some_and(|at| rule.judged_since() >= at);
            let Fresh { samples: new, late } = fresh.remove(&place).unwrap_or_default();
            let news = is_other.then_some(News::RuleChanged(now)).into_iter();
            // Where there may be more values to come, nothing is known of a silence.
            let silence = (new.len() < AT_A_TIME).then_some(News::Silence(now));
            let news = news.chain(new.into_iter().map(News::Sample)).chain(silence).collect();
            // Written anew, what is late counts once.
            let before = (!is_other && late == 0).then(|| known.state.clone());
            Run { rule, before, state: known.state, news, late, open: open.remove(&rule.id), hours }
        })
        .collect())
}

/// Makes one move of each of these rules, with two statements for each kind of move.
fn make(tx: &mut TenantTx<'_>, runs: &mut [Run<'_>], moves: &[(usize, AlertMove)], outcome: &mut Evaluation) -> Result<()> {
    let (mut new, mut settled, mut flapping) = (Vec::new(), Vec::new(), Vec::new());
    for (place, made) in moves {
        let Some(run) = runs.get_mut(*place) else { continue };
        let (rule, last) = (run.rule, run.state.last.map_or(Decimal::ZERO, |last| last.value));
        match *made {
            AlertMove::Raise(value) => new.push((rule, value, None)),
            AlertMove::RaiseForSilence(since) => new.push((rule, last, Some(silence_in_words(rule, since)))),
            AlertMove::Clear(value) => settled.extend(run.open.take().map(|alert| (alert, value.unwrap_or(last)))),
            AlertMove::Flap(changes) => flapping.extend(run.open.as_ref().map(|alert| (alert.id, changes))),
        }
    }
    let settled: Vec<(&Alert, Decimal)> = settled.iter().map(|(alert, value)| (alert, *value)).collect();
    outcome.resolved.extend(tx.alerts().auto_resolve_all(&settled)?);
    tx.alerts().note_flapping(&flapping)?;
    let raised = tx.alerts().raise_unless_open(&new)?;
    outcome.raised.extend(raised.iter().map(|alert| alert.id));
    let mut raised: HashMap<AlertRuleId, Alert> = raised.into_iter().map(|alert| (alert.rule_id, alert)).collect();
    for run in runs {
        if let Some(alert) = raised.remove(&run.rule.id) {
            run.open = Some(alert);
        }
    }
    Ok(())
}

fn silence_in_words(rule: &AlertRule, since: DateTime<Utc>) -> String {
    format!(
        "{}: nothing has been measured of {} since {}",
        rule.name,
        words_of(&rule.metric).map_or_else(|| rule.metric.clone(), |words| format!("“{words}”")),
        since.to_rfc3339_opts(SecondsFormat::Secs, true)
    )
}
