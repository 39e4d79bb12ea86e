//! The three things a change can mean for a field.

/// The change of a field: keep it, clear it (set it to NULL), or set it. Serialized: `"keep"`, `"clear"` or `{"set": value}`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "snake_case"))]
pub enum Patch<T> {
    /// Leave it as it is.
    #[default]
    Keep,
    /// Make it NULL.
    Clear,
    /// Give it this value.
    Set(T),
}

impl<T> Patch<T> {
    /// The shape Diesel takes for a nullable column: `None` leaves it out of the UPDATE, `Some(None)` writes NULL.
    #[must_use]
    pub fn into_change(self) -> Option<Option<T>> {
        match self {
            Self::Keep => None,
            Self::Clear => Some(None),
            Self::Set(value) => Some(Some(value)),
        }
    }

    /// Changes the value that the patch sets, if that can be done.
    ///
    /// # Errors
    /// What `change` returns.
    pub fn try_map<U, E>(&self, change: impl FnOnce(T) -> Result<U, E>) -> Result<Patch<U>, E>
    where
        T: Copy,
    {
        Ok(match *self {
            Self::Keep => Patch::Keep,
            Self::Clear => Patch::Clear,
            Self::Set(value) => Patch::Set(change(value)?),
        })
    }

    /// Borrows the value.
    #[must_use]
    pub const fn as_ref(&self) -> Patch<&T> {
        match self {
            Self::Keep => Patch::Keep,
            Self::Clear => Patch::Clear,
            Self::Set(value) => Patch::Set(value),
        }
    }
}

impl Patch<String> {
    /// The shape for a bounded text column: what is set is trimmed and checked.
    ///
    /// # Errors
    /// [`crate::Error::Invalid`] of `field` when the text is empty or longer than `max` characters.
    pub(crate) fn text(&self, field: &'static str, max: usize) -> crate::Result<Option<Option<String>>> {
        Ok(self.as_ref().try_map(|text| crate::types::required(field, text, max))?.into_change())
    }

    /// The same for the name of somebody or something.
    ///
    /// # Errors
    /// As [`Self::text`], and when it holds what nobody sees.
    pub(crate) fn name(&self, field: &'static str, max: usize) -> crate::Result<Option<Option<String>>> {
        Ok(self.as_ref().try_map(|text| crate::types::named(field, text, max))?.into_change())
    }
}
