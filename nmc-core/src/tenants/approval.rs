//! An operator's approval of a business. Whoever registers by themselves may set everything up, but costs nothing until then: they buy
//! no number, send no text, and have no call forwarded.

use super::TenantRow;
use crate::error::found;
use crate::schema::tenants;
use crate::store::{Scope, SystemTx};
use crate::{Error, Result, TenantId};
use chrono::{DateTime, Utc};
use diesel::prelude::*;
use std::fmt;
use std::str::FromStr;

/// The policy for businesses that register themselves.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum RegistrationPolicy {
    /// The business may spend the operator's money at once.
    Open,
    /// The business waits for an operator's approval before it may spend the operator's money.
    #[default]
    Approval,
    /// The business is refused: operators take businesses in.
    Closed,
}

impl RegistrationPolicy {
    /// All policies.
    pub const ALL: &'static [Self] = &[Self::Open, Self::Approval, Self::Closed];

    /// The name of the policy.
    #[must_use]
    pub const fn label(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Approval => "approval",
            Self::Closed => "closed",
        }
    }
}

impl fmt::Display for RegistrationPolicy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.label())
    }
}

impl FromStr for RegistrationPolicy {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let known = Self::ALL.iter().copied().find(|policy| policy.label() == text);
        known.ok_or_else(|| Error::invalid("registration", "must be one of open, approval, closed"))
    }
}

impl TenantRow {
    /// Whether an operator has approved of the business.
    #[must_use]
    pub const fn is_approved(&self) -> bool {
        self.approved_at.is_some()
    }
}

impl SystemTx<'_> {
    /// Approves of a business: from now on it may spend money. One that is approved keeps the time of its first approval.
    ///
    /// # Errors
    /// [`Error::NotFound`].
    pub fn approve_tenant(&mut self, id: TenantId) -> Result<TenantRow> {
        match self.approve_if_waiting(id)? {
            Some(row) => Ok(row),
            None => found(self.find_tenant(id)?, "tenant"),
        }
    }

    /// Approves of a business that waits for it.
    pub(crate) fn approve_if_waiting(&mut self, id: TenantId) -> Result<Option<TenantRow>> {
        let now = self.now();
        let approved = diesel::update(tenants::table)
            .filter(tenants::id.eq(id))
            .filter(tenants::approved_at.is_null())
            .set((tenants::approved_at.eq(now), tenants::updated_at.eq(now)))
            .returning(TenantRow::as_returning())
            .get_result(self.conn)
            .optional()?;
        if approved.is_some() {
            tracing::info!(tenant = %id, "a business was approved");
        }
        Ok(approved)
    }
}

/// Insists that an operator has approved of the transaction's business; `what` it may not do else, in words that follow "it".
pub(crate) fn must_be_approved(scope: &mut Scope<'_>, what: &'static str) -> Result<()> {
    let approved_at: Option<Option<DateTime<Utc>>> =
        tenants::table.filter(tenants::id.eq(scope.tenant)).select(tenants::approved_at).first(scope.conn).optional()?;
    found(approved_at, "tenant")?.map(drop).ok_or(Error::AwaitingApproval(what))
}
