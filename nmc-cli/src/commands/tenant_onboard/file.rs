//! The file of `nmc tenant onboard --from`.

use super::Draft;
use crate::error::{CliError, CliResult};
use crate::input_file;
use crate::password::without_mark;
use nmc_core::PhoneNumber;
use serde::Deserialize;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use toml::Spanned;

/// No business needs a larger one, in bytes.
const LONGEST: usize = 65_536;

type Field = Option<Spanned<String>>;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct BusinessTable {
    name: Field,
    phone: Field,
    address: Field,
    trade: Field,
    timezone: Field,
    #[serde(default)]
    owner: OwnerTable,
}

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields)]
struct OwnerTable {
    email: Field,
    first_name: Field,
    last_name: Field,
    phone: Field,
    password_file: Field,
}

/// Reads what the file says.
pub(super) fn read(path: &Path) -> CliResult<Draft> {
    let refused = |why: &str| CliError::Usage(format!("--from: {} {why}", path.display()));
    let file = input_file::beginning("--from", path, LONGEST)?;
    if !file.is_whole {
        return Err(refused("is larger than 64 KiB"));
    }
    let text = String::from_utf8(file.bytes).map_err(|_| refused("is not UTF-8"))?;
    let text = Text { path, text: without_mark(&text) };
    let table: BusinessTable = toml::from_str(text.text).map_err(|error| text.refused(error.span(), None, error.message()))?;
    let owner = table.owner;
    Ok(Draft {
        name: text.of("name", table.name)?,
        phone: text.read("phone", table.phone, PhoneNumber::typed)?,
        address: text.of("address", table.address)?,
        trade: text.of("trade", table.trade)?,
        timezone: text.of("timezone", table.timezone)?,
        owner_email: text.of("owner.email", owner.email)?,
        owner_first_name: text.of("owner.first_name", owner.first_name)?,
        owner_last_name: text.of("owner.last_name", owner.last_name)?,
        owner_phone: text.read("owner.phone", owner.phone, PhoneNumber::typed)?,
        owner_password_file: text.of("owner.password_file", owner.password_file)?.map(|file| text.beside(file)),
    })
}

struct Text<'a> {
    path: &'a Path,
    text: &'a str,
}

impl Text<'_> {
    fn of<T: FromStr<Err: ToString>>(&self, field: &str, value: Field) -> CliResult<Option<T>> {
        self.read(field, value, str::parse)
    }

    fn read<T, E: ToString>(&self, field: &str, value: Field, parse: fn(&str) -> Result<T, E>) -> CliResult<Option<T>> {
        let read = |value: Spanned<String>| {
            let parsed = parse(value.get_ref());
            parsed.map_err(|error| self.refused(Some(value.span()), Some(field), &error.to_string()))
        };
        value.map(read).transpose()
    }

    /// A file that is named relative to this one.
    fn beside(&self, file: PathBuf) -> PathBuf {
        match self.path.parent() {
            Some(folder) if file != Path::new("-") => folder.join(file),
            _ => file,
        }
    }

    /// Names the line, and the field: where nobody says which, the one that stands there.
    fn refused(&self, span: Option<Range<usize>>, field: Option<&str>, why: &str) -> CliError {
        let before = span.and_then(|span| self.text.get(..span.start)).unwrap_or_default();
        let line = before.matches('\n').count();
        let key = self.text.lines().nth(line).and_then(|line| line.split_once('=')).map(|(key, _)| key.trim());
        let field = field.or(key).map(|field| format!(", {field}")).unwrap_or_default();
        CliError::Usage(format!("{}, line {}{field}: {why}", self.path.display(), line + 1))
    }
}
