//! Tokens as they are handed out: random, prefixed so that a scanner of leaks knows them, and kept as hashes alone.

use super::TokenHash;
use crate::{Error, Result, Secret, UserId};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

/// The base64url of so many random bytes.
fn random<const BYTES: usize>() -> Result<String> {
    let mut bytes = [0_u8; BYTES];
    getrandom::fill(&mut bytes).map_err(|error| Error::unavailable("the system has no randomness to give", error))?;
    Ok(URL_SAFE_NO_PAD.encode(bytes))
}

fn is_random<const BYTES: usize>(text: &str) -> bool {
    URL_SAFE_NO_PAD.decode(text).is_ok_and(|bytes| bytes.len() == BYTES)
}

const FAMILY: usize = 16;
const SECRET: usize = 32;

/// A refresh token, `nmcr_<family>.<secret>`: 128 bits that all tokens of a session share, and 256 of its own.
#[derive(Debug, Clone)]
pub struct RefreshToken {
    family: Secret,
    secret: Secret,
}

impl RefreshToken {
    /// The first refresh token of a session.
    ///
    /// # Errors
    /// [`Error::Unavailable`] without randomness.
    pub fn first() -> Result<Self> {
        Ok(Self { family: Secret::new(random::<FAMILY>()?), secret: Secret::new(random::<SECRET>()?) })
    }

    /// The next refresh token of the same session.
    ///
    /// # Errors
    /// As [`Self::first`].
    pub fn successor(&self) -> Result<Self> {
        Ok(Self { family: self.family.clone(), secret: Secret::new(random::<SECRET>()?) })
    }

    /// The text of the token, as the client gets it.
    #[must_use]
    pub fn text(&self) -> Secret {
        Secret::new(format!("nmcr_{}.{}", self.family.expose(), self.secret.expose()))
    }

    /// The hash of the part that all tokens of the session share, which is what is kept of it.
    #[must_use]
    pub fn family_hash(&self) -> TokenHash {
        TokenHash::of(&self.family)
    }

    /// The hash of the token's own part, which is what is kept of it.
    #[must_use]
    pub fn hash(&self) -> TokenHash {
        TokenHash::of(&self.secret)
    }
}

impl std::str::FromStr for RefreshToken {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        text.strip_prefix("nmcr_")
            .and_then(|text| text.split_once('.'))
            .filter(|(family, secret)| is_random::<FAMILY>(family) && is_random::<SECRET>(secret))
            .map(|(family, secret)| Self { family: Secret::new(family), secret: Secret::new(secret) })
            .ok_or(Error::Unauthenticated("the refresh token is not one of ours"))
    }
}

/// An API key, `nmc_<prefix>_<secret>`: a public name to find it by, and 256 bits that prove it.
#[derive(Debug, Clone)]
pub struct ApiKeyText {
    prefix: String,
    secret: Secret,
}

impl ApiKeyText {
    /// A new, random API key.
    ///
    /// # Errors
    /// [`Error::Unavailable`] without randomness.
    pub fn random() -> Result<Self> {
        let mut bytes = [0_u8; 6];
        getrandom::fill(&mut bytes).map_err(|error| Error::unavailable("the system has no randomness to give", error))?;
        let prefix = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
        Ok(Self { prefix, secret: Secret::new(random::<SECRET>()?) })
    }

    /// The text of the key, as its holder gets to see it, once.
    #[must_use]
    pub fn text(&self) -> Secret {
        Secret::new(format!("nmc_{}_{}", self.prefix, self.secret.expose()))
    }

    /// The public start of the key.
    #[must_use]
    pub fn prefix(&self) -> &str {
        &self.prefix
    }

    /// The hash of the key's secret, which is what is kept of it.
    #[must_use]
    pub fn hash(&self) -> TokenHash {
        TokenHash::of(&self.secret)
    }
}

impl std::str::FromStr for ApiKeyText {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        text.strip_prefix("nmc_")
            .and_then(|text| text.split_once('_'))
            .filter(|(prefix, secret)| {
                (1..=16).contains(&prefix.len())
                    && prefix.bytes().all(|b| b.is_ascii_alphanumeric())
                    && is_random::<SECRET>(secret)
            })
            .map(|(prefix, secret)| Self { prefix: prefix.to_owned(), secret: Secret::new(secret) })
            .ok_or(Error::Unauthenticated("the API key is not one of ours"))
    }
}

/// An invitation, `nmci_<user>_<secret>`: whoever holds it may choose that user's password, once.
#[derive(Debug, Clone)]
pub struct InvitationToken {
    user: UserId,
    secret: Secret,
}

impl InvitationToken {
    /// A new, random invitation token for this user.
    ///
    /// # Errors
    /// [`Error::Unavailable`] without randomness.
    pub fn random(user: UserId) -> Result<Self> {
        Ok(Self { user, secret: Secret::new(random::<SECRET>()?) })
    }

    /// The token of this user with this secret.
    pub(super) const fn with(user: UserId, secret: Secret) -> Self {
        Self { user, secret }
    }

    pub(super) const fn secret(&self) -> &Secret {
        &self.secret
    }

    /// The text of the token, as it is sent to the one invited.
    #[must_use]
    pub fn text(&self) -> Secret {
        Secret::new(format!("nmci_{}_{}", self.user.uuid().simple(), self.secret.expose()))
    }

    /// The user who is invited.
    #[must_use]
    pub const fn user(&self) -> UserId {
        self.user
    }

    /// The hash of the token's secret, which is what is kept of it.
    #[must_use]
    pub fn hash(&self) -> TokenHash {
        TokenHash::of(&self.secret)
    }
}

impl std::str::FromStr for InvitationToken {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        text.strip_prefix("nmci_")
            .and_then(|text| text.split_once('_'))
            .filter(|(_, secret)| is_random::<SECRET>(secret))
            .and_then(|(user, secret)| Some(Self { user: user.parse().ok()?, secret: Secret::new(secret) }))
            .ok_or_else(|| Error::invalid("invitation", "must be one that we handed out"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_read_back_and_never_print() {
        let refresh = RefreshToken::first().unwrap();
        let read: RefreshToken = refresh.text().expose().parse().unwrap();
        assert!(read.hash() == refresh.hash() && read.family_hash() == refresh.family_hash());
        let next = refresh.successor().unwrap();
        assert!(next.hash() != refresh.hash() && next.family_hash() == refresh.family_hash());

        let key = ApiKeyText::random().unwrap();
        let read: ApiKeyText = key.text().expose().parse().unwrap();
        assert!(read.hash() == key.hash() && read.prefix() == key.prefix());

        let invitation = InvitationToken::random(UserId::new(uuid::Uuid::now_v7())).unwrap();
        let read: InvitationToken = invitation.text().expose().parse().unwrap();
        assert!(read.hash() == invitation.hash() && read.user() == invitation.user());

        for debug in [format!("{refresh:?}"), format!("{key:?}"), format!("{invitation:?}")] {
            assert!(debug.contains("[secret]"), "{debug}");
        }
    }

    #[test]
    fn anything_else_is_refused() {
        let long = "A".repeat(43);
        for text in
            ["", "nmcr_", "nmcr_a.b", &format!("nmcr_.{long}"), &format!("nmc_{long}"), &format!("nmc__{long}"), "nmci_x_y"]
        {
            assert!(text.parse::<RefreshToken>().is_err() && text.parse::<ApiKeyText>().is_err(), "{text}");
            assert!(text.parse::<InvitationToken>().is_err(), "{text}");
        }
    }
}
