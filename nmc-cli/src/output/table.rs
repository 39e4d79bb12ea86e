//! The layout of rows on a terminal: every row is one line, and no line is wider than the terminal.

use unicode_width::{UnicodeWidthChar as _, UnicodeWidthStr as _};

/// Columns stand this far apart.
const GAP: usize = 2;

/// Text that is cut keeps at least this width.
const NARROWEST: usize = 16;

/// A column as it is laid out.
pub(super) struct Column {
    pub(super) header: String,
    /// An id or an instant is never cut: what is left of it would say something else, or nothing.
    pub(super) is_whole: bool,
    /// Whether it holds the ids of the rows themselves.
    pub(super) is_own_id: bool,
    /// The cells that stand below the header, one for each row.
    pub(super) cells: Vec<String>,
}

/// Lines that fit, and the headers of the columns for which there was no room.
pub(super) struct Layout {
    pub(super) lines: Vec<String>,
    pub(super) left_out: Vec<String>,
}

/// Lays rows out below their headers. Wide text is cut first; where that is not enough, a row's own id goes to the end, since it is what
/// people read last, and columns are left out from the right; the first always stays. Room that is left then goes back to the text that
/// was cut, from the left.
pub(super) fn fit(mut columns: Vec<Column>, room: usize) -> Layout {
    if total(&narrowed(&columns)) > room {
        columns.sort_by_key(|column| column.is_own_id);
    }
    let wanted: Vec<usize> = columns.iter().map(Column::widest).collect();
    let mut widths = if total(&wanted) > room { narrowed(&columns) } else { wanted.clone() };
    while widths.len() > 1 && total(&widths) > room {
        widths.pop();
    }
    let mut spare = room.saturating_sub(total(&widths));
    for (width, wanted) in widths.iter_mut().zip(&wanted) {
        let more = wanted.saturating_sub(*width).min(spare);
        *width += more;
        spare -= more;
    }
    let rows = columns.iter().map(|column| column.cells.len()).max().unwrap_or(0);
    let headers = line(columns.iter().map(|column| column.header.as_str()), &widths);
    let row = |at: usize| line(columns.iter().map(|column| column.cells.get(at).map_or("", String::as_str)), &widths);
    Layout {
        lines: std::iter::once(headers).chain((0..rows).map(row)).collect(),
        left_out: columns.iter().skip(widths.len()).map(|column| column.header.clone()).collect(),
    }
}

impl Column {
    fn widest(&self) -> usize {
        self.cells.iter().chain([&self.header]).map(|text| text.width()).max().unwrap_or(0)
    }
}

/// The widths of columns whose text is cut.
fn narrowed(columns: &[Column]) -> Vec<usize> {
    let narrow = |column: &Column| {
        let wanted = column.widest();
        if column.is_whole { wanted } else { wanted.min(NARROWEST.max(column.header.width())) }
    };
    columns.iter().map(narrow).collect()
}

fn total(widths: &[usize]) -> usize {
    widths.iter().sum::<usize>() + GAP * widths.len().saturating_sub(1)
}

fn line<'c>(cells: impl Iterator<Item = &'c str>, widths: &[usize]) -> String {
    let mut line = String::new();
    for (cell, width) in cells.zip(widths) {
        let shown = cut(cell, *width);
        line.push_str(&shown);
        line.extend(std::iter::repeat_n(' ', width.saturating_sub(shown.width()) + GAP));
    }
    line.truncate(line.trim_end().len());
    line
}

/// The text, or as much of it as fits with an ellipsis at its end.
pub(crate) fn cut(text: &str, width: usize) -> String {
    if text.width() <= width {
        return text.to_owned();
    }
    let mut room = width.saturating_sub(1);
    let mut shown = String::new();
    for c in text.chars() {
        let Some(left) = room.checked_sub(c.width().unwrap_or(0)) else { break };
        room = left;
        shown.push(c);
    }
    shown.push('…');
    shown
}

#[cfg(test)]
mod tests {
    use super::{Column, fit};

    fn columns() -> Vec<Column> {
        let column = |header: &str, is_own_id, cells: [&str; 2]| Column {
            header: header.to_owned(),
            is_whole: is_own_id,
            is_own_id,
            cells: cells.map(str::to_owned).to_vec(),
        };
        vec![
            column("id", true, ["01993b6e-0000-7000-8000-000000000000", "01993b6e-0000-7000-8000-000000000001"]),
            column("name", false, ["Joe's Plumbing and Heating", "水道屋"]),
            column("status", false, ["active", "active"]),
            column("address", false, ["1 Main St, Chicago", "–"]),
        ]
    }

    #[test]
    fn table_with_room_enough_is_whole_and_aligned() {
        let layout = fit(columns(), 200);
        assert_eq!(
            layout.lines,
            [
                "id                                    name                        status  address",
                "01993b6e-0000-7000-8000-000000000000  Joe's Plumbing and Heating  active  1 Main St, Chicago",
                "01993b6e-0000-7000-8000-000000000001  水道屋                      active  –",
            ]
        );
        assert!(layout.left_out.is_empty());
    }

    #[test]
    fn table_on_a_narrow_terminal_cuts_text_then_leaves_ids_out() {
        let layout = fit(columns(), 85);
        assert_eq!(layout.lines[1], "01993b6e-0000-7000-8000-000000000000  Joe's Plumbing and H…  active  1 Main St, Chic…");
        assert!(layout.left_out.is_empty());
        let layout = fit(columns(), 66);
        assert_eq!(layout.lines[1], "Joe's Plumbing and Heating  active  1 Main St, Chicago");
        assert_eq!(layout.left_out, ["id"]);
        let layout = fit(columns(), 30);
        assert_eq!(layout.lines[1], "Joe's Plumbing and He…  active");
        assert_eq!(layout.left_out, ["address", "id"]);
    }

    #[test]
    fn id_is_whole_or_not_there() {
        for room in 0..100 {
            let layout = fit(columns(), room);
            let is_whole = layout.lines[1].contains("01993b6e-0000-7000-8000-000000000000");
            assert!(is_whole != layout.left_out.iter().any(|header| header == "id"), "{room}");
        }
    }
}
