//! The texts that have the words of a search.

use super::message::{Message, Messages};
use super::search::{Search, Words};
use super::search_terms::OF_TEXTS;
use crate::Result;
use crate::page::{Page, PageRequest};

impl Messages<'_> {
    /// A page of texts that have all the words, newest first; greetings are not searched. A page may be short, or empty, and still have a next
    /// one: for each only so many texts are looked at.
    ///
    /// # Errors
    /// [`crate::Error::Invalid`] of `q` without a letter or a digit, or with too many words.
    pub fn search(&mut self, search: &Search, page: PageRequest) -> Result<Page<Message>> {
        let words = Words::of(&mut self.0, search)?;
        let keys = OF_TEXTS.find(&mut self.0, &words, page.cursor(), page.fetch())?.page(page);
        self.with_keys(&keys)
    }
}
