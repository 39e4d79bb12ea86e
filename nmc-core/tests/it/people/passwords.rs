//! Hashes that are none, and what a login makes of them.

use super::*;

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
