//! What the promise that no number is lost costs: an order and a release beside the bare requests to Twilio that they make, and
//! a reconciliation of ten thousand numbers beside reading Twilio's list. Twilio is the fake on this machine, which answers at
//! once: beside the real one, a tenth of a second away, our part is smaller.
//!
//! `cargo bench -p nmc-core --bench numbers [-- --rounds 21]`

#![expect(clippy::expect_used, reason = "a benchmark that can't run has nothing better to do")]

#[path = "repository/pairs.rs"]
mod pairs;

use nmc_core::access::Acting;
use nmc_core::fake_twilio::FakeTwilio;
use nmc_core::numbers::{NumberOrder, Provisioner, ProvisioningConfig};
use nmc_core::store::embedded::{EmbeddedOptions, EmbeddedPostgres};
use nmc_core::store::{Migrator, StoreConfig};
use nmc_core::telephony::{NumberProvider as _, NumberSearch, Purchase, friendly_name};
use nmc_core::tenants::NewTenant;
use nmc_core::testing::webhook_urls;
use nmc_core::twilio::TwilioNumbers;
use nmc_core::workflows::onboard;
use nmc_core::{Confirmed, Country, NumberType, PhoneNumber, PhoneNumberId, Secret, Store, Tenant};
use pairs::compare;
use std::sync::Arc;
use std::time::Duration;

const URL: &str = "https://nmc.example.com";
/// Numbers of a large installation.
const MANY: usize = 10_000;

fn main() {
    if !std::env::args().any(|arg| arg == "--bench") {
        println!("run by: cargo bench -p nmc-core --bench numbers");
        return;
    }
    let rounds = std::env::args().skip_while(|arg| arg != "--rounds").nth(1).map_or(21, |n| n.parse().expect("a number"));
    let scene = Scene::new();
    println!("{:<58} {:>9} {:>9}   theirs / ours, median (quartiles)", "ours / theirs", "ours", "theirs");
    compare("an order and a release / their four requests by themselves", rounds, 10, || scene.order(), || scene.requests());
    scene.fill();
    compare(
        "a reconciliation of 10,000 numbers / reading Twilio's list",
        rounds.min(7),
        1,
        || {
            let outcome = scene.numbers.reconcile(true).expect("a comparison");
            assert!(outcome.findings.is_empty() && outcome.owned == MANY && outcome.held == MANY);
        },
        || assert_eq!(scene.read_list(), MANY),
    );
}

struct Scene {
    twilio: FakeTwilio,
    provider: TwilioNumbers,
    numbers: Provisioner,
    store: Store,
    tenant: Tenant,
    operator: Acting,
    number: PhoneNumber,
    _server: EmbeddedPostgres,
}

impl Scene {
    /// One business, on a server that waits for the disk.
    fn new() -> Self {
        let directory = std::env::temp_dir().join(format!("nmc-bench-{}", std::process::id()));
        let options = EmbeddedOptions { data_dir: Some(directory), remove_on_exit: true, ..EmbeddedOptions::default() };
        let server = EmbeddedPostgres::start(&options).expect("a server");
        let url = Secret::new(server.url());
        Migrator::new(url.clone()).run(|_| {}).expect("the migrations");
        let store = Store::connect(StoreConfig::new(url)).expect("a store");
        let new = NewTenant { business_name: "Joe's Plumbing".to_owned(), ..NewTenant::default() };
        let (tenant, _) = onboard(&store, &new).expect("a business");
        let operator = Acting::Operator(tenant);
        let twilio = FakeTwilio::start();
        let provider = TwilioNumbers::new(&twilio.account());
        let numbers =
            Provisioner::new(store.clone(), Arc::new(provider.clone()), webhook_urls(URL), ProvisioningConfig::default());
        let number = "+13125550100".parse().expect("a number");
        Self { twilio, provider, numbers, store, tenant, operator, number, _server: server }
    }

    fn order(&self) {
        let order = NumberOrder::of(self.number.clone(), Country::US);
        let row = self.numbers.buy(&self.operator, &order, Duration::ZERO, &mut |_| {}).expect("a number");
        self.numbers
            .release(&self.operator, row.id, Confirmed::irrevocably(), Duration::ZERO, &mut |_| {})
            .expect("a number given back");
    }

    /// The same four requests, with nothing kept of them.
    fn requests(&self) {
        let contains = Some(self.number.to_string());
        let search = NumberSearch { contains, ..NumberSearch::new(Country::US, NumberType::Local) };
        assert_eq!(self.provider.search(&search).expect("an answer").len(), 1);
        self.provider.price(Country::US, NumberType::Local).expect("a price");
        let webhooks = webhook_urls(URL);
        let purchase = Purchase { phone_number: &self.number, friendly_name: "nmc:bench", webhooks: &webhooks };
        let owned = self.provider.buy(&purchase).expect("a number");
        self.provider.release(&owned.sid).expect("a number given back");
    }

    /// As many numbers here as there, and all in order.
    fn fill(&self) {
        use nmc_core::diesel::prelude::*;
        self.store
            .tenant(&self.tenant, |tx| {
                tx.diesel(|conn, tenant| {
                    diesel::sql_query(
                        "INSERT INTO phone_numbers (tenant_id, id, phone_number, twilio_phone_sid, status, provisioned_at) \
                         SELECT $1, lpad(n::text, 32, '0')::uuid, '+1646' || (5000000 + n), 'PN' || n, 'active', '2026-01-01' \
                         FROM generate_series(1, $2) AS n",
                    )
                    .bind::<diesel::sql_types::Uuid, _>(tenant)
                    .bind::<diesel::sql_types::Integer, _>(i32::try_from(MANY).expect("a count"))
                    .execute(conn)
                })
            })
            .expect("the rows");
        let ours = webhook_urls(URL);
        for n in 1..=MANY {
            let id: PhoneNumberId = format!("{n:032}").parse().expect("an id");
            let number = format!("+1646{}", 5_000_000 + n).parse().expect("a number");
            let sid = self.twilio.own(&number, &friendly_name(id), Some(format!("PN{n}")));
            self.provider.update(&sid, &friendly_name(id), &ours).expect("webhooks");
        }
    }

    fn read_list(&self) -> usize {
        let (mut count, mut next) = (0, None);
        loop {
            let page = self.provider.list(next.as_deref()).expect("a page");
            count += page.numbers.len();
            next = page.next;
            if next.is_none() {
                return count;
            }
        }
    }
}
