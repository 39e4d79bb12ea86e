//! A report as CSV (RFC 4180): one table, a number in each line.

use super::content::ReportContent;
use super::words::{WEEKDAYS, figure};
use crate::types::is_invisible;
use crate::{Error, Result};
use chrono::{DateTime, NaiveDate, SecondsFormat, Utc};
use rust_decimal::Decimal;
use unicode_normalization::UnicodeNormalization as _;

/// The columns. What doesn't apply to a line is empty.
const COLUMNS: [&str; 15] = [
    "section",
    "name",
    "label",
    "of",
    "first_day",
    "last_day",
    "weekday",
    "hour",
    "unit",
    "value",
    "previous",
    "target",
    "variance_percent",
    "trend",
    "text",
];

/// How a report is written as CSV.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct CsvOptions {
    /// Every cell that a spreadsheet might take for a formula gets an apostrophe, phone numbers and negative numbers too. Without
    /// this, those of free text alone do: what is ours to know is a number or a phone number stays as it is.
    pub spreadsheet_safe: bool,
    /// The file begins with a byte order mark, by which Excel knows UTF-8.
    pub bom: bool,
}

/// A line, as far as it isn't empty.
#[derive(Default)]
struct Line<'a> {
    name: &'a str,
    label: &'a str,
    of: Option<&'a str>,
    days: Option<(NaiveDate, NaiveDate)>,
    weekday: Option<&'a str>,
    hour: Option<usize>,
    unit: &'a str,
    value: Option<Decimal>,
    previous: Option<Decimal>,
    target: Option<Decimal>,
    variance: Option<Decimal>,
    trend: &'a str,
    text: String,
}

impl ReportContent {
    /// The report as CSV, with the lines of its sections one after another: `report`, `total`, `kpi`, `day` (or `week`, or
    /// `month`), `hour`, `number`, `person`, `advice`.
    ///
    /// # Errors
    /// [`Error::Internal`] if it can't be written.
    pub fn to_csv(&self, options: CsvOptions) -> Result<Vec<u8>> {
        let mut out = if options.bom { "\u{feff}".as_bytes().to_vec() } else { Vec::new() };
        let mut table = Table { out: csv::WriterBuilder::new().terminator(csv::Terminator::CRLF).from_writer(&mut out), options };
        table.out.write_record(COLUMNS).map_err(Error::internal)?;
        self.head(&mut table)?;
        self.figures(&mut table)?;
        self.parts(&mut table)?;
        for advice in &self.advice {
            table.line("advice", &Line { name: &advice.rule, text: advice.text.clone(), ..Line::default() })?;
        }
        table.out.flush().map_err(Error::internal)?;
        drop(table);
        Ok(out)
    }

    fn head(&self, table: &mut Table<'_>) -> Result<()> {
        let instant = |at: DateTime<Utc>| at.to_rfc3339_opts(SecondsFormat::Secs, true);
        let (period, before) = (&self.period, &self.before);
        for (name, text) in [
            ("business", self.business.clone()),
            ("zone", self.zone.clone()),
            ("kind", self.kind.label().to_owned()),
            ("from", instant(period.from)),
            ("until", instant(period.until)),
            ("computed_at", instant(self.computed_at)),
            ("complete", self.complete.to_string()),
            ("formula_version", self.formula_version.to_string()),
        ] {
            table.line("report", &Line { name, text, ..Line::default() })?;
        }
        for (name, period) in [("period", period), ("before", before)] {
            let days = Some((period.first_day, period.last_day));
            table.line("report", &Line { name, text: period.title.clone(), days, ..Line::default() })?;
        }
        Ok(())
    }

    fn figures(&self, table: &mut Table<'_>) -> Result<()> {
        for total in &self.totals {
            let (value, previous) = (Some(total.value), Some(total.previous));
            let line = Line { name: &total.name, label: &total.label, unit: &total.unit, value, previous, ..Line::default() };
            table.line("total", &line)?;
        }
        for kpi in &self.kpis {
            let line = Line {
                name: &kpi.name,
                label: &kpi.label,
                unit: &kpi.unit,
                value: kpi.value,
                previous: kpi.previous,
                target: kpi.target,
                variance: kpi.variance,
                trend: kpi.trend.map_or("", crate::TrendDirection::label),
                ..Line::default()
            };
            table.line("kpi", &line)?;
        }
        for entry in &self.course {
            for (name, value) in &entry.figures {
                let (_, label, unit) = figure(name);
                let days = Some((entry.first_day, entry.last_day));
                table.line(self.step.label(), &Line { name, label, unit, days, value: Some(*value), ..Line::default() })?;
            }
        }
        Ok(())
    }

    fn parts(&self, table: &mut Table<'_>) -> Result<()> {
        for (name, hours) in [("nmc.calls_inbound", &self.hours.inbound), ("nmc.calls_unanswered", &self.hours.unanswered)] {
            for (weekday, row) in WEEKDAYS.into_iter().zip(hours) {
                for (hour, calls) in row.iter().enumerate() {
                    let line = Line { weekday: Some(weekday), hour: Some(hour), ..counted(name, *calls) };
                    table.line("hour", &line)?;
                }
            }
        }
        for entry in &self.numbers {
            let of = Some(entry.number.as_deref().unwrap_or("all others"));
            let counts = [("inbound", entry.inbound), ("answered", entry.answered), ("unanswered", entry.unanswered)];
            for (what, calls) in counts {
                table.line("number", &Line { of, ..counted(&format!("nmc.calls_{what}"), calls) })?;
            }
        }
        for entry in &self.people {
            let of = Some(entry.name.as_deref().unwrap_or("all others"));
            for (what, conversations) in [("opened", entry.opened), ("resolved", entry.resolved)] {
                table.line("person", &Line { of, ..counted(&format!("nmc.conversations_{what}"), conversations) })?;
            }
        }
        Ok(())
    }
}

/// A line of a figure that counts.
fn counted(name: &str, value: u64) -> Line<'_> {
    let (_, label, unit) = figure(name);
    Line { name, label, unit, value: Some(value.into()), ..Line::default() }
}

struct Table<'a> {
    out: csv::Writer<&'a mut Vec<u8>>,
    options: CsvOptions,
}

impl Table<'_> {
    fn line(&mut self, section: &str, line: &Line<'_>) -> Result<()> {
        let number = |value: Option<Decimal>| value.map(|value| self.known(value.normalize().to_string())).unwrap_or_default();
        let of = line.of.unwrap_or_default();
        let cells = [
            section.to_owned(),
            free(line.name),
            free(line.label),
            if is_phone(of) { self.known(of.to_owned()) } else { free(of) },
            line.days.map(|(first, _)| first.to_string()).unwrap_or_default(),
            line.days.map(|(_, last)| last.to_string()).unwrap_or_default(),
            line.weekday.unwrap_or_default().to_owned(),
            line.hour.map(|hour| hour.to_string()).unwrap_or_default(),
            free(line.unit),
            number(line.value),
            number(line.previous),
            number(line.target),
            number(line.variance),
            line.trend.to_owned(),
            free(&line.text),
        ];
        self.out.write_record(&cells).map_err(Error::internal)
    }

    /// What is known to be a number: guarded only where everything is.
    fn known(&self, text: String) -> String {
        if self.options.spreadsheet_safe { guarded(text) } else { text }
    }
}

/// A cell of text from anywhere: no formula, and without what ends a text early.
fn free(text: &str) -> String {
    guarded(text.replace('\0', ""))
}

fn guarded(text: String) -> String {
    if is_like_a_formula(&text) { format!("'{text}") } else { text }
}

/// Whether a spreadsheet may take the text for a formula. Some pass over what nobody sees before it, and know signs by any width.
fn is_like_a_formula(text: &str) -> bool {
    let is_passed_over = |c: &char| c.is_whitespace() || c.is_control() || is_invisible(*c);
    let sign = text.chars().find(|c| !is_passed_over(c)).and_then(|first| std::iter::once(first).nfkc().next());
    text.starts_with(['\t', '\r', '\n']) || sign.is_some_and(|sign| matches!(sign, '=' | '+' | '-' | '@'))
}

fn is_phone(text: &str) -> bool {
    text.strip_prefix('+')
        .is_some_and(|digits| (1..=15).contains(&digits.len()) && digits.bytes().all(|byte| byte.is_ascii_digit()))
}
