//! Who hears of an alert once it has been passed on.

use super::address::{Address, checked};
use crate::error::{found, touched_one};
use crate::page::{Cursor, Page, PageRequest, keyset};
use crate::schema::escalation_contacts as contacts;
use crate::store::{Scope, TenantTx};
use crate::{AlertRuleId, ContactType, Error, EscalationContactId, NotificationChannel, Patch, Result, TenantId, Version};
use chrono::{DateTime, Utc};
use diesel::pg::Pg;
use diesel::prelude::*;

/// One escalation contact: who hears of an alert once it has been escalated so far.
#[derive(Debug, Clone, PartialEq, HasQuery)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[cfg_attr(not(feature = "testing"), non_exhaustive)]
#[diesel(table_name = contacts, check_for_backend(Pg))]
#[expect(missing_docs, reason = "the columns are documented in the schema")]
pub struct EscalationContact {
    pub id: EscalationContactId,
    pub tenant_id: TenantId,
    pub rule_id: Option<AlertRuleId>,
    pub escalation_level: i32,
    pub contact_type: ContactType,
    #[cfg_attr(feature = "serde", serde(skip))] // a webhook's may be its password
    pub contact_value: Address,
    pub is_active: bool,
    pub created_at: DateTime<Utc>,
    pub secret_version: i32,
    pub secret_rotated_at: Option<DateTime<Utc>>,
    pub retired_at: Option<DateTime<Utc>>,
}

impl EscalationContact {
    /// The contact's version, of all that can change.
    #[must_use]
    pub fn version(&self) -> Version {
        let rule = self.rule_id.map(|rule| rule.to_string()).unwrap_or_default();
        let (level, is_active) = (self.escalation_level.to_string(), self.is_active.to_string());
        Version::of_content(&[&rule, &level, self.contact_type.label(), self.contact_value.as_str(), &is_active])
    }
}

/// An escalation contact to add.
#[derive(Debug, Clone)]
pub struct NewEscalationContact {
    /// The rule it is for; nothing means all rules of the tenant.
    pub rule_id: Option<AlertRuleId>,
    /// The escalation from which on the contact hears of an alert; 1 is the first.
    pub escalation_level: i32,
    /// The kind of the contact.
    pub contact_type: ContactType,
    /// The id of a user of the tenant, an e-mail address, a phone number or the http or https URL of a webhook, as the type has
    /// it.
    pub contact_value: Address,
    /// Whether the contact is used.
    pub is_active: bool,
}

/// Changes of a contact. The type and the value must fit each other afterwards.
#[derive(Debug, Clone, Default)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[expect(missing_docs, reason = "the fields of NewEscalationContact")]
pub struct EscalationContactPatch {
    pub rule_id: Patch<AlertRuleId>,
    pub escalation_level: Option<i32>,
    pub contact_type: Option<ContactType>,
    #[cfg_attr(feature = "serde", serde(skip))] // a webhook's may be its password
    pub contact_value: Option<Address>,
    pub is_active: Option<bool>,
}

/// A filter of escalation contacts. Empty means all.
#[derive(Debug, Clone, Default)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct EscalationContactFilter {
    /// The rule whose contacts they are, without the global ones.
    pub rule: Option<AlertRuleId>,
    /// Whether the contacts are for all rules (true), or for one (false).
    pub global: Option<bool>,
    /// The level of the contacts.
    pub level: Option<i32>,
    /// Whether the contacts are used.
    pub is_active: Option<bool>,
}

/// The most contacts of a rule, and those for all rules of a business.
const MOST: i64 = 50;

/// The highest level.
const HIGHEST: i32 = 100;

/// A tenant's contacts.
pub struct EscalationContacts<'a>(pub(super) Scope<'a>);

impl TenantTx<'_> {
    /// The tenant's contacts.
    pub const fn escalation_contacts(&mut self) -> EscalationContacts<'_> {
        EscalationContacts(self.0.reborrow())
    }
}

fn filtered<'q, ST>(
    mut query: contacts::BoxedQuery<'q, Pg, ST>,
    filter: &EscalationContactFilter,
) -> contacts::BoxedQuery<'q, Pg, ST> {
    if let Some(rule) = filter.rule {
        query = query.filter(contacts::rule_id.eq(rule));
    }
    match filter.global {
        Some(true) => query = query.filter(contacts::rule_id.is_null()),
        Some(false) => query = query.filter(contacts::rule_id.is_not_null()),
        None => {}
    }
    if let Some(level) = filter.level {
        query = query.filter(contacts::escalation_level.eq(level));
    }
    if let Some(active) = filter.is_active {
        query = query.filter(contacts::is_active.eq(active));
    }
    query
}

fn must_be_a_level(level: i32) -> Result<()> {
    if level <= HIGHEST { Ok(()) } else { Err(Error::invalid("escalation_level", format!("must be 1 to {HIGHEST}"))) }
}

impl EscalationContacts<'_> {
    /// The contact, if it is there.
    ///
    /// # Errors
    /// [`crate::Error::Unavailable`] or [`crate::Error::Internal`].
    pub fn find(&mut self, id: EscalationContactId) -> Result<Option<EscalationContact>> {
        Ok(EscalationContact::query()
            .filter(contacts::tenant_id.eq(self.0.tenant))
            .filter(contacts::id.eq(id))
            .first(self.0.conn)
            .optional()?)
    }

    /// The escalation contact with this id.
    ///
    /// # Errors
    /// [`crate::Error::NotFound`].
    pub fn get(&mut self, id: EscalationContactId) -> Result<EscalationContact> {
        found(self.find(id)?, "contact")
    }

    /// A page of contacts, newest first.
    ///
    /// # Errors
    /// As [`Self::find`].
    pub fn list(&mut self, filter: &EscalationContactFilter, page: PageRequest) -> Result<Page<EscalationContact>> {
        let query = filtered(EscalationContact::query().filter(contacts::tenant_id.eq(self.0.tenant)).into_boxed(), filter);
        let rows = keyset(query, page, contacts::created_at, contacts::id).load(self.0.conn)?;
        Ok(Page::from_rows(rows, page, |row: &EscalationContact| Cursor { at: row.created_at, id: row.id.uuid() }))
    }

    /// The number of contacts that a filter finds.
    ///
    /// # Errors
    /// As [`Self::find`].
    pub fn count(&mut self, filter: &EscalationContactFilter) -> Result<i64> {
        let query = contacts::table.filter(contacts::tenant_id.eq(self.0.tenant)).count();
        Ok(filtered(query.into_boxed(), filter).get_result(self.0.conn)?)
    }

    /// The contacts that hear of an alert of this rule at this level: its active contacts and the global ones up to that level,
    /// the first level first; 200 at the most.
    ///
    /// # Errors
    /// As [`Self::find`].
    pub fn for_alert(&mut self, rule: AlertRuleId, level: i32) -> Result<Vec<EscalationContact>> {
        Ok(EscalationContact::query()
            .filter(contacts::tenant_id.eq(self.0.tenant))
            .filter(contacts::rule_id.eq(rule).or(contacts::rule_id.is_null()))
            .filter(contacts::is_active)
            .filter(contacts::escalation_level.le(level))
            .order((contacts::escalation_level, contacts::created_at, contacts::id))
            .limit(200)
            .load(self.0.conn)?)
    }

    /// Adds a contact.
    ///
    /// # Errors
    /// [`crate::Error::Conflict`] when the level has that contact already, or the rule, or all rules together, 50; [`crate::Error::Invalid`] on a broken rule, when there is no
    /// such rule or user, or when one that is used would hear of nothing: its rule does not escalate, its user is inactive.
    pub fn create(&mut self, new: &NewEscalationContact) -> Result<EscalationContact> {
        let id = EscalationContactId::new(self.0.moment.id());
        let value = self.address(new.contact_type, &new.contact_value)?;
        if new.is_active {
            self.must_hear(new.rule_id, new.contact_type, &value)?;
        }
        must_be_a_level(new.escalation_level)?;
        self.must_have_room(new.rule_id)?;
        let (secret_version, rotated_at) = self.rotated(new.contact_type, &value)?;
        Ok(diesel::insert_into(contacts::table)
            .values((
                contacts::id.eq(id),
                contacts::tenant_id.eq(self.0.tenant),
                contacts::rule_id.eq(new.rule_id),
                contacts::escalation_level.eq(new.escalation_level),
                contacts::contact_type.eq(new.contact_type),
                contacts::contact_value.eq(value),
                contacts::is_active.eq(new.is_active),
                contacts::created_at.eq(self.0.now()),
                contacts::secret_version.eq(secret_version),
                contacts::secret_rotated_at.eq(rotated_at),
            ))
            .returning(EscalationContact::as_returning())
            .get_result(self.0.conn)?)
    }

    /// Changes a contact.
    ///
    /// # Errors
    /// [`crate::Error::NotFound`]; otherwise as [`Self::create`].
    pub fn update(&mut self, id: EscalationContactId, patch: &EscalationContactPatch) -> Result<EscalationContact> {
        let before = self.lock(id)?;
        let contact_type = patch.contact_type.unwrap_or(before.contact_type);
        let contact_value = match &patch.contact_value {
            Some(value) => self.address(contact_type, value)?,
            None if contact_type != before.contact_type => self.address(contact_type, &before.contact_value)?,
            None => before.contact_value.clone(),
        };
        let is_elsewhere = contact_value != before.contact_value;
        let rule_id = match patch.rule_id {
            Patch::Keep => before.rule_id,
            Patch::Clear => None,
            Patch::Set(rule) => Some(rule),
        };
        // What was saved may be told less, or switched off, whatever has become of its rule or its user since.
        let is_other = patch.rule_id.into_change().is_some() || patch.contact_type.is_some() || patch.contact_value.is_some();
        if patch.is_active.unwrap_or(before.is_active) && (is_other || !before.is_active) {
            self.must_hear(rule_id, contact_type, &contact_value)?;
        }
        patch.escalation_level.map_or(Ok(()), must_be_a_level)?;
        if rule_id != before.rule_id {
            self.must_have_room(rule_id)?;
        }
        let (secret_version, rotated_at) = self.rotated(contact_type, &contact_value)?;
        let row = diesel::update(contacts::table)
            .filter(contacts::tenant_id.eq(self.0.tenant))
            .filter(contacts::id.eq(id))
            .set((
                contacts::secret_version.eq(secret_version),
                contacts::secret_rotated_at.eq(rotated_at),
                patch.rule_id.into_change().map(|value| contacts::rule_id.eq(value)),
                patch.escalation_level.map(|value| contacts::escalation_level.eq(value)),
                contacts::contact_type.eq(contact_type),
                contacts::contact_value.eq(contact_value),
                patch.is_active.map(|value| contacts::is_active.eq(value)),
                // Whoever switches it on or leads it elsewhere has seen to it.
                (patch.is_active == Some(true) || is_elsewhere).then(|| contacts::retired_at.eq(None::<DateTime<Utc>>)),
            ))
            .returning(EscalationContact::as_returning())
            .get_result(self.0.conn)
            .optional()?;
        found(row, "contact")
    }

    /// Locks a contact until the transaction ends, so that what is decided from it still holds when it is written.
    ///
    /// # Errors
    /// [`crate::Error::NotFound`].
    pub fn lock(&mut self, id: EscalationContactId) -> Result<EscalationContact> {
        let row = EscalationContact::query()
            .filter(contacts::tenant_id.eq(self.0.tenant))
            .filter(contacts::id.eq(id))
            .for_update()
            .first(self.0.conn)
            .optional()?;
        found(row, "contact")
    }

    /// Puts the contacts with this webhook out of use: the receiver says that it is gone. How many they were.
    pub(crate) fn retire_webhook(&mut self, url: &Address) -> Result<usize> {
        Ok(diesel::update(contacts::table)
            .filter(contacts::tenant_id.eq(self.0.tenant))
            .filter(contacts::contact_type.eq(ContactType::Webhook))
            .filter(contacts::contact_value.eq(url))
            .filter(contacts::is_active)
            .set((contacts::is_active.eq(false), contacts::retired_at.eq(self.0.now())))
            .execute(self.0.conn)?)
    }

    /// Removes a contact.
    ///
    /// # Errors
    /// [`crate::Error::NotFound`].
    pub fn delete(&mut self, id: EscalationContactId) -> Result<()> {
        let rows = diesel::delete(contacts::table)
            .filter(contacts::tenant_id.eq(self.0.tenant))
            .filter(contacts::id.eq(id))
            .execute(self.0.conn)?;
        touched_one(rows, "contact")
    }

    /// Insists that the contact would hear of anything: that its rule passes alerts on, or tells webhooks when they are raised, and that a
    /// user is active.
    fn must_hear(&mut self, rule: Option<AlertRuleId>, contact_type: ContactType, value: &Address) -> Result<()> {
        if let Some(rule) = rule.map(|id| self.0.tx().alert_rules().find(id)).transpose()?.flatten() {
            let is_told_at_once =
                contact_type == ContactType::Webhook && rule.notification_channels.contains(&NotificationChannel::Webhook);
            if !rule.escalation_enabled && !is_told_at_once {
                return Err(Error::invalid("rule_id", "must be a rule that passes its alerts on: it does not escalate"));
            }
        }
        if contact_type == ContactType::User && !self.0.tx().notifications().is_active(value)? {
            return Err(Error::invalid("contact_value", "must be a user who is active"));
        }
        Ok(())
    }

    /// Insists that a rule, or all rules together, may have one more contact.
    fn must_have_room(&mut self, rule: Option<AlertRuleId>) -> Result<()> {
        // Two that count at once must not both find room for the last.
        self.0.tx().tenants().lock()?;
        let known: i64 = contacts::table
            .filter(contacts::tenant_id.eq(self.0.tenant))
            .filter(contacts::rule_id.is_not_distinct_from(rule))
            .count()
            .get_result(self.0.conn)?;
        match rule {
            _ if known < MOST => Ok(()),
            Some(_) => Err(Error::conflict("rule_id", "has 50 contacts already, the most that a rule has")),
            None => Err(Error::conflict("rule_id", "must be given: there are 50 contacts for all rules already, the most")),
        }
    }

    fn address(&mut self, contact_type: ContactType, value: &Address) -> Result<Address> {
        let one = std::iter::once((contact_type.into(), value));
        found(checked(&mut self.0, "contact_value", one)?.pop(), "contact")
    }
}
