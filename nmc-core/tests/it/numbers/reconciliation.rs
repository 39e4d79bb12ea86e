//! Twilio's numbers against ours, in both directions.

use super::{Scene, chicago, provisioner};
use nmc_core::numbers::{Oddity, Outcome};
use nmc_core::telephony::friendly_name;
use nmc_core::testing::TwilioFault::{self, Pass};
use nmc_core::{Clock as _, Error, NumberStatus, PhoneNumberId};
use uuid::Uuid;

impl Scene {
    /// What a reconciliation finds: the number's end, the oddity, and the outcome.
    fn found(&self, dry_run: bool) -> Vec<(String, Oddity, Outcome)> {
        let outcome = self.numbers.reconcile(dry_run).unwrap();
        let told = outcome
            .findings
            .into_iter()
            .map(|finding| (finding.phone_number.as_str()[8..].to_owned(), finding.oddity, finding.outcome));
        let mut told: Vec<_> = told.collect();
        told.sort_by(|a, b| a.0.cmp(&b.0));
        told
    }
}

fn told(number: &str, oddity: Oddity, outcome: Outcome) -> (String, Oddity, Outcome) {
    (number.to_owned(), oddity, outcome)
}

#[test]
fn an_order_given_up_too_early_is_adopted() {
    let scene = Scene::new();
    // Refused, as it seemed, and carried out all the same.
    let given_up = |last: u8| {
        scene.twilio.fail_numbers_with([Pass, Pass, TwilioFault::AnswerWith(400, 21_999)]);
        assert!(matches!(scene.buy(&chicago(last)), Err(Error::Provider(_))));
        let row = scene.rows().pop().unwrap();
        assert_eq!(row.status, NumberStatus::Error);
        scene.twilio.own(&chicago(last), &friendly_name(row.id), None);
    };
    given_up(0);
    assert_eq!(scene.found(true), [told("0100", Oddity::Unheard, Outcome::Reported)]);
    assert_eq!(scene.statuses(), [NumberStatus::Error]);
    // Whoever is to find out dies, or gets no answer: it stays in error, and is not bought by anybody.
    scene.twilio.fail_numbers_with([Pass, TwilioFault::ErrorBefore]);
    let failed = Outcome::Failed("the provider can't be asked now; try again in a moment".to_owned());
    assert_eq!(scene.found(false), [told("0100", Oddity::Unheard, failed)]);
    assert_eq!((scene.statuses(), scene.rows()[0].next_attempt_at), (vec![NumberStatus::Error], None));
    assert_eq!(scene.found(false), [told("0100", Oddity::Unheard, Outcome::Adopted)]);
    let held = |at: usize| scene.rows()[at].twilio_phone_sid.clone();
    assert_eq!((held(0), scene.statuses()), (Some(scene.twilio.owned()[0].sid.clone()), vec![NumberStatus::Active]));
    scene.numbers.configure(&scene.operator(), scene.rows()[0].id).unwrap();
    assert_eq!(scene.found(false), []);
    // A suspended business's, too: it is paid for.
    given_up(1);
    scene.joe.suspend(&scene.db, true);
    assert_eq!(scene.found(false), [told("0101", Oddity::Unheard, Outcome::Adopted)]);
    assert_eq!((held(1), scene.twilio.purchases().len()), (Some(scene.twilio.owned()[1].sid.clone()), 0));
}

/// The purchase comes through after the order was called off: nobody wants it, and it is paid for.
#[test]
fn purchase_after_its_order_was_called_off_is_given_back() {
    let scene = Scene::new();
    scene.twilio.fail_numbers_with([Pass, Pass, TwilioFault::TooMany(1)]);
    let row = scene.buy(&chicago(0)).unwrap();
    assert_eq!(scene.release(&row).unwrap().status, NumberStatus::Released);
    scene.twilio.own(&chicago(0), &friendly_name(row.id), None);
    assert_eq!(scene.found(true), [told("0100", Oddity::Unreleased, Outcome::Reported)]);
    scene.twilio.fail_numbers_with([Pass, TwilioFault::ErrorBefore]);
    let failed = scene.found(false);
    assert_eq!(failed, [told("0100", Oddity::Unreleased, Outcome::Failed("Twilio answered 500".to_owned()))]);
    assert_eq!(scene.found(false), [told("0100", Oddity::Unreleased, Outcome::Finished)]);
    assert_eq!((scene.twilio.owned(), scene.found(false)), (vec![], vec![]));
}

#[test]
fn what_may_be_somebody_elses_is_reported_and_left_alone() {
    let scene = Scene::new();
    let held = scene.buy(&chicago(0)).unwrap();
    let stranger = friendly_name(PhoneNumberId::new(Uuid::now_v7()));
    scene.twilio.own(&chicago(1), "the shop next door", None);
    scene.twilio.own(&chicago(2), &stranger, None);
    // Held here under a SID that was lost, and bought again at Twilio by hand.
    let other = scene.buy(&chicago(3)).unwrap();
    scene.twilio.lose(other.twilio_phone_sid.as_deref().unwrap());
    scene.twilio.own(&chicago(3), "by hand", None);
    scene.twilio.rename(held.twilio_phone_sid.as_deref().unwrap(), "front desk");
    let expected = [
        told("0100", Oddity::Webhooks, Outcome::Reported),
        told("0101", Oddity::Foreign, Outcome::Reported),
        told("0102", Oddity::UnknownRow, Outcome::Reported),
        told("0103", Oddity::Mismatched, Outcome::Reported),
        told("0103", Oddity::NotOwned, Outcome::Reported),
    ];
    let (before, rows) = (scene.twilio.owned(), scene.rows());
    for dry_run in [true, false] {
        assert_eq!(scene.found(dry_run), expected);
    }
    assert_eq!((scene.twilio.owned(), scene.rows()), (before, rows));
    let outcome = scene.numbers.reconcile(false).unwrap();
    assert_eq!((outcome.owned, outcome.held, outcome.unaccounted().count(), outcome.open().count()), (4, 2, 3, 5));
}

#[test]
fn what_somebody_is_at_is_left_to_them() {
    let scene = Scene::new();
    scene.twilio.fail_numbers_with([Pass, Pass, TwilioFault::HoldAfter]);
    std::thread::scope(|scope| {
        let buyer = scope.spawn(|| scene.buy(&chicago(0)).unwrap());
        scene.twilio.wait_for_held();
        assert_eq!(scene.found(false), [told("0100", Oddity::Underway, Outcome::Reported)]);
        let outcome = scene.numbers.reconcile(false).unwrap();
        assert_eq!((outcome.unaccounted().count(), outcome.open().count()), (0, 0), "nothing for anybody to look at");
        let busy = scene.release(&scene.rows()[0]);
        assert!(crate::support::refused(busy).1.contains("is being bought at this moment"));
        scene.twilio.release();
        assert_eq!(buyer.join().unwrap().status, NumberStatus::Active);
    });
    assert_eq!(scene.found(false), []);
}

/// A buyer that was stopped for longer than its lease: another one has ended the order meanwhile.
#[test]
fn who_comes_too_late_changes_nothing() {
    let scene = Scene::new();
    scene.twilio.fail_numbers_with([Pass, Pass, TwilioFault::HoldBefore]);
    std::thread::scope(|scope| {
        let late = scope.spawn(|| scene.buy(&chicago(0)).unwrap());
        scene.twilio.wait_for_held();
        scene.clock.advance(chrono::TimeDelta::seconds(91));
        assert_eq!(provisioner(&scene.db, &scene.twilio).pass().unwrap(), 1);
        let row = scene.rows().remove(0);
        assert_eq!(row.status, NumberStatus::Active);
        scene.twilio.release();
        let told = late.join().unwrap();
        assert_eq!((told.status, &told.twilio_phone_sid), (NumberStatus::Active, &row.twilio_phone_sid));
        assert_eq!(scene.rows(), [row]);
    });
    scene.is_balanced();
}

/// The same, and the other one was told to wait: the late one does not put itself in its place.
#[test]
fn who_comes_too_late_does_not_undo_what_another_was_told() {
    let scene = Scene::new();
    scene.twilio.fail_numbers_with([Pass, Pass, TwilioFault::HoldBefore, Pass, TwilioFault::TooMany(600)]);
    std::thread::scope(|scope| {
        let late = scope.spawn(|| scene.buy(&chicago(0)).unwrap());
        scene.twilio.wait_for_held();
        scene.clock.advance(chrono::TimeDelta::seconds(91));
        assert_eq!(provisioner(&scene.db, &scene.twilio).pass().unwrap(), 1);
        let row = scene.rows().remove(0);
        assert_eq!((row.next_attempt_at.unwrap() - scene.clock.now()).num_seconds(), 600);
        scene.twilio.release();
        assert_eq!(late.join().unwrap().status, NumberStatus::Provisioning);
        assert_eq!(scene.rows(), [row]);
    });
    scene.to_the_end();
    scene.is_balanced();
}

#[test]
fn a_large_account_is_read_page_by_page() {
    let scene = Scene::new();
    scene.db.execute("UPDATE tenants SET phone_number_limit = 5000");
    let tenant = scene.joe.tenant.id();
    scene.db.execute(&format!(
        "INSERT INTO phone_numbers (tenant_id, id, phone_number, twilio_phone_sid, status, provisioned_at) \
         SELECT '{tenant}', lpad(n::text, 32, '0')::uuid, '+1646' || (5000000 + n), 'PN' || n, 'active', '2026-01-01' \
         FROM generate_series(1, 2300) AS n"
    ));
    for n in 1..=2_300 {
        let id: PhoneNumberId = format!("{n:032}").parse().unwrap();
        let number = format!("+1646{}", 5_000_000 + n).parse().unwrap();
        scene.twilio.own(&number, &friendly_name(id), Some(format!("PN{n}")));
    }
    scene.twilio.lose("PN1777");
    scene.twilio.own(&chicago(1), "(312) 555-0101", None);
    let before = scene.twilio.number_requests();
    let outcome = scene.numbers.reconcile(true).unwrap();
    assert_eq!((outcome.owned, outcome.held), (2_300, 2_300));
    let (webhooks, rest): (Vec<_>, Vec<_>) = outcome.findings.iter().partition(|finding| finding.oddity == Oddity::Webhooks);
    assert_eq!(webhooks.len(), 2_299, "none of them was told ours");
    let rest: Vec<_> = rest.iter().map(|finding| (finding.phone_number.to_string(), finding.oddity)).collect();
    assert_eq!(rest, [(chicago(1).to_string(), Oddity::Foreign), ("+16465001777".to_owned(), Oddity::NotOwned)]);
    assert_eq!(scene.twilio.number_requests() - before, 3 + 1, "three pages, and a question about the one that is missing");
}

#[test]
fn account_that_cannot_be_read_is_told_and_changes_nothing() {
    let scene = Scene::new();
    scene.buy(&chicago(0)).unwrap();
    for fault in [TwilioFault::ErrorBefore, TwilioFault::Garbage, TwilioFault::TooMany(1), TwilioFault::DropBefore] {
        scene.twilio.fail_numbers_with([fault]);
        assert!(matches!(scene.numbers.reconcile(false), Err(Error::Unavailable { .. })), "{fault:?}");
    }
    scene.twilio.fail_numbers_with([TwilioFault::Unauthorized]);
    assert!(matches!(scene.numbers.reconcile(false), Err(Error::Provider(_))));
    assert_eq!(scene.statuses(), [NumberStatus::Active]);
}
