//! `nmc tenant onboard` at a terminal.

use crate::nmc::Nmc;
use crate::onboard::authenticator;
use crate::terminal::Terminal;
use nmc_core::Secret;
use nmc_core::access::Origin;
use nmc_core::tenants::NewTenant;
use nmc_core::testing::TestDb;
use nmc_core::workflows::onboard;
use rustix::process::Signal;
use serde_json::Value;

const ONBOARD: &[&str] = &["tenant", "onboard", "--format", "json"];
const PASSWORD: &str = "under a sïnk all day";

fn businesses(db: &TestDb) -> i64 {
    db.query("SELECT count(*) FROM tenants")[0]
}

#[test]
fn it_asks_for_everything_explains_what_is_wrong_and_asks_again() {
    let db = TestDb::new();
    onboard(&db.store, &NewTenant { business_name: "Taken".to_owned(), ..NewTenant::default() }).expect("a business");
    let mut terminal = Terminal::start(&Nmc::on(db.url()), ONBOARD);
    let phone = "The phone it has had so far";
    terminal.answer(&[
        ("Its name", ""),
        ("a business needs a name", "Taken"),
        ("there is a business of that name already", "Joe's Plumbing"),
        (phone, "555-0199"),
        ("must be in E.164", "+13125550199"),
        ("Its address", " 1 Main St "),
        ("Its trade", "plumbing"),
        ("Its zone", "Mars/Olympus"),
        ("must be a zone of the IANA list", "America/Chicago"),
        ("Its owner's e-mail", "joe"),
        ("must be an address", "joe@example.com"),
        ("given name", ""),
        ("this can't be left out", "Joe"),
        ("family name", "Plumber"),
        ("Where to reach its owner", ""),
        ("Its owner's password", "short"),
        ("it must be at least 10 characters\r\nIts owner's password", PASSWORD),
        ("The same again", "under another sink"),
        // Corrected as one corrects oneself: a character of two bytes taken back, and a whole line.
        ("these were two different ones\r\nIts owner's password", "all wrong\u{15}under a sï\u{7f}ïnk all day"),
        ("The same again", PASSWORD),
    ]);
    for shown in ["Joe's Plumbing", "+13125550199", "1 Main St", "America/Chicago", "Joe Plumber", "joe@example.com"] {
        terminal.wait_for(shown);
    }
    assert_eq!(businesses(&db), 1, "nothing is written before the last yes");
    terminal.answer(&[("Go on? [y/N] ", "y")]);
    let said = terminal.end().ok();
    assert!(!said.err.contains("sïnk") && !said.err.contains("short"), "no password is shown: {said:?}");
    let made: Value = serde_json::from_str(&said.out).expect("JSON");
    assert_eq!((&made["business_address"], &made["owner"]["role"]), (&"1 Main St".into(), &"owner".into()));
    let joe = "joe@example.com".parse().expect("an address");
    authenticator(&db).login(&joe, &Secret::new(PASSWORD), &Origin::default()).expect("the password that was typed");
}

#[test]
fn answer_the_database_refuses_is_asked_again_and_no_other() {
    let db = TestDb::new();
    let taken = NewTenant {
        business_name: "Taken".to_owned(),
        business_phone: Some("+13125550199".parse().expect("a number")),
        ..NewTenant::default()
    };
    onboard(&db.store, &taken).expect("a business");
    let mut terminal = Terminal::start(&Nmc::on(db.url()), &[ONBOARD, &["--trade", "plumbing"]].concat());
    terminal.answer(&[
        ("Its name", "Joe's Plumbing"),
        ("so far", "+13125550199"),
        ("address", ""),
        ("Its trade, like plumbing (may be left out) [plumbing]: ", ""),
        ("zone", ""),
        ("e-mail", ""),
        ("Go on?", "y"),
        ("business_phone is already taken", "+13125550198"),
        ("Go on?", "yes"),
    ]);
    let said = terminal.end().ok();
    let made: Value = serde_json::from_str(&said.out).expect("JSON");
    assert_eq!((&made["business_phone"], &made["business_type"]), (&"+13125550198".into(), &"plumbing".into()));
    assert!(said.err.contains("nmc user invite"), "{said:?}");
}

#[test]
fn whoever_stops_leaves_nothing_behind() {
    let db = TestDb::new();
    let nmc = Nmc::on(db.url());
    let start = || {
        let mut terminal = Terminal::start(&nmc, ONBOARD);
        terminal.answer(&[("Its name", "Joe's Plumbing"), ("so far", ""), ("address", ""), ("trade", ""), ("zone", "")]);
        terminal
    };
    let owner = [("e-mail", "joe@example.com"), ("given", "Joe"), ("family", "Plumber"), ("reach", "")];

    let mut terminal = start();
    terminal.answer(&[("e-mail", ""), ("Go on?", "")]);
    assert_eq!(terminal.end().code(2).out, "");

    let mut terminal = start();
    terminal.wait_for("e-mail");
    terminal.interrupt();
    assert_eq!(terminal.end().killed_by(Signal::INT).out, "");

    // The end of the input, as Ctrl-D at the start of a line makes it.
    let mut terminal = start();
    terminal.wait_for("e-mail");
    terminal.press("\u{4}");
    assert!(terminal.end().code(2).err.contains("nothing was done"));

    for key in ["\u{3}", "\u{4}"] {
        let mut terminal = start();
        terminal.answer(&owner);
        terminal.wait_for("password");
        assert!(!terminal.shows_what_is_typed());
        terminal.press(key);
        assert!(terminal.end().code(130).err.contains("nothing was done"));
        assert!(terminal.shows_what_is_typed(), "the terminal is as it was");
    }
    assert_eq!(businesses(&db), 0);
}

#[test]
fn with_a_name_only_the_password_is_asked_for() {
    let db = TestDb::new();
    let owner = ["--owner-email", "joe@example.com", "--owner-first-name", "Joe", "--owner-last-name", "Plumber"];
    for (name, file) in [("Joe's Plumbing", &[][..]), ("Joe's Other Plumbing", &["--owner-password-file", "-"])] {
        let all = [ONBOARD, &["--name", name], &owner, file].concat();
        let mut terminal = Terminal::start(&Nmc::on(db.url()), &all);
        terminal.answer(&[("password", PASSWORD), ("again", PASSWORD)]);
        let said = terminal.end();
        assert!(!said.err.contains("sïnk"), "{said:?}");
        // The second has the same owner, whose address is taken.
        if file.is_empty() {
            said.ok()
        } else {
            said.refused(2, "email is already taken")
        };
    }
    assert_eq!(businesses(&db), 1, "and of the second one nothing stays");
}
