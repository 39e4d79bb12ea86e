//! `nmc tenant onboard` by options and from a file.

use crate::home::Home;
use crate::nmc::Nmc;
use nmc_core::Secret;
use nmc_core::access::{Authenticator, Hasher, LoginPolicy, Origin, TokenKeys};
use nmc_core::testing::TestDb;
use serde_json::{Value, json};
use std::fs;

const PASSWORD: &str = "under a sink all day";

/// The way in, as the server has it.
pub(crate) fn authenticator(db: &TestDb) -> Authenticator {
    let keys = TokenKeys::ephemeral(db.store.now()).expect("a key");
    Authenticator::new(db.store.clone(), Hasher::new(10, 2, 8).expect("a hasher"), keys, LoginPolicy::default())
}

/// Options of an owner, whose password comes from standard input.
fn owned<'a>(name: &'a str, email: &'a str) -> Vec<&'a str> {
    let owner = ["--owner-first-name", "Joe", "--owner-last-name", "Plumber", "--owner-phone", "+13125550198"];
    let rest = ["--owner-password-file", "-", "--format", "json"];
    [&["tenant", "onboard", "--name", name, "--owner-email", email], &owner[..], &rest].concat()
}

fn ids(made: &Value) -> (&Value, &Value) {
    (&made["id"], &made["owner"]["id"])
}

#[test]
fn an_owner_is_registered_with_the_business_and_can_log_in() {
    let db = TestDb::new();
    let nmc = Nmc::on(db.url());
    let said = nmc.run_with_input(&owned("Joe's Plumbing", "Joe@Example.com"), &format!("{PASSWORD}\nanother line\n")).ok();
    assert!(!said.out.contains(PASSWORD) && !said.err.contains(PASSWORD), "{said:?}");
    let made = said.json();
    let owner = &made["owner"];
    assert_eq!(
        (&owner["email"], &owner["role"], &owner["is_active"], &owner["email_verified"]),
        (&json!("joe@example.com"), &json!("owner"), &json!(true), &json!(false))
    );
    let joe = "joe@example.com".parse().expect("an address");
    authenticator(&db).login(&joe, &Secret::new(PASSWORD), &Origin::default()).expect("a login");
    assert_eq!(nmc.run(&["tenant", "show", "Joe's Plumbing", "--format", "json"]).json()["owner"]["id"], owner["id"]);
    assert_eq!(
        db.query::<(String, String)>("SELECT jsonb_build_array(first_name, phone_number) FROM user_profiles"),
        [("Joe".to_owned(), "+13125550198".to_owned())]
    );
}

#[test]
fn a_repeated_registration_returns_the_first() {
    let db = TestDb::new();
    let nmc = Nmc::on(db.url());
    let run =
        |name: &str, key: &str| nmc.run_with_input(&[&owned(name, "joe@example.com")[..], &["--key", key]].concat(), PASSWORD);
    let first = run("Joe's Plumbing", "order 66").json();
    let again = run("Joe's Plumbing", "order 66").ok();
    assert!(again.err.contains("nothing was done"), "{again:?}");
    assert_eq!(ids(&first), ids(&again.json()));
    run("Joe's Other Plumbing", "order 66").refused(2, "--key was used for another registration");
    run("Joe's Plumbing", "order 67").refused(2, "is already taken");
    run("Joe's Plumbing", "").refused(2, "--key must not be empty");
    run("Joe's Plumbing", &"x".repeat(256)).refused(2, "--key must be at most 255 characters");
    assert_eq!(db.query::<i64>("SELECT count(*) FROM tenants"), [1]);
    nmc.run(&["tenant", "onboard", "--name", "X", "--key", "k"]).refused(2, "--key needs an owner");
}

#[test]
fn what_is_missing_or_wrong_is_named_and_nothing_is_written() {
    let db = TestDb::new();
    let nmc = Nmc::on(db.url());
    let all = owned("Joe's Plumbing", "joe@example.com");
    for option in ["--owner-email", "--owner-first-name", "--owner-last-name", "--owner-password-file"] {
        let at = all.iter().position(|argument| *argument == option).expect("it");
        let without = [&all[..at], &all[at + 2..]].concat();
        nmc.run_with_input(&without, PASSWORD).refused(2, &format!("{option} is required"));
    }
    for (option, value, why) in [
        ("--owner-email", "joe", "must be an address"),
        ("--owner-phone", "5550198", "--owner-phone"),
        ("--owner-first-name", " ", "first_name must not be empty"),
        ("--owner-password-file", "/nowhere/at/all", "--owner-password-file: /nowhere/at/all can't be read: No such file"),
        ("--timezone", "Mars/Olympus", "--timezone"),
    ] {
        let mut changed: Vec<&str> = all.clone();
        match changed.iter().position(|argument| *argument == option) {
            Some(at) => changed[at + 1] = value,
            None => changed.extend([option, value]),
        }
        nmc.run_with_input(&changed, PASSWORD).refused(2, why);
    }
    for (password, why) in [
        ("", "password must be at least 10 characters"),
        ("hunter2", "password must be at least 10 characters"),
        (&"hunter2".repeat(12), "password must be at most 72 bytes"),
        ("hunter2\0hunter2", "password must not contain NUL"),
    ] {
        let said = nmc.run_with_input(&all, password).refused(2, why);
        assert!(!said.err.contains("hunter2"), "{said:?}");
    }
    nmc.run(&["tenant", "onboard"]).refused(2, "--name is required");
    assert_eq!(db.query::<i64>("SELECT count(*) FROM tenants"), [0]);
}

#[test]
fn a_file_says_it_all_and_options_win() {
    let (db, home) = (TestDb::new(), Home::new());
    let nmc = Nmc::on(db.url());
    let folder = home.beside("files");
    let file = folder.join("joe.toml");
    let path = file.to_str().expect("a path");
    fs::write(folder.join("joe.password"), format!("{PASSWORD}\r\n")).expect("a file");
    let text = "name = \"Joe's Plumbing\"\nphone = \"+13125550199\"\naddress = \"1 Main St\"\ntrade = \"plumbing\"\n\
                timezone = \"America/Chicago\"\n\n[owner]\nemail = \"joe@example.com\"\nfirst_name = \"Joe\"\n\
                last_name = \"Plumber\"\nphone = \"+13125550198\"\npassword_file = \"joe.password\"\n";
    fs::write(&file, text).expect("a file");
    let made = nmc.run(&["tenant", "onboard", "--from", path, "--trade", "heating", "--format", "json"]).json();
    for (field, value) in [("business_name", "Joe's Plumbing"), ("business_address", "1 Main St"), ("business_type", "heating")] {
        assert_eq!(made[field], value);
    }
    assert_eq!(made["owner"]["email"], "joe@example.com");
    let joe = "joe@example.com".parse().expect("an address");
    authenticator(&db).login(&joe, &Secret::new(PASSWORD), &Origin::default()).expect("a login");

    for (from, to, why) in [
        ("phone = \"+13125550199\"", "phone = \"555-0199\"", "joe.toml, line 2, phone: phone number must be in E.164"),
        ("phone = \"+13125550199\"", "phone = 13125550199", "joe.toml, line 2, phone: invalid type: integer"),
        ("trade = ", "traed = ", "joe.toml, line 4, traed: unknown field `traed`, expected one of `name`, `phone`"),
        ("email = \"joe@", "email = \"joe", "joe.toml, line 8, owner.email: email must be an address"),
        ("first_name", "password = \"hunter2\"\nfirst_name", "joe.toml, line 9, password: unknown field `password`"),
        ("America/Chicago", "Mars/Olympus", "joe.toml, line 5, timezone: timezone must be a zone"),
        ("[owner]", "[owner", "joe.toml, line 7"),
        ("trade = ", "name = \"Twice\"\ntrade = ", "joe.toml, line 4, name: duplicate key"),
        ("joe.password", "no.password", "no.password can't be read"),
    ] {
        assert!(text.contains(from), "{from}");
        fs::write(&file, text.replace(from, to)).expect("a file");
        let said = nmc.run(&["tenant", "onboard", "--from", path]).refused(2, why);
        assert!(!said.err.contains("hunter2"), "{said:?}");
    }
    nmc.run(&["tenant", "onboard", "--from", "/nowhere.toml"]).refused(2, "--from: /nowhere.toml can't be read");
    fs::write(&file, "").expect("a file");
    nmc.run(&["tenant", "onboard", "--from", path]).refused(2, "--name is required");
    assert_eq!(db.query::<i64>("SELECT count(*) FROM tenants"), [1]);
}

#[test]
fn byte_order_mark_is_no_part_of_a_password_or_a_file() {
    let (db, home) = (TestDb::new(), Home::new());
    let nmc = Nmc::on(db.url());
    let folder = home.beside("files");
    let file = folder.join("joe.toml");
    fs::write(folder.join("pw"), format!("\u{feff}{PASSWORD}\r\n")).expect("a file");
    let owner = "email = \"joe@example.com\"\nfirst_name = \"Joe\"\nlast_name = \"Plumber\"\npassword_file = \"pw\"\n";
    fs::write(&file, format!("\u{feff}name = \"Joe's Plumbing\"\n[owner]\n{owner}")).expect("a file");
    nmc.run(&["tenant", "onboard", "--from", file.to_str().expect("a path")]).ok();
    nmc.run_with_input(&owned("Ann's Plumbing", "ann@example.com"), &format!("\u{feff}{PASSWORD}\n")).ok();
    for email in ["joe@example.com", "ann@example.com"] {
        authenticator(&db)
            .login(&email.parse().expect("an address"), &Secret::new(PASSWORD), &Origin::default())
            .expect("a login");
    }
    assert_eq!(nmc.run(&["tenant", "show", "Joe's Plumbing", "--format", "json"]).json()["owner"]["email"], "joe@example.com");
}
