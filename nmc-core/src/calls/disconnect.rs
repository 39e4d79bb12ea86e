//! Why a call ended, in words: from the provider's error, or else from what the network said.

use crate::telephony::{Consequence, meaning_of};
use crate::types::clip;

/// What the network says of a call that came to nothing, by its SIP response code.
const NETWORK: &[(i32, &str)] = &[
    (403, "the network refused the call"),
    (404, "there is no such number"),
    (408, "nobody answered in time"),
    (480, "the phone could not be reached"),
    (484, "the number is not complete"),
    (486, "the line was busy"),
    (487, "the caller hung up first"),
    (488, "the network could not carry the call"),
    (500, "the network failed"),
    (503, "the network was overloaded"),
    (600, "the line was busy everywhere"),
    (603, "the call was declined"),
    (604, "the number does not exist anywhere"),
    (607, "the person called does not want such calls"),
    (608, "the network took it for an unwanted call"),
];

/// The graver of two errors of the provider, which counts in whichever order they came: one that keeps every call from the
/// business's phone, or else the higher.
pub(super) fn graver_error(a: Option<i32>, b: Option<i32>) -> Option<i32> {
    a.into_iter().chain(b).max_by_key(|code| (forbids_forwarding(*code), *code))
}

/// Whether no call can be forwarded to the business's phone while this error lasts.
pub(crate) fn forbids_forwarding(code: i32) -> bool {
    meaning_of(code).is_some_and(|meaning| meaning.consequence == Consequence::NoForwarding)
}

/// The reason: that of the error, or else of two words of the network the one further down the list.
pub(super) fn reason(error: Option<i32>, known: Option<String>, sip: Option<i32>) -> Option<String> {
    let place = |words: &str| NETWORK.iter().position(|(_, known)| *known == words);
    let told = sip.and_then(|sip| NETWORK.iter().find(|(code, _)| *code == sip)).map(|(_, words)| (*words).to_owned());
    error.and_then(error_words).or_else(|| known.into_iter().chain(told).max_by_key(|words| place(words)))
}

/// Whether a reason is one that is made here, while this error is known; else somebody wrote it.
pub(super) fn is_derived(reason: &str, error: Option<i32>) -> bool {
    NETWORK.iter().any(|(_, words)| *words == reason) || error.and_then(error_words).is_some_and(|words| words == reason)
}

fn error_words(code: i32) -> Option<String> {
    match meaning_of(code) {
        Some(meaning) => clip(Some(meaning.means), 100),
        None => Some(format!("Twilio error {code}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reason_is_the_same_in_either_order() {
        let codes = [None, Some(13_224), Some(31_000), Some(21_211)];
        let sips = [None, Some(486), Some(487), Some(499)];
        for (a, b) in codes.iter().flat_map(|a| codes.map(|b| (*a, b))) {
            assert_eq!(graver_error(a, b), graver_error(b, a));
            for (x, y) in sips.iter().flat_map(|x| sips.map(|y| (*x, y))) {
                let told = |first: (Option<i32>, Option<i32>), second: (Option<i32>, Option<i32>)| {
                    let known = reason(first.0, None, first.1);
                    assert!(known.as_deref().is_none_or(|known| is_derived(known, first.0)));
                    reason(graver_error(first.0, second.0), known, second.1)
                };
                assert_eq!(told((a, x), (b, y)), told((b, y), (a, x)), "{a:?} {x:?} {b:?} {y:?}");
            }
        }
        assert_eq!(graver_error(Some(31_000), Some(13_224)), Some(13_224), "what keeps every call from the phone");
        assert_eq!(reason(None, None, Some(486)).as_deref(), Some("the line was busy"));
        assert_eq!(reason(Some(13_224), None, Some(486)).as_deref(), Some("the business's phone number is not valid"));
        assert!(!is_derived("hung up", Some(13_224)));
    }

    #[test]
    fn a_reason_fits_its_column() {
        assert!(NETWORK.iter().all(|(_, words)| words.len() <= 100) && NETWORK.is_sorted());
        assert!(error_words(i32::MAX).unwrap().len() <= 100);
    }
}
