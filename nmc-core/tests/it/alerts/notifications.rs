//! Notifications: what is queued, who may hear, and how the queue ends each.

use super::{Scene, blames};
use chrono::TimeDelta;
use nmc_core::alerts::{
    Address, Alert, ClaimedNotification, NewAlertRule, NewNotification, Notification, NotificationFilter, WebhookResponse,
};
use nmc_core::store::Reason;
use nmc_core::testing::Business;
use nmc_core::{
    AlertEventType as Event, AlertId, AlertOperator, Error, NotificationChannel as Channel, NotificationStatus as Status,
    PageRequest, Result, TenantTx,
};
use serde_json::json;

/// What whoever has lost a claim is told.
const LOST: &str = "lease is no longer held: another worker has it, or it has ended";

pub(super) fn email(alert_id: AlertId) -> NewNotification {
    NewNotification {
        alert_id,
        channel: Channel::Email,
        recipient: Address::new("Joe@Example.com"),
        template_used: Some("short".to_owned()),
        message_content: Some("Too many missed calls".to_owned()),
        max_attempts: 2,
    }
}

impl Scene {
    fn queue(&self, alert: &Alert) -> Notification {
        self.run(|tx| tx.notifications().create(&email(alert.id))).unwrap()
    }

    /// Claims all that is due, for a minute.
    fn claim(&self) -> Vec<ClaimedNotification> {
        self.run(|tx| tx.notifications().claim(10, TimeDelta::minutes(1))).unwrap()
    }

    fn notification(&self, of: &Notification) -> Notification {
        self.run(|tx| tx.notifications().get(of.id)).unwrap()
    }
}

#[test]
fn a_notification_is_stored_as_it_was_given_and_due_at_once() {
    let scene = Scene::new();
    let alert = scene.alert("a");
    let row = scene.queue(&alert);
    let expected = Notification {
        id: row.id,
        tenant_id: scene.business.tenant.id(),
        alert_id: alert.id,
        channel: Channel::Email,
        recipient: Address::new("joe@example.com"),
        status: Status::Pending,
        attempts: 0,
        max_attempts: 2,
        next_attempt_at: scene.now(),
        lease_owner: None,
        lease_expires_at: None,
        delivered_at: None,
        failed_at: None,
        error_message: None,
        webhook_response_code: None,
        webhook_response_body: None,
        template_used: Some("short".to_owned()),
        message_content: Some("Too many missed calls".to_owned()),
        answered_at: None,
        digest_id: None,
        created_at: scene.now(),
        updated_at: scene.now(),
    };
    assert_eq!(row, expected);
    assert_eq!(scene.run(|tx| tx.notifications().find(row.id)).unwrap(), Some(expected));
    assert!(!format!("{row:?}").contains("joe"), "people's data stays out of logs");
}

#[test]
fn a_recipient_is_checked_against_its_channel() {
    let scene = Scene::new();
    let alert = scene.alert("a").id;
    let elsewhere = Business::onboard(&scene.db.store, "Elsewhere");
    scene.db.fill_every_table(elsewhere.tenant.id());
    let foreign: String =
        scene.db.query(&format!("SELECT id FROM users WHERE tenant_id = '{}'", elsewhere.tenant.id())).remove(0);
    let ada = scene.ada.to_string();
    let new = |channel, recipient: &str| NewNotification { channel, recipient: Address::new(recipient), ..email(alert) };
    for (channel, given, stored) in [
        (Channel::Email, " Joe@Example.com ", "joe@example.com"),
        (Channel::Sms, " +14155550123 ", "+14155550123"),
        (Channel::Webhook, " https://hooks.example.com/x?y=1 ", "https://hooks.example.com/x?y=1"),
        (Channel::Dashboard, &ada.to_uppercase(), ada.as_str()),
    ] {
        assert_eq!(scene.run(|tx| tx.notifications().create(&new(channel, given))).unwrap().recipient.as_str(), stored);
    }
    for (channel, given, words) in [
        (Channel::Email, "+14155550123", "recipient must be an e-mail address like joe@example.com"),
        (Channel::Sms, "joe@example.com", "recipient must be a phone number in E.164, like +14155550123"),
        (Channel::Webhook, "ftp://example.com", "recipient must be an http or https URL without a user, at most 255 characters"),
        (Channel::Dashboard, "ada", "recipient must be a user's id"),
        (Channel::Dashboard, "00000000-0000-7000-8000-000000000000", "recipient must be an existing user"),
        (Channel::Dashboard, foreign.as_str(), "recipient must be an existing user"),
    ] {
        scene.refuses(words, |tx| tx.notifications().create(&new(channel, given)));
        // All or none.
        scene.refuses(words, |tx| tx.notifications().create_many(&[email(alert), new(channel, given)]));
    }
}

#[test]
fn a_broken_rule_is_refused_with_its_field() {
    let scene = Scene::new();
    let alert = scene.alert("a").id;
    let nothing = AlertId::new(uuid::Uuid::now_v7());
    for (new, words) in [
        (email(nothing), "alert_id must be an existing alert"),
        (NewNotification { max_attempts: 0, ..email(alert) }, "max_attempts must be at least 1"),
        (
            NewNotification { template_used: Some("x".repeat(101)), ..email(alert) },
            "template_used must be at most 100 characters",
        ),
        (
            NewNotification { message_content: Some("x".repeat(10_001)), ..email(alert) },
            "message_content must be at most 10000 characters",
        ),
    ] {
        let error = scene.refuses(words, |tx| tx.notifications().create(&new));
        assert!(blames(&error, words.split(' ').next().unwrap()), "{error:?}");
    }
    let many = vec![email(alert); 501];
    scene.refuses("notifications must be at most 500 at once", |tx| tx.notifications().create_many(&many));
    assert_eq!(scene.run(|tx| tx.notifications().create_many(&many[..500])).unwrap().len(), 500);
    assert_eq!(scene.run(|tx| tx.notifications().create_many(&[])).unwrap(), []);
}

#[test]
fn notifications_are_paged_and_counted_by_every_filter() {
    let scene = Scene::new();
    let (one, two) = (scene.alert("a"), scene.alert("b"));
    let a = scene.queue(&one).id;
    let delivered = scene.claim().remove(0);
    scene.run(|tx| tx.notifications().deliver(&delivered, None)).unwrap();
    let later = scene.after(1);
    let sms = NewNotification { channel: Channel::Sms, recipient: Address::new("+14155550123"), ..email(two.id) };
    let b = scene.run(|tx| tx.notifications().create(&sms)).unwrap().id;
    let c = scene.queue(&two).id;
    let all = NotificationFilter::default;
    let cases = [
        (all(), vec![c, b, a]),
        (NotificationFilter { status: Some(Status::Delivered), ..all() }, vec![a]),
        (NotificationFilter { open: Some(true), ..all() }, vec![c, b]),
        (NotificationFilter { open: Some(false), ..all() }, vec![a]),
        (NotificationFilter { channel: Some(Channel::Sms), ..all() }, vec![b]),
        (NotificationFilter { alert: Some(two.id), ..all() }, vec![c, b]),
        (NotificationFilter { from: Some(later), ..all() }, vec![c, b]),
        (NotificationFilter { until: Some(later), ..all() }, vec![a]),
    ];
    for (filter, expected) in cases {
        let (mut found, mut page) = (Vec::new(), PageRequest::new(1, None).unwrap());
        loop {
            let part = scene.run(|tx| tx.notifications().list(&filter, page)).unwrap();
            found.extend(part.items.iter().map(|row| row.id));
            let Some(next) = part.next else { break };
            page = page.after(next);
        }
        assert_eq!(found, expected, "{filter:?}");
        let count = scene.run(|tx| tx.notifications().count(&filter)).unwrap();
        assert_eq!(usize::try_from(count), Ok(expected.len()), "{filter:?}");
    }
}

#[test]
fn what_is_delivered_is_told_to_its_alert_and_the_history() {
    let scene = Scene::new();
    let alert = scene.alert("a");
    let queued = scene.queue(&alert);
    let now = scene.after(1);
    let [claim] = scene.claim().try_into().unwrap();
    let until = now + TimeDelta::minutes(1);
    let held = Notification {
        attempts: 1,
        lease_owner: Some(claim.lease),
        lease_expires_at: Some(until),
        next_attempt_at: until,
        updated_at: now,
        ..queued.clone()
    };
    assert_eq!((&claim.notification, &scene.notification(&queued)), (&held, &held));
    assert_eq!(scene.claim(), [], "nobody else sees it");

    scene.clock.advance(TimeDelta::seconds(1));
    let now = scene.now();
    let answer = WebhookResponse { code: 204, body: Some(format!("a\0b{}", "é".repeat(3_000))) };
    let row = scene.run(|tx| tx.notifications().deliver(&claim, Some(&answer))).unwrap();
    let expected = Notification {
        status: Status::Delivered,
        lease_owner: None,
        lease_expires_at: None,
        delivered_at: Some(now),
        updated_at: now,
        webhook_response_code: Some(204),
        webhook_response_body: Some(format!("ab{}", "é".repeat(1_998))),
        ..held
    };
    assert_eq!((&row, &scene.notification(&queued)), (&expected, &expected));
    assert_eq!(scene.reload(&alert), Alert { notification_sent: true, updated_at: now, ..alert.clone() });
    let entry = scene.history(alert.id).pop().unwrap();
    assert_eq!(
        (entry.event_type, entry.old_status, entry.new_status, entry.user_id),
        (Event::NotificationSent, None, None, None)
    );
    assert_eq!(entry.details, Some(json!({"notification": row.id, "channel": "email"})));
    scene.after(60);
    assert_eq!(scene.claim(), []);
}

#[test]
fn first_delivery_alone_changes_the_alert_and_order_is_kept() {
    let scene = Scene::new();
    let alert = scene.alert("a");
    for _ in 0..2 {
        scene.queue(&alert);
    }
    let claims = scene.claim();
    let (moved, told) = scene.overtaken(|tx| tx.alerts().escalate(alert.id), |tx| tx.notifications().deliver(&claims[0], None));
    told.unwrap();
    let notified = scene.reload(&alert);
    assert!(notified.notification_sent && notified.updated_at > moved);
    assert_eq!(scene.event_types(alert.id), [Event::Triggered, Event::Escalated, Event::NotificationSent]);
    scene.clock.advance(TimeDelta::seconds(1));
    scene.run(|tx| tx.notifications().deliver(&claims[1], None)).unwrap();
    assert_eq!(scene.reload(&alert), notified);
}

#[test]
fn a_worker_that_needs_longer_holds_its_claim_for_longer() {
    let scene = Scene::new();
    let alert = scene.alert("a");
    scene.queue(&alert);
    let claim = scene.claim().remove(0);
    scene.clock.advance(TimeDelta::seconds(50));
    let until = scene.now() + TimeDelta::minutes(2);
    let row = scene.run(|tx| tx.notifications().extend(&claim, TimeDelta::minutes(2))).unwrap();
    let expected = Notification {
        lease_expires_at: Some(until),
        next_attempt_at: until,
        updated_at: scene.now(),
        ..claim.notification.clone()
    };
    assert_eq!((&row, &scene.notification(&row)), (&expected, &expected));
    scene.after(1);
    assert_eq!(scene.claim(), [], "it is held");
    for length in [TimeDelta::zero(), TimeDelta::MAX] {
        scene.refuses("lease_for must end in the future", |tx| tx.notifications().extend(&claim, length));
    }
    scene.after(1);
    let heir = scene.claim().remove(0);
    scene.refuses(LOST, |tx| tx.notifications().extend(&claim, TimeDelta::minutes(1)));
    scene.run(|tx| tx.notifications().deliver(&heir, None)).unwrap();
    scene.refuses(LOST, |tx| tx.notifications().extend(&heir, TimeDelta::minutes(1)));
}

#[test]
fn claim_that_was_not_begun_is_put_back_and_not_counted() {
    let scene = Scene::new();
    scene.queue(&scene.alert("a"));
    let claim = scene.claim().remove(0);
    scene.after(1);
    let due = scene.now() + TimeDelta::seconds(90);
    let row = scene.run(|tx| tx.notifications().put_back(&claim, "not now", due)).unwrap();
    let expected = Notification {
        status: Status::Retrying,
        attempts: 0,
        next_attempt_at: due,
        error_message: Some("not now".to_owned()),
        lease_owner: None,
        lease_expires_at: None,
        updated_at: scene.now(),
        ..claim.notification.clone()
    };
    assert_eq!((&row, &scene.notification(&row)), (&expected, &expected));
    scene.refuses(LOST, |tx| tx.notifications().put_back(&claim, "again", due));
    scene.after(2);
    assert_eq!(scene.claim().remove(0).notification.attempts, 1);
}

#[test]
fn claim_that_is_given_up_fails_before_its_last_attempt() {
    let scene = Scene::new();
    let alert = scene.alert("a");
    scene.queue(&alert);
    let claim = scene.claim().remove(0);
    let response = WebhookResponse { code: 410, body: None };
    let row = scene.run(|tx| tx.notifications().give_up(&claim, "gone", Some(&response))).unwrap();
    assert_eq!((row.status, row.attempts, row.failed_at), (Status::Failed, 1, Some(scene.now())));
    assert_eq!((row.error_message.as_deref(), row.webhook_response_code), (Some("gone"), Some(410)));
    assert_eq!(scene.event_types(alert.id).last(), Some(&Event::NotificationFailed));
    scene.refuses(LOST, |tx| tx.notifications().give_up(&claim, "again", None));
}

#[test]
fn notification_claimed_or_ended_is_not_called_off() {
    let scene = Scene::new();
    let alert = scene.alert("a");
    let cancel = |id| scene.run(|tx| tx.notifications().cancel(id, " wrong number "));
    // Waiting; to be tried again; and held by a worker that died.
    let waiting = scene.queue(&alert);
    let now = scene.after(1);
    let row = cancel(waiting.id).unwrap();
    let expected = Notification {
        status: Status::Failed,
        failed_at: Some(now),
        error_message: Some("wrong number".to_owned()),
        updated_at: now,
        ..waiting
    };
    assert_eq!((&row, &scene.notification(&row)), (&expected, &expected));
    let entry = scene.history(alert.id).pop().unwrap();
    assert_eq!((entry.event_type, entry.created_at), (Event::NotificationFailed, now));
    assert_eq!(entry.details, Some(json!({"notification": row.id, "channel": "email", "why": "wrong number"})));

    scene.queue(&alert);
    scene.after(1);
    let claim = scene.claim().remove(0);
    let error = scene.refuses("notification is being delivered", |tx| tx.notifications().cancel(claim.notification.id, "no"));
    assert!(matches!(error, Error::Conflict { .. }));
    let later = scene.now() + TimeDelta::hours(1);
    scene.run(|tx| tx.notifications().fail(&claim, "busy", None, later)).unwrap();
    scene.after(1);
    assert_eq!(cancel(claim.notification.id).unwrap().status, Status::Failed);

    scene.queue(&alert);
    scene.after(1);
    let dead = scene.claim().remove(0);
    scene.after(1);
    let row = cancel(dead.notification.id).unwrap();
    assert_eq!((row.status, row.lease_owner, row.lease_expires_at), (Status::Failed, None, None));
    scene.refuses(LOST, |tx| tx.notifications().deliver(&dead, None));

    scene.queue(&alert);
    let delivered = scene.claim().remove(0);
    scene.run(|tx| tx.notifications().deliver(&delivered, None)).unwrap();
    for (id, step) in [(row.id, "is failed already"), (delivered.notification.id, "can't go from delivered to failed")] {
        scene.refuses(&format!("notification {step}"), |tx| tx.notifications().cancel(id, "no"));
    }
    scene.refuses("why must not be empty", |tx| tx.notifications().cancel(row.id, " "));
    let nothing = nmc_core::NotificationId::new(uuid::Uuid::now_v7());
    scene.refuses("notification not found", |tx| tx.notifications().cancel(nothing, "no"));
    scene.after(60);
    assert_eq!(scene.claim(), []);
}

#[test]
fn ended_notifications_are_pruned_oldest_first() {
    let scene = Scene::new();
    let alert = scene.alert("a");
    let ids = [0; 3].map(|_| {
        let id = scene.queue(&alert).id;
        let claim = scene.claim().remove(0);
        scene.run(|tx| tx.notifications().deliver(&claim, None)).unwrap();
        scene.after(1);
        id
    });
    let failed = scene.queue(&alert).id;
    scene.run(|tx| tx.notifications().cancel(failed, "no")).unwrap();
    let (open, held) = (scene.queue(&alert).id, scene.queue(&alert).id);
    scene.run(|tx| tx.notifications().claim(1, TimeDelta::minutes(9))).unwrap();
    let left = || {
        let rows = scene.run(|tx| tx.notifications().list(&NotificationFilter::default(), PageRequest::first())).unwrap().items;
        rows.iter().rev().map(|row| row.id).collect::<Vec<_>>()
    };
    let prune = |before, limit| scene.run(|tx| tx.notifications().delete_ended_before(before, limit)).unwrap();
    let now = scene.now();
    assert_eq!((prune(now - TimeDelta::minutes(3), 10), prune(now, 0), prune(now, 1)), (0, 0, 1));
    assert_eq!(left(), [ids[1], ids[2], failed, open, held]);
    assert_eq!(prune(now, 10), 2);
    let later = scene.after(1);
    let both = scene.both(|tx| tx.notifications().delete_ended_before(later, 10)).map(Result::unwrap);
    assert_eq!((both.iter().sum::<usize>(), left()), (1, vec![open, held]));
}

#[test]
fn failed_notification_is_retried_until_attempts_are_used_up() {
    let scene = Scene::new();
    let alert = scene.alert("a");
    let queued = scene.queue(&alert);
    let claim = scene.claim().remove(0);
    let retry_at = scene.now() + TimeDelta::minutes(5);
    scene.refuses("retry_at must lie between the years 1970 and 9999", |tx| {
        tx.notifications().fail(&claim, "no", None, chrono::DateTime::<chrono::Utc>::MAX_UTC)
    });
    let answer = WebhookResponse { code: 500, body: None };
    let row = scene.run(|tx| tx.notifications().fail(&claim, " no route ", Some(&answer), retry_at)).unwrap();
    let expected = Notification {
        status: Status::Retrying,
        attempts: 1,
        next_attempt_at: retry_at,
        error_message: Some("no route".to_owned()),
        webhook_response_code: Some(500),
        ..queued.clone()
    };
    assert_eq!((&row, &scene.notification(&queued)), (&expected, &expected));
    assert_eq!(scene.event_types(alert.id), [Event::Triggered]);
    scene.after(4);
    assert_eq!(scene.claim(), []);
    let now = scene.after(1);
    let claim = scene.claim().remove(0);
    let row = scene.run(|tx| tx.notifications().fail(&claim, &"x".repeat(2_001), None, now + TimeDelta::minutes(5))).unwrap();
    assert_eq!((row.status, row.attempts, row.failed_at, row.lease_owner), (Status::Failed, 2, Some(now), None));
    assert_eq!((row.error_message, row.webhook_response_code), (Some("x".repeat(2_000)), None));
    assert_eq!(scene.event_types(alert.id), [Event::Triggered, Event::NotificationFailed]);
    assert_eq!(scene.reload(&alert), alert, "nobody was notified");
    scene.after(60);
    assert_eq!(scene.claim(), []);

    // A retry that gets through.
    scene.queue(&alert);
    let claim = scene.claim().remove(0);
    let now = scene.now();
    scene.run(|tx| tx.notifications().fail(&claim, "busy", None, now)).unwrap();
    let claim = scene.claim().remove(0);
    let row = scene.run(|tx| tx.notifications().deliver(&claim, None)).unwrap();
    assert_eq!((row.status, row.attempts, row.error_message), (Status::Delivered, 2, None));
}

#[test]
fn notification_of_a_dead_worker_is_taken_over_and_claim_void() {
    let scene = Scene::new();
    let alert = scene.alert("a");
    let queued = scene.queue(&alert);
    let dead = scene.claim().remove(0);
    scene.after(1);
    let heir = scene.claim().remove(0);
    assert_eq!((heir.notification.id, heir.notification.attempts), (queued.id, 2));
    assert_ne!(heir.lease, dead.lease);
    let lost = LOST;
    let at = scene.now();
    for error in [
        scene.refuses(lost, |tx| tx.notifications().deliver(&dead, None)),
        scene.refuses(lost, |tx| tx.notifications().fail(&dead, "no", None, at)),
    ] {
        assert!(matches!(error, Error::Conflict { .. }));
    }
    // The heir dies as well, with the last attempt: it is failed instead of claimed.
    let now = scene.after(1);
    assert_eq!(scene.claim(), []);
    let row = scene.notification(&queued);
    assert_eq!((row.status, row.attempts, row.failed_at, row.lease_owner), (Status::Failed, 2, Some(now), None));
    assert_eq!(row.error_message.as_deref(), Some("the last attempt ended without a word"));
    let entry = scene.history(alert.id).pop().unwrap();
    assert_eq!(entry.event_type, Event::NotificationFailed);
    let why = "the last attempt ended without a word";
    assert_eq!(entry.details, Some(json!({"notification": row.id, "channel": "email", "why": why})));
    scene.refuses(lost, |tx| tx.notifications().deliver(&heir, None));
}

#[test]
fn claim_ends_once_and_late_while_nobody_took_over() {
    let scene = Scene::new();
    let alert = scene.alert("a");
    scene.queue(&alert);
    let claim = scene.claim().remove(0);
    scene.after(60);
    let ended = scene.both(|tx| tx.notifications().deliver(&claim, None));
    assert_eq!(ended.iter().filter(|ended| ended.is_ok()).count(), 1, "{ended:?}");
    assert_eq!(scene.event_types(alert.id), [Event::Triggered, Event::NotificationSent]);
    let at = scene.now();
    scene.refuses(LOST, |tx| tx.notifications().fail(&claim, "no", None, at));
}

/// The isolation matrix can't know a victim's lease, nor make its alerts late.
#[test]
fn foreign_worker_or_stolen_claim_without_rls_touches_nothing() {
    let scene = Scene::new();
    let (alert, asleep) = (scene.alert("late"), scene.alert("asleep"));
    let (ada, until) = (scene.ada, scene.now() + TimeDelta::minutes(1));
    scene.run_as(ada, |tx| tx.alerts().snooze(asleep.id, until, None)).unwrap();
    scene.queue(&alert);
    let stolen = scene.claim().remove(0);
    let at = scene.now();
    scene.run(|tx| tx.measurements().record("missed calls", super::dec("1"), at)).unwrap();
    scene.rule(&NewAlertRule { operator: AlertOperator::LessThan, ..super::rule("holds") });
    scene.after(60);
    let hostile = Business::onboard(&scene.db.store, "Hostile").tenant;
    let before = scene.db.rows_of(scene.business.tenant.id());
    for walls in ["ENABLE", "DISABLE"] {
        for table in ["alert_rules", "alerts", "alert_history", "notifications", "alert_metrics_cache"] {
            scene.db.execute(&format!("ALTER TABLE {table} {walls} ROW LEVEL SECURITY"));
        }
        let run = |work: &dyn Fn(&mut TenantTx<'_>) -> Result<usize>| scene.db.store.tenant(&hostile, work);
        let lost = |result: Result<usize>| assert_eq!(result.unwrap_err().to_string(), LOST);
        lost(run(&|tx| tx.notifications().deliver(&stolen, None).map(|_| 1)));
        lost(run(&|tx| tx.notifications().fail(&stolen, "no", None, at).map(|_| 1)));
        lost(run(&|tx| tx.notifications().extend(&stolen, TimeDelta::minutes(1)).map(|_| 1)));
        let empty = run(&|tx| {
            Ok(tx.notifications().claim(10, TimeDelta::minutes(1))?.len()
                + tx.alerts().wake_due(10)?.len()
                + tx.alerts().pass_on_due(10)?.len()
                + nmc_core::alerts::evaluate_all(tx)?.compared
                + tx.notifications().delete_ended_before(until, 10)?
                + tx.alerts().delete_resolved_before(until, 10)?
                + tx.measurements().delete_before(until, 10)?)
        });
        assert_eq!(empty.unwrap(), 0, "{walls}");
        assert_eq!(scene.db.rows_of(scene.business.tenant.id()), before, "{walls}");
    }
}

#[test]
fn claims_are_bounded_in_order_and_never_shared() {
    let scene = Scene::new();
    let alert = scene.alert("a");
    let mut ids = Vec::new();
    for _ in 0..6 {
        ids.push(scene.queue(&alert).id);
        scene.after(1);
    }
    let claim = |limit| {
        let claims = scene.run(|tx| tx.notifications().claim(limit, TimeDelta::minutes(1))).unwrap();
        claims.into_iter().map(|claim| claim.notification.id).collect::<Vec<_>>()
    };
    assert_eq!(claim(0), []);
    assert_eq!(claim(2), ids[..2], "the longest waiting first");
    let claims = scene.both(|tx| tx.notifications().claim(3, TimeDelta::minutes(1))).map(Result::unwrap);
    let mut both: Vec<_> = claims.iter().flatten().map(|claim| claim.notification.id).collect();
    both.extend(claim(10));
    both.sort();
    assert_eq!(both, ids[2..]);
    for length in [TimeDelta::zero(), TimeDelta::minutes(-1), TimeDelta::MAX] {
        scene.refuses("lease_for must end in the future", |tx| tx.notifications().claim(1, length));
    }
}

#[test]
fn tenants_with_due_notifications_are_found_each_in_its_turn() {
    let scene = Scene::new();
    let store = &scene.db.store;
    let second = Business::onboard(store, "Second");
    let first = scene.business.tenant;
    let after = |last, limit| store.system(Reason::DueWork, |tx| tx.tenants_with_due_notifications(last, limit)).unwrap();
    let due = |limit| after(None, limit);
    assert_eq!(due(10), []);
    scene.queue(&scene.alert("a"));
    scene.after(1);
    store
        .tenant(&second.tenant, |tx| {
            let rule = tx.alert_rules().create(&super::rule("b"))?.id;
            let alert = tx.alerts().raise(rule, super::dec("11"), None)?.alert.id;
            tx.notifications().create_many(&[email(alert), email(alert)])
        })
        .unwrap();
    // Its transaction moved on past the change of the rule it had just made.
    scene.clock.advance(TimeDelta::milliseconds(1));
    assert_eq!((due(10), due(1), due(0)), (vec![first, second.tenant], vec![first], vec![]));
    scene.business.suspend(&scene.db, true);
    assert_eq!(due(10), [second.tenant]);
    scene.business.suspend(&scene.db, false);
    let claim = scene.claim().remove(0);
    assert_eq!(due(10), [second.tenant]);
    scene.after(1);
    assert_eq!(due(10), [first, second.tenant], "its lease has run out");
    assert_eq!(after(Some(first.id()), 10), [second.tenant], "who has waited longer does not come twice in a round");
    assert_eq!(after(Some(second.tenant.id()), 10), []);
    scene.run(|tx| tx.notifications().deliver(&claim, None)).unwrap();
    assert_eq!(due(10), [second.tenant]);
}
