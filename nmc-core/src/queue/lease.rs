//! The lease under which a worker holds a row.

use crate::store::Scope;
use crate::types::bounds;
use crate::{Error, LeaseId, Result};
use chrono::{DateTime, TimeDelta, Utc};

/// The error for whoever lost a claim: a row of somebody else's, one that is not there and one that another worker has look
/// alike.
pub(crate) const NOT_HELD: Error = Error::conflict("lease", "is no longer held: another worker has it, or it has ended");

/// One claim, of one row or of several.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Lease {
    /// The id of the claim; a later claim of the same row has another.
    pub(crate) id: LeaseId,
    /// The instant at which the claim ends. The row is not due again before, so that one comparison finds what is due.
    pub(crate) until: DateTime<Utc>,
}

impl Lease {
    /// A lease that begins now.
    ///
    /// # Errors
    /// [`Error::Invalid`] of `lease_for` when that does not end in the future.
    pub(crate) fn begin(scope: &mut Scope<'_>, lease_for: TimeDelta) -> Result<Self> {
        let until = bounds::lease_end(scope.now(), lease_for)?;
        Ok(Self { id: LeaseId::new(scope.moment.id()), until })
    }
}
