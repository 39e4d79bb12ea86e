//! All that a business has about a customer, or of its conversations, a page at a time: each page is one short transaction, so that an
//! export of hours holds nothing up.

use super::customer;
use crate::access::Permission;
use crate::calls::{Call, CallFilter, CallMetadata, CallMetadataFilter, CallParticipant, CallParticipantFilter};
use crate::conversations::{
    Consent, ConsentFilter, ConversationEvent, ConversationEventFilter, ConversationFilter, InboxRow, Media, Message,
    MessageFilter,
};
use crate::page::Page;
use crate::schema::{call_metadata, call_participants};
use crate::store::TenantTx;
use crate::{CallDirection, CallId, CallerIdentity, ConversationId, Cursor, Error, PageRequest, PhoneNumber, Result};
use diesel::prelude::*;
use std::collections::VecDeque;

/// The rows of one list that are read at once.
const ROWS: u16 = 100;

/// Lists that are read in one transaction at the most: many have a few rows, or none.
const LISTS: usize = 20;

/// One row of an export.
#[derive(Debug, Clone, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub enum ExportedRow {
    /// A conversation, with its notes and tags.
    Conversation(Box<InboxRow>),
    /// An entry of a conversation's log.
    Event(ConversationEvent),
    /// A text, and what is known of its pictures.
    Message(Box<Message>, Vec<Media>),
    /// A call.
    Call(Box<Call>),
    /// A party of a call.
    Participant(CallParticipant),
    /// A fact that was noted about a call.
    Metadata(CallMetadata),
    /// A decision about being texted.
    Consent(Consent),
}

/// An export on its way: the lists that are still to be read.
#[derive(Debug, Clone)]
pub struct Export(VecDeque<Step>);

/// A list, and where its reading goes on.
#[derive(Debug, Clone)]
struct Step {
    list: List,
    after: Option<Cursor>,
}

#[derive(Debug, Clone)]
enum List {
    Conversations(ConversationFilter),
    Events(ConversationId),
    Messages(ConversationId),
    Calls(CallFilter),
    Participants(CallId),
    Metadata(CallId),
    Consents(PhoneNumber),
}

/// The rows of a part of a list, where it goes on, and the lists that hang on these rows.
type Part = (Vec<ExportedRow>, Option<Cursor>, Vec<List>);

impl Export {
    /// All that the business has about the customer with this number, in whatever spelling: conversations with their logs and texts, calls
    /// with their parties and facts, and decisions about being texted.
    ///
    /// # Errors
    /// [`crate::Error::Forbidden`] without [`Permission::CustomersExport`]; [`crate::Error::NotFound`] of one of whom nothing is known.
    pub fn of_customer(tx: &mut TenantTx<'_>, phone: &PhoneNumber) -> Result<Self> {
        tx.must(Permission::CustomersExport)?;
        match customer(tx, phone) {
            // An imported log tells of calls to somebody who never called or wrote.
            Err(Error::NotFound { .. }) if is_called(tx, phone)? => {}
            found => found.map(drop)?,
        }
        tracing::info!(tenant = %tx.tenant().id(), actor = %tx.actor(), "what is known about a customer is exported");
        let identity = CallerIdentity::Phone(phone.clone());
        let of_conversations = ConversationFilter { customer: Some(identity.clone()), ..ConversationFilter::default() };
        let from_them = CallFilter { caller: Some(identity), direction: Some(CallDirection::Inbound), ..CallFilter::default() };
        let mut lists = vec![List::Conversations(of_conversations), List::Calls(from_them)];
        lists.extend(phone.spellings().into_iter().map(|spelling| List::Calls(calls_to(spelling))));
        lists.push(List::Consents(phone.clone()));
        Ok(Self(lists.into_iter().map(Step::first).collect()))
    }

    /// The conversations that a filter finds, newest first, with their logs and texts.
    ///
    /// # Errors
    /// [`crate::Error::Forbidden`] without [`Permission::CustomersExport`].
    pub fn of_conversations(tx: &mut TenantTx<'_>, filter: ConversationFilter) -> Result<Self> {
        tx.must(Permission::CustomersExport)?;
        tracing::info!(tenant = %tx.tenant().id(), actor = %tx.actor(), "conversations are exported");
        Ok(Self(VecDeque::from([Step::first(List::Conversations(filter))])))
    }

    /// Reads on: the next rows, perhaps none, and the export as it goes on, unless all has been read. What changes meanwhile is in it as it
    /// was or as it is.
    ///
    /// # Errors
    /// [`crate::Error::Forbidden`] without [`Permission::CustomersExport`].
    pub fn read(&self, tx: &mut TenantTx<'_>) -> Result<(Vec<ExportedRow>, Option<Self>)> {
        tx.must(Permission::CustomersExport)?;
        let (mut rows, mut rest) = (Vec::new(), self.0.clone());
        for _ in 0..LISTS {
            if rows.len() >= usize::from(ROWS) {
                break;
            }
            let Some(step) = rest.pop_front() else { break };
            let (read, next, inner) = step.read(tx)?;
            rows.extend(read);
            let goes_on = next.map(|after| Step { after: Some(after), ..step });
            inner.into_iter().map(Step::first).chain(goes_on).rev().for_each(|step| rest.push_front(step));
        }
        Ok((rows, Some(Self(rest)).filter(|rest| !rest.0.is_empty())))
    }
}

/// The business's calls to a number.
fn calls_to(called: PhoneNumber) -> CallFilter {
    CallFilter { called: Some(called), direction: Some(CallDirection::Outbound), ..CallFilter::default() }
}

fn is_called(tx: &mut TenantTx<'_>, phone: &PhoneNumber) -> Result<bool> {
    for spelling in phone.spellings() {
        if tx.calls().count_up_to(1, &calls_to(spelling))? > 0 {
            return Ok(true);
        }
    }
    Ok(false)
}

impl Step {
    const fn first(list: List) -> Self {
        Self { list, after: None }
    }

    fn read(&self, tx: &mut TenantTx<'_>) -> Result<Part> {
        let page = PageRequest::new(ROWS, self.after)?;
        match &self.list {
            List::Conversations(filter) => {
                let found = tx.conversations().list_with_last_text(filter, page)?;
                let ids = found.items.iter().map(|row| row.conversation.id);
                let inner = ids.flat_map(|id| [List::Events(id), List::Messages(id)]).collect();
                Ok(part(found, |row| ExportedRow::Conversation(Box::new(row)), inner))
            }
            List::Events(conversation) => {
                let filter = ConversationEventFilter::of(*conversation);
                Ok(part(tx.conversation_events().list(&filter, page)?, ExportedRow::Event, Vec::new()))
            }
            List::Messages(conversation) => {
                let filter = MessageFilter { conversation: Some(*conversation), ..MessageFilter::default() };
                let found = tx.messages().list(&filter, page)?;
                let ids: Vec<_> = found.items.iter().map(|row| row.id).collect();
                let mut media = tx.message_media().list(&ids)?;
                let row = |row: Message| {
                    let own = media.extract_if(.., |each| each.message_id == row.id).collect();
                    ExportedRow::Message(Box::new(row), own)
                };
                Ok(part(found, row, Vec::new()))
            }
            List::Calls(filter) => {
                let found = tx.calls().list(filter, page)?;
                let ids: Vec<CallId> = found.items.iter().map(|row| row.id).collect();
                let inner = more_of_calls(tx, &ids)?;
                Ok(part(found, |row| ExportedRow::Call(Box::new(row)), inner))
            }
            List::Participants(call) => {
                let filter = CallParticipantFilter { call: Some(*call), ..CallParticipantFilter::default() };
                Ok(part(tx.call_participants().list(&filter, page)?, ExportedRow::Participant, Vec::new()))
            }
            List::Metadata(call) => {
                let filter = CallMetadataFilter { call: Some(*call), ..CallMetadataFilter::default() };
                Ok(part(tx.call_metadata().list(&filter, page)?, ExportedRow::Metadata, Vec::new()))
            }
            List::Consents(phone) => {
                let filter = ConsentFilter { customer: Some(phone.clone()), ..ConsentFilter::default() };
                Ok(part(tx.consents().list(&filter, page)?, ExportedRow::Consent, Vec::new()))
            }
        }
    }
}

fn part<T>(page: Page<T>, row: impl FnMut(T) -> ExportedRow, inner: Vec<List>) -> Part {
    (page.items.into_iter().map(row).collect(), page.next, inner)
}

/// The parties and facts of those calls that have any: few do.
fn more_of_calls(tx: &mut TenantTx<'_>, ids: &[CallId]) -> Result<Vec<List>> {
    let tenant = tx.0.tenant;
    let joined: Vec<CallId> = call_participants::table
        .filter(call_participants::tenant_id.eq(tenant))
        .filter(call_participants::call_id.eq_any(ids))
        .select(call_participants::call_id)
        .distinct()
        .load(tx.0.conn)?;
    let noted: Vec<CallId> = call_metadata::table
        .filter(call_metadata::tenant_id.eq(tenant))
        .filter(call_metadata::call_id.eq_any(ids))
        .select(call_metadata::call_id)
        .distinct()
        .load(tx.0.conn)?;
    Ok(joined.into_iter().map(List::Participants).chain(noted.into_iter().map(List::Metadata)).collect())
}
