//! That the PDF of a report says what its JSON says, as `pdftotext` of poppler reads it, which scripts/test-analytics.sh installs.

#[path = "it/reports/sample.rs"]
mod sample;

use nmc_core::TrendDirection;
use nmc_core::chrono::TimeDelta;
use nmc_core::reports::{CsvOptions, Paper, ReportContent, ReportFacts, ReportKind, Textable, display};
use nmc_core::rust_decimal::Decimal;
use std::io::Write as _;
use std::process::{Command, Stdio};

const WEEKDAYS: [&str; 7] = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"];

/// The text of a PDF, with its layout.
fn text(pdf: &[u8]) -> String {
    let mut reader = Command::new("pdftotext")
        .args(["-layout", "-enc", "UTF-8", "-", "-"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("pdftotext of poppler-utils");
    reader.stdin.take().unwrap().write_all(pdf).unwrap();
    let output = reader.wait_with_output().unwrap();
    assert!(output.status.success());
    String::from_utf8(output.stdout).unwrap()
}

/// The line that begins with a label, as words.
fn line<'t>(text: &'t str, label: &str) -> Vec<&'t str> {
    let line = text.lines().find(|line| line.trim_start().starts_with(&format!("{label}  ")));
    line.unwrap_or_else(|| panic!("no line {label} in {text}")).split_whitespace().collect()
}

#[test]
fn pdf_of_a_period_that_goes_on_says_so_far() {
    let mut facts = sample::facts(ReportKind::Weekly, 7);
    facts.computed_at = facts.span.1 - TimeDelta::seconds(1);
    let said = |facts| text(&ReportContent::compose(facts).unwrap().to_pdf(Paper::Letter).unwrap());
    let so_far = said(facts.clone());
    assert!(so_far.contains("(so far)") && so_far.contains("This period is not over"), "{so_far}");
    assert!(!so_far.contains("fewer") && !so_far.contains("▲ 11 more"), "{so_far}");
    facts.computed_at = facts.span.1;
    let over = said(facts);
    assert!(!over.contains("so far") && over.contains("▲ 11 more"), "{over}");
}

/// The text of the PDF that these facts make, a space between words.
fn pdf_of(facts: ReportFacts) -> String {
    let pdf = ReportContent::compose(facts).unwrap().to_pdf(Paper::Letter).unwrap();
    text(&pdf).split_whitespace().collect::<Vec<_>>().join(" ")
}

#[test]
fn pdf_leaves_out_missed_calls_that_no_text_could_follow() {
    let said = |textable| {
        let facts = sample::facts(ReportKind::Weekly, 7);
        pdf_of(ReportFacts { textable: Some(textable), ..facts })
    };
    assert!(!said(Textable { missed: 0, texted: 0, replied: Some(0) }).contains("texted back at once"), "an imported log");
    let some = said(Textable { missed: 4, texted: 3, replied: Some(2) });
    assert!(some.contains("3 of the 4 missed callers who could be texted were texted back at once, and 2 wrote back."), "{some}");
    let none = said(Textable { missed: 4, texted: 0, replied: Some(0) });
    assert!(none.contains("None of the 4 missed callers who could be texted was texted back."), "{none}");
    for (of, words) in [
        ((4, 1, Some(0)), "1 of the 4 missed callers who could be texted was texted back at once, and none wrote back."),
        ((4, 2, None), "2 of the 4 missed callers who could be texted were texted back at once."),
        ((1, 0, Some(0)), "The one missed caller who could be texted was not texted back."),
        ((1, 1, Some(0)), "The one missed caller who could be texted was texted back at once."),
        ((1, 1, Some(1)), "The one missed caller who could be texted was texted back at once, and wrote back."),
    ] {
        let (missed, texted, replied) = of;
        let one = said(Textable { missed, texted, replied });
        assert!(one.contains(words), "{one}");
    }
    let all = said(Textable { missed: 18, texted: 18, replied: Some(7) });
    assert!(all.contains("18 of the callers you missed were texted back at once, and 7 of them wrote back."), "{all}");
}

#[test]
fn pdf_says_what_is_unknown_and_what_stands_out() {
    let cost = |value: &str, previous: Option<&str>| {
        let mut facts = sample::facts(ReportKind::Weekly, 7);
        let kpi = facts.kpis.iter_mut().find(|kpi| kpi.name == "cost_per_text").unwrap();
        (kpi.value, kpi.previous) = (Some(value.parse().unwrap()), previous.map(|previous| previous.parse().unwrap()));
        kpi.trend = Some(TrendDirection::Improving);
        pdf_of(facts)
    };
    assert!(cost("0", Some("0.0079")).contains("Cost per text unknown $0.0079 –"));
    assert!(!cost("0", Some("0")).contains("Cost per text"), "no price is known");
    let quiet = |calls: i64, missed: i64| {
        let mut facts = sample::facts(ReportKind::Daily, 1);
        (facts.hours, facts.numbers, facts.figures_before) = Default::default();
        let counts = [("nmc.calls_inbound", calls), ("nmc.calls_unanswered", missed), ("nmc.calls_texted_back", missed)];
        *facts.figures.values_mut().next().unwrap() =
            counts.into_iter().map(|(name, count)| (name.to_owned(), Decimal::from(count))).collect();
        pdf_of(facts)
    };
    assert!(quiet(2, 2).contains("There were too few calls to tell why they were missed."));
    assert!(quiet(5, 1).contains("Nothing stands out. Keep going."));
    assert!(quiet(3, 3).contains("3 of 3 calls were missed.") && !quiet(3, 3).contains("Nothing stands out"));
    assert!(quiet(0, 0).contains("There are no figures of the day before to compare with."));
}

#[test]
fn pdf_says_what_became_of_calls_neither_answered_nor_missed() {
    for (blocked, failed, words) in [
        (0, 0, ""),
        (1, 0, " 1 was blocked."),
        (2, 0, " 2 were blocked."),
        (0, 1, " 1 could not be connected."),
        (1, 3, " 1 was blocked, and 3 could not be connected."),
        (2, 1, " 2 were blocked, and 1 could not be connected."),
    ] {
        let mut facts = sample::facts(ReportKind::Daily, 1);
        let counts = [
            ("nmc.calls_inbound", 9 + blocked + failed),
            ("nmc.calls_answered", 5),
            ("nmc.calls_unanswered", 4),
            ("nmc.calls_blocked", blocked),
            ("nmc.calls_failed", failed),
        ];
        *facts.figures.values_mut().next().unwrap() =
            counts.into_iter().map(|(name, count)| (name.to_owned(), Decimal::from(count))).collect();
        let pdf = pdf_of(facts).split_whitespace().collect::<Vec<_>>().join(" ");
        let said = format!("Of {} calls, you answered 5 and missed 4.{words} None of the callers", 9 + blocked + failed);
        assert!(pdf.contains(&said), "{said}: {pdf}");
    }
}

#[test]
fn pdf_has_the_weekdays_of_its_period_alone() {
    for (days, rows) in [(2, 2), (6, 6), (7, 7), (12, 7)] {
        let pdf = text(&ReportContent::compose(sample::facts(ReportKind::Custom, days)).unwrap().to_pdf(Paper::Letter).unwrap());
        let is_row = |line: &&str| {
            let day = line.split_whitespace().next().is_some_and(|word| WEEKDAYS.contains(&word));
            day && line.split_whitespace().count() == 26
        };
        assert_eq!(pdf.lines().filter(is_row).count(), 2 * rows, "{days} days: {pdf}");
    }
}

#[test]
fn pdf_and_csv_carry_the_numbers_of_the_json() {
    for (kind, days) in [(ReportKind::Daily, 1), (ReportKind::Weekly, 7), (ReportKind::Monthly, 31), (ReportKind::Custom, 366)] {
        let report = ReportContent::compose(sample::facts(kind, days)).unwrap();
        let pdf = text(&report.to_pdf(Paper::Letter).unwrap());
        let csv = report.to_csv(CsvOptions::default()).unwrap();
        let mut reader = csv::Reader::from_reader(csv.as_slice());
        let rows: Vec<Vec<String>> = reader.records().map(|row| row.unwrap().iter().map(str::to_owned).collect()).collect();
        let cell = |section: &str, name: &str, of: &str, column: usize| -> Option<Decimal> {
            let row = rows.iter().find(|row| (row[0].as_str(), row[1].as_str(), row[3].as_str()) == (section, name, of));
            row.unwrap_or_else(|| panic!("no line {section} {name} {of}"))[column].parse().ok()
        };
        for total in &report.totals {
            let found = (cell("total", &total.name, "", 9), cell("total", &total.name, "", 10));
            assert_eq!(found, (Some(total.value), Some(total.previous)), "{}", total.name);
        }
        for kpi in &report.kpis {
            let found = [9, 10, 11, 12].map(|column| cell("kpi", &kpi.name, "", column));
            assert_eq!(found, [kpi.value, kpi.previous, kpi.target, kpi.variance], "{}", kpi.name);
            if let Some(value) = kpi.value {
                let (_, figures) = pdf.split_once("The figures").unwrap();
                let words = line(figures, &kpi.label);
                for shown in std::iter::once(value).chain(kpi.previous).chain(kpi.target) {
                    let shown = display(shown, &kpi.unit);
                    assert!(words.contains(&shown.as_str()), "{} should say {shown}: {words:?}", kpi.name);
                }
            }
        }
        for entry in &report.numbers {
            let number = entry.number.as_deref().unwrap();
            assert_eq!(cell("number", "nmc.calls_unanswered", number, 9), Some(entry.unanswered.into()));
            let counts = [entry.inbound, entry.answered, entry.unanswered].map(|count| display(count.into(), "calls"));
            assert_eq!(line(&pdf, number)[1..4], counts);
        }
        for name in ["nmc.calls_inbound", "nmc.calls_answered", "nmc.calls_unanswered", "nmc.calls_replied"] {
            let shown = display(report.total(name), "calls");
            assert!(pdf.split_whitespace().any(|word| word == shown), "{name}: {shown}");
        }
        if days > 1 {
            let sums: Vec<_> = pdf.lines().filter(|line| line.trim_start().starts_with("Mon ")).collect();
            let rows = [&report.hours.inbound[0], &report.hours.unanswered[0]];
            let grids: Vec<_> = sums.iter().filter(|line| line.split_whitespace().count() == 26).collect();
            assert_eq!(grids.len(), 2, "{sums:?}");
            for (row, line) in rows.into_iter().zip(grids) {
                let hours = row.iter().chain([&row.iter().sum()]).map(ToString::to_string).collect::<Vec<_>>();
                assert_eq!(line.split_whitespace().skip(1).collect::<Vec<_>>(), hours);
            }
        }
        assert!(pdf.contains(&report.period.title) && pdf.contains("America/Chicago"), "{pdf}");
        assert!(pdf.contains("Page 1 of "));
    }
}
