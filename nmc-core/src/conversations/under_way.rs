//! An opt-out is answered only once nothing is on its way to the person: whoever hears the answer may rely on it. The wait holds no
//! connection and no lock, and few wait for the same person.

use crate::actor::WORKER;
use crate::store::{Person, Store, Tenant};
use crate::{Error, Result};
use std::time::{Duration, Instant};

/// How many may wait for one person at once. Further ones are asked to come back, as providers do by themselves.
pub(crate) const WAITERS_PER_PERSON: usize = 4;

/// The longest wait: longer than a text may be on its way, and shorter than Twilio waits for a webhook's answer, 15 s.
const LONGEST: Duration = Duration::from_secs(13);

/// Waits until no text to this person is on its way to the provider: sent, put back, or known to be in doubt.
///
/// # Errors
/// [`Error::Unavailable`] when too many wait for the person already, or the database is away.
pub(crate) fn wait_for_texts_under_way(store: &Store, tenant: &Tenant, person: &Person) -> Result<()> {
    let is_under_way = || store.worker(tenant, |tx| tx.messages().is_under_way_to(person.phone()));
    if !is_under_way()? {
        return Ok(());
    }
    let busy = || Error::unavailable("a text to this person is on its way", "too many wait for it");
    let _place = store.waiters().enter(person.lock_key(tenant.id()), WAITERS_PER_PERSON).ok_or_else(busy)?;
    let began = Instant::now();
    let mut pause = Duration::from_millis(10);
    while is_under_way()? {
        if began.elapsed() > LONGEST {
            tracing::warn!(tenant = %tenant.id(), actor = %WORKER, "an opt-out is answered while a text that was begun before it is still on its way");
            return Ok(());
        }
        std::thread::sleep(pause);
        pause = (pause * 2).min(Duration::from_millis(200));
    }
    Ok(())
}
