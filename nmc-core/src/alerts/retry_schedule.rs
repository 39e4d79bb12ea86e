//! How long a notification waits between two attempts, by its channel.

use crate::NotificationChannel;
use chrono::TimeDelta;
use std::time::Duration;
use uuid::Uuid;

/// The waits for people: what is told an hour late is told in vain, mostly.
const PEOPLE: [TimeDelta; 6] = [
    TimeDelta::minutes(1),
    TimeDelta::minutes(5),
    TimeDelta::minutes(15),
    TimeDelta::hours(1),
    TimeDelta::hours(2),
    TimeDelta::hours(4),
];

/// The waits for machines, as the Standard Webhooks have them: some three days.
const MACHINES: [TimeDelta; 9] = [
    TimeDelta::seconds(5),
    TimeDelta::minutes(5),
    TimeDelta::minutes(30),
    TimeDelta::hours(2),
    TimeDelta::hours(5),
    TimeDelta::hours(10),
    TimeDelta::hours(14),
    TimeDelta::hours(20),
    TimeDelta::hours(24),
];

const fn waits(channel: NotificationChannel) -> &'static [TimeDelta] {
    match channel {
        NotificationChannel::Webhook => &MACHINES,
        NotificationChannel::Email | NotificationChannel::Sms | NotificationChannel::Dashboard => &PEOPLE,
    }
}

/// The number of attempts that a channel's schedule has, for `NewNotification::max_attempts`.
#[must_use]
pub fn attempts_by(channel: NotificationChannel) -> i32 {
    i32::try_from(waits(channel).len()).map_or(i32::MAX, |waits| waits + 1)
}

/// The wait after so many attempts, or what the other side `asked` for if that is longer, up to the schedule's longest. Up to an eighth
/// is added at random by `seed`, so that what failed together does not come back together.
pub(crate) fn wait_after(channel: NotificationChannel, attempts: i32, asked: Option<Duration>, seed: Uuid) -> TimeDelta {
    let waits = waits(channel);
    let longest = waits.last().copied().unwrap_or_default();
    let step = usize::try_from(attempts.saturating_sub(1)).unwrap_or(0);
    let wait = waits.get(step).copied().unwrap_or(longest);
    let asked = asked.map_or(TimeDelta::zero(), |asked| TimeDelta::from_std(asked).map_or(longest, |asked| asked.min(longest)));
    let random = seed.as_bytes().iter().rev().take(4).fold(0_u8, |sum, byte| sum.wrapping_add(*byte));
    wait.max(asked) + wait / 2_048 * i32::from(random)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::NotificationChannel::{Email, Sms, Webhook};

    #[test]
    fn each_channel_waits_by_its_schedule_and_then_its_longest() {
        let seconds = |channel, attempts| wait_after(channel, attempts, None, Uuid::nil()).num_seconds();
        let of = |channel| [0, 1, 2, 3, 4, 99].map(|attempts| seconds(channel, attempts));
        assert_eq!(of(Email), [60, 60, 300, 900, 3_600, 14_400]);
        assert_eq!(of(Sms), of(Email));
        assert_eq!(of(Webhook), [5, 5, 300, 1_800, 7_200, 86_400]);
        assert_eq!([attempts_by(Email), attempts_by(Webhook)], [7, 10]);
        let days: i64 = (1..attempts_by(Webhook)).map(|attempts| seconds(Webhook, attempts)).sum::<i64>() / 86_400;
        assert_eq!(days, 3);
    }

    #[test]
    fn wait_that_was_asked_for_is_kept_within_the_longest() {
        let asked = |seconds| wait_after(Webhook, 1, Some(Duration::from_secs(seconds)), Uuid::nil()).num_seconds();
        assert_eq!([asked(1), asked(60), asked(1 << 30), asked(u64::MAX)], [5, 60, 86_400, 86_400]);
    }

    #[test]
    fn wait_is_spread_over_an_eighth() {
        let waits: Vec<TimeDelta> = (0..300).map(|_| wait_after(Webhook, 3, None, Uuid::now_v7())).collect();
        let (least, most) = (*waits.iter().min().unwrap(), *waits.iter().max().unwrap());
        assert!(least >= TimeDelta::minutes(30) && most <= TimeDelta::minutes(34), "{least} {most}");
        assert!(most - least > TimeDelta::minutes(2), "{least} {most}");
    }
}
