//! The period of a summary.

use crate::{Error, KpiPeriod, Result};

/// The days that a summary is about: whole ones of the business's zone, up to now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub enum SummaryPeriod {
    /// Today.
    #[cfg_attr(feature = "serde", serde(rename = "today"))]
    Today,
    /// Today and the six days before.
    #[cfg_attr(feature = "serde", serde(rename = "7d"))]
    SevenDays,
    /// Today and the 29 days before.
    #[cfg_attr(feature = "serde", serde(rename = "30d"))]
    ThirtyDays,
}

impl SummaryPeriod {
    /// Every period, the shortest first.
    pub const ALL: &'static [Self] = &[Self::Today, Self::SevenDays, Self::ThirtyDays];

    /// The name of the period.
    #[must_use]
    pub const fn label(self) -> &'static str {
        match self {
            Self::Today => "today",
            Self::SevenDays => "7d",
            Self::ThirtyDays => "30d",
        }
    }

    /// The number of its days.
    #[must_use]
    pub const fn days(self) -> u8 {
        match self {
            Self::Today => 1,
            Self::SevenDays => 7,
            Self::ThirtyDays => 30,
        }
    }

    /// The period whose targets its key figures are to reach.
    #[must_use]
    pub const fn of_targets(self) -> KpiPeriod {
        match self {
            Self::Today => KpiPeriod::Daily,
            Self::SevenDays => KpiPeriod::Weekly,
            Self::ThirtyDays => KpiPeriod::Monthly,
        }
    }
}

impl std::fmt::Display for SummaryPeriod {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(self.label())
    }
}

impl std::str::FromStr for SummaryPeriod {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let known = Self::ALL.iter().copied().find(|known| known.label() == text);
        known.ok_or_else(|| Error::invalid("period", "must be today, 7d or 30d"))
    }
}
