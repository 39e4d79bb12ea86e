//! Twilio's error codes of texts and of forwarded calls: what each means, what somebody can do about it, and what follows from it.

use chrono::TimeDelta;

/// The consequence of a failure for what is sent after it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Consequence {
    /// Nothing follows: the failure is about this text alone.
    ThisText,
    /// Trying the same again later may help.
    Passing,
    /// The person can't be texted: no automatic text to them for this long.
    Untextable(TimeDelta),
    /// The person has opted out.
    OptedOut,
    /// The sending number may not send: its texts wait.
    NumberOnHold,
    /// The account may not send: all texts wait.
    AccountOnHold,
    /// A call can't be forwarded to the business's phone.
    NoForwarding,
}

/// The meaning of one code of the provider, in plain words.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct CodeMeaning {
    /// The provider's code.
    pub code: i32,
    /// The words that say what happened.
    pub means: &'static str,
    /// The words that say what somebody can do about it.
    pub advice: &'static str,
    /// The consequence for what is sent after the failure.
    pub consequence: Consequence,
}

const fn code(code: i32, consequence: Consequence, means: &'static str, advice: &'static str) -> CodeMeaning {
    CodeMeaning { code, means, advice, consequence }
}

const fn untextable_for(days: i64) -> Consequence {
    Consequence::Untextable(TimeDelta::days(days))
}

use Consequence::{AccountOnHold, NoForwarding, NumberOnHold, OptedOut, Passing, ThisText};

/// Sorted by code.
const MEANINGS: &[CodeMeaning] = &[
    code(10_001, AccountOnHold, "the account at Twilio is not active", "see to the account at Twilio"),
    code(13_223, NoForwarding, "the business's phone number is not written as Twilio reads it", "correct the business's phone"),
    code(13_224, NoForwarding, "the business's phone number is not valid", "correct the business's phone"),
    code(13_225, NoForwarding, "Twilio does not call the business's phone number", "choose another phone for the business"),
    code(
        13_227,
        NoForwarding,
        "the account may not call the country of the business's phone",
        "allow the country in the voice geographic permissions at Twilio",
    ),
    code(20_003, AccountOnHold, "Twilio refuses our credentials", "check the account SID and the auth token"),
    code(20_005, AccountOnHold, "the account at Twilio is not active", "see to the account at Twilio, such as to its balance"),
    code(20_429, Passing, "Twilio asks to slow down", "nothing: it is sent again later"),
    code(21_211, untextable_for(365), "the recipient's number is not valid", "call, or ask for another number"),
    code(21_212, NumberOnHold, "the sending number is not valid", "compare the number with those of the account at Twilio"),
    code(21_214, untextable_for(30), "the recipient's number can't be reached", "call, or ask for another number"),
    code(
        21_408,
        untextable_for(1),
        "the account may not text the recipient's country",
        "allow the country in the messaging geographic permissions at Twilio",
    ),
    code(21_602, ThisText, "the text has no words", "write some"),
    code(21_606, NumberOnHold, "the sending number can't send texts", "send from a number that has SMS"),
    code(21_610, OptedOut, "the recipient has opted out of texts", "call; a START from them allows texts again"),
    code(21_611, Passing, "the sending number has too many texts waiting at Twilio", "nothing: it is sent again later"),
    code(21_612, untextable_for(7), "the recipient can't be reached from the sending number", "call, or use another number"),
    code(21_614, untextable_for(365), "the recipient's number is not a mobile", "call, or ask for a mobile number"),
    code(21_617, ThisText, "the text is too long", "write at most 1,600 characters"),
    code(21_635, untextable_for(365), "the recipient's number is a landline", "call, or ask for a mobile number"),
    code(
        21_659,
        NumberOnHold,
        "the sending number is not the account's",
        "compare the number with those of the account at Twilio",
    ),
    code(
        21_660,
        NumberOnHold,
        "the sending number is another account's",
        "compare the number with those of the account at Twilio",
    ),
    code(30_001, ThisText, "Twilio's queue was full", "send it again"),
    code(30_002, AccountOnHold, "the account at Twilio is suspended", "see to the account at Twilio"),
    code(30_003, untextable_for(1), "the recipient's phone is switched off or out of reach", "send it again tomorrow, or call"),
    code(30_004, untextable_for(30), "the recipient's carrier or phone blocks texts", "call"),
    code(
        30_005,
        untextable_for(90),
        "the recipient's number is unknown or no longer in service",
        "call, or ask for another number",
    ),
    code(
        30_006,
        untextable_for(365),
        "the recipient's number is a landline or takes no texts",
        "call, or ask for a mobile number",
    ),
    code(30_007, untextable_for(1), "a carrier filtered the text as unwanted", "reword it, without links and capitals"),
    code(30_008, ThisText, "the carrier gave no reason", "send it again, or call"),
    code(30_010, ThisText, "the text costs more than the account allows", "raise the limit at Twilio"),
    code(30_022, Passing, "the registered campaign has sent too many texts in a short time", "send it again later"),
    code(
        30_023,
        NumberOnHold,
        "the registered brand has reached its limit of the day",
        "wait until tomorrow, or raise it at Twilio",
    ),
    code(30_024, NumberOnHold, "the carrier does not know the sending number", "see to its registration at Twilio"),
    code(30_027, NumberOnHold, "the registered campaign has reached T-Mobile's limit of the day", "wait until tomorrow"),
    code(30_032, NumberOnHold, "the toll-free number is not verified", "have it verified at Twilio"),
    code(30_034, NumberOnHold, "the sending number is not registered for business texts (A2P 10DLC)", "register it at Twilio"),
    code(30_035, NumberOnHold, "the registration of the sending number is not finished", "wait for it, or see to it at Twilio"),
    code(30_036, ThisText, "it could not be delivered in time", "send it again, or call"),
    code(30_039, untextable_for(1), "two machines were answering each other", "look at the conversation before writing again"),
    code(30_410, ThisText, "the carrier did not answer", "send it again, or call"),
    code(30_450, untextable_for(1), "Twilio takes the recipient's number for one that is used for fraud", "call"),
    code(30_453, untextable_for(1), "Twilio takes the recipient's number for one that is used for fraud", "call"),
    code(90_010, AccountOnHold, "the account at Twilio is inactive", "see to the account at Twilio"),
];

/// The meaning of one of the provider's codes, if it is a known one.
#[must_use]
pub fn meaning_of(code: i32) -> Option<&'static CodeMeaning> {
    let at = MEANINGS.binary_search_by_key(&code, |meaning| meaning.code).ok()?;
    MEANINGS.get(at)
}

/// The codes after which a person can't be texted, each with the time for which that holds.
pub(crate) fn untextable_codes() -> impl Iterator<Item = (i32, TimeDelta)> {
    MEANINGS.iter().filter_map(|meaning| match meaning.consequence {
        Consequence::Untextable(time) => Some((meaning.code, time)),
        _ => None,
    })
}

/// The code in a sentence for people: what it means and what to do, or where to read about it.
#[must_use]
pub fn explain(code: i32) -> String {
    match meaning_of(code) {
        Some(CodeMeaning { means, advice, .. }) => format!("{means}; {advice} (Twilio {code})"),
        None => format!("see twilio.com/docs/api/errors/{code} (Twilio {code})"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_sorted_without_doubles() {
        assert!(MEANINGS.is_sorted_by(|a, b| a.code < b.code));
        assert!(MEANINGS.iter().all(|meaning| meaning_of(meaning.code) == Some(meaning)));
    }

    #[test]
    fn a_code_is_told_in_words() {
        assert_eq!(
            explain(30_006),
            "the recipient's number is a landline or takes no texts; call, or ask for a mobile number (Twilio 30006)"
        );
        assert_eq!(explain(12_345), "see twilio.com/docs/api/errors/12345 (Twilio 12345)");
    }
}
