//! The lease under which a worker holds a row.

use crate::store::Scope;
use crate::types::bounds;
use crate::{Error, LeaseId, Result};
use chrono::{DateTime, TimeDelta, Utc};

/// What whoever lost a claim is told: a row of somebody else's, one that is not there and one that another worker has look alike.
pub(crate) const NOT_HELD: Error = Error::conflict("lease", "is no longer held: another worker has it, or it has ended");

/// One claim, of one row or of several.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Lease {
    /// Its name; a later claim of the same row has another.
    pub(crate) id: LeaseId,
    /// When it ends. The row is not due again before, so that one comparison finds what is due.
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
