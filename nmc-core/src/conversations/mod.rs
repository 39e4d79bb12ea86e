//! Conversations with customers, what happens in them, the texts, and the consent to send them.

mod consent;
mod conversation;
mod delivery;
mod event;
mod greeting;
mod handling;
mod inbound_text;
mod keyword;
mod late;
mod message;
mod outbox;
mod sms_sender;
mod text_directory;
mod worker;

pub use consent::{Consent, Consents, NewConsent};
pub use conversation::{Conversation, ConversationFilter, Conversations, NewConversation};
pub use delivery::{DeliveryReport, record_delivery};
pub use event::{ConversationEvent, ConversationEventFilter, ConversationEvents, NewConversationEvent};
pub(crate) use greeting::GreetingContext;
pub use greeting::{DEFAULT_GREETING, render_greeting};
pub use handling::ConversationPatch;
pub use inbound_text::{InboundText, Received, receive_text};
pub use keyword::Keyword;
pub(crate) use late::TextPrice;
pub use message::{Message, MessageFilter, Messages, NewMessage};
pub use outbox::ClaimedMessage;
pub use sms_sender::{ConsoleSms, Lookup, OutboundSms, SendError, SendReceipt, SmsSender};
pub use text_directory::{MediaReport, TextDirectory, TextPage, TextReport};
pub use worker::{Pass, Worker, WorkerConfig};
