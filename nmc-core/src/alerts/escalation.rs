//! Escalation: an alert that nobody sees to is passed on from level to level. A row says when, and to whom: the contacts as they were when
//! the alert was raised.

use super::alert::{Alert, Alerts};
use super::history::NewAlertEvent;
use super::rule::AlertRule;
use super::{Address, EscalationContact, bounded};
use crate::schema::{alert_escalations as escalations, escalation_contacts as contacts};
use crate::store::{Scope, TenantTx};
use crate::{AlertEventType, AlertId, AlertRuleId, AlertStatus, ContactType, Error, Result};
use chrono::{DateTime, TimeDelta, Utc};
use diesel::pg::Pg;
use diesel::prelude::*;
use serde_json::{Value, json};
use std::str::FromStr as _;

/// Whoever has not been reached by then won't be: an alert of last week is passed on to nobody.
const OLDEST: TimeDelta = TimeDelta::days(7);

/// The most contacts that an alert is passed on to.
pub(super) const MOST_CONTACTS: usize = 200;

/// How often a transaction looks for more that is due: what is left then is for the next one.
const LOOKS: usize = 20;

/// A contact, as it was when the alert was raised.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Contact {
    level: i32,
    pub(super) kind: ContactType,
    pub(super) value: Address,
}

impl Contact {
    /// A contact as it is now.
    pub(super) fn of(row: &EscalationContact) -> Self {
        Self { level: row.escalation_level, kind: row.contact_type, value: row.contact_value.clone() }
    }

    fn to_json(&self) -> Value {
        json!({"level": self.level, "type": self.kind.label(), "value": self.value.as_str()})
    }

    fn from_json(value: &Value) -> Option<Self> {
        Some(Self {
            level: i32::try_from(value.get("level")?.as_i64()?).ok()?,
            kind: ContactType::from_str(value.get("type")?.as_str()?).ok()?,
            value: Address::new(value.get("value")?.as_str()?),
        })
    }
}

/// The next level of a ladder that has contacts.
fn above(ladder: &[Contact], level: i32) -> Option<i32> {
    ladder.iter().map(|contact| contact.level).filter(|above| *above > level).min()
}

#[derive(Debug, HasQuery)]
#[diesel(table_name = escalations, check_for_backend(Pg))]
struct Row {
    alert_id: AlertId,
    next_level: i32,
    repeats_left: i32,
    delay_minutes: i32,
    due_at: DateTime<Utc>,
    contacts: Value,
}

impl Row {
    /// The time to the next look at it: a minute at least.
    fn delay(&self) -> TimeDelta {
        TimeDelta::minutes(self.delay_minutes.max(1).into())
    }
}

/// A tenant's alerts that wait to be passed on.
pub(super) struct AlertEscalations<'a>(Scope<'a>);

impl TenantTx<'_> {
    /// The tenant's alerts that wait to be passed on.
    pub(super) const fn alert_escalations(&mut self) -> AlertEscalations<'_> {
        AlertEscalations(self.0.reborrow())
    }
}

impl Alerts<'_> {
    /// Passes on the alerts whose time has come, the longest due first, some `limit` (500 at the most): each goes up to the next level that has
    /// contacts, and all contacts up to that level are told. Returns those that were passed on. What a disabled rule has raised, what somebody
    /// has acknowledged and what sleeps waits; what is older than a week has been given up.
    ///
    /// # Errors
    /// [`crate::Error::Unavailable`] or [`crate::Error::Internal`].
    pub fn pass_on_due(&mut self, limit: u16) -> Result<Vec<AlertId>> {
        let mut passed_on = Vec::new();
        // Those that wait must not stand before those that don't: each that was looked at is due later.
        for _ in 0..LOOKS {
            let due: Vec<AlertId> = escalations::table
                .filter(escalations::tenant_id.eq(self.0.tenant))
                .filter(escalations::due_at.le(self.0.now()))
                .order((escalations::due_at, escalations::alert_id))
                .limit(bounded(limit))
                .select(escalations::alert_id)
                .load(self.0.conn)?;
            if due.is_empty() || passed_on.len() >= usize::from(limit) {
                break;
            }
            for alert in due {
                // The alert first, as whoever sees to it has it: then its row stays as it is.
                let alert = self.lock(alert)?;
                if self.0.tx().alert_escalations().pass_on(&alert)? {
                    passed_on.push(alert.id);
                }
            }
        }
        Ok(passed_on)
    }
}

impl AlertEscalations<'_> {
    /// Lets alerts that were raised now wait to be passed on, as their rules have it, if there is anybody to pass them on to.
    pub(super) fn begin(&mut self, raised: &[(&Alert, &AlertRule)]) -> Result<()> {
        let passed_on: Vec<_> = raised.iter().filter(|(_, rule)| rule.escalation_enabled).collect();
        if passed_on.is_empty() {
            return Ok(());
        }
        let rules: Vec<AlertRuleId> = passed_on.iter().map(|(_, rule)| rule.id).collect();
        let most = i64::try_from(MOST_CONTACTS * rules.len()).map_err(Error::internal)?;
        let known: Vec<(Option<AlertRuleId>, i32, ContactType, Address)> = contacts::table
            .filter(contacts::tenant_id.eq(self.0.tenant))
            .filter(contacts::rule_id.is_null().or(contacts::rule_id.eq_any(rules).assume_not_null()))
            .filter(contacts::is_active)
            .order((contacts::escalation_level, contacts::created_at, contacts::id))
            .limit(most)
            .select((contacts::rule_id, contacts::escalation_level, contacts::contact_type, contacts::contact_value))
            .load(self.0.conn)?;
        let (tenant, now) = (self.0.tenant, self.0.now());
        let row = |(alert, rule): &(&Alert, &AlertRule)| {
            let of_rule = known.iter().filter(|(of, ..)| of.is_none_or(|of| of == rule.id)).take(MOST_CONTACTS);
            let ladder: Vec<Contact> =
                of_rule.map(|(_, level, kind, value)| Contact { level: *level, kind: *kind, value: value.clone() }).collect();
            let first = ladder.first()?.level;
            let due = now.checked_add_signed(TimeDelta::minutes(rule.escalation_delay_minutes.into()))?;
            Some((
                escalations::tenant_id.eq(tenant),
                escalations::alert_id.eq(alert.id),
                escalations::next_level.eq(first),
                escalations::repeats_left.eq(rule.escalation_repeats),
                escalations::delay_minutes.eq(rule.escalation_delay_minutes),
                escalations::due_at.eq(due),
                escalations::contacts.eq(Value::from_iter(ladder.iter().map(Contact::to_json))),
                escalations::created_at.eq(now),
                escalations::updated_at.eq(now),
            ))
        };
        let rows: Vec<_> = passed_on.iter().filter_map(|raised| row(raised)).collect();
        if !rows.is_empty() {
            diesel::insert_into(escalations::table).values(rows).execute(self.0.conn)?;
        }
        Ok(())
    }

    /// Ends the waiting of alerts that somebody has seen to.
    pub(super) fn end(&mut self, alerts: &[AlertId]) -> Result<()> {
        diesel::delete(escalations::table)
            .filter(escalations::tenant_id.eq(self.0.tenant))
            .filter(escalations::alert_id.eq_any(alerts))
            .execute(self.0.conn)?;
        Ok(())
    }

    /// Lets the time to the next level begin at that instant.
    pub(super) fn begin_at(&mut self, alert: AlertId, at: DateTime<Utc>) -> Result<()> {
        let row = self.row(alert)?;
        row.map_or(Ok(()), |row| self.go_on(&row, row.next_level, row.repeats_left, at))
    }

    /// The row of a locked alert, if it waits to be passed on.
    fn row(&mut self, alert: AlertId) -> Result<Option<Row>> {
        Ok(Row::query()
            .filter(escalations::tenant_id.eq(self.0.tenant))
            .filter(escalations::alert_id.eq(alert))
            .first(self.0.conn)
            .optional()?)
    }

    /// Passes a locked alert on, if it is due and nobody has seen to it.
    fn pass_on(&mut self, alert: &Alert) -> Result<bool> {
        let now = self.0.now();
        let Some(row) = self.row(alert.id)?.filter(|row| row.due_at <= now) else { return Ok(false) };
        let row = &row;
        if now - alert.created_at > OLDEST {
            // Somebody is at one that was acknowledged: nothing is given up.
            return match alert.status {
                AlertStatus::Acknowledged => self.end(&[row.alert_id]),
                _ => self.give_up(row, "it is older than a week"),
            }
            .map(|()| false);
        }
        let rule = self.0.tx().alert_rules().get(alert.rule_id)?;
        let waits = match alert.status {
            AlertStatus::Triggered | AlertStatus::Escalated => !(rule.is_enabled && rule.escalation_enabled),
            AlertStatus::Snoozed | AlertStatus::Acknowledged => true,
            AlertStatus::Resolved => return self.end(&[row.alert_id]).map(|()| false),
        };
        if waits {
            return self.go_on(row, row.next_level, row.repeats_left, now).map(|()| false);
        }
        let ladder = row.contacts.as_array().into_iter().flatten().map(Contact::from_json);
        let ladder: Vec<Contact> = ladder.collect::<Option<_>>().ok_or_else(|| Error::internal("contacts that can't be read"))?;
        let (level, is_heard) = self.tell_from(alert, &ladder, row.next_level)?;
        match above(&ladder, level) {
            Some(next) => self.go_on(row, next, row.repeats_left, now)?,
            None if row.repeats_left > 0 => self.go_on(row, level, row.repeats_left - 1, now)?,
            None if is_heard => self.give_up(row, "there is nobody left to pass it on to")?,
            None => self.give_up(row, "there is nobody left who could be told")?,
        }
        Ok(is_heard)
    }

    /// Tells the contacts up to this level, or up to the first one above it on which somebody can be told: nobody waits for a level that hears
    /// nothing, and the history says which those were. Returns how far it went, and whether anybody is told.
    fn tell_from(&mut self, alert: &Alert, ladder: &[Contact], from: i32) -> Result<(i32, bool)> {
        let in_use = self.in_use(ladder)?;
        let mut level = from;
        loop {
            let own: Vec<&Contact> = in_use.iter().copied().filter(|contact| contact.level == level).collect();
            if !self.0.tx().notifications().told_when_passed_on(alert.id, &own)?.is_empty() {
                break;
            }
            let why = "nobody on this level could be told: its contacts are deactivated, not verified or switched off";
            let event = NewAlertEvent::new(alert.id, AlertEventType::NotificationFailed);
            self.0.tx().alert_history().append(&[event.with(json!({"level": level, "why": why}))])?;
            match above(ladder, level) {
                Some(next) => level = next,
                None => break,
            }
        }
        let reached: Vec<&Contact> = in_use.into_iter().filter(|contact| contact.level <= level).collect();
        let is_heard = !self.0.tx().notifications().told_when_passed_on(alert.id, &reached)?.is_empty();
        if is_heard {
            self.0.tx().alerts().escalate_to(alert, level)?;
            self.0.tx().notifications().tell_contacts(alert.id, &reached)?;
        }
        Ok((level, is_heard))
    }

    /// Those of a ladder that are not out of use since: of which all contacts of the business with that address are switched off.
    fn in_use<'l>(&mut self, ladder: &'l [Contact]) -> Result<Vec<&'l Contact>> {
        let values: Vec<&Address> = ladder.iter().map(|contact| &contact.value).collect();
        let known: Vec<(ContactType, Address, bool)> = contacts::table
            .filter(contacts::tenant_id.eq(self.0.tenant))
            .filter(contacts::contact_value.eq_any(values))
            .select((contacts::contact_type, contacts::contact_value, contacts::is_active))
            .load(self.0.conn)?;
        let is_out_of_use = |contact: &Contact| {
            let mut same = known.iter().filter(|(kind, value, _)| *kind == contact.kind && *value == contact.value).peekable();
            same.peek().is_some() && !same.any(|(.., is_active)| *is_active)
        };
        Ok(ladder.iter().filter(|contact| !is_out_of_use(contact)).collect())
    }

    fn go_on(&mut self, row: &Row, level: i32, repeats_left: i32, from: DateTime<Utc>) -> Result<()> {
        let due = from.checked_add_signed(row.delay()).ok_or_else(|| Error::internal("a delay beyond the calendar"))?;
        diesel::update(escalations::table)
            .filter(escalations::tenant_id.eq(self.0.tenant))
            .filter(escalations::alert_id.eq(row.alert_id))
            .set((
                escalations::next_level.eq(level),
                escalations::repeats_left.eq(repeats_left),
                escalations::due_at.eq(due),
                escalations::updated_at.eq(self.0.now()),
            ))
            .execute(self.0.conn)?;
        Ok(())
    }

    fn give_up(&mut self, row: &Row, why: &str) -> Result<()> {
        self.end(&[row.alert_id])?;
        let event = NewAlertEvent::new(row.alert_id, AlertEventType::EscalationEnded).with(json!({ "why": why }));
        self.0.tx().alert_history().append(&[event])
    }
}
