//! The one error of the library. It tells a person what to do; SQL, secrets and other tenants stay out of it.

use crate::constraint::{self, Breach};
use diesel::result::{DatabaseErrorKind, Error as DieselError};
use std::borrow::Cow;

mod provider;
mod words;

pub use provider::ProviderError;

/// What the library's calls return.
pub type Result<T, E = Error> = std::result::Result<T, E>;

type Source = Box<dyn std::error::Error + Send + Sync>;

const READ_ONLY: &str = "the database takes no changes now";

/// Why a call failed. Displaying it is safe anywhere; `source()` is for logs alone.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// No such row, or a row of another tenant, which looks the same.
    #[error("{entity} not found")]
    NotFound {
        /// What was looked for.
        entity: &'static str,
    },
    /// Another row stands in the way.
    #[error("{field} {rule}")]
    Conflict {
        /// The field at fault.
        field: &'static str,
        /// The rule it breaks, in words that follow the field's name.
        rule: &'static str,
    },
    /// The input breaks a rule.
    #[error("{field} {rule}")]
    Invalid {
        /// The field at fault.
        field: Cow<'static, str>,
        /// The rule it breaks, in words that follow the field's name.
        rule: Cow<'static, str>,
    },
    /// The row is not the version the change was made for: somebody else has changed it.
    #[error("{entity} has changed meanwhile; read it again")]
    Stale {
        /// What was to be changed.
        entity: &'static str,
    },
    /// A lifecycle has no such step.
    #[error("{entity} can't go from {from} to {to}")]
    InvalidTransition {
        /// What was to be moved.
        entity: &'static str,
        /// Where it is.
        from: &'static str,
        /// Where it was to go.
        to: &'static str,
    },
    /// Nobody who is known: no credential, or not one that is in force.
    #[error("{0}")]
    Unauthenticated(&'static str),
    /// Not allowed.
    #[error("{0}")]
    Forbidden(&'static str),
    /// The business waits for an operator's approval: until then it may set everything up, and spend nothing.
    #[error("the business waits for the approval of whoever operates the platform (nmc tenant approve): until then it {0}")]
    AwaitingApproval(&'static str),
    /// The provider of phone numbers says no, and would say so again.
    #[error("{0}")]
    Provider(ProviderError),
    /// Try again later: the fault is neither the input's nor the code's.
    #[error("{what}; try again in a moment")]
    Unavailable {
        /// What can't be had.
        what: &'static str,
        /// Whether transactions got in each other's way. The store has already retried these.
        contention: bool,
        /// For the log.
        source: Option<Source>,
    },
    /// A defect, or a database that is not what it should be.
    #[error("internal error")]
    Internal(#[source] Source),
}

impl Error {
    /// An input that breaks a rule.
    pub fn invalid(field: impl Into<Cow<'static, str>>, rule: impl Into<Cow<'static, str>>) -> Self {
        Self::Invalid { field: field.into(), rule: rule.into() }
    }

    pub(crate) fn internal(source: impl Into<Source>) -> Self {
        Self::Internal(source.into())
    }

    pub(crate) fn unavailable(what: &'static str, source: impl Into<Source>) -> Self {
        Self::Unavailable { what, contention: false, source: Some(source.into()) }
    }

    /// The session takes no writes (any more).
    pub(crate) fn read_only(source: impl Into<Source>) -> Self {
        Self::unavailable(READ_ONLY, source)
    }

    /// Whether this is [`Self::read_only`].
    pub(crate) fn is_read_only(&self) -> bool {
        matches!(self, Self::Unavailable { what, .. } if *what == READ_ONLY)
    }

    pub(crate) const fn is_contention(&self) -> bool {
        matches!(self, Self::Unavailable { contention: true, .. })
    }

    /// The causes behind this error, outermost first, for a log. Never holds bound values.
    #[must_use]
    pub fn causes(&self) -> String {
        let mut text = self.to_string();
        let mut cause = std::error::Error::source(self);
        while let Some(error) = cause {
            text.push_str(": ");
            text.push_str(&error.to_string());
            cause = error.source();
        }
        text
    }
}

/// A missing row of `find`-like queries is the caller's to name, so `NotFound` of Diesel is a defect here: use
/// `.optional()` or `found`.
impl From<DieselError> for Error {
    fn from(error: DieselError) -> Self {
        let (kind, info) = match &error {
            DieselError::DatabaseError(kind, info) => (kind, info),
            // What a value can't be written for: an instant that PostgreSQL's years don't reach.
            DieselError::SerializationError(_) => return out_of_range(),
            _ => return Self::internal(error),
        };
        match kind {
            DatabaseErrorKind::UniqueViolation
            | DatabaseErrorKind::ForeignKeyViolation
            | DatabaseErrorKind::CheckViolation
            | DatabaseErrorKind::ExclusionViolation => match info.constraint_name().and_then(constraint::find) {
                Some(broken) => from_constraint(broken, kind, info.message()),
                None => Self::internal(error),
            },
            DatabaseErrorKind::NotNullViolation => match info.column_name() {
                Some(column) => Self::invalid(column.to_owned(), "is required"),
                None => Self::internal(error),
            },
            DatabaseErrorKind::SerializationFailure => contention(error),
            DatabaseErrorKind::ClosedConnection => Self::unavailable("the database can't be reached", error),
            DatabaseErrorKind::ReadOnlyTransaction => Self::read_only(error),
            _ => words::read(error),
        }
    }
}

fn from_constraint(broken: &'static constraint::Constraint, kind: &DatabaseErrorKind, message: &str) -> Error {
    let constraint::Constraint { breach, field, rule, .. } = *broken;
    // One foreign key has two ends: the row that points, and the row that is pointed at and was to go.
    let breach = if matches!(kind, DatabaseErrorKind::ForeignKeyViolation) && message.starts_with("update or delete") {
        Breach::InUse
    } else {
        breach
    };
    match breach {
        Breach::Taken => Error::Conflict { field, rule },
        // The rule of the key names what it points at: the row that was to go.
        Breach::InUse => {
            Error::Conflict { field: rule.strip_prefix("must be an existing ").unwrap_or(field), rule: "is still in use" }
        }
        Breach::Invalid | Breach::Missing => Error::invalid(field, rule),
    }
}

/// The server names no field here. Inputs that are kept are bounded before, under their names; this is for filters.
fn out_of_range() -> Error {
    Error::invalid("a number or an instant", "is out of range")
}

fn contention(error: DieselError) -> Error {
    Error::Unavailable { what: "the database is busy with the same rows", contention: true, source: Some(Box::new(error)) }
}

/// Turns "no row" into [`Error::NotFound`] of `entity`.
pub(crate) fn found<T>(row: Option<T>, entity: &'static str) -> Result<T> {
    row.ok_or(Error::NotFound { entity })
}

/// Insists that a write touched exactly one row; none means it is not there (or not ours).
pub(crate) fn touched_one(rows: usize, entity: &'static str) -> Result<()> {
    match rows {
        1 => Ok(()),
        0 => Err(Error::NotFound { entity }),
        many => Err(Error::internal(format!("a write to one {entity} touched {many} rows"))),
    }
}
