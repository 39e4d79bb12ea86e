//! Conversations as the reports see them: one row per conversation, recomputed in place.

use super::newer;
use crate::error::{found, touched_one};
use crate::page::{Cursor, Page, PageRequest, keyset};
use crate::schema::conversation_analytics as figures;
use crate::store::{Scope, TenantTx, stamped};
use crate::types::bounds::{self, instant};
use crate::types::json;
use crate::{CallId, ConversationAnalyticsId, ConversationId, Patch, ResolutionStatus, Result, TenantId, Version};
use chrono::{DateTime, Utc};
use diesel::dsl::case_when;
use diesel::pg::Pg;
use diesel::prelude::*;
use diesel::upsert::excluded;
use rust_decimal::Decimal;
use serde_json::Value;

/// The figures of one conversation.
#[derive(Debug, Clone, PartialEq, HasQuery)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[cfg_attr(not(feature = "testing"), non_exhaustive)]
#[diesel(table_name = figures, check_for_backend(Pg))]
#[expect(missing_docs, reason = "the columns are documented in the schema")]
pub struct ConversationAnalytics {
    pub id: ConversationAnalyticsId,
    pub tenant_id: TenantId,
    pub conversation_id: ConversationId,
    pub call_id: Option<CallId>,
    pub message_count: i32,
    pub ai_message_count: i32,
    pub human_message_count: i32,
    pub conversation_duration: Option<i32>,
    pub sentiment_score: Option<Decimal>,
    pub intent_detection: Value,
    pub resolution_status: Option<ResolutionStatus>,
    pub escalation_count: i32,
    pub satisfaction_rating: Option<Decimal>,
    pub conversation_date: DateTime<Utc>,
    pub processed_at: DateTime<Utc>,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
}

impl ConversationAnalytics {
    /// The version of what people tell of the conversation; the other figures move by themselves.
    #[must_use]
    pub fn version(&self) -> Version {
        let number = |value: Option<Decimal>| value.map(|value| value.normalize().to_string()).unwrap_or_default();
        let (sentiment, rating) = (number(self.sentiment_score), number(self.satisfaction_rating));
        let resolution = self.resolution_status.map(ResolutionStatus::label).unwrap_or_default();
        Version::of_content(&[&sentiment, &rating, resolution])
    }
}

/// The figures of a conversation, computed now.
#[derive(Debug, Clone, Insertable)]
#[diesel(table_name = figures, check_for_backend(Pg), treat_none_as_default_value = false)]
pub struct NewConversationAnalytics {
    /// The conversation that the figures are of.
    pub conversation_id: ConversationId,
    /// The call that opened the conversation, if one did.
    pub call_id: Option<CallId>,
    /// The number of all messages, in both directions.
    pub message_count: i32,
    /// The number of messages that the AI wrote.
    pub ai_message_count: i32,
    /// The number of messages that people of the business wrote.
    pub human_message_count: i32,
    /// The length of the conversation from beginning to end, in seconds.
    pub conversation_duration: Option<i32>,
    /// The customer's mood, −1 (bad) to 1 (good); rounded to 2 decimals.
    pub sentiment_score: Option<Decimal>,
    /// An object: intent ⇒ how sure, 0 to 1.
    pub intent_detection: Value,
    /// The way in which the conversation ended.
    pub resolution_status: Option<ResolutionStatus>,
    /// The number of times that the conversation was passed on to a person.
    pub escalation_count: i32,
    /// The customer's rating, 1 to 5; rounded to 2 decimals.
    pub satisfaction_rating: Option<Decimal>,
    /// The instant at which the conversation began.
    pub conversation_date: DateTime<Utc>,
}

impl NewConversationAnalytics {
    /// A conversation of which nothing has been counted yet.
    #[must_use]
    pub fn begun(conversation: ConversationId, at: DateTime<Utc>) -> Self {
        Self {
            conversation_id: conversation,
            call_id: None,
            message_count: 0,
            ai_message_count: 0,
            human_message_count: 0,
            conversation_duration: None,
            sentiment_score: None,
            intent_detection: Value::Object(serde_json::Map::new()),
            resolution_status: None,
            escalation_count: 0,
            satisfaction_rating: None,
            conversation_date: at,
        }
    }

    fn checked(&self) -> Result<Self> {
        json::object("intent_detection", &self.intent_detection)?;
        Ok(Self {
            sentiment_score: bounds::SCORE.rounded_if_given("sentiment_score", self.sentiment_score)?,
            satisfaction_rating: bounds::SCORE.rounded_if_given("satisfaction_rating", self.satisfaction_rating)?,
            conversation_date: instant("conversation_date", self.conversation_date)?,
            ..self.clone()
        })
    }
}

/// The figures that become known of a conversation after the others were computed.
#[derive(Debug, Clone, Default)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct ConversationAnalyticsPatch {
    /// The customer's mood, −1 to 1.
    pub sentiment_score: Patch<Decimal>,
    /// An object: intent ⇒ how sure.
    pub intent_detection: Option<Value>,
    /// The way in which the conversation ended.
    pub resolution_status: Patch<ResolutionStatus>,
    /// The customer's rating, 1 to 5.
    pub satisfaction_rating: Patch<Decimal>,
}

/// A filter of conversations' figures. Empty means all.
#[derive(Debug, Clone, Default)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct ConversationAnalyticsFilter {
    /// The way in which the conversations ended.
    pub resolution_status: Option<ResolutionStatus>,
    /// The conversation.
    pub conversation: Option<ConversationId>,
    /// The call that opened the conversation.
    pub call: Option<CallId>,
    /// The instant at or after which the conversations began.
    pub from: Option<DateTime<Utc>>,
    /// The instant before which the conversations began.
    pub until: Option<DateTime<Utc>>,
}

/// The figures of a tenant's conversations.
pub struct ConversationAnalyticsRepo<'a>(Scope<'a>);

impl TenantTx<'_> {
    /// The figures of the tenant's conversations.
    pub const fn conversation_analytics(&mut self) -> ConversationAnalyticsRepo<'_> {
        ConversationAnalyticsRepo(self.0.reborrow())
    }
}

fn filtered<'q, ST>(
    mut query: figures::BoxedQuery<'q, Pg, ST>,
    filter: &ConversationAnalyticsFilter,
) -> figures::BoxedQuery<'q, Pg, ST> {
    if let Some(status) = filter.resolution_status {
        query = query.filter(figures::resolution_status.eq(status));
    }
    if let Some(conversation) = filter.conversation {
        query = query.filter(figures::conversation_id.eq(conversation));
    }
    if let Some(call) = filter.call {
        query = query.filter(figures::call_id.eq(call));
    }
    if let Some(from) = filter.from {
        query = query.filter(figures::conversation_date.ge(from));
    }
    if let Some(until) = filter.until {
        query = query.filter(figures::conversation_date.lt(until));
    }
    query
}

impl ConversationAnalyticsRepo<'_> {
    /// The figures, if they are there.
    ///
    /// # Errors
    /// [`crate::Error::Unavailable`] or [`crate::Error::Internal`].
    pub fn find(&mut self, id: ConversationAnalyticsId) -> Result<Option<ConversationAnalytics>> {
        Ok(ConversationAnalytics::query()
            .filter(figures::tenant_id.eq(self.0.tenant))
            .filter(figures::id.eq(id))
            .first(self.0.conn)
            .optional()?)
    }

    /// The figures with this id.
    ///
    /// # Errors
    /// [`crate::Error::NotFound`].
    pub fn get(&mut self, id: ConversationAnalyticsId) -> Result<ConversationAnalytics> {
        found(self.find(id)?, "conversation analytics")
    }

    /// The figures of a conversation, if it has been computed.
    ///
    /// # Errors
    /// As [`Self::find`].
    pub fn find_by_conversation(&mut self, conversation: ConversationId) -> Result<Option<ConversationAnalytics>> {
        Ok(ConversationAnalytics::query()
            .filter(figures::tenant_id.eq(self.0.tenant))
            .filter(figures::conversation_id.eq(conversation))
            .first(self.0.conn)
            .optional()?)
    }

    /// A page of figures, the latest conversation first.
    ///
    /// # Errors
    /// As [`Self::find`].
    pub fn list(&mut self, filter: &ConversationAnalyticsFilter, page: PageRequest) -> Result<Page<ConversationAnalytics>> {
        let query = filtered(ConversationAnalytics::query().filter(figures::tenant_id.eq(self.0.tenant)).into_boxed(), filter);
        let rows = keyset(query, page, figures::conversation_date, figures::id).load(self.0.conn)?;
        Ok(Page::from_rows(rows, page, |row: &ConversationAnalytics| Cursor { at: row.conversation_date, id: row.id.uuid() }))
    }

    /// How many conversations' figures.
    ///
    /// # Errors
    /// As [`Self::find`].
    pub fn count(&mut self, filter: &ConversationAnalyticsFilter) -> Result<i64> {
        let query = figures::table.filter(figures::tenant_id.eq(self.0.tenant)).count();
        Ok(filtered(query.into_boxed(), filter).get_result(self.0.conn)?)
    }

    /// Keeps figures that must be new.
    ///
    /// # Errors
    /// [`crate::Error::Conflict`] when the conversation has figures, [`crate::Error::Invalid`] on a broken rule; that
    /// conversation or call do not exist is known when the transaction commits.
    pub fn create(&mut self, new: &NewConversationAnalytics) -> Result<ConversationAnalytics> {
        let id = ConversationAnalyticsId::new(self.0.moment.id());
        Ok(diesel::insert_into(figures::table)
            .values((new.checked()?, figures::processed_at.eq(self.0.now()), stamped!(figures, self.0, id)))
            .returning(ConversationAnalytics::as_returning())
            .get_result(self.0.conn)?)
    }

    /// Keeps a conversation's figures, in place of its older ones if there are any. What people added (mood, intents, how it
    /// ended, rating) stays where the new figures are silent.
    ///
    /// # Errors
    /// [`crate::Error::Invalid`] as for [`Self::create`].
    pub fn upsert_by_conversation(&mut self, new: &NewConversationAnalytics) -> Result<ConversationAnalytics> {
        let id = ConversationAnalyticsId::new(self.0.moment.id());
        Ok(diesel::insert_into(figures::table)
            .values((new.checked()?, figures::processed_at.eq(self.0.now()), stamped!(figures, self.0, id)))
            .on_conflict((figures::tenant_id, figures::conversation_id))
            .do_update()
            .set((
                figures::call_id.eq(excluded(figures::call_id)),
                figures::message_count.eq(excluded(figures::message_count)),
                figures::ai_message_count.eq(excluded(figures::ai_message_count)),
                figures::human_message_count.eq(excluded(figures::human_message_count)),
                figures::conversation_duration.eq(excluded(figures::conversation_duration)),
                figures::sentiment_score.eq(newer(excluded(figures::sentiment_score), figures::sentiment_score)),
                figures::intent_detection.eq(case_when(
                    excluded(figures::intent_detection).eq(Value::Object(serde_json::Map::new())),
                    figures::intent_detection,
                )
                .otherwise(excluded(figures::intent_detection))),
                figures::resolution_status.eq(newer(excluded(figures::resolution_status), figures::resolution_status)),
                figures::escalation_count.eq(excluded(figures::escalation_count)),
                figures::satisfaction_rating.eq(newer(excluded(figures::satisfaction_rating), figures::satisfaction_rating)),
                figures::conversation_date.eq(excluded(figures::conversation_date)),
                figures::processed_at.eq(excluded(figures::processed_at)),
                figures::updated_at.eq(excluded(figures::updated_at)),
            ))
            .returning(ConversationAnalytics::as_returning())
            .get_result(self.0.conn)?)
    }

    /// The figures, which nobody else changes before the transaction ends.
    ///
    /// # Errors
    /// [`crate::Error::NotFound`].
    pub fn lock(&mut self, id: ConversationAnalyticsId) -> Result<ConversationAnalytics> {
        let row = ConversationAnalytics::query()
            .filter(figures::tenant_id.eq(self.0.tenant))
            .filter(figures::id.eq(id))
            .for_update()
            .first(self.0.conn)
            .optional()?;
        found(row, "conversation analytics")
    }

    /// Adds what became known of a conversation.
    ///
    /// # Errors
    /// [`crate::Error::NotFound`], or [`crate::Error::Invalid`] on a broken rule.
    pub fn update(&mut self, id: ConversationAnalyticsId, patch: &ConversationAnalyticsPatch) -> Result<ConversationAnalytics> {
        if let Some(intents) = &patch.intent_detection {
            json::object("intent_detection", intents)?;
        }
        let sentiment = patch.sentiment_score.try_map(|value| bounds::SCORE.exact("sentiment_score", value))?;
        let rating = patch.satisfaction_rating.try_map(|value| bounds::SCORE.exact("satisfaction_rating", value))?;
        let row = diesel::update(figures::table)
            .filter(figures::tenant_id.eq(self.0.tenant))
            .filter(figures::id.eq(id))
            .set((
                sentiment.into_change().map(|value| figures::sentiment_score.eq(value)),
                patch.intent_detection.as_ref().map(|value| figures::intent_detection.eq(value)),
                patch.resolution_status.into_change().map(|value| figures::resolution_status.eq(value)),
                rating.into_change().map(|value| figures::satisfaction_rating.eq(value)),
                figures::updated_at.eq(self.0.now()),
            ))
            .returning(ConversationAnalytics::as_returning())
            .get_result(self.0.conn)
            .optional()?;
        found(row, "conversation analytics")
    }

    /// Removes figures. They are computed again, without what people told.
    ///
    /// # Errors
    /// [`crate::Error::NotFound`].
    pub fn delete(&mut self, id: ConversationAnalyticsId) -> Result<()> {
        let rows = diesel::delete(figures::table)
            .filter(figures::tenant_id.eq(self.0.tenant))
            .filter(figures::id.eq(id))
            .execute(self.0.conn)?;
        touched_one(rows, "conversation analytics")
    }
}
