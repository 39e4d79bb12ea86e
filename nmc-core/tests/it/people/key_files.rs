//! The file of token keys: made once, rotated without logging anybody out, and for its owner alone.

use super::*;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use nmc_core::testing::wait_until;
use serde_json::{Value, json};
use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;

/// A folder of its own with a file of keys, gone when this is dropped.
pub(super) struct Keys(PathBuf);

impl Keys {
    pub(super) fn new() -> Self {
        let folder = std::env::temp_dir().join(format!("nmc-keys-{}", uuid::Uuid::new_v4().simple()));
        fs::create_dir(&folder).unwrap();
        Self(folder)
    }

    fn file(&self) -> PathBuf {
        self.0.join("token.keys")
    }

    pub(super) fn open(&self, now: DateTime<Utc>) -> TokenKeys {
        TokenKeys::open(&self.file(), now).unwrap()
    }

    fn rotate(&self, now: DateTime<Utc>) -> String {
        TokenKeys::rotate(&self.file(), now).unwrap().kid
    }

    /// The names in the file, newest first, and which of them signs.
    fn names(&self, now: DateTime<Utc>) -> Vec<(String, bool)> {
        TokenKeys::list(&self.file(), now).unwrap().into_iter().map(|key| (key.kid, key.signs)).collect()
    }

    pub(super) fn lines(&self) -> Vec<String> {
        fs::read_to_string(self.file()).unwrap().lines().map(str::to_owned).collect()
    }

    /// A token of these claims, signed as the server would with the first key of the file.
    pub(super) fn forge(&self, claims: &Value) -> Secret {
        let lines = self.lines();
        let [kid, key, _] = lines[0].split(' ').collect::<Vec<_>>()[..] else { panic!("a name, a key and a time") };
        let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
        let signed = format!("{}.{}", part(&json!({"alg": "HS256", "typ": "JWT", "kid": kid})), part(claims));
        let key = URL_SAFE_NO_PAD.decode(key).unwrap();
        let tag = Hmac::<sha2::Sha256>::new_from_slice(&key).unwrap().chain_update(&signed).finalize().into_bytes();
        secret(&format!("{signed}.{}", URL_SAFE_NO_PAD.encode(tag)))
    }
}

impl Drop for Keys {
    fn drop(&mut self) {
        drop(fs::remove_dir_all(&self.0));
    }
}

/// The key that a token bears the name of.
fn signed_by(token: &Secret) -> String {
    let header = URL_SAFE_NO_PAD.decode(token.expose().split('.').next().unwrap()).unwrap();
    serde_json::from_slice::<Value>(&header).unwrap()["kid"].as_str().unwrap().to_owned()
}

#[test]
fn new_key_signs_once_all_have_seen_it_and_old_tokens_pass() {
    let (house, keys) = (House::new(), Keys::new());
    let before = with_keys(&house.db.store, keys.open(house.now()));
    let tokens = login(&before, "ada").unwrap();
    let old = signed_by(&tokens.access_token);
    assert_eq!(keys.names(house.now()), [(old.clone(), true)]);

    let new = keys.rotate(house.now());
    for (seconds, signer) in [(0, &old), (29, &old), (1, &new), (600, &new)] {
        house.pass(seconds);
        let after = with_keys(&house.db.store, keys.open(house.now()));
        assert_eq!(signed_by(&login(&after, "ada").unwrap().access_token), *signer);
        let expected = [(new.clone(), *signer == new), (old.clone(), *signer == old)];
        assert_eq!(keys.names(house.now()), expected);
        house.acting(&after.credential(&tokens.access_token).unwrap(), |_| Ok(())).unwrap();
    }
}

#[test]
fn a_token_of_a_key_that_is_not_known_makes_a_server_look_again() {
    let (house, keys) = (House::new(), Keys::new());
    let running = with_keys(&house.db.store, keys.open(house.now()));
    keys.rotate(house.now());
    house.pass(30);
    let restarted = with_keys(&house.db.store, keys.open(house.now()));
    let token = login(&restarted, "ada").unwrap().access_token;
    // No more than once a second, whoever asks.
    wait_until("the running server knows the new key", || running.credential(&token).is_ok());
    house.acting(&running.credential(&token).unwrap(), |_| Ok(())).unwrap();
    // A file that is gone, or spoilt, changes nothing for who runs.
    fs::write(keys.file(), "rubbish").unwrap();
    let stranger = login(&house.auth, "ada").unwrap().access_token;
    let begin = std::time::Instant::now();
    wait_until("it has looked once more", || {
        assert_eq!(unknown(running.credential(&stranger)), "the access token is not one of ours");
        begin.elapsed() > std::time::Duration::from_millis(1_100)
    });
    running.credential(&token).unwrap();
}

#[test]
fn a_key_is_dropped_when_it_was_replaced_an_hour_ago() {
    let keys = Keys::new();
    let mut now = noon();
    drop(keys.open(now));
    let mut kids: Vec<String> = vec![keys.names(now)[0].0.clone()];
    // Made at 0, 10, 30, 59, 60, 121, 180 and 181 minutes; each is replaced when the next one is made.
    for (minutes, left) in [(10, 2), (20, 3), (29, 4), (1, 5), (61, 2), (59, 3), (1, 3)] {
        now += TimeDelta::minutes(minutes);
        kids.push(keys.rotate(now));
        let names: Vec<String> = keys.names(now).into_iter().map(|(kid, _)| kid).collect();
        assert_eq!(names, kids.iter().rev().take(left).cloned().collect::<Vec<_>>(), "after {minutes} minutes more");
    }
    let mut lines = keys.lines();
    lines.sort();
    lines.dedup();
    assert_eq!(lines.len(), 3, "no line twice");
    for _ in 0..40 {
        keys.rotate(now);
    }
    assert_eq!(keys.lines().len(), 32);
    assert!(TokenKeys::open(&keys.file(), now).is_ok());
}

#[test]
fn of_many_that_find_no_file_one_makes_it_and_all_share_its_key() {
    let (house, keys) = (House::new(), Keys::new());
    let opened = at_once(8, |_| keys.open(house.now()));
    assert_eq!(keys.lines().len(), 1);
    let auths: Vec<_> = opened.into_iter().map(|keys| with_keys(&house.db.store, keys)).collect();
    let token = login(&auths[0], "ada").unwrap().access_token;
    assert!(auths.iter().all(|auth| auth.credential(&token).is_ok()));
    let left: Vec<_> = fs::read_dir(&keys.0).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(left, ["token.keys"], "no draft is left behind");
    assert_eq!(fs::metadata(keys.file()).unwrap().permissions().mode() & 0o777, 0o600);
    keys.rotate(house.now());
    assert_eq!(fs::read_dir(&keys.0).unwrap().count(), 1);
    assert_eq!(fs::metadata(keys.file()).unwrap().permissions().mode() & 0o777, 0o600);
}

#[test]
fn key_file_malformed_or_readable_by_others_is_refused() {
    let keys = Keys::new();
    drop(keys.open(noon()));
    let good = keys.lines().remove(0);
    let words = "token keys must be lines of a name, a key and a time, as a rotation writes them";
    let many = format!("{good}\n").repeat(33);
    for (text, words) in [
        ("", words),
        ("rubbish\n", words),
        (&good.replacen(' ', " x", 1), words),
        (&format!("{good} and more\n"), words),
        (&format!("{good}\n\n"), words),
        (&good.replace("2026", "someday"), words),
        (&many, words),
        (&"x".repeat(8_193), "token keys must be at most 32"),
    ] {
        fs::write(keys.file(), text).unwrap();
        let came = [
            TokenKeys::open(&keys.file(), noon()).map(drop),
            TokenKeys::rotate(&keys.file(), noon()).map(drop),
            TokenKeys::list(&keys.file(), noon()).map(drop),
        ];
        for came in came {
            assert_eq!(came.unwrap_err().to_string(), words);
        }
        assert_eq!(fs::read_to_string(keys.file()).unwrap(), *text);
    }
    fs::write(keys.file(), format!("{good}\n")).unwrap();
    for mode in [0o644, 0o640, 0o604, 0o660] {
        fs::set_permissions(keys.file(), Permissions::from_mode(mode)).unwrap();
        let refused = TokenKeys::open(&keys.file(), noon()).unwrap_err().to_string();
        assert_eq!(refused, format!("token keys must be readable by their owner alone: chmod 600 {}", keys.file().display()));
    }
    fs::set_permissions(keys.file(), Permissions::from_mode(0o600)).unwrap();
    assert_eq!(keys.names(noon()).len(), 1);
    let nowhere = keys.0.join("nowhere").join("token.keys");
    let came = TokenKeys::open(&nowhere, noon());
    assert!(matches!(&came, Err(Error::Unavailable { what: "the file of token keys can't be written", .. })), "{came:?}");
    assert!(matches!(TokenKeys::list(&nowhere, noon()), Err(Error::NotFound { entity: "file of token keys" })));
}

#[test]
fn leaked_key_is_dropped_at_once_and_one_long_replaced_is_gone() {
    let at = noon();
    let keys = Keys::new();
    let servers = keys.open(at);
    let claims = |at: DateTime<Utc>| {
        json!({"iss": "nmc", "sub": uuid::Uuid::nil(), "tid": uuid::Uuid::nil(), "sid": uuid::Uuid::nil(), "iat": 0,
               "exp": (at + TimeDelta::minutes(15)).timestamp()})
    };
    let leaked = |at: DateTime<Utc>, forged: &Secret| servers.check(forged, at).is_ok();
    let forged = keys.forge(&claims(at + TimeDelta::days(1)));
    assert!(leaked(at, &forged));
    // Replaced and never rotated again: its line is still there, and no token of it can be good.
    keys.rotate(at);
    wait_until("the new key is seen", || {
        let newest = keys.forge(&claims(at));
        servers.check(&newest, at).is_ok()
    });
    assert!(leaked(at + TimeDelta::minutes(59), &forged));
    assert!(!leaked(at + TimeDelta::hours(1), &forged));

    let forged = keys.forge(&claims(at));
    let only = TokenKeys::replace(&keys.file(), at).unwrap();
    assert_eq!(keys.names(at), [(only.kid, true)], "it signs at once: there is no other");
    assert!(TokenKeys::open(&keys.file(), at).unwrap().check(&forged, at).is_err());
}
