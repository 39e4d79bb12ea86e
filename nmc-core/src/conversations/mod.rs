//! Conversations with customers, what happens in them, the texts, and the consent to send them.

mod consent;
mod conversation;
mod delivery;
mod event;
mod greeting;
mod handling;
mod inbound_text;
mod keyword;
mod media;
mod media_kind;
mod media_queue;
mod media_source;
mod media_worker;
mod message;
mod outbox;
mod review;
mod sms_sender;
mod worker;

pub use consent::{Consent, ConsentFilter, Consents, HeardConsent, NewConsent, record_consent};
pub use conversation::{Conversation, ConversationFilter, Conversations, NewConversation};
pub use delivery::{DeliveryReport, record_delivery};
pub use event::{ConversationEvent, ConversationEventFilter, ConversationEvents, NewConversationEvent};
pub(crate) use greeting::GreetingContext;
pub use greeting::{DEFAULT_GREETING, render_greeting};
pub use handling::ConversationPatch;
pub use inbound_text::{InboundText, Received, receive_text};
pub use keyword::{Keyword, Reading};
pub use media::{KeptMedia, Media, MessageMedia, NewMedia};
pub use media_kind::MediaKind;
pub use media_source::{FetchError, FetchedMedia, MediaSource};
pub use media_worker::{MediaPass, MediaWorker, MediaWorkerConfig};
pub use message::{Message, MessageFilter, Messages, NewMessage};
pub use outbox::ClaimedMessage;
pub use review::{ReviewDecision, settle_review};
pub use sms_sender::{ConsoleSms, Lookup, OutboundSms, SendError, SendReceipt, SmsSender};
pub use worker::{Pass, Worker, WorkerConfig};
