//! What breaking each constraint of the schema means to a person. Total: a test lists the database's constraints and
//! unique indexes and fails on a name that is missing here.

mod list;

use crate::Error;
pub use list::CONSTRAINTS;

/// The meaning of a broken constraint to the caller.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Breach {
    /// Another row already has this value.
    Taken,
    /// The value breaks a rule of its field.
    Invalid,
    /// The row it points at does not exist, or belongs to someone else, which looks the same. A key breaks from its other end
    /// too, where a row is to go that others still point at: that is a conflict.
    Missing,
}

/// One constraint of the schema, as a person should hear of it.
#[derive(Debug, Clone, Copy)]
pub struct Constraint {
    /// The constraint's name in the database.
    pub name: &'static str,
    /// The meaning of a breach of the constraint.
    pub breach: Breach,
    /// The field at fault.
    pub field: &'static str,
    /// The rule, in words that follow the field's name.
    pub rule: &'static str,
    /// The entity that a foreign key points at.
    pub refers_to: Option<&'static str>,
}

impl Constraint {
    /// The refusal of a value of the field.
    pub(crate) fn refusal(&self) -> Error {
        let Self { name, field, rule, refers_to, .. } = *self;
        Error::Invalid { field: field.into(), rule: rule.into(), row: None, refers_to, constraint: Some(name.into()) }
    }
}

/// The constraint or unique index of that name.
#[must_use]
pub fn find(name: &str) -> Option<&'static Constraint> {
    let at = CONSTRAINTS.binary_search_by(|known| known.name.cmp(name)).ok()?;
    CONSTRAINTS.get(at)
}

/// Whether a table is one of the library's: each has a primary key, named after it.
pub(crate) fn is_on(table: &str) -> bool {
    find(&format!("{table}_pkey")).is_some()
}

/// The refusal of a rule that the database has under this name, said before it is asked: where a batch would hide the row.
pub(crate) fn refusal(name: &str) -> Error {
    find(name).map_or_else(|| Error::internal(format!("no constraint {name}")), Constraint::refusal)
}

#[cfg(test)]
mod tests;
