//! Alerts that nobody sees to: when they are passed on, to whom, and when that ends.

use super::contacts::email_for;
use super::{Scene, rule};
use chrono::TimeDelta;
use nmc_core::alerts::{
    Address, Alert, AlertRulePatch, EscalationContactPatch, NewAlertRule, NewEscalationContact, NotificationFilter, evaluate_all,
};
use nmc_core::{
    AlertEventType as Event, AlertId, AlertStatus as Status, ContactType, NotificationChannel as Channel, PageRequest,
};
use proptest::prelude::RngExt as _;
use proptest::test_runner::{RngAlgorithm, TestRng};
use std::collections::HashMap;
use std::hash::{BuildHasher as _, Hasher as _, RandomState};
use std::sync::Mutex;

fn at_level(escalation_level: i32, name: &str) -> NewEscalationContact {
    NewEscalationContact { escalation_level, contact_value: Address::new(format!("{name}@example.com")), ..email_for(None) }
}

impl Scene {
    fn passed_on(&self) -> Vec<AlertId> {
        self.run(|tx| tx.alerts().pass_on_due(10)).unwrap()
    }

    /// Who is told of an alert, by what template, oldest first.
    pub(super) fn told(&self, alert: &Alert) -> Vec<(String, String)> {
        let filter = NotificationFilter { alert: Some(alert.id), ..NotificationFilter::default() };
        let rows = self.run(|tx| tx.notifications().list(&filter, PageRequest::first())).unwrap().items;
        rows.iter().rev().map(|row| (row.template_used.clone().unwrap(), row.recipient.as_str().to_owned())).collect()
    }

    fn waiting(&self) -> i64 {
        self.db.query("SELECT count(*) FROM alert_escalations")[0]
    }
}

fn told(to: &[&str]) -> Vec<(String, String)> {
    to.iter().map(|name| ("escalated".to_owned(), format!("{name}@example.com"))).collect()
}

#[test]
fn an_alert_is_passed_on_from_level_to_level_and_then_again() {
    let scene = Scene::new();
    scene.contact(&at_level(1, "first"));
    scene.contact(&at_level(3, "third"));
    let alert = scene.raise(scene.rule(&NewAlertRule { escalation_repeats: 1, ..rule("half an hour") }).id);
    let begun = scene.now();
    scene.after(29);
    assert_eq!(scene.passed_on(), []);
    scene.after(1);
    assert_eq!(scene.passed_on(), [alert.id]);
    assert_eq!(scene.passed_on(), [], "once");
    let row = scene.reload(&alert);
    assert_eq!(
        (row.status, row.escalation_level, row.escalated_at),
        (Status::Escalated, 1, Some(begun + TimeDelta::minutes(30)))
    );
    assert_eq!(scene.told(&alert), told(&["first"]));
    // There is nobody on the second level: the third is next, and the first hears of it again.
    scene.after(30);
    assert_eq!(scene.passed_on(), [alert.id]);
    assert_eq!(scene.reload(&alert).escalation_level, 3);
    assert_eq!(scene.told(&alert), told(&["first", "first", "third"]));
    // Once more, as the rule says, and that is all.
    scene.after(30);
    assert_eq!(scene.passed_on(), [alert.id]);
    assert_eq!(scene.told(&alert).len(), 5);
    assert_eq!((scene.waiting(), scene.event_types(alert.id).last().copied()), (0, Some(Event::EscalationEnded)));
    scene.after(600);
    assert_eq!(scene.passed_on(), []);
}

#[test]
fn nobody_is_paged_once_somebody_has_seen_to_it() {
    let scene = Scene::new();
    scene.contact(&at_level(1, "first"));
    let ada = scene.ada;
    let [seen, over, slept, silenced] = ["seen", "over", "slept", "silenced"].map(|name| scene.alert(name));
    scene.run_as(ada, |tx| tx.alerts().acknowledge(seen.id, None)).unwrap();
    scene.run_as(ada, |tx| tx.alerts().resolve(over.id, None)).unwrap();
    scene.run_as(ada, |tx| tx.alerts().snooze(slept.id, scene.now() + TimeDelta::minutes(60), None)).unwrap();
    let off = AlertRulePatch { is_enabled: Some(false), ..AlertRulePatch::default() };
    scene.run(|tx| tx.alert_rules().update(silenced.rule_id, &off)).unwrap();
    scene.after(59);
    assert_eq!(scene.passed_on(), []);
    // It wakes, and the delay begins.
    scene.after(1);
    scene.run(|tx| tx.alerts().wake_due(10)).unwrap();
    scene.after(29);
    assert_eq!(scene.passed_on(), []);
    scene.after(1);
    assert_eq!(scene.passed_on(), [slept.id]);
    assert_eq!([&seen, &over, &silenced].map(|alert| scene.told(alert).len()), [0; 3]);
    // Switched on again, the rule's alert is passed on.
    let on = AlertRulePatch { is_enabled: Some(true), ..AlertRulePatch::default() };
    scene.run(|tx| tx.alert_rules().update(silenced.rule_id, &on)).unwrap();
    scene.after(30);
    assert_eq!(scene.passed_on(), [silenced.id]);
}

#[test]
fn contacts_are_those_of_the_time_the_alert_was_raised() {
    let scene = Scene::new();
    let contact = scene.contact(&at_level(1, "then"));
    let alert = scene.alert("a");
    let now =
        EscalationContactPatch { contact_value: Some(Address::new("now@example.com")), ..EscalationContactPatch::default() };
    scene.run(|tx| tx.escalation_contacts().update(contact.id, &now)).unwrap();
    scene.contact(&at_level(2, "late"));
    scene.after(30);
    assert_eq!(scene.passed_on(), [alert.id]);
    assert_eq!(scene.told(&alert), told(&["then"]));
    assert_eq!(scene.waiting(), 0);
}

#[test]
fn level_that_hears_nothing_is_passed_over_and_said() {
    let scene = Scene::new();
    let (ada, bob) = (scene.ada, scene.bob);
    let user = |escalation_level, user: nmc_core::UserId| NewEscalationContact {
        escalation_level,
        contact_type: ContactType::User,
        contact_value: Address::new(user.to_string()),
        ..email_for(None)
    };
    scene.contact(&user(1, ada));
    scene.contact(&at_level(2, "second"));
    let alert = scene.alert("a");
    scene.db.execute("UPDATE escalation_contacts SET is_active = false WHERE contact_type = 'email'");
    scene.contact(&user(1, bob));
    let lonely = scene.raise(scene.rule(&rule("lonely")).id);
    let off = nmc_core::people::UserPatch { is_active: Some(false), ..nmc_core::people::UserPatch::default() };
    scene.after(1);
    scene.db.execute("UPDATE escalation_contacts SET is_active = true WHERE contact_type = 'email'");
    for user in [ada, bob] {
        scene.run(|tx| tx.users().update(user, &off)).unwrap();
    }
    scene.after(29);
    assert_eq!(scene.passed_on(), [alert.id], "the next level hears of it at once");
    assert_eq!((scene.told(&alert), scene.reload(&alert).escalation_level), (told(&["second"]), 2));
    let nobody = Event::NotificationFailed;
    assert_eq!(scene.event_types(alert.id), [Event::Triggered, nobody, Event::Escalated, Event::EscalationEnded]);
    let why = "nobody on this level could be told: its contacts are deactivated, not verified or switched off";
    assert_eq!(scene.history(alert.id)[1].details, Some(serde_json::json!({"level": 1, "why": why})));
    scene.after(1);
    assert_eq!(scene.passed_on(), []);
    // Nobody was told: it is not escalated.
    assert_eq!((scene.reload(&lonely).status, scene.told(&lonely).len(), scene.waiting()), (Status::Triggered, 0, 0));
    assert_eq!(scene.event_types(lonely.id), [Event::Triggered, nobody, Event::EscalationEnded]);
}

#[test]
fn contact_that_was_switched_off_since_is_not_told() {
    let scene = Scene::new();
    let off = EscalationContactPatch { is_active: Some(false), ..EscalationContactPatch::default() };
    let contacts = ["off", "removed", "stays"].map(|name| scene.contact(&at_level(1, name)).id);
    let alert = scene.alert("a");
    scene.run(|tx| tx.escalation_contacts().update(contacts[0], &off)).unwrap();
    scene.run(|tx| tx.escalation_contacts().delete(contacts[1])).unwrap();
    scene.after(30);
    assert_eq!(scene.passed_on(), [alert.id]);
    assert_eq!(scene.told(&alert), told(&["removed", "stays"]));
}

#[test]
fn an_alert_of_last_week_is_passed_on_to_nobody() {
    let scene = Scene::new();
    scene.contact(&at_level(1, "first"));
    let alert = scene.alert("a");
    scene.clock.advance(TimeDelta::days(7) + TimeDelta::seconds(1));
    assert_eq!(scene.passed_on(), []);
    assert_eq!((scene.told(&alert).len(), scene.waiting()), (0, 0));
    assert_eq!(scene.event_types(alert.id), [Event::Triggered, Event::EscalationEnded]);
}

#[test]
fn an_alert_without_anybody_to_pass_it_on_to_does_not_wait() {
    let scene = Scene::new();
    let other = scene.rule(&rule("other")).id;
    scene.contact(&email_for(Some(other)));
    scene.contact(&NewEscalationContact { is_active: false, ..at_level(1, "off") });
    scene.alert("a");
    assert_eq!(scene.waiting(), 0);
    scene.contact(&at_level(1, "on"));
    scene.raise(scene.rule(&NewAlertRule { escalation_enabled: false, ..rule("stays") }).id);
    assert_eq!(scene.waiting(), 0);
    scene.raise(other);
    assert_eq!(scene.waiting(), 1);
}

#[test]
fn a_contact_of_one_rule_hears_of_its_alerts_alone() {
    let scene = Scene::new();
    let [one, other] = ["one", "other"].map(|name| scene.rule(&rule(name)).id);
    scene.contact(&email_for(Some(one)));
    let at = scene.after(1);
    scene.run(|tx| tx.measurements().record("missed calls", super::dec("11"), at)).unwrap();
    // Both are raised together.
    assert_eq!(scene.run(evaluate_all).unwrap().raised.len(), 2);
    let [heard, unheard] = [one, other].map(|rule| scene.run(|tx| tx.alerts().find_open_by_rule(rule)).unwrap().unwrap());
    scene.after(30);
    assert_eq!(scene.passed_on(), [heard.id]);
    assert_eq!((scene.told(&heard), scene.told(&unheard)), (told(&["joe"]), Vec::new()));
}

/// A storm: what is raised together has the contacts that each would have by itself.
#[test]
fn contacts_of_many_rules_are_all_there() {
    let scene = Scene::new();
    for n in 0..110 {
        let rule = scene.rule(&NewAlertRule { notification_channels: vec![Channel::Webhook], ..rule(&format!("rule {n}")) }).id;
        let contact = |contact_type, value: String| NewEscalationContact {
            rule_id: Some(rule),
            contact_type,
            contact_value: Address::new(value),
            ..at_level(1, "x")
        };
        scene.contact(&contact(ContactType::Email, format!("a{n}@example.com")));
        scene.contact(&contact(ContactType::Email, format!("b{n}@example.com")));
        scene.contact(&contact(ContactType::Webhook, format!("https://a{n}.example.com")));
        scene.contact(&contact(ContactType::Webhook, format!("https://b{n}.example.com")));
    }
    let at = scene.after(1);
    scene.run(|tx| tx.measurements().record("missed calls", super::dec("11"), at)).unwrap();
    assert_eq!(scene.run(evaluate_all).unwrap().raised.len(), 110);
    let contacts: Vec<i32> = scene.db.query("SELECT jsonb_array_length(contacts) FROM alert_escalations");
    assert_eq!(contacts, [4; 110]);
    let hooks: Vec<i64> = scene.db.query("SELECT count(*) FROM notifications GROUP BY alert_id");
    assert_eq!(hooks, [2; 110]);
}

#[test]
fn a_user_hears_by_the_ways_they_want() {
    let scene = Scene::new();
    scene.contact(&NewEscalationContact {
        contact_type: ContactType::User,
        contact_value: Address::new(scene.ada.to_string()),
        ..email_for(None)
    });
    let alert = scene.alert("a");
    scene.after(30);
    scene.passed_on();
    let filter = NotificationFilter { alert: Some(alert.id), ..NotificationFilter::default() };
    let rows = scene.run(|tx| tx.notifications().list(&filter, PageRequest::first())).unwrap().items;
    let mut channels: Vec<Channel> = rows.iter().map(|row| row.channel).collect();
    channels.sort_by_key(|channel| channel.label());
    assert_eq!(channels, [Channel::Dashboard, Channel::Email]);
}

#[test]
fn two_that_look_for_late_alerts_at_once_pass_each_on_once() {
    let scene = Scene::new();
    scene.contact(&at_level(1, "first"));
    scene.contact(&at_level(2, "second"));
    let alerts = [scene.alert("a"), scene.alert("b")];
    scene.after(30);
    let passed_on = scene.both(|tx| tx.alerts().pass_on_due(10));
    assert_eq!(passed_on.map(|rows| rows.unwrap().len()).iter().sum::<usize>(), 2);
    assert!(alerts.iter().all(|alert| scene.reload(alert).escalation_level == 1 && scene.told(alert) == told(&["first"])));
}

/// What a random run knows of its alert, by rules of its own.
struct Run {
    alert: AlertId,
    delay: i64,
    repeats: i32,
    level: usize,
    status: Status,
    wakes: i64,
    /// When it is passed on next; nothing once that is over.
    due: Option<i64>,
    pages: Vec<(i64, i32)>,
}

const LEVELS: [i32; 3] = [1, 2, 4];

impl Run {
    fn page(&mut self, minute: i64) {
        if self.due.is_none_or(|due| due > minute) {
            return;
        }
        self.due = Some(minute + self.delay);
        if !matches!(self.status, Status::Triggered | Status::Escalated) {
            return;
        }
        self.status = Status::Escalated;
        let told = LEVELS.iter().take(self.level + 1);
        self.pages.extend(told.map(|level| (minute, *level)));
        if self.level + 1 < LEVELS.len() {
            self.level += 1;
        } else if self.repeats > 0 {
            self.repeats -= 1;
        } else {
            self.due = None;
        }
    }
}

/// The most alerts of a business in random runs: it may have 500 rules.
const AT_ONCE: usize = 400;

/// So many alerts of a business, each seen to at random by people, and looked after every minute of two hours.
fn random_runs(runs: usize, random: &mut TestRng) {
    const MINUTES: i64 = 120;
    let scene = Scene::new();
    for level in LEVELS {
        scene.contact(&at_level(level, &format!("level{level}")));
    }
    let begun = scene.now();
    let drawn: Vec<(i32, i32)> = (0..runs).map(|_| (random.random_range(1..=30), random.random_range(0..=2))).collect();
    let alerts = scene.run(|tx| {
        let new = drawn.iter().enumerate().map(|(n, (delay, repeats))| NewAlertRule {
            escalation_delay_minutes: *delay,
            escalation_repeats: *repeats,
            ..rule(&format!("run {n}"))
        });
        new.map(|new| {
            let rule = tx.alert_rules().create(&new)?.id;
            Ok(tx.alerts().raise(rule, super::dec("12.5"), None)?.alert.id)
        })
        .collect::<nmc_core::Result<Vec<AlertId>>>()
    });
    let begin = |(alert, (delay, repeats)): (AlertId, (i32, i32))| {
        let delay = i64::from(delay);
        Run { alert, delay, repeats, level: 0, status: Status::Triggered, wakes: 0, due: Some(delay), pages: Vec::new() }
    };
    let mut runs: Vec<Run> = alerts.unwrap().into_iter().zip(drawn).map(begin).collect();
    for minute in 1..=MINUTES {
        scene.clock.advance(begun + TimeDelta::minutes(minute) - scene.now());
        let wake_all = |tx: &mut nmc_core::TenantTx<'_>| {
            while !tx.alerts().wake_due(500)?.is_empty() {}
            Ok(())
        };
        scene.run(wake_all).unwrap();
        let mut moves = Vec::new();
        for run in &mut runs {
            if run.status == Status::Snoozed && run.wakes <= minute {
                run.status = Status::Triggered;
            }
            let until = minute + i64::from(random.random_range(1..=20));
            let to = match random.random_range(0..200) {
                0 => Status::Acknowledged,
                1 => Status::Snoozed,
                2 if run.status == Status::Snoozed => Status::Triggered,
                3 if minute > 20 => Status::Resolved,
                _ => continue,
            };
            if !run.status.may_become(to) {
                continue;
            }
            moves.push((run.alert, to, begun + TimeDelta::minutes(until)));
            run.status = to;
            match to {
                Status::Snoozed => {
                    run.wakes = until;
                    run.due = run.due.map(|_| until + run.delay);
                }
                Status::Triggered => run.due = run.due.map(|_| minute + run.delay),
                Status::Resolved => run.due = None,
                _ => {}
            }
        }
        let move_all = |tx: &mut nmc_core::TenantTx<'_>| {
            for (id, to, until) in &moves {
                match to {
                    Status::Acknowledged => tx.alerts().acknowledge(*id, None),
                    Status::Snoozed => tx.alerts().snooze(*id, *until, None),
                    Status::Resolved => tx.alerts().resolve(*id, None),
                    _ => tx.alerts().wake(*id),
                }?;
            }
            Ok(())
        };
        if !moves.is_empty() {
            scene.run_as(scene.ada, move_all).unwrap();
        }
        // After what people did, also where that moved an instant on.
        scene.clock.advance(TimeDelta::seconds(1));
        let pass_on_all = |tx: &mut nmc_core::TenantTx<'_>| {
            while !tx.alerts().pass_on_due(500)?.is_empty() {}
            Ok(())
        };
        scene.run(pass_on_all).unwrap();
        runs.iter_mut().for_each(|run| run.page(minute));
    }
    let paged: Vec<String> = scene.db.query(
        "SELECT alert_id || ' ' || string_agg(extract(epoch FROM date_trunc('minute', created_at))::bigint || ':' || recipient, ' ' ORDER BY created_at, recipient)
         FROM notifications WHERE template_used = 'escalated' GROUP BY alert_id",
    );
    let paged: HashMap<&str, &str> = paged.iter().filter_map(|line| line.split_once(' ')).collect();
    let mut pages = 0;
    for run in &runs {
        let line = |(minute, level): &(i64, i32)| {
            format!("{}:level{level}@example.com", (begun + TimeDelta::minutes(*minute)).timestamp())
        };
        let expected = run.pages.iter().map(line).collect::<Vec<_>>().join(" ");
        assert_eq!(paged.get(run.alert.to_string().as_str()).copied().unwrap_or_default(), expected);
        pages += run.pages.len();
    }
    assert!(pages > runs.len() * 2, "somebody is paged: {pages}");
}

/// What the business of this number draws.
fn drawing(seed: u64, business: u64) -> TestRng {
    let mut bytes = [0; 32];
    bytes[..8].copy_from_slice(&seed.to_le_bytes());
    bytes[8..16].copy_from_slice(&business.to_le_bytes());
    TestRng::from_seed(RngAlgorithm::ChaCha, &bytes)
}

/// 500 runs unless told (`NMC_RANDOM_RUNS=10000`). Those of every other business are the same each time, the others come of a seed that is
/// printed and can be given again (`NMC_RANDOM_SEED`, with the same number of runs).
#[test]
fn nobody_is_skipped_or_paged_after_somebody_has_seen_to_it() {
    let runs: usize = std::env::var("NMC_RANDOM_RUNS").map_or(500, |runs| runs.parse().unwrap());
    let seed: u64 = std::env::var("NMC_RANDOM_SEED")
        .map_or_else(|_| RandomState::new().build_hasher().finish(), |seed| seed.parse().unwrap());
    eprintln!("NMC_RANDOM_SEED={seed}");
    // Two businesses at the least, each with a database of its own.
    let at_once = AT_ONCE.min(runs.div_ceil(2));
    let left = Mutex::new((0..).zip((0..runs).step_by(at_once).map(|begun| at_once.min(runs - begun))));
    // One waits for the database while the other one reckons.
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                loop {
                    let Some((business, runs)) = left.lock().unwrap().next() else { break };
                    random_runs(runs, &mut drawing(if business % 2 == 0 { 0 } else { seed }, business));
                }
            });
        }
    });
}
