//! Which passwords can be chosen; hashes that are none, and what a login makes of them.

use super::*;
use nmc_core::access::Password;
use nmc_core::people::invite;

const NAMED: &str = "must not be made of your e-mail, your name or that of your business";
const COMMON: &str = "must not be one of the commonest passwords, which are tried first";

#[test]
fn a_hash_that_is_none_lets_nobody_in_and_tells_nobody() {
    let house = House::new();
    for hash in ["none", "$2b$04$", "$2b$04$short", "", "$1$md5"] {
        house.db.execute(&format!("UPDATE users SET password_hash = '{hash}', failed_login_attempts = 0, locked_until = NULL"));
        let done = house.auth.hasher().done();
        for password in [PASSWORD, hash, "nobody's"] {
            let words = unknown(house.auth.login(&email("ada"), &secret(password), &Origin::default()));
            assert_eq!(words, "e-mail or password is wrong, or the account is locked for a while", "{hash}");
        }
        assert_eq!(house.auth.hasher().done() - done, 3, "{hash}");
    }
}

fn refused<T: Debug>(field: &str, rule: &str, came: Result<T>) {
    match came {
        Err(Error::Invalid { field: of, rule: said, .. }) => assert_eq!((&*of, &*said), (field, rule)),
        other => panic!("{other:?}"),
    }
}

#[test]
fn the_commonest_passwords_are_refused_however_cased() {
    for text in ["1234567890", "Password123", "QWERTYUIOP", "basketball", " welcome2026 ", "ｐａｓｓｗｏｒｄ123"] {
        refused("password", COMMON, Password::new("password", &secret(text)));
    }
    for text in [PASSWORD, "basketball courts", "1234567890 apples"] {
        Password::new("password", &secret(text)).unwrap();
    }
}

#[test]
fn a_password_made_of_what_is_known_of_oneself_is_refused() {
    let house = House::new();
    let register = |password: &str| {
        let mut new = registration("Rapid Rooter", "cleopatra");
        new.password = secret(password);
        house.auth.register(&new, None)
    };
    for password in [
        "cleopatra@example.com",
        "Cleopatra1!",
        "Rapid Rooter",
        "rapidrooter2026",
        "artapoelc!",
        "cleopatra smith",
        "cleopatracleopatra",
    ] {
        refused("password", NAMED, register(password));
    }
    register("cleopatra drinks vinegar").unwrap();

    let (_, token) = house.operator(|tx| invite(tx, &person("benjamin", UserRole::User))).unwrap();
    refused("password", NAMED, house.auth.accept_invitation(&token.text(), &secret("benjamin99")));
    house.auth.accept_invitation(&token.text(), &secret(PASSWORD)).unwrap();
    let his = house.bearer("benjamin");
    let change = |new: &str| house.auth.change_password(&his, &secret(PASSWORD), &secret(new));
    refused("new_password", NAMED, change("joes-plumbing"));
    refused("new_password", COMMON, change("1q2w3e4r5t"));
    change("another horse battery").unwrap();
}

#[test]
fn one_password_in_two_spellings_logs_in_alike() {
    let house = House::new();
    let (composed, apart) = ("caf\u{e9} horse battery", "cafe\u{301} horse battery");
    let login = |password: &str| house.auth.login(&email("ada"), &secret(password), &Origin::default()).is_ok();
    let her = house.bearer("ada");
    house.auth.change_password(&her, &secret(PASSWORD), &secret(apart)).unwrap();
    assert!(login(composed) && login(apart) && !login("cafe horse battery"));
    // A hash from before was made of the bytes as they came.
    let old = bcrypt::hash(apart, 4).unwrap();
    house.db.execute(&format!("UPDATE users SET password_hash = '{old}', failed_login_attempts = 0"));
    assert!(login(apart) && !login(composed));
}
