//! Opening a conversation, which is with somebody else.

use crate::conversations::{Conversation, NewConversation};
use crate::store::TenantTx;
use crate::{Error, PhoneNumber, Result};

impl TenantTx<'_> {
    /// Opens a conversation with a customer, as [`crate::conversations::Conversations::create`] does.
    ///
    /// # Errors
    /// [`Error::Invalid`] of a number of the business's own; otherwise as there.
    pub fn open_conversation(&mut self, new: &NewConversation) -> Result<Conversation> {
        for spelling in new.customer_phone.phone().map_or_else(Vec::new, PhoneNumber::spellings) {
            if self.phone_numbers().find_by_number(&spelling)?.is_some() {
                return Err(Error::invalid("customer_phone", "must not be a number of this business"));
            }
        }
        self.conversations().create(new)
    }
}
