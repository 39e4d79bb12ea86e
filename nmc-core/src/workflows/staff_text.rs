//! Queueing a text that staff write.

use crate::conversations::{INBOUND_SQL, Message, Messages, NewMessage, TextDraft};
use crate::schema::{calls, consents, messages, phone_numbers, tenants};
use crate::store::Person;
use crate::types::sendable;
use crate::{ConsentAction, Error, NumberStatus, PhoneNumber, Result};
use chrono::{DateTime, Utc};
use diesel::dsl::{exists, sql};
use diesel::prelude::*;
use diesel::sql_types::Bool;

impl Messages<'_> {
    /// Queues a text to a conversation's customer, under their lock, in the spelling of their number in which they last
    /// reached us.
    ///
    /// # Errors
    /// [`Error::NotFound`] without such a conversation; [`Error::Forbidden`] when the customer has opted out;
    /// [`Error::AwaitingApproval`] while no operator has approved of the business; [`Error::Invalid`] when the customer can't be texted, the number is not an active one of this tenant, or the words
    /// are too many or none.
    pub fn queue(&mut self, new: &NewMessage) -> Result<Message> {
        let body = sendable("body", &new.body, 1_600)?;
        let conversation = self.0.tx().conversations().get(new.conversation_id)?;
        let Some(to) = conversation.customer_phone.phone() else {
            return Err(Error::invalid("customer_phone", "can't be texted"));
        };
        self.0.lock_person(&Person::new(to.clone()))?;
        let (is_approved, consent, texts): (bool, Option<ConsentAction>, Option<bool>) = diesel::select((
            exists(tenants::table.filter(tenants::id.eq(self.0.tenant)).filter(tenants::approved_at.is_not_null())),
            consents::table
                .filter(consents::tenant_id.eq(self.0.tenant))
                .filter(consents::customer_phone.eq_any(to.spellings()))
                .order(consents::sequence.desc())
                .limit(1)
                .select(consents::action)
                .single_value(),
            // The rule of greetings: a number that is active, as none without a SID is, and that can send texts as far as is known.
            phone_numbers::table
                .filter(phone_numbers::tenant_id.eq(self.0.tenant))
                .filter(phone_numbers::phone_number.eq(&new.from_number))
                .filter(phone_numbers::status.eq(NumberStatus::Active))
                .limit(1)
                .select(phone_numbers::capabilities.retrieve_as_text("sms").is_distinct_from("false"))
                .single_value(),
        ))
        .get_result(self.0.conn)?;
        if !is_approved {
            return Err(Error::AwaitingApproval("can send no texts"));
        }
        if consent == Some(ConsentAction::OptOut) {
            return Err(Error::Forbidden("the customer has opted out of texts"));
        }
        match texts {
            Some(true) => {}
            Some(false) => return Err(Error::invalid("from_number", "must be a number that can send texts")),
            None => return Err(Error::invalid("from_number", "must be an active number of this business")),
        }
        let to = self.last_spelling(to)?;
        let row = self.insert_queued(&TextDraft::of(&NewMessage { body, ..new.clone() }, &to))?;
        row.ok_or(Error::conflict("kind", "greeting was already sent for this call"))
    }

    /// The spelling in which a person last reached us, by text or call: the one that their carrier knows them by.
    pub(super) fn last_spelling(&mut self, person: &PhoneNumber) -> Result<PhoneNumber> {
        let spellings = person.spellings();
        if spellings.len() < 2 {
            return Ok(person.clone());
        }
        let text: Option<(DateTime<Utc>, PhoneNumber)> = messages::table
            .filter(messages::tenant_id.eq(self.0.tenant))
            .filter(messages::from_number.eq_any(&spellings))
            .filter(sql::<Bool>(INBOUND_SQL))
            .order(messages::created_at.desc())
            .select((messages::created_at, messages::from_number))
            .first(self.0.conn)
            .optional()?;
        let call: Option<(DateTime<Utc>, PhoneNumber)> = calls::table
            .filter(calls::tenant_id.eq(self.0.tenant))
            .filter(calls::caller_phone.eq_any(&spellings))
            .order(calls::created_at.desc())
            .select((calls::created_at, calls::caller_phone))
            .first(self.0.conn)
            .optional()?;
        let last = text.into_iter().chain(call).max_by_key(|(at, _)| *at);
        Ok(last.map_or_else(|| person.clone(), |(_, spelling)| spelling))
    }
}
