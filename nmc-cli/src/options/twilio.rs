//! The Twilio account, wherever one is needed.

use super::without;
use crate::error::{CliError, CliResult};
use crate::password;
use clap::Args;
use nmc_core::Secret;
use nmc_core::twilio::TwilioConfig;
use std::path::PathBuf;

#[derive(Args, Clone)]
pub(crate) struct TwilioArgs {
    /// The Twilio account: it sends texts and owns the numbers
    #[arg(long, env = "TWILIO_ACCOUNT_SID", value_name = "SID")]
    pub(crate) twilio_account_sid: Option<String>,

    /// The account's auth token: it lets us in at Twilio, and proves Twilio's webhooks; without it every webhook is refused
    #[arg(long, env = "TWILIO_AUTH_TOKEN", hide_env_values = true, value_name = "TOKEN")]
    pub(crate) twilio_auth_token: Option<Secret>,

    /// A file whose first line is the auth token, instead of the token itself
    #[arg(long, env = "TWILIO_AUTH_TOKEN_FILE", value_name = "FILE")]
    pub(crate) twilio_auth_token_file: Option<PathBuf>,

    /// How Twilio reaches the server; webhooks go there, and their signatures are checked against it [default of a server: the
    /// address listened on]
    #[arg(long, env = "NMC_PUBLIC_URL", value_name = "URL", value_parser = public_url)]
    pub(crate) public_url: Option<String>,

    /// Another place of Twilio's API, such as a mock
    #[arg(long, env = "NMC_TWILIO_API_URL", value_name = "URL", hide = true)]
    pub(crate) twilio_api_url: Option<String>,
}

impl TwilioArgs {
    /// Takes what is empty as not set.
    pub(crate) fn without_empty(&mut self) {
        for text in [&mut self.twilio_account_sid, &mut self.public_url, &mut self.twilio_api_url] {
            without(text, |text| text.trim().is_empty());
        }
        without(&mut self.twilio_auth_token, |token| token.expose().trim().is_empty());
        without(&mut self.twilio_auth_token_file, |file| file.as_os_str().is_empty());
    }

    /// The auth token, typed or in its file.
    pub(crate) fn token(&self) -> CliResult<Option<Secret>> {
        match (&self.twilio_auth_token, &self.twilio_auth_token_file) {
            (Some(_), Some(_)) => {
                Err(CliError::Usage("TWILIO_AUTH_TOKEN and TWILIO_AUTH_TOKEN_FILE are both set: choose one".to_owned()))
            }
            (Some(token), None) => Ok(Some(token.clone())),
            (None, Some(file)) => {
                let token = password::from_file("--twilio-auth-token-file", file)?;
                if token.expose().trim().is_empty() {
                    return Err(CliError::Usage(format!("--twilio-auth-token-file: {} has an empty first line", file.display())));
                }
                Ok(Some(Secret::new(token.expose().trim())))
            }
            (None, None) => Ok(None),
        }
    }

    /// The account, for something that can't be done without it and that sets or proves webhooks.
    pub(crate) fn config(&self, what: &str) -> CliResult<TwilioConfig> {
        let account = self.account(what)?;
        match &self.public_url {
            Some(_) => Ok(account),
            None => Err(CliError::Usage(format!("{what} needs NMC_PUBLIC_URL, where webhooks go"))),
        }
    }

    /// The account, for something that only asks it.
    pub(crate) fn account(&self, what: &str) -> CliResult<TwilioConfig> {
        let missing = |name: &str| CliError::Usage(format!("{what} needs {name}"));
        let account_sid = self.twilio_account_sid.clone().ok_or_else(|| missing("TWILIO_ACCOUNT_SID"))?;
        if !account_sid.bytes().all(|b| b.is_ascii_alphanumeric()) {
            return Err(CliError::Usage("TWILIO_ACCOUNT_SID must be letters and digits, like AC0123…".to_owned()));
        }
        Ok(TwilioConfig {
            account_sid,
            auth_token: self.token()?.ok_or_else(|| missing("TWILIO_AUTH_TOKEN"))?,
            callbacks: nmc_http::callback_urls(self.public_url.as_deref().unwrap_or_default()),
            api_url: self.twilio_api_url.clone(),
        })
    }

    /// The account, for something that is left undone without it.
    pub(crate) fn config_if_set(&self) -> CliResult<Option<TwilioConfig>> {
        let is_set = self.twilio_account_sid.is_some() && self.token()?.is_some() && self.public_url.is_some();
        is_set.then(|| self.config("this")).transpose()
    }
}

/// How people reach the server, for commands that print a link to it.
#[derive(Args, Clone)]
pub(crate) struct LinkArg {
    /// How people reach the server, as it has it; where it is set, the link to its page is printed, too
    #[arg(long, env = "NMC_PUBLIC_URL", value_name = "URL", value_parser = public_url)]
    public_url: Option<String>,
}

impl LinkArg {
    /// The link with which an invitation is accepted.
    pub(crate) fn of_invitation(&self, invitation: &Secret) -> Option<Secret> {
        let url = self.public_url.as_deref().filter(|url| !url.trim().is_empty())?;
        Some(Secret::new(format!("{}{}", nmc_http::mail_links(url).invitation, invitation.expose())))
    }
}

/// Reads the address where nmc is reached from outside.
pub(crate) fn public_url(text: &str) -> Result<String, &'static str> {
    let rest = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://"));
    match rest {
        Some(rest) if !rest.is_empty() && !rest.starts_with('/') && !rest.contains(['?', '#', ' ', '@']) => Ok(text.to_owned()),
        None if text.trim().is_empty() => Ok(String::new()),
        _ => Err("must be like https://nmc.example.com"),
    }
}
