//! How the outbox is worked, and what a look at it came to.

use crate::queue::Backoff;
use crate::telephony::Pace;
use chrono::TimeDelta;
use std::time::Duration;

/// The configuration of the worker that sends texts.
#[derive(Debug, Clone, Copy)]
pub struct WorkerConfig {
    /// Texts that may be on their way to the provider at once, each on a thread of its own. They hold no connection.
    pub senders: usize,
    /// Texts claimed from one tenant before the worker turns to the next.
    pub batch: u16,
    /// How long a claimed text may be on its way: longer than it takes to begin (three seconds at the most) and the provider
    /// takes to answer. A STOP waits no longer than this.
    pub lease: TimeDelta,
    /// How long after an attempt without an answer the provider is asked about it. Longer than it may take to accept a request
    /// late, and to list what it has accepted.
    pub doubt: TimeDelta,
    /// Attempts at one text before it is given up.
    pub max_attempts: i32,
    /// The waits between attempts.
    pub backoff: Backoff,
    /// The pause between two looks at an empty outbox.
    pub idle: Duration,
    /// The pace at which each number sends.
    pub pace: Pace,
    /// How long an automatic text (a greeting, an answer to HELP) may wait before it is of no use.
    pub automatic_expiry: TimeDelta,
}

impl Default for WorkerConfig {
    fn default() -> Self {
        Self {
            senders: 32,
            batch: 16,
            lease: TimeDelta::seconds(15),
            doubt: TimeDelta::seconds(90),
            max_attempts: 12,
            backoff: Backoff { first: TimeDelta::seconds(5), longest: TimeDelta::hours(1) },
            idle: Duration::from_millis(250),
            pace: Pace::default(),
            automatic_expiry: TimeDelta::hours(24),
        }
    }
}

/// The limits of the configuration that a claim keeps to.
#[derive(Debug, Clone, Copy)]
pub(crate) struct MessageQueueLimits {
    pub(crate) flight: TimeDelta,
    pub(crate) doubt: TimeDelta,
    pub(crate) pace: Pace,
    pub(crate) automatic_expiry: TimeDelta,
    pub(crate) review_pause: TimeDelta,
}

impl MessageQueueLimits {
    pub(super) const fn of(config: &WorkerConfig) -> Self {
        Self {
            flight: config.lease,
            doubt: config.doubt,
            pace: config.pace,
            automatic_expiry: config.automatic_expiry,
            review_pause: TimeDelta::minutes(10),
        }
    }
}

/// The result of one look at the outbox.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[cfg_attr(not(feature = "testing"), non_exhaustive)]
pub struct Pass {
    /// Texts the provider has now.
    pub sent: usize,
    /// Texts that will be tried again.
    pub put_back: usize,
    /// Texts given up or called off.
    pub ended: usize,
}

impl std::ops::AddAssign for Pass {
    fn add_assign(&mut self, other: Self) {
        self.sent += other.sent;
        self.put_back += other.put_back;
        self.ended += other.ended;
    }
}

#[cfg(test)]
mod tests {
    use super::WorkerConfig;
    use crate::telephony::LONGEST_SEND;
    use std::time::Duration;

    /// A STOP waits for a text that is on its way: every wait for the provider ends before the claim of the text does.
    #[test]
    fn lease_outlasts_the_longest_send() {
        let lease = WorkerConfig::default().lease.to_std().unwrap();
        assert!(LONGEST_SEND + Duration::from_secs(3) < lease, "it is begun within three seconds");
    }
}
