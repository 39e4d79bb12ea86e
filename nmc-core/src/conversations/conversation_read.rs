//! What each user has read of a conversation: up to which change of it.

use crate::schema::conversation_reads as reads;
use crate::store::{Scope, TenantTx, stamped};
use crate::{ConversationId, ConversationReadId, Error, Result};
use diesel::prelude::*;
use diesel::upsert::excluded;

/// The condition on events that are a customer's: what staff have to read.
pub(super) const OF_THE_CUSTOMER_SQL: &str = "(e.event_type = 'message_received' OR e.event_type = 'call_started' \
     AND e.event_data ->> 'direction' = 'inbound')";

/// The read marks of a tenant's users.
pub struct ConversationReads<'a>(Scope<'a>);

impl TenantTx<'_> {
    /// The read marks of the tenant's users.
    pub const fn conversation_reads(&mut self) -> ConversationReads<'_> {
        ConversationReads(self.0.reborrow())
    }
}

impl ConversationReads<'_> {
    /// Marks the conversation as read by the user who acts, as it is now. What the customer does afterwards is unread, also what
    /// was on its way already: whoever records it waits for this row, and comes after it.
    ///
    /// # Errors
    /// [`Error::NotFound`] without such a conversation; [`Error::Forbidden`] when no user acts.
    pub fn mark(&mut self, conversation: ConversationId) -> Result<()> {
        let user = self.0.user().ok_or(Error::Forbidden("an API key is no user, and reads nothing"))?;
        let read_at = self.0.tx().conversations().lock(conversation)?.updated_at;
        let id = ConversationReadId::new(self.0.moment.id());
        let rows = diesel::insert_into(reads::table)
            .values((
                reads::user_id.eq(user),
                reads::conversation_id.eq(conversation),
                reads::read_at.eq(read_at),
                stamped!(reads, self.0, id),
            ))
            .on_conflict((reads::tenant_id, reads::user_id, reads::conversation_id))
            .do_update()
            .set((reads::read_at.eq(excluded(reads::read_at)), reads::updated_at.eq(excluded(reads::updated_at))))
            .execute(self.0.conn)?;
        crate::error::touched_one(rows, "read mark")
    }
}
