//! The tables of a report: calls by weekday and hour, key figures, numbers and people.

use super::chart::{BLUE, DARK, GRAY};
use super::grid;
use super::pages::{MARGIN, Pages};
use super::phrases::{columns, kpi_row};
use super::sheet::{Ink, Part, Shape};
use super::table::{self, Cell};
use super::text::Face;
use super::words;
use crate::reports::content::ReportKind;
use chrono::Weekday::{Fri, Mon, Sat, Sun, Thu, Tue, Wed};
use chrono::{Datelike as _, Weekday};
use krilla::tagging::{Tag, TagKind};
use std::num::NonZeroU16;

/// The days of the week, in the order of the hours' rows.
const WEEK: [Weekday; 7] = [Mon, Tue, Wed, Thu, Fri, Sat, Sun];

/// The most rows of numbers, and of people, on paper. The CSV has all.
const MOST_ROWS: usize = 12;

impl Pages<'_> {
    /// When people call, and when they are missed.
    pub(super) fn hours(&mut self) {
        let hours = &self.report.hours;
        if self.report.period.days == 1 || self.count("nmc.calls_inbound") == 0 {
            return;
        }
        // A weekday that the period does not have is none on which nobody called.
        let days = self.report.period.first_day.iter_days().take(usize::from(self.report.period.days.min(7)));
        let present: Vec<Weekday> = days.map(|day| day.weekday()).collect();
        for (title, cells, ink) in
            [("When people call", &hours.inbound, BLUE), ("When calls are missed", &hours.unanswered, Ink(176, 74, 10))]
        {
            let days: Vec<_> = WEEK.into_iter().zip(cells).filter(|(day, _)| present.contains(day)).collect();
            let height = grid::height(days.len());
            self.need(height + 40.0);
            self.heading(2, title, 13.0);
            self.y += 4.0;
            let (at, width) = ((MARGIN, self.y), self.width());
            let part = grid::draw(&mut self.sheet, &days, ink, at, width);
            self.parts.push(part);
            self.y += height + 14.0;
        }
    }

    pub(super) fn kpis(&mut self) {
        let report = self.report;
        let kpis: Vec<_> = report.kpis.iter().filter(|kpi| kpi.is_known()).collect();
        if kpis.is_empty() {
            return;
        }
        let (now, before) = match report.kind {
            ReportKind::Daily => ("The day", "Day before"),
            ReportKind::Weekly => ("The week", "Week before"),
            ReportKind::Monthly => ("The month", "Month before"),
            ReportKind::Custom => ("The days", "Days before"),
        };
        let has_targets = kpis.iter().any(|kpi| kpi.target.is_some());
        let titles: &[(&str, f32)] = if has_targets {
            &[("", 0.42), (now, 0.13), (before, 0.13), ("Change", 0.11), ("Target", 0.1), ("Off target", 0.11)]
        } else {
            &[("", 0.46), (now, 0.18), (before, 0.18), ("Change", 0.18)]
        };
        let columns = columns(titles);
        let rows: Vec<_> = kpis.into_iter().map(|kpi| kpi_row(kpi, has_targets)).collect();
        self.need(table::height(rows.len()) + 30.0);
        self.heading(2, "The figures", 13.0);
        self.y += 2.0;
        let (at, width) = ((MARGIN, self.y), self.width());
        let part = table::draw(&mut self.sheet, &columns, &rows, at, width);
        self.parts.push(part);
        self.y += table::height(rows.len()) + 14.0;
    }

    /// Two tables side by side.
    pub(super) fn numbers_and_people(&mut self) {
        const GAP: f32 = 28.0;
        let report = self.report;
        let cells = |texts: Vec<String>| texts.into_iter().map(Cell::plain).collect::<Vec<_>>();
        let named = |name: &Option<String>| name.clone().unwrap_or_else(|| "All others".to_owned());
        let numbers: Vec<_> = report
            .numbers
            .iter()
            .map(|entry| {
                let counts = [entry.inbound, entry.answered, entry.unanswered].map(|count| words::display(count.into(), "calls"));
                cells(std::iter::once(named(&entry.number)).chain(counts).collect())
            })
            .collect();
        let people: Vec<_> = report
            .people
            .iter()
            .map(|entry| {
                let counts = [entry.opened, entry.resolved].map(|count| words::display(count.into(), "conversations"));
                cells(std::iter::once(named(&entry.name)).chain(counts).collect())
            })
            .collect();
        let shown = numbers.len().max(people.len()).min(MOST_ROWS);
        if shown == 0 {
            return;
        }
        let more = if numbers.len().max(people.len()) > MOST_ROWS { 14.0 } else { 0.0 };
        self.need(table::height(shown) + 22.0 + more);
        let width = (self.width() - GAP) / 2.0;
        let (top, mut bottom, mut left) = (self.y, self.y, MARGIN);
        for (title, titles, rows) in [
            ("By number", &[("Your number", 0.37), ("Calls", 0.17), ("Answered", 0.25), ("Missed", 0.21)][..], numbers),
            ("By person", &[("Person", 0.56), ("Begun", 0.2), ("Resolved", 0.24)][..], people),
        ] {
            if rows.is_empty() {
                continue;
            }
            self.y = top;
            self.heading_at(title, left);
            let columns = columns(titles);
            let hidden = rows.len().saturating_sub(MOST_ROWS);
            let rows: Vec<_> = rows.into_iter().take(MOST_ROWS).collect();
            let part = table::draw(&mut self.sheet, &columns, &rows, (left, self.y), width);
            self.parts.push(part);
            self.y += table::height(rows.len());
            if hidden > 0 {
                let text = format!("and {hidden} more: see the CSV of this report");
                let shape = Shape::Text { x: left, y: self.y + 10.0, face: Face::Regular, size: 8.0, ink: GRAY, text };
                let drawn = self.sheet.text(vec![shape]);
                self.parts.push(Part::Group(Tag::P.into(), vec![drawn]));
                self.y += 14.0;
            }
            bottom = bottom.max(self.y);
            left += width + GAP;
        }
        self.y = bottom;
    }

    /// A heading of the second level that doesn't begin at the margin.
    fn heading_at(&mut self, text: &str, x: f32) {
        self.y += 13.0 * 1.4;
        let shape = Shape::Text { x, y: self.y - 4.5, face: Face::Bold, size: 13.0, ink: DARK, text: text.to_owned() };
        let (drawn, level) = (self.sheet.text(vec![shape]), NonZeroU16::MIN.saturating_add(1));
        self.parts.push(Part::Group(TagKind::Hn(Tag::Hn(level, Some(text.to_owned()))), vec![drawn]));
        self.y += 2.0;
    }
}
