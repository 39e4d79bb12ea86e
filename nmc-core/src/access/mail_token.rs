//! The tokens of links in mails: made of the platform's keys and of what the link is about, and kept nowhere. Who reads the
//! database can't make one, and a mail that is sent again holds the same link.

use super::{InvitationToken, TokenHash, TokenKeys};
use crate::{AccountMailId, AccountMailKind, Error, Result, Secret, TenantId, UserId};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use uuid::Uuid;

/// The purposes for which these secrets are derived: nothing else is.
const MAIL: &[u8] = b"nmc account mail";
const INVITATION: &[u8] = b"nmc invitation by mail";

/// The token of a mail about an account, `nmcp_<tenant>_<mail>_<secret>` to reset a password and `nmcv_…` to verify an address.
#[derive(Debug, Clone)]
pub(crate) struct MailToken {
    pub(crate) kind: AccountMailKind,
    pub(crate) tenant: TenantId,
    pub(crate) mail: AccountMailId,
    secret: Secret,
}

const fn prefix(kind: AccountMailKind) -> &'static str {
    match kind {
        AccountMailKind::Invitation => "nmci_",
        AccountMailKind::PasswordReset => "nmcp_",
        AccountMailKind::Verification => "nmcv_",
        // Nothing is done with what tells of something.
        AccountMailKind::AddressChanged | AccountMailKind::Approved => "nmcn_",
    }
}

impl MailToken {
    /// The token of a mail. It is void once `bound`, what it rests on, has changed: the hash of the password that is to be
    /// replaced, the address that is to be verified.
    pub(crate) fn of(
        keys: &TokenKeys,
        kind: AccountMailKind,
        tenant: TenantId,
        mail: AccountMailId,
        bound: &str,
    ) -> Result<Self> {
        let secret = newest(&secrets(keys, kind, tenant, mail, bound))?;
        Ok(Self { kind, tenant, mail, secret })
    }

    /// Reads a token of this kind, whose secret is not checked yet.
    ///
    /// # Errors
    /// [`Error::Invalid`] of `token`.
    pub(crate) fn parse(kind: AccountMailKind, text: &Secret) -> Result<Self> {
        let read = || {
            let rest = text.expose().strip_prefix(prefix(kind))?;
            let (tenant, rest) = rest.split_at_checked(32)?;
            let (mail, secret) = rest.strip_prefix('_')?.split_at_checked(32)?;
            let secret = secret.strip_prefix('_').filter(|secret| secret.len() == 43)?;
            let id = |text: &str| Uuid::try_parse(text).ok();
            Some(Self {
                kind,
                tenant: TenantId::new(id(tenant)?),
                mail: AccountMailId::new(id(mail)?),
                secret: Secret::new(secret),
            })
        };
        read().ok_or_else(|| Error::invalid("token", "must be one that we mailed"))
    }

    /// Whether one of the keys made the token, over the same `bound`.
    pub(crate) fn is_of(&self, keys: &TokenKeys, bound: &str) -> bool {
        is_among(&self.secret, &secrets(keys, self.kind, self.tenant, self.mail, bound))
    }

    /// The text of the token, as its mail holds it.
    pub(crate) fn text(&self) -> Secret {
        let (tenant, mail) = (self.tenant.uuid(), self.mail.uuid());
        Secret::new(format!("{}{}_{}_{}", prefix(self.kind), tenant.simple(), mail.simple(), self.secret.expose()))
    }
}

impl InvitationToken {
    /// The token that a mail holds beside the one that was shown to whoever invited: void once that one is, whose hash `shown` is.
    pub(crate) fn by_mail(keys: &TokenKeys, tenant: TenantId, user: UserId, shown: &str) -> Result<Self> {
        newest(&invitations(keys, tenant, user, shown)).map(|secret| Self::with(user, secret))
    }

    /// Whether the token is the one of a mail, made by one of the keys.
    pub(crate) fn is_by_mail(&self, keys: &TokenKeys, tenant: TenantId, shown: &str) -> bool {
        is_among(self.secret(), &invitations(keys, tenant, self.user(), shown))
    }
}

fn secrets(keys: &TokenKeys, kind: AccountMailKind, tenant: TenantId, mail: AccountMailId, bound: &str) -> Vec<[u8; 32]> {
    let (tenant, mail) = (tenant.uuid(), mail.uuid());
    keys.derive(&[MAIL, kind.label().as_bytes(), tenant.as_bytes(), mail.as_bytes(), bound.as_bytes()])
}

fn invitations(keys: &TokenKeys, tenant: TenantId, user: UserId, shown: &str) -> Vec<[u8; 32]> {
    keys.derive(&[INVITATION, tenant.uuid().as_bytes(), user.uuid().as_bytes(), shown.as_bytes()])
}

fn newest(secrets: &[[u8; 32]]) -> Result<Secret> {
    let secret = secrets.first().ok_or_else(|| Error::internal("there is no key"))?;
    Ok(Secret::new(URL_SAFE_NO_PAD.encode(secret)))
}

/// Whether a secret is one of these, in a time that does not tell how much of it is right.
fn is_among(shown: &Secret, secrets: &[[u8; 32]]) -> bool {
    let shown = TokenHash::of(shown);
    secrets.iter().any(|secret| shown == TokenHash::of(&Secret::new(URL_SAFE_NO_PAD.encode(secret))))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keys() -> TokenKeys {
        TokenKeys::ephemeral("2026-11-29T12:00:00Z".parse().unwrap()).unwrap()
    }

    const TENANT: TenantId = TenantId::new(Uuid::from_u128(1));
    const MAIL: AccountMailId = AccountMailId::new(Uuid::from_u128(2));
    const KIND: AccountMailKind = AccountMailKind::PasswordReset;

    #[test]
    fn mail_token_reads_back_and_never_prints() {
        let keys = keys();
        let token = MailToken::of(&keys, KIND, TENANT, MAIL, "$2b$old").unwrap();
        let read = MailToken::parse(KIND, &token.text()).unwrap();
        assert_eq!((read.tenant, read.mail), (TENANT, MAIL));
        assert!(read.is_of(&keys, "$2b$old") && format!("{read:?}").contains("[secret]"));
        assert_eq!(token.text().expose(), MailToken::of(&keys, KIND, TENANT, MAIL, "$2b$old").unwrap().text().expose());
    }

    #[test]
    fn mail_token_of_anything_else_is_none() {
        let keys = keys();
        let made = MailToken::of(&keys, KIND, TENANT, MAIL, "$2b$old").unwrap();
        assert!(!made.is_of(&keys, "$2b$new") && !made.is_of(&self::keys(), "$2b$old"));
        for other in [
            MailToken { kind: AccountMailKind::Verification, ..made.clone() },
            MailToken { tenant: TenantId::new(Uuid::from_u128(9)), ..made.clone() },
            MailToken { mail: AccountMailId::new(Uuid::from_u128(9)), ..made.clone() },
        ] {
            assert!(!other.is_of(&keys, "$2b$old"), "{other:?}");
        }
        let text = made.text().expose().to_owned();
        let cut = text[..text.len() - 1].to_owned();
        for text in ["", "nmcp_", "nmcp_1_2_3", &cut, &format!("{text}x"), &text.replace("nmcp_", "nmcv_"), &"ü".repeat(60)] {
            assert!(MailToken::parse(KIND, &Secret::new(text)).is_err(), "{text}");
        }
    }
}
