//! One attempt at what the provider is asked of one number, and what it makes of the row.

use super::queue::{ClaimedNumber, Settlement, Work};
use super::{HeldNumber, OwnedNumber, Progress, ProviderError, Provisioner, ProvisioningConfig, Purchase, friendly_name};
use crate::store::Tenant;
use crate::{Error, Result};
use chrono::TimeDelta;

/// Whether a purchase may be made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Buying {
    /// The number was never asked for: it can't have been bought.
    AtOnce,
    /// It may have been bought: that is looked up first.
    UnlessOwned,
    /// It is adopted if it is there, and not bought.
    Never,
}

/// What an attempt comes to.
pub(super) enum Came {
    To(Box<HeldNumber>),
    /// Somebody else has taken over.
    Lost,
    /// The provider said no, and the row is in error.
    Refused(Error),
}

/// What the provider has confirmed.
enum Done {
    Owned(OwnedNumber),
    Released,
    Fine(OwnedNumber),
}

const OWNED_ELSEWHERE: &str =
    "the account owns the number already, under another name than this order's; see nmc number reconcile";
const NOT_SERVED: &str = "the business is suspended, or not active yet: it can't buy numbers";
const GAVE_UP: &str = "given up after too many attempts; the last one: ";
pub(super) const LOST: &str = "Twilio does not have the number any more";

impl Provisioner {
    /// One attempt at a claimed number: whatever it comes to is in the row, unless the claim was lost.
    pub(super) fn attempt(
        &self,
        tenant: &Tenant,
        claimed: &ClaimedNumber,
        buying: Buying,
        progress: &mut dyn FnMut(Progress),
    ) -> Result<Came> {
        let outcome = match claimed.work {
            Work::Buy => self.try_to_buy(claimed, buying, progress),
            Work::Release => self.try_to_release(claimed, progress),
            Work::Check => self.check(claimed, progress),
        };
        let settle = |settlement: Settlement<'_>| {
            let settled = self.store.tenant(tenant, |tx| tx.phone_numbers().settle(claimed, &settlement))?;
            Ok::<Came, Error>(settled.map_or(Came::Lost, |row| Came::To(Box::new(row))))
        };
        let number = claimed.row.id;
        match outcome {
            Ok(Done::Owned(owned)) => match settle(Settlement::Owned(&owned)) {
                Err(Error::Conflict { .. }) => settle(Settlement::Failed("Twilio's SID of it is recorded for another number")),
                settled => settled,
            },
            Ok(Done::Released) => settle(Settlement::Released),
            Ok(Done::Fine(owned)) => settle(Settlement::Fine(owned.capabilities)),
            Err(error)
                if error.is_passing() && (claimed.work != Work::Buy || claimed.row.attempts < self.config.max_attempts) =>
            {
                let at = self.store.now() + self.backoff(claimed.row.attempts, &error);
                tracing::info!(%number, attempt = claimed.row.attempts, reason = %error, "the provider is asked again later");
                settle(Settlement::Later(at, &error.told()))
            }
            // A release is tried until it is done; what stands in its way is for an operator to see.
            Err(error) if claimed.work == Work::Release => {
                let at = self.store.now() + self.backoff(claimed.row.attempts, &error);
                tracing::error!(%number, attempt = claimed.row.attempts, reason = %error, "a number can't be given back");
                settle(Settlement::Later(at, &error.told()))
            }
            Err(error) => {
                let why = if error.is_passing() { format!("{GAVE_UP}{error}") } else { error.told() };
                tracing::error!(%number, reason = %error, gave_up = error.is_passing(), "a number is in error");
                match settle(Settlement::Failed(&why))? {
                    Came::To(_) => Ok(Came::Refused(error.into())),
                    other => Ok(other),
                }
            }
        }
    }

    fn try_to_buy(
        &self,
        claimed: &ClaimedNumber,
        buying: Buying,
        progress: &mut dyn FnMut(Progress),
    ) -> std::result::Result<Done, ProviderError> {
        let refused = |why: &str| ProviderError::Refused { code: None, reason: why.to_owned() };
        if buying != Buying::AtOnce {
            if let Some(owned) = self.look_up(claimed, progress)? {
                return Ok(Done::Owned(owned));
            }
            if buying == Buying::Never {
                return Err(refused("Twilio does not have the number any more, and it is not bought again without an order"));
            }
        }
        if !claimed.is_served {
            return Err(refused(NOT_SERVED));
        }
        progress(Progress::Asking);
        let name = friendly_name(claimed.row.id);
        let purchase = Purchase { phone_number: &claimed.row.phone_number, friendly_name: &name, webhooks: &self.webhooks };
        match self.provider.buy(&purchase) {
            Ok(owned) => Ok(Done::Owned(owned)),
            // An earlier request of ours may have bought it, or this one, whose answer got lost.
            Err(error @ (ProviderError::InDoubt { .. } | ProviderError::Taken)) => {
                self.look_up(claimed, progress)?.map(Done::Owned).ok_or(error)
            }
            Err(error) => Err(error),
        }
    }

    /// The number, if the account owns it by this row's name.
    fn look_up(
        &self,
        claimed: &ClaimedNumber,
        progress: &mut dyn FnMut(Progress),
    ) -> std::result::Result<Option<OwnedNumber>, ProviderError> {
        progress(Progress::LookingUp);
        let found = self.provider.find_by_number(&claimed.row.phone_number)?;
        match found {
            Some(owned) if owned.row() == Some(claimed.row.id) || Some(&owned.sid) == claimed.row.twilio_phone_sid.as_ref() => {
                Ok(Some(owned))
            }
            Some(_) => Err(ProviderError::Refused { code: None, reason: OWNED_ELSEWHERE.to_owned() }),
            None => Ok(None),
        }
    }

    fn try_to_release(
        &self,
        claimed: &ClaimedNumber,
        progress: &mut dyn FnMut(Progress),
    ) -> std::result::Result<Done, ProviderError> {
        if let Some(sid) = &claimed.row.twilio_phone_sid {
            progress(Progress::Asking);
            return match self.provider.release(sid) {
                Ok(()) | Err(ProviderError::Gone) => Ok(Done::Released),
                Err(error) => Err(error),
            };
        }
        // It may have been bought without our having heard of it.
        let owned = match self.look_up(claimed, progress) {
            Err(ProviderError::Refused { .. }) => None,
            found => found?,
        };
        let Some(owned) = owned else { return Ok(Done::Released) };
        progress(Progress::Asking);
        match self.provider.release(&owned.sid) {
            Ok(()) | Err(ProviderError::Gone) => Ok(Done::Released),
            Err(error) => Err(error),
        }
    }

    fn check(&self, claimed: &ClaimedNumber, progress: &mut dyn FnMut(Progress)) -> std::result::Result<Done, ProviderError> {
        progress(Progress::LookingUp);
        let sid = claimed.row.twilio_phone_sid.as_deref().unwrap_or_default();
        let found = self.provider.find(sid)?;
        found.map(Done::Fine).ok_or_else(|| ProviderError::Refused { code: None, reason: LOST.to_owned() })
    }

    /// What the provider asks, or doubling from the first wait; a part of it by chance, so that what failed together does not
    /// come back together.
    fn backoff(&self, attempts: i32, error: &ProviderError) -> TimeDelta {
        let ProvisioningConfig { first_backoff, longest_backoff, .. } = self.config;
        let doublings = u32::try_from(attempts.saturating_sub(1)).unwrap_or(0).min(16);
        let wait = (first_backoff * 2_i32.pow(doublings)).min(longest_backoff);
        let asked = match error {
            ProviderError::NotNow { retry_after: Some(wait), .. } => TimeDelta::from_std(*wait).unwrap_or(longest_backoff),
            _ => TimeDelta::zero(),
        };
        wait.max(asked.min(longest_backoff))
    }
}
