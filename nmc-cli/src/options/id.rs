//! Ids as people type them: whole, or by the end that a narrow list shows.

use nmc_core::{Error, Page, PageRequest, Result};
use std::fmt::Display;
use std::str::FromStr;

/// How far back an id is looked for by its end, in pages of the most rows.
const PAGES: usize = 5;

/// The end of an id that was typed, if it can be one: 4 or more of its letters, and the ellipsis before them or not.
pub(crate) fn end_of_id(text: &str) -> Option<String> {
    let text = text.trim().trim_start_matches(['…', '.']);
    let is_end = (4..32).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_hexdigit() || b == b'-');
    is_end.then(|| text.to_ascii_lowercase())
}

/// A row of which there are no names, by its id or the end of it.
#[derive(Debug, Clone)]
pub(crate) enum Key<I> {
    Id(I),
    End(String),
}

impl<I: FromStr> FromStr for Key<I> {
    type Err = &'static str;

    fn from_str(text: &str) -> std::result::Result<Self, Self::Err> {
        let end = |_| end_of_id(text).map(Self::End).ok_or("must be an id, or 4 or more letters of its end");
        text.parse().map(Self::Id).or_else(end)
    }
}

impl<I: Display + Copy> Key<I> {
    /// The id of the row, which is looked for among these if only the end of it was typed.
    pub(crate) fn find<T>(
        &self,
        entity: &'static str,
        id: impl Fn(&T) -> I,
        list: impl FnMut(PageRequest) -> Result<Page<T>>,
    ) -> Result<I> {
        match self {
            Self::Id(id) => Ok(*id),
            Self::End(end) => by_end(entity, end, id, list),
        }
    }
}

/// The id that ends like this, among the latest 1,000 rows. Several are nobody's to guess.
pub(crate) fn by_end<T, I: Display>(
    entity: &'static str,
    end: &str,
    id: impl Fn(&T) -> I,
    list: impl FnMut(PageRequest) -> Result<Page<T>>,
) -> Result<I> {
    let ids = latest(list)?.iter().map(id).filter(|id| id.to_string().ends_with(end)).collect();
    only(ids, "the end").and_then(|id| id.ok_or(Error::NotFound { entity }))
}

/// The latest 1,000 rows.
pub(crate) fn latest<T>(mut list: impl FnMut(PageRequest) -> Result<Page<T>>) -> Result<Vec<T>> {
    let (mut rows, mut after) = (Vec::new(), None);
    for _ in 0..PAGES {
        let page = list(PageRequest::new(PageRequest::MAX, after)?)?;
        rows.extend(page.items);
        match page.next {
            Some(next) => after = Some(next),
            None => break,
        }
    }
    Ok(rows)
}

/// The one id that was found, if any was: of several, the refusal lists the first few.
pub(crate) fn only<I: Display>(mut ids: Vec<I>, what: &'static str) -> Result<Option<I>> {
    if ids.len() > 1 {
        let first: Vec<String> = ids.iter().take(10).map(ToString::to_string).collect();
        return Err(Error::invalid(what, format!("is that of several: name one by its id, like {}", first.join(", "))));
    }
    Ok(ids.pop())
}
