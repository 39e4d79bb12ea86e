//! Notifications of alerts: the record of each, and queueing them. Claiming them is in `notification_queue`, how they end in
//! `notification_transitions`.

use super::AT_ONCE;
use super::address::{Address, checked};
use super::wording::AlertTemplate;
use crate::error::{found, touched_one};
use crate::page::{Cursor, Page, PageRequest, keyset};
use crate::schema::notifications;
use crate::store::{Scope, TenantTx, stamped};
use crate::types::optional;
use crate::{AlertId, Error, LeaseId, NotificationChannel, NotificationId, NotificationStatus, Result, TenantId, When};
use chrono::{DateTime, Utc};
use diesel::dsl::{max, min, sql};
use diesel::pg::Pg;
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Bool};

/// One alert told, or to be told, to one recipient.
#[derive(Debug, Clone, PartialEq, HasQuery)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[cfg_attr(not(feature = "testing"), non_exhaustive)]
#[diesel(table_name = notifications, check_for_backend(Pg))]
#[expect(missing_docs, reason = "the columns are documented in the schema")]
pub struct Notification {
    pub id: NotificationId,
    pub tenant_id: TenantId,
    pub alert_id: AlertId,
    pub channel: NotificationChannel,
    #[cfg_attr(feature = "serde", serde(skip))] // a webhook's may be its password
    pub recipient: Address,
    pub status: NotificationStatus,
    pub attempts: i32,
    pub max_attempts: i32,
    pub next_attempt_at: DateTime<Utc>,
    pub lease_owner: Option<LeaseId>,
    pub lease_expires_at: Option<DateTime<Utc>>,
    pub delivered_at: Option<DateTime<Utc>>,
    pub failed_at: Option<DateTime<Utc>>,
    pub error_message: Option<String>,
    pub webhook_response_code: Option<i32>,
    pub webhook_response_body: Option<String>,
    pub template_used: Option<String>,
    pub message_content: Option<String>,
    pub answered_at: Option<DateTime<Utc>>,
    pub digest_id: Option<NotificationId>,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
}

/// A notification to queue; it is due at once.
#[derive(Debug, Clone)]
pub struct NewNotification {
    /// The alert that the notification tells of.
    pub alert_id: AlertId,
    /// The channel by which the alert is told.
    pub channel: NotificationChannel,
    /// The recipient: an e-mail address, a phone number, the http or https URL of a webhook, or the id of a user of the tenant, as
    /// the channel has it.
    pub recipient: Address,
    /// The template the text was made from; up to 100 characters.
    pub template_used: Option<String>,
    /// The text; up to 10,000 characters.
    pub message_content: Option<String>,
    /// The number of attempts, at least one.
    pub max_attempts: i32,
}

impl Notification {
    /// The instant before which the notification is not tried; `None` once it has ended, though the row keeps its last.
    #[must_use]
    pub fn due_at(&self) -> Option<DateTime<Utc>> {
        OPEN.contains(&self.status).then_some(self.next_attempt_at)
    }
}

/// A filter of notifications. Empty means all.
#[derive(Debug, Clone, Default)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct NotificationFilter {
    /// The status of the notifications.
    pub status: Option<NotificationStatus>,
    /// Whether the notifications are still to be delivered (true), or delivered and failed ones (false).
    pub open: Option<bool>,
    /// The channel of the notifications.
    pub channel: Option<NotificationChannel>,
    /// The alert that the notifications tell of.
    pub alert: Option<AlertId>,
    /// The instant at or after which the notifications were queued.
    pub from: Option<DateTime<Utc>>,
    /// The instant before which the notifications were queued.
    pub until: Option<DateTime<Utc>>,
}

/// A tenant's notifications.
pub struct Notifications<'a>(pub(super) Scope<'a>);

impl TenantTx<'_> {
    /// The tenant's notifications.
    pub const fn notifications(&mut self) -> Notifications<'_> {
        Notifications(self.0.reborrow())
    }
}

/// The statuses of one that is still to be delivered.
pub(super) const OPEN: [NotificationStatus; 2] = [NotificationStatus::Pending, NotificationStatus::Retrying];

/// The templates that do not tell of an alert that was raised.
pub(super) const NOT_RAISED: [&str; 3] =
    [AlertTemplate::Resolved.label(), AlertTemplate::Test.label(), AlertTemplate::WebhookRetired.label()];

/// The templates that are no news of their alert: see [`AlertTemplate::is_aside`].
pub(super) const ASIDE: [&str; 2] = [AlertTemplate::Test.label(), AlertTemplate::WebhookRetired.label()];

/// The predicate of `notifications_mailed_delivered_at_idx`, to the letter.
pub(super) const MAILED_SQL: &str = "notifications.channel = 'email' AND notifications.status = 'delivered'";

/// How many messages notifications went out in: a digest is one.
pub(super) const MESSAGES_SQL: &str = "count(DISTINCT coalesce(notifications.digest_id, notifications.id))";

/// Whether somebody knows of an alert.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Told {
    /// They were told.
    Yes,
    /// Somebody is telling them right now, until this instant at the latest.
    UnderWay(DateTime<Utc>),
    /// They were not.
    No,
}

fn filtered<'q, ST>(
    mut query: notifications::BoxedQuery<'q, Pg, ST>,
    filter: &NotificationFilter,
) -> notifications::BoxedQuery<'q, Pg, ST> {
    if let Some(status) = filter.status {
        query = query.filter(notifications::status.eq(status));
    }
    match filter.open {
        Some(true) => query = query.filter(notifications::status.eq_any(OPEN)),
        Some(false) => query = query.filter(notifications::status.ne_all(OPEN)),
        None => {}
    }
    if let Some(channel) = filter.channel {
        query = query.filter(notifications::channel.eq(channel));
    }
    if let Some(alert) = filter.alert {
        query = query.filter(notifications::alert_id.eq(alert));
    }
    if let Some(from) = filter.from {
        query = query.filter(notifications::created_at.ge(from));
    }
    if let Some(until) = filter.until {
        query = query.filter(notifications::created_at.lt(until));
    }
    query
}

impl Notifications<'_> {
    /// The notification, if it is there.
    ///
    /// # Errors
    /// [`crate::Error::Unavailable`] or [`crate::Error::Internal`].
    pub fn find(&mut self, id: NotificationId) -> Result<Option<Notification>> {
        Ok(Notification::query()
            .filter(notifications::tenant_id.eq(self.0.tenant))
            .filter(notifications::id.eq(id))
            .first(self.0.conn)
            .optional()?)
    }

    /// The notification with this id.
    ///
    /// # Errors
    /// [`crate::Error::NotFound`].
    pub fn get(&mut self, id: NotificationId) -> Result<Notification> {
        found(self.find(id)?, "notification")
    }

    /// The notification, if it is there, which stays as it is until the transaction ends.
    pub(crate) fn find_held(&mut self, id: NotificationId) -> Result<Option<Notification>> {
        Ok(Notification::query()
            .filter(notifications::tenant_id.eq(self.0.tenant))
            .filter(notifications::id.eq(id))
            .for_no_key_update()
            .first(self.0.conn)
            .optional()?)
    }

    /// Notes that the recipient has acted by a link of this notification.
    pub(crate) fn mark_answered(&mut self, id: NotificationId) -> Result<()> {
        let rows = diesel::update(notifications::table)
            .filter(notifications::tenant_id.eq(self.0.tenant))
            .filter(notifications::id.eq(id))
            .filter(notifications::answered_at.is_null())
            .set((notifications::answered_at.eq(self.0.now()), notifications::updated_at.eq(self.0.now())))
            .execute(self.0.conn)?;
        touched_one(rows, "notification")
    }

    /// A page of notifications, newest first.
    ///
    /// # Errors
    /// As [`Self::find`].
    pub fn list(&mut self, filter: &NotificationFilter, page: PageRequest) -> Result<Page<Notification>> {
        let query = filtered(Notification::query().filter(notifications::tenant_id.eq(self.0.tenant)).into_boxed(), filter);
        let rows = keyset(query, page, notifications::created_at, notifications::id).load(self.0.conn)?;
        Ok(Page::from_rows(rows, page, |row: &Notification| Cursor { at: row.created_at, id: row.id.uuid() }))
    }

    /// The number of notifications that a filter finds.
    ///
    /// # Errors
    /// As [`Self::find`].
    pub fn count(&mut self, filter: &NotificationFilter) -> Result<i64> {
        let query = notifications::table.filter(notifications::tenant_id.eq(self.0.tenant)).count();
        Ok(filtered(query.into_boxed(), filter).get_result(self.0.conn)?)
    }

    /// Whether somebody was told by this channel that the alert was raised or passed on.
    pub(crate) fn was_told(&mut self, alert: AlertId, channel: NotificationChannel, recipient: &Address) -> Result<Told> {
        let rows: Vec<(NotificationStatus, Option<DateTime<Utc>>)> = notifications::table
            .filter(notifications::tenant_id.eq(self.0.tenant))
            .filter(notifications::alert_id.eq(alert))
            .filter(notifications::channel.eq(channel))
            .filter(notifications::recipient.eq(recipient))
            .filter(notifications::template_used.is_null().or(notifications::template_used.ne_all(NOT_RAISED)))
            .select((notifications::status, notifications::lease_expires_at))
            .load(self.0.conn)?;
        if rows.iter().any(|(status, _)| *status == NotificationStatus::Delivered) {
            return Ok(Told::Yes);
        }
        // A lease that has run out is a worker's that died: whether it told them nobody knows, and it will be told not to.
        let leases = rows.into_iter().filter_map(|(_, lease)| lease);
        Ok(leases.filter(|until| *until > self.0.now()).max().map_or(Told::No, Told::UnderWay))
    }

    /// Since when nothing arrives at a webhook: the instant of the first notification that was tried in vain after the last one that arrived.
    pub(crate) fn failing_since(&mut self, url: &Address, not_before: Option<DateTime<Utc>>) -> Result<Option<DateTime<Utc>>> {
        let to_it = || {
            notifications::table
                .filter(notifications::tenant_id.eq(self.0.tenant))
                .filter(notifications::channel.eq(NotificationChannel::Webhook))
                .filter(notifications::recipient.eq(url))
        };
        let last: Option<DateTime<Utc>> = to_it().select(max(notifications::delivered_at)).get_result(self.0.conn)?;
        let in_vain = to_it().filter(notifications::attempts.gt(0)).filter(notifications::status.eq(NotificationStatus::Failed));
        Ok(in_vain
            .filter(notifications::created_at.gt(last.max(not_before).unwrap_or(DateTime::UNIX_EPOCH)))
            .select(min(notifications::created_at))
            .get_result(self.0.conn)?)
    }

    /// The number of texts about alerts that somebody was sent since an instant; a digest is one.
    pub(crate) fn count_texts_since(&mut self, recipient: &Address, since: DateTime<Utc>) -> Result<i64> {
        Ok(notifications::table
            .filter(notifications::tenant_id.eq(self.0.tenant))
            .filter(notifications::status.eq(NotificationStatus::Delivered))
            .filter(notifications::channel.eq(NotificationChannel::Sms))
            .filter(notifications::recipient.eq(recipient))
            .filter(notifications::delivered_at.gt(since))
            .select(sql::<BigInt>(MESSAGES_SQL))
            .get_result(self.0.conn)?)
    }

    /// The number of mails about alerts that the business sent since an instant; a digest is one.
    pub(crate) fn count_mails_since(&mut self, since: DateTime<Utc>) -> Result<i64> {
        Ok(notifications::table
            .filter(notifications::tenant_id.eq(self.0.tenant))
            .filter(sql::<Bool>(MAILED_SQL))
            .filter(notifications::delivered_at.gt(since))
            .select(sql::<BigInt>(MESSAGES_SQL))
            .get_result(self.0.conn)?)
    }

    /// Queues a notification.
    ///
    /// # Errors
    /// [`crate::Error::Invalid`] on a broken rule, or when there is no such alert.
    pub fn create(&mut self, new: &NewNotification) -> Result<Notification> {
        found(self.create_many(std::slice::from_ref(new))?.pop(), "notification")
    }

    /// Queues notifications, 500 at the most, all or none of them, in one statement.
    ///
    /// # Errors
    /// As [`Self::create`].
    pub fn create_many(&mut self, new: &[NewNotification]) -> Result<Vec<Notification>> {
        if new.is_empty() {
            return Ok(Vec::new());
        }
        if i64::try_from(new.len()).is_ok_and(|many| many > AT_ONCE) {
            return Err(Error::invalid("notifications", format!("must be at most {AT_ONCE} at once")));
        }
        let recipients = new.iter().map(|new| (new.channel.into(), &new.recipient));
        let recipients = checked(&mut self.0, "recipient", recipients)?;
        let mut rows = Vec::new();
        for (new, recipient) in new.iter().zip(recipients) {
            let id = NotificationId::new(self.0.moment.id());
            rows.push((
                notifications::alert_id.eq(new.alert_id),
                notifications::channel.eq(new.channel),
                notifications::recipient.eq(recipient),
                notifications::max_attempts.eq(new.max_attempts),
                notifications::next_attempt_at.eq(self.0.now()),
                notifications::template_used.eq(optional("template_used", new.template_used.as_deref(), 100)?),
                notifications::message_content.eq(optional("message_content", new.message_content.as_deref(), 10_000)?),
                stamped!(notifications, self.0, id),
            ));
        }
        Ok(diesel::insert_into(notifications::table)
            .values(rows)
            .returning(Notification::as_returning())
            .get_results(self.0.conn)?)
    }

    /// Removes notifications that were delivered or failed before an instant, the oldest first, `limit` at the most; how many
    /// it were. 0 means that there is nothing to take now: nothing is left, or somebody else is at it.
    ///
    /// # Errors
    /// [`crate::Error::Unavailable`] or [`crate::Error::Internal`].
    pub fn delete_ended_before(&mut self, before: impl Into<When>, limit: u16) -> Result<usize> {
        let before = before.into().seen_from(self.0.now());
        // Its end was its last change.
        let old: Vec<NotificationId> = notifications::table
            .filter(notifications::tenant_id.eq(self.0.tenant))
            .filter(notifications::status.ne_all(OPEN))
            .filter(notifications::updated_at.lt(before))
            .order((notifications::updated_at, notifications::id))
            .limit(limit.into())
            .for_update()
            .skip_locked()
            .select(notifications::id)
            .load(self.0.conn)?;
        Ok(diesel::delete(notifications::table)
            .filter(notifications::tenant_id.eq(self.0.tenant))
            .filter(notifications::id.eq_any(old))
            .execute(self.0.conn)?)
    }
}
