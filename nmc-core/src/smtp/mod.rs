//! Mail through any SMTP server, behind the port.

mod config;
mod mailer;

pub use config::{SmtpConfig, SmtpSecurity};
pub use mailer::SmtpMailer;
