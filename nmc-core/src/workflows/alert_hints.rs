//! What keeps the alerts of a rule, or of a contact, from being heard of: nothing that is refused, but to be known when it is saved.

use crate::alerts::EscalationContactFilter;
use crate::store::TenantTx;
use crate::{AlertRuleId, ContactType, EscalationContactId, NotificationChannel, PageRequest, Result};

/// What the worker sends for nobody but an approved business.
const AWAITS_APPROVAL: &str = "before whoever runs NeverMissCall has approved the business, it sends no texts and no webhooks, and mails to its own people alone";

impl TenantTx<'_> {
    /// What keeps the alerts of this rule from being heard of, as things are now, each in a sentence.
    ///
    /// # Errors
    /// [`crate::Error::NotFound`].
    pub fn alert_rule_warnings(&mut self, id: AlertRuleId) -> Result<Vec<String>> {
        let rule = self.alert_rules().get(id)?;
        let reach = self.alert_rules().reach(id)?;
        let mut warnings = Vec::new();
        self.warn_of_ways(&rule.notification_channels, &mut warnings)?;
        if reach.when_raised + reach.when_passed_on == 0 {
            let why = if rule.notification_channels.is_empty() { "it has no channel" } else { "its channels reach nobody" };
            warnings.push(format!("nobody is told of its alerts: {why}"));
        }
        if rule.escalation_enabled && reach.when_passed_on == 0 {
            warnings.push("there is nobody to pass its alerts on to: it has no contact that is told".to_owned());
        }
        if !rule.escalation_enabled {
            let own = EscalationContactFilter { rule: Some(id), is_active: Some(true), ..EscalationContactFilter::default() };
            // A rule has fewer contacts than a page has rows.
            let own = self.escalation_contacts().list(&own, PageRequest::new(PageRequest::MAX, None)?)?.items;
            let tells_webhooks = rule.notification_channels.contains(&NotificationChannel::Webhook);
            let is_told = |kind| kind == ContactType::Webhook && tells_webhooks;
            match own.iter().filter(|contact| !is_told(contact.contact_type)).count() {
                0 => {}
                1 => warnings.push("a contact of its own is told of nothing: it does not escalate".to_owned()),
                many => warnings.push(format!("{many} contacts of its own are told of nothing: it does not escalate")),
            }
        }
        Ok(warnings)
    }

    /// What keeps this contact from hearing of alerts, as things are now, each in words.
    ///
    /// # Errors
    /// [`crate::Error::NotFound`].
    pub fn escalation_contact_warnings(&mut self, id: EscalationContactId) -> Result<Vec<String>> {
        let contact = self.escalation_contacts().get(id)?;
        let channels = self.escalation_contacts().channels(id)?;
        let mut warnings = Vec::new();
        if !contact.is_active {
            warnings.push("told of nothing: it is switched off".to_owned());
        }
        // Every other contact is told at its address; a user who is active, on the dashboard.
        if channels.is_empty() {
            warnings.push("told of nothing before they accept the invitation".to_owned());
        }
        self.warn_of_ways(&channels, &mut warnings)?;
        // Whether the address is one of its own people's shows when it is mailed.
        if contact.contact_type == ContactType::Email && self.tenants().get()?.approved_at.is_none() {
            warnings.push(AWAITS_APPROVAL.to_owned());
        }
        Ok(warnings)
    }

    /// What keeps the worker from sending by these channels at all.
    fn warn_of_ways(&mut self, channels: &[NotificationChannel], warnings: &mut Vec<String>) -> Result<()> {
        let by = |channel| channels.contains(&channel);
        let (by_text, by_webhook) = (by(NotificationChannel::Sms), by(NotificationChannel::Webhook));
        if (by_text || by_webhook) && self.tenants().get()?.approved_at.is_none() {
            warnings.push(AWAITS_APPROVAL.to_owned());
        }
        if by_text && self.phone_numbers().list_texting()?.is_empty() {
            warnings.push("texts can't be sent: the business has no active number that can send them".to_owned());
        }
        Ok(())
    }
}
