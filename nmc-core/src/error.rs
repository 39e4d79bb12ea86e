//! The one error of the library. It tells a person what to do; SQL, secrets and other tenants stay out of it.

use crate::constraint::{self, Breach, Constraint};
use diesel::result::{DatabaseErrorKind, Error as DieselError};
use std::borrow::Cow;

mod kind;
mod loss;
mod provider;
mod words;

pub use kind::ErrorKind;
pub(crate) use loss::Loss;
pub use provider::ProviderError;

/// The result that the library's calls return.
pub type Result<T, E = Error> = std::result::Result<T, E>;

type Source = Box<dyn std::error::Error + Send + Sync>;

/// The reason why a call of the library failed. Displaying it is safe anywhere; `source()` is for logs alone.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// No such row, or a row of another tenant, which looks the same.
    #[error("{entity} not found")]
    NotFound {
        /// The kind of thing that was looked for.
        entity: &'static str,
    },
    /// Another row stands in the way.
    #[error("{field} {rule}")]
    #[non_exhaustive]
    Conflict {
        /// The field at fault.
        field: &'static str,
        /// The rule it breaks, in words that follow the field's name.
        rule: &'static str,
        /// The name of the constraint that was broken, where the database refused: see [`Error::constraint`].
        constraint: Option<Cow<'static, str>>,
    },
    /// The input breaks a rule.
    #[error("{}{field} {rule}", in_row(*row, field))]
    #[non_exhaustive]
    Invalid {
        /// The field at fault.
        field: Cow<'static, str>,
        /// The rule it breaks, in words that follow the field's name.
        rule: Cow<'static, str>,
        /// The row at fault where many rows were given at once, counted from 0.
        row: Option<usize>,
        /// The kind of row that the field points at, where that is not there.
        refers_to: Option<&'static str>,
        /// The name of the constraint that was broken, where it has one: see [`Error::constraint`].
        constraint: Option<Cow<'static, str>>,
    },
    /// The row is not the version the change was made for: somebody else has changed it.
    #[error("{entity} has changed meanwhile; read it again")]
    Stale {
        /// The kind of row that was to be changed.
        entity: &'static str,
    },
    /// A lifecycle has no such step.
    #[error("{entity} {}", no_step(from, to))]
    InvalidTransition {
        /// The kind of row that was to be moved.
        entity: &'static str,
        /// The status where it is.
        from: &'static str,
        /// The status where it was to go.
        to: &'static str,
    },
    /// The caller is nobody who is known: no credential, or not one that is in force.
    #[error("{0}")]
    Unauthenticated(&'static str),
    /// The caller is known, and may not do this.
    #[error("{0}")]
    Forbidden(&'static str),
    /// The business waits for an operator's approval: until then it may set everything up, and spend nothing.
    #[error("the business waits for the approval of whoever operates the platform: until then it {0}")]
    AwaitingApproval(&'static str),
    /// The provider of phone numbers says no, and would say so again.
    #[error("{0}")]
    Provider(ProviderError),
    /// Try again later: the fault is neither the input's nor the code's.
    #[error("{what}; try again in a moment")]
    #[non_exhaustive]
    Unavailable {
        /// The thing that can't be had.
        what: &'static str,
        /// Whether transactions got in each other's way. The store has already retried these.
        contention: bool,
        /// Whether the database is there, and takes no writes (any more).
        read_only: bool,
        /// Whether the database ended a statement for its time, or for that of the lock that it waited for: less at a time may go.
        timeout: bool,
        /// The cause, for the log.
        source: Option<Source>,
    },
    /// A defect, or a database that is not what it should be.
    #[error("internal error")]
    Internal(#[source] Source),
}

impl Error {
    /// News of a call that was deleted for good.
    pub(crate) const DELETED_CALL: Self = Self::NotFound { entity: "deleted call" };

    /// News of a text that was deleted for good.
    pub(crate) const DELETED_TEXT: Self = Self::NotFound { entity: "deleted text" };

    /// Whether it is news of a call or text that was deleted for good: it is passed over, and nothing is wrong.
    #[must_use]
    pub fn is_of_deleted(&self) -> bool {
        let deleted = [&Self::DELETED_CALL, &Self::DELETED_TEXT];
        matches!(self, Self::NotFound { entity } if deleted.iter().any(|one| matches!(one, Self::NotFound { entity: other } if entity == other)))
    }

    /// An error for an input that breaks a rule.
    pub fn invalid(field: impl Into<Cow<'static, str>>, rule: impl Into<Cow<'static, str>>) -> Self {
        Self::Invalid { field: field.into(), rule: rule.into(), row: None, refers_to: None, constraint: None }
    }

    /// An error for another row that stands in the way: the field at fault, and the rule in words that follow its name.
    #[must_use]
    pub const fn conflict(field: &'static str, rule: &'static str) -> Self {
        Self::Conflict { field, rule, constraint: None }
    }

    /// A field that points at a row that is not there, or is somebody else's.
    pub(crate) fn missing(field: &'static str, refers_to: &'static str) -> Self {
        let rule = format!("must be an existing {refers_to}").into();
        Self::Invalid { field: field.into(), rule, row: None, refers_to: Some(refers_to), constraint: None }
    }

    /// An error for something that can't be had at the moment, for no deeper reason than that.
    #[must_use]
    pub const fn try_later(what: &'static str) -> Self {
        Self::Unavailable { what, contention: false, read_only: false, timeout: false, source: None }
    }

    /// The same error for somebody who knows fields by other names: pairs of the library's name and theirs.
    #[must_use]
    pub fn renamed(mut self, names: &[(&str, &'static str)]) -> Self {
        let theirs = |field: &str| names.iter().find(|(ours, _)| *ours == field).map(|(_, theirs)| *theirs);
        match &mut self {
            Self::Invalid { field, .. } => {
                if let Some(name) = theirs(field) {
                    *field = Cow::Borrowed(name);
                }
            }
            Self::Conflict { field, .. } => *field = theirs(field).unwrap_or(field),
            _ => {}
        }
        self
    }

    /// The name of the constraint or unique index that a [`Self::Conflict`] or [`Self::Invalid`] broke, where the database
    /// has one for the rule. Constraints of the embedding application's own tables are told by it alone.
    #[must_use]
    pub fn constraint(&self) -> Option<&str> {
        match self {
            Self::Conflict { constraint, .. } | Self::Invalid { constraint, .. } => constraint.as_deref(),
            _ => None,
        }
    }

    pub(crate) fn internal(source: impl Into<Source>) -> Self {
        Self::Internal(source.into())
    }

    pub(crate) fn unavailable(what: &'static str, source: impl Into<Source>) -> Self {
        Self::Unavailable { what, contention: false, read_only: false, timeout: false, source: Some(source.into()) }
    }

    /// The session takes no writes (any more).
    pub(crate) fn read_only(source: impl Into<Source>) -> Self {
        let what = "the database takes no changes now";
        Self::Unavailable { what, contention: false, read_only: true, timeout: false, source: Some(source.into()) }
    }

    pub(crate) const fn is_read_only(&self) -> bool {
        matches!(self, Self::Unavailable { read_only: true, .. })
    }

    pub(crate) const fn is_timeout(&self) -> bool {
        matches!(self, Self::Unavailable { timeout: true, .. })
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
        match Loss::of(&error) {
            Some(Loss::Contention) => return contention(error),
            Some(Loss::ReadOnly) => return Self::read_only(error),
            None => {}
        }
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
                None => match info.constraint_name().filter(|_| info.table_name().is_some_and(|table| !constraint::is_on(table)))
                {
                    Some(theirs) => from_their_constraint(theirs, kind, info.message()),
                    None => Self::internal(error),
                },
            },
            DatabaseErrorKind::NotNullViolation => match info.column_name() {
                Some(column) => Self::invalid(column.to_owned(), "is required"),
                None => Self::internal(error),
            },
            DatabaseErrorKind::ClosedConnection => Self::unavailable("the database can't be reached", error),
            _ => words::read(error),
        }
    }
}

fn from_constraint(broken: &'static Constraint, kind: &DatabaseErrorKind, message: &str) -> Error {
    let Constraint { name, breach, field, rule, refers_to } = *broken;
    let constraint = Some(Cow::Borrowed(name));
    // One foreign key has two ends: the row that points, and the row that is pointed at and was to go.
    let is_pointed_at = matches!(kind, DatabaseErrorKind::ForeignKeyViolation) && words::tells_of_the_row_pointed_at(message);
    match breach {
        _ if is_pointed_at => Error::Conflict { field: refers_to.unwrap_or(field), rule: "is still in use", constraint },
        Breach::Taken => Error::Conflict { field, rule, constraint },
        Breach::Invalid | Breach::Missing => broken.refusal(),
    }
}

/// A constraint of a table that is the embedding application's: what it means, only the application knows, by its name.
fn from_their_constraint(name: &str, kind: &DatabaseErrorKind, message: &str) -> Error {
    let constraint = Some(Cow::Owned(name.to_owned()));
    let conflict = |field, rule| Error::Conflict { field, rule, constraint: constraint.clone() };
    let invalid = |field, rule, refers_to| {
        let (field, rule) = (Cow::Borrowed(field), Cow::Borrowed(rule));
        Error::Invalid { field, rule, row: None, refers_to, constraint: constraint.clone() }
    };
    match kind {
        DatabaseErrorKind::UniqueViolation => conflict("a value", "is already taken"),
        DatabaseErrorKind::ForeignKeyViolation if words::tells_of_the_row_pointed_at(message) => {
            conflict("the row", "is still in use")
        }
        DatabaseErrorKind::ForeignKeyViolation => invalid("a reference", "must be an existing row", Some("row")),
        DatabaseErrorKind::ExclusionViolation => conflict("a value", "stands against another row's"),
        _ => invalid("a value", "breaks a rule of its table", None),
    }
}

/// The server names no field here. Inputs that are kept are bounded before, under their names; this is for filters.
fn out_of_range() -> Error {
    Error::invalid("a number or an instant", "is out of range")
}

fn contention(error: DieselError) -> Error {
    let what = "the database is busy with the same rows";
    Error::Unavailable { what, contention: true, read_only: false, timeout: false, source: Some(Box::new(error)) }
}

/// Why a lifecycle has no step from one status to another.
fn no_step(from: &str, to: &str) -> String {
    if from == to { format!("is {to} already") } else { format!("can't go from {from} to {to}") }
}

/// The place of a field: what is at fault as a whole, such as `the row`, is no field of it.
fn in_row(row: Option<usize>, field: &str) -> String {
    let parted = if field.contains(' ') { ": " } else { "." };
    row.map(|row| format!("rows[{row}]{parted}")).unwrap_or_default()
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
