//! Evaluation: rules against the latest values.

use super::{Scene, dec, rule};
use chrono::TimeDelta;
use nmc_core::alerts::{AlertRulePatch, Evaluation, Judgement, NewAlertRule, evaluate, evaluate_all};
use nmc_core::{AlertEventType as Event, AlertOperator, AlertRuleId, AlertStatus as Status, Result, TenantTx};
use serde_json::json;

impl Scene {
    fn measure(&self, metric: &str, value: &str) {
        let at = self.after(1);
        self.run(|tx| tx.measurements().record(metric, dec(value), at)).unwrap();
    }

    fn evaluate_all(&self) -> (usize, usize, usize) {
        let Evaluation { compared, raised, resolved, .. } = self.run(evaluate_all).unwrap();
        (compared, raised.len(), resolved.len())
    }
}

#[test]
fn alert_is_raised_while_its_condition_holds_and_settles_after() {
    let scene = Scene::new();
    let rule = scene.rule(&rule("Many")).id;
    assert_eq!(scene.evaluate_all(), (0, 0, 0), "nothing is known");
    scene.measure("other", "99");
    assert_eq!(scene.evaluate_all(), (0, 0, 0), "of this metric");
    scene.measure("missed calls", "10");
    assert_eq!(scene.evaluate_all(), (1, 0, 0), "not above");
    scene.measure("missed calls", "10.0001");
    let outcome = scene.run(evaluate_all).unwrap();
    let alert = scene.run(|tx| tx.alerts().find_open_by_rule(rule)).unwrap().unwrap();
    assert_eq!(outcome, Evaluation { compared: 1, raised: vec![alert.id], resolved: Vec::new(), late: 0 });
    assert_eq!((alert.metric_value, alert.message.as_str()), (dec("10.0001"), "Many: missed calls is 10.0001, above 10"));
    scene.measure("missed calls", "11");
    assert_eq!(scene.evaluate_all(), (1, 0, 0), "it is open");
    assert_eq!(scene.reload(&alert), alert);
    scene.measure("missed calls", "9");
    let outcome = scene.run(|tx| evaluate(tx, rule)).unwrap();
    assert_eq!(outcome, Evaluation { compared: 1, raised: Vec::new(), resolved: vec![alert.id], late: 0 });
    let settled = scene.reload(&alert);
    assert_eq!((settled.status, settled.auto_resolved, settled.resolved_by), (Status::Resolved, true, None));
    assert_eq!((settled.resolved_at, settled.updated_at), (Some(scene.now()), scene.now()));
    assert_eq!(scene.event_types(alert.id), [Event::Triggered, Event::Resolved]);
    let entry = scene.history(alert.id).pop().unwrap();
    assert_eq!((entry.old_status, entry.new_status, entry.user_id), (Some(Status::Triggered), Some(Status::Resolved), None));
    assert_eq!(entry.details, Some(json!({"auto": true, "value": "9"})));
    assert_eq!(scene.evaluate_all(), (1, 0, 0), "once");
    scene.measure("missed calls", "11");
    assert_eq!(scene.run(|tx| evaluate(tx, rule)).unwrap().raised.len(), 1, "and again");
}

#[test]
fn each_open_status_settles_itself_but_a_snoozed_alert_stays() {
    let scene = Scene::new();
    let ada = scene.ada;
    let rules = ["triggered", "acknowledged", "escalated", "snoozed"].map(|name| scene.rule(&rule(name)).id);
    scene.measure("missed calls", "11");
    assert_eq!(scene.evaluate_all(), (4, 4, 0));
    let alerts = rules.map(|rule| scene.run(|tx| tx.alerts().find_open_by_rule(rule)).unwrap().unwrap());
    let until = scene.now() + TimeDelta::hours(1);
    scene.run_as(ada, |tx| tx.alerts().acknowledge(alerts[1].id, None)).unwrap();
    scene.run(|tx| tx.alerts().escalate(alerts[2].id)).unwrap();
    let snoozed = scene.run_as(ada, |tx| tx.alerts().snooze(alerts[3].id, until, None)).unwrap();
    scene.measure("missed calls", "1");
    assert_eq!(scene.evaluate_all(), (4, 0, 3));
    assert_eq!(scene.run(|tx| evaluate(tx, rules[3])).unwrap().resolved, []);
    assert_eq!(scene.reload(&snoozed), snoozed);
    for (alert, from) in alerts.iter().zip([Status::Triggered, Status::Acknowledged, Status::Escalated]) {
        let entry = scene.history(alert.id).pop().unwrap();
        assert_eq!((entry.old_status, entry.new_status), (Some(from), Some(Status::Resolved)));
    }
    scene.run(|tx| tx.alerts().wake(snoozed.id)).unwrap();
    assert_eq!(scene.evaluate_all(), (4, 0, 1));
}

#[test]
fn an_evaluation_that_waited_comes_after_what_it_waited_for() {
    let scene = Scene::new();
    let rule = scene.rule(&rule("a")).id;
    let none = AlertRulePatch::default;
    let touch = |tx: &mut TenantTx<'_>| tx.alert_rules().update(rule, &none()).map(drop);
    type Evaluate = fn(&mut TenantTx<'_>, AlertRuleId) -> Result<Evaluation>;
    let both: [Evaluate; 2] = [evaluate, |tx, _| evaluate_all(tx)];
    for evaluation in both {
        // For a change of the rule.
        scene.measure("missed calls", "11");
        let (changed, raised) = scene.overtaken(touch, |tx| evaluation(tx, rule));
        let raised = raised.unwrap().raised;
        let alert = scene.run(|tx| tx.alerts().get(raised[0])).unwrap();
        assert!(alert.created_at > changed && scene.history(alert.id)[0].created_at > changed);
        // For a move of its alert.
        scene.measure("missed calls", "1");
        let (moved, settled) = scene.overtaken(|tx| tx.alerts().escalate(alert.id).map(drop), |tx| evaluation(tx, rule));
        assert_eq!(settled.unwrap().resolved, [alert.id]);
        let settled = scene.reload(&alert);
        assert!(settled.resolved_at > Some(moved) && settled.updated_at > moved);
        assert_eq!(scene.event_types(alert.id), [Event::Triggered, Event::Escalated, Event::Resolved]);
    }
    let (changed, raised) = scene.overtaken(touch, |tx| tx.alerts().raise(rule, dec("11"), None));
    assert!(raised.unwrap().alert.created_at > changed);
    let (changed, row) = scene.overtaken(touch, |tx| tx.alert_rules().update(rule, &none()));
    assert!(row.unwrap().updated_at > changed);
}

#[test]
fn an_open_alert_is_judged_by_its_rule_as_it_is_now() {
    let scene = Scene::new();
    let rule = scene.rule(&rule("a")).id;
    scene.measure("missed calls", "11");
    assert_eq!(scene.evaluate_all(), (1, 1, 0));
    let patch = AlertRulePatch { threshold: Some(dec("20")), ..AlertRulePatch::default() };
    scene.run(|tx| tx.alert_rules().update(rule, &patch)).unwrap();
    assert_eq!(scene.evaluate_all(), (1, 0, 1));
}

#[test]
fn a_disabled_rule_is_left_alone() {
    let scene = Scene::new();
    let off = scene.rule(&NewAlertRule { is_enabled: false, ..rule("off") }).id;
    let on = scene.rule(&rule("on"));
    scene.measure("missed calls", "11");
    assert_eq!(scene.evaluate_all(), (1, 1, 0));
    scene.run(|tx| tx.alert_rules().update(on.id, &AlertRulePatch { is_enabled: Some(false), ..Default::default() })).unwrap();
    scene.measure("missed calls", "1");
    assert_eq!(scene.evaluate_all(), (0, 0, 0), "and so is its open alert");
    scene.refuses("rule_id is disabled", |tx| evaluate(tx, off));
    scene.refuses("rule not found", |tx| evaluate(tx, AlertRuleId::new(uuid::Uuid::now_v7())));
}

#[test]
fn every_rule_meets_its_own_metric_in_a_few_statements() {
    let scene = Scene::new();
    // More than one page of rules, over two metrics; every third holds.
    scene
        .run(|tx| {
            for n in 0..205 {
                let metric = if n % 2 == 0 { "even" } else { "odd" };
                let threshold = if n % 3 == 0 { "5" } else { "500" };
                tx.alert_rules().create(&NewAlertRule {
                    metric: metric.to_owned(),
                    threshold: dec(threshold),
                    operator: AlertOperator::GreaterThan,
                    ..rule(&n.to_string())
                })?;
            }
            Ok(())
        })
        .unwrap();
    scene.measure("even", "6");
    scene.measure("odd", "4");
    assert_eq!(scene.evaluate_all(), (205, 35, 0));
    scene.measure("even", "4");
    scene.measure("odd", "6");
    // The store below has the clock of the machine: to it they must be news.
    scene.db.execute(
        "UPDATE alert_metrics_cache SET measurement_time = now() WHERE (metric_name, measurement_time) IN
         (SELECT metric_name, max(measurement_time) FROM alert_metrics_cache GROUP BY metric_name)",
    );
    let sent = scene.db.round_trips(|store| {
        let outcome = store.tenant(&scene.business.tenant, evaluate_all).unwrap();
        assert_eq!((outcome.compared, outcome.raised.len(), outcome.resolved.len()), (205, 34, 35));
    });
    // Two pages of fourteen, and the transaction's own.
    assert!(sent.len() <= 30, "{}", sent.len());
}

#[test]
fn two_evaluations_at_once_raise_and_settle_each_alert_once() {
    let scene = Scene::new();
    let rules = [scene.rule(&rule("a")).id, scene.rule(&rule("b")).id];
    for round in 1..=5 {
        scene.measure("missed calls", "11");
        let raised = scene.both(evaluate_all).map(|outcome| outcome.unwrap().raised.len());
        assert_eq!(raised.iter().sum::<usize>(), 2);
        let alerts = rules.map(|rule| scene.run(|tx| tx.alerts().find_open_by_rule(rule)).unwrap().unwrap());
        scene.measure("missed calls", "1");
        let settled = scene.both(evaluate_all).map(|outcome| outcome.unwrap().resolved.len());
        assert_eq!(settled.iter().sum::<usize>(), 2);
        for alert in &alerts {
            assert_eq!(scene.event_types(alert.id), [Event::Triggered, Event::Resolved], "round {round}");
        }
    }
}

#[test]
fn value_of_long_ago_is_judged_and_raises_nothing() {
    let scene = Scene::new();
    let a = scene.rule(&rule("a")).id;
    let slow = scene.rule(&NewAlertRule {
        judgement: Judgement { no_data_seconds: 86_400, ..Judgement::default() },
        ..rule("measured once a day")
    });
    let record = |minutes: i64| {
        let at = scene.now() - TimeDelta::minutes(minutes);
        scene.run(|tx| tx.measurements().record("missed calls", dec("11"), at)).unwrap();
        scene.run(evaluate_all).unwrap().raised
    };
    scene.after(24 * 60);
    assert_eq!(record(30 * 24 * 60), [], "of a month ago");
    let [raised] = record(90).try_into().unwrap();
    assert_eq!(scene.run(|tx| tx.alerts().get(raised)).unwrap().rule_id, slow.id, "for the other, that is old");
    let patch = AlertRulePatch { threshold: Some(dec("9")), ..AlertRulePatch::default() };
    scene.after(1);
    scene.run(|tx| tx.alert_rules().update(a, &patch)).unwrap();
    scene.after(1);
    assert_eq!(scene.run(evaluate_all).unwrap().raised, [], "a rule that changes makes no news of it");
    // What is measured now is news.
    let [raised] = record(0).try_into().unwrap();
    assert_eq!(scene.run(|tx| tx.alerts().get(raised)).unwrap().rule_id, a);
}

#[test]
fn late_value_counts_once_for_each_rule_of_its_metric() {
    let scene = Scene::new();
    ["a", "b"].iter().for_each(|name| drop(scene.rule(&rule(name))));
    scene.rule(&NewAlertRule { metric: "other".to_owned(), ..rule("c") });
    let late = || scene.run(evaluate_all).unwrap().late;
    scene.measure("other", "5");
    scene.measure("missed calls", "5");
    assert_eq!(late(), 0);
    for minutes in [5, 59, 90] {
        let at = scene.after(1) - TimeDelta::minutes(minutes);
        scene.run(|tx| tx.measurements().record("missed calls", dec("1"), at)).unwrap();
    }
    assert_eq!((late(), late()), (4, 0), "of the last hour, and once");
}

#[test]
fn late_value_counts_where_another_rule_lags_far_behind() {
    let scene = Scene::new();
    let slow = scene.rule(&rule("slow")).id;
    scene.measure("missed calls", "5");
    scene.run(evaluate_all).unwrap();
    scene.rule(&rule("quick"));
    let enable = |is_enabled| {
        let patch = AlertRulePatch { is_enabled: Some(is_enabled), ..AlertRulePatch::default() };
        scene.run(|tx| tx.alert_rules().update(slow, &patch)).unwrap();
    };
    enable(false);
    for _ in 0..150 {
        scene.after(1);
        scene.measure("missed calls", "5");
    }
    scene.run(evaluate_all).unwrap();
    let at = scene.after(1) - TimeDelta::seconds(90);
    scene.run(|tx| tx.measurements().record("missed calls", dec("5"), at)).unwrap();
    enable(true);
    assert_eq!(scene.run(evaluate_all).unwrap().late, 1, "for the quick one alone");
}

#[test]
fn value_that_came_while_it_was_judged_is_not_late() {
    let scene = Scene::new();
    scene.rule(&rule("a"));
    scene.measure("missed calls", "5");
    scene.run(evaluate_all).unwrap();
    scene.after(1);
    let outcome = scene.run(|tx| {
        let at = scene.after(1);
        for (seconds, value) in [(30, "6"), (0, "11")] {
            let at = at - TimeDelta::seconds(seconds);
            scene.run(|tx| tx.measurements().record("missed calls", dec(value), at))?;
        }
        evaluate_all(tx)
    });
    assert_eq!((outcome.as_ref().unwrap().raised.len(), outcome.unwrap().late), (1, 0));
    scene.after(1);
    assert_eq!(scene.run(evaluate_all).unwrap().late, 0, "both were judged");
}
