//! Nothing that is secret, and nobody's name, prints.

use super::key_files::Keys;
use super::*;
use nmc_core::access::{
    ApiKeyText, GuessOrigin, InvitationToken, KeyOrder, NewSession, Password, Permission, RefreshToken, TokenHash,
    make_service_key,
};
use nmc_core::people::{NewUser, UserPatch};
use nmc_core::testing::unique_phone;
use sha2::Digest as _;

/// What must not be in it: the texts, and the hash of each as hex or as bytes.
fn hidden(texts: &[&str]) -> Vec<String> {
    let hashed = |text: &&str| {
        let digest = sha2::Sha256::digest(text.as_bytes());
        let hex: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
        let bytes = digest[..6].iter().map(u8::to_string).collect::<Vec<_>>().join(", ");
        [(*text).to_owned(), hex, bytes]
    };
    texts.iter().flat_map(hashed).collect()
}

#[track_caller]
fn keeps(what: &str, shown: &impl Debug, texts: &[&str]) {
    for printed in [format!("{shown:?}"), format!("{shown:#?}")] {
        let flat = printed.split_whitespace().collect::<Vec<_>>().join(" ");
        for part in hidden(texts) {
            assert!(!printed.contains(&part) && !flat.contains(&part), "{what} tells {part:?}: {printed}");
        }
    }
}

#[test]
fn tokens_passwords_and_their_hashes_do_not_print() {
    let house = House::new();
    let tokens = house.login("ada");
    let (access, refresh) = (tokens.access_token.expose(), tokens.refresh_token.expose());
    let (family, rest) = refresh.strip_prefix("nmcr_").unwrap().split_once('.').unwrap();
    let parts: Vec<&str> = [family, rest, access, refresh].into_iter().chain(access.split('.')).collect();
    keeps("Tokens", &tokens, &parts);
    keeps("RefreshToken", &refresh.parse::<RefreshToken>().unwrap(), &parts);
    keeps("Credential", &house.auth.credential(&tokens.access_token).unwrap(), &parts);
    keeps("Password", &Password::new("password", &secret(PASSWORD)).unwrap(), &[PASSWORD]);
    keeps("TokenHash", &TokenHash::of(&secret(refresh)), &parts);

    let hash = house.db.query::<String>("SELECT password_hash FROM users").remove(0);
    let attempt = |tx: &mut nmc_core::store::SystemTx<'_>| {
        tx.claim_login_attempt(&email("ada"), GuessOrigin::LiveSession, 5, TimeDelta::minutes(1))
    };
    let attempt = house.db.store.system(Reason::Authentication, attempt).unwrap();
    keeps("LoginAttempt", &attempt, &[&hash, "ada@example.com"]);
    keeps("Hasher", house.auth.hasher(), &["nobody's", PASSWORD]);
    keeps("Authenticator", &house.auth, &parts);

    let (_, invitation) = house.operator(|tx| invite(tx, &person("ben", UserRole::User))).unwrap();
    let text = invitation.text().expose().to_owned();
    keeps("InvitationToken", &invitation, &[&text, secret_of(&text)]);
    keeps("InvitationToken, read", &text.parse::<InvitationToken>().unwrap(), &[secret_of(&text)]);
    let order = KeyOrder { name: "the till".to_owned(), scopes: vec![Permission::TenantRead], expires_at: None };
    let (key, key_text) = house.operator(|tx| make_service_key(tx, &order)).unwrap();
    let text = key_text.text().expose().to_owned();
    let its_secret = secret_of(&text);
    keeps("ApiKeyText", &key_text, &[&text, its_secret]);
    keeps("ApiKeyText, read", &text.parse::<ApiKeyText>().unwrap(), &[its_secret]);
    keeps("Credential of a key", &house.auth.credential(&key_text.text()).unwrap(), &[&text, its_secret]);
    keeps("ApiKey", &key, &[its_secret]);

    let new = NewSession {
        user_id: house.ada,
        token_family_hash: TokenHash::of(&secret("a family")),
        refresh_token_hash: TokenHash::of(&secret("a token")),
        expires_at: house.now(),
        ip_address: None,
        user_agent: None,
        device_fingerprint: None,
    };
    keeps("NewSession", &new, &["a family", "a token"]);
}

#[test]
fn keys_that_sign_do_not_print() {
    let keys = Keys::new();
    let opened = keys.open(noon());
    let line = keys.lines().remove(0);
    let key = line.split(' ').nth(1).unwrap();
    keeps("TokenKeys", &opened, &[key]);
    keeps("TokenKeys, in memory", &TokenKeys::ephemeral(noon()).unwrap(), &[key]);
}

#[test]
fn people_do_not_print() {
    let house = House::new();
    let phone = unique_phone();
    let mut new = registration("Cleo's Cabs", "cleopatra");
    new.phone_number = Some(phone.clone());
    new.last_name = "Philopator".to_owned();
    let hidden = ["cleopatra@example.com", phone.as_str(), PASSWORD];
    keeps("Registration", &new, &hidden);
    let made = house.auth.register(&new, Some("a key")).unwrap();
    keeps("Registered", &made, &hidden);
    keeps("User", &made.owner, &hidden);
    let profile = house.db.store.tenant(&made.tenant, |tx| tx.profiles().get_by_user(made.owner.id)).unwrap();
    keeps("Profile", &profile, &hidden);
    let person = NewPerson { phone_number: Some(phone.clone()), ..person("cleopatra", UserRole::User) };
    keeps("NewPerson", &person, &hidden);
    let new = NewUser {
        email: email("cleopatra"),
        password_hash: "$2b$04$hash".to_owned(),
        first_name: None,
        last_name: None,
        role: UserRole::User,
        email_verified: true,
    };
    keeps("NewUser", &new, &["cleopatra@example.com", "$2b$04$hash"]);
    let patch = UserPatch { email: Some(email("cleopatra")), ..UserPatch::default() };
    keeps("UserPatch", &patch, &["cleopatra@example.com"]);
    // What is refused tells nobody's, either.
    let taken = house.auth.register(&registration("Cleo's Cabs", "cleopatra"), None).unwrap_err();
    keeps("a refusal", &taken, &["cleopatra@example.com", "Cleo's Cabs"]);
}
