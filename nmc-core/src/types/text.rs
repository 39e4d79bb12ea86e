//! Bounds of free text, in characters, as VARCHAR counts them.

use crate::{Error, Result};
use unicode_normalization::UnicodeNormalization as _;

/// Trims a text that must be there.
///
/// # Errors
/// [`Error::Invalid`] of `field` when it is empty, or nobody would see anything of it; when it is too long or holds NUL.
pub(crate) fn required(field: &'static str, text: &str, max: usize) -> Result<String> {
    let text = text.trim();
    if text.contains('\0') {
        return Err(Error::invalid(field, "must not contain NUL"));
    }
    if is_blank(text) {
        return Err(Error::invalid(field, "must not be empty"));
    }
    if text.chars().count() > max {
        return Err(Error::invalid(field, format!("must be at most {max} characters")));
    }
    Ok(text.to_owned())
}

/// Trims what is sent to somebody, which is shown as it is: of characters that control a terminal or a printer it has none but line
/// breaks and tabs.
///
/// # Errors
/// As [`required`].
pub(crate) fn sendable(field: &'static str, text: &str, max: usize) -> Result<String> {
    let text = required(field, text, max)?;
    if text.contains(|c: char| c.is_control() && !matches!(c, '\n' | '\r' | '\t')) {
        return Err(Error::invalid(field, "must not contain control characters"));
    }
    Ok(text)
}

/// Trims blanks and tabs from what is one line: a name, an address, a number, a URL. A line break at its edge stays, for whoever takes the
/// line to refuse it as they do one in the middle: it is no slip of the hand.
pub(crate) fn trimmed_line(text: &str) -> &str {
    text.trim_matches(|c: char| c == '\t' || c.is_whitespace() && !c.is_control() && !is_unseen(c))
}

/// Trims the name of somebody or something, and composes its characters (NFC): what looks alike on the screen is found, and not
/// taken in twice.
///
/// # Errors
/// As [`required`], of the composed form, which is what is stored.
pub(crate) fn named(field: &'static str, text: &str, max: usize) -> Result<String> {
    let name = composed(text);
    // Before it is trimmed as a text of many lines is; of one that nobody sees anything of is told that.
    if !is_blank(&name) && !name.contains('\0') && name.contains(|c: char| c.is_control() || is_unseen(c)) {
        return Err(Error::invalid(field, "must not contain control characters, direction marks or spaces of no width"));
    }
    required(field, &name, max)
}

/// [`named`] of what may be missing; an empty name counts as missing.
pub(crate) fn named_if_given(field: &'static str, text: Option<&str>, max: usize) -> Result<Option<String>> {
    text.filter(|text| !is_blank(text)).map(|text| named(field, text, max)).transpose()
}

/// What nobody sees, and makes one name look like another. Joiners are none of it: emoji and several scripts are written with them.
const fn is_unseen(c: char) -> bool {
    matches!(c, '\u{61c}' | '\u{200b}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}' | '\u{2066}'..='\u{2069}' | '\u{feff}')
}

/// Characters that nobody sees: joiners, direction marks, soft hyphens, fillers, variation selectors, NUL.
pub(crate) const fn is_invisible(c: char) -> bool {
    is_filler(c)
        || matches!(c,
        '\0' | '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{17b4}' | '\u{17b5}' | '\u{180b}'..='\u{180f}' | '\u{200b}'..='\u{200f}'
        | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e0fff}')
}

/// Characters that take the room of a letter and show none: fillers of Hangul, blank Braille.
pub(crate) const fn is_filler(c: char) -> bool {
    matches!(c, '\u{115f}' | '\u{1160}' | '\u{2800}' | '\u{3164}' | '\u{ffa0}')
}

/// Whether nobody sees anything of a text.
fn is_blank(text: &str) -> bool {
    text.chars().all(|c| c.is_whitespace() || is_invisible(c))
}

/// The form in which [`named`] stores a text.
pub(crate) fn composed(text: &str) -> String {
    trimmed_line(text).nfc().collect()
}

/// The text as [`required`] has it, where it may be missing; an empty one counts as missing.
pub(crate) fn optional(field: &'static str, text: Option<&str>, max: usize) -> Result<Option<String>> {
    // A NUL is refused even where it is all there is: whoever sent it meant something.
    let is_there = |text: &&str| !is_blank(text) || text.contains('\0');
    text.map(str::trim).filter(is_there).map(|text| required(field, text, max)).transpose()
}

/// Cuts what the network says down to its column: a long city name must not cost us the call.
pub(crate) fn clip(text: Option<&str>, max: usize) -> Option<String> {
    text.map(str::trim).filter(|text| !is_blank(text)).map(|text| text.chars().take(max).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn name_with_a_line_break_at_its_edge_is_refused() {
        for name in ["a\n", "\r\na", "a\u{b}", "a\u{85} ", "\u{2028}a"] {
            let told = named("name", name, 10).map_err(|error| error.to_string());
            let why = "name must not contain control characters, direction marks or spaces of no width";
            assert_eq!(told, Err(why.to_owned()), "{name:?}");
        }
        assert_eq!(named("name", "\t a b\u{3000} ", 10).unwrap(), "a b");
        assert_eq!(required("note", "\na\nb\r\n", 10).unwrap(), "a\nb");
    }

    #[test]
    fn text_of_what_nobody_sees_is_empty() {
        for text in [
            "",
            " \n",
            "\u{200b}",
            "\u{2060} \u{a0}",
            "\u{ad}",
            "\u{fe0f}\u{200d}",
            "\u{3164}",
            "\u{2800}\u{115f}\u{1160}",
            "\u{ffa0}",
        ] {
            let told = required("body", text, 10).map_err(|error| error.to_string());
            assert_eq!(told, Err("body must not be empty".to_owned()), "{text:?}");
            assert_eq!(optional("body", Some(text), 10).unwrap(), None, "{text:?}");
            assert_eq!((clip(Some(text), 10), named_if_given("name", Some(text), 10).unwrap()), (None, None), "{text:?}");
        }
        assert_eq!(trimmed_line(" \t\u{a0}a b\n "), "a b\n");
        for text in ["a\u{200b}", "\u{2764}\u{fe0f}", "."] {
            assert_eq!(required("body", text, 10).unwrap(), text);
        }
    }
}
