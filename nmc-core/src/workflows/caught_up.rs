//! What a catch-up came to.

use crate::telephony::ProviderError;
use crate::{Error, PhoneNumber, Result, TenantId};
use chrono::{DateTime, Utc};
use std::collections::BTreeSet;

/// The number of things found missing that are told one by one.
const MOST_TOLD: usize = 1_000;

/// The tally of one list: what was read of it, and what came of that.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Tally {
    /// The number of pages that were read.
    pub pages: usize,
    /// The number of calls or texts on the pages, whoever's they are.
    pub read: usize,
    /// The number of entries that were missing here, and are recorded now.
    pub recorded: usize,
    /// The number of entries that were here, and of which something new was learnt, such as their end.
    pub updated: usize,
    /// The number of entries whose price was learnt.
    pub priced: usize,
    /// The number of entries that can't be read or recorded.
    pub unreadable: usize,
}

/// The kind of thing that was missing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum FoundWhat {
    /// A call.
    Call,
    /// A text from a customer.
    Text,
}

/// A call or text that was missing, and is recorded now.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(not(feature = "testing"), non_exhaustive)]
pub struct Found {
    /// Whether a call or a text was found.
    pub what: FoundWhat,
    /// The provider's SID of the call or text.
    pub sid: String,
    /// The instant at which it happened, as far as that is known.
    pub at: Option<DateTime<Utc>>,
    /// The number of ours that was called or texted.
    pub our_number: PhoneNumber,
    /// Whether the call or text is answered with a text.
    pub answered: bool,
}

/// The result of a catch-up.
#[derive(Debug, Clone, Default)]
#[cfg_attr(not(feature = "testing"), non_exhaustive)]
pub struct CaughtUp {
    /// The instant from which on lists were read; `None` when there was nothing to read for anybody.
    pub since: Option<DateTime<Utc>>,
    /// The tally of texts.
    pub texts: Tally,
    /// The tally of calls.
    pub calls: Tally,
    /// The calls and texts that were missing, in the order in which they were recorded; the first thousand.
    pub found: Vec<Found>,
    /// The tenants of whom not all could be recorded: their marks stay, and the next catch-up tries again.
    pub failed: BTreeSet<TenantId>,
}

impl CaughtUp {
    pub(super) fn tell(&mut self, found: Found) {
        if self.found.len() < MOST_TOLD {
            self.found.push(found);
        }
    }

    /// Settles the outcome of one tenant's record. What is nobody's, or was recorded by somebody else meanwhile, is done with. A
    /// failure is that tenant's alone, unless there is no database to ask, or no provider.
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
