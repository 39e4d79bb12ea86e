//! A text as words: without capitals, width, marks, punctuation and repetitions.

use crate::types::{is_filler, is_invisible};
use unicode_normalization::UnicodeNormalization as _;
use unicode_normalization::char::is_combining_mark;

/// The most characters that are looked at, counted after normalising: more than any text that is kept has.
const LONGEST: usize = 20_000;

/// How much may follow a mail program's signature, in words: a name, a number.
const LONGEST_SIGNATURE: usize = 14;

/// How the signatures of phones and mail programs begin.
const SIGNATURES: &[&str] = &[
    "sent from my",
    "sent from outlook",
    "sent from yahoo",
    "sent from aol",
    "sent from gmail",
    "sent from proton",
    "sent from mail",
    "sent from samsung",
    "sent from iphone",
    "sent from android",
    "sent from the",
    "sent from a",
    "sent via",
    "sent using",
    "get outlook for",
    "enviado desde",
    "enviado de mi",
    "enviado de meu",
    "enviado do meu",
    "enviado con",
    "envoye de mon",
    "envoye depuis",
    "envoye a partir",
    "envoye avec",
    "telecharger outlook",
    "obtener outlook",
    "gesendet von",
    "gesendet mit",
    "von meinem iphone gesendet",
    "inviato da",
    "verzonden vanaf",
];

/// One word, and what is behind it.
struct Word {
    text: String,
    /// Whether more than blanks and hyphens is behind it: a sentence may end there.
    ends_sentence: bool,
}

/// The words of a text.
pub(super) struct Words(Vec<Word>);

impl Words {
    pub(super) fn of(text: &str) -> Self {
        let mut words: Vec<Word> = Vec::new();
        let mut in_word = false;
        // An apostrophe joins: "don't" is one word in every keyboard's spelling.
        let joined = text.chars().filter(|c| !is_apostrophe(*c));
        let plain = joined.nfkd().filter(|c| !is_combining_mark(*c)).flat_map(char::to_lowercase).take(LONGEST);
        for c in plain {
            if c.is_alphanumeric() {
                match words.last_mut().filter(|_| in_word) {
                    Some(word) => word.text.push(c),
                    None => words.push(Word { text: c.into(), ends_sentence: false }),
                }
                in_word = true;
            } else {
                in_word = false;
                let is_blank = matches!(c, ' ' | '\t' | '-' | '_' | '/' | '\u{2010}' | '\u{2011}');
                if let Some(word) = words.last_mut().filter(|_| !is_blank) {
                    word.ends_sentence = true;
                }
            }
        }
        // "S.T.O.P." and "S T O P" are one word.
        if words.len() > 1 && words.iter().all(|word| word.text.chars().count() == 1) {
            let text = words.into_iter().map(|word| word.text).collect();
            words = vec![Word { text, ends_sentence: false }];
        }
        for word in &mut words {
            let looked_at: String = word.text.chars().map(latin).collect();
            if looked_at.is_ascii() || word.text.contains(|c: char| c.is_ascii_alphabetic()) {
                word.text = looked_at;
            }
            word.text = once(&squeezed(&word.text)).to_owned();
        }
        // "STOP STOP" says it once.
        words.dedup_by(|later, earlier| {
            let again = later.text == earlier.text;
            earlier.ends_sentence |= again && later.ends_sentence;
            again
        });
        Self(words)
    }

    /// The words without the signature of a phone or a mail program at their end.
    pub(super) fn without_signature(&self) -> WordsOf<'_> {
        let texts = self.texts();
        let latest = texts.len().saturating_sub(LONGEST_SIGNATURE).max(1);
        let begins = |at: &usize| {
            let rest = texts.get(*at..).unwrap_or_default();
            SIGNATURES.iter().any(|signature| rest.get(..signature.split(' ').count()).is_some_and(|head| is(head, signature)))
        };
        let end = (latest..texts.len()).find(begins).unwrap_or(texts.len());
        WordsOf(self.0.get(..end).unwrap_or_default())
    }

    pub(super) fn texts(&self) -> Vec<&str> {
        WordsOf(&self.0).texts()
    }

    /// Whether a sentence may end behind this word.
    pub(super) fn ends_sentence(&self, at: usize) -> bool {
        self.0.get(at).is_some_and(|word| word.ends_sentence)
    }
}

/// A text in its usual characters (NFKC), without those that nobody sees. Those that take room part words, as blanks do.
pub(super) fn visible(text: &str) -> String {
    let seen = text.chars().map(|c| if is_filler(c) { ' ' } else { c });
    seen.filter(|c| !is_invisible(*c)).nfkc().collect()
}

/// The first words of a text.
pub(super) struct WordsOf<'a>(&'a [Word]);

impl<'a> WordsOf<'a> {
    pub(super) fn texts(&self) -> Vec<&'a str> {
        self.0.iter().map(|word| word.text.as_str()).collect()
    }
}

/// Whether the words are those of the phrase.
pub(super) fn is(words: &[&str], phrase: &str) -> bool {
    phrase.split(' ').eq(words.iter().copied())
}

/// The Latin letter that a Cyrillic or Greek one looks like: within a Latin word, or in one that looks Latin all through, it was typed,
/// or pasted, by mistake or to deceive.
const fn latin(c: char) -> char {
    match c {
        'а' | 'α' => 'a',
        'е' => 'e',
        'о' | 'ο' => 'o',
        'р' | 'ρ' => 'p',
        'с' => 'c',
        'т' | 'τ' => 't',
        'у' => 'y',
        'х' => 'x',
        'к' => 'k',
        'ѕ' => 's',
        'і' | 'ι' => 'i',
        other => other,
    }
}

const fn is_apostrophe(c: char) -> bool {
    matches!(c, '\'' | '’' | '‘' | 'ʼ' | 'ʹ' | '`' | '´' | '＇')
}

/// "stoooop" as "stop": no word of ours has a letter three times.
fn squeezed(word: &str) -> String {
    let letters: Vec<char> = word.chars().collect();
    letters
        .chunk_by(|a, b| a == b)
        .flat_map(|run| if run.len() > 2 { run.get(..1) } else { Some(run) }.unwrap_or_default())
        .collect()
}

/// "stopstop" as "stop".
fn once(word: &str) -> &str {
    let repeated =
        ["stopall", "stop", "unsubscribe", "arret", "help"].into_iter().find(|known| word.replace(known, "").is_empty());
    repeated.filter(|_| !word.is_empty()).unwrap_or(word)
}
