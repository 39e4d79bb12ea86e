use super::calls::CallOut;
use super::consents::ConsentOut;
use super::conversations::ConversationOut;
use crate::api::reply::Json;
use crate::api::request::{NoQuery, RequestContext};
use crate::api::wire::{Text, text};
use crate::error::ApiResult;
use nmc_core::calls::CallFilter;
use nmc_core::conversations::{ConsentFilter, ConversationFilter};
use nmc_core::{CallerIdentity, Error, PageRequest, PhoneNumber};
use serde::Serialize;
use utoipa::ToSchema;

/// How much of each kind is shown; the lists have the rest.
const LATEST: u16 = 20;

/// As far as their conversations and calls are counted.
const MOST_COUNTED: u16 = 10_000;

/// All that is known about a customer.
#[derive(Serialize, ToSchema)]
pub(crate) struct CustomerOut {
    /// The customer's phone number, in the one spelling that stands for the person.
    customer_phone: text::PhoneNumber,
    /// The customer's name, as their latest conversation with a name has it.
    customer_name: Option<String>,
    /// Whether the customer has opted out, and may not be texted.
    is_opted_out: bool,
    /// The number of all conversations of the customer; 10,000 stands for that many or more.
    #[schema(minimum = 0, maximum = 10_000)]
    conversation_count: i64,
    /// The number of all calls of the customer; 10,000 stands for that many or more.
    #[schema(minimum = 0, maximum = 10_000)]
    call_count: i64,
    /// The customer's 20 latest conversations.
    conversations: Vec<ConversationOut>,
    /// The customer's 20 latest calls.
    calls: Vec<CallOut>,
    /// The customer's 20 latest decisions about being texted.
    consents: Vec<ConsentOut>,
}

pub(super) async fn get(context: RequestContext<NoQuery, ()>) -> ApiResult<Json<CustomerOut>> {
    let phone: PhoneNumber = context.id("phone", "customer")?;
    let identity = CallerIdentity::Phone(phone.clone());
    let of_calls = CallFilter { caller: Some(identity.clone()), ..CallFilter::default() };
    let of_conversations = ConversationFilter { customer: Some(identity), ..ConversationFilter::default() };
    let of_consents = ConsentFilter { customer: Some(phone.clone()), ..ConsentFilter::default() };
    let person = phone.person();
    let page = PageRequest::new(LATEST, None)?;
    let out = context
        .acting(move |tx| {
            let conversations = tx.conversations().list_with_last_text(&of_conversations, page)?.items;
            let calls = tx.calls().list(&of_calls, page)?.items;
            let consents = tx.consents().list(&of_consents, page)?.items;
            if conversations.is_empty() && calls.is_empty() && consents.is_empty() {
                return Err(Error::NotFound { entity: "customer" });
            }
            Ok(CustomerOut {
                customer_phone: Text(person.clone()),
                customer_name: conversations.iter().find_map(|row| row.conversation.customer_name.clone()),
                is_opted_out: tx.consents().is_opted_out(&phone)?,
                conversation_count: tx.conversations().count_up_to(MOST_COUNTED, &of_conversations)?,
                call_count: tx.calls().count_up_to(MOST_COUNTED, &of_calls)?,
                conversations: conversations.into_iter().map(ConversationOut::from).collect(),
                calls: calls.into_iter().map(CallOut::from).collect(),
                consents: consents.into_iter().map(ConsentOut::from).collect(),
            })
        })
        .await;
    out.map(Json)
}
