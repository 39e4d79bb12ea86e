//! Reports for people: what one says, as data, and its renderings as CSV and PDF. Nothing here reads a database: whoever has the
//! facts composes a [`ReportContent`] of them, which is the truth that all renderings repeat.

mod advice;
mod compose;
mod content;
mod csv;
#[cfg(feature = "pdf")]
mod pdf;
mod sentences;
mod words;

pub use compose::{MOST_DAYS, MOST_ROWS, ReportFacts};
pub use content::{
    Advice, Basis, Better, CONTENT_VERSION, CourseEntry, Figures, Hours, KpiEntry, NumberEntry, PersonEntry, ReportContent,
    ReportKind, ReportPeriod, Step, Textable, TotalEntry,
};
pub use csv::CsvOptions;
#[cfg(feature = "pdf")]
pub use pdf::Paper;
pub use words::display;
