//! The words that mean more than text: opting out, opting in, asking for help.

mod phrases;
mod words;

use phrases::{
    HELP, MAY_FOLLOW_STOP, MAY_PRECEDE_STOP, PERHAPS, PERHAPS_ALONE, POLITE_AFTER, POLITE_BEFORE, REACTIONS, REQUESTS, START,
    STOP_ALONE, STOP_PHRASES, STOP_WORDS, begin_with, matches,
};
use std::borrow::Cow;
use words::{Words, is, visible};

/// A request that a customer makes by one word, such as STOP.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Keyword {
    /// The customer wants no more texts.
    Stop,
    /// The customer wants texts again.
    Start,
    /// The customer asks who this is.
    Help,
}

/// The meaning of a whole text for whether its writer may be texted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Reading {
    /// The text asks for this, beyond doubt.
    Asks(Keyword),
    /// A bare YES: it opts in who has opted out, and is an ordinary answer of anybody else.
    Yes,
    /// The text may be an opt-out: a person has to read it.
    PerhapsStop,
    /// The text asks for nothing of the kind.
    Ordinary,
}

/// The longest text that counts as nothing but a wish to opt out, in words.
const LONGEST_WISH: usize = 20;

/// The longest text whose last word alone makes it look like an opt-out, in words.
const LONGEST_RUDE: usize = 6;

/// The phrase that is "no, stop" in French, and means without end in English.
const NON_STOP: &str = "non stop";

impl Reading {
    /// Reads a text by its words: how it is written (capitals, width, marks, punctuation, emoji, repetitions, a mail
    /// program's signature) does not count.
    ///
    /// ```
    /// use nmc_core::conversations::{Keyword, Reading};
    /// assert_eq!(Reading::of("Stop. Thank you!"), Reading::Asks(Keyword::Stop));
    /// assert_eq!(Reading::of("please stop by at 9"), Reading::Ordinary);
    /// assert_eq!(Reading::of("stop messaging my husband's number"), Reading::PerhapsStop);
    /// ```
    #[must_use]
    pub fn of(text: &str) -> Self {
        let all = Words::of(&own_words(&visible(text)));
        let said = all.without_signature();
        // Both: what passes for a signature may have been meant.
        if is_stop(&said.texts()) || is_stop(&all.texts()) {
            return Self::Asks(Keyword::Stop);
        }
        match said.texts().as_slice() {
            [word] if START.contains(word) => Self::Asks(Keyword::Start),
            [word] if HELP.contains(word) => Self::Asks(Keyword::Help),
            ["yes"] => Self::Yes,
            _ if may_be_stop(&all) => Self::PerhapsStop,
            _ => Self::Ordinary,
        }
    }
}

impl Keyword {
    /// The keyword that a whole text is beyond doubt, as [`Reading::of`] finds it.
    ///
    /// ```
    /// use nmc_core::conversations::Keyword;
    /// assert_eq!(Keyword::of(" Stop! "), Some(Keyword::Stop));
    /// assert_eq!(Keyword::of("please stop by at 9"), None);
    /// ```
    #[must_use]
    pub fn of(text: &str) -> Option<Self> {
        match Reading::of(text) {
            Reading::Asks(keyword) => Some(keyword),
            _ => None,
        }
    }

    /// Reads Twilio's own verdict (`OptOutType`), given where its advanced opt-out is on.
    pub(crate) fn of_provider(opt_out_type: &str) -> Option<Self> {
        [("STOP", Self::Stop), ("START", Self::Start), ("HELP", Self::Help)]
            .into_iter()
            .find(|(word, _)| opt_out_type.trim().eq_ignore_ascii_case(word))
            .map(|(_, keyword)| keyword)
    }
}

/// The shortest quotation that is somebody else's words, in characters: who writes "STOP" in quotes means it.
const SHORTEST_QUOTATION: usize = 20;

/// A text without what it quotes: lines that begin with `>`, and the text that a phone's reaction is to (`Liked “…”`), which is
/// mostly one of ours and tells how to opt out. A wish to opt out is nobody else's, in quotes or not; and quotes behind other
/// words than a reaction's may hold the writer's own.
fn own_words(text: &str) -> Cow<'_, str> {
    // What stands in quotes as a whole quotes nobody else.
    let text = text.trim_start_matches(|c: char| !c.is_alphanumeric() && c != '>');
    if let Some(open) = text.find(['“', '„', '«', '"'])
        && let Some((said, quoted)) = text.split_at_checked(open)
        && let Some((_, behind)) = quoted.rsplit_once(['”', '“', '»', '"'])
        && !behind.contains(char::is_alphanumeric)
        && REACTIONS.iter().any(|reaction| matches(reaction, &Words::of(said).texts()))
        && quoted.chars().count() >= SHORTEST_QUOTATION
        && !is_stop(&Words::of(quoted).texts())
    {
        return Cow::Borrowed(said);
    }
    let is_own = |line: &&str| !line.trim_start().starts_with('>') || is_stop(&Words::of(line).texts());
    if text.lines().all(|line| is_own(&line)) || !text.lines().any(|line| is_own(&line) && !line.trim().is_empty()) {
        return Cow::Borrowed(text);
    }
    Cow::Owned(text.lines().filter(is_own).collect::<Vec<_>>().join("\n"))
}

/// Whether the words are a wish to opt out and nothing else.
fn is_stop(words: &[&str]) -> bool {
    if words.is_empty() || words.len() > LONGEST_WISH {
        return false;
    }
    if let [word] = words
        && STOP_ALONE.contains(word)
    {
        return true;
    }
    if is(words, NON_STOP) {
        return false;
    }
    // "ST OP", and "stop, stop, please stop".
    let is_polite = |word: &&str| POLITE_BEFORE.contains(word) || POLITE_AFTER.contains(word);
    if words.concat() == "stop"
        || words.iter().any(|word| STOP_WORDS.contains(word))
            && words.iter().all(|word| STOP_WORDS.contains(word) || is_polite(word))
    {
        return true;
    }
    let polite = begins(words, &[POLITE_BEFORE]);
    let asked = begins(words, &[POLITE_BEFORE, REQUESTS]);
    ends(words).into_iter().any(|end| {
        let core = |begin: &usize| words.get(*begin..end).unwrap_or_default();
        polite.iter().map(core).any(|core| matches!(core, [word] if STOP_WORDS.contains(word)))
            || asked.iter().map(core).any(|core| STOP_PHRASES.iter().any(|phrase| matches(phrase, core)))
    })
}

/// Where the words may begin once what is polite before them is taken away, as often as it comes; 0 is the first.
fn begins(words: &[&str], before: &[&[&str]]) -> Vec<usize> {
    let mut found = vec![0];
    let mut at = 0;
    // Each place is looked at once, and those that are found from it come after it.
    while let Some(begin) = found.get(at).copied() {
        for phrase in before.iter().copied().flatten() {
            let next = begin + phrase.split(' ').count();
            if words.get(begin..next).is_some_and(|head| is(head, phrase)) && !found.contains(&next) {
                found.push(next);
            }
        }
        at += 1;
    }
    found
}

/// Where the words may end once what is polite behind them is taken away; their own end is the first.
fn ends(words: &[&str]) -> Vec<usize> {
    let mut found = vec![words.len()];
    let mut at = 0;
    while let Some(end) = found.get(at).copied() {
        for phrase in POLITE_AFTER {
            let Some(next) = end.checked_sub(phrase.split(' ').count()) else { continue };
            if words.get(next..end).is_some_and(|tail| is(tail, phrase)) && !found.contains(&next) {
                found.push(next);
            }
        }
        at += 1;
    }
    found
}

/// Whether somebody should read it: it speaks of texts to be ended, or begins or ends with such a word as a sentence.
fn may_be_stop(text: &Words) -> bool {
    let words = text.texts();
    let is_stop_word = |word: Option<&&str>| word.is_some_and(|word| STOP_WORDS.contains(word));
    let first_is_a_sentence = is_stop_word(words.first()) && text.ends_sentence(0);
    let last_is_a_sentence =
        is_stop_word(words.last()) && words.len().checked_sub(2).is_some_and(|before| text.ends_sentence(before));
    let polite = begins(&words, &[POLITE_BEFORE]);
    let short = polite.iter().any(|begin| match words.get(*begin..).unwrap_or_default() {
        ["stop", second] | ["stop", second, _] => !MAY_FOLLOW_STOP.contains(second),
        _ => false,
    });
    // "please cancel" may be about the appointment.
    let alone = ends(&words)
        .into_iter()
        .any(|end| polite.iter().any(|begin| matches!(words.get(*begin..end), Some([word]) if STOP_ALONE.contains(word))));
    let speaks_of_it = |begin: usize| {
        let rest = words.get(begin..).unwrap_or_default();
        PERHAPS.iter().any(|phrase| begin_with(phrase, rest))
    };
    // "this is spam stop", and not "the water won't stop".
    let rude = match words.as_slice() {
        [.., before, "stop"] => words.len() <= LONGEST_RUDE && !MAY_PRECEDE_STOP.contains(before),
        _ => false,
    };
    let whole = PERHAPS_ALONE.iter().any(|phrase| matches(phrase, &words));
    short || alone || rude || whole || first_is_a_sentence || last_is_a_sentence || (0..words.len()).any(speaks_of_it)
}
