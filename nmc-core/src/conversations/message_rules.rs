//! What may be sent now: the rules that a claim keeps to, and again before a further try.

use super::message_queue::{ClaimedMessage, Claims, Due, pg_try_advisory_xact_lock};
use super::{MessageQueueLimits, Messages};
use crate::schema::{business_settings, consents, conversations, erased_sids, messages, tenants};
use crate::store::{Person, Prepared};
use crate::telephony::TextingHours;
use crate::{ConsentAction, MessageId, MessageKind, MessageStatus, PhoneNumber, Result, TenantId, Timezone};
use chrono::{DateTime, NaiveTime, TimeDelta, Utc};
use diesel::dsl::sql;
use diesel::prelude::*;
use diesel::sql_types::Bool;
use sha2::{Digest as _, Sha256};
use std::collections::{HashMap, HashSet};

/// Automatic texts in a day of a tenant whose settings row is missing; the schema's default.
const DEFAULT_DAILY_TEXTS: i64 = 500;

/// The rules about sending that the tenant's own rows hold.
pub(super) struct Rules {
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

/// The reason why a text was called off, or waits.
pub(crate) const OPTED_OUT: &str = "the recipient opted out before it was sent";
const TOO_LATE: &str = "it could not be sent in time to be of use";
const IN_REVIEW: &str = "it waits until staff have looked at the conversation";
const OUT_OF_HOURS: &str = "it waits for the hours in which the business texts";

/// Whether a claim may go on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Renewal {
    /// The text may be sent.
    Granted,
    /// Somebody holds the person's lock, or the business is not served: not active, or not approved.
    NotNow,
    /// The text is not sent any more, for this reason.
    CalledOff(&'static str),
    /// The text may not be sent before this time, for this reason.
    NotBefore(DateTime<Utc>, &'static str),
    /// The claim has ended: a delivery report has told of the text, or another worker has it.
    Lost,
}

impl Messages<'_> {
    /// The rules of the tenant about sending. `None` when it is not served, or when another worker is claiming for it right now:
    /// pace and limits are kept by one at a time.
    pub(super) fn rules(&mut self) -> Result<Option<Rules>> {
        let query = tenants::table
            .left_join(
                business_settings::table
                    .on(business_settings::tenant_id.eq(tenants::id).and(business_settings::tenant_id.eq(self.0.tenant))),
            )
            .filter(tenants::id.eq(self.0.tenant))
            .filter(tenants::is_active)
            .filter(tenants::approved_at.is_not_null())
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

    /// The texts whose recipient has not opted out; the others' texts are called off. One in doubt may have gone out: its fate is
    /// asked of the provider, not guessed.
    pub(super) fn without_opted_out(&mut self, wanted: Vec<(Due, Person)>, claims: &mut Claims) -> Result<Vec<(Due, Person)>> {
        let spellings: Vec<PhoneNumber> = wanted.iter().flat_map(|(_, person)| person.phone().spellings()).collect();
        let opted_out = self.opted_out(&spellings)?;
        let is_called_off = |due: &Due, person: &Person| due.held.is_none() && opted_out.contains(&person.phone().person());
        let (called_off, wanted): (Vec<_>, Vec<_>) = wanted.into_iter().partition(|(due, person)| is_called_off(due, person));
        claims.ended += called_off.len();
        self.call_off(called_off.iter().map(|(due, _)| due.id).collect(), OPTED_OUT)?;
        Ok(wanted)
    }

    /// The persons among these numbers who have opted out.
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

    /// The automatic texts that the business still allows: not more in a day than it wants, none that comes too late, none to
    /// somebody whose words staff have to look at first. What staff write is not limited.
    pub(super) fn within_limits(
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
            tracing::warn!(tenant = %self.0.tenant, actor = %self.0.actor, limit = rules.daily_limit, "automatic texts called off: the day's limit is reached");
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
        // What was deleted since was sent all the same.
        let deleted = erased_sids::table
            .filter(erased_sids::tenant_id.eq(self.0.tenant))
            .filter(erased_sids::texted_at.gt(now - TimeDelta::hours(24)))
            .count();
        // Both in one statement: what is deleted meanwhile is in one of them, and not in both.
        let counts = diesel::select((query.single_value(), deleted.single_value()));
        let (there, deleted): (Option<i64>, Option<i64>) = Prepared(counts).get_result(self.0.conn)?;
        Ok(there.unwrap_or(0) + deleted.unwrap_or(0))
    }

    /// The persons among these with a conversation that staff have to look at.
    fn under_review(&mut self, persons: &[PhoneNumber]) -> Result<HashSet<PhoneNumber>> {
        let spellings: Vec<PhoneNumber> = persons.iter().flat_map(PhoneNumber::spellings).collect();
        let query = conversations::table
            .filter(conversations::tenant_id.eq(self.0.tenant))
            .filter(conversations::review_requested_at.is_not_null())
            .filter(conversations::customer_phone.eq_any(spellings))
            .select(conversations::customer_phone);
        let found: Vec<PhoneNumber> = Prepared(query).load(self.0.conn)?;
        Ok(found.iter().map(PhoneNumber::person).collect())
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

/// The advisory lock under which one worker at a time claims for a tenant.
fn claiming_key(tenant: TenantId) -> i64 {
    let digest = Sha256::new().chain_update(b"nmc claiming texts").chain_update(tenant.uuid().as_bytes()).finalize();
    digest.first_chunk::<8>().map_or(0, |bytes| i64::from_be_bytes(*bytes))
}
