//! `nmc alert show`: an alert, what happened to it, and who was told.

use super::alert_contact::shown;
use super::alert_list::{figure, measured};
use crate::database::tenant;
use crate::error::CliResult;
use crate::options::alert::AlertKey;
use crate::options::{Format, FormatArg, TenantArg};
use crate::output::{Columns, Kept, section, time, write_json};
use clap::Args;
use nmc_core::alerts::{Alert, AlertEvent, AlertEventFilter, Notification, NotificationFilter};
use nmc_core::{AlertId, NotificationChannel, PageRequest, Result, Store, TenantTx, UserId};
use serde_json::{Value, json};
use std::collections::HashMap;

/// Which alert of which business.
#[derive(Args)]
pub(crate) struct AlertArgs {
    #[command(flatten)]
    pub(super) tenant: TenantArg,
    /// The alert's id or the end of it, or the exact name of a rule that has one open
    #[arg(value_name = "ID|RULE")]
    pub(super) alert: AlertKey,
    #[command(flatten)]
    pub(super) format: FormatArg,
}

/// An alert with the e-mails of those who have seen to it.
struct Shown {
    row: Alert,
    acknowledged_by: Value,
    snoozed_by: Value,
    resolved_by: Value,
}

/// An entry of the history with the e-mail of whoever caused it.
struct Entry {
    row: AlertEvent,
    by: Value,
}

/// A notification with its recipient: of the dashboard's, the e-mail of the user.
struct Told {
    row: Notification,
    recipient: Value,
}

/// All that there is about an alert.
struct Known {
    alert: Shown,
    history: Vec<Entry>,
    notifications: Vec<Told>,
    is_cut: bool,
}

const ALERT: Columns<Shown> = Columns(&[
    ("id", |shown| json!(shown.row.id)),
    ("message", |shown| json!(shown.row.message)),
    ("status", |shown| json!(shown.row.status)),
    ("severity", |shown| json!(shown.row.severity)),
    ("rule", |shown| json!(shown.row.rule_name)),
    ("rule_id", |shown| json!(shown.row.rule_id)),
    ("metric", |shown| json!(shown.row.metric)),
    ("metric_value", |shown| measured(&shown.row)),
    ("operator", |shown| json!(shown.row.operator)),
    ("threshold", |shown| figure(shown.row.threshold)),
    ("created_at", |shown| time(shown.row.created_at)),
    ("notification_sent", |shown| json!(shown.row.notification_sent)),
    ("escalation_level", |shown| json!(shown.row.escalation_level)),
    ("escalated_at", |shown| json!(shown.row.escalated_at.map(time))),
    ("acknowledged_at", |shown| json!(shown.row.acknowledged_at.map(time))),
    ("acknowledged_by", |shown| shown.acknowledged_by.clone()),
    ("acknowledgment_note", |shown| json!(shown.row.acknowledgment_note)),
    ("snoozed_at", |shown| json!(shown.row.snoozed_at.map(time))),
    ("snoozed_by", |shown| shown.snoozed_by.clone()),
    ("snoozed_until", |shown| json!(shown.row.snoozed_until.map(time))),
    ("snooze_note", |shown| json!(shown.row.snooze_note)),
    ("resolved_at", |shown| json!(shown.row.resolved_at.map(time))),
    ("resolved_by", |shown| shown.resolved_by.clone()),
    ("resolution_note", |shown| json!(shown.row.resolution_note)),
    ("auto_resolved", |shown| json!(shown.row.auto_resolved)),
    ("updated_at", |shown| time(shown.row.updated_at)),
    ("is_test", |shown| json!(shown.row.is_test)),
]);

const HISTORY: Columns<Entry> = Columns(&[
    ("created_at", |entry| time(entry.row.created_at)),
    ("event", |entry| json!(entry.row.event_type)),
    ("old_status", |entry| json!(entry.row.old_status)),
    ("new_status", |entry| json!(entry.row.new_status)),
    ("by", |entry| entry.by.clone()),
    ("details", |entry| json!(entry.row.details)),
]);

const KEPT_OF_HISTORY: Kept = &["event", "by", "details", "created_at"];

const NOTIFICATIONS: Columns<Told> = Columns(&[
    ("created_at", |told| time(told.row.created_at)),
    ("tells", |told| json!(told.row.template_used)),
    ("channel", |told| json!(told.row.channel)),
    ("recipient", |told| told.recipient.clone()),
    ("status", |told| json!(told.row.status)),
    ("attempts", |told| json!(told.row.attempts)),
    ("delivered_at", |told| json!(told.row.delivered_at.map(time))),
    ("failed_at", |told| json!(told.row.failed_at.map(time))),
    ("error_message", |told| json!(told.row.error_message)),
    ("max_attempts", |told| json!(told.row.max_attempts)),
    ("next_attempt_at", |told| json!(told.row.due_at().map(time))),
    ("webhook_response_code", |told| json!(told.row.webhook_response_code)),
    ("digest_id", |told| json!(told.row.digest_id)),
    ("id", |told| json!(told.row.id)),
]);

const KEPT_OF_NOTIFICATIONS: Kept = &["status", "error_message", "channel", "recipient", "tells", "created_at"];

pub(super) fn run(store: &Store, args: &AlertArgs) -> CliResult<()> {
    let proof = tenant(store, &args.tenant.tenant)?;
    let known = store.as_operator(&proof, |tx| {
        let id = args.alert.find(tx)?;
        read(tx, id)
    })?;
    match args.format.format {
        Format::Json => {
            let mut document = ALERT.json(&known.alert);
            if let Value::Object(fields) = &mut document {
                fields.insert("history".to_owned(), known.history.iter().map(|row| HISTORY.json(row)).collect());
                fields
                    .insert("notifications".to_owned(), known.notifications.iter().map(|row| NOTIFICATIONS.json(row)).collect());
            }
            write_json(&document)?;
        }
        Format::Table => {
            ALERT.one(Format::Table, &known.alert)?;
            section("history", &HISTORY, KEPT_OF_HISTORY, &known.history)?;
            section("notifications", &NOTIFICATIONS, KEPT_OF_NOTIFICATIONS, &known.notifications)?;
        }
    }
    if known.is_cut {
        eprintln!("of its history and its notifications, the latest {} are shown", PageRequest::MAX);
    }
    Ok(())
}

fn read(tx: &mut TenantTx<'_>, id: AlertId) -> Result<Known> {
    let latest = PageRequest::new(PageRequest::MAX, None)?;
    let row = tx.alerts().get(id)?;
    let history = tx.alert_history().list(id, &AlertEventFilter::default(), latest)?;
    let told = NotificationFilter { alert: Some(id), ..NotificationFilter::default() };
    let notifications = tx.notifications().list(&told, latest)?;
    let is_cut = history.next.is_some() || notifications.next.is_some();
    let mut people = People::default();
    let history = history.items.into_iter().map(|row| Ok(Entry { by: people.email(tx, row.user_id)?, row }));
    let history = history.collect::<Result<_>>()?;
    let notifications = notifications.items.into_iter().map(|row| {
        let recipient = match (row.channel, row.recipient.as_str().parse()) {
            (NotificationChannel::Dashboard, Ok(user)) => people.email(tx, Some(user))?,
            (channel, _) => shown(channel == NotificationChannel::Webhook, &row.recipient),
        };
        Ok(Told { row, recipient })
    });
    let notifications = notifications.collect::<Result<_>>()?;
    let alert = Shown {
        acknowledged_by: people.email(tx, row.acknowledged_by)?,
        snoozed_by: people.email(tx, row.snoozed_by)?,
        resolved_by: people.email(tx, row.resolved_by)?,
        row,
    };
    Ok(Known { alert, history, notifications, is_cut })
}

/// The people of the business whose e-mails are known already.
#[derive(Default)]
struct People(HashMap<UserId, Value>);

impl People {
    /// A person's e-mail, or the id of somebody who is gone.
    fn email(&mut self, tx: &mut TenantTx<'_>, id: Option<UserId>) -> Result<Value> {
        let Some(id) = id else { return Ok(Value::Null) };
        if let Some(email) = self.0.get(&id) {
            return Ok(email.clone());
        }
        let email = tx.users().find(id)?.map_or_else(|| json!(id), |user| json!(user.email));
        Ok(self.0.entry(id).or_insert(email).clone())
    }
}
