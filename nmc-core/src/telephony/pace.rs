//! How fast a number may send. Providers take more, queue it, and let it expire there: what waits, waits here.

use super::NumberKind;
use crate::PhoneNumber;
use chrono::TimeDelta;

/// The time between two texts from one number. Zero is no pace at all.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pace {
    /// The time between texts from an ordinary number. Twilio sends one text a second from it, unless a registered campaign
    /// allows more.
    pub long_code: TimeDelta,
    /// The time between texts from a North American toll-free number. Twilio sends three a second.
    pub toll_free: TimeDelta,
}

impl Default for Pace {
    fn default() -> Self {
        Self { long_code: TimeDelta::seconds(1), toll_free: TimeDelta::milliseconds(334) }
    }
}

impl Pace {
    /// No pace: for providers that keep one themselves.
    pub const NONE: Self = Self { long_code: TimeDelta::zero(), toll_free: TimeDelta::zero() };

    /// The time from one text of this number to the next, if it has a pace.
    #[must_use]
    pub fn interval(&self, from: &PhoneNumber) -> Option<TimeDelta> {
        let is_toll_free = from.area_code().is_some() && from.kind() == NumberKind::TollFree;
        let interval = if is_toll_free { self.toll_free } else { self.long_code };
        Some(interval).filter(|interval| *interval > TimeDelta::zero())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn toll_free_numbers_have_a_pace_of_their_own() {
        let interval = |number: &str| Pace::default().interval(&number.parse().unwrap());
        assert_eq!(interval("+14155550100"), Some(TimeDelta::seconds(1)));
        assert_eq!(interval("+442079460000"), Some(TimeDelta::seconds(1)));
        for number in ["+18885550100", "+18225550100"] {
            assert_eq!(interval(number), Some(TimeDelta::milliseconds(334)), "{number}");
        }
        assert_eq!(interval("+448001111111"), Some(TimeDelta::seconds(1)), "no North American one");
        assert_eq!(Pace::NONE.interval(&"+14155550100".parse().unwrap()), None);
    }
}
