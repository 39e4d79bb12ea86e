//! The way of news from the provider to the tenant it is for: nearly always in one statement, which finds the holder of the number,
//! enters the tenant, takes the other party's lock, and tells what is known of them.

use super::holder::{Happened, Holder};
use crate::store::{Found, Person, Prepared, SystemTx, Tenant};
use crate::{ConversationId, ConversationStatus, PhoneNumber, Result, TenantId};
use diesel::prelude::*;
use diesel::sql_query;
use diesel::sql_types::{Bool, Nullable, Text, Timestamptz, Uuid};

const ENTER: &str = "SELECT tenant AS tenant_id, sends, from_own_number, call_known, conversation, conversation_status \
    FROM nmc_enter_holder($1, $2, $3, $4, $5, $6)";

/// How a transaction came to the tenant.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Led {
    /// The tenant was entered in one statement.
    Entered(Entered),
    /// The tenant was found by the number's history: the other party has no number, or ours changed hands a short time ago.
    Found(Holder),
}

/// The facts known, in the tenant that holds our number, of the other party, whose lock the transaction has.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Entered {
    /// Whether the tenant may send from the number now.
    sends: bool,
    /// Whether the other party is a number of the same tenant.
    pub(crate) from_own_number: bool,
    /// Whether an earlier callback, or an import, has recorded the call.
    pub(crate) call_known: bool,
    /// The other party's open conversation, locked, and its status.
    pub(crate) conversation: Option<(ConversationId, ConversationStatus)>,
}

impl Led {
    /// Whether the other party may be answered from our number.
    pub(crate) const fn answers(&self) -> bool {
        match self {
            Self::Entered(entered) => entered.sends && !entered.from_own_number,
            Self::Found(holder) => holder.answers(),
        }
    }
}

#[derive(QueryableByName)]
struct Row {
    #[diesel(sql_type = Nullable<Uuid>)]
    tenant_id: Option<TenantId>,
    #[diesel(sql_type = Nullable<Bool>)]
    sends: Option<bool>,
    #[diesel(sql_type = Nullable<Bool>)]
    from_own_number: Option<bool>,
    #[diesel(sql_type = Nullable<Bool>)]
    call_known: Option<bool>,
    #[diesel(sql_type = Nullable<Uuid>)]
    conversation: Option<ConversationId>,
    #[diesel(sql_type = Nullable<Text>)]
    conversation_status: Option<ConversationStatus>,
}

impl SystemTx<'_> {
    /// Leads to the tenant that held `ours` when something happened there; `other` is the party that has a number of their own.
    ///
    /// # Errors
    /// [`crate::Error::NotFound`] when nobody held it then.
    pub(crate) fn lead_to_holder(
        &mut self,
        ours: &PhoneNumber,
        other: Option<&Person>,
        happened: &Happened<'_>,
    ) -> Result<(Found, Led)> {
        if let Some(person) = other
            && let Some((tenant, entered)) = self.enter_holder(ours, person, happened)?
        {
            return Ok((Found::Inside(tenant), Led::Entered(entered)));
        }
        let holder = self.holder_when(ours, other.map(Person::phone), happened)?;
        Ok((Found::Outside(holder.tenant), Led::Found(holder)))
    }

    /// Enters the tenant if the number's present holder has held it since before, and nobody who had it earlier can be meant.
    fn enter_holder(&mut self, ours: &PhoneNumber, other: &Person, happened: &Happened<'_>) -> Result<Option<(Tenant, Entered)>> {
        let began = happened.began(self.now());
        let query = sql_query(ENTER)
            .bind::<Text, _>(ours)
            .bind::<Text, _>(other.phone())
            .bind::<Text, _>(other.phone().person())
            .bind::<Nullable<Text>, _>(happened.call_sid())
            .bind::<Timestamptz, _>(began)
            .bind::<Timestamptz, _>(happened.settled(began));
        let row: Row = Prepared(query).get_result(self.conn)?;
        Ok(row.tenant_id.map(|tenant| {
            let entered = Entered {
                sends: row.sends == Some(true),
                from_own_number: row.from_own_number == Some(true),
                call_known: row.call_known == Some(true),
                conversation: row.conversation.zip(row.conversation_status),
            };
            (Tenant::proven(tenant), entered)
        }))
    }
}
