//! Whether whoever a notification goes to is still to be told: what was queued may have waited for hours, and people leave meanwhile.

use super::notification::Notifications;
use super::wording::AlertTemplate;
use super::{Address, Notification};
use crate::schema::{escalation_contacts as contacts, user_preferences, user_profiles, users};
use crate::{AlertRuleId, ContactType, NotificationChannel, Result, UserId, UserRole};
use diesel::dsl::{exists, not};
use diesel::prelude::*;

/// The most people of a business who are looked at because they share an address.
const MOST_SHARING: i64 = 50;

/// A person of the business whose address a notification goes to.
#[derive(Debug, Queryable)]
struct Person {
    id: UserId,
    is_active: bool,
    role: UserRole,
    /// Whether by mail, and by text; both for a user without preferences.
    wants: Option<(bool, bool)>,
}

impl Notifications<'_> {
    /// Why nobody is to be told at this address any more, if so. An address that is nobody's of the business is a contact's, and told.
    pub(crate) fn no_longer_told(
        &mut self,
        row: &Notification,
        template: AlertTemplate,
        rule: AlertRuleId,
    ) -> Result<Option<&'static str>> {
        if row.channel == NotificationChannel::Webhook {
            let is_out_of_use = self.is_out_of_use(ContactType::Webhook, &row.recipient)?;
            return Ok(is_out_of_use.then_some("the webhook is out of use: its contacts were switched off before it was sent"));
        }
        let people = self.people_at(row.channel, &row.recipient)?;
        if people.is_empty() {
            return Ok(None);
        }
        // Whoever is a contact by this very address is told whatever their account is; contacts hear of nothing at first.
        if template != AlertTemplate::Triggered && self.is_contact(row.channel, &row.recipient, rule)? {
            return Ok(None);
        }
        let mut why = None;
        for person in people {
            let (by_email, by_sms) = person.wants.unwrap_or((true, true));
            let is_wanted = match row.channel {
                NotificationChannel::Email => by_email,
                NotificationChannel::Sms => by_sms,
                NotificationChannel::Dashboard | NotificationChannel::Webhook => true,
            };
            why = Some(if !person.is_active {
                "the recipient was deactivated before it was sent"
            } else if !is_wanted {
                "the recipient no longer wanted to be told this way before it was sent"
            } else if !self.may_hear(&person, row.channel, template)? {
                "the recipient was no owner or administrator any more before it was sent"
            } else {
                return Ok(None);
            });
        }
        Ok(why)
    }

    /// Whether a person hears of alerts: at first owners and administrators do, later contacts too. The dashboard shows them to everybody.
    fn may_hear(&mut self, person: &Person, channel: NotificationChannel, template: AlertTemplate) -> Result<bool> {
        let is_in_charge = matches!(person.role, UserRole::Owner | UserRole::Admin);
        if is_in_charge || channel == NotificationChannel::Dashboard || template == AlertTemplate::Escalated {
            return Ok(true);
        }
        if template == AlertTemplate::Triggered {
            return Ok(false);
        }
        let query = contacts::table
            .filter(contacts::tenant_id.eq(self.0.tenant))
            .filter(contacts::contact_type.eq(ContactType::User))
            .filter(contacts::contact_value.eq(Address::new(person.id.to_string())));
        Ok(diesel::select(exists(query)).get_result(self.0.conn)?)
    }

    /// Whether all contacts of the business with this address are switched off. One that was removed is not.
    pub(super) fn is_out_of_use(&mut self, kind: ContactType, value: &Address) -> Result<bool> {
        let with_it = || {
            contacts::table
                .filter(contacts::tenant_id.eq(self.0.tenant))
                .filter(contacts::contact_type.eq(kind))
                .filter(contacts::contact_value.eq(value))
        };
        let query = exists(with_it().filter(not(contacts::is_active)));
        Ok(diesel::select(query.and(not(exists(with_it().filter(contacts::is_active))))).get_result(self.0.conn)?)
    }

    fn is_contact(&mut self, channel: NotificationChannel, value: &Address, rule: AlertRuleId) -> Result<bool> {
        let kind = match channel {
            NotificationChannel::Email => ContactType::Email,
            NotificationChannel::Sms => ContactType::Phone,
            NotificationChannel::Dashboard | NotificationChannel::Webhook => return Ok(false),
        };
        let query = contacts::table
            .filter(contacts::tenant_id.eq(self.0.tenant))
            .filter(contacts::contact_type.eq(kind))
            .filter(contacts::contact_value.eq(value))
            .filter(contacts::rule_id.is_null().or(contacts::rule_id.eq(rule).assume_not_null()));
        Ok(diesel::select(exists(query)).get_result(self.0.conn)?)
    }

    /// The people of the business whom this channel reaches at this address.
    fn people_at(&mut self, channel: NotificationChannel, address: &Address) -> Result<Vec<Person>> {
        let mut query = users::table
            .left_join(
                user_profiles::table.on(user_profiles::tenant_id.eq(users::tenant_id).and(user_profiles::user_id.eq(users::id))),
            )
            .left_join(
                user_preferences::table
                    .on(user_preferences::tenant_id.eq(users::tenant_id).and(user_preferences::user_id.eq(users::id))),
            )
            .filter(users::tenant_id.eq(self.0.tenant))
            .into_boxed();
        query = match channel {
            NotificationChannel::Email => query.filter(users::email.eq(address.as_str())),
            NotificationChannel::Sms => query.filter(user_profiles::phone_number.eq(address.as_str())),
            NotificationChannel::Dashboard => {
                let Ok(id) = address.as_str().parse::<UserId>() else { return Ok(Vec::new()) };
                query.filter(users::id.eq(id))
            }
            NotificationChannel::Webhook => return Ok(Vec::new()),
        };
        Ok(query
            .order(users::id)
            .limit(MOST_SHARING)
            .select((
                users::id,
                users::is_active,
                users::role,
                (user_preferences::email_notifications_enabled, user_preferences::sms_notifications_enabled).nullable(),
            ))
            .load(self.0.conn)?)
    }
}
