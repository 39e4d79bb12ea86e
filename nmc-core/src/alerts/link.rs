//! The links in mails and texts about alerts, by which their recipient acts without logging in. Their tokens are signed with the platform's
//! keys and kept nowhere; of a text's, which has no room for what it is about, the hash is.

use crate::access::{TokenHash, TokenKeys};
use crate::{AlertEventType, AlertStatus, Error, NotificationId, Result, Secret, TenantId, UserId};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::{DateTime, TimeDelta, Utc};
use subtle::ConstantTimeEq as _;
use uuid::Uuid;

/// The purpose for which the signatures' key is derived: nothing else is.
const PURPOSE: &[u8] = b"nmc alert link";
/// The purpose of the key for texts.
const TEXT_PURPOSE: &[u8] = b"nmc alert link of a text";
/// The version of the tokens, which is signed, too.
const VERSION: u8 = 1;
/// What every token begins with, so that a scanner of leaks knows it.
const PREFIX: &str = "nmca_";

/// How long a link is good for, from the instant at which its notification was queued.
pub const ALERT_LINK_LIFETIME: TimeDelta = TimeDelta::days(7);

/// What a link does to the alert.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum AlertLinkAction {
    /// The recipient takes note of the alert.
    Acknowledge,
    /// The recipient puts the alert off for an hour.
    Snooze,
    /// The recipient ends the snooze before its time.
    Wake,
    /// The recipient says that the matter is settled.
    Resolve,
}

impl AlertLinkAction {
    /// All actions.
    pub const ALL: [Self; 4] = [Self::Acknowledge, Self::Snooze, Self::Wake, Self::Resolve];

    /// Those of which a mail has a link each: nobody is told of what sleeps. The page offers to wake it if it sleeps by then.
    const MAILED: [Self; 3] = [Self::Acknowledge, Self::Snooze, Self::Resolve];

    /// The action as a button names it.
    #[must_use]
    pub const fn label(self) -> &'static str {
        match self {
            Self::Acknowledge => "acknowledge",
            Self::Snooze => "snooze",
            Self::Wake => "wake",
            Self::Resolve => "resolve",
        }
    }

    /// The action that a button names.
    #[must_use]
    pub fn of(label: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|action| action.label() == label)
    }

    /// The status that the alert then has.
    #[must_use]
    pub const fn makes(self) -> AlertStatus {
        match self {
            Self::Acknowledge => AlertStatus::Acknowledged,
            Self::Snooze => AlertStatus::Snoozed,
            Self::Wake => AlertStatus::Triggered,
            Self::Resolve => AlertStatus::Resolved,
        }
    }

    /// The action that an entry of an alert's history tells of.
    pub(crate) const fn that_made(event: AlertEventType) -> Option<Self> {
        match event {
            AlertEventType::Acknowledged => Some(Self::Acknowledge),
            AlertEventType::Snoozed => Some(Self::Snooze),
            AlertEventType::Unsnoozed => Some(Self::Wake),
            AlertEventType::Resolved => Some(Self::Resolve),
            _ => None,
        }
    }

    const fn code(self) -> u8 {
        match self {
            Self::Acknowledge => 1,
            Self::Snooze => 2,
            Self::Resolve => 3,
            Self::Wake => 4,
        }
    }
}

/// A link of a notification that was sent by mail.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct AlertLink {
    pub(crate) tenant: TenantId,
    pub(crate) notification: NotificationId,
    pub(crate) action: AlertLinkAction,
    /// The link is refused from this instant on, to the second.
    pub(crate) expires_at: DateTime<Utc>,
}

/// The longest token that is looked at, in bytes; ours have 104.
const LONGEST: usize = 200;
/// The bytes that are signed.
const SIGNED: usize = 1 + 1 + 16 + 16 + 8;

impl AlertLink {
    fn signed(&self) -> Vec<u8> {
        let mut bytes = vec![VERSION, self.action.code()];
        bytes.extend_from_slice(self.tenant.uuid().as_bytes());
        bytes.extend_from_slice(self.notification.uuid().as_bytes());
        bytes.extend_from_slice(&self.expires_at.timestamp().to_be_bytes());
        bytes
    }

    /// The token of the link, signed with the newest key.
    pub(crate) fn token(&self, keys: &TokenKeys) -> Result<Secret> {
        let mut bytes = self.signed();
        let tags = keys.derive(&[PURPOSE, &bytes]);
        bytes.extend_from_slice(tags.first().ok_or_else(|| Error::internal("there is no key"))?);
        Ok(Secret::new(format!("{PREFIX}{}", URL_SAFE_NO_PAD.encode(bytes))))
    }

    /// The link of a token that one of the keys has signed. Whether it is good yet is not looked at.
    pub(crate) fn read(keys: &TokenKeys, token: &Secret) -> Option<Self> {
        let token = Some(token.expose()).filter(|token| token.len() <= LONGEST)?;
        let bytes = URL_SAFE_NO_PAD.decode(token.strip_prefix(PREFIX)?).ok()?;
        let (signed, tag) = bytes.split_at_checked(SIGNED)?;
        if !keys.derive(&[PURPOSE, signed]).iter().any(|own| own.as_slice().ct_eq(tag).into()) {
            return None;
        }
        let (head, rest) = signed.split_first_chunk::<2>()?;
        let (tenant, rest) = rest.split_first_chunk::<16>()?;
        let (notification, expiry) = rest.split_first_chunk::<16>()?;
        let expiry = i64::from_be_bytes(*expiry.first_chunk()?);
        let [VERSION, code] = *head else { return None };
        Some(Self {
            tenant: TenantId::new(Uuid::from_bytes(*tenant)),
            notification: NotificationId::new(Uuid::from_bytes(*notification)),
            action: AlertLinkAction::ALL.into_iter().find(|action| action.code() == code)?,
            expires_at: DateTime::from_timestamp(expiry, 0)?,
        })
    }
}

/// The link of a notification that was sent as a text. It offers whatever may be done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct TextLink {
    pub(crate) tenant: TenantId,
    pub(crate) notification: NotificationId,
    /// Who had the number when the text was sent: whoever has it later does not act by it.
    pub(crate) user: UserId,
}

/// The bytes of a text's token: nobody guesses one of 128 bits. In base64 their last letter is one of `AQgw`: phones leave out a `-` or `_`
/// at the end of a link.
const SHORT: usize = 16;

impl TextLink {
    /// The tokens that each of the keys makes of it, the newest first: the same whenever the text is sent.
    fn tokens(self, keys: &TokenKeys) -> impl Iterator<Item = Secret> {
        let Self { tenant, notification, user } = self;
        let about = [tenant.uuid(), notification.uuid(), user.uuid()];
        let [tenant, notification, user] = about.each_ref().map(|id| id.as_bytes().as_slice());
        let tags = keys.derive(&[TEXT_PURPOSE, tenant, notification, user]);
        tags.into_iter().filter_map(|tag| Some(Secret::new(URL_SAFE_NO_PAD.encode(tag.first_chunk::<SHORT>()?))))
    }

    /// The token of the link, of the newest key.
    pub(crate) fn token(self, keys: &TokenKeys) -> Result<Secret> {
        self.tokens(keys).next().ok_or_else(|| Error::internal("there is no key"))
    }

    /// The token of this link whose hash is the one that is looked for, if one of the keys has made it.
    pub(crate) fn token_of(self, keys: &TokenKeys, is_it: impl Fn(&TokenHash) -> bool) -> Option<Secret> {
        self.tokens(keys).find(|own| is_it(&TokenHash::of(own)))
    }

    /// Whether a token looks like one of ours, so that it is worth a look into the database.
    pub(crate) fn is_formed(token: &Secret) -> bool {
        URL_SAFE_NO_PAD.decode(token.expose()).is_ok_and(|bytes| bytes.len() == SHORT)
    }
}

/// The links of one mail, each with what it does.
#[derive(Debug, Clone)]
pub struct AlertLinks {
    /// The URL of each action.
    pub(crate) urls: Vec<(AlertLinkAction, Secret)>,
    /// The links are refused from this instant on.
    pub(crate) expires_at: DateTime<Utc>,
}

impl AlertLinks {
    /// The links of a notification, whose URLs begin with `to`.
    pub(crate) fn of(
        keys: &TokenKeys,
        to: &str,
        (tenant, notification): (TenantId, NotificationId),
        expires_at: DateTime<Utc>,
    ) -> Result<Self> {
        let url = |action| {
            let token = AlertLink { tenant, notification, action, expires_at }.token(keys)?;
            Ok((action, Secret::new(format!("{to}{}", token.expose()))))
        };
        let urls = AlertLinkAction::MAILED.into_iter().map(url).collect::<Result<Vec<_>>>()?;
        Ok(Self { urls, expires_at })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keys() -> TokenKeys {
        TokenKeys::ephemeral("2026-11-29T12:00:00Z".parse().unwrap()).unwrap()
    }

    fn link(action: AlertLinkAction) -> AlertLink {
        AlertLink {
            tenant: TenantId::new(Uuid::from_u128(1)),
            notification: NotificationId::new(Uuid::from_u128(2)),
            action,
            expires_at: "2026-12-06T12:00:00Z".parse().unwrap(),
        }
    }

    #[test]
    fn link_reads_back_under_its_keys_alone() {
        let keys = keys();
        for action in AlertLinkAction::ALL {
            let token = link(action).token(&keys).unwrap();
            assert_eq!(AlertLink::read(&keys, &token), Some(link(action)));
            assert_eq!(AlertLink::read(&self::keys(), &token), None);
        }
    }

    #[test]
    fn link_of_a_text_is_short_and_ends_in_a_letter() {
        let keys = keys();
        for n in 0..200 {
            let of = |n| TextLink {
                tenant: TenantId::new(Uuid::from_u128(1)),
                notification: NotificationId::new(Uuid::from_u128(n)),
                user: UserId::new(Uuid::from_u128(3)),
            };
            let token = of(n).token(&keys).unwrap();
            assert_eq!(token.expose().len(), 22);
            assert!(token.expose().ends_with(['A', 'Q', 'g', 'w']), "what phones take for the end of a link");
            let (hash, user) = (TokenHash::of(&token), UserId::new(Uuid::from_u128(4)));
            assert!(TextLink::is_formed(&token));
            assert_eq!(of(n).token_of(&keys, |own| *own == hash).unwrap().expose(), token.expose());
            for (other, keys) in [(of(n + 1), &keys), (TextLink { user, ..of(n) }, &keys), (of(n), &self::keys())] {
                assert!(other.token_of(keys, |own| *own == hash).is_none());
            }
        }
        for rubbish in ["", "nmca_AAAA", "AAAAAAAAAAAAAAAAAAAAAAA", "AAAAAAAAAAAAAAAAAAAA~A"] {
            assert!(!TextLink::is_formed(&Secret::new(rubbish)), "{rubbish}");
        }
    }

    #[test]
    fn link_that_is_changed_anywhere_is_none() {
        let keys = keys();
        let token = link(AlertLinkAction::Acknowledge).token(&keys).unwrap();
        let token = token.expose();
        for place in 0..token.len() {
            let mut changed = token.as_bytes().to_vec();
            changed[place] = if changed[place] == b'A' { b'B' } else { b'A' };
            let changed = Secret::new(String::from_utf8(changed).unwrap());
            assert_eq!(AlertLink::read(&keys, &changed), None, "byte {place}");
        }
        for rubbish in ["", PREFIX, "nmca_AAAA", &token[..token.len() - 4], &format!("{token}AAAA"), &"x".repeat(9_000)] {
            assert_eq!(AlertLink::read(&keys, &Secret::new(rubbish)), None, "{rubbish}");
        }
    }
}
