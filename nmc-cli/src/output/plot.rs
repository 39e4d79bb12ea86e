//! A small plot for a terminal: values over time, with a threshold, and when alerts were open.

use chrono::{DateTime, NaiveTime, Utc};
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

/// The end of a span on a clock there: at midnight it is the end of the day before, as whoever named that day has typed it.
pub(crate) fn end_on_clock(until: DateTime<Utc>, zone: Timezone, day: &str) -> String {
    let at = until.with_timezone(&zone.tz());
    match at.date_naive().pred_opt() {
        Some(before) if at.time() == NaiveTime::MIN => format!("{} 24:00", before.format(day)),
        _ => format!("{} {}", at.format(day), at.format("%H:%M")),
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
        // A value holds until the next one, where that comes about when it should: gaps stay gaps.
        let usual = self.usual_gap();
        for (sample, next) in self.samples.iter().zip(self.samples.iter().skip(1)) {
            if (next.at - sample.at).num_seconds() > usual.saturating_mul(2) {
                continue;
            }
            let dot = level(sample.value);
            let (first, end) = (self.place(sample.at, room * across) + 1, self.place(next.at, room * across));
            for column in columns.iter_mut().take(end).skip(first) {
                column.get_or_insert((dot, dot));
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
        let from = self.from.with_timezone(&self.zone.tz()).format("%m-%d %H:%M").to_string();
        let until = end_on_clock(self.until, self.zone, "%m-%d");
        let gap = room.saturating_sub(from.len() + until.len());
        lines.push(format!("{:margin$}  {from}{:gap$}{until}", "", ""));
        lines.iter().map(|line| line.trim_end().to_owned()).collect()
    }

    /// The seconds from one value to the next, as they are most often: the middle of all.
    fn usual_gap(&self) -> i64 {
        let pairs = self.samples.iter().zip(self.samples.iter().skip(1));
        let mut gaps: Vec<i64> = pairs.map(|(sample, next)| (next.at - sample.at).num_seconds()).collect();
        gaps.sort_unstable();
        gaps.get(gaps.len() / 2).copied().unwrap_or(0)
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
        assert_eq!(shown[0], "   14 ┤        ⠉⠉⠉⠉⠉⠉⠉⠉", "a value each minute, which holds until the next");
        assert!(shown[4].starts_with("    6 ┤┄┄┄┄") && shown[7].starts_with("    0 ┤⣀⣀⣀"), "{shown:#?}");
        assert!(shown[8].ends_with("▀▀▀▀▀▀▀▀▀"), "{shown:#?}");
    }

    #[test]
    fn values_that_come_seldom_make_a_line_and_gaps_stay() {
        let from: DateTime<Utc> = "2026-07-04T05:00:00Z".parse().expect("an instant");
        let at = |minute| Sample { at: from + TimeDelta::minutes(minute), value: Decimal::ONE };
        let samples = [at(0), at(6), at(12), at(36), at(42)];
        let zone = "America/Chicago".parse().expect("a zone");
        let until = from + TimeDelta::minutes(24 * 60);
        let plot =
            Plot { from, until: from + TimeDelta::minutes(48), zone, samples: &samples, threshold: Decimal::ZERO, open: &[] };
        assert_eq!(plot.lines(31, Letters::Ascii)[0], "    1 |*******           ****");
        assert_eq!(end_on_clock(until, zone, "%Y-%m-%d"), "2026-07-04 24:00");
        assert_eq!(end_on_clock(from + TimeDelta::minutes(1), zone, "%m-%d"), "07-04 00:01");
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
