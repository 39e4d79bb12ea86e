//! A report as PDF: one to three pages for people who have no time.

mod chart;
mod grid;
mod pages;
mod pages_course;
mod pages_headlines;
mod pages_tables;
mod phrases;
mod sheet;
mod table;
mod text;

use super::content::ReportContent;
use super::words;
use crate::Result;
use chrono::{Datelike, Timelike};
use krilla::metadata::{DateTime, Metadata, TextDirection};
use pages::Pages;

/// The language of the pages.
const LANGUAGE: &str = "en-US";

/// The paper of the pages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Paper {
    /// 210 × 297 mm.
    A4,
    /// 8½ × 11 inches.
    Letter,
}

impl Paper {
    /// The paper that is usual where the zone is: Letter in the Americas and in Hawaii, else A4.
    #[must_use]
    pub fn usual_in(zone: &str) -> Self {
        if zone.starts_with("America/") || zone.starts_with("US/") || zone == "Pacific/Honolulu" {
            Self::Letter
        } else {
            Self::A4
        }
    }

    /// Width and height in points.
    const fn size(self) -> (f32, f32) {
        match self {
            Self::A4 => (595.28, 841.89),
            Self::Letter => (612.0, 792.0),
        }
    }
}

impl ReportContent {
    /// The report as PDF, tagged for whoever has it read aloud. The same content makes the same bytes.
    ///
    /// # Errors
    /// [`crate::Error::Internal`] if it can't be written.
    pub fn to_pdf(&self, paper: Paper) -> Result<Vec<u8>> {
        let mut pages = Pages::new(self, paper.size())?;
        pages.head();
        pages.summary();
        pages.cards();
        pages.course();
        pages.advice();
        pages.hours();
        pages.kpis();
        pages.numbers_and_people();
        pages.footers();
        pages.write(self.metadata())
    }

    /// What the pages are called at their head and in a viewer's title bar.
    fn heading(&self) -> String {
        let kind = match self.kind {
            super::ReportKind::Daily => "Daily report",
            super::ReportKind::Weekly => "Weekly report",
            super::ReportKind::Monthly => "Monthly report",
            super::ReportKind::Custom => "Report",
        };
        format!("{kind} · {}", self.period.title)
    }

    fn metadata(&self) -> Metadata {
        let at = self.computed_at;
        // Months, days and the clock are small enough.
        let small = |number: u32| u8::try_from(number).unwrap_or_default();
        let date = DateTime::new(u16::try_from(at.year()).unwrap_or_default())
            .month(small(at.month()))
            .day(small(at.day()))
            .hour(small(at.hour()))
            .minute(small(at.minute()))
            .second(small(at.second()))
            .utc_offset_hour(0);
        let id = format!("{}\n{}\n{}\n{}\n{at}", self.business, self.zone, self.period.from, self.period.until);
        Metadata::new()
            .title(format!("{}: {}", self.business, self.heading()))
            .language(LANGUAGE.to_owned())
            .text_direction(TextDirection::LeftToRight)
            .creator("NeverMissCall".to_owned())
            .producer("NeverMissCall".to_owned())
            .creation_date(date)
            .document_id(id)
    }
}
