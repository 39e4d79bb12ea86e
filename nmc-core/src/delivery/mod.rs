//! The ports through which the platform tells people and machines of something, texts aside, and the words they speak.

mod mail_sender;

pub use mail_sender::{LONGEST_MAIL, Mail, MailError, MailReceipt, MailSender};
