//! Raising alerts, and reading them.

use super::{Scene, dec, rule};
use chrono::TimeDelta;
use nmc_core::alerts::{Alert, AlertEventFilter, AlertFilter, AlertRulePatch, NewAlertRule};
use nmc_core::testing::on_behalf_of;
use nmc_core::{AlertEventType as Event, AlertOperator, AlertSeverity, AlertStatus, Confirmed, Error, PageRequest};
use serde_json::json;

#[test]
fn an_alert_keeps_what_its_rule_said_when_it_was_raised() {
    let scene = Scene::new();
    let rule = scene.rule(&rule("Many"));
    scene.after(1);
    let raised = scene.run(|tx| tx.alerts().raise(rule.id, dec("12.5000"), None)).unwrap();
    let alert = raised.alert;
    let expected = Alert {
        id: alert.id,
        tenant_id: scene.business.tenant.id(),
        rule_id: rule.id,
        rule_name: "Many".to_owned(),
        metric: "missed calls".to_owned(),
        metric_value: dec("12.5"),
        threshold: dec("10"),
        operator: AlertOperator::GreaterThan,
        severity: AlertSeverity::High,
        status: AlertStatus::Triggered,
        message: "Many: missed calls is 12.5, above 10".to_owned(),
        notification_sent: false,
        acknowledged_at: None,
        acknowledged_by: None,
        acknowledgment_note: None,
        escalated_at: None,
        escalation_level: 0,
        resolved_at: None,
        resolved_by: None,
        resolution_note: None,
        auto_resolved: false,
        snoozed_at: None,
        snoozed_by: None,
        snoozed_until: None,
        snooze_note: None,
        created_at: scene.now(),
        updated_at: scene.now(),
        is_test: false,
    };
    assert!(raised.is_new);
    assert_eq!(alert, expected);
    let events = scene.history(alert.id);
    let [event] = events.as_slice() else { panic!("{events:?}") };
    assert_eq!((event.event_type, event.old_status, event.new_status), (Event::Triggered, None, Some(AlertStatus::Triggered)));
    assert_eq!((event.user_id, event.created_at), (None, scene.now()));
    assert_eq!(event.details, Some(json!({"value": "12.5", "threshold": "10"})));

    // The rule moves on; the alert doesn't.
    let patch = AlertRulePatch { name: Some("Few".to_owned()), threshold: Some(dec("1")), ..AlertRulePatch::default() };
    scene.run(|tx| tx.alert_rules().update(rule.id, &patch)).unwrap();
    assert_eq!(scene.reload(&alert), expected);
    assert_eq!(scene.run(|tx| tx.alerts().find_open_by_rule(rule.id)).unwrap(), Some(expected));
}

#[test]
fn message_without_words_of_its_own_says_what_was_compared() {
    let scene = Scene::new();
    for (operator, words, message) in [
        (AlertOperator::LessThan, None, "r: missed calls is 12.5, below 10"),
        (AlertOperator::Equals, Some(" "), "r: missed calls is 12.5, equal to 10"),
        (AlertOperator::NotEquals, None, "r: missed calls is 12.5, different from 10"),
        (AlertOperator::GreaterThan, Some(" Call them back "), "Call them back"),
    ] {
        let rule = scene.rule(&NewAlertRule { operator, ..rule("r") }).id;
        let raised = scene.run(|tx| tx.alerts().raise(rule, dec("12.5"), words)).unwrap();
        assert_eq!(raised.alert.message, message);
        scene.run(|tx| tx.alert_rules().delete(rule, Confirmed::irrevocably())).unwrap();
    }
}

#[test]
fn a_rule_has_one_open_alert_and_another_once_it_is_resolved() {
    let scene = Scene::new();
    let rule = scene.rule(&rule("Many")).id;
    let first = scene.raise(rule);
    scene.after(1);
    for status in [AlertStatus::Triggered, AlertStatus::Acknowledged, AlertStatus::Escalated, AlertStatus::Snoozed] {
        scene.db.execute(&format!("UPDATE alerts SET status = '{status}', snoozed_until = '2026-12-24'"));
        let before = scene.reload(&first);
        let again = scene.run(|tx| tx.alerts().raise(rule, dec("99"), Some("other"))).unwrap();
        assert!(!again.is_new);
        assert_eq!((&again.alert, &before), (&before, &scene.reload(&first)), "{status}");
        assert_eq!(scene.event_types(first.id), [Event::Triggered]);
    }
    scene.run(|tx| tx.alerts().auto_resolve(first.id)).unwrap();
    assert_eq!(scene.run(|tx| tx.alerts().find_open_by_rule(rule)).unwrap(), None);
    let second = scene.run(|tx| tx.alerts().raise(rule, dec("99"), None)).unwrap();
    assert!(second.is_new && second.alert.id != first.id);
}

#[test]
fn two_raises_at_once_make_one_alert_and_both_hear_of_it() {
    let scene = Scene::new();
    for round in 0..10 {
        let rule = scene.rule(&rule(&round.to_string())).id;
        let raised = scene.both(|tx| tx.alerts().raise(rule, dec("11"), None)).map(Result::unwrap);
        assert_eq!(raised.iter().filter(|raised| raised.is_new).count(), 1);
        assert_eq!(raised[0].alert, raised[1].alert);
        assert_eq!(scene.event_types(raised[0].alert.id), [Event::Triggered]);
    }
}

#[test]
fn what_can_t_be_raised_is_refused_in_words() {
    let scene = Scene::new();
    let rule = scene.rule(&rule("Many")).id;
    scene.refuses("metric_value must be between -100000000000 and 100000000000", |tx| {
        tx.alerts().raise(rule, dec("100000000000"), None)
    });
    scene.refuses("metric_value must be between -100000000000 and 100000000000", |tx| {
        tx.alerts().raise(rule, dec("123456789012"), None)
    });
    scene.refuses("message must be at most 2000 characters", |tx| tx.alerts().raise(rule, dec("1"), Some(&"x".repeat(2_001))));
    let off = AlertRulePatch { is_enabled: Some(false), ..AlertRulePatch::default() };
    scene.run(|tx| tx.alert_rules().update(rule, &off)).unwrap();
    let error = scene.refuses("rule_id is disabled", |tx| tx.alerts().raise(rule, dec("11"), None));
    assert!(matches!(error, Error::Conflict { .. }));
    scene.run(|tx| tx.alert_rules().delete(rule, Confirmed::irrevocably())).unwrap();
    scene.refuses("rule not found", |tx| tx.alerts().raise(rule, dec("11"), None));
}

#[test]
fn alerts_are_paged_and_counted_by_every_filter() {
    let scene = Scene::new();
    let start = scene.now();
    let (ada, bob) = (scene.ada, scene.bob);
    let a = scene.alert("a");
    let low = NewAlertRule { severity: AlertSeverity::Low, metric: "texts".to_owned(), ..rule("b") };
    let b = scene.raise(scene.rule(&low).id);
    let later = scene.after(1);
    let c = scene.alert("c");
    scene.run_as(ada, |tx| tx.alerts().acknowledge(b.id, None)).unwrap();
    scene.run_as(bob, |tx| tx.alerts().resolve(c.id, None)).unwrap();
    let (ids, all) = ([a.id, b.id, c.id], AlertFilter::default);
    let cases = [
        (all(), vec![2, 1, 0]),
        (AlertFilter { status: Some(AlertStatus::Acknowledged), ..all() }, vec![1]),
        (AlertFilter { open: Some(true), ..all() }, vec![1, 0]),
        (AlertFilter { open: Some(false), ..all() }, vec![2]),
        (AlertFilter { active: Some(true), ..all() }, vec![1, 0]),
        (AlertFilter { active: Some(false), ..all() }, vec![2]),
        (AlertFilter { active: Some(false), open: Some(true), ..all() }, vec![]),
        (AlertFilter { severity: Some(AlertSeverity::High), ..all() }, vec![2, 0]),
        (AlertFilter { rule: Some(a.rule_id), ..all() }, vec![0]),
        (AlertFilter { metric: Some("texts".to_owned()), ..all() }, vec![1]),
        (AlertFilter { acknowledged_by: Some(ada), ..all() }, vec![1]),
        (AlertFilter { acknowledged_by: Some(bob), ..all() }, vec![]),
        (AlertFilter { resolved_by: Some(bob), ..all() }, vec![2]),
        (AlertFilter { from: Some(later), ..all() }, vec![2]),
        (AlertFilter { until: Some(later), ..all() }, vec![1, 0]),
        (AlertFilter { from: Some(start), until: Some(start), ..all() }, vec![]),
    ];
    for (filter, expected) in cases {
        let expected: Vec<_> = expected.into_iter().map(|at: usize| ids[at]).collect();
        let (mut found, mut page) = (Vec::new(), PageRequest::new(1, None).unwrap());
        loop {
            let part = scene.run(|tx| tx.alerts().list(&filter, page)).unwrap();
            found.extend(part.items.iter().map(|row| row.id));
            let Some(next) = part.next else { break };
            page = page.after(next);
        }
        assert_eq!(found, expected, "{filter:?}");
        assert_eq!(usize::try_from(scene.run(|tx| tx.alerts().count(&filter)).unwrap()), Ok(expected.len()), "{filter:?}");
    }
    assert_eq!(scene.run(|tx| tx.alerts().find(a.id)).unwrap().as_ref(), Some(&a));
    // One put off is open, but not active; one passed on is both.
    let until = scene.now() + TimeDelta::hours(1);
    scene.run_as(ada, |tx| tx.alerts().snooze(a.id, until, None)).unwrap();
    scene.run(|tx| tx.alerts().escalate(b.id)).unwrap();
    for (filter, expected) in [
        (AlertFilter { active: Some(true), ..all() }, vec![b.id]),
        (AlertFilter { active: Some(false), ..all() }, vec![c.id, a.id]),
        (AlertFilter { active: Some(false), open: Some(true), ..all() }, vec![a.id]),
    ] {
        let rows = scene.run(|tx| tx.alerts().list(&filter, PageRequest::first())).unwrap().items;
        assert_eq!(rows.iter().map(|row| row.id).collect::<Vec<_>>(), expected, "{filter:?}");
    }
}

#[test]
fn resolved_alerts_are_pruned_whole_oldest_first() {
    let scene = Scene::new();
    let open = scene.alert("open");
    let bare = scene.rows();
    let rules = ["a", "b", "c"].map(|name| scene.rule(&rule(name)).id);
    let alerts = rules.map(|rule| {
        let alert = scene.raise(rule);
        scene.run(|tx| tx.notifications().create(&super::notifications::email(alert.id))).unwrap();
        alert.id
    });
    // The last raised is resolved first.
    let resolved_at = [2, 1, 0].map(|at: usize| {
        let now = scene.after(1);
        scene.run(|tx| tx.alerts().auto_resolve(alerts[at])).unwrap();
        now
    });
    let prune = |before, limit| scene.run(|tx| tx.alerts().delete_resolved_before(before, limit)).unwrap();
    assert_eq!((prune(resolved_at[0], 10), prune(resolved_at[2], 0), prune(resolved_at[2], 1)), (0, 0, 1));
    assert!(scene.run(|tx| tx.alerts().find(alerts[2])).unwrap().is_none());
    assert_eq!(scene.run(|tx| tx.alerts().delete_resolved_before(resolved_at[2], 10)).unwrap(), 1);
    let later = scene.after(1);
    let both = scene.both(|tx| tx.alerts().delete_resolved_before(later, 10)).map(Result::unwrap);
    assert_eq!(both.iter().sum::<usize>(), 1);
    assert_eq!(scene.reload(&open), open);
    for rule in rules {
        scene.run(|tx| tx.alert_rules().delete(rule, Confirmed::irrevocably())).unwrap();
    }
    assert_eq!(scene.rows(), bare);
}

#[test]
fn a_history_is_read_by_page_by_type_by_user_and_by_time() {
    let scene = Scene::new();
    let alert = scene.alert("a");
    scene.alert("another");
    let mut last = scene.now();
    for user in [None, Some(scene.ada), Some(scene.bob)] {
        last = scene.after(1);
        scene
            .run(|tx| match user {
                Some(user) => on_behalf_of(tx, user, |tx| tx.alerts().escalate(alert.id)),
                None => tx.alerts().escalate(alert.id),
            })
            .unwrap();
    }
    let all = AlertEventFilter::default;
    let only = |event_type| AlertEventFilter { event_type, ..all() };
    for (filter, expected) in [
        (only(None), vec![Event::Escalated, Event::Escalated, Event::Escalated, Event::Triggered]),
        (only(Some(Event::Escalated)), vec![Event::Escalated; 3]),
        (only(Some(Event::Resolved)), vec![]),
        (AlertEventFilter { user: Some(scene.ada), ..all() }, vec![Event::Escalated]),
        (AlertEventFilter { from: Some(last), ..all() }, vec![Event::Escalated]),
        (AlertEventFilter { until: Some(last), ..all() }, vec![Event::Escalated, Event::Escalated, Event::Triggered]),
        (AlertEventFilter { from: Some(last), until: Some(last), ..all() }, vec![]),
    ] {
        let (mut found, mut page) = (Vec::new(), PageRequest::new(2, None).unwrap());
        loop {
            let part = scene.run(|tx| tx.alert_history().list(alert.id, &filter, page)).unwrap();
            found.extend(part.items.iter().map(|event| event.event_type));
            let Some(next) = part.next else { break };
            page = page.after(next);
        }
        assert_eq!(found, expected);
        let count = scene.run(|tx| tx.alert_history().count(alert.id, &filter)).unwrap();
        assert_eq!(usize::try_from(count), Ok(expected.len()));
    }
}
