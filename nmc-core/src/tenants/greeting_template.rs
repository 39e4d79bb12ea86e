//! The template of a greeting: its placeholders, and the one check of it.

use crate::{Error, Result};

const FIELD: &str = "greeting_template";

/// The placeholders that stand in a template for what differs from text to text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Placeholder {
    BusinessName,
    Hours,
    NextOpening,
}

impl Placeholder {
    const ALL: [Self; 3] = [Self::BusinessName, Self::Hours, Self::NextOpening];

    const fn as_str(self) -> &'static str {
        match self {
            Self::BusinessName => "{{business_name}}",
            Self::Hours => "{{hours}}",
            Self::NextOpening => "{{next_opening}}",
        }
    }
}

/// A part of a template.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Piece<'a> {
    /// The template's own words.
    Text(&'a str),
    Filled(Placeholder),
}

/// A template's parts, in order. What a placeholder is filled with is not read again.
pub(super) fn pieces(template: &str) -> impl Iterator<Item = Piece<'_>> {
    let mut rest = template;
    std::iter::from_fn(move || {
        let found = Placeholder::ALL.into_iter().filter_map(|one| Some((rest.find(one.as_str())?, one)));
        let (text, after) = match found.min_by_key(|(at, _)| *at) {
            Some((0, one)) => {
                rest = rest.strip_prefix(one.as_str()).unwrap_or_default();
                return Some(Piece::Filled(one));
            }
            Some((at, _)) => rest.split_at(at),
            None => (rest, ""),
        };
        rest = after;
        (!text.is_empty()).then_some(Piece::Text(text))
    })
}

/// A template that may be saved, trimmed: 10 to 500 characters with `{{business_name}}` in it and no placeholder that is not
/// known, since a customer must never be sent braces.
///
/// # Errors
/// [`Error::Invalid`] of `greeting_template`.
pub(super) fn checked_template(text: &str) -> Result<&str> {
    let text = text.trim();
    let refused = |rule: &'static str| Err(Error::invalid(FIELD, rule));
    if text.contains(|c: char| c.is_control() && !matches!(c, '\n' | '\r' | '\t')) {
        return refused("must not contain control characters");
    }
    if !(10..=500).contains(&text.chars().count()) {
        return refused("must be 10 to 500 characters long");
    }
    // Before the name is missed: a misspelt placeholder is what is wrong then.
    for piece in pieces(text) {
        let Piece::Text(own) = piece else { continue };
        if own.contains(['{', '}']) {
            return match unknown_placeholder(own) {
                Some(name) => {
                    let known = "the placeholders are {{business_name}}, {{hours}} and {{next_opening}}";
                    Err(Error::invalid(FIELD, format!("must not contain {name}: {known}")))
                }
                None => refused("must not contain braces other than those of its placeholders"),
            };
        }
    }
    if !pieces(text).any(|piece| piece == Piece::Filled(Placeholder::BusinessName)) {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_template_names_the_business_and_nothing_else() {
        let cases = [
            (" {{business_name}} ", None),
            ("Hi, {{business_name}} and {{business_name}}!", None),
            ("{{business_name}}: {{hours}}, {{next_opening}}", None),
            ("We open {{next_opening}}", Some("must contain {{business_name}}")),
            ("Hello, hello!", Some("must contain {{business_name}}")),
            ("", Some("must be 10 to 500 characters long")),
            ("  123456789  ", Some("must be 10 to 500 characters long")),
            ("{{business_name}},\r\n\tgood day", None),
            ("Hello,\0hello!", Some("must not contain control characters")),
            ("{{business_name}}\u{1b}[31m", Some("must not contain control characters")),
            ("{{business_name}}\u{85}good day", Some("must not contain control characters")),
            (
                "Hi, {{buisness_name}} here",
                Some(
                    "must not contain {{buisness_name}}: the placeholders are {{business_name}}, {{hours}} and {{next_opening}}",
                ),
            ),
            (
                "{{business_name}} for {{ name }}",
                Some("must not contain {{ name }}: the placeholders are {{business_name}}, {{hours}} and {{next_opening}}"),
            ),
            (
                "{{ business_name }} calling",
                Some(
                    "must not contain {{ business_name }}: the placeholders are {{business_name}}, {{hours}} and {{next_opening}}",
                ),
            ),
            (
                "{{BUSINESS_NAME}} calling",
                Some(
                    "must not contain {{BUSINESS_NAME}}: the placeholders are {{business_name}}, {{hours}} and {{next_opening}}",
                ),
            ),
            (
                "{{business_name}} {{}}",
                Some("must not contain {{}}: the placeholders are {{business_name}}, {{hours}} and {{next_opening}}"),
            ),
            ("{{business_name}} {name}", Some("must not contain braces other than those of its placeholders")),
            ("{{{business_name}}}", Some("must not contain braces other than those of its placeholders")),
            ("{{business_name}} {{", Some("must not contain braces other than those of its placeholders")),
            ("{{business_name}} {{<b>}}", Some("must not contain braces other than those of its placeholders")),
        ];
        for (template, refused) in cases {
            let came = checked_template(template).map_err(|error| error.to_string());
            let expected = refused.map_or(Ok(template.trim()), |rule| Err(format!("greeting_template {rule}")));
            assert_eq!(came, expected, "{template:?}");
        }
        let placeholder = Placeholder::BusinessName.as_str();
        let name = placeholder.len();
        for (rest, passes) in [(500 - name, true), (501 - name, false)] {
            assert_eq!(checked_template(&format!("{placeholder}{}", "ü".repeat(rest))).is_ok(), passes, "{rest}");
        }
    }
}
