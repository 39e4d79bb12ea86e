//! Is the live schema the one this program was built for?

use super::{SchemaName, spelling};
use diesel::pg::PgConnection;
use diesel::prelude::*;
use diesel::sql_types::Text;
use std::collections::BTreeSet;

/// The schema after all migrations, as `catalogue.sql` tells it; a test proves it equal to a fresh database.
const EXPECTED: &str = include_str!("../../../migrations/expected_schema.txt");

/// One way in which the live schema is not the expected one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Difference {
    /// Expected, and not there.
    Missing(String),
    /// There, and not expected.
    Unexpected(String),
    /// A migration was applied from another SQL than this program has.
    Altered(String),
}

impl std::fmt::Display for Difference {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Missing(line) => write!(f, "missing: {line}"),
            Self::Unexpected(line) => write!(f, "unexpected: {line}"),
            Self::Altered(name) => write!(f, "altered: the migration {name} was applied from another SQL than this nmc has"),
        }
    }
}

impl Difference {
    /// Whether this is something more than expected, of one of these names: an object on a table, or the role of a grant.
    pub(super) fn is_about(&self, names: &[String]) -> bool {
        let Self::Unexpected(line) = self else { return false };
        let mut words = line.split(' ');
        let (kind, object) = (words.next(), words.next());
        let role = words.nth(1).filter(|_| kind == Some("grant")).map(|role| role.trim_end_matches(':'));
        names.iter().any(|name| object.filter(|object| object.contains('.')) == Some(name) || role == Some(name))
    }
}

/// The differences of the live schema from the expected one. Tables that are not ours are left out, with all that belongs to
/// them.
pub(super) fn differences(conn: &mut PgConnection, schema: &SchemaName) -> QueryResult<Vec<Difference>> {
    let expected: BTreeSet<&str> = EXPECTED.lines().collect();
    let tables: BTreeSet<&str> =
        expected.iter().filter(|line| line.starts_with("table ")).filter_map(|line| subject(line)).collect();
    let live = describe(conn, schema)?;
    let live: BTreeSet<&str> = live.iter().map(String::as_str).filter(|line| is_ours(line, &tables)).collect();
    let missing = expected.difference(&live).map(|line| Difference::Missing((*line).to_owned()));
    let unexpected = live.difference(&expected).map(|line| Difference::Unexpected((*line).to_owned()));
    Ok(missing.chain(unexpected).collect())
}

/// Functions and roles count as ours by their name, and the schema's rights are told of our roles alone.
fn is_ours(line: &str, tables: &BTreeSet<&str>) -> bool {
    ["function", "execute ", "schema ", "role "].iter().any(|kind| line.starts_with(kind))
        || subject(line).is_some_and(|table| tables.contains(table))
}

/// The table that a line is about.
fn subject(line: &str) -> Option<&str> {
    line.split_whitespace().nth(1)?.split('.').next()
}

/// The live schema, a line each, in one spelling for all versions of the server.
pub(super) fn describe(conn: &mut PgConnection, schema: &SchemaName) -> QueryResult<Vec<String>> {
    #[derive(QueryableByName)]
    struct Line {
        #[diesel(sql_type = Text)]
        line: String,
    }
    let lines: Vec<Line> = diesel::sql_query(schema.place(include_str!("catalogue.sql"))).load(conn)?;
    let mut lines: Vec<String> = lines.into_iter().map(|row| spelled(&row.line)).collect();
    lines.sort_unstable();
    Ok(lines)
}

fn spelled(line: &str) -> String {
    let has_expression = ["column ", "constraint ", "index ", "policy ", "trigger "].iter().any(|kind| line.starts_with(kind));
    if has_expression { spelling::normal(line) } else { line.replace('\n', " ") }
}
