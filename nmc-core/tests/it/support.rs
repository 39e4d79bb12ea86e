//! What many tests say in the same way.

/// A decimal as it is written: `dec!(-1.5)`.
macro_rules! dec {
    ($($digits:tt)+) => {
        concat!($(stringify!($digits)),+).replace('_', "").parse::<rust_decimal::Decimal>().unwrap()
    };
}
pub(crate) use dec;
use nmc_core::{Error, Page, PageRequest, Result};

/// The field and the rule of a refusal, whoever broke it.
#[track_caller]
pub(crate) fn refused<T: std::fmt::Debug>(result: Result<T>) -> (String, String) {
    match result {
        Err(Error::Invalid { field, rule }) => (field.into_owned(), rule.into_owned()),
        Err(Error::Conflict { field, rule }) => (field.to_owned(), rule.to_owned()),
        other => panic!("refused was expected, not {other:?}"),
    }
}

/// All rows of a list, read in pages of `limit`.
#[track_caller]
pub(crate) fn all_pages<T>(limit: u16, list: impl Fn(PageRequest) -> Result<Page<T>>) -> Vec<T> {
    let (mut page, mut rows) = (PageRequest::new(limit, None).unwrap(), Vec::new());
    loop {
        let read = list(page).unwrap();
        assert!(read.items.len() <= usize::from(limit), "a page no longer than asked for");
        rows.extend(read.items);
        match read.next {
            Some(next) => page = page.after(next),
            None => return rows,
        }
    }
}
