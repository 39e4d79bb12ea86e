//! What arrives in bulk: many rows, batch by batch, each batch a transaction of its own.

use super::{Store, Tenant, TenantTx};
use crate::{Error, Result};
use std::convert::Infallible;

/// The progress of a load.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[cfg_attr(not(feature = "testing"), non_exhaustive)]
pub struct Loaded {
    /// The rows taken from the input, all of them committed.
    pub taken: u64,
    /// The rows that were written, as `write` counts them. The library's metrics and calls count what was added or changed, so
    /// that a load that is run again writes 0; the figures of calls count every row.
    pub written: u64,
}

/// The reason why [`Store::try_load`] stopped. What was reported before is committed, and nothing else is.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LoadError<E> {
    /// A row of the input could not be had.
    #[error("rows[{row}] can't be read")]
    #[non_exhaustive]
    Row {
        /// The row's place in the input, counted from 0.
        row: u64,
        /// The reason, in the words of whoever reads the rows.
        source: E,
    },
    /// A batch could not be written.
    #[error(transparent)]
    Write(#[from] Error),
}

impl Store {
    /// Rows of one batch of [`Self::load`], and the most that a bulk write takes at once.
    pub const BATCH: usize = 5_000;

    /// Writes `rows` as `tenant` in batches of [`Self::BATCH`], each in a transaction of its own, and reports after each. No
    /// more than one batch is held in memory. `write` says how many rows it changed:
    ///
    /// ```no_run
    /// # use nmc_core::{Result, Store, Tenant, analytics::NewMetric};
    /// # fn load(store: &Store, tenant: &Tenant, points: Vec<NewMetric>) -> Result<()> {
    /// let loaded = store.load(
    ///     tenant,
    ///     points,
    ///     |tx, batch| tx.metrics().upsert_many(batch),
    ///     |so_far| eprintln!("{} points", so_far.taken),
    /// )?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// What has been reported is committed, whatever comes later. The library's bulk writes are idempotent on their keys: a
    /// load that failed is simply run again, from the start or from row [`Loaded::taken`].
    ///
    /// # Errors
    /// What `write` returns. The rows of an [`Error::Invalid`] are counted from the first of the input.
    pub fn load<T>(
        &self,
        tenant: &Tenant,
        rows: impl IntoIterator<Item = T>,
        write: impl Fn(&mut TenantTx<'_>, &[T]) -> Result<u64>,
        report: impl FnMut(Loaded),
    ) -> Result<Loaded> {
        let rows = rows.into_iter().map(Ok::<T, Infallible>);
        self.try_load(tenant, rows, write, report).map_err(|stopped| match stopped {
            LoadError::Write(error) => error,
            LoadError::Row { source, .. } => match source {},
        })
    }

    /// Writes rows as [`Self::load`] does which may turn out not to be rows: lines of a file, a stream. The first that can't be had
    /// stops the load. The batch it would have been in is not written.
    ///
    /// # Errors
    /// [`LoadError::Row`] names the row; [`LoadError::Write`] is what [`Self::load`] returns.
    pub fn try_load<T, E>(
        &self,
        tenant: &Tenant,
        rows: impl IntoIterator<Item = Result<T, E>>,
        write: impl Fn(&mut TenantTx<'_>, &[T]) -> Result<u64>,
        mut report: impl FnMut(Loaded),
    ) -> Result<Loaded, LoadError<E>> {
        let mut rows = (0..).zip(rows);
        let mut batch = Vec::new();
        let mut loaded = Loaded::default();
        loop {
            batch.clear();
            for (row, read) in rows.by_ref().take(Self::BATCH) {
                batch.push(read.map_err(|source| LoadError::Row { row, source })?);
            }
            if batch.is_empty() {
                return Ok(loaded);
            }
            let written = self.tenant(tenant, |tx| write(tx, &batch)).map_err(|error| counted_from(loaded.taken, error))?;
            loaded.taken += u64::try_from(batch.len()).map_err(Error::internal)?;
            loaded.written += written;
            report(loaded);
        }
    }
}

/// A batch counts its own rows; whoever loads counts those of the input.
fn counted_from(first: u64, mut error: Error) -> Error {
    if let (Error::Invalid { row: Some(row), .. }, Ok(first)) = (&mut error, usize::try_from(first)) {
        *row = row.saturating_add(first);
    }
    error
}

/// Refuses more rows than one bulk write takes.
pub(crate) fn at_most_a_batch<T>(rows: &[T]) -> Result<()> {
    if rows.len() > Store::BATCH {
        return Err(Error::invalid("rows", format!("must be at most {} at once", Store::BATCH)));
    }
    Ok(())
}

/// Rows for statements of `size` each: PostgreSQL takes 65,535 values in one.
pub(crate) fn in_statements<T>(mut rows: Vec<T>, size: usize) -> impl Iterator<Item = Vec<T>> {
    std::iter::from_fn(move || {
        let rest = rows.split_off(size.min(rows.len()));
        Some(std::mem::replace(&mut rows, rest)).filter(|some| !some.is_empty())
    })
}

/// Names the row of a bulk write at fault, counted from the first of the batch.
pub(crate) fn at_row(at: usize, mut error: Error) -> Error {
    if let Error::Invalid { row, .. } = &mut error {
        *row = Some(at);
    }
    error
}
