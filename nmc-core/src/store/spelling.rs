//! One spelling for definitions that mean the same: the server spells an expression anew when it reads its own spelling again,
//! as it does when a dump is restored.

use super::sql_text::{Kind, Token, tokens};

/// `definition` without what says nothing: casts of text to text, and parentheses around one word or around parentheses.
///
/// `((a)::text = ANY ((ARRAY['b'::character varying])::text[]))` and, after a restore,
/// `((a)::text = ANY (ARRAY[('b'::character varying)::text]))` are both `(a = ANY (ARRAY['b']))`.
pub(super) fn normal(definition: &str) -> String {
    let mut tokens = without_text_casts(&tokens(definition));
    while let Some(fewer) = without_a_pair(&tokens) {
        tokens = fewer;
    }
    tokens.iter().map(|token| if token.kind == Kind::Blank { " " } else { token.text }).collect()
}

fn without_text_casts<'a>(tokens: &[Token<'a>]) -> Vec<Token<'a>> {
    let mut kept = Vec::new();
    let mut rest = tokens;
    while let Some((first, after)) = rest.split_first() {
        match text_type(after).filter(|_| first.text == "::") {
            Some(after_type) => rest = after_type,
            None => {
                kept.push(*first);
                rest = after;
            }
        }
    }
    kept
}

/// What follows `text`, `character varying` or an array of those; none if something else stands there. A type with a length
/// is something else: its cast cuts.
fn text_type<'t, 'a>(tokens: &'t [Token<'a>]) -> Option<&'t [Token<'a>]> {
    let mut rest = match tokens {
        [name, rest @ ..] if name.is("text") => rest,
        [first, _, second, rest @ ..] if first.is("character") && second.is("varying") => rest,
        _ => return None,
    };
    if let [open, close, after @ ..] = rest
        && open.text == "["
        && close.text == "]"
    {
        rest = after;
    }
    if rest.first().is_some_and(|next| next.text == "(") { None } else { Some(rest) }
}

/// The tokens without the first pair of parentheses that says nothing, if there is one.
fn without_a_pair<'a>(tokens: &[Token<'a>]) -> Option<Vec<Token<'a>>> {
    let opening = tokens.iter().enumerate().filter(|(_, token)| token.text == "(");
    for (open, _) in opening {
        let close = closing(tokens, open)?;
        let inside = tokens.get(open + 1..close)?;
        let before = tokens.get(..open)?.iter().rfind(|token| token.kind != Kind::Blank);
        // After a word they are those of a function, of a list or of a keyword.
        let is_free = before.is_some_and(|token| token.kind == Kind::Mark && token.text != ")");
        let is_word = matches!(inside, [word] if matches!(word.kind, Kind::Word | Kind::Quoted | Kind::Literal));
        let is_double = inside.first().is_some_and(|token| token.text == "(") && closing(tokens, open + 1) == Some(close - 1);
        if is_double || (is_word && is_free) {
            let kept = tokens.iter().enumerate().filter(|(at, _)| *at != open && *at != close);
            return Some(kept.map(|(_, token)| *token).collect());
        }
    }
    None
}

/// The place where the parenthesis closes that opens at `open`.
fn closing(tokens: &[Token<'_>], open: usize) -> Option<usize> {
    let mut depth = 0_usize;
    for (at, token) in tokens.iter().enumerate().skip(open) {
        match token.text {
            "(" => depth += 1,
            ")" if depth == 1 => return Some(at),
            ")" => depth = depth.checked_sub(1)?,
            _ => {}
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::normal;

    #[test]
    fn definition_and_its_restored_form_are_spelled_alike() {
        for (made, restored, normalized) in [
            (
                "CHECK (((status)::text = ANY ((ARRAY['a'::character varying, 'b'::character varying])::text[])))",
                "CHECK (((status)::text = ANY (ARRAY[('a'::character varying)::text, ('b'::character varying)::text])))",
                "CHECK (status = ANY (ARRAY['a', 'b']))",
            ),
            (
                "btree (tenant_id) WHERE ((kind)::text <> ALL ((ARRAY['a'::character varying])::text[]))",
                "btree (tenant_id) WHERE ((kind)::text <> ALL (ARRAY[('a'::character varying)::text]))",
                "btree (tenant_id) WHERE (kind <> ALL (ARRAY['a']))",
            ),
            ("CHECK (((email)::text = lower((email)::text)))", "CHECK ((email = lower(email)))", "CHECK (email = lower(email))"),
        ] {
            assert_eq!(normal(made), normalized);
            assert_eq!(normal(restored), normalized);
            assert_eq!(normal(normalized), normalized);
        }
    }

    #[test]
    fn definitions_that_mean_different_things_stay_different() {
        for (one, other) in [
            ("CHECK ((a = 'x'::text))", "CHECK ((a = 'y'::text))"),
            ("CHECK ((a = ANY (ARRAY['x', 'y'])))", "CHECK ((a = ANY (ARRAY['x'])))"),
            ("CHECK ((a = ANY (ARRAY['x'])))", "CHECK ((a <> ALL (ARRAY['x'])))"),
            ("CHECK (((a OR b) AND c))", "CHECK ((a OR (b AND c)))"),
            ("CHECK ((a)::character varying(3) = 'x')", "CHECK (a = 'x')"),
            ("CHECK ((a)::integer = 1)", "CHECK (a = 1)"),
            ("DEFAULT '(a)'::text", "DEFAULT 'a'::text"),
            ("FOREIGN KEY (a) REFERENCES b(c)", "FOREIGN KEY (a) REFERENCES b(d)"),
        ] {
            assert_ne!(normal(one), normal(other));
        }
    }
}
