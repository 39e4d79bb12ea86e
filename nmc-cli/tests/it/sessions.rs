//! `nmc session`, and accounts that wrong passwords have locked.

use crate::nmc::Nmc;
use crate::onboard::authenticator;
use nmc_core::access::{Origin, Tokens};
use nmc_core::testing::{Business, TestDb};
use nmc_core::{Email, Error, Secret};
use serde_json::{Value, json};

const JOE: &str = "Joe's Plumbing";
const PASSWORD: &str = "under a sink all day";

fn address(email: &str) -> Email {
    email.parse().expect("an address")
}

/// Invites somebody and chooses a password for them.
fn come_in(db: &TestDb, nmc: &Nmc, email: &str) {
    let who = ["--email", email, "--first-name", "Ann", "--last-name", "Other", "--role", "admin", "--format", "json"];
    let made = nmc.run(&[&["user", "invite"], &who[..]].concat()).json();
    let invitation = Secret::new(made["invitation"].as_str().expect("an invitation"));
    authenticator(db).accept_invitation(&invitation, &Secret::new(PASSWORD)).expect("a password");
}

fn log_in(db: &TestDb, email: &str, device: &str) -> Result<Tokens, Error> {
    let ip_address = Some("198.51.100.7".parse().expect("an address"));
    let origin = Origin { ip_address, device_fingerprint: Some(device.to_owned()), ..Origin::default() };
    authenticator(db).login(&address(email), &Secret::new(PASSWORD), &origin)
}

fn rows(page: &Value) -> Vec<(&str, &str)> {
    page["items"]
        .as_array()
        .expect("rows")
        .iter()
        .map(|row| (row["email"].as_str().expect("an e-mail"), row["device"].as_str().expect("a device")))
        .collect()
}

#[test]
fn sessions_are_listed_and_ended_one_or_all_of_a_person() {
    let db = TestDb::new();
    let _business = Business::onboard(&db.store, JOE);
    let _rival = Business::onboard(&db.store, "Rival Rooter");
    let nmc = Nmc::on(db.url()).with("NMC_TENANT", JOE);
    for email in ["ann@example.com", "bob@example.com"] {
        come_in(&db, &nmc, email);
    }
    // Choosing a password logs in, too.
    db.execute("DELETE FROM user_sessions");
    for (email, device) in [("ann@example.com", "phone"), ("ann@example.com", "laptop"), ("bob@example.com", "tablet")] {
        log_in(&db, email, device).expect("a login");
    }
    let list = |more: &[&str]| nmc.run(&[&["session", "list", "--format", "json"], more].concat()).json();
    let all = list(&[]);
    assert_eq!(rows(&all), [("bob@example.com", "tablet"), ("ann@example.com", "laptop"), ("ann@example.com", "phone")]);
    assert_eq!(all["items"][0]["ip_address"], "198.51.100.7");
    assert!(!all.to_string().contains("hash"), "nothing of the tokens: {all}");
    let ann = list(&["--user", "ann@example.com"]);
    assert_eq!(rows(&ann), [("ann@example.com", "laptop"), ("ann@example.com", "phone")]);

    let laptop = ann["items"][0]["id"].as_str().expect("an id");
    let rival = nmc.clone().with("NMC_TENANT", "Rival Rooter");
    rival.run(&["session", "end", laptop]).refused(2, "session not found");
    rival.run(&["session", "end", "--user", "ann@example.com"]).refused(2, "user ann@example.com not found");
    assert_eq!(rows(&rival.run(&["session", "list", "--format", "json"]).json()), []);
    for ended in ["1 session ended", "0 sessions ended"] {
        assert!(nmc.run(&["session", "end", laptop]).ok().err.contains(ended), "once");
    }
    assert_eq!(rows(&list(&["--user", "ann@example.com"])), [("ann@example.com", "phone")]);
    log_in(&db, "ann@example.com", "desktop").expect("a login");
    let ended = nmc.run(&["session", "end", "--user", "ann@example.com", "--format", "json"]).json();
    assert_eq!(ended, json!({"ended": 2}));
    assert_eq!(rows(&list(&[])), [("bob@example.com", "tablet")]);
    nmc.run(&["session", "end"]).refused(2, "name a session by its id, or a person with --user");
}

#[test]
fn locked_account_is_shown_and_unlocked() {
    let db = TestDb::new();
    let _business = Business::onboard(&db.store, JOE);
    let rival = Business::onboard(&db.store, "Rival Rooter");
    let nmc = Nmc::on(db.url()).with("NMC_TENANT", JOE);
    for email in ["ann@example.com", "bob@example.com"] {
        come_in(&db, &nmc, email);
    }
    for _ in 0..5 {
        let wrong = authenticator(&db).login(&address("ann@example.com"), &Secret::new("a wrong password"), &Origin::default());
        assert!(wrong.is_err());
    }
    assert!(log_in(&db, "ann@example.com", "phone").is_err(), "locked");
    let locked = nmc.run(&["user", "list", "--locked", "--format", "json"]).json();
    assert_eq!(locked["items"].as_array().map(Vec::len), Some(1));
    assert_eq!(locked["items"][0]["email"], "ann@example.com");
    let shown = nmc.run(&["user", "show", "ann@example.com", "--format", "json"]).json();
    assert!(shown["locked_until"].is_string(), "{shown}");
    assert_eq!(nmc.run(&["user", "show", "bob@example.com", "--format", "json"]).json()["locked_until"], Value::Null);

    nmc.run(&["user", "unlock", "ann@example.com", "--tenant", &rival.tenant.id().to_string()])
        .refused(2, "user ann@example.com not found");
    let unlocked = nmc.run(&["user", "unlock", "ann@example.com", "--format", "json"]).json();
    assert_eq!(unlocked["locked_until"], Value::Null);
    log_in(&db, "ann@example.com", "phone").expect("a login");
    assert_eq!(nmc.run(&["user", "list", "--locked", "--format", "json"]).json()["items"], json!([]));
}
