//! The names that migrations create, and who else has them.

use super::MigrateError;
use super::texts::Texts;
use crate::store::sql_text::{Kind, Token, words};
use diesel::pg::PgConnection;
use diesel::prelude::*;
use diesel::sql_types::{Array, Text};
use std::collections::BTreeSet;

/// A name in the schema that nothing else may have.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Object {
    /// A table, an index, a view or a sequence, which share their names with one another and with types.
    Relation(String),
    /// A type or a domain.
    Type(String),
    /// A function.
    Function(String),
}

/// The names that this SQL creates.
pub(super) fn created(sql: &str) -> BTreeSet<Object> {
    let words = words(sql);
    let mut created = BTreeSet::new();
    let mut rest = words.as_slice();
    while let Some((first, after)) = rest.split_first() {
        if first.is("create") {
            created.extend(of_create(after));
        } else if first.is("constraint") {
            created.extend(of_constraint(after));
        } else if first.is("rename") && after.first().is_some_and(|next| next.is("to")) {
            created.extend(after.get(1).and_then(Token::name).map(Object::Relation));
        }
        rest = after;
    }
    created
}

/// The object that follows CREATE.
fn of_create(words: &[Token<'_>]) -> Option<Object> {
    const BEFORE: [&str; 6] = ["or", "replace", "unique", "unlogged", "materialized", "recursive"];
    let mut words = words.iter().skip_while(|word| BEFORE.iter().any(|before| word.is(before)));
    let what = words.next()?;
    let name = name_of(words)?;
    if ["table", "index", "view", "sequence"].iter().any(|kind| what.is(kind)) {
        Some(Object::Relation(name))
    } else if what.is("type") || what.is("domain") {
        Some(Object::Type(name))
    } else if what.is("function") || what.is("procedure") {
        Some(Object::Function(name))
    } else {
        None
    }
}

/// The object that follows CONSTRAINT: a key is an index of the same name.
fn of_constraint(words: &[Token<'_>]) -> Option<Object> {
    let (name, kind) = (words.first()?, words.get(1)?);
    let is_key = ["primary", "unique", "exclude"].iter().any(|key| kind.is(key));
    if is_key { name.name().map(Object::Relation) } else { None }
}

/// The name at the beginning, without its schema; none where the server makes one up (`CREATE INDEX ON x`).
fn name_of<'t>(words: impl Iterator<Item = &'t Token<'t>>) -> Option<String> {
    const BEFORE: [&str; 4] = ["concurrently", "if", "not", "exists"];
    let mut words = words.skip_while(|word| BEFORE.iter().any(|before| word.is(before)));
    let first = words.next().filter(|word| !word.is("on"))?;
    match words.next() {
        Some(Token { kind: Kind::Mark, text: "." }) => words.next()?.name(),
        _ => first.name(),
    }
}

/// Refuses to begin while names that the pending migrations create are somebody else's. What an applied migration has
/// created is ours.
pub(super) fn none_in_the_way(
    conn: &mut PgConnection,
    schema: &str,
    texts: &mut Texts,
    applied: impl Iterator<Item = &'static str>,
    pending: impl Iterator<Item = &'static str>,
) -> Result<(), MigrateError> {
    let applied: Vec<_> = applied.map(|sql| texts.created(sql)).collect();
    let pending: Vec<_> = pending.map(|sql| texts.created(sql)).collect();
    let ours: BTreeSet<&Object> = applied.iter().flat_map(|created| created.iter()).collect();
    let wanted: BTreeSet<&Object> =
        pending.iter().flat_map(|created| created.iter()).filter(|object| !ours.contains(object)).collect();
    let objects = existing(conn, schema, &wanted)?;
    if objects.is_empty() { Ok(()) } else { Err(MigrateError::InTheWay { schema: schema.to_owned(), objects }) }
}

/// The objects of `wanted` that are there, in words.
fn existing(conn: &mut PgConnection, schema: &str, wanted: &BTreeSet<&Object>) -> QueryResult<Vec<String>> {
    #[derive(QueryableByName)]
    struct Found {
        #[diesel(sql_type = Text)]
        object: String,
    }
    let mut relations = Vec::new();
    let mut types = Vec::new();
    let mut functions = Vec::new();
    for object in wanted {
        match object {
            Object::Relation(name) => {
                relations.push(name.as_str());
                types.push(name.as_str());
            }
            Object::Type(name) => types.push(name.as_str()),
            Object::Function(name) => functions.push(name.as_str()),
        }
    }
    let found: Vec<Found> = diesel::sql_query(include_str!("in_the_way.sql"))
        .bind::<Text, _>(schema)
        .bind::<Array<Text>, _>(relations)
        .bind::<Array<Text>, _>(types)
        .bind::<Array<Text>, _>(functions)
        .load(conn)?;
    Ok(found.into_iter().map(|row| row.object).collect())
}

#[cfg(test)]
mod tests {
    use super::{Object, created};

    #[test]
    fn created_names_are_found_in_every_form() {
        let sql = "CREATE TABLE public.calls (id UUID, CONSTRAINT calls_pkey PRIMARY KEY (id),
                       CONSTRAINT calls_sid_key UNIQUE (sid), CONSTRAINT calls_price_check CHECK (price >= 0));
                   CREATE UNIQUE INDEX CONCURRENTLY IF NOT EXISTS \"Odd\" ON calls (id); CREATE INDEX ON calls (price);
                   CREATE OR REPLACE FUNCTION public.nmc_f(x uuid) RETURNS void LANGUAGE sql AS $$ CREATE TABLE no (id int) $$;
                   CREATE MATERIALIZED VIEW seen AS SELECT 'CREATE TABLE no'; -- CREATE TABLE no
                   CREATE DOMAIN phone AS text; CREATE TRIGGER t BEFORE UPDATE ON calls; ALTER TABLE a RENAME TO b;
                   ALTER TABLE calls DROP CONSTRAINT gone, ADD CONSTRAINT calls_x_excl EXCLUDE (x WITH =);
                   CREATE POLICY p ON calls";
        let relations = ["Odd", "b", "calls", "calls_pkey", "calls_sid_key", "calls_x_excl", "seen"];
        let mut expected: Vec<Object> = relations.map(|name| Object::Relation(name.to_owned())).to_vec();
        expected.extend([Object::Type("phone".to_owned()), Object::Function("nmc_f".to_owned())]);
        assert_eq!(created(sql).into_iter().collect::<Vec<_>>(), expected);
    }
}
