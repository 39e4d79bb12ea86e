//! SQL text cut into tokens: enough to find the names that a migration creates, and to compare two spellings of an expression.

/// The kind of a [`Token`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// Blanks and comments.
    Blank,
    /// A keyword, a name without quotes, or a number.
    Word,
    /// A name in double quotes.
    Quoted,
    /// A literal in single quotes.
    Literal,
    /// A literal between dollar signs, which is mostly the body of a function.
    Body,
    /// Anything else: one character, or the two of a cast.
    Mark,
}

/// A piece of SQL. The texts of all tokens, one after another, are the SQL again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Token<'a> {
    pub(super) kind: Kind,
    pub(super) text: &'a str,
}

impl Token<'_> {
    /// Whether it is this keyword, in upper or lower case.
    pub(super) fn is(&self, keyword: &str) -> bool {
        self.kind == Kind::Word && self.text.eq_ignore_ascii_case(keyword)
    }

    /// The name it stands for, as the catalogue has it.
    pub(super) fn name(&self) -> Option<String> {
        match self.kind {
            Kind::Word => Some(self.text.to_ascii_lowercase()),
            Kind::Quoted => Some(self.text.trim_matches('"').replace("\"\"", "\"")),
            _ => None,
        }
    }
}

/// All tokens of `sql`.
pub(super) fn tokens(sql: &str) -> Vec<Token<'_>> {
    let mut tokens = Vec::new();
    let mut rest = sql;
    while let Some(first) = rest.chars().next() {
        let (kind, length) = first_token(rest, first);
        let (text, after) = rest.split_at_checked(length).unwrap_or((rest, ""));
        tokens.push(Token { kind, text });
        rest = after;
    }
    tokens
}

/// The tokens that say something.
pub(super) fn words(sql: &str) -> Vec<Token<'_>> {
    tokens(sql).into_iter().filter(|token| token.kind != Kind::Blank).collect()
}

/// The kind of the first token of `sql`, and how many bytes it has (at least one).
fn first_token(sql: &str, first: char) -> (Kind, usize) {
    let until =
        |end: &str, from: usize| sql.get(from..).and_then(|rest| rest.find(end)).map_or(sql.len(), |at| from + at + end.len());
    let while_it = |is: fn(char) -> bool| sql.find(|next| !is(next)).unwrap_or(sql.len());
    match first {
        _ if first.is_whitespace() => (Kind::Blank, while_it(char::is_whitespace)),
        '-' if sql.starts_with("--") => (Kind::Blank, until("\n", 0)),
        '/' if sql.starts_with("/*") => (Kind::Blank, until("*/", 2)),
        '\'' => (Kind::Literal, quoted(sql, '\'')),
        '"' => (Kind::Quoted, quoted(sql, '"')),
        '$' => dollar_tag(sql).map_or((Kind::Mark, 1), |tag| (Kind::Body, until(tag, tag.len()))),
        ':' if sql.starts_with("::") => (Kind::Mark, 2),
        _ if is_of_a_word(first) => (Kind::Word, while_it(is_of_a_word)),
        _ => (Kind::Mark, first.len_utf8()),
    }
}

fn is_of_a_word(letter: char) -> bool {
    letter.is_alphanumeric() || letter == '_' || letter == '$'
}

/// The length of a text in quotes, in which a doubled quote stands for itself.
fn quoted(sql: &str, quote: char) -> usize {
    let mut letters = sql.char_indices().skip(1).peekable();
    while let Some((at, letter)) = letters.next() {
        if letter == quote && letters.next_if(|(_, next)| *next == quote).is_none() {
            return at + quote.len_utf8();
        }
    }
    sql.len()
}

/// `$$`, or `$word$`.
fn dollar_tag(sql: &str) -> Option<&str> {
    let inner = sql.get(1..)?;
    let end = inner.find('$')?;
    let word = inner.get(..end)?;
    let is_tag = word.chars().all(|letter| letter.is_alphanumeric() || letter == '_')
        && !word.starts_with(|letter: char| letter.is_ascii_digit());
    if is_tag { sql.get(..end + 2) } else { None }
}

#[cfg(test)]
mod tests {
    use super::{Kind, tokens, words};

    #[test]
    fn tokens_put_together_are_the_text_again() {
        for sql in [
            "",
            "SELECT 'it''s', \"a\"\"b\", $$x'y$$, $f$ $$ $f$, $1::text -- the end",
            "/* two\nlines */ é = 'ü' AND x::numeric(10,4) >= 0; -- 'not open",
            "'never closed",
            "$never closed",
            "\"",
        ] {
            assert_eq!(tokens(sql).iter().map(|token| token.text).collect::<String>(), sql);
        }
    }

    #[test]
    fn quotes_bodies_and_comments_are_one_token_each() {
        let kinds = |sql: &str| words(sql).iter().map(|token| token.kind).collect::<Vec<_>>();
        assert_eq!(kinds("'a''b' \"c\"\"d\" $$e$$ -- f"), [Kind::Literal, Kind::Quoted, Kind::Body]);
        assert_eq!(kinds("$tag$ x $$ y $tag$ $1"), [Kind::Body, Kind::Mark, Kind::Word]);
        assert_eq!(words("\"Ab\"\"c\"").first().and_then(super::Token::name).as_deref(), Some("Ab\"c"));
        assert_eq!(words("CREATE").first().and_then(super::Token::name).as_deref(), Some("create"));
    }
}
