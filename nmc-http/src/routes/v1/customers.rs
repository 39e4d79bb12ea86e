use super::calls::CallOut;
use super::consents::ConsentOut;
use super::conversations::ConversationOut;
use crate::api::reply::{Done, Json};
use crate::api::request::{NoQuery, RequestContext};
use crate::api::wire::{Text, text};
use crate::error::ApiResult;
use nmc_core::Confirmed;
use nmc_core::workflows::{Customer, customer, erase_customer};
use serde::Serialize;
use utoipa::ToSchema;

/// All that is known about a customer.
#[derive(Serialize, ToSchema)]
pub(crate) struct CustomerOut {
    /// The customer's phone number, in the one spelling that stands for the person.
    customer_phone: text::PhoneNumber,
    /// The customer's name: the one that people told last in a conversation, or else the one under which the network showed the call that
    /// began last, of those that it showed with a name.
    customer_name: Option<String>,
    /// Whether the customer has opted out, and may not be texted.
    is_opted_out: bool,
    /// The number of all conversations of the customer; 10,000 stands for that many or more.
    #[schema(minimum = 0, maximum = 10_000)]
    conversation_count: i64,
    /// The number of all calls of the customer; 10,000 stands for that many or more.
    #[schema(minimum = 0, maximum = 10_000)]
    call_count: i64,
    /// The number of those calls that are in no conversation, as imported ones are; 10,000 stands for that many or more.
    #[schema(minimum = 0, maximum = 10_000)]
    calls_without_conversation: i64,
    /// The customer's 20 latest conversations.
    conversations: Vec<ConversationOut>,
    /// The customer's 20 calls that began last (`started_at`, or else `created_at`).
    calls: Vec<CallOut>,
    /// The customer's 20 latest decisions about being texted.
    consents: Vec<ConsentOut>,
}

impl From<Customer> for CustomerOut {
    fn from(row: Customer) -> Self {
        Self {
            customer_phone: Text(row.phone),
            customer_name: row.name,
            is_opted_out: row.is_opted_out,
            conversation_count: row.conversation_count,
            call_count: row.call_count,
            calls_without_conversation: row.calls_without_conversation,
            conversations: row.conversations.into_iter().map(ConversationOut::from).collect(),
            calls: row.calls.into_iter().map(CallOut::from).collect(),
            consents: row.consents.into_iter().map(ConsentOut::from).collect(),
        }
    }
}

pub(super) async fn get(context: RequestContext<NoQuery, ()>) -> ApiResult<Json<CustomerOut>> {
    let phone = context.phone()?;
    let out = context.acting(move |tx| customer(tx, &phone)).await;
    out.map(|row| Json(row.into()))
}

pub(super) async fn delete(context: RequestContext<NoQuery, ()>) -> ApiResult<Done> {
    let phone = context.phone()?;
    let uploads = context.app.uploads.clone();
    context.in_steps(move |store, who| erase_customer(store, who, &phone, &uploads, Confirmed::irrevocably())).await?;
    Ok(Done)
}
