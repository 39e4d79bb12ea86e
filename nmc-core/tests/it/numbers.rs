//! Numbers: bought once, never forgotten, given back for good.

mod callback;
mod client;
mod costs;
mod doubt;
mod mismatch;
mod orders;
mod reconciliation;

use chrono::TimeDelta;
use nmc_core::access::Acting;
use nmc_core::numbers::{HeldNumber, NumberFilter, NumberOrder, Provisioner, ProvisioningConfig};
use nmc_core::testing::{Business, FakeTwilio, ManualClock, TestDb, noon};
use nmc_core::twilio::TwilioNumbers;
use nmc_core::{Confirmed, Country, NumberStatus, PageRequest, PhoneNumber, Result};
use std::sync::Arc;
use std::time::Duration;

/// For sale at the fake, in Chicago.
fn chicago(last: u8) -> PhoneNumber {
    format!("+131255501{last:02}").parse().unwrap()
}

/// A business without numbers, an account at Twilio, and a clock that stands still.
struct Scene {
    db: TestDb,
    clock: Arc<ManualClock>,
    twilio: FakeTwilio,
    joe: Business,
    numbers: Provisioner,
}

impl Scene {
    fn new() -> Self {
        let clock = Arc::new(ManualClock::new(noon()));
        let db = TestDb::with_clock(clock.clone());
        let twilio = FakeTwilio::with_clock(clock.clone());
        let joe = Business::onboard(&db.store, "Joe's Plumbing");
        db.execute("DELETE FROM phone_numbers");
        let numbers = provisioner(&db, &twilio);
        Self { db, clock, twilio, joe, numbers }
    }

    /// The same business without numbers, at another account: a copy of the database would cost more than what is tried in it.
    fn begin_again(&mut self) {
        self.db.execute("DELETE FROM phone_numbers");
        self.twilio = FakeTwilio::with_clock(self.clock.clone());
        self.numbers = provisioner(&self.db, &self.twilio);
    }

    fn operator(&self) -> Acting {
        Acting::Operator(self.joe.tenant)
    }

    fn buy(&self, number: &PhoneNumber) -> Result<HeldNumber> {
        self.buy_as(&self.operator(), number)
    }

    fn buy_as(&self, who: &Acting, number: &PhoneNumber) -> Result<HeldNumber> {
        let order = NumberOrder::of(number.clone(), Country::US);
        self.numbers.buy(who, &order, Duration::ZERO, &mut |_| {})
    }

    fn release(&self, row: &HeldNumber) -> Result<HeldNumber> {
        self.numbers.release(&self.operator(), row.id, Confirmed::irrevocably(), Duration::ZERO, &mut |_| {})
    }

    /// Its rows, oldest first.
    fn rows(&self) -> Vec<HeldNumber> {
        let page = PageRequest::new(PageRequest::MAX, None).unwrap();
        let list = self.db.store.tenant(&self.joe.tenant, |tx| tx.phone_numbers().list(&NumberFilter::default(), page));
        list.unwrap().items.into_iter().rev().collect()
    }

    fn statuses(&self) -> Vec<NumberStatus> {
        self.rows().iter().map(|row| row.status).collect()
    }

    /// More than an hour passes, the longest wait with what is added to it at random, and a worker looks.
    fn an_hour_later(&self) {
        self.clock.advance(TimeDelta::minutes(75));
        self.numbers.pass().unwrap();
    }

    /// Workers and reconciliations until nothing is open.
    fn to_the_end(&self) {
        for _ in 0..30 {
            self.an_hour_later();
            let outcome = self.numbers.reconcile(false).unwrap();
            if outcome.findings.is_empty() && self.rows().iter().all(|row| row.next_attempt_at.is_none()) {
                return;
            }
        }
        panic!("it never ends: {:?}", self.rows());
    }

    /// What Twilio bills is what is held, by number and SID, and nothing was bought while it was owned.
    #[track_caller]
    fn is_balanced(&self) {
        let mut billed: Vec<(String, String)> =
            self.twilio.owned().into_iter().map(|owned| (owned.phone_number, owned.sid)).collect();
        let rows = self.rows();
        let held = rows.iter().filter(|row| matches!(row.status, NumberStatus::Active | NumberStatus::Inactive));
        let mut held: Vec<(String, String)> =
            held.map(|row| (row.phone_number.to_string(), row.twilio_phone_sid.clone().unwrap())).collect();
        billed.sort();
        held.sort();
        assert_eq!(billed, held, "what Twilio bills is what we hold: {rows:#?}");
        let (bought, given_back) = (self.twilio.purchases().len(), self.twilio.given_back().len());
        assert_eq!(bought - given_back, billed.len(), "all that was bought is held or was given back");
    }
}

fn provisioner(db: &TestDb, twilio: &FakeTwilio) -> Provisioner {
    let provider = Arc::new(TwilioNumbers::new(&twilio.account()));
    Provisioner::new(
        db.store.clone(),
        provider,
        nmc_core::testing::webhook_urls("https://nmc.example.com"),
        ProvisioningConfig::default(),
    )
}
