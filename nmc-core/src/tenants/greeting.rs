//! What a greeting will look like to a caller, and the one check of a template.

use super::greeting_template::{Piece, Placeholder, checked_template, pieces};
use super::{BusinessHours, SmsEncoding, TenantRow, TextSize};
use crate::Result;
use chrono::{DateTime, Utc};

/// The default template of greetings, for a tenant whose settings row is missing: the caller is texted all the same.
pub const DEFAULT_GREETING: &str = "Hello! Thanks for calling {{business_name}}. How can we help you today?";

const STOP_HINT: &str = " Reply STOP to opt out.";
/// The longest text the provider takes, in characters.
const LONGEST: usize = 1_600;

/// The words that fill a template's placeholders.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct GreetingWords<'a> {
    /// The business's name, for `{{business_name}}`.
    pub business_name: &'a str,
    /// The opening hours, for `{{hours}}`: `7 AM-6 PM`, or `24/7`.
    pub hours: &'a BusinessHours,
    /// The instant at which the text goes out, for `{{next_opening}}`: `now` while the business is open, else `Tuesday at 7 AM`.
    pub at: DateTime<Utc>,
}

impl<'a> GreetingWords<'a> {
    /// The words of this business, with its hours, for a text that goes out at that instant.
    #[must_use]
    pub fn of(row: &'a TenantRow, hours: &'a BusinessHours, at: DateTime<Utc>) -> Self {
        Self { business_name: &row.business_name, hours, at }
    }

    fn push(&self, placeholder: Placeholder, text: &mut String) {
        match placeholder {
            Placeholder::BusinessName => text.push_str(self.business_name),
            Placeholder::Hours => text.push_str(&self.hours.to_string()),
            Placeholder::NextOpening => text.push_str(&self.hours.next_opening_in_words(self.at)),
        }
    }
}

/// The greeting that someone who has never been texted by the business would get after a missed call.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(not(feature = "testing"), non_exhaustive)]
pub struct GreetingPreview {
    /// The text, to the letter.
    pub text: String,
    /// The length of the text in characters.
    pub characters: usize,
    /// The encoding in which the text travels.
    pub encoding: SmsEncoding,
    /// The number of segments that the text is billed as.
    pub segments: usize,
}

impl GreetingPreview {
    /// The greeting that this template would be to a first-time caller. The template need not be saved, but must be one that
    /// [`super::BusinessSettingsRepo::update`] would save.
    ///
    /// # Errors
    /// [`crate::Error::Invalid`] of `greeting_template`, in the words of saving it.
    pub fn of(template: &str, words: &GreetingWords<'_>) -> Result<Self> {
        let text = render_greeting(checked_template(template)?, words, true);
        let TextSize { characters, encoding, segments } = TextSize::of(&text);
        Ok(Self { characters, encoding, segments, text })
    }
}

/// Fills the template of a greeting with its words. A first text ends with how to stop, as a sentence of its own, unless the
/// template says it in its own words; what is too long for one text is cut before that hint.
#[must_use]
pub fn render_greeting(template: &str, words: &GreetingWords<'_>, first_text: bool) -> String {
    let mut text = String::with_capacity(template.len());
    for piece in pieces(template) {
        match piece {
            Piece::Text(own) => text.push_str(own),
            Piece::Filled(placeholder) => words.push(placeholder, &mut text),
        }
    }
    if !first_text || says_how_to_stop(template) {
        truncate(&mut text, LONGEST);
        return text;
    }
    if text.ends_with(char::is_alphanumeric) {
        text.push('.');
    }
    truncate(&mut text, LONGEST - STOP_HINT.len());
    text + STOP_HINT
}

fn truncate(text: &mut String, characters: usize) {
    if let Some((end, _)) = text.char_indices().nth(characters) {
        text.truncate(end);
    }
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
    // A placeholder parts what stands before it from what stands after it.
    pieces(template).any(|piece| {
        let Piece::Text(part) = piece else { return false };
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
    use std::sync::LazyLock;

    static HOURS: LazyLock<BusinessHours> = LazyLock::new(|| {
        let time = |hour| chrono::NaiveTime::from_hms_opt(hour, 0, 0).unwrap();
        BusinessHours::new(time(7), time(18), "America/Los_Angeles".parse().unwrap())
    });

    /// Open from 7 to 18 h by the clock of Los Angeles; a Friday at noon there, in winter.
    fn words(business_name: &str) -> GreetingWords<'_> {
        GreetingWords { business_name, hours: &HOURS, at: "2026-01-16T20:00:00Z".parse().unwrap() }
    }

    #[test]
    fn each_placeholder_is_filled_and_what_fills_it_stays() {
        let template = "{{business_name}} opens {{next_opening}} ({{hours}}), {{business_name}}!";
        let mut words = words("{{hours}}");
        assert_eq!(render_greeting(template, &words, false), "{{hours}} opens now (7 AM-6 PM), {{hours}}!");
        words.at += chrono::TimeDelta::hours(8);
        assert_eq!(render_greeting(template, &words, false), "{{hours}} opens Saturday at 7 AM (7 AM-6 PM), {{hours}}!");
    }

    #[test]
    fn a_preview_is_what_a_first_time_caller_gets() {
        let preview = GreetingPreview::of(" {{business_name}} here. Sorry we missed you! ", &words("Joe\'s {Plumbing}")).unwrap();
        let text = "Joe's {Plumbing} here. Sorry we missed you! Reply STOP to opt out.".to_owned();
        assert_eq!(preview, GreetingPreview { characters: 66, encoding: SmsEncoding::Gsm7, segments: 1, text });
        let long = GreetingPreview::of(&"{{business_name}}".repeat(29), &words(&"ü".repeat(255))).unwrap();
        assert_eq!((long.characters, long.segments), (1_600, 11), "cut as the greeting is");
    }

    #[test]
    fn the_name_is_filled_and_the_first_text_says_how_to_stop() {
        assert_eq!(
            render_greeting(DEFAULT_GREETING, &words("Joe's"), true),
            "Hello! Thanks for calling Joe's. How can we help you today? Reply STOP to opt out."
        );
        assert_eq!(
            render_greeting("{{business_name}}, back {{next_opening}}", &words("Joe's"), true),
            "Joe's, back now. Reply STOP to opt out."
        );
        assert_eq!(render_greeting("{{business_name}} again", &words("Joe's"), false), "Joe's again");
        assert_eq!(render_greeting("{{business_name}}. Text stop to end.", &words("Joe's"), true), "Joe's. Text stop to end.");
    }

    #[test]
    fn a_name_with_stop_in_it_is_no_hint() {
        assert_eq!(
            render_greeting(DEFAULT_GREETING, &words("One Stop Plumbing"), true),
            "Hello! Thanks for calling One Stop Plumbing. How can we help you today? Reply STOP to opt out."
        );
        assert!(render_greeting("Reply {{business_name}}, please", &words("STOP"), true).ends_with(STOP_HINT));
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
        let long = render_greeting(&"{{business_name}}".repeat(29), &words(&"ü".repeat(255)), true);
        assert_eq!(long.chars().count(), LONGEST);
        assert!(long.ends_with(STOP_HINT));
    }
}
