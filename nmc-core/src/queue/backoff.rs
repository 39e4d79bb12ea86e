//! How long a queue waits between two attempts at a row.

use chrono::TimeDelta;
use std::time::Duration;
use uuid::Uuid;

/// The waits between attempts at one row: they double from the first to the longest, and a quarter of each is added at random, so that
/// rows which failed together do not come back together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Backoff {
    /// The wait after the first failed attempt.
    pub first: TimeDelta,
    /// The longest wait, whatever anybody asks for; what is added at random comes on top.
    pub longest: TimeDelta,
}

impl Backoff {
    /// The wait after so many attempts, or what the other side `asked` for if that is longer. `seed` decides about the part at
    /// random: the row's id, or one that is new with each attempt.
    #[must_use]
    pub fn wait(&self, attempts: i32, asked: Option<Duration>, seed: Uuid) -> TimeDelta {
        let doublings = u32::try_from(attempts.saturating_sub(1)).unwrap_or(0).min(16);
        let wait = self.first.checked_mul(2_i32.pow(doublings)).unwrap_or(self.longest).min(self.longest);
        // The last bytes are random in every version of an id that is made here.
        let random = seed.as_bytes().iter().rev().take(4).fold(0_u8, |sum, byte| sum.wrapping_add(*byte));
        wait.max(self.asked(asked)) + wait / 1024 * i32::from(random)
    }

    /// The wait that the other side asked for, up to the longest that is waited.
    #[must_use]
    pub fn asked(&self, asked: Option<Duration>) -> TimeDelta {
        asked.map_or(TimeDelta::zero(), |wait| TimeDelta::from_std(wait).map_or(self.longest, |wait| wait.min(self.longest)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BACKOFF: Backoff = Backoff { first: TimeDelta::seconds(5), longest: TimeDelta::minutes(10) };

    #[test]
    fn waits_double_up_to_the_longest() {
        let waits: Vec<i64> = (0..12).map(|attempts| BACKOFF.wait(attempts, None, Uuid::nil()).num_seconds()).collect();
        assert_eq!(waits, [5, 5, 10, 20, 40, 80, 160, 320, 600, 600, 600, 600]);
        assert_eq!(BACKOFF.wait(i32::MAX, None, Uuid::nil()), BACKOFF.longest);
        let endless = Backoff { first: TimeDelta::MAX, longest: TimeDelta::hours(1) };
        assert_eq!(endless.wait(9, None, Uuid::nil()), endless.longest);
    }

    #[test]
    fn wait_is_spread_over_a_quarter() {
        let waits: Vec<TimeDelta> = (0..500).map(|_| BACKOFF.wait(7, None, Uuid::now_v7())).collect();
        let (least, most) = (waits.iter().min().unwrap(), waits.iter().max().unwrap());
        assert!(*least >= TimeDelta::seconds(320) && *most <= TimeDelta::seconds(400), "{least} {most}");
        assert!(*most - *least > TimeDelta::seconds(40), "{least} {most}");
    }

    #[test]
    fn longer_wait_that_was_asked_for_is_kept_within_the_longest() {
        let asked = |seconds| BACKOFF.wait(1, Some(Duration::from_secs(seconds)), Uuid::nil()).num_seconds();
        assert_eq!([asked(1), asked(60), asked(u64::MAX)], [5, 60, 600]);
    }
}
