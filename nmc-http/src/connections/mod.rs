//! The connections of one listener: how many there may be, how many from one address, and how long each may be idle. None is
//! refused as long as one that is idle can be closed instead.

mod line;
mod refusal;
mod stream;

pub(crate) use line::{Line, track};
pub(crate) use refusal::{Refusal, Refusals};
pub(crate) use stream::Stream;

use crate::limits::network;
use ipnet::IpNet;
use line::Why;
use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// Bounds of the connections of one listener.
#[derive(Debug, Clone, Copy)]
pub struct ConnectionLimits {
    /// Connections at once.
    pub total: usize,
    /// Connections at once from one address, or one /64 of IPv6. Trusted proxies may have three quarters of all.
    pub per_address: usize,
    /// How long the head of a request may take to arrive, and a new connection to say anything.
    pub head: Duration,
    /// How long a connection may be idle. Less, when there are many: see [`ConnectionLimits::idle_among`].
    pub idle: Duration,
    /// How long a client may take no byte of its answer.
    pub stalled: Duration,
}

impl Default for ConnectionLimits {
    fn default() -> Self {
        Self {
            total: 2_048,
            per_address: 256,
            head: Duration::from_secs(5),
            idle: Duration::from_secs(75),
            stalled: Duration::from_secs(30),
        }
    }
}

impl ConnectionLimits {
    /// How long a connection may be idle while there are `open` ones: five seconds when half of the places are taken, one when
    /// three quarters are.
    #[must_use]
    pub fn idle_among(&self, open: usize) -> Duration {
        if open.saturating_mul(4) >= self.total.saturating_mul(3) {
            self.idle.min(Duration::from_secs(1))
        } else if open.saturating_mul(2) >= self.total {
            self.idle.min(Duration::from_secs(5))
        } else {
            self.idle
        }
    }
}

/// A connection that is younger may be about to send its first request: it is not closed in favour of another.
const YOUNG: Duration = Duration::from_secs(1);

/// All connections of one listener.
pub(crate) struct Connections {
    limits: ConnectionLimits,
    proxies: Vec<IpNet>,
    open: Mutex<Open>,
    next: AtomicU64,
    draining: AtomicBool,
}

#[derive(Default)]
struct Open {
    lines: HashMap<u64, Arc<Line>>,
    by_network: HashMap<IpAddr, usize>,
}

impl Open {
    fn remove(&mut self, id: u64) {
        if let Some(line) = self.lines.remove(&id)
            && let Some(count) = self.by_network.get_mut(&line.network)
        {
            *count = count.saturating_sub(1);
            if *count == 0 {
                self.by_network.remove(&line.network);
            }
        }
    }

    /// Closes the connection that has been idle longest, among those that `may` be; false when none is idle.
    fn evict(&mut self, now: Instant, may: impl Fn(&Line) -> bool) -> bool {
        let idle = self.lines.values().filter(|line| may(line)).filter_map(|line| Some((line.idle_since()?, line)));
        let oldest = idle.min_by_key(|(since, _)| *since).filter(|(since, _)| now.duration_since(*since) >= YOUNG);
        let Some((_, line)) = oldest else { return false };
        line.close(Why::Idle);
        // It is on its way out, and counts no more.
        let id = line.id;
        self.remove(id);
        true
    }
}

impl Connections {
    pub(crate) fn new(limits: ConnectionLimits, proxies: Vec<IpNet>) -> Self {
        Self { limits, proxies, open: Mutex::default(), next: AtomicU64::new(0), draining: AtomicBool::new(false) }
    }

    fn open(&self) -> MutexGuard<'_, Open> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A place for a connection from this address; `None` when there is none left for it.
    pub(crate) fn admit(self: &Arc<Self>, from: IpAddr) -> Option<Arc<Line>> {
        let from = from.to_canonical();
        let network = network(Some(from)).unwrap_or(from);
        let is_proxy = self.proxies.iter().any(|net| net.contains(&from));
        let share = if is_proxy { self.limits.total.saturating_mul(3).div_euclid(4) } else { self.limits.per_address };
        let now = Instant::now();
        let mut open = self.open();
        if open.by_network.get(&network).is_some_and(|count| *count >= share) && !open.evict(now, |line| line.network == network)
        {
            return None;
        }
        if open.lines.len() >= self.limits.total && !open.evict(now, |_| true) {
            return None;
        }
        let line = Arc::new(Line::new(self.next.fetch_add(1, Ordering::Relaxed), network, Arc::clone(self), now));
        open.lines.insert(line.id, Arc::clone(&line));
        *open.by_network.entry(network).or_default() += 1;
        Some(line)
    }

    /// Closes a connection that is idle, for want of something else than places.
    pub(crate) fn make_room(&self) {
        self.open().evict(Instant::now(), |_| true);
    }

    /// Forgets a connection that is closed.
    pub(crate) fn forget(&self, line: &Line) {
        self.open().remove(line.id);
    }

    /// Closes what has been idle, or slow, for too long. To be called some times a second.
    pub(crate) fn sweep(&self) {
        let (now, open) = (Instant::now(), self.open());
        let idle = self.limits.idle_among(open.lines.len());
        for line in open.lines.values() {
            line.check(now, &self.limits, idle);
        }
    }

    /// Drains the connections: from now on they are closed as soon as they are idle, and answers say so.
    pub(crate) fn drain(&self) {
        self.draining.store(true, Ordering::Release);
        for line in self.open().lines.values() {
            line.wake();
        }
    }

    pub(crate) fn is_draining(&self) -> bool {
        self.draining.load(Ordering::Acquire)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn connections(total: usize, per_address: usize) -> Arc<Connections> {
        let limits = ConnectionLimits { total, per_address, ..ConnectionLimits::default() };
        Arc::new(Connections::new(limits, vec!["10.0.0.0/8".parse().unwrap()]))
    }

    #[test]
    fn an_address_has_no_more_than_its_share() {
        let all = connections(16, 2);
        let admit = |from: &str| all.admit(from.parse().unwrap());
        let [a, b] = [admit("192.0.2.1").unwrap(), admit("::ffff:192.0.2.1").unwrap()];
        assert!(admit("192.0.2.1").is_none());
        assert!(admit("192.0.2.2").is_some());
        let _v6 = [admit("2001:db8:1:2::1").unwrap(), admit("2001:db8:1:2::2").unwrap()];
        assert!(admit("2001:db8:1:2:3::4").is_none(), "a network of IPv6 is one address");
        assert!(admit("2001:db8:1:3::1").is_some());
        for line in [&a, &b] {
            all.forget(line);
            all.forget(line);
        }
        assert!(admit("192.0.2.1").is_some());
    }

    #[test]
    fn a_trusted_proxy_has_three_quarters_of_all() {
        let all = connections(8, 2);
        let admitted = (0..8).filter(|_| all.admit("10.1.1.1".parse().unwrap()).is_some()).count();
        assert_eq!(admitted, 6);
        assert!(all.admit("192.0.2.1".parse().unwrap()).is_some());
    }

    #[test]
    fn the_more_there_are_the_shorter_they_may_be_idle() {
        let limits = ConnectionLimits { total: 100, ..ConnectionLimits::default() };
        let seconds = [0, 49, 50, 74, 75, 100].map(|open| limits.idle_among(open).as_secs());
        assert_eq!(seconds, [75, 75, 5, 5, 1, 1]);
    }
}
