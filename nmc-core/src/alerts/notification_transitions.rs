//! How notifications end: delivered, failed and tried again, given up, put back, called off. Claiming them is in `notification_queue`.

use super::history::NewAlertEvent;
use super::notification::OPEN;
use super::{ClaimedNotification, Notification, Notifications};
use crate::error::found;
use crate::queue::NOT_HELD;
use crate::schema::notifications;
use crate::types::{bounds, clip, required};
use crate::{AlertEventType, Error, LeaseId, NotificationId, NotificationStatus, Result, When};
use chrono::{DateTime, Utc};
use diesel::prelude::*;
use serde_json::json;

/// How much of an error or an answer is kept, in characters.
const KEPT: usize = 2_000;

/// The answer of a webhook.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WebhookResponse {
    /// The HTTP status of the answer.
    pub code: u16,
    /// The body of the answer; 2,000 characters of it are kept.
    pub body: Option<String>,
}

/// Why a notification was not delivered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WhyFailed<'e> {
    /// Why, in our own words: the alert's history and logs have it.
    pub why: &'e str,
    /// What others said, who may have named a person: only the notification's row keeps it.
    pub said: Option<&'e str>,
}

impl<'e> From<&'e str> for WhyFailed<'e> {
    fn from(why: &'e str) -> Self {
        Self { why, said: None }
    }
}

impl<'e> From<&'e String> for WhyFailed<'e> {
    fn from(why: &'e String) -> Self {
        why.as_str().into()
    }
}

impl WhyFailed<'_> {
    fn whole(&self) -> String {
        self.said.map_or_else(|| self.why.to_owned(), |said| format!("{} {said}", self.why))
    }
}

/// How an attempt ended.
struct End<'e> {
    status: NotificationStatus,
    /// The instant at which the notification is tried again.
    due: Option<DateTime<Utc>>,
    error: Option<WhyFailed<'e>>,
    response: Option<&'e WebhookResponse>,
}

/// What others say, cut down to what is kept; PostgreSQL has no NUL.
fn said(text: Option<&str>) -> Option<String> {
    clip(text.map(|text| text.replace('\0', "")).as_deref(), KEPT)
}

/// The entry of the history for one that has failed. It doesn't name the recipient: people's data stays where it can be erased.
fn failed(of: &Notification, why: &str) -> NewAlertEvent {
    let why = said(Some(why));
    NewAlertEvent::new(of.alert_id, AlertEventType::NotificationFailed)
        .with(json!({"notification": of.id, "channel": of.channel, "why": why}))
}

/// A claimed notification without the attempt that its claim has counted.
fn uncounted(held: Notification) -> Notification {
    Notification { attempts: held.attempts.saturating_sub(1), ..held }
}

impl Notifications<'_> {
    /// Ends a claim: the recipient has it. Its alert counts as notified from now on, and the history says so.
    ///
    /// # Errors
    /// [`crate::Error::Conflict`] when the claim no longer holds (another worker took over, or it has ended), or never did,
    /// which changes nothing. A lease that has run out still holds until another worker takes over: what is told is true.
    pub fn deliver(&mut self, claim: &ClaimedNotification, response: Option<&WebhookResponse>) -> Result<Notification> {
        let held = self.lock_claimed(claim)?;
        let end = End { status: NotificationStatus::Delivered, due: None, error: None, response };
        let row = self.end_claim(&held, claim.lease, &end)?;
        self.0.tx().alerts().mark_notified(row.alert_id)?;
        let event = NewAlertEvent::new(row.alert_id, AlertEventType::NotificationSent);
        let mut details = json!({"notification": row.id, "channel": row.channel});
        if let (Some(digest), Some(details)) = (row.digest_id, details.as_object_mut()) {
            details.insert("digest".to_owned(), json!(digest));
        }
        self.0.tx().alert_history().append(&[event.with(details)])?;
        Ok(row)
    }

    /// Ends a claim: it was not delivered, and is due again at `retry_at`. When that was its last attempt it is failed for
    /// good, and the history says so.
    ///
    /// # Errors
    /// [`crate::Error::Invalid`] when `retry_at` is no instant of our time; otherwise as [`Self::deliver`].
    pub fn fail<'e>(
        &mut self,
        claim: &ClaimedNotification,
        error: impl Into<WhyFailed<'e>>,
        response: Option<&WebhookResponse>,
        retry_at: impl Into<When>,
    ) -> Result<Notification> {
        let retry_at = bounds::instant("retry_at", retry_at.into().seen_from(self.0.now()))?;
        let (held, error) = (self.lock_claimed(claim)?, error.into());
        if held.attempts >= held.max_attempts {
            return self.end_failed(&held, claim.lease, error, response);
        }
        let end = End { status: NotificationStatus::Retrying, due: Some(retry_at), error: Some(error), response };
        self.end_claim(&held, claim.lease, &end)
    }

    /// Ends a claim: it was not delivered, and is failed for good, as trying again would not help. The history says so.
    ///
    /// # Errors
    /// As [`Self::deliver`].
    pub fn give_up<'e>(
        &mut self,
        claim: &ClaimedNotification,
        error: impl Into<WhyFailed<'e>>,
        response: Option<&WebhookResponse>,
    ) -> Result<Notification> {
        let held = self.lock_claimed(claim)?;
        self.end_failed(&held, claim.lease, error.into(), response)
    }

    /// Ends a claim whose attempt was not begun: the notification is failed for good, and the attempt does not count. The history says so.
    ///
    /// # Errors
    /// As [`Self::deliver`].
    pub(crate) fn give_up_untried(&mut self, claim: &ClaimedNotification, why: &str) -> Result<Notification> {
        let held = self.lock_claimed(claim)?;
        self.end_failed(&uncounted(held), claim.lease, why.into(), None)
    }

    /// Ends a claim whose attempt was not begun: the notification is due again at `due`, and the attempt does not count.
    ///
    /// # Errors
    /// As [`Self::fail`].
    pub fn put_back(&mut self, claim: &ClaimedNotification, why: &str, due: impl Into<When>) -> Result<Notification> {
        let due = bounds::instant("due", due.into().seen_from(self.0.now()))?;
        let held = self.lock_claimed(claim)?;
        let end = End { status: NotificationStatus::Retrying, due: Some(due), error: Some(why.into()), response: None };
        self.end_claim(&uncounted(held), claim.lease, &end)
    }

    /// Calls off a notification that no worker is delivering: it has failed, for the reason given (up to 2,000 characters), and
    /// the history says so.
    ///
    /// # Errors
    /// [`crate::Error::NotFound`]; [`crate::Error::Conflict`] while a worker holds it; [`crate::Error::InvalidTransition`] once
    /// it has ended; [`crate::Error::Invalid`] without a reason. Each changes nothing.
    pub fn cancel(&mut self, id: NotificationId, why: &str) -> Result<Notification> {
        let why = required("why", why, KEPT)?;
        let before: Option<Notification> = Notification::query()
            .filter(notifications::tenant_id.eq(self.0.tenant))
            .filter(notifications::id.eq(id))
            .for_update()
            .first(self.0.conn)
            .optional()?;
        let before = found(before, "notification")?;
        self.0.moment.come_after(before.updated_at);
        before.status.must_become(NotificationStatus::Failed)?;
        if before.lease_expires_at.is_some_and(|until| until > self.0.now()) {
            return Err(Error::conflict("notification", "is being delivered"));
        }
        let row = diesel::update(notifications::table)
            .filter(notifications::tenant_id.eq(self.0.tenant))
            .filter(notifications::id.eq(id))
            .filter(notifications::status.eq(before.status))
            .set((
                notifications::status.eq(NotificationStatus::Failed),
                notifications::failed_at.eq(self.0.now()),
                notifications::error_message.eq(&why),
                notifications::lease_owner.eq(None::<LeaseId>),
                notifications::lease_expires_at.eq(None::<DateTime<Utc>>),
                notifications::updated_at.eq(self.0.now()),
            ))
            .returning(Notification::as_returning())
            .get_result(self.0.conn)
            .optional()?;
        let row = found(row, "notification")?;
        self.0.tx().alert_history().append(&[failed(&row, &why)])?;
        Ok(row)
    }

    /// Notes in the history of a notification's alert that the webhook it went to is out of use.
    pub(super) fn note_retired(&mut self, last: &Notification, why: &str) -> Result<()> {
        let why = format!("{why}: the webhook is out of use until its contact is switched on again");
        self.0.tx().alert_history().append(&[failed(last, &why)])
    }

    /// The claimed notification, locked, if the claim still holds.
    fn lock_claimed(&mut self, claim: &ClaimedNotification) -> Result<Notification> {
        let row = Notification::query()
            .filter(notifications::tenant_id.eq(self.0.tenant))
            .filter(notifications::id.eq(claim.notification.id))
            .filter(notifications::lease_owner.eq(claim.lease))
            .filter(notifications::status.eq_any(OPEN))
            .for_update()
            .first(self.0.conn)
            .optional()?;
        row.ok_or(NOT_HELD)
    }

    fn end_failed(
        &mut self,
        held: &Notification,
        lease: LeaseId,
        error: WhyFailed<'_>,
        response: Option<&WebhookResponse>,
    ) -> Result<Notification> {
        let end = End { status: NotificationStatus::Failed, due: None, error: Some(error), response };
        let row = self.end_claim(held, lease, &end)?;
        self.0.tx().alert_history().append(&[failed(&row, error.why)])?;
        Ok(row)
    }

    fn end_claim(&mut self, held: &Notification, lease: LeaseId, end: &End<'_>) -> Result<Notification> {
        held.status.must_become(end.status)?;
        let now = self.0.now();
        let row = diesel::update(notifications::table)
            .filter(notifications::tenant_id.eq(self.0.tenant))
            .filter(notifications::id.eq(held.id))
            .filter(notifications::lease_owner.eq(lease))
            .filter(notifications::status.eq(held.status))
            .set((
                notifications::status.eq(end.status),
                notifications::attempts.eq(held.attempts),
                end.due.map(|at| notifications::next_attempt_at.eq(at)),
                notifications::delivered_at.eq((end.status == NotificationStatus::Delivered).then_some(now)),
                notifications::failed_at.eq((end.status == NotificationStatus::Failed).then_some(now)),
                notifications::error_message.eq(said(end.error.map(|error| error.whole()).as_deref())),
                notifications::webhook_response_code.eq(end.response.map(|response| i32::from(response.code))),
                notifications::webhook_response_body.eq(said(end.response.and_then(|response| response.body.as_deref()))),
                notifications::lease_owner.eq(None::<LeaseId>),
                notifications::lease_expires_at.eq(None::<DateTime<Utc>>),
                notifications::updated_at.eq(now),
            ))
            .returning(Notification::as_returning())
            .get_result(self.0.conn)
            .optional()?;
        found(row, "notification")
    }

    /// Gives up locked notifications whose last worker died.
    pub(super) fn fail_spent(&mut self, spent: &[NotificationId]) -> Result<()> {
        if spent.is_empty() {
            return Ok(());
        }
        let why = "the last attempt ended without a word";
        let ended: Vec<Notification> = diesel::update(notifications::table)
            .filter(notifications::tenant_id.eq(self.0.tenant))
            .filter(notifications::id.eq_any(spent))
            .filter(notifications::status.eq_any(OPEN))
            .set((
                notifications::status.eq(NotificationStatus::Failed),
                notifications::failed_at.eq(self.0.now()),
                notifications::error_message.eq(why),
                notifications::lease_owner.eq(None::<LeaseId>),
                notifications::lease_expires_at.eq(None::<DateTime<Utc>>),
                notifications::updated_at.eq(self.0.now()),
            ))
            .returning(Notification::as_returning())
            .get_results(self.0.conn)?;
        let events: Vec<_> = ended.iter().map(|row| failed(row, why)).collect();
        self.0.tx().alert_history().append(&events)
    }
}
