//! Data on standard output: a table for people, JSON for programs.

use crate::cli::Format;
use crate::error::CliResult;
use chrono::{DateTime, SecondsFormat, Utc};
use comfy_table::{ContentArrangement, Table, presets};
use nmc_core::{Page, Secret};
use serde_json::{Value, json};
use std::io::Write as _;

/// One kind of row: its columns, and a row's values in their order.
pub(crate) struct Columns<T: 'static> {
    pub(crate) names: &'static [&'static str],
    pub(crate) values: fn(&T) -> Vec<Value>,
}

impl<T> Columns<T> {
    fn object(&self, row: &T) -> Value {
        let fields = self.names.iter().map(|name| (*name).to_owned()).zip((self.values)(row));
        Value::Object(fields.collect())
    }

    fn table(&self, rows: &[T]) -> Table {
        let mut table = Table::new();
        table.load_preset(presets::UTF8_HORIZONTAL_ONLY).set_content_arrangement(ContentArrangement::Disabled);
        table.set_header(self.names.iter().map(|name| name.replace('_', " ")));
        for row in rows {
            table.add_row((self.values)(row).iter().map(cell));
        }
        table
    }

    /// A page of rows; the cursor of the next page goes into the JSON, or to standard error.
    pub(crate) fn page(&self, format: Format, page: &Page<T>) -> CliResult<()> {
        match format {
            Format::Json => {
                let items: Vec<Value> = page.items.iter().map(|row| self.object(row)).collect();
                let next = page.next.map(|cursor| cursor.to_string());
                write_json(&json!({ "items": items, "next": next }))
            }
            Format::Table => {
                writeln!(std::io::stdout(), "{}", self.table(&page.items))?;
                if let Some(cursor) = page.next {
                    eprintln!("more: --after {cursor}");
                }
                Ok(())
            }
        }
    }

    /// One row, a line per field.
    pub(crate) fn one(&self, format: Format, row: &T) -> CliResult<()> {
        match format {
            Format::Json => write_json(&self.object(row)),
            Format::Table => {
                let width = self.names.iter().map(|name| name.len()).max().unwrap_or(0);
                let mut out = std::io::stdout().lock();
                for (name, value) in self.names.iter().zip((self.values)(row)) {
                    writeln!(out, "{:width$}  {}", name.replace('_', " "), cell(&value))?;
                }
                Ok(())
            }
        }
    }

    /// A row as JSON, to be put into a larger document.
    pub(crate) fn json(&self, row: &T) -> Value {
        self.object(row)
    }
}

/// One row, and with it what is shown this once and kept by nobody: the last field, by itself on its line.
pub(crate) fn one_with_secret<T>(format: Format, columns: &Columns<T>, row: &T, name: &str, secret: &Secret) -> CliResult<()> {
    match format {
        Format::Json => {
            let mut document = columns.object(row);
            if let Value::Object(fields) = &mut document {
                fields.insert(name.to_owned(), json!(secret.expose()));
            }
            write_json(&document)
        }
        Format::Table => {
            columns.one(format, row)?;
            let mut out = std::io::stdout().lock();
            writeln!(out, "\n{name}\n{}", secret.expose())?;
            Ok(())
        }
    }
}

/// An instant to the second, in a form that people and programs can read.
pub(crate) fn time(at: DateTime<Utc>) -> Value {
    json!(at.to_rfc3339_opts(SecondsFormat::Secs, true))
}

pub(crate) fn write_json(value: &Value) -> CliResult<()> {
    writeln!(std::io::stdout(), "{value:#}")?;
    Ok(())
}

fn cell(value: &Value) -> String {
    match value {
        Value::Null => "–".to_owned(),
        Value::String(text) => plain(text),
        Value::Array(values) => values.iter().map(cell).collect::<Vec<_>>().join(", "),
        other => other.to_string(),
    }
}

/// Whether this stream takes colours: it is a terminal, `NO_COLOR` is not set, and `TERM` is not `dumb`.
pub(crate) fn may_colour(stream: &impl std::io::IsTerminal) -> bool {
    let is_set = |name, value: fn(&std::ffi::OsStr) -> bool| std::env::var_os(name).is_some_and(|found| value(&found));
    stream.is_terminal() && !is_set("NO_COLOR", |value| !value.is_empty()) && !is_set("TERM", |value| value == "dumb")
}

/// What somebody else has written, on one line. What would move the reader's cursor or turn the direction of the line is shown
/// by its name instead.
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
