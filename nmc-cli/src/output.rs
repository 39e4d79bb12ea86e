//! Data on standard output: JSON for programs, a table for people; into a pipe, the table as lines with tabs.

mod levels;
mod plot;
mod table;

pub(crate) use levels::{heat_map, sparkline};
pub(crate) use plot::{Letters, Plot, end_on_clock};
pub(crate) use table::cut;

use crate::error::{CliError, CliResult};
use crate::options::Format;
use chrono::{DateTime, SecondsFormat, Utc};
use nmc_core::{Page, Secret, Timezone};
use rustix::termios::tcgetwinsize;
use serde_json::{Value, json};
use std::fs::{File, OpenOptions};
use std::io::{ErrorKind, IsTerminal, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;
use std::sync::OnceLock;

/// The zone of the business that this run is about, in which a terminal shows its times. A run is about one business at most.
static ZONE: OnceLock<Timezone> = OnceLock::new();

/// Has times shown in a business's zone from now on. The first business that is named stays.
pub(crate) fn use_zone(zone: Timezone) {
    ZONE.get_or_init(|| zone);
}

/// A column: its name, and what a row shows in it.
pub(crate) type Column<T> = (&'static str, fn(&T) -> Value);

/// The columns that a narrow terminal keeps longest, the dearest first. An `id` among them is one that a verb takes by its end.
pub(crate) type Kept = &'static [&'static str];

/// The columns of one kind of row, in their order.
pub(crate) struct Columns<'a, T>(pub(crate) &'a [Column<T>]);

impl<T> Columns<'_, T> {
    /// The columns that people read, with their cells.
    fn laid_out(&self, rows: &[T], kept: Kept) -> Vec<table::Column> {
        let column = |(name, value): &Column<T>| {
            let values: Vec<Value> = rows.iter().map(value).collect();
            let is_instant = values.iter().any(|value| local(name, value).is_some());
            table::Column {
                header: header(name, is_instant),
                // A column of this name may hold words instead.
                is_whole: is_id(name) && !values.iter().any(has_blanks) || holds_instants(name),
                is_own_id: *name == "id",
                rank: kept.iter().position(|kept| kept == name),
                cells: values.iter().map(|value| local(name, value).unwrap_or_else(|| cell(value))).collect(),
            }
        };
        self.0.iter().map(column).collect()
    }

    fn print(&self, rows: &[T], kept: Kept) -> CliResult<()> {
        let mut out = std::io::stdout().lock();
        let Some(room) = terminal_width() else {
            writeln!(out, "{}", self.names())?;
            for row in rows {
                writeln!(out, "{}", self.line(row))?;
            }
            return Ok(());
        };
        let layout = table::fit(self.laid_out(rows, kept), room);
        for line in layout.lines {
            writeln!(out, "{line}")?;
        }
        out.flush()?;
        if rows.is_empty() {
            eprintln!("nothing to show");
        } else if !layout.left_out.is_empty() {
            eprintln!("not shown, for want of width: {}; --format json and a pipe have all", layout.left_out.join(", "));
        }
        Ok(())
    }

    /// The names of the columns, as a pipe gets them.
    pub(crate) fn names(&self) -> String {
        let names: Vec<&str> = self.0.iter().map(|(name, _)| *name).collect();
        names.join("\t")
    }

    /// A row, as a pipe gets it.
    pub(crate) fn line(&self, row: &T) -> String {
        let cells: Vec<String> = self.0.iter().map(|(_, value)| field(&value(row))).collect();
        cells.join("\t")
    }

    /// A page of a list; the cursor of the next page, which bears the list's name, goes into the JSON, or to standard error.
    pub(crate) fn page(&self, list: &str, format: Format, page: &Page<T>) -> CliResult<()> {
        self.page_keeping(&[], list, format, page)
    }

    /// A page of a list of which a narrow terminal keeps these columns longest.
    pub(crate) fn page_keeping(&self, kept: Kept, list: &str, format: Format, page: &Page<T>) -> CliResult<()> {
        self.rows(kept, format, &page.items, page.next.map(|cursor| cursor.of_list(list)))
    }

    /// All the rows that there are.
    pub(crate) fn all(&self, format: Format, rows: &[T]) -> CliResult<()> {
        self.rows(&[], format, rows, None)
    }

    /// All the rows that there are, of which a narrow terminal keeps these columns longest.
    pub(crate) fn all_keeping(&self, kept: Kept, format: Format, rows: &[T]) -> CliResult<()> {
        self.rows(kept, format, rows, None)
    }

    fn rows(&self, kept: Kept, format: Format, rows: &[T], next: Option<String>) -> CliResult<()> {
        match format {
            Format::Json => {
                let items: Vec<Value> = rows.iter().map(|row| self.json(row)).collect();
                write_json(&json!({ "items": items, "next": next }))
            }
            Format::Table => {
                self.print(rows, kept)?;
                if let Some(cursor) = next {
                    eprintln!("more: --after {cursor}");
                }
                Ok(())
            }
        }
    }

    /// Prints one row, a line per field.
    pub(crate) fn one(&self, format: Format, row: &T) -> CliResult<()> {
        match format {
            Format::Json => write_json(&self.json(row)),
            Format::Table if terminal_width().is_none() => {
                let mut out = std::io::stdout().lock();
                for (name, value) in self.0 {
                    writeln!(out, "{name}\t{}", field(&value(row)))?;
                }
                Ok(())
            }
            Format::Table => {
                let columns = self.laid_out(std::slice::from_ref(row), &[]);
                let width = columns.iter().map(|column| column.header.len()).max().unwrap_or(0);
                let mut out = std::io::stdout().lock();
                for table::Column { header, cells, .. } in &columns {
                    writeln!(out, "{header:width$}  {}", cells.concat())?;
                }
                Ok(())
            }
        }
    }

    /// A row as a JSON object.
    pub(crate) fn json(&self, row: &T) -> Value {
        Value::Object(self.0.iter().map(|(name, value)| ((*name).to_owned(), value(row))).collect())
    }
}

/// How many columns the terminal has that shows our data; `None` where the data goes elsewhere. Of one that doesn't tell, `COLUMNS` may;
/// else it counts as an ordinary one.
pub(crate) fn terminal_width() -> Option<usize> {
    let out = std::io::stdout();
    if !out.is_terminal() {
        return None;
    }
    let told = tcgetwinsize(&out).map_or(0, |size| size.ws_col);
    let said = || std::env::var("COLUMNS").ok()?.trim().parse().ok().filter(|columns| *columns > 0);
    Some(if told == 0 { said().unwrap_or(80) } else { usize::from(told) })
}

/// Whether a column must not be cut: ids of ours and of the provider, and what names a key.
fn is_id(name: &str) -> bool {
    matches!(name, "id" | "sid" | "kid" | "prefix" | "row" | "tenant" | "conversation" | "message")
        || name.ends_with("_id")
        || name.ends_with("_sid")
        || name.ends_with("_phone")
        || name.ends_with("_number")
}

fn has_blanks(value: &Value) -> bool {
    value.as_str().is_some_and(|text| text.contains(' '))
}

/// Whether a column of this name may hold instants.
fn holds_instants(name: &str) -> bool {
    name.ends_with("_at")
        || matches!(
            name,
            "at" | "from" | "until" | "next_open" | "next_close" | "locked_until" | "snoozed_until" | "silent_since"
        )
}

/// A column's name above it, with the zone of its times where that is a business's.
fn header(name: &str, is_instant: bool) -> String {
    let name = name.replace('_', " ");
    match ZONE.get().filter(|_| is_instant) {
        Some(zone) => format!("{name} ({})", zone.as_str().rsplit('/').next().unwrap_or_default().replace('_', " ")),
        None => name,
    }
}

/// An instant in the business's zone, if there is one, and the value is an instant.
fn local(name: &str, value: &Value) -> Option<String> {
    let zone = ZONE.get().filter(|_| holds_instants(name))?;
    let at = DateTime::parse_from_rfc3339(value.as_str()?).ok()?;
    Some(at.with_timezone(&zone.tz()).format("%Y-%m-%d %H:%M:%S").to_string())
}

/// Prints one row, and with it what is shown this once and kept by nobody: the last field, by itself on its line.
pub(crate) fn one_with_secret<T>(
    format: Format,
    columns: &Columns<'_, T>,
    row: &T,
    secrets: &[(&str, &Secret)],
) -> CliResult<()> {
    match format {
        Format::Json => {
            let mut document = columns.json(row);
            if let Value::Object(fields) = &mut document {
                fields.extend(secrets.iter().map(|(name, secret)| ((*name).to_owned(), json!(secret.expose()))));
            }
            write_json(&document)
        }
        Format::Table => {
            columns.one(format, row)?;
            let mut out = std::io::stdout().lock();
            for (name, secret) in secrets {
                writeln!(out, "\n{name}\n{}", secret.expose())?;
            }
            Ok(())
        }
    }
}

/// Rows that belong to what was printed before, below their title; in JSON they are a field of it.
pub(crate) fn section<T>(title: &str, columns: &Columns<'_, T>, kept: Kept, rows: &[T]) -> CliResult<()> {
    if rows.is_empty() {
        writeln!(std::io::stdout(), "\n{title}: none")?;
        return Ok(());
    }
    writeln!(std::io::stdout(), "\n{title}")?;
    columns.all_keeping(kept, Format::Table, rows)
}

/// A file for what a business has, which must not be there yet, and which nobody else may read.
pub(crate) fn new_file(path: &Path) -> CliResult<File> {
    let file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path);
    file.map_err(|error| match error.kind() {
        ErrorKind::AlreadyExists => {
            CliError::Usage(format!("--output {} is there already, and is left as it is", path.display()))
        }
        kind => std::io::Error::new(kind, format!("--output {}: {error}", path.display())).into(),
    })
}

/// So many of something: `1 text`, `2 texts`.
pub(crate) fn counted(count: &impl ToString, noun: &str) -> String {
    let count = count.to_string();
    format!("{count} {noun}{}", if count == "1" { "" } else { "s" })
}

/// An instant to the second, in a form that people and programs can read.
pub(crate) fn time(at: DateTime<Utc>) -> Value {
    json!(at.to_rfc3339_opts(SecondsFormat::Secs, true))
}

pub(crate) fn write_json(value: &Value) -> CliResult<()> {
    writeln!(std::io::stdout(), "{value:#}")?;
    Ok(())
}

/// The cell of a value, for people.
fn cell(value: &Value) -> String {
    if value.is_null() { "–".to_owned() } else { field(value) }
}

/// A value on one line, without tabs; nothing is nothing.
fn field(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => plain(text),
        Value::Array(values) => values.iter().map(cell).collect::<Vec<_>>().join(", "),
        Value::Object(fields) => {
            fields.iter().map(|(name, value)| format!("{name}: {}", cell(value))).collect::<Vec<_>>().join(", ")
        }
        other => other.to_string(),
    }
}

/// Whether this stream takes colours: it is a terminal, `NO_COLOR` is not set, and `TERM` is not `dumb`.
pub(crate) fn may_colour(stream: &impl IsTerminal) -> bool {
    let is_set = |name, value: fn(&std::ffi::OsStr) -> bool| std::env::var_os(name).is_some_and(|found| value(&found));
    stream.is_terminal() && !is_set("NO_COLOR", |value| !value.is_empty()) && !is_set("TERM", |value| value == "dumb")
}

/// The text that somebody else has written, on one line. What would move the reader's cursor or turn the direction of the line is
/// shown by its name instead.
pub(crate) fn plain(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\n' | '\r' | '\t' => shown.push(' '),
            c if c.is_control() || is_formatting(c) => shown.push_str(&format!("<U+{:04X}>", u32::from(c))),
            c => shown.push(c),
        }
    }
    shown
}

/// Direction marks, embeddings, overrides and isolates, separators of lines, and the byte order mark. Joiners stay: emoji and
/// several scripts are written with them.
const fn is_formatting(c: char) -> bool {
    matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}')
}

#[cfg(test)]
mod tests {
    use super::plain;

    #[test]
    fn what_moves_the_cursor_or_turns_the_line_is_shown_by_name() {
        assert_eq!(plain("pay \u{202e}0001\u{202c} now\u{1b}[2J"), "pay <U+202E>0001<U+202C> now<U+001B>[2J");
        assert_eq!(plain("one\r\ntwo\tthree"), "one  two three");
        assert_eq!(plain("\u{1f468}\u{200d}\u{1f469}\u{200d}\u{1f467} שלום"), "\u{1f468}\u{200d}\u{1f469}\u{200d}\u{1f467} שלום");
    }
}
