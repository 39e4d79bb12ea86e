//! The chart of a report: how many calls there were, and how many of them were missed, one stack after another.

use super::chart::{self, BLUE, Bar, DARK, ORANGE};
use super::pages::{MARGIN, Pages};
use super::sheet::{Part, Shape};
use super::text::Face;
use super::words;
use crate::reports::content::Step;
use krilla::tagging::{Tag, TagKind};
use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive;

impl Pages<'_> {
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
        let others = if is_day { "not missed" } else { "answered" };
        self.legend(others);
        self.y += 10.0;
        let (at, size) = ((MARGIN, self.y), (self.width(), HEIGHT));
        let shapes = chart::bars(&self.sheet, &bars, at, size);
        let told: Vec<_> =
            bars.iter().map(|bar| format!("{}: {} {others}, {} missed", bar.label, bar.others, bar.missed)).collect();
        let picture = self.sheet.picture(shapes);
        let figure = Tag::Figure(Some(format!("{}. {}.", by, told.join("; "))));
        self.parts.push(Part::Group(TagKind::Figure(figure), vec![picture]));
        self.y += HEIGHT + 20.0;
    }

    /// What the colors of the chart mean, at the right of its heading.
    fn legend(&mut self, others: &str) {
        let y = self.y - 4.5;
        let mut x = MARGIN + self.width();
        for (text, ink) in [("missed", ORANGE), (others, BLUE)] {
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
            others: count(entry.figures.get("nmc.calls_answered")),
            missed: count(entry.figures.get("nmc.calls_unanswered")),
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
                Bar { label: words::hour(hour), others: sum(&hours.inbound, hour).saturating_sub(missed), missed }
            })
            .collect();
        let is_busy = |bar: &Bar| bar.others > 0 || bar.missed > 0;
        let first = bars.iter().position(is_busy).unwrap_or_default().min(8);
        let last = bars.iter().rposition(is_busy).unwrap_or_default().max(17);
        bars.into_iter().skip(first).take(last.saturating_sub(first).saturating_add(1)).collect()
    }
}
