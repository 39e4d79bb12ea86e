//! Bounds of JSON documents.

use crate::{Error, Result};
use serde::de::{DeserializeSeed, Deserializer, Error as _, MapAccess, SeqAccess, Visitor};
use serde_json::Value;
use std::cell::Cell;
use std::collections::HashSet;
use std::fmt;

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

/// Whether an object of this JSON has a name twice: of its values all but one would be lost.
pub(crate) fn has_doubled_name(text: &str) -> bool {
    let found = Cell::new(false);
    // What is no JSON is refused by whoever reads its values.
    drop(Names(&found).deserialize(&mut serde_json::Deserializer::from_str(text)));
    found.get()
}

/// A visitor of all that JSON holds, which says whether it found a name twice.
#[derive(Clone, Copy)]
struct Names<'a>(&'a Cell<bool>);

impl<'de> DeserializeSeed<'de> for Names<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> std::result::Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Names<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut fields: A) -> std::result::Result<(), A::Error> {
        let mut names = HashSet::new();
        while let Some(name) = fields.next_key::<String>()? {
            if !names.insert(name) {
                self.0.set(true);
                return Err(A::Error::custom("a name is there twice"));
            }
            fields.next_value_seed(self)?;
        }
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> std::result::Result<(), A::Error> {
        while items.next_element_seed(self)?.is_some() {}
        Ok(())
    }

    fn visit_bool<E>(self, _: bool) -> std::result::Result<(), E> {
        Ok(())
    }

    fn visit_i64<E>(self, _: i64) -> std::result::Result<(), E> {
        Ok(())
    }

    fn visit_u64<E>(self, _: u64) -> std::result::Result<(), E> {
        Ok(())
    }

    fn visit_f64<E>(self, _: f64) -> std::result::Result<(), E> {
        Ok(())
    }

    fn visit_str<E>(self, _: &str) -> std::result::Result<(), E> {
        Ok(())
    }

    fn visit_unit<E>(self) -> std::result::Result<(), E> {
        Ok(())
    }
}
