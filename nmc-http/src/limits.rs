//! How often one address, and one account, may try to authenticate, or be told what other businesses have. What is remembered is
//! bounded: addresses and accounts share 65,536 slots by a hash that nobody outside can predict.

use crate::error::{ApiError, ApiResult};
use governor::clock::{Clock as _, DefaultClock};
use governor::state::keyed::HashMapStateStore;
use governor::{Quota, RateLimiter};
use nmc_core::{ApiKeyId, Error, TenantId, UserId};
use std::collections::HashMap;
use std::hash::{BuildHasher as _, Hash, RandomState};
use std::net::IpAddr;
use std::num::NonZeroU32;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// How many tries at once, and how many a minute from then on.
#[derive(Debug, Clone, Copy)]
pub struct Limit {
    /// Tries at once.
    pub burst: u32,
    /// Tries a minute, from then on.
    pub per_minute: u32,
}

/// The limits of authentication, and of what tells of other businesses.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Refreshes, invitations and tokens of mails from one address.
    pub token_per_address: Limit,
    /// Logins from one address.
    pub login_per_address: Limit,
    /// Logins at one account, by whoever has not logged in to it from there before.
    pub login_per_account: Limit,
    /// Logins at one account from one address that is known to it, once strangers have used up `login_per_account`.
    pub login_per_known_address: Limit,
    /// Registrations from one address.
    pub registration_per_address: Limit,
    /// Registrations with one e-mail.
    pub registration_per_account: Limit,
    /// Mails to reset a password that one address asks for.
    pub reset_per_address: Limit,
    /// Mails to reset a password that are asked for with one e-mail.
    pub reset_per_account: Limit,
    /// Answers that an e-mail, a name or a phone is taken, to one user or API key.
    pub conflict_per_account: Limit,
    /// Such answers to one business.
    pub conflict_per_business: Limit,
    /// Such answers to one address, registrations included.
    pub conflict_per_address: Limit,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            token_per_address: Limit { burst: 120, per_minute: 120 },
            login_per_address: Limit { burst: 30, per_minute: 30 },
            login_per_account: Limit { burst: 10, per_minute: 10 },
            login_per_known_address: Limit { burst: 10, per_minute: 10 },
            registration_per_address: Limit { burst: 10, per_minute: 2 },
            registration_per_account: Limit { burst: 5, per_minute: 2 },
            reset_per_address: Limit { burst: 10, per_minute: 2 },
            reset_per_account: Limit { burst: 3, per_minute: 1 },
            conflict_per_account: Limit { burst: 10, per_minute: 3 },
            conflict_per_business: Limit { burst: 20, per_minute: 6 },
            conflict_per_address: Limit { burst: 30, per_minute: 6 },
        }
    }
}

/// One limit, with the tries it has counted.
pub(crate) struct Limiter {
    limiter: RateLimiter<u16, HashMapStateStore<u16>, DefaultClock>,
    hash: RandomState,
}

impl Limiter {
    fn new(limit: Limit) -> Self {
        let burst = NonZeroU32::new(limit.burst).unwrap_or(NonZeroU32::MIN);
        let pause = Duration::from_secs(60).checked_div(limit.per_minute).unwrap_or(Duration::from_secs(60));
        let quota = Quota::with_period(pause.max(Duration::from_nanos(1))).unwrap_or(Quota::per_minute(burst)).allow_burst(burst);
        Self { limiter: RateLimiter::hashmap(quota), hash: RandomState::new() }
    }

    /// Counts a try.
    ///
    /// # Errors
    /// [`ApiError::TooMany`] when there were too many.
    fn count(&self, key: impl Hash) -> ApiResult<()> {
        let [low, high, ..] = self.hash.hash_one(key).to_le_bytes();
        self.limiter.check_key(&u16::from_le_bytes([low, high])).map_err(|not_yet| {
            let wait = not_yet.wait_time_from(DefaultClock::default().now());
            ApiError::TooMany(wait.as_secs() + 1)
        })
    }
}

/// One limit whose tries are given back when they tell nothing: a try is counted before its answer is known, so that many
/// at once are counted, too.
struct Budget {
    /// The instants at which all of it is there again, by slot.
    full_again: Mutex<HashMap<u16, Instant>>,
    hash: RandomState,
    pause: Duration,
    whole: Duration,
}

impl Budget {
    fn new(limit: Limit) -> Self {
        let pause = Duration::from_secs(60).checked_div(limit.per_minute).unwrap_or(Duration::from_secs(60));
        let whole = pause.saturating_mul(limit.burst.max(1));
        Self { full_again: Mutex::default(), hash: RandomState::new(), pause, whole }
    }

    /// Takes one, and says from which slot.
    fn take(&self, key: impl Hash) -> ApiResult<u16> {
        let [low, high, ..] = self.hash.hash_one(key).to_le_bytes();
        let slot = u16::from_le_bytes([low, high]);
        let now = Instant::now();
        let mut all = self.full_again.lock().unwrap_or_else(PoisonError::into_inner);
        let full_again = all.entry(slot).or_insert(now);
        let next = (*full_again).max(now) + self.pause;
        let over = next.saturating_duration_since(now).saturating_sub(self.whole);
        if !over.is_zero() {
            return Err(ApiError::TooMany(over.as_secs() + 1));
        }
        *full_again = next;
        Ok(slot)
    }

    fn give_back(&self, slot: u16) {
        let mut all = self.full_again.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(full_again) = all.get_mut(&slot) {
            *full_again = full_again.checked_sub(self.pause).unwrap_or(*full_again);
        }
    }
}

/// Tries that were counted before their answer is known.
pub(crate) struct Counted<'g>(Vec<(&'g Budget, u16)>);

impl<'g> Counted<'g> {
    fn take(&mut self, budget: &'g Budget, key: impl Hash) -> ApiResult<()> {
        let taken = budget.take(key);
        if taken.is_err() {
            self.give_back();
        }
        self.0.push((budget, taken?));
        Ok(())
    }

    fn give_back(&mut self) {
        for (budget, slot) in self.0.drain(..) {
            budget.give_back(slot);
        }
    }

    /// Gives them back, unless the answer tells that somebody has such an e-mail, name or phone.
    pub(crate) fn settled<T>(mut self, answer: ApiResult<T>) -> ApiResult<T> {
        let tells =
            matches!(&answer, Err(ApiError::Core(Error::Conflict { field: "email" | "business_name" | "business_phone", .. })));
        if !tells {
            self.give_back();
        }
        answer
    }
}

/// All rate limits, with the tries they have counted.
pub(crate) struct RateLimits {
    token_address: Limiter,
    login_address: Limiter,
    login_account: Limiter,
    registration_address: Limiter,
    registration_account: Limiter,
    reset_address: Limiter,
    reset_account: Limiter,
    login_known: Limiter,
    conflict_account: Budget,
    conflict_business: Budget,
    conflict_address: Budget,
}

impl RateLimits {
    pub(crate) fn new(limits: Limits) -> Self {
        Self {
            token_address: Limiter::new(limits.token_per_address),
            login_address: Limiter::new(limits.login_per_address),
            login_account: Limiter::new(limits.login_per_account),
            registration_address: Limiter::new(limits.registration_per_address),
            registration_account: Limiter::new(limits.registration_per_account),
            reset_address: Limiter::new(limits.reset_per_address),
            reset_account: Limiter::new(limits.reset_per_account),
            login_known: Limiter::new(limits.login_per_known_address),
            conflict_account: Budget::new(limits.conflict_per_account),
            conflict_business: Budget::new(limits.conflict_per_business),
            conflict_address: Budget::new(limits.conflict_per_address),
        }
    }

    /// Counts that somebody shows a refresh token, an invitation or the token of a mail: none can be guessed, and one office may hold many.
    pub(crate) async fn token(&self, from: Option<IpAddr>) -> ApiResult<()> {
        slowly(self.token_address.count(network(from))).await
    }

    /// Counts that somebody shows a password.
    pub(crate) async fn login(&self, from: Option<IpAddr>, account: Option<&str>) -> ApiResult<()> {
        let counted = self.login_address.count(network(from));
        slowly(counted.and_then(|()| account.map_or(Ok(()), |account| self.login_account.count(account)))).await
    }

    /// Counts that somebody shows a password at a login. When the account is tried too often, `is_known` finds out whether it has
    /// logged in from there before: strangers don't keep its owner out.
    pub(crate) async fn login_from(
        &self,
        from: Option<IpAddr>,
        account: &str,
        is_known: impl Future<Output = ApiResult<bool>>,
    ) -> ApiResult<()> {
        slowly(self.login_address.count(network(from))).await?;
        let Err(refusal) = self.login_account.count(account) else { return Ok(()) };
        let counted = if is_known.await? { self.login_known.count((account, network(from))) } else { Err(refusal) };
        slowly(counted).await
    }

    /// Counts that somebody at this address may be told of other businesses.
    fn conflict(&self, from: Option<IpAddr>) -> ApiResult<Counted<'_>> {
        let mut counted = Counted(Vec::new());
        counted.take(&self.conflict_address, network(from))?;
        Ok(counted)
    }

    /// Counts that somebody of a business may be told of others.
    pub(crate) async fn conflict_of(
        &self,
        from: Option<IpAddr>,
        business: TenantId,
        person: Option<UserId>,
        key: Option<ApiKeyId>,
    ) -> ApiResult<Counted<'_>> {
        let counted = || {
            let mut counted = self.conflict(from)?;
            counted.take(&self.conflict_business, business)?;
            // All keys of one person are that person's tries.
            counted.take(&self.conflict_account, (person, key.filter(|_| person.is_none())))?;
            Ok(counted)
        };
        patiently(counted()).await
    }

    /// Counts that somebody who registers may be told of other businesses.
    pub(crate) async fn registration_conflict(&self, from: Option<IpAddr>) -> ApiResult<Counted<'_>> {
        patiently(self.conflict(from)).await
    }

    /// Counts that somebody asks for a mail to reset a password. Whether there is such an account makes no difference.
    pub(crate) async fn reset(&self, from: Option<IpAddr>, account: &str) -> ApiResult<()> {
        let counted = self.reset_address.count(network(from));
        slowly(counted.and_then(|()| self.reset_account.count(account))).await
    }

    /// Counts that somebody registers a business.
    pub(crate) async fn registration(&self, from: Option<IpAddr>, account: &str) -> ApiResult<()> {
        let counted = self.registration_address.count(network(from));
        slowly(counted.and_then(|()| self.registration_account.count(account))).await
    }
}

/// Delays a refusal, and a client that asks again at once with it: a timer costs us less than an answer.
async fn slowly(counted: ApiResult<()>) -> ApiResult<()> {
    patiently(counted).await
}

/// Returns what was counted, at once; a refusal, a moment later.
async fn patiently<T>(counted: ApiResult<T>) -> ApiResult<T> {
    if counted.is_err() {
        actix_web::rt::time::sleep(Duration::from_millis(100)).await;
    }
    counted
}

/// The network of an address: who has one IPv6 address has the other 2⁶⁴ of its network, too.
pub(crate) fn network(address: Option<IpAddr>) -> Option<IpAddr> {
    address.map(|address| match address {
        IpAddr::V4(_) => address,
        IpAddr::V6(v6) => {
            let [a, b, c, d, ..] = v6.segments();
            IpAddr::from([a, b, c, d, 0, 0, 0, 0])
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_key_has_its_own_count() {
        let limiter = Limiter::new(Limit { burst: 3, per_minute: 1 });
        // Two keys share a slot by chance once in 65,536 runs; of ten pairs not all do.
        let spared = (0..10).filter(|n| {
            let (a, b) = (format!("a{n}"), format!("b{n}"));
            let through = (0..5).filter(|_| limiter.count(&a).is_ok()).count();
            assert!(through <= 3);
            through == 3 && limiter.count(&b).is_ok()
        });
        assert!(spared.count() > 5);
    }

    #[test]
    fn who_is_refused_hears_how_long_to_wait() {
        let limiter = Limiter::new(Limit { burst: 1, per_minute: 2 });
        limiter.count("a").unwrap();
        assert!(matches!(limiter.count("a"), Err(ApiError::TooMany(28..=31))));
    }

    #[test]
    fn a_budget_is_used_up_by_what_is_not_given_back() {
        let budget = Budget::new(Limit { burst: 3, per_minute: 1 });
        for _ in 0..9 {
            let slot = budget.take("a").unwrap();
            budget.give_back(slot);
        }
        for _ in 0..3 {
            budget.take("a").unwrap();
        }
        assert!(matches!(budget.take("a"), Err(ApiError::TooMany(58..=61))));
    }

    #[test]
    fn a_network_of_ipv6_counts_as_one() {
        let network = |text: &str| network(Some(text.parse().unwrap()));
        assert_eq!(network("2001:db8:1:2::1"), network("2001:db8:1:2:ffff::9"));
        assert_ne!(network("2001:db8:1:2::1"), network("2001:db8:1:3::1"));
        assert_ne!(network("192.0.2.1"), network("192.0.2.2"));
    }
}
