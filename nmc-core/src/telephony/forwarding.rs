//! Which numbers calls may be forwarded to: the platform pays for the second leg.

use super::NumberKind;
use crate::{Error, PhoneNumber, Result};

impl PhoneNumber {
    /// Whether calls may be forwarded to the number: it is an ordinary one, as far as its digits tell, and none that is billed
    /// dearly (premium, shared cost, satellite).
    #[must_use]
    pub fn can_be_forwarded_to(&self) -> bool {
        self.kind() == NumberKind::Ordinary
    }

    /// Insists on [`Self::can_be_forwarded_to`] of the number in this field.
    pub(crate) fn must_take_forwarded_calls(&self, field: &'static str) -> Result<()> {
        match self.kind() {
            NumberKind::Ordinary => Ok(()),
            NumberKind::Impossible => Err(Error::invalid(field, "must be a number that can be called")),
            NumberKind::Premium | NumberKind::SharedCost | NumberKind::TollFree | NumberKind::Satellite => Err(Error::invalid(
                field,
                "must be a number that calls can be forwarded to: not a premium, shared-cost, toll-free or satellite number",
            )),
        }
    }
}
