//! What people and time do to an alert: who, when, what they said, and the history.

use super::Scene;
use chrono::{DateTime, TimeDelta, Utc};
use nmc_core::alerts::Alert;
use nmc_core::testing::on_behalf_of;
use nmc_core::{AlertEventType as Event, AlertId, AlertStatus as Status, Error, Result, TenantTx, UserId};
use serde_json::json;

type Verb = fn(&mut TenantTx<'_>, AlertId, UserId, DateTime<Utc>) -> Result<Alert>;

/// Every verb, where it leads, and its event.
const VERBS: [(&str, Verb, Status, Event); 6] = [
    (
        "acknowledge",
        |tx, id, by, _| on_behalf_of(tx, by, |tx| tx.alerts().acknowledge(id, Some(" Seen "))),
        Status::Acknowledged,
        Event::Acknowledged,
    ),
    (
        "snooze",
        |tx, id, by, until| on_behalf_of(tx, by, |tx| tx.alerts().snooze(id, until, Some("Later"))),
        Status::Snoozed,
        Event::Snoozed,
    ),
    ("wake", |tx, id, by, _| on_behalf_of(tx, by, |tx| tx.alerts().wake(id)), Status::Triggered, Event::Unsnoozed),
    ("escalate", |tx, id, by, _| on_behalf_of(tx, by, |tx| tx.alerts().escalate(id)), Status::Escalated, Event::Escalated),
    (
        "resolve",
        |tx, id, by, _| on_behalf_of(tx, by, |tx| tx.alerts().resolve(id, Some("Fixed"))),
        Status::Resolved,
        Event::Resolved,
    ),
    ("auto_resolve", |tx, id, _, _| tx.alerts().auto_resolve(id), Status::Resolved, Event::Resolved),
];

/// A rule's alert, brought to this status.
fn alert_in(scene: &Scene, name: &str, status: Status) -> Alert {
    let alert = scene.alert(name);
    let until = scene.now() + TimeDelta::hours(1);
    let bob = scene.bob;
    let verb = VERBS.iter().find(|(_, _, to, _)| *to == status && status != Status::Triggered);
    verb.map_or(alert.clone(), |(_, verb, ..)| scene.run(|tx| verb(tx, alert.id, bob, until)).unwrap())
}

#[test]
fn each_verb_in_each_status_writes_history_or_changes_nothing() {
    let scene = Scene::new();
    let (ada, bob) = (scene.ada, scene.bob);
    for from in Status::ALL {
        for (name, verb, to, event) in VERBS {
            let before = alert_in(&scene, &format!("{from} {name}"), *from);
            let events = scene.history(before.id);
            let now = scene.after(10);
            let until = now + TimeDelta::days(1);
            let legal = from.may_become(to) && (name != "wake" || *from == Status::Snoozed);
            if !legal {
                let step = if *from == to { format!("is {to} already") } else { format!("can't go from {from} to {to}") };
                let error = scene.refuses(&format!("alert {step}"), |tx| verb(tx, before.id, ada, until));
                assert!(matches!(error, Error::InvalidTransition { entity: "alert", .. }));
                continue;
            }
            let after = scene.run(|tx| verb(tx, before.id, ada, until)).unwrap();
            let mut expected = Alert { status: to, updated_at: now, ..before.clone() };
            if *from == Status::Snoozed {
                expected.snoozed_until = Some(now);
            }
            let mut details = None;
            match name {
                "acknowledge" => {
                    expected.acknowledged_at = Some(now);
                    expected.acknowledged_by = Some(ada);
                    expected.acknowledgment_note = Some("Seen".to_owned());
                    details = Some(json!({ "note": "Seen" }));
                }
                "snooze" => {
                    expected.snoozed_at = Some(now);
                    expected.snoozed_by = Some(ada);
                    expected.snoozed_until = Some(until);
                    expected.snooze_note = Some("Later".to_owned());
                    details = Some(json!({ "until": until, "note": "Later" }));
                }
                "escalate" => {
                    expected.escalated_at = Some(now);
                    expected.escalation_level = before.escalation_level + 1;
                    details = Some(json!({ "level": before.escalation_level + 1 }));
                }
                "resolve" => {
                    expected.resolved_at = Some(now);
                    expected.resolved_by = Some(ada);
                    expected.resolution_note = Some("Fixed".to_owned());
                    details = Some(json!({ "auto": false, "note": "Fixed" }));
                }
                "auto_resolve" => {
                    expected.resolved_at = Some(now);
                    expected.auto_resolved = true;
                    details = Some(json!({ "auto": true }));
                }
                _ => {}
            }
            assert_eq!(after, expected, "{name} from {from}");
            assert_eq!(scene.reload(&before), expected, "{name} from {from}");
            let mut history = scene.history(before.id);
            let entry = history.pop().unwrap();
            assert_eq!(history, events, "{name} from {from}");
            assert_eq!((entry.event_type, entry.old_status, entry.new_status), (event, Some(*from), Some(to)));
            assert_eq!((entry.user_id, entry.created_at), ((name != "auto_resolve").then_some(ada), now));
            assert_eq!(entry.details, details, "{name} from {from}");
        }
    }
    assert_eq!(scene.run(|tx| tx.users().get(bob)).unwrap().id, bob);
}

#[test]
fn notes_may_be_missing_and_are_bounded() {
    let scene = Scene::new();
    let ada = scene.ada;
    let alert = scene.alert("a");
    let until = scene.now() + TimeDelta::hours(1);
    let long = "x".repeat(2_001);
    scene.refuses("acknowledgment_note must be at most 2000 characters", |tx| {
        on_behalf_of(tx, ada, |tx| tx.alerts().acknowledge(alert.id, Some(&long)))
    });
    scene.refuses("snooze_note must be at most 2000 characters", |tx| {
        on_behalf_of(tx, ada, |tx| tx.alerts().snooze(alert.id, until, Some(&long)))
    });
    scene.refuses("resolution_note must be at most 2000 characters", |tx| {
        on_behalf_of(tx, ada, |tx| tx.alerts().resolve(alert.id, Some(&long)))
    });
    scene.run_as(ada, |tx| tx.alerts().snooze(alert.id, until, Some("why"))).unwrap();
    let again = scene.run_as(ada, |tx| tx.alerts().snooze(alert.id, until, None)).unwrap();
    assert_eq!(again.snooze_note.as_deref(), Some("why"), "who has no words takes back none");
    assert_eq!(scene.history(alert.id).pop().unwrap().details, Some(json!({ "until": until })));
}

#[test]
fn each_note_stands_in_the_history_and_the_last_one_in_the_row() {
    let scene = Scene::new();
    let (ada, bob) = (scene.ada, scene.bob);
    let alert = scene.alert("a");
    for (by, words, kept) in [
        (ada, Some("one"), Some("one")),
        (bob, None, Some("one")),
        (ada, Some(" "), Some("one")),
        (bob, Some("two"), Some("two")),
    ] {
        let row = scene.run_as(by, |tx| tx.alerts().acknowledge(alert.id, words)).unwrap();
        assert_eq!((row.acknowledgment_note.as_deref(), row.acknowledged_by), (kept, Some(by)));
        scene.after(1);
        scene.run(|tx| tx.alerts().escalate(alert.id)).unwrap();
        scene.after(1);
    }
    let history = scene.history(alert.id);
    let notes = history.iter().filter(|event| event.event_type == Event::Acknowledged).map(|event| event.details.clone());
    assert_eq!(notes.collect::<Vec<_>>(), [Some(json!({"note": "one"})), None, None, Some(json!({"note": "two"}))]);
    let row = scene.run_as(ada, |tx| tx.alerts().resolve(alert.id, None)).unwrap();
    assert_eq!(row.resolution_note, None);
    assert_eq!(scene.history(alert.id).pop().unwrap().details, Some(json!({ "auto": false })));
}

#[test]
fn an_alert_is_put_off_into_the_future_only() {
    let scene = Scene::new();
    let (ada, alert) = (scene.ada, scene.alert("a"));
    for minutes in [0, -1] {
        let until = scene.now() + TimeDelta::minutes(minutes);
        scene.refuses("snoozed_until must be in the future", |tx| {
            on_behalf_of(tx, ada, |tx| tx.alerts().snooze(alert.id, until, None))
        });
    }
    scene.refuses("snoozed_until must lie between the years 1970 and 9999", |tx| {
        on_behalf_of(tx, ada, |tx| tx.alerts().snooze(alert.id, DateTime::<Utc>::MAX_UTC, None))
    });
    // Its time passes while it waits for whoever is at the alert.
    let until = scene.now() + TimeDelta::seconds(30);
    let (_, answer) = scene.overtaken(
        |tx| tx.alerts().escalate(alert.id),
        |tx| on_behalf_of(tx, ada, |tx| tx.alerts().snooze(alert.id, until, None)),
    );
    assert_eq!(answer.unwrap_err().to_string(), "snoozed_until must be in the future");
}

#[test]
fn acknowledged_alert_is_triggered_again_when_it_wakes() {
    let scene = Scene::new();
    let alert = scene.alert("a");
    let until = scene.now() + TimeDelta::hours(1);
    scene.run_as(scene.ada, |tx| tx.alerts().acknowledge(alert.id, None)).unwrap();
    scene.run_as(scene.ada, |tx| tx.alerts().snooze(alert.id, until, None)).unwrap();
    let woken = scene.run_as(scene.bob, |tx| tx.alerts().wake(alert.id)).unwrap();
    assert_eq!((woken.status, woken.acknowledged_by), (Status::Triggered, Some(scene.ada)), "who had been at it is still known");
    assert_eq!(scene.history(alert.id).pop().unwrap().user_id, Some(scene.bob));
}

#[test]
fn a_missing_alert_and_a_missing_user_are_told_apart() {
    let scene = Scene::new();
    let alert = scene.alert("a");
    let (nobody, nothing) = (UserId::new(uuid::Uuid::now_v7()), AlertId::new(uuid::Uuid::now_v7()));
    let until = scene.now() + TimeDelta::hours(1);
    for (name, verb, ..) in VERBS {
        scene.refuses("alert not found", |tx| verb(tx, nothing, nobody, until));
        let field = match name {
            "acknowledge" => "acknowledged_by must be an existing user",
            "snooze" => "snoozed_by must be an existing user",
            "resolve" => "resolved_by must be an existing user",
            "escalate" => "user_id must be an existing user",
            _ => continue,
        };
        scene.refuses(field, |tx| verb(tx, alert.id, nobody, until));
    }
}

#[test]
fn of_two_moves_at_once_that_exclude_each_other_one_wins() {
    let scene = Scene::new();
    let (ada, until) = (scene.ada, scene.now() + TimeDelta::hours(1));
    // Not snooze and escalate: those may follow themselves.
    for (name, verb, to, event) in VERBS.into_iter().filter(|(name, ..)| !["snooze", "escalate"].contains(name)) {
        let from = if name == "wake" { Status::Snoozed } else { Status::Triggered };
        let alert = alert_in(&scene, name, from);
        let moved = scene.both(|tx| verb(tx, alert.id, ada, until));
        assert_eq!(moved.iter().filter(|moved| moved.is_ok()).count(), 1, "{name}: {moved:?}");
        let loser = moved.iter().find_map(|moved| moved.as_ref().err()).unwrap();
        assert!(matches!(loser, Error::InvalidTransition { .. }), "{name}: {loser:?}");
        assert_eq!(scene.reload(&alert).status, to);
        let events = scene.event_types(alert.id);
        assert_eq!(events.iter().filter(|known| **known == event).count(), 1, "{name}: {events:?}");
    }
    let alert = scene.alert("twice");
    let levels = scene.both(|tx| tx.alerts().escalate(alert.id)).map(|moved| moved.unwrap().escalation_level);
    assert_eq!(levels[0] + levels[1], 3, "one after the other: {levels:?}");
}

#[test]
fn what_was_put_off_wakes_when_its_time_has_come() {
    let scene = Scene::new();
    let ada = scene.ada;
    let snoozed: Vec<Alert> = (1..=3)
        .map(|hours| {
            let alert = scene.alert(&hours.to_string());
            let until = scene.now() + TimeDelta::hours(hours);
            scene.run_as(ada, |tx| tx.alerts().snooze(alert.id, until, None)).unwrap()
        })
        .collect();
    let other = scene.alert("not snoozed");
    let wake = |limit| scene.run(|tx| tx.alerts().wake_due(limit)).unwrap();
    scene.after(59);
    assert_eq!(wake(10), []);
    let now = scene.after(61);
    assert_eq!(wake(0), []);
    for expected in &snoozed[..2] {
        let woken = Alert { status: Status::Triggered, snoozed_until: Some(now), updated_at: now, ..expected.clone() };
        assert_eq!(wake(1), std::slice::from_ref(&woken), "the longest due first");
        assert_eq!(scene.reload(expected), woken);
        let entry = scene.history(expected.id).pop().unwrap();
        assert_eq!((entry.event_type, entry.user_id), (Event::Unsnoozed, None));
        assert_eq!((entry.old_status, entry.new_status), (Some(Status::Snoozed), Some(Status::Triggered)));
    }
    assert_eq!(wake(10), []);
    assert_eq!(scene.reload(&snoozed[2]), snoozed[2]);
    assert_eq!(scene.reload(&other), other);
    scene.after(60);
    let woken = scene.both(|tx| tx.alerts().wake_due(10)).map(|woken| woken.unwrap().len());
    assert_eq!(woken.iter().sum::<usize>(), 1);
    assert_eq!(scene.event_types(snoozed[2].id), [Event::Triggered, Event::Snoozed, Event::Unsnoozed]);
}

#[test]
fn waking_comes_after_the_snooze_it_overtook() {
    let scene = Scene::new();
    let (ada, alert) = (scene.ada, scene.alert("a"));
    // A clock that is ahead put it off; ours is behind, and its snooze is over by then.
    scene.run_as(ada, |tx| tx.alerts().snooze(alert.id, scene.now() + TimeDelta::seconds(1), None)).unwrap();
    let ahead = scene.now() + TimeDelta::minutes(2);
    scene.db.execute(&format!("UPDATE alerts SET updated_at = '{}'", ahead.to_rfc3339()));
    scene.after(1);
    let [woken] = scene.run(|tx| tx.alerts().wake_due(1)).unwrap().try_into().unwrap();
    assert!(woken.updated_at > ahead && woken.snoozed_until == Some(woken.updated_at));
    assert_eq!(scene.history(alert.id).pop().unwrap().created_at, woken.updated_at);
}

#[test]
fn snooze_of_more_than_a_year_and_a_bare_nul_are_refused() {
    let scene = Scene::new();
    let alert = scene.alert("a").id;
    let ada = scene.ada;
    let far = scene.now() + TimeDelta::days(367);
    let refused = scene.run_as(ada, |tx| tx.alerts().snooze(alert, far, None)).unwrap_err();
    assert_eq!(refused.to_string(), "snoozed_until must be within a year");
    let refused = scene.run_as(ada, |tx| tx.alerts().acknowledge(alert, Some("\0"))).unwrap_err();
    assert_eq!(refused.to_string(), "acknowledgment_note must not contain NUL");
}
