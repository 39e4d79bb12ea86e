//! Buying numbers and giving them back, so that none that is paid for gets lost.
//!
//! The intent is committed before the provider is asked, under the name by which the number is bought. After any doubt (an
//! answer that got lost, a worker that died) the number is looked up by that name before it is bought again, and adopted if
//! it is there. No transaction is open while the provider answers: a lease, committed before, keeps others away. Whoever
//! loses a lease changes nothing; the next one asks the provider what is true.

use super::order::{self, NumberOrder, Quote};
use super::queue::{Claim, ClaimedNumber, Settlement, Work};
use super::{
    AvailableNumber, HeldNumber, NumberProvider, NumberSearch, OwnedNumber, ProviderError, Purchase, WebhookUrls, friendly_name,
};
use crate::identity::{Acting, Permission};
use crate::store::{Store, Tenant};
use crate::{Confirmed, Error, NumberStatus, PhoneNumberId, Result};
use chrono::{DateTime, TimeDelta, Utc};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// How numbers are worked on.
#[derive(Debug, Clone, Copy)]
pub struct ProvisioningConfig {
    /// How long a claim holds. Longer than the provider takes to answer all that one attempt asks.
    pub lease: TimeDelta,
    /// Attempts at one purchase before it is put into error. A release is never given up.
    pub max_attempts: i32,
    /// The wait after the first attempt; it doubles with each.
    pub first_backoff: TimeDelta,
    /// The longest wait between attempts.
    pub longest_backoff: TimeDelta,
}

impl Default for ProvisioningConfig {
    fn default() -> Self {
        Self {
            lease: TimeDelta::seconds(90),
            max_attempts: 10,
            first_backoff: TimeDelta::seconds(2),
            longest_backoff: TimeDelta::hours(1),
        }
    }
}

/// How far an order or a release has come: for somebody who waits.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Progress {
    /// The provider is asked whether the number is for sale, and for how much.
    Quoting,
    /// The intent is committed: whatever happens from here on, it is taken to its end.
    Committed,
    /// The provider is asked to do it.
    Asking,
    /// The provider is asked whether it has been done already.
    LookingUp,
    /// Not done yet; it is tried again at this time.
    Waiting(DateTime<Utc>),
}

/// Buys numbers for tenants, looks after them, and gives them back.
#[derive(Clone)]
pub struct Provisioner {
    pub(super) store: Store,
    pub(super) provider: Arc<dyn NumberProvider>,
    pub(super) webhooks: WebhookUrls,
    config: ProvisioningConfig,
}

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
enum Came {
    To(Box<HeldNumber>),
    /// Somebody else has taken over.
    Lost,
    /// The provider said no, and the row is in error.
    Refused(Error),
}

const OWNED_ELSEWHERE: &str =
    "the account owns the number already, under another name than this order's; see nmc number reconcile";
const NOT_SERVED: &str = "the business is suspended, or not active yet: it can't buy numbers";
const GAVE_UP: &str = "given up after too many attempts; the last one: ";
const LOST: &str = "Twilio does not have the number any more";

impl Provisioner {
    /// Over this store and provider; numbers are given the webhooks of a platform that is reached at `public_url`.
    #[must_use]
    pub fn new(store: Store, provider: Arc<dyn NumberProvider>, public_url: &str, config: ProvisioningConfig) -> Self {
        Self { store, provider, webhooks: WebhookUrls::of(public_url), config }
    }

    /// The webhooks that numbers are given.
    #[must_use]
    pub const fn webhooks(&self) -> &WebhookUrls {
        &self.webhooks
    }

    /// Numbers for sale.
    ///
    /// # Errors
    /// [`Error::Forbidden`] without [`Permission::NumbersWrite`]; [`Error::Invalid`] on a search that can't be made;
    /// [`Error::Provider`]; [`Error::Unavailable`].
    pub fn search(&self, who: &impl Acting, search: &NumberSearch) -> Result<Vec<AvailableNumber>> {
        let search = search.checked()?;
        who.act(&self.store, |_, actor| actor.must(Permission::NumbersWrite))?;
        Ok(self.provider.search(&search)?)
    }

    /// Whether this number is for sale, and for how much; nothing is written.
    ///
    /// # Errors
    /// [`Error::Provider`], such as [`ProviderError::Taken`]; [`Error::Unavailable`].
    pub fn quote(&self, order: &NumberOrder) -> Result<Quote> {
        let search = NumberSearch {
            contains: Some(order.phone_number.to_string()),
            capabilities: super::Capabilities::default(),
            ..NumberSearch::new(order.country, order.number_type)
        };
        let mut numbers = self.provider.search(&search)?.into_iter();
        let number = numbers.find(|number| number.phone_number == order.phone_number).ok_or(ProviderError::Taken)?;
        if number.needs_address {
            let reason = "the number is sold only to those who have told Twilio an address; choose another one".to_owned();
            return Err(ProviderError::Refused { code: None, reason }.into());
        }
        Ok(Quote { number, price: self.provider.price(order.country, order.number_type)? })
    }

    /// The same, as far as [`Self::buy`] would get without writing or buying anything.
    ///
    /// # Errors
    /// As [`Self::buy`].
    pub fn rehearse(&self, who: &impl Acting, order: &NumberOrder) -> Result<Option<Quote>> {
        let earlier = who.act(&self.store, |tx, actor| order::look(tx, actor, &order.phone_number))?;
        if earlier.is_some() { Ok(None) } else { self.quote(order).map(Some) }
    }

    /// Buys a number. The answer is its row: `active`, or still `provisioning` when the provider could not be asked within
    /// `patience`; then a worker goes on. An earlier order of the same number that has not come to its end, or has failed, is
    /// taken up again.
    ///
    /// # Errors
    /// [`Error::Forbidden`] without [`Permission::NumbersWrite`], and to a business that is not active; [`Error::Conflict`] on a
    /// number that is held, or one too many; [`Error::Provider`] when the provider refuses: once the intent is committed its row
    /// is in `error` then, with the reason; [`Error::Unavailable`] when nothing was committed.
    pub fn buy(
        &self,
        who: &impl Acting,
        order: &NumberOrder,
        patience: Duration,
        progress: &mut dyn FnMut(Progress),
    ) -> Result<HeldNumber> {
        let (tenant, earlier) = who.act(&self.store, |tx, actor| {
            let earlier = order::prepare(tx, actor, &order.phone_number)?;
            Ok((tx.tenant(), earlier))
        })?;
        let deadline = Instant::now() + patience;
        if let Some(row) = earlier {
            return self.drive(&tenant, row.id, None, Buying::UnlessOwned, deadline, progress);
        }
        progress(Progress::Quoting);
        let quote = self.quote(order)?;
        let claimed = who.act(&self.store, |tx, actor| order::place(tx, actor, &quote, self.config.lease))?;
        progress(Progress::Committed);
        self.drive(&tenant, claimed.row.id, Some(claimed), Buying::UnlessOwned, deadline, progress)
    }

    /// Gives a number back. The wish is committed at once; the answer is the row: `released`, or on its way there when the
    /// provider could not be asked within `patience`; then a worker goes on until it is done.
    ///
    /// # Errors
    /// [`Error::Forbidden`] without [`Permission::NumbersWrite`]; [`Error::NotFound`]; [`Error::Conflict`] while it is being bought.
    pub fn release(
        &self,
        who: &impl Acting,
        id: PhoneNumberId,
        _: Confirmed,
        patience: Duration,
        progress: &mut dyn FnMut(Progress),
    ) -> Result<HeldNumber> {
        let deadline = Instant::now() + patience;
        let (tenant, row) = who.act(&self.store, |tx, actor| Ok((tx.tenant(), order::request_release(tx, actor, id)?)))?;
        progress(Progress::Committed);
        if row.status == NumberStatus::Released {
            return Ok(row);
        }
        self.drive(&tenant, id, None, Buying::Never, deadline, progress)
    }

    /// Tells the provider a number's webhooks and name again: after the platform has moved, or somebody changed them there.
    ///
    /// # Errors
    /// [`Error::Forbidden`] without [`Permission::NumbersWrite`]; [`Error::NotFound`]; [`Error::InvalidTransition`] when it is not
    /// held; [`Error::Provider`], with the row in `error` when the provider has lost the number; [`Error::Unavailable`].
    pub fn configure(&self, who: &impl Acting, id: PhoneNumberId) -> Result<HeldNumber> {
        let row = who.act(&self.store, |tx, actor| {
            actor.must(Permission::NumbersWrite)?;
            tx.phone_numbers().get(id)
        })?;
        let held = matches!(row.status, NumberStatus::Active | NumberStatus::Inactive);
        let Some(sid) = row.twilio_phone_sid.as_deref().filter(|_| held && !row.is_releasing()) else {
            return Err(Error::InvalidTransition { entity: "phone number", from: row.status.label(), to: "configured" });
        };
        match self.provider.update(sid, &friendly_name(id), &self.webhooks) {
            Ok(owned) => who.act(&self.store, |tx, _| tx.phone_numbers().note_webhooks(id, &owned.webhooks)),
            Err(ProviderError::Gone) => {
                who.act(&self.store, |tx, _| order::note_lost(tx, id, LOST))?;
                Err(ProviderError::Gone.into())
            }
            Err(error) => Err(error.into()),
        }
    }

    /// Takes a number to its end, or as far as it gets until `deadline`. A `fresh` claim is that of an order just placed, of
    /// which the provider has not heard yet.
    pub(super) fn drive(
        &self,
        tenant: &Tenant,
        id: PhoneNumberId,
        mut fresh: Option<ClaimedNumber>,
        buying: Buying,
        deadline: Instant,
        progress: &mut dyn FnMut(Progress),
    ) -> Result<HeldNumber> {
        loop {
            let adopting = buying == Buying::Never;
            let (claim, buying) = match fresh.take() {
                Some(claimed) => (Claim::Ours(Box::new(claimed)), Buying::AtOnce),
                None => (self.store.tenant(tenant, |tx| tx.phone_numbers().claim(id, self.config.lease, adopting))?, buying),
            };
            let wait = match claim {
                Claim::Nothing(row) => return Ok(*row),
                Claim::Busy => Duration::from_millis(200),
                Claim::Ours(claimed) => match self.attempt(tenant, &claimed, buying, progress)? {
                    Came::Refused(error) => return Err(error),
                    Came::Lost => Duration::ZERO,
                    Came::To(row) => match row.next_attempt_at {
                        None => return Ok(*row),
                        Some(at) => {
                            progress(Progress::Waiting(at));
                            (at - self.store.now()).to_std().unwrap_or_default()
                        }
                    },
                },
            };
            if Instant::now() + wait >= deadline {
                return self.store.tenant(tenant, |tx| tx.phone_numbers().get(id));
            }
            std::thread::sleep(wait);
        }
    }

    /// One attempt at a claimed number: whatever it comes to is in the row, unless the claim was lost.
    fn attempt(
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
        let found = self.provider.find_by_number(&claimed.row.phone_number).map_err(|error| match error {
            // Whether it was bought is open still: it must not pass for a refusal.
            error if error.is_passing() => ProviderError::InDoubt { reason: error.to_string() },
            error => error,
        })?;
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

    /// Works on one number of a tenant as far as it gets at once.
    pub(super) fn work_on(&self, tenant: &Tenant, id: PhoneNumberId) -> Result<()> {
        match self.drive(tenant, id, None, Buying::UnlessOwned, Instant::now(), &mut |_| {}) {
            // It is in the row, and in the log.
            Ok(_) | Err(Error::Provider(_) | Error::Unavailable { contention: false, .. }) => Ok(()),
            Err(error) => Err(error),
        }
    }

    /// Works on what is due: some numbers of every tenant, the longest waiting first. How many were worked on.
    ///
    /// # Errors
    /// [`Error::Unavailable`] when the database is not to be had.
    pub fn pass(&self) -> Result<usize> {
        let mut worked_on = 0;
        for tenant in self.store.system(crate::store::Reason::DueWork, |tx| tx.tenants_with_due_numbers(64))? {
            for id in self.store.tenant(&tenant, |tx| tx.phone_numbers().due(5))? {
                self.work_on(&tenant, id)?;
                worked_on += 1;
            }
        }
        Ok(worked_on)
    }
}

/// What the provider has confirmed.
enum Done {
    Owned(OwnedNumber),
    Released,
    Fine(OwnedNumber),
}
