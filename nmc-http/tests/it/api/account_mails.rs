//! Mails about accounts: asked for, and what their links do.

use super::limits::{THREE, behind_a_proxy, is_too_often};
use super::{OTHER_PASSWORD, PASSWORD, Person};
use crate::site::{Answer, Site};
use nmc_core::UserRole;
use nmc_core::delivery::{Mail, MailError, MailReceipt, MailSender};
use nmc_core::workflows::{AccountMailer, AccountMailerConfig, Senders};
use serde_json::json;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

/// Mails that went out: their recipients and their words.
#[derive(Default)]
struct Letters(Mutex<Vec<(String, String)>>);

impl MailSender for Letters {
    fn send(&self, mail: &Mail<'_>) -> Result<MailReceipt, MailError> {
        self.0.lock().unwrap().push((mail.to.to_string(), mail.text.to_owned()));
        Ok(MailReceipt { said: String::new() })
    }
}

/// Sends what waits, and says to whom mails with links went and what those end with.
fn sent(site: &Site) -> Vec<(String, String)> {
    let letters = Arc::new(Letters::default());
    let links = Some((nmc_http::mail_links(&site.public_url), site.authenticator.keys().clone()));
    let senders = Senders { mail: Some(letters.clone()), links, ..Senders::default() };
    AccountMailer::new(site.db.store.clone(), senders, AccountMailerConfig::default()).pass().unwrap();
    let letters = letters.0.lock().unwrap();
    let token = |text: &String| Some(text.split("?token=").nth(1)?.split_whitespace().next().unwrap().to_owned());
    letters.iter().filter_map(|(to, text)| Some((to.clone(), token(text)?))).collect()
}

/// The token of the only mail that waits.
fn token(site: &Site, to: &Person) -> String {
    let [(recipient, token)] = &sent(site)[..] else { panic!("one mail") };
    assert_eq!(recipient, to.email.as_str());
    token.clone()
}

fn ask(site: &Site, email: &str) -> Answer {
    site.call("POST", "/v1/password-resets").json(&json!({ "email": email })).send()
}

fn reset(site: &Site, token: &str, password: &str) -> Answer {
    site.call("POST", "/v1/password-resets/accept").json(&json!({ "token": token, "password": password })).send()
}

#[test]
fn password_is_reset_with_the_token_of_a_mail_once() {
    let site = Site::new();
    let owner = site.owner();
    assert_eq!(ask(&site, owner.email.as_str()).status, 202);
    let first = token(&site, &owner);
    assert_eq!(ask(&site, owner.email.as_str()).status, 202);
    let second = token(&site, &owner);
    for void in [&first, &second.replace("nmcp_0", "nmcp_1"), "rubbish", ""] {
        let refused = reset(&site, void, OTHER_PASSWORD);
        assert_eq!((refused.status, refused.refusal().0), (400, "#/token".to_owned()), "{void}");
    }
    let refused = reset(&site, &second, "short");
    assert_eq!((refused.status, refused.refusal().0), (400, "#/password".to_owned()));
    assert_eq!(reset(&site, &second, OTHER_PASSWORD).status, 204);
    assert_eq!(reset(&site, &second, PASSWORD).status, 400, "it is used up");
    site.call("GET", "/v1/users/me").by(&owner.access).expect(401);
    assert_eq!(site.try_to_log_in(owner.email.as_str(), PASSWORD).status, 401);
    assert_eq!(site.try_to_log_in(owner.email.as_str(), OTHER_PASSWORD).status, 201);
}

#[test]
fn asking_tells_nothing_of_who_has_an_account() {
    let site = Site::new();
    let owner = site.owner();
    let heard = |email: &str| {
        let since = Instant::now();
        let mut answer = ask(&site, email);
        assert!(since.elapsed() >= Duration::from_millis(100), "{email}");
        answer.headers.retain(|(name, _)| !["x-request-id", "date"].contains(&name.as_str()));
        (answer.status, answer.headers, answer.body)
    };
    let of_nobody = heard("nobody@example.com");
    assert_eq!((of_nobody.0, of_nobody.2.as_str()), (202, ""));
    assert_eq!(heard(owner.email.as_str()), of_nobody);
    assert_eq!(sent(&site).len(), 1);
    assert_eq!(ask(&site, "no address").status, 400);
}

#[test]
fn resets_are_limited_by_address_and_by_account() {
    let site = behind_a_proxy(|config| {
        config.limits.reset_per_address = THREE;
        config.limits.reset_per_account = THREE;
    });
    let ask = |from: &str, email: &str| {
        let call = site.call("POST", "/v1/password-resets").header("X-Forwarded-For", from);
        call.json(&json!({ "email": email })).send()
    };
    for n in 1..=3 {
        assert_eq!(ask("203.0.113.7", &format!("n{n}@example.com")).status, 202);
    }
    is_too_often(&ask("203.0.113.7", "n4@example.com"));
    let owner = site.owner();
    for email in [owner.email.as_str(), "nobody@example.com"] {
        for n in 1..=3 {
            assert_eq!(ask(&format!("198.51.100.{}", n + email.len()), email).status, 202);
        }
        is_too_often(&ask("192.0.2.1", &email.to_uppercase()));
    }
}

#[test]
fn address_is_verified_with_the_token_of_a_mail() {
    let site = Site::new();
    let owner = site.owner();
    let ask = || site.call("POST", "/v1/email-verifications").by(&owner.access).send();
    assert_eq!(ask().status, 202, "a shown invitation proves nothing");
    let first = token(&site, &owner);
    let verify = |token: &str| site.call("POST", "/v1/email-verifications/accept").json(&json!({ "token": token })).send();
    assert_eq!(verify(&first).status, 204);
    assert_eq!(ask().status, 409, "it is verified");
    site.call("PATCH", "/v1/users/me")
        .by(&owner.access)
        .json(&json!({ "email": "new@example.com", "current_password": PASSWORD }))
        .expect(200);
    assert_eq!(ask().status, 202);
    let moved = Person { email: "new@example.com".parse().unwrap(), ..owner.clone() };
    let token = token(&site, &moved);
    let is_verified = || site.call("GET", "/v1/users/me").by(&owner.access).expect(200).document()["email_verified"].clone();
    assert_eq!((verify("rubbish").status, is_verified()), (400, json!(false)));
    assert_eq!((verify(&token).status, is_verified()), (204, json!(true)));
    assert_eq!(verify(&token).refusal().0, "#/token");
}

#[test]
fn owner_who_registers_gets_a_mail_that_verifies_the_address() {
    let new = |name: &str| {
        let owner = json!({ "email": "cleo@example.com", "password": PASSWORD, "first_name": "Cleo", "last_name": "Roe" });
        json!({ "business": { "name": name }, "owner": owner })
    };
    let site = Site::new();
    let made = site.call("POST", "/v1/registrations").json(&new("Cleo's Cabs")).expect(201).document();
    assert_eq!(made["owner"]["email_verified"], false);
    let [(to, token)] = &sent(&site)[..] else { panic!("one mail") };
    assert_eq!(to, "cleo@example.com");
    site.call("POST", "/v1/email-verifications/accept").json(&json!({ "token": token })).expect(204);
    assert_eq!(site.count("users WHERE email_verified AND email_verified_at IS NOT NULL AND email = 'cleo@example.com'"), 1);

    let site = Site::with(|_, config| config.sends_mails = false);
    site.call("POST", "/v1/registrations").json(&new("Cleo's Cabs")).expect(201);
    assert_eq!(site.count("account_mails"), 0, "nobody would send it");
}

#[test]
fn invitation_is_mailed_where_mails_are_sent() {
    let site = Site::new();
    let owner = site.owner();
    let new = |email: &str| json!({ "email": email, "first_name": "Sam", "last_name": "Roe", "role": "user" });
    let made = site.call("POST", "/v1/users").by(&owner.access).json(&new("sam@example.com")).expect(201);
    assert_eq!((&made.document()["mailed"], &made.document()["not_mailed"]), (&json!(true), &json!(null)));
    let again = site.call("POST", format!("/v1/users/{}/invitation", made.document()["user"]["id"].as_str().unwrap()));
    assert_eq!(again.by(&owner.access).expect(201).document()["mailed"], true);
    let [(to, token)] = &sent(&site)[..] else { panic!("one mail: the first gave way") };
    assert_eq!(to, "sam@example.com");
    let body = json!({ "invitation": token, "password": PASSWORD });
    let user = site.call("POST", "/v1/invitations/acceptance").json(&body).expect(200);
    assert_eq!(user.document()["email_verified"], true);

    let site = Site::with(|_, config| config.sends_mails = false);
    let admin = site.person(&site.joe, UserRole::Admin);
    let made = site.call("POST", "/v1/users").by(&admin.access).json(&new("sam@example.com")).expect(201);
    assert_eq!((made.document()["mailed"].clone(), site.count("account_mails")), (json!(false), 0));
    assert_eq!(made.document()["not_mailed"], "no_mails");

    let site = Site::new();
    site.joe.disapprove(&site.db, true);
    let made = site.call("POST", "/v1/users").by(&site.owner().access).json(&new("sam@example.com")).expect(201);
    let said = made.document();
    assert_eq!((&said["mailed"], &said["not_mailed"]), (&json!(false), &json!("awaiting_approval")));
}
