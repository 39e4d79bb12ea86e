//! The secrets of webhooks among the contacts: which version signs, and another in its place.

use super::address::Address;
use super::escalation_contact::{EscalationContact, EscalationContacts};
use crate::delivery::SecretVersions;
use crate::error::found;
use crate::schema::escalation_contacts as contacts;
use crate::{ContactType, Error, EscalationContactId, Result};
use chrono::{DateTime, TimeDelta, Utc};
use diesel::prelude::*;

/// How long a secret that was replaced signs beside the new one.
pub const SECRET_OVERLAP: TimeDelta = TimeDelta::hours(24);

/// The beginning of 2026, in seconds. Rotations are a day apart, so that no version from before a URL was removed is as high as the seconds
/// since then are when it is added again.
const VERSIONS_BEGIN: i64 = 1_767_225_600;

/// The version of a secret, and when it took the place of the one before.
pub(super) type Rotated = (i32, Option<DateTime<Utc>>);

impl EscalationContacts<'_> {
    /// The versions of the secret that sign what goes to a webhook now.
    ///
    /// # Errors
    /// [`Error::Unavailable`] or [`Error::Internal`].
    pub fn secret_versions(&mut self, url: &Address) -> Result<SecretVersions> {
        let (newest, rotated_at) = self.newest(url)?.unwrap_or((1, None));
        let signs_until = rotated_at.map(|at| at + SECRET_OVERLAP).filter(|until| *until > self.0.now());
        Ok(SecretVersions { newest, before_until: signs_until })
    }

    /// Puts another secret in the place of the one that signs what goes to this contact's URL. The one before signs beside it for
    /// [`SECRET_OVERLAP`], and as long there is no third: it would end the only one that the receiver knows.
    ///
    /// # Errors
    /// [`Error::NotFound`]; [`Error::Conflict`] when the contact is no webhook, or its secret was replaced within [`SECRET_OVERLAP`].
    pub fn rotate_secret(&mut self, id: EscalationContactId) -> Result<EscalationContact> {
        let contact = self.get(id)?;
        contact.must_be_webhook()?;
        // All with this URL, in one order, so that two who rotate at once come after each other.
        let versions: Vec<Rotated> = contacts::table
            .filter(contacts::tenant_id.eq(self.0.tenant))
            .filter(contacts::contact_type.eq(ContactType::Webhook))
            .filter(contacts::contact_value.eq(&contact.contact_value))
            .order(contacts::id)
            .for_update()
            .select((contacts::secret_version, contacts::secret_rotated_at))
            .load(self.0.conn)?;
        let (newest, rotated_at) = found(versions.into_iter().max(), "contact")?;
        if rotated_at.is_some_and(|at| at + SECRET_OVERLAP > self.0.now()) {
            return Err(Error::conflict("secret", "was replaced within the last 24 hours: the one before still signs beside it"));
        }
        let next = found(newest.checked_add(1), "contact")?;
        diesel::update(contacts::table)
            .filter(contacts::tenant_id.eq(self.0.tenant))
            .filter(contacts::contact_type.eq(ContactType::Webhook))
            .filter(contacts::contact_value.eq(&contact.contact_value))
            .set((contacts::secret_version.eq(next), contacts::secret_rotated_at.eq(self.0.now())))
            .execute(self.0.conn)?;
        self.get(id)
    }

    /// The version of the secret of what goes to this address, which the contacts with it share. One that no contact has begins with another than
    /// it may have had before.
    pub(super) fn rotated(&mut self, contact_type: ContactType, value: &Address) -> Result<Rotated> {
        if contact_type != ContactType::Webhook {
            return Ok((1, None));
        }
        let fresh = i32::try_from(self.0.now().timestamp() - VERSIONS_BEGIN).unwrap_or(i32::MAX).max(1);
        Ok(self.newest(value)?.unwrap_or((fresh, None)))
    }

    /// The version of the secret that the contacts with this URL share.
    fn newest(&mut self, url: &Address) -> Result<Option<Rotated>> {
        Ok(contacts::table
            .filter(contacts::tenant_id.eq(self.0.tenant))
            .filter(contacts::contact_type.eq(ContactType::Webhook))
            .filter(contacts::contact_value.eq(url))
            .order(contacts::secret_version.desc())
            .select((contacts::secret_version, contacts::secret_rotated_at))
            .first(self.0.conn)
            .optional()?)
    }
}

impl EscalationContact {
    /// Insists that the contact is a webhook.
    ///
    /// # Errors
    /// [`Error::Conflict`].
    pub fn must_be_webhook(&self) -> Result<()> {
        let is_one = self.contact_type == ContactType::Webhook;
        if is_one { Ok(()) } else { Err(Error::conflict("contact", "is no webhook: it has no secret")) }
    }
}
