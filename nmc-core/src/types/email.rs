use super::{text_column, trimmed_line};
use crate::Error;

/// An e-mail address, in lower case, so that `Joe@` and `joe@` are one person.
#[derive(Clone, PartialEq, Eq, Hash, diesel::expression::AsExpression, diesel::deserialize::FromSqlRow)]
#[diesel(sql_type = diesel::sql_types::Text)]
pub struct Email(String);

impl Email {
    /// The address as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl std::str::FromStr for Email {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        // What is stored is what is bounded: letters may grow when they are lowered.
        let text = trimmed_line(text).to_lowercase();
        let plausible = text.len() <= 254
            && !text.contains(|c: char| c.is_whitespace() || c.is_control())
            && text.rsplit_once('@').is_some_and(|(local, domain)| {
                !local.is_empty()
                    && local.len() <= 64
                    && !local.contains('@')
                    && domain.contains('.')
                    && domain.split('.').all(|label| !label.is_empty())
            });
        if plausible { Ok(Self(text)) } else { Err(Error::invalid("email", "must be an address like joe@example.com")) }
    }
}

impl std::fmt::Debug for Email {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("[email]")
    }
}

text_column!(Email);
