//! Conversations with customers, what happens in them, the texts, and the consent to send them.

mod consent;
mod conversation;
mod delivery;
mod event;
mod greeting;
mod handling;
mod inbound_text;
mod keyword;
mod message;
mod message_queue;
mod message_transitions;
mod not_texted;
mod pipeline;
mod sending;
mod sms_sender;
mod under_way;
mod worker;

pub use consent::{Consent, Consents, NewConsent};
pub use conversation::{Conversation, ConversationFilter, Conversations, NewConversation};
pub use delivery::{DeliveryReport, record_delivery};
pub use event::{ConversationEvent, ConversationEventFilter, ConversationEvents, NewConversationEvent};
pub(crate) use greeting::{Answer, GreetingContext};
pub use greeting::{DEFAULT_GREETING, render_greeting};
pub use handling::ConversationPatch;
pub use inbound_text::{InboundText, Received, receive_text};
pub use keyword::Keyword;
pub use message::{Message, MessageFilter, Messages, NewMessage};
pub use not_texted::NotTexted;
pub use sms_sender::{ConsoleSms, Lookup, OutboundSms, SendError, SendReceipt, SmsSender};
pub(crate) use under_way::wait_for_texts_under_way;
pub(crate) use worker::MessageQueueLimits;
pub use worker::{Pass, Worker, WorkerConfig};
