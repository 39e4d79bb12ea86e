//! Routes of rules, alerts, and who hears of them.

use crate::api::{Access, Api};
use crate::routes::v1::{alert_rules, alerts, escalation_contacts, measurements, op};
use nmc_core::access::Permission;

/// The routes of this area.
#[rustfmt::skip] // a table
pub(super) fn routes(api: &mut Api<'_>) {
    use Access::Needs;
    use Permission::*;

    api.path("alerts", "/v1/alert-rules", |r| {
        r.get(op("listAlertRules", "The rules that raise alerts, newest first", Needs(AlertRulesRead)), alert_rules::list)
            .post(op("addAlertRule", "Add a rule that raises alerts", Needs(AlertRulesWrite)), alert_rules::add);
    });
    api.path("alerts", "/v1/alert-rules/defaults", |r| {
        r.post(op("addDefaultAlertRules", "Add the rules that a business begins with, but for those that it has", Needs(AlertRulesWrite)), alert_rules::add_defaults);
    });
    api.path("alerts", "/v1/alert-metrics", |r| {
        r.get(op("listAlertMetrics", "What is measured of every business, for rules to watch", Needs(AlertRulesRead)), alert_rules::metrics);
    });
    api.path("alerts", "/v1/alert-rules/{rule}/test", |r| {
        r.post(op("testAlertRule", "Send a test to whoever hears of a rule's alerts; the alert that it belongs to is over already", Needs(AlertRulesWrite)), alert_rules::test);
    });
    api.path("alerts", "/v1/alert-rules/{rule}", |r| {
        r.get(op("getAlertRule", "A rule that raises alerts", Needs(AlertRulesRead)), alert_rules::get)
            .patch(op("changeAlertRule", "Change a rule that raises alerts", Needs(AlertRulesWrite)), alert_rules::change)
            .delete(op("removeAlertRule", "Remove a rule with all its alerts and contacts; to keep those, disable it", Needs(AlertRulesWrite)), alert_rules::remove);
    });
    api.path("alerts", "/v1/alerts", |r| {
        r.get(op("listAlerts", "Alerts, newest first", Needs(AlertsRead)), alerts::list);
    });
    api.path("alerts", "/v1/alerts/{alert}", |r| {
        r.get(op("getAlert", "An alert", Needs(AlertsRead)), alerts::get);
    });
    api.path("alerts", "/v1/alerts/{alert}/acknowledge", |r| {
        r.post(op("acknowledgeAlert", "Take note of an alert, so that nobody else is told of it; for users alone", Needs(AlertsWrite)), alerts::acknowledge);
    });
    api.path("alerts", "/v1/alerts/{alert}/snooze", |r| {
        r.post(op("snoozeAlert", "Put an alert off; for users alone", Needs(AlertsWrite)), alerts::snooze);
    });
    api.path("alerts", "/v1/alerts/{alert}/wake", |r| {
        r.post(op("wakeAlert", "End the snooze of an alert before its time", Needs(AlertsWrite)), alerts::wake);
    });
    api.path("alerts", "/v1/alerts/{alert}/resolve", |r| {
        r.post(op("resolveAlert", "Say that the matter of an alert is settled; for users alone", Needs(AlertsWrite)), alerts::resolve);
    });
    api.path("alerts", "/v1/alerts/{alert}/history", |r| {
        r.get(op("listAlertEvents", "What happened to an alert, newest first", Needs(AlertsRead)), alerts::history);
    });
    api.path("alerts", "/v1/alerts/{alert}/notifications", |r| {
        r.get(op("listAlertNotifications", "Who was told of an alert, newest first; where is for those with `alert-contacts:read`", Needs(AlertsRead)), alerts::notifications);
    });
    api.path("alerts", "/v1/escalation-contacts", |r| {
        r.get(op("listEscalationContacts", "Whom alerts are passed on to, newest first", Needs(AlertContactsRead)), escalation_contacts::list)
            .post(op("addEscalationContact", "Add somebody whom alerts are passed on to", Needs(AlertContactsWrite)), escalation_contacts::add);
    });
    api.path("alerts", "/v1/escalation-contacts/{contact}", |r| {
        r.get(op("getEscalationContact", "Somebody whom alerts are passed on to", Needs(AlertContactsRead)), escalation_contacts::get)
            .patch(op("changeEscalationContact", "Change whom alerts are passed on to, and when", Needs(AlertContactsWrite)), escalation_contacts::change)
            .delete(op("removeEscalationContact", "Remove somebody whom alerts are passed on to", Needs(AlertContactsWrite)), escalation_contacts::remove);
    });
    api.path("alerts", "/v1/escalation-contacts/{contact}/secret", |r| {
        r.get(op("getWebhookSecret", "The secret by which a webhook's receiver checks what it gets, as the Standard Webhooks have it", Needs(AlertContactsWrite)), escalation_contacts::secret);
    });
    api.path("alerts", "/v1/escalation-contacts/{contact}/secret/rotate", |r| {
        r.post(op("rotateWebhookSecret", "Put another secret in the place of a webhook's; the one before signs beside it for 24 hours", Needs(AlertContactsWrite)), escalation_contacts::rotate_secret);
    });
    api.path("alerts", "/v1/measurements", |r| {
        r.get(op("listMeasurements", "Measured values, the last measured first", Needs(MeasurementsRead)), measurements::list)
            .post(op("recordMeasurements", "Record up to 1,000 values of metrics of the business's own; each is kept once, however often it is sent", Needs(MeasurementsWrite)), measurements::record);
    });
}
