//! Is the live schema the one this program was built for?

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

pub(super) fn differences(conn: &mut PgConnection) -> QueryResult<Vec<Difference>> {
    let live: BTreeSet<String> = describe(conn)?.into_iter().collect();
    let expected: BTreeSet<String> = EXPECTED.lines().map(str::to_owned).collect();
    let missing = expected.difference(&live).cloned().map(Difference::Missing);
    let unexpected = live.difference(&expected).cloned().map(Difference::Unexpected);
    Ok(missing.chain(unexpected).collect())
}

/// The live schema, a line each. A fixed search_path, so that names come out the same for every login.
pub(super) fn describe(conn: &mut PgConnection) -> QueryResult<Vec<String>> {
    #[derive(QueryableByName)]
    struct Line {
        #[diesel(sql_type = Text)]
        line: String,
    }
    let lines: Vec<Line> = diesel::sql_query(include_str!("catalogue.sql")).load(conn)?;
    Ok(lines.into_iter().map(|row| row.line.replace('\n', " ")).collect())
}
