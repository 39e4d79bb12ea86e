//! Calls as the reports see them: one row per call, recomputed in place.

use crate::constraint::refusal;
use crate::error::{found, touched_one};
use crate::page::{Cursor, Page, PageRequest, keyset};
use crate::schema::call_analytics as figures;
use crate::store::{Scope, TenantTx, stamped};
use crate::types::bounds::{self, instant};
use crate::types::{json, optional};
use crate::{
    CallAnalyticsId, CallAnalyticsStatus, CallId, CallOutcome, CallType, ConversationId, ConversionStatus, Patch, PhoneNumber,
    Result, TenantId, Version,
};
use chrono::{DateTime, Utc};
use diesel::pg::Pg;
use diesel::prelude::*;
use rust_decimal::Decimal;
use serde_json::Value;

/// The figures of one call.
#[derive(Debug, Clone, PartialEq, HasQuery)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[cfg_attr(not(feature = "testing"), non_exhaustive)]
#[diesel(table_name = figures, check_for_backend(Pg))]
#[expect(missing_docs, reason = "the columns are documented in the schema")]
pub struct CallAnalytics {
    pub id: CallAnalyticsId,
    pub tenant_id: TenantId,
    pub call_id: Option<CallId>,
    pub conversation_id: Option<ConversationId>,
    pub phone_number: Option<PhoneNumber>,
    pub call_type: Option<CallType>,
    pub call_status: Option<CallAnalyticsStatus>,
    pub call_duration: Option<i32>,
    pub ai_takeover_count: i32,
    pub customer_satisfaction: Option<Decimal>,
    pub conversion_status: Option<ConversionStatus>,
    pub revenue_impact: Option<Decimal>,
    pub cost_per_call: Option<Decimal>,
    pub tags: Option<String>,
    pub metadata: Value,
    pub call_date: DateTime<Utc>,
    pub processed_at: DateTime<Utc>,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
}

impl CallAnalytics {
    /// The version of what people tell of the call; the other figures move by themselves.
    #[must_use]
    pub fn version(&self) -> Version {
        let number = |value: Option<Decimal>| value.map(|value| value.normalize().to_string()).unwrap_or_default();
        let (rating, revenue) = (number(self.customer_satisfaction), number(self.revenue_impact));
        let conversion = self.conversion_status.map(ConversionStatus::label).unwrap_or_default();
        Version::of_content(&[&rating, &revenue, conversion, self.tags.as_deref().unwrap_or_default()])
    }
}

/// The figures of a call, computed now.
#[derive(Debug, Clone, Insertable)]
#[diesel(table_name = figures, check_for_backend(Pg), treat_none_as_default_value = false)]
pub struct NewCallAnalytics {
    /// The call; `None` for figures brought in from elsewhere.
    pub call_id: Option<CallId>,
    /// The conversation of the call.
    pub conversation_id: Option<ConversationId>,
    /// The customer's number.
    pub phone_number: Option<PhoneNumber>,
    /// The type of the call.
    pub call_type: Option<CallType>,
    /// The outcome of the call, or `completed` where it has none.
    pub call_status: Option<CallAnalyticsStatus>,
    /// The length of the call in seconds.
    pub call_duration: Option<i32>,
    /// The number of times that the AI took over.
    pub ai_takeover_count: i32,
    /// The customer's rating, 1 to 5.
    pub customer_satisfaction: Option<Decimal>,
    /// The result of the lead.
    pub conversion_status: Option<ConversionStatus>,
    /// The revenue ascribed to the call, in US dollars; a refund is negative.
    pub revenue_impact: Option<Decimal>,
    /// The cost of the call, in US dollars. The roll-up puts the call's own price in its place, or nothing where that has none: it stays
    /// only where there is no call.
    pub cost_per_call: Option<Decimal>,
    /// Labels, as one text; up to 1,000 characters.
    pub tags: Option<String>,
    /// An object: anything else the computation found.
    pub metadata: Value,
    /// The instant at which the call began.
    pub call_date: DateTime<Utc>,
}

impl NewCallAnalytics {
    pub(super) fn checked(&self) -> Result<Self> {
        json::object("metadata", &self.metadata)?;
        let rating = bounds::SCORE.rounded_if_given("customer_satisfaction", self.customer_satisfaction)?;
        if rating.is_some_and(|rating| rating < Decimal::ONE || rating > Decimal::from(5)) {
            return Err(refusal("call_analytics_customer_satisfaction_check"));
        }
        if self.call_duration.is_some_and(|seconds| seconds < 0) {
            return Err(refusal("call_analytics_call_duration_check"));
        }
        if self.ai_takeover_count < 0 {
            return Err(refusal("call_analytics_ai_takeover_count_check"));
        }
        if self.cost_per_call.is_some_and(|cost| cost.is_sign_negative()) {
            return Err(refusal("call_analytics_cost_per_call_check"));
        }
        Ok(Self {
            customer_satisfaction: rating,
            revenue_impact: bounds::MONEY.rounded_if_given("revenue_impact", self.revenue_impact)?,
            cost_per_call: bounds::MONEY.rounded_if_given("cost_per_call", self.cost_per_call)?,
            tags: optional("tags", self.tags.as_deref(), 1_000)?,
            call_date: instant("call_date", self.call_date)?,
            ..self.clone()
        })
    }
}

impl From<Option<CallOutcome>> for CallAnalyticsStatus {
    fn from(outcome: Option<CallOutcome>) -> Self {
        match outcome {
            Some(CallOutcome::Answered) => Self::Answered,
            Some(CallOutcome::Missed) => Self::Missed,
            Some(CallOutcome::Voicemail) => Self::Voicemail,
            Some(CallOutcome::Abandoned) => Self::Abandoned,
            Some(CallOutcome::Blocked) => Self::Blocked,
            Some(CallOutcome::Failed) => Self::Failed,
            None => Self::Completed,
        }
    }
}

/// The figures that become known of a call after the others were computed. Its cost is none of them: that is its price.
#[derive(Debug, Clone, Default)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct CallAnalyticsPatch {
    /// The customer's rating, 1 to 5.
    pub customer_satisfaction: Patch<Decimal>,
    /// The result of the lead.
    pub conversion_status: Patch<ConversionStatus>,
    /// The revenue ascribed to the call, in US dollars.
    pub revenue_impact: Patch<Decimal>,
    /// Labels, as one text; up to 1,000 characters.
    pub tags: Patch<String>,
    /// An object with anything else that is known of the call.
    pub metadata: Option<Value>,
}

/// A filter of calls' figures. Empty means all.
#[derive(Debug, Clone, Default)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct CallAnalyticsFilter {
    /// The status as which the calls are counted.
    pub call_status: Option<CallAnalyticsStatus>,
    /// The result of the leads.
    pub conversion_status: Option<ConversionStatus>,
    /// The call.
    pub call: Option<CallId>,
    /// The conversation of the calls.
    pub conversation: Option<ConversationId>,
    /// The number of the customer.
    pub phone_number: Option<PhoneNumber>,
    /// The instant at or after which the calls began.
    pub from: Option<DateTime<Utc>>,
    /// The instant before which the calls began.
    pub until: Option<DateTime<Utc>>,
}

/// The figures of a tenant's calls.
pub struct CallAnalyticsRepo<'a>(pub(super) Scope<'a>);

impl TenantTx<'_> {
    /// The figures of the tenant's calls.
    pub const fn call_analytics(&mut self) -> CallAnalyticsRepo<'_> {
        CallAnalyticsRepo(self.0.reborrow())
    }
}

fn filtered<'q, ST>(
    mut query: figures::BoxedQuery<'q, Pg, ST>,
    filter: &'q CallAnalyticsFilter,
) -> figures::BoxedQuery<'q, Pg, ST> {
    if let Some(status) = filter.call_status {
        query = query.filter(figures::call_status.eq(status));
    }
    if let Some(status) = filter.conversion_status {
        query = query.filter(figures::conversion_status.eq(status));
    }
    if let Some(call) = filter.call {
        query = query.filter(figures::call_id.eq(call));
    }
    if let Some(conversation) = filter.conversation {
        query = query.filter(figures::conversation_id.eq(conversation));
    }
    if let Some(number) = &filter.phone_number {
        query = query.filter(figures::phone_number.eq(number));
    }
    if let Some(from) = filter.from {
        query = query.filter(figures::call_date.ge(from));
    }
    if let Some(until) = filter.until {
        query = query.filter(figures::call_date.lt(until));
    }
    query
}

impl CallAnalyticsRepo<'_> {
    /// The figures, if they are there.
    ///
    /// # Errors
    /// [`crate::Error::Unavailable`] or [`crate::Error::Internal`].
    pub fn find(&mut self, id: CallAnalyticsId) -> Result<Option<CallAnalytics>> {
        Ok(CallAnalytics::query()
            .filter(figures::tenant_id.eq(self.0.tenant))
            .filter(figures::id.eq(id))
            .first(self.0.conn)
            .optional()?)
    }

    /// The figures with this id.
    ///
    /// # Errors
    /// [`crate::Error::NotFound`].
    pub fn get(&mut self, id: CallAnalyticsId) -> Result<CallAnalytics> {
        found(self.find(id)?, "call analytics")
    }

    /// The figures of a call, if it has been computed.
    ///
    /// # Errors
    /// As [`Self::find`].
    pub fn find_by_call(&mut self, call: CallId) -> Result<Option<CallAnalytics>> {
        Ok(CallAnalytics::query()
            .filter(figures::tenant_id.eq(self.0.tenant))
            .filter(figures::call_id.eq(call))
            .first(self.0.conn)
            .optional()?)
    }

    /// A page of figures, the latest call first.
    ///
    /// # Errors
    /// As [`Self::find`].
    pub fn list(&mut self, filter: &CallAnalyticsFilter, page: PageRequest) -> Result<Page<CallAnalytics>> {
        let query = filtered(CallAnalytics::query().filter(figures::tenant_id.eq(self.0.tenant)).into_boxed(), filter);
        let rows = keyset(query, page, figures::call_date, figures::id).load(self.0.conn)?;
        Ok(Page::from_rows(rows, page, |row: &CallAnalytics| Cursor { at: row.call_date, id: row.id.uuid() }))
    }

    /// The number of calls' figures that a filter finds.
    ///
    /// # Errors
    /// As [`Self::find`].
    pub fn count(&mut self, filter: &CallAnalyticsFilter) -> Result<i64> {
        let query = figures::table.filter(figures::tenant_id.eq(self.0.tenant)).count();
        Ok(filtered(query.into_boxed(), filter).get_result(self.0.conn)?)
    }

    /// Keeps figures that must be new.
    ///
    /// # Errors
    /// [`crate::Error::Conflict`] when the call has figures, [`crate::Error::Invalid`] on a broken rule; that call or conversation do not
    /// exist is known when the transaction commits.
    pub fn create(&mut self, new: &NewCallAnalytics) -> Result<CallAnalytics> {
        let id = CallAnalyticsId::new(self.0.moment.id());
        Ok(diesel::insert_into(figures::table)
            .values((new.checked()?, figures::processed_at.eq(self.0.now()), stamped!(figures, self.0, id)))
            .returning(CallAnalytics::as_returning())
            .get_result(self.0.conn)?)
    }

    /// The figures, which nobody else changes before the transaction ends.
    ///
    /// # Errors
    /// [`crate::Error::NotFound`].
    pub fn lock(&mut self, id: CallAnalyticsId) -> Result<CallAnalytics> {
        let row = CallAnalytics::query()
            .filter(figures::tenant_id.eq(self.0.tenant))
            .filter(figures::id.eq(id))
            .for_update()
            .first(self.0.conn)
            .optional()?;
        found(row, "call analytics")
    }

    /// Adds what became known of a call.
    ///
    /// # Errors
    /// [`crate::Error::NotFound`], or [`crate::Error::Invalid`] on a broken rule.
    pub fn update(&mut self, id: CallAnalyticsId, patch: &CallAnalyticsPatch) -> Result<CallAnalytics> {
        if let Some(metadata) = &patch.metadata {
            json::object("metadata", metadata)?;
        }
        let rating = patch.customer_satisfaction.try_map(|value| bounds::SCORE.exact("customer_satisfaction", value))?;
        let revenue = patch.revenue_impact.try_map(|value| bounds::MONEY.exact("revenue_impact", value))?;
        let row = diesel::update(figures::table)
            .filter(figures::tenant_id.eq(self.0.tenant))
            .filter(figures::id.eq(id))
            .set((
                rating.into_change().map(|value| figures::customer_satisfaction.eq(value)),
                patch.conversion_status.into_change().map(|value| figures::conversion_status.eq(value)),
                revenue.into_change().map(|value| figures::revenue_impact.eq(value)),
                patch.tags.text("tags", 1_000)?.map(|value| figures::tags.eq(value)),
                patch.metadata.as_ref().map(|value| figures::metadata.eq(value)),
                figures::updated_at.eq(self.0.now()),
            ))
            .returning(CallAnalytics::as_returning())
            .get_result(self.0.conn)
            .optional()?;
        found(row, "call analytics")
    }

    /// Removes figures. Those of a call that has ended are computed again, without what people told.
    ///
    /// # Errors
    /// [`crate::Error::NotFound`].
    pub fn delete(&mut self, id: CallAnalyticsId) -> Result<()> {
        let rows = diesel::delete(figures::table)
            .filter(figures::tenant_id.eq(self.0.tenant))
            .filter(figures::id.eq(id))
            .execute(self.0.conn)?;
        touched_one(rows, "call analytics")
    }
}
