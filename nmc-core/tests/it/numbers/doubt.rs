//! Whatever goes wrong between us and Twilio, and whoever dies in between: what is ordered is bought once, and what is given
//! back is given back.

use super::{Scene, chicago};
use nmc_core::numbers::{NumberOrder, Provisioner, ProvisioningConfig};
use nmc_core::telephony::{
    AvailableNumber, NumberProvider, NumberSearch, OwnedNumber, OwnedPage, Price, ProviderError, Purchase, WebhookUrls,
};
use nmc_core::testing::TwilioFault::{self, Pass};
use nmc_core::twilio::TwilioNumbers;
use nmc_core::{Clock as _, Confirmed, Country, Error, NumberStatus, NumberType, PhoneNumber};
use proptest::prelude::*;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

const FAULTS: [TwilioFault; 9] = [
    TwilioFault::Slow(Duration::from_millis(5)),
    TwilioFault::TooMany(7),
    TwilioFault::ErrorBefore,
    TwilioFault::ErrorAfter,
    TwilioFault::DropBefore,
    TwilioFault::DropAfter,
    TwilioFault::Garbage,
    TwilioFault::Duplicate,
    TwilioFault::AnswerWith(503, 20_503),
];

/// The purchase goes wrong, and then the question about it, in every way.
#[test]
fn an_order_is_carried_out_once_whatever_two_requests_come_to() {
    let mut scene = Scene::new();
    for first in FAULTS {
        for second in FAULTS {
            scene.begin_again();
            scene.twilio.fail_numbers_with([Pass, Pass, first, second]);
            scene.buy(&chicago(0)).unwrap();
            scene.twilio.take_number_faults();
            for _ in 0..2 {
                scene.an_hour_later();
            }
            assert_eq!(scene.statuses(), [NumberStatus::Active], "{first:?}, {second:?}");
            assert_eq!(scene.twilio.purchases().len(), 1, "{first:?}, {second:?}");
            scene.is_balanced();
        }
    }
}

#[test]
fn a_release_is_carried_out_whatever_two_requests_come_to() {
    let mut scene = Scene::new();
    for first in FAULTS {
        for second in FAULTS {
            scene.begin_again();
            let row = scene.buy(&chicago(0)).unwrap();
            scene.twilio.fail_numbers_with([first, second]);
            scene.release(&row).unwrap();
            scene.an_hour_later();
            scene.twilio.take_number_faults();
            scene.an_hour_later();
            let after = scene.rows().remove(0);
            assert_eq!(after.status, NumberStatus::Released, "{first:?}, {second:?}");
            assert_eq!((after.twilio_phone_sid, after.provisioned_at), (row.twilio_phone_sid, row.provisioned_at), "its history");
            scene.is_balanced();
        }
    }
}

/// After doubt the number is looked up, not bought again.
#[test]
fn purchase_that_went_unheard_is_adopted_without_another() {
    let scene = Scene::new();
    scene.twilio.fail_numbers_with([Pass, Pass, TwilioFault::DropAfter, TwilioFault::DropBefore]);
    assert_eq!(scene.buy(&chicago(0)).unwrap().status, NumberStatus::Provisioning);
    let before = scene.twilio.number_requests();
    scene.an_hour_later();
    assert_eq!(scene.statuses(), [NumberStatus::Active]);
    assert_eq!(scene.twilio.number_requests() - before, 1, "one question, and no purchase");
    let row = scene.rows().remove(0);
    assert_eq!(row.webhook_urls["sms"], "https://nmc.example.com/webhooks/twilio/sms#rc=3&rp=ct,rt,5xx");
}

#[test]
fn the_wait_between_attempts_is_what_twilio_asks_or_doubles() {
    let scene = Scene::new();
    scene.twilio.fail_numbers_with([Pass, Pass, TwilioFault::TooMany(600)]);
    let row = scene.buy(&chicago(0)).unwrap();
    let wait = |row: &nmc_core::numbers::HeldNumber| (row.next_attempt_at.unwrap() - scene.clock.now()).num_seconds();
    assert_eq!((wait(&row), row.attempts), (600, 1));
    assert_eq!(row.status_reason.as_deref(), Some("Twilio asks to slow down (429)"));
    let before = scene.twilio.number_requests();
    scene.clock.advance(chrono::TimeDelta::seconds(599));
    scene.numbers.pass().unwrap();
    assert_eq!(scene.twilio.number_requests(), before, "not before");
    let mut waits = Vec::new();
    for _ in 0..8 {
        scene.twilio.fail_numbers_with([Pass, TwilioFault::TooMany(1)]);
        scene.an_hour_later();
        waits.push(wait(&scene.rows()[0]));
    }
    for (wait, least) in waits.iter().zip([4, 8, 16, 32, 64, 128, 256, 512]) {
        assert!((least..=least * 5 / 4).contains(wait), "{waits:?}");
    }
    assert_eq!(waits.len(), 8);
    scene.twilio.fail_numbers_with([Pass, TwilioFault::TooMany(1)]);
    scene.an_hour_later();
    let row = scene.rows().remove(0);
    assert_eq!((row.status, row.attempts, row.next_attempt_at), (NumberStatus::Error, 10, None));
    assert_eq!(
        row.status_reason.as_deref(),
        Some("given up after too many attempts; the last one: Twilio asks to slow down (429)")
    );
    assert_eq!(scene.buy(&chicago(0)).unwrap().status, NumberStatus::Active, "and taken up again by command");
}

/// While a purchase may have been made it is never given up, and never passes for one that was not.
#[test]
fn an_order_in_doubt_goes_on_until_there_is_an_answer() {
    let scene = Scene::new();
    scene.twilio.fail_numbers_with([Pass, Pass, TwilioFault::DropAfter, TwilioFault::Unauthorized]);
    assert_eq!(scene.buy(&chicago(0)).unwrap().status, NumberStatus::Provisioning);
    for fault in
        std::iter::repeat_n([TwilioFault::ErrorBefore, TwilioFault::Unauthorized, TwilioFault::AnswerWith(404, 0)], 5).flatten()
    {
        scene.twilio.fail_numbers_with([fault]);
        scene.an_hour_later();
        assert_eq!(scene.statuses(), [NumberStatus::Provisioning], "{fault:?}");
    }
    let row = scene.rows().remove(0);
    assert_eq!((row.attempts, scene.twilio.purchases().len()), (16, 1));
    scene.an_hour_later();
    assert_eq!(scene.statuses(), [NumberStatus::Active]);
    scene.is_balanced();
}

/// Twilio's wish to be left alone holds for whoever clicks, too.
#[test]
fn who_orders_again_asks_twilio_no_sooner_than_it_wants() {
    let scene = Scene::new();
    scene.twilio.fail_numbers_with([Pass, Pass, TwilioFault::TooMany(600)]);
    scene.buy(&chicago(0)).unwrap();
    let before = scene.twilio.number_requests();
    for _ in 0..20 {
        let row = scene.buy(&chicago(0)).unwrap();
        assert_eq!((row.status, row.attempts), (NumberStatus::Provisioning, 1));
    }
    assert_eq!(scene.twilio.number_requests(), before);
    scene.clock.advance(chrono::TimeDelta::seconds(601));
    assert_eq!(scene.buy(&chicago(0)).unwrap().status, NumberStatus::Active);
}

/// Two who take up the same failed order: one carries it out, and both hear the same.
#[test]
fn an_order_that_failed_is_taken_up_once_by_however_many() {
    let scene = Scene::new();
    for ends_well in [false, true] {
        scene.twilio.run_out_of_funds();
        assert!(scene.buy(&chicago(0)).is_err());
        if ends_well {
            scene.twilio.top_up();
        }
        let came: Vec<bool> = std::thread::scope(|scope| {
            let buyers: Vec<_> = (0..4)
                .map(|_| {
                    scope.spawn(|| {
                        let order = NumberOrder::of(chicago(0), Country::US);
                        scene.numbers.buy(&scene.operator(), &order, Duration::from_secs(5), &mut |_| {})
                    })
                })
                .collect();
            buyers
                .into_iter()
                .map(|buyer| match buyer.join().unwrap() {
                    Ok(row) => row.status == NumberStatus::Active,
                    // It was active by the time they asked.
                    Err(Error::Conflict { rule, .. }) => rule.contains("is held by the business already"),
                    Err(Error::Provider(_)) => false,
                    Err(other) => panic!("{other:?}"),
                })
                .collect()
        });
        assert!(came.iter().all(|good| *good == ends_well), "{ends_well}: {came:?}");
    }
    assert_eq!(scene.twilio.purchases().len(), 1);
    scene.is_balanced();
}

#[test]
fn a_number_that_can_not_be_asked_about_stays_in_use() {
    let scene = Scene::new();
    let row = scene.buy(&chicago(0)).unwrap();
    for fault in [TwilioFault::Unauthorized, TwilioFault::AnswerWith(403, 20_005), TwilioFault::AnswerWith(404, 0)] {
        let sid = nmc_core::telephony::ReportedNumber::Sid(row.twilio_phone_sid.clone().unwrap());
        nmc_core::numbers::note_number_status(&scene.db.store, &sid).unwrap();
        scene.twilio.fail_numbers_with([fault]);
        scene.numbers.pass().unwrap();
        assert_eq!(scene.statuses(), [NumberStatus::Active], "{fault:?} is no proof that it is lost");
        scene.an_hour_later();
        let row = scene.rows().remove(0);
        assert_eq!((row.status, row.status_reason, row.next_attempt_at), (NumberStatus::Active, None, None), "{fault:?}");
    }
}

/// A release is never given up, whatever stands in its way.
#[test]
fn a_release_goes_on_until_it_is_done() {
    let scene = Scene::new();
    let row = scene.buy(&chicago(0)).unwrap();
    for fault in std::iter::repeat_n(TwilioFault::Unauthorized, 6).chain(std::iter::repeat_n(TwilioFault::ErrorBefore, 9)) {
        scene.twilio.fail_numbers_with([fault]);
        if scene.rows()[0].release_requested_at.is_none() {
            scene.release(&row).unwrap();
        } else {
            scene.an_hour_later();
        }
        let row = scene.rows().remove(0);
        assert!(row.is_releasing() && row.next_attempt_at.is_some() && row.status_reason.is_some(), "{row:?}");
    }
    scene.an_hour_later();
    assert_eq!(scene.statuses(), [NumberStatus::Released]);
    scene.is_balanced();
}

#[test]
fn refused_order_is_in_error_with_its_reason_and_retried() {
    for (status, code, expected) in [
        (400, 21_422, "not for sale"),
        (400, 21_421, "not a phone number that Twilio knows"),
        (400, 21_404, "a trial account may hold one number"),
        (400, 21_631, "needs an address"),
        (400, 21_649, "needs a regulatory bundle"),
        (402, 0, "no funds"),
        (403, 20_005, "no funds"),
        (401, 20_003, "refuses our credentials"),
        (418, 31_337, "error 31337"),
    ] {
        let scene = Scene::new();
        scene.twilio.fail_numbers_with([Pass, Pass, TwilioFault::AnswerWith(status, code)]);
        let Err(Error::Provider(error)) = scene.buy(&chicago(0)) else { panic!("{code} is a refusal") };
        assert!(error.to_string().contains(expected), "{code}: {error}");
        let row = scene.rows().remove(0);
        assert_eq!((row.status, row.status_reason), (NumberStatus::Error, Some(error.told())), "{code}");
        assert_eq!(scene.buy(&chicago(0)).unwrap().status, NumberStatus::Active, "{code}");
        scene.is_balanced();
    }
}

/// The account owns the number under a name that is not this order's: it may be somebody's, and is left alone.
#[test]
fn number_owned_under_another_name_is_not_taken_over() {
    let scene = Scene::new();
    scene.twilio.fail_numbers_with([Pass, Pass, TwilioFault::TooMany(1)]);
    scene.buy(&chicago(0)).unwrap();
    let sid = scene.twilio.own(&chicago(0), "the shop next door", None);
    scene.an_hour_later();
    let row = scene.rows().remove(0);
    assert_eq!(row.status, NumberStatus::Error);
    assert!(row.status_reason.unwrap().contains("under another name"));
    assert_eq!(scene.twilio.owned()[0].friendly_name, "the shop next door");
    // Nor is it given back when the order is called off.
    let called_off = scene.release(&scene.rows()[0]).unwrap();
    assert_eq!((called_off.status, scene.twilio.owned()[0].sid.clone()), (NumberStatus::Released, sid));
}

#[test]
fn a_404_counts_as_given_back() {
    let scene = Scene::new();
    let row = scene.buy(&chicago(0)).unwrap();
    scene.twilio.lose(row.twilio_phone_sid.as_deref().unwrap());
    assert_eq!(scene.release(&row).unwrap().status, NumberStatus::Released);
}

#[test]
fn number_being_released_is_out_of_use_for_good() {
    let scene = Scene::new();
    let row = scene.buy(&chicago(0)).unwrap();
    scene.twilio.fail_numbers_with([TwilioFault::ErrorBefore]);
    let releasing = scene.release(&row).unwrap();
    assert_eq!((releasing.status, releasing.is_releasing()), (NumberStatus::Inactive, true));
    let back = scene.db.store.tenant(&scene.joe.tenant, |tx| tx.phone_numbers().set_status(row.id, NumberStatus::Active));
    assert_eq!(crate::support::refused(back).0, "release_requested_at");
    let again = crate::support::refused(scene.buy(&chicago(0)));
    assert!(again.1.contains("being released"), "{again:?}");
    // Asking twice is asking once.
    assert_eq!(scene.release(&row).unwrap().status, NumberStatus::Released);
    assert_eq!(scene.twilio.given_back().len(), 1);
}

// ------------------------------------------------------------------------------------------------ deaths

/// A provider whose caller dies: before the n-th exchange, or after it.
struct Mortal {
    inner: TwilioNumbers,
    /// Exchanges left; below zero nobody dies.
    left: AtomicI64,
    after: bool,
}

impl Mortal {
    fn exchange<T>(&self, ask: impl FnOnce(&TwilioNumbers) -> T) -> T {
        let dies = self.left.fetch_sub(1, Ordering::SeqCst) == 0;
        assert!(!dies || self.after, "killed before Twilio was reached");
        let answer = ask(&self.inner);
        assert!(!dies, "killed before the answer was noted");
        answer
    }
}

impl NumberProvider for Mortal {
    fn search(&self, search: &NumberSearch) -> Result<Vec<AvailableNumber>, ProviderError> {
        self.exchange(|twilio| twilio.search(search))
    }

    fn price(&self, country: Country, number_type: NumberType) -> Result<Price, ProviderError> {
        self.exchange(|twilio| twilio.price(country, number_type))
    }

    fn buy(&self, purchase: &Purchase<'_>) -> Result<OwnedNumber, ProviderError> {
        self.exchange(|twilio| twilio.buy(purchase))
    }

    fn find_by_number(&self, number: &PhoneNumber) -> Result<Option<OwnedNumber>, ProviderError> {
        self.exchange(|twilio| twilio.find_by_number(number))
    }

    fn find(&self, sid: &str) -> Result<Option<OwnedNumber>, ProviderError> {
        self.exchange(|twilio| twilio.find(sid))
    }

    fn list(&self, after: Option<&str>) -> Result<OwnedPage, ProviderError> {
        self.exchange(|twilio| twilio.list(after))
    }

    fn update(&self, sid: &str, friendly_name: &str, webhooks: &WebhookUrls) -> Result<OwnedNumber, ProviderError> {
        self.exchange(|twilio| twilio.update(sid, friendly_name, webhooks))
    }

    fn release(&self, sid: &str) -> Result<(), ProviderError> {
        self.exchange(|twilio| twilio.release(sid))
    }
}

/// Something that somebody does, with what goes wrong meanwhile.
#[derive(Debug, Clone)]
struct Step {
    what: What,
    faults: Vec<TwilioFault>,
    /// After how many exchanges they die, and whether the last one takes effect.
    death: Option<(i64, bool)>,
}

#[derive(Debug, Clone, Copy)]
enum What {
    Buy(u8),
    Release(u8),
    Work,
    Reconcile,
    /// Somebody else takes the number, if it is for sale.
    SellElsewhere(u8),
    Suspend(bool),
}

fn step() -> impl Strategy<Value = Step> {
    let what = prop_oneof![
        4 => (0_u8..3).prop_map(What::Buy),
        3 => (0_u8..3).prop_map(What::Release),
        3 => Just(What::Work),
        1 => Just(What::Reconcile),
        1 => (0_u8..3).prop_map(What::SellElsewhere),
        1 => any::<bool>().prop_map(What::Suspend),
    ];
    let fault = prop_oneof![4 => Just(Pass), 3 => prop::sample::select(FAULTS.to_vec()), 1 => Just(TwilioFault::Unauthorized)];
    let death = prop::option::weighted(0.3, (0_i64..5, any::<bool>()));
    (what, prop::collection::vec(fault, 0..6), death).prop_map(|(what, faults, death)| Step { what, faults, death })
}

/// Does it, with a worker of its own, who may die of it.
fn does(scene: &Scene, step: &Step) {
    let (left, after) = step.death.unwrap_or((-1, false));
    let provider = Mortal { inner: TwilioNumbers::new(&scene.twilio.account()), left: AtomicI64::new(left), after };
    let numbers = Provisioner::new(
        scene.db.store.clone(),
        Arc::new(provider),
        nmc_core::testing::webhook_urls("https://nmc.example.com"),
        ProvisioningConfig::default(),
    );
    scene.twilio.fail_numbers_with(step.faults.iter().copied());
    let operator = scene.operator();
    let done = catch_unwind(AssertUnwindSafe(|| match step.what {
        What::Buy(last) => {
            drop(numbers.buy(&operator, &NumberOrder::of(chicago(last), Country::US), Duration::ZERO, &mut |_| {}));
        }
        What::Release(last) => {
            let held = scene.db.store.tenant(&scene.joe.tenant, |tx| tx.phone_numbers().find_by_number(&chicago(last))).unwrap();
            if let Some(row) = held {
                drop(numbers.release(&operator, row.id, Confirmed::irrevocably(), Duration::ZERO, &mut |_| {}));
            }
        }
        What::Work => drop(numbers.pass()),
        What::Reconcile => drop(numbers.reconcile(false)),
        What::SellElsewhere(last) => drop(scene.twilio.sell_elsewhere(&chicago(last))),
        What::Suspend(suspended) => scene.joe.suspend(&scene.db, suspended),
    }));
    drop(done);
    scene.twilio.take_number_faults();
    // Some leases end between two steps, and some don't.
    scene.clock.advance(chrono::TimeDelta::seconds(70));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, max_shrink_iters: 40, ..ProptestConfig::default() })]

    /// Orders, releases, workers, reconciliations, faults and deaths in any order: in the end what Twilio bills is what is held.
    #[test]
    fn in_the_end_twilio_bills_what_is_held(steps in prop::collection::vec(step(), 1..12)) {
        let scene = Scene::new();
        for step in &steps {
            does(&scene, step);
            // Whatever the state, no number is owned by two rows.
            let rows = scene.rows();
            for (at, row) in rows.iter().enumerate() {
                let twin = rows.iter().skip(at + 1).any(|other| {
                    other.phone_number == row.phone_number && other.status != NumberStatus::Released && row.status != NumberStatus::Released
                });
                prop_assert!(!twin, "{rows:?}");
            }
        }
        scene.to_the_end();
        scene.is_balanced();
    }
}

// ------------------------------------------------------------------------------------------------ at once

#[test]
fn workers_at_once_carry_out_each_order_and_each_release_once() {
    let scene = Scene::new();
    let rows: Vec<_> = (0..4).map(|last| scene.buy(&chicago(last)).unwrap()).collect();
    for row in &rows {
        scene.twilio.fail_numbers_with([TwilioFault::ErrorBefore]);
        scene.release(row).unwrap();
    }
    for last in 4..8 {
        scene.twilio.fail_numbers_with([Pass, Pass, TwilioFault::TooMany(1)]);
        scene.buy(&chicago(last)).unwrap();
    }
    scene.clock.advance(chrono::TimeDelta::hours(1));
    let before = scene.twilio.number_requests();
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| while scene.numbers.pass().unwrap() > 0 {});
        }
    });
    let mut statuses = scene.statuses();
    statuses.sort_by_key(|status| status.label());
    assert_eq!(statuses, [[NumberStatus::Active; 4], [NumberStatus::Released; 4]].concat());
    assert_eq!(
        scene.twilio.number_requests() - before,
        4 * 2 + 4 * 2,
        "a question and a release each; a question and a purchase each"
    );
    scene.is_balanced();
}
