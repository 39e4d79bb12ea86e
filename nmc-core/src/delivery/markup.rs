//! Texts of people's as subjects and pages of HTML may have them.

use std::iter::once;

/// The longest name in a mail, in characters.
const LONGEST_NAME: usize = 120;

/// The text in one line: names may hold breaks, and headers may not. What is not seen, or turns the order of what is, is left out.
pub(crate) fn one_line(text: &str) -> String {
    let seen = text.replace(is_unseen, "");
    let spaced = seen.replace(|c: char| c.is_control() || matches!(c, '\u{2028}' | '\u{2029}'), " ");
    spaced.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// A name that somebody has typed, as mails have it: one line, not too long, and nothing that a reader's program makes a link of.
pub(crate) fn named(text: &str) -> String {
    without_links(&one_line(text)).chars().take(LONGEST_NAME).collect::<String>().trim_end().to_owned()
}

/// The text with a space in each address of a page or a mailbox, so that programs that show mails make no link of it: whoever gets the
/// mail trusts its sender, and not whoever typed this.
pub(crate) fn without_links(text: &str) -> String {
    let next = text.chars().skip(1).map(Some).chain(once(None));
    let after = text.chars().skip(2).map(Some).chain([None, None]);
    let mut apart = String::with_capacity(text.len());
    let mut before = None;
    for ((c, next), after) in text.chars().zip(next).zip(after) {
        apart.push(c);
        let is_letter = |c: Option<char>| c.is_some_and(char::is_alphabetic);
        let is_word = |c: Option<char>| c.is_some_and(char::is_alphanumeric);
        // Of `J.R. Smith` no program makes a link: what follows the point of an address has two letters at least.
        let is_of_host = is_dot(c) && is_word(before) && is_letter(next) && is_word(after);
        let is_of_scheme = c == ':' && next == Some('/') && after == Some('/');
        let is_of_mailbox = c == '@' && is_word(next);
        if is_of_host || is_of_scheme || is_of_mailbox {
            apart.push(' ');
        }
        before = Some(c);
    }
    apart
}

/// What host names are parted by, as readers' programs take it.
const fn is_dot(c: char) -> bool {
    matches!(c, '.' | '\u{3002}' | '\u{ff0e}' | '\u{ff61}')
}

/// Whether a character shows as nothing, or changes how others are shown: formats, marks of direction, joiners, tags.
const fn is_unseen(c: char) -> bool {
    matches!(c,
        '\u{ad}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{180b}'..='\u{180f}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}' | '\u{3164}' | '\u{feff}' | '\u{ffa0}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e0fff}')
}

/// The text as HTML shows it.
pub(crate) fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            c => escaped.push(c),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn name_makes_no_link_and_hides_nothing() {
        let cases = [
            ("Joe's Plumbing, Inc.", "Joe's Plumbing, Inc."),
            ("J.R. Smith & Sons 2.0", "J.R. Smith & Sons 2.0"),
            ("https://evil.example.com/x", "https: //evil. example. com/x"),
            ("www.evil\u{3002}com", "www. evil\u{3002} com"),
            ("pay joe@evil.com", "pay joe@ evil. com"),
            ("\u{202e}moc.live\u{202c} \u{200b}Joe\u{ad}", "moc. live Joe"),
            (" Joe\r\nBcc: eve\u{2028}x\u{0}y ", "Joe Bcc: eve x y"),
        ];
        for (typed, told) in cases {
            assert_eq!(named(typed), told, "{typed:?}");
        }
        assert_eq!(named(&"xy ".repeat(100)).chars().count(), 119, "and no space ends it");
    }
}
