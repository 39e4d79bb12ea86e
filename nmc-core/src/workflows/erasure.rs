//! Deleting for good what a business has about a customer, in bounded bites. What they decided about being texted stays, so that nobody
//! texts them again.
//!
//! Each bite is one transaction under the customer's lock: a text that is being sent, or that comes in, is before it or after it.

use crate::access::{Acting, Permission};
use crate::schema::{call_analytics, calls, conversation_analytics, conversations, message_media, messages};
use crate::store::{Person, Store, TenantTx};
use crate::{
    CallDirection, CallId, CallStatus, CallerIdentity, Confirmed, ConversationId, Error, MessageId, MessageKind, PhoneNumber,
    Result, StreamEventKind, Uploads, Version,
};
use chrono::{DateTime, TimeDelta, Utc};
use diesel::dsl::exists;
use diesel::pg::Pg;
use diesel::prelude::*;

/// Rows of a kind that are deleted in one transaction.
const BITE: u16 = 500;

/// A call of which nothing was heard for longer stands in nobody's way.
const LONGEST_CALL: TimeDelta = TimeDelta::hours(24);

/// How many rows were deleted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[cfg_attr(not(feature = "testing"), non_exhaustive)]
pub struct Erased {
    /// The conversations, with their notes, tags and logs.
    pub conversations: usize,
    /// The texts, with their pictures.
    pub texts: usize,
    /// The calls, with their parties and what was noted of them.
    pub calls: usize,
}

/// What is to be deleted.
enum Whose<'a> {
    Customer(&'a PhoneNumber),
    Conversation(ConversationId, Option<&'a [Version]>),
}

/// The rule that holds back whoever asks while a text may be an opt-out.
pub const UNSETTLED: &str = "wrote a text that may be an opt-out; say first whether it was one";

/// Deletes the conversations, texts and calls of a customer, in whatever spelling, with all that hangs on them. Texts that are queued to
/// them are called off with it. Their decisions about being texted stay. Who asks again after a failure goes on with what is left.
///
/// # Errors
/// [`Error::Forbidden`] without [`Permission::CustomersDelete`]; [`Error::NotFound`] when there is nothing to delete;
/// [`Error::Conflict`] while a call of theirs goes on, a text is being sent to them, a picture of theirs is being fetched, or a text of theirs
/// may be an opt-out that nobody has settled; [`Error::Unavailable`] also when the files of their pictures can't be removed.
pub fn erase_customer(store: &Store, who: &Acting, customer: &PhoneNumber, uploads: &Uploads, _: Confirmed) -> Result<Erased> {
    erase(store, who, &Whose::Customer(customer), uploads)
}

/// Deletes one conversation with its texts and calls, as [`erase_customer`] does.
///
/// # Errors
/// As [`erase_customer`].
pub fn erase_conversation(store: &Store, who: &Acting, id: ConversationId, uploads: &Uploads, _: Confirmed) -> Result<Erased> {
    erase(store, who, &Whose::Conversation(id, None), uploads)
}

/// Deletes one conversation if it is of one of these versions, as [`erase_conversation`] does.
///
/// # Errors
/// As [`erase_customer`]; [`Error::Stale`] when it has moved on.
pub fn erase_conversation_as_seen(
    store: &Store,
    who: &Acting,
    id: ConversationId,
    seen: &[Version],
    uploads: &Uploads,
    _: Confirmed,
) -> Result<Erased> {
    erase(store, who, &Whose::Conversation(id, Some(seen)), uploads)
}

fn erase(store: &Store, who: &Acting, whose: &Whose<'_>, uploads: &Uploads) -> Result<Erased> {
    let mut all = Erased::default();
    loop {
        let (tenant, erased, is_last, actor) = who.transaction(store, |tx| {
            // What was deleted already has moved it on.
            if all == Erased::default() {
                whose.must_be_as_seen(tx)?;
            }
            let (erased, is_last) = whose.take(tx, uploads)?;
            Ok((tx.tenant().id(), erased, is_last, tx.actor().to_string()))
        })?;
        all.conversations += erased.conversations;
        all.texts += erased.texts;
        all.calls += erased.calls;
        let Erased { conversations, texts, calls } = erased;
        if erased != Erased::default() {
            tracing::info!(%tenant, actor, conversations, texts, calls, "deleted for good");
        }
        if is_last {
            break;
        }
    }
    match (all == Erased::default(), whose) {
        (false, _) => Ok(all),
        (true, Whose::Customer(_)) => Err(Error::NotFound { entity: "customer" }),
        (true, Whose::Conversation(..)) => Err(Error::NotFound { entity: "conversation" }),
    }
}

impl Whose<'_> {
    /// The next texts that go.
    fn texts(&self, tx: &mut TenantTx<'_>) -> Result<Vec<MessageId>> {
        let of = self.conversations(tx)?;
        let texts = messages::table.filter(messages::tenant_id.eq(tx.0.tenant)).filter(messages::conversation_id.eq_any(of));
        Ok(texts.limit(BITE.into()).select(messages::id).load(tx.0.conn)?)
    }

    /// Removes the files of these texts' pictures, unless another text has them. Before their rows: whoever dies in between finds them again.
    fn forget_pictures(tx: &mut TenantTx<'_>, texts: &[MessageId], uploads: &Uploads) -> Result<()> {
        let fetched = message_media::table
            .filter(message_media::tenant_id.eq(tx.0.tenant))
            .filter(message_media::message_id.eq_any(texts))
            .filter(message_media::lease_expires_at.gt(tx.0.now()));
        if diesel::select(exists(fetched)).get_result(tx.0.conn)? {
            return Err(Error::conflict(
                "customer_phone",
                "sent a picture that is being fetched at this moment; try again in a minute",
            ));
        }
        // Whoever keeps or deletes the same picture at once comes before or after this.
        tx.tenants().lock()?;
        let tenant = tx.tenant();
        let files = tx.message_media().files_of_only(texts)?;
        // A directory that is elsewhere has none of them: they would stay there for good.
        if !files.is_empty() {
            uploads.must_have_media(&tenant)?;
        }
        files.iter().try_for_each(|file| uploads.forget_media(&tenant, file))
    }

    /// Makes sure that nothing has come since it was seen, and holds whatever comes now.
    fn must_be_as_seen(&self, tx: &mut TenantTx<'_>) -> Result<()> {
        tx.must(Permission::CustomersDelete)?;
        let Self::Conversation(id, Some(seen)) = self else { return Ok(()) };
        let Some(conversation) = tx.conversations().find(*id)? else { return Ok(()) };
        if let Some(phone) = conversation.customer_phone.phone() {
            tx.0.lock_person(&Person::new(phone.clone()))?;
        }
        let row = tx.conversations().lock(*id)?;
        Version::of(row.updated_at).must_be_among(seen, "conversation")
    }

    /// Makes sure that who asks may, that nothing is on its way, and that nothing begins meanwhile.
    fn begin(&self, tx: &mut TenantTx<'_>) -> Result<()> {
        tx.must(Permission::CustomersDelete)?;
        let identity = match self {
            Self::Customer(phone) => CallerIdentity::Phone((*phone).clone()),
            Self::Conversation(id, _) => match tx.conversations().find(*id)? {
                Some(conversation) => conversation.customer_phone,
                None => return Ok(()),
            },
        };
        if let Some(phone) = identity.phone() {
            tx.0.lock_person(&Person::new(phone.clone()))?;
            if tx.messages().is_in_doubt_to(phone)? {
                return Err(Error::conflict("customer_phone", "is being sent a text at this moment; try again in a minute"));
            }
        }
        if self.is_in_review(tx)? {
            return Err(Error::conflict("customer_phone", UNSETTLED));
        }
        let since = tx.now() - LONGEST_CALL;
        let going_on = calls::call_status.eq_any([CallStatus::Initiated, CallStatus::Ringing, CallStatus::InProgress]);
        let talk = self.calls(tx)?.filter(going_on).filter(calls::updated_at.gt(since));
        if diesel::select(exists(talk)).get_result(tx.0.conn)? {
            return Err(Error::conflict("customer_phone", "is on the phone at this moment; try again after the call"));
        }
        Ok(())
    }

    /// The conversations that go, a bite of them.
    fn conversations(&self, tx: &mut TenantTx<'_>) -> Result<Vec<ConversationId>> {
        let all = conversations::table.filter(conversations::tenant_id.eq(tx.0.tenant)).limit(BITE.into());
        let all = all.select(conversations::id).into_boxed();
        let found = match self {
            Self::Conversation(id, _) => all.filter(conversations::id.eq(*id)),
            Self::Customer(phone) => all.filter(conversations::customer_phone.eq_any(phone.spellings())),
        };
        Ok(found.load(tx.0.conn)?)
    }

    fn is_in_review(&self, tx: &mut TenantTx<'_>) -> Result<bool> {
        let all = conversations::table
            .filter(conversations::tenant_id.eq(tx.0.tenant))
            .filter(conversations::review_requested_at.is_not_null());
        let found = match self {
            Self::Customer(phone) => {
                let query = all.filter(conversations::customer_phone.eq_any(phone.spellings()));
                diesel::select(exists(query)).get_result(tx.0.conn)
            }
            Self::Conversation(id, _) => diesel::select(exists(all.filter(conversations::id.eq(*id)))).get_result(tx.0.conn),
        };
        Ok(found?)
    }

    /// The calls that go: those of the conversations, and those of the customer that are in none.
    fn calls(&self, tx: &mut TenantTx<'_>) -> Result<calls::BoxedQuery<'static, Pg>> {
        let conversations = self.conversations(tx)?;
        let all = calls::table.filter(calls::tenant_id.eq(tx.0.tenant)).into_boxed();
        let Self::Customer(phone) = self else { return Ok(all.filter(calls::conversation_id.eq_any(conversations))) };
        // The other end is a number of ours, which may be asked for, too: all calls to it are others'.
        let (inbound, outbound) = (CallDirection::Inbound, CallDirection::Outbound);
        let from_them = calls::caller_phone.eq_any(phone.spellings()).and(calls::call_direction.eq(inbound));
        let to_them = calls::called_phone.eq_any(phone.spellings()).and(calls::call_direction.eq(outbound));
        Ok(all.filter(from_them.or(to_them).or(calls::conversation_id.eq_any(conversations))))
    }

    /// Deletes a bite: texts, and once no more are there, calls and then conversations. Says whether it was the last.
    fn take(&self, tx: &mut TenantTx<'_>, uploads: &Uploads) -> Result<(Erased, bool)> {
        self.begin(tx)?;
        let (tenant, texts) = (tx.0.tenant, self.texts(tx)?);
        Self::forget_pictures(tx, &texts, uploads)?;
        let gone: Vec<(Option<String>, MessageKind, Option<DateTime<Utc>>)> = diesel::delete(messages::table)
            .filter(messages::tenant_id.eq(tenant))
            .filter(messages::id.eq_any(&texts))
            .returning((messages::message_sid, messages::message_kind, messages::sent_at))
            .get_results(tx.0.conn)?;
        let mut erased = Erased { texts: gone.len(), ..Erased::default() };
        let automatic = |kind, at: Option<DateTime<Utc>>| at.filter(|_| kind != MessageKind::Message);
        let sids = gone.into_iter().filter_map(|(sid, kind, at)| Some((sid?, automatic(kind, at))));
        tx.erased_sids().insert_if_missing(&sids.collect::<Vec<_>>())?;
        if texts.len() >= usize::from(BITE) {
            return Ok((erased, false));
        }
        let ids: Vec<CallId> = self.calls(tx)?.limit(BITE.into()).select(calls::id).load(tx.0.conn)?;
        erased.calls = delete_calls(tx, &ids)?;
        if ids.len() >= usize::from(BITE) {
            return Ok((erased, false));
        }
        let found = self.conversations(tx)?;
        erased.conversations = delete_conversations(tx, &found)?;
        Ok((erased, found.len() < usize::from(BITE)))
    }
}

/// Deletes calls, with what is told and computed of them.
fn delete_calls(tx: &mut TenantTx<'_>, ids: &[CallId]) -> Result<usize> {
    if ids.is_empty() {
        return Ok(0);
    }
    let (tenant, now) = (tx.0.tenant, tx.0.now());
    // Before what names them: a roll-up that has read one of them fails at its end, and not this.
    let gone: Vec<(CallId, Option<String>)> = diesel::delete(calls::table)
        .filter(calls::tenant_id.eq(tenant))
        .filter(calls::id.eq_any(ids))
        .returning((calls::id, calls::twilio_call_sid))
        .get_results(tx.0.conn)?;
    diesel::delete(call_analytics::table)
        .filter(call_analytics::tenant_id.eq(tenant))
        .filter(call_analytics::call_id.eq_any(ids))
        .execute(tx.0.conn)?;
    diesel::update(conversation_analytics::table)
        .filter(conversation_analytics::tenant_id.eq(tenant))
        .filter(conversation_analytics::call_id.eq_any(ids))
        .set((conversation_analytics::call_id.eq(None::<CallId>), conversation_analytics::updated_at.eq(now)))
        .execute(tx.0.conn)?;
    diesel::update(conversations::table)
        .filter(conversations::tenant_id.eq(tenant))
        .filter(conversations::first_call_id.eq_any(ids))
        .set((conversations::first_call_id.eq(None::<CallId>), conversations::updated_at.eq(now)))
        .execute(tx.0.conn)?;
    diesel::update(conversations::table)
        .filter(conversations::tenant_id.eq(tenant))
        .filter(conversations::last_call_id.eq_any(ids))
        .set((conversations::last_call_id.eq(None::<CallId>), conversations::updated_at.eq(now)))
        .execute(tx.0.conn)?;
    gone.iter().for_each(|(id, _)| tx.0.note(StreamEventKind::CallUpdated, id.uuid()));
    let count = gone.len();
    tx.erased_sids().insert_if_missing(&gone.into_iter().filter_map(|(_, sid)| Some((sid?, None))).collect::<Vec<_>>())?;
    Ok(count)
}

/// Deletes conversations in which nothing is any more, with what is computed of them. A text that came into one all the same, from somebody
/// who has no number and so no lock, refuses it.
fn delete_conversations(tx: &mut TenantTx<'_>, ids: &[ConversationId]) -> Result<usize> {
    if ids.is_empty() {
        return Ok(0);
    }
    let tenant = tx.0.tenant;
    let gone = diesel::delete(conversations::table)
        .filter(conversations::tenant_id.eq(tenant))
        .filter(conversations::id.eq_any(ids))
        .execute(tx.0.conn)?;
    diesel::update(call_analytics::table)
        .filter(call_analytics::tenant_id.eq(tenant))
        .filter(call_analytics::conversation_id.eq_any(ids))
        .set((call_analytics::conversation_id.eq(None::<ConversationId>), call_analytics::updated_at.eq(tx.0.now())))
        .execute(tx.0.conn)?;
    diesel::delete(conversation_analytics::table)
        .filter(conversation_analytics::tenant_id.eq(tenant))
        .filter(conversation_analytics::conversation_id.eq_any(ids))
        .execute(tx.0.conn)?;
    ids.iter().for_each(|id| tx.0.note(StreamEventKind::ConversationUpdated, id.uuid()));
    Ok(gone)
}
