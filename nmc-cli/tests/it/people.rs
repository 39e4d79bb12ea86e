//! `nmc user`.

use crate::nmc::Nmc;
use crate::onboard::authenticator;
use nmc_core::Secret;
use nmc_core::access::Origin;
use nmc_core::testing::{Business, TestDb};
use serde_json::{Value, json};

const JOE: &str = "Joe's Plumbing";

fn invite(nmc: &Nmc, email: &str, role: &str) -> Value {
    let who = ["--email", email, "--first-name", "Ann", "--last-name", "Other", "--role", role, "--format", "json"];
    nmc.run(&[&["user", "invite"], &who[..]].concat()).json()
}

fn emails(page: &Value) -> Vec<&str> {
    page["items"].as_array().expect("rows").iter().filter_map(|row| row["email"].as_str()).collect()
}

#[test]
fn whoever_is_invited_gets_an_invitation_that_is_shown_once() {
    let db = TestDb::new();
    let _business = Business::onboard(&db.store, JOE);
    let nmc = Nmc::on(db.url()).with("NMC_TENANT", JOE);
    let made = invite(&nmc, "Ann@Example.com", "admin");
    assert_eq!(
        (&made["email"], &made["role"], &made["email_verified"]),
        (&json!("ann@example.com"), &json!("admin"), &json!(false))
    );
    let first = made["invitation"].as_str().expect("an invitation").to_owned();

    let said = nmc.run(&["user", "invite-again", "ann@example.com"]).ok();
    assert!(said.err.contains("shown this once") && said.err.contains("7 days"), "{said:?}");
    let second = said.out.lines().last().expect("the last line").to_owned();
    assert!(second.starts_with("nmci_") && second != first, "{said:?}");
    let password = Secret::new("under a sink all day");
    assert!(authenticator(&db).accept_invitation(&Secret::new(first.as_str()), &password).is_err(), "an earlier one is void");
    authenticator(&db).accept_invitation(&Secret::new(second.as_str()), &password).expect("a password");
    let ann = "ann@example.com".parse().expect("an address");
    authenticator(&db).login(&ann, &password, &Origin::default()).expect("a login");

    for format in ["table", "json"] {
        for command in [&["user", "list"][..], &["tenant", "show", JOE], &["user", "deactivate", "ann@example.com"]] {
            let said = nmc.run(&[command, &["--format", format]].concat()).ok();
            assert!(!said.out.contains("nmci_") && !said.err.contains("nmci_"), "{said:?}");
        }
    }
    assert!(authenticator(&db).login(&ann, &password, &Origin::default()).is_err(), "deactivated");
    let id = made["id"].as_str().expect("an id");
    let again = nmc.run(&["user", "invite-again", id, "--format", "json"]).json();
    assert_eq!(again["is_active"], false, "until they choose a password");
    let invitation = Secret::new(again["invitation"].as_str().expect("an invitation").to_owned());
    let other = Secret::new("another horse battery".to_owned());
    authenticator(&db).accept_invitation(&invitation, &other).expect("whoever is invited may come");
    authenticator(&db).login(&ann, &other, &Origin::default()).expect("a login");
    let said = nmc.run(&["user", "deactivate", id]).ok();
    assert!(said.err.contains("their API keys are not in force until they are back"), "{said:?}");
    let said = nmc.run(&["user", "activate", id, "--format", "json"]).ok();
    assert!(said.out.contains("\"is_active\": true") && !said.err.contains("no password"), "{said:?}");
    let ben = invite(&nmc, "ben@example.com", "user")["id"].as_str().expect("an id").to_owned();
    nmc.run(&["user", "deactivate", &ben]).ok();
    let said = nmc.run(&["user", "activate", &ben]).ok();
    assert!(said.err.contains("they have no password yet: nmc user invite-again"), "{said:?}");
    authenticator(&db).login(&ann, &other, &Origin::default()).expect("a login again");
}

#[test]
fn invitation_is_printed_as_a_link_where_the_server_is_known() {
    let db = TestDb::new();
    let _business = Business::onboard(&db.store, JOE);
    let nmc = Nmc::on(db.url()).with("NMC_TENANT", JOE);
    assert_eq!(invite(&nmc, "ann@example.com", "admin")["link"], Value::Null);
    let nmc = nmc.with("NMC_PUBLIC_URL", "https://nmc.example.com/");
    let made = invite(&nmc, "bob@example.com", "viewer");
    let invitation = made["invitation"].as_str().expect("an invitation");
    assert_eq!(made["link"], format!("https://nmc.example.com/app#/invite?token={invitation}"));
    let said = nmc.run(&["user", "invite-again", "bob@example.com"]).ok();
    let link = said.out.lines().last().expect("the last line");
    assert!(link.starts_with("https://nmc.example.com/app#/invite?token=nmci_"), "{said:?}");
    assert!(said.out.contains("\ninvitation\nnmci_"), "{said:?}");
}

#[test]
fn address_is_verified_on_the_word_of_an_operator() {
    let db = TestDb::new();
    let _business = Business::onboard(&db.store, JOE);
    let nmc = Nmc::on(db.url()).with("NMC_TENANT", JOE);
    let made = invite(&nmc, "ann@example.com", "admin");
    let invitation = Secret::new(made["invitation"].as_str().expect("an invitation"));
    authenticator(&db).accept_invitation(&invitation, &Secret::new("under a sink all day")).expect("a password");
    let shown = || nmc.run(&["user", "show", "ann@example.com", "--format", "json"]).json()["email_verified"].clone();
    assert_eq!(shown(), false, "the invitation was shown, not mailed");
    assert_eq!(nmc.run(&["user", "verify", "ann@example.com", "--format", "json"]).json()["email_verified"], true);
    assert_eq!(shown(), true);
    nmc.run(&["user", "verify", "eve@example.com"]).refused(2, "user eve@example.com not found");
}

#[test]
fn invitation_and_reset_are_mailed_where_mails_are_sent() {
    let db = TestDb::new();
    let _business = Business::onboard(&db.store, JOE);
    let nmc = Nmc::on(db.url()).with("NMC_TENANT", JOE);
    let ann = ["invite", "--email", "ann@example.com", "--first-name", "Ann", "--last-name", "Other", "--role", "admin"];
    let waiting = || db.query::<i64>("SELECT count(*) FROM account_mails WHERE status = 'waiting'")[0];
    let said = nmc.run(&[&["user"], &ann[..]].concat()).ok();
    assert!(said.err.contains("no mail goes out: NMC_SMTP_FROM is not set"), "{said:?}");
    let refused = nmc.run(&["user", "reset-password", "ann@example.com"]).refused(2, "no mails are sent");
    assert!(refused.err.contains("nmc user invite-again") && waiting() == 0, "{refused:?}");

    let nmc = nmc.with("NMC_SMTP_FROM", "nmc@example.com");
    let said = nmc.run(&["user", "invite-again", "ann@example.com"]).ok();
    assert!(said.err.contains("a mail with a link goes out") && waiting() == 1, "{said:?}");
    nmc.run(&["user", "reset-password", "ann@example.com"]).refused(2, "invite them again");
    let invitation = Secret::new(said.out.lines().last().expect("the last line"));
    authenticator(&db).accept_invitation(&invitation, &Secret::new("under a sink all day")).expect("a password");
    let said = nmc.run(&["user", "reset-password", "ann@example.com", "--format", "json"]).ok();
    assert!(said.err.contains("60 minutes"), "{said:?}");
    assert_eq!(said.json()["email"], "ann@example.com");
    assert_eq!(waiting(), 2);
    db.execute("UPDATE tenants SET approved_at = NULL");
    let said = nmc.run(&["user", "invite-again", "ann@example.com"]).ok();
    assert!(said.err.contains("no mail goes out yet: the business is not approved"), "{said:?}");
}

#[test]
fn people_are_listed_by_role_and_activity() {
    let db = TestDb::new();
    let _business = Business::onboard(&db.store, JOE);
    let nmc = Nmc::on(db.url()).with("NMC_TENANT", JOE);
    for (email, role) in [("joe@example.com", "owner"), ("ann@example.com", "admin"), ("vic@example.com", "viewer")] {
        invite(&nmc, email, role);
    }
    nmc.run(&["user", "deactivate", "vic@example.com"]).ok();
    let list = |more: &[&str]| nmc.run(&[&["user", "list", "--format", "json"], more].concat()).json();
    assert_eq!(emails(&list(&[])), ["vic@example.com", "ann@example.com", "joe@example.com"]);
    assert_eq!(emails(&list(&["--role", "admin"])), ["ann@example.com"]);
    assert_eq!(emails(&list(&["--activity", "inactive"])), ["vic@example.com"]);
    assert_eq!(emails(&list(&["--activity", "active", "--limit", "1"])), ["ann@example.com"]);
    assert_eq!(nmc.run(&["tenant", "show", JOE, "--format", "json"]).json()["owner"]["email"], "joe@example.com");
    db.execute("UPDATE users SET first_name = E'Ann\\u001b[31m'");
    let table = nmc.run(&["user", "list"]).ok().out;
    assert!(table.contains("Ann<U+001B>[31m") && !table.contains('\u{1b}'), "people's names move no cursor: {table}");
}

#[test]
fn what_cannot_be_is_refused_by_its_name() {
    let db = TestDb::new();
    let _business = Business::onboard(&db.store, JOE);
    let _rival = Business::onboard(&db.store, "Rival Rooter");
    let nmc = Nmc::on(db.url()).with("NMC_TENANT", JOE);
    let joe = invite(&nmc, "joe@example.com", "owner");
    let rival = nmc.clone().with("NMC_TENANT", "Rival Rooter");
    let who = |change: &str, value: &str| {
        let mut all = vec!["user", "invite"];
        for (option, fine) in
            [("--email", "ann@example.com"), ("--first-name", "Ann"), ("--last-name", "Other"), ("--role", "user")]
        {
            all.extend([option, if option == change { value } else { fine }]);
        }
        all.into_iter().map(str::to_owned).collect::<Vec<String>>()
    };
    let long = "x".repeat(101);
    for (option, value, why) in [
        ("--email", "ann", "--email"),
        ("--email", "JOE@example.com", "email is already taken"),
        ("--first-name", "", "first_name must not be empty"),
        ("--last-name", &long, "last_name must be at most 100 characters"),
        ("--role", "boss", "[possible values: owner, admin, operator, user, viewer]"),
    ] {
        let arguments = who(option, value);
        for nmc in [&nmc, &rival] {
            let said = nmc.run(&arguments.iter().map(String::as_str).collect::<Vec<_>>()).refused(2, why);
            assert!(!said.err.contains("Joe's"), "whose it is stays untold: {said:?}");
        }
    }
    nmc.run(&["user", "invite", "--email", "a@b.co"]).refused(2, "--role");
    nmc.run(&["user", "deactivate", "joe@example.com"]).refused(2, "user is the last owner; make another one first");
    nmc.run(&["user", "deactivate", "joe"]).refused(2, "ID|EMAIL");
    let id = joe["id"].as_str().expect("an id");
    for command in ["deactivate", "activate", "invite-again"] {
        for key in [id, "joe@example.com"] {
            rival.run(&["user", command, key]).refused(2, &format!("user {key} not found"));
        }
        nmc.run(&["user", command, "01993b6e-0000-7000-8000-000000000000"])
            .refused(2, "user 01993b6e-0000-7000-8000-000000000000 not found");
        nmc.run(&["user", command, "joe@example.com", "--tenant", "Nobody"]).refused(2, "tenant not found");
    }
    assert_eq!(db.query::<i64>("SELECT count(*) FROM users"), [1]);
}
