//! What a catch-up came to.

use crate::telephony::ProviderError;
use crate::{Error, PhoneNumber, Result, TenantId};
use chrono::{DateTime, Utc};
use std::collections::BTreeSet;

/// Of what was found missing, how much is told one by one.
const MOST_TOLD: usize = 1_000;

/// What was read of one list, and what came of it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Tally {
    /// Pages that were read.
    pub pages: usize,
    /// Calls or texts on them, whoever's they are.
    pub read: usize,
    /// Those that were missing here, and are recorded now.
    pub recorded: usize,
    /// Those that were here, and of which something new was learnt, such as their end.
    pub updated: usize,
    /// Those whose price was learnt.
    pub priced: usize,
    /// Those that can't be read or recorded.
    pub unreadable: usize,
}

/// What kind of thing was missing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum FoundWhat {
    /// A call.
    Call,
    /// A text from a customer.
    Text,
}

/// Something that was missing, and is recorded now.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(not(feature = "testing"), non_exhaustive)]
pub struct Found {
    /// Whether it is a call or a text.
    pub what: FoundWhat,
    /// The provider's SID of it.
    pub sid: String,
    /// When it happened, as far as that is known.
    pub at: Option<DateTime<Utc>>,
    /// The number of ours.
    pub our_number: PhoneNumber,
    /// Whether it is answered with a text.
    pub answered: bool,
}

/// What a catch-up came to.
#[derive(Debug, Clone, Default)]
#[cfg_attr(not(feature = "testing"), non_exhaustive)]
pub struct CaughtUp {
    /// From when on lists were read; `None` when there was nothing to read for anybody.
    pub since: Option<DateTime<Utc>>,
    /// Texts.
    pub texts: Tally,
    /// Calls.
    pub calls: Tally,
    /// What was missing, in the order in which it was recorded; the first thousand.
    pub found: Vec<Found>,
    /// Tenants of whom not all could be recorded: their marks stay, and the next catch-up tries again.
    pub failed: BTreeSet<TenantId>,
}

impl CaughtUp {
    pub(super) fn tell(&mut self, found: Found) {
        if self.found.len() < MOST_TOLD {
            self.found.push(found);
        }
    }

    /// What came of one tenant's record. What is nobody's, or was recorded by somebody else meanwhile, is done with. A failure is
    /// that tenant's alone, unless there is no database to ask, or no provider.
    pub(super) fn settle<T>(&mut self, tenants: &[TenantId], outcome: Result<T>) -> Result<Option<T>> {
        match outcome {
            Ok(done) => Ok(Some(done)),
            Err(Error::NotFound { .. } | Error::Conflict { .. }) => Ok(None),
            Err(error @ (Error::Unavailable { contention: false, .. } | Error::Provider(ProviderError::Credentials { .. }))) => {
                Err(error)
            }
            Err(error) => {
                tracing::error!(?tenants, error = error.causes(), "something from the provider's lists can't be recorded now");
                self.failed.extend(tenants);
                Ok(None)
            }
        }
    }
}
