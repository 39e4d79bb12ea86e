//! Logging in, and staying logged in by refresh tokens.

use super::login::KnownOf;
use super::password::shown;
use super::random::{ApiKeyText, RefreshToken};
use super::{AccessClaims, Credential, GuessOrigin, Hasher, LoginAttempt, NewSession, Password, Rotation, Session, TokenKeys};
use crate::actor::WORKER;
use crate::store::{Reason, Store, Tenant, TenantTx};
use crate::{Email, Error, Result, Secret, SessionEnd, UserId};
use chrono::{DateTime, TimeDelta, Utc};
use std::net::IpAddr;

/// The rules of how logins are handled.
#[derive(Debug, Clone, Copy)]
pub struct LoginPolicy {
    /// Wrong passwords in a row before an account is locked: to strangers, or to the places it has logged in from before.
    pub attempts: u16,
    /// The time for which an account is locked.
    pub lock_for: TimeDelta,
    /// How long a session lives, however often it is refreshed.
    pub session_for: TimeDelta,
}

impl Default for LoginPolicy {
    fn default() -> Self {
        Self { attempts: 5, lock_for: TimeDelta::minutes(15), session_for: TimeDelta::days(30) }
    }
}

/// The place a request comes from.
#[derive(Debug, Clone, Default)]
pub struct Origin {
    /// The client's address.
    pub ip_address: Option<IpAddr>,
    /// The request's User-Agent; cut at 1,000 characters.
    pub user_agent: Option<String>,
    /// The text that the client sends to tell its devices apart; up to 255 characters.
    pub device_fingerprint: Option<String>,
}

/// The tokens with which a client goes on after a login or a refresh.
#[derive(Debug, Clone)]
#[cfg_attr(not(feature = "testing"), non_exhaustive)]
pub struct Tokens {
    /// The access token, shown with every request.
    pub access_token: Secret,
    /// The access token is refused from this instant on.
    pub access_expires_at: DateTime<Utc>,
    /// The refresh token, exchanged for new tokens, once.
    pub refresh_token: Secret,
    /// The session the tokens belong to, with its user.
    pub session: Session,
}

/// The proof that a user has just shown their password again ([`Authenticator::prove_again`]).
#[derive(Debug, Clone)]
pub struct PasswordProof(pub(crate) LoginAttempt);

/// Logs people in, and says who shows a credential.
#[derive(Debug, Clone)]
pub struct Authenticator {
    store: Store,
    hasher: Hasher,
    keys: TokenKeys,
    policy: LoginPolicy,
}

/// How long a session that has run out is kept, for whoever asks where it came from.
const KEPT: TimeDelta = TimeDelta::days(30);

/// Wrong, unknown, locked and deactivated are one answer.
const WRONG: Error = Error::Unauthenticated("e-mail or password is wrong, or the account is locked for a while");
const NO_SESSION: Error = Error::Unauthenticated("the session has ended; log in again");

impl Authenticator {
    /// An authenticator over a store.
    #[must_use]
    pub const fn new(store: Store, hasher: Hasher, keys: TokenKeys, policy: LoginPolicy) -> Self {
        Self { store, hasher, keys, policy }
    }

    /// The store that the authenticator works on.
    #[must_use]
    pub const fn store(&self) -> &Store {
        &self.store
    }

    /// The hasher of passwords.
    #[must_use]
    pub const fn hasher(&self) -> &Hasher {
        &self.hasher
    }

    /// The keys that sign access tokens, and of which other secrets are made.
    #[must_use]
    pub const fn keys(&self) -> &TokenKeys {
        &self.keys
    }

    /// Logs a user in, and so begins a session. No connection is held while the password is checked.
    ///
    /// # Errors
    /// [`Error::Unauthenticated`], in the same words and after the same work, when the password is wrong and when the account
    /// is unknown, locked or deactivated; [`Error::Forbidden`] with the right password of a business that is not active;
    /// [`Error::Invalid`] on a password that is too long for any; [`Error::Unavailable`] when too many log in at once.
    pub fn login(&self, email: &Email, password: &Secret, origin: &Origin) -> Result<Tokens> {
        let attempt = self.prove(email, GuessOrigin::Request(origin), password)?;
        let outdated = self.hasher.is_outdated(&attempt.password_hash);
        // The password passed when it was chosen; rules that came later don't lock anybody out.
        let rehashed = match outdated.then(|| Password::new("password", password)) {
            Some(Ok(password)) => Some(self.hasher.hash(&password)?),
            _ => None,
        };
        let token = RefreshToken::first()?;
        let session = self.store.worker(&attempt.tenant, |tx| {
            if !tx.logins().record(attempt.user, &attempt.password_hash, attempt.is_known)? {
                return Err(WRONG);
            }
            if let Some(hash) = &rehashed {
                tx.logins().rehash(attempt.user, &attempt.password_hash, hash)?;
            }
            // Who comes in takes their own out that are long over: the table does not grow for ever.
            let long_over = tx.now() - KEPT;
            tx.sessions().delete_expired_of_user(attempt.user, long_over)?;
            let expires_at = tx.now() + self.policy.session_for;
            tx.sessions().create(&NewSession {
                user_id: attempt.user,
                token_family_hash: token.family_hash(),
                refresh_token_hash: token.hash(),
                expires_at,
                ip_address: origin.ip_address,
                user_agent: origin.user_agent.clone(),
                device_fingerprint: origin.device_fingerprint.clone(),
            })
        })?;
        self.hand_out(session, &token, attempt.tenant)
    }

    /// Whether the account with this e-mail has logged in from there before: an address or a device of
    /// [`super::SHORTEST_DEVICE`] characters at least, within [`super::KNOWN_FOR`].
    ///
    /// # Errors
    /// [`Error::Unavailable`] or [`Error::Internal`].
    pub fn knows(&self, email: &Email, origin: &Origin) -> Result<bool> {
        self.store.system(Reason::Authentication, |tx| tx.knows_origin(email, origin))
    }

    fn hand_out(&self, session: Session, refresh: &RefreshToken, tenant: Tenant) -> Result<Tokens> {
        let now = self.store.now();
        let claims = AccessClaims {
            tenant,
            user: session.user_id,
            session: session.id,
            expires_at: (now + AccessClaims::LIFETIME).min(session.expires_at),
        };
        let access_token = self.keys.sign(&claims, now)?;
        Ok(Tokens { access_token, access_expires_at: claims.expires_at, refresh_token: refresh.text(), session })
    }

    /// Counts the guess, then checks it.
    fn prove(&self, email: &Email, from: GuessOrigin<'_>, password: &Secret) -> Result<LoginAttempt> {
        let policy = self.policy;
        // What can be nobody's is refused before anything is counted: that says nothing about the account.
        shown("password", password)?;
        // A guess that finds no place is not held against the account: nobody looked at it.
        let place = self.hasher.place()?;
        let attempt = self
            .store
            .system(Reason::Authentication, |tx| tx.claim_login_attempt(email, from, policy.attempts, policy.lock_for))?;
        let hash = attempt.as_ref().map(|attempt| attempt.password_hash.as_str());
        let fits = place.verify(password, hash)?;
        drop(place);
        attempt.filter(|_| fits).ok_or(WRONG)
    }

    /// Exchanges a refresh token for new tokens.
    ///
    /// # Errors
    /// [`Error::Unauthenticated`] when the session is over, or ends now because the token was exchanged before.
    pub fn refresh(&self, token: &Secret) -> Result<Tokens> {
        let shown: RefreshToken = token.expose().parse()?;
        let next = shown.successor()?;
        let (tenant, rotation) = self.store.found_by_worker(
            Reason::Authentication,
            None,
            |tx| tx.find_session_by_family(&shown.family_hash())?.ok_or(NO_SESSION),
            |tx, session| Ok((tx.tenant(), tx.sessions().rotate(session, &shown.hash(), &next.hash())?)),
        )?;
        match rotation {
            Rotation::Rotated(session) => self.hand_out(*session, &next, tenant),
            Rotation::Reused => {
                tracing::warn!(tenant = %tenant.id(), actor = %WORKER, "a refresh token came back that was exchanged before; its session was ended");
                Err(Error::Unauthenticated("the refresh token was used before; the session has ended, log in again"))
            }
            Rotation::Unknown | Rotation::Ended(_) => Err(NO_SESSION),
        }
    }

    /// The credential in a bearer's text: an access token, whose signature is checked here, or an API key. For [`Store::acting`].
    ///
    /// # Errors
    /// [`Error::Unauthenticated`].
    pub fn credential(&self, bearer: &Secret) -> Result<Credential> {
        if bearer.expose().starts_with("nmc_") {
            return bearer.expose().parse::<ApiKeyText>().map(Credential::from);
        }
        self.keys.check(bearer, self.store.now()).map(Credential::Token)
    }

    /// Makes the user who acts show their password again. It is a guess like any other, counted with those from known places.
    ///
    /// # Errors
    /// [`Error::Invalid`] of `current_password` when it is wrong, or the account is locked by wrong guesses of this kind;
    /// [`Error::Forbidden`] to a program with a key.
    pub fn prove_again(&self, credential: &Credential, current: &Secret) -> Result<PasswordProof> {
        let (user, email) = self.store.acting(credential, |tx| {
            let user = tx.actor().user().ok_or(Error::Forbidden("an API key has no password"))?;
            Ok((user, tx.logins().email_of(user)?))
        })?;
        let attempt = self.prove(&email, GuessOrigin::LiveSession, current).map_err(|error| match error {
            Error::Unauthenticated(_) => Error::invalid("current_password", "is wrong, or the account is locked for a while"),
            Error::Invalid { rule, .. } => Error::invalid("current_password", rule),
            other => other,
        })?;
        // The address may have gone to somebody else in between.
        if attempt.user != user {
            return Err(WRONG);
        }
        // Whatever it was shown for may still be refused: it was no wrong guess.
        if self.store.worker(&attempt.tenant, |tx| tx.logins().take_back_guess(attempt.user, &attempt.password_hash))? {
            Ok(PasswordProof(attempt))
        } else {
            Err(Error::invalid("current_password", "was changed meanwhile"))
        }
    }

    /// Changes the password of the user who acts, and ends their other sessions.
    ///
    /// # Errors
    /// [`Error::Invalid`] of `current_password` when it is wrong, or the account is locked by wrong guesses; of
    /// `new_password` when it can't be one; [`Error::Forbidden`] to a program with a key.
    pub fn change_password(&self, credential: &Credential, current: &Secret, new: &Secret) -> Result<()> {
        let new = Password::new("new_password", new)?;
        let PasswordProof(attempt) = self.prove_again(credential, current)?;
        let hash = self.hasher.hash(&new)?;
        self.store.acting(credential, |tx| {
            let actor = tx.actor();
            let user = actor.user().filter(|user| *user == attempt.user).ok_or(WRONG)?;
            must_not_name(tx, user, &new, "new_password")?;
            if !tx.logins().replace_password_hash(user, &attempt.password_hash, &hash)? {
                return Err(Error::invalid("current_password", "was changed meanwhile"));
            }
            tx.sessions().end_all_of_user(user, actor.session(), SessionEnd::PasswordChanged).map(drop)
        })
    }
}

/// Insists that a password is not made of what is known of this user.
pub(crate) fn must_not_name(tx: &mut TenantTx<'_>, user: UserId, password: &Password, field: &'static str) -> Result<()> {
    let KnownOf { email, first_name, last_name, business_name } = tx.logins().known_of(user)?;
    let (first, last) = (first_name.unwrap_or_default(), last_name.unwrap_or_default());
    password.must_not_name(field, &words_of(&email, &first, &last, &business_name).each_ref().map(String::as_str))
}

/// The words known of somebody: their address and its parts, their names, their business.
pub(crate) fn words_of(email: &Email, first: &str, last: &str, business: &str) -> [String; 8] {
    let address = email.as_str();
    let (local, domain) = address.rsplit_once('@').unwrap_or((address, ""));
    let own = |text: &str| text.to_owned();
    [
        own(address),
        own(local),
        own(domain),
        own(first),
        own(last),
        format!("{first}{last}"),
        format!("{last}{first}"),
        own(business),
    ]
}
