//! Bounds of JSON documents.

use crate::{Error, Result};
use serde_json::Value;

/// The longest document a column takes, as text, in bytes. Reports have a bound of their own.
pub(crate) const DOCUMENT: usize = 64 * 1024;

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
    if has_nul(value) {
        return Err(Error::invalid(field, "must not contain NUL"));
    }
    let mut room = Room(max);
    serde_json::to_writer(&mut room, value).map_err(|_| Error::invalid(field, format!("must be at most {max} bytes of JSON")))
}

fn has_nul(value: &Value) -> bool {
    match value {
        Value::String(text) => text.contains('\0'),
        Value::Array(items) => items.iter().any(has_nul),
        Value::Object(fields) => fields.iter().any(|(key, value)| key.contains('\0') || has_nul(value)),
        Value::Null | Value::Bool(_) | Value::Number(_) => false,
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
