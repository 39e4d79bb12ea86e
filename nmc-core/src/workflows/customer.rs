//! All that is known about a customer, from their conversations, calls and decisions about texts.

use crate::calls::{Call, CallFilter};
use crate::conversations::{Consent, ConsentFilter, ConversationFilter, InboxRow};
use crate::store::TenantTx;
use crate::{CallerIdentity, Error, PageRequest, PhoneNumber, Result};
use diesel::prelude::*;
use diesel::sql_query;
use diesel::sql_types::{Array, Nullable, Text, Uuid};

/// How much of each kind is told; the lists have the rest.
const LATEST: u16 = 20;

/// As far as conversations and calls are counted.
const MOST_COUNTED: u16 = 10_000;

/// All that is known about a customer.
#[derive(Debug, Clone, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[cfg_attr(not(feature = "testing"), non_exhaustive)]
pub struct Customer {
    /// The customer's number, in the one spelling that stands for the person.
    pub phone: PhoneNumber,
    /// The name that people told last in a conversation, or else the one under which the network showed the call that began last, of
    /// those that it showed with a name.
    pub name: Option<String>,
    /// Whether the customer has opted out, and may not be texted.
    pub is_opted_out: bool,
    /// The number of conversations, counted up to 10,000.
    pub conversation_count: i64,
    /// The number of calls, counted up to 10,000.
    pub call_count: i64,
    /// The number of those calls that are in no conversation, as imported ones are, counted up to 10,000.
    pub calls_without_conversation: i64,
    /// The 20 latest conversations.
    pub conversations: Vec<InboxRow>,
    /// The 20 calls that began last; one whose beginning is unknown began when it was recorded.
    pub calls: Vec<Call>,
    /// The 20 latest decisions about being texted.
    pub consents: Vec<Consent>,
}

/// As [`InboxRow::known_as`] has it, whether or not there is a conversation.
const NAME: &str = "\
    SELECT coalesce( \
        (SELECT c.customer_name FROM conversations AS c \
         WHERE c.tenant_id = $1 AND c.customer_phone = ANY ($2) AND c.customer_name IS NOT NULL \
         ORDER BY c.created_at DESC, c.id DESC LIMIT 1), \
        (SELECT k.caller_name FROM calls AS k WHERE k.tenant_id = $1 AND k.caller_phone = ANY ($2) AND k.caller_name IS NOT NULL \
         ORDER BY coalesce(k.started_at, k.created_at) DESC LIMIT 1) \
    ) AS name";

#[derive(QueryableByName)]
struct Named {
    #[diesel(sql_type = Nullable<Text>)]
    name: Option<String>,
}

/// All that is known about the customer with this number, in whatever spelling.
///
/// # Errors
/// [`Error::NotFound`] of one who has neither conversations nor calls, nor has decided anything.
pub fn customer(tx: &mut TenantTx<'_>, phone: &PhoneNumber) -> Result<Customer> {
    let identity = CallerIdentity::Phone(phone.clone());
    let of_calls = CallFilter { caller: Some(identity.clone()), ..CallFilter::default() };
    let of_conversations = ConversationFilter { customer: Some(identity), ..ConversationFilter::default() };
    let of_consents = ConsentFilter { customer: Some(phone.clone()), ..ConsentFilter::default() };
    let page = PageRequest::new(LATEST, None)?;
    let conversations = tx.conversations().list_with_last_text(&of_conversations, page)?.items;
    let calls = tx.calls().last_begun(&of_calls, LATEST)?;
    let consents = tx.consents().list(&of_consents, page)?.items;
    if conversations.is_empty() && calls.is_empty() && consents.is_empty() {
        return Err(Error::NotFound { entity: "customer" });
    }
    let spellings: Vec<String> = phone.spellings().iter().map(|spelling| spelling.as_str().to_owned()).collect();
    let named: Named = sql_query(NAME).bind::<Uuid, _>(tx.0.tenant).bind::<Array<Text>, _>(spellings).get_result(tx.0.conn)?;
    Ok(Customer {
        phone: phone.person(),
        name: named.name,
        is_opted_out: tx.consents().is_opted_out(phone)?,
        conversation_count: tx.conversations().count_up_to(MOST_COUNTED, &of_conversations)?,
        call_count: tx.calls().count_up_to(MOST_COUNTED, &of_calls)?,
        calls_without_conversation: tx.calls().count_without_conversation(MOST_COUNTED, &of_calls)?,
        conversations,
        calls,
        consents,
    })
}
