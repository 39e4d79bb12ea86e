//! The outbox as a queue: claimed in two steps (which tenants have due texts, without locks; then a tenant's texts, under
//! `FOR UPDATE SKIP LOCKED`), which is what makes it fair between tenants.
//!
//! A claim is also the decision that a text may be sent. It is made under the recipient's lock and committed before the provider
//! is called: an opt-out that commits before it finds the text not claimed and calls it off; one that commits after it waits until
//! the text is no longer under way (`lease_expires_at`). Nobody waits here: a person whose lock is taken is left for the next look.

use super::message::DUE_SQL;
use super::{MessageQueueLimits, Messages};
use crate::numbers::NumberPacing;
use crate::schema::{business_settings, consents, conversations, messages, tenants};
use crate::store::{Person, Prepared, SystemTx, Tenant};
use crate::telephony::TextingHours;
use crate::{
    ConsentAction, ConversationId, Error, LeaseId, MessageId, MessageKind, MessageStatus, PhoneNumber, Result, TenantId, Timezone,
};
use chrono::{DateTime, NaiveTime, TimeDelta, Utc};
use diesel::dsl::{case_when, sql};
use diesel::prelude::*;
use diesel::sql_types::{Array, BigInt, Bool};
use sha2::{Digest as _, Sha256};
use std::collections::{HashMap, HashSet};
use uuid::Uuid;

diesel::define_sql_function! {
    /// PostgreSQL's own: takes a lock until the end of the transaction, or says that somebody else has it.
    fn pg_try_advisory_xact_lock(key: BigInt) -> Bool;
}

/// One text that a worker holds under a lease.
#[derive(Debug, Clone)]
pub(crate) struct ClaimedMessage {
    /// The text.
    pub(crate) id: MessageId,
    /// Its conversation.
    pub(crate) conversation: ConversationId,
    /// The number of ours it leaves from.
    pub(crate) from: PhoneNumber,
    /// Its recipient.
    pub(crate) to: PhoneNumber,
    /// Its words.
    pub(crate) body: String,
    /// Why it is sent.
    pub(crate) kind: MessageKind,
    /// When it was queued.
    pub(crate) created_at: DateTime<Utc>,
    /// Attempts, this one included.
    pub(crate) attempts: i32,
    /// This claim; a later one of the same text has another.
    pub(crate) lease: LeaseId,
    /// Whether an earlier attempt may have succeeded: the provider must be asked before it is sent again.
    pub(crate) in_doubt: bool,
}

/// What a look at a tenant's outbox came to.
#[derive(Debug, Default)]
pub(crate) struct Claims {
    /// What may be sent, or has to be looked up.
    pub(crate) texts: Vec<ClaimedMessage>,
    /// Texts that were called off or will have to wait, and why.
    pub(crate) ended: usize,
    /// When there is something to do again, if that is known: the numbers that texts are due from may not send before.
    pub(crate) rests_until: Option<DateTime<Utc>>,
}

/// A due text as it is looked at.
#[derive(Debug, Queryable)]
struct Due {
    id: MessageId,
    conversation: ConversationId,
    from: crate::CallerIdentity,
    to: crate::CallerIdentity,
    body: String,
    kind: MessageKind,
    created_at: DateTime<Utc>,
    attempts: i32,
    held: Option<LeaseId>,
}

/// Automatic texts in a day of a tenant whose settings row is missing; the schema's default.
const DEFAULT_DAILY_TEXTS: i64 = 500;

/// What the tenant's own rows say about sending.
struct Rules {
    daily_limit: i64,
    hours: TextingHours,
    zone: Timezone,
}

impl Rules {
    /// When a text of this kind may go out, if not now: a greeting that was held up may have come into the night. HELP is answered
    /// at any hour, as it was asked.
    fn not_before(
        &self,
        kind: MessageKind,
        created_at: DateTime<Utc>,
        person: &PhoneNumber,
        now: DateTime<Utc>,
    ) -> Option<DateTime<Utc>> {
        if kind != MessageKind::Greeting {
            return None;
        }
        let at = self.hours.answer_to_call(created_at, person, self.zone, now);
        Some(at).filter(|at| *at > now)
    }
}

impl SystemTx<'_> {
    /// Tenants with texts due, in the order of their ids from after `last` on; `limit` at the most. Whoever goes on where the
    /// last look ended comes past every tenant in turn, however much some of them have waiting. A suspended one's texts wait.
    ///
    /// # Errors
    /// [`Error::Unavailable`] or [`Error::Internal`].
    pub fn tenants_with_due_messages(&mut self, last: Option<TenantId>, limit: u16) -> Result<Vec<Tenant>> {
        let waiting = messages::table
            .inner_join(tenants::table)
            .filter(tenants::is_active)
            .filter(sql::<Bool>(DUE_SQL))
            .filter(messages::next_attempt_at.le(self.now()))
            .filter(messages::tenant_id.gt(last.unwrap_or(TenantId::new(Uuid::nil()))))
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
        let busy = NumberPacing::over(self.0.reborrow()).busy()?;
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

    /// What the tenant allows. `None` when it is not served, or when another worker is claiming for it right now: pace and limits
    /// are kept by one at a time.
    fn rules(&mut self) -> Result<Option<Rules>> {
        let query = tenants::table
            .left_join(
                business_settings::table
                    .on(business_settings::tenant_id.eq(tenants::id).and(business_settings::tenant_id.eq(self.0.tenant))),
            )
            .filter(tenants::id.eq(self.0.tenant))
            .filter(tenants::is_active)
            .select((
                pg_try_advisory_xact_lock(claiming_key(self.0.tenant)),
                tenants::timezone,
                (
                    business_settings::daily_text_limit,
                    business_settings::texting_starts_at,
                    business_settings::texting_ends_at,
                    business_settings::greeting_at_any_hour,
                )
                    .nullable(),
            ));
        type Row = (bool, Timezone, Option<(i32, NaiveTime, NaiveTime, bool)>);
        let row: Option<Row> = Prepared(query).get_result(self.0.conn).optional()?;
        let Some((true, zone, settings)) = row else { return Ok(None) };
        Ok(Some(match settings {
            Some((limit, starts_at, ends_at, greeting_at_any_hour)) => {
                Rules { daily_limit: limit.into(), hours: TextingHours { starts_at, ends_at, greeting_at_any_hour }, zone }
            }
            None => Rules { daily_limit: DEFAULT_DAILY_TEXTS, hours: TextingHours::default(), zone },
        }))
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

    /// Those whose recipient's lock is to be had at once. Whoever has it may be telling us to stop.
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

    fn try_lock(&mut self, keys: Vec<i64>) -> Result<HashSet<i64>> {
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

    /// Those whose recipient has not opted out; the others' texts are called off. One in doubt may have gone out: its fate is asked
    /// of the provider, not guessed.
    fn without_opted_out(&mut self, wanted: Vec<(Due, Person)>, claims: &mut Claims) -> Result<Vec<(Due, Person)>> {
        let spellings: Vec<PhoneNumber> = wanted.iter().flat_map(|(_, person)| person.phone().spellings()).collect();
        let opted_out = self.opted_out(&spellings)?;
        let is_called_off = |due: &Due, person: &Person| due.held.is_none() && opted_out.contains(&person.phone().person());
        let (called_off, wanted): (Vec<_>, Vec<_>) = wanted.into_iter().partition(|(due, person)| is_called_off(due, person));
        claims.ended += called_off.len();
        self.call_off(called_off.iter().map(|(due, _)| due.id).collect(), OPTED_OUT)?;
        Ok(wanted)
    }

    /// Of these numbers, the persons who have opted out.
    fn opted_out(&mut self, spellings: &[PhoneNumber]) -> Result<HashSet<PhoneNumber>> {
        let query = consents::table
            .filter(consents::tenant_id.eq(self.0.tenant))
            .filter(consents::customer_phone.eq_any(spellings))
            .order((consents::customer_phone, consents::sequence.desc()))
            .distinct_on(consents::customer_phone)
            .select((consents::customer_phone, consents::sequence, consents::action));
        let entries: Vec<(PhoneNumber, i64, ConsentAction)> = Prepared(query).load(self.0.conn)?;
        let mut latest: HashMap<PhoneNumber, (i64, ConsentAction)> = HashMap::new();
        for (phone, sequence, action) in entries {
            let entry = latest.entry(phone.person()).or_insert((sequence, action));
            if entry.0 < sequence {
                *entry = (sequence, action);
            }
        }
        Ok(latest.into_iter().filter(|(_, (_, action))| *action == ConsentAction::OptOut).map(|(person, _)| person).collect())
    }

    /// Those automatic texts that the business still allows: not more in a day than it wants, none that comes too late, none to
    /// somebody whose words staff have to look at first. What staff write is not limited.
    fn within_limits(
        &mut self,
        wanted: Vec<(Due, Person)>,
        rules: &Rules,
        limits: &MessageQueueLimits,
        claims: &mut Claims,
    ) -> Result<Vec<(Due, Person)>> {
        let is_fresh_automatic = |due: &Due| due.kind != MessageKind::Message && due.held.is_none();
        let persons: Vec<PhoneNumber> =
            wanted.iter().filter(|(due, _)| is_fresh_automatic(due)).map(|(_, person)| person.phone().person()).collect();
        if persons.is_empty() {
            return Ok(wanted);
        }
        let now = self.0.now();
        let mut left = rules.daily_limit - self.automatic_today()?;
        let paused = self.under_review(&persons)?;
        let (mut allowed, mut late, mut beyond, mut waiting) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        for (due, person) in wanted {
            if !is_fresh_automatic(&due) {
                allowed.push((due, person));
            } else if now.signed_duration_since(due.created_at) > limits.automatic_expiry {
                late.push(due.id);
            } else if paused.contains(&person.phone().person()) {
                waiting.push(due.id);
            } else if let Some(at) = rules.not_before(due.kind, due.created_at, person.phone(), now) {
                self.postpone(vec![due.id], at, OUT_OF_HOURS)?;
                claims.ended += 1;
            } else if left <= 0 {
                beyond.push(due.id);
            } else {
                left -= 1;
                allowed.push((due, person));
            }
        }
        claims.ended += late.len() + beyond.len() + waiting.len();
        if !beyond.is_empty() {
            tracing::warn!(tenant = %self.0.tenant, limit = rules.daily_limit, "automatic texts called off: the day's limit is reached");
        }
        self.call_off(late, TOO_LATE)?;
        self.call_off(beyond, &format!("the business's limit of {} automatic texts in 24 hours is reached", rules.daily_limit))?;
        self.postpone(waiting, now + limits.review_pause, IN_REVIEW)?;
        Ok(allowed)
    }

    /// Automatic texts that have gone out in the last 24 hours, or are on their way.
    fn automatic_today(&mut self) -> Result<i64> {
        let now = self.0.now();
        let query = messages::table
            .filter(messages::tenant_id.eq(self.0.tenant))
            .filter(sql::<Bool>("message_kind <> 'message'"))
            .filter(messages::created_at.gt(now - TimeDelta::hours(48)))
            .filter(messages::sent_at.gt(now - TimeDelta::hours(24)).or(messages::lease_owner.is_not_null()))
            .count();
        Ok(Prepared(query).get_result(self.0.conn)?)
    }

    /// Of these persons, those with a conversation that staff have to look at.
    fn under_review(&mut self, persons: &[PhoneNumber]) -> Result<HashSet<PhoneNumber>> {
        let query = conversations::table
            .filter(conversations::tenant_id.eq(self.0.tenant))
            .filter(conversations::review_requested_at.is_not_null())
            .filter(conversations::customer_phone.eq_any(persons))
            .select(conversations::customer_phone);
        let found: Vec<PhoneNumber> = Prepared(query).load(self.0.conn)?;
        Ok(found.into_iter().collect())
    }

    /// Writes the claim, and when each number may send its next text. Where numbers have a pace, each sends one.
    fn take(&mut self, wanted: Vec<(Due, Person)>, limits: &MessageQueueLimits, claims: &mut Claims) -> Result<()> {
        let (now, lease) = (self.0.now(), LeaseId::new(self.0.moment.id()));
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
                lease,
                in_doubt: due.held.is_some(),
            });
        }
        if claims.texts.is_empty() {
            return Ok(());
        }
        let until = now + limits.flight;
        let ids: Vec<MessageId> = claims.texts.iter().map(|text| text.id).collect();
        let update = diesel::update(messages::table)
            .filter(messages::tenant_id.eq(self.0.tenant))
            .filter(messages::id.eq_any(&ids))
            .set((
                // A look-up is nothing that a STOP has to wait for.
                messages::lease_expires_at.eq(case_when(messages::lease_owner.is_null(), until.into_sql::<TimestamptzN>())
                    .otherwise(now.into_sql::<TimestamptzN>())),
                messages::lease_owner.eq(lease),
                // Not due again before a doubt has settled: one comparison finds what is due.
                messages::next_attempt_at.eq(until + limits.doubt),
                messages::attempts.eq(messages::attempts + 1),
                messages::updated_at.eq(now),
            ))
            .returning(messages::id);
        let taken = Prepared(update).keys::<MessageId>(self.0.conn)?.len();
        if taken != ids.len() {
            return Err(Error::internal("locked texts could not be claimed"));
        }
        for (number, free_at) in next {
            NumberPacing::over(self.0.reborrow()).set_free_at(&number, free_at)?;
        }
        Ok(())
    }

    /// Whether a text that turned out never to have been sent may be sent now, decided as by a claim, and the claim renewed.
    ///
    /// # Errors
    /// [`Error::Unavailable`] or [`Error::Internal`].
    pub(crate) fn renew(&mut self, claimed: &ClaimedMessage, limits: &MessageQueueLimits) -> Result<Renewal> {
        let person = Person::new(claimed.to.clone());
        if self.try_lock(vec![person.lock_key(self.0.tenant)])?.is_empty() {
            return Ok(Renewal::NotNow);
        }
        let Some(rules) = self.rules()? else { return Ok(Renewal::NotNow) };
        if !self.opted_out(&claimed.to.spellings())?.is_empty() {
            return Ok(Renewal::CalledOff(OPTED_OUT));
        }
        if claimed.kind != MessageKind::Message {
            let now = self.0.now();
            if now.signed_duration_since(claimed.created_at) > limits.automatic_expiry {
                return Ok(Renewal::CalledOff(TOO_LATE));
            }
            if !self.under_review(&[claimed.to.person()])?.is_empty() {
                return Ok(Renewal::NotBefore(now + limits.review_pause, IN_REVIEW));
            }
            if let Some(at) = rules.not_before(claimed.kind, claimed.created_at, &claimed.to, now) {
                return Ok(Renewal::NotBefore(at, OUT_OF_HOURS));
            }
        }
        let until = self.0.now() + limits.flight;
        let update = diesel::update(messages::table)
            .filter(messages::tenant_id.eq(self.0.tenant))
            .filter(messages::id.eq(claimed.id))
            .filter(messages::lease_owner.eq(claimed.lease))
            .filter(messages::message_status.eq(MessageStatus::Queued))
            .set((
                messages::lease_expires_at.eq(until),
                messages::next_attempt_at.eq(until + limits.doubt),
                messages::updated_at.eq(self.0.now()),
            ))
            .returning(messages::id);
        let renewed = Prepared(update).keys::<MessageId>(self.0.conn)?.len() == 1;
        Ok(if renewed { Renewal::Granted } else { Renewal::Lost })
    }
}

type TimestamptzN = diesel::sql_types::Nullable<diesel::sql_types::Timestamptz>;

/// Why a text was called off, or waits.
pub(crate) const OPTED_OUT: &str = "the recipient opted out before it was sent";
const TOO_LATE: &str = "it could not be sent in time to be of use";
const IN_REVIEW: &str = "it waits until staff have looked at the conversation";
const OUT_OF_HOURS: &str = "it waits for the hours in which the business texts";

/// Whether a claim may go on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Renewal {
    /// It may.
    Granted,
    /// Somebody holds the person's lock, or the business is not served.
    NotNow,
    /// It is not sent any more, for this reason.
    CalledOff(&'static str),
    /// It may not be sent before this time, for this reason.
    NotBefore(DateTime<Utc>, &'static str),
    /// It has ended: a delivery report has told of the text, or another worker has it.
    Lost,
}

/// The advisory lock under which one worker at a time claims for a tenant.
fn claiming_key(tenant: TenantId) -> i64 {
    let digest = Sha256::new().chain_update(b"nmc claiming texts").chain_update(tenant.uuid().as_bytes()).finalize();
    digest.first_chunk::<8>().map_or(0, |bytes| i64::from_be_bytes(*bytes))
}
