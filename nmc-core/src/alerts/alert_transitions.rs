//! What people and time do to an alert. Each move locks the row, asks the lifecycle, and writes its entry of the history;
//! who did it, when, and what they said to it stand in the row.

use super::bounded;
use super::history::NewAlertEvent;
use super::{Alert, Alerts};
use crate::error::{found, touched_one};
use crate::schema::alerts;
use crate::types::{bounds, optional};
use crate::{AlertEventType, AlertId, AlertRuleId, AlertStatus, Error, Result, StreamEventKind, UserId, When};
use chrono::{DateTime, TimeDelta, Utc};
use diesel::prelude::*;
use rust_decimal::Decimal;
use serde_json::{Map, Value, json};

const NO_USER: Error =
    Error::Forbidden("an alert is acknowledged, snoozed and resolved by a user: say on whose behalf it is done");

/// The longest snooze: whoever wants to hear of an alert later than that switches its rule off.
const LONGEST_SNOOZE: TimeDelta = TimeDelta::days(366);

/// The columns that moves write. `None` leaves one as it is.
#[derive(Debug, Default, AsChangeset)]
#[diesel(table_name = alerts)]
struct Change {
    acknowledged_at: Option<DateTime<Utc>>,
    acknowledged_by: Option<UserId>,
    acknowledgment_note: Option<String>,
    escalated_at: Option<DateTime<Utc>>,
    escalation_level: Option<i32>,
    resolved_at: Option<DateTime<Utc>>,
    resolved_by: Option<Option<UserId>>,
    resolution_note: Option<String>,
    auto_resolved: Option<bool>,
    snoozed_at: Option<DateTime<Utc>>,
    snoozed_by: Option<UserId>,
    snoozed_until: Option<DateTime<Utc>>,
    snooze_note: Option<String>,
}

/// The note of what somebody says to an alert. Without words the earlier note of its kind stays.
fn note(field: &'static str, text: Option<&str>) -> Result<Option<String>> {
    optional(field, text, 2_000)
}

/// The details of an entry, with what was said, which the row keeps only until somebody says something else.
fn details<const N: usize>(facts: [(&str, Value); N], note: Option<&String>) -> Value {
    let said = note.map(|words| ("note", json!(words)));
    facts.into_iter().chain(said).map(|(key, value)| (key.to_owned(), value)).collect::<Map<_, _>>().into()
}

impl Alerts<'_> {
    /// The user who acts takes note of the alert, or does so again. `words`: up to 2,000 characters; the last ones said stay in the row,
    /// all of them in the history.
    ///
    /// # Errors
    /// [`crate::Error::Forbidden`] unless a user acts, or the application on behalf of one; [`crate::Error::NotFound`];
    /// [`crate::Error::InvalidTransition`], which changes nothing; [`crate::Error::Invalid`] when there is no such user, which is
    /// known when the transaction commits.
    pub fn acknowledge(&mut self, id: AlertId, words: Option<&str>) -> Result<Alert> {
        let user = self.who_moves()?;
        let alert = self.lock(id)?;
        let note = note("acknowledgment_note", words)?;
        let mut event = NewAlertEvent::new(id, AlertEventType::Acknowledged);
        if note.is_some() {
            event = event.with(details([], note.as_ref()));
        }
        let change = Change {
            acknowledged_at: Some(self.0.now()),
            acknowledged_by: Some(user),
            acknowledgment_note: note,
            ..Change::default()
        };
        self.move_to(&alert, AlertStatus::Acknowledged, change, event)
    }

    /// The user who acts puts the alert off until then, or off again.
    ///
    /// # Errors
    /// As [`Self::acknowledge`]; [`crate::Error::Invalid`] also when `until` is not in the future, or more than a year away.
    pub fn snooze(&mut self, id: AlertId, until: impl Into<When>, words: Option<&str>) -> Result<Alert> {
        let user = self.who_moves()?;
        let until = bounds::instant("snoozed_until", until.into().seen_from(self.0.now()))?;
        let alert = self.lock(id)?;
        // Only now: waiting for the lock took time.
        if until <= self.0.now() {
            return Err(Error::invalid("snoozed_until", "must be in the future"));
        }
        if until > self.0.now() + LONGEST_SNOOZE {
            return Err(Error::invalid("snoozed_until", "must be within a year"));
        }
        let note = note("snooze_note", words)?;
        let event = NewAlertEvent::new(id, AlertEventType::Snoozed);
        let event = event.with(details([("until", json!(until))], note.as_ref()));
        let change = Change {
            snoozed_at: Some(self.0.now()),
            snoozed_by: Some(user),
            snoozed_until: Some(until),
            snooze_note: note,
            ..Change::default()
        };
        self.move_to(&alert, AlertStatus::Snoozed, change, event)
    }

    /// Ends the snooze before its time.
    ///
    /// # Errors
    /// [`crate::Error::NotFound`]; [`crate::Error::InvalidTransition`] unless it is snoozed, which changes nothing.
    pub fn wake(&mut self, id: AlertId) -> Result<Alert> {
        let alert = self.lock(id)?;
        let event = NewAlertEvent::new(id, AlertEventType::Unsnoozed);
        self.move_to(&alert, AlertStatus::Triggered, Change::default(), event)
    }

    /// Wakes the snoozed alerts whose time has come, the longest due first; 500 at the most. Those that somebody is at are
    /// left to them.
    ///
    /// # Errors
    /// [`crate::Error::Unavailable`] or [`crate::Error::Internal`].
    pub fn wake_due(&mut self, limit: u16) -> Result<Vec<Alert>> {
        let due: Vec<(AlertId, DateTime<Utc>)> = alerts::table
            .filter(alerts::tenant_id.eq(self.0.tenant))
            .filter(alerts::status.eq(AlertStatus::Snoozed))
            .filter(alerts::snoozed_until.le(self.0.now()))
            .order((alerts::snoozed_until, alerts::id))
            .limit(bounded(limit))
            .for_no_key_update()
            .skip_locked()
            .select((alerts::id, alerts::updated_at))
            .load(self.0.conn)?;
        let Some(last_change) = due.iter().map(|(_, updated_at)| *updated_at).max() else {
            return Ok(Vec::new());
        };
        self.0.moment.come_after(last_change);
        let due: Vec<AlertId> = due.into_iter().map(|(id, _)| id).collect();
        let woken: Vec<Alert> = diesel::update(alerts::table)
            .filter(alerts::tenant_id.eq(self.0.tenant))
            .filter(alerts::id.eq_any(&due))
            .filter(alerts::status.eq(AlertStatus::Snoozed))
            .set((
                alerts::status.eq(AlertStatus::Triggered),
                alerts::snoozed_until.eq(self.0.now()),
                alerts::updated_at.eq(self.0.now()),
            ))
            .returning(Alert::as_returning())
            .get_results(self.0.conn)?;
        let event = |alert: &Alert| {
            NewAlertEvent::new(alert.id, AlertEventType::Unsnoozed).moving(Some(AlertStatus::Snoozed), AlertStatus::Triggered)
        };
        self.log(&woken.iter().map(event).collect::<Vec<_>>())?;
        Ok(woken)
    }

    /// Passes the alert on to the next level.
    ///
    /// # Errors
    /// [`crate::Error::NotFound`]; [`crate::Error::InvalidTransition`], which changes nothing; [`crate::Error::Conflict`] at the
    /// highest level there is.
    pub fn escalate(&mut self, id: AlertId) -> Result<Alert> {
        let alert = self.lock(id)?;
        let level = alert.escalation_level.checked_add(1);
        self.escalate_to(&alert, level.ok_or(Error::conflict("escalation_level", "can't go any higher"))?)
    }

    /// Passes a locked alert that nobody has seen to on to this level.
    pub(super) fn escalate_to(&mut self, alert: &Alert, level: i32) -> Result<Alert> {
        let change = Change { escalated_at: Some(self.0.now()), escalation_level: Some(level), ..Change::default() };
        let event = NewAlertEvent::new(alert.id, AlertEventType::Escalated).with(json!({ "level": level }));
        self.move_to(alert, AlertStatus::Escalated, change, event)
    }

    /// The user who acts settles the alert.
    ///
    /// # Errors
    /// As [`Self::acknowledge`].
    pub fn resolve(&mut self, id: AlertId, words: Option<&str>) -> Result<Alert> {
        let user = self.who_moves()?;
        let alert = self.lock(id)?;
        let note = note("resolution_note", words)?;
        let event = NewAlertEvent::new(id, AlertEventType::Resolved);
        let event = event.with(details([("auto", json!(false))], note.as_ref()));
        let change = Change {
            resolved_at: Some(self.0.now()),
            resolved_by: Some(Some(user)),
            resolution_note: note,
            auto_resolved: Some(false),
            ..Change::default()
        };
        self.move_to(&alert, AlertStatus::Resolved, change, event)
    }

    /// The user who acts: the row names them.
    fn who_moves(&self) -> Result<UserId> {
        self.0.user().ok_or(NO_USER)
    }

    /// Resolves an alert that settled itself, its condition no longer holding.
    ///
    /// # Errors
    /// [`crate::Error::NotFound`]; [`crate::Error::InvalidTransition`], which changes nothing.
    pub fn auto_resolve(&mut self, id: AlertId) -> Result<Alert> {
        let alert = self.lock(id)?;
        let change =
            Change { resolved_at: Some(self.0.now()), resolved_by: Some(None), auto_resolved: Some(true), ..Change::default() };
        let event = NewAlertEvent::new(id, AlertEventType::Resolved).with(json!({ "auto": true }));
        self.move_to(&alert, AlertStatus::Resolved, change, event)
    }

    /// Resolves locked alerts that are open and not snoozed and have settled themselves, with the values that settled them: one
    /// statement, and one for the events.
    pub(super) fn auto_resolve_all(&mut self, settled: &[(&Alert, Decimal)]) -> Result<Vec<AlertId>> {
        if settled.is_empty() {
            return Ok(Vec::new());
        }
        let ids: Vec<AlertId> = settled.iter().map(|(alert, _)| alert.id).collect();
        let rows = diesel::update(alerts::table)
            .filter(alerts::tenant_id.eq(self.0.tenant))
            .filter(alerts::id.eq_any(&ids))
            .filter(alerts::status.ne_all([AlertStatus::Resolved, AlertStatus::Snoozed]))
            .set((
                alerts::status.eq(AlertStatus::Resolved),
                alerts::resolved_at.eq(self.0.now()),
                alerts::resolved_by.eq(None::<UserId>),
                alerts::auto_resolved.eq(true),
                alerts::updated_at.eq(self.0.now()),
            ))
            .execute(self.0.conn)?;
        if rows != ids.len() {
            return Err(Error::internal("a locked alert moved"));
        }
        let event = |(alert, value): &(&Alert, Decimal)| {
            NewAlertEvent::new(alert.id, AlertEventType::Resolved)
                .moving(Some(alert.status), AlertStatus::Resolved)
                .with(json!({ "auto": true, "value": value.normalize() }))
        };
        self.log(&settled.iter().map(event).collect::<Vec<_>>())?;
        let mut tx = self.0.tx();
        tx.alert_escalations().end(&ids)?;
        tx.notifications().tell_resolved(&ids)?;
        Ok(ids)
    }

    /// Removes alerts resolved before an instant, with their history and notifications, the oldest first, `limit` at the most;
    /// how many it were. 0 means that there is nothing to take now: nothing is left, or somebody else is at it.
    ///
    /// # Errors
    /// [`crate::Error::Unavailable`] or [`crate::Error::Internal`].
    pub fn delete_resolved_before(&mut self, before: impl Into<When>, limit: u16) -> Result<usize> {
        let before = before.into().seen_from(self.0.now());
        let old: Vec<AlertId> = alerts::table
            .filter(alerts::tenant_id.eq(self.0.tenant))
            .filter(alerts::status.eq(AlertStatus::Resolved))
            .filter(alerts::resolved_at.lt(before))
            .order((alerts::resolved_at, alerts::id))
            .limit(limit.into())
            .for_update()
            .skip_locked()
            .select(alerts::id)
            .load(self.0.conn)?;
        Ok(diesel::delete(alerts::table)
            .filter(alerts::tenant_id.eq(self.0.tenant))
            .filter(alerts::id.eq_any(old))
            .execute(self.0.conn)?)
    }

    /// Notes how often the conditions of these locked, open alerts have come and gone: they stay open until that is over.
    pub(super) fn note_flapping(&mut self, flapping: &[(AlertId, i32)]) -> Result<()> {
        let event = |(alert, changes): &(AlertId, i32)| {
            NewAlertEvent::new(*alert, AlertEventType::Flapping).with(json!({ "changes": changes }))
        };
        if flapping.is_empty() { Ok(()) } else { self.log(&flapping.iter().map(event).collect::<Vec<_>>()) }
    }

    /// The open alerts of these rules, locked in the order of their ids. What is written from then on comes after them.
    pub(super) fn lock_open_of(&mut self, rules: &[AlertRuleId]) -> Result<Vec<Alert>> {
        let open: Vec<Alert> = Alert::query()
            .filter(alerts::tenant_id.eq(self.0.tenant))
            .filter(alerts::rule_id.eq_any(rules))
            .filter(alerts::status.ne(AlertStatus::Resolved))
            .order(alerts::id)
            .for_no_key_update()
            .load(self.0.conn)?;
        if let Some(last_change) = open.iter().map(|alert| alert.updated_at).max() {
            self.0.moment.come_after(last_change);
        }
        Ok(open)
    }

    /// Notes that at least one notification of the alert was delivered.
    pub(super) fn mark_notified(&mut self, id: AlertId) -> Result<()> {
        if self.lock(id)?.notification_sent {
            return Ok(());
        }
        let rows = diesel::update(alerts::table)
            .filter(alerts::tenant_id.eq(self.0.tenant))
            .filter(alerts::id.eq(id))
            .set((alerts::notification_sent.eq(true), alerts::updated_at.eq(self.0.now())))
            .execute(self.0.conn)?;
        self.0.note(StreamEventKind::AlertUpdated, id.uuid());
        touched_one(rows, "alert")
    }

    /// Locks an alert until the transaction ends, so that what is decided from it still holds when it is written. Its key stays free:
    /// notifications of it may be queued meanwhile.
    ///
    /// # Errors
    /// [`crate::Error::NotFound`].
    pub fn lock(&mut self, id: AlertId) -> Result<Alert> {
        let row = Alert::query()
            .filter(alerts::tenant_id.eq(self.0.tenant))
            .filter(alerts::id.eq(id))
            .for_no_key_update()
            .first(self.0.conn)
            .optional()?;
        let row: Alert = found(row, "alert")?;
        self.0.moment.come_after(row.updated_at);
        Ok(row)
    }

    fn move_to(&mut self, alert: &Alert, to: AlertStatus, mut change: Change, event: NewAlertEvent) -> Result<Alert> {
        alert.status.must_become(to)?;
        if alert.status == AlertStatus::Snoozed && to != AlertStatus::Snoozed {
            // It slept until now, whatever had been planned.
            change.snoozed_until = alert.snoozed_at.max(Some(self.0.now()));
        }
        let row = diesel::update(alerts::table)
            .filter(alerts::tenant_id.eq(self.0.tenant))
            .filter(alerts::id.eq(alert.id))
            .filter(alerts::status.eq(alert.status))
            .set((change, alerts::status.eq(to), alerts::updated_at.eq(self.0.now())))
            .returning(Alert::as_returning())
            .get_result(self.0.conn)
            .optional()?;
        let row = found(row, "alert")?;
        self.log(&[event.moving(Some(alert.status), to)])?;
        self.after_move(&row)?;
        Ok(row)
    }

    /// Does what goes with a move: whoever has not been told of the alert need not be once somebody has seen to it.
    fn after_move(&mut self, alert: &Alert) -> Result<()> {
        let ids = [alert.id];
        let mut tx = self.0.tx();
        match alert.status {
            AlertStatus::Triggered => tx.alert_escalations().begin_at(alert.id, alert.updated_at),
            AlertStatus::Escalated => Ok(()),
            AlertStatus::Acknowledged => tx.notifications().call_off(&ids, AlertStatus::Acknowledged),
            AlertStatus::Snoozed => {
                tx.alert_escalations().begin_at(alert.id, alert.snoozed_until.unwrap_or(alert.updated_at))?;
                tx.notifications().call_off(&ids, AlertStatus::Snoozed)
            }
            AlertStatus::Resolved => {
                tx.alert_escalations().end(&ids)?;
                tx.notifications().tell_resolved(&ids)
            }
        }
    }

    fn log(&mut self, events: &[NewAlertEvent]) -> Result<()> {
        self.0.tx().alert_history().append(events)
    }
}
