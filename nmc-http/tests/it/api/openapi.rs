//! What is written down about the API is what it does. `NMC_BLESS=1 cargo test -p nmc-http` writes it anew.

use nmc_core::UserRole;
use nmc_core::access::Permission;
use serde_json::{Value, json};
use std::fmt::Write as _;

/// Compares a file with what it should hold, or writes it.
fn is_written(path: &str, expected: &str) {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join(path);
    if std::env::var_os("NMC_BLESS").is_some() {
        std::fs::write(&path, expected).expect("a file that can be written");
    }
    let written = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(written == expected, "{} is not what the code says: run with NMC_BLESS=1, and look at what changes", path.display());
}

#[test]
fn the_document_in_the_repository_is_the_one_of_the_code() {
    let document = serde_json::to_string_pretty(&nmc_http::openapi()).unwrap();
    is_written("openapi.json", &format!("{document}\n"));
}

/// Looks at everything that is a schema in the document, with its place.
fn schemas(value: &Value, at: &str, look: &mut impl FnMut(&str, &Value)) {
    match value {
        Value::Object(fields) => {
            if fields.contains_key("type") && !at.ends_with("/properties") {
                look(at, value);
            }
            fields.iter().for_each(|(name, value)| schemas(value, &format!("{at}/{name}"), look));
        }
        Value::Array(items) => items.iter().enumerate().for_each(|(n, value)| schemas(value, &format!("{at}/{n}"), look)),
        _ => {}
    }
}

#[test]
fn every_text_number_and_list_of_the_document_has_its_bounds() {
    let document = json!(nmc_http::openapi());
    let mut boundless = Vec::new();
    let mut seen = 0;
    schemas(&document, "", &mut |at, schema| {
        let is =
            |kind: &str| schema["type"] == kind || schema["type"].as_array().is_some_and(|types| types.contains(&json!(kind)));
        let has = |names: &[&str]| names.iter().any(|name| !schema[name].is_null());
        let is_bound = (!is("string") || has(&["maxLength", "pattern", "format", "enum"]))
            && (!is("integer") || (has(&["minimum"]) && has(&["maximum"])))
            && (!is("array") || has(&["maxItems"]));
        seen += 1;
        if !is_bound {
            boundless.push(at.to_owned());
        }
    });
    assert!(seen > 300, "{seen}");
    assert_eq!(boundless, Vec::<String>::new());
}

#[test]
fn every_operation_names_the_refusals_that_may_come() {
    let document = json!(nmc_http::openapi());
    for (path, operations) in document["paths"].as_object().unwrap() {
        for (method, operation) in operations.as_object().unwrap() {
            let what = format!("{method} {path}");
            let responses = operation["responses"].as_object().unwrap();
            let is_public = operation["x-nmc-access"]["kind"] == "public";
            assert!(!responses.contains_key("default"), "{what}");
            for status in ["400", "405", "408", "429", "431", "500", "503"] {
                assert!(responses.contains_key(status), "{what}: {status}");
            }
            assert_eq!(responses.contains_key("403"), !is_public, "{what}");
            assert_eq!(responses.contains_key("413"), operation.get("requestBody").is_some(), "{what}");
            assert_eq!(operation["security"].as_array().is_some_and(Vec::is_empty), is_public, "{what}: no padlock");
            for (status, response) in responses.iter().filter(|(status, _)| status.as_str() >= "400") {
                let response = document.pointer(response["$ref"].as_str().unwrap().trim_start_matches('#')).unwrap();
                assert!(response["content"]["application/problem+json"].is_object(), "{what}: {status}");
                let waits = ["429", "503"].contains(&status.as_str());
                assert_eq!(response["headers"]["Retry-After"].is_object(), waits, "{what}: {status}");
            }
        }
    }
}

#[test]
fn the_page_of_roles_is_the_table_of_the_code() {
    let mut page = String::from(
        "# Who may do what\n\nMade from `Permission::ALL` in nmc-core/src/permission.rs by a test; `NMC_BLESS=1 cargo test -p \
         nmc-http roles` writes it anew. A permission's name is also the scope that gives it to an API key.\n\n| permission |",
    );
    let mut roles = UserRole::ALL.to_vec();
    roles.sort_by_key(|role| std::cmp::Reverse(role.rank()));
    for role in &roles {
        write!(page, " {role} |").unwrap();
    }
    page.push_str(" may |\n|---|");
    page.push_str(&":-:|".repeat(roles.len()));
    page.push_str("---|\n");
    for permission in Permission::ALL {
        write!(page, "| `{permission}` |").unwrap();
        for role in &roles {
            page.push_str(if permission.is_of(*role) { " ✓ |" } else { " |" });
        }
        writeln!(page, " {} |", permission.what()).unwrap();
    }
    page.push_str(
        "\nBesides:\n\
         - What people do to their own account, profile, preferences, status and sessions needs no permission; their own role, and \
         whether they may log in, they can't change without `users:write`; their own e-mail takes their password.\n\
         - Nobody grants a role above their own, or acts on somebody of a higher one. An API key counts as an admin, and makes \
         nobody whose role has more than its scopes.\n\
         - Somebody who has a password is invited again, which resets it, by a role alone that is higher than any they had with it; an owner by whoever runs the server (`nmc user \
         invite-again`). Who was deactivated may log in again once they have chosen a password by that. Another role, another address or being deactivated makes an open invitation void. Whoever has a password resets it by mail, unless the address was changed and not verified since.\n\
         - A link in a mail about an alert acts as the user whose address the mail went to, with the role they have when it is used \
         (`alerts:write`); no one else gets any.\n\
         - The last active owner who has come in can be neither deactivated nor given another role.\n\
         - An API key goes back to a person: who made it, whom the key that made it goes back to, or who was named on the server. It has \
         the scopes it was made with, as far as that person's role has them now; without their active account it is not in force, \
         and with the account it is deleted. A rotated key goes back to whom the old one did; who \
         rotates it knows it, so that only that person, somebody of a higher role or whoever runs the server rotates it, or changes its scopes \
         or end. Keys that go back to nobody are made on the server alone (`nmc apikey create --service`); whoever rotates one knows it.\n\
         - An API key is no user: what is about oneself is closed to it. It can't change itself, and makes no key that outlives \
         it.\n\
         - Another business's rows answer as missing ones do: 404.\n",
    );
    is_written("../docs/ROLES.md", &page);
}
