//! Following a link of a mail or a text about an alert: who has the message acts as its recipient, once, without logging in.
//!
//! Looking at a link changes nothing, since scanners of mails and previews of texts follow links. Whoever acts must be a user whose address
//! the message went to, and who may act on alerts now.

use crate::access::{Authenticator, Permission, TokenHash};
use crate::actor::Actor;
use crate::alerts::{ALERT_LINK_LIFETIME, AlertLink, AlertLinkAction, Notification, TextLink};
use crate::people::User;
use crate::schema::{notifications, tenants};
use crate::store::{Reason, SystemTx, Tenant, TenantTx};
use crate::{AlertStatus, Error, NotificationChannel, NotificationId, Result, Secret, TenantId, When};
use chrono::TimeDelta;
use diesel::prelude::*;

/// How long a link puts an alert off.
pub const SNOOZED_BY_LINK: TimeDelta = TimeDelta::hours(1);

/// What a link is about.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(not(feature = "testing"), non_exhaustive)]
pub struct LinkedAlert {
    /// What the link offers; once it was done, that alone.
    pub actions: Vec<AlertLinkAction>,
    /// The name of the rule whose alert it is.
    pub rule_name: String,
    /// The name of the business.
    pub business_name: String,
}

/// What becomes of a link that is followed.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Followed {
    /// Nothing has happened yet: the link would do one of these.
    Ready(LinkedAlert),
    /// It was done just now.
    Done(LinkedAlert),
    /// A link of the same message has been used before.
    Used,
    /// The alert is in this state already, from which the action leads nowhere.
    Settled(AlertStatus),
    /// The link is too old.
    Expired,
    /// The recipient may not act on alerts of the business, or the message went to nobody who has an account there.
    Refused,
    /// The link is none of ours, or what it is about is gone.
    Void,
}

/// Whether a link is looked at, or acts.
#[derive(Clone, Copy, PartialEq, Eq)]
enum How {
    Looking,
    /// It does what was chosen, or what it is for.
    Acting(Option<AlertLinkAction>),
}

/// A link as its token has it.
enum Shown {
    /// One of a mail, which says what it is for.
    Mailed(AlertLink),
    /// One of a text, or none of ours.
    Texted(TokenHash),
}

impl Authenticator {
    /// What a link of a message would do. Nothing is changed.
    ///
    /// # Errors
    /// [`Error::Unavailable`] or [`Error::Internal`].
    pub fn look_at_alert_link(&self, token: &Secret) -> Result<Followed> {
        self.follow(token, How::Looking)
    }

    /// Does, as the recipient of the message, what they have chosen of what its link offers; by default what the link is for, if it is for
    /// one thing. The alert's history names them. Of many at once one does it.
    ///
    /// # Errors
    /// As [`Self::look_at_alert_link`].
    pub fn follow_alert_link(&self, token: &Secret, chosen: Option<AlertLinkAction>) -> Result<Followed> {
        self.follow(token, How::Acting(chosen))
    }

    fn follow(&self, token: &Secret, how: How) -> Result<Followed> {
        let shown = match AlertLink::read(self.keys(), token) {
            Some(link) if link.expires_at <= self.store().now() => return Ok(Followed::Expired),
            Some(link) => Shown::Mailed(link),
            None if TextLink::is_formed(token) => Shown::Texted(TokenHash::of(token)),
            None => return Ok(Followed::Void),
        };
        let find = |tx: &mut SystemTx<'_>| {
            let found = match &shown {
                Shown::Mailed(link) => tx.find_linked(link.tenant, link.notification)?.map(|tenant| (tenant, link.notification)),
                Shown::Texted(token) => tx.find_texted(token)?,
            };
            found.ok_or(GONE)
        };
        let followed = self.store().found_by_worker(Reason::Authentication, None, find, |tx, id| {
            Ok((tx.tenant().id(), id, self.found(tx, id, &shown, how)?))
        });
        match followed {
            Err(Error::NotFound { entity: "link" }) => Ok(Followed::Void),
            Ok((tenant, notification, Followed::Done(done))) => {
                tracing::info!(%tenant, %notification, actions = ?done.actions, "alert moved by the link of a message");
                Ok(Followed::Done(done))
            }
            followed => followed.map(|(.., followed)| followed),
        }
    }

    /// What becomes of a link whose notification was found.
    fn found(&self, tx: &mut TenantTx<'_>, id: NotificationId, shown: &Shown, how: How) -> Result<Followed> {
        let notification = match how {
            How::Looking => tx.notifications().find(id)?,
            How::Acting(_) => tx.notifications().find_held(id)?,
        };
        let Some(notification) = notification else { return Ok(Followed::Void) };
        match shown {
            Shown::Mailed(link) => followed(tx, &notification, Some(link.action), how),
            Shown::Texted(token) => {
                let Some(user) = recipient_of(tx, &notification)?.map(|user| user.id) else { return Ok(Followed::Refused) };
                // A key that is kept no more made it, or it went to whoever had the number then.
                let link = TextLink { tenant: notification.tenant_id, notification: id, user };
                if link.token_of(self.keys(), |own| own == token).is_none() {
                    return Ok(Followed::Void);
                }
                if notification.created_at + ALERT_LINK_LIFETIME <= tx.now() {
                    return Ok(Followed::Expired);
                }
                followed(tx, &notification, None, how)
            }
        }
    }
}

const GONE: Error = Error::NotFound { entity: "link" };

/// What becomes of a link that is for this, or for anything.
fn followed(tx: &mut TenantTx<'_>, notification: &Notification, link: Option<AlertLinkAction>, how: How) -> Result<Followed> {
    if notification.answered_at.is_some() {
        return Ok(Followed::Used);
    }
    let Some(user) = recipient_of(tx, notification)? else { return Ok(Followed::Refused) };
    let actor = Actor::on_behalf_of(user.id);
    tx.acting_as(&actor, |tx| match tx.held_actor().and_then(|actor| actor.must(Permission::AlertsWrite)) {
        Ok(()) => act(tx, link, notification, how),
        Err(Error::Forbidden(_)) => Ok(Followed::Refused),
        Err(error) => Err(error),
    })
}

/// The user whom the message went to: at their login, which is known to be theirs, or at the number that is in their profile alone.
pub(super) fn recipient_of(tx: &mut TenantTx<'_>, notification: &Notification) -> Result<Option<User>> {
    let recipient = notification.recipient.as_str();
    let user = match notification.channel {
        NotificationChannel::Email => {
            let Ok(address) = recipient.parse() else { return Ok(None) };
            tx.users().find_by_email(&address)?
        }
        NotificationChannel::Sms => {
            let Ok(phone) = recipient.parse() else { return Ok(None) };
            let Some(holder) = tx.profiles().find_only_holder(&phone)? else { return Ok(None) };
            tx.users().find(holder)?
        }
        NotificationChannel::Webhook | NotificationChannel::Dashboard => None,
    };
    Ok(user.filter(|user| user.is_active && user.email_verified))
}

/// What a link offers while its alert is in a status: what it is for, or, if it is for anything, all that may be done. What sleeps may be
/// woken by any.
fn offers(link: Option<AlertLinkAction>, status: AlertStatus) -> Vec<AlertLinkAction> {
    let is_meant = |action: AlertLinkAction| link.is_none_or(|own| own == action) || action == AlertLinkAction::Wake;
    AlertLinkAction::ALL.into_iter().filter(|action| is_meant(*action) && status.may_become(action.makes())).collect()
}

fn act(tx: &mut TenantTx<'_>, link: Option<AlertLinkAction>, notification: &Notification, how: How) -> Result<Followed> {
    let alert = match how {
        How::Looking => tx.alerts().get(notification.alert_id)?,
        How::Acting(_) => tx.alerts().lock(notification.alert_id)?,
    };
    let actions = offers(link, alert.status);
    if actions.is_empty() {
        return Ok(Followed::Settled(alert.status));
    }
    let business_name = tx.tenants().get()?.business_name;
    let linked = |actions| LinkedAlert { actions, rule_name: alert.rule_name.clone(), business_name };
    let chosen = match how {
        How::Looking => None,
        How::Acting(chosen) => chosen.or(link),
    };
    let Some(chosen) = chosen else { return Ok(Followed::Ready(linked(actions))) };
    // It may have moved since the page was read.
    if !actions.contains(&chosen) {
        return Ok(Followed::Settled(alert.status));
    }
    match chosen {
        AlertLinkAction::Acknowledge => tx.alerts().acknowledge(alert.id, None)?,
        AlertLinkAction::Snooze => tx.alerts().snooze(alert.id, When::In(SNOOZED_BY_LINK), None)?,
        AlertLinkAction::Wake => tx.alerts().wake(alert.id)?,
        AlertLinkAction::Resolve => tx.alerts().resolve(alert.id, None)?,
    };
    tx.notifications().mark_answered(notification.id)?;
    Ok(Followed::Done(linked(vec![chosen])))
}

impl SystemTx<'_> {
    /// The active tenant of a notification that a signed link names.
    fn find_linked(&mut self, tenant: TenantId, notification: NotificationId) -> Result<Option<Tenant>> {
        let id: Option<TenantId> = notifications::table
            .inner_join(tenants::table.on(tenants::id.eq(notifications::tenant_id)))
            .filter(notifications::tenant_id.eq(tenant))
            .filter(notifications::id.eq(notification))
            .filter(tenants::is_active)
            .select(notifications::tenant_id)
            .first(self.conn)
            .optional()?;
        Ok(id.map(Tenant::proven))
    }
}
