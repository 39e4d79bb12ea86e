//! What becomes of a claimed notification before anything is sent: decided in the claim's transaction, from the alert as it is then.

use super::alert_link::recipient_of;
use super::notifier::{NotifierConfig, Senders};
use crate::access::{Permission, TokenHash, TokenKeys};
use crate::alerts::{
    ALERT_LINK_LIFETIME, Address, Alert, AlertLinks, AlertTemplate, ClaimedNotification, DigestWording, Notification, TextLink,
    Told, Wording, called_off,
};
use crate::conversations::NUMBER_HOLD;
use crate::delivery::{MailLinks, WebhookSecrets};
use crate::store::{Person, TenantTx};
use crate::tenants::TenantRow;
use crate::{AlertStatus, Email, NotificationChannel, PhoneNumber, Result, Secret, UserId};
use chrono::{DateTime, TimeDelta, Utc};
use sha2::{Digest as _, Sha256};
use uuid::{Builder, Uuid};

/// How a notification goes out.
pub(super) enum Way {
    /// By mail.
    Mail { to: Email, subject: String, text: String, html: String },
    /// As a text of one of the business's numbers.
    Text { from: PhoneNumber, to: PhoneNumber, body: String },
    /// As a webhook.
    Webhook { url: String, body: String, secrets: WebhookSecrets },
}

/// A notification that is to be sent now, alone or with others in a digest.
pub(super) struct Outgoing {
    pub(super) claim: ClaimedNotification,
    /// The others that the digest tells of, under the same lease.
    pub(super) gathered: Vec<ClaimedNotification>,
    pub(super) way: Way,
}

/// The decision about a claimed notification.
pub(super) enum Plan {
    /// It goes out.
    Send(Box<Outgoing>),
    /// It has arrived already: the dashboard learnt of the alert from the stream of events.
    Delivered,
    /// It waits until this instant, for this reason; that is no attempt.
    Wait(DateTime<Utc>, &'static str),
    /// It is not sent, for this reason.
    GiveUp(String),
}

/// Notifications that go out with another one.
type Gathered = Vec<(ClaimedNotification, Due)>;

/// One claimed notification, with what the decision needs.
pub(super) struct Planning<'a> {
    pub(super) config: &'a NotifierConfig,
    pub(super) senders: &'a Senders,
    pub(super) claim: &'a ClaimedNotification,
}

fn give_up(why: &str) -> Result<Plan> {
    Ok(Plan::GiveUp(why.to_owned()))
}

/// The words for a notification and those that were gathered to it.
fn digest<'a>(first: Wording<'a>, gathered: &'a [(ClaimedNotification, Due)], page: Option<&'a str>) -> DigestWording<'a> {
    let others = gathered.iter().map(|(claim, due)| Wording {
        template: due.template,
        alert: &due.alert,
        message: claim.notification.message_content.as_deref(),
        ..first
    });
    DigestWording::of(first.business, std::iter::once(first).chain(others).collect(), page)
}

/// The id of a message that tells of several notifications. One of them called off, it is another message: a reader's program would
/// show of two with the same id the first alone.
fn digest_id<'a>(claims: impl Iterator<Item = &'a ClaimedNotification>) -> Uuid {
    let hash = claims.fold(Sha256::new(), |hash, claim| hash.chain_update(claim.notification.id.uuid())).finalize();
    let mut bytes = [0; 16];
    bytes.iter_mut().zip(hash).for_each(|(byte, hashed)| *byte = hashed);
    Builder::from_custom_bytes(bytes).into_uuid()
}

impl Plan {
    /// Ends the claim of a notification that is not sent now.
    pub(super) fn end(&self, tx: &mut TenantTx<'_>, claim: &ClaimedNotification) -> Result<Option<Notification>> {
        match self {
            Self::Send(_) => Ok(None),
            Self::Delivered => tx.notifications().deliver(claim, None).map(Some),
            Self::Wait(until, why) => tx.notifications().put_back(claim, why, *until).map(Some),
            Self::GiveUp(why) => tx.notifications().give_up_untried(claim, why).map(Some),
        }
    }
}

/// A notification that is still to be told, with its alert.
pub(super) struct Due {
    pub(super) alert: Alert,
    pub(super) template: AlertTemplate,
}

impl Outgoing {
    /// Every notification that goes out, in the order of their alerts, which is that in which they are locked.
    pub(super) fn claims(&self) -> Vec<&ClaimedNotification> {
        let mut claims: Vec<_> = std::iter::once(&self.claim).chain(&self.gathered).collect();
        claims.sort_by_key(|claim| (claim.notification.alert_id, claim.notification.id));
        claims
    }

    /// The number of this attempt at the message.
    pub(super) fn attempts(&self) -> i32 {
        self.claims().into_iter().map(|claim| claim.notification.attempts).max().unwrap_or_default()
    }

    /// The id of the message, the same whenever the same notifications go out in it.
    pub(super) fn message_id(&self) -> Uuid {
        if self.gathered.is_empty() { self.claim.notification.id.uuid() } else { digest_id(self.claims().into_iter()) }
    }
}

impl Planning<'_> {
    /// Whether the notification is still to be told, looking at its alert and its recipient as they are now; if not, what becomes of it.
    pub(super) fn look(&self, tx: &mut TenantTx<'_>) -> Result<std::result::Result<Due, Plan>> {
        let row = &self.claim.notification;
        let give_up = |why: &str| Ok(Err(Plan::GiveUp(why.to_owned())));
        if tx.now() - row.created_at > self.config.expiry {
            return give_up(&format!("it could not be sent within {} days", self.config.expiry.num_days()));
        }
        let alert = tx.alerts().get(row.alert_id)?;
        let template = AlertTemplate::of(row.template_used.as_deref());
        match (template, alert.status) {
            (AlertTemplate::Resolved, AlertStatus::Resolved) => {}
            (template, _) if template.is_aside() => {}
            (AlertTemplate::Resolved, _) => return give_up("the alert is open again"),
            (_, AlertStatus::Triggered | AlertStatus::Escalated) => {}
            (_, status) => return give_up(&format!("the alert was {}", called_off(status.label(), row.attempts > 1))),
        }
        if template == AlertTemplate::Resolved {
            match tx.notifications().was_told(alert.id, row.channel, &row.recipient)? {
                Told::Yes => {}
                Told::No => return give_up("the recipient was not told of the alert, and need not know that it is over"),
                Told::UnderWay(until) => {
                    let look_again = until.min(tx.now() + TimeDelta::seconds(10));
                    return Ok(Err(Plan::Wait(look_again, "the recipient is being told of the alert right now")));
                }
            }
        }
        if let Some(why) = tx.notifications().no_longer_told(row, template, alert.rule_id)? {
            return give_up(why);
        }
        Ok(Ok(Due { alert, template }))
    }

    /// Decides what becomes of the notification.
    pub(super) fn decide(&self, tx: &mut TenantTx<'_>) -> Result<Plan> {
        let row = &self.claim.notification;
        let Due { alert, template } = match self.look(tx)? {
            Ok(due) => due,
            Err(plan) => return Ok(plan),
        };
        let tenant = tx.tenants().get()?;
        let message = row.message_content.as_deref();
        let (business, zone) = (tenant.business_name.as_str(), tenant.timezone);
        let links = self.links(tx, template)?;
        let wording = Wording { template, alert: &alert, business, zone, message, links: links.as_ref() };
        let recipient = row.recipient.as_str();
        let mut gathered = Gathered::new();
        let way = match row.channel {
            NotificationChannel::Dashboard => return Ok(Plan::Delivered),
            NotificationChannel::Email => {
                if self.senders.mail.is_none() {
                    return give_up("no mail server is set up: whoever runs NeverMissCall has to name one (smtp_url, smtp_from)");
                }
                // Whoever registers may name any address, and would have us write to strangers.
                if tenant.approved_at.is_none() && recipient_of(tx, row)?.is_none() {
                    return give_up(
                        "before whoever runs NeverMissCall has approved the business, it mails only its own people, at addresses they have proved",
                    );
                }
                let most = self.config.mails_per_hour;
                let since = tx.now() - TimeDelta::hours(1);
                if tx.notifications().count_mails_since(since)? >= most {
                    let why = format!("the business has sent {most} mails about alerts within an hour");
                    // Said once for each alert, however many were to hear of it.
                    let others = tx.notifications().give_up_mails(alert.id, &why)?;
                    tracing::warn!(tenant = %row.tenant_id, alert = %alert.id, given_up = others + 1, "too many mails about alerts");
                    return Ok(Plan::GiveUp(why));
                }
                let Ok(to) = recipient.parse() else { return give_up("its recipient is no address that mail can go to") };
                gathered = match self.gather(tx, template)? {
                    Ok(gathered) => gathered,
                    Err(plan) => return Ok(plan),
                };
                if gathered.is_empty() {
                    Way::Mail { to, subject: wording.subject(), text: wording.text(), html: wording.html() }
                } else {
                    let page = self.senders.links.as_ref().map(|(links, _)| links.alerts.as_str());
                    let digest = digest(wording, &gathered, page);
                    Way::Mail { to, subject: digest.subject(), text: digest.text(), html: digest.html() }
                }
            }
            NotificationChannel::Webhook => {
                // Nor may they have us knock at strangers' servers.
                if tenant.approved_at.is_none() {
                    return give_up("the business may not send webhooks before whoever runs NeverMissCall has approved it");
                }
                let Some((_, keys)) = &self.senders.webhooks else {
                    return give_up(
                        "webhooks are not set up: whoever runs NeverMissCall has to name the keys of which their secrets are made (token_keys)",
                    );
                };
                let versions = tx.escalation_contacts().secret_versions(&row.recipient)?;
                let secrets = WebhookSecrets::derive(keys, row.tenant_id, recipient, versions);
                Way::Webhook { url: recipient.to_owned(), body: wording.document(row.id, row.created_at), secrets }
            }
            NotificationChannel::Sms => {
                if self.senders.texts.is_none() {
                    return give_up("no sender of texts is set up");
                }
                let Ok(to) = recipient.parse() else { return give_up("its recipient is no phone number") };
                let from = match self.sender_of_text(tx, &tenant, &to, &row.recipient)? {
                    Ok(from) => from,
                    Err(plan) => return Ok(plan),
                };
                gathered = match self.gather(tx, template)? {
                    Ok(gathered) => gathered,
                    Err(plan) => return Ok(plan),
                };
                if let Some(interval) = self.config.pace.interval(&from) {
                    let free_at = tx.now() + interval;
                    tx.number_pacing().set_free_at(&from, free_at)?;
                }
                let body = if !gathered.is_empty() {
                    digest(wording, &gathered, None).sms()
                } else if let Some(link) = self.text_link(tx, template)? {
                    wording.sms_with(&link)
                } else {
                    wording.sms()
                };
                Way::Text { from, to, body }
            }
        };
        let gathered = gathered.into_iter().map(|(claim, _)| claim).collect();
        Ok(Plan::Send(Box::new(Outgoing { claim: self.claim.clone(), gathered, way })))
    }

    /// What goes out with the notification, if its recipient has had enough messages: claimed with it, and looked at as it was; or until
    /// when it waits, since they have just had one. A storm lasts until none of the messages within its time was a digest, and they were
    /// few. A digest stays as it was begun, so that it is the same mail when it has to go twice; what came since goes into the next.
    fn gather(&self, tx: &mut TenantTx<'_>, template: AlertTemplate) -> Result<std::result::Result<Gathered, Plan>> {
        let row = &self.claim.notification;
        let NotifierConfig { storm, storm_within, digest_every, .. } = *self.config;
        if template.is_aside() {
            return Ok(Ok(Vec::new()));
        }
        let now = tx.now();
        let rests_until = |last: Option<DateTime<Utc>>| last.map(|at| at + digest_every).filter(|until| *until > now);
        let wait = |until| Ok(Err(Plan::Wait(until, "the recipient has had many messages, and gets this in the next one")));
        let mut alone_until = None;
        if row.digest_id.is_none() {
            let heard = tx.notifications().heard_since(self.claim, now - storm_within)?;
            if heard.messages < storm && heard.digest_at.is_none() {
                return Ok(Ok(Vec::new()));
            }
            if let Some(until) = rests_until(heard.digest_at) {
                return wait(until);
            }
            // By its own age at the most: a message that goes by itself, when the storm seems over, takes nothing along.
            alone_until = rests_until(heard.last_at.map(|at| at.min(row.created_at)));
        }
        let until = now + storm_within;
        let mut told = Vec::new();
        for claim in tx.notifications().gather(self.claim, until)? {
            match (Planning { claim: &claim, ..*self }).look(tx)? {
                Ok(due) => told.push((claim, due)),
                Err(plan) => drop(plan.end(tx, &claim)?),
            }
        }
        // Others may come: alone it would be one message more.
        if let (true, Some(until)) = (told.is_empty(), alone_until) {
            return wait(until);
        }
        let digest = (!told.is_empty()).then(|| row.digest_id.unwrap_or(row.id));
        if digest.is_some() || row.digest_id.is_some() {
            let ids: Vec<_> = told.iter().map(|(claim, _)| claim.notification.id).chain([row.id]).collect();
            tx.notifications().set_digest(&ids, digest)?;
        }
        Ok(Ok(told))
    }

    /// Where links lead, the keys of their tokens, and the user whom the message goes to, if it asks for something and they may act on
    /// alerts; nobody else gets any.
    fn links_lead(&self, tx: &mut TenantTx<'_>, template: AlertTemplate) -> Result<Option<(&(MailLinks, TokenKeys), UserId)>> {
        let asks = matches!(template, AlertTemplate::Triggered | AlertTemplate::Escalated);
        let Some(lead) = self.senders.links.as_ref().filter(|_| asks) else { return Ok(None) };
        let user = recipient_of(tx, &self.claim.notification)?;
        Ok(user.filter(|user| Permission::AlertsWrite.is_of(user.role)).map(|user| (lead, user.id)))
    }

    /// The links for a mail.
    fn links(&self, tx: &mut TenantTx<'_>, template: AlertTemplate) -> Result<Option<AlertLinks>> {
        let row = &self.claim.notification;
        if row.channel != NotificationChannel::Email {
            return Ok(None);
        }
        let Some(((links, keys), _)) = self.links_lead(tx, template)? else { return Ok(None) };
        let expires_at = row.created_at + ALERT_LINK_LIFETIME;
        AlertLinks::of(keys, &links.alert, (row.tenant_id, row.id), expires_at).map(Some)
    }

    /// The link for a text, by whose hash the notification is found from now on. A text that may have gone out already stays as it was: it is
    /// by its words that the provider's list tells it from others.
    fn text_link(&self, tx: &mut TenantTx<'_>, template: AlertTemplate) -> Result<Option<Secret>> {
        let row = &self.claim.notification;
        let Some(((links, keys), user)) = self.links_lead(tx, template)? else { return Ok(None) };
        let link = TextLink { tenant: row.tenant_id, notification: row.id, user };
        let token = if row.attempts > 1 {
            let held = tx.notifications().link(row.id)?;
            held.and_then(|held| link.token_of(keys, |own| own.is(&held)))
        } else {
            let token = link.token(keys)?;
            tx.notifications().set_link(row.id, &TokenHash::of(&token))?;
            Some(token)
        };
        Ok(token.map(|token| Secret::new(format!("{}{}", links.alert_in_text, token.expose()))))
    }

    /// The number that a text leaves from; or what becomes of the text without one.
    fn sender_of_text(
        &self,
        tx: &mut TenantTx<'_>,
        tenant: &TenantRow,
        to: &PhoneNumber,
        recipient: &Address,
    ) -> Result<std::result::Result<PhoneNumber, Plan>> {
        let stop = |why: String| Ok(Err(Plan::GiveUp(why)));
        if tenant.approved_at.is_none() {
            return stop("the business may not send texts before whoever runs NeverMissCall has approved it".to_owned());
        }
        // From here on a STOP of theirs waits for this claim, or this claim sees it.
        tx.0.lock_person(&Person::new(to.clone()))?;
        if tx.consents().is_opted_out(to)? {
            return stop(
                "the recipient has opted out of texts from this business; START from their phone allows them again".to_owned(),
            );
        }
        let NotifierConfig { texts_per_day, .. } = self.config;
        let since = tx.now() - TimeDelta::hours(24);
        if tx.notifications().count_texts_since(recipient, since)? >= *texts_per_day {
            return stop(format!("the recipient has got {texts_per_day} texts about alerts in 24 hours"));
        }
        let active = tx.phone_numbers().list_texting()?;
        if active.is_empty() {
            return stop("the business has no active number that could send it".to_owned());
        }
        let busy = tx.number_pacing().busy()?;
        let Some(from) = active.iter().map(|number| &number.phone_number).find(|number| !busy.contains_key(*number)) else {
            let free_at = active.iter().filter_map(|number| busy.get(&number.phone_number)).min().copied();
            let free_at = free_at.unwrap_or(tx.now() + NUMBER_HOLD);
            return Ok(Err(Plan::Wait(free_at, "no number of the business may send right now")));
        };
        Ok(Ok(from.clone()))
    }
}
