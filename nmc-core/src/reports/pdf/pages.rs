//! The pages of a report, from the top down.

use super::chart::{self, BLUE, Bar, DARK, GRAY, ORANGE, PALE, length};
use super::grid;
use super::phrases::{change, columns, footer, kpi_row, summary};
use super::sheet::{Ink, Part, Shape, Sheet};
use super::table::{self, Cell};
use super::text::Face;
use super::{LANGUAGE, words};
use crate::Result;
use crate::reports::content::{Better, ReportContent, ReportKind, Step};
use krilla::metadata::Metadata;
use krilla::tagging::{ListNumbering, Tag, TagKind};
use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive;
use std::num::NonZeroU16;

const MARGIN: f32 = 48.0;
/// The room at the foot of a page, footer included.
const FOOT: f32 = 58.0;
const TINT: Ink = Ink(243, 246, 250);

/// The most rows of numbers, and of people, on paper. The CSV has all.
const MOST_ROWS: usize = 12;

/// The pages while they are filled.
pub(super) struct Pages<'a> {
    report: &'a ReportContent,
    sheet: Sheet,
    y: f32,
    parts: Vec<Part>,
}

impl<'a> Pages<'a> {
    pub(super) fn new(report: &'a ReportContent, (width, height): (f32, f32)) -> Result<Self> {
        Ok(Self { report, sheet: Sheet::new(width, height)?, y: MARGIN, parts: Vec::new() })
    }

    pub(super) fn write(self, metadata: Metadata) -> Result<Vec<u8>> {
        self.sheet.write(self.parts, metadata, LANGUAGE)
    }

    fn width(&self) -> f32 {
        self.sheet.width - 2.0 * MARGIN
    }

    /// Begins a page unless so much room is left on this one.
    fn need(&mut self, height: f32) {
        if self.y + height > self.sheet.height - FOOT {
            self.sheet.new_page();
            self.y = MARGIN;
        }
    }

    fn count(&self, figure: &str) -> u64 {
        self.report.total(figure).to_u64().unwrap_or_default()
    }

    /// Lines of text from here down.
    fn lines(&mut self, text: &str, face: Face, size: f32, ink: Ink, most: usize) -> Vec<Part> {
        let (room, leading) = (self.width(), size * 1.4);
        let mut parts = Vec::new();
        for text in self.sheet.fonts.lines(face, size, text, room, most) {
            self.y += leading;
            parts.push(self.sheet.text(vec![Shape::Text { x: MARGIN, y: self.y - size * 0.35, face, size, ink, text }]));
        }
        parts
    }

    fn heading(&mut self, level: u16, text: &str, size: f32) {
        let parts = self.lines(text, Face::Bold, size, DARK, 2);
        let level = NonZeroU16::new(level).unwrap_or(NonZeroU16::MIN);
        self.parts.push(Part::Group(TagKind::Hn(Tag::Hn(level, Some(self.sheet.fonts.printable(text)))), parts));
    }

    fn paragraph(&mut self, text: &str, size: f32, ink: Ink) {
        let parts = self.lines(text, Face::Regular, size, ink, 4);
        self.parts.push(Part::Group(Tag::P.into(), parts));
    }

    pub(super) fn head(&mut self) {
        self.sheet.decoration(vec![Shape::Box { x: 0.0, y: 0.0, width: self.sheet.width, height: 7.0, ink: BLUE }]);
        self.y = 34.0;
        let business = self.sheet.fonts.printable(&self.report.business);
        self.heading(1, if business.is_empty() { "Your business" } else { &business }, 21.0);
        self.paragraph(&self.report.heading(), 11.5, GRAY);
        self.y += 8.0;
    }

    /// What happened, in two sentences.
    pub(super) fn summary(&mut self) {
        self.paragraph(&summary(self.report), 11.0, DARK);
        self.y += 12.0;
    }

    /// Four headline figures, each with its change.
    pub(super) fn cards(&mut self) {
        const GAP: f32 = 10.0;
        const HEIGHT: f32 = 84.0;
        let report = self.report;
        let kpi = |name: &str, of: &str| {
            let value = report.kpi(name).and_then(|kpi| kpi.value);
            value.map(|value| format!("{} of {of}", words::display(value, "%"))).unwrap_or_default()
        };
        let a_day = match report.period.days {
            1 => String::new(),
            days => {
                let mean = report.total("nmc.calls_inbound") / Decimal::from(days);
                format!("{} a day", words::display(mean, "calls"))
            }
        };
        let cards = [
            ("nmc.calls_inbound", "Calls", a_day, Better::More, BLUE),
            ("nmc.calls_answered", "Answered", kpi("answer_rate", "calls"), Better::More, BLUE),
            ("nmc.calls_unanswered", "Missed", kpi("missed_rate", "calls"), Better::Fewer, ORANGE),
            ("nmc.calls_replied", "Wrote back", kpi("reply_rate", "those texted"), Better::More, BLUE),
        ];
        let width = (self.width() - 3.0 * GAP) / 4.0;
        // Fewer calls so far mean nothing.
        let is_compared = report.complete && report.totals.iter().any(|total| !total.previous.is_zero());
        for (place, (name, label, of, better, ink)) in cards.into_iter().enumerate() {
            let x = MARGIN + length(place) * (width + GAP);
            let y = self.y;
            self.sheet.decoration(vec![
                Shape::Box { x, y, width, height: HEIGHT, ink: TINT },
                Shape::Box { x, y, width: 3.0, height: HEIGHT, ink },
            ]);
            let value = words::display(report.total(name), "calls");
            let (change, change_ink) = change(report.total(name) - report.previous_total(name), better);
            let mut parts = Vec::new();
            for (text, face, size, ink, down) in [
                (label.to_owned(), Face::Regular, 9.5, GRAY, 18.0),
                (value, Face::Bold, 24.0, DARK, 45.0),
                (of, Face::Regular, 8.5, GRAY, 59.0),
                (if is_compared { change } else { String::new() }, Face::Bold, 8.5, change_ink, 74.0),
            ] {
                let text = self.sheet.fonts.fitted(face, size, &text, width - 20.0);
                if !text.is_empty() {
                    parts.push(self.sheet.text(vec![Shape::Text { x: x + 13.0, y: y + down, face, size, ink, text }]));
                }
            }
            self.parts.push(Part::Group(Tag::P.into(), parts));
        }
        self.y += HEIGHT + 2.0;
        let before = words::before(report.kind, &report.period);
        let note = if !report.complete {
            "This period is not over: these are the figures so far.".to_owned()
        } else if is_compared {
            format!("More and fewer than {before}: {}.", report.before.title)
        } else {
            format!("There are no figures of {before} to compare with.")
        };
        self.paragraph(&note, 8.0, GRAY);
        self.y += 14.0;
    }

    /// The chart of answered and missed calls.
    pub(super) fn course(&mut self) {
        const HEIGHT: f32 = 168.0;
        if self.count("nmc.calls_inbound") == 0 {
            return;
        }
        let is_day = self.report.period.days == 1;
        let bars = if is_day { self.bars_by_hour() } else { self.bars_by_day() };
        let by = match self.report.step {
            _ if is_day => "Calls by hour",
            Step::Day => "Calls by day",
            Step::Week => "Calls by week",
            Step::Month => "Calls by month",
        };
        self.need(HEIGHT + 30.0);
        self.heading(2, by, 13.0);
        let lower = if is_day { "not missed" } else { "answered" };
        self.legend(lower);
        self.y += 10.0;
        let (at, size) = ((MARGIN, self.y), (self.width(), HEIGHT));
        let shapes = chart::bars(&self.sheet, &bars, at, size);
        let told: Vec<_> = bars.iter().map(|bar| format!("{}: {} {lower}, {} missed", bar.label, bar.lower, bar.upper)).collect();
        let picture = self.sheet.picture(shapes);
        let figure = Tag::Figure(Some(format!("{}. {}.", by, told.join("; "))));
        self.parts.push(Part::Group(TagKind::Figure(figure), vec![picture]));
        self.y += HEIGHT + 20.0;
    }

    /// What the colors of the chart mean, at the right of its heading.
    fn legend(&mut self, lower: &str) {
        let y = self.y - 4.5;
        let mut x = MARGIN + self.width();
        for (text, ink) in [("missed", ORANGE), (lower, BLUE)] {
            x -= self.sheet.fonts.width(Face::Regular, 8.5, text);
            let text = text.to_owned();
            let label = Shape::Text { x, y, face: Face::Regular, size: 8.5, ink: DARK, text };
            x -= 12.0;
            // The chart's text for those who hear it says it again.
            self.sheet.decoration(vec![label, Shape::Box { x, y: y - 7.0, width: 8.0, height: 8.0, ink }]);
            x -= 14.0;
        }
    }

    fn bars_by_day(&self) -> Vec<Bar> {
        let report = self.report;
        let label = match report.step {
            Step::Day if report.period.days <= 10 => "%a %-d",
            Step::Day | Step::Week => "%b %-d",
            Step::Month => "%b ’%y",
        };
        let count = |figure: Option<&Decimal>| figure.and_then(ToPrimitive::to_u64).unwrap_or_default();
        let bar = |entry: &crate::reports::CourseEntry| Bar {
            label: entry.first_day.format(label).to_string(),
            lower: count(entry.figures.get("nmc.calls_answered")),
            upper: count(entry.figures.get("nmc.calls_unanswered")),
        };
        report.course.iter().map(bar).collect()
    }

    /// The hours of a day from the first with a call to the last.
    fn bars_by_hour(&self) -> Vec<Bar> {
        let hours = &self.report.hours;
        let sum = |rows: &[[u64; 24]; 7], hour: usize| rows.iter().filter_map(|row| row.get(hour)).sum::<u64>();
        let bars: Vec<_> = (0..24)
            .map(|hour| {
                let missed = sum(&hours.unanswered, hour);
                Bar { label: words::hour(hour), lower: sum(&hours.inbound, hour).saturating_sub(missed), upper: missed }
            })
            .collect();
        let is_busy = |bar: &Bar| bar.lower > 0 || bar.upper > 0;
        let first = bars.iter().position(is_busy).unwrap_or_default().min(8);
        let last = bars.iter().rposition(is_busy).unwrap_or_default().max(17);
        bars.into_iter().skip(first).take(last.saturating_sub(first).saturating_add(1)).collect()
    }

    pub(super) fn advice(&mut self) {
        const SIZE: f32 = 10.0;
        let report = self.report;
        if report.advice.is_empty() && self.count("nmc.calls_inbound") == 0 {
            return;
        }
        self.need(60.0);
        self.heading(2, "What to do", 13.0);
        self.y += 3.0;
        if report.advice.is_empty() {
            self.paragraph("Nothing stands out. Keep going.", SIZE, DARK);
            return;
        }
        let mut items = Vec::new();
        for (at, advice) in report.advice.iter().enumerate() {
            let lines = self.sheet.fonts.lines(Face::Regular, SIZE, &advice.text, self.width() - 22.0, 4);
            self.need(length(lines.len()) * SIZE * 1.4 + 5.0);
            self.y += 2.0;
            let mut label = None;
            let mut body = Vec::new();
            for text in lines {
                self.y += SIZE * 1.4;
                let y = self.y - 3.5;
                if label.is_none() {
                    let text = format!("{}.", at.saturating_add(1));
                    let shape = Shape::Text { x: MARGIN + 3.0, y, face: Face::Bold, size: SIZE, ink: BLUE, text };
                    label = Some(self.sheet.text(vec![shape]));
                }
                let shape = Shape::Text { x: MARGIN + 22.0, y, face: Face::Regular, size: SIZE, ink: DARK, text };
                body.push(self.sheet.text(vec![shape]));
            }
            self.y += 3.0;
            let label = Part::Group(Tag::Lbl.into(), label.into_iter().collect());
            items.push(Part::Group(Tag::LI.into(), vec![label, Part::Group(Tag::LBody.into(), body)]));
        }
        self.parts.push(Part::Group(TagKind::L(Tag::L(ListNumbering::Decimal)), items));
        self.y += 16.0;
    }

    /// When people call, and when they are missed.
    pub(super) fn hours(&mut self) {
        let hours = &self.report.hours;
        if self.report.period.days == 1 || self.count("nmc.calls_inbound") == 0 {
            return;
        }
        for (title, cells, ink) in
            [("When people call", &hours.inbound, BLUE), ("When calls are missed", &hours.unanswered, Ink(176, 74, 10))]
        {
            self.need(grid::HEIGHT + 40.0);
            self.heading(2, title, 13.0);
            self.y += 4.0;
            let (at, width) = ((MARGIN, self.y), self.width());
            let part = grid::draw(&mut self.sheet, cells, ink, at, width);
            self.parts.push(part);
            self.y += grid::HEIGHT + 14.0;
        }
    }

    pub(super) fn kpis(&mut self) {
        let report = self.report;
        let kpis: Vec<_> = report.kpis.iter().filter(|kpi| kpi.value.is_some() || kpi.previous.is_some()).collect();
        if kpis.is_empty() {
            return;
        }
        let (now, before) = match report.kind {
            ReportKind::Daily => ("This day", "Day before"),
            ReportKind::Weekly => ("This week", "Week before"),
            ReportKind::Monthly => ("This month", "Month before"),
            ReportKind::Custom => ("These days", "Days before"),
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

    /// The foot of every page: what it is of, how and when it was computed, and which page it is.
    pub(super) fn footers(&mut self) {
        const SIZE: f32 = 7.5;
        let pages = self.sheet.page_count();
        let (first, second) = footer(self.report);
        for page in 0..pages {
            let right = format!("Page {} of {pages}", page.saturating_add(1));
            let wide = self.sheet.fonts.width(Face::Regular, SIZE, &right);
            let y = self.sheet.height - 34.0;
            let x = MARGIN + self.width() - wide;
            let first = self.sheet.fonts.fitted(Face::Regular, SIZE, &first, self.width() - wide - 16.0);
            let second = self.sheet.fonts.fitted(Face::Regular, SIZE, &second, self.width());
            let text = |x, y, text| Shape::Text { x, y, face: Face::Regular, size: SIZE, ink: GRAY, text };
            let rule = Shape::Box { x: MARGIN, y: y - 12.0, width: self.width(), height: 0.5, ink: PALE };
            self.sheet.footer(page, vec![rule, text(MARGIN, y, first), text(x, y, right), text(MARGIN, y + 11.0, second)]);
        }
    }
}
