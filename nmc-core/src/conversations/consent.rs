//! The consent ledger: who may be texted. Append-only; a person's latest entry counts, for every number of the tenant.

use crate::schema::consents;
use crate::store::{Person, Scope, TenantTx};
use crate::types::optional;
use crate::{ConsentAction, ConsentId, ConsentSource, MessageId, PhoneNumber, Result, TenantId, UserId};
use chrono::{DateTime, Utc};
use diesel::pg::Pg;
use diesel::prelude::*;

/// One entry of the ledger.
#[derive(Debug, Clone, PartialEq, HasQuery)]
#[diesel(table_name = consents, check_for_backend(Pg))]
#[expect(missing_docs, reason = "the columns are documented in the schema")]
pub struct Consent {
    pub id: ConsentId,
    pub tenant_id: TenantId,
    pub customer_phone: PhoneNumber,
    pub action: ConsentAction,
    pub source: ConsentSource,
    pub keyword: Option<String>,
    pub message_id: Option<MessageId>,
    pub recorded_by: Option<UserId>,
    pub note: Option<String>,
    pub sequence: i64,
    pub created_at: DateTime<Utc>,
}

/// A decision to record.
#[derive(Debug, Clone)]
pub struct NewConsent {
    /// Whose.
    pub customer_phone: PhoneNumber,
    /// What was decided.
    pub action: ConsentAction,
    /// How it reached us.
    pub source: ConsentSource,
    /// The word that was texted; up to 20 characters.
    pub keyword: Option<String>,
    /// The text that carried it.
    pub message_id: Option<MessageId>,
    /// The member of staff who recorded it.
    pub recorded_by: Option<UserId>,
    /// Why; up to 1,000 characters.
    pub note: Option<String>,
}

/// A tenant's consent ledger.
pub struct Consents<'a>(Scope<'a>);

impl TenantTx<'_> {
    /// The tenant's consent ledger.
    pub const fn consents(&mut self) -> Consents<'_> {
        Consents(self.0.reborrow())
    }
}

impl Consents<'_> {
    /// Whether this person has opted out. Someone who never said anything has not.
    ///
    /// # Errors
    /// [`crate::Error::Unavailable`] or [`crate::Error::Internal`].
    pub fn is_opted_out(&mut self, customer: &PhoneNumber) -> Result<bool> {
        Ok(self.find_latest(customer)?.is_some_and(|entry| entry.action == ConsentAction::OptOut))
    }

    /// The entry that counts for this person, if there is one.
    ///
    /// # Errors
    /// As [`Self::is_opted_out`].
    pub fn find_latest(&mut self, customer: &PhoneNumber) -> Result<Option<Consent>> {
        Ok(Consent::query()
            .filter(consents::tenant_id.eq(self.0.tenant))
            .filter(consents::customer_phone.eq(customer))
            .order(consents::sequence.desc())
            .first(self.0.conn)
            .optional()?)
    }

    /// A person's entries, newest first; 200 at the most.
    ///
    /// # Errors
    /// As [`Self::is_opted_out`].
    pub fn list(&mut self, customer: &PhoneNumber) -> Result<Vec<Consent>> {
        Ok(Consent::query()
            .filter(consents::tenant_id.eq(self.0.tenant))
            .filter(consents::customer_phone.eq(customer))
            .order(consents::sequence.desc())
            .limit(200)
            .load(self.0.conn)?)
    }

    /// Records a decision. An opt-out waits for a text to this person that is on its way, calls off those still queued,
    /// and none is queued or sent once it has committed.
    ///
    /// # Errors
    /// [`crate::Error::Invalid`] on a broken rule.
    pub fn record(&mut self, new: &NewConsent) -> Result<Consent> {
        self.0.lock_person(&Person::new(new.customer_phone.clone()))?;
        let entry = diesel::insert_into(consents::table)
            .values((
                consents::id.eq(ConsentId::new(self.0.moment.id())),
                consents::tenant_id.eq(self.0.tenant),
                consents::customer_phone.eq(&new.customer_phone),
                consents::action.eq(new.action),
                consents::source.eq(new.source),
                consents::keyword.eq(optional("keyword", new.keyword.as_deref(), 20)?),
                consents::message_id.eq(new.message_id),
                consents::recorded_by.eq(new.recorded_by),
                consents::note.eq(optional("note", new.note.as_deref(), 1_000)?),
                consents::created_at.eq(self.0.now()),
            ))
            .returning(Consent::as_returning())
            .get_result(self.0.conn)?;
        if new.action == ConsentAction::OptOut {
            super::Messages::over(self.0.reborrow()).cancel_queued_to(&new.customer_phone)?;
        }
        Ok(entry)
    }
}
