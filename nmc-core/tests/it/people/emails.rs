//! An e-mail and its changes: what is stored is bounded, one's own takes the password, and another one is not verified.

use super::*;
use nmc_core::access::{KeyOrder, Permission};
use nmc_core::diesel::connection::SimpleConnection as _;
use nmc_core::people::{UserPatch, change_own_user, change_user, vouch_for_email};

fn to(name: &str) -> UserPatch {
    UserPatch { email: Some(email(name)), ..UserPatch::default() }
}

#[test]
fn email_of_ones_own_takes_the_password_and_ends_other_sessions() {
    let house = House::new();
    let (here, there) = (house.bearer("ada"), house.bearer("ada"));
    house.refused("current_password is required to change one's own e-mail", || {
        house.acting(&here, |tx| change_user(tx, house.ada, &to("ida")))
    });
    let wrong = house.auth.prove_again(&here, &secret("wrong horse battery")).unwrap_err();
    assert_eq!(wrong.to_string(), "current_password is wrong, or the account is locked for a while");
    assert_eq!(house.known_guesses(), 1, "it is a guess like any other");
    let proof = house.auth.prove_again(&here, &secret(PASSWORD)).unwrap();
    assert_eq!(house.known_guesses(), 0, "the right one is none, whatever comes of it");
    let row = house.acting(&here, |tx| change_own_user(tx, &proof, &to("ida"))).unwrap();
    assert_eq!((row.email.as_str(), row.email_verified), ("ida@example.com", false));
    house.acting(&here, |_| Ok(())).unwrap();
    unknown(house.acting(&there, |_| Ok(())));
    login(&house.auth, "ida").unwrap();
    // The same address again moves nothing.
    let same = house.acting(&here, |tx| change_user(tx, house.ada, &to("ida"))).unwrap();
    assert_eq!(same.email, row.email);
}

#[test]
fn a_proof_is_its_owners_and_ends_with_the_password() {
    let house = House::new();
    house.add("ben", UserRole::Admin);
    let (hers, his) = (house.bearer("ada"), house.bearer("ben"));
    let proof = house.auth.prove_again(&his, &secret(PASSWORD)).unwrap();
    let changed = "current_password was changed meanwhile";
    house.refused(changed, || house.acting(&hers, |tx| change_own_user(tx, &proof, &to("ida"))));
    house.auth.change_password(&his, &secret(PASSWORD), &secret("another horse battery")).unwrap();
    house.refused(changed, || house.acting(&his, |tx| change_own_user(tx, &proof, &to("ida"))));
}

#[test]
fn email_changed_by_an_admin_is_unverified_and_ends_sessions() {
    let house = House::new();
    let ben = house.add("ben", UserRole::User);
    let (hers, his) = (house.bearer("ada"), house.bearer("ben"));
    assert!(house.operator(|tx| vouch_for_email(tx, ben, &email("ben"))).unwrap().email_verified);
    let same = house.acting(&hers, |tx| change_user(tx, ben, &to("ben"))).unwrap();
    assert!(same.email_verified, "the same one is as it was");
    house.acting(&his, |_| Ok(())).unwrap();
    let row = house.acting(&hers, |tx| change_user(tx, ben, &to("benjamin"))).unwrap();
    assert!(!row.email_verified);
    unknown(house.acting(&his, |_| Ok(())));
    house.acting(&hers, |_| Ok(())).unwrap();
}

#[test]
fn a_key_does_not_change_the_email_of_its_human() {
    let house = House::new();
    let ben = house.add("ben", UserRole::User);
    let order = KeyOrder { name: "hers".to_owned(), scopes: vec![Permission::UsersWrite], expires_at: None };
    // An owner is above a key; an admin is not.
    house.add("second", UserRole::Owner);
    house.db.execute("UPDATE users SET role = 'admin' WHERE email = 'ada@example.com'");
    let key = Credential::from(house.operator(|tx| nmc_core::access::make_key_for(tx, house.ada, &order)).unwrap().1);
    let own = "an API key can't change the e-mail of the person it goes back to";
    house.refused(own, || house.acting(&key, |tx| change_user(tx, house.ada, &to("ida"))));
    house.acting(&key, |tx| change_user(tx, ben, &to("benjamin"))).unwrap();
    assert_eq!(forbidden(house.auth.prove_again(&key, &secret(PASSWORD))), "an API key has no password");
}

/// Letters that grow, shrink or change when they are lowered, and others.
const ODD: [char; 20] = ['İ', 'ẞ', 'ß', 'Σ', 'ς', 'K', 'Å', 'ﬁ', 'Ǆ', 'ꭰ', 'Ა', 'ა', '𐐀', 'a', 'Z', '9', '.', '_', 'é', 'É'];

#[test]
fn an_email_that_is_accepted_can_be_stored() {
    let house = House::new();
    let mut conn = house.db.superuser();
    let mut state = 1_u64;
    let mut next = |below: usize| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(state >> 33).unwrap() % below
    };
    let mut tried: Vec<String> = (0..2_000)
        .map(|_| {
            let mut part = |most: usize| -> String { (0..=next(most)).map(|_| ODD[next(ODD.len())]).collect() };
            format!("{}@{}.cc", part(40), part(120))
        })
        .collect();
    tried.push(format!("{}@{}.cc", "İ".repeat(32), "İ".repeat(90)));
    let accepted: Vec<String> =
        tried.iter().filter_map(|text| text.parse::<Email>().ok()).map(|email| email.as_str().to_owned()).collect();
    assert!(accepted.len() > 200 && accepted.len() < tried.len(), "{}", accepted.len());
    for text in &accepted {
        assert_eq!(text.parse::<Email>().unwrap().as_str(), text, "it reads back as it is");
        let quoted = text.replace('\'', "''");
        conn.batch_execute(&format!("UPDATE users SET email = '{quoted}' WHERE id = '{}'", house.ada)).unwrap();
    }
    let long = format!("{}@{}.cc", "İ".repeat(32), "İ".repeat(90)).parse::<Email>();
    assert_eq!(long.unwrap_err().to_string(), "email must be an address like joe@example.com");
}
