//! Buying numbers and giving them back, so that none that is paid for gets lost.
//!
//! The intent is committed before the provider is asked, under the name by which the number is bought. After any doubt (an
//! answer that got lost, a worker that died) the number is looked up by that name before it is bought again, and adopted if
//! it is there. No transaction is open while the provider answers: a lease, committed before, keeps others away. Whoever
//! loses a lease changes nothing; the next one asks the provider what is true.

use super::HeldNumber;
use super::attempt::{Buying, Came, LOST};
use super::order::{self, NumberOrder, Quote};
use super::phone_number_queue::{Claim, ClaimedNumber};
use crate::access::{Acting, Permission};
use crate::queue::{Backoff, every_tenant};
use crate::store::{Store, Tenant};
use crate::telephony::{AvailableNumber, NumberProvider, NumberSearch, ProviderError, WebhookUrls, friendly_name, owned_as};
use crate::{Confirmed, Error, NumberStatus, PhoneNumberId, Result};
use chrono::{DateTime, TimeDelta, Utc};
use std::ops::ControlFlow;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// The configuration of how numbers are worked on.
#[derive(Debug, Clone, Copy)]
pub struct ProvisioningConfig {
    /// How long a claim holds. Longer than the provider takes to answer all that one attempt asks.
    pub lease: TimeDelta,
    /// Attempts at one purchase before it is put into error. A release is never given up.
    pub max_attempts: i32,
    /// The waits between attempts.
    pub backoff: Backoff,
}

impl Default for ProvisioningConfig {
    fn default() -> Self {
        Self {
            lease: TimeDelta::seconds(90),
            max_attempts: 10,
            backoff: Backoff { first: TimeDelta::seconds(2), longest: TimeDelta::hours(1) },
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
    /// The number is not done yet; it is tried again at this time.
    Waiting(DateTime<Utc>),
}

/// The provisioner, which buys numbers for tenants, looks after them, and gives them back.
#[derive(Clone)]
pub struct Provisioner {
    pub(super) store: Store,
    pub(super) provider: Arc<dyn NumberProvider>,
    pub(super) webhooks: WebhookUrls,
    pub(super) config: ProvisioningConfig,
}

impl Provisioner {
    /// A provisioner over this store and provider; numbers are given these webhooks.
    #[must_use]
    pub const fn new(store: Store, provider: Arc<dyn NumberProvider>, webhooks: WebhookUrls, config: ProvisioningConfig) -> Self {
        Self { store, provider, webhooks, config }
    }

    /// The webhooks that numbers are given.
    #[must_use]
    pub const fn webhooks(&self) -> &WebhookUrls {
        &self.webhooks
    }

    /// The numbers for sale that a search finds.
    ///
    /// # Errors
    /// [`Error::Forbidden`] without [`Permission::NumbersWrite`]; [`Error::Invalid`] on a search that can't be made;
    /// [`Error::Provider`]; [`Error::Unavailable`].
    pub fn search(&self, who: &Acting, search: &NumberSearch) -> Result<Vec<AvailableNumber>> {
        let search = search.checked()?;
        who.transaction(&self.store, |tx| tx.must(Permission::NumbersWrite))?;
        Ok(self.provider.search(&search)?)
    }

    /// Whether this number is for sale, and for how much; nothing is written.
    ///
    /// # Errors
    /// [`Error::Provider`], such as [`ProviderError::Taken`]; [`Error::Invalid`] of `without_sms` when it can't text, and the
    /// order does not say that it need not; [`Error::Unavailable`].
    pub fn quote(&self, order: &NumberOrder) -> Result<Quote> {
        let search = NumberSearch {
            contains: Some(order.phone_number.to_string()),
            capabilities: crate::telephony::Capabilities::default(),
            ..NumberSearch::new(order.country, order.number_type)
        };
        let mut numbers = self.provider.search(&search)?.into_iter();
        let number = numbers.find(|number| number.phone_number == order.phone_number).ok_or(ProviderError::Taken)?;
        if number.needs_address {
            let reason = "the number is sold only to those who have told Twilio an address; choose another one".to_owned();
            return Err(ProviderError::Refused { code: None, reason }.into());
        }
        if !number.capabilities.sms && !order.without_sms {
            return Err(Error::invalid(
                "without_sms",
                "must be true to buy this number: it can't text, so no missed call is answered",
            ));
        }
        Ok(Quote { number, price: self.provider.price(order.country, order.number_type)? })
    }

    /// Rehearses a purchase, as far as [`Self::buy`] would get without writing or buying anything.
    ///
    /// # Errors
    /// As [`Self::buy`].
    pub fn rehearse(&self, who: &Acting, order: &NumberOrder) -> Result<Option<Quote>> {
        let earlier = who.transaction(&self.store, |tx| order::look(tx, &order.phone_number))?;
        if earlier.is_some() { Ok(None) } else { self.quote(order).map(Some) }
    }

    /// Buys a number. The answer is its row: `active`, or still `provisioning` when the provider could not be asked within
    /// `patience`; then a worker goes on. An earlier order of the same number that has not come to its end, or has failed, is
    /// taken up again.
    ///
    /// # Errors
    /// [`Error::Forbidden`] without [`Permission::NumbersWrite`], and to a business that is not active; [`Error::Conflict`] on a
    /// number that is held, or one too many; [`Error::Provider`] when the provider refuses: once the intent is committed its row
    /// is in `error` then, with the reason; [`Error::Unavailable`], after which the same order may be placed again: whatever was
    /// committed goes on.
    pub fn buy(
        &self,
        who: &Acting,
        order: &NumberOrder,
        patience: Duration,
        progress: &mut dyn FnMut(Progress),
    ) -> Result<HeldNumber> {
        let (tenant, earlier) = who.transaction(&self.store, |tx| {
            let earlier = order::prepare(tx, &order.phone_number)?;
            Ok((tx.tenant(), earlier))
        })?;
        let deadline = Instant::now() + patience;
        if let Some(row) = earlier {
            return self.drive(&tenant, row.id, None, Buying::UnlessOwned, deadline, progress).and_then(not_in_error);
        }
        progress(Progress::Quoting);
        let quote = self.quote(order)?;
        let claimed = who.transaction(&self.store, |tx| order::place(tx, &quote, self.config.lease))?;
        progress(Progress::Committed);
        self.drive(&tenant, claimed.row.id, Some(claimed), Buying::UnlessOwned, deadline, progress).and_then(not_in_error)
    }

    /// Gives a number back. The wish is committed at once; the answer is the row: `released`, or on its way there when the
    /// provider could not be asked within `patience`; then a worker goes on until it is done.
    ///
    /// # Errors
    /// [`Error::Forbidden`] without [`Permission::NumbersWrite`]; [`Error::NotFound`]; [`Error::Conflict`] while it is being bought.
    pub fn release(
        &self,
        who: &Acting,
        id: PhoneNumberId,
        _: Confirmed,
        patience: Duration,
        progress: &mut dyn FnMut(Progress),
    ) -> Result<HeldNumber> {
        let deadline = Instant::now() + patience;
        let (tenant, row) = who.transaction(&self.store, |tx| Ok((tx.tenant(), order::request_release(tx, id)?)))?;
        progress(Progress::Committed);
        if row.status == NumberStatus::Released {
            return Ok(row);
        }
        self.drive(&tenant, id, None, Buying::Never, deadline, progress)
    }

    /// Tells the provider a number's webhooks and name again: after the platform has moved, or somebody changed them there. What
    /// an operator has set by hand stays: see [`WebhookUrls::over`].
    ///
    /// # Errors
    /// [`Error::Forbidden`] without [`Permission::NumbersWrite`]; [`Error::NotFound`]; [`Error::InvalidTransition`] when it is not
    /// held; [`Error::Provider`], with the row in `error` when the provider has lost the number, such as
    /// [`ProviderError::Mismatched`], which changes nothing; [`Error::Unavailable`].
    pub fn configure(&self, who: &Acting, id: PhoneNumberId) -> Result<HeldNumber> {
        let row = who.transaction(&self.store, |tx| {
            tx.must(Permission::NumbersWrite)?;
            tx.phone_numbers().get(id)
        })?;
        let held = matches!(row.status, NumberStatus::Active | NumberStatus::Inactive);
        let Some(sid) = row.twilio_phone_sid.as_deref().filter(|_| held && !row.is_releasing()) else {
            return Err(Error::InvalidTransition { entity: "phone number", from: row.status.label(), to: "configured" });
        };
        let told = owned_as(&*self.provider, sid, &row.phone_number)
            .and_then(|owned| self.provider.update(sid, &friendly_name(id), &self.webhooks.over(&owned.webhooks)));
        match told {
            Ok(owned) => who.transaction(&self.store, |tx| tx.phone_numbers().note_webhooks(id, &owned.webhooks)),
            Err(ProviderError::Gone) => {
                who.transaction(&self.store, |tx| order::note_lost(tx, id, sid, LOST))?;
                Err(ProviderError::Gone.into())
            }
            Err(error) => Err(error.into()),
        }
    }

    /// Puts right which of the provider's numbers a row stands for, after a SID was written down wrong: the provider is asked for
    /// the number itself. The answer is the row: active under the SID that the number has; or in error and without one, when the
    /// account does not own the number. A row whose SID is right stays as it is. Nothing changes at the provider.
    ///
    /// # Errors
    /// [`Error::Forbidden`] without [`Permission::NumbersWrite`]; [`Error::NotFound`]; [`Error::InvalidTransition`] when it is not
    /// held, or on its way back; [`Error::Conflict`] when another row has that SID; [`Error::Provider`]; [`Error::Unavailable`].
    pub fn repair(&self, who: &Acting, id: PhoneNumberId) -> Result<HeldNumber> {
        let row = who.transaction(&self.store, |tx| {
            tx.must(Permission::NumbersWrite)?;
            tx.phone_numbers().get(id)
        })?;
        if row.twilio_phone_sid.is_none() || row.is_releasing() || row.status == NumberStatus::Released {
            return Err(Error::InvalidTransition { entity: "phone number", from: row.status.label(), to: "repaired" });
        }
        let owned = self.provider.find_by_number(&row.phone_number)?;
        who.transaction(&self.store, |tx| order::correct(tx, &row, owned.as_ref()))
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
                None => (self.store.worker(tenant, |tx| tx.phone_numbers().claim(id, self.config.lease, adopting))?, buying),
            };
            let wait = match claim {
                Claim::Nothing(row) => return Ok(*row),
                Claim::Busy => Duration::from_millis(200),
                Claim::NotYet(at) => {
                    progress(Progress::Waiting(at));
                    (at - self.store.now()).to_std().unwrap_or_default()
                }
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
                return self.store.worker(tenant, |tx| tx.phone_numbers().get(id));
            }
            std::thread::sleep(wait);
        }
    }

    /// Works on what is due: some numbers of every tenant, each tenant's longest waiting first. How many were worked on.
    ///
    /// # Errors
    /// [`Error::Unavailable`] when the database is not to be had.
    pub fn pass(&self) -> Result<usize> {
        self.pass_unless(&|| false)
    }

    /// Makes a pass over the numbers that are due, until it is to stop.
    pub(super) fn pass_unless(&self, stops: &dyn Fn() -> bool) -> Result<usize> {
        let mut worked_on = 0;
        every_tenant(
            &self.store,
            |tx, last, limit| tx.tenants_with_due_numbers(last, limit),
            |tenant| {
                for id in self.store.worker(tenant, |tx| tx.phone_numbers().due(5))? {
                    if stops() {
                        return Ok(ControlFlow::Break(()));
                    }
                    worked_on += 1;
                    match self.drive(tenant, id, None, Buying::UnlessOwned, Instant::now(), &mut |_| {}) {
                        // What the provider refuses is in the row, and in the log.
                        Ok(_) | Err(Error::Provider(_)) => {}
                        Err(error) => tracing::warn!(number = %id, error = error.causes(), "a number can't be worked on now"),
                    }
                }
                Ok(ControlFlow::Continue(()))
            },
        )?;
        Ok(worked_on)
    }
}

/// Whoever ordered hears of an error, also of one that somebody else's attempt came to.
fn not_in_error(row: HeldNumber) -> Result<HeldNumber> {
    match row.status_reason {
        Some(reason) if row.status == NumberStatus::Error => Err(ProviderError::Refused { code: None, reason }.into()),
        _ => Ok(row),
    }
}
