//! The greeting after a missed call: whether it is due, when, and what it says.

use super::refresh_call::STILL_NEWS;
use crate::calls::Call;
use crate::conversations::NotTexted;
use crate::store::{Prepared, Scope};
use crate::telephony::{NumberKind, TextingHours, untextable_codes};
use crate::tenants::{BusinessHours, DEFAULT_GREETING, GreetingWords, render_greeting};
use crate::{CallId, ConsentAction, Country, Error, PhoneNumber, Result, Timezone};
use chrono::{DateTime, NaiveDate, NaiveTime, TimeDelta, Utc};
use diesel::prelude::*;
use diesel::sql_query;
use diesel::sql_types::{Array, BigInt, Bool, Date, Int4, Nullable, Text, Time, Timestamptz, Uuid};

/// The defaults of the schema, for a tenant whose settings row is missing.
const DEFAULT_COOLDOWN_HOURS: i32 = 24;
const DEFAULT_PERSON_LIMIT: i32 = 5;

/// All that decides about a greeting. `$1` is the tenant, `$2` the person's spellings, `$3` the number that was called, `$4` the call,
/// `$5` now, `$6` and `$7` the codes of failures that tell of an untextable number and since when each of them still counts.
///
/// Each spelling is looked up by itself, by equality, and by a subselect that is no EXISTS: whatever the tables hold when the plan is
/// made, that leaves only the indexes that begin with the tenant and the number. The predicates of partial indexes stand as literals:
/// a plan for all values can't use them otherwise. The oldest text that counts for the cooldown is as old as the longest cooldown,
/// 720 hours; one that waits for the morning is on its way until it has been sent, which takes a day at most.
const CONTEXT: &str = "\
    SELECT t.business_name, t.is_active, t.approved_at IS NOT NULL AS is_approved, t.timezone, \
        t.business_hours_start, t.business_hours_end, \
        ARRAY(SELECT h.day FROM holidays h WHERE h.tenant_id = $1) AS holidays, \
        s.greeting_template, s.greeting_cooldown_hours, s.allowed_countries, s.daily_person_limit, \
        s.texting_starts_at, s.texting_ends_at, s.greeting_at_any_hour, \
        coalesce(n.status = 'active', false) AS number_active, \
        coalesce(n.capabilities ->> 'sms' <> 'false', true) AS number_texts, \
        (SELECT k.action FROM unnest($2::text[]) AS p (phone) CROSS JOIN LATERAL (\
            SELECT k.action, k.sequence FROM consents k WHERE k.tenant_id = $1 AND k.customer_phone = p.phone \
            ORDER BY k.sequence DESC LIMIT 1) AS k ORDER BY k.sequence DESC LIMIT 1) AS consent, \
        'greeting' = ANY (ARRAY(SELECT m.message_kind FROM messages m WHERE m.tenant_id = $1 AND m.call_id = $4)) AS call_greeted, \
        'not_texted' = ANY (ARRAY(\
            SELECT e.event_type FROM conversation_events e WHERE e.tenant_id = $1 AND e.call_id = $4)) AS reason_told, \
        coalesce(person.review_pending, false) AS review_pending, person.last_greeting, \
        coalesce(person.texted_before, false) AS texted_before, coalesce(person.under_way, false) AS under_way, \
        coalesce(person.automatic_texts, 0)::bigint AS automatic_texts, \
        coalesce(person.last_untextable > coalesce(person.last_delivered, '-infinity'), false) AS untextable \
    FROM tenants t \
    LEFT JOIN business_settings s ON s.tenant_id = $1 \
    LEFT JOIN phone_numbers n ON n.tenant_id = $1 AND n.phone_number = $3 AND n.status <> 'released' \
    CROSS JOIN (SELECT \
        bool_or((SELECT true FROM conversations c WHERE c.tenant_id = $1 AND c.customer_phone = p.phone \
            AND c.review_requested_at IS NOT NULL LIMIT 1)) AS review_pending, \
        max((SELECT max(m.created_at) FROM messages m WHERE m.tenant_id = $1 AND m.to_number = p.phone \
            AND m.message_direction = 'outbound' AND m.message_kind = 'greeting' AND m.message_status <> 'canceled' \
            AND m.created_at > $5 - interval '720 hours')) AS last_greeting, \
        bool_or((SELECT true FROM messages m WHERE m.tenant_id = $1 AND m.to_number = p.phone \
            AND m.message_direction = 'outbound' AND m.message_status NOT IN ('failed', 'undelivered', 'canceled') \
            LIMIT 1)) AS texted_before, \
        bool_or(coalesce(\
            (SELECT true FROM messages m WHERE m.tenant_id = $1 AND m.to_number = p.phone \
                AND m.message_direction = 'outbound' AND m.message_status NOT IN ('failed', 'undelivered', 'canceled') \
                AND m.created_at > $5 - interval '48 hours' \
                AND (m.message_status = 'queued' OR coalesce(m.sent_at, m.created_at) > $5 - interval '1 hour') LIMIT 1), \
            (SELECT true FROM messages m WHERE m.tenant_id = $1 AND m.from_number = p.phone \
                AND m.message_direction = 'inbound' AND m.created_at > $5 - interval '1 hour' LIMIT 1))) AS under_way, \
        sum((SELECT count(*) FROM messages m WHERE m.tenant_id = $1 AND m.to_number = p.phone \
            AND m.message_direction = 'outbound' AND m.message_kind <> 'message' AND m.message_status <> 'canceled' \
            AND m.created_at > $5 - interval '24 hours')) AS automatic_texts, \
        max((SELECT max(m.created_at) FROM messages m \
            JOIN unnest($6::int4[], $7::timestamptz[]) AS u (code, since) ON u.code = m.error_code AND u.since < m.created_at \
            WHERE m.tenant_id = $1 AND m.to_number = p.phone AND m.message_direction = 'outbound' \
            AND m.message_status IN ('failed', 'undelivered'))) AS last_untextable, \
        max((SELECT max(m.created_at) FROM messages m WHERE m.tenant_id = $1 AND m.to_number = p.phone \
            AND m.message_direction = 'outbound' AND m.message_status IN ('delivered', 'read'))) AS last_delivered \
        FROM unnest($2::text[]) AS p (phone)) AS person \
    WHERE t.id = $1";

/// All that decides about a greeting, read in one statement under the person's lock.
#[derive(QueryableByName)]
pub(crate) struct GreetingContext {
    #[diesel(sql_type = Text)]
    business_name: String,
    #[diesel(sql_type = Bool)]
    is_active: bool,
    #[diesel(sql_type = Bool)]
    is_approved: bool,
    #[diesel(sql_type = Text)]
    timezone: Timezone,
    #[diesel(sql_type = Time)]
    business_hours_start: NaiveTime,
    #[diesel(sql_type = Time)]
    business_hours_end: NaiveTime,
    #[diesel(sql_type = Array<Date>)]
    holidays: Vec<NaiveDate>,
    #[diesel(sql_type = Nullable<Text>)]
    greeting_template: Option<String>,
    #[diesel(sql_type = Nullable<Int4>)]
    greeting_cooldown_hours: Option<i32>,
    #[diesel(sql_type = Nullable<Array<Text>>)]
    allowed_countries: Option<Vec<String>>,
    #[diesel(sql_type = Nullable<Int4>)]
    daily_person_limit: Option<i32>,
    #[diesel(sql_type = Nullable<Time>)]
    texting_starts_at: Option<NaiveTime>,
    #[diesel(sql_type = Nullable<Time>)]
    texting_ends_at: Option<NaiveTime>,
    #[diesel(sql_type = Nullable<Bool>)]
    greeting_at_any_hour: Option<bool>,
    #[diesel(sql_type = Bool)]
    number_active: bool,
    #[diesel(sql_type = Bool)]
    number_texts: bool,
    #[diesel(sql_type = Nullable<Text>)]
    consent: Option<ConsentAction>,
    #[diesel(sql_type = Bool)]
    review_pending: bool,
    #[diesel(sql_type = Bool)]
    call_greeted: bool,
    #[diesel(sql_type = Bool)]
    reason_told: bool,
    #[diesel(sql_type = Nullable<Timestamptz>)]
    last_greeting: Option<DateTime<Utc>>,
    #[diesel(sql_type = Bool)]
    texted_before: bool,
    #[diesel(sql_type = Bool)]
    under_way: bool,
    #[diesel(sql_type = BigInt)]
    automatic_texts: i64,
    #[diesel(sql_type = Bool)]
    untextable: bool,
}

/// The answer to a missed call.
pub(crate) enum Answer {
    /// The caller gets this text, at this instant.
    Text { body: String, due: DateTime<Utc> },
    /// No text, for this reason, which has not been told of this call.
    NotTexted(NotTexted),
    /// Nothing more: the call has had its greeting, or the log says already why it gets none.
    Settled,
}

impl GreetingContext {
    /// The facts that decide about texts to this person from this number of ours, outside any call.
    pub(crate) fn read(scope: &mut Scope<'_>, person: &PhoneNumber, from: &PhoneNumber) -> Result<Self> {
        Self::read_for(scope, person, None, Some(from))
    }

    /// The facts that decide about an answer to this call of the person to this number of ours.
    pub(crate) fn of_call(scope: &mut Scope<'_>, person: &PhoneNumber, call: CallId, called: &PhoneNumber) -> Result<Self> {
        Self::read_for(scope, person, Some(call), Some(called))
    }

    /// The facts that decide about an answer of staff to this person from this number of ours.
    pub(crate) fn of_reply(scope: &mut Scope<'_>, person: &PhoneNumber, from: Option<&PhoneNumber>) -> Result<Self> {
        Self::read_for(scope, person, None, from)
    }

    fn read_for(scope: &mut Scope<'_>, person: &PhoneNumber, call: Option<CallId>, called: Option<&PhoneNumber>) -> Result<Self> {
        let now = scope.now();
        let (codes, since): (Vec<i32>, Vec<DateTime<Utc>>) = untextable_codes().map(|(code, time)| (code, now - time)).unzip();
        let query = sql_query(CONTEXT)
            .bind::<Uuid, _>(scope.tenant)
            .bind::<Array<Text>, _>(person.spellings())
            .bind::<Nullable<Text>, _>(called)
            .bind::<Nullable<Uuid>, _>(call)
            .bind::<Timestamptz, _>(now)
            .bind::<Array<Int4>, _>(codes)
            .bind::<Array<Timestamptz>, _>(since);
        Ok(Prepared(query).get_result(scope.conn)?)
    }

    /// The answer to this missed call of this person to this number of ours.
    pub(crate) fn answer(&self, call: &Call, person: &PhoneNumber, called: &PhoneNumber, now: DateTime<Utc>) -> Answer {
        if self.call_greeted {
            return Answer::Settled;
        }
        let ended_at = call.ended_at.unwrap_or(now);
        let is_spam = call.stir_verstat.as_deref().is_some_and(|verdict| verdict.to_ascii_lowercase().contains("failed"));
        let reason = [
            (!self.is_active).then_some(NotTexted::BusinessInactive),
            (!self.is_approved).then_some(NotTexted::AwaitingApproval),
            (now.signed_duration_since(ended_at) > STILL_NEWS).then_some(NotTexted::OldNews),
            (self.consent == Some(ConsentAction::OptOut)).then_some(NotTexted::OptedOut),
            self.review_pending.then_some(NotTexted::ReviewPending),
            is_spam.then_some(NotTexted::PossibleSpam),
            self.barred_range(person, called),
            (!self.number_active).then_some(NotTexted::NumberInactive),
            (!self.number_texts).then_some(NotTexted::NumberWithoutSms),
            self.untextable.then_some(NotTexted::Untextable),
            (!self.has_rested(now)).then_some(NotTexted::Cooldown),
            self.under_way.then_some(NotTexted::UnderWay),
            self.has_had_enough().then_some(NotTexted::DailyPersonLimit),
        ];
        match reason.into_iter().flatten().next() {
            Some(_) if self.reason_told => Answer::Settled,
            Some(reason) => Answer::NotTexted(reason),
            None => {
                let due = self.hours().answer_to_call(ended_at, person, self.timezone, now);
                let words = GreetingWords { business_name: &self.business_name, hours: &self.business_hours(), at: due };
                Answer::Text { body: render_greeting(self.template(), &words, !self.texted_before), due }
            }
        }
    }

    /// The business's name.
    pub(crate) fn business_name(&self) -> &str {
        &self.business_name
    }

    /// Whether this person may be texted at all, and the number can.
    pub(crate) fn may_text(&self) -> bool {
        let number_can = self.number_active && self.number_texts;
        self.is_active && self.is_approved && number_can && self.consent != Some(ConsentAction::OptOut)
    }

    /// Whether an answer that this person has asked for is neither dear nor one too many. It goes to any country: whoever asks how to
    /// stop must be told.
    pub(crate) fn may_be_answered(&self, person: &PhoneNumber) -> bool {
        person.kind() == NumberKind::Ordinary && !self.has_had_enough()
    }

    /// Insists that staff may text this person from the number of ours that was read for, if one was. What people write is bound neither to
    /// hours nor to limits.
    ///
    /// # Errors
    /// [`Error::Forbidden`], [`Error::AwaitingApproval`], [`Error::Conflict`] or [`Error::Invalid`], in words for staff.
    pub(crate) fn must_take_reply(&self, has_number: bool) -> Result<()> {
        if !self.is_active {
            return Err(Error::Forbidden("the business is suspended or has left: it sends no texts"));
        }
        if !self.is_approved {
            return Err(Error::AwaitingApproval("can send no texts"));
        }
        if self.consent == Some(ConsentAction::OptOut) {
            return Err(Error::Forbidden("the customer has opted out of texts"));
        }
        if self.untextable {
            let rule = "takes no texts: an earlier one failed for a reason that holds for the next; call instead";
            return Err(Error::conflict("customer_phone", rule));
        }
        if has_number && !self.number_active {
            return Err(Error::invalid("from_number", "must be an active number of this business"));
        }
        if has_number && !self.number_texts {
            return Err(Error::invalid("from_number", "must be a number that can send texts"));
        }
        Ok(())
    }

    fn business_hours(&self) -> BusinessHours {
        let hours = BusinessHours::new(self.business_hours_start, self.business_hours_end, self.timezone);
        hours.closed_on(self.holidays.iter().copied())
    }

    fn template(&self) -> &str {
        self.greeting_template.as_deref().unwrap_or(DEFAULT_GREETING)
    }

    fn hours(&self) -> TextingHours {
        let default = TextingHours::default();
        TextingHours {
            starts_at: self.texting_starts_at.unwrap_or(default.starts_at),
            ends_at: self.texting_ends_at.unwrap_or(default.ends_at),
            greeting_at_any_hour: self.greeting_at_any_hour.unwrap_or(default.greeting_at_any_hour),
        }
    }

    /// Whether the last greeting is as long ago as the business wants it to be. One that failed counts, too: it was an attempt, and paid.
    fn has_rested(&self, now: DateTime<Utc>) -> bool {
        let cooldown = TimeDelta::hours(self.greeting_cooldown_hours.unwrap_or(DEFAULT_COOLDOWN_HOURS).into());
        self.last_greeting.is_none_or(|last| now.signed_duration_since(last) >= cooldown)
    }

    fn has_had_enough(&self) -> bool {
        self.automatic_texts >= i64::from(self.daily_person_limit.unwrap_or(DEFAULT_PERSON_LIMIT))
    }

    /// The reason why a text to this number would be dear or useless.
    fn barred_range(&self, person: &PhoneNumber, called: &PhoneNumber) -> Option<NotTexted> {
        match person.kind() {
            NumberKind::Ordinary if self.is_allowed(person.country(), called) => None,
            NumberKind::Ordinary => Some(NotTexted::CountryNotAllowed),
            NumberKind::Premium => Some(NotTexted::PremiumNumber),
            NumberKind::SharedCost => Some(NotTexted::SharedCostNumber),
            NumberKind::TollFree => Some(NotTexted::TollFreeNumber),
            NumberKind::Satellite => Some(NotTexted::SatelliteNumber),
            NumberKind::Impossible => Some(NotTexted::ImpossibleNumber),
        }
    }

    /// Whether the business texts this country: one of its list or, without a list, that of its number.
    fn is_allowed(&self, country: Option<Country>, called: &PhoneNumber) -> bool {
        let Some(country) = country else { return false };
        match self.allowed_countries.as_deref().unwrap_or_default() {
            [] => called.home_country() == Some(country),
            allowed => allowed.iter().any(|code| code == country.as_str()),
        }
    }
}
