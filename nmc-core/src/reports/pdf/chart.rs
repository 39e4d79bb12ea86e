//! Bars with two parts, one upon the other.

use super::sheet::{Ink, Shape, Sheet};
use super::text::Face;
use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive;

pub(super) const BLUE: Ink = Ink(43, 98, 166);
pub(super) const ORANGE: Ink = Ink(214, 100, 24);
pub(super) const DARK: Ink = Ink(26, 32, 44);
pub(super) const GRAY: Ink = Ink(90, 100, 116);
pub(super) const PALE: Ink = Ink(222, 227, 234);
pub(super) const WHITE: Ink = Ink(255, 255, 255);

/// The size of the numbers at the bars.
const SMALL: f32 = 7.5;

/// The room at the left for the numbers of the axis, and below for the labels.
const AXIS: f32 = 26.0;
const LABELS: f32 = 14.0;

/// A bar: what was missed stands on the ground, where the eye compares one with another, and upon it what was not.
pub(super) struct Bar {
    pub(super) label: String,
    pub(super) missed: u64,
    pub(super) others: u64,
}

/// The least height of a part that is not nothing.
const LEAST: f32 = 2.0;

impl Bar {
    const fn all(&self) -> u64 {
        self.missed.saturating_add(self.others)
    }
}

/// `part` of `whole` as a length on a scale of 1.
pub(super) fn share(part: u64, whole: u64) -> f32 {
    if whole == 0 { 0.0 } else { (Decimal::from(part) / Decimal::from(whole)).to_f32().unwrap_or_default() }
}

/// A small number as a length.
pub(super) fn length(number: usize) -> f32 {
    u16::try_from(number).map_or(f32::from(u16::MAX), f32::from)
}

/// The steps of an axis up to `most`, at most five: 1, 2 or 5 times a power of ten.
pub(super) fn ticks(most: u64) -> Vec<u64> {
    let most = most.max(1);
    let decades = std::iter::successors(Some(1_u64), |decade| decade.checked_mul(10));
    let mut steps = decades.flat_map(|decade| [1, 2, 5].map(|factor| decade.saturating_mul(factor)));
    let step = steps.find(|step| most.div_ceil(*step) <= 5).unwrap_or(most);
    (0..=most.div_ceil(step)).map(|tick| tick.saturating_mul(step)).collect()
}

/// The shapes of a chart in a room of this size.
pub(super) fn bars(sheet: &Sheet, bars: &[Bar], (left, top): (f32, f32), (width, height): (f32, f32)) -> Vec<Shape> {
    let ticks = ticks(bars.iter().map(Bar::all).max().unwrap_or_default());
    let top_tick = ticks.last().copied().unwrap_or(1);
    let (from, room) = (left + AXIS, width - AXIS);
    let rise = height - LABELS;
    let ground = top + rise;
    let mut shapes = Vec::new();
    for tick in ticks {
        let y = ground - share(tick, top_tick) * rise;
        shapes.push(Shape::Box { x: from, y: y - 0.25, width: room, height: 0.5, ink: PALE });
        let text = tick.to_string();
        let x = from - 5.0 - sheet.fonts.width(Face::Regular, SMALL, &text);
        shapes.push(Shape::Text { x, y: y + 2.6, face: Face::Regular, size: SMALL, ink: GRAY, text });
    }
    let slot = room / length(bars.len().max(1));
    let bar_width = (slot * 0.72).min(46.0);
    let widest = bars.iter().map(|bar| sheet.fonts.width(Face::Regular, SMALL, &bar.label)).fold(0.0, f32::max);
    // Every label, or every second, third, …: as many as have room.
    let every = (1..=bars.len().max(1)).find(|every| length(*every) * slot >= widest + 4.0).unwrap_or(1);
    for (at, bar) in bars.iter().enumerate() {
        let middle = from + slot * (length(at) + 0.5);
        let x = middle - bar_width / 2.0;
        let tall = |part: u64| if part == 0 { 0.0 } else { (share(part, top_tick) * rise).max(LEAST) };
        let (missed, others) = (tall(bar.missed), tall(bar.others));
        let top_of = |height: f32| ground - height;
        shapes.push(Shape::Box { x, y: top_of(missed), width: bar_width, height: missed, ink: ORANGE });
        shapes.push(Shape::Box { x, y: top_of(missed + others), width: bar_width, height: others, ink: BLUE });
        let mut number = |value: u64, y: f32, face: Face, ink: Ink, room: f32| {
            let text = value.to_string();
            let wide = sheet.fonts.width(face, SMALL, &text);
            if value > 0 && wide <= room {
                shapes.push(Shape::Text { x: middle - wide / 2.0, y, face, size: SMALL, ink, text });
            }
        };
        let has_room = |height: f32| height >= SMALL + 3.0;
        // What was missed is told even of the smallest: above the stack, if not within it.
        if has_room(missed) {
            number(bar.missed, top_of(missed) + SMALL + 1.0, Face::Bold, WHITE, bar_width);
        } else {
            number(bar.missed, top_of(missed + others) - 3.0, Face::Bold, ORANGE, slot);
        }
        if has_room(others) {
            number(bar.others, top_of(missed + others) + SMALL + 1.0, Face::Regular, WHITE, bar_width);
        }
        if at % every == 0 {
            let wide = sheet.fonts.width(Face::Regular, SMALL, &bar.label);
            let text = bar.label.clone();
            let y = ground + SMALL + 3.5;
            shapes.push(Shape::Text { x: middle - wide / 2.0, y, face: Face::Regular, size: SMALL, ink: GRAY, text });
        }
    }
    shapes
}

#[cfg(test)]
mod tests {
    use super::ticks;

    #[test]
    fn axis_has_few_round_steps_and_reaches_the_top() {
        assert_eq!(ticks(0), [0, 1]);
        assert_eq!(ticks(5), [0, 1, 2, 3, 4, 5]);
        assert_eq!(ticks(7), [0, 2, 4, 6, 8]);
        assert_eq!(ticks(19), [0, 5, 10, 15, 20]);
        assert_eq!(ticks(43), [0, 10, 20, 30, 40, 50]);
        for most in [1, 99, 100, 101, 12_345, 7_000_001, 1 << 60] {
            let ticks = ticks(most);
            assert!(ticks.len() <= 6 && *ticks.last().unwrap() >= most, "{most}: {ticks:?}");
        }
    }
}
