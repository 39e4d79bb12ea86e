//! Notifications as a queue: claimed in two steps (which tenants have due ones, without locks; then a tenant's, under
//! `FOR UPDATE SKIP LOCKED`), which is what makes it fair between tenants.
//!
//! An attempt counts from the claim on, so that a worker that dies has used it up. How a claim ends is in `notification_transitions`.

use super::notification::OPEN;
use super::wording::{AlertTemplate, rank};
use super::{AT_ONCE, Notification, Notifications, bounded};
use crate::queue::{Lease, NOT_HELD, after};
use crate::schema::{alerts, notifications, tenants};
use crate::store::{SystemTx, Tenant};
use crate::types::bounds;
use crate::{AlertSeverity, LeaseId, NotificationChannel, NotificationId, Result, TenantId};
use chrono::{DateTime, TimeDelta, Utc};
use diesel::dsl::sql;
use diesel::expression::{AppearsOnTable, NonAggregate};
use diesel::pg::Pg;
use diesel::prelude::*;
use diesel::query_builder::{QueryFragment, QueryId};
use diesel::sql_types::{Array, BigInt, Bool, Text, Uuid};
use std::cmp::Reverse;
use std::collections::HashMap;

/// The predicate of `notifications_due_next_attempt_at_idx`, to the letter, save that tenants have a status too.
pub(super) const OPEN_SQL: &str = "notifications.status IN ('pending', 'retrying')";

/// The host that a webhook goes to, as [`super::Address::host`] has it.
const HOST_SQL: &str = "coalesce(lower(substring(notifications.recipient from '^https?://([^/?#]*)')), '')";

/// A notification that a worker holds under a lease.
#[derive(Debug, Clone, PartialEq)]
#[cfg_attr(not(feature = "testing"), non_exhaustive)]
pub struct ClaimedNotification {
    /// The notification, this attempt counted.
    pub notification: Notification,
    /// The id of this claim; a later one of the same notification has another.
    pub lease: LeaseId,
}

/// Which of the notifications that are due a worker claims; by default any.
#[derive(Debug, Clone)]
pub(crate) struct Claimable {
    /// The channels.
    pub(crate) channels: Vec<NotificationChannel>,
    /// Hosts to which no webhook is claimed.
    pub(crate) but_not: Vec<String>,
    /// Hosts to which webhooks are claimed all the same.
    pub(crate) and: Vec<String>,
}

impl Default for Claimable {
    fn default() -> Self {
        Self { channels: NotificationChannel::ALL.to_vec(), but_not: Vec::new(), and: Vec::new() }
    }
}

/// How many of those that were seen to wait are looked at again before the whole queue is.
const AT_HAND: usize = 16;

/// Whether a notification is one of these.
fn is_claimable<T>(of: &Claimable) -> impl AppearsOnTable<T, SqlType = Bool> + NonAggregate + QueryFragment<Pg> + QueryId {
    let channels: Vec<&str> = of.channels.iter().map(|channel| channel.label()).collect();
    sql::<Bool>("(notifications.channel = ANY(")
        .bind::<Array<Text>, _>(channels)
        .sql(&format!(") AND (notifications.channel <> 'webhook' OR {HOST_SQL} <> ALL("))
        .bind::<Array<Text>, _>(&of.but_not)
        .sql(&format!(")) OR notifications.channel = 'webhook' AND {HOST_SQL} = ANY("))
        .bind::<Array<Text>, _>(&of.and)
        .sql("))")
}

/// Notifications that wait, in the order in which they are told: the worst first, and what is over last.
fn worst_first(mut waiting: Vec<(NotificationId, Option<String>, AlertSeverity, DateTime<Utc>)>) -> Vec<NotificationId> {
    waiting.sort_by_key(|(id, template, severity, due)| {
        (AlertTemplate::of(template.as_deref()).is_over(), Reverse(rank(*severity)), *due, *id)
    });
    waiting.into_iter().map(|(id, ..)| id).collect()
}

impl SystemTx<'_> {
    /// The tenants with notifications due, the longest waiting first; `limit` at the most. A suspended one's wait.
    ///
    /// # Errors
    /// [`crate::Error::Unavailable`] or [`crate::Error::Internal`].
    pub fn tenants_with_due_notifications(&mut self, last: Option<TenantId>, limit: u16) -> Result<Vec<Tenant>> {
        let ids: Vec<TenantId> = notifications::table
            .inner_join(tenants::table.on(tenants::id.eq(notifications::tenant_id)))
            .filter(tenants::is_active)
            .filter(sql::<Bool>(OPEN_SQL))
            .filter(notifications::next_attempt_at.le(self.now()))
            .filter(notifications::tenant_id.gt(after(last)))
            .group_by(notifications::tenant_id)
            .order(notifications::tenant_id)
            .limit(bounded(limit))
            .select(notifications::tenant_id)
            .load(self.conn)?;
        Ok(ids.into_iter().map(Tenant::proven).collect())
    }
}

impl Notifications<'_> {
    /// Claims due notifications for `lease_for`, `limit` (500 at the most): of those that have waited longest the worst first, and what is
    /// over last. Until then no other worker sees them. One whose attempts are used up, its last worker having died, is failed instead.
    ///
    /// # Errors
    /// [`crate::Error::Invalid`] when `lease_for` is not a time to come.
    pub fn claim(&mut self, limit: u16, lease_for: TimeDelta) -> Result<Vec<ClaimedNotification>> {
        let waiting = self.waiting(&Claimable::default())?;
        self.claim_first(&Claimable::default(), &waiting, limit, lease_for)
    }

    /// Claims one notification as [`Self::claim`] does, of these alone: the first of those that were seen to wait a moment ago, so that one
    /// look through the queue serves many claims. Where none is to be had of the first few, it looks anew. Returns those that are left, too.
    pub(crate) fn claim_next(
        &mut self,
        of: &Claimable,
        seen: &[NotificationId],
        lease_for: TimeDelta,
    ) -> Result<(Option<ClaimedNotification>, Vec<NotificationId>)> {
        let at_hand = seen.get(..AT_HAND).unwrap_or(seen);
        let mut claimed = self.claim_first(of, at_hand, 1, lease_for)?.pop();
        let mut left = seen.to_vec();
        if claimed.is_none() {
            left = self.waiting(of)?;
            claimed = self.claim_first(of, &left, 1, lease_for)?.pop();
        }
        left.retain(|id| claimed.as_ref().is_some_and(|claim| claim.notification.id != *id));
        Ok((claimed, left))
    }

    /// Those that are due and claimable, in the order in which they are told: 500 at the most, those that have waited longest.
    fn waiting(&mut self, of: &Claimable) -> Result<Vec<NotificationId>> {
        let waiting: Vec<(NotificationId, Option<String>, AlertSeverity, DateTime<Utc>)> = notifications::table
            .inner_join(
                alerts::table.on(alerts::tenant_id.eq(notifications::tenant_id).and(alerts::id.eq(notifications::alert_id))),
            )
            .filter(notifications::tenant_id.eq(self.0.tenant))
            .filter(sql::<Bool>(OPEN_SQL))
            .filter(notifications::next_attempt_at.le(self.0.now()))
            .filter(is_claimable(of))
            // In the order of the index alone: of many that are due since the same instant, all would be read and sorted.
            .order(notifications::next_attempt_at)
            .limit(AT_ONCE)
            .select((notifications::id, notifications::template_used, alerts::severity, notifications::next_attempt_at))
            .load(self.0.conn)?;
        Ok(worst_first(waiting))
    }

    /// Claims the first of these that are due and claimable.
    fn claim_first(
        &mut self,
        of: &Claimable,
        in_order: &[NotificationId],
        limit: u16,
        lease_for: TimeDelta,
    ) -> Result<Vec<ClaimedNotification>> {
        let lease = Lease::begin(&mut self.0, lease_for)?;
        if in_order.is_empty() {
            return Ok(Vec::new());
        }
        let due: Vec<(NotificationId, i32, i32)> = notifications::table
            .filter(notifications::tenant_id.eq(self.0.tenant))
            .filter(sql::<Bool>(OPEN_SQL))
            .filter(notifications::next_attempt_at.le(self.0.now()))
            .filter(notifications::id.eq_any(in_order))
            .filter(is_claimable(of))
            .order(sql::<BigInt>("array_position(").bind::<Array<Uuid>, _>(in_order).sql(", notifications.id)"))
            .limit(bounded(limit))
            .for_update()
            .skip_locked()
            .select((notifications::id, notifications::attempts, notifications::max_attempts))
            .load(self.0.conn)?;
        let (spent, live): (Vec<_>, Vec<_>) = due.into_iter().partition(|(_, attempts, most)| attempts >= most);
        self.fail_spent(&spent.into_iter().map(|(id, ..)| id).collect::<Vec<_>>())?;
        if live.is_empty() {
            return Ok(Vec::new());
        }
        let ids: Vec<NotificationId> = live.into_iter().map(|(id, ..)| id).collect();
        let claimed: Vec<Notification> = diesel::update(notifications::table)
            .filter(notifications::tenant_id.eq(self.0.tenant))
            .filter(notifications::id.eq_any(&ids))
            .set((
                notifications::lease_owner.eq(lease.id),
                notifications::lease_expires_at.eq(lease.until),
                // Not due again before the lease ends: one comparison finds what is due.
                notifications::next_attempt_at.eq(lease.until),
                notifications::attempts.eq(notifications::attempts + 1),
                notifications::updated_at.eq(self.0.now()),
            ))
            .returning(Notification::as_returning())
            .get_results(self.0.conn)?;
        let mut by_id: HashMap<_, _> = claimed.into_iter().map(|row| (row.id, row)).collect();
        let in_order = ids.iter().filter_map(|id| by_id.remove(id));
        Ok(in_order.map(|notification| ClaimedNotification { notification, lease: lease.id }).collect())
    }

    /// Holds a claim for longer: until `lease_for` from now.
    ///
    /// # Errors
    /// [`crate::Error::Invalid`] when `lease_for` is not a time to come; otherwise as [`Self::deliver`].
    pub fn extend(&mut self, claim: &ClaimedNotification, lease_for: TimeDelta) -> Result<Notification> {
        let until = bounds::lease_end(self.0.now(), lease_for)?;
        let row = diesel::update(notifications::table)
            .filter(notifications::tenant_id.eq(self.0.tenant))
            .filter(notifications::id.eq(claim.notification.id))
            .filter(notifications::lease_owner.eq(claim.lease))
            .filter(notifications::status.eq_any(OPEN))
            .set((
                notifications::lease_expires_at.eq(until),
                notifications::next_attempt_at.eq(until),
                notifications::updated_at.eq(self.0.now()),
            ))
            .returning(Notification::as_returning())
            .get_result(self.0.conn)
            .optional()?;
        row.ok_or(NOT_HELD)
    }
}
