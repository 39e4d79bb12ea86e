//! Whom an alert is passed on to, and the values that rules watch.

use super::{Scene, blames, dec, rule};
use chrono::TimeDelta;
use nmc_core::alerts::{
    Address, AlertRulePatch, EscalationContact, EscalationContactFilter, EscalationContactPatch, Measurement, MeasurementFilter,
    NewAlertRule, NewEscalationContact, NewMeasurement, Reach, SECRET_OVERLAP,
};
use nmc_core::delivery::SecretVersions;
use nmc_core::{AlertRuleId, ContactType, NotificationChannel, PageRequest, Patch, When};

pub(super) fn email_for(rule_id: Option<AlertRuleId>) -> NewEscalationContact {
    NewEscalationContact {
        rule_id,
        escalation_level: 1,
        contact_type: ContactType::Email,
        contact_value: Address::new("joe@example.com"),
        is_active: true,
    }
}

impl Scene {
    pub(super) fn contact(&self, new: &NewEscalationContact) -> EscalationContact {
        self.run(|tx| tx.escalation_contacts().create(new)).unwrap()
    }
}

#[test]
fn a_patch_of_a_contact_changes_the_field_it_names_and_no_other() {
    let scene = Scene::new();
    let (one, other) = (scene.rule(&rule("a")).id, scene.rule(&rule("b")).id);
    let mut row = scene.contact(&email_for(Some(one)));
    let expected = EscalationContact {
        id: row.id,
        tenant_id: scene.business.tenant.id(),
        rule_id: Some(one),
        escalation_level: 1,
        contact_type: ContactType::Email,
        contact_value: Address::new("joe@example.com"),
        is_active: true,
        created_at: scene.now(),
        secret_version: 1,
        secret_rotated_at: None,
        retired_at: None,
    };
    assert_eq!((&row, scene.run(|tx| tx.escalation_contacts().find(row.id)).unwrap().as_ref()), (&expected, Some(&expected)));
    assert!(!format!("{row:?}").contains("joe"), "people's data stays out of logs");
    let none = EscalationContactPatch::default;
    let phone = Address::new("+14155550123");
    let both = EscalationContactPatch { contact_type: Some(ContactType::Phone), contact_value: Some(phone), ..none() };
    type Change = fn(&mut EscalationContact, AlertRuleId);
    let steps: [(EscalationContactPatch, Change); 7] = [
        (none(), |_, _| {}),
        (EscalationContactPatch { rule_id: Patch::Set(other), ..none() }, |row, other| row.rule_id = Some(other)),
        (EscalationContactPatch { rule_id: Patch::Clear, ..none() }, |row, _| row.rule_id = None),
        (EscalationContactPatch { escalation_level: Some(3), ..none() }, |row, _| row.escalation_level = 3),
        (EscalationContactPatch { contact_value: Some(Address::new("Ada@example.com")), ..none() }, |row, _| {
            row.contact_value = Address::new("ada@example.com");
        }),
        (both, |row, _| {
            row.contact_type = ContactType::Phone;
            row.contact_value = Address::new("+14155550123");
        }),
        (EscalationContactPatch { is_active: Some(false), ..none() }, |row, _| row.is_active = false),
    ];
    for (patch, change) in steps {
        scene.after(1);
        change(&mut row, other);
        assert_eq!(scene.run(|tx| tx.escalation_contacts().update(row.id, &patch)).unwrap(), row, "{patch:?}");
        assert_eq!(scene.run(|tx| tx.escalation_contacts().get(row.id)).unwrap(), row, "{patch:?}");
    }
    // The type alone does not fit the number that stays.
    let patch = EscalationContactPatch { contact_type: Some(ContactType::User), ..none() };
    scene.refuses("contact_value must be a user's id", |tx| tx.escalation_contacts().update(row.id, &patch));
    scene.run(|tx| tx.escalation_contacts().delete(row.id)).unwrap();
    scene.refuses("contact not found", |tx| tx.escalation_contacts().delete(row.id));
    scene.refuses("contact not found", |tx| tx.escalation_contacts().update(row.id, &none()));
    scene.refuses("contact not found", |tx| tx.escalation_contacts().get(row.id));
}

#[test]
fn a_broken_contact_is_refused_with_its_field() {
    let scene = Scene::new();
    let own = scene.rule(&rule("a")).id;
    scene.contact(&email_for(None));
    scene.contact(&email_for(Some(own)));
    let other = scene.contact(&NewEscalationContact { escalation_level: 2, ..email_for(Some(own)) }).id;
    let missing = AlertRuleId::new(uuid::Uuid::now_v7());
    let of =
        |contact_type, value: &str| NewEscalationContact { contact_type, contact_value: Address::new(value), ..email_for(None) };
    let taken = "contact_value is already a contact at this level";
    for (new, words) in [
        (email_for(Some(own)), taken),
        (email_for(None), taken),
        (of(ContactType::Email, "JOE@example.com"), taken),
        (email_for(Some(missing)), "rule_id must be an existing rule"),
        (NewEscalationContact { escalation_level: 0, ..email_for(None) }, "escalation_level must be at least 1"),
        (of(ContactType::Email, "joe"), "contact_value must be an e-mail address like joe@example.com"),
        (of(ContactType::Phone, "555"), "contact_value must be a phone number in E.164, like +14155550123"),
        (of(ContactType::User, "ada"), "contact_value must be a user's id"),
        (of(ContactType::User, &missing.to_string()), "contact_value must be an existing user"),
        (
            of(ContactType::Webhook, "https://joe@localhost/"),
            "contact_value must be an http or https URL without a user, at most 255 characters",
        ),
    ] {
        let error = scene.refuses(words, |tx| tx.escalation_contacts().create(&new));
        assert!(blames(&error, words.split(' ').next().unwrap()), "{error:?}");
        let patch = EscalationContactPatch {
            rule_id: new.rule_id.map_or(Patch::Clear, Patch::Set),
            escalation_level: Some(new.escalation_level),
            contact_type: Some(new.contact_type),
            contact_value: Some(new.contact_value),
            is_active: None,
        };
        scene.refuses(words, |tx| tx.escalation_contacts().update(other, &patch));
    }
    scene.contact(&of(ContactType::User, &scene.ada.to_string()));
    // Where a webhook may go is told when it goes there.
    for url in ["https://hooks.example.com/x", "http://tickets.lan:8080/x", "http://10.1.2.3/x"] {
        scene.contact(&of(ContactType::Webhook, url));
    }
}

#[test]
fn alert_goes_to_active_contacts_of_its_rule_up_to_its_level() {
    let scene = Scene::new();
    let (own, other) = (scene.rule(&rule("a")).id, scene.rule(&rule("b")).id);
    let add = |rule_id, escalation_level, is_active| {
        scene.after(1);
        scene.contact(&NewEscalationContact { rule_id, escalation_level, is_active, ..email_for(None) }).id
    };
    let second = add(Some(own), 2, true);
    let first = add(Some(own), 1, true);
    let global = add(None, 1, true);
    let inactive = add(None, 2, false);
    let third = add(None, 3, true);
    let others = add(Some(other), 1, true);
    let heard_by = |rule, level| {
        let contacts = scene.run(|tx| tx.escalation_contacts().for_alert(rule, level)).unwrap();
        contacts.iter().map(|contact| contact.id).collect::<Vec<_>>()
    };
    assert_eq!(heard_by(own, 0), []);
    assert_eq!(heard_by(own, 1), [first, global]);
    assert_eq!(heard_by(own, 2), [first, global, second]);
    assert_eq!(heard_by(own, 3), [first, global, second, third]);
    assert_eq!(heard_by(other, 2), [global, others]);

    let all = EscalationContactFilter::default;
    for (filter, expected) in [
        (all(), vec![others, third, inactive, global, first, second]),
        (EscalationContactFilter { rule: Some(own), ..all() }, vec![first, second]),
        (EscalationContactFilter { global: Some(true), ..all() }, vec![third, inactive, global]),
        (EscalationContactFilter { global: Some(false), ..all() }, vec![others, first, second]),
        (EscalationContactFilter { level: Some(2), ..all() }, vec![inactive, second]),
        (EscalationContactFilter { is_active: Some(false), ..all() }, vec![inactive]),
        (EscalationContactFilter { is_active: Some(true), rule: Some(other), ..all() }, vec![others]),
    ] {
        let (mut found, mut page) = (Vec::new(), PageRequest::new(4, None).unwrap());
        loop {
            let part = scene.run(|tx| tx.escalation_contacts().list(&filter, page)).unwrap();
            found.extend(part.items.iter().map(|row| row.id));
            let Some(next) = part.next else { break };
            page = page.after(next);
        }
        assert_eq!(found, expected, "{filter:?}");
        let count = scene.run(|tx| tx.escalation_contacts().count(&filter)).unwrap();
        assert_eq!(usize::try_from(count), Ok(expected.len()), "{filter:?}");
    }
}

#[test]
fn a_value_is_recorded_once_per_metric_and_instant() {
    let scene = Scene::new();
    let at = scene.now() - TimeDelta::minutes(5);
    let first = scene.run(|tx| tx.measurements().record(" calls ", dec("1.5"), at)).unwrap();
    let expected = Measurement {
        id: first.id,
        tenant_id: scene.business.tenant.id(),
        metric_name: "calls".to_owned(),
        metric_value: dec("1.5"),
        measurement_time: at,
        created_at: scene.now(),
    };
    assert_eq!(first, expected);
    scene.after(1);
    let again = scene.run(|tx| tx.measurements().record("calls", dec("0.00495"), at)).unwrap();
    assert_eq!(again, Measurement { metric_value: dec("0.005"), ..expected });
    scene.run(|tx| tx.measurements().record("texts", dec("2"), at)).unwrap();
    assert_eq!(scene.run(|tx| tx.measurements().count(&MeasurementFilter::default())).unwrap(), 2);
    for (metric, value, words) in [
        (" ", "1", "metric_name must not be empty"),
        (&"x".repeat(101), "1", "metric_name must be at most 100 characters"),
        ("calls", "100000000000", "metric_value must be between -100000000000 and 100000000000"),
    ] {
        scene.refuses(words, |tx| tx.measurements().record(metric, dec(value), at));
    }
}

#[test]
fn value_measured_in_the_future_is_refused() {
    let scene = Scene::new();
    let ahead = scene.now() + TimeDelta::minutes(5);
    let record = |at| scene.run(|tx| tx.measurements().record("calls", dec("1"), at));
    assert_eq!(record(ahead).unwrap().measurement_time, ahead, "clocks differ");
    for (at, words) in [
        (ahead + TimeDelta::microseconds(1), "measurement_time must not be in the future"),
        (chrono::DateTime::UNIX_EPOCH - TimeDelta::seconds(1), "measurement_time must lie between the years 1970 and 9999"),
        (chrono::DateTime::<chrono::Utc>::MAX_UTC, "measurement_time must lie between the years 1970 and 9999"),
    ] {
        scene.refuses(words, |tx| tx.measurements().record("calls", dec("1"), at));
    }
}

#[test]
fn instant_told_by_the_transactions_clock_is_the_clocks() {
    let scene = Scene::new();
    let now = scene.now();
    for (when, at) in [
        (When::Now, now),
        (When::At(now - TimeDelta::days(1)), now - TimeDelta::days(1)),
        (When::In(TimeDelta::minutes(5)), now + TimeDelta::minutes(5)),
        (When::Ago(TimeDelta::hours(1)), now - TimeDelta::hours(1)),
        (When::Ago(TimeDelta::minutes(-2)), now + TimeDelta::minutes(2)),
    ] {
        let kept = scene.run(|tx| tx.measurements().record("calls", dec("1"), when)).unwrap();
        assert_eq!(kept.measurement_time, at, "{when:?}");
    }
    for beyond in [TimeDelta::MAX, TimeDelta::MIN] {
        for when in [When::In(beyond), When::Ago(beyond)] {
            let words = "measurement_time must lie between the years 1970 and 9999";
            scene.refuses(words, |tx| tx.measurements().record("calls", dec("1"), when));
        }
    }
    assert_eq!(scene.run(|tx| tx.measurements().delete_before(When::Ago(TimeDelta::MAX), 10)).unwrap_or(0), 0);
    assert_eq!(scene.run(|tx| tx.measurements().delete_before(When::Now, 10)).unwrap(), 2);
}

#[test]
fn the_last_values_of_many_metrics_come_from_one_statement() {
    let scene = Scene::new();
    let names: Vec<String> = (0..201).map(|n| format!("m{n:03}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let (before, now) = (scene.now() - TimeDelta::minutes(1), scene.now());
    scene
        .run(|tx| {
            for (name, at, value) in names.iter().flat_map(|name| [(name, now, "2"), (name, before, "1")]) {
                tx.measurements().record(name, dec(value), at)?;
            }
            Ok(())
        })
        .unwrap();
    scene.refuses("metrics must be at most 200 at once", |tx| tx.measurements().latest_of(&names));
    let asked: Vec<&str> = names.iter().skip(1).rev().copied().collect();
    let rows = scene.run(|tx| tx.measurements().latest_of(&asked)).unwrap();
    assert_eq!(rows.iter().map(|row| row.metric_name.as_str()).collect::<Vec<_>>(), names[1..], "by name");
    for row in &rows {
        assert_eq!(Some(row), scene.run(|tx| tx.measurements().latest(&row.metric_name)).unwrap().as_ref());
        assert_eq!((row.metric_value, row.measurement_time), (dec("2"), now));
    }
    // Pruning takes as many as it is asked to.
    assert_eq!(scene.run(|tx| tx.measurements().delete_before(now + TimeDelta::minutes(1), 402)).unwrap(), 402);
}

#[test]
fn the_last_values_are_found_listed_and_pruned() {
    let scene = Scene::new();
    let start = scene.now();
    let at = |minutes| start + TimeDelta::minutes(minutes);
    // The last measured is not the last recorded.
    for (metric, minutes, value) in
        [("calls", 3, "3"), ("calls", 1, "1"), ("calls", 2, "2"), ("texts", 1, "10"), ("mails", 0, "7")]
    {
        scene.run(|tx| tx.measurements().record(metric, dec(value), at(minutes))).unwrap();
    }
    let latest = |metric| scene.run(|tx| tx.measurements().latest(metric)).unwrap().map(|row| row.metric_value);
    assert_eq!((latest("calls"), latest("texts"), latest("none")), (Some(dec("3")), Some(dec("10")), None));
    let of = scene.run(|tx| tx.measurements().latest_of(&["texts", "calls", "none", "calls"])).unwrap();
    let of: Vec<_> = of.iter().map(|row| (row.metric_name.as_str(), row.metric_value)).collect();
    assert_eq!(of, [("calls", dec("3")), ("texts", dec("10"))]);
    assert_eq!(scene.run(|tx| tx.measurements().latest_of(&[])).unwrap(), []);

    let all = MeasurementFilter::default;
    let calls = || MeasurementFilter { metric: Some("calls".to_owned()), ..all() };
    let values = |filter: &MeasurementFilter| {
        let (mut found, mut page) = (Vec::new(), PageRequest::new(2, None).unwrap());
        loop {
            let part = scene.run(|tx| tx.measurements().list(filter, page)).unwrap();
            found.extend(part.items.iter().map(|row| row.metric_value.normalize().to_string()));
            let Some(next) = part.next else { return found };
            page = page.after(next);
        }
    };
    for (filter, expected) in [
        (all(), vec!["3", "2", "10", "1", "7"]),
        (calls(), vec!["3", "2", "1"]),
        (MeasurementFilter { from: Some(at(2)), ..calls() }, vec!["3", "2"]),
        (MeasurementFilter { until: Some(at(2)), ..calls() }, vec!["1"]),
    ] {
        assert_eq!(values(&filter), expected, "{filter:?}");
        let count = scene.run(|tx| tx.measurements().count(&filter)).unwrap();
        assert_eq!(usize::try_from(count), Ok(expected.len()), "{filter:?}");
    }
    let prune = |before, limit| scene.run(|tx| tx.measurements().delete_before(before, limit)).unwrap();
    assert_eq!((prune(at(0), 10), prune(at(2), 0), prune(at(2), 1)), (0, 0, 1));
    assert_eq!(values(&all()), ["3", "2", "10", "1"], "the oldest first");
    assert_eq!((prune(at(2), 10), prune(at(2), 10)), (2, 0));
    assert_eq!(values(&all()), ["3", "2"]);
}

#[test]
fn values_recorded_again_in_bulk_change_nothing() {
    let scene = Scene::new();
    let (at, record) = (scene.now(), |new: &[NewMeasurement]| scene.run(|tx| tx.measurements().record_all(new)));
    let value = |metric: &str, value: &str, at| NewMeasurement {
        metric_name: metric.to_owned(),
        metric_value: dec(value),
        measurement_time: at,
    };
    let kept = || scene.run(|tx| tx.measurements().list(&MeasurementFilter::default(), PageRequest::first())).unwrap().items;
    assert_eq!(record(&[]).unwrap(), 0);
    let values = [value("jobs", "1.00005", Some(at)), value("vans", "-2", None)];
    assert_eq!(record(&values).unwrap(), 2);
    let first = kept();
    assert_eq!(record(&values).unwrap(), 0);
    assert_eq!(kept(), first);
    // The database keeps microseconds: these are of one instant, of which the last counts.
    let instants = [value("jobs", "3", Some(at)), value(" jobs ", "4", Some(at + TimeDelta::nanoseconds(7)))];
    assert_eq!(record(&instants).unwrap(), 1);
    assert_eq!(scene.run(|tx| tx.measurements().latest("jobs")).unwrap().unwrap().metric_value, dec("4"));
}

#[test]
fn a_bulk_of_values_is_refused_by_row_and_whole() {
    let scene = Scene::new();
    let value =
        |metric: &str, at| NewMeasurement { metric_name: metric.to_owned(), metric_value: 1.into(), measurement_time: at };
    for (bad, words) in [
        (value("", None), "rows[1].metric_name must not be empty"),
        (value("nmc.calls", None), "rows[1].metric_name must not begin with nmc., as the metrics of NeverMissCall's own do"),
        (value("jobs", Some(scene.now() + TimeDelta::minutes(6))), "rows[1].measurement_time must not be in the future"),
        (
            NewMeasurement { metric_value: dec("100000000000"), ..value("jobs", None) },
            "rows[1].metric_value must be between -100000000000 and 100000000000",
        ),
    ] {
        scene.refuses(words, |tx| tx.measurements().record_all(&[value("jobs", None), bad.clone()]));
    }
    let many = vec![value("jobs", None); nmc_core::Store::BATCH + 1];
    scene.refuses("rows must be at most 5000 at once", |tx| tx.measurements().record_all(&many));
    assert_eq!(scene.run(|tx| tx.measurements().count(&MeasurementFilter::default())).unwrap(), 0);
}

#[test]
fn contact_that_would_hear_of_nothing_is_refused() {
    let scene = Scene::new();
    let quiet = scene.rule(&NewAlertRule { escalation_enabled: false, ..rule("a") }).id;
    let hooked =
        NewAlertRule { escalation_enabled: false, notification_channels: vec![NotificationChannel::Webhook], ..rule("b") };
    let hooked = scene.rule(&hooked).id;
    let words = "rule_id must be a rule that passes its alerts on: it does not escalate";
    let hook = |rule| NewEscalationContact {
        contact_type: ContactType::Webhook,
        contact_value: Address::new("https://hooks.example.com/x"),
        ..email_for(Some(rule))
    };
    for new in [email_for(Some(quiet)), hook(quiet), email_for(Some(hooked))] {
        scene.refuses(words, |tx| tx.escalation_contacts().create(&new));
    }
    scene.contact(&hook(hooked));
    let off = scene.contact(&NewEscalationContact { is_active: false, ..email_for(Some(quiet)) }).id;
    let on = EscalationContactPatch { is_active: Some(true), ..EscalationContactPatch::default() };
    scene.refuses(words, |tx| tx.escalation_contacts().update(off, &on));
    scene
        .run(|tx| tx.alert_rules().update(quiet, &AlertRulePatch { escalation_enabled: Some(true), ..Default::default() }))
        .unwrap();
    scene.run(|tx| tx.escalation_contacts().update(off, &on)).unwrap();

    let ada = NewEscalationContact {
        contact_type: ContactType::User,
        contact_value: Address::new(scene.ada.to_string()),
        ..email_for(None)
    };
    let known = scene.contact(&ada).id;
    let by = scene.run(|tx| tx.escalation_contacts().channels(known)).unwrap();
    assert_eq!(by, [NotificationChannel::Dashboard, NotificationChannel::Email], "a profile without a number");
    scene.db.execute("UPDATE users SET is_active = false");
    let words = "contact_value must be a user who is active";
    scene.refuses(words, |tx| tx.escalation_contacts().create(&NewEscalationContact { escalation_level: 2, ..ada.clone() }));
    assert_eq!(scene.run(|tx| tx.escalation_contacts().channels(known)).unwrap(), []);
    let level = EscalationContactPatch { escalation_level: Some(3), ..EscalationContactPatch::default() };
    scene.run(|tx| tx.escalation_contacts().update(known, &level)).unwrap();
}

#[test]
fn reach_of_a_rule_is_whom_its_alerts_are_told() {
    let scene = Scene::new();
    let plain = scene.rule(&NewAlertRule { notification_channels: vec![], escalation_enabled: false, ..rule("a") }).id;
    let reach = || {
        let Reach { when_raised, when_passed_on } = scene.run(|tx| tx.alert_rules().reach(plain)).unwrap();
        (when_raised, when_passed_on)
    };
    assert_eq!(reach(), (0, 0));
    scene.contact(&email_for(None));
    assert_eq!(reach(), (0, 0), "it does not escalate");
    let change = |patch: AlertRulePatch| scene.run(|tx| tx.alert_rules().update(plain, &patch)).unwrap();
    change(AlertRulePatch { escalation_enabled: Some(true), ..Default::default() });
    assert_eq!(reach(), (0, 1));
    change(AlertRulePatch { notification_channels: Some(vec![NotificationChannel::Dashboard]), ..Default::default() });
    scene.db.execute("UPDATE users SET role = 'user'");
    assert_eq!(reach(), (0, 1), "there is no administrator");
    scene.db.execute("UPDATE users SET role = 'admin'");
    assert_eq!(reach().0, 2, "Ada and Bob");
}

#[test]
fn contacts_and_rules_are_bounded_for_each_business() {
    let scene = Scene::new();
    let a = scene.rule(&rule("a")).id;
    let contact =
        |rule_id, n: i32| NewEscalationContact { contact_value: Address::new(format!("a{n}@example.com")), ..email_for(rule_id) };
    for n in 0..50 {
        scene.contact(&contact(None, n));
        scene.contact(&contact(Some(a), n));
    }
    let words = "rule_id must be given: there are 50 contacts for all rules already, the most";
    scene.refuses(words, |tx| tx.escalation_contacts().create(&contact(None, 50)));
    let words = "rule_id has 50 contacts already, the most that a rule has";
    scene.refuses(words, |tx| tx.escalation_contacts().create(&contact(Some(a), 50)));
    let other = scene.rule(&rule("b")).id;
    let moved = scene.contact(&contact(Some(other), 51)).id;
    let patch = EscalationContactPatch { rule_id: Patch::Set(a), ..EscalationContactPatch::default() };
    scene.refuses(words, |tx| tx.escalation_contacts().update(moved, &patch));
    scene.run(|tx| (2..500).try_for_each(|n| tx.alert_rules().create(&rule(&format!("rule {n}"))).map(drop))).unwrap();
    let words = "alert_rules are 500 already, the most that a business has";
    scene.refuses(words, |tx| tx.alert_rules().create(&rule("one more")));
}

#[test]
fn levels_and_delays_beyond_sense_are_refused() {
    let scene = Scene::new();
    let new = NewEscalationContact { escalation_level: 101, ..email_for(None) };
    scene.refuses("escalation_level must be 1 to 100", |tx| tx.escalation_contacts().create(&new));
    let long = NewAlertRule { escalation_delay_minutes: 10_081, ..rule("a") };
    let words = "escalation_delay_minutes must be 0 to 10080: a week at the most";
    scene.refuses(words, |tx| tx.alert_rules().create(&long));
    let words = "escalation_delay_minutes must be at least 1 where escalation_repeats is more than 0";
    let storm = NewAlertRule { escalation_delay_minutes: 0, escalation_repeats: 1, ..rule("a") };
    scene.refuses(words, |tx| tx.alert_rules().create(&storm));
    let at_once = scene.rule(&NewAlertRule { escalation_delay_minutes: 0, ..rule("a") }).id;
    let patch = AlertRulePatch { escalation_repeats: Some(1), ..Default::default() };
    scene.refuses(words, |tx| tx.alert_rules().update(at_once, &patch));
}

#[test]
fn webhook_to_a_port_of_another_protocol_is_refused() {
    let scene = Scene::new();
    let to = |url: &str| NewEscalationContact {
        contact_type: ContactType::Webhook,
        contact_value: Address::new(url),
        ..email_for(None)
    };
    let words = "contact_value must not name a port of another protocol, such as 22 or 25";
    scene.refuses(words, |tx| tx.escalation_contacts().create(&to("https://example.com:22/x")));
    scene.contact(&to("https://example.com:8443/x"));
}

#[test]
fn secret_that_is_rotated_signs_beside_the_new_one_for_a_day() {
    let scene = Scene::new();
    let other = scene.rule(&NewAlertRule { escalation_enabled: true, ..rule("other") }).id;
    let hook = |rule_id, url: &str| {
        scene.contact(&NewEscalationContact {
            contact_type: ContactType::Webhook,
            contact_value: Address::new(url),
            ..email_for(rule_id)
        })
    };
    let (url, elsewhere) = (Address::new("https://a.example.com/x"), Address::new("https://a.example.com/y"));
    let (first, second) = (hook(None, url.as_str()), hook(Some(other), url.as_str()));
    hook(None, elsewhere.as_str());
    let versions = |url: &Address| scene.run(|tx| tx.escalation_contacts().secret_versions(url)).unwrap();
    let begun = first.secret_version;
    assert_eq!(versions(&url), SecretVersions { newest: begun, before_until: None });
    let rotated = scene.run(|tx| tx.escalation_contacts().rotate_secret(first.id)).unwrap();
    assert_eq!((rotated.secret_version, rotated.version()), (begun + 1, first.version()));
    let until = rotated.secret_rotated_at.unwrap() + SECRET_OVERLAP;
    assert_eq!(versions(&url), SecretVersions { newest: begun + 1, before_until: Some(until) });
    assert_eq!(versions(&elsewhere).before_until, None, "each URL has its own");
    // One that is added later has the secret that its URL has.
    scene.run(|tx| tx.escalation_contacts().delete(first.id)).unwrap();
    assert_eq!(hook(None, url.as_str()).secret_version, begun + 1);
    // A third would end the one that the receiver may still have.
    scene.refuses("secret was replaced within the last 24 hours: the one before still signs beside it", |tx| {
        tx.escalation_contacts().rotate_secret(second.id)
    });
    scene.clock.advance(SECRET_OVERLAP);
    assert_eq!(versions(&url), SecretVersions { newest: begun + 1, before_until: None });
    scene.run(|tx| tx.escalation_contacts().rotate_secret(second.id)).unwrap();
    assert_eq!(versions(&url).newest, begun + 2);
    let mail = scene.contact(&email_for(Some(other)));
    scene.refuses("contact is no webhook: it has no secret", |tx| tx.escalation_contacts().rotate_secret(mail.id));
}

#[test]
fn url_that_is_added_again_has_another_secret_than_before() {
    let scene = Scene::new();
    let url = "https://a.example.com/x";
    let add = || {
        let webhook =
            NewEscalationContact { contact_type: ContactType::Webhook, contact_value: Address::new(url), ..email_for(None) };
        scene.after(1);
        scene.contact(&webhook)
    };
    let remove = |id| scene.run(|tx| tx.escalation_contacts().delete(id)).unwrap();
    let first = add();
    let rotated = scene.run(|tx| tx.escalation_contacts().rotate_secret(first.id)).unwrap();
    let elsewhere = scene.contact(&email_for(None));
    remove(first.id);
    let again = add();
    assert!(again.secret_version > rotated.secret_version && again.secret_rotated_at.is_none());
    remove(again.id);
    scene.after(1);
    let patch = EscalationContactPatch {
        contact_type: Some(ContactType::Webhook),
        contact_value: Some(Address::new(url)),
        ..EscalationContactPatch::default()
    };
    let led = scene.run(|tx| tx.escalation_contacts().update(elsewhere.id, &patch)).unwrap();
    assert!(led.secret_version > again.secret_version, "nor does one that is led there have it");
}
