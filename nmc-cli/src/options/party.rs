//! Customers and callers as people type them.

use nmc_core::{CallerIdentity, PhoneNumber};

const EXPECTED: &str =
    "must be a number with its country, like +1 (415) 555-0123, or a short code, a sender's name, a sip: address or anonymous";

/// Reads whoever calls or texts: a number in whatever spelling, or what else the network tells in its place.
pub(crate) fn party(text: &str) -> Result<CallerIdentity, &'static str> {
    if let Ok(phone) = PhoneNumber::typed(text) {
        return Ok(CallerIdentity::Phone(phone));
    }
    match text.parse() {
        // A number that was mistyped: as it stands here nobody goes by it, and an empty list would say that nobody called.
        Ok(CallerIdentity::Other(_)) | Err(_) => Err(EXPECTED),
        Ok(_) if text.trim().is_empty() => Err(EXPECTED),
        Ok(party) => Ok(party),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_party_is_typed_as_people_write_it() {
        for (text, stored) in [
            ("+1 (415) 555-0123", "+14155550123"),
            ("tel:+1-415-555-0123", "+14155550123"),
            (" +49 30 123456 ", "+4930123456"),
            ("Anonymous", "anonymous"),
            ("72345", "72345"),
            ("AT&T", "AT&T"),
            ("sip:joe@example.com", "sip:joe@example.com"),
        ] {
            assert_eq!(party(text).map(|party| party.as_str().to_owned()), Ok(stored.to_owned()), "{text}");
        }
        for text in ["", " ", "+1415", "+1 415 555 01234", "(415) 555-0123", "4155550123", "+", "a\nb"] {
            assert_eq!(party(text), Err(EXPECTED), "{text:?}");
        }
    }
}
