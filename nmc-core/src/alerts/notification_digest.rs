//! Notifications that go to one recipient together, in one message: a digest.

use super::notification::{ASIDE, MAILED_SQL, MESSAGES_SQL, Notifications, OPEN};
use super::notification_queue::OPEN_SQL;
use super::{ClaimedNotification, Notification};
use crate::schema::notifications;
use crate::{NotificationChannel, NotificationId, NotificationStatus, Result};
use chrono::{DateTime, Utc};
use diesel::dsl::sql;
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Bool, Nullable, Timestamptz};

/// The most notifications that are gathered to another one; those beyond go into the next digest.
const MOST_GATHERED: i64 = 199;

/// What somebody was sent lately, what is on its way now included.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Heard {
    /// The number of messages; a digest is one.
    pub(crate) messages: i64,
    /// The instant of the last message: now, if it is on its way.
    pub(crate) last_at: Option<DateTime<Utc>>,
    /// The same of the last digest.
    pub(crate) digest_at: Option<DateTime<Utc>>,
}

impl Notifications<'_> {
    /// What the recipient of a claimed notification was sent by its channel since an instant, or is being sent now. What is no news of an alert,
    /// such as a test, is no part of a storm.
    pub(crate) fn heard_since(&mut self, claim: &ClaimedNotification, since: DateTime<Utc>) -> Result<Heard> {
        let row = &claim.notification;
        let to_them = || {
            notifications::table
                .filter(notifications::tenant_id.eq(self.0.tenant))
                .filter(notifications::channel.eq(row.channel))
                .filter(notifications::recipient.eq(&row.recipient))
                .filter(notifications::template_used.is_null().or(notifications::template_used.ne_all(ASIDE)))
        };
        let under_way = to_them()
            .filter(sql::<Bool>(OPEN_SQL))
            .filter(notifications::lease_expires_at.gt(self.0.now()))
            .filter(notifications::lease_owner.ne(claim.lease))
            .select((sql::<BigInt>(MESSAGES_SQL), sql::<Bool>("count(notifications.digest_id) > 0")));
        let mut sent = to_them()
            .filter(notifications::status.eq(NotificationStatus::Delivered))
            .filter(notifications::delivered_at.gt(since))
            .select((
                sql::<BigInt>(MESSAGES_SQL),
                sql::<Nullable<Timestamptz>>("max(notifications.delivered_at)"),
                sql::<Nullable<Timestamptz>>(
                    "max(notifications.delivered_at) FILTER (WHERE notifications.digest_id IS NOT NULL)",
                ),
            ))
            .into_boxed();
        if row.channel == NotificationChannel::Email {
            sent = sent.filter(sql::<Bool>(MAILED_SQL));
        }
        let (under_way, is_digest): (i64, bool) = under_way.get_result(self.0.conn)?;
        let (sent, last_at, digest_at): (i64, Option<DateTime<Utc>>, Option<DateTime<Utc>>) = sent.get_result(self.0.conn)?;
        let now = self.0.now();
        Ok(Heard {
            messages: sent + under_way,
            last_at: (under_way > 0).then_some(now).or(last_at),
            digest_at: is_digest.then_some(now).or(digest_at),
        })
    }

    /// Claims, under the lease of a claimed notification, what waits for the same recipient by the same channel: the rest of its digest,
    /// or, if it is in none, what is in none either and due until an instant. Tests are told by themselves.
    pub(crate) fn gather(&mut self, with: &ClaimedNotification, until: DateTime<Utc>) -> Result<Vec<ClaimedNotification>> {
        let row = &with.notification;
        let now = self.0.now();
        let ids: Vec<NotificationId> = notifications::table
            .filter(notifications::tenant_id.eq(self.0.tenant))
            .filter(sql::<Bool>(OPEN_SQL))
            .filter(notifications::channel.eq(row.channel))
            .filter(notifications::recipient.eq(&row.recipient))
            .filter(notifications::id.ne(row.id))
            .filter(notifications::attempts.lt(notifications::max_attempts))
            .filter(notifications::lease_expires_at.is_null().or(notifications::lease_expires_at.le(now).assume_not_null()))
            .filter(notifications::template_used.is_null().or(notifications::template_used.ne_all(ASIDE)))
            .filter(notifications::digest_id.is_not_distinct_from(row.digest_id))
            .filter(notifications::digest_id.is_not_null().or(notifications::next_attempt_at.le(until)))
            // Not by when they are due: those that were put off already would come last again.
            .order((notifications::created_at, notifications::id))
            .limit(MOST_GATHERED)
            .for_update()
            .skip_locked()
            .select(notifications::id)
            .load(self.0.conn)?;
        if ids.is_empty() {
            return Ok(Vec::new());
        }
        let gathered: Vec<Notification> = diesel::update(notifications::table)
            .filter(notifications::tenant_id.eq(self.0.tenant))
            .filter(notifications::id.eq_any(&ids))
            .filter(notifications::status.eq_any(OPEN))
            .set((
                notifications::lease_owner.eq(with.lease),
                notifications::lease_expires_at.eq(row.lease_expires_at),
                notifications::next_attempt_at.eq(row.next_attempt_at),
                notifications::attempts.eq(notifications::attempts + 1),
                notifications::updated_at.eq(now),
            ))
            .returning(Notification::as_returning())
            .get_results(self.0.conn)?;
        Ok(gathered.into_iter().map(|notification| ClaimedNotification { notification, lease: with.lease }).collect())
    }

    /// Notes the digest that these notifications are told in, or that they are told by themselves.
    pub(crate) fn set_digest(&mut self, ids: &[NotificationId], digest: Option<NotificationId>) -> Result<()> {
        diesel::update(notifications::table)
            .filter(notifications::tenant_id.eq(self.0.tenant))
            .filter(notifications::id.eq_any(ids))
            .set((notifications::digest_id.eq(digest), notifications::updated_at.eq(self.0.now())))
            .execute(self.0.conn)?;
        Ok(())
    }
}
