//! nmc killed at every step of an order and of a release, and after every answer of Twilio's; and several of them at once.

use super::{CHICAGO, Scene};
use nmc_core::testing::{TwilioFault, wait_until};

/// Where a process dies.
#[derive(Debug, Clone, Copy)]
enum Moment {
    /// The n-th request to Twilio is on its way, and has done nothing.
    Before,
    /// It was carried out, and its answer is on its way.
    After,
    /// The answer has come, and what it says is about to be written.
    Noting,
}

impl Scene {
    /// Runs a command, and kills it at its n-th request (from 0). `false`: it had ended by then.
    fn killed_at(&self, arguments: &[&str], request: usize, moment: Moment) -> bool {
        let fault = match moment {
            Moment::Before => TwilioFault::HoldBefore,
            Moment::After | Moment::Noting => TwilioFault::HoldAfter,
        };
        self.twilio.fail_numbers_with(std::iter::repeat_n(TwilioFault::Pass, request).chain([fault]));
        let mut running = self.nmc.start(&[&["number"], arguments].concat());
        wait_until("it is held, or has ended", || self.twilio.is_holding() || running.has_ended());
        if !self.twilio.is_holding() {
            running.end().ok();
            self.twilio.take_number_faults();
            return false;
        }
        match moment {
            Moment::Before | Moment::After => {
                running.kill();
                self.twilio.release();
            }
            Moment::Noting => {
                let mut blockade = self.db.block("phone_numbers");
                self.twilio.release();
                // A question about nothing of ours is followed by another question; then it is not stopped here.
                blockade.wait_for_blocked(1);
                running.kill();
            }
        }
        true
    }

    /// What a dead process had claimed comes back when its lease ends.
    fn let_leases_end(&self) {
        wait_until("its transactions are gone", || {
            self.db.query::<i64>(
                "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND application_name = 'nmc' \
                 AND state <> 'idle' AND pid <> pg_backend_pid()",
            ) == [0]
        });
        self.db
            .execute("UPDATE phone_numbers SET lease_expires_at = now(), next_attempt_at = now() WHERE lease_owner IS NOT NULL");
    }

    /// Lets a worker end what is open.
    fn work_to_the_end(&self) {
        let worker = self.nmc.start(&["worker"]);
        let open = "SELECT count(*) FROM phone_numbers WHERE next_attempt_at IS NOT NULL";
        wait_until("all is done", || self.db.query::<i64>(open) == [0]);
        worker.interrupt();
        worker.end().ok();
    }
}

/// The requests of an order: is it for sale, for how much (twice: before and after the yes), and the purchase; after a death
/// the question whether it was bought, and then the purchase.
#[test]
fn killed_at_any_step_an_order_is_taken_to_its_end_once() {
    let mut deaths = 0;
    for moment in [Moment::Before, Moment::After, Moment::Noting] {
        for request in 0..8 {
            // Only the purchase is followed by a note, and by no other request.
            if matches!(moment, Moment::Noting) && request != 4 {
                continue;
            }
            let scene = Scene::new();
            let buy = ["buy", CHICAGO, "--yes"];
            if !scene.killed_at(&buy, request, moment) {
                assert_eq!(request, 5, "an order has five requests");
                scene.is_balanced();
                break;
            }
            deaths += 1;
            scene.let_leases_end();
            match scene.rows().as_slice() {
                [] => assert!(request < 4, "{moment:?} {request}: the intent was committed before anything was bought"),
                [(_, status, _)] => {
                    assert_eq!((request, status.as_str()), (4, "provisioning"), "{moment:?}");
                    scene.work_to_the_end();
                    assert_eq!(scene.rows()[0].1, "active");
                }
                rows => panic!("{rows:?}"),
            }
            scene.is_balanced();
            assert_eq!(scene.twilio.purchases().len(), usize::from(request == 4), "{moment:?} {request}");
        }
    }
    assert_eq!(deaths, 11);
}

/// An order whose first buyer has died is gone on with by somebody who dies, too.
#[test]
fn order_killed_while_it_goes_on_is_taken_to_its_end_once() {
    for first in [Moment::Before, Moment::After] {
        // The question whether it was bought, and, if it was not, the purchase.
        for (request, second) in
            [(0, Moment::Before), (0, Moment::After), (1, Moment::Before), (1, Moment::After), (1, Moment::Noting)]
        {
            let was_bought = matches!(first, Moment::After);
            let (request, second) = match (was_bought, request, second) {
                (true, 0, _) | (false, ..) => (request, second),
                (true, _, Moment::Noting) => (0, Moment::Noting),
                (true, ..) => continue,
            };
            let scene = Scene::new();
            let buy = ["buy", CHICAGO, "--yes"];
            assert!(scene.killed_at(&buy, 4, first));
            scene.let_leases_end();
            assert!(scene.killed_at(&buy, request, second), "{first:?}, {request} {second:?}");
            scene.let_leases_end();
            scene.work_to_the_end();
            assert_eq!(scene.rows()[0].1, "active");
            scene.is_balanced();
            assert_eq!(scene.twilio.purchases().len(), 1, "{first:?}, {request} {second:?}");
        }
    }
}

#[test]
fn killed_at_any_step_a_release_is_taken_to_its_end() {
    for moment in [Moment::Before, Moment::After, Moment::Noting] {
        let scene = Scene::new();
        scene.number(&["buy", CHICAGO, "--yes"]).ok();
        assert!(scene.killed_at(&["release", CHICAGO, "--yes"], 0, moment));
        assert_eq!(scene.rows()[0].1, "inactive", "{moment:?}: the wish was committed before Twilio was asked");
        scene.let_leases_end();
        scene.work_to_the_end();
        assert_eq!(scene.rows()[0].1, "released");
        scene.is_balanced();
        assert_eq!(scene.twilio.given_back().len(), 1, "{moment:?}");
    }
}

/// An order that may have been carried out is called off, and whoever does that dies.
#[test]
fn killed_while_calling_off_an_order_nothing_stays_paid_for() {
    for bought in [Moment::Before, Moment::After] {
        for (request, moment) in
            [(0, Moment::Before), (0, Moment::After), (1, Moment::Before), (1, Moment::After), (1, Moment::Noting)]
        {
            if matches!(bought, Moment::Before) && request == 1 {
                continue;
            }
            let scene = Scene::new();
            assert!(scene.killed_at(&["buy", CHICAGO, "--yes"], 4, bought));
            scene.let_leases_end();
            assert!(scene.killed_at(&["release", CHICAGO, "--yes"], request, moment), "{bought:?}, {request} {moment:?}");
            scene.let_leases_end();
            scene.work_to_the_end();
            assert_eq!(scene.rows()[0].1, "released");
            scene.is_balanced();
        }
    }
}

/// A reconciliation that adopts one number and gives back another, killed at each of its steps.
#[test]
fn killed_at_any_step_a_reconciliation_is_repeated_to_its_end() {
    // The list; the purchase's look-up (the newest is first), and the release.
    for (request, moment) in [
        (0, Moment::Before),
        (0, Moment::After),
        (0, Moment::Noting),
        (1, Moment::Before),
        (1, Moment::After),
        (1, Moment::Noting),
        (2, Moment::Before),
        (2, Moment::After),
    ] {
        let scene = Scene::new();
        scene.number(&["buy", "+13125550106", "--yes"]).ok();
        let sid = scene.rows()[0].2.clone().expect("a SID");
        let id: Vec<String> = scene.db.query("SELECT id::text FROM phone_numbers WHERE phone_number = '+13125550106'");
        scene.number(&["release", "+13125550106", "--yes"]).ok();
        scene.twilio.own(&"+13125550106".parse().expect("a number"), &format!("nmc:{}", id[0]), Some(sid));
        assert!(scene.killed_at(&["buy", CHICAGO, "--yes"], 4, Moment::After));
        scene.let_leases_end();
        scene.db.execute("UPDATE phone_numbers SET status = 'error', next_attempt_at = NULL, lease_owner = NULL, lease_expires_at = NULL WHERE status = 'provisioning'");
        assert!(scene.killed_at(&["reconcile"], request, moment), "{request} {moment:?}");
        scene.let_leases_end();
        scene.number(&["reconcile"]).ok();
        let again = scene.number(&["reconcile"]).ok();
        assert!(again.err.contains("2 numbers at Twilio, 2 held here; 0 paid for"), "{request} {moment:?}: {again:?}");
        scene.is_balanced();
    }
}

/// Two workers and two commands at once, with answers that get lost: what is ordered is bought once, what is released is gone.
#[test]
fn several_at_once_buy_nothing_twice() {
    let scene = Scene::new();
    let numbers: Vec<String> = (0..6).map(|n| format!("+1415555011{n}")).collect();
    let lost = [TwilioFault::DropAfter, TwilioFault::Pass, TwilioFault::ErrorAfter, TwilioFault::Pass, TwilioFault::Duplicate];
    let workers = [scene.nmc.start(&["worker"]), scene.nmc.start(&["worker"])];
    for worker in &workers {
        worker.says("sending queued texts");
    }
    let faults = std::iter::repeat_n(TwilioFault::Pass, 14).chain(lost.into_iter().cycle().take(15));
    scene.twilio.fail_numbers_with(faults);
    std::thread::scope(|scope| {
        for number in &numbers {
            for _ in 0..2 {
                // Of two at once one may be refused: the number is ordered already. What counts is what is held in the end.
                scope.spawn(|| drop(scene.number(&["buy", number, "--yes", "--wait", "1"])));
            }
        }
    });
    scene.twilio.take_number_faults();
    wait_until("all is done", || {
        scene.db.query::<i64>("SELECT count(*) FROM phone_numbers WHERE next_attempt_at IS NOT NULL") == [0]
    });
    for worker in workers {
        worker.interrupt();
        worker.end().ok();
    }
    scene.number(&["reconcile"]).ok();
    scene.is_balanced();
    // Who asked for a number that another order was just at may ask again, and has it.
    for number in &numbers {
        let held = scene.number(&["buy", number, "--yes"]);
        assert!(held.err.contains("is held by the business already") || held.err.contains("buying"), "{held:?}");
    }
    assert!(scene.rows().iter().all(|row| row.1 == "active") && scene.rows().len() == numbers.len(), "{:?}", scene.rows());
    scene.is_balanced();
    for number in &numbers {
        let bought = scene.twilio.purchases().iter().filter(|(bought, _)| bought == number).count();
        assert!(bought <= 1, "{number} was bought {bought} times");
    }
}
