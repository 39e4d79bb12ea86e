//! One attempt at what the provider is asked of one number, and what it makes of the row.

use super::phone_number_queue::{ClaimedNumber, Settlement, Work};
use super::{HeldNumber, Progress, Provisioner};
use crate::actor::WORKER;
use crate::store::Tenant;
use crate::telephony::{OwnedNumber, ProviderError, Purchase, friendly_name, owned_as};
use crate::{Error, NumberStatus, PhoneNumber, Result};

/// Whether a purchase may be made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Buying {
    /// The number was never asked for: it can't have been bought.
    AtOnce,
    /// The number may have been bought: that is looked up first.
    UnlessOwned,
    /// The number is adopted if it is there, and not bought.
    Never,
}

/// The result of an attempt at a number.
pub(super) enum Came {
    To(Box<HeldNumber>),
    /// Somebody else has taken over.
    Lost,
    /// The provider said no, and the row is in error.
    Refused(Error),
}

/// The state that the provider has confirmed.
enum Done {
    Owned(OwnedNumber),
    Released,
    Fine(OwnedNumber),
    Lost,
}

/// The owner of a number in the account.
enum Found {
    Ours(OwnedNumber),
    /// The account's, under another name: it may be somebody's.
    Elsewhere,
    Nothing,
}

const OWNED_ELSEWHERE: &str =
    "the account owns the number already, under another name than this order's; a reconciliation says more";
const NOT_SERVED: &str = "the business is suspended, not active yet, or waits for approval: it can't buy numbers";
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
            let settled = self.store.worker(tenant, |tx| tx.phone_numbers().settle(claimed, &settlement))?;
            Ok::<Came, Error>(settled.map_or(Came::Lost, |row| Came::To(Box::new(row))))
        };
        let number = claimed.row.id;
        let attempts = claimed.row.attempts;
        match outcome {
            Ok(Done::Owned(owned)) => match settle(Settlement::Owned(&owned)) {
                Err(Error::Conflict { .. }) => settle(Settlement::Failed("Twilio's SID of it is recorded for another number")),
                settled => settled,
            },
            Ok(Done::Released) => settle(Settlement::Released),
            Ok(Done::Fine(owned)) => settle(Settlement::Fine(owned.capabilities)),
            Ok(Done::Lost) => {
                tracing::error!(tenant = %tenant.id(), actor = %WORKER, %number, "Twilio does not have a number of ours any more");
                settle(Settlement::Failed(LOST))
            }
            // It is in use all the same: whoever gives it back, or looks into the row, hears of it.
            Err(error @ ProviderError::Mismatched) if claimed.work == Work::Check => {
                tracing::error!(tenant = %tenant.id(), actor = %WORKER, %number, reason = %error, "a number's SID at Twilio is another number's");
                settle(Settlement::Noted(&error.told()))
            }
            Err(error) if self.goes_on(claimed, &error) => {
                let at = self.store.now() + self.config.backoff.wait(attempts, error.retry_after(), claimed.lease.uuid());
                if error.is_passing() {
                    tracing::info!(tenant = %tenant.id(), actor = %WORKER, %number, attempts, reason = %error, "the provider is asked again later");
                } else {
                    tracing::error!(tenant = %tenant.id(), actor = %WORKER, %number, attempts, reason = %error, "the provider refuses, and is asked again later");
                }
                settle(Settlement::Later(at, &error.told()))
            }
            Err(error) => {
                let why = if error.is_passing() { format!("{GAVE_UP}{error}") } else { error.told() };
                tracing::error!(tenant = %tenant.id(), actor = %WORKER, %number, reason = %error, gave_up = error.is_passing(), "a number is in error");
                match settle(Settlement::Failed(&why))? {
                    Came::To(_) => Ok(Came::Refused(error.into())),
                    other => Ok(other),
                }
            }
        }
    }

    /// Whether the provider is asked again. A release is tried until it is done, and a check until there is an answer. An order
    /// goes on while it may have been carried out, however long that lasts; otherwise, until its attempts are used up. One
    /// that is in error stays there.
    fn goes_on(&self, claimed: &ClaimedNumber, error: &ProviderError) -> bool {
        match claimed.work {
            // Another number's SID is never given back, however often one tries.
            Work::Release => *error != ProviderError::Mismatched,
            Work::Check => true,
            Work::Buy if claimed.row.status == NumberStatus::Error => false,
            Work::Buy => match error {
                ProviderError::InDoubt { .. } => true,
                error => error.is_passing() && claimed.row.attempts < self.config.max_attempts,
            },
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
            if let Some(owned) = self.look_up_in_doubt(claimed, progress)? {
                return Ok(Done::Owned(owned));
            }
            if buying == Buying::Never {
                return Err(refused("Twilio does not have the number, and it is not bought without an order"));
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
                self.look_up_in_doubt(claimed, progress)?.map(Done::Owned).ok_or(error)
            }
            Err(error) => Err(error),
        }
    }

    /// The number, if the account owns it by this row's name. While that is not known it may have been bought: nothing that is
    /// in the way of the question may pass for a refusal of the order.
    fn look_up_in_doubt(
        &self,
        claimed: &ClaimedNumber,
        progress: &mut dyn FnMut(Progress),
    ) -> std::result::Result<Option<OwnedNumber>, ProviderError> {
        match self.look_up(claimed, progress) {
            Ok(Found::Ours(owned)) => Ok(Some(owned)),
            Ok(Found::Nothing) => Ok(None),
            Ok(Found::Elsewhere) => Err(ProviderError::Refused { code: None, reason: OWNED_ELSEWHERE.to_owned() }),
            Err(error) => Err(ProviderError::InDoubt { reason: error.told(), retry_after: error.retry_after() }),
        }
    }

    fn look_up(&self, claimed: &ClaimedNumber, progress: &mut dyn FnMut(Progress)) -> std::result::Result<Found, ProviderError> {
        progress(Progress::LookingUp);
        Ok(match self.provider.find_by_number(&claimed.row.phone_number)? {
            Some(owned) if owned.row() == Some(claimed.row.id) => Found::Ours(owned),
            Some(owned) if Some(&owned.sid) == claimed.row.twilio_phone_sid.as_ref() => Found::Ours(owned),
            Some(_) => Found::Elsewhere,
            None => Found::Nothing,
        })
    }

    fn try_to_release(
        &self,
        claimed: &ClaimedNumber,
        progress: &mut dyn FnMut(Progress),
    ) -> std::result::Result<Done, ProviderError> {
        if let Some(sid) = &claimed.row.twilio_phone_sid {
            progress(Progress::Asking);
            return self.give_back(sid, &claimed.row.phone_number).map(|()| Done::Released);
        }
        // It may have been bought without our having heard of it.
        let Found::Ours(owned) = self.look_up(claimed, progress)? else { return Ok(Done::Released) };
        progress(Progress::Asking);
        self.give_back(&owned.sid, &claimed.row.phone_number).map(|()| Done::Released)
    }

    /// The one place where a number is given back: the number behind the SID is looked at first, always, and another one stays.
    /// One that is gone counts as given back, unless the account has the number under another SID: that is still paid for.
    pub(super) fn give_back(&self, sid: &str, number: &PhoneNumber) -> std::result::Result<(), ProviderError> {
        let owned = match owned_as(&*self.provider, sid, number) {
            Err(ProviderError::Gone) => {
                return self.provider.find_by_number(number)?.map_or(Ok(()), |_| Err(ProviderError::Mismatched));
            }
            owned => owned?,
        };
        match self.provider.release(&owned.sid) {
            Err(ProviderError::Gone) => Ok(()),
            released => released,
        }
    }

    fn check(&self, claimed: &ClaimedNumber, progress: &mut dyn FnMut(Progress)) -> std::result::Result<Done, ProviderError> {
        progress(Progress::LookingUp);
        let sid = claimed.row.twilio_phone_sid.as_deref().unwrap_or_default();
        match owned_as(&*self.provider, sid, &claimed.row.phone_number) {
            Ok(owned) => Ok(Done::Fine(owned)),
            Err(ProviderError::Gone) => Ok(Done::Lost),
            Err(error) => Err(error),
        }
    }
}
