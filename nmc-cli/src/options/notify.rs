//! How alerts are told.

use super::without;
use crate::commands::serve::network;
use crate::error::{CliError, CliResult};
use crate::password;
use clap::Args;
use ipnet::IpNet;
use nmc_core::Secret;
use nmc_core::access::TokenKeys;
use nmc_core::delivery::MailSender;
use nmc_core::smtp::{SmtpConfig, SmtpMailer};
use nmc_core::telephony::SmsSender;
use nmc_core::webhook::{WebhookClient, WebhookPolicy};
use nmc_core::workflows::Senders;
use std::path::PathBuf;
use std::sync::Arc;

#[derive(Args, Clone)]
pub(crate) struct NotifyArgs {
    /// The server that takes mails, as smtps://user:password@host (TLS) or smtp://user:password@host (STARTTLS); without it no alert is
    /// told by mail
    #[arg(long, env = "NMC_SMTP_URL", hide_env_values = true, value_name = "URL")]
    pub(crate) smtp_url: Option<Secret>,

    /// A file whose first line is the URL of the server that takes mails, instead of the URL itself
    #[arg(long, env = "NMC_SMTP_URL_FILE", value_name = "FILE")]
    pub(crate) smtp_url_file: Option<PathBuf>,

    /// The sender of mails, such as "NeverMissCall <alerts@example.com>"
    #[arg(long, env = "NMC_SMTP_FROM", value_name = "ADDRESS")]
    pub(crate) smtp_from: Option<String>,

    #[command(flatten)]
    pub(crate) webhooks: WebhookArgs,
}

/// Where webhooks may go: asked when a contact is saved, and when something goes there.
#[derive(Args, Clone)]
pub(crate) struct WebhookArgs {
    /// Networks that webhooks may go to though they are not public, such as 10.1.0.0/16, separated by commas
    #[arg(long, env = "NMC_WEBHOOK_NETWORKS", value_name = "CIDR", value_delimiter = ',', value_parser = network)]
    webhook_networks: Vec<IpNet>,

    /// Ports that webhooks may go to beside 443, separated by commas
    #[arg(long, env = "NMC_WEBHOOK_PORTS", value_name = "PORT", value_delimiter = ',')]
    webhook_ports: Vec<u16>,
}

impl WebhookArgs {
    /// The rules that senders of webhooks keep.
    pub(crate) fn policy(&self) -> WebhookPolicy {
        WebhookPolicy { allow: self.webhook_networks.clone(), ports: self.webhook_ports.clone() }
    }
}

/// Whether mails go out, for commands that leave the sending to a worker.
#[derive(Args, Clone)]
pub(crate) struct MailArg {
    /// The sender of mails, as the worker has it; where it is set, people are invited by mail, too
    #[arg(long, env = "NMC_SMTP_FROM", value_name = "ADDRESS")]
    smtp_from: Option<String>,
}

impl MailArg {
    /// Whether a worker sends mails.
    pub(crate) fn is_set(&self) -> bool {
        self.smtp_from.as_deref().is_some_and(|from| !from.trim().is_empty())
    }
}

impl NotifyArgs {
    /// Takes what is empty as not set.
    pub(crate) fn without_empty(&mut self) {
        without(&mut self.smtp_url, |url| url.expose().trim().is_empty());
        without(&mut self.smtp_url_file, |file| file.as_os_str().is_empty());
        without(&mut self.smtp_from, |from| from.trim().is_empty());
    }

    /// The senders of each channel: texts leave as all others do, webhooks are signed with secrets made of `keys`, and so are the
    /// links in mails, which lead to `public_url`.
    pub(crate) fn senders(&self, texts: Arc<dyn SmsSender>, keys: TokenKeys, public_url: Option<&str>) -> CliResult<Senders> {
        Ok(Senders {
            mail: self.mailer()?,
            texts: Some(texts),
            links: public_url.map(|url| (nmc_http::mail_links(url), keys.clone())),
            webhooks: Some((Arc::new(WebhookClient::new(self.webhooks.policy())), keys)),
        })
    }

    /// Whether mails go out.
    pub(crate) const fn sends_mails(&self) -> bool {
        self.smtp_from.is_some()
    }

    fn mailer(&self) -> CliResult<Option<Arc<dyn MailSender>>> {
        let url = match (&self.smtp_url, &self.smtp_url_file) {
            (Some(_), Some(_)) => {
                return Err(CliError::Usage("NMC_SMTP_URL and NMC_SMTP_URL_FILE are both set: choose one".to_owned()));
            }
            (Some(url), None) => Some(url.clone()),
            (None, Some(file)) => Some(password::from_file("--smtp-url-file", file)?),
            (None, None) => None,
        };
        match (url, &self.smtp_from) {
            (None, None) => Ok(None),
            (Some(url), Some(from)) => {
                let config = SmtpConfig::parse(&url, from).map_err(|error| CliError::Usage(error.to_string()))?;
                Ok(Some(Arc::new(SmtpMailer::new(config)?)))
            }
            (Some(_), None) => Err(CliError::Usage("mail needs NMC_SMTP_FROM, the address that it comes from".to_owned())),
            (None, Some(_)) => Err(CliError::Usage("mail needs NMC_SMTP_URL, the server that takes it".to_owned())),
        }
    }
}
