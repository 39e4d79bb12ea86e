//! A small plot for a terminal: values over time, with a threshold, and when alerts were open.

use chrono::{DateTime, Utc};
use nmc_core::Timezone;
use nmc_core::alerts::Sample;
use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive as _;

/// Lines of the plot itself.
const ROWS: usize = 8;

/// Narrower than this there is nothing to see.
const NARROWEST: usize = 24;

/// What is plotted.
pub(crate) struct Plot<'a> {
    pub(crate) from: DateTime<Utc>,
    pub(crate) until: DateTime<Utc>,
    pub(crate) zone: Timezone,
    pub(crate) samples: &'a [Sample],
    pub(crate) threshold: Decimal,
    /// The spans in which an alert was open.
    pub(crate) open: &'a [(DateTime<Utc>, DateTime<Utc>)],
}

/// The letters that a plot is made of.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Letters {
    /// Braille, of which each letter holds two by four dots.
    Unicode,
    /// For a terminal that knows no others.
    Ascii,
}

impl Letters {
    /// The letters that the locale knows: the first variable that is set tells.
    pub(crate) fn of_locale() -> Self {
        let set = |name| std::env::var(name).ok().filter(|locale: &String| !locale.is_empty());
        let locale = ["LC_ALL", "LC_CTYPE", "LANG"].into_iter().find_map(set).unwrap_or_default().to_ascii_lowercase();
        if ["utf-8", "utf8"].iter().any(|charset| locale.ends_with(charset)) { Self::Unicode } else { Self::Ascii }
    }

    /// The dots of a letter, across and down.
    const fn dots(self) -> (usize, usize) {
        match self {
            Self::Unicode => (2, 4),
            Self::Ascii => (1, 1),
        }
    }

    /// The letter with these of its dots, from the left and the top; `None` without any.
    fn letter(self, dots: impl Iterator<Item = (usize, usize)>) -> Option<char> {
        let bit = |(across, down)| match (across, down) {
            (0, 3) => 0x40,
            (_, 3) => 0x80,
            (across, down) => 1_u32 << (3 * across + down),
        };
        match (self, dots.fold(0, |bits, dot| bits | bit(dot))) {
            (_, 0) => None,
            (Self::Unicode, bits) => char::from_u32(0x2800 + bits),
            (Self::Ascii, _) => Some('*'),
        }
    }

    /// Levels from nothing to the most, one letter each: bars of a sparkline.
    pub(super) const fn bars(self) -> &'static [char] {
        match self {
            Self::Unicode => &['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'],
            Self::Ascii => &['_', '.', ':', '-', '=', '+', '*', '#'],
        }
    }

    /// Levels from nothing to the most: shades of a map.
    pub(super) const fn shades(self) -> &'static [char] {
        match self {
            Self::Unicode => &['·', '░', '▒', '▓', '█'],
            Self::Ascii => &['.', '-', '+', '*', '#'],
        }
    }

    /// The threshold, the axis, and an alert that is open.
    const fn marks(self) -> (char, char, char) {
        match self {
            Self::Unicode => ('┄', '┤', '▀'),
            Self::Ascii => ('-', '|', '#'),
        }
    }
}

impl Plot<'_> {
    /// The lines of the plot, none wider than this; none at all where that is too narrow, or nothing was measured.
    pub(crate) fn lines(&self, width: usize, letters: Letters) -> Vec<String> {
        let Some((low, high)) = self.range() else { return Vec::new() };
        let [low_label, high_label, threshold_label] = [low, high, self.threshold].map(|value| value.normalize().to_string());
        let margin = ["alert", &low_label, &high_label, &threshold_label].iter().map(|label| label.len()).max().unwrap_or(0);
        let room = width.saturating_sub(margin + 2);
        if room < NARROWEST {
            return Vec::new();
        }
        let ((across, down), (dashes, axis, open)) = (letters.dots(), letters.marks());
        let level = |value: Decimal| {
            let levels = ROWS * down - 1;
            let share = (value - low) * Decimal::from(levels) / (high - low);
            levels - share.round().to_usize().unwrap_or(0).min(levels)
        };
        // The highest and the lowest dot of each column, from the top.
        let mut columns: Vec<Option<(usize, usize)>> = vec![None; room * across];
        for sample in self.samples {
            let dot = level(sample.value);
            if let Some(column) = columns.get_mut(self.place(sample.at, room * across)) {
                let (top, bottom) = column.unwrap_or((dot, dot));
                *column = Some((top.min(dot), bottom.max(dot)));
            }
        }
        let threshold_row = level(self.threshold) / down;
        let mut lines = Vec::new();
        for row in 0..ROWS {
            let label = match row {
                row if row == threshold_row => threshold_label.as_str(),
                0 => &high_label,
                row if row == ROWS - 1 => &low_label,
                _ => "",
            };
            let background = if row == threshold_row { dashes } else { ' ' };
            let cells = columns.chunks(across).map(|columns| {
                let is_in =
                    |column: &Option<(usize, usize)>, dot| column.is_some_and(|(top, bottom)| (top..=bottom).contains(&dot));
                let of_column =
                    |(at, column)| (0..down).filter(move |dot| is_in(column, row * down + dot)).map(move |dot| (at, dot));
                letters.letter(columns.iter().enumerate().flat_map(of_column)).unwrap_or(background)
            });
            lines.push(format!("{label:>margin$} {axis}{}", cells.collect::<String>()));
        }
        let spans: Vec<_> = self.open.iter().map(|(from, until)| self.place(*from, room)..=self.place(*until, room)).collect();
        let is_open = |column: &usize| spans.iter().any(|span| span.contains(column));
        lines.push(format!(
            "{:>margin$}  {}",
            "alert",
            (0..room).map(|column| if is_open(&column) { open } else { ' ' }).collect::<String>()
        ));
        let [from, until] = [self.from, self.until].map(|at| at.with_timezone(&self.zone.tz()).format("%m-%d %H:%M").to_string());
        let gap = room.saturating_sub(from.len() + until.len());
        lines.push(format!("{:margin$}  {from}{:gap$}{until}", "", ""));
        lines.iter().map(|line| line.trim_end().to_owned()).collect()
    }

    /// The lowest and the highest figure of the plot, never the same. Where it makes no great difference, the lowest is 0.
    fn range(&self) -> Option<(Decimal, Decimal)> {
        let values = || self.samples.iter().map(|sample| sample.value);
        let (low, high) = (values().min()?.min(self.threshold), values().max()?.max(self.threshold));
        let low = if low > Decimal::ZERO && low + low <= high { Decimal::ZERO } else { low };
        Some(if low == high { (low - Decimal::ONE, high + Decimal::ONE) } else { (low, high) })
    }

    /// The column of an instant, of so many.
    fn place(&self, at: DateTime<Utc>, columns: usize) -> usize {
        let (since, whole) = ((at - self.from).num_seconds().max(0), (self.until - self.from).num_seconds().max(1));
        let place = i64::try_from(columns).unwrap_or(0).saturating_mul(since) / whole;
        usize::try_from(place).unwrap_or(0).min(columns.saturating_sub(1))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use chrono::TimeDelta;

    fn lines(values: &[i64], threshold: i64, width: usize, letters: Letters) -> Vec<String> {
        let from: DateTime<Utc> = "2026-07-04T05:00:00Z".parse().expect("an instant");
        let minute = |at: usize| from + TimeDelta::minutes(i64::try_from(at).expect("few"));
        let samples: Vec<Sample> =
            values.iter().enumerate().map(|(at, value)| Sample { at: minute(at), value: Decimal::from(*value) }).collect();
        let plot = Plot {
            from,
            until: minute(values.len()),
            zone: "America/Chicago".parse().expect("a zone"),
            samples: &samples,
            threshold: threshold.into(),
            open: &[(minute(8), minute(16))],
        };
        plot.lines(width, letters)
    }

    const STEP: [i64; 24] = [0, 0, 0, 0, 0, 0, 0, 0, 14, 14, 14, 14, 14, 14, 14, 14, 0, 0, 0, 0, 0, 0, 0, 0];

    #[test]
    fn plot_in_ascii_marks_values_threshold_and_alerts() {
        assert_eq!(
            lines(&STEP, 6, 31, Letters::Ascii),
            [
                "   14 |        ********",
                "      |",
                "      |",
                "      |",
                "    6 |------------------------",
                "      |",
                "      |",
                "    0 |********        ********",
                "alert          #########",
                "       07-04 00:00  07-04 00:24",
            ]
        );
    }

    #[test]
    fn plot_in_braille_has_two_by_four_dots_a_letter() {
        let shown = lines(&STEP, 6, 31, Letters::Unicode);
        assert_eq!(shown[0], "   14 ┤        ⠉⠉⠉⠉⠉⠉⠉⠉".replace("⠉⠉", "⠁⠁"), "a value each minute, a dot in every second column");
        assert!(shown[4].starts_with("    6 ┤┄┄┄┄") && shown[7].starts_with("    0 ┤⡀⡀⡀"), "{shown:#?}");
        assert!(shown[8].ends_with("▀▀▀▀▀▀▀▀▀"), "{shown:#?}");
    }

    #[test]
    fn plot_is_never_wider_than_the_terminal() {
        for width in 0..120 {
            for line in lines(&STEP, 6, width, Letters::Unicode) {
                assert!(line.chars().count() <= width, "{width}: {line}");
            }
        }
        assert_eq!(lines(&STEP, 6, 30, Letters::Ascii), Vec::<String>::new(), "too narrow");
        assert_eq!(lines(&[], 6, 80, Letters::Ascii), Vec::<String>::new(), "nothing was measured");
    }

    #[test]
    fn plot_of_one_value_at_the_threshold_has_a_middle() {
        let shown = lines(&[5; 24], 5, 31, Letters::Ascii);
        assert_eq!((&*shown[0], &*shown[3], &*shown[7]), ("    6 |", "    5 |************************", "    4 |"));
    }
}
