//! How often one address, and one account, may try to come in. What is remembered is bounded: addresses and accounts share
//! 65,536 slots by a hash that nobody outside can predict.

use crate::error::{ApiError, ApiResult};
use governor::clock::{Clock as _, DefaultClock};
use governor::state::keyed::HashMapStateStore;
use governor::{Quota, RateLimiter};
use std::hash::{BuildHasher as _, Hash, RandomState};
use std::net::IpAddr;
use std::num::NonZeroU32;
use std::time::Duration;

/// How many tries at once, and how many a minute from then on.
#[derive(Debug, Clone, Copy)]
pub struct Limit {
    /// At once.
    pub burst: u32,
    /// A minute.
    pub per_minute: u32,
}

/// The limits of the ways in.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Refreshes and invitations from one address.
    pub token_per_address: Limit,
    /// Logins from one address.
    pub login_per_address: Limit,
    /// Logins at one account, whoever tries.
    pub login_per_account: Limit,
    /// Registrations from one address.
    pub registration_per_address: Limit,
    /// Registrations with one e-mail.
    pub registration_per_account: Limit,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            token_per_address: Limit { burst: 120, per_minute: 120 },
            login_per_address: Limit { burst: 30, per_minute: 30 },
            login_per_account: Limit { burst: 10, per_minute: 10 },
            registration_per_address: Limit { burst: 10, per_minute: 2 },
            registration_per_account: Limit { burst: 5, per_minute: 2 },
        }
    }
}

/// One limit, kept.
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

/// All limits, kept.
pub(crate) struct Gate {
    token_address: Limiter,
    login_address: Limiter,
    login_account: Limiter,
    registration_address: Limiter,
    registration_account: Limiter,
}

impl Gate {
    pub(crate) fn new(limits: Limits) -> Self {
        Self {
            token_address: Limiter::new(limits.token_per_address),
            login_address: Limiter::new(limits.login_per_address),
            login_account: Limiter::new(limits.login_per_account),
            registration_address: Limiter::new(limits.registration_per_address),
            registration_account: Limiter::new(limits.registration_per_account),
        }
    }

    /// Somebody shows a refresh token or an invitation: neither can be guessed, and one office may hold many.
    pub(crate) async fn token(&self, from: Option<IpAddr>) -> ApiResult<()> {
        slowly(self.token_address.count(network(from))).await
    }

    /// Somebody shows a password.
    pub(crate) async fn login(&self, from: Option<IpAddr>, account: Option<&str>) -> ApiResult<()> {
        let counted = self.login_address.count(network(from));
        slowly(counted.and_then(|()| account.map_or(Ok(()), |account| self.login_account.count(account)))).await
    }

    /// Somebody registers a business.
    pub(crate) async fn registration(&self, from: Option<IpAddr>, account: &str) -> ApiResult<()> {
        let counted = self.registration_address.count(network(from));
        slowly(counted.and_then(|()| self.registration_account.count(account))).await
    }
}

/// A refusal takes its time, and a client that asks again at once with it: a timer costs us less than an answer.
async fn slowly(counted: ApiResult<()>) -> ApiResult<()> {
    if counted.is_err() {
        actix_web::rt::time::sleep(Duration::from_millis(100)).await;
    }
    counted
}

/// Who has one IPv6 address has the other 2⁶⁴ of its network, too.
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
    fn a_network_of_ipv6_counts_as_one() {
        let network = |text: &str| network(Some(text.parse().unwrap()));
        assert_eq!(network("2001:db8:1:2::1"), network("2001:db8:1:2:ffff::9"));
        assert_ne!(network("2001:db8:1:2::1"), network("2001:db8:1:3::1"));
        assert_ne!(network("192.0.2.1"), network("192.0.2.2"));
    }
}
