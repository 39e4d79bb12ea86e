//! Calls by weekday and hour, as a table whose cells are the darker the more they hold.

use super::chart::{DARK, GRAY, WHITE, length, share};
use super::sheet::{Ink, Part, Shape, Sheet};
use super::text::Face;
use chrono::Weekday;
use krilla::tagging::{TableHeaderScope, Tag, TagKind};

pub(super) const ROW: f32 = 15.0;
const HEADER: f32 = 12.0;
const SMALL: f32 = 7.5;
const LABEL: f32 = 30.0;
const SUM: f32 = 32.0;

/// The height of a grid of so many days.
pub(super) fn height(days: usize) -> f32 {
    HEADER + length(days) * ROW
}

/// An hour, short enough for a column: `12a`, `7a`, `12p`.
fn column(hour: usize) -> String {
    let half = if hour < 12 { 'a' } else { 'p' };
    match hour % 12 {
        0 => format!("12{half}"),
        hour => format!("{hour}{half}"),
    }
}

/// Between white and the ink, by the share of the ink.
fn mixed(Ink(red, green, blue): Ink, share: f32) -> Ink {
    // Twentieths: what the eye can tell apart, without arithmetic of floats on colors.
    let steps = (1_u8..=20).filter(|step| f32::from(*step) <= share * 20.0).count();
    let mix = |color: u8| {
        let dark = u16::from(255_u8.saturating_sub(color)).saturating_mul(u16::try_from(steps).unwrap_or_default()) / 20;
        255_u8.saturating_sub(u8::try_from(dark).unwrap_or(u8::MAX))
    };
    Ink(mix(red), mix(green), mix(blue))
}

/// Draws the grid on the last page: the calls of each of these weekdays.
pub(super) fn draw(sheet: &mut Sheet, days: &[(Weekday, &[u64; 24])], ink: Ink, (left, top): (f32, f32), width: f32) -> Part {
    let slot = (width - LABEL - SUM) / 24.0;
    let most = days.iter().flat_map(|(_, calls)| calls.iter()).copied().max().unwrap_or_default();
    let mut rows = Vec::new();
    let mut header = vec![text_cell(sheet, "", (left, top + 8.0), LABEL, Face::Regular, GRAY, true)];
    for hour in 0..24 {
        let x = left + LABEL + length(hour) * slot;
        header.push(text_cell(sheet, &column(hour), (x, top + 8.0), slot, Face::Regular, GRAY, true));
    }
    header.push(text_cell(sheet, "All", (left + width - SUM, top + 8.0), SUM, Face::Bold, GRAY, true));
    rows.push(Part::Group(Tag::TR.into(), header));
    for (row, (weekday, calls)) in days.iter().enumerate() {
        let y = top + HEADER + length(row) * ROW;
        let base = y + ROW / 2.0 + 2.7;
        let text = vec![Shape::Text { x: left, y: base, face: Face::Regular, size: 8.5, ink: DARK, text: weekday.to_string() }];
        let mut parts = vec![Part::Group(TagKind::TH(Tag::TH(TableHeaderScope::Row)), vec![sheet.text(text)])];
        for (hour, calls) in calls.iter().enumerate() {
            let x = left + LABEL + length(hour) * slot;
            let strength = share(*calls, most);
            let fill = if *calls == 0 { Ink(247, 249, 251) } else { mixed(ink, 0.12 + strength * 0.88) };
            sheet.decoration(vec![Shape::Box { x, y, width: slot - 1.0, height: ROW - 1.0, ink: fill }]);
            let (face, ink) = match calls {
                0 => (Face::Regular, Ink(176, 184, 196)),
                _ if strength > 0.7 => (Face::Bold, WHITE),
                _ => (Face::Regular, DARK),
            };
            parts.push(text_cell(sheet, &calls.to_string(), (x, base - 0.4), slot - 1.0, face, ink, false));
        }
        let sum = calls.iter().fold(0_u64, |sum, calls| sum.saturating_add(*calls));
        parts.push(text_cell(sheet, &sum.to_string(), (left + width - SUM, base - 0.4), SUM, Face::Bold, DARK, false));
        rows.push(Part::Group(Tag::TR.into(), parts));
    }
    Part::Group(Tag::Table.into(), rows)
}

/// A cell with its text in the middle.
fn text_cell(sheet: &mut Sheet, text: &str, (x, y): (f32, f32), room: f32, face: Face, ink: Ink, is_header: bool) -> Part {
    let tag = if is_header { TagKind::TH(Tag::TH(TableHeaderScope::Column)) } else { Tag::TD.into() };
    if text.is_empty() {
        return Part::Group(tag, Vec::new());
    }
    let wide = sheet.fonts.width(face, SMALL, text);
    // A number that is too long for its cell is made smaller.
    let size = if wide > room { SMALL * room / wide } else { SMALL };
    let x = x + (room - wide.min(room)) / 2.0;
    let drawn = sheet.text(vec![Shape::Text { x, y, face, size, ink, text: text.to_owned() }]);
    Part::Group(tag, vec![drawn])
}
