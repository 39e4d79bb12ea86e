//! `nmc apikey`.

use crate::nmc::Nmc;
use crate::onboard::authenticator;
use crate::terminal::Terminal;
use chrono::{DateTime, TimeDelta, Utc};
use nmc_core::testing::{Business, TestDb};
use nmc_core::{Error, Secret};
use serde_json::{Value, json};

const JOE: &str = "Joe's Plumbing";

fn scene() -> (TestDb, Nmc) {
    let db = TestDb::new();
    let _business = Business::onboard(&db.store, JOE);
    let nmc = Nmc::on(db.url()).with("NMC_TENANT", JOE);
    (db, nmc)
}

fn create(nmc: &Nmc, more: &[&str]) -> Value {
    let create = ["apikey", "create", "--service", "--name", "crm", "--scope", "users:read", "--format", "json"];
    nmc.run(&[&create[..], more].concat()).json()
}

/// Whether a key is accepted.
fn opens(db: &TestDb, key: &str) -> bool {
    let credential = authenticator(db).credential(&Secret::new(key)).expect("one of ours");
    match db.store.acting(&credential, |_| Ok(())) {
        Ok(()) => true,
        Err(Error::Unauthenticated(_)) => false,
        Err(other) => panic!("{other:?}"),
    }
}

fn at(value: &Value) -> DateTime<Utc> {
    value.as_str().and_then(|text| text.parse().ok()).unwrap_or_else(|| panic!("a time, not {value}"))
}

fn text<'a>(row: &'a Value, field: &str) -> &'a str {
    row[field].as_str().expect("text")
}

#[test]
fn key_is_shown_once_works_and_is_listed_without_its_secret() {
    let (db, nmc) = scene();
    let made = create(&nmc, &["--scope", "settings:read,tenant:read"]);
    let key = text(&made, "key");
    assert!(key.starts_with(&format!("nmc_{}_", text(&made, "prefix"))) && opens(&db, key));
    assert_eq!((&made["scopes"], &made["expires_at"]), (&json!(["users:read", "settings:read", "tenant:read"]), &Value::Null));

    let said = nmc.run(&["apikey", "create", "--service", "--name", "pbx", "--scope", "users:read"]).ok();
    assert!(said.err.contains("the key is shown this once"), "{said:?}");
    let table = said.out.lines().last().expect("the last line").to_owned();
    assert!(opens(&db, &table), "by itself on the last line: {said:?}");

    let secrets = [key, &table].map(|key| key.splitn(3, '_').nth(2).expect("a secret").to_owned());
    for command in [&["apikey", "list"][..], &["apikey", "list", "--format", "json"], &["tenant", "show", JOE]] {
        let said = nmc.run(&[command, &["--log", "trace"]].concat()).ok();
        assert!(secrets.iter().all(|secret| !said.out.contains(secret) && !said.err.contains(secret)), "{said:?}");
    }
    let listed = nmc.run(&["apikey", "list", "--format", "json"]).json();
    let names: Vec<&str> = listed["items"].as_array().expect("rows").iter().map(|row| text(row, "name")).collect();
    assert_eq!(names, ["pbx", "crm"]);
    assert_eq!(listed["items"][1]["state"], "in force");
}

#[test]
fn a_key_made_for_a_person_says_so_and_ends_with_them() {
    let (db, nmc) = scene();
    let person = ["--first-name", "Ann", "--last-name", "Smith", "--role", "admin"];
    nmc.run(&[&["user", "invite", "--email", "ann@example.com"][..], &person].concat()).ok();
    let service = create(&nmc, &[]);
    let hers = ["apikey", "create", "--user", "ann@example.com", "--name", "hers", "--scope", "users:read", "--format", "json"];
    let hers = nmc.run(&hers).json();
    assert_eq!((&hers["goes_back_to"], &service["goes_back_to"]), (&json!("ann@example.com"), &Value::Null));
    let next = nmc.run(&["apikey", "rotate", text(&hers, "id"), "--format", "json"]).json();
    assert_eq!(next["goes_back_to"], "ann@example.com");
    let nobodys = nmc.run(&["apikey", "list", "--service", "--format", "json"]).json();
    let names: Vec<&str> = nobodys["items"].as_array().expect("rows").iter().map(|row| text(row, "name")).collect();
    assert_eq!(names, ["crm"]);
    nmc.run(&["user", "deactivate", "ann@example.com"]).ok();
    assert!(!opens(&db, text(&hers, "key")) && !opens(&db, text(&next, "key")) && opens(&db, text(&service, "key")));
    let all = nmc.run(&["apikey", "list", "--format", "json"]).json();
    let of = |id: &str| {
        all["items"].as_array().expect("rows").iter().find(|row| text(row, "id") == id).expect("a key")["state"].clone()
    };
    assert_eq!(
        (of(text(&next, "id")), of(text(&service, "id"))),
        (json!("not in force: its user is deactivated"), json!("in force"))
    );
}

#[test]
fn a_key_ends_when_it_was_said_to() {
    let (db, nmc) = scene();
    let in_90_days = create(&nmc, &["--expires-in", "90d"]);
    let length = at(&in_90_days["expires_at"]) - at(&in_90_days["created_at"]);
    assert_eq!(length, TimeDelta::days(90));
    let at_an_instant = create(&nmc, &["--expires-at", "2999-01-31T01:00:00+01:00"]);
    assert_eq!(at_an_instant["expires_at"], "2999-01-31T00:00:00Z");
    db.execute("UPDATE api_keys SET created_at = now() - interval '1 day', expires_at = now() - interval '1 hour' WHERE expires_at < '2500-01-01'");
    let list = |state: &str| nmc.run(&["apikey", "list", "--state", state, "--format", "json"]).json()["items"].clone();
    assert_eq!((&list("ended")[0]["id"], &list("ended")[0]["state"]), (&in_90_days["id"], &json!("expired")));
    assert_eq!(list("in-force")[0]["id"], at_an_instant["id"]);
    nmc.run(&["apikey", "rotate", text(&in_90_days, "id")]).refused(2, "API key is not in force");
}

#[test]
fn rotated_key_goes_on_for_a_while_and_a_revoked_one_does_not() {
    let (db, nmc) = scene();
    let first = create(&nmc, &[]);
    let prefix = text(&first, "prefix");
    let said = nmc.run(&["apikey", "rotate", prefix, "--overlap", "24h", "--format", "json"]).ok();
    assert!(said.err.contains(&format!("the old one, {prefix}, goes on until ")), "{said:?}");
    let second = said.json();
    assert_eq!((&second["name"], &second["scopes"]), (&first["name"], &first["scopes"]));
    assert!(opens(&db, text(&first, "key")) && opens(&db, text(&second, "key")));
    let said = nmc.run(&["apikey", "rotate", text(&second, "id"), "--overlap", "0", "--format", "json"]).ok();
    assert!(said.err.contains("is refused from now on"), "{said:?}");
    let third = said.json();
    assert!(!opens(&db, text(&second, "key")) && opens(&db, text(&third, "key")));

    let prefix = text(&third, "prefix");
    nmc.run(&["apikey", "revoke", prefix]).refused(2, "This revokes crm");
    let mut terminal = Terminal::start(&nmc, &["apikey", "revoke", prefix]);
    terminal.answer(&[("Go on? [y/N]", "n")]);
    terminal.end().refused(2, "nothing was done");
    assert!(opens(&db, text(&third, "key")));
    assert_eq!(nmc.run(&["apikey", "revoke", prefix, "--yes", "--format", "json"]).json()["state"], "revoked");
    assert!(!opens(&db, text(&third, "key")));
    nmc.run(&["apikey", "revoke", prefix, "--yes"]).ok();
}

#[test]
fn what_cannot_be_is_refused_by_its_name() {
    let (db, nmc) = scene();
    let _rival = Business::onboard(&db.store, "Rival Rooter");
    let rival = nmc.clone().with("NMC_TENANT", "Rival Rooter");
    let made = create(&nmc, &[]);
    let fine = ["apikey", "create", "--service", "--name", "crm", "--scope", "users:read"];
    let long = "x".repeat(101);
    for (arguments, why) in [
        (&["apikey", "create", "--service", "--scope", "users:read"][..], "--name"),
        (&["apikey", "create", "--service", "--name", "crm"], "--scope"),
        (&["apikey", "create", "--name", "crm", "--scope", "users:read"], "<--user <ID|EMAIL>|--service>"),
        (&[&fine[..], &["--user", "ann@example.com"]].concat(), "cannot be used with"),
        (
            &["apikey", "create", "--user", "ann@example.com", "--name", "x", "--scope", "users:read"],
            "user ann@example.com not found",
        ),
        (&["apikey", "create", "--service", "--name", "crm", "--scope", "users:all"], "[possible values: tenant:read, "),
        (&["apikey", "create", "--service", "--name", "", "--scope", "users:read"], "name must not be empty"),
        (&["apikey", "create", "--service", "--name", &long, "--scope", "users:read"], "name must be at most 100 characters"),
        (&[&fine[..], &["--scope", "users:read"]].concat(), "scopes must not name one twice"),
        (&[&fine[..], &["--expires-in", "0"]].concat(), "must be longer than 0"),
        (&[&fine[..], &["--expires-in", "soon"]].concat(), "--expires-in"),
        (&[&fine[..], &["--expires-at", "tomorrow"]].concat(), "must be a time like 2027-01-31T00:00:00Z"),
        (&[&fine[..], &["--expires-at", "2001-01-01T00:00:00Z"]].concat(), "expires_at must be in the future"),
        (&[&fine[..], &["--expires-in", "1d", "--expires-at", "2999-01-01T00:00:00Z"]].concat(), "cannot be used with"),
        (&["apikey", "rotate", text(&made, "id"), "--overlap", "31d"], "must be at most 30d"),
        (&["apikey", "rotate", text(&made, "id"), "--overlap=-1d"], "--overlap"),
        (&["apikey", "rotate", "nobody"], "API key not found"),
        (&["apikey", "list", "--state", "lost"], "--state"),
        (&["apikey", "list", "--tenant", "Nobody"], "tenant not found"),
    ] {
        nmc.run(arguments).refused(2, why);
    }
    for key in [text(&made, "id"), text(&made, "prefix")] {
        rival.run(&["apikey", "rotate", key]).refused(2, "API key not found");
        rival.run(&["apikey", "revoke", key, "--yes"]).refused(2, "API key not found");
    }
    assert_eq!(db.query::<i64>("SELECT count(*) FROM api_keys WHERE revoked_at IS NULL"), [1]);
}
