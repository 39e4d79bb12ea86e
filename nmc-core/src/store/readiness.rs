//! Whether the database can do its work now, asked in a bounded time.

use super::Store;
use crate::{Error, Result};
use diesel::prelude::*;
use diesel::sql_types::Bool;
use std::time::{Duration, Instant};

#[derive(QueryableByName)]
struct Mode {
    #[diesel(sql_type = Bool)]
    read_only: bool,
}

impl Store {
    /// Whether the database answers within `patience` (and the fifth of a second that finding out may take), and takes writes.
    ///
    /// # Errors
    /// [`Error::Unavailable`] if not; its words say which.
    pub fn readiness(&self, patience: Duration) -> Result<()> {
        let begun = Instant::now();
        let until = begun + patience;
        loop {
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Err(Error::unavailable("the database does not answer", "no answer in time"));
            }
            let mut link = self.pooled(left)?;
            link.watched.within(left);
            let asked = "SELECT pg_is_in_recovery() OR current_setting('transaction_read_only')::bool AS read_only";
            match diesel::sql_query(asked).get_result(&mut link.conn) {
                Ok(Mode { read_only: false }) => return Ok(()),
                Ok(Mode { read_only: true }) => {
                    link.spent = true;
                    self.turned_read_only(&link, begun);
                    return Err(Error::read_only("the session is read-only"));
                }
                // One that died in the pool says nothing of the server.
                Err(error) => {
                    link.spent = true;
                    if link.watched.is_cut() {
                        return Err(error.into());
                    }
                }
            }
        }
    }
}
