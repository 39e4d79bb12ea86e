//! The layout of rows on a terminal: every row is one line, and no line is wider than the terminal.

use unicode_width::{UnicodeWidthChar as _, UnicodeWidthStr as _};

/// Columns stand this far apart.
const GAP: usize = 2;

/// Text that is cut keeps at least this width.
const NARROWEST: usize = 16;

/// Text that a list keeps has this width, or its own, before a column is shown that the list does not keep.
const READABLE: usize = 40;

/// The letters of an id's end by which it is shown where it does not fit.
const END: usize = 8;

/// A column as it is laid out.
pub(super) struct Column {
    pub(super) header: String,
    /// An id or an instant is never cut: what is left of it would say something else, or nothing.
    pub(super) is_whole: bool,
    /// Whether it holds the ids of the rows themselves.
    pub(super) is_own_id: bool,
    /// The place of the column among those that a narrow terminal keeps.
    pub(super) rank: Option<usize>,
    /// The cells that stand below the header, one for each row.
    pub(super) cells: Vec<String>,
}

/// Lines that fit, and the headers of the columns for which there was no room.
pub(super) struct Layout {
    pub(super) lines: Vec<String>,
    pub(super) left_out: Vec<String>,
}

/// Lays rows out below their headers. Wide text is cut first; where that is not enough, a row's own id is shown by its end if the list
/// keeps it, and goes to the end if not. Then columns are left out: those that the list does not keep first, from the right; one always
/// stays. Room that is left goes back to the text that was cut, the dearest column first.
pub(super) fn fit(mut columns: Vec<Column>, room: usize) -> Layout {
    if total(&narrowed(&columns)) > room {
        columns.iter_mut().filter(|column| column.is_own_id && column.rank.is_some()).for_each(Column::shorten);
        columns.sort_by_key(|column| column.is_own_id && column.rank.is_none());
    }
    let wanted: Vec<usize> = columns.iter().map(Column::widest).collect();
    let narrow = if total(&wanted) > room { narrowed(&columns) } else { wanted.clone() };
    let readable: Vec<usize> = columns.iter().zip(narrow.iter().zip(&wanted)).map(readable).collect();
    let mut order: Vec<usize> = (0..columns.len()).collect();
    order.sort_by_key(|place| columns.get(*place).and_then(|column| column.rank).unwrap_or(usize::MAX));
    let kept = columns.iter().filter(|column| column.rank.is_some()).count();
    let of = |widths: &[usize], order: &[usize]| {
        total(&order.iter().filter_map(|place| widths.get(*place).copied()).collect::<Vec<_>>())
    };
    while order.len() > kept.max(1) && of(&readable, &order) > room {
        order.pop();
    }
    while order.len() > 1 && of(&narrow, &order) > room {
        order.pop();
    }
    let mut widths: Vec<Option<usize>> = vec![None; columns.len()];
    let mut spare = room.saturating_sub(of(&narrow, &order));
    for place in order {
        let (Some(width), Some(narrow), Some(wanted)) = (widths.get_mut(place), narrow.get(place), wanted.get(place)) else {
            continue;
        };
        let more = wanted.saturating_sub(*narrow).min(spare);
        *width = Some(narrow + more);
        spare -= more;
    }
    let shown = || columns.iter().zip(&widths).filter_map(|(column, width)| Some((column, (*width)?)));
    let rows = columns.iter().map(|column| column.cells.len()).max().unwrap_or(0);
    let headers = line(shown().map(|(column, width)| (column.header.as_str(), width)));
    let row = |at: usize| line(shown().map(|(column, width)| (column.cells.get(at).map_or("", String::as_str), width)));
    Layout {
        lines: std::iter::once(headers).chain((0..rows).map(row)).collect(),
        left_out: columns
            .iter()
            .zip(&widths)
            .filter(|(_, width)| width.is_none())
            .map(|(column, _)| column.header.clone())
            .collect(),
    }
}

impl Column {
    /// Shows ids by their ends: their beginnings are the time, which rows of one minute share.
    fn shorten(&mut self) {
        for cell in &mut self.cells {
            let end: String = cell.chars().skip(cell.chars().count().saturating_sub(END)).collect();
            *cell = format!("…{end}");
        }
    }

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

/// The width at which a column that the list keeps can be read; others come after it.
fn readable((column, (narrow, wanted)): (&Column, (&usize, &usize))) -> usize {
    if column.rank.is_some() { (*wanted).min(READABLE).max(*narrow) } else { *narrow }
}

fn total(widths: &[usize]) -> usize {
    widths.iter().sum::<usize>() + GAP * widths.len().saturating_sub(1)
}

fn line<'c>(cells: impl Iterator<Item = (&'c str, usize)>) -> String {
    let mut line = String::new();
    for (cell, width) in cells {
        let shown = cut(cell, width);
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
            rank: None,
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

    #[test]
    fn columns_that_a_list_keeps_outlast_the_others() {
        let kept = || {
            let mut columns = columns();
            for (place, header) in ["id", "address"].into_iter().enumerate() {
                columns.iter_mut().filter(|column| column.header == header).for_each(|column| column.rank = Some(place));
            }
            columns
        };
        let layout = fit(kept(), 85);
        assert_eq!(layout.lines[2], "01993b6e-0000-7000-8000-000000000001  水道屋               active  –");
        let layout = fit(kept(), 66);
        assert_eq!(layout.lines[1], "…00000000  Joe's Plumbing and Heating  active  1 Main St, Chicago");
        let layout = fit(kept(), 47);
        assert_eq!(layout.lines[1], "…00000000  Joe's Plumbing …  1 Main St, Chicago");
        assert_eq!(layout.left_out, ["status"]);
        assert_eq!(fit(kept(), 30).lines[..2], ["id         address", "…00000000  1 Main St, Chicago"]);
        assert_eq!(fit(kept(), 5).lines[1], "…00000000", "one always stays");
    }
}
