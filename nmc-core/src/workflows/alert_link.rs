//! Following a link of a mail or a text about an alert: who has the message acts as its recipient, once, without logging in.
//!
//! Looking at a link changes nothing, since scanners of mails and previews of texts follow links. Whoever acts must be a user whose address
//! the message went to, and who may act on alerts now.

use crate::access::{Authenticator, Permission, TokenHash};
use crate::actor::Actor;
use crate::alerts::{ALERT_LINK_LIFETIME, AlertEventFilter, AlertLink, AlertLinkAction, Notification, TextLink};
use crate::people::User;
use crate::schema::{notifications, tenants};
use crate::store::{Reason, SystemTx, Tenant, TenantTx};
use crate::{AlertStatus, Error, NotificationChannel, NotificationId, PageRequest, Result, Secret, TenantId, Timezone, When};
use chrono::{DateTime, TimeDelta, Utc};
use diesel::prelude::*;
use std::cmp::Reverse;

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

/// What was done by a link of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(not(feature = "testing"), non_exhaustive)]
pub struct LinkAnswer {
    /// What was done.
    pub action: AlertLinkAction,
    /// The instant at which it was done.
    pub at: DateTime<Utc>,
    /// The time zone of the business.
    pub zone: Timezone,
    /// Whether whoever reads it did it, or else somebody else of the business.
    pub is_by_reader: bool,
}

/// What becomes of a link that is followed.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Followed {
    /// Nothing has happened yet: the link would do one of these.
    Ready(LinkedAlert),
    /// It was done just now.
    Done(LinkedAlert),
    /// A link of the same message has been used before; with what was done, for a user of the business.
    Used(Option<LinkAnswer>),
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
        let readers = readers_of(tx, &notification)?;
        match shown {
            Shown::Mailed(link) => followed(tx, &notification, readers.first(), Some(link.action), how),
            Shown::Texted(_) if readers.is_empty() => Ok(Followed::Refused),
            Shown::Texted(token) => {
                let is_of = |user: &&User| {
                    let link = TextLink { tenant: notification.tenant_id, notification: id, user: user.id };
                    link.token_of(self.keys(), |own| own == token).is_some()
                };
                // A key that is kept no more made it, or it went to whoever had the number then.
                let Some(reader) = readers.iter().find(is_of) else { return Ok(Followed::Void) };
                if notification.created_at + ALERT_LINK_LIFETIME <= tx.now() {
                    return Ok(Followed::Expired);
                }
                followed(tx, &notification, Some(reader), None, how)
            }
        }
    }
}

const GONE: Error = Error::NotFound { entity: "link" };

/// What becomes of a link that is for this, or for anything.
fn followed(
    tx: &mut TenantTx<'_>,
    notification: &Notification,
    reader: Option<&User>,
    link: Option<AlertLinkAction>,
    how: How,
) -> Result<Followed> {
    if let Some(at) = notification.answered_at {
        let answer = reader.map(|reader| answer(tx, notification, at, reader)).transpose()?;
        return Ok(Followed::Used(answer.flatten()));
    }
    let Some(user) = reader else { return Ok(Followed::Refused) };
    let actor = Actor::on_behalf_of(user.id);
    tx.acting_as(&actor, |tx| match tx.held_actor().and_then(|actor| actor.must(Permission::AlertsWrite)) {
        Ok(()) => act(tx, link, notification, how),
        Err(Error::Forbidden(_)) => Ok(Followed::Refused),
        Err(error) => Err(error),
    })
}

/// The active users to whom a message goes: the one whose login it is sent to, or those with its number in their profiles, the first account
/// first; as far as they have shown that their login is theirs.
fn readers_of(tx: &mut TenantTx<'_>, notification: &Notification) -> Result<Vec<User>> {
    let recipient = notification.recipient.as_str();
    let mut users = match notification.channel {
        NotificationChannel::Email => match recipient.parse() {
            Ok(address) => Vec::from_iter(tx.users().find_by_email(&address)?),
            Err(_) => Vec::new(),
        },
        NotificationChannel::Sms => match recipient.parse() {
            Ok(phone) => tx.profiles().list_holders(&phone)?,
            Err(_) => Vec::new(),
        },
        NotificationChannel::Webhook | NotificationChannel::Dashboard => Vec::new(),
    };
    users.retain(|user| user.is_active && user.email_verified);
    Ok(users)
}

/// The user whom a message is for. Several who have its number can't take it from each other: it is the one who stands highest, and of
/// these the first account.
pub(super) fn recipient_of(tx: &mut TenantTx<'_>, notification: &Notification) -> Result<Option<User>> {
    Ok(readers_of(tx, notification)?.into_iter().min_by_key(|user| Reverse(user.role.rank())))
}

/// What was done by a link of a message, at the instant that it names.
fn answer(tx: &mut TenantTx<'_>, notification: &Notification, at: DateTime<Utc>, reader: &User) -> Result<Option<LinkAnswer>> {
    let filter = AlertEventFilter { from: Some(at), until: Some(at + TimeDelta::microseconds(1)), ..AlertEventFilter::default() };
    let events = tx.alert_history().list(notification.alert_id, &filter, PageRequest::first())?.items;
    let done = events.iter().find_map(|event| Some((AlertLinkAction::that_made(event.event_type)?, event.user_id)));
    let zone = tx.tenants().get()?.timezone;
    Ok(done.map(|(action, by)| LinkAnswer { action, at, zone, is_by_reader: by == Some(reader.id) }))
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
