//! The texts that have the words of a search.

use super::message::{Message, Messages};
use super::search::{Search, Words};
use super::search_terms::OF_TEXTS;
use crate::page::{Page, PageRequest};
use crate::schema::messages;
use crate::{MessageId, Result};
use diesel::prelude::*;

impl Messages<'_> {
    /// A page of texts that have all the words, newest first; greetings are not searched. A page may be short, or empty, and still have a next
    /// one: for each only so many texts are looked at.
    ///
    /// # Errors
    /// [`crate::Error::Invalid`] of `q` without a letter or a digit, or with too many words.
    pub fn search(&mut self, search: &Search, page: PageRequest) -> Result<Page<Message>> {
        let words = Words::of(&mut self.0, search)?;
        let keys = OF_TEXTS.find(&mut self.0, &words, page.cursor(), page.fetch())?.page(page);
        let ids: Vec<MessageId> = keys.items.iter().map(|key| MessageId::new(key.id)).collect();
        let items = Message::query()
            .filter(messages::tenant_id.eq(self.0.tenant))
            .filter(messages::id.eq_any(ids))
            .order((messages::created_at.desc(), messages::id.desc()))
            .load(self.0.conn)?;
        Ok(Page { items, next: keys.next })
    }
}
