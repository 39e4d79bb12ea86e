//! The consent ledger: who may be texted. Append-only; a person's latest entry counts, for every number of the tenant.

use super::{NewConversationEvent, wait_for_texts_under_way};
use crate::access::{Acting, Permission};
use crate::page::{Cursor, Page, PageRequest, keyset};
use crate::schema::consents;
use crate::store::{Person, Scope, Store, TenantTx};
use crate::types::optional;
use crate::{
    CallerIdentity, ConsentAction, ConsentId, ConsentSource, ConversationEventType, ConversationId, Error, MessageId,
    PhoneNumber, Result, StreamEventKind, TenantId, UserId,
};
use chrono::{DateTime, Utc};
use diesel::alias;
use diesel::dsl::{exists, not, sql};
use diesel::pg::Pg;
use diesel::prelude::*;
use diesel::sql_types::Bool;
use serde_json::json;
use std::cmp::Reverse;

/// One entry of the consent ledger.
#[derive(Debug, Clone, PartialEq, HasQuery)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[cfg_attr(not(feature = "testing"), non_exhaustive)]
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

/// A consent decision to record.
#[derive(Debug, Clone)]
pub struct NewConsent {
    /// The number of the person who decided, in whatever spelling.
    pub customer_phone: PhoneNumber,
    /// The decision: an opt-out or an opt-in.
    pub action: ConsentAction,
    /// The way by which the decision reached us.
    pub source: ConsentSource,
    /// The word that was texted; up to 20 characters.
    pub keyword: Option<String>,
    /// The text that carried the decision.
    pub message_id: Option<MessageId>,
    /// The reason, or how it was said; up to 1,000 characters. Staff who record an opt-in must say.
    pub note: Option<String>,
}

/// A decision that staff heard of and record by hand.
#[derive(Debug, Clone)]
pub struct HeardConsent {
    /// The person's number, in whatever spelling.
    pub customer_phone: PhoneNumber,
    /// The decision: an opt-out or an opt-in.
    pub action: ConsentAction,
    /// The words in which the decision was told; up to 1,000 characters. An opt-in needs one: it is the proof.
    pub note: Option<String>,
}

/// A filter of entries of the consent ledger. Empty means all.
#[derive(Debug, Clone, Default)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct ConsentFilter {
    /// The person whose decisions they are, in whatever spelling.
    pub customer: Option<PhoneNumber>,
    /// The kind of decision: opt-outs, or opt-ins.
    pub action: Option<ConsentAction>,
    /// Whether it is only the decisions that count: each person's latest.
    pub latest: bool,
}

/// The predicates of partial indexes, to the letter: PostgreSQL can't match them with bound values.
const fn of_action_sql(action: ConsentAction) -> &'static str {
    match action {
        ConsentAction::OptOut => "action = 'opt_out'",
        ConsentAction::OptIn => "action = 'opt_in'",
    }
}

/// Whether a later entry is of the same person. Those of before may have either of two spellings ([`PhoneNumber::spellings`]).
const LATER_OF_THEM_SQL: &str = "later.customer_phone IN (consents.customer_phone, \
     regexp_replace(consents.customer_phone, '^[+](52)1(?=[2-9][0-9]{9}$)|^[+](54)9(?=[1-9][0-9]{9}$)', '+\\1\\2'), \
     regexp_replace(regexp_replace(consents.customer_phone, '^[+]52(?=[2-9][0-9]{9}$)', '+521'), '^[+]54(?=[1-9][0-9]{9}$)', '+549'))";

/// Records what staff heard, as whoever acts: nobody is texted against it once this has returned, and nothing is on its way any more.
///
/// # Errors
/// [`crate::Error::Forbidden`] without [`Permission::ConsentsWrite`]; [`crate::Error::Invalid`] on a broken rule, such as an
/// opt-in without a note.
pub fn record_consent(store: &Store, who: &Acting, heard: &HeardConsent) -> Result<Consent> {
    let (entry, tenant) = who.transaction(store, |tx| {
        tx.must(Permission::ConsentsWrite)?;
        let entry = tx.consents().record(&NewConsent {
            customer_phone: heard.customer_phone.clone(),
            action: heard.action,
            source: ConsentSource::Staff,
            keyword: None,
            message_id: None,
            note: heard.note.clone(),
        })?;
        let customer = CallerIdentity::Phone(heard.customer_phone.clone());
        if let Some(conversation) = tx.conversations().find_open(&customer)? {
            let event = match heard.action {
                ConsentAction::OptOut => ConversationEventType::OptedOut,
                ConsentAction::OptIn => ConversationEventType::OptedIn,
            };
            let event = NewConversationEvent::new(conversation.id, event).with(json!({"source": ConsentSource::Staff}));
            tx.conversation_events().append(&[event])?;
        }
        Ok((entry, tx.tenant()))
    })?;
    if heard.action == ConsentAction::OptOut {
        wait_for_texts_under_way(store, &tenant, &Person::new(heard.customer_phone.clone()))?;
    }
    Ok(entry)
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
            .filter(consents::customer_phone.eq_any(customer.spellings()))
            .order(consents::sequence.desc())
            .first(self.0.conn)
            .optional()?)
    }

    /// A page of the ledger, newest first.
    ///
    /// # Errors
    /// As [`Self::is_opted_out`].
    pub fn list(&mut self, filter: &ConsentFilter, page: PageRequest) -> Result<Page<Consent>> {
        let mut rows = Vec::new();
        if filter.customer.is_some() {
            rows = self.newest(filter, page)?;
        } else {
            // Each has an index of its own.
            for action in ConsentAction::ALL.iter().filter(|action| filter.action.is_none_or(|only| only == **action)) {
                rows.extend(self.newest(&ConsentFilter { action: Some(*action), ..filter.clone() }, page)?);
            }
            rows.sort_unstable_by_key(|row| Reverse((row.created_at, row.id.uuid())));
        }
        Ok(Page::from_rows(rows, page, |row: &Consent| Cursor { at: row.created_at, id: row.id.uuid() }))
    }

    fn newest(&mut self, filter: &ConsentFilter, page: PageRequest) -> Result<Vec<Consent>> {
        let mut query = Consent::query().filter(consents::tenant_id.eq(self.0.tenant)).into_boxed::<Pg>();
        if let Some(customer) = &filter.customer {
            query = query.filter(consents::customer_phone.eq_any(customer.spellings()));
        }
        if let Some(action) = filter.action {
            query = query.filter(sql::<Bool>(of_action_sql(action)));
        }
        if filter.latest {
            let later = alias!(consents as later);
            let of_them = later
                .filter(later.field(consents::tenant_id).eq(self.0.tenant))
                .filter(sql::<Bool>(LATER_OF_THEM_SQL))
                .filter(later.field(consents::sequence).gt(consents::sequence))
                // Else it becomes a join, in which nothing computed from a row that the policy guards may look for another: each entry would
                // be compared with all later ones.
                .offset(0);
            query = query.filter(not(exists(of_them)));
        }
        Ok(keyset(query, page, consents::created_at, consents::id).load(self.0.conn)?)
    }

    /// Records a decision, and the user who acts as the one who recorded it. An opt-out calls off the texts that are queued to this person, and none is queued or claimed once it has
    /// committed; one that is on its way at that moment still may arrive ([`record_consent`] waits for it). Either decision settles what staff were to read of this person's.
    ///
    /// # Errors
    /// [`crate::Error::Invalid`] on a broken rule.
    pub fn record(&mut self, new: &NewConsent) -> Result<Consent> {
        let note = optional("note", new.note.as_deref(), 1_000)?;
        if note.is_none() && new.source == ConsentSource::Staff && new.action == ConsentAction::OptIn {
            return Err(Error::invalid("note", "is required of an opt-in: how and when the person agreed"));
        }
        self.0.lock_person(&Person::new(new.customer_phone.clone()))?;
        let entry: Consent = diesel::insert_into(consents::table)
            .values((
                consents::id.eq(ConsentId::new(self.0.moment.id())),
                consents::tenant_id.eq(self.0.tenant),
                consents::customer_phone.eq(new.customer_phone.person()),
                consents::action.eq(new.action),
                consents::source.eq(new.source),
                consents::keyword.eq(optional("keyword", new.keyword.as_deref(), 20)?),
                consents::message_id.eq(new.message_id),
                consents::recorded_by.eq(self.0.user()),
                consents::note.eq(note),
                consents::created_at.eq(self.0.now()),
            ))
            .returning(Consent::as_returning())
            .get_result(self.0.conn)?;
        self.0.note(StreamEventKind::ConsentRecorded, entry.id.uuid());
        if new.action == ConsentAction::OptOut {
            self.0.tx().messages().cancel_queued_to(&new.customer_phone)?;
        }
        self.0.tx().conversations().end_reviews_of(&new.customer_phone, new.action)?;
        Ok(entry)
    }
}

/// The opt-out that the provider tells of, with the text that it refused.
pub(crate) fn provider_opt_out(to: &PhoneNumber, message_id: Option<MessageId>) -> NewConsent {
    NewConsent {
        customer_phone: to.clone(),
        action: ConsentAction::OptOut,
        source: ConsentSource::Provider,
        keyword: None,
        message_id,
        note: None,
    }
}

/// The provider knows of an opt-out that we did not hear of.
pub(crate) fn record_provider_opt_out(
    tx: &mut TenantTx<'_>,
    to: &PhoneNumber,
    message: MessageId,
    conversation: ConversationId,
) -> Result<()> {
    tx.consents().record(&provider_opt_out(to, Some(message)))?;
    tx.conversation_events()
        .append(&[NewConversationEvent::new(conversation, ConversationEventType::OptedOut)
            .with(json!({"source": ConsentSource::Provider}))])
}
