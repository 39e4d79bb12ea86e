//! The pages of a report, from the top down.

use super::LANGUAGE;
use super::chart::{BLUE, DARK, GRAY, PALE};
use super::phrases::footer;
use super::sheet::{Ink, Part, Shape, Sheet};
use super::text::Face;
use crate::Result;
use crate::reports::content::ReportContent;
use krilla::metadata::Metadata;
use krilla::tagging::{Tag, TagKind};
use rust_decimal::prelude::ToPrimitive;
use std::num::NonZeroU16;

pub(super) const MARGIN: f32 = 48.0;
/// The room at the foot of a page, footer included.
const FOOT: f32 = 58.0;

/// The pages while they are filled.
pub(super) struct Pages<'a> {
    pub(super) report: &'a ReportContent,
    pub(super) sheet: Sheet,
    pub(super) y: f32,
    pub(super) parts: Vec<Part>,
}

impl<'a> Pages<'a> {
    pub(super) fn new(report: &'a ReportContent, (width, height): (f32, f32)) -> Result<Self> {
        Ok(Self { report, sheet: Sheet::new(width, height)?, y: MARGIN, parts: Vec::new() })
    }

    pub(super) fn write(self, metadata: Metadata) -> Result<Vec<u8>> {
        self.sheet.write(self.parts, metadata, LANGUAGE)
    }

    pub(super) fn width(&self) -> f32 {
        self.sheet.width - 2.0 * MARGIN
    }

    /// Begins a page unless so much room is left on this one.
    pub(super) fn need(&mut self, height: f32) {
        if self.y + height > self.sheet.height - FOOT {
            self.sheet.new_page();
            self.y = MARGIN;
        }
    }

    pub(super) fn count(&self, figure: &str) -> u64 {
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

    pub(super) fn heading(&mut self, level: u16, text: &str, size: f32) {
        let parts = self.lines(text, Face::Bold, size, DARK, 2);
        let level = NonZeroU16::new(level).unwrap_or(NonZeroU16::MIN);
        self.parts.push(Part::Group(TagKind::Hn(Tag::Hn(level, Some(self.sheet.fonts.printable(text)))), parts));
    }

    pub(super) fn paragraph(&mut self, text: &str, size: f32, ink: Ink) {
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
