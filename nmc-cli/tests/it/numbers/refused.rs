//! What can't be done: each with its own words and its own exit code.

use super::{CHICAGO, JOE, Scene};
use crate::terminal::Terminal;
use nmc_core::testing::{TwilioFault, wait_until};
use serde_json::json;

#[test]
fn each_refusal_has_its_own_words_and_exit_code() {
    let scene = Scene::new();
    scene.number(&["buy", "312-555-0105", "--yes"]).refused(2, "must be in E.164, like +14155550123");
    scene.number(&["buy", CHICAGO, "--country", "USA", "--yes"]).refused(2, "must be an ISO 3166 code of two letters, like US");
    for command in [&["buy", CHICAGO, "--yes", "--country", "XX"][..], &["search", "--country", "XX"]] {
        scene.number(command).refused(7, "the provider sells no numbers of this kind in that country");
    }
    scene.number(&["search", "--type", "mobile"]).refused(7, "no numbers of this kind");
    scene.twilio.sell_elsewhere(&CHICAGO.parse().unwrap());
    scene.number(&["buy", CHICAGO, "--yes"]).refused(4, "not for sale, or somebody has taken it meanwhile");
    scene.number(&["buy", "--area-code", "999", "--yes"]).refused(4, "not for sale");
    assert!(scene.number(&["search", "--area-code", "999"]).ok().err.contains("no number for sale is like that"));
    assert_eq!(scene.rows(), [], "nothing was begun");

    scene.twilio.run_out_of_funds();
    scene.number(&["buy", "+13125550106", "--yes"]).refused(5, "has no funds or is suspended (error 20005); top it up");
    let wrong = scene.nmc.clone().with("TWILIO_AUTH_TOKEN", "wrong");
    for command in [&["search"][..], &["buy", "+13125550107", "--yes"], &["reconcile"]] {
        let said = wrong.run(&[&["number"], command].concat());
        said.refused(6, "the provider refuses our credentials (error 20003); check TWILIO_ACCOUNT_SID and TWILIO_AUTH_TOKEN");
    }
    scene.number(&["search", "--country", "GB", "--type", "mobile"]).ok();
    scene.twilio.top_up();
    scene.number(&["buy", "+447700900105", "--country", "GB", "--type", "mobile", "--yes"]).refused(8, "told Twilio an address");
    scene
        .nmc
        .clone()
        .with("NMC_TWILIO_API_URL", "http://127.0.0.1:1")
        .run(&["number", "search"])
        .refused(3, "the provider can't be asked now");
    assert_eq!(scene.rows().len(), 1, "the order that the money was lacking for");
}

#[test]
fn at_a_terminal_it_asks_and_does_nothing_without_a_yes() {
    let scene = Scene::new();
    for (command, question) in [
        (["number", "buy", CHICAGO], "1.15 USD a month, and 0.00 USD once. Go on? [y/N] "),
        (["number", "release", scene.joe.number.as_str()], "and somebody else may get it. Go on? [y/N] "),
    ] {
        for answer in ["", "n", "maybe"] {
            let mut terminal = Terminal::start(&scene.nmc, &command);
            terminal.answer(&[(question, answer)]);
            let said = terminal.end().code(2);
            assert!(said.err.contains("nothing was done"), "{said:?}");
        }
        assert_eq!((scene.twilio.purchases().len(), scene.twilio.given_back().len()), (0, 0));
    }
    let mut terminal = Terminal::start(&scene.nmc, &["number", "buy", CHICAGO]);
    terminal.answer(&[("Go on? [y/N] ", "y")]);
    terminal.wait_for("buying +13125550105 …");
    terminal.end().ok();
    scene.is_balanced();
}

#[test]
fn what_is_not_set_up_is_told_before_anything_is_started() {
    let scene = Scene::new();
    for (name, why) in [
        ("TWILIO_ACCOUNT_SID", "needs TWILIO_ACCOUNT_SID"),
        ("TWILIO_AUTH_TOKEN", "needs TWILIO_AUTH_TOKEN"),
        ("NMC_PUBLIC_URL", "needs NMC_PUBLIC_URL"),
    ] {
        let without = scene.nmc.clone().with(name, "").with("DATABASE_URL", "postgres://127.0.0.1:1/nmc");
        if name != "NMC_PUBLIC_URL" {
            without.run(&["number", "search"]).refused(2, why);
        }
        for command in [&["buy", CHICAGO][..], &["release", CHICAGO], &["configure"], &["reconcile"]] {
            without.run(&[&["number"], command].concat()).refused(2, why);
        }
    }
    scene.nmc.with("TWILIO_ACCOUNT_SID", "AC1/../x").run(&["number", "search"]).refused(2, "letters and digits");
}

#[test]
fn failed_order_is_kept_with_its_reason_and_taken_up_again() {
    let scene = Scene::new();
    scene.twilio.run_out_of_funds();
    scene.number(&["buy", CHICAGO, "--yes"]).refused(5, "top it up");
    let shown = scene.json(&["show", CHICAGO]);
    assert_eq!(shown["status"], json!("error"));
    assert!(shown["status_reason"].as_str().unwrap().contains("no funds"), "{shown}");
    let dry = scene.number(&["buy", CHICAGO, "--dry-run"]).ok();
    assert!(dry.err.contains("goes on with an earlier order"), "{dry:?}");
    scene.twilio.top_up();
    let bought = scene.json(&["buy", CHICAGO, "--yes"]);
    assert_eq!((&bought["status"], &bought["id"], &bought["status_reason"]), (&json!("active"), &shown["id"], &json!(null)));
    scene.is_balanced();
}

#[test]
fn number_taken_before_its_purchase_is_an_order_in_error() {
    let scene = Scene::new();
    // Search, price, search, price: and then the purchase is refused.
    let pass = [TwilioFault::Pass; 4];
    scene.twilio.fail_numbers_with(pass.into_iter().chain([TwilioFault::AnswerWith(400, 21_422)]));
    scene.number(&["buy", CHICAGO, "--yes"]).refused(4, "somebody has taken it meanwhile");
    assert_eq!(scene.rows()[0].1, "error");
    let called_off = scene.json(&["release", CHICAGO, "--yes"]);
    assert_eq!((&called_off["status"], &called_off["twilio_phone_sid"]), (&json!("released"), &json!(null)));
    scene.is_balanced();
}

#[test]
fn the_limit_and_a_suspension_are_heeded() {
    let scene = Scene::new();
    scene.nmc.run(&["tenant", "change", JOE, "--number-limit", "2"]).ok();
    scene.number(&["buy", CHICAGO, "--yes"]).ok();
    scene.number(&["buy", "+13125550106", "--yes"]).refused(2, "would be one more than the business may hold");
    scene.number(&["release", CHICAGO, "--yes"]).ok();
    scene.nmc.run(&["tenant", "suspend", JOE, "--yes"]).ok();
    scene.number(&["buy", "+13125550106", "--yes"]).refused(2, "the business is suspended");
    // But what it has can be given back.
    scene.number(&["release", scene.joe.number.as_str(), "--yes"]).ok();
    scene.is_balanced();
}

/// Whatever goes wrong with the first answers, the command or a worker ends it, and nothing is bought twice.
#[test]
fn a_lost_answer_ends_in_one_number() {
    for fault in [
        TwilioFault::ErrorBefore,
        TwilioFault::ErrorAfter,
        TwilioFault::DropBefore,
        TwilioFault::DropAfter,
        TwilioFault::Garbage,
        TwilioFault::Duplicate,
        TwilioFault::TooMany(1),
    ] {
        let scene = Scene::new();
        let pass = [TwilioFault::Pass; 4];
        scene.twilio.fail_numbers_with(pass.into_iter().chain([fault]));
        let bought = scene.json(&["buy", CHICAGO, "--yes"]);
        assert_eq!(bought["status"], json!("active"), "{fault:?}");
        scene.is_balanced();
        assert_eq!(scene.twilio.purchases().len(), 1, "{fault:?}");

        scene.twilio.fail_numbers_with([fault]);
        let released = scene.json(&["release", CHICAGO, "--yes"]);
        assert_eq!(released["status"], json!("released"), "{fault:?}");
        scene.is_balanced();
    }
}

#[test]
fn what_is_not_done_in_time_a_worker_ends() {
    let scene = Scene::new();
    // The purchase is lost, and so is the question about it.
    let faults = [TwilioFault::Pass; 4].into_iter().chain([TwilioFault::DropAfter, TwilioFault::ErrorBefore]);
    scene.twilio.fail_numbers_with(faults);
    let said = scene.number(&["buy", CHICAGO, "--yes", "--wait", "0", "--format", "json"]).code(3);
    assert!(said.err.contains("it is not certain yet whether the number was bought"), "{said:?}");
    assert_eq!(scene.rows()[0].1, "provisioning");
    scene.number(&["release", CHICAGO, "--yes", "--dry-run"]).ok();
    let worker = scene.nmc.start(&["worker"]);
    wait_until("the order is ended", || scene.rows()[0].1 == "active");
    worker.interrupt();
    worker.end().ok();
    scene.is_balanced();
    assert_eq!(scene.twilio.purchases().len(), 1);
}
