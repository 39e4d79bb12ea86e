//! The schema in which everything of ours lives.

use crate::Error;
use std::borrow::Cow;

/// The name of a schema that needs no quotes: a small letter or underscore, then small letters, digits and underscores, 63 in all at
/// the most; none of PostgreSQL's own (`pg_…`, `information_schema`), nor a keyword.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SchemaName(Cow<'static, str>);

/// The schema that migrations are written for.
const PUBLIC: &str = "public";

/// Names of that form that PostgreSQL takes only in quotes, or not for a schema of ours.
const TAKEN: &str = " all analyse analyze and any array as asc asymmetric authorization binary both case cast check collate collation column \
    concurrently constraint create cross current_catalog current_date current_role current_schema current_time current_timestamp \
    current_user default deferrable desc distinct do else end except false fetch for foreign freeze from full grant group having \
    ilike in information_schema initially inner intersect into is isnull join lateral leading left like limit localtime \
    localtimestamp natural not notnull null offset on only or order outer overlaps placing primary references returning right \
    select session_user similar some symmetric system_user table tablesample then to trailing true union unique user using \
    variadic verbose when where window with ";

impl SchemaName {
    /// The name as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether it is `public`, which every new database has.
    pub(super) fn is_public(&self) -> bool {
        self.0 == PUBLIC
    }

    /// SQL of ours, which is written for `public`, for this schema. It names the schema in four ways and no other; a test reads all
    /// of it.
    pub(super) fn place<'a>(&self, sql: &'a str) -> Cow<'a, str> {
        if self.is_public() {
            return Cow::Borrowed(sql);
        }
        let name = &self.0;
        let placed = sql
            .replace("public.", &format!("{name}."))
            .replace("'public'::", &format!("'{name}'::"))
            .replace("nspname = 'public'", &format!("nspname = '{name}'"))
            .replace("SCHEMA public ", &format!("SCHEMA {name} "))
            .replace("= public, pg_temp", &format!("= {name}, pg_temp"));
        Cow::Owned(placed)
    }
}

impl Default for SchemaName {
    fn default() -> Self {
        Self(Cow::Borrowed(PUBLIC))
    }
}

impl std::fmt::Display for SchemaName {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(&self.0)
    }
}

impl std::str::FromStr for SchemaName {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let begins = text.starts_with(|c: char| c.is_ascii_lowercase() || c == '_');
        let is_plain = begins && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_');
        if !is_plain || text.len() > 63 {
            return Err(Error::invalid("schema", "must be 1 to 63 small letters, digits and underscores, like nevermisscall"));
        }
        if text.starts_with("pg_") || TAKEN.split_ascii_whitespace().any(|taken| taken == text) {
            return Err(Error::invalid("schema", "must not be a name that PostgreSQL keeps for itself"));
        }
        Ok(Self(Cow::Owned(text.to_owned())))
    }
}

#[cfg(test)]
mod tests {
    use super::SchemaName;
    use crate::store::Migrator;
    use crate::store::sql_text::{Kind, tokens};

    #[test]
    fn name_that_needs_quotes_is_refused() {
        for name in ["public", "nmc", "_a1", "nevermisscall"] {
            assert_eq!(name.parse::<SchemaName>().unwrap().as_str(), name);
        }
        let long = "a".repeat(64);
        for name in ["", "Nmc", "a-b", "a b", "a\"b", "a'b", "a;b", "1a", "pg_x", "user", "information_schema", "é", &long] {
            assert!(name.parse::<SchemaName>().is_err(), "{name:?}");
        }
    }

    /// Bodies of functions are SQL again; comments of the schema may say "public" as a word.
    fn names_public(sql: &str) -> bool {
        tokens(sql).iter().any(|token| match token.kind {
            Kind::Word | Kind::Quoted => token.text == "public",
            Kind::Literal => token.text == "'public'",
            Kind::Body => names_public(token.text.trim_matches('$')),
            Kind::Blank | Kind::Mark => false,
        })
    }

    #[test]
    fn no_migration_names_public_in_another_way() {
        let schema: SchemaName = "elsewhere".parse().unwrap();
        for migration in Migrator::all() {
            for sql in [migration.up, migration.down] {
                assert!(!names_public(&schema.place(sql)), "{}", migration.name);
                assert_eq!(SchemaName::default().place(sql), sql);
            }
        }
    }
}
