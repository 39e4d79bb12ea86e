//! Who would hear of a rule's alerts, as things are now.

use super::escalation::Contact;
use super::{AlertRules, EscalationContacts};
use crate::{AlertId, AlertRuleId, EscalationContactId, NotificationChannel, Result};

/// How many would hear of an alert of a rule, counted once for each channel.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[cfg_attr(not(feature = "testing"), non_exhaustive)]
pub struct Reach {
    /// Those who are told when it is raised, by the channels of the rule.
    pub when_raised: usize,
    /// Those who are told when it is passed on; nobody, unless the rule escalates.
    pub when_passed_on: usize,
}

/// The alert that nobody is told of.
const NONE: AlertId = AlertId::new(uuid::Uuid::nil());

impl AlertRules<'_> {
    /// How many would hear of an alert of this rule, were it raised now.
    ///
    /// # Errors
    /// [`crate::Error::NotFound`].
    pub fn reach(&mut self, id: AlertRuleId) -> Result<Reach> {
        let rule = self.get(id)?;
        let mut tx = self.0.tx();
        let contacts = if rule.escalation_enabled { tx.escalation_contacts().for_alert(id, i32::MAX)? } else { Vec::new() };
        let contacts: Vec<Contact> = contacts.iter().map(Contact::of).collect();
        Ok(Reach {
            when_raised: tx.notifications().told_when_raised(&[(NONE, &rule)])?.len(),
            when_passed_on: tx.notifications().told_when_passed_on(NONE, &contacts.iter().collect::<Vec<_>>())?.len(),
        })
    }
}

impl EscalationContacts<'_> {
    /// The channels by which this contact would be told now; none, if it is a user who can't be reached.
    ///
    /// # Errors
    /// [`crate::Error::NotFound`].
    pub fn channels(&mut self, id: EscalationContactId) -> Result<Vec<NotificationChannel>> {
        let contact = Contact::of(&self.get(id)?);
        let told = self.0.tx().notifications().told_when_passed_on(NONE, &[&contact])?;
        Ok(told.into_iter().map(|(_, channel, _)| channel).collect())
    }
}
