//! The worker that sends mails about accounts: invitations, links to reset a password and to verify an address, and what has happened
//! to an account.
//!
//! Every mail is sent or visibly given up. A worker without a mail server, or without a URL for links, leaves them to one that has both: they
//! wait as long as their links are good. What goes into it is read in the claim's transaction, as the account is then, and none is
//! open while the mail server answers. A mail whose receipt got lost goes out again with the same Message-ID and the same link.

use super::account_words::AccountWords;
use super::mail_attempt::{Attempts, Fate};
use super::notifier::Senders;
use crate::access::TokenKeys;
use crate::delivery::{Mail, MailLinks, MailSender};
use crate::people::{AccountLetter, ClaimedAccountMail, Takes};
use crate::queue::{self, Backoff, Queue, Stop, work_until_stopped};
use crate::store::{Store, SystemTx, Tenant, TenantTx};
use crate::{Result, TenantId};
use chrono::TimeDelta;
use std::sync::Arc;
use std::time::Duration;

/// The configuration of the worker that sends mails about accounts.
#[derive(Debug, Clone, Copy)]
pub struct AccountMailerConfig {
    /// Mails claimed from one tenant before it turns to the next.
    pub batch: u16,
    /// How long a claim holds. Longer than a batch takes at the mail server's slowest.
    pub lease: TimeDelta,
    /// Attempts at one mail before it is given up.
    pub max_attempts: i32,
    /// The waits between attempts.
    pub backoff: Backoff,
    /// The pause between two looks for work.
    pub idle: Duration,
}

impl Default for AccountMailerConfig {
    fn default() -> Self {
        Self {
            batch: 4,
            lease: TimeDelta::minutes(6),
            max_attempts: 12,
            backoff: Backoff { first: TimeDelta::seconds(30), longest: TimeDelta::hours(2) },
            idle: Duration::from_secs(1),
        }
    }
}

/// The result of one look for mails about accounts.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[cfg_attr(not(feature = "testing"), non_exhaustive)]
pub struct AccountMailPass {
    /// Mails that the server has.
    pub sent: usize,
    /// Mails that will be tried again.
    pub put_back: usize,
    /// Mails that were given up.
    pub failed: usize,
}

/// The worker that sends mails about accounts until it is told to stop. Clones share all of it.
#[derive(Clone)]
pub struct AccountMailer {
    store: Store,
    senders: Senders,
    config: AccountMailerConfig,
    stop: Arc<Stop>,
}

/// A claimed mail, and what goes into it, or why it is not sent.
pub(crate) struct Claimed {
    row: ClaimedAccountMail,
    letter: std::result::Result<AccountLetter, &'static str>,
}

/// What a worker that sends mails has.
type Equipment<'a> = (&'a dyn MailSender, &'a MailLinks, &'a TokenKeys);

const NO_SERVER: &str =
    "no mail server was set up while its link was good: whoever runs NeverMissCall has to name one (smtp_url, smtp_from)";
const NO_LINKS: &str = "its link led nowhere while it was good: whoever runs NeverMissCall has to say where (public_url)";

impl AccountMailer {
    /// A worker over this store, with the senders that notifications of alerts have.
    #[must_use]
    pub fn new(store: Store, senders: Senders, config: AccountMailerConfig) -> Self {
        Self { store, senders, config, stop: Arc::default() }
    }

    /// Asks every clone to stop after the mail it is at.
    pub fn stop(&self) {
        self.stop.ask();
    }

    /// Works until [`Self::stop`]; failures are logged and waited out.
    pub fn run(&self) {
        work_until_stopped(&self.stop, self.config.idle, "mails about accounts can't be sent now", || {
            let AccountMailPass { sent, put_back, failed } = self.pass()?;
            Ok(sent + put_back + failed > 0)
        });
    }

    /// Looks for mails once: a batch of every tenant with due ones.
    ///
    /// # Errors
    /// [`crate::Error::Unavailable`] when the database is not to be had; what was claimed comes back when its lease ends.
    pub fn pass(&self) -> Result<AccountMailPass> {
        let mut pass = AccountMailPass::default();
        queue::pass(&self.store, self, &self.stop, |claimed, fate| {
            let (tenant, mail) = (claimed.row.mail.tenant_id, claimed.row.mail.id);
            let (kind, attempt) = (claimed.row.mail.kind, claimed.row.mail.attempts);
            match fate {
                Fate::Sent => {
                    tracing::info!(%tenant, %mail, %kind, attempt, "mail about an account sent");
                    pass.sent += 1;
                }
                Fate::PutBack(_, why) => {
                    tracing::info!(%tenant, %mail, %kind, attempt, why, "mail about an account not sent yet");
                    pass.put_back += 1;
                }
                Fate::GivenUp(why) => {
                    tracing::warn!(%tenant, %mail, %kind, attempt, why, "mail about an account given up");
                    pass.failed += 1;
                }
            }
        })?;
        Ok(pass)
    }

    /// What it sends mails with, or why it sends none.
    fn equipment(&self) -> std::result::Result<Equipment<'_>, &'static str> {
        let Senders { mail, links, .. } = &self.senders;
        let mail = mail.as_deref().ok_or(NO_SERVER)?;
        let (links, keys) = links.as_ref().ok_or(NO_LINKS)?;
        Ok((mail, links, keys))
    }

    /// The mails that it takes.
    fn takes(&self) -> Takes {
        if self.equipment().is_ok() { Takes::Due } else { Takes::TooOld }
    }

    const fn attempts(&self) -> Attempts {
        Attempts { most: self.config.max_attempts, backoff: self.config.backoff }
    }
}

impl Queue for AccountMailer {
    type Claim = Claimed;
    type Outcome = Fate;

    fn tenants_with_due(&self, tx: &mut SystemTx<'_>, last: Option<TenantId>, limit: u16) -> Result<Vec<Tenant>> {
        tx.tenants_with_due_account_mails(self.takes(), last, limit)
    }

    fn claim(&self, tx: &mut TenantTx<'_>) -> Result<Vec<Claimed>> {
        let rows = tx.account_mails().claim(self.takes(), self.config.batch, self.config.lease)?;
        let claimed = rows.into_iter().map(|row| {
            let letter = match self.equipment() {
                Ok((.., keys)) => tx.account_mails().letter(keys, &row.mail)?,
                Err(why) => Err(why),
            };
            Ok(Claimed { row, letter })
        });
        claimed.collect()
    }

    /// Hands one mail over, with no transaction open.
    fn attempt(&self, _: &Tenant, claimed: &Claimed) -> Fate {
        let (letter, (sender, links, _)) = match (&claimed.letter, self.equipment()) {
            (Ok(letter), Ok(equipment)) => (letter, equipment),
            (Err(why), _) => return Fate::GivenUp((*why).to_owned()),
            (Ok(_), Err(why)) => return Fate::GivenUp(why.to_owned()),
        };
        let mail = &claimed.row.mail;
        if let Some(spent) = self.attempts().spent(mail.attempts) {
            return spent;
        }
        let words = AccountWords { mail, letter, links };
        let (subject, text, html) = (words.subject(), words.text(), words.html());
        let (to, text, html) = (&mail.recipient, text.expose(), html.expose());
        let letter = Mail { id: mail.id.uuid(), thread: None, to, subject: &subject, text, html, attachment: None };
        self.attempts().send(mail.attempts, sender, &letter)
    }

    fn note(&self, tx: &mut TenantTx<'_>, claimed: &Claimed, fate: &Fate) -> Result<bool> {
        match fate {
            Fate::Sent => tx.account_mails().mark_sent(&claimed.row),
            Fate::PutBack(wait, why) => {
                let at = tx.now() + *wait;
                tx.account_mails().put_back(&claimed.row, at, why)
            }
            Fate::GivenUp(why) => tx.account_mails().give_up(&claimed.row, why),
        }
    }

    fn give_back(&self, tx: &mut TenantTx<'_>, claims: &[Claimed]) -> Result<()> {
        let rows: Vec<ClaimedAccountMail> = claims.iter().map(|claimed| claimed.row.clone()).collect();
        tx.account_mails().unclaim(&rows)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::delivery::LONGEST_MAIL;

    /// What outlives its claim goes out twice.
    #[test]
    fn lease_outlasts_a_batch_at_the_slowest() {
        let AccountMailerConfig { batch, lease, .. } = AccountMailerConfig::default();
        assert!(LONGEST_MAIL * u32::from(batch) + Duration::from_secs(30) < lease.to_std().unwrap());
    }
}
