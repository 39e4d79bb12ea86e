//! What the pages say of figures: sentences, rows of tables, and the colors of what is good or bad.

use super::chart::GRAY;
use super::sheet::Ink;
use super::table::{Cell, Column};
use super::text::Face;
use super::words;
use crate::TrendDirection;
use crate::reports::content::{Better, KpiEntry, ReportContent, Textable};
use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive;

const GOOD: Ink = Ink(34, 110, 70);
const BAD: Ink = Ink(176, 42, 32);

/// What happened, in a few sentences.
pub(super) fn summary(report: &ReportContent) -> String {
    let count = |figure: &str| report.total(figure).to_u64().unwrap_or_default();
    let show = |name| words::display(report.total(name), "calls");
    let (calls, missed) = (count("nmc.calls_inbound"), count("nmc.calls_unanswered"));
    let mut text = match calls {
        0 => "Nobody called in this period.".to_owned(),
        1 => format!("There was 1 call, and {}.", if missed == 0 { "you missed none" } else { "you missed it" }),
        _ if missed == 0 => format!("There were {} calls, and you missed none.", show("nmc.calls_inbound")),
        _ => {
            let (calls, answered) = (show("nmc.calls_inbound"), show("nmc.calls_answered"));
            format!("Of {calls} calls, you answered {answered} and missed {}.", show("nmc.calls_unanswered"))
        }
    };
    text.push_str(&neither(&show, count("nmc.calls_blocked"), count("nmc.calls_failed")));
    if missed > 0 {
        text.push_str(&texted(report, missed));
    }
    let revenue = report.total("nmc.revenue_unanswered");
    if revenue > Decimal::ZERO {
        text.push_str(&format!(" Missed calls brought {} of work after all.", words::display(revenue, "USD")));
    }
    text
}

/// The calls that were neither answered nor missed: without them the others don't add up.
fn neither(show: &impl Fn(&'static str) -> String, blocked: u64, failed: u64) -> String {
    let (of_blocked, of_failed) = (show("nmc.calls_blocked"), show("nmc.calls_failed"));
    match (blocked, failed) {
        (0, 0) => String::new(),
        (1, 0) => " 1 was blocked.".to_owned(),
        (_, 0) => format!(" {of_blocked} were blocked."),
        (0, _) => format!(" {of_failed} could not be connected."),
        (1, _) => format!(" 1 was blocked, and {of_failed} could not be connected."),
        _ => format!(" {of_blocked} were blocked, and {of_failed} could not be connected."),
    }
}

/// How many of those who were missed got a text. Calls after which none could go out, as those of an imported log, are left out.
fn texted(report: &ReportContent, missed: u64) -> String {
    let show = |count: u64| words::display(count.into(), "calls");
    match report.textable.filter(|textable| textable.missed < missed) {
        None => match report.total("nmc.calls_texted_back") {
            none if none.is_zero() => " None of the callers you missed was texted back.".to_owned(),
            texted => {
                let texted = words::display(texted, "calls");
                let replied = words::display(report.total("nmc.calls_replied"), "calls");
                format!(" {texted} of the callers you missed were texted back at once, and {replied} of them wrote back.")
            }
        },
        Some(Textable { missed: 0, .. }) => String::new(),
        Some(Textable { missed: 1, texted: 0, .. }) => {
            " The one missed caller who could be texted was not texted back.".to_owned()
        }
        Some(Textable { missed, texted: 0, .. }) => {
            format!(" None of the {} missed callers who could be texted was texted back.", show(missed))
        }
        Some(Textable { missed: 1, replied, .. }) => {
            let replied = if replied.is_some_and(|replied| replied > 0) { ", and wrote back" } else { "" };
            format!(" The one missed caller who could be texted was texted back at once{replied}.")
        }
        Some(Textable { missed, texted, replied }) => {
            let (were, show_texted) = (if texted == 1 { "was" } else { "were" }, show(texted));
            let replied = match replied {
                None => String::new(),
                Some(0) => ", and none wrote back".to_owned(),
                Some(replied) => format!(", and {} wrote back", show(replied)),
            };
            format!(
                " {show_texted} of the {} missed callers who could be texted {were} texted back at once{replied}.",
                show(missed)
            )
        }
    }
}

/// Columns by their titles and shares of the width. All but the first hold numbers.
pub(super) fn columns(titles: &[(&str, f32)]) -> Vec<Column> {
    let column = |(place, (title, share)): (usize, &(&str, f32))| Column {
        title: (*title).to_owned(),
        share: *share,
        is_number: place > 0,
    };
    titles.iter().enumerate().map(column).collect()
}

/// A row of the table of key figures.
pub(super) fn kpi_row(kpi: &KpiEntry, has_targets: bool) -> Vec<Cell> {
    let shown = |value: Option<Decimal>| Cell::plain(kpi.shown(value));
    // What is not known is neither more nor less, and misses no target.
    let known = |value: &Decimal| !kpi.is_unknown(*value);
    let (value, previous) = (kpi.value.filter(known), kpi.previous.filter(known));
    let trend = kpi.trend.filter(|_| value.is_some() && previous.is_some());
    let arrow = match value.zip(previous).filter(|_| trend.is_some()) {
        Some((value, previous)) if value > previous => "▲ ",
        Some((value, previous)) if value < previous => "▼ ",
        _ => "",
    };
    let (word, ink) = match trend {
        Some(TrendDirection::Improving) => ("better", GOOD),
        Some(TrendDirection::Declining) => ("worse", BAD),
        Some(TrendDirection::Stable) => ("same", GRAY),
        Some(TrendDirection::Up) => ("more", GRAY),
        Some(TrendDirection::Down) => ("less", GRAY),
        None => ("–", GRAY),
    };
    let change = Cell { text: format!("{arrow}{word}"), ink, face: Face::Regular };
    let mut row = vec![Cell::plain(kpi.label.clone()), shown(kpi.value), shown(kpi.previous), change];
    if has_targets {
        row.push(Cell::plain(kpi.target.map_or_else(|| "–".to_owned(), |target| words::display(target, &kpi.unit))));
        let off =
            kpi.variance.filter(|_| value.is_some()).map_or_else(|| "–".to_owned(), |variance| words::display(variance, "%"));
        row.push(Cell::plain(off));
    }
    row
}

/// A difference of a count in words, and the color of what it means.
pub(super) fn change(difference: Decimal, better: Better) -> (String, Ink) {
    let ink = |is_good| if is_good { GOOD } else { BAD };
    let size = words::display(difference.abs(), "calls");
    if difference.is_zero() {
        ("as many as before".to_owned(), GRAY)
    } else if difference > Decimal::ZERO {
        (format!("▲ {size} more"), ink(better == Better::More))
    } else {
        (format!("▼ {size} fewer"), ink(better == Better::Fewer))
    }
}

/// The two lines at the foot of a page: what it is of, and how and when it was computed.
pub(super) fn footer(report: &ReportContent) -> (String, String) {
    let at = match report.zone.parse::<chrono_tz::Tz>() {
        Ok(zone) => report.computed_at.with_timezone(&zone).format("%B %-d, %Y at %-I:%M %P").to_string(),
        Err(_) => report.computed_at.format("%B %-d, %Y at %-I:%M %P UTC").to_string(),
    };
    let (zone, version) = (&report.zone, report.formula_version);
    (
        format!("{} · {}", report.business, report.heading()),
        format!("Times in {zone}. Computed on {at} by version {version} of the formulas. NeverMissCall"),
    )
}
