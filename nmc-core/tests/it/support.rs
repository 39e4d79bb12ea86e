//! What many tests say in the same way.

/// A decimal as it is written: `dec!(-1.5)`.
macro_rules! dec {
    ($($digits:tt)+) => {
        concat!($(stringify!($digits)),+).replace('_', "").parse::<rust_decimal::Decimal>().unwrap()
    };
}
use chrono::{DateTime, TimeDelta, Utc};
pub(crate) use dec;
use nmc_core::testing::{Business, ManualClock, TestDb, noon};
use nmc_core::{Clock as _, Error, Page, PageRequest, Result, TenantTx, UserId};
use std::sync::{Arc, Barrier};

/// The field and the rule of a refusal, whoever broke it.
#[track_caller]
pub(crate) fn refused<T: std::fmt::Debug>(result: Result<T>) -> (String, String) {
    match result {
        Err(Error::Invalid { field, rule, row: Some(row), .. }) => (format!("rows[{row}].{field}"), rule.into_owned()),
        Err(Error::Invalid { field, rule, .. }) => (field.into_owned(), rule.into_owned()),
        Err(Error::Conflict { field, rule, .. }) => (field.to_owned(), rule.to_owned()),
        other => panic!("refused was expected, not {other:?}"),
    }
}

/// What so many threads come to, which begin at once.
pub(crate) fn at_once<T: Send>(threads: usize, work: impl Fn(usize) -> T + Sync) -> Vec<T> {
    let (barrier, work) = (&Barrier::new(threads), &work);
    std::thread::scope(|scope| {
        let begin = |number| {
            scope.spawn(move || {
                barrier.wait();
                work(number)
            })
        };
        let threads: Vec<_> = (0..threads).map(begin).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    })
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

/// A business with a member of staff, and a clock that stands at noon.
pub(crate) struct Scene {
    pub(crate) db: TestDb,
    pub(crate) clock: Arc<ManualClock>,
    pub(crate) business: Business,
    pub(crate) staff: UserId,
}

impl Scene {
    pub(crate) fn new() -> Self {
        let clock = Arc::new(ManualClock::new(noon()));
        let db = TestDb::with_clock(clock.clone());
        let business = Business::onboard(&db.store, "Joe's Plumbing");
        let staff = business.user(&db.store);
        Self { db, clock, business, staff }
    }

    /// A second passes. Without that, a change of a row written in the same instant shows the trigger's time.
    pub(crate) fn tick(&self) -> DateTime<Utc> {
        self.clock.advance(TimeDelta::seconds(1));
        self.clock.now()
    }

    /// A transaction of the business.
    pub(crate) fn tx<T>(&self, work: impl Fn(&mut TenantTx<'_>) -> Result<T>) -> Result<T> {
        self.db.store.tenant(&self.business.tenant, work)
    }

    /// In a transaction on behalf of a user.
    pub(crate) fn tx_as<T>(&self, user: UserId, work: impl Fn(&mut TenantTx<'_>) -> Result<T>) -> Result<T> {
        self.db.store.tenant_on_behalf_of(&self.business.tenant, user, work)
    }
}
