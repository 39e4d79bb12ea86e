//! The texts that can be parties of a call in a log.

use crate::CallerIdentity;

/// Whether a text names nobody who calls: a sender's name, or a word. A network may tell of such a one; in a log it was mistyped, and no list
/// would be searched for it. Digits are what the network told.
pub(super) fn is_nobody(party: &CallerIdentity) -> bool {
    match party {
        CallerIdentity::Name(_) => true,
        CallerIdentity::Other(text) => !text.starts_with('+') && !text.bytes().all(|byte| byte.is_ascii_digit()),
        _ => false,
    }
}

/// Whether this is a service of North America: `+1911` and the like, of three digits.
pub(super) fn is_service(number: &str) -> bool {
    matches!(number.as_bytes(), [b'+', b'1', b'2'..=b'9', b'1', b'1'])
}
