//! One attempt at one notification, without a transaction, and what is written down of it.

use super::notifier::{NotifierPass, Senders};
use super::notifier_plan::{Outgoing, Way};
use crate::alerts::{ClaimedNotification, Notification, WebhookResponse, WhyFailed, wait_after};
use crate::conversations::{NUMBER_HOLD, NewConsent};
use crate::delivery::{Mail, MailError, OutboundWebhook, WebhookAnswer, WebhookError, WebhookSecrets};
use crate::store::TenantTx;
use crate::telephony::{Consequence, Lookup, OutboundSms, SendError, SmsSender, explain, meaning_of};
use crate::{
    ConsentAction, ConsentSource, Email, Error, MessageId, NotificationChannel, NotificationStatus, PhoneNumber, Result,
};
use chrono::{DateTime, TimeDelta, Utc};
use std::time::Duration;

/// How long texts wait when the account at the provider may not send.
const ACCOUNT_HOLD: TimeDelta = TimeDelta::minutes(10);

/// How long a webhook may fail before it is put out of use.
const DEAD_AFTER: TimeDelta = TimeDelta::days(5);

/// How an attempt ended.
pub(super) enum Ending {
    /// The recipient has it.
    Delivered(Option<WebhookResponse>),
    /// It may go better later.
    Later { why: String, asked: Option<Duration>, response: Option<WebhookResponse> },
    /// It was not this notification's fault, and is no attempt.
    PutBack { why: String, wait: TimeDelta },
    /// It never will.
    GivenUp { why: String, said: Option<String>, response: Option<WebhookResponse> },
}

/// What follows from an attempt beside its ending.
pub(super) enum Follows {
    /// Nothing else.
    Nothing,
    /// The recipient is noted as opted out.
    OptOut(PhoneNumber),
    /// The sending number is held back, for this reason.
    NumberOnHold(PhoneNumber, String),
    /// The receiver of webhooks is gone: its contacts are put out of use.
    ReceiverGone,
}

/// The result of an attempt.
pub(super) struct Came {
    pub(super) ending: Ending,
    pub(super) follows: Follows,
}

impl From<Ending> for Came {
    fn from(ending: Ending) -> Self {
        Self { ending, follows: Follows::Nothing }
    }
}

impl Ending {
    fn later(why: String) -> Self {
        Self::Later { why, asked: None, response: None }
    }

    const fn given_up(why: String) -> Self {
        Self::GivenUp { why, said: None, response: None }
    }

    /// The ending of an attempt whose sender failed without a word.
    pub(super) fn unknown() -> Came {
        Self::later("the sender failed without a word".to_owned()).into()
    }
}

/// Sends, with no transaction open.
pub(super) fn attempt(senders: &Senders, outgoing: &Outgoing, now: DateTime<Utc>) -> Came {
    match &outgoing.way {
        Way::Mail { to, subject, text, html } => mail(senders, outgoing, (to, subject, text, html)),
        Way::Webhook { url, body, secrets } => webhook(senders, outgoing, (url, body, secrets), now),
        Way::Text { from, to, body } => match &senders.texts {
            Some(sender) => text(&**sender, outgoing, (from, to, body)),
            None => Ending::given_up("no sender of texts is set up".to_owned()).into(),
        },
    }
}

fn mail(senders: &Senders, outgoing: &Outgoing, (to, subject, text, html): (&Email, &str, &str, &str)) -> Came {
    let Some(sender) = &senders.mail else { return Ending::given_up("no mail server is set up".to_owned()).into() };
    // A digest is of many alerts, and in the thread of none.
    let thread = Some(outgoing.claim.notification.alert_id.uuid()).filter(|_| outgoing.gathered.is_empty());
    let sent = sender.send(&Mail { id: outgoing.message_id(), thread, to, subject, text, html, attachment: None });
    match sent {
        Ok(_) => Ending::Delivered(None),
        // Sent again it is the same mail to its reader: better twice than never.
        Err(MailError::NotNow { reason } | MailError::InDoubt { reason }) => Ending::later(reason),
        Err(MailError::Refused { reason, said, .. }) => Ending::GivenUp { why: reason, said, response: None },
    }
    .into()
}

fn kept(answer: WebhookAnswer) -> WebhookResponse {
    WebhookResponse { code: answer.status, body: Some(answer.body).filter(|body| !body.is_empty()) }
}

fn webhook(
    senders: &Senders,
    outgoing: &Outgoing,
    (url, body, secrets): (&str, &str, &WebhookSecrets),
    now: DateTime<Utc>,
) -> Came {
    let Some((sender, _)) = &senders.webhooks else { return Ending::given_up("webhooks are not set up".to_owned()).into() };
    let id = outgoing.claim.notification.id.uuid();
    match sender.send(&OutboundWebhook { id, at: now, url, body, secrets }) {
        Ok(answer) => Ending::Delivered(Some(kept(answer))).into(),
        Err(WebhookError::NotNow { retry_after, answer, reason }) => {
            Ending::Later { why: reason, asked: retry_after, response: answer.map(kept) }.into()
        }
        Err(ref error @ WebhookError::Gone { ref answer }) => Came {
            ending: Ending::GivenUp { why: error.to_string(), said: None, response: Some(kept(answer.clone())) },
            follows: Follows::ReceiverGone,
        },
        Err(WebhookError::Refused { reason }) => Ending::given_up(reason).into(),
    }
}

fn text(sender: &dyn SmsSender, outgoing: &Outgoing, (from, to, body): (&PhoneNumber, &PhoneNumber, &str)) -> Came {
    let sms = OutboundSms { id: MessageId::new(outgoing.message_id()), from, to, body, wants_report: false };
    let first = outgoing.claims().into_iter().map(|claim| claim.notification.created_at).min();
    // An earlier attempt may have sent it, and its answer got lost with its worker.
    if outgoing.attempts() > 1
        && matches!(sender.lookup(&sms, first.unwrap_or(outgoing.claim.notification.created_at)), Ok(Lookup::Held(held)) if !held.is_empty())
    {
        return Ending::Delivered(None).into();
    }
    match sender.send(&sms) {
        Ok(_) => Ending::Delivered(None).into(),
        Err(SendError::NotNow { retry_after, reason }) => {
            Ending::Later { why: reason, asked: retry_after, response: None }.into()
        }
        Err(SendError::InDoubt { reason }) => Ending::later(reason).into(),
        Err(SendError::SlowDown { retry_after, reason }) => {
            let wait = retry_after.and_then(|wait| TimeDelta::from_std(wait).ok()).unwrap_or_default();
            Ending::PutBack { why: reason, wait: wait.clamp(TimeDelta::seconds(1), ACCOUNT_HOLD) }.into()
        }
        Err(SendError::Refused { code, reason }) => refused(from, to, code, reason),
    }
}

fn refused(from: &PhoneNumber, to: &PhoneNumber, code: Option<i32>, reason: String) -> Came {
    let why = code.map_or(reason, explain);
    match code.and_then(meaning_of).map(|meaning| meaning.consequence) {
        Some(Consequence::Passing) => Ending::later(why).into(),
        Some(Consequence::AccountOnHold) => Ending::PutBack { why, wait: ACCOUNT_HOLD }.into(),
        Some(Consequence::NumberOnHold) => Came {
            // Another number of the business may send it.
            ending: Ending::PutBack { why: why.clone(), wait: TimeDelta::seconds(1) },
            follows: Follows::NumberOnHold(from.clone(), why),
        },
        Some(Consequence::OptedOut) => Came { ending: Ending::given_up(why), follows: Follows::OptOut(to.clone()) },
        _ => Ending::given_up(why).into(),
    }
}

/// Writes down what came of an attempt, for each notification that it told of.
pub(super) fn note(tx: &mut TenantTx<'_>, outgoing: &Outgoing, came: &Came) -> Result<NotifierPass> {
    let row = &outgoing.claim.notification;
    let now = tx.now();
    let mut pass = NotifierPass::default();
    for claim in outgoing.claims() {
        pass += note_one(tx, outgoing, claim, &came.ending)?;
    }
    match &came.follows {
        Follows::Nothing => {}
        Follows::OptOut(phone) => record_opt_out(tx, phone)?,
        Follows::NumberOnHold(number, why) => tx.number_pacing().hold(number, now + NUMBER_HOLD, why)?,
        Follows::ReceiverGone => retire(tx, row, "its receiver says that it is gone (410)")?,
    }
    Ok(pass)
}

/// Writes down how an attempt ended for one notification. A claim that no longer holds is another worker's to end.
fn note_one(tx: &mut TenantTx<'_>, outgoing: &Outgoing, claim: &ClaimedNotification, ending: &Ending) -> Result<NotifierPass> {
    let (row, now) = (&claim.notification, tx.now());
    let ended = match ending {
        Ending::Delivered(response) => tx.notifications().deliver(claim, response.as_ref()),
        Ending::Later { why, asked, response } => {
            // Those of a digest are tried again together.
            let retry_at = now + wait_after(row.channel, outgoing.attempts(), *asked, claim.lease.uuid());
            tx.notifications().fail(claim, why.as_str(), response.as_ref(), retry_at)
        }
        Ending::PutBack { why, wait } => tx.notifications().put_back(claim, why, now + *wait),
        Ending::GivenUp { why, said, response } => {
            tx.notifications().give_up(claim, WhyFailed { why, said: said.as_deref() }, response.as_ref())
        }
    };
    match ended {
        Ok(ended) => {
            if ended.channel == NotificationChannel::Webhook && ended.status == NotificationStatus::Failed {
                retire_if_dead(tx, &ended)?;
            }
            Ok(NotifierPass::of(ended.status))
        }
        Err(Error::Conflict { field: "lease", .. }) => Ok(NotifierPass::default()),
        Err(error) => Err(error),
    }
}

fn record_opt_out(tx: &mut TenantTx<'_>, phone: &PhoneNumber) -> Result<()> {
    if tx.consents().is_opted_out(phone)? {
        return Ok(());
    }
    tx.consents().record(&NewConsent {
        customer_phone: phone.clone(),
        action: ConsentAction::OptOut,
        source: ConsentSource::Provider,
        keyword: None,
        message_id: None,
        note: None,
    })?;
    Ok(())
}

/// Puts a webhook out of use at which nothing has arrived for days.
fn retire_if_dead(tx: &mut TenantTx<'_>, last: &Notification) -> Result<()> {
    // Of what was given up before the approval, workers of before have counted an attempt that was none.
    let approved_at = tx.tenants().get()?.approved_at;
    let since = tx.notifications().failing_since(&last.recipient, approved_at)?;
    if since.is_some_and(|since| tx.now() - since >= DEAD_AFTER) {
        retire(tx, last, "nothing has arrived there for days")?;
    }
    Ok(())
}

/// Puts a webhook out of use, and tells whoever is in charge, once.
fn retire(tx: &mut TenantTx<'_>, last: &Notification, why: &str) -> Result<()> {
    let retired = tx.escalation_contacts().retire_webhook(&last.recipient)?;
    // Another attempt has done so already.
    if retired > 0 {
        tx.notifications().tell_retired(last, why)?;
        tracing::warn!(tenant = %tx.tenant().id(), contacts = retired, "a receiver of webhooks is gone, or has not answered for days; its contacts are out of use");
    }
    Ok(())
}

impl NotifierPass {
    /// The count of one notification whose attempt left it so.
    pub(super) fn of(status: NotificationStatus) -> Self {
        let mut pass = Self::default();
        match status {
            NotificationStatus::Delivered => pass.delivered = 1,
            NotificationStatus::Failed => pass.failed = 1,
            NotificationStatus::Pending | NotificationStatus::Retrying => pass.put_back = 1,
        }
        pass
    }
}
