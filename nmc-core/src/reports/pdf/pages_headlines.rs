//! The head figures of a report, and what to do about them.

use super::chart::{BLUE, DARK, GRAY, ORANGE, length};
use super::pages::{MARGIN, Pages};
use super::phrases::{change, summary};
use super::sheet::{Ink, Part, Shape};
use super::text::Face;
use super::words;
use crate::reports::content::Better;
use krilla::tagging::{ListNumbering, Tag, TagKind};
use rust_decimal::Decimal;

const TINT: Ink = Ink(243, 246, 250);

impl Pages<'_> {
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
        let is_compared = report.is_compared();
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
        let compared = || format!("More and fewer than {}: {}.", report.before_in_words(), report.before.title);
        let note = report.not_compared().unwrap_or_else(compared);
        self.paragraph(&note, 8.0, GRAY);
        self.y += 14.0;
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
            self.paragraph(report.nothing_to_do(), SIZE, DARK);
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
}
