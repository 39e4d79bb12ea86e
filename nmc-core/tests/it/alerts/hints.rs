//! What is said of a rule, or of a contact, whose alerts would not be heard of.

use super::contacts::email_for;
use super::{Scene, rule};
use nmc_core::alerts::{Address, AlertRulePatch, EscalationContactPatch, NewAlertRule, NewEscalationContact};
use nmc_core::{AlertRuleId, ContactType, EscalationContactId, NotificationChannel as Channel};

const AWAITS_APPROVAL: &str = "before whoever runs NeverMissCall has approved the business, it sends no texts and no webhooks, and mails to its own people alone";
const NO_NUMBER: &str = "texts can't be sent: the business has no active number that can send them";

impl Scene {
    fn warned(&self, contact: EscalationContactId) -> Vec<String> {
        self.run(|tx| tx.escalation_contact_warnings(contact)).unwrap()
    }

    fn warned_of(&self, rule: AlertRuleId) -> Vec<String> {
        self.run(|tx| tx.alert_rule_warnings(rule)).unwrap()
    }
}

fn at(contact_type: ContactType, value: &str) -> NewEscalationContact {
    NewEscalationContact { contact_type, contact_value: Address::new(value), ..email_for(None) }
}

#[test]
fn number_that_can_send_no_texts_is_said() {
    let scene = Scene::new();
    let phone = scene.contact(&at(ContactType::Phone, "+14155550123")).id;
    let by_text = scene.rule(&NewAlertRule { notification_channels: vec![Channel::Sms], ..rule("by text") }).id;
    for (change, warned) in [
        ("status = 'active'", false),
        (r#"capabilities = '{"sms": false}'"#, true),
        (r#"capabilities = '{"sms": "false"}'"#, true),
        (r#"capabilities = '{"sms": true}'"#, false),
        ("capabilities = '{}'", false),
        ("status = 'inactive'", true),
    ] {
        scene.db.execute(&format!("UPDATE phone_numbers SET {change}"));
        assert_eq!(scene.warned(phone), if warned { vec![NO_NUMBER] } else { vec![] }, "{change}");
        assert_eq!(scene.warned_of(by_text).contains(&NO_NUMBER.to_owned()), warned, "{change}");
    }
}

#[test]
fn business_that_awaits_approval_is_told_so_when_it_saves() {
    let scene = Scene::new();
    let phone = scene.contact(&at(ContactType::Phone, "+14155550123")).id;
    let hook = scene.contact(&at(ContactType::Webhook, "https://hooks.example.com/x")).id;
    let email = scene.contact(&email_for(None)).id;
    let user = scene.contact(&at(ContactType::User, &scene.ada.to_string())).id;
    let of = |channel| scene.rule(&NewAlertRule { notification_channels: vec![channel], ..rule(&format!("{channel}")) }).id;
    let rules = [Channel::Sms, Channel::Webhook, Channel::Email, Channel::Dashboard].map(of);
    let warned = || {
        let of_rules = rules.map(|rule| scene.warned_of(rule).contains(&AWAITS_APPROVAL.to_owned()));
        ([phone, hook, email].map(|contact| scene.warned(contact)), scene.warned(user), of_rules)
    };
    assert_eq!(warned(), (Default::default(), vec![], [false; 4]));
    scene.business.disapprove(&scene.db, true);
    let each = || vec![AWAITS_APPROVAL.to_owned()];
    assert_eq!(warned(), ([each(), each(), each()], vec![], [true, true, false, false]));
}

#[test]
fn contact_that_is_switched_off_is_told_of_nothing() {
    let scene = Scene::new();
    let contact = scene.contact(&email_for(None)).id;
    let off = EscalationContactPatch { is_active: Some(false), ..EscalationContactPatch::default() };
    scene.run(|tx| tx.escalation_contacts().update(contact, &off)).unwrap();
    assert_eq!(scene.warned(contact), ["told of nothing: it is switched off"]);
}

#[test]
fn contacts_of_a_rule_that_does_not_escalate_are_counted() {
    let scene = Scene::new();
    let rule = scene.rule(&rule("quiet")).id;
    for new in [email_for(None), at(ContactType::Phone, "+14155550123"), at(ContactType::Webhook, "https://hooks.example.com/x")]
    {
        scene.contact(&NewEscalationContact { rule_id: Some(rule), ..new });
    }
    let with = |channel| {
        let patch = AlertRulePatch {
            escalation_enabled: Some(false),
            notification_channels: Some(vec![channel]),
            ..AlertRulePatch::default()
        };
        scene.after(1);
        scene.run(|tx| tx.alert_rules().update(rule, &patch)).unwrap();
        scene.warned_of(rule)
    };
    let words = |many: usize| format!("{many} contacts of its own are told of nothing: it does not escalate");
    assert!(with(Channel::Dashboard).contains(&words(3)));
    assert_eq!(with(Channel::Webhook), [words(2)], "a webhook is told when they are raised");
}
