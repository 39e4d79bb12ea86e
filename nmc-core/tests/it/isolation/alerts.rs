//! What a hostile tenant hears of rules, alerts and notifications.

use super::{Ask, told};
use chrono::{DateTime, TimeDelta, Utc};
use nmc_core::alerts::{
    Address, AlertEventFilter, AlertFilter, AlertRuleFilter, AlertRulePatch, ClaimedNotification, EscalationContactFilter,
    EscalationContactPatch, MeasurementFilter, NewAlertRule, NewEscalationContact, NewMeasurement, NewNotification,
    NotificationFilter,
};
use nmc_core::testing::on_behalf_of;
use nmc_core::{
    AlertId, AlertOperator, AlertRuleId, AlertSeverity, AlertStatus, Confirmed, ContactType, Error, LeaseId, NotificationChannel,
    NotificationId, PageRequest, Patch, Result, TenantTx, When,
};
use rust_decimal::Decimal;

fn rule(name: &str) -> NewAlertRule {
    NewAlertRule {
        name: name.to_owned(),
        description: None,
        metric: "missed calls".to_owned(),
        operator: AlertOperator::GreaterThan,
        threshold: Decimal::ONE,
        severity: AlertSeverity::Low,
        is_enabled: true,
        notification_channels: vec![NotificationChannel::Email],
        escalation_enabled: true,
        escalation_delay_minutes: 0,
        escalation_repeats: 0,
        judgement: nmc_core::alerts::Judgement::default(),
    }
}

/// An alert of its own, new.
fn own_alert(tx: &mut TenantTx<'_>, rule_name: &str) -> Result<AlertId> {
    let rule = tx.alert_rules().create(&rule(rule_name))?.id;
    Ok(tx.alerts().raise(rule, Decimal::TEN, None)?.alert.id)
}

fn notification(alert_id: AlertId, channel: NotificationChannel, recipient: &str) -> NewNotification {
    let recipient = Address::new(recipient);
    NewNotification { alert_id, channel, recipient, template_used: None, message_content: None, max_attempts: 3 }
}

fn contact(rule_id: Option<AlertRuleId>, contact_type: ContactType, value: &str) -> NewEscalationContact {
    let contact_value = Address::new(value);
    NewEscalationContact { rule_id, escalation_level: 1, contact_type, contact_value, is_active: true }
}

/// A claim of its own, made to name another notification and lease.
fn forged(tx: &mut TenantTx<'_>, alert: AlertId, id: NotificationId, lease: Option<LeaseId>) -> Result<ClaimedNotification> {
    let mut notification = tx.notifications().create(&notification(alert, NotificationChannel::Email, "a@b.example"))?;
    notification.id = id;
    Ok(ClaimedNotification { notification, lease: lease.unwrap_or(LeaseId::new(id.uuid())) })
}

fn noon() -> DateTime<Utc> {
    "2100-01-01T12:00:00Z".parse().unwrap()
}

/// "made", or what went wrong.
fn made<T>(answer: Result<T>) -> Result<String, Error> {
    answer.map(|_| "made".to_owned())
}

#[rustfmt::skip] // a table
pub(super) const MATRIX: &[(&str, Ask)] = &[
    ("AlertRules::find", |tx, _, theirs| told(tx.alert_rules().find(theirs.rule)?)),
    ("AlertRules::get", |tx, _, theirs| told(tx.alert_rules().get(theirs.rule)?)),
    ("AlertRules::find_by_name", |tx, own, _| {
        told(tx.alert_rules().find_by_name("missed calls", "rule")?.is_some_and(|row| row.id == own.rule))
    }),
    ("AlertRules::list", |tx, _, _| told(tx.alert_rules().list(&AlertRuleFilter::default(), PageRequest::first())?.items.len())),
    ("AlertRules::count", |tx, _, _| told(tx.alert_rules().count(&AlertRuleFilter::default())?)),
    ("AlertRules::create", |tx, _, _| made(tx.alert_rules().create(&rule("another")))),
    ("AlertRules::reach", |tx, _, theirs| told(tx.alert_rules().reach(theirs.rule)?)),
    ("AlertRules::update", |tx, _, theirs| {
        told(tx.alert_rules().update(theirs.rule, &AlertRulePatch { is_enabled: Some(false), ..AlertRulePatch::default() })?)
    }),
    ("AlertRules::update, nothing", |tx, _, theirs| told(tx.alert_rules().update(theirs.rule, &AlertRulePatch::default())?)),
    ("AlertRules::lock", |tx, _, theirs| told(tx.alert_rules().lock(theirs.rule)?)),
    ("AlertRules::delete", |tx, _, theirs| told(tx.alert_rules().delete(theirs.rule, Confirmed::irrevocably())?)),

    ("Alerts::find", |tx, _, theirs| told(tx.alerts().find(theirs.alert)?)),
    ("Alerts::get", |tx, _, theirs| told(tx.alerts().get(theirs.alert)?)),
    ("Alerts::find_open_by_rule", |tx, _, theirs| told(tx.alerts().find_open_by_rule(theirs.rule)?)),
    ("Alerts::list", |tx, _, _| told(tx.alerts().list(&AlertFilter::default(), PageRequest::first())?.items.len())),
    ("Alerts::list of their rule", |tx, _, theirs| {
        told(tx.alerts().list(&AlertFilter { rule: Some(theirs.rule), ..AlertFilter::default() }, PageRequest::first())?.items)
    }),
    ("Alerts::list of their users", |tx, _, theirs| {
        let page = PageRequest::first();
        let acknowledged = AlertFilter { acknowledged_by: Some(theirs.user), ..AlertFilter::default() };
        let resolved = AlertFilter { resolved_by: Some(theirs.user), ..AlertFilter::default() };
        told((tx.alerts().list(&acknowledged, page)?.items, tx.alerts().list(&resolved, page)?.items))
    }),
    ("Alerts::count", |tx, _, _| told(tx.alerts().count(&AlertFilter::default())?)),
    ("Alerts::count of their rule", |tx, _, theirs| {
        told(tx.alerts().count(&AlertFilter { rule: Some(theirs.rule), ..AlertFilter::default() })?)
    }),
    // The victim's rule of the same name and metric has an open alert.
    ("Alerts::raise", |tx, _, theirs| told(tx.alerts().raise(theirs.rule, Decimal::TEN, None)?)),
    ("Alerts::raise of an own rule", |tx, _, _| {
        let rule = tx.alert_rules().create(&rule("raises"))?.id;
        told(tx.alerts().raise(rule, Decimal::TEN, None)?.is_new)
    }),
    ("Alerts::lock", |tx, _, theirs| told(tx.alerts().lock(theirs.alert)?)),
    ("Alerts::acknowledge", |tx, own, theirs| told(on_behalf_of(tx, own.user, |tx| tx.alerts().acknowledge(theirs.alert, None))?)),
    ("Alerts::acknowledge by their user", |tx, _, theirs| {
        let alert = own_alert(tx, "acknowledged")?;
        made(on_behalf_of(tx, theirs.user, |tx| tx.alerts().acknowledge(alert, None)))
    }),
    ("Alerts::snooze", |tx, own, theirs| told(on_behalf_of(tx, own.user, |tx| tx.alerts().snooze(theirs.alert, noon(), None))?)),
    ("Alerts::snooze by their user", |tx, _, theirs| {
        let alert = own_alert(tx, "snoozed")?;
        made(on_behalf_of(tx, theirs.user, |tx| tx.alerts().snooze(alert, noon(), None)))
    }),
    ("Alerts::test", |tx, _, theirs| told(tx.alerts().test(theirs.rule)?.1.len())),
    ("Alerts::wake", |tx, _, theirs| told(tx.alerts().wake(theirs.alert)?)),
    ("Alerts::wake by their user", |tx, own, theirs| {
        let alert = own_alert(tx, "woken")?;
        on_behalf_of(tx, own.user, |tx| tx.alerts().snooze(alert, noon(), None))?;
        made(on_behalf_of(tx, theirs.user, |tx| tx.alerts().wake(alert)))
    }),
    ("Alerts::wake_due", |tx, _, _| told(tx.alerts().wake_due(100)?.len())),
    ("Alerts::pass_on_due", |tx, _, _| {
        let alert = own_alert(tx, "late")?;
        let passed_on = tx.alerts().pass_on_due(100)?;
        told((passed_on.len(), passed_on.contains(&alert)))
    }),
    ("Alerts::escalate", |tx, _, theirs| told(tx.alerts().escalate(theirs.alert)?)),
    ("Alerts::escalate by their user", |tx, _, theirs| {
        let alert = own_alert(tx, "escalated")?;
        made(on_behalf_of(tx, theirs.user, |tx| tx.alerts().escalate(alert)))
    }),
    ("Alerts::resolve", |tx, own, theirs| told(on_behalf_of(tx, own.user, |tx| tx.alerts().resolve(theirs.alert, None))?)),
    ("Alerts::resolve by their user", |tx, _, theirs| {
        let alert = own_alert(tx, "resolved")?;
        made(on_behalf_of(tx, theirs.user, |tx| tx.alerts().resolve(alert, None)))
    }),
    ("Alerts::auto_resolve", |tx, _, theirs| told(tx.alerts().auto_resolve(theirs.alert)?)),
    // The victim has resolved ones as well.
    ("Alerts::delete_resolved_before", |tx, own, _| {
        let alert = own_alert(tx, "goes")?;
        on_behalf_of(tx, own.user, |tx| tx.alerts().resolve(alert, None))?;
        told((tx.alerts().delete_resolved_before(noon(), 100)?, tx.alerts().find(alert)?.is_none()))
    }),

    ("AlertHistory::list", |tx, _, theirs| {
        told(tx.alert_history().list(theirs.alert, &AlertEventFilter::default(), PageRequest::first())?.items)
    }),
    ("AlertHistory::list of their user", |tx, own, theirs| {
        let filter = AlertEventFilter { user: Some(theirs.user), ..AlertEventFilter::default() };
        told(tx.alert_history().list(own.alert, &filter, PageRequest::first())?.items)
    }),
    ("AlertHistory::count", |tx, _, theirs| told(tx.alert_history().count(theirs.alert, &AlertEventFilter::default())?)),

    ("Notifications::find", |tx, _, theirs| told(tx.notifications().find(theirs.notification)?)),
    ("Notifications::get", |tx, _, theirs| told(tx.notifications().get(theirs.notification)?)),
    ("Notifications::list", |tx, _, _| told(tx.notifications().list(&NotificationFilter::default(), PageRequest::first())?.items.len())),
    ("Notifications::list of their alert", |tx, _, theirs| {
        let filter = NotificationFilter { alert: Some(theirs.alert), ..NotificationFilter::default() };
        told(tx.notifications().list(&filter, PageRequest::first())?.items)
    }),
    ("Notifications::count", |tx, _, _| told(tx.notifications().count(&NotificationFilter::default())?)),
    ("Notifications::create", |tx, _, theirs| {
        made(tx.notifications().create(&notification(theirs.alert, NotificationChannel::Email, "a@b.example")))
    }),
    ("Notifications::create to their user", |tx, own, theirs| {
        made(tx.notifications().create(&notification(own.alert, NotificationChannel::Dashboard, &theirs.user.to_string())))
    }),
    ("Notifications::create_many", |tx, own, theirs| {
        let new = [own.alert, theirs.alert].map(|alert| notification(alert, NotificationChannel::Email, "a@b.example"));
        made(tx.notifications().create_many(&new))
    }),
    // Theirs is due as well, where there are theirs.
    ("Notifications::claim", |tx, own, _| {
        let claims = tx.notifications().claim(100, TimeDelta::minutes(1))?;
        told((claims.len(), claims.iter().any(|claim| claim.notification.id == own.notification)))
    }),
    ("Notifications::deliver", |tx, own, theirs| {
        let claim = forged(tx, own.alert, theirs.notification, None)?;
        told(tx.notifications().deliver(&claim, None)?)
    }),
    ("Notifications::fail", |tx, own, theirs| {
        let claim = forged(tx, own.alert, theirs.notification, None)?;
        told(tx.notifications().fail(&claim, "no", None, noon())?)
    }),
    ("Notifications::give_up", |tx, own, theirs| {
        let claim = forged(tx, own.alert, theirs.notification, None)?;
        told(tx.notifications().give_up(&claim, "no", None)?)
    }),
    ("Notifications::put_back", |tx, own, theirs| {
        let claim = forged(tx, own.alert, theirs.notification, None)?;
        told(tx.notifications().put_back(&claim, "no", noon())?)
    }),
    ("Notifications::extend", |tx, own, theirs| {
        let claim = forged(tx, own.alert, theirs.notification, None)?;
        told(tx.notifications().extend(&claim, TimeDelta::minutes(1))?)
    }),
    ("Notifications::cancel", |tx, _, theirs| told(tx.notifications().cancel(theirs.notification, "no")?)),
    ("Notifications::delete_ended_before", |tx, own, _| {
        let goes = tx.notifications().create(&notification(own.alert, NotificationChannel::Email, "a@b.example"))?.id;
        tx.notifications().cancel(goes, "no")?;
        told((tx.notifications().delete_ended_before(noon(), 100)?, tx.notifications().find(goes)?.is_none()))
    }),

    ("EscalationContacts::find", |tx, _, theirs| told(tx.escalation_contacts().find(theirs.contact)?)),
    ("EscalationContacts::get", |tx, _, theirs| told(tx.escalation_contacts().get(theirs.contact)?)),
    ("EscalationContacts::list", |tx, _, _| {
        told(tx.escalation_contacts().list(&EscalationContactFilter::default(), PageRequest::first())?.items.len())
    }),
    ("EscalationContacts::list of their rule", |tx, _, theirs| {
        let filter = EscalationContactFilter { rule: Some(theirs.rule), ..EscalationContactFilter::default() };
        told(tx.escalation_contacts().list(&filter, PageRequest::first())?.items)
    }),
    ("EscalationContacts::count", |tx, _, _| told(tx.escalation_contacts().count(&EscalationContactFilter::default())?)),
    ("EscalationContacts::for_alert", |tx, _, theirs| told(tx.escalation_contacts().for_alert(theirs.rule, 9)?)),
    ("EscalationContacts::for_alert of an own rule", |tx, own, _| told(tx.escalation_contacts().for_alert(own.rule, 9)?.len())),
    ("EscalationContacts::channels", |tx, _, theirs| told(tx.escalation_contacts().channels(theirs.contact)?)),
    ("EscalationContacts::create", |tx, _, _| {
        made(tx.escalation_contacts().create(&contact(None, ContactType::Email, "a@b.example")))
    }),
    ("EscalationContacts::create for their rule", |tx, _, theirs| {
        made(tx.escalation_contacts().create(&contact(Some(theirs.rule), ContactType::Email, "a@b.example")))
    }),
    ("EscalationContacts::create with their user", |tx, own, theirs| {
        made(tx.escalation_contacts().create(&contact(Some(own.rule), ContactType::User, &theirs.user.to_string())))
    }),
    ("EscalationContacts::update", |tx, _, theirs| {
        let patch = EscalationContactPatch { is_active: Some(false), ..EscalationContactPatch::default() };
        told(tx.escalation_contacts().update(theirs.contact, &patch)?)
    }),
    ("EscalationContacts::update, nothing", |tx, _, theirs| {
        told(tx.escalation_contacts().update(theirs.contact, &EscalationContactPatch::default())?)
    }),
    ("EscalationContacts::update to their rule", |tx, own, theirs| {
        let patch = EscalationContactPatch { rule_id: Patch::Set(theirs.rule), ..EscalationContactPatch::default() };
        made(tx.escalation_contacts().update(own.contact, &patch))
    }),
    ("EscalationContacts::update to their user", |tx, own, theirs| {
        let patch = EscalationContactPatch {
            contact_type: Some(ContactType::User),
            contact_value: Some(Address::new(theirs.user.to_string())),
            ..EscalationContactPatch::default()
        };
        made(tx.escalation_contacts().update(own.contact, &patch))
    }),
    ("EscalationContacts::secret_versions", |tx, _, _| {
        told(tx.escalation_contacts().secret_versions(&Address::new("https://theirs.example.com/hook"))?)
    }),
    ("EscalationContacts::rotate_secret", |tx, _, theirs| told(tx.escalation_contacts().rotate_secret(theirs.contact)?)),
    ("EscalationContacts::lock", |tx, _, theirs| told(tx.escalation_contacts().lock(theirs.contact)?)),
    ("EscalationContacts::delete", |tx, _, theirs| told(tx.escalation_contacts().delete(theirs.contact)?)),

    // The victim has values of the same metric.
    ("Measurements::record", |tx, _, _| {
        made(tx.measurements().record("missed calls", Decimal::TEN, When::Now))
    }),
    ("Measurements::record_all", |tx, _, _| {
        let new = NewMeasurement { metric_name: "missed calls".to_owned(), metric_value: Decimal::TEN, measurement_time: None };
        told(tx.measurements().record_all(&[new])?)
    }),
    ("Measurements::latest", |tx, _, _| told(tx.measurements().latest("missed calls")?.map(|row| row.metric_value))),
    ("Measurements::latest_of", |tx, _, _| told(tx.measurements().latest_of(&["missed calls"])?.len())),
    ("Measurements::list", |tx, _, _| told(tx.measurements().list(&MeasurementFilter::default(), PageRequest::first())?.items.len())),
    ("Measurements::count", |tx, _, _| told(tx.measurements().count(&MeasurementFilter::default())?)),
    ("Measurements::delete_before", |tx, _, _| told(tx.measurements().delete_before(noon(), 100)?)),

    // Workflows are no methods of a repository, so they go by the one they start from.
    ("AlertRules::list, after evaluating theirs", |tx, _, theirs| told(nmc_core::alerts::evaluate(tx, theirs.rule)?)),
    ("AlertRules::list, after evaluating all", |tx, _, _| {
        let outcome = nmc_core::alerts::evaluate_all(tx)?;
        let open = tx.alerts().count(&AlertFilter { open: Some(true), ..AlertFilter::default() })?;
        let snoozed = tx.alerts().count(&AlertFilter { status: Some(AlertStatus::Snoozed), ..AlertFilter::default() })?;
        told((outcome.compared, outcome.raised.len(), outcome.resolved.len(), open, snoozed))
    }),
];
