//! Who is told of what becomes of an alert. What is to be told is queued, and called off, by the transaction that moves the alert.

use super::alert::{Alert, Alerts, NewAlert};
use super::escalation::{Contact, MOST_CONTACTS};
use super::history::NewAlertEvent;
use super::notification::{NOT_RAISED, Notifications, OPEN};
use super::retry_schedule::attempts_by;
use super::rule::AlertRule;
use super::wording::AlertTemplate;
use super::{AT_ONCE, Address, NewNotification, Notification};
use crate::access::NO_PASSWORD;
use crate::schema::{alerts, escalation_contacts as contacts, notifications, user_preferences, user_profiles, users};
use crate::store::TenantTx;
use crate::{
    AlertEventType, AlertId, AlertRuleId, AlertStatus, ContactType, Error, LeaseId, NotificationChannel, NotificationStatus,
    Result, UserId, UserRole,
};
use chrono::{DateTime, TimeDelta, Utc};
use diesel::dsl::case_when;
use diesel::prelude::*;
use diesel::sql_types::Text;
use rust_decimal::Decimal;
use serde_json::json;
use std::collections::HashSet;

/// Who is told of which alert, and by what.
pub(super) type Recipient = (AlertId, NotificationChannel, Address);

/// The most members of staff that an alert is told to.
const MOST_STAFF: i64 = 50;

/// The most tests of rules that a business makes within a minute.
const TESTS_A_MINUTE: i64 = 5;

/// Why a notification is not sent once its alert has become so. One that was tried may have arrived: an answer may have got lost.
pub(crate) fn called_off(became: &str, was_tried: bool) -> String {
    let when = if was_tried { "it was tried again; an earlier attempt may have arrived" } else { "it was sent" };
    format!("{became} before {when}")
}

/// A member of staff, and how they want to be told.
#[derive(Debug, Queryable)]
struct Staff {
    id: UserId,
    email: String,
    phone: Option<String>,
    /// Whether by mail, and by text; both for a user without preferences, as a new one's are.
    wants: Option<(bool, bool)>,
}

impl Staff {
    fn address(&self, channel: NotificationChannel) -> Option<Address> {
        let (by_email, by_sms) = self.wants.unwrap_or((true, true));
        match channel {
            NotificationChannel::Email => by_email.then(|| Address::new(&self.email)),
            NotificationChannel::Sms => self.phone.as_ref().filter(|_| by_sms).map(Address::new),
            NotificationChannel::Dashboard => Some(Address::new(self.id.to_string())),
            NotificationChannel::Webhook => None,
        }
    }
}

impl Notifications<'_> {
    /// Queues what tells of these alerts that they were raised, by the channels of their rules: to owners and administrators as they
    /// want to be told, and to webhooks.
    pub(super) fn tell_raised(&mut self, raised: &[(&Alert, &AlertRule)]) -> Result<()> {
        let raised: Vec<_> = raised.iter().map(|(alert, rule)| (alert.id, *rule)).collect();
        let to = self.told_when_raised(&raised)?;
        self.queue(AlertTemplate::Triggered, to).map(drop)
    }

    /// Who is told by what when these alerts are raised.
    pub(super) fn told_when_raised(&mut self, raised: &[(AlertId, &AlertRule)]) -> Result<Vec<Recipient>> {
        let channels = |channel| raised.iter().any(|(_, rule)| rule.notification_channels.contains(&channel));
        let is_by_staff =
            NotificationChannel::ALL.iter().any(|channel| *channel != NotificationChannel::Webhook && channels(*channel));
        let staff = if is_by_staff { self.staff(None)? } else { Vec::new() };
        let rules: Vec<AlertRuleId> = raised.iter().map(|(_, rule)| rule.id).collect();
        let webhooks = if channels(NotificationChannel::Webhook) { self.webhooks(rules)? } else { Vec::new() };
        let mut new = Vec::new();
        for (alert, rule) in raised {
            for channel in &rule.notification_channels {
                let people = staff.iter().filter_map(|member| member.address(*channel));
                let hooks = webhooks
                    .iter()
                    .filter(|(of, _)| *channel == NotificationChannel::Webhook && of.is_none_or(|of| of == rule.id));
                let recipients = people.chain(hooks.map(|(_, url)| url.clone()));
                new.extend(recipients.map(|recipient| (*alert, *channel, recipient)));
            }
        }
        Ok(new)
    }

    /// Queues what tells these contacts that the alert was passed on to them.
    pub(super) fn tell_contacts(&mut self, alert: AlertId, contacts: &[&Contact]) -> Result<()> {
        let to = self.told_when_passed_on(alert, contacts)?;
        self.queue(AlertTemplate::Escalated, to).map(drop)
    }

    /// By what these contacts are told.
    pub(super) fn told_when_passed_on(&mut self, alert: AlertId, contacts: &[&Contact]) -> Result<Vec<Recipient>> {
        let users: Vec<UserId> = contacts
            .iter()
            .filter(|contact| contact.kind == ContactType::User)
            .filter_map(|contact| contact.value.as_str().parse().ok())
            .collect();
        let staff = if users.is_empty() { Vec::new() } else { self.staff(Some(&users))? };
        let mut new = Vec::new();
        for contact in contacts {
            let value = &contact.value;
            match contact.kind {
                ContactType::Email => new.push((alert, NotificationChannel::Email, value.clone())),
                ContactType::Phone => new.push((alert, NotificationChannel::Sms, value.clone())),
                ContactType::Webhook => new.push((alert, NotificationChannel::Webhook, value.clone())),
                ContactType::User => {
                    let member = staff.iter().filter(|member| member.id.to_string() == value.as_str());
                    let by = [NotificationChannel::Dashboard, NotificationChannel::Email, NotificationChannel::Sms];
                    new.extend(
                        member
                            .flat_map(|member| by.map(|channel| (channel, member.address(channel))))
                            .filter_map(|(channel, address)| Some((alert, channel, address?))),
                    );
                }
            }
        }
        Ok(new)
    }

    /// Whether this user may log in: one who was invited may accept any day.
    pub(super) fn is_active(&mut self, user: &Address) -> Result<bool> {
        let Ok(user) = user.as_str().parse::<UserId>() else { return Ok(false) };
        let query = users::table.filter(users::tenant_id.eq(self.0.tenant)).filter(users::id.eq(user)).filter(users::is_active);
        Ok(diesel::select(diesel::dsl::exists(query)).get_result(self.0.conn)?)
    }

    /// Calls off what has not been sent of these alerts, since somebody has seen to them, or nobody has to; and queues that they are
    /// over for whoever was told of them, or is being told now.
    pub(super) fn tell_resolved(&mut self, alerts: &[AlertId]) -> Result<()> {
        self.call_off(alerts, AlertStatus::Resolved)?;
        let told: Vec<Recipient> = notifications::table
            .filter(notifications::tenant_id.eq(self.0.tenant))
            .filter(notifications::alert_id.eq_any(alerts))
            .filter(notifications::status.ne(NotificationStatus::Failed))
            .filter(notifications::template_used.eq_any([AlertTemplate::Triggered.label(), AlertTemplate::Escalated.label()]))
            .select((notifications::alert_id, notifications::channel, notifications::recipient))
            .order(notifications::id)
            .load(self.0.conn)?;
        self.queue(AlertTemplate::Resolved, told).map(drop)
    }

    /// Calls off what has not been sent of these alerts. What a worker is sending now is its own to look at.
    pub(super) fn call_off(&mut self, alerts: &[AlertId], became: AlertStatus) -> Result<()> {
        let now = self.0.now();
        let [first, again] = [false, true].map(|was_tried| called_off(became.label(), was_tried));
        let why = case_when(notifications::attempts.gt(0), again.into_sql::<Text>()).otherwise(first.into_sql::<Text>());
        let called_off: Vec<Notification> = diesel::update(notifications::table)
            .filter(notifications::tenant_id.eq(self.0.tenant))
            .filter(notifications::alert_id.eq_any(alerts))
            .filter(notifications::status.eq_any(OPEN))
            .filter(notifications::template_used.is_null().or(notifications::template_used.ne_all(NOT_RAISED)))
            .filter(notifications::lease_expires_at.is_null().or(notifications::lease_expires_at.le(now).assume_not_null()))
            .set((
                notifications::status.eq(NotificationStatus::Failed),
                notifications::failed_at.eq(now),
                notifications::error_message.eq(why.nullable()),
                notifications::lease_owner.eq(None::<LeaseId>),
                notifications::lease_expires_at.eq(None::<DateTime<Utc>>),
                notifications::updated_at.eq(now),
            ))
            .returning(Notification::as_returning())
            .get_results(self.0.conn)?;
        let event = |row: &Notification| {
            NewAlertEvent::new(row.alert_id, AlertEventType::NotificationFailed)
                .with(json!({"notification": row.id, "channel": row.channel, "why": row.error_message}))
        };
        self.0.tx().alert_history().append(&called_off.iter().map(event).collect::<Vec<_>>())
    }

    /// Gives up the mails of an alert that wait to be sent, with one entry of the history for all; how many they were.
    pub(crate) fn give_up_mails(&mut self, alert: AlertId, why: &str) -> Result<usize> {
        let now = self.0.now();
        let many = diesel::update(notifications::table)
            .filter(notifications::tenant_id.eq(self.0.tenant))
            .filter(notifications::alert_id.eq(alert))
            .filter(notifications::channel.eq(NotificationChannel::Email))
            .filter(notifications::status.eq_any(OPEN))
            .filter(notifications::lease_expires_at.is_null().or(notifications::lease_expires_at.le(now).assume_not_null()))
            .set((
                notifications::status.eq(NotificationStatus::Failed),
                notifications::failed_at.eq(now),
                notifications::error_message.eq(why),
                notifications::lease_owner.eq(None::<LeaseId>),
                notifications::lease_expires_at.eq(None::<DateTime<Utc>>),
                notifications::updated_at.eq(now),
            ))
            .execute(self.0.conn)?;
        if many > 0 {
            let event = NewAlertEvent::new(alert, AlertEventType::NotificationFailed);
            let event = event.with(json!({"notifications": many, "channel": NotificationChannel::Email, "why": why}));
            self.0.tx().alert_history().append(&[event])?;
        }
        Ok(many)
    }

    /// Tells that the webhook this notification went to was put out of use: owners and administrators by mail, as they want to be told, and
    /// the alert's history, which the stream of events tells of.
    pub(crate) fn tell_retired(&mut self, last: &Notification, why: &str) -> Result<()> {
        self.note_retired(last, why)?;
        let message = format!(
            "The webhook to {} is out of use: {why}. Alerts are not told there until somebody switches its contact on again.",
            last.recipient.host().unwrap_or_default()
        );
        let mail = NotificationChannel::Email;
        let staff = self.staff(None)?;
        let to = staff.iter().filter_map(|member| Some((last.alert_id, mail, member.address(mail)?)));
        self.queue_saying(AlertTemplate::WebhookRetired, to.collect(), Some(&message)).map(drop)
    }

    /// Queues these, each recipient once by each channel.
    fn queue(&mut self, told: AlertTemplate, of: Vec<Recipient>) -> Result<Vec<Notification>> {
        self.queue_saying(told, of, None)
    }

    fn queue_saying(&mut self, told: AlertTemplate, of: Vec<Recipient>, message: Option<&str>) -> Result<Vec<Notification>> {
        let mut seen = HashSet::new();
        let once = of.into_iter().filter(|to| seen.insert(to.clone()));
        let new: Vec<NewNotification> = once
            .map(|(alert_id, channel, recipient)| NewNotification {
                alert_id,
                channel,
                recipient,
                template_used: Some(told.label().to_owned()),
                message_content: message.map(str::to_owned),
                max_attempts: attempts_by(channel),
            })
            .collect();
        let at_once = usize::try_from(AT_ONCE).unwrap_or(usize::MAX);
        let mut queued = Vec::new();
        for some in new.chunks(at_once) {
            queued.extend(self.create_many(some)?);
        }
        Ok(queued)
    }

    /// Active members of staff, those who have not accepted their invitation aside: these users, or all owners and administrators.
    fn staff(&mut self, these: Option<&[UserId]>) -> Result<Vec<Staff>> {
        let mut query = users::table
            .left_join(
                user_profiles::table.on(user_profiles::tenant_id.eq(users::tenant_id).and(user_profiles::user_id.eq(users::id))),
            )
            .left_join(
                user_preferences::table
                    .on(user_preferences::tenant_id.eq(users::tenant_id).and(user_preferences::user_id.eq(users::id))),
            )
            .filter(users::tenant_id.eq(self.0.tenant))
            .filter(users::is_active)
            .filter(users::password_hash.ne(NO_PASSWORD))
            .into_boxed();
        query = match these {
            Some(these) => query.filter(users::id.eq_any(these)),
            None => query.filter(users::role.eq_any([UserRole::Owner, UserRole::Admin])),
        };
        Ok(query
            .order(users::id)
            .limit(MOST_STAFF)
            .select((
                users::id,
                users::email,
                user_profiles::phone_number.nullable(),
                (user_preferences::email_notifications_enabled, user_preferences::sms_notifications_enabled).nullable(),
            ))
            .load(self.0.conn)?)
    }

    /// The webhooks in use for these rules, and the rule of each that is for one.
    fn webhooks(&mut self, rules: Vec<AlertRuleId>) -> Result<Vec<(Option<AlertRuleId>, Address)>> {
        let most = i64::try_from(MOST_CONTACTS * rules.len()).map_err(Error::internal)?;
        Ok(contacts::table
            .filter(contacts::tenant_id.eq(self.0.tenant))
            .filter(contacts::contact_type.eq(ContactType::Webhook))
            .filter(contacts::rule_id.is_null().or(contacts::rule_id.eq_any(rules).assume_not_null()))
            .filter(contacts::is_active)
            .order(contacts::id)
            .limit(most)
            .select((contacts::rule_id, contacts::contact_value))
            .load(self.0.conn)?)
    }
}

impl Alerts<'_> {
    /// Tries out whether whoever hears of a rule's alerts is reached: queues a test for all that are told when one is raised, by the rule's
    /// channels, and for all contacts that it may be passed on to. What is queued belongs to an alert of its own that is over already.
    /// Returns that alert, and the notifications, which say later what became of them.
    ///
    /// # Errors
    /// [`crate::Error::NotFound`] when there is no such rule; [`crate::Error::Conflict`] when nobody would hear of its alerts, or the
    /// business has tested five times within a minute.
    pub fn test(&mut self, rule: AlertRuleId) -> Result<(Alert, Vec<Notification>)> {
        self.must_not_test_too_often()?;
        let rule = self.0.tx().alert_rules().lock(rule)?;
        let new = NewAlert {
            status: AlertStatus::Resolved,
            resolved_at: Some(self.0.now()),
            auto_resolved: true,
            is_test: true,
            ..NewAlert::of(&self.0, &rule, Decimal::ZERO, format!("{}: this is a test", rule.name))
        };
        let alert: Alert =
            diesel::insert_into(alerts::table).values(&new).returning(Alert::as_returning()).get_result(self.0.conn)?;
        let event = NewAlertEvent::new(alert.id, AlertEventType::Resolved).moving(None, AlertStatus::Resolved);
        self.0.tx().alert_history().append(&[event.with(json!({"test": true}))])?;
        let contacts = self.0.tx().escalation_contacts().for_alert(rule.id, i32::MAX)?;
        let contacts: Vec<Contact> = contacts.iter().map(Contact::of).collect();
        let mut tx = self.0.tx();
        let mut notifications = tx.notifications();
        let mut to = notifications.told_when_raised(&[(alert.id, &rule)])?;
        to.extend(notifications.told_when_passed_on(alert.id, &contacts.iter().collect::<Vec<_>>())?);
        let queued = notifications.queue(AlertTemplate::Test, to)?;
        if queued.is_empty() {
            return Err(Error::conflict("notification_channels", "reach nobody, and there are no contacts"));
        }
        Ok((alert, queued))
    }
}

impl Alerts<'_> {
    /// Insists that the business may test one more time: a test goes to all at once, whoever they are.
    fn must_not_test_too_often(&mut self) -> Result<()> {
        // Two that count at once must not both be the last.
        self.0.tx().tenants().lock()?;
        let lately: i64 = alerts::table
            .filter(alerts::tenant_id.eq(self.0.tenant))
            .filter(alerts::is_test)
            .filter(alerts::created_at.gt(self.0.now() - TimeDelta::minutes(1)))
            .count()
            .get_result(self.0.conn)?;
        if lately < TESTS_A_MINUTE {
            return Ok(());
        }
        Err(Error::conflict("tests", "were five within a minute, the most that a business has: try again in a minute"))
    }
}

impl TenantTx<'_> {
    /// Does what goes with these alerts having been raised: they are told of, and wait to be passed on.
    pub(super) fn after_raising(&mut self, raised: &[(&Alert, &AlertRule)]) -> Result<()> {
        self.notifications().tell_raised(raised)?;
        self.alert_escalations().begin(raised)
    }
}
