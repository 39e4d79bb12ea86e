//! Calls: one row per call that came in or went out.

use super::facts::AHEAD;
use crate::constraint::refusal;
use crate::error::found;
use crate::page::{Counted, Cursor, Page, PageRequest, keyset};
use crate::schema::calls;
use crate::store::{Scope, TenantTx};
use crate::types::bounds::{self, instant};
use crate::types::optional;
use crate::{
    CallDirection, CallId, CallOutcome, CallStatus, CallType, CallerIdentity, ConversationId, Error, ForwardedLegStatus,
    PhoneNumber, Result, StreamEventKind, TenantId,
};
use chrono::{DateTime, Utc};
use diesel::dsl::sql;
use diesel::pg::Pg;
use diesel::prelude::*;
use diesel::sql_types::Bool;
use rust_decimal::Decimal;

/// One call.
#[derive(Debug, Clone, PartialEq, HasQuery, Insertable)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[cfg_attr(not(feature = "testing"), non_exhaustive)]
#[diesel(table_name = calls, check_for_backend(Pg), treat_none_as_default_value = false)]
#[expect(missing_docs, reason = "the columns are documented in the schema")]
pub struct Call {
    pub id: CallId,
    pub tenant_id: TenantId,
    pub conversation_id: Option<ConversationId>,
    pub caller_phone: CallerIdentity,
    pub called_phone: CallerIdentity,
    pub call_direction: CallDirection,
    pub call_status: CallStatus,
    pub call_type: CallType,
    pub duration_seconds: Option<i32>,
    pub started_at: Option<DateTime<Utc>>,
    pub ended_at: Option<DateTime<Utc>>,
    pub recording_url: Option<String>,
    pub recording_duration_seconds: Option<i32>,
    pub twilio_call_sid: Option<String>,
    pub caller_name: Option<String>,
    pub caller_city: Option<String>,
    pub caller_state: Option<String>,
    pub caller_country: Option<String>,
    pub disconnect_reason: Option<String>,
    pub price: Option<Decimal>,
    pub price_unit: String,
    pub answered_by: Option<String>,
    pub forwarded_from: Option<String>,
    pub outcome: Option<CallOutcome>,
    pub forwarded_leg_status: Option<ForwardedLegStatus>,
    pub forwarded_leg_bridged: Option<bool>,
    pub error_code: Option<i32>,
    pub stir_verstat: Option<String>,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
}

/// A call to record.
#[derive(Debug, Clone)]
#[expect(missing_docs, reason = "the columns are documented in the schema")]
pub struct NewCall {
    pub caller_phone: CallerIdentity,
    pub called_phone: CallerIdentity,
    pub call_direction: CallDirection,
    pub call_status: CallStatus,
    pub twilio_call_sid: Option<String>,
    pub conversation_id: Option<ConversationId>,
    pub started_at: Option<DateTime<Utc>>,
    pub ended_at: Option<DateTime<Utc>>,
    pub duration_seconds: Option<i32>,
    pub outcome: Option<CallOutcome>,
    pub call_type: CallType,
    pub caller_name: Option<String>,
    pub caller_city: Option<String>,
    pub caller_state: Option<String>,
    pub caller_country: Option<String>,
    pub recording_url: Option<String>,
    pub recording_duration_seconds: Option<i32>,
    pub disconnect_reason: Option<String>,
    /// The cost of the call, in US dollars: Twilio's price without its minus sign.
    pub price: Option<Decimal>,
    pub answered_by: Option<String>,
    pub forwarded_from: Option<String>,
}

impl NewCall {
    /// A call of which only the parties are known.
    #[must_use]
    pub const fn begun(direction: CallDirection, caller: CallerIdentity, called: CallerIdentity, sid: String) -> Self {
        Self {
            caller_phone: caller,
            called_phone: called,
            call_direction: direction,
            call_status: CallStatus::Initiated,
            twilio_call_sid: Some(sid),
            conversation_id: None,
            started_at: None,
            ended_at: None,
            duration_seconds: None,
            outcome: None,
            call_type: CallType::Voice,
            caller_name: None,
            caller_city: None,
            caller_state: None,
            caller_country: None,
            recording_url: None,
            recording_duration_seconds: None,
            disconnect_reason: None,
            price: None,
            answered_by: None,
            forwarded_from: None,
        }
    }

    /// The call as it is stored, or why it can't be.
    pub(super) fn checked(&self) -> Result<Self> {
        self.caller_phone.checked("caller_phone", 255)?;
        self.called_phone.checked("called_phone", 255)?;
        if self.duration_seconds.is_some_and(|seconds| seconds < 0) {
            return Err(refusal("calls_duration_seconds_check"));
        }
        if self.recording_duration_seconds.is_some_and(|seconds| seconds < 0) {
            return Err(refusal("calls_recording_duration_seconds_check"));
        }
        if self.started_at.zip(self.ended_at).is_some_and(|(started, ended)| ended < started) {
            return Err(refusal("calls_ended_at_check"));
        }
        if self.outcome.is_some() && !self.call_status.is_terminal() {
            return Err(refusal("calls_outcome_call_status_check"));
        }
        let price = self.price.map(|price| bounds::PRICE.exact("price", price)).transpose()?;
        if price.is_some_and(|price| price.is_sign_negative()) {
            return Err(refusal("calls_price_check"));
        }
        Ok(Self {
            price,
            twilio_call_sid: optional("twilio_call_sid", self.twilio_call_sid.as_deref(), 100)?,
            caller_name: optional("caller_name", self.caller_name.as_deref(), 255)?,
            caller_city: optional("caller_city", self.caller_city.as_deref(), 100)?,
            caller_state: optional("caller_state", self.caller_state.as_deref(), 50)?,
            caller_country: optional("caller_country", self.caller_country.as_deref(), 3)?,
            recording_url: optional("recording_url", self.recording_url.as_deref(), 2_000)?,
            disconnect_reason: optional("disconnect_reason", self.disconnect_reason.as_deref(), 100)?,
            answered_by: optional("answered_by", self.answered_by.as_deref(), 100)?,
            forwarded_from: optional("forwarded_from", self.forwarded_from.as_deref(), 20)?,
            started_at: self.started_at.map(|at| instant("started_at", at)).transpose()?,
            ended_at: self.ended_at.map(|at| instant("ended_at", at)).transpose()?,
            ..self.clone()
        })
    }

    /// Insists that the call lies in the past, but for the day that clocks and zones may be apart: in the future it would be the newest
    /// for ever.
    ///
    /// # Errors
    /// [`Error::Invalid`] of the instant that is ahead of `now`.
    pub fn lies_before(&self, now: DateTime<Utc>) -> Result<()> {
        let ahead = [("started_at", self.started_at), ("ended_at", self.ended_at)];
        match ahead.into_iter().find(|(_, at)| at.is_some_and(|at| at - now > AHEAD)) {
            Some((field, _)) => Err(Error::invalid(field, "must be at most a day in the future")),
            None => Ok(()),
        }
    }

    /// The row it makes, with the defaults of the schema.
    pub(crate) fn into_row(self, scope: &Scope<'_>) -> Call {
        Call {
            id: CallId::new(scope.moment.id()),
            tenant_id: scope.tenant,
            conversation_id: self.conversation_id,
            caller_phone: self.caller_phone,
            called_phone: self.called_phone,
            call_direction: self.call_direction,
            call_status: self.call_status,
            call_type: self.call_type,
            duration_seconds: self.duration_seconds,
            started_at: self.started_at,
            ended_at: self.ended_at,
            recording_url: self.recording_url,
            recording_duration_seconds: self.recording_duration_seconds,
            twilio_call_sid: self.twilio_call_sid,
            caller_name: self.caller_name,
            caller_city: self.caller_city,
            caller_state: self.caller_state,
            caller_country: self.caller_country,
            disconnect_reason: self.disconnect_reason,
            price: self.price,
            price_unit: "USD".to_owned(),
            answered_by: self.answered_by,
            forwarded_from: self.forwarded_from,
            outcome: self.outcome,
            forwarded_leg_status: None,
            forwarded_leg_bridged: None,
            error_code: None,
            stir_verstat: None,
            created_at: scope.now(),
            updated_at: scope.now(),
        }
    }
}

/// A filter of calls. Empty means all.
#[derive(Debug, Clone, Default)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct CallFilter {
    /// The status of the calls.
    pub status: Option<CallStatus>,
    /// The outcome of the calls.
    pub outcome: Option<CallOutcome>,
    /// The direction of the calls.
    pub direction: Option<CallDirection>,
    /// The caller, in whatever spelling.
    pub caller: Option<CallerIdentity>,
    /// The number of ours that was called.
    pub called: Option<PhoneNumber>,
    /// The conversation of the calls.
    pub conversation: Option<ConversationId>,
    /// Whether the calls are still going on (true), or over (false).
    pub active: Option<bool>,
    /// The instant at or after which the calls were recorded.
    pub from: Option<DateTime<Utc>>,
    /// The instant before which the calls were recorded.
    pub until: Option<DateTime<Utc>>,
    /// The instant at or after which the calls began: an imported call was recorded long after that.
    pub started_from: Option<DateTime<Utc>>,
    /// The instant before which the calls began.
    pub started_until: Option<DateTime<Utc>>,
}

/// A tenant's calls.
pub struct Calls<'a>(pub(crate) Scope<'a>);

impl TenantTx<'_> {
    /// The tenant's calls.
    pub const fn calls(&mut self) -> Calls<'_> {
        Calls(self.0.reborrow())
    }
}

const ACTIVE: [CallStatus; 3] = [CallStatus::Initiated, CallStatus::Ringing, CallStatus::InProgress];

/// The predicates of partial indexes, to the letter: PostgreSQL can't match them with bound values.
const ACTIVE_SQL: &str = "call_status IN ('initiated', 'ringing', 'in-progress')";
const RARE_STATUS_SQL: &str = "call_status NOT IN ('completed', 'no-answer')";
const NOT_INBOUND_SQL: &str = "call_direction <> 'inbound'";

/// The calls that the filter names, for list and count alike.
pub(super) fn filtered<'q, ST>(
    mut query: calls::BoxedQuery<'q, Pg, ST>,
    filter: &'q CallFilter,
) -> calls::BoxedQuery<'q, Pg, ST> {
    if let Some(status) = filter.status {
        query = query.filter(calls::call_status.eq(status));
        if !matches!(status, CallStatus::Completed | CallStatus::NoAnswer) {
            query = query.filter(sql::<Bool>(RARE_STATUS_SQL));
        }
    }
    if let Some(outcome) = filter.outcome {
        query = query.filter(calls::outcome.eq(outcome));
    }
    if let Some(direction) = filter.direction {
        query = query.filter(calls::call_direction.eq(direction));
        if direction != CallDirection::Inbound {
            query = query.filter(sql::<Bool>(NOT_INBOUND_SQL));
        }
    }
    if let Some(caller) = &filter.caller {
        query = query.filter(calls::caller_phone.eq_any(caller.spellings()));
    }
    if let Some(called) = &filter.called {
        query = query.filter(calls::called_phone.eq(called));
    }
    if let Some(conversation) = filter.conversation {
        query = query.filter(calls::conversation_id.eq(conversation));
    }
    match filter.active {
        Some(true) => query = query.filter(sql::<Bool>(ACTIVE_SQL)),
        Some(false) => query = query.filter(calls::call_status.ne_all(ACTIVE)),
        None => {}
    }
    if let Some(from) = filter.from {
        query = query.filter(calls::created_at.ge(from));
    }
    if let Some(until) = filter.until {
        query = query.filter(calls::created_at.lt(until));
    }
    if let Some(from) = filter.started_from {
        query = query.filter(calls::started_at.ge(from));
    }
    if let Some(until) = filter.started_until {
        query = query.filter(calls::started_at.lt(until));
    }
    query
}

impl Calls<'_> {
    /// The call, if it is there.
    ///
    /// # Errors
    /// [`crate::Error::Unavailable`] or [`crate::Error::Internal`].
    pub fn find(&mut self, id: CallId) -> Result<Option<Call>> {
        Ok(Call::query().filter(calls::tenant_id.eq(self.0.tenant)).filter(calls::id.eq(id)).first(self.0.conn).optional()?)
    }

    /// The call with this id.
    ///
    /// # Errors
    /// [`crate::Error::NotFound`].
    pub fn get(&mut self, id: CallId) -> Result<Call> {
        found(self.find(id)?, "call")
    }

    /// The call with Twilio's SID, if it is there.
    ///
    /// # Errors
    /// As [`Self::find`].
    pub fn find_by_sid(&mut self, sid: &str) -> Result<Option<Call>> {
        Ok(Call::query()
            .filter(calls::tenant_id.eq(self.0.tenant))
            .filter(calls::twilio_call_sid.eq(sid))
            .first(self.0.conn)
            .optional()?)
    }

    /// A page of calls, newest first: those that were recorded last, or, by a filter of when they began, those that began last.
    ///
    /// # Errors
    /// As [`Self::find`].
    pub fn list(&mut self, filter: &CallFilter, page: PageRequest) -> Result<Page<Call>> {
        if filter.is_by_beginning() {
            return self.list_by_beginning(filter, page);
        }
        let query = filtered(Call::query().filter(calls::tenant_id.eq(self.0.tenant)).into_boxed(), filter);
        let rows = keyset(query, page, calls::created_at, calls::id).load(self.0.conn)?;
        Ok(Page::from_rows(rows, page, |row: &Call| Cursor { at: row.created_at, id: row.id.uuid() }))
    }

    /// The number of calls that a filter finds, counted up to `most`: that many, or more. It reads what a page of as many reads.
    ///
    /// # Errors
    /// As [`Self::find`].
    pub fn count_up_to(&mut self, most: u16, filter: &CallFilter) -> Result<i64> {
        if filter.is_by_beginning() {
            return self.count_by_beginning(most, filter);
        }
        let query = calls::table.filter(calls::tenant_id.eq(self.0.tenant)).select(calls::id).into_boxed();
        let newest = (calls::created_at.desc(), calls::id.desc());
        Ok(Counted(filtered(query, filter).order(newest).limit(most.into())).get_result(self.0.conn)?)
    }

    /// The number of calls that a filter finds; it reads each of them.
    ///
    /// # Errors
    /// As [`Self::find`].
    pub fn count(&mut self, filter: &CallFilter) -> Result<i64> {
        let query = calls::table.filter(calls::tenant_id.eq(self.0.tenant)).count();
        Ok(filtered(query.into_boxed(), filter).get_result(self.0.conn)?)
    }

    /// Records a call.
    ///
    /// # Errors
    /// [`crate::Error::Conflict`] on a SID that is there already, [`crate::Error::Invalid`] on a broken rule, such as a beginning more than
    /// a day in the future.
    pub fn create(&mut self, new: &NewCall) -> Result<Call> {
        let new = new.checked()?;
        new.lies_before(self.0.now())?;
        let row = new.into_row(&self.0);
        let row: Call = diesel::insert_into(calls::table).values(&row).returning(Call::as_returning()).get_result(self.0.conn)?;
        self.0.note(StreamEventKind::CallCreated, row.id.uuid());
        Ok(row)
    }
}
