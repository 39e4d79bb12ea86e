//! Access tokens: JWTs (RFC 7519) signed with HMAC-SHA256, good for 15 minutes, checked without asking anybody. Written here,
//! since the algorithm is pinned and the usual crate wants one crypto provider installed for the whole process, which is not
//! a library's to do.

use crate::store::Tenant;
use crate::{Error, Result, Secret, SessionId, TenantId, UserId};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::{DateTime, TimeDelta, Utc};
use hmac::{Hmac, KeyInit as _, Mac as _};
use serde::{Deserialize, Serialize};
use sha2::Sha256;

const ISSUER: &str = "nmc";
const ALGORITHM: &str = "HS256";
/// The longest token that is looked at, in bytes; ours have some 350.
const LONGEST: usize = 1_024;

/// The holder of an access token: a user, in a session of theirs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AccessClaims {
    /// The business of the user.
    pub(super) tenant: Tenant,
    /// The user of the token.
    pub user: UserId,
    /// The user's session.
    pub session: SessionId,
    /// The token is refused from this instant on.
    pub expires_at: DateTime<Utc>,
}

impl AccessClaims {
    /// How long a token is good for.
    pub const LIFETIME: TimeDelta = TimeDelta::minutes(15);
}

#[derive(Serialize, Deserialize)]
struct Header {
    alg: String,
    typ: String,
    kid: String,
}

#[derive(Serialize, Deserialize)]
struct Claims {
    iss: String,
    sub: UserId,
    tid: TenantId,
    sid: SessionId,
    iat: i64,
    exp: i64,
}

/// A key that signs, under the name its tokens bear.
#[derive(Clone)]
pub(super) struct SigningKey {
    pub(super) kid: String,
    mac: Hmac<Sha256>,
}

impl SigningKey {
    pub(super) fn new(kid: String, key: &[u8; 64]) -> Self {
        Self { kid, mac: Hmac::<Sha256>::new(key.into()) }
    }

    /// A key for another purpose, which nothing that this one signs gives away. Each part goes in with its length, so that no two lists
    /// of parts are one.
    pub(super) fn derive(&self, parts: &[&[u8]]) -> [u8; 32] {
        // A token begins with letters.
        let mut mac = self.mac.clone().chain_update([0]);
        for part in parts {
            mac = mac.chain_update(part.len().to_be_bytes()).chain_update(part);
        }
        mac.finalize().into_bytes().into()
    }

    /// The token of these claims, issued now.
    pub(super) fn sign(&self, claims: &AccessClaims, now: DateTime<Utc>) -> Result<Secret> {
        let header = Header { alg: ALGORITHM.to_owned(), typ: "JWT".to_owned(), kid: self.kid.clone() };
        let payload = Claims {
            iss: ISSUER.to_owned(),
            sub: claims.user,
            tid: claims.tenant.id(),
            sid: claims.session,
            iat: now.timestamp(),
            exp: claims.expires_at.timestamp(),
        };
        let mut token = part(&header)?;
        token.push('.');
        token.push_str(&part(&payload)?);
        let tag = self.mac.clone().chain_update(token.as_bytes()).finalize().into_bytes();
        token.push('.');
        URL_SAFE_NO_PAD.encode_string(tag, &mut token);
        Ok(Secret::new(token))
    }
}

fn part(value: &impl Serialize) -> Result<String> {
    Ok(URL_SAFE_NO_PAD.encode(serde_json::to_vec(value).map_err(Error::internal)?))
}

/// A token whose form is right and whose signature is not checked yet.
pub(super) struct UncheckedToken<'t> {
    /// The name of the key that the token says it is signed with.
    pub(super) kid: String,
    signed: &'t str,
    payload: &'t str,
    tag: Vec<u8>,
}

impl<'t> UncheckedToken<'t> {
    pub(super) fn parse(token: &'t str) -> Result<Self> {
        let read = || {
            let (signed, tag) = Some(token).filter(|token| token.len() <= LONGEST)?.rsplit_once('.')?;
            let (header, payload) = signed.split_once('.')?;
            let header: Header = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(header).ok()?).ok()?;
            // The one algorithm there is: "none", or a public key taken for a secret, ends here.
            let ours = header.alg == ALGORITHM && header.typ == "JWT";
            ours.then_some(Self { kid: header.kid, signed, payload, tag: URL_SAFE_NO_PAD.decode(tag).ok()? })
        };
        read().ok_or(REFUSED)
    }

    /// The claims of the token, if this key signed it and it has not expired.
    pub(super) fn check(&self, key: &SigningKey, now: DateTime<Utc>) -> Result<AccessClaims> {
        key.mac.clone().chain_update(self.signed.as_bytes()).verify_slice(&self.tag).map_err(|_| REFUSED)?;
        let claims = URL_SAFE_NO_PAD.decode(self.payload).ok().and_then(|json| serde_json::from_slice::<Claims>(&json).ok());
        let claims = claims.filter(|claims| claims.iss == ISSUER).ok_or(REFUSED)?;
        let expires_at = DateTime::from_timestamp(claims.exp, 0).ok_or(REFUSED)?;
        if expires_at <= now {
            return Err(Error::Unauthenticated("the access token has expired; refresh it"));
        }
        Ok(AccessClaims { tenant: Tenant::proven(claims.tid), user: claims.sub, session: claims.sid, expires_at })
    }
}

pub(super) const REFUSED: Error = Error::Unauthenticated("the access token is not one of ours");

#[cfg(test)]
mod tests {
    use super::*;
    use uuid::Uuid;

    fn now() -> DateTime<Utc> {
        DateTime::from_timestamp(1_795_000_000, 0).unwrap()
    }

    fn claims() -> AccessClaims {
        AccessClaims {
            tenant: Tenant::proven(TenantId::new(Uuid::from_u128(1))),
            user: UserId::new(Uuid::from_u128(2)),
            session: SessionId::new(Uuid::from_u128(3)),
            expires_at: now() + AccessClaims::LIFETIME,
        }
    }

    fn key(name: &str, byte: u8) -> SigningKey {
        SigningKey::new(name.to_owned(), &[byte; 64])
    }

    fn check(token: &str, key: &SigningKey, at: DateTime<Utc>) -> Result<AccessClaims> {
        UncheckedToken::parse(token)?.check(key, at)
    }

    #[test]
    fn a_token_reads_back_until_it_expires() {
        let token = key("a", 1).sign(&claims(), now()).unwrap();
        let last = now() + AccessClaims::LIFETIME - TimeDelta::seconds(1);
        assert_eq!(check(token.expose(), &key("a", 1), last).unwrap(), claims());
        assert!(check(token.expose(), &key("a", 1), now() + AccessClaims::LIFETIME).is_err());
        assert!(check(token.expose(), &key("a", 2), now()).is_err(), "another key");
    }

    /// The example of RFC 7515, appendix A.1: same construction, same signature.
    #[test]
    fn the_signature_is_the_one_of_the_standard() {
        let key = URL_SAFE_NO_PAD
            .decode("AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow")
            .unwrap();
        let signed = "eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ";
        let tag = Hmac::<Sha256>::new_from_slice(&key).unwrap().chain_update(signed.as_bytes()).finalize().into_bytes();
        assert_eq!(URL_SAFE_NO_PAD.encode(tag), "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk");
    }

    #[test]
    fn whatever_is_changed_is_refused() {
        let key = key("a", 1);
        let token = key.sign(&claims(), now()).unwrap();
        let token = token.expose();
        for place in 0..token.len() {
            let mut changed = token.as_bytes().to_vec();
            changed[place] = if changed[place] == b'A' { b'B' } else { b'A' };
            let changed = String::from_utf8(changed).unwrap();
            // The last character of a base64 text may hold bits that nobody reads; the decoder refuses those that are set.
            assert!(check(&changed, &key, now()).is_err() || changed == token, "byte {place}");
        }
        let [_, payload, tag] = token.split('.').collect::<Vec<_>>()[..] else { panic!("three parts") };
        for header in [
            r#"{"alg":"none","typ":"JWT","kid":"a"}"#,
            r#"{"alg":"HS512","typ":"JWT","kid":"a"}"#,
            r#"{"alg":"hs256","typ":"JWT","kid":"a"}"#,
            r#"{"alg":"RS256","typ":"JWT","kid":"a"}"#,
            r#"{"alg":"HS256","typ":"JWT"}"#,
        ] {
            let header = URL_SAFE_NO_PAD.encode(header);
            for forged in [format!("{header}.{payload}.{tag}"), format!("{header}.{payload}.")] {
                assert!(check(&forged, &key, now()).is_err(), "{forged}");
            }
        }
        for rubbish in ["", ".", "..", "a.b.c", &"x".repeat(5_000)] {
            assert!(UncheckedToken::parse(rubbish).is_err());
        }
    }
}
