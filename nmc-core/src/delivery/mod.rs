//! The ports through which the platform tells people and machines of something, texts aside, and the words they speak.

mod links;
mod mail_sender;
mod markup;
mod webhook_secrets;
mod webhook_sender;

pub use links::MailLinks;
pub use mail_sender::{Attachment, LONGEST_MAIL, Mail, MailError, MailReceipt, MailSender};
pub(crate) use markup::{escaped, named, one_line, without_links};
pub use webhook_secrets::{SecretVersions, WebhookSecrets};
pub use webhook_sender::{
    LARGEST_WEBHOOK, LONGEST_WEBHOOK, OutboundWebhook, WebhookAnswer, WebhookError, WebhookRules, WebhookSender,
};
