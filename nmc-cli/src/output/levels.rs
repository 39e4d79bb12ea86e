//! Numbers as levels, for a terminal: a sparkline, and a map of the hours of a week.

use super::Letters;
use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive as _;

/// How wide a map of a week is: a margin, and two letters for each hour.
const MAP_WIDTH: usize = 5 + 2 * 24;

/// The letter of a value among levels. Nothing has the first one to itself, so that little is not taken for nothing.
fn level(letters: &[char], value: Decimal, most: Decimal) -> char {
    let last = letters.len().saturating_sub(1);
    let share = (value * Decimal::from(last)).checked_div(most).unwrap_or_default();
    let place = share.ceil().to_usize().unwrap_or(0).min(last);
    letters.get(place).copied().unwrap_or(' ')
}

/// Values side by side, a letter each.
pub(crate) fn sparkline(values: &[Decimal], letters: Letters) -> String {
    let most = values.iter().max().copied().unwrap_or_default();
    values.iter().map(|value| level(letters.bars(), *value, most)).collect()
}

/// The hours of a week, a line for each day, from Monday on, below a line with the hours; none wider than this, and none at all where that
/// is too narrow, or where there is nothing.
pub(crate) fn heat_map(week: &[[Decimal; 24]], width: usize, letters: Letters) -> Vec<String> {
    const DAYS: [&str; 7] = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"];
    let most = week.iter().flatten().max().copied().unwrap_or_default();
    if width < MAP_WIDTH || most.is_zero() {
        return Vec::new();
    }
    let hours: Vec<String> = (0..24).step_by(2).map(|hour| format!("{hour:02}  ")).collect();
    let day = |(name, hours): (&&str, &[Decimal; 24])| {
        let cells = hours.iter().map(|value| level(letters.shades(), *value, most));
        format!("{name}  {}", cells.flat_map(|cell| [cell, cell]).collect::<String>())
    };
    let first = format!("     {}", hours.concat().trim_end());
    std::iter::once(first).chain(DAYS.iter().zip(week).map(day)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn numbers(values: &[i64]) -> Vec<Decimal> {
        values.iter().map(|value| Decimal::from(*value)).collect()
    }

    #[test]
    fn sparkline_goes_from_nothing_to_the_most() {
        assert_eq!(sparkline(&numbers(&[0, 1, 50, 100]), Letters::Unicode), "▁▂▅█");
        assert_eq!(sparkline(&numbers(&[0, 1, 50, 100]), Letters::Ascii), "_.=#");
        assert_eq!(sparkline(&numbers(&[0, 0]), Letters::Ascii), "__");
        assert_eq!(sparkline(&[], Letters::Ascii), "");
    }

    #[test]
    fn map_of_a_week_has_a_line_for_each_day() {
        let mut week = [[Decimal::ZERO; 24]; 7];
        week[6][23] = Decimal::from(7);
        week[0][0] = Decimal::ONE;
        let lines = heat_map(&week, 80, Letters::Ascii);
        assert_eq!(lines.len(), 8);
        assert_eq!(lines[0], "     00  02  04  06  08  10  12  14  16  18  20  22");
        assert_eq!(lines[1], format!("Mon  --{}", ".".repeat(46)));
        assert_eq!(lines[7], format!("Sun  {}##", ".".repeat(46)));
        assert!(lines.iter().all(|line| line.chars().count() <= MAP_WIDTH));
        assert!(heat_map(&week, MAP_WIDTH - 1, Letters::Ascii).is_empty(), "too narrow");
        assert!(heat_map(&[[Decimal::ZERO; 24]; 7], 80, Letters::Ascii).is_empty(), "nothing");
    }
}
