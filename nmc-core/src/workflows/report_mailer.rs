//! The worker that mails reports.
//!
//! Every mail is sent or visibly given up. It is claimed by itself, right before it is sent: whom it goes to is looked at in the claim's
//! transaction, as they are then, and none is open while the mail server answers. Businesses take turns, one mail each: however slowly
//! the server takes those of one, the others wait for a single mail of it. A mail whose receipt got lost goes out again with the same Message-ID.

use super::job_worker::interval_of;
use super::mail_attempt::{Attempts, Fate};
use super::report::kept_report;
use super::report_words::ReportWords;
use crate::analytics::{ClaimedReportMail, ReportReader};
use crate::delivery::{Attachment, Mail, MailSender};
use crate::queue::{self, Backoff, Queue, Stop, work_until_stopped};
use crate::reports::ReportContent;
use crate::store::{Store, SystemTx, Tenant, TenantTx};
use crate::{Error, ReportId, Result, TenantId};
use chrono::TimeDelta;
use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// The configuration of the worker that mails reports.
#[derive(Debug, Clone, Copy)]
pub struct ReportMailerConfig {
    /// Mails of one tenant that one look takes at the most, each in its turn.
    pub batch: u16,
    /// How long a claim holds. Longer than a mail takes at the mail server's slowest.
    pub lease: TimeDelta,
    /// Attempts at one mail before it is given up.
    pub max_attempts: i32,
    /// The waits between attempts.
    pub backoff: Backoff,
    /// How long after it was queued a mail is still sent.
    pub good_for: TimeDelta,
    /// The pause between two looks for work.
    pub idle: Duration,
}

impl Default for ReportMailerConfig {
    fn default() -> Self {
        Self {
            batch: 4,
            lease: TimeDelta::minutes(3),
            max_attempts: 20,
            backoff: Backoff { first: TimeDelta::seconds(30), longest: TimeDelta::hours(2) },
            good_for: TimeDelta::days(2),
            idle: Duration::from_secs(2),
        }
    }
}

/// The result of one look for mails that bring reports.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[cfg_attr(not(feature = "testing"), non_exhaustive)]
pub struct ReportMailPass {
    /// Mails that the server has.
    pub sent: usize,
    /// Mails that will be tried again.
    pub put_back: usize,
    /// Mails that were given up.
    pub failed: usize,
}

/// The worker that mails reports until it is told to stop. Clones share all of it.
#[derive(Clone)]
pub struct ReportMailer {
    store: Store,
    sender: Option<Arc<dyn MailSender>>,
    page: Option<String>,
    config: ReportMailerConfig,
    stop: Arc<Stop>,
    /// The PDFs that were made last: a report goes to several people, and other businesses' come in between.
    printed: Arc<Mutex<VecDeque<(ReportId, File)>>>,
}

/// How many PDFs are kept.
const PRINTED: usize = 16;

/// A file that several mails bring; none where the library makes no PDFs.
type File = Option<Arc<Vec<u8>>>;

/// A claimed mail, the report that it brings and whom it goes to; or why it is not sent.
pub(crate) struct Claimed {
    row: ClaimedReportMail,
    letter: std::result::Result<(ReportContent, ReportReader), &'static str>,
}

impl ReportMailer {
    /// A worker over this store. `page` is where people look at reports, if they can. Without a sender mails wait for a worker that
    /// has one, and are given up once they are too old.
    #[must_use]
    pub fn new(store: Store, sender: Option<Arc<dyn MailSender>>, page: Option<String>, config: ReportMailerConfig) -> Self {
        Self { store, sender, page, config, stop: Arc::default(), printed: Arc::default() }
    }

    /// Asks every clone to stop after the mail it is at.
    pub fn stop(&self) {
        self.stop.ask();
    }

    /// Works until [`Self::stop`]; failures are logged and waited out.
    pub fn run(&self) {
        work_until_stopped(&self.stop, self.config.idle, "reports can't be mailed now", || {
            let ReportMailPass { sent, put_back, failed } = self.pass()?;
            Ok(sent + put_back + failed > 0)
        });
    }

    /// Looks for mails once: a batch of every tenant with due ones, one of each in turn.
    ///
    /// # Errors
    /// [`Error::Unavailable`] when the database is not to be had; what was claimed comes back when its lease ends.
    pub fn pass(&self) -> Result<ReportMailPass> {
        let mut pass = ReportMailPass::default();
        for _ in 0..self.config.batch {
            let before = pass;
            self.turns(&mut pass)?;
            if pass == before {
                break;
            }
        }
        Ok(pass)
    }

    /// Sends one mail of every tenant with due ones.
    fn turns(&self, pass: &mut ReportMailPass) -> Result<()> {
        queue::pass(&self.store, self, &self.stop, |claimed, fate| {
            let (tenant, mail, report) = (claimed.row.mail.tenant_id, claimed.row.mail.id, claimed.row.mail.report_id);
            let attempt = claimed.row.mail.attempts;
            match fate {
                Fate::Sent => {
                    tracing::info!(%tenant, %mail, %report, attempt, "report mailed");
                    pass.sent += 1;
                }
                Fate::PutBack(_, why) => {
                    tracing::info!(%tenant, %mail, %report, attempt, why, "report not mailed yet");
                    pass.put_back += 1;
                }
                Fate::GivenUp(why) => {
                    tracing::warn!(%tenant, %mail, %report, attempt, why, "mail of a report given up");
                    pass.failed += 1;
                }
            }
        })
    }

    const fn attempts(&self) -> Attempts {
        Attempts { most: self.config.max_attempts, backoff: self.config.backoff }
    }

    /// How long a mail must have waited for this worker to take it.
    fn least_age(&self) -> TimeDelta {
        if self.sender.is_some() { TimeDelta::zero() } else { self.config.good_for }
    }

    /// The report as PDF, made once for all that it goes to.
    fn pdf(&self, id: ReportId, content: &ReportContent) -> Result<File> {
        let mut printed = self.printed.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, file)) = printed.iter().find(|(of, _)| *of == id) {
            return Ok(file.clone());
        }
        let file = pdf(content)?;
        printed.push_back((id, file.clone()));
        if printed.len() > PRINTED {
            printed.pop_front();
        }
        Ok(file)
    }
}

#[cfg(feature = "pdf")]
fn pdf(content: &ReportContent) -> Result<File> {
    use crate::reports::Paper;
    Ok(Some(Arc::new(content.to_pdf(Paper::usual_in(&content.zone))?)))
}

#[cfg(not(feature = "pdf"))]
#[expect(clippy::unnecessary_wraps, reason = "making a PDF may fail")]
const fn pdf(_: &ReportContent) -> Result<File> {
    Ok(None)
}

impl Queue for ReportMailer {
    type Claim = Claimed;
    type Outcome = Fate;

    fn tenants_with_due(&self, tx: &mut SystemTx<'_>, last: Option<TenantId>, limit: u16) -> Result<Vec<Tenant>> {
        let queued_before = tx.now() - self.least_age();
        tx.tenants_with_due_report_mails(queued_before, last, limit)
    }

    /// Claims one mail: of several the last would go to whom it was meant for before the first was sent.
    fn claim(&self, tx: &mut TenantTx<'_>) -> Result<Vec<Claimed>> {
        let queued_before = tx.now() - self.least_age();
        let Some(row) = tx.report_mails().claim(queued_before, self.config.lease)? else { return Ok(Vec::new()) };
        let letter = if row.mail.created_at + self.config.good_for <= tx.now() {
            Err("it could not be sent in time")
        } else {
            match kept_report(tx, row.mail.report_id) {
                Ok((_, content)) => {
                    let reader = tx.report_mails().reader(&row.mail, interval_of(content.kind))?;
                    reader.map(|reader| (content, reader))
                }
                Err(Error::NotFound { .. }) => Err("the report is gone"),
                Err(error) => return Err(error),
            }
        };
        Ok(vec![Claimed { row, letter }])
    }

    /// Hands one mail over, with no transaction open.
    fn attempt(&self, _: &Tenant, claimed: &Claimed) -> Fate {
        let (content, reader) = match &claimed.letter {
            Ok(letter) => letter,
            Err(why) => return Fate::GivenUp((*why).to_owned()),
        };
        let Some(sender) = &self.sender else {
            return Fate::GivenUp("no mail server is set up".to_owned());
        };
        let mail = &claimed.row.mail;
        if let Some(spent) = self.attempts().spent(mail.attempts) {
            return spent;
        }
        let file = match self.pdf(mail.report_id, content) {
            Ok(file) => file,
            Err(error) => {
                tracing::error!(report = %mail.report_id, error = error.causes(), "a report can't be printed");
                return self.attempts().again(mail.attempts, mail.id.uuid(), "its PDF could not be made".to_owned());
            }
        };
        let name = format!("{}.pdf", content.file_stem());
        let attachment = file.as_ref().map(|bytes| Attachment { name: &name, media_type: "application/pdf", bytes });
        let words = ReportWords { content, reader, page: self.page.as_deref(), has_file: attachment.is_some() };
        let (subject, text, html) = (words.subject(), words.text(), words.html());
        let (id, to) = (mail.id.uuid(), &mail.recipient);
        let letter = Mail { id, thread: None, to, subject: &subject, text: &text, html: &html, attachment };
        self.attempts().send(mail.attempts, sender.as_ref(), &letter)
    }

    fn note(&self, tx: &mut TenantTx<'_>, claimed: &Claimed, fate: &Fate) -> Result<bool> {
        match fate {
            Fate::Sent => tx.report_mails().mark_sent(&claimed.row),
            Fate::PutBack(wait, why) => {
                let at = tx.now() + *wait;
                tx.report_mails().put_back(&claimed.row, at, why)
            }
            Fate::GivenUp(why) => tx.report_mails().give_up(&claimed.row, why),
        }
    }

    fn give_back(&self, tx: &mut TenantTx<'_>, claims: &[Claimed]) -> Result<()> {
        let rows: Vec<ClaimedReportMail> = claims.iter().map(|claimed| claimed.row.clone()).collect();
        tx.report_mails().unclaim(&rows)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::delivery::LONGEST_MAIL;

    /// What outlives its claim goes out twice.
    #[test]
    fn lease_outlasts_a_mail_at_the_slowest() {
        let ReportMailerConfig { lease, .. } = ReportMailerConfig::default();
        assert!(LONGEST_MAIL + Duration::from_secs(30) < lease.to_std().unwrap());
    }
}
