//! One attempt at a mail, as the workers that send mails share it: what came of it, and whether there will be another.

use crate::delivery::{Mail, MailError, MailSender};
use crate::queue::Backoff;
use chrono::TimeDelta;

/// The result of one attempt at a mail.
pub(crate) enum Fate {
    Sent,
    PutBack(TimeDelta, String),
    GivenUp(String),
}

/// How often mails of a queue are tried, and with which waits.
#[derive(Clone, Copy)]
pub(super) struct Attempts {
    pub(super) most: i32,
    pub(super) backoff: Backoff,
}

impl Attempts {
    /// The end of a mail whose attempts are used up: the worker that made the last one may have died of it.
    pub(super) fn spent(self, made: i32) -> Option<Fate> {
        (made > self.most).then(|| Fate::GivenUp("it was tried as often as may be".to_owned()))
    }

    /// The fate of a mail that was not sent now, after so many attempts.
    pub(super) fn again(self, made: i32, mail: uuid::Uuid, why: String) -> Fate {
        if made >= self.most {
            return Fate::GivenUp(why);
        }
        Fate::PutBack(self.backoff.wait(made, None, mail), why)
    }

    /// Hands a mail over, at this attempt of so many.
    pub(super) fn send(self, made: i32, sender: &dyn MailSender, mail: &Mail<'_>) -> Fate {
        match sender.send(mail) {
            Ok(_) => Fate::Sent,
            // Sent again it is the same mail to its reader: better twice than never.
            Err(MailError::NotNow { reason } | MailError::InDoubt { reason }) => self.again(made, mail.id, reason),
            Err(MailError::Refused { reason, .. }) => Fate::GivenUp(reason),
        }
    }
}
