//! The outbox as a queue: claimed in two steps (which tenants have due texts, without locks; then a tenant's texts, under
//! `FOR UPDATE SKIP LOCKED`), which is what makes it fair between tenants.
//!
//! A claim is also the decision that a text may be sent. It is made under the recipient's lock and committed before the provider
//! is called: an opt-out that commits before it finds the text not claimed and calls it off; one that commits after it waits until
//! the text is no longer under way (`lease_expires_at`). Nobody waits here: a person whose lock is taken is left for the next look.

use super::message::DUE_SQL;
use super::{MessageQueueLimits, Messages};
use crate::queue::{Lease, after};
use crate::schema::{messages, tenants};
use crate::store::{Person, Prepared, SystemTx, Tenant};
use crate::{ConversationId, Error, LeaseId, MessageId, MessageKind, PhoneNumber, Result, TenantId};
use chrono::{DateTime, Utc};
use diesel::dsl::{case_when, sql};
use diesel::prelude::*;
use diesel::sql_types::{Array, BigInt, Bool};
use std::collections::{HashMap, HashSet};

diesel::define_sql_function! {
    /// PostgreSQL's own: takes a lock until the end of the transaction, or says that somebody else has it.
    fn pg_try_advisory_xact_lock(key: BigInt) -> Bool;
}

/// One text that a worker holds under a lease.
#[derive(Debug, Clone)]
pub(crate) struct ClaimedMessage {
    /// The id of the text.
    pub(crate) id: MessageId,
    /// The conversation of the text.
    pub(crate) conversation: ConversationId,
    /// The number of ours that the text leaves from.
    pub(crate) from: PhoneNumber,
    /// The recipient of the text.
    pub(crate) to: PhoneNumber,
    /// The words of the text.
    pub(crate) body: String,
    /// The reason why the text is sent.
    pub(crate) kind: MessageKind,
    /// The instant at which the text was queued.
    pub(crate) created_at: DateTime<Utc>,
    /// Attempts, this one included.
    pub(crate) attempts: i32,
    /// The id of this claim; a later one of the same text has another.
    pub(crate) lease: LeaseId,
    /// Whether an earlier attempt may have succeeded: the provider must be asked before it is sent again.
    pub(crate) in_doubt: bool,
}

/// The result of a look at a tenant's outbox.
#[derive(Debug, Default)]
pub(crate) struct Claims {
    /// The texts that may be sent, or have to be looked up.
    pub(crate) texts: Vec<ClaimedMessage>,
    /// Texts that were called off or will have to wait, and why.
    pub(crate) ended: usize,
    /// The instant at which there is something to do again, if that is known: the numbers that texts are due from may not send
    /// before.
    pub(crate) rests_until: Option<DateTime<Utc>>,
}

/// A due text as it is looked at.
#[derive(Debug, Queryable)]
pub(super) struct Due {
    pub(super) id: MessageId,
    conversation: ConversationId,
    from: crate::CallerIdentity,
    to: crate::CallerIdentity,
    body: String,
    pub(super) kind: MessageKind,
    pub(super) created_at: DateTime<Utc>,
    attempts: i32,
    pub(super) held: Option<LeaseId>,
}

impl SystemTx<'_> {
    /// Tenants with texts due, in the order of their ids from after `last` on; `limit` at the most. Whoever goes on where the
    /// last look ended comes past every tenant in turn, however much some of them have waiting. The texts of one that is suspended or not approved wait.
    ///
    /// # Errors
    /// [`Error::Unavailable`] or [`Error::Internal`].
    pub fn tenants_with_due_messages(&mut self, last: Option<TenantId>, limit: u16) -> Result<Vec<Tenant>> {
        let waiting = messages::table
            .inner_join(tenants::table)
            .filter(tenants::is_active)
            .filter(tenants::approved_at.is_not_null())
            .filter(sql::<Bool>(DUE_SQL))
            .filter(messages::next_attempt_at.le(self.now()))
            .filter(messages::tenant_id.gt(after(last)))
            .group_by(messages::tenant_id)
            .order(messages::tenant_id)
            .limit(limit.into())
            .select(messages::tenant_id);
        let ids: Vec<TenantId> = Prepared(waiting).load(self.conn)?;
        Ok(ids.into_iter().map(Tenant::proven).collect())
    }
}

impl Messages<'_> {
    /// Claims up to `limit` due texts that may be sent now. Until the claim's end, or until it has passed into doubt and that has
    /// settled, no other worker sees them. Texts that may not be sent any more are called off here.
    ///
    /// # Errors
    /// [`Error::Unavailable`] or [`Error::Internal`].
    pub(crate) fn claim(&mut self, limit: u16, limits: &MessageQueueLimits) -> Result<Claims> {
        let Some(rules) = self.rules()? else { return Ok(Claims::default()) };
        let busy = self.0.tx().number_pacing().busy()?;
        // More than are taken: a person whose lock somebody holds must not keep the others waiting.
        let due = self.due(limit.saturating_mul(2).saturating_add(8), busy.keys())?;
        if due.is_empty() {
            return Ok(Claims { rests_until: busy.values().min().copied(), ..Claims::default() });
        }
        let mut claims = Claims::default();
        let mut wanted = self.with_persons_locked(due)?;
        wanted.truncate(limit.into());
        let wanted = self.without_opted_out(wanted, &mut claims)?;
        let wanted = self.within_limits(wanted, &rules, limits, &mut claims)?;
        self.take(wanted, limits, &mut claims)?;
        Ok(claims)
    }

    /// Due texts, the longest waiting first, locked.
    fn due<'n>(&mut self, limit: u16, busy: impl Iterator<Item = &'n PhoneNumber>) -> Result<Vec<Due>> {
        let busy: Vec<&str> = busy.map(PhoneNumber::as_str).collect();
        let query = messages::table
            .filter(messages::tenant_id.eq(self.0.tenant))
            .filter(sql::<Bool>(DUE_SQL))
            .filter(messages::next_attempt_at.le(self.0.now()))
            .filter(messages::from_number.ne_all(busy))
            .order(messages::next_attempt_at)
            .limit(limit.into())
            .for_update()
            .skip_locked()
            .select((
                messages::id,
                messages::conversation_id,
                messages::from_number,
                messages::to_number,
                messages::message_body,
                messages::message_kind,
                messages::created_at,
                messages::attempts,
                messages::lease_owner,
            ));
        Ok(Prepared(query).load(self.0.conn)?)
    }

    /// The texts whose recipient's lock is to be had at once. Whoever has it may be telling us to stop.
    fn with_persons_locked(&mut self, due: Vec<Due>) -> Result<Vec<(Due, Person)>> {
        let tenant = self.0.tenant;
        let persons: Vec<(Due, Person)> = due
            .into_iter()
            .filter_map(|due| {
                let person = Person::new(due.to.phone()?.clone());
                Some((due, person))
            })
            .collect();
        let keys: HashSet<i64> = persons.iter().map(|(_, person)| person.lock_key(tenant)).collect();
        let locked = self.try_lock(keys.into_iter().collect())?;
        Ok(persons.into_iter().filter(|(_, person)| locked.contains(&person.lock_key(tenant))).collect())
    }

    pub(super) fn try_lock(&mut self, keys: Vec<i64>) -> Result<HashSet<i64>> {
        #[derive(QueryableByName)]
        struct Locked {
            #[diesel(sql_type = BigInt)]
            key: i64,
        }
        let query = diesel::sql_query("SELECT key FROM unnest($1::bigint[]) AS key WHERE pg_try_advisory_xact_lock(key)")
            .bind::<Array<BigInt>, _>(keys);
        let locked: Vec<Locked> = query.load(self.0.conn)?;
        Ok(locked.into_iter().map(|row| row.key).collect())
    }

    /// Writes the claim, and when each number may send its next text. Where numbers have a pace, each sends one.
    fn take(&mut self, wanted: Vec<(Due, Person)>, limits: &MessageQueueLimits, claims: &mut Claims) -> Result<()> {
        let (now, lease) = (self.0.now(), Lease::begin(&mut self.0, limits.flight)?);
        let mut next: HashMap<PhoneNumber, DateTime<Utc>> = HashMap::new();
        for (due, person) in wanted {
            let Some(from) = due.from.phone().cloned() else {
                return Err(Error::internal("an outbound text without a number of ours"));
            };
            if let Some(interval) = limits.pace.interval(&from) {
                if next.contains_key(&from) {
                    continue;
                }
                next.insert(from.clone(), now + interval);
            }
            claims.texts.push(ClaimedMessage {
                id: due.id,
                conversation: due.conversation,
                from,
                to: person.into_phone(),
                body: due.body,
                kind: due.kind,
                created_at: due.created_at,
                attempts: due.attempts + 1,
                lease: lease.id,
                in_doubt: due.held.is_some(),
            });
        }
        if claims.texts.is_empty() {
            return Ok(());
        }
        let ids: Vec<MessageId> = claims.texts.iter().map(|text| text.id).collect();
        let update = diesel::update(messages::table)
            .filter(messages::tenant_id.eq(self.0.tenant))
            .filter(messages::id.eq_any(&ids))
            .set((
                // A look-up is nothing that a STOP has to wait for.
                messages::lease_expires_at.eq(case_when(messages::lease_owner.is_null(), lease.until.into_sql::<TimestamptzN>())
                    .otherwise(now.into_sql::<TimestamptzN>())),
                messages::lease_owner.eq(lease.id),
                // The time from which it is late if nothing comes of this.
                messages::due_since
                    .eq(case_when(messages::due_since.is_null(), messages::next_attempt_at).otherwise(messages::due_since)),
                // Not due again before a doubt has settled: one comparison finds what is due.
                messages::next_attempt_at.eq(lease.until + limits.doubt),
                messages::attempts.eq(messages::attempts + 1),
                messages::updated_at.eq(now),
            ))
            .returning(messages::id);
        let taken = Prepared(update).keys::<MessageId>(self.0.conn)?.len();
        if taken != ids.len() {
            return Err(Error::internal("locked texts could not be claimed"));
        }
        for (number, free_at) in next {
            self.0.tx().number_pacing().set_free_at(&number, free_at)?;
        }
        Ok(())
    }
}

type TimestamptzN = diesel::sql_types::Nullable<diesel::sql_types::Timestamptz>;
