//! The outbox as a queue: claimed in two steps (which tenants have due texts, without locks; then a tenant's texts, under
//! `FOR UPDATE SKIP LOCKED`), which is what makes it fair between tenants.

use super::message::DUE_SQL;
use super::{Message, Messages};
use crate::schema::{messages, tenants};
use crate::store::{Prepared, SystemTx, Tenant};
use crate::types::bounds;
use crate::{LeaseId, MessageId, MessageStatus, PhoneNumber, Result, TenantId};
use chrono::{DateTime, TimeDelta, Utc};
use diesel::dsl::sql;
use diesel::prelude::*;
use diesel::sql_types::Bool;

/// One text that a worker holds under a lease.
#[derive(Debug, Clone)]
pub struct ClaimedMessage {
    /// The text.
    pub id: MessageId,
    /// Its recipient.
    pub to: PhoneNumber,
    /// This claim; a later one of the same text has another.
    pub lease: LeaseId,
    /// Whether an earlier attempt ended without a word: the provider must be asked before it is sent again.
    pub in_doubt: bool,
}

impl SystemTx<'_> {
    /// The tenants with texts due, the longest waiting first; `limit` at the most. A suspended one's texts wait.
    ///
    /// # Errors
    /// [`crate::Error::Unavailable`] or [`crate::Error::Internal`].
    pub fn tenants_with_due_messages(&mut self, limit: u16) -> Result<Vec<Tenant>> {
        let waiting = messages::table
            .inner_join(tenants::table)
            .filter(tenants::is_active)
            .filter(sql::<Bool>(DUE_SQL))
            .filter(messages::next_attempt_at.le(self.now()))
            .group_by(messages::tenant_id)
            .order(diesel::dsl::min(messages::next_attempt_at))
            .limit(limit.into())
            .select(messages::tenant_id);
        let ids: Vec<TenantId> = Prepared(waiting).load(self.conn)?;
        Ok(ids.into_iter().map(Tenant::proven).collect())
    }
}

impl Messages<'_> {
    /// Claims up to `limit` due texts for `lease_for`. Until then no other worker sees them.
    ///
    /// # Errors
    /// [`crate::Error::Invalid`] when `lease_for` is not a time to come.
    pub fn claim(&mut self, limit: u16, lease_for: TimeDelta) -> Result<Vec<ClaimedMessage>> {
        let until = bounds::lease_end(self.0.now(), lease_for)?;
        let due = messages::table
            .filter(messages::tenant_id.eq(self.0.tenant))
            .filter(sql::<Bool>(DUE_SQL))
            .filter(messages::next_attempt_at.le(self.0.now()))
            .order(messages::next_attempt_at)
            .limit(limit.into())
            .for_update()
            .skip_locked()
            .select((messages::id, messages::to_number, messages::lease_owner));
        let due: Vec<(MessageId, PhoneNumber, Option<LeaseId>)> = Prepared(due).load(self.0.conn)?;
        if due.is_empty() {
            return Ok(Vec::new());
        }
        let lease = LeaseId::new(self.0.moment.id());
        let ids: Vec<MessageId> = due.iter().map(|(id, ..)| *id).collect();
        let update = diesel::update(messages::table)
            .filter(messages::tenant_id.eq(self.0.tenant))
            .filter(messages::id.eq_any(ids))
            .set((
                messages::lease_owner.eq(lease),
                messages::lease_expires_at.eq(until),
                // Not due again before the lease ends: one comparison finds what is due.
                messages::next_attempt_at.eq(until),
                messages::attempts.eq(messages::attempts + 1),
                messages::updated_at.eq(self.0.now()),
            ))
            .returning(messages::id);
        Prepared(update).keys::<MessageId>(self.0.conn)?;
        Ok(due.into_iter().map(|(id, to, held)| ClaimedMessage { id, to, lease, in_doubt: held.is_some() }).collect())
    }

    /// The claimed text, locked, if the claim still holds.
    pub(crate) fn lock_claimed(&mut self, claimed: &ClaimedMessage) -> Result<Option<Message>> {
        Ok(Message::query()
            .filter(messages::tenant_id.eq(self.0.tenant))
            .filter(messages::id.eq(claimed.id))
            .filter(messages::lease_owner.eq(claimed.lease))
            .filter(messages::lease_expires_at.gt(self.0.now()))
            .filter(messages::message_status.eq(MessageStatus::Queued))
            .for_update()
            .first(self.0.conn)
            .optional()?)
    }

    /// Whether another text of this tenant has the SID already.
    pub(crate) fn knows_sid(&mut self, sid: &str) -> Result<bool> {
        Ok(diesel::select(diesel::dsl::exists(
            messages::table.filter(messages::tenant_id.eq(self.0.tenant)).filter(messages::message_sid.eq(sid)),
        ))
        .get_result(self.0.conn)?)
    }

    /// Ends a claim: the provider has the text.
    pub(crate) fn mark_sent(&mut self, id: MessageId, sid: &str, status: MessageStatus) -> Result<()> {
        let now = self.0.now();
        self.end_claim(id, status, None, None, Some((sid, now)), None)
    }

    /// Ends a claim for good without a text sent.
    pub(crate) fn mark_ended(&mut self, id: MessageId, status: MessageStatus, code: Option<i32>, why: &str) -> Result<()> {
        self.end_claim(id, status, code, Some(why), None, None)
    }

    /// Ends a claim: the text was certainly not sent, and is due again at `at`.
    pub(crate) fn put_back(&mut self, id: MessageId, at: DateTime<Utc>, why: &str) -> Result<()> {
        self.end_claim(id, MessageStatus::Queued, None, Some(why), None, Some(at))
    }

    fn end_claim(
        &mut self,
        id: MessageId,
        status: MessageStatus,
        code: Option<i32>,
        why: Option<&str>,
        sent: Option<(&str, DateTime<Utc>)>,
        due: Option<DateTime<Utc>>,
    ) -> Result<()> {
        let update = diesel::update(messages::table)
            .filter(messages::tenant_id.eq(self.0.tenant))
            .filter(messages::id.eq(id))
            .filter(messages::message_status.eq(MessageStatus::Queued))
            .set((
                messages::message_status.eq(status),
                messages::error_code.eq(code),
                messages::error_message.eq(why),
                sent.map(|(sid, at)| (messages::message_sid.eq(sid.to_owned()), messages::sent_at.eq(at))),
                messages::next_attempt_at.eq(due),
                messages::lease_owner.eq(None::<LeaseId>),
                messages::lease_expires_at.eq(None::<DateTime<Utc>>),
                messages::updated_at.eq(self.0.now()),
            ))
            .returning(messages::id);
        crate::error::touched_one(Prepared(update).keys::<MessageId>(self.0.conn)?.len(), "message")
    }

    /// Keeps a text in doubt under its lease until `at`, when the provider is asked again.
    pub(crate) fn keep_in_doubt(&mut self, id: MessageId, at: DateTime<Utc>, why: &str) -> Result<()> {
        let rows = diesel::update(messages::table)
            .filter(messages::tenant_id.eq(self.0.tenant))
            .filter(messages::id.eq(id))
            .filter(messages::message_status.eq(MessageStatus::Queued))
            .set((
                messages::error_message.eq(why),
                messages::lease_expires_at.eq(at),
                messages::next_attempt_at.eq(at),
                messages::updated_at.eq(self.0.now()),
            ))
            .execute(self.0.conn)?;
        crate::error::touched_one(rows, "message")
    }

    /// Gives claimed texts back untried, when a worker is asked to stop.
    pub(crate) fn unclaim(&mut self, claims: &[ClaimedMessage]) -> Result<()> {
        for claimed in claims.iter().filter(|claimed| !claimed.in_doubt) {
            diesel::update(messages::table)
                .filter(messages::tenant_id.eq(self.0.tenant))
                .filter(messages::id.eq(claimed.id))
                .filter(messages::lease_owner.eq(claimed.lease))
                .filter(messages::message_status.eq(MessageStatus::Queued))
                .set((
                    messages::attempts.eq(messages::attempts - 1),
                    messages::next_attempt_at.eq(self.0.now()),
                    messages::lease_owner.eq(None::<LeaseId>),
                    messages::lease_expires_at.eq(None::<DateTime<Utc>>),
                    messages::updated_at.eq(self.0.now()),
                ))
                .execute(self.0.conn)?;
        }
        Ok(())
    }
}
