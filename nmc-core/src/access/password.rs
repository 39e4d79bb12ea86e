//! Passwords: bounded, not among those that are tried first, hashed with bcrypt, a few at a time.
//!
//! What is hashed is the NFKC form, so that a letter with an accent is the same from every keyboard. Hashes from before were
//! made of the bytes as they came; a password whose bytes differ from that form is tried in both.

use crate::{Error, Result, Secret};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::{Duration, Instant};
use unicode_normalization::UnicodeNormalization as _;

/// The passwords of ten characters and more that are seen most often in what was leaked elsewhere, in lower case.
const COMMON: &str = include_str!("common_passwords.txt");

/// The number of letters and digits besides a word that makes a password more than that word.
const OWN_PART: usize = 5;

/// A password that somebody chooses: 10 characters at least, 72 bytes at most, since bcrypt looks no further and a password
/// is never cut.
#[derive(Debug, Clone)]
pub struct Password(Secret);

impl Password {
    /// The longest, in bytes.
    pub const LONGEST: usize = 72;
    /// The shortest, in characters.
    pub const SHORTEST: usize = 10;

    /// Takes a password for the field of this name.
    ///
    /// # Errors
    /// [`Error::Invalid`] of `field` when it is too short, too long, one of the commonest, or holds NUL.
    pub fn new(field: &'static str, text: &Secret) -> Result<Self> {
        shown(field, text)?;
        let chosen = normal(text.expose());
        if chosen.chars().count() < Self::SHORTEST {
            return Err(Error::invalid(field, format!("must be at least {} characters", Self::SHORTEST)));
        }
        if chosen.chars().all(|c| chosen.starts_with(c)) {
            return Err(Error::invalid(field, "must not be one character over and over"));
        }
        let lower = chosen.trim().to_lowercase();
        if COMMON.lines().any(|common| common == lower) {
            return Err(Error::invalid(field, "must not be one of the commonest passwords, which are tried first"));
        }
        Ok(Self(Secret::new(chosen)))
    }

    /// Insists that the password is not made of something that others know of whoever chooses it: it is none of these words,
    /// nor one of them, forwards or backwards, and a few characters more.
    ///
    /// # Errors
    /// [`Error::Invalid`] of `field`.
    pub fn must_not_name(&self, field: &'static str, words: &[&str]) -> Result<()> {
        let chosen = letters(self.0.expose());
        let is_made_of = |word: &str| {
            let rest = chosen.replace(word, "");
            rest.len() < chosen.len() && rest.chars().count() < OWN_PART
        };
        let known = words.iter().map(|word| letters(word)).filter(|word| word.chars().count() >= 4);
        for word in known {
            let backwards: String = word.chars().rev().collect();
            if is_made_of(&word) || is_made_of(&backwards) {
                return Err(Error::invalid(field, "must not be made of your e-mail, your name or that of your business"));
            }
        }
        Ok(())
    }
}

/// The letters and digits of a text, in lower case.
fn letters(text: &str) -> String {
    normal(text).to_lowercase().chars().filter(|c| c.is_alphanumeric()).collect()
}

/// The form that is hashed.
fn normal(text: &str) -> String {
    text.nfkc().collect()
}

/// Checks a password that is shown rather than chosen: rules for new ones may be stricter than the old ones were.
pub(super) fn shown(field: &'static str, text: &Secret) -> Result<()> {
    // No form is shorter than a third of another; a text that is longer than that is not looked at.
    if text.expose().len() > 3 * Password::LONGEST || normal(text.expose()).len() > Password::LONGEST {
        return Err(Error::invalid(field, format!("must be at most {} bytes", Password::LONGEST)));
    }
    if text.expose().contains('\0') {
        return Err(Error::invalid(field, "must not contain NUL"));
    }
    Ok(())
}

/// The text that the column holds of a user who has no password yet. No password fits it.
pub(crate) const NO_PASSWORD: &str = "!";

/// How passwords are hashed, and how many at once. Clones share the places.
#[derive(Debug, Clone)]
pub struct Hasher {
    cost: u32,
    /// Hash of nobody's password: checking it takes as long as checking somebody's.
    decoy: Arc<str>,
    places: Arc<Places>,
}

#[derive(Debug)]
struct Places {
    taken: Mutex<Taken>,
    freed: Condvar,
    at_once: usize,
    waiting: usize,
    patience: Duration,
}

#[derive(Debug, Default)]
struct Taken {
    working: usize,
    waiting: usize,
    done: u64,
}

impl Hasher {
    /// The cost of bcrypt that the product prescribes for passwords; it may be raised, and a login then raises its user's hash.
    pub const COST: u32 = 10;

    /// Hashes at this cost (4 to 31, each step doubles the time), `at_once` at a time on their callers' threads. `waiting`
    /// more wait, five seconds at the most.
    ///
    /// # Errors
    /// [`Error::Invalid`] on a cost that bcrypt does not know.
    pub fn new(cost: u32, at_once: usize, waiting: usize) -> Result<Self> {
        let decoy = bcrypt::hash("nobody's", cost).map_err(|_| Error::invalid("cost", "must be between 4 and 31"))?;
        let places = Places {
            taken: Mutex::default(),
            freed: Condvar::new(),
            at_once: at_once.max(1),
            waiting,
            patience: Duration::from_secs(5),
        };
        Ok(Self { cost, decoy: decoy.into(), places: Arc::new(places) })
    }

    /// The hash of a password, in modular crypt format.
    ///
    /// # Errors
    /// [`Error::Unavailable`] when too many are waiting.
    pub fn hash(&self, password: &Password) -> Result<String> {
        let _place = self.place()?;
        bcrypt::hash(password.0.expose(), self.cost).map_err(Error::internal)
    }

    /// Whether a password is the one behind a hash. Without a hash, or with one that can't be read, it takes as long, and is
    /// not.
    ///
    /// # Errors
    /// [`Error::Invalid`] of `password` when it is longer than any can be; [`Error::Unavailable`] when too many are waiting.
    pub fn verify(&self, password: &Secret, hash: Option<&str>) -> Result<bool> {
        shown("password", password)?;
        self.place()?.verify(password, hash)
    }

    /// A place for hashing, as soon as there is one.
    pub(super) fn place(&self) -> Result<Place<'_>> {
        self.places.take()?;
        Ok(Place(self))
    }

    /// Whether a hash was made at another cost than this.
    #[must_use]
    pub fn is_outdated(&self, hash: &str) -> bool {
        hash.split('$').nth(2).and_then(|cost| cost.parse().ok()) != Some(self.cost)
    }

    /// How many passwords were hashed or checked so far.
    #[must_use]
    pub fn done(&self) -> u64 {
        self.places.taken.lock().unwrap_or_else(PoisonError::into_inner).done
    }
}

/// A place for hashing; free again when dropped.
pub(super) struct Place<'a>(&'a Hasher);

impl Place<'_> {
    /// Verifies a password that was looked at, as [`Hasher::verify`] does.
    pub(super) fn verify(&self, password: &Secret, hash: Option<&str>) -> Result<bool> {
        let (raw, normal) = (password.expose(), normal(password.expose()));
        let fits = self.is_of(&normal, hash)?;
        // How much work it is depends on what was shown alone, and not on the account.
        if raw == normal || raw.len() > Password::LONGEST {
            return Ok(fits);
        }
        Ok(self.is_of(raw, hash)? || fits)
    }

    fn is_of(&self, shown: &str, hash: Option<&str>) -> Result<bool> {
        let hash = hash.filter(|hash| *hash != NO_PASSWORD);
        let read = hash.map(|hash| bcrypt::verify(shown, hash));
        if matches!(read, Some(Err(_))) {
            // It must not show that there is such an account. The error would tell the hash.
            tracing::error!("a password's hash can't be read; its user can't log in");
        }
        match read {
            Some(Ok(false)) if hash.is_some_and(|hash| self.0.is_outdated(hash)) => {
                // Until its user logs in again a hash of another cost would take another time to refuse.
                bcrypt::verify(shown, &self.0.decoy).map(|_| false).map_err(Error::internal)
            }
            Some(Ok(fits)) => Ok(fits),
            // As long, and in vain.
            None | Some(Err(_)) => bcrypt::verify(shown, &self.0.decoy).map(|_| false).map_err(Error::internal),
        }
    }
}

impl Places {
    fn take(&self) -> Result<()> {
        let full = || Error::try_later("too many people are logging in");
        let mut taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        if taken.working >= self.at_once && taken.waiting >= self.waiting {
            return Err(full());
        }
        let until = Instant::now() + self.patience;
        taken.waiting += 1;
        while taken.working >= self.at_once {
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                taken.waiting -= 1;
                return Err(full());
            }
            taken = self.freed.wait_timeout(taken, left).unwrap_or_else(PoisonError::into_inner).0;
        }
        taken.waiting -= 1;
        taken.working += 1;
        Ok(())
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        let places = &self.0.places;
        let mut taken = places.taken.lock().unwrap_or_else(PoisonError::into_inner);
        taken.working -= 1;
        taken.done += 1;
        drop(taken);
        places.freed.notify_one();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn secret(text: &str) -> Secret {
        Secret::new(text)
    }

    #[test]
    fn a_password_is_bounded_and_never_cut() {
        for (text, rule) in [
            ("short", "must be at least 10 characters"),
            (&"x".repeat(73), "must be at most 72 bytes"),
            (&"ü".repeat(37), "must be at most 72 bytes"),
            ("with\0a zero byte", "must not contain NUL"),
            ("aaaaaaaaaaaaaaa", "must not be one character over and over"),
        ] {
            match Password::new("password", &secret(text)) {
                Err(Error::Invalid { field, rule: said, .. }) => assert_eq!((&*field, &*said), ("password", rule)),
                other => panic!("{other:?}"),
            }
        }
        let hasher = Hasher::new(4, 1, 1).unwrap();
        let longest = secret(&format!("{}xy", "ab".repeat(35)));
        let hash = hasher.hash(&Password::new("password", &longest).unwrap()).unwrap();
        assert!(hasher.verify(&longest, Some(&hash)).unwrap());
        assert!(!hasher.verify(&secret(&format!("{}xz", "ab".repeat(35))), Some(&hash)).unwrap(), "the last byte counts");
        assert!(hasher.verify(&secret(&format!("{}!", longest.expose())), Some(&hash)).is_err(), "not cut to fit");
    }

    #[test]
    fn nobody_has_no_password() {
        let hasher = Hasher::new(4, 1, 1).unwrap();
        assert!(!hasher.verify(&secret("nobody's"), None).unwrap());
        assert!(!hasher.verify(&secret("!"), Some(NO_PASSWORD)).unwrap());
        assert_eq!(hasher.done(), 2, "and it takes as long to say so");
    }

    #[test]
    fn an_older_cost_is_seen() {
        let (old, new) = (Hasher::new(4, 1, 1).unwrap(), Hasher::new(5, 1, 1).unwrap());
        let hash = old.hash(&Password::new("password", &secret("correct horse")).unwrap()).unwrap();
        assert!(new.is_outdated(&hash) && !old.is_outdated(&hash));
        assert!(new.verify(&secret("correct horse"), Some(&hash)).unwrap(), "it is still the password's");
        assert!(!new.verify(&secret("wrong horse"), Some(&hash)).unwrap());
        // The decoy is of the new cost; its password opens nothing.
        assert!(!new.verify(&secret("nobody's"), Some(&hash)).unwrap());
        assert!(Hasher::new(3, 1, 1).is_err() && Hasher::new(32, 1, 1).is_err());
    }

    #[test]
    fn no_more_work_at_once_or_wait_than_may() {
        let hasher = Hasher::new(4, 1, 0).unwrap();
        let place = hasher.place().unwrap();
        assert!(matches!(hasher.verify(&secret("x"), None), Err(Error::Unavailable { .. })));
        drop(place);
        assert!(hasher.verify(&secret("x"), None).is_ok());
    }
}
