//! The secrets that sign webhooks, and signing with them as the Standard Webhooks have it.

use crate::access::TokenKeys;
use crate::{Secret, TenantId};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use chrono::{DateTime, Utc};
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;
use uuid::Uuid;

/// The purpose for which secrets are derived: nothing else is.
const PURPOSE: &str = "nmc webhook";

/// The versions of a receiver's secret that sign now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(not(feature = "testing"), non_exhaustive)]
pub struct SecretVersions {
    /// The newest version.
    pub newest: i32,
    /// The instant until which the version before the newest signs, too; `None` if it does not.
    pub before_until: Option<DateTime<Utc>>,
}

impl SecretVersions {
    /// The first version, alone.
    pub const FIRST: Self = Self { newest: 1, before_until: None };

    /// The versions, the newest first.
    fn all(self) -> impl Iterator<Item = i32> {
        let before = self.before_until.map(|_| self.newest.saturating_sub(1)).filter(|version| *version >= 1);
        std::iter::once(self.newest).chain(before)
    }
}

/// The secrets of one receiver of a tenant: of each version one of each of the platform's keys, the newest first. They are derived and stored
/// nowhere, so that who reads the database can't sign. All of them sign: when the platform's keys are rotated, receivers have until the
/// next rotation to take over the new one.
#[derive(Debug, Clone)]
pub struct WebhookSecrets(Vec<Secret>);

impl WebhookSecrets {
    /// The secrets of this receiver: other tenants, and other URLs of the same one, have others.
    #[must_use]
    pub fn derive(keys: &TokenKeys, tenant: TenantId, url: &str, versions: SecretVersions) -> Self {
        let of_version = |version: i32| {
            let (id, number) = (tenant.uuid(), version.to_be_bytes());
            let first = [PURPOSE.as_bytes(), id.as_bytes(), url.as_bytes()];
            // The first is made as it was before there were versions.
            let later = [PURPOSE.as_bytes(), id.as_bytes(), url.as_bytes(), number.as_slice()];
            let derived = if version == 1 { keys.derive(&first) } else { keys.derive(&later) };
            derived.iter().map(|key| Secret::new(format!("whsec_{}", STANDARD.encode(key)))).collect::<Vec<_>>()
        };
        Self(versions.all().flat_map(of_version).collect())
    }

    /// The secret to hand to the receiver, as its library takes it: `whsec_…`.
    #[must_use]
    pub fn newest(&self) -> Option<&Secret> {
        self.0.first()
    }

    /// The value of `webhook-signature` for a body: one `v1` signature of each secret.
    #[must_use]
    pub fn sign(&self, id: Uuid, at: DateTime<Utc>, body: &str) -> String {
        let signed = |secret: &Secret| {
            let key = STANDARD.decode(secret.expose().strip_prefix("whsec_")?).ok()?;
            let mac = Hmac::<Sha256>::new_from_slice(&key).ok()?.chain_update(format!("{id}.{}.{body}", at.timestamp()));
            Some(format!("v1,{}", STANDARD.encode(mac.finalize().into_bytes())))
        };
        self.0.iter().filter_map(signed).collect::<Vec<_>>().join(" ")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn noon() -> DateTime<Utc> {
        "2026-11-16T12:00:00Z".parse().unwrap()
    }

    /// Made by the reference implementation for Python (`standardwebhooks` 1.1.0).
    #[test]
    fn signature_is_that_of_the_reference_implementation() {
        let secret = |text: &str| Secret::new(text);
        let secrets = WebhookSecrets(vec![
            secret("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"),
            secret("whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="),
        ]);
        let signature = secrets.sign(Uuid::from_u128(1), noon(), r#"{"test": 2432232314}"#);
        assert_eq!(signature, "v1,L77vlxmFui0AXvBm0UKwskZ6Vk7bP4mMJuvpiRZXd5w= v1,OrwdCBuQWremWmekgZAq4BoTGCYMi6QLqQElX0UMrxk=");
    }

    #[test]
    fn secrets_differ_by_tenant_url_and_key() {
        let (keys, others) = (TokenKeys::ephemeral(noon()).unwrap(), TokenKeys::ephemeral(noon()).unwrap());
        let (ada, bob) = (TenantId::new(Uuid::from_u128(1)), TenantId::new(Uuid::from_u128(2)));
        let secret = |keys, tenant, url| {
            WebhookSecrets::derive(keys, tenant, url, SecretVersions::FIRST).newest().unwrap().expose().to_owned()
        };
        let first = secret(&keys, ada, "https://a.example.com/x");
        assert_eq!(first, secret(&keys, ada, "https://a.example.com/x"), "it is the same each time");
        assert!(first.starts_with("whsec_") && first.len() == 50, "{first}");
        for other in [
            secret(&keys, bob, "https://a.example.com/x"),
            secret(&keys, ada, "https://a.example.com/y"),
            secret(&others, ada, "https://a.example.com/x"),
        ] {
            assert_ne!(first, other);
        }
        let debug = format!("{:?}", WebhookSecrets::derive(&keys, ada, "https://a.example.com/x", SecretVersions::FIRST));
        assert!(!debug.contains("whsec_"), "{debug}");
    }

    #[test]
    fn version_before_the_newest_signs_as_long_as_it_may() {
        let keys = TokenKeys::ephemeral(noon()).unwrap();
        let tenant = TenantId::new(Uuid::from_u128(1));
        let of = |newest, before_until| {
            let versions = SecretVersions { newest, before_until };
            let secrets = WebhookSecrets::derive(&keys, tenant, "https://a.example.com/x", versions);
            (secrets.newest().unwrap().expose().to_owned(), secrets.sign(Uuid::nil(), noon(), "{}"))
        };
        let (first, second) = (of(1, None), of(2, None));
        assert!(first.0 != second.0 && first.1 != second.1);
        assert_eq!(of(2, Some(noon())), (second.0, format!("{} {}", second.1, first.1)), "the newest first");
        assert_eq!(of(1, Some(noon())), first, "before the first there is none");
    }
}
