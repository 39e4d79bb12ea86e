//! What numbers cost, month by month.

use super::{Scene, chicago};
use crate::support::refused;
use nmc_core::numbers::{Month, MonthCosts};
use nmc_core::testing::Business;

fn month(text: &str) -> Month {
    text.parse().unwrap()
}

impl Scene {
    /// A number that was bought, and perhaps given back, at these times.
    fn had(&self, last: u8, from: &str, to: Option<&str>, setup: i32, monthly: i32, currency: &str) {
        let (number, tenant) = (chicago(last), self.joe.tenant.id());
        let released = to.map_or("NULL".to_owned(), |to| format!("'{to}'"));
        let status = if to.is_some() { "released" } else { "active" };
        self.db.execute(&format!(
            "INSERT INTO phone_numbers (tenant_id, phone_number, twilio_phone_sid, status, provisioned_at, released_at, \
             setup_cost_cents, monthly_cost_cents, currency) \
             VALUES ('{tenant}', '{number}', 'PN{last}', '{status}', '{from}', {released}, {setup}, {monthly}, '{currency}')"
        ));
    }

    fn costs(&self, from: &str, to: &str) -> Vec<(String, String, i64, i64, i64)> {
        let costs = self.db.store.tenant(&self.joe.tenant, |tx| tx.phone_numbers().costs(month(from), month(to))).unwrap();
        let told = |costs: MonthCosts| {
            (costs.month.to_string(), costs.currency.clone(), costs.numbers, costs.setup_cents, costs.monthly_cents)
        };
        costs.into_iter().map(told).collect()
    }
}

fn line(month: &str, numbers: i64, setup: i64, monthly: i64) -> (String, String, i64, i64, i64) {
    (month.to_owned(), "USD".to_owned(), numbers, setup, monthly)
}

/// The clock stands at noon of 16 November 2026.
#[test]
fn rent_is_due_on_its_day_of_every_month() {
    let scene = Scene::new();
    scene.had(0, "2026-08-31 23:30Z", None, 100, 115, "USD");
    let expected = [line("2026-10", 1, 0, 115), line("2026-09", 1, 0, 115), line("2026-08", 1, 100, 115)];
    assert_eq!(scene.costs("2026-01", "2026-12"), expected, "on 31 August, 30 September, 31 October; not yet in November");
}

#[test]
fn what_is_given_back_costs_nothing_from_its_next_day_on() {
    let scene = Scene::new();
    scene.had(0, "2026-05-10 12:00Z", Some("2026-07-10 11:59Z"), 0, 100, "USD");
    scene.had(1, "2026-05-10 12:00Z", Some("2026-07-10 12:01Z"), 0, 10, "USD");
    // Bought and given back within a minute: the first month is paid all the same.
    scene.had(2, "2026-05-20 12:00Z", Some("2026-05-20 12:01Z"), 7, 1, "USD");
    let expected = [line("2026-07", 1, 0, 10), line("2026-06", 2, 0, 110), line("2026-05", 3, 7, 111)];
    assert_eq!(scene.costs("2026-04", "2026-11"), expected);
}

#[test]
fn each_currency_has_its_line_and_each_business_its_own() {
    let scene = Scene::new();
    scene.had(0, "2026-10-01 00:00Z", None, 0, 115, "USD");
    scene.had(1, "2026-10-01 00:00Z", None, 50, 90, "GBP");
    scene.had(2, "2026-10-31 23:59Z", None, 0, 85, "USD");
    let gbp = |month: &str, setup: i64| (month.to_owned(), "GBP".to_owned(), 1, setup, 90);
    let expected = [gbp("2026-11", 0), line("2026-11", 1, 0, 115), gbp("2026-10", 50), line("2026-10", 2, 0, 200)];
    assert_eq!(scene.costs("2026-09", "2026-11"), expected);
    let rival = Business::onboard(&scene.db.store, "Rival Rooter");
    let theirs = scene.db.store.tenant(&rival.tenant, |tx| tx.phone_numbers().costs(month("2026-09"), month("2026-11")));
    assert_eq!(theirs.unwrap().len(), 1, "the number that the kit gave it");
}

#[test]
fn an_order_that_came_to_nothing_costs_nothing() {
    let scene = Scene::new();
    scene.twilio.run_out_of_funds();
    assert!(scene.buy(&chicago(0)).is_err());
    scene.twilio.top_up();
    assert_eq!(scene.costs("2026-11", "2026-11"), []);
    scene.buy(&chicago(1)).unwrap();
    assert_eq!(scene.costs("2026-11", "2026-11"), [line("2026-11", 1, 0, 115)]);
}

#[test]
fn a_report_has_its_bounds() {
    let scene = Scene::new();
    let ask =
        |from: &str, to: &str| scene.db.store.tenant(&scene.joe.tenant, |tx| tx.phone_numbers().costs(month(from), month(to)));
    assert_eq!(refused(ask("2026-11", "2026-10")).0, "to");
    assert_eq!(refused(ask("2021-11", "2026-11")).0, "from");
    assert!(ask("2021-12", "2026-11").is_ok());
    for text in ["", "2026", "2026-13", "2026-1", "1969-12", "2026-01-01", "0000-01", "२०२६-०१"] {
        assert_eq!(refused(text.parse::<Month>()).1, "must be like 2026-11", "{text}");
    }
}
