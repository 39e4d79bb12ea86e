//! Following a link of a mail about an alert: who has the mail acts as its recipient, once, without logging in.
//!
//! Looking at a link changes nothing, since scanners of mails follow links. Whoever acts must be a user whose address the mail went to,
//! and who may act on alerts now.

use crate::access::{Authenticator, Permission};
use crate::actor::Actor;
use crate::alerts::{AlertLink, AlertLinkAction, Notification};
use crate::people::User;
use crate::schema::{notifications, tenants};
use crate::store::{Reason, SystemTx, Tenant, TenantTx};
use crate::{AlertStatus, Error, NotificationId, Result, Secret, TenantId, When};
use chrono::TimeDelta;
use diesel::prelude::*;

/// How long a link puts an alert off.
pub const SNOOZED_BY_LINK: TimeDelta = TimeDelta::hours(1);

/// What a link is about.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(not(feature = "testing"), non_exhaustive)]
pub struct LinkedAlert {
    /// What the link does.
    pub action: AlertLinkAction,
    /// The name of the rule whose alert it is.
    pub rule_name: String,
    /// The name of the business.
    pub business_name: String,
}

/// What becomes of a link that is followed.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Followed {
    /// Nothing has happened yet: the link would do this.
    Ready(LinkedAlert),
    /// It was done just now.
    Done(LinkedAlert),
    /// A link of the same mail has been used before.
    Used,
    /// The alert is in this state already, from which the action leads nowhere.
    Settled(AlertStatus),
    /// The link is too old.
    Expired,
    /// The recipient may not act on alerts of the business, or the mail went to nobody who has an account there.
    Refused,
    /// The link is none of ours, or what it is about is gone.
    Void,
}

/// Whether a link is looked at, or acts.
#[derive(Clone, Copy, PartialEq, Eq)]
enum How {
    Looking,
    Acting,
}

impl Authenticator {
    /// What a link of a mail would do. Nothing is changed.
    ///
    /// # Errors
    /// [`Error::Unavailable`] or [`Error::Internal`].
    pub fn look_at_alert_link(&self, token: &Secret) -> Result<Followed> {
        self.follow(token, How::Looking)
    }

    /// Does what a link of a mail does, as its recipient: the alert's history names them. Of many at once one does it.
    ///
    /// # Errors
    /// As [`Self::look_at_alert_link`].
    pub fn follow_alert_link(&self, token: &Secret) -> Result<Followed> {
        self.follow(token, How::Acting)
    }

    fn follow(&self, token: &Secret, how: How) -> Result<Followed> {
        let Some(link) = AlertLink::read(self.keys(), token) else { return Ok(Followed::Void) };
        if link.expires_at <= self.store().now() {
            return Ok(Followed::Expired);
        }
        let find = |tx: &mut SystemTx<'_>| Ok((tx.find_linked(link.tenant, link.notification)?.ok_or(GONE)?, ()));
        let followed = self.store().found_by_worker(Reason::Authentication, None, find, |tx, ()| followed(tx, &link, how));
        match followed {
            Err(Error::NotFound { entity: "link" }) => Ok(Followed::Void),
            Ok(Followed::Done(done)) => {
                tracing::info!(tenant = %link.tenant, notification = %link.notification, action = ?link.action, "alert moved by the link of a mail");
                Ok(Followed::Done(done))
            }
            followed => followed,
        }
    }
}

const GONE: Error = Error::NotFound { entity: "link" };

fn followed(tx: &mut TenantTx<'_>, link: &AlertLink, how: How) -> Result<Followed> {
    let notification = match how {
        How::Looking => tx.notifications().find(link.notification)?,
        How::Acting => tx.notifications().find_held(link.notification)?,
    };
    let Some(notification) = notification else { return Ok(Followed::Void) };
    if notification.answered_at.is_some() {
        return Ok(Followed::Used);
    }
    let Some(user) = recipient_of(tx, &notification)? else { return Ok(Followed::Refused) };
    let actor = Actor::on_behalf_of(user.id);
    tx.acting_as(&actor, |tx| match tx.held_actor().and_then(|actor| actor.must(Permission::AlertsWrite)) {
        Ok(()) => act(tx, link, &notification, how),
        Err(Error::Forbidden(_)) => Ok(Followed::Refused),
        Err(error) => Err(error),
    })
}

/// The user whose address the mail went to: it is their login, and known to be theirs.
pub(super) fn recipient_of(tx: &mut TenantTx<'_>, notification: &Notification) -> Result<Option<User>> {
    let Ok(address) = notification.recipient.as_str().parse() else { return Ok(None) };
    let user = tx.users().find_by_email(&address)?;
    Ok(user.filter(|user| user.is_active && user.email_verified))
}

fn act(tx: &mut TenantTx<'_>, link: &AlertLink, notification: &Notification, how: How) -> Result<Followed> {
    let alert = match how {
        How::Looking => tx.alerts().get(notification.alert_id)?,
        How::Acting => tx.alerts().lock(notification.alert_id)?,
    };
    if !alert.status.may_become(link.action.makes()) {
        return Ok(Followed::Settled(alert.status));
    }
    let business_name = tx.tenants().get()?.business_name;
    let linked = LinkedAlert { action: link.action, rule_name: alert.rule_name.clone(), business_name };
    if how == How::Looking {
        return Ok(Followed::Ready(linked));
    }
    match link.action {
        AlertLinkAction::Acknowledge => tx.alerts().acknowledge(alert.id, None)?,
        AlertLinkAction::Snooze => tx.alerts().snooze(alert.id, When::In(SNOOZED_BY_LINK), None)?,
        AlertLinkAction::Resolve => tx.alerts().resolve(alert.id, None)?,
    };
    tx.notifications().mark_answered(notification.id)?;
    Ok(Followed::Done(linked))
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
