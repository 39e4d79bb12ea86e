//! The keys that sign access tokens. The newest signs, all of them check, so that a key can be replaced while its last
//! tokens are still about. They are kept in a file, which every server of an installation shares, and not in the database:
//! who reads the database must not be able to make tokens.

use super::access_token::{AccessClaims, REFUSED, SigningKey, UncheckedToken};
use crate::{Error, Result, Secret};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::{DateTime, SecondsFormat, TimeDelta, Utc};
use std::fs::{self, OpenOptions};
use std::io::{ErrorKind, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::{Duration, Instant};

/// A key that was replaced is dropped at the next replacement after this time: long after its last token has expired.
const KEPT: TimeDelta = TimeDelta::hours(1);
/// The most keys a file may hold.
const MOST: usize = 32;
/// How long the file may have changed before it is noticed; a token of a key that is not known asks for it at once.
const LOOKED_AT_APART: Duration = Duration::from_secs(10);
/// A new key signs only after this time: every server must have seen it before it meets a token of it.
const SEEN_BY_ALL: TimeDelta = TimeDelta::seconds(30);
/// How often tokens of keys that nobody knows may ask.
const ASKED_APART: Duration = Duration::from_secs(1);

/// A key as the file has it.
#[derive(Clone)]
struct KeyLine {
    kid: String,
    key: [u8; 64],
    made_at: DateTime<Utc>,
}

impl KeyLine {
    fn random(now: DateTime<Utc>) -> Result<Self> {
        let (mut name, mut key) = ([0_u8; 6], [0_u8; 64]);
        for bytes in [name.as_mut_slice(), key.as_mut_slice()] {
            getrandom::fill(bytes).map_err(|error| Error::unavailable("the system has no randomness to give", error))?;
        }
        Ok(Self { kid: name.iter().map(|byte| format!("{byte:02x}")).collect(), key, made_at: now })
    }

    fn parse(line: &str) -> Option<Self> {
        let mut words = line.split_whitespace();
        let (kid, key, made_at) = (words.next()?, words.next()?, words.next()?);
        let kid = Some(kid).filter(|kid| (1..=64).contains(&kid.len()) && kid.bytes().all(|b| b.is_ascii_alphanumeric()))?;
        let key = URL_SAFE_NO_PAD.decode(key).ok()?.try_into().ok()?;
        let made_at = made_at.parse().ok()?;
        words.next().is_none().then(|| Self { kid: kid.to_owned(), key, made_at })
    }

    fn write(&self) -> String {
        let made_at = self.made_at.to_rfc3339_opts(SecondsFormat::Secs, true);
        format!("{} {} {made_at}\n", self.kid, URL_SAFE_NO_PAD.encode(self.key))
    }
}

/// The facts about a signing key that may be told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TokenKey {
    /// The name of the key, which its tokens bear.
    pub kid: String,
    /// The instant at which the key was made.
    pub made_at: DateTime<Utc>,
    /// Whether the key signs; the others only check. A new one does half a minute after it was made.
    pub signs: bool,
}

/// The keys in use. Clones share them.
#[derive(Clone)]
pub struct TokenKeys(Arc<Inner>);

struct Inner {
    file: Option<PathBuf>,
    /// The newest first, each with the time it was made; never empty.
    keys: RwLock<Vec<(DateTime<Utc>, SigningKey)>>,
    looked_at: Mutex<Instant>,
}

impl TokenKeys {
    /// A key of this process alone: its tokens end with it.
    ///
    /// # Errors
    /// [`Error::Unavailable`] without randomness.
    pub fn ephemeral(now: DateTime<Utc>) -> Result<Self> {
        Ok(Self::over(None, &[KeyLine::random(now)?]))
    }

    /// The keys of a file, which is made with one key if there is none.
    ///
    /// # Errors
    /// [`Error::Unavailable`] when the file can't be read or made; [`Error::Invalid`] when it is not one of keys, or when
    /// others than its owner may read it.
    pub fn open(file: &Path, now: DateTime<Utc>) -> Result<Self> {
        let lines = match read(file) {
            Err(Error::NotFound { .. }) => {
                // Of two that find none, one makes it, and both read that one.
                write(file, &[KeyLine::random(now)?], true)?;
                read(file)?
            }
            lines => lines?,
        };
        Ok(Self::over(Some(file.to_owned()), &lines))
    }

    fn over(file: Option<PathBuf>, lines: &[KeyLine]) -> Self {
        let inner = Inner { file, keys: RwLock::new(signing(lines)), looked_at: Mutex::new(Instant::now()) };
        Self(Arc::new(inner))
    }

    /// Puts a new key in front of those in a file, and drops those that no token can need. Running servers notice by
    /// themselves; nobody is logged out.
    ///
    /// # Errors
    /// As [`Self::open`].
    pub fn rotate(file: &Path, now: DateTime<Utc>) -> Result<TokenKey> {
        let new = KeyLine::random(now)?;
        let mut lines = match read(file) {
            Err(Error::NotFound { .. }) => Vec::new(),
            lines => lines?,
        };
        // A key was replaced when the one before it in the file was made.
        let mut replaced_at = now;
        lines.retain(|line| {
            let keep = now.signed_duration_since(replaced_at) < KEPT;
            replaced_at = line.made_at;
            keep
        });
        lines.insert(0, new.clone());
        lines.truncate(MOST);
        write(file, &lines, false)?;
        Ok(TokenKey { kid: new.kid, made_at: new.made_at, signs: lines.len() == 1 })
    }

    /// Puts a new key in the place of all others: for one that has leaked. Access tokens that are about are refused within
    /// seconds, and their holders refresh them.
    ///
    /// # Errors
    /// As [`Self::open`].
    pub fn replace(file: &Path, now: DateTime<Utc>) -> Result<TokenKey> {
        let new = KeyLine::random(now)?;
        write(file, std::slice::from_ref(&new), false)?;
        Ok(TokenKey { kid: new.kid, made_at: new.made_at, signs: true })
    }

    /// The keys in a file, the newest first.
    ///
    /// # Errors
    /// As [`Self::open`]; [`Error::NotFound`] when there is no such file.
    pub fn list(file: &Path, now: DateTime<Utc>) -> Result<Vec<TokenKey>> {
        let lines = read(file)?;
        let signer = signer(lines.iter().map(|line| line.made_at), now);
        let keys = lines.into_iter().enumerate();
        Ok(keys.map(|(place, line)| TokenKey { kid: line.kid, made_at: line.made_at, signs: place == signer }).collect())
    }

    /// A token, signed by the newest key.
    pub(super) fn sign(&self, claims: &AccessClaims, now: DateTime<Utc>) -> Result<Secret> {
        self.look_again(LOOKED_AT_APART);
        let keys = self.0.keys.read().unwrap_or_else(PoisonError::into_inner);
        let signer = signer(keys.iter().map(|(made_at, _)| *made_at), now);
        keys.get(signer).ok_or_else(|| Error::internal("there is no key"))?.1.sign(claims, now)
    }

    /// The claims of a token, if one of the keys signed it and it has not expired. Asks nobody, unless it bears the name of a key
    /// that is not known yet.
    ///
    /// # Errors
    /// [`Error::Unauthenticated`].
    pub fn check(&self, token: &Secret, now: DateTime<Utc>) -> Result<AccessClaims> {
        let token = UncheckedToken::parse(token.expose())?;
        self.look_again(LOOKED_AT_APART);
        match self.find(&token.kid, now) {
            Some(key) => token.check(&key, now),
            None => {
                self.look_again(ASKED_APART);
                self.find(&token.kid, now).ok_or(REFUSED).and_then(|key| token.check(&key, now))
            }
        }
    }

    /// A key for another purpose of each key, the newest first.
    pub(crate) fn derive(&self, parts: &[&[u8]]) -> Vec<[u8; 32]> {
        self.look_again(LOOKED_AT_APART);
        let keys = self.0.keys.read().unwrap_or_else(PoisonError::into_inner);
        keys.iter().map(|(_, key)| key.derive(parts)).collect()
    }

    /// The key of this name, unless it was replaced so long ago that no token of it can be good.
    fn find(&self, kid: &str, now: DateTime<Utc>) -> Option<SigningKey> {
        let keys = self.0.keys.read().unwrap_or_else(PoisonError::into_inner);
        let mut replaced_at = now;
        for (made_at, key) in keys.iter() {
            if key.kid == kid {
                return (now.signed_duration_since(replaced_at) < KEPT).then(|| key.clone());
            }
            replaced_at = *made_at;
        }
        None
    }

    /// Reads the file once more if it was not looked at lately. A file that can't be read now changes nothing.
    fn look_again(&self, apart: Duration) {
        let Some(file) = &self.0.file else { return };
        {
            let mut looked_at = self.0.looked_at.lock().unwrap_or_else(PoisonError::into_inner);
            if looked_at.elapsed() < apart {
                return;
            }
            *looked_at = Instant::now();
        }
        match read(file) {
            Ok(lines) => *self.0.keys.write().unwrap_or_else(PoisonError::into_inner) = signing(&lines),
            Err(error) => tracing::warn!(error = error.causes(), "the file of token keys can't be read; the known keys stay"),
        }
    }
}

impl std::fmt::Debug for TokenKeys {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("TokenKeys").field("file", &self.0.file).finish_non_exhaustive()
    }
}

fn signing(lines: &[KeyLine]) -> Vec<(DateTime<Utc>, SigningKey)> {
    lines.iter().map(|line| (line.made_at, SigningKey::new(line.kid.clone(), &line.key))).collect()
}

/// The place of the key that signs: the newest that every server has seen, or else the oldest.
fn signer(made_at: impl ExactSizeIterator<Item = DateTime<Utc>>, now: DateTime<Utc>) -> usize {
    let last = made_at.len().saturating_sub(1);
    made_at.enumerate().find(|(_, made_at)| now.signed_duration_since(made_at) >= SEEN_BY_ALL).map_or(last, |(place, _)| place)
}

fn read(file: &Path) -> Result<Vec<KeyLine>> {
    use std::os::unix::fs::MetadataExt as _;
    let unreadable = |error: std::io::Error| match error.kind() {
        ErrorKind::NotFound => Error::NotFound { entity: "file of token keys" },
        _ => Error::unavailable("the file of token keys can't be read", error),
    };
    let meta = fs::metadata(file).map_err(unreadable)?;
    // Reading a pipe would wait for whoever writes into it.
    if !meta.is_file() {
        return Err(Error::invalid("token keys", format!("must be an ordinary file, which {} is not", file.display())));
    }
    if meta.mode() & 0o077 != 0 {
        return Err(Error::invalid("token keys", format!("must be readable by their owner alone: chmod 600 {}", file.display())));
    }
    // 32 lines of some hundred bytes.
    if meta.len() > 8_192 {
        return Err(Error::invalid("token keys", format!("must be at most {MOST}")));
    }
    let text = fs::read_to_string(file).map_err(unreadable)?;
    let lines: Option<Vec<KeyLine>> = text.lines().map(KeyLine::parse).collect();
    lines
        .filter(|lines| (1..=MOST).contains(&lines.len()))
        .ok_or_else(|| Error::invalid("token keys", "must be lines of a name, a key and a time, as a rotation writes them"))
}

/// Writes the file whole or not at all. With `fresh`, a file that is there already stays.
fn write(file: &Path, lines: &[KeyLine], fresh: bool) -> Result<()> {
    let failed = |error| Error::unavailable("the file of token keys can't be written", error);
    let text: String = lines.iter().map(KeyLine::write).collect();
    let mut draft = file.as_os_str().to_owned();
    draft.push(format!(".{}", uuid::Uuid::new_v4().simple()));
    let draft = PathBuf::from(draft);
    let written = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&draft).and_then(|mut out| {
        out.write_all(text.as_bytes())?;
        out.sync_all()?;
        if fresh { fs::hard_link(&draft, file) } else { fs::rename(&draft, file) }
    });
    let kept = matches!(&written, Err(error) if fresh && error.kind() == ErrorKind::AlreadyExists);
    if fresh || written.is_err() {
        match fs::remove_file(&draft) {
            Err(error) if error.kind() != ErrorKind::NotFound => {
                tracing::warn!(%error, "a draft of the token keys is left behind")
            }
            _ => {}
        }
    }
    if kept { Ok(()) } else { written.map_err(failed) }
}
