//! Tables of text.

use super::chart::{DARK, GRAY, PALE, length};
use super::sheet::{Ink, Part, Shape, Sheet};
use super::text::Face;
use krilla::tagging::{TableHeaderScope, Tag, TagKind};

pub(super) const ROW: f32 = 14.5;
const SIZE: f32 = 8.5;

/// A column: its title, its share of the width, and whether it holds numbers, which stand at the right.
pub(super) struct Column {
    pub(super) title: String,
    pub(super) share: f32,
    pub(super) is_number: bool,
}

/// A cell.
pub(super) struct Cell {
    pub(super) text: String,
    pub(super) ink: Ink,
    pub(super) face: Face,
}

impl Cell {
    pub(super) const fn plain(text: String) -> Self {
        Self { text, ink: DARK, face: Face::Regular }
    }
}

/// The height of a table of so many rows.
pub(super) fn height(rows: usize) -> f32 {
    ROW * (length(rows) + 1.0)
}

/// Draws the table on the last page.
pub(super) fn draw(sheet: &mut Sheet, columns: &[Column], rows: &[Vec<Cell>], (left, top): (f32, f32), width: f32) -> Part {
    let mut header = Vec::new();
    let mut x = left;
    for column in columns {
        let cell = Cell { text: column.title.clone(), ink: GRAY, face: Face::Bold };
        let tag = TagKind::TH(Tag::TH(TableHeaderScope::Column));
        header.push(cell_part(sheet, tag, column, &cell, (x, top), width * column.share));
        x += width * column.share;
    }
    let mut parts = vec![Part::Group(Tag::TR.into(), header)];
    for (at, row) in rows.iter().enumerate() {
        let y = top + ROW * (length(at) + 1.0);
        sheet.decoration(vec![Shape::Box { x: left, y, width, height: 0.5, ink: PALE }]);
        let mut cells = Vec::new();
        let mut x = left;
        for (place, (column, cell)) in columns.iter().zip(row).enumerate() {
            let tag = if place == 0 { TagKind::TH(Tag::TH(TableHeaderScope::Row)) } else { Tag::TD.into() };
            cells.push(cell_part(sheet, tag, column, cell, (x, y), width * column.share));
            x += width * column.share;
        }
        parts.push(Part::Group(Tag::TR.into(), cells));
    }
    Part::Group(Tag::Table.into(), parts)
}

fn cell_part(sheet: &mut Sheet, tag: TagKind, column: &Column, cell: &Cell, (x, y): (f32, f32), room: f32) -> Part {
    let text = sheet.fonts.fitted(cell.face, SIZE, &cell.text, room - 6.0);
    if text.is_empty() {
        return Part::Group(tag, Vec::new());
    }
    let x = if column.is_number { x + room - sheet.fonts.width(cell.face, SIZE, &text) } else { x };
    let drawn = sheet.text(vec![Shape::Text { x, y: y + 10.2, face: cell.face, size: SIZE, ink: cell.ink, text }]);
    Part::Group(tag, vec![drawn])
}
