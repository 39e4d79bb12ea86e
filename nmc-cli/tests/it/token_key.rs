//! `nmc token-key` and `nmc openapi`: what needs no database.

use crate::home::Home;
use crate::nmc::Nmc;
use serde_json::{Value, json};
use std::fs;
use std::os::unix::fs::PermissionsExt as _;

fn kids(nmc: &Nmc) -> Vec<String> {
    let keys = nmc.run(&["token-key", "list", "--format", "json"]).json();
    let kid = |key: &Value| key["kid"].as_str().expect("a name").to_owned();
    keys["items"].as_array().expect("keys").iter().map(kid).collect()
}

#[test]
fn a_new_key_comes_in_front_and_signs_later() {
    let home = Home::new();
    let file = home.beside("keys").join("token-keys");
    // A database that is not there is none that is needed.
    let nmc = Nmc::on("postgres://127.0.0.1:1/nmc").with("NMC_TOKEN_KEYS", &file);
    nmc.run(&["token-key", "list"]).refused(2, "file of token keys not found");
    let first = nmc.run(&["token-key", "rotate", "--format", "json"]).json();
    assert_eq!(first["signs"], true);
    assert_eq!(fs::metadata(&file).expect("a file").permissions().mode() & 0o777, 0o600);
    let said = nmc.run(&["token-key", "rotate", "--format", "json"]).ok();
    assert!(said.err.contains("signs in half a minute"), "{said:?}");
    let second = said.json();
    assert_eq!(second["signs"], false);
    assert_eq!(json!(kids(&nmc)), json!([second["kid"], first["kid"]]));

    let text = fs::read_to_string(&file).expect("the file");
    let secret = text.split_whitespace().nth(1).expect("a key");
    for command in ["list", "rotate"] {
        let said = nmc.run(&["token-key", command, "--log", "trace"]).ok();
        assert!(!said.out.contains(secret) && !said.err.contains(secret), "{said:?}");
    }
    assert!(nmc.run(&["token-key", "list"]).ok().out.contains("made_at"));

    let only = nmc.run(&["token-key", "rotate", "--revoke-old", "--format", "json"]).json();
    assert_eq!((only["signs"].clone(), json!(kids(&nmc))), (json!(true), json!([only["kid"]])));

    fs::set_permissions(&file, fs::Permissions::from_mode(0o644)).expect("a file");
    nmc.run(&["token-key", "rotate"]).refused(2, "token keys must be readable by their owner alone");
    let nowhere = nmc.with("NMC_TOKEN_KEYS", "/nowhere/at/all");
    for command in ["list", "rotate"] {
        nowhere.run(&["token-key", command]).refused(2, "--token-keys: there is no folder /nowhere/at");
    }
}

#[test]
fn without_a_file_it_is_the_servers_own() {
    let home = Home::new();
    // Nothing is put into a directory that is still to be made, or its server would not take it.
    for command in ["rotate", "list"] {
        home.nmc.run(&["token-key", command]).refused(2, "holds nothing of nmc yet");
    }
    let home = Home::migrated();
    let running = home.nmc.start(&["up"]);
    running.address();
    let before = kids(&home.nmc);
    // An empty variable counts as not set.
    let rotated = home.nmc.clone().with("NMC_TOKEN_KEYS", "").run(&["token-key", "rotate", "--format", "json"]).json();
    assert_eq!(json!(kids(&home.nmc)), json!([rotated["kid"], before[0]]));
    running.interrupt();
    running.end().ok();
}

#[test]
fn empty_variables_of_lists_and_numbers_count_as_not_set() {
    let home = Home::migrated();
    let mut nmc = home.nmc.clone();
    for name in ["NMC_TRUSTED_PROXIES", "NMC_CORS_ORIGINS", "NMC_HASH_COST", "NMC_UPLOADS", "NMC_POOL_SIZE", "NMC_LOG", "NMC_SMS"]
    {
        nmc = nmc.with(name, if name == "NMC_SMS" { "  " } else { "" });
    }
    nmc.start(&["up"]).address();
    nmc.with("NMC_TENANT", "").run(&["user", "list"]).refused(2, "--tenant");
}

#[test]
fn the_openapi_document_is_printed_without_a_database() {
    let document = Nmc::on("postgres://127.0.0.1:1/nmc").run(&["openapi"]).json();
    assert!(document["openapi"].as_str().is_some_and(|version| version.starts_with("3.1")), "{}", document["openapi"]);
    assert!(document["paths"]["/v1/registrations"]["post"].is_object());
}
