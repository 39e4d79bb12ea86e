//! What a greeting will look like to a caller, and the one check of a template.

use crate::{Error, Result};

/// The source's default template (line 885), for a tenant whose settings row is missing: the caller is texted all the same.
pub const DEFAULT_GREETING: &str = "Hello! Thanks for calling {{business_name}}. How can we help you today?";

const STOP_HINT: &str = " Reply STOP to opt out.";
/// The longest text the provider takes, in characters.
const LONGEST: usize = 1_600;

const FIELD: &str = "greeting_template";
const PLACEHOLDER: &str = "{{business_name}}";

/// A template that may be saved, trimmed: 10 to 500 characters with `{{business_name}}` in it and no other placeholder, since
/// a customer must never be sent braces.
///
/// # Errors
/// [`Error::Invalid`] of `greeting_template`.
pub(super) fn checked_template(text: &str) -> Result<&str> {
    let text = text.trim();
    let refused = |rule: &'static str| Err(Error::invalid(FIELD, rule));
    if text.contains('\0') {
        return refused("must not contain NUL");
    }
    if !(10..=500).contains(&text.chars().count()) {
        return refused("must be 10 to 500 characters long");
    }
    // Before the placeholder is missed: a misspelt one is what is wrong then.
    if let Some(rest) = text.split(PLACEHOLDER).find(|rest| rest.contains(['{', '}'])) {
        return match unknown_placeholder(rest) {
            Some(name) => Err(Error::invalid(FIELD, format!("must not contain {name}: the only placeholder is {PLACEHOLDER}"))),
            None => refused("must not contain braces other than those of {{business_name}}"),
        };
    }
    if !text.contains(PLACEHOLDER) {
        return refused("must contain {{business_name}}");
    }
    Ok(text)
}

/// The first placeholder in this text, if that is what its first braces are: a short name, which may be told.
fn unknown_placeholder(text: &str) -> Option<&str> {
    let (_, rest) = text.split_once("{{")?;
    let (name, _) = rest.split_once("}}")?;
    let is_name = name.chars().count() <= 40 && name.chars().all(|c| c.is_alphanumeric() || " _-.".contains(c));
    let start = text.len() - rest.len() - 2;
    text.get(start..start + name.len() + 4).filter(|_| is_name)
}

/// How a text travels.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SmsEncoding {
    /// GSM 03.38: Latin letters, digits and some signs; 160 to a text, 153 to each part of a longer one. `^{}\[~]|€` and
    /// form feed count twice.
    Gsm7,
    /// UCS-2, for all other characters: 70 to a text, 67 to each part of a longer one. Emoji count twice.
    Ucs2,
}

impl SmsEncoding {
    /// Its name, as providers write it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Gsm7 => "GSM-7",
            Self::Ucs2 => "UCS-2",
        }
    }

    /// The encoding that takes every character of the text.
    #[must_use]
    pub fn of(text: &str) -> Self {
        if text.chars().all(|c| gsm7_units(c).is_some()) { Self::Gsm7 } else { Self::Ucs2 }
    }

    const fn room(self) -> (usize, usize) {
        match self {
            Self::Gsm7 => (160, 153),
            Self::Ucs2 => (70, 67),
        }
    }

    fn units(self, c: char) -> usize {
        match self {
            Self::Gsm7 => gsm7_units(c).unwrap_or(1),
            Self::Ucs2 => c.len_utf16(),
        }
    }

    /// How many segments the provider bills for a text in this encoding. No character is torn over two of them.
    fn segments(self, text: &str) -> usize {
        let (alone, part) = self.room();
        let sizes = || text.chars().map(|c| self.units(c));
        if sizes().sum::<usize>() <= alone {
            return 1;
        }
        let filled =
            sizes().fold((1, 0), |(parts, used), size| if used + size > part { (parts + 1, size) } else { (parts, used + size) });
        filled.0
    }
}

/// The basic set of GSM 03.38, without escape, and what is reached through escape.
const BASIC: &str = "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿\
                     abcdefghijklmnopqrstuvwxyzäöñüà";
const EXTENSION: &str = "\u{c}^{}\\[~]|€";

fn gsm7_units(c: char) -> Option<usize> {
    if BASIC.contains(c) {
        Some(1)
    } else if EXTENSION.contains(c) {
        Some(2)
    } else {
        None
    }
}

/// How long a text is, for those who pay for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TextSize {
    /// Its length in characters.
    pub characters: usize,
    /// How it travels.
    pub encoding: SmsEncoding,
    /// How many segments it is billed as.
    pub segments: usize,
}

impl TextSize {
    /// The size of this text.
    #[must_use]
    pub fn of(text: &str) -> Self {
        let encoding = SmsEncoding::of(text);
        Self { characters: text.chars().count(), encoding, segments: encoding.segments(text) }
    }
}

/// What someone who has never been texted by the business would get after a missed call.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(not(feature = "testing"), non_exhaustive)]
pub struct GreetingPreview {
    /// The text, to the letter.
    pub text: String,
    /// Its length in characters.
    pub characters: usize,
    /// How it travels.
    pub encoding: SmsEncoding,
    /// How many segments it is billed as.
    pub segments: usize,
}

impl GreetingPreview {
    /// The greeting that this template would be to a first-time caller of the business. The template need not be saved, but
    /// must be one that [`super::BusinessSettingsRepo::update`] would save.
    ///
    /// # Errors
    /// [`Error::Invalid`] of `greeting_template`, in the words of saving it.
    pub fn of(template: &str, business_name: &str) -> Result<Self> {
        let text = render_greeting(checked_template(template)?, business_name, true);
        let TextSize { characters, encoding, segments } = TextSize::of(&text);
        Ok(Self { characters, encoding, segments, text })
    }
}

/// Fills the template. A first text ends with how to stop, unless the template says it in its own words; what is too
/// long for one text is cut before that hint.
#[must_use]
pub fn render_greeting(template: &str, business_name: &str, first_text: bool) -> String {
    let mut text = template.replace(PLACEHOLDER, business_name);
    let hint = if first_text && !says_how_to_stop(template) { STOP_HINT } else { "" };
    let room = LONGEST - hint.len();
    if let Some((end, _)) = text.char_indices().nth(room) {
        text.truncate(end);
    }
    text + hint
}

/// Whether a template tells its reader to answer STOP: the word after one for answering, as in `reply with "STOP"`. A business's name
/// and "stop by" are no such words.
fn says_how_to_stop(template: &str) -> bool {
    const ANSWER: &[&str] = &[
        "REPLY",
        "TEXT",
        "TXT",
        "SEND",
        "RESPOND",
        "ANSWER",
        "WRITE",
        "TYPE",
        "RESPONDA",
        "RESPONDE",
        "ENVIE",
        "ENVIA",
        "RÉPONDEZ",
    ];
    const BETWEEN: &[&str] = &["BACK", "US", "WITH", "THE", "WORD", "A", "CON", "PAR", "LA", "PALABRA"];
    // The placeholder parts what stands before it from what stands after it.
    template.split(PLACEHOLDER).any(|part| {
        let upper = part.to_uppercase();
        let words: Vec<&str> = upper.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()).collect();
        words.iter().enumerate().any(|(at, word)| {
            let goes_on = words.get(at + 1).is_some_and(|next| ["BY", "IN", "OVER", "THE"].contains(next));
            let before = words.iter().take(at).rev().find(|word| !BETWEEN.contains(word));
            *word == "STOP" && !goes_on && before.is_some_and(|word| ANSWER.contains(word))
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_alphabets_are_whole() {
        assert_eq!((BASIC.chars().count(), EXTENSION.chars().count()), (127, 10));
        for c in BASIC.chars().chain(EXTENSION.chars()) {
            assert_eq!(BASIC.matches(c).count() + EXTENSION.matches(c).count(), 1, "{c:?} once");
        }
    }

    #[test]
    fn segments_are_counted_as_the_provider_counts_them() {
        let cases = [
            ("", SmsEncoding::Gsm7, 1),
            (&"x".repeat(160), SmsEncoding::Gsm7, 1),
            (&"x".repeat(161), SmsEncoding::Gsm7, 2),
            (&"x".repeat(306), SmsEncoding::Gsm7, 2),
            (&"x".repeat(307), SmsEncoding::Gsm7, 3),
            (&"x".repeat(1_600), SmsEncoding::Gsm7, 11),
            (&"€".repeat(80), SmsEncoding::Gsm7, 1),
            (&format!("{}x", "€".repeat(80)), SmsEncoding::Gsm7, 2),
            // 76 pairs in 153: the odd place stays empty.
            (&"€".repeat(153), SmsEncoding::Gsm7, 3),
            (&"ñ".repeat(160), SmsEncoding::Gsm7, 1),
            (&"á".repeat(70), SmsEncoding::Ucs2, 1),
            (&"á".repeat(71), SmsEncoding::Ucs2, 2),
            (&"á".repeat(134), SmsEncoding::Ucs2, 2),
            (&"á".repeat(135), SmsEncoding::Ucs2, 3),
            (&format!("{}’", "x".repeat(70)), SmsEncoding::Ucs2, 2),
            (&"😀".repeat(35), SmsEncoding::Ucs2, 1),
            (&"😀".repeat(36), SmsEncoding::Ucs2, 2),
            // 33 pairs in 67.
            (&"😀".repeat(67), SmsEncoding::Ucs2, 3),
        ];
        for (text, encoding, segments) in cases {
            assert_eq!((SmsEncoding::of(text), encoding.segments(text)), (encoding, segments), "{} of {text}", text.len());
        }
    }

    #[test]
    fn a_template_names_the_business_and_nothing_else() {
        let cases = [
            (" {{business_name}} ", None),
            ("Hi, {{business_name}} and {{business_name}}!", None),
            ("Hello, hello!", Some("must contain {{business_name}}")),
            ("", Some("must be 10 to 500 characters long")),
            ("  123456789  ", Some("must be 10 to 500 characters long")),
            ("Hello,\0hello!", Some("must not contain NUL")),
            ("Hi, {{buisness_name}} here", Some("must not contain {{buisness_name}}: the only placeholder is {{business_name}}")),
            ("{{business_name}} for {{ name }}", Some("must not contain {{ name }}: the only placeholder is {{business_name}}")),
            (
                "{{ business_name }} calling",
                Some("must not contain {{ business_name }}: the only placeholder is {{business_name}}"),
            ),
            ("{{BUSINESS_NAME}} calling", Some("must not contain {{BUSINESS_NAME}}: the only placeholder is {{business_name}}")),
            ("{{business_name}} {{}}", Some("must not contain {{}}: the only placeholder is {{business_name}}")),
            ("{{business_name}} {name}", Some("must not contain braces other than those of {{business_name}}")),
            ("{{{business_name}}}", Some("must not contain braces other than those of {{business_name}}")),
            ("{{business_name}} {{", Some("must not contain braces other than those of {{business_name}}")),
            ("{{business_name}} {{<b>}}", Some("must not contain braces other than those of {{business_name}}")),
        ];
        for (template, refused) in cases {
            let came = checked_template(template).map_err(|error| error.to_string());
            let expected = refused.map_or(Ok(template.trim()), |rule| Err(format!("greeting_template {rule}")));
            assert_eq!(came, expected, "{template:?}");
        }
        let name = PLACEHOLDER.len();
        for (rest, passes) in [(500 - name, true), (501 - name, false)] {
            assert_eq!(checked_template(&format!("{PLACEHOLDER}{}", "ü".repeat(rest))).is_ok(), passes, "{rest}");
        }
    }

    #[test]
    fn a_preview_is_what_a_first_time_caller_gets() {
        let preview = GreetingPreview::of(" {{business_name}} here. Sorry we missed you! ", "Joe's {Plumbing}").unwrap();
        let text = "Joe's {Plumbing} here. Sorry we missed you! Reply STOP to opt out.".to_owned();
        assert_eq!(preview, GreetingPreview { characters: 66, encoding: SmsEncoding::Gsm7, segments: 1, text });
        let long = GreetingPreview::of(&"{{business_name}}".repeat(29), &"ü".repeat(255)).unwrap();
        assert_eq!((long.characters, long.segments), (1_600, 11), "cut as the greeting is");
    }

    #[test]
    fn the_name_is_filled_and_the_first_text_says_how_to_stop() {
        assert_eq!(
            render_greeting(DEFAULT_GREETING, "Joe's", true),
            "Hello! Thanks for calling Joe's. How can we help you today? Reply STOP to opt out."
        );
        assert_eq!(render_greeting("{{business_name}} again", "Joe's", false), "Joe's again");
        assert_eq!(render_greeting("{{business_name}}. Text stop to end.", "Joe's", true), "Joe's. Text stop to end.");
    }

    #[test]
    fn a_name_with_stop_in_it_is_no_hint() {
        assert_eq!(
            render_greeting(DEFAULT_GREETING, "One Stop Plumbing", true),
            "Hello! Thanks for calling One Stop Plumbing. How can we help you today? Reply STOP to opt out."
        );
        assert!(render_greeting("Reply {{business_name}}, please", "STOP", true).ends_with(STOP_HINT));
    }

    #[test]
    fn only_words_that_tell_how_to_stop_are_a_hint() {
        for told in [
            "Reply STOP to opt out",
            "text stop.",
            "To end this, reply with \"Stop\"!",
            "Text us back the word STOP",
            "Responda STOP para no recibir",
            "Msg rates apply; txt STOP 2 end",
        ] {
            assert!(says_how_to_stop(&format!("{{{{business_name}}}}: {told}")), "{told}");
        }
        for untold in [
            "We never stop working",
            "Reply, or stop by our shop",
            "Text us or stop by",
            "Text us: stop by any time",
            "Your one-stop shop. Reply here",
            "Nonstop service, reply nonstop",
            "We stop leaks. Text us",
            "Reply to stop the leak",
        ] {
            assert!(!says_how_to_stop(&format!("{{{{business_name}}}}: {untold}")), "{untold}");
        }
    }

    #[test]
    fn it_never_exceeds_one_text() {
        let long = render_greeting(&"{{business_name}}".repeat(29), &"ü".repeat(255), true);
        assert_eq!(long.chars().count(), LONGEST);
        assert!(long.ends_with(STOP_HINT));
    }
}
