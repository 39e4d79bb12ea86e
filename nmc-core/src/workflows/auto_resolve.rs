//! Idle conversations resolve by themselves: in which nothing happened for as many days as the business says.

use crate::conversations::NewConversationEvent;
use crate::schema::{business_settings, conversations, messages};
use crate::store::{Reason, Store, SystemTx, Tenant, TenantTx};
use crate::{ConversationEventType, ConversationId, ConversationStatus, Result, TenantId};
use chrono::TimeDelta;
use diesel::dsl::{exists, not, sql};
use diesel::prelude::*;
use diesel::sql_query;
use diesel::sql_types::{BigInt, Bool, Nullable, Timestamptz, Uuid};
use serde_json::json;

/// Conversations of one business that are resolved in one transaction.
const BITE: i64 = 100;
/// Businesses that are looked for at once.
const BUSINESSES: i64 = 100;

/// The next businesses with idle conversations, by id. Subselects that are no EXISTS are looked up business by business, and not by
/// reading everybody's conversations once; the predicates of partial indexes stand as literals.
const IDLE: &str = "\
    SELECT s.tenant_id FROM business_settings s \
    WHERE s.auto_resolve_days > 0 AND ($2::uuid IS NULL OR s.tenant_id > $2) \
        AND (SELECT true FROM conversations c WHERE c.tenant_id = s.tenant_id AND c.status IN ('active', 'waiting') \
            AND c.updated_at < $1 - s.auto_resolve_days * interval '24 hours' AND c.review_requested_at IS NULL \
            AND (SELECT true FROM messages m WHERE m.tenant_id = c.tenant_id AND m.conversation_id = c.id \
                AND m.message_status = 'queued' AND m.message_direction = 'outbound' LIMIT 1) IS NULL \
            ORDER BY c.updated_at LIMIT 1) \
    ORDER BY s.tenant_id LIMIT $3";

/// Resolves open conversations in which nothing happened for as long as their business says, and writes that into their logs. One with a
/// text that waits to be sent, or with a text that staff have to look at, stays open.
///
/// Businesses take turns, a hundred conversations each, until `most` are resolved or none is left. Several processes may do this at once:
/// what one of them has in hand is left to it. Returns how many were resolved.
///
/// # Errors
/// [`crate::Error::Unavailable`] or [`crate::Error::Internal`]; what was resolved before stays so.
pub fn resolve_idle(store: &Store, most: usize) -> Result<usize> {
    let mut resolved = 0;
    loop {
        let before = resolved;
        let mut after = None;
        loop {
            let idle = store.system(Reason::DueWork, |tx| tx.tenants_with_idle_conversations(after))?;
            for tenant in &idle {
                if resolved >= most {
                    return Ok(resolved);
                }
                resolved += store.worker(tenant, resolve_some)?;
            }
            match idle.last() {
                Some(last) => after = Some(last.id()),
                None => break,
            }
        }
        if resolved == before {
            return Ok(resolved);
        }
    }
}

#[derive(QueryableByName)]
struct Idle {
    #[diesel(sql_type = Uuid)]
    tenant_id: TenantId,
}

impl SystemTx<'_> {
    fn tenants_with_idle_conversations(&mut self, after: Option<TenantId>) -> Result<Vec<Tenant>> {
        let rows: Vec<Idle> = sql_query(IDLE)
            .bind::<Timestamptz, _>(self.now())
            .bind::<Nullable<Uuid>, _>(after)
            .bind::<BigInt, _>(BUSINESSES)
            .load(self.conn)?;
        Ok(rows.into_iter().map(|row| Tenant::proven(row.tenant_id)).collect())
    }
}

/// Resolves the conversations of one business that have been idle longest.
fn resolve_some(tx: &mut TenantTx<'_>) -> Result<usize> {
    let (tenant, now) = (tx.0.tenant, tx.now());
    let days: Option<i32> = business_settings::table
        .filter(business_settings::tenant_id.eq(tenant))
        .filter(business_settings::auto_resolve_days.gt(0))
        .select(business_settings::auto_resolve_days)
        .first(tx.0.conn)
        .optional()?;
    let Some(idle_since) = days.and_then(|days| now.checked_sub_signed(TimeDelta::days(days.into()))) else { return Ok(0) };
    let waiting_texts = messages::table
        .filter(messages::tenant_id.eq(tenant))
        .filter(messages::conversation_id.eq(conversations::id))
        .filter(sql::<Bool>("message_status = 'queued' AND message_direction = 'outbound'"));
    // Whoever has one of them locked is about to touch it.
    let idle: Vec<(ConversationId, ConversationStatus)> = conversations::table
        .filter(conversations::tenant_id.eq(tenant))
        .filter(sql::<Bool>("status IN ('active', 'waiting')"))
        .filter(conversations::updated_at.lt(idle_since))
        .filter(conversations::review_requested_at.is_null())
        .filter(not(exists(waiting_texts)))
        .order(conversations::updated_at)
        .limit(BITE)
        .select((conversations::id, conversations::status))
        .for_update()
        .skip_locked()
        .load(tx.0.conn)?;
    if idle.is_empty() {
        return Ok(0);
    }
    let ids: Vec<ConversationId> = idle.iter().map(|(id, _)| *id).collect();
    let rows = diesel::update(conversations::table)
        .filter(conversations::tenant_id.eq(tenant))
        .filter(conversations::id.eq_any(&ids))
        .set((
            conversations::status.eq(ConversationStatus::Resolved),
            conversations::closed_at.eq(now),
            conversations::updated_at.eq(now),
        ))
        .execute(tx.0.conn)?;
    let events: Vec<NewConversationEvent> = idle
        .iter()
        .map(|(id, old)| {
            NewConversationEvent::new(*id, ConversationEventType::StatusChanged)
                .with(json!({"old": old, "new": ConversationStatus::Resolved, "by": "idle"}))
        })
        .collect();
    tx.conversation_events().append(&events)?;
    Ok(rows)
}
