//! Rules: what is stored, found, changed and refused.

use super::{Scene, blames, dec, rule};
use chrono::TimeDelta;
use nmc_core::alerts::{AlertRule, AlertRuleFilter, AlertRulePatch, NewAlertRule};
use nmc_core::{AlertOperator, AlertSeverity, Confirmed, Error, NotificationChannel as Channel, PageRequest, Patch};
use std::sync::atomic::{AtomicUsize, Ordering};

#[test]
fn a_rule_is_stored_as_it_was_given_and_found_by_its_keys() {
    let scene = Scene::new();
    let new = NewAlertRule { name: "  Too many ".to_owned(), threshold: dec("0.0050"), ..rule("") };
    let row = scene.rule(&new);
    assert_eq!(
        row,
        AlertRule {
            id: row.id,
            tenant_id: scene.business.tenant.id(),
            name: "Too many".to_owned(),
            description: new.description,
            metric: new.metric,
            operator: new.operator,
            threshold: dec("0.005"),
            severity: new.severity,
            is_enabled: new.is_enabled,
            notification_channels: new.notification_channels,
            escalation_enabled: new.escalation_enabled,
            escalation_delay_minutes: new.escalation_delay_minutes,
            escalation_repeats: new.escalation_repeats,
            created_at: scene.now(),
            updated_at: scene.now(),
            judgement_changed_at: None,
            judgement: new.judgement,
        }
    );
    let found = scene.run(|tx| {
        Ok((
            tx.alert_rules().find(row.id)?,
            tx.alert_rules().find_by_name("missed calls", "Too many")?,
            tx.alert_rules().find_by_name("other", "Too many")?,
        ))
    });
    assert_eq!(found.unwrap(), (Some(row.clone()), Some(row.clone()), None));
    assert_eq!(scene.run(|tx| tx.alert_rules().get(row.id)).unwrap(), row);
}

#[test]
fn a_rule_at_its_plainest_is_evaluated_but_told_nowhere() {
    let scene = Scene::new();
    let row = scene.rule(&NewAlertRule::new("Many", "calls", AlertOperator::Equals, dec("1"), AlertSeverity::Low));
    assert_eq!((row.name.as_str(), row.metric.as_str(), row.operator), ("Many", "calls", AlertOperator::Equals));
    assert_eq!((row.threshold, row.severity, row.description), (dec("1"), AlertSeverity::Low, None));
    assert_eq!((row.is_enabled, row.notification_channels, row.escalation_enabled), (true, vec![], false));
    assert_eq!(row.escalation_delay_minutes, 30);
}

#[test]
fn the_metric_of_a_rule_stays_while_its_alert_is_open() {
    let scene = Scene::new();
    let rule = scene.rule(&rule("Many"));
    let metric = |metric: &str| AlertRulePatch { metric: Some(metric.to_owned()), ..AlertRulePatch::default() };
    let alert = scene.raise(rule.id);
    let words = "metric can't change while an alert of this rule is open";
    let until = scene.now() + TimeDelta::hours(1);
    for snoozed in [false, true] {
        if snoozed {
            scene.run_as(scene.ada, |tx| tx.alerts().snooze(alert.id, until, None)).unwrap();
        }
        let error = scene.refuses(words, |tx| tx.alert_rules().update(rule.id, &metric("texts")));
        assert!(matches!(error, Error::Conflict { .. }));
    }
    // The same metric is no change, and the condition may change.
    let same = AlertRulePatch { threshold: Some(dec("1")), operator: Some(AlertOperator::LessThan), ..metric(" missed calls ") };
    scene.run(|tx| tx.alert_rules().update(rule.id, &same)).unwrap();
    let other = scene.rule(&NewAlertRule::new("Few", "calls", AlertOperator::Equals, dec("1"), AlertSeverity::Low));
    assert_eq!(scene.run(|tx| tx.alert_rules().update(other.id, &metric("texts"))).unwrap().metric, "texts");
    scene.run(|tx| tx.alerts().auto_resolve(alert.id)).unwrap();
    assert_eq!(scene.run(|tx| tx.alert_rules().update(rule.id, &metric("texts"))).unwrap().metric, "texts");
}

#[test]
fn alert_beside_a_change_of_metric_is_over_its_rules_metric() {
    let scene = Scene::new();
    for round in 0..10 {
        let rule = scene.rule(&rule(&round.to_string())).id;
        let patch = AlertRulePatch { metric: Some("texts".to_owned()), ..AlertRulePatch::default() };
        let turn = AtomicUsize::new(0);
        let answers = scene.both(|tx| match turn.fetch_add(1, Ordering::SeqCst) {
            0 => tx.alerts().raise(rule, dec("11"), None).map(drop),
            _ => tx.alert_rules().update(rule, &patch).map(drop),
        });
        for error in answers.into_iter().filter_map(Result::err) {
            assert_eq!(error.to_string(), "metric can't change while an alert of this rule is open");
        }
        let alert = scene.run(|tx| tx.alerts().find_open_by_rule(rule)).unwrap().unwrap();
        assert_eq!(alert.metric, scene.run(|tx| tx.alert_rules().get(rule)).unwrap().metric, "round {round}");
    }
}

#[test]
fn a_condition_is_compared_exactly() {
    use AlertOperator::{Equals, GreaterThan, LessThan, NotEquals};
    let scene = Scene::new();
    // Below, at, and above the threshold; a zero more makes no difference.
    for (operator, holds) in [
        (GreaterThan, [false, false, false, true]),
        (LessThan, [true, false, false, false]),
        (Equals, [false, true, true, false]),
        (NotEquals, [true, false, false, true]),
    ] {
        let row = scene.rule(&NewAlertRule { operator, threshold: dec("0.0050"), ..rule(operator.label()) });
        assert_eq!(["0.0049", "0.0050", "0.005", "0.0051"].map(|value| row.holds(dec(value))), holds, "{operator}");
    }
}

#[test]
fn a_patch_changes_the_field_it_names_and_no_other() {
    let scene = Scene::new();
    let mut row = scene.rule(&rule("Many"));
    type Step = (AlertRulePatch, fn(&mut AlertRule));
    let none = AlertRulePatch::default;
    let steps: [Step; 13] = [
        (none(), |_| {}),
        (AlertRulePatch { name: Some(" Few ".to_owned()), ..none() }, |row| row.name = "Few".to_owned()),
        (AlertRulePatch { description: Patch::Set("new".to_owned()), ..none() }, |row| row.description = Some("new".to_owned())),
        (AlertRulePatch { description: Patch::Clear, ..none() }, |row| row.description = None),
        (AlertRulePatch { metric: Some("texts".to_owned()), ..none() }, |row| row.metric = "texts".to_owned()),
        (AlertRulePatch { operator: Some(AlertOperator::LessThan), ..none() }, |row| row.operator = AlertOperator::LessThan),
        (AlertRulePatch { threshold: Some(dec("-3.25")), ..none() }, |row| row.threshold = dec("-3.25")),
        (AlertRulePatch { severity: Some(AlertSeverity::Low), ..none() }, |row| row.severity = AlertSeverity::Low),
        (AlertRulePatch { is_enabled: Some(false), ..none() }, |row| row.is_enabled = false),
        (AlertRulePatch { notification_channels: Some(Vec::new()), ..none() }, |row| row.notification_channels = Vec::new()),
        (AlertRulePatch { escalation_enabled: Some(false), ..none() }, |row| row.escalation_enabled = false),
        (AlertRulePatch { escalation_delay_minutes: Some(1), ..none() }, |row| row.escalation_delay_minutes = 1),
        (AlertRulePatch { escalation_repeats: Some(3), ..none() }, |row| row.escalation_repeats = 3),
    ];
    for (patch, change) in steps {
        row.updated_at = scene.after(1);
        change(&mut row);
        if patch.metric.is_some() || patch.operator.is_some() || patch.threshold.is_some() {
            row.judgement_changed_at = Some(row.updated_at);
        }
        assert_eq!(scene.run(|tx| tx.alert_rules().update(row.id, &patch)).unwrap(), row, "{patch:?}");
        assert_eq!(scene.run(|tx| tx.alert_rules().get(row.id)).unwrap(), row, "{patch:?}");
    }
}

#[test]
fn rules_are_paged_and_counted_by_every_filter() {
    let scene = Scene::new();
    let a = scene.rule(&rule("a")).id;
    scene.after(1);
    let b = scene.rule(&NewAlertRule { is_enabled: false, severity: AlertSeverity::Low, ..rule("b") }).id;
    let c =
        scene.rule(&NewAlertRule { metric: "texts".to_owned(), notification_channels: vec![Channel::Webhook], ..rule("c") }).id;
    let all = AlertRuleFilter::default;
    let cases = [
        (all(), vec![c, b, a]),
        (AlertRuleFilter { name: Some("b".to_owned()), ..all() }, vec![b]),
        (AlertRuleFilter { is_enabled: Some(true), ..all() }, vec![c, a]),
        (AlertRuleFilter { is_enabled: Some(false), ..all() }, vec![b]),
        (AlertRuleFilter { metric: Some("texts".to_owned()), ..all() }, vec![c]),
        (AlertRuleFilter { severity: Some(AlertSeverity::High), ..all() }, vec![c, a]),
        (AlertRuleFilter { channel: Some(Channel::Sms), ..all() }, vec![b, a]),
        (AlertRuleFilter { channel: Some(Channel::Dashboard), ..all() }, vec![]),
    ];
    for (filter, expected) in cases {
        let (mut ids, mut page) = (Vec::new(), PageRequest::new(2, None).unwrap());
        loop {
            let part = scene.run(|tx| tx.alert_rules().list(&filter, page)).unwrap();
            ids.extend(part.items.iter().map(|row| row.id));
            let Some(next) = part.next else { break };
            page = page.after(next);
        }
        assert_eq!(ids, expected, "{filter:?}");
        assert_eq!(usize::try_from(scene.run(|tx| tx.alert_rules().count(&filter)).unwrap()), Ok(expected.len()), "{filter:?}");
    }
}

#[test]
fn broken_rule_new_or_changed_is_refused_with_its_field() {
    let scene = Scene::new();
    let kept = scene.rule(&rule("kept")).id;
    scene.rule(&rule("taken"));
    let twice = vec![Channel::Sms, Channel::Email, Channel::Sms];
    let new = |name: &str| NewAlertRule { name: name.to_owned(), ..rule("") };
    type Change = fn(&NewAlertRule) -> AlertRulePatch;
    let cases: [(NewAlertRule, Change, &str); 14] = [
        (new(" "), |new| AlertRulePatch { name: Some(new.name.clone()), ..Default::default() }, "name must not be empty"),
        (
            new(&"x".repeat(256)),
            |new| AlertRulePatch { name: Some(new.name.clone()), ..Default::default() },
            "name must be at most 255 characters",
        ),
        (
            new("taken"),
            |new| AlertRulePatch { name: Some(new.name.clone()), ..Default::default() },
            "name is already taken by another rule on this metric",
        ),
        (
            NewAlertRule { description: Some("x".repeat(2_001)), ..new("a") },
            |new| AlertRulePatch { description: Patch::Set(new.description.clone().unwrap()), ..Default::default() },
            "description must be at most 2000 characters",
        ),
        (
            NewAlertRule { metric: "x".repeat(101), ..new("a") },
            |new| AlertRulePatch { metric: Some(new.metric.clone()), ..Default::default() },
            "metric must be at most 100 characters",
        ),
        (
            NewAlertRule { metric: "a\0b".to_owned(), ..new("a") },
            |new| AlertRulePatch { metric: Some(new.metric.clone()), ..Default::default() },
            "metric must not contain NUL",
        ),
        (
            NewAlertRule { threshold: dec("0.00491"), ..new("a") },
            |new| AlertRulePatch { threshold: Some(new.threshold), ..Default::default() },
            "threshold must have at most 4 decimals",
        ),
        (
            NewAlertRule { threshold: dec("100000000000"), ..new("a") },
            |new| AlertRulePatch { threshold: Some(new.threshold), ..Default::default() },
            "threshold must be between -100000000000 and 100000000000",
        ),
        (
            NewAlertRule { threshold: dec("-100000000000"), ..new("a") },
            |new| AlertRulePatch { threshold: Some(new.threshold), ..Default::default() },
            "threshold must be between -100000000000 and 100000000000",
        ),
        (
            NewAlertRule { notification_channels: twice, ..new("a") },
            |new| AlertRulePatch { notification_channels: Some(new.notification_channels.clone()), ..Default::default() },
            "notification_channels must not name a channel twice",
        ),
        (
            NewAlertRule { name: "a\r\nBcc: b@example.com".to_owned(), ..new("a") },
            |new| AlertRulePatch { name: Some(new.name.clone()), ..Default::default() },
            "name must not contain control characters, direction marks or spaces of no width",
        ),
        (
            NewAlertRule { metric: "a\u{85}b".to_owned(), ..new("a") },
            |new| AlertRulePatch { metric: Some(new.metric.clone()), ..Default::default() },
            "metric must not contain control characters, direction marks or spaces of no width",
        ),
        (
            NewAlertRule { metric: " nmc.calls".to_owned(), ..new("a") },
            |new| AlertRulePatch { metric: Some(new.metric.clone()), ..Default::default() },
            "metric must be one that is measured, as it begins with nmc.: `nmc alert metrics` and /v1/alert-metrics list them",
        ),
        (
            NewAlertRule { escalation_delay_minutes: -1, ..new("a") },
            |new| AlertRulePatch { escalation_delay_minutes: Some(new.escalation_delay_minutes), ..Default::default() },
            "escalation_delay_minutes must be at least 0",
        ),
    ];
    for (new, change, words) in cases {
        let error = scene.refuses(words, |tx| tx.alert_rules().create(&new));
        assert!(blames(&error, words.split(' ').next().unwrap()), "{error:?}");
        scene.refuses(words, |tx| tx.alert_rules().update(kept, &change(&new)));
    }
    // The most that fits.
    let most = NewAlertRule {
        name: "é".repeat(255),
        description: Some("é".repeat(2_000)),
        metric: "é".repeat(100),
        threshold: dec("-99999999999.9999"),
        notification_channels: Channel::ALL.to_vec(),
        ..rule("")
    };
    assert_eq!(scene.rule(&most).threshold, most.threshold);
    // The same name over another metric is another rule.
    scene.rule(&NewAlertRule { metric: "texts".to_owned(), ..rule("taken") });
}

#[test]
fn a_rule_goes_with_its_alerts_and_all_that_hangs_on_them() {
    let scene = Scene::new();
    let bare = scene.rows();
    scene
        .run(|tx| {
            let rule = tx.alert_rules().create(&rule("goes"))?.id;
            let alert = tx.alerts().raise(rule, dec("11"), None)?.alert.id;
            tx.notifications().create(&super::notifications::email(alert))?;
            tx.escalation_contacts().create(&super::contacts::email_for(Some(rule)))?;
            Ok(())
        })
        .unwrap();
    let id = scene.run(|tx| tx.alert_rules().list(&AlertRuleFilter::default(), PageRequest::first())).unwrap().items[0].id;
    scene.run(|tx| tx.alert_rules().delete(id, Confirmed::irrevocably())).unwrap();
    assert_eq!(scene.rows(), bare);
    for error in [
        scene.refuses("rule not found", |tx| tx.alert_rules().delete(id, Confirmed::irrevocably())),
        scene.refuses("rule not found", |tx| tx.alert_rules().update(id, &AlertRulePatch::default())),
        scene.refuses("rule not found", |tx| tx.alert_rules().get(id)),
    ] {
        assert!(matches!(error, Error::NotFound { entity: "rule" }));
    }
}
