//! The rules that a business begins with. They are rules as any other: it may change them, switch them off and remove them.

use crate::alerts::{AlertRule, Judgement, NewAlertRule};
use crate::store::TenantTx;
use crate::{AlertOperator, AlertSeverity, NoDataPolicy, NotificationChannel, Result};

/// A rule over a metric of ours.
struct Default {
    name: &'static str,
    metric: &'static str,
    /// Above what an alert is raised, and at what it is over.
    above: (i64, i64),
    /// For how many minutes that must be so.
    minutes: i32,
    severity: AlertSeverity,
    /// Whether it is to be heard of when the business is closed, too.
    always: bool,
}

const fn default(
    name: &'static str,
    metric: &'static str,
    above: (i64, i64),
    minutes: i32,
    severity: AlertSeverity,
    always: bool,
) -> Default {
    Default { name, metric, above, minutes, severity, always }
}

#[rustfmt::skip] // a table: one line each
const DEFAULTS: &[Default] = &[
    default("A customer waits for an answer", "nmc.longest_wait_minutes", (30, 30), 0, AlertSeverity::High, false),
    default("Many calls are missed", "nmc.missed_calls_1h", (5, 3), 0, AlertSeverity::Medium, false),
    default("Texts do not arrive", "nmc.texts_failed_1h", (3, 0), 0, AlertSeverity::High, true),
    default("Texts are not sent", "nmc.queue_age_minutes", (10, 1), 2, AlertSeverity::Critical, true),
    default("A number does not work", "nmc.numbers_in_trouble", (0, 0), 10, AlertSeverity::Critical, true),
    default("People want no more texts", "nmc.opt_outs_1d", (5, 5), 0, AlertSeverity::Medium, false),
];

impl Default {
    fn rule(&self) -> NewAlertRule {
        let new = NewAlertRule::new(self.name, self.metric, AlertOperator::GreaterThan, self.above.0.into(), self.severity);
        let is_pressing = matches!(self.severity, AlertSeverity::High | AlertSeverity::Critical);
        NewAlertRule {
            notification_channels: vec![NotificationChannel::Dashboard, NotificationChannel::Email],
            escalation_enabled: is_pressing,
            judgement: Judgement {
                pending_seconds: self.minutes * 60,
                recovery_threshold: Some(self.above.1.into()),
                // A window in which nothing happened has no value: what was wrong in it is over.
                no_data_policy: NoDataPolicy::Ok,
                no_data_seconds: 3_600,
                only_when_open: !self.always,
                ..Judgement::default()
            },
            ..new
        }
    }
}

impl TenantTx<'_> {
    /// Adds the rules that a business begins with, but for those that it has: over the same metric, by the same name. Returns those that
    /// were added.
    ///
    /// # Errors
    /// [`crate::Error::Unavailable`] or [`crate::Error::Internal`].
    pub fn add_default_alert_rules(&mut self) -> Result<Vec<AlertRule>> {
        let mut added = Vec::new();
        for default in DEFAULTS {
            if self.alert_rules().find_by_name(default.metric, default.name)?.is_none() {
                added.push(self.alert_rules().create(&default.rule())?);
            }
        }
        Ok(added)
    }
}
