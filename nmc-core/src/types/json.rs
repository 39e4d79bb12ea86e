//! Bounds of JSON documents.

use crate::{Error, Result};
use serde_json::Value;

/// The longest document a column takes, as text, in bytes. Reports have a bound of their own.
pub(crate) const DOCUMENT: usize = 64 * 1024;

/// The deepest. What nests deeper than 128 could be written and never be read again.
const DEPTH: usize = 64;

/// Checks a document that must be an object.
///
/// # Errors
/// [`Error::Invalid`] of `field` when it is not, is longer than [`DOCUMENT`], or holds NUL, which PostgreSQL can't keep.
pub(crate) fn object(field: &'static str, value: &Value) -> Result<()> {
    if !value.is_object() {
        return Err(Error::invalid(field, "must be an object"));
    }
    document(field, value, DOCUMENT)
}

/// Checks a document of any shape, of at most `max` bytes as text.
///
/// # Errors
/// As [`object`].
pub(crate) fn document(field: &'static str, value: &Value, max: usize) -> Result<()> {
    look_through(field, value, DEPTH)?;
    let mut room = Room(max);
    serde_json::to_writer(&mut room, value).map_err(|_| Error::invalid(field, format!("must be at most {max} bytes of JSON")))
}

fn look_through(field: &'static str, value: &Value, depth: usize) -> Result<()> {
    let Some(deeper) = depth.checked_sub(1) else {
        return Err(Error::invalid(field, format!("must be nested at most {DEPTH} deep")));
    };
    let no_nul = |text: &str| if text.contains('\0') { Err(Error::invalid(field, "must not contain NUL")) } else { Ok(()) };
    match value {
        Value::String(text) => no_nul(text),
        Value::Array(items) => items.iter().try_for_each(|item| look_through(field, item, deeper)),
        Value::Object(fields) => fields.iter().try_for_each(|(key, value)| {
            no_nul(key)?;
            look_through(field, value, deeper)
        }),
        Value::Null | Value::Bool(_) | Value::Number(_) => Ok(()),
    }
}

/// Takes so many bytes, keeps none, and refuses the next.
struct Room(usize);

impl std::io::Write for Room {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0 = self.0.checked_sub(bytes.len()).ok_or(std::io::ErrorKind::StorageFull)?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}
