//! The query of a list: the page that it asks for, and the bounds of its filters.

use super::reply::PageOut;
use chrono::{DateTime, Datelike as _, Utc};
use nmc_core::{Cursor, Error, Page, PageRequest, Result};

/// A list in one order, by a name that no other has and its cursors bear.
#[derive(Debug, Clone, Copy)]
pub(crate) struct List(pub(crate) &'static str);

impl List {
    /// The page that a query asks for.
    pub(crate) fn page(self, limit: Option<u16>, after: Option<&str>) -> Result<PageRequest> {
        PageRequest::new(limit.unwrap_or(50), after.map(|text| Cursor::in_list(text, self.0)).transpose()?)
    }

    /// A page of the list's rows.
    pub(crate) fn of<R, T: From<R>>(self, page: Page<R>) -> PageOut<T> {
        self.with(page, T::from)
    }

    /// A page of the list, of each row what `out` makes of it.
    pub(crate) fn with<R, T>(self, page: Page<R>, out: impl FnMut(R) -> T) -> PageOut<T> {
        let next = page.next.map(|cursor| cursor.of_list(self.0));
        PageOut { items: page.items.into_iter().map(out).collect(), next }
    }
}

/// The span of time that a filter asks for: at or after one instant, before another. With equal ends it is empty.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Span {
    pub(crate) from: Option<DateTime<Utc>>,
    pub(crate) until: Option<DateTime<Utc>>,
}

impl Span {
    /// The span between two parameters, given by their names. Each is an instant that the database can compare.
    pub(crate) fn new(from: (&'static str, Option<DateTime<Utc>>), until: (&'static str, Option<DateTime<Utc>>)) -> Result<Self> {
        for (field, at) in [from, until] {
            if at.is_some_and(|at| !(1970..=9999).contains(&at.year())) {
                return Err(Error::invalid(field, "must lie between the years 1970 and 9999"));
            }
        }
        match (from.1, until.1) {
            (Some(begin), Some(end)) if end < begin => Err(Error::invalid(until.0, format!("must not be before {}", from.0))),
            (from, until) => Ok(Self { from, until }),
        }
    }
}

/// Insists that two parameters of a filter can be true of one row; the first is told of.
pub(crate) fn agree(field: &'static str, with: &'static str, do_agree: bool) -> Result<()> {
    if do_agree { Ok(()) } else { Err(Error::invalid(field, format!("must agree with {with}"))) }
}

/// Whether what is said is what another parameter comes to, as far as both are there.
pub(crate) fn is_same(said: Option<bool>, implied: Option<bool>) -> bool {
    said.zip(implied).is_none_or(|(said, implied)| said == implied)
}

/// A filter's text that is never blank where it is kept, no longer than its column.
pub(crate) fn filled(field: &'static str, text: Option<&str>, most: usize) -> Result<Option<String>> {
    match text {
        Some(text) if text.trim().is_empty() => Err(Error::invalid(field, "must not be empty")),
        text => bounded(field, text, most),
    }
}

/// A filter's text, no longer than its column: nothing there could be like it.
pub(crate) fn bounded(field: &'static str, text: Option<&str>, most: usize) -> Result<Option<String>> {
    match text {
        Some(text) if text.chars().count() > most => Err(Error::invalid(field, format!("must be at most {most} characters"))),
        Some(text) if text.contains('\0') => Err(Error::invalid(field, "must not contain NUL")),
        text => Ok(text.map(str::to_owned)),
    }
}
